//! What the schedule of faults does to the other rooms, and the life and death of processes.

use super::{Simulation, delivery_context};
use crate::base::{AccountId, Work};
use crate::chain::{Amount, Body, Transaction};
use crate::engine::agenda::{Event, Output, Source};
use crate::engine::delivery::lose;
use crate::engine::faults::{
    FLOOD_ACCOUNTS, FLOOD_BYTES, FLOOD_FEE, Fault, FaultEvent, FloodPayload, FloodRound, Target, seen_from,
};
use crate::engine::messages::MessageTable;
use crate::engine::process::{Condition, Job, LogSurvival, Origin};
use crate::engine::roster::ProcessId;
use crate::network::Change;
use crate::observe::{Loss, Observed};
use crate::protocol::Protocol;
use std::sync::Arc;

/// Beginning and ending.
impl<P: Protocol> Simulation<P> {
    pub(super) fn on_fault(&mut self, entry: u32) {
        let FaultEvent { fault, begins, ends, .. } = self.faults.entry(entry).clone();
        if let Some((fault, label)) = &begins {
            self.notify(&Observed::FaultBegan { fault: *fault, label });
        }
        self.apply(entry, fault);
        if let Some(fault) = ends {
            self.notify(&Observed::FaultEnded { fault });
        }
    }
    fn apply(&mut self, entry: u32, fault: Fault) {
        match fault {
            Fault::Crash(target, kept) => {
                self.faults
                    .targets_at_begin(target, &self.roster)
                    .into_iter()
                    .for_each(|process| self.crash(process, kept));
            }
            Fault::Restart(target) => {
                self.faults.targets_at_end(target).into_iter().for_each(|process| self.boot(process));
            }
            Fault::Impair { id, target, impairment } => {
                let impairment = seen_from(self.agenda.now(), impairment);
                for process in self.faults.targets_at_begin(target, &self.roster) {
                    let condition = self.faults.impair(process, id, impairment);
                    self.set_condition(process, &condition);
                }
            }
            Fault::Network(change) => self.change_network(&change),
            Fault::AtLeader { id, change } => {
                if let [leader] = self.faults.targets_at_begin(Target::Leader(id), &self.roster)[..] {
                    self.change_network(&change.bind(id, Some(leader.endpoint())));
                }
            }
            Fault::Load { id, pace } => self.clients.change_pace(|paces| paces.push((id, pace)), &mut self.agenda),
            Fault::Flood { id, target, payload, gap } => {
                let processes = self.faults.targets_at_begin(target, &self.roster);
                self.faults.begin_flood(id, processes, payload, gap);
                self.agenda.schedule(self.agenda.now() + gap, Source::SCHEDULE, Event::Flood { id });
            }
            Fault::Backup(processes) => {
                for process in processes {
                    let last = self.views.last_final(process);
                    self.processes.back_up(process, last, self.agenda.now());
                }
            }
            Fault::Forget(processes, every) => {
                processes.into_iter().for_each(|process| self.forget(process));
                self.agenda.schedule(self.agenda.now() + every, Source::SCHEDULE, Event::Fault { entry });
            }
            Fault::Lift(id) => self.lift(id),
        }
    }
    fn lift(&mut self, id: u32) {
        for (process, condition) in self.faults.lift(id) {
            self.set_condition(process, &condition);
        }
        self.clients.change_pace(|paces| paces.retain(|(known, _)| *known != id), &mut self.agenda);
    }
    fn change_network(&mut self, change: &Change) {
        self.delivery.change(change, &mut delivery_context!(self));
        self.faults.change_network(change);
        self.release_awaiting_heal();
    }
    /// A process can do more or less, and goes on with what it can do again: it handles what was ready, sends what waited,
    /// and begins what arrived.
    fn set_condition(&mut self, process: ProcessId, condition: &Condition) {
        if !self.processes.set_condition(process, condition) {
            return;
        }
        for job in self.processes.take_checked_meanwhile(process) {
            self.on_job_checked(process, job);
        }
        self.processes.sync(process, &mut self.agenda);
        self.drain(process);
        self.run_waiting(process);
    }
}

/// Floods.
impl<P: Protocol> Simulation<P> {
    pub(super) fn on_flood(&mut self, id: u32) {
        let Some(FloodRound { processes, payload, gap, first }) = self.faults.next_round(id) else { return };
        for (process, number) in processes.into_iter().zip((0..).map(|at| first.wrapping_add(at))) {
            match payload {
                _ if !self.processes.is_up(process) => lose(process, None, Loss::Down, &mut delivery_context!(self)),
                FloodPayload::Messages => {
                    self.enqueue(process, Job::InvalidSignature, Work::RECEIVE + Work::VERIFY);
                }
                FloodPayload::Transactions => {
                    let payment = self.unfunded(number);
                    self.offer(process, payment, Origin::Client);
                }
            }
        }
        self.agenda.schedule(self.agenda.now() + gap, Source::SCHEDULE, Event::Flood { id });
    }
    /// The payment of a flood with this number.
    fn unfunded(&self, number: u32) -> Arc<Transaction> {
        let keys = self.views.executor().accounts();
        let first = keys.len() as u32 - FLOOD_ACCOUNTS;
        let (from, amount) = (AccountId(first + number % FLOOD_ACCOUNTS), Amount::from(number) + 1);
        let body = Body::Transfer { to: AccountId(0), amount };
        Transaction::signed(keys, from, 0, FLOOD_FEE, body, FLOOD_BYTES)
    }
}

/// Life and death.
impl<P: Protocol> Simulation<P> {
    /// Starts a process; nothing if it is up.
    pub(super) fn boot(&mut self, process: ProcessId) {
        if self.processes.is_up(process) {
            return;
        }
        let (handled, boot) = self.processes.boot(process, &mut self.views, self.agenda.now());
        self.faults.booted();
        let durable = self.views.tree().block(self.views.tip(process)).clone();
        self.agenda.record(Output::Booted, process, durable.id().short());
        self.notify(&Observed::Booted { node: process.endpoint(), boot, durable: &durable });
        self.carry_out(process, handled);
    }
    /// Stops a process; nothing if it is down. Its chain ends with what is final.
    pub(super) fn crash(&mut self, process: ProcessId, kept: LogSurvival) {
        if !self.processes.is_up(process) {
            return;
        }
        let (jobs, restored) = self.processes.crash(process, kept, self.agenda.now());
        self.faults.crashed(process);
        self.views.crash(process);
        if let Some(last) = restored {
            self.views.lose(process, last);
            self.faults.lost_data(process);
        }
        for job in jobs {
            if let Job::Message { message, .. } = job {
                self.messages.release(message);
            }
        }
        self.delivery.reset(process, &mut delivery_context!(self));
        self.dissemination.reset(process);
        self.agenda.record(Output::Crashed, process, 0);
        self.notify(&Observed::Crashed { node: process.endpoint() });
    }
    /// A process that is up loses its disk, log and chain included, and starts anew.
    fn forget(&mut self, process: ProcessId) {
        if self.processes.is_up(process) {
            self.crash(process, LogSurvival::Nothing);
            self.boot(process);
        }
    }
}
