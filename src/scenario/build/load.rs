//! Ledger, accounts and workload of a chain.

use super::Builder;
use super::agent::{self, AgentAccounts};
use crate::base::{Crypto, Duration, Keyring, NodeId};
use crate::engine::FLOOD_ACCOUNTS;
use crate::ledger::{Ledger, Wallet};
use crate::scenario::catalogue::{Clients, LedgerModel, WorkloadModel, find};
use crate::scenario::{self, Arrival, Workload as WorkloadChoice};
use crate::workload::Workload;
use crate::workload::arrival::{Arrival as Pattern, RateStep};
use crate::workload::payments::{Fee, Payments, Settings};
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
    Payments(&'a scenario::Payments),
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
            Asking::Payments(payments) => (payments.accounts, payments.clients, payments.retry.first()),
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
            Asking::Payments(payments) => Some(self.payments(payments, n, keys.clone(), wallet)?),
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
        payments: &scenario::Payments,
        n: usize,
        keys: Arc<Keyring>,
        wallet: Box<dyn Wallet>,
    ) -> Result<Box<dyn Workload>, String> {
        let rate = payments.rate.unwrap_or(0.0);
        let arrival = match payments.arrival.clone() {
            Arrival::Poisson {} => Pattern::Poisson { rate },
            Arrival::Constant {} => Pattern::Constant { rate },
            Arrival::Bursts { size, interval, first } => Pattern::Bursts { size, interval, first },
            Arrival::OnOff { on, off } => Pattern::OnOff { rate, on, off },
            Arrival::Piecewise { steps, final_rate } => {
                Pattern::Piecewise { steps: steps.into_iter().map(step).collect(), final_rate }
            }
            Arrival::Closed { think_time } => Pattern::Closed { think_time },
        };
        let fee = match payments.fee {
            scenario::Fee::Constant(fee) => Fee::Constant(fee),
            scenario::Fee::Exponential(mean) => Fee::Exponential(mean),
            scenario::Fee::Lognormal { median, sigma } => Fee::LogNormal { median, sigma },
        };
        let settings = Settings {
            arrival,
            clients: Some(payments.clients),
            accounts: payments.accounts,
            zipf_exponent: payments.zipf_exponent,
            amount: payments.amount,
            bytes: payments.bytes,
            bytes_sigma: payments.bytes_sigma,
            fee,
            until: payments.until,
        };
        settings.check()?;
        let homes: Vec<NodeId> = (0..payments.clients as usize).map(|client| NodeId::from(client % n)).collect();
        Ok(Box::new(Payments::new(self.chain_seed(), settings, &homes, keys, wallet)))
    }
}

fn step(step: scenario::RateStep) -> RateStep {
    RateStep { duration: step.duration, rate: step.rate }
}
