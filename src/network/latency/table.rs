//! Laws as tables of whole numbers, so that a draw costs two look-ups and a multiplication.
//!
//! Model: the inverse distribution function at 4097 equidistant probabilities, linear between them. The distribution
//! function of what is drawn is exact at these points and off by less than 1/4096 between them. In the outermost
//! cells of a law with tails the exact formula is used instead.

use super::distribution::{Distribution, normal_quantile};

/// Cells of a table are named by this many bits of the random word.
const CELL_BITS: u32 = 12;
const CELLS: usize = 1 << CELL_BITS;
/// Cells at the upper end where a tail is drawn by formula: one draw in 256.
const UPPER_EXACT: usize = 16;
/// Values stay far from the end of their type, so that sums do not run over: 146 years.
const MOST: f64 = 4.6e18;

/// The bits of a word that a draw does not use: as good as a word of 20 bits of its own.
pub(super) const SPARE_BITS: u32 = 20;

/// A law of non-negative whole numbers.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Ascending, `CELLS + 1` of them.
    points: Box<[u64]>,
    law: Distribution,
    /// First cell that is interpolated.
    first: usize,
    /// How many cells are interpolated.
    inner: usize,
}

impl Table {
    /// The table of a law that passed its check.
    pub(super) fn new(law: &Distribution) -> Table {
        let points = (0..=CELLS).map(|cell| whole(law.quantile(cell as f64 / CELLS as f64))).collect();
        let (first, inner) = if law.has_tails() { (1, CELLS - 1 - UPPER_EXACT) } else { (0, CELLS) };
        Table { points, law: law.clone(), first, inner }
    }
    /// The value for `word`, ascending with it.
    #[inline]
    pub(super) fn draw(&self, word: u64) -> u64 {
        let (cell, part) = split(word);
        if cell.wrapping_sub(self.first) >= self.inner {
            return self.exact(word);
        }
        let (low, high) = (self.points[cell], self.points[cell + 1]);
        low + times(high - low, u64::from(part))
    }
    #[cold]
    fn exact(&self, word: u64) -> u64 {
        // The middle of the interval that the upper 44 bits name: neither 0 nor 1.
        let p = ((word >> SPARE_BITS) as f64 + 0.5) / (1u64 << (64 - SPARE_BITS)) as f64;
        whole(self.law.quantile(p))
    }
    /// No value is less.
    pub(super) fn least(&self) -> u64 {
        self.points[0]
    }
    /// As many values are less as are more.
    pub(super) fn median(&self) -> u64 {
        self.points[CELLS / 2]
    }
}

/// The cell that a word names and the place in it, in units of 2^-32.
#[inline]
fn split(word: u64) -> (usize, u32) {
    ((word >> (64 - CELL_BITS)) as usize, (word >> SPARE_BITS) as u32)
}

/// The nearest whole number, from 0 to [`MOST`].
fn whole(value: f64) -> u64 {
    (value.clamp(0.0, MOST) + 0.5) as u64
}

/// One in units of 2^-32.
pub(super) const ONE: u64 = 1 << 32;
/// A logarithm to base 2 in units of 2^-24.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Log2(i32);

impl Log2 {
    /// The logarithm of one.
    pub(super) const ZERO: Log2 = Log2(0);
    /// The natural logarithm `ln`, at most 80 in size.
    pub(super) fn of_natural(ln: f64) -> Log2 {
        Log2(libm::round(ln * std::f64::consts::LOG2_E * f64::from(1 << 24)) as i32)
    }
}

/// Lognormal factors in whole numbers: `exp(mu + sigma * z)` with `z` standard normal, cut off at 4.
#[derive(Clone, Debug)]
pub(super) struct Factors {
    /// Quantiles of the normal law in units of 2^-28.
    normal: Box<[i32]>,
    /// Powers of two from 1 to 2 in units of 2^-32.
    powers: Box<[u64]>,
}

const POWERS: usize = 256;

impl Factors {
    pub(super) fn new() -> Factors {
        let normal = |cell: usize| {
            let z = normal_quantile(cell as f64 / CELLS as f64).clamp(-4.0, 4.0);
            libm::round(z * f64::from(1 << 28)) as i32
        };
        let power = |step: usize| whole(libm::exp2(step as f64 / POWERS as f64) * ONE as f64);
        Factors { normal: (0..=CELLS).map(normal).collect(), powers: (0..=POWERS).map(power).collect() }
    }
    /// The factor for `word` in units of 2^-32, ascending with it. Relative error below 3e-6.
    #[inline]
    pub(super) fn draw(&self, mu: Log2, sigma: Log2, word: u64) -> u64 {
        let (cell, part) = split(word);
        let (low, high) = (i64::from(self.normal[cell]), i64::from(self.normal[cell + 1]));
        let z = low + (((high - low) * i64::from(part)) >> 32);
        // Units: 2^-28 * 2^-24 = 2^-52, and 2^-24; both become 2^-32.
        let exponent = ((z * i64::from(sigma.0)) >> 20) + (i64::from(mu.0) << 8);
        self.power(exponent)
    }
    /// Two to the power `exponent`, given in units of 2^-32 and from -32 to 31.
    #[inline]
    fn power(&self, exponent: i64) -> u64 {
        let (step, part) = ((exponent as u32 >> 24) as usize, exponent as u64 & 0x00ff_ffff);
        let (low, high) = (self.powers[step], self.powers[step + 1]);
        let mantissa = low + (((high - low) * part) >> 24);
        // Up as far as it goes and then down again: signs of exponents are random, and a branch on them is slow.
        (mantissa << 30) >> (30 - (exponent >> 32)).clamp(0, 63)
    }
}

/// `value * factor` for a factor in units of 2^-32.
#[inline]
pub(super) fn times(value: u64, factor: u64) -> u64 {
    // The product of two 64-bit numbers fits; a checked multiplication would be a call.
    (u128::from(value).wrapping_mul(u128::from(factor)) >> 32) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Duration;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_greater_word_never_gives_a_smaller_value(a in any::<u64>(), b in any::<u64>()) {
            let (low, high) = (a.min(b), a.max(b));
            let table = Table::new(&Distribution::Simblock { mean: Duration::from_millis(11) });
            prop_assert!(table.draw(low) <= table.draw(high));
            let (factors, mu, sigma) = (Factors::new(), Log2::of_natural(-1.0), Log2::of_natural(0.6));
            prop_assert!(factors.draw(mu, sigma, low) <= factors.draw(mu, sigma, high));
        }

        #[test]
        fn a_power_of_two_is_right_to_three_millionths(exponent in -20.0f64..20.0) {
            let power = Factors::new().power((exponent * ONE as f64) as i64) as f64 / ONE as f64;
            // Below one the last bit counts as well.
            prop_assert!((power - libm::exp2(exponent)).abs() < 3e-6 * libm::exp2(exponent) + 1.0 / ONE as f64);
        }
    }

    #[test]
    fn between_its_points_a_table_stays_near_the_formula() {
        let law = Distribution::Lognormal { median: Duration::from_millis(80), sigma: 0.5 };
        let table = Table::new(&law);
        for word in (0..99_000).map(|step: u64| (step + 1_000) * (u64::MAX / 100_000)) {
            let exact = law.quantile(word as f64 / 18_446_744_073_709_551_616.0);
            assert!((table.draw(word) as f64 / exact - 1.0).abs() < 3e-4, "{word}");
        }
    }

    #[test]
    fn the_tail_is_drawn_by_formula() {
        let law = Distribution::Pareto { median: Duration::from_millis(100), shape: 1.0 };
        // One draw in a million exceeds half a million times the median; the last point of a table is infinite.
        let word = u64::MAX - u64::MAX / 1_000_000;
        assert!((Table::new(&law).draw(word) as f64 / 5e13 - 1.0).abs() < 1e-3);
    }
}
