//! Catching up: once faults are over, every honest node that is up comes to hold final what the others do.
//!
//! Judged at the end of a run, if no fault has lasted since the given span before it: then each node that has been up
//! since must have finalized every height that was final somewhere at that time. Faults that the protocol must survive
//! excuse nobody but the nodes that are down.

use crate::base::{Duration, Height, NodeId, Time};
use crate::observe::{Observed, Observer, Violation, ViolationKind};
use std::collections::BTreeSet;

/// See the head of this file.
pub struct CatchUp {
    honest: Vec<bool>,
    bound: Duration,
    tolerated: BTreeSet<u32>,
    /// Since when each node is up, if it is.
    up: Vec<Option<Time>>,
    /// Up to where each node's chain is final.
    finalized: Vec<Height>,
    /// When the highest final block became one, each time that it was a higher one.
    highest: Vec<(Time, Height)>,
    /// The faults in force that excuse.
    excuses: BTreeSet<u32>,
    /// When the last of them ended.
    calm_since: Time,
}

impl CatchUp {
    /// For every node whether it follows the protocol; the time to catch up; the faults that excuse nothing.
    #[must_use]
    pub fn new(honest: Vec<bool>, bound: Duration, tolerated: BTreeSet<u32>) -> CatchUp {
        CatchUp {
            up: vec![None; honest.len()],
            finalized: vec![Height::GENESIS; honest.len()],
            honest,
            bound,
            tolerated,
            highest: Vec::new(),
            excuses: BTreeSet::new(),
            calm_since: Time::ZERO,
        }
    }
    fn stand(&mut self, now: Time, node: NodeId, height: Height) {
        self.finalized[node.index()] = height;
        if self.highest.last().is_none_or(|(_, highest)| height > *highest) {
            self.highest.push((now, height));
        }
    }
}

impl Observer for CatchUp {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        match *observed {
            Observed::Finalized { node, block, .. } | Observed::Installed { node, block, .. }
                if self.honest[node.index()] =>
            {
                self.stand(now, node, block.height());
            }
            Observed::Booted { node, .. } => self.up[node.index()] = Some(now),
            Observed::Crashed { node } => self.up[node.index()] = None,
            Observed::FaultBegan { fault, .. } if !self.tolerated.contains(&fault) => {
                self.excuses.insert(fault);
            }
            Observed::FaultEnded { fault } if self.excuses.remove(&fault) => self.calm_since = now,
            _ => {}
        }
        Ok(())
    }
    fn finish(&mut self, end: Time) -> Result<(), Violation> {
        if !self.excuses.is_empty() || end.since(self.calm_since) < self.bound || end.since(Time::ZERO) < self.bound {
            return Ok(());
        }
        let then = Time::from_nanos(end.as_nanos() - self.bound.as_nanos());
        let Some((_, wanted)) = self.highest.iter().rev().find(|(at, _)| *at <= then) else { return Ok(()) };
        let behind = |node: &usize| {
            self.honest[*node] && self.up[*node].is_some_and(|since| since <= then) && self.finalized[*node] < *wanted
        };
        let late: Vec<String> = (0..self.honest.len())
            .filter(behind)
            .map(|node| format!("{} at {}", NodeId::from(node), self.finalized[node]))
            .collect();
        if late.is_empty() {
            return Ok(());
        }
        let what = format!(
            "expected every node to hold height {wanted} final, as another did {} ago; still behind: {}",
            self.bound,
            late.join(", ")
        );
        Err(Violation { property: "catch-up", kind: ViolationKind::Liveness, at: end, what })
    }
}
