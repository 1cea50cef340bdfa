//! Metrics of blocks: how many, how they spread, and who proposed them.

use super::super::definition::{Awaited, Group, MetricDef};
use super::super::measured::{Measured, ratio};
use super::super::rows::{BlockRow, BlockStatus};
use super::super::statistics::percentile;
use crate::base::Duration;

/// Blocks and forks.
pub static CHAIN: &[MetricDef] = &[
    MetricDef::new(
        "blocks",
        "blocks",
        "",
        Group::Chain,
        "canonical blocks created within the measured window, genesis excluded",
        |m| Some(canonical(m).count() as f64),
    )
    .headline(1),
    MetricDef::new(
        "block_interval",
        "block interval",
        "s",
        Group::Chain,
        "mean time between the creations of canonical blocks created within the measured window",
        block_interval,
    )
    .headline(2),
    MetricDef::new(
        "block_transactions",
        "transactions per block",
        "",
        Group::Chain,
        "mean number of transactions in canonical blocks created within the measured window, coinbase included",
        |m| ratio(canonical(m).map(|row| u64::from(row.transactions)).sum::<u64>() as f64, canonical(m).count()),
    ),
    MetricDef::new(
        "fork_rate",
        "fork rate",
        "%",
        Group::Chain,
        "stale blocks / (stale + canonical blocks) created within the measured window",
        |m| ratio(100.0 * stale(m) as f64, canonical(m).count() + stale(m)),
    )
    .headline(3),
    MetricDef::new(
        "reorgs",
        "reorganisations",
        "",
        Group::Chain,
        "times that an honest node cut its chain back",
        |m| Some(m.counts.reorgs.values().sum::<u64>() as f64),
    ),
    MetricDef::new(
        "reorg_depth_max",
        "deepest reorganisation",
        "blocks",
        Group::Chain,
        "most blocks that an honest node cut off at once",
        |m| Some(m.counts.reorgs.keys().next_back().map_or(0.0, |&depth| depth as f64)),
    )
    .headline(4),
];

/// How blocks spread.
pub static PROPAGATION: &[MetricDef] = &[
    MetricDef::awaited(
        "propagation_t50",
        "block propagation t50",
        Group::Chain,
        "time from the creation of a block until half of the honest nodes held it whole: median over all blocks \
         created within the measured window, blocks that never got there rank last",
        |m| propagation(m, |row| row.t50),
    ),
    MetricDef::awaited(
        "propagation_t90",
        "block propagation t90",
        Group::Chain,
        "time from the creation of a block until 90 % of the honest nodes held it whole: median over all blocks \
         created within the measured window; blocks that never got there rank last",
        |m| propagation(m, |row| row.t90),
    )
    .headline(5),
    MetricDef::awaited(
        "propagation_t99",
        "block propagation t99",
        Group::Chain,
        "time from the creation of a block until 99 % of the honest nodes held it whole: median over all blocks \
         created within the measured window; blocks that never got there rank last",
        |m| propagation(m, |row| row.t99),
    ),
    MetricDef::new(
        "propagation_missing",
        "blocks that did not reach all",
        "blocks",
        Group::Chain,
        "blocks created within the measured window that 99 % of the honest nodes did not hold whole by the end",
        propagation_missing,
    ),
];

/// Rounds and leaders.
pub static ROUNDS: &[MetricDef] = &[
    MetricDef::new(
        "failed_rounds",
        "failed rounds",
        "",
        Group::Chain,
        "rounds that ended without a decision: the number of distinct failed round numbers, or the highest count \
         at one node if that is larger (round numbers may restart at each height)",
        |m| Some(failed_rounds(m) as f64),
    )
    .headline(6),
    MetricDef::new(
        "leader_changes",
        "leader changes",
        "",
        Group::Chain,
        "canonical blocks of the whole run whose proposer is another than that of the block below; 0 if no node \
         of the protocol ever notes that it leads",
        |m| Some(m.leader_changes as f64),
    ),
];

/// Canonical blocks created within the measured window.
fn canonical<'a>(m: &'a Measured<'_>) -> impl Iterator<Item = &'a BlockRow> {
    m.blocks.iter().copied().filter(|row| row.status == BlockStatus::Canonical)
}

fn stale(m: &Measured<'_>) -> usize {
    m.blocks.iter().filter(|row| row.status == BlockStatus::Stale).count()
}

fn block_interval(m: &Measured<'_>) -> Option<f64> {
    let created = || canonical(m).map(|row| row.created);
    let span = created().max().zip(created().min()).map_or(0.0, |(last, first)| last.since(first).as_secs_f64());
    ratio(span, canonical(m).count().saturating_sub(1))
}

/// The blocks of which propagation is measured. Without an honest node it is not known who received a block.
fn propagated<'a>(m: &'a Measured<'_>) -> impl Iterator<Item = &'a BlockRow> {
    let has_honest = m.nodes.iter().any(|row| row.honest);
    m.blocks.iter().copied().filter(move |_| has_honest)
}

/// The median of the time until blocks reached a share of the nodes.
fn propagation(m: &Measured<'_>, reach: fn(&BlockRow) -> Duration) -> Awaited {
    let mut spans: Vec<Duration> = propagated(m).map(reach).collect();
    spans.sort_unstable();
    match percentile(&spans, 500) {
        None => Awaited::NotMeasurable,
        Some(Duration::MAX) => Awaited::NotBy(m.end),
        Some(span) => Awaited::After(span),
    }
}

fn propagation_missing(m: &Measured<'_>) -> Option<f64> {
    let missing = propagated(m).filter(|row| row.t99 == Duration::MAX).count();
    propagated(m).next().map(|_| missing as f64)
}

fn failed_rounds(m: &Measured<'_>) -> u64 {
    // Numbers may restart at every height, and not every node may see every round.
    let at_one_node = m.nodes.iter().map(|row| row.failed_rounds).max().unwrap_or(0);
    at_one_node.max(m.counts.failed_round_numbers)
}
