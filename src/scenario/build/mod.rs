//! From a checked scenario and a seed to a simulation that is ready to run.
//!
//! Everything that a scenario leaves to chance (where nodes stand, which nodes a fraction means, clocks, graphs) is drawn
//! from streams of the seed named here and in `network`, so that two protocols under one seed meet the same conditions.

mod agent;
mod delay;
mod fault;
mod network;
mod workload;

use super::{Catalogue, Chain as ChainTable, Nodes, Regions, Scenario, Weights};
use crate::base::{Committee, Duration, NodeId, Stream, Time};
use crate::chain::mempool::Capacity;
use crate::engine::{Chain, Clock, DiskModel, MultiChain, ProcessSettings, Setup, Simulation, Stop, setup};
use crate::network::dataset::{self, Kind};
use crate::observe::check::{Checkers, Settings as CheckSettings};
use crate::observe::event_log::Recorder;
use crate::observe::metrics::{Metrics, MetricsSettings};
use crate::observe::{Observed, Observer, Violation};
use crate::protocol::Protocol;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Reads a file that a scenario names, by its path in the scenario.
pub type Read<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// An observer that is also kept for its findings.
pub struct Watch<T>(Rc<RefCell<T>>);

impl<T> Watch<T> {
    fn new(observer: T) -> Watch<T> {
        Watch(Rc::new(RefCell::new(observer)))
    }
    fn twin(&self) -> Watch<T> {
        Watch(self.0.clone())
    }
    /// The observer, once the simulation that it watched is gone.
    ///
    /// # Panics
    /// If that simulation still exists.
    #[must_use]
    pub fn into_inner(self) -> T {
        Rc::into_inner(self.0).expect("the simulation that it watched is gone").into_inner()
    }
    /// What the observer found.
    pub fn look<R>(&self, at: impl FnOnce(&mut T) -> R) -> R {
        at(&mut self.0.borrow_mut())
    }
}

impl<T: Observer> Observer for Watch<T> {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        self.0.borrow_mut().observe(now, observed)
    }
    fn finish(&mut self, end: Time) -> Result<(), Violation> {
        self.0.borrow_mut().finish(end)
    }
    fn violated(&mut self, now: Time, violation: &Violation) {
        self.0.borrow_mut().violated(now, violation);
    }
    fn wants_messages(&self) -> bool {
        self.0.borrow().wants_messages()
    }
}

/// The observers of one chain.
pub struct Watchers {
    /// The metrics.
    pub metrics: Watch<Metrics>,
    /// The checkers.
    pub checks: Watch<Checkers>,
    /// Records the last events, if the scenario asks for them.
    pub event_log: Option<Watch<Recorder>>,
}

impl Watchers {
    /// All of them; metrics only if the run is `measured`. The recorder comes before the checkers, so that it has recorded what led
    /// to a violation.
    fn observers(&self, measured: bool) -> Vec<Box<dyn Observer>> {
        let mut observers: Vec<Box<dyn Observer>> = Vec::new();
        if measured {
            observers.push(Box::new(self.metrics.twin()));
        }
        observers.extend(self.event_log.iter().map(|recorder| Box::new(recorder.twin()) as Box<dyn Observer>));
        observers.push(Box::new(self.checks.twin()));
        observers
    }
}

/// A simulation ready to run, and the observers of its chains.
pub struct Built {
    /// The simulation.
    pub simulation: MultiChain,
    /// Per chain, in order.
    pub watchers: Vec<Watchers>,
    /// Warnings for users: what was drawn and is worth knowing.
    pub remarks: Vec<String>,
}

/// Builds the simulation of a scenario under one seed.
///
/// # Errors
/// What could not be built, as a sentence: a file that cannot be read, a graph that is not connected, a name that the
/// catalogue does not have.
///
/// # Panics
/// On settings that were not checked: a scenario that was loaded or checked has none.
pub fn build(catalogue: &Catalogue, scenario: &Scenario, seed: u64, read: Read<'_>) -> Result<Built, String> {
    build_watched(catalogue, scenario, seed, read, true)
}

/// The same without metrics: only the checkers observe.
///
/// # Errors
/// See [`build`].
pub fn build_unmeasured(
    catalogue: &Catalogue,
    scenario: &Scenario,
    seed: u64,
    read: Read<'_>,
) -> Result<Built, String> {
    build_watched(catalogue, scenario, seed, read, false)
}

fn build_watched(
    catalogue: &Catalogue,
    scenario: &Scenario,
    seed: u64,
    read: Read<'_>,
    measured: bool,
) -> Result<Built, String> {
    let mut built = Built { simulation: MultiChain::default(), watchers: Vec::new(), remarks: Vec::new() };
    let mut accounts = Vec::new();
    for number in 0..scenario.chain.len() {
        let name = &scenario.chain[number].protocol.name;
        let protocol = catalogue.protocol(name);
        let protocol = protocol.ok_or_else(|| format!("the catalogue has no protocol called `{name}`"))?;
        let chain = (protocol.chain)(&Builder { catalogue, scenario, number, seed, read, measured })?;
        built.simulation.chains.push(chain.chain);
        built.watchers.push(chain.watchers);
        built.remarks.extend(chain.remarks);
        accounts.push(chain.agents);
    }
    built.simulation.agents = agent::agents(scenario, &accounts);
    Ok(built)
}

impl Scenario {
    /// Whether the file that describes the network of a chain can be used.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn look_at_file(&self, chain: usize, read: Read<'_>) -> Result<(), String> {
        network::look(&self.chain[chain], self.seeds.0.first().copied().unwrap_or_default(), read)
    }
}

/// A chain ready to run, whatever its protocol.
pub(super) struct BuiltChain {
    chain: Box<dyn Chain>,
    watchers: Watchers,
    remarks: Vec<String>,
    agents: agent::AgentAccounts,
}

/// Builds the chain with this number.
pub(super) struct Builder<'a> {
    catalogue: &'a Catalogue,
    scenario: &'a Scenario,
    number: usize,
    seed: u64,
    read: Read<'a>,
    /// Whether metrics observe.
    measured: bool,
}

impl Builder<'_> {
    fn table(&self) -> &ChainTable {
        &self.scenario.chain[self.number]
    }
    /// The seed of this chain: chains of one simulation do not share their network draws.
    fn chain_seed(&self) -> u64 {
        if self.number == 0 { self.seed } else { crate::base::rng::mix(self.seed, self.number as u64) }
    }
    fn is_for_this_chain(&self, name: &str) -> bool {
        if name.is_empty() { self.number == 0 } else { name == self.table().name }
    }
    pub(super) fn chain<P: Protocol>(&self) -> Result<BuiltChain, String> {
        let config = self.table().protocol.config::<P>().expect("the protocol that the catalogue has by this name");
        let (table, scenario, seed) = (self.table(), self.scenario, self.chain_seed());
        let n = table.nodes.count() as usize;
        let (regions, imported) = network::places(table, seed, self.read)?;
        let places: Vec<Option<&str>> = regions.iter().map(Option::as_deref).collect();
        let weights = weights(&table.nodes)?;
        let mut committee = P::committee(&config, weights.clone());
        // Where the user left it out, it was completed by the bound of the usual quorum.
        let usual = Committee::bound(weights.iter().sum(), P::FAULTS);
        if let Some(faulty) = table.nodes.max_faulty.filter(|faulty| *faulty != usual) {
            committee = committee.tolerating(faulty).ok_or("more faults are tolerated than the nodes can bear")?;
        }
        let mut processes = self.processes::<P>(&places);
        self.assign_attacks(&places, &mut processes)?;
        let roster = setup::roster(n, &processes);
        let faults = self.faults(&places, &roster);
        let mut byzantine = fault::amnesiacs(&faults, &roster);
        byzantine.extend(committee.members().filter(|node| !processes[node.index()].is_honest()));
        let plan = network::plan(self.catalogue, table, seed, &regions, imported.as_ref(), &roster)?;
        let mut remarks = plan.remarks;
        remarks.extend(P::remarks(&config, &committee, &byzantine));
        let traffic = self.load(n)?;
        let watts = P::mining_watts(&config, weights.iter().sum());
        let watchers = self.watchers(&weights, &regions, &byzantine, watts, traffic.workload.as_deref());
        let setup = Setup {
            name: table.name.clone(),
            seed,
            config,
            committee,
            crypto: scenario.crypto,
            accounts: traffic.accounts,
            ledger: traffic.ledger,
            network: plan.network,
            gossip: plan.gossip,
            relay: plan.relay,
            workload: traffic.workload,
            client_delay: Duration::ZERO,
            client_retry: traffic.retry,
            processes,
            costs: table.costs,
            faults,
            interval: scenario.output.interval,
            stop: Stop { at: Time::ZERO + scenario.duration(), rule: scenario.stop },
            recheck: scenario.check.recompute,
            observers: watchers.observers(self.measured),
        };
        let chain = Box::new(Simulation::new(setup));
        Ok(BuiltChain { chain, watchers, remarks, agents: traffic.agents })
    }
    /// The faults that the protocol must bear while they last.
    fn tolerated(&self) -> BTreeSet<u32> {
        (0..).zip(&self.scenario.fault).filter(|(_, fault)| fault.tolerated).map(|(id, _)| id).collect()
    }
    fn watchers(
        &self,
        weights: &[u64],
        regions: &[Option<String>],
        byzantine: &BTreeSet<NodeId>,
        mining_watts: Option<f64>,
        workload: Option<&dyn crate::workload::Workload>,
    ) -> Watchers {
        let (scenario, nodes) = (self.scenario, &self.table().nodes);
        let checks = CheckSettings {
            byzantine: byzantine.clone(),
            progress: scenario.check.progress,
            catch_up: scenario.check.catch_up,
            tolerated: self.tolerated(),
            ..CheckSettings::new(weights.len())
        };
        let total: u64 = weights.iter().sum();
        let metrics = MetricsSettings {
            honest: checks.honest(),
            regions: regions.to_vec(),
            weights: weights.iter().map(|weight| *weight as f64 / total as f64).collect(),
            cores: nodes.cores,
            warm_up: scenario.warm_up,
            interval: scenario.output.interval,
            offered: workload.and_then(crate::workload::Workload::offered),
            mining_watts,
            ..MetricsSettings::new(weights.len(), scenario.duration())
        };
        let events = Some(scenario.output.event_log as usize).filter(|events| *events > 0);
        let recorder = events.map(|events| Watch::new(Recorder::new(checks.honest(), events)));
        Watchers {
            metrics: Watch::new(Metrics::new(metrics)),
            checks: Watch::new(Checkers::new(&checks)),
            event_log: recorder,
        }
    }
    fn processes<P: Protocol>(&self, places: &[Option<&str>]) -> Vec<ProcessSettings<P>> {
        let nodes = &self.table().nodes;
        let mempool = Capacity { bytes: nodes.mempool.size.0, transactions: nodes.mempool.transactions };
        let mut clocks = Stream::new(self.chain_seed(), "clock", 0, 0);
        let mut processes: Vec<ProcessSettings<P>> = (0..places.len())
            .map(|_| ProcessSettings {
                cores: nodes.cores,
                slowness: slowness(nodes.cpu_speed),
                disk: disk(&nodes.disk),
                clock: clock(nodes, &mut clocks),
                mempool,
                ..ProcessSettings::default()
            })
            .collect();
        for (number, group) in nodes.group.iter().enumerate() {
            let mut stream = Stream::new(self.chain_seed(), "group", number as u64, 0);
            for node in group.nodes.nodes(places, &mut stream) {
                let process = &mut processes[node.index()];
                process.cores = group.cores.unwrap_or(process.cores);
                process.slowness = group.cpu_speed.map_or(process.slowness, slowness);
                process.disk = group.disk.as_ref().map_or(process.disk, disk);
            }
        }
        processes
    }
}

/// Thousandths of the reference core's time that a core of this speed takes.
fn slowness(speed: f64) -> u32 {
    (1000.0 / speed + 0.5) as u32
}

fn disk(disk: &super::Disk) -> DiskModel {
    match disk.law() {
        Some((median, sigma)) => DiskModel { median, sigma, rate: 0 },
        None => DiskModel::INSTANT,
    }
}

fn clock(nodes: &Nodes, stream: &mut Stream) -> Clock {
    let offset = (stream.unit() * 2.0 - 1.0) * nodes.clock.offset.as_nanos() as f64;
    // Parts per million are nanoseconds per second, a thousandfold.
    let drift = (stream.unit() * 2.0 - 1.0) * nodes.clock.drift_ppm * 1_000.0;
    Clock { offset: offset as i64, drift: drift as i64 }
}

/// The weight of each node.
fn weights(nodes: &Nodes) -> Result<Vec<u64>, String> {
    let n = nodes.count() as usize;
    match &nodes.weights {
        Weights::Equal => Ok(vec![1; n]),
        Weights::List(weights) => Ok(weights.clone()),
        Weights::Shares(name) => {
            let kind = [Kind::Power, Kind::Stake].into_iter().find(|kind| dataset::find(*kind, name).is_ok());
            let shares = dataset::shares(kind.unwrap_or(Kind::Power), name).map_err(|unknown| unknown.to_string())?;
            let mut parts = shares.parts();
            parts.resize(n, 0);
            Ok(parts)
        }
    }
}

/// The region of each node, by name; `None` where the scenario names none.
fn regions(nodes: &Nodes, seed: u64) -> Result<Vec<Option<String>>, String> {
    let n = nodes.count() as usize;
    match &nodes.regions {
        Regions::Nowhere => Ok(vec![None; n]),
        Regions::Shares(name) => {
            let shares = dataset::shares(Kind::Regions, name).map_err(|unknown| unknown.to_string())?;
            let dealt = shares.deal(n, &mut Stream::new(seed, "regions", 0, 0));
            Ok(dealt.into_iter().map(|region| Some(shares.names[region].clone())).collect())
        }
        counted => {
            let places = counted.places(nodes.count()).expect("neither nowhere nor shares");
            Ok(places.into_iter().map(|place| Some(place.to_owned())).collect())
        }
    }
}
