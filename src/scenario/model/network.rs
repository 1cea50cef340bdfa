//! What lies between the nodes of a chain, in the words of a scenario. Each choice is a table named after it:
//! `latency.constant = { delay = "50ms" }`. A choice whose settings may all stay at their defaults can be
//! written as one word: `topology = "complete"`.

use super::choice::{self, ModelChoice};
use crate::base::Duration;
use crate::network::gossip::GossipModel;
use crate::network::latency::{DelaySampling, Distribution, Jitter};
use crate::network::topology::{GraphModel, inbound};
use crate::network::transport::Discipline;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What lies between the nodes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// One-way propagation delay. Left out: the published delays between the regions given, else constant 50 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// When a delay is drawn from its distribution. Published delays between regions know it themselves.
    pub delay_sampling: DelaySampling,
    /// How messages share an uplink.
    pub uplink: Discipline,
    /// Whether transfers pay for TCP: slow start, window limit, reset after idling.
    pub tcp: bool,
    /// Probability that a TCP segment is lost and sent again.
    pub segment_loss: f64,
    /// Probability that a message is lost for good.
    pub loss: f64,
    /// Which nodes are connected.
    pub topology: Topology,
    /// How broadcasts spread over the topology.
    pub gossip: GossipModel,
    /// How clients' transactions reach the mempools.
    pub transaction_relay: TransactionRelay,
    /// A network that is not, or not only, what the other keys describe. Left out: it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<choice::Networks>")]
    pub model: Option<ModelChoice>,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            latency: None,
            delay_sampling: DelaySampling::default(),
            uplink: Discipline::default(),
            tcp: true,
            segment_loss: 0.0,
            loss: 0.0,
            topology: Topology::default(),
            gossip: GossipModel::default(),
            transaction_relay: TransactionRelay::default(),
            model: None,
        }
    }
}

impl Network {
    /// One-way propagation delay.
    ///
    /// # Panics
    /// If it is left out, which a checked scenario has filled in.
    #[must_use]
    pub fn latency(&self) -> &Latency {
        self.latency.as_ref().expect("a completed scenario")
    }
}

/// One-way propagation delay. Distributions are given by their median and one spread, so that changing the distribution
/// keeps the median.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(transform = choice::with_words_of::<Distribution>)]
pub enum Latency {
    /// One distribution for all pairs of nodes.
    #[serde(skip)]
    Distribution(Distribution),
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

impl Latency {
    /// Always the same delay.
    #[must_use]
    pub fn constant(delay: Duration) -> Latency {
        Latency::Distribution(Distribution::Constant { delay })
    }
}

/// Which nodes are connected. All graphs are drawn from the seed and checked to be connected.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(transform = choice::with_words_of::<GraphModel>)]
pub enum Topology {
    /// A graph that is made by a rule.
    #[serde(skip)]
    Graph(GraphModel),
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

impl Default for Topology {
    fn default() -> Topology {
        Topology::Graph(GraphModel::Complete {})
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
