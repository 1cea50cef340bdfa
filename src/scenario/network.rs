//! What lies between the nodes of a chain, in the words of a scenario. Each choice is a table named after it:
//! `latency.constant = { delay = "50ms" }`. A choice whose settings may all stay at their defaults can be
//! written as one word: `topology = "complete"`.

use super::{ModelChoice, schema};
use crate::base::{ByteSize, Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What lies between the nodes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// One-way propagation delay. Left out: the published delays between the regions given, else constant 50 ms.
    pub latency: Latency,
    /// When a delay is drawn from its distribution. Published delays between regions know it themselves.
    pub delay_sampling: DelaySampling,
    /// How messages share an uplink.
    pub uplink: Uplink,
    /// Whether transfers pay for TCP: slow start, window limit, reset after idling.
    pub tcp: bool,
    /// Probability that a TCP segment is lost and sent again.
    pub segment_loss: f64,
    /// Probability that a message is lost for good.
    pub loss: f64,
    /// Who is connected to whom.
    pub topology: Topology,
    /// How broadcasts spread over the topology.
    pub gossip: Gossip,
    /// How clients' transactions reach the mempools.
    pub transaction_relay: TransactionRelay,
    /// A network that is not, or not only, what the other keys describe. Left out: it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Networks>")]
    pub model: Option<ModelChoice>,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            latency: Latency::default(),
            delay_sampling: DelaySampling::default(),
            uplink: Uplink::default(),
            tcp: true,
            segment_loss: 0.0,
            loss: 0.0,
            topology: Topology::default(),
            gossip: Gossip::default(),
            transaction_relay: TransactionRelay::default(),
            model: None,
        }
    }
}

/// One-way propagation delay. Laws are given by their median and one spread, so that changing the law keeps the median.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// Always the same: for debugging and for checks against theory. Hides races.
    Constant {
        /// The delay.
        delay: Duration,
    },
    /// Every delay from `median - half_width` to `median + half_width` is equally likely.
    Uniform {
        /// The middle.
        median: Duration,
        /// Half the width, at most the median.
        half_width: Duration,
    },
    /// Normal, given that it is at least `min`.
    Normal {
        /// Median before the cut.
        median: Duration,
        /// Standard deviation before the cut.
        std_dev: Duration,
        /// Nothing is less; at most the median.
        #[serde(default)]
        min: Duration,
    },
    /// The logarithm is normal.
    Lognormal {
        /// The median.
        median: Duration,
        /// Standard deviation of the logarithm, 0 to 5.
        sigma: f64,
    },
    /// What exceeds `min` is lognormal: a physical floor and a tail.
    ShiftedLognormal {
        /// The floor, below the median.
        min: Duration,
        /// The median of the whole.
        median: Duration,
        /// Standard deviation of the logarithm of the excess, 0 to 5.
        sigma: f64,
    },
    /// Exponential: memoryless, for checks against theory.
    Exponential {
        /// The mean.
        mean: Duration,
    },
    /// A floor and a power tail. Infinite variance up to shape 2.
    Pareto {
        /// The median.
        median: Duration,
        /// Exponent of the tail, 0.1 to 1000.
        shape: f64,
    },
    /// A light tail for shapes above 1.
    Weibull {
        /// The median.
        median: Duration,
        /// The shape, 0.1 to 1000.
        shape: f64,
    },
    /// Measured quantiles, joined by straight lines: `[[0.0, "10ms"], [0.5, "20ms"], [1.0, "80ms"]]`.
    Empirical {
        /// Probabilities from 0 to 1, ascending, each with the delay that is not exceeded with this probability.
        quantiles: Vec<(f64, Duration)>,
    },
    /// Published delays between regions; needs `nodes.regions`.
    Regions {
        /// Which: see `ledgerlab list`.
        data: String,
        /// How the delays of messages on one link differ.
        #[serde(default)]
        jitter: Jitter,
    },
    /// SimBlock's own law around its published means; needs `nodes.regions`. For comparison only.
    Simblock {
        /// Which: see `ledgerlab list`.
        data: String,
    },
    /// Delays of the catalogue.
    #[serde(skip)]
    Model(ModelChoice),
}

impl Default for Latency {
    fn default() -> Latency {
        Latency::Constant { delay: Duration::from_millis(50) }
    }
}

/// When a delay is drawn from its distribution.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DelaySampling {
    /// Anew for each message.
    #[default]
    PerMessage,
    /// Once for each pair of nodes.
    PerLink,
}

/// How the delays of messages on one link differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jitter {
    /// Not at all.
    #[default]
    Off,
    /// As on the public Internet.
    Internet,
    /// As in a cloud: within a region as in a local network, between regions not at all.
    Cloud,
}

/// How messages share an uplink.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Uplink {
    /// Connections with something to send share it equally, as TCP flows do.
    #[default]
    ProcessorSharing,
    /// One message after the other (JABS).
    Fifo,
    /// Each connection has all of it (BlockSim, Leios).
    UnlimitedSharing,
    /// One message after the other, the next one when the last has arrived (SimBlock).
    StopAndWait,
}

/// Who is connected to whom. All graphs are drawn from the seed and checked to be connected.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
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
        rewiring_probability: f64,
    },
    /// Barabasi and Albert 1999: newcomers prefer the well connected.
    ScaleFree {
        /// Links that each newcomer makes.
        #[serde(default = "four")]
        edges_per_node: u32,
    },
    /// Everybody with node 0.
    Star {},
    /// The first nodes are relays, linked to each other; every other node is linked to some of them.
    Relay {
        /// How many relays there are.
        #[serde(default = "four")]
        relays: u32,
        /// Relays that each other node is linked to.
        #[serde(default = "two")]
        links: u32,
    },
    /// Everybody with the next and the previous.
    Ring {},
    /// Connections dialled per node drawn from published frequencies.
    Degrees {
        /// Which: see `ledgerlab list`.
        data: String,
        /// Connections that each node accepts.
        #[serde(default = "inbound")]
        max_inbound: u32,
    },
    /// Read from a file: edges as CSV, or a graph as GML.
    File {
        /// Its path, relative to the scenario.
        path: String,
    },
    /// A graph of the catalogue.
    #[serde(skip)]
    Model(ModelChoice),
}

fn two() -> u32 {
    2
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
    Inventory {
        /// Whether transactions wait before they are announced, as in Bitcoin Core.
        #[serde(default = "yes")]
        trickle: bool,
    },
    /// Blocks in short, then what is missing (BIP 152); the rest by announcement.
    Compact {
        /// Whether transactions wait before they are announced, as in Bitcoin Core.
        #[serde(default = "yes")]
        trickle: bool,
        /// Peers that a node asks to send blocks unasked.
        #[serde(default = "three")]
        high_bandwidth_peers: u32,
        /// Fraction of nodes that speak compact relay.
        #[serde(default = "everyone")]
        adoption: f64,
    },
    /// Compact relay as SimBlock models it: what is missing is a matter of chance. For comparison only.
    Simblock {},
    /// The whole to the square root of the neighbours, announcements to the rest (Ethereum).
    SqrtPush {
        /// Larger transactions are only announced (go-ethereum).
        #[serde(default = "push_max")]
        push_max: ByteSize,
    },
}

fn yes() -> bool {
    true
}
fn three() -> u32 {
    3
}
fn everyone() -> f64 {
    1.0
}
fn push_max() -> ByteSize {
    ByteSize(4096)
}

impl Default for Gossip {
    fn default() -> Gossip {
        Gossip::Direct {}
    }
}

/// How clients' transactions reach the mempools.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionRelay {
    /// Message by message, like everything else.
    #[default]
    Gossip,
    /// By a delay drawn per node: no messages and no bytes are counted. For large networks.
    Sampled,
}
