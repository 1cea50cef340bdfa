//! Nodes that misbehave whatever their protocol.

use super::super::adversary::{EffectFilter, Replay};
use super::super::setup::{add_twins, roster};
use super::super::{Clock, Fault, FaultEvent, ProcessId, Setup};
use super::fixture::{Bell, Config, Trace, at, payment, run, setup};
use crate::base::{AccountId, CostTable, Duration, Height, NodeId, Stream};

const NODES: [NodeId; 4] = [NodeId(0), NodeId(1), NodeId(2), NodeId(3)];

/// `n` nodes, one of which misbehaves.
fn with(n: usize, node: usize, conduct: EffectFilter, trace: &Trace) -> Setup<Bell> {
    let mut setup = setup(n, Config::default(), trace);
    setup.processes[node].adversary = Some(Box::new(conduct));
    setup
}

/// Four nodes, the sequencer of which is two: the second a little later by its clock.
fn with_twins(sides: &[Vec<NodeId>], trace: &Trace) -> Setup<Bell> {
    let mut setup = setup(4, Config::default(), trace);
    add_twins(4, &mut setup.processes, &NODES[..1], sides);
    setup.processes[4].clock = Clock { offset: 1, drift: 0 };
    setup
}

#[test]
fn twins_send_each_side_something_else_under_one_name() {
    let trace = Trace::default();
    let simulation = run(with_twins(&[vec![NODES[1], NODES[2]], vec![NODES[3]]], &trace), &[(at(50), payment(1, 0))]);
    let chains = [1, 2, 3].map(|node| simulation.finalized(NODES[node]));
    assert!(chains.iter().all(|block| block.height() == Height(1)));
    assert_eq!(chains[0].id(), chains[1].id());
    assert_ne!(chains[0].id(), chains[2].id());
    let delivered = ["110ms n0>n1 next", "110ms n0>n2 next", "110ms n0>n3 next"];
    assert_eq!(trace.lines("next"), delivered);
}

#[test]
fn observers_see_no_process_beyond_the_committee() {
    let trace = Trace::default();
    let mut setup = with_twins(&[vec![NODES[1], NODES[2]], vec![NODES[3]]], &trace);
    let crash = Fault::crash(vec![NODES[0], NodeId(4)]);
    setup.faults.push(FaultEvent { at: at(5_000), fault: crash, begins: None, ends: None });
    let simulation = run(setup, &[(at(50), payment(1, 0))]);
    assert_eq!(simulation.nodes(), 4);
    assert_eq!(trace.lines("n4"), Vec::<String>::new());
    assert_eq!(trace.lines("n0 final").len(), 1, "of twins the first is shown");
    assert_eq!(trace.lines("crash"), ["5s n0 crash"]);
}

#[test]
fn a_node_that_sees_both_twins_sends_to_both() {
    let trace = Trace::default();
    let simulation =
        run(with_twins(&[vec![NODES[1], NODES[3]], vec![NODES[2], NODES[3]]], &trace), &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("n0>n3 next").len(), 2, "each twin sends");
    assert_eq!(trace.lines("n3>n0 thanks").len(), 2, "one answer, for both");
    assert_eq!(trace.lines("n1>n0 thanks").len(), 1);
    assert!(simulation.violations().is_empty());
}

#[test]
fn twins_of_one_side_meet_and_those_of_different_sides_do_not() {
    let mut processes = setup(4, Config::default(), &Trace::default()).processes;
    add_twins(4, &mut processes, &NODES[..2], &[vec![NODES[2]], vec![NODES[3]]]);
    let roster = roster(4, &processes);
    assert_eq!((roster.nodes(), roster.twins().collect::<Vec<_>>()), (4, NODES[..2].to_vec()));
    assert_eq!(roster.processes_of_all(&NODES[..3]), [0, 4, 1, 5, 2].map(ProcessId));
    let meeting = |process: u32| {
        let meets = |other: &u32| roster.can_communicate(ProcessId(process), ProcessId(*other));
        (0..6).filter(meets).collect::<Vec<u32>>()
    };
    let expected = [vec![1, 2], vec![0, 2], vec![0, 1, 3], vec![2, 4, 5], vec![3, 5], vec![3, 4]];
    assert_eq!([0, 1, 2, 3, 4, 5].map(meeting), expected);
}

#[test]
fn twins_of_two_plans_meet_where_both_plans_have_it() {
    let mut processes = setup(4, Config::default(), &Trace::default()).processes;
    add_twins(4, &mut processes, &NODES[..1], &[vec![NODES[1], NODES[2]], vec![NODES[3]]]);
    add_twins(4, &mut processes, &NODES[1..2], &[vec![NODES[3]], vec![NODES[0], NODES[2]]]);
    let roster = roster(4, &processes);
    let meeting = |process: u32| {
        let meets = |other: &u32| roster.can_communicate(ProcessId(process), ProcessId(*other));
        (0..6).filter(meets).collect::<Vec<u32>>()
    };
    assert_eq!([0, 4, 1, 5].map(meeting), [vec![2, 5], vec![3], vec![3], vec![0, 2]]);
}

#[test]
fn clients_count_twins_once() {
    let mut twins = with_twins(&[vec![NODES[1], NODES[2]], vec![NODES[3]]], &Trace::default());
    twins.processes[4].clock = Clock::default();
    let simulation = run(twins, &[(at(50), payment(1, 0))]);
    // Equal clocks: both twins make the same block.
    assert_eq!(simulation.finalized(NODES[1]).id(), simulation.finalized(NODES[3]).id());
    assert_eq!(simulation.confirmations_max(), Some(4));
}

#[test]
fn a_replaying_node_sends_again_what_it_could_have_sent() {
    let trace = Trace::default();
    let replay = Replay {
        peers: vec![NODES[2]],
        max_delay: Duration::from_secs(1),
        probability: 1.0,
        random: Box::new(Stream::new(1, "replay", 1, 0)),
    };
    run(with(3, 1, EffectFilter::Replay(replay), &trace), &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("n1>n0 thanks").len(), 1);
    assert_eq!(trace.lines("n1>n2 thanks").len(), 1, "its own thanks");
    assert_eq!(trace.lines("n1>n2 next"), Vec::<String>::new(), "the sequencer has signed that");
}

#[test]
fn a_withholding_node_sends_to_its_friends_first() {
    let trace = Trace::default();
    let conduct = EffectFilter::Withhold(vec![NODES[1]], Duration::from_millis(500));
    run(with(3, 0, conduct, &trace), &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("final"), ["100ms n0 final 1", "110ms n1 final 1", "610ms n2 final 1"]);
}

#[test]
fn a_censoring_node_never_proposes_what_some_accounts_send() {
    let conduct = EffectFilter::Censor(vec![AccountId(1)]);
    let simulation = run(with(2, 0, conduct, &Trace::default()), &[(at(50), payment(1, 0)), (at(60), payment(2, 0))]);
    let block = simulation.finalized(NODES[1]);
    assert_eq!((block.height(), block.transactions()), (Height(1), &[payment(2, 0)][..]));
}

#[test]
fn a_garbled_message_costs_its_receiver_the_check_and_is_dropped() {
    for recheck in [false, true] {
        let trace = Trace::default();
        let mut setup = with(2, 0, EffectFilter::Corrupt(1.0, Box::new(Stream::new(1, "corrupt", 0, 0))), &trace);
        setup.costs = CostTable { verify: Duration::from_millis(20), ..CostTable::FREE };
        setup.recheck = recheck;
        run(setup, &[(at(50), payment(1, 0))]);
        assert_eq!(trace.lines("n0>n1"), ["110ms n0>n1 next"]);
        assert_eq!(trace.lines("lost"), ["130ms lost n1 Forged"]);
        assert_eq!(trace.lines("n1 final"), Vec::<String>::new());
    }
}

#[test]
fn a_forgetful_node_starts_from_nothing_again_and_again() {
    let trace = Trace::default();
    let mut setup = with(2, 1, EffectFilter::Amnesia, &trace);
    let fault = Fault::Forget(vec![ProcessId(1)], Duration::from_secs(4));
    setup.faults.push(FaultEvent { at: at(4_000), fault, begins: None, ends: None });
    let simulation = run(setup, &[(at(50), payment(1, 0)), (at(5_050), payment(1, 1))]);
    assert_eq!(trace.lines("n1 boot"), ["0s n1 boot 0 at 0", "4s n1 boot 1 at 0", "8s n1 boot 2 at 0"]);
    assert_eq!(trace.lines("n1 final"), ["110ms n1 final 1"], "the second block has no parent here");
    assert_eq!(simulation.finalized(NODES[0]).height(), Height(2));
}
