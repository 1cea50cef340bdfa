//! Progress: while honest nodes have transactions to decide and no fault stands in the way, some transaction becomes
//! final within a given time.
//!
//! The clock starts when there is something to decide, and again with each transaction that becomes final and
//! whenever a fault begins or ends. It stands still while a fault lasts that is not among those that the protocol
//! must survive. A transaction counts from its first submission to an honest node that is up, until it is final
//! anywhere or the mempool of that node refuses or evicts it. One that dies with the memory of a crashing node still
//! counts: its client is expected to send it again.

use crate::base::{Duration, Hash, NodeId, Time};
use crate::chain::Block;
use crate::observe::{Observed, Observer, Violation, ViolationKind};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// See the head of this file.
pub struct Progress {
    honest: Vec<bool>,
    bound: Duration,
    tolerated: BTreeSet<u32>,
    up: Vec<bool>,
    /// What is to be decided, and to whom it was handed.
    pending: FxHashMap<Hash, NodeId>,
    /// The blocks that are final somewhere: each is looked into once.
    decided: FxHashSet<Hash>,
    /// The faults that excuse, while they last.
    excuses: BTreeMap<u32, String>,
    /// Since when something should have become final; `None` while nothing is asked.
    since: Option<Time>,
    /// Whether the present gap was told.
    told: bool,
    finalized: u64,
}

impl Progress {
    /// For every node whether it follows the protocol; the longest time without a final transaction; the faults that
    /// excuse nothing.
    #[must_use]
    pub fn new(honest: Vec<bool>, bound: Duration, tolerated: BTreeSet<u32>) -> Progress {
        Progress {
            up: vec![false; honest.len()],
            honest,
            bound,
            tolerated,
            pending: FxHashMap::default(),
            decided: FxHashSet::default(),
            excuses: BTreeMap::new(),
            since: None,
            told: false,
            finalized: 0,
        }
    }
    /// The clock starts again, if anything is asked.
    fn restart(&mut self, now: Time) {
        let asked = !self.pending.is_empty() && self.excuses.is_empty();
        self.since = asked.then_some(now);
        self.told = false;
    }
    fn judge(&mut self, now: Time) -> Result<(), Violation> {
        let Some(since) = self.since else {
            return Ok(());
        };
        if self.told || now.since(since) <= self.bound {
            return Ok(());
        }
        self.told = true;
        let what = format!(
            "expected a transaction to become final within {} of {since}; {} were pending, {} had become final before",
            self.bound,
            self.pending.len(),
            self.finalized
        );
        Err(Violation { property: "progress", kind: ViolationKind::Liveness, at: since + self.bound, what })
    }
    fn decide(&mut self, now: Time, block: &Block) {
        if !self.decided.insert(block.id()) {
            return;
        }
        let before = self.pending.len();
        for transaction in block.transactions() {
            self.pending.remove(&transaction.id());
        }
        if self.pending.len() < before {
            self.finalized += (before - self.pending.len()) as u64;
            self.restart(now);
        }
    }
}

impl Observer for Progress {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        let judged = self.judge(now);
        match *observed {
            Observed::Submitted { node, transaction, again: false, .. }
                if self.honest[node.index()] && self.up[node.index()] =>
            {
                self.pending.insert(transaction.id(), node);
                if self.since.is_none() {
                    self.restart(now);
                }
            }
            Observed::Refused { node, transaction, .. } if self.pending.get(&transaction.id()) == Some(&node) => {
                self.pending.remove(&transaction.id());
                if self.pending.is_empty() {
                    self.restart(now);
                }
            }
            Observed::Finalized { node, block, .. } if self.honest[node.index()] => {
                self.decide(now, block);
            }
            Observed::Booted { node, .. } => self.up[node.index()] = true,
            Observed::Crashed { node } => self.up[node.index()] = false,
            Observed::FaultBegan { fault, label } => {
                if !self.tolerated.contains(&fault) {
                    self.excuses.insert(fault, label.to_owned());
                }
                self.restart(now);
            }
            Observed::FaultEnded { fault } => {
                self.excuses.remove(&fault);
                self.restart(now);
            }
            _ => {}
        }
        judged
    }
    fn finish(&mut self, end: Time) -> Result<(), Violation> {
        self.judge(end)
    }
}
