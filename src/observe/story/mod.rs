//! What happened last, event by event, as plain data: for those who want to see how a run came to its end.
//!
//! A [`Recorder`] keeps the last events of a run, or those before the first violation of safety, or of liveness if no
//! other was found. It joins each arrival with its sending.

mod recorder;
#[cfg(test)]
mod tests;

pub use recorder::Recorder;

use super::{Loss, Violation};
use crate::base::{ClientId, Hash, Height, NodeId, Time};

/// The last events of a run, or those that led to a violation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Story {
    /// For every node whether it follows the protocol.
    pub honest: Vec<bool>,
    /// What was the case when the story begins.
    pub opening: Opening,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Events before those.
    pub earlier: u64,
    /// When the story ends: at a violation, or with the run.
    pub end: Time,
    /// Messages under way at the end.
    pub under_way: u64,
}

/// What was the case when a story begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opening {
    /// For every node whether it was down.
    pub down: Vec<bool>,
    /// The faults that lasted, with their numbers and labels.
    pub faults: Vec<(u32, String)>,
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
}

/// Something that lasted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span<T> {
    /// What.
    pub what: T,
    /// Since when; the start of the run if it was so when the story begins.
    pub from: Time,
    /// Until when; the end of the story if it was so then.
    pub to: Time,
}

/// A sending, of which every receiver gets a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sending {
    /// How many were sent before it.
    pub number: u64,
    /// When it was handed to the network.
    pub at: Time,
    /// From whom.
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
pub enum What {
    /// A message was handed to the network.
    Sent {
        /// The message.
        sending: Sending,
        /// To how many.
        copies: u32,
    },
    /// A copy of a message reached its receiver.
    Delivered {
        /// The message.
        sending: Sending,
        /// To whom.
        to: NodeId,
    },
    /// A copy of a message was lost.
    Lost {
        /// The message; `None` if it is a transaction that nobody sent as a message.
        sending: Option<Sending>,
        /// To whom.
        to: NodeId,
        /// Why.
        why: Loss,
    },
    /// A client handed a transaction to a node.
    Submitted {
        /// Who asks.
        client: ClientId,
        /// The node that got it.
        node: NodeId,
        /// The name of the transaction.
        transaction: Hash,
        /// Whether it is sent again.
        again: bool,
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
    /// A property was found broken by what happened last.
    Violated(Violation),
}

impl What {
    /// The node at which it happened, if at one.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        match self {
            What::Sent { sending, .. } => Some(sending.from),
            What::Delivered { to, .. } | What::Lost { to, .. } => Some(*to),
            What::Submitted { node, .. }
            | What::Booted { node, .. }
            | What::Crashed { node }
            | What::Extended { node, .. }
            | What::Rewound { node, .. }
            | What::Finalized { node, .. }
            | What::Installed { node, .. }
            | What::Noted { node, .. } => Some(*node),
            What::FaultBegan { .. } | What::FaultEnded { .. } | What::Violated(_) => None,
        }
    }
}

impl Story {
    /// The violations that it tells of.
    pub fn violations(&self) -> impl Iterator<Item = &Violation> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Violated(violation) => Some(violation),
            _ => None,
        })
    }
    /// The faults that it tells of: label, when it began and when it ended, as far as the story goes.
    #[must_use]
    pub fn faults(&self) -> Vec<Span<String>> {
        let mut spans: Vec<(u32, Span<String>)> = Vec::new();
        for (fault, label) in &self.opening.faults {
            spans.push((*fault, self.until_end(label.clone(), Time::ZERO)));
        }
        for event in &self.events {
            match &event.what {
                What::FaultBegan { fault, label } => spans.push((*fault, self.until_end(label.clone(), event.at))),
                What::FaultEnded { fault } => {
                    if let Some((_, span)) = spans.iter_mut().rev().find(|(running, _)| running == fault) {
                        span.to = event.at;
                    }
                }
                _ => {}
            }
        }
        spans.into_iter().map(|(_, span)| span).collect()
    }
    /// When nodes were down, as far as the story goes.
    #[must_use]
    pub fn outages(&self) -> Vec<Span<NodeId>> {
        let down = self.opening.down.iter().enumerate().filter(|(_, down)| **down);
        let mut spans: Vec<Span<NodeId>> =
            down.map(|(node, _)| self.until_end(NodeId::from(node), Time::ZERO)).collect();
        for event in &self.events {
            match event.what {
                What::Crashed { node } => spans.push(self.until_end(node, event.at)),
                What::Booted { node, .. } => {
                    if let Some(span) = spans.iter_mut().rev().find(|span| span.what == node) {
                        span.to = event.at;
                    }
                }
                _ => {}
            }
        }
        spans
    }
    fn until_end<T>(&self, what: T, from: Time) -> Span<T> {
        Span { what, from, to: self.end }
    }
    /// Adds what was found when the run was over, where the story still goes on at that time.
    pub fn add(&mut self, violation: &Violation) {
        let begin = self.events.first().map_or(Time::ZERO, |event| event.at);
        let known = self.violations().any(|told| told == violation);
        if known || violation.at < begin || violation.at > self.end {
            return;
        }
        let place = self.events.partition_point(|event| event.at <= violation.at);
        self.events.insert(place, Event { at: violation.at, what: What::Violated(violation.clone()) });
    }
}
