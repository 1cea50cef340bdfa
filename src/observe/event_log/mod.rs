//! The event log: the last events of a run as plain data, for users who want to see what led to its end.
//!
//! A [`Recorder`] keeps the last events of a run, or those before the first violation of safety, or of liveness if no
//! other was found. It matches each arrival with its transmission.

mod recorder;
#[cfg(test)]
mod tests;

pub use recorder::Recorder;

use super::{Loss, Violation};
use crate::base::{ClientId, Hash, Height, NodeId, Time};

/// The last events of a run, or those that led to a violation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventLog {
    /// For every node whether it follows the protocol.
    pub honest: Vec<bool>,
    /// The state when the log begins.
    pub initial: InitialState,
    /// The events, in order.
    pub events: Vec<Event>,
    /// Number of events before those.
    pub earlier: u64,
    /// When the log ends: at a violation, or with the run.
    pub end: Time,
    /// Copies of messages in transit at the end.
    pub in_transit: u64,
}

/// The state when a log begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InitialState {
    /// For every node whether it was down.
    pub down: Vec<bool>,
    /// The active faults, with their numbers and labels.
    pub faults: Vec<(u32, String)>,
}

/// An event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub kind: EventKind,
}

/// A span of time in which something was so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span<T> {
    /// What it concerns.
    pub subject: T,
    /// Its start; the start of the run if it began before the log.
    pub from: Time,
    /// Its end; the end of the log if it had not ended then.
    pub to: Time,
}

/// A transmission, of which every receiver gets a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transmission {
    /// Number of transmissions before it.
    pub number: u64,
    /// When it was handed to the network.
    pub at: Time,
    /// The sender.
    pub from: NodeId,
    /// The name of its message.
    pub kind: &'static str,
    /// Bytes of one copy, framing included.
    pub bytes: u64,
}

/// A block, in brief.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockName {
    /// Its height.
    pub height: Height,
    /// Its name.
    pub id: Hash,
}

/// What happened. Nodes, blocks and labels are those of [`super::Observed`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// A message was handed to the network.
    Sent {
        /// The message.
        transmission: Transmission,
        /// Number of receivers.
        copies: u32,
    },
    /// A copy of a message reached its receiver.
    Delivered {
        /// The message.
        transmission: Transmission,
        /// The receiver.
        to: NodeId,
    },
    /// A copy of a message was lost.
    Lost {
        /// The message; `None` for a transaction that was not sent as a message.
        transmission: Option<Transmission>,
        /// The receiver.
        to: NodeId,
        /// Why.
        why: Loss,
    },
    /// A client handed a transaction to a node.
    Submitted {
        /// The client.
        client: ClientId,
        /// The node that received it.
        node: NodeId,
        /// The name of the transaction.
        transaction: Hash,
        /// Whether it was submitted before.
        is_retry: bool,
    },
    /// A node started.
    Booted {
        /// Which node.
        node: NodeId,
        /// 0 for the first time.
        boot: u32,
        /// The tip of its durable chain.
        durable: BlockName,
    },
    /// A node crashed.
    Crashed {
        /// Which node.
        node: NodeId,
    },
    /// A node appended a block to its chain.
    Extended {
        /// Which node.
        node: NodeId,
        /// Its new tip.
        block: BlockName,
    },
    /// A node cut its chain back.
    Rewound {
        /// Which node.
        node: NodeId,
        /// Height before.
        from: Height,
        /// Height after.
        to: Height,
    },
    /// A node declared its chain final up to a block.
    Finalized {
        /// Which node.
        node: NodeId,
        /// The block.
        block: BlockName,
    },
    /// A node replaced its chain by a snapshot.
    Installed {
        /// Which node.
        node: NodeId,
        /// The tip of the snapshot.
        block: BlockName,
    },
    /// A protocol noted something.
    Noted {
        /// Which node.
        node: NodeId,
        /// Its name.
        label: &'static str,
        /// Its number.
        value: u64,
    },
    /// A fault of the schedule began.
    FaultBegan {
        /// Its number.
        fault: u32,
        /// What it is.
        label: String,
    },
    /// A fault of the schedule ended.
    FaultEnded {
        /// Its number.
        fault: u32,
    },
    /// A property was violated by the event before.
    Violated(Violation),
}

impl EventKind {
    /// The node at which it happened, if at one.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        match self {
            EventKind::Sent { transmission, .. } => Some(transmission.from),
            EventKind::Delivered { to, .. } | EventKind::Lost { to, .. } => Some(*to),
            EventKind::Submitted { node, .. }
            | EventKind::Booted { node, .. }
            | EventKind::Crashed { node }
            | EventKind::Extended { node, .. }
            | EventKind::Rewound { node, .. }
            | EventKind::Finalized { node, .. }
            | EventKind::Installed { node, .. }
            | EventKind::Noted { node, .. } => Some(*node),
            EventKind::FaultBegan { .. } | EventKind::FaultEnded { .. } | EventKind::Violated(_) => None,
        }
    }
}

impl EventLog {
    /// The violations in the log.
    pub fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.events.iter().filter_map(|event| match &event.kind {
            EventKind::Violated(violation) => Some(violation),
            _ => None,
        })
    }
    /// The faults in the log by label, each with its start and end as far as the log reaches.
    #[must_use]
    pub fn faults(&self) -> Vec<Span<String>> {
        let mut spans: Vec<(u32, Span<String>)> = Vec::new();
        for (fault, label) in &self.initial.faults {
            spans.push((*fault, self.until_end(label.clone(), Time::ZERO)));
        }
        for event in &self.events {
            match &event.kind {
                EventKind::FaultBegan { fault, label } => spans.push((*fault, self.until_end(label.clone(), event.at))),
                EventKind::FaultEnded { fault } => {
                    if let Some((_, span)) = spans.iter_mut().rev().find(|(running, _)| running == fault) {
                        span.to = event.at;
                    }
                }
                _ => {}
            }
        }
        spans.into_iter().map(|(_, span)| span).collect()
    }
    /// The spans in which nodes were down, as far as the log reaches.
    #[must_use]
    pub fn outages(&self) -> Vec<Span<NodeId>> {
        let down = self.initial.down.iter().enumerate().filter(|(_, down)| **down);
        let mut spans: Vec<Span<NodeId>> =
            down.map(|(node, _)| self.until_end(NodeId::from(node), Time::ZERO)).collect();
        for event in &self.events {
            match event.kind {
                EventKind::Crashed { node } => spans.push(self.until_end(node, event.at)),
                EventKind::Booted { node, .. } => {
                    if let Some(span) = spans.iter_mut().rev().find(|span| span.subject == node) {
                        span.to = event.at;
                    }
                }
                _ => {}
            }
        }
        spans
    }
    fn until_end<T>(&self, subject: T, from: Time) -> Span<T> {
        Span { subject, from, to: self.end }
    }
    /// Adds a violation that was found after the run, if the log covers the time of the violation.
    pub fn add(&mut self, violation: &Violation) {
        let begin = self.events.first().map_or(Time::ZERO, |event| event.at);
        let known = self.violations().any(|other| other == violation);
        if known || violation.at < begin || violation.at > self.end {
            return;
        }
        let index = self.events.partition_point(|event| event.at <= violation.at);
        self.events.insert(index, Event { at: violation.at, kind: EventKind::Violated(violation.clone()) });
    }
}
