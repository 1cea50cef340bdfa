//! Trusted nodes (UNL) of each node, and whether these lists overlap enough.

use crate::base::{Committee, FaultModel, NodeId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The unique node lists.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unl {
    /// Every node trusts every node.
    #[default]
    All,
    /// Two lists of equal size that share this fraction of a list, from 0 to 1. The first nodes are on the first list
    /// only, the last on the second only; those between are on both, and follow one list and the other in turn.
    Overlap(f64),
    /// For each node the numbers of the nodes that it trusts, itself included if it counts its own word.
    Lists(Vec<Vec<u32>>),
}

impl Unl {
    /// The nodes that `node` of `n` trusts.
    #[must_use]
    pub fn of(&self, node: NodeId, n: usize) -> BTreeSet<NodeId> {
        let range = |from: usize, to: usize| (from..to).map(NodeId::from).collect();
        match self {
            Unl::All => range(0, n),
            Unl::Lists(lists) => lists[node.index()].iter().map(|&trusted| NodeId(trusted)).collect(),
            Unl::Overlap(fraction) => {
                let shared = ((n as f64 * fraction / (2.0 - fraction) + 0.5) as usize).min(n);
                let (first, at) = ((n - shared).div_ceil(2), node.index());
                let is_first = at < first || (at < first + shared && (at - first).is_multiple_of(2));
                if is_first { range(0, first + shared) } else { range(first, n) }
            }
        }
    }
    /// Why these lists cannot be those of `n` nodes.
    #[must_use]
    pub fn fault(&self, n: usize) -> Option<String> {
        match self {
            Unl::All => None,
            Unl::Overlap(fraction) => {
                (!(0.0..=1.0).contains(fraction)).then(|| format!("overlap is {fraction}; must be from 0 to 1"))
            }
            Unl::Lists(lists) if lists.len() != n => Some(format!("has {} lists for {n} nodes", lists.len())),
            Unl::Lists(lists) => {
                let wrong = lists.iter().position(|l| l.is_empty() || l.iter().any(|&node| node as usize >= n));
                wrong.map(|at| format!("list {at} is empty or names a node that does not exist"))
            }
        }
    }
}

/// The members of a list as a committee: weight 1 if trusted. Its quorum is `percent` of the members that the negative
/// list leaves, and never under 60 % of all.
#[must_use]
pub fn committee(members: &BTreeSet<NodeId>, negative: &[NodeId], percent: u64, n: usize) -> Committee {
    let weighted = |trusts: &dyn Fn(NodeId) -> bool| {
        Committee::weighted((0..n).map(|at| u64::from(trusts(at.into()))).collect(), FaultModel::Byzantine)
    };
    let all = weighted(&|node| members.contains(&node));
    // At most a quarter of the members, rounded up, is ever disabled, and never all: some remain.
    let effective = weighted(&|node| members.contains(&node) && !negative.contains(&node));
    let quorum = effective.share(percent).max(all.share(60.min(percent)));
    effective.requiring(quorum)
}

/// One sentence on the pairs of nodes whose lists overlap too little: both can see a quorum for different ledgers
/// (Chase and `MacBrough` 2018), `t` being the faulty nodes that both trust.
#[must_use]
pub fn remarks(unl: &Unl, percent: u64, n: usize, faulty: &BTreeSet<NodeId>) -> Vec<String> {
    let mut distinct: Vec<(NodeId, BTreeSet<NodeId>)> = Vec::new();
    for node in (0..n).map(NodeId::from).filter(|node| !faulty.contains(node)) {
        let members = unl.of(node, n);
        if distinct.iter().all(|(_, known)| *known != members) {
            distinct.push((node, members));
        }
    }
    let pairs = distinct.iter().flat_map(|a| distinct.iter().map(move |b| (a, b)));
    let weak = pairs.filter_map(|((i, list_i), (j, list_j))| {
        let shared = list_i.intersection(list_j).count() as u64;
        let t = list_i.intersection(list_j).filter(|node| faulty.contains(node)).count() as u64;
        let (n_i, n_j) = (list_i.len() as u64, list_j.len() as u64);
        let quorum = committee(list_i, &[], percent, n).quorum();
        let needed = n_j + 2 * (n_i + t).saturating_sub(quorum);
        (2 * shared <= needed).then_some((*i, *j, shared, needed / 2))
    });
    let weak: Vec<_> = weak.collect();
    let Some((i, j, shared, needed)) = weak.first() else { return Vec::new() };
    let more = match weak.len() {
        1 => String::new(),
        more => format!(" ({more} pairs of different lists in all)"),
    };
    vec![format!("the lists of {i} and {j} share {shared} nodes; more than {needed} rule out a fork{more}")]
}
