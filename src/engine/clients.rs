//! Clients: they submit transactions to nodes, wait, try again, and are answered.
//!
//! A client that has no answer in time submits the same bytes again, to the next node in turn or to all of them
//! ([`Retransmission`]). A node whose process is down refuses the connection, so that the client asks the one after it at
//! once; one that is cut off does not answer, and the client waits in vain. A node that knows the transaction only
//! reads it; a node that does not know it adds it to its mempool and relays it.
//!
//! Clients know nodes, and what nodes declare final. Everything here crosses nodes.

use super::agenda::{Agenda, Event, Source};
use super::observers::Observers;
use super::roster::{ProcessId, Roster};
use super::slab::Slab;
use crate::base::{ClientId, Duration, Hash, NodeId, Time};
use crate::chain::{Block, BlockIndex, Transaction};
use crate::observe::Observed;
use crate::protocol::Retransmission;
use crate::workload::{Receipt, Request, Workload};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// How many times its first wait a client waits at most. Doubling keeps retries from adding to an overload; the bound
/// keeps a chain whose load has ended from idling while clients wait.
pub const RETRY_FACTOR_MAX: u64 = 8;

/// How clients behave.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientSettings {
    /// One-way delay between a client and its node.
    pub delay: Duration,
    /// How long a client waits before it tries again; never if left out.
    pub retry: Option<Duration>,
    /// Which nodes it asks then.
    pub retransmission: Retransmission,
    /// How many nodes must report a block final before clients accept it.
    pub replies: u32,
}

/// What a client knows of its transaction.
struct Submitted {
    client: ClientId,
    /// Whether it has accepted the transaction as final, executed or not.
    is_answered: bool,
    /// How long it waits next before it tries again.
    wait: Duration,
}

/// All clients of a chain.
pub(super) struct Clients {
    settings: ClientSettings,
    workload: Option<Box<dyn Workload>>,
    submitted: FxHashMap<Hash, Submitted>,
    /// How many nodes have each block final.
    confirmations: Vec<u32>,
    submissions: Slab<(ClientId, NodeId, Arc<Transaction>)>,
    /// Transactions on their way to nodes, waiting for a retry, or on their way back.
    entries: Slab<(NodeId, Arc<Transaction>)>,
    /// The time of the next request that is in the queue.
    request_at: Time,
    pace: Pace,
    answered: u64,
}

impl Clients {
    pub fn new(settings: ClientSettings, workload: Option<Box<dyn Workload>>) -> Clients {
        Clients {
            settings,
            workload,
            submitted: FxHashMap::default(),
            confirmations: Vec::new(),
            submissions: Slab::default(),
            entries: Slab::default(),
            request_at: Time::NEVER,
            pace: Pace::default(),
            answered: 0,
        }
    }
    /// How many transactions were answered.
    pub fn answered(&self) -> u64 {
        self.answered
    }
    /// Makes sure that the queue wakes the workload at its next request.
    pub fn await_request(&mut self, agenda: &mut Agenda) {
        let next = self.workload.as_ref().and_then(|workload| workload.next());
        if let Some(at) = next.map(|at| self.pace.when(at)).filter(|at| *at < self.request_at) {
            self.request_at = at.max(agenda.now());
            agenda.schedule(self.request_at, Source::CLIENTS, Event::Request);
        }
    }
    /// From now on clients ask more or less often.
    pub fn change_pace(&mut self, change: impl FnOnce(&mut Vec<(u32, u32)>), agenda: &mut Agenda) {
        self.pace.change(agenda.now(), change);
        self.request_at = Time::NEVER;
        self.await_request(agenda);
    }
}

/// Submitting.
impl Clients {
    pub fn on_request(&mut self, now: Time, agenda: &mut Agenda, observers: &mut Observers) {
        if now != self.request_at {
            return;
        }
        self.request_at = Time::NEVER;
        let workload = self.workload.as_mut().expect("a workload asked to be woken");
        if workload.next().is_some_and(|at| at <= self.pace.show(now)) {
            match workload.take() {
                Some(Request { client, node, transaction, .. }) => {
                    self.submit(client, node, transaction, agenda, observers);
                }
                None => observers.notify(now, &Observed::Unmade),
            }
        }
        self.await_request(agenda);
    }
    /// Makes a client submit a transaction to a node at an instant that is not yet past.
    pub fn submit_at(
        &mut self,
        at: Time,
        client: ClientId,
        node: NodeId,
        transaction: Arc<Transaction>,
        agenda: &mut Agenda,
    ) {
        let entry = self.submissions.insert((client, node, transaction));
        agenda.schedule(at, Source::CLIENTS, Event::Submission { entry });
    }
    pub fn on_submission(&mut self, entry: u32, agenda: &mut Agenda, observers: &mut Observers) {
        let (client, node, transaction) = self.submissions.remove(entry);
        self.submit(client, node, transaction, agenda, observers);
    }
    /// A client submits a transaction to a node, for the first time or again.
    fn submit(
        &mut self,
        client: ClientId,
        node: NodeId,
        transaction: Arc<Transaction>,
        agenda: &mut Agenda,
        observers: &mut Observers,
    ) {
        let again = self.submitted.contains_key(&transaction.id());
        observers.notify(agenda.now(), &Observed::Submitted { client, node, transaction: &transaction, again });
        if again {
            return self.deliver(node, transaction, agenda);
        }
        let wait = self.settings.retry.unwrap_or(Duration::ZERO);
        self.submitted.insert(transaction.id(), Submitted { client, is_answered: false, wait });
        self.deliver(node, transaction.clone(), agenda);
        if self.settings.retry.is_some() {
            let entry = self.entries.insert((node, transaction));
            agenda.schedule(agenda.now() + wait, Source::CLIENTS, Event::Retry { entry });
        }
    }
    fn deliver(&mut self, node: NodeId, transaction: Arc<Transaction>, agenda: &mut Agenda) {
        let entry = self.entries.insert((node, transaction));
        agenda.schedule(agenda.now() + self.settings.delay, Source::CLIENTS, Event::Entry { entry });
    }
    /// A transaction reaches the node that it was submitted to.
    pub fn on_entry(&mut self, entry: u32) -> (NodeId, Arc<Transaction>) {
        self.entries.remove(entry)
    }
    /// A client's wait for an answer has timed out. `is_open` returns whether a node that proposes
    /// accepts connections.
    pub fn on_retry(
        &mut self,
        entry: u32,
        is_open: &dyn Fn(NodeId) -> bool,
        roster: &Roster,
        agenda: &mut Agenda,
        observers: &mut Observers,
    ) {
        let (last, transaction) = self.entries.remove(entry);
        let longest = self.settings.retry.unwrap_or(Duration::ZERO) * RETRY_FACTOR_MAX;
        let waiting = self.submitted.get_mut(&transaction.id()).filter(|submitted| !submitted.is_answered);
        let Some(submitted) = waiting else { return };
        submitted.wait = (submitted.wait * 2).min(longest);
        let (client, wait) = (submitted.client, submitted.wait);
        let next = roster.proposing_after(last).find(|node| is_open(*node));
        let asked: Vec<NodeId> = match self.settings.retransmission {
            Retransmission::NextNode => next.into_iter().collect(),
            Retransmission::AllNodes => roster.proposing().iter().copied().filter(|node| is_open(*node)).collect(),
        };
        // Of many that are asked, observers see one that follows the protocol.
        let shown = asked.iter().copied().find(|node| roster.is_honest(ProcessId::first_of(*node))).or(next);
        if let Some(node) = shown {
            let retry = Observed::Submitted { client, node, transaction: &transaction, again: true };
            observers.notify(agenda.now(), &retry);
        }
        asked.into_iter().for_each(|node| self.deliver(node, transaction.clone(), agenda));
        let entry = self.entries.insert((next.unwrap_or(last), transaction));
        agenda.schedule(agenda.now() + wait, Source::CLIENTS, Event::Retry { entry });
    }
}

/// Answers.
impl Clients {
    /// A node rejects a transaction that it had from a client, and that waits nowhere else: if the client tries once only,
    /// it learns of it.
    pub fn reject(&mut self, node: NodeId, transaction: Arc<Transaction>, agenda: &mut Agenda) {
        if self.settings.retry.is_none() {
            let entry = self.entries.insert((node, transaction));
            agenda.schedule(agenda.now() + self.settings.delay, Source::CLIENTS, Event::Rejection { entry });
        }
    }
    pub fn on_rejection(&mut self, entry: u32, agenda: &mut Agenda) {
        let (_, transaction) = self.entries.remove(entry);
        let submitted = self.submitted.get(&transaction.id()).filter(|submitted| !submitted.is_answered);
        let Some(client) = submitted.map(|submitted| submitted.client) else { return };
        let at = self.pace.show(agenda.now());
        if let Some(workload) = &mut self.workload {
            workload.on_receipt(&Receipt { at, client, transaction, executed: false });
        }
        self.await_request(agenda);
    }
    /// One more node has a block final. When enough have, its clients are answered. There are `blocks` by now.
    pub fn confirm(&mut self, block: BlockIndex, blocks: usize, agenda: &mut Agenda) {
        if self.confirmations.len() <= block.index() {
            self.confirmations.resize(blocks, 0);
        }
        let confirmations = &mut self.confirmations[block.index()];
        *confirmations += 1;
        if *confirmations == self.settings.replies {
            agenda.schedule(agenda.now() + self.settings.delay, Source::CLIENTS, Event::Answer { block: block.0 });
        }
    }
    /// The clients of a block learn that it is final, and which of its transactions were executed.
    pub fn on_answer(&mut self, block: &Block, executed: &[bool], agenda: &mut Agenda, observers: &mut Observers) {
        let now = agenda.now();
        for (transaction, &executed) in block.transactions().iter().zip(executed) {
            let Some(submitted) = self.submitted.get_mut(&transaction.id()) else { continue };
            if std::mem::replace(&mut submitted.is_answered, true) {
                continue;
            }
            let client = submitted.client;
            self.answered += 1;
            observers.notify(now, &Observed::Answered { client, transaction: transaction.id(), executed });
            if let Some(workload) = &mut self.workload {
                let (at, transaction) = (self.pace.show(now), transaction.clone());
                workload.on_receipt(&Receipt { at, client, transaction, executed });
            }
        }
    }
}

#[cfg(test)]
impl Clients {
    pub fn wait_of(&self, transaction: &Hash) -> Option<Duration> {
        self.submitted.get(transaction).map(|submitted| submitted.wait)
    }
    pub fn confirmations_max(&self) -> Option<u32> {
        self.confirmations.iter().max().copied()
    }
}

/// The relation between the time of the clients, by which they ask, and true time.
#[derive(Clone, Debug)]
struct Pace {
    /// The pace of each fault in force, in thousandths.
    paces: Vec<(u32, u32)>,
    /// The two times that the present pace starts from.
    since: (Time, Time),
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { paces: Vec::new(), since: (Time::ZERO, Time::ZERO) }
    }
}

impl Pace {
    fn thousandths(&self) -> u64 {
        self.paces.iter().fold(1000, |product, (_, pace)| (product * u64::from(*pace) / 1000).max(1))
    }
    /// The clients' time at a true instant.
    fn show(&self, now: Time) -> Time {
        self.since.1 + now.since(self.since.0).scale(self.thousandths(), 1000)
    }
    /// The first true instant at which the clients' time is at least `shown`.
    fn when(&self, shown: Time) -> Time {
        if shown == Time::NEVER {
            return Time::NEVER;
        }
        let pace = self.thousandths();
        let at = self.since.0 + shown.since(self.since.1).scale(1000, pace);
        if self.show(at) < shown { at + Duration::from_nanos(1000u64.div_ceil(pace)) } else { at }
    }
    fn change(&mut self, now: Time, change: impl FnOnce(&mut Vec<(u32, u32)>)) {
        self.since = (now, self.show(now));
        change(&mut self.paces);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn clients_are_answered_when_as_many_nodes_confirm_as_they_need_and_once() {
        let settings =
            ClientSettings { delay: SECOND, retry: None, retransmission: Retransmission::NextNode, replies: 2 };
        let (mut clients, mut agenda) = (Clients::new(settings, None), Agenda::new(1, SECOND));
        agenda.advance_until(Time::NEVER);
        for _ in 0..4 {
            clients.confirm(BlockIndex(1), 2, &mut agenda);
        }
        let answer = agenda.next().map(|next| (next.time, next.event));
        assert_eq!(answer, Some((Time::ZERO + SECOND, Event::Answer { block: 1 })));
        assert!(agenda.next().is_none());
    }

    #[test]
    fn twice_the_pace_takes_half_the_time() {
        let at = |seconds| Time::ZERO + SECOND * seconds;
        let mut pace = Pace::default();
        pace.change(at(2), |paces| paces.push((7, 2_000)));
        assert_eq!((pace.show(at(4)), pace.when(at(6))), (at(6), at(4)));
        pace.change(at(4), Vec::clear);
        assert_eq!((pace.show(at(5)), pace.when(at(7))), (at(7), at(5)));
    }
}
