//! The computers of a chain: how many, where, how strong, and how people point at some of them.

use crate::base::{BitRate, ByteSize, Duration, NodeId, Stream};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The nodes of a chain.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Nodes {
    /// How many. May be left out where `regions` counts them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Where they stand: counts per region `{ eu-west-1 = 2, us-east-1 = 2 }`, a list of regions taken in turn
    /// `["eu-west-1", "us-east-1"]`, or the name of published shares `"bitcoin-2019"`.
    #[serde(skip_serializing_if = "Regions::is_nowhere")]
    pub regions: Regions,
    /// Voting or mining power: `"equal"`, one whole number per node, or the name of published shares `"pools-2025"`.
    pub weights: Weights,
    /// How much faulty weight (`f`) the protocol is set up for. Left out: as much as its fault model allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_faulty: Option<u64>,
    /// Uplink of each node: a rate, `"unlimited"`, or the name of published rates per region.
    pub upload: Rate,
    /// Downlink of each node, likewise.
    pub download: Rate,
    /// Delay of each node's access line, one way: nothing for servers, 10 to 20 ms for homes.
    pub access_delay: Duration,
    /// Cores of each node.
    pub cores: u32,
    /// Speed of a core, relative to the server that the cost table was measured on: 0.5 takes twice as long.
    pub cpu_speed: f64,
    /// What a durable write costs: the name of a profile, or `{ median = "1 ms", sigma = 0.4 }` of a lognormal law.
    pub disk: Disk,
    /// How far local clocks are off.
    pub clock: ClockError,
    /// How much each mempool holds.
    pub mempool: Mempool,
    /// Nodes that differ from the rest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<Group>,
}

impl Default for Nodes {
    fn default() -> Nodes {
        Nodes {
            count: None,
            regions: Regions::Nowhere,
            weights: Weights::Equal,
            max_faulty: None,
            upload: Rate::Fixed(BitRate(1_000_000_000)),
            download: Rate::Fixed(BitRate(1_000_000_000)),
            access_delay: Duration::ZERO,
            cores: 4,
            cpu_speed: 1.0,
            disk: Disk::Profile("cloud_ssd_gp3".into()),
            clock: ClockError::default(),
            mempool: Mempool::default(),
            group: Vec::new(),
        }
    }
}

impl Nodes {
    /// How many; 0 where that is left out, which a checked scenario has filled in.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count.unwrap_or_default()
    }
}

/// Nodes that differ from the rest. What is left out stays as it is for all.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Which nodes.
    pub nodes: NodeSelector,
    /// Their uplink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Rate>,
    /// Their downlink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Rate>,
    /// The delay of their access lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_delay: Option<Duration>,
    /// Their cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// The speed of their cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_speed: Option<f64>,
    /// Their disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
}

/// Where nodes stand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Regions {
    /// Nowhere in particular: delays do not depend on places.
    Nowhere,
    /// Node `i` stands in region `i` of the list, which starts again at its end.
    InTurn(Vec<String>),
    /// So many per region; node numbers follow the alphabetical order of the regions.
    Counts(BTreeMap<String, u32>),
    /// Shares published under this name; see [`Data::Places`](crate::scenario::dataset_keys::Data::Places).
    Shares(String),
}

impl Regions {
    /// How many nodes the regions count, if they do.
    #[must_use]
    pub fn counted(&self) -> Option<u64> {
        let Regions::Counts(counts) = self else { return None };
        Some(counts.values().map(|&many| u64::from(many)).sum())
    }
    /// Whether no region is given.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        *self == Regions::Nowhere
    }
    /// The region of each of `count` nodes, where the scenario itself says so: not for shares, not for nowhere.
    #[must_use]
    pub fn places(&self, count: u32) -> Option<Vec<&str>> {
        match self {
            Regions::Nowhere | Regions::Shares(_) => None,
            Regions::InTurn(names) => {
                Some((0..count as usize).map(|node| names[node % names.len()].as_str()).collect())
            }
            Regions::Counts(counts) => {
                Some(counts.iter().flat_map(|(name, &many)| (0..many).map(move |_| name.as_str())).collect())
            }
        }
    }
}

/// Voting or mining power.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Weights {
    /// One each.
    Equal,
    /// One number per node.
    List(Vec<u64>),
    /// Shares published under this name; see [`Data::Weights`](crate::scenario::dataset_keys::Data::Weights). The first share goes to node 0, and so
    /// on; nodes beyond the list have no weight.
    Shares(String),
}

/// A rate of an access link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rate {
    /// Bytes take no time on it.
    Unlimited,
    /// So fast.
    Fixed(BitRate),
    /// What was published for the node's region under this name; see [`Data::Rates`](crate::scenario::dataset_keys::Data::Rates).
    ByRegion(String),
}

/// What a durable write costs.
#[derive(Clone, PartialEq, Debug)]
pub enum Disk {
    /// One of [`DISKS`].
    Profile(String),
    /// A lognormal law.
    Lognormal {
        /// Its median.
        median: Duration,
        /// The standard deviation of its logarithm.
        sigma: f64,
    },
}

impl Disk {
    /// Median and sigma of the lognormal time of one sync; `None` where writing is free.
    #[must_use]
    pub fn law(&self) -> Option<(Duration, f64)> {
        match self {
            Disk::Lognormal { median, sigma } => Some((*median, *sigma)),
            Disk::Profile(name) => DISKS.iter().find(|disk| disk.name == *name).map(|disk| (disk.median, disk.sigma)),
        }
    }
}

/// What one sync of a disk costs: a lognormal law.
#[derive(Clone, Copy, Debug)]
pub struct DiskProfile {
    /// The word.
    pub name: &'static str,
    /// One line: what, and on what the figures rest.
    pub summary: &'static str,
    /// Median time.
    pub median: Duration,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

/// Disk profiles, for `nodes.disk`. Fitted to published `fdatasync` figures.
pub const DISKS: &[DiskProfile] = &[
    disk("nvme_plp", "NVMe with power-loss protection, median 30 us", 30_000, 0.5),
    disk("nvme_consumer", "consumer NVMe, median 0.85 ms, spread assumed", 850_000, 0.35),
    disk("cloud_ssd_gp3", "AWS EBS gp3, median 0.66 ms, fitted to mean 0.70 ms and deviation 0.24 ms", 662_000, 0.334),
    disk(
        "cloud_ssd_gp2",
        "AWS EBS gp2, median 1.27 ms, fitted to mean 1.42 ms and deviation 0.73 ms",
        1_266_000,
        0.482,
    ),
    disk("hdd_7200", "hard disk at 7,200 rpm, median 15 ms, spread assumed", 15_000_000, 0.45),
];

/// The word for a disk on which writing is free.
pub const NO_DISK: &str = "none";

const fn disk(name: &'static str, summary: &'static str, nanos: u64, sigma: f64) -> DiskProfile {
    DiskProfile { name, summary, median: Duration::from_nanos(nanos), sigma }
}

/// How far local clocks are off. Each node draws its own values once.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClockError {
    /// Local time minus true time at the start: uniform between minus and plus this.
    pub offset: Duration,
    /// How much faster or slower clocks run, in parts per million: uniform between minus and plus this.
    pub drift_ppm: f64,
}

/// How much a mempool holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mempool {
    /// Most transactions.
    pub transactions: u32,
    /// Most bytes of transactions (Bitcoin Core's `-maxmempool` is 300 MB).
    pub size: ByteSize,
}

impl Default for Mempool {
    fn default() -> Mempool {
        Mempool { transactions: 50_000, size: ByteSize(300_000_000) }
    }
}

/// Some of the nodes of a chain.
#[derive(Clone, PartialEq, Debug)]
pub enum NodeSelector {
    /// All of them: `"all"`.
    All,
    /// Those that no other group of the same partition names: `"rest"`.
    Rest,
    /// The node that leads when the fault begins: `"leader"`. Only for faults.
    Leader,
    /// By number: `3` or `[0, 1]`.
    Numbers(Vec<u32>),
    /// Those that stand in a region: `{ region = "eu-west-1" }`.
    Region(String),
    /// A share of all, drawn by the seed: `{ fraction = 0.2 }`.
    Fraction(f64),
}

impl fmt::Display for NodeSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeSelector::All => f.write_str("all"),
            NodeSelector::Rest => f.write_str("the rest"),
            NodeSelector::Leader => f.write_str("the leader"),
            NodeSelector::Region(name) => f.write_str(name),
            NodeSelector::Fraction(fraction) => write!(f, "{} % of all", fraction * 100.0),
            NodeSelector::Numbers(numbers) => {
                let names: Vec<String> = numbers.iter().map(|number| format!("n{number}")).collect();
                f.write_str(&names.join(" "))
            }
        }
    }
}

impl NodeSelector {
    /// The nodes meant, as far as they are known before a run: how many a share is, not which.
    #[must_use]
    pub fn members(&self, nodes: &Nodes) -> Option<Vec<NodeId>> {
        let places = match nodes.regions.places(nodes.count()) {
            Some(places) => places.into_iter().map(Some).collect(),
            None => vec![None; nodes.count() as usize],
        };
        match self {
            NodeSelector::Rest | NodeSelector::Leader => None,
            // Where nodes stand by drawn shares is not known yet.
            NodeSelector::Region(_) if places.iter().all(Option::is_none) => None,
            _ => Some(self.nodes(&places, &mut Stream::new(0, "check", 0, 0))),
        }
    }
    /// The nodes meant, ascending, given where each node stands. [`NodeSelector::Rest`] and [`NodeSelector::Leader`] depend on
    /// more than that and are empty here.
    #[must_use]
    pub fn nodes(&self, places: &[Option<&str>], stream: &mut Stream) -> Vec<NodeId> {
        let all = 0..places.len();
        match self {
            NodeSelector::All => all.map(NodeId::from).collect(),
            NodeSelector::Rest | NodeSelector::Leader => Vec::new(),
            NodeSelector::Numbers(numbers) => {
                let mut nodes: Vec<NodeId> = numbers.iter().map(|&number| NodeId(number)).collect();
                nodes.sort_unstable();
                nodes.dedup();
                nodes
            }
            NodeSelector::Region(name) => all.filter(|&node| places[node] == Some(name)).map(NodeId::from).collect(),
            NodeSelector::Fraction(fraction) => {
                let many = (fraction * places.len() as f64 + 0.5) as usize;
                let mut nodes: Vec<NodeId> = all.map(NodeId::from).collect();
                stream.shuffle(&mut nodes);
                nodes.truncate(many);
                nodes.sort_unstable();
                nodes
            }
        }
    }
}
