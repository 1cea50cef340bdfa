//! From a sender's uplink to the receivers: transmissions under way, kept once however many receive them.
//!
//! A broadcast is one message and one transmission. Where its arrivals are known at once and downlinks are not modelled, it
//! is one entry in the queue that steps through them in order; elsewhere each arrival is an entry. What is sent is known here by number alone. Transmissions cross processes; the counts of what
//! was sent are per process; the network's state is its own.

use super::agenda::{Agenda, Event, Source};
use super::messages::MessageTable;
use super::observers::Observers;
use super::roster::{ProcessId, Roster};
use super::slab::Slab;
use crate::base::{NodeId, Time, Work};
use crate::chain::Transaction;
use crate::network::gossip::RelayMessage;
use crate::network::{Arrival, Carried, Change, Envelope, Network};
use crate::observe::{Loss, Observed};
use std::sync::Arc;

/// The kind of transactions that are sent as such.
pub(super) const TRANSACTION_KIND: &str = "transaction";

/// What a transmission carries.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// A message of the protocol.
    Message(u32),
    /// A frame of gossip about an item.
    RelayMessage(RelayMessage, u32),
    /// A transaction, sent to one mempool after the other.
    Transaction(Arc<Transaction>),
    /// A transaction whose delay was sampled. It uses no uplink.
    SampledTransaction(Arc<Transaction>),
    /// A corrupted message, with the cost of detecting the corruption.
    Damaged(Work),
}

/// One content under way to some receivers.
struct Transmission {
    content: Content,
    from: ProcessId,
    bytes: u64,
    /// Copies that are still to arrive or to be lost.
    copies: u32,
}

/// Arrivals of one transmission, in order, walked by one entry in the queue.
struct FanOut {
    transmission: u32,
    from: ProcessId,
    arrivals: Vec<(Time, u32, ProcessId)>,
    next: usize,
}

/// A copy that arrives now.
#[derive(Clone, Copy)]
pub(super) struct Copy {
    pub to: ProcessId,
    pub transmission: u32,
    /// The event that it arrives by.
    pub cause: (Source, u32),
}

/// What delivery uses besides its own state.
pub(super) struct DeliveryContext<'a> {
    pub agenda: &'a mut Agenda,
    pub observers: &'a mut Observers,
    pub messages: &'a mut dyn MessageTable,
    pub roster: &'a Roster,
}

impl DeliveryContext<'_> {
    fn notify(&mut self, observed: &Observed<'_>) {
        self.observers.notify(self.agenda.now(), observed);
    }
}

/// The network, and everything under way in it.
pub(super) struct Delivery {
    network: Box<dyn Network>,
    transmissions: Slab<Transmission>,
    fan_outs: Slab<FanOut>,
    /// Arrivals that the receiver's downlink must still take in.
    downlinks: Slab<Arrival>,
    /// How much each process has sent.
    sent: Vec<u64>,
    // Buffers that are reused.
    carried: Carried,
    receivers: Vec<NodeId>,
    spare: Vec<Vec<(Time, u32, ProcessId)>>,
}

/// Sending.
impl Delivery {
    /// A network between so many processes.
    pub fn new(network: Box<dyn Network>, processes: usize) -> Delivery {
        Delivery {
            network,
            transmissions: Slab::default(),
            fan_outs: Slab::default(),
            downlinks: Slab::default(),
            sent: vec![0; processes],
            carried: Carried::default(),
            receivers: Vec::new(),
            spare: Vec::new(),
        }
    }
    /// Hands a content to the uplink of a process, for some receivers; false if there are none.
    pub fn send(
        &mut self,
        from: ProcessId,
        to: impl Iterator<Item = ProcessId>,
        content: (Content, u64, &'static str),
        context: &mut DeliveryContext<'_>,
    ) -> bool {
        self.receivers.clear();
        self.receivers.extend(to.map(ProcessId::endpoint));
        if self.receivers.is_empty() {
            return false;
        }
        self.transmit(from, content, context);
        true
    }
    fn transmit(
        &mut self,
        from: ProcessId,
        (content, bytes, kind): (Content, u64, &'static str),
        context: &mut DeliveryContext<'_>,
    ) {
        let copies = self.receivers.len() as u32;
        let transmission = self.transmissions.insert(Transmission { content, from, bytes, copies });
        if context.observers.wants_messages() {
            let from = context.roster.node(from);
            context.notify(&Observed::Sent { sending: transmission, from, kind, bytes, copies });
        }
        let sent = &mut self.sent[from.index()];
        *sent += 1;
        let envelope = Envelope { from: from.endpoint(), bytes, number: *sent, ticket: u64::from(transmission) };
        self.network.send(context.agenda.now(), &envelope, &self.receivers, &mut self.carried);
        self.schedule_carried(context);
    }
    /// Sends a transaction on its way by sampled delays.
    pub fn send_sampled(
        &mut self,
        from: ProcessId,
        transaction: Arc<Transaction>,
        arrivals: impl Iterator<Item = (Time, ProcessId)>,
        agenda: &mut Agenda,
    ) {
        let mut list = self.spare.pop().unwrap_or_default();
        list.extend(arrivals.map(|(at, to)| (at, agenda.number(from), to)));
        if list.is_empty() {
            return;
        }
        let (copies, bytes) = (list.len() as u32, transaction.bytes() as u64);
        let content = Content::SampledTransaction(transaction);
        let transmission = self.transmissions.insert(Transmission { content, from, bytes, copies });
        self.fan_out(transmission, from, list, agenda);
    }
    /// An uplink may have finished something.
    pub fn wake(&mut self, process: ProcessId, context: &mut DeliveryContext<'_>) {
        self.network.wake(context.agenda.now(), process.endpoint(), &mut self.carried);
        self.schedule_carried(context);
    }
    /// A process crashed: what its uplink had queued is lost.
    pub fn reset(&mut self, process: ProcessId, context: &mut DeliveryContext<'_>) {
        self.network.reset(context.agenda.now(), process.endpoint(), &mut self.carried);
        self.schedule_carried(context);
    }
    /// The network changes.
    pub fn change(&mut self, change: &Change, context: &mut DeliveryContext<'_>) {
        self.network.change(context.agenda.now(), change, &mut self.carried);
        self.schedule_carried(context);
    }
    /// Whether what is sent now would meet no cut on its way.
    pub fn reaches(&self, from: ProcessId, to: ProcessId) -> bool {
        self.network.reaches(from.endpoint(), to.endpoint())
    }
    /// Bytes that left the uplink of a process and that its downlink took in, so far.
    pub fn bytes(&self, process: ProcessId) -> (u64, u64) {
        (self.network.bytes_sent(process.endpoint()), self.network.bytes_received(process.endpoint()))
    }
    /// Transmissions and arrivals under way.
    pub fn under_way(&self) -> usize {
        self.transmissions.len() + self.fan_outs.len() + self.downlinks.len()
    }
}

/// Scheduling what the network decided.
impl Delivery {
    fn schedule_carried(&mut self, context: &mut DeliveryContext<'_>) {
        let mut carried = std::mem::take(&mut self.carried);
        for &(endpoint, at) in &carried.wakes {
            let process = ProcessId::at(endpoint);
            context.agenda.schedule(at, process, Event::UplinkWakes { process });
        }
        for &(endpoint, ticket) in &carried.lost {
            lose(ProcessId::at(endpoint), Some(ticket as u32), Loss::Network, context);
            self.drop_copy(ticket as u32, context.messages);
        }
        self.count_duplicates(&carried.garbled);
        for &arrival in &carried.garbled {
            self.damage(arrival, context);
        }
        let mut arrivals = carried.arrivals.as_slice();
        while let Some(first) = arrivals.first() {
            let same = arrivals.iter().take_while(|next| next.ticket == first.ticket).count();
            let (these, rest) = arrivals.split_at(same);
            self.expect(first.ticket as u32, these, context.agenda);
            arrivals = rest;
        }
        carried.clear();
        self.carried = carried;
    }
    /// Counts duplicates created by the network, so that the transmission is kept until all copies have arrived.
    fn count_duplicates(&mut self, arrivals: &[Arrival]) {
        for pair in arrivals.windows(2).filter(|pair| (pair[0].ticket, pair[0].to) == (pair[1].ticket, pair[1].to)) {
            self.transmissions.get_mut(pair[0].ticket as u32).copies += 1;
        }
    }
    /// A copy arrives corrupted.
    fn damage(&mut self, arrival: Arrival, context: &mut DeliveryContext<'_>) {
        let whole = arrival.ticket as u32;
        let Transmission { content, from, bytes, .. } = self.transmissions.get(whole);
        let (from, bytes) = (*from, *bytes);
        let work = match content {
            Content::Message(message) => context.messages.envelope(*message).work,
            Content::RelayMessage(..) => Work::NONE,
            _ => Work::RECEIVE + Work::VERIFY,
        };
        let damaged = Transmission { content: Content::Damaged(work), from, bytes, copies: 1 };
        let damaged = self.transmissions.insert(damaged);
        self.expect(damaged, &[Arrival { ticket: u64::from(damaged), ..arrival }], context.agenda);
        self.drop_copy(whole, context.messages);
    }
    fn expect(&mut self, transmission: u32, arrivals: &[Arrival], agenda: &mut Agenda) {
        self.count_duplicates(arrivals);
        let from = self.transmissions.get(transmission).from;
        if self.network.has_downlinks() {
            for arrival in arrivals {
                let (to, at) = (ProcessId::at(arrival.to), arrival.at);
                let arrival = self.downlinks.insert(*arrival);
                agenda.schedule(at, from, Event::DownlinkArrival { to, arrival });
            }
        } else if let [only] = arrivals {
            agenda.schedule(only.at, from, Event::Arrival { to: ProcessId::at(only.to), transmission });
        } else {
            let mut list = self.spare.pop().unwrap_or_default();
            list.extend(arrivals.iter().map(|arrival| (arrival.at, agenda.number(from), ProcessId::at(arrival.to))));
            self.fan_out(transmission, from, list, agenda);
        }
    }
    /// Queues arrivals, in any order, as one entry that walks them.
    fn fan_out(
        &mut self,
        transmission: u32,
        from: ProcessId,
        mut arrivals: Vec<(Time, u32, ProcessId)>,
        agenda: &mut Agenda,
    ) {
        arrivals.sort_unstable_by_key(|&(at, number, _)| (u128::from(at.as_nanos()) << 32) | u128::from(number));
        let (at, number, _) = arrivals[0];
        let fan_out = self.fan_outs.insert(FanOut { transmission, from, arrivals, next: 0 });
        agenda.schedule_numbered(at, from, number, Event::FanOut { from, fan_out });
    }
}

/// Arriving.
impl Delivery {
    /// The next arrival of a fan-out. One that is not due by an event of its own happens if nothing else comes before it;
    /// otherwise the fan-out waits in the queue again.
    pub fn next_arrival(&mut self, fan_out: u32, is_due: bool, agenda: &mut Agenda) -> Option<Copy> {
        let walked = self.fan_outs.get_mut(fan_out);
        let from = walked.from;
        let Some(&(at, number, to)) = walked.arrivals.get(walked.next) else {
            let mut arrivals = self.fan_outs.remove(fan_out).arrivals;
            arrivals.clear();
            self.spare.push(arrivals);
            return None;
        };
        if !is_due && !agenda.take_if_next(at, from, number) {
            agenda.schedule_numbered(at, from, number, Event::FanOut { from, fan_out });
            return None;
        }
        walked.next += 1;
        Some(Copy { to, transmission: walked.transmission, cause: (from.into(), number) })
    }
    /// The last bit of a transmission has reached a downlink: the copy, if the downlink has taken it in at once.
    pub fn take_in(&mut self, arrival: u32, agenda: &mut Agenda) -> Option<Copy> {
        let arrival = self.downlinks.remove(arrival);
        let taken = self.network.land(agenda.now(), &arrival);
        let (to, transmission) = (ProcessId::at(arrival.to), arrival.ticket as u32);
        if taken > agenda.now() {
            agenda.schedule(taken, to, Event::Arrival { to, transmission });
            return None;
        }
        Some(Copy { to, transmission, cause: (self.transmissions.get(transmission).from.into(), 0) })
    }
    /// A copy reaches its receiver: its sender and its content, if the receiver is up. It is under way until it is
    /// [dropped](Delivery::drop_copy).
    pub fn arrive(
        &mut self,
        copy: Copy,
        is_up: bool,
        context: &mut DeliveryContext<'_>,
    ) -> Option<(ProcessId, &Content)> {
        let transmission = self.transmissions.get(copy.transmission);
        context.agenda.record_arrival(copy.cause, copy.to, transmission.bytes);
        let is_sampled = matches!(transmission.content, Content::SampledTransaction(_));
        if !is_up {
            lose(copy.to, Some(copy.transmission).filter(|_| !is_sampled), Loss::Down, context);
            return None;
        }
        if context.observers.wants_messages() && !is_sampled {
            let kind = match &transmission.content {
                Content::Message(message) => Some(context.messages.envelope(*message).kind),
                Content::RelayMessage(frame, _) => Some(frame.kind()),
                Content::Transaction(_) => Some(TRANSACTION_KIND),
                Content::SampledTransaction(_) | Content::Damaged(_) => None,
            };
            if let Some(kind) = kind {
                let (from, to) = (context.roster.node(transmission.from), context.roster.node(copy.to));
                let (sending, bytes) = (copy.transmission, transmission.bytes);
                context.notify(&Observed::Delivered { sending, from, to, kind, bytes });
            }
        }
        Some((transmission.from, &transmission.content))
    }
    /// A copy has arrived or is lost.
    pub fn drop_copy(&mut self, transmission: u32, messages: &mut dyn MessageTable) {
        let kept = self.transmissions.get_mut(transmission);
        kept.copies -= 1;
        if kept.copies == 0
            && let Content::Message(message) = self.transmissions.remove(transmission).content
        {
            messages.release(message);
        }
    }
}

/// A copy was lost.
pub(super) fn lose(to: ProcessId, sending: Option<u32>, why: Loss, context: &mut DeliveryContext<'_>) {
    if context.observers.wants_messages() {
        let to = context.roster.node(to);
        context.notify(&Observed::Lost { sending, to, why });
    }
}
