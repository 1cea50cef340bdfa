//! What each node needs: bandwidth and computing.

use super::{Axis, Colour, Layer, Panel, Plot, SeriesShape};
use crate::observe::metrics::{NodeRow, Outcome};

/// Up to so many nodes have a bar each; more are shown in order of size.
const BARS_MAX: usize = 40;

/// Bandwidth and computing of each node over the whole run.
pub fn resources(outcome: &Outcome) -> Plot {
    let seconds = outcome.end.as_secs_f64().max(f64::MIN_POSITIVE);
    let rate = |bytes: u64| bytes as f64 * 8.0 / seconds;
    let most = outcome.nodes.iter().map(|row| rate(row.sent_bytes.max(row.received_bytes))).fold(0.0, f64::max);
    let (unit, size) = match most {
        1e9.. => ("Gbit/s", 1e9),
        1e6.. => ("Mbit/s", 1e6),
        1e3.. => ("kbit/s", 1e3),
        _ => ("bit/s", 1.0),
    };
    let order = if outcome.nodes.len() > BARS_MAX { "nodes from the busiest to the idlest" } else { "node" };
    let sent = |row: &NodeRow| rate(row.sent_bytes) / size;
    let received = |row: &NodeRow| rate(row.received_bytes) / size;
    let cpu = |row: &NodeRow| 100.0 * row.cpu;
    Plot {
        file: "resources",
        title: "Bandwidth and computing per node".into(),
        caption: format!(
            "Means over the run, {} nodes. Left: bits sent and received per second. Right: share of the cores' time \
             spent computing.",
            outcome.nodes.len()
        ),
        panels: vec![
            panel(
                outcome,
                order,
                &format!("bandwidth ({unit})"),
                &[("sent", Colour::Blue, &sent), ("received", Colour::Sky, &received)],
            ),
            panel(outcome, order, "CPU utilisation (%)", &[("", Colour::Green, &cpu)]),
        ],
    }
}

type Series<'a> = (&'a str, Colour, &'a dyn Fn(&NodeRow) -> f64);

fn panel(outcome: &Outcome, x: &str, y: &str, series: &[Series<'_>]) -> Panel {
    let nodes = &outcome.nodes;
    let count = nodes.len();
    let most = series.iter().flat_map(|(_, _, of)| nodes.iter().map(of)).fold(0.0, f64::max);
    let layers = series.iter().enumerate().map(|(number, (label, colour, of))| {
        let values: Vec<f64> = nodes.iter().map(of).collect();
        let shape = if count > BARS_MAX { profile(values) } else { bars(&values, number, series.len()) };
        Layer { label: (*label).into(), colour: *colour, shape }
    });
    let (from, to) = if count > BARS_MAX { (0.0, count as f64) } else { (-0.6, count as f64 - 0.4) };
    Panel {
        x: Axis { whole: true, ..Axis::exact(x, from, to.max(from + 1.0)) },
        y: Axis::from_zero(y, most),
        layers: layers.collect(),
        windows: Vec::new(),
        marks: Vec::new(),
        nothing: nodes.is_empty().then(|| "there is no node".to_owned()),
    }
}

/// The bars of one of several series, side by side at each node.
fn bars(values: &[f64], number: usize, of: usize) -> SeriesShape {
    let width = 0.8 / of as f64;
    let bar = |(node, &value): (usize, &f64)| {
        let left = node as f64 - 0.4 + number as f64 * width;
        (left, left + width, 0.0, value)
    };
    SeriesShape::Bars(values.iter().enumerate().map(bar).collect())
}

/// The values in order of size.
fn profile(mut values: Vec<f64>) -> SeriesShape {
    values.sort_by(|a, b| b.total_cmp(a));
    let last = values.last().copied().unwrap_or(0.0);
    let mut points: Vec<(f64, f64)> = values.iter().enumerate().map(|(at, &value)| (at as f64, value)).collect();
    points.push((values.len() as f64, last));
    SeriesShape::Steps(points)
}
