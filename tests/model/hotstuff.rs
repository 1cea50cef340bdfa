//! HotStuff: four replicas and one transaction.

use super::check::{breaks, holds};
use super::world::{Bounds, Order, Part, Payments, State, World};
use ledgerlab::base::NodeId;
use ledgerlab::consensus::hotstuff::{Config, HotStuff, Timer};

fn world(parts: &[Part], bounds: Bounds) -> World<HotStuff> {
    World::new(parts, Config::default(), Payments::One, bounds).without(|timer| *timer == Timer::Fetch)
}

/// The second leader made the final block.
fn second_leader(world: &World<HotStuff>, state: &State<HotStuff>) -> bool {
    world.any_final(state, |block| block.header.proposer == NodeId(1))
}

#[test]
fn replicas_agree_across_views() {
    let bounds = Bounds { timeouts: 2, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds).seeking(second_leader);
    holds("two timeouts", world, 16_960, 66);
}

#[test]
fn a_late_message_and_a_timeout_do_no_harm() {
    let bounds = Bounds { order: Order::Sent { overtakes: 1 }, timeouts: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("late", world, 13_294, 37);
}

#[test]
fn a_replica_may_crash_at_any_moment() {
    let bounds = Bounds { timeouts: 1, crashes: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("a crash", world, 31_394, 42);
}

#[test]
fn a_silent_leader_is_passed_over() {
    let bounds = Bounds { order: Order::Sent { overtakes: 2 }, timeouts: 3, ..Bounds::default() };
    let world = world(&[Part::Silent, Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_leader);
    holds("silent", world, 32_675, 39);
}

#[test]
fn a_leader_that_equivocates_divides_no_nodes() {
    let bounds = Bounds { order: Order::Sent { overtakes: 1 }, timeouts: 2, ..Bounds::default() };
    let world =
        world(&[Part::Attacker("equivocate"), Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_leader);
    holds("equivocate", world, 32_195, 63);
}

#[test]
fn one_pair_of_twins_divides_no_nodes() {
    let bounds = Bounds { timeouts: 2, ..Bounds::default() };
    let world =
        world(&[Part::Twins([&[1, 2], &[3]]), Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_leader);
    holds("twins", world, 18_202, 65);
}

#[test]
fn two_pairs_of_twins_fork() {
    let bounds = Bounds::default();
    breaks(
        "two of four twins",
        || world(&[Part::Twins([&[2], &[3]]), Part::Twins([&[2], &[3]]), Part::Honest, Part::Honest], bounds),
        41,
    );
}
