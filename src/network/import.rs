//! Networks that people bring along: CSV tables and Shadow's GML, read from text.
//!
//! Both forms give the nodes, the links, and what is known of single links. What a file leaves out comes from the
//! model. All delays are **one-way**. Formats:
//!
//! * CSV nodes `id,region,upload_bps,download_bps,access_latency_us,cpu_factor,hash_or_stake` and CSV edges
//!   `src,dst,latency_us,bandwidth_bps,loss,directed`. A blank cell, and every column but `id`, `src`, `dst`, may be
//!   left out. An edge runs both ways unless `directed` is 1.
//! * GML as Shadow reads it (shadow.github.io, "Network Graph Specification"): nodes with `host_bandwidth_up` and
//!   `host_bandwidth_down`, edges with `latency` and `packet_loss`. Here each GML node is one node; its label is taken
//!   as its region. A self-loop, in Shadow the path between two hosts of one graph node, counts for
//!   [`latency_table_of_gml`] only. `jitter` is read over, as Shadow does.

use super::csv_table::{CsvError, CsvTable, Row};
use super::dataset::LatencyTable;
use super::gml::{self, Attributes, Value};
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
    /// Probability that an envelope is lost.
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
    /// Whether some link of which something is known is as `is_wanted` says.
    pub fn any(&self, is_wanted: impl Fn(&Link) -> bool) -> bool {
        self.links.iter().any(|(_, link)| is_wanted(link))
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
    /// The graph of links. A directed link is in the list of its sender only.
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
///
/// # Errors
/// The first line that is not as it should be.
pub fn read_csv(nodes: &str, edges: &str) -> Result<Imported, CsvError> {
    let sheet = CsvTable::read(nodes)?;
    let id = sheet.column("id")?;
    let mut numbers = BTreeMap::new();
    let mut read = Vec::new();
    for row in sheet.rows() {
        if row.text(id).is_empty() || numbers.insert(row.text(id).to_owned(), read.len()).is_some() {
            return Err(row.error_at(id, "a name that no other node has"));
        }
        read.push(node_of(&sheet, &row, id)?);
    }
    let edges = csv_edges(edges, &numbers)?;
    assemble(read, edges)
}

fn node_of(sheet: &CsvTable, row: &Row, id: usize) -> Result<NodeAttributes, CsvError> {
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
fn microseconds(row: &Row, column: usize) -> Result<Duration, CsvError> {
    row.whole(column, 0..=3_600_000_000).map(Duration::from_micros)
}

/// The columns of the two ends of an edge, under the names that tools write.
fn ends(sheet: &CsvTable) -> Result<(usize, usize), CsvError> {
    const NAMES: [(&str, &str); 3] = [("src", "dst"), ("source", "target"), ("from", "to")];
    let pair = |(one, other)| sheet.optional(one).zip(sheet.optional(other));
    NAMES.into_iter().find_map(pair).ok_or_else(|| {
        let found = format!("columns {}", sheet.header().join(", "));
        let form = "columns \"src\" and \"dst\" (or source and target, or from and to), one row per link: \"0,1\"";
        let matrix = sheet.header().len() == sheet.rows().count() + 1;
        let hint =
            if matrix { "; a matrix of delays becomes one row per pair, with \"latency_us\" as a column" } else { "" };
        CsvError::new(1, found, format!("{form}{hint}"))
    })
}

fn csv_edges(text: &str, numbers: &BTreeMap<String, usize>) -> Result<Vec<Edge>, CsvError> {
    let sheet = CsvTable::read(text)?;
    let (src, dst) = ends(&sheet)?;
    let end = |row: &Row, column| {
        let known = numbers.get(row.text(column)).copied();
        known.ok_or_else(|| row.error_at(column, format!("the id of one of the {} nodes", numbers.len())))
    };
    let mut edges = Vec::new();
    for row in sheet.rows() {
        let (from, to) = (end(&row, src)?, end(&row, dst)?);
        if from == to {
            return Err(row.error_at(dst, "an end other than the source"));
        }
        let directed = row.unless_blank(sheet.optional("directed"), |row, column| row.whole(column, 0..=1))?;
        let link = Link {
            latency: row.unless_blank(sheet.optional("latency_us"), microseconds)?,
            bandwidth: row.unless_blank(sheet.optional("bandwidth_bps"), |row, column| {
                row.whole(column, 1..=1_000_000_000_000_000).map(BitRate)
            })?,
            loss: row.unless_blank(sheet.optional("loss"), |row, column| row.decimal(column, 0.0..=1.0))?,
        };
        edges.push(Edge { from, to, both: directed != Some(1), link, line: row.line() });
    }
    Ok(edges)
}

/// Puts nodes and edges together; no direction of a link may be given twice.
fn assemble(nodes: Vec<NodeAttributes>, edges: Vec<Edge>) -> Result<Imported, CsvError> {
    let mut given: BTreeMap<(usize, usize), Link> = BTreeMap::new();
    for edge in edges {
        let directions =
            if edge.both { vec![(edge.from, edge.to), (edge.to, edge.from)] } else { vec![(edge.from, edge.to)] };
        for direction in directions {
            if given.insert(direction, edge.link).is_some() {
                let (from, to) = (&nodes[direction.0].name, &nodes[direction.1].name);
                return Err(CsvError::new(edge.line, format!("{from} to {to} a second time"), "each link once"));
            }
        }
    }
    let arcs = given.keys().map(|(from, to)| (NodeId::from(*from), NodeId::from(*to)));
    let topology = Topology::of_arcs(nodes.len(), arcs)
        .map_err(|error: TopologyError| CsvError::new(1, error, "a network with nodes"))?;
    let links = given.iter().map(|((from, to), link)| (NodeId::from(*from), NodeId::from(*to), *link));
    Ok(Imported { links: Links::new(nodes.len(), links), topology, nodes })
}

/// Reads a network from Shadow's GML: each GML node is one node.
///
/// # Errors
/// The first line that is not as it should be.
pub fn read_gml(text: &str) -> Result<Imported, CsvError> {
    let graph = Graph::read(text)?;
    let edges = graph.edges.into_iter().filter(|edge| edge.from != edge.to).collect();
    assemble(graph.nodes, edges)
}

/// Reads Shadow's GML as a table of regions: each GML node is a region of many nodes, the delay between two regions is
/// that of the shortest path (Shadow's `use_shortest_path`), and the delay within a region is that of its self-loop.
///
/// # Errors
/// The first line that is not as it should be.
pub fn latency_table_of_gml(text: &str) -> Result<LatencyTable, CsvError> {
    let graph = Graph::read(text)?;
    let regions = graph.nodes.len();
    if regions > 256 {
        return Err(CsvError::new(1, format!("{regions} nodes"), "at most 256 nodes, each a region"));
    }
    let mut delays = vec![Duration::MAX; regions * regions];
    for edge in &graph.edges {
        let latency = edge.link.latency.ok_or_else(|| CsvError::new(edge.line, "no latency", "a key latency"))?;
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
        return Err(CsvError::new(1, "a graph without one", format!("a path from {from} to {to}")));
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
    fn read(text: &str) -> Result<Graph, CsvError> {
        let top = gml::parse(text)?;
        let graph = top.list("graph")?;
        let directed = graph.optional("directed", |value| value.whole(0..=1))? == Some(1);
        let mut numbers = BTreeMap::new();
        let mut nodes = Vec::new();
        for node in graph.lists("node") {
            let node = node?;
            let id = node.required("id", |value| value.whole(0..=u64::MAX))?;
            if numbers.insert(id, nodes.len()).is_some() {
                return Err(CsvError::new(
                    node.line(),
                    format!("id {id} a second time"),
                    "an id that no other node has",
                ));
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

fn gml_edge(edge: &Attributes, numbers: &BTreeMap<u64, usize>, both: bool) -> Result<Edge, CsvError> {
    let end = |value: &Value| {
        let id = value.whole(0..=u64::MAX)?;
        numbers.get(&id).copied().ok_or_else(|| CsvError::new(value.line(), id, "the id of a node of this graph"))
    };
    let (from, to) = (edge.required("source", end)?, edge.required("target", end)?);
    let link = Link {
        latency: edge.optional("latency", span)?,
        bandwidth: None,
        loss: edge.optional("packet_loss", |value| value.decimal(0.0..=1.0))?,
    };
    Ok(Edge { from, to, both, link, line: edge.line() })
}

/// A delay such as `"10 ms"`, above zero as Shadow demands.
fn span(value: &Value) -> Result<Duration, CsvError> {
    let text = value.text()?;
    let read: Result<Duration, String> = text.parse();
    match read {
        Ok(span) if !span.is_zero() => Ok(span),
        _ => Err(CsvError::new(value.line(), format!("\"{text}\""), "a delay above zero such as \"10 ms\"")),
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
fn bandwidth(value: &Value) -> Result<BitRate, CsvError> {
    let text = value.text()?;
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = text[..split].parse::<u64>().ok();
    let scale = BANDWIDTH_UNITS.iter().find(|(unit, _)| *unit == text[split..].trim()).map(|(_, scale)| *scale);
    let rate = number.zip(scale).and_then(|(number, scale)| number.checked_mul(scale));
    rate.filter(|rate| *rate > 0).map(BitRate).ok_or_else(|| {
        let units = BANDWIDTH_UNITS.map(|(unit, _)| unit).join(", ");
        let expected = format!("a whole number above zero and a unit ({units}) such as \"100 Mbit\"");
        CsvError::new(value.line(), format!("\"{text}\""), expected)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::dataset;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    const NODES: &str = "id,region,upload_bps,download_bps,access_latency_us,cpu_factor,hash_or_stake
a,EUROPE,20700000,40000000,0,1.0,0.289
b,NORTH_AMERICA,19200000,52000000,0,1.0,0.196
c,,,,5000,,
";
    const EDGES: &str = "src,dst,latency_us,bandwidth_bps,loss,directed
a,b,,,,0
a,c,119000,,0.0001,0
b,c,122000,10000000,0.001,1
";

    #[test]
    fn tables_give_nodes_links_and_what_is_known_of_them() {
        let read = read_csv(NODES, EDGES).unwrap();
        assert_eq!(read.nodes[0].upload, Some(BitRate(20_700_000)));
        assert_eq!((read.nodes[1].region.as_deref(), read.nodes[1].power), (Some("NORTH_AMERICA"), Some(0.196)));
        let blank = NodeAttributes { name: "c".into(), access: Some(Duration::from_millis(5)), ..Default::default() };
        assert_eq!(read.nodes[2], blank);
        let peers: Vec<&[NodeId]> = (0..3).map(|node| read.topology.peers(NodeId(node))).collect();
        assert_eq!(peers, [&[NodeId(1), NodeId(2)][..], &[NodeId(0), NodeId(2)], &[NodeId(0)]]);
        assert_eq!(read.links.get(NodeId(0), NodeId(1)), None, "a blank link is left to the model");
        let known = Link { latency: Some(Duration::from_millis(119)), bandwidth: None, loss: Some(0.0001) };
        assert_eq!(read.links.get(NodeId(2), NodeId(0)), Some(&known));
        assert_eq!(read.links.get(NodeId(1), NodeId(2)).unwrap().bandwidth, Some(BitRate(10_000_000)));
        assert_eq!(read.links.get(NodeId(2), NodeId(1)), None, "a directed link runs one way");
    }

    #[test]
    fn columns_may_be_left_out_and_reordered() {
        let read = read_csv("region,id\nEUROPE,7\nEUROPE,8\n", "dst,src\n7,8\n").unwrap();
        assert!(read.topology.links(NodeId(0), NodeId(1)) && read.links.is_empty());
    }

    #[test]
    fn peoples_own_files_are_read_or_refused_with_the_form_that_was_meant() {
        for header in ["src,dst", "source,target", "from,to"] {
            let read = read_csv("id\n0\n1\n", &format!("{header}\n0,1\n")).unwrap();
            assert!(read.topology.links(NodeId(1), NodeId(0)), "{header}");
        }
        let matrix = read_csv("id\n0\n1\n", ",EU,US\nEU,10,40\nUS,40,10\n").unwrap_err().to_string();
        assert!(matrix.contains("found columns , EU, US") && matrix.contains("one row per pair"), "{matrix}");
        let plain = read_gml("graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 ] ]").unwrap();
        assert!(plain.topology.links(NodeId(1), NodeId(0)) && plain.links.is_empty(), "delays are the model's");
    }

    #[test]
    fn an_error_in_a_table_is_reported_with_its_line() {
        let nodes = |text: &str| read_csv(text, "src,dst\n").unwrap_err().to_string();
        assert_eq!(nodes("name\na\n"), "line 1: expected a column \"id\", found columns name");
        assert_eq!(nodes("id\na\na\n"), "line 3: expected a name that no other node has in column \"id\", found \"a\"");
        assert_eq!(
            nodes("id,upload_bps\na,20 Mbit\n"),
            "line 2: expected a whole number from 1 to 1000000000000000 in column \"upload_bps\", found \"20 Mbit\""
        );
        assert_eq!(
            nodes("id,cpu_factor\na,-1\n"),
            "line 2: expected a number from 0.001 to 1000 in column \"cpu_factor\", found \"-1\""
        );
        assert_eq!(
            nodes("id,hash_or_stake\na,NaN\n"),
            "line 2: expected a number of at least 0 in column \"hash_or_stake\", found \"NaN\""
        );
        assert_eq!(nodes("id\n"), "line 1: expected a network with nodes, found a network needs at least one node");
        let edges = |text: &str| read_csv("id\na\nb\n", text).unwrap_err().to_string();
        assert_eq!(
            edges("src,dst\na,z\n"),
            "line 2: expected the id of one of the 2 nodes in column \"dst\", found \"z\""
        );
        assert_eq!(
            edges("src,dst\na,a\n"),
            "line 2: expected an end other than the source in column \"dst\", found \"a\""
        );
        assert_eq!(
            edges("src,dst,loss\na,b,2\n"),
            "line 2: expected a number from 0 to 1 in column \"loss\", found \"2\""
        );
        assert_eq!(edges("src,dst\na,b\nb,a\n"), "line 3: expected each link once, found b to a a second time");
        assert_eq!(edges("src,dst\na\n"), "line 2: expected 2 cells as in the header, found 1 cells");
    }

    /// Two cities as Shadow's documentation writes them.
    const GML: &str = "# two cities
graph [
  directed 0
  node [ id 5 label \"here\" host_bandwidth_up \"100 Mbit\" host_bandwidth_down \"1 Gibit\" country \"XX\" ]
  node [ id 3 ]
  edge [ source 5 target 5 latency \"1 ms\" packet_loss 0.0 ]
  edge [ source 3 target 3 latency \"2 ms\" packet_loss 0.0 ]
  edge [
    source 5
    target 3
    latency \"10500 us\"
    jitter \"3 ms\"
    packet_loss 0.01
  ]
]
";

    #[test]
    fn shadows_graphs_are_read() {
        let read = read_gml(GML).unwrap();
        assert_eq!((read.nodes[0].name.as_str(), read.nodes[0].region.as_deref()), ("5", Some("here")));
        assert_eq!(read.nodes[0].upload, Some(BitRate(100_000_000)));
        assert_eq!(read.nodes[0].download, Some(BitRate(1 << 30)));
        assert_eq!(read.topology.stats().links, 1, "a self-loop is no link between nodes");
        let known = Link { latency: Some(Duration::from_micros(10_500)), bandwidth: None, loss: Some(0.01) };
        assert_eq!(read.links.get(NodeId(1), NodeId(0)), Some(&known));
    }

    #[test]
    fn a_graph_of_regions_becomes_a_table_by_shortest_paths() {
        let gml = "graph [ directed 1
            node [ id 0 label \"A\" ] node [ id 1 label \"B\" ] node [ id 2 label \"C\" ]
            edge [ source 0 target 0 latency \"1 ms\" ] edge [ source 1 target 1 latency \"1 ms\" ]
            edge [ source 2 target 2 latency \"1 ms\" ]
            edge [ source 0 target 1 latency \"10 ms\" ] edge [ source 1 target 2 latency \"10 ms\" ]
            edge [ source 0 target 2 latency \"50 ms\" ] edge [ source 2 target 0 latency \"5 ms\" ] ]";
        let table = latency_table_of_gml(gml).unwrap();
        let ms = |from, to| table.median(from, to).as_nanos() / 1_000_000;
        assert_eq!(table.names(), ["A", "B", "C"]);
        assert_eq!([ms(0, 1), ms(0, 2), ms(1, 0), ms(2, 1), ms(1, 1)], [10, 20, 15, 15, 1]);
        let gap = latency_table_of_gml("graph [ node [ id 0 ] node [ id 1 ] ]").unwrap_err();
        assert_eq!(gap.to_string(), "line 1: expected a path from 0 to 0, found a graph without one");
    }

    #[test]
    fn an_error_in_a_graph_is_reported_with_its_line() {
        let refused = |gml: &str| read_gml(gml).unwrap_err().to_string();
        assert_eq!(refused(""), "line 1: expected \"graph [ ... ]\", found none");
        assert_eq!(refused("graph 3"), "line 1: expected a list in brackets, found 3");
        assert_eq!(refused("graph [\nnode [ id 1 ]\n"), "line 2: expected \"]\", found the end of the text");
        assert_eq!(refused("graph [ ]\n]"), "line 2: expected a key that begins with a letter, found \"]\"");
        assert_eq!(
            refused("graph [\nnode [ label \"x ] ]"),
            "line 2: expected a text in quotes, found a quote that is never closed"
        );
        assert_eq!(refused("graph [\nnode [ label \"x\" ] ]"), "line 2: expected a key id, found a list without one");
        assert_eq!(refused("graph [ node\n[ id 1 id 2 ] ]"), "line 2: expected id once, found id a second time");
        let edge = |edge: &str| refused(&format!("graph [ node [ id 1 ] node [ id 2 ]\nedge [ {edge} ] ]"));
        assert_eq!(
            edge("source 1 target 9 latency \"1 ms\""),
            "line 2: expected the id of a node of this graph, found 9"
        );
        let regions = latency_table_of_gml("graph [ node [ id 1 ]\nedge [ source 1 target 1 ] ]").unwrap_err();
        assert_eq!(regions.to_string(), "line 2: expected a key latency, found no latency");
        for latency in ["0 ms", "ten ms", "10", "10 Mbit"] {
            assert_eq!(
                edge(&format!("source 1 target 2 latency \"{latency}\"")),
                format!("line 2: expected a delay above zero such as \"10 ms\", found \"{latency}\"")
            );
        }
        assert_eq!(
            edge("source 1 target 2 latency \"1 ms\" packet_loss 1.5"),
            "line 2: expected a number from 0 to 1, found 1.5"
        );
        assert!(
            refused("graph [ node [ id 1 host_bandwidth_up \"8 MB\" ] ]")
                .contains("such as \"100 Mbit\", found \"8 MB\"")
        );
    }

    #[test]
    fn nesting_without_end_is_refused_rather_than_followed() {
        assert!(read_gml(&"a [ ".repeat(100_000)).unwrap_err().found.contains('['));
    }

    #[test]
    fn a_table_written_as_gml_reads_back_the_same() {
        let table = dataset::latency("simblock-2019").unwrap();
        let mut gml = String::from("graph [\n");
        for (id, name) in table.names().iter().enumerate() {
            let _ = writeln!(gml, "  node [ id {id} label \"{name}\" ]");
        }
        for (from, to) in (0..6u8).flat_map(|from| (from..6).map(move |to| (from, to))) {
            let us = table.median(from, to).as_nanos() / 1000;
            let _ = writeln!(gml, "  edge [ source {from} target {to} latency \"{us} us\" packet_loss 0.0 ]");
        }
        let read = latency_table_of_gml(&(gml + "]")).unwrap();
        assert_eq!(read.names(), table.names());
        // Detours that are shorter than the direct way are taken: North America to Asia via Japan is not one of them.
        assert!((0..6).all(|at| read.median(at, at) == table.median(at, at)));
        assert_eq!(read.median(0, 3), table.median(0, 3));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in "[\\[\\]a-z0-9\", \n#.é-]{0,80}") {
            let _ = read_gml(&text);
            let _ = latency_table_of_gml(&format!("graph [ {text} ]"));
            let _ = read_csv(&text, &text);
            let _ = read_csv("id\na\nb\n", &format!("src,dst\n{text}"));
            let _ = LatencyTable::read(&format!("region,{text}"));
        }

        #[test]
        fn a_link_is_found_just_if_it_was_given(
            given in prop::collection::btree_map((0u32..9, 0u32..9), 1u64..99, 0..30),
        ) {
            let link = |us: u64| Link { latency: Some(Duration::from_micros(us)), ..Link::default() };
            let links = Links::new(9, given.iter().map(|((a, b), us)| (NodeId(*a), NodeId(*b), link(*us))));
            for (a, b) in (0..9).flat_map(|a| (0..9).map(move |b| (a, b))) {
                let wanted = given.get(&(a, b)).map(|us| link(*us));
                prop_assert_eq!(links.get(NodeId(a), NodeId(b)).copied(), wanted);
            }
        }
    }
}
