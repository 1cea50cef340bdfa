//! One test per property in the paper, on a stage without engine. The tests of `stories` deliver messages one by one.

mod durability;
mod elections;
mod membership;
mod parts;
mod replication;
mod snapshots;
mod stories;

use super::position::Term;
use super::{Config, Message, Raft, Timer};
use crate::base::{Duration, Hash, Time};
use crate::chain::Transaction;
use crate::protocol::testing::TestCluster;
use std::sync::Arc;

type Stage = TestCluster<Raft>;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Figure 2 alone: no pre-vote, no lease, no check-quorum.
fn figure_2() -> Config {
    Config { pre_vote: false, check_quorum: false, ..Config::default() }
}

/// Makes `node` campaign now and lets everything due within 10 ms happen.
fn campaign(stage: &mut Stage, node: usize) {
    stage.fire(node, Timer::Election);
    stage.run(ms(10));
}

/// A stage of `n` nodes that `node` leads, with its no-op committed everywhere.
fn led_by(node: usize, n: usize, config: Config) -> Stage {
    let mut stage = TestCluster::new(n, config);
    campaign(&mut stage, node);
    assert!(stage.node(node).is_leader());
    stage.run(ms(150));
    assert!((0..n).all(|node| stage.node(node).commit() == 1));
    stage
}

/// The leaders among `nodes`.
fn leaders(stage: &Stage, nodes: &[usize]) -> Vec<usize> {
    nodes.iter().copied().filter(|node| stage.node(*node).is_leader()).collect()
}

/// Whether all of `nodes` have these transactions final.
fn all_final(stage: &Stage, nodes: &[usize], transactions: &[Hash]) -> bool {
    nodes.iter().all(|node| {
        let known = stage.final_transactions(*node);
        transactions.iter().all(|id| known.contains(id))
    })
}

fn submit(stage: &mut Stage, from: u32, nonce: u64) -> Arc<Transaction> {
    let transaction = stage.transaction(from, nonce);
    stage.submit_to_all(&transaction);
    transaction
}

/// The terms of a node's log, from its base.
fn terms(stage: &Stage, node: usize) -> Vec<u64> {
    let log = stage.node(node).log();
    (log.base() + 1..=log.last_index()).map(|index| log.term_at(index).unwrap_or_default().0).collect()
}

fn noted(stage: &Stage, node: usize, label: &str) -> Vec<u64> {
    stage.notes(node).iter().filter(|(known, _)| *known == label).map(|(_, value)| *value).collect()
}
