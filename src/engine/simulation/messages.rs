//! The life of a message: from the process that sends it to those that receive it.

use super::{Simulation, delivery_context};
use crate::base::wire::FRAMING_BYTES;
use crate::base::{NodeId, Wire};
use crate::chain::Transaction;
use crate::engine::agenda::Source;
use crate::engine::delivery::{Content, Copy, TRANSACTION_KIND};
use crate::engine::dissemination::{ItemContent, Known, ReceivedFrame, Relayer, send_frames};
use crate::engine::messages::MessageTable;
use crate::engine::process::{Job, Origin};
use crate::engine::roster::ProcessId;
use crate::engine::setup::TransactionRelay;
use crate::network::gossip::{Class, Item, Post, RelayMessage};
use crate::protocol::{Message, Protocol, Relay};
use std::sync::Arc;

/// Sending.
impl<P: Protocol> Simulation<P> {
    fn store(&mut self, from: ProcessId, message: P::Message, is_corrupt: bool) -> u32 {
        self.messages.insert(message, self.roster.node(from), is_corrupt)
    }
    /// Sends a message to one peer, past all gossip.
    pub(super) fn send(&mut self, from: ProcessId, to: NodeId, message: P::Message) {
        let is_corrupt = self.processes.corrupts_next_message(from);
        let message = self.store(from, message, is_corrupt);
        self.transmit(from, Some(to), message);
    }
    /// Spreads a message to all other nodes.
    pub(super) fn broadcast(&mut self, from: ProcessId, message: P::Message) {
        let is_corrupt = self.processes.corrupts_next_message(from);
        if self.dissemination.is_gossip() {
            return self.publish_message(from, message, is_corrupt);
        }
        // All nodes receive it from its maker, so a relayed copy is not sent again.
        if let Some(key) = message.identity().filter(|_| message.relay() == Relay::OnBroadcast && !is_corrupt) {
            // Not from a twin, which does not reach all nodes.
            let reaches_all = !self.roster.has_restricted_peers(from);
            if self.dissemination.is_repeated(key, reaches_all) {
                return;
            }
        }
        let message = self.store(from, message, is_corrupt);
        self.transmit(from, None, message);
    }
    /// Hands a message to the uplink of a process, for the processes of one node or for all with which it communicates.
    fn transmit(&mut self, from: ProcessId, to: Option<NodeId>, message: u32) {
        self.messages.retain(message);
        let (roster, envelope) = (&self.roster, self.messages.envelope(message));
        let content = (Content::Message(message), envelope.bytes, envelope.kind);
        let is_reached = |to: &ProcessId| roster.can_communicate(from, *to);
        let context = &mut delivery_context!(self);
        let is_sent = match to {
            Some(node) => self.delivery.send(from, roster.processes_of(node).filter(is_reached), content, context),
            None => self.delivery.send(from, roster.all().filter(is_reached), content, context),
        };
        if !is_sent {
            self.messages.release(message);
        }
    }
    /// Sends a transaction to every other node that keeps a mempool, in a network without gossip. Twins
    /// are not restricted here.
    pub(super) fn send_transaction(&mut self, from: ProcessId, transaction: Arc<Transaction>) {
        let (roster, node) = (&self.roster, self.roster.node(from));
        let others = roster.all().filter(|to| roster.node(*to) != node && roster.is_proposer(*to));
        let bytes = (transaction.bytes() + FRAMING_BYTES) as u64;
        let content = (Content::Transaction(transaction), bytes, TRANSACTION_KIND);
        self.delivery.send(from, others, content, &mut delivery_context!(self));
    }
}

/// Gossip.
impl<P: Protocol> Simulation<P> {
    fn relayer(&self, process: ProcessId) -> Relayer {
        Relayer { process, boots: self.processes.boots(process) }
    }
    fn publish(&mut self, from: ProcessId, item: u32) {
        let by = self.relayer(from);
        self.dissemination.publish(by, item, &mut self.delivery, &mut delivery_context!(self));
    }
    fn publish_message(&mut self, from: ProcessId, message: P::Message, is_corrupt: bool) {
        let key = message.identity().filter(|_| !is_corrupt);
        let item = match self.dissemination.find(key) {
            Known::Item(item) => item,
            Known::Retired => return,
            Known::New => {
                // A node that finds a message not genuine does not relay it.
                let class = match message.relay() {
                    Relay::OnArrival if !is_corrupt => Class::Message,
                    _ => Class::Block,
                };
                let bytes = message.bytes() as u32;
                let compact = message.block().map(|block| compact_bytes(block.header.bytes(), block.transactions()));
                let message = self.store(from, message, is_corrupt);
                self.messages.retain(message);
                self.dissemination.register(key, ItemContent::Message(message), Item { class, bytes, compact })
            }
        };
        self.publish(from, item);
    }
    pub(super) fn publish_transaction(&mut self, from: ProcessId, transaction: &Arc<Transaction>, origin: Origin) {
        let key = Some(transaction.id());
        let item = match self.dissemination.find(key) {
            Known::Item(item) => item,
            Known::Retired if origin != Origin::Client => return,
            // All nodes received it long ago, and this node has removed it since.
            Known::Retired | Known::New => {
                let description = Item { class: Class::Transaction, bytes: transaction.bytes() as u32, compact: None };
                self.dissemination.register(key, ItemContent::Transaction(transaction.clone()), description)
            }
        };
        self.publish(from, item);
    }
    fn receive_frame(&mut self, to: ProcessId, received: ReceivedFrame) {
        // Sampled transactions reach proposers alone. The mempools of other nodes are not modelled; they are assumed to
        // hold what blocks hold.
        let is_sampled = matches!(self.relay, TransactionRelay::Sampled(..)) && !self.roster.is_proposer(to);
        let missing = |content: Option<&ItemContent>| match content {
            Some(ItemContent::Message(message)) if !is_sampled => {
                let block = self.messages.message(*message).block();
                let pool = self.processes.pool(to);
                let absent = block.into_iter().flat_map(|block| block.transactions());
                absent.filter(|t| !t.is_coinbase() && !pool.contains(&t.id())).map(|t| t.bytes() as u32).sum()
            }
            _ => 0,
        };
        let is_new = self.dissemination.receive(to, received, &missing);
        if self.dissemination.has_answers() {
            let by = self.relayer(to);
            self.dissemination.send_answers(by, &mut self.delivery, &mut delivery_context!(self));
        }
        if is_new {
            self.take_item(to, received.from, received.item);
        }
    }
    /// Hands an item that a process has just come to hold to the process.
    fn take_item(&mut self, to: ProcessId, from: ProcessId, item: u32) {
        match self.dissemination.content(item).expect("an item that spreads is kept").clone() {
            ItemContent::Message(message) => {
                let envelope = self.messages.envelope(message);
                let sender = match envelope.relay {
                    Relay::OnArrival => envelope.from,
                    Relay::OnBroadcast => self.roster.node(from),
                };
                // What its own twin sent reaches a process through others, which pass it on.
                if sender != self.roster.node(to) {
                    self.receive(to, sender, message);
                }
            }
            ItemContent::Transaction(transaction) => self.offer(to, transaction, Origin::Gossip),
        }
        self.dissemination.retire(item, &mut delivery_context!(self));
    }
    pub(super) fn on_frames(&mut self, process: ProcessId, frames: u32) {
        let (boots, posts) = self.dissemination.take_delayed(frames);
        if !self.processes.lives(process, boots) {
            return;
        }
        match posts[0] {
            Post { frame: frame @ RelayMessage::Reminder, item, .. } => {
                self.receive_frame(process, ReceivedFrame { from: process, frame, item: item.0 });
            }
            _ => send_frames(process, &posts, &mut self.delivery, &mut delivery_context!(self)),
        }
    }
}

/// Arriving.
impl<P: Protocol> Simulation<P> {
    /// Walks the arrivals of a fan-out: the first one, and those after it as long as nothing else comes before them.
    pub(super) fn on_fan_out(&mut self, fan_out: u32) {
        let mut is_due = true;
        while let Some(copy) = self.delivery.next_arrival(fan_out, is_due, &mut self.agenda) {
            self.arrive(copy);
            is_due = false;
        }
    }
    pub(super) fn on_downlink_arrival(&mut self, arrival: u32) {
        if let Some(copy) = self.delivery.take_in(arrival, &mut self.agenda) {
            self.arrive(copy);
        }
    }
    pub(super) fn on_arrival(&mut self, to: ProcessId, transmission: u32, cause: (Source, u32)) {
        self.arrive(Copy { to, transmission, cause });
    }
    /// A copy reaches its receiver.
    fn arrive(&mut self, copy: Copy) {
        let to = copy.to;
        let is_up = self.processes.is_up(to);
        match self.delivery.arrive(copy, is_up, &mut delivery_context!(self)) {
            None => {}
            Some((from, &Content::Message(message))) => self.receive(to, self.roster.node(from), message),
            // Most frames by far are announcements of what the receiver has.
            Some((_, &Content::RelayMessage(RelayMessage::Announce, item))) if self.dissemination.is_held(to, item) => {
            }
            Some((from, &Content::RelayMessage(frame, item))) => {
                self.receive_frame(to, ReceivedFrame { from, frame, item });
            }
            Some((_, Content::Transaction(transaction))) => {
                let transaction = transaction.clone();
                self.offer(to, transaction, Origin::Peer);
            }
            Some((from, Content::SampledTransaction(transaction))) => {
                let transaction = transaction.clone();
                self.receive_sampled(from, to, transaction);
            }
            Some((_, &Content::Damaged(work))) => self.enqueue(to, Job::InvalidSignature, work),
        }
        self.delivery.drop_copy(copy.transmission, &mut self.messages);
    }
    /// Puts a message into the receiver's inbox, which handles it if it is genuine.
    fn receive(&mut self, to: ProcessId, from: NodeId, message: u32) {
        let work = self.messages.envelope(message).work;
        if self.messages.is_genuine(message, self.processes.keys()) {
            self.messages.retain(message);
            self.enqueue(to, Job::Message { message, from }, work);
        } else {
            self.enqueue(to, Job::InvalidSignature, work);
        }
    }
}

/// Bytes of a block's compact form (BIP 152): header, nonce, six bytes per transaction, the coinbase in full.
fn compact_bytes(header: usize, transactions: &[Arc<Transaction>]) -> u32 {
    let coinbase: usize = transactions.iter().filter(|t| t.is_coinbase()).map(|t| t.bytes()).sum();
    (header + 8 + 6 * transactions.len() + coinbase) as u32
}
