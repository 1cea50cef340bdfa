//! What dead leaders cost, who leads, and how who was away comes back.

use super::*;
use crate::protocol::request::ANSWER_BYTES;

/// The longest time between two final blocks at 0 while payments come all the time and replica 3 is down.
fn longest_gap(config: Config) -> Duration {
    let mut stage = stage(4, config);
    stage.crash(3);
    let (mut longest, mut last) = (Duration::ZERO, stage.now());
    for nonce in 0..2_000 {
        let transaction = stage.transaction(nonce as u32 % 8, nonce / 8);
        stage.submit_to_all(&transaction);
        let before = stage.finalized(0).len();
        stage.run(MILLI * 10);
        if stage.finalized(0).len() > before {
            longest = longest.max(stage.now().since(last));
            last = stage.now();
        }
    }
    assert_agreed(&stage, &[0, 1, 2], stage.final_transactions(0).len());
    longest
}

/// Each timer of the originals runs twice for a dead leader: for the view before, whose votes it does not count, and for its
/// own. Here the second is not waited for.
#[test]
fn a_dead_leader_costs_one_timeout_under_load_too() {
    for config in [Config::default(), two_phase()] {
        let gap = longest_gap(config);
        assert!(gap >= SECOND && gap <= SECOND + MILLI * 40, "{gap}");
    }
}

#[test]
fn a_leader_who_is_there_has_its_turn_though_the_votes_that_it_should_count_were_lost() {
    let mut stage = stage(4, Config::default());
    let transaction = stage.transaction(0, 0);
    stage.submit_to_all(&transaction);
    // View 3 is the last of 0's turn, and 1 counts its votes.
    let lost = |flight: &Flight<Message>| matches!(flight.message, Message::Vote { view: 3, .. });
    for _ in 0..1_200 {
        let more = stage.transaction(1, stage.now().as_nanos() / 1_000_000);
        stage.submit_to_all(&more);
        stage.lose(lost);
        stage.run(MILLI);
    }
    let notes = |stage: &Stage| -> Vec<u64> {
        stage.notes(0).iter().filter(|(label, _)| *label == note::WASTED).map(|(_, view)| *view).collect()
    };
    assert_eq!(notes(&stage), [3], "and not view 4, of a leader that gave up view 3 with the others");
}

#[test]
fn random_leaders_are_the_same_for_all_and_each_leads() {
    for config in [Config::default(), two_phase()] {
        let mut stage = stage(4, Config { leaders: Leaders::Random, ..config });
        submit(&mut stage, 0..60, MILLI * 20);
        stage.run(SECOND);
        assert_agreed(&stage, &[0, 1, 2, 3], 60);
        let mut led = [0; 4];
        stage.finalized(0).iter().skip(1).for_each(|block| led[block.header.proposer.index()] += 1);
        assert!(led.iter().all(|blocks| *blocks > 0), "{led:?}");
    }
}

#[test]
fn one_two_and_three_replicas_order_payments_and_bear_no_crash() {
    for config in [Config::default(), two_phase()] {
        for n in 1..=3 {
            let mut stage = stage(n, config.clone());
            let all: Vec<usize> = (0..n).collect();
            submit(&mut stage, 0..9, MILLI * 50);
            assert_agreed(&stage, &all, 9);
            if n > 1 {
                stage.crash(n - 1);
                submit(&mut stage, 9..10, SECOND * 5);
                assert_agreed(&stage, &all[..n - 1], 9);
                stage.boot(n - 1);
                submit(&mut stage, 10..11, SECOND * 20);
                assert_agreed(&stage, &all, 11);
            }
        }
    }
}

#[test]
fn an_answer_is_bounded_in_bytes_and_the_next_goes_on_where_it_ended() {
    let mut stage = stage(4, Config::default());
    stage.crash(3);
    // Eight blocks of a hundred kilobytes and more, and small ones above them.
    for nonce in 0..3_600u64 {
        let transaction = stage.transaction(nonce as u32 % 4, nonce / 4);
        stage.submit_to_all(&transaction);
        if nonce % 450 == 449 {
            stage.run(SECOND * 4);
        }
    }
    stage.boot(3);
    let (mut answers, mut asked) = (Vec::new(), 0);
    for _ in 0..2_000 {
        let to_it =
            |flight: &&Flight<Message>| flight.to.index() == 3 && matches!(flight.message, Message::Progress(_));
        let now: Vec<usize> = stage.flights().filter(to_it).map(|flight| flight.message.bytes()).collect();
        asked += stage.flights().filter(|flight| matches!(flight.message, Message::Request { .. })).count();
        answers.extend(now);
        stage.run(MILLI);
    }
    assert_eq!(stage.disagreement(&[0, 3]), None);
    assert_eq!(stage.final_transactions(3).len(), stage.final_transactions(0).len());
    answers.retain(|bytes| *bytes > 1_000); // others say in which view they are
    let largest = answers.iter().copied().max().unwrap_or(0) as u64;
    assert!(largest > ANSWER_BYTES / 2 && largest < ANSWER_BYTES + 10_000, "{answers:?}");
    assert!(answers.len() <= 4 && asked <= answers.len() + 1, "{answers:?}: nothing is asked for twice");
}

#[test]
fn proposals_that_came_while_a_branch_was_fetched_are_not_fetched_again() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..4, MILLI * 20);
    stage.crash(3);
    submit(&mut stage, 4..8, MILLI * 20);
    stage.boot(3);
    // Blocks follow each other as quickly as a question and its answer.
    for nonce in 8..400 {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
        stage.run(MILLI * 2);
    }
    let mine = stage.finalized(3).len();
    assert!(stage.finalized(0).len() <= mine + 4, "{mine} of {}", stage.finalized(0).len());
    let requests = stage.delivered().get("request").copied().unwrap_or(0);
    assert!(requests <= 4, "{requests} requests");
}
