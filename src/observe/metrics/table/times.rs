//! Metrics of the time until transactions are confirmed.

use super::super::definition::{Group, MetricDef};
use super::super::measured::{Measured, seconds_at};
use super::super::statistics::mean_seconds;

/// Confirmation, inclusion, replies and reads.
pub static CONFIRMATION: &[MetricDef] = &[
    MetricDef::new(
        "confirmation_p50",
        "confirmation time p50",
        "s",
        Group::Time,
        "median time from submission to finality at the entry node, over transactions submitted within the \
         measured window and executed by the end",
        |m| seconds_at(&m.confirmation, 500),
    )
    .headline(1),
    MetricDef::new(
        "confirmation_p90",
        "confirmation time p90",
        "s",
        Group::Time,
        "90th percentile of the time from submission to finality at the entry node, over transactions submitted \
         within the measured window and executed by the end",
        |m| seconds_at(&m.confirmation, 900),
    )
    .headline(2),
    MetricDef::new(
        "confirmation_p95",
        "confirmation time p95",
        "s",
        Group::Time,
        "95th percentile of the time from submission to finality at the entry node, over transactions submitted \
         within the measured window and executed by the end",
        |m| seconds_at(&m.confirmation, 950),
    ),
    MetricDef::new(
        "confirmation_p99",
        "confirmation time p99",
        "s",
        Group::Time,
        "99th percentile of the time from submission to finality at the entry node, over transactions submitted \
         within the measured window and executed by the end",
        |m| seconds_at(&m.confirmation, 990),
    )
    .headline(3),
    MetricDef::new(
        "confirmation_max",
        "confirmation time max",
        "s",
        Group::Time,
        "longest time from submission to finality at the entry node, over transactions submitted within the \
         measured window and executed by the end",
        |m| seconds_at(&m.confirmation, 1000),
    ),
    MetricDef::new(
        "confirmation_mean",
        "confirmation time mean",
        "s",
        Group::Time,
        "mean time from submission to finality at the entry node, over transactions submitted within the measured \
         window and executed by the end",
        |m| mean_seconds(&m.confirmation),
    ),
    MetricDef::new(
        "inclusion_p50",
        "inclusion time p50",
        "s",
        Group::Time,
        "median time from submission until first on the chain of an honest node",
        |m| seconds_at(&m.inclusion, 500),
    ),
    MetricDef::new(
        "reply_p50",
        "reply time p50",
        "s",
        Group::Time,
        "median time from submission until the client accepted its transaction as final",
        |m| seconds_at(&m.reply, 500),
    ),
    MetricDef::new(
        "reply_p99",
        "reply time p99",
        "s",
        Group::Time,
        "99th percentile of the time from submission until the client accepted its transaction as final",
        |m| seconds_at(&m.reply, 990),
    ),
    MetricDef::new(
        "read_p50",
        "read time p50",
        "s",
        Group::Time,
        "time to answer a linearizable read, median over the whole run",
        |m| seconds_at(&m.reads, 500),
    )
    .only_if(has_reads),
    MetricDef::new(
        "read_p99",
        "read time p99",
        "s",
        Group::Time,
        "99th percentile of the time to answer a linearizable read, over the whole run",
        |m| seconds_at(&m.reads, 990),
    )
    .only_if(has_reads),
];

fn has_reads(m: &Measured<'_>) -> bool {
    !m.reads.is_empty()
}
