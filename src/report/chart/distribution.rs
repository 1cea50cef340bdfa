//! Charts of cumulative distributions: confirmation times and block propagation.

use super::{Axis, Colour, Layer, Mark, Panel, Plot, SeriesShape};
use crate::observe::metrics::{CdfPoint, Outcome};
use crate::report::format::seconds;

/// The time until transactions are final at their entry node.
pub fn confirmation(outcome: &Outcome) -> Plot {
    let figure = |name: &str| outcome.summary.value(name);
    let named = [("p50", 0.5, "confirmation_p50"), ("p90", 0.9, "confirmation_p90"), ("p99", 0.99, "confirmation_p99")];
    let marks = named.into_iter().filter_map(|(label, share, name)| figure(name).map(|at| (label, share, at)));
    Plot {
        file: "confirmation",
        title: "Confirmation time".into(),
        caption: "Share of the confirmed transactions that were final at their entry node by a time after submission."
            .into(),
        panels: vec![panel(
            &outcome.confirmation,
            "time since submission",
            "share of confirmed transactions (%)",
            marks.collect(),
            "no transaction was confirmed",
        )],
    }
}

/// The time until nodes have a block.
pub fn propagation(outcome: &Outcome) -> Plot {
    let reached = |share: f64| outcome.propagation.iter().find(|point| point.share >= share).map(|point| point.at);
    let named = [("50 %", 0.5), ("90 %", 0.9), ("99 %", 0.99)];
    let marks = named.into_iter().filter_map(|(label, share)| reached(share).map(|at| (label, share, at)));
    Plot {
        file: "propagation",
        title: "Block propagation".into(),
        caption:
            "Share of all pairs of a measured block and an honest node in which the node held the block by a time \
                  after its creation."
                .into(),
        panels: vec![panel(
            &outcome.propagation,
            "time since the creation of the block",
            "share of blocks and honest nodes (%)",
            marks.collect(),
            "no block reached anybody",
        )],
    }
}

fn panel(points: &[CdfPoint], x: &str, y: &str, marks: Vec<(&str, f64, f64)>, nothing: &str) -> Panel {
    let least = points.iter().map(|point| point.at).find(|at| *at > 0.0).unwrap_or(0.0);
    let most = points.last().map_or(0.0, |point| point.at);
    let x = Axis::seconds(x, least, most);
    // From nothing at the left edge to the last share at the right.
    let mut line = vec![(x.from, 0.0)];
    line.extend(points.iter().map(|point| (point.at, 100.0 * point.share)));
    line.push((x.to, points.last().map_or(0.0, |point| 100.0 * point.share)));
    let mark = |(label, share, at): (&str, f64, f64)| Mark {
        at: (at, 100.0 * share),
        label: format!("{label}: {}", seconds(at)),
    };
    Panel {
        x,
        y: Axis::exact(y, 0.0, 100.0),
        layers: vec![Layer { label: String::new(), colour: Colour::Blue, shape: SeriesShape::Area(line) }],
        windows: Vec::new(),
        marks: marks.into_iter().map(mark).collect(),
        nothing: points.is_empty().then(|| nothing.to_owned()),
    }
}
