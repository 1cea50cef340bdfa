//! Tendermint: four validators and one transaction.

use super::check::{breaks, holds};
use super::world::{Bounds, Order, Part, Payments, State, World};
use ledgerlab::base::NodeId;
use ledgerlab::consensus::tendermint::{Config, Message, Tendermint, Timer};

fn world(parts: &[Part], bounds: Bounds) -> World<Tendermint> {
    World::new(parts, Config::default(), Payments::One, bounds).without(|timer| *timer == Timer::Status)
}

/// A later round proposes again what is final somewhere.
fn proposed_again(world: &World<Tendermint>, state: &State<Tendermint>) -> bool {
    let again = |message: &Message| matches!(message, Message::Proposal(m) if m.1.valid_round.is_some());
    state.flights.iter().any(|flight| again(&flight.message)) && world.any_final(state, |_| true)
}

/// The proposer of a later round made the final block.
fn second_round(world: &World<Tendermint>, state: &State<Tendermint>) -> bool {
    world.any_final(state, |block| block.header.proposer != NodeId(0))
}

#[test]
fn validators_agree_whatever_is_late() {
    let bounds = Bounds { order: Order::Sent { overtakes: 1 }, timeouts: 2, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("late", world, 82_289, 43);
}

#[test]
fn a_lost_message_and_timeouts_do_no_harm() {
    let bounds = Bounds { timeouts: 3, losses: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds).seeking(proposed_again);
    holds("lost", world, 257_893, 53);
}

#[test]
fn a_validator_may_crash_at_any_moment() {
    let bounds = Bounds { timeouts: 1, crashes: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("a crash", world, 10_950, 48);
}

#[test]
fn a_silent_proposer_is_passed_over() {
    let bounds = Bounds { order: Order::Sent { overtakes: 1 }, timeouts: 5, ..Bounds::default() };
    let world = world(&[Part::Silent, Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_round);
    holds("silent", world, 35_898, 39);
}

#[test]
fn a_double_voter_divides_no_nodes() {
    let bounds = Bounds { timeouts: 4, ..Bounds::default() };
    let world = world(&[Part::Attacker("double_vote"), Part::Honest, Part::Honest, Part::Honest], bounds)
        .seeking(proposed_again);
    holds("double_vote", world, 85_889, 64);
}

#[test]
fn one_pair_of_twins_divides_no_nodes() {
    let bounds = Bounds { timeouts: 2, ..Bounds::default() };
    let world = world(&[Part::Twins([&[1, 2], &[3]]), Part::Honest, Part::Honest, Part::Honest], bounds);
    holds("twins", world, 2803, 50);
}

#[test]
fn two_pairs_of_twins_fork() {
    let bounds = Bounds::default();
    breaks(
        "two of four twins",
        || world(&[Part::Twins([&[2], &[3]]), Part::Twins([&[2], &[3]]), Part::Honest, Part::Honest], bounds),
        47,
    );
}
