//! What a crate outside brings: a protocol, a ledger, a workload and networks of its own, read, checked, described, run and
//! searched as ours are.

mod ledger;
mod network;
mod workload;

use crate::examples::own_protocol::Primary;
use ledger::Frozen;
use ledgerlab::Catalogue;
use ledgerlab::consensus::raft::Raft;
use ledgerlab::explore::{case, judge};
use ledgerlab::protocol::Protocol;
use ledgerlab::run::{RunResult, run_to_end};
use ledgerlab::scenario::{LatencyModel, Loaded, Model, Scenario, listing, schema};
use network::{Hubs, Lossy, Steps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use workload::Drip;

/// Ours, and one of each kind from outside.
fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::standard();
    let added = catalogue
        .add_protocol::<Primary>()
        .and_then(Catalogue::add_ledger::<Frozen>)
        .and_then(Catalogue::add_workload::<Drip>)
        .and_then(Catalogue::add_latency::<Steps>)
        .and_then(Catalogue::add_topology::<Hubs>)
        .and_then(Catalogue::add_network::<Lossy>);
    added.expect("names of their own");
    catalogue
}

/// A scenario that asks four Raft nodes for little, with some lines changed.
fn load(changes: &[&str]) -> Result<Loaded, String> {
    let text = "name = \"outside\"\nduration = \"20s\"\ncrypto = \"symbolic\"\n\n\
                [[chain]]\nprotocol = \"raft\"\nnodes.count = 4\n\n\
                [workload.payments]\nrate = 20\naccounts = 40\n";
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    Scenario::load(&catalogue(), "outside.toml", text, &changes)
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn run(changes: &[&str]) -> RunResult {
    let loaded = load(changes).unwrap_or_else(|shown| panic!("{shown}"));
    let scenario = &loaded.scenario;
    let again = Scenario::load(&catalogue(), "again", &scenario.resolved(), &[]).expect("the resolved form").scenario;
    assert_eq!(again, *scenario);
    assert_eq!(scenario.checked(&catalogue()).expect("the same"), *scenario);
    let ran = run_to_end(&catalogue(), scenario, 1).expect("a world");
    let violations = &ran.chains[0].outcome.violations;
    assert!(violations.is_empty(), "{violations:?}");
    ran
}

fn value(ran: &RunResult, name: &str) -> f64 {
    ran.chains[0].outcome.summary.value(name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn an_own_protocol_is_searched_and_its_worlds_read_back() {
    let catalogue = catalogue();
    let base = load(&["chain.protocol.primary.batch=10", "duration=12s"]).unwrap_or_else(|shown| panic!("{shown}"));
    for number in 0..4 {
        let world = case(&catalogue, &base.scenario, number);
        let terse = Scenario::load(&catalogue, "world", &world.terse(&catalogue), &[]).expect("a scenario").scenario;
        assert_eq!(terse.fault.len(), world.fault.len());
        let finding = judge(&catalogue, &world).expect("a world").finding;
        assert!(finding.as_ref().is_none_or(|finding| !finding.safety), "world {number}: {finding:?}");
    }
}

#[test]
fn an_own_ledger_executes_by_rules_of_its_own() {
    let usual = run(&["chain.ledger=account"]);
    let frozen = run(&["chain.ledger.frozen.accounts=10"]);
    assert!(value(&usual, "success_rate") > 99.0);
    let (rate, expected) = (value(&frozen, "success_rate"), 75.0);
    assert!((rate - expected).abs() < 15.0, "{rate} % of the payments came from accounts that were not frozen");
}

#[test]
fn an_own_workload_asks_when_it_wants() {
    let ran = run(&["workload={drip={every=\"500ms\"}}"]);
    assert_eq!(ran.chains[0].outcome.transactions.len(), 40, "twice a second, the last at the very end");
    assert!(value(&ran, "success_rate") > 99.0);
}

#[test]
fn own_delays_are_met_by_messages_of_twins_too() {
    let p50 = |step: &str| value(&run(&[&format!("chain.network.latency.steps.step={step}")]), "confirmation_p50");
    let (near, far) = (p50("5ms"), p50("100ms"));
    assert!(far > near + 0.15, "{near} s and {far} s");
    let twins = ["chain.protocol=pbft", "chain.network.latency=steps", "adversary=[{nodes=[3], attack=\"twins\"}]"];
    assert!(value(&run(&twins), "success_rate") > 99.0);
}

#[test]
fn an_own_graph_spreads_what_is_broadcast() {
    let hubs = |count: u32| {
        let hubs = format!("chain.network.topology.hubs.count={count}");
        [
            hubs,
            "chain.network.gossip=flood".to_owned(),
            "chain.protocol=pbft".to_owned(),
            "chain.nodes.count=7".to_owned(),
        ]
    };
    let ran = run(&hubs(2).each_ref().map(String::as_str));
    assert!(value(&ran, "success_rate") > 99.0);
    let shown = load(&hubs(8).each_ref().map(String::as_str)).expect_err("more hubs than nodes");
    assert!(shown.contains("`count` does not suit this chain") && shown.contains("--> --set:1"), "{shown}");
}

#[test]
fn an_own_network_carries_what_it_wants_of_the_usual_one() {
    assert!(value(&run(&[]), "messages_lost") < 0.5);
    assert!(value(&run(&["chain.network.model.lossy.every=9"]), "messages_lost") > 20.0);
}

#[test]
fn what_is_wrong_with_own_settings_is_shown_where_it_stands() {
    for (change, expected) in [
        ("chain.protocol.primary.batsh=1", "unknown key `batsh`\n --> --set:1:1"),
        ("chain.protocol=primary", "missing key `batch`"),
        ("chain.protocol=primry", "did you mean `primary`?"),
        ("chain.ledger.frozen.accounts=many", "`accounts` must be a whole number"),
        ("chain.ledger=frosen", "did you mean `frozen`?"),
        ("workload={drip=5}", "a table"),
        ("workload=drop", "expected one of `payments`, `drip`"),
        ("workload={drip={chain=\"other\"}}", "unknown chain \"other\""),
        ("chain.network.latency.steps.step=0s", "`step` does not suit this chain"),
        ("chain.network.latency=step", "did you mean `steps`?"),
        ("chain.network.model=lossi", "did you mean `lossy`?"),
    ] {
        let shown = load(&[change]).expect_err(change);
        assert!(shown.contains(expected), "{change}: {shown}");
    }
}

#[test]
fn what_is_brought_is_listed_and_described() {
    let (ours, all) = (Catalogue::standard(), catalogue());
    let own = ["primary", "frozen", "drip", "steps", "hubs", "lossy"];
    let words = |catalogue: &Catalogue| -> BTreeSet<String> {
        listing(catalogue, Vec::new())
            .into_iter()
            .flat_map(|section| section.choices)
            .map(|choice| choice.word)
            .collect()
    };
    let (ours_listed, listed) = (words(&ours), words(&all));
    let new: Vec<&String> = listed.difference(&ours_listed).collect();
    assert_eq!(new.len(), own.len(), "{new:?}");
    let (ours_described, described) = (schema(&ours).to_string(), schema(&all).to_string());
    for name in own {
        assert!(listed.contains(name));
        let key = format!("\"required\":[\"{name}\"]");
        assert!(described.contains(&key) && !ours_described.contains(&key), "{name}");
    }
    assert!(described.contains("Most transactions of a block."), "what a field of the settings says is in the schema");
}

/// A latency with a name that is ours.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Constant;

impl Model for Constant {
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str = "the name of another";
}

impl LatencyModel for Constant {
    fn delay(&self, _: &ledgerlab::scenario::Site<'_>) -> Result<Box<dyn ledgerlab::network::Delay>, String> {
        Err("never built".to_owned())
    }
}

#[test]
fn a_name_stands_for_one_thing() {
    let mut catalogue = catalogue();
    let taken = |error: Option<ledgerlab::scenario::NameError>| error.expect("it is taken").to_string();
    let protocol = taken(catalogue.add_protocol::<Raft>().err());
    assert_eq!(protocol, format!("`{}` cannot name a protocol: the name is taken", Raft::NAME));
    assert_eq!(taken(catalogue.add_ledger::<Frozen>().err()), "`frozen` cannot name a ledger: the name is taken");
    let latency = taken(catalogue.add_latency::<Constant>().err());
    assert_eq!(latency, "`constant` cannot name a latency: the name is taken");
    assert_eq!(catalogue.protocols().count(), Catalogue::standard().protocols().count() + 1);
}
