//! One chain: the rooms, the loop that moves them, and what one of them hands to another.
//!
//! * `messages`: from a process to others, and back.
//! * `effects`: what a handler ordered, performed.
//! * `transactions`: from clients into mempools.
//! * `faults`: the schedule, and the life and death of processes.

mod effects;
mod faults;
mod messages;
#[cfg(test)]
mod probe;
mod transactions;

use super::agenda::{Agenda, Event, Occurrence, Source};
use super::clients::{ClientSettings, Clients};
use super::delivery::Delivery;
use super::dissemination::Dissemination;
use super::executor::Executor;
use super::faults::Faults;
use super::messages::Messages;
use super::observers::Observers;
use super::process::Processes;
use super::roster::{ProcessId, Roster};
use super::setup::{self, Setup, Stop, TransactionRelay};
use super::views::Views;
use crate::base::{ClientId, Duration, Height, Keyring, NodeId, Time};
use crate::chain::{Block, BlockTree, Transaction};
use crate::observe::fingerprint::{Fingerprint, Timeline};
use crate::observe::{Observed, Observer, Violation};
use crate::protocol::Protocol;
use std::sync::Arc;

/// What delivery and gossip work with besides their own state.
macro_rules! delivery_context {
    ($simulation:expr) => {
        crate::engine::delivery::DeliveryContext {
            agenda: &mut $simulation.agenda,
            observers: &mut $simulation.observers,
            messages: &mut $simulation.messages,
            roster: &$simulation.roster,
        }
    };
}
use delivery_context;

/// When the run ends, and what is done in intervals until then.
struct Course {
    stop: Stop,
    interval: Duration,
    has_booted: bool,
    timeline: Option<Timeline>,
}

/// One chain.
pub struct Simulation<P: Protocol> {
    name: String,
    seed: u64,
    course: Course,
    roster: Roster,
    relay: TransactionRelay,
    agenda: Agenda,
    messages: Messages<P::Message>,
    delivery: Delivery,
    dissemination: Dissemination,
    processes: Processes<P>,
    views: Views,
    clients: Clients,
    faults: Faults,
    /// Sampled transactions that wait behind a cut, each between two processes.
    awaiting_heal: Vec<(ProcessId, ProcessId, Arc<Transaction>)>,
    observers: Observers,
}

/// Making one, and moving it.
impl<P: Protocol> Simulation<P> {
    /// A chain at time zero; nothing has booted yet.
    ///
    /// # Panics
    /// If there are fewer processes than members of the committee, or if an additional process is no twin of any node.
    #[must_use]
    pub fn new(setup: Setup<P>) -> Simulation<P> {
        let Setup { committee, config, .. } = &setup;
        let roster = setup::roster(committee.n(), &setup.processes);
        let roster = roster.with_proposers(|node| P::proposes(config, committee, node));
        let keys = Keyring::new(setup.crypto, setup.seed, "node", committee.n());
        // Each signature is checked once, unless everything is computed anew.
        let keys = if setup.recheck { keys } else { keys.remembering() };
        let clients = ClientSettings {
            delay: setup.client_delay,
            retry: setup.client_retry,
            retransmission: P::RETRANSMISSION,
            replies: u32::try_from(P::client_reply_quorum(committee)).expect("fewer replies than nodes"),
        };
        let count = roster.processes();
        let nodes: Vec<NodeId> = roster.all().map(|process| roster.node(process)).collect();
        let processes = nodes.into_iter().zip(setup.processes);
        let executor = Executor::new(setup.ledger, setup.accounts, setup.recheck);
        let mut simulation = Simulation {
            name: setup.name,
            seed: setup.seed,
            course: Course { stop: setup.stop, interval: setup.interval, has_booted: false, timeline: None },
            relay: setup.relay,
            agenda: Agenda::new(count, setup.interval),
            messages: Messages::new(setup.recheck),
            delivery: Delivery::new(setup.network, count),
            dissemination: Dissemination::new(setup.gossip, count),
            processes: Processes::new(processes, setup.config, (setup.committee, keys), setup.seed, setup.costs),
            views: Views::new(executor, count),
            clients: Clients::new(clients, setup.workload),
            faults: Faults::new(setup.faults, count),
            awaiting_heal: Vec::new(),
            observers: Observers::new(setup.observers, roster.nodes()),
            roster,
        };
        simulation.schedule();
        simulation
    }
    /// Puts the schedule of faults and the first tick and request into the queue.
    fn schedule(&mut self) {
        for (entry, at) in self.faults.times().enumerate() {
            self.agenda.schedule(at, Source::SCHEDULE, Event::Fault { entry: entry as u32 });
        }
        self.agenda.schedule(Time::ZERO + self.course.interval, Source::SCHEDULE, Event::Tick);
        self.clients.await_request(&mut self.agenda);
    }
    /// Starts every process that no fault stops at time zero.
    fn boot_all(&mut self) {
        self.course.has_booted = true;
        let down = self.faults.down_at_start();
        for process in self.roster.all().filter(|process| !down.contains(process)) {
            self.boot(process);
        }
        self.faults.booted();
        self.notify_connected();
    }
    /// Handles events up to and including `until`, at most `most` of them; whether there may be more.
    pub fn advance(&mut self, until: Time, most: u64) -> bool {
        if !self.course.has_booted {
            self.boot_all();
        }
        self.agenda.advance_until(until.min(self.course.stop.at));
        for _ in 0..most {
            let Some(next) = self.agenda.next() else { return false };
            self.handle(&next);
        }
        true
    }
    fn handle(&mut self, next: &Occurrence) {
        match next.event {
            Event::Arrival { to, transmission } => self.on_arrival(to, transmission, (next.source, next.number)),
            Event::FanOut { fan_out, .. } => self.on_fan_out(fan_out),
            Event::DownlinkArrival { arrival, .. } => self.on_downlink_arrival(arrival),
            Event::UplinkWakes { process } => self.delivery.wake(process, &mut delivery_context!(self)),
            Event::Frames { process, frames } => self.on_frames(process, frames),
            Event::Timer { process, slot } => self.on_timer(process, slot),
            Event::JobChecked { process, job } => self.on_job_checked(process, job),
            Event::CoresFree { process, computation } => self.on_cores_free(process, computation),
            Event::OutboxResumes { process, boots } => self.on_outbox_resumes(process, boots),
            Event::Synced { process, boots } => self.on_synced(process, boots),
            Event::Deferred { process, effect } => self.on_deferred(process, effect),
            Event::Request => self.clients.on_request(next.time, &mut self.agenda, &mut self.observers),
            Event::Submission { entry } => self.clients.on_submission(entry, &mut self.agenda, &mut self.observers),
            Event::Entry { entry } => self.on_entry(entry),
            Event::Retry { entry } => self.on_retry(entry),
            Event::Rejection { entry } => self.clients.on_rejection(entry, &mut self.agenda),
            Event::Answer { block } => self.on_answer(block),
            Event::Fault { entry } => self.on_fault(entry),
            Event::Flood { id } => self.on_flood(id),
            Event::Tick => self.on_tick(),
        }
        if self.faults.has_reach_changed() {
            self.notify_connected();
        }
    }
    /// Nothing more happens: the run ends at the present instant, though its end was not reached.
    pub fn stop(&mut self) {
        self.agenda.stop();
    }
    /// Ends the run: last loads, and the observers' last findings. Returns the properties that were broken.
    pub fn finish(&mut self) -> &[Violation] {
        let end = self.end();
        self.notify_loads();
        self.course.timeline = Some(self.agenda.finish(end));
        self.observers.finish(end);
        self.observers.violations()
    }
    /// The instant at which the run ended, or would if it ended now.
    #[must_use]
    pub fn end(&self) -> Time {
        if self.agenda.is_stopped() { self.agenda.now() } else { self.course.stop.at }
    }
}

/// What observers see of all nodes.
impl<P: Protocol> Simulation<P> {
    fn notify(&mut self, observed: &Observed<'_>) {
        self.observers.notify(self.agenda.now(), observed);
    }
    /// Notifies observers of the connected nodes, if they changed.
    #[cold]
    fn notify_connected(&mut self) {
        let (up, committee) = (&self.processes.up()[..self.roster.nodes()], self.processes.committee());
        let weight = |node| committee.weight(node);
        if let Some(nodes) = self.faults.connected(up, weight, P::decisive(committee)) {
            self.observers.notify(self.agenda.now(), &Observed::Connected { nodes });
        }
    }
    fn on_tick(&mut self) {
        self.notify_loads();
        let next = self.agenda.now() + self.course.interval;
        if next <= self.course.stop.at {
            self.agenda.schedule(next, Source::SCHEDULE, Event::Tick);
        }
    }
    fn notify_loads(&mut self) {
        for at in 0..self.roster.nodes() {
            let process = ProcessId::from(at);
            let (sent, received) = self.delivery.bytes(process);
            let (busy, inbox_max, written) = self.processes.take_load(process);
            let (node, pending) = (NodeId::from(at), self.processes.pool(process).len() as u32);
            self.notify(&Observed::Load { node, busy, inbox_max, pending, sent, received, written });
        }
    }
}

/// Looking in from outside. Of a node with twins the first process is meant.
impl<P: Protocol> Simulation<P> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The time of its next event; `None` when nothing will happen before the end.
    pub fn next_time(&mut self) -> Option<Time> {
        if !self.course.has_booted {
            return Some(Time::ZERO);
        }
        let end = self.course.stop.at;
        self.agenda.next_time().filter(|at| *at <= end)
    }
    /// Makes a client submit a transaction to a node at an instant that is not yet past.
    pub fn submit_at(&mut self, at: Time, client: ClientId, node: NodeId, transaction: Arc<Transaction>) {
        self.clients.submit_at(at, client, node, transaction, &mut self.agenda);
    }
    /// Events handled so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.agenda.handled()
    }
    /// The running hash over everything that happened; complete once the run is finished.
    #[must_use]
    pub fn timeline(&self) -> Option<&Timeline> {
        self.course.timeline.as_ref()
    }
    /// The running hash so far.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        self.agenda.fingerprint()
    }
    /// The properties broken so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        self.observers.violations()
    }
    /// The observers, to take their findings.
    pub fn observers(&mut self) -> &mut Vec<Box<dyn Observer>> {
        self.observers.list_mut()
    }
    /// The last block that `node` has finalized.
    #[must_use]
    pub fn finalized(&self, node: NodeId) -> Arc<Block> {
        self.views.tree().block(self.views.last_final(ProcessId::first_of(node))).clone()
    }
    /// The block of `node`'s chain at `height`.
    #[must_use]
    pub fn block_at(&self, node: NodeId, height: Height) -> Option<Arc<Block>> {
        let index = self.views.block_at(ProcessId::first_of(node), height)?;
        Some(self.views.tree().block(index).clone())
    }
    /// The transactions that had an effect in the block of `node`'s chain at `height`; none if it has no such block.
    pub fn executed_at(&mut self, node: NodeId, height: Height) -> Vec<Arc<Transaction>> {
        let Some(index) = self.views.block_at(ProcessId::first_of(node), height) else { return Vec::new() };
        let result = self.views.result(index);
        let transactions = self.views.tree().block(index).transactions().iter().zip(&result.executed);
        transactions.filter(|(_, executed)| **executed).map(|(transaction, _)| transaction.clone()).collect()
    }
    /// Whether `node` runs.
    #[must_use]
    pub fn is_up(&self, node: NodeId) -> bool {
        self.processes.is_up(ProcessId::first_of(node))
    }
    /// All blocks anybody made.
    #[must_use]
    pub fn tree(&self) -> &BlockTree {
        self.views.tree()
    }
    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.roster.nodes()
    }
    /// Number of entries in flight or kept for other processes. Zero when nothing is in flight and all processes are in
    /// sync. For leak tests.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.messages.len() + self.delivery.under_way() + self.dissemination.under_way()
    }
}
