//! How much memory a run will need, from the scenario alone.
//!
//! Counts are what the scenario asks for: payments that its clients will make, blocks at the pace of its protocol, what
//! waits for a block; a workload of the catalogue asks for nothing that is known here. What each takes was measured: the most memory that the process had (`ledgerlab run`, release build,
//! 64 bits, Linux), in pairs of runs that differ in one count, over all protocols and both ledgers. Each constant says by
//! what runs. Nothing is allocated for the estimate, so that absurd sizes are refused before they do harm.

mod pace;
#[cfg(test)]
mod tests;

use super::{Chain, Flood, Model as _, NodeSelector, Payments, Scenario, Topology, TransactionRelay};
use super::{Weights, Workload, dataset_keys};
use crate::base::{Duration, Work};
use crate::engine::{FloodPayload, StopRule};
use crate::ledger::utxo::UtxoLedger;
use crate::network::gossip::GossipModel;
use crate::network::topology::GraphModel;
use crate::workload::arrival::Arrival;
use serde::Serialize;

/// The program and its data, before anything is built: three nodes and 200 payments, without charts.
const PROGRAM: u64 = 13_000_000;
/// Fonts and pictures, when the charts are drawn: the same run with charts.
const CHARTS: u64 = 15_000_000;
/// A node that does nothing, its connections included: 4,000 against 1,000 nodes with 16 each.
const NODE: u64 = 2_000;
/// One direction of a connection over which something was sent: 60 and 100 nodes, all connected to each other.
const LINK: u64 = 450;
/// A transaction, its receipt and its row in the results, shared by all nodes: 60,000 payments, four nodes.
const TRANSACTION: u64 = 1_250;
/// What it takes more where it spends outputs: the same on the other ledger.
const SPENDING: u64 = 550;
/// An entry of a mempool, with its indices: mempools of 20,000 to 50,000, four to 47 nodes.
const PENDING: u64 = 180;
/// What it takes more where it spends outputs.
const PENDING_SPENDING: u64 = 50;
/// Sets of payments on which nodes vote, per entry of a mempool: Ripple with 40 and 93 nodes.
const SETS: u64 = 200;
/// What a node and its neighbours remember of a transaction that spreads by gossip: 40 to 5,000 nodes.
const SPREADING: u64 = 550;
/// So many seconds they remember it: `RETIRE_AFTER` of the engine, and until all nodes have it.
const SPREADS: f64 = 130.0;
/// An account: its holding, its undo records, its wallet, its key. 100,000 against 1,000.
const ACCOUNT: u64 = 120;
/// An output at genesis: in the ledger, with its index, and in the wallet of its owner. 320,000 and 900,000.
const COIN: u64 = 115;
/// A client: its stream of randomness, what it waits for. 300,000 against three.
const CLIENT: u64 = 750;
/// A block and its row in the results: Raft, whose blocks hold a payment each.
const BLOCK: u64 = 1_000;
/// What each node keeps of a block: Raft with 40 nodes, `HotStuff` with 100.
const BLOCK_AT_NODE: u64 = 220;
/// A node keeps no more: Raft's `snapshot_every`. Others forget sooner, or have fewer.
const BLOCKS_KEPT: u64 = 10_000;
/// An interval of the time series, and of the running hash: 200,000 against 21.
const INTERVAL: u64 = 600;
/// A fault, each time that it comes, with its period and phases in the results: 20,000 against none.
const FAULT: u64 = 8_000;
/// A payment of a flood, and what each node remembers of it where it spreads by gossip: 119,000 among three nodes, 17,700
/// among 20.
const FLOODED: u64 = 370;
const FLOODED_AT_NODE: u64 = 80;
/// Floods pay from so many accounts, of which a mempool holds one payment each.
const FLOOD_ACCOUNTS: u64 = crate::engine::FLOOD_ACCOUNTS as u64;
/// A forged message that waits for a core: 960,000 at a node that stood still.
const FORGED: u64 = 45;
/// An event of a story: 10,000 payments against 200, and their events.
const LOGGED_EVENT: u64 = 250;
/// Payments wait for a block for so many seconds, and so many times the time between two blocks.
const WAITING: f64 = 1.5;

/// A part of an estimate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Part {
    /// What takes the memory.
    pub what: String,
    /// How much.
    pub bytes: u64,
    /// The key of the scenario that drives it.
    pub key: String,
}

/// Memory of one run, by what takes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Estimate {
    /// The parts: at least one.
    pub parts: Vec<Part>,
}

impl Estimate {
    /// Bytes altogether.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.bytes))
    }
    /// What takes the most.
    ///
    /// # Panics
    /// Never on an estimate made by [`estimate`], which has parts.
    #[must_use]
    pub fn largest(&self) -> &Part {
        self.parts.iter().max_by_key(|part| part.bytes).expect("an estimate has parts")
    }
}

/// Estimates the memory of one run of a checked scenario. Runs in parallel need it once each.
#[must_use]
pub fn estimate(scenario: &Scenario) -> Estimate {
    let mut parts = Parts(Vec::new());
    parts.add("the program and its data".to_owned(), PROGRAM, 1, "memory_limit");
    if scenario.output.charts {
        parts.add("charts".to_owned(), CHARTS, 1, "output.charts");
    }
    let payments = match &scenario.workload {
        Some(Workload::Payments(payments)) => Some(payments),
        Some(Workload::Model(_)) | None => None,
    };
    for (at, chain) in scenario.chain.iter().enumerate() {
        let is_first = at == 0;
        let of_chain =
            payments.filter(|payments| payments.chain == chain.name || payments.chain.is_empty() && is_first);
        parts.add_chain(scenario, at, chain, of_chain);
        if let Some(payments) = of_chain {
            parts.add_payments(scenario, chain, payments);
        }
    }
    parts.add_faults(scenario);
    Estimate { parts: parts.0 }
}

/// Parts that are being gathered.
struct Parts(Vec<Part>);

impl Parts {
    fn add(&mut self, what: String, each: u64, many: u64, key: &str) {
        self.0.push(Part { what, bytes: each.saturating_mul(many), key: key.to_owned() });
    }
    /// What a chain keeps whatever it is asked for, and its nodes of its blocks and payments.
    fn add_chain(&mut self, scenario: &Scenario, at: usize, chain: &Chain, payments: Option<&Payments>) {
        let lasting = lasting(scenario, chain, payments);
        let submitted = payments.map_or(0, |payments| asked(scenario, chain, payments, lasting));
        let n = u64::from(chain.nodes.count());
        let count = format!("chain[{at}].nodes.count");
        self.add(format!("{n} nodes"), NODE, n, &count);
        let links = links(chain);
        self.add(format!("{links} links"), LINK, links, &format!("chain[{at}].network.topology"));
        let blocks = pace::blocks(chain, lasting, submitted);
        self.add(format!("{blocks} blocks"), BLOCK, blocks, "duration");
        let kept = blocks.min(BLOCKS_KEPT).saturating_mul(n);
        self.add(format!("{n} nodes with their blocks"), BLOCK_AT_NODE, kept, &count);
        let (vote, most) = pace::votes(chain);
        let votes = n.saturating_mul(n).saturating_mul(blocks.min(most));
        self.add(format!("{votes} votes"), vote, votes, &count);
        if let Some(payments) = payments {
            let (waits, capacity) = (waiting(payments, chain, lasting, submitted), chain.nodes.mempool.transactions);
            let each = waits.min(u64::from(capacity)).saturating_mul(pending(chain));
            let pools = mempools(chain);
            self.add(format!("{pools} mempools"), each, pools, &count);
            if is_gossiped(chain) {
                let seconds = lasting.as_secs_f64().max(1e-9);
                let spreading = (submitted as f64 * (SPREADS / seconds).min(1.0)) as u64;
                let what = format!("{spreading} transactions that {n} nodes announce to each other");
                self.add(what, spreading.saturating_mul(SPREADING), n, "workload.payments.rate");
            }
        }
        let intervals = lasting.as_nanos() / scenario.output.interval.as_nanos().max(1) + 1;
        self.add(format!("{intervals} intervals"), INTERVAL, intervals, "output.interval");
        if spends(chain) {
            let owners = payments.map_or(1, |payments| u64::from(payments.accounts));
            let each = chain.ledger.settings.get("coins").and_then(toml::Value::as_integer);
            let coins = owners.saturating_mul(each.map_or(1, |each| each.max(0) as u64));
            self.add(format!("{coins} coins"), COIN, coins, &format!("chain[{at}].ledger.utxo.coins"));
        }
        let logged = u64::from(scenario.output.event_log);
        self.add(format!("{logged} events of the event log"), LOGGED_EVENT, logged, "output.event_log");
    }
    fn add_payments(&mut self, scenario: &Scenario, chain: &Chain, payments: &Payments) {
        let many = asked(scenario, chain, payments, lasting(scenario, chain, Some(payments)));
        let each = if spends(chain) { TRANSACTION + SPENDING } else { TRANSACTION };
        self.add(format!("{many} transactions"), each, many, "workload.payments.rate");
        let many = u64::from(payments.accounts);
        self.add(format!("{many} accounts"), ACCOUNT, many, "workload.payments.accounts");
        let many = u64::from(payments.client_count(chain.nodes.count()));
        self.add(format!("{many} clients"), CLIENT, many, "workload.payments.clients");
    }
    fn add_faults(&mut self, scenario: &Scenario) {
        let mut all = 0u64;
        for (at, fault) in scenario.fault.iter().enumerate() {
            let every = fault.repeat.as_ref().map_or(u64::MAX, |repeat| repeat.every.as_nanos().max(1));
            let times = scenario.duration().as_nanos() / every + 1;
            all = all.saturating_add(times);
            let Some(flood) = &fault.flood else { continue };
            let Some(chain) = scenario.chain.iter().find(|chain| chain.name == fault.chain).or(scenario.chain.first())
            else {
                continue;
            };
            let n = u64::from(chain.nodes.count());
            // Repeated or not, a flood lasts from the first time to the last at most.
            let ends = if fault.repeat.is_some() { None } else { fault.until };
            let lasts = ends.unwrap_or(scenario.duration()).min(scenario.duration()).saturating_sub(fault.at);
            let many = flooded(flood, n, lasts);
            let key = format!("fault[{at}].flood.rate");
            if flood.payload == FloodPayload::Messages {
                let price = chain.costs.time(&(Work::RECEIVE + Work::VERIFY)).as_secs_f64();
                let checked = f64::from(chain.nodes.cores) / price.max(1e-9);
                let waiting = (many as f64 * (1.0 - checked / flood.rate).max(0.0)) as u64;
                self.add(format!("{waiting} forged messages that wait"), FORGED, waiting, &key);
                continue;
            }
            let each = if is_gossiped(chain) { FLOODED + FLOODED_AT_NODE.saturating_mul(n) } else { FLOODED };
            self.add(format!("{many} payments of floods"), each, many, &key);
            let waiting = many.min(FLOOD_ACCOUNTS).saturating_mul(pending(chain));
            self.add(format!("{n} mempools with those of floods"), waiting, n, &key);
        }
        self.add(format!("{all} faults"), FAULT, all, "fault");
    }
}

/// What a flood sends to nodes of `n` in so long a time.
fn flooded(flood: &Flood, n: u64, lasts: Duration) -> u64 {
    let nodes = match &flood.nodes {
        NodeSelector::Leader => 1,
        NodeSelector::Numbers(numbers) => numbers.len() as u64,
        NodeSelector::Fraction(share) => (share * n as f64).ceil() as u64,
        NodeSelector::All | NodeSelector::Rest | NodeSelector::Region(_) => n,
    };
    ((flood.rate * lasts.as_secs_f64()) as u64).saturating_mul(nodes.min(n))
}

/// Whether payments spend outputs.
fn spends(chain: &Chain) -> bool {
    chain.ledger.name == UtxoLedger::NAME
}

/// Whether payments spread by gossip, which must remember who knows what.
fn is_gossiped(chain: &Chain) -> bool {
    chain.network.transaction_relay == TransactionRelay::Gossip
        && !matches!(chain.network.gossip, GossipModel::Direct {})
}

/// An entry of a mempool.
fn pending(chain: &Chain) -> u64 {
    let spending = if spends(chain) { PENDING_SPENDING } else { 0 };
    let sets = if chain.protocol.name == "ripple" { SETS } else { 0 };
    PENDING + spending + sets
}

/// How long a run lasts, at most about: `stop` may end it before its duration.
fn lasting(scenario: &Scenario, chain: &Chain, payments: Option<&Payments>) -> Duration {
    let seconds = match scenario.stop {
        None => return scenario.duration(),
        Some(StopRule::FinalHeight(blocks) | StopRule::Height(blocks)) => {
            blocks as f64 * pace::spacing(chain).unwrap_or(1.0)
        }
        // What is asked for is answered soon, or the run goes on to its end.
        Some(StopRule::FinalTransactions(wanted)) => {
            let rate = payments.and_then(|payments| payments.rate).filter(|rate| *rate > 0.0);
            rate.map_or(scenario.duration().as_secs_f64(), |rate| wanted as f64 / rate)
        }
    };
    let nanos = (1.2 * seconds + 10.0) * 1e9;
    scenario.duration().min(Duration::from_nanos(nanos as u64))
}

/// Payments that wait for a block at one time: those of a moment, and those that are asked for faster than blocks can hold
/// them.
fn waiting(payments: &Payments, chain: &Chain, lasting: Duration, submitted: u64) -> u64 {
    let seconds = payments.until.unwrap_or(lasting).min(lasting).as_secs_f64().max(1e-9);
    let window = (WAITING * (1.0 + pace::spacing(chain).unwrap_or(0.0))).min(seconds);
    let burst = if let Arrival::Bursts { size, .. } = payments.arrival { size } else { 0 };
    let usual = ((submitted as f64 * window / seconds) as u64).max(burst.min(submitted));
    let settled = pace::capacity(chain, payments.bytes.0).map_or(submitted as f64, |capacity| capacity * seconds);
    usual.max(submitted.saturating_sub(settled as u64))
}

/// Directed connections.
fn links(chain: &Chain) -> u64 {
    use GraphModel as G;
    let n = u64::from(chain.nodes.count());
    let each = |degree: u64| n.saturating_mul(degree);
    match &chain.network.topology {
        Topology::Graph(G::Complete {}) => each(n.saturating_sub(1)),
        Topology::Graph(G::Outbound { degree, .. } | G::ScaleFree { edges_per_node: degree }) => {
            each(2 * u64::from(*degree))
        }
        Topology::Graph(G::RandomRegular { degree } | G::SmallWorld { degree, .. }) => each(u64::from(*degree)),
        Topology::Graph(G::Star {} | G::Ring {}) => each(2),
        Topology::Graph(G::OutboundDegrees { .. }) => each(40),
        Topology::Graph(G::Relay { relays, links }) => {
            let relays = u64::from(*relays);
            relays.saturating_mul(relays).saturating_add(each(2 * u64::from(*links)))
        }
        Topology::Degrees { .. } | Topology::File { .. } | Topology::Model(_) => each(40),
    }
}

/// Mempools that hold transactions. Where transactions spread by sampled delay, only nodes with weight keep one.
fn mempools(chain: &Chain) -> u64 {
    let n = u64::from(chain.nodes.count());
    match (&chain.network.transaction_relay, &chain.nodes.weights) {
        (TransactionRelay::Sampled, Weights::Shares(name)) => {
            n.min(dataset_keys::power(name).map_or(n, |power| power.len() as u64))
        }
        (TransactionRelay::Sampled, Weights::List(weights)) => {
            weights.iter().filter(|weight| **weight > 0).count() as u64
        }
        _ => n,
    }
}

/// Transactions that clients will submit, at most about, faults that make them ask more often included.
fn asked(scenario: &Scenario, chain: &Chain, payments: &Payments, lasting: Duration) -> u64 {
    let usual = submitted_by(payments, lasting);
    let until = payments.until.unwrap_or(lasting).min(lasting);
    let of_chain = scenario.fault.iter().filter(|fault| fault.chain.is_empty() || fault.chain == chain.name);
    let more: f64 = of_chain
        .filter_map(|fault| {
            // Each time of a fault that comes again lies before the end.
            let ends = if fault.repeat.is_some() { None } else { fault.until };
            let lasts = ends.unwrap_or(until).min(until).saturating_sub(fault.at);
            let share = lasts.as_secs_f64() / until.as_secs_f64().max(1e-9);
            Some((fault.load.as_ref()?.factor - 1.0).max(0.0) * share * usual as f64)
        })
        .sum();
    usual.saturating_add(more as u64)
}

/// The same without faults.
fn submitted_by(payments: &Payments, duration: Duration) -> u64 {
    let seconds = payments.until.unwrap_or(duration).min(duration).as_secs_f64();
    let clients = f64::from(payments.clients.unwrap_or_default());
    let many = match &payments.arrival {
        Arrival::Poisson {} | Arrival::Constant {} | Arrival::OnOff { .. } => payments.rate.unwrap_or(0.0) * seconds,
        Arrival::Bursts { size, interval, .. } => *size as f64 * (1.0 + seconds / interval.as_secs_f64()),
        Arrival::Piecewise { steps, final_rate } => {
            steps.iter().map(|step| step.rate).fold(*final_rate, f64::max) * seconds
        }
        // A client of a closed loop waits for at least a tenth of a second of agreement besides thinking.
        Arrival::Closed { think_time } => clients * seconds / (0.1 + think_time.as_secs_f64()),
    };
    many as u64
}

/// Bytes for people: three digits at most.
#[must_use]
pub fn show(bytes: u64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1000.0 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(value < 10.0 && unit > 0);
    format!("{value:.decimals$} {}", units[unit])
}
