//! Transactions that wait at one node, best fee rate first.

use super::transaction::Transaction;
use crate::base::Hash;
use std::sync::Arc;

/// How much a mempool holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capacity {
    /// Most bytes of transactions.
    pub bytes: u64,
    /// Most transactions.
    pub transactions: u32,
}

/// Transactions that wait at one node.
#[derive(Clone, Debug)]
pub struct Mempool {
    capacity: Capacity,
}

impl Mempool {
    /// An empty mempool.
    #[must_use]
    pub fn new(capacity: Capacity) -> Mempool {
        Mempool { capacity }
    }
    /// Takes a transaction and returns those it replaces or evicts.
    ///
    /// # Errors
    /// Why it is refused: known, too cheap to replace what it conflicts with, or cheaper than everything in a full pool.
    pub fn insert(&mut self, _transaction: Arc<Transaction>) -> Result<Vec<Arc<Transaction>>, &'static str> {
        todo!()
    }
    /// Removes a transaction, if it waits here.
    pub fn remove(&mut self, _id: &Hash) -> Option<Arc<Transaction>> {
        todo!()
    }
    /// Whether a transaction waits here.
    #[must_use]
    pub fn contains(&self, _id: &Hash) -> bool {
        todo!()
    }
    /// Number of transactions.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes of all transactions.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.capacity.bytes
    }
    /// The transactions, best first.
    pub fn best(&self) -> impl Iterator<Item = &Arc<Transaction>> {
        std::iter::empty()
    }
}
