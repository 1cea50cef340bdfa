//! What clients do that have no answer, and what nodes do with what they know.

use super::super::{Fault, FaultEvent, RETRY_FACTOR_MAX, Simulation};
use super::fixture::{Bell, Config, Trace, at, payment, setup};
use crate::base::{ClientId, Duration, NodeId, Time};
use crate::chain::mempool::Capacity;
use crate::network::Change;
use crate::workload::{Receipt, Request, Workload};
use std::cell::RefCell;
use std::rc::Rc;

fn fault(millis: u64, fault: Fault) -> FaultEvent {
    FaultEvent { at: at(millis), fault, begins: None, ends: None }
}

fn crash(nodes: &[u32], from: u64, to: u64) -> [FaultEvent; 2] {
    let nodes: Vec<NodeId> = nodes.iter().copied().map(NodeId).collect();
    [fault(from, Fault::crash(nodes.clone())), fault(to, Fault::restart(nodes))]
}

/// Three nodes that all take transactions, of which node 0 makes the blocks; one payment, handed in at 50 ms.
fn patient(trace: &Trace, home: u32, faults: Vec<FaultEvent>) -> Simulation<Bell> {
    let mut setup = setup(3, Config { are_listeners: true, ..Config::default() }, trace);
    setup.client_retry = Some(Duration::from_secs(1));
    setup.faults = faults;
    let mut simulation = Simulation::new(setup);
    simulation.submit_at(at(50), ClientId(0), NodeId(home), payment(1, 0));
    simulation
}

fn finish(simulation: &mut Simulation<Bell>) {
    while simulation.advance(Time::NEVER, 1_000) {}
    simulation.finish();
}

#[test]
fn a_client_without_an_answer_asks_the_next_node_that_accepts_connections() {
    let trace = Trace::default();
    let mut simulation = patient(&trace, 0, crash(&[0, 1], 10, 5_000).into());
    simulation.advance(at(1_060), 1_000);
    let known = [0, 1, 2].map(|node| simulation.pending(NodeId(node)) > 0);
    assert_eq!(known, [false, false, true], "after a second: node 1 is down, so it asks node 2");
    finish(&mut simulation);
    // It waits 1, 2 and 4 s; at 3,050 ms only node 2 is up, and at 7,050 ms it is the turn of node 0.
    assert_eq!(trace.lines("submitted true").len(), 3);
    assert_eq!(trace.lines("answered"), ["7.1s answered true"]);
}

#[test]
fn a_payment_that_a_cut_kept_at_one_node_spreads_from_the_next_that_is_asked() {
    let trace = Trace::default();
    let (alone, others) = (vec![NodeId(1)], vec![NodeId(0), NodeId(2)]);
    let pairs = vec![(alone.clone(), others.clone()), (others, alone)];
    let cut = fault(10, Fault::Network(Change::Cut { id: 1, pairs }));
    let heal = fault(500, Fault::Network(Change::Lift { id: 1 }));
    finish(&mut patient(&trace, 1, vec![cut, heal]));
    assert_eq!(trace.lines("answered"), ["1.1s answered true"], "node 2 takes it in at 1,050 ms and spreads it");
}

#[test]
fn a_node_that_knows_a_payment_does_not_spread_it_again() {
    let trace = Trace::default();
    // Node 0 is away and comes back without memory; nodes 1 and 2 know the payment all the time.
    let mut simulation = patient(&trace, 1, crash(&[0], 10, 1_500).into());
    simulation.advance(at(1_400), 1_000);
    assert_eq!(trace.lines("transaction"), ["60ms n1>n2 transaction"], "asked again at 1,050 ms, node 2 knew it");
    finish(&mut simulation);
    assert_eq!(trace.lines("answered"), ["3.1s answered true"], "the third that is asked is node 0");
}

#[test]
fn patience_doubles_up_to_a_bound() {
    let trace = Trace::default();
    let mut setup = setup(1, Config::default(), &trace);
    setup.client_retry = Some(Duration::from_millis(100));
    setup.faults = crash(&[0], 10, 60_000).into();
    let mut simulation = Simulation::new(setup);
    simulation.submit_at(at(50), ClientId(0), NodeId(0), payment(1, 0));
    finish(&mut simulation);
    let wait = simulation.client_wait(&payment(1, 0).id());
    assert_eq!(wait, Some(Duration::from_millis(100) * RETRY_FACTOR_MAX));
    assert_eq!(trace.lines("submitted"), ["50ms submitted false"], "no node was up");
}

/// One request, and what became of it.
struct Once(Option<Request>, Rc<RefCell<Vec<(Time, bool)>>>);

impl Workload for Once {
    fn next(&self) -> Option<Time> {
        self.0.as_ref().map(|request| request.at)
    }
    fn take(&mut self) -> Option<Request> {
        self.0.take()
    }
    fn on_receipt(&mut self, receipt: &Receipt) {
        self.1.borrow_mut().push((receipt.at, receipt.executed));
    }
    fn offered(&self) -> Option<f64> {
        None
    }
}

#[test]
fn a_client_without_retries_is_notified_that_its_node_refused() {
    let receipts_of = |retry| {
        let (trace, receipts) = (Trace::default(), Rc::default());
        let mut setup = setup(1, Config::default(), &trace);
        setup.client_retry = retry;
        setup.processes[0].mempool = Capacity { bytes: 1_000, transactions: 0 };
        let request = Request { at: at(50), client: ClientId(0), node: NodeId(0), transaction: payment(1, 0) };
        setup.workload = Some(Box::new(Once(Some(request), Rc::clone(&receipts))));
        finish(&mut Simulation::new(setup));
        assert!(!trace.lines("refused").is_empty());
        receipts.take()
    };
    assert_eq!(receipts_of(None), [(at(50), false)]);
    assert_eq!(receipts_of(Some(Duration::from_secs(1))), [], "it is going to ask again");
}
