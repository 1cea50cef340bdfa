//! Virtual time: whole nanoseconds. An instant is a [`Time`], a span a [`Duration`].

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// An instant: nanoseconds since the start of the run. 2^64 ns are 584 years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Time(u64);

/// A span of nanoseconds, never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

impl Time {
    /// The start of the run.
    pub const ZERO: Time = Time(0);
    /// Later than anything that happens.
    pub const NEVER: Time = Time(u64::MAX);

    /// `nanos` nanoseconds after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }
    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// Seconds since the start, for display and charts.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        Duration(self.0).as_secs_f64()
    }
    /// The span since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// Longer than any run.
    pub const MAX: Duration = Duration(u64::MAX);

    /// A span of nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Duration {
        Duration(nanos)
    }
    /// A span of microseconds.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Duration {
        Duration(micros * 1_000)
    }
    /// A span of milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Duration {
        Duration(millis * 1_000_000)
    }
    /// A span of seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Duration {
        Duration(secs * 1_000_000_000)
    }
    /// The nearest span to `secs` seconds; negative and NaN become zero, too large becomes [`Duration::MAX`].
    #[must_use]
    pub fn from_secs_f64(secs: f64) -> Duration {
        Duration((secs * 1e9 + 0.5) as u64)
    }
    /// Nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// Seconds, for display and charts.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
    /// Milliseconds, for display and charts.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// Whether this is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// The difference, or zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
    /// This span `numerator / denominator` times over, rounded down.
    ///
    /// # Panics
    /// If `denominator` is zero.
    #[must_use]
    pub fn scale(self, numerator: u64, denominator: u64) -> Duration {
        let scaled = u128::from(self.0) * u128::from(numerator) / u128::from(denominator);
        Duration(u64::try_from(scaled).unwrap_or(u64::MAX))
    }
    /// The time `bits` take at `bits_per_second`, rounded up so that nothing is ever early.
    #[must_use]
    pub fn of_transfer(bits: u64, bits_per_second: u64) -> Duration {
        if bits_per_second == 0 {
            return Duration::MAX;
        }
        let nanos = (u128::from(bits) * 1_000_000_000).div_ceil(u128::from(bits_per_second));
        Duration(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Add for Duration {
    type Output = Duration;
    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}

impl Sub for Duration {
    type Output = Duration;
    fn sub(self, other: Duration) -> Duration {
        Duration(self.0.checked_sub(other.0).expect("a span is never negative"))
    }
}

impl Mul<u64> for Duration {
    type Output = Duration;
    fn mul(self, times: u64) -> Duration {
        Duration(self.0.saturating_mul(times))
    }
}

impl Div<u64> for Duration {
    type Output = Duration;
    fn div(self, parts: u64) -> Duration {
        Duration(self.0 / parts)
    }
}

impl std::iter::Sum for Duration {
    fn sum<I: Iterator<Item = Duration>>(spans: I) -> Duration {
        spans.fold(Duration::ZERO, Add::add)
    }
}

impl fmt::Display for Duration {
    /// Exact, in the largest unit that leaves at most three decimals where there is one: `250ms`, `1.5s`, `10min`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 6] = [
            (3_600_000_000_000, "h"),
            (60_000_000_000, "min"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        if self.0 == 0 {
            return f.write_str("0s");
        }
        for (size, unit) in UNITS {
            let whole_only = size >= 60_000_000_000;
            if whole_only && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
            if !whole_only && self.0 >= size {
                let (whole, rest) = (self.0 / size, self.0 % size);
                if rest == 0 {
                    return write!(f, "{whole}{unit}");
                }
                if (rest * 1000).is_multiple_of(size) {
                    let decimals = format!("{:03}", rest * 1000 / size);
                    return write!(f, "{whole}.{}{unit}", decimals.trim_end_matches('0'));
                }
            }
        }
        write!(f, "{}ns", self.0)
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: u64 = 1_000_000_000;
        match self.0 {
            u64::MAX => f.write_str("never"),
            // Microseconds since the start would be hard to read, and rounding would lose the differences between events.
            nanos if nanos >= SECOND && !nanos.is_multiple_of(1_000_000) => {
                let decimals = format!("{:09}", nanos % SECOND);
                write!(f, "{}.{}s", nanos / SECOND, decimals.trim_end_matches('0'))
            }
            nanos => fmt::Display::fmt(&Duration(nanos), f),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_shown_exactly_in_the_unit_a_person_would_choose() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5us"),
            (250_000_000, "250ms"),
            (1_500_000_000, "1.5s"),
            (600_000_000_000, "10min"),
            (90_000_000_000, "90s"),
            (3_600_000_000_000, "1h"),
            (1_000_000_001, "1000000.001us"),
        ] {
            assert_eq!(Duration::from_nanos(nanos).to_string(), text);
        }
    }

    #[test]
    fn a_transfer_is_never_early() {
        assert_eq!(Duration::of_transfer(1, 3), Duration::from_nanos(333_333_334));
        assert_eq!(Duration::of_transfer(8_000_000, 8_000_000), Duration::from_secs(1));
    }
}
