//! Counters on the hot path: messages by kind, and what happened per interval.

use super::outcome::MessageRow;
use crate::base::{Duration, Height, Time};

/// Copies and bytes of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Copies.
    pub messages: u64,
    /// Bytes of all copies.
    pub bytes: u64,
}

impl Volume {
    /// Counts copies of one message.
    fn add(&mut self, copies: u64, bytes: u64) {
        self.messages += copies;
        self.bytes += copies * bytes;
    }
    /// What was counted since an earlier reading.
    pub fn since(self, earlier: Volume) -> Volume {
        Volume { messages: self.messages - earlier.messages, bytes: self.bytes - earlier.bytes }
    }
}

/// Messages by kind.
#[derive(Default)]
pub struct Kinds {
    rows: Vec<(&'static str, Volume, Volume)>,
    /// Where a name lies in memory, and its row. A name is compared by its letters only when first met at an address:
    /// the compiler may keep several copies of it.
    addresses: Vec<(usize, usize, usize)>,
}

impl Kinds {
    fn row(&mut self, kind: &'static str) -> usize {
        let (address, length) = (kind.as_ptr() as usize, kind.len());
        match self.addresses.iter().find(|known| known.0 == address && known.1 == length) {
            Some(known) => known.2,
            None => self.meet(kind),
        }
    }
    #[cold]
    fn meet(&mut self, kind: &'static str) -> usize {
        let row = self.rows.iter().position(|row| row.0 == kind).unwrap_or(self.rows.len());
        if row == self.rows.len() {
            self.rows.push((kind, Volume::default(), Volume::default()));
        }
        self.addresses.push((kind.as_ptr() as usize, kind.len(), row));
        row
    }
    /// Copies of a message were sent.
    pub fn sent(&mut self, kind: &'static str, copies: u32, bytes: u64) {
        let row = self.row(kind);
        self.rows[row].1.add(u64::from(copies), bytes);
    }
    /// A copy of a message was delivered.
    pub fn delivered(&mut self, kind: &'static str, bytes: u64) {
        let row = self.row(kind);
        self.rows[row].2.add(1, bytes);
    }
    /// Everything sent so far.
    pub fn total(&self) -> Volume {
        let add = |sum: Volume, row: &(&str, Volume, Volume)| Volume {
            messages: sum.messages + row.1.messages,
            bytes: sum.bytes + row.1.bytes,
        };
        self.rows.iter().fold(Volume::default(), add)
    }
    /// The table of messages.
    pub fn rows(&self) -> Vec<MessageRow> {
        let row = |&(kind, sent, delivered): &(&'static str, Volume, Volume)| MessageRow {
            kind,
            sent: sent.messages,
            sent_bytes: sent.bytes,
            delivered: delivered.messages,
            delivered_bytes: delivered.bytes,
        };
        self.rows.iter().map(row).collect()
    }
}

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
    pub sent_before_end: Volume,
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
