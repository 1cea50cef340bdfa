//! What is executed where: which blocks include a transaction, and which nonces they use up.
//!
//! A block does the same wherever it is extended by, so one index over all blocks answers for every node: what counts for
//! a node is what lies on the path from its tip to genesis. Crosses nodes; grows only.

use super::executor::Executor;
use crate::base::{AccountId, Hash};
use crate::chain::mempool::Included;
use crate::chain::{Block, BlockIndex, BlockTree, OutPoint};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// The blocks that include each transaction, and the transaction that used each nonce.
#[derive(Default)]
pub(super) struct Inclusions {
    /// In which blocks, and whether it had an effect there.
    blocks: FxHashMap<Hash, SmallVec<[(BlockIndex, bool); 2]>>,
    /// The nonces that the executed transactions of a sender used, in the order in which their blocks came to be known.
    nonces: FxHashMap<AccountId, Vec<(u64, BlockIndex)>>,
}

impl Inclusions {
    /// Adds a block, once, with what it did.
    pub fn add(&mut self, index: BlockIndex, block: &Block, executed: &[bool]) {
        for (transaction, executed) in block.transactions().iter().zip(executed) {
            self.blocks.entry(transaction.id()).or_default().push((index, *executed));
            if *executed && transaction.is_ordered_by_nonce() {
                self.nonces.entry(transaction.sender).or_default().push((transaction.nonce, index));
            }
        }
    }
    /// Whether the chain up to `tip` includes the transaction.
    pub fn holds(&self, tree: &BlockTree, tip: BlockIndex, id: &Hash) -> bool {
        self.blocks.get(id).is_some_and(|blocks| blocks.iter().any(|(at, _)| tree.is_ancestor(*at, tip)))
    }
}

/// The chain up to a tip.
pub(super) struct ChainUpTo<'a> {
    pub inclusions: &'a Inclusions,
    pub executor: &'a Executor,
    pub tree: &'a BlockTree,
    pub tip: BlockIndex,
}

impl Included for ChainUpTo<'_> {
    fn next_nonce(&self, sender: AccountId) -> u64 {
        let Some(used) = self.inclusions.nonces.get(&sender) else { return 0 };
        let last = used.iter().rev().find(|(_, at)| self.tree.is_ancestor(*at, self.tip));
        last.map_or(0, |(nonce, _)| nonce + 1)
    }
    fn has_made(&self, output: &OutPoint) -> bool {
        match self.inclusions.blocks.get(&output.transaction) {
            None => self.executor.existed_at_genesis(output),
            Some(blocks) => blocks.iter().any(|(at, executed)| *executed && self.tree.is_ancestor(*at, self.tip)),
        }
    }
}
