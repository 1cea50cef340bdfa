//! Axes: their ranges, where they are marked, and how the marks are written.

use crate::report::format::{digits, quantity};

/// How an axis runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    /// Equal steps are equal differences.
    Linear,
    /// Equal steps are equal ratios. Everything shown is above zero.
    Logarithmic,
}

/// An axis.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// The unit of its marks, written at each mark; empty if the label says it.
    pub unit: &'static str,
    /// Its lower end.
    pub from: f64,
    /// Its upper end.
    pub to: f64,
    /// How it runs.
    pub scale: Scale,
    /// Whether only whole numbers are marked.
    pub whole: bool,
    /// Names of the stretches from 0 to 1, from 1 to 2 and so on, from the upper end; empty for numbers.
    pub names: Vec<String>,
}

impl Axis {
    /// From zero to a round number that is at least `most`, and never empty.
    #[must_use]
    pub fn from_zero(label: &str, most: f64) -> Axis {
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        let step = nice_step(most * 1.04, 5);
        let to = libm::ceil(most * 1.04 / step) * step;
        Axis { label: label.into(), unit: "", from: 0.0, to, scale: Scale::Linear, whole: false, names: Vec::new() }
    }
    /// The same for counts.
    #[must_use]
    pub fn count_from_zero(label: &str, most: f64) -> Axis {
        let most = if most.is_finite() { most.max(3.0) } else { 3.0 };
        let step = nice_step(most * 1.04, 5).max(1.0);
        Axis { whole: true, ..Axis::exact(label, 0.0, libm::ceil(most * 1.04 / step) * step) }
    }
    /// Of things with names, one below the other.
    #[must_use]
    pub fn names(names: &[String]) -> Axis {
        Axis { names: names.to_vec(), ..Axis::exact("", 0.0, names.len().max(1) as f64) }
    }
    /// Exactly from `from` to `to`.
    #[must_use]
    pub fn exact(label: &str, from: f64, to: f64) -> Axis {
        Axis { label: label.into(), unit: "", from, to, scale: Scale::Linear, whole: false, names: Vec::new() }
    }
    /// Of seconds, around positive values from `least` to `most`: logarithmic if they span much.
    #[must_use]
    pub fn seconds(label: &str, least: f64, most: f64) -> Axis {
        if most <= 0.0 || !most.is_finite() {
            return Axis { unit: "s", ..Axis::from_zero(label, 1.0) };
        }
        if least <= 0.0 || most / least < 12.0 {
            return Axis { unit: "s", ..Axis::from_zero(label, most) };
        }
        let (from, to) = (round_down(least), round_up(most));
        Axis { label: label.into(), unit: "s", from, to, scale: Scale::Logarithmic, whole: false, names: Vec::new() }
    }
    /// Where a value lies: 0 at the lower end, 1 at the upper. What lies outside is moved to the nearer end.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Logarithmic => libm::log(value.max(self.from) / self.from) / libm::log(self.to / self.from),
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }
    /// Where lines are drawn, about `many` of them; those that are written have their text.
    #[must_use]
    pub fn marks(&self, many: usize) -> Vec<(f64, Option<String>)> {
        if !self.names.is_empty() {
            let names = self.names.iter().rev().enumerate();
            return names.map(|(at, name)| (at as f64 + 0.5, Some(name.clone()))).collect();
        }
        match self.scale {
            Scale::Linear => self.linear_marks(many),
            Scale::Logarithmic => self.logarithmic_marks(many),
        }
    }
    fn linear_marks(&self, many: usize) -> Vec<(f64, Option<String>)> {
        let mut step = nice_step(self.to - self.from, many);
        if self.whole {
            step = step.max(1.0);
        }
        let first = libm::ceil(self.from / step - 1e-9);
        let last = libm::floor(self.to / step + 1e-9);
        let count = (last - first).clamp(0.0, 1000.0) as u32;
        let mark = |number: u32| {
            let value = (first + f64::from(number)) * step;
            (value, Some(self.write(value, step)))
        };
        (0..=count).map(mark).collect()
    }
    fn logarithmic_marks(&self, many: usize) -> Vec<(f64, Option<String>)> {
        let decades = libm::log10(self.to / self.from);
        // Of each decade, these are written: fewer the more decades there are.
        let written: &[u32] = match decades * 3.0 {
            thirds if thirds <= many as f64 => &[1, 2, 5],
            _ => &[1],
        };
        let mut decade = libm::pow(10.0, libm::floor(libm::log10(self.from) + 1e-9));
        let mut marks = Vec::new();
        while decade <= self.to * (1.0 + 1e-9) {
            for digit in 1..10 {
                let value = decade * f64::from(digit);
                if value >= self.from * (1.0 - 1e-9) && value <= self.to * (1.0 + 1e-9) {
                    marks.push((value, written.contains(&digit).then(|| self.write(value, value))));
                }
            }
            decade *= 10.0;
        }
        marks
    }
    /// A mark as it is written, where neighbours are `step` apart.
    fn write(&self, value: f64, step: f64) -> String {
        if !self.unit.is_empty() {
            // Products of a step may miss a round number by the last bit.
            return quantity(tidy(value, step), self.unit).replace(".00 ", " ").replace(".0 ", " ");
        }
        digits(tidy(value, step)).trim_end_matches(".00").trim_end_matches(".0").to_owned()
    }
}

/// Rounds to a thousandth of a step.
fn tidy(value: f64, step: f64) -> f64 {
    let factor = libm::pow(10.0, 3.0 - libm::floor(libm::log10(step)));
    libm::round(value * factor) / factor
}

/// The step of 1, 2 or 5 times a power of ten that cuts `span` into at most about `many` pieces.
#[must_use]
pub fn nice_step(span: f64, many: usize) -> f64 {
    let raw = span / many.max(1) as f64;
    let decade = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * decade >= raw * (1.0 - 1e-9));
    digit.unwrap_or(10.0) * decade
}

/// The greatest of 1, 2 or 5 times a power of ten below `value`.
fn round_down(value: f64) -> f64 {
    let decade = libm::pow(10.0, libm::floor(libm::log10(value)));
    [5.0, 2.0].into_iter().find(|digit| digit * decade <= value).unwrap_or(1.0) * decade
}

/// The least of 1, 2 or 5 times a power of ten above `value`.
fn round_up(value: f64) -> f64 {
    let decade = libm::pow(10.0, libm::floor(libm::log10(value)));
    [1.0, 2.0, 5.0].into_iter().find(|digit| digit * decade >= value).unwrap_or(10.0) * decade
}

/// The axis of simulated time for a run of so many seconds, and how many of its units a second is.
#[must_use]
pub fn time_axis(seconds: f64) -> (Axis, f64) {
    let (unit, per_second) = match seconds {
        14_400.0.. => ("h", 1.0 / 3600.0),
        600.0.. => ("min", 1.0 / 60.0),
        _ => ("s", 1.0),
    };
    let to = if seconds > 0.0 { seconds * per_second } else { 1.0 };
    (Axis::exact(&format!("simulated time ({unit})"), 0.0, to), per_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(axis: &Axis, many: usize) -> Vec<String> {
        axis.marks(many).into_iter().filter_map(|(_, text)| text).collect()
    }

    #[test]
    fn linear_axes_are_marked_at_round_numbers() {
        assert_eq!(written(&Axis::from_zero("", 47.3), 5), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(written(&Axis::from_zero("", 0.31), 5), ["0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(written(&Axis::count_from_zero("", 1.0), 8), ["0", "1", "2", "3", "4"]);
        assert_eq!(written(&Axis::exact("", 0.0, 60.0), 6), ["0", "10", "20", "30", "40", "50", "60"]);
        assert_eq!(written(&Axis::from_zero("", f64::NAN), 2), ["0", "1"]);
    }

    #[test]
    fn axes_of_much_different_seconds_are_logarithmic() {
        let axis = Axis::seconds("", 0.012, 4.0);
        assert_eq!((axis.from, axis.to, axis.scale), (0.01, 5.0, Scale::Logarithmic));
        let texts = ["10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s", "2 s", "5 s"];
        assert_eq!(written(&axis, 10), texts);
        assert_eq!(written(&axis, 5), ["10 ms", "100 ms", "1 s"]);
        assert!(axis.marks(5).len() > 20, "the others are lines without text");
        assert_eq!(Axis::seconds("", 0.5, 1.5).scale, Scale::Linear);
        assert_eq!(Axis::seconds("", 0.0, 0.0).unit, "s");
    }

    #[test]
    #[allow(clippy::float_cmp)] // These places are exact.
    fn values_have_a_place_on_an_axis_whatever_they_are() {
        let line = Axis::exact("", 10.0, 20.0);
        assert_eq!([5.0, 10.0, 15.0, 99.0, f64::NAN].map(|value| line.place(value)), [0.0, 0.0, 0.5, 1.0, 0.0]);
        let decades = Axis { scale: Scale::Logarithmic, ..Axis::exact("", 0.01, 1.0) };
        assert!((decades.place(0.1) - 0.5).abs() < 1e-12 && decades.place(0.0) == 0.0);
        assert_eq!(Axis::exact("", 1.0, 1.0).place(1.0), 0.0);
    }

    #[test]
    #[allow(clippy::float_cmp)] // So are these bounds.
    fn time_has_the_unit_that_a_run_of_its_length_wants() {
        assert_eq!(time_axis(60.0).0.label, "simulated time (s)");
        assert_eq!((time_axis(1800.0).0.to, time_axis(86_400.0).0.to), (30.0, 24.0));
        assert_eq!(time_axis(0.0).0.to, 1.0);
    }
}
