//! Quorums without a global membership: each node defines which nodes it needs (Mazières, "The Stellar Consensus
//! Protocol", definitions 3.1 to 3.5).

use super::wire::{HASH_BYTES, NODE_BYTES};
use super::{Digest, Hash, NodeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nodes, as bits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct NodeSet(Vec<u64>);

impl NodeSet {
    /// All of `n` nodes.
    #[must_use]
    pub fn all(n: usize) -> NodeSet {
        (0..n).map(NodeId::from).collect()
    }
    /// Adds a node.
    pub fn insert(&mut self, node: NodeId) {
        let word = node.index() / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (node.index() % 64);
    }
    /// Takes a node out.
    pub fn remove(&mut self, node: NodeId) {
        if let Some(word) = self.0.get_mut(node.index() / 64) {
            *word &= !(1 << (node.index() % 64));
        }
        self.trim();
    }
    /// Whether a node is in it.
    #[must_use]
    pub fn contains(&self, node: NodeId) -> bool {
        self.0.get(node.index() / 64).is_some_and(|word| word >> (node.index() % 64) & 1 == 1)
    }
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
    /// The nodes, in order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        let bits =
            self.0.iter().enumerate().flat_map(|(at, word)| (0..64).map(move |bit| (at * 64 + bit, word >> bit)));
        bits.filter(|(_, rest)| rest & 1 == 1).map(|(node, _)| NodeId::from(node))
    }
    /// Whether all of `other` is in it.
    #[must_use]
    pub fn holds(&self, other: &NodeSet) -> bool {
        other.nodes().all(|node| self.contains(node))
    }
    /// What it has and `other` has not.
    #[must_use]
    pub fn without(&self, other: &NodeSet) -> NodeSet {
        let words = self.0.iter().enumerate().map(|(at, word)| word & !other.0.get(at).unwrap_or(&0));
        let mut rest = NodeSet(words.collect());
        rest.trim();
        rest
    }
    /// Equal sets have equal words.
    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

impl FromIterator<NodeId> for NodeSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> NodeSet {
        let mut set = NodeSet::default();
        nodes.into_iter().for_each(|node| set.insert(node));
        set
    }
}

/// The nodes that a node needs: `threshold` of its entries. An inner set counts as one entry when it is satisfied.
/// A *slice* is any choice of nodes that satisfies it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuorumSet {
    /// How many of the entries, from 1 to their number.
    pub threshold: usize,
    /// Entries that are nodes, by number.
    #[serde(default)]
    pub validators: Vec<u32>,
    /// Entries that are sets of nodes.
    #[serde(default)]
    pub inner: Vec<QuorumSet>,
}

impl QuorumSet {
    /// How deep sets may lie in each other (the reference implementation's limit).
    pub const DEPTH_MAX: usize = 4;

    /// `threshold` of these nodes.
    #[must_use]
    pub fn flat(threshold: usize, validators: impl IntoIterator<Item = u32>) -> QuorumSet {
        QuorumSet { threshold, validators: validators.into_iter().collect(), inner: Vec::new() }
    }
    /// Number of entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.validators.len() + self.inner.len()
    }
    /// Whether `nodes` holds one of its slices.
    #[must_use]
    pub fn has_slice_in(&self, nodes: &NodeSet) -> bool {
        let mut missing = self.threshold;
        for validator in &self.validators {
            missing -= usize::from(missing > 0 && nodes.contains(NodeId(*validator)));
        }
        missing <= self.inner.len()
            && self.inner.iter().filter(|inner| inner.has_slice_in(nodes)).take(missing).count() == missing
    }
    /// Whether `nodes` meets each of its slices: without them none is complete.
    #[must_use]
    pub fn is_blocked_by(&self, nodes: &NodeSet) -> bool {
        let validators = self.validators.iter().filter(|validator| nodes.contains(NodeId(**validator))).count();
        let inner = self.inner.iter().filter(|inner| inner.is_blocked_by(nodes)).count();
        self.entries() - validators - inner < self.threshold
    }
    /// Which part of its slices holds `node`: 2^64 for all of them.
    #[must_use]
    pub fn weight(&self, node: NodeId) -> u128 {
        let share = |whole: u128| whole * self.threshold as u128 / self.entries() as u128;
        if self.validators.contains(&node.0) {
            return share(1 << 64);
        }
        self.inner.iter().map(|inner| inner.weight(node)).find(|weight| *weight > 0).map_or(0, share)
    }
    /// All nodes that it names.
    #[must_use]
    pub fn nodes(&self) -> NodeSet {
        let inner = self.inner.iter().flat_map(|inner| inner.nodes().nodes().collect::<Vec<_>>());
        self.validators.iter().map(|validator| NodeId(*validator)).chain(inner).collect()
    }
    /// The rest of the set when some nodes are assumed to help any node (`delete` of the paper). A threshold of zero is
    /// always met.
    #[must_use]
    pub fn delete(&self, nodes: &NodeSet) -> QuorumSet {
        let validators: Vec<u32> =
            self.validators.iter().copied().filter(|node| !nodes.contains(NodeId(*node))).collect();
        let inner: Vec<QuorumSet> = self.inner.iter().map(|inner| inner.delete(nodes)).collect();
        let (met, inner): (Vec<_>, Vec<_>) = inner.into_iter().partition(|inner| inner.threshold == 0);
        let gone = self.validators.len() - validators.len() + met.len();
        QuorumSet { threshold: self.threshold.saturating_sub(gone), validators, inner }
    }
    /// Its name.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let digest = Digest::new("quorum set").u64(self.threshold as u64).u64(self.validators.len() as u64);
        let digest = self.validators.iter().fold(digest, |digest, node| digest.u64(u64::from(*node)));
        self.inner.iter().fold(digest.u64(self.inner.len() as u64), |digest, inner| digest.hash(&inner.hash())).finish()
    }
    /// Bytes on the wire: a threshold, names of nodes as hashes of keys with a kind, inner sets.
    #[must_use]
    pub fn bytes(&self) -> usize {
        4 + self.validators.len() * (HASH_BYTES + NODE_BYTES) + self.inner.iter().map(QuorumSet::bytes).sum::<usize>()
    }
    /// Why it is not sane for `n` nodes: empty, a threshold out of range, unknown nodes, a node named twice, too deep.
    #[must_use]
    pub fn fault(&self, n: usize) -> Option<String> {
        let mut named = NodeSet::default();
        self.fault_within(n, QuorumSet::DEPTH_MAX, &mut named)
    }
    fn fault_within(&self, n: usize, depth: usize, named: &mut NodeSet) -> Option<String> {
        if depth == 0 {
            return Some(format!("sets lie more than {} deep in each other", QuorumSet::DEPTH_MAX));
        }
        if !(1..=self.entries()).contains(&self.threshold) {
            return Some(format!("asks for {} of {} entries", self.threshold, self.entries()));
        }
        for validator in &self.validators {
            if *validator as usize >= n {
                return Some(format!("names node {validator} of {n}"));
            }
            if named.contains(NodeId(*validator)) {
                return Some(format!("names node {validator} twice"));
            }
            named.insert(NodeId(*validator));
        }
        self.inner.iter().find_map(|inner| inner.fault_within(n, depth - 1, named))
    }
}

/// The greatest quorum within `nodes`: nodes without a slice are removed until all have one. Empty if there is none.
/// `slices` returns a node's quorum set. A node without one is in no quorum.
#[must_use]
pub fn greatest_quorum<'a>(mut nodes: NodeSet, slices: impl Fn(NodeId) -> Option<&'a QuorumSet>) -> NodeSet {
    loop {
        // Most nodes share one set, by address: it is judged once.
        let mut last: Option<(&QuorumSet, bool)> = None;
        let mut lacking = Vec::new();
        for node in nodes.nodes() {
            let has_slice = match (slices(node), last) {
                (None, _) => false,
                (Some(set), Some((known, has_slice))) if std::ptr::eq(set, known) => has_slice,
                (Some(set), _) => {
                    let has_slice = set.has_slice_in(&nodes);
                    last = Some((set, has_slice));
                    has_slice
                }
            };
            if !has_slice {
                lacking.push(node);
            }
        }
        if lacking.is_empty() {
            return nodes;
        }
        lacking.into_iter().for_each(|node| nodes.remove(node));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(nodes: &[u32]) -> NodeSet {
        nodes.iter().map(|node| NodeId(*node)).collect()
    }

    #[test]
    fn two_of_four_block_whoever_needs_three() {
        let three = QuorumSet::flat(3, 0..4);
        assert!(three.has_slice_in(&set(&[0, 1, 3])) && !three.has_slice_in(&set(&[0, 3])));
        assert!(three.is_blocked_by(&set(&[0, 3])) && !three.is_blocked_by(&set(&[2])));
    }

    #[test]
    fn an_organization_counts_once() {
        let organizations = [0, 3, 6].map(|first| QuorumSet::flat(2, first..first + 3));
        let two = QuorumSet { threshold: 2, validators: vec![9], inner: organizations.to_vec() };
        assert!(!two.has_slice_in(&set(&[0, 1, 2, 3])), "one organization, and one node of another");
        assert!(two.has_slice_in(&set(&[0, 1, 9])) && two.has_slice_in(&set(&[0, 2, 7, 8])));
        // Two of four entries, of which one is a node: half of the slices have it.
        assert_eq!(two.weight(NodeId(9)), 1 << 63);
        assert_eq!(two.weight(NodeId(4)), organizations[1].weight(NodeId(4)) / 2);
        assert_eq!(two.weight(NodeId(10)), 0);
        assert_eq!((two.nodes(), two.bytes()), (NodeSet::all(10), 4 * 4 + 10 * 36));
    }

    #[test]
    fn a_quorum_has_a_slice_of_each_member() {
        // A chain: 0 needs 1, 1 needs 2, and so on; the last needs the first.
        let ring: Vec<QuorumSet> = (0..4).map(|node| QuorumSet::flat(2, [node, (node + 1) % 4])).collect();
        let quorum = |nodes: &[u32]| greatest_quorum(set(nodes), |node| ring.get(node.index()));
        assert!(quorum(&[0, 1, 2]).is_empty());
        assert_eq!(quorum(&[0, 1, 2, 3]), NodeSet::all(4));
    }

    #[test]
    fn a_fault_is_told_in_words() {
        let faults = [
            (QuorumSet::flat(3, 0..2), "asks for 3 of 2 entries"),
            (QuorumSet::flat(1, [7]), "names node 7 of 4"),
            (
                QuorumSet { threshold: 1, validators: vec![1], inner: vec![QuorumSet::flat(1, [1])] },
                "names node 1 twice",
            ),
        ];
        for (set, reason) in faults {
            assert_eq!(set.fault(4).as_deref(), Some(reason));
        }
        assert_eq!(QuorumSet::flat(3, 0..4).fault(4), None);
        let wrap = |set: QuorumSet| QuorumSet { threshold: 1, validators: vec![], inner: vec![set] };
        assert!(wrap(wrap(wrap(wrap(QuorumSet::flat(1, [0]))))).fault(4).is_some_and(|reason| reason.contains("deep")));
    }

    #[test]
    fn deleted_nodes_help_whoever_asks() {
        let nested = QuorumSet { threshold: 2, validators: vec![0], inner: vec![QuorumSet::flat(2, 1..4)] };
        assert_eq!(nested.delete(&set(&[1])).inner[0].threshold, 1);
        assert_eq!(nested.delete(&set(&[1, 2])), QuorumSet::flat(1, [0]));
        assert_eq!(nested.delete(&set(&[0, 1, 2])).threshold, 0);
    }

    fn nested() -> impl Strategy<Value = QuorumSet> {
        let part = |from: u32| (1..=3usize).prop_map(move |threshold| QuorumSet::flat(threshold, from..from + 3));
        (1..=3usize, part(1), part(4)).prop_map(|(threshold, a, b)| QuorumSet {
            threshold,
            validators: vec![0],
            inner: vec![a, b],
        })
    }

    proptest! {
        #[test]
        fn nodes_block_exactly_if_no_slice_is_left_without_them(quorum_set in nested(), bits in 0u64..128) {
            let nodes = NodeSet(vec![bits]);
            let others = NodeSet::all(7).without(&nodes);
            prop_assert_eq!(quorum_set.is_blocked_by(&nodes), !quorum_set.has_slice_in(&others));
        }

        #[test]
        fn the_greatest_quorum_holds_every_quorum(sets in proptest::collection::vec(nested(), 7), bits in 0u64..128) {
            let slices = |node: NodeId| sets.get(node.index());
            let is_quorum = |nodes: &NodeSet| nodes.nodes().all(|node| sets[node.index()].has_slice_in(nodes));
            let greatest = greatest_quorum(NodeSet(vec![bits]), slices);
            prop_assert!(is_quorum(&greatest));
            for part in (0..128u64).filter(|part| part & !bits == 0).map(|part| NodeSet(vec![part])) {
                prop_assert!(!is_quorum(&part) || greatest.holds(&part));
            }
        }
    }
}
