//! Which messages are sent again, to which replicas, and how much of them; and committees too small for a Byzantine replica.

use super::*;
use crate::base::Wire;
use crate::protocol::request::ANSWER_BYTES;

#[test]
fn one_two_and_three_replicas_run_and_tolerate_no_byzantine_one() {
    for n in 1..=3usize {
        let config = Config { block_limit: Limit { bytes: 1_000_000, transactions: 1 }, ..short() };
        let mut stage: Stage = TestCluster::new(n, config.clone());
        let waiting: Vec<_> = (0..20).map(|nonce| stage.transaction(0, nonce)).collect();
        waiting.iter().for_each(|transaction| stage.submit_to_all(transaction));
        stage.run(SECOND);
        assert_agreed(&stage, &(0..n).collect::<Vec<_>>(), 20);
        assert!(<Pbft as Protocol>::check(&config, n).is_ok());
        let committee = Committee::new(n, FaultModel::Byzantine);
        assert_eq!(<Pbft as Protocol>::remarks(&config, &committee, &BTreeSet::new()).len(), 1);
    }
}

#[test]
fn a_replica_that_decides_alone_takes_all_that_waits_without_recursion() {
    let config = Config { block_limit: Limit { bytes: 1_000_000, transactions: 1 }, ..Config::default() };
    let mut stage: Stage = TestCluster::empty(1, config);
    let waiting: Vec<_> = (0..300).map(|nonce| stage.transaction(0, nonce)).collect();
    stage.boot(0);
    waiting.iter().for_each(|transaction| stage.submit(0, transaction));
    stage.run(SECOND);
    assert_agreed(&stage, &[0], 300);
}

/// Every message takes longer than a replica first waits before it says that it lacks something.
#[test]
fn a_batch_that_is_on_its_way_is_sent_again_only_until_it_is_known_how_long_that_takes() {
    let mut stage: Stage = TestCluster::new(4, Config { request_timeout: SECOND * 60, ..Config::default() });
    stage.set_delay(MILLI * 1_200);
    submit(&mut stage, 0..10, SECOND * 5);
    assert_agreed(&stage, &[0, 1, 2, 3], 10);
    let sent = stage.delivered()["pre-prepare"];
    assert!(sent <= 3 * 10 + 3, "the first batch at most is sent twice: {sent}");
}

#[test]
fn a_batch_that_is_lost_is_sent_again_to_who_lacks_it_alone() {
    let mut stage = stage(4);
    submit(&mut stage, 0..5, MILLI * 10);
    let request = stage.transaction(0, 5);
    stage.submit_to_all(&request);
    stage.lose(|flight| flight.to == NodeId(3));
    stage.run(MILLI * 5);
    stage.lose(|_| true);
    let before = stage.delivered()["pre-prepare"];
    submit(&mut stage, 6..7, SECOND * 2);
    assert_agreed(&stage, &[0, 1, 2, 3], 7);
    assert!(stage.delivered()["pre-prepare"] <= before + 3 + 1);
}

#[test]
fn who_was_away_is_brought_up_in_answers_of_bounded_size_by_one_replica_at_a_time() {
    let mut stage = stage(4);
    stage.partition(&[3], &[0, 1, 2]);
    let waiting: Vec<_> = (0..3_000).map(|nonce| stage.transaction(0, nonce)).collect();
    waiting.iter().for_each(|transaction| stage.submit(0, transaction));
    stage.run(SECOND);
    assert_agreed(&stage, &[0, 1, 2], 3_000);
    stage.heal();
    stage.submit(3, &waiting[0]);
    let (mut largest, mut helpers) = (0, Vec::new());
    for _ in 0..2_000 {
        for flight in stage.flights().filter(|flight| is_kind("state")(flight)) {
            largest = largest.max(flight.message.bytes());
            helpers.push(flight.from);
        }
        stage.run(MILLI);
    }
    assert_agreed(&stage, &[3], 3_000);
    helpers.dedup();
    assert_eq!(helpers.len(), 1);
    assert!(stage.delivered()["state"] >= 2 && largest as u64 <= ANSWER_BYTES + 1_000, "{largest}");
}

#[test]
fn a_state_comes_in_pieces_and_counts_when_all_are_there_in_order() {
    let mut stage: Stage = TestCluster::new(4, short());
    stage.partition(&[3], &[0, 1, 2]);
    submit(&mut stage, 0..5, MILLI * 10);
    stage.heal();
    let asks = |stage: &Stage| stage.flights().any(|flight| flight.from == NodeId(3) && is_kind("status")(flight));
    assert!(stage.run_while(SECOND * 3, |stage| !asks(stage)));
    stage.lose(|_| true);
    let (stable, block) = (stage.node(0).stable.clone(), stage.chain(0)[4].clone());
    let root = crate::base::Digest::new("state on stage").hash(&block.id()).finish();
    let snapshot = crate::protocol::Snapshot { block, root, bytes: 1_500_000 };
    let piece = |offset: u64| {
        let stable = (offset == 0).then(|| stable.clone());
        let checkpoint = Some(Piece { stable, snapshot: snapshot.clone(), offset, length: 500_000 });
        Message::State(Arc::new(State { checkpoint, committed: Vec::new(), executed: Height(5) }))
    };
    for (offset, received, height) in [
        (500_000, None, 0),
        (0, Some(500_000), 0),
        (0, Some(500_000), 0),
        (1_000_000, Some(500_000), 0),
        (500_000, Some(1_000_000), 0),
        (1_000_000, None, 4),
    ] {
        stage.inject(0, 3, piece(offset));
        stage.deliver(is_kind("state"));
        let incoming = stage.node(3).status(None).incoming;
        assert_eq!((incoming.map(|(_, bytes)| bytes), stage.finalized(3).len() - 1), (received, height));
    }
}

/// It executes with the others all the same, so that nothing makes it wait.
#[test]
fn a_replica_that_missed_a_new_view_asks_for_it_though_it_goes_on_executing() {
    let mut stage = stage(7);
    submit(&mut stage, 0..1, MILLI * 10);
    stage.crash(0);
    let request = stage.transaction(0, 1);
    stage.submit_to_all(&request);
    assert!(stage.run_while(SECOND * 5, |stage| stage.flights().all(|f| f.message.kind() != "new-view")));
    stage.lose(|flight| flight.to == NodeId(6) && is_kind("new-view")(flight));
    submit(&mut stage, 2..200, MILLI * 5);
    assert_agreed(&stage, &[1, 2, 3, 4, 5, 6], 200);
    assert!(stage.node(6).active && stage.node(6).view == View(1));
}
