//! Records the event log while the run goes on.

use super::{BlockName, Event, EventKind, EventLog, InitialState, Transmission};
use crate::base::{NodeId, Time};
use crate::chain::Block;
use crate::observe::{Observed, Observer, Violation, ViolationKind};
use std::collections::VecDeque;

/// Keeps the last events of a run. Its memory is bounded by their number and by the messages in transit.
///
/// It must precede the checkers among the observers of a run, so that it has the event that led to a violation.
#[derive(Clone, Debug)]
pub struct Recorder {
    honest: Vec<bool>,
    /// How many events are kept.
    capacity: usize,
    initial: InitialState,
    events: VecDeque<Event>,
    earlier: u64,
    /// The transmissions by the number that the engine gave them. A number is used again when its transmission is over.
    transmissions: Vec<Option<Transmission>>,
    sent: u64,
    /// Copies in transit; duplicates that the network makes are not counted.
    in_transit: i64,
    /// The log up to the gravest violation so far.
    kept: Option<(ViolationKind, EventLog)>,
}

impl Recorder {
    /// Keeps the last `capacity` events. `honest` says for every node whether it follows the protocol.
    #[must_use]
    pub fn new(honest: Vec<bool>, capacity: usize) -> Recorder {
        let initial = InitialState { down: vec![true; honest.len()], faults: Vec::new() };
        Recorder {
            honest,
            capacity,
            initial,
            events: VecDeque::new(),
            earlier: 0,
            transmissions: Vec::new(),
            sent: 0,
            in_transit: 0,
            kept: None,
        }
    }
    /// The log of a run that ended at `end`.
    #[must_use]
    pub fn into_log(self, end: Time) -> EventLog {
        let last = self.log(end);
        self.kept.map_or(last, |(_, log)| log)
    }
    fn log(&self, end: Time) -> EventLog {
        EventLog {
            honest: self.honest.clone(),
            initial: self.initial.clone(),
            events: self.events.iter().cloned().collect(),
            earlier: self.earlier,
            end,
            in_transit: self.in_transit.max(0).unsigned_abs(),
        }
    }
    fn is_over(&self) -> bool {
        matches!(self.kept, Some((ViolationKind::Safety, _)))
    }
    fn push(&mut self, at: Time, kind: EventKind) {
        self.events.push_back(Event { at, kind });
        if self.events.len() > self.capacity
            && let Some(first) = self.events.pop_front()
        {
            self.earlier += 1;
            self.initial.apply(first.kind);
        }
    }
    /// Stores a transmission under the number that the engine gave it.
    fn send(&mut self, number: u32, transmission: Transmission, copies: u32) -> EventKind {
        let slot = number as usize;
        if self.transmissions.len() <= slot {
            self.transmissions.resize(slot + 1, None);
        }
        self.transmissions[slot] = Some(transmission);
        self.sent += 1;
        self.in_transit += i64::from(copies);
        EventKind::Sent { transmission, copies }
    }
    fn transmission(&self, number: u32) -> Option<Transmission> {
        self.transmissions.get(number as usize).copied().flatten()
    }
    fn message(&mut self, now: Time, observed: &Observed<'_>) -> Option<EventKind> {
        match *observed {
            Observed::Sent { sending, from, kind, bytes, copies } => {
                let transmission = Transmission { number: self.sent, at: now, from, kind, bytes };
                Some(self.send(sending, transmission, copies))
            }
            Observed::Delivered { sending, to, .. } => {
                self.in_transit -= 1;
                self.transmission(sending).map(|transmission| EventKind::Delivered { transmission, to })
            }
            Observed::Lost { sending, to, why } => {
                // A forged copy was delivered before its signature was checked.
                self.in_transit -= i64::from(sending.is_some() && why != crate::observe::Loss::Forged);
                let transmission = sending.and_then(|sending| self.transmission(sending));
                Some(EventKind::Lost { transmission, to, why })
            }
            _ => None,
        }
    }
}

/// The entry for an event other than a message; `None` if the log leaves it out.
fn event_of(observed: &Observed<'_>) -> Option<EventKind> {
    let kind = match *observed {
        Observed::Submitted { client, node, transaction, again } => {
            EventKind::Submitted { client, node, transaction: transaction.id(), is_retry: again }
        }
        Observed::Booted { node, boot, durable } => EventKind::Booted { node, boot, durable: name(durable) },
        Observed::Crashed { node } => EventKind::Crashed { node },
        Observed::Extended { node, block, .. } => EventKind::Extended { node, block: name(block) },
        Observed::Rewound { node, from, to, .. } => EventKind::Rewound { node, from, to },
        Observed::Finalized { node, block, .. } => EventKind::Finalized { node, block: name(block) },
        Observed::Installed { node, block, .. } => EventKind::Installed { node, block: name(block) },
        Observed::Noted { node, label, value } => EventKind::Noted { node, label, value },
        Observed::FaultBegan { fault, label } => EventKind::FaultBegan { fault, label: label.to_owned() },
        Observed::FaultEnded { fault } => EventKind::FaultEnded { fault },
        _ => return None,
    };
    Some(kind)
}

fn name(block: &Block) -> BlockName {
    BlockName { height: block.height(), id: block.id() }
}

impl InitialState {
    /// Applies an event that the log no longer holds.
    fn apply(&mut self, kind: EventKind) {
        let mut set = |node: NodeId, down: bool| self.down[node.index()] = down;
        match kind {
            EventKind::Booted { node, .. } => set(node, false),
            EventKind::Crashed { node } => set(node, true),
            EventKind::FaultBegan { fault, label } => self.faults.push((fault, label)),
            EventKind::FaultEnded { fault } => self.faults.retain(|(running, _)| *running != fault),
            _ => {}
        }
    }
}

impl Observer for Recorder {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        if !self.is_over()
            && let Some(kind) = self.message(now, observed).or_else(|| event_of(observed))
        {
            self.push(now, kind);
        }
        Ok(())
    }
    fn violated(&mut self, now: Time, violation: &Violation) {
        if self.is_over() {
            return;
        }
        self.push(now, EventKind::Violated(violation.clone()));
        if self.kept.is_none() || violation.kind == ViolationKind::Safety {
            self.kept = Some((violation.kind, self.log(now)));
        }
    }
    fn wants_messages(&self) -> bool {
        true
    }
}
