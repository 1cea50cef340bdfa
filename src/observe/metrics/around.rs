//! The named figures around faults: those of all fault periods together, and those of the worst.

use super::figures::MetricList;
use super::outcome::{PeriodRow, Phase, PhaseRow, Reached};
use crate::base::Duration;

/// The rows of the tables around faults; see [`super::periods`] for what they mean.
pub struct Around<'a> {
    /// Of all regions and each.
    pub periods: &'a [PeriodRow],
    /// The same.
    pub phases: &'a [PhaseRow],
}

type Field = fn(&PhaseRow) -> Option<f64>;
type Words = (&'static str, &'static str, &'static str);

/// Per phase the names, labels and definitions of six figures.
const FIGURES: [(&str, Field, [Words; 3]); 6] = [
    (
        "%",
        |row| row.success_rate,
        [
            (
                "success_before",
                "success rate before",
                "share of the transactions submitted before the worst fault period, the one with the longest \
                 outage (the \
                 first of several), that were final with effect by the end; those that are pending, but were submitted \
                 less than the confirmation time p99 before the end, are not counted",
            ),
            (
                "success_during",
                "success rate during",
                "share of the transactions submitted during the worst fault period that were final with effect \
                 by the end",
            ),
            (
                "success_after",
                "success rate after",
                "share of the transactions submitted after the worst fault period and before the next that were \
                 final with effect by the end",
            ),
        ],
    ),
    (
        "tx/s",
        |row| row.throughput,
        [
            (
                "throughput_before",
                "throughput before",
                "transactions that became final with effect at the first honest node before the worst fault \
                 period, per \
                 second",
            ),
            (
                "throughput_during",
                "throughput during",
                "transactions that became final with effect at the first honest node during the worst fault \
                 period, per second",
            ),
            (
                "throughput_after",
                "throughput after",
                "transactions that became final with effect at the first honest node after the worst fault \
                 period and before the next, per second",
            ),
        ],
    ),
    (
        "s",
        |row| row.confirmation_p50_s,
        [
            (
                "confirmation_p50_before",
                "confirmation time p50 before",
                "median time from submission to finality at the entry node, over transactions submitted before the worst \
                 fault period and executed by the end",
            ),
            (
                "confirmation_p50_during",
                "confirmation time p50 during",
                "median time from submission to finality at the entry node, over transactions submitted during \
                 the worst fault period and executed by the end",
            ),
            (
                "confirmation_p50_after",
                "confirmation time p50 after",
                "median time from submission to finality at the entry node, over transactions submitted after \
                 the worst fault period and before the next and executed by the end",
            ),
        ],
    ),
    (
        "s",
        |row| row.confirmation_p99_s,
        [
            (
                "confirmation_p99_before",
                "confirmation time p99 before",
                "99th percentile of the time from submission to finality at the entry node, over transactions submitted \
                 before the worst fault period and executed by the end",
            ),
            (
                "confirmation_p99_during",
                "confirmation time p99 during",
                "99th percentile of the time from submission to finality at the entry node, over transactions \
                 submitted during the worst fault period and executed by the end",
            ),
            (
                "confirmation_p99_after",
                "confirmation time p99 after",
                "99th percentile of the time from submission to finality at the entry node, over transactions \
                 submitted after the worst fault period and before the next and executed by the end",
            ),
        ],
    ),
    (
        "s",
        |row| row.reply_p50_s,
        [
            (
                "reply_p50_before",
                "reply time p50 before",
                "median time from submission until the client accepted its transaction as final, over transactions submitted before \
                 the worst fault period",
            ),
            (
                "reply_p50_during",
                "reply time p50 during",
                "median time from submission until the client accepted its transaction as final, over \
                 transactions submitted during the worst fault period",
            ),
            (
                "reply_p50_after",
                "reply time p50 after",
                "median time from submission until the client accepted its transaction as final, over \
                 transactions submitted after the worst fault period and before the next",
            ),
        ],
    ),
    (
        "s",
        |row| row.reply_p99_s,
        [
            (
                "reply_p99_before",
                "reply time p99 before",
                "99th percentile of the time from submission until the client believed its transaction final, of those \
                 submitted before the worst fault period",
            ),
            (
                "reply_p99_during",
                "reply time p99 during",
                "99th percentile of the time from submission until the client accepted its transaction as final, \
                 over transactions submitted during the worst fault period",
            ),
            (
                "reply_p99_after",
                "reply time p99 after",
                "99th percentile of the time from submission until the client accepted its transaction as final, \
                 over transactions submitted after the worst fault period and before the next",
            ),
        ],
    ),
];

type Longest = fn(&PeriodRow) -> (Duration, Reached);

/// Times of which the longest over all fault periods counts.
const TIMES: [(&str, &str, Longest, &str); 4] = [
    (
        "outage",
        "longest outage",
        |row| (row.outage, row.outage_over),
        "longest time without finality, while a payment was outstanding (an honest node that was up had it, and it was \
         not final), that overlaps a fault period: between blocks that \
         became final first at honest nodes that were up and could reach a quorum (under proof of work: most of the power)",
    ),
    (
        "recovery",
        "time to recover",
        |row| (row.recovery, row.recovered),
        "time from the end of a fault period until throughput over the next ten block intervals, or the time of 100 \
         payments if that is longer, is at least 90 % of that before the period, longest over all periods",
    ),
    (
        "drain",
        "time to drain",
        |row| (row.drain, row.drained),
        "time from the end of a fault period until no more payments are outstanding than on average before it plus two \
         standard deviations, longest over all periods",
    ),
    (
        "catch_up",
        "catch-up",
        |row| (row.catch_up, row.caught_up),
        "time from the end of a fault period until every honest node that is up holds final what the first of them held \
         then, and stays within ten blocks of the first (or as many as before the first fault, if that is more) until the \
         next period, longest over all periods",
    ),
];

impl Around<'_> {
    /// Puts the figures into the sheet; none if there was no fault.
    pub fn put(&self, sheet: &mut MetricList) {
        let whole: Vec<&PeriodRow> = self.periods.iter().filter(|row| row.region.is_empty()).collect();
        let Some(worst) = worst(&whole) else { return };
        for (name, label, of, definition) in TIMES {
            let spans = || whole.iter().map(|row| of(row));
            let in_vain = spans().any(|(_, reached)| reached == Reached::No);
            let longest = spans().filter(|(_, reached)| *reached == Reached::Yes).map(|(span, _)| span).max();
            let value = longest.filter(|_| !in_vain).map(Duration::as_secs_f64);
            sheet.put(name, label, "s", value, definition);
            sheet.awaited(in_vain.then_some(worst.watched_until));
        }
        for (unit, field, words) in FIGURES {
            for (phase, (name, label, definition)) in
                [Phase::Before, Phase::During, Phase::After].into_iter().zip(words)
            {
                let here = |row: &&PhaseRow| {
                    row.period == worst.period && row.phase == phase && row.region.is_empty() && row.start < row.end
                };
                sheet.put(name, label, unit, self.phases.iter().find(here).and_then(field), definition);
            }
        }
    }
}

/// The period with the longest outage: one that is not over is longer than any; the first of equals.
fn worst<'a>(periods: &[&'a PeriodRow]) -> Option<&'a PeriodRow> {
    let length = |row: &PeriodRow| match row.outage_over {
        Reached::No => Duration::MAX,
        Reached::Yes => row.outage,
        Reached::NotMeasurable => Duration::ZERO,
    };
    periods.iter().max_by_key(|row| (length(row), std::cmp::Reverse(row.start))).copied()
}
