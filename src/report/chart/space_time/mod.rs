//! Space-time diagrams, after Lamport (1978): a line per node, time from left to right, messages as arrows.
//!
//! The diagram is plain data: the last messages before a violation or the end of the run, and the events between. What
//! does not fit is left out, and the caption says so.

mod axis;
mod draw;
mod select;
#[cfg(test)]
mod tests;

use super::theme::Colour;
use crate::base::{NodeId, Time, note};
use crate::observe::event_log::{BlockName, EventKind, EventLog};
use axis::TimeAxis;
use select::{MessageCopy, Selection};
use std::collections::BTreeMap;

/// Most messages drawn.
pub const MESSAGES_MAX: usize = 120;
/// Most nodes drawn.
pub const NODES_MAX: usize = 12;
/// Most faults whose names are drawn.
const FAULTS_MAX: usize = 3;
/// Colours of kinds of messages, the first for the kind that comes first.
const COLOURS: [Colour; 6] =
    [Colour::Blue, Colour::Orange, Colour::Green, Colour::Purple, Colour::Sky, Colour::Vermillion];

/// A diagram. Positions are shares of the axis, from 0 to 1.
#[derive(Clone, PartialEq, Debug)]
pub struct SpaceTime {
    /// Its title.
    pub title: String,
    /// How to read it, and what is left out.
    pub caption: String,
    /// The nodes, from top to bottom.
    pub lines: Vec<Line>,
    /// Kinds of messages, in the order in which they come.
    pub kinds: Vec<(String, Colour)>,
    /// Messages.
    pub arrows: Vec<Arrow>,
    /// Events at nodes.
    pub marks: Vec<Mark>,
    /// Faults: from where, to where, and what.
    pub faults: Vec<(f64, f64, String)>,
    /// Violations, in order.
    pub violations: Vec<Broken>,
    axis: TimeAxis,
}

/// The line of a node.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Which node.
    pub node: NodeId,
    /// Whether it follows the protocol.
    pub honest: bool,
    /// When it is down.
    pub down: Vec<(f64, f64)>,
}

/// A message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Arrow {
    /// The line of its sender.
    pub from: usize,
    /// When it was sent, or where the diagram begins.
    pub start: f64,
    /// How much of its way lies before the diagram, from 0 to 1.
    pub before: f64,
    /// The line of its receiver.
    pub to: usize,
    /// When it arrived, or would have.
    pub end: f64,
    /// Its kind among those of the diagram.
    pub kind: usize,
    /// How far it came, from 0 to 1, if it was lost.
    pub lost: Option<f64>,
}

/// An event at a node.
#[derive(Clone, PartialEq, Debug)]
pub struct Mark {
    /// The line of the node.
    pub line: usize,
    /// When it happened.
    pub at: f64,
    /// What happened.
    pub sign: Sign,
    /// The text beside it, if there is room.
    pub label: String,
}

/// What happened at a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sign {
    /// It declared blocks final, or installed a snapshot.
    Final,
    /// It appended blocks to its chain.
    Extended,
    /// It cut its chain back.
    Rewound,
    /// It became leader.
    Leads,
    /// A client submitted a transaction.
    Asked,
    /// It started.
    Started,
    /// It crashed.
    Crashed,
}

impl Sign {
    /// Its name in the legend.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Sign::Final => "final",
            Sign::Extended => "extends",
            Sign::Rewound => "cuts back",
            Sign::Leads => "leads",
            Sign::Asked => "is asked",
            Sign::Started => "starts",
            Sign::Crashed => "crashes",
        }
    }
}

/// A violation.
#[derive(Clone, PartialEq, Debug)]
pub struct Broken {
    /// When it happened.
    pub at: f64,
    /// The line of the node at which it happened, if it is drawn.
    pub line: Option<usize>,
    /// The property, the time and the details.
    pub text: String,
}

impl SpaceTime {
    /// The diagram of a log.
    #[must_use]
    pub fn new(log: &EventLog) -> SpaceTime {
        let selection = Selection::new(log);
        let axis = TimeAxis::over(&selection.busy(log));
        let lines: Vec<Line> = selection.nodes.iter().map(|node| line(log, *node, &axis)).collect();
        let (kinds, colours) = kinds(&selection.copies);
        let arrow = |copy: &MessageCopy| Arrow {
            from: selection.line(copy.transmission.from).expect("a chosen sender"),
            start: axis.place(copy.transmission.at),
            before: before(copy, axis.from()),
            to: selection.line(copy.to).expect("a chosen receiver"),
            end: axis.place(copy.end),
            kind: colours[copy.transmission.kind],
            lost: copy.far(),
        };
        let faults = log.faults().into_iter().filter(|span| span.from <= axis.to() && span.to >= axis.from());
        let fault = faults.map(|span| (axis.place(span.from), axis.place(span.to), span.subject));
        SpaceTime {
            title: title(log),
            caption: selection.caption(log, axis.cuts().count()),
            kinds,
            arrows: selection.copies.iter().map(arrow).collect(),
            marks: marks(log, &selection, &axis),
            faults: fault.take(FAULTS_MAX).collect(),
            violations: violations(log, &selection, &axis),
            lines,
            axis,
        }
    }
    /// Its content in words, for users who cannot see it.
    #[must_use]
    pub fn alternative(&self) -> String {
        let found = self.violations.iter().map(|broken| format!(" {}.", broken.text));
        format!("{}. {}{}", self.title, self.caption, found.collect::<String>())
    }
}

/// How much of the way of a message lies before `from`.
fn before(copy: &MessageCopy, from: Time) -> f64 {
    let took = copy.end.since(copy.transmission.at).as_secs_f64();
    if took > 0.0 { (from.since(copy.transmission.at).as_secs_f64() / took).min(1.0) } else { 0.0 }
}

fn title(log: &EventLog) -> String {
    match log.violations().next() {
        Some(violation) => format!("What led to the violation of {}", violation.property),
        None => "What happened last".to_owned(),
    }
}

fn line(log: &EventLog, node: NodeId, axis: &TimeAxis) -> Line {
    let outages = log
        .outages()
        .into_iter()
        .filter(|span| span.subject == node && span.from <= axis.to() && span.to >= axis.from() && span.from < span.to);
    let down = outages.map(|span| (axis.place(span.from), axis.place(span.to))).collect();
    Line { node, honest: log.honest[node.index()], down }
}

/// Names and colours of kinds, and the index of each: the rarest of many kinds share the last colour.
fn kinds(copies: &[MessageCopy]) -> (Vec<(String, Colour)>, BTreeMap<&'static str, usize>) {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for copy in copies {
        match counts.iter_mut().find(|(kind, _)| *kind == copy.transmission.kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((copy.transmission.kind, 1)),
        }
    }
    let mut by_count = counts.clone();
    by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let own: Vec<&str> = by_count.iter().take(COLOURS.len()).map(|(kind, _)| *kind).collect();
    let first = counts.iter().map(|(kind, _)| *kind).filter(|kind| own.contains(kind));
    let mut named: Vec<(String, Colour)> = first.zip(COLOURS).map(|(kind, colour)| (kind.to_owned(), colour)).collect();
    let others: Vec<&str> = counts.iter().map(|(kind, _)| *kind).filter(|kind| !own.contains(kind)).collect();
    let place = |kind: &str| named.iter().position(|(name, _)| name == kind).unwrap_or(named.len());
    let colours = counts.iter().map(|(kind, _)| (*kind, place(kind))).collect();
    if !others.is_empty() {
        named.push((others.join(", "), Colour::Grey));
    }
    (named, colours)
}

/// Events at nodes; equal events at one node and instant have one mark.
fn marks(log: &EventLog, selection: &Selection, axis: &TimeAxis) -> Vec<Mark> {
    let mut groups: BTreeMap<(Time, usize, Sign), Vec<String>> = BTreeMap::new();
    let within =
        log.events.iter().filter(|event| event.at >= axis.from() && event.at <= axis.to() && !axis.is_cut(event.at));
    for event in within {
        let Some(line) = event.kind.node().and_then(|node| selection.line(node)) else { continue };
        let (sign, label) = match &event.kind {
            EventKind::Finalized { block, .. } | EventKind::Installed { block, .. } => (Sign::Final, short(block)),
            EventKind::Extended { block, .. } => (Sign::Extended, short(block)),
            EventKind::Rewound { to, .. } => (Sign::Rewound, format!("to {to}")),
            EventKind::Noted { label: note::LEADING, .. } => (Sign::Leads, "leads".to_owned()),
            EventKind::Submitted { .. } => (Sign::Asked, String::new()),
            EventKind::Booted { .. } => (Sign::Started, String::new()),
            EventKind::Crashed { .. } => (Sign::Crashed, String::new()),
            _ => continue,
        };
        groups.entry((event.at, line, sign)).or_default().push(label);
    }
    // A node that extends its chain by a block and declares it final at the same instant has one mark.
    let finals: Vec<(Time, usize)> =
        groups.keys().filter(|(.., sign)| *sign == Sign::Final).map(|(at, line, _)| (*at, *line)).collect();
    groups.retain(|(at, line, sign), _| *sign != Sign::Extended || !finals.contains(&(*at, *line)));
    let mark = |((at, line, sign), labels): ((Time, usize, Sign), Vec<String>)| {
        let label = match labels.as_slice() {
            [only] => only.clone(),
            [.., last] if *last == labels[0] => last.clone(),
            [first, .., last] => {
                let height = first.split(' ').next().unwrap_or_default();
                format!("{height} to {last}")
            }
            [] => String::new(),
        };
        Mark { line, at: axis.place(at), sign, label }
    };
    groups.into_iter().map(mark).collect()
}

/// The name of a block in a diagram: its height, and the first four digits of its hash.
fn short(block: &BlockName) -> String {
    format!("{} {}", block.height, &block.id.hex()[..4])
}

fn violations(log: &EventLog, selection: &Selection, axis: &TimeAxis) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut node = None;
    for event in &log.events {
        if let EventKind::Violated(violation) = &event.kind {
            let line = node.and_then(|node| selection.line(node));
            let text = format!("{} at {:.6} s: {}", violation.property, event.at.as_secs_f64(), violation.what);
            broken.push(Broken { at: axis.place(event.at), line, text });
        } else {
            node = event.kind.node();
        }
    }
    broken
}
