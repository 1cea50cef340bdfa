//! Faults that the schedule injects into nodes, and their effects.

use super::fixture::{Config, SLOW_DISK, Trace, accounts, at, payment, run, setup};
use crate::base::{ClientId, CostTable, Crypto, Duration, Keyring, NodeId, Time};
use crate::engine::{FLOOD_ACCOUNTS, Fault, FaultEvent, FloodPayload, LogSurvival, NodeImpairment, ProcessId, Target};
use crate::engine::{LinkChange, LinkEnd};
use crate::network::Change;
use crate::workload::{Receipt, Request, Workload};
use std::sync::Arc;

fn these(nodes: &[u32]) -> Target {
    Target::first_of(nodes.iter().map(|node| NodeId(*node)).collect())
}

/// A fault from `from` to `to`, in milliseconds.
fn during(from: u64, to: u64, fault: Fault) -> Vec<FaultEvent> {
    let plain = |millis, fault| FaultEvent { at: at(millis), fault, begins: None, ends: None };
    vec![plain(from, fault), plain(to, Fault::Lift(1))]
}

fn impaired(nodes: &[u32], impairment: NodeImpairment) -> Fault {
    Fault::Impair { id: 1, target: these(nodes), impairment }
}

#[test]
fn a_node_that_stands_still_handles_later_what_arrived_meanwhile() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.faults = during(105, 500, impaired(&[1], NodeImpairment::Pause));
    run(setup, &[(at(50), payment(1, 0)), (at(150), payment(1, 1))]);
    assert_eq!(trace.lines("n1 final"), ["500ms n1 final 1", "500ms n1 final 2"]);
}

#[test]
fn the_timers_of_a_node_that_stands_still_fire_when_it_goes_on() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.faults = during(60, 450, impaired(&[0], NodeImpairment::Pause));
    run(setup, &[(at(50), payment(1, 0)), (at(460), payment(1, 1))]);
    assert_eq!(trace.lines("n0 final"), ["450ms n0 final 1", "550ms n0 final 2"], "the next stroke comes 100 ms later");
}

#[test]
fn a_job_that_was_being_checked_when_the_node_stopped_is_handled_when_it_goes_on() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.costs = CostTable { verify: Duration::from_millis(20), ..CostTable::FREE };
    setup.faults = during(130, 300, impaired(&[1], NodeImpairment::Pause));
    run(setup, &[(at(10), payment(1, 0))]);
    // Arrives at 110 ms, would be checked at 130 ms.
    assert_eq!(trace.lines("n1 final"), ["300ms n1 final 1"]);
}

#[test]
fn a_process_that_crashes_while_it_stands_still_comes_back_moving() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.faults = during(60, 5_000, impaired(&[0], NodeImpairment::Pause));
    setup.faults.extend(super::crash(0, 100, 200));
    run(setup, &[(at(250), payment(1, 0))]);
    assert_eq!(trace.lines("n0 final"), ["300ms n0 final 1"]);
}

#[test]
fn slow_processors_and_disks_take_their_factor_longer_while_it_lasts() {
    let trace = Trace::default();
    let mut slow = setup(2, Config::default(), &trace);
    slow.costs = CostTable { sign: Duration::from_millis(10), ..CostTable::FREE };
    slow.faults = during(10, 250, impaired(&[0], NodeImpairment::Cpu(3_000)));
    run(slow, &[(at(50), payment(1, 0)), (at(260), payment(1, 1))]);
    assert_eq!(trace.lines("n0 final"), ["130ms n0 final 1", "310ms n0 final 2"]);

    let trace = Trace::default();
    let mut slow = setup(2, Config::default(), &trace);
    slow.processes[0].disk = SLOW_DISK;
    slow.faults = during(10, 250, impaired(&[0], NodeImpairment::Disk(4_000)));
    run(slow, &[(at(50), payment(1, 0)), (at(260), payment(1, 1))]);
    assert_eq!(trace.lines("n0 final"), ["120ms n0 final 1", "305ms n0 final 2"]);
}

#[test]
fn nothing_that_must_be_durable_first_leaves_a_node_whose_disk_is_full() {
    for disk in [SLOW_DISK, crate::engine::DiskModel::INSTANT] {
        let trace = Trace::default();
        let mut setup = setup(2, Config::default(), &trace);
        setup.processes[0].disk = disk;
        setup.faults = during(10, 1_000, impaired(&[0], NodeImpairment::DiskFull));
        run(setup, &[(at(50), payment(1, 0))]);
        let synced = if disk == SLOW_DISK { "1.005s n0 final 1" } else { "1s n0 final 1" };
        assert_eq!(trace.lines("n0 final 1"), [synced]);
    }
}

#[test]
fn a_clock_jumps_and_one_that_is_set_back_stands_still_until_it_has_caught_up() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    let ahead = NodeImpairment::Clock { step: 500_000_000, drift: 0 };
    setup.faults = during(150, 350, impaired(&[0], ahead));
    let simulation = run(setup, &[(at(50), payment(1, 0)), (at(210), payment(1, 1)), (at(410), payment(1, 2))]);
    let times: Vec<Time> = (1..=3)
        .map(|height| simulation.block_at(NodeId(0), crate::base::Height(height)).expect("a block").header.time)
        .collect();
    // At 100, 300 and 500 ms: the clock is 500 ms ahead between 150 and 350 ms, and last showed 820 ms when thanks came.
    assert_eq!(times, [at(100), at(800), at(820)]);
}

#[test]
fn a_node_with_amnesia_comes_back_without_its_last_records() {
    let mut setup = setup(2, Config::default(), &Trace::default());
    let plain = |millis, fault| FaultEvent { at: at(millis), fault, begins: None, ends: None };
    let forgets = Fault::Crash(these(&[0]), LogSurvival::AllBut(1));
    setup.faults = vec![plain(250, forgets), plain(300, Fault::restart(vec![NodeId(0)]))];
    let simulation = run(setup, &[(at(50), payment(1, 0)), (at(150), payment(1, 1))]);
    assert_eq!(simulation.log_len(NodeId(0)), 1);
}

#[test]
fn a_node_whose_data_are_wiped_starts_at_genesis_and_one_with_a_backup_where_that_was_made() {
    let start = |kept| {
        let trace = Trace::default();
        let mut setup = setup(2, Config::default(), &trace);
        let plain = |millis, fault| FaultEvent { at: at(millis), fault, begins: None, ends: None };
        let nodes = || vec![NodeId(1)];
        setup.faults = vec![
            plain(150, Fault::Backup(vec![ProcessId(1)])),
            plain(250, Fault::Crash(Target::first_of(nodes()), kept)),
            plain(300, Fault::restart(nodes())),
        ];
        let simulation = run(setup, &[(at(50), payment(1, 0)), (at(150), payment(1, 1))]);
        (trace.lines("n1 boot 1"), simulation.log_len(NodeId(1)))
    };
    let found = |height, records| (vec![format!("300ms n1 boot 1 at {height}")], records);
    assert_eq!(start(LogSurvival::Durable), found(2, 2));
    assert_eq!(start(LogSurvival::Nothing), found(0, 0));
    assert_eq!(start(LogSurvival::Backup(Duration::from_millis(100))), found(1, 1));
    assert_eq!(start(LogSurvival::Backup(Duration::from_millis(90))), found(0, 0), "none was made then");
}

#[test]
fn a_fault_finds_the_leader_and_its_end_finds_the_same_node() {
    let trace = Trace::default();
    let mut setup = setup(3, Config::default(), &trace);
    let all = LinkEnd::Nodes(vec![NodeId(0), NodeId(1), NodeId(2)]);
    let pairs = vec![(LinkEnd::Leader, all.clone()), (all, LinkEnd::Leader)];
    setup.faults = during(150, 350, Fault::AtLeader { id: 1, change: LinkChange::Cut(pairs) });
    setup.faults.push(FaultEvent {
        at: at(350),
        fault: Fault::Network(Change::Lift { id: 1 }),
        begins: None,
        ends: None,
    });
    let mut simulation = crate::engine::Simulation::new(setup);
    simulation.note_leader(NodeId(0), 1);
    for (millis, nonce) in [(50, 0), (210, 1)] {
        simulation.submit_at(at(millis), ClientId(0), NodeId(0), payment(1, nonce));
    }
    while simulation.advance(Time::NEVER, 1_000) {}
    assert_eq!(trace.lines("n0 final").len(), 2);
    assert_eq!(trace.lines("n1 final").len(), 1, "the second block met the cut");
}

#[test]
fn a_flood_costs_its_victims_time_and_nothing_else() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.costs = CostTable { verify: Duration::from_millis(30), ..CostTable::FREE };
    let gap = Duration::from_millis(20);
    setup.faults = during(60, 140, Fault::Flood { id: 1, target: these(&[1]), payload: FloodPayload::Messages, gap });
    run(setup, &[(at(10), payment(1, 0))]);
    // Garbage at 80, 100, 120 ms takes until 170 ms; the block of 100 ms waits behind two of
    // them, and its payment is checked once more.
    assert_eq!(trace.lines("lost n1 Forged"), ["110ms lost n1 Forged", "140ms lost n1 Forged", "230ms lost n1 Forged"]);
    assert_eq!(trace.lines("n1 final"), ["200ms n1 final 1"]);
}

#[test]
fn a_flood_of_payments_without_funds_reaches_mempools_and_no_block() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.accounts = Arc::new(Keyring::new(Crypto::Symbolic, 1, "account", accounts().len() + FLOOD_ACCOUNTS as usize));
    let gap = Duration::from_millis(40);
    setup.faults =
        during(90, 210, Fault::Flood { id: 1, target: these(&[0]), payload: FloodPayload::Transactions, gap });
    run(setup, &[(at(150), payment(1, 0))]);
    // They arrive at 130 and 170 ms, beside one that has funds. The proposer refuses them when it makes the next block.
    assert_eq!(trace.lines("refused").len(), 2, "{:?}", trace.lines("refused"));
    assert!(trace.lines("refused").iter().all(|line| line.starts_with("200ms")), "{:?}", trace.lines("refused"));
    assert_eq!(trace.lines("n1 final"), ["210ms n1 final 1"]);
}

/// Submits one transaction every 100 ms of its own time.
struct Steady(u64);

impl Workload for Steady {
    fn next(&self) -> Option<Time> {
        Some(at(100 * (self.0 + 1)))
    }
    fn take(&mut self) -> Option<Request> {
        let (at, transaction) = (at(100 * (self.0 + 1)), payment(1, self.0));
        self.0 += 1;
        Some(Request { at, client: ClientId(0), node: NodeId(0), transaction })
    }
    fn on_receipt(&mut self, _: &Receipt) {}
    fn offered(&self) -> Option<f64> {
        None
    }
}

#[test]
fn clients_ask_a_factor_more_often_while_it_lasts() {
    let trace = Trace::default();
    let mut setup = setup(2, Config::default(), &trace);
    setup.workload = Some(Box::new(Steady(0)));
    setup.stop.at = at(1_000);
    setup.faults = during(250, 450, Fault::Load { id: 1, pace: 4_000 });
    run(setup, &[]);
    let times: Vec<String> =
        trace.lines("submitted").iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect();
    // At 250 ms the clients' clock shows 250 ms, at 450 ms it shows 1,050 ms.
    let expected = [
        "100ms", "200ms", "262.5ms", "287.5ms", "312.5ms", "337.5ms", "362.5ms", "387.5ms", "412.5ms", "437.5ms",
        "500ms", "600ms", "700ms", "800ms", "900ms", "1s",
    ];
    assert_eq!(times, expected);
}
