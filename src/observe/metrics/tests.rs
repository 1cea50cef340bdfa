//! Metrics of hand-made histories, worked out by hand.

use super::*;
use crate::base::{AccountId, ClientId, Crypto, Hash, Keyring};
use crate::chain::{Block, Body, Transaction};
use crate::observe::check::Verdict;
use crate::observe::testing::{Feed, child, ms, node, payment};
use crate::observe::{Violation, ViolationKind};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn outcome(feed: Feed<Metrics>, end: u64) -> Outcome {
    feed.observer.outcome(ms(end), &Verdict::default())
}

#[track_caller]
fn expect(outcome: &Outcome, name: &str, expected: f64) {
    let value = outcome.summary.value(name).unwrap_or_else(|| panic!("{name} has a value"));
    assert!((value - expected).abs() < 1e-9 * expected.abs().max(1.0), "{name} is {value}, not {expected}");
}

fn load(feed: &mut Feed<Metrics>, at: u64, n: u32, busy: u64, sent: u64, inbox_max: u32) {
    let busy = Duration::from_millis(busy);
    let load = Observed::Load { node: node(n), busy, inbox_max, pending: 3, sent, received: 5, written: 6 };
    feed.notify(at, &load);
}

fn send(feed: &mut Feed<Metrics>, at: u64, kind: &'static str, bytes: u64, copies: u32) {
    feed.notify(at, &Observed::Sent { sending: 0, from: node(0), kind, bytes, copies });
}

fn note(feed: &mut Feed<Metrics>, n: u32, label: &'static str, value: u64) {
    feed.notify(9_900, &Observed::Noted { node: node(n), label, value });
}

/// Three honest nodes and a Byzantine one for ten seconds, the first of which is warm-up. Block 1 in the warm-up, block
/// 2 with a stale rival, block 3 not final, block 4 on no chain.
fn history() -> Outcome {
    let settings = MetricsSettings {
        honest: vec![true, true, true, false],
        warm_up: secs(1),
        interval: secs(1),
        offered: Some(0.5),
        mining_watts: Some(100.0),
        ..MetricsSettings::new(4, secs(10))
    };
    let mut feed = Feed::new(Metrics::new(settings));
    let p: Vec<Arc<Transaction>> = (0..6).map(payment).collect();
    let b1 = child(&Block::genesis(), 0, &p[..1]);
    let b2 = child(&b1, 1, &p[1..4]);
    let rival = child(&b1, 2, &p[2..3]);
    let b3 = child(&b2, 1, &[]);
    let b4 = child(&b3, 3, &[]);
    feed.boot(4);
    feed.submit(500, 0, &p[0]);
    send(&mut feed, 500, "vote", 10, 2);
    feed.hold(900, 0, &b1);
    load(&mut feed, 1_000, 0, 500, 20, 2);
    load(&mut feed, 1_000, 1, 0, 0, 0);
    feed.hold(1_000, 1, &b1);
    feed.hold(1_100, 2, &b1);
    (0..3).for_each(|n| feed.decide(1_200 + 100 * u64::from(n), n, &b1));
    feed.submit(2_000, 1, &p[1]);
    feed.submit(3_000, 2, &p[2]);
    feed.submit(3_000, 3, &p[3]);
    feed.submit(4_000, 0, &p[4]);
    feed.submit(4_000, 0, &p[5]);
    feed.notify(4_000, &Observed::Refused { node: node(0), transaction: &p[5], reason: "full" });
    feed.notify(4_500, &Observed::FaultBegan { fault: 1, label: "partition" });
    feed.hold(5_000, 1, &b2);
    feed.extend(5_000, 1, &b2);
    send(&mut feed, 5_000, "vote", 100, 3);
    feed.hold(5_050, 3, &b2);
    feed.hold(5_050, 2, &rival);
    feed.extend(5_050, 2, &rival);
    feed.hold(5_100, 0, &b2);
    feed.extend(5_100, 0, &b2);
    feed.hold(5_300, 2, &b2);
    feed.hold(5_350, 2, &b2);
    feed.rewind(5_400, 2, 2, 1, 1);
    feed.extend(5_400, 2, &b2);
    send(&mut feed, 6_000, "block", 50, 1);
    feed.notify(6_000, &Observed::Delivered { sending: 0, from: node(0), to: node(1), kind: "block", bytes: 50 });
    feed.notify(6_000, &Observed::Lost { sending: None, to: node(1), why: Loss::Down });
    feed.finalize(6_000, 1, &b2);
    feed.notify(6_100, &Observed::Answered { client: ClientId(1), transaction: p[1].id(), executed: true });
    feed.notify(6_200, &Observed::Answered { client: ClientId(1), transaction: p[1].id(), executed: true });
    feed.notify(6_300, &Observed::FaultEnded { fault: 1 });
    feed.finalize(6_500, 0, &b2);
    feed.finalize(7_000, 2, &b2);
    feed.hold(8_000, 1, &b3);
    feed.extend(8_000, 1, &b3);
    feed.hold(8_200, 0, &b3);
    feed.extend(8_200, 0, &b3);
    feed.hold(9_000, 3, &b4);
    feed.hold(9_500, 0, &b4);
    for (n, round) in [(0, 1), (0, 2), (1, 2), (2, 0), (2, 0), (2, 0), (3, 8)] {
        note(&mut feed, n, "round_failed", round);
    }
    [(0, 1), (0, 2), (1, 3), (0, 4)].into_iter().for_each(|(n, term)| note(&mut feed, n, "became_leader", term));
    [1_000_000, 3_000_000, 2_000_000].into_iter().for_each(|latency| note(&mut feed, 0, "read", latency));
    feed.notify(9_950, &Observed::Unmade);
    load(&mut feed, 10_000, 0, 5_000, 9_020, 7);
    load(&mut feed, 10_000, 1, 900, 0, 1);
    outcome(feed, 10_000)
}

#[test]
fn throughput_and_confirmation_times_are_those_worked_out_by_hand() {
    let outcome = history();
    for (name, expected) in [
        ("offered_load", 0.5),
        ("submitted", 5.0 / 9.0),
        ("throughput", 4.0 / 9.0),
        ("success_rate", 60.0),
        ("confirmation_p50", 4.0),
        ("confirmation_p90", 4.0),
        ("confirmation_max", 4.0),
        ("confirmation_mean", 11.0 / 3.0),
        ("inclusion_p50", 2.0),
        ("reply_p50", 4.1),
        ("read_p50", 0.002),
        ("read_p99", 0.003),
        ("no_effect", 0.0),
        ("rejected", 1.0),
        ("reorged", 1.0),
        ("reverted", 0.0),
        ("pending", 1.0),
        ("skipped_requests", 1.0),
    ] {
        expect(&outcome, name, expected);
    }
}

#[test]
fn metrics_of_chains_are_those_worked_out_by_hand() {
    let outcome = history();
    for (name, expected) in [
        ("safety_violations", 0.0),
        ("liveness_violations", 0.0),
        ("longest_gap", 4.8),
        ("outage", 4.0),
        ("catch_up", 0.7),
        ("blocks", 2.0),
        ("block_interval", 3.0),
        ("block_transactions", 1.5),
        ("fork_rate", 100.0 / 3.0),
        ("reorgs", 1.0),
        ("reorg_depth_max", 1.0),
        ("propagation_t50", 0.2),
        ("propagation_missing", 3.0),
        ("failed_rounds", 3.0),
        ("leader_changes", 1.0),
    ] {
        expect(&outcome, name, expected);
    }
}

#[test]
fn costs_and_fairness_are_those_worked_out_by_hand() {
    let outcome = history();
    for (name, expected) in [
        ("messages_per_transaction", 1.0),
        ("bytes_per_transaction", 87.5),
        ("messages_lost", 1.0),
        ("cpu_mean", 30.0),
        ("cpu_max", 50.0),
        ("inbox_max", 7.0),
        ("bandwidth_mean", 4_000.0),
        ("bandwidth_max", 8_000.0),
        ("fairness_gini", 7.0 / 12.0),
        ("fairness_deviation", 100.0 * (2.0 / 3.0 - 0.25)),
        ("byzantine_blocks", 0.0),
        ("energy_per_transaction", 225.0),
        ("mining_power", 100.0),
    ] {
        expect(&outcome, name, expected);
    }
}

#[test]
fn every_figure_has_a_name_of_its_own_and_a_definition() {
    let metrics = history().summary.metrics;
    for (at, metric) in metrics.iter().enumerate() {
        assert!(metrics[..at].iter().all(|other| other.def != metric.def), "{} twice", metric.def.name);
        assert!(metric.def.definition.len() > 10 && !metric.def.definition.contains('\n'), "{}", metric.def.name);
        assert!(metric.def.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        let of_a_phase = ["_before", "_during", "_after"].iter().any(|phase| metric.def.name.ends_with(phase));
        let has_reading = metric.value.is_some() || metric.not_reached > 0 || of_a_phase;
        assert!(has_reading, "the history gives {} a value", metric.def.name);
    }
}

#[test]
fn rows_show_what_became_of_each_transaction() {
    let rows = history().transactions;
    let times = |row: &TransactionRow| {
        [row.submitted, row.included, row.final_entry, row.final_first, row.final_everywhere]
            .map(|at| if at == Time::NEVER { 0 } else { at.as_nanos() / 1_000_000 })
    };
    assert_eq!(times(&rows[0]), [500, 1_200, 1_200, 1_200, 1_400]);
    assert_eq!(times(&rows[1]), [2_000, 5_000, 6_000, 6_000, 7_000]);
    assert_eq!(times(&rows[2]), [3_000, 5_000, 7_000, 6_000, 7_000]);
    assert_eq!(times(&rows[3]), [3_000, 5_000, 6_000, 6_000, 7_000]);
    assert_eq!(times(&rows[4]), [4_000, 0, 0, 0, 0]);
    let fates: Vec<TransactionStatus> = rows.iter().map(|row| row.status).collect();
    assert_eq!(
        fates,
        [[TransactionStatus::Executed; 4].as_slice(), &[TransactionStatus::Pending, TransactionStatus::Rejected]]
            .concat()
    );
    assert_eq!(rows[1].height, Some(Height(2)));
    assert_eq!((rows[2].reorged, rows[3].reorged), (true, false));
    assert_eq!((rows[0].bytes, rows[0].fee, rows[0].client), (200, 2, ClientId(0)));
    assert_eq!(rows[0].id.to_string(), payment(0).id().hex()[..16]);
    assert!(size_of::<TransactionRow>() <= 112, "{}", size_of::<TransactionRow>());
}

#[test]
fn rows_show_where_each_block_ended() {
    let outcome = history();
    let facts: Vec<_> = outcome.blocks.iter().map(|row| (row.height.0, row.status, row.honest_holders)).collect();
    let expected = [
        (1, BlockStatus::Canonical, 3),
        (2, BlockStatus::Canonical, 3),
        (2, BlockStatus::Stale, 1),
        (3, BlockStatus::Canonical, 2),
        (4, BlockStatus::Undecided, 1),
    ];
    assert_eq!(facts, expected);
    let b2 = &outcome.blocks[1];
    assert_eq!([b2.t50, b2.t90, b2.t99], [100, 300, 300].map(Duration::from_millis));
    assert_eq!((b2.created, b2.final_first, b2.final_everywhere), (ms(5_000), ms(6_000), ms(7_000)));
    assert_eq!((b2.transactions, b2.proposer, b2.parent), (3, node(1), outcome.blocks[0].id));
    assert_eq!(outcome.blocks[3].t90, Duration::MAX);
    assert_eq!(outcome.reorgs, [ReorgRow { depth: 1, count: 1 }]);
}

#[test]
fn rows_show_what_happened_in_each_interval() {
    let outcome = history();
    let column = |of: fn(&IntervalRow) -> u64| outcome.intervals.iter().map(of).collect::<Vec<_>>();
    assert_eq!(column(|row| row.submitted), [1, 0, 1, 2, 2, 0, 0, 0, 0, 0]);
    assert_eq!(column(|row| row.confirmed), [0, 1, 0, 0, 0, 0, 3, 0, 0, 0]);
    assert_eq!(column(|row| row.unconfirmed), [1, 0, 1, 3, 5, 5, 2, 2, 2, 2]);
    assert_eq!(column(|row| row.blocks), [1, 0, 0, 0, 0, 2, 0, 0, 1, 1]);
    let happened = |of: fn(&IntervalRow) -> u64| (0..10).filter(|&at| column(of)[at] > 0).collect::<Vec<_>>();
    let feed = (happened(|row| row.reorgs), happened(|row| row.reorg_max));
    assert_eq!((feed, column(|row| row.reorgs).iter().sum::<u64>()), ((vec![5], vec![5]), 1));
    assert_eq!((happened(|row| row.failed_rounds), happened(|row| row.leader_changes)), (vec![9], vec![5]));
    assert_eq!(column(|row| row.messages), [2, 0, 0, 0, 0, 3, 1, 0, 0, 0]);
    assert_eq!(column(|row| row.sent_bytes), [20, 0, 0, 0, 0, 300, 50, 0, 0, 0]);
    assert_eq!(column(|row| row.finalized_min.0), [0, 1, 1, 1, 1, 1, 1, 2, 2, 2]);
    assert_eq!(column(|row| row.finalized_max.0), [0, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
    assert_eq!(column(|row| row.inbox_max.into()), [2, 0, 0, 0, 0, 0, 0, 0, 0, 7]);
    assert_eq!(column(|row| row.start.as_nanos() / 1_000_000_000), (0..10).collect::<Vec<_>>());
    assert_eq!(outcome.intervals[9].end, ms(10_000));
    let medians: Vec<_> = outcome.intervals.iter().filter_map(|row| row.confirmation_p50_s).collect();
    assert_eq!(medians, [0.7, 3.0, 4.0], "the transactions final at home in intervals 1, 6 and 7");
    let cpu = &outcome.intervals[0];
    assert_eq!((cpu.cpu_mean, cpu.cpu_max), (Some(0.25), Some(0.5)));
    assert_eq!(outcome.intervals[1].cpu_mean, None);
}

#[test]
fn rows_show_nodes_messages_notes_faults_and_distributions() {
    let outcome = history();
    let vote = &outcome.messages[0];
    assert_eq!((vote.kind, vote.sent, vote.sent_bytes, vote.delivered), ("vote", 5, 320, 0));
    let block = &outcome.messages[1];
    assert_eq!((block.kind, block.sent, block.delivered, block.delivered_bytes), ("block", 1, 1, 50));
    let n0 = &outcome.nodes[0];
    assert_eq!((n0.sent_bytes, n0.received_bytes, n0.written_bytes, n0.busy), (9_020, 5, 6, secs(5)));
    assert_eq!((n0.height, n0.finalized, n0.honest, n0.cpu), (Height(3), Height(2), true, 0.5));
    let n2 = &outcome.nodes[2];
    assert_eq!((n2.reorgs, n2.reorg_max, n2.blocks_canonical, n2.blocks_stale), (1, 1, 0, 1));
    assert_eq!(outcome.notes[0].label, "round_failed");
    assert_eq!((outcome.notes[0].count, outcome.notes[0].max), (6, 2), "Byzantine notes do not count");
    let fault = &outcome.faults[0];
    assert_eq!((fault.start, fault.end, fault.label.as_str()), (ms(4_500), ms(6_300), "partition"));
    assert_eq!((outcome.refusals[0].reason, outcome.refusals[0].count), ("full", 1));
    let confirmation: Vec<_> = outcome.confirmation.iter().map(|point| (point.at, point.share)).collect();
    assert_eq!(confirmation, [(3.0, 1.0 / 3.0), (4.0, 2.0 / 3.0), (4.0, 1.0)]);
    // Created within the window: blocks 2 (three holders), its rival (1), 3 (2) and 4 (1), of 12 pairs.
    let last = outcome.propagation.last().unwrap();
    assert!((last.share - 7.0 / 12.0).abs() < 1e-12 && (last.at - 0.5).abs() < 0.5 / 128.0, "{last:?}");
    assert_eq!(outcome.propagation[0], CdfPoint { at: 0.0, share: 3.0 / 12.0 });
}

#[test]
fn rows_are_written_as_seconds_and_gaps_as_nothing() {
    let json = serde_json::to_value(history()).unwrap();
    let row = &json["transactions"][4];
    assert_eq!(row["submitted_s"], 4.0);
    assert!(row["final_entry_s"].is_null() && row["height"].is_null());
    assert_eq!(row["status"], "pending");
    assert_eq!(json["blocks"][3]["t50_s"], 0.2);
    assert!(json["blocks"][3]["t90_s"].is_null());
    assert_eq!(json["summary"][2]["name"], "throughput");
    let mut table = csv::Writer::from_writer(Vec::new());
    history().transactions.iter().for_each(|row| table.serialize(row).unwrap());
    let text = String::from_utf8(table.into_inner().unwrap()).unwrap();
    let mut lines = text.lines();
    let head = "id,client,node,submitted_s,taken_s,included_s,final_entry_s,final_first_s,final_everywhere_s,\
                replied_s,height,bytes,fee,status,reorged,retransmissions";
    assert_eq!(lines.next(), Some(head));
    assert!(lines.nth(4).unwrap().ends_with(",0,0,4.0,4.0,,,,,,,200,2,pending,false,0"), "{text}");
}

#[test]
fn a_transaction_cut_off_for_good_is_lost_and_one_mined_again_is_not() {
    let mut feed = Feed::new(Metrics::new(MetricsSettings::new(2, secs(10))));
    let p: Vec<Arc<Transaction>> = (0..2).map(payment).collect();
    let fork = child(&Block::genesis(), 0, &p);
    let (one, two) = (child(&Block::genesis(), 1, &p[1..]), child(&Block::genesis(), 1, &[]));
    feed.boot(2);
    p.iter().for_each(|payment| feed.submit(0, 0, payment));
    feed.extend(10, 0, &fork);
    feed.rewind(20, 0, 1, 0, 0);
    (0..2).for_each(|n| feed.extend(30, n, &one));
    feed.hold(40, 1, &two);
    let outcome = outcome(feed, 10_000);
    assert_eq!(
        [outcome.transactions[0].status, outcome.transactions[1].status],
        [TransactionStatus::Reverted, TransactionStatus::Pending]
    );
    expect(&outcome, "reverted", 1.0);
    expect(&outcome, "reorged", 2.0);
    expect(&outcome, "longest_gap", 10.0);
}

#[test]
fn a_final_transaction_whose_block_does_not_stay_is_lost_unless_another_block_has_it() {
    let mut feed = Feed::new(Metrics::new(MetricsSettings::new(3, secs(10))));
    let p: Vec<Arc<Transaction>> = (0..2).map(payment).collect();
    let short = child(&Block::genesis(), 0, &p);
    let long = child(&Block::genesis(), 1, &p[1..]);
    feed.boot(3);
    p.iter().for_each(|payment| feed.submit(0, 0, payment));
    feed.decide(100, 0, &short);
    (1..3).for_each(|n| feed.decide(200, n, &long));
    let outcome = outcome(feed, 10_000);
    assert_eq!(
        [outcome.transactions[0].status, outcome.transactions[1].status],
        [TransactionStatus::Reverted, TransactionStatus::Executed]
    );
    expect(&outcome, "reverted", 1.0);
    expect(&outcome, "throughput", 0.1);
}

#[test]
fn a_snapshot_makes_final_at_home_what_it_skips() {
    let mut feed = Feed::new(Metrics::new(MetricsSettings::new(2, secs(10))));
    let p: Vec<Arc<Transaction>> = (0..2).map(payment).collect();
    let b1 = child(&Block::genesis(), 0, &p[..1]);
    let b2 = child(&b1, 0, &p[1..]);
    feed.boot(2);
    p.iter().for_each(|payment| feed.submit(0, 1, payment));
    feed.decide(100, 0, &b1);
    feed.decide(200, 0, &b2);
    feed.install(900, 1, &b2);
    let outcome = outcome(feed, 10_000);
    assert_eq!(outcome.transactions.iter().map(|row| row.final_entry).collect::<Vec<_>>(), [ms(900), ms(900)]);
    assert_eq!(outcome.transactions[0].final_everywhere, ms(900));
    assert_eq!((outcome.nodes[1].height, outcome.nodes[1].finalized), (Height(2), Height(2)));
}

#[test]
fn an_effect_that_comes_late_counts_where_it_came() {
    let mut feed = Feed::new(Metrics::new(MetricsSettings::new(1, secs(10))));
    let once = [payment(0)];
    let b1 = child(&Block::genesis(), 0, &once);
    let b2 = child(&b1, 0, &once);
    let b3 = child(&b2, 0, &once);
    feed.boot(1);
    feed.submit(0, 0, &once[0]);
    feed.submit(50, 0, &once[0]);
    for (at, block, executed) in [(100, &b1, false), (200, &b2, true), (300, &b3, false)] {
        let root = Hash::ZERO;
        feed.notify(at, &Observed::Extended { node: node(0), block, executed: &[executed], root });
        feed.notify(at, &Observed::Finalized { node: node(0), block, executed: &[executed], root });
    }
    let row = &outcome(feed, 10_000).transactions[0];
    assert_eq!((row.status, row.height, row.final_entry), (TransactionStatus::Executed, Some(Height(2)), ms(200)));
    assert_eq!(row.retransmissions, 1);
}

#[test]
fn a_node_that_comes_back_stands_on_its_durable_chain() {
    let mut feed = Feed::new(Metrics::new(MetricsSettings::new(3, secs(10))));
    let b1 = child(&Block::genesis(), 0, &[]);
    let (b2, rival) = (child(&b1, 0, &[]), child(&b1, 1, &[]));
    feed.boot(3);
    (0..3).for_each(|n| feed.decide(10, n, &b1));
    (0..2).for_each(|n| feed.extend(20, n, &b2));
    feed.extend(20, 2, &rival);
    feed.crash(30, 0);
    feed.crash(30, 1);
    (0..2).for_each(|n| feed.reboot(40, n, 1, &b1));
    let outcome = outcome(feed, 10_000);
    let standings: Vec<_> = outcome.blocks.iter().map(|row| row.status).collect();
    assert_eq!(standings, [BlockStatus::Canonical, BlockStatus::Stale, BlockStatus::Canonical]);
    assert_eq!(outcome.nodes.iter().map(|row| row.crashes).collect::<Vec<_>>(), [1, 1, 0]);
}

#[test]
fn what_follows_a_nonce_without_effect_is_blocked_by_a_gap() {
    let keys = Keyring::new(Crypto::Symbolic, 1, "account", 4);
    let pay = |sender, nonce, fee| {
        let body = Body::Transfer { to: AccountId(0), amount: 1 };
        Transaction::signed(&keys, AccountId(sender), nonce, fee, body, 200)
    };
    let mut feed = Feed::new(Metrics::new(MetricsSettings::new(1, secs(10))));
    feed.boot(1);
    // Of sender 1 nonce 1 is missing; sender 2 has used nonce 1 in a second payment and waits with nonce 2 alone.
    let waiting = [pay(1, 1, 1), pay(1, 2, 1), pay(1, 3, 1), pay(2, 1, 1), pay(2, 2, 1)];
    let done = [pay(1, 0, 1), pay(2, 0, 1), pay(2, 1, 2)];
    waiting.iter().chain(&done).for_each(|payment| feed.submit(0, 0, payment));
    let block = child(&Block::genesis(), 0, &done);
    feed.hold(10, 0, &block);
    feed.decide(20, 0, &block);
    expect(&outcome(feed, 10_000), "blocked_by_gap", 2.0);
}

#[test]
fn a_run_without_anything_has_metrics_without_values() {
    let outcome = outcome(Feed::new(Metrics::new(MetricsSettings::new(3, secs(10)))), 0);
    for name in ["throughput", "confirmation_p50", "fork_rate", "fairness_gini", "cpu_mean", "propagation_t50"] {
        assert_eq!(outcome.summary.value(name), None, "{name}");
    }
    expect(&outcome, "longest_gap", 0.0);
    assert_eq!(outcome.intervals.len(), 1);
}

#[test]
fn a_run_that_ends_with_an_interval_has_no_empty_one_after_it() {
    let settings = MetricsSettings { interval: secs(5), ..MetricsSettings::new(1, secs(10)) };
    let mut feed = Feed::new(Metrics::new(settings));
    feed.boot(1);
    send(&mut feed, 9_999, "vote", 10, 1);
    send(&mut feed, 10_000, "vote", 10, 1);
    feed.hold(10_000, 0, &child(&Block::genesis(), 0, &[]));
    let outcome = outcome(feed, 10_000);
    let rows: Vec<_> = outcome.intervals.iter().map(|row| (row.end, row.messages, row.blocks)).collect();
    assert_eq!(rows, [(ms(5_000), 0, 0), (ms(10_000), 2, 1)]);
}

#[test]
fn violations_are_counted_by_kind_and_kept() {
    let mut verdict = Verdict::default();
    let what = "x".to_owned();
    verdict.violations.push(Violation { property: "agreement", kind: ViolationKind::Safety, at: ms(7), what });
    verdict.counts = vec![("agreement", ViolationKind::Safety, 4), ("progress", ViolationKind::Liveness, 1)];
    let outcome = Metrics::new(MetricsSettings::new(1, secs(1))).outcome(ms(1_000), &verdict);
    expect(&outcome, "safety_violations", 4.0);
    expect(&outcome, "liveness_violations", 1.0);
    assert_eq!((outcome.violations[0].property, outcome.violations[0].kind), ("agreement", "safety"));
}

#[test]
fn messages_of_one_name_are_one_kind_wherever_the_name_lies_in_memory() {
    let mut counters = MessageCounters::default();
    let copy: &'static str = Box::leak("vote".to_owned().into_boxed_str());
    counters.sent("vote", 2, 10);
    counters.sent(copy, 1, 7);
    counters.sent("votes", 1, 1);
    assert_eq!(
        counters.rows().iter().map(|row| (row.kind, row.sent_bytes)).collect::<Vec<_>>(),
        [("vote", 27), ("votes", 1)]
    );
    assert_eq!(counters.total(), Traffic { messages: 4, bytes: 28 });
}

/// A run that has every metric: a read, a fault, a Byzantine node and mining.
fn full() -> Outcome {
    let mut feed = Feed::new(Metrics::new(MetricsSettings {
        honest: vec![true, true, false],
        mining_watts: Some(100.0),
        ..MetricsSettings::new(3, secs(10))
    }));
    note(&mut feed, 0, note::READ, 5);
    feed.notify(9_950, &Observed::FaultBegan { fault: 0, label: "a fault" });
    outcome(feed, 10_000)
}

#[test]
fn every_definition_is_a_metric_of_some_run_and_runs_have_them_in_order() {
    let defined: Vec<&str> = definitions().map(|def| def.name).collect();
    let distinct: BTreeSet<&str> = defined.iter().copied().collect();
    assert_eq!(distinct.len(), defined.len(), "names are unique");
    let names = |outcome: &Outcome| outcome.summary.metrics.iter().map(|metric| metric.def.name).collect::<Vec<_>>();
    assert_eq!(names(&full()), defined);
    let bare = names(&outcome(Feed::new(Metrics::new(MetricsSettings::new(1, secs(1)))), 0));
    let optional = |name: &&str| {
        let of_faults = definitions().any(|def| def.name == *name && def.group == Group::Faults);
        of_faults
            || ["read_p50", "read_p99", "byzantine_blocks", "energy_per_transaction", "mining_power"].contains(name)
    };
    let expected: Vec<&str> = defined.iter().copied().filter(|name| !optional(name)).collect();
    assert_eq!(bare, expected);
}

#[test]
fn positions_of_headlines_count_from_one_in_each_group() {
    for group in Group::ALL {
        let mut positions: Vec<u8> =
            definitions().filter(|def| def.group == group).filter_map(|def| def.headline).collect();
        positions.sort_unstable();
        assert_eq!(positions, (1..=positions.len() as u8).collect::<Vec<_>>(), "{group:?}");
        assert!(!positions.is_empty(), "{group:?}");
    }
}

#[test]
fn a_node_that_restarts_and_notes_a_stale_view_changes_no_leader() {
    let feed = |restarts: bool| {
        let mut feed = Feed::new(Metrics::new(MetricsSettings::new(4, secs(10))));
        let b1 = child(&Block::genesis(), 0, &[]);
        let b2 = child(&b1, 1, &[]);
        let b3 = child(&b2, 1, &[]);
        feed.boot(4);
        feed.notify(0, &Observed::Noted { node: node(0), label: note::LEADING, value: 0 });
        feed.decide(100, 1, &b1);
        feed.crash(200, 0);
        feed.notify(300, &Observed::Noted { node: node(1), label: note::LEADING, value: 1 });
        feed.decide(400, 1, &b2);
        if restarts {
            feed.reboot(500, 0, 1, &b1);
            feed.notify(500, &Observed::Noted { node: node(0), label: note::LEADING, value: 0 });
        }
        feed.decide(600, 1, &b3);
        outcome(feed, 10_000)
    };
    for restarts in [false, true] {
        expect(&feed(restarts), "leader_changes", 1.0);
    }
}

#[test]
fn percentiles_of_propagation_are_of_one_population_and_ascend() {
    let mut feed = Feed::new(Metrics::new(MetricsSettings::new(10, secs(10))));
    feed.boot(10);
    let mut below = Block::genesis();
    for number in 0..5u64 {
        let block = child(&below, 0, &[]);
        // Three of five blocks are slow and do not reach the last node; two are fast and reach all.
        let (step, nodes) = if number < 3 { (100, 9) } else { (1, 10) };
        (0..nodes).for_each(|n| feed.hold(1_000 * number + step * n, n as u32, &block));
        below = block;
    }
    let outcome = outcome(feed, 10_000);
    expect(&outcome, "propagation_t50", 0.4);
    expect(&outcome, "propagation_t90", 0.8);
    let last = outcome.summary.get("propagation_t99").unwrap();
    assert_eq!((last.value, last.not_reached, last.until), (None, 1, Some(10.0)), "most never reached all");
    expect(&outcome, "propagation_missing", 3.0);
}
