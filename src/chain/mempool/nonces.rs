//! Which nonces of which senders wait.

use super::Rank;
use crate::base::AccountId;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

/// The waiting nonces of each sender, in order. Most senders wait for one at a time: that one is found with one look at
/// memory, which is what a pool of many thousands costs.
#[derive(Clone, Default, Debug)]
pub(super) struct Nonces(FxHashMap<AccountId, Waiting>);

/// What waits of one sender.
#[derive(Clone, Debug)]
pub(super) enum Waiting {
    One(u64, Rank),
    /// Two or more; fewer after removals.
    Many(BTreeMap<u64, Rank>),
}

impl Nonces {
    /// Number of senders with waiting nonces.
    #[cfg(test)]
    pub fn senders(&self) -> usize {
        self.0.len()
    }
    /// What waits under a nonce.
    pub fn get(&self, sender: AccountId, nonce: u64) -> Option<Rank> {
        match self.0.get(&sender)? {
            Waiting::One(only, rank) => (*only == nonce).then_some(*rank),
            Waiting::Many(many) => many.get(&nonce).copied(),
        }
    }
    /// The next lower nonce that waits.
    pub fn below(&self, sender: AccountId, nonce: u64) -> Option<Rank> {
        match self.0.get(&sender)? {
            Waiting::One(only, rank) => (*only < nonce).then_some(*rank),
            Waiting::Many(many) => many.range(..nonce).next_back().map(|(_, rank)| *rank),
        }
    }
    /// The next higher nonce that waits.
    pub fn above(&self, sender: AccountId, nonce: u64) -> Option<Rank> {
        match self.0.get(&sender)? {
            Waiting::One(only, rank) => (*only > nonce).then_some(*rank),
            Waiting::Many(many) => many.range(nonce.checked_add(1)?..).next().map(|(_, rank)| *rank),
        }
    }
    /// What waits under the highest nonce that counts.
    pub fn highest(&self, sender: AccountId, counts: impl Fn(&Rank) -> bool) -> Option<Rank> {
        match self.0.get(&sender)? {
            Waiting::One(_, rank) => Some(*rank).filter(|rank| counts(rank)),
            Waiting::Many(many) => many.values().rev().find(|rank| counts(rank)).copied(),
        }
    }
    /// Adds a nonce that does not wait yet.
    pub fn insert(&mut self, sender: AccountId, nonce: u64, rank: Rank) {
        match self.0.entry(sender) {
            Entry::Vacant(none) => {
                none.insert(Waiting::One(nonce, rank));
            }
            Entry::Occupied(mut some) => match some.get_mut() {
                Waiting::One(only, first) => {
                    let two = BTreeMap::from([(*only, *first), (nonce, rank)]);
                    some.insert(Waiting::Many(two));
                }
                Waiting::Many(many) => {
                    many.insert(nonce, rank);
                }
            },
        }
    }
    /// Removes a nonce, if it waits.
    pub fn remove(&mut self, sender: AccountId, nonce: u64) {
        let is_last = match self.0.get_mut(&sender) {
            None => return,
            Some(Waiting::One(only, _)) => *only == nonce,
            Some(Waiting::Many(many)) => {
                many.remove(&nonce);
                many.is_empty()
            }
        };
        if is_last {
            self.0.remove(&sender);
        }
    }
}
