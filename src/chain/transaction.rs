//! Signed transactions.

use crate::base::key::{PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{AccountId, Digest, Hash, Height, Keyring, Signature};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A quantity of the ledger's asset, in its smallest unit.
pub type Amount = u64;

/// An output of an earlier transaction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct OutPoint {
    /// The transaction that made the output.
    pub transaction: Hash,
    /// Which of its outputs, from 0.
    pub index: u32,
}

/// An amount and its owner.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Output {
    /// The account that may spend it.
    pub owner: AccountId,
    /// How much it is.
    pub amount: Amount,
}

/// What a transaction asks for.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Body {
    /// Moves `amount` from the sender's account to another (account ledger).
    Transfer {
        /// The receiver.
        to: AccountId,
        /// How much moves, without the fee.
        amount: Amount,
    },
    /// Consumes outputs and makes new ones; the difference is the fee (UTXO ledger).
    Spend {
        /// What is consumed; all owned by the sender.
        inputs: Vec<OutPoint>,
        /// What is made.
        outputs: Vec<Output>,
    },
    /// Records the hash of another chain's block: data that this chain carries and no rule of it reads, at the price of a
    /// fee (account ledger).
    Anchor {
        /// Height of the block on its own chain.
        height: Height,
        /// Its hash.
        hash: Hash,
    },
    /// The reward of a block's proposer: subsidy and fees. First in its block, and only there; unsigned.
    Coinbase {
        /// Height of its block, which keeps coinbases apart (BIP 34).
        height: Height,
        /// How much the proposer receives.
        amount: Amount,
    },
}

/// A transaction. Immutable; shared by `Arc`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "TransactionContent")]
pub struct Transaction {
    #[serde(skip_serializing)]
    id: Hash,
    /// The account that pays and signs; in a coinbase, the account that is paid.
    pub sender: AccountId,
    /// The sender's number of this transaction, from 0: its order in an account, its sequence number in a session.
    pub nonce: u64,
    /// What the sender pays the proposer.
    pub fee: Amount,
    /// What it asks for.
    pub body: Body,
    bytes: u32,
    signature: Signature,
}

/// What is read of a transaction; its name follows.
#[derive(Deserialize)]
struct TransactionContent {
    sender: AccountId,
    nonce: u64,
    fee: Amount,
    body: Body,
    bytes: u32,
    signature: Signature,
}

impl From<TransactionContent> for Transaction {
    fn from(read: TransactionContent) -> Transaction {
        let made = Transaction::unsigned(read.sender, read.nonce, read.fee, read.body, read.bytes as usize);
        Transaction { signature: read.signature, ..made }
    }
}

impl Transaction {
    /// Makes and signs a transaction that takes at least `bytes` on the wire; a larger content takes what it needs.
    #[must_use]
    pub fn signed(
        keys: &Keyring,
        sender: AccountId,
        nonce: u64,
        fee: Amount,
        body: Body,
        bytes: usize,
    ) -> Arc<Transaction> {
        let mut transaction = Transaction::unsigned(sender, nonce, fee, body, bytes);
        transaction.signature = keys.sign(sender.0, &transaction.id);
        Arc::new(transaction)
    }
    /// The coinbase that pays `amount` to `owner` at `height`.
    #[must_use]
    pub fn coinbase(owner: AccountId, height: Height, amount: Amount) -> Arc<Transaction> {
        Arc::new(Transaction::unsigned(owner, height.0, 0, Body::Coinbase { height, amount }, 0))
    }
    /// A coinbase that pays nothing and takes at least `bytes`: fills blocks where only their size matters.
    #[must_use]
    pub fn filler(owner: AccountId, height: Height, bytes: usize) -> Arc<Transaction> {
        Arc::new(Transaction::unsigned(owner, height.0, 0, Body::Coinbase { height, amount: 0 }, bytes))
    }
    fn unsigned(sender: AccountId, nonce: u64, fee: Amount, body: Body, bytes: usize) -> Transaction {
        let content = match &body {
            Body::Transfer { .. } => PUBLIC_KEY_BYTES + NUMBER_BYTES,
            Body::Spend { inputs, outputs } => {
                inputs.len() * (HASH_BYTES + 4) + outputs.len() * (PUBLIC_KEY_BYTES + NUMBER_BYTES)
            }
            Body::Anchor { .. } => NUMBER_BYTES + HASH_BYTES,
            Body::Coinbase { .. } => 2 * NUMBER_BYTES,
        };
        let needed = PUBLIC_KEY_BYTES + 2 * NUMBER_BYTES + content + SIGNATURE_BYTES;
        let bytes = u32::try_from(needed.max(bytes)).expect("a transaction below 4 GB");
        let id = Transaction::digest(sender, nonce, fee, &body, bytes);
        Transaction { id, sender, nonce, fee, body, bytes, signature: Signature::NONE }
    }
    fn digest(sender: AccountId, nonce: u64, fee: Amount, body: &Body, bytes: u32) -> Hash {
        let digest = Digest::new("transaction").u64(u64::from(sender.0)).u64(nonce).u64(fee).u64(u64::from(bytes));
        match body {
            Body::Transfer { to, amount } => digest.u64(0).u64(u64::from(to.0)).u64(*amount),
            Body::Spend { inputs, outputs } => {
                let digest = digest.u64(1).u64(inputs.len() as u64);
                let digest =
                    inputs.iter().fold(digest, |d, input| d.hash(&input.transaction).u64(u64::from(input.index)));
                outputs.iter().fold(digest, |d, output| d.u64(u64::from(output.owner.0)).u64(output.amount))
            }
            Body::Coinbase { height, amount } => digest.u64(2).u64(height.0).u64(*amount),
            Body::Anchor { height, hash } => digest.u64(3).u64(height.0).hash(hash),
        }
        .finish()
    }
    /// The name of the transaction: a digest of everything but the signature.
    #[must_use]
    pub fn id(&self) -> Hash {
        self.id
    }
    /// The sender's signature over the name; in a coinbase, none.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes as usize
    }
    /// Whether the sender signed this. A coinbase needs no signature.
    #[must_use]
    pub fn is_signed(&self, keys: &Keyring) -> bool {
        self.is_coinbase() || keys.verify(self.sender.0, &self.id, &self.signature)
    }
    /// Whether it is executed only after all lower nonces of its sender, as on an account ledger.
    #[must_use]
    pub fn is_ordered_by_nonce(&self) -> bool {
        matches!(self.body, Body::Transfer { .. } | Body::Anchor { .. })
    }
    /// Whether this is a proposer's reward.
    #[must_use]
    pub fn is_coinbase(&self) -> bool {
        matches!(self.body, Body::Coinbase { .. })
    }
    /// The same transaction with a signature that is not the sender's: what a forger would send.
    #[must_use]
    pub fn forged(&self) -> Arc<Transaction> {
        Arc::new(Transaction { signature: Signature::NONE, ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Crypto;

    #[test]
    fn an_anchor_takes_152_bytes_and_its_name_covers_height_and_hash() {
        let keys = Keyring::new(Crypto::Symbolic, 1, "account", 2);
        let anchor = |height, name: &[u8]| {
            let body = Body::Anchor { height: Height(height), hash: Hash::of(name) };
            Transaction::signed(&keys, AccountId(1), 0, 5, body, 0)
        };
        let made = anchor(8, b"block");
        // Sender 32, nonce and fee 8 each, height 8, hash 32, signature 64.
        assert_eq!(made.bytes(), 152);
        assert!(made.is_signed(&keys) && !made.forged().is_signed(&keys) && made.is_ordered_by_nonce());
        assert_eq!(made.id(), anchor(8, b"block").id());
        assert_ne!(made.id(), anchor(9, b"block").id());
        assert_ne!(made.id(), anchor(8, b"other").id());
        // A transfer of the same numbers is something else.
        let body = Body::Transfer { to: AccountId(8), amount: 8 };
        assert_ne!(made.id(), Transaction::signed(&keys, AccountId(1), 0, 5, body, 0).id());
    }
}
