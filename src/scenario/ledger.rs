//! The ledgers of this crate as models of the catalogue.

use super::catalogue::LedgerModel;
use super::model::choice::Model;
use crate::ledger::account::{Account, AccountLedger, AccountWallet};
use crate::ledger::utxo::{Utxo, UtxoLedger, UtxoWallet};
use crate::ledger::{Ledger, Wallet};

impl Model for AccountLedger {
    const NAME: &'static str = "account";
    const SUMMARY: &'static str = "Balances and nonces (Ethereum's model)";
}

impl LedgerModel for AccountLedger {
    fn ledger(&self, owners: u32) -> Box<dyn Ledger> {
        Box::new(Account::new(owners, self.balance, self.reward, owners))
    }
    fn wallet(&self, holders: u32) -> Box<dyn Wallet> {
        Box::new(AccountWallet::new(holders, self.balance))
    }
    fn carries_anchors(&self) -> bool {
        true
    }
}

impl Model for UtxoLedger {
    const NAME: &'static str = "utxo";
    const SUMMARY: &'static str = "Unspent outputs (Bitcoin's model)";
}

impl LedgerModel for UtxoLedger {
    fn ledger(&self, owners: u32) -> Box<dyn Ledger> {
        Box::new(Utxo::new(*self, owners, owners))
    }
    fn wallet(&self, holders: u32) -> Box<dyn Wallet> {
        Box::new(UtxoWallet::new(*self, holders))
    }
}
