//! The only place that gives effects a meaning: from a job, through a handler, to what the world sees.

use super::{Simulation, delivery_context};
use crate::base::{Height, Work};
use crate::chain::{Block, BlockIndex};
use crate::engine::agenda::Output;
use crate::engine::delivery::lose;
use crate::engine::executor::Executed;
use crate::engine::process::{Computing, Handled, Input, Job};
use crate::engine::roster::ProcessId;
use crate::engine::setup::StopRule;
use crate::observe::{Loss, Observed};
use crate::protocol::{Effect, EffectOf, Message, Protocol, Snapshot, note};
use std::sync::Arc;

/// From the inbox to the handler.
impl<P: Protocol> Simulation<P> {
    /// Puts a job into the inbox of a process, with the work of receiving and checking it.
    pub(super) fn enqueue(&mut self, process: ProcessId, job: Job, work: Work) {
        if let Some(job) = self.processes.enqueue(process, job, work, &mut self.agenda) {
            self.run(process, job);
        }
    }
    /// Begins what waits while there are free cores.
    pub(super) fn run_waiting(&mut self, process: ProcessId) {
        while let Some(job) = self.processes.next_job(process, &mut self.agenda) {
            self.run(process, job);
        }
    }
    pub(super) fn on_job_checked(&mut self, process: ProcessId, job: u32) {
        if let Some(job) = self.processes.checked(process, job) {
            self.run(process, job);
            self.run_waiting(process);
        }
    }
    pub(super) fn on_cores_free(&mut self, process: ProcessId, computation: u32) {
        if self.processes.computed(process, computation) {
            self.run_waiting(process);
        }
    }
    pub(super) fn on_timer(&mut self, process: ProcessId, slot: u32) {
        if let Some(job) = self.processes.look_at_timer(process, slot, &mut self.agenda) {
            self.enqueue(process, job, Work::NONE);
        }
    }
    /// Handles one job.
    fn run(&mut self, process: ProcessId, job: Job) {
        match job {
            Job::InvalidSignature => lose(process, None, Loss::Forged, &mut delivery_context!(self)),
            Job::Message { message, from } => {
                if let Some(block) = self.messages.message(message).block().cloned() {
                    self.block_received(process, &block);
                }
                self.processes.show_to_adversary(process, self.messages.message(message), &mut self.agenda);
                let message = self.messages.open(message);
                self.call(process, Input::Message(from, message));
            }
            Job::Timer { slot, number } => {
                if let Some(timer) = self.processes.fire_timer(process, slot, number) {
                    self.call(process, Input::Timer(timer));
                }
            }
            Job::Transaction { transaction, origin } => {
                if self.admit(process, transaction, origin) {
                    self.call(process, Input::Pending);
                }
            }
        }
    }
    fn call(&mut self, process: ProcessId, input: Input<P>) {
        let handled = self.processes.handle(process, input, &mut self.views, self.agenda.now());
        self.carry_out(process, handled);
    }
}

/// From the handler to the outbox.
impl<P: Protocol> Simulation<P> {
    /// Carries out what a handler ordered, up to what must be waited for.
    pub(super) fn carry_out(&mut self, process: ProcessId, handled: Handled<P>) {
        let Handled { mut effects, rejected } = handled;
        let node = process.endpoint();
        for (transaction, reason) in &rejected {
            self.notify(&Observed::Refused { node, transaction, reason });
        }
        self.processes.rewrite(process, &mut effects, &mut self.agenda);
        let mut computing = Computing::default();
        for effect in effects.drain(..) {
            if let Some(effect) = self.processes.order(process, effect, &mut computing, &mut self.agenda) {
                self.perform(process, effect);
            }
        }
        self.processes.keep_effects(process, computing, effects, &mut self.agenda);
        self.drain(process);
    }
    /// Performs what waits in the outbox, up to what must be waited for.
    pub(super) fn drain(&mut self, process: ProcessId) {
        while let Some(effect) = self.processes.next_effect(process, &mut self.agenda) {
            self.perform(process, effect);
        }
    }
    pub(super) fn on_synced(&mut self, process: ProcessId, boots: u32) {
        if self.processes.synced(process, boots, &mut self.agenda) {
            self.drain(process);
        }
    }
    pub(super) fn on_outbox_resumes(&mut self, process: ProcessId, boots: u32) {
        if self.processes.resumed(process, boots) {
            self.drain(process);
        }
    }
    pub(super) fn on_deferred(&mut self, process: ProcessId, effect: u32) {
        if let Some(effect) = self.processes.take_deferred(process, effect) {
            self.perform(process, effect);
        }
    }
}

/// From the outbox to the world.
impl<P: Protocol> Simulation<P> {
    fn perform(&mut self, process: ProcessId, effect: EffectOf<P>) {
        match effect {
            Effect::Send { to, message } => self.send(process, to, message),
            Effect::Broadcast { message } => self.broadcast(process, message),
            Effect::SetTimer { timer, after } => self.processes.set_timer(process, timer, after, &mut self.agenda),
            Effect::CancelTimer { timer } => self.processes.cancel_timer(process, timer),
            Effect::Persist { record } => self.processes.write(process, record, &mut self.agenda),
            Effect::Extend { block } => self.extend(process, &block),
            Effect::Rewind { to } => self.rewind(process, to),
            Effect::Finalize { upto } => self.finalize(process, upto),
            Effect::Install { snapshot } => self.install(process, &snapshot),
            Effect::Note { label, value } => self.note(process, label, value),
            Effect::Spend { .. } => {}
        }
    }
    fn note(&mut self, process: ProcessId, label: &'static str, value: u64) {
        if label == note::LEADING {
            self.faults.note_leader(process, value, self.agenda.now());
        }
        self.notify(&Observed::Noted { node: process.endpoint(), label, value });
    }
    /// A process has come to have a whole block.
    fn block_received(&mut self, process: ProcessId, block: &Arc<Block>) {
        self.observers.block_received(self.agenda.now(), process, &self.roster, block);
    }
    fn extend(&mut self, process: ProcessId, block: &Arc<Block>) {
        let index = self.views.insert(block).expect("a node extends its chain by a block with a parent");
        self.views.extend(process, index);
        let block = self.views.tree().block(index).clone();
        self.block_received(process, &block);
        self.agenda.record(Output::Extended, process, block.id().short());
        self.include(index, &block);
        if !self.processes.pool(process).is_empty() {
            self.remove_included(process, index, &block);
        }
        if self.observers.is_watched() {
            let result = self.views.result(index);
            let Executed { executed, root, .. } = &*result;
            let node = process.endpoint();
            self.notify(&Observed::Extended { node, block: &block, executed, root: *root });
        }
        if matches!(self.course.stop.rule, Some(StopRule::Height(wanted)) if block.height().0 >= wanted) {
            self.agenda.stop();
        }
    }
    /// Notes what a block includes, and notifies of the state after it, once per block.
    fn include(&mut self, index: BlockIndex, block: &Arc<Block>) {
        let is_watched = self.observers.is_watched();
        if self.views.include(index, is_watched) && is_watched {
            let result = self.views.result(index);
            self.notify(&Observed::Audited { block, broken: result.broken.as_deref() });
        }
    }
    /// What a block includes leaves the mempool of a process whose chain ends with it.
    fn remove_included(&mut self, process: ProcessId, index: BlockIndex, block: &Block) {
        let result = self.views.result(index);
        self.processes.pool_of(process).remove_included(block, &result.executed, &self.views.chain(index));
    }
    fn rewind(&mut self, process: ProcessId, to: Height) {
        let rewound = self.views.rewind(process, to);
        if self.roster.is_proposer(process) {
            let chain = self.views.chain(self.views.tip(process));
            self.processes.take_back(process, rewound.cut, &chain);
        }
        self.agenda.record(Output::Rewound, process, to.0);
        let (node, from, finalized) = (process.endpoint(), rewound.from, rewound.finalized);
        self.notify(&Observed::Rewound { node, from, to, finalized });
    }
    fn finalize(&mut self, process: ProcessId, upto: Height) {
        let blocks = self.views.finalize(process, upto);
        let Some(last) = blocks.last() else { return };
        self.agenda.record(Output::Finalized, process, self.views.tree().block(*last).id().short());
        for index in blocks {
            if self.observers.is_watched() {
                let result = self.views.result(index);
                let block = self.views.tree().block(index).clone();
                let Executed { executed, root, .. } = &*result;
                let node = process.endpoint();
                self.notify(&Observed::Finalized { node, block: &block, executed, root: *root });
            }
            self.confirm(process, index);
        }
        self.stop_if_finalized();
    }
    fn install(&mut self, process: ProcessId, snapshot: &Snapshot) {
        let Some(blocks) = self.views.install(process, snapshot) else { return };
        self.agenda.record(Output::Installed, process, snapshot.block.id().short());
        for index in blocks {
            let block = self.views.tree().block(index).clone();
            self.remove_included(process, index, &block);
            self.confirm(process, index);
        }
        self.block_received(process, &snapshot.block);
        let node = process.endpoint();
        self.notify(&Observed::Installed { node, block: &snapshot.block, root: snapshot.root });
        self.stop_if_finalized();
    }
    /// The run ends when all honest nodes that are up have finalized the height that it was to stop at.
    fn stop_if_finalized(&mut self) {
        let Some(StopRule::FinalHeight(wanted)) = self.course.stop.rule else { return };
        let is_behind = |process: &ProcessId| {
            self.roster.is_honest(*process)
                && self.processes.is_up(*process)
                && self.views.finalized(*process).0 < wanted
        };
        if !self.roster.all().any(|process| is_behind(&process)) {
            self.agenda.stop();
        }
    }
    /// A process declares a block final: its node counts once, whichever of its twins is the first.
    fn confirm(&mut self, process: ProcessId, block: BlockIndex) {
        let mut twins = self.roster.processes_of(self.roster.node(process));
        let is_counted = self.views.was_final_before_loss(process, block)
            || twins.any(|twin| twin != process && self.views.is_final(twin, block));
        if !is_counted {
            self.clients.confirm(block, self.views.tree().len(), &mut self.agenda);
        }
    }
}
