//! What stands behind the [`Context`](crate::protocol::Context) of a process.

use super::checked_signatures::CheckedSignatures;
use crate::base::{Hash, Height, Keyring, NodeId, Stream};
use crate::chain::mempool::Capacity;
use crate::chain::{Batch, Block, BlockIndex, BlockTree, Limit, Mempool, Transaction};
use crate::engine::executor::Executed;
use crate::engine::roster::ProcessId;
use crate::engine::views::Views;
use crate::protocol::{Invalid, Services};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// What belongs to a process besides its protocol's value, and dies with it.
pub(super) struct Memory {
    /// Its random stream, once it drew from it.
    pub random: Option<Box<Stream>>,
    pub pool: Mempool,
    /// What the mempool holds at most.
    pub capacity: Capacity,
    /// The payments whose signatures it has checked since it started.
    pub checked: CheckedSignatures,
}

impl Memory {
    pub fn new(capacity: Capacity) -> Memory {
        Memory { random: None, pool: Mempool::new(capacity), capacity, checked: CheckedSignatures::default() }
    }
}

/// The answers to one handler.
pub(super) struct NodeServices<'a> {
    pub memory: &'a mut Memory,
    pub views: &'a mut Views,
    pub keys: &'a Keyring,
    pub seed: u64,
    pub boots: u32,
    pub node: NodeId,
    /// Twins draw for themselves.
    pub process: ProcessId,
    /// Transactions that left the mempool because they can never be executed.
    pub rejected: Vec<(Arc<Transaction>, &'static str)>,
}

impl NodeServices<'_> {
    fn index(&mut self, block: &Arc<Block>) -> BlockIndex {
        self.views.insert_block(block).expect("a block whose ancestors this node has")
    }
    /// The process has checked the payments of a batch; those that are not signed by their senders have no number.
    fn remember(&mut self, batch: &Arc<Batch>) {
        let (_, executor) = self.views.execution();
        executor.keep_batch(batch);
        let checked = &mut self.memory.checked;
        if let Some(kept) = executor.batch_numbers(batch) {
            return kept.all().iter().for_each(|number| checked.add(*number));
        }
        let numbers = batch.transactions().iter().filter_map(|t| executor.number(t));
        numbers.for_each(|number| checked.add(number));
    }
    fn result(&mut self, block: &Arc<Block>) -> Arc<Executed> {
        let index = self.index(block);
        self.views.result(index)
    }
}

/// A stream of a process, named anew for each of its starts.
pub(super) fn stream(seed: u64, label: &str, process: ProcessId, boots: u32) -> Stream {
    Stream::new(seed, label, u64::from(process.0), u64::from(boots))
}

impl Services for NodeServices<'_> {
    fn random(&mut self) -> &mut Stream {
        let (seed, process, boots) = (self.seed, self.process, self.boots);
        self.memory.random.get_or_insert_with(|| Box::new(stream(seed, "node", process, boots)))
    }
    fn keys(&self) -> &Keyring {
        self.keys
    }
    fn tree(&self) -> &BlockTree {
        self.views.tree()
    }
    fn insert_block(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        self.views.insert_block(block)
    }
    fn pending(&self) -> usize {
        self.memory.pool.len()
    }
    fn waiting(&self, id: &Hash) -> Option<Arc<Transaction>> {
        self.memory.pool.get(id).cloned()
    }
    fn propose(&mut self, parent: &Arc<Block>, after: &[Arc<Batch>], limit: Limit, paid: bool) -> Arc<Batch> {
        let index = self.index(parent);
        let (tip, paid) = (self.views.tip(self.process), paid.then_some(self.node));
        let (tree, executor) = self.views.execution();
        let (batch, mut rejected) = executor.propose(tree, index, after, (&self.memory.pool, tip), paid, limit);
        if index != tip && !rejected.is_empty() {
            // What blocks hold that are not on this node's chain yet may still come to stand elsewhere.
            let above = tree.path(tree.fork_point(tip, index), index);
            let held = above.iter().flat_map(|at| tree.block(*at).transactions());
            let held: FxHashSet<Hash> = held.map(|transaction| transaction.id()).collect();
            rejected.retain(|(transaction, _)| !held.contains(&transaction.id()));
        }
        for (transaction, _) in &rejected {
            self.memory.pool.remove(&transaction.id(), &self.views.chain(tip));
        }
        self.rejected.extend(rejected);
        batch
    }
    fn validate(&mut self, block: &Arc<Block>) -> Result<(), Invalid> {
        if !block.is_whole() {
            return Err(Invalid("the name does not fit the transactions"));
        }
        let index = self.views.insert(block).ok_or(Invalid("unknown parent or wrong height"))?;
        let valid = self.views.result(index).valid;
        self.remember(&block.batch);
        valid
    }
    fn unchecked(&self, batch: &Batch) -> u32 {
        let (executor, checked) = (self.views.executor(), &self.memory.checked);
        if let Some(kept) = executor.batch_numbers(batch) {
            return kept.payments().iter().filter(|number| !checked.holds(**number)).count() as u32;
        }
        let is_new = |t: &&Arc<Transaction>| !executor.number(t).is_some_and(|number| checked.holds(number));
        batch.transactions().iter().filter(|t| !t.is_coinbase()).filter(is_new).count() as u32
    }
    fn is_authentic(&mut self, batch: &Arc<Batch>) -> bool {
        let is_authentic = self.views.execution().1.is_authentic(batch);
        self.remember(batch);
        is_authentic
    }
    fn root(&mut self, block: &Arc<Block>) -> Hash {
        self.result(block).root
    }
    fn state_bytes(&mut self, block: &Arc<Block>) -> u64 {
        self.result(block).state_bytes
    }
    fn block_at(&self, height: Height) -> Option<Arc<Block>> {
        self.views.block_at(self.process, height).map(|index| self.views.tree().block(index).clone())
    }
    fn finalized(&self) -> Height {
        self.views.finalized(self.process)
    }
}
