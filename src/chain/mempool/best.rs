//! The order in which a proposer takes transactions.

use super::{Mempool, Rank};
use crate::chain::Transaction;
use std::collections::{BTreeSet, btree_map};
use std::sync::Arc;

/// Waiting transactions by fee rate, each after its predecessors. See [`Mempool::best`].
///
/// A cursor runs down the ranks. What it meets before its predecessors have come is parked, and is freed when the
/// last of them comes. Whatever is freed ranks above all that the cursor has still to meet, so it goes next.
pub struct Best<'a> {
    pool: &'a Mempool,
    cursor: btree_map::Iter<'a, Rank, Arc<Transaction>>,
    /// Whether the queued come when all executable ones have.
    goes_on: bool,
    /// Whether the cursor runs down the queued.
    is_second: bool,
    /// The last rank of its kind that the cursor met.
    met: Option<Rank>,
    /// Met, and not all predecessors have come.
    parked: BTreeSet<Rank>,
    /// Met, all predecessors have come, not come itself.
    freed: BTreeSet<Rank>,
}

impl<'a> Best<'a> {
    pub(super) fn new(pool: &'a Mempool, goes_on: bool) -> Best<'a> {
        let (cursor, parked, freed) = (pool.executable.iter(), BTreeSet::new(), BTreeSet::new());
        Best { pool, cursor, goes_on, is_second: false, met: None, parked, freed }
    }
    /// What is executable needs nothing of what is queued, and comes before all of it.
    fn has_come(&self, rank: &Rank) -> bool {
        if self.pool.executable.contains_key(rank) == self.is_second {
            return true;
        }
        self.met.is_some_and(|met| *rank <= met) && !self.parked.contains(rank) && !self.freed.contains(rank)
    }
    fn is_free(&self, transaction: &Transaction) -> bool {
        self.pool.predecessors(transaction).all(|rank| self.has_come(&rank))
    }
    /// The next of the cursor, which goes on with the queued at the end of the executable if they are wanted.
    fn advance(&mut self) -> Option<(&'a Rank, &'a Arc<Transaction>)> {
        if let Some(next) = self.cursor.next() {
            return Some(next);
        }
        if !self.goes_on || self.is_second {
            return None;
        }
        (self.cursor, self.is_second, self.met) = (self.pool.queued.iter(), true, None);
        self.cursor.next()
    }
}

impl<'a> Iterator for Best<'a> {
    type Item = &'a Arc<Transaction>;

    fn next(&mut self) -> Option<&'a Arc<Transaction>> {
        let transaction = loop {
            if let Some(rank) = self.freed.pop_first() {
                break self.pool.at(&rank);
            }
            let (rank, transaction) = self.advance()?;
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
            if self.parked.contains(&rank) && self.is_free(self.pool.at(&rank)) {
                self.parked.remove(&rank);
                self.freed.insert(rank);
            }
        }
        Some(transaction)
    }
}
