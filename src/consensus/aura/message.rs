//! What validators say and write down.

use super::Step;
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Keyring, Signature, Wire};
use crate::chain::{Block, Seal};
use crate::protocol;
use crate::protocol::chained::{self, Sealed as _};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A block with the seal of its primary.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
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
}

impl chained::Sealed for Sealed {
    fn block(&self) -> &Arc<Block> {
        &self.block
    }
    fn bytes(&self) -> usize {
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
pub type Message = chained::Message<Sealed>;

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
        /// The latest final ones, for those who missed them. The chain keeps them: a seal is part of a header.
        finals: Vec<Arc<Sealed>>,
    },
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match self {
            Record::Block(sealed) => sealed.bytes(),
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
