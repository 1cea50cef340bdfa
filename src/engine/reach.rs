//! Which nodes can reach enough others for blocks to become final.
//!
//! Observers use it to distinguish an outage of the chain from the isolation of single nodes. The cuts known here are
//! those that the schedule of faults applied to the network. Nodes that all cuts treat alike form a class, so that the work grows with
//! the number of nodes and not with its square.

use crate::base::NodeId;
use crate::network::Change;
use std::collections::BTreeMap;

/// Pairs of sets of nodes: nothing passes from a node of the first to a node of the second.
type Pairs = Vec<(Vec<NodeId>, Vec<NodeId>)>;

/// The cuts in force.
#[derive(Default)]
pub(super) struct Cuts(Vec<(u32, Pairs)>);

/// Of which sets a node is a member, one bit per cut pair.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Class {
    from: Vec<u64>,
    to: Vec<u64>,
}

impl Class {
    fn cuts(&self, other: &Class) -> bool {
        self.from.iter().zip(&other.to).any(|(from, to)| from & to != 0)
    }
    /// Whether messages pass in both directions.
    fn meets(&self, other: &Class) -> bool {
        !self.cuts(other) && !other.cuts(self)
    }
}

impl Cuts {
    /// A change of the network takes effect.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Cut { id, pairs } => {
                self.0.retain(|(known, _)| known != id);
                self.0.push((*id, pairs.clone()));
            }
            Change::Lift { id } => self.0.retain(|(known, _)| known != id),
            Change::Degrade { .. } => {}
        }
    }
    /// For every node whether it is up and the nodes that are up and that it reaches in both directions, itself
    /// included, weigh at least `needed`.
    pub fn connected(&self, up: &[bool], weight: impl Fn(NodeId) -> u64, needed: u64) -> Vec<bool> {
        let weight = |node: usize| if up[node] { weight(NodeId::from(node)) } else { 0 };
        let mut classes: BTreeMap<&Class, u64> = BTreeMap::new();
        let of = self.classes(up.len());
        for (node, class) in of.iter().enumerate() {
            *classes.entry(class).or_default() += weight(node);
        }
        // The weight that a member of a class reaches in other classes, and in its own.
        let reach: BTreeMap<&Class, u64> = (classes.keys())
            .map(|class| (*class, classes.iter().filter(|(other, _)| class.meets(other)).map(|(_, sum)| sum).sum()))
            .collect();
        let reached = |node: usize| {
            let class = &of[node];
            // Members of a class that a cut keeps from each other still reach themselves.
            reach[class] + if class.meets(class) { 0 } else { weight(node) }
        };
        (0..up.len()).map(|node| up[node] && reached(node) >= needed).collect()
    }
    fn classes(&self, nodes: usize) -> Vec<Class> {
        let pairs = self.0.iter().flat_map(|(_, pairs)| pairs);
        let words = pairs.clone().count().div_ceil(64);
        let mut classes = vec![Class { from: vec![0; words], to: vec![0; words] }; nodes];
        for (number, (from, to)) in pairs.enumerate() {
            let (word, bit) = (number / 64, 1u64 << (number % 64));
            // Twins sit behind the nodes; observers know neither them nor what they reach.
            let known = |node: &&NodeId| node.index() < nodes;
            from.iter().filter(known).for_each(|node| classes[node.index()].from[word] |= bit);
            to.iter().filter(known).for_each(|node| classes[node.index()].to[word] |= bit);
        }
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(numbers: &[u32]) -> Vec<NodeId> {
        numbers.iter().copied().map(NodeId).collect()
    }

    fn cut(id: u32, one: &[u32], other: &[u32]) -> Change {
        let (one, other) = (nodes(one), nodes(other));
        Change::Cut { id, pairs: vec![(one.clone(), other.clone()), (other, one)] }
    }

    fn connected(cuts: &Cuts, up: [bool; 4], needed: u64) -> [bool; 4] {
        cuts.connected(&up, |_| 1, needed).try_into().unwrap()
    }

    #[test]
    fn a_cut_leaves_the_side_with_a_quorum_connected_until_it_is_lifted() {
        let mut cuts = Cuts::default();
        assert_eq!(connected(&cuts, [true; 4], 3), [true; 4]);
        cuts.apply(&cut(7, &[0], &[1, 2, 3]));
        assert_eq!(connected(&cuts, [true; 4], 3), [false, true, true, true]);
        cuts.apply(&cut(8, &[1], &[0, 2, 3]));
        assert_eq!(connected(&cuts, [true; 4], 3), [false; 4], "two cuts add up");
        cuts.apply(&Change::Lift { id: 7 });
        assert_eq!(connected(&cuts, [true; 4], 3), [true, false, true, true]);
    }

    #[test]
    fn who_is_down_is_not_connected_and_lends_no_weight() {
        let cuts = Cuts::default();
        assert_eq!(connected(&cuts, [true, true, true, false], 3), [true, true, true, false]);
        assert_eq!(connected(&cuts, [true, true, false, false], 3), [false; 4]);
    }

    #[test]
    fn a_cut_in_one_direction_is_a_cut() {
        let mut cuts = Cuts::default();
        cuts.apply(&Change::Cut { id: 1, pairs: vec![(nodes(&[0, 1]), nodes(&[2, 3, 9]))] });
        assert_eq!(connected(&cuts, [true; 4], 3), [false; 4]);
        assert_eq!(connected(&cuts, [true; 4], 2), [true; 4]);
    }

    #[test]
    fn nodes_that_a_cut_keeps_from_each_other_reach_themselves() {
        let mut cuts = Cuts::default();
        cuts.apply(&Change::Cut { id: 1, pairs: vec![(nodes(&[0, 1]), nodes(&[0, 1]))] });
        assert_eq!(connected(&cuts, [true; 4], 3), [true; 4], "each of the two, and the two others");
        assert_eq!(connected(&cuts, [true; 4], 4), [false, false, true, true]);
    }
}
