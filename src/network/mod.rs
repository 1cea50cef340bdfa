//! L3: carries bytes between nodes.
//!
//! A [`Network`] decides when envelopes arrive. It knows nothing of messages: an envelope is a number of bytes and a ticket.
//! [`gossip`] decides which node sends what to which peer when a broadcast must spread over a graph.

mod csv_table;
pub mod dataset;
pub mod fault;
mod gml;
pub mod gossip;
pub mod import;
pub mod latency;
pub mod sampling;
pub mod topology;
pub mod transport;

pub use csv_table::CsvError;

use crate::base::{Duration, NodeId, Time};

/// A message on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// The sender.
    pub from: NodeId,
    /// Bytes on the wire, framing included.
    pub bytes: u64,
    /// The sender's count of its envelopes. It selects this envelope's random word.
    pub number: u64,
    /// What the engine knows it by.
    pub ticket: u64,
}

/// The last bit of an envelope reaches the receiver's access link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// The receiver.
    pub to: NodeId,
    /// When the last bit arrives.
    pub at: Time,
    /// When the first bit arrived.
    pub first: Time,
    /// Bytes of the envelope.
    pub bytes: u64,
    /// The envelope's ticket.
    pub ticket: u64,
}

/// What came of a call to a [`Network`]; a buffer that is reused.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// Arrivals that are certain now. None for a lost envelope or one still queued, two for a duplicated one.
    pub arrivals: Vec<Arrival>,
    /// Arrivals of copies that were garbled on their way.
    pub garbled: Vec<Arrival>,
    /// Receivers whose copy was lost, with the ticket.
    pub lost: Vec<(NodeId, u64)>,
    /// Nodes whose uplink must be woken, and when; a node may be named again, earlier wakings then find nothing to do.
    pub wakes: Vec<(NodeId, Time)>,
}

impl Carried {
    /// Empties the buffer.
    pub fn clear(&mut self) {
        self.arrivals.clear();
        self.garbled.clear();
        self.lost.clear();
        self.wakes.clear();
    }
}

/// One-way propagation delays.
pub trait Delay {
    /// The delay of one envelope from `from` to `to`. `word` is its random word: 64 random bits of its own.
    /// A pure function of its arguments.
    fn delay(&self, from: NodeId, to: NodeId, word: u64) -> Duration;
    /// The delay to expect between two nodes, for round-trip times.
    fn typical(&self, from: NodeId, to: NodeId) -> Duration;
    /// No delay between different nodes is less.
    fn least(&self) -> Duration;
}

/// Carries envelopes.
pub trait Network {
    /// Hands one envelope per receiver to the sender's uplink. Results are appended to `out`, in the order of `to`.
    fn send(&mut self, now: Time, envelope: &Envelope, to: &[NodeId], out: &mut Carried);
    /// The uplink of `node` may have finished something.
    fn wake(&mut self, now: Time, node: NodeId, out: &mut Carried);
    /// Whether downlinks are modelled, so that [`Network::land`] must be asked.
    fn has_downlinks(&self) -> bool;
    /// At the instant of an arrival: when the receiver's downlink has taken it in, `now` or later.
    fn land(&mut self, now: Time, arrival: &Arrival) -> Time;
    /// A node crashed: what its uplink had queued is gone. Its tickets are appended to `out.lost`.
    fn reset(&mut self, now: Time, node: NodeId, out: &mut Carried);
    /// The network changes: a partition begins or heals, links degrade or recover.
    fn change(&mut self, now: Time, change: &Change, out: &mut Carried);
    /// Whether an envelope sent now from `from` would meet no cut on its way to `to`.
    fn reaches(&self, from: NodeId, to: NodeId) -> bool;
    /// Least delay between any two nodes: the lookahead of a parallel run.
    fn delay_min(&self) -> Duration;
    /// Bytes that left the uplink of `node` so far.
    fn bytes_sent(&self, node: NodeId) -> u64;
    /// Bytes that the downlink of `node` took in so far.
    fn bytes_received(&self, node: NodeId) -> u64;
}

/// A change of the network at an instant. Changes with different numbers add up; [`Change::Lift`] ends one.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// Nothing passes from a node of `from` to a node of `to`, not even what is already under way from the uplink.
    Cut {
        /// Its number.
        id: u32,
        /// Pairs of sets of nodes, each direction named for itself.
        pairs: Vec<(Vec<NodeId>, Vec<NodeId>)>,
    },
    /// Links from a node of `from` to a node of `to` get worse.
    Degrade {
        /// Its number.
        id: u32,
        /// Senders.
        from: Vec<NodeId>,
        /// Receivers.
        to: Vec<NodeId>,
        /// How they get worse.
        by: Degradation,
    },
    /// The change with this number ends.
    Lift {
        /// Its number.
        id: u32,
    },
}

/// How links get worse.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Degradation {
    /// One-way delay added to every envelope.
    pub extra: Duration,
    /// Further delay drawn uniformly from zero to this, per envelope.
    pub jitter: Duration,
    /// Probability that an envelope is lost.
    pub loss: f64,
    /// Probability that an envelope arrives twice.
    pub duplicate: f64,
    /// Probability that an envelope arrives garbled.
    pub corrupt: f64,
    /// Whether envelopes may overtake each other on one link.
    pub reorder: bool,
}
