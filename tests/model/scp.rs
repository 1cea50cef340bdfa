//! SCP: four nodes that each need three of the four; each would like another transaction.

use super::check::{breaks, holds};
use super::world::{Bounds, Order, Part, Payments, State, World};
use ledgerlab::base::Duration;
use ledgerlab::consensus::scp::{Config, Message, Pledges, Scp, Timer};

/// One ledger, whose time has come from the beginning. Who closed it has nothing to say any more but what is under way.
fn world(parts: &[Part], bounds: Bounds) -> World<Scp> {
    let config = Config { period: Duration::ZERO, ..Config::default() };
    World::new(parts, config, Payments::Each, bounds)
        .without(|timer| matches!(timer, Timer::Repeat | Timer::Fetch | Timer::Ask))
        .halting()
}

/// A second ballot is under way where the ledger is closed somewhere.
fn second_ballot(world: &World<Scp>, state: &State<Scp>) -> bool {
    let second = |message: &Message| match message {
        Message::Said(said) => matches!(&said.pledges, Pledges::Prepare { ballot, .. } if ballot.counter > 1),
        _ => false,
    };
    state.flights.iter().any(|flight| second(&flight.message)) && world.any_final(state, |_| true)
}

#[test]
fn nodes_agree_across_ballots() {
    let bounds = Bounds { timeouts: 2, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds).seeking(second_ballot);
    holds("two timeouts", world, 24_349, 110);
}

#[test]
fn a_late_and_a_lost_message_do_no_harm() {
    let bounds = Bounds { order: Order::Sent { overtakes: 1 }, losses: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("late, lost", world, 42_284, 79);
}

#[test]
fn a_node_may_crash_at_any_moment() {
    let bounds = Bounds { timeouts: 1, crashes: 1, ..Bounds::default() };
    let world = world(&[Part::Honest; 4], bounds);
    holds("a crash", world, 138_788, 97);
}

#[test]
fn a_silent_node_stops_no_node() {
    let bounds = Bounds { timeouts: 3, ..Bounds::default() };
    let world = world(&[Part::Silent, Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_ballot);
    holds("silent", world, 27_266, 68);
}

#[test]
fn inflated_counters_divide_no_nodes() {
    let bounds = Bounds { timeouts: 2, ..Bounds::default() };
    let world = world(&[Part::Attacker("inflate"), Part::Honest, Part::Honest, Part::Honest], bounds);
    holds("inflate", world, 41_042, 134);
}

#[test]
fn an_echo_divides_no_nodes() {
    let bounds = Bounds { timeouts: 2, ..Bounds::default() };
    let world =
        world(&[Part::Attacker("echo"), Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_ballot);
    holds("echo", world, 32_163, 118);
}

#[test]
fn one_pair_of_twins_divides_no_nodes() {
    let bounds = Bounds { timeouts: 2, ..Bounds::default() };
    let world =
        world(&[Part::Twins([&[1, 2], &[3]]), Part::Honest, Part::Honest, Part::Honest], bounds).seeking(second_ballot);
    holds("twins", world, 23_643, 107);
}

#[test]
fn two_echoes_fork() {
    let bounds = Bounds { timeouts: 1, ..Bounds::default() };
    breaks(
        "two of four echo",
        || world(&[Part::Attacker("echo"), Part::Attacker("echo"), Part::Honest, Part::Honest], bounds),
        95,
    );
}
