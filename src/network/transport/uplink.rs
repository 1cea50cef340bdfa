//! What waits at a node to be sent.
//!
//! [`Sharing`] is processor sharing by virtual time: with n connections that have something to send, each gets the
//! n-th part of the rate U. Virtual time V counts the bits that each such connection has been given, dV/dt = U / n. A
//! envelope of S bits that comes to the head of its connection at V is through when virtual time reaches V + S, however
//! many others come and go meanwhile; so a heap of those tags is all there is to keep. V is a whole number of 2^-32
//! bits, rounded down, and completions are rounded up to the next nanosecond: no completion is early.

use super::Discipline;
use crate::base::{NodeId, Time};
use rustc_hash::FxHashMap;
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

/// Virtual time in a bit and a second: 2^32 steps of 10^-9 s.
const SECOND: u128 = 1_000_000_000;

/// An envelope to one receiver.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    /// The receiver.
    pub to: NodeId,
    /// Bytes of the envelope.
    pub bytes: u64,
    /// Bits that occupy the uplink.
    pub bits: u64,
    /// The random bits of this envelope to this receiver.
    pub word: u64,
    /// The envelope's ticket.
    pub ticket: u64,
    /// When its first bit leaves.
    pub start: Time,
}

/// What one node has to send.
#[derive(Debug)]
pub(super) struct Uplink {
    /// The earliest wake asked for and not yet come; [`Time::NEVER`] if none.
    pub wake: Time,
    /// The queueing discipline and its state.
    pub server: Server,
}

/// The queueing discipline and its state.
#[derive(Debug)]
pub(super) enum Server {
    /// All connections at once.
    Sharing(Sharing),
    /// One envelope after the other.
    Line(Line),
}

impl Uplink {
    /// An uplink with nothing to send.
    pub fn new(discipline: Discipline) -> Uplink {
        let server = match discipline {
            Discipline::ProcessorSharing => Server::Sharing(Sharing::default()),
            Discipline::Fifo | Discipline::UnlimitedSharing | Discipline::StopAndWait => Server::Line(Line::default()),
        };
        Uplink { wake: Time::NEVER, server }
    }
    /// Takes in an envelope.
    pub fn put(&mut self, now: Time, rate: u64, job: Job) {
        match &mut self.server {
            Server::Sharing(sharing) => sharing.put(now, rate, job),
            Server::Line(line) => line.waiting.push_back(job),
        }
    }
    /// Drops what is not yet through and goes to a node that `gone` names; appends it to `lost`.
    pub fn drop_where(&mut self, now: Time, rate: u64, gone: &dyn Fn(NodeId) -> bool, lost: &mut Vec<(NodeId, u64)>) {
        match &mut self.server {
            Server::Sharing(sharing) => sharing.drop_where(now, rate, gone, lost),
            Server::Line(line) => line.drop_where(gone, lost),
        }
    }
}

/// Envelopes wait in one line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Envelopes not yet begun.
    pub waiting: VecDeque<Job>,
    /// The envelope whose bits are leaving, if its arrival is not yet announced.
    pub serving: Option<Job>,
    /// When the line moves on, if it is busy.
    pub until: Option<Time>,
}

impl Line {
    fn drop_where(&mut self, gone: &dyn Fn(NodeId) -> bool, lost: &mut Vec<(NodeId, u64)>) {
        if let Some(job) = self.serving.take_if(|job| gone(job.to)) {
            self.until = None;
            lost.push((job.to, job.ticket));
        }
        self.waiting.retain(|job| {
            if gone(job.to) {
                lost.push((job.to, job.ticket));
            }
            !gone(job.to)
        });
    }
}

/// Connections with something to send share the rate equally.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    /// Virtual time in 2^-32 bit.
    virtual_time: u128,
    /// The instant of `virtual_time`.
    since: Time,
    /// The first envelope of each connection that has one, by finish tag.
    heads: BinaryHeap<Reverse<Head>>,
    /// Connections that have an envelope in `heads`, and what waits behind it; never iterated.
    behind: FxHashMap<NodeId, VecDeque<Job>>,
    /// Envelopes admitted so far: breaks ties.
    admitted: u64,
}

#[derive(Debug)]
struct Head {
    /// Virtual time when it is through.
    finish: u128,
    number: u64,
    job: Job,
}

impl Head {
    fn key(&self) -> (u128, u64) {
        (self.finish, self.number)
    }
}
impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Head {}
impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Sharing {
    fn put(&mut self, now: Time, rate: u64, job: Job) {
        self.advance(now, rate);
        if let Some(behind) = self.behind.get_mut(&job.to) {
            behind.push_back(job);
        } else {
            self.behind.insert(job.to, VecDeque::new());
            self.admit(now, job);
        }
    }
    /// An envelope comes to the head of its connection.
    fn admit(&mut self, now: Time, mut job: Job) {
        job.start = now;
        let finish = self.virtual_time + (u128::from(job.bits) << 32);
        self.heads.push(Reverse(Head { finish, number: self.admitted, job }));
        self.admitted += 1;
    }
    /// Lets virtual time pass up to `now`.
    fn advance(&mut self, now: Time, rate: u64) {
        if self.heads.is_empty() {
            self.virtual_time = 0;
        } else {
            let passed = u128::from(now.since(self.since).as_nanos()) * u128::from(rate);
            self.virtual_time += (passed << 32) / (SECOND * self.heads.len() as u128);
        }
        self.since = now;
    }
    /// Appends the envelopes that are through by `now`, in the order they finished.
    pub fn finish(&mut self, now: Time, rate: u64, done: &mut Vec<Job>) {
        self.advance(now, rate);
        while self.heads.peek().is_some_and(|Reverse(head)| head.finish <= self.virtual_time) {
            let Some(Reverse(Head { job, .. })) = self.heads.pop() else { return };
            done.push(job);
            match self.behind.get_mut(&job.to).and_then(VecDeque::pop_front) {
                Some(next) => self.admit(now, next),
                None => {
                    self.behind.remove(&job.to);
                }
            }
        }
    }
    /// When the next envelope is through if nothing else happens; [`Time::NEVER`] if there is none.
    pub fn next(&self, rate: u64) -> Time {
        let Some(Reverse(head)) = self.heads.peek() else { return Time::NEVER };
        let left = head.finish.saturating_sub(self.virtual_time) * self.heads.len() as u128;
        let nanos = (left * SECOND).div_ceil(u128::from(rate) << 32);
        Time::from_nanos(self.since.as_nanos().saturating_add(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
    fn drop_where(&mut self, now: Time, rate: u64, gone: &dyn Fn(NodeId) -> bool, lost: &mut Vec<(NodeId, u64)>) {
        self.advance(now, rate);
        let mut heads = std::mem::take(&mut self.heads).into_vec();
        heads.sort_unstable_by_key(|Reverse(head)| head.number);
        heads.retain(|Reverse(Head { job, .. })| {
            if gone(job.to) {
                lost.push((job.to, job.ticket));
                let behind = self.behind.remove(&job.to).unwrap_or_default();
                lost.extend(behind.iter().map(|job| (job.to, job.ticket)));
            }
            !gone(job.to)
        });
        self.heads = heads.into();
    }
}
