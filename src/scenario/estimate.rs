//! How much memory a run will need, from the scenario alone.
//!
//! The figures per thing are upper bounds for the structures of this program, rounded up; what they leave out is
//! small beside them. Counts are worst cases of what the scenario allows: every mempool holds whatever was submitted,
//! up to its capacity. Nothing is allocated for the estimate, so that absurd sizes are refused before they do harm.

use super::{Arrival, Chain, Payments, Scenario, Spread, Topology, Weights, Workload, words};
use crate::base::Duration;
use serde::Serialize;

/// A node: its protocol's value, inbox, timers, keys, observers' rows.
const NODE: u64 = 20_000;
/// One direction of a connection: its queue, its TCP state, its last arrival.
const LINK: u64 = 64;
/// A transaction, its receipt and its row in the results; shared by all nodes.
const TRANSACTION: u64 = 500;
/// An entry of a mempool, with its indices.
const PENDING: u64 = 100;
/// An account: its holding, its undo records, its wallet, its key.
const ACCOUNT: u64 = 400;
/// Bytes of headers and votes per node and second of a busy chain, for the results.
const RECORDS_PER_SECOND: u64 = 50;

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
    let mut parts = Vec::new();
    let payments = scenario.workload.as_ref().map(|Workload::Payments(payments)| payments);
    for (at, chain) in scenario.chain.iter().enumerate() {
        let submitted = payments.filter(|payments| payments.chain == chain.name);
        let submitted = submitted.map_or(0, |payments| submitted_by(payments, scenario.duration));
        let mut part = |what: String, each: u64, many: u64, key: String| {
            parts.push(Part { what, bytes: each.saturating_mul(many), key });
        };
        let n = u64::from(chain.nodes.count);
        let seconds = scenario.duration.as_nanos() / 1_000_000_000;
        let node = NODE.saturating_add(RECORDS_PER_SECOND * seconds.min(100_000));
        part(format!("{n} nodes"), node, n, format!("chain[{at}].nodes.count"));
        let links = links(chain);
        part(format!("{links} links"), LINK, links, format!("chain[{at}].network.topology"));
        let each = submitted.min(u64::from(chain.nodes.mempool.transactions));
        let pools = mempools(chain);
        part(format!("{pools} mempools"), PENDING.saturating_mul(each), pools, format!("chain[{at}].nodes.count"));
    }
    if let Some(payments) = payments {
        let many = submitted_by(payments, scenario.duration);
        let bytes = TRANSACTION.saturating_mul(many);
        parts.push(Part { what: format!("{many} transactions"), bytes, key: "workload.payments.rate".into() });
        let many = u64::from(payments.accounts);
        let bytes = ACCOUNT.saturating_mul(many);
        parts.push(Part { what: format!("{many} accounts"), bytes, key: "workload.payments.accounts".into() });
    }
    Estimate { parts }
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
