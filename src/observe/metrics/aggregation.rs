//! How the values of a metric in several runs, one per seed, become one value with a 95 % confidence interval.
//!
//! | the metric | value | interval |
//! |---|---|---|
//! | a count of events that must not happen | sum | none |
//! | a time that may not be reached | median, runs that did not reach it above all others | percentile bootstrap |
//! | a share in per cent | mean | percentile bootstrap |
//! | a positive time, rate or ratio that spreads over more than a factor of three | geometric mean | Student's t of the logarithms |
//! | anything else | mean | Student's t |
//!
//! No metric can be negative. Where Student's interval would be, the interval of the logarithms is used if all values are
//! positive, and the bootstrap if one is zero. Values that differ by rounding alone have an interval of no width. The
//! bootstrap (Efron 1979) draws from a stream named after the metric, so that it is repeatable bit for bit.

use super::definition::Aggregation;
use super::summary::{Interval, Metric, Summary};
use crate::base::{Hash, Stream};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;

/// Values that spread more widely are averaged on a logarithmic scale.
const WIDE: f64 = 3.0;

/// What differs less, relative to its size, differs by rounding alone.
const ROUNDING: f64 = 1e-9;

/// Units of times, rates and ratios, which may spread over orders of magnitude.
const SCALES: [&str; 7] = ["s", "tx/s", "bit/s", "B", "J", "W", "ratio"];

/// The metric over all these runs.
///
/// # Panics
/// Without a run.
fn combine(of: &[&Metric]) -> Metric {
    let first = of[0];
    let mut values: Vec<f64> = of.iter().filter_map(|metric| metric.value).collect();
    let not_reached = of.iter().map(|metric| metric.not_reached).sum::<u32>();
    let until = of.iter().filter_map(|metric| metric.until).max_by(f64::total_cmp);
    let runs = values.len() as u32 + not_reached;
    let whole = Metric { runs, not_reached, until, value: None, interval: None, ..first.clone() };
    if runs == 0 {
        return whole;
    }
    if first.aggregation == Aggregation::Median {
        values.resize(runs as usize, f64::INFINITY);
    }
    let (aggregation, value, interval) = match first.aggregation {
        Aggregation::Sum => (Aggregation::Sum, values.iter().sum(), None),
        kind if runs == 1 => (kind, values[0], None),
        kind => several(first, kind, &values),
    };
    Metric { aggregation, value: Some(value).filter(|value| value.is_finite()), interval, ..whole }
}

/// One summary of several runs of one scenario under different seeds.
///
/// Metrics are matched by name and keep the order of the first run that has them.
#[must_use]
pub fn aggregate(runs: &[Summary]) -> Summary {
    let mut metrics: Vec<Metric> = Vec::new();
    for metric in runs.iter().flat_map(|run| &run.metrics) {
        if !metrics.iter().any(|known| known.def == metric.def) {
            let of: Vec<&Metric> = runs.iter().filter_map(|run| run.get(metric.def.name)).collect();
            metrics.push(combine(&of));
        }
    }
    Summary { metrics }
}

fn several(metric: &Metric, kind: Aggregation, values: &[f64]) -> (Aggregation, f64, Option<Interval>) {
    let name = metric.def.name;
    let (min, max) = values.iter().fold((f64::INFINITY, 0.0), |(min, max), v| (v.min(min), v.max(max)));
    if max.is_finite() && max - min <= ROUNDING * max {
        return (kind, min, Some(Interval { low: min, high: min }));
    }
    if kind == Aggregation::Median {
        return (kind, median(values), Some(bootstrap(name, values, median)));
    }
    if metric.def.unit == "%" {
        return (kind, mean(values), Some(bootstrap(name, values, mean)));
    }
    let is_scale = SCALES.contains(&metric.def.unit) || name.contains("_per_");
    if is_scale && min > 0.0 && max > WIDE * min {
        let logs: Vec<f64> = values.iter().map(|value| libm::log(*value)).collect();
        return (Aggregation::GeometricMean, libm::exp(mean(&logs)), Some(logarithmic(values)));
    }
    let usual = student(values);
    let interval = match usual.low {
        0.0.. => usual,
        _ if min > 0.0 => logarithmic(values),
        _ => bootstrap(name, values, mean),
    };
    (kind, mean(values), Some(interval))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut ascending = values.to_vec();
    ascending.sort_by(f64::total_cmp);
    let half = ascending.len() / 2;
    if ascending.len() % 2 == 1 { ascending[half] } else { f64::midpoint(ascending[half - 1], ascending[half]) }
}

/// Student's interval of the mean of at least two values.
fn student(values: &[f64]) -> Interval {
    let (count, mean) = (values.len(), mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let deviation = libm::sqrt(squares / (count - 1) as f64);
    let half = student_t_975(count - 1) * deviation / libm::sqrt(count as f64);
    Interval { low: mean - half, high: mean + half }
}

/// Student's interval of the logarithms of positive values.
fn logarithmic(values: &[f64]) -> Interval {
    let logs: Vec<f64> = values.iter().map(|value| libm::log(*value)).collect();
    let Interval { low, high } = student(&logs);
    Interval { low: libm::exp(low), high: libm::exp(high) }
}

/// The percentile bootstrap of a statistic: between the 2.5th and the 97.5th percentile over resamples.
fn bootstrap(name: &str, values: &[f64], statistic: fn(&[f64]) -> f64) -> Interval {
    let mut stream = Stream::new(0, "bootstrap", Hash::of(name.as_bytes()).short(), 0);
    let mut sample = vec![0.0; values.len()];
    let mut found: Vec<f64> = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        sample.iter_mut().for_each(|drawn| *drawn = values[stream.index(values.len())]);
        found.push(statistic(&sample));
    }
    found.sort_by(f64::total_cmp);
    let at = |permille: usize| found[(RESAMPLES * permille).div_ceil(1000) - 1];
    Interval { low: at(25), high: at(975) }
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
    use super::super::definition::{Group, MetricDef, Reading};
    use super::*;
    use crate::base::{Duration, Time};
    use proptest::prelude::*;

    const DEFINITION: &str = "a test";

    /// A definition of its own for each unit, mean and name.
    fn def(name: &'static str, unit: &'static str, aggregation: Aggregation) -> &'static MetricDef {
        let mut def = MetricDef::new(name, name, unit, Group::Load, DEFINITION, |_| None);
        def.aggregation = aggregation;
        Box::leak(Box::new(def))
    }

    fn metric(unit: &'static str, value: Option<f64>, aggregation: Aggregation) -> Metric {
        Metric::new(def("f", unit, aggregation), Reading { value, not_by: None })
    }

    fn over(unit: &'static str, values: &[f64]) -> (f64, Interval, Aggregation) {
        let metrics: Vec<Metric> = values.iter().map(|&value| metric(unit, Some(value), Aggregation::Mean)).collect();
        let whole = combine(&metrics.iter().collect::<Vec<_>>());
        (whole.value.unwrap(), whole.interval.unwrap(), whole.aggregation)
    }

    fn awaited(values: &[Option<f64>]) -> Metric {
        let def = def("f", "s", Aggregation::Median);
        let not_by = Some(Time::ZERO + Duration::from_secs(120));
        let of = |value: &Option<f64>| {
            Metric::new(def, Reading { value: *value, not_by: not_by.filter(|_| value.is_none()) })
        };
        let metrics: Vec<Metric> = values.iter().map(of).collect();
        combine(&metrics.iter().collect::<Vec<_>>())
    }

    #[test]
    fn means_have_students_interval() {
        // Mean 10, deviation sqrt(2.5), t(4) = 2.776: the half width is 1.9632.
        let (value, interval, aggregation) = over("s", &[8.0, 9.0, 10.0, 11.0, 12.0]);
        assert_eq!((value, aggregation), (10.0, Aggregation::Mean));
        assert!((interval.low - 8.036_757).abs() < 1e-6 && (interval.high - 11.963_243).abs() < 1e-6, "{interval:?}");
    }

    #[test]
    fn values_that_spread_over_more_than_a_factor_of_three_are_averaged_on_a_logarithmic_scale() {
        let (value, interval, aggregation) = over("s", &[0.1, 1.0, 10.0]);
        assert_eq!(aggregation, Aggregation::GeometricMean);
        assert!((value - 1.0).abs() < 1e-12, "{value}");
        assert!((interval.low * interval.high - 1.0).abs() < 1e-9 && interval.low > 0.0, "{interval:?}");
        assert_eq!(over("", &[1.0, 10.0, 100.0]).2, Aggregation::Mean, "counts are not");
    }

    proptest! {
        #[test]
        fn no_interval_leaves_the_possible(
            values in prop::collection::vec(0.0f64..100.0, 2..8),
            zero in any::<bool>(),
        ) {
            let mut values = values;
            if zero { values[0] = 0.0; }
            for unit in ["s", "%", "", "tx/s"] {
                let (value, interval, _) = over(unit, &values);
                prop_assert!(interval.low >= 0.0 && interval.low <= value && value <= interval.high, "{unit} {interval:?}");
                prop_assert!(unit != "%" || interval.high <= 100.0);
            }
        }
    }

    #[test]
    fn values_that_differ_by_rounding_alone_have_an_interval_of_no_width() {
        let (value, interval, _) = over("s", &[0.1 + 0.2, 0.3, 0.3]);
        assert_eq!((interval.low, interval.high), (value, value));
    }

    #[test]
    fn a_bootstrap_is_repeatable_bit_for_bit() {
        assert_eq!(over("%", &[90.0, 95.0, 99.0]), over("%", &[90.0, 95.0, 99.0]));
        let (value, interval, _) = over("%", &[90.0, 95.0, 99.0]);
        assert!((interval.low, interval.high) == (90.0, 99.0) || interval.low > 90.0 && interval.high < 99.0);
        assert!((value - 284.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn of_times_that_may_not_be_reached_the_median_counts_and_runs_that_did_not_reach_one_rank_last() {
        let found = awaited(&[Some(1.0), Some(3.0), None]);
        assert_eq!((found.value, found.runs, found.not_reached, found.until), (Some(3.0), 3, 1, Some(120.0)));
        let interval = found.interval.unwrap();
        assert_eq!((interval.low, interval.high), (1.0, f64::INFINITY));
        let found = awaited(&[Some(1.0), None, None]);
        assert_eq!((found.value, found.not_reached), (None, 2), "most runs never got there");
        assert_eq!(awaited(&[Some(2.0), Some(4.0)]).value, Some(3.0));
        let one = awaited(&[None]);
        assert_eq!((one.value, one.runs, one.not_reached, one.interval), (None, 1, 1, None));
    }

    #[test]
    fn runs_without_a_value_do_not_count() {
        let runs = |values: &[Option<f64>]| {
            let of = |value: &Option<f64>| Summary { metrics: vec![metric("s", *value, Aggregation::Mean)] };
            aggregate(&values.iter().map(of).collect::<Vec<_>>()).metrics[0].clone()
        };
        let two = runs(&[Some(1.0), None, Some(3.0)]);
        assert_eq!((two.value, two.runs, two.interval.is_some()), (Some(2.0), 2, true));
        let one = runs(&[None, Some(7.0)]);
        assert_eq!((one.value, one.runs, one.interval), (Some(7.0), 1, None));
        let none = runs(&[None, None]);
        assert_eq!((none.value, none.runs, none.interval), (None, 0, None));
    }

    #[test]
    fn violations_are_summed() {
        let metrics: Vec<Metric> = [0.0, 2.0, 1.0].map(|value| metric("", Some(value), Aggregation::Sum)).to_vec();
        let whole = combine(&metrics.iter().collect::<Vec<_>>());
        assert_eq!((whole.value, whole.interval), (Some(3.0), None));
    }

    #[test]
    fn metrics_keep_their_order_and_those_of_some_runs_are_kept() {
        let named =
            |name, value| Metric::new(def(name, "s", Aggregation::Mean), Reading { value: Some(value), not_by: None });
        let one = Summary { metrics: vec![named("a", 1.0)] };
        let two = Summary { metrics: vec![named("b", 5.0), named("a", 3.0)] };
        let whole = aggregate(&[one, two]);
        assert_eq!(
            whole.metrics.iter().map(|metric| (metric.def.name, metric.value)).collect::<Vec<_>>(),
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
