//! Ethereum's relay: the whole item to the square root of the peers, an announcement to the rest.
//!
//! Source: go-ethereum `eth/handler.go` (`BroadcastTransactions`, `BroadcastBlock`) and `eth/fetcher`. A node that learns
//! an announcement waits a moment for the item to come unasked (`txArriveTimeout`) before it asks, and asks the next
//! announcer after `txFetchTimeout`. Transactions over 4096 B are only announced (`txMaxBroadcastSize`).
//!
//! Simplified: which peers receive the whole is a fresh random choice for every node and item (go-ethereum's depends on
//! the transaction's sender); blocks are announced together with the push, not after import.

use super::inventory::{Inventory, InventorySettings, Timeouts};
use super::request_tracker::Announcers;
use super::{Class, Gossip, Graph, Item, ItemId, Post, RelayMessage};
use crate::base::rng::mix;
use crate::base::{Duration, NodeId};
use smallvec::SmallVec;
use std::sync::Arc;

/// How items are pushed and announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SqrtPushSettings {
    /// How the rest is announced and asked for.
    pub inventory: InventorySettings,
    /// Larger transactions are only announced (go-ethereum `txMaxBroadcastSize`).
    pub push_max: u32,
}

impl Default for SqrtPushSettings {
    /// go-ethereum's: `txArriveTimeout` 500 ms, `txFetchTimeout` 5 s; 37 B are a hash with its type and size.
    fn default() -> SqrtPushSettings {
        let fetch = Duration::from_secs(5);
        let inventory = InventorySettings {
            timeouts: Timeouts { message: fetch, block: fetch, transaction: fetch },
            trickle: None,
            patience: Duration::from_millis(500),
            ..InventorySettings::default()
        };
        SqrtPushSettings { inventory, push_max: 4096 }
    }
}

/// Pushes to some, announces to the rest.
pub struct SqrtPush {
    inventory: Inventory,
    push_max: u32,
}

impl SqrtPush {
    /// Ethereum's relay over `graph`.
    #[must_use]
    pub fn new(seed: u64, graph: Arc<dyn Graph>, settings: SqrtPushSettings) -> SqrtPush {
        SqrtPush { inventory: Inventory::new(seed, graph, settings.inventory), push_max: settings.push_max }
    }

    /// The peers that receive the whole item: the square root of them all, rounded up, among those that lack it.
    fn chosen(&self, node: NodeId, item: ItemId, holders: &Announcers) -> Announcers {
        let peers = self.inventory.graph().peers(node);
        let word = self.inventory.word(node, item);
        let lacking = peers.iter().filter(|peer| !holders.contains(peer));
        let mut drawn: SmallVec<[(u64, NodeId); 64]> =
            lacking.map(|peer| (mix(word, u64::from(peer.0)), *peer)).collect();
        drawn.sort_unstable();
        drawn.iter().take(ceil_sqrt(peers.len())).map(|(_, peer)| *peer).collect()
    }
}

/// The square root, rounded up.
fn ceil_sqrt(n: usize) -> usize {
    let root = n.isqrt();
    root + usize::from(root * root < n)
}

impl Gossip for SqrtPush {
    fn register(&mut self, item: ItemId, description: Item) {
        self.inventory.register(item, description);
    }

    fn publish(&mut self, node: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        let Some((description, holders)) = self.inventory.take_up(node, item) else { return };
        let Item { class, bytes, .. } = description;
        let only_announced = class == Class::Transaction && bytes > self.push_max;
        let pushed = if only_announced { Announcers::new() } else { self.chosen(node, item, &holders) };
        let whole = |to: &NodeId| Post { to: *to, frame: RelayMessage::Whole, item, bytes, after: Duration::ZERO };
        posts.extend(pushed.iter().map(whole));
        let rest = |peer: NodeId| !holders.contains(&peer) && !pushed.contains(&peer);
        self.inventory.announce(node, (item, description), rest, posts);
    }

    fn receive(
        &mut self,
        node: NodeId,
        from: NodeId,
        frame: RelayMessage,
        item: ItemId,
        missing: &mut dyn FnMut() -> u32,
        posts: &mut Vec<Post>,
    ) -> bool {
        if frame != RelayMessage::Whole {
            return self.inventory.receive(node, from, frame, item, missing, posts);
        }
        let new = self.inventory.on_whole(node, from, item);
        if new && self.inventory.passes_on(item) {
            self.publish(node, item, posts);
        }
        new
    }

    fn holds(&self, node: NodeId, item: ItemId) -> bool {
        self.inventory.holds(node, item)
    }

    fn holders(&self, item: ItemId) -> usize {
        self.inventory.holders(item)
    }

    fn forget(&mut self, item: ItemId) {
        self.inventory.forget(item);
    }

    fn reset(&mut self, node: NodeId) {
        self.inventory.reset(node);
    }
}
