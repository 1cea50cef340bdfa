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

/// No table of confirmations goes further; beyond it an attacker is as strong as everybody else.
const MOST_CONFIRMATIONS: u64 = 1_000_000;

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
    pub rule: Law,
}

/// A law of the attacker's progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Law {
    /// Negative binomial: exact.
    #[default]
    Exact,
    /// Poisson: the approximation of Nakamoto 2008.
    Nakamoto,
}

impl Default for Finality {
    fn default() -> Finality {
        Finality { confirmations: None, eps: 0.001, q: 0.1, rule: Law::Exact }
    }
}

impl Finality {
    /// Blocks that must follow a block before it is final.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.confirmations.unwrap_or_else(|| match self.rule {
            Law::Exact => depth_exact(self.q, self.eps),
            Law::Nakamoto => depth_nakamoto(self.q, self.eps),
        })
    }
    /// What makes no sense in it, if anything.
    #[must_use]
    pub fn misfit(&self) -> Option<(&'static str, String)> {
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
        return MOST_CONFIRMATIONS;
    }
    laws(q).take(MOST_CONFIRMATIONS as usize).position(|law| law < eps).map_or(MOST_CONFIRMATIONS, |z| z as u64)
}

/// The same by Nakamoto's approximation, which falls with `z`.
#[must_use]
pub fn depth_nakamoto(q: f64, eps: f64) -> u64 {
    let mut high = 1;
    while high < MOST_CONFIRMATIONS && reversal_nakamoto(q, high) >= eps {
        high *= 2;
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = low.midpoint(high);
        if reversal_nakamoto(q, middle) < eps { high = middle } else { low = middle }
    }
    high
}
