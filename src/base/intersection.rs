//! Quorum intersection: whether any two quorums share a node when each node defines its own quorum slices.
//!
//! To find two disjoint quorums is hard in general. Where all nodes have one set that names no node twice, it is a matter of
//! counting; elsewhere quorums are searched (Lachowski, "Complexity of the quorum intersection property of the Federated
//! Byzantine Agreement System", arXiv 1902.06493), and the search gives up after [`STEPS_MAX`].

use super::quorum_set::greatest_quorum;
use super::{NodeId, NodeSet, QuorumSet};

/// Sets of nodes looked at before the search gives up.
pub const STEPS_MAX: usize = 100_000;

/// Whether any two quorums meet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Intersection {
    /// They do.
    Holds,
    /// These two do not.
    Disjoint(NodeSet, NodeSet),
    /// There is no quorum at all.
    None,
    /// The search was too long.
    Unknown,
}

/// Judges the quorum sets of all nodes; who has none takes no part.
#[must_use]
pub fn intersection(sets: &[Option<&QuorumSet>]) -> Intersection {
    let slices = |node: NodeId| sets.get(node.index()).copied().flatten();
    let all = greatest_quorum(NodeSet::all(sets.len()), slices);
    let Some(first) = all.nodes().next().and_then(slices) else { return Intersection::None };
    let is_one = all.nodes().all(|node| slices(node) == Some(first)) && first.nodes().len() == count(first);
    if is_one && all.holds(&first.nodes()) {
        let Some((one, other)) = split(first) else { return Intersection::Holds };
        return Intersection::Disjoint(one, other);
    }
    let mut search = Search { slices: &slices, most: all.len() / 2, all: all.clone(), steps: 0 };
    match search.look(&mut NodeSet::default(), &all) {
        Some((one, other)) => Intersection::Disjoint(one, other),
        None if search.steps >= STEPS_MAX => Intersection::Unknown,
        None => Intersection::Holds,
    }
}

/// Nodes named, counted as often as they are.
fn count(set: &QuorumSet) -> usize {
    set.validators.len() + set.inner.iter().map(count).sum::<usize>()
}

/// Two disjoint slices of a set that names no node twice. An inner set that holds two disjoint slices serves both sides;
/// every other entry serves one.
fn split(set: &QuorumSet) -> Option<(NodeSet, NodeSet)> {
    let (mut both, mut single) = (Vec::new(), Vec::new());
    for validator in &set.validators {
        single.push(NodeSet::from_iter([NodeId(*validator)]));
    }
    for inner in &set.inner {
        match split(inner) {
            Some(halves) => both.push(halves),
            None => single.push(inner.nodes()),
        }
    }
    let lacking = set.threshold.saturating_sub(both.len());
    if 2 * lacking > single.len() {
        return None;
    }
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for (left, right) in both.into_iter().take(set.threshold) {
        one.push(left);
        other.push(right);
    }
    one.extend(single.iter().take(lacking).cloned());
    other.extend(single.iter().skip(lacking).take(lacking).cloned());
    let join = |parts: Vec<NodeSet>| parts.iter().flat_map(NodeSet::nodes).collect();
    Some((join(one), join(other)))
}

/// The search for a small quorum whose rest holds another.
struct Search<'a, F: Fn(NodeId) -> Option<&'a QuorumSet>> {
    slices: &'a F,
    /// One of two disjoint quorums has at most half of the nodes.
    most: usize,
    all: NodeSet,
    steps: usize,
}

impl<'a, F: Fn(NodeId) -> Option<&'a QuorumSet>> Search<'a, F> {
    /// Looks at the quorums that hold all of `chosen` and some of `open`.
    fn look(&mut self, chosen: &mut NodeSet, open: &NodeSet) -> Option<(NodeSet, NodeSet)> {
        self.steps += 1;
        if self.steps >= STEPS_MAX || chosen.len() > self.most {
            return None;
        }
        let quorum = greatest_quorum(chosen.clone(), self.slices);
        if !quorum.is_empty() {
            let rest = greatest_quorum(self.all.without(&quorum), self.slices);
            return (!rest.is_empty()).then_some((quorum, rest));
        }
        let within = greatest_quorum(chosen.nodes().chain(open.nodes()).collect(), self.slices);
        if within.is_empty() || !within.holds(chosen) {
            return None;
        }
        let mut open: NodeSet = within.without(chosen);
        // Nodes that the chosen nodes need come first, so that slices are completed sooner.
        let needed = |node: &NodeId| chosen.nodes().filter_map(self.slices).filter(|set| set.weight(*node) > 0).count();
        let next = open.nodes().max_by_key(|node| (needed(node), std::cmp::Reverse(*node)))?;
        open.remove(next);
        chosen.insert(next);
        let found = self.look(chosen, &open);
        chosen.remove(next);
        found.or_else(|| self.look(chosen, &open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(sets: &[QuorumSet]) -> Intersection {
        intersection(&sets.iter().map(Some).collect::<Vec<_>>())
    }

    #[test]
    fn two_cliques_are_disjoint_until_one_crosses_over() {
        let clique = |first: u32| QuorumSet::flat(2, first..first + 3);
        let mut sets: Vec<QuorumSet> = (0..6).map(|node| clique(if node < 3 { 0 } else { 3 })).collect();
        let Intersection::Disjoint(one, other) = of(&sets) else { panic!("disjoint") };
        assert!(one.nodes().all(|node| !other.contains(node)));
        // Each of the second clique also needs two of the first.
        for set in &mut sets[3..] {
            *set = QuorumSet { threshold: 2, validators: vec![], inner: vec![clique(0), clique(3)] };
        }
        assert_eq!(of(&sets), Intersection::Holds);
    }

    #[test]
    fn thresholds_tell_whether_equal_sets_meet() {
        for n in 1..=100usize {
            for threshold in 1..=n {
                let flat = QuorumSet::flat(threshold, 0..n as u32);
                let holds = of(&vec![flat; n]) == Intersection::Holds;
                assert_eq!(holds, 2 * threshold > n, "{threshold} of {n}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_search_finds_what_trying_all_finds(
            thresholds in proptest::collection::vec((1..4usize, 1u64..64), 6),
        ) {
            let sets: Vec<QuorumSet> = thresholds.iter().map(|(threshold, bits)| {
                let nodes: Vec<u32> = (0..6).filter(|node| bits >> node & 1 == 1).collect();
                QuorumSet::flat((*threshold).min(nodes.len()), nodes)
            }).collect();
            let is_quorum = |bits: u64| {
                let nodes: NodeSet = (0..6u32).filter(|node| bits >> node & 1 == 1).map(NodeId).collect();
                bits > 0 && nodes.nodes().all(|node| sets[node.index()].has_slice_in(&nodes))
            };
            let quorums: Vec<u64> = (1..64).filter(|bits| is_quorum(*bits)).collect();
            let is_disjoint = quorums.iter().any(|a| quorums.iter().any(|b| a & b == 0));
            match of(&sets) {
                Intersection::Holds => prop_assert!(!is_disjoint && !quorums.is_empty()),
                Intersection::None => prop_assert!(quorums.is_empty()),
                Intersection::Disjoint(one, other) => {
                    prop_assert!(is_disjoint && one.nodes().all(|node| !other.contains(node)));
                    let bits = |nodes: &NodeSet| nodes.nodes().map(|node| 1 << node.0).sum::<u64>();
                    prop_assert!(is_quorum(bits(&one)) && is_quorum(bits(&other)));
                }
                Intersection::Unknown => prop_assert!(false, "six nodes are few"),
            }
        }
    }
}
