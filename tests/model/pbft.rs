//! PBFT: four replicas and one request.

use super::check::{breaks, holds};
use super::world::{Bounds, Order, Part, Payments, State, World};
use ledgerlab::base::NodeId;
use ledgerlab::consensus::pbft::{Config, Message, Pbft, Timer};

fn world(parts: &[Part], bounds: Bounds) -> World<Pbft> {
    World::new(parts, Config::default(), Payments::One, bounds)
        .without(|timer| matches!(timer, Timer::Status | Timer::Help | Timer::Attack))
}

/// A new view proposes again what is final somewhere.
fn proposed_again(world: &World<Pbft>, state: &State<Pbft>) -> bool {
    let again = |message: &Message| matches!(message, Message::NewView(m) if !m.orders.is_empty());
    state.flights.iter().any(|flight| again(&flight.message)) && world.any_final(state, |_| true)
}

/// The primary of view 1 made the final block.
fn second_view(world: &World<Pbft>, state: &State<Pbft>) -> bool {
    world.any_final(state, |block| block.header.proposer == NodeId(1))
}

#[test]
fn replicas_agree_across_views() {
    let bounds = Bounds { timeouts: 3, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds).seeking(proposed_again);
    holds("three timeouts", world, 98_519, 70);
}

#[test]
fn a_lost_message_and_a_view_change_do_no_harm() {
    let bounds = Bounds { timeouts: 2, losses: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds).seeking(proposed_again);
    holds("lost", world, 143_286, 66);
}

#[test]
fn a_replica_may_crash_at_any_moment() {
    let bounds = Bounds { order: Order::Sent { overtakes: 1 }, crashes: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("a crash", world, 57_041, 39);
}

#[test]
fn a_silent_primary_is_deposed() {
    let bounds = Bounds { order: Order::Sent { overtakes: 2 }, timeouts: 3, ..Bounds::default() };
    let world = world(&[Part::Silent, Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_view);
    holds("silent", world, 17_482, 27);
}

#[test]
fn a_primary_that_equivocates_divides_no_nodes() {
    let bounds = Bounds { timeouts: 3, ..Bounds::default() };
    let world =
        world(&[Part::Attacker("equivocate"), Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_view);
    holds("equivocate", world, 91_272, 74);
}

#[test]
fn one_pair_of_twins_divides_no_nodes() {
    let bounds = Bounds { timeouts: 3, ..Bounds::default() };
    let world = world(&[Part::Twins([&[1, 2], &[3]]), Part::Honest, Part::Honest, Part::Honest], bounds)
        .seeking(proposed_again);
    holds("twins", world, 106_261, 66);
}

#[test]
fn two_pairs_of_twins_fork() {
    let bounds = Bounds::default();
    breaks(
        "two of four twins",
        || world(&[Part::Twins([&[2], &[3]]), Part::Twins([&[2], &[3]]), Part::Honest, Part::Honest], bounds),
        33,
    );
}
