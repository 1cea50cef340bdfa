//! Who may sign, and how the signers vote on that (EIP-225).

use crate::base::{Committee, FaultModel, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A vote in a header: to make a node a signer, or to make it none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Ballot {
    /// The node that is voted on.
    pub candidate: NodeId,
    /// Whether it is to be added.
    pub add: bool,
}

/// What follows from the blocks up to one of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signers {
    /// In order of their addresses: of their numbers here.
    ordered: Vec<NodeId>,
    /// Who signed the latest blocks, as many as the limit.
    recents: BTreeMap<u64, NodeId>,
    /// What each signer wants of a node: one live vote each.
    votes: BTreeMap<(NodeId, NodeId), bool>,
    /// `SIGNER_LIMIT`: of so many consecutive blocks a signer may sign one.
    limit: u64,
}

impl Signers {
    /// At genesis.
    #[must_use]
    pub fn new(signers: impl IntoIterator<Item = NodeId>) -> Signers {
        let ordered = Vec::from_iter(BTreeSet::from_iter(signers));
        let limit = Signers::majority(ordered.len());
        Signers { ordered, recents: BTreeMap::new(), votes: BTreeMap::new(), limit }
    }
    /// One if no signer is left: a committee has at least one member.
    fn majority(n: usize) -> u64 {
        Committee::new(n.max(1), FaultModel::Byzantine).majority()
    }
    /// In order.
    #[must_use]
    pub fn all(&self) -> &[NodeId] {
        &self.ordered
    }
    /// How many consecutive blocks hold at most one of each signer.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit
    }
    /// Whether it is the signer's turn at a number.
    #[must_use]
    pub fn is_in_turn(&self, signer: NodeId, number: u64) -> bool {
        self.ordered.contains(&signer) && self.since_turn(signer, number) == 0
    }
    /// How long ago it was the signer's turn, in blocks, when it signs this number.
    #[must_use]
    pub fn since_turn(&self, signer: NodeId, number: u64) -> u64 {
        let (n, at) = (self.ordered.len().max(1) as u64, self.ordered.partition_point(|known| *known < signer) as u64);
        (number % n + n - at % n) % n
    }
    /// Whether a node is a signer and has signed none of the blocks that are too recent.
    #[must_use]
    pub fn may_sign(&self, signer: NodeId, number: u64) -> bool {
        let is_recent = |(seen, recent): (&u64, &NodeId)| *recent == signer && seen + self.limit > number;
        self.ordered.contains(&signer) && !self.recents.iter().any(is_recent)
    }
    /// Whether a vote would change anything: it adds a node that is no signer, or drops a signer.
    #[must_use]
    pub fn is_open(&self, ballot: Ballot) -> bool {
        self.ordered.contains(&ballot.candidate) != ballot.add
    }
    /// After a block: its number, its signer, its vote, and whether it is an epoch block, which forgets all votes.
    #[must_use]
    pub fn after(&self, number: u64, signer: NodeId, vote: Option<Ballot>, is_epoch: bool) -> Signers {
        let mut next = self.clone();
        if is_epoch {
            next.votes.clear();
        }
        next.recents.insert(number, signer);
        next.forget_recents(number);
        let Some(ballot) = vote else { return next };
        // A later vote of a signer on a node replaces the former, even if it is void itself.
        next.votes.remove(&(signer, ballot.candidate));
        if next.is_open(ballot) {
            next.votes.insert((signer, ballot.candidate), ballot.add);
        }
        // A void vote touches its candidate too: a change that gained a majority meanwhile is executed now. All votes on one
        // candidate are for the same change: the candidate is added if it is no signer, and dropped if it is one.
        let votes = next.votes.keys().filter(|(_, of)| *of == ballot.candidate).count() as u64;
        if votes < next.limit {
            return next;
        }
        // Passed: at once, and for this node alone, even if another proposal now has a majority too.
        next.votes.retain(|(_, of), _| *of != ballot.candidate);
        if next.ordered.contains(&ballot.candidate) {
            next.ordered.retain(|known| *known != ballot.candidate);
            next.votes.retain(|(voter, _), _| *voter != ballot.candidate);
        } else {
            let at = next.ordered.partition_point(|known| *known < ballot.candidate);
            next.ordered.insert(at, ballot.candidate);
        }
        next.limit = Signers::majority(next.ordered.len());
        next.forget_recents(number);
        next
    }
    /// The window holds as many blocks as the next signer must look at.
    fn forget_recents(&mut self, number: u64) {
        let limit = self.limit;
        self.recents.retain(|seen, _| seen + limit > number);
    }
}
