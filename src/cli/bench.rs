//! `bench`: how fast the simulator is, beside what others published of the same workloads.
//!
//! Each workload runs in a process of its own, which this program starts from itself with a hidden argument, so that
//! memory and processor time are its own. Processor time counts, not time on the wall: it is of user and system, setup
//! included, as in the figures of others. No threshold is applied: machines differ, and ratios on one machine to
//! figures from another are no more than an orientation.

use super::command::{Bench, ScenarioArgs};
use super::exit::{Exit, Failure};
use super::growth;
use super::inspect::load;
use super::measure::{MIB, Measured, measure, short};
use super::run::{read_inputs, reader};
use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use ledgerlab::base::{Crypto, Duration, Time};
use ledgerlab::scenario::{Loaded, Scenario, build, estimate};
use ledgerlab::{Catalogue, speed};
use serde::Serialize;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

/// A workload that others run, too.
struct Workload {
    /// What `--only` knows it by.
    name: &'static str,
    run: Run,
    /// What others published of it.
    rivals: &'static [Rival],
}

/// What is run; sizes are those that others published.
#[derive(Clone, Copy)]
enum Run {
    /// Pops of a queue of so many entities.
    Hold { entities: u32, pops: u64 },
    /// Messages through the whole engine, of which so many are under way.
    Messages { entities: usize, messages: u64 },
    /// About 100 blocks among so many nodes.
    Simblock { nodes: usize },
    /// So many decisions, one after the other, of so many validators.
    Pbft { validators: usize, crypto: Crypto, decisions: u64 },
    /// Nodes that are booted and do nothing.
    Idle { nodes: usize },
    /// Nodes to which nothing happens for 600 seconds.
    Quiet { nodes: usize },
}

/// Figures of another simulator.
#[derive(Clone, Copy, Serialize)]
struct Rival {
    name: &'static str,
    /// Processor seconds for the same workload.
    cpu_s: Option<f64>,
    /// Events per processor second.
    events_per_s: Option<f64>,
    peak_mib: Option<f64>,
}

const fn rival(name: &'static str, cpu_s: Option<f64>, events_per_s: Option<f64>, peak_mib: Option<f64>) -> Rival {
    Rival { name, cpu_s, events_per_s, peak_mib }
}

const fn pbft(validators: usize, crypto: Crypto, decisions: u64) -> Run {
    Run::Pbft { validators, crypto, decisions }
}

/// Figures of others were measured in 2026 on virtual machines of two cores, the faster of what was seen. `(h)`: under heavy
/// load, which inflates processor time by 1.1 to 2.1. Events of simblock-rs are not counted by it; it writes a trace of all
/// messages, which was taken out where that is said. The models of nexosim 1.0 and simu-des 0.1 have one event per entity, as
/// ours have one message; the bare queue is compared with nothing, since it is no engine.
const WORKLOADS: [Workload; 15] = [
    Workload {
        name: "simblock-600",
        run: Run::Simblock { nodes: 600 },
        rivals: &[
            rival("SimBlock", Some(2.17), Some(552e3), Some(195.0)),
            rival("simblock-rs with trace", Some(0.74), None, Some(222.0)),
        ],
    },
    Workload {
        name: "simblock-1000",
        run: Run::Simblock { nodes: 1000 },
        rivals: &[rival("SimBlock", Some(3.20), Some(624e3), Some(300.0))],
    },
    Workload {
        name: "simblock-10000",
        run: Run::Simblock { nodes: 10_000 },
        rivals: &[
            rival("SimBlock", Some(47.8), Some(419e3), Some(690.0)),
            rival("simblock-rs with trace", Some(31.8), None, Some(3666.0)),
            rival("simblock-rs, trace taken out", Some(30.3), None, Some(120.0)),
        ],
    },
    Workload {
        name: "pbft-16",
        run: pbft(16, Crypto::Symbolic, 400),
        rivals: &[rival("BFT-Simulator (h)", None, Some(85e3), None)],
    },
    Workload {
        name: "pbft-64",
        run: pbft(64, Crypto::Symbolic, 40),
        rivals: &[rival("BFT-Simulator (h)", None, Some(53e3), None)],
    },
    Workload {
        name: "pbft-128",
        run: pbft(128, Crypto::Symbolic, 10),
        rivals: &[rival("BFT-Simulator (h)", None, Some(24e3), None)],
    },
    Workload {
        name: "pbft-256",
        run: pbft(256, Crypto::Symbolic, 1),
        rivals: &[rival("BFT-Simulator (h)", Some(35.6), Some(6.1e3), Some(1200.0))],
    },
    Workload { name: "pbft-256-real", run: pbft(256, Crypto::Real, 1), rivals: &[] },
    Workload {
        name: "messages-1e3",
        run: Run::Messages { entities: 1_000, messages: 10_000_000 },
        rivals: &[rival("nexosim", None, Some(2.4e6), None), rival("simu-des", None, Some(8.9e6), None)],
    },
    Workload {
        name: "messages-1e5",
        run: Run::Messages { entities: 100_000, messages: 5_000_000 },
        rivals: &[rival("nexosim", None, Some(0.33e6), None), rival("simu-des", None, Some(1.21e6), None)],
    },
    Workload { name: "hold-1e3", run: Run::Hold { entities: 1_000, pops: 20_000_000 }, rivals: &[] },
    Workload { name: "hold-1e5", run: Run::Hold { entities: 100_000, pops: 20_000_000 }, rivals: &[] },
    Workload { name: "hold-1e7", run: Run::Hold { entities: 10_000_000, pops: 20_000_000 }, rivals: &[] },
    Workload { name: IDLE, run: Run::Idle { nodes: IDLE_FEW }, rivals: &[] },
    Workload { name: QUIET, run: Run::Quiet { nodes: 1_000 }, rivals: &[] },
];

/// Memory of an idle node: the difference between many and few.
const IDLE: &str = "idle-nodes";
const IDLE_FEW: usize = 1_000;
const IDLE_MANY: usize = 10_000;
/// Events of a network in which nothing happens.
const QUIET: &str = "idle-gap";
/// Another workload of [`IDLE`], which is measured in two processes.
const IDLE_REST: &str = "idle-nodes-many";
/// The scenario of the command line.
const SCENARIO: &str = "scenario";

/// All workloads run under it.
const SEED: u64 = 1;

/// Measures speed.
pub fn bench(catalogue: &Catalogue, wanted: &Bench, json: bool, quiet: bool) -> Result<Exit, Failure> {
    if let Some(name) = &wanted.measure {
        let measured = measure_here(catalogue, name, wanted.file.as_deref())?;
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&measured).context("plain numbers")?)?;
        return Ok(Exit::Done);
    }
    match &wanted.file {
        Some(file) => bench_scenario(catalogue, file, json),
        None if wanted.growth => growth::growth(wanted.only.as_deref().unwrap_or_default(), json, quiet),
        None => bench_workloads(wanted.only.as_deref().unwrap_or_default(), json, quiet),
    }
}

/// Measures this very process.
fn measure_here(catalogue: &Catalogue, name: &str, file: Option<&Path>) -> Result<Measured, Failure> {
    if let Some(file) = file {
        let loaded = load(catalogue, &chosen(file))?;
        return run_scenario(catalogue, &loaded, file);
    }
    if let Some(text) = growth::scenario(name) {
        let loaded = Scenario::load(catalogue, name, &text, &[]).map_err(Failure::Scenario)?;
        return run_scenario(catalogue, &loaded, Path::new(name));
    }
    let run = match name {
        IDLE_REST => Run::Idle { nodes: IDLE_MANY },
        _ => find(name)?.run,
    };
    Ok(run_workload(run))
}

fn find(name: &str) -> Result<&'static Workload, Failure> {
    WORKLOADS.iter().find(|workload| workload.name == name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = WORKLOADS.iter().map(|workload| workload.name).collect();
    Failure::InvalidInput(format!("there is no workload \"{name}\"; there are {}", names.join(", ")))
}

fn chosen(file: &Path) -> ScenarioArgs {
    ScenarioArgs { file: file.to_owned(), set: Vec::new(), variant: None, seed: None }
}

fn run_workload(run: Run) -> Measured {
    let spacing = Duration::from_secs(600);
    match run {
        Run::Hold { entities, pops } => {
            // The hash is what the workload is for; looking at it keeps the work from being optimised away.
            std::hint::black_box(speed::hold(entities, pops));
            Measured::here(pops, Duration::ZERO)
        }
        Run::Messages { entities, messages } => {
            let mut simulation = speed::messages(entities, SEED);
            simulation.advance(Time::NEVER, messages);
            Measured::here(simulation.events(), Duration::ZERO)
        }
        Run::Simblock { nodes } => {
            let (events, lasted) = speed::run(speed::simblock(nodes, 100, spacing, SEED));
            Measured::here(events, lasted)
        }
        Run::Pbft { validators, crypto, decisions } => {
            let runs = (0..decisions).map(|decision| speed::run(speed::pbft(validators, crypto, SEED + decision)));
            let (events, lasted) =
                runs.fold((0, Duration::ZERO), |sum, (events, lasted)| (sum.0 + events, sum.1 + lasted));
            Measured::here(events, lasted)
        }
        Run::Idle { nodes } => {
            let mut idle = speed::simblock(nodes, 100, spacing, SEED);
            let events = speed::run_until(&mut idle, Time::ZERO);
            let measured = Measured::here(events, Duration::ZERO);
            drop(idle);
            measured
        }
        Run::Quiet { nodes } => {
            // Blocks are so rare that none is found in the gap.
            let mut quiet = speed::simblock(nodes, 100, Duration::from_secs(1_000_000_000), SEED);
            let booted = speed::run_until(&mut quiet, Time::ZERO);
            let events = speed::run_until(&mut quiet, Time::ZERO + spacing);
            Measured::here(events - booted, spacing)
        }
    }
}

fn run_scenario(catalogue: &Catalogue, loaded: &Loaded, file: &Path) -> Result<Measured, Failure> {
    let inputs = read_inputs(&loaded.scenario, file)?;
    let seed = loaded.scenario.seeds.0[0];
    let mut built = build::build(catalogue, &loaded.scenario, seed, &reader(&inputs)).map_err(anyhow::Error::msg)?;
    while built.simulation.advance(u64::MAX) {}
    let mut events = 0;
    let mut end = Time::ZERO;
    for chain in &mut built.simulation.chains {
        chain.finish();
        (events, end) = (events + chain.events(), end.max(chain.end()));
    }
    Ok(Measured::here(events, end.since(Time::ZERO)))
}

/// A workload as it is shown.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    #[serde(flatten)]
    measured: Measured,
    events_per_s: Option<f64>,
    rivals: Vec<Compared>,
}

/// How much faster we are.
#[derive(Serialize)]
struct Compared {
    #[serde(flatten)]
    rival: Rival,
    /// Their processor seconds in ours.
    times_less_cpu: Option<f64>,
    /// Our events per processor second in theirs.
    times_the_events: Option<f64>,
}

fn compare(rival: Rival, ours: &Measured) -> Compared {
    let less = rival.cpu_s.zip(ours.cpu_s.filter(|seconds| *seconds > 0.0)).map(|(theirs, ours)| theirs / ours);
    let more = ours.events_per_s().zip(rival.events_per_s).map(|(ours, theirs)| ours / theirs);
    Compared { rival, times_less_cpu: less, times_the_events: more }
}

/// The workloads whose names begin with `only`.
fn bench_workloads(only: &str, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let chosen: Vec<&Workload> = WORKLOADS.iter().filter(|workload| workload.name.starts_with(only)).collect();
    if chosen.is_empty() {
        return Err(unknown(only));
    }
    let (mut rows, mut remarks, mut idle) = (Vec::new(), Vec::new(), None);
    for Workload { name, run, rivals } in chosen {
        if !quiet && std::io::stderr().is_terminal() {
            writeln!(std::io::stderr(), "measuring {name}")?;
        }
        let measured = measure(name, None)?;
        match run {
            Run::Idle { .. } => {
                let many = measure(IDLE_REST, None)?;
                idle = bytes_per_idle_node(&measured, &many);
                remarks.extend(idle.map(|idle| idle.summary()));
            }
            Run::Quiet { nodes } => {
                remarks.push(format!("{} events in an idle gap of 600 s among {nodes} nodes", measured.events));
            }
            _ => {}
        }
        let events_per_s = measured.events_per_s();
        rows.push(Row {
            name,
            measured,
            events_per_s,
            rivals: rivals.iter().map(|r| compare(*r, &measured)).collect(),
        });
    }
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{:#}", serde_json::json!({"workloads": rows, "idle_node": idle}))?;
        return Ok(Exit::Done);
    }
    // Workloads that are reported as a sentence have no speed to be shown.
    rows.retain(|row| row.name != IDLE && row.name != QUIET);
    if !rows.is_empty() {
        writeln!(out, "{}", table(&rows))?;
    }
    for remark in remarks {
        writeln!(out, "{remark}")?;
    }
    Ok(Exit::Done)
}

/// Memory of a node that does nothing.
#[derive(Clone, Copy, Serialize)]
struct IdleNode {
    bytes: f64,
    /// Of these, for the names of its peers.
    peer_bytes: f64,
}

impl IdleNode {
    fn summary(&self) -> String {
        format!(
            "{:.0} bytes per idle node, and {:.0} for its list of peers",
            self.bytes - self.peer_bytes,
            self.peer_bytes
        )
    }
}

fn bytes_per_idle_node(few: &Measured, many: &Measured) -> Option<IdleNode> {
    let nodes = (IDLE_MANY - IDLE_FEW) as f64;
    let bytes = many.resident_bytes?.checked_sub(few.resident_bytes?)? as f64 / nodes;
    let peers = speed::simblock_peer_bytes(IDLE_MANY, SEED) - speed::simblock_peer_bytes(IDLE_FEW, SEED);
    Some(IdleNode { bytes, peer_bytes: peers as f64 / nodes })
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    let heads = ["workload", "events", "CPU s", "events/CPU s", "peak MiB", "published by others", "ratio"];
    table.load_preset(presets::NOTHING).set_header(heads);
    for row in rows {
        let ours = row.measured;
        table.add_row([
            row.name.to_owned(),
            ours.events.to_string(),
            shown(ours.cpu_s, |seconds| format!("{seconds:.2}")),
            shown(ours.events_per_s(), short),
            shown(ours.peak_mib(), |mib| format!("{mib:.0}")),
            lines(&row.rivals, |compared| published(&compared.rival)),
            lines(&row.rivals, ratio),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn lines(rivals: &[Compared], format: impl Fn(&Compared) -> String) -> String {
    rivals.iter().map(format).collect::<Vec<_>>().join("\n")
}

/// What another simulator published.
fn published(rival: &Rival) -> String {
    let seconds = rival.cpu_s.map(|seconds| format!("{seconds} s"));
    let speed = rival.events_per_s.map(|speed| format!("{}/s", short(speed)));
    let memory = rival.peak_mib.map(|mib| format!("{mib} MiB"));
    let figures: Vec<String> = [seconds, speed, memory].into_iter().flatten().collect();
    format!("{} {}", rival.name, figures.join(", "))
}

/// How much faster we are: by time for the same work or by events, whichever is less. Events are not counted alike.
fn ratio(compared: &Compared) -> String {
    let times = |ratio: f64| if ratio < 10.0 { format!("{ratio:.1}x") } else { format!("{ratio:.0}x") };
    match (compared.times_less_cpu, compared.times_the_events) {
        (Some(less), more) if more.is_none_or(|more| less <= more) => format!("{} by time", times(less)),
        (_, Some(more)) => format!("{} by events", times(more)),
        _ => NOTHING.into(),
    }
}

const NOTHING: &str = "-";

fn shown(value: Option<f64>, format: impl Fn(f64) -> String) -> String {
    value.map_or(NOTHING.into(), format)
}

/// A scenario under its first seed.
fn bench_scenario(catalogue: &Catalogue, file: &Path, json: bool) -> Result<Exit, Failure> {
    // Errors in it are reported here and not by another process.
    let loaded = load(catalogue, &chosen(file))?;
    let measured = measure(SCENARIO, Some(file))?;
    let per_cpu_second = measured.per_cpu_second(measured.simulated_s);
    // What `check` says that it needs, beside what it took.
    let estimated = estimate(&loaded.scenario).total();
    let mut out = std::io::stdout().lock();
    if json {
        let answer = serde_json::json!({
            "scenario": loaded.scenario.name,
            "hash": loaded.scenario.hash().hex(),
            "measured": measured,
            "events_per_s": measured.events_per_s(),
            "simulated_s_per_cpu_s": per_cpu_second,
            "estimated_bytes": estimated,
        });
        writeln!(out, "{answer:#}")?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.add_rows([
        ["events".to_owned(), measured.events.to_string()],
        ["CPU".to_owned(), shown(measured.cpu_s, |seconds| format!("{seconds:.2} s"))],
        ["events per CPU second".to_owned(), shown(measured.events_per_s(), short)],
        ["simulated".to_owned(), format!("{:.1} s", measured.simulated_s)],
        ["simulated seconds per CPU second".to_owned(), shown(per_cpu_second, short)],
        ["peak memory".to_owned(), shown(measured.peak_mib(), |mib| format!("{mib:.0} MiB"))],
        ["estimated memory".to_owned(), format!("{:.0} MiB", estimated as f64 / MIB)],
    ]);
    writeln!(out, "{}", table.trim_fmt())?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_has_a_name_of_its_own() {
        let mut names: Vec<&str> =
            WORKLOADS.iter().map(|workload| workload.name).chain([IDLE_REST, SCENARIO]).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    }

    #[test]
    fn the_lesser_ratio_is_shown() {
        let ours = Measured { events: 100, simulated_s: 1.0, cpu_s: Some(2.0), peak_bytes: None, resident_bytes: None };
        let shown = |cpu_s, events_per_s| ratio(&compare(rival("other", cpu_s, events_per_s, None), &ours));
        assert_eq!(shown(Some(40.0), None), "20x by time");
        assert_eq!(shown(None, Some(25.0)), "2.0x by events");
        assert_eq!(shown(Some(40.0), Some(25.0)), "2.0x by events");
        assert_eq!(shown(Some(3.0), Some(25.0)), "1.5x by time");
        assert_eq!(shown(None, None), "-");
    }
}
