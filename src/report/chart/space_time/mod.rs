//! Space-time diagrams, after Lamport (1978): a line per node, time from left to right, messages as arrows.
//!
//! What is drawn is chosen here and is plain data: the last messages before a violation or the end, and what happened
//! meanwhile. What does not fit is left out, and the caption says so.

mod axis;
mod choose;
mod draw;
#[cfg(test)]
mod tests;

use super::theme::Colour;
use crate::base::{NodeId, Time};
use crate::observe::story::{BlockName, Story, What};
use axis::TimeAxis;
use choose::{Choice, Flight};
use std::collections::BTreeMap;

/// Messages that are drawn at most.
pub const MESSAGES_MAX: usize = 120;
/// Nodes that are drawn at most.
pub const NODES_MAX: usize = 12;
/// Faults whose names are drawn at most.
const FAULTS_MAX: usize = 3;
/// Colours of kinds of messages, the first for the kind that comes first.
const COLOURS: [Colour; 6] =
    [Colour::Blue, Colour::Orange, Colour::Green, Colour::Purple, Colour::Sky, Colour::Vermillion];

/// A diagram. Places are shares of the axis, from 0 to 1.
#[derive(Clone, PartialEq, Debug)]
pub struct SpaceTime {
    /// What it is.
    pub title: String,
    /// How to read it, and what is left out.
    pub caption: String,
    /// The nodes, from top to bottom.
    pub lines: Vec<Line>,
    /// Kinds of messages, in the order in which they come.
    pub kinds: Vec<(String, Colour)>,
    /// Messages.
    pub arrows: Vec<Arrow>,
    /// What nodes did.
    pub marks: Vec<Mark>,
    /// Faults: from where, to where, and what.
    pub faults: Vec<(f64, f64, String)>,
    /// What was violated, in order.
    pub violations: Vec<Broken>,
    axis: TimeAxis,
}

/// The life of a node.
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

/// Something that a node did.
#[derive(Clone, PartialEq, Debug)]
pub struct Mark {
    /// The line of the node.
    pub line: usize,
    /// When.
    pub at: f64,
    /// What.
    pub sign: Sign,
    /// What is written at it, if there is room.
    pub label: String,
}

/// What a node did.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sign {
    /// It declared blocks final, or was given them as final.
    Final,
    /// It appended blocks to its chain.
    Extended,
    /// It cut its chain back.
    Rewound,
    /// It came to lead.
    Leads,
    /// It was asked by a client.
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

/// A property that was found broken.
#[derive(Clone, PartialEq, Debug)]
pub struct Broken {
    /// When.
    pub at: f64,
    /// The line of the node that did what broke it, if it is drawn.
    pub line: Option<usize>,
    /// Which property, and how.
    pub text: String,
}

impl SpaceTime {
    /// The diagram of a story.
    #[must_use]
    pub fn of(story: &Story) -> SpaceTime {
        let choice = Choice::of(story);
        let axis = TimeAxis::over(&choice.busy(story));
        let lines: Vec<Line> = choice.nodes.iter().map(|node| line(story, *node, &axis)).collect();
        let (kinds, colours) = kinds(&choice.copies);
        let arrow = |copy: &Flight| Arrow {
            from: choice.line(copy.sending.from).expect("a chosen sender"),
            start: axis.place(copy.sending.at),
            before: before(copy, axis.from()),
            to: choice.line(copy.to).expect("a chosen receiver"),
            end: axis.place(copy.end),
            kind: colours[copy.sending.kind],
            lost: copy.far(),
        };
        let faults = story.faults().into_iter().filter(|span| span.from <= axis.to() && span.to >= axis.from());
        let fault = faults.map(|span| (axis.place(span.from), axis.place(span.to), span.what));
        SpaceTime {
            title: title(story),
            caption: choice.caption(story, axis.cuts().count()),
            kinds,
            arrows: choice.copies.iter().map(arrow).collect(),
            marks: marks(story, &choice, &axis),
            faults: fault.take(FAULTS_MAX).collect(),
            violations: violations(story, &choice, &axis),
            lines,
            axis,
        }
    }
    /// What it shows, for those who cannot see it.
    #[must_use]
    pub fn alternative(&self) -> String {
        let found = self.violations.iter().map(|broken| format!(" {}.", broken.text));
        format!("{}. {}{}", self.title, self.caption, found.collect::<String>())
    }
}

/// How much of the way of a message lies before `from`.
fn before(copy: &Flight, from: Time) -> f64 {
    let took = copy.end.since(copy.sending.at).as_secs_f64();
    if took > 0.0 { (from.since(copy.sending.at).as_secs_f64() / took).min(1.0) } else { 0.0 }
}

fn title(story: &Story) -> String {
    match story.violations().next() {
        Some(violation) => format!("What led to the violation of {}", violation.property),
        None => "What happened last".to_owned(),
    }
}

fn line(story: &Story, node: NodeId, axis: &TimeAxis) -> Line {
    let outages = story
        .outages()
        .into_iter()
        .filter(|span| span.what == node && span.from <= axis.to() && span.to >= axis.from() && span.from < span.to);
    let down = outages.map(|span| (axis.place(span.from), axis.place(span.to))).collect();
    Line { node, honest: story.honest[node.index()], down }
}

/// Names and colours of kinds, and the number of each: the rarest of many share the last.
fn kinds(copies: &[Flight]) -> (Vec<(String, Colour)>, BTreeMap<&'static str, usize>) {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for copy in copies {
        match counts.iter_mut().find(|(kind, _)| *kind == copy.sending.kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((copy.sending.kind, 1)),
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

/// What nodes did, one mark for all that a node did alike at one instant.
fn marks(story: &Story, choice: &Choice, axis: &TimeAxis) -> Vec<Mark> {
    let mut groups: BTreeMap<(Time, usize, Sign), Vec<String>> = BTreeMap::new();
    let within =
        story.events.iter().filter(|event| event.at >= axis.from() && event.at <= axis.to() && !axis.is_cut(event.at));
    for event in within {
        let Some(line) = event.what.node().and_then(|node| choice.line(node)) else { continue };
        let (sign, label) = match &event.what {
            What::Finalized { block, .. } | What::Installed { block, .. } => (Sign::Final, short(block)),
            What::Extended { block, .. } => (Sign::Extended, short(block)),
            What::Rewound { to, .. } => (Sign::Rewound, format!("to {to}")),
            What::Noted { label: "became_leader", .. } => (Sign::Leads, "leads".to_owned()),
            What::Submitted { .. } => (Sign::Asked, String::new()),
            What::Booted { .. } => (Sign::Started, String::new()),
            What::Crashed { .. } => (Sign::Crashed, String::new()),
            _ => continue,
        };
        groups.entry((event.at, line, sign)).or_default().push(label);
    }
    // Who declares a block final the moment that it extends its chain by it has one mark.
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

/// A block as it is called in a diagram: its height, and the first four digits of its name.
fn short(block: &BlockName) -> String {
    format!("{} {}", block.height, &block.id.hex()[..4])
}

fn violations(story: &Story, choice: &Choice, axis: &TimeAxis) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut node = None;
    for event in &story.events {
        if let What::Violated(violation) = &event.what {
            let line = node.and_then(|node| choice.line(node));
            let what = format!("{} at {:.6} s: {}", violation.property, event.at.as_secs_f64(), violation.what);
            broken.push(Broken { at: axis.place(event.at), line, text: what });
        } else {
            node = event.what.node();
        }
    }
    broken
}
