//! Lost messages are sent again soon, and no more often than the bandwidth of a link allows.

use super::*;

/// A validator that missed the last block receives no message while the chain is at rest, until another sends its status.
#[test]
fn a_validator_that_was_cut_off_while_the_last_block_was_made_catches_up_at_rest() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    for nonce in 0..200 {
        if nonce == 2 {
            stage.partition(&[3], &[0, 1, 2]);
        }
        let payment = stage.transaction(0, nonce);
        stage.submit_to_all(&payment);
        stage.run(Duration::from_secs(5));
    }
    stage.run(Duration::from_secs(100));
    stage.heal();
    stage.run(Duration::from_secs(60));
    assert_eq!(stage.final_transactions(0).len(), 200);
    assert_eq!(stage.finalized(3).len(), stage.finalized(0).len());
}

/// Two of four and two of four; then all. CometBFT's gossip finds out within 100 ms of the reconnection.
#[test]
fn halves_that_were_cut_off_for_a_minute_decide_within_seconds() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.set_delay(Duration::from_millis(50));
    stage.partition(&[0, 1], &[2, 3]);
    stage.submit_to_all(&stage.transaction(0, 0));
    stage.run(Duration::from_secs(70));
    stage.heal();
    stage.run(Duration::from_secs(4));
    assert!((0..4).all(|node| stage.final_transactions(node).len() == 1));
}

/// What is under way is not sent again: a node that asks for what it lacks gets the parts once in a while, however often it asks.
#[test]
fn parts_that_may_be_under_way_are_not_sent_again() {
    let mut stage: Stage = TestCluster::empty(4, Config::default());
    stage.boot(0);
    let payment = stage.transaction(0, 0);
    stage.submit(0, &payment);
    stage.run(Duration::from_millis(2));
    let sent = |stage: &Stage| stage.flights().filter(|flight| flight.message.kind() == "block part").count();
    let (mut prevotes, mut precommits) = (VoterSet::default(), VoterSet::default());
    (1..4).for_each(|node| {
        _ = prevotes.add(NodeId(node), stage.committee()) && precommits.add(NodeId(node), stage.committee());
    });
    for (after, expected) in [(0, 0), (900, 0), (200, 1), (900, 0), (900, 0), (300, 1)] {
        stage.run(Duration::from_millis(after));
        stage.lose(|_| true);
        let (height, round, parts, members, helper) = (Height(1), 0, vec![false], 4, NodeId(0));
        let (prevotes, precommits) = (prevotes.clone(), precommits.clone());
        let status = Status { height, round, proposal: true, parts, prevotes, precommits, members, helper };
        stage.inject(1, 0, Message::Status(Arc::new(status)));
        stage.deliver(|flight| flight.to.index() == 0);
        assert_eq!(sent(&stage), expected, "{after} ms later");
    }
}

#[test]
fn a_lagging_validator_fetches_the_blocks_it_missed() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.crash(3);
    for nonce in 0..40 {
        let payment = stage.transaction(0, nonce);
        (0..3).for_each(|node| stage.submit(node, &payment));
        stage.run(Duration::from_secs(8));
    }
    let height = stage.finalized(0).len();
    assert!(height > 2 * 16, "more than two answers: {height}");
    stage.boot(3);
    stage.run(Duration::from_secs(120));
    assert_eq!(stage.finalized(3).len(), height);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
}

#[test]
fn a_validator_that_restarted_serves_its_whole_chain_to_one_that_lags() {
    let config = Config { empty_blocks: true, commit_wait: Duration::from_secs(1), ..Config::default() };
    let mut stage: Stage = TestCluster::new(4, config);
    stage.crash(3);
    stage.run(Duration::from_secs(300));
    let height = stage.finalized(0).len();
    assert!(height > DECIDED_MAX + backward_sync::ANSWER_MAX, "more than is kept and more than one answer: {height}");
    assert_eq!(stage.node(0).decided.len(), DECIDED_MAX);
    (0..3).for_each(|node| stage.crash(node));
    stage.boot(0);
    assert_eq!(stage.node(0).decided.len(), 1, "its log holds the last decision");
    stage.boot(3);
    stage.run(Duration::from_secs(60));
    assert_eq!(stage.finalized(3).len(), height);
    // It takes part as if it had always been there.
    (1..3).for_each(|node| stage.boot(node));
    stage.crash(2);
    stage.run(Duration::from_secs(60));
    assert!(stage.finalized(3).len() > height + 10);
    assert_eq!(stage.disagreement(&[0, 1, 3]), None);
}

#[test]
fn what_was_lost_comes_again() {
    for lost in ["proposal", "block part", "prevote", "precommit"] {
        let mut stage: Stage = TestCluster::new(4, Config::default());
        let payment = stage.transaction(0, 0);
        stage.submit_to_all(&payment);
        for _ in 0..12 {
            stage.lose(|flight| flight.message.kind() == lost);
            stage.run(Duration::from_millis(1));
        }
        stage.run(Duration::from_secs(60));
        assert!((0..4).all(|node| stage.final_transactions(node) == [payment.id()]), "{lost}");
    }
}

#[test]
fn fewer_than_four_validators_decide_as_long_as_all_are_up() {
    for n in 1..4usize {
        for crashed in [0, 1] {
            let mut stage: Stage = TestCluster::new(n, Config::default());
            (n - crashed..n).for_each(|node| stage.crash(node));
            let payment = stage.transaction(0, 0);
            (0..n - crashed).for_each(|node| stage.submit(node, &payment));
            stage.run(Duration::from_secs(30));
            assert!((0..n - crashed).all(|node| stage.finalized(node).len() == 2 - crashed), "{crashed} of {n}");
        }
    }
}
