//! Compact block relay: blocks travel as lists of short transaction ids, and receivers ask for what they miss.
//!
//! ```text
//!     holder              eager peer          holder              other peer
//!       |------ compact ------>|                 |----- announce ----->|
//!       |<-- request missing --|                 |<---- request -------|
//!       |------ missing ------>|                 |------ compact ----->|   and on as at the left
//! ```
//!
//! Source: BIP 152. A node asks at most three peers to send blocks unasked (high-bandwidth mode): those that last
//! brought it a block first. All others announce (low-bandwidth mode). Items without a compact form, and all that are
//! not blocks, spread by [`Inventory`].
//!
//! Simplified: a node completes one compact form of a block at a time; the choice of eager peers costs no message and
//! takes effect at once; the push waits for the holder to publish, that is for its own validation, where BIP 152 lets it
//! go after checking the header.
//!
//! [`CompactSettings::simblock`] is the relay of `SimBlock` (Aoki et al. 2019): no eager peers; a fraction of nodes speaks
//! compact relay; it fails by chance, and what is missing is a fraction of the block drawn from its table. Announcements,
//! requests and requests for what is missing take 10 ms at their sender. No node requests twice.

use super::inventory::{Inventory, InventorySettings, Timeouts};
use super::{Class, Gossip, Graph, Item, ItemId, Post, RelayMessage};
use crate::base::rng::mix;
use crate::base::{Duration, NodeId, NodeSet, Stream};
use crate::network::sampling::{below, unit};
use smallvec::SmallVec;
use std::sync::Arc;

/// How many of `SimBlock`'s 945 samples of what churning nodes miss lie at 1, 2, ... 96 hundredths of the block
/// (`CBR_FAILURE_BLOCK_SIZE_DISTRIBUTION_FOR_CHURN_NODE`); for nodes always connected all samples lie at one hundredth.
const CHURN_SAMPLES: [u16; 96] = [
    546, 66, 39, 27, 21, 17, 14, 12, 11, 10, 9, 8, 7, 7, 6, 6, 5, 5, 5, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
];
/// The sum of [`CHURN_SAMPLES`].
const CHURN_SAMPLE_COUNT: u64 = 945;
/// Keeps the draws of reconstruction apart from others about the same node and item.
const SALT: u64 = 0x7265_636f_6e73_7472;

/// Whether a receiver can complete a compact form from what it has.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Reconstruction {
    /// According to its mempool.
    Mempool,
    /// By chance, as in `SimBlock`.
    Chance {
        /// Fraction of nodes that churn.
        churn: f64,
        /// Probability that a churning node misses something.
        churn_failure: f64,
        /// Probability that a node always connected misses something.
        control_failure: f64,
    },
}

/// How compact forms are used.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CompactSettings {
    /// How items are announced and asked for.
    pub inventory: InventorySettings,
    /// How many peers a node asks to send blocks unasked (BIP 152: at most three).
    pub eager_max: usize,
    /// Fraction of nodes that speak compact relay.
    pub usage: f64,
    /// Whether a receiver can complete a compact form.
    pub reconstruction: Reconstruction,
    /// Bytes of every compact form; `None` for those that the items have.
    pub bytes: Option<u32>,
    /// Bytes of a request for missing transactions without the indexes: block hash 32 B, count 1 to 3 B.
    pub request_missing_bytes: u32,
    /// A request names one index, of one byte, for so many missing bytes: a typical transaction.
    pub bytes_per_index: u32,
}

impl Default for CompactSettings {
    /// BIP 152, everywhere.
    fn default() -> CompactSettings {
        CompactSettings {
            inventory: InventorySettings::default(),
            eager_max: 3,
            usage: 1.0,
            reconstruction: Reconstruction::Mempool,
            bytes: None,
            request_missing_bytes: 34,
            bytes_per_index: 250,
        }
    }
}

impl CompactSettings {
    /// The relay of `SimBlock`, with the rates of its configuration of 2019.
    #[must_use]
    pub fn simblock() -> CompactSettings {
        CompactSettings {
            inventory: InventorySettings {
                timeouts: Timeouts::NEVER,
                trickle: None,
                processing: Duration::from_millis(10),
                spare_holders: false,
                ..InventorySettings::default()
            },
            eager_max: 0,
            usage: 0.964,
            reconstruction: Reconstruction::Chance { churn: 0.976, churn_failure: 0.27, control_failure: 0.13 },
            bytes: Some(18_000),
            bytes_per_index: u32::MAX,
            ..CompactSettings::default()
        }
    }
}

/// Relays blocks in short.
pub struct Compact {
    inventory: Inventory,
    settings: CompactSettings,
    /// Nodes that speak compact relay.
    speakers: NodeSet,
    /// Nodes that churn; empty unless reconstruction is by chance.
    churning: NodeSet,
    /// By node: the peers it asked to be eager, latest first; at most `eager_max`.
    chosen: Vec<SmallVec<[NodeId; 3]>>,
    /// By node: the peers to which it is eager; the inverse of `chosen`.
    eager_to: Vec<SmallVec<[NodeId; 4]>>,
}

impl Compact {
    /// Compact relay over `graph`.
    #[must_use]
    pub fn new(seed: u64, graph: Arc<dyn Graph>, settings: CompactSettings) -> Compact {
        let nodes = graph.len();
        let churn = match settings.reconstruction {
            Reconstruction::Mempool => 0.0,
            Reconstruction::Chance { churn, .. } => churn,
        };
        Compact {
            inventory: Inventory::new(seed, graph, settings.inventory),
            settings,
            speakers: fraction(seed, "compact speakers", nodes, settings.usage),
            churning: fraction(seed, "compact churn", nodes, churn),
            chosen: vec![SmallVec::new(); nodes],
            eager_to: vec![SmallVec::new(); nodes],
        }
    }

    /// The compact bytes of a block, if it has a compact form and both ends speak compact relay.
    fn compact_bytes(&self, item: Item, from: NodeId, to: NodeId) -> Option<u32> {
        let both = self.speakers.contains(from) && self.speakers.contains(to);
        let compact = item.compact.filter(|_| item.class == Class::Block && both)?;
        Some(self.settings.bytes.unwrap_or(compact))
    }

    /// `from` asks for the item.
    fn on_request(&mut self, node: NodeId, from: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        let is_held = self.inventory.holds(node, item);
        let Some(description) = self.inventory.item(item).filter(|_| is_held) else { return };
        let (frame, bytes) = match self.compact_bytes(description, node, from) {
            Some(bytes) => (RelayMessage::Compact, bytes),
            None => (RelayMessage::Whole, description.bytes),
        };
        posts.push(Post { to: from, frame, item, bytes, after: Duration::ZERO });
    }

    /// A compact form reached `node`. Returns whether it could be completed and is new.
    fn on_compact(
        &mut self,
        node: NodeId,
        from: NodeId,
        item: ItemId,
        missing: &mut dyn FnMut() -> u32,
        posts: &mut Vec<Post>,
    ) -> bool {
        let Some(description) = self.inventory.item(item) else { return false };
        if self.inventory.holds(node, item) {
            return false;
        }
        let missed = match self.settings.reconstruction {
            Reconstruction::Mempool => missing().min(description.bytes),
            Reconstruction::Chance { .. } => self.missed_by_chance(node, from, item, description),
        };
        if missed == 0 {
            return self.on_complete(node, from, item);
        }
        let Some(is_unasked) = self.inventory.begin_completing(node, from, item, missed) else { return false };
        let indexes = missed.div_ceil(self.settings.bytes_per_index.max(1));
        let bytes = self.settings.request_missing_bytes.saturating_add(indexes);
        let after = self.settings.inventory.processing;
        posts.push(Post { to: from, frame: RelayMessage::RequestMissing, item, bytes, after });
        if is_unasked {
            self.inventory.remind(node, (item, description), posts);
        }
        false
    }

    /// What `node` misses of a block from `from`, by `SimBlock`'s rates and tables. There the receiver decides whether
    /// anything is missing, and the sender how much.
    fn missed_by_chance(&self, node: NodeId, from: NodeId, item: ItemId, description: Item) -> u32 {
        let Reconstruction::Chance { churn_failure, control_failure, .. } = self.settings.reconstruction else {
            return 0;
        };
        let word = self.inventory.word(node, item) ^ SALT;
        let failure = if self.churning.contains(node) { churn_failure } else { control_failure };
        if unit(mix(word, 0)) >= failure {
            return 0;
        }
        let hundredths = if self.churning.contains(from) { hundredths_missed(mix(word, 1)) } else { 1 };
        (u64::from(description.bytes) * hundredths / 100).max(1) as u32
    }

    /// `from` asks for what it misses. What that is was written down when it asked.
    fn on_request_missing(&mut self, node: NodeId, from: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        if !self.inventory.holds(node, item) {
            return;
        }
        if let Some((_, bytes)) = self.inventory.completing(from, item) {
            posts.push(Post { to: from, frame: RelayMessage::Missing, item, bytes, after: Duration::ZERO });
        }
    }

    /// What was missing has come: the block is complete if its compact form is still here.
    fn on_missing(&mut self, node: NodeId, from: NodeId, item: ItemId) -> bool {
        let completing = self.inventory.completing(node, item);
        completing.is_some_and(|(peer, _)| peer == from) && self.on_complete(node, from, item)
    }

    /// `node` has the whole item, thanks to `from`. Returns whether it is new.
    fn on_complete(&mut self, node: NodeId, from: NodeId, item: ItemId) -> bool {
        let new = self.inventory.on_whole(node, from, item);
        if new && self.inventory.item(item).is_some_and(|item| item.class == Class::Block) {
            self.prefer(node, from);
        }
        new
    }

    /// `node` asks `peer`, which just brought it a block, to be eager, and the one that did so longest ago to stop.
    fn prefer(&mut self, node: NodeId, peer: NodeId) {
        let speak = self.speakers.contains(node) && self.speakers.contains(peer);
        if self.settings.eager_max == 0 || !speak {
            return;
        }
        let chosen = &mut self.chosen[node.index()];
        if let Some(place) = chosen.iter().position(|other| *other == peer) {
            chosen.remove(place);
        } else {
            self.eager_to[peer.index()].push(node);
        }
        chosen.insert(0, peer);
        if chosen.len() > self.settings.eager_max
            && let Some(dropped) = chosen.pop()
        {
            self.eager_to[dropped.index()].retain(|other| *other != node);
        }
    }
}

/// A random set of this fraction of all nodes, to the nearest whole number.
fn fraction(seed: u64, label: &str, nodes: usize, fraction: f64) -> NodeSet {
    let mut all: Vec<NodeId> = (0..nodes).map(NodeId::from).collect();
    Stream::new(seed, label, 0, 0).shuffle(&mut all);
    all.truncate((nodes as f64 * fraction + 0.5) as usize);
    all.iter().collect()
}

/// A draw from [`CHURN_SAMPLES`].
pub(super) fn hundredths_missed(word: u64) -> u64 {
    let drawn = below(word, CHURN_SAMPLE_COUNT) as u16;
    let mut below = 0;
    let place = CHURN_SAMPLES.iter().take_while(|samples| {
        below += **samples;
        below <= drawn
    });
    1 + place.count() as u64
}

impl Gossip for Compact {
    fn register(&mut self, item: ItemId, description: Item) {
        self.inventory.register(item, description);
    }

    fn publish(&mut self, node: NodeId, item: ItemId, posts: &mut Vec<Post>) {
        let Some((description, holders)) = self.inventory.take_up(node, item) else { return };
        let lacks = |peer: NodeId| !holders.contains(&peer);
        let eager_to = &self.eager_to[node.index()];
        let eager = |peer: NodeId| eager_to.contains(&peer) && self.compact_bytes(description, node, peer).is_some();
        if let Some(bytes) = description.compact {
            let pushed = eager_to.iter().copied().filter(|peer| lacks(*peer) && eager(*peer));
            let compact = |to| Post { to, frame: RelayMessage::Compact, item, bytes, after: Duration::ZERO };
            posts.extend(pushed.map(compact));
        }
        self.inventory.announce(node, (item, description), |peer| lacks(peer) && !eager(peer), posts);
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
        let new = match frame {
            RelayMessage::Announce | RelayMessage::Reminder => {
                return self.inventory.receive(node, from, frame, item, missing, posts);
            }
            RelayMessage::Request => {
                self.on_request(node, from, item, posts);
                false
            }
            RelayMessage::RequestMissing => {
                self.on_request_missing(node, from, item, posts);
                false
            }
            RelayMessage::Compact => self.on_compact(node, from, item, missing, posts),
            RelayMessage::Missing => self.on_missing(node, from, item),
            RelayMessage::Whole => self.on_complete(node, from, item),
        };
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
        for peer in std::mem::take(&mut self.chosen[node.index()]) {
            self.eager_to[peer.index()].retain(|other| *other != node);
        }
        for peer in std::mem::take(&mut self.eager_to[node.index()]) {
            self.chosen[peer.index()].retain(|other| *other != node);
        }
    }
}
