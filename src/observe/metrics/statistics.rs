//! Percentiles, distributions and inequality.

use super::rows::CdfPoint;
use crate::base::Duration;

/// The percentile `permille / 10` of ascending values by nearest rank: the smallest value such that at least that share
/// of all values is at or below it. `None` of nothing.
#[must_use]
pub fn percentile<T: Copy>(ascending: &[T], permille: usize) -> Option<T> {
    let rank = (ascending.len() * permille).div_ceil(1000).max(1);
    ascending.get(rank - 1).copied()
}

/// The mean of spans, in seconds. `None` of nothing.
#[must_use]
pub fn mean_seconds(spans: &[Duration]) -> Option<f64> {
    let sum: u128 = spans.iter().map(|span| u128::from(span.as_nanos())).sum();
    (!spans.is_empty()).then(|| sum as f64 / 1e9 / spans.len() as f64)
}

/// Points of the cumulative distribution of ascending spans, at most 1,000, the last one included.
#[must_use]
pub fn distribution(ascending: &[Duration]) -> Vec<CdfPoint> {
    let count = ascending.len();
    let points = count.min(1000);
    let point = |n: usize| {
        let rank = (n * count).div_ceil(points);
        CdfPoint { at: ascending[rank - 1].as_secs_f64(), share: rank as f64 / count as f64 }
    };
    (1..=points).map(point).collect()
}

/// The Gini coefficient of outcomes against weights: 0 if each outcome is in proportion to its weight, near 1 if one of
/// many has all. Twice the area between the diagonal and the Lorenz curve, participants ordered by outcome per
/// weight. `None` without weight or outcome.
#[must_use]
pub fn gini(outcomes: &[u64], weights: &[f64]) -> Option<f64> {
    let mut pairs: Vec<(f64, f64)> = outcomes.iter().map(|&n| n as f64).zip(weights.iter().copied()).collect();
    let (all, weight) = (pairs.iter().map(|p| p.0).sum::<f64>(), pairs.iter().map(|p| p.1).sum::<f64>());
    if all <= 0.0 || weight <= 0.0 {
        return None;
    }
    pairs.retain(|&(outcome, weight)| outcome > 0.0 || weight > 0.0);
    pairs.sort_by(|a, b| (a.0 * b.1).total_cmp(&(b.0 * a.1)));
    let (mut reached, mut area) = (0.0, 0.0);
    for (outcome, share) in pairs {
        let next = reached + outcome / all;
        area += share / weight * (reached + next) / 2.0;
        reached = next;
    }
    Some((1.0 - 2.0 * area).max(0.0))
}

/// Counts of spans in buckets of at most 1/128 relative width (as in `HdrHistogram`), for spans too many to keep.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    /// Significant bits of a span that distinguish buckets.
    const BITS: u32 = 7;

    /// Counts one span.
    pub fn add(&mut self, span: Duration) {
        let bucket = Histogram::bucket(span.as_nanos());
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
    }
    fn bucket(nanos: u64) -> usize {
        let shift = (64 - nanos.leading_zeros()).saturating_sub(Histogram::BITS + 1);
        ((shift as usize) << Histogram::BITS) + (nanos >> shift) as usize
    }
    /// The largest span of a bucket.
    fn upper(bucket: usize) -> u64 {
        let shift = (bucket >> Histogram::BITS).saturating_sub(1);
        let mantissa = (bucket - (shift << Histogram::BITS)) as u128;
        u64::try_from(((mantissa + 1) << shift) - 1).unwrap_or(u64::MAX)
    }
    /// Points of the cumulative distribution, where `total` spans could have been counted: one per bucket in use, at
    /// its upper end.
    #[must_use]
    pub fn distribution(&self, total: u64) -> Vec<CdfPoint> {
        let mut reached = 0;
        let mut points = Vec::new();
        for (bucket, &count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            reached += count;
            let at = Duration::from_nanos(Histogram::upper(bucket)).as_secs_f64();
            points.push(CdfPoint { at, share: reached as f64 / total as f64 });
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::metrics::round_interval;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_percentile_is_the_least_value_that_enough_are_at_or_below(
            mut values in prop::collection::vec(0u32..50, 1..200),
            permille in 0usize..=1000,
        ) {
            values.sort_unstable();
            let found = percentile(&values, permille).unwrap();
            let enough = |bound: u32| {
                values.iter().filter(|value| **value <= bound).count() * 1000 >= permille * values.len()
            };
            prop_assert!(enough(found));
            prop_assert_eq!(values.iter().copied().find(|&value| enough(value)), Some(found));
        }
        #[test]
        fn a_bucket_holds_what_falls_into_it_and_is_narrow(nanos in any::<u64>(), shift in 0u32..64) {
            let nanos = nanos >> shift;
            let bucket = Histogram::bucket(nanos);
            let upper = Histogram::upper(bucket);
            prop_assert!(nanos <= upper && upper - nanos <= nanos / 128, "{} {}", nanos, upper);
            prop_assert!(bucket == 0 || Histogram::upper(bucket - 1) < nanos);
        }
        #[test]
        fn the_gini_coefficient_is_half_the_relative_mean_difference(
            outcomes in prop::collection::vec(0u64..20, 2..12),
        ) {
            let all: u64 = outcomes.iter().sum();
            prop_assume!(all > 0);
            let n = outcomes.len() as f64;
            let pairs = outcomes.iter().flat_map(|a| outcomes.iter().map(move |b| a.abs_diff(*b)));
            let expected = pairs.sum::<u64>() as f64 / (2.0 * n * all as f64);
            let found = gini(&outcomes, &vec![0.5; outcomes.len()]).unwrap();
            prop_assert!((found - expected).abs() < 1e-12, "{} {}", found, expected);
        }
        #[test]
        fn intervals_are_round_and_at_most_a_hundred(nanos in 1u64..u64::MAX / 20) {
            let length = round_interval(Duration::from_nanos(nanos)).as_nanos();
            let cut = nanos.div_ceil(length);
            prop_assert!(cut <= 100 && (nanos < 100 || cut >= 40), "{}", cut);
            let first: u64 = length.to_string().trim_end_matches('0').parse().unwrap();
            prop_assert!([1, 2, 5].contains(&first));
        }
    }

    #[test]
    fn nearest_ranks_of_ten_values() {
        let ten: Vec<u32> = (1..=10).collect();
        let found = [0, 1, 500, 501, 900, 901, 990, 1000].map(|permille| percentile(&ten, permille).unwrap());
        assert_eq!(found, [1, 1, 5, 6, 9, 10, 10, 10]);
        assert_eq!(percentile::<u32>(&[], 500), None);
    }

    #[test]
    fn blocks_in_proportion_to_weight_are_fair() {
        assert!(gini(&[1, 2, 3], &[10.0, 20.0, 30.0]).unwrap() < 1e-12);
        assert!((gini(&[0, 0, 0, 8], &[1.0; 4]).unwrap() - 0.75).abs() < 1e-12);
        assert!((gini(&[5, 0], &[0.0, 1.0]).unwrap() - 1.0).abs() < 1e-12, "blocks without power");
        assert!(gini(&[5, 0, 3, 0, 0], &[5.0, 0.0, 3.0, 0.0, 0.0]).unwrap() < 1e-12);
        assert_eq!((gini(&[0, 0], &[1.0; 2]), gini(&[1], &[0.0])), (None, None));
    }

    #[test]
    fn a_distribution_rises_to_one_in_at_most_a_thousand_points() {
        let spans: Vec<Duration> = (1..=2_500).map(Duration::from_secs).collect();
        let points = distribution(&spans);
        assert_eq!(points.len(), 1000);
        assert_eq!(points[999], CdfPoint { at: 2500.0, share: 1.0 });
        assert!(points.iter().all(|point| (point.share - point.at / 2500.0).abs() < 1e-12));
        assert_eq!(distribution(&[]), []);
    }
}
