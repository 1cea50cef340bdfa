//! Random numbers out of one random word, for choices that are pure functions of a name.

use crate::base::Duration;

/// A number in `[0, 1)` with 53 random bits.
#[must_use]
pub fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

/// A whole number in `0..bound`, or zero if `bound` is zero. Some are likelier than others by less than `bound` / 2^64.
#[must_use]
pub fn below(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}

/// A span with an exponential law of this mean.
#[must_use]
pub fn exponential(word: u64, mean: Duration) -> Duration {
    Duration::from_secs_f64(mean.as_secs_f64() * -libm::log(1.0 - unit(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::mix;

    #[test]
    fn extreme_words_stay_in_range() {
        assert_eq!((unit(0), below(0, 10), below(u64::MAX, 10), below(7, 0)), (0.0, 0, 9, 0));
        assert!(unit(u64::MAX) < 1.0);
        assert_eq!(exponential(0, Duration::from_secs(1)), Duration::ZERO);
        assert!(exponential(u64::MAX, Duration::from_secs(1)) < Duration::from_secs(37));
    }

    #[test]
    fn samples_have_the_mean_of_their_law() {
        let n = 100_000;
        let mean = |sample: &dyn Fn(u64) -> f64| (0..n).map(|i| sample(mix(8, i))).sum::<f64>() / n as f64;
        let error = |deviation: f64| 4.0 * deviation / (n as f64).sqrt();
        assert!((mean(&unit) - 0.5).abs() < error(0.289));
        assert!((mean(&|word| below(word, 7) as f64) - 3.0).abs() < error(2.0));
        assert!((mean(&|word| exponential(word, Duration::from_secs(3)).as_secs_f64()) - 3.0).abs() < error(3.0));
    }
}
