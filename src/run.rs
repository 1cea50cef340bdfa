//! L6: running a checked scenario under one seed.

use crate::base::Time;
use crate::observe::event_log::EventLog;
use crate::observe::fingerprint::Timeline;
use crate::observe::metrics::Outcome;
use crate::scenario::build::{Built, Read, build};
use crate::scenario::{Catalogue, Scenario};

/// So many steps are taken between two looks at whether to go on: few enough that even slow ones take no second: to take in
/// a block of thousands of payments takes milliseconds. Part of no result.
const SLICE: u64 = 250;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// Its chains, in the order of the scenario.
    pub chains: Vec<ChainResult>,
    /// After how many steps it was ended before its time; `None` if it came to its end. As many steps lead to the
    /// same state again.
    pub ended_after: Option<u64>,
    /// Why it was ended, if not on request.
    pub ended_by: Option<String>,
    /// What was drawn and is worth knowing, and the figures of the agents.
    pub remarks: Vec<String>,
}

/// What a chain of a run came to.
#[derive(Clone, Debug)]
pub struct ChainResult {
    /// Its name.
    pub name: String,
    /// How its nodes agree.
    pub protocol: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Its running hash.
    pub timeline: Timeline,
    /// Events that happened.
    pub events: u64,
    /// Its last events, if the scenario asks for them.
    pub event_log: Option<EventLog>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Virtual time.
    pub now: Time,
    /// Events so far, of all chains.
    pub events: u64,
}

/// Runs a scenario that names no file under one seed, to its end.
///
/// # Errors
/// What could not be built, as a sentence.
///
/// # Panics
/// If the scenario was not checked, or the simulator is wrong.
pub fn run_to_end(catalogue: &Catalogue, scenario: &Scenario, seed: u64) -> Result<RunResult, String> {
    let read = |path: &str| Err(format!("no file is read here, not even {path}"));
    run(catalogue, scenario, seed, &read, u64::MAX, |_| true)
}

/// Runs a scenario under one seed: until its end, or for `most` steps, or as long as `go_on` says so.
///
/// # Errors
/// What could not be built, as a sentence.
///
/// # Panics
/// If the scenario was not checked, or the simulator is wrong.
pub fn run(
    catalogue: &Catalogue,
    scenario: &Scenario,
    seed: u64,
    read: Read<'_>,
    most: u64,
    mut go_on: impl FnMut(Standing) -> bool,
) -> Result<RunResult, String> {
    let Built { mut simulation, watchers, mut remarks } = build(catalogue, scenario, seed, read)?;
    let mut steps = 0;
    let mut ended_after = None;
    loop {
        let events = simulation.chains.iter().map(|chain| chain.events()).sum();
        if steps >= most || !go_on(Standing { now: simulation.now(), events }) {
            ended_after = Some(steps);
            break;
        }
        let slice = SLICE.min(most - steps);
        if !simulation.advance(slice) {
            break;
        }
        steps += slice;
    }
    let mut ends = Vec::new();
    for chain in &mut simulation.chains {
        if ended_after.is_some() {
            chain.stop();
        }
        chain.finish();
        let timeline = chain.timeline().expect("a finished chain has its timeline").clone();
        ends.push((chain.end(), chain.events(), timeline));
    }
    for found in simulation.agents.iter().map(|agent| agent.findings()) {
        for (chain, violation) in &found.violations {
            watchers[*chain].checks.look(|suite| suite.add(violation));
        }
        remarks.extend(found.remarks.into_iter().map(|remark| format!("seed {seed}: {remark}")));
    }
    // Observers are free again when the simulation that they watched is gone.
    drop(simulation);
    let chains = scenario.chain.iter().zip(watchers).zip(ends).map(|((table, watchers), (end, events, timeline))| {
        let verdict = watchers.checks.into_inner().verdict().clone();
        let outcome = watchers.metrics.into_inner().outcome(end, &verdict);
        let event_log = watchers.event_log.map(|recorder| {
            let mut log = recorder.into_inner().into_log(end);
            verdict.violations.iter().for_each(|violation| log.add(violation));
            log
        });
        ChainResult {
            name: table.name.clone(),
            protocol: table.protocol.name.clone(),
            outcome,
            timeline,
            events,
            event_log,
        }
    });
    Ok(RunResult { chains: chains.collect(), ended_after, ended_by: None, remarks })
}
