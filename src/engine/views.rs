//! The chains of all processes: one tree of blocks, and each process's tip and finality in it.
//!
//! What blocks do is computed once for all ([`Executor`]), and where a transaction is included is kept once for all
//! ([`Inclusions`]). The tree, the results and the inclusions cross processes; they are pure or only grow. Everything
//! else is per process.

use super::executor::{Executed, Executor};
use super::inclusions::{ChainUpTo, Inclusions};
use super::roster::ProcessId;
use crate::base::{Hash, Height};
use crate::chain::{Block, BlockIndex, BlockTree, Transaction};
use crate::protocol::Snapshot;
use std::sync::Arc;

/// The chain of one process.
#[derive(Clone, Copy, Debug)]
struct View {
    tip: BlockIndex,
    finalized: Height,
    /// Up to where the chain had been final when the process last lost all its data.
    final_before_loss: Height,
}

/// What a rewind changed.
pub(super) struct Rewound {
    /// The height before.
    pub from: Height,
    /// The final height before.
    pub finalized: Height,
    /// The transactions of the blocks that were cut off, without coinbases.
    pub cut: Vec<Arc<Transaction>>,
}

/// The chains of all processes.
pub(super) struct Views {
    tree: BlockTree,
    executor: Executor,
    inclusions: Inclusions,
    /// Which blocks have been part of the chain of any process.
    included: Vec<bool>,
    chains: Vec<View>,
}

impl Views {
    /// All processes at genesis.
    pub fn new(executor: Executor, processes: usize) -> Views {
        let genesis = View { tip: BlockIndex::GENESIS, finalized: Height::GENESIS, final_before_loss: Height::GENESIS };
        Views {
            tree: BlockTree::new(),
            executor,
            inclusions: Inclusions::default(),
            included: Vec::new(),
            chains: vec![genesis; processes],
        }
    }
    /// All blocks.
    pub fn tree(&self) -> &BlockTree {
        &self.tree
    }
    /// What computes what blocks do.
    pub fn executor(&self) -> &Executor {
        &self.executor
    }
    /// To compute what blocks of the tree do.
    pub fn execution(&mut self) -> (&BlockTree, &mut Executor) {
        (&self.tree, &mut self.executor)
    }
    /// What a block did.
    pub fn result(&mut self, index: BlockIndex) -> Arc<Executed> {
        self.executor.result(&self.tree, index)
    }
    /// The last block of a process.
    pub fn tip(&self, process: ProcessId) -> BlockIndex {
        self.chains[process.index()].tip
    }
    /// Up to where the chain of a process is final.
    pub fn finalized(&self, process: ProcessId) -> Height {
        self.chains[process.index()].finalized
    }
    /// The last final block of a process.
    pub fn last_final(&self, process: ProcessId) -> BlockIndex {
        let View { tip, finalized, .. } = self.chains[process.index()];
        self.tree.ancestor(tip, finalized)
    }
    /// The block of a process's chain at a height.
    pub fn block_at(&self, process: ProcessId, height: Height) -> Option<BlockIndex> {
        let tip = self.tip(process);
        (height <= self.tree.height(tip)).then(|| self.tree.ancestor(tip, height))
    }
    /// The chain that ends with `tip`, as mempools see it.
    pub fn chain(&self, tip: BlockIndex) -> ChainUpTo<'_> {
        ChainUpTo { inclusions: &self.inclusions, executor: &self.executor, tree: &self.tree, tip }
    }
    /// Whether the chain of a process includes a transaction.
    pub fn is_included(&self, process: ProcessId, transaction: &Hash) -> bool {
        self.inclusions.holds(&self.tree, self.tip(process), transaction)
    }
    /// Adds a block to the tree; `None` if its parent is unknown, or if its name does not fit its transactions.
    pub fn insert_block(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        let known = self.tree.find(&block.id());
        known.or_else(|| block.is_whole().then(|| self.tree.insert(block)).flatten())
    }
    /// Adds a block to the tree whose name is known to fit.
    pub fn insert(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        self.tree.insert(block)
    }
    /// Notes what a block includes, once per block; whether this was the first time. Without observers, an empty block
    /// includes nothing worth executing it for.
    pub fn include(&mut self, index: BlockIndex, is_watched: bool) -> bool {
        if self.included.len() <= index.index() {
            self.included.resize(self.tree.len(), false);
        }
        if std::mem::replace(&mut self.included[index.index()], true) {
            return false;
        }
        let block = self.tree.block(index).clone();
        if block.transactions().is_empty() && !is_watched {
            return false;
        }
        let result = self.result(index);
        self.inclusions.add(index, &block, &result.executed);
        true
    }
    /// Appends a block to the chain of a process.
    ///
    /// # Panics
    /// If its parent is not the tip.
    pub fn extend(&mut self, process: ProcessId, index: BlockIndex) {
        let (view, parent) = (&mut self.chains[process.index()], self.tree.parent(index));
        assert_eq!(parent, view.tip, "{process} extends its tip by {:?}", self.tree.block(index));
        view.tip = index;
    }
    /// Cuts the chain of a process back to a height.
    pub fn rewind(&mut self, process: ProcessId, to: Height) -> Rewound {
        let (tree, view) = (&self.tree, &mut self.chains[process.index()]);
        let (old, finalized) = (view.tip, view.finalized);
        view.tip = tree.ancestor(old, to);
        view.finalized = finalized.min(to);
        let cut = tree.path(view.tip, old).into_iter().flat_map(|index| tree.block(index).transactions());
        let cut = cut.filter(|transaction| !transaction.is_coinbase()).cloned().collect();
        Rewound { from: tree.height(old), finalized, cut }
    }
    /// Declares the chain of a process final up to a height; the blocks that become final by it, ascending.
    pub fn finalize(&mut self, process: ProcessId, upto: Height) -> Vec<BlockIndex> {
        let view = &mut self.chains[process.index()];
        if upto <= view.finalized {
            return Vec::new();
        }
        let (first, last) = (self.tree.ancestor(view.tip, view.finalized), self.tree.ancestor(view.tip, upto));
        view.finalized = upto;
        self.tree.path(first, last)
    }
    /// Replaces the chain of a process by that up to a snapshot, all final; the blocks that become final by it. `None` if
    /// the block does not exist.
    pub fn install(&mut self, process: ProcessId, snapshot: &Snapshot) -> Option<Vec<BlockIndex>> {
        let tip = self.tree.find(&snapshot.block.id())?;
        let fork = self.tree.fork_point(self.last_final(process), tip);
        let view = &mut self.chains[process.index()];
        (view.tip, view.finalized) = (tip, snapshot.block.height());
        Some(self.tree.path(fork, tip))
    }
    /// A process crashed: it loses all blocks that are not final.
    pub fn crash(&mut self, process: ProcessId) {
        self.chains[process.index()].tip = self.last_final(process);
    }
    /// A process lost its data; its chain ends with `last` now.
    pub fn lose(&mut self, process: ProcessId, last: BlockIndex) {
        let (tree, view) = (&self.tree, &mut self.chains[process.index()]);
        view.final_before_loss = view.final_before_loss.max(view.finalized);
        (view.tip, view.finalized) = (last, tree.height(last));
    }
    /// Whether a process had declared the block final already before it lost its data.
    pub fn was_final_before_loss(&self, process: ProcessId, block: BlockIndex) -> bool {
        self.tree.height(block) <= self.chains[process.index()].final_before_loss
    }
    /// Whether the block is final at a process.
    pub fn is_final(&self, process: ProcessId, block: BlockIndex) -> bool {
        self.tree.is_ancestor(block, self.last_final(process))
    }
}
