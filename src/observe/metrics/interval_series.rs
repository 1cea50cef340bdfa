//! What happened per interval, counted while the run goes on.

use super::message_counters::Traffic;
use crate::base::{Duration, Height, Time};

/// What happened within one interval, as far as it is counted while the run goes on.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Blocks created.
    pub blocks: u64,
    /// Rounds first noted as failed.
    pub failed_rounds: u64,
    /// Reorganisations at honest nodes.
    pub reorgs: u64,
    /// Most blocks that a node removed at once.
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
    /// The intervals so far; the last one is not over.
    pub counts: Vec<Counts>,
}

impl Series {
    /// The first interval has begun.
    pub fn new(length: Duration) -> Series {
        Series { length, counts: vec![Counts::default()] }
    }
    /// When the present interval ends.
    pub fn end(&self) -> Time {
        Time::ZERO + self.length * self.counts.len() as u64
    }
    /// The present interval.
    pub fn now(&mut self) -> &mut Counts {
        self.counts.last_mut().expect("there is a present interval")
    }
    /// The interval that a reading taken at `now` covers.
    pub fn before(&mut self, now: Time) -> &mut Counts {
        let index = (now.as_nanos().saturating_sub(1) / self.length.as_nanos()) as usize;
        let last = self.counts.len() - 1;
        &mut self.counts[index.min(last)]
    }
}

/// The length that divides `duration` into at most 100 intervals: the smallest of 1, 2 or 5 times a power of ten.
#[must_use]
pub fn round_interval(duration: Duration) -> Duration {
    let min = duration.as_nanos().div_ceil(100).max(1);
    let mut decade = 1u64;
    loop {
        for digit in [1, 2, 5] {
            if decade.saturating_mul(digit) >= min {
                return Duration::from_nanos(decade.saturating_mul(digit));
            }
        }
        decade = decade.saturating_mul(10);
    }
}
