//! Named figures, and their means and confidence intervals over several runs.

use serde::Serialize;

/// A named figure of a run, or of several runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// Its name in files: `snake_case`, never reused for another definition.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// Its unit: `s`, `tx/s`, `%`, `B`, ... or empty for a count.
    pub unit: &'static str,
    /// Its value; `None` where nothing happened that it could measure. The mean, or the sum, over several runs.
    pub value: Option<f64>,
    /// The 95 % confidence interval over several runs. Its upper end is infinite where a time may never come.
    pub interval: Option<Interval>,
    /// How many runs have a value, or waited for one in vain.
    pub runs: u32,
    /// How values of several runs became one.
    pub over_runs: OverRuns,
    /// In how many of these runs what was awaited had not come by the end: it is not known how long it takes.
    pub not_reached: u32,
    /// Until when it was awaited in vain, in seconds of the run; the latest of several runs.
    pub until: Option<f64>,
    /// What exactly is measured, in one line.
    pub definition: &'static str,
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// How the values of several runs become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverRuns {
    /// Their mean, with a confidence interval.
    Mean,
    /// Their geometric mean, with a confidence interval on the logarithmic scale: for what spreads widely.
    GeometricMean,
    /// Their median, with a confidence interval by bootstrap: for times that may never come.
    Median,
    /// Their sum: for what must not happen even once.
    Sum,
}

/// Figures in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Summary {
    /// The figures.
    pub figures: Vec<Figure>,
}

impl Summary {
    /// The figure named `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }
    /// The value of the figure named `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.get(name).and_then(|figure| figure.value)
    }
}

/// One summary of several runs of one scenario under different seeds; see [`OverRuns`] for how values
/// become one, and what their interval is.
///
/// Figures are matched by name and keep the order of the first run that has them.
#[must_use]
pub fn aggregate(runs: &[Summary]) -> Summary {
    let mut figures: Vec<Figure> = Vec::new();
    for figure in runs.iter().flat_map(|run| &run.figures) {
        if !figures.iter().any(|known| known.name == figure.name) {
            let of: Vec<&Figure> = runs.iter().filter_map(|run| run.get(figure.name)).collect();
            figures.push(super::over_runs::combine(&of));
        }
    }
    Summary { figures }
}
