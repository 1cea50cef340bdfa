//! Requests for blocks that were missed: how much one answer holds, and how long to wait for it.
//!
//! A peer answers over the line that also carries new blocks. An answer is therefore bounded in bytes, and a node that asks
//! again waits longer each time: asking another peer every second fills a line of 10 Mbit/s with copies of one answer, and no
//! answer is ever complete.
//!
//! # What each protocol sends again
//!
//! The network neither drops nor merges copies: a repeated message waits behind the first copy. So each protocol repeats
//! small messages at an interval. It repeats messages with payments only when the first copy is unlikely to be under way.
//!
//! | protocol | small messages | messages with payments |
//! |---|---|---|
//! | PBFT | STATUS without progress (`status_interval`, never sooner than twice what batches took of late) | what STATUS lacks, from one replica at a time, in bounded answers |
//! | Raft | heartbeats | an append counts as lost after twice what appends took, later each time; bytes under way are bounded |
//! | `HotStuff` | timeouts, after `view_timeout` | blocks that are asked for, with a [`Backoff`] |
//! | QBFT | round changes; reminders, with a [`Backoff`] | blocks that are asked for, with a [`Backoff`] |
//! | Tendermint | what peers lack, every `status_interval` | parts of a block, later each time |
//! | SCP | statements, every `repeat` | sets that are asked for, after `fetch` and twice what the last took |
//! | Ripple | positions, every 12 s | sets that are asked for |
//! | Vote | reports, later each time | the proposal's claim, to nodes that request it |
//!
//! `tests/overload.rs` holds that they send no more bytes over thin lines than over wide ones.

use crate::base::Duration;

/// Bytes of blocks in one answer at most, if the first alone is not larger: 0.4 s of a line of 10 Mbit/s.
pub const ANSWER_BYTES: u64 = 512_000;

/// How often the wait for an answer doubles at most.
const DOUBLINGS_MAX: u32 = 5;

/// The first of `items` that fit into one answer: at least one if there is any, at most `most`.
pub fn answer<T>(items: impl IntoIterator<Item = T>, most: usize, bytes: impl Fn(&T) -> usize) -> Vec<T> {
    let (mut chosen, mut total) = (Vec::new(), 0);
    for item in items.into_iter().take(most) {
        total += bytes(&item) as u64;
        if total > ANSWER_BYTES && !chosen.is_empty() {
            break;
        }
        chosen.push(item);
    }
    chosen
}

/// How long to wait for an answer before another peer is asked: doubles with each request that brought nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Backoff {
    first: Duration,
    doublings: u32,
}

impl Backoff {
    /// Waits `first` for the first answer.
    #[must_use]
    pub const fn new(first: Duration) -> Backoff {
        Backoff { first, doublings: 0 }
    }
    /// The wait for the answer to a request that leaves now.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.first * (1 << self.doublings);
        self.doublings = (self.doublings + 1).min(DOUBLINGS_MAX);
        wait
    }
    /// An answer brought something new: the next wait is the first one again.
    pub fn reset(&mut self) {
        self.doublings = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_bounded_in_bytes_and_in_items_and_is_never_empty_for_size() {
        let of = |sizes: &[usize], most| answer(sizes.iter().copied(), most, |size| *size).len();
        assert_eq!(of(&[], 8), 0);
        assert_eq!(of(&[10; 20], 8), 8);
        assert_eq!(of(&[2_000_000, 10], 8), 1, "one that is too large is sent alone");
        assert_eq!(of(&[256_000, 256_000, 1], 8), 2);
        assert_eq!(of(&[256_000, 256_001, 1], 8), 1);
    }

    #[test]
    fn the_wait_doubles_up_to_a_bound_and_begins_anew_when_something_came() {
        let mut backoff = Backoff::new(Duration::from_secs(1));
        let waits: Vec<u64> = (0..7).map(|_| backoff.next_wait().as_nanos() / 1_000_000_000).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 32]);
        backoff.reset();
        assert_eq!(backoff.next_wait(), Duration::from_secs(1));
    }
}
