//! A set of nodes, one bit each.

use super::NodeId;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Bits of one word.
const BITS: usize = u64::BITS as usize;

/// A set of nodes. Up to 64 nodes take no memory beyond the value itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[serde(from = "Words", into = "Words")]
pub struct NodeSet {
    /// Bit `i % 64` of word `i / 64` is set if node `i` is in the set. The last word is not zero, so that equal sets have
    /// equal words.
    words: Words,
}

type Words = SmallVec<[u64; 1]>;

/// The word of a node and its bit there.
fn position(node: NodeId) -> (usize, u64) {
    (node.index() / BITS, 1 << (node.index() % BITS))
}

impl NodeSet {
    /// The empty set, with room for nodes numbered below `nodes`: inserting these allocates nothing.
    #[must_use]
    pub fn with_capacity(nodes: usize) -> NodeSet {
        NodeSet { words: SmallVec::with_capacity(nodes.div_ceil(BITS)) }
    }
    /// All of `n` nodes.
    #[must_use]
    pub fn all(n: usize) -> NodeSet {
        (0..n).map(NodeId::from).collect()
    }
    /// Adds a node; returns whether it is new.
    #[inline]
    pub fn insert(&mut self, node: NodeId) -> bool {
        let (word, bit) = position(node);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }
    /// Removes a node; returns whether it was in the set.
    pub fn remove(&mut self, node: NodeId) -> bool {
        let (word, bit) = position(node);
        let was_in = self.contains(node);
        if was_in {
            self.words[word] &= !bit;
            self.trim();
        }
        was_in
    }
    /// Removes all nodes; the room stays.
    pub fn clear(&mut self) {
        self.words.clear();
    }
    /// Whether a node is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, node: NodeId) -> bool {
        let (word, bit) = position(node);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
    /// Number of nodes. It is counted: takes time in proportion to the greatest node number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
    /// Whether no node is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
    /// The nodes, ascending.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            let first = Some(word).filter(|word| *word != 0);
            let rests = std::iter::successors(first, |rest| Some(rest & (rest - 1)).filter(|rest| *rest != 0));
            rests.map(move |rest| NodeId::from(index * BITS + rest.trailing_zeros() as usize))
        })
    }
    /// Whether all nodes of `other` are in the set.
    #[must_use]
    pub fn is_superset(&self, other: &NodeSet) -> bool {
        let own = |index: usize| self.words.get(index).copied().unwrap_or(0);
        other.words.iter().enumerate().all(|(index, word)| word & !own(index) == 0)
    }
    /// The nodes of the set that are not in `other`.
    #[must_use]
    pub fn without(&self, other: &NodeSet) -> NodeSet {
        let words = self.words.iter().enumerate().map(|(index, word)| word & !other.words.get(index).unwrap_or(&0));
        NodeSet::from(words.collect::<Words>())
    }
    fn trim(&mut self) {
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }
}

impl From<Words> for NodeSet {
    fn from(words: Words) -> NodeSet {
        let mut set = NodeSet { words };
        set.trim();
        set
    }
}

impl From<NodeSet> for Words {
    fn from(set: NodeSet) -> Words {
        set.words
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> NodeSet {
        let mut set = NodeSet::default();
        nodes.into_iter().for_each(|node| {
            set.insert(node);
        });
        set
    }
}

impl<'a> FromIterator<&'a NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = &'a NodeId>>(nodes: I) -> NodeSet {
        nodes.into_iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn built(nodes: &BTreeSet<u32>) -> NodeSet {
        nodes.iter().map(|node| NodeId(*node)).collect()
    }

    fn some() -> impl Strategy<Value = BTreeSet<u32>> {
        prop::collection::btree_set(0u32..200, 0..40)
    }

    proptest! {
        /// Every step against a tree of numbers: `true` inserts, `false` removes.
        #[test]
        fn it_behaves_as_an_ordinary_set(steps in prop::collection::vec((any::<bool>(), 0u32..200), 0..120), probe in 0u32..400) {
            let (mut model, mut set) = (BTreeSet::new(), NodeSet::with_capacity(100));
            for (inserts, node) in steps {
                let (found, expected) = if inserts {
                    (set.insert(NodeId(node)), model.insert(node))
                } else {
                    (set.remove(NodeId(node)), model.remove(&node))
                };
                prop_assert_eq!(found, expected);
                prop_assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
            }
            prop_assert_eq!(set.contains(NodeId(probe)), model.contains(&probe));
            let nodes: Vec<u32> = set.nodes().map(|node| node.0).collect();
            prop_assert_eq!(nodes, model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(&set, &built(&model), "equal sets are equal however they were made");
            let read: NodeSet = serde_json::from_value(serde_json::to_value(&set).unwrap()).unwrap();
            prop_assert_eq!(&read, &set);
            set.clear();
            prop_assert_eq!(set, NodeSet::default());
        }

        #[test]
        fn two_sets_relate_as_ordinary_ones_do(one in some(), other in some()) {
            let (left, right) = (built(&one), built(&other));
            prop_assert_eq!(left.without(&right), built(&(&one - &other)));
            prop_assert_eq!(left.is_superset(&right), one.is_superset(&other));
            prop_assert!(left.is_superset(&left.without(&right)));
            prop_assert_eq!(left == right, one == other);
        }
    }

    #[test]
    fn words_that_are_read_with_zeros_at_the_end_make_the_same_set() {
        let read: NodeSet = serde_json::from_str("[5,0,0]").unwrap();
        assert_eq!(read, [NodeId(0), NodeId(2)].into_iter().collect());
        assert_eq!(NodeSet::all(65).nodes().count(), 65);
    }

    #[test]
    fn room_that_was_asked_for_is_enough() {
        let mut set = NodeSet::with_capacity(1_000);
        let room = set.words.capacity();
        set.insert(NodeId(999));
        set.clear();
        set.insert(NodeId(998));
        assert_eq!(set.words.capacity(), room);
        assert!(!(0..64).map(NodeId).collect::<NodeSet>().words.spilled(), "64 nodes need no allocation");
    }
}
