//! Dissemination of broadcasts: directly to all nodes, or by gossip over a graph.
//!
//! A gossip item is a message or a transaction, registered once. The gossip algorithm decides which process sends which
//! frame to which peers. Items cross processes: all processes share one entry, which is removed some time after all have
//! received the item.

use super::agenda::Event;
use super::delivery::{Content, Delivery, DeliveryContext};
use super::roster::ProcessId;
use super::slab::Slab;
use crate::base::wire::FRAMING_BYTES;
use crate::base::{Duration, Hash, NodeId, Time};
use crate::chain::Transaction;
use crate::network::gossip::{Gossip, Item as Description, ItemId, Post, RelayMessage};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// How long an item that every process holds is kept for frames that are still under way.
const RETIRE_AFTER: Duration = Duration::from_secs(120);

/// What an item is.
#[derive(Clone)]
pub(super) enum ItemContent {
    /// A message of the protocol.
    Message(u32),
    /// A transaction.
    Transaction(Arc<Transaction>),
}

/// Something that spreads by gossip.
struct Item {
    key: Option<Hash>,
    /// Whether every process has it, so that it will be forgotten.
    retires: bool,
    content: ItemContent,
}

/// What is known of the key of a broadcast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// No process has broadcast it.
    New,
    /// It spreads as this item.
    Item(u32),
    /// All processes received it, and the item was removed.
    Retired,
}

/// The process that sends or receives a frame, in one of its lives.
#[derive(Clone, Copy)]
pub(super) struct Relayer {
    pub process: ProcessId,
    pub boots: u32,
}

/// A frame that reached a process, or that it reminded itself of.
#[derive(Clone, Copy)]
pub(super) struct ReceivedFrame {
    pub from: ProcessId,
    pub frame: RelayMessage,
    pub item: u32,
}

/// The items that spread, and how.
pub(super) struct Dissemination {
    gossip: Option<Box<dyn Gossip>>,
    items: Vec<Option<Item>>,
    /// The item of each key; none after all processes have received it and it was removed.
    by_key: FxHashMap<Hash, Option<u32>>,
    retiring: VecDeque<(Time, u32)>,
    /// Frames that gossip put off, with the number of the life of the process that sends them.
    delayed: Slab<(u32, Vec<Post>)>,
    outgoing: Vec<Post>,
    processes: usize,
}

impl Dissemination {
    /// The gossip algorithm; without one, broadcasts are sent to all nodes directly.
    pub fn new(gossip: Option<Box<dyn Gossip>>, processes: usize) -> Dissemination {
        Dissemination {
            gossip,
            items: Vec::new(),
            by_key: FxHashMap::default(),
            retiring: VecDeque::new(),
            delayed: Slab::default(),
            outgoing: Vec::new(),
            processes,
        }
    }
    /// Whether broadcasts spread by gossip.
    pub fn is_gossip(&self) -> bool {
        self.gossip.is_some()
    }
    fn gossip(&mut self) -> &mut dyn Gossip {
        self.gossip.as_deref_mut().expect("items spread by gossip")
    }
    /// Without gossip: whether a broadcast with this key was sent before. The key is recorded if the broadcast reaches all
    /// nodes.
    pub fn is_repeated(&mut self, key: Hash, reaches_all: bool) -> bool {
        let is_known = self.by_key.contains_key(&key);
        if reaches_all {
            self.by_key.insert(key, None);
        }
        is_known
    }
    /// What is known of a key.
    pub fn find(&self, key: Option<Hash>) -> Known {
        match key.and_then(|key| self.by_key.get(&key)) {
            None => Known::New,
            Some(None) => Known::Retired,
            Some(Some(item)) => Known::Item(*item),
        }
    }
    /// Registers an item. Numbers are never used again: frames and reminders about a forgotten item may still be on their
    /// way.
    pub fn register(&mut self, key: Option<Hash>, content: ItemContent, description: Description) -> u32 {
        self.items.push(Some(Item { key, retires: false, content }));
        let item = u32::try_from(self.items.len() - 1).expect("fewer than 2^32 items");
        if let Some(key) = key {
            self.by_key.insert(key, Some(item));
        }
        self.gossip().register(ItemId(item), description);
        item
    }
    /// The content of an item; none once it is forgotten.
    pub fn content(&self, item: u32) -> Option<&ItemContent> {
        self.items[item as usize].as_ref().map(|item| &item.content)
    }
    /// Whether a process holds an item.
    pub fn is_held(&self, process: ProcessId, item: u32) -> bool {
        self.gossip.as_ref().is_some_and(|gossip| gossip.holds(process.endpoint(), ItemId(item)))
    }
    /// A process begins to spread an item.
    pub fn publish(&mut self, by: Relayer, item: u32, delivery: &mut Delivery, context: &mut DeliveryContext<'_>) {
        let mut posts = std::mem::take(&mut self.outgoing);
        self.gossip().publish(by.process.endpoint(), ItemId(item), &mut posts);
        self.post(by, &mut posts, delivery, context);
        self.outgoing = posts;
        self.retire(item, context);
    }
    /// A frame reaches a process; whether it now holds the item and did not before. `missing` returns how many bytes of
    /// the item's transactions the process lacks. The answers wait until they are sent.
    pub fn receive(
        &mut self,
        by: ProcessId,
        received: ReceivedFrame,
        missing: &dyn Fn(Option<&ItemContent>) -> u32,
    ) -> bool {
        let ReceivedFrame { from, frame, item } = received;
        let (to, from): (NodeId, NodeId) = (by.endpoint(), from.endpoint());
        let content = self.items[item as usize].as_ref().map(|item| &item.content);
        let gossip = self.gossip.as_mut().expect("frames come from gossip");
        gossip.receive(to, from, frame, ItemId(item), &mut || missing(content), &mut self.outgoing)
    }
    /// Whether the frame that was received last is answered. Most are announcements that are only noted.
    pub fn has_answers(&self) -> bool {
        !self.outgoing.is_empty()
    }
    /// Sends what answers the frame that was received last.
    pub fn send_answers(&mut self, by: Relayer, delivery: &mut Delivery, context: &mut DeliveryContext<'_>) {
        let mut posts = std::mem::take(&mut self.outgoing);
        self.post(by, &mut posts, delivery, context);
        self.outgoing = posts;
    }
    /// Frames that were put off, with the number of the life of the process that sends them.
    pub fn take_delayed(&mut self, frames: u32) -> (u32, Vec<Post>) {
        self.delayed.remove(frames)
    }
    /// Hands posts to the network: neighbours that differ in the receiver only as one broadcast.
    fn post(&mut self, by: Relayer, posts: &mut Vec<Post>, delivery: &mut Delivery, context: &mut DeliveryContext<'_>) {
        let mut rest = posts.as_slice();
        while let Some(&first) = rest.first() {
            let is_alike = |post: &&Post| Post { to: first.to, ..**post } == first;
            let (these, others) = rest.split_at(rest.iter().take_while(is_alike).count());
            rest = others;
            if first.after.is_zero() && first.frame != RelayMessage::Reminder {
                send_frames(by.process, these, delivery, context);
            } else {
                let frames = self.delayed.insert((by.boots, these.to_vec()));
                let at = context.agenda.now() + first.after;
                context.agenda.schedule(at, by.process, Event::Frames { process: by.process, frames });
            }
        }
        posts.clear();
    }
    /// A process crashed: its requests are gone. What it holds stays.
    pub fn reset(&mut self, process: ProcessId) {
        if let Some(gossip) = &mut self.gossip {
            gossip.reset(process.endpoint());
        }
    }
    /// Removes items that all processes received some time ago.
    pub fn retire(&mut self, item: u32, context: &mut DeliveryContext<'_>) {
        let now = context.agenda.now();
        let gossip = self.gossip.as_mut().expect("items spread by gossip");
        if gossip.holders(ItemId(item)) == self.processes
            && let Some(kept) = self.items[item as usize].as_mut().filter(|kept| !kept.retires)
        {
            kept.retires = true;
            self.retiring.push_back((now + RETIRE_AFTER, item));
        }
        while self.retiring.front().is_some_and(|(at, _)| *at <= now) {
            let Some((_, item)) = self.retiring.pop_front() else { break };
            gossip.forget(ItemId(item));
            let Item { key, content, .. } = self.items[item as usize].take().expect("an item is retired once");
            if let Some(key) = key {
                self.by_key.insert(key, None);
            }
            if let ItemContent::Message(message) = content {
                context.messages.release(message);
            }
        }
    }
    /// Number of items that spread.
    pub fn under_way(&self) -> usize {
        self.items.iter().flatten().count()
    }
}

/// Sends frames that differ in the receiver only.
pub(super) fn send_frames(from: ProcessId, posts: &[Post], delivery: &mut Delivery, context: &mut DeliveryContext<'_>) {
    let Post { frame, item, bytes, .. } = posts[0];
    let bytes = u64::from(bytes) + FRAMING_BYTES as u64;
    let to = posts.iter().map(|post| ProcessId::at(post.to));
    delivery.send(from, to, (Content::RelayMessage(frame, item.0), bytes, frame.kind()), context);
}
