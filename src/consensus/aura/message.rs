//! What validators say and write down.

use super::Step;
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Height, Keyring, NodeId, Signature, Wire, Work};
use crate::chain::{Block, Seal};
use crate::protocol::{self, Relay};
use std::sync::Arc;

/// A block with the seal of its primary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// The block.
    pub block: Arc<Block>,
    /// Its step, to which its header commits.
    pub step: Step,
    /// The primary's, under the name of the block.
    pub signature: Signature,
}

impl Sealed {
    /// What the header commits to.
    #[must_use]
    pub fn fields(step: Step) -> Seal {
        Seal::Fields(Digest::new("aura fields").u64(step).finish())
    }
    /// What is signed.
    #[must_use]
    pub fn statement(block: &Hash) -> Hash {
        Digest::new("aura seal").hash(block).finish()
    }
    fn size(&self) -> usize {
        self.block.bytes() + NUMBER_BYTES + SIGNATURE_BYTES
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        let header = &self.block.header;
        header.seal == Sealed::fields(self.step)
            && header.merkle == self.block.batch.digest()
            && keys.verify(header.proposer.0, &Sealed::statement(&self.block.id()), &self.signature)
    }
}

/// What validators say.
#[derive(Clone, Debug)]
pub enum Message {
    /// A block, new or passed on.
    Block(Arc<Sealed>),
    /// "Send me the chain up to this block."
    Ask {
        /// The block that is missing; zero for the tip.
        wanted: Hash,
        /// What is final at the sender.
        above: Height,
    },
    /// The chain that was asked for, ascending.
    Blocks(Arc<Vec<Arc<Sealed>>>),
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Block(sealed) => sealed.size(),
            Message::Ask { .. } => HASH_BYTES + NUMBER_BYTES,
            Message::Blocks(blocks) => blocks.iter().map(|sealed| sealed.size()).sum(),
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

impl protocol::Message for Message {
    fn verify(&self, _from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Block(sealed) => sealed.is_genuine(keys),
            Message::Ask { .. } => true,
            Message::Blocks(blocks) => blocks.iter().all(|sealed| sealed.is_genuine(keys)),
        }
    }
    /// A validator passes on what it found valid.
    fn relay(&self) -> Relay {
        Relay::OnBroadcast
    }
    fn identity(&self) -> Option<Hash> {
        self.block().map(|block| block.id())
    }
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Message::Block(sealed) => Some(&sealed.block),
            _ => None,
        }
    }
}

/// What a validator writes before it speaks.
#[derive(Clone, Debug)]
pub enum Record {
    /// A valid block; its own before it is sent.
    Block(Arc<Sealed>),
    /// All that still matters: stands for everything before it.
    Checkpoint {
        /// The last step that it sealed.
        sealed: Option<Step>,
        /// The blocks above what is final.
        blocks: Vec<Arc<Sealed>>,
    },
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match self {
            Record::Block(sealed) => sealed.size(),
            // Bodies stay where they were written; a checkpoint is a new index of them.
            Record::Checkpoint { blocks, .. } => NUMBER_BYTES + HASH_BYTES * blocks.len(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Record::Block(_) => "block",
            Record::Checkpoint { .. } => "checkpoint",
        }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        matches!(self, Record::Checkpoint { .. })
    }
}
