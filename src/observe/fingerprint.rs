//! Fingerprints: whether two runs are the same, and where they diverge if they are not.
//!
//! A [`Fingerprint`] is a running 128-bit hash over everything that happens. It is **not cryptographic**: it
//! detects accidental differences, not those made by an adversary. Each event is five words; each word is folded so that its high bits reach its low
//! ones, and two multilinear sums of the folded words with odd multipliers (as in UMAC, modulo 2^64) are absorbed by
//! two lanes, each a multiply-xorshift step (the mixer of SplitMix64; Steele, Lea, Flood 2014). The sums do not depend
//! on the lanes, so a processor computes them ahead, and only two multiplications per event wait for each other.
//! Changing one word of one event changes both lanes for certain at that event, because every step is a bijection.
//!
//! A [`Timeline`] keeps the value of the fingerprint at the end of each interval of simulated time and after every
//! `stride` events, where the stride doubles when too many are kept. [`compare`] finds where two timelines diverge.

use crate::base::{Duration, Time};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::ops::Range;

/// The value of a fingerprint. Shown and serialized as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FingerprintValue(pub u128);

impl fmt::Display for FingerprintValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for FingerprintValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for FingerprintValue {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FingerprintValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = if digits { u128::from_str_radix(&text, 16).ok() } else { None };
        value.map(FingerprintValue).ok_or_else(|| de::Error::custom("expected 32 hexadecimal digits"))
    }
}

/// A running hash over events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    lanes: [u64; 2],
    events: u64,
}

/// Fractional bits of the square roots of the first primes, made odd: nothing up the sleeve (SHA-512's constants).
const FIRST: [u64; 5] =
    [0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1, 0x510e_527f_ade6_82d1];
/// The same of their cube roots (SHA-512's round constants).
const SECOND: [u64; 5] =
    [0x428a_2f98_d728_ae23, 0x7137_4491_23ef_65cd, 0xb5c0_fbcf_ec4d_3b2f, 0xe9b5_dba5_8189_dbbd, 0x3956_c25b_f348_b539];
/// The multipliers of `SplitMix64`'s finisher.
const MIX: [u64; 2] = [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

impl Default for Fingerprint {
    fn default() -> Fingerprint {
        Fingerprint::new()
    }
}

impl Fingerprint {
    /// The fingerprint of nothing.
    #[must_use]
    pub const fn new() -> Fingerprint {
        Fingerprint { lanes: [FIRST[0], SECOND[0]], events: 0 }
    }
    /// Adds an event: its time, its source, its number there, its kind, and two words of data.
    #[inline]
    pub fn event(&mut self, time: Time, source: u32, number: u64, kind: u32, a: u64, b: u64) {
        let words = [time.as_nanos(), u64::from(kind) << 32 | u64::from(source), number, a, b];
        let (mut first, mut second) = (0u64, 0u64);
        for (at, word) in words.into_iter().enumerate() {
            let folded = word ^ word >> 32;
            first = first.wrapping_add(folded.wrapping_mul(FIRST[at]));
            second = second.wrapping_add(folded.wrapping_mul(SECOND[at]));
        }
        self.lanes[0] = absorb(self.lanes[0], first, MIX[0]);
        self.lanes[1] = absorb(self.lanes[1], second, MIX[1]);
        self.events += 1;
    }
    /// Events so far.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }
    /// The value after the events so far; their number is part of it.
    #[must_use]
    pub fn value(&self) -> FingerprintValue {
        let first = finish(self.lanes[0] ^ self.events);
        let second = finish(self.lanes[1] ^ first);
        FingerprintValue(u128::from(first) << 64 | u128::from(second))
    }
}

/// A bijection of the lane for each word, and of the word for each lane.
#[inline]
const fn absorb(lane: u64, word: u64, multiplier: u64) -> u64 {
    let mixed = (lane.rotate_left(23) ^ word).wrapping_mul(multiplier);
    mixed ^ mixed >> 32
}

/// `SplitMix64`'s finisher.
const fn finish(mut x: u64) -> u64 {
    x = (x ^ x >> 30).wrapping_mul(MIX[0]);
    x = (x ^ x >> 27).wrapping_mul(MIX[1]);
    x ^ x >> 31
}

/// Checkpoints that are kept at most; above, every other is dropped and the stride doubles.
const CHECKPOINTS_MAX: usize = 65_536;
/// The first bytes of a stored timeline, version included.
const MAGIC: [u8; 8] = *b"LLTRACE1";

/// The fingerprint of a run over time. Serialized without its checkpoints, which [`Timeline::to_bytes`] keeps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Timeline {
    /// Length of an interval.
    interval: Duration,
    /// The value at the end of each interval; the last one ends with the run.
    intervals: Vec<Mark>,
    /// Events between checkpoints: a power of two.
    #[serde(skip, default = "one")]
    stride: u64,
    /// The low half of the value after every `stride` events.
    #[serde(skip)]
    checkpoints: Vec<u64>,
}

/// The stride of a timeline without checkpoints.
const fn one() -> u64 {
    1
}

/// The value of a fingerprint at one point of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// Events so far.
    pub events: u64,
    /// The value.
    pub value: FingerprintValue,
}

/// Where two runs part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Divergence {
    /// The first interval, from 0, at whose end the runs differ.
    pub interval: usize,
    /// The first event that differs is one of these, counted from 0.
    pub events: Range<u64>,
}

/// Records a [`Fingerprint`] and its [`Timeline`] together.
#[derive(Clone, Debug)]
pub struct Trace {
    fingerprint: Fingerprint,
    timeline: Timeline,
    /// When the present interval ends.
    interval_end: Time,
    /// Number of events at the next checkpoint.
    next_checkpoint: u64,
}

impl Trace {
    /// Nothing happened yet; marks are made every `interval` of simulated time.
    ///
    /// # Panics
    /// If `interval` is zero.
    #[must_use]
    pub fn new(interval: Duration) -> Trace {
        assert!(!interval.is_zero(), "an interval has a length");
        let timeline = Timeline { interval, intervals: Vec::new(), stride: 1, checkpoints: Vec::new() };
        let interval_end = Time::ZERO + interval;
        Trace { fingerprint: Fingerprint::new(), timeline, interval_end, next_checkpoint: 1 }
    }
    /// Something happened; see [`Fingerprint::event`]. Times never decrease.
    #[inline]
    pub fn event(&mut self, time: Time, source: u32, number: u64, kind: u32, a: u64, b: u64) {
        if time >= self.interval_end {
            self.end_intervals(time);
        }
        self.fingerprint.event(time, source, number, kind, a, b);
        if self.fingerprint.events == self.next_checkpoint {
            self.checkpoint();
        }
    }
    /// The fingerprint so far.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
    /// The run ended.
    #[must_use]
    pub fn finish(mut self, end: Time) -> Timeline {
        self.end_intervals(end);
        self.mark();
        self.timeline
    }
    fn mark(&mut self) {
        let mark = Mark { events: self.fingerprint.events, value: self.fingerprint.value() };
        self.timeline.intervals.push(mark);
    }
    #[cold]
    fn end_intervals(&mut self, now: Time) {
        while now >= self.interval_end && self.interval_end < Time::NEVER {
            self.mark();
            self.interval_end += self.timeline.interval;
        }
    }
    fn checkpoint(&mut self) {
        self.timeline.checkpoints.push(self.fingerprint.value().0 as u64);
        if self.timeline.checkpoints.len() > CHECKPOINTS_MAX {
            self.timeline.coarsen();
        }
        self.next_checkpoint = (self.timeline.checkpoints.len() as u64 + 1) * self.timeline.stride;
    }
}

impl Timeline {
    /// The value at the end of each interval; the last one ends with the run.
    #[must_use]
    pub fn intervals(&self) -> &[Mark] {
        &self.intervals
    }
    /// Number of events of the run, and the value of its fingerprint.
    #[must_use]
    pub fn end(&self) -> Mark {
        self.intervals.last().copied().unwrap_or(Mark { events: 0, value: Fingerprint::new().value() })
    }
    /// Events between checkpoints: [`compare`] is exact while it is 1.
    #[must_use]
    pub fn stride(&self) -> u64 {
        self.stride
    }
    /// Drops every other checkpoint.
    fn coarsen(&mut self) {
        let kept = self.checkpoints.len() / 2;
        for at in 0..kept {
            self.checkpoints[at] = self.checkpoints[2 * at + 1];
        }
        self.checkpoints.truncate(kept);
        self.stride *= 2;
    }
    /// Everything, checkpoints included.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let head = [self.interval.as_nanos(), self.stride, self.intervals.len() as u64, self.checkpoints.len() as u64];
        head.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        for mark in &self.intervals {
            bytes.extend(mark.events.to_le_bytes());
            bytes.extend(mark.value.0.to_le_bytes());
        }
        self.checkpoints.iter().for_each(|word| bytes.extend(word.to_le_bytes()));
        bytes
    }
    /// Reads what [`Timeline::to_bytes`] wrote; `None` if it is something else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Timeline> {
        let (magic, rest) = bytes.split_first_chunk()?;
        if *magic != MAGIC {
            return None;
        }
        let (head, rest) = rest.split_at_checked(32)?;
        let mut head = head.chunks_exact(8).map(word);
        let (interval, stride) = (Duration::from_nanos(head.next()?), head.next()?);
        let (intervals, checkpoints) = (usize::try_from(head.next()?).ok()?, usize::try_from(head.next()?).ok()?);
        let (marks, rest) = rest.split_at_checked(intervals.checked_mul(24)?)?;
        if rest.len() != checkpoints.checked_mul(8)? || !stride.is_power_of_two() {
            return None;
        }
        let mark = |bytes: &[u8]| Mark {
            events: word(&bytes[..8]),
            value: FingerprintValue(u128::from(word(&bytes[16..])) << 64 | u128::from(word(&bytes[8..16]))),
        };
        let intervals = marks.chunks_exact(24).map(mark).collect();
        Some(Timeline { interval, intervals, stride, checkpoints: rest.chunks_exact(8).map(word).collect() })
    }
}

/// Eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
}

/// Where two runs part; `None` if they are the same. Both must have intervals of the same length; otherwise intervals
/// say nothing and only checkpoints narrow the events.
///
/// The event is exact while both strides are 1, else it is one of at most a stride.
#[must_use]
pub fn compare(a: &Timeline, b: &Timeline) -> Option<Divergence> {
    if a.end() == b.end() && a.intervals == b.intervals {
        return None;
    }
    let (mut a, mut b) = (a.clone(), b.clone());
    while a.stride < b.stride {
        a.coarsen();
    }
    while b.stride < a.stride {
        b.coarsen();
    }
    let equal = a.checkpoints.iter().zip(&b.checkpoints).take_while(|(a, b)| a == b).count();
    let met = equal < a.checkpoints.len().min(b.checkpoints.len());
    let start = equal as u64 * a.stride;
    let (fewer, last) = (a.end().events.min(b.end().events), a.end().events.max(b.end().events));
    // Without a checkpoint that differs, the runs part where the shorter one ends, at the latest.
    let end = if met { start + a.stride } else { last.min(fewer + 1) };
    if a.interval != b.interval {
        return Some(Divergence { interval: 0, events: start..end });
    }
    let interval = a.intervals.iter().zip(&b.intervals).take_while(|(a, b)| a == b).count();
    let same = interval.checked_sub(1).map_or(0, |before| a.intervals[before].events);
    let by_interval = |timeline: &Timeline| timeline.intervals.get(interval).map_or(last, |mark| mark.events);
    let differ = by_interval(&a).max(by_interval(&b));
    let start = start.max(same);
    Some(Divergence { interval, events: start..end.min(differ).max(start) })
}

#[cfg(test)]
mod tests;
