//! The account ledger, some of whose accounts are frozen.

use ledgerlab::base::{Hash, Height, NodeId};
use ledgerlab::chain::{Amount, Transaction};
use ledgerlab::ledger::account::{Account, AccountWallet, Reward};
use ledgerlab::ledger::{Admission, Broken, Ledger, Rejection, Wallet};
use ledgerlab::scenario::{LedgerModel, Model};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// So many accounts cannot pay.
    accounts: u32,
}

impl Model for Frozen {
    const NAME: &'static str = "frozen";
    const SUMMARY: &'static str = "balances and nonces, the first accounts cannot pay";
}

impl LedgerModel for Frozen {
    fn ledger(&self, owners: u32) -> Box<dyn Ledger> {
        Box::new(State { inner: Account::new(owners, 1_000_000, Reward::Fees, owners), frozen: self.accounts })
    }
    fn wallet(&self, holders: u32) -> Box<dyn Wallet> {
        Box::new(AccountWallet::new(holders, 1_000_000))
    }
}

struct State {
    inner: Account,
    frozen: u32,
}

impl State {
    fn judge(&self, transaction: &Transaction) -> Result<(), Rejection> {
        let is_frozen = transaction.sender.0 < self.frozen && !transaction.is_coinbase();
        if is_frozen { Err(Rejection("the account is frozen")) } else { Ok(()) }
    }
}

impl Ledger for State {
    fn admit(&self, transaction: &Transaction) -> Result<Admission, Rejection> {
        self.judge(transaction)?;
        self.inner.admit(transaction)
    }
    fn begin(&mut self, height: Height) {
        self.inner.begin(height);
    }
    fn execute(&mut self, transaction: &Transaction) -> Result<(), Rejection> {
        self.judge(transaction)?;
        self.inner.execute(transaction)
    }
    fn finish(&mut self) -> Result<(), Rejection> {
        self.inner.finish()
    }
    fn undo(&mut self) {
        self.inner.undo();
    }
    fn forget(&mut self, keep: usize) {
        self.inner.forget(keep);
    }
    fn root(&self) -> Hash {
        self.inner.root()
    }
    fn state_bytes(&self) -> u64 {
        self.inner.state_bytes()
    }
    fn coinbase(&self, proposer: NodeId, height: Height, fees: Amount) -> Option<Arc<Transaction>> {
        self.inner.coinbase(proposer, height, fees)
    }
    fn audit(&self) -> Result<(), Broken> {
        self.inner.audit()
    }
}
