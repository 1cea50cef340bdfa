//! Transactions that wait at one node, best fee rate first.
//!
//! Sources: Bitcoin Core's pool (BIP 125 replacement, eviction of the cheapest with its descendants, orphans kept apart)
//! and go-ethereum's (`core/txpool/legacypool`: executable transactions are `pending`, those behind a gap of nonces
//! `queue`). What a transaction lays claim to (an account's nonce, an unspent output) is claimed by at most one waiting
//! transaction; a second claimant replaces the first if it pays more, or is refused.
//!
//! A transaction is *executable* if all that it needs is on the node's chain ([`Included`]) or waits here and is
//! executable. The others are *queued*: they are proposed last, since no block can hold them yet, and in a full pool they
//! leave first. Otherwise a pool fills with what stands behind gaps and refuses what would close them, and the chain makes
//! empty blocks for ever. In a full pool, in this order:
//!
//! 1. a newcomer that is executable takes the place of the worst that is queued, whatever it pays;
//! 2. any newcomer takes the place of a higher nonce of its own sender (which needs it);
//! 3. a newcomer takes the place of the worst of its kind if it pays a higher rate. A queued one never displaces an
//!    executable one (`ErrFutureReplacePending`).
//!
//! A sender that loses a place loses its highest nonce. The maker of an output leaves with all its spenders. So what
//! stays is never cut off from what it needs (go-ethereum's `truncatePending`, Bitcoin Core's eviction of descendants).
//!
//! Simplified: a transaction is ranked by its own fee rate, not by that of the package it belongs to, so a
//! well-paying child does not pull a cheap parent into a block or save it from eviction. There are no limits per sender
//! and no life time: queued transactions stay as long as there is room.
//!
//! An empty pool allocates nothing and is smaller than 200 bytes, because thousands of nodes hold one.

mod best;
mod nonces;
#[cfg(test)]
mod tests;

pub use best::Best;

use super::block::Block;
use super::transaction::{Amount, Body, OutPoint, Transaction};
use crate::base::{AccountId, Hash};
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

/// What is executed on the chain of the node whose pool this is.
pub trait Included {
    /// The nonce that the next transaction of `sender` must have.
    fn next_nonce(&self, sender: AccountId) -> u64;
    /// Whether the chain made this output, spent or not.
    fn has_made(&self, output: &OutPoint) -> bool;
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
    /// Every executable transaction, best first.
    executable: BTreeMap<Rank, Arc<Transaction>>,
    /// Every other waiting transaction, best first.
    queued: BTreeMap<Rank, Arc<Transaction>>,
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
            executable: BTreeMap::new(),
            queued: BTreeMap::new(),
            by_id: FxHashMap::default(),
            by_nonce: Nonces::default(),
            by_input: FxHashMap::default(),
        }
    }
    /// Takes a transaction and returns those it replaces or evicts.
    ///
    /// It replaces those that claim the same nonce or output, and what spends their outputs, if it pays a strictly
    /// higher fee than all of them together and a strictly higher rate than each. The head of this module
    /// defines what leaves a full pool.
    ///
    /// # Errors
    /// Why it is refused: a coinbase, known, a nonce that was used, too cheap to replace what it conflicts with, or
    /// no room. The pool is then as before.
    pub fn insert(
        &mut self,
        transaction: Arc<Transaction>,
        chain: &dyn Included,
    ) -> Result<Vec<Arc<Transaction>>, &'static str> {
        if transaction.is_coinbase() {
            return Err("a coinbase does not wait");
        }
        if self.contains(&transaction.id()) {
            return Err("already waiting");
        }
        if transaction.is_ordered_by_nonce() && transaction.nonce < chain.next_nonce(transaction.sender) {
            return Err("nonce already used");
        }
        let bytes = u32::try_from(transaction.bytes()).expect("a transaction below 4 GB");
        let rank = Rank { fee: transaction.fee, bytes, arrival: self.arrivals };
        let mut leaving = self.replaced_by(&transaction, &rank)?;
        let is_executable = self.is_executable(&transaction, chain);
        self.make_room(&transaction, &rank, is_executable, &mut leaving)?;
        if self.parents(&transaction).any(|parent| leaving.contains(&parent)) {
            return Err("spends an output of a transaction that it would displace");
        }
        let left: Vec<Arc<Transaction>> = leaving.iter().filter_map(|rank| self.take_out(rank)).collect();
        self.arrivals = self.arrivals.checked_add(1).expect("fewer than 2^32 arrivals at one node");
        self.bytes += u64::from(bytes);
        self.by_id.insert(transaction.id(), rank);
        match &transaction.body {
            Body::Spend { inputs, .. } => self.by_input.extend(inputs.iter().map(|input| (*input, rank))),
            Body::Transfer { .. } | Body::Anchor { .. } | Body::Coinbase { .. } => {
                self.by_nonce.insert(transaction.sender, transaction.nonce, rank);
            }
        }
        let mut affected: Vec<Rank> = self.dependents(&transaction).collect();
        affected.extend(left.iter().flat_map(|gone| self.dependents(gone)));
        let kind = if is_executable { &mut self.executable } else { &mut self.queued };
        kind.insert(rank, transaction);
        self.judge_again(affected, chain);
        Ok(left)
    }
    /// Removes a transaction, if it waits here. What needs it goes on waiting.
    pub fn remove(&mut self, id: &Hash, chain: &dyn Included) -> Option<Arc<Transaction>> {
        let rank = *self.by_id.get(id)?;
        let transaction = self.take_out(&rank)?;
        let affected = self.dependents(&transaction).collect();
        self.judge_again(affected, chain);
        Some(transaction)
    }
    /// Removes the transactions of a block, which is now the last of `chain`, and returns the others that can no longer
    /// be executed after it: those that claim the same nonce or output as one that was `executed`, and what spends their
    /// outputs.
    pub fn remove_included(&mut self, block: &Block, executed: &[bool], chain: &dyn Included) -> Vec<Arc<Transaction>> {
        let (mut dropped, mut affected) = (Vec::new(), Vec::new());
        for (transaction, executed) in block.transactions().iter().zip(executed) {
            let was_executable = self.by_id.get(&transaction.id()).map(|rank| self.executable.contains_key(rank));
            if let Some(rank) = self.by_id.get(&transaction.id()).copied() {
                // What it claims is claimed once: if it waited here, no rival did.
                self.take_out(&rank);
            } else if *executed {
                let rivals = self.with_descendants(self.rivals(transaction));
                let gone = rivals.iter().filter_map(|rank| self.take_out(rank));
                dropped.extend(gone);
            }
            // By far the usual case changes nothing for what needs it.
            if !(*executed && was_executable == Some(true)) {
                affected.extend(self.dependents(transaction));
            }
        }
        affected.extend(dropped.iter().flat_map(|gone| self.dependents(gone)));
        self.judge_again(affected, chain);
        dropped
    }
    /// The last blocks were cut off `chain`: takes back what they included, the earliest first, as far as it is `wanted`
    /// and there is room.
    pub fn take_back(
        &mut self,
        cut: Vec<Arc<Transaction>>,
        wanted: impl Fn(&Transaction) -> bool,
        chain: &dyn Included,
    ) {
        let affected = cut.iter().flat_map(|transaction| self.dependents(transaction)).collect();
        self.judge_again(affected, chain);
        for transaction in cut.into_iter().filter(|transaction| wanted(transaction)) {
            let _ = self.insert(transaction, chain);
        }
    }
    /// Whether a transaction waits here.
    #[must_use]
    #[inline]
    pub fn contains(&self, id: &Hash) -> bool {
        self.by_id.contains_key(id)
    }
    /// A transaction that waits here.
    #[must_use]
    pub fn get(&self, id: &Hash) -> Option<&Arc<Transaction>> {
        let rank = self.by_id.get(id)?;
        self.executable.get(rank).or_else(|| self.queued.get(rank))
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
        self.by_id.len()
    }
    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
    /// Bytes of all transactions.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
    /// The executable transactions in the order in which a proposer takes them: always the best fee rate, the earliest
    /// arrival among equals, of those whose predecessors have all come. So a sender's nonces come in order, and an
    /// output's maker before its spender. The first `k` cost O(k log n), and O(log n) for each that has to wait its turn.
    #[must_use]
    pub fn best(&self) -> Best<'_> {
        Best::new(self, false)
    }
    /// The executable transactions, and then those that are queued, each kind as in [`Mempool::best`]: for proposals
    /// on blocks that are not on the node's chain yet and may hold what is missing here.
    #[must_use]
    pub fn best_of_all(&self) -> Best<'_> {
        Best::new(self, true)
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
    /// The waiting makers of outputs that `transaction` spends. A transaction that spends an output which its alleged maker
    /// does not make has no parent: exactly the parents' children are found by [`Mempool::children`].
    fn parents(&self, transaction: &Transaction) -> impl Iterator<Item = Rank> {
        let inputs: &[OutPoint] = match &transaction.body {
            Body::Spend { inputs, .. } => inputs,
            Body::Transfer { .. } | Body::Anchor { .. } | Body::Coinbase { .. } => &[],
        };
        let maker = |input: &OutPoint| self.by_id.get(&input.transaction).copied().map(|rank| (rank, input.index));
        inputs.iter().filter_map(maker).filter(|(rank, index)| *index < outputs(self.at(rank))).map(|(rank, _)| rank)
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
                open.extend(self.children(self.at(&rank)));
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
    /// Adds to `leaving` the transactions that must go until the newcomer with this rank fits; see the head of this module.
    fn make_room(
        &self,
        newcomer: &Transaction,
        rank: &Rank,
        is_executable: bool,
        leaving: &mut BTreeSet<Rank>,
    ) -> Result<(), &'static str> {
        if u64::from(rank.bytes) > self.capacity.bytes || self.capacity.transactions == 0 {
            return Err("larger than the pool");
        }
        if self.fits(rank, leaving) {
            return Ok(());
        }
        let some_queued = if is_executable { self.queued.len() } else { 0 };
        for victim in self.queued.keys().rev().take(some_queued) {
            if self.fits(rank, leaving) {
                return Ok(());
            }
            self.evict(victim, newcomer, rank, leaving);
        }
        if newcomer.is_ordered_by_nonce() {
            while !self.fits(rank, leaving)
                && let Some(highest) = self.highest_above(newcomer, leaving)
            {
                leaving.insert(highest);
            }
        }
        let kind = if is_executable { &self.executable } else { &self.queued };
        for victim in kind.keys().rev().take_while(|victim| *victim > rank) {
            if self.fits(rank, leaving) {
                return Ok(());
            }
            self.evict(victim, newcomer, rank, leaving);
        }
        if self.fits(rank, leaving) { Ok(()) } else { Err("cheaper than everything in a full pool") }
    }
    /// Whether there is room for `rank` once `leaving` are gone.
    fn fits(&self, rank: &Rank, leaving: &BTreeSet<Rank>) -> bool {
        let freed: u64 = leaving.iter().map(|rank| u64::from(rank.bytes)).sum();
        self.bytes - freed + u64::from(rank.bytes) <= self.capacity.bytes
            && self.len() - leaving.len() < self.capacity.transactions as usize
    }
    /// Makes the sender of `victim` give up places until the newcomer fits or `victim` itself is gone: its highest nonces
    /// first, or all that spends its outputs with it. What the newcomer needs stays.
    fn evict(&self, victim: &Rank, newcomer: &Transaction, rank: &Rank, leaving: &mut BTreeSet<Rank>) {
        let transaction = self.at(victim);
        let is_needed = newcomer.sender == transaction.sender && transaction.nonce < newcomer.nonce;
        while !leaving.contains(victim) && !self.fits(rank, leaving) {
            if !transaction.is_ordered_by_nonce() {
                leaving.extend(self.with_descendants(vec![*victim]));
            } else if newcomer.is_ordered_by_nonce() && is_needed {
                return;
            } else {
                let highest = self.by_nonce.highest(transaction.sender, |rank| !leaving.contains(rank));
                leaving.insert(highest.expect("the victim is one of them"));
            }
        }
    }
    /// The highest nonce above the newcomer's that its sender has waiting here.
    fn highest_above(&self, newcomer: &Transaction, leaving: &BTreeSet<Rank>) -> Option<Rank> {
        let highest = self.by_nonce.highest(newcomer.sender, |rank| !leaving.contains(rank))?;
        (self.at(&highest).nonce > newcomer.nonce).then_some(highest)
    }
    /// The waiting transaction with this rank.
    fn at(&self, rank: &Rank) -> &Arc<Transaction> {
        self.executable.get(rank).unwrap_or_else(|| &self.queued[rank])
    }
    /// Whether all that `transaction` needs is on the chain, or waits here and is executable.
    fn is_executable(&self, transaction: &Transaction, chain: &dyn Included) -> bool {
        let waits = |rank: Rank| self.executable.contains_key(&rank);
        match &transaction.body {
            Body::Spend { inputs, .. } => inputs.iter().all(|input| {
                let maker = self.by_id.get(&input.transaction).copied();
                let is_made_here = maker.filter(|maker| waits(*maker) && input.index < outputs(self.at(maker)));
                is_made_here.is_some() || chain.has_made(input)
            }),
            Body::Transfer { .. } | Body::Anchor { .. } => {
                let (sender, nonce) = (transaction.sender, transaction.nonce);
                let before = nonce.checked_sub(1).and_then(|before| self.by_nonce.get(sender, before));
                before.is_some_and(waits) || nonce == chain.next_nonce(sender)
            }
            Body::Coinbase { .. } => false,
        }
    }
    /// Those that wait for exactly this: the next nonce, the spenders of its outputs.
    fn dependents(&self, transaction: &Transaction) -> impl Iterator<Item = Rank> {
        let next = transaction.nonce.checked_add(1).filter(|_| transaction.is_ordered_by_nonce());
        let next = next.and_then(|next| self.by_nonce.get(transaction.sender, next));
        next.into_iter().chain(self.children(transaction))
    }
    /// Moves those of `open` that changed to their kind, and then what depends on them.
    fn judge_again(&mut self, mut open: Vec<Rank>, chain: &dyn Included) {
        while let Some(rank) = open.pop() {
            let was_executable = self.executable.contains_key(&rank);
            let Some(transaction) = self.executable.get(&rank).or_else(|| self.queued.get(&rank)) else { continue };
            if self.is_executable(transaction, chain) == was_executable {
                continue;
            }
            open.extend(self.dependents(transaction));
            let (from, to) = if was_executable {
                (&mut self.executable, &mut self.queued)
            } else {
                (&mut self.queued, &mut self.executable)
            };
            to.extend(from.remove_entry(&rank));
        }
    }
    fn take_out(&mut self, rank: &Rank) -> Option<Arc<Transaction>> {
        let transaction = self.executable.remove(rank).or_else(|| self.queued.remove(rank))?;
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
