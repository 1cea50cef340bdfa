//! The cases that matter first: messages, silence, double votes, a withheld certificate.

use super::*;
use crate::base::Time;
use crate::protocol::rehearsal::Rehearsal;

type Stage = Rehearsal<Vote>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn all(n: usize) -> Vec<usize> {
    (0..n).collect()
}

/// The butler of the first block.
fn first_butler(n: usize, config: &Config) -> usize {
    let stage: Stage = Rehearsal::new(n, config.clone());
    stage.node(0).butler(None, 0).index()
}

/// A stage on which the first butler and perhaps the last commissioner play attacks.
fn attacked(n: usize, config: &Config, butler: &str, accomplice: Option<&str>) -> (Stage, Vec<usize>) {
    let mut stage: Stage = Rehearsal::empty(n, config.clone());
    let first = first_butler(n, config);
    stage.set_attack(first, butler);
    let mut honest = all(n);
    honest.retain(|node| *node != first);
    if let Some(attack) = accomplice {
        let last = (0..config.commissioners(n)).rev().find(|node| *node != first).expect("another commissioner");
        stage.set_attack(last, attack);
        honest.retain(|node| *node != last);
    }
    (0..n).for_each(|node| stage.boot(node));
    (stage, honest)
}

#[test]
fn a_block_takes_three_messages_per_other_commissioner_and_is_final_everywhere_after_three_delays() {
    for n in [4u64, 7, 16, 64] {
        let mut stage: Stage = Rehearsal::new(n as usize, Config::default());
        stage.run_until(Time::ZERO + SECOND * 2 + MILLI * 3);
        assert!((0..n as usize).all(|node| stage.finalized(node).len() == 2), "{n}");
        let counts: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
        assert_eq!(counts, [("certificate", n - 1), ("proposal", n - 1), ("vote", n - 1)]);
    }
}

#[test]
fn butlers_who_do_not_vote_cost_three_messages_per_commissioner_and_the_block_for_the_others() {
    let config = Config { commissioners: 4, commissioners_stand: false, ..Config::default() };
    let mut stage: Stage = Rehearsal::new(7, config);
    stage.run_until(Time::ZERO + SECOND * 2 + MILLI * 3);
    assert!((0..7).all(|node| stage.finalized(node).len() == 2));
    let counts: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
    assert_eq!(counts, [("certificate", 4), ("proposal", 4), ("ratified", 2), ("vote", 4)]);
}

#[test]
fn two_of_five_commissioners_may_be_silent_and_three_may_not() {
    for (silent, goes_on) in [(2, true), (3, false)] {
        let mut stage: Stage = Rehearsal::new(5, Config::default());
        (0..silent).for_each(|node| stage.crash(node));
        stage.run(SECOND * 60);
        assert_eq!(stage.finalized(4).len() > 3, goes_on, "{silent} silent");
        assert_eq!(stage.disagreement(&all(5)), None);
    }
}

#[test]
fn an_equivocating_butler_and_one_double_voter_certify_twice_with_a_majority_and_not_with_two_thirds() {
    for (quorum, forks) in [(Quorum::Majority, true), (Quorum::TwoThirds, false)] {
        let config = Config { commissioners: 5, commissioners_stand: false, quorum, ..Config::default() };
        let (mut stage, honest) = attacked(8, &config, "equivocate", Some("double-vote"));
        stage.run(SECOND * 20);
        assert_eq!(stage.disagreement(&honest).is_some(), forks, "{quorum:?}");
    }
}

#[test]
fn a_withheld_certificate_gives_two_for_one_height_unless_votes_need_justification() {
    for hardened in [false, true] {
        let config = Config { commissioners: 5, commissioners_stand: false, hardened, ..Config::default() };
        let (mut stage, honest) = attacked(8, &config, "withhold", None);
        // Whoever is shown the certificate cannot pass it on at once: it is published late.
        (1..8).for_each(|to| stage.cut(0, to));
        stage.run(SECOND * 8);
        stage.heal();
        stage.run(SECOND * 8);
        assert!(stage.finalized(0).len() > 1, "the first commissioner saw a certificate");
        assert_eq!(stage.disagreement(&honest).is_none(), hardened, "hardened: {hardened}");
    }
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_progress() {
    for effects in 0..40 {
        for node in 0..4 {
            let mut stage: Stage = Rehearsal::new(4, Config::default());
            stage.set_fuse(node, effects);
            stage.run(SECOND * 12);
            stage.crash(node);
            stage.boot(node);
            stage.run(SECOND * 30);
            assert_eq!(stage.disagreement(&all(4)), None, "node {node}, {effects} effects");
            assert!((0..4).all(|at| stage.finalized(at).len() > 6), "node {node}, {effects} effects");
        }
    }
}

#[test]
fn after_loss_everybody_goes_on() {
    let mut stage: Stage = Rehearsal::new(7, Config::default());
    let mut number = 0u64;
    for _ in 0..20_000 {
        stage.run(MILLI);
        stage.lose(|flight| {
            number += 1;
            flight.at > Time::ZERO && crate::base::rng::mix(number, 7) % 10 < 3
        });
    }
    let before = stage.finalized(0).len();
    stage.run(SECOND * 90);
    assert_eq!(stage.disagreement(&all(7)), None);
    assert!((0..7).all(|node| stage.finalized(node).len() > before + 3));
}
