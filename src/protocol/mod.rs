//! L2: the interface between a consensus protocol and what runs it.
//!
//! A [`Protocol`] is a value with handlers. It receives the time and returns effects: in a handler, questions are
//! calls on [`Context`], orders are [`Effect`]s pushed on a list. The list is performed afterwards, **in order**,
//! and order is meaning:
//!
//! * everything after a [`Effect::Persist`] waits until the record is durable: that is write-ahead logging;
//! * everything after a [`Effect::Spend`] waits until the computing is done;
//! * effects of a later handler wait behind those of an earlier one.
//!
//! A timer of zero length set after a `Persist` therefore fires when the record is durable: that is how a node learns
//! that it may count its own vote.
//!
//! A node that crashes loses its value and everything not yet performed. It comes back through [`Protocol::boot`]
//! with the durable records, and its chain stands at the last block it finalized ([`Context::durable`]): finalized
//! blocks are durable by definition, everything above must be rebuilt from the log.

pub mod backward_sync;
pub mod chained;
mod context;
pub mod request;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod votes;

pub use context::{Context, Invalid, Services, Snapshot};

pub use crate::base::note;

use crate::base::{Committee, Duration, FaultModel, Hash, Height, Keyring, NodeId, Wire, Work};
use crate::chain::Block;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

/// One value is one node's memory.
pub trait Protocol: Clone + Debug + Sized + 'static {
    /// Its word in scenarios: lower case.
    const NAME: &'static str;
    /// One line for lists: family, fault bound, finality.
    const SUMMARY: &'static str;
    /// What its faulty nodes may do.
    const FAULTS: FaultModel;
    /// Which nodes a client asks after its wait for an answer has timed out.
    const RETRANSMISSION: Retransmission = Retransmission::NextNode;
    /// Its own attacks, by name, with one line each. [`Protocol::attacker`] makes them.
    const ATTACKS: &'static [(&'static str, &'static str)] = &[];

    /// What a scenario may set. Every field has a default, given with its source.
    type Config: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static;
    /// What its nodes say to each other.
    type Message: Message;
    /// Its alarm clocks. Setting a set timer replaces it.
    type Timer: Copy + Ord + std::hash::Hash + Debug + 'static;
    /// What it writes to its log.
    type Record: Record;

    /// Refuses settings that make no sense for `nodes` nodes.
    ///
    /// # Errors
    /// The first invalid, as key and reason.
    fn check(_config: &Self::Config, _nodes: usize) -> Result<(), InvalidSetting> {
        Ok(())
    }
    /// The nodes that take part and how many of them decide. The usual quorum of [`Protocol::FAULTS`], unless the protocol has
    /// a threshold or roles of its own.
    #[must_use]
    fn committee(_config: &Self::Config, weights: Vec<u64>) -> Committee {
        Committee::weighted(weights, Self::FAULTS)
    }
    /// The weight of the nodes that must be up and reach each other for blocks to become final: a quorum. Observers ask.
    #[must_use]
    fn decisive(committee: &Committee) -> u64 {
        committee.quorum()
    }
    /// What is worth knowing before a run of these settings with these nodes faulty, one sentence each: quorums that
    /// need not meet, nodes that depend on Byzantine nodes.
    #[must_use]
    fn remarks(_config: &Self::Config, _committee: &Committee, _faulty: &BTreeSet<NodeId>) -> Vec<String> {
        Vec::new()
    }
    /// How many nodes must report a transaction final before a client believes it.
    #[must_use]
    fn client_reply_quorum(_committee: &Committee) -> u64 {
        1
    }
    /// Whether `node` ever proposes transactions; the others keep no mempool when transactions spread by sampled delay.
    fn proposes(_config: &Self::Config, _committee: &Committee, _node: NodeId) -> bool {
        true
    }
    /// What nodes of so much weight together draw for proof of work, in watts; `None` where there is none, or where the
    /// settings do not say.
    fn mining_watts(_config: &Self::Config, _weight: u64) -> Option<f64> {
        None
    }
    /// Starts a node, for the first time (empty log) or again.
    fn boot(config: &Arc<Self::Config>, log: &[Self::Record], ctx: &mut Context<'_, Self>) -> Self;
    /// A genuine message arrived: [`Message::verify`] held. Its sender may still lie.
    fn on_message(&mut self, from: NodeId, message: Self::Message, ctx: &mut Context<'_, Self>);
    /// A timer fired.
    fn on_timer(&mut self, timer: Self::Timer, ctx: &mut Context<'_, Self>);
    /// A transaction entered this node's mempool.
    fn on_transaction(&mut self, _ctx: &mut Context<'_, Self>) {}
    /// A node that plays the attack `name` of [`Protocol::ATTACKS`].
    fn attacker(
        _name: &str,
        _config: &Arc<Self::Config>,
        _log: &[Self::Record],
        _ctx: &mut Context<'_, Self>,
    ) -> Option<Box<dyn Attacker<Self>>> {
        None
    }
}

/// A node that does not follow the protocol, but speaks its messages.
pub trait Attacker<P: Protocol>: Debug {
    /// See [`Protocol::on_message`].
    fn on_message(&mut self, from: NodeId, message: P::Message, ctx: &mut Context<'_, P>);
    /// See [`Protocol::on_timer`].
    fn on_timer(&mut self, timer: P::Timer, ctx: &mut Context<'_, P>);
    /// See [`Protocol::on_transaction`].
    fn on_transaction(&mut self, _ctx: &mut Context<'_, P>) {}
}

/// The nodes to which a client resubmits a transaction after its wait for an answer has timed out.
///
/// A node spreads a transaction that is new to it, so the proposer gets it from any honest node that reaches the others. A
/// client that asks one node at a time may try several nodes that do not spread it before one that does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retransmission {
    /// The next node in turn. Raft's clients (dissertation section 6.2: "another server"), etcd's (`clientv3`, round robin
    /// over its end points), those of JSON-RPC nodes (ethers' `FallbackProvider`: the next provider after a stall), of
    /// `CometBFT` and of Fabric's gateway, which speak to one node at a time.
    NextNode,
    /// All nodes: PBFT (Castro and Liskov 1999, section 4.1: "If the client does not receive replies soon enough, it
    /// broadcasts the request to all replicas").
    AllNodes,
}

/// Settings that make no sense: the key, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidSetting {
    /// The key inside the protocol's table.
    pub key: &'static str,
    /// What was found and what is allowed.
    pub reason: String,
}

/// How a broadcast is relayed where not all nodes are connected to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relay {
    /// Each node passes it on when it arrives, before handling it.
    OnArrival,
    /// Each node passes it on by broadcasting it itself, once it has judged it.
    OnBroadcast,
}

/// What nodes say to each other. It can be written down and read again, so that malformed messages of every kind can be
/// made from genuine ones; what is read may hold anything.
pub trait Message: Wire + Serialize + DeserializeOwned {
    /// Whether every signature in it is genuine and the sender is the required one. Pure: it is computed once per
    /// message, and its price ([`Wire::check`]) is charged to every receiver. Messages that fail never reach a handler.
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool;
    /// How it spreads when broadcast.
    fn relay(&self) -> Relay {
        Relay::OnArrival
    }
    /// What it is about, when several nodes may broadcast the same thing: a block's name.
    fn identity(&self) -> Option<Hash> {
        None
    }
    /// The whole block that it carries, if any: for propagation times and compact relay.
    fn block(&self) -> Option<&Arc<Block>> {
        None
    }
}

/// What a node writes to its log.
pub trait Record: Wire {
    /// Whether this record stands for everything before it, which may then be forgotten.
    fn is_checkpoint(&self) -> bool {
        false
    }
}

/// For protocols without a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRecord {}

impl Wire for NoRecord {
    fn bytes(&self) -> usize {
        match *self {}
    }
    fn kind(&self) -> &'static str {
        match *self {}
    }
}

impl Record for NoRecord {}

/// An order to whatever runs the node.
#[derive(Clone, Debug)]
pub enum Effect<M, T, R> {
    /// Sends to one peer.
    Send {
        /// The receiver; never the sender itself.
        to: NodeId,
        /// What it gets.
        message: M,
    },
    /// Sends to all other nodes; a node handles its own votes by a call.
    Broadcast {
        /// What they get.
        message: M,
    },
    /// Sets (or sets again) a timer.
    SetTimer {
        /// Which one.
        timer: T,
        /// After how long by the local clock.
        after: Duration,
    },
    /// Stops a timer; nothing if it is not set.
    CancelTimer {
        /// Which one.
        timer: T,
    },
    /// Writes a record and waits until it is durable.
    Persist {
        /// What is written.
        record: R,
    },
    /// Computes for a while.
    Spend {
        /// How much.
        work: Work,
    },
    /// Appends a block to this node's chain. Its parent is the tip.
    Extend {
        /// The new tip.
        block: Arc<Block>,
    },
    /// Cuts this node's chain back.
    Rewind {
        /// The height of the new tip; not below what is final.
        to: Height,
    },
    /// Declares this node's chain final up to a height.
    Finalize {
        /// Up to and including.
        upto: Height,
    },
    /// Replaces this node's chain by one received as a snapshot, final up to its tip.
    Install {
        /// What was received and checked.
        snapshot: Snapshot,
    },
    /// Something worth counting; see [`note`].
    Note {
        /// Its name.
        label: &'static str,
        /// Its number.
        value: u64,
    },
}

/// The effects of a protocol.
pub type EffectOf<P> = Effect<<P as Protocol>::Message, <P as Protocol>::Timer, <P as Protocol>::Record>;

/// Calls a visitor with each protocol; `consensus` holds the list.
pub trait Visitor {
    /// Called once per protocol.
    fn visit<P: Protocol>(&mut self);
}
