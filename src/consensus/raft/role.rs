//! The role of a node and its volatile state (figure 2): the votes of a candidate, a leader's view of its followers.

use super::position::Index;
use super::progress::Progress;
use crate::base::{Duration, Hash, NodeId};
use std::collections::BTreeSet;

/// The role of a node.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// Answers others. Learners and removed nodes are always this.
    Follower,
    /// Asks whether it could win (thesis 9.6).
    PreCandidate(Ballots),
    /// Campaigns in its term.
    Candidate(Ballots),
    /// Won its term.
    Leader(Box<Leadership>),
}

/// The nodes that voted for a candidate.
#[derive(Clone, Debug, Default)]
pub(super) struct Ballots(pub BTreeSet<NodeId>);

/// What only a leader has. All of it is volatile (figure 2).
#[derive(Clone, Debug)]
pub(super) struct Leadership {
    /// By node number.
    pub progress: Vec<Progress>,
    /// The nodes that are sent the log: the members but this node.
    pub peers: BTreeSet<NodeId>,
    /// Index of this leader's no-op: when it is committed, so is everything before.
    pub first: Index,
    /// Up to where the log is on this leader's own disk.
    pub durable: Index,
    /// Transactions in entries of this term that are not applied.
    pub outstanding: usize,
    /// Whether a batch waits to fill.
    pub is_batching: bool,
    /// Rounds of heartbeats for reads begun.
    pub round: u64,
    /// Reads that wait for a round, at most one of each node.
    pub reads: Vec<ReadRequest>,
    /// Commands refused, so that each is reported once; bounded.
    pub refused: BTreeSet<Hash>,
    /// The target of a transfer of leadership under way; no proposals meanwhile.
    pub transfer: Option<NodeId>,
}

impl Leadership {
    pub fn new(nodes: usize, last: Index, patience: Duration) -> Leadership {
        Leadership {
            progress: vec![Progress::new(last + 1, patience); nodes],
            peers: BTreeSet::new(),
            first: last + 1,
            durable: last,
            outstanding: 0,
            is_batching: false,
            round: 0,
            reads: Vec::new(),
            refused: BTreeSet::new(),
            transfer: None,
        }
    }
    /// The followers that sent something since the last call.
    pub fn take_active(&mut self) -> BTreeSet<NodeId> {
        let active = self.peers.iter().copied().filter(|node| self.progress[node.index()].active).collect();
        self.progress.iter_mut().for_each(|progress| progress.active = false);
        active
    }
    /// Where every peer's next append begins, if it is the same for all and all are `ready`.
    pub fn common_next(&self, nodes: usize, ready: impl Fn(&Progress) -> bool) -> Option<Index> {
        let first = self.peers.first()?;
        let next = self.progress[first.index()].next;
        let all = self.peers.iter().map(|node| &self.progress[node.index()]).all(|p| p.next == next && ready(p));
        (all && self.peers.len() + 1 == nodes).then_some(next)
    }
}

/// A read that a leader must confirm.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadRequest {
    /// The node that reads.
    pub from: NodeId,
    /// Its number of the read.
    pub context: u64,
    /// The read index and the round that confirms it; `None` while no entry of the leader's term is committed, since
    /// its commit index may be behind.
    pub round: Option<(Index, u64)>,
}
