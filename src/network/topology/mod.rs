//! Which nodes are linked to each other.
//!
//! A [`Topology`] is a graph in compressed rows. A [`GraphModel`] describes one and builds it from a seed; a [`GraphStats`]
//! measures the result. Every shape is undirected: both ends may send, whichever of them dialled. Only an imported graph may
//! have links that run one way.

mod generate;
mod graph_stats;
#[cfg(test)]
mod tests;

pub use graph_stats::GraphStats;

use crate::base::{NodeId, OutOfRange, RangeCheck};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A graph over the nodes `0..n`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topology {
    rows: Rows,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Rows {
    /// Every node is linked to every other: all nodes in order, twice over, so that the peers of any node are a slice.
    Complete { twice: Vec<NodeId> },
    /// `offsets[i]..offsets[i + 1]` are the peers of node `i`, ascending and without repetition.
    Listed { offsets: Vec<u32>, peers: Vec<NodeId> },
}

/// How a graph is made, as scenarios write it. All are drawn from the seed and checked to be connected.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GraphModel {
    /// Each node with all others.
    Complete {},
    /// Each node dials `degree` others that have room for it, as Bitcoin does. So do `CometBFT`, Stellar and geth; the mean
    /// degree is about twice that number.
    Outbound {
        /// Connections that each node dials. Where no node is left to dial, it has fewer.
        #[serde(default = "eight")]
        degree: u32,
        /// Connections that each node accepts (Bitcoin Core: 125 less 8).
        #[serde(default = "inbound")]
        max_inbound: u32,
    },
    /// As `Outbound`, with a number of dialled connections that differs from node to node.
    #[serde(skip)]
    OutboundDegrees {
        /// Probability that a node dials at most 1, 2, 3 ... peers; ascending to 1.
        cumulative: Vec<f64>,
        /// Connections that each node accepts.
        max_inbound: u32,
    },
    /// All nodes have the same number of neighbours. Pairing model of Bollobas 1980, bad pairs switched away.
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
    /// All nodes with node 0.
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
    /// Each node with the next and the previous.
    Ring {},
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
pub(crate) fn inbound() -> u32 {
    117
}
fn tenth() -> f64 {
    0.1
}

impl GraphModel {
    /// The parameters that make no graph of `nodes` nodes. A single node has no neighbours under any model.
    #[must_use]
    pub fn check(&self, nodes: u32) -> Vec<OutOfRange> {
        let mut check = RangeCheck::default();
        if nodes == 1 {
            return Vec::new();
        }
        let is_below = |degree: &u32| (1..nodes).contains(degree);
        let of_nodes = |found: &u32| format!("{found}, and there are {nodes} nodes");
        match self {
            GraphModel::Complete {} | GraphModel::Ring {} | GraphModel::Star {} => &mut check,
            GraphModel::Outbound { degree, max_inbound } => {
                let rule = "must be at least 1 and less than the number of nodes";
                check.require(is_below(degree), "degree", rule, of_nodes(degree));
                let (rule, found) = ("must be at least `degree`", format!("{max_inbound} for {degree} dialled"));
                check.require(max_inbound >= degree, "max_inbound", rule, found)
            }
            GraphModel::OutboundDegrees { cumulative, max_inbound } => {
                let is_ascending = cumulative.is_sorted() && cumulative.first().is_some_and(|first| *first >= 0.0);
                let fits = is_ascending && cumulative.last() == Some(&1.0) && cumulative.len() < nodes as usize;
                let rule = "must ascend from at least 0 to exactly 1, in fewer steps than there are nodes";
                check.require(fits, "cumulative", rule, format!("{cumulative:?}"));
                check.at_least("max_inbound", f64::from(*max_inbound), 1.0)
            }
            GraphModel::RandomRegular { degree } => {
                let is_even = u64::from(*degree) * u64::from(nodes) % 2 == 0;
                let rule = "must be at least 1 and less than the number of nodes, and their product even";
                check.require(is_below(degree) && is_even, "degree", rule, of_nodes(degree))
            }
            GraphModel::SmallWorld { degree, rewiring_probability } => {
                let (is_even, rule) = (degree % 2 == 0, "must be even, at least 2 and less than the number of nodes");
                check.require(is_below(degree) && is_even, "degree", rule, of_nodes(degree));
                check.within("rewiring_probability", *rewiring_probability, 0.0, 1.0)
            }
            GraphModel::ScaleFree { edges_per_node: edges } => {
                let rule = "must be at least 1 and less than the number of nodes";
                check.require(is_below(edges), "edges_per_node", rule, of_nodes(edges))
            }
            GraphModel::Relay { relays, links } => {
                let rule = "must be at least 1 and at most the number of nodes";
                check.require((1..=nodes).contains(relays), "relays", rule, of_nodes(relays));
                let (rule, found) = ("must be at least 1 and at most `relays`", format!("{links} for {relays} relays"));
                check.require((1..=*relays).contains(links), "links", rule, found)
            }
        };
        check.finish()
    }
}

/// A graph that cannot be.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum TopologyError {
    /// No nodes.
    #[error("a network needs at least one node")]
    Empty,
    /// A parameter does not suit the number of nodes.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

impl Topology {
    /// The graph in which every node is linked to every other. Takes space for `2 n` nodes only.
    ///
    /// # Errors
    /// If there is no node.
    pub fn complete(n: usize) -> Result<Topology, TopologyError> {
        if n == 0 {
            return Err(TopologyError::Empty);
        }
        Ok(Topology { rows: Rows::Complete { twice: (0..n).chain(0..n).map(NodeId::from).collect() } })
    }
    /// A graph from directed links; repeated ones and those from a node to itself are left out.
    ///
    /// # Errors
    /// If there is no node.
    ///
    /// # Panics
    /// If an end is not below `n`.
    pub fn of_arcs(n: usize, arcs: impl IntoIterator<Item = (NodeId, NodeId)>) -> Result<Topology, TopologyError> {
        if n == 0 {
            return Err(TopologyError::Empty);
        }
        let mut rows = vec![Vec::new(); n];
        for (from, to) in arcs {
            assert!(to.index() < n, "a link ends at a node");
            if from != to {
                rows[from.index()].push(to);
            }
        }
        Ok(Topology::of_rows(rows))
    }
    /// A graph from the peers of each node, in any order.
    fn of_rows(rows: Vec<Vec<NodeId>>) -> Topology {
        let mut offsets = vec![0];
        let mut peers = Vec::with_capacity(rows.iter().map(Vec::len).sum());
        for mut row in rows {
            row.sort_unstable();
            row.dedup();
            peers.append(&mut row);
            offsets.push(u32::try_from(peers.len()).expect("fewer than 2^32 links"));
        }
        Topology { rows: Rows::Listed { offsets, peers } }
    }
    /// This graph between `seats` places, some of which may belong to one node: place `i` is node `node_of(i)`. Places are
    /// linked as their nodes are, where `meet` lets them.
    #[must_use]
    pub fn between(
        &self,
        seats: usize,
        node_of: impl Fn(NodeId) -> NodeId,
        meet: impl Fn(NodeId, NodeId) -> bool,
    ) -> Topology {
        let all = || (0..seats).map(NodeId::from);
        let linked = |from: NodeId, to: &NodeId| self.links(node_of(from), node_of(*to)) && meet(from, *to);
        Topology::of_rows(all().map(|from| all().filter(|to| linked(from, to)).collect()).collect())
    }
    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Complete { twice } => twice.len() / 2,
            Rows::Listed { offsets, .. } => offsets.len() - 1,
        }
    }
    /// Never: a topology has nodes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The nodes that `node` may send to: ascending, except that in a complete graph they start behind `node` and go round.
    #[must_use]
    pub fn peers(&self, node: NodeId) -> &[NodeId] {
        match &self.rows {
            Rows::Complete { twice } => &twice[node.index() + 1..node.index() + twice.len() / 2],
            Rows::Listed { offsets, peers } => {
                &peers[offsets[node.index()] as usize..offsets[node.index() + 1] as usize]
            }
        }
    }
    /// Whether every node is linked to every other by construction.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.rows, Rows::Complete { .. })
    }
    /// Whether `from` may send to `to`.
    #[must_use]
    pub fn links(&self, from: NodeId, to: NodeId) -> bool {
        match &self.rows {
            Rows::Complete { .. } => from != to,
            Rows::Listed { .. } => self.peers(from).binary_search(&to).is_ok(),
        }
    }
    /// Measures the graph.
    #[must_use]
    pub fn stats(&self) -> GraphStats {
        GraphStats::of(self)
    }
}
