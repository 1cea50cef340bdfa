//! Gossip: dissemination of broadcasts over a graph. An algorithm decides which node sends which frame to which peers.
//!
//! A [`Gossip`] knows items by number and size only. The engine keeps what they hold, carries the posts it is handed
//! through the network, and asks again at each arrival.
//!
//! | gossip | a holder sends | cost of an item over a graph of n nodes and E links | source |
//! |---|---|---|---|
//! | [`Flood`] | the item to every peer | 2E - n + 1 bodies | classic |
//! | [`Inventory`] | an announcement to every peer, the item to those that ask | n - 1 bodies, 2E - n + 1 short frames | Bitcoin |
//! | [`Compact`] | blocks in short, to three eager peers unasked | n - 1 short bodies and what receivers miss | BIP 152 |
//! | [`SqrtPush`] | the item to the square root of its peers, an announcement to the rest | between the two | Ethereum |
//!
//! What all keep: one bit per node and item for "holds", one for "published", and for each node a short list of the
//! items it wants or has not yet published. An announcement of what a node already holds is answered by one bit.
//!
//! Simplified: links do not fail or change, and the dialect of each node is known from the start. A frame about an
//! item that was forgotten does nothing; but a number must not be registered again while frames about its former
//! item are on their way, for frames carry the number only.

mod compact;
mod flood;
mod inventory;
mod item_inventory;
mod request_tracker;
mod sqrt_push;
#[cfg(test)]
mod tests;

pub use compact::{Compact, CompactSettings, Reconstruction};
pub use flood::Flood;
pub use inventory::{Inventory, InventorySettings, Timeouts, Trickle};
pub use sqrt_push::{SqrtPush, SqrtPushSettings};

use crate::base::rng::mix;
use crate::base::{ByteSize, Duration, NodeId, OutOfRange, RangeCheck};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How broadcasts spread over the topology, as scenarios write it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GossipModel {
    /// The sender sends to all other nodes itself; needs the complete topology.
    Direct {},
    /// Each node passes each item on to all its neighbours.
    Flood {},
    /// Announce, request, send (Bitcoin before BIP 152).
    Inventory {
        /// Whether transactions wait before they are announced, as in Bitcoin Core.
        #[serde(default = "yes")]
        trickle: bool,
    },
    /// Blocks in short, then what is missing (BIP 152); the rest by announcement.
    Compact {
        /// Whether transactions wait before they are announced, as in Bitcoin Core.
        #[serde(default = "yes")]
        trickle: bool,
        /// Peers that a node asks to send blocks unasked.
        #[serde(default = "three")]
        high_bandwidth_peers: u32,
        /// Fraction of nodes that speak compact relay.
        #[serde(default = "all_nodes")]
        adoption: f64,
    },
    /// Compact relay as SimBlock models it: what is missing is a matter of chance. For comparison only.
    Simblock {},
    /// The whole to the square root of the neighbours, announcements to the rest (Ethereum).
    SqrtPush {
        /// Larger transactions are only announced (go-ethereum).
        #[serde(default = "push_max")]
        push_max: ByteSize,
    },
}

fn yes() -> bool {
    true
}
fn three() -> u32 {
    3
}
fn all_nodes() -> f64 {
    1.0
}
fn push_max() -> ByteSize {
    ByteSize(4096)
}

impl Default for GossipModel {
    fn default() -> GossipModel {
        GossipModel::Direct {}
    }
}

impl GossipModel {
    /// The parameters out of their range.
    #[must_use]
    pub fn check(&self) -> Vec<OutOfRange> {
        match self {
            GossipModel::Compact { adoption, .. } => {
                RangeCheck::default().within("adoption", *adoption, 0.0, 1.0).finish()
            }
            _ => Vec::new(),
        }
    }
    /// The gossip over `graph`; none if senders send to all other nodes themselves.
    #[must_use]
    pub fn build(self, seed: u64, graph: Arc<dyn Graph>) -> Option<Box<dyn Gossip>> {
        let inventory = |trickle: bool| InventorySettings {
            trickle: trickle.then(Trickle::default),
            ..InventorySettings::default()
        };
        Some(match self {
            GossipModel::Direct {} => return None,
            GossipModel::Flood {} => Box::new(Flood::new(graph)),
            GossipModel::Inventory { trickle } => Box::new(Inventory::new(seed, graph, inventory(trickle))),
            GossipModel::Compact { trickle, high_bandwidth_peers, adoption } => {
                let (inventory, eager_max) = (inventory(trickle), high_bandwidth_peers as usize);
                let settings = CompactSettings { inventory, eager_max, usage: adoption, ..CompactSettings::default() };
                Box::new(Compact::new(seed, graph, settings))
            }
            GossipModel::Simblock {} => Box::new(Compact::new(seed, graph, CompactSettings::simblock())),
            GossipModel::SqrtPush { push_max } => {
                let push_max = u32::try_from(push_max.0).unwrap_or(u32::MAX);
                Box::new(SqrtPush::new(seed, graph, SqrtPushSettings { push_max, ..SqrtPushSettings::default() }))
            }
        })
    }
}

/// The links between nodes.
pub trait Graph {
    /// The nodes that `node` is linked to, each once, itself not among them.
    fn peers(&self, node: NodeId) -> &[NodeId];
    /// How many nodes there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Whether the link was dialled by `node`, so that `peer` is an outbound peer. Unless the graph remembers, a fair
    /// coin of the two numbers decides.
    fn dialled(&self, node: NodeId, peer: NodeId) -> bool {
        let (low, high) = (node.min(peer), node.max(peer));
        let low_dialled = mix(u64::from(low.0), u64::from(high.0)) & 1 == 0;
        low_dialled == (node == low)
    }
}

/// The number of an item: a broadcast message, a block, a transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ItemId(pub u32);

/// What kind of thing an item is; each kind spreads by its own rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// A protocol message: passed on when it arrives.
    Message,
    /// A block: passed on when the node broadcasts it itself, after judging it.
    Block,
    /// A client's transaction: passed on when the mempool takes it.
    Transaction,
}

/// What gossip must know of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item {
    /// Its kind.
    pub class: Class,
    /// Bytes of the whole, without framing.
    pub bytes: u32,
    /// Bytes of its compact form (BIP 152), if it has one.
    pub compact: Option<u32>,
}

/// What is posted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RelayMessage {
    /// The item itself.
    Whole,
    /// "I have it" (inv).
    Announce,
    /// "Send it" (getdata).
    Request,
    /// The item in short (cmpctblock).
    Compact,
    /// "Send what I miss of it" (getblocktxn).
    RequestMissing,
    /// What was missing (blocktxn).
    Missing,
    /// Not sent: a reminder to oneself, carried by no network.
    Reminder,
}

impl RelayMessage {
    /// Its name in counts and traces.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            RelayMessage::Whole => "item",
            RelayMessage::Announce => "inv",
            RelayMessage::Request => "getdata",
            RelayMessage::Compact => "cmpctblock",
            RelayMessage::RequestMissing => "getblocktxn",
            RelayMessage::Missing => "blocktxn",
            RelayMessage::Reminder => "reminder",
        }
    }
}

/// A frame to be sent. Posts next to each other that differ in the receiver only are carried as one broadcast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Post {
    /// The receiver; for a [`RelayMessage::Reminder`] the node itself.
    pub to: NodeId,
    /// What it is.
    pub frame: RelayMessage,
    /// Which item it is about.
    pub item: ItemId,
    /// Bytes on the wire, without framing.
    pub bytes: u32,
    /// How long the sender waits before it hands the frame to its uplink.
    pub after: Duration,
}

/// Spreads items.
pub trait Gossip {
    /// Describes an item before it is first published. A number may be used again after [`Gossip::forget`]; the engine never
    /// does that.
    fn register(&mut self, item: ItemId, description: Item);
    /// `node` has the item and wants its peers to have it: it made it, or it received and judged it.
    /// Publishing twice does nothing.
    fn publish(&mut self, node: NodeId, item: ItemId, posts: &mut Vec<Post>);
    /// A frame reached `node`. Returns whether `node` has just come to hold the item, which is then handed to it.
    /// Items of [`Class::Message`] are passed on here; others when they are published.
    /// `missing` returns how many bytes of a compact item `node` cannot supply itself.
    fn receive(
        &mut self,
        node: NodeId,
        from: NodeId,
        frame: RelayMessage,
        item: ItemId,
        missing: &mut dyn FnMut() -> u32,
        posts: &mut Vec<Post>,
    ) -> bool;
    /// Whether `node` holds the item.
    fn holds(&self, node: NodeId, item: ItemId) -> bool;
    /// How many nodes hold the item.
    fn holders(&self, item: ItemId) -> usize;
    /// No node needs the item any more; its number may be used again. Frames about it may still arrive and do nothing.
    fn forget(&mut self, item: ItemId);
    /// `node` crashed: what it had asked for or was asked for is gone, what it holds stays.
    fn reset(&mut self, node: NodeId);
}
