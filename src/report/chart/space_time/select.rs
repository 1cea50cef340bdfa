//! Which nodes and messages of an event log are drawn.

use super::axis::{CUTS_MAX, silences};
use super::{MESSAGES_MAX, NODES_MAX};
use crate::base::{Duration, NodeId, Time};
use crate::observe::Loss;
use crate::observe::event_log::{EventKind, EventLog, Transmission};
use crate::report::format::grouped;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds that are left out first where not everything fits: they say least about agreement.
const LEAST_RELEVANT: [&str; 3] = ["transaction", "inv", "getdata"];
/// How far an arrow reaches whose message is lost on the way: to between two lines, whatever its receiver.
pub const LOST: f64 = 0.42;

/// A copy of a message.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MessageCopy {
    /// Its transmission.
    pub transmission: Transmission,
    /// Its receiver.
    pub to: NodeId,
    /// When it arrived, or would have arrived if it was lost on the way.
    pub end: Time,
    /// Why it was lost, if it was.
    pub lost: Option<Loss>,
}

impl MessageCopy {
    /// How far it came, from 0 to 1, if it was lost.
    pub fn far(&self) -> Option<f64> {
        self.lost.map(|why| if why == Loss::Network { LOST } else { 1.0 })
    }
}

/// The part of a log that is drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Selection {
    /// The nodes, in order.
    pub nodes: Vec<NodeId>,
    /// The messages, in order of their ends.
    pub copies: Vec<MessageCopy>,
    /// Messages in the log.
    all: usize,
    /// Kinds that are left out.
    left_out: Vec<&'static str>,
    /// How long a message usually takes.
    usual: Duration,
    /// Nothing before this is drawn.
    from: Time,
}

/// Every copy in the log, in the order in which it arrived or was lost.
fn copies(log: &EventLog) -> Vec<MessageCopy> {
    let mut copies: Vec<MessageCopy> = Vec::new();
    for event in &log.events {
        match event.kind {
            EventKind::Delivered { transmission, to } => {
                copies.push(MessageCopy { transmission, to, end: event.at, lost: None });
            }
            // The log has it right after its arrival.
            EventKind::Lost { transmission: Some(transmission), to, why: Loss::Forged } => {
                let last = copies.iter_mut().rev().find(|copy| copy.to == to && copy.transmission == transmission);
                last.into_iter().for_each(|copy| copy.lost = Some(Loss::Forged));
            }
            EventKind::Lost { transmission: Some(transmission), to, why } => {
                copies.push(MessageCopy { transmission, to, end: event.at, lost: Some(why) });
            }
            _ => {}
        }
    }
    copies
}

/// The usual time from transmission to arrival.
fn usual(copies: &[MessageCopy]) -> Duration {
    let mut spans: Vec<Duration> =
        copies.iter().filter(|copy| copy.lost.is_none()).map(|copy| copy.end.since(copy.transmission.at)).collect();
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied().unwrap_or(Duration::from_millis(1))
}

impl Selection {
    /// Selects what of a log is drawn.
    pub fn new(log: &EventLog) -> Selection {
        let mut copies = copies(log);
        let all = copies.len();
        let usual = usual(&copies);
        for copy in copies.iter_mut().filter(|copy| copy.lost == Some(Loss::Network)) {
            copy.end = copy.transmission.at + usual;
        }
        let nodes = nodes(log, &copies);
        copies.retain(|copy| nodes.contains(&copy.to) && nodes.contains(&copy.transmission.from));
        let mut left_out = Vec::new();
        for kind in LEAST_RELEVANT {
            let others = copies.iter().any(|copy| copy.transmission.kind != kind);
            let of_it = copies.iter().any(|copy| copy.transmission.kind == kind);
            if copies.len() > MESSAGES_MAX && others && of_it {
                copies.retain(|copy| copy.transmission.kind != kind);
                left_out.push(kind);
            }
        }
        copies.drain(..copies.len().saturating_sub(MESSAGES_MAX));
        let mut selection = Selection { nodes, copies, all, left_out, usual, from: Time::ZERO };
        // Long silences would leave no room for the events between them.
        let silences = silences(&selection.busy(log));
        if let Some((_, from)) = silences.len().checked_sub(CUTS_MAX + 1).map(|last| silences[last]) {
            selection.copies.retain(|copy| copy.end > from);
            selection.from = from;
        }
        selection
    }
    /// The line of a node, if it is drawn.
    pub fn line(&self, node: NodeId) -> Option<usize> {
        self.nodes.binary_search(&node).ok()
    }
    /// When something happens that is drawn, in order of beginnings; at least one span.
    pub fn busy(&self, log: &EventLog) -> Vec<(Time, Time)> {
        let begin = self.begin(log);
        let mut spans: Vec<(Time, Time)> =
            self.copies.iter().map(|copy| (copy.transmission.at.max(begin), copy.end)).collect();
        // The usual time of a message is left free around what happens at one instant.
        for event in log.events.iter().filter(|event| event.at >= begin && is_drawn(&event.kind)) {
            let before = event.at.since(Time::ZERO + self.usual);
            spans.push(((Time::ZERO + before).max(begin), event.at + self.usual / 4));
        }
        spans.sort_unstable();
        if spans.is_empty() {
            spans.push((log.events.first().map_or(Time::ZERO, |event| event.at), log.end));
        }
        spans
    }
    /// Where the diagram begins. Of messages sent before that, only the rest of the way is drawn: where messages are left
    /// out, others would seem to have no cause.
    fn begin(&self, log: &EventLog) -> Time {
        let is_whole = log.earlier == 0 && self.copies.len() == self.all;
        let first = self.copies.iter().map(|copy| copy.end).min().filter(|_| !is_whole);
        let usual = |end: Time| Time::from_nanos(end.as_nanos().saturating_sub(self.usual.as_nanos()));
        first.map_or(self.from, usual).max(self.from)
    }
    /// How to read the diagram, and what is left out.
    pub fn caption(&self, log: &EventLog, cuts: usize) -> String {
        let mut sentences = vec![
            "Each line is a node, each arrow a message from its sending to its arrival, or to the cross where it was \
             lost. Blocks are named by height and the first digits of their hash."
                .to_owned(),
        ];
        let (drawn, all) = (self.copies.len(), grouped(self.all as f64));
        if drawn < self.all {
            let without = match self.left_out.as_slice() {
                [] => String::new(),
                kinds => format!(", without those called {}", kinds.join(" and ")),
            };
            sentences.push(format!("Showing the last {drawn} of {all} messages{without}."));
        }
        let nodes = log.honest.len();
        if self.nodes.len() < nodes {
            sentences.push(format!("Showing {} of {} nodes.", self.nodes.len(), grouped(nodes as f64)));
        }
        match log.in_transit {
            0 => {}
            1 => sentences.push("1 message was still under way.".to_owned()),
            many => sentences.push(format!("{} messages were still under way.", grouped(many as f64))),
        }
        if cuts > 0 {
            sentences.push("Where nothing happens, time is cut short.".to_owned());
        }
        sentences.join(" ")
    }
}

/// Whether an event of this kind is drawn by itself.
fn is_drawn(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Finalized { .. }
            | EventKind::Installed { .. }
            | EventKind::Extended { .. }
            | EventKind::Rewound { .. }
            | EventKind::Booted { .. }
            | EventKind::Crashed { .. }
            | EventKind::FaultBegan { .. }
            | EventKind::FaultEnded { .. }
            | EventKind::Violated(_)
    )
}

/// The nodes that are drawn: of many, those at which a property was violated, then the Byzantine nodes, then the busiest.
fn nodes(log: &EventLog, copies: &[MessageCopy]) -> Vec<NodeId> {
    let all: Vec<NodeId> = (0..log.honest.len()).map(NodeId::from).collect();
    if all.len() <= NODES_MAX {
        return all;
    }
    let mut chosen = BTreeSet::new();
    let mut last = None;
    for event in &log.events {
        if matches!(event.kind, EventKind::Violated(_)) {
            chosen.extend(last);
        } else {
            last = event.kind.node();
        }
    }
    let mut busy: BTreeMap<NodeId, usize> = all.iter().map(|node| (*node, 0)).collect();
    for node in copies.iter().flat_map(|copy| [copy.to, copy.transmission.from]) {
        *busy.entry(node).or_default() += 1;
    }
    let mut others: Vec<(bool, std::cmp::Reverse<usize>, NodeId)> =
        busy.into_iter().map(|(node, count)| (log.honest[node.index()], std::cmp::Reverse(count), node)).collect();
    others.sort_unstable();
    for (.., node) in others {
        if chosen.len() < NODES_MAX {
            chosen.insert(node);
        }
    }
    chosen.into_iter().take(NODES_MAX).collect()
}
