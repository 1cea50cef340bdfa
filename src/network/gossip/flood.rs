//! Flooding: a node that receives an item for the first time sends it to every peer but the one it came from.

use super::item_inventory::ItemInventory;
use super::request_tracker::{Announcers, RequestTracker};
use super::{Class, Gossip, Graph, Item, ItemId, Post, RelayMessage};
use crate::base::{Duration, NodeId};
use std::sync::Arc;

/// Sends whole items to every peer.
pub struct Flood {
    graph: Arc<dyn Graph>,
    holdings: ItemInventory,
    /// The senders of the items not yet published.
    wants: RequestTracker,
}

impl Flood {
    /// Flooding over `graph`.
    #[must_use]
    pub fn new(graph: Arc<dyn Graph>) -> Flood {
        let nodes = graph.len();
        Flood { graph, holdings: ItemInventory::new(nodes), wants: RequestTracker::new(nodes) }
    }
}

impl Gossip for Flood {
    fn register(&mut self, item: ItemId, description: Item) {
        self.holdings.register(item, description);
    }

    fn publish(&mut self, node: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        let Some(Item { bytes, .. }) = self.holdings.publish(node, item) else { return };
        let senders = self.wants.drop(node, item).map_or_else(Announcers::new, |want| want.announcers);
        let peers = self.graph.peers(node).iter().filter(|peer| !senders.contains(peer));
        posts.extend(peers.map(|&to| Post { to, frame: RelayMessage::Whole, item, bytes, after: Duration::ZERO }));
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
        if frame != RelayMessage::Whole || !self.holdings.take(node, item) {
            return false;
        }
        self.wants.on_announce(node, from, item, &self.holdings);
        if self.holdings.item(item).is_some_and(|item| item.class == Class::Message) {
            self.publish(node, item, posts);
        }
        true
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
