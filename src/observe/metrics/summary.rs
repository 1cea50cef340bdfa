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
    /// The 95 % confidence interval of the mean over several runs.
    pub interval: Option<Interval>,
    /// How many runs have a value.
    pub runs: u32,
    /// How values of several runs become one.
    pub over_runs: OverRuns,
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
#[serde(rename_all = "lowercase")]
pub enum OverRuns {
    /// Their mean, with a confidence interval.
    Mean,
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

/// One summary of several runs of one scenario under different seeds: per figure the mean over the runs that have a
/// value, with its 95 % confidence interval by Student's t if there are at least two.
///
/// Figures are matched by name and keep the order of the first run that has them.
#[must_use]
pub fn aggregate(runs: &[Summary]) -> Summary {
    let mut figures: Vec<Figure> = Vec::new();
    for figure in runs.iter().flat_map(|run| &run.figures) {
        if !figures.iter().any(|known| known.name == figure.name) {
            let values: Vec<f64> = runs.iter().filter_map(|run| run.value(figure.name)).collect();
            figures.push(combine(figure, &values));
        }
    }
    Summary { figures }
}

fn combine(figure: &Figure, values: &[f64]) -> Figure {
    let count = values.len();
    let sum: f64 = values.iter().sum();
    let mean = sum / count as f64;
    let (value, interval) = match figure.over_runs {
        _ if count == 0 => (None, None),
        OverRuns::Sum => (Some(sum), None),
        OverRuns::Mean if count == 1 => (Some(mean), None),
        OverRuns::Mean => {
            let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
            let deviation = libm::sqrt(squares / (count - 1) as f64);
            let half = student_t_975(count - 1) * deviation / libm::sqrt(count as f64);
            (Some(mean), Some(Interval { low: mean - half, high: mean + half }))
        }
    };
    Figure { value, interval, runs: count as u32, ..figure.clone() }
}

/// The 0.975 quantile of Student's t distribution, so that 95 % lie within plus or minus it.
///
/// Up to 30 degrees of freedom from the usual table; above, the expansion around the normal quantile (Abramowitz and
/// Stegun 26.7.5), which is exact to six digits there.
///
/// # Panics
/// Without a degree of freedom.
#[must_use]
pub fn student_t_975(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139,
        2.200_985, 2.178_813, 2.160_369, 2.144_787, 2.131_450, 2.119_905, 2.109_816, 2.100_922, 2.093_024, 2.085_963,
        2.079_614, 2.073_873, 2.068_658, 2.063_899, 2.059_539, 2.055_529, 2.051_831, 2.048_407, 2.045_230, 2.042_272,
    ];
    assert!(freedom > 0, "an interval needs two values");
    if let Some(&quantile) = TABLE.get(freedom - 1) {
        return quantile;
    }
    let (x, n) = (1.959_963_984_540_054_f64, freedom as f64);
    let x3 = x * x * x;
    let (x5, x7, x9) = (x3 * x * x, x3 * x3 * x, x3 * x3 * x3);
    let (first, second) = ((x3 + x) / 4.0, (5.0 * x5 + 16.0 * x3 + 3.0 * x) / 96.0);
    let third = (3.0 * x7 + 19.0 * x5 + 17.0 * x3 - 15.0 * x) / 384.0;
    let fourth = (79.0 * x9 + 776.0 * x7 + 1482.0 * x5 - 1920.0 * x3 - 945.0 * x) / 92160.0;
    x + (first + (second + (third + fourth / n) / n) / n) / n
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &'static str, value: Option<f64>, over_runs: OverRuns) -> Figure {
        Figure { name, label: name, unit: "s", value, interval: None, runs: 1, over_runs, definition: "a test" }
    }

    fn runs(values: &[Option<f64>], over_runs: OverRuns) -> Vec<Summary> {
        values.iter().map(|&value| Summary { figures: vec![figure("f", value, over_runs)] }).collect()
    }

    #[test]
    fn means_have_students_interval() {
        // Mean 3, deviation sqrt(2.5), t(4) = 2.776: the half width is 1.9632.
        let values: Vec<Option<f64>> = (1..=5).map(|n| Some(f64::from(n))).collect();
        let whole = aggregate(&runs(&values, OverRuns::Mean));
        let found = whole.get("f").unwrap();
        let interval = found.interval.unwrap();
        assert_eq!((found.value, found.runs), (Some(3.0), 5));
        assert!((interval.low - 1.036_757).abs() < 1e-6 && (interval.high - 4.963_243).abs() < 1e-6, "{interval:?}");
    }

    #[test]
    fn runs_without_a_value_do_not_count() {
        let found = |values: &[Option<f64>]| aggregate(&runs(values, OverRuns::Mean)).figures[0].clone();
        let two = found(&[Some(1.0), None, Some(3.0)]);
        assert_eq!((two.value, two.runs, two.interval.is_some()), (Some(2.0), 2, true));
        let one = found(&[None, Some(7.0)]);
        assert_eq!((one.value, one.runs, one.interval), (Some(7.0), 1, None));
        let none = found(&[None, None]);
        assert_eq!((none.value, none.runs, none.interval), (None, 0, None));
    }

    #[test]
    fn violations_are_summed() {
        let whole = aggregate(&runs(&[Some(0.0), Some(2.0), Some(1.0)], OverRuns::Sum));
        assert_eq!((whole.value("f"), whole.figures[0].interval), (Some(3.0), None));
    }

    #[test]
    fn figures_keep_their_order_and_those_of_some_runs_are_kept() {
        let one = Summary { figures: vec![figure("a", Some(1.0), OverRuns::Mean)] };
        let two =
            Summary { figures: vec![figure("b", Some(5.0), OverRuns::Mean), figure("a", Some(3.0), OverRuns::Mean)] };
        let whole = aggregate(&[one, two]);
        assert_eq!(
            whole.figures.iter().map(|f| (f.name, f.value)).collect::<Vec<_>>(),
            [("a", Some(2.0)), ("b", Some(5.0))]
        );
        assert_eq!(aggregate(&[]), Summary::default());
    }

    #[test]
    fn quantiles_of_student_meet_published_tables() {
        for (freedom, expected) in [(1, 12.706), (4, 2.776), (30, 2.042), (40, 2.0211), (60, 2.0003), (120, 1.9799)] {
            assert!((student_t_975(freedom) - expected).abs() < 5e-4, "{freedom}");
        }
        assert!((student_t_975(31) - 2.039_513).abs() < 1e-6);
        assert!((1..200).all(|freedom| student_t_975(freedom) > student_t_975(freedom + 1)));
    }
}
