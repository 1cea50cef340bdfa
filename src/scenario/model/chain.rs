//! A chain: how its nodes agree, on what, and on which machines.

use super::choice::{self, ModelChoice, ProtocolChoice};
use super::{Network, Nodes};
use crate::base::CostTable;
use crate::ledger::account::AccountLedger;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One ledger and the nodes that keep it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// Its name; faults and workloads of scenarios with several chains use it.
    #[serde(default = "main_chain")]
    pub name: String,
    /// How its nodes agree: `protocol = "pbft"`, or `protocol.pbft = { ... }` with settings.
    #[schemars(with = "choice::Protocols")]
    pub protocol: ProtocolChoice,
    /// What they agree on.
    #[serde(default = "account")]
    #[schemars(with = "choice::Ledgers")]
    pub ledger: ModelChoice,
    /// Its nodes.
    pub nodes: Nodes,
    /// What lies between them.
    #[serde(default)]
    pub network: Network,
    /// What computing costs on one core of the reference server.
    #[serde(default)]
    pub costs: CostTable,
}

impl Chain {
    /// A chain of `nodes` nodes, 50 ms apart from each other, with the account ledger.
    #[must_use]
    pub fn new(protocol: ProtocolChoice, nodes: u32) -> Chain {
        Chain {
            name: main_chain(),
            protocol,
            ledger: account(),
            nodes: Nodes { count: Some(nodes), ..Nodes::default() },
            network: Network::default(),
            costs: CostTable::default(),
        }
    }
}

fn main_chain() -> String {
    "main".into()
}
fn account() -> ModelChoice {
    ModelChoice::of(&AccountLedger::default())
}
