//! What a crate implements that brings a ledger, a workload, delays, a graph or a whole network.
//!
//! The type that implements a model is its table in scenarios: `ledger.mine = { .. }` is read into it, and every default is
//! written out again.

use crate::base::{Duration, Keyring, NodeId};
use crate::ledger::{Ledger, Wallet};
use crate::network::{Delay, Network};
use crate::workload::Workload;
use std::sync::Arc;

/// A state machine that nodes agree on: `chain.ledger`.
pub trait LedgerModel {
    /// The ledger at genesis, where the accounts below `owners` may own something. The proposer of a block is paid to the
    /// account `owners` plus its number.
    fn ledger(&self, owners: u32) -> Box<dyn Ledger>;
    /// What pays on this ledger for the accounts below `holders`.
    fn wallet(&self, holders: u32) -> Box<dyn Wallet>;
    /// Whether it executes [`Anchor`](crate::chain::Body::Anchor), in the order of nonces, so that agents can write to it.
    fn carries_anchors(&self) -> bool {
        false
    }
}

/// Clients and what they ask for: `workload`.
pub trait WorkloadModel {
    /// The name of the chain that it drives; the first if it says none. A key of the settings that it comes from is called
    /// `chain`.
    fn chain(&self) -> Option<&str> {
        None
    }
    /// How many accounts its clients have: those below this number.
    fn accounts(&self) -> u32;
    /// How many clients there are on a chain of `nodes` nodes: those below this number.
    fn clients(&self, nodes: usize) -> u32 {
        nodes as u32
    }
    /// How long a client waits for an answer before it asks again; never if `None`.
    fn retry(&self) -> Option<Duration> {
        Some(Duration::from_secs(5))
    }
    /// The workload of one run.
    ///
    /// # Errors
    /// Why there is none, as a sentence.
    fn workload(&self, clients: Clients) -> Result<Box<dyn Workload>, String>;
}

/// What clients have to ask with.
pub struct Clients {
    /// The seed of the chain. Streams begin with it, so that a run is a pure function of its seed.
    pub seed: u64,
    /// How many nodes they can ask.
    pub nodes: usize,
    /// The keys of the accounts.
    pub keys: Arc<Keyring>,
    /// What makes payments on the ledger of the chain.
    pub wallet: Box<dyn Wallet>,
}

/// The nodes of a chain, as networks see them.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// The seed of the chain. Streams begin with it, so that a run is a pure function of its seed.
    pub seed: u64,
    /// The region of each node, where the scenario names one.
    pub regions: &'a [Option<String>],
}

impl Site<'_> {
    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.regions.len()
    }
}

/// One-way delays between nodes: `chain.network.latency`. What is asked of them stands at [`Delay`]; the delays of access
/// lines are added outside.
pub trait LatencyModel {
    /// The delays of one run.
    ///
    /// # Errors
    /// Why there are none, as a sentence.
    fn delay(&self, site: &Site<'_>) -> Result<Box<dyn Delay>, String>;
}

/// Which nodes are linked: `chain.network.topology`.
pub trait TopologyModel {
    /// The links of one run, once each: both ends may send. The graph must be connected.
    ///
    /// # Errors
    /// Why there are none, as a sentence.
    fn links(&self, site: &Site<'_>) -> Result<Vec<(NodeId, NodeId)>, String>;
}

/// A whole network: `chain.network.model`.
pub trait NetworkModel {
    /// The network of one run. `usual` is what the other keys of `chain.network` describe: it can be wrapped or dropped.
    ///
    /// `endpoints` names the node at each end point. Behind the nodes themselves come the further processes of twins, so
    /// that there may be more end points than nodes.
    ///
    /// # Errors
    /// Why there is none, as a sentence.
    fn network(
        &self,
        site: &Site<'_>,
        endpoints: &[NodeId],
        usual: Box<dyn Network>,
    ) -> Result<Box<dyn Network>, String>;
}
