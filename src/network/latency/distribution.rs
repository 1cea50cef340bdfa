//! Probability laws of a one-way delay.
//!
//! Model: every law is given by its **median and one spread** where it has both, so that changing the family keeps the
//! median. A law is its inverse distribution function; everything else follows from that. Logarithms and exponentials
//! are those of `libm`, equal on every machine.
//!
//! Sources of the parameters people use: SimBlock's law is `(m - 5 ms) / U^(1 / (m / 5 ms))`, a Pareto law of mean `m`
//! (`Network.getLatency`; Gervais et al. 2016 draw the same law once per link). JABS uses Pareto laws of shape 5.
//! Wittgenstein uses a generalised Pareto law of shape 1.4, which has no mean unless it is cut off.

use crate::base::{Duration, OutOfRange, RangeCheck};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A probability law of a delay, as scenarios write it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Distribution {
    /// Always the same: for debugging and for checks against theory. Hides races.
    Constant {
        /// The delay.
        delay: Duration,
    },
    /// Every delay from `median - half_width` to `median + half_width` is equally likely.
    Uniform {
        /// The middle.
        median: Duration,
        /// Half the width, at most the median.
        half_width: Duration,
    },
    /// Normal, given that it is at least `min`.
    Normal {
        /// Median before the cut.
        median: Duration,
        /// Standard deviation before the cut.
        std_dev: Duration,
        /// Nothing is less; at most the median.
        #[serde(default)]
        min: Duration,
    },
    /// The logarithm is normal.
    Lognormal {
        /// The median.
        median: Duration,
        /// Standard deviation of the logarithm, 0 to 5.
        sigma: f64,
    },
    /// What exceeds `min` is lognormal: a physical floor and a tail.
    ShiftedLognormal {
        /// The floor, below the median.
        min: Duration,
        /// The median of the whole.
        median: Duration,
        /// Standard deviation of the logarithm of the excess, 0 to 5.
        sigma: f64,
    },
    /// Exponential: memoryless, for checks against theory.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// A floor and a power tail. The floor is `median / 2^(1/shape)`; infinite variance up to shape 2.
    Pareto {
        /// The median.
        median: Duration,
        /// Exponent of the tail, 0.1 to 1000.
        shape: f64,
    },
    /// A light tail for shapes above 1.
    Weibull {
        /// The median.
        median: Duration,
        /// The shape, 0.1 to 1000.
        shape: f64,
    },
    /// A power tail that is cut off: generalised Pareto, given that it lies from zero to `max` (Wittgenstein).
    GeneralisedPareto {
        /// Median before the cut.
        median: Duration,
        /// The scale, above zero.
        scale: Duration,
        /// Exponent of the tail, above 0 to 10. No mean from 1 on, but for the cut.
        shape: f64,
        /// Nothing is more; at least the median.
        max: Duration,
    },
    /// Measured quantiles, joined by straight lines: `[[0.0, "10ms"], [0.5, "20ms"], [1.0, "80ms"]]`.
    Empirical {
        /// Probabilities from 0 to 1, ascending, each with the delay that is not exceeded with this probability.
        quantiles: Vec<(f64, Duration)>,
    },
    /// SimBlock's law for a region pair: Pareto with floor `mean - 5 ms` and shape `mean / 5 ms`. Scenarios do not write
    /// it: the means are published per pair of regions.
    #[serde(skip)]
    Simblock {
        /// The mean, above 5 ms.
        mean: Duration,
    },
}

/// SimBlock's Pareto law has this offset, and its shape is the mean in multiples of it.
const SIMBLOCK_UNIT: f64 = 5e6;

fn ns(span: Duration) -> f64 {
    span.as_nanos() as f64
}

impl Distribution {
    /// The parameters out of their range, so that they describe no distribution.
    #[must_use]
    pub fn check(&self) -> Vec<OutOfRange> {
        let mut check = RangeCheck::default();
        match self {
            Distribution::Constant { .. } => &mut check,
            Distribution::Uniform { median, half_width } => {
                check.require(half_width <= median, "half_width", "must not exceed `median`", half_width)
            }
            Distribution::Normal { median, min, .. } => {
                check.require(min <= median, "min", "must not exceed `median`", min)
            }
            Distribution::Lognormal { median, sigma } => {
                check.longer_than_zero("median", *median).within("sigma", *sigma, 0.0, 5.0)
            }
            Distribution::ShiftedLognormal { min, median, sigma } => {
                check.require(min < median, "min", "must be below `median`", min).within("sigma", *sigma, 0.0, 5.0)
            }
            Distribution::Exponential { mean } => check.longer_than_zero("mean", *mean),
            Distribution::Pareto { median, shape } | Distribution::Weibull { median, shape } => {
                check.longer_than_zero("median", *median).within("shape", *shape, 0.1, 1000.0)
            }
            Distribution::GeneralisedPareto { median, scale, shape, max } => {
                check.require(max >= median, "max", "must be at least `median`", max);
                check.longer_than_zero("scale", *scale);
                check.require(*shape > 0.0 && *shape <= 10.0, "shape", "must be above 0 and at most 10", shape)
            }
            Distribution::Empirical { quantiles } => {
                let rises = |two: &&[(f64, Duration)]| two[0].0 < two[1].0 && two[0].1 <= two[1].1;
                if let Some([(p, low), (q, high)]) = quantiles.windows(2).find(|two| !rises(two)) {
                    let rule = "must rise from pair to pair, in probability and in delay";
                    check.require(false, "quantiles", rule, format!("{q} with {high} behind {p} with {low}"));
                }
                let ends = quantiles.first().zip(quantiles.last()).map(|(first, last)| (first.0, last.0));
                let found = ends.map_or("none".to_owned(), |(first, last)| format!("{first} to {last}"));
                check.require(ends == Some((0.0, 1.0)), "quantiles", "must span probabilities from 0.0 to 1.0", found)
            }
            Distribution::Simblock { mean } => {
                check.require(ns(*mean) > SIMBLOCK_UNIT, "mean", "must be above 5 ms", mean)
            }
        };
        check.finish()
    }

    /// Whether the inverse distribution function runs off to infinity at 0 or 1, where a table cannot follow it.
    pub(super) fn has_tails(&self) -> bool {
        !matches!(self, Distribution::Constant { .. } | Distribution::Uniform { .. } | Distribution::Empirical { .. })
    }

    /// The delay in nanoseconds that is not exceeded with probability `p`, for `p` from 0 to 1. May be infinite at 1.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        match self {
            Distribution::Constant { delay } => ns(*delay),
            Distribution::Uniform { median, half_width } => ns(*median) + ns(*half_width) * (2.0 * p - 1.0),
            Distribution::Normal { median, std_dev, min } => {
                if std_dev.is_zero() {
                    return ns(*median);
                }
                let cut = normal_cdf((ns(*min) - ns(*median)) / ns(*std_dev));
                (ns(*median) + ns(*std_dev) * normal_quantile(cut + p * (1.0 - cut))).max(ns(*min))
            }
            Distribution::Lognormal { median, sigma } => ns(*median) * spread(*sigma, p),
            Distribution::ShiftedLognormal { min, median, sigma } => {
                ns(*min) + (ns(*median) - ns(*min)) * spread(*sigma, p)
            }
            Distribution::Exponential { mean } => ns(*mean) * -libm::log1p(-p),
            Distribution::Pareto { median, shape } => ns(*median) * libm::pow(2.0 * (1.0 - p), -1.0 / shape),
            Distribution::Weibull { median, shape } => {
                ns(*median) * libm::pow(-libm::log1p(-p) / std::f64::consts::LN_2, 1.0 / shape)
            }
            Distribution::GeneralisedPareto { median, scale, shape, max } => {
                let excess = |p: f64| (libm::pow(1.0 - p, -shape) - 1.0) / shape;
                let location = ns(*median) - ns(*scale) * excess(0.5);
                let below =
                    |x: f64| 1.0 - libm::pow((1.0 + shape * (x - location) / ns(*scale)).max(1.0), -1.0 / shape);
                let (low, high) = (below(0.0), below(ns(*max)));
                (location + ns(*scale) * excess(low + p * (high - low))).clamp(0.0, ns(*max))
            }
            Distribution::Empirical { quantiles } => between(quantiles, p),
            Distribution::Simblock { mean } => {
                (ns(*mean) - SIMBLOCK_UNIT) * libm::pow(1.0 - p, -SIMBLOCK_UNIT / ns(*mean))
            }
        }
    }
}

/// `exp(sigma * z)` at the quantile `p` of a standard normal `z`; 1 everywhere without spread.
fn spread(sigma: f64, p: f64) -> f64 {
    if sigma == 0.0 { 1.0 } else { libm::exp(sigma * normal_quantile(p)) }
}

/// Linear interpolation between quantiles.
fn between(quantiles: &[(f64, Duration)], p: f64) -> f64 {
    let above = quantiles.partition_point(|(at, _)| *at < p);
    if above == 0 {
        return ns(quantiles[0].1);
    }
    let (p0, low) = quantiles[above - 1];
    let Some((p1, high)) = quantiles.get(above) else { return ns(low) };
    ns(low) + (ns(*high) - ns(low)) * (p - p0) / (p1 - p0)
}

/// Probability that a standard normal number is at most `z`.
#[must_use]
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// A polynomial with the given coefficients, lowest power first.
fn polynomial(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

/// The standard normal number that is not exceeded with probability `p`: Wichura 1988, algorithm AS 241 (PPND16),
/// exact to about 1e-16. Infinite at 0 and 1.
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(r, &as241::A) / polynomial(r, &as241::B);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return f64::INFINITY.copysign(q);
    }
    let r = libm::sqrt(-libm::log(tail));
    let z = if r <= 5.0 {
        polynomial(r - 1.6, &as241::C) / polynomial(r - 1.6, &as241::D)
    } else {
        polynomial(r - 5.0, &as241::E) / polynomial(r - 5.0, &as241::F)
    };
    z.copysign(q)
}

/// Coefficients of AS 241 with the digits as published: numerator and denominator for the middle of the law, for its
/// tails, and for its far tails.
#[expect(clippy::excessive_precision, reason = "digits as published")]
mod as241 {
    pub(super) const A: [f64; 8] = [
        3.387_132_872_796_366_608_0,
        1.331_416_678_917_843_774_5e2,
        1.971_590_950_306_551_442_7e3,
        1.373_169_376_550_946_112_5e4,
        4.592_195_393_154_987_145_7e4,
        6.726_577_092_700_870_085_3e4,
        3.343_057_558_358_812_810_5e4,
        2.509_080_928_730_122_672_7e3,
    ];
    pub(super) const B: [f64; 8] = [
        1.0,
        4.231_333_070_160_091_125_2e1,
        6.871_870_074_920_579_083_0e2,
        5.394_196_021_424_751_107_7e3,
        2.121_379_430_158_659_586_7e4,
        3.930_789_580_009_271_061_0e4,
        2.872_908_573_572_194_267_4e4,
        5.226_495_278_852_854_561_0e3,
    ];
    pub(super) const C: [f64; 8] = [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_90,
        5.769_497_221_460_691_405_50,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        2.417_807_251_774_506_117_70e-1,
        2.272_384_498_926_918_458_33e-2,
        7.745_450_142_783_414_076_40e-4,
    ];
    pub(super) const D: [f64; 8] = [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_40,
        6.897_673_349_851_000_045_50e-1,
        1.481_039_764_274_800_745_90e-1,
        1.519_866_656_361_645_719_66e-2,
        5.475_938_084_995_344_946_00e-4,
        1.050_750_071_644_416_843_24e-9,
    ];
    pub(super) const E: [f64; 8] = [
        6.657_904_643_501_103_777_20,
        5.463_784_911_164_114_369_90,
        1.784_826_539_917_291_335_80,
        2.965_605_718_285_048_912_30e-1,
        2.653_218_952_657_612_309_30e-2,
        1.242_660_947_388_078_438_60e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ];
    pub(super) const F: [f64; 8] = [
        1.0,
        5.998_322_065_558_879_376_90e-1,
        1.369_298_809_227_358_053_10e-1,
        1.487_536_129_085_061_485_25e-2,
        7.868_691_311_456_132_591_00e-4,
        1.846_318_317_510_054_681_80e-5,
        1.421_511_758_316_445_888_70e-7,
        2.044_263_103_389_939_785_64e-15,
    ];
}
