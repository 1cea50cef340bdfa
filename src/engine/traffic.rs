//! Clients: they hand transactions to nodes, wait, try again, and are answered.
//!
//! Who has no answer in time hands the same bytes in again, to the next node in turn or to all of them
//! ([`Retransmission`]). A node whose process is down refuses the connection, so that the client asks the one after it at
//! once; one that is cut off does not answer, and costs the client its patience. A node that knows the transaction does
//! nothing about it but read it; one that does not takes it in and spreads it.

use super::mail::{Content, Sending};
use super::seat::{Job, Origin, Seat};
use super::simulation::{CLIENTS, Kind, Shared, Simulation, TransactionRelay};
use crate::base::{ClientId, Duration, NodeId, Time, Work, rng};
use crate::chain::{BlockIndex, Transaction};
use crate::observe::Observed;
use crate::protocol::{Protocol, Retransmission};
use crate::workload::{Receipt, Request};
use std::sync::Arc;

/// How many times its first patience a client's patience becomes at most. Doubling keeps retries from adding to an
/// overload; the bound keeps a chain whose load has ended from idling while clients wait.
pub const PATIENCE_MOST: u64 = 8;

/// What a client knows of its transaction.
pub(super) struct Client {
    pub id: ClientId,
    /// Whether it believes the transaction final, executed or not.
    pub answered: bool,
    /// How long it waits next before it tries again.
    pub patience: Duration,
}

impl<P: Protocol> Simulation<P> {
    /// Makes sure that the queue wakes the workload at its next request.
    pub(super) fn await_request(&mut self) {
        let next = self.workload.as_ref().and_then(|workload| workload.next());
        if let Some(at) = next.map(|at| self.trouble.pace.when(at)).filter(|at| *at < self.request_at) {
            self.request_at = at.max(self.queue.now());
            self.push(self.request_at, CLIENTS, Kind::Request, 0, 0);
        }
    }
    pub(super) fn on_request(&mut self, now: Time) {
        if now != self.request_at {
            return;
        }
        self.request_at = Time::NEVER;
        let workload = self.workload.as_mut().expect("a workload asked to be woken");
        if workload.next().is_some_and(|at| at <= self.trouble.pace.show(now)) {
            match workload.take() {
                Some(Request { client, node, transaction, .. }) => self.submit(client, node, transaction),
                None => self.tell(&Observed::Unmade),
            }
        }
        self.await_request();
    }
    /// Makes a client hand a transaction to a node at an instant that is not yet past.
    pub fn submit_at(&mut self, at: Time, client: ClientId, node: NodeId, transaction: Arc<Transaction>) {
        let entry = self.submitting.insert((client, node, transaction));
        self.push(at, CLIENTS, Kind::Submit, 0, entry);
    }
    pub(super) fn on_submit(&mut self, entry: u32) {
        let (client, node, transaction) = self.submitting.remove(entry);
        self.submit(client, node, transaction);
    }
    /// A client hands a transaction to a node, for the first time or again.
    fn submit(&mut self, client: ClientId, node: NodeId, transaction: Arc<Transaction>) {
        let again = self.clients.contains_key(&transaction.id());
        self.tell(&Observed::Submitted { client, node, transaction: &transaction, again });
        if again {
            return self.enter(node, transaction);
        }
        let patience = self.client_retry.unwrap_or(Duration::ZERO);
        let known = Client { id: client, answered: false, patience };
        self.clients.insert(transaction.id(), known);
        self.enter(node, transaction.clone());
        if self.client_retry.is_some() {
            let entry = self.entering.insert((node, transaction));
            self.push(self.queue.now() + patience, CLIENTS, Kind::Retry, 0, entry);
        }
    }
    fn enter(&mut self, node: NodeId, transaction: Arc<Transaction>) {
        let entry = self.entering.insert((node, transaction));
        self.push(self.queue.now() + self.client_delay, CLIENTS, Kind::Enter, 0, entry);
    }
    pub(super) fn on_enter(&mut self, entry: u32) {
        let (node, transaction) = self.entering.remove(entry);
        for seat in self.cast.all_seats(&[node]) {
            if self.seats[seat.index()].is_up() {
                self.offer(seat, transaction.clone(), Origin::Client);
            }
        }
    }
    pub(super) fn on_retry(&mut self, entry: u32) {
        let (last, transaction) = self.entering.remove(entry);
        let longest = self.client_retry.unwrap_or(Duration::ZERO) * PATIENCE_MOST;
        let Some(client) = self.clients.get_mut(&transaction.id()).filter(|client| !client.answered) else { return };
        client.patience = (client.patience * 2).min(longest);
        let (id, patience) = (client.id, client.patience);
        let next = self.next_after(last);
        let asked: Vec<NodeId> = match P::RETRANSMISSION {
            Retransmission::NextNode => next.into_iter().collect(),
            Retransmission::AllNodes => {
                (0..self.cast.nodes()).map(NodeId::from).filter(|node| self.takes(*node)).collect()
            }
        };
        // Of many that are asked, observers are told of one that follows the protocol.
        let told = asked.iter().copied().find(|node| self.honest[node.index()]).or(next);
        if let Some(node) = told {
            self.tell(&Observed::Submitted { client: id, node, transaction: &transaction, again: true });
        }
        asked.into_iter().for_each(|node| self.enter(node, transaction.clone()));
        let entry = self.entering.insert((next.unwrap_or(last), transaction));
        self.push(self.queue.now() + patience, CLIENTS, Kind::Retry, 0, entry);
    }
    /// The node that a client asks after `last`.
    fn next_after(&self, last: NodeId) -> Option<NodeId> {
        let nodes = self.cast.nodes();
        let mut in_turn = (1..=nodes).map(|step| NodeId::from((last.index() + step) % nodes));
        in_turn.find(|node| self.takes(*node))
    }
    /// Whether a node lets a client hand in a transaction.
    fn takes(&self, node: NodeId) -> bool {
        self.up[node.index()] && self.proposers[node.index()]
    }
    /// A client that will not try again hears from its node that its transaction was refused.
    pub(super) fn on_refusal(&mut self, entry: u32) {
        let (_, transaction) = self.entering.remove(entry);
        let (at, client) = (self.trouble.pace.show(self.queue.now()), self.clients.get(&transaction.id()));
        let Some(client) = client.filter(|client| !client.answered).map(|client| client.id) else { return };
        if let Some(workload) = &mut self.workload {
            workload.on_receipt(&Receipt { at, client, transaction, executed: false });
        }
        self.await_request();
    }
    /// A transaction reaches a node that is up: it will be checked and may enter the mempool.
    pub(super) fn offer(&mut self, node: NodeId, transaction: Arc<Transaction>, origin: Origin) {
        let is_new = !self.has_checked(node, &transaction);
        let work = Work::RECEIVE + Work::verify(u32::from(is_new));
        self.enqueue(node, Job::Transaction { transaction, origin }, work);
    }
    /// A transaction spreading by sampled delay reaches a node.
    pub(super) fn hear(&mut self, node: NodeId, from: NodeId, transaction: Arc<Transaction>) {
        let by_network = matches!(self.relay, TransactionRelay::Gossip);
        if by_network || self.network.reaches(from, node) {
            self.offer(node, transaction, Origin::Peer);
        } else {
            self.behind_cuts.push((from, node, transaction));
        }
    }
    /// A cut ended: what waited behind it goes on.
    pub(super) fn release_behind_cuts(&mut self) {
        for (from, node, transaction) in std::mem::take(&mut self.behind_cuts) {
            if self.seats[node.index()].is_up() {
                self.hear(node, from, transaction);
            }
        }
    }
    /// A checked transaction enters a mempool, and spreads.
    pub(super) fn pool(&mut self, node: NodeId, transaction: Arc<Transaction>, origin: Origin) -> bool {
        if self.is_included(node, &transaction) || !self.seats[node.index()].admits(&transaction) {
            return false;
        }
        let admitted = self.shared.executor.admit(&transaction);
        let seat = &mut self.seats[node.index()];
        if let Some(number) = self.shared.executor.number(&transaction) {
            seat.checked.add(number);
        }
        if seat.pool.contains(&transaction.id()) {
            return false;
        }
        let chain = self.shared.chain(seat.tip);
        match admitted.and_then(|()| seat.pool.insert(transaction.clone(), &chain)) {
            Err(reason) => {
                self.tell(&Observed::Refused { node, transaction: &transaction, reason });
                // It waits nowhere else: who tries once only has handed it to this node alone.
                if origin == Origin::Client && self.client_retry.is_none() {
                    let entry = self.entering.insert((node, transaction));
                    self.push(self.queue.now() + self.client_delay, CLIENTS, Kind::Refusal, 0, entry);
                }
                return false;
            }
            Ok(replaced) => {
                for transaction in &replaced {
                    self.tell(&Observed::Refused { node, transaction, reason: "replaced or evicted" });
                }
            }
        }
        if self.gossip.is_some() && matches!(self.relay, TransactionRelay::Gossip) {
            self.publish_transaction(node, &transaction, origin);
        } else if origin == Origin::Client {
            self.spread_transaction(node, transaction);
        }
        true
    }
    /// Whether a node has found, since it started, that the transaction is its sender's.
    fn has_checked(&self, node: NodeId, transaction: &Transaction) -> bool {
        let number = self.shared.executor.number(transaction);
        number.is_some_and(|number| self.seats[node.index()].checked.holds(number))
    }
    /// Whether `node`'s chain holds the transaction.
    fn is_included(&self, node: NodeId, transaction: &Transaction) -> bool {
        let Shared { inclusions, tree, .. } = &self.shared;
        inclusions.holds(tree, self.seats[node.index()].tip, &transaction.id())
    }
    /// Sends a transaction that a client brought on its way to every other mempool.
    fn spread_transaction(&mut self, from: NodeId, transaction: Arc<Transaction>) {
        let TransactionRelay::Sampled(delay, hops) = &self.relay else {
            return self.send_transaction(from, transaction);
        };
        let (now, word) = (self.queue.now(), rng::mix(transaction.id().short(), self.shared.seed));
        let mut arrivals = self.idle_spreads.pop().unwrap_or_default();
        let seats = &mut self.seats;
        for to in (0..self.proposers.len()).map(NodeId::from).filter(|to| self.cast.node(*to) != self.cast.node(from)) {
            if self.proposers[to.index()] {
                let one_way = delay.delay(from, to, rng::mix(word, u64::from(to.0)));
                arrivals.push((now + one_way * u64::from(*hops), seats[from.index()].count(), to));
            }
        }
        if arrivals.is_empty() {
            return;
        }
        let (copies, bytes) = (arrivals.len() as u32, transaction.bytes() as u64);
        let sending = Sending { content: Content::Transaction(transaction), from, bytes, copies };
        let sending = self.sendings.insert(sending);
        self.spread(sending, from, arrivals);
    }
    /// A block became final at enough nodes: its clients are answered.
    pub(super) fn count_final(&mut self, seat: NodeId, block: BlockIndex) {
        if self.shared.tree.height(block) <= self.seats[seat.index()].forgotten || self.has_said(seat, block) {
            return;
        }
        if self.finals.len() <= block.index() {
            self.finals.resize(self.shared.tree.len(), 0);
        }
        let finals = &mut self.finals[block.index()];
        *finals += 1;
        if *finals == self.replies {
            self.push(self.queue.now() + self.client_delay, CLIENTS, Kind::Answer, 0, block.0);
        }
    }
    /// Whether a twin of `seat` has said that `block` is final: clients count nodes.
    fn has_said(&self, seat: NodeId, block: BlockIndex) -> bool {
        let tree = &self.shared.tree;
        let is_final = |twin: &Seat<P>| {
            let tip = tree.ancestor(twin.tip, twin.finalized);
            tree.is_ancestor(block, tip)
        };
        self.cast.seats(self.cast.node(seat)).any(|twin| twin != seat && is_final(&self.seats[twin.index()]))
    }
    pub(super) fn on_answer(&mut self, block: u32) {
        let block = BlockIndex(block);
        let executed = self.shared.executor.result(&self.shared.tree, block).executed.clone();
        let block = self.shared.tree.block(block).clone();
        for (transaction, executed) in block.transactions().iter().zip(executed) {
            let Some(client) = self.clients.get_mut(&transaction.id()) else { continue };
            if std::mem::replace(&mut client.answered, true) {
                continue;
            }
            let (at, id) = (self.queue.now(), client.id);
            self.answered += 1;
            self.tell(&Observed::Answered { client: id, transaction: transaction.id(), executed });
            if let Some(workload) = &mut self.workload {
                workload.on_receipt(&Receipt {
                    at: self.trouble.pace.show(at),
                    client: id,
                    transaction: transaction.clone(),
                    executed,
                });
            }
        }
        self.stopped |= self.stop.answered.is_some_and(|wanted| self.answered >= wanted);
        self.await_request();
    }
}
