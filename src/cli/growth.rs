//! `bench --growth`: how time, events and memory grow with nodes, committee, load and length, one axis at a time.
//!
//! Each point is a scenario that runs in a process of its own. Exponents are fitted to the largest points, where what a
//! run costs by itself no longer counts. Events are mostly messages that arrive: where time or memory grows faster than
//! they do, the program is to blame and not the protocol.

use super::exit::{Exit, Failure};
use super::measure::{Measured, measure, short};
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};

/// How the name of a point begins, for the process that runs it.
pub const PREFIX: &str = "growth:";

/// Points that an exponent is fitted to: the largest.
const FITTED: usize = 3;
/// By how much an exponent must exceed that of the events before it is called worse: noise of two cores.
const TOLERANCE: f64 = 0.15;

/// Something that grows while everything else stays.
struct Axis {
    name: &'static str,
    /// What is run.
    what: &'static str,
    unit: &'static str,
    points: &'static [u64],
    /// The scenario of a point, without its name.
    scenario: fn(u64) -> String,
}

const AXES: [Axis; 5] = [
    Axis {
        name: "nodes",
        what: "Bitcoin with compact blocks, 4.5 tx/s to ten miners, 1 h",
        unit: "nodes",
        points: &[100, 1_000, 10_000, 100_000],
        scenario: |nodes| {
            format!(
                r#"
                duration = "1h"
                workload.payments = {{ rate = 4.5, accounts = 20_000, bytes = "400 B", retry = "never" }}
                [[chain]]
                protocol.nakamoto = {{ spacing = "10 min" }}
                ledger.utxo = {{ coins = 4, amount = 1_000_000_000, subsidy = 312_500_000 }}
                nodes = {{ count = {nodes}, weights = {weights}, upload = "20 Mbit/s", download = "50 Mbit/s" }}
                network = {{ latency.constant.delay = "50ms", topology.outbound = {{ degree = 8 }}, gossip = "compact", transaction_relay = "sampled" }}
                "#,
                weights = weights(nodes),
            )
        },
    },
    Axis {
        name: "committee-pbft",
        what: "PBFT, 100 tx/s, 10 s",
        unit: "replicas",
        points: &[4, 8, 16, 32, 64, 128, 256],
        scenario: |nodes| committee("pbft", nodes),
    },
    Axis {
        name: "committee-tendermint",
        what: "Tendermint, 100 tx/s, 10 s",
        unit: "validators",
        points: &[4, 8, 16, 32, 64, 128, 256],
        scenario: |nodes| committee("tendermint", nodes),
    },
    Axis {
        name: "load",
        what: "Raft, 4 nodes, 60 s",
        unit: "tx/s",
        points: &[10, 100, 1_000, 5_000],
        scenario: |rate| raft(rate, "60s"),
    },
    Axis {
        name: "length",
        what: "Raft, 4 nodes, 10 tx/s",
        unit: "h",
        points: &[1, 3, 8, 24],
        scenario: |hours| raft(10, &format!("{hours}h")),
    },
];

/// Ten nodes mine, the others relay.
fn weights(nodes: u64) -> String {
    let weights: Vec<&str> = (0..nodes).map(|node| if node < 10 { "1" } else { "0" }).collect();
    format!("[{}]", weights.join(", "))
}

fn committee(protocol: &str, nodes: u64) -> String {
    format!(
        r#"
        duration = "10s"
        workload.payments = {{ rate = 100, accounts = 10_000 }}
        [[chain]]
        protocol = "{protocol}"
        nodes.count = {nodes}
        network.latency.constant = {{ delay = "20ms" }}
        "#
    )
}

fn raft(rate: u64, duration: &str) -> String {
    format!(
        r#"
        duration = "{duration}"
        workload.payments = {{ rate = {rate}, accounts = 10_000 }}
        [[chain]]
        protocol = "raft"
        nodes.count = 4
        network.latency.constant = {{ delay = "5ms" }}
        "#
    )
}

/// The scenario of a point by its name, such as `growth:nodes:1000`.
pub fn scenario(name: &str) -> Option<String> {
    let (axis, point) = name.strip_prefix(PREFIX)?.split_once(':')?;
    let axis = AXES.iter().find(|other| other.name == axis)?;
    let point = point.parse().ok()?;
    Some(format!("name = \"growth\"\ncrypto = \"symbolic\"\n{}", (axis.scenario)(point)))
}

/// A point of an axis.
#[derive(Serialize)]
struct Point {
    value: u64,
    #[serde(flatten)]
    measured: Measured,
}

/// Exponents `k` of growth with the axis to the power `k`.
#[derive(Clone, Copy, Serialize)]
struct Exponents {
    cpu: Option<f64>,
    events: Option<f64>,
    memory: Option<f64>,
}

/// An axis as it is shown.
#[derive(Serialize)]
struct Growth {
    axis: &'static str,
    what: &'static str,
    unit: &'static str,
    points: Vec<Point>,
    exponents: Exponents,
    /// What grows faster than the events.
    worse: Vec<&'static str>,
}

/// The slope of `ln y` over `ln x` by least squares; none of fewer than two points.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> =
        points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).map(|(x, y)| (libm::log(*x), libm::log(*y))).collect();
    let n = logs.len() as f64;
    let (mean_x, mean_y) = (logs.iter().map(|(x, _)| x).sum::<f64>() / n, logs.iter().map(|(_, y)| y).sum::<f64>() / n);
    let covariance: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logs.iter().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum();
    (logs.len() >= 2 && variance > 0.0).then(|| covariance / variance)
}

impl Growth {
    fn of(axis: &Axis, points: Vec<Point>) -> Growth {
        let largest = &points[points.len().saturating_sub(FITTED)..];
        let fitted = |figure: &dyn Fn(&Measured) -> Option<f64>| {
            let known: Vec<(f64, f64)> = largest
                .iter()
                .filter_map(|point| figure(&point.measured).map(|figure| (point.value as f64, figure)))
                .collect();
            slope(&known)
        };
        let exponents = Exponents {
            cpu: fitted(&|measured| measured.cpu_s),
            events: fitted(&|measured| Some(measured.events as f64)),
            memory: fitted(&|measured| measured.peak_bytes.map(|bytes| bytes as f64)),
        };
        let events = exponents.events.unwrap_or(1.0);
        let is_worse = |exponent: Option<f64>| exponent.is_some_and(|exponent| exponent > events + TOLERANCE);
        let grown = [("CPU time", exponents.cpu), ("memory", exponents.memory)];
        let worse = grown.into_iter().filter(|(_, exponent)| is_worse(*exponent)).map(|(name, _)| name).collect();
        Growth { axis: axis.name, what: axis.what, unit: axis.unit, points, exponents, worse }
    }
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header([self.unit, "CPU s", "events", "events/CPU s", "peak MiB"]);
        for Point { value, measured } in &self.points {
            table.add_row([
                value.to_string(),
                shown(measured.cpu_s, |seconds| format!("{seconds:.2}")),
                measured.events.to_string(),
                shown(measured.events_per_s(), short),
                shown(measured.peak_mib(), |mib| format!("{mib:.0}")),
            ]);
        }
        let exponent = |exponent: Option<f64>| shown(exponent, |exponent| format!("^{exponent:.2}"));
        let Exponents { cpu, events, memory } = self.exponents;
        table.add_row(["grows with".into(), exponent(cpu), exponent(events), String::new(), exponent(memory)]);
        for column in table.column_iter_mut() {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
    fn verdict(&self) -> String {
        match self.worse.as_slice() {
            [] => "Neither CPU time nor memory grows faster than the events.".into(),
            worse => format!("Grows faster than the events explain: {}.", worse.join(" and ")),
        }
    }
}

fn shown(value: Option<f64>, format: impl Fn(f64) -> String) -> String {
    value.map_or("-".into(), format)
}

/// Measures the axes whose names begin with `only`.
pub fn growth(only: &str, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let chosen: Vec<&Axis> = AXES.iter().filter(|axis| axis.name.starts_with(only)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = AXES.iter().map(|axis| axis.name).collect();
        let names = names.join(", ");
        return Err(Failure::InvalidInput(format!("there is no axis of growth \"{only}\"; there are {names}")));
    }
    let mut all = Vec::new();
    for axis in chosen {
        let mut points = Vec::new();
        for value in axis.points.iter().copied() {
            if !quiet && std::io::stderr().is_terminal() {
                writeln!(std::io::stderr(), "measuring {}: {value} {}", axis.name, axis.unit)?;
            }
            let measured = measure(&format!("{PREFIX}{}:{value}", axis.name), None)?;
            points.push(Point { value, measured });
        }
        let growth = Growth::of(axis, points);
        if !json {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{}: {}\n\n{}\n\n{}\n", growth.axis, growth.what, growth.table(), growth.verdict())?;
        }
        all.push(growth);
    }
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{:#}", serde_json::json!({ "growth": all }))?;
    } else {
        writeln!(out, "Exponents are fitted to the {FITTED} largest points of each axis.")?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledgerlab::Catalogue;
    use ledgerlab::scenario::Scenario;

    #[test]
    fn a_power_law_has_its_exponent_as_slope() {
        let square: Vec<(f64, f64)> = [1.0, 10.0, 100.0].map(|x| (x, 3.0 * x * x)).to_vec();
        assert!((slope(&square).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(slope(&square[..1]), None);
        assert_eq!(slope(&[(2.0, 1.0), (2.0, 5.0)]), None, "one value of the axis has no slope");
    }

    #[test]
    fn what_grows_faster_than_the_events_is_named() {
        let axis = &AXES[0];
        let point = |value: u64, cpu_s: f64| Point {
            value,
            measured: Measured {
                events: value,
                simulated_s: 1.0,
                cpu_s: Some(cpu_s),
                peak_bytes: Some(1 << 20),
                resident_bytes: None,
            },
        };
        let linear = Growth::of(axis, vec![point(10, 1.0), point(100, 10.0), point(1_000, 100.0)]);
        assert!(linear.worse.is_empty(), "{}", linear.verdict());
        let square = Growth::of(axis, vec![point(10, 1.0), point(100, 100.0), point(1_000, 10_000.0)]);
        assert_eq!(square.verdict(), "Grows faster than the events explain: CPU time.");
    }

    #[test]
    fn every_point_is_a_scenario_without_errors() {
        let catalogue = Catalogue::standard();
        for axis in &AXES {
            for value in axis.points.iter().take(4) {
                let text = scenario(&format!("{PREFIX}{}:{value}", axis.name)).unwrap();
                let loaded = Scenario::load(&catalogue, axis.name, &text, &[]);
                assert!(loaded.is_ok(), "{}: {:?}", axis.name, loaded.err().map(|errors| errors[0].clone()));
            }
        }
        assert_eq!(scenario("growth:nosuch:4"), None);
    }
}
