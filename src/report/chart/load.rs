//! Charts of submitted and confirmed transactions over time.

use super::{Axis, Colour, Layer, Panel, Plot, SeriesShape, grouped, time, windows};
use crate::observe::metrics::{IntervalRow, Outcome};

/// Points of a chart over time: one per group of intervals, and the end.
pub fn over_time(outcome: &Outcome, per_second: f64, value: impl Fn(&[IntervalRow]) -> f64) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> =
        grouped(&outcome.intervals).map(|rows| (rows[0].start.as_secs_f64() * per_second, value(rows))).collect();
    if let Some(&(_, last)) = points.last() {
        points.push((outcome.end.as_secs_f64() * per_second, last));
    }
    points
}

/// Points of a chart of what is known at the end of each interval, which begins at nothing.
fn at_ends(outcome: &Outcome, per_second: f64, value: impl Fn(&IntervalRow) -> f64) -> Vec<(f64, f64)> {
    let most = |rows: &[IntervalRow]| rows.iter().map(&value).fold(0.0, f64::max);
    let points =
        grouped(&outcome.intervals).map(|rows| (rows[rows.len() - 1].end.as_secs_f64() * per_second, most(rows)));
    [(0.0, 0.0)].into_iter().chain(points).collect()
}

/// The rate per second of a count over a group of intervals.
fn rate(rows: &[IntervalRow], count: impl Fn(&IntervalRow) -> u64) -> f64 {
    let seconds = rows[rows.len() - 1].end.since(rows[0].start).as_secs_f64();
    if seconds > 0.0 { rows.iter().map(count).sum::<u64>() as f64 / seconds } else { 0.0 }
}

/// The greatest value among points.
pub fn top(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|&(_, value)| value).fold(0.0, f64::max)
}

/// Submitted and confirmed transactions per second over time.
pub fn throughput(outcome: &Outcome) -> Plot {
    let (x, per_second) = time(outcome);
    let submitted = over_time(outcome, per_second, |rows| rate(rows, |row| row.submitted));
    let confirmed = over_time(outcome, per_second, |rows| rate(rows, |row| row.confirmed));
    let y = Axis::from_zero("transactions per second", top(&submitted).max(top(&confirmed)));
    let nothing = (outcome.transactions.is_empty()).then(|| "no transaction was submitted".to_owned());
    let layer = |label: &str, colour, shape| Layer { label: label.into(), colour, shape };
    Plot {
        file: "throughput",
        title: "Throughput over time".into(),
        caption: "Transactions handed in, and transactions that became final with effect at the first honest node; \
                  faults are shaded."
            .into(),
        panels: vec![Panel {
            x,
            y,
            layers: vec![
                layer("submitted", Colour::Orange, SeriesShape::Steps(submitted)),
                layer("confirmed", Colour::Blue, SeriesShape::Steps(confirmed)),
            ],
            windows: windows(outcome, per_second),
            marks: Vec::new(),
            nothing,
        }],
    }
}

/// Transactions that wait, over time.
pub fn unconfirmed(outcome: &Outcome) -> Plot {
    let (x, per_second) = time(outcome);
    let unconfirmed = at_ends(outcome, per_second, |row| row.unconfirmed as f64);
    let mempool = at_ends(outcome, per_second, |row| row.mempool_max.into());
    let y = Axis::count_from_zero("transactions", top(&unconfirmed).max(top(&mempool)));
    let nothing = (outcome.transactions.is_empty()).then(|| "no transaction was submitted".to_owned());
    let layer = |label: &str, colour, shape| Layer { label: label.into(), colour, shape };
    Plot {
        file: "unconfirmed",
        title: "Unconfirmed transactions over time".into(),
        caption: "Transactions submitted and not yet final anywhere, and the fullest mempool, at the end of each \
                  interval."
            .into(),
        panels: vec![Panel {
            x,
            y,
            layers: vec![
                layer("unconfirmed", Colour::Blue, SeriesShape::Area(unconfirmed)),
                layer("fullest mempool", Colour::Orange, SeriesShape::Line(mempool)),
            ],
            windows: windows(outcome, per_second),
            marks: Vec::new(),
            nothing,
        }],
    }
}
