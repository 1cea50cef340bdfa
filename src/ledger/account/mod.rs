//! Balances and nonces.
//!
//! Source: the account model of Ethereum without contracts. A transfer is executed only with the sender's next nonce
//! and only if balance covers amount and fee. Fees leave the sender at once and are collected by the block; its
//! coinbase, if it has one, pays them and the reward to the proposer, and what it does not claim is burnt. The
//! coinbase stands first and is credited first; [`Ledger::finish`] checks that it claims no more than was earned.
//!
//! An anchor uses up a nonce and pays its fee like a transfer. What it records stays in its block, as the data of a call
//! does in Ethereum: it is read from the chain, and the state does not grow by it.
//!
//! Simplified: an account is a number, exists as soon as it is named, and costs nothing to make. A transaction without
//! effect uses up no nonce and pays no fee.

#[cfg(test)]
mod tests;
mod wallet;

pub use wallet::AccountWallet;

use super::root::Root;
use super::{Admission, Broken, Ledger, Rejection};
use crate::base::key::PUBLIC_KEY_BYTES;
use crate::base::wire::NUMBER_BYTES;
use crate::base::{AccountId, Digest, Hash, Height, NodeId};
use crate::chain::{Amount, Body, Transaction};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Settings of the account ledger, as scenarios write them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountLedger {
    /// What each account holds at genesis.
    pub balance: Amount,
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
    /// Nothing: fees are burnt. No block has a coinbase.
    Nothing,
    /// The fees of its block.
    #[default]
    Fees,
    /// This much new money, and the fees of its block.
    Minted(Amount),
}

impl Reward {
    /// The most that a coinbase may claim in a block with these fees.
    fn most(self, fees: u128) -> u128 {
        match self {
            Reward::Nothing => 0,
            Reward::Fees => fees,
            Reward::Minted(amount) => fees + u128::from(amount),
        }
    }
}

/// What an account holds. An account that was never used holds nothing at nonce 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Holding {
    balance: Amount,
    /// The only nonce that the next transaction may have.
    nonce: u64,
}

impl Holding {
    /// Bytes of an account in a snapshot: its key, balance and nonce.
    const BYTES: u64 = (PUBLIC_KEY_BYTES + 2 * NUMBER_BYTES) as u64;

    /// The leaf of an account in the root; unused accounts have none.
    fn leaf(self, account: AccountId) -> Hash {
        if self == Holding::default() {
            return Hash::ZERO;
        }
        Digest::new("account").u64(u64::from(account.0)).u64(self.balance).u64(self.nonce).finish()
    }
}

/// A block, and how to undo it.
#[derive(Clone, Debug)]
struct UndoLog {
    height: Height,
    /// What accounts held before this block changed them, in the order of changes. Accounts of genesis once.
    before: Vec<(AccountId, Holding)>,
    /// The serial number of this frame; see [`Account::marks`].
    serial: u64,
    /// The totals before this block.
    totals: Totals,
    /// The root before this block.
    root: Root,
    /// Transactions tried so far.
    tried: u64,
    /// Fees collected so far.
    fees: u128,
    /// What the coinbase claims.
    claimed: Option<Amount>,
    finished: bool,
}

/// What must add up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Totals {
    /// Paid out by coinbases.
    claimed: u128,
    /// Collected from senders.
    fees: u128,
    /// The most that rewards could have minted.
    mintable: u128,
    /// Accounts that hold or held something.
    used: u64,
}

/// A ledger of balances and nonces.
#[derive(Clone, Debug)]
pub struct Account {
    reward: Reward,
    /// The account that proposer 0 is paid to; the others follow.
    proposers_from: u32,
    /// Everything that existed at genesis.
    genesis: u128,
    /// Holdings of the accounts of genesis, by number.
    dense: Vec<Holding>,
    /// Holdings of all other used accounts.
    sparse: BTreeMap<AccountId, Holding>,
    /// For each account of genesis, the serial number of the last frame that holds what it was before.
    marks: Vec<u64>,
    /// Serial number of the next frame.
    serial: u64,
    totals: Totals,
    /// The root before what the block begun last changed, or after it, once that is finished.
    root: Root,
    /// Blocks that can be undone, the latest last.
    frames: VecDeque<UndoLog>,
}

impl Account {
    /// A ledger where accounts `0..accounts` hold `balance` each, and the proposer of a block is paid `reward` to
    /// account `proposers_from` plus its number.
    #[must_use]
    pub fn new(accounts: u32, balance: Amount, reward: Reward, proposers_from: u32) -> Account {
        let holding = Holding { balance, nonce: 0 };
        let mut root = Root::default();
        for account in 0..accounts {
            root += holding.leaf(AccountId(account));
        }
        let used = if balance == 0 { 0 } else { u64::from(accounts) };
        Account {
            reward,
            proposers_from,
            genesis: u128::from(accounts) * u128::from(balance),
            dense: vec![holding; accounts as usize],
            sparse: BTreeMap::new(),
            marks: vec![0; accounts as usize],
            serial: 1,
            totals: Totals { used, ..Totals::default() },
            root,
            frames: VecDeque::new(),
        }
    }
    /// What `account` can spend.
    #[must_use]
    pub fn balance(&self, account: AccountId) -> Amount {
        self.holding(account).balance
    }
    /// The nonce that the next transaction of `account` must have.
    #[must_use]
    pub fn nonce(&self, account: AccountId) -> u64 {
        self.holding(account).nonce
    }

    fn holding(&self, account: AccountId) -> Holding {
        let dense = self.dense.get(account.index()).copied();
        dense.unwrap_or_else(|| self.sparse.get(&account).copied().unwrap_or_default())
    }
    fn put(&mut self, account: AccountId, holding: Holding) {
        let unused = Holding::default();
        let old = match self.dense.get_mut(account.index()) {
            Some(place) => std::mem::replace(place, holding),
            None if holding == unused => self.sparse.remove(&account).unwrap_or(unused),
            None => self.sparse.insert(account, holding).unwrap_or(unused),
        };
        self.totals.used = self.totals.used + u64::from(holding != unused) - u64::from(old != unused);
    }
    /// Changes an account inside the block begun last, and keeps what it was before.
    fn change(&mut self, account: AccountId, holding: Holding) {
        let frame = self.frames.back_mut().expect("a block is begun before anything is executed");
        let first = match self.marks.get_mut(account.index()) {
            Some(mark) => std::mem::replace(mark, frame.serial) != frame.serial,
            None => true,
        };
        if first {
            let before = self.dense.get(account.index()).or_else(|| self.sparse.get(&account));
            frame.before.push((account, before.copied().unwrap_or_default()));
        }
        self.put(account, holding);
    }
    /// Adds to `root` what the block begun last changed.
    fn with_changes(&self, mut root: Root) -> Root {
        let Some(frame) = self.frames.back().filter(|frame| !frame.finished) else { return root };
        for (account, before) in self.first_before(frame) {
            root -= before.leaf(account);
            root += self.holding(account).leaf(account);
        }
        root
    }
    /// The accounts that a block changed, each once, and what they held before it.
    fn first_before(&self, frame: &UndoLog) -> impl Iterator<Item = (AccountId, Holding)> {
        // An account that is not of genesis is kept at every change: the first is what it was before the block.
        let mut seen = BTreeSet::new();
        let genesis = self.dense.len();
        let held = frame.before.iter().copied();
        held.filter(move |(account, _)| account.index() < genesis || seen.insert(*account))
    }
    /// What a transaction that moves `amount` does to its sender, or why it does nothing.
    fn debited(&self, transaction: &Transaction, amount: Amount) -> Result<Holding, Rejection> {
        let sender = self.holding(transaction.sender);
        let cost = amount.checked_add(transaction.fee).ok_or(Rejection("amount and fee overflow"))?;
        let balance = sender.balance.checked_sub(cost).ok_or(Rejection("balance too low"))?;
        let nonce = sender.nonce.checked_add(1).ok_or(Rejection("nonces are used up"))?;
        Ok(Holding { balance, nonce })
    }
    /// The same if its turn has come: its nonce is the sender's next.
    fn charged(&self, transaction: &Transaction, amount: Amount) -> Result<Holding, Rejection> {
        match transaction.nonce.cmp(&self.nonce(transaction.sender)) {
            Ordering::Less => Err(Rejection("nonce already used")),
            Ordering::Greater => Err(Rejection("nonce ahead of its predecessors")),
            Ordering::Equal => self.debited(transaction, amount),
        }
    }
    fn transfer(&mut self, transaction: &Transaction, to: AccountId, amount: Amount) -> Result<(), Rejection> {
        let sender = self.charged(transaction, amount)?;
        let receiver = if to == transaction.sender { sender } else { self.holding(to) };
        let balance = receiver.balance.checked_add(amount).ok_or(Rejection("balance of the receiver overflows"))?;
        self.change(transaction.sender, sender);
        self.change(to, Holding { balance, ..receiver });
        self.collect(transaction.fee);
        Ok(())
    }
    fn anchor(&mut self, transaction: &Transaction) -> Result<(), Rejection> {
        let sender = self.charged(transaction, 0)?;
        self.change(transaction.sender, sender);
        self.collect(transaction.fee);
        Ok(())
    }
    /// A fee left its sender: the coinbase of this block may claim it.
    fn collect(&mut self, fee: Amount) {
        self.totals.fees += u128::from(fee);
        self.open().fees += u128::from(fee);
    }
    fn pay_proposer(&mut self, transaction: &Transaction, height: Height, amount: Amount) -> Result<(), Rejection> {
        let frame = self.open();
        if frame.tried > 1 {
            return Err(Rejection("a coinbase that is not first"));
        }
        if height != frame.height || transaction.nonce != height.0 {
            return Err(Rejection("a coinbase of another height"));
        }
        if transaction.fee != 0 {
            return Err(Rejection("a coinbase that pays a fee"));
        }
        let proposer = self.holding(transaction.sender);
        let balance = proposer.balance.checked_add(amount).ok_or(Rejection("balance of the proposer overflows"))?;
        self.change(transaction.sender, Holding { balance, ..proposer });
        self.totals.claimed += u128::from(amount);
        self.open().claimed = Some(amount);
        Ok(())
    }
    fn open(&mut self) -> &mut UndoLog {
        let frame = self.frames.back_mut().expect("a block is begun before anything is executed");
        assert!(!frame.finished, "nothing is executed in a finished block");
        frame
    }
}

impl Ledger for Account {
    fn admit(&self, transaction: &Transaction) -> Result<Admission, Rejection> {
        let amount = match &transaction.body {
            Body::Transfer { amount, .. } => *amount,
            Body::Anchor { .. } => 0,
            Body::Spend { .. } => return Err(Rejection("spends outputs, which this ledger does not have")),
            Body::Coinbase { .. } => return Err(Rejection("a coinbase does not wait")),
        };
        match transaction.nonce.cmp(&self.nonce(transaction.sender)) {
            Ordering::Less => Err(Rejection("nonce already used")),
            Ordering::Greater => Ok(Admission::Later),
            Ordering::Equal => self.debited(transaction, amount).map(|_| Admission::Now),
        }
    }
    fn begin(&mut self, height: Height) {
        self.root = self.with_changes(self.root);
        if let Some(frame) = self.frames.back_mut() {
            frame.finished = true;
        }
        self.frames.push_back(UndoLog {
            height,
            before: Vec::new(),
            serial: self.serial,
            totals: self.totals,
            root: self.root,
            tried: 0,
            fees: 0,
            claimed: None,
            finished: false,
        });
        self.serial += 1;
        self.totals.mintable += self.reward.most(0);
    }
    fn execute(&mut self, transaction: &Transaction) -> Result<(), Rejection> {
        self.open().tried += 1;
        match &transaction.body {
            Body::Transfer { to, amount } => self.transfer(transaction, *to, *amount),
            Body::Anchor { .. } => self.anchor(transaction),
            Body::Coinbase { height, amount } => self.pay_proposer(transaction, *height, *amount),
            Body::Spend { .. } => Err(Rejection("spends outputs, which this ledger does not have")),
        }
    }
    fn finish(&mut self) -> Result<(), Rejection> {
        let frame = self.open();
        let (claimed, fees) = (frame.claimed, frame.fees);
        if claimed.is_some_and(|claimed| u128::from(claimed) > self.reward.most(fees)) {
            return Err(Rejection("a coinbase claims more than reward and fees"));
        }
        self.root = self.with_changes(self.root);
        self.open().finished = true;
        Ok(())
    }
    fn undo(&mut self) {
        let frame = self.frames.pop_back().expect("the block to undo is not forgotten");
        for (account, holding) in frame.before.iter().rev() {
            self.put(*account, *holding);
        }
        (self.totals, self.root) = (frame.totals, frame.root);
    }
    fn forget(&mut self, keep: usize) {
        let finished = self.frames.back().is_none_or(|frame| frame.finished);
        assert!(keep > 0 || finished, "a block that is not finished is not forgotten");
        let surplus = self.frames.len().saturating_sub(keep);
        self.frames.drain(..surplus);
    }
    fn root(&self) -> Hash {
        self.with_changes(self.root).into()
    }
    fn state_bytes(&self) -> u64 {
        self.totals.used * Holding::BYTES
    }
    /// `None` also where there is nothing to pay: no reward, and no fees in this block.
    fn coinbase(&self, proposer: NodeId, height: Height, fees: Amount) -> Option<Arc<Transaction>> {
        let amount = Amount::try_from(self.reward.most(u128::from(fees))).ok().filter(|amount| *amount > 0)?;
        let owner = AccountId(self.proposers_from.checked_add(proposer.0)?);
        Some(Transaction::coinbase(owner, height, amount))
    }
    fn audit(&self) -> Result<(), Broken> {
        let held: u128 = self.dense.iter().chain(self.sparse.values()).map(|holding| u128::from(holding.balance)).sum();
        let Totals { claimed, fees, mintable, .. } = self.totals;
        let (expected, most) = (self.genesis + claimed, self.genesis + mintable);
        if held + fees != expected {
            let expected = expected.saturating_sub(fees);
            return Err(Broken(format!("balances add up to {held}, genesis, rewards and fees to {expected}")));
        }
        if self.frames.back().is_none_or(|frame| frame.finished) && held > most {
            return Err(Broken(format!("balances add up to {held}, and no more than {most} can have been minted")));
        }
        Ok(())
    }
    fn audit_block(&self) -> Result<(), Broken> {
        let Some(frame) = self.frames.back() else { return self.audit() };
        let (mut before, mut after) = (0u128, 0u128);
        for (account, holding) in self.first_before(frame) {
            before += u128::from(holding.balance);
            after += u128::from(self.holding(account).balance);
        }
        let Totals { claimed, fees, mintable, .. } = self.totals;
        if after + fees + frame.totals.claimed != before + frame.totals.fees + claimed {
            let (paid, burnt) = (claimed - frame.totals.claimed, fees - frame.totals.fees);
            return Err(Broken(format!(
                "a block changed balances from {before} to {after} in all, with rewards of {paid} and fees of {burnt}"
            )));
        }
        if frame.finished && claimed > fees + mintable {
            let most = fees + mintable;
            return Err(Broken(format!("rewards add up to {claimed}, and no more than {most} can have been claimed")));
        }
        Ok(())
    }
    fn audit_entries(&self) -> usize {
        self.dense.len() + self.sparse.len()
    }
}
