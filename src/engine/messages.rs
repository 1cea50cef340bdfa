//! The messages that are under way: each kept once, however many receive it.
//!
//! This is one of the two places where the engine knows a protocol's types; the other is [`super::process`]. All other
//! rooms identify a message by its number and its [`Envelope`]. Messages cross processes: the last reference removes the
//! message.

use super::slab::Slab;
use crate::base::wire::FRAMING_BYTES;
use crate::base::{Keyring, NodeId, Work};
use crate::protocol::{Message, Relay};

/// The properties of a message that do not depend on the protocol's types.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    /// Its kind, for counts by kind.
    pub kind: &'static str,
    /// The node that made it.
    pub from: NodeId,
    /// Bytes on the wire, framing included.
    pub bytes: u64,
    /// What receiving and checking it costs.
    pub work: Work,
    /// How it spreads.
    pub relay: Relay,
}

/// The messages, without their types.
pub(super) trait MessageTable {
    /// What is known of a message.
    fn envelope(&self, message: u32) -> &Envelope;
    /// Adds a reference: from a transmission, an inbox or a gossip item.
    fn retain(&mut self, message: u32);
    /// Drops a reference.
    fn release(&mut self, message: u32);
}

struct Stored<M> {
    message: M,
    envelope: Envelope,
    holders: u32,
    /// Whether its signatures are valid, once verified.
    is_genuine: Option<bool>,
    /// Whether its sender made them invalid.
    is_corrupt: bool,
}

/// The messages of one protocol that are under way.
pub(super) struct Messages<M> {
    stored: Slab<Stored<M>>,
    /// Whether signatures are checked again at every receiver, and must give the same.
    recheck: bool,
}

impl<M: Message> Messages<M> {
    pub fn new(recheck: bool) -> Messages<M> {
        Messages { stored: Slab::default(), recheck }
    }
    /// Stores a message of a node, without references.
    pub fn insert(&mut self, message: M, from: NodeId, is_corrupt: bool) -> u32 {
        let envelope = Envelope {
            kind: message.kind(),
            from,
            bytes: (message.bytes() + FRAMING_BYTES) as u64,
            work: Work::RECEIVE + message.check(),
            relay: message.relay(),
        };
        self.stored.insert(Stored { message, envelope, holders: 0, is_genuine: None, is_corrupt })
    }
    /// The message itself.
    pub fn message(&self, message: u32) -> &M {
        &self.stored.get(message).message
    }
    /// Whether its signatures are valid; computed once.
    pub fn is_genuine(&mut self, message: u32, keys: &Keyring) -> bool {
        let stored = self.stored.get_mut(message);
        if let Some(known) = stored.is_genuine.filter(|_| !self.recheck) {
            return known;
        }
        let is_genuine = !stored.is_corrupt && stored.message.verify(stored.envelope.from, keys);
        let before = stored.is_genuine.replace(is_genuine);
        assert!(before.is_none_or(|before| before == is_genuine), "checking a message twice gives the same");
        is_genuine
    }
    /// Takes a message for one handler and drops its reference: the last reference gets the original, others a copy.
    pub fn open(&mut self, message: u32) -> M {
        let stored = self.stored.get_mut(message);
        stored.holders -= 1;
        if stored.holders == 0 { self.stored.remove(message).message } else { stored.message.clone() }
    }
    /// Number of messages under way.
    pub fn len(&self) -> usize {
        self.stored.len()
    }
}

impl<M: Message> MessageTable for Messages<M> {
    fn envelope(&self, message: u32) -> &Envelope {
        &self.stored.get(message).envelope
    }
    fn retain(&mut self, message: u32) {
        self.stored.get_mut(message).holders += 1;
    }
    fn release(&mut self, message: u32) {
        let stored = self.stored.get_mut(message);
        stored.holders -= 1;
        if stored.holders == 0 {
            self.stored.remove(message);
        }
    }
}
