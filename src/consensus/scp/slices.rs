//! Whom each node needs: given, or made by a rule.

use crate::base::{NodeId, QuorumSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The quorum sets of all nodes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Slices {
    /// Each node needs this percentage of all.
    Flat(u64),
    /// Each node needs most of some organizations, and of each most of its nodes.
    Tiered(Tiers),
    /// One for each node: `[{ threshold = 2, validators = [0, 1, 2] }, ..]`, with `inner` sets if wanted.
    Given(Vec<QuorumSet>),
}

impl Default for Slices {
    fn default() -> Slices {
        Slices::Flat(SHARE)
    }
}

/// Percent of organizations (the advice to Stellar's validators, and the `HIGH` quality of its configuration).
const SHARE: u64 = 67;
/// Percent of the nodes of one organization (the same source).
const INNER: u64 = 51;

/// Organizations of nodes, in order of number; each node needs all that are in the core, and those outside need them too.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tiers {
    /// Nodes of one organization. Default 3.
    pub organization: usize,
    /// The first so many nodes are organized; the others only follow. Default 0: all.
    pub core: usize,
    /// Percent of the organizations that a node needs. Default 67.
    pub outer: u64,
    /// Percent of an organization's nodes that it needs. Default 51.
    pub inner: u64,
}

impl Default for Tiers {
    fn default() -> Tiers {
        Tiers { organization: 3, core: 0, outer: SHARE, inner: INNER }
    }
}

fn percent(share: u64, of: usize) -> usize {
    (share as usize * of).div_ceil(100)
}

impl Slices {
    /// The quorum set of each of `n` nodes. Equal ones are one.
    #[must_use]
    pub fn of(&self, n: usize) -> Vec<Arc<QuorumSet>> {
        let all = |set: QuorumSet| std::iter::repeat_n(Arc::new(set), n).collect();
        match self {
            Slices::Flat(share) => all(QuorumSet::flat(percent(*share, n), 0..n as u32)),
            Slices::Tiered(tiers) => {
                let core = if tiers.core == 0 { n } else { tiers.core };
                let nodes: Vec<u32> = (0..core as u32).collect();
                let organizations = nodes.chunks(tiers.organization);
                let inner: Vec<QuorumSet> = organizations
                    .map(|nodes| QuorumSet::flat(percent(tiers.inner, nodes.len()), nodes.iter().copied()))
                    .collect();
                all(QuorumSet { threshold: percent(tiers.outer, inner.len()), validators: Vec::new(), inner })
            }
            Slices::Given(sets) => {
                let mut shared: Vec<Arc<QuorumSet>> = Vec::new();
                for set in sets {
                    let known = shared.iter().find(|known| ***known == *set).cloned();
                    shared.push(known.unwrap_or_else(|| Arc::new(set.clone())));
                }
                shared
            }
        }
    }
    /// Why they cannot be those of `n` nodes.
    #[must_use]
    pub fn fault(&self, n: usize) -> Option<String> {
        let share = |name: &str, share: u64| {
            (!(1..=100).contains(&share)).then(|| format!("{name} is {share} percent; must be from 1 to 100"))
        };
        match self {
            Slices::Flat(flat) => share("flat", *flat),
            Slices::Tiered(tiers) if tiers.organization == 0 || tiers.core > n => {
                Some(format!("has organizations of {} and a core of {} in {n} nodes", tiers.organization, tiers.core))
            }
            Slices::Tiered(tiers) => share("outer", tiers.outer).or_else(|| share("inner", tiers.inner)),
            Slices::Given(sets) if sets.len() != n => Some(format!("has {} quorum sets for {n} nodes", sets.len())),
            Slices::Given(sets) => (0..n).find_map(|node| {
                let fault = sets[node].fault(n)?;
                Some(format!("the quorum set of {} {fault}", NodeId::from(node)))
            }),
        }
    }
}
