//! Percentiles, distributions and inequality.

use super::outcome::CdfPoint;
use crate::base::Duration;

/// The percentile `permille / 10` of ascending values by nearest rank: the least value such that at least that share
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

/// The Gini coefficient of outcomes against weights: 0 if everyone's outcome is as its weight, near 1 if one of many
/// has everything. Twice the area between the diagonal and the Lorenz curve, participants ordered by outcome per
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

/// Counts of spans in buckets of at most 1/128 relative width (as in `HdrHistogram`): for what is too many to keep.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Histogram {
    /// Bits of a span that tell buckets apart.
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
    /// The greatest span that falls into a bucket.
    fn upper(bucket: usize) -> u64 {
        let shift = (bucket >> Histogram::BITS).saturating_sub(1);
        let mantissa = (bucket - (shift << Histogram::BITS)) as u128;
        u64::try_from(((mantissa + 1) << shift) - 1).unwrap_or(u64::MAX)
    }
    /// Points of the cumulative distribution, where `total` things could have been counted: one per bucket in use, at
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
