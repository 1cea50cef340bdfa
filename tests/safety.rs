//! Safety, in whole runs: nothing that was final is ever taken back as long as no more is faulty than a protocol bears,
//! and the checkers say so when it is.
//!
//! No run here is empty: each must make something final under its faults.

use ledgerlab::Catalogue;
use ledgerlab::base::{AccountId, ClientId, Committee, CostTable, Crypto, Duration, FaultModel, Keyring, NodeId, Time};
use ledgerlab::chain::{Body, Transaction};
use ledgerlab::consensus::raft::{Config, Raft, Transfer};
use ledgerlab::engine::{Adversary, Fault, FaultEvent, ProcessSettings, Setup, Simulation, Stop, TransactionRelay};
use ledgerlab::ledger::account::{Account, Reward};
use ledgerlab::network::latency::{Distribution, Latency};
use ledgerlab::network::transport::{Settings, Transport};
use ledgerlab::observe::ViolationKind;
use ledgerlab::observe::check::{Checkers, Settings as CheckSettings, Verdict};
use ledgerlab::observe::metrics::{Metrics, MetricsSettings, Outcome};
use ledgerlab::protocol::{Effect, EffectOf};
use ledgerlab::scenario::build::build;
use ledgerlab::scenario::{Loaded, Scenario};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Runs a scenario under a seed: what it came to, and what the checkers found.
fn run(name: &str, text: &str, seed: u64) -> (Outcome, Verdict) {
    let loaded =
        Scenario::load(&Catalogue::standard(), name, text, &[]).unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    run_one(&loaded.scenario, seed)
}

fn run_one(scenario: &Scenario, seed: u64) -> (Outcome, Verdict) {
    let mut built = build(&Catalogue::standard(), scenario, seed, &|path| Err(format!("no {path}"))).expect("a world");
    while built.simulation.advance(1_000_000) {}
    let chain = &mut built.simulation.chains[0];
    chain.finish();
    let end = chain.end();
    let verdict = built.watchers[0].checks.look(|suite| suite.verdict().clone());
    let blank = Metrics::new(MetricsSettings::new(1, Duration::from_secs(1)));
    let metrics = built.watchers[0].metrics.look(|metrics| std::mem::replace(metrics, blank));
    (metrics.outcome(end, &verdict), verdict)
}

/// The scenarios of a folder, by name.
fn names(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(folder);
    let files = fs::read_dir(path).expect("the folder").map(|entry| entry.expect("an entry").path());
    let scenarios = files.filter(|path| path.extension().is_some_and(|kind| kind == "toml"));
    scenarios.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

/// A scenario of a folder, with these changes.
fn shipped(folder: &str, name: &str, changes: &[&str]) -> Loaded {
    let path = format!("{}/scenarios/{folder}/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).expect("a text");
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    Scenario::load(&Catalogue::standard(), name, &text, &changes)
        .unwrap_or_else(|mistakes| panic!("{name}: {}", mistakes[0]))
}

/// Nothing broken, and something final.
fn assert_holds(name: &str, outcome: &Outcome, verdict: &Verdict) {
    assert!(verdict.is_clean(), "{name}: {:?}", verdict.violations);
    assert!(outcome.transactions.iter().any(|row| row.final_entry < Time::NEVER), "{name}: nothing is final");
}

fn figure(outcome: &Outcome, name: &str) -> f64 {
    outcome.summary.value(name).unwrap_or_default()
}

/// Whether a property of this name was found broken, and is one of safety.
fn is_broken(verdict: &Verdict, name: &str) -> bool {
    verdict.counts.iter().any(|(property, kind, _)| *property == name && *kind == ViolationKind::Safety)
}

/// Crashes of as many nodes as may fail, cuts, losses, duplicates, overtaking, late messages.
fn storm(protocol: &str, nodes: u32, crash: &str, more: &str) -> String {
    format!(
        r#"
        name = "storm"
        seed = 1
        crypto = "symbolic"
        duration = "90s"
        [[chain]]
        {protocol}
        [chain.nodes]
        count = {nodes}
        regions = ["us-east-1", "eu-west-1", "ap-northeast-1", "sa-east-1"]
        clock = {{ offset = "100 ms", drift_ppm = 200.0 }}
        [chain.network]
        latency.regions = {{ data = "aws-2025", jitter = "internet" }}
        loss = 0.03
        [workload.payments]
        rate = 30
        accounts = 100
        retry = "3s"
        [[fault]]
        at = "5s"
        until = "15s"
        crash = {{ nodes = {crash} }}
        [[fault]]
        at = "12s"
        until = "20s"
        partition = {{ groups = [[0, 1], "rest"] }}
        [[fault]]
        at = "22s"
        until = "30s"
        partition = {{ groups = [[2], "rest"], one_way = true }}
        [[fault]]
        at = "10s"
        until = "40s"
        degrade = {{ extra_delay = "20 ms", jitter = "200 ms", loss = 0.1, duplicate = 0.2, reorder = true }}
        [[fault]]
        at = "32s"
        until = "36s"
        crash = {{ nodes = "all" }}
        [[fault]]
        at = "44s"
        until = "50s"
        partition = {{ groups = [[0, 2], [1, 3], "rest"] }}
        {more}
        "#
    )
}

/// Under every seed: nothing broken, much final, and more after the faults than before.
fn weathers(protocol: &str, nodes: u32, crash: &str, more: &str) {
    for seed in 1..=4 {
        let (outcome, verdict) = run("storm", &storm(protocol, nodes, crash, more), seed);
        assert!(verdict.is_clean(), "{protocol}, seed {seed}: {:?}", verdict.violations);
        let executed = outcome.transactions.iter().filter(|row| row.final_first < Time::NEVER);
        let late = executed.clone().filter(|row| row.final_first > Time::ZERO + Duration::from_secs(50)).count();
        let many = executed.count();
        assert!(many > 300 && late > 50, "{protocol}, seed {seed}: {many} final, {late} after the faults");
        assert!(figure(&outcome, "messages_lost") > 100.0, "{protocol}, seed {seed}");
        let least = outcome.nodes.iter().filter(|node| node.honest).map(|node| node.finalized.0).min();
        assert!(least > Some(5), "{protocol}, seed {seed}: {least:?}");
    }
}

#[test]
fn raft_weathers_crashes_and_partitions() {
    weathers(r"protocol.raft = { snapshot_every = 50, snapshot_keep = 10 }", 5, "[0, 4]", "");
}

#[test]
fn raft_of_2014_weathers_crashes_and_partitions() {
    weathers(r"protocol.raft = { pre_vote = false, check_quorum = false }", 5, r#""leader""#, "");
}

#[test]
fn scp_weathers_crashes_and_partitions() {
    weathers(r#"protocol.scp = { period = "1s" }"#, 7, "[0, 6]", "");
}

#[test]
fn pbft_weathers_crashes_and_partitions() {
    weathers(r"protocol.pbft = { checkpoint_interval = 16, log_window = 32 }", 7, "[0, 6]", "");
}

/// As many faulty nodes as `n = 3f + 1` bears, with each attack of the protocol that does more than delay.
#[test]
fn pbft_survives_as_many_faulty_nodes_as_it_bears() {
    for attack in ["equivocate", "silent_primary", "false_view_change", "bad_new_view"] {
        let more = format!("[[adversary]]\nnodes = [1, 3]\nattack = \"{attack}\"");
        weathers("protocol.pbft = { checkpoint_interval = 16, log_window = 32 }", 7, "[1]", &more);
    }
}

/// Final after so many confirmations that no partition of these lengths takes them back. Bitcoin runs over TCP, which loses
/// nothing; where answers are lost, nodes must not wait the two minutes that Bitcoin waits for headers.
#[test]
fn nakamoto_weathers_crashes_and_partitions() {
    let settings = r#"protocol.nakamoto = { spacing = "1s", retarget = 0, headers_timeout = "1s", finality = { confirmations = 12 } }"#;
    weathers(settings, 6, "[0, 5]", "");
}

/// The table of headings that every scenario below shares.
fn calm(protocol: &str, nodes: &str, attack: &str) -> String {
    format!(
        r#"
        name = "calm"
        seed = 1
        duration = "60s"
        [[chain]]
        {protocol}
        [chain.nodes]
        {nodes}
        [chain.network]
        latency.constant = {{ delay = "20 ms" }}
        [workload.payments]
        rate = 50
        accounts = 100
        [[adversary]]
        nodes = {attack}
        "#
    )
}

/// Of eight votes two may lie. A primary that holds four sends one half of the others this and the other half that, and with
/// its four votes either half is a quorum of six: they finalize different batches.
#[test]
fn pbft_with_more_lying_votes_than_it_bears_disagrees_and_is_caught() {
    let bearable = calm("protocol = \"pbft\"", "weights = [2, 2, 2, 2]\ncount = 4", "[0]\nattack = \"equivocate\"");
    let (outcome, verdict) = run("calm", &bearable, 1);
    assert!(verdict.is_clean() && figure(&outcome, "throughput") > 1.0, "{:?}", verdict.violations);
    let beyond = calm("protocol = \"pbft\"", "weights = [4, 1, 1, 2]\ncount = 4", "[0]\nattack = \"equivocate\"");
    let (_, verdict) = run("calm", &beyond, 1);
    assert!(is_broken(&verdict, "agreement"), "{:?}", verdict.counts);
}

/// Half of the power bears no attacker: one with six tenths takes back what three confirmations made final.
#[test]
fn a_majority_of_hash_power_rewinds_what_was_final_and_is_caught() {
    let settings = r#"protocol.nakamoto = { spacing = "2s", retarget = 0, finality = { confirmations = 3 } }"#;
    let text = calm(settings, "weights = [6, 2, 2]\ncount = 3", "[0]\nattack = \"double_spend\"");
    let (outcome, verdict) = run("calm", &text, 1);
    assert!(is_broken(&verdict, "finality"), "{:?}", verdict.counts);
    assert!(figure(&outcome, "reorg_depth_max") > 3.0);
}

/// A disk that says that everything is durable and keeps nothing.
struct LyingDisk;

impl Adversary<Raft> for LyingDisk {
    fn rewrite(&mut self, effects: &mut Vec<EffectOf<Raft>>, _: &mut Vec<(Duration, EffectOf<Raft>)>) {
        effects.retain(|effect| !matches!(effect, Effect::Persist { .. }));
    }
}

/// Raft's bound is on memory, not on lies: a majority that forgets what it wrote commits something else in its place.
#[test]
fn raft_with_a_forgetful_majority_loses_what_was_final_and_is_caught() {
    assert!(forget(0).is_empty(), "{:?}", forget(0));
    assert!(forget(2).contains(&"agreement"), "{:?}", forget(2));
}

/// Three nodes, the first of them with lying disks. The third leads, commits a payment, finalizes it and crashes before the
/// others learn that it is committed; they restart, and are given another payment. The properties that this breaks.
fn forget(forgetful: usize) -> Vec<&'static str> {
    let at = |millis| Time::ZERO + Duration::from_millis(millis);
    let plain = |millis, fault| FaultEvent { at: at(millis), fault, begins: None, ends: None };
    let law = Distribution::Constant { delay: Duration::from_millis(10) };
    let delay = Latency::from_distribution(&law).expect("a constant delay");
    let others: Vec<NodeId> = vec![NodeId(0), NodeId(1)];
    let accounts = Arc::new(Keyring::new(Crypto::Symbolic, 1, "account", 4));
    let transfers = vec![Transfer { at: Duration::from_secs(5), to: 2 }];
    let mut setup = Setup::<Raft> {
        name: "raft".into(),
        seed: 1,
        config: Config { heartbeat: Duration::from_millis(900), transfers, ..Config::default() },
        committee: Committee::new(3, FaultModel::Crash),
        crypto: Crypto::Symbolic,
        accounts: accounts.clone(),
        ledger: Box::new(|| Box::new(Account::new(4, 1_000, Reward::Nothing, 4))),
        network: Box::new(Transport::new(1, Box::new(delay), Settings::unlimited(3))),
        gossip: None,
        relay: TransactionRelay::Gossip,
        workload: None,
        client_delay: Duration::ZERO,
        client_retry: None,
        processes: (0..3).map(|_| ProcessSettings::default()).collect(),
        costs: CostTable::FREE,
        faults: vec![
            plain(10_030, Fault::crash(vec![NodeId(2)])),
            plain(10_031, Fault::crash(others.clone())),
            plain(11_000, Fault::restart(others)),
        ],
        interval: Duration::from_secs(1),
        stop: Stop::at(at(60_000)),
        recheck: false,
        observers: vec![Box::new(Checkers::new(&CheckSettings::new(3)))],
    };
    for seat in &mut setup.processes[..forgetful] {
        seat.adversary = Some(Box::new(LyingDisk));
    }
    let mut simulation = Simulation::new(setup);
    let payment = |from| {
        let body = Body::Transfer { to: AccountId(1), amount: 1 };
        Transaction::signed(&accounts, AccountId(from), 0, 1, body, 250)
    };
    simulation.submit_at(at(10_000), ClientId(0), NodeId(2), payment(0));
    for node in [NodeId(0), NodeId(1)] {
        simulation.submit_at(at(40_000), ClientId(1), node, payment(2));
    }
    while simulation.advance(Time::NEVER, 10_000) {}
    let finals = [0, 2].map(|node| simulation.finalized(NodeId(node)));
    assert!(finals[1].transactions().len() == 1, "the third finalized the first payment");
    assert!(finals[0].height() >= finals[1].height(), "the others go on");
    simulation.finish().iter().map(|violation| violation.property).collect()
}

/// What some scenarios of `scenarios/regressions` must come to besides a clean verdict and something final.
type Expectation = (&'static str, fn(&Outcome));

const REGRESSIONS: [Expectation; 3] = [
    ("full-blocks-with-coinbase", |outcome| {
        let (throughput, stale) = (figure(outcome, "throughput"), figure(outcome, "fork_rate"));
        assert!((0.53..0.68).contains(&throughput), "throughput {throughput} tx/s");
        assert!(stale < 1.0, "{stale} % stale");
        // Blocks are full: another payment of 250 B would not fit.
        let full = outcome.blocks.iter().filter(|block| (4_750..=5_200).contains(&block.bytes)).count();
        assert!(full * 10 > outcome.blocks.len() * 9, "{full} of {} blocks are full", outcome.blocks.len());
    }),
    ("mempool-behind-gaps", |outcome| {
        // Ten payments in a block of each second.
        let throughput = figure(outcome, "throughput");
        assert!((9.0..=10.5).contains(&throughput), "throughput {throughput} tx/s");
    }),
    ("payment-kept-by-a-cut", |outcome| {
        for name in ["pending", "rejected", "blocked_by_gap"] {
            assert!(figure(outcome, name) == 0.0, "{name}: {}", figure(outcome, name));
        }
    }),
];

#[test]
fn every_regression_stays_repaired() {
    let mut found: Vec<String> = Vec::new();
    for name in names("regressions") {
        if let Some(bug) = name.strip_prefix("published-") {
            assert!(PUBLISHED.iter().any(|(known, _)| *known == bug), "nothing runs {name}");
            continue;
        }
        let loaded = shipped("regressions", &name, &[]);
        let (outcome, verdict) = run_one(&loaded.scenario, loaded.scenario.seeds.0[0]);
        assert_holds(&name, &outcome, &verdict);
        REGRESSIONS.iter().filter(|(known, _)| *known == name).for_each(|(_, expect)| expect(&outcome));
        found.push(name);
    }
    assert!(REGRESSIONS.iter().all(|(known, _)| found.iter().any(|name| name == known)), "{found:?}");
}

/// What the heads of `scenarios/faults` say happens when a line is changed: the property that is broken then, if any.
const TRIED: [(&str, &[&str], Option<&str>); 9] = [
    ("aura-clone", &[r#"chain.protocol={ aura = { step = "2s", finality = "majority" } }"#], Some("agreement")),
    ("aura-garbled-links", &["fault[0].degrade.corrupt=0.3", "seed=9"], Some("agreement")),
    ("hotstuff-leader-crash-and-region-cut", &["chain.protocol.hotstuff.views_per_leader=1"], None),
    ("ripple-overlap", &["chain.protocol.ripple.unl={ overlap = 0.4 }"], Some("agreement")),
    ("scp-key-nodes-and-region-cut", &["chain.protocol.scp.slices={ flat = 29 }"], Some("agreement")),
    (
        "threshold-rewritten-history",
        &["chain.protocol.threshold.rewrite.coalition=[0, 1, 2, 3, 4]", "adversary[0].nodes=[0, 1, 2, 3, 4]"],
        Some("agreement"),
    ),
    ("twins-tendermint", &["adversary[0].nodes=[0, 1]"], Some("agreement")),
    ("vote-liars-and-region-cut", &["chain.protocol.vote.quorum=majority"], Some("agreement")),
    ("vote-one-double-voter-too-many", &["chain.protocol.vote.quorum=majority"], Some("agreement")),
];

/// A file of `scenarios/faults` under its first seed.
fn run_faults(name: &str, changes: &[&str]) -> (Outcome, Verdict) {
    let loaded = shipped("faults", name, changes);
    run_one(&loaded.scenario, loaded.scenario.seeds.0[0])
}

#[test]
fn every_scenario_of_faults_holds_as_shipped() {
    let names = names("faults");
    assert!(names.len() > 15 && TRIED.iter().all(|(known, ..)| names.iter().any(|name| name == known)), "{names:?}");
    names.into_par_iter().for_each(|name| {
        let (outcome, verdict) = run_faults(&name, &[]);
        assert_holds(&name, &outcome, &verdict);
    });
}

#[test]
fn what_the_scenarios_of_faults_say_to_try_breaks_what_they_say() {
    TRIED.into_par_iter().for_each(|(name, changes, property)| {
        let (_, verdict) = run_faults(name, changes);
        match property {
            Some(property) => assert!(is_broken(&verdict, property), "{name}: {:?}", verdict.counts),
            None => assert!(verdict.is_clean(), "{name}: {:?}", verdict.violations),
        }
    });
}

/// Bugs of others, as they were published, and what each breaks.
const PUBLISHED: [(&str, &str); 3] =
    [("raft-single-server-changes", "agreement"), ("ibft1-locks", "progress"), ("tendermint-hidden-locks", "progress")];

#[test]
fn bugs_of_history_break_what_they_broke_and_their_repairs_mend_it() {
    for (name, property) in PUBLISHED {
        let loaded = shipped("regressions", &format!("published-{name}"), &[]);
        let [published, repaired] = &loaded.variants[..] else { panic!("{name}: two variants") };
        let (_, verdict) = run_one(published, published.seeds.0[0]);
        let broken: Vec<&str> = verdict.violations.iter().map(|violation| violation.property).collect();
        assert!(broken.contains(&property), "{name}: {broken:?}");
        let (outcome, verdict) = run_one(repaired, repaired.seeds.0[0]);
        assert_holds(&format!("{name}, repaired"), &outcome, &verdict);
    }
}
