//! How a broadcast spreads over a graph: who sends what to whom.
//!
//! A [`Gossip`] knows items by number and size only. The engine keeps what they hold, carries the posts it is handed
//! through the network, and asks again at each arrival.

use crate::base::{Duration, NodeId};

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
pub enum Frame {
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

impl Frame {
    /// Its name in counts and traces.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Frame::Whole => "item",
            Frame::Announce => "inv",
            Frame::Request => "getdata",
            Frame::Compact => "cmpctblock",
            Frame::RequestMissing => "getblocktxn",
            Frame::Missing => "blocktxn",
            Frame::Reminder => "reminder",
        }
    }
}

/// A frame to be sent. Posts next to each other that differ in the receiver only are carried as one broadcast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Post {
    /// The receiver; for a [`Frame::Reminder`] the node itself.
    pub to: NodeId,
    /// What it is.
    pub frame: Frame,
    /// Which item it is about.
    pub item: ItemId,
    /// Bytes on the wire, without framing.
    pub bytes: u32,
    /// How long the sender waits before it hands the frame to its uplink.
    pub after: Duration,
}

/// Spreads items.
pub trait Gossip {
    /// Describes an item before it is first published. Numbers are reused after [`Gossip::forget`].
    fn register(&mut self, item: ItemId, description: Item);
    /// `node` has the item and wants its peers to have it: it made it, or it received and judged it.
    /// Publishing twice does nothing.
    fn publish(&mut self, node: NodeId, item: ItemId, posts: &mut Vec<Post>);
    /// A frame reached `node`. Returns whether `node` has just come to hold the item, which is then handed to it.
    /// Items of [`Class::Message`] are passed on here; others when they are published.
    /// `missing` tells how many bytes of a compact item `node` cannot supply itself.
    fn receive(
        &mut self,
        node: NodeId,
        from: NodeId,
        frame: Frame,
        item: ItemId,
        missing: &mut dyn FnMut() -> u32,
        posts: &mut Vec<Post>,
    ) -> bool;
    /// Whether `node` holds the item.
    fn holds(&self, node: NodeId, item: ItemId) -> bool;
    /// How many nodes hold the item.
    fn holders(&self, item: ItemId) -> usize;
    /// Nobody needs the item any more; its number may be used again. Frames about it may still arrive and do nothing.
    fn forget(&mut self, item: ItemId);
    /// `node` crashed: what it had asked for or was asked for is gone, what it holds stays.
    fn reset(&mut self, node: NodeId);
}
