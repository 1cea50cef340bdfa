//! The running processes: each runs one node's protocol, and owns its cores, clock, disk, timers, outbox and mempool.
//!
//! A job waits in the inbox until a core is free, is checked there, and is handled when the check is done. The handler's
//! effects happen in order: computing delays what follows it and keeps the core busy; a record delays what follows it
//! until it is durable. What waits behind one of them waits in the outbox, and dies with the process.
//!
//! This is one of the two places where the engine knows a protocol's types; the other is `engine::messages`. A process
//! changes nothing but itself: effects that reach further are handed out, one after the other, to the modules that perform them.

mod checked_signatures;
mod clock;
mod condition;
mod cores;
mod disk;
mod job;
mod services;
mod settings;
mod timers;

pub use clock::Clock;
pub use condition::Condition;
pub(super) use cores::Computing;
pub use disk::{Disk, DiskModel, LogSurvival};
pub(super) use job::{Job, Origin};
pub use settings::ProcessSettings;

use super::adversary::{Adversary, DelayedEffects};
use super::agenda::{Agenda, Event, Output};
use super::roster::ProcessId;
use super::slab::Slab;
use super::views::Views;
use crate::base::{Committee, CostTable, Duration, Keyring, NodeId, Stream, Time, Work};
use crate::chain::mempool::Included;
use crate::chain::{BlockIndex, Mempool, Transaction};
use crate::protocol::{Attacker, Context, Effect, EffectOf, Message, Protocol};
use cores::Cores;
use services::{Memory, NodeServices, stream};
use std::collections::VecDeque;
use std::sync::Arc;
use timers::{Look, Timers};

/// What a handler is called with.
pub(super) enum Input<P: Protocol> {
    /// A message of a node.
    Message(NodeId, P::Message),
    /// A timer.
    Timer(P::Timer),
    /// A transaction has entered the mempool.
    Pending,
}

/// What a handler left behind.
pub(super) struct Handled<P: Protocol> {
    /// Its effects, in order.
    pub effects: Vec<EffectOf<P>>,
    /// Transactions that left the mempool because they can never be executed, and why.
    pub rejected: Vec<(Arc<Transaction>, &'static str)>,
}

/// What runs a node.
enum NodeLogic<P: Protocol> {
    Honest(P),
    Attacker(Box<dyn Attacker<P>>),
}

/// What waits to be performed, in order.
enum Waiting<P: Protocol> {
    /// An effect.
    Effect(EffectOf<P>),
    /// Nothing further before this instant: computing.
    Until(Time),
    /// Nothing further before this record is durable.
    Durable(u64),
}

/// A copy of a process's data directory.
struct Backup<R> {
    made: Time,
    log: Vec<R>,
    /// The last block that was final.
    last: BlockIndex,
}

/// The clock of a process, and what it showed last: one that is set back stands still until it has caught up.
struct LocalClock {
    clock: Clock,
    native: Clock,
    shown: Time,
}

impl LocalClock {
    fn show(&mut self, now: Time) -> Time {
        self.shown = self.clock.show(now).max(self.shown);
        self.shown
    }
}

/// Disk and backups.
struct Storage<P: Protocol> {
    disk: Disk<P::Record>,
    random: Option<Stream>,
    /// What a crash yet to come will find in place of the disk.
    backups: VecDeque<Backup<P::Record>>,
}

/// What waits to be performed, and whether something will resume it.
struct Outbox<P: Protocol> {
    waiting: VecDeque<Waiting<P>>,
    is_resumed: bool,
}

/// One running process.
struct Process<P: Protocol> {
    id: ProcessId,
    node: NodeId,
    /// None while it is down.
    logic: Option<NodeLogic<P>>,
    attack: Option<String>,
    adversary: Option<Box<dyn Adversary<P>>>,
    /// How often it was started; 0 before the first time.
    boots: u32,
    clock: LocalClock,
    cores: Cores,
    outbox: Outbox<P>,
    timers: Timers<P::Timer>,
    storage: Storage<P>,
    memory: Memory,
}

impl<P: Protocol> Process<P> {
    fn new(id: ProcessId, node: NodeId, settings: ProcessSettings<P>) -> Process<P> {
        Process {
            id,
            node,
            logic: None,
            attack: settings.attack,
            adversary: settings.adversary,
            boots: 0,
            clock: LocalClock { clock: settings.clock, native: settings.clock, shown: Time::ZERO },
            cores: Cores::new(settings.cores, settings.slowness),
            outbox: Outbox { waiting: VecDeque::new(), is_resumed: false },
            timers: Timers::new(),
            storage: Storage { disk: Disk::new(settings.disk), random: None, backups: VecDeque::new() },
            memory: Memory::new(settings.mempool),
        }
    }
    /// Whether this is the life of the process in which something was ordered.
    fn lives(&self, boots: u32) -> bool {
        self.logic.is_some() && self.boots == boots
    }
    /// Starts a sync of what waits for the disk, unless one is under way.
    fn sync(&mut self, seed: u64, agenda: &mut Agenda) {
        let (id, boots) = (self.id, self.boots);
        let random = self.storage.random.get_or_insert_with(|| stream(seed, "disk", id, 0));
        if let Some(span) = self.storage.disk.start(random) {
            agenda.schedule(agenda.now() + span, id, Event::Synced { process: id, boots });
        }
    }
    /// Hands a record to the disk at once; only what follows it waits.
    fn write(&mut self, record: P::Record, seed: u64, agenda: &mut Agenda) {
        agenda.record(Output::Wrote, self.id, crate::base::Wire::bytes(&record) as u64);
        let number = self.storage.disk.write(record);
        if number > self.storage.disk.durable() {
            self.outbox.waiting.push_back(Waiting::Durable(number));
            self.sync(seed, agenda);
        }
    }
    /// The next effect that can be performed now; if computing must end first, the outbox resumes then.
    fn next_effect(&mut self, agenda: &mut Agenda) -> Option<EffectOf<P>> {
        loop {
            if self.cores.is_paused() {
                return None;
            }
            match self.outbox.waiting.front()? {
                Waiting::Durable(number) if *number > self.storage.disk.durable() => return None,
                &Waiting::Until(at) if at > agenda.now() => {
                    if !std::mem::replace(&mut self.outbox.is_resumed, true) {
                        let (process, boots) = (self.id, self.boots);
                        agenda.schedule(at, process, Event::OutboxResumes { process, boots });
                    }
                    return None;
                }
                _ => {}
            }
            if let Some(Waiting::Effect(effect)) = self.outbox.waiting.pop_front() {
                return Some(effect);
            }
        }
    }
}

/// All processes of a chain.
pub(super) struct Processes<P: Protocol> {
    list: Vec<Process<P>>,
    /// Which are up.
    up: Vec<bool>,
    config: Arc<P::Config>,
    committee: Committee,
    keys: Keyring,
    seed: u64,
    costs: CostTable,
    /// Cores that compute, each with the life of the process that they compute for.
    computations: Slab<(u32, u32)>,
    /// Effects that adversaries put off, with the life of the process that ordered them.
    deferred: Slab<(u32, EffectOf<P>)>,
    /// A buffer that is reused.
    effects: Vec<EffectOf<P>>,
}

/// Making and asking.
impl<P: Protocol> Processes<P> {
    /// Processes that run these nodes; none is up.
    pub fn new(
        processes: impl Iterator<Item = (NodeId, ProcessSettings<P>)>,
        config: P::Config,
        (committee, keys): (Committee, Keyring),
        seed: u64,
        costs: CostTable,
    ) -> Processes<P> {
        let list: Vec<Process<P>> = processes
            .enumerate()
            .map(|(at, (node, settings))| Process::new(ProcessId::from(at), node, settings))
            .collect();
        Processes {
            up: vec![false; list.len()],
            list,
            config: Arc::new(config),
            committee,
            keys,
            seed,
            costs,
            computations: Slab::default(),
            deferred: Slab::default(),
            effects: Vec::new(),
        }
    }
    fn get(&mut self, process: ProcessId) -> &mut Process<P> {
        &mut self.list[process.index()]
    }
    /// Which are up.
    pub fn up(&self) -> &[bool] {
        &self.up
    }
    /// Whether a process is up.
    #[inline]
    pub fn is_up(&self, process: ProcessId) -> bool {
        self.up[process.index()]
    }
    /// How often a process was started.
    #[inline]
    pub fn boots(&self, process: ProcessId) -> u32 {
        self.list[process.index()].boots
    }
    /// Whether a process is up, and in this life of it.
    pub fn lives(&self, process: ProcessId, boots: u32) -> bool {
        self.list[process.index()].lives(boots)
    }
    /// The nodes that take part.
    pub fn committee(&self) -> &Committee {
        &self.committee
    }
    /// The keys of the nodes.
    pub fn keys(&self) -> &Keyring {
        &self.keys
    }
    /// The transactions that wait at a process.
    #[inline]
    pub fn pool(&self, process: ProcessId) -> &Mempool {
        &self.list[process.index()].memory.pool
    }
    /// To change them.
    pub fn pool_of(&mut self, process: ProcessId) -> &mut Mempool {
        &mut self.get(process).memory.pool
    }
    /// Time computed, the longest inbox since this was last asked, and bytes written.
    pub fn take_load(&mut self, process: ProcessId) -> (Duration, u32, u64) {
        let Process { cores, storage, .. } = self.get(process);
        (cores.busy(), cores.take_inbox_max(), storage.disk.written())
    }
    /// Whether a process has found, since it started, that the transaction with this number is its sender's.
    pub fn has_checked(&self, process: ProcessId, number: Option<u32>) -> bool {
        number.is_some_and(|number| self.list[process.index()].memory.checked.holds(number))
    }
    /// A process has found that the transaction with this number is its sender's.
    pub fn note_checked(&mut self, process: ProcessId, number: Option<u32>) {
        if let Some(number) = number {
            self.get(process).memory.checked.add(number);
        }
    }
    /// Whether a process takes a transaction into its mempool, as far as it is honest.
    pub fn admits(&self, process: ProcessId, transaction: &Transaction) -> bool {
        self.list[process.index()].adversary.as_ref().is_none_or(|adversary| adversary.admits(transaction))
    }
    /// Whether the message that a process sends now leaves with broken signatures.
    pub fn corrupts_next_message(&mut self, process: ProcessId) -> bool {
        self.get(process).adversary.as_mut().is_some_and(|adversary| adversary.garbles())
    }
}

/// From the inbox to the handler.
impl<P: Protocol> Processes<P> {
    /// A job arrives, with the work of receiving and checking it; the job, if it can be handled at once.
    pub fn enqueue(&mut self, process: ProcessId, job: Job, work: Work, agenda: &mut Agenda) -> Option<Job> {
        let (job, work) = self.get(process).cores.offer(job, work)?;
        self.check(process, job, &work, agenda)
    }
    /// Begins to check a job; the job, if that takes no time.
    fn check(&mut self, id: ProcessId, job: Job, work: &Work, agenda: &mut Agenda) -> Option<Job> {
        let cores = &mut self.list[id.index()].cores;
        let (span, count) = cores.check_time(work, &self.costs);
        if span.is_zero() {
            return Some(job);
        }
        let number = agenda.number(id);
        cores.run(number, job, count);
        let event = Event::JobChecked { process: id, job: number };
        agenda.schedule_numbered(agenda.now() + span, id, number, event);
        None
    }
    /// Begins to check what waits, while there are free cores; the next job that can be handled at once.
    pub fn next_job(&mut self, process: ProcessId, agenda: &mut Agenda) -> Option<Job> {
        loop {
            if !self.is_up(process) {
                return None;
            }
            let (job, work) = self.get(process).cores.take_waiting()?;
            if let Some(job) = self.check(process, job, &work, agenda) {
                return Some(job);
            }
        }
    }
    /// A job has been checked; none if its process has crashed or stands still.
    pub fn checked(&mut self, process: ProcessId, number: u32) -> Option<Job> {
        self.get(process).cores.checked(number)
    }
    /// Cores end a computation; whether the process that began it lives.
    pub fn computed(&mut self, process: ProcessId, computation: u32) -> bool {
        let (boots, cores) = self.computations.remove(computation);
        let process = self.get(process);
        let lives = process.lives(boots);
        if lives {
            process.cores.release(cores);
        }
        lives
    }
    /// A timer may be due: the job to handle it, if it is.
    pub fn look_at_timer(&mut self, id: ProcessId, slot: u32, agenda: &mut Agenda) -> Option<Job> {
        match self.get(id).timers.look(slot, agenda.now()) {
            Look::Due(number) => Some(Job::Timer { slot, number }),
            Look::DelayedEffects(at, number) => {
                agenda.schedule_numbered(at, id, number, Event::Timer { process: id, slot });
                None
            }
            Look::Nothing => None,
        }
    }
    /// The timer that was due, unless it was set again or cancelled since.
    pub fn fire_timer(&mut self, process: ProcessId, slot: u32, number: u32) -> Option<P::Timer> {
        self.get(process).timers.fire(slot, number)
    }
    /// Calls a handler.
    pub fn handle(&mut self, id: ProcessId, input: Input<P>, views: &mut Views, now: Time) -> Handled<P> {
        let mut effects = std::mem::take(&mut self.effects);
        let Processes { list, committee, keys, seed, .. } = self;
        let process = &mut list[id.index()];
        let mut logic = process.logic.take().expect("only processes that are up handle things");
        let local = process.clock.show(now);
        let (node, boots, memory) = (process.node, process.boots, &mut process.memory);
        let mut services =
            NodeServices { memory, views, keys, seed: *seed, boots, node, process: id, rejected: Vec::new() };
        let mut ctx = Context::new(&mut services, &mut effects, committee, local, node);
        match (&mut logic, input) {
            (NodeLogic::Honest(logic), Input::Message(from, message)) => logic.on_message(from, message, &mut ctx),
            (NodeLogic::Honest(logic), Input::Timer(timer)) => logic.on_timer(timer, &mut ctx),
            (NodeLogic::Honest(logic), Input::Pending) => logic.on_transaction(&mut ctx),
            (NodeLogic::Attacker(logic), Input::Message(from, message)) => logic.on_message(from, message, &mut ctx),
            (NodeLogic::Attacker(logic), Input::Timer(timer)) => logic.on_timer(timer, &mut ctx),
            (NodeLogic::Attacker(logic), Input::Pending) => logic.on_transaction(&mut ctx),
        }
        let rejected = services.rejected;
        process.logic = Some(logic);
        Handled { effects, rejected }
    }
}

/// From the handler to the outbox.
impl<P: Protocol> Processes<P> {
    /// Lets the adversary of a process rewrite effects.
    pub fn rewrite(&mut self, id: ProcessId, effects: &mut Vec<EffectOf<P>>, agenda: &mut Agenda) {
        let Some(adversary) = &mut self.get(id).adversary else { return };
        let mut later = Vec::new();
        adversary.rewrite(effects, &mut later);
        self.put_off(id, later, agenda);
    }
    /// Lets the adversary of a process see a message that the process is about to handle.
    pub fn show_to_adversary(&mut self, id: ProcessId, message: &P::Message, agenda: &mut Agenda) {
        let Processes { list, keys, .. } = self;
        let Process { adversary: Some(adversary), node, .. } = &mut list[id.index()] else { return };
        let (node, mut later) = (*node, Vec::new());
        adversary.on_message(message, &|| message.verify(node, keys), &mut later);
        self.put_off(id, later, agenda);
    }
    fn put_off(&mut self, id: ProcessId, later: DelayedEffects<P>, agenda: &mut Agenda) {
        let boots = self.boots(id);
        for (after, effect) in later {
            let effect = self.deferred.insert((boots, effect));
            agenda.schedule(agenda.now() + after, id, Event::Deferred { process: id, effect });
        }
    }
    /// An effect that was put off; none if its process has crashed, or stands still and will perform it then.
    pub fn take_deferred(&mut self, id: ProcessId, effect: u32) -> Option<EffectOf<P>> {
        let (boots, effect) = self.deferred.remove(effect);
        let process = self.get(id);
        if !process.lives(boots) {
            return None;
        }
        if process.cores.is_paused() {
            process.outbox.waiting.push_back(Waiting::Effect(effect));
            return None;
        }
        Some(effect)
    }
    /// A handler ordered an effect; the effect, if it can be performed now and by another room.
    pub fn order(
        &mut self,
        id: ProcessId,
        effect: EffectOf<P>,
        computing: &mut Computing,
        agenda: &mut Agenda,
    ) -> Option<EffectOf<P>> {
        let Processes { list, costs, seed, .. } = self;
        let process = &mut list[id.index()];
        match effect {
            Effect::Spend { work } => {
                if let Some(spent) = process.cores.compute(&work, costs, computing) {
                    process.outbox.waiting.push_back(Waiting::Until(agenda.now() + spent));
                }
            }
            Effect::Persist { record } => process.write(record, *seed, agenda),
            effect if process.outbox.waiting.is_empty() => return Some(effect),
            effect => {
                // The old setting of a timer ends with the handler that orders a new one, not when that is performed.
                if let Effect::SetTimer { timer, .. } | Effect::CancelTimer { timer } = &effect {
                    process.timers.cancel(*timer);
                }
                process.outbox.waiting.push_back(Waiting::Effect(effect));
            }
        }
        None
    }
    /// A handler's effects are all ordered: its cores compute on, and its list of effects is used again.
    pub fn keep_effects(
        &mut self,
        id: ProcessId,
        computing: Computing,
        effects: Vec<EffectOf<P>>,
        agenda: &mut Agenda,
    ) {
        self.effects = effects;
        for (span, cores) in computing.occupations() {
            let boots = self.boots(id);
            self.get(id).cores.occupy(cores);
            let computation = self.computations.insert((boots, cores));
            agenda.schedule(agenda.now() + span, id, Event::CoresFree { process: id, computation });
        }
    }
    /// The next effect in the outbox that can be performed now.
    pub fn next_effect(&mut self, process: ProcessId, agenda: &mut Agenda) -> Option<EffectOf<P>> {
        self.get(process).next_effect(agenda)
    }
    /// A write has become durable; whether that lets the process go on.
    pub fn synced(&mut self, id: ProcessId, boots: u32, agenda: &mut Agenda) -> bool {
        let seed = self.seed;
        let process = self.get(id);
        let lives = process.lives(boots);
        if lives {
            process.storage.disk.complete();
            process.sync(seed, agenda);
        }
        lives
    }
    /// The outbox may go on; whether the process that waited lives.
    pub fn resumed(&mut self, process: ProcessId, boots: u32) -> bool {
        let process = self.get(process);
        let lives = process.lives(boots);
        if lives {
            process.outbox.is_resumed = false;
        }
        lives
    }
    /// Writes a record, outside any handler's order.
    pub fn write(&mut self, process: ProcessId, record: P::Record, agenda: &mut Agenda) {
        let seed = self.seed;
        self.get(process).write(record, seed, agenda);
    }
    /// Sets a timer, by the clock of the process.
    pub fn set_timer(&mut self, id: ProcessId, timer: P::Timer, after: Duration, agenda: &mut Agenda) {
        let process = self.get(id);
        let number = agenda.number(id);
        let deadline = agenda.now() + process.clock.clock.wait(after);
        if let Some(slot) = process.timers.set(timer, deadline, number) {
            agenda.schedule_numbered(deadline, id, number, Event::Timer { process: id, slot });
        }
    }
    /// Stops a timer.
    pub fn cancel_timer(&mut self, process: ProcessId, timer: P::Timer) {
        self.get(process).timers.cancel(timer);
    }
}

/// Life and death.
impl<P: Protocol> Processes<P> {
    /// Starts a process that is down; what its start leaves behind, and how often it was started before.
    pub fn boot(&mut self, id: ProcessId, views: &mut Views, now: Time) -> (Handled<P>, u32) {
        let Processes { list, committee, keys, seed, config, .. } = self;
        let process = &mut list[id.index()];
        let (log, boot) = (process.storage.disk.log().to_vec(), process.boots);
        process.boots += 1;
        process.memory.random = None;
        let local = process.clock.show(now);
        let (node, boots, memory) = (process.node, process.boots, &mut process.memory);
        let mut services =
            NodeServices { memory, views, keys, seed: *seed, boots, node, process: id, rejected: Vec::new() };
        let mut effects = Vec::new();
        let mut ctx = Context::new(&mut services, &mut effects, committee, local, node);
        let logic = match &process.attack {
            None => NodeLogic::Honest(P::boot(config, &log, &mut ctx)),
            Some(name) => NodeLogic::Attacker(P::attacker(name, config, &log, &mut ctx).expect("a known attack")),
        };
        process.logic = Some(logic);
        self.up[id.index()] = true;
        (Handled { effects, rejected: Vec::new() }, boot)
    }
    /// Stops a process that is up: logic, inbox, outbox, timers and mempool are gone; what is durable stays, or what
    /// `kept` says of it. The jobs that waited, and the last final block of a chain that replaces its own.
    pub fn crash(&mut self, id: ProcessId, kept: LogSurvival, now: Time) -> (Vec<Job>, Option<BlockIndex>) {
        self.up[id.index()] = false;
        let seed = self.seed;
        let process = self.get(id);
        process.logic = None;
        process.outbox.is_resumed = false;
        process.outbox.waiting.clear();
        process.memory = Memory::new(process.memory.capacity);
        process.timers.clear();
        let Storage { disk, backups, .. } = &mut process.storage;
        disk.crash(kept, &mut stream(seed, "torn", id, process.boots));
        let found = match kept {
            LogSurvival::Durable | LogSurvival::Torn | LogSurvival::AllBut(_) => None,
            LogSurvival::Nothing => Some((Vec::new(), BlockIndex::GENESIS)),
            LogSurvival::Backup(age) => {
                backups.retain(|backup| backup.made + age >= now);
                let is_there = backups.front().is_some_and(|backup| backup.made + age == now);
                let found = is_there.then(|| backups.pop_front()).flatten();
                Some(found.map_or((Vec::new(), BlockIndex::GENESIS), |backup| (backup.log, backup.last)))
            }
        };
        let last = found.map(|(log, last)| {
            disk.restore(log);
            last
        });
        (process.cores.crash(), last)
    }
    /// Copies what is durable of a process, whose chain is final up to `last`.
    pub fn back_up(&mut self, process: ProcessId, last: BlockIndex, now: Time) {
        let Storage { disk, backups, .. } = &mut self.get(process).storage;
        backups.push_back(Backup { made: now, log: disk.log().to_vec(), last });
    }
    /// Takes what blocks held that were cut off back into the mempool of a process, as far as it admits it.
    pub fn take_back(&mut self, process: ProcessId, cut: Vec<Arc<Transaction>>, chain: &dyn Included) {
        let Process { adversary, memory, .. } = self.get(process);
        let admits = |t: &Transaction| adversary.as_ref().is_none_or(|adversary| adversary.admits(t));
        memory.pool.take_back(cut, admits, chain);
    }
    /// What a process can do changes; whether it can go on with what waited.
    pub fn set_condition(&mut self, process: ProcessId, condition: &Condition) -> bool {
        let process = self.get(process);
        process.cores.set_condition(condition.is_paused, condition.cpu);
        process.storage.disk.set_condition(condition.disk, condition.is_disk_full);
        let Clock { offset, drift } = process.clock.native;
        process.clock.clock = Clock {
            offset: offset.saturating_add(condition.clock_step),
            drift: drift.saturating_add(condition.clock_drift),
        };
        process.logic.is_some() && !condition.is_paused
    }
    /// A process that stood still resumes; the jobs that were checked meanwhile.
    pub fn take_checked_meanwhile(&mut self, process: ProcessId) -> Vec<u32> {
        self.get(process).cores.take_deferred()
    }
    /// Begins to write what waits.
    pub fn sync(&mut self, process: ProcessId, agenda: &mut Agenda) {
        let seed = self.seed;
        self.get(process).sync(seed, agenda);
    }
}

#[cfg(test)]
impl<P: Protocol> Processes<P> {
    pub fn idle_cores(&self, process: ProcessId) -> (u32, usize) {
        (self.list[process.index()].cores.free(), self.computations.len())
    }
    pub fn log_len(&self, process: ProcessId) -> usize {
        self.list[process.index()].storage.disk.log().len()
    }
}
