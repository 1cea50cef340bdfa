//! The scenarios in which keys are tried, and where what is tried by itself shows nothing, what shows it.

/// What a key needs around it.
pub struct Case {
    /// The key, or what its name begins with.
    pub key: &'static str,
    /// Laid over the base in both runs; or a file that takes its place.
    pub given: &'static str,
    /// Values in TOML that are tried instead of the usual ones; none for the usual ones.
    pub values: &'static [&'static str],
}

const fn case(key: &'static str, given: &'static str, values: &'static [&'static str]) -> Case {
    Case { key, given, values }
}

/// What all begin with: a crash that heals and a cut that heals, under load.
pub const BASE: &str = r#"
name = "keys"
seed = 1
duration = "9s"
warm_up = "1s"
crypto = "symbolic"
[[chain]]
protocol = "pbft"
[chain.nodes]
count = 4
regions = ["us-east-1", "eu-west-1"]
[chain.network]
latency.lognormal = { median = "40ms", sigma = 0.3 }
[workload.payments]
rate = 20.0
accounts = 20
retry = "1s"
[[fault]]
at = "2s"
until = "4s"
crash = { nodes = "leader" }
[[fault]]
at = "5s"
until = "6s"
partition = { groups = [[0, 1], "rest"] }
[output]
charts = false
"#;

/// What keys that begin so cannot stand beside.
pub const WITHOUT: [(&str, &str); 6] = [
    ("chain[].protocol.ripple", "fault"),
    ("fault[]", "fault"),
    ("seeds", "seed"),
    ("workload.payments.arrival.bursts", "workload.payments.rate"),
    ("workload.payments.arrival.closed", "workload.payments.rate"),
    ("workload.payments.arrival.piecewise", "workload.payments.rate"),
];

/// A second chain, for keys that name one.
const TWO: &str = "chain = [{ name = 'main' }, { name = 'other', protocol = 'raft', nodes = { count = 4 } }]";
/// A fault, for keys that all kinds share.
const CRASH: &str = "fault = [{ at = '2s', until = '6s', crash = { nodes = 'leader' } }]";
/// Many nodes with few neighbours.
const SPARSE: &str = "chain = [{ nodes.count = 12, protocol.raft = {}, network.gossip = 'flood' }]";
/// The same for blocks that are announced.
const MINERS: &str = "chain = [{ nodes.count = 10, protocol.nakamoto.spacing = '1s', network = { topology.random_regular.degree = 4, gossip.flood = {} } }]";
/// Proposers that are paid.
const PAID: &str = "chain = [{ protocol.nakamoto.spacing = '1s' }]";
/// Proposers that are paid and spend what they are paid.
const COINS: &str = "chain = [{ protocol.nakamoto.spacing = '1s', ledger.utxo = { coins = 2, halving = 2 } }]";
/// One chain's blocks are anchored in another.
const ANCHOR: &str = "chain = [{ name = 'main' }, { name = 'other', protocol = 'raft', nodes.count = 4 }]\nagent = [{ anchor = { from = 'main', into = 'other', every = 3 } }]";
/// Logs are compacted while a node is away.
const SNAPSHOTS: &str =
    "chain = [{ protocol.raft = { snapshot_every = 5, snapshot_keep = 1, snapshot_chunk = '100 B' } }]";
/// A node joins and one leaves.
const MEMBERS: &str = "chain = [{ nodes.count = 5, protocol.raft = { voters = [0, 1, 2], membership = [{ at = '3s', add = [3], remove = [0] }] } }]";
/// Long enough for some ledgers, with faults.
const LEDGERS: &str = "duration = '45s'\nchain = [{ nodes.count = 5 }]\nworkload.payments.rate = 4.0\nfault = [{ at = '10s', until = '20s', crash = { nodes = 4 } }, { at = '22s', until = '30s', partition = { groups = [[0, 1], 'rest'] } }]";

/// Authorities in turn, some of which are away.
const AUTHORITIES: &str = "duration = '30s'\nchain = [{ nodes.count = 6, protocol.aura.step = '1s' }]";
/// Signers in turn and out of turn.
const SIGNERS: &str = "duration = '30s'\nchain = [{ nodes.count = 6, protocol.clique.period = '1s' }]";
/// Signers that let another in.
const PROPOSALS: &str = "duration = '30s'\nfault = [{ at = '20s', crash = { nodes = 0 } }]\nchain = [{ nodes.count = 6, protocol.clique = { period = '1s', signers = 3, proposals = [{ signers = [0, 1], candidate = 3, add = true, from = '3s' }] } }]";

/// Blocks come faster than they spread.
const FORKS: &str = "duration = '40s'\nchain = [{ nodes.count = 6, protocol.nakamoto.spacing = '1s', network.latency.lognormal.median = '400ms' }]";

/// Which others each node needs, node by node.
const GIVEN: &str = "duration = '20s'\nchain = [{ protocol.scp.slices.given = [{ threshold = 3, validators = [0, 1, 2, 3] }, { threshold = 3, validators = [0, 1, 2, 3] }, { threshold = 3, validators = [0, 1, 2, 3] }, { threshold = 3, validators = [0, 1, 2, 3] }] }]";

/// Colluders rewrite what was final.
const REWRITE: &str = "duration = '50s'\nfault = []\nadversary = [{ nodes = [0, 1, 2, 3, 4], attack = 'rewrite' }]\nchain = [{ nodes.count = 7, protocol.threshold = { slot = '2s', skew = '400ms', window = '1s', rewrite = { from = 3, upto = 8, coalition = [0, 1, 2, 3, 4], victim = 6 } } }]";

/// Of several that fit, the one with the longest name counts.
pub const CASES: &[Case] = &[
    case("name", "", &["'other'"]),
    case("question", "", &["'Why?'"]),
    case("duration", "", &["'8s'"]),
    case("seed", "", &["2"]),
    case("seeds", "", &["[2]", "'2..3'"]),
    case("memory_limit", "", &["'1 kB'"]),
    case("stop", "", &["20"]),
    case("variant", "variant = [{ name = 'one' }]", &[]),
    case("variant[].name", "variant = [{ name = 'one' }]", &["'two'"]),
    case("variant[].set", "variant = [{ name = 'one' }]", &["{ crypto = 'real', duration = '8s' }"]),
    case(
        "explore",
        "duration = '8s'\nexplore = { cases = 2, safety_phase = '3s' }\ncheck = { progress = '4s', catch_up = '4s' }\nfault = []",
        &[],
    ),
    case("explore.cases", "duration = '8s'\nexplore = { cases = 2, safety_phase = '3s' }\nfault = []", &["1"]),
    case(
        "explore.attacks[]",
        "duration = '8s'\nexplore = { cases = 4, safety_phase = '3s' }\nfault = []",
        &["'silent'"],
    ),
    case(
        "explore.safety_phase",
        "duration = '8s'\nexplore = { cases = 2, safety_phase = '3s' }\nfault = []",
        &["'6s'"],
    ),
    case(
        "explore.max_clock_jump",
        "duration = '8s'\nexplore = { cases = 4, safety_phase = '6s', fault_kinds = ['clock'] }\nfault = []",
        &["'5ms'"],
    ),
    case("check.progress", "", &["'500ms'"]),
    case("check.catch_up", "fault = [{ at = '3s', crash = { nodes = 3 } }]", &["'1ms'"]),
    case("adversary", "adversary = [{ nodes = 3, attack = 'silent' }]", &[]),
    case(
        "adversary[].chain",
        "chain = [{ name = 'main' }, { name = 'other', protocol = 'raft', nodes = { count = 4 } }]\nadversary = [{ nodes = 3, attack = 'silent' }]",
        &["'other'"],
    ),
    case("adversary[].attack.twins", "adversary = [{ nodes = 3, attack = 'twins' }]", &[]),
    case(
        "adversary[].attack.twins.sides[][]",
        "adversary = [{ nodes = 3, attack = { twins = { sides = [[0, 1], [2]] } } }]",
        &["[[0], [1, 2]]"],
    ),
    case("adversary[].nodes.fraction", "adversary = [{ nodes = { fraction = 0.25 }, attack = 'silent' }]", &["0.0"]),
    case(
        "adversary[].nodes.region",
        "adversary = [{ nodes = { region = 'us-east-1' }, attack = 'silent' }]",
        &["'eu-west-1'"],
    ),
    case("agent[]", ANCHOR, &["{ anchor = { from = 'main', into = 'other', every = 5 } }"]),
    case("agent[].anchor", ANCHOR, &[]),
    case(
        "agent[].anchor.from",
        "chain = [{ name = 'main' }, { name = 'other', protocol = 'raft', nodes.count = 4 }, { name = 'third', protocol = 'raft', nodes.count = 3 }]\nagent = [{ anchor = { from = 'main', into = 'other', every = 3 } }]",
        &["'third'"],
    ),
    case(
        "agent[].anchor.into",
        "chain = [{ name = 'main' }, { name = 'other', protocol = 'raft', nodes.count = 4 }, { name = 'third', protocol = 'raft', nodes.count = 3 }]\nagent = [{ anchor = { from = 'main', into = 'other', every = 3 } }]",
        &["'third'"],
    ),
    case("chain[].name", "", &["'other'"]),
    case("chain[].ledger.account.reward", PAID, &["'nothing'"]),
    case(
        "chain[].ledger.account.reward.minted",
        "chain = [{ protocol.nakamoto.spacing = '1s', ledger.account.reward.minted = 5 }]",
        &["7"],
    ),
    case("chain[].ledger.utxo", COINS, &[]),
    case("chain[].network.topology", SPARSE, &[]),
    case(
        "chain[].network.topology.complete",
        "chain = [{ nodes.count = 12, protocol.raft = {}, network = { gossip = 'flood', topology.ring = {} } }]",
        &[],
    ),
    case(
        "chain[].network.topology.degrees",
        "chain = [{ nodes.count = 30, protocol.raft = {}, network = { gossip = 'flood', topology.degrees.data = 'bitcoin-2015' } }]",
        &[],
    ),
    case(
        "chain[].network.topology.degrees.data",
        "chain = [{ nodes.count = 30, protocol.raft = {}, network = { gossip = 'flood', topology.degrees.data = 'bitcoin-2015' } }]",
        &["'litecoin'"],
    ),
    case(
        "chain[].network.topology.file.path",
        "chain = [{ network = { gossip = 'flood', topology.file.path = 'ring.gml' } }]",
        &["'star.gml'"],
    ),
    case("chain[].network.gossip", MINERS, &[]),
    case("chain[].network.gossip.flood", "chain = [{ network.gossip = 'direct' }]", &[]),
    case(
        "chain[].network.gossip.sqrt_push.push_max",
        "chain = [{ nodes.count = 10, protocol.nakamoto = { spacing = '1s' }, network = { topology.random_regular.degree = 4, gossip.sqrt_push = {} } }]",
        &["'1 B'", "'100 B'", "'300 B'"],
    ),
    case(
        "chain[].network.topology.outbound.max_inbound",
        "chain = [{ nodes.count = 12, protocol.raft = {}, network = { gossip = 'flood', topology.outbound = { degree = 3, max_inbound = 20 } } }]",
        &["3", "4"],
    ),
    case("chain[].network.gossip.direct", "chain = [{ network.gossip = 'flood' }]", &[]),
    case("chain[].network.latency.regions", "chain = [{ network.latency.regions.data = 'aws-2025' }]", &[]),
    case(
        "chain[].network.latency.shifted_lognormal",
        "chain = [{ network.latency.shifted_lognormal = { min = '10ms', median = '50ms', sigma = 0.3 } }]",
        &[],
    ),
    case(
        "chain[].network.latency.regions.data",
        "chain = [{ nodes.regions = ['EUROPE', 'JAPAN'], network.latency = { regions.data = 'six-regions-2018' } }]",
        &["'simblock-2015'"],
    ),
    case(
        "chain[].network.latency.simblock.data",
        "chain = [{ nodes.regions = ['EUROPE', 'JAPAN'], network.latency = { simblock.data = 'simblock-2015' } }]",
        &["'simblock-2019'"],
    ),
    case(
        "chain[].network.latency.empirical",
        "chain = [{ network.latency = { empirical.quantiles = [[0.0, '10ms'], [1.0, '90ms']] } }]",
        &[],
    ),
    case("chain[].nodes.count", "", &["5"]),
    case("chain[].nodes.max_faulty", "", &["0"]),
    case("chain[].nodes.regions", "", &["['us-east-1']"]),
    case("chain[].nodes.regions[]", "", &["'sa-east-1'"]),
    case("chain[].nodes.weights", "", &["[3, 1, 1, 1]"]),
    case(
        "chain[].nodes.weights[]",
        "chain = [{ nodes.weights = [1, 1, 1, 1], protocol.tendermint = {} }]",
        &["[3, 1, 1, 1]"],
    ),
    case("chain[].protocol.aura", AUTHORITIES, &[]),
    case("chain[].protocol.aura.finality", AUTHORITIES, &["'two_thirds'"]),
    case(
        "chain[].protocol.aura.future_steps",
        "chain = [{ protocol.aura.step = '1s' }]\nfault = [{ at = '2s', until = '8s', clock = { nodes = 0, ahead = '2s' } }]",
        &["0", "1"],
    ),
    case("chain[].protocol.clique", SIGNERS, &[]),
    case("chain[].protocol.clique.epoch", PROPOSALS, &["2", "1"]),
    case("chain[].protocol.clique.proposals", PROPOSALS, &[]),
    case("chain[].protocol.clique.proposals[].add", PROPOSALS, &["false"]),
    case("chain[].protocol.clique.proposals[].candidate", PROPOSALS, &["4"]),
    case("chain[].protocol.clique.proposals[].from", PROPOSALS, &["'8s'"]),
    case("chain[].protocol.clique.proposals[].signers[]", PROPOSALS, &["[0]"]),
    case(
        "chain[].protocol.hotstuff.view_timeout_max",
        "chain = [{ protocol.hotstuff.view_timeout = '300ms' }]",
        &["'300ms'", "'400ms'"],
    ),
    case("chain[].protocol.nakamoto", FORKS, &[]),
    case(
        "chain[].protocol.nakamoto.clamp",
        "duration = '40s'\nchain = [{ protocol.nakamoto = { spacing = '1s', retarget = 4 } }]",
        &["1"],
    ),
    case("chain[].protocol.nakamoto.finality.confirmations", FORKS, &["2"]),
    case("chain[].protocol.nakamoto.finality.eps", FORKS, &["0.5"]),
    case("chain[].protocol.nakamoto.finality.q", FORKS, &["0.2"]),
    case(
        "chain[].protocol.nakamoto.future_limit",
        "duration = '40s'\nchain = [{ protocol.nakamoto.spacing = '1s' }]\nfault = [{ at = '2s', until = '30s', clock = { nodes = 0, ahead = '20s' } }]",
        &["'1s'"],
    ),
    case(
        "chain[].protocol.nakamoto.hash_rate",
        "duration = '40s'\nchain = [{ protocol.nakamoto = { spacing = '1s', mining = 'ground', retarget = 4 } }]",
        &["3", "50"],
    ),
    case("chain[].protocol.nakamoto.retarget", FORKS, &["4"]),
    case("chain[].protocol.nakamoto.spacing", "", &["'1s'"]),
    case(
        "chain[].protocol.nakamoto.headers_timeout",
        "duration = '40s'\nchain = [{ protocol.nakamoto.spacing = '1s' }]\nfault = [{ at = '3s', until = '30s', degrade = { loss = 0.5 } }]",
        &["'300ms'", "'2s'"],
    ),
    case("chain[].protocol.pbft.log_window", "chain = [{ protocol.pbft.checkpoint_interval = 2 }]", &["2"]),
    case("chain[].protocol.qbft.quorum", "chain = [{ nodes.count = 6 }]", &["'early'"]),
    case("chain[].protocol.raft.change_guard", MEMBERS, &["false"]),
    case("chain[].protocol.raft.membership", MEMBERS, &[]),
    case("chain[].protocol.raft.membership[].at", MEMBERS, &["'5s'"]),
    case("chain[].protocol.raft.method", MEMBERS, &["'single'"]),
    case("chain[].protocol.raft.session_timeout", SNAPSHOTS, &[]),
    case("chain[].protocol.raft.session_window", SNAPSHOTS, &[]),
    case("chain[].protocol.raft.snapshot_chunk", SNAPSHOTS, &[]),
    case("chain[].protocol.raft.snapshot_keep", SNAPSHOTS, &[]),
    case("chain[].protocol.ripple", LEDGERS, &[]),
    case("chain[].protocol.ripple.bins[]", LEDGERS, &["['2s', '3s', '4s']"]),
    case(
        "chain[].protocol.ripple.unl.lists[][]",
        "chain = [{ protocol.ripple.unl.lists = [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]] }]",
        &["[[0, 1, 2], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3]]"],
    ),
    case("chain[].protocol.ripple.unl.overlap", "chain = [{ protocol.ripple.unl.overlap = 0.5 }]", &["0.9"]),
    case("chain[].protocol.scp.slices.flat", "chain = [{ protocol.scp.slices.flat = 67 }]", &["90"]),
    case("chain[].protocol.ripple.unl", "", &["{ overlap = 0.5 }"]),
    case("chain[].protocol.scp.slices.given[].threshold", GIVEN, &["4"]),
    case("chain[].protocol.scp.slices.given[].validators[]", GIVEN, &["[0, 1, 2]"]),
    case("chain[].protocol.scp.slices.given[].inner[]", GIVEN, &["{ threshold = 1, validators = [1] }"]),
    case(
        "chain[].protocol.scp.time_slip",
        "duration = '30s'\nchain = [{ nodes.clock.offset = '3s' }]",
        &["'1ms'", "'1s'"],
    ),
    case(
        "chain[].protocol.scp.ballot_step",
        "duration = '40s'\nfault = [{ at = '5s', until = '20s', degrade = { loss = 0.6 } }]",
        &["'50ms'", "'5s'"],
    ),
    case("chain[].protocol.qbft.variant", "scenarios/regressions/published-ibft1-locks.toml", &["'ibft1'"]),
    case(
        "chain[].protocol.raft.change_guard",
        "scenarios/regressions/published-raft-single-server-changes.toml",
        &["false"],
    ),
    case(
        "chain[].protocol.tendermint.propose_locked",
        "scenarios/regressions/published-tendermint-hidden-locks.toml",
        &["true"],
    ),
    case(
        "chain[].protocol.tendermint.unlocking",
        "scenarios/regressions/published-tendermint-hidden-locks.toml",
        &["'paper'", "'cometbft'"],
    ),
    case("chain[].protocol.threshold.rewrite", REWRITE, &[]),
    case("chain[].protocol.threshold.rewrite.coalition[]", REWRITE, &["[0, 1]"]),
    case(
        "chain[].protocol.threshold.skew",
        "chain = [{ nodes.clock.offset = '900ms', protocol.threshold = { slot = '2s', skew = '400ms', window = '1s' } }]\nduration = '20s'",
        &["'1ms'"],
    ),
    case(
        "chain[].protocol.threshold",
        "chain = [{ protocol.threshold = { slot = '2s', skew = '400ms', window = '1s' } }]\nduration = '20s'",
        &[],
    ),
    case(
        "chain[].protocol.threshold.pre_commit",
        "chain = [{ protocol.threshold = { slot = '2s', skew = '400ms', window = '1s', rule = 'strict' } }]\nduration = '20s'",
        &["false"],
    ),
    case(
        "chain[].protocol.threshold.signatures",
        "chain = [{ protocol.threshold = { slot = '2s', skew = '400ms', window = '1s', collection = 'star' } }]\nduration = '20s'",
        &["'frost'"],
    ),
    case("chain[].protocol.threshold.slot", "duration = '20s'", &["'2s'", "'8s'"]),
    case(
        "chain[].protocol.vote",
        "duration = '20s'\nchain = [{ nodes.count = 6, protocol.vote = { commissioners = 4, tenure = 3 } }]",
        &[],
    ),
    case(
        "chain[].protocol.tendermint.timeout_delta",
        "duration = '25s'\nfault = [{ at = '2s', until = '20s', degrade = { loss = 0.5 } }]",
        &["'10ms'", "'4s'"],
    ),
    case(
        "chain[].protocol.tendermint.vote_timeout",
        "duration = '25s'\nfault = [{ at = '2s', until = '20s', degrade = { loss = 0.5 } }]",
        &["'100ms'", "'4s'"],
    ),
    case(
        "chain[].protocol.nakamoto.fork_choice",
        "duration = '60s'\nchain = [{ nodes.count = 10, protocol.nakamoto.spacing = '500ms', network.latency.lognormal.median = '900ms' }]",
        &["'ghost'"],
    ),
    case("workload.payments.chain", TWO, &["'other'"]),
    case("workload.payments.arrival", "", &["'constant'"]),
    case(
        "workload.payments.arrival.piecewise",
        "workload.payments.arrival.piecewise = { steps = [{ duration = '2s', rate = 10.0 }], final_rate = 20.0 }",
        &[],
    ),
    case("workload", "", &["{ payments = { rate = 5.0 } }"]),
    case("workload.payments", "", &[]),
    case("workload.payments.arrival.poisson", "workload.payments.arrival = 'constant'", &[]),
    case("workload.payments.until", "", &["'3s'"]),
    case(
        "fault[].chain",
        "chain = [{ name = 'main' }, { name = 'other', protocol = 'raft', nodes = { count = 4 } }]\nfault = [{ at = '2s', until = '6s', crash = { nodes = 'leader' } }]",
        &["'other'"],
    ),
    case("fault[].at", CRASH, &["'1s'"]),
    case("fault[].until", CRASH, &["'5s'"]),
    case(
        "fault[].repeat",
        "fault = [{ at = '2s', until = '8s', crash = { nodes = 'leader' }, repeat = { every = '2s', duration = '500ms' } }]",
        &[],
    ),
    case(
        "fault[].tolerated",
        "check.progress = '300ms'\nfault = [{ at = '2s', until = '6s', crash = { nodes = [0, 1] } }]",
        &["true"],
    ),
    case(
        "fault[].clock",
        "fault = [{ at = '2s', until = '6s', clock = { nodes = 'leader', ahead = '3s' } }]\nchain = [{ protocol.clique.period = '1s' }]",
        &[],
    ),
    case(
        "fault[].clock.ahead",
        "fault = [{ at = '2s', until = '6s', clock = { nodes = 'leader', ahead = '3s' } }]\nchain = [{ protocol.clique.period = '1s' }]",
        &["'1s'"],
    ),
    case(
        "fault[].clock.behind",
        "fault = [{ at = '2s', until = '6s', clock = { nodes = 'leader', behind = '3s' } }]\nchain = [{ protocol.clique.period = '1s' }]",
        &["'1s'"],
    ),
    case(
        "fault[].clock.drift_ppm",
        "fault = [{ at = '2s', until = '6s', clock = { nodes = 'leader', ahead = '3s' } }]\nchain = [{ protocol.clique.period = '1s' }]",
        &["50000.0"],
    ),
    case(
        "fault[].slow.cpu_factor",
        "fault = [{ at = '2s', until = '6s', slow = { nodes = 0, cpu_factor = 2.0 } }]",
        &["50.0"],
    ),
    case(
        "fault[].slow.disk_factor",
        "fault = [{ at = '2s', until = '6s', slow = { nodes = 0, disk_factor = 2.0 } }]",
        &["50.0"],
    ),
    case(
        "fault[].crash.log.without",
        "fault = [{ at = '2s', until = '4s', crash = { nodes = 1, log = { drop_last = 1 } } }]",
        &["2", "200"],
    ),
    case("fault[].partition", "fault = [{ at = '2s', until = '6s', partition = { groups = [[0, 1], 'rest'] } }]", &[]),
    case("fault[].eclipse", "fault = [{ at = '2s', until = '6s', eclipse = { victim = 0, by = 1 } }]", &[]),
    case("fault[].load", "fault = [{ at = '2s', until = '6s', load = { factor = 3.0 } }]", &[]),
    case("fault[].flood", "fault = [{ at = '2s', until = '6s', flood = { nodes = 0, rate = 100.0 } }]", &[]),
    case("fault[].degrade", "fault = [{ at = '2s', until = '6s', degrade = { extra_delay = '10ms' } }]", &[]),
];
