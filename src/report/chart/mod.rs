//! Charts.
//!
//! Each chart is plain data, a [`Plot`] of one or two [`Panel`]s, and the same code draws every plot as SVG and as bitmap.
//! So charts look alike, and their content can be tested without looking at pixels. Colours are those of Okabe and Ito
//! (2008), which colour-blind readers can distinguish.

mod canvas;
mod comparison;
mod distribution;
mod draw;
mod forks;
mod load;
mod resources;
mod scale;
mod space_time;
#[cfg(test)]
mod tests;
mod theme;

pub use canvas::{png, svg};
pub use comparison::comparison;
pub use scale::{Axis, Scale};
pub use space_time::SpaceTime;
pub use theme::Colour;

use crate::base::Time;
use crate::observe::metrics::Outcome;
use scale::time_axis;

/// A chart.
#[derive(Clone, Debug)]
pub struct Plot {
    /// The name of its file, without ending.
    pub file: &'static str,
    /// Its title.
    pub title: String,
    /// How to read it, in one line.
    pub caption: String,
    /// Side by side.
    pub panels: Vec<Panel>,
}

/// A frame with two axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The series, from back to front.
    pub layers: Vec<Layer>,
    /// Spans of the horizontal axis that are shaded.
    pub windows: Vec<Window>,
    /// Points that are named.
    pub marks: Vec<Mark>,
    /// The text in the middle if there is nothing to draw.
    pub nothing: Option<String>,
}

/// A series of data.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Its name in the legend; empty for none.
    pub label: String,
    /// Its colour.
    pub colour: Colour,
    /// Its shape.
    pub shape: SeriesShape,
}

/// The shape of a layer, in the units of the axes.
#[derive(Clone, Debug)]
pub enum SeriesShape {
    /// Straight lines from point to point.
    Line(Vec<(f64, f64)>),
    /// Level from each point to the next.
    Steps(Vec<(f64, f64)>),
    /// The same, filled down to zero.
    Area(Vec<(f64, f64)>),
    /// Bars from left to right and from bottom to top.
    Bars(Vec<(f64, f64, f64, f64)>),
}

/// A shaded span.
#[derive(Clone, PartialEq, Debug)]
pub struct Window {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Its name.
    pub label: String,
    /// Whether it is a fault; else it is the warm-up.
    pub fault: bool,
}

/// A named point, tied to both axes.
#[derive(Clone, PartialEq, Debug)]
pub struct Mark {
    /// Where.
    pub at: (f64, f64),
    /// Its name.
    pub label: String,
}

/// All charts of a chain, in the order in which they are shown.
#[must_use]
pub fn plots(outcome: &Outcome) -> Vec<Plot> {
    vec![
        load::throughput(outcome),
        distribution::confirmation(outcome),
        load::unconfirmed(outcome),
        forks::forks(outcome),
        distribution::propagation(outcome),
        resources::resources(outcome),
    ]
}

/// The axis of simulated time, and how many of its units a second is.
fn time(outcome: &Outcome) -> (Axis, f64) {
    time_axis(outcome.end.as_secs_f64())
}

/// The spans that are shaded in charts over time: the warm-up and the faults.
fn windows(outcome: &Outcome, per_second: f64) -> Vec<Window> {
    let at = |time: Time| time.as_secs_f64() * per_second;
    let warm_up = Window { from: 0.0, to: at(outcome.measured_from), label: "warm-up".into(), fault: false };
    let faults = outcome.faults.iter().map(|fault| Window {
        from: at(fault.start),
        to: at(fault.end.min(outcome.end)),
        label: fault.label.clone(),
        fault: true,
    });
    Some(warm_up).filter(|window| window.to > 0.0).into_iter().chain(faults).collect()
}

/// The most steps that a chart over time shows: beyond, neighbours are taken together.
const STEPS_MAX: usize = 100;

/// Cuts rows into groups of equal number, so that there are at most [`STEPS_MAX`].
fn grouped<T>(rows: &[T]) -> std::slice::Chunks<'_, T> {
    rows.chunks(rows.len().div_ceil(STEPS_MAX).max(1))
}
