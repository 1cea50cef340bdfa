//! Batches and blocks.

use super::transaction::Transaction;
use crate::base::hash::MerkleRoot;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Height, NodeId, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// How much a batch may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    /// Most bytes of transactions, a coinbase included.
    pub bytes: u64,
    /// Most transactions, a coinbase not counted.
    pub transactions: u32,
}

impl Limit {
    /// Whether a batch keeps within this limit: what a proposer must meet and every receiver checks.
    #[must_use]
    pub fn admits(&self, batch: &Batch) -> bool {
        batch.bytes() as u64 <= self.bytes && batch.payments() as u64 <= u64::from(self.transactions)
    }
}

/// Transactions in order, with their Merkle root.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BatchContent")]
pub struct Batch {
    transactions: Vec<Arc<Transaction>>,
    #[serde(skip_serializing)]
    merkle: MerkleRoot,
    #[serde(skip_serializing)]
    bytes: usize,
    #[serde(skip_serializing)]
    payments: usize,
}

/// What a batch is made of, and all that is read of one: the rest follows.
#[derive(Deserialize)]
struct BatchContent {
    transactions: Vec<Arc<Transaction>>,
}

impl From<BatchContent> for Batch {
    fn from(BatchContent { transactions }: BatchContent) -> Batch {
        let ids: Vec<Hash> = transactions.iter().map(|t| t.id()).collect();
        let bytes = transactions.iter().map(|t| t.bytes()).sum();
        let payments = transactions.iter().filter(|transaction| !transaction.is_coinbase()).count();
        Batch { merkle: MerkleRoot::of(&ids), transactions, bytes, payments }
    }
}

impl Batch {
    /// A batch of these transactions.
    #[must_use]
    pub fn new(transactions: Vec<Arc<Transaction>>) -> Arc<Batch> {
        Arc::new(BatchContent { transactions }.into())
    }
    /// A batch of nothing.
    #[must_use]
    pub fn empty() -> Arc<Batch> {
        Batch::new(Vec::new())
    }
    /// The transactions, in order.
    #[must_use]
    pub fn transactions(&self) -> &[Arc<Transaction>] {
        &self.transactions
    }
    /// The Merkle root of the transactions' names.
    #[must_use]
    pub fn digest(&self) -> Hash {
        self.merkle.root
    }
    /// Whether another list of transactions has the same digest: one that was lengthened by its own end (CVE-2012-2459).
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.merkle.is_ambiguous
    }
    /// Bytes of all transactions.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
    /// Number of transactions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.transactions.len()
    }
    /// Number of transactions that clients submitted: all but a coinbase.
    #[must_use]
    pub fn payments(&self) -> usize {
        self.payments
    }
    /// Whether there are no transactions.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.digest(), self.transactions.len())
    }
}

/// What makes a header hard to make. Each protocol family has its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Seal {
    /// Nothing: votes elsewhere vouch for the block.
    None,
    /// Proof of work, as in Bitcoin.
    Work {
        /// The target in compact form.
        bits: u32,
        /// What was ground.
        nonce: u32,
    },
    /// The hash of header fields that only its protocol knows: a step, a difficulty, a vote. They travel beside the
    /// block, in the protocol's own messages, which count their bytes.
    Fields(Hash),
}

/// What a block's name commits to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Name of the parent block.
    pub parent: Hash,
    /// Distance from genesis. Not hashed under proof of work, where the coinbase carries it.
    pub height: Height,
    /// Merkle root of the transactions.
    pub merkle: Hash,
    /// The proposer's clock. Whole seconds under proof of work.
    pub time: Time,
    /// The node that made the block. Not hashed under proof of work, where the coinbase carries it.
    pub proposer: NodeId,
    /// What makes it hard to make.
    pub seal: Seal,
}

impl Header {
    /// Bytes of Bitcoin's header.
    pub const WORK_BYTES: usize = 80;

    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self.seal {
            Seal::None | Seal::Fields(_) => 2 * HASH_BYTES + 2 * NUMBER_BYTES + NODE_BYTES,
            Seal::Work { .. } => Header::WORK_BYTES,
        }
    }
    /// The 80 bytes that Bitcoin hashes.
    #[must_use]
    pub fn work_bytes(&self, bits: u32, nonce: u32) -> [u8; Header::WORK_BYTES] {
        let mut bytes = [0; Header::WORK_BYTES];
        let seconds = (self.time.as_nanos() / 1_000_000_000) as u32;
        bytes[0..4].copy_from_slice(&1u32.to_le_bytes());
        bytes[4..36].copy_from_slice(&self.parent.0);
        bytes[36..68].copy_from_slice(&self.merkle.0);
        bytes[68..72].copy_from_slice(&seconds.to_le_bytes());
        bytes[72..76].copy_from_slice(&bits.to_le_bytes());
        bytes[76..80].copy_from_slice(&nonce.to_le_bytes());
        bytes
    }
    /// The block's name.
    #[must_use]
    pub fn id(&self) -> Hash {
        match self.seal {
            Seal::Work { bits, nonce } => Hash::double(&self.work_bytes(bits, nonce)),
            Seal::None => self.fields().finish(),
            Seal::Fields(fields) => self.fields().hash(&fields).finish(),
        }
    }
    fn fields(&self) -> Digest {
        Digest::new("header")
            .hash(&self.parent)
            .u64(self.height.0)
            .hash(&self.merkle)
            .u64(self.time.as_nanos())
            .u64(u64::from(self.proposer.0))
    }
}

/// A header and its transactions. Immutable; shared by `Arc`. Blocks are equal when header and body are.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BlockContent")]
pub struct Block {
    #[serde(skip_serializing)]
    id: Hash,
    /// What the name commits to.
    pub header: Header,
    /// The transactions. Whether they match `header.merkle` is for the receiver to check.
    pub batch: Arc<Batch>,
}

/// What a block is made of, and all that is read of one: its name follows.
#[derive(Deserialize)]
struct BlockContent {
    header: Header,
    batch: Arc<Batch>,
}

impl From<BlockContent> for Block {
    fn from(BlockContent { header, batch }: BlockContent) -> Block {
        Block { id: header.id(), header, batch }
    }
}

impl Block {
    /// A block. Its parts need not match: that is for receivers to check.
    #[must_use]
    pub fn new(header: Header, batch: Arc<Batch>) -> Arc<Block> {
        Arc::new(BlockContent { header, batch }.into())
    }
    /// The block that every chain starts from.
    #[must_use]
    pub fn genesis() -> Arc<Block> {
        let batch = Batch::empty();
        let header = Header {
            parent: Hash::ZERO,
            height: Height::GENESIS,
            merkle: batch.digest(),
            time: Time::ZERO,
            proposer: NodeId(0),
            seal: Seal::None,
        };
        Block::new(header, batch)
    }
    /// The block's name.
    #[must_use]
    pub fn id(&self) -> Hash {
        self.id
    }
    /// Distance from genesis.
    #[must_use]
    pub fn height(&self) -> Height {
        self.header.height
    }
    /// Name of the parent block.
    #[must_use]
    pub fn parent(&self) -> Hash {
        self.header.parent
    }
    /// The transactions, in order.
    #[must_use]
    pub fn transactions(&self) -> &[Arc<Transaction>] {
        self.batch.transactions()
    }
    /// Whether its name stands for its transactions, and for no other list of transactions.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.batch.digest() == self.header.merkle && !self.batch.is_ambiguous()
    }
    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.header.bytes() + self.batch.bytes()
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.header.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::AccountId;
    use serde_json::{Value, json};

    #[test]
    fn what_is_read_of_a_block_names_itself_by_what_it_holds() {
        let batch = Batch::new(vec![Transaction::coinbase(AccountId(1), Height(1), 50)]);
        let genesis = Block::genesis();
        let header = Header { parent: genesis.id(), merkle: batch.digest(), height: Height(1), ..genesis.header };
        let block = Block::new(header, batch);
        let written = serde_json::to_value(&block).unwrap();
        let read = |value: &Value| serde_json::from_value::<Arc<Block>>(value.clone());
        assert_eq!(read(&written).unwrap(), block);
        // A name that comes along says nothing.
        let mut bent = written.clone();
        bent["id"] = json!(genesis.id());
        assert_eq!(read(&bent).unwrap().id(), block.id());
        bent["header"]["height"] = json!(2);
        assert_ne!(read(&bent).unwrap().id(), block.id());
        let mut bent = written;
        bent["batch"]["transactions"][0]["body"]["Coinbase"]["amount"] = json!(51);
        let bent = read(&bent).unwrap();
        assert_eq!(bent.id(), block.id(), "the header is the same");
        assert_ne!(bent.batch.digest(), bent.header.merkle, "which does not name this transaction");
    }
}
