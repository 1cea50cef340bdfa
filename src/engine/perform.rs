//! The only place that gives effects a meaning: from an inbox, through a handler, to what the world sees.
//!
//! A job waits in the inbox until a core is free, is checked there, and is handled when the check is done. What the
//! handler orders is performed in order: computing delays what follows it and keeps the core busy; a record delays what
//! follows it until it is durable. What waits behind one of them waits in the outbox, and dies with the process.

use super::adversary::Later;
use super::checked::Checked;
use super::disk::Kept;
use super::executor::{Executed, Executor};
use super::fault::Burden;
use super::seat::{Backup, FIRED, Job, Occupant, Seat, Waiting};
use super::simulation::{Kind, Shared, Simulation};
use crate::base::{Duration, Hash, Height, Keyring, NodeId, Stream, Time, Wire, Work};
use crate::chain::{Batch, Block, BlockIndex, Limit, Transaction, Tree};
use crate::observe::{Loss, Observed};
use crate::protocol::{Context, Effect, EffectOf, Invalid, Message, Protocol, Services, Snapshot, note};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// What stands behind a node's [`Context`].
struct Desk<'a, P: Protocol> {
    seat: &'a mut Seat<P>,
    shared: &'a mut Shared,
    me: NodeId,
    /// Twins draw for themselves.
    at: NodeId,
    refused: Vec<(Arc<Transaction>, &'static str)>,
}

impl<P: Protocol> Desk<'_, P> {
    fn index(&mut self, block: &Arc<Block>) -> BlockIndex {
        self.learn(block).expect("a block whose ancestors this node has")
    }
    /// The node has checked the payments of a batch; those that are not signed by their senders have no number.
    fn remember(&mut self, batch: &Batch) {
        let numbers = batch.transactions().iter().filter_map(|t| self.shared.executor.number(t));
        numbers.for_each(|number| self.seat.checked.add(number));
    }
    fn result(&mut self, block: &Arc<Block>) -> Arc<Executed> {
        let index = self.index(block);
        self.shared.executor.result(&self.shared.tree, index)
    }
}

impl<P: Protocol> Services for Desk<'_, P> {
    fn random(&mut self) -> &mut Stream {
        let (shared, at, boots) = (&self.shared, self.at, self.seat.boots);
        self.seat.random.get_or_insert_with(|| shared.stream("node", at, boots))
    }
    fn keys(&self) -> &Keyring {
        &self.shared.keys
    }
    fn tree(&self) -> &Tree {
        &self.shared.tree
    }
    fn learn(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        let known = self.shared.tree.find(&block.id());
        known.or_else(|| Executor::is_whole(block).then(|| self.shared.tree.insert(block)).flatten())
    }
    fn pending(&self) -> usize {
        self.seat.pool.len()
    }
    fn waiting(&self, id: &Hash) -> Option<Arc<Transaction>> {
        self.seat.pool.get(id).cloned()
    }
    fn propose(&mut self, parent: &Arc<Block>, after: &[Arc<Batch>], limit: Limit, paid: bool) -> Arc<Batch> {
        let index = self.index(parent);
        let Shared { tree, executor, .. } = &mut *self.shared;
        let (tip, paid) = (self.seat.tip, paid.then_some(self.me));
        let (batch, mut refused) = executor.propose(tree, index, after, (&self.seat.pool, tip), paid, limit);
        if index != tip && !refused.is_empty() {
            // What blocks hold that are not on this node's chain yet may still come to stand elsewhere.
            let above = tree.path(tree.fork_point(tip, index), index);
            let held = above.iter().flat_map(|at| tree.block(*at).transactions());
            let held: FxHashSet<Hash> = held.map(|transaction| transaction.id()).collect();
            refused.retain(|(transaction, _)| !held.contains(&transaction.id()));
        }
        for (transaction, _) in &refused {
            self.seat.pool.remove(&transaction.id(), &self.shared.chain(tip));
        }
        self.refused.extend(refused);
        batch
    }
    fn validate(&mut self, block: &Arc<Block>) -> Result<(), Invalid> {
        if !Executor::is_whole(block) {
            return Err(Invalid("the name does not fit the transactions"));
        }
        let index = self.shared.tree.insert(block).ok_or(Invalid("unknown parent or wrong height"))?;
        let valid = self.shared.executor.result(&self.shared.tree, index).valid;
        self.remember(&block.batch);
        valid
    }
    fn unchecked(&self, batch: &Batch) -> u32 {
        let (executor, checked) = (&self.shared.executor, &self.seat.checked);
        let is_new = |t: &&Arc<Transaction>| !executor.number(t).is_some_and(|number| checked.holds(number));
        batch.transactions().iter().filter(|t| !t.is_coinbase()).filter(is_new).count() as u32
    }
    fn is_authentic(&mut self, batch: &Arc<Batch>) -> bool {
        let is_authentic = self.shared.executor.is_authentic(batch);
        self.remember(batch);
        is_authentic
    }
    fn root(&mut self, block: &Arc<Block>) -> Hash {
        self.result(block).root
    }
    fn state_bytes(&mut self, block: &Arc<Block>) -> u64 {
        self.result(block).state_bytes
    }
    fn block_at(&self, height: Height) -> Option<Arc<Block>> {
        let tree = &self.shared.tree;
        (height <= tree.height(self.seat.tip)).then(|| tree.block(tree.ancestor(self.seat.tip, height)).clone())
    }
    fn finalized(&self) -> Height {
        self.seat.finalized
    }
}

/// From the inbox to the handler.
impl<P: Protocol> Simulation<P> {
    /// Puts a job into a node's inbox, with the work of receiving and checking it.
    pub(super) fn enqueue(&mut self, node: NodeId, job: Job, work: Work) {
        let seat = &mut self.seats[node.index()];
        if seat.inbox.is_empty() && seat.has_free_core() {
            self.start(node, job, work);
        } else {
            seat.inbox.push_back((job, work));
            seat.inbox_max = seat.inbox_max.max(seat.inbox.len() as u32);
        }
    }
    fn start(&mut self, node: NodeId, job: Job, work: Work) {
        let seat = &mut self.seats[node.index()];
        let cores = seat.cores_for(&work);
        let span = seat.time(self.costs.time_on(&work, cores));
        if span.is_zero() {
            return self.run(node, job);
        }
        seat.busy += seat.time(self.costs.time(&work));
        let number = seat.count();
        seat.running.push((number, job, cores));
        self.push_numbered(self.now() + span, node.0, number, Kind::Ready, node.0, number);
    }
    /// Starts what waits while there are free cores.
    pub(super) fn start_waiting(&mut self, node: NodeId) {
        loop {
            let seat = &mut self.seats[node.index()];
            if !seat.is_up() || !seat.has_free_core() {
                return;
            }
            let Some((job, work)) = seat.inbox.pop_front() else { return };
            self.start(node, job, work);
        }
    }
    pub(super) fn on_ready(&mut self, node: NodeId, number: u32) {
        let seat = &mut self.seats[node.index()];
        if seat.paused {
            return seat.frozen.push(number);
        }
        let running = &mut seat.running;
        // Absent if the process that started it has crashed.
        if let Some(at) = running.iter().position(|(running, ..)| *running == number) {
            let (_, job, _) = running.remove(at);
            self.run(node, job);
            self.start_waiting(node);
        }
    }
    pub(super) fn on_free(&mut self, node: NodeId, computing: u32) {
        let (boots, cores) = self.computing.remove(computing);
        let seat = &mut self.seats[node.index()];
        if seat.boots == boots && seat.is_up() {
            seat.computing -= cores;
            self.start_waiting(node);
        }
    }
    pub(super) fn on_timer(&mut self, node: NodeId, slot: u32, now: Time) {
        let seat = &mut self.seats[node.index()];
        let timer = &mut seat.timers[slot as usize];
        if timer.queued != now {
            return; // An earlier entry took this one's place.
        }
        timer.queued = Time::NEVER;
        if timer.deadline == now {
            timer.deadline = FIRED;
            let number = timer.number;
            self.enqueue(node, Job::Timer { slot, number }, Work::NONE);
        } else if timer.deadline < FIRED {
            timer.queued = timer.deadline;
            let (at, number) = (timer.deadline, timer.number);
            self.push_numbered(at, node.0, number, Kind::Timer, node.0, slot);
        }
    }
    /// Runs one handler.
    fn run(&mut self, node: NodeId, job: Job) {
        match job {
            Job::Boot => self.run_boot(node),
            Job::Forged => self.lose(node, None, Loss::Forged),
            Job::Message { payload, from } => {
                if let Some(block) = self.payloads.get(payload).message.block().cloned() {
                    self.hold(node, &block);
                }
                self.overhear(node, payload);
                let message = self.open(payload);
                self.call(node, |occupant, ctx| match occupant {
                    Occupant::Honest(node) => node.on_message(from, message, ctx),
                    Occupant::Attacker(node) => node.on_message(from, message, ctx),
                });
            }
            Job::Timer { slot, number } => {
                let timer = &mut self.seats[node.index()].timers[slot as usize];
                if timer.deadline == FIRED && timer.number == number {
                    timer.deadline = Time::NEVER;
                    let timer = timer.timer;
                    self.call(node, |occupant, ctx| match occupant {
                        Occupant::Honest(node) => node.on_timer(timer, ctx),
                        Occupant::Attacker(node) => node.on_timer(timer, ctx),
                    });
                }
            }
            Job::Transaction { transaction, origin } => {
                if self.pool(node, transaction, origin) {
                    self.call(node, |occupant, ctx| match occupant {
                        Occupant::Honest(node) => node.on_pending(ctx),
                        Occupant::Attacker(node) => node.on_pending(ctx),
                    });
                }
            }
        }
    }
    fn call(&mut self, node: NodeId, handler: impl FnOnce(&mut Occupant<P>, &mut Context<'_, P>)) {
        let now = self.queue.now();
        let mut effects = std::mem::take(&mut self.effects);
        let Simulation { seats, shared, committee, cast, .. } = self;
        let (seat, me) = (&mut seats[node.index()], cast.node(node));
        let mut occupant = seat.occupant.take().expect("only nodes that are up handle things");
        let local = seat.show(now);
        let mut desk = Desk { seat, shared, me, at: node, refused: Vec::new() };
        handler(&mut occupant, &mut Context::new(&mut desk, &mut effects, committee, local, me));
        let refused = desk.refused;
        seat.occupant = Some(occupant);
        self.commit(node, &mut effects, &refused);
        self.effects = effects;
    }
}

/// From the handler to the outbox.
impl<P: Protocol> Simulation<P> {
    fn commit(&mut self, node: NodeId, effects: &mut Vec<EffectOf<P>>, refused: &[(Arc<Transaction>, &'static str)]) {
        for (transaction, reason) in refused {
            self.tell(&Observed::Refused { node, transaction, reason });
        }
        if self.seats[node.index()].adversary.is_some() {
            self.rewrite(node, effects);
        }
        let (now, mut spent, mut helpers) = (self.queue.now(), Duration::ZERO, Vec::new());
        for effect in effects.drain(..) {
            let seat = &mut self.seats[node.index()];
            match effect {
                Effect::Spend { work } => {
                    let cores = seat.cores_for(&work);
                    let span = seat.time(self.costs.time_on(&work, cores));
                    if !span.is_zero() {
                        spent += span;
                        seat.busy += seat.time(self.costs.time(&work));
                        seat.outbox.push_back(Waiting::Until(now + spent));
                        helpers.extend((cores > 1).then_some((now + spent, cores - 1)));
                    }
                }
                Effect::Persist { record } => self.write(node, record),
                effect if seat.outbox.is_empty() => self.perform(node, effect),
                effect => {
                    // The old setting of a timer ends with the handler that orders a new one, not when that is performed.
                    if let Effect::SetTimer { timer, .. } | Effect::CancelTimer { timer } = &effect
                        && let Some(slot) = seat.find_timer(*timer)
                    {
                        seat.timers[slot].deadline = Time::NEVER;
                    }
                    seat.outbox.push_back(Waiting::Effect(effect));
                }
            }
        }
        if !spent.is_zero() {
            self.occupy(node, 1, now + spent);
        }
        let mut helping = 0;
        for (until, cores) in helpers.into_iter().rev() {
            self.occupy(node, u32::saturating_sub(cores, helping), until);
            helping = helping.max(cores);
        }
        self.drain(node);
    }
    /// So many cores of a node compute until an instant. Those that help to check signatures are taken when their handler
    /// ends, though what it computes before that is done on one core.
    fn occupy(&mut self, node: NodeId, cores: u32, until: Time) {
        if cores == 0 {
            return;
        }
        let seat = &mut self.seats[node.index()];
        seat.computing += cores;
        let computing = self.computing.insert((seat.boots, cores));
        self.push(until, node.0, Kind::Free, node.0, computing);
    }
    fn rewrite(&mut self, node: NodeId, effects: &mut Vec<EffectOf<P>>) {
        let mut later = Vec::new();
        if let Some(adversary) = &mut self.seats[node.index()].adversary {
            adversary.rewrite(effects, &mut later);
        }
        self.put_off(node, later);
    }
    /// Lets the adversary of a node hear what the node is about to handle.
    fn overhear(&mut self, node: NodeId, payload: u32) {
        let Some(adversary) = &mut self.seats[node.index()].adversary else { return };
        let (me, message, mut later) = (self.cast.node(node), &self.payloads.get(payload).message, Vec::new());
        adversary.hear(message, &|| message.verify(me, &self.shared.keys), &mut later);
        self.put_off(node, later);
    }
    fn put_off(&mut self, node: NodeId, later: Later<P>) {
        for (after, effect) in later {
            let boots = self.seats[node.index()].boots;
            let kept = self.later.insert((boots, effect));
            self.push(self.now() + after, node.0, Kind::Later, node.0, kept);
        }
    }
    pub(super) fn on_later(&mut self, node: NodeId, kept: u32) {
        let (boots, effect) = self.later.remove(kept);
        let seat = &mut self.seats[node.index()];
        if !seat.is_up() || seat.boots != boots {
            return;
        }
        if seat.paused {
            return seat.outbox.push_back(Waiting::Effect(effect));
        }
        self.perform(node, effect);
    }
    /// Hands a record to the disk at once; only what follows it waits.
    fn write(&mut self, node: NodeId, record: P::Record) {
        self.output(1, node, record.bytes() as u64);
        let seat = &mut self.seats[node.index()];
        let number = seat.disk.write(record);
        if number > seat.disk.durable() {
            seat.outbox.push_back(Waiting::Durable(number));
            self.sync(node);
        }
    }
    pub(super) fn sync(&mut self, node: NodeId) {
        let Simulation { seats, shared, .. } = self;
        let seat = &mut seats[node.index()];
        let random = seat.disk_random.get_or_insert_with(|| shared.stream("disk", node, 0));
        if let Some(span) = seat.disk.start(random) {
            let boots = seat.boots;
            self.push(self.now() + span, node.0, Kind::Synced, node.0, boots);
        }
    }
    pub(super) fn on_synced(&mut self, node: NodeId, boots: u32) {
        let seat = &mut self.seats[node.index()];
        if seat.boots == boots && seat.is_up() {
            seat.disk.complete();
            self.sync(node);
            self.drain(node);
        }
    }
    pub(super) fn on_resume(&mut self, node: NodeId, boots: u32) {
        let seat = &mut self.seats[node.index()];
        if seat.boots == boots && seat.is_up() {
            seat.stalled = false;
            self.drain(node);
        }
    }
    /// Performs what waits in the outbox, up to the next thing that must be waited for.
    pub(super) fn drain(&mut self, node: NodeId) {
        let now = self.queue.now();
        loop {
            let seat = &mut self.seats[node.index()];
            if seat.paused {
                return;
            }
            match seat.outbox.front() {
                None => return,
                Some(Waiting::Durable(number)) if *number > seat.disk.durable() => return,
                Some(&Waiting::Until(at)) if at > now => {
                    if !seat.stalled {
                        seat.stalled = true;
                        let boots = seat.boots;
                        self.push(at, node.0, Kind::Resume, node.0, boots);
                    }
                    return;
                }
                Some(_) => {}
            }
            if let Some(Waiting::Effect(effect)) = seat.outbox.pop_front() {
                self.perform(node, effect);
            }
        }
    }
}

/// From the outbox to the world.
impl<P: Protocol> Simulation<P> {
    fn perform(&mut self, node: NodeId, effect: EffectOf<P>) {
        match effect {
            Effect::Send { to, message } => self.send(node, to, message),
            Effect::Broadcast { message } => self.broadcast(node, message),
            Effect::SetTimer { timer, after } => self.set_timer(node, timer, after),
            Effect::CancelTimer { timer } => {
                let seat = &mut self.seats[node.index()];
                if let Some(slot) = seat.find_timer(timer) {
                    seat.timers[slot].deadline = Time::NEVER;
                }
            }
            Effect::Extend { block } => self.extend(node, &block),
            Effect::Rewind { to } => self.rewind(node, to),
            Effect::Finalize { upto } => self.finalize(node, upto),
            Effect::Install { snapshot } => self.install(node, &snapshot),
            Effect::Note { label, value } => self.note(node, label, value),
            Effect::Persist { record } => self.write(node, record),
            Effect::Spend { .. } => {}
        }
    }
    fn note(&mut self, node: NodeId, label: &'static str, value: u64) {
        if label == note::LEADING {
            self.seats[node.index()].led = Some((value, self.queue.now()));
        }
        self.tell(&Observed::Noted { node, label, value });
    }
    fn set_timer(&mut self, node: NodeId, timer: P::Timer, after: Duration) {
        let now = self.queue.now();
        let seat = &mut self.seats[node.index()];
        let slot = seat.timer_slot(timer);
        let number = seat.count();
        let deadline = now + seat.clock.wait(after);
        let kept = &mut seat.timers[slot];
        (kept.deadline, kept.number) = (deadline, number);
        // An entry that is due no later looks at the slot anyway, and goes on to the new deadline.
        if deadline < kept.queued {
            kept.queued = deadline;
            self.push_numbered(deadline, node.0, number, Kind::Timer, node.0, slot as u32);
        }
    }
    /// `node` has come to hold a whole block, if it is the first time.
    fn hold(&mut self, node: NodeId, block: &Arc<Block>) {
        if !self.is_watched() {
            return;
        }
        let node = self.cast.node(node);
        let words = self.seats.len().div_ceil(64);
        let holders = self.held.entry(block.id()).or_insert_with(|| vec![0; words]);
        let (word, bit) = (node.index() / 64, 1u64 << (node.index() % 64));
        if holders[word] & bit == 0 {
            holders[word] |= bit;
            self.tell(&Observed::Held { node, block });
        }
    }
    fn extend(&mut self, node: NodeId, block: &Arc<Block>) {
        let index = self.shared.tree.insert(block).expect("a node extends its chain by a block with a parent");
        assert_eq!(self.shared.tree.parent(index), self.seats[node.index()].tip, "{node} extends its tip by {block:?}");
        let block = self.shared.tree.block(index).clone();
        self.hold(node, &block);
        self.output(2, node, block.id().short());
        self.include(index, &block);
        let seat = &mut self.seats[node.index()];
        seat.tip = index;
        if !seat.pool.is_empty() {
            let executed = self.shared.executor.result(&self.shared.tree, index);
            seat.pool.remove_included(&block, &executed.executed, &self.shared.chain(index));
        }
        if self.is_watched() {
            let result = self.shared.executor.result(&self.shared.tree, index);
            let Executed { executed, root, .. } = &*result;
            self.tell(&Observed::Extended { node, block: &block, executed, root: *root });
        }
        self.stopped |= self.stop.height.is_some_and(|wanted| block.height() >= wanted);
    }
    /// Remembers where transactions are included and tells the audit of the state, once per block.
    fn include(&mut self, index: BlockIndex, block: &Arc<Block>) {
        if self.seen.len() <= index.index() {
            self.seen.resize(self.shared.tree.len(), false);
        }
        if std::mem::replace(&mut self.seen[index.index()], true) {
            return;
        }
        if block.transactions().is_empty() && !self.is_watched() {
            return;
        }
        let result = self.shared.executor.result(&self.shared.tree, index);
        self.shared.inclusions.add(index, block, &result.executed);
        if self.is_watched() {
            self.tell(&Observed::Audited { block, broken: result.broken.as_deref() });
        }
    }
    fn rewind(&mut self, node: NodeId, to: Height) {
        let Simulation { shared, seats, proposers, .. } = self;
        let (tree, seat) = (&shared.tree, &mut seats[node.index()]);
        let (from, old) = (tree.height(seat.tip), seat.tip);
        let tip = tree.ancestor(old, to);
        let finalized = seat.finalized;
        seat.tip = tip;
        seat.finalized = finalized.min(to);
        if proposers[node.index()] {
            let cut = tree.path(tip, old).into_iter().flat_map(|index| tree.block(index).transactions());
            let cut: Vec<Arc<Transaction>> = cut.filter(|t| !t.is_coinbase()).cloned().collect();
            let adversary = &seat.adversary;
            let admits = |t: &Transaction| adversary.as_ref().is_none_or(|adversary| adversary.admits(t));
            seat.pool.take_back(cut, admits, &shared.chain(tip));
        }
        self.output(3, node, to.0);
        self.tell(&Observed::Rewound { node, from, to, finalized });
    }
    fn finalize(&mut self, node: NodeId, upto: Height) {
        let seat = &mut self.seats[node.index()];
        if upto <= seat.finalized {
            return;
        }
        let tree = &self.shared.tree;
        let (first, last) = (tree.ancestor(seat.tip, seat.finalized), tree.ancestor(seat.tip, upto));
        seat.finalized = upto;
        let last_id = tree.block(last).id().short();
        self.output(4, node, last_id);
        for index in self.shared.tree.path(first, last) {
            if self.is_watched() {
                let result = self.shared.executor.result(&self.shared.tree, index);
                let block = self.shared.tree.block(index).clone();
                let Executed { executed, root, .. } = &*result;
                self.tell(&Observed::Finalized { node, block: &block, executed, root: *root });
            }
            self.count_final(node, index);
        }
        self.check_stop();
    }
    fn check_stop(&mut self) {
        let Some(wanted) = self.stop.finalized else { return };
        let behind = |(at, seat): (usize, &Seat<P>)| self.honest[at] && seat.is_up() && seat.finalized < wanted;
        self.stopped |= !self.seats.iter().enumerate().any(behind);
    }
    fn install(&mut self, node: NodeId, snapshot: &Snapshot) {
        let Some(tip) = self.shared.tree.find(&snapshot.block.id()) else { return };
        let seat = &mut self.seats[node.index()];
        let finalized = self.shared.tree.ancestor(seat.tip, seat.finalized);
        let fork = self.shared.tree.fork_point(finalized, tip);
        (seat.tip, seat.finalized) = (tip, snapshot.block.height());
        self.output(5, node, snapshot.block.id().short());
        for index in self.shared.tree.path(fork, tip) {
            let block = self.shared.tree.block(index).clone();
            let executed = self.shared.executor.result(&self.shared.tree, index);
            let chain = self.shared.chain(index);
            self.seats[node.index()].pool.remove_included(&block, &executed.executed, &chain);
            self.count_final(node, index);
        }
        self.hold(node, &snapshot.block);
        self.tell(&Observed::Installed { node, block: &snapshot.block, root: snapshot.root });
        self.check_stop();
    }
}

/// Life and death.
impl<P: Protocol> Simulation<P> {
    /// Starts a node; nothing if it is up.
    pub(super) fn boot(&mut self, node: NodeId) {
        if !self.seats[node.index()].is_up() {
            self.run(node, Job::Boot);
        }
    }
    fn run_boot(&mut self, node: NodeId) {
        let (now, config) = (self.queue.now(), self.config.clone());
        let mut effects = Vec::new();
        let Simulation { seats, shared, committee, cast, .. } = self;
        let (seat, me) = (&mut seats[node.index()], cast.node(node));
        let (log, attack, boot) = (seat.disk.log().to_vec(), seat.attack.clone(), seat.boots);
        seat.boots += 1;
        seat.random = None;
        let local = seat.show(now);
        let mut desk = Desk { seat, shared, me, at: node, refused: Vec::new() };
        let mut ctx = Context::new(&mut desk, &mut effects, committee, local, me);
        let occupant = match attack {
            None => Occupant::Honest(P::boot(&config, &log, &mut ctx)),
            Some(name) => Occupant::Attacker(P::attacker(&name, &config, &log, &mut ctx).expect("a known attack")),
        };
        seat.occupant = Some(occupant);
        (self.up[node.index()], self.trouble.reach_changed) = (true, true);
        let durable = self.shared.tree.block(self.seats[node.index()].tip).clone();
        self.output(6, node, durable.id().short());
        self.tell(&Observed::Booted { node, boot, durable: &durable });
        self.commit(node, &mut effects, &[]);
    }
    /// Stops a node: memory, inbox, outbox, timers, mempool and unfinal chain are gone; what is durable stays.
    pub(super) fn crash(&mut self, node: NodeId, kept: Kept) {
        if !self.seats[node.index()].is_up() {
            return;
        }
        let pool = self.fresh_pool(node);
        let Simulation { seats, shared, .. } = self;
        let seat = &mut seats[node.index()];
        seat.occupant = None;
        (self.up[node.index()], self.trouble.reach_changed) = (false, true);
        seat.paused = false;
        seat.frozen.clear();
        seat.burdens.retain(|(_, burden)| *burden != Burden::Pause);
        seat.computing = 0;
        seat.checked = Checked::default();
        seat.stalled = false;
        seat.outbox.clear();
        seat.pool = pool;
        seat.disk.crash(kept, &mut shared.stream("torn", node, seat.boots));
        seat.timers.iter_mut().for_each(|timer| timer.deadline = Time::NEVER);
        seat.tip = shared.tree.ancestor(seat.tip, seat.finalized);
        match kept {
            Kept::Durable | Kept::Torn | Kept::AllBut(_) => {}
            Kept::Nothing => seat.lose_data(None, &shared.tree),
            Kept::Backup(age) => {
                let now = self.queue.now();
                seat.backups.retain(|backup| backup.made + age >= now);
                let is_there = seat.backups.front().is_some_and(|backup| backup.made + age == now);
                let restored = is_there.then(|| seat.backups.pop_front()).flatten();
                seat.lose_data(restored, &shared.tree);
            }
        }
        let waiting = seat.inbox.drain(..).map(|(job, _)| job);
        let jobs: Vec<Job> = waiting.chain(seat.running.drain(..).map(|(_, job, _)| job)).collect();
        for job in jobs {
            if let Job::Message { payload, .. } = job {
                self.release(payload);
            }
        }
        let mut carried = std::mem::take(&mut self.carried);
        self.network.reset(self.queue.now(), node, &mut carried);
        self.carry(&mut carried);
        self.carried = carried;
        if let Some(gossip) = &mut self.gossip {
            gossip.reset(node);
        }
        self.output(7, node, 0);
        self.tell(&Observed::Crashed { node });
    }
    /// Copies what is durable of a node.
    pub(super) fn back_up(&mut self, node: NodeId) {
        let made = self.queue.now();
        let Simulation { seats, shared, .. } = self;
        let seat = &mut seats[node.index()];
        let last = shared.tree.ancestor(seat.tip, seat.finalized);
        seat.backups.push_back(Backup { made, log: seat.disk.log().to_vec(), last });
    }
    /// A node that is up loses its disk, log and chain included, and starts anew.
    pub(super) fn forget(&mut self, node: NodeId) {
        if !self.seats[node.index()].is_up() {
            return;
        }
        self.crash(node, Kept::Nothing);
        self.boot(node);
    }
}
