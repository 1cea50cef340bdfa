//! Blocks are named where they were proposed before, and answers to who was away are bounded.

use super::*;
use crate::protocol::request::ANSWER_BYTES;

fn payments(stage: &mut Stage, nonces: std::ops::Range<u64>) {
    for nonce in nonces {
        let payment = stage.transaction(nonce as u32 % 4, nonce / 4);
        stage.submit_to_all(&payment);
    }
}

fn delivered(stage: &Stage, kind: &str) -> u64 {
    stage.delivered().get(kind).copied().unwrap_or(0)
}

/// Reports held whole blocks, and so did each repetition: rounds that were lost for thin lines were lost for ever.
#[test]
fn reports_name_blocks_and_only_who_lacks_one_is_sent_it() {
    for quorum in [Quorum::Majority, Quorum::TwoThirds] {
        let config = Config { quorum, ..Config::default() };
        let first = first_butler(4, &config);
        let mut stage: Stage = TestCluster::new(4, config);
        stage.set_delay(MILLI * 60);
        payments(&mut stage, 0..200);
        let lacks = (0..4).rev().find(|node| *node != first).expect("another");
        let mut largest = 0;
        for _ in 0..120 {
            // One does not get the first proposal, and no vote reaches its butler.
            stage.lose(|flight| {
                let round = match &flight.message {
                    Message::Propose(proposal) => proposal.claim.round,
                    Message::Vote(vote) => vote.round,
                    _ => return false,
                };
                round == 0 && (flight.to.index() == lacks || flight.message.kind() == "vote")
            });
            let reports = stage.flights().filter(|flight| flight.message.kind() == "report");
            largest = reports.map(|flight| flight.message.bytes()).fold(largest, usize::max);
            stage.run(MILLI * 50);
            if stage.finalized(0).len() > 1 {
                break;
            }
        }
        stage.run(MILLI * 200);
        assert_eq!((0..4).map(|node| stage.finalized(node).len()).collect::<Vec<_>>(), [2; 4], "{quorum:?}");
        assert_eq!(stage.finalized(0)[1].header.proposer.index(), first, "its block");
        assert!(largest > 0 && largest < 300, "{largest} bytes");
        assert_eq!(delivered(&stage, "proposal"), 2, "to the two who got the first");
        assert_eq!(delivered(&stage, "proposal-again"), 3, "by its name");
        assert!((1..=3).contains(&delivered(&stage, "want")) && delivered(&stage, "claim") >= 1);
    }
}

#[test]
fn who_was_away_gets_answers_bounded_in_bytes_one_after_the_other() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.crash(3);
    for part in 0..8u64 {
        payments(&mut stage, part * 500..(part + 1) * 500);
        stage.run(SECOND * 6);
    }
    assert_eq!(stage.final_transactions(0).len(), 4_000);
    stage.boot(3);
    let mut answers = Vec::new();
    for _ in 0..40 {
        let to_it = |flight: &&crate::protocol::testing::Flight<Message>| flight.message.kind() == "blocks";
        answers.extend(stage.flights().filter(to_it).map(|flight| flight.message.bytes() as u64));
        stage.run(MILLI);
    }
    assert_eq!(stage.final_transactions(3).len(), 4_000, "within a few delays");
    answers.retain(|bytes| *bytes > 1_000); // what became final meanwhile comes by itself
    assert!((2..=4).contains(&answers.len()), "{answers:?}");
    assert!(answers.iter().all(|bytes| *bytes < ANSWER_BYTES + 1_000), "{answers:?}");
}

#[test]
fn a_block_beyond_the_limit_has_no_votes() {
    let config = Config { block_limit: Limit { bytes: 1_000_000, transactions: 3 }, ..Config::default() };
    let first = first_butler(4, &config);
    let who = (first + 1) % 4;
    let mut stage: Stage = TestCluster::empty(4, config);
    stage.boot(who);
    stage.run(SECOND);
    let fields = Fields { round: 0, parent: None };
    for (count, voted) in [(4, false), (3, true)] {
        let payments = (0..count).map(|nonce| stage.transaction(0, nonce)).collect();
        let made = block(&Block::genesis(), first, &fields, payments);
        let claim = claim(&stage, first, 0, &made, &fields);
        if count == 3 {
            stage.crash(who);
            stage.boot(who);
        }
        stage.inject(first, who, Message::Propose(Arc::new(Proposal { claim, reports: Vec::new() })));
        stage.deliver(|flight| flight.to.index() == who);
        assert_eq!(stage.flights().any(|flight| flight.message.kind() == "vote"), voted, "{count}");
    }
}

#[test]
fn one_to_three_commissioners_keep_a_chain() {
    for n in 1..=3 {
        for quorum in [Quorum::Majority, Quorum::TwoThirds] {
            let mut stage: Stage = TestCluster::new(n, Config { quorum, ..Config::default() });
            stage.run(SECOND * 11);
            assert!((0..n).all(|node| stage.finalized(node).len() >= 5), "{n}");
        }
    }
}
