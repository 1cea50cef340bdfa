//! The ledgers that scenarios know by themselves, as they are written.

use super::catalogue::{LedgerModel, Model};
use crate::ledger::account::{self, Account, AccountWallet};
use crate::ledger::utxo::{Endowment, Issuance, Utxo, UtxoWallet};
use crate::ledger::{Ledger, Wallet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the account ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountLedger {
    /// What each account holds at genesis.
    pub balance: u64,
    /// What the proposer of a block is paid.
    pub reward: Reward,
}

impl Default for AccountLedger {
    fn default() -> AccountLedger {
        AccountLedger { balance: 1_000_000_000, reward: Reward::default() }
    }
}

/// What the proposer of a block is paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reward {
    /// Nothing: fees are burnt.
    Nothing,
    /// The fees of its block.
    #[default]
    Fees,
    /// This much new money, and the fees of its block.
    Minted(u64),
}

impl Model for AccountLedger {
    const NAME: &'static str = "account";
    const SUMMARY: &'static str = "Balances and nonces (Ethereum's model)";
}

impl LedgerModel for AccountLedger {
    fn ledger(&self, owners: u32) -> Box<dyn Ledger> {
        let reward = match self.reward {
            Reward::Nothing => account::Reward::Nothing,
            Reward::Fees => account::Reward::Fees,
            Reward::Minted(amount) => account::Reward::Minted(amount),
        };
        Box::new(Account::new(owners, self.balance, reward, owners))
    }
    fn wallet(&self, holders: u32) -> Box<dyn Wallet> {
        Box::new(AccountWallet::new(holders, self.balance))
    }
    fn carries_anchors(&self) -> bool {
        true
    }
}

/// Settings of the UTXO ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UtxoLedger {
    /// Outputs that each account owns at genesis. With several, payments need not wait for each other's change.
    pub coins: u32,
    /// What each of them holds.
    pub amount: u64,
    /// New money in each of the first blocks; 0 if proposers are paid fees alone.
    pub subsidy: u64,
    /// Blocks until the subsidy is halved, again and again; 0 for never.
    pub halving: u64,
    /// Blocks from a coinbase to the first that may spend it.
    pub maturity: u64,
}

impl Default for UtxoLedger {
    /// Bitcoin's issuance.
    fn default() -> UtxoLedger {
        UtxoLedger { coins: 16, amount: 1_000_000, subsidy: 5_000_000_000, halving: 210_000, maturity: 100 }
    }
}

impl UtxoLedger {
    fn endowment(&self, accounts: u32) -> Endowment {
        Endowment { accounts, coins: self.coins, amount: self.amount }
    }
}

impl Model for UtxoLedger {
    const NAME: &'static str = "utxo";
    const SUMMARY: &'static str = "Unspent outputs (Bitcoin's model)";
}

impl LedgerModel for UtxoLedger {
    fn ledger(&self, owners: u32) -> Box<dyn Ledger> {
        let issuance = Issuance { subsidy: self.subsidy, halving: self.halving, maturity: self.maturity };
        Box::new(Utxo::new(self.endowment(owners), issuance, owners))
    }
    fn wallet(&self, holders: u32) -> Box<dyn Wallet> {
        Box::new(UtxoWallet::new(self.endowment(holders)))
    }
}
