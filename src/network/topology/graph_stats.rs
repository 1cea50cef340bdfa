//! Measuring graphs.

use super::Topology;
use crate::base::NodeId;
use std::fmt;

/// What a graph is like.
#[derive(Clone, PartialEq, Debug)]
pub struct GraphStats {
    /// Number of nodes.
    pub nodes: usize,
    /// Number of links; one that runs both ways counts once.
    pub links: usize,
    /// Whether every link runs both ways.
    pub symmetric: bool,
    /// Parts that no link joins; 1 for a connected graph. Directions do not matter.
    pub components: usize,
    /// Fewest peers of a node.
    pub degree_min: usize,
    /// Peers of a node on average.
    pub degree_mean: f64,
    /// Most peers of a node.
    pub degree_max: usize,
    /// Hops between the two nodes that are farthest apart, following directions; at least, and at most. Equal if it was
    /// measured from every node. None if some node cannot reach another.
    pub diameter: Option<(usize, usize)>,
    /// Mean over nodes of the part of pairs of peers that are peers of each other (Watts and Strogatz 1998); a node
    /// with fewer than two peers counts as 0.
    pub clustering: f64,
}

/// The diameter is measured from every node up to this many nodes, and bounded from a sample beyond.
const EXACT_UP_TO: usize = 1000;
/// Nodes in the sample.
const SAMPLE: usize = 32;

impl GraphStats {
    pub(super) fn of(graph: &Topology) -> GraphStats {
        let nodes = graph.len();
        let all = || (0..nodes).map(NodeId::from);
        if graph.is_complete() {
            return GraphStats::of_complete(nodes);
        }
        let arcs: usize = all().map(|node| graph.peers(node).len()).sum();
        let mutual =
            all().map(|node| graph.peers(node).iter().filter(|peer| graph.links(**peer, node)).count()).sum::<usize>();
        let degrees = || all().map(|node| graph.peers(node).len());
        GraphStats {
            nodes,
            links: arcs - mutual / 2,
            symmetric: mutual == arcs,
            components: components(graph),
            degree_min: degrees().min().unwrap_or(0),
            degree_mean: arcs as f64 / nodes as f64,
            degree_max: degrees().max().unwrap_or(0),
            diameter: diameter(graph, mutual == arcs),
            clustering: all().map(|node| clustering(graph, node)).sum::<f64>() / nodes as f64,
        }
    }
    fn of_complete(nodes: usize) -> GraphStats {
        let (degree, diameter) = (nodes - 1, usize::from(nodes > 1));
        GraphStats {
            nodes,
            links: nodes * degree / 2,
            symmetric: true,
            components: 1,
            degree_min: degree,
            degree_mean: degree as f64,
            degree_max: degree,
            diameter: Some((diameter, diameter)),
            clustering: if nodes > 2 { 1.0 } else { 0.0 },
        }
    }
    /// Whether every node can be reached from every other, were all links to run both ways.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.components == 1
    }
}

impl fmt::Display for GraphStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GraphStats { nodes, links, degree_min, degree_mean, degree_max, clustering, .. } = self;
        write!(f, "{nodes} nodes, {links} links, {degree_min} to {degree_max} peers (mean {degree_mean:.2}), ")?;
        match self.diameter {
            Some((least, most)) if least == most => write!(f, "diameter {least}")?,
            Some((least, most)) => write!(f, "diameter {least} to {most}")?,
            None if self.components > 1 => write!(f, "in {} unconnected parts", self.components)?,
            None => write!(f, "some nodes cannot reach others")?,
        }
        write!(f, ", clustering {clustering:.3}")
    }
}

/// Number of parts, directions aside: a forest of representatives, joined link by link.
fn components(graph: &Topology) -> usize {
    fn root(parent: &mut [usize], mut node: usize) -> usize {
        while parent[node] != node {
            parent[node] = parent[parent[node]];
            node = parent[node];
        }
        node
    }
    let mut parent: Vec<usize> = (0..graph.len()).collect();
    let mut parts = graph.len();
    for node in 0..graph.len() {
        for peer in graph.peers(NodeId::from(node)) {
            let (a, b) = (root(&mut parent, node), root(&mut parent, peer.index()));
            if a != b {
                parent[a] = b;
                parts -= 1;
            }
        }
    }
    parts
}

/// Hops from `start` to the node that is farthest from it, if all can be reached.
fn eccentricity(graph: &Topology, start: NodeId) -> Option<usize> {
    let mut seen = vec![false; graph.len()];
    seen[start.index()] = true;
    let (mut wave, mut reached, mut hops) = (vec![start], 1, 0);
    while reached < graph.len() {
        let mut next = Vec::new();
        for node in wave {
            for peer in graph.peers(node) {
                if !std::mem::replace(&mut seen[peer.index()], true) {
                    next.push(*peer);
                }
            }
        }
        if next.is_empty() {
            return None;
        }
        reached += next.len();
        hops += 1;
        wave = next;
    }
    Some(hops)
}

/// Least and greatest possible diameter.
fn diameter(graph: &Topology, symmetric: bool) -> Option<(usize, usize)> {
    let n = graph.len();
    let reversed = if symmetric { None } else { Some(reverse(graph)) };
    let exact = n <= EXACT_UP_TO;
    let (mut least, mut most) = (0, usize::MAX);
    for start in (0..n).map(NodeId::from).step_by(if exact { 1 } else { n / SAMPLE }) {
        let from_here = eccentricity(graph, start)?;
        let to_here = reversed.as_ref().map_or(Some(from_here), |reversed| eccentricity(reversed, start))?;
        least = least.max(from_here).max(to_here);
        // From anywhere to `start` and on to anywhere.
        most = most.min(to_here + from_here);
    }
    Some((least, if exact { least } else { most }))
}

/// The graph with all directions turned round.
fn reverse(graph: &Topology) -> Topology {
    let mut rows = vec![Vec::new(); graph.len()];
    for node in (0..graph.len()).map(NodeId::from) {
        graph.peers(node).iter().for_each(|peer| rows[peer.index()].push(node));
    }
    Topology::of_rows(rows)
}

/// Part of the pairs of peers of `node` that are linked.
fn clustering(graph: &Topology, node: NodeId) -> f64 {
    let peers = graph.peers(node);
    if peers.len() < 2 {
        return 0.0;
    }
    let shared: usize = peers.iter().map(|peer| common(peers, graph.peers(*peer))).sum();
    shared as f64 / (peers.len() * (peers.len() - 1)) as f64
}

/// How many nodes two ascending lists have in common.
fn common(one: &[NodeId], other: &[NodeId]) -> usize {
    let (mut a, mut b, mut shared) = (0, 0, 0);
    while let (Some(x), Some(y)) = (one.get(a), other.get(b)) {
        shared += usize::from(x == y);
        a += usize::from(x <= y);
        b += usize::from(y <= x);
    }
    shared
}
