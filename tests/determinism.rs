//! A run is a pure function of its scenario and its seed.
//!
//! Every protocol, on small scenarios with crashes, partitions, losses, duplicates, jitter, slow disks, wrong clocks and
//! gossip: nothing that is not part of the scenario may move the fingerprint.

use ledgerlab::Catalogue;
use ledgerlab::base::{ByteSize, Committee, CostTable, Crypto, Duration, Keyring, NodeId, Time};
use ledgerlab::consensus::{nakamoto, pbft, raft};
use ledgerlab::engine::{Fault, FaultEvent, ProcessSettings, Setup, Simulation, Stop, TransactionRelay};
use ledgerlab::ledger::account::{Account, AccountWallet, Reward};
use ledgerlab::network::latency::{Distribution, Latency};
use ledgerlab::network::transport::{Settings, Transport};
use ledgerlab::network::{Change, Degradation};
use ledgerlab::observe::check::{Checkers, Settings as CheckSettings, Verdict};
use ledgerlab::observe::metrics::{Metrics, MetricsSettings, Summary};
use ledgerlab::observe::{Observed, Observer, Violation, fingerprint::Timeline};
use ledgerlab::protocol::Protocol;
use ledgerlab::scenario::Scenario;
use ledgerlab::scenario::build::build;
use ledgerlab::workload::Workload;
use ledgerlab::workload::payments::{Fee, Payments, Settings as Paying};
use std::process::Command;
use std::sync::Arc;

/// What goes wrong in every scenario, and everything else but the protocol.
const WORLD: &str = r#"
    [chain.nodes]
    regions = ["us-east-1", "eu-west-1", "ap-northeast-1"]
    upload = "20 Mbit/s"
    download = "50 Mbit/s"
    disk = "cloud_ssd_gp2"
    clock = { offset = "50 ms", drift_ppm = 100.0 }
    count = 7

    [chain.network]
    latency.regions = { data = "aws-2025", jitter = "internet" }
    loss = 0.01
    GRAPH

    [workload.payments]
    rate = 40.0
    accounts = 200
    bytes_sigma = 0.5
    fee.exponential = 100
    retry = "2s"

    [[fault]]
    at = "6s"
    until = "11s"
    crash = { nodes = [0, 5] }

    [[fault]]
    at = "12s"
    until = "16s"
    partition = { groups = [[1, 2, 3], "rest"] }

    [[fault]]
    at = "4s"
    until = "20s"
    degrade = { from = [0, 1], to = [4, 5, 6], extra_delay = "20 ms", jitter = "30 ms", loss = 0.1, duplicate = 0.1, reorder = true }
"#;

/// Each protocol: its name, its settings, its network, and the fingerprint of seed 1 on every machine and in every build.
/// A change of behaviour changes them; then write down what the failing test found, and say so in the commit.
const SCENARIOS: [(&str, &str, &str, &str); 12] = [
    (
        "aura",
        "protocol.aura = { step = \"1s\" }",
        "topology.outbound = { degree = 3 }\ngossip = \"flood\"",
        "de3301a82c833597281ea3092b2d02cc",
    ),
    (
        "clique",
        "protocol.clique = { period = \"1s\" }",
        "topology.outbound = { degree = 3 }\ngossip = \"flood\"",
        "e03578031376f84040fd76e15a6ebb58",
    ),
    ("hotstuff", "protocol.hotstuff = { variant = \"two_phase\" }", "", "c04079e64947669bc9e479dbe754949a"),
    (
        "nakamoto",
        r#"protocol.nakamoto = { spacing = "500 ms", retarget = 16, finality = { confirmations = 12 } }
           ledger.utxo = { coins = 4, subsidy = 50 }"#,
        r#"topology.outbound = { degree = 3 }
           gossip = "compact""#,
        "ddf3b9060f7610f5b5c57be068bd0e12",
    ),
    ("pbft", "protocol.pbft = { checkpoint_interval = 16, log_window = 32 }", "", "eff103198febd0bf69376b207e77bc29"),
    ("qbft", "protocol.qbft = { block_period = \"200 ms\" }", "", "91b514f918ef5e0e27f28106b103ca18"),
    (
        "raft",
        "protocol.raft = { snapshot_every = 40, snapshot_keep = 10, read_interval = \"500 ms\" }",
        "",
        "c17c008d7e09421012751de8792b8939",
    ),
    (
        "ripple",
        r#"protocol.ripple = { history = "state", granularity = "200 ms", min_consensus = "400 ms", min_close = "400 ms",
                                idle_interval = "3s", min_previous_round = "1s", max_consensus = "3s", proposal_fresh = "4s" }"#,
        "",
        "5e3527b30dc367f1ed9adb6e8ae09c38",
    ),
    (
        "scp",
        "protocol.scp = { period = \"1s\" }",
        "topology.outbound = { degree = 3 }\ngossip = \"flood\"",
        "6cb68425ab1741489bd01e10ed3cd265",
    ),
    ("tendermint", "protocol = \"tendermint\"", "", "93881baa717b7118a52e00949697999f"),
    (
        "threshold",
        "protocol.threshold = { slot = \"1s\", window = \"500ms\", skew = \"200ms\" }",
        "",
        "9310f2b0866e25ff4877bdf144d096d1",
    ),
    ("vote", "protocol.vote = { randomness = \"seed\" }", "", "9457e3127be9ecd221ed7dfc116f3614"),
];

fn scenario(protocol: &str, overrides: &[&str]) -> Scenario {
    let (name, settings, graph, _) = SCENARIOS.into_iter().find(|(name, ..)| *name == protocol).expect("known");
    let head =
        format!("name = \"{name}\"\nseed = 1\ncrypto = \"symbolic\"\nduration = \"25s\"\n[[chain]]\n{settings}\n");
    let text = head + &WORLD.replace("GRAPH", graph);
    let overrides: Vec<String> = overrides.iter().map(|change| (*change).to_owned()).collect();
    let loaded = Scenario::load(&Catalogue::standard(), name, &text, &overrides)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    loaded.scenario
}

/// What a run came to.
struct RunResult {
    timeline: Timeline,
    events: u64,
    summary: Summary,
    verdict: Verdict,
}

/// Runs a scenario in which nothing breaks, so many events at a time.
fn run(scenario: &Scenario, seed: u64, slice: u64) -> RunResult {
    let ran = run_unchecked(scenario, seed, slice);
    assert!(ran.verdict.is_clean(), "{:?}", ran.verdict.violations);
    ran
}

/// Runs a scenario, so many events at a time.
fn run_unchecked(scenario: &Scenario, seed: u64, slice: u64) -> RunResult {
    let mut built = build(&Catalogue::standard(), scenario, seed, &|path| Err(format!("no {path}"))).expect("a world");
    while built.simulation.advance(slice) {}
    let chain = &mut built.simulation.chains[0];
    chain.finish();
    let verdict = built.watchers[0].checks.look(|suite| suite.verdict().clone());
    let (end, events) = (chain.end(), chain.events());
    let timeline = chain.timeline().expect("a finished run").clone();
    let blank = Metrics::new(MetricsSettings::new(1, Duration::from_secs(1)));
    let metrics = built.watchers[0].metrics.look(|metrics| std::mem::replace(metrics, blank));
    let summary = metrics.outcome(end, &verdict).summary;
    RunResult { timeline, events, summary, verdict }
}

/// The fingerprint at the end.
fn print(ran: &RunResult) -> String {
    ran.timeline.intervals().last().expect("an interval").value.to_string()
}

fn every_protocol(check: impl Fn(&str)) {
    for (name, ..) in SCENARIOS {
        check(name);
    }
}

/// What follows is about runs in which much happens.
#[test]
fn the_scenarios_are_rich() {
    every_protocol(|name| {
        let ran = run(&scenario(name, &[]), 1, u64::MAX);
        let value = |figure| ran.summary.value(figure).unwrap_or_default();
        assert!(ran.events > 5_000, "{name}: {} events", ran.events);
        assert!(value("throughput") > 10.0, "{name}: {}", value("throughput"));
        assert!(value("messages_lost") > 50.0, "{name}");
    });
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another_one() {
    every_protocol(|name| {
        let (first, again) = (run(&scenario(name, &[]), 1, 1_000), run(&scenario(name, &[]), 1, 1_000));
        assert_eq!(first.timeline, again.timeline, "{name}");
        assert_eq!(first.summary, again.summary, "{name}");
        assert_ne!(first.timeline, run(&scenario(name, &[]), 2, 1_000).timeline, "{name}");
    });
}

#[test]
fn runs_do_not_depend_on_the_slices_in_which_they_are_advanced() {
    every_protocol(|name| {
        let whole = run(&scenario(name, &[]), 1, u64::MAX);
        for slice in [1, 7, 4_096] {
            assert_eq!(run(&scenario(name, &[]), 1, slice).timeline, whole.timeline, "{name}, {slice} at a time");
        }
    });
}

#[test]
fn runs_with_generic_misconduct_are_as_reproducible() {
    let attacks = ["twins", "{ amnesia = { every = \"3s\" } }", "replay", "{ censor = { accounts = [0] } }", "corrupt"];
    for (protocol, attack) in ["clique", "pbft", "nakamoto", "tendermint", "raft"].into_iter().zip(attacks) {
        for attack in [attack, "twins"] {
            let quoted = if attack.starts_with('{') { attack.to_owned() } else { format!("\"{attack}\"") };
            let adversary = format!("adversary=[{{ nodes = [6], attack = {quoted} }}]");
            let first = run_unchecked(&scenario(protocol, &[&adversary]), 1, u64::MAX);
            let again = run_unchecked(&scenario(protocol, &[&adversary, "check.recompute=true"]), 1, 7);
            assert_eq!(first.timeline, again.timeline, "{protocol}, {attack}");
            assert_eq!(first.summary, again.summary, "{protocol}, {attack}");
            assert_ne!(first.timeline, run(&scenario(protocol, &[]), 1, u64::MAX).timeline, "{protocol}, {attack}");
        }
    }
}

/// Across processes, builds and machines.
#[test]
fn the_fingerprint_of_each_protocol_is_the_one_written_down() {
    let found = SCENARIOS.map(|(name, ..)| print(&run(&scenario(name, &[]), 1, 1_000)));
    assert_eq!(found, SCENARIOS.map(|(.., known)| known.to_owned()));
}

#[test]
fn another_process_finds_the_same() {
    // The process that is started runs the test above alone.
    let program = std::env::current_exe().expect("this program");
    let only = ["--exact", "determinism::the_fingerprint_of_each_protocol_is_the_one_written_down"];
    let output = Command::new(program).args(only).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn computing_everything_again_changes_nothing() {
    every_protocol(|name| {
        let remembered = run(&scenario(name, &[]), 1, 1_000);
        let recomputed = run(&scenario(name, &["check.recompute=true"]), 1, 1_000);
        assert_eq!(remembered.timeline, recomputed.timeline, "{name}");
        assert_eq!(remembered.summary, recomputed.summary, "{name}");
    });
}

#[test]
fn real_signatures_give_the_same_figures_as_symbolic_ones() {
    every_protocol(|name| {
        let real = run(&scenario(name, &["crypto=real", "duration=15s"]), 1, 1_000);
        let symbolic = run(&scenario(name, &["crypto=symbolic", "duration=15s"]), 1, 1_000);
        assert_eq!(real.summary, symbolic.summary, "{name}");
        assert_eq!(real.events, symbolic.events, "{name}");
    });
}

/// The same in a world made by hand, where observers and idle nodes can be added.
fn by_hand<P: Protocol>(config: P::Config, weights: Vec<u64>, idle: usize) -> Setup<P> {
    let (active, n) = (weights.len(), weights.len() + idle);
    let committee = Committee::weighted(weights.into_iter().chain(std::iter::repeat_n(0, idle)).collect(), P::FAULTS);
    let law = Distribution::Lognormal { median: Duration::from_millis(40), sigma: 0.4 };
    let delay = Latency::from_distribution(&law).expect("a possible law");
    let accounts = Arc::new(Keyring::new(Crypto::Symbolic, 1, "account", 50));
    let paying = Paying {
        rate: Some(30.0),
        clients: Some(active as u32),
        accounts: 50,
        zipf_exponent: 0.5,
        bytes: ByteSize(300),
        fee: Fee::Constant(1),
        ..Paying::default()
    };
    let homes: Vec<NodeId> = (0..active).map(NodeId::from).collect();
    let wallet = Box::new(AccountWallet::new(50, 1_000_000));
    let workload: Box<dyn Workload> = Box::new(Payments::new(1, paying, &homes, accounts.clone(), wallet));
    let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
    let plain = |at, fault| FaultEvent { at, fault, begins: None, ends: None };
    let all_nodes: Vec<NodeId> = homes.clone();
    let by = Degradation { loss: 0.05, jitter: Duration::from_millis(20), ..Degradation::default() };
    let mut faults = vec![
        plain(at(1), Fault::Network(Change::Degrade { id: 1, from: all_nodes.clone(), to: all_nodes, by })),
        plain(at(4), Fault::crash(vec![NodeId(1)])),
        plain(at(8), Fault::restart(vec![NodeId(1)])),
    ];
    if idle > 0 {
        faults.push(plain(Time::ZERO, Fault::crash((active..n).map(NodeId::from).collect())));
    }
    Setup {
        name: P::NAME.into(),
        seed: 1,
        config,
        committee,
        crypto: Crypto::Symbolic,
        accounts,
        ledger: Box::new(|| Box::new(Account::new(50, 1_000_000, Reward::Fees, 50))),
        network: Box::new(Transport::new(1, Box::new(delay), Settings::unlimited(n))),
        gossip: None,
        relay: TransactionRelay::Gossip,
        workload: Some(workload),
        client_delay: Duration::from_millis(3),
        client_retry: Some(Duration::from_secs(2)),
        processes: (0..n).map(|_| ProcessSettings::default()).collect(),
        costs: CostTable::default(),
        faults,
        interval: Duration::from_secs(1),
        stop: Stop::at(at(20)),
        recheck: false,
        observers: Vec::new(),
    }
}

fn finish<P: Protocol>(setup: Setup<P>) -> Simulation<P> {
    let mut simulation = Simulation::new(setup);
    while simulation.advance(Time::NEVER, 1_000) {}
    simulation.finish();
    simulation
}

/// Sees everything and objects to everything.
struct Grumbler;

impl Observer for Grumbler {
    fn observe(&mut self, at: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        let kind = ledgerlab::observe::ViolationKind::Safety;
        Err(Violation { property: "quiet", kind, at, what: format!("{observed:?}").chars().take(20).collect() })
    }
    fn wants_messages(&self) -> bool {
        true
    }
}

fn watched<P: Protocol>(config: &P::Config) {
    let bare = finish(by_hand::<P>(config.clone(), vec![1; 4], 0));
    let mut setup = by_hand::<P>(config.clone(), vec![1; 4], 0);
    setup.observers.push(Box::new(Checkers::new(&CheckSettings::new(4))));
    setup.observers.push(Box::new(Grumbler));
    setup.observers.push(Box::new(Metrics::new(MetricsSettings::new(4, Duration::from_secs(20)))));
    let watched = finish(setup);
    assert!(bare.events() > 1_000 && bare.finalized(NodeId(2)).height().0 > 3, "{}", P::NAME);
    assert_eq!(bare.timeline(), watched.timeline(), "{}", P::NAME);
    assert_eq!(bare.events(), watched.events(), "{}", P::NAME);
    assert!(watched.violations().len() > 1_000, "the checker reported");
}

fn short_blocks() -> nakamoto::Config {
    let finality = nakamoto::finality::Finality { confirmations: Some(3), ..Default::default() };
    nakamoto::Config { spacing: Duration::from_millis(500), finality, ..nakamoto::Config::default() }
}

#[test]
fn who_watches_changes_nothing() {
    watched::<nakamoto::Nakamoto>(&short_blocks());
    watched::<pbft::Pbft>(&pbft::Config::default());
    watched::<raft::Raft>(&raft::Config::default());
}

/// Of the three only proof of work has room for a node without weight that is never there: the others count heads. Nothing
/// else fails here, for a node that has lost touch asks anybody, the absent included.
#[test]
fn a_node_that_is_never_there_changes_nothing_for_the_others() {
    let run = |idle: usize| {
        let mut setup = by_hand::<nakamoto::Nakamoto>(short_blocks(), vec![3, 2, 1], idle);
        setup.faults.retain(|scheduled| scheduled.at == Time::ZERO);
        finish(setup)
    };
    let (alone, with_idle) = (run(0), run(2));
    let chain = |simulation: &Simulation<nakamoto::Nakamoto>, node| {
        let heights = (1..).map(|height| simulation.block_at(NodeId(node), ledgerlab::base::Height(height)));
        heights.map_while(|block| block.map(|block| block.id())).collect::<Vec<_>>()
    };
    assert!(chain(&alone, 0).len() > 20, "{}", chain(&alone, 0).len());
    for node in 0..3 {
        assert_eq!(chain(&alone, node), chain(&with_idle, node));
    }
}
