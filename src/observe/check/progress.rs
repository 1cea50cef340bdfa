//! Progress: while honest nodes have transactions to decide and no fault prevents it, some transaction becomes final
//! within a given time.
//!
//! The clock starts when a transaction is to be decided. It restarts with each transaction that becomes final, and when a
//! fault ends that the protocol need not survive. It is stopped while such a fault lasts. A fault that the protocol must
//! survive neither stops nor restarts it.
//!
//! A transaction is to be decided while it is at an honest node that is up and, as long as any node is, connected to a
//! quorum: from its submission to the node until it is final anywhere, until the mempool of the node rejects or evicts
//! it, or until the node crashes. A transaction whose entry node is down, or that no node ever received, waits for its
//! client. So does a transaction that cannot be executed before such a one: with a higher nonce of the same sender, or
//! with an input from it.

use crate::base::{AccountId, Duration, Hash, NodeId, Time};
use crate::chain::{Block, Body, Transaction};
use crate::observe::{Observed, Observer, Violation, ViolationKind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// See the head of this file.
pub struct Progress {
    honest: Vec<bool>,
    bound: Duration,
    tolerated: BTreeSet<u32>,
    up: Vec<bool>,
    /// Since when each node is connected to a quorum; `None` if it is not. Until the first event all nodes are.
    connected: Vec<Option<Time>>,
    /// Transactions that are not final.
    pending: FxHashMap<Hash, Waiting>,
    /// The same by sender and nonce.
    queues: BTreeMap<AccountId, BTreeMap<u64, Hash>>,
    /// The blocks that are final at some node: each is read once.
    decided: FxHashSet<Hash>,
    /// The active faults that suspend the requirement.
    excuses: BTreeMap<u32, String>,
    /// When the clock started; `None` while it is stopped.
    since: Option<Time>,
    /// Whether the present gap was reported.
    is_reported: bool,
    finalized: u64,
    /// Whether the clock ever ran.
    asked: bool,
    /// The present gap.
    gap: Gap,
    /// The longest gap beyond the bound that a fault excused.
    excused: Option<ExcusedGap>,
}

/// A transaction that is not final.
struct Waiting {
    transaction: Arc<Transaction>,
    /// The honest nodes that have it.
    holders: BTreeSet<NodeId>,
    /// Since when one has.
    since: Time,
}

/// The present time without a final transaction.
#[derive(Default)]
struct Gap {
    /// When it began, if anything is pending.
    since: Option<Time>,
    /// The first fault that excused it.
    excuse: Option<String>,
    /// Whether no honest node could reach a quorum at some time of it.
    quorum_lost: bool,
}

/// A gap that was longer than the bound and that a fault excused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExcusedGap {
    /// When it began.
    pub since: Time,
    /// How long it was.
    pub length: Duration,
    /// The fault.
    pub fault: String,
    /// Whether no honest node could reach a quorum at some time of it: then no progress is expected.
    pub quorum_lost: bool,
}

impl Progress {
    /// `honest` says for every node whether it follows the protocol, `bound` is the longest time without a final
    /// transaction, `tolerated` are the faults that excuse no gap.
    #[must_use]
    pub fn new(honest: Vec<bool>, bound: Duration, tolerated: BTreeSet<u32>) -> Progress {
        Progress {
            up: vec![false; honest.len()],
            connected: vec![Some(Time::ZERO); honest.len()],
            honest,
            bound,
            tolerated,
            pending: FxHashMap::default(),
            queues: BTreeMap::new(),
            decided: FxHashSet::default(),
            excuses: BTreeMap::new(),
            since: None,
            is_reported: false,
            finalized: 0,
            asked: false,
            gap: Gap::default(),
            excused: None,
        }
    }
    /// The longest time between two final transactions that was beyond the bound and not judged, because a fault lasted
    /// that the protocol need not survive.
    #[must_use]
    pub fn excused(&self) -> Option<&ExcusedGap> {
        self.excused.as_ref()
    }
    /// Whether there ever was a transaction to decide.
    #[must_use]
    pub fn was_asked(&self) -> bool {
        self.asked
    }
    /// The bound.
    #[must_use]
    pub fn bound(&self) -> Duration {
        self.bound
    }
    /// Restarts the clock, if a transaction is to be decided.
    fn restart(&mut self, now: Time) {
        let asked = self.pending.values().any(|waiting| !waiting.holders.is_empty()) && self.excuses.is_empty();
        self.since = asked.then_some(now);
        self.asked |= asked;
        self.is_reported = false;
    }
    /// Since when a transaction is to be decided: the earliest of all that can be.
    fn oldest(&self) -> Option<Time> {
        let any = self.connected.iter().zip(&self.honest).any(|(since, honest)| *honest && since.is_some());
        let held = |id: &Hash| {
            let waiting = self.pending.get(id)?;
            let since = |node: &NodeId| if any { self.connected[node.index()] } else { Some(Time::ZERO) };
            waiting.holders.iter().filter_map(since).min().map(|since| since.max(waiting.since))
        };
        let firsts = self.queues.values().flat_map(|queue| {
            // Of an account the first nonce is executed before all others; outputs do not depend on each other.
            let first = queue.values().next().filter(|id| !self.spends(id));
            let spending = queue.values().filter(|id| self.spends(id));
            first.into_iter().chain(spending)
        });
        firsts.filter(|id| self.parents_held(id)).filter_map(held).min()
    }
    fn spends(&self, id: &Hash) -> bool {
        self.pending.get(id).is_some_and(|waiting| matches!(waiting.transaction.body, Body::Spend { .. }))
    }
    /// Whether every waiting transaction that this one spends from is at a node.
    fn parents_held(&self, id: &Hash) -> bool {
        let (mut open, mut seen) = (vec![*id], FxHashSet::default());
        while let Some(at) = open.pop() {
            let Some(waiting) = self.pending.get(&at).filter(|_| seen.insert(at)) else { continue };
            if waiting.holders.is_empty() {
                return false;
            }
            if let Body::Spend { inputs, .. } = &waiting.transaction.body {
                open.extend(inputs.iter().map(|input| input.transaction));
            }
        }
        true
    }
    fn judge(&mut self, now: Time) -> Result<(), Violation> {
        let Some(since) = self.since else {
            return Ok(());
        };
        if self.is_reported || now.since(since) <= self.bound {
            return Ok(());
        }
        // Not every pending transaction is to be decided. This is costly to find out, so it is done only now.
        let since = match self.oldest() {
            Some(oldest) => since.max(oldest),
            None => now,
        };
        self.since = Some(since);
        if now.since(since) <= self.bound {
            return Ok(());
        }
        self.is_reported = true;
        let what = format!(
            "expected a transaction to become final within {} of {since}; {} were pending, {} had become final before",
            self.bound,
            self.pending.values().filter(|waiting| !waiting.holders.is_empty()).count(),
            self.finalized
        );
        Err(Violation { property: "progress", kind: ViolationKind::Liveness, at: since + self.bound, what })
    }
    fn take(&mut self, now: Time, node: NodeId, transaction: &Arc<Transaction>, again: bool) {
        let id = transaction.id();
        if again && !self.pending.contains_key(&id) {
            return;
        }
        let waiting = self.pending.entry(id).or_insert_with(|| Waiting {
            transaction: transaction.clone(),
            holders: BTreeSet::new(),
            since: now,
        });
        self.queues.entry(transaction.sender).or_default().insert(transaction.nonce, id);
        if !self.honest[node.index()] || !self.up[node.index()] {
            return;
        }
        if waiting.holders.is_empty() {
            waiting.since = now;
        }
        waiting.holders.insert(node);
        if self.since.is_none() {
            self.restart(now);
        }
        self.gap.since.get_or_insert(now);
    }
    fn decide(&mut self, now: Time, block: &Block) {
        if !self.decided.insert(block.id()) {
            return;
        }
        let before = self.pending.len();
        for transaction in block.transactions() {
            if self.pending.remove(&transaction.id()).is_some()
                && let Some(queue) = self.queues.get_mut(&transaction.sender)
            {
                queue.remove(&transaction.nonce);
                if queue.is_empty() {
                    self.queues.remove(&transaction.sender);
                }
            }
        }
        if self.pending.len() < before {
            self.finalized += (before - self.pending.len()) as u64;
            self.end_gap(now);
            self.restart(now);
        }
    }
    /// A transaction became final, or the run ended.
    fn end_gap(&mut self, now: Time) {
        let Gap { since, excuse, quorum_lost } = std::mem::take(&mut self.gap);
        if let (Some(since), Some(fault)) = (since, excuse) {
            let length = now.since(since);
            let longest = self.excused.as_ref().is_none_or(|known| length > known.length);
            if length > self.bound && !self.is_reported && longest {
                self.excused = Some(ExcusedGap { since, length, fault, quorum_lost });
            }
        }
        self.gap.since = (!self.pending.is_empty()).then_some(now);
        self.gap.excuse = self.excuses.values().next().cloned();
        self.gap.quorum_lost = self.quorum_lost();
    }
    fn quorum_lost(&self) -> bool {
        !self.connected.iter().zip(&self.honest).any(|(since, honest)| *honest && since.is_some())
    }
    fn connect(&mut self, now: Time, nodes: &[bool]) {
        for (since, connected) in self.connected.iter_mut().zip(nodes) {
            *since = connected.then(|| since.unwrap_or(now));
        }
        self.gap.quorum_lost |= self.quorum_lost();
    }
    /// A node no longer has a transaction.
    fn drop_from(&mut self, now: Time, node: NodeId, id: Option<&Hash>) {
        let mut dropped = false;
        match id {
            Some(id) => {
                let waiting = self.pending.get_mut(id);
                dropped = waiting.is_some_and(|waiting| waiting.holders.remove(&node));
            }
            None => self.pending.values_mut().for_each(|waiting| dropped |= waiting.holders.remove(&node)),
        }
        if dropped && self.pending.values().all(|waiting| waiting.holders.is_empty()) {
            self.restart(now);
        }
    }
}

impl Observer for Progress {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        let judged = self.judge(now);
        match *observed {
            Observed::Submitted { node, transaction, again, .. } => self.take(now, node, transaction, again),
            Observed::Refused { node, transaction, .. } => self.drop_from(now, node, Some(&transaction.id())),
            Observed::Finalized { node, block, .. } if self.honest[node.index()] => {
                self.decide(now, block);
            }
            Observed::Booted { node, .. } => self.up[node.index()] = true,
            Observed::Crashed { node } => {
                self.up[node.index()] = false;
                self.drop_from(now, node, None);
            }
            Observed::Connected { nodes } => self.connect(now, nodes),
            Observed::FaultBegan { fault, label } if !self.tolerated.contains(&fault) => {
                self.excuses.insert(fault, label.to_owned());
                self.gap.excuse.get_or_insert_with(|| label.to_owned());
                self.since = None;
            }
            Observed::FaultEnded { fault } if self.excuses.remove(&fault).is_some() => self.restart(now),
            _ => {}
        }
        judged
    }
    fn finish(&mut self, end: Time) -> Result<(), Violation> {
        let judged = self.judge(end);
        if self.oldest().is_some() {
            self.end_gap(end);
        }
        judged
    }
}
