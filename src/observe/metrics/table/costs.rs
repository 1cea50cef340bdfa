//! Metrics of what a run costs: messages, computing, bandwidth, energy.

use super::super::definition::{Group, MetricDef};
use super::super::measured::{Measured, NodeUsage, ratio};

/// Messages, computing and bandwidth.
pub static COSTS: &[MetricDef] = &[
    MetricDef::new(
        "messages_per_transaction",
        "messages per transaction",
        "",
        Group::Cost,
        "copies of messages sent within the measured window / transactions confirmed within it",
        |m| ratio(m.counts.sent.messages as f64, m.confirmed),
    )
    .headline(1),
    MetricDef::new(
        "bytes_per_transaction",
        "bytes per transaction",
        "B",
        Group::Cost,
        "bytes sent within the measured window / transactions confirmed within it",
        |m| ratio(m.counts.sent.bytes as f64, m.confirmed),
    )
    .headline(2),
    MetricDef::new(
        "messages_lost",
        "messages lost",
        "",
        Group::Cost,
        "copies lost to the network, to nodes that were down, or as forged",
        |m| Some(m.counts.messages_lost as f64),
    ),
    MetricDef::new(
        "cpu_mean",
        "CPU utilisation mean",
        "%",
        Group::Cost,
        "share of the measured window that the cores of a node were busy, mean over nodes",
        |m| ratio(cpu(m).sum(), m.counts.usage.len()),
    )
    .headline(4),
    MetricDef::new(
        "cpu_max",
        "CPU utilisation max",
        "%",
        Group::Cost,
        "share of the measured window that the cores of the busiest node were busy",
        |m| cpu(m).max_by(f64::total_cmp),
    ),
    MetricDef::new(
        "inbox_max",
        "longest inbox",
        "messages",
        Group::Cost,
        "most messages that waited at one node",
        |m| m.nodes.iter().map(|row| row.inbox_max).max().map(f64::from),
    ),
    MetricDef::new(
        "bandwidth_mean",
        "bandwidth mean",
        "bit/s",
        Group::Cost,
        "bits that a node sent per second of the measured window, mean over nodes",
        |m| ratio(m.counts.usage.iter().map(NodeUsage::bits_per_second).sum(), m.counts.usage.len()),
    )
    .headline(3),
    MetricDef::new(
        "bandwidth_max",
        "bandwidth peak",
        "bit/s",
        Group::Cost,
        "bits that one node sent per second of one interval, maximum over nodes and intervals",
        |m| m.counts.usage.iter().map(|node| node.peak_rate).max_by(f64::total_cmp),
    ),
];

/// Energy of mining.
pub static ENERGY: &[MetricDef] = &[
    MetricDef::new(
        "energy_per_transaction",
        "energy per transaction",
        "J",
        Group::Cost,
        "energy drawn for mining within the measured window / transactions confirmed within it",
        |m| ratio(m.counts.mining_watts? * m.seconds?, m.confirmed),
    )
    .only_if(has_energy),
    MetricDef::new(
        "mining_power",
        "mining power",
        "W",
        Group::Cost,
        "power drawn for mining: hash rate times joules per hash",
        |m| m.counts.mining_watts,
    )
    .only_if(has_energy),
];

/// Share of the measured window that the cores of each node were busy, in per cent.
fn cpu<'a>(m: &'a Measured<'_>) -> impl Iterator<Item = f64> + 'a {
    let cores = f64::from(m.counts.cores);
    m.counts.usage.iter().map(move |node| 100.0 * node.busy.as_secs_f64() / node.time.as_secs_f64() / cores)
}

fn has_energy(m: &Measured<'_>) -> bool {
    m.counts.mining_watts.is_some() && m.seconds.is_some()
}
