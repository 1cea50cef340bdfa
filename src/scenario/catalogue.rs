//! What a scenario can choose from: the protocols of the registry, and everything else with one line each.

use super::spelling::GENERIC_ATTACKS;
use super::tree::{Misread, Tree};
use super::{Agent, Arrival, Bandwidth, Gossip, Latency, Ledger, Topology, Workload, words};
use crate::base::FaultModel;
use crate::network::dataset;
use crate::protocol::{Misfit, Protocol, Visitor};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A protocol as scenarios know it.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// [`Protocol::NAME`].
    pub name: &'static str,
    /// [`Protocol::SUMMARY`].
    pub summary: &'static str,
    /// [`Protocol::FAULTS`].
    pub faults: FaultModel,
    /// [`Protocol::ATTACKS`].
    pub attacks: &'static [(&'static str, &'static str)],
    /// Reads settings and writes every default out.
    pub(super) settle: fn(&Tree) -> Result<toml::Table, Box<Misread>>,
    /// [`Protocol::check`] on settled settings.
    pub(super) check: fn(&toml::Table, usize) -> Result<(), Misfit>,
    /// How much faulty weight it tolerates among so many equal nodes, on settled settings.
    pub(super) tolerates: fn(&toml::Table, usize) -> u64,
    /// The schema of its settings.
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Known {
    /// What is known of `P`.
    #[must_use]
    pub fn of<P: Protocol>() -> Known {
        Known {
            name: P::NAME,
            summary: P::SUMMARY,
            faults: P::FAULTS,
            attacks: P::ATTACKS,
            settle: |tree| {
                let config = P::Config::deserialize(tree)?;
                toml::Table::try_from(config).map_err(<Box<Misread> as serde::de::Error>::custom)
            },
            check: |settings, nodes| P::check(&reread::<P>(settings), nodes),
            tolerates: |settings, nodes| P::committee(&reread::<P>(settings), vec![1; nodes]).faulty(),
            schema: |generator| generator.subschema_for::<P::Config>(),
        }
    }
}

/// The settings of `P` that were settled and written by us.
pub(super) fn reread<P: Protocol>(settings: &toml::Table) -> P::Config {
    P::Config::deserialize(&Tree::of_settings(settings)).expect("settings that were checked")
}

/// The protocols of the registry, in its order.
#[must_use]
pub fn known() -> Vec<Known> {
    struct Gather(Vec<Known>);
    impl Visitor for Gather {
        fn visit<P: Protocol>(&mut self) {
            self.0.push(Known::of::<P>());
        }
    }
    let mut gather = Gather(Vec::new());
    crate::consensus::visit(&mut gather);
    gather.0
}

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

/// Everything that a scenario can choose from, one line each. `metrics` are the figures of a run.
#[must_use]
pub fn listing(metrics: Vec<Choice>) -> Vec<Section> {
    let section = |heading, key, choices| Section { heading, key, choices };
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(word, summary)| Choice::new(word, summary)).collect();
    let protocols = known();
    let own_attacks = protocols.iter().flat_map(|known| known.attacks.iter().map(|attack| (known.name, attack)));
    let own_attacks = own_attacks.map(|(name, (word, summary))| Choice::new(word, &format!("{name}: {summary}")));
    let mut attacks: Vec<Choice> = pairs(GENERIC_ATTACKS);
    attacks.extend(own_attacks);
    let data = dataset::all().iter();
    let data = data.map(|data| Choice::new(data.name, &format!("{}: {}", data.kind, data.summary)));
    let free = Choice::new(words::NO_DISK, "writing is free, and durable at once");
    let disks = std::iter::once(free).chain(words::DISKS.iter().map(|disk| Choice::new(disk.name, disk.summary)));
    let mut sections = vec![
        section(
            "Protocols",
            "chain.protocol",
            protocols.iter().map(|known| Choice::new(known.name, known.summary)).collect(),
        ),
        section("Attacks", "adversary.attack", attacks),
        section("Ledgers", "chain.ledger", choices::<Ledger>()),
        section("Latency", "chain.network.latency", choices::<Latency>()),
        section("Bandwidth", "chain.network.bandwidth", choices::<Bandwidth>()),
        section("Topologies", "chain.network.topology", choices::<Topology>()),
        section("Gossip", "chain.network.gossip", choices::<Gossip>()),
        section("Datasets", "where their kind is asked for", data.collect()),
        section("Disks", "chain.nodes.disk", disks.collect()),
        section("Workloads", "workload", choices::<Workload>()),
        section("Arrivals", "workload.payments.arrival", choices::<Arrival>()),
        section("Agents", "agent", choices::<Agent>()),
        section("Metrics", "results", metrics),
    ];
    sections.retain(|section| !section.choices.is_empty());
    sections
}

/// The words of a choice and the first sentence about each, from its schema.
fn choices<T: JsonSchema>() -> Vec<Choice> {
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
