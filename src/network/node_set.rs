//! A set of nodes, one bit each.

use crate::base::NodeId;

/// A set of nodes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeSet {
    /// Bit `i % 64` of word `i / 64` tells whether node `i` belongs; words beyond the last are zero.
    words: Vec<u64>,
    /// How many bits are set.
    len: usize,
}

impl NodeSet {
    /// The empty set, with room for nodes numbered below `nodes`.
    #[must_use]
    pub fn new(nodes: usize) -> NodeSet {
        NodeSet { words: vec![0; nodes.div_ceil(64)], len: 0 }
    }
    /// Whether `node` belongs.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.words.get(node.index() / 64).is_some_and(|word| word >> (node.index() % 64) & 1 == 1)
    }
    /// Adds `node`; returns whether it is new.
    pub fn insert(&mut self, node: NodeId) -> bool {
        let (place, bit) = (node.index() / 64, 1 << (node.index() % 64));
        if place >= self.words.len() {
            self.words.resize(place + 1, 0);
        }
        let new = self.words[place] & bit == 0;
        self.words[place] |= bit;
        self.len += usize::from(new);
        new
    }
    /// Removes everyone; the room stays.
    pub fn clear(&mut self) {
        self.words.fill(0);
        self.len = 0;
    }
    /// How many belong.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether nobody belongs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<'a> FromIterator<&'a NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = &'a NodeId>>(nodes: I) -> NodeSet {
        let mut set = NodeSet::default();
        for node in nodes {
            set.insert(*node);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_node_set_behaves_as_an_ordinary_set(nodes in prop::collection::vec(0u32..300, 0..200), probe in 0u32..400) {
            let nodes: Vec<NodeId> = nodes.into_iter().map(NodeId).collect();
            let mut model = BTreeSet::new();
            let mut set = NodeSet::new(100);
            for node in &nodes {
                prop_assert_eq!(set.insert(*node), model.insert(*node));
            }
            prop_assert_eq!(set.len(), model.len());
            prop_assert_eq!(set.contains(NodeId(probe)), model.contains(&NodeId(probe)));
            set.clear();
            prop_assert!(set.is_empty() && !set.contains(NodeId(probe)));
        }
    }
}
