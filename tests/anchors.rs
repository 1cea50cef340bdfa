//! Anchors of a chain of signers in a public chain, in whole runs: they get there, and expose a rewritten history.

use ledgerlab::Catalogue;
use ledgerlab::base::{Duration, Time};
use ledgerlab::observe::metrics::{BlockStatus, TransactionStatus, ViolationRow};
use ledgerlab::run::{RunResult, run};
use ledgerlab::scenario::Scenario;

const ANCHORED: &str = include_str!("../scenarios/faults/threshold-anchored-history.toml");

/// Five of the seven signers conspire, as many as must sign.
const CONSPIRACY: [&str; 2] =
    ["chain[0].protocol.threshold.rewrite.coalition=[0, 1, 2, 3, 4]", "adversary[0].nodes=[0, 1, 2, 3, 4]"];

fn ran(text: &str, seed: u64, overrides: &[&str]) -> RunResult {
    let overrides: Vec<String> = overrides.iter().map(|change| (*change).to_owned()).collect();
    let loaded = Scenario::load(&Catalogue::standard(), "anchored", text, &overrides)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    run(&Catalogue::standard(), &loaded.scenario, seed, &|path| Err(format!("no {path}")), u64::MAX, |_| true)
        .expect("a world")
}

/// What the agent reports: anchors submitted, anchors final, and the mean lag in seconds.
fn figures(ran: &RunResult) -> (usize, usize, f64) {
    let remark = ran.remarks.iter().find(|remark| remark.contains("anchors of main in public")).expect("a remark");
    let numbers: Vec<f64> = remark.split([' ', ':']).filter_map(|word| word.parse().ok()).collect();
    let [_seed, submitted, finals, lag] = numbers[..] else { panic!("{remark}") };
    (submitted as usize, finals as usize, lag)
}

fn violations<'a>(ran: &'a RunResult, property: &'a str) -> impl Iterator<Item = &'a ViolationRow> {
    ran.chains[0].outcome.violations.iter().filter(move |row| row.property == property)
}

#[test]
fn anchors_of_an_honest_chain_become_final_in_the_public_chain_and_contradict_nothing() {
    let ran = ran(ANCHORED, 1, &[]);
    for chain in &ran.chains {
        assert!(chain.outcome.violations.is_empty(), "{}: {:?}", chain.name, chain.outcome.violations[0]);
    }
    let (submitted, finals, lag) = figures(&ran);
    assert!(finals > 40 && finals <= submitted, "{finals} of {submitted}");
    // What the public chain says of them, in the order of their nonces: no other account has transactions there.
    let rows = &ran.chains[1].outcome.transactions;
    assert_eq!(rows.len(), submitted);
    assert_eq!(rows.iter().filter(|row| row.status == TransactionStatus::Executed).count(), finals);
    // The lag is that from the anchored block's creation to the anchor's finality, and up to a poll more.
    let created = |height| {
        let blocks = ran.chains[0].outcome.blocks.iter();
        let canonical = blocks.filter(|block| block.status == BlockStatus::Canonical);
        canonical.filter(|block| block.height.0 == height).map(|block| block.created).next().expect("an anchored block")
    };
    let lags = (1..).zip(rows).filter(|(_, row)| row.status == TransactionStatus::Executed);
    let lags: Vec<f64> = lags.map(|(at, row)| row.final_entry.since(created(2 * at)).as_secs_f64()).collect();
    let mean = lags.iter().sum::<f64>() / lags.len() as f64;
    assert!((mean..mean + 1.6).contains(&lag), "{mean} s by the chains, {lag} s by the agent");
}

#[test]
fn a_rewritten_history_that_the_signers_rules_accept_is_exposed_by_the_anchors() {
    let ran = ran(ANCHORED, 1, &CONSPIRACY);
    let outcome = &ran.chains[0].outcome;
    assert!(outcome.nodes[6].finalized.0 >= 8, "the victim calls the other history final");
    assert_eq!(violations(&ran, "validity").count(), 0, "every block of it is valid");
    let found: Vec<&ViolationRow> = violations(&ran, "anchors").collect();
    assert_eq!(found.len(), 3, "heights 4, 6 and 8, once each: {found:?}");
    for (row, height) in found.iter().zip([4, 6, 8]) {
        assert_eq!(row.kind, "safety");
        assert!(row.at >= Time::ZERO + Duration::from_secs(100), "when the cut is over: {}", row.at);
        assert!(row.what.contains("n6 of main shows block "), "{}", row.what);
        assert!(row.what.contains(&format!(" at height {height}, where public carries the anchor ")), "{}", row.what);
        let names = outcome.blocks.iter().filter(|block| block.height.0 == height).map(|block| block.id.to_string());
        let named = names.filter(|name| row.what.contains(&format!("block {}", &name[..8]))).count();
        assert_eq!(named, 2, "both blocks at height {height} are named: {}", row.what);
    }
    assert!(ran.chains[1].outcome.violations.is_empty(), "the public chain broke nothing");
}

#[test]
fn a_history_that_ends_before_the_first_anchored_height_is_not_reported() {
    let mut overrides = CONSPIRACY.to_vec();
    overrides.extend(["agent[0].anchor.every=9", "duration=130s"]);
    let ran = ran(ANCHORED, 1, &overrides);
    assert!(figures(&ran).1 > 2);
    assert!(violations(&ran, "agreement").count() > 0, "there is another history");
    assert_eq!(violations(&ran, "anchors").count(), 0);
}

/// The public chain's node that the agent knows is down from 10 s to 60 s.
const OUTAGE: &str = "\n[[fault]]\nchain = \"public\"\nat = \"10s\"\nuntil = \"60s\"\ncrash.nodes = [0]\n";

#[test]
fn anchors_handed_to_a_node_that_is_down_get_in_when_they_are_handed_in_again() {
    let text = ANCHORED.to_owned() + OUTAGE;
    let lost = |ran: &RunResult| {
        let (from, to) = (Time::ZERO + Duration::from_secs(10), Time::ZERO + Duration::from_secs(60));
        let rows = ran.chains[1].outcome.transactions.iter().filter(|row| row.submitted > from && row.submitted < to);
        let rows: Vec<_> = rows.cloned().collect();
        assert!(rows.len() > 8, "{} anchors meanwhile", rows.len());
        rows
    };
    let again = ran(&text, 1, &[]);
    for row in lost(&again) {
        assert_eq!(row.status, TransactionStatus::Executed, "{row:?}");
        assert!(row.retransmissions > 0 && row.included > Time::ZERO + Duration::from_secs(60), "{row:?}");
    }
    assert!(again.chains.iter().all(|chain| chain.outcome.violations.is_empty()));
    // Handed in once, they are lost, and those behind them wait for their nonces for ever.
    let once = ran(&text, 1, &["agent[0].anchor.retry=1h"]);
    assert!(lost(&once).iter().all(|row| row.status != TransactionStatus::Executed && row.retransmissions == 0));
    assert!(figures(&once).1 < 6 && figures(&again).1 > 30, "{:?} and {:?}", figures(&once), figures(&again));
}

/// The fingerprints of both chains, and what the agent reports.
fn fingerprints(ran: &RunResult) -> Vec<String> {
    let ends = ran.chains.iter().map(|chain| chain.timeline.end().value.to_string());
    ends.chain(ran.remarks.iter().filter(|remark| remark.contains("anchors")).cloned()).collect()
}

#[test]
fn a_world_with_an_agent_is_a_function_of_scenario_and_seed() {
    let short = ["duration=80s"];
    let first = fingerprints(&ran(ANCHORED, 1, &short));
    assert_eq!(first.len(), 3);
    assert_eq!(first, fingerprints(&ran(ANCHORED, 1, &short)), "the same again");
    assert_eq!(first, fingerprints(&ran(ANCHORED, 1, &[short[0], "check.recompute=true"])), "all computed again");
    let other = fingerprints(&ran(ANCHORED, 2, &short));
    assert!(first[0] != other[0] && first[1] != other[1], "another seed");
    let (head, rest) = ANCHORED.split_once("[[agent]]").expect("an agent");
    let (_, tail) = rest.split_once("\n\n").expect("more after it");
    let without = fingerprints(&ran(&format!("{head}{tail}"), 1, &short));
    assert_eq!(first[0], without[0], "who only reads changes nothing");
    assert_ne!(first[1], without[1], "who writes does");
}
