//! Transport: when envelopes arrive, given propagation delays, access links, TCP and faults.
//!
//! With S the bits of an envelope on the wire, U and D the rates of the sender's uplink and the receiver's downlink, L the
//! propagation delay of this envelope:
//!
//! | discipline | when the last bit leaves | source |
//! |---|---|---|
//! | [`Discipline::ProcessorSharing`] | connections with a backlog share U equally | fluid limit of parallel TCP connections |
//! | [`Discipline::Fifo`] | max(now, end of the one before) + S/U | Gervais et al. 2016, JABS |
//! | [`Discipline::UnlimitedSharing`] | now + S/min(U, D) | Leios sim-rs |
//! | [`Discipline::StopAndWait`] | arrival of the one before + S/min(U, D) | `SimBlock` (Aoki et al. 2019) |
//!
//! The discipline matters more than any table of delays: it changes the median time a full block takes to spread by
//! up to three times. Its arrival is L later, plus what TCP adds ([`Tcp`]), plus degradations, and not before the
//! arrival of what the same connection carried earlier. A downlink takes envelopes in one after the other, cut-through:
//! the last bit is in at max(its arrival, max(arrival of the first bit, end of the one before) + S/D).
//!
//! Random variation is a pure function of the sender's seed, the number of the envelope and the receiver. Adding a
//! recipient, a node or another envelope does not change the variation of any other transmission.
//!
//! What a cut stops: envelopes sent while it lasts are lost at once, and so are those whose last bit has not left the
//! uplink. What is in flight keeps flying; under stop-and-wait so does the envelope being transmitted.
//!
//! Simplified: no shared links between access links, no queues of routers, no retransmission of an envelope that a
//! degradation loses (the envelope, not a segment, is lost: the loss that a protocol sees). After a crash the order of
//! arrivals on a connection is still kept against what is in flight from before.

mod connection_order;
mod tcp;
#[cfg(test)]
mod tests;
mod uplink;

pub use tcp::Tcp;

use super::fault::{Fate, Faults};
use super::{Arrival, Carried, Change, Delay, Envelope, Network};
use crate::base::rng::mix;
use crate::base::wire::FRAMING_BYTES;
use crate::base::{Duration, NodeId, NodeSet, Stream, Time};
use connection_order::Latest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tcp::Connections;
use uplink::{Job, Line, Server, Uplink};

/// What `SimBlock` adds to every transfer.
const SIMBLOCK_PROCESSING: Duration = Duration::from_millis(2);
/// Separates the random bits of a duplicate from those of its original.
const COPY: u64 = 0x6475_706c_6963_6174;

/// Rates of a node's access link, in bits per second; zero means unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rates {
    /// From the node.
    pub up: u64,
    /// To the node.
    pub down: u64,
}

/// How messages share an uplink.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Discipline {
    /// Connections with something to send share it equally, as TCP flows do. First in, first out within each.
    #[default]
    ProcessorSharing,
    /// One message after the other (JABS).
    Fifo,
    /// Each connection has all of it (BlockSim, Leios).
    UnlimitedSharing,
    /// One message after the other, the next one when the last has arrived (SimBlock).
    StopAndWait,
}

/// How envelopes are carried.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// Rates of every node; as many as there are nodes.
    pub rates: Vec<Rates>,
    /// Which envelope an uplink serves first.
    pub discipline: Discipline,
    /// Envelopes of at most so many bytes pass by uplink and downlink queues: they take the propagation delay only.
    pub control_bytes: u64,
    /// Whether stop-and-wait transfers take whole milliseconds, rounded down, plus 2 ms, as in `SimBlock`.
    pub whole_milliseconds: bool,
    /// Bytes of each envelope that take no time: its framing, where payloads alone are to count.
    pub free_bytes: u64,
    /// Bytes on the wire per byte of envelope, as a fraction: 1448 B segments travel in 1538 B Ethernet frames.
    pub wire: (u64, u64),
    /// TCP's windows, if modelled.
    pub tcp: Option<Tcp>,
    /// Whether envelopes from one node to another arrive in the order sent. It costs a look-up per envelope, and may be
    /// left out where delays are constant and uplinks unlimited.
    pub ordered: bool,
}

impl Settings {
    /// The defaults: processor sharing, wire overhead, TCP, streams in order.
    #[must_use]
    pub fn new(rates: Vec<Rates>) -> Settings {
        Settings {
            rates,
            discipline: Discipline::ProcessorSharing,
            control_bytes: 0,
            free_bytes: 0,
            whole_milliseconds: false,
            wire: (1538, 1448),
            tcp: Some(Tcp::default()),
            ordered: true,
        }
    }
    /// Propagation delay and nothing else, for `nodes` nodes.
    #[must_use]
    pub fn unlimited(nodes: usize) -> Settings {
        let bare = Settings::new(vec![Rates::default(); nodes]);
        Settings { wire: (1, 1), tcp: None, ordered: false, ..bare }
    }
    /// As `SimBlock` does it: stop-and-wait in whole milliseconds of payload; control messages, of at most 128 B, take
    /// the propagation delay only; no overhead, no TCP, no order.
    #[must_use]
    pub fn simblock(rates: Vec<Rates>) -> Settings {
        let bare = Settings { rates, control_bytes: 128, free_bytes: FRAMING_BYTES as u64, ..Settings::unlimited(0) };
        Settings { discipline: Discipline::StopAndWait, whole_milliseconds: true, ..bare }
    }

    /// The bits that an envelope of so many bytes puts on an access link.
    fn wire_bits(&self, bytes: u64) -> u64 {
        let (wide, narrow) = self.wire;
        (bytes.saturating_sub(self.free_bytes) * 8 * wide).div_ceil(narrow)
    }
}

/// Carries envelopes over access links and distances.
pub struct Transport {
    /// Propagation delays.
    delay: Box<dyn Delay>,
    settings: Settings,
    /// The seed of each sender's random variation.
    random_roots: Vec<u64>,
    /// Whether some downlink is limited.
    limited_downlinks: bool,
    /// What waits to be sent; none until a node first has to queue something.
    uplinks: Vec<Option<Box<Uplink>>>,
    /// When each downlink has taken in all that has arrived; empty unless downlinks queue.
    downlinks: Vec<Time>,
    /// The latest arrival on each connection, if order is kept.
    latest: Option<Latest>,
    /// Windows of connections that carried large envelopes.
    connections: Connections,
    /// Cuts and degradations in force.
    faults: Faults,
    /// Bytes of envelopes that left each uplink; overhead on the wire is not counted.
    sent: Vec<u64>,
    /// Bytes of envelopes that each downlink took in; where downlinks do not queue, that are certain to arrive.
    received: Vec<u64>,
    /// Envelopes that have passed the uplink; empty between calls.
    done: Vec<Job>,
}

impl Transport {
    /// A network of `settings.rates.len()` nodes.
    ///
    /// # Panics
    /// If the overhead on the wire is not a fraction.
    #[must_use]
    pub fn new(seed: u64, delay: Box<dyn Delay>, settings: Settings) -> Transport {
        assert!(settings.wire.1 > 0, "bytes on the wire are a fraction of bytes of envelope");
        let nodes = settings.rates.len();
        let limited_downlinks = settings.rates.iter().any(|rates| rates.down > 0);
        let queued_downlinks = limited_downlinks && settings.discipline.queues_downlinks();
        Transport {
            delay,
            random_roots: (0..nodes as u64).map(|from| Stream::new(seed, "weather", from, 0).next_u64()).collect(),
            limited_downlinks,
            uplinks: (0..nodes).map(|_| None).collect(),
            downlinks: if queued_downlinks { vec![Time::ZERO; nodes] } else { Vec::new() },
            latest: settings.ordered.then(|| Latest::new(nodes)),
            connections: Connections::default(),
            faults: Faults::default(),
            sent: vec![0; nodes],
            received: vec![0; nodes],
            done: Vec::new(),
            settings,
        }
    }

    /// Whether an envelope never waits at its uplink.
    fn leaves_at_once(&self, from: NodeId, bytes: u64) -> bool {
        bytes <= self.settings.control_bytes
            || match self.settings.discipline {
                Discipline::ProcessorSharing | Discipline::Fifo => self.settings.rates[from.index()].up == 0,
                Discipline::UnlimitedSharing => true,
                Discipline::StopAndWait => false,
            }
    }

    /// Whether the delay is all there is to an envelope.
    fn only_delayed(&self, from: NodeId, bytes: u64) -> bool {
        let no_transfer = bytes <= self.settings.control_bytes
            || self.settings.discipline.queues_downlinks()
            || (self.settings.rates[from.index()].up == 0 && !self.limited_downlinks);
        let no_window = self.settings.tcp.is_none_or(|tcp| tcp.loss <= 0.0 && bytes <= tcp.initial_window);
        no_transfer && no_window && self.faults.is_empty()
    }

    /// The fast path: envelopes that are only delayed.
    fn send_delayed(&mut self, now: Time, envelope: &Envelope, word: u64, to: &[NodeId], out: &mut Carried) {
        let Envelope { from, bytes, ticket, .. } = *envelope;
        out.arrivals.reserve(to.len());
        for &to in to {
            let mut at = now + self.delay.delay(from, to, mix(word, u64::from(to.0)));
            if let Some(latest) = &mut self.latest {
                at = latest.after(from, to, at);
            }
            out.arrivals.push(Arrival { to, at, first: at, bytes, ticket });
        }
        self.sent[from.index()] += bytes * to.len() as u64;
        if self.downlinks.is_empty() {
            for to in to {
                self.received[to.index()] += bytes;
            }
        }
    }

    /// What the time of a transfer is when sender and receiver have no one else to share with.
    fn transfer(&self, from: NodeId, job: &Job) -> Duration {
        let (up, down) = (self.settings.rates[from.index()].up, self.settings.rates[job.to.index()].down);
        let rate = match (up, down) {
            (0, rate) | (rate, 0) => rate,
            (up, down) => up.min(down),
        };
        if job.bytes <= self.settings.control_bytes {
            Duration::ZERO
        } else if self.settings.whole_milliseconds {
            let millis = if rate == 0 { 0 } else { job.bits / (rate / 1000).max(1) };
            Duration::from_millis(millis) + SIMBLOCK_PROCESSING
        } else if rate == 0 {
            Duration::ZERO
        } else {
            Duration::of_transfer(job.bits, rate)
        }
    }

    /// The last bit of `job` leaves its uplink at `finish`. Returns when it arrives, or would if it were not lost.
    fn carry(&mut self, from: NodeId, job: &Job, finish: Time, out: &mut Carried) -> Time {
        let Job { to, bytes, word, ticket, start, .. } = *job;
        self.sent[from.index()] += bytes;
        let mut leave = finish;
        if let Some(tcp) = self.settings.tcp
            && (bytes > tcp.initial_window || tcp.loss > 0.0)
        {
            let round_trip = self.delay.typical(from, to) + self.delay.typical(to, from);
            if bytes > tcp.initial_window {
                leave = self.connections.leave(&tcp, (from, to), bytes, (start, finish), round_trip);
            } else {
                leave += tcp.penalty(bytes, round_trip, word);
            }
        }
        let fate = if self.faults.is_empty() { Fate::default() } else { self.faults.fate(from, to, word) };
        let late = self.delay.delay(from, to, word) + fate.late;
        if fate.lost {
            out.lost.push((to, ticket));
            return leave + late;
        }
        let mut arrive = |late: Duration| {
            let mut at = leave + late;
            if let Some(latest) = self.latest.as_mut().filter(|_| !fate.reorder) {
                at = latest.after(from, to, at);
            }
            let arrivals = if fate.garbled { &mut out.garbled } else { &mut out.arrivals };
            arrivals.push(Arrival { to, at, first: (start + late).min(at), bytes, ticket });
            if self.downlinks.is_empty() {
                self.received[to.index()] += bytes;
            }
            at
        };
        let at = arrive(late);
        if let Some(late) = fate.again {
            arrive(self.delay.delay(from, to, mix(word ^ COPY, 0)) + late);
        }
        at
    }

    /// Lets the uplink of `node` finish what it has finished and begin what it can begin.
    fn serve(&mut self, now: Time, node: NodeId, out: &mut Carried) {
        let Some(mut uplink) = self.uplinks[node.index()].take() else { return };
        let next = match &mut uplink.server {
            Server::Sharing(sharing) => {
                let rate = self.settings.rates[node.index()].up;
                let mut done = std::mem::take(&mut self.done);
                sharing.finish(now, rate, &mut done);
                for job in done.drain(..) {
                    self.carry(node, &job, now, out);
                }
                self.done = done;
                sharing.next(rate)
            }
            Server::Line(line) => self.serve_line(now, node, line, out),
        };
        if next < uplink.wake {
            uplink.wake = next;
            out.wakes.push((node, next));
        }
        self.uplinks[node.index()] = Some(uplink);
    }

    /// Moves a line on as far as it can; returns when it can move again.
    fn serve_line(&mut self, now: Time, node: NodeId, line: &mut Line, out: &mut Carried) -> Time {
        loop {
            if let Some(until) = line.until.filter(|until| *until > now) {
                return until;
            }
            line.until = None;
            if let Some(job) = line.serving.take() {
                self.carry(node, &job, now, out);
            }
            let Some(mut job) = line.waiting.pop_front() else { return Time::NEVER };
            job.start = now;
            line.until = Some(if self.settings.discipline == Discipline::StopAndWait {
                self.carry(node, &job, now + self.transfer(node, &job), out)
            } else {
                line.serving = Some(job);
                now + Duration::of_transfer(job.bits, self.settings.rates[node.index()].up)
            });
        }
    }

    /// Drops what `node` has queued for the nodes that `gone` names.
    fn drop_queued(&mut self, now: Time, node: NodeId, gone: &dyn Fn(NodeId) -> bool, out: &mut Carried) {
        let rate = self.settings.rates[node.index()].up;
        if let Some(uplink) = self.uplinks.get_mut(node.index()).and_then(Option::as_mut) {
            uplink.drop_where(now, rate, gone, &mut out.lost);
            self.serve(now, node, out);
        }
    }
}

impl Discipline {
    /// Whether downlinks are queues of their own, not part of the rate of a transfer.
    fn queues_downlinks(self) -> bool {
        matches!(self, Discipline::ProcessorSharing | Discipline::Fifo)
    }
}

impl Network for Transport {
    fn send(&mut self, now: Time, envelope: &Envelope, to: &[NodeId], out: &mut Carried) {
        let from = envelope.from;
        let word = mix(self.random_roots[from.index()], envelope.number);
        let at_once = self.leaves_at_once(from, envelope.bytes);
        if at_once && self.only_delayed(from, envelope.bytes) {
            return self.send_delayed(now, envelope, word, to, out);
        }
        let bits = self.settings.wire_bits(envelope.bytes);
        for &to in to {
            let word = mix(word, u64::from(to.0));
            let job = Job { to, bytes: envelope.bytes, bits, word, ticket: envelope.ticket, start: now };
            if self.faults.cut(from, to) {
                out.lost.push((to, envelope.ticket));
            } else if at_once {
                let queues = self.settings.discipline.queues_downlinks();
                let transfer = if queues { Duration::ZERO } else { self.transfer(from, &job) };
                self.carry(from, &job, now + transfer, out);
            } else {
                let rate = self.settings.rates[from.index()].up;
                let discipline = self.settings.discipline;
                let uplink = &mut self.uplinks[from.index()];
                uplink.get_or_insert_with(|| Box::new(Uplink::new(discipline))).put(now, rate, job);
            }
        }
        if !at_once {
            self.serve(now, from, out);
        }
    }

    fn wake(&mut self, now: Time, node: NodeId, out: &mut Carried) {
        if let Some(uplink) = &mut self.uplinks[node.index()]
            && uplink.wake == now
        {
            uplink.wake = Time::NEVER;
            self.serve(now, node, out);
        }
    }

    fn has_downlinks(&self) -> bool {
        !self.downlinks.is_empty()
    }

    fn land(&mut self, now: Time, arrival: &Arrival) -> Time {
        let node = arrival.to.index();
        if self.downlinks.is_empty() {
            return now;
        }
        self.received[node] += arrival.bytes;
        let rate = self.settings.rates[node].down;
        if rate == 0 || arrival.bytes <= self.settings.control_bytes {
            return now;
        }
        let transfer = Duration::of_transfer(self.settings.wire_bits(arrival.bytes), rate);
        let landed = now.max(arrival.first.max(self.downlinks[node]) + transfer);
        self.downlinks[node] = landed;
        landed
    }

    fn reset(&mut self, now: Time, node: NodeId, out: &mut Carried) {
        let rate = self.settings.rates[node.index()].up;
        if let Some(mut uplink) = self.uplinks[node.index()].take() {
            uplink.drop_where(now, rate, &|_| true, &mut out.lost);
        }
        self.connections.close(now, node);
        if let Some(downlink) = self.downlinks.get_mut(node.index()) {
            *downlink = now.min(*downlink);
        }
    }

    fn change(&mut self, now: Time, change: &Change, out: &mut Carried) {
        self.faults.apply(change);
        let Change::Cut { pairs, .. } = change else { return };
        for (from, to) in pairs {
            let to: NodeSet = to.iter().collect();
            for node in from {
                self.drop_queued(now, *node, &|receiver| to.contains(receiver), out);
            }
        }
    }

    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        !self.faults.cut(from, to)
    }
    fn delay_min(&self) -> Duration {
        self.delay.least()
    }

    fn bytes_sent(&self, node: NodeId) -> u64 {
        self.sent[node.index()]
    }

    fn bytes_received(&self, node: NodeId) -> u64 {
        self.received[node.index()]
    }
}
