//! The event log of a run for people: a line per event, and a diagram.

use super::chart::{self, SpaceTime};
use super::format::{grouped, quantity, seconds};
use super::output_dir::{OutputDir, WriteError};
use crate::base::NodeId;
use crate::observe::event_log::{BlockName, Event, EventKind, EventLog, Transmission};
use crate::observe::{Loss, ViolationKind};
use std::fmt::Write as _;

/// The space-time diagram of an event log.
#[derive(Clone, Debug)]
pub struct DrawnEventLog {
    /// What it shows, for those who cannot see it.
    pub alternative: String,
    /// The drawing.
    pub svg: String,
}

/// Writes `event-log.txt` into `within` a folder (`""` for the folder itself), one line per event.
///
/// # Errors
/// If it could not be written.
pub fn write(log: &EventLog, folder: &OutputDir, within: &str) -> Result<(), WriteError> {
    let text = text(log);
    folder.file(&format!("{within}event-log.txt"), |out| out.write_all(text.as_bytes()))
}

/// Draws the space-time diagram of a log: `charts/space-time.svg` and `.png`, `within` a folder as above.
///
/// # Errors
/// Names the first file that could not be written.
pub fn draw(log: &EventLog, folder: &OutputDir, within: &str) -> Result<DrawnEventLog, WriteError> {
    let diagram = SpaceTime::new(log);
    let svg = chart::svg(&diagram);
    folder.file(&format!("{within}charts/space-time.svg"), |out| out.write_all(svg.as_bytes()))?;
    folder.file(&format!("{within}charts/space-time.png"), |out| chart::png(&diagram, out))?;
    Ok(DrawnEventLog { alternative: diagram.alternative(), svg })
}

/// The log as text: a head, and a line per event in aligned columns. Lines of violations begin with `!`.
#[must_use]
pub fn text(log: &EventLog) -> String {
    let mut out = head(log);
    let rows: Vec<Row> = log.events.iter().map(|event| row(log, event)).collect();
    let width = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (time, node, verb) =
        (width(|row| &row.time).max(8), width(|row| &row.node).max(4), width(|row| row.verb).max(5));
    let mut line = |mark: &str, row: &Row| {
        let text = format!("{mark} {:>time$}  {:<node$}  {:<verb$}  {}", row.time, row.node, row.verb, row.rest);
        let _ = writeln!(out, "{}", text.trim_end());
    };
    line(" ", &Row { time: "time (s)".into(), node: "node".into(), verb: "event", rest: String::new() });
    for (row, event) in rows.iter().zip(&log.events) {
        line(if matches!(event.kind, EventKind::Violated(_)) { "!" } else { " " }, row);
    }
    out
}

fn head(log: &EventLog) -> String {
    let count = log.events.len() as u64;
    let all = grouped((count + log.earlier) as f64);
    let until = if log.violations().next().is_some() { " up to a violation" } else { "" };
    let mut out = match log.earlier {
        0 => format!("All {all} events{until}.\n"),
        _ => format!("The last {} of {all} events{until}.\n", grouped(count as f64)),
    };
    let names = |chosen: &dyn Fn(usize) -> bool| {
        let nodes = (0..log.honest.len()).filter(|node| chosen(*node));
        nodes.map(|node| NodeId::from(node).to_string()).collect::<Vec<_>>().join(", ")
    };
    let byzantine = names(&|node| !log.honest[node]);
    if !byzantine.is_empty() {
        let _ = writeln!(out, "Byzantine: {byzantine}.");
    }
    // At the start of a run all nodes are down.
    let down = names(&|node| log.initial.down[node] && log.earlier > 0);
    if !down.is_empty() {
        let _ = writeln!(out, "Down at first: {down}.");
    }
    for (_, label) in &log.initial.faults {
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

fn row(log: &EventLog, event: &Event) -> Row {
    let (verb, rest) = match &event.kind {
        EventKind::Sent { transmission, copies } => ("sends", sent(transmission, *copies)),
        EventKind::Delivered { transmission, .. } => ("receives", received(transmission, event)),
        EventKind::Lost { transmission, why, .. } => ("loses", lost(transmission.as_ref(), *why)),
        EventKind::Submitted { client, transaction, is_retry, .. } => {
            let again = if *is_retry { ", again" } else { "" };
            ("is asked", format!("transaction {} of {client}{again}", four(&transaction.hex())))
        }
        EventKind::Booted { boot, durable, .. } => {
            let again = if *boot > 0 { "again, " } else { "" };
            ("starts", format!("{again}at {}", block(durable)))
        }
        EventKind::Crashed { .. } => ("crashes", String::new()),
        EventKind::Extended { block: tip, .. } => ("extends", block(tip)),
        EventKind::Rewound { from, to, .. } => ("cuts back", format!("from height {from} to {to}")),
        EventKind::Finalized { block: last, .. } => ("finalizes", block(last)),
        EventKind::Installed { block: tip, .. } => ("installs", format!("a snapshot at {}", block(tip))),
        EventKind::Noted { label, value, .. } => ("notes", format!("{label} {value}")),
        EventKind::FaultBegan { label, .. } => ("begins", label.clone()),
        EventKind::FaultEnded { fault } => ("ends", label(log, *fault)),
        EventKind::Violated(found) => {
            let verb = if found.kind == ViolationKind::Safety { "UNSAFE" } else { "NOT LIVE" };
            (verb, format!("{}: {}", found.property, found.what))
        }
    };
    let node = event.kind.node().map_or_else(|| "-".to_owned(), |node| node.to_string());
    Row { time: format!("{:.6}", event.at.as_secs_f64()), node, verb, rest }
}

fn sent(transmission: &Transmission, copies: u32) -> String {
    let nodes = if copies == 1 { "1 node" } else { &format!("{copies} nodes") };
    format!("{} #{} to {nodes}, {}", transmission.kind, transmission.number, quantity(transmission.bytes as f64, "B"))
}

fn received(transmission: &Transmission, event: &Event) -> String {
    let Transmission { kind, number, from, .. } = transmission;
    format!("{kind} #{number} of {from} after {}", seconds(event.at.since(transmission.at).as_secs_f64()))
}

fn lost(transmission: Option<&Transmission>, why: Loss) -> String {
    let why = match why {
        Loss::Network => "on the way",
        Loss::Down => "for it is down",
        Loss::Forged => "for it is forged",
    };
    match transmission {
        Some(Transmission { kind, number, from, .. }) => format!("{kind} #{number} of {from}, {why}"),
        None => format!("a transaction, {why}"),
    }
}

fn block(name: &BlockName) -> String {
    format!("height {}, block {}", name.height, four(&name.id.hex()))
}

/// The first four digits, which identify blocks and transactions in a log.
fn four(hex: &str) -> &str {
    &hex[..4]
}

/// The label of a fault that begins in the log or before it.
fn label(log: &EventLog, fault: u32) -> String {
    let begun = log.events.iter().find_map(|event| match &event.kind {
        EventKind::FaultBegan { fault: number, label } if *number == fault => Some(label),
        _ => None,
    });
    let earlier = || log.initial.faults.iter().find(|(number, _)| *number == fault).map(|(_, label)| label);
    begun.or_else(earlier).cloned().unwrap_or_else(|| format!("fault {fault}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, Hash, Height, Time};
    use crate::observe::Violation;
    use crate::observe::event_log::InitialState;

    fn at(micros: u64, kind: EventKind) -> Event {
        Event { at: Time::ZERO + Duration::from_micros(micros), kind }
    }

    fn log() -> EventLog {
        let [n0, n1, n2] = [0, 1, 2].map(NodeId);
        let sent = Time::ZERO + Duration::from_micros(1_500);
        let transmission = Transmission { number: 12, at: sent, from: n0, kind: "Prepare", bytes: 1_250 };
        let name = BlockName { height: Height(3), id: Hash([0x3f; 32]) };
        let (property, what) = ("agreement", "another <block>".to_owned());
        let kind = ViolationKind::Safety;
        let events = vec![
            at(1_500, EventKind::Sent { transmission, copies: 2 }),
            at(2_000, EventKind::FaultEnded { fault: 7 }),
            at(41_500, EventKind::Delivered { transmission, to: n1 }),
            at(41_500, EventKind::Lost { transmission: Some(transmission), to: n2, why: Loss::Down }),
            at(50_000, EventKind::Booted { node: n2, boot: 1, durable: name }),
            at(12_000_000, EventKind::Finalized { node: n1, block: name }),
            at(12_000_000, EventKind::Violated(Violation { property, kind, at: Time::ZERO, what })),
        ];
        let initial = InitialState { down: vec![false, false, true], faults: vec![(7, "crash of n2".into())] };
        let end = Time::ZERO + Duration::from_secs(12);
        EventLog { honest: vec![true, false, true], initial, events, earlier: 4_321, end, in_transit: 0 }
    }

    #[test]
    fn a_log_is_a_line_per_event_in_aligned_columns() {
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
        assert_eq!(text(&log()), expected);
    }

    #[test]
    fn a_log_and_its_diagram_are_written_into_the_directory_given() {
        let home = tempfile::tempdir().unwrap();
        let folder = OutputDir::create(&home.path().join("here")).unwrap();
        write(&log(), &folder, "chain/").unwrap();
        let drawn = draw(&log(), &folder, "").unwrap();
        let place = folder.commit().unwrap().place;
        assert_eq!(std::fs::read_to_string(place.join("chain/event-log.txt")).unwrap(), text(&log()));
        assert_eq!(std::fs::read_to_string(place.join("charts/space-time.svg")).unwrap(), drawn.svg);
        assert!(std::fs::read(place.join("charts/space-time.png")).unwrap().starts_with(b"\x89PNG"));
        assert!(drawn.alternative.contains("What led to the violation of agreement"));
    }
}
