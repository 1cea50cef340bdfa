//! What the tests of reports share, and what is true of a folder as a whole.

use super::*;
use crate::base::{ClientId, Duration, Height, NodeId, Time};
use crate::observe::metrics::{
    Aggregation, BlockRow, BlockStatus, CdfPoint, FaultSpan, Interval, IntervalRow, MessageRow, Metric, NodeRow,
    NoteRow, Outcome, PeriodRow, Phase, PhaseRow, Reached, Reading, RefusalRow, ReorgRow, ShortId, TransactionRow,
    TransactionStatus, UncheckedRow, ViolationRow, definitions,
};
use crate::run::run;
use crate::scenario::Catalogue;
use std::fs;
use std::sync::OnceLock;

const SCENARIO_TEXT: &str = r#"
name = "small"
question = "Is <b>bold</b> text & \"quotes\" shown as text?"
seed = 1
duration = "4s"
warm_up = "1s"
[[chain]]
protocol = "pbft"
ledger = "account"
[chain.nodes]
count = 4
[workload.payments]
rate = 20
accounts = 50
[[fault]]
at = "2s"
until = "3s"
crash = { nodes = 3 }
"#;

pub fn scenario() -> Scenario {
    Scenario::load(&Catalogue::standard(), "small.toml", SCENARIO_TEXT, &[])
        .unwrap_or_else(|wrong| panic!("{}", wrong[0]))
        .scenario
}

fn run_small(most: u64) -> RunResult {
    run(&Catalogue::standard(), &scenario(), 1, &|_| Err(String::new()), most, |_| true).unwrap()
}

/// The metrics of a real run.
fn real_summary() -> Summary {
    static SUMMARY: OnceLock<Summary> = OnceLock::new();
    SUMMARY.get_or_init(|| run_small(u64::MAX).chains[0].outcome.summary.clone()).clone()
}

fn secs(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

const ID: ShortId = ShortId(7);

fn transaction_row() -> TransactionRow {
    TransactionRow {
        id: ID,
        client: ClientId(1),
        node: NodeId(2),
        submitted: secs(1),
        taken: secs(1),
        included: secs(2),
        final_entry: secs(3),
        final_first: secs(2),
        final_everywhere: Time::NEVER,
        replied: secs(3),
        height: Some(Height(1)),
        bytes: 250,
        fee: 1,
        status: TransactionStatus::NoEffect,
        reorged: true,
        retransmissions: 1,
    }
}

fn block_row(height: u64, status: BlockStatus) -> BlockRow {
    BlockRow {
        id: ID,
        height: Height(height),
        parent: ID,
        proposer: NodeId(0),
        created: secs(height),
        transactions: 2,
        bytes: 600,
        status,
        honest_holders: 4,
        t50: Duration::from_millis(40),
        t90: Duration::from_millis(90),
        t99: Duration::MAX,
        final_first: secs(height + 1),
        final_connected: secs(height + 1),
        final_everywhere: Time::NEVER,
    }
}

fn interval_row(start: u64) -> IntervalRow {
    IntervalRow {
        start: secs(start),
        end: secs(start + 1),
        submitted: 10 + start,
        confirmed: 9,
        throughput: 9.0,
        confirmation_p50_s: None,
        unconfirmed: start,
        blocks: 2,
        failed_rounds: u64::from(start == 3),
        leader_changes: u64::from(start == 5),
        reorgs: 1,
        reorg_max: 2,
        messages: 40,
        sent_bytes: 4000,
        cpu_mean: Some(0.1),
        cpu_max: None,
        inbox_max: 3,
        mempool_max: 4,
        finalized_min: Height(start),
        finalized_max: Height(start + 1),
    }
}

fn node_row(index: u32) -> NodeRow {
    NodeRow {
        node: NodeId(index),
        honest: index > 0,
        sent_bytes: 1_000_000 * u64::from(index),
        received_bytes: 500_000,
        written_bytes: 1000,
        busy: Duration::from_millis(700),
        cpu: 0.07,
        inbox_max: 3,
        blocks_canonical: 2,
        blocks_stale: 1,
        block_share: 0.5,
        weight_share: 0.25,
        crashes: 1,
        reorgs: 1,
        reorg_max: 2,
        failed_rounds: 1,
        height: Height(3),
        finalized: Height(2),
    }
}

fn fault_span() -> FaultSpan {
    FaultSpan { fault: 0, label: "crash of n1 <&>".into(), start: secs(4), end: secs(6), period: 0 }
}

fn period_row() -> PeriodRow {
    PeriodRow {
        period: 0,
        region: String::new(),
        start: secs(4),
        end: secs(6),
        faults: 1,
        outage: Some(Duration::from_millis(2_900)),
        outage_over: Reached::Yes,
        outage_from: Some(secs(3)),
        recovery: None,
        recovered: Reached::No,
        drain: None,
        drained: Reached::NotMeasurable,
        catch_up: Some(Duration::ZERO),
        caught_up: Reached::Yes,
        watched_until: secs(10),
    }
}

fn phase_row() -> PhaseRow {
    PhaseRow {
        period: 0,
        phase: Phase::During,
        region: "eu <1>".into(),
        start: secs(4),
        end: secs(6),
        submitted: 40,
        succeeded: 30,
        undecided: 0,
        success_rate: Some(75.0),
        confirmed: 20,
        throughput: Some(10.0),
        confirmation_p50_s: Some(0.25),
        confirmation_p99_s: None,
        reply_p50_s: None,
        reply_p99_s: None,
    }
}

/// An outcome with a row of every kind, and the metrics of a real run.
pub fn outcome() -> Outcome {
    let standings = [(1, BlockStatus::Canonical), (2, BlockStatus::Stale), (3, BlockStatus::Undecided)];
    Outcome {
        summary: real_summary(),
        measured_from: secs(2),
        measured_to: secs(10),
        end: secs(10),
        interval: Duration::from_secs(1),
        transactions: vec![transaction_row()],
        blocks: standings.into_iter().map(|(height, standing)| block_row(height, standing)).collect(),
        intervals: (0..10).map(interval_row).collect(),
        nodes: (0..4).map(node_row).collect(),
        messages: vec![MessageRow { kind: "vote", sent: 4, sent_bytes: 400, delivered: 3, delivered_bytes: 300 }],
        notes: vec![NoteRow { label: "round_failed", count: 2, mean: 1.5, max: 2 }],
        refusals: vec![RefusalRow { reason: "nonce <already> used", count: 2 }],
        reorgs: vec![ReorgRow { depth: 1, count: 3 }, ReorgRow { depth: 25, count: 1 }],
        propagation: vec![CdfPoint { at: 0.0, share: 0.25 }, CdfPoint { at: 0.09, share: 0.95 }],
        confirmation: vec![CdfPoint { at: 0.1, share: 0.5 }, CdfPoint { at: 3.0, share: 1.0 }],
        faults: vec![fault_span()],
        periods: vec![period_row()],
        phases: vec![phase_row()],
        violations: vec![ViolationRow {
            property: "agreement",
            kind: "safety",
            at: secs(5),
            what: "expected <one> block".into(),
        }],
        checked: vec!["safety of 4 honest nodes over 3 final blocks".into()],
        unchecked: Vec::new(),
    }
}

/// An outcome of a run in which nothing happened, not even time.
pub fn nothing() -> Outcome {
    let summary = outcome().summary;
    let metrics = summary.metrics.into_iter().map(|metric| Metric { value: None, ..metric }).collect();
    Outcome {
        summary: Summary { metrics },
        measured_from: Time::ZERO,
        measured_to: Time::ZERO,
        end: Time::ZERO,
        interval: Duration::from_secs(1),
        transactions: Vec::new(),
        blocks: Vec::new(),
        intervals: Vec::new(),
        nodes: Vec::new(),
        messages: Vec::new(),
        notes: Vec::new(),
        refusals: Vec::new(),
        reorgs: Vec::new(),
        propagation: Vec::new(),
        confirmation: Vec::new(),
        faults: Vec::new(),
        periods: Vec::new(),
        phases: Vec::new(),
        violations: Vec::new(),
        checked: Vec::new(),
        unchecked: Vec::new(),
    }
}

/// Writes a run of the small scenario, ended after `most` steps, with this outcome. Returns what is kept.
fn write(outcome: Outcome, most: u64) -> RunReport {
    write_page(outcome, most, false).0
}

/// The same with or without charts. Returns the text of the page as well.
pub fn write_page(outcome: Outcome, most: u64, charts: bool) -> (RunReport, String) {
    let mut scenario = scenario();
    scenario.output.charts = charts;
    let mut ran = run_small(most);
    ran.chains[0].outcome = outcome;
    ran.remarks = vec!["a remark".into()];
    let inputs = BTreeMap::from([("graph.gml".to_owned(), "graph []".to_owned())]);
    let finished = FinishedRun {
        scenario: &scenario,
        seed: 1,
        ran,
        wall: std::time::Duration::from_millis(1500),
        inputs: &inputs,
    };
    let home = tempfile::tempdir().unwrap();
    let folder = OutputDir::create(&home.path().join("run")).unwrap();
    let written = write_run(&finished, &folder).unwrap();
    let place = folder.commit().unwrap().place;
    assert_eq!(fs::read_to_string(place.join("inputs/0")).unwrap(), "graph []");
    let stored: Record = serde_json::from_slice(&fs::read(place.join(MANIFEST)).unwrap()).unwrap();
    let Record::Run(stored) = stored else { panic!("a run") };
    assert_eq!(serde_json::to_value(&stored).unwrap(), serde_json::to_value(&written.manifest).unwrap());
    (written, fs::read_to_string(place.join("report.html")).unwrap())
}

#[test]
fn a_manifest_says_what_was_run_and_what_came_of_it() {
    let written = write(outcome(), u64::MAX);
    let manifest = written.manifest;
    assert_eq!(manifest.scenario_sha256.len(), 64);
    assert_eq!((manifest.seed, manifest.complete, manifest.ended_after), (1, true, None));
    assert_eq!((manifest.verdict, manifest.safety_violations), (Verdict::Held, 0));
    assert_eq!(manifest.inputs[0].path, "graph.gml");
    assert_eq!(manifest.chains[0].timeline.as_ref().map(|line| line.end().value), Some(manifest.fingerprint));
    assert_eq!(manifest.brief().chains[0].timeline, None);
    assert_eq!(manifest.first_violation.unwrap().property, "agreement");
}

#[test]
fn the_verdict_is_the_worst_that_is_known() {
    let with = |safety: f64, liveness: f64, most: u64| {
        let mut outcome = outcome();
        for metric in &mut outcome.summary.metrics {
            match metric.def.name {
                "safety_violations" => metric.value = Some(safety),
                "liveness_violations" => metric.value = Some(liveness),
                _ => {}
            }
        }
        write(outcome, most).manifest.verdict
    };
    assert_eq!(with(0.0, 0.0, u64::MAX), Verdict::Held);
    assert_eq!(with(0.0, 2.0, u64::MAX), Verdict::LivenessViolated);
    assert_eq!(with(0.0, 2.0, 1), Verdict::Interrupted);
    assert_eq!(with(1.0, 2.0, 1), Verdict::SafetyViolated);
}

#[test]
fn a_run_in_which_nothing_happened_has_a_report_too() {
    let (written, page) = write_page(nothing(), 0, true);
    assert_eq!((written.manifest.complete, written.manifest.ended_after), (false, Some(0)));
    assert!(page.contains("Interrupted at 0 s") && page.contains("no transaction was submitted"));
}

#[test]
fn runs_that_were_interrupted_do_not_count_in_the_metrics_of_several_runs() {
    let run = |throughput: f64, most: u64| {
        let mut outcome = outcome();
        for metric in &mut outcome.summary.metrics {
            if metric.def.name == "throughput" {
                metric.value = Some(throughput);
            }
        }
        write(outcome, most)
    };
    let (whole, again, cut) = (run(10.0, u64::MAX), run(20.0, u64::MAX), run(1000.0, 1));
    let value = |runs: &[&RunReport]| aggregate_runs(runs.iter().copied())[0].summary.value("throughput");
    assert_eq!(value(&[&whole, &again, &cut]), Some(15.0));
    assert_eq!(value(&[&cut]), Some(1000.0));
    assert!(aggregate_runs([].into_iter()).is_empty());
}

#[test]
fn an_experiment_says_what_was_not_begun() {
    let scenario = scenario();
    let run = write(outcome(), u64::MAX);
    let experiment = FinishedExperiment {
        scenario: &scenario,
        runs: vec![(1, Some(run.clone())), (2, Some(run)), (3, None)],
        wall: std::time::Duration::from_secs(1),
    };
    let home = tempfile::tempdir().unwrap();
    let folder = OutputDir::create(&home.path().join("all")).unwrap();
    let manifest = write_experiment(&experiment, &folder).unwrap();
    let place = folder.commit().unwrap().place;
    assert_eq!((manifest.verdict, manifest.complete), (Verdict::Interrupted, false));
    assert_eq!((manifest.runs[1].folder.as_deref(), manifest.runs[2].folder.as_deref()), (Some("seed-2"), None));
    let page = fs::read_to_string(place.join("report.html")).unwrap();
    assert!(page.contains("2 of 3 runs are complete") && page.contains("href=\"seed-1/report.html\""));
    let summary = fs::read_to_string(place.join("summary.csv")).unwrap();
    assert!(
        summary.lines().any(|line| line.starts_with("offered_load,offered load,20.0,tx/s,20.0,20.0,2,mean,0,,")),
        "{summary}"
    );
}

#[test]
fn the_terminal_shows_the_key_metrics_and_says_in_plain_words_what_held() {
    let run = write(outcome(), u64::MAX);
    let chains = aggregate_runs([&run].into_iter());
    let text = terminal::summary("small", &[&run], &chains, "runs/small", 2.0);
    for line in ["small: pbft with 4 nodes, seed 1", "verdict   everything that was checked held"] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("report    runs/small/report.html") && text.contains("throughput"), "{text}");
    assert!(!text.contains("read time"), "metrics without a value are left out");
    assert!(text.contains("checked: safety of 4 honest nodes over 3 final blocks"), "{text}");
    assert_eq!(terminal::violation(&[&run], |_| String::new()), None);
}

#[test]
fn what_could_not_be_checked_is_no_success() {
    let with = |decisive: bool| {
        let mut outcome = outcome();
        for metric in &mut outcome.summary.metrics {
            if metric.def.name.ends_with("_violations") {
                metric.value = Some(0.0);
            }
        }
        let row = |property: &str, why: &str| UncheckedRow { property: property.into(), why: why.into(), decisive };
        outcome.unchecked = vec![row("safety", "nothing became final: 0 of 412 transactions")];
        let (run, page) = write_page(outcome, u64::MAX, false);
        assert!(page.contains("badge odd") && page.contains("0 of 412"), "{page}");
        (run.manifest.verdict, terminal::verdict(&[&run.manifest]))
    };
    let (verdict, text) = with(true);
    assert_eq!(verdict, Verdict::Unanswered);
    assert_eq!(
        text,
        "the question could not be answered; not checked: safety: nothing became final: 0 of 412 transactions"
    );
    assert_eq!(with(false).0, Verdict::HeldInPart);
}

#[test]
fn a_violation_is_reported_with_the_command_that_reproduces_it() {
    let mut run = write(outcome(), u64::MAX);
    (run.manifest.verdict, run.manifest.safety_violations) = (Verdict::SafetyViolated, 2);
    assert_eq!(terminal::verdict(&[&run.manifest]), "SAFETY WAS VIOLATED 2 times");
    let text = terminal::violation(&[&run], |seed| format!("ledgerlab run x.toml --seed {seed}")).unwrap();
    assert_eq!(
        text,
        "error: safety violated: agreement at 5 s, seed 1\n  expected <one> block\n  to see it again: ledgerlab run \
         x.toml --seed 1"
    );
}

fn several(value: Option<f64>, interval: Option<(f64, f64)>, aggregation: Aggregation) -> Metric {
    let interval = interval.map(|(low, high)| Interval { low, high });
    let def = definitions().find(|def| def.unit == "s").unwrap();
    Metric { value, interval, runs: 3, aggregation, ..Metric::new(def, Reading::default()) }
}

#[test]
fn an_interval_is_shown_by_its_ends_and_without_noise() {
    let shown = |metric: &Metric| (terminal::value(metric), terminal::interval(metric));
    let usual = several(Some(0.4), Some((0.3, 0.5)), Aggregation::Mean);
    assert_eq!(shown(&usual), ("400 ms".into(), "300 to 500 ms".into()));
    let wide = several(Some(0.4), Some((0.01, 2.0)), Aggregation::GeometricMean);
    assert_eq!(shown(&wide).1, "10 ms to 2 s, geometric mean");
    let alike = several(Some(0.4), Some((0.4, 0.4)), Aggregation::Mean);
    assert_eq!(shown(&alike).1, "the same in all runs");
}

#[test]
fn a_time_that_was_not_reached_is_reported_so() {
    let never = Metric { not_reached: 1, until: Some(120.0), ..several(None, None, Aggregation::Median) };
    assert_eq!(terminal::value(&never), "not by 120 s");
    let some = Metric { value: Some(2.0), interval: Some(Interval { low: 1.0, high: f64::INFINITY }), ..never };
    let expected = "1 s or more, median, 1 of 3 runs not by 120 s";
    assert_eq!((terminal::value(&some), terminal::interval(&some)), ("2 s".into(), expected.into()));
}

#[test]
fn a_page_shows_outages_and_payments_around_faults() {
    let (_, page) = write_page(outcome(), u64::MAX, false);
    for text in ["2.90 s", "not by 10 s", "during", "75 %", "eu &lt;1&gt;", "10 tx/s"] {
        assert!(page.contains(text), "{text}");
    }
}
