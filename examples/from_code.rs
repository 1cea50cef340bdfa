//! A scenario put together by a program: how soon Raft confirms payments while its leader crashes, for several rates.
//!
//! A scenario made here is checked like one that was read, and what is wrong comes back as a list of mistakes. What a run
//! came to is plain data: figures have names, which `ledgerlab list metrics` explains.

#![allow(clippy::print_stdout)]

use ledgerlab::Catalogue;
use ledgerlab::base::Duration;
use ledgerlab::consensus::raft::{Config, Raft};
use ledgerlab::run::run_to_end;
use ledgerlab::scenario::{
    Chain, Crash, Data, Fault, Log, NodeSelector, Payments, ProtocolChoice, Scenario, ScenarioError, Workload,
};
use std::error::Error;

/// Five nodes that make blocks of at most 20 payments, asked for `rate` payments per second.
fn scenario(rate: f64) -> Scenario {
    let settings = Config { batch_transactions: 20, ..Config::default() };
    let chain = Chain::new(ProtocolChoice::of::<Raft>(&settings), 5);
    let mut scenario = Scenario::new("from-code", Duration::from_secs(30), chain);
    scenario.warm_up = Duration::from_secs(3);
    scenario.workload = Some(Workload::Payments(Payments { rate: Some(rate), ..Payments::default() }));
    let leader = Crash { nodes: NodeSelector::Leader, log: Log::Intact, data: Data::Kept };
    let (at, until) = (Duration::from_secs(10), Duration::from_secs(20));
    scenario.fault.push(Fault { crash: Some(leader), ..Fault::spanning(at, Some(until)) });
    scenario
}

/// The mistakes as people read them, each with its line.
fn shown(mistakes: &[ScenarioError]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let catalogue = Catalogue::standard();
    println!("{:>8} {:>12} {:>9} {:>9} {:>9}", "rate", "throughput", "p50", "p99", "gap");
    for rate in [20.0, 100.0] {
        let scenario = scenario(rate).checked(&catalogue).map_err(|mistakes| shown(&mistakes))?;
        let ran = run_to_end(&catalogue, &scenario, 1)?;
        let outcome = &ran.chains[0].outcome;
        if let Some(violation) = outcome.violations.first() {
            return Err(format!("{}: {}", violation.property, violation.what).into());
        }
        // A figure has no value where nothing happened that it could measure.
        let value = |name: &str| outcome.summary.value(name).ok_or(format!("nothing to measure {name} by"));
        let (throughput, gap) = (value("throughput")?, value("longest_gap")?);
        let (p50, p99) = (value("confirmation_p50")?, value("confirmation_p99")?);
        println!("{rate:>8} {throughput:>7.1} tx/s {p50:>7.3} s {p99:>7.3} s {gap:>7.3} s");
    }
    // What makes no sense is reported before anything runs.
    let Err(mistakes) = scenario(-1.0).checked(&catalogue) else { return Err("a negative rate was taken".into()) };
    println!("\n{}", shown(&mistakes));
    Ok(())
}
