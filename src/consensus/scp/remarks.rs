//! Before a run: whether quorums meet, and who depends on the faulty.

use crate::base::intersection::{Intersection, STEPS_MAX, intersection};
use crate::base::quorum_set::greatest_quorum;
use crate::base::{NodeId, NodeSet, QuorumSet};
use std::collections::BTreeSet;

fn show(nodes: &NodeSet) -> String {
    let names: Vec<String> = nodes.nodes().take(8).map(|node| node.to_string()).collect();
    let more = nodes.len().saturating_sub(names.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    names.join(", ") + &rest
}

/// What is worth knowing about these quorum sets when some nodes are faulty.
#[must_use]
pub fn remarks(sets: &[&QuorumSet], faulty: &BTreeSet<NodeId>) -> Vec<String> {
    let mut remarks = Vec::new();
    let some: Vec<Option<&QuorumSet>> = sets.iter().map(|set| Some(*set)).collect();
    match intersection(&some) {
        Intersection::Holds => {}
        Intersection::Disjoint(one, other) => {
            remarks.push(format!("quorums {{{}}} and {{{}}} are disjoint: they can fork", show(&one), show(&other)));
        }
        Intersection::None => remarks.push("no set of nodes is a quorum: nothing can be decided".to_owned()),
        Intersection::Unknown => {
            remarks.push(format!("whether any two quorums meet was not found out in {STEPS_MAX} steps"));
        }
    }
    let weak = sets.iter().position(|set| set.threshold * 2 <= set.entries() && set.entries() > 1);
    if let Some(node) = weak {
        let (set, node) = (sets[node], NodeId::from(node));
        remarks.push(format!("{node} needs only {} of {} entries, not a majority", set.threshold, set.entries()));
    }
    if !faulty.is_empty() {
        remarks.push(befouled(sets, faulty));
    }
    remarks
}

/// The befouled nodes: the faulty, all nodes without a quorum free of befouled ones; and all nodes, if quorums intersect
/// only in befouled ones.
fn befouled(sets: &[&QuorumSet], faulty: &BTreeSet<NodeId>) -> String {
    let ill: NodeSet = faulty.iter().copied().collect();
    let slices = |node: NodeId| sets.get(node.index()).copied();
    let intact = greatest_quorum(NodeSet::all(sets.len()).without(&ill), slices);
    let befouled = NodeSet::all(sets.len()).without(&intact);
    let deleted: Vec<QuorumSet> = sets.iter().map(|set| set.delete(&befouled)).collect();
    let left: Vec<Option<&QuorumSet>> =
        (deleted.iter().enumerate()).map(|(node, set)| intact.contains(NodeId::from(node)).then_some(set)).collect();
    let who = show(&ill);
    match intersection(&left) {
        _ if intact.is_empty() => format!("with {who} faulty no quorum is left: every other node is befouled"),
        Intersection::Disjoint(one, other) => {
            format!("with {who} faulty {{{}}} and {{{}}} can fork: every node is befouled", show(&one), show(&other))
        }
        Intersection::Unknown => format!("with {who} faulty, who stays intact was not found out"),
        Intersection::Holds | Intersection::None => {
            let rest = befouled.without(&ill);
            let and = if rest.is_empty() { String::new() } else { format!(", befouled {}", show(&rest)) };
            format!("with {who} faulty: intact {}{and}", show(&intact))
        }
    }
}
