//! Ledger, accounts and workload of a chain.

use super::Builder;
use super::agent::{self, AgentAccounts};
use crate::base::{Crypto, Duration, Keyring};
use crate::engine::FLOOD_ACCOUNTS;
use crate::ledger::{Ledger, Wallet};
use crate::scenario::Workload as WorkloadChoice;
use crate::scenario::catalogue::{Clients, LedgerModel, WorkloadModel, find};
use crate::workload::Workload;
use crate::workload::payments::{Payments, Settings};
use std::rc::Rc;
use std::sync::Arc;

/// Accounts of a chain without a workload.
const IDLE_ACCOUNTS: u32 = 1;

/// What a chain is driven by.
pub(super) struct Load {
    pub accounts: Arc<Keyring>,
    pub ledger: Box<dyn Fn() -> Box<dyn Ledger>>,
    pub workload: Option<Box<dyn Workload>>,
    pub retry: Option<Duration>,
    pub agents: AgentAccounts,
}

/// What drives a chain.
enum Demand<'a> {
    None,
    Payments(&'a Settings),
    Model(Box<dyn WorkloadModel>),
}

impl Builder<'_> {
    /// What the scenario says of the workload of this chain.
    fn demand(&self) -> Result<Demand<'_>, String> {
        Ok(match &self.scenario.workload {
            Some(WorkloadChoice::Payments(payments)) if self.is_for_this_chain(&payments.chain) => {
                Demand::Payments(payments)
            }
            Some(WorkloadChoice::Model(choice)) => {
                let model = (find(self.catalogue.workloads(), "workload", &choice.name)?.read)(&choice.settings);
                if self.is_for_this_chain(model.chain().unwrap_or_default()) {
                    Demand::Model(model)
                } else {
                    Demand::None
                }
            }
            _ => Demand::None,
        })
    }
    pub(super) fn load(&self, n: usize) -> Result<Load, String> {
        let demand = self.demand()?;
        let (holders, clients, retry) = match &demand {
            Demand::None => (IDLE_ACCOUNTS, 0, None),
            Demand::Payments(payments) => (payments.accounts, payments.client_count(n as u32), payments.retry.first()),
            Demand::Model(model) => (model.accounts(), model.clients(n), model.retry()),
        };
        // Accounts of people come first, then one per agent, then one per node, which its rewards are paid to, then those
        // of floods.
        let agents = agent::writers(self.scenario, &self.table().name).count() as u32;
        let crypto: Crypto = self.scenario.crypto;
        let count = (holders + agents + FLOOD_ACCOUNTS) as usize + n;
        let keys = Keyring::new(crypto, self.chain_seed(), "account", count);
        let keys = Arc::new(if self.scenario.check.recompute { keys } else { keys.remembering() });
        let choice = &self.table().ledger;
        let entry = find(self.catalogue.ledgers(), "ledger", &choice.name)?;
        let model: Rc<dyn LedgerModel> = Rc::from((entry.read)(&choice.settings));
        let wallet = model.wallet(holders);
        let workload = match demand {
            Demand::None => None,
            Demand::Payments(payments) => Some(self.payments(payments, n, keys.clone(), wallet)),
            Demand::Model(model) => {
                let (seed, keys) = (self.chain_seed(), keys.clone());
                Some(model.workload(Clients { seed, nodes: n, keys, wallet })?)
            }
        };
        let agent_accounts = AgentAccounts { keys: keys.clone(), holders, clients };
        // Agents own what people own.
        let ledger = Box::new(move || model.ledger(holders + agents));
        Ok(Load { accounts: keys, ledger, workload, retry, agents: agent_accounts })
    }
    fn payments(
        &self,
        payments: &Settings,
        n: usize,
        keys: Arc<Keyring>,
        wallet: Box<dyn Wallet>,
    ) -> Box<dyn Workload> {
        let entry_nodes = payments.entry_nodes(n as u32);
        Box::new(Payments::new(self.chain_seed(), payments.clone(), &entry_nodes, keys, wallet))
    }
}
