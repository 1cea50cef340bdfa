//! ALL threshold arithmetic. No other file may write a quorum by hand.
//!
//! With total weight `W` and at most `f` of it faulty:
//!
//! | faults | bound | quorum (any two meet in a correct node) | blocking (holds a correct node) |
//! |---|---|---|---|
//! | crash | `W > 2f` | `W / 2 + 1` | `f + 1` |
//! | Byzantine | `W > 3f` | `(W + f) / 2 + 1` | `f + 1` |
//!
//! Families that set their own threshold say so with [`Committee::requiring`]: `k` of `l` signers, a majority of
//! authorities, 80 % of a list of trusted nodes.
//!
//! For `n = 3f + 1` equal nodes the Byzantine quorum is the familiar `2f + 1`; for other `n` it is not, which is
//! why nobody else computes it.

use super::id::NodeId;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::sync::Arc;

/// What the faulty part of a committee may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FaultModel {
    /// Stop, and perhaps come back.
    Crash,
    /// Anything.
    Byzantine,
}

/// Who takes part, with what weight, and how much of it may be faulty.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "CommitteeContent")]
pub struct Committee {
    weights: Arc<[u64]>,
    #[serde(skip_serializing)]
    total: u64,
    model: FaultModel,
    faulty: u64,
    /// Set by [`Committee::requiring`].
    required: Option<u64>,
}

/// What is read of a committee.
#[derive(Deserialize)]
struct CommitteeContent {
    weights: Vec<u64>,
    model: FaultModel,
    faulty: u64,
    required: Option<u64>,
}

impl TryFrom<CommitteeContent> for Committee {
    type Error = &'static str;
    fn try_from(read: CommitteeContent) -> Result<Committee, &'static str> {
        let total = read.weights.iter().try_fold(0u64, |sum, weight| sum.checked_add(*weight));
        total
            .filter(|total| (1..=u64::from(u32::MAX)).contains(total))
            .ok_or("a committee weighs from 1 to 2^32 - 1")?;
        let committee =
            Committee::weighted(read.weights, read.model).tolerating(read.faulty).ok_or("too many faulty")?;
        Ok(Committee { required: read.required, ..committee })
    }
}

impl Committee {
    /// `n` equal nodes that tolerate as many faults as the model allows.
    ///
    /// # Panics
    /// If `n` is zero.
    #[must_use]
    pub fn new(n: usize, model: FaultModel) -> Committee {
        Committee::weighted(vec![1; n], model)
    }
    /// Nodes `0..` with these weights.
    ///
    /// # Panics
    /// If the total weight is zero.
    #[must_use]
    pub fn weighted(weights: Vec<u64>, model: FaultModel) -> Committee {
        let total: u64 = weights.iter().sum();
        assert!(total > 0, "a committee needs weight");
        let faulty = Committee::bound(total, model);
        Committee { weights: weights.into(), total, model, faulty, required: None }
    }
    /// The largest faulty weight that `total` tolerates.
    #[must_use]
    pub const fn bound(total: u64, model: FaultModel) -> u64 {
        match model {
            FaultModel::Crash => (total - 1) / 2,
            FaultModel::Byzantine => (total - 1) / 3,
        }
    }
    /// The same committee, made to tolerate exactly `faulty`; `None` above the bound.
    #[must_use]
    pub fn tolerating(mut self, faulty: u64) -> Option<Committee> {
        self.faulty = faulty;
        (faulty <= Committee::bound(self.total, self.model)).then_some(self)
    }
    /// The same committee, whose quorum is `weight` whatever its fault model says, for better or worse.
    /// What the model promises of quorums is then for the caller to prove.
    #[must_use]
    pub fn requiring(mut self, weight: u64) -> Committee {
        self.required = Some(weight);
        self
    }
    /// Number of members.
    #[must_use]
    pub fn n(&self) -> usize {
        self.weights.len()
    }
    /// The members, in order.
    pub fn members(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.weights.len()).map(NodeId::from)
    }
    /// Whether `node` is a member.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        node.index() < self.weights.len()
    }
    /// The weight of `node`; zero for a node that is not a member.
    #[must_use]
    pub fn weight(&self, node: NodeId) -> u64 {
        self.weights.get(node.index()).copied().unwrap_or(0)
    }
    /// The weight of all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }
    /// The faulty weight that is tolerated: `f`.
    #[must_use]
    pub fn faulty(&self) -> u64 {
        self.faulty
    }
    /// The weight at which any two sets meet in a correct node.
    #[must_use]
    pub fn quorum(&self) -> u64 {
        self.required.unwrap_or(match self.model {
            FaultModel::Crash => self.majority(),
            FaultModel::Byzantine => self.total.midpoint(self.faulty) + 1,
        })
    }
    /// The least weight above one half: any two such sets meet.
    #[must_use]
    pub fn majority(&self) -> u64 {
        self.total / 2 + 1
    }
    /// The least weight that is at least `percent` of the whole.
    #[must_use]
    pub fn share(&self, percent: u64) -> u64 {
        (self.total * percent).div_ceil(100)
    }
    /// The least weight above two thirds.
    #[must_use]
    pub fn two_thirds(&self) -> u64 {
        self.total * 2 / 3 + 1
    }
    /// The weight that any two quorums have in common at least; so many double voters, less one, cannot fork.
    #[must_use]
    pub fn overlap(&self) -> u64 {
        (2 * self.quorum()).saturating_sub(self.total)
    }
    /// The weight at which a set holds at least one correct node: `f + 1`.
    #[must_use]
    pub fn blocking(&self) -> u64 {
        self.faulty + 1
    }
    /// The member whose turn `turn` is, round robin.
    #[must_use]
    pub fn in_turn(&self, turn: u64) -> NodeId {
        NodeId::from((turn % self.weights.len() as u64) as usize)
    }
}

/// A set of members that said the same thing, each counted once.
/// Read from a peer it weighs nothing: what members weigh is known here, not there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct VoterSet {
    members: SmallVec<[u64; 1]>,
    #[serde(skip)]
    weight: u64,
}

impl VoterSet {
    /// Counts `node`; false if it is not a member or was counted before.
    pub fn add(&mut self, node: NodeId, committee: &Committee) -> bool {
        let (word, bit) = (node.index() / 64, 1u64 << (node.index() % 64));
        if !committee.contains(node) || self.contains(node) {
            return false;
        }
        if word >= self.members.len() {
            self.members.resize(word + 1, 0);
        }
        self.members[word] |= bit;
        self.weight += committee.weight(node);
        true
    }
    /// Whether `node` was counted.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.members.get(node.index() / 64).is_some_and(|word| word & (1 << (node.index() % 64)) != 0)
    }
    /// The weight counted.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.weight
    }
    /// The members counted, in order.
    pub fn members(&self) -> impl Iterator<Item = NodeId> + '_ {
        (0..self.members.len() * 64).map(NodeId::from).filter(|node| self.contains(*node))
    }
    /// Whether any other such set shares a correct node with this one.
    #[must_use]
    pub fn is_quorum(&self, committee: &Committee) -> bool {
        self.weight >= committee.quorum()
    }
    /// Whether this set holds a correct node.
    #[must_use]
    pub fn is_blocking(&self, committee: &Committee) -> bool {
        self.weight >= committee.blocking()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of subsets, the slow way.
    #[test]
    fn any_two_quorums_meet_in_a_correct_node_and_a_quorum_of_correct_nodes_exists() {
        for model in [FaultModel::Crash, FaultModel::Byzantine] {
            for n in 1..=7usize {
                let committee = Committee::new(n, model);
                let f = committee.faulty();
                let meet = if model == FaultModel::Byzantine { f + 1 } else { 1 };
                let quorums: Vec<u32> =
                    (0..1u32 << n).filter(|set| u64::from(set.count_ones()) >= committee.quorum()).collect();
                for a in &quorums {
                    assert!(quorums.iter().all(|b| u64::from((a & b).count_ones()) >= meet), "{model:?} n={n}");
                }
                assert!(n as u64 - f >= committee.quorum(), "{model:?} n={n}: the correct nodes are too few");
            }
        }
    }

    #[test]
    fn three_f_plus_one_equal_nodes_have_the_quorum_of_the_papers() {
        for f in 0..100u64 {
            let committee = Committee::new(3 * f as usize + 1, FaultModel::Byzantine);
            assert_eq!((committee.faulty(), committee.quorum(), committee.blocking()), (f, 2 * f + 1, f + 1));
        }
    }

    #[test]
    fn a_committee_cannot_tolerate_more_than_its_bound() {
        let four = || Committee::new(4, FaultModel::Byzantine);
        assert_eq!(four().tolerating(1).map(|c| c.quorum()), Some(3));
        assert_eq!(four().tolerating(2), None);
    }

    #[test]
    fn a_threshold_of_its_own_replaces_the_quorum_and_tells_what_it_is_worth() {
        // Members, threshold, double signers that are still safe.
        for (l, k, safe) in [(15, 11, 6), (10, 6, 1), (9, 6, 2), (7, 5, 2)] {
            let committee = Committee::new(l, FaultModel::Byzantine).requiring(k);
            assert_eq!((committee.quorum(), committee.overlap()), (k, safe + 1), "{k} of {l}");
        }
        assert_eq!(Committee::new(8, FaultModel::Crash).requiring(4).overlap(), 0, "half of the members forks");
        let five = Committee::new(5, FaultModel::Byzantine);
        assert_eq!((five.majority(), five.two_thirds(), five.share(80), five.share(81)), (3, 4, 4, 5));
    }

    #[test]
    fn what_is_read_of_a_committee_holds_together_and_a_tally_that_is_read_weighs_nothing() {
        let committee = Committee::weighted(vec![5, 1, 1], FaultModel::Byzantine).requiring(6);
        let written = serde_json::to_value(&committee).unwrap();
        let bent = |field: &str, value: serde_json::Value| {
            let mut written = written.clone();
            written[field] = value;
            serde_json::from_value::<Committee>(written)
        };
        assert_eq!(bent("faulty", 2.into()).unwrap(), committee);
        assert!(bent("faulty", 3.into()).is_err(), "more than seven bear");
        assert!(bent("weights", vec![0, 0].into()).is_err() && bent("weights", vec![u64::MAX, 2].into()).is_err());
        let mut tally = VoterSet::default();
        tally.add(NodeId(1), &committee);
        let read: VoterSet = serde_json::from_value(serde_json::to_value(&tally).unwrap()).unwrap();
        assert!(read.contains(NodeId(1)) && !read.contains(NodeId(0)) && read.weight() == 0);
    }

    #[test]
    fn nobody_is_counted_twice_and_strangers_never() {
        let committee = Committee::weighted(vec![5, 1, 1], FaultModel::Byzantine);
        let mut tally = VoterSet::default();
        assert!(tally.add(NodeId(0), &committee));
        assert!(!tally.add(NodeId(0), &committee));
        assert!(!tally.add(NodeId(3), &committee));
        assert_eq!((tally.weight(), tally.is_quorum(&committee)), (5, true));
    }
}
