//! The computing time that nodes spend on checks.

use super::super::{Fault, FaultEvent, Simulation};
use super::fixture::{Bell, Config, Trace, at, payment, setup};
use crate::base::{ClientId, CostTable, Duration, NodeId, Time};

/// Two nodes, where checking a signature takes 20 ms and nothing else takes time. Payments of `payers` accounts reach node
/// 0 at 50 ms, and node 1 too if it `listens`. The block that holds them leaves at 100 ms.
fn checked(trace: &Trace, listens: bool, payers: u32, cores: u32, faults: Vec<FaultEvent>) -> Simulation<Bell> {
    let mut setup = setup(2, Config { are_listeners: listens, ..Config::default() }, trace);
    setup.costs = CostTable { verify: Duration::from_millis(20), ..CostTable::FREE };
    (setup.processes[0].cores, setup.processes[1].cores) = (payers, cores);
    setup.faults = faults;
    let mut simulation = Simulation::new(setup);
    for payer in 1..=payers {
        simulation.submit_at(at(50), ClientId(0), NodeId(0), payment(payer, 0));
    }
    while simulation.advance(Time::NEVER, 1_000) {}
    simulation.finish();
    simulation
}

fn final_at(listens: bool, payers: u32, cores: u32, faults: Vec<FaultEvent>) -> Vec<String> {
    let trace = Trace::default();
    checked(&trace, listens, payers, cores, faults);
    trace.lines("n1 final 1")
}

#[test]
fn a_payment_that_the_mempool_checked_costs_nothing_in_a_block() {
    // The block arrives at 110 ms and its own signature is checked by 130 ms.
    assert_eq!(final_at(true, 1, 1, vec![]), ["130ms n1 final 1"]);
    assert_eq!(final_at(false, 1, 1, vec![]), ["150ms n1 final 1"], "it met the payment in the block");
}

#[test]
fn a_node_that_crashed_checks_again_what_it_had_checked() {
    let plain = |millis, fault| FaultEvent { at: at(millis), fault, begins: None, ends: None };
    let faults = vec![plain(102, Fault::crash(vec![NodeId(1)])), plain(104, Fault::restart(vec![NodeId(1)]))];
    assert_eq!(final_at(true, 1, 1, faults), ["150ms n1 final 1"]);
}

#[test]
fn the_signatures_of_a_block_are_checked_on_all_free_cores() {
    // Eight payments after the signature of the block, which is checked by 130 ms.
    assert_eq!(final_at(false, 8, 1, vec![]), ["290ms n1 final 1"]);
    assert_eq!(final_at(false, 8, 3, vec![]), ["190ms n1 final 1"], "three, three and two");
    assert_eq!(final_at(false, 8, 4, vec![]), ["170ms n1 final 1"]);
    assert_eq!(final_at(false, 8, 64, vec![]), ["150ms n1 final 1"]);
    let busy = checked(&Trace::default(), false, 8, 4, vec![]).busy(NodeId(1));
    assert_eq!(busy, Duration::from_millis(180), "the work is the same on any number of cores");
}

#[test]
fn cores_that_helped_are_free_again() {
    let trace = Trace::default();
    let simulation = checked(&trace, false, 8, 4, vec![]);
    assert_eq!(simulation.idle_cores(NodeId(1)), (4, 0));
}

#[test]
fn a_known_payment_costs_no_signature_when_it_is_handed_in_again() {
    let trace = Trace::default();
    let mut setup = setup(1, Config::default(), &trace);
    setup.costs = CostTable { verify: Duration::from_millis(20), ..CostTable::FREE };
    let mut simulation = Simulation::new(setup);
    for millis in [50, 71, 72, 150] {
        simulation.submit_at(at(millis), ClientId(0), NodeId(0), payment(1, 0));
    }
    while simulation.advance(Time::NEVER, 1_000) {}
    assert_eq!(simulation.busy(NodeId(0)), Duration::from_millis(20));
}
