//! L6: searching for faults that break a protocol.
//!
//! From one number a whole *case* is drawn inside the limits of a scenario: how many nodes, on what network, under what
//! load, which of them lie, what goes wrong and when ([`case`]). In its *safety phase* nothing wrong may ever happen. Then
//! every fault ends that the protocol need not survive, and in the *liveness phase* what `check.progress` and
//! `check.catch_up` ask for must happen. A case is a [`Scenario`] like any other, so that what breaks it can be run
//! again, and made smaller ([`shrink`]).
//!
//! The two phases are an idea of the simulator of `TigerBeetle`; that the whole configuration is drawn is swarm testing
//! (Groce et al., ISSTA 2012); making a failing input smaller is delta debugging (Zeller and Hildebrandt, TSE 2002).

mod draw;
mod shrink;
mod terse;
#[cfg(test)]
mod tests;

pub use draw::{case, features};
pub use shrink::{Shrunk, shrink};

use crate::base::{Duration, Time};
use crate::engine::MultiChain;
use crate::observe::ViolationKind;
use crate::scenario::build::{Built, build_unmeasured};
use crate::scenario::{Catalogue, Chain, Scenario};
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The property of a [`Finding`] that the code under test stopped.
pub const PANIC: &str = "panic";

/// So many steps are taken between two looks at whether something broke, or an end is requested.
const SLICE: u64 = 500;

/// How many faulty nodes the protocol of a chain bears.
fn tolerated(catalogue: &Catalogue, chain: &Chain) -> u32 {
    let protocol = catalogue.protocol(&chain.protocol.name).expect("a known protocol");
    (protocol.tolerates)(&chain.protocol.settings, chain.nodes.count() as usize) as u32
}

/// What broke in a case.
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

/// What a case came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseResult {
    /// The first thing that broke, if anything did.
    pub finding: Option<Finding>,
    /// Events that happened.
    pub events: u64,
    /// Virtual time that passed.
    pub simulated: Duration,
}

/// Runs a case until something breaks or it ends. A panic of the code under test is a finding.
///
/// # Errors
/// What could not be built, as a sentence.
///
/// # Panics
/// Never: it goes on to the end.
pub fn judge(catalogue: &Catalogue, case: &Scenario) -> Result<CaseResult, String> {
    Ok(judge_while(catalogue, case, &|| true)?.expect("no end is requested"))
}

/// The same as long as `go_on` says so: `None` if it was ended.
///
/// # Errors
/// See [`judge`].
pub fn judge_while(
    catalogue: &Catalogue,
    case: &Scenario,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<CaseResult>, String> {
    let seed = case.seeds.0[0];
    let read = |path: &str| Err(format!("a case reads no file, not even {path}"));
    let run = || {
        let Built { simulation, .. } = build_unmeasured(catalogue, case, seed, &read)?;
        Ok(watch(simulation, go_on))
    };
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        let what = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let what = what.unwrap_or_else(|| "no reason was given".to_owned());
        let finding = Finding { property: PANIC.to_owned(), safety: true, at: 0, what };
        Ok(Some(CaseResult { finding: Some(finding), events: 0, simulated: Duration::ZERO }))
    })
}

fn watch(mut case: MultiChain, go_on: &dyn Fn() -> bool) -> Option<CaseResult> {
    let mut more = true;
    while more && case.chains.iter().all(|chain| chain.violations().is_empty()) {
        if !go_on() {
            return None;
        }
        more = case.advance(SLICE);
    }
    if !more {
        for chain in &mut case.chains {
            chain.finish();
        }
    }
    let first = case.chains.iter().flat_map(|chain| chain.violations()).min_by_key(|violation| violation.at);
    let finding = first.map(|violation| Finding {
        property: violation.property.to_owned(),
        safety: violation.kind == ViolationKind::Safety,
        at: violation.at.as_nanos(),
        what: violation.what.clone(),
    });
    Some(CaseResult {
        finding,
        events: case.chains.iter().map(|chain| chain.events()).sum(),
        simulated: case.now().since(Time::ZERO),
    })
}
