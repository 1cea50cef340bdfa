//! The observers of a chain: checkers, metrics, the event log.
//!
//! They see what the nodes of the committee do; of a node with twins they see its first process. What they hold crosses
//! nodes and only grows.

use super::roster::{ProcessId, Roster};
use crate::base::{Hash, NodeId, NodeSet, Time};
use crate::chain::Block;
use crate::observe::{Observed, Observer, Violation};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The observers of a chain, and the properties that they found broken.
pub(super) struct Observers {
    list: Vec<Box<dyn Observer>>,
    wants_messages: bool,
    /// Numbers from here on are those of twins.
    nodes: usize,
    /// Which nodes have received each block: one bit each.
    receivers: FxHashMap<Hash, NodeSet>,
    violations: Vec<Violation>,
}

impl Observers {
    /// These observers, of a chain with so many nodes.
    pub fn new(list: Vec<Box<dyn Observer>>, nodes: usize) -> Observers {
        let wants_messages = list.iter().any(|observer| observer.wants_messages());
        Observers { list, wants_messages, nodes, receivers: FxHashMap::default(), violations: Vec::new() }
    }
    /// Whether there is any.
    pub fn is_watched(&self) -> bool {
        !self.list.is_empty()
    }
    /// Whether any of them subscribes to messages.
    pub fn wants_messages(&self) -> bool {
        self.wants_messages
    }
    /// Notifies all of them.
    pub fn notify(&mut self, now: Time, observed: &Observed<'_>) {
        if !self.is_shown(observed) {
            return;
        }
        for at in 0..self.list.len() {
            if let Err(violation) = self.list[at].observe(now, observed) {
                self.record(now, violation);
            }
        }
    }
    fn record(&mut self, now: Time, violation: Violation) {
        self.list.iter_mut().for_each(|observer| observer.violated(now, &violation));
        self.violations.push(violation);
    }
    fn is_shown(&self, observed: &Observed<'_>) -> bool {
        match *observed {
            Observed::Refused { node, .. }
            | Observed::Extended { node, .. }
            | Observed::Rewound { node, .. }
            | Observed::Finalized { node, .. }
            | Observed::Installed { node, .. }
            | Observed::Crashed { node }
            | Observed::Booted { node, .. }
            | Observed::Noted { node, .. }
            | Observed::Load { node, .. } => node.index() < self.nodes,
            _ => true,
        }
    }
    /// A process has a whole block; notifies if it is the first time that its node has it.
    pub fn block_received(&mut self, now: Time, process: ProcessId, roster: &Roster, block: &Arc<Block>) {
        if !self.is_watched() {
            return;
        }
        let node: NodeId = roster.node(process);
        let nodes = roster.processes();
        let receivers = self.receivers.entry(block.id()).or_insert_with(|| NodeSet::with_capacity(nodes));
        if receivers.insert(node) {
            self.notify(now, &Observed::Held { node, block });
        }
    }
    /// The run is over: the observers' last findings.
    pub fn finish(&mut self, end: Time) {
        for at in 0..self.list.len() {
            if let Err(violation) = self.list[at].finish(end) {
                self.record(end, violation);
            }
        }
    }
    /// The properties broken so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
    /// The observers, to take their findings.
    pub fn list_mut(&mut self) -> &mut Vec<Box<dyn Observer>> {
        &mut self.list
    }
}
