//! L5: from a text to a checked scenario.
//!
//! A scenario is a TOML file: one file, one experiment. [`Scenario::load`] reads it, applies `--set` overrides, checks
//! everything that can be checked before a run, fills in every default and returns plain data. What is wrong comes
//! back as [`Mistake`]s that show the line.
//!
//! The format keeps three promises. Unknown keys are refused. Choices are tables named after what is chosen
//! (`protocol.pbft = { ... }`), so that every key has one meaning and every mistake a place. The resolved form
//! ([`Scenario::resolved`]), with every default written out, reads back to the same scenario.

mod agent;
pub mod build;
mod catalogue;
mod check;
mod choice;
mod document;
mod estimate;
pub mod explore;
pub mod fault;
mod form;
mod ledger;
mod listing;
pub mod load;
mod mistake;
pub mod name;
pub mod network;
pub mod nodes;
pub mod run;
mod schema;
mod spanned_toml;
mod spelling;
mod summary;
mod variant;
pub mod words;

pub use agent::{Agent, Anchor};
pub use catalogue::{
    Catalogue, Clients, LatencyModel, LedgerModel, Model, NameError, NetworkModel, ProtocolEntry, Site, TopologyModel,
    WorkloadModel,
};
pub use choice::{ModelChoice, ProtocolChoice};
pub use document::Loaded;
pub use estimate::{Estimate, estimate, show};
pub use explore::Explore;
pub use fault::{
    Adversary, Attack, ClockFault, Crash, Data, Degrade, Eclipse, Fault, FaultKind, Flood, FloodPayload, GenericAttack,
    Load, Log, Partition, Pause, Repeat, Slow,
};
pub use listing::{Choice, Section, listing};
pub use load::Workload;
pub use mistake::Mistake;
pub use network::{Latency, Network, Topology, TransactionRelay};
pub use nodes::{ClockError, Disk, Group, Mempool, NodeSelector, Nodes, Rate, Regions, Weights};
pub use schema::schema;
pub use summary::summary;
pub use variant::Variant;

pub use crate::workload::payments::Settings as Payments;

use crate::base::{ByteSize, CostTable, Crypto, Duration};
use crate::engine::StopRule;
use crate::ledger::account::AccountLedger;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One experiment, checked, with every default filled in.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its short name; results are filed under it.
    pub name: String,
    /// What it asks, in one sentence, for reports.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// One run per seed: `seed = 1`, `seeds = [1, 2, 3]` or `seeds = "1..10"`, both ends included.
    #[serde(default, alias = "seed")]
    pub seeds: Seeds,
    /// When a run ends, in virtual time. With `stop` it may be left out and is then 24 hours.
    #[serde(default)]
    pub duration: Duration,
    /// What else ends a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopRule>,
    /// The first part of a run, which is not measured.
    #[serde(default)]
    pub warm_up: Duration,
    /// Real signatures, or symbolic tokens of the same size and price.
    #[serde(default)]
    pub crypto: Crypto,
    /// A run whose estimated memory exceeds this is refused.
    #[serde(default = "eight_gigabytes")]
    pub memory_limit: ByteSize,
    /// The chains, all in one virtual time.
    pub chain: Vec<Chain>,
    /// Who asks for what. Left out: nobody for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// What goes wrong and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault: Vec<Fault>,
    /// Nodes that do not follow the protocol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adversary: Vec<Adversary>,
    /// Who lives between chains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent: Vec<Agent>,
    /// What must hold. Safety is always checked.
    #[serde(default)]
    pub check: Checks,
    /// What is written.
    #[serde(default)]
    pub output: Output,
    /// The limits inside which `ledgerlab explore` draws worlds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explore: Option<Explore>,
    /// Scenarios that differ from this one in some keys. If there are any, they are run, and compared with each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variant: Vec<Variant>,
}

fn eight_gigabytes() -> ByteSize {
    ByteSize(8_000_000_000)
}

/// The seeds of an experiment, at least one; a run is a pure function of scenario and seed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seeds(pub Vec<u64>);

impl Default for Seeds {
    fn default() -> Seeds {
        Seeds(vec![1])
    }
}

/// One ledger and the nodes that keep it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// Its name; faults and workloads of scenarios with several chains use it.
    #[serde(default = "main_chain")]
    pub name: String,
    /// How its nodes agree: `protocol = "pbft"`, or `protocol.pbft = { ... }` with settings.
    #[schemars(with = "schema::Protocols")]
    pub protocol: ProtocolChoice,
    /// What they agree on.
    #[serde(default = "account")]
    #[schemars(with = "schema::Ledgers")]
    pub ledger: ModelChoice,
    /// Its nodes.
    pub nodes: Nodes,
    /// What lies between them.
    #[serde(default)]
    pub network: Network,
    /// What computing costs on one core of the reference server.
    #[serde(default)]
    pub costs: CostTable,
}

impl Scenario {
    /// A scenario of one chain, to be completed by [`Scenario::checked`]: nothing is asked of it, and nothing goes wrong.
    #[must_use]
    pub fn new(name: &str, duration: Duration, chain: Chain) -> Scenario {
        Scenario {
            name: name.to_owned(),
            question: String::new(),
            seeds: Seeds::default(),
            duration,
            stop: None,
            warm_up: Duration::ZERO,
            crypto: Crypto::default(),
            memory_limit: eight_gigabytes(),
            chain: vec![chain],
            workload: None,
            fault: Vec::new(),
            adversary: Vec::new(),
            agent: Vec::new(),
            check: Checks::default(),
            output: Output::default(),
            explore: None,
            variant: Vec::new(),
        }
    }
}

impl Chain {
    /// A chain of `nodes` nodes, 50 ms apart from each other, with the account ledger.
    #[must_use]
    pub fn new(protocol: ProtocolChoice, nodes: u32) -> Chain {
        Chain {
            name: main_chain(),
            protocol,
            ledger: account(),
            nodes: Nodes { count: nodes, ..Nodes::default() },
            network: Network::default(),
            costs: CostTable::default(),
        }
    }
}

fn main_chain() -> String {
    "main".into()
}
fn account() -> ModelChoice {
    ModelChoice::of(&AccountLedger::default())
}

/// What must hold. Safety is always checked.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Checks {
    /// Liveness: outside faults, transactions never wait longer than this without anything becoming final.
    /// Left out: not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Duration>,
    /// Liveness: at the end, if no fault has lasted for this long, every node that was up has finalized what was final
    /// anywhere this long ago. Left out: not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<Duration>,
    /// Computes everything at every node anew instead of once: slow, and the fingerprint must not change.
    pub recompute: bool,
}

/// What is written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Width of the steps of all time series.
    pub interval: Duration,
    /// Whether charts are drawn.
    pub charts: bool,
    /// Whether a line per transaction is written.
    pub transactions: bool,
    /// The last events of each chain that are told one by one, and drawn as a space-time diagram: those before the
    /// first violation if there is one. 0 for none, at most 100,000.
    pub event_log: u32,
}

impl Default for Output {
    fn default() -> Output {
        Output { interval: Duration::from_secs(1), charts: true, transactions: true, event_log: 0 }
    }
}

#[cfg(test)]
mod tests;
