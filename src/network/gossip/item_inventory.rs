//! Which nodes hold which item: two bits per node and item.

use super::{Item, ItemId};
use crate::base::{NodeId, NodeSet};

/// Which nodes hold which item.
#[derive(Debug, Default)]
pub(super) struct ItemInventory {
    nodes: usize,
    /// By number of the item. Bits of forgotten items keep their room.
    entries: Vec<Entry>,
    /// Items registered so far.
    registered: u64,
}

#[derive(Debug, Default)]
struct Entry {
    /// None before the item is registered and after it is forgotten.
    item: Option<Item>,
    /// Distinguishes items that had the same number.
    serial: u64,
    holders: NodeSet,
    /// Their number, which is asked for at every arrival.
    holder_count: usize,
    published: NodeSet,
}

impl Entry {
    /// Returns whether the holder is new.
    fn add_holder(&mut self, node: NodeId) -> bool {
        let is_new = self.holders.insert(node);
        self.holder_count += usize::from(is_new);
        is_new
    }
    fn clear_holders(&mut self) {
        self.holders.clear();
        self.holder_count = 0;
    }
}

impl ItemInventory {
    pub fn new(nodes: usize) -> ItemInventory {
        ItemInventory { nodes, ..ItemInventory::default() }
    }
    pub fn register(&mut self, item: ItemId, description: Item) {
        let place = item.0 as usize;
        if place >= self.entries.len() {
            self.entries.resize_with(place + 1, Entry::default);
        }
        let entry = &mut self.entries[place];
        if entry.serial == 0 {
            (entry.holders, entry.published) = (NodeSet::with_capacity(self.nodes), NodeSet::with_capacity(self.nodes));
        } else {
            entry.clear_holders();
            entry.published.clear();
        }
        self.registered += 1;
        entry.item = Some(description);
        entry.serial = self.registered;
    }
    pub fn forget(&mut self, item: ItemId) {
        if let Some(entry) = self.entries.get_mut(item.0 as usize) {
            entry.item = None;
            entry.clear_holders();
            entry.published.clear();
        }
    }
    /// The item, unless it is unknown or forgotten.
    #[inline]
    pub fn item(&self, item: ItemId) -> Option<Item> {
        self.entries.get(item.0 as usize)?.item
    }
    /// A number that no other item ever had.
    pub fn serial(&self, item: ItemId) -> u64 {
        self.entries.get(item.0 as usize).map_or(0, |entry| entry.serial)
    }
    #[inline]
    pub fn holds(&self, node: NodeId, item: ItemId) -> bool {
        self.entries.get(item.0 as usize).is_some_and(|entry| entry.holders.contains(node))
    }
    pub fn holders(&self, item: ItemId) -> usize {
        self.entries.get(item.0 as usize).map_or(0, |entry| entry.holder_count)
    }
    /// `node` comes to hold the item; returns whether that is new. A removed item stays removed.
    pub fn take(&mut self, node: NodeId, item: ItemId) -> bool {
        let entry = self.entries.get_mut(item.0 as usize).filter(|entry| entry.item.is_some());
        entry.is_some_and(|entry| entry.add_holder(node))
    }
    /// `node` publishes the item, and thereby holds it; returns what it is the first time.
    pub fn publish(&mut self, node: NodeId, item: ItemId) -> Option<Item> {
        let entry = self.entries.get_mut(item.0 as usize)?;
        let description = entry.item?;
        entry.add_holder(node);
        entry.published.insert(node).then_some(description)
    }
}
