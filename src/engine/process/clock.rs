//! A node's own clock: wrong by an offset, and by a drift that grows.

use crate::base::{Duration, Time};

/// How a clock is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Clock {
    /// Nanoseconds ahead of true time at the start; negative if behind.
    pub offset: i64,
    /// Nanoseconds gained per second; negative if it loses. Quartz is within 100,000 (100 ppm).
    pub drift: i64,
}

const BILLION: i128 = 1_000_000_000;

impl Clock {
    /// What this clock shows at a true instant; a clock does not show times before zero.
    #[must_use]
    pub fn show(&self, now: Time) -> Time {
        if *self == Clock::default() {
            return now;
        }
        let truth = i128::from(now.as_nanos());
        let shown = truth + i128::from(self.offset) + truth * i128::from(self.drift) / BILLION;
        Time::from_nanos(u64::try_from(shown.max(0)).unwrap_or(u64::MAX))
    }
    /// The true span after which this clock has advanced by `span`, rounded up.
    #[must_use]
    pub fn wait(&self, span: Duration) -> Duration {
        if self.drift == 0 {
            return span;
        }
        let rate = (BILLION + i128::from(self.drift)).max(1);
        let wait = (i128::from(span.as_nanos()) * BILLION + rate - 1) / rate;
        Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_fires_its_timers_early_and_shows_later_times() {
        let fast = Clock { offset: 5, drift: 100_000 };
        let second = Duration::from_secs(1);
        assert_eq!(fast.show(Time::ZERO + second * 10), Time::from_nanos(10_001_000_005));
        assert_eq!(fast.wait(second), Duration::from_nanos(999_900_010));
        assert_eq!(Clock::default().wait(second), second);
    }
}
