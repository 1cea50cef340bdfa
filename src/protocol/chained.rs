//! What nodes say where blocks are sealed by their makers and the chain alone decides: blocks, and questions for those
//! that are missing.

use super::{Message as Contract, Relay};
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{Hash, Height, Keyring, NodeId, Wire, Work};
use crate::chain::Block;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
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
    },
    /// The chain that was asked for, ascending.
    Blocks(Arc<Vec<Arc<S>>>),
}

impl<S: Sealed> Wire for Message<S> {
    fn bytes(&self) -> usize {
        match self {
            Message::Block(sealed) => sealed.bytes() + S::ANNOUNCED_BYTES,
            Message::Ask { .. } => HASH_BYTES + NUMBER_BYTES,
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
