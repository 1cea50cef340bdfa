//! What the estimate counts is there in the run, and what it takes at least is in the constants. How much an allocator
//! makes of it is measured and not tested.

use super::{BLOCK, Estimate, PENDING, TRANSACTION, estimate};
use crate::chain::Transaction;
use crate::observe::metrics::{BlockRow, TransactionRow};
use crate::scenario::build::{Built, build};
use crate::scenario::{Catalogue, Scenario};

const BASE: &str = r#"
name = "small"
duration = "20s"
crypto = "symbolic"
output = { charts = false }
[[chain]]
protocol = "raft"
nodes = { count = 4 }
network = { latency = { constant = { delay = "40ms" } } }
[workload.payments]
rate = 50
"#;

fn scenario(changes: &[&str]) -> Scenario {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    Scenario::load(&Catalogue::standard(), "small", BASE, &changes)
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
        .scenario
}

/// The number before a word.
fn counted(estimate: &Estimate, what: &str) -> f64 {
    let part = estimate.parts.iter().find(|part| part.what.ends_with(what)).expect(what);
    part.what.split(' ').next().unwrap().parse().unwrap()
}

fn bytes(estimate: &Estimate, what: &str) -> u64 {
    estimate.parts.iter().find(|part| part.what.contains(what)).map_or(0, |part| part.bytes)
}

#[test]
fn transactions_blocks_and_intervals_are_as_many_as_the_run_has() {
    for changes in [
        &[][..],
        &["chain.protocol=pbft", "workload.payments.rate=20"],
        &["chain.protocol={nakamoto={spacing=\"1s\"}}", "chain.network.gossip=inventory", "duration=60s"],
        &["chain.protocol={raft={in_flight=1}}", "workload.payments.rate=200", "chain.nodes.count=7"],
        &["workload.payments.until=5s", "workload.payments.rate=100"],
        &["stop.final_transactions=400", "duration=1h", "workload.payments.rate=20"],
        &["fault=[{at=\"5s\", until=\"15s\", load={factor=5.0}}]"],
    ] {
        let scenario = scenario(changes);
        let estimate = estimate(&scenario);
        let read = |_: &str| Err(String::new());
        let Built { mut simulation, mut watchers, .. } = build(&Catalogue::standard(), &scenario, 1, &read).unwrap();
        while simulation.advance(1_000) {}
        simulation.chains[0].finish();
        let end = simulation.chains[0].end();
        drop(simulation);
        let watchers = watchers.remove(0);
        let outcome = watchers.metrics.into_inner().outcome(end, watchers.checks.into_inner().verdict());
        for (what, found) in [
            (" transactions", outcome.transactions.len()),
            (" blocks", outcome.blocks.len()),
            (" intervals", outcome.intervals.len()),
        ] {
            let (counted, found) = (counted(&estimate, what), found as f64);
            assert!(
                counted <= 2.0 * found + 20.0 && found <= 2.0 * counted + 20.0,
                "{changes:?}: {counted}{what}, {found}"
            );
        }
    }
}

#[test]
fn no_constant_is_below_the_size_of_what_it_stands_for() {
    let transaction = size_of::<Transaction>() + size_of::<TransactionRow>();
    assert!(TRANSACTION > transaction as u64 && TRANSACTION < 8 * transaction as u64, "{transaction}");
    assert!(BLOCK > size_of::<BlockRow>() as u64, "{}", size_of::<BlockRow>());
    const { assert!(PENDING > 32 + 16 + 8, "a name, a rank and a pointer") };
}

#[test]
fn floods_and_what_blocks_cannot_hold_are_counted() {
    let flood = "fault=[{at=\"1s\", until=\"11s\", flood={nodes=[0, 1], rate=1000.0, payload = \"transactions\"}}]";
    let flooded = estimate(&scenario(&[flood]));
    assert_eq!(counted(&flooded, " payments of floods") as u64, 20_000);
    assert!(bytes(&flooded, "payments of floods") > 20_000 * 300);
    // Ten seconds at two nodes, a tenth of which their cores can check.
    let forged = flood.replace("transactions", "messages").replace("1000.0", "1000000.0");
    assert!(bytes(&estimate(&scenario(&[&forged])), "forged messages") > 15_000_000 * 32);
    assert_eq!(bytes(&estimate(&scenario(&[&forged.replace("1000000.0", "1000.0")])), "forged messages"), 0);
    // Four mempools with nine tenths of what was asked for.
    let slow = ["chain.protocol={raft={in_flight=1, batch_transactions=1}}", "workload.payments.rate=200"];
    assert!(bytes(&estimate(&scenario(&slow)), "mempools") > 4 * 3_000 * PENDING);
    // No mempool holds more than it may.
    let small = [slow[0], slow[1], "chain.nodes.mempool.transactions=100"];
    assert_eq!(bytes(&estimate(&scenario(&small)), "mempools"), 4 * 100 * PENDING);
}
