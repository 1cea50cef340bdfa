//! What a scenario can choose from, with one line each.

use super::attack::GENERIC_ATTACKS;
use super::catalogue::Models;
use super::{Agent, Catalogue, DISKS, Latency, NO_DISK, Topology, Workload};
use crate::network::dataset;
use crate::network::gossip::GossipModel;
use crate::network::transport::Discipline;
use crate::workload::arrival::Arrival;
use schemars::JsonSchema;
use serde::Serialize;

/// One thing to choose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Choice {
    /// The word in scenarios.
    pub word: String,
    /// One line.
    pub summary: String,
}

impl Choice {
    /// A word and its line.
    #[must_use]
    pub fn new(word: &str, summary: &str) -> Choice {
        Choice { word: word.to_owned(), summary: summary.to_owned() }
    }
}

/// Things to choose from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Section {
    /// What they are.
    pub heading: &'static str,
    /// The key of a scenario that takes the words.
    pub key: &'static str,
    /// The words.
    pub choices: Vec<Choice>,
}

/// Everything that a scenario can choose from under a catalogue, one line each. `metrics` are the figures of a run.
#[must_use]
pub fn listing(catalogue: &Catalogue, metrics: Vec<Choice>) -> Vec<Section> {
    let section = |heading, key, choices| Section { heading, key, choices };
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(word, summary)| Choice::new(word, summary)).collect();
    let own_attacks =
        catalogue.protocols().flat_map(|protocol| protocol.attacks.iter().map(|attack| (protocol.name, attack)));
    let own_attacks = own_attacks.map(|(name, (word, summary))| Choice::new(word, &format!("{name}: {summary}")));
    let mut attacks: Vec<Choice> = pairs(GENERIC_ATTACKS);
    attacks.extend(own_attacks);
    let data = dataset::all().iter();
    let data = data.map(|data| Choice::new(data.name, &format!("{}: {}", data.kind, data.summary)));
    let free = Choice::new(NO_DISK, "writing is free, and durable at once");
    let disks = std::iter::once(free).chain(DISKS.iter().map(|disk| Choice::new(disk.name, disk.summary)));
    let mut sections = vec![
        section(
            "Protocols",
            "chain.protocol",
            catalogue.protocols().map(|protocol| Choice::new(protocol.name, protocol.summary)).collect(),
        ),
        section("Attacks", "adversary.attack", attacks),
        section("Ledgers", "chain.ledger", added(Vec::new(), catalogue.ledgers())),
        section("Latency", "chain.network.latency", added(choices::<Latency>(), catalogue.latencies())),
        section("Uplink", "chain.network.uplink", choices::<Discipline>()),
        section("Topologies", "chain.network.topology", added(choices::<Topology>(), catalogue.topologies())),
        section("Gossip", "chain.network.gossip", choices::<GossipModel>()),
        section("Networks", "chain.network.model", added(Vec::new(), catalogue.networks())),
        section("Datasets", "where their kind is asked for", data.collect()),
        section("Disks", "chain.nodes.disk", disks.collect()),
        section("Workloads", "workload", added(choices::<Workload>(), catalogue.workloads())),
        section("Arrivals", "workload.payments.arrival", choices::<Arrival>()),
        section("Agents", "agent", choices::<Agent>()),
        section("Metrics", "results", metrics),
    ];
    sections.retain(|section| !section.choices.is_empty());
    sections
}

/// Some choices, and behind them the models of a catalogue.
fn added<M: ?Sized>(mut choices: Vec<Choice>, models: &Models<M>) -> Vec<Choice> {
    choices.extend(models.values().map(|model| Choice::new(model.name, model.summary)));
    choices
}

/// The words of a choice and the first sentence about each, from its schema.
pub(super) fn choices<T: JsonSchema>() -> Vec<Choice> {
    let schema = schemars::schema_for!(T).to_value();
    let variants = schema["oneOf"].as_array().cloned().unwrap_or_default();
    let choice = |variant: &serde_json::Value| {
        let word = variant["const"].as_str().or_else(|| variant["required"][0].as_str())?;
        let text = variant["description"].as_str().unwrap_or_default().replace('\n', " ");
        let end = text.find(". ").unwrap_or(text.len());
        Some(Choice::new(word, text[..end].trim_end_matches('.')))
    };
    variants.iter().filter_map(choice).collect()
}
