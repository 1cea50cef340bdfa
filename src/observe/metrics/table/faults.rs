//! Metrics around faults: of all fault periods together, and of the worst; see [`periods`](super::super::periods).

use super::super::definition::{Awaited, Group, MetricDef};
use super::super::measured::Measured;
use super::super::rows::{PeriodRow, Phase, PhaseRow, Reached};
use crate::base::Duration;

/// Outage, recovery, and what was reached before, during and after the worst fault period.
pub static FAULTS: &[MetricDef] = &[
    MetricDef::awaited(
        "outage",
        "longest outage",
        Group::Faults,
        "longest time without finality, while a payment was outstanding (an honest node that was up had it, and \
         it was not final), that overlaps a fault period: between blocks that became final first at honest nodes \
         that were up and could reach a quorum (under proof of work: most of the power)",
        |m| longest(m, |row| (row.outage, row.outage_over)),
    )
    .headline(1)
    .only_if(has_fault),
    MetricDef::awaited(
        "recovery",
        "time to recover",
        Group::Faults,
        "time from the end of a fault period until throughput over the next ten block intervals, or the time of \
         100 payments if that is longer, is at least 90 % of that before the period, longest over all periods",
        |m| longest(m, |row| (row.recovery, row.recovered)),
    )
    .headline(2)
    .only_if(has_fault),
    MetricDef::awaited(
        "drain",
        "time to drain",
        Group::Faults,
        "time from the end of a fault period until no more payments are outstanding than on average before it \
         plus two standard deviations, longest over all periods",
        |m| longest(m, |row| (row.drain, row.drained)),
    )
    .headline(3)
    .only_if(has_fault),
    MetricDef::awaited(
        "catch_up",
        "catch-up",
        Group::Faults,
        "time from the end of a fault period until every honest node that is up holds final what the first of \
         them held then, and stays within ten blocks of the first (or as many as before the first fault, if that \
         is more) until the next period, longest over all periods",
        |m| longest(m, |row| (row.catch_up, row.caught_up)),
    )
    .headline(4)
    .only_if(has_fault),
    MetricDef::new(
        "success_before",
        "success rate before",
        "%",
        Group::Faults,
        "share of the transactions submitted before the worst fault period, the one with the longest outage (the \
         first of several), that were final with effect by the end; those that are pending, but were submitted \
         less than the confirmation time p99 before the end, are not counted",
        |m| in_phase(m, Phase::Before)?.success_rate,
    )
    .headline(5)
    .only_if(has_fault),
    MetricDef::new(
        "success_during",
        "success rate during",
        "%",
        Group::Faults,
        "share of the transactions submitted during the worst fault period that were final with effect by the end",
        |m| in_phase(m, Phase::During)?.success_rate,
    )
    .headline(6)
    .only_if(has_fault),
    MetricDef::new(
        "success_after",
        "success rate after",
        "%",
        Group::Faults,
        "share of the transactions submitted after the worst fault period and before the next that were final \
         with effect by the end",
        |m| in_phase(m, Phase::After)?.success_rate,
    )
    .headline(7)
    .only_if(has_fault),
    MetricDef::new(
        "throughput_before",
        "throughput before",
        "tx/s",
        Group::Faults,
        "transactions that became final with effect at the first honest node before the worst fault period, per \
         second",
        |m| in_phase(m, Phase::Before)?.throughput,
    )
    .only_if(has_fault),
    MetricDef::new(
        "throughput_during",
        "throughput during",
        "tx/s",
        Group::Faults,
        "transactions that became final with effect at the first honest node during the worst fault period, per \
         second",
        |m| in_phase(m, Phase::During)?.throughput,
    )
    .only_if(has_fault),
    MetricDef::new(
        "throughput_after",
        "throughput after",
        "tx/s",
        Group::Faults,
        "transactions that became final with effect at the first honest node after the worst fault period and \
         before the next, per second",
        |m| in_phase(m, Phase::After)?.throughput,
    )
    .only_if(has_fault),
    MetricDef::new(
        "confirmation_p50_before",
        "confirmation time p50 before",
        "s",
        Group::Faults,
        "median time from submission to finality at the entry node, over transactions submitted before the worst \
         fault period and executed by the end",
        |m| in_phase(m, Phase::Before)?.confirmation_p50_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "confirmation_p50_during",
        "confirmation time p50 during",
        "s",
        Group::Faults,
        "median time from submission to finality at the entry node, over transactions submitted during the worst \
         fault period and executed by the end",
        |m| in_phase(m, Phase::During)?.confirmation_p50_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "confirmation_p50_after",
        "confirmation time p50 after",
        "s",
        Group::Faults,
        "median time from submission to finality at the entry node, over transactions submitted after the worst \
         fault period and before the next and executed by the end",
        |m| in_phase(m, Phase::After)?.confirmation_p50_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "confirmation_p99_before",
        "confirmation time p99 before",
        "s",
        Group::Faults,
        "99th percentile of the time from submission to finality at the entry node, over transactions submitted \
         before the worst fault period and executed by the end",
        |m| in_phase(m, Phase::Before)?.confirmation_p99_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "confirmation_p99_during",
        "confirmation time p99 during",
        "s",
        Group::Faults,
        "99th percentile of the time from submission to finality at the entry node, over transactions submitted \
         during the worst fault period and executed by the end",
        |m| in_phase(m, Phase::During)?.confirmation_p99_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "confirmation_p99_after",
        "confirmation time p99 after",
        "s",
        Group::Faults,
        "99th percentile of the time from submission to finality at the entry node, over transactions submitted \
         after the worst fault period and before the next and executed by the end",
        |m| in_phase(m, Phase::After)?.confirmation_p99_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "reply_p50_before",
        "reply time p50 before",
        "s",
        Group::Faults,
        "median time from submission until the client accepted its transaction as final, over transactions \
         submitted before the worst fault period",
        |m| in_phase(m, Phase::Before)?.reply_p50_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "reply_p50_during",
        "reply time p50 during",
        "s",
        Group::Faults,
        "median time from submission until the client accepted its transaction as final, over transactions \
         submitted during the worst fault period",
        |m| in_phase(m, Phase::During)?.reply_p50_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "reply_p50_after",
        "reply time p50 after",
        "s",
        Group::Faults,
        "median time from submission until the client accepted its transaction as final, over transactions \
         submitted after the worst fault period and before the next",
        |m| in_phase(m, Phase::After)?.reply_p50_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "reply_p99_before",
        "reply time p99 before",
        "s",
        Group::Faults,
        "99th percentile of the time from submission until the client believed its transaction final, of those \
         submitted before the worst fault period",
        |m| in_phase(m, Phase::Before)?.reply_p99_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "reply_p99_during",
        "reply time p99 during",
        "s",
        Group::Faults,
        "99th percentile of the time from submission until the client accepted its transaction as final, over \
         transactions submitted during the worst fault period",
        |m| in_phase(m, Phase::During)?.reply_p99_s,
    )
    .only_if(has_fault),
    MetricDef::new(
        "reply_p99_after",
        "reply time p99 after",
        "s",
        Group::Faults,
        "99th percentile of the time from submission until the client accepted its transaction as final, over \
         transactions submitted after the worst fault period and before the next",
        |m| in_phase(m, Phase::After)?.reply_p99_s,
    )
    .only_if(has_fault),
];

/// The fault periods of all regions together.
fn periods<'a>(m: &Measured<'a>) -> impl Iterator<Item = &'a PeriodRow> {
    m.periods.iter().filter(|row| row.region.is_empty())
}

fn has_fault(m: &Measured<'_>) -> bool {
    periods(m).next().is_some()
}

/// The period with the longest outage: one that is not over is longer than any; the first of equals.
fn worst<'a>(m: &Measured<'a>) -> Option<&'a PeriodRow> {
    let length = |row: &PeriodRow| (row.outage_over == Reached::No, row.outage);
    periods(m).max_by_key(|row| (length(row), std::cmp::Reverse(row.start)))
}

/// The longest of a time over all periods; not reached if it was not after one of them.
fn longest(m: &Measured<'_>, time: fn(&PeriodRow) -> (Option<Duration>, Reached)) -> Awaited {
    let times = || periods(m).map(time);
    if let Some(worst) = worst(m).filter(|_| times().any(|(_, reached)| reached == Reached::No)) {
        return Awaited::NotBy(worst.watched_until);
    }
    times().filter_map(|(span, _)| span).max().map_or(Awaited::NotMeasurable, Awaited::After)
}

/// The row of a phase of the worst period, if the phase has a length.
fn in_phase<'a>(m: &Measured<'a>, phase: Phase) -> Option<&'a PhaseRow> {
    let worst = worst(m)?.period;
    let is_meant =
        |row: &&PhaseRow| row.period == worst && row.phase == phase && row.region.is_empty() && row.start < row.end;
    m.phases.iter().find(is_meant)
}
