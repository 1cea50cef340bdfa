//! Getting the sets that others propose: first the names of what is in one, then what this node lacks of it.
//!
//! `rippled` compares trees of hashes and asks only for leaves that its open ledger does not hold
//! (`TransactionAcquire`, `ConsensusTransSetSF`). A list of names stands for the tree here. Transactions that most nodes
//! know already are not sent again.

use super::message::{Item, Message, Set};
use super::{Ripple, Timer};
use crate::base::{Hash, NodeId, Time};
use crate::chain::Batch;
use crate::protocol::Context;
use crate::protocol::request::{Backoff, answer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Items in one request or answer at most.
const ITEMS_MAX: usize = 4_096;

/// How much larger than the limit of one node's own set an agreed one may be. A transaction is taken if more than half
/// want it, so that honest sets stay below twice the limit; votes that change meanwhile may add as much again.
const SETS_MAX: u64 = 4;

/// A set on its way to this node.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// What is in it, once that is known.
    names: Option<Arc<[Hash]>>,
    /// What of it is here.
    items: BTreeMap<Hash, Item>,
    /// Who has it.
    holders: BTreeSet<NodeId>,
    /// When another holder is asked.
    due: Time,
    wait: Backoff,
    /// How often holders were asked: whose turn it is next.
    asked: usize,
}

impl Arrival {
    fn lacks(&self, name: &Hash) -> bool {
        !self.items.contains_key(name)
    }
    fn is_complete(&self) -> bool {
        self.names.as_ref().is_some_and(|names| names.len() == self.items.len())
    }
}

/// Asking.
impl Ripple {
    fn is_wanted(&self, name: &Hash) -> bool {
        !self.sets.contains_key(name) && self.current.values().any(|(proposal, _)| proposal.position == *name)
    }
    /// Asks for a set that `from` proposes, unless it is here or on its way.
    pub(super) fn want(&mut self, from: NodeId, name: Hash, ctx: &mut Context<'_, Self>) {
        if self.sets.contains_key(&name) {
            return;
        }
        if let Some(known) = self.past_sets.iter().find_map(|sets| sets.get(&name)).cloned() {
            self.sets.insert(name, known);
            return;
        }
        if let Some(arrival) = self.arrivals.get_mut(&name) {
            arrival.holders.insert(from);
            return;
        }
        if self.arrivals.len() > self.current.len() {
            self.drop_arrivals();
        }
        let mut wait = Backoff::new(self.config.set_timeout);
        let due = ctx.now() + wait.next_wait();
        let (names, items, holders) = (None, BTreeMap::new(), BTreeSet::from([from]));
        self.arrivals.insert(name, Arrival { names, items, holders, due, wait, asked: 1 });
        ctx.send(from, Message::GetSet(name));
        self.wait_for_sets(ctx);
    }
    /// Removes sets that no node proposes any more.
    pub(super) fn drop_arrivals(&mut self) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        arrivals.retain(|name, _| self.is_wanted(name));
        self.arrivals = arrivals;
    }
    fn wait_for_sets(&self, ctx: &mut Context<'_, Self>) {
        if let Some(due) = self.arrivals.values().map(|arrival| arrival.due).min() {
            ctx.set_timer(Timer::Sets, due.since(ctx.now()));
        }
    }
    /// A set did not come, or not whole: asks the next of those who have it.
    pub(super) fn on_sets_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.drop_arrivals();
        let now = ctx.now();
        let late: Vec<Hash> = (self.arrivals.iter()).filter(|(_, a)| a.due <= now).map(|(name, _)| *name).collect();
        for name in late {
            let Some(arrival) = self.arrivals.get_mut(&name) else { continue };
            arrival.due = now + arrival.wait.next_wait();
            let holder = arrival.holders.iter().nth(arrival.asked % arrival.holders.len()).copied();
            arrival.asked += 1;
            // No request is pending: the missing transactions of this set may be requested again.
            let lacking: Vec<Hash> = arrival.names.iter().flat_map(|n| n.iter()).copied().collect();
            lacking.iter().for_each(|item| {
                self.asked_items.remove(item);
            });
            let Some(holder) = holder else { continue };
            match self.arrivals[&name].names {
                None => ctx.send(holder, Message::GetSet(name)),
                Some(_) => self.ask_for_items(holder, name, ctx),
            }
        }
        self.wait_for_sets(ctx);
    }
    /// Requests the missing transactions of a set that were not requested yet.
    fn ask_for_items(&mut self, holder: NodeId, name: Hash, ctx: &mut Context<'_, Self>) {
        let Some(arrival) = self.arrivals.get(&name) else { return };
        let lacking = arrival.names.iter().flat_map(|names| names.iter()).filter(|item| arrival.lacks(item));
        let open: Vec<Hash> =
            lacking.filter(|item| !self.asked_items.contains(*item)).copied().take(ITEMS_MAX).collect();
        if !open.is_empty() {
            self.asked_items.extend(open.iter().copied());
            ctx.send(holder, Message::GetItems { set: name, items: open.into() });
        }
    }
    /// What this node knows under a name: from sets of this round and of earlier ones, or from its mempool.
    fn find_item(&self, name: &Hash, ctx: &Context<'_, Self>) -> Option<Item> {
        let sets = std::iter::once(&self.sets).chain(&self.past_sets).flat_map(|sets| sets.values());
        let arriving = self.arrivals.values().find_map(|arrival| arrival.items.get(name));
        arriving
            .or_else(|| self.position.as_ref().and_then(|set| set.items.get(name)))
            .cloned()
            .or_else(|| ctx.waiting_transaction(name).map(Item::Transaction))
            .or_else(|| sets.into_iter().find_map(|set| set.items.get(name)).cloned())
    }
}

/// Taking.
impl Ripple {
    pub(super) fn on_have_set(&mut self, from: NodeId, name: Hash, ctx: &mut Context<'_, Self>) {
        if from != ctx.me() && self.is_wanted(&name) {
            self.want(from, name, ctx);
        }
    }
    /// The names in a set that was asked for: asks for what is not here.
    pub(super) fn on_set_names(&mut self, from: NodeId, names: &Arc<[Hash]>, ctx: &mut Context<'_, Self>) {
        let most = SETS_MAX * u64::from(self.config.block_limit.transactions);
        if names.len() as u64 > most || !names.is_sorted_by(|a, b| a < b) {
            return;
        }
        let name = Set::name_of(names.len(), names.iter());
        if self.arrivals.get(&name).is_none_or(|arrival| arrival.names.is_some()) {
            return;
        }
        let found: Vec<(Hash, Item)> =
            names.iter().filter_map(|item| Some((*item, self.find_item(item, ctx)?))).collect();
        let now = ctx.now();
        let Some(arrival) = self.arrivals.get_mut(&name) else { return };
        arrival.items.extend(found);
        arrival.names = Some(names.clone());
        arrival.wait.reset();
        arrival.due = now + arrival.wait.next_wait();
        arrival.holders.insert(from);
        self.ask_for_items(from, name, ctx);
        self.complete_sets(ctx);
    }
    /// Items that were asked for, for whatever sets lack them.
    pub(super) fn on_items(&mut self, from: NodeId, items: &[Item], ctx: &mut Context<'_, Self>) {
        let named: BTreeMap<Hash, &Item> = items.iter().take(ITEMS_MAX).map(|item| (item.name(), item)).collect();
        let is_lacking = |name: &Hash| {
            let mut arrivals = self.arrivals.values();
            arrivals.any(|a| a.lacks(name) && a.names.as_ref().is_some_and(|names| names.binary_search(name).is_ok()))
        };
        let new: BTreeMap<Hash, Item> =
            named.into_iter().filter(|(name, _)| is_lacking(name)).map(|(name, item)| (name, item.clone())).collect();
        let transactions = new.values().filter_map(|item| match item {
            Item::Transaction(transaction) => Some(transaction.clone()),
            _ => None,
        });
        let batch = Batch::new(transactions.collect());
        if new.is_empty() || !ctx.is_authentic(&batch) {
            return;
        }
        let mut partial = Vec::new();
        let now = ctx.now();
        for (set, arrival) in &mut self.arrivals {
            let Some(names) = arrival.names.clone() else { continue };
            let before = arrival.items.len();
            let fitting = new.iter().filter(|(name, _)| names.binary_search(name).is_ok());
            arrival.items.extend(fitting.map(|(name, item)| (*name, item.clone())));
            if arrival.items.len() > before {
                arrival.wait.reset();
                arrival.due = now + arrival.wait.next_wait();
                partial.push(*set);
            }
        }
        new.keys().for_each(|name| {
            self.asked_items.remove(name);
        });
        self.complete_sets(ctx);
        // The size of an answer is bounded: a peer that sent a part of a set is asked for more of it.
        for set in partial {
            let lost: Vec<Hash> = self.lacking_from(&set, from);
            lost.iter().for_each(|item| {
                self.asked_items.remove(item);
            });
            self.ask_for_items(from, set, ctx);
        }
        self.wait_for_sets(ctx);
    }
    /// What a set still lacks, if this holder has it.
    fn lacking_from(&self, set: &Hash, holder: NodeId) -> Vec<Hash> {
        let Some(arrival) = self.arrivals.get(set).filter(|arrival| arrival.holders.contains(&holder)) else {
            return Vec::new();
        };
        let names = arrival.names.iter().flat_map(|names| names.iter());
        names.filter(|item| arrival.lacks(item)).copied().collect()
    }
    /// Takes the sets of which nothing is missing any more.
    fn complete_sets(&mut self, ctx: &mut Context<'_, Self>) {
        let whole: Vec<Hash> =
            self.arrivals.iter().filter(|(_, arrival)| arrival.is_complete()).map(|(name, _)| *name).collect();
        for name in whole {
            let Some(arrival) = self.arrivals.remove(&name) else { continue };
            let set = Set::new(arrival.items.into_values());
            let bytes: usize = set.transactions().map(|transaction| transaction.bytes()).sum();
            if set.name == name && bytes as u64 <= SETS_MAX * self.config.block_limit.bytes {
                ctx.broadcast(Message::HaveSet(name));
                self.sets.insert(name, set);
            }
        }
        if self.arrivals.is_empty() {
            self.asked_items.clear();
            ctx.cancel_timer(Timer::Sets);
        }
    }
}

/// Giving.
impl Ripple {
    fn known_set(&self, name: &Hash) -> Option<&Arc<Set>> {
        std::iter::once(&self.sets).chain(&self.past_sets).find_map(|sets| sets.get(name))
    }
    pub(super) fn on_get_set(&self, from: NodeId, name: Hash, ctx: &mut Context<'_, Self>) {
        if let Some(set) = self.known_set(&name).filter(|_| from != ctx.me()) {
            ctx.send(from, Message::SetNames(set.items.keys().copied().collect()));
        }
    }
    pub(super) fn on_get_items(&self, from: NodeId, set: &Hash, items: &[Hash], ctx: &mut Context<'_, Self>) {
        let Some(set) = self.known_set(set).filter(|_| from != ctx.me()) else { return };
        let found = items.iter().filter_map(|name| set.items.get(name).cloned());
        let items = answer(found, ITEMS_MAX, Item::bytes);
        if !items.is_empty() {
            ctx.send(from, Message::Items(items.into()));
        }
    }
}
