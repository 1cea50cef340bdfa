//! The replicated log: entries above a base, with the index at which each term begins.
//!
//! Nothing here takes time proportional to the length of the log, except copying and dropping the entries asked for.

use super::membership::Membership;
use super::position::{Index, Term};
use crate::base::wire::{NODE_BYTES, NUMBER_BYTES};
use crate::base::{NodeId, Time};
use crate::chain::Batch;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// What an entry asks the state machine to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Payload {
    /// Nothing: a leader's first entry, which commits those of earlier terms (paper, section 8).
    Noop,
    /// Execute transactions.
    Batch(Arc<Batch>),
    /// Change membership.
    Membership(Arc<Membership>),
}

/// A log entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// The term of the leader that made it.
    pub term: Term,
    /// That leader.
    pub leader: NodeId,
    /// That leader's clock, never before the entry below: it ends sessions and dates blocks.
    pub time: Time,
    /// What to do.
    pub payload: Payload,
}

impl Entry {
    /// Bytes on the wire: index, term and type; then as data the leader, its time, and the payload.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let data = match &self.payload {
            Payload::Noop => 0,
            Payload::Batch(batch) => batch.bytes(),
            Payload::Membership(membership) => membership.bytes(),
        };
        2 * NUMBER_BYTES + 1 + NODE_BYTES + NUMBER_BYTES + data
    }
}

/// The entries above a base, which is compacted and known to be committed (or the empty log's index 0).
#[derive(Clone, Debug, Default)]
pub struct Log {
    base: Index,
    base_term: Term,
    entries: VecDeque<Entry>,
    /// The terms of the entries, ascending, with the first index of each.
    terms: Vec<(Term, Index)>,
}

impl Log {
    /// A log with nothing above `base`.
    #[must_use]
    pub fn new(base: Index, base_term: Term) -> Log {
        Log { base, base_term, entries: VecDeque::new(), terms: Vec::new() }
    }
    /// The index below the first entry.
    #[must_use]
    pub fn base(&self) -> Index {
        self.base
    }
    /// The index of the last entry, or the base.
    #[must_use]
    pub fn last_index(&self) -> Index {
        self.base + self.entries.len() as u64
    }
    /// The term of the last entry, or of the base.
    #[must_use]
    pub fn last_term(&self) -> Term {
        self.entries.back().map_or(self.base_term, |entry| entry.term)
    }
    /// The entry at `index`, if it is above the base.
    #[must_use]
    pub fn get(&self, index: Index) -> Option<&Entry> {
        let offset = index.checked_sub(self.base + 1)?;
        self.entries.get(usize::try_from(offset).ok()?)
    }
    /// The last entry.
    #[must_use]
    pub fn last(&self) -> Option<&Entry> {
        self.entries.back()
    }
    /// The term of the entry at `index`, from the base on.
    #[must_use]
    pub fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base { Some(self.base_term) } else { self.get(index).map(|entry| entry.term) }
    }
    /// Whether a log that ends with (`last_term`, `last_index`) is at least as up to date as this one (paper, 5.4.1).
    #[must_use]
    pub fn is_covered_by(&self, last_term: Term, last_index: Index) -> bool {
        (last_term, last_index) >= (self.last_term(), self.last_index())
    }
    /// The first index above the base whose entry has this term.
    #[must_use]
    pub fn first_of(&self, term: Term) -> Option<Index> {
        let at = self.terms.binary_search_by_key(&term, |(term, _)| *term).ok()?;
        Some(self.terms[at].1)
    }
    /// The last index above the base whose entry has this term.
    #[must_use]
    pub fn last_of(&self, term: Term) -> Option<Index> {
        let at = self.terms.binary_search_by_key(&term, |(term, _)| *term).ok()?;
        Some(self.terms.get(at + 1).map_or(self.last_index(), |(_, first)| first - 1))
    }
    /// Appends an entry, whose term is not below the last one's, and returns its index.
    pub fn append(&mut self, entry: Entry) -> Index {
        let index = self.last_index() + 1;
        debug_assert!(entry.term >= self.last_term(), "terms never fall along a log");
        if self.terms.last().is_none_or(|(term, _)| *term != entry.term) {
            self.terms.push((entry.term, index));
        }
        self.entries.push_back(entry);
        index
    }
    /// Deletes the entries from `from` on, which is above the base.
    pub fn truncate(&mut self, from: Index) {
        debug_assert!(from > self.base, "what is compacted is committed and stays");
        self.entries.truncate((from - self.base - 1) as usize);
        self.terms.retain(|(_, first)| *first < from);
    }
    /// Drops the entries up to `upto`, which becomes the base.
    pub fn compact(&mut self, upto: Index) {
        let Some(term) = self.term_at(upto) else { return };
        self.entries.drain(..(upto - self.base) as usize);
        (self.base, self.base_term) = (upto, term);
        let gone = self.terms.partition_point(|(_, first)| *first <= upto + 1).saturating_sub(1);
        self.terms.drain(..gone);
        if self.entries.is_empty() {
            self.terms.clear();
        } else if let Some((_, first)) = self.terms.first_mut() {
            *first = (*first).max(upto + 1);
        }
    }
    /// The entries from `from` (above the base) on: as many as fit into `bytes`, but at least one if there is one.
    #[must_use]
    pub fn slice(&self, from: Index, bytes: u64) -> Arc<[Entry]> {
        let mut taken = 0;
        let start = ((from - self.base - 1) as usize).min(self.entries.len());
        let fits = self.entries.range(start..).take_while(|entry| {
            let first = taken == 0;
            taken += entry.bytes() as u64;
            first || taken <= bytes
        });
        fits.cloned().collect()
    }
    /// The entries from `from` (above the base) to the end.
    #[must_use]
    pub fn suffix(&self, from: Index) -> Arc<[Entry]> {
        self.slice(from, u64::MAX)
    }
}
