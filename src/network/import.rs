//! Networks that people bring along: CSV tables and Shadow's GML, read from text.
//!
//! Both forms give the nodes, who is linked to whom, and what is known of single links; whatever is left out comes
//! from the model. All delays are **one-way**. Formats:
//!
//! * CSV nodes `id,region,upload_bps,download_bps,access_latency_us,cpu_factor,hash_or_stake` and CSV edges
//!   `src,dst,latency_us,bandwidth_bps,loss,directed`. A blank cell, and every column but `id`, `src`, `dst`, may be
//!   left out. An edge runs both ways unless `directed` is 1.
//! * GML as Shadow reads it (shadow.github.io, "Network Graph Specification"): nodes with `host_bandwidth_up` and
//!   `host_bandwidth_down`, edges with `latency` and `packet_loss`. Here each GML node is one node; its label is taken
//!   as its region. A self-loop, in Shadow the path between two hosts of one graph node, counts for
//!   [`latency_table_of_gml`] only. `jitter` is read over, as Shadow does.

use super::dataset::LatencyTable;
use super::gml::{self, Attributes, Value};
use super::sheet::{Mistake, Row, Sheet};
use super::topology::{Topology, TopologyError};
use crate::base::{BitRate, Duration, NodeId};
use std::collections::BTreeMap;

/// What is known of a node; what is missing comes from the model.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct NodeAttributes {
    /// What the text calls it.
    pub name: String,
    /// Name of its region.
    pub region: Option<String>,
    /// Upload bandwidth.
    pub upload: Option<BitRate>,
    /// Download bandwidth.
    pub download: Option<BitRate>,
    /// One-way delay of its access link.
    pub access: Option<Duration>,
    /// How many times slower its CPU is than the reference.
    pub cpu_factor: Option<f64>,
    /// Its share of hash power or stake, in any unit.
    pub power: Option<f64>,
}

/// What is known of a link in one direction; what is missing comes from the model.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Link {
    /// One-way propagation delay.
    pub latency: Option<Duration>,
    /// Bandwidth.
    pub bandwidth: Option<BitRate>,
    /// Probability that a parcel is lost.
    pub loss: Option<f64>,
}

/// What is known of single links. Links of which nothing is known are not listed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Links {
    /// `offsets[i]..offsets[i + 1]` are the links of node `i`; empty if there is none at all.
    offsets: Vec<u32>,
    /// Receivers and links, by sender and then by receiver.
    links: Vec<(NodeId, Link)>,
}

impl Links {
    /// Links between `n` nodes; of several for one ordered pair the last counts.
    ///
    /// # Panics
    /// If an end is not below `n`.
    #[must_use]
    pub fn new(n: usize, links: impl IntoIterator<Item = (NodeId, NodeId, Link)>) -> Links {
        let known: BTreeMap<(NodeId, NodeId), Link> = links
            .into_iter()
            .filter(|(.., link)| *link != Link::default())
            .map(|(a, b, link)| ((a, b), link))
            .collect();
        if known.is_empty() {
            return Links::default();
        }
        let mut offsets = vec![0; n + 1];
        for (from, to) in known.keys() {
            assert!(to.index() < n, "a link ends at a node");
            offsets[from.index() + 1] += 1;
        }
        for node in 0..n {
            offsets[node + 1] += offsets[node];
        }
        Links { offsets, links: known.into_iter().map(|((_, to), link)| (to, link)).collect() }
    }
    /// Whether nothing is known of any link.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }
    /// What is known of the link from `from` to `to`.
    #[must_use]
    pub fn get(&self, from: NodeId, to: NodeId) -> Option<&Link> {
        let row = self.offsets.get(from.index()..from.index() + 2)?;
        let row = &self.links[row[0] as usize..row[1] as usize];
        row.binary_search_by_key(&to, |(to, _)| *to).ok().map(|at| &row[at].1)
    }
    /// All known propagation delays.
    pub fn latencies(&self) -> impl Iterator<Item = Duration> + '_ {
        self.links.iter().filter_map(|(_, link)| link.latency)
    }
}

/// A network read from text.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The nodes, in the order of the text.
    pub nodes: Vec<NodeAttributes>,
    /// Who is linked to whom; a directed link is in the list of its sender only.
    pub topology: Topology,
    /// What is known of single links.
    pub links: Links,
}

/// An edge that was read: its ends by index, and whether it runs both ways.
struct Edge {
    from: usize,
    to: usize,
    both: bool,
    link: Link,
    line: usize,
}

/// Reads a network from two CSV texts.
pub fn read_csv(nodes: &str, edges: &str) -> Result<Imported, Mistake> {
    let sheet = Sheet::read(nodes)?;
    let id = sheet.column("id")?;
    let mut numbers = BTreeMap::new();
    let mut read = Vec::new();
    for row in sheet.rows() {
        if row.text(id).is_empty() || numbers.insert(row.text(id).to_owned(), read.len()).is_some() {
            return Err(row.mistake(id, "a name that no other node has"));
        }
        read.push(node_of(&sheet, &row, id)?);
    }
    let edges = csv_edges(edges, &numbers)?;
    assemble(read, edges)
}

fn node_of(sheet: &Sheet, row: &Row, id: usize) -> Result<NodeAttributes, Mistake> {
    let rate = |row: &Row, column| row.whole(column, 1..=1_000_000_000_000_000).map(BitRate);
    let positive = |row: &Row, column| row.decimal(column, 0.0..=f64::MAX);
    Ok(NodeAttributes {
        name: row.text(id).to_owned(),
        region: row.unless_blank(sheet.optional("region"), |row, column| Ok(row.text(column).to_owned()))?,
        upload: row.unless_blank(sheet.optional("upload_bps"), rate)?,
        download: row.unless_blank(sheet.optional("download_bps"), rate)?,
        access: row.unless_blank(sheet.optional("access_latency_us"), microseconds)?,
        cpu_factor: row
            .unless_blank(sheet.optional("cpu_factor"), |row, column| row.decimal(column, 0.001..=1000.0))?,
        power: row.unless_blank(sheet.optional("hash_or_stake"), positive)?,
    })
}

/// A delay of up to an hour, in whole microseconds.
fn microseconds(row: &Row, column: usize) -> Result<Duration, Mistake> {
    row.whole(column, 0..=3_600_000_000).map(Duration::from_micros)
}

fn csv_edges(text: &str, numbers: &BTreeMap<String, usize>) -> Result<Vec<Edge>, Mistake> {
    let sheet = Sheet::read(text)?;
    let (src, dst) = (sheet.column("src")?, sheet.column("dst")?);
    let end = |row: &Row, column| {
        let known = numbers.get(row.text(column)).copied();
        known.ok_or_else(|| row.mistake(column, format!("the id of one of the {} nodes", numbers.len())))
    };
    let mut edges = Vec::new();
    for row in sheet.rows() {
        let (from, to) = (end(&row, src)?, end(&row, dst)?);
        if from == to {
            return Err(row.mistake(dst, "an end other than the source"));
        }
        let directed = row.unless_blank(sheet.optional("directed"), |row, column| row.whole(column, 0..=1))?;
        let link = Link {
            latency: row.unless_blank(sheet.optional("latency_us"), microseconds)?,
            bandwidth: row.unless_blank(sheet.optional("bandwidth_bps"), |row, column| {
                row.whole(column, 1..=1_000_000_000_000_000).map(BitRate)
            })?,
            loss: row.unless_blank(sheet.optional("loss"), |row, column| row.decimal(column, 0.0..=1.0))?,
        };
        edges.push(Edge { from, to, both: directed != Some(1), link, line: row.line });
    }
    Ok(edges)
}

/// Puts nodes and edges together; no direction of a link may be told twice.
fn assemble(nodes: Vec<NodeAttributes>, edges: Vec<Edge>) -> Result<Imported, Mistake> {
    let mut told: BTreeMap<(usize, usize), Link> = BTreeMap::new();
    for edge in edges {
        let directions =
            if edge.both { vec![(edge.from, edge.to), (edge.to, edge.from)] } else { vec![(edge.from, edge.to)] };
        for direction in directions {
            if told.insert(direction, edge.link).is_some() {
                let (from, to) = (&nodes[direction.0].name, &nodes[direction.1].name);
                return Err(Mistake::new(edge.line, format!("{from} to {to} a second time"), "each link once"));
            }
        }
    }
    let arcs = told.keys().map(|(from, to)| (NodeId::from(*from), NodeId::from(*to)));
    let topology = Topology::of_arcs(nodes.len(), arcs)
        .map_err(|error: TopologyError| Mistake::new(1, error, "a network with nodes"))?;
    let links = told.iter().map(|((from, to), link)| (NodeId::from(*from), NodeId::from(*to), *link));
    Ok(Imported { links: Links::new(nodes.len(), links), topology, nodes })
}

/// Reads a network from Shadow's GML: each GML node is one node.
pub fn read_gml(text: &str) -> Result<Imported, Mistake> {
    let graph = Graph::read(text)?;
    let edges = graph.edges.into_iter().filter(|edge| edge.from != edge.to).collect();
    assemble(graph.nodes, edges)
}

/// Reads Shadow's GML as a table of regions: each GML node is a region of many nodes, the delay between two regions is
/// that of the shortest path (Shadow's `use_shortest_path`), and the delay within a region is that of its self-loop.
pub fn latency_table_of_gml(text: &str) -> Result<LatencyTable, Mistake> {
    let graph = Graph::read(text)?;
    let regions = graph.nodes.len();
    if regions > 256 {
        return Err(Mistake::new(1, format!("{regions} nodes"), "at most 256 nodes, each a region"));
    }
    let mut delays = vec![Duration::MAX; regions * regions];
    for edge in &graph.edges {
        let latency = edge.link.latency.expect("every GML edge has a latency");
        delays[edge.from * regions + edge.to] = latency;
        if edge.both {
            delays[edge.to * regions + edge.from] = latency;
        }
    }
    let within: Vec<Duration> = (0..regions).map(|region| delays[region * regions + region]).collect();
    for via in 0..regions {
        for pair in 0..regions * regions {
            let (from, to) = (pair / regions, pair % regions);
            let detour = delays[from * regions + via] + delays[via * regions + to];
            if from != to && from != via && to != via {
                delays[pair] = delays[pair].min(detour);
            }
        }
    }
    (0..regions).for_each(|region| delays[region * regions + region] = within[region]);
    if let Some(gap) = delays.iter().position(|delay| *delay == Duration::MAX) {
        let (from, to) = (&graph.nodes[gap / regions].name, &graph.nodes[gap % regions].name);
        return Err(Mistake::new(1, "a graph without one", format!("a path from {from} to {to}")));
    }
    let names = graph.nodes.into_iter().map(|node| node.region.unwrap_or(node.name)).collect();
    Ok(LatencyTable::new(names, delays, vec![0.0; regions * regions]))
}

/// The content of a GML text.
struct Graph {
    nodes: Vec<NodeAttributes>,
    edges: Vec<Edge>,
}

impl Graph {
    fn read(text: &str) -> Result<Graph, Mistake> {
        let top = gml::parse(text)?;
        let graph = top.list("graph")?;
        let directed = graph.optional("directed", |value| value.whole(0..=1))? == Some(1);
        let mut numbers = BTreeMap::new();
        let mut nodes = Vec::new();
        for node in graph.lists("node") {
            let node = node?;
            let id = node.required("id", |value| value.whole(0..=u64::MAX))?;
            if numbers.insert(id, nodes.len()).is_some() {
                return Err(Mistake::new(node.line, format!("id {id} a second time"), "an id that no other node has"));
            }
            nodes.push(NodeAttributes {
                name: id.to_string(),
                region: node.optional("label", |value| value.text().map(str::to_owned))?,
                upload: node.optional("host_bandwidth_up", bandwidth)?,
                download: node.optional("host_bandwidth_down", bandwidth)?,
                ..NodeAttributes::default()
            });
        }
        let mut edges = Vec::new();
        for edge in graph.lists("edge") {
            edges.push(gml_edge(edge?, &numbers, !directed)?);
        }
        Ok(Graph { nodes, edges })
    }
}

fn gml_edge(edge: &Attributes, numbers: &BTreeMap<u64, usize>, both: bool) -> Result<Edge, Mistake> {
    let end = |value: &Value| {
        let id = value.whole(0..=u64::MAX)?;
        numbers.get(&id).copied().ok_or_else(|| Mistake::new(value.line, id, "the id of a node of this graph"))
    };
    let (from, to) = (edge.required("source", end)?, edge.required("target", end)?);
    let link = Link {
        latency: Some(edge.required("latency", span)?),
        bandwidth: None,
        loss: edge.optional("packet_loss", |value| value.decimal(0.0..=1.0))?,
    };
    Ok(Edge { from, to, both, link, line: edge.line })
}

/// A delay such as `"10 ms"`, above zero as Shadow demands.
fn span(value: &Value) -> Result<Duration, Mistake> {
    let text = value.text()?;
    let read: Result<Duration, String> = text.parse();
    match read {
        Ok(span) if !span.is_zero() => Ok(span),
        _ => Err(Mistake::new(value.line, format!("\"{text}\""), "a delay above zero such as \"10 ms\"")),
    }
}

/// Units of bandwidth that Shadow knows, in bits per second.
const BANDWIDTH_UNITS: [(&str, u64); 10] = [
    ("bit", 1),
    ("Kbit", 1_000),
    ("Mbit", 1_000_000),
    ("Gbit", 1_000_000_000),
    ("Tbit", 1_000_000_000_000),
    ("kbit", 1_000),
    ("Kibit", 1 << 10),
    ("Mibit", 1 << 20),
    ("Gibit", 1 << 30),
    ("Tibit", 1 << 40),
];

/// A bandwidth such as `"100 Mbit"`.
fn bandwidth(value: &Value) -> Result<BitRate, Mistake> {
    let text = value.text()?;
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..split].parse::<u64>().ok();
    let scale = BANDWIDTH_UNITS.iter().find(|(unit, _)| *unit == text[split..].trim()).map(|(_, scale)| *scale);
    let rate = number.zip(scale).and_then(|(number, scale)| number.checked_mul(scale));
    rate.filter(|rate| *rate > 0).map(BitRate).ok_or_else(|| {
        let units = BANDWIDTH_UNITS.map(|(unit, _)| unit).join(", ");
        let expected = format!("a whole number above zero and a unit ({units}) such as \"100 Mbit\"");
        Mistake::new(value.line, format!("\"{text}\""), expected)
    })
}
