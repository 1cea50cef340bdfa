//! L3: which clients submit which transactions, and when.

pub mod arrival;
pub mod payments;

use crate::base::{ClientId, NodeId, Time};
use crate::chain::Transaction;
use std::sync::Arc;

/// A transaction that a client hands to a node.
#[derive(Clone, Debug)]
pub struct Request {
    /// When.
    pub at: Time,
    /// The client that asks.
    pub client: ClientId,
    /// The node it is handed to.
    pub node: NodeId,
    /// What is asked.
    pub transaction: Arc<Transaction>,
}

/// What a client learns of its transaction.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// When it learned this.
    pub at: Time,
    /// The client that asked.
    pub client: ClientId,
    /// What was asked.
    pub transaction: Arc<Transaction>,
    /// Whether it was executed; otherwise it was ordered and had no effect, or was refused for good.
    pub executed: bool,
}

/// Makes requests. Arrivals never depend on the protocol, only (in closed loops) on receipts.
pub trait Workload {
    /// The instant of the next request that is certain now; `None` if there will be none before the next receipt.
    fn next(&self) -> Option<Time>;
    /// Takes the next request. `None` if the client had nothing to spend: the arrival is counted as not made.
    fn take(&mut self) -> Option<Request>;
    /// A client learns the outcome of its transaction.
    fn on_receipt(&mut self, receipt: &Receipt);
    /// The configured rate in transactions per second, where the workload has one.
    fn offered(&self) -> Option<f64>;
}
