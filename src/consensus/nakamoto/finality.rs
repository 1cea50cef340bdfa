//! How many confirmations make a payment safe.
//!
//! An attacker with share `q` of the hash power mines in secret from the moment a payment is published; the merchant
//! waits for `z` blocks on top of it. The probability that the attacker ever catches up is known exactly (Grunspan and
//! Pérez-Marco 2018, Rosenfeld 2012 in another convention): the attacker's blocks meanwhile follow a negative
//! binomial law. Nakamoto 2008 (section 11) used a Poisson law with its mean and is too optimistic.
//!
//! Glossary: *confirmations*, blocks mined after the one that holds the payment.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// No table of confirmations goes further; beyond it an attacker is as strong as all other nodes.
const CONFIRMATIONS_MAX: u64 = 1_000_000;

/// When a block counts as final.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Finality {
    /// Blocks that must follow; computed from the fields below if not given.
    pub confirmations: Option<u64>,
    /// Probability of reversal that is tolerated, 1e-9 to 1; 0.1 % as in Nakamoto 2008, section 11.
    pub eps: f64,
    /// The adversary's share of the hash power, 0 to 0.5 exclusive.
    pub q: f64,
    /// The law of the attacker's progress.
    pub rule: ReversalModel,
}

/// A law of the attacker's progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReversalModel {
    /// Negative binomial: exact.
    #[default]
    Exact,
    /// Poisson: the approximation of Nakamoto 2008.
    Nakamoto,
}

impl Default for Finality {
    fn default() -> Finality {
        Finality { confirmations: None, eps: 0.001, q: 0.1, rule: ReversalModel::Exact }
    }
}

impl Finality {
    /// Blocks that must follow a block before it is final.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.confirmations.unwrap_or_else(|| match self.rule {
            ReversalModel::Exact => depth_exact(self.q, self.eps),
            ReversalModel::Nakamoto => depth_nakamoto(self.q, self.eps),
        })
    }
    /// What makes no sense in it, if anything.
    #[must_use]
    pub fn invalid(&self) -> Option<(&'static str, String)> {
        if !(1e-9..=1.0).contains(&self.eps) {
            return Some(("finality.eps", format!("{} is not between 1e-9 and 1", self.eps)));
        }
        // Above 0.49 the confirmations run into tens of thousands.
        if !(0.0..=0.49).contains(&self.q) {
            return Some(("finality.q", format!("{} is not between 0 and 0.49", self.q)));
        }
        None
    }
}

/// The probability that an attacker of share `q` ever catches up from behind `z` confirmations: exactly
/// `1 - sum_{k<z} (p^z q^k - q^z p^k) C(k+z-1, k)`, which is the regularized incomplete beta function
/// `I_{4pq}(z, 1/2)` (Grunspan and Pérez-Marco 2018, theorem 1).
#[must_use]
pub fn reversal_exact(q: f64, z: u64) -> f64 {
    if q >= 0.5 {
        return 1.0;
    }
    laws(q).nth(z as usize).expect("an endless law")
}

/// The probabilities for `z = 0, 1, 2, ...`, by the recurrence `I_x(a+1, b) = I_x(a, b) - x^a (1-x)^b / (a B(a, b))`.
fn laws(q: f64) -> impl Iterator<Item = f64> {
    let (p, x) = (1.0 - q, 4.0 * q * (1.0 - q));
    let first = (1u64, 2.0 * q, x * (p - q) / 2.0);
    let later = std::iter::successors(Some(first), move |&(z, law, step)| {
        let ratio = x * (z as f64 + 0.5) / (z as f64 + 1.0);
        Some((z + 1, law - step, step * ratio))
    });
    std::iter::once(1.0).chain(later.map(|(_, law, _)| law))
}

/// The same by Nakamoto's approximation: `1 - sum_{k<=z} Poisson(k; z q/p) (1 - (q/p)^(z-k))`.
#[must_use]
pub fn reversal_nakamoto(q: f64, z: u64) -> f64 {
    if q >= 0.5 {
        return 1.0;
    }
    if q <= 0.0 || z == 0 {
        return if z == 0 { 1.0 } else { 0.0 };
    }
    let ratio = q / (1.0 - q);
    let mean = z as f64 * ratio;
    let caught = |k: u64| {
        let density = libm::exp(k as f64 * libm::log(mean) - mean - libm::lgamma(k as f64 + 1.0));
        density * (1.0 - libm::pow(ratio, (z - k) as f64))
    };
    1.0 - (0..=z).map(caught).sum::<f64>()
}

/// The least `z` at which an attacker of share `q` succeeds with a probability below `eps`.
#[must_use]
pub fn depth_exact(q: f64, eps: f64) -> u64 {
    if q >= 0.5 {
        return CONFIRMATIONS_MAX;
    }
    laws(q).take(CONFIRMATIONS_MAX as usize).position(|law| law < eps).map_or(CONFIRMATIONS_MAX, |z| z as u64)
}

/// The same by Nakamoto's approximation, which falls with `z`.
#[must_use]
pub fn depth_nakamoto(q: f64, eps: f64) -> u64 {
    let mut high = 1;
    while high < CONFIRMATIONS_MAX && reversal_nakamoto(q, high) >= eps {
        high *= 2;
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = low.midpoint(high);
        if reversal_nakamoto(q, middle) < eps { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
#[expect(clippy::unreadable_literal, reason = "values as they are published")]
mod tests {
    use super::*;
    use crate::base::Stream;

    #[test]
    fn the_exact_law_has_its_published_values() {
        let values =
            [(1, 0.2), (2, 0.056), (3, 0.01712), (4, 0.005456), (5, 0.0017818), (6, 0.0005914), (8, 0.0000672)];
        for (z, law) in values {
            assert!((reversal_exact(0.1, z) - law).abs() < 6e-8, "q = 0.1, z = {z}: {}", reversal_exact(0.1, z));
        }
        for (z, law) in [(5, 0.19762), (10, 0.06511), (15, 0.02331), (20, 0.00867), (25, 0.00330), (30, 0.00128)] {
            assert!((reversal_exact(0.3, z) - law).abs() < 6e-6, "q = 0.3, z = {z}");
        }
    }

    #[test]
    fn the_recurrence_is_the_sum_of_the_theorem() {
        let power = |base: f64, exponent: i32| libm::pow(base, f64::from(exponent));
        for q in [0.02, 0.1, 0.3, 0.45] {
            let p = 1.0 - q;
            for z in 1..40i32 {
                let mut choose = 1.0;
                let mut sum = 0.0;
                for k in 0..z {
                    sum += (power(p, z) * power(q, k) - power(q, z) * power(p, k)) * choose;
                    choose *= f64::from(k + z) / f64::from(k + 1);
                }
                assert!((reversal_exact(q, z as u64) - (1.0 - sum)).abs() < 1e-12, "q = {q}, z = {z}");
            }
        }
    }

    #[test]
    fn nakamotos_table_is_met() {
        for (z, law) in [(0, 1.0), (1, 0.2045873), (2, 0.0509779), (5, 0.0009137), (6, 0.0002428), (8, 0.0000173)] {
            assert!((reversal_nakamoto(0.1, z) - law).abs() < 6e-8, "q = 0.1, z = {z}");
        }
        for (z, law) in [(5, 0.1773523), (10, 0.0416605), (20, 0.0024804), (50, 0.0000006)] {
            assert!((reversal_nakamoto(0.3, z) - law).abs() < 6e-8, "q = 0.3, z = {z}");
        }
    }

    #[test]
    fn the_confirmations_for_a_thousandth_are_those_of_both_tables() {
        let shares = [0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45];
        let depths = |depth: fn(f64, f64) -> u64| shares.map(|q| depth(q, 0.001));
        assert_eq!(depths(depth_exact), [6, 9, 13, 20, 32, 58, 133, 539]);
        assert_eq!(depths(depth_nakamoto), [5, 8, 11, 15, 24, 41, 89, 340]);
        assert_eq!(Finality::default().depth(), 6);
        assert_eq!(Finality { rule: ReversalModel::Nakamoto, ..Finality::default() }.depth(), 5);
        assert_eq!(Finality { confirmations: Some(2), ..Finality::default() }.depth(), 2);
    }

    /// Races of an attacker of share `q` who has caught up, or is 60 behind, after `z` honest blocks.
    fn caught_up(q: f64, z: i64, trials: u32) -> f64 {
        let mut random = Stream::new(1, "double spend", z as u64, 0);
        let mut race = || {
            let (mut honest, mut attacker) = (0i64, 0i64);
            while honest < z || (attacker < honest && honest - attacker < 60) {
                if random.chance(q) { attacker += 1 } else { honest += 1 }
            }
            attacker >= honest
        };
        f64::from((0..trials).map(|_| u32::from(race())).sum::<u32>()) / f64::from(trials)
    }

    #[test]
    fn simulated_races_meet_the_exact_law_and_not_nakamotos() {
        let trials = 300_000;
        for (q, z) in [(0.1, 1), (0.1, 3), (0.3, 5), (0.3, 10)] {
            let (seen, law) = (caught_up(q, z, trials), reversal_exact(q, z as u64));
            let error = 4.0 * libm::sqrt(law * (1.0 - law) / f64::from(trials));
            assert!((seen - law).abs() < error, "q = {q}, z = {z}: {seen} against {law} +- {error}");
            assert!((seen - reversal_nakamoto(q, z as u64)).abs() > error, "q = {q}, z = {z}: Nakamoto's is refuted");
        }
    }
}
