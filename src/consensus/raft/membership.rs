//! Configurations: voters and learners, and the steps from one configuration to the next.

use super::position::Index;
use crate::base::wire::NODE_BYTES;
use crate::base::{Committee, FaultModel, NodeId, VoterSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A configuration in the paper's sense: the voters, during a joint change those they replace, and the learners.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Membership {
    /// Voters have weight 1, all others 0.
    voters: Committee,
    /// During joint consensus: the voters of the old configuration, whose majority is needed too.
    outgoing: Option<Committee>,
    /// Sent the log, without a vote.
    learners: BTreeSet<NodeId>,
}

/// The committee of `nodes` nodes in which only `voters` weigh.
fn half(nodes: usize, voters: &BTreeSet<NodeId>) -> Option<Committee> {
    let weights: Vec<u64> = (0..nodes).map(|node| u64::from(voters.contains(&NodeId::from(node)))).collect();
    weights.contains(&1).then(|| Committee::weighted(weights, FaultModel::Crash))
}

fn voters_of(half: &Committee) -> impl Iterator<Item = NodeId> + '_ {
    half.members().filter(|node| half.weight(*node) > 0)
}

impl Membership {
    /// A configuration of `nodes` nodes; `None` without a voter.
    #[must_use]
    pub fn new(nodes: usize, voters: &BTreeSet<NodeId>, learners: BTreeSet<NodeId>) -> Option<Membership> {
        Some(Membership { voters: half(nodes, voters)?, outgoing: None, learners })
    }
    /// The joint configuration from this one to `voters` (paper, section 6).
    #[must_use]
    pub fn joint(&self, voters: &BTreeSet<NodeId>) -> Option<Membership> {
        let learners = self.learners.difference(voters).copied().collect();
        let incoming = half(self.voters.n(), voters)?;
        Some(Membership { voters: incoming, outgoing: Some(self.voters.clone()), learners })
    }
    /// The configuration after a joint one.
    #[must_use]
    pub fn after_joint(&self) -> Membership {
        Membership { outgoing: None, ..self.clone() }
    }
    /// The same voters with more learners.
    #[must_use]
    pub fn with_learners(&self, more: impl IntoIterator<Item = NodeId>) -> Membership {
        let mut next = self.clone();
        next.learners.extend(more);
        next
    }
    /// One server more or less: `node` votes afterwards or takes no part (thesis 4.1).
    #[must_use]
    pub fn single(&self, node: NodeId, votes: bool) -> Option<Membership> {
        let mut voters = self.voters();
        voters.remove(&node);
        voters.extend(votes.then_some(node));
        let learners = self.learners.iter().copied().filter(|learner| *learner != node).collect();
        Membership::new(self.voters.n(), &voters, learners)
    }
    /// Whether both majorities are needed.
    #[must_use]
    pub fn is_joint(&self) -> bool {
        self.outgoing.is_some()
    }
    /// The voters of the (new) configuration.
    #[must_use]
    pub fn voters(&self) -> BTreeSet<NodeId> {
        voters_of(&self.voters).collect()
    }
    /// The learners.
    #[must_use]
    pub fn learners(&self) -> &BTreeSet<NodeId> {
        &self.learners
    }
    /// Whether `node` votes, in either half of a joint configuration.
    #[must_use]
    pub fn is_voter(&self, node: NodeId) -> bool {
        self.halves().any(|half| half.weight(node) > 0)
    }
    /// All nodes that are sent the log, in order.
    #[must_use]
    pub fn members(&self) -> BTreeSet<NodeId> {
        self.halves().flat_map(voters_of).chain(self.learners.iter().copied()).collect()
    }
    fn halves(&self) -> impl Iterator<Item = &Committee> {
        std::iter::once(&self.voters).chain(&self.outgoing)
    }
    /// Whether the nodes for which `agrees` holds are a majority (of both halves).
    #[must_use]
    pub fn is_quorum(&self, agrees: impl Fn(NodeId) -> bool) -> bool {
        self.halves().all(|half| {
            let mut tally = VoterSet::default();
            for node in half.members().filter(|node| agrees(*node)) {
                tally.add(node, half);
            }
            tally.is_quorum(half)
        })
    }
    /// The highest index that a majority (of both halves) has reached, where `reached` is the index of each node.
    #[must_use]
    pub fn agreed(&self, reached: impl Fn(NodeId) -> Index) -> Index {
        let of_half = |half: &Committee| {
            let mut indexes: Vec<Index> = voters_of(half).map(&reached).collect();
            indexes.sort_unstable_by(|a, b| b.cmp(a));
            indexes[half.quorum() as usize - 1]
        };
        self.halves().map(of_half).min().unwrap_or(0)
    }
    /// Whether all members are among `nodes` nodes.
    #[must_use]
    pub fn is_of(&self, nodes: usize) -> bool {
        self.halves().all(|half| half.n() == nodes) && self.learners.iter().all(|learner| learner.index() < nodes)
    }
    /// Bytes on the wire: the node numbers.
    #[must_use]
    pub fn bytes(&self) -> usize {
        NODE_BYTES * (self.halves().map(|half| voters_of(half).count()).sum::<usize>() + self.learners.len())
    }
}

/// The configurations in the log above the last snapshot, and the one before them. A node uses the latest in its log,
/// committed or not (paper, section 6).
#[derive(Clone, Debug)]
pub struct Memberships {
    /// With the index of their entries, ascending; never empty.
    known: Vec<(Index, Arc<Membership>)>,
}

impl Memberships {
    /// With `first` as the configuration of the entries up to `index`.
    #[must_use]
    pub fn new(index: Index, first: Arc<Membership>) -> Memberships {
        Memberships { known: vec![(index, first)] }
    }
    /// The one in force.
    #[must_use]
    pub fn current(&self) -> &Arc<Membership> {
        &self.known[self.known.len() - 1].1
    }
    /// The index of the entry of the one in force.
    #[must_use]
    pub fn current_index(&self) -> Index {
        self.known[self.known.len() - 1].0
    }
    /// The one that is the latest at `index`.
    #[must_use]
    pub fn at(&self, index: Index) -> &Arc<Membership> {
        let after = self.known.partition_point(|(known, _)| *known <= index);
        &self.known[after.saturating_sub(1)].1
    }
    /// A configuration was appended.
    pub fn push(&mut self, index: Index, membership: Arc<Membership>) {
        self.known.push((index, membership));
    }
    /// The entries from `from` on were deleted.
    pub fn truncate(&mut self, from: Index) {
        let kept = self.known.partition_point(|(known, _)| *known < from);
        self.known.truncate(kept.max(1));
    }
    /// Forgets those that ended at or before `upto`, which is committed.
    pub fn compact(&mut self, upto: Index) {
        let ended = self.known.partition_point(|(known, _)| *known <= upto).saturating_sub(1);
        self.known.drain(..ended);
    }
}
