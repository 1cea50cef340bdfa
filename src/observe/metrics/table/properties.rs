//! Metrics of safety, liveness and fairness.

use super::super::definition::{Group, MetricDef};
use super::super::measured::Measured;
use super::super::statistics::gini;
use crate::observe::ViolationKind;

/// Safety and liveness.
pub static PROPERTIES: &[MetricDef] = &[
    MetricDef::new(
        "safety_violations",
        "safety violations",
        "",
        Group::Properties,
        "violated safety properties: agreement, finality, validity, conservation, state roots, durability",
        |m| Some(m.verdict.count(ViolationKind::Safety) as f64),
    )
    .headline(1)
    .summed(),
    MetricDef::new(
        "liveness_violations",
        "liveness violations",
        "",
        Group::Properties,
        "intervals without finality longer than `check.progress` that no fault excuses",
        |m| Some(m.verdict.count(ViolationKind::Liveness) as f64),
    )
    .headline(2)
    .summed(),
    MetricDef::new(
        "longest_gap",
        "longest gap without finality",
        "s",
        Group::Time,
        "longest interval in which no new block became final at any honest node, the intervals at the start and \
         end of the run included",
        |m| Some(m.counts.longest_gap.as_secs_f64()),
    )
    .headline(4),
];

/// Shares of nodes in the canonical chain.
pub static FAIRNESS: &[MetricDef] = &[
    MetricDef::new(
        "fairness_gini",
        "fairness, Gini",
        "",
        Group::Properties,
        "Gini coefficient of canonical blocks against power over all nodes, whole run: 0 is proportional",
        |m| gini(&canonical_by_node(m), m.counts.weights),
    ),
    MetricDef::new(
        "fairness_deviation",
        "fairness, max deviation",
        "pp",
        Group::Properties,
        "greatest difference between a node's share of canonical blocks and its share of power, percentage points",
        fairness_deviation,
    ),
    MetricDef::new(
        "byzantine_blocks",
        "blocks of Byzantine nodes",
        "%",
        Group::Properties,
        "share of canonical blocks that Byzantine nodes made, whole run",
        byzantine_blocks,
    )
    .only_if(has_byzantine),
];

fn canonical_by_node(m: &Measured<'_>) -> Vec<u64> {
    m.nodes.iter().map(|row| row.blocks_canonical).collect()
}

fn has_canonical(m: &Measured<'_>) -> bool {
    m.nodes.iter().any(|row| row.blocks_canonical > 0)
}

fn fairness_deviation(m: &Measured<'_>) -> Option<f64> {
    let deviations = m.nodes.iter().map(|row| 100.0 * (row.block_share - row.weight_share).abs());
    deviations.max_by(f64::total_cmp).filter(|_| has_canonical(m))
}

fn has_byzantine(m: &Measured<'_>) -> bool {
    m.nodes.iter().any(|row| !row.honest)
}

fn byzantine_blocks(m: &Measured<'_>) -> Option<f64> {
    let share: f64 = m.nodes.iter().filter(|row| !row.honest).map(|row| 100.0 * row.block_share).sum();
    Some(share).filter(|_| has_canonical(m))
}
