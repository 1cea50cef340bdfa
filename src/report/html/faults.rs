//! The part of a page about faults: outage and recovery, and payments before, during and after.

use super::super::format::{digits, grouped, seconds};
use super::instant;
use super::page::Page;
use crate::base::Duration;
use crate::observe::metrics::{Outcome, PeriodRow, Phase, PhaseRow, Reached};

/// The section, if there was a fault.
pub fn faults(page: &mut Page, outcome: &Outcome, heading: &str) {
    if outcome.faults.is_empty() {
        return;
    }
    page.element("h2", heading);
    page.table(&[("fault", false), ("from", true), ("to", true), ("period", true)], |page| {
        for fault in &outcome.faults {
            let period = fault.period.to_string();
            page.row(&[
                (&fault.label, false),
                (&instant(fault.start), true),
                (&instant(fault.end), true),
                (&period, true),
            ]);
        }
    });
    page.element("p", "Faults that overlap or touch are one period. Outage, and times after the period:");
    let heads = ["period", "outage", "to recover", "to drain", "catch-up"].map(|head| (head, true));
    page.table(&[&[("region", false)], heads.as_slice()].concat(), |page| {
        for row in &outcome.periods {
            period(page, row);
        }
    });
    page.element("p", "Payments before, during and after:");
    let heads = [
        "period",
        "from",
        "to",
        "submitted",
        "succeeded",
        "throughput",
        "final p50",
        "final p99",
        "answered p50",
        "answered p99",
    ];
    let heads = heads.map(|head| (head, true));
    page.table(&[&[("region", false), ("phase", false)], heads.as_slice()].concat(), |page| {
        for row in outcome.phases.iter().filter(|row| row.start < row.end) {
            phase(page, row);
        }
    });
}

fn region(name: &str) -> &str {
    if name.is_empty() { "all" } else { name }
}

fn period(page: &mut Page, row: &PeriodRow) {
    let time = |span: Option<Duration>, reached: Reached| match (span, reached) {
        (Some(span), _) => seconds(span.as_secs_f64()),
        (None, Reached::No) => format!("not by {} s", digits(row.watched_until.as_secs_f64())),
        (None, _) => "-".to_owned(),
    };
    page.row(&[
        (region(&row.region), false),
        (&row.period.to_string(), true),
        (&time(row.outage, row.outage_over), true),
        (&time(row.recovery, row.recovered), true),
        (&time(row.drain, row.drained), true),
        (&time(row.catch_up, row.caught_up), true),
    ]);
}

fn phase(page: &mut Page, row: &PhaseRow) {
    let time = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), seconds);
    let name = match row.phase {
        Phase::Before => "before",
        Phase::During => "during",
        Phase::After => "after",
    };
    page.row(&[
        (region(&row.region), false),
        (name, false),
        (&row.period.to_string(), true),
        (&instant(row.start), true),
        (&instant(row.end), true),
        (&grouped(row.submitted as f64), true),
        (&row.success_rate.map_or_else(|| "-".to_owned(), |rate| format!("{} %", digits(rate))), true),
        (&row.throughput.map_or_else(|| "-".to_owned(), |rate| format!("{} tx/s", digits(rate))), true),
        (&time(row.confirmation_p50_s), true),
        (&time(row.confirmation_p99_s), true),
        (&time(row.reply_p50_s), true),
        (&time(row.reply_p99_s), true),
    ]);
}
