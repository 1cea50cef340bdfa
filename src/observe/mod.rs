//! L2: events of a run, and observers of them. Observers never change what happens.

pub mod check;
pub mod event_log;
pub mod fingerprint;
pub mod metrics;
#[cfg(test)]
mod testing;

use crate::base::{ClientId, Duration, Hash, Height, NodeId, Time};
use crate::chain::{Block, Transaction};
use std::fmt;
use std::sync::Arc;

/// An event that observers receive.
#[derive(Clone, Copy, Debug)]
pub enum Observed<'a> {
    /// A client handed a transaction to a node: once per transaction, and once per retransmission.
    Submitted {
        /// The client.
        client: ClientId,
        /// The node that received it.
        node: NodeId,
        /// The transaction.
        transaction: &'a Arc<Transaction>,
        /// Whether it was submitted before.
        again: bool,
    },
    /// An arrival of the workload for which the client had nothing to spend.
    Unmade,
    /// A mempool refused or evicted a transaction.
    Refused {
        /// The node of the mempool.
        node: NodeId,
        /// The transaction.
        transaction: &'a Arc<Transaction>,
        /// Why.
        reason: &'static str,
    },
    /// A client accepted its transaction as final (or as without effect).
    Answered {
        /// The client.
        client: ClientId,
        /// The name of the transaction.
        transaction: Hash,
        /// Whether it was executed.
        executed: bool,
    },
    /// A node has received a whole block, or made it. The first such event of a block is its creation.
    Held {
        /// Which node.
        node: NodeId,
        /// Which block.
        block: &'a Arc<Block>,
    },
    /// A node appended a block to its chain.
    Extended {
        /// Which node.
        node: NodeId,
        /// Its new tip.
        block: &'a Arc<Block>,
        /// What became of each transaction: executed, or without effect.
        executed: &'a [bool],
        /// The root of the state after it.
        root: Hash,
    },
    /// A node cut its chain back.
    Rewound {
        /// Which node.
        node: NodeId,
        /// Height before.
        from: Height,
        /// Height after.
        to: Height,
        /// Up to where the node had declared its chain final: `to` below it breaks finality.
        finalized: Height,
    },
    /// A node declared its chain final up to a block: once per block, in ascending order.
    Finalized {
        /// Which node.
        node: NodeId,
        /// The block that became final.
        block: &'a Arc<Block>,
        /// What became of each transaction.
        executed: &'a [bool],
        /// The root of the state after it.
        root: Hash,
    },
    /// A node replaced its chain by a snapshot, which is final up to this block.
    Installed {
        /// Which node.
        node: NodeId,
        /// The tip of the snapshot.
        block: &'a Arc<Block>,
        /// The root of the state it claims.
        root: Hash,
    },
    /// The state after a block was audited, when the block was first executed.
    Audited {
        /// The block.
        block: &'a Arc<Block>,
        /// The inconsistency that was found, if any.
        broken: Option<&'a str>,
    },
    /// A message was handed to the network.
    Sent {
        /// The number of the transmission. It is used again when all copies have arrived or are lost.
        sending: u32,
        /// The sender.
        from: NodeId,
        /// Its name.
        kind: &'static str,
        /// Bytes of one copy, framing included.
        bytes: u64,
        /// Number of receivers.
        copies: u32,
    },
    /// A message reached its receiver's inbox.
    Delivered {
        /// The number of its transmission.
        sending: u32,
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// Its name.
        kind: &'static str,
        /// Bytes, framing included.
        bytes: u64,
    },
    /// A copy of a message was lost: in the network, in a partition, at a receiver that was down, or by a failed check.
    Lost {
        /// The number of its transmission; `None` for transactions that spread by sampled delay, without messages.
        sending: Option<u32>,
        /// The receiver.
        to: NodeId,
        /// Why.
        why: Loss,
    },
    /// A node crashed.
    Crashed {
        /// Which node.
        node: NodeId,
    },
    /// A node started, for the first time or again.
    Booted {
        /// Which node.
        node: NodeId,
        /// 0 for the first time.
        boot: u32,
        /// The tip of its durable chain.
        durable: &'a Arc<Block>,
    },
    /// Which nodes are up and can reach, in both directions, nodes that are up and together weigh enough for blocks to
    /// become final: a quorum, or most of the hash power. Sent at the start, and whenever it changes.
    Connected {
        /// One entry per node.
        nodes: &'a [bool],
    },
    /// A fault of the schedule began.
    FaultBegan {
        /// Its number.
        fault: u32,
        /// What it is, for people.
        label: &'a str,
    },
    /// A fault of the schedule ended.
    FaultEnded {
        /// Its number.
        fault: u32,
    },
    /// A protocol noted something; see [`note`](crate::base::note).
    Noted {
        /// Which node.
        node: NodeId,
        /// Its name.
        label: &'static str,
        /// Its number.
        value: u64,
    },
    /// The state of a node's resources: at the end of every interval and of the run.
    Load {
        /// Which node.
        node: NodeId,
        /// Computing since the start, over all cores.
        busy: Duration,
        /// Most messages that waited in its inbox since the last such event.
        inbox_max: u32,
        /// Transactions waiting in its mempool.
        pending: u32,
        /// Bytes sent since the start.
        sent: u64,
        /// Bytes received since the start.
        received: u64,
        /// Bytes written to its log since the start.
        written: u64,
    },
}

/// Why a copy of a message was lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Loss {
    /// The network dropped it, or a partition separates sender and receiver.
    Network,
    /// The receiver was down.
    Down,
    /// A signature in it is not valid.
    Forged,
}

/// A violated property.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which property: the checker's name.
    pub property: &'static str,
    /// Whether it is a property of safety or of liveness.
    pub kind: ViolationKind,
    /// When it was found.
    pub at: Time,
    /// The expected and the actual behaviour, with nodes, heights and names.
    pub what: String,
}

/// The two kinds of properties (Lamport 1977).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ViolationKind {
    /// Something wrong happened: exit code 3.
    Safety,
    /// Something good did not happen: exit code 4.
    Liveness,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.property, self.at, self.what)
    }
}

/// Receives the events of a run, in order.
pub trait Observer {
    /// Receives an event.
    ///
    /// # Errors
    /// A property that the event violates. The run goes on.
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation>;
    /// The run ended.
    ///
    /// # Errors
    /// A property that the whole run violates.
    fn finish(&mut self, _end: Time) -> Result<(), Violation> {
        Ok(())
    }
    /// An observer, this one or another, has found that the last event violates a property.
    fn violated(&mut self, _now: Time, _violation: &Violation) {}
    /// Whether this observer uses [`Observed::Sent`], [`Observed::Delivered`] and [`Observed::Lost`], which are frequent.
    fn wants_messages(&self) -> bool {
        false
    }
}
