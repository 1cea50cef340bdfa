//! What lies between the nodes of a chain, in the words of a scenario. Each choice is a table named after it:
//! `latency.constant = { delay = "50ms" }`. A choice whose settings may all stay at their defaults can be
//! written as one word: `topology = "complete"`.

use crate::base::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What lies between the nodes.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// One-way propagation delay. Left out: the published delays between the regions given, else constant 50 ms.
    pub latency: Latency,
    /// How messages share an uplink.
    pub bandwidth: Bandwidth,
    /// Whether transfers pay for TCP: slow start, window limit, reset after idling.
    pub tcp: bool,
    /// Probability that a message is lost.
    pub loss: f64,
    /// Who is connected to whom.
    pub topology: Topology,
    /// How broadcasts spread over the topology.
    pub gossip: Gossip,
    /// How clients' transactions reach the mempools.
    pub transactions: Spread,
}

/// One-way propagation delay, drawn per message.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// Always the same. Hides races: messages arrive together.
    Constant {
        /// The delay.
        delay: Duration,
    },
    /// Every delay of an interval equally likely.
    Uniform {
        /// The least.
        min: Duration,
        /// The most.
        max: Duration,
    },
    /// Normal, cut off below `min`.
    Normal {
        /// Mean of the uncut law.
        mean: Duration,
        /// Standard deviation of the uncut law.
        deviation: Duration,
        /// No delay is less.
        #[serde(default)]
        min: Duration,
    },
    /// Lognormal: `median * exp(sigma z)`.
    Lognormal {
        /// The median.
        median: Duration,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// A physical floor and a lognormal rest: `min + (median - min) * exp(sigma z)`.
    ShiftedLognormal {
        /// The floor.
        min: Duration,
        /// The median of the whole.
        median: Duration,
        /// Standard deviation of the logarithm of what exceeds the floor.
        sigma: f64,
    },
    /// Pareto: `min * u^(-1 / shape)`.
    Pareto {
        /// The least.
        min: Duration,
        /// Tail index; the variance is infinite up to 2.
        shape: f64,
    },
    /// Weibull: `median * (-ln u / ln 2)^(1 / shape)`.
    Weibull {
        /// The median.
        median: Duration,
        /// Below 1 a heavier tail than exponential, above 1 a lighter one.
        shape: f64,
    },
    /// Measured quantiles, joined by straight lines: `[[0.0, "10ms"], [0.5, "20ms"], [1.0, "80ms"]]`.
    Empirical {
        /// Pairs of probability and delay, both ascending, from probability 0 to 1.
        quantiles: Vec<(f64, Duration)>,
    },
    /// Published delays between regions; needs `nodes.regions`.
    Regions {
        /// Which: see `ledgerlab list`.
        data: String,
        /// Whether each link draws its own constant factor around the published median.
        #[serde(default = "yes")]
        spread: bool,
        /// What varies from message to message on top.
        #[serde(default)]
        jitter: Jitter,
    },
}

fn yes() -> bool {
    true
}

impl Default for Latency {
    fn default() -> Latency {
        Latency::Constant { delay: Duration::from_millis(50) }
    }
}

/// What varies from message to message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Nothing: between cloud regions delays are constant for minutes.
    #[default]
    None,
    /// As measured on the public Internet: exponential, with a scale of its own per link.
    Internet,
}

/// How messages share an uplink.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bandwidth {
    /// Connections with something to send share it equally, as TCP flows do.
    #[default]
    Sharing,
    /// One message after the other (JABS).
    Fifo,
    /// Each connection has all of it (BlockSim, Leios).
    Unshared,
    /// One message after the other, the next one when the last has arrived (SimBlock).
    StopAndWait,
}

/// Who is connected to whom. All graphs are drawn from the seed and checked to be connected.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Topology {
    /// Everybody with everybody.
    Complete {},
    /// Each node dials `degree` others that have room for it, as Bitcoin does.
    Outbound {
        /// Connections that each node dials.
        #[serde(default = "eight")]
        degree: u32,
        /// Connections that each node accepts (Bitcoin Core: 125 less 8).
        #[serde(default = "inbound")]
        max_inbound: u32,
    },
    /// Everybody has the same number of neighbours.
    RandomRegular {
        /// Neighbours of each node; `count * degree` must be even.
        #[serde(default = "eight")]
        degree: u32,
    },
    /// Watts and Strogatz 1998: a ring with short cuts.
    SmallWorld {
        /// Neighbours of each node before rewiring; even.
        #[serde(default = "eight")]
        degree: u32,
        /// Probability that an edge is rewired.
        #[serde(default = "tenth")]
        rewire: f64,
    },
    /// Barabasi and Albert 1999: newcomers prefer the well connected.
    ScaleFree {
        /// Edges that each newcomer brings.
        #[serde(default = "four")]
        edges: u32,
    },
    /// Everybody with one.
    Star {
        /// The one.
        #[serde(default)]
        hub: u32,
    },
    /// Everybody with the next and the previous.
    Ring {},
    /// Connections dialled per node drawn from published frequencies.
    Degrees {
        /// Which: see `ledgerlab list`.
        data: String,
    },
    /// Read from a file: edges as CSV, or a graph as GML.
    File {
        /// Its path, relative to the scenario.
        path: String,
    },
}

fn four() -> u32 {
    4
}
fn eight() -> u32 {
    8
}
fn inbound() -> u32 {
    117
}
fn tenth() -> f64 {
    0.1
}

impl Default for Topology {
    fn default() -> Topology {
        Topology::Complete {}
    }
}

/// How broadcasts spread over the topology.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Gossip {
    /// The sender sends to everybody itself; needs the complete topology.
    Direct {},
    /// Everybody passes everything on to all neighbours.
    Flood {},
    /// Announce, request, send (Bitcoin before BIP 152).
    Inventory {},
    /// Blocks in short, then what is missing (BIP 152); the rest by announcement.
    Compact {},
    /// The whole to the square root of the neighbours, announcements to the rest (Ethereum).
    SqrtPush {},
}

impl Default for Gossip {
    fn default() -> Gossip {
        Gossip::Direct {}
    }
}

/// How clients' transactions reach the mempools.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Message by message, like everything else.
    #[default]
    Gossip,
    /// By a delay drawn per node: no messages and no bytes are counted. For large networks.
    Sampled,
}
