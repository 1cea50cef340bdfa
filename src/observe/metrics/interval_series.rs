//! What happened per interval, counted while the run goes on.

use super::message_counters::Traffic;
use crate::base::{Duration, Height, Time};

/// What happened within one interval, as far as it is counted while the run goes on.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Blocks first seen.
    pub blocks: u64,
    /// Rounds first noted as wasted.
    pub wasted: u64,
    /// Times that an honest node cut its chain back.
    pub reorgs: u64,
    /// Most blocks that one cut off at once.
    pub reorg_max: u64,
    /// Everything sent before its end.
    pub sent_before_end: Traffic,
    /// Computing done, and the computing time there was, over all nodes, in nanoseconds.
    pub busy: u128,
    /// See `busy`.
    pub available: u128,
    /// The busiest node's share.
    pub busiest: f64,
    /// Most messages waiting in an inbox.
    pub inbox_max: u32,
    /// Most transactions waiting in a mempool.
    pub mempool_max: u32,
    /// Least and greatest finalized height of honest nodes at its end.
    pub finalized: (Height, Height),
}

/// Intervals of equal length from the start of the run.
pub struct Series {
    /// Their length.
    pub length: Duration,
    /// The intervals so far; the last one is under way.
    pub counts: Vec<Counts>,
}

impl Series {
    /// The first interval is under way.
    pub fn new(length: Duration) -> Series {
        Series { length, counts: vec![Counts::default()] }
    }
    /// When the interval under way ends.
    pub fn end(&self) -> Time {
        Time::ZERO + self.length * self.counts.len() as u64
    }
    /// The interval under way.
    pub fn now(&mut self) -> &mut Counts {
        self.counts.last_mut().expect("an interval is under way")
    }
    /// The interval that a reading taken at `now` looks back on.
    pub fn before(&mut self, now: Time) -> &mut Counts {
        let index = (now.as_nanos().saturating_sub(1) / self.length.as_nanos()) as usize;
        let last = self.counts.len() - 1;
        &mut self.counts[index.min(last)]
    }
}

/// The length that cuts `duration` into at most 100 intervals: the least of 1, 2 or 5 times a power of ten.
#[must_use]
pub fn round_interval(duration: Duration) -> Duration {
    let least = duration.as_nanos().div_ceil(100).max(1);
    let mut decade = 1u64;
    loop {
        for digit in [1, 2, 5] {
            if decade.saturating_mul(digit) >= least {
                return Duration::from_nanos(decade.saturating_mul(digit));
            }
        }
        decade = decade.saturating_mul(10);
    }
}
