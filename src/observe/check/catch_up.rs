//! Catch-up: once faults are over, every honest node that is up finalizes the blocks that are final elsewhere.
//!
//! It is judged at the end of a run, at an instant a given time before that end, if no fault was active since: each node
//! that has been up and connected to a quorum since then must have finalized every height that was final anywhere at that
//! instant. Faults that the protocol must survive excuse only nodes that are down, and those that reach no quorum while
//! others do.

use crate::base::{Duration, Height, NodeId, Time};
use crate::observe::{Observed, Observer, Violation, ViolationKind};
use std::collections::{BTreeMap, BTreeSet};

/// See the head of this file.
pub struct CatchUp {
    honest: Vec<bool>,
    bound: Duration,
    tolerated: BTreeSet<u32>,
    /// Since when each node is up; `None` if it is down.
    up: Vec<Option<Time>>,
    /// The height up to which each node's chain is final.
    finalized: Vec<Height>,
    /// When the highest final height increased, and to which height.
    highest: Vec<(Time, Height)>,
    /// Since when each node is connected to a quorum; `None` if it is not. Until the first event all nodes are.
    connected: Vec<Option<Time>>,
    /// The active faults that suspend the requirement.
    excuses: BTreeMap<u32, String>,
    /// When the last of them ended.
    last_fault_end: Time,
    /// Why it could not be judged at the end.
    unjudged: Option<String>,
}

impl CatchUp {
    /// `honest` says for every node whether it follows the protocol, `bound` is the time to catch up, `tolerated` are the
    /// faults that do not suspend the requirement.
    #[must_use]
    pub fn new(honest: Vec<bool>, bound: Duration, tolerated: BTreeSet<u32>) -> CatchUp {
        let up: Vec<Option<Time>> = vec![None; honest.len()];
        CatchUp {
            finalized: vec![Height::GENESIS; honest.len()],
            honest,
            bound,
            tolerated,
            highest: Vec::new(),
            connected: vec![Some(Time::ZERO); up.len()],
            up,
            excuses: BTreeMap::new(),
            last_fault_end: Time::ZERO,
            unjudged: None,
        }
    }
    /// The bound.
    #[must_use]
    pub fn bound(&self) -> Duration {
        self.bound
    }
    /// Why a run that is over could not be judged, if it could not.
    #[must_use]
    pub fn unjudged(&self) -> Option<String> {
        self.unjudged.clone()
    }
    fn judgeable(&self, end: Time) -> Result<(), String> {
        if let Some(fault) = self.excuses.values().next() {
            return Err(format!("{fault} lasted to the end"));
        }
        if end.since(self.last_fault_end) < self.bound {
            let since = if self.last_fault_end == Time::ZERO { "run began" } else { "last fault ended" };
            return Err(format!("the {since} less than {} before the end", self.bound));
        }
        if self.highest.is_empty() {
            return Err("nothing became final".into());
        }
        Ok(())
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
            Observed::Connected { nodes } => {
                for (since, connected) in self.connected.iter_mut().zip(nodes) {
                    *since = connected.then(|| since.unwrap_or(now));
                }
            }
            Observed::FaultBegan { fault, label } if !self.tolerated.contains(&fault) => {
                self.excuses.insert(fault, label.to_owned());
            }
            Observed::FaultEnded { fault } if self.excuses.remove(&fault).is_some() => self.last_fault_end = now,
            _ => {}
        }
        Ok(())
    }
    fn finish(&mut self, end: Time) -> Result<(), Violation> {
        if let Err(why) = self.judgeable(end) {
            self.unjudged = Some(why);
            return Ok(());
        }
        let then = Time::from_nanos(end.as_nanos() - self.bound.as_nanos());
        let Some((_, wanted)) = self.highest.iter().rev().find(|(at, _)| *at <= then) else { return Ok(()) };
        let early = |since: Option<Time>| since.is_some_and(|since| since <= then);
        let any = (0..self.honest.len()).any(|node| self.honest[node] && self.connected[node].is_some());
        let behind = |node: &usize| {
            let asked = self.honest[*node] && early(self.up[*node]) && (!any || early(self.connected[*node]));
            asked && self.finalized[*node] < *wanted
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
