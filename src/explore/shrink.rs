//! Making a case that breaks smaller, as long as it still breaks in the same way.
//!
//! Greedy: a change that keeps the finding is kept, and the changes begin again from the largest, until none helps or the
//! budget is spent. What a change shifts in the streams of randomness can hide a finding that is still there, so that
//! each smaller case is tried under a few seeds.

use super::{CaseResult, Finding, judge_while, tolerated};
use crate::base::Duration;
use crate::scenario::NO_DISK;
use crate::scenario::{
    Attack, Catalogue, ClockError, Disk, Fault, Latency, NodeSelector, Regions, Scenario, Seeds, Workload,
};
use std::ops::Range;

/// Under how many seeds each smaller case is tried.
const SEEDS: u64 = 3;

/// A case made smaller.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The case.
    pub case: Scenario,
    /// How it breaks.
    pub finding: Finding,
    /// How many cases were tried.
    pub tried: u32,
}

/// Makes `case`, which breaks by `finding`, smaller, trying about `budget` cases as long as `go_on` says so.
#[must_use]
pub fn shrink(
    catalogue: &Catalogue,
    case: &Scenario,
    finding: &Finding,
    budget: u32,
    go_on: &dyn Fn() -> bool,
) -> Shrunk {
    let mut best = Shrunk { case: case.clone(), finding: finding.clone(), tried: 0 };
    let mut improved = true;
    while improved {
        improved = false;
        let mut at = 0;
        // The list is made anew after each success, and gone on with from the same place.
        while let Some(smaller) = candidate(catalogue, &best.case, &best.finding, at) {
            if best.tried >= budget || !go_on() {
                return best;
            }
            if try_seeds(catalogue, &smaller, &mut best, go_on) {
                improved = true;
            } else {
                at += 1;
            }
        }
    }
    best
}

/// Whether `smaller` breaks in the same way under some seed; then it is the best.
fn try_seeds(catalogue: &Catalogue, smaller: &Scenario, best: &mut Shrunk, go_on: &dyn Fn() -> bool) -> bool {
    let first = best.case.seeds.0[0];
    let seeds = std::iter::once(first).chain((1..=SEEDS).filter(|seed| *seed != first).take(SEEDS as usize - 1));
    // Not every smaller case makes sense: a protocol may need more nodes.
    let Ok(smaller) = Scenario::load(catalogue, "", &smaller.resolved(), &[]) else { return false };
    for seed in seeds {
        let case = Scenario { seeds: Seeds(vec![seed]), ..smaller.scenario.clone() };
        best.tried += 1;
        if let Ok(Some(CaseResult { finding: Some(finding), .. })) = judge_while(catalogue, &case, go_on)
            && finding.is_like(&best.finding)
        {
            (best.case, best.finding) = (case, finding);
            return true;
        }
    }
    false
}

/// A change that makes a case smaller.
type Change<'a> = Box<dyn Fn(&mut Scenario) + 'a>;

/// The smaller case with this number: those that take most away come first.
fn candidate(catalogue: &Catalogue, case: &Scenario, finding: &Finding, at: usize) -> Option<Scenario> {
    let was_borne = is_borne(catalogue, case);
    let mut changes = Vec::new();
    ends_sooner(case, finding, &mut changes);
    fewer(case, &mut changes);
    fewer_nodes(case, &mut changes);
    plainer(case, &mut changes);
    less_load(case, &mut changes);
    for at in 0..case.fault.len() {
        for fault in milder(&case.fault[at]) {
            changes.push(Box::new(move |next| next.fault[at] = fault.clone()));
        }
    }
    // One after the other: with thousands of Byzantine nodes, all of them together would fill any memory.
    let smaller = changes.into_iter().map(|change| {
        let mut next = case.clone();
        change(&mut next);
        next
    });
    // What breaks because fewer nodes bear less was not asked for.
    smaller.filter(|next| next != case && (!was_borne || is_borne(catalogue, next))).nth(at)
}

/// Whether no more nodes are faulty for good than the protocol tolerates.
fn is_borne(catalogue: &Catalogue, case: &Scenario) -> bool {
    let down = case.fault.iter().filter(|fault| fault.tolerated || fault.amnesiacs().is_some()).count();
    down + case.adversary.len() <= tolerated(catalogue, &case.chain[0]) as usize
}

/// A run need not go on after something wrong happened.
fn ends_sooner(case: &Scenario, finding: &Finding, changes: &mut Vec<Change<'_>>) {
    let needed = Duration::from_nanos(finding.at.div_ceil(100_000_000) * 100_000_000) + Duration::from_millis(100);
    let begins = case.fault.iter().map(|fault| fault.at).max().unwrap_or_default();
    if finding.safety && finding.at > 0 && needed < case.duration() && begins < needed {
        changes.push(Box::new(move |next| next.duration = Some(needed)));
    }
    let half = case.duration().scale(1, 2);
    if !finding.safety && begins < half && half > Duration::from_secs(1) {
        changes.push(Box::new(move |next| next.duration = Some(half)));
    }
}

/// Without half of the faults or Byzantine nodes, without one of them.
fn fewer(case: &Scenario, changes: &mut Vec<Change<'_>>) {
    let mut without = |faults: Range<usize>, byzantine: Range<usize>| {
        changes.push(Box::new(move |next| {
            next.fault.drain(faults.clone());
            next.adversary.drain(byzantine.clone());
        }));
    };
    let (faults, byzantine) = (case.fault.len(), case.adversary.len());
    if faults > 3 {
        without(0..faults / 2, 0..0);
        without(faults / 2..faults, 0..0);
    }
    (0..faults).for_each(|at| without(at..at + 1, 0..0));
    (0..byzantine).for_each(|at| without(0..0, at..at + 1));
}

/// Without the last node.
fn fewer_nodes(case: &Scenario, changes: &mut Vec<Change<'_>>) {
    if case.chain[0].nodes.count() > 1 {
        changes.push(Box::new(without_last_node));
    }
}

fn without_last_node(next: &mut Scenario) {
    let nodes = &mut next.chain[0].nodes;
    nodes.count = Some(nodes.count() - 1);
    nodes.max_faulty = None;
    let count = nodes.count();
    if let Some(Workload::Payments(payments)) = &mut next.workload {
        payments.clients = payments.clients.map(|clients| clients.min(count));
    }
    let fits = |select: &mut NodeSelector| match select {
        NodeSelector::Numbers(numbers) => {
            numbers.retain(|number| *number < count);
            !numbers.is_empty()
        }
        _ => true,
    };
    next.fault.retain_mut(|fault| fault.selections().into_iter().all(fits));
    next.adversary.retain_mut(|adversary| {
        if let Attack::Generic(attack) = &mut adversary.attack
            && let Some(named) = attack.named()
        {
            named.retain(|node| *node < count);
        }
        fits(&mut adversary.nodes)
    });
}

/// On a plainer network, with plainer machines.
fn plainer(case: &Scenario, changes: &mut Vec<Change<'_>>) {
    let plain = Latency::constant(Duration::from_millis(20));
    let is_plain = case.chain[0].network.latency.as_ref() == Some(&plain);
    changes.push(Box::new(move |next| next.chain[0].network.latency = Some(plain.clone())));
    changes.push(Box::new(|next| next.chain[0].network.loss = 0.0));
    changes.push(Box::new(|next| next.chain[0].nodes.clock = ClockError::default()));
    changes.push(Box::new(|next| next.chain[0].nodes.disk = Disk::Profile(NO_DISK.to_owned())));
    if is_plain {
        changes.push(Box::new(|next| next.chain[0].nodes.regions = Regions::Nowhere));
    }
}

/// With fewer payments.
fn less_load(case: &Scenario, changes: &mut Vec<Change<'_>>) {
    let Some(Workload::Payments(payments)) = &case.workload else { return };
    if let Some(rate) = payments.rate.filter(|rate| *rate > 1.0) {
        changes.push(Box::new(move |next| {
            if let Some(Workload::Payments(fewer)) = &mut next.workload {
                fewer.rate = Some((rate / 2.0).max(1.0));
            }
        }));
    }
}

/// A fault that is shorter, or strikes fewer nodes, or comes once.
fn milder(fault: &Fault) -> Vec<Fault> {
    let mut milder = Vec::new();
    if fault.repeat.is_some() {
        milder.push(Fault { repeat: None, ..fault.clone() });
    }
    if let Some(until) = fault.until {
        let half = until.saturating_sub(fault.at).scale(1, 2);
        let half = Duration::from_millis(half.as_nanos() / 1_000_000);
        if half >= Duration::from_millis(100) {
            milder.push(Fault { until: Some(fault.at + half), ..fault.clone() });
        }
    }
    for at in 0..fault.clone().selections().len() {
        let mut next = fault.clone();
        if let NodeSelector::Numbers(numbers) = &mut next.selections()[at]
            && numbers.len() > 1
        {
            numbers.pop();
            milder.push(next);
        }
    }
    milder
}
