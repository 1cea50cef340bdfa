//! Variants side by side: how soon payments are final, and how many become so.

use super::{Axis, Colour, Layer, Panel, Plot, SeriesShape};
use crate::report::comparison::Row;

/// Half of the height of a row's bars, where a row is 1 high.
const HALF: f64 = 0.34;

/// One row of bars per variant, in their order from the top.
#[must_use]
pub fn comparison(rows: &[Row]) -> Plot {
    let value = |row: &Row, name: &str| row.chain.summary.value(name).filter(|value| value.is_finite());
    let values = |name: &str| -> Vec<Option<f64>> { rows.iter().map(|row| value(row, name)).collect() };
    let (half, most, offered, confirmed) =
        (values("confirmation_p50"), values("confirmation_p99"), values("offered_load"), values("throughput"));
    let times = || half.iter().chain(&most).flatten().copied().filter(|time| *time > 0.0);
    let (least, longest) = (times().fold(f64::INFINITY, f64::min), times().fold(0.0, f64::max));
    let fastest = offered.iter().chain(&confirmed).flatten().copied().fold(0.0, f64::max);
    let time = Axis::seconds("from submission until final", least, longest);
    let rate = Axis::from_zero("transactions per second", fastest);
    let layer = |label: &str, colour, values: &[Option<f64>], (from, to): (f64, f64)| {
        let count = rows.len();
        let bar = |(at, value): (usize, &Option<f64>)| {
            let middle = (count - at) as f64 - 0.5;
            value.map(|value| (0.0, value, middle + from, middle + to))
        };
        let bars = values.iter().enumerate().filter_map(bar).collect();
        Layer { label: label.into(), colour, shape: SeriesShape::Bars(bars) }
    };
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let panel = |x, layers, nothing: Option<&str>| Panel {
        x,
        y: Axis::names(&names),
        layers,
        windows: Vec::new(),
        marks: Vec::new(),
        nothing: nothing.map(str::to_owned),
    };
    let (upper, lower) = ((0.0, HALF), (-HALF, 0.0));
    let times = vec![layer("median", Colour::Blue, &half, upper), layer("99 %", Colour::Orange, &most, lower)];
    let rates =
        vec![layer("offered", Colour::Grey, &offered, upper), layer("confirmed", Colour::Blue, &confirmed, lower)];
    Plot {
        file: "comparison",
        title: "All variants on the same network and load".into(),
        caption: "Left: time from submission until a payment is final, median and 99th percentile over payments. \
                  Right: payments offered and payments that became final, per second."
            .into(),
        panels: vec![
            panel(time, times, (longest <= 0.0).then_some("nothing became final")),
            panel(rate, rates, (fastest <= 0.0).then_some("no transaction was submitted")),
        ],
    }
}
