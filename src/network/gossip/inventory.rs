//! Inventory relay: a holder announces an item, a peer asks the first that announced it, the holder sends it.
//!
//! ```text
//!     holder            peer
//!       |---- announce --->|   (inv)       transactions wait for the trickle first
//!       |<--- request -----|   (getdata)   after `patience`, in case the item comes unasked
//!       |---- whole ------>|
//!                          |   no answer within the timeout: the next announcer is asked
//! ```
//!
//! Source: Bitcoin Core, `net_processing.cpp` and `txrequest.cpp`. As there, transactions trickle (the wait for the
//! next tick of a Poisson process is exponential, whenever one comes): one tick for all inbound peers together, one for
//! each outbound peer. Blocks and messages bypass it.
//!
//! Simplified: every frame names one item; an item is not announced to peers that have shown that they hold it by its
//! publication; it is announced to those that show it during the trickle; a node asks one peer at a time; the 2 s by
//! which Bitcoin Core prefers outbound peers are left out.

use super::item_inventory::ItemInventory;
use super::request_tracker::{Announcers, RequestTracker};
use super::{Class, Gossip, Graph, Item, ItemId, Post, RelayMessage};
use crate::base::rng::mix;
use crate::base::{Duration, NodeId, Stream};
use crate::network::sampling::exponential;
use std::sync::Arc;

/// Mean waits of transactions before they are announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trickle {
    /// To peers that dialled the node (Bitcoin Core `INBOUND_INVENTORY_BROADCAST_INTERVAL`).
    pub inbound: Duration,
    /// To peers that the node dialled (`OUTBOUND_INVENTORY_BROADCAST_INTERVAL`).
    pub outbound: Duration,
}

impl Default for Trickle {
    fn default() -> Trickle {
        Trickle { inbound: Duration::from_secs(5), outbound: Duration::from_secs(2) }
    }
}

/// How long a node waits for what it asked for; [`Duration::MAX`] means for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// For a protocol message: our choice, some round trips.
    pub message: Duration,
    /// For a block: one block interval (Bitcoin Core `BLOCK_DOWNLOAD_TIMEOUT_BASE`).
    pub block: Duration,
    /// For a transaction (Bitcoin Core `GETDATA_TX_INTERVAL`).
    pub transaction: Duration,
}

impl Timeouts {
    /// An item is requested once per peer.
    pub const NEVER: Timeouts = Timeouts { message: Duration::MAX, block: Duration::MAX, transaction: Duration::MAX };

    /// For an item of this kind.
    fn of(&self, class: Class) -> Duration {
        match class {
            Class::Message => self.message,
            Class::Block => self.block,
            Class::Transaction => self.transaction,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let (message, block) = (Duration::from_secs(2), Duration::from_secs(600));
        Timeouts { message, block, transaction: Duration::from_secs(60) }
    }
}

/// How items are announced and asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InventorySettings {
    /// Bytes of an announcement: a count of 1 B and an entry of type 4 B and hash 32 B.
    pub announce_bytes: u32,
    /// Bytes of a request: the same.
    pub request_bytes: u32,
    /// How long a node waits for an answer.
    pub timeouts: Timeouts,
    /// Waits of transactions, if they trickle.
    pub trickle: Option<Trickle>,
    /// How long a node waits between the first announcement and its request, in case the item comes unasked.
    pub patience: Duration,
    /// What an announcement or request takes at its sender.
    pub processing: Duration,
    /// Whether peers known to hold an item are spared its announcement.
    pub spare_holders: bool,
}

impl Default for InventorySettings {
    /// Bitcoin Core's.
    fn default() -> InventorySettings {
        InventorySettings {
            announce_bytes: 37,
            request_bytes: 37,
            timeouts: Timeouts::default(),
            trickle: Some(Trickle::default()),
            patience: Duration::ZERO,
            processing: Duration::ZERO,
            spare_holders: true,
        }
    }
}

/// Announces items and sends them to those that ask.
pub struct Inventory {
    graph: Arc<dyn Graph>,
    settings: InventorySettings,
    holdings: ItemInventory,
    wants: RequestTracker,
    /// The root of all random choices: they are pure functions of item and nodes.
    root: u64,
}

impl Inventory {
    /// Inventory relay over `graph`.
    #[must_use]
    pub fn new(seed: u64, graph: Arc<dyn Graph>, settings: InventorySettings) -> Inventory {
        let nodes = graph.len();
        let root = Stream::new(seed, "gossip", 0, 0).next_u64();
        Inventory { graph, settings, holdings: ItemInventory::new(nodes), wants: RequestTracker::new(nodes), root }
    }

    /// The graph over which items spread.
    pub(super) fn graph(&self) -> &dyn Graph {
        &*self.graph
    }

    /// The description of a registered item.
    pub(super) fn item(&self, item: ItemId) -> Option<Item> {
        self.holdings.item(item)
    }

    /// The peer whose compact form of the item `node` is completing, and the bytes that it lacks.
    pub(super) fn completing(&mut self, node: NodeId, item: ItemId) -> Option<(NodeId, u32)> {
        self.wants.get(node, item)?.completing
    }

    /// `node` begins to complete the compact form from `from`, of which it lacks `bytes`, unless it is completing another.
    /// Returns whether it has no other request for the item under way.
    pub(super) fn begin_completing(&mut self, node: NodeId, from: NodeId, item: ItemId, bytes: u32) -> Option<bool> {
        let (want, new) = self.wants.on_announce(node, from, item, &self.holdings);
        if want.completing.is_some() {
            return None;
        }
        want.completing = Some((from, bytes));
        let is_unasked = new || want.idle;
        if is_unasked {
            (want.asked, want.idle) = (want.announcers.len(), false);
        }
        Some(is_unasked)
    }

    /// How many items `node` knows of and does not hold.
    #[cfg(test)]
    pub(super) fn wanted(&self, node: NodeId) -> usize {
        self.wants.count(node)
    }

    /// The word that decides a random choice of `node` about an item.
    pub(super) fn word(&self, node: NodeId, item: ItemId) -> u64 {
        mix(mix(self.root, self.holdings.serial(item)), u64::from(node.0))
    }

    /// Publishes for the first time: the item, and the peers that `node` knows to hold it already.
    pub(super) fn take_up(&mut self, node: NodeId, item: ItemId) -> Option<(Item, Announcers)> {
        let description = self.holdings.publish(node, item)?;
        let holders = self.wants.drop(node, item).map_or_else(Announcers::new, |want| want.announcers);
        Some((description, if self.settings.spare_holders { holders } else { Announcers::new() }))
    }

    /// Announces an item to those peers that `chosen` picks.
    pub(super) fn announce(
        &self,
        node: NodeId,
        (item, description): (ItemId, Item),
        chosen: impl Fn(NodeId) -> bool,
        posts: &mut Vec<Post>,
    ) {
        let peers = || self.graph.peers(node).iter().copied().filter(|peer| chosen(*peer));
        let bytes = self.settings.announce_bytes;
        let post = |to, wait| {
            let after = self.settings.processing + wait;
            Post { to, frame: RelayMessage::Announce, item, bytes, after }
        };
        match self.settings.trickle.filter(|_| description.class == Class::Transaction) {
            None => posts.extend(peers().map(|to| post(to, Duration::ZERO))),
            Some(Trickle { inbound, outbound }) => {
                let word = self.word(node, item);
                let tick = exponential(mix(word, 0), inbound);
                let dialled = |peer: &NodeId| self.graph.dialled(node, *peer);
                posts.extend(peers().filter(|peer| !dialled(peer)).map(|to| post(to, tick)));
                let own = |peer: NodeId| exponential(mix(word, 1 + u64::from(peer.0)), outbound);
                posts.extend(peers().filter(dialled).map(|to| post(to, own(to))));
            }
        }
    }

    /// `from` shows that it has the item.
    fn on_announce(&mut self, node: NodeId, from: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        let Some(description) = self.holdings.item(item) else { return };
        let (want, new) = self.wants.on_announce(node, from, item, &self.holdings);
        if want.idle {
            want.asked = want.announcers.iter().position(|peer| *peer == from).unwrap_or(want.asked);
        }
        if want.idle || (new && self.settings.patience.is_zero()) {
            self.ask_next(node, (item, description), posts);
        } else if new {
            posts.push(reminder(node, item, self.settings.patience));
        }
    }

    /// Asks the next announcer; if all were asked, waits for another.
    fn ask_next(&mut self, node: NodeId, (item, description): (ItemId, Item), posts: &mut Vec<Post>) {
        let Some(want) = self.wants.get(node, item) else { return };
        let Some(to) = want.announcers.get(want.asked).copied() else {
            want.idle = true;
            return;
        };
        (want.asked, want.idle, want.completing) = (want.asked + 1, false, None);
        let InventorySettings { request_bytes: bytes, processing: after, .. } = self.settings;
        posts.push(Post { to, frame: RelayMessage::Request, item, bytes, after });
        self.remind(node, (item, description), posts);
    }

    /// Asks to be reminded when an answer is overdue.
    pub(super) fn remind(&self, node: NodeId, (item, description): (ItemId, Item), posts: &mut Vec<Post>) {
        let timeout = self.settings.timeouts.of(description.class);
        if timeout < Duration::MAX {
            posts.push(reminder(node, item, timeout));
        }
    }

    /// The time to wait for the item, or for an answer, is over.
    fn on_reminder(&mut self, node: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        if let Some(description) = self.holdings.item(item).filter(|_| !self.holdings.holds(node, item)) {
            self.ask_next(node, (item, description), posts);
        }
    }

    /// `from` asks for the item.
    fn on_request(&mut self, node: NodeId, from: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        if let Some(Item { bytes, .. }) = self.holdings.item(item).filter(|_| self.holdings.holds(node, item)) {
            posts.push(Post { to: from, frame: RelayMessage::Whole, item, bytes, after: Duration::ZERO });
        }
    }

    /// The item is complete. Returns whether it is new to `node`.
    pub(super) fn on_whole(&mut self, node: NodeId, from: NodeId, item: ItemId) -> bool {
        if !self.holdings.take(node, item) {
            return false;
        }
        if self.settings.spare_holders {
            let (want, _) = self.wants.on_announce(node, from, item, &self.holdings);
            (want.idle, want.completing) = (false, None);
        } else {
            self.wants.drop(node, item);
        }
        true
    }

    /// Whether an item that `node` has just come to hold is to be passed on at once.
    pub(super) fn passes_on(&self, item: ItemId) -> bool {
        self.holdings.item(item).is_some_and(|item| item.class == Class::Message)
    }
}

/// A reminder of `node` to itself.
fn reminder(node: NodeId, item: ItemId, after: Duration) -> Post {
    Post { to: node, frame: RelayMessage::Reminder, item, bytes: 0, after }
}

impl Gossip for Inventory {
    fn register(&mut self, item: ItemId, description: Item) {
        self.holdings.register(item, description);
    }

    fn publish(&mut self, node: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        if let Some((description, holders)) = self.take_up(node, item) {
            self.announce(node, (item, description), |peer| !holders.contains(&peer), posts);
        }
    }

    fn receive(
        &mut self,
        node: NodeId,
        from: NodeId,
        frame: RelayMessage,
        item: ItemId,
        _missing: &mut dyn FnMut() -> u32,
        posts: &mut Vec<Post>,
    ) -> bool {
        match frame {
            RelayMessage::Announce if self.holdings.holds(node, item) => {}
            RelayMessage::Announce => self.on_announce(node, from, item, posts),
            RelayMessage::Request => self.on_request(node, from, item, posts),
            RelayMessage::Reminder => self.on_reminder(node, item, posts),
            RelayMessage::Whole => {
                let new = self.on_whole(node, from, item);
                if new && self.passes_on(item) {
                    self.publish(node, item, posts);
                }
                return new;
            }
            RelayMessage::Compact | RelayMessage::RequestMissing | RelayMessage::Missing => {}
        }
        false
    }

    fn holds(&self, node: NodeId, item: ItemId) -> bool {
        self.holdings.holds(node, item)
    }

    fn holders(&self, item: ItemId) -> usize {
        self.holdings.holders(item)
    }

    fn forget(&mut self, item: ItemId) {
        self.holdings.forget(item);
    }

    fn reset(&mut self, node: NodeId) {
        self.wants.clear(node);
    }
}
