//! Transactions that wait at one node, best fee rate first.
//!
//! Source: Bitcoin Core's pool (BIP 125 replacement, eviction of the cheapest) and the per-sender nonce order of
//! account chains. What a transaction lays claim to (an account's nonce, an unspent output) is claimed by at most one
//! waiting transaction; a second claimant replaces the first if it pays more, or is refused.
//!
//! Simplified: a transaction is ranked by its own fee rate, not by that of the package it belongs to, so a
//! well-paying child does not pull a cheap parent into a block or save it from eviction.
//!
//! An empty pool allocates nothing and is smaller than 200 bytes, because thousands of nodes hold one.

mod best;
mod nonces;
#[cfg(test)]
mod tests;

pub use best::Best;

use super::block::Block;
use super::transaction::{Amount, Body, OutPoint, Transaction};
use crate::base::Hash;
use nonces::Nonces;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How much a mempool holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capacity {
    /// Most bytes of transactions.
    pub bytes: u64,
    /// Most transactions.
    pub transactions: u32,
}

/// A place in the order of the pool: the smaller, the better. Names one waiting transaction.
#[derive(Clone, Copy, Debug)]
struct Rank {
    fee: Amount,
    bytes: u32,
    arrival: u32,
}

impl Rank {
    /// Compares fee rates without rounding: `Less` is the better rate.
    fn cmp_rate(&self, other: &Rank) -> Ordering {
        if self.fee == other.fee && self.bytes == other.bytes {
            return Ordering::Equal; // by far the usual case
        }
        let mine = u128::from(self.fee) * u128::from(other.bytes);
        let theirs = u128::from(other.fee) * u128::from(self.bytes);
        theirs.cmp(&mine)
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Rank) -> Ordering {
        self.cmp_rate(other).then(self.arrival.cmp(&other.arrival))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rank {}

/// Transactions that wait at one node.
#[derive(Clone, Debug)]
pub struct Mempool {
    capacity: Capacity,
    /// Bytes of all waiting transactions; at most `capacity.bytes`.
    bytes: u64,
    /// Transactions ever taken; breaks ties between equal rates.
    arrivals: u32,
    /// Every waiting transaction, best first.
    waiting: BTreeMap<Rank, Arc<Transaction>>,
    /// The rank of every waiting transaction.
    by_id: FxHashMap<Hash, Rank>,
    /// Which waiting transfer or anchor uses a sender's nonce.
    by_nonce: Nonces,
    /// Which waiting transaction spends an output.
    by_input: FxHashMap<OutPoint, Rank>,
}

impl Mempool {
    /// An empty mempool.
    #[must_use]
    pub fn new(capacity: Capacity) -> Mempool {
        Mempool {
            capacity,
            bytes: 0,
            arrivals: 0,
            waiting: BTreeMap::new(),
            by_id: FxHashMap::default(),
            by_nonce: Nonces::default(),
            by_input: FxHashMap::default(),
        }
    }
    /// Takes a transaction and returns those it replaces or evicts.
    ///
    /// It replaces those that claim the same nonce or output, and what spends their outputs, if it pays a strictly
    /// higher fee than all of them together and a strictly higher rate than each. If the pool is then too full, the
    /// cheapest go, with what spends their outputs, as long as they are cheaper than the newcomer.
    ///
    /// # Errors
    /// Why it is refused: a coinbase, known, too cheap to replace what it conflicts with, or cheaper than everything
    /// in a full pool. The pool is then as before.
    pub fn insert(&mut self, transaction: Arc<Transaction>) -> Result<Vec<Arc<Transaction>>, &'static str> {
        if transaction.is_coinbase() {
            return Err("a coinbase does not wait");
        }
        if self.contains(&transaction.id()) {
            return Err("already waiting");
        }
        let bytes = u32::try_from(transaction.bytes()).expect("a transaction below 4 GB");
        let rank = Rank { fee: transaction.fee, bytes, arrival: self.arrivals };
        let mut leaving = self.replaced_by(&transaction, &rank)?;
        self.make_room(&rank, &mut leaving)?;
        if self.parents(&transaction).any(|parent| leaving.contains(&parent)) {
            return Err("spends an output of a transaction that it would displace");
        }
        let left = leaving.iter().filter_map(|rank| self.take_out(rank)).collect();
        self.arrivals = self.arrivals.checked_add(1).expect("fewer than 2^32 arrivals at one node");
        self.bytes += u64::from(bytes);
        self.by_id.insert(transaction.id(), rank);
        match &transaction.body {
            Body::Spend { inputs, .. } => self.by_input.extend(inputs.iter().map(|input| (*input, rank))),
            Body::Transfer { .. } | Body::Anchor { .. } | Body::Coinbase { .. } => {
                self.by_nonce.insert(transaction.sender, transaction.nonce, rank);
            }
        }
        self.waiting.insert(rank, transaction);
        Ok(left)
    }
    /// Removes a transaction, if it waits here. What spends its outputs goes on waiting.
    pub fn remove(&mut self, id: &Hash) -> Option<Arc<Transaction>> {
        let rank = *self.by_id.get(id)?;
        self.take_out(&rank)
    }
    /// Removes the transactions of a block, and returns the others that can no longer be executed after it: those
    /// that claim the same nonce or output as one of the block, and what spends their outputs.
    pub fn remove_included(&mut self, block: &Block) -> Vec<Arc<Transaction>> {
        let mut dropped = Vec::new();
        for transaction in block.transactions() {
            // What it claims is claimed once: if it waited here, no rival did.
            if self.remove(&transaction.id()).is_some() {
                continue;
            }
            let rivals = self.with_descendants(self.rivals(transaction));
            dropped.extend(rivals.iter().filter_map(|rank| self.take_out(rank)));
        }
        dropped
    }
    /// Whether a transaction waits here.
    #[must_use]
    pub fn contains(&self, id: &Hash) -> bool {
        self.by_id.contains_key(id)
    }
    /// Whether something that must be executed before `transaction` waits here: a lower nonce of its sender, or the
    /// maker of an output it spends. One that is not executable yet and has no predecessor here is an orphan.
    #[must_use]
    pub fn has_predecessor(&self, transaction: &Transaction) -> bool {
        self.predecessors(transaction).next().is_some()
    }
    /// Number of transactions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
    /// Bytes of all transactions.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
    /// The transactions in the order in which a proposer takes them: always the best fee rate, the earliest arrival
    /// among equals, of those whose predecessors have all come. So a sender's nonces come in order, and an output's
    /// maker before its spender. The first `k` cost O(k log n), and O(log n) for each that has to wait its turn.
    #[must_use]
    pub fn best(&self) -> Best<'_> {
        Best::new(self)
    }

    /// The waiting transactions that claim what `transaction` claims, itself included.
    fn rivals(&self, transaction: &Transaction) -> Vec<Rank> {
        match &transaction.body {
            Body::Transfer { .. } | Body::Anchor { .. } => {
                self.by_nonce.get(transaction.sender, transaction.nonce).into_iter().collect()
            }
            Body::Spend { inputs, .. } => inputs.iter().filter_map(|input| self.by_input.get(input).copied()).collect(),
            Body::Coinbase { .. } => Vec::new(),
        }
    }
    /// The waiting makers of outputs that `transaction` spends. Who spends an output that its alleged maker does not
    /// make has no parent: exactly the parents' children are found by [`Mempool::children`].
    fn parents(&self, transaction: &Transaction) -> impl Iterator<Item = Rank> {
        let inputs: &[OutPoint] = match &transaction.body {
            Body::Spend { inputs, .. } => inputs,
            Body::Transfer { .. } | Body::Anchor { .. } | Body::Coinbase { .. } => &[],
        };
        let maker = |input: &OutPoint| self.by_id.get(&input.transaction).copied().map(|rank| (rank, input.index));
        inputs
            .iter()
            .filter_map(maker)
            .filter(|(rank, index)| *index < outputs(&self.waiting[rank]))
            .map(|(rank, _)| rank)
    }
    /// The waiting spenders of outputs that `transaction` makes.
    fn children(&self, transaction: &Transaction) -> impl Iterator<Item = Rank> {
        let id = transaction.id();
        let spender = move |index| self.by_input.get(&OutPoint { transaction: id, index }).copied();
        (0..outputs(transaction)).filter_map(spender)
    }
    /// What must be executed before `transaction`, nearest only: transfers and anchors follow
    /// the next lower nonce that waits.
    fn predecessors(&self, transaction: &Transaction) -> impl Iterator<Item = Rank> {
        let is_ordered = transaction.is_ordered_by_nonce();
        let lower = is_ordered.then(|| self.by_nonce.below(transaction.sender, transaction.nonce)).flatten();
        lower.into_iter().chain(self.parents(transaction))
    }
    /// What must be executed after `transaction`, nearest only.
    fn successors(&self, transaction: &Transaction) -> impl Iterator<Item = Rank> {
        let is_ordered = transaction.is_ordered_by_nonce();
        let higher = is_ordered.then(|| self.by_nonce.above(transaction.sender, transaction.nonce)).flatten();
        higher.into_iter().chain(self.children(transaction))
    }
    /// These and all that directly or indirectly spends their outputs: without them it can never be executed. A
    /// higher nonce is no descendant: it waits for whatever fills the gap.
    fn with_descendants(&self, roots: Vec<Rank>) -> BTreeSet<Rank> {
        let (mut found, mut open) = (BTreeSet::new(), roots);
        while let Some(rank) = open.pop() {
            if found.insert(rank) {
                open.extend(self.children(&self.waiting[&rank]));
            }
        }
        found
    }
    /// Everything that leaves because `transaction` claims what it claims.
    fn replaced_by(&self, transaction: &Transaction, rank: &Rank) -> Result<BTreeSet<Rank>, &'static str> {
        let replaced = self.with_descendants(self.rivals(transaction));
        let fees: u128 = replaced.iter().map(|rank| u128::from(rank.fee)).sum();
        if !replaced.is_empty() && u128::from(transaction.fee) <= fees {
            return Err("does not pay more than what it would replace");
        }
        if replaced.iter().any(|other| rank.cmp_rate(other) != Ordering::Less) {
            return Err("does not pay a higher rate than what it would replace");
        }
        Ok(replaced)
    }
    /// Adds to `leaving` the cheapest transactions until `rank` fits.
    fn make_room(&self, rank: &Rank, leaving: &mut BTreeSet<Rank>) -> Result<(), &'static str> {
        if u64::from(rank.bytes) > self.capacity.bytes || self.capacity.transactions == 0 {
            return Err("larger than the pool");
        }
        let mut freed: u64 = leaving.iter().map(|rank| u64::from(rank.bytes)).sum();
        let mut cheapest = self.waiting.keys().rev();
        while self.bytes - freed + u64::from(rank.bytes) > self.capacity.bytes
            || self.waiting.len() - leaving.len() >= self.capacity.transactions as usize
        {
            let victim = cheapest.next().expect("an emptied pool has room");
            if victim < rank {
                return Err("cheaper than everything in a full pool");
            }
            for rank in self.with_descendants(vec![*victim]) {
                freed += if leaving.insert(rank) { u64::from(rank.bytes) } else { 0 };
            }
        }
        Ok(())
    }
    fn take_out(&mut self, rank: &Rank) -> Option<Arc<Transaction>> {
        let transaction = self.waiting.remove(rank)?;
        self.bytes -= u64::from(rank.bytes);
        self.by_id.remove(&transaction.id());
        match &transaction.body {
            Body::Spend { inputs, .. } => {
                for input in inputs {
                    self.by_input.remove(input);
                }
            }
            Body::Transfer { .. } | Body::Anchor { .. } | Body::Coinbase { .. } => {
                self.by_nonce.remove(transaction.sender, transaction.nonce);
            }
        }
        Some(transaction)
    }
}

/// Number of outputs that a transaction makes.
fn outputs(transaction: &Transaction) -> u32 {
    match &transaction.body {
        Body::Spend { outputs, .. } => outputs.len() as u32,
        Body::Transfer { .. } | Body::Anchor { .. } | Body::Coinbase { .. } => 0,
    }
}
