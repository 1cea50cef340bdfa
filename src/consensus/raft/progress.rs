//! What a leader knows of one follower, and how much it sends: after etcd's `tracker`. Probe until the logs match, then
//! stream; and send nothing again that may still be on its way.
//!
//! A heartbeat is small and overtakes appends that wait in the leader's uplink. The follower then answers that it lacks
//! what comes before, which is no loss: the same entries again would fill the line that they wait for. So an append
//! counts as lost only when twice the time has passed that appends took of late, and twice that when it was sent again.

use super::log::Entry;
use super::message::Image;
use super::position::Index;
use crate::base::{Duration, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// How often the wait before an append is sent again doubles at most.
const DOUBLINGS_MAX: u32 = 5;

/// How much may be under way to one follower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Appends.
    pub appends: u32,
    /// Bytes of entries; one append more than fits is sent.
    pub bytes: u64,
}

/// An append under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Append {
    /// The index of its last entry.
    last: Index,
    bytes: u64,
    /// When it was sent.
    at: Time,
}

/// How a leader sends to one follower.
#[derive(Clone, Debug)]
pub(super) enum Flow {
    /// It does not know where the logs match: one append at a time, and no other until it is answered or lost.
    Probe { sent: Option<Append> },
    /// The logs match up to `next - 1` if nothing was lost: appends follow each other, ascending, within the window.
    Stream { under_way: VecDeque<Append> },
    /// The follower needs entries that are compacted: it is sent the state. `received` last `moved` then; `is_stuck`
    /// since a chunk was sent again.
    Snapshot { image: Arc<Image>, sent: u64, received: u64, moved: Time, is_stuck: bool },
}

/// What a leader knows of one follower.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// `matchIndex`: the logs are known to match up to here. Never falls.
    pub matched: Index,
    /// `nextIndex`: the next entry to send; above `matched`.
    pub next: Index,
    pub flow: Flow,
    /// Whether it sent something since the last check of the quorum.
    pub active: bool,
    /// The last round of heartbeats that it confirmed.
    pub confirmed: u64,
    /// How long appends took of late, until they were answered.
    pace: Option<Duration>,
    /// When an append counts as lost before one was answered.
    first_patience: Duration,
    /// How often something was sent again since `matched` rose.
    repeats: u32,
}

impl Progress {
    pub(super) fn new(next: Index, first_patience: Duration) -> Progress {
        Progress {
            matched: 0,
            next,
            flow: Flow::Probe { sent: None },
            active: false,
            confirmed: 0,
            pace: None,
            first_patience,
            repeats: 0,
        }
    }
    /// How long an append may be under way before it counts as lost.
    pub(super) fn patience(&self) -> Duration {
        self.pace.map_or(self.first_patience, |pace| pace * 2) * (1 << self.repeats.min(DOUBLINGS_MAX))
    }
    pub(super) fn is_ready(&self, window: Window) -> bool {
        match &self.flow {
            Flow::Probe { sent } => sent.is_none(),
            Flow::Stream { under_way } => {
                let bytes: u64 = under_way.iter().map(|append| append.bytes).sum();
                under_way.len() < window.appends as usize && (under_way.is_empty() || bytes < window.bytes)
            }
            Flow::Snapshot { .. } => false,
        }
    }
    /// The entries from `next` on were sent.
    pub(super) fn sent(&mut self, entries: &[Entry], at: Time) {
        let bytes = entries.iter().map(|entry| entry.bytes() as u64).sum();
        let append = Append { last: self.next + entries.len() as u64 - 1, bytes, at };
        match &mut self.flow {
            Flow::Probe { sent } => *sent = Some(append),
            Flow::Stream { under_way } => {
                under_way.push_back(append);
                self.next = append.last + 1;
            }
            Flow::Snapshot { .. } => {}
        }
    }
    /// The follower's log matches up to `index`, which this leader has.
    pub(super) fn matches(&mut self, index: Index, now: Time) {
        if index > self.matched {
            (self.matched, self.repeats) = (index, 0);
        }
        let patience = self.patience();
        let mut answered = None;
        match &mut self.flow {
            Flow::Stream { under_way } => {
                while under_way.front().is_some_and(|append| append.last <= index) {
                    answered = under_way.pop_front();
                }
                self.next = self.next.max(self.matched + 1);
            }
            Flow::Snapshot { image, .. } if index < image.index() => {}
            // The answer to a heartbeat: the append itself is on its way, or lost.
            Flow::Probe { sent: Some(append) } if index < append.last => {
                if now.since(append.at) >= patience {
                    self.flow = Flow::Probe { sent: None };
                    self.repeats = self.repeats.saturating_add(1);
                }
            }
            Flow::Probe { sent } => {
                answered = *sent;
                self.flow = Flow::Stream { under_way: VecDeque::new() };
                self.next = self.matched + 1;
            }
            Flow::Snapshot { .. } => {
                self.flow = Flow::Stream { under_way: VecDeque::new() };
                self.next = self.matched + 1;
            }
        }
        if let Some(append) = answered {
            self.measure(now.since(append.at));
        }
    }
    /// What is slower counts at once, what is faster by and by. An append that was sent again counts from the first time
    /// at most four times as long as those before.
    fn measure(&mut self, took: Duration) {
        self.pace = Some(self.pace.map_or(took, |pace| {
            let took = took.min(pace * 4);
            took.max(pace.scale(7, 8) + took.scale(1, 8))
        }));
    }
    /// Whether the follower's answer, that it lacks `prev` or has another entry there, is about what was sent last and
    /// no sign of appends that are still under way.
    pub(super) fn is_refused(&self, prev: Index, now: Time) -> bool {
        match &self.flow {
            Flow::Probe { .. } => prev == self.next - 1,
            Flow::Stream { under_way } => {
                let is_due = under_way.front().is_none_or(|append| now.since(append.at) >= self.patience());
                prev < self.next && is_due
            }
            Flow::Snapshot { .. } => false,
        }
    }
    /// Probes from `next` on, but never below what is known to match.
    pub(super) fn go_back(&mut self, next: Index) {
        if matches!(self.flow, Flow::Stream { .. }) {
            self.repeats = self.repeats.saturating_add(1);
        }
        self.next = next.max(self.matched + 1);
        self.flow = Flow::Probe { sent: None };
    }
    /// The follower has received more of a snapshot, or a chunk is sent again.
    pub(super) fn count_repeat(&mut self, again: bool) {
        self.repeats = if again { self.repeats.saturating_add(1) } else { 0 };
    }
}
