//! Ledger, accounts and workload of a chain.

use super::Builder;
use crate::base::{Crypto, Duration, Keyring, NodeId, Time};
use crate::ledger::account::{Account, AccountWallet, Reward};
use crate::ledger::utxo::{Endowment, Issuance, Utxo, UtxoWallet};
use crate::ledger::{Ledger, Wallet};
use crate::scenario::{self, Arrival, Ledger as LedgerChoice, Workload as WorkloadChoice};
use crate::workload::arrival::Arrival as Pattern;
use crate::workload::payments::{Payments, Settings};
use crate::workload::{Receipt, Request, Workload};
use std::sync::Arc;

/// Accounts that exist where nobody asks for anything.
const NOBODY: u32 = 1;

/// What a chain is driven by.
pub(super) struct Load {
    pub accounts: Arc<Keyring>,
    pub ledger: Box<dyn Fn() -> Box<dyn Ledger>>,
    pub workload: Option<Box<dyn Workload>>,
    pub retry: Option<Duration>,
}

impl Builder<'_> {
    pub(super) fn load(&self, n: usize) -> Result<Load, String> {
        let payments = match &self.scenario.workload {
            Some(WorkloadChoice::Payments(payments)) if self.is_for_this_chain(&payments.chain) => Some(payments),
            _ => None,
        };
        let holders = payments.map_or(NOBODY, |payments| payments.accounts);
        // Accounts of people come first, then one per node, which its rewards are paid to.
        let crypto: Crypto = self.scenario.crypto;
        let keys = Arc::new(Keyring::new(crypto, self.chain_seed(), "account", holders as usize + n));
        let (ledger, wallet) = ledger(&self.table().ledger, holders);
        let workload = payments.map(|payments| self.payments(payments, n, keys.clone(), wallet)).transpose()?;
        Ok(Load { accounts: keys, ledger, workload, retry: payments.and_then(|payments| payments.retry) })
    }
    fn payments(
        &self,
        payments: &scenario::Payments,
        n: usize,
        keys: Arc<Keyring>,
        wallet: Box<dyn Wallet>,
    ) -> Result<Box<dyn Workload>, String> {
        let rate = payments.rate;
        let arrival = match payments.arrival {
            Arrival::Poisson {} => Pattern::Poisson { rate },
            Arrival::Constant {} => Pattern::Constant { rate },
            Arrival::Bursts { on, off } => {
                let share = on.as_secs_f64() / (on + off).as_secs_f64();
                Pattern::OnOff { rate: rate * share, on, off }
            }
            Arrival::Closed { think } => Pattern::Closed { think },
        };
        let settings = Settings {
            arrival,
            clients: Some(payments.clients),
            accounts: payments.accounts,
            skew: payments.skew,
            amount: payments.amount,
            bytes: payments.bytes,
            bytes_sigma: 0.0,
            fee: payments.fee,
            until: payments.end.map(|end| end.saturating_sub(payments.start)),
        };
        settings.check()?;
        let homes: Vec<NodeId> = (0..payments.clients as usize).map(|client| NodeId::from(client % n)).collect();
        let inner = Payments::new(self.chain_seed(), settings, &homes, keys, wallet);
        Ok(Box::new(Late { inner, by: payments.start }))
    }
}

/// A ledger, and the wallet of those who pay on it.
fn ledger(choice: &LedgerChoice, holders: u32) -> (Box<dyn Fn() -> Box<dyn Ledger>>, Box<dyn Wallet>) {
    match choice {
        LedgerChoice::Account(table) => {
            let balance = table.balance;
            let reward = if table.reward == 0 { Reward::Fees } else { Reward::Minted(table.reward) };
            let make = move || -> Box<dyn Ledger> { Box::new(Account::new(holders, balance, reward, holders)) };
            (Box::new(make), Box::new(AccountWallet::new(holders, balance)))
        }
        LedgerChoice::Utxo(table) => {
            let endowment = Endowment { accounts: holders, coins: table.outputs, amount: table.amount };
            let issuance = Issuance { subsidy: table.subsidy, ..Issuance::default() };
            let make = move || -> Box<dyn Ledger> { Box::new(Utxo::new(endowment, issuance, holders)) };
            (Box::new(make), Box::new(UtxoWallet::new(endowment)))
        }
    }
}

/// A workload that starts later.
struct Late {
    inner: Payments,
    by: Duration,
}

impl Workload for Late {
    fn next(&self) -> Option<Time> {
        self.inner.next().map(|at| at + self.by)
    }
    fn take(&mut self) -> Option<Request> {
        self.inner.take().map(|request| Request { at: request.at + self.by, ..request })
    }
    fn on_receipt(&mut self, receipt: &Receipt) {
        let at = Time::ZERO + receipt.at.since(Time::ZERO + self.by);
        self.inner.on_receipt(&Receipt { at, ..receipt.clone() });
    }
    fn offered(&self) -> Option<f64> {
        self.inner.offered()
    }
}
