//! A running process: what a node has besides the protocol's memory.

use super::adversary::Adversary;
use super::checked::Checked;
use super::clock::Clock;
use super::disk::Disk;
use super::fault::Burden;
use crate::base::{Duration, Height, NodeId, Stream, Time, Work};
use crate::chain::{BlockIndex, Mempool, Transaction, Tree};
use crate::protocol::{Attacker, EffectOf, Protocol};
use std::collections::VecDeque;
use std::sync::Arc;

/// What plays the node.
pub(super) enum Occupant<P: Protocol> {
    Honest(P),
    Attacker(Box<dyn Attacker<P>>),
}

/// Who brought a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// Somebody outside: what the node did not know it spreads, even if another node spread it before.
    Client,
    /// A peer that spread it to everybody.
    Peer,
    /// Gossip, which passes it on.
    Gossip,
}

/// Something for the node to handle, in its inbox.
pub(super) enum Job {
    /// A message: its payload and its sender.
    Message { payload: u32, from: NodeId },
    /// A timer that fired: its slot, and the number of its setting.
    Timer { slot: u32, number: u32 },
    /// A transaction for the mempool.
    Transaction { transaction: Arc<Transaction>, origin: Origin },
    /// A message whose check failed: only the checking is done.
    Forged,
    /// Start.
    Boot,
}

/// The deadline of a timer that fired and waits in the inbox.
pub(super) const FIRED: Time = Time::from_nanos(u64::MAX - 1);

/// An alarm clock.
pub(super) struct TimerSlot<T> {
    pub timer: T,
    /// When it fires; `NEVER` when it is not set, [`FIRED`] while the node has not handled it yet.
    pub deadline: Time,
    /// The number of its last setting: orders it among equal times.
    pub number: u32,
    /// The earliest entry in the queue that will look at this slot; `NEVER` when there is none.
    pub queued: Time,
}

/// What waits to be performed, in order.
pub(super) enum Waiting<P: Protocol> {
    /// An effect.
    Effect(EffectOf<P>),
    /// Nothing further before this instant: computing.
    Until(Time),
    /// Nothing further before this record is durable.
    Durable(u64),
}

/// A copy of a node's data directory.
pub(super) struct Backup<R> {
    pub made: Time,
    pub log: Vec<R>,
    /// The last block that was final.
    pub last: BlockIndex,
}

/// A running process.
pub(super) struct Seat<P: Protocol> {
    pub occupant: Option<Occupant<P>>,
    /// The attack it plays, by name.
    pub attack: Option<String>,
    pub adversary: Option<Box<dyn Adversary<P>>>,
    /// How often it was started; 0 before the first time.
    pub boots: u32,
    /// Counts what it causes: events are ordered by it.
    pub number: u32,
    /// Counts the parcels it sends.
    pub parcels: u64,
    pub clock: Clock,
    /// What it would be without burdens; so for `slowness`.
    pub native_clock: Clock,
    /// The latest time that its clock showed: one that is set back stands still until it has caught up.
    pub shown: Time,
    /// Nanoseconds of its computing per microsecond of the reference core: 1000 is the reference.
    pub slowness: u32,
    pub native_slowness: u32,
    /// What it must bear, with the number of the fault.
    pub burdens: Vec<(u32, Burden)>,
    /// Whether the process stands still.
    pub paused: bool,
    /// The payments whose signatures it has checked since it started.
    pub checked: Checked,
    /// The jobs in `running` that were ready while it stood still.
    pub frozen: Vec<u32>,
    pub cores: u32,
    /// Jobs being checked, by number, each with its cores.
    pub running: Vec<(u32, Job, u32)>,
    /// Cores that compute on after their handler ran.
    pub computing: u32,
    pub inbox: VecDeque<(Job, Work)>,
    pub inbox_max: u32,
    pub outbox: VecDeque<Waiting<P>>,
    /// Whether something will resume the outbox.
    pub stalled: bool,
    pub timers: Vec<TimerSlot<P::Timer>>,
    pub disk: Disk<P::Record>,
    /// What a crash yet to come will find in its place.
    pub backups: VecDeque<Backup<P::Record>>,
    pub random: Option<Box<Stream>>,
    pub disk_random: Option<Box<Stream>>,
    pub pool: Mempool,
    pub tip: BlockIndex,
    pub finalized: Height,
    /// Up to where it had declared its chain final when it last forgot everything.
    pub forgotten: Height,
    pub busy: Duration,
    /// The last turn in which it led, and since when.
    pub led: Option<(u64, Time)>,
}

impl<P: Protocol> Seat<P> {
    /// What is durable is gone, chain included; a backup is found instead, if there is one.
    pub fn lose_data(&mut self, restored: Option<Backup<P::Record>>, tree: &Tree) {
        self.forgotten = self.forgotten.max(self.finalized);
        let (log, last) = restored.map_or((Vec::new(), BlockIndex::GENESIS), |backup| (backup.log, backup.last));
        (self.tip, self.finalized) = (last, tree.height(last));
        self.disk.restore(log);
        self.led = None;
    }
    pub fn is_up(&self) -> bool {
        self.occupant.is_some()
    }
    /// Whether it takes a transaction into its mempool, as far as it is honest.
    pub fn admits(&self, transaction: &Transaction) -> bool {
        self.adversary.as_ref().is_none_or(|adversary| adversary.admits(transaction))
    }
    /// Whether the message that it sends now leaves with broken signatures.
    pub fn garbles(&mut self) -> bool {
        self.adversary.as_mut().is_some_and(|adversary| adversary.garbles())
    }
    /// The next number of this source.
    pub fn count(&mut self) -> u32 {
        self.number = self.number.checked_add(1).expect("a node causes fewer than 2^32 events");
        self.number
    }
    /// What its clock shows at a true instant.
    pub fn show(&mut self, now: Time) -> Time {
        self.shown = self.clock.show(now).max(self.shown);
        self.shown
    }
    /// The time that reference computing takes here.
    pub fn time(&self, reference: Duration) -> Duration {
        if self.slowness == 1000 { reference } else { reference.scale(u64::from(self.slowness), 1000) }
    }
    pub fn has_free_core(&self) -> bool {
        !self.paused && self.free_cores() > 0
    }
    pub fn free_cores(&self) -> u32 {
        let running: u32 = self.running.iter().map(|(.., cores)| cores).sum();
        self.cores.saturating_sub(running + self.computing)
    }
    /// How many cores check the signatures of `work`, if it begins now.
    pub fn cores_for(&self, work: &Work) -> u32 {
        self.free_cores().min(work.verify).max(1)
    }
    /// The slot of `timer`, made if there is none; slots of timers that are not set are used again.
    pub fn timer_slot(&mut self, timer: P::Timer) -> usize {
        if let Some(slot) = self.find_timer(timer) {
            return slot;
        }
        let fresh = TimerSlot { timer, deadline: Time::NEVER, number: 0, queued: Time::NEVER };
        if let Some(unset) = self.timers.iter().position(|slot| slot.deadline == Time::NEVER) {
            // The queue may still hold an entry for this slot: it will find the new timer and leave it alone.
            self.timers[unset].timer = timer;
            return unset;
        }
        self.timers.push(fresh);
        self.timers.len() - 1
    }
    pub fn find_timer(&self, timer: P::Timer) -> Option<usize> {
        self.timers.iter().position(|slot| slot.timer == timer)
    }
}
