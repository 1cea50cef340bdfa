//! Logs of hand-made histories.

use super::*;
use crate::base::Duration;
use crate::chain::Block;
use crate::observe::testing::{Feed, child, ms, node, payment};
use crate::observe::{Observed, Observer, ViolationKind};

fn recorder(capacity: usize) -> Feed<Recorder> {
    Feed::new(Recorder::new(vec![true, true, false], capacity))
}

fn send(recorder: &mut Feed<Recorder>, at: u64, sending: u32, kind: &'static str, copies: u32) {
    recorder.notify(at, &Observed::Sent { sending, from: node(0), kind, bytes: 100, copies });
}

fn deliver(recorder: &mut Feed<Recorder>, at: u64, sending: u32, to: u32) {
    recorder.notify(at, &Observed::Delivered { sending, from: node(0), to: node(to), kind: "feed", bytes: 1 });
}

fn lose(recorder: &mut Feed<Recorder>, at: u64, sending: Option<u32>, to: u32, why: Loss) {
    recorder.notify(at, &Observed::Lost { sending, to: node(to), why });
}

fn violation(kind: ViolationKind, at: u64) -> Violation {
    Violation { property: "agreement", kind, at: ms(at), what: "two blocks".into() }
}

/// The numbers of the transmissions that were delivered or lost, with their kinds and when they were sent.
fn joined(log: &EventLog) -> Vec<(u64, &'static str, Time)> {
    let of = |event: &Event| match event.kind {
        EventKind::Delivered { transmission, .. } | EventKind::Lost { transmission: Some(transmission), .. } => {
            Some(transmission)
        }
        _ => None,
    };
    log.events.iter().filter_map(of).map(|sent| (sent.number, sent.kind, sent.at)).collect()
}

#[test]
fn arrivals_and_losses_are_matched_with_their_transmissions_though_numbers_are_used_again() {
    let mut recorder = recorder(100);
    send(&mut recorder, 1, 0, "ask", 2);
    send(&mut recorder, 2, 1, "vote", 1);
    deliver(&mut recorder, 3, 0, 1);
    lose(&mut recorder, 4, Some(0), 2, Loss::Network);
    send(&mut recorder, 5, 0, "answer", 2);
    lose(&mut recorder, 6, Some(1), 2, Loss::Down);
    deliver(&mut recorder, 7, 0, 1);
    lose(&mut recorder, 7, Some(0), 1, Loss::Forged);
    lose(&mut recorder, 8, None, 2, Loss::Down);
    let log = recorder.observer.into_log(ms(10));
    let (ask, vote, answer) = ((0, "ask", ms(1)), (1, "vote", ms(2)), (2, "answer", ms(5)));
    assert_eq!(joined(&log), [ask, ask, vote, answer, answer]);
    assert_eq!(log.in_transit, 1, "one copy of the answer");
    assert_eq!(log.events[8].kind, EventKind::Lost { transmission: None, to: node(2), why: Loss::Down });
}

#[test]
fn a_recorder_keeps_its_capacity_and_the_state_before() {
    let mut recorder = recorder(3);
    recorder.boot(3);
    recorder.notify(1, &Observed::FaultBegan { fault: 4, label: "a cut" });
    recorder.notify(1, &Observed::FaultBegan { fault: 5, label: "another" });
    recorder.notify(2, &Observed::FaultEnded { fault: 5 });
    recorder.crash(3, 1);
    send(&mut recorder, 4, 0, "vote", 1);
    for at in 5..50 {
        recorder.notify(at, &Observed::Noted { node: node(0), label: "round_started", value: at });
    }
    deliver(&mut recorder, 60, 0, 2);
    let log = recorder.observer.into_log(ms(100));
    assert_eq!((log.events.len(), log.earlier, log.end), (3, 51, ms(100)));
    assert_eq!(log.initial, InitialState { down: vec![false, true, false], faults: vec![(4, "a cut".into())] });
    assert_eq!(joined(&log), [(0, "vote", ms(4))], "the event of its sending is no longer in the log");
    assert_eq!(log.outages(), [Span { subject: node(1), from: Time::ZERO, to: ms(100) }]);
    assert_eq!(log.faults(), [Span { subject: "a cut".to_owned(), from: Time::ZERO, to: ms(100) }]);
}

#[test]
fn events_are_logged_in_order() {
    let mut recorder = recorder(100);
    let block = child(&Block::genesis(), 0, &[payment(0)]);
    recorder.boot(1);
    recorder.submit(1, 0, &payment(0));
    recorder.hold(2, 0, &block);
    recorder.decide(2, 0, &block);
    recorder.rewind(3, 0, 1, 0, 1);
    recorder.install(4, 0, &block);
    recorder.crash(5, 0);
    recorder.reboot(8, 0, 1, &block);
    let log = recorder.observer.into_log(ms(9));
    let name = BlockName { height: Height(1), id: block.id() };
    let kinds: Vec<&EventKind> = log.events.iter().map(|event| &event.kind).collect();
    assert_eq!(kinds.len(), 8, "the receipt of a block is not logged");
    assert!(matches!(kinds[1], EventKind::Submitted { is_retry: false, .. }));
    assert_eq!(
        kinds[2..4],
        [&EventKind::Extended { node: node(0), block: name }, &EventKind::Finalized { node: node(0), block: name }]
    );
    assert_eq!(kinds[7], &EventKind::Booted { node: node(0), boot: 1, durable: name });
    let outages: Vec<Span<NodeId>> = log.outages().into_iter().filter(|span| span.subject == node(0)).collect();
    assert_eq!(outages[1], Span { subject: node(0), from: ms(5), to: ms(8) });
}

#[test]
fn a_log_ends_with_the_first_violation_of_safety_else_of_liveness_else_with_the_run() {
    let note = |recorder: &mut Feed<Recorder>, at: u64| {
        recorder.notify(at, &Observed::Noted { node: node(0), label: "round_started", value: at });
    };
    let mut recorder = recorder(4);
    (1..5).for_each(|at| note(&mut recorder, at));
    let (late, wrong) = (violation(ViolationKind::Liveness, 5), violation(ViolationKind::Safety, 20));
    recorder.observer.violated(ms(5), &late);
    (6..20).for_each(|at| note(&mut recorder, at));
    let mut not_live = recorder.observer.clone().into_log(ms(99));
    assert_eq!((not_live.end, not_live.violations().collect::<Vec<_>>()), (ms(5), vec![&late]));
    not_live.add(&wrong);
    not_live.add(&late);
    assert_eq!(not_live.violations().count(), 1, "it ends before the other, and holds no violation twice");
    recorder.observer.violated(ms(20), &wrong);
    note(&mut recorder, 21);
    recorder.observer.violated(ms(22), &violation(ViolationKind::Safety, 22));
    let unsafe_ = recorder.observer.into_log(ms(99));
    assert_eq!((unsafe_.end, unsafe_.events.len()), (ms(20), 4));
    assert_eq!(unsafe_.violations().collect::<Vec<_>>(), [&wrong]);
}

#[test]
fn a_violation_found_after_the_run_is_inserted_at_its_time() {
    let mut recorder = recorder(10);
    recorder.boot(2);
    recorder.crash(5, 0);
    recorder.crash(9, 1);
    let mut log = recorder.observer.into_log(ms(0) + Duration::from_millis(20));
    log.add(&violation(ViolationKind::Safety, 5));
    assert!(matches!(log.events[3].kind, EventKind::Violated(_)), "after the event that led to it");
}
