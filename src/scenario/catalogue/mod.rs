//! What scenarios can name: protocols, ledgers, workloads and networks, each with settings of its own.
//!
//! A [`Catalogue`] is a value. The program fills one with what it comes with ([`Catalogue::standard`]), and a crate that
//! brings something of its own adds it by the same calls. Whatever reads, describes, builds or searches scenarios is handed
//! a catalogue, and knows no protocol by name.

mod entry;
mod model;

pub use entry::ProtocolEntry;
pub(super) use entry::{Entry, Settings};
pub use model::{Clients, LatencyModel, LedgerModel, NetworkModel, Site, TopologyModel, WorkloadModel};

use super::model::choice::{Model, Open as _, reread};
use super::{GenericAttack, Latency, Topology, Workload};
use crate::ledger::account::AccountLedger;
use crate::ledger::utxo::UtxoLedger;
use crate::protocol::Protocol;
use std::collections::BTreeMap;

/// Protocols, ledgers, workloads and networks by the names that they have in scenarios.
///
/// ```
/// use ledgerlab::Catalogue;
///
/// let catalogue = Catalogue::standard();
/// assert!(catalogue.protocol("pbft").is_some());
/// let names: Vec<&str> = catalogue.protocols().map(|protocol| protocol.name).collect();
/// assert!(names.is_sorted());
/// ```
#[derive(Clone, Debug)]
pub struct Catalogue {
    protocols: BTreeMap<&'static str, ProtocolEntry>,
    ledgers: Models<dyn LedgerModel>,
    workloads: Models<dyn WorkloadModel>,
    latencies: Models<dyn LatencyModel>,
    topologies: Models<dyn TopologyModel>,
    networks: Models<dyn NetworkModel>,
}

/// The models of one kind.
pub(super) type Models<M> = BTreeMap<&'static str, Entry<M>>;

/// A name that a catalogue cannot take.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{name}` cannot name a {kind}: {reason}")]
pub struct NameError {
    /// What was to be called so.
    pub kind: &'static str,
    /// The name.
    pub name: &'static str,
    /// Why not.
    pub reason: String,
}

impl Catalogue {
    /// A catalogue with the ledgers, workloads and networks that scenarios know by themselves, and no protocol.
    ///
    /// # Panics
    /// Never: these have names of their own.
    #[must_use]
    pub fn without_protocols() -> Catalogue {
        let mut catalogue = Catalogue {
            protocols: BTreeMap::new(),
            ledgers: BTreeMap::new(),
            workloads: BTreeMap::new(),
            latencies: BTreeMap::new(),
            topologies: BTreeMap::new(),
            networks: BTreeMap::new(),
        };
        let added = catalogue.add_ledger::<AccountLedger>().and_then(Catalogue::add_ledger::<UtxoLedger>);
        added.expect("ledgers have names of their own");
        catalogue
    }

    /// Adds a protocol: `chain.protocol`.
    ///
    /// # Errors
    /// If its name is taken or no word, or an attack of it is called as one that the nodes of every protocol can play.
    pub fn add_protocol<P: Protocol>(&mut self) -> Result<&mut Catalogue, NameError> {
        for (name, _) in P::ATTACKS {
            if GenericAttack::of_word(name).is_some() {
                let reason = format!("the nodes of every protocol can play it, not only those of `{}`", P::NAME);
                return Err(NameError { kind: "protocol's attack", name, reason });
            }
        }
        add(&mut self.protocols, "protocol", &[], P::NAME, ProtocolEntry::of::<P>())?;
        Ok(self)
    }
    /// Adds a ledger: `chain.ledger`.
    ///
    /// # Errors
    /// If its name is taken or no word.
    pub fn add_ledger<L: Model + LedgerModel>(&mut self) -> Result<&mut Catalogue, NameError> {
        add_model::<L, _>(&mut self.ledgers, "ledger", &[], |settings| Box::new(reread::<L>(settings)))?;
        Ok(self)
    }
    /// Adds a workload: `workload`.
    ///
    /// # Errors
    /// If its name is taken or no word.
    pub fn add_workload<W: Model + WorkloadModel>(&mut self) -> Result<&mut Catalogue, NameError> {
        add_model::<W, _>(&mut self.workloads, "workload", Workload::WORDS, |settings| {
            Box::new(reread::<W>(settings))
        })?;
        Ok(self)
    }
    /// Adds one-way delays: `chain.network.latency`.
    ///
    /// # Errors
    /// If their name is taken or no word.
    pub fn add_latency<D: Model + LatencyModel>(&mut self) -> Result<&mut Catalogue, NameError> {
        add_model::<D, _>(&mut self.latencies, "latency", Latency::WORDS, |settings| Box::new(reread::<D>(settings)))?;
        Ok(self)
    }
    /// Adds a graph: `chain.network.topology`.
    ///
    /// # Errors
    /// If its name is taken or no word.
    pub fn add_topology<T: Model + TopologyModel>(&mut self) -> Result<&mut Catalogue, NameError> {
        add_model::<T, _>(&mut self.topologies, "topology", Topology::WORDS, |settings| {
            Box::new(reread::<T>(settings))
        })?;
        Ok(self)
    }
    /// Adds a whole network: `chain.network.model`.
    ///
    /// # Errors
    /// If its name is taken or no word.
    pub fn add_network<N: Model + NetworkModel>(&mut self) -> Result<&mut Catalogue, NameError> {
        add_model::<N, _>(&mut self.networks, "network", &[], |settings| Box::new(reread::<N>(settings)))?;
        Ok(self)
    }

    /// The protocols, in order of name.
    pub fn protocols(&self) -> impl Iterator<Item = &ProtocolEntry> {
        self.protocols.values()
    }
    /// The protocol called `name`.
    #[must_use]
    pub fn protocol(&self, name: &str) -> Option<&ProtocolEntry> {
        self.protocols.get(name)
    }
    pub(super) fn ledgers(&self) -> &Models<dyn LedgerModel> {
        &self.ledgers
    }
    pub(super) fn workloads(&self) -> &Models<dyn WorkloadModel> {
        &self.workloads
    }
    pub(super) fn latencies(&self) -> &Models<dyn LatencyModel> {
        &self.latencies
    }
    pub(super) fn topologies(&self) -> &Models<dyn TopologyModel> {
        &self.topologies
    }
    pub(super) fn networks(&self) -> &Models<dyn NetworkModel> {
        &self.networks
    }
}

/// Adds a model of the kind `M`, whose settings are read into a `T`.
fn add_model<T: Model, M: ?Sized>(
    models: &mut Models<M>,
    kind: &'static str,
    shipped: &[&str],
    read: fn(&toml::Table) -> Box<M>,
) -> Result<(), NameError> {
    add(models, kind, shipped, T::NAME, Entry::of::<T>(read))
}

/// Adds an entry under a name that is a word and not taken, neither here nor by `shipped` ones.
fn add<T>(
    entries: &mut BTreeMap<&'static str, T>,
    kind: &'static str,
    shipped: &[&str],
    name: &'static str,
    entry: T,
) -> Result<(), NameError> {
    let is_sign = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || "_-".contains(sign);
    let is_word = name.starts_with(|sign: char| sign.is_ascii_lowercase()) && name.chars().all(is_sign);
    let reason = if !is_word {
        "expected lower-case letters, digits, `_` and `-`, a letter first"
    } else if shipped.contains(&name) || entries.contains_key(name) {
        "the name is taken"
    } else {
        entries.insert(name, entry);
        return Ok(());
    };
    Err(NameError { kind, name, reason: reason.to_owned() })
}

/// What the catalogue has under `name`.
pub(super) fn find<'a, M: ?Sized>(models: &'a Models<M>, kind: &str, name: &str) -> Result<&'a Entry<M>, String> {
    models.get(name).ok_or_else(|| format!("the catalogue has no {kind} called `{name}`"))
}
