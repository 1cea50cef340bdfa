//! A wallet of the UTXO model: unspent outputs of its accounts.

use super::UtxoLedger;
use crate::base::{AccountId, Hash, Keyring};
use crate::chain::{Amount, Body, OutPoint, Output, Transaction};
use crate::ledger::Wallet;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// An output that can be spent.
type Coin = (OutPoint, Amount);

/// What one holder may spend now: nothing in it is an input of a payment underway.
#[derive(Clone, Debug, Default)]
struct Purse {
    /// Outputs of settled transactions, the oldest first.
    confirmed: VecDeque<Coin>,
    /// Outputs that the holder's payments underway make for itself.
    unconfirmed: Vec<Coin>,
    /// The number of the next payment.
    next: u64,
}

/// Makes payments from unspent outputs: confirmed ones first, the oldest first, then its own change before it is
/// confirmed, as long as a payment has at most [`UtxoWallet::CHAIN`] ancestors that have not settled.
#[derive(Clone, Debug)]
pub struct UtxoWallet {
    settings: UtxoLedger,
    /// The purses of accounts that were used.
    purses: Vec<Option<Box<Purse>>>,
    /// The inputs of payments made here and not settled yet.
    underway: FxHashMap<Hash, Vec<Coin>>,
    /// Payments that were refused after another had spent their change: that one is bound to fail too.
    void: FxHashSet<Hash>,
}

impl UtxoWallet {
    /// Most unsettled ancestors of a payment: below the 25 that Bitcoin Core accepts, itself included.
    pub const CHAIN: usize = 20;

    /// A wallet of the accounts `0..accounts` of such a ledger.
    #[must_use]
    pub fn new(settings: UtxoLedger, accounts: u32) -> UtxoWallet {
        UtxoWallet {
            settings,
            purses: vec![None; accounts as usize],
            underway: FxHashMap::default(),
            void: FxHashSet::default(),
        }
    }
    fn purse(&mut self, account: AccountId) -> Option<&mut Purse> {
        let settings = self.settings;
        let purse = self.purses.get_mut(account.index())?;
        Some(purse.get_or_insert_with(|| {
            let confirmed = settings.outputs_of(account).map(|point| (point, settings.amount)).collect();
            Box::new(Purse { confirmed, ..Purse::default() })
        }))
    }
    /// Adds to `ancestors` the unsettled makers of `point`, of their inputs, and so on. `None` if they become too many
    /// or one of them is bound to fail.
    fn with_ancestors(&self, mut ancestors: BTreeSet<Hash>, point: &OutPoint) -> Option<BTreeSet<Hash>> {
        let mut open = vec![point.transaction];
        while let Some(id) = open.pop() {
            if self.void.contains(&id) {
                return None;
            }
            let Some(inputs) = self.underway.get(&id) else { continue };
            if ancestors.insert(id) {
                open.extend(inputs.iter().map(|(point, _)| point.transaction));
            }
            if ancestors.len() > UtxoWallet::CHAIN {
                return None;
            }
        }
        Some(ancestors)
    }
    /// Takes coins worth at least `needed` out of the purse of `from`, or none.
    fn pick(&mut self, from: AccountId, needed: Amount) -> Option<(Vec<Coin>, Amount)> {
        self.purse(from)?;
        let purse = self.purses[from.index()].as_deref()?;
        let (mut picked, mut worth): (Vec<Coin>, Amount) = (Vec::new(), 0);
        for coin in &purse.confirmed {
            if worth >= needed && !picked.is_empty() {
                break;
            }
            picked.push(*coin);
            worth = worth.checked_add(coin.1)?;
        }
        let (confirmed, mut ancestors) = (picked.len(), BTreeSet::new());
        for coin in &purse.unconfirmed {
            if worth >= needed && !picked.is_empty() {
                break;
            }
            if let Some(more) = self.with_ancestors(ancestors.clone(), &coin.0) {
                ancestors = more;
                picked.push(*coin);
                worth = worth.checked_add(coin.1)?;
            }
        }
        if worth < needed || picked.is_empty() {
            return None;
        }
        let purse = self.purse(from)?;
        purse.confirmed.drain(..confirmed);
        purse.unconfirmed.retain(|coin| !picked[confirmed..].contains(coin));
        Some((picked, worth))
    }
    /// What an executed payment makes can be spent: its own change too, unless it was.
    fn receive(&mut self, transaction: &Transaction, outputs: &[Output]) {
        for (output, index) in outputs.iter().zip(0..) {
            let coin = (OutPoint { transaction: transaction.id(), index }, output.amount);
            let Some(purse) = self.purse(output.owner) else { continue };
            if output.owner == transaction.sender {
                let Some(at) = purse.unconfirmed.iter().position(|own| *own == coin) else { continue };
                purse.unconfirmed.remove(at);
            }
            purse.confirmed.push_back(coin);
        }
    }
    /// A payment will never be executed: its inputs can be spent again, and there is no change.
    fn give_back(&mut self, transaction: &Transaction, inputs: Vec<Coin>, outputs: &[Output]) {
        let own = outputs.iter().filter(|output| output.owner == transaction.sender).count();
        let Some(purse) = self.purse(transaction.sender) else { return };
        let had = purse.unconfirmed.len();
        purse.unconfirmed.retain(|(point, _)| point.transaction != transaction.id());
        if had - purse.unconfirmed.len() < own {
            self.void.insert(transaction.id());
        }
        for coin in inputs {
            let maker = coin.0.transaction;
            let (exists, settled) = (!self.void.contains(&maker), !self.underway.contains_key(&maker));
            let Some(purse) = self.purse(transaction.sender) else { return };
            match (exists, settled) {
                (true, true) => purse.confirmed.push_back(coin),
                (true, false) => purse.unconfirmed.push(coin),
                (false, _) => {}
            }
        }
    }
    /// A payment that was given up was executed after all: what it spent is gone, if it was not spent again.
    fn take_back(&mut self, transaction: &Transaction, inputs: &[OutPoint], outputs: &[Output]) {
        let change_is_spent = self.void.remove(&transaction.id());
        let Some(purse) = self.purse(transaction.sender) else { return };
        let had = purse.confirmed.len() + purse.unconfirmed.len();
        purse.confirmed.retain(|(point, _)| !inputs.contains(point));
        purse.unconfirmed.retain(|(point, _)| !inputs.contains(point));
        if purse.confirmed.len() + purse.unconfirmed.len() < had {
            for (output, index) in outputs.iter().zip(0..) {
                let coin = (OutPoint { transaction: transaction.id(), index }, output.amount);
                if output.owner == transaction.sender && change_is_spent {
                    continue;
                }
                if let Some(purse) = self.purse(output.owner) {
                    purse.confirmed.push_back(coin);
                }
            }
        }
    }
}

impl Wallet for UtxoWallet {
    fn pay(
        &mut self,
        keys: &Keyring,
        from: AccountId,
        to: AccountId,
        amount: Amount,
        fee: Amount,
        bytes: usize,
    ) -> Option<Arc<Transaction>> {
        let needed = amount.checked_add(fee)?;
        let (coins, worth) = self.pick(from, needed)?;
        let mut outputs = vec![Output { owner: to, amount }];
        if worth > needed {
            outputs.push(Output { owner: from, amount: worth - needed });
        }
        let purse = self.purse(from)?;
        let (nonce, inputs) = (purse.next, coins.iter().map(|(point, _)| *point).collect());
        purse.next += 1;
        let payment =
            Transaction::signed(keys, from, nonce, fee, Body::Spend { inputs, outputs: outputs.clone() }, bytes);
        for (output, index) in outputs.iter().zip(0..).filter(|(output, _)| output.owner == from) {
            purse.unconfirmed.push((OutPoint { transaction: payment.id(), index }, output.amount));
        }
        self.underway.insert(payment.id(), coins);
        Some(payment)
    }
    fn settle(&mut self, transaction: &Transaction, executed: bool) {
        let Body::Spend { inputs, outputs } = &transaction.body else { return };
        match (self.underway.remove(&transaction.id()), executed) {
            (Some(_), true) => self.receive(transaction, outputs),
            (Some(coins), false) => self.give_back(transaction, coins, outputs),
            (None, true) => self.take_back(transaction, inputs, outputs),
            (None, false) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Crypto, Height, Stream};
    use crate::ledger::Ledger;
    use crate::ledger::utxo::Utxo;
    use proptest::prelude::*;

    const SETTINGS: UtxoLedger = UtxoLedger { coins: 3, amount: 100, subsidy: 0, halving: 0, maturity: 100 };

    fn keys() -> Keyring {
        Keyring::new(Crypto::Symbolic, 1, "account", 16)
    }

    fn ledger() -> Utxo {
        Utxo::new(SETTINGS, 4, 10)
    }

    proptest! {
    #[test]
    fn a_wallet_that_is_notified_of_everything_holds_what_the_ledger_says(seed: u64) {
        let mut random = Stream::new(seed, "utxo", 2, 0);
        let (keys, mut state, mut wallet) = (keys(), ledger(), UtxoWallet::new(SETTINGS, 4));
        let mut underway: VecDeque<Arc<Transaction>> = VecDeque::new();
        for height in 1..60 {
            state.begin(Height(height));
            for _ in 0..random.below(8) {
                let (from, to) = (random.below(4) as u32, random.below(5) as u32);
                let (amount, fee) = (random.below(120), random.below(3));
                underway.extend(wallet.pay(&keys, AccountId(from), AccountId(to), amount, fee, 0));
            }
            let some = if height < 55 { random.index(underway.len() + 1) } else { underway.len() };
            if random.chance(0.3) {
                random.shuffle(underway.make_contiguous());
            }
            for payment in underway.drain(..some) {
                let executed = random.chance(0.8) && state.execute(&payment).is_ok();
                wallet.settle(&payment, executed);
                wallet.settle(&payment, executed);
            }
            state.finish().unwrap();
        }
        prop_assert!(underway.is_empty() && wallet.underway.is_empty());
        for owner in 0..4 {
            let purse = wallet.purse(AccountId(owner)).unwrap();
            prop_assert!(purse.unconfirmed.is_empty());
            let coins: BTreeSet<Coin> = purse.confirmed.iter().copied().collect();
            prop_assert_eq!(coins.len(), purse.confirmed.len(), "no coin is held twice");
            for (point, amount) in &coins {
                prop_assert_eq!(state.unspent(point), Some(Output { owner: AccountId(owner), amount: *amount }));
            }
            let unspent = |coin: &&crate::ledger::utxo::Coin| !coin.spent && coin.output.owner == AccountId(owner);
            prop_assert_eq!(coins.len(), state.coins.iter().flatten().filter(unspent).count());
        }
    }
    }

    #[test]
    fn a_wallet_spends_confirmed_coins_first_and_then_a_chain_of_its_change() {
        let (keys, mut state, mut wallet) = (keys(), ledger(), UtxoWallet::new(SETTINGS, 4));
        let payments: Vec<_> =
            std::iter::from_fn(|| wallet.pay(&keys, AccountId(0), AccountId(1), 1, 1, 0)).take(200).collect();
        let own = |payment: &Transaction| match &payment.body {
            Body::Spend { inputs, .. } => {
                inputs.iter().any(|input| payments.iter().any(|p| p.id() == input.transaction))
            }
            _ => unreachable!(),
        };
        assert!(!payments[..3].iter().any(|payment| own(payment)), "three coins, three payments that wait for none");
        assert!(payments[3..].iter().all(|payment| own(payment)));
        assert_eq!(payments.len(), 3 * (UtxoWallet::CHAIN + 1), "each coin starts a chain, and chains end");
        state.begin(Height(1));
        for payment in &payments {
            assert!(payment.is_signed(&keys));
            assert_eq!(state.execute(payment), Ok(()));
        }
        wallet.settle(&payments[0], true);
        assert!(wallet.pay(&keys, AccountId(0), AccountId(1), 1, 1, 0).is_some(), "a chain that is one shorter");
    }

    #[test]
    fn a_refused_payment_gives_back_its_coins_and_dooms_what_spent_its_change() {
        let settings = UtxoLedger { coins: 1, ..SETTINGS };
        let (keys, mut wallet) = (keys(), UtxoWallet::new(settings, 2));
        let pay = |wallet: &mut UtxoWallet, amount| wallet.pay(&keys, AccountId(0), AccountId(1), amount, 0, 0);
        let parent = pay(&mut wallet, 10).unwrap();
        let child = pay(&mut wallet, 10).unwrap();
        wallet.settle(&parent, false);
        assert!(pay(&mut wallet, 101).is_none());
        let again = pay(&mut wallet, 100).expect("the coin came back");
        assert_eq!(pay(&mut wallet, 1), None, "the change of a doomed payment is not spent");
        wallet.settle(&child, false);
        assert_eq!(pay(&mut wallet, 1), None, "there was never any change");
        wallet.settle(&again, true);
        assert_eq!(wallet.purse(AccountId(1)).unwrap().confirmed.len(), 2);
    }

    #[test]
    fn a_payment_that_was_given_up_and_executed_after_all_is_spent() {
        let settings = UtxoLedger { coins: 1, ..SETTINGS };
        let (keys, mut wallet) = (keys(), UtxoWallet::new(settings, 2));
        let payment = wallet.pay(&keys, AccountId(0), AccountId(1), 10, 0, 0).unwrap();
        wallet.settle(&payment, false);
        wallet.settle(&payment, true);
        assert!(wallet.pay(&keys, AccountId(0), AccountId(1), 91, 0, 0).is_none());
        assert!(wallet.pay(&keys, AccountId(0), AccountId(1), 90, 0, 0).is_some());
        assert!(wallet.pay(&keys, AccountId(1), AccountId(0), 110, 0, 0).is_some());
    }
}
