//! Building graphs from a seed.

use super::{GraphModel, Topology, TopologyError};
use crate::base::{NodeId, Stream};
use crate::network::dataset::deal;
use rustc_hash::FxHashSet;

impl GraphModel {
    /// Builds the graph over `n` nodes: the same for the same seed, whatever else a run draws.
    ///
    /// # Errors
    /// If no graph of this shape has `n` nodes.
    pub fn build(&self, n: usize, seed: u64) -> Result<Topology, TopologyError> {
        if n == 0 {
            return Err(TopologyError::Empty);
        }
        if let Some(invalid) = self.check(u32::try_from(n).unwrap_or(u32::MAX)).into_iter().next() {
            return Err(invalid.into());
        }
        if n == 1 {
            return Topology::complete(1);
        }
        let mut stream = Stream::new(seed, "topology", 0, 0);
        Ok(match self {
            GraphModel::Complete {} => Topology::complete(n)?,
            GraphModel::Outbound { degree, max_inbound } => {
                dial(&vec![*degree as usize; n], *max_inbound as usize, &mut stream)
            }
            GraphModel::OutboundDegrees { cumulative, max_inbound } => {
                let wanted: Vec<usize> = deal(cumulative, n, &mut stream).iter().map(|index| index + 1).collect();
                dial(&wanted, *max_inbound as usize, &mut stream)
            }
            GraphModel::RandomRegular { degree } => random_regular(n, *degree as usize, &mut stream),
            GraphModel::SmallWorld { degree, rewiring_probability } => {
                small_world(n, *degree as usize, *rewiring_probability, &mut stream)
            }
            GraphModel::ScaleFree { edges_per_node } => scale_free(n, *edges_per_node as usize, &mut stream),
            GraphModel::Star {} => relay(n, 1, 1, &mut stream),
            GraphModel::Relay { relays, links } => relay(n, *relays as usize, *links as usize, &mut stream),
            GraphModel::Ring {} => ring(n),
        })
    }
}

/// An undirected graph that grows.
struct Growing {
    rows: Vec<Vec<NodeId>>,
}

impl Growing {
    fn new(n: usize) -> Growing {
        Growing { rows: vec![Vec::new(); n] }
    }
    fn link(&mut self, a: usize, b: usize) {
        self.rows[a].push(NodeId::from(b));
        self.rows[b].push(NodeId::from(a));
    }
    fn links(&self, a: usize, b: usize) -> bool {
        // The shorter list: hubs have long ones.
        let (a, b) = if self.rows[a].len() <= self.rows[b].len() { (a, b) } else { (b, a) };
        self.rows[a].contains(&NodeId::from(b))
    }
    fn unlink(&mut self, a: usize, b: usize) {
        self.rows[a].retain(|peer| peer.index() != b);
        self.rows[b].retain(|peer| peer.index() != a);
    }
    fn finish(self) -> Topology {
        Topology::of_rows(self.rows)
    }
}

/// Random tries before a dialling node goes through all nodes.
const BLIND_TRIES: usize = 64;

/// Each node in turn dials `wanted` random peers that have fewer than `max_inbound` and that it is not linked to.
fn dial(wanted: &[usize], max_inbound: usize, stream: &mut Stream) -> Topology {
    let n = wanted.len();
    let mut graph = Growing::new(n);
    let mut inbound = vec![0; n];
    for (node, wanted) in wanted.iter().enumerate() {
        for _ in 0..*wanted {
            let fits = |peer: &usize| *peer != node && inbound[*peer] < max_inbound && !graph.links(node, *peer);
            let blind = (0..BLIND_TRIES).map(|_| stream.index(n)).find(fits);
            let Some(peer) = blind.or_else(|| {
                let left: Vec<usize> = (0..n).filter(fits).collect();
                if left.is_empty() { None } else { Some(left[stream.index(left.len())]) }
            }) else {
                break;
            };
            graph.link(node, peer);
            inbound[peer] += 1;
        }
    }
    graph.finish()
}

fn random_regular(n: usize, degree: usize, stream: &mut Stream) -> Topology {
    if degree == n - 1 {
        return Topology::complete(n).expect("at least two nodes");
    }
    // A dense graph leaves no room to switch links in: its complement does.
    let sparse = if degree > n / 2 { n - 1 - degree } else { degree };
    let pairs = pairing(n, sparse, stream);
    let mut graph = Growing::new(n);
    pairs.iter().for_each(|pair| graph.link(pair.0, pair.1));
    if sparse != degree {
        for (node, row) in graph.rows.iter_mut().enumerate() {
            let mut present = vec![false; n];
            present[node] = true;
            row.iter().for_each(|peer| present[peer.index()] = true);
            *row = (0..n).filter(|peer| !present[*peer]).map(NodeId::from).collect();
        }
    }
    graph.finish()
}

/// An unordered pair as one word.
fn key(a: usize, b: usize) -> u64 {
    (a.min(b) as u64) << 32 | a.max(b) as u64
}

/// Switches tried for one bad pair before everything is drawn afresh.
const SWITCHES: usize = 1000;

/// Pairs up the link ends of `n` nodes with `degree` ends each at random, until no node is paired with itself and no
/// two are paired twice. A bad pair is mended by switching ends with a random good one. A draw without any bad pair
/// has positive probability, so that this ends.
fn pairing(n: usize, degree: usize, stream: &mut Stream) -> Vec<(usize, usize)> {
    loop {
        let mut ends: Vec<usize> = (0..n * degree).map(|end| end % n).collect();
        stream.shuffle(&mut ends);
        let (mut good, mut bad) = (Vec::with_capacity(ends.len() / 2), Vec::new());
        let mut linked = FxHashSet::default();
        for pair in ends.chunks_exact(2) {
            let is_good = pair[0] != pair[1] && linked.insert(key(pair[0], pair[1]));
            if is_good { &mut good } else { &mut bad }.push((pair[0], pair[1]));
        }
        if bad.into_iter().all(|pair| mend(pair, &mut good, &mut linked, stream)) {
            return good;
        }
    }
}

/// Replaces the bad pair `(a, b)` and a random good pair `(c, d)` by `(a, c)` and `(b, d)`. Whether it could.
fn mend(
    (a, b): (usize, usize),
    good: &mut Vec<(usize, usize)>,
    linked: &mut FxHashSet<u64>,
    stream: &mut Stream,
) -> bool {
    if good.is_empty() {
        return false;
    }
    for _ in 0..SWITCHES {
        let at = stream.index(good.len());
        let (c, d) = if stream.chance(0.5) { good[at] } else { (good[at].1, good[at].0) };
        let is_new = a != c && b != d && key(a, c) != key(b, d);
        if is_new && !linked.contains(&key(a, c)) && !linked.contains(&key(b, d)) {
            linked.remove(&key(c, d));
            linked.extend([key(a, c), key(b, d)]);
            good[at] = (a, c);
            good.push((b, d));
            return true;
        }
    }
    false
}

fn small_world(n: usize, degree: usize, rewired: f64, stream: &mut Stream) -> Topology {
    let mut graph = Growing::new(n);
    for reach in 1..=degree / 2 {
        (0..n).for_each(|node| graph.link(node, (node + reach) % n));
    }
    for reach in 1..=degree / 2 {
        for node in 0..n {
            // A node linked to all others keeps its links: there is nowhere to rewire them to.
            if stream.chance(rewired) && graph.rows[node].len() < n - 1 {
                let peer = loop {
                    let peer = stream.index(n);
                    if peer != node && !graph.links(node, peer) {
                        break peer;
                    }
                };
                graph.unlink(node, (node + reach) % n);
                graph.link(node, peer);
            }
        }
    }
    graph.finish()
}

fn scale_free(n: usize, links: usize, stream: &mut Stream) -> Topology {
    let mut graph = Growing::new(n);
    // Every node once for each of its links: a random entry is a node in proportion to its degree.
    let mut ends = Vec::with_capacity(2 * n * links);
    for node in 1..=links {
        for peer in 0..node {
            graph.link(node, peer);
            ends.extend([node, peer]);
        }
    }
    for node in links + 1..n {
        while graph.rows[node].len() < links {
            let peer = ends[stream.index(ends.len())];
            if !graph.links(node, peer) {
                graph.link(node, peer);
            }
        }
        for at in 0..links {
            ends.extend([node, graph.rows[node][at].index()]);
        }
    }
    graph.finish()
}

fn relay(n: usize, relays: usize, links: usize, stream: &mut Stream) -> Topology {
    let mut graph = Growing::new(n);
    for node in 1..relays {
        (0..node).for_each(|peer| graph.link(node, peer));
    }
    let mut choice: Vec<usize> = (0..relays).collect();
    for node in relays..n {
        // The first steps of a shuffle draw without repetition.
        for at in 0..links {
            choice.swap(at, at + stream.index(relays - at));
            graph.link(node, choice[at]);
        }
    }
    graph.finish()
}

fn ring(n: usize) -> Topology {
    let mut graph = Growing::new(n);
    if n > 1 {
        (0..n).for_each(|node| graph.link(node, (node + 1) % n));
    }
    graph.finish()
}
