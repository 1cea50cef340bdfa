//! Checks of nodes: how many, where, which machines, which weights, and how some of them are selected.

use super::checker::{Checker, last};
use crate::base::{Committee, FaultModel};
use crate::scenario::catalogue::ProtocolEntry;
use crate::scenario::dataset_keys::Data;
use crate::scenario::parse::error::{allow, suggest};
use crate::scenario::{Chain, DISKS, Disk, Latency, NO_DISK, NodeSelector, Nodes, Rate, Regions, Weights};

/// No machine simulates more, and nothing is tried with more.
const NODES_MAX: u32 = 1_000_000;

impl Checker<'_> {
    /// The number of nodes, given or counted. Whether it is one that nodes can be looked at by.
    pub(super) fn node_count(&mut self, path: &str, nodes: &Nodes) -> bool {
        let key = format!("{path}.nodes.count");
        let is_written = self.tree().has(&key);
        let given = nodes.count();
        match nodes.regions.counted() {
            Some(counted) if is_written && given > 0 => {
                if counted != u64::from(given) {
                    let label = format!("`regions` counts {counted}");
                    self.wrong(&key, format!("`count` is {given}"), label).help =
                        Some("leave `count` out, the regions count".to_owned());
                }
                true
            }
            None if given > NODES_MAX => {
                self.wrong(&key, format!("`count` must be at most {NODES_MAX}"), format!("found {given}"));
                false
            }
            _ if is_written && given == 0 => {
                self.wrong(&key, "a chain needs at least one node", "found 0");
                false
            }
            Some(0) => {
                self.wrong(&format!("{path}.nodes.regions"), "a chain needs at least one node", "these count 0");
                false
            }
            Some(counted) if counted > u64::from(NODES_MAX) => {
                let title = format!("there must be at most {NODES_MAX} nodes");
                self.wrong(&format!("{path}.nodes.regions"), title, format!("these count {counted}"));
                false
            }
            None if !is_written => {
                let title = "nothing says how many nodes there are";
                self.wrong(&format!("{path}.nodes"), title, "expected `count`, or `regions` with counts");
                false
            }
            _ => true,
        }
    }

    /// The regions of the nodes: known to every table that is asked about them.
    pub(super) fn places(&mut self, path: &str, chain: &Chain) {
        let key = format!("{path}.nodes.regions");
        if let Regions::Shares(name) = &chain.nodes.regions {
            let what = "shares of nodes per region";
            if !self.among(&key, what, name, &Data::Places.names()) {
                return;
            }
        }
        let mut asked: Vec<(Data, &str)> = Vec::new();
        match chain.network.latency() {
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
            let missing = chain.nodes.regions.names().into_iter().find(|region| !known.contains(region));
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
    pub(super) fn hardware(&mut self, path: &str, nodes: &Nodes) {
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
                let profiles = DISKS.iter().map(|disk| disk.name);
                let allowed: Vec<&str> = std::iter::once(NO_DISK).chain(profiles).collect();
                self.among(key, "disk", name, &allowed);
            }
            Disk::Lognormal { median, sigma } => {
                self.lasting(&format!("{key}.median"), *median);
                self.within(&format!("{key}.sigma"), *sigma, 0.0, 5.0);
            }
        }
    }

    /// Weights, and how much of them may be faulty.
    pub(super) fn weights(&mut self, path: &str, nodes: &Nodes, known: Option<&ProtocolEntry>) {
        let key = format!("{path}.nodes.weights");
        match &nodes.weights {
            Weights::List(weights) if weights.len() != nodes.count() as usize => {
                let title = format!("there are {} weights for {} nodes", weights.len(), nodes.count());
                self.wrong(&key, title, "expected one per node");
                return;
            }
            Weights::Shares(name) => {
                let allowed: Vec<&str> = std::iter::once("equal").chain(Data::Weights.names()).collect();
                if !self.among(&key, "weights", name, &allowed) {
                    return;
                }
            }
            Weights::Equal | Weights::List(_) => {}
        }
        let (Some(total @ 1..), Some(known)) = (nodes.total_weight(), known) else {
            if known.is_some() {
                self.wrong(&key, "the weights must sum to something between 1 and 2^64", "they do not");
            }
            return;
        };
        let bound = Committee::bound(total, known.faults);
        let faulty = nodes.max_faulty.unwrap_or(bound);
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

    /// Refuses nodes that do not exist; `special` are the words allowed here beside the ordinary ways to select.
    pub fn select(&mut self, key: &str, select: &NodeSelector, nodes: &Nodes, special: &[&str]) {
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
                if let Some(at) = numbers.iter().position(|&number| number >= nodes.count()) {
                    let inner = format!("{key}[{at}]");
                    let key = if self.tree().has(&inner) { &inner } else { key };
                    self.wrong(key, format!("there is no node {}", numbers[at]), last_node(nodes.count()));
                }
            }
            NodeSelector::Region(name) => {
                let regions = nodes.regions.names();
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
