//! QBFT: four validators and one transaction.

use super::check::{breaks, holds};
use super::world::{Bounds, Order, Part, Payments, State, World};
use ledgerlab::base::{Duration, NodeId};
use ledgerlab::consensus::qbft::{Config, Message, Qbft, Timer};

fn world(parts: &[Part], bounds: Bounds) -> World<Qbft> {
    let config = Config { block_period: Duration::ZERO, durable: true, ..Config::default() };
    World::new(parts, config, Payments::One, bounds).without(|timer| *timer == Timer::Ask)
}

/// A later round proposes again what is final somewhere.
fn proposed_again(world: &World<Qbft>, state: &State<Qbft>) -> bool {
    let again = |message: &Message| matches!(message, Message::Proposal(m) if m.certificate.is_some());
    state.flights.iter().any(|flight| again(&flight.message)) && world.any_final(state, |_| true)
}

/// The proposer of a later round made the final block.
fn second_round(world: &World<Qbft>, state: &State<Qbft>) -> bool {
    world.any_final(state, |block| block.header.proposer != NodeId(0))
}

#[test]
fn validators_agree_whatever_is_late() {
    let bounds = Bounds { order: Order::Sent { overtakes: 1 }, timeouts: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("late", world, 29_392, 46);
}

#[test]
fn a_lost_message_and_a_round_change_do_no_harm() {
    let bounds = Bounds { timeouts: 2, losses: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds).seeking(proposed_again);
    holds("lost", world, 145_214, 72);
}

#[test]
fn a_validator_may_crash_at_any_moment() {
    let bounds = Bounds { timeouts: 1, crashes: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("a crash", world, 31_818, 54);
}

#[test]
fn a_silent_proposer_is_passed_over() {
    let bounds = Bounds { timeouts: 4, ..Bounds::default() };
    let world = world(&[Part::Silent, Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_round);
    holds("silent", world, 62_972, 65);
}

#[test]
fn a_proposer_that_equivocates_divides_no_nodes() {
    let bounds = Bounds { timeouts: 3, ..Bounds::default() };
    let world =
        world(&[Part::Attacker("equivocate"), Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_round);
    holds("equivocate", world, 91_367, 76);
}

#[test]
fn one_pair_of_twins_divides_no_nodes() {
    let bounds = Bounds { timeouts: 3, ..Bounds::default() };
    let world = world(&[Part::Twins([&[1, 2], &[3]]), Part::Honest, Part::Honest, Part::Honest], bounds)
        .seeking(proposed_again);
    holds("twins", world, 164_615, 77);
}

#[test]
fn two_pairs_of_twins_fork() {
    let bounds = Bounds::default();
    breaks(
        "two of four twins",
        || world(&[Part::Twins([&[2], &[3]]), Part::Twins([&[2], &[3]]), Part::Honest, Part::Honest], bounds),
        45,
    );
}
