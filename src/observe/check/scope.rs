//! What the checkers had to judge, and what they could not: a property that was never put to the test did not hold.

use super::{CatchUp, Progress};
use crate::base::{Hash, Time};
use crate::chain::Body;
use crate::observe::Observed;
use rustc_hash::FxHashSet;

/// Something that could not be checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unchecked {
    /// The property, or `everything`.
    pub property: &'static str,
    /// Why not.
    pub why: String,
    /// Whether the question of the run is open without it.
    pub decisive: bool,
}

/// Counts what happened at honest nodes.
pub struct Scope {
    honest: Vec<bool>,
    /// Transactions that clients submitted.
    submitted: u64,
    /// Blocks that are final at some honest node.
    blocks: FxHashSet<Hash>,
    /// Transactions in them, coinbases left out.
    transactions: u64,
}

impl Scope {
    /// For every node whether it follows the protocol.
    pub fn new(honest: Vec<bool>) -> Scope {
        Scope { honest, submitted: 0, blocks: FxHashSet::default(), transactions: 0 }
    }
    /// Counts an event.
    pub fn observe(&mut self, observed: &Observed<'_>) {
        match *observed {
            Observed::Submitted { again: false, .. } => self.submitted += 1,
            Observed::Finalized { node, block, .. } if self.honest[node.index()] && self.blocks.insert(block.id()) => {
                let payments =
                    block.transactions().iter().filter(|payment| !matches!(payment.body, Body::Coinbase { .. }));
                self.transactions += payments.count() as u64;
            }
            _ => {}
        }
    }
    fn has_no_honest_node(&self) -> bool {
        !self.honest.contains(&true)
    }
    /// What was checked.
    pub fn checked(&self, progress: Option<&Progress>, catch_up: Option<&CatchUp>) -> Vec<String> {
        if self.has_no_honest_node() || self.blocks.is_empty() {
            return Vec::new();
        }
        let honest = self.honest.iter().filter(|honest| **honest).count();
        let mut checked = vec![format!(
            "safety (agreement, finality, validity, conservation, state roots, durability) of {honest} honest nodes over \
             {} final blocks with {} transactions",
            self.blocks.len(),
            self.transactions
        )];
        if let Some(progress) = progress.filter(|progress| progress.was_asked()) {
            checked.push(format!("progress within {}", progress.bound()));
        }
        if let Some(catch_up) = catch_up.filter(|catch_up| catch_up.unjudged().is_none()) {
            checked.push(format!("catch-up within {}", catch_up.bound()));
        }
        checked
    }
    /// What could not be checked in a run that ended at `end`.
    pub fn unchecked(&self, progress: Option<&Progress>, catch_up: Option<&CatchUp>, end: Time) -> Vec<Unchecked> {
        let decisive = |property, why: String| Unchecked { property, why, decisive: true };
        if self.has_no_honest_node() {
            return vec![decisive("everything", "no honest node was left".into())];
        }
        let mut unchecked = Vec::new();
        let asked = progress.is_some() || catch_up.is_some();
        match (self.submitted, self.transactions, self.blocks.len()) {
            (0, _, 0) => unchecked.push(Unchecked {
                property: "safety",
                why: "nothing was submitted and no block became final".into(),
                decisive: asked,
            }),
            (0, ..) => {}
            (submitted, 0, _) => {
                unchecked.push(decisive("safety", format!("nothing became final: 0 of {submitted} transactions")));
            }
            _ => {}
        }
        if let Some(progress) = progress {
            unchecked.extend(self.progress_unchecked(progress, end));
        }
        if let Some(why) = catch_up.and_then(CatchUp::unjudged) {
            unchecked.push(decisive("catch-up", why));
        }
        unchecked
    }
    fn progress_unchecked(&self, progress: &Progress, end: Time) -> Option<Unchecked> {
        let decisive = |why: String| Some(Unchecked { property: "progress", why, decisive: true });
        if self.submitted == 0 {
            return decisive("nothing was submitted".into());
        }
        if end.since(Time::ZERO) <= progress.bound() {
            return decisive(format!("the run is not longer than {}", progress.bound()));
        }
        if let Some(gap) = progress.excused() {
            let why = format!(
                "nothing became final for {} from {}, longer than {}; {} lasted meanwhile, and the scenario does not say \
                 that it must be survived (`tolerated`)",
                gap.length,
                gap.since,
                progress.bound(),
                gap.fault
            );
            let decisive = !gap.quorum_lost;
            return Some(Unchecked { property: "progress", why, decisive });
        }
        if !progress.was_asked() {
            return decisive("there was never anything to decide while no fault stood in the way".into());
        }
        None
    }
}
