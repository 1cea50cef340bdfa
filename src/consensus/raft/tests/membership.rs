//! Changing who votes (paper, section 6; thesis, chapter 4).

use super::*;
use crate::base::NodeId;
use crate::consensus::raft::log::Payload;
use crate::consensus::raft::{Change, Method, notes};
use std::collections::BTreeSet;

fn nodes(list: &[u32]) -> BTreeSet<NodeId> {
    list.iter().copied().map(NodeId).collect()
}

fn plan(method: Method) -> Config {
    Config {
        voters: vec![0, 1, 2],
        membership: vec![Change { at: ms(1_000), add: vec![3, 4, 5], remove: vec![0, 1] }],
        method,
        ..Config::default()
    }
}

/// The configurations in the log of `node`, as (joint, voters, learners).
fn configurations(stage: &Stage, node: usize) -> Vec<(bool, usize, usize)> {
    let log = stage.node(node).log();
    let payloads = (1..=log.last_index()).filter_map(|index| log.get(index)).map(|entry| &entry.payload);
    payloads
        .filter_map(|payload| match payload {
            Payload::Membership(m) => Some((m.is_joint(), m.voters().len(), m.learners().len())),
            Payload::Noop | Payload::Batch(_) => None,
        })
        .collect()
}

#[test]
fn new_servers_learn_first_then_all_change_through_one_joint_configuration() {
    let mut stage = TestCluster::new(6, plan(Method::Joint));
    campaign(&mut stage, 0);
    let early = submit(&mut stage, 1, 0);
    stage.run(ms(800));
    assert!(all_final(&stage, &[0, 1, 2], &[early.id()]));
    assert_eq!(stage.finalized(3).len(), 1, "a node outside the configuration is sent nothing");
    stage.run(ms(10_000));
    let leader = leaders(&stage, &[2, 3, 4, 5]);
    assert_eq!(leader.len(), 1, "the old leader left when the new configuration was committed");
    assert!(!stage.node(0).is_leader());
    assert_eq!(configurations(&stage, leader[0]), [(false, 3, 3), (true, 4, 0), (false, 4, 0)]);
    assert_eq!(stage.node(leader[0]).membership().voters(), nodes(&[2, 3, 4, 5]));
    let late = submit(&mut stage, 1, 1);
    stage.run(ms(500));
    assert!(all_final(&stage, &[2, 3, 4, 5], &[early.id(), late.id()]));
    assert!(!all_final(&stage, &[1], &[late.id()]), "who left is sent nothing");
    assert_eq!(noted(&stage, leader[0], notes::MEMBERSHIP).len(), 3);
}

#[test]
fn single_server_changes_reach_the_same_end_one_at_a_time() {
    let mut stage = TestCluster::new(6, plan(Method::Single));
    campaign(&mut stage, 2);
    stage.run(ms(20_000));
    let leader = leaders(&stage, &[2, 3, 4, 5]);
    assert_eq!(leader.len(), 1);
    let steps = configurations(&stage, leader[0]);
    assert_eq!(steps[0], (false, 3, 3));
    let sizes: Vec<usize> = steps.iter().map(|(_, voters, _)| *voters).collect();
    assert!(sizes.windows(2).all(|pair| pair[0].abs_diff(pair[1]) <= 1), "{sizes:?}");
    assert_eq!(stage.node(leader[0]).membership().voters(), nodes(&[2, 3, 4, 5]));
}

/// Stops the leader (node 0) in the joint configuration from {0, 1, 2} to {2, 3, 4, 5}, not committed.
fn stopped_in_joint() -> Stage {
    let mut stage = TestCluster::new(6, Config { pre_vote: false, check_quorum: false, ..plan(Method::Joint) });
    campaign(&mut stage, 0);
    let is_before = |stage: &Stage| !stage.node(0).membership().is_joint();
    assert!(stage.run_while(ms(10_000), is_before));
    stage
}

#[test]
fn a_joint_configuration_holds_when_appended_and_needs_both_majorities() {
    // Only the new voters answer: 3 of 4 new, 1 of 3 old (the leader itself).
    let mut stage = stopped_in_joint();
    let before = stage.node(0).commit();
    stage.partition(&[0, 3, 4, 5], &[1, 2]);
    stage.lose(|f| [1, 2].contains(&f.to.0));
    stage.run(ms(500));
    assert_eq!(stage.node(0).commit(), before, "the old majority is missing");
    // Only the old voters answer: 3 of 3 old, 1 of 4 new.
    let mut stage = stopped_in_joint();
    stage.partition(&[0, 1, 2], &[3, 4, 5]);
    stage.lose(|f| [3, 4, 5].contains(&f.to.0));
    stage.run(ms(500));
    assert_eq!(stage.node(0).commit(), before, "the new majority is missing");
    // Nor can a candidate win with one of them.
    campaign(&mut stage, 2);
    assert!(!stage.node(2).is_leader());
    stage.heal();
    stage.run(ms(60_000));
    assert_eq!(leaders(&stage, &[0, 1, 2, 3, 4, 5]).len(), 1);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4, 5]), None);
}

#[test]
fn a_leader_elected_in_the_middle_of_a_joint_change_finishes_it() {
    let mut stage = stopped_in_joint();
    stage.run(ms(1));
    assert!((1..6).all(|node| stage.node(node).membership().is_joint()));
    stage.crash(0);
    stage.run(ms(30_000));
    let leader = leaders(&stage, &[1, 2, 3, 4, 5]);
    assert_eq!(leader.len(), 1);
    assert_eq!(stage.node(leader[0]).membership().voters(), nodes(&[2, 3, 4, 5]));
    assert!(!stage.node(leader[0]).membership().is_joint());
}

/// Thesis 4.2.2: of two voters the leader removes itself and crashes before the other receives the entry. Only the
/// removed node can win then.
#[test]
fn a_server_outside_its_own_latest_configuration_campaigns_until_that_is_committed() {
    let leaves = Change { at: ms(1_000), add: vec![], remove: vec![0] };
    let config = Config { membership: vec![leaves], method: Method::Single, ..figure_2() };
    let mut stage = led_by(0, 2, config);
    stage.run_until(Time::ZERO + ms(1_000));
    stage.lose(|f| f.to.0 == 1);
    assert_eq!(stage.node(0).membership().voters(), nodes(&[1]));
    assert_eq!(stage.node(1).membership().voters(), nodes(&[0, 1]));
    stage.crash(0);
    stage.heal();
    stage.boot(0);
    let is_done = |stage: &Stage| stage.node(1).is_leader() && stage.node(1).membership().voters() == nodes(&[1]);
    assert!(stage.run_while(ms(30_000), |stage| !is_done(stage)));
    assert!(!stage.node(0).is_leader());
}

#[test]
fn a_configuration_that_is_deleted_from_the_log_is_in_force_no_more() {
    let config = Config { membership: vec![Change { at: ms(1_000), add: vec![], remove: vec![4] }], ..figure_2() };
    let mut stage = led_by(0, 5, config);
    stage.run_until(Time::ZERO + ms(990));
    stage.partition(&[0], &[1, 2, 3, 4]);
    stage.run_until(Time::ZERO + ms(1_050));
    assert!(stage.node(0).membership().is_joint());
    // Another leader, before it has committed its no-op, replaces the entry.
    campaign(&mut stage, 1);
    assert!(stage.node(1).is_leader());
    stage.crash(1);
    stage.heal();
    let has_it = |stage: &Stage| stage.node(0).membership().is_joint();
    assert!(stage.run_while(ms(20_000), has_it));
    stage.boot(1);
    // The next leader carries the plan out.
    let is_done = |stage: &Stage| {
        let leader = leaders(stage, &[0, 1, 2, 3]).first().copied();
        leader.is_some_and(|leader| stage.node(leader).membership().voters() == nodes(&[0, 1, 2, 3]))
    };
    assert!(stage.run_while(ms(60_000), |stage| !is_done(stage)));
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
}

#[test]
fn a_learner_is_sent_the_log_and_never_counts_or_campaigns() {
    let mut stage = TestCluster::new(4, Config { learners: vec![3], ..Config::default() });
    campaign(&mut stage, 0);
    stage.partition(&[1, 2], &[0, 3]);
    let alone = submit(&mut stage, 1, 0);
    stage.run(ms(300));
    assert!(!all_final(&stage, &[0], &[alone.id()]), "leader and learner are one of three votes");
    stage.heal();
    stage.run(ms(5_000));
    assert!(all_final(&stage, &[0, 1, 2, 3], &[alone.id()]));
    (0..3).for_each(|node| stage.crash(node));
    stage.run(ms(60_000));
    assert_eq!(stage.node(3).term(), Term(1));
    assert!(stage.timers(3).all(|(timer, _)| timer != Timer::Election));
}

#[test]
fn a_configuration_travels_in_snapshots_and_outlives_restarts() {
    let mut stage = TestCluster::new(6, Config { snapshot_every: 4, snapshot_keep: 0, ..plan(Method::Joint) });
    campaign(&mut stage, 2);
    stage.run(ms(5_000));
    for nonce in 0..10 {
        submit(&mut stage, 1, nonce);
        stage.run(ms(150));
    }
    for node in 2..6 {
        assert!(stage.node(node).log().base() > 6);
        stage.crash(node);
        stage.boot(node);
        assert_eq!(stage.node(node).membership().voters(), nodes(&[2, 3, 4, 5]));
    }
    stage.run(ms(10_000));
    assert_eq!(leaders(&stage, &[2, 3, 4, 5]).len(), 1);
}
