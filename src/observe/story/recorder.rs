//! Writes a story while it happens.

use super::{BlockName, Event, Opening, Sending, Story, What};
use crate::base::{NodeId, Time};
use crate::chain::Block;
use crate::observe::{Observed, Observer, Violation, ViolationKind};
use std::collections::VecDeque;

/// Keeps the last events of a run. Its memory is bounded by their number and by the messages under way.
///
/// It must come before the checkers among the observers of a run, so that it knows what a violation came of.
#[derive(Clone, Debug)]
pub struct Recorder {
    honest: Vec<bool>,
    /// How many events are kept.
    capacity: usize,
    opening: Opening,
    events: VecDeque<Event>,
    earlier: u64,
    /// The sendings under way by their number, those that are over among them until it is used again.
    sendings: Vec<Option<Sending>>,
    sent: u64,
    /// Messages under way; copies that the network makes by itself are not counted.
    under_way: i64,
    /// How it came to the gravest violation so far.
    kept: Option<(ViolationKind, Story)>,
}

impl Recorder {
    /// Will keep the last `capacity` events among nodes that follow the protocol or do not.
    #[must_use]
    pub fn new(honest: Vec<bool>, capacity: usize) -> Recorder {
        let opening = Opening { down: vec![true; honest.len()], faults: Vec::new() };
        Recorder {
            honest,
            capacity,
            opening,
            events: VecDeque::new(),
            earlier: 0,
            sendings: Vec::new(),
            sent: 0,
            under_way: 0,
            kept: None,
        }
    }
    /// The story of a run that ended at `end`.
    #[must_use]
    pub fn into_story(self, end: Time) -> Story {
        let last = self.story(end);
        self.kept.map_or(last, |(_, story)| story)
    }
    fn story(&self, end: Time) -> Story {
        Story {
            honest: self.honest.clone(),
            opening: self.opening.clone(),
            events: self.events.iter().cloned().collect(),
            earlier: self.earlier,
            end,
            under_way: self.under_way.max(0).unsigned_abs(),
        }
    }
    fn is_over(&self) -> bool {
        matches!(self.kept, Some((ViolationKind::Safety, _)))
    }
    fn push(&mut self, at: Time, what: What) {
        self.events.push_back(Event { at, what });
        if self.events.len() > self.capacity
            && let Some(first) = self.events.pop_front()
        {
            self.earlier += 1;
            self.opening.pass(first.what);
        }
    }
    /// Gives a sending its own number.
    fn send(&mut self, sending: u32, told: Sending, copies: u32) -> What {
        let slot = sending as usize;
        if self.sendings.len() <= slot {
            self.sendings.resize(slot + 1, None);
        }
        self.sendings[slot] = Some(told);
        self.sent += 1;
        self.under_way += i64::from(copies);
        What::Sent { sending: told, copies }
    }
    fn sending(&self, sending: u32) -> Option<Sending> {
        self.sendings.get(sending as usize).copied().flatten()
    }
    fn message(&mut self, now: Time, observed: &Observed<'_>) -> Option<What> {
        match *observed {
            Observed::Sent { sending, from, kind, bytes, copies } => {
                let told = Sending { number: self.sent, at: now, from, kind, bytes };
                Some(self.send(sending, told, copies))
            }
            Observed::Delivered { sending, to, .. } => {
                self.under_way -= 1;
                self.sending(sending).map(|sending| What::Delivered { sending, to })
            }
            Observed::Lost { sending, to, why } => {
                // What is forged was delivered before it was looked at.
                self.under_way -= i64::from(sending.is_some() && why != crate::observe::Loss::Forged);
                let sending = sending.and_then(|sending| self.sending(sending));
                Some(What::Lost { sending, to, why })
            }
            _ => None,
        }
    }
}

/// What is told of events other than messages.
fn event_of(observed: &Observed<'_>) -> Option<What> {
    let what = match *observed {
        Observed::Submitted { client, node, transaction, again } => {
            What::Submitted { client, node, transaction: transaction.id(), again }
        }
        Observed::Booted { node, boot, durable } => What::Booted { node, boot, durable: name(durable) },
        Observed::Crashed { node } => What::Crashed { node },
        Observed::Extended { node, block, .. } => What::Extended { node, block: name(block) },
        Observed::Rewound { node, from, to, .. } => What::Rewound { node, from, to },
        Observed::Finalized { node, block, .. } => What::Finalized { node, block: name(block) },
        Observed::Installed { node, block, .. } => What::Installed { node, block: name(block) },
        Observed::Noted { node, label, value } => What::Noted { node, label, value },
        Observed::FaultBegan { fault, label } => What::FaultBegan { fault, label: label.to_owned() },
        Observed::FaultEnded { fault } => What::FaultEnded { fault },
        _ => return None,
    };
    Some(what)
}

fn name(block: &Block) -> BlockName {
    BlockName { height: block.height(), id: block.id() }
}

impl Opening {
    /// An event has moved from the story to what was before it.
    fn pass(&mut self, what: What) {
        let mut set = |node: NodeId, down: bool| self.down[node.index()] = down;
        match what {
            What::Booted { node, .. } => set(node, false),
            What::Crashed { node } => set(node, true),
            What::FaultBegan { fault, label } => self.faults.push((fault, label)),
            What::FaultEnded { fault } => self.faults.retain(|(running, _)| *running != fault),
            _ => {}
        }
    }
}

impl Observer for Recorder {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        if !self.is_over()
            && let Some(what) = self.message(now, observed).or_else(|| event_of(observed))
        {
            self.push(now, what);
        }
        Ok(())
    }
    fn violated(&mut self, now: Time, violation: &Violation) {
        if self.is_over() {
            return;
        }
        self.push(now, What::Violated(violation.clone()));
        if self.kept.is_none() || violation.kind == ViolationKind::Safety {
            self.kept = Some((violation.kind, self.story(now)));
        }
    }
    fn wants_messages(&self) -> bool {
        true
    }
}
