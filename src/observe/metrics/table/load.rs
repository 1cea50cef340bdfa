//! Metrics of the load, and of what became of transactions.

use super::super::definition::{Group, MetricDef};
use super::super::measured::{Measured, ratio};
use super::super::rows::TransactionStatus;

/// Load and throughput.
pub static LOAD: &[MetricDef] = &[
    MetricDef::new(
        "offered_load",
        "offered load",
        "tx/s",
        Group::Load,
        "submissions per second that the scenario asks for",
        |m| m.counts.offered,
    )
    .headline(1),
    MetricDef::new(
        "submitted",
        "submitted load",
        "tx/s",
        Group::Load,
        "transactions submitted within the measured window per second, each counted once",
        |m| m.per_second(m.submitted),
    )
    .headline(2),
    MetricDef::new(
        "throughput",
        "throughput",
        "tx/s",
        Group::Load,
        "transactions that became final with effect at the first honest node within the measured window, per \
         second",
        |m| m.per_second(m.confirmed),
    )
    .headline(3),
    MetricDef::new(
        "success_rate",
        "success rate",
        "%",
        Group::Load,
        "share of the transactions submitted within the measured window that were final with effect by the end; \
         those that are pending, but were submitted less than the confirmation time p99 before the end, are not \
         counted",
        |m| ratio(100.0 * m.succeeded as f64, m.submitted - m.undecided),
    )
    .headline(4),
];

/// What became of transactions.
pub static STATUSES: &[MetricDef] = &[
    MetricDef::new("no_effect", "no effect", "tx", Group::Load, "transactions final without effect", |m| {
        Some(with_status(m, TransactionStatus::NoEffect))
    }),
    MetricDef::new(
        "rejected",
        "rejected",
        "tx",
        Group::Load,
        "transactions not final that a mempool rejected or evicted",
        |m| Some(with_status(m, TransactionStatus::Rejected)),
    ),
    MetricDef::new(
        "reorged",
        "reorganised",
        "tx",
        Group::Load,
        "transactions that were on the chain of an honest node and were cut off at least once",
        |m| Some(m.transactions.iter().filter(|row| row.reorged).count() as f64),
    ),
    MetricDef::new(
        "reverted",
        "reverted",
        "tx",
        Group::Load,
        "transactions that were cut off, or final on a chain that did not last, and are not on the canonical \
         chain at the end",
        |m| Some(with_status(m, TransactionStatus::Reverted)),
    ),
    MetricDef::new(
        "pending",
        "pending",
        "tx",
        Group::Load,
        "transactions neither final, rejected nor reverted at the end",
        |m| Some(with_status(m, TransactionStatus::Pending)),
    ),
    MetricDef::new(
        "blocked_by_gap",
        "blocked by a gap",
        "tx",
        Group::Load,
        "transactions not final at the end that follow a nonce of their sender which has had no effect; no block \
         can hold them before it",
        |m| Some(m.counts.blocked_by_gap as f64),
    ),
    MetricDef::new(
        "skipped_requests",
        "skipped requests",
        "tx",
        Group::Load,
        "arrivals for which the client had nothing to spend",
        |m| Some(m.counts.skipped_requests as f64),
    ),
];

fn with_status(m: &Measured<'_>, status: TransactionStatus) -> f64 {
    m.transactions.iter().filter(|row| row.status == status).count() as f64
}
