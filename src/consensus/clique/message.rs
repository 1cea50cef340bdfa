//! Messages, and the records of the write-ahead log.

use super::signers::{Ballot, Signers};
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Keyring, NodeId, Signature, Wire};
use crate::chain::{Block, Seal};
use crate::protocol;
use crate::protocol::chained::{self, Sealed as _};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The header fields of this protocol.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fields {
    /// 2 in turn, 1 out of turn.
    pub difficulty: u64,
    /// Beneficiary and nonce.
    pub vote: Option<Ballot>,
    /// The signers, in an epoch block.
    pub checkpoint: Option<Vec<NodeId>>,
}

impl Fields {
    /// What the block's name must commit to.
    #[must_use]
    pub fn seal(&self) -> Seal {
        let digest = Digest::new("clique fields").u64(self.difficulty);
        let digest = match self.vote {
            None => digest.u64(0),
            Some(ballot) => digest.u64(1 + u64::from(ballot.add)).u64(u64::from(ballot.candidate.0)),
        };
        let signers = self.checkpoint.iter().flatten();
        let count = self.checkpoint.as_ref().map_or(0, |signers| signers.len() as u64 + 1);
        Seal::Fields(signers.fold(digest.u64(count), |digest, signer| digest.u64(u64::from(signer.0))).finish())
    }
}

/// A block with the seal of its signer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sealed {
    /// The block.
    pub block: Arc<Block>,
    /// To which its header commits.
    pub fields: Fields,
    /// The signer's, under the name of the block.
    pub signature: Signature,
}

impl Sealed {
    /// Ethereum's header is about 508 bytes; 32 of vanity and 65 of seal are this protocol's.
    pub const HEADER_BYTES: usize = 508 + 32 + 65;
    /// An address.
    const ADDRESS_BYTES: usize = 20;

    /// What is signed.
    #[must_use]
    pub fn statement(block: &Hash) -> Hash {
        Digest::new("clique seal").hash(block).finish()
    }
}

impl chained::Sealed for Sealed {
    /// A total difficulty is a number of 32 bytes.
    const ANNOUNCED_BYTES: usize = HASH_BYTES;

    fn block(&self) -> &Arc<Block> {
        &self.block
    }
    fn bytes(&self) -> usize {
        let checkpoint = self.fields.checkpoint.as_ref().map_or(0, Vec::len);
        Sealed::HEADER_BYTES + checkpoint * Sealed::ADDRESS_BYTES + self.block.batch.bytes()
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        let header = &self.block.header;
        header.seal == self.fields.seal()
            && header.merkle == self.block.batch.digest()
            && keys.verify(header.proposer.0, &Sealed::statement(&self.block.id()), &self.signature)
    }
}

/// What nodes send.
pub type Message = chained::Message<Sealed>;

/// A record of the write-ahead log, written before the message that depends on it.
#[derive(Clone, Debug)]
pub enum Record {
    /// A valid block; its own before it is sent.
    Block(Arc<Sealed>),
    /// All that still matters: stands for everything before it.
    Checkpoint {
        /// The last final block when it was written.
        root: Arc<Block>,
        /// Its total difficulty.
        difficulty: u64,
        /// What follows from the blocks up to it.
        signers: Arc<Signers>,
        /// The blocks above what is final.
        blocks: Vec<Arc<Sealed>>,
        /// The final blocks, to be sent to nodes that missed them. The chain keeps them: a signature is part of a header.
        finals: Vec<Arc<Sealed>>,
    },
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match self {
            Record::Block(sealed) => sealed.bytes(),
            // Bodies stay where they were written; a checkpoint is a new index of them.
            Record::Checkpoint { signers, blocks, .. } => {
                2 * NUMBER_BYTES + signers.all().len() * Sealed::ADDRESS_BYTES + HASH_BYTES * (blocks.len() + 1)
            }
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
