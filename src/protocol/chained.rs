//! What nodes say where blocks are sealed by their makers and the chain alone decides: blocks, and questions for those
//! that are missing.

use super::request::{self, Backoff};
use super::{Message as Contract, Relay};
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{Committee, Duration, Hash, Height, Keyring, NodeId, Time, Wire, Work};
use crate::chain::Block;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

/// A block with the seal of its maker, as a protocol defines it.
pub trait Sealed: Clone + Debug + Serialize + DeserializeOwned + 'static {
    /// Bytes that a block alone carries besides itself, and a chain that was asked for does not.
    const ANNOUNCED_BYTES: usize = 0;

    /// The block.
    fn block(&self) -> &Arc<Block>;
    /// Bytes on the wire.
    fn bytes(&self) -> usize;
    /// Whether the header commits to all that comes with it, and the seal is its maker's.
    fn is_genuine(&self, keys: &Keyring) -> bool;
}

/// What nodes say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Message<S: Sealed> {
    /// A block, new or passed on.
    Block(Arc<S>),
    /// "Send me the chain up to this block."
    Ask {
        /// The block that is missing; zero for the tip.
        wanted: Hash,
        /// What is final at the sender.
        above: Height,
        /// Blocks above that which the sender has: they are not sent again.
        known: Arc<[Hash]>,
    },
    /// The chain that was asked for, ascending, or its beginning; nothing if there is nothing new.
    Blocks(Arc<Vec<Arc<S>>>),
}

impl<S: Sealed> Wire for Message<S> {
    fn bytes(&self) -> usize {
        match self {
            Message::Block(sealed) => sealed.bytes() + S::ANNOUNCED_BYTES,
            Message::Ask { known, .. } => HASH_BYTES + NUMBER_BYTES + known.len() * HASH_BYTES,
            Message::Blocks(blocks) => blocks.iter().map(|sealed| sealed.bytes()).sum(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Block(_) => "block",
            Message::Ask { .. } => "ask",
            Message::Blocks(_) => "blocks",
        }
    }
    fn check(&self) -> Work {
        match self {
            Message::Block(_) => Work::VERIFY,
            Message::Ask { .. } => Work::NONE,
            Message::Blocks(blocks) => Work::verify(blocks.len() as u32),
        }
    }
}

impl<S: Sealed> Contract for Message<S> {
    fn verify(&self, _from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Block(sealed) => sealed.is_genuine(keys),
            Message::Ask { .. } => true,
            Message::Blocks(blocks) => blocks.iter().all(|sealed| sealed.is_genuine(keys)),
        }
    }
    /// A node passes on what it found valid.
    fn relay(&self) -> Relay {
        Relay::OnBroadcast
    }
    fn identity(&self) -> Option<Hash> {
        self.block().map(|block| block.id())
    }
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Message::Block(sealed) => Some(sealed.block()),
            _ => None,
        }
    }
}

/// Blocks in one answer at most.
pub const ANSWER_MOST: usize = 64;
/// Names of blocks in one request at most.
pub const KNOWN_MOST: usize = 256;

/// As much of an ascending chain as one answer holds, above what the asker has of it.
pub fn answer<S: Sealed>(chain: &[Arc<S>], known: &[Hash]) -> Message<S> {
    let known: BTreeSet<&Hash> = known.iter().take(KNOWN_MOST).collect();
    let start = chain.iter().rposition(|sealed| known.contains(&sealed.block().id())).map_or(0, |last| last + 1);
    let new = chain[start..].iter().cloned();
    Message::Blocks(Arc::new(request::answer(new, ANSWER_MOST, |sealed| sealed.bytes())))
}

/// The names of the highest of these blocks, for a request. Whoever has a block has all that it stands on.
#[must_use]
pub fn names(blocks: impl Iterator<Item = (Height, Hash)>) -> Arc<[Hash]> {
    let mut blocks: Vec<(Height, Hash)> = blocks.collect();
    blocks.sort_unstable_by(|a, b| b.cmp(a));
    blocks.into_iter().take(KNOWN_MOST).map(|(_, name)| name).collect()
}

/// The requests of one node for blocks: one is under way at a time, and who gets no answer waits longer for the next.
#[derive(Clone, Copy, Debug)]
pub struct Fetching {
    due: Time,
    wait: Backoff,
    turn: u64,
    failed: u64,
}

impl Fetching {
    /// Waits `first` for the first answer.
    #[must_use]
    pub fn new(first: Duration) -> Fetching {
        Fetching { due: Time::ZERO, wait: Backoff::new(first), turn: 0, failed: 0 }
    }
    /// Whether an answer may still come.
    #[must_use]
    pub fn is_under_way(&self, now: Time) -> bool {
        now < self.due
    }
    /// A request leaves now: how long to wait for its answer.
    pub fn begin(&mut self, now: Time) -> Duration {
        let wait = self.wait.next_wait();
        self.due = now + wait;
        wait
    }
    /// An answer came, and perhaps brought something new.
    pub fn end(&mut self, now: Time, is_news: bool) {
        self.due = self.due.min(now);
        if is_news {
            self.wait.reset();
            self.failed = 0;
        }
    }
    /// A request brought nothing: how many have in a row.
    pub fn fail(&mut self) -> u64 {
        self.failed += 1;
        self.failed
    }
    /// What was asked for is given up.
    pub fn give_up(&mut self) {
        self.wait.reset();
        self.failed = 0;
    }
    /// The next peer: all others have their turn, time after time. None if there is nobody else.
    pub fn next_peer(&mut self, me: NodeId, committee: &Committee) -> Option<NodeId> {
        let others = (committee.n() as u64).checked_sub(1).filter(|others| *others > 0)?;
        self.turn += 1;
        Some(committee.in_turn(u64::from(me.0) + 1 + (self.turn - 1) % others))
    }
}
