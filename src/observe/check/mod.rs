//! Checkers of the properties that must hold in every run, whatever the protocol. They are always on.
//!
//! Each checker is an [`Observer`] of its own; [`Checkers`] runs them all. Nodes that do not follow the protocol are
//! ignored, because no property is required of them. No checker keeps state per node and block: the agreed chain is kept
//! once, and of each node only its position on it.

mod agreement;
mod catch_up;
mod conservation;
mod durability;
mod finality;
mod progress;
mod roots;
mod scope;
#[cfg(test)]
mod tests;
mod validity;

pub use agreement::Agreement;
pub use catch_up::CatchUp;
pub use conservation::Conservation;
pub use durability::Durability;
pub use finality::Finality;
pub use progress::{ExcusedGap, Progress};
pub use roots::Roots;
pub use scope::Unchecked;
pub use validity::Validity;

use super::{Observed, Observer, Violation, ViolationKind};
use crate::base::{Duration, NodeId, Time};
use scope::Scope;
use std::collections::BTreeSet;

/// The parameters of the checkers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Number of nodes.
    pub nodes: usize,
    /// The nodes that do not follow the protocol.
    pub byzantine: BTreeSet<NodeId>,
    /// The time within which a submitted transaction must become final while no fault prevents it. `None` checks nothing.
    pub progress: Option<Duration>,
    /// The time within which a node that is up must finalize the blocks that are final elsewhere, once no fault prevents
    /// it. `None` checks nothing.
    pub catch_up: Option<Duration>,
    /// Numbers of the faults that the protocol must survive: progress is required while they last.
    pub tolerated: BTreeSet<u32>,
    /// Most violations that are kept in full; all are counted.
    pub keep: usize,
}

impl Settings {
    /// `nodes` honest nodes, of which no progress is required; 100 violations are kept.
    #[must_use]
    pub fn new(nodes: usize) -> Settings {
        Settings {
            nodes,
            byzantine: BTreeSet::new(),
            progress: None,
            catch_up: None,
            tolerated: BTreeSet::new(),
            keep: 100,
        }
    }
    /// For every node whether it follows the protocol.
    #[must_use]
    pub fn honest(&self) -> Vec<bool> {
        (0..self.nodes).map(|node| !self.byzantine.contains(&NodeId::from(node))).collect()
    }
}

/// What all checkers found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The first violations, in order.
    pub violations: Vec<Violation>,
    /// The number of violations by property, in order of first violation.
    pub counts: Vec<(&'static str, ViolationKind, u64)>,
    /// What was checked, once the run is over.
    pub checked: Vec<String>,
    /// What could not be checked, once the run is over, and why.
    pub unchecked: Vec<Unchecked>,
}

impl Verdict {
    /// The number of violations of a kind.
    #[must_use]
    pub fn count(&self, kind: ViolationKind) -> u64 {
        self.counts.iter().filter(|(_, of, _)| *of == kind).map(|(_, _, count)| count).sum()
    }
    /// Whether there is no violation.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.counts.is_empty()
    }
    fn add(&mut self, violation: &Violation, keep: usize) {
        let same = |(property, kind, _): &&mut (&str, ViolationKind, u64)| {
            *property == violation.property && *kind == violation.kind
        };
        match self.counts.iter_mut().find(same) {
            Some((_, _, count)) => *count += 1,
            None => self.counts.push((violation.property, violation.kind, 1)),
        }
        if self.violations.len() < keep {
            self.violations.push(violation.clone());
        }
    }
}

/// All checkers as one observer. It collects what they find, and returns the first finding of each event as well.
pub struct Checkers {
    all: Vec<Box<dyn Observer>>,
    progress: Option<Progress>,
    catch_up: Option<CatchUp>,
    scope: Scope,
    keep: usize,
    verdict: Verdict,
}

impl Checkers {
    /// Every checker.
    #[must_use]
    pub fn new(settings: &Settings) -> Checkers {
        let honest = settings.honest();
        let checkers: Vec<Box<dyn Observer>> = vec![
            Box::new(Agreement::new(honest.clone())),
            Box::new(Finality::new(honest.clone())),
            Box::new(Validity::new(honest.clone())),
            Box::new(Conservation),
            Box::new(Roots::new(honest.clone())),
            Box::new(Durability::new(honest.clone())),
        ];
        let tolerated = || settings.tolerated.clone();
        Checkers {
            all: checkers,
            progress: settings.progress.map(|bound| Progress::new(honest.clone(), bound, tolerated())),
            catch_up: settings.catch_up.map(|bound| CatchUp::new(honest.clone(), bound, tolerated())),
            scope: Scope::new(honest),
            keep: settings.keep,
            verdict: Verdict::default(),
        }
    }
    /// What was found so far.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
    /// Adds a violation that needs more than this chain to be found: those of agents between chains.
    pub fn add(&mut self, violation: &Violation) {
        self.verdict.add(violation, self.keep);
        self.verdict.violations.sort_by_key(|violation| violation.at);
    }
    /// Runs a step of every checker, and collects the violations.
    fn run(&mut self, mut step: impl FnMut(&mut dyn Observer) -> Result<(), Violation>) -> Result<(), Violation> {
        let mut first = Ok(());
        let checkers = self.all.iter_mut().map(|checker| checker.as_mut() as &mut dyn Observer);
        let progress = self.progress.iter_mut().map(|checker| checker as &mut dyn Observer);
        let catch_up = self.catch_up.iter_mut().map(|checker| checker as &mut dyn Observer);
        for checker in checkers.chain(progress).chain(catch_up) {
            if let Err(violation) = step(checker) {
                self.verdict.add(&violation, self.keep);
                first = first.and(Err(violation));
            }
        }
        first
    }
}

impl Observer for Checkers {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        // Frequent events that no checker uses.
        if matches!(
            observed,
            Observed::Held { .. } | Observed::Sent { .. } | Observed::Delivered { .. } | Observed::Lost { .. }
        ) {
            return Ok(());
        }
        self.scope.observe(observed);
        self.run(|checker| checker.observe(now, observed))
    }
    fn finish(&mut self, end: Time) -> Result<(), Violation> {
        let found = self.run(|checker| checker.finish(end));
        let (progress, catch_up) = (self.progress.as_ref(), self.catch_up.as_ref());
        self.verdict.checked = self.scope.checked(progress, catch_up);
        self.verdict.unchecked = self.scope.unchecked(progress, catch_up, end);
        found
    }
}

/// A broken safety property.
fn safety(property: &'static str, at: Time, what: String) -> Result<(), Violation> {
    Err(Violation { property, kind: ViolationKind::Safety, at, what })
}
