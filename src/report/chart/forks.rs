//! Charts of wasted work: stale blocks and reorganisations, or failed rounds and leader changes, as the protocol has them.

use super::load::{over_time, top};
use super::{Axis, Colour, Layer, Panel, Plot, SeriesShape, time, windows};
use crate::observe::metrics::{BlockStatus, IntervalRow, Outcome};

/// Rounds for protocols that noted any, else forks.
pub fn forks(outcome: &Outcome) -> Plot {
    let rounds =
        outcome.notes.iter().any(|note| matches!(note.label, "became_leader" | "round_failed" | "round_started"));
    let stale = outcome.blocks.iter().any(|row| row.status == BlockStatus::Stale) || !outcome.reorgs.is_empty();
    if rounds && !stale { wasted(outcome) } else { stale_and_reorgs(outcome) }
}

fn layer(label: &str, colour: Colour, shape: SeriesShape) -> Layer {
    Layer { label: label.into(), colour, shape }
}

/// Failed rounds and leader changes, cumulative over time.
fn wasted(outcome: &Outcome) -> Plot {
    let (x, per_second) = time(outcome);
    let sum = |of: fn(&IntervalRow) -> u64| {
        let mut total = 0;
        let mut points = vec![(0.0, 0.0)];
        // What happened within an interval is known at its end.
        points.extend(over_time(outcome, per_second, |rows| rows.iter().map(of).sum::<u64>() as f64).windows(2).map(
            |pair| {
                total += pair[0].1 as u64;
                (pair[1].0, total as f64)
            },
        ));
        points
    };
    let (wasted, changes) = (sum(|row| row.failed_rounds), sum(|row| row.leader_changes));
    let y = Axis::count_from_zero("since the start of the run", top(&wasted).max(top(&changes)));
    Plot {
        file: "forks",
        title: "Wasted rounds and changes of leader".into(),
        caption: "Terms, views or rounds that ended without a decision, and times that a node came to lead after \
                  another, summed up."
            .into(),
        panels: vec![Panel {
            x,
            y,
            layers: vec![
                layer("failed rounds", Colour::Vermillion, SeriesShape::Steps(wasted)),
                layer("changes of leader", Colour::Blue, SeriesShape::Steps(changes)),
            ],
            windows: windows(outcome, per_second),
            marks: Vec::new(),
            nothing: None,
        }],
    }
}

/// The most bars of blocks over time.
const BARS_MAX: usize = 60;

/// Blocks by status over time, and reorganisations by depth.
fn stale_and_reorgs(outcome: &Outcome) -> Plot {
    let reorganised: u64 = outcome.reorgs.iter().map(|row| row.count).sum();
    Plot {
        file: "forks",
        title: "Forks and reorganisations".into(),
        caption: format!(
            "Left: blocks by creation, and what became of them. Right: times that an honest node cut its chain back, \
             by depth; {reorganised} in all."
        ),
        panels: vec![blocks(outcome), depths(outcome)],
    }
}

fn blocks(outcome: &Outcome) -> Panel {
    let (x, per_second) = time(outcome);
    let width = x.to / BARS_MAX as f64;
    let mut counts = [[0u32; 3]; BARS_MAX];
    for row in &outcome.blocks {
        let bar = (row.created.as_secs_f64() * per_second / width) as usize;
        let status = match row.status {
            BlockStatus::Canonical => 0,
            BlockStatus::Stale => 1,
            BlockStatus::Undecided => 2,
        };
        counts[bar.min(BARS_MAX - 1)][status] += 1;
    }
    // Stale blocks stand on canonical ones, and open ones on both.
    let bars = |status: usize| {
        let bar = |(at, count): (usize, &[u32; 3])| {
            let (left, below) = (at as f64 * width, f64::from(count[..status].iter().sum::<u32>()));
            (left + 0.1 * width, left + 0.9 * width, below, below + f64::from(count[status]))
        };
        SeriesShape::Bars(counts.iter().enumerate().map(bar).filter(|&(_, _, bottom, top)| top > bottom).collect())
    };
    let most = counts.iter().map(|count| count.iter().sum::<u32>()).max().unwrap_or(0);
    let mut layers = vec![layer("canonical", Colour::Blue, bars(0)), layer("stale", Colour::Vermillion, bars(1))];
    if counts.iter().any(|count| count[2] > 0) {
        layers.push(layer("above the common tip", Colour::Grey, bars(2)));
    }
    Panel {
        x,
        y: Axis::count_from_zero("blocks created", f64::from(most)),
        layers,
        windows: windows(outcome, per_second),
        marks: Vec::new(),
        nothing: outcome.blocks.is_empty().then(|| "no block was created".to_owned()),
    }
}

fn depths(outcome: &Outcome) -> Panel {
    /// Beyond this depth bars would be too thin: the rest is one bar.
    const DEEPEST: u64 = 20;
    let mut counts = vec![0u64; DEEPEST as usize + 1];
    for row in &outcome.reorgs {
        counts[row.depth.min(DEEPEST) as usize] += row.count;
    }
    let deepest = counts.iter().rposition(|&count| count > 0).unwrap_or(0).max(3);
    let bar = |(depth, &count): (usize, &u64)| (depth as f64 - 0.4, depth as f64 + 0.4, 0.0, count as f64);
    let label =
        if deepest as u64 == DEEPEST { "blocks cut off at once (20: or more)" } else { "blocks cut off at once" };
    Panel {
        x: Axis { whole: true, ..Axis::exact(label, 0.4, deepest as f64 + 0.6) },
        y: Axis::count_from_zero("times", counts.iter().copied().max().unwrap_or(0) as f64),
        layers: vec![layer(
            "",
            Colour::Vermillion,
            SeriesShape::Bars(counts.iter().enumerate().skip(1).map(bar).collect()),
        )],
        windows: Vec::new(),
        marks: Vec::new(),
        nothing: outcome.reorgs.is_empty().then(|| "no node cut its chain back".to_owned()),
    }
}
