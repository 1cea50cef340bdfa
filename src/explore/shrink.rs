//! Making a world that breaks smaller, as long as it still breaks in the same way.
//!
//! Greedy: a change that keeps the finding is kept, and the changes begin again from the largest, until none helps or the
//! budget is spent. What a change shifts in the streams of randomness can hide a finding that is still there, so that
//! each smaller world is tried under a few seeds.

use super::{CaseResult, Finding, judge_while, tolerated};
use crate::base::Duration;
use crate::scenario::NO_DISK;
use crate::scenario::{
    Attack, Catalogue, ClockError, Disk, Fault, Latency, NodeSelector, Regions, Scenario, Seeds, Workload,
};
use std::ops::Range;

/// Under how many seeds each smaller world is tried.
const SEEDS: u64 = 3;

/// A world made smaller.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The world.
    pub world: Scenario,
    /// How it breaks.
    pub finding: Finding,
    /// How many worlds were tried.
    pub tried: u32,
}

/// Makes `world`, which breaks by `finding`, smaller, trying about `budget` worlds as long as `go_on` says so.
#[must_use]
pub fn shrink(
    catalogue: &Catalogue,
    world: &Scenario,
    finding: &Finding,
    budget: u32,
    go_on: &dyn Fn() -> bool,
) -> Shrunk {
    let mut best = Shrunk { world: world.clone(), finding: finding.clone(), tried: 0 };
    let mut improved = true;
    while improved {
        improved = false;
        let mut at = 0;
        // The list is made anew after each success, and gone on with from the same place.
        while let Some(smaller) = candidate(catalogue, &best.world, &best.finding, at) {
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
    let first = best.world.seeds.0[0];
    let seeds = std::iter::once(first).chain((1..=SEEDS).filter(|seed| *seed != first).take(SEEDS as usize - 1));
    // Not every smaller world makes sense: a protocol may need more nodes.
    let Ok(smaller) = Scenario::load(catalogue, "", &smaller.resolved(), &[]) else { return false };
    for seed in seeds {
        let world = Scenario { seeds: Seeds(vec![seed]), ..smaller.scenario.clone() };
        best.tried += 1;
        if let Ok(Some(CaseResult { finding: Some(finding), .. })) = judge_while(catalogue, &world, go_on)
            && finding.is_like(&best.finding)
        {
            (best.world, best.finding) = (world, finding);
            return true;
        }
    }
    false
}

/// A change that makes a world smaller.
type Change<'a> = Box<dyn Fn(&mut Scenario) + 'a>;

/// The smaller world with this number: those that take most away come first.
fn candidate(catalogue: &Catalogue, world: &Scenario, finding: &Finding, at: usize) -> Option<Scenario> {
    let was_borne = is_borne(catalogue, world);
    let mut changes = Vec::new();
    ends_sooner(world, finding, &mut changes);
    fewer(world, &mut changes);
    fewer_nodes(world, &mut changes);
    plainer(world, &mut changes);
    less_load(world, &mut changes);
    for at in 0..world.fault.len() {
        for fault in milder(&world.fault[at]) {
            changes.push(Box::new(move |next| next.fault[at] = fault.clone()));
        }
    }
    // One after the other: with thousands of Byzantine nodes, all of them together would fill any memory.
    let smaller = changes.into_iter().map(|change| {
        let mut next = world.clone();
        change(&mut next);
        next
    });
    // What breaks because fewer nodes bear less was not asked for.
    smaller.filter(|next| next != world && (!was_borne || is_borne(catalogue, next))).nth(at)
}

/// Whether no more nodes are faulty for good than the protocol tolerates.
fn is_borne(catalogue: &Catalogue, world: &Scenario) -> bool {
    let down = world.fault.iter().filter(|fault| fault.tolerated || fault.amnesiacs().is_some()).count();
    down + world.adversary.len() <= tolerated(catalogue, &world.chain[0]) as usize
}

/// A run need not go on after something wrong happened.
fn ends_sooner(world: &Scenario, finding: &Finding, changes: &mut Vec<Change<'_>>) {
    let needed = Duration::from_nanos(finding.at.div_ceil(100_000_000) * 100_000_000) + Duration::from_millis(100);
    let begins = world.fault.iter().map(|fault| fault.at).max().unwrap_or_default();
    if finding.safety && finding.at > 0 && needed < world.duration() && begins < needed {
        changes.push(Box::new(move |next| next.duration = Some(needed)));
    }
    let half = world.duration().scale(1, 2);
    if !finding.safety && begins < half && half > Duration::from_secs(1) {
        changes.push(Box::new(move |next| next.duration = Some(half)));
    }
}

/// Without half of the faults or Byzantine nodes, without one of them.
fn fewer(world: &Scenario, changes: &mut Vec<Change<'_>>) {
    let mut without = |faults: Range<usize>, liars: Range<usize>| {
        changes.push(Box::new(move |next| {
            next.fault.drain(faults.clone());
            next.adversary.drain(liars.clone());
        }));
    };
    let (faults, liars) = (world.fault.len(), world.adversary.len());
    if faults > 3 {
        without(0..faults / 2, 0..0);
        without(faults / 2..faults, 0..0);
    }
    (0..faults).for_each(|at| without(at..at + 1, 0..0));
    (0..liars).for_each(|at| without(0..0, at..at + 1));
}

/// Without the last node.
fn fewer_nodes(world: &Scenario, changes: &mut Vec<Change<'_>>) {
    if world.chain[0].nodes.count() > 1 {
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
fn plainer(world: &Scenario, changes: &mut Vec<Change<'_>>) {
    let plain = Latency::constant(Duration::from_millis(20));
    let is_plain = world.chain[0].network.latency.as_ref() == Some(&plain);
    changes.push(Box::new(move |next| next.chain[0].network.latency = Some(plain.clone())));
    changes.push(Box::new(|next| next.chain[0].network.loss = 0.0));
    changes.push(Box::new(|next| next.chain[0].nodes.clock = ClockError::default()));
    changes.push(Box::new(|next| next.chain[0].nodes.disk = Disk::Profile(NO_DISK.to_owned())));
    if is_plain {
        changes.push(Box::new(|next| next.chain[0].nodes.regions = Regions::Nowhere));
    }
}

/// With fewer payments.
fn less_load(world: &Scenario, changes: &mut Vec<Change<'_>>) {
    let Some(Workload::Payments(payments)) = &world.workload else { return };
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
