//! The life of a transaction: from a client into mempools, and back as an answer.

use super::Simulation;
use crate::base::{NodeId, Work, rng};
use crate::chain::{BlockIndex, Transaction};
use crate::engine::process::{Job, Origin};
use crate::engine::roster::ProcessId;
use crate::engine::setup::StopRule;
use crate::engine::setup::TransactionRelay;
use crate::observe::Observed;
use crate::protocol::Protocol;
use std::sync::Arc;

/// Into mempools.
impl<P: Protocol> Simulation<P> {
    /// A transaction reaches the node that a client submitted it to.
    pub(super) fn on_entry(&mut self, entry: u32) {
        let (node, transaction) = self.clients.on_entry(entry);
        for process in self.roster.processes_of_all(&[node]) {
            if self.processes.is_up(process) {
                self.offer(process, transaction.clone(), Origin::Client);
            }
        }
    }
    /// A transaction reaches a process that is up: it will be checked and may enter the mempool.
    pub(super) fn offer(&mut self, to: ProcessId, transaction: Arc<Transaction>, origin: Origin) {
        let is_new = !self.processes.has_checked(to, self.views.executor().number(&transaction));
        let work = Work::RECEIVE + Work::verify(u32::from(is_new));
        self.enqueue(to, Job::Transaction { transaction, origin }, work);
    }
    /// A transaction reaches a process by sampled delay, unless a cut is in the way.
    pub(super) fn receive_sampled(&mut self, from: ProcessId, to: ProcessId, transaction: Arc<Transaction>) {
        if self.delivery.reaches(from, to) {
            self.offer(to, transaction, Origin::Peer);
        } else {
            self.awaiting_heal.push((from, to, transaction));
        }
    }
    /// A cut ended: what waited behind it goes on.
    pub(super) fn release_awaiting_heal(&mut self) {
        for (from, to, transaction) in std::mem::take(&mut self.awaiting_heal) {
            if self.processes.is_up(to) {
                self.receive_sampled(from, to, transaction);
            }
        }
    }
    /// A checked transaction enters a mempool, and spreads; whether it did.
    pub(super) fn admit(&mut self, process: ProcessId, transaction: Arc<Transaction>, origin: Origin) -> bool {
        let is_included = self.views.is_included(process, &transaction.id());
        if is_included || !self.processes.admits(process, &transaction) {
            return false;
        }
        let admitted = self.views.execution().1.admit(&transaction);
        self.processes.note_checked(process, self.views.executor().number(&transaction));
        if self.processes.pool(process).contains(&transaction.id()) {
            return false;
        }
        let node = process.endpoint();
        let chain = self.views.chain(self.views.tip(process));
        let pool = self.processes.pool_of(process);
        match admitted.and_then(|()| pool.insert(transaction.clone(), &chain)) {
            Err(reason) => {
                self.notify(&Observed::Refused { node, transaction: &transaction, reason });
                if origin == Origin::Client {
                    self.clients.reject(node, transaction, &mut self.agenda);
                }
                return false;
            }
            Ok(replaced) => {
                for transaction in &replaced {
                    self.notify(&Observed::Refused { node, transaction, reason: "replaced or evicted" });
                }
            }
        }
        if self.dissemination.is_gossip() && matches!(self.relay, TransactionRelay::Gossip) {
            self.publish_transaction(process, &transaction, origin);
        } else if origin == Origin::Client {
            self.spread(process, transaction);
        }
        true
    }
    /// Sends a transaction that a client brought on its way to every other mempool.
    fn spread(&mut self, from: ProcessId, transaction: Arc<Transaction>) {
        let TransactionRelay::Sampled(delay, hops) = &self.relay else {
            return self.send_transaction(from, transaction);
        };
        let (now, seed) = (self.agenda.now(), rng::mix(transaction.id().short(), self.seed));
        let (roster, node) = (&self.roster, self.roster.node(from));
        let others = roster.all().filter(|to| roster.node(*to) != node && roster.is_proposer(*to));
        let arrivals = others.map(|to| {
            let one_way = delay.delay(from.endpoint(), to.endpoint(), rng::mix(seed, u64::from(to.0)));
            (now + one_way * u64::from(*hops), to)
        });
        self.delivery.send_sampled(from, transaction, arrivals, &mut self.agenda);
    }
}

/// Retries and answers.
impl<P: Protocol> Simulation<P> {
    pub(super) fn on_retry(&mut self, entry: u32) {
        let (roster, processes) = (&self.roster, &self.processes);
        let is_open = |node: NodeId| processes.is_up(ProcessId::first_of(node));
        self.clients.on_retry(entry, &is_open, roster, &mut self.agenda, &mut self.observers);
    }
    /// A block is final at enough nodes: its clients are answered.
    pub(super) fn on_answer(&mut self, block: u32) {
        let index = BlockIndex(block);
        let result = self.views.result(index);
        let block = self.views.tree().block(index);
        self.clients.on_answer(block, &result.executed, &mut self.agenda, &mut self.observers);
        if matches!(self.course.stop.rule, Some(StopRule::FinalTransactions(wanted)) if self.clients.answered() >= wanted)
        {
            self.agenda.stop();
        }
        self.clients.await_request(&mut self.agenda);
    }
}
