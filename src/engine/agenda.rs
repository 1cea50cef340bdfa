//! The event queue, the counts that order events, and the fingerprint of the run.
//!
//! Events are ordered by time, source and the source's own count, so that one source does not disturb the order of the
//! events of another. What is recorded goes into the fingerprint of the run: every event, and every output of a process.
//! The queue and the fingerprint are the only state here that crosses processes; the counts are per source.

use super::queue::{Entry, Queue};
use super::roster::ProcessId;
use crate::base::{Duration, Time};
use crate::observe::fingerprint::{Fingerprint, Timeline, Trace};

/// What causes an event: a process, the clients, or the schedule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Source(u32);

impl Source {
    /// The clients.
    pub const CLIENTS: Source = Source(u32::MAX - 1);
    /// The schedule of faults, and the ticks. Last among equal times.
    pub const SCHEDULE: Source = Source(u32::MAX);
}

impl From<ProcessId> for Source {
    fn from(process: ProcessId) -> Source {
        Source(process.0)
    }
}

/// Something that the simulation handles. Numbers name what a room keeps for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    /// A transmission arrives.
    Arrival { to: ProcessId, transmission: u32 },
    /// The next of many arrivals of one transmission.
    FanOut { from: ProcessId, fan_out: u32 },
    /// The last bit of a transmission reaches a downlink.
    DownlinkArrival { to: ProcessId, arrival: u32 },
    /// A timer may be due.
    Timer { process: ProcessId, slot: u32 },
    /// A job has been checked.
    JobChecked { process: ProcessId, job: u32 },
    /// Cores end a computation.
    CoresFree { process: ProcessId, computation: u32 },
    /// The first effects in the outbox may be performed.
    OutboxResumes { process: ProcessId, boots: u32 },
    /// A write has become durable.
    Synced { process: ProcessId, boots: u32 },
    /// An uplink may have finished something.
    UplinkWakes { process: ProcessId },
    /// Gossip sends a delayed frame.
    Frames { process: ProcessId, frames: u32 },
    /// A delayed effect is performed.
    Deferred { process: ProcessId, effect: u32 },
    /// The workload makes its next request.
    Request,
    /// A client submits a transaction of an agent.
    Submission { entry: u32 },
    /// A transaction reaches the node that its client submits to.
    Entry { entry: u32 },
    /// Enough nodes have this block final: its clients learn of it.
    Answer { block: u32 },
    /// A client's wait for an answer has timed out.
    Retry { entry: u32 },
    /// A client learns that its node has rejected its transaction.
    Rejection { entry: u32 },
    /// An entry of the schedule of faults.
    Fault { entry: u32 },
    /// The end of an interval.
    Tick,
    /// The next round of a flood.
    Flood { id: u32 },
}

impl Event {
    /// As the two words of an entry of the queue: the kind in the low byte with the process above it, and the number.
    #[inline]
    fn pack(self) -> (u32, u32) {
        let (kind, process, number) = match self {
            Event::Arrival { to, transmission } => (0, to.0, transmission),
            Event::FanOut { from, fan_out } => (1, from.0, fan_out),
            Event::DownlinkArrival { to, arrival } => (2, to.0, arrival),
            Event::Timer { process, slot } => (3, process.0, slot),
            Event::JobChecked { process, job } => (4, process.0, job),
            Event::CoresFree { process, computation } => (5, process.0, computation),
            Event::OutboxResumes { process, boots } => (6, process.0, boots),
            Event::Synced { process, boots } => (7, process.0, boots),
            Event::UplinkWakes { process } => (8, process.0, 0),
            Event::Frames { process, frames } => (9, process.0, frames),
            Event::Deferred { process, effect } => (10, process.0, effect),
            Event::Request => (11, 0, 0),
            Event::Submission { entry } => (12, 0, entry),
            Event::Entry { entry } => (13, 0, entry),
            Event::Answer { block } => (14, 0, block),
            Event::Retry { entry } => (15, 0, entry),
            Event::Rejection { entry } => (16, 0, entry),
            Event::Fault { entry } => (17, 0, entry),
            Event::Tick => (18, 0, 0),
            Event::Flood { id } => (19, 0, id),
        };
        (kind | process << 8, number)
    }
    #[inline]
    fn unpack(what: u32, number: u32) -> Event {
        let process = ProcessId(what >> 8);
        match what & 0xff {
            0 => Event::Arrival { to: process, transmission: number },
            1 => Event::FanOut { from: process, fan_out: number },
            2 => Event::DownlinkArrival { to: process, arrival: number },
            3 => Event::Timer { process, slot: number },
            4 => Event::JobChecked { process, job: number },
            5 => Event::CoresFree { process, computation: number },
            6 => Event::OutboxResumes { process, boots: number },
            7 => Event::Synced { process, boots: number },
            8 => Event::UplinkWakes { process },
            9 => Event::Frames { process, frames: number },
            10 => Event::Deferred { process, effect: number },
            11 => Event::Request,
            12 => Event::Submission { entry: number },
            13 => Event::Entry { entry: number },
            14 => Event::Answer { block: number },
            15 => Event::Retry { entry: number },
            16 => Event::Rejection { entry: number },
            17 => Event::Fault { entry: number },
            18 => Event::Tick,
            19 => Event::Flood { id: number },
            kind => unreachable!("no event has kind {kind}"),
        }
    }
    /// Whether it is recorded when it is handled. Arrivals are recorded one by one, with their bytes; ticks are ours.
    fn is_recorded(self) -> bool {
        !matches!(self, Event::Tick | Event::Arrival { .. } | Event::FanOut { .. })
    }
}

/// An output of a process that goes into the fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Output {
    /// A record of so many bytes was handed to the disk.
    Wrote = 1,
    /// The chain was extended by this block.
    Extended = 2,
    /// The chain was cut back to this height.
    Rewound = 3,
    /// This block became final.
    Finalized = 4,
    /// A snapshot of this block was installed.
    Installed = 5,
    /// The process started with this block.
    Booted = 6,
    /// The process stopped.
    Crashed = 7,
}

/// The kinds of outputs in the fingerprint follow those of events; an arrival has the last of one byte.
const OUTPUT_KINDS: u32 = 0x100;
const ARRIVAL_KIND: u32 = 0xff;

/// An event that happens now.
pub(super) struct Occurrence {
    pub time: Time,
    pub source: Source,
    pub number: u32,
    pub event: Event,
}

/// The queue, the counts and the fingerprint.
pub(super) struct Agenda {
    queue: Queue,
    /// How many events each process caused; behind them the clients, and the schedule.
    counts: Vec<u32>,
    trace: Trace,
    interval: Duration,
    handled: u64,
    /// The instant up to which the current call advances.
    until: Time,
    stopped: bool,
}

impl Agenda {
    /// An empty agenda for so many processes, that keeps its fingerprint at the end of every interval.
    pub fn new(processes: usize, interval: Duration) -> Agenda {
        Agenda {
            queue: Queue::new(),
            counts: vec![0; processes + 2],
            trace: Trace::new(interval),
            interval,
            handled: 0,
            until: Time::ZERO,
            stopped: false,
        }
    }
    /// The present instant.
    pub fn now(&self) -> Time {
        self.queue.now()
    }
    /// The next number of a source.
    #[inline]
    pub fn number(&mut self, source: impl Into<Source>) -> u32 {
        let own = match source.into() {
            Source::CLIENTS => self.counts.len() - 2,
            Source::SCHEDULE => self.counts.len() - 1,
            Source(process) => process as usize,
        };
        let count = &mut self.counts[own];
        *count = count.checked_add(1).expect("a source causes fewer than 2^32 events");
        *count
    }
    /// Schedules an event under the next number of its source.
    #[inline]
    pub fn schedule(&mut self, at: Time, source: impl Into<Source>, event: Event) {
        let source = source.into();
        let number = self.number(source);
        self.schedule_numbered(at, source, number, event);
    }
    /// Schedules an event under a number that its source gave it before.
    #[inline]
    pub fn schedule_numbered(&mut self, at: Time, source: impl Into<Source>, number: u32, event: Event) {
        let (what, with) = event.pack();
        self.queue.push(Entry { time: at, source: source.into().0, number, what, with });
    }
    /// The time of the next event; `None` when none is left, or the run has stopped.
    pub fn next_time(&mut self) -> Option<Time> {
        if self.stopped { None } else { self.queue.next_time() }
    }
    /// Events after this instant stay in the queue until it is moved.
    pub fn advance_until(&mut self, until: Time) {
        self.until = until;
    }
    /// Nothing more happens.
    pub fn stop(&mut self) {
        self.stopped = true;
    }
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }
    /// Takes the next event, and records it.
    pub fn next(&mut self) -> Option<Occurrence> {
        if self.stopped || self.queue.next_time().is_none_or(|at| at > self.until) {
            return None;
        }
        let Entry { time, source, number, what, with } = self.queue.pop()?;
        let event = Event::unpack(what, with);
        if event.is_recorded() {
            self.handled += 1;
            self.trace.event(time, source, u64::from(number), what & 0xff, u64::from(what >> 8), 0);
        }
        Some(Occurrence { time, source: Source(source), number, event })
    }
    /// Lets an event happen that is not in the queue, if nothing comes before it.
    #[inline]
    pub fn take_if_next(&mut self, at: Time, source: impl Into<Source>, number: u32) -> bool {
        let entry = Entry { time: at, source: source.into().0, number, what: 0, with: 0 };
        let is_next = at <= self.until && !self.stopped && self.queue.would_be_next(&entry);
        if is_next {
            self.queue.pass(at);
        }
        is_next
    }
    /// Records that so many bytes arrive, by an event of this source.
    #[inline]
    pub fn record_arrival(&mut self, (source, number): (Source, u32), to: ProcessId, bytes: u64) {
        self.trace.event(self.queue.now(), source.0, u64::from(number), ARRIVAL_KIND, u64::from(to.0), bytes);
        self.handled += 1;
    }
    /// Records what a process did.
    pub fn record(&mut self, output: Output, process: ProcessId, value: u64) {
        self.trace.event(self.queue.now(), process.0, 0, OUTPUT_KINDS + output as u32, value, 0);
    }
    /// Events handled so far.
    pub fn handled(&self) -> u64 {
        self.handled
    }
    /// The fingerprint of everything so far.
    pub fn fingerprint(&self) -> &Fingerprint {
        self.trace.fingerprint()
    }
    /// Ends the record of the run.
    pub fn finish(&mut self, end: Time) -> Timeline {
        std::mem::replace(&mut self.trace, Trace::new(self.interval)).finish(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn every_event_is_unpacked_as_it_was_packed() {
        let (process, number) = (ProcessId(0x00ab_cdef), 0x1234_5678);
        for kind in 0..20 {
            let what = kind | process.0 << 8;
            let event = Event::unpack(what, number);
            let (packed, with) = event.pack();
            assert_eq!(packed & 0xff, kind);
            assert_eq!(Event::unpack(packed, with), event);
        }
        let event = Event::Timer { process, slot: number };
        let (what, with) = event.pack();
        assert_eq!(Event::unpack(what, with), event);
    }

    #[test]
    fn equal_times_are_ordered_by_source_and_then_by_its_count() {
        let mut agenda = Agenda::new(2, Duration::from_secs(1));
        agenda.advance_until(Time::NEVER);
        let flood = |id| Event::Flood { id };
        agenda.schedule(at(5), Source::SCHEDULE, flood(4));
        agenda.schedule(at(5), ProcessId(1), flood(2));
        agenda.schedule(at(5), ProcessId(1), flood(3));
        agenda.schedule(at(5), ProcessId(0), flood(1));
        agenda.schedule(at(4), Source::CLIENTS, flood(0));
        let order: Vec<Event> = std::iter::from_fn(|| agenda.next().map(|next| next.event)).collect();
        assert_eq!(order, [0, 1, 2, 3, 4].map(flood));
        assert_eq!(agenda.handled(), 5);
    }

    #[test]
    fn nothing_happens_after_the_limit_or_a_stop() {
        let mut agenda = Agenda::new(1, Duration::from_secs(1));
        for nanos in [1, 2, 3] {
            agenda.schedule(at(nanos), Source::SCHEDULE, Event::Request);
        }
        agenda.advance_until(at(1));
        assert!(agenda.next().is_some() && agenda.next().is_none());
        assert!(!agenda.take_if_next(at(2), ProcessId(0), 1), "it is after the limit");
        agenda.advance_until(at(2));
        assert!(agenda.next().is_some());
        agenda.stop();
        agenda.advance_until(Time::NEVER);
        assert!(agenda.next().is_none() && agenda.next_time().is_none());
    }
}
