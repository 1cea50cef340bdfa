//! The scenarios of `scenarios/reproduce`: they run, and come to the figures that their headers give.

use super::laboratory::{assert_near, share_error};
use ledgerlab::Catalogue;
use ledgerlab::base::Duration;
use ledgerlab::observe::check::Verdict;
use ledgerlab::observe::metrics::{Metrics, MetricsSettings, Outcome};
use ledgerlab::scenario::Scenario;
use ledgerlab::scenario::build::build;
use std::fs;
use std::path::Path;

/// Runs a scenario of the folder under one seed.
fn run(name: &str, seed: u64, overrides: &[&str]) -> (Outcome, Verdict) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/reproduce/{name}.toml"));
    let text = fs::read_to_string(&path).expect("a shipped scenario");
    let overrides: Vec<String> = overrides.iter().map(|change| (*change).to_owned()).collect();
    let loaded = Scenario::load(&Catalogue::standard(), name, &text, &overrides)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    let mut built =
        build(&Catalogue::standard(), &loaded.scenario, seed, &|path| Err(format!("no {path}"))).expect("a world");
    while built.simulation.advance(1_000_000) {}
    let chain = &mut built.simulation.chains[0];
    chain.finish();
    let end = chain.end();
    let verdict = built.watchers[0].checks.look(|suite| suite.verdict().clone());
    let blank = Metrics::new(MetricsSettings::new(1, Duration::from_secs(1)));
    let metrics = built.watchers[0].metrics.look(|metrics| std::mem::replace(metrics, blank));
    (metrics.outcome(end, &verdict), verdict)
}

fn figure(outcome: &Outcome, name: &str) -> f64 {
    outcome.summary.value(name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn poisson_blocks() {
    let (outcome, verdict) = run("poisson-blocks", 1, &[]);
    assert!(verdict.is_clean(), "{:?}", verdict.violations);
    assert!(figure(&outcome, "blocks") > 4_000.0);
    assert_near("block_interval", figure(&outcome, "block_interval"), 600.0, 36.0);
    assert!(figure(&outcome, "fork_rate") < 0.1);
}

#[test]
fn fork_rates_of_two_delays() {
    for (name, law, relative) in [("fork-rate-10s", 0.014_888, 1.0 / 60.0), ("fork-rate-60s", 0.086_069, 0.1)] {
        let (outcome, verdict) = run(name, 1, &[]);
        assert!(verdict.is_clean(), "{:?}", verdict.violations);
        let tolerance = 4.0 * share_error(law, 6_000.0) + relative * law;
        assert_near(name, figure(&outcome, "fork_rate") / 100.0, law, tolerance);
    }
}

#[test]
fn a_double_spend_is_reported_as_broken_finality() {
    let (outcome, verdict) = run("double-spend", 1, &["duration=300 h"]);
    assert!(outcome.reorgs.iter().any(|row| row.depth >= 2), "{:?}", outcome.reorgs);
    assert!(verdict.counts.iter().any(|(property, ..)| *property == "finality"), "{:?}", verdict.counts);
}

#[test]
fn the_energy_of_a_transaction_is_the_power_of_all_miners_over_what_they_confirm() {
    let (outcome, verdict) = run("energy-2014", 1, &["workload.payments.rate=0.5"]);
    assert!(verdict.is_clean(), "{:?}", verdict.violations);
    assert_near("mining_power", figure(&outcome, "mining_power"), 337_673_192.5, 1.0);
    let expected = 337_673_192.5 / figure(&outcome, "throughput");
    assert_near("energy_per_transaction", figure(&outcome, "energy_per_transaction"), expected, expected * 1e-9);
    assert_near("throughput", figure(&outcome, "throughput"), 0.5, 0.05);
}

#[test]
fn selfish_mining() {
    let (outcome, _) = run("selfish-mining", 1, &[]);
    assert_near("byzantine_blocks", figure(&outcome, "byzantine_blocks"), 48.372, 3.4);
}

#[test]
fn raft_elections_take_a_fraction_of_a_second() {
    for seed in 1..=4 {
        let (outcome, verdict) = run("raft-election", seed, &[]);
        assert!(verdict.is_clean(), "{:?}", verdict.violations);
        let gap = figure(&outcome, "longest_gap");
        assert!((0.15..0.8).contains(&gap), "seed {seed}: {gap}");
    }
}

#[test]
fn pbft_takes_three_delays() {
    let (outcome, verdict) = run("pbft-delays", 1, &[]);
    assert!(verdict.is_clean(), "{:?}", verdict.violations);
    for name in ["confirmation_p50", "confirmation_max"] {
        assert_near(name, figure(&outcome, name), 0.15, 0.001);
    }
    assert_near("messages", figure(&outcome, "messages_per_transaction"), 27.0, 1.0);
}

#[test]
fn a_transfer_of_a_hundred_kilobytes() {
    let (outcome, _) = run("transfer", 1, &[]);
    assert!(figure(&outcome, "throughput") > 0.04);
    let finals: Vec<f64> =
        outcome.transactions.iter().map(|row| row.final_first.since(row.submitted).as_secs_f64()).collect();
    let among = |kind: fn(f64, f64) -> f64, first| finals.iter().copied().fold(first, kind);
    assert_near("asking the leader", among(f64::min, f64::MAX), 0.302, 0.001);
    assert_near("asking the follower", among(f64::max, 0.0), 0.352, 0.001);
}

/// A fifth of the nodes for half of the time: compact blocks reach every node within seconds, nearly all in one round.
#[test]
fn bitcoin_spreads_compact_blocks_within_seconds_and_asks_for_next_to_nothing() {
    let shorter = ["chain.nodes.count=200", "duration=3 h", "warm_up=0s"];
    let (outcome, verdict) = run("bitcoin-1000", 1, &shorter);
    assert!(verdict.is_clean(), "{:?}", verdict.violations);
    let sent = |kind| outcome.messages.iter().find(|row| row.kind == kind).map_or(0, |row| row.sent);
    assert!(figure(&outcome, "blocks") >= 10.0);
    let (half, most) = (figure(&outcome, "propagation_t50"), figure(&outcome, "propagation_t90"));
    assert!(0.05 < half && half < most && most < 5.0, "t50 {half} s, t90 {most} s");
    // Relays without a mempool are taken to hold what is sampled.
    assert!(sent("cmpctblock") > 1_000 && sent("getblocktxn") * 20 < sent("cmpctblock"), "{:?}", outcome.messages);
}
