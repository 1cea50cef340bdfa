//! Making a world that breaks smaller, as long as it still breaks in the same way.
//!
//! Greedy: a change that keeps the finding is kept, and the changes begin again from the largest, until none helps or the
//! budget is spent. What a change shifts in the streams of randomness can hide a finding that is still there, so that
//! each smaller world is tried under a few seeds.

use super::{Finding, Judgement, judge_while, tolerated};
use crate::base::Duration;
use crate::scenario::{Attack, Fault, Latency, Misconduct, Scenario, Seeds, Select, Workload};

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
pub fn shrink(world: &Scenario, finding: &Finding, budget: u32, go_on: &dyn Fn() -> bool) -> Shrunk {
    let mut best = Shrunk { world: world.clone(), finding: finding.clone(), tried: 0 };
    let mut improved = true;
    while improved {
        improved = false;
        let mut at = 0;
        // The list is made anew after each success, and gone on with from the same place.
        while let Some(smaller) = candidates(&best.world, &best.finding).into_iter().nth(at) {
            if best.tried >= budget || !go_on() {
                return best;
            }
            if try_seeds(&smaller, &mut best, go_on) {
                improved = true;
            } else {
                at += 1;
            }
        }
    }
    best
}

/// Whether `smaller` breaks in the same way under some seed; then it is the best.
fn try_seeds(smaller: &Scenario, best: &mut Shrunk, go_on: &dyn Fn() -> bool) -> bool {
    let first = best.world.seeds.0[0];
    let seeds = std::iter::once(first).chain((1..=SEEDS).filter(|seed| *seed != first).take(SEEDS as usize - 1));
    // Not every smaller world makes sense: a protocol may need more nodes.
    let Ok(smaller) = Scenario::load("", &smaller.resolved(), &[]) else { return false };
    for seed in seeds {
        let world = Scenario { seeds: Seeds(vec![seed]), ..smaller.scenario.clone() };
        best.tried += 1;
        if let Ok(Some(Judgement { finding: Some(finding), .. })) = judge_while(&world, go_on)
            && finding.is_like(&best.finding)
        {
            (best.world, best.finding) = (world, finding);
            return true;
        }
    }
    false
}

/// Smaller worlds, those that take most away first.
fn candidates(world: &Scenario, finding: &Finding) -> Vec<Scenario> {
    let was_borne = is_borne(world);
    let mut smaller = Vec::new();
    ends_sooner(world, finding, &mut smaller);
    fewer(world, &mut smaller);
    fewer_nodes(world, &mut smaller);
    plainer(world, &mut smaller);
    less_load(world, &mut smaller);
    for at in 0..world.fault.len() {
        for fault in milder(&world.fault[at]) {
            let mut next = world.clone();
            next.fault[at] = fault;
            smaller.push(next);
        }
    }
    // What breaks because fewer nodes bear less was not asked for.
    smaller.retain(|next| next != world && (!was_borne || is_borne(next)));
    smaller
}

/// Whether no more nodes are faulty for good than the protocol tolerates.
fn is_borne(world: &Scenario) -> bool {
    let down = world.fault.iter().filter(|fault| fault.tolerated || fault.amnesiacs().is_some()).count();
    down + world.adversary.len() <= tolerated(&world.chain[0]) as usize
}

/// A run need not go on after something wrong happened.
fn ends_sooner(world: &Scenario, finding: &Finding, smaller: &mut Vec<Scenario>) {
    let needed = Duration::from_nanos(finding.at.div_ceil(100_000_000) * 100_000_000) + Duration::from_millis(100);
    let begins = world.fault.iter().map(|fault| fault.at).max().unwrap_or_default();
    if finding.safety && finding.at > 0 && needed < world.duration && begins < needed {
        smaller.push(Scenario { duration: needed, ..world.clone() });
    }
    let half = world.duration.scale(1, 2);
    if !finding.safety && begins < half && half > Duration::from_secs(1) {
        smaller.push(Scenario { duration: half, ..world.clone() });
    }
}

/// Without half of the faults or liars, without one of them.
fn fewer(world: &Scenario, smaller: &mut Vec<Scenario>) {
    let mut without = |faults: std::ops::Range<usize>, liars: std::ops::Range<usize>| {
        let mut next = world.clone();
        next.fault.drain(faults);
        next.adversary.drain(liars);
        smaller.push(next);
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
fn fewer_nodes(world: &Scenario, smaller: &mut Vec<Scenario>) {
    let mut next = world.clone();
    let nodes = &mut next.chain[0].nodes;
    if nodes.count <= 1 {
        return;
    }
    nodes.count -= 1;
    nodes.tolerate = None;
    let count = nodes.count;
    if let Some(Workload::Payments(payments)) = &mut next.workload {
        payments.clients = payments.clients.min(count);
    }
    let fits = |select: &mut Select| match select {
        Select::Numbers(numbers) => {
            numbers.retain(|number| *number < count);
            !numbers.is_empty()
        }
        _ => true,
    };
    next.fault.retain_mut(|fault| selects(fault).into_iter().all(fits));
    next.adversary.retain_mut(|adversary| {
        if let Attack::Generic(Misconduct::Selective { to: others } | Misconduct::Withhold { friends: others, .. }) =
            &mut adversary.attack
        {
            others.retain(|other| *other < count);
        }
        fits(&mut adversary.nodes)
    });
    smaller.push(next);
}

/// Every choice of nodes in a fault.
fn selects(fault: &mut Fault) -> Vec<&mut Select> {
    let mut selects = Vec::new();
    selects.extend(fault.crash.as_mut().map(|crash| &mut crash.nodes));
    selects.extend(fault.pause.as_mut().map(|pause| &mut pause.nodes));
    selects.extend(fault.slow.as_mut().map(|slow| &mut slow.nodes));
    selects.extend(fault.clock.as_mut().map(|clock| &mut clock.nodes));
    selects.extend(fault.flood.as_mut().map(|flood| &mut flood.nodes));
    if let Some(partition) = &mut fault.partition {
        selects.extend(&mut partition.groups);
    }
    if let Some(eclipse) = &mut fault.eclipse {
        selects.extend([&mut eclipse.victim, &mut eclipse.by]);
    }
    if let Some(degrade) = &mut fault.degrade {
        selects.extend([&mut degrade.from, &mut degrade.to]);
    }
    selects
}

/// On a plainer network, with plainer machines.
fn plainer(world: &Scenario, smaller: &mut Vec<Scenario>) {
    let mut with = |change: &dyn Fn(&mut Scenario)| {
        let mut next = world.clone();
        change(&mut next);
        smaller.push(next);
    };
    with(&|next| next.chain[0].network.latency = Latency::Constant { delay: Duration::from_millis(20) });
    with(&|next| next.chain[0].network.loss = 0.0);
    with(&|next| next.chain[0].nodes.clock = crate::scenario::Clock::default());
    with(&|next| next.chain[0].nodes.disk = crate::scenario::Disk::Profile(crate::scenario::words::NO_DISK.to_owned()));
    if world.chain[0].network.latency == (Latency::Constant { delay: Duration::from_millis(20) }) {
        with(&|next| next.chain[0].nodes.regions = crate::scenario::Regions::Nowhere);
    }
}

/// With fewer payments.
fn less_load(world: &Scenario, smaller: &mut Vec<Scenario>) {
    let Some(Workload::Payments(payments)) = &world.workload else { return };
    let mut next = world.clone();
    if let (Some(Workload::Payments(fewer)), Some(rate)) =
        (&mut next.workload, payments.rate.filter(|rate| *rate > 1.0))
    {
        fewer.rate = Some((rate / 2.0).max(1.0));
        smaller.push(next);
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
    for at in 0..selects(&mut fault.clone()).len() {
        let mut next = fault.clone();
        if let Select::Numbers(numbers) = &mut selects(&mut next)[at]
            && numbers.len() > 1
        {
            numbers.pop();
            milder.push(next);
        }
    }
    milder
}
