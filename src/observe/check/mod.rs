//! Checkers: what must hold in every run, whatever the protocol. They are always on.
//!
//! Each checker is an [`Observer`] of its own; [`Checkers`] runs them all. Nodes that do not follow the protocol are
//! ignored, for nothing can be asked of them. No checker keeps state per node and block: the agreed history is kept
//! once, and per node only where it stands.

mod agreement;
mod catch_up;
mod conservation;
mod durability;
mod finality;
#[cfg(test)]
pub(in crate::observe) mod history;
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

/// What the checkers must know of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Number of nodes.
    pub nodes: usize,
    /// The nodes that do not follow the protocol.
    pub byzantine: BTreeSet<NodeId>,
    /// Within what time something submitted must become final while no fault stands in the way. `None` asks nothing.
    pub progress: Option<Duration>,
    /// Within what time a node that is up must finalize what is final elsewhere, once no fault stands in the way. `None`
    /// asks nothing.
    pub catch_up: Option<Duration>,
    /// Numbers of the faults that the protocol must survive: progress is asked for while they last.
    pub tolerated: BTreeSet<u32>,
    /// How many violations are kept word for word; all are counted.
    pub keep: usize,
}

impl Settings {
    /// `nodes` honest nodes of which no progress is asked; 100 violations are kept.
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
    /// How many there were, by property, in order of first violation.
    pub counts: Vec<(&'static str, ViolationKind, u64)>,
    /// What was checked, once the run is over.
    pub checked: Vec<String>,
    /// What could not be checked, once the run is over, and why.
    pub unchecked: Vec<Unchecked>,
}

impl Verdict {
    /// How many violations of this kind there were.
    #[must_use]
    pub fn count(&self, kind: ViolationKind) -> u64 {
        self.counts.iter().filter(|(_, of, _)| *of == kind).map(|(_, _, count)| count).sum()
    }
    /// Whether nothing was found.
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
    /// Adds what somebody else found, who sees more than this chain: an agent between chains.
    pub fn add(&mut self, violation: &Violation) {
        self.verdict.add(violation, self.keep);
        self.verdict.violations.sort_by_key(|violation| violation.at);
    }
    /// Asks every checker, and collects.
    fn ask(&mut self, mut question: impl FnMut(&mut dyn Observer) -> Result<(), Violation>) -> Result<(), Violation> {
        let mut first = Ok(());
        let checkers = self.all.iter_mut().map(|checker| checker.as_mut() as &mut dyn Observer);
        let progress = self.progress.iter_mut().map(|checker| checker as &mut dyn Observer);
        let catch_up = self.catch_up.iter_mut().map(|checker| checker as &mut dyn Observer);
        for checker in checkers.chain(progress).chain(catch_up) {
            if let Err(violation) = question(checker) {
                self.verdict.add(&violation, self.keep);
                first = first.and(Err(violation));
            }
        }
        first
    }
}

impl Observer for Checkers {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        // The many events that no checker looks at.
        if matches!(
            observed,
            Observed::Held { .. } | Observed::Sent { .. } | Observed::Delivered { .. } | Observed::Lost { .. }
        ) {
            return Ok(());
        }
        self.scope.observe(observed);
        self.ask(|checker| checker.observe(now, observed))
    }
    fn finish(&mut self, end: Time) -> Result<(), Violation> {
        let found = self.ask(|checker| checker.finish(end));
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
