//! What may be written, and that it means the same when written out.

use super::*;
use crate::base::{BitRate, ByteSize, Stream};
use crate::engine::StopRule;
use crate::network::gossip::GossipModel;
use crate::network::latency::Jitter;
use crate::network::topology::GraphModel;
use crate::scenario::*;
use proptest::prelude::*;

fn valid() -> Scenario {
    load(VALID).unwrap_or_else(|shown| panic!("{shown}")).scenario
}

#[test]
fn a_scenario_is_read_and_completed() {
    let scenario = valid();
    let chain = &scenario.chain[0];
    assert_eq!((chain.name.as_str(), chain.nodes.count(), chain.nodes.max_faulty), ("main", 4, Some(1)));
    assert_eq!(chain.network.latency, Some(Latency::Regions { data: "aws-2025".into(), jitter: Jitter::Off }));
    assert_eq!(chain.network.topology, Topology::Graph(GraphModel::Outbound { degree: 2, max_inbound: 117 }));
    let config = chain.protocol.config::<Idle>().unwrap();
    assert_eq!(config, Config { nap: Duration::from_secs(1), ..Config::default() });
    assert_eq!(chain.protocol.settings["dreams"], toml::Value::Integer(1));
    let Some(Workload::Payments(payments)) = &scenario.workload else { panic!("payments") };
    assert_eq!((payments.chain.as_str(), payments.rate, payments.clients), ("main", Some(50.0), Some(4)));
    let Some(FaultKind::Partition(partition)) = scenario.fault[1].kind() else { panic!("a partition") };
    assert_eq!(partition.groups, [NodeSelector::Region("eu-west-1".into()), NodeSelector::Rest]);
    assert_eq!(scenario.adversary[0].attack, Attack::Generic(GenericAttack::Delay { delay: Duration::from_secs(1) }));
    assert_eq!(chain.nodes.regions.places(4).unwrap(), ["eu-west-1", "eu-west-1", "sa-east-1", "us-east-1"]);
}

#[test]
fn a_resolved_scenario_reads_back_the_same_and_resolves_to_itself() {
    let scenario = valid();
    let text = scenario.resolved();
    let again = load(&text).unwrap_or_else(|shown| panic!("{shown}\n{text}")).scenario;
    assert_eq!(again, scenario);
    assert_eq!(again.resolved(), text);
}

#[test]
fn the_hash_is_of_the_meaning_and_not_of_the_spelling() {
    let scenario = valid();
    let spelled = VALID
        .replace("seed = 1", "# a comment\nseeds = \"1..1\"")
        .replace("nap = \"1s\"", "nap = \"1000 ms\", dreams = 1");
    assert_eq!(load(&spelled).unwrap().scenario.hash(), scenario.hash());
    assert_ne!(load(&VALID.replace("rate = 50", "rate = 51")).unwrap().scenario.hash(), scenario.hash());
}

#[test]
fn an_override_changes_any_key_with_or_without_quotes() {
    let set = |overrides: &[&str]| load_set(VALID, overrides).unwrap_or_else(|shown| panic!("{shown}")).scenario;
    assert_eq!(set(&["duration=90s"]).duration(), Duration::from_secs(90));
    assert_eq!(set(&["duration = \"90s\""]).duration(), Duration::from_secs(90));
    assert_eq!(set(&["seeds=1..3"]).seeds.0, [1, 2, 3]);
    assert_eq!(set(&["seed=7"]).seeds.0, [7]);
    assert_eq!(
        set(&["chain.network.gossip=compact"]).chain[0].network.gossip,
        GossipModel::Compact { trickle: true, high_bandwidth_peers: 3, adoption: 1.0 }
    );
    assert_eq!(set(&["chain[0].nodes.upload=5 Mbit/s"]).chain[0].nodes.upload, Rate::Fixed(BitRate(5_000_000)));
    assert_eq!(
        set(&["fault[0].crash.nodes=[1, 2]"]).fault[0].crash.as_ref().unwrap().nodes,
        NodeSelector::Numbers(vec![1, 2])
    );
    assert_eq!(set(&["chain.nodes.regions={us-east-1 = 4, eu-west-1 = 3}"]).chain[0].nodes.count(), 7);
    assert_eq!(
        set(&["chain.protocol.idle.mood.restless.turns=3"]).chain[0].protocol.settings["mood"]["restless"]["turns"]
            .as_integer(),
        Some(3)
    );
    assert_eq!(set(&["chain.protocol=idle"]).chain[0].protocol.config::<Idle>(), Some(Config::default()));
    assert_eq!(set(&["memory_limit=2 GB"]).memory_limit, ByteSize(2_000_000_000));
}

#[test]
fn a_stop_rule_makes_the_duration_optional() {
    let text = VALID.replace("duration = \"60s\"", "stop = { final_transactions = 1000 }");
    let scenario = load(&text).unwrap_or_else(|shown| panic!("{shown}")).scenario;
    assert_eq!(
        (scenario.stop, scenario.duration()),
        (Some(StopRule::FinalTransactions(1000)), Duration::from_secs(86_400))
    );
}

#[test]
fn nodes_are_selected_by_number_region_and_share() {
    let places = [Some("a"), Some("b"), Some("a"), None];
    let chosen = |select: NodeSelector| {
        let nodes = select.nodes(&places, &mut Stream::new(1, "select", 0, 0));
        nodes.into_iter().map(|node| node.0).collect::<Vec<_>>()
    };
    assert_eq!(chosen(NodeSelector::All), [0, 1, 2, 3]);
    assert_eq!(chosen(NodeSelector::Numbers(vec![3, 1, 3])), [1, 3]);
    assert_eq!(chosen(NodeSelector::Region("a".into())), [0, 2]);
    assert_eq!(chosen(NodeSelector::Fraction(0.5)).len(), 2);
    assert_eq!(chosen(NodeSelector::Fraction(1.0)), [0, 1, 2, 3]);
}

#[test]
fn more_faulty_nodes_than_the_protocol_tolerates_are_allowed_with_a_warning() {
    let text = VALID.replace("nodes = 0\nattack", "nodes = [0, 1]\nattack");
    let loaded = load(&text).unwrap_or_else(|shown| panic!("{shown}"));
    assert_eq!(
        loaded.warnings[0].to_string(),
        "warning: 2 faulty nodes are more than idle tolerates here
  --> test.toml:35:9
   |
35 | nodes = [0, 1]
   |         ^^^^^^ f is 1: safety may break, which exit code 3 reports"
    );
}

#[test]
fn a_mistake_found_outside_points_at_its_key() {
    let text = VALID.replace("topology.outbound = { degree = 2 }", "topology.file = { path = \"net.csv\" }");
    let loaded = load(&text).unwrap_or_else(|shown| panic!("{shown}"));
    let files = loaded.scenario.files();
    assert_eq!(files, [(0, ("chain[0].network.topology.file.path".to_owned(), "net.csv"))]);
    let mistake = loaded.error_at(&files[0].1.0, "cannot read \"net.csv\"".into(), "no such file".into());
    assert_eq!((mistake.line, mistake.column), (14, 26));
}

#[test]
fn the_estimate_grows_with_what_is_asked_for() {
    let total = |overrides: &[&str]| estimate(&load_set(VALID, overrides).unwrap().scenario).total();
    let base = total(&[]);
    assert!(total(&["workload.payments.rate=5000"]) > base + 100_000_000, "297,000 more transactions");
    assert!(total(&["chain.nodes.regions={us-east-1=397, eu-west-1=3}"]) > base + 396 * 2_000);
    assert!(total(&["workload.payments.accounts=100000"]) > base);
}

#[test]
fn a_summary_says_what_would_run() {
    let lines = summary(&valid()).into_iter().map(|(heading, text)| format!("{heading}: {text}"));
    assert_eq!(
        lines.collect::<Vec<_>>().join("\n"),
        "runs: 1, seed 1
time: 1min, measured after 5s
chain main: idle on the account ledger
  nodes: 4: n0-n1 eu-west-1, n2 sa-east-1, n3 us-east-1, f = 1
  machines: 4 cores at speed 1, up 1 Gbit/s, down 1 Gbit/s, disk lognormal median 1ms sigma 0.4
  network: latency aws-2025, uplink processor_sharing, topology outbound, gossip flood, transaction relay gossip
workload: payments on main: 50 tx/s, poisson, 250 B, 4 clients, 1000 accounts
fault: 20s to 30s on main: crash n3
fault: 30s to the end on main: eu-west-1 | the rest
fault: 40s to the end on main: links from all to 50 % of all: +10ms, loss 0.1
adversary: n0 of main: late by 1s
checks: safety
memory: about 40 MB per run"
    );
}

#[test]
fn everything_that_can_be_chosen_is_listed_with_a_line() {
    let sections = listing(&idle(), vec![Choice::new("tps", "final transactions per second")]);
    let words = |heading: &str| {
        let section = sections.iter().find(|section| section.heading == heading).unwrap();
        section.choices.iter().map(|choice| choice.word.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(words("Ledgers"), ["account", "utxo"]);
    assert_eq!(words("Gossip"), ["direct", "flood", "inventory", "compact", "simblock", "sqrt_push"]);
    assert_eq!(words("Uplink"), ["processor_sharing", "fifo", "unlimited_sharing", "stop_and_wait"]);
    assert_eq!(words("Latency").len(), 12);
    assert!(words("Datasets").contains(&"pools-2025"));
    for choice in sections.iter().flat_map(|section| &section.choices) {
        assert!(choice.summary.len() > 5 && !choice.summary.contains('\n'), "{choice:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_small_edit_is_accepted_or_refused_but_never_a_panic(at in 0..VALID.len(), cut in 0..12usize, new in "[ -~\n]{0,6}") {
        let end = (at + cut).min(VALID.len());
        let edited = format!("{}{new}{}", &VALID[..at], &VALID[end..]);
        if let Ok(loaded) = load(&edited) {
            let again = load(&loaded.scenario.resolved()).map_err(TestCaseError::fail)?;
            prop_assert_eq!(again.scenario, loaded.scenario);
        }
    }

    #[test]
    fn values_exchanged_for_others_never_panic(line in 0..40usize, value in prop_oneof![
        Just("0"), Just("-1"), Just("1e308"), Just("9223372036854775807"), Just("4294967295"), Just("\"\""), Just("[]"),
        Just("{}"), Just("true"), Just("1979-05-27"), Just("nan"), Just("\"18446744073709551615ns\""), Just("[[]]"),
    ]) {
        let mut lines: Vec<String> = VALID.lines().map(ToOwned::to_owned).collect();
        if let Some((key, _)) = lines.get(line).and_then(|text| text.split_once('=')) {
            lines[line] = format!("{key}= {value}");
            let _ = load(&lines.join("\n"));
        }
    }

    #[test]
    fn overrides_never_panic(key in "[a-z.\\[\\]0-9\"]{0,24}", value in "[ -~]{0,8}") {
        let _ = load_set(VALID, &[&format!("{key}={value}")]);
    }
}

#[test]
fn old_names_are_read_with_a_warning_each_and_mean_the_same() {
    let old = "name = \"old\"\nduration = \"10s\"\n[[chain]]\nprotocol.pbft.batch = { bytes = 9000, transactions = 9 }\n\
               nodes = { count = 4, tolerate = 1 }\nnetwork.bandwidth = \"unshared\"\n\
               [[fault]]\nat = \"1s\"\ncrash = { nodes = [1], log = { without = 2 } }\n";
    let new = old
        .replace("batch", "block_limit")
        .replace("tolerate", "max_faulty")
        .replace("bandwidth", "uplink")
        .replace("unshared", "unlimited_sharing")
        .replace("without", "drop_last");
    let catalogue = Catalogue::standard();
    let loaded = |text: &str, set: &str| Scenario::load(&catalogue, "old.toml", text, &[set.to_owned()]).unwrap();
    let (before, after) = (loaded(old, "output.story=7"), loaded(&new, "output.event_log=7"));
    assert_eq!(before.scenario, after.scenario);
    let titles: Vec<String> = before.warnings.iter().map(|mistake| mistake.title.clone()).collect();
    for title in [
        "`batch` is called `block_limit` now",
        "`tolerate` is called `max_faulty` now",
        "`bandwidth` is called `uplink` now",
        "`unshared` is called `unlimited_sharing` now",
        "`without` is called `drop_last` now",
        "`story` is called `event_log` now",
    ] {
        assert!(titles.iter().any(|found| found == title), "{title} is not in {titles:?}");
    }
    assert_eq!(before.warnings.len(), after.warnings.len() + 6);
}
