//! One client, one payment after the other at equal gaps.

use ledgerlab::base::{AccountId, ClientId, Duration, NodeId, Time};
use ledgerlab::scenario::{Clients, Model, WorkloadModel};
use ledgerlab::workload::{Receipt, Request, Workload};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Drip {
    /// From one payment to the next.
    every: Duration,
    /// The chain that is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<String>,
}

impl Default for Drip {
    fn default() -> Drip {
        Drip { every: Duration::from_secs(1), chain: None }
    }
}

impl Model for Drip {
    const NAME: &'static str = "drip";
    const SUMMARY: &'static str = "payments of one client at equal gaps";
}

impl WorkloadModel for Drip {
    fn chain(&self) -> Option<&str> {
        self.chain.as_deref()
    }
    fn accounts(&self) -> u32 {
        2
    }
    fn clients(&self, _: usize) -> u32 {
        1
    }
    fn workload(&self, clients: Clients) -> Result<Box<dyn Workload>, String> {
        Ok(Box::new(Dripping { clients, every: self.every, at: Time::ZERO + self.every }))
    }
}

struct Dripping {
    clients: Clients,
    every: Duration,
    at: Time,
}

impl Workload for Dripping {
    fn next(&self) -> Option<Time> {
        Some(self.at)
    }
    fn take(&mut self) -> Option<Request> {
        let Clients { keys, wallet, nodes, .. } = &mut self.clients;
        let transaction = wallet.pay(keys, AccountId(0), AccountId(1), 1, 10, 200)?;
        let node = NodeId::from((self.at.as_nanos() / self.every.as_nanos()) as usize % *nodes);
        let request = Request { at: self.at, client: ClientId(0), node, transaction };
        self.at += self.every;
        Some(request)
    }
    fn on_receipt(&mut self, receipt: &Receipt) {
        self.clients.wallet.settle(&receipt.transaction, receipt.executed);
    }
    fn offered(&self) -> Option<f64> {
        Some(1.0 / self.every.as_secs_f64())
    }
}
