//! The only place that orders events.
//!
//! The order is `(time, source, number)`, where `number` is the source's own count: total, the same on every machine,
//! and untouched by what unrelated sources do. The queue itself is a calendar: a sorted list for the present with a small
//! heap for what is added to it, a ring of buckets for the near future, a heap for the rest. Its bucket width and count
//! follow the load; no choice of them changes the order. An idle gap of any length is one jump.

use crate::base::Time;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// An event: when, whose, which, and what it means to the engine. Ordered by the first three, which are unique.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When it happens.
    pub time: Time,
    /// What caused it.
    pub source: u32,
    /// Sequence number of the event within its source.
    pub number: u32,
    /// What to do.
    pub what: u32,
    /// What to do it with.
    pub with: u32,
}

impl Entry {
    /// What events are ordered by, as one number.
    #[inline]
    #[must_use]
    pub fn key(&self) -> u128 {
        let own = (u64::from(self.source) << 32) | u64::from(self.number);
        (u128::from(self.time.as_nanos()) << 64) | u128::from(own)
    }
}

impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Entry) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Buckets never get fewer.
const BUCKETS_MIN: usize = 256;
/// Buckets never get more.
const BUCKETS_MAX: usize = 1 << 18;
/// Events that one bucket should hold, at most, when its turn comes.
const FILL_MAX: u64 = 32;

/// Events that an empty bucket keeps room for, so that a crowded instant does not hold memory in every bucket.
const ROOM_KEPT: usize = 64;

/// Events in order.
pub struct Queue {
    /// The present: the events of the bucket whose turn it is, the next one last.
    present: Vec<Entry>,
    /// Events added to the present since its turn began.
    added: BinaryHeap<Reverse<Entry>>,
    /// Bucket `b` holds the events of the one turn whose number is `b` modulo their count, all at or after `cursor`.
    buckets: Vec<Vec<Entry>>,
    /// One bit per bucket that is not empty.
    filled: Vec<u64>,
    /// Events beyond the ring.
    far: BinaryHeap<Reverse<Entry>>,
    /// The first bucket number whose turn has not begun.
    cursor: u64,
    /// Logarithm of the bucket width in nanoseconds.
    shift: u32,
    in_buckets: usize,
    now: Time,
    popped: u64,
    refills: u64,
    /// Events of turns that narrower buckets would have divided.
    divisible: u64,
    went_far: u64,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue::new()
    }
}

impl Queue {
    /// An empty queue at time zero.
    #[must_use]
    pub fn new() -> Queue {
        Queue {
            present: Vec::new(),
            added: BinaryHeap::new(),
            buckets: vec![Vec::new(); BUCKETS_MIN],
            filled: vec![0; BUCKETS_MIN / 64],
            far: BinaryHeap::new(),
            cursor: 0,
            shift: 14,
            in_buckets: 0,
            now: Time::ZERO,
            popped: 0,
            refills: 0,
            divisible: 0,
            went_far: 0,
        }
    }
    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.present.len() + self.added.len() + self.in_buckets + self.far.len()
    }
    /// Whether nothing will happen any more.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The time of the event popped last.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }
    /// Adds an event.
    ///
    /// # Panics
    /// If it lies in the past.
    #[inline]
    pub fn push(&mut self, event: Entry) {
        assert!(event.time >= self.now, "an event at {} is pushed at {}", event.time, self.now);
        let bucket = event.time.as_nanos() >> self.shift;
        if bucket < self.cursor {
            self.added.push(Reverse(event));
        } else if bucket - self.cursor < self.buckets.len() as u64 {
            self.put(bucket, event);
        } else {
            self.went_far += 1;
            self.far.push(Reverse(event));
        }
    }
    /// The next event.
    #[inline]
    fn peek(&mut self) -> Option<&Entry> {
        if self.present.is_empty() && self.added.is_empty() && !self.refill() {
            return None;
        }
        match (self.present.last(), self.added.peek()) {
            (Some(event), Some(Reverse(added))) => Some(event.min(added)),
            (Some(event), None) | (None, Some(Reverse(event))) => Some(event),
            (None, None) => None,
        }
    }
    /// Whether an event that is not queued would be the next one, as far as that is known without beginning another
    /// turn: a turn begun early would make everything pushed before its time an addition to the present.
    #[inline]
    #[must_use]
    pub fn would_be_next(&self, event: &Entry) -> bool {
        event.time.as_nanos() >> self.shift < self.cursor
            && self.present.last().is_none_or(|other| event.key() < other.key())
            && self.added.peek().is_none_or(|Reverse(other)| event.key() < other.key())
    }
    /// The time of the next event.
    #[inline]
    #[must_use]
    pub fn next_time(&mut self) -> Option<Time> {
        self.peek().map(|event| event.time)
    }
    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<Entry> {
        let next = *self.peek()?;
        if self.present.last().is_some_and(|event| event.key() == next.key()) {
            self.present.pop();
        } else {
            self.added.pop();
        }
        self.popped += 1;
        self.now = next.time;
        Some(next)
    }
    /// Lets time go on to an event that was never queued because nothing comes before it.
    ///
    /// # Panics
    /// If it lies in the past.
    #[inline]
    pub fn pass(&mut self, time: Time) {
        assert!(time >= self.now, "time goes back from {} to {time}", self.now);
        self.now = time;
    }

    #[inline]
    fn put(&mut self, bucket: u64, event: Entry) {
        let slot = (bucket & (self.buckets.len() as u64 - 1)) as usize;
        self.buckets[slot].push(event);
        self.filled[slot / 64] |= 1 << (slot % 64);
        self.in_buckets += 1;
    }
    /// Begins the turn of the next bucket that is not empty; false if there is nothing left.
    fn refill(&mut self) -> bool {
        if self.popped > 4_096.max(4 * self.len() as u64) {
            self.adapt();
        }
        if self.in_buckets == 0 {
            let Some(Reverse(first)) = self.far.peek() else { return false };
            self.cursor = first.time.as_nanos() >> self.shift;
        }
        self.draw_near();
        let slot = self.next_filled();
        self.cursor += 1;
        self.filled[slot / 64] &= !(1 << (slot % 64));
        self.in_buckets -= self.buckets[slot].len();
        self.refills += 1;
        self.present.append(&mut self.buckets[slot]);
        if self.buckets[slot].capacity() > ROOM_KEPT {
            self.buckets[slot] = Vec::new();
        }
        self.present.sort_unstable_by(|a, b| b.cmp(a));
        if self.present.first().map(|event| event.time) != self.present.last().map(|event| event.time) {
            self.divisible += self.present.len() as u64;
        }
        true
    }
    /// Moves what the ring now reaches from `far` into it.
    fn draw_near(&mut self) {
        while let Some(&Reverse(event)) = self.far.peek() {
            let bucket = event.time.as_nanos() >> self.shift;
            if bucket - self.cursor >= self.buckets.len() as u64 {
                break;
            }
            self.far.pop();
            self.put(bucket, event);
        }
    }
    /// Advances `cursor` to the first bucket that is not empty and returns its slot.
    fn next_filled(&mut self) -> usize {
        let mask = self.buckets.len() as u64 - 1;
        loop {
            let slot = (self.cursor & mask) as usize;
            let rest = self.filled[slot / 64] >> (slot % 64);
            if rest != 0 {
                let skip = u64::from(rest.trailing_zeros());
                self.cursor += skip;
                // What lies beyond the old end of the ring may now be within reach, and never before this bucket.
                self.draw_near();
                return slot + skip as usize;
            }
            self.cursor += 64 - slot as u64 % 64;
        }
    }
    /// Fits width and number of the buckets to the load since last time: few events beyond the ring, few in one turn.
    fn adapt(&mut self) {
        let fill = self.divisible / self.refills.max(1);
        let too_far = self.went_far * 16 > self.popped;
        let (mut shift, mut count) = (self.shift, self.buckets.len());
        let wanted = (self.len() / 2).next_power_of_two().clamp(BUCKETS_MIN, BUCKETS_MAX);
        if wanted >= 2 * count || (!too_far && wanted * 64 <= count) {
            count = wanted;
        } else if too_far && fill > FILL_MAX / 2 && count < BUCKETS_MAX {
            count *= 2;
        } else if too_far {
            shift = (shift + 2).min(40);
        } else if fill > FILL_MAX {
            shift = shift.saturating_sub(1);
        }
        (self.popped, self.refills, self.divisible, self.went_far) = (0, 0, 0, 0);
        if (shift, count) != (self.shift, self.buckets.len()) {
            self.rebuild(shift, count);
        }
    }
    fn rebuild(&mut self, shift: u32, count: usize) {
        let waiting: Vec<Entry> = self.buckets.iter_mut().flat_map(|bucket| bucket.drain(..)).collect();
        let begin = self.cursor << self.shift;
        if count != self.buckets.len() {
            self.buckets = vec![Vec::new(); count];
        }
        self.filled = vec![0; count / 64];
        self.in_buckets = 0;
        self.shift = shift;
        // Rounded down, so that everything still waiting lies at or after the cursor; the present is empty now.
        self.cursor = begin >> shift;
        debug_assert!(self.present.is_empty() && self.added.is_empty(), "buckets are rebuilt between turns");
        for event in waiting {
            let bucket = event.time.as_nanos() >> shift;
            if bucket - self.cursor < count as u64 { self.put(bucket, event) } else { self.far.push(Reverse(event)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, Stream};
    use proptest::prelude::*;

    fn event(time: u64, source: u32, number: u32) -> Entry {
        Entry { time: Time::from_nanos(time), source, number, what: 0, with: 0 }
    }

    proptest! {
        /// Pushes and pops in any mixture, with equal times, bursts and gaps of hours.
        #[test]
        fn the_order_is_that_of_a_plain_heap(seed in any::<u64>(), spread in 0u32..44) {
            let mut random = Stream::new(seed, "queue", 0, 0);
            let (mut queue, mut plain) = (Queue::new(), BinaryHeap::new());
            for number in 0..3_000 {
                if random.below(5) < 3 {
                    let width = random.below(u64::from(spread) + 1);
                    let gap = random.below(1 << width);
                    let next = event(queue.now().as_nanos() + gap, random.below(4) as u32, number);
                    queue.push(next);
                    plain.push(Reverse(next));
                } else {
                    prop_assert_eq!(queue.pop(), plain.pop().map(|Reverse(event)| event));
                }
                prop_assert_eq!(queue.len(), plain.len());
            }
            while let Some(Reverse(expected)) = plain.pop() {
                prop_assert_eq!(queue.next_time(), Some(expected.time));
                prop_assert_eq!(queue.pop(), Some(expected));
            }
            prop_assert!(queue.pop().is_none());
        }
    }

    #[test]
    fn equal_times_are_ordered_by_source_and_then_by_its_own_number() {
        let mut queue = Queue::new();
        for (source, number) in [(2, 0), (1, 7), (1, 3), (0, 9)] {
            queue.push(event(5, source, number));
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|e| (e.source, e.number)).collect();
        assert_eq!(order, [(0, 9), (1, 3), (1, 7), (2, 0)]);
    }

    #[test]
    fn the_buckets_follow_a_load_that_changes_by_orders_of_magnitude() {
        let mut random = Stream::new(3, "queue", 0, 0);
        let (mut queue, mut number) = (Queue::new(), 0);
        for scale in [1_000u64, 1_000_000_000, 10, 1_000_000] {
            for _ in 0..2_000 {
                number += 1;
                let at = queue.now() + Duration::from_nanos(random.below(scale));
                queue.push(event(at.as_nanos(), 0, number));
            }
            let mut last = queue.now();
            for _ in 0..60_000 {
                let now = queue.pop().expect("the queue is held at its size").time;
                assert!(now >= last);
                last = now;
                number += 1;
                queue.push(event(now.as_nanos() + random.below(scale), 0, number));
            }
        }
    }

    #[test]
    #[should_panic(expected = "is pushed at")]
    fn the_past_is_closed() {
        let mut queue = Queue::new();
        queue.push(event(10, 0, 0));
        queue.pop();
        queue.push(event(9, 0, 1));
    }
}
