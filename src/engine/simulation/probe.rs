//! What tests of the engine see and change inside.

use super::Simulation;
use crate::base::{Duration, Hash, NodeId};
use crate::chain::Block;
use crate::engine::roster::ProcessId;
use crate::protocol::Protocol;
use std::sync::Arc;

impl<P: Protocol> Simulation<P> {
    /// Time that the cores of a node computed.
    pub(in crate::engine) fn busy(&mut self, node: NodeId) -> Duration {
        self.processes.take_load(ProcessId::first_of(node)).0
    }
    /// Cores of a node that do nothing, and computations under way at all nodes.
    pub(in crate::engine) fn idle_cores(&self, node: NodeId) -> (u32, usize) {
        self.processes.idle_cores(ProcessId::first_of(node))
    }
    /// How many transactions wait at a node.
    pub(in crate::engine) fn pending(&self, node: NodeId) -> usize {
        self.processes.pool(ProcessId::first_of(node)).len()
    }
    /// How many records the log of a node holds.
    pub(in crate::engine) fn log_len(&self, node: NodeId) -> usize {
        self.processes.log_len(ProcessId::first_of(node))
    }
    /// A node notes that it leads in a turn.
    pub(in crate::engine) fn note_leader(&mut self, node: NodeId, turn: u64) {
        self.faults.note_leader(ProcessId::first_of(node), turn, self.agenda.now());
    }
    /// A node extends its chain.
    pub(in crate::engine) fn graft(&mut self, node: NodeId, block: &Arc<Block>) {
        let index = self.views.insert(block).expect("a block with a parent");
        self.views.extend(ProcessId::first_of(node), index);
    }
    /// How long the client of a transaction waits next.
    pub(in crate::engine) fn client_wait(&self, transaction: &Hash) -> Option<Duration> {
        self.clients.wait_of(transaction)
    }
    /// The most nodes that any block is final at.
    pub(in crate::engine) fn confirmations_max(&self) -> Option<u32> {
        self.clients.confirmations_max()
    }
}
