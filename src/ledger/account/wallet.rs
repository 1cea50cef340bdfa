//! A wallet of the account model: nonces of its accounts.
//!
//! A payment that is refused leaves a gap in the sender's nonces, and those after it can never be executed until it is
//! filled. So the next payment takes its nonce. That is right only if a refusal is for good: the caller that
//! reports a refusal must know that the refused payment waits nowhere else. Otherwise the two race and one of them fails.

use crate::base::{AccountId, Hash, Keyring};
use crate::chain::{Amount, Body, Transaction};
use crate::ledger::Wallet;
use rustc_hash::FxHashSet;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What one holder knows of its own account.
#[derive(Clone, Debug)]
struct Purse {
    /// Neither spent nor promised to a payment on its way.
    available: Amount,
    /// The nonce after the highest ever used.
    next: u64,
    /// Nonces whose payments were refused for good: the next payments must fill them, or nothing after them can ever
    /// be executed. All at least `executed` and below `next`.
    gaps: BTreeSet<u64>,
    /// All nonces below were executed.
    executed: u64,
}

/// Makes transfers: numbers them, and never promises more than an account holds. Money that was received can be
/// spent when its payment has settled.
#[derive(Clone, Debug)]
pub struct AccountWallet {
    purses: Vec<Purse>,
    /// Payments made here and not settled yet.
    underway: FxHashSet<Hash>,
}

impl AccountWallet {
    /// A wallet of the accounts `0..accounts`, which hold `balance` each.
    #[must_use]
    pub fn new(accounts: u32, balance: Amount) -> AccountWallet {
        let purse = Purse { available: balance, next: 0, gaps: BTreeSet::new(), executed: 0 };
        AccountWallet { purses: vec![purse; accounts as usize], underway: FxHashSet::default() }
    }
}

impl Wallet for AccountWallet {
    fn pay(
        &mut self,
        keys: &Keyring,
        from: AccountId,
        to: AccountId,
        amount: Amount,
        fee: Amount,
        bytes: usize,
    ) -> Option<Arc<Transaction>> {
        let purse = self.purses.get_mut(from.index())?;
        purse.available = purse.available.checked_sub(amount.checked_add(fee)?)?;
        let nonce = purse.gaps.pop_first().unwrap_or_else(|| {
            purse.next += 1;
            purse.next - 1
        });
        let payment = Transaction::signed(keys, from, nonce, fee, Body::Transfer { to, amount }, bytes);
        self.underway.insert(payment.id());
        Some(payment)
    }
    fn settle(&mut self, transaction: &Transaction, executed: bool) {
        let Body::Transfer { to, amount } = transaction.body else { return };
        let expected = self.underway.remove(&transaction.id());
        if let Some(purse) = self.purses.get_mut(transaction.sender.index()) {
            let cost = amount.saturating_add(transaction.fee);
            let news = transaction.nonce >= purse.executed;
            if executed {
                if !expected && !news {
                    return; // Reported before.
                }
                if !expected {
                    // It had been given up, and its money and nonce with it.
                    purse.available = purse.available.saturating_sub(cost);
                }
                purse.executed = purse.executed.max(transaction.nonce.saturating_add(1));
                purse.next = purse.next.max(purse.executed);
                purse.gaps = purse.gaps.split_off(&purse.executed);
            } else if expected {
                purse.available = purse.available.saturating_add(cost);
                if news {
                    purse.gaps.insert(transaction.nonce);
                }
            }
        }
        if executed && let Some(purse) = self.purses.get_mut(to.index()) {
            purse.available = purse.available.saturating_add(amount);
        }
    }
}
