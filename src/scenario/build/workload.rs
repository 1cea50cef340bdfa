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

/// Accounts that exist where nobody asks for anything.
const NOBODY: u32 = 1;

/// What a chain is driven by.
pub(super) struct Load {
    pub accounts: Arc<Keyring>,
    pub ledger: Box<dyn Fn() -> Box<dyn Ledger>>,
    pub workload: Option<Box<dyn Workload>>,
    pub retry: Option<Duration>,
    pub desk: AgentAccounts,
}

/// Who asks a chain for something.
enum Asking<'a> {
    Nobody,
    Payments(&'a Settings),
    Model(Box<dyn WorkloadModel>),
}

impl Builder<'_> {
    /// What the scenario says of who asks this chain.
    fn asking(&self) -> Result<Asking<'_>, String> {
        Ok(match &self.scenario.workload {
            Some(WorkloadChoice::Payments(payments)) if self.is_for_this_chain(&payments.chain) => {
                Asking::Payments(payments)
            }
            Some(WorkloadChoice::Model(choice)) => {
                let model = (find(self.catalogue.workloads(), "workload", &choice.name)?.read)(&choice.settings);
                if self.is_for_this_chain(model.chain().unwrap_or_default()) {
                    Asking::Model(model)
                } else {
                    Asking::Nobody
                }
            }
            _ => Asking::Nobody,
        })
    }
    pub(super) fn load(&self, n: usize) -> Result<Load, String> {
        let asking = self.asking()?;
        let (holders, clients, retry) = match &asking {
            Asking::Nobody => (NOBODY, 0, None),
            Asking::Payments(payments) => {
                (payments.accounts, payments.clients.unwrap_or(n as u32), payments.retry.first())
            }
            Asking::Model(model) => (model.accounts(), model.clients(n), model.retry()),
        };
        // Accounts of people come first, then one per agent, then one per node, which its rewards are paid to, then those
        // of strangers.
        let agents = agent::writers(self.scenario, &self.table().name).count() as u32;
        let crypto: Crypto = self.scenario.crypto;
        let count = (holders + agents + FLOOD_ACCOUNTS) as usize + n;
        let keys = Arc::new(Keyring::new(crypto, self.chain_seed(), "account", count));
        let choice = &self.table().ledger;
        let entry = find(self.catalogue.ledgers(), "ledger", &choice.name)?;
        let model: Rc<dyn LedgerModel> = Rc::from((entry.read)(&choice.settings));
        let wallet = model.wallet(holders);
        let workload = match asking {
            Asking::Nobody => None,
            Asking::Payments(payments) => Some(self.payments(payments, n, keys.clone(), wallet)),
            Asking::Model(model) => {
                let (seed, keys) = (self.chain_seed(), keys.clone());
                Some(model.workload(Clients { seed, nodes: n, keys, wallet })?)
            }
        };
        let desk = AgentAccounts { keys: keys.clone(), holders, clients };
        // Agents own what people own.
        let ledger = Box::new(move || model.ledger(holders + agents));
        Ok(Load { accounts: keys, ledger, workload, retry, desk })
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
