//! Attacks that need no knowledge of a protocol, against every protocol of the registry: as many such nodes as a
//! protocol bears break nothing and stop nothing, and one pair of twins more makes it fork.

use ledgerlab::Catalogue;
use ledgerlab::base::{FaultModel, NodeId};
use ledgerlab::observe::ViolationKind;
use ledgerlab::observe::check::Verdict;
use ledgerlab::scenario::Scenario;
use ledgerlab::scenario::build::build;

/// Settings under which a protocol decides within seconds, where its own take longer, and bears faulty nodes.
const SETTINGS: [(&str, &str); 7] = [
    ("aura", "protocol.aura = { step = \"1s\" }"),
    ("clique", "protocol.clique = { period = \"1s\" }"),
    ("nakamoto", "protocol.nakamoto = { spacing = \"1s\", retarget = 0, finality = { confirmations = 12 } }"),
    ("ripple", "protocol.ripple = { min_close = \"500 ms\", min_consensus = \"500 ms\", granularity = \"200 ms\" }"),
    ("scp", "protocol.scp = { period = \"1s\" }"),
    ("threshold", "protocol.threshold = { slot = \"1s\", window = \"500 ms\", skew = \"200 ms\" }"),
    ("vote", "protocol.vote = { quorum = \"two_thirds\" }"),
];

/// Every misconduct, with settings that bite within the run.
const ATTACKS: [&str; 9] = [
    "attack = \"twins\"",
    "attack.twins = { sides = [[0, 2], [2, 4, 5], [5, 6]] }",
    "attack.amnesia = { every = \"3s\" }",
    "attack.replay = { max_delay = \"10s\", probability = 0.3 }",
    "attack.withhold = { first_peers = [0, 2], delay = \"700 ms\" }",
    "attack.censor = { accounts = [0, 1, 2] }",
    "attack.corrupt = { probability = 0.5 }",
    "attack.selective = { to = [0, 2] }",
    "attack.delay = { delay = \"700 ms\" }",
];

/// Runs a scenario under its first seed: the height that node 0 finalized, and what the checkers found.
fn run(text: &str, changes: &[&str]) -> (u64, Verdict) {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    let loaded = Scenario::load(&Catalogue::standard(), "misconduct", text, &changes)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    let mut built =
        build(&Catalogue::standard(), &loaded.scenario, 1, &|path| Err(format!("no {path}"))).expect("a world");
    while built.simulation.advance(1_000_000) {}
    let chain = &mut built.simulation.chains[0];
    chain.finish();
    let height = chain.finalized(NodeId(0)).height().0;
    (height, built.watchers[0].checks.look(|suite| suite.verdict().clone()))
}

/// The properties of safety that break.
fn broken(text: &str, changes: &[&str]) -> Vec<&'static str> {
    let counts = run(text, changes).1.counts.into_iter();
    counts.filter(|(_, kind, _)| *kind == ViolationKind::Safety).map(|(property, ..)| property).collect()
}

fn world(protocol: &str, nodes: u32, network: &str, adversary: &str) -> String {
    let own = SETTINGS.iter().find(|(name, _)| *name == protocol).map(|(_, settings)| (*settings).to_owned());
    let settings = own.unwrap_or_else(|| format!("protocol = \"{protocol}\""));
    format!(
        r#"
        name = "misconduct"
        seed = 1
        crypto = "symbolic"
        duration = "30s"
        [[chain]]
        {settings}
        [chain.nodes]
        count = {nodes}
        regions = ["us-east-1", "eu-west-1", "ap-northeast-1"]
        [chain.network]
        latency.regions = {{ data = "aws-2025", jitter = "internet" }}
        {network}
        [workload.payments]
        rate = 20
        accounts = 50
        retry = "3s"
        [[adversary]]
        {adversary}
        "#
    )
}

/// Two of seven, in every protocol that claims to bear faulty nodes; the others must not fail over what they receive. Ripple asks
/// four fifths, and so goes on without one of seven only.
fn every_protocol(attack: &str, network: &str) {
    let catalogue = Catalogue::standard();
    assert!(SETTINGS.iter().all(|(name, _)| catalogue.protocol(name).is_some()));
    for protocol in catalogue.protocols() {
        let one = protocol.faults == FaultModel::Crash || protocol.name == "ripple";
        let nodes = if one { "3" } else { "[1, 3]" };
        let text = world(protocol.name, 7, network, &format!("nodes = {nodes}\n{attack}"));
        let (height, verdict) = run(&text, &[]);
        let is_bound = protocol.faults == FaultModel::Byzantine;
        assert!(!is_bound || verdict.is_clean(), "{}, {attack}: {:?}", protocol.name, verdict.violations);
        assert!(height > 3, "{}, {attack}: height {height}", protocol.name);
    }
}

#[test]
fn two_twins_of_seven_break_nothing() {
    every_protocol(ATTACKS[0], "");
}

#[test]
fn two_triplets_of_seven_whose_sides_overlap_break_nothing() {
    every_protocol(ATTACKS[1], "");
}

#[test]
fn twins_on_a_graph_break_nothing() {
    every_protocol(ATTACKS[0], "topology.outbound = { degree = 3 }\ngossip = \"flood\"");
}

#[test]
fn two_forgetful_nodes_of_seven_break_nothing() {
    every_protocol(ATTACKS[2], "");
}

#[test]
fn two_replaying_nodes_of_seven_break_nothing() {
    every_protocol(ATTACKS[3], "");
}

#[test]
fn two_withholding_nodes_of_seven_break_nothing() {
    every_protocol(ATTACKS[4], "");
}

#[test]
fn two_censoring_nodes_of_seven_break_nothing() {
    every_protocol(ATTACKS[5], "");
}

#[test]
fn two_corrupting_nodes_of_seven_break_nothing() {
    every_protocol(ATTACKS[6], "");
    every_protocol(ATTACKS[6], "topology.outbound = { degree = 3 }\ngossip = \"flood\"");
}

#[test]
fn two_selective_or_late_nodes_of_seven_break_nothing() {
    every_protocol(ATTACKS[7], "");
    every_protocol(ATTACKS[8], "");
}

/// Two of four, each once with one half of the others and once with the other half: either side is a quorum.
#[test]
fn twins_beyond_the_bound_make_protocols_fork_and_are_caught() {
    let shipped = include_str!("../scenarios/faults/twins-tendermint.toml");
    for protocol in ["hotstuff", "pbft", "qbft", "tendermint"] {
        let protocol = format!("chain.protocol={protocol}");
        let of = |nodes: &str| broken(shipped, &[protocol.as_str(), "crypto=symbolic", "duration=15s", nodes]);
        let (one, two) = (of("adversary[0].nodes=0"), of("adversary[0].nodes=[0, 1]"));
        assert!(one.is_empty(), "{protocol}: {one:?}");
        assert!(two.contains(&"agreement"), "{protocol}: {two:?}");
    }
}

/// Raft claims to bear crashes only: one node with two lives suffices.
#[test]
fn a_pair_of_twins_makes_raft_fork_and_is_caught() {
    let text = world("raft", 7, "", "nodes = 3\nattack = \"twins\"");
    assert!(broken(&text, &[]).contains(&"agreement"));
}

/// A majority as quorum is what Proof of Vote was published with: two majorities of seven may share one node only, a faulty one.
#[test]
fn proof_of_vote_by_majority_forks_under_twins_and_is_caught() {
    let text = world("vote", 7, "", "nodes = [1, 3]\nattack = \"twins\"");
    assert!(broken(&text, &[]).is_empty());
    assert!(broken(&text, &["chain.protocol.vote.quorum=majority"]).contains(&"agreement"));
}
