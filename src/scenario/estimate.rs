//! How much memory a run will need, from the scenario alone.
//!
//! The figures per thing were fitted to the most memory that the process had in runs of shipped and of drawn scenarios
//! (`ledgerlab bench FILE` shows both). Counts are what the scenario asks for: payments that its clients will make, blocks
//! at the pace of its protocol, and what waits for a block. Nothing is allocated for the estimate, so that absurd sizes are
//! refused before they do harm.

use super::{Arrival, Chain, Ledger, Payments, Scenario, Spread, Stop, Topology, UtxoLedger, Weights, Workload, words};
use crate::base::Duration;
use serde::Serialize;

/// The program and its data, before anything is built.
const PROGRAM: u64 = 17_000_000;
/// A node: its protocol's value, inbox, timers, keys, observers' rows.
const NODE: u64 = 8_000;
/// One direction of a connection: its queue, its TCP state, its last arrival.
const LINK: u64 = 64;
/// A transaction, its receipt and its row in the results; shared by all nodes.
const TRANSACTION: u64 = 1_200;
/// An entry of a mempool, with its indices.
const PENDING: u64 = 100;
/// An account: its holding, its undo records, its wallet, its key.
const ACCOUNT: u64 = 400;
/// An output at genesis: in the ledger, with its index, and in the wallet of its owner.
const COIN: u64 = 240;
/// A client: its stream of randomness, what it waits for.
const CLIENT: u64 = 500;
/// A block.
const BLOCK: u64 = 1_500;
/// What each node keeps of a block: its place on the node's chain, and, where blocks follow each other as fast as nodes
/// agree, the votes for it.
const BLOCK_AT_NODE: u64 = 200;
const VOTES_AT_NODE: u64 = 1_000;
/// What a node keeps of votes is bounded: protocols forget what is final, in windows of about so many blocks.
const BLOCKS_KEPT: u64 = 2_000;
/// An interval of the time series, and of the running hash.
const INTERVAL: u64 = 600;
/// A fault, each time that it comes.
const FAULT: u64 = 600;
/// An event of a story.
const TOLD: u64 = 250;
/// Where nothing else sets the pace, blocks follow each other so fast, or as payments come if that is slower.
const BLOCKS_PER_SECOND: f64 = 10.0;
/// Payments that wait for a block are those of so many seconds beside the time between two blocks.
const WAITING: f64 = 3.0;

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
    let program = Part { what: "the program and its data".to_owned(), bytes: PROGRAM, key: "memory_limit".to_owned() };
    let mut parts = vec![program];
    let mut part = |what: String, each: u64, many: u64, key: String| {
        parts.push(Part { what, bytes: each.saturating_mul(many), key });
    };
    let payments = scenario.workload.as_ref().map(|Workload::Payments(payments)| payments);
    for (at, chain) in scenario.chain.iter().enumerate() {
        let of_chain = payments.filter(|payments| payments.chain.is_empty() || payments.chain == chain.name);
        let lasting = lasting(scenario, chain, of_chain);
        let submitted = of_chain.map_or(0, |payments| submitted_by(payments, lasting));
        let n = u64::from(chain.nodes.count);
        let count = format!("chain[{at}].nodes.count");
        part(format!("{n} nodes"), NODE, n, count.clone());
        let links = links(chain);
        part(format!("{links} links"), LINK, links, format!("chain[{at}].network.topology"));
        let blocks = blocks(chain, lasting, submitted);
        part(format!("{blocks} blocks"), BLOCK, blocks, "duration".to_owned());
        let kept = blocks.min(BLOCKS_KEPT).saturating_mul(n);
        let each = if spacing(chain).is_some() { BLOCK_AT_NODE } else { BLOCK_AT_NODE + VOTES_AT_NODE };
        part(format!("{n} nodes with their blocks"), each, kept, count.clone());
        let waiting = of_chain.map_or(0, |payments| waiting(payments, chain, lasting, submitted));
        let each = waiting.min(u64::from(chain.nodes.mempool.transactions));
        let pools = mempools(chain);
        part(format!("{pools} mempools"), PENDING.saturating_mul(each), pools, count);
        let intervals = lasting.as_nanos() / scenario.output.interval.as_nanos().max(1) + 1;
        part(format!("{intervals} intervals"), INTERVAL, intervals, "output.interval".to_owned());
        if let Ledger::Utxo(UtxoLedger { coins, .. }) = &chain.ledger {
            let owners = of_chain.map_or(1, |payments| u64::from(payments.accounts));
            let coins = owners.saturating_mul(u64::from(*coins));
            part(format!("{coins} coins"), COIN, coins, format!("chain[{at}].ledger.utxo.coins"));
        }
        part(
            format!("{} events of a story", scenario.output.story),
            TOLD,
            u64::from(scenario.output.story),
            "output.story".to_owned(),
        );
    }
    if let Some(payments) = payments {
        let chain = scenario.chain.iter().find(|chain| chain.name == payments.chain).or(scenario.chain.first());
        let lasting = chain.map_or(scenario.duration, |chain| lasting(scenario, chain, Some(payments)));
        let many = submitted_by(payments, lasting);
        part(format!("{many} transactions"), TRANSACTION, many, "workload.payments.rate".to_owned());
        let many = u64::from(payments.accounts);
        part(format!("{many} accounts"), ACCOUNT, many, "workload.payments.accounts".to_owned());
        let many = u64::from(payments.clients);
        part(format!("{many} clients"), CLIENT, many, "workload.payments.clients".to_owned());
    }
    let times = scenario.fault.iter().map(|fault| {
        let every = fault.repeat.as_ref().map_or(u64::MAX, |repeat| repeat.every.as_nanos().max(1));
        scenario.duration.as_nanos() / every + 1
    });
    let times = times.fold(0, u64::saturating_add);
    part(format!("{times} faults"), FAULT, times, "fault".to_owned());
    Estimate { parts }
}

/// How long a run lasts, at most about: `stop` may end it before its duration.
fn lasting(scenario: &Scenario, chain: &Chain, payments: Option<&Payments>) -> Duration {
    let seconds = match scenario.stop {
        None => return scenario.duration,
        Some(Stop::Blocks(blocks)) => blocks as f64 * spacing(chain).unwrap_or(1.0),
        // What is asked for is answered soon, or the run goes on to its end.
        Some(Stop::FinalTransactions(wanted)) => {
            let rate = payments.and_then(|payments| payments.rate).filter(|rate| *rate > 0.0);
            rate.map_or(scenario.duration.as_secs_f64(), |rate| wanted as f64 / rate)
        }
    };
    let nanos = (1.2 * seconds + 10.0) * 1e9;
    scenario.duration.min(Duration::from_nanos(nanos as u64))
}

/// Seconds between two blocks, where the settings of a protocol say so.
fn spacing(chain: &Chain) -> Option<f64> {
    const KEYS: [&str; 7] = ["spacing", "period", "block_period", "step", "slot", "interval", "min_close"];
    let settings = &chain.protocol.settings;
    let text = KEYS.iter().find_map(|key| settings.get(*key)?.as_str())?;
    text.parse::<Duration>().ok().map(super::super::base::time::Duration::as_secs_f64).filter(|spacing| *spacing > 0.0)
}

/// Blocks that a chain will have, at most about.
fn blocks(chain: &Chain, lasting: Duration, submitted: u64) -> u64 {
    match spacing(chain) {
        Some(spacing) => (lasting.as_secs_f64() / spacing) as u64 + 1,
        None => submitted.min((lasting.as_secs_f64() * BLOCKS_PER_SECOND) as u64) + 1,
    }
}

/// Payments that wait for a block at one time.
fn waiting(payments: &Payments, chain: &Chain, lasting: Duration, submitted: u64) -> u64 {
    let seconds = lasting.as_secs_f64().max(1e-9);
    let window = (WAITING + 2.0 * spacing(chain).unwrap_or(0.0)).min(seconds);
    let burst = if let Arrival::Bursts { size, .. } = payments.arrival { size } else { 0 };
    ((submitted as f64 * window / seconds) as u64).max(burst.min(submitted))
}

/// Directed connections.
fn links(chain: &Chain) -> u64 {
    let n = u64::from(chain.nodes.count);
    let each = |degree: u64| n.saturating_mul(degree);
    match &chain.network.topology {
        Topology::Complete {} => each(n.saturating_sub(1)),
        Topology::Outbound { degree, .. } | Topology::ScaleFree { links: degree } => each(2 * u64::from(*degree)),
        Topology::RandomRegular { degree } | Topology::SmallWorld { degree, .. } => each(u64::from(*degree)),
        Topology::Star {} | Topology::Ring {} => each(2),
        Topology::Relay { relays, links } => {
            let relays = u64::from(*relays);
            relays.saturating_mul(relays).saturating_add(each(2 * u64::from(*links)))
        }
        Topology::Degrees { .. } | Topology::File { .. } => each(40),
    }
}

/// Mempools that hold transactions. Where transactions spread by sampled delay, only nodes with weight keep one.
fn mempools(chain: &Chain) -> u64 {
    let n = u64::from(chain.nodes.count);
    match (&chain.network.transactions, &chain.nodes.weights) {
        (Spread::Sampled, Weights::Shares(name)) => n.min(words::power(name).map_or(n, |power| power.len() as u64)),
        (Spread::Sampled, Weights::List(weights)) => weights.iter().filter(|weight| **weight > 0).count() as u64,
        _ => n,
    }
}

/// Transactions that clients will submit, at most about.
fn submitted_by(payments: &Payments, duration: Duration) -> u64 {
    let seconds = payments.until.unwrap_or(duration).min(duration).as_secs_f64();
    let many = match &payments.arrival {
        Arrival::Poisson {} | Arrival::Constant {} | Arrival::OnOff { .. } => payments.rate.unwrap_or(0.0) * seconds,
        Arrival::Bursts { size, every, .. } => *size as f64 * (1.0 + seconds / every.as_secs_f64()),
        Arrival::Pieces { pieces, then } => pieces.iter().map(|piece| piece.rate).fold(*then, f64::max) * seconds,
        // A client of a closed loop waits for at least a tenth of a second of agreement besides thinking.
        Arrival::Closed { think } => f64::from(payments.clients) * seconds / (0.1 + think.as_secs_f64()),
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
