//! Which process runs which node: one process per node, and further ones for the twins of some.
//!
//! Twins (Bano et al., OPODIS 2021) are processes that run the protocol as it is, under one identity, each of which
//! communicates with a part of the others. Together they equivocate, vote twice and forget, without a line in any
//! protocol. A process beyond the committee has a number of its own in the queue and in the network; peers, clients and
//! observers know it by the number of the node whose identity it has.

use crate::base::NodeId;
use std::collections::BTreeSet;
use std::fmt;

/// A running process. Those of the committee have the numbers of their nodes; twins follow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProcessId(pub u32);

impl ProcessId {
    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
    /// Its end point in the network, which knows processes and no nodes.
    #[must_use]
    pub const fn endpoint(self) -> NodeId {
        NodeId(self.0)
    }
    /// The process at an end point of the network.
    #[must_use]
    pub const fn at(endpoint: NodeId) -> ProcessId {
        ProcessId(endpoint.0)
    }
    /// The first process of a node: its only one, if it has no twins.
    #[must_use]
    pub const fn first_of(node: NodeId) -> ProcessId {
        ProcessId(node.0)
    }
}

impl From<usize> for ProcessId {
    fn from(index: usize) -> ProcessId {
        ProcessId(u32::try_from(index).expect("fewer than 2^32 processes"))
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.0)
    }
}

/// What the roster knows of a process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Role {
    /// The node whose identity a twin has; none for the processes of the committee itself.
    pub twin_of: Option<NodeId>,
    /// The processes that it communicates with; all if left out.
    pub peers: Option<BTreeSet<ProcessId>>,
    /// Whether it follows the protocol, as one.
    pub is_honest: bool,
}

/// The processes of a chain. Does not change during a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roster {
    nodes: usize,
    roles: Vec<Role>,
    /// Whether any process has restricted peers.
    is_restricted: bool,
    /// Which processes ever propose; the others keep no mempool.
    proposers: Vec<bool>,
    /// The nodes whose first process proposes, ascending.
    proposing: Vec<NodeId>,
}

impl Roster {
    /// The processes with these roles, of which the first `nodes` are the committee. All propose.
    ///
    /// # Panics
    /// If there are fewer processes than nodes, or if an additional process is no twin of any node.
    #[must_use]
    pub fn new(nodes: usize, roles: Vec<Role>) -> Roster {
        assert!(roles.len() >= nodes, "one process per member of the committee");
        assert!(roles[nodes..].iter().all(|role| role.twin_of.is_some()), "a process beyond the committee is a twin");
        let is_restricted = roles.iter().any(|role| role.peers.is_some());
        let proposers = vec![true; roles.len()];
        let proposing = (0..nodes).map(NodeId::from).collect();
        Roster { nodes, roles, is_restricted, proposers, proposing }
    }
    /// Only those nodes propose for which `proposes` holds.
    #[must_use]
    pub fn with_proposers(mut self, proposes: impl Fn(NodeId) -> bool) -> Roster {
        self.proposers = self.all().map(|process| proposes(self.node(process))).collect();
        self.proposing = (0..self.nodes).map(NodeId::from).filter(|node| proposes(*node)).collect();
        self
    }
    /// The nodes that propose, in turn: from the one after `node` round to `node` itself.
    pub fn proposing_after(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let split = self.proposing.partition_point(|other| *other <= node);
        self.proposing[split..].iter().chain(&self.proposing[..split]).copied()
    }
    /// The nodes that propose, ascending.
    #[must_use]
    pub fn proposing(&self) -> &[NodeId] {
        &self.proposing
    }
    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes
    }
    /// Number of processes.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.roles.len()
    }
    /// All processes.
    pub fn all(&self) -> impl Iterator<Item = ProcessId> + use<> {
        (0..self.roles.len()).map(ProcessId::from)
    }
    /// The nodes whose identities the processes beyond the committee have, in order.
    pub fn twins(&self) -> impl Iterator<Item = NodeId> {
        self.roles[self.nodes..].iter().filter_map(|role| role.twin_of)
    }
    /// The node that a process runs.
    #[must_use]
    #[inline]
    pub fn node(&self, process: ProcessId) -> NodeId {
        if process.index() < self.nodes { NodeId(process.0) } else { self.identity(process) }
    }
    #[cold]
    fn identity(&self, process: ProcessId) -> NodeId {
        self.roles[process.index()].twin_of.expect("a process beyond the committee is a twin")
    }
    /// The processes that run a node, ascending; none if there is no such node.
    pub fn processes_of(&self, node: NodeId) -> impl Iterator<Item = ProcessId> + use<'_> {
        let first = (node.index() < self.nodes).then_some(ProcessId::first_of(node));
        let twins = self.roles[self.nodes..].iter().enumerate().filter(move |(_, role)| role.twin_of == Some(node));
        first.into_iter().chain(twins.map(|(at, _)| ProcessId::from(self.nodes + at)))
    }
    /// All processes that run these nodes.
    #[must_use]
    pub fn processes_of_all(&self, nodes: &[NodeId]) -> Vec<ProcessId> {
        nodes.iter().flat_map(|node| self.processes_of(*node)).collect()
    }
    /// Whether messages pass between two processes. Processes of one node do not communicate.
    #[must_use]
    #[inline]
    pub fn can_communicate(&self, one: ProcessId, other: ProcessId) -> bool {
        if self.node(one) == self.node(other) {
            return false;
        }
        let reaches = |from: ProcessId, to: ProcessId| {
            self.roles[from.index()].peers.as_ref().is_none_or(|peers| peers.contains(&to))
        };
        !self.is_restricted || (reaches(one, other) && reaches(other, one))
    }
    /// Whether a process communicates with a part of the others only.
    #[must_use]
    pub fn has_restricted_peers(&self, process: ProcessId) -> bool {
        self.roles[process.index()].peers.is_some()
    }
    /// Whether a process follows the protocol, as one.
    #[must_use]
    pub fn is_honest(&self, process: ProcessId) -> bool {
        self.roles[process.index()].is_honest
    }
    /// Whether a process ever proposes, and therefore keeps a mempool.
    #[must_use]
    #[inline]
    pub fn is_proposer(&self, process: ProcessId) -> bool {
        self.proposers[process.index()]
    }
}
