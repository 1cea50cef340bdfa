//! Checks of a chain: protocol, nodes, network.

use super::{Checker, last, word};
use crate::base::{Committee, FaultModel};
use crate::network::gossip::GossipModel;
use crate::network::latency::Jitter;
use crate::scenario::catalogue::ProtocolEntry;
use crate::scenario::mistake::{allow, suggest};
use crate::scenario::name::Named;
use crate::scenario::words::{self, Data};
use crate::scenario::{Chain, Disk, Latency, NodeSelector, Nodes, Rate, Regions, Scenario, Topology, Weights};

/// No machine simulates more, and nothing is tried with more.
const NODES_MAX: u32 = 1_000_000;

impl Checker<'_> {
    /// All chains: names, then each in turn. Whether it is known how many nodes there are, and where.
    pub(super) fn chains(&mut self, scenario: &mut Scenario) -> bool {
        let mut is_known = !scenario.chain.is_empty();
        if scenario.chain.is_empty() {
            self.wrong("chain", "a scenario needs a chain", "there is none: add a `[[chain]]`");
        }
        for at in 0..scenario.chain.len() {
            let path = format!("chain[{at}]");
            let (before, rest) = scenario.chain.split_at_mut(at);
            let chain = &mut rest[0];
            let is_word = self.name(&format!("{path}.name"), &chain.name, Named::Part);
            if is_word && before.iter().any(|other| other.name.to_lowercase() == chain.name.to_lowercase()) {
                let title = format!("chains need names of their own, found \"{}\"", chain.name);
                self.wrong(&format!("{path}.name"), title, "this name is taken");
            }
            let before = self.found.len();
            self.node_count(&path, &mut chain.nodes);
            if chain.nodes.count == 0 {
                is_known = false;
                continue;
            }
            self.default_latency(&path, chain);
            self.places(&path, chain);
            is_known &= self.found.len() == before;
            self.hardware(&format!("{path}.nodes"), &chain.nodes);
            let known = self.protocol(&path, chain);
            self.ledger(&path, chain);
            self.network_models(&path, chain);
            self.weights(&path, &mut chain.nodes, known.as_ref());
            self.latency(&path, chain);
            self.topology(&path, chain);
            self.within(&format!("{path}.network.loss"), chain.network.loss, 0.0, 1.0);
            self.within(&format!("{path}.network.segment_loss"), chain.network.segment_loss, 0.0, 0.5);
        }
        is_known
    }

    /// The number of nodes, given or counted.
    fn node_count(&mut self, path: &str, nodes: &mut Nodes) {
        let key = format!("{path}.nodes.count");
        let given = self.tree.has(&key);
        let counted = match &nodes.regions {
            Regions::Counts(counts) => Some(counts.values().map(|&many| u64::from(many)).sum::<u64>()),
            _ => None,
        };
        match (given, counted) {
            (true, Some(counted)) if counted != u64::from(nodes.count) => {
                let label = format!("`regions` counts {counted}");
                self.wrong(&key, format!("`count` is {}", nodes.count), label).help =
                    Some("leave `count` out, the regions count".to_owned());
            }
            (true, None) if nodes.count > NODES_MAX => {
                self.wrong(&key, format!("`count` must be at most {NODES_MAX}"), format!("found {}", nodes.count));
                // Nothing is tried with so many.
                nodes.count = 0;
            }
            (true, _) if nodes.count == 0 => {
                self.wrong(&key, "a chain needs at least one node", "found 0");
            }
            (false, Some(counted)) => match u32::try_from(counted) {
                Ok(0) => {
                    self.wrong(&format!("{path}.nodes.regions"), "a chain needs at least one node", "these count 0");
                }
                Ok(counted) if counted <= NODES_MAX => nodes.count = counted,
                _ => {
                    let title = format!("there must be at most {NODES_MAX} nodes");
                    self.wrong(&format!("{path}.nodes.regions"), title, format!("these count {counted}"));
                }
            },
            (false, None) => {
                let title = "nothing says how many nodes there are";
                self.wrong(&format!("{path}.nodes"), title, "expected `count`, or `regions` with counts");
            }
            _ => {}
        }
    }

    /// Nodes that stand somewhere are as far from each other as was measured, unless the scenario says otherwise.
    fn default_latency(&mut self, path: &str, chain: &mut Chain) {
        if chain.nodes.regions.is_nowhere() || self.tree.has(&format!("{path}.network.latency")) {
            return;
        }
        let names = named(&chain.nodes.regions);
        let fits = |data: &&&str| {
            let known = Data::Latency.regions(data);
            names.iter().all(|name| known.contains(name))
        };
        let tables = ["aws-2025", "six-regions-2018"];
        let data = tables.iter().find(fits).unwrap_or(&tables[0]);
        chain.network.latency = Latency::Regions { data: (*data).to_owned(), jitter: Jitter::default() };
    }

    /// The regions of the nodes: known to every table that is asked about them.
    fn places(&mut self, path: &str, chain: &Chain) {
        let key = format!("{path}.nodes.regions");
        if let Regions::Shares(name) = &chain.nodes.regions {
            let what = "shares of nodes per region";
            if !self.among(&key, what, name, &Data::Places.names()) {
                return;
            }
        }
        let mut asked: Vec<(Data, &str)> = Vec::new();
        match &chain.network.latency {
            Latency::Regions { data, .. } => asked.push((Data::Latency, data)),
            Latency::Simblock { data } => asked.push((Data::Simblock, data)),
            _ => {}
        }
        let groups = chain.nodes.group.iter().flat_map(|group| [&group.upload, &group.download]).flatten();
        for rate in groups.chain([&chain.nodes.upload, &chain.nodes.download]) {
            if let Rate::ByRegion(data) = rate {
                asked.push((Data::Rates, data));
            }
        }
        for (data, name) in asked {
            let known = data.regions(name);
            let missing = named(&chain.nodes.regions).into_iter().find(|region| !known.contains(region));
            if let (Some(region), false) = (missing, known.is_empty()) {
                let allowed: Vec<&str> = known.iter().map(String::as_str).collect();
                self.wrong_region(&key, &chain.nodes.regions, &region, &allowed, &format!("\"{name}\""));
                return;
            }
        }
    }

    /// Refuses `region` where it is written inside the value of `key`.
    fn wrong_region(&mut self, key: &str, regions: &Regions, region: &str, allowed: &[&str], data: &str) {
        let title = format!("{data} has no region \"{region}\"");
        let mistake = match regions {
            Regions::Counts(_) => self.wrong_key(&format!("{key}.{region}"), title, allow(allowed)),
            Regions::InTurn(names) => {
                let at = names.iter().position(|name| name == region).unwrap_or(0);
                self.wrong(&format!("{key}[{at}]"), title, allow(allowed))
            }
            Regions::Nowhere | Regions::Shares(_) => self.wrong(key, title, allow(allowed)),
        };
        mistake.help = suggest(region, allowed);
    }

    /// Rates, cores, disks, clocks, mempools, of all nodes and of groups.
    fn hardware(&mut self, path: &str, nodes: &Nodes) {
        let somewhere = !nodes.regions.is_nowhere();
        self.rate(&format!("{path}.upload"), &nodes.upload, somewhere);
        self.rate(&format!("{path}.download"), &nodes.download, somewhere);
        self.at_least(&format!("{path}.cores"), f64::from(nodes.cores), 1.0);
        self.above_zero(&format!("{path}.cpu_speed"), nodes.cpu_speed);
        self.disk(&format!("{path}.disk"), &nodes.disk);
        self.within(&format!("{path}.clock.drift_ppm"), nodes.clock.drift_ppm, 0.0, 100_000.0);
        self.at_least(&format!("{path}.mempool.transactions"), f64::from(nodes.mempool.transactions), 1.0);
        for (at, group) in nodes.group.iter().enumerate() {
            let path = format!("{path}.group[{at}]");
            self.select(&format!("{path}.nodes"), &group.nodes, nodes, &[]);
            for (key, rate) in [("upload", &group.upload), ("download", &group.download)] {
                if let Some(rate) = rate {
                    self.rate(&format!("{path}.{key}"), rate, somewhere);
                }
            }
            if let Some(cores) = group.cores {
                self.at_least(&format!("{path}.cores"), f64::from(cores), 1.0);
            }
            if let Some(speed) = group.cpu_speed {
                self.above_zero(&format!("{path}.cpu_speed"), speed);
            }
            if let Some(disk) = &group.disk {
                self.disk(&format!("{path}.disk"), disk);
            }
        }
    }

    fn rate(&mut self, key: &str, rate: &Rate, somewhere: bool) {
        match rate {
            Rate::Unlimited => {}
            Rate::Fixed(rate) => self.above_zero(key, rate.0 as f64),
            Rate::ByRegion(name) => {
                let allowed: Vec<&str> = std::iter::once("unlimited").chain(Data::Rates.names()).collect();
                if self.among(key, "rate", name, &allowed) && !somewhere {
                    let label = "these rates are per region, and no `regions` are given";
                    self.wrong(key, format!("`{}` needs regions", last(key)), label);
                }
            }
        }
    }

    fn disk(&mut self, key: &str, disk: &Disk) {
        match disk {
            Disk::Profile(name) => {
                let profiles = words::DISKS.iter().map(|disk| disk.name);
                let allowed: Vec<&str> = std::iter::once(words::NO_DISK).chain(profiles).collect();
                self.among(key, "disk", name, &allowed);
            }
            Disk::Lognormal { median, sigma } => {
                self.lasting(&format!("{key}.median"), *median);
                self.within(&format!("{key}.sigma"), *sigma, 0.0, 5.0);
            }
        }
    }

    /// Weights, and how much of them may be faulty.
    fn weights(&mut self, path: &str, nodes: &mut Nodes, known: Option<&ProtocolEntry>) {
        let key = format!("{path}.nodes.weights");
        let sum = |weights: &[u64]| weights.iter().try_fold(0u64, |sum, &weight| sum.checked_add(weight));
        let total = match &nodes.weights {
            Weights::Equal => Some(u64::from(nodes.count)),
            Weights::List(weights) if weights.len() != nodes.count as usize => {
                let title = format!("there are {} weights for {} nodes", weights.len(), nodes.count);
                self.wrong(&key, title, "expected one per node");
                return;
            }
            Weights::List(weights) => sum(weights),
            Weights::Shares(name) => {
                let allowed: Vec<&str> = std::iter::once("equal").chain(Data::Weights.names()).collect();
                if !self.among(&key, "weights", name, &allowed) {
                    return;
                }
                words::power(name).and_then(|power| sum(&power[..power.len().min(nodes.count as usize)]))
            }
        };
        let (Some(total @ 1..), Some(known)) = (total, known) else {
            if known.is_some() {
                self.wrong(&key, "the weights must sum to something between 1 and 2^64", "they do not");
            }
            return;
        };
        let bound = Committee::bound(total, known.faults);
        let faulty = *nodes.max_faulty.get_or_insert(bound);
        if faulty > bound {
            let (kind, rule) = match known.faults {
                FaultModel::Byzantine => ("Byzantine", "n > 3f"),
                FaultModel::Crash => ("crashed", "n > 2f"),
            };
            let title = format!("{} cannot tolerate {faulty} {kind} nodes out of {total}", known.name);
            let key = format!("{path}.nodes.max_faulty");
            self.wrong(&key, title, format!("at most {bound}, since {rule}"));
        }
    }

    fn latency(&mut self, path: &str, chain: &Chain) {
        let key = format!("{path}.network.latency");
        match &chain.network.latency {
            Latency::Distribution(law) => {
                let key = format!("{key}.{}", word(law));
                self.in_range(&key, law.check());
            }
            Latency::Regions { data, .. } => self.latency_data(&format!("{key}.regions"), Data::Latency, data, chain),
            Latency::Simblock { data } => self.latency_data(&format!("{key}.simblock"), Data::Simblock, data, chain),
            Latency::Model(_) => {}
        }
    }

    fn latency_data(&mut self, key: &str, data: Data, name: &str, chain: &Chain) {
        if self.among(&format!("{key}.data"), "latency data", name, &data.names()) && chain.nodes.regions.is_nowhere() {
            let label = "these delays are between regions, and `nodes.regions` is not given";
            self.wrong(key, "latency between regions needs regions", label);
        }
    }

    fn topology(&mut self, path: &str, chain: &Chain) {
        let key = format!("{path}.network.topology");
        match &chain.network.topology {
            Topology::Graph(model) => {
                let key = format!("{key}.{}", word(model));
                self.in_range(&key, model.check(chain.nodes.count));
            }
            Topology::Degrees { data, max_inbound } => {
                self.among(&format!("{key}.degrees.data"), "degree data", data, &Data::Degrees.names());
                self.at_least(&format!("{key}.degrees.max_inbound"), f64::from(*max_inbound), 1.0);
            }
            Topology::File { path } => {
                if path.is_empty() {
                    self.wrong(&format!("{key}.file.path"), "a topology needs a file", "found an empty path");
                }
            }
            Topology::Model(_) => {}
        }
        let gossip = &chain.network.gossip;
        self.in_range(&format!("{path}.network.gossip.{}", word(gossip)), gossip.check());
        if *gossip == (GossipModel::Direct {}) && chain.network.topology != Topology::default() {
            let label = "but here only neighbours are connected, and gossip is `direct`";
            let title = "direct broadcasts need everybody connected to everybody";
            self.wrong(&format!("{path}.network.topology"), title, label).help =
                Some("choose `gossip = \"flood\"`, `\"inventory\"`, `\"compact\"` or `\"sqrt_push\"`".to_owned());
        }
    }

    /// Refuses nodes that do not exist; `special` are the words allowed here beside the ordinary ways to select.
    pub(super) fn select(&mut self, key: &str, select: &NodeSelector, nodes: &Nodes, special: &[&str]) {
        match select {
            NodeSelector::All => {}
            NodeSelector::Rest | NodeSelector::Leader => {
                let word = if *select == NodeSelector::Rest { "rest" } else { "leader" };
                if !special.contains(&word) {
                    let label = "\"rest\" belongs into a partition, \"leader\" into a fault";
                    self.wrong(key, format!("\"{word}\" means nothing here"), label);
                }
            }
            NodeSelector::Numbers(numbers) => {
                if numbers.is_empty() {
                    self.wrong(key, "this selects no node", "expected at least one number");
                }
                if let Some(at) = numbers.iter().position(|&number| number >= nodes.count) {
                    let inner = format!("{key}[{at}]");
                    let key = if self.tree.has(&inner) { &inner } else { key };
                    self.wrong(key, format!("there is no node {}", numbers[at]), last_node(nodes.count));
                }
            }
            NodeSelector::Region(name) => {
                let regions = named(&nodes.regions);
                let allowed: Vec<&str> = regions.iter().map(String::as_str).collect();
                if !allowed.contains(&name.as_str()) {
                    let title = format!("no node stands in region \"{name}\"");
                    self.wrong(&format!("{key}.region"), title, allow(&allowed)).help = suggest(name, &allowed);
                }
            }
            NodeSelector::Fraction(fraction) => {
                self.within(&format!("{key}.fraction"), *fraction, 0.0, 1.0);
            }
        }
    }
}

/// "nodes are numbered ...".
fn last_node(count: u32) -> String {
    format!("nodes are numbered 0 to {}", count.saturating_sub(1))
}

/// The regions where nodes stand, each once.
fn named(regions: &Regions) -> Vec<String> {
    match regions {
        Regions::Nowhere => Vec::new(),
        Regions::InTurn(names) => names.clone(),
        Regions::Counts(counts) => counts.iter().filter(|(_, many)| **many > 0).map(|(name, _)| name.clone()).collect(),
        Regions::Shares(name) => Data::Places.regions(name),
    }
}
