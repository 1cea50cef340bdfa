//! The story of a run for people: a line per event, and a diagram.

use super::chart::{self, SpaceTime};
use super::folder::{Folder, WriteError};
use super::number::{grouped, quantity, seconds};
use crate::base::NodeId;
use crate::observe::story::{BlockName, Event, Sending, Story, What};
use crate::observe::{Loss, ViolationKind};
use std::fmt::Write as _;

/// The diagram of a story, as it was drawn.
#[derive(Clone, Debug)]
pub struct DrawnStory {
    /// What it shows, for those who cannot see it.
    pub alternative: String,
    /// The drawing.
    pub svg: String,
}

/// Writes `event-log.txt` into `within` a folder (`""` for the folder itself), one line per event.
///
/// # Errors
/// If it could not be written.
pub fn write(story: &Story, folder: &Folder, within: &str) -> Result<(), WriteError> {
    let text = text(story);
    folder.file(&format!("{within}event-log.txt"), |out| out.write_all(text.as_bytes()))
}

/// Draws the space-time diagram of a story: `charts/space-time.svg` and `.png`, `within` a folder as above.
///
/// # Errors
/// Names the first file that could not be written.
pub fn draw(story: &Story, folder: &Folder, within: &str) -> Result<DrawnStory, WriteError> {
    let diagram = SpaceTime::of(story);
    let svg = chart::svg(&diagram);
    folder.file(&format!("{within}charts/space-time.svg"), |out| out.write_all(svg.as_bytes()))?;
    folder.file(&format!("{within}charts/space-time.png"), |out| chart::png(&diagram, out))?;
    Ok(DrawnStory { alternative: diagram.alternative(), svg })
}

/// The story as text: a head, and a line per event in aligned columns. Lines of violations begin with `!`.
#[must_use]
pub fn text(story: &Story) -> String {
    let mut out = head(story);
    let rows: Vec<Row> = story.events.iter().map(|event| row(story, event)).collect();
    let width = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (time, node, verb) =
        (width(|row| &row.time).max(8), width(|row| &row.node).max(4), width(|row| row.verb).max(5));
    let mut line = |mark: &str, row: &Row| {
        let Row { time: at, node: who, verb: does, rest } = row;
        let text = format!("{mark} {at:>time$}  {who:<node$}  {does:<verb$}  {rest}");
        let _ = writeln!(out, "{}", text.trim_end());
    };
    line(" ", &Row { time: "time (s)".into(), node: "node".into(), verb: "event", rest: String::new() });
    for (row, event) in rows.iter().zip(&story.events) {
        line(if matches!(event.what, What::Violated(_)) { "!" } else { " " }, row);
    }
    out
}

fn head(story: &Story) -> String {
    let told = story.events.len() as u64;
    let all = grouped((told + story.earlier) as f64);
    let until = if story.violations().next().is_some() { " up to a violation" } else { "" };
    let mut out = match story.earlier {
        0 => format!("All {all} events{until}.\n"),
        _ => format!("The last {} of {all} events{until}.\n", grouped(told as f64)),
    };
    let names = |chosen: &dyn Fn(usize) -> bool| {
        let nodes = (0..story.honest.len()).filter(|node| chosen(*node));
        nodes.map(|node| NodeId::from(node).to_string()).collect::<Vec<_>>().join(", ")
    };
    let byzantine = names(&|node| !story.honest[node]);
    if !byzantine.is_empty() {
        let _ = writeln!(out, "Byzantine: {byzantine}.");
    }
    // At the very start everybody is.
    let down = names(&|node| story.opening.down[node] && story.earlier > 0);
    if !down.is_empty() {
        let _ = writeln!(out, "Down at first: {down}.");
    }
    for (_, label) in &story.opening.faults {
        let _ = writeln!(out, "Lasts at first: {label}.");
    }
    out.push('\n');
    out
}

/// A line.
struct Row {
    time: String,
    node: String,
    verb: &'static str,
    rest: String,
}

fn row(story: &Story, event: &Event) -> Row {
    let (verb, rest) = match &event.what {
        What::Sent { sending, copies } => ("sends", sent(sending, *copies)),
        What::Delivered { sending, .. } => ("receives", received(sending, event)),
        What::Lost { sending, why, .. } => ("loses", lost(sending.as_ref(), *why)),
        What::Submitted { client, transaction, again, .. } => {
            let again = if *again { ", again" } else { "" };
            ("is asked", format!("transaction {} of {client}{again}", four(&transaction.hex())))
        }
        What::Booted { boot, durable, .. } => {
            let again = if *boot > 0 { "again, " } else { "" };
            ("starts", format!("{again}at {}", block(durable)))
        }
        What::Crashed { .. } => ("crashes", String::new()),
        What::Extended { block: tip, .. } => ("extends", block(tip)),
        What::Rewound { from, to, .. } => ("cuts back", format!("from height {from} to {to}")),
        What::Finalized { block: last, .. } => ("finalizes", block(last)),
        What::Installed { block: tip, .. } => ("installs", format!("a snapshot at {}", block(tip))),
        What::Noted { label, value, .. } => ("notes", format!("{label} {value}")),
        What::FaultBegan { label, .. } => ("begins", label.clone()),
        What::FaultEnded { fault } => ("ends", label(story, *fault)),
        What::Violated(found) => {
            let verb = if found.kind == ViolationKind::Safety { "UNSAFE" } else { "NOT LIVE" };
            (verb, format!("{}: {}", found.property, found.what))
        }
    };
    let node = event.what.node().map_or_else(|| "-".to_owned(), |node| node.to_string());
    Row { time: format!("{:.6}", event.at.as_secs_f64()), node, verb, rest }
}

fn sent(sending: &Sending, copies: u32) -> String {
    let nodes = if copies == 1 { "1 node" } else { &format!("{copies} nodes") };
    format!("{} #{} to {nodes}, {}", sending.kind, sending.number, quantity(sending.bytes as f64, "B"))
}

fn received(sending: &Sending, event: &Event) -> String {
    let Sending { kind, number, from, .. } = sending;
    format!("{kind} #{number} of {from} after {}", seconds(event.at.since(sending.at).as_secs_f64()))
}

fn lost(sending: Option<&Sending>, why: Loss) -> String {
    let why = match why {
        Loss::Network => "on the way",
        Loss::Down => "for it is down",
        Loss::Forged => "for it is forged",
    };
    match sending {
        Some(Sending { kind, number, from, .. }) => format!("{kind} #{number} of {from}, {why}"),
        None => format!("a transaction, {why}"),
    }
}

fn block(name: &BlockName) -> String {
    format!("height {}, block {}", name.height, four(&name.id.hex()))
}

/// The first four digits, by which a story knows things again.
fn four(hex: &str) -> &str {
    &hex[..4]
}

/// The label of a fault whose beginning is told or lies before the story.
fn label(story: &Story, fault: u32) -> String {
    let told = story.events.iter().find_map(|event| match &event.what {
        What::FaultBegan { fault: begun, label } if *begun == fault => Some(label),
        _ => None,
    });
    let known = || story.opening.faults.iter().find(|(begun, _)| *begun == fault).map(|(_, label)| label);
    told.or_else(known).cloned().unwrap_or_else(|| format!("fault {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, Hash, Height, Time};
    use crate::observe::Violation;
    use crate::observe::story::Opening;

    fn at(micros: u64, what: What) -> Event {
        Event { at: Time::ZERO + Duration::from_micros(micros), what }
    }

    fn told() -> Story {
        let [n0, n1, n2] = [0, 1, 2].map(NodeId);
        let sent = Time::ZERO + Duration::from_micros(1_500);
        let sending = Sending { number: 12, at: sent, from: n0, kind: "Prepare", bytes: 1_250 };
        let name = BlockName { height: Height(3), id: Hash([0x3f; 32]) };
        let (property, what) = ("agreement", "another <block>".to_owned());
        let kind = ViolationKind::Safety;
        let events = vec![
            at(1_500, What::Sent { sending, copies: 2 }),
            at(2_000, What::FaultEnded { fault: 7 }),
            at(41_500, What::Delivered { sending, to: n1 }),
            at(41_500, What::Lost { sending: Some(sending), to: n2, why: Loss::Down }),
            at(50_000, What::Booted { node: n2, boot: 1, durable: name }),
            at(12_000_000, What::Finalized { node: n1, block: name }),
            at(12_000_000, What::Violated(Violation { property, kind, at: Time::ZERO, what })),
        ];
        let opening = Opening { down: vec![false, false, true], faults: vec![(7, "crash of n2".into())] };
        let end = Time::ZERO + Duration::from_secs(12);
        Story { honest: vec![true, false, true], opening, events, earlier: 4_321, end, under_way: 0 }
    }

    #[test]
    fn a_story_is_a_line_per_event_in_aligned_columns() {
        let expected = "\
The last 7 of 4,328 events up to a violation.
Byzantine: n1.
Down at first: n2.
Lasts at first: crash of n2.

   time (s)  node  event
   0.001500  n0    sends      Prepare #12 to 2 nodes, 1.25 kB
   0.002000  -     ends       crash of n2
   0.041500  n1    receives   Prepare #12 of n0 after 40 ms
   0.041500  n2    loses      Prepare #12 of n0, for it is down
   0.050000  n2    starts     again, at height 3, block 3f3f
  12.000000  n1    finalizes  height 3, block 3f3f
! 12.000000  -     UNSAFE     agreement: another <block>
";
        assert_eq!(text(&told()), expected);
    }

    #[test]
    fn a_story_and_its_diagram_are_written_where_they_are_wanted() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::begin(&home.path().join("here")).unwrap();
        write(&told(), &folder, "chain/").unwrap();
        let drawn = draw(&told(), &folder, "").unwrap();
        let place = folder.land().unwrap().place;
        assert_eq!(std::fs::read_to_string(place.join("chain/event-log.txt")).unwrap(), text(&told()));
        assert_eq!(std::fs::read_to_string(place.join("charts/space-time.svg")).unwrap(), drawn.svg);
        assert!(std::fs::read(place.join("charts/space-time.png")).unwrap().starts_with(b"\x89PNG"));
        assert!(drawn.alternative.contains("What led to the violation of agreement"));
    }
}
