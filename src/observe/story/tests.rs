//! Stories of hand-made histories.

use super::*;
use crate::base::Duration;
use crate::chain::Block;
use crate::observe::check::history::{Told, child, ms, node, payment};
use crate::observe::{Observed, Observer, ViolationKind};

fn recorder(capacity: usize) -> Told<Recorder> {
    Told::new(Recorder::new(vec![true, true, false], capacity))
}

fn send(told: &mut Told<Recorder>, at: u64, sending: u32, kind: &'static str, copies: u32) {
    told.tell(at, &Observed::Sent { sending, from: node(0), kind, bytes: 100, copies });
}

fn deliver(told: &mut Told<Recorder>, at: u64, sending: u32, to: u32) {
    told.tell(at, &Observed::Delivered { sending, from: node(0), to: node(to), kind: "told", bytes: 1 });
}

fn lose(told: &mut Told<Recorder>, at: u64, sending: Option<u32>, to: u32, why: Loss) {
    told.tell(at, &Observed::Lost { sending, to: node(to), why });
}

fn violation(kind: ViolationKind, at: u64) -> Violation {
    Violation { property: "agreement", kind, at: ms(at), what: "two blocks".into() }
}

/// The numbers of the sendings that were delivered or lost, with their kinds and when they were sent.
fn joined(story: &Story) -> Vec<(u64, &'static str, Time)> {
    let of = |event: &Event| match event.what {
        What::Delivered { sending, .. } | What::Lost { sending: Some(sending), .. } => Some(sending),
        _ => None,
    };
    story.events.iter().filter_map(of).map(|sending| (sending.number, sending.kind, sending.at)).collect()
}

#[test]
fn arrivals_and_losses_are_joined_with_their_sendings_though_numbers_are_used_again() {
    let mut told = recorder(100);
    send(&mut told, 1, 0, "ask", 2);
    send(&mut told, 2, 1, "vote", 1);
    deliver(&mut told, 3, 0, 1);
    lose(&mut told, 4, Some(0), 2, Loss::Network);
    send(&mut told, 5, 0, "answer", 2);
    lose(&mut told, 6, Some(1), 2, Loss::Down);
    deliver(&mut told, 7, 0, 1);
    lose(&mut told, 7, Some(0), 1, Loss::Forged);
    lose(&mut told, 8, None, 2, Loss::Down);
    let story = told.observer.into_story(ms(10));
    let (ask, vote, answer) = ((0, "ask", ms(1)), (1, "vote", ms(2)), (2, "answer", ms(5)));
    assert_eq!(joined(&story), [ask, ask, vote, answer, answer]);
    assert_eq!(story.under_way, 1, "one copy of the answer");
    assert_eq!(story.events[8].what, What::Lost { sending: None, to: node(2), why: Loss::Down });
}

#[test]
fn a_recorder_keeps_no_more_than_it_was_asked_to_and_knows_what_came_before() {
    let mut told = recorder(3);
    told.boot(3);
    told.tell(1, &Observed::FaultBegan { fault: 4, label: "a cut" });
    told.tell(1, &Observed::FaultBegan { fault: 5, label: "another" });
    told.tell(2, &Observed::FaultEnded { fault: 5 });
    told.crash(3, 1);
    send(&mut told, 4, 0, "vote", 1);
    for at in 5..50 {
        told.tell(at, &Observed::Noted { node: node(0), label: "round_started", value: at });
    }
    deliver(&mut told, 60, 0, 2);
    let story = told.observer.into_story(ms(100));
    assert_eq!((story.events.len(), story.earlier, story.end), (3, 51, ms(100)));
    assert_eq!(story.opening, Opening { down: vec![false, true, false], faults: vec![(4, "a cut".into())] });
    assert_eq!(joined(&story), [(0, "vote", ms(4))], "the sending itself is no longer told of");
    assert_eq!(story.outages(), [Span { what: node(1), from: Time::ZERO, to: ms(100) }]);
    assert_eq!(story.faults(), [Span { what: "a cut".to_owned(), from: Time::ZERO, to: ms(100) }]);
}

#[test]
fn everything_that_a_story_tells_of_is_told_in_order() {
    let mut told = recorder(100);
    let block = child(&Block::genesis(), 0, &[payment(0)]);
    told.boot(1);
    told.submit(1, 0, &payment(0));
    told.hold(2, 0, &block);
    told.decide(2, 0, &block);
    told.rewind(3, 0, 1, 0, 1);
    told.install(4, 0, &block);
    told.crash(5, 0);
    told.reboot(8, 0, 1, &block);
    let story = told.observer.into_story(ms(9));
    let name = BlockName { height: Height(1), id: block.id() };
    let what: Vec<&What> = story.events.iter().map(|event| &event.what).collect();
    assert_eq!(what.len(), 8, "that a block is held is not told");
    assert!(matches!(what[1], What::Submitted { again: false, .. }));
    assert_eq!(
        what[2..4],
        [&What::Extended { node: node(0), block: name }, &What::Finalized { node: node(0), block: name }]
    );
    assert_eq!(what[7], &What::Booted { node: node(0), boot: 1, durable: name });
    let outages: Vec<Span<NodeId>> = story.outages().into_iter().filter(|span| span.what == node(0)).collect();
    assert_eq!(outages[1], Span { what: node(0), from: ms(5), to: ms(8) });
}

#[test]
fn a_story_ends_with_the_first_violation_of_safety_else_of_liveness_else_with_the_run() {
    let note = |told: &mut Told<Recorder>, at: u64| {
        told.tell(at, &Observed::Noted { node: node(0), label: "round_started", value: at });
    };
    let mut told = recorder(4);
    (1..5).for_each(|at| note(&mut told, at));
    let (late, wrong) = (violation(ViolationKind::Liveness, 5), violation(ViolationKind::Safety, 20));
    told.observer.violated(ms(5), &late);
    (6..20).for_each(|at| note(&mut told, at));
    let mut not_live = told.observer.clone().into_story(ms(99));
    assert_eq!((not_live.end, not_live.violations().collect::<Vec<_>>()), (ms(5), vec![&late]));
    not_live.add(&wrong);
    not_live.add(&late);
    assert_eq!(not_live.violations().count(), 1, "it is over before the other, and tells nothing twice");
    told.observer.violated(ms(20), &wrong);
    note(&mut told, 21);
    told.observer.violated(ms(22), &violation(ViolationKind::Safety, 22));
    let unsafe_ = told.observer.into_story(ms(99));
    assert_eq!((unsafe_.end, unsafe_.events.len()), (ms(20), 4));
    assert_eq!(unsafe_.violations().collect::<Vec<_>>(), [&wrong]);
}

#[test]
fn what_is_found_after_the_run_takes_its_place_in_the_story() {
    let mut told = recorder(10);
    told.boot(2);
    told.crash(5, 0);
    told.crash(9, 1);
    let mut story = told.observer.into_story(ms(0) + Duration::from_millis(20));
    story.add(&violation(ViolationKind::Safety, 5));
    assert!(matches!(story.events[3].what, What::Violated(_)), "after what it came of");
}
