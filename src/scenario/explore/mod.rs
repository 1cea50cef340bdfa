//! Searching for faults that break a protocol.
//!
//! From one number a whole *world* is drawn inside the limits of a scenario: how many nodes, on what network, under what
//! load, which of them lie, what goes wrong and when ([`world`]). In its *safety phase* nothing wrong may ever happen. Then
//! every fault ends that the protocol need not survive, and in the *liveness phase* what `check.progress` and
//! `check.catch_up` ask for must happen. A world is a [`Scenario`] like any other, so that what breaks it can be run
//! again, and made smaller ([`shrink`]).
//!
//! The two phases are an idea of the simulator of `TigerBeetle`; that the whole configuration is drawn is swarm testing
//! (Groce et al., ISSTA 2012); making a failing input smaller is delta debugging (Zeller and Hildebrandt, TSE 2002).

mod draw;
mod shrink;
mod terse;
#[cfg(test)]
mod tests;

pub use draw::{ingredients, world};
pub use shrink::{Shrunk, shrink};

use super::build::{Built, build_unmeasured};
use super::{Catalogue, Chain, Scenario};
use crate::base::{Duration, Time};
use crate::observe::ViolationKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The property of a [`Finding`] that the code under test stopped.
pub const PANIC: &str = "panic";

/// So many steps are taken between two looks at whether something broke, or somebody wants an end.
const SLICE: u64 = 500;

/// The limits inside which worlds are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Explore {
    /// How many worlds. Default 1000.
    pub cases: u64,
    /// Fewest and most nodes. Left out: as many as the chain has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<(u32, u32)>,
    /// Most faults of one world. Default 5.
    pub max_faults: u32,
    /// The kinds of faults that are drawn. Default all.
    pub fault_kinds: Vec<Kind>,
    /// Most nodes that lie, forget or stay down. Left out: as many as the protocol tolerates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_faulty: Option<u32>,
    /// Whether faulty nodes may lie; otherwise they only stay down. Left out: if the protocol claims to survive it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byzantine: Option<bool>,
    /// The attacks that Byzantine nodes play, by name. Left out: all that `ledgerlab list attacks` shows for the protocol.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<String>,
    /// How far clocks may jump. Default 500 ms.
    pub max_clock_jump: Duration,
    /// When the safety phase ends. Left out: after a third of the duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_phase: Option<Duration>,
}

impl Default for Explore {
    fn default() -> Explore {
        Explore {
            cases: 1_000,
            nodes: None,
            max_faults: 5,
            fault_kinds: Kind::ALL.to_vec(),
            max_faulty: None,
            byzantine: None,
            attacks: Vec::new(),
            max_clock_jump: Duration::from_millis(500),
            safety_phase: None,
        }
    }
}

/// The kinds of faults that are drawn.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nodes, or the leader, crash and come back.
    Crash,
    /// The same, and the last write is torn.
    TornWrite,
    /// Nodes stand still and go on.
    Pause,
    /// Slow processors, slow or full disks.
    Slow,
    /// Clocks jump and drift.
    Clock,
    /// Nodes are cut off from each other: all links, one way, or all but a bridge.
    Partition,
    /// One node is surrounded.
    Eclipse,
    /// Links lose, delay, duplicate and reorder messages.
    Degrade,
    /// Messages are garbled.
    Corrupt,
    /// A link or a node comes and goes.
    Flap,
    /// Clients ask more often, or less.
    Load,
    /// Strangers send forged messages, or payments that nobody can pay.
    Flood,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 12] = [
        Kind::Crash,
        Kind::TornWrite,
        Kind::Pause,
        Kind::Slow,
        Kind::Clock,
        Kind::Partition,
        Kind::Eclipse,
        Kind::Degrade,
        Kind::Corrupt,
        Kind::Flap,
        Kind::Load,
        Kind::Flood,
    ];
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Crash => "crash",
            Kind::TornWrite => "torn_write",
            Kind::Pause => "pause",
            Kind::Slow => "slow",
            Kind::Clock => "clock",
            Kind::Partition => "partition",
            Kind::Eclipse => "eclipse",
            Kind::Degrade => "degrade",
            Kind::Corrupt => "corrupt",
            Kind::Flap => "flap",
            Kind::Load => "load",
            Kind::Flood => "flood",
        }
    }
}

/// How many faulty nodes the protocol of a chain bears.
fn tolerated(catalogue: &Catalogue, chain: &Chain) -> u32 {
    let protocol = catalogue.protocol(&chain.protocol.name).expect("a known protocol");
    (protocol.tolerates)(&chain.protocol.settings, chain.nodes.count() as usize) as u32
}

/// What broke in a world.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// The property, or [`PANIC`].
    pub property: String,
    /// Whether something wrong happened, or something good did not.
    pub safety: bool,
    /// When, in nanoseconds of virtual time.
    pub at: u64,
    /// What was expected and what was found.
    pub what: String,
}

impl Finding {
    /// Whether both are about the same property.
    #[must_use]
    pub fn is_like(&self, other: &Finding) -> bool {
        self.property == other.property && self.safety == other.safety
    }
}

/// What a world came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseResult {
    /// The first thing that broke, if anything did.
    pub finding: Option<Finding>,
    /// Events that happened.
    pub events: u64,
    /// Virtual time that passed.
    pub simulated: Duration,
}

/// Runs a world until something breaks or it ends. A panic of the code under test is a finding.
///
/// # Errors
/// What could not be built, as a sentence.
///
/// # Panics
/// Never: it goes on to the end.
pub fn judge(catalogue: &Catalogue, world: &Scenario) -> Result<CaseResult, String> {
    Ok(judge_while(catalogue, world, &|| true)?.expect("nobody wants an end"))
}

/// The same as long as `go_on` says so: `None` if it was ended.
///
/// # Errors
/// See [`judge`].
pub fn judge_while(
    catalogue: &Catalogue,
    world: &Scenario,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<CaseResult>, String> {
    let seed = world.seeds.0[0];
    let read = |path: &str| Err(format!("a world reads no file, not even {path}"));
    let run = || {
        let Built { world, .. } = build_unmeasured(catalogue, world, seed, &read)?;
        Ok(watch(world, go_on))
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        let what = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let what = what.unwrap_or_else(|| "no reason was given".to_owned());
        let finding = Finding { property: PANIC.to_owned(), safety: true, at: 0, what };
        Ok(Some(CaseResult { finding: Some(finding), events: 0, simulated: Duration::ZERO }))
    })
}

fn watch(mut world: crate::engine::MultiChain, go_on: &dyn Fn() -> bool) -> Option<CaseResult> {
    let mut more = true;
    while more && world.chains.iter().all(|chain| chain.violations().is_empty()) {
        if !go_on() {
            return None;
        }
        more = world.advance(SLICE);
    }
    if !more {
        for chain in &mut world.chains {
            chain.finish();
        }
    }
    let first = world.chains.iter().flat_map(|chain| chain.violations()).min_by_key(|violation| violation.at);
    let finding = first.map(|violation| Finding {
        property: violation.property.to_owned(),
        safety: violation.kind == ViolationKind::Safety,
        at: violation.at.as_nanos(),
        what: violation.what.clone(),
    });
    Some(CaseResult {
        finding,
        events: world.chains.iter().map(|chain| chain.events()).sum(),
        simulated: world.now().since(Time::ZERO),
    })
}

impl Scenario {
    /// The limits inside which worlds are drawn.
    #[must_use]
    pub fn limits(&self) -> Explore {
        self.explore.clone().unwrap_or_default()
    }
}
