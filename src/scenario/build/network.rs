//! The network of a chain: places, delays, rates, graph, gossip.

use super::delay::AtEndpoints;
use super::{Read, regions};
use crate::base::{Duration, NodeId, Stream};
use crate::engine::{ProcessId, Roster, TransactionRelay};
use crate::network::dataset::{self, LatencyTable};
use crate::network::gossip::{Gossip, Graph};
use crate::network::import::{self, Imported};
use crate::network::latency::{Distribution, Latency, Region};
use crate::network::topology::{GraphModel, Topology};
use crate::network::transport::{Rates, Settings, Tcp, Transport};
use crate::network::{Change, Degradation, Delay, Network};
use crate::scenario::catalogue::{Catalogue, Site, find};
use crate::scenario::{self, Chain as ChainTable, Nodes, Rate};
use std::path::Path;
use std::sync::Arc;

/// Everything that lies between the nodes of a chain.
pub(super) struct Plan {
    pub network: Box<dyn Network>,
    pub gossip: Option<Box<dyn Gossip>>,
    pub relay: TransactionRelay,
    pub remarks: Vec<String>,
}

/// The number of the permanent loss of every link, apart from all faults.
const PERMANENT: u32 = u32::MAX;

/// Where each node stands, and what a file says of the network.
pub(super) fn places(
    table: &ChainTable,
    seed: u64,
    read: Read<'_>,
) -> Result<(Vec<Option<String>>, Option<Imported>), String> {
    let mut regions = regions(&table.nodes, seed)?;
    let imported = imported(&table.network, table.nodes.count() as usize, read)?;
    if let Some(imported) = &imported {
        for (region, node) in regions.iter_mut().zip(&imported.nodes) {
            *region = node.region.clone().or(region.take());
        }
    }
    Ok((regions, imported))
}

/// Everything between the processes of a roster. Twins stand where the first of them stands, each with a link of its own.
pub(super) fn plan(
    catalogue: &Catalogue,
    table: &ChainTable,
    seed: u64,
    regions: &[Option<String>],
    imported: Option<&Imported>,
    roster: &Roster,
) -> Result<Plan, String> {
    let (choice, nodes) = (&table.network, &table.nodes);
    let topology = match imported {
        Some(imported) => imported.topology.clone(),
        None => graph(catalogue, choice, &Site { seed, regions })?,
    };
    let survey = topology.stats();
    if !survey.is_connected() {
        return Err(format!("the graph that seed {seed} draws falls into {} parts: {survey}", survey.components));
    }
    let remarks = if topology.is_complete() { Vec::new() } else { vec![format!("{}: {survey}", table.name)] };
    let hops = survey.diameter.map_or(1, |(least, _)| least.max(1)) as u32;
    let mut settings = transport(choice, nodes, regions, imported, seed)?;
    let twins: Vec<NodeId> = roster.twins().collect();
    settings.rates.extend(twins.iter().map(|node| settings.rates[node.index()]).collect::<Vec<Rates>>());
    let mut places = regions.to_vec();
    places.extend(twins.iter().map(|node| regions[node.index()].clone()));
    let mut access = access(nodes, regions, imported, seed);
    access.extend(twins.iter().map(|node| access[node.index()]).collect::<Vec<Duration>>());
    let endpoints: Vec<NodeId> = roster.all().map(|process| roster.node(process)).collect();
    let site = Site { seed, regions };
    let delay = || -> Result<Box<dyn Delay>, String> {
        let scenario::Latency::Model(model) = choice.latency() else {
            return Ok(Box::new(delays(choice, &places, &access, imported, seed)?));
        };
        let model = (find(catalogue.latencies(), "latency", &model.name)?.read)(&model.settings);
        Ok(Box::new(AtEndpoints::new(model.delay(&site)?, &endpoints, &access)))
    };
    let mut network = Transport::new(seed, delay()?, settings);
    if choice.loss > 0.0 {
        let all: Vec<NodeId> = (0..places.len()).map(NodeId::from).collect();
        let by = Degradation { loss: choice.loss, ..Degradation::default() };
        let change = Change::Degrade { id: PERMANENT, from: all.clone(), to: all, by };
        network.change(crate::base::Time::ZERO, &change, &mut crate::network::Carried::default());
    }
    let mut network: Box<dyn Network> = Box::new(network);
    if let Some(model) = &choice.model {
        let model = (find(catalogue.networks(), "network", &model.name)?.read)(&model.settings);
        network = model.network(&site, &endpoints, network)?;
    }
    let relay = match choice.transaction_relay {
        scenario::TransactionRelay::Gossip => TransactionRelay::Gossip,
        scenario::TransactionRelay::Sampled => TransactionRelay::Sampled(delay()?, hops),
    };
    let topology = if twins.is_empty() {
        topology
    } else {
        let node = |endpoint| roster.node(ProcessId::at(endpoint));
        let can_communicate = |one, other| roster.can_communicate(ProcessId::at(one), ProcessId::at(other));
        topology.between(places.len(), node, can_communicate)
    };
    let gossip = choice.gossip.build(seed, Arc::new(topology));
    Ok(Plan { network, gossip, relay, remarks })
}

/// Whether what a file says of a network can be used.
pub(super) fn look(table: &ChainTable, seed: u64, read: Read<'_>) -> Result<(), String> {
    let (regions, imported) = places(table, seed, read)?;
    let Some(imported) = imported else { return Ok(()) };
    let survey = imported.topology.stats();
    if !survey.is_connected() {
        return Err(format!("its graph falls into {} parts: {survey}", survey.components));
    }
    transport(&table.network, &table.nodes, &regions, Some(&imported), seed)?;
    let access = access(&table.nodes, &regions, Some(&imported), seed);
    if !matches!(table.network.latency(), scenario::Latency::Model(_)) {
        delays(&table.network, &regions, &access, Some(&imported), seed)?;
    }
    Ok(())
}

/// A network read from the files that the scenario names.
fn imported(choice: &scenario::Network, n: usize, read: Read<'_>) -> Result<Option<Imported>, String> {
    let scenario::Topology::File { path } = &choice.topology else { return Ok(None) };
    let text = read(path)?;
    let at = |mistake: crate::network::CsvError| format!("{path}: {mistake}");
    let imported = if Path::new(path).extension().is_some_and(|extension| extension == "gml") {
        import::read_gml(&text).map_err(at)?
    } else {
        let nodes = (0..n).fold(String::from("id\n"), |text, node| text + &format!("{node}\n"));
        import::read_csv(&nodes, &text).map_err(at)?
    };
    if imported.nodes.len() != n {
        return Err(format!("{path} describes {} nodes, the scenario has {n}", imported.nodes.len()));
    }
    // What would be read and change nothing is refused.
    if let scenario::Latency::Model(model) = choice.latency()
        && imported.links.any(|link| link.latency.is_some())
    {
        return Err(format!("{path} gives delays of single links, and so does `latency.{}`", model.name));
    }
    if imported.links.any(|link| link.loss.is_some_and(|loss| loss > 0.0)) {
        return Err(format!("{path} gives losses of single links; use `network.loss`, or a [[fault]] with degrade"));
    }
    if imported.links.any(|link| link.bandwidth.is_some()) {
        return Err(format!("{path} gives bandwidths of single links; rates belong to nodes: `nodes.upload`"));
    }
    Ok(Some(imported))
}

/// The graph that a scenario draws, or that the catalogue has.
fn graph(catalogue: &Catalogue, choice: &scenario::Network, site: &Site<'_>) -> Result<Topology, String> {
    let n = site.nodes();
    let built = |model: &GraphModel| model.build(n, site.seed).map_err(|error| error.to_string());
    let model = match &choice.topology {
        scenario::Topology::Graph(model) => return built(model),
        scenario::Topology::File { .. } => return built(&GraphModel::Complete {}),
        scenario::Topology::Degrees { data, max_inbound } => {
            let cumulative = dataset::degrees(data).map_err(|unknown| unknown.to_string())?;
            return built(&GraphModel::OutboundDegrees { cumulative, max_inbound: *max_inbound });
        }
        scenario::Topology::Model(model) => model,
    };
    let links = (find(catalogue.topologies(), "topology", &model.name)?.read)(&model.settings).links(site)?;
    if let Some((one, other)) = links.iter().find(|(one, other)| one.index() >= n || other.index() >= n) {
        return Err(format!("`topology.{}` links {one} and {other}, and there are {n} nodes", model.name));
    }
    let arcs = links.into_iter().flat_map(|(one, other)| [(one, other), (other, one)]);
    Topology::of_arcs(n, arcs).map_err(|error| error.to_string())
}

/// The delay of each node's access line: that of all, of its group, or of the file that describes the network.
fn access(nodes: &Nodes, regions: &[Option<String>], imported: Option<&Imported>, seed: u64) -> Vec<Duration> {
    let places: Vec<Option<&str>> = regions.iter().map(Option::as_deref).collect();
    let mut access = vec![nodes.access_delay; regions.len()];
    for (number, group) in nodes.group.iter().enumerate() {
        if let Some(delay) = group.access_delay {
            let members = group.nodes.nodes(&places, &mut Stream::new(seed, "group", number as u64, 0));
            members.iter().for_each(|node| access[node.index()] = delay);
        }
    }
    for (access, node) in access.iter_mut().zip(imported.into_iter().flat_map(|imported| &imported.nodes)) {
        *access = node.access.unwrap_or(*access);
    }
    access
}

fn delays(
    choice: &scenario::Network,
    regions: &[Option<String>],
    access: &[Duration],
    imported: Option<&Imported>,
    seed: u64,
) -> Result<Latency, String> {
    let sampling = choice.delay_sampling;
    let latency = match choice.latency() {
        scenario::Latency::Regions { data, jitter } => {
            let (table, numbers) = table(data, regions)?;
            Latency::of_regions(seed, &table, numbers, *jitter)
        }
        scenario::Latency::Simblock { data } => {
            let (table, numbers) = table(data, regions)?;
            Latency::simblock(seed, &table, numbers, sampling).map_err(|error| error.to_string())?
        }
        scenario::Latency::Distribution(law) => {
            let laws = std::slice::from_ref(law);
            Latency::of_laws(seed, laws, Vec::new(), sampling).map_err(|error| error.to_string())?
        }
        scenario::Latency::Model(_) => unreachable!("delays of the catalogue are no distribution"),
    };
    let latency = if access.iter().all(|delay| delay.is_zero()) { latency } else { latency.with_access(access) };
    Ok(match imported {
        None => latency,
        Some(imported) => latency.with_links(imported.links.clone()),
    })
}

/// A published table of delays, and the number in it of each node's region.
fn table(data: &str, regions: &[Option<String>]) -> Result<(LatencyTable, Vec<Region>), String> {
    let table = dataset::latency(data).map_err(|unknown| unknown.to_string())?;
    let number = |region: &Option<String>| {
        let region = region.as_deref().ok_or("delays between regions need nodes.regions")?;
        table.region(region).ok_or_else(|| format!("{data} has no region {region}"))
    };
    let numbers = regions.iter().map(number).collect::<Result<Vec<Region>, String>>()?;
    Ok((table, numbers))
}

fn transport(
    choice: &scenario::Network,
    nodes: &Nodes,
    regions: &[Option<String>],
    imported: Option<&Imported>,
    seed: u64,
) -> Result<Settings, String> {
    let places: Vec<Option<&str>> = regions.iter().map(Option::as_deref).collect();
    let mut rates = Vec::with_capacity(regions.len());
    for place in &places {
        let up = rate(&nodes.upload, *place, |table| &table.upload)?;
        rates.push(Rates { up, down: rate(&nodes.download, *place, |table| &table.download)? });
    }
    for (number, group) in nodes.group.iter().enumerate() {
        for node in group.nodes.nodes(&places, &mut Stream::new(seed, "group", number as u64, 0)) {
            if let Some(upload) = &group.upload {
                rates[node.index()].up = rate(upload, places[node.index()], |table| &table.upload)?;
            }
            if let Some(download) = &group.download {
                rates[node.index()].down = rate(download, places[node.index()], |table| &table.download)?;
            }
        }
    }
    for (rates, node) in rates.iter_mut().zip(imported.into_iter().flat_map(|imported| &imported.nodes)) {
        rates.up = node.upload.map_or(rates.up, |rate| rate.0);
        rates.down = node.download.map_or(rates.down, |rate| rate.0);
    }
    let constant = matches!(choice.latency(), scenario::Latency::Distribution(Distribution::Constant { .. }));
    let unlimited = rates.iter().all(|rates| *rates == Rates::default());
    Ok(Settings {
        discipline: choice.uplink,
        tcp: choice.tcp.then(|| Tcp { loss: choice.segment_loss, ..Tcp::default() }),
        ordered: !(constant && unlimited),
        ..Settings::new(rates)
    })
}

/// A rate in bits per second; zero means unlimited.
fn rate(
    rate: &Rate,
    region: Option<&str>,
    column: impl Fn(&dataset::Bandwidths) -> &Vec<crate::base::BitRate>,
) -> Result<u64, String> {
    match rate {
        Rate::Unlimited => Ok(0),
        Rate::Fixed(rate) => Ok(rate.0),
        Rate::ByRegion(name) => {
            let table = dataset::bandwidth(name).map_err(|unknown| unknown.to_string())?;
            let row = region.and_then(|region| table.names.iter().position(|known| known == region));
            let row =
                row.ok_or_else(|| format!("{name} has no rates for {}", region.unwrap_or("a node without region")))?;
            Ok(column(&table)[row].0)
        }
    }
}

impl Graph for Topology {
    fn peers(&self, node: NodeId) -> &[NodeId] {
        Topology::peers(self, node)
    }
    fn len(&self) -> usize {
        Topology::len(self)
    }
}
