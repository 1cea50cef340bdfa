//! Who is linked to whom.
//!
//! A [`Topology`] is a graph in compressed rows. A [`TopologyModel`] describes one and builds it from a seed; a [`GraphStats`]
//! tells what came of it. Every shape is undirected: whoever dialled, both ends may send. Only an imported graph may
//! have links that run one way.

mod generate;
mod graph_stats;
#[cfg(test)]
mod tests;

pub use graph_stats::GraphStats;

use crate::base::NodeId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A graph over the nodes `0..n`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topology {
    rows: Rows,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Rows {
    /// Everybody is linked to everybody: all nodes in order, twice over, so that the peers of any node are a slice.
    Complete { twice: Vec<NodeId> },
    /// `offsets[i]..offsets[i + 1]` are the peers of node `i`, ascending and without repetition.
    Listed { offsets: Vec<u32>, peers: Vec<NodeId> },
}

/// How a graph is made.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "shape", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TopologyModel {
    /// Everybody is linked to everybody.
    Complete {},
    /// Each node in turn dials random peers that have inbound room and that it is not linked to yet, as Bitcoin,
    /// `CometBFT`, Stellar and geth do. The mean degree is about twice `peers`.
    Outbound {
        /// Connections that each node dials: 1 to n - 1. Where nobody is left to dial, a node has fewer.
        peers: usize,
        /// Connections that each node accepts, at least `peers`.
        max_inbound: usize,
    },
    /// As `Outbound`, with a number of dialled connections that differs from node to node.
    OutboundDegrees {
        /// Probability that a node dials at most 1, 2, 3 ... peers; ascending to 1.
        cumulative: Vec<f64>,
        /// Connections that each node accepts.
        max_inbound: usize,
    },
    /// Random graph in which every node has `degree` peers (pairing model of Bollobas 1980, bad pairs switched away).
    RandomRegular {
        /// Peers of each node: 1 to n - 1, and even if n is odd.
        degree: usize,
    },
    /// Ring lattice with links rewired at random (Watts and Strogatz 1998).
    SmallWorld {
        /// Nearest neighbours that each node starts with, half on either side: even, 2 to n - 1.
        degree: usize,
        /// Probability that a link is rewired, 0 to 1.
        rewired: f64,
    },
    /// Nodes join one by one and prefer peers with many links (Barabasi and Albert 1999).
    ScaleFree {
        /// Links that each new node makes: 1 to n - 1.
        links: usize,
    },
    /// The first nodes are relays, all linked to each other; every other node is linked to some of them at random.
    /// One relay makes a star.
    Relay {
        /// Number of relays: 1 to n.
        relays: usize,
        /// Relays that each other node is linked to: 1 to `relays`.
        links: usize,
    },
    /// Each node is linked to the one before and the one after.
    Ring {},
}

/// A graph that cannot be.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum TopologyError {
    /// No nodes.
    #[error("a network needs at least one node")]
    Empty,
    /// A parameter is out of its range.
    #[error("{what} must {} in a network of {nodes} nodes, not {found}", bounds(*low, *high))]
    OutOfRange {
        /// The parameter in words.
        what: &'static str,
        /// Least value.
        low: usize,
        /// Greatest value; `usize::MAX` if there is none.
        high: usize,
        /// Number of nodes.
        nodes: usize,
        /// What was asked for.
        found: usize,
    },
    /// An odd number of link ends.
    #[error("{nodes} nodes cannot have {degree} peers each: every link has two ends, and {nodes} x {degree} is odd")]
    OddEnds {
        /// Number of nodes.
        nodes: usize,
        /// Peers of each.
        degree: usize,
    },
    /// A lattice needs as many neighbours on either side.
    #[error("a small world starts from an even number of neighbours, half on either side, not {degree}")]
    OddLattice {
        /// What was asked for.
        degree: usize,
    },
    /// Not a probability.
    #[error("the probability of rewiring must lie from 0 to 1, not {found}")]
    Probability {
        /// What was asked for.
        found: f64,
    },
    /// Not a distribution.
    #[error("a distribution of degrees must ascend from at least 0 to exactly 1")]
    Distribution,
}

/// A range in words.
fn bounds(low: usize, high: usize) -> String {
    if high == usize::MAX { format!("be at least {low}") } else { format!("lie from {low} to {high}") }
}

impl Topology {
    /// The graph in which everybody is linked to everybody. Takes space for `2 n` nodes only.
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
    /// Whom `node` may send to: ascending, except that in a complete graph they start behind `node` and go round.
    #[must_use]
    pub fn peers(&self, node: NodeId) -> &[NodeId] {
        match &self.rows {
            Rows::Complete { twice } => &twice[node.index() + 1..node.index() + twice.len() / 2],
            Rows::Listed { offsets, peers } => {
                &peers[offsets[node.index()] as usize..offsets[node.index() + 1] as usize]
            }
        }
    }
    /// Whether everybody is linked to everybody by construction.
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
