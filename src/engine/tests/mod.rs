//! The promises of the engine, on the smallest protocol.

mod adversary;
mod anchor;
mod clients;
mod fault;
mod fixture;
mod work;

use super::{Agent, Chain, EffectFilter, Fault, FaultEvent, MultiChain, Simulation, Stop};
use crate::base::{ClientId, CostTable, Duration, Height, NodeId, Time};
use crate::chain::{Batch, Block, Header};
use crate::engine::StopRule;
use crate::network::Change;
use crate::observe::event_log::Recorder;
use crate::observe::{Loss, Observed, Observer, Violation};
use fixture::{Bell, Config, FAST_CLOCK, SLOW_DISK, Trace, at, payment, run, setup};

fn crash(node: u32, from: u64, to: u64) -> Vec<FaultEvent> {
    let nodes = vec![NodeId(node)];
    let plain = |millis, fault| FaultEvent { at: at(millis), fault, begins: None, ends: None };
    vec![plain(from, Fault::crash(nodes.clone())), plain(to, Fault::restart(nodes))]
}

#[test]
fn a_transaction_goes_from_its_client_through_a_block_to_every_node() {
    let trace = Trace::default();
    let simulation = run(setup(3, Config::default(), &trace), &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("final"), ["100ms n0 final 1", "110ms n1 final 1", "110ms n2 final 1"]);
    assert_eq!(trace.lines("answered"), ["100ms answered true"]);
    assert_eq!(trace.lines("n0 thanks 1").len(), 2);
    assert_eq!(simulation.under_way(), 0, "no message is kept after its last delivery");
    assert!(simulation.violations().is_empty());
}

#[test]
fn computing_delays_what_follows_it_and_keeps_the_core_busy() {
    let trace = Trace::default();
    let mut setup = setup(2, Config { extra_signatures: 3, ..Config::default() }, &trace);
    setup.costs = CostTable { sign: Duration::from_millis(20), ..CostTable::FREE };
    run(setup, &[(at(50), payment(1, 0)), (at(101), payment(2, 0))]);
    // One signature before the block is final here, three more before it is sent; then 10 ms of network. The second
    // payment waits in the inbox until the core is free at 180 ms, which is before the stroke at 200 ms.
    assert_eq!(trace.lines("final 1"), ["120ms n0 final 1", "190ms n1 final 1"]);
    assert_eq!(trace.lines("n0 final 2"), ["220ms n0 final 2"]);
}

#[test]
fn what_follows_a_record_waits_until_it_is_durable() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.processes[0].disk = SLOW_DISK;
    run(setup, &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("final 1"), ["105ms n0 final 1", "115ms n1 final 1"]);
}

#[test]
fn a_node_that_crashes_before_its_record_is_durable_never_spoke() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.processes[0].disk = SLOW_DISK;
    setup.faults = crash(0, 103, 1_000);
    let simulation = run(setup, &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("next"), Vec::<String>::new());
    assert_eq!(trace.lines("boot 1"), ["1s n0 boot 1 at 0"]);
    assert_eq!(simulation.finalized(NodeId(1)).height(), Height(0));
}

#[test]
fn a_node_comes_back_with_what_was_durable_and_final() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.faults = crash(0, 150, 1_050);
    run(setup, &[(at(50), payment(1, 0)), (at(1_100), payment(1, 1))]);
    assert_eq!(trace.lines("boot 1"), ["1.05s n0 boot 1 at 1"]);
    assert_eq!(trace.lines("n1 final 2"), ["1.16s n1 final 2"]);
}

#[test]
fn a_message_to_a_node_that_is_down_is_lost() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.faults = crash(1, 105, 200);
    run(setup, &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("lost"), ["110ms lost n1 Down"]);
}

#[test]
fn a_forged_message_never_reaches_a_handler() {
    let trace = Trace::default();
    run(setup(2, Config { forge: true, ..Config::default() }, &trace), &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("lost"), ["110ms lost n1 Forged"]);
    assert_eq!(trace.lines("n1 final"), Vec::<String>::new());
}

#[test]
fn timers_follow_the_local_clock() {
    let trace = Trace::default();
    let mut setup = setup(2, Config { stroke: Duration::from_millis(110), ..Config::default() }, &trace);
    setup.processes[0].clock = FAST_CLOCK;
    run(setup, &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("n0 final"), ["100ms n0 final 1"], "a clock that gains a tenth shows 110 ms at 100 ms");
}

#[test]
fn a_transaction_that_is_handed_in_again_is_submitted_once_and_answered_once() {
    let trace = Trace::default();
    run(
        setup(2, Config::default(), &trace),
        &[(at(50), payment(1, 0)), (at(60), payment(1, 0)), (at(250), payment(1, 0))],
    );
    assert_eq!(trace.lines("submitted"), ["50ms submitted false", "60ms submitted true", "250ms submitted true"]);
    assert_eq!(trace.lines("answered"), ["100ms answered true"]);
}

#[test]
fn what_a_block_executed_can_be_asked_of_each_node() {
    let mut simulation = Simulation::new(setup(2, Config::default(), &Trace::default()));
    // The nonce of the second payment is ahead of its turn.
    let batch = Batch::new(vec![payment(1, 0), payment(2, 1)]);
    let genesis = Block::genesis();
    let header = Header { parent: genesis.id(), height: Height(1), merkle: batch.digest(), ..genesis.header };
    simulation.graft(NodeId(1), &Block::new(header, batch));
    assert_eq!(simulation.executed_at(NodeId(1), Height(1)), [payment(1, 0)]);
    assert_eq!(simulation.executed_at(NodeId(0), Height(1)), [], "it has no such block");
}

#[test]
fn whether_a_node_runs_can_be_asked() {
    let mut setup = setup(2, Config::default(), &Trace::default());
    setup.faults = crash(1, 10, 20_000);
    let simulation = run(setup, &[]);
    assert_eq!([0, 1].map(|node| simulation.is_up(NodeId(node))), [true, false]);
}

#[test]
fn a_cut_holds_what_is_sent_and_ends_when_it_is_lifted() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    let pairs = vec![(vec![NodeId(0)], vec![NodeId(1)])];
    let plain = |millis, change| FaultEvent { at: at(millis), fault: Fault::Network(change), begins: None, ends: None };
    setup.faults = vec![plain(10, Change::Cut { id: 1, pairs }), plain(150, Change::Lift { id: 1 })];
    run(setup, &[(at(50), payment(1, 0)), (at(160), payment(2, 0))]);
    assert_eq!(trace.lines("lost"), ["100ms lost n1 Network"]);
    assert_eq!(trace.lines("n0>n1"), ["210ms n0>n1 next"]);
}

/// Compares every arrival and every loss with its sending: the sender, the kind, and the number of copies under way.
#[derive(Default)]
struct Postmarks(Vec<(NodeId, &'static str, u32)>);

impl Observer for Postmarks {
    fn observe(&mut self, _: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        match *observed {
            Observed::Sent { sending, from, kind, copies, .. } => {
                let slot = sending as usize;
                self.0.resize(self.0.len().max(slot + 1), (from, kind, 0));
                assert_eq!(self.0[slot].2, 0, "a number is used again when nothing is under way any more");
                self.0[slot] = (from, kind, copies);
            }
            Observed::Delivered { sending, from, kind, .. } => {
                let kept = &mut self.0[sending as usize];
                assert_eq!((kept.0, kept.1), (from, kind));
                kept.2 -= 1;
            }
            Observed::Lost { sending, why, .. } if why != Loss::Forged => {
                self.0[sending.expect("nothing spreads by sampled delay") as usize].2 -= 1;
            }
            _ => {}
        }
        Ok(())
    }
    fn finish(&mut self, _: Time) -> Result<(), Violation> {
        assert!(!self.0.is_empty() && self.0.iter().all(|kept| kept.2 == 0), "every copy arrives or is lost");
        Ok(())
    }
    fn wants_messages(&self) -> bool {
        true
    }
}

#[test]
fn arrivals_and_losses_name_the_sending_that_they_belong_to() {
    for forge in [false, true] {
        let trace = Trace::default();
        let mut setup = setup(4, Config { forge, ..Config::default() }, &trace);
        setup.observers.push(Box::new(Postmarks::default()));
        let pairs = vec![(vec![NodeId(0)], vec![NodeId(1)])];
        let cut = Fault::Network(Change::Cut { id: 1, pairs });
        setup.faults = crash(2, 105, 300);
        setup.faults.push(FaultEvent { at: at(10), fault: cut, begins: None, ends: None });
        run(setup, &[(at(50), payment(1, 0)), (at(160), payment(2, 0)), (at(450), payment(3, 0))]);
        let lost = |why: &str| trace.lines("lost").iter().any(|line| line.ends_with(why));
        assert!(lost("Network") && lost("Down") && lost("Forged") == forge);
    }
}

#[test]
fn who_watches_messages_changes_nothing() {
    let print = |watched: bool| {
        let mut setup = setup(3, Config::default(), &Trace::default());
        setup.observers.clear();
        if watched {
            setup.observers.push(Box::new(Recorder::new(vec![true; 3], 10)));
        }
        let simulation = run(setup, &[(at(50), payment(1, 0))]);
        simulation.timeline().expect("finished").end()
    };
    assert_eq!(print(false), print(true));
}

#[test]
fn a_silent_node_receives_and_sends_nothing() {
    let trace = Trace::default();
    let mut setup = setup(3, Config::default(), &trace);
    setup.processes[1].adversary = Some(Box::new(EffectFilter::Silent));
    run(setup, &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("final").len(), 3);
    assert_eq!(trace.lines("thanks"), ["120ms n2>n0 thanks", "120ms n0 thanks 1"]);
}

#[test]
fn a_delaying_node_sends_everything_late() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.processes[0].adversary = Some(Box::new(EffectFilter::Delay(Duration::from_millis(500))));
    run(setup, &[(at(50), payment(1, 0))]);
    assert_eq!(trace.lines("final"), ["100ms n0 final 1", "610ms n1 final 1"]);
}

/// Payments of three accounts, with gaps and a forgery.
fn payments() -> Vec<(Time, std::sync::Arc<crate::chain::Transaction>)> {
    let mut all: Vec<_> = (0..40).map(|n| (at(20 + 37 * n), payment(1 + (n % 3) as u32, n / 3))).collect();
    all.push((at(333), payment(1, 0).forged()));
    all
}

fn fingerprint(change: impl FnOnce(&mut super::Setup<Bell>)) -> (String, usize) {
    let trace = Trace::default();
    let mut setup = setup(4, Config::default(), &trace);
    setup.costs = CostTable::default();
    setup.processes.iter_mut().for_each(|process| process.disk = SLOW_DISK);
    setup.faults = crash(2, 300, 700);
    change(&mut setup);
    let simulation = run(setup, &payments());
    (simulation.timeline().expect("finished").end().value.to_string(), trace.lines("final").len())
}

#[test]
fn the_fingerprint_is_a_function_of_the_scenario_and_the_seed() {
    let (first, finals) = fingerprint(|_| {});
    assert!(finals > 40, "the run is not vacuous");
    assert_eq!(first, fingerprint(|_| {}).0, "the same again");
    assert_eq!(first, fingerprint(|setup| setup.recheck = true).0, "everything computed again");
    assert_eq!(first, fingerprint(|setup| setup.observers.push(Box::new(Trace::default()))).0, "one more observer");
    assert_ne!(first, fingerprint(|setup| setup.faults = crash(2, 301, 700)).0, "another fault");
}

#[test]
fn an_idle_gap_costs_no_events() {
    let events = |hours: u64| {
        let mut setup =
            setup(2, Config { stroke: Duration::from_secs(3_600 * hours), ..Config::default() }, &Trace::default());
        setup.stop = Stop::at(Time::ZERO + Duration::from_secs(3_600 * hours + 1));
        setup.interval = Duration::from_secs(3_600 * hours);
        run(setup, &[(at(1), payment(1, 0))]).events()
    };
    assert_eq!(events(1), events(1_000));
}

#[test]
fn a_run_can_stop_when_something_is_reached() {
    let run_with = |stop| {
        let mut setup = setup(2, Config::default(), &Trace::default());
        setup.stop = stop;
        run(setup, &payments()).end()
    };
    let end = Stop::at(at(10_000));
    assert_eq!(run_with(end), at(10_000));
    assert_eq!(run_with(Stop { rule: Some(StopRule::FinalTransactions(1)), ..end }), at(100));
    assert_eq!(run_with(Stop { rule: Some(StopRule::Height(2)), ..end }), at(200));
    assert_eq!(run_with(Stop { rule: Some(StopRule::FinalHeight(2)), ..end }), at(210));
}

/// Writes a payment on the second chain for every block that becomes final on the first.
struct Anchor {
    next: Time,
    seen: Height,
}

impl Agent for Anchor {
    fn next(&self) -> Option<Time> {
        Some(self.next)
    }
    fn act(&mut self, now: Time, chains: &mut [Box<dyn Chain>]) {
        self.next = now + Duration::from_millis(250);
        let tip = chains[0].finalized(NodeId(1));
        while self.seen < tip.height() {
            self.seen = self.seen.next();
            chains[1].submit(now, ClientId(0), NodeId(0), payment(7, self.seen.0 - 1));
        }
    }
}

#[test]
fn an_agent_carries_what_is_final_on_one_chain_to_another() {
    let (first, second) = (Trace::default(), Trace::default());
    let mut source = Simulation::new(setup(2, Config::default(), &first));
    for (at, transaction) in payments() {
        source.submit_at(at, ClientId(0), NodeId(0), transaction);
    }
    let target = Simulation::new(setup(3, Config::default(), &second));
    let anchor = Anchor { next: at(250), seen: Height::GENESIS };
    let mut world = MultiChain::new(vec![Box::new(source), Box::new(target)], vec![Box::new(anchor)]);
    while world.advance(10) {}
    let blocks = world.chains[0].finalized(NodeId(0)).height().0 as usize;
    assert!(blocks > 5);
    assert_eq!(second.lines("answered true").len(), blocks);
    assert_eq!(second.lines("answered")[0], "300ms answered true", "seen at 250 ms, in the block at 300 ms");
}
