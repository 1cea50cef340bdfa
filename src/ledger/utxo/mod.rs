//! Unspent outputs.
//!
//! Source: Bitcoin's consensus rules without scripts: outputs are owned by accounts, and the sender of a transaction
//! owns all that it spends. The rules kept: inputs exist, are unspent and are named once (CVE-2018-17144); sums do not
//! overflow (CVE-2010-5139); inputs minus outputs is the declared fee; a coinbase stands first, is the only one,
//! names its height (BIP 34), claims no more than subsidy and fees, and can be spent after [`UtxoLedger::maturity`]
//! blocks. An output may be spent in the block that makes it, by a later transaction.
//!
//! Simplified: a block may do without a coinbase; its proposer forgoes the reward, and the fees are burnt.

#[cfg(test)]
mod tests;
mod wallet;

pub use wallet::UtxoWallet;

use super::root::Root;
use super::{Admission, Broken, Ledger, Rejection};
use crate::base::key::PUBLIC_KEY_BYTES;
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{AccountId, Digest, Hash, Height, NodeId};
use crate::chain::{Amount, Body, OutPoint, Output, Transaction};
use rustc_hash::{FxHashMap, FxHashSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Anchors are ordered and paid for by account.
const NO_ANCHORS: Rejection = Rejection("records another chain's block, which only the account ledger does");

/// Settings of the UTXO ledger, as scenarios write them: what exists at genesis, and how money is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UtxoLedger {
    /// Outputs that each account owns at genesis. With several, payments need not wait for each other's change.
    pub coins: u32,
    /// What each of them holds.
    pub amount: Amount,
    /// New money in each of the first blocks; 0 if proposers are paid fees alone.
    pub subsidy: Amount,
    /// Blocks until the subsidy is halved, again and again; 0 for never.
    pub halving: u64,
    /// Blocks from a coinbase to the first that may spend it.
    pub maturity: u64,
}

impl Default for UtxoLedger {
    /// Bitcoin's issuance.
    fn default() -> UtxoLedger {
        UtxoLedger { coins: 16, amount: 1_000_000, subsidy: 50 * 100_000_000, halving: 210_000, maturity: 100 }
    }
}

impl UtxoLedger {
    /// New money in the block at `height`.
    #[must_use]
    pub fn subsidy_at(&self, height: Height) -> Amount {
        let halvings = height.0.checked_div(self.halving).unwrap_or(0);
        u32::try_from(halvings).ok().and_then(|halvings| self.subsidy.checked_shr(halvings)).unwrap_or(0)
    }
    /// The outputs that `account` owns at genesis.
    fn outputs_of(self, account: AccountId) -> impl Iterator<Item = OutPoint> {
        let transaction = Digest::new("genesis coin").u64(u64::from(account.0)).finish();
        (0..self.coins).map(move |index| OutPoint { transaction, index })
    }
}

/// An output of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Coin {
    output: Output,
    /// The height of the coinbase that made it, if one did.
    minted: Option<Height>,
    spent: bool,
}

impl Coin {
    /// Bytes of an unspent output in a snapshot: its name, owner, amount and height.
    const BYTES: u64 = (HASH_BYTES + 4 + PUBLIC_KEY_BYTES + 2 * NUMBER_BYTES) as u64;

    fn leaf(&self, point: &OutPoint) -> Hash {
        Digest::new("coin")
            .hash(&point.transaction)
            .u64(u64::from(point.index))
            .u64(u64::from(self.output.owner.0))
            .u64(self.output.amount)
            .u64(self.minted.map_or(0, |height| height.0))
            .finish()
    }
}

/// A block, and how to undo it.
#[derive(Clone, Debug)]
struct UndoLog {
    height: Height,
    /// Outputs made, and where they are kept.
    made: Vec<(OutPoint, u32)>,
    /// Outputs spent, and where they are still kept.
    spent: Vec<(OutPoint, u32)>,
    /// The totals before this block.
    totals: Totals,
    /// The root before this block.
    root: Root,
    /// The height before this block.
    below: Height,
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
    /// Left over by inputs.
    fees: u128,
    /// All subsidies so far.
    mintable: u128,
    /// Number of unspent outputs.
    unspent: u64,
}

/// What stands between a transaction and its execution.
enum Judgement {
    /// Nothing; its inputs are kept here.
    Executable(SmallVec<[u32; 4]>),
    /// Something that may pass: an input that is not known or not mature.
    Waits(Rejection),
}

/// A ledger of unspent outputs.
#[derive(Clone, Debug)]
pub struct Utxo {
    settings: UtxoLedger,
    /// The account that proposer 0 is paid to; the others follow.
    proposers_from: u32,
    /// Everything that existed at genesis.
    genesis: u128,
    /// The names under which outputs existed at genesis.
    endowed: FxHashSet<Hash>,
    /// All outputs that are unspent, or were spent in a block that can be undone; `None` where there is room.
    coins: Vec<Option<Coin>>,
    /// Where there is room.
    room: Vec<u32>,
    /// Where each output is kept.
    places: FxHashMap<OutPoint, u32>,
    /// Height of the block begun last.
    height: Height,
    totals: Totals,
    /// The root before what the block begun last changed, or after it, once that is finished.
    root: Root,
    /// Blocks that can be undone, the latest last.
    frames: VecDeque<UndoLog>,
}

impl Utxo {
    /// A ledger in which the accounts `0..accounts` own outputs. The proposer of a block is paid to account `proposers_from` plus its
    /// number.
    #[must_use]
    pub fn new(settings: UtxoLedger, accounts: u32, proposers_from: u32) -> Utxo {
        let outputs = u64::from(accounts) * u64::from(settings.coins);
        let mut ledger = Utxo {
            settings,
            proposers_from,
            genesis: u128::from(outputs) * u128::from(settings.amount),
            endowed: FxHashSet::default(),
            coins: Vec::with_capacity(outputs as usize),
            room: Vec::new(),
            places: FxHashMap::default(),
            height: Height::GENESIS,
            totals: Totals::default(),
            root: Root::default(),
            frames: VecDeque::new(),
        };
        for owner in (0..accounts).map(AccountId) {
            for point in settings.outputs_of(owner) {
                let coin = Coin { output: Output { owner, amount: settings.amount }, minted: None, spent: false };
                ledger.root += coin.leaf(&point);
                ledger.keep(point, coin);
                ledger.endowed.insert(point.transaction);
            }
        }
        ledger
    }
    /// The output named `point`, if it is unspent.
    #[must_use]
    pub fn unspent(&self, point: &OutPoint) -> Option<Output> {
        let place = *self.places.get(point)?;
        Some(self.coin(place)).filter(|coin| !coin.spent).map(|coin| coin.output)
    }

    fn coin(&self, place: u32) -> &Coin {
        self.coins[place as usize].as_ref().expect("a named place holds a coin")
    }
    fn set_spent(&mut self, place: u32, spent: bool) {
        self.coins[place as usize].as_mut().expect("a named place holds a coin").spent = spent;
    }
    /// Finds room for a new output.
    fn keep(&mut self, point: OutPoint, coin: Coin) -> u32 {
        let place = self.room.pop().unwrap_or_else(|| {
            self.coins.push(None);
            u32::try_from(self.coins.len() - 1).expect("fewer than 2^32 outputs")
        });
        self.coins[place as usize] = Some(coin);
        let known = self.places.insert(point, place);
        assert!(known.is_none(), "no output is made twice: inputs, or its height, keep transactions apart");
        self.totals.unspent += 1;
        place
    }
    fn drop_coin(&mut self, point: &OutPoint, place: u32) {
        self.places.remove(point);
        self.coins[place as usize] = None;
        self.room.push(place);
    }
    /// Makes an output in the block begun last.
    fn make(&mut self, point: OutPoint, output: Output, minted: Option<Height>) {
        let place = self.keep(point, Coin { output, minted, spent: false });
        self.open().made.push((point, place));
    }
    /// Adds to `root` what the block begun last changed.
    fn with_changes(&self, mut root: Root) -> Root {
        if let Some(frame) = self.frames.back().filter(|frame| !frame.finished) {
            // What was made and spent in the same block comes and goes.
            for (point, place) in &frame.made {
                root += self.coin(*place).leaf(point);
            }
            for (point, place) in &frame.spent {
                root -= self.coin(*place).leaf(point);
            }
        }
        root
    }
    /// Whether `transaction` can be executed in a block at `height`.
    fn judge(&self, transaction: &Transaction, height: Height) -> Result<Judgement, Rejection> {
        let (inputs, outputs) = match &transaction.body {
            Body::Spend { inputs, outputs } => (inputs, outputs),
            Body::Transfer { .. } => return Err(Rejection("moves a balance, which this ledger does not have")),
            Body::Anchor { .. } => return Err(NO_ANCHORS),
            Body::Coinbase { .. } => return Err(Rejection("a coinbase does not wait")),
        };
        if inputs.is_empty() || outputs.is_empty() {
            return Err(Rejection("without inputs or outputs"));
        }
        if has_duplicates(inputs) {
            return Err(Rejection("spends an output twice"));
        }
        let amounts = outputs.iter().map(|output| output.amount).chain([transaction.fee]);
        let needed = sum(amounts).ok_or(Rejection("outputs and fee overflow"))?;
        let (mut places, mut given, mut waits) = (SmallVec::new(), Some(0), None);
        for input in inputs {
            let Some(&place) = self.places.get(input) else {
                waits = Some(Rejection("spends an output that does not exist"));
                continue;
            };
            let coin = self.coin(place);
            if coin.output.owner != transaction.sender {
                return Err(Rejection("spends an output of somebody else"));
            }
            if coin.spent {
                return Err(Rejection("spends a spent output"));
            }
            if coin.minted.is_some_and(|minted| height.0.saturating_sub(minted.0) < self.settings.maturity) {
                waits = Some(Rejection("spends a coinbase that is not mature"));
            }
            places.push(place);
            given = given.and_then(|given: Amount| given.checked_add(coin.output.amount));
        }
        if let Some(why) = waits {
            return Ok(Judgement::Waits(why));
        }
        match given.ok_or(Rejection("inputs overflow"))? {
            given if given < needed => Err(Rejection("spends more than its inputs")),
            given if given > needed => Err(Rejection("leaves a fee other than it declares")),
            _ => Ok(Judgement::Executable(places)),
        }
    }
    fn spend(&mut self, transaction: &Transaction, inputs: &[OutPoint], outputs: &[Output]) -> Result<(), Rejection> {
        let places = match self.judge(transaction, self.height)? {
            Judgement::Executable(places) => places,
            Judgement::Waits(why) => return Err(why),
        };
        for place in &places {
            self.set_spent(*place, true);
        }
        self.totals.unspent -= places.len() as u64;
        self.totals.fees += u128::from(transaction.fee);
        let frame = self.open();
        frame.fees += u128::from(transaction.fee);
        frame.spent.extend(inputs.iter().copied().zip(places));
        for (output, index) in outputs.iter().zip(0..) {
            self.make(OutPoint { transaction: transaction.id(), index }, *output, None);
        }
        Ok(())
    }
    fn mint(&mut self, transaction: &Transaction, height: Height, amount: Amount) -> Result<(), Rejection> {
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
        frame.claimed = Some(amount);
        self.totals.claimed += u128::from(amount);
        let point = OutPoint { transaction: transaction.id(), index: 0 };
        self.make(point, Output { owner: transaction.sender, amount }, Some(height));
        Ok(())
    }
    fn open(&mut self) -> &mut UndoLog {
        let frame = self.frames.back_mut().expect("a block is begun before anything is executed");
        assert!(!frame.finished, "nothing is executed in a finished block");
        frame
    }
}

fn sum(amounts: impl Iterator<Item = Amount>) -> Option<Amount> {
    amounts.into_iter().try_fold(0, Amount::checked_add)
}

/// Whether a list names an output twice; most lists are short.
fn has_duplicates(inputs: &[OutPoint]) -> bool {
    if inputs.len() <= 8 {
        return (1..inputs.len()).any(|i| inputs[..i].contains(&inputs[i]));
    }
    let mut seen = BTreeSet::new();
    !inputs.iter().all(|input| seen.insert(input))
}

impl Ledger for Utxo {
    fn admit(&self, transaction: &Transaction) -> Result<Admission, Rejection> {
        // Executed in the block that is open, or in the next.
        let open = self.frames.back().is_some_and(|frame| !frame.finished);
        let height = if open { self.height } else { self.height.next() };
        Ok(match self.judge(transaction, height)? {
            Judgement::Executable(_) => Admission::Now,
            Judgement::Waits(_) => Admission::Later,
        })
    }
    fn begin(&mut self, height: Height) {
        self.root = self.with_changes(self.root);
        if let Some(frame) = self.frames.back_mut() {
            frame.finished = true;
        }
        self.frames.push_back(UndoLog {
            height,
            made: Vec::new(),
            spent: Vec::new(),
            totals: self.totals,
            root: self.root,
            below: self.height,
            tried: 0,
            fees: 0,
            claimed: None,
            finished: false,
        });
        self.height = height;
        self.totals.mintable += u128::from(self.settings.subsidy_at(height));
    }
    fn execute(&mut self, transaction: &Transaction) -> Result<(), Rejection> {
        self.open().tried += 1;
        match &transaction.body {
            Body::Spend { inputs, outputs } => self.spend(transaction, inputs, outputs),
            Body::Coinbase { height, amount } => self.mint(transaction, *height, *amount),
            Body::Transfer { .. } => Err(Rejection("moves a balance, which this ledger does not have")),
            Body::Anchor { .. } => Err(NO_ANCHORS),
        }
    }
    fn finish(&mut self) -> Result<(), Rejection> {
        let most = u128::from(self.settings.subsidy_at(self.height)) + self.open().fees;
        if self.open().claimed.is_some_and(|claimed| u128::from(claimed) > most) {
            return Err(Rejection("a coinbase claims more than subsidy and fees"));
        }
        self.root = self.with_changes(self.root);
        self.open().finished = true;
        Ok(())
    }
    fn undo(&mut self) {
        let frame = self.frames.pop_back().expect("the block to undo is not forgotten");
        for (_, place) in &frame.spent {
            self.set_spent(*place, false);
        }
        for (point, place) in frame.made.iter().rev() {
            self.drop_coin(point, *place);
        }
        (self.totals, self.root, self.height) = (frame.totals, frame.root, frame.below);
    }
    fn forget(&mut self, keep: usize) {
        let finished = self.frames.back().is_none_or(|frame| frame.finished);
        assert!(keep > 0 || finished, "a block that is not finished is not forgotten");
        while self.frames.len() > keep {
            let frame = self.frames.pop_front().expect("more than none");
            for (point, place) in &frame.spent {
                self.drop_coin(point, *place);
            }
        }
    }
    fn root(&self) -> Hash {
        self.with_changes(self.root).into()
    }
    fn state_bytes(&self) -> u64 {
        self.totals.unspent * Coin::BYTES
    }
    /// Where there ever was a subsidy, every block has a coinbase, even when there is nothing left to pay.
    fn coinbase(&self, proposer: NodeId, height: Height, fees: Amount) -> Option<Arc<Transaction>> {
        let amount = self.settings.subsidy_at(height).checked_add(fees)?;
        let owner = AccountId(self.proposers_from.checked_add(proposer.0)?);
        (self.settings.subsidy > 0 || amount > 0).then(|| Transaction::coinbase(owner, height, amount))
    }
    fn existed_at_genesis(&self, output: &OutPoint) -> bool {
        self.endowed.contains(&output.transaction)
    }
    fn audit(&self) -> Result<(), Broken> {
        let unspent = || self.coins.iter().flatten().filter(|coin| !coin.spent);
        let held: u128 = unspent().map(|coin| u128::from(coin.output.amount)).sum();
        let Totals { claimed, fees, mintable, .. } = self.totals;
        let (expected, most) = (self.genesis + claimed, self.genesis + mintable);
        if held + fees != expected {
            let expected = expected.saturating_sub(fees);
            return Err(Broken(format!("outputs add up to {held}, genesis, coinbases and fees to {expected}")));
        }
        if self.frames.back().is_none_or(|frame| frame.finished) && held > most {
            return Err(Broken(format!("outputs add up to {held}, and no more than {most} can have been minted")));
        }
        let count = unspent().count() as u64;
        if count != self.totals.unspent {
            return Err(Broken(format!("{count} outputs are unspent, {} were counted", self.totals.unspent)));
        }
        Ok(())
    }
    fn audit_block(&self) -> Result<(), Broken> {
        let Some(frame) = self.frames.back() else { return self.audit() };
        let amounts = |list: &[(OutPoint, u32)]| -> u128 {
            list.iter().map(|(_, place)| u128::from(self.coin(*place).output.amount)).sum()
        };
        let (made, spent) = (amounts(&frame.made), amounts(&frame.spent));
        let Totals { claimed, fees, mintable, unspent } = self.totals;
        if made + fees + frame.totals.claimed != spent + frame.totals.fees + claimed {
            let (paid, left) = (claimed - frame.totals.claimed, fees - frame.totals.fees);
            return Err(Broken(format!(
                "a block made outputs of {made} from outputs of {spent}, with coinbases of {paid} and fees of {left}"
            )));
        }
        if frame.finished && claimed > fees + mintable {
            let most = fees + mintable;
            return Err(Broken(format!(
                "coinbases add up to {claimed}, and no more than {most} can have been claimed"
            )));
        }
        let counted = frame.totals.unspent + frame.made.len() as u64 - frame.spent.len() as u64;
        if counted != unspent {
            return Err(Broken(format!("{counted} outputs are unspent, {unspent} were counted")));
        }
        Ok(())
    }
    fn audit_entries(&self) -> usize {
        self.coins.len()
    }
}
