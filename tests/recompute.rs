//! Every figure of `summary.csv` once more, by a second and naive implementation.
//!
//! Runs of several protocols with faults are written to folders by the program. All that follows reads these folders
//! and knows nothing of the program: no line of `src` is used. What a table holds is taken as what happened; what a
//! figure means is taken from its definition. A figure that no table suffices for is named, with the reason.

mod figures;
mod phases;
mod raw;

use figures::figures;
use phases::{Span, View, periods};
use raw::Run;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::fs;
use std::process::Command;
use std::sync::OnceLock;

/// Figures that tables of a finished run do not suffice for, and why.
const NOT_DERIVED: [(&str, &str); 4] = [
    ("blocked_by_gap", "the tables name no senders and nonces"),
    ("skipped_requests", "an arrival for which nothing was made leaves no row; derived where arrivals are regular"),
    ("bandwidth_mean", "tables hold the bytes of each node for the whole run; derived where nothing is warm-up"),
    ("cpu_max", "the same of the work of each node"),
];

/// A crash that heals, and a cut that heals and touches a second crash.
const FAULTS: &str = r#"
[[fault]]
at = "6s"
until = "9s"
crash = { nodes = "leader" }
[[fault]]
at = "16s"
until = "19s"
partition = { groups = [[0, 1], "rest"] }
[[fault]]
at = "18s"
until = "21s"
crash = { nodes = 3 }
"#;

/// One of twelve is away at last, when messages take longer: what reaches all of them went fast.
const SLOW_AT_LAST: &str = r#"
[[fault]]
at = "8s"
crash = { nodes = 11 }
[[fault]]
at = "8s"
degrade = { extra_delay = "200ms" }
"#;

/// Two of seven lie, and one fault lies within another.
const ATTACKERS: &str = r#"
[[adversary]]
nodes = [5]
attack = "silent"
[[adversary]]
nodes = [6]
attack = "equivocate"
[[fault]]
at = "5s"
until = "12s"
degrade = { extra_delay = "50ms", loss = 0.02 }
[[fault]]
at = "7s"
until = "9s"
partition = { groups = [[0, 1, 2], "rest"] }
"#;

/// Accounts that soon have nothing to spend.
const POOR: &str = r#"
arrival = "constant"
[[fault]]
at = "8s"
until = "12s"
crash = { nodes = "leader" }
"#;

fn scenario(protocol: &str, nodes: usize, warm_up: &str, duration: &str, rate: f64, faults: &str) -> String {
    let balance = if faults == POOR { 1500 } else { 1_000_000 };
    format!(
        r#"
name = "recompute"
seed = 3
duration = "{duration}"
warm_up = "{warm_up}"
crypto = "symbolic"
[[chain]]
protocol.{protocol}
ledger.account = {{ balance = {balance} }}
[chain.nodes]
count = {nodes}
regions = ["us-east-1", "eu-west-1"]
[chain.network]
latency.regions = {{ data = "aws-2025", jitter = "cloud" }}
[workload.payments]
rate = {rate:?}
accounts = 40
retry = "2s"
{faults}
[output]
charts = false
event_log = 100000
"#
    )
}

/// The scenarios: a name, and their text.
fn scenarios() -> Vec<(&'static str, String)> {
    // Some figures can be derived only where nothing is warm-up.
    let usual = |protocol| scenario(protocol, 4, "2s", "40s", 20.0, FAULTS);
    let whole = |protocol| scenario(protocol, 4, "0s", "40s", 20.0, FAULTS);
    vec![
        ("pbft", whole("pbft = {}")),
        ("raft", usual(r#"raft = { read_interval = "700ms" }"#)),
        ("tendermint", usual("tendermint = {}")),
        ("hotstuff", whole("hotstuff = {}")),
        ("qbft", usual("qbft = {}")),
        ("nakamoto", scenario(r#"nakamoto = { spacing = "2s" }"#, 4, "0s", "60s", 4.0, FAULTS)),
        ("scp", usual("scp = {}")),
        ("ripple", whole("ripple = {}")),
        ("clique", scenario(r#"clique = { period = "1s" }"#, 4, "0s", "30s", 4.0, FAULTS)),
        ("slow at last", scenario("raft = {}", 12, "0s", "20s", 5.0, SLOW_AT_LAST)),
        ("attackers", scenario("tendermint = {}", 7, "2s", "20s", 5.0, ATTACKERS)),
        ("poor", scenario("pbft = {}", 4, "0s", "20s", 20.0, POOR)),
    ]
}

/// Runs a scenario and reads what it leaves.
fn run(text: &str) -> Run {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("scenario.toml");
    fs::write(&file, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerlab"));
    let output =
        command.arg("run").arg(&file).arg("--quiet").arg("--out").arg(home.path().join("run")).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(home.path().join("run/summary.csv").exists(), "{error}");
    Run::read(&home.path().join("run"))
}

/// Where `summary.csv` differs from what is derived; also figures that stand in one of them only.
fn differences(run: &Run) -> Vec<String> {
    let derived = figures(run).0;
    let mut found = Vec::new();
    for row in &run.summary {
        let name = row["name"].as_str();
        let Some(figure) = derived.iter().find(|figure| figure.name == name) else {
            if !NOT_DERIVED.iter().any(|(known, _)| *known == name) {
                found.push(format!("{name}: not derived, and no reason is known"));
            }
            continue;
        };
        let said = raw::number(row, "value");
        let near = match (said, figure.value) {
            (Some(said), Some(due)) => (said - due).abs() <= figure.absolute + figure.relative * due.abs(),
            (said, due) => said.is_none() && due.is_none(),
        };
        if !near {
            found.push(format!("{name}: summary.csv says {said:?}, the raw tables give {:?}", figure.value));
        }
    }
    let missing = derived.iter().filter(|figure| !run.summary.iter().any(|row| row["name"] == figure.name));
    found.extend(missing.map(|figure| format!("{}: derived as {:?}, not in summary.csv", figure.name, figure.value)));
    found
}

/// All runs, each made once.
fn runs() -> &'static [(&'static str, Run)] {
    static RUNS: OnceLock<Vec<(&'static str, Run)>> = OnceLock::new();
    RUNS.get_or_init(|| scenarios().into_par_iter().map(|(name, text)| (name, run(&text))).collect())
}

#[test]
fn every_figure_follows_from_the_raw_tables() {
    let wrong: Vec<String> = (runs().iter())
        .flat_map(|(name, run)| differences(run).into_iter().map(move |what| format!("{name}: {what}")))
        .collect();
    assert!(wrong.is_empty(), "{} figures differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_runs_hold_what_figures_can_be_wrong_about() {
    let some = |what: &str, holds: fn(&Run) -> bool| assert!(runs().iter().any(|(_, run)| holds(run)), "{what}");
    some("a chain that is cut back", |run| run.says("reorgs").is_some_and(|many| many > 0.0));
    some("a stale block", |run| run.says("fork_rate").is_some_and(|share| share > 0.0));
    some("an arrival for which nothing was made", |run| run.says("skipped_requests").is_some_and(|many| many > 0.0));
    some("a transaction that waits at the end", |run| run.says("pending").is_some_and(|many| many > 0.0));
    some("a wasted round", |run| run.says("failed_rounds").is_some_and(|many| many > 0.0));
    some("a block that never got to all", |run| run.blocks.iter().any(|row| row["t99_s"].is_empty()));
    some("faults that overlap", |run| periods(run).len() < run.faults.len());
    some("an attacker", |run| run.nodes.iter().any(|row| row["honest"] != "true"));
}

#[test]
fn a_cut_that_leaves_no_quorum_is_an_outage_of_its_length() {
    for (name, run) in runs().iter().filter(|(name, _)| *name != "ripple") {
        let Some(cut) = periods(run).into_iter().find(|period| (period.start - 16.0).abs() < 1e-9) else { continue };
        match phases::outage(View { run, region: None }, cut) {
            // What was under way when it began still becomes final.
            Span::Seconds(outage) => assert!(outage > 2.8, "{name}: {outage} s"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn no_share_of_the_nodes_is_reached_before_a_smaller_one() {
    for (name, run) in runs() {
        let times = ["propagation_t50", "propagation_t90", "propagation_t99"].map(|figure| run.says(figure));
        // What was not reached by the end took longer than all others.
        let times = times.map(|time| time.unwrap_or(f64::INFINITY));
        assert!(times.is_sorted(), "{name}: {times:?}");
    }
}

/// How a time around faults stands in a row of `periods.csv`.
fn said(row: &raw::Row, column: &str, reached: &str) -> Span {
    match (row[reached].as_str(), raw::number(row, column)) {
        ("yes", Some(seconds)) => Span::Seconds(seconds),
        ("no", None) => Span::NotReached,
        ("not-measurable", None) => Span::NotMeasurable,
        other => panic!("{column}: {other:?}"),
    }
}

fn is_near(a: Span, b: Span) -> bool {
    match (a, b) {
        // The story is exact to a microsecond.
        (Span::Seconds(a), Span::Seconds(b)) => (a - b).abs() < 5e-6,
        (a, b) => a == b,
    }
}

#[test]
fn what_faults_cost_follows_from_the_raw_tables() {
    let mut wrong = Vec::new();
    for (name, run) in runs() {
        let periods = periods(run);
        for row in &run.periods {
            let period = periods[row["period"].parse::<usize>().unwrap()];
            let region = Some(row["region"].as_str()).filter(|region| !region.is_empty());
            let view = View { run, region };
            let mut figures = vec![
                ("outage_s", "outage_over", phases::outage(view, period)),
                ("recovery_s", "recovered", phases::recover(view, period)),
                ("drain_s", "drained", phases::drain(view, period)),
            ];
            if region.is_none() {
                figures.push(("catch_up_s", "caught_up", phases::catch_up(run, period)));
            }
            for (column, reached, due) in figures {
                let said = said(row, column, reached);
                if !is_near(said, due) {
                    wrong.push(format!("{name}: {column} of {region:?} in {period:?}: said {said:?}, due {due:?}"));
                }
            }
        }
        for row in &run.phases {
            let region = Some(row["region"].as_str()).filter(|region| !region.is_empty());
            let place = ["before", "during", "after"].iter().position(|phase| row["phase"] == *phase).unwrap();
            let span = phases::spans(run, periods[row["period"].parse::<usize>().unwrap()])[place];
            for (column, due) in phases::phase(View { run, region }, span) {
                let said = raw::number(row, column);
                let near = said.zip(due).map_or(said.is_none() && due.is_none(), |(a, b)| (a - b).abs() < 1e-6);
                if !near {
                    wrong.push(format!("{name}: {column} of {region:?} in {span:?}: said {said:?}, due {due:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} figures differ:\n{}", wrong.len(), wrong.join("\n"));
}
