//! The order in which a proposer takes transactions.

use super::{Mempool, Rank};
use crate::chain::Transaction;
use std::collections::{BTreeSet, btree_map};
use std::sync::Arc;

/// The waiting transactions by fee rate, each after its predecessors. See [`Mempool::best`].
///
/// A cursor runs down the ranks. What it meets before its predecessors have come is parked, and is freed when the
/// last of them comes. Whatever is freed ranks above all that the cursor has still to meet, so it goes next.
pub struct Best<'a> {
    pool: &'a Mempool,
    cursor: btree_map::Iter<'a, Rank, Arc<Transaction>>,
    /// The last rank that the cursor met.
    met: Option<Rank>,
    /// Met, and not all predecessors have come.
    parked: BTreeSet<Rank>,
    /// Met, all predecessors have come, not come itself.
    freed: BTreeSet<Rank>,
}

impl<'a> Best<'a> {
    pub(super) fn new(pool: &'a Mempool) -> Best<'a> {
        let cursor = pool.waiting.iter();
        Best { pool, cursor, met: None, parked: BTreeSet::new(), freed: BTreeSet::new() }
    }
    fn has_come(&self, rank: &Rank) -> bool {
        self.met.is_some_and(|met| *rank <= met) && !self.parked.contains(rank) && !self.freed.contains(rank)
    }
    fn is_free(&self, transaction: &Transaction) -> bool {
        self.pool.predecessors(transaction).all(|rank| self.has_come(&rank))
    }
}

impl<'a> Iterator for Best<'a> {
    type Item = &'a Arc<Transaction>;

    fn next(&mut self) -> Option<&'a Arc<Transaction>> {
        let transaction = loop {
            if let Some(rank) = self.freed.pop_first() {
                break &self.pool.waiting[&rank];
            }
            let (rank, transaction) = self.cursor.next()?;
            self.met = Some(*rank);
            if self.is_free(transaction) {
                break transaction;
            }
            self.parked.insert(*rank);
        };
        if self.parked.is_empty() {
            return Some(transaction);
        }
        for rank in self.pool.successors(transaction) {
            if self.parked.contains(&rank) && self.is_free(&self.pool.waiting[&rank]) {
                self.parked.remove(&rank);
                self.freed.insert(rank);
            }
        }
        Some(transaction)
    }
}
