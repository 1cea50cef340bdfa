//! One test per sentence of the paper that matters. See the digest of the protocol for the list.

use super::certificate::{Checker, Votes};
use super::view_change::Choice;
use super::*;
use crate::base::{Crypto, Digest, Keyring, Time, Wire};
use crate::chain::{Body, Transaction};
use crate::protocol::Message as _;
use crate::protocol::rehearsal::Rehearsal;
use proptest::prelude::*;

type Stage = Rehearsal<Pbft>;

const SECOND: Duration = Duration::from_secs(1);

fn stage(n: usize) -> Stage {
    Rehearsal::new(n, Config::default())
}

/// Checkpoints every 4, watermarks 8 apart.
fn short() -> Config {
    Config { checkpoint_interval: 4, log_window: 8, ..Config::default() }
}

fn final_count(stage: &Stage, node: usize) -> usize {
    stage.final_transactions(node).len()
}

/// Submits requests one after the other, each to all, and runs `span` after each.
fn submit(stage: &mut Stage, nonces: std::ops::Range<u64>, span: Duration) {
    for nonce in nonces {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
        stage.run(span);
    }
}

fn assert_agreed(stage: &Stage, nodes: &[usize], transactions: usize) {
    assert_eq!(stage.disagreement(nodes), None);
    for &node in nodes {
        let mut known = stage.final_transactions(node);
        assert_eq!(known.len(), transactions, "replica {node}");
        known.sort();
        known.dedup();
        assert_eq!(known.len(), transactions, "replica {node} executed something twice");
    }
}

#[test]
fn a_batch_takes_the_messages_of_the_paper_and_commits_after_exactly_three_delays() {
    for n in [4u64, 7, 16] {
        let mut stage = stage(n as usize);
        let transaction = stage.transaction(0, 0);
        stage.submit_to_all(&transaction);
        let delay = Duration::from_millis(1);
        stage.run_until(Time::ZERO + Duration::from_nanos(delay.as_nanos() * 3 - 1));
        assert!((0..n as usize).all(|node| final_count(&stage, node) == 0), "nobody is faster than three delays");
        stage.run_until(Time::ZERO + delay * 3);
        assert_agreed(&stage, &(0..n as usize).collect::<Vec<_>>(), 1);
        stage.run(SECOND / 2);
        let counts: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
        let expected = vec![("commit", n * (n - 1)), ("pre-prepare", n - 1), ("prepare", (n - 1) * (n - 1))];
        assert_eq!(counts, expected);
    }
}
