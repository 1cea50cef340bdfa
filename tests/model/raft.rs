//! Raft: three nodes, no transactions; each leader's no-op makes a block, named after it.

use super::check::{breaks, holds};
use super::world::{Bounds, Order, Part, Payments, State, World};
use ledgerlab::consensus::raft::{Config, Raft, Timer};

/// Elections without pre-votes and leases, which ask the clock. Heartbeats never come: followers may learn of commits
/// by the next entry only.
fn world(parts: &[Part], bounds: Bounds) -> World<Raft> {
    let config = Config { pre_vote: false, check_quorum: false, ..Config::default() };
    World::new(parts, config, Payments::None, bounds)
        .without(|timer| !matches!(timer, Timer::Election | Timer::Durable { .. }))
}

/// Two terms made blocks that are final at one node.
fn two_terms(world: &World<Raft>, state: &State<Raft>) -> bool {
    world.any_final(state, |block| block.height().0 == 2)
}

#[test]
fn three_nodes_agree_after_two_elections_in_any_order() {
    let bounds = Bounds { order: Order::Any, timeouts: 2, ..Bounds::default() };
    let world = world(&[Part::Honest; 3], bounds);
    holds("two elections", world, 326_110, 20);
}

#[test]
fn two_nodes_of_three_agree_in_any_order() {
    let bounds = Bounds { order: Order::Any, timeouts: 3, crashes: 1, height: 2, ..Bounds::default() };
    let world = world(&[Part::Silent, Part::Honest, Part::Honest], bounds).seeking(two_terms);
    holds("a node down", world, 24_682, 20);
}

#[test]
fn nodes_that_crash_twice_agree() {
    let bounds =
        Bounds { order: Order::Sent { overtakes: 1 }, timeouts: 2, crashes: 2, height: 2, ..Bounds::default() };
    let world = world(&[Part::Honest; 3], bounds).seeking(two_terms);
    holds("crashes", world, 93_199, 24);
}

#[test]
fn lost_and_repeated_messages_do_no_harm() {
    let bounds = Bounds {
        order: Order::Sent { overtakes: 1 },
        timeouts: 2,
        losses: 1,
        repeats: 1,
        height: 2,
        ..Bounds::default()
    };
    let world = world(&[Part::Honest; 3], bounds).seeking(two_terms);
    holds("lost, repeated", world, 153_232, 24);
}

#[test]
fn one_double_voter_breaks_raft() {
    let bounds = Bounds { order: Order::Any, timeouts: 2, ..Bounds::default() };
    breaks("double_vote", || world(&[Part::Attacker("double_vote"), Part::Honest, Part::Honest], bounds), 12);
}

#[test]
fn one_lost_log_breaks_raft() {
    let bounds = Bounds { timeouts: 2, crashes: 1, ..Bounds::default() };
    breaks("a lost log", || world(&[Part::Forgetful; 3], bounds), 20);
}
