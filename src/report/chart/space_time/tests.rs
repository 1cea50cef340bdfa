use super::*;
use crate::base::{Duration, Hash, Height};
use crate::observe::event_log::{Event, InitialState, Transmission};
use crate::observe::{Loss, Violation, ViolationKind};
use crate::report::chart::{png, svg};

fn ms(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

fn transmission(number: u64, at: u64, from: u32, kind: &'static str) -> Transmission {
    Transmission { number, at: ms(at), from: NodeId(from), kind, bytes: 100 }
}

fn delivered(at: u64, transmission: Transmission, to: u32) -> Event {
    Event { at: ms(at), kind: EventKind::Delivered { transmission, to: NodeId(to) } }
}

fn lost(at: u64, transmission: Transmission, to: u32, why: Loss) -> Event {
    Event { at: ms(at), kind: EventKind::Lost { transmission: Some(transmission), to: NodeId(to), why } }
}

fn finalized(at: u64, node: u32, height: u64) -> Event {
    let block = BlockName { height: Height(height), id: Hash([0xab; 32]) };
    Event { at: ms(at), kind: EventKind::Finalized { node: NodeId(node), block } }
}

fn violated(at: u64) -> Event {
    let what = "n2 finalized <another> block".to_owned();
    let violation = Violation { property: "agreement", kind: ViolationKind::Safety, at: ms(at), what };
    Event { at: ms(at), kind: EventKind::Violated(violation) }
}

fn log(nodes: usize, events: Vec<Event>) -> EventLog {
    let end = events.last().map_or(ms(100), |event| event.at);
    let initial = InitialState { down: vec![false; nodes], faults: Vec::new() };
    let mut honest = vec![true; nodes];
    honest[0] = false;
    EventLog { honest, initial, events, earlier: 10, end, in_transit: 2 }
}

/// Two votes, of which one is lost on the way and one at a node that is down; a block is final, and must not be.
fn small() -> EventLog {
    let (vote, ask) = (transmission(7, 10, 0, "vote"), transmission(8, 15, 1, "ask"));
    log(
        3,
        vec![
            lost(10, vote, 2, Loss::Network),
            Event { at: ms(11), kind: EventKind::FaultBegan { fault: 0, label: "a cut".into() } },
            Event { at: ms(12), kind: EventKind::Crashed { node: NodeId(1) } },
            lost(20, vote, 1, Loss::Down),
            delivered(25, ask, 2),
            finalized(30, 2, 4),
            finalized(30, 2, 5),
            violated(30),
        ],
    )
}

#[test]
fn a_diagram_has_every_part_of_its_log() {
    let diagram = SpaceTime::new(&small());
    assert_eq!(diagram.title, "What led to the violation of agreement");
    assert_eq!(diagram.kinds, [("vote".to_owned(), Colour::Blue), ("ask".to_owned(), Colour::Orange)]);
    let ends: Vec<(usize, usize, Option<f64>)> =
        diagram.arrows.iter().map(|arrow| (arrow.from, arrow.to, arrow.lost)).collect();
    assert_eq!(ends, [(0, 2, Some(select::LOST)), (0, 1, Some(1.0)), (1, 2, None)]);
    assert!(diagram.arrows.iter().all(|arrow| arrow.start < arrow.end), "{:?}", diagram.arrows);
    assert_eq!(diagram.lines.iter().map(|line| line.honest).collect::<Vec<_>>(), [false, true, true]);
    let down = diagram.lines[1].down[0];
    assert!(down.0 > diagram.arrows[0].start && (down.1 - diagram.violations[0].at).abs() < 0.02);
    let signs: Vec<(usize, Sign, &str)> =
        diagram.marks.iter().map(|mark| (mark.line, mark.sign, mark.label.as_str())).collect();
    assert_eq!(signs, [(1, Sign::Crashed, ""), (2, Sign::Final, "4 to 5 abab")]);
    assert_eq!((diagram.faults.len(), diagram.violations[0].line), (1, Some(2)));
    let text = svg(&diagram);
    for part in [
        "What led to the violation of agreement",
        "n2 finalized &lt;another&gt; block",
        "byzantine",
        "a cut",
        "4 to 5 abab",
        ">vote",
        ">lost",
        "simulated time (s)",
    ] {
        assert!(text.replace('\n', "").contains(part), "{part}");
    }
    assert!(diagram.caption.contains("2 messages were still under way"), "{}", diagram.caption);
    assert!(diagram.alternative().contains("agreement at 0.030000 s"));
}

#[test]
fn what_does_not_fit_is_left_out_and_the_caption_says_so() {
    let mut events = Vec::new();
    for number in 0..400 {
        let kind = if number % 4 == 0 { "transaction" } else { "vote" };
        events.push(delivered(number + 10, transmission(number, number, 1 + (number % 20) as u32, kind), 0));
    }
    let diagram = SpaceTime::new(&log(30, events));
    assert_eq!((diagram.arrows.len(), diagram.lines.len()), (MESSAGES_MAX, NODES_MAX));
    assert_eq!(diagram.kinds.len(), 1);
    let shown = format!("Showing the last {MESSAGES_MAX} of 400 messages, without those called transaction.");
    assert!(diagram.caption.contains(&shown), "{}", diagram.caption);
    assert!(diagram.caption.contains("Showing 12 of 30 nodes."), "{}", diagram.caption);
    assert!(diagram.lines.iter().any(|line| !line.honest), "Byzantine nodes are among them");
}

#[test]
fn silences_are_cut_short_and_what_happens_is_on_one_scale() {
    let events = vec![
        delivered(20, transmission(0, 10, 0, "vote"), 1),
        delivered(40, transmission(1, 20, 1, "vote"), 2),
        delivered(90_010, transmission(2, 90_000, 0, "vote"), 1),
    ];
    let diagram = SpaceTime::new(&log(3, events));
    let spans: Vec<f64> = diagram.arrows.iter().map(|arrow| arrow.end - arrow.start).collect();
    assert!((spans[1] - 2.0 * spans[0]).abs() < 1e-9 && (spans[2] - spans[0]).abs() < 1e-9, "{spans:?}");
    assert_eq!(diagram.axis.cuts().count(), 1);
    assert!(diagram.caption.contains("time is cut short"));
    let marks: Vec<String> = diagram.axis.marks(10).into_iter().map(|(_, text)| text).collect();
    assert!(marks.contains(&"0.020".to_owned()) && marks.contains(&"90.005".to_owned()), "{marks:?}");
    assert!(svg(&diagram).contains("90.0 s"), "how long the silence is");
}

#[test]
fn bursts_that_are_far_apart_are_not_crowded() {
    let events = (0..60).map(|number| {
        let at = number * 60_000;
        delivered(at + 100, transmission(number, at, 0, "block"), 1)
    });
    let diagram = SpaceTime::new(&log(2, events.collect()));
    assert_eq!((diagram.arrows.len(), diagram.axis.cuts().count()), (axis::CUTS_MAX + 1, axis::CUTS_MAX));
}

#[test]
fn a_message_that_took_very_long_is_drawn_from_the_edge() {
    let mut events: Vec<Event> =
        (0..9).map(|number| delivered(10_000 + number, transmission(number, 9_990 + number, 0, "vote"), 1)).collect();
    events.push(delivered(10_009, transmission(9, 1, 0, "late"), 1));
    let diagram = SpaceTime::new(&log(2, events));
    assert!(diagram.arrows[9].start.abs() < 1e-9 && diagram.arrows[9].before > 0.99);
    assert!(diagram.arrows[8].before.abs() < 1e-9 && diagram.arrows[8].end - diagram.arrows[8].start > 0.1);
}

#[test]
fn rare_kinds_share_a_colour() {
    let kinds = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut events = Vec::new();
    for (number, kind) in kinds.iter().chain(&kinds[2..]).enumerate() {
        let at = number as u64;
        events.push(delivered(at + 10, transmission(at, at, 0, kind), 1));
    }
    let diagram = SpaceTime::new(&log(2, events));
    assert_eq!(diagram.kinds.len(), 7);
    assert_eq!(diagram.kinds[6], ("a, b".to_owned(), Colour::Grey));
    assert_eq!((diagram.arrows[0].kind, diagram.arrows[2].kind), (6, 0));
}

#[test]
fn an_empty_log_is_drawn_too_and_bitmaps_are_the_same_each_time() {
    let empty = SpaceTime::new(&log(4, Vec::new()));
    assert!(svg(&empty).contains("What happened last"));
    let diagram = SpaceTime::new(&small());
    let draw = || {
        let mut out = Vec::new();
        png(&diagram, &mut out).unwrap();
        out
    };
    let first = draw();
    assert!(first.starts_with(b"\x89PNG") && first == draw());
}
