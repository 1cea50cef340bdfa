//! L2: what can be seen. Observers never change what happens.

pub mod check;
pub mod event_log;
pub mod fingerprint;
pub mod metrics;

use crate::base::{ClientId, Duration, Hash, Height, NodeId, Time};
use crate::chain::{Block, Transaction};
use std::fmt;
use std::sync::Arc;

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Observed<'a> {
    /// A client handed a transaction to a node. Seen once per transaction, again for each retransmission.
    Submitted {
        /// Who asks.
        client: ClientId,
        /// The node that got it.
        node: NodeId,
        /// What is asked.
        transaction: &'a Arc<Transaction>,
        /// Whether it is sent again.
        again: bool,
    },
    /// The workload wanted to ask for something but the client had nothing to spend.
    Unmade,
    /// A mempool refused or evicted a transaction.
    Refused {
        /// Whose mempool.
        node: NodeId,
        /// What was refused.
        transaction: &'a Arc<Transaction>,
        /// Why.
        reason: &'static str,
    },
    /// A client believes its transaction final (or without effect).
    Answered {
        /// Who asked.
        client: ClientId,
        /// The name of the transaction.
        transaction: Hash,
        /// Whether it was executed.
        executed: bool,
    },
    /// A node came to hold a whole block, its own included. The first sight is the block's creation.
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
    /// A node declared its chain final up to a block. Told once per block, in ascending order.
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
    /// A node replaced its chain by a snapshot: final up to this block, which it skipped to.
    Installed {
        /// Which node.
        node: NodeId,
        /// The tip of the snapshot.
        block: &'a Arc<Block>,
        /// The root of the state it claims.
        root: Hash,
    },
    /// The state after a final block was audited.
    Audited {
        /// The block.
        block: &'a Arc<Block>,
        /// What does not add up, if anything.
        broken: Option<&'a str>,
    },
    /// A message was handed to the network.
    Sent {
        /// Its number among the sendings that are under way, used again when all copies have arrived or are lost.
        sending: u32,
        /// From whom.
        from: NodeId,
        /// Its name.
        kind: &'static str,
        /// Bytes of one copy, framing included.
        bytes: u64,
        /// To how many.
        copies: u32,
    },
    /// A message reached its receiver's inbox.
    Delivered {
        /// The number of its sending.
        sending: u32,
        /// From whom.
        from: NodeId,
        /// To whom.
        to: NodeId,
        /// Its name.
        kind: &'static str,
        /// Bytes, framing included.
        bytes: u64,
    },
    /// A copy of a message was lost: by the network, by a partition, because its receiver was down or its check failed.
    Lost {
        /// The number of its sending; `None` for what nobody sends: transactions that spread by sampled delay.
        sending: Option<u32>,
        /// To whom.
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
    /// become final: a quorum, or most of the power. Told at the start, and whenever it changes.
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
    /// A protocol noted something; see `protocol::note`.
    Noted {
        /// Which node.
        node: NodeId,
        /// Its name.
        label: &'static str,
        /// Its number.
        value: u64,
    },
    /// The state of a node's resources, told at the end of every interval and of the run.
    Load {
        /// Which node.
        node: NodeId,
        /// Computing since the start, over all cores.
        busy: Duration,
        /// Messages waiting in its inbox, at most, since the last telling.
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
    /// The network dropped it, or a partition stands between.
    Network,
    /// The receiver was down.
    Down,
    /// A signature in it is not genuine.
    Forged,
}

/// A property that does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which property: the checker's name.
    pub property: &'static str,
    /// Whether something wrong happened, or something good did not.
    pub kind: ViolationKind,
    /// When it was seen.
    pub at: Time,
    /// What was expected and what was found, with nodes, heights and names.
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

/// Sees everything that happens, in order.
pub trait Observer {
    /// Something happened now.
    ///
    /// # Errors
    /// A property that this breaks. The run goes on.
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation>;
    /// The run ended.
    ///
    /// # Errors
    /// A property that the whole run breaks.
    fn finish(&mut self, _end: Time) -> Result<(), Violation> {
        Ok(())
    }
    /// An observer, this one or another, has just found a property broken by what happened last.
    fn violated(&mut self, _now: Time, _violation: &Violation) {}
    /// Whether this observer wants [`Observed::Sent`], [`Observed::Delivered`] and [`Observed::Lost`], which are many.
    fn wants_messages(&self) -> bool {
        false
    }
}
