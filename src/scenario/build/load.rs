//! Ledger, accounts and workload of a chain.

use super::Builder;
use super::agent::{self, Desk};
use crate::base::{Crypto, Duration, Keyring, NodeId};
use crate::engine::FLOOD_ACCOUNTS;
use crate::ledger::account::{Account, AccountWallet, Reward};
use crate::ledger::utxo::{Endowment, Issuance, Utxo, UtxoWallet};
use crate::ledger::{Ledger, Wallet};
use crate::scenario::{self, Arrival, Ledger as LedgerChoice, Workload as WorkloadChoice};
use crate::workload::Workload;
use crate::workload::arrival::{Arrival as Pattern, Piece};
use crate::workload::payments::{Fee, Payments, Settings};
use std::sync::Arc;

/// Accounts that exist where nobody asks for anything.
const NOBODY: u32 = 1;

/// What a chain is driven by.
pub(super) struct Load {
    pub accounts: Arc<Keyring>,
    pub ledger: Box<dyn Fn() -> Box<dyn Ledger>>,
    pub workload: Option<Box<dyn Workload>>,
    pub retry: Option<Duration>,
    pub desk: Desk,
}

impl Builder<'_> {
    pub(super) fn load(&self, n: usize) -> Result<Load, String> {
        let payments = match &self.scenario.workload {
            Some(WorkloadChoice::Payments(payments)) if self.is_for_this_chain(&payments.chain) => Some(payments),
            _ => None,
        };
        let holders = payments.map_or(NOBODY, |payments| payments.accounts);
        // Accounts of people come first, then one per agent, then one per node, which its rewards are paid to, then those
        // of strangers.
        let agents = agent::writers(self.scenario, &self.table().name).count() as u32;
        let crypto: Crypto = self.scenario.crypto;
        let count = (holders + agents + FLOOD_ACCOUNTS) as usize + n;
        let keys = Arc::new(Keyring::new(crypto, self.chain_seed(), "account", count));
        let (ledger, wallet) = ledger(&self.table().ledger, holders, agents);
        let workload = payments.map(|payments| self.payments(payments, n, keys.clone(), wallet)).transpose()?;
        let clients = payments.map_or(0, |payments| payments.clients);
        let desk = Desk { keys: keys.clone(), holders, clients };
        Ok(Load { accounts: keys, ledger, workload, retry: payments.and_then(|payments| payments.retry.first()), desk })
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
            Arrival::Bursts { size, every, first } => Pattern::Bursts { size, every, first },
            Arrival::OnOff { on, off } => Pattern::OnOff { rate, on, off },
            Arrival::Pieces { pieces, then } => {
                Pattern::Pieces { pieces: pieces.into_iter().map(piece).collect(), then }
            }
            Arrival::Closed { think } => Pattern::Closed { think },
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
            skew: payments.skew,
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

fn piece(piece: scenario::Piece) -> Piece {
    Piece { lasting: piece.lasting, rate: piece.rate }
}

/// Makes a ledger in the state of genesis.
type MakeLedger = Box<dyn Fn() -> Box<dyn Ledger>>;

/// A ledger, and the wallet of those who pay on it. Agents have what people have.
fn ledger(choice: &LedgerChoice, holders: u32, agents: u32) -> (MakeLedger, Box<dyn Wallet>) {
    let owners = holders + agents;
    match choice {
        LedgerChoice::Account(table) => {
            let balance = table.balance;
            let reward = match table.reward {
                scenario::Reward::Nothing => Reward::Nothing,
                scenario::Reward::Fees => Reward::Fees,
                scenario::Reward::Minted(amount) => Reward::Minted(amount),
            };
            let make = move || -> Box<dyn Ledger> { Box::new(Account::new(owners, balance, reward, owners)) };
            (Box::new(make), Box::new(AccountWallet::new(holders, balance)))
        }
        LedgerChoice::Utxo(table) => {
            let endowment = |accounts| Endowment { accounts, coins: table.coins, amount: table.amount };
            let (all, people) = (endowment(owners), endowment(holders));
            let issuance = Issuance { subsidy: table.subsidy, halving: table.halving, maturity: table.maturity };
            let make = move || -> Box<dyn Ledger> { Box::new(Utxo::new(all, issuance, owners)) };
            (Box::new(make), Box::new(UtxoWallet::new(people)))
        }
    }
}
