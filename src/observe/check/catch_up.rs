//! Catching up: once faults are over, every honest node that is up comes to hold final what the others do.
//!
//! Judged at the end of a run, if no fault has lasted since the given span before it: then each node that has been up and
//! connected to a quorum since must have finalized every height that was final somewhere at that time. Faults that the
//! protocol must survive excuse nobody but the nodes that are down, and those that reach no quorum while others do.

use crate::base::{Duration, Height, NodeId, Time};
use crate::observe::{Observed, Observer, Violation, ViolationKind};
use std::collections::{BTreeMap, BTreeSet};

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
    /// Since when each node is connected to a quorum; `None` if it is not. Taken to be so until told otherwise.
    connected: Vec<Option<Time>>,
    /// The faults in force that excuse.
    excuses: BTreeMap<u32, String>,
    /// When the last of them ended.
    calm_since: Time,
    /// Why nothing could be judged at the end.
    unjudged: Option<String>,
}

impl CatchUp {
    /// For every node whether it follows the protocol; the time to catch up; the faults that excuse nothing.
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
            calm_since: Time::ZERO,
            unjudged: None,
        }
    }
    /// The bound.
    #[must_use]
    pub fn bound(&self) -> Duration {
        self.bound
    }
    /// Why nothing could be judged in a run that is over, if nothing could.
    #[must_use]
    pub fn unjudged(&self) -> Option<String> {
        self.unjudged.clone()
    }
    fn judgeable(&self, end: Time) -> Result<(), String> {
        if let Some(fault) = self.excuses.values().next() {
            return Err(format!("{fault} lasted to the end"));
        }
        if end.since(self.calm_since) < self.bound {
            let since = if self.calm_since == Time::ZERO { "run began" } else { "last fault ended" };
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
            Observed::FaultEnded { fault } if self.excuses.remove(&fault).is_some() => self.calm_since = now,
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
