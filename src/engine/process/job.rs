//! What a process handles.

use crate::base::NodeId;
use crate::chain::Transaction;
use std::sync::Arc;

/// Where a transaction came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::engine) enum Origin {
    /// A client. The node relays a transaction that is new to it, even if another node relayed it before.
    Client,
    /// A peer that sent it to all nodes.
    Peer,
    /// Gossip, which passes it on.
    Gossip,
}

/// Something for a process to handle.
pub(in crate::engine) enum Job {
    /// A message: its number and the node that sent it.
    Message { message: u32, from: NodeId },
    /// A timer that is due: its slot, and the number of its setting.
    Timer { slot: u32, number: u32 },
    /// A transaction for the mempool.
    Transaction { transaction: Arc<Transaction>, origin: Origin },
    /// A message whose check failed: only the checking is done.
    InvalidSignature,
}
