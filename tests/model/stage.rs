//! What stands behind a handler in the model: the services of one node, answered from its belongings.

use ledgerlab::base::{Digest, Hash, Height, Keyring, Stream};
use ledgerlab::chain::{Batch, Block, BlockIndex, BlockTree, Limit, Transaction};
use ledgerlab::protocol::{Invalid, Protocol, Services, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a node has besides its memory.
#[derive(Clone, Debug)]
pub struct Belongings<P: Protocol> {
    /// Durable records.
    pub log: Vec<P::Record>,
    /// Timers that are set, and whether with no length at all.
    pub timers: BTreeMap<P::Timer, bool>,
    /// The chain, genesis first.
    pub chain: Vec<Arc<Block>>,
    /// Up to where it is final.
    pub finalized: Height,
    /// The mempool.
    pub pool: Vec<Arc<Transaction>>,
    /// The blocks that this node received or made, parents first. It can look up no others.
    pub known: Vec<Arc<Block>>,
}

impl<P: Protocol> Belongings<P> {
    /// Those of a new node.
    pub fn new(pool: Vec<Arc<Transaction>>) -> Belongings<P> {
        let chain = vec![Block::genesis()];
        let (log, timers, known) = (Vec::new(), BTreeMap::new(), Vec::new());
        Belongings { log, timers, chain, finalized: Height::GENESIS, pool, known }
    }
    /// The final part of the chain.
    pub fn final_chain(&self) -> &[Arc<Block>] {
        &self.chain[..=self.finalized.0 as usize]
    }
    /// What is left after a crash: the log, and what is final. Clients hand in again what is not.
    pub fn crash(&mut self, payments: &[Arc<Transaction>]) {
        self.timers.clear();
        self.chain.truncate(self.finalized.0 as usize + 1);
        self.known = self.chain[1..].to_vec();
        let is_final = |t: &Arc<Transaction>| self.chain.iter().any(|block| holds(block, &t.id()));
        self.pool = payments.iter().filter(|t| !is_final(t)).cloned().collect();
    }
}

fn holds(block: &Block, transaction: &Hash) -> bool {
    block.transactions().iter().any(|known| known.id() == *transaction)
}

/// One node's services during one handler.
pub struct Stage<'a, P: Protocol> {
    own: &'a mut Belongings<P>,
    tree: BlockTree,
    random: Stream,
    keys: &'a Keyring,
    accounts: &'a Keyring,
}

impl<'a, P: Protocol> Stage<'a, P> {
    /// A stage for the node `number`. Its random stream begins anew in every handler.
    pub fn new(number: usize, own: &'a mut Belongings<P>, keys: &'a Keyring, accounts: &'a Keyring) -> Stage<'a, P> {
        let mut tree = BlockTree::new();
        for block in &own.known {
            tree.insert(block).expect("parents come first");
        }
        Stage { own, tree, random: Stream::new(1, "model", number as u64, 0), keys, accounts }
    }
    fn is_in_chain_of(&self, transaction: &Hash, block: &Arc<Block>) -> bool {
        let mut at = self.tree.find(&block.id());
        while let Some(index) = at.filter(|index| *index != BlockIndex::GENESIS) {
            if holds(self.tree.block(index), transaction) {
                return true;
            }
            at = Some(self.tree.parent(index));
        }
        false
    }
}

impl<P: Protocol> Services for Stage<'_, P> {
    fn random(&mut self) -> &mut Stream {
        &mut self.random
    }
    fn keys(&self) -> &Keyring {
        self.keys
    }
    fn tree(&self) -> &BlockTree {
        &self.tree
    }
    fn insert_block(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        let before = self.tree.len();
        let index = self.tree.insert(block)?;
        if self.tree.len() > before {
            self.own.known.push(block.clone());
        }
        Some(index)
    }
    fn pending(&self) -> usize {
        self.own.pool.len()
    }
    fn waiting(&self, id: &Hash) -> Option<Arc<Transaction>> {
        self.own.pool.iter().find(|transaction| transaction.id() == *id).cloned()
    }
    fn propose(&mut self, parent: &Arc<Block>, after: &[Arc<Batch>], limit: Limit, _paid: bool) -> Arc<Batch> {
        let is_new = |t: &&Arc<Transaction>| {
            let mut ordered = after.iter().flat_map(|batch| batch.transactions());
            !self.is_in_chain_of(&t.id(), parent) && !ordered.any(|known| known.id() == t.id())
        };
        Batch::new(self.own.pool.iter().filter(is_new).take(limit.transactions as usize).cloned().collect())
    }
    fn validate(&mut self, block: &Arc<Block>) -> Result<(), Invalid> {
        let parent = self.tree.find(&block.parent()).ok_or(Invalid("unknown parent"))?;
        let parent = self.tree.block(parent).clone();
        let ids: Vec<Hash> = block.transactions().iter().map(|t| t.id()).collect();
        let is_repeated = |(at, id): (usize, &Hash)| ids[..at].contains(id) || self.is_in_chain_of(id, &parent);
        if !block.is_whole() {
            return Err(Invalid("the Merkle root does not match the transactions"));
        }
        if ids.iter().enumerate().any(is_repeated) {
            return Err(Invalid("a transaction is repeated"));
        }
        if !self.is_authentic(&block.batch) {
            return Err(Invalid("a transaction is not signed by its sender"));
        }
        Ok(())
    }
    fn is_authentic(&mut self, batch: &Arc<Batch>) -> bool {
        batch.transactions().iter().all(|t| t.is_signed(self.accounts))
    }
    fn root(&mut self, block: &Arc<Block>) -> Hash {
        Digest::new("state in the model").hash(&block.id()).finish()
    }
    fn state_bytes(&mut self, _block: &Arc<Block>) -> u64 {
        1_000
    }
    fn block_at(&self, height: Height) -> Option<Arc<Block>> {
        self.own.chain.get(height.0 as usize).cloned()
    }
    fn finalized(&self) -> Height {
        self.own.finalized
    }
}

/// Nothing here is so high that a snapshot would be sent.
pub fn refuse(snapshot: &Snapshot) -> ! {
    panic!("no instance reaches a snapshot, but {snapshot:?} was installed")
}
