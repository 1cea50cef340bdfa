//! Asked for twice what they carry, protocols go on at their capacity, and drain when the load is over: the scenarios of
//! `scenarios/overload`, shortened. Over thin lines they send no more than over wide ones.

use ledgerlab::Catalogue;
use ledgerlab::base::{Duration, Time};
use ledgerlab::observe::metrics::{Metrics, MetricsSettings, Outcome, TransactionRow};
use ledgerlab::scenario::Scenario;
use ledgerlab::scenario::build::build;
use std::fs;

/// One protocol under a shortened overload.
struct Row {
    /// Its scenario in `scenarios/overload`.
    scenario: &'static str,
    /// Transactions per second, as the head of that file works it out.
    capacity: f64,
    /// How long it takes from one block to the next, in seconds: times before the first one and after the last say nothing.
    interval: u64,
    /// How long the load lasts, in seconds: several intervals.
    overload: u64,
}

const ROWS: &[Row] = &[
    Row { scenario: "aura", capacity: 100.0, interval: 5, overload: 40 },
    Row { scenario: "clique", capacity: 100.0, interval: 5, overload: 40 },
    Row { scenario: "hotstuff", capacity: 100.0, interval: 1, overload: 20 },
    Row { scenario: "threshold", capacity: 100.0, interval: 1, overload: 20 },
    Row { scenario: "vote", capacity: 100.0, interval: 1, overload: 20 },
    Row { scenario: "pbft", capacity: 100.0, interval: 1, overload: 20 },
    Row { scenario: "raft", capacity: 100.0, interval: 1, overload: 20 },
    Row { scenario: "ripple", capacity: 80.0, interval: 5, overload: 40 },
    Row { scenario: "scp", capacity: 100.0, interval: 5, overload: 40 },
    Row { scenario: "qbft", capacity: 100.0, interval: 1, overload: 20 },
    Row { scenario: "tendermint", capacity: 100.0, interval: 1, overload: 20 },
];

/// Every transaction that was submitted, after the overload and six fifths of its time.
fn transactions(row: &Row) -> Vec<TransactionRow> {
    let path = format!("{}/scenarios/overload/{}.toml", env!("CARGO_MANIFEST_DIR"), row.scenario);
    let text = fs::read_to_string(&path).expect("a text");
    let end = row.overload + row.overload * 6 / 5 + 6 * row.interval;
    let changes = [
        format!("workload.payments.until=\"{}s\"", row.overload),
        format!("duration=\"{end}s\""),
        "warm_up=\"0s\"".to_owned(),
    ];
    let loaded = Scenario::load(&Catalogue::standard(), row.scenario, &text, &changes)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    run(&loaded.scenario).transactions
}

/// Runs a scenario in which nothing may be broken.
fn run(scenario: &Scenario) -> Outcome {
    let mut built = build(&Catalogue::standard(), scenario, 1, &|path| Err(format!("no {path}"))).expect("a world");
    while built.simulation.advance(1_000_000) {}
    let chain = &mut built.simulation.chains[0];
    chain.finish();
    let end = chain.end();
    let verdict = built.watchers[0].checks.look(|suite| suite.verdict().clone());
    let blank = Metrics::new(MetricsSettings::new(1, Duration::from_secs(1)));
    let metrics = built.watchers[0].metrics.look(|metrics| std::mem::replace(metrics, blank));
    assert!(verdict.is_clean(), "{}: {:?}", scenario.name, verdict.violations);
    metrics.outcome(end, &verdict)
}

#[test]
fn asked_for_twice_its_capacity_a_chain_goes_on_at_capacity_and_drains() {
    for row in ROWS {
        let all = transactions(row);
        let end = Time::ZERO + Duration::from_secs(row.overload);
        // From one block to another, so that no part of an interval counts.
        let mut times: Vec<Time> =
            all.iter().map(|transaction| transaction.final_first).filter(|time| *time <= end).collect();
        times.sort_unstable();
        let (Some(first), Some(last)) = (times.first().copied(), times.last().copied()) else {
            panic!("{}: nothing became final under load", row.scenario)
        };
        let later = times.iter().filter(|time| **time > first).count() as f64;
        let rate = later / (last.since(first).as_nanos() as f64 / 1e9);
        assert!((0.9 * row.capacity..2.1 * row.capacity).contains(&rate), "{}: {rate:.1} tx/s", row.scenario);
        let waiting = all.iter().filter(|transaction| transaction.final_entry == Time::NEVER).count();
        assert_eq!(waiting, 0, "{}: of {} some wait for ever", row.scenario, all.len());
    }
}

/// What protocols may set so that timers of theirs, which are no retransmissions, do not run out over a thin line.
const THIN: &[(&str, &str)] = &[
    ("pbft", "{}"),
    ("hotstuff", "{}"),
    ("qbft", "{}"),
    ("tendermint", "{}"),
    ("raft", "{}"),
    // Each second without a candidate another leader nominates a set of its own; the first set shows how long sets take.
    ("scp", r#"{ nomination_timeout = "10s", ballot_timeout = "10s", fetch = "6s" }"#),
    ("ripple", "{}"),
    ("vote", "{}"),
];

/// The bytes that all nodes send for a load of 40 payments of 250 B per second over lines of so many Mbit/s, of which
/// nothing is lost; and how many payments are final.
fn sent(protocol: &str, settings: &str, line: u32) -> (u64, usize) {
    let text = format!(
        r#"
        name = "thin-lines"
        seed = 1
        crypto = "symbolic"
        duration = "60s"
        [[chain]]
        protocol.{protocol} = {settings}
        ledger = "account"
        nodes = {{ count = 4, upload = "{line} Mbit/s", download = "{line} Mbit/s" }}
        network.latency.constant = {{ delay = "40 ms" }}
        [workload.payments]
        rate = 40
        bytes = "250 B"
        until = "40s"
        retry = "never"
        "#
    );
    let outcome = run(&Scenario::load(&Catalogue::standard(), protocol, &text, &[])
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
        .scenario);
    let bytes = outcome.messages.iter().map(|row| row.sent_bytes).sum();
    (bytes, outcome.transactions.iter().filter(|row| row.final_first < Time::NEVER).count())
}

#[test]
fn retransmissions_do_not_fill_the_line_that_they_wait_for() {
    for (protocol, settings) in THIN {
        let ((wide, all), (thin, done)) = (sent(protocol, settings, 1_000), sent(protocol, settings, 1));
        assert_eq!(done, all, "{protocol}: the same work");
        let ratio = thin as f64 / wide as f64;
        assert!(ratio <= 1.2, "{protocol}: {wide} B, over 1 Mbit/s {thin} B, {ratio:.2} times as much");
    }
}
