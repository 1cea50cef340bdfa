//! Messages under way: kept once, however many receive them.
//!
//! A broadcast is one payload, one sending, and, where its arrivals are known at once, one entry in the queue that walks
//! them in order.

use super::queue::Event;
use super::seat::{Job, Origin};
use super::simulation::{Kind, Simulation, TransactionRelay};
use crate::base::wire::FRAMING_BYTES;
use crate::base::{Duration, Hash, NodeId, Time, Wire, Work};
use crate::chain::Transaction;
use crate::network::gossip::{Class, Frame, Item as Description, ItemId, Post};
use crate::network::{Arrival, Carried, Parcel};
use crate::observe::{Loss, Observed};
use crate::protocol::{Message, Protocol, Relay};
use std::sync::Arc;

/// How long an item that every node holds is kept for frames that are still under way.
const RETIRE_AFTER: Duration = Duration::from_secs(120);

/// The name of transactions that are sent as such.
const TRANSACTION: &str = "transaction";

/// A message, kept as long as somebody may still get it.
pub(super) struct Payload<M> {
    pub message: M,
    /// Who made it.
    pub from: NodeId,
    /// Sendings, inboxes and items that hold it.
    pub holders: u32,
    /// Whether its signatures are genuine, once somebody checked.
    pub genuine: Option<bool>,
    /// Whether its sender broke them.
    pub garbled: bool,
    /// What receiving and checking it costs.
    pub work: Work,
    /// Bytes on the wire, framing included.
    pub bytes: u64,
}

/// What a sending carries.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A message of the protocol.
    Message(u32),
    /// A frame of gossip about an item.
    Frame(Frame, u32),
    /// A transaction on its way by sampled delay.
    Transaction(Arc<Transaction>),
    /// What was garbled on its way; finding that out costs so much.
    Garbled(Work),
}

/// One content under way to some receivers.
pub(super) struct Sending {
    pub content: Content,
    pub from: NodeId,
    pub bytes: u64,
    /// Copies that are still to arrive or to be lost.
    pub copies: u32,
}

/// Arrivals of one sending, in order, walked by one entry in the queue.
pub(super) struct Spread {
    pub sending: u32,
    pub arrivals: Vec<(Time, u32, NodeId)>,
    pub next: usize,
}

/// An arrival that the receiver's downlink must still take in.
pub(super) struct Landing {
    pub arrival: Arrival,
}

/// Something that spreads by gossip.
pub(super) struct Item {
    pub name: Option<Hash>,
    /// Whether every node has it, so that it will be forgotten.
    pub retires: bool,
    pub what: ItemContent,
}

/// What an item is.
#[derive(Clone)]
pub(super) enum ItemContent {
    /// A message of the protocol: its payload.
    Message(u32),
    /// A transaction.
    Transaction(Arc<Transaction>),
}

/// Sending.
impl<P: Protocol> Simulation<P> {
    fn payload(&mut self, seat: NodeId, message: P::Message, garbled: bool) -> u32 {
        let from = self.cast.node(seat);
        let work = Work::RECEIVE + message.check();
        let bytes = (message.bytes() + FRAMING_BYTES) as u64;
        self.payloads.insert(Payload { message, from, holders: 0, genuine: None, garbled, work, bytes })
    }
    /// Sends a message to one peer, past all gossip.
    pub(super) fn send(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        let garbled = self.seats[from.index()].garbles();
        let payload = self.payload(from, message, garbled);
        let mut receivers = std::mem::take(&mut self.receivers);
        receivers.clear();
        receivers.extend(self.cast.seats(to).filter(|seat| self.cast.meet(from, *seat)));
        self.post_payload(from, &receivers, payload);
        self.receivers = receivers;
    }
    /// Spreads a message to everybody else.
    pub(super) fn broadcast(&mut self, from: NodeId, message: P::Message) {
        if self.gossip.is_some() {
            return self.publish_message(from, message);
        }
        let garbled = self.seats[from.index()].garbles();
        // Everybody hears it from its maker: who passes on what another made adds nothing.
        if let Some(name) = message.identity().filter(|_| message.relay() == Relay::OnBroadcast && !garbled) {
            // Not from a twin, whom some do not hear.
            let is_known = self.items_by_name.contains_key(&name);
            if !self.cast.is_parted(from) {
                self.items_by_name.insert(name, None);
            }
            if is_known {
                return;
            }
        }
        let payload = self.payload(from, message, garbled);
        let mut receivers = std::mem::take(&mut self.receivers);
        receivers.clear();
        receivers.extend((0..self.seats.len()).map(NodeId::from).filter(|to| self.cast.meet(from, *to)));
        self.post_payload(from, &receivers, payload);
        self.receivers = receivers;
    }
    /// Sends a transaction to every other node that keeps a mempool, where everybody is connected to everybody. Twins
    /// part from nobody in this.
    pub(super) fn send_transaction(&mut self, from: NodeId, transaction: Arc<Transaction>) {
        let mut receivers = std::mem::take(&mut self.receivers);
        receivers.clear();
        let (cast, player) = (&self.cast, self.cast.node(from));
        let others = (0..self.seats.len()).map(NodeId::from).filter(|to| cast.node(*to) != player);
        receivers.extend(others.filter(|to| self.proposers[to.index()]));
        let bytes = (transaction.bytes() + FRAMING_BYTES) as u64;
        if !receivers.is_empty() {
            self.hand_over(from, &receivers, Content::Transaction(transaction), bytes, TRANSACTION);
        }
        self.receivers = receivers;
    }
    fn post_payload(&mut self, from: NodeId, to: &[NodeId], payload: u32) {
        if to.is_empty() {
            self.payloads.remove(payload);
            return;
        }
        let kept = self.payloads.get_mut(payload);
        kept.holders += 1;
        let (bytes, kind) = (kept.bytes, kept.message.kind());
        self.hand_over(from, to, Content::Message(payload), bytes, kind);
    }
    /// Hands a content to the uplink of `from`.
    fn hand_over(&mut self, from: NodeId, to: &[NodeId], content: Content, bytes: u64, kind: &'static str) {
        let copies = to.len() as u32;
        let sending = self.sendings.insert(Sending { content, from, bytes, copies });
        if self.wants_messages {
            let maker = self.cast.node(from);
            self.tell(&Observed::Sent { sending, from: maker, kind, bytes, copies });
        }
        let seat = &mut self.seats[from.index()];
        seat.parcels += 1;
        let parcel = Parcel { from, bytes, number: seat.parcels, ticket: u64::from(sending) };
        let mut carried = std::mem::take(&mut self.carried);
        self.network.send(self.queue.now(), &parcel, to, &mut carried);
        self.carry(&mut carried);
        self.carried = carried;
    }
    /// Puts what the network decided into the queue.
    pub(super) fn carry(&mut self, carried: &mut Carried) {
        for &(node, at) in &carried.wakes {
            self.push(at, node.0, Kind::Wake, node.0, 0);
        }
        for at in 0..carried.lost.len() {
            let (to, ticket) = carried.lost[at];
            self.lose(to, Some(ticket as u32), Loss::Network);
            self.drop_copy(ticket as u32);
        }
        self.count_seconds(&carried.garbled);
        for at in 0..carried.garbled.len() {
            self.garble(carried.garbled[at]);
        }
        let mut arrivals = carried.arrivals.as_slice();
        while let Some(first) = arrivals.first() {
            let same = arrivals.iter().take_while(|next| next.ticket == first.ticket).count();
            let (these, rest) = arrivals.split_at(same);
            self.expect_arrivals(first.ticket as u32, these);
            arrivals = rest;
        }
        carried.clear();
    }
    /// A second copy to the same receiver is one more than were sent.
    fn count_seconds(&mut self, arrivals: &[Arrival]) {
        for pair in arrivals.windows(2).filter(|pair| (pair[0].ticket, pair[0].to) == (pair[1].ticket, pair[1].to)) {
            self.sendings.get_mut(pair[0].ticket as u32).copies += 1;
        }
    }
    /// A copy arrives as garbage.
    fn garble(&mut self, arrival: Arrival) {
        let sending = arrival.ticket as u32;
        let Sending { content, from, bytes, .. } = self.sendings.get(sending);
        let (from, bytes) = (*from, *bytes);
        let work = match content {
            Content::Message(payload) => self.payloads.get(*payload).work,
            Content::Frame(..) => Work::NONE,
            Content::Transaction(_) | Content::Garbled(_) => Work::RECEIVE + Work::VERIFY,
        };
        let garbled = self.sendings.insert(Sending { content: Content::Garbled(work), from, bytes, copies: 1 });
        self.expect_arrivals(garbled, &[Arrival { ticket: u64::from(garbled), ..arrival }]);
        self.drop_copy(sending);
    }
    fn expect_arrivals(&mut self, sending: u32, arrivals: &[Arrival]) {
        self.count_seconds(arrivals);
        let from = self.sendings.get(sending).from;
        if self.network.has_downlinks() {
            for arrival in arrivals {
                let landing = self.landings.insert(Landing { arrival: *arrival });
                self.push(arrival.at, from.0, Kind::Land, arrival.to.0, landing);
            }
        } else if let [only] = arrivals {
            self.push(only.at, from.0, Kind::Arrive, only.to.0, sending);
        } else {
            let mut list = self.idle_spreads.pop().unwrap_or_default();
            let seat = &mut self.seats[from.index()];
            list.extend(arrivals.iter().map(|arrival| (arrival.at, seat.count(), arrival.to)));
            self.spread(sending, from, list);
        }
    }
    /// Queues arrivals, in any order, as one entry that walks them.
    pub(super) fn spread(&mut self, sending: u32, from: NodeId, mut arrivals: Vec<(Time, u32, NodeId)>) {
        arrivals.sort_unstable_by_key(|&(at, number, _)| (u128::from(at.as_nanos()) << 32) | u128::from(number));
        let (at, number, _) = arrivals[0];
        let spread = self.spreads.insert(Spread { sending, arrivals, next: 0 });
        self.push_numbered(at, from.0, number, Kind::Spread, from.0, spread);
    }
    pub(super) fn on_wake(&mut self, node: NodeId) {
        let mut carried = std::mem::take(&mut self.carried);
        self.network.wake(self.queue.now(), node, &mut carried);
        self.carry(&mut carried);
        self.carried = carried;
    }
}

/// Arriving.
impl<P: Protocol> Simulation<P> {
    /// Walks the arrivals of a spread: the first one, and those after it as long as nothing else comes before them.
    pub(super) fn on_spread(&mut self, spread: u32, until: Time) {
        let Spread { sending, next, .. } = *self.spreads.get(spread);
        let from = self.sendings.get(sending).from;
        let mut arrivals = std::mem::take(&mut self.spreads.get_mut(spread).arrivals);
        for at in next..arrivals.len() {
            let (time, number, to) = arrivals[at];
            let event = Event { time, source: from.0, number, what: 0, with: 0 };
            let is_next = time <= until && !self.stopped && self.queue.would_be_next(&event);
            if at > next && !is_next {
                let kept = self.spreads.get_mut(spread);
                (kept.arrivals, kept.next) = (arrivals, at);
                return self.push_numbered(time, from.0, number, Kind::Spread, from.0, spread);
            }
            self.queue.pass(time);
            self.on_arrive(to, sending, (from.0, number));
        }
        self.spreads.remove(spread);
        arrivals.clear();
        self.idle_spreads.push(arrivals);
    }
    pub(super) fn on_land(&mut self, landing: u32) {
        let Landing { arrival } = self.landings.remove(landing);
        let taken = self.network.land(self.queue.now(), &arrival);
        let sending = arrival.ticket as u32;
        if taken > self.queue.now() {
            self.push(taken, arrival.to.0, Kind::Arrive, arrival.to.0, sending);
        } else {
            let from = self.sendings.get(sending).from;
            self.on_arrive(arrival.to, sending, (from.0, 0));
        }
    }
    /// A copy reached its receiver.
    pub(super) fn on_arrive(&mut self, to: NodeId, sending: u32, cause: (u32, u32)) {
        let Sending { from, bytes, .. } = *self.sendings.get(sending);
        self.trace.event(self.queue.now(), cause.0, u64::from(cause.1), 0xff, u64::from(to.0), bytes);
        self.events += 1;
        if self.up[to.index()] {
            match &self.sendings.get(sending).content {
                &Content::Message(payload) => {
                    self.tell_delivered(sending, to, self.payloads.get(payload).message.kind());
                    self.receive(to, self.cast.node(from), payload);
                }
                &Content::Frame(frame, item) => {
                    self.tell_delivered(sending, to, frame.kind());
                    let gossip = self.gossip.as_ref().expect("frames come from gossip");
                    // Most frames by far are announcements of what the receiver has.
                    if frame != Frame::Announce || !gossip.holds(to, ItemId(item)) {
                        self.receive_frame(to, from, frame, item);
                    }
                }
                Content::Transaction(transaction) => {
                    let transaction = transaction.clone();
                    if self.is_told(sending) {
                        self.tell_delivered(sending, to, TRANSACTION);
                    }
                    self.hear(to, from, transaction);
                }
                &Content::Garbled(work) => self.enqueue(to, Job::Forged, work),
            }
        } else {
            self.lose(to, Some(sending).filter(|sending| self.is_told(*sending)), Loss::Down);
        }
        self.drop_copy(sending);
    }
    /// Whether observers were told of a sending: transactions that spread by sampled delay are not sent by anybody.
    fn is_told(&self, sending: u32) -> bool {
        let sampled = matches!(self.relay, TransactionRelay::Sampled(..));
        !(sampled && matches!(self.sendings.get(sending).content, Content::Transaction(_)))
    }
    fn tell_delivered(&mut self, sending: u32, to: NodeId, kind: &'static str) {
        if self.wants_messages {
            let Sending { from, bytes, .. } = *self.sendings.get(sending);
            let (from, to) = (self.cast.node(from), self.cast.node(to));
            self.tell(&Observed::Delivered { sending, from, to, kind, bytes });
        }
    }
    pub(super) fn lose(&mut self, to: NodeId, sending: Option<u32>, why: Loss) {
        if self.wants_messages {
            let to = self.cast.node(to);
            self.tell(&Observed::Lost { sending, to, why });
        }
    }
    /// Puts a message into the receiver's inbox, which handles it if it is genuine.
    fn receive(&mut self, to: NodeId, from: NodeId, payload: u32) {
        let kept = self.payloads.get_mut(payload);
        let known = kept.genuine.filter(|_| !self.recheck);
        let genuine = known.unwrap_or_else(|| !kept.garbled && kept.message.verify(kept.from, &self.shared.keys));
        assert!(kept.genuine.is_none_or(|before| before == genuine), "checking a message twice gives the same");
        kept.genuine = Some(genuine);
        let work = kept.work;
        if !genuine {
            return self.enqueue(to, Job::Forged, work);
        }
        kept.holders += 1;
        self.enqueue(to, Job::Message { payload, from }, work);
    }
    fn drop_copy(&mut self, sending: u32) {
        let kept = self.sendings.get_mut(sending);
        kept.copies -= 1;
        if kept.copies == 0
            && let Content::Message(payload) = self.sendings.remove(sending).content
        {
            self.release(payload);
        }
    }
    /// Somebody who held a payload lets it go.
    pub(super) fn release(&mut self, payload: u32) {
        let kept = self.payloads.get_mut(payload);
        kept.holders -= 1;
        if kept.holders == 0 {
            self.payloads.remove(payload);
        }
    }
    /// Takes a payload's message for one handler: the last holder gets the original.
    pub(super) fn open(&mut self, payload: u32) -> P::Message {
        let kept = self.payloads.get_mut(payload);
        kept.holders -= 1;
        if kept.holders == 0 { self.payloads.remove(payload).message } else { kept.message.clone() }
    }
}

/// Gossip.
impl<P: Protocol> Simulation<P> {
    fn publish_message(&mut self, from: NodeId, message: P::Message) {
        let garbled = self.seats[from.index()].garbles();
        let name = message.identity().filter(|_| !garbled);
        let known = name.and_then(|name| self.items_by_name.get(&name).copied());
        let item = match known {
            Some(Some(item)) => item,
            // Everybody had it long ago.
            Some(None) => return,
            None => {
                // Who finds that a message is not genuine does not pass it on.
                let class = match message.relay() {
                    Relay::OnArrival if !garbled => Class::Message,
                    _ => Class::Block,
                };
                let bytes = message.bytes() as u32;
                let compact = message.block().map(|block| compact_bytes(block.header.bytes(), block.transactions()));
                let payload = self.payload(from, message, garbled);
                self.payloads.get_mut(payload).holders += 1;
                let item = self.new_item(Item { name, retires: false, what: ItemContent::Message(payload) });
                self.register(item, name, Description { class, bytes, compact });
                item
            }
        };
        self.publish(from, item);
    }
    pub(super) fn publish_transaction(&mut self, node: NodeId, transaction: &Arc<Transaction>, origin: Origin) {
        let name = transaction.id();
        let item = match self.items_by_name.get(&name).copied() {
            Some(Some(item)) => item,
            Some(None) if origin != Origin::Client => return,
            // Everybody had it long ago, and this node did not know it any more.
            Some(None) | None => {
                let item =
                    Item { name: Some(name), retires: false, what: ItemContent::Transaction(transaction.clone()) };
                let item = self.new_item(item);
                let bytes = transaction.bytes() as u32;
                self.register(item, Some(name), Description { class: Class::Transaction, bytes, compact: None });
                item
            }
        };
        self.publish(node, item);
    }
    /// Numbers are never used again: frames and reminders about a forgotten item may still be on their way.
    fn new_item(&mut self, item: Item) -> u32 {
        self.items.push(Some(item));
        u32::try_from(self.items.len() - 1).expect("fewer than 2^32 items")
    }
    fn register(&mut self, item: u32, name: Option<Hash>, description: Description) {
        if let Some(name) = name {
            self.items_by_name.insert(name, Some(item));
        }
        self.gossip.as_mut().expect("items spread by gossip").register(ItemId(item), description);
    }
    fn publish(&mut self, node: NodeId, item: u32) {
        let mut posts = std::mem::take(&mut self.outgoing);
        self.gossip.as_mut().expect("items spread by gossip").publish(node, ItemId(item), &mut posts);
        self.post(node, &mut posts);
        self.outgoing = posts;
        self.retire(item);
    }
    fn receive_frame(&mut self, node: NodeId, from: NodeId, frame: Frame, item: u32) {
        let mut posts = std::mem::take(&mut self.outgoing);
        let Simulation { gossip, items, payloads, seats, relay, proposers, .. } = self;
        let gossip = gossip.as_mut().expect("frames come from gossip");
        // Sampled transactions reach those who propose alone. The mempool of anybody else is not modelled, and is taken
        // to hold what blocks hold.
        let is_sampled = matches!(relay, TransactionRelay::Sampled(..)) && !proposers[node.index()];
        let mut missing = || {
            if is_sampled {
                return 0;
            }
            let pool = &seats[node.index()].pool;
            match items[item as usize].as_ref().map(|item| &item.what) {
                Some(ItemContent::Message(payload)) => {
                    let block = payloads.get(*payload).message.block();
                    let absent = block.into_iter().flat_map(|block| block.transactions());
                    absent.filter(|t| !t.is_coinbase() && !pool.contains(&t.id())).map(|t| t.bytes() as u32).sum()
                }
                _ => 0,
            }
        };
        let is_new = gossip.receive(node, from, frame, ItemId(item), &mut missing, &mut posts);
        self.post(node, &mut posts);
        self.outgoing = posts;
        if is_new {
            self.take_item(node, from, item);
        }
    }
    /// Hands an item that `node` has just come to hold to the node.
    fn take_item(&mut self, node: NodeId, from: NodeId, item: u32) {
        match self.items[item as usize].as_ref().expect("an item that spreads is kept").what.clone() {
            ItemContent::Message(payload) => {
                let kept = self.payloads.get(payload);
                let speaker = if kept.message.relay() == Relay::OnArrival { kept.from } else { self.cast.node(from) };
                // What its own twin said reaches a node through others, who pass it on.
                if speaker != self.cast.node(node) {
                    self.receive(node, speaker, payload);
                }
            }
            ItemContent::Transaction(transaction) => self.offer(node, transaction, Origin::Gossip),
        }
        self.retire(item);
    }
    /// Hands posts to the network: neighbours that differ in the receiver only as one broadcast.
    fn post(&mut self, node: NodeId, posts: &mut Vec<Post>) {
        let mut rest = posts.as_slice();
        while let Some(&first) = rest.first() {
            let alike = |post: &&Post| Post { to: first.to, ..**post } == first;
            let (these, others) = rest.split_at(rest.iter().take_while(alike).count());
            rest = others;
            if first.after.is_zero() && first.frame != Frame::Reminder {
                self.post_now(node, these);
            } else {
                let boots = self.seats[node.index()].boots;
                let delayed = self.posts.insert((boots, these.to_vec()));
                let at = self.queue.now() + first.after;
                self.push(at, node.0, Kind::Post, node.0, delayed);
            }
        }
        posts.clear();
    }
    fn post_now(&mut self, node: NodeId, posts: &[Post]) {
        let Post { frame, item, bytes, .. } = posts[0];
        let mut receivers = std::mem::take(&mut self.receivers);
        receivers.clear();
        receivers.extend(posts.iter().map(|post| post.to));
        let bytes = u64::from(bytes) + FRAMING_BYTES as u64;
        self.hand_over(node, &receivers, Content::Frame(frame, item.0), bytes, frame.kind());
        self.receivers = receivers;
    }
    pub(super) fn on_post(&mut self, node: NodeId, delayed: u32) {
        let (boots, posts) = self.posts.remove(delayed);
        let seat = &self.seats[node.index()];
        if !seat.is_up() || seat.boots != boots {
            return;
        }
        match posts[0] {
            Post { frame: Frame::Reminder, item, .. } => self.receive_frame(node, node, Frame::Reminder, item.0),
            _ => self.post_now(node, &posts),
        }
    }
    /// Forgets items that everybody has had for a while.
    fn retire(&mut self, item: u32) {
        let now = self.queue.now();
        let gossip = self.gossip.as_mut().expect("items spread by gossip");
        if gossip.holders(ItemId(item)) == self.seats.len()
            && let Some(kept) = self.items[item as usize].as_mut().filter(|kept| !kept.retires)
        {
            kept.retires = true;
            self.retiring.push_back((now + RETIRE_AFTER, item));
        }
        while let Some(&(at, item)) = self.retiring.front().filter(|(at, _)| *at <= now) {
            let _ = at;
            self.retiring.pop_front();
            self.gossip.as_mut().expect("items spread by gossip").forget(ItemId(item));
            let Item { name, what, .. } = self.items[item as usize].take().expect("an item is retired once");
            if let Some(name) = name {
                self.items_by_name.insert(name, None);
            }
            if let ItemContent::Message(payload) = what {
                self.release(payload);
            }
        }
    }
}

/// Bytes of a block's compact form (BIP 152): header, nonce, six bytes per transaction, the coinbase in full.
fn compact_bytes(header: usize, transactions: &[Arc<Transaction>]) -> u32 {
    let coinbase: usize = transactions.iter().filter(|t| t.is_coinbase()).map(|t| t.bytes()).sum();
    (header + 8 + 6 * transactions.len() + coinbase) as u32
}
