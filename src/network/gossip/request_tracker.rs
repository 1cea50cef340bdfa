//! Per node: items that were announced to it and not yet received, or received and not yet published. Short lists.

use super::ItemId;
use super::item_inventory::ItemInventory;
use crate::base::NodeId;
use smallvec::SmallVec;

/// A list this long is searched for items that are gone before it grows further.
const LONG: usize = 32;

/// Peers in the order they showed that they have an item.
pub(super) type Announcers = SmallVec<[NodeId; 4]>;

/// One item that was announced to a node.
#[derive(Clone, Debug)]
pub(super) struct Want {
    pub item: ItemId,
    /// Peers that showed they have it, in that order.
    pub announcers: Announcers,
    /// How many of them were asked.
    pub asked: usize,
    /// Whether all of them were asked in vain, so that the next to announce it is asked at once.
    pub idle: bool,
    /// The peer whose compact form is being completed, and the bytes it was asked for.
    pub completing: Option<(NodeId, u32)>,
}

/// The announced items of each node.
#[derive(Debug)]
pub(super) struct RequestTracker(Vec<Vec<Want>>);

impl RequestTracker {
    pub fn new(nodes: usize) -> RequestTracker {
        RequestTracker(vec![Vec::new(); nodes])
    }
    pub fn get(&mut self, node: NodeId, item: ItemId) -> Option<&mut Want> {
        self.0[node.index()].iter_mut().find(|want| want.item == item)
    }
    /// `from` announces the item to `node`, or sends it. Returns the item's entry, and whether the item is new to the list.
    pub fn on_announce(
        &mut self,
        node: NodeId,
        from: NodeId,
        item: ItemId,
        holdings: &ItemInventory,
    ) -> (&mut Want, bool) {
        let list = &mut self.0[node.index()];
        let place = list.iter().position(|want| want.item == item);
        if let Some(place) = place {
            let want = &mut list[place];
            if !want.announcers.contains(&from) {
                want.announcers.push(from);
            }
            return (want, false);
        }
        if list.len() >= LONG && list.len().is_power_of_two() {
            list.retain(|want| holdings.item(want.item).is_some());
        }
        let announcers = SmallVec::from_slice(&[from]);
        list.push(Want { item, announcers, asked: 0, idle: false, completing: None });
        let last = list.len() - 1;
        (&mut list[last], true)
    }
    /// Removes the item's entry for `node` and returns it.
    pub fn drop(&mut self, node: NodeId, item: ItemId) -> Option<Want> {
        let list = &mut self.0[node.index()];
        let place = list.iter().position(|want| want.item == item)?;
        Some(list.swap_remove(place))
    }
    /// `node` crashed.
    pub fn clear(&mut self, node: NodeId) {
        self.0[node.index()] = Vec::new();
    }
    /// How many items `node` knows of.
    #[cfg(test)]
    pub fn count(&self, node: NodeId) -> usize {
        self.0[node.index()].len()
    }
}
