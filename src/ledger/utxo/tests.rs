use super::*;
use crate::base::{Crypto, Keyring, Stream};
use proptest::prelude::*;
use std::collections::BTreeMap;

const ACCOUNTS: u32 = 4;
const SETTINGS: UtxoLedger = UtxoLedger { coins: 3, amount: 100, subsidy: 50, halving: 0, maturity: 100 };
/// Proposer `i` is account `10 + i`.
const PROPOSERS: u32 = 10;

fn keys() -> Keyring {
    Keyring::new(Crypto::Symbolic, 1, "account", 16)
}

fn ledger() -> Utxo {
    Utxo::new(SETTINGS, ACCOUNTS, PROPOSERS)
}

fn coin(owner: u32, index: usize) -> OutPoint {
    SETTINGS.outputs_of(AccountId(owner)).nth(index).unwrap()
}

fn output(owner: u32, amount: Amount) -> Output {
    Output { owner: AccountId(owner), amount }
}

fn spend(sender: u32, inputs: &[OutPoint], outputs: &[Output], fee: Amount) -> Arc<Transaction> {
    let body = Body::Spend { inputs: inputs.to_vec(), outputs: outputs.to_vec() };
    Transaction::signed(&keys(), AccountId(sender), 0, fee, body, 0)
}

fn first_of(transaction: &Transaction) -> OutPoint {
    OutPoint { transaction: transaction.id(), index: 0 }
}

fn refused(state: &mut Utxo, transaction: &Transaction) -> &'static str {
    let before = state.root();
    let why = state.execute(transaction).expect_err("it breaks a rule").0;
    assert_eq!(state.root(), before, "entirely or not at all");
    why
}

#[test]
fn a_spend_consumes_its_inputs_and_makes_its_outputs() {
    let mut state = ledger();
    state.begin(Height(1));
    let coinbase = state.coinbase(NodeId(1), Height(1), 5).unwrap();
    state.execute(&coinbase).unwrap();
    let payment = spend(0, &[coin(0, 0), coin(0, 1)], &[output(1, 150), output(0, 45)], 5);
    state.execute(&payment).unwrap();
    assert_eq!(state.finish(), Ok(()));
    assert_eq!(state.unspent(&coin(0, 0)), None);
    assert_eq!(state.unspent(&first_of(&payment)), Some(output(1, 150)));
    assert_eq!(state.unspent(&first_of(&coinbase)), Some(output(11, 55)));
    assert_eq!(state.state_bytes(), (12 - 2 + 2 + 1) * 84);
    assert_eq!(state.audit(), Ok(()));
}

#[test]
fn a_coinbase_of_block_10_is_spent_in_block_110_and_not_in_109() {
    let mut state = ledger();
    let coinbase = Transaction::coinbase(AccountId(10), Height(10), 50);
    let heir = spend(10, &[first_of(&coinbase)], &[output(0, 50)], 0);
    for height in 1..109 {
        state.begin(Height(height));
        if height == 10 {
            state.execute(&coinbase).unwrap();
        }
        state.finish().unwrap();
    }
    assert_eq!(state.admit(&heir), Ok(Admission::Later), "not in the next block, 109");
    state.begin(Height(109));
    assert_eq!(refused(&mut state, &heir), "spends a coinbase that is not mature");
    state.finish().unwrap();
    assert_eq!(state.admit(&heir), Ok(Admission::Now), "in the next block, 110");
    state.begin(Height(110));
    assert_eq!(state.execute(&heir), Ok(()));
    (109..=110).for_each(|_| state.undo());
    assert_eq!(state.admit(&heir), Ok(Admission::Later), "the next block is 109 again");
    (10..109).for_each(|_| state.undo());
    assert_eq!(state.admit(&heir), Ok(Admission::Later), "without the coinbase there is nothing to spend");
    state.begin(Height(10));
    assert_eq!(refused(&mut state, &heir), "spends an output that does not exist");
}

#[test]
fn a_transaction_names_an_input_once() {
    let mut state = ledger();
    state.begin(Height(1));
    let twice = spend(0, &[coin(0, 0), coin(0, 0)], &[output(1, 200)], 0);
    assert_eq!(refused(&mut state, &twice), "spends an output twice");
    let mut many: Vec<OutPoint> = (0..40).map(|n| OutPoint { transaction: Hash::of(&[n]), index: 0 }).collect();
    many.push(many[3]);
    assert_eq!(refused(&mut state, &spend(0, &many, &[output(1, 1)], 0)), "spends an output twice");
}

#[test]
fn an_output_is_spent_once_in_a_block_and_in_a_chain() {
    let mut state = ledger();
    let (one, other) = (spend(0, &[coin(0, 0)], &[output(1, 100)], 0), spend(0, &[coin(0, 0)], &[output(2, 100)], 0));
    assert_eq!(state.admit(&other), Ok(Admission::Now));
    state.begin(Height(1));
    state.execute(&one).unwrap();
    assert_eq!(refused(&mut state, &other), "spends a spent output");
    state.finish().unwrap();
    assert!(state.admit(&other).is_err());
    state.begin(Height(2));
    assert_eq!(refused(&mut state, &other), "spends a spent output");
    assert_eq!(refused(&mut state, &one), "spends a spent output", "nor is a transaction executed twice");
    state.finish().unwrap();
    state.forget(1);
    assert_eq!(state.admit(&other), Ok(Admission::Later), "it is forgotten that there ever was such an output");
    state.begin(Height(3));
    assert_eq!(refused(&mut state, &other), "spends an output that does not exist");
}

#[test]
fn an_output_may_be_spent_in_its_own_block_after_it_is_made() {
    let mut state = ledger();
    let parent = spend(0, &[coin(0, 0)], &[output(1, 100)], 0);
    let child = spend(1, &[first_of(&parent)], &[output(2, 100)], 0);
    state.begin(Height(1));
    let before = state.root();
    refused(&mut state, &child);
    state.execute(&parent).unwrap();
    state.execute(&child).unwrap();
    state.finish().unwrap();
    state.undo();
    assert_eq!(state.root(), before);
}

#[test]
fn an_anchor_is_refused_whether_it_waits_or_stands_in_a_block() {
    let mut state = ledger();
    let body = Body::Anchor { height: Height(3), hash: Hash::of(b"block") };
    let anchor = Transaction::signed(&keys(), AccountId(0), 0, 1, body, 0);
    let why = Rejection("records another chain's block, which only the account ledger does");
    assert_eq!(state.admit(&anchor), Err(why));
    state.begin(Height(1));
    assert_eq!(refused(&mut state, &anchor), why.0);
}

#[test]
fn sums_do_not_overflow_into_money() {
    let mut state = ledger();
    state.begin(Height(1));
    let half = 1 << 63;
    let huge = spend(0, &[coin(0, 0)], &[output(1, half), output(2, half), output(3, 100)], 0);
    assert_eq!(refused(&mut state, &huge), "outputs and fee overflow");
    let huge = spend(0, &[coin(0, 0)], &[output(1, u64::MAX)], 101);
    assert_eq!(refused(&mut state, &huge), "outputs and fee overflow");
    let rich = UtxoLedger { coins: SETTINGS.coins, amount: half, ..UtxoLedger::default() };
    let mut state = Utxo::new(rich, ACCOUNTS, PROPOSERS);
    state.begin(Height(1));
    assert_eq!(refused(&mut state, &spend(0, &[coin(0, 0), coin(0, 1)], &[output(1, 0)], 0)), "inputs overflow");
    assert_eq!(state.audit(), Ok(()));
}

#[test]
fn a_sender_spends_its_own_and_declares_the_fee_it_leaves() {
    let mut state = ledger();
    state.begin(Height(1));
    let why = |state: &mut Utxo, inputs: &[OutPoint], amount, fee| {
        refused(state, &spend(0, inputs, &[output(1, amount)], fee))
    };
    assert_eq!(why(&mut state, &[coin(1, 0)], 100, 0), "spends an output of somebody else");
    assert_eq!(why(&mut state, &[coin(0, 0)], 100, 1), "spends more than its inputs");
    assert_eq!(why(&mut state, &[coin(0, 0)], 98, 1), "leaves a fee other than it declares");
    assert_eq!(why(&mut state, &[], 0, 0), "without inputs or outputs");
    assert_eq!(refused(&mut state, &spend(0, &[coin(0, 0)], &[], 100)), "without inputs or outputs");
}

#[test]
fn a_coinbase_is_first_and_only_and_claims_no_more_than_subsidy_and_fees() {
    let coinbase = |height, amount| Transaction::coinbase(AccountId(10), Height(height), amount);
    let payment = spend(0, &[coin(0, 0)], &[output(1, 93)], 7);
    for (claim, fine) in [(57, true), (58, false), (0, true), (u64::MAX, false)] {
        let mut state = ledger();
        let before = state.root();
        state.begin(Height(1));
        state.execute(&coinbase(1, claim)).unwrap();
        state.execute(&payment).unwrap();
        assert_eq!(state.finish().is_ok(), fine);
        state.undo();
        assert_eq!((state.root(), state.audit()), (before, Ok(())));
    }
    let mut state = ledger();
    state.begin(Height(1));
    state.execute(&coinbase(1, 50)).unwrap();
    assert_eq!(refused(&mut state, &coinbase(1, 0)), "a coinbase that is not first");
    state.undo();
    state.begin(Height(1));
    state.execute(&payment).unwrap();
    assert_eq!(refused(&mut state, &coinbase(1, 50)), "a coinbase that is not first");
    state.undo();
    state.begin(Height(1));
    assert_eq!(refused(&mut state, &coinbase(2, 50)), "a coinbase of another height");
    assert!(state.admit(&coinbase(1, 50)).is_err());
}

#[test]
fn the_subsidy_is_halved_until_21_million_are_out() {
    let bitcoin = UtxoLedger { coins: SETTINGS.coins, amount: SETTINGS.amount, ..UtxoLedger::default() };
    assert_eq!(bitcoin.subsidy_at(Height(209_999)), 5_000_000_000);
    assert_eq!(bitcoin.subsidy_at(Height(210_000)), 2_500_000_000);
    assert_eq!(bitcoin.subsidy_at(Height(210_000 * 64)), 0);
    assert_eq!(bitcoin.subsidy_at(Height(u64::MAX)), 0);
    let total: u64 = (0..70).map(|era| 210_000 * bitcoin.subsidy_at(Height(era * 210_000))).sum();
    assert_eq!(total, 2_099_999_997_690_000);
    assert_eq!(UtxoLedger { halving: 0, ..bitcoin }.subsidy_at(Height(u64::MAX)), 5_000_000_000);
    let free = Utxo::new(UtxoLedger { subsidy: 0, ..bitcoin }, ACCOUNTS, PROPOSERS);
    assert_eq!(free.coinbase(NodeId(0), Height(1), 0), None);
    assert!(free.coinbase(NodeId(0), Height(1), 1).is_some());
    let late = Utxo::new(bitcoin, ACCOUNTS, PROPOSERS).coinbase(NodeId(0), Height(210_000 * 64), 0);
    assert_eq!(late, Some(Transaction::coinbase(AccountId(10), Height(210_000 * 64), 0)));
}

#[test]
fn an_audit_finds_money_from_nowhere() {
    let mut state = ledger();
    state.coins[0].as_mut().unwrap().output.amount += 1;
    assert!(state.audit().is_err());
    let mut state = ledger();
    state.coins[0].as_mut().unwrap().spent = true;
    assert!(state.audit().is_err());
    let mut state = ledger();
    state.begin(Height(1));
    state.execute(&Transaction::coinbase(AccountId(10), Height(1), 51)).unwrap();
    assert!(state.finish().is_err());
    state.begin(Height(2));
    state.finish().unwrap();
    assert_eq!(state.audit(), Ok(()), "this block could have minted it");
    state.begin(Height(3));
    state.execute(&Transaction::coinbase(AccountId(10), Height(3), 150)).unwrap();
    assert!(state.finish().is_err());
    state.begin(Height(4));
    state.finish().unwrap();
    assert!(state.audit().is_err() && state.audit_block().is_err());
}

#[test]
fn an_audit_of_a_block_finds_money_from_nowhere_in_what_it_made() {
    let mut state = ledger();
    state.begin(Height(1));
    state.execute(&Transaction::coinbase(AccountId(10), Height(1), 50)).unwrap();
    state.finish().unwrap();
    assert_eq!((state.audit_block(), state.audit()), (Ok(()), Ok(())));
    let mut counted = state.clone();
    counted.totals.unspent += 1;
    assert!(counted.audit_block().is_err() && counted.audit().is_err());
    let (_, made) = state.frames.back().unwrap().made[0];
    state.coins[made as usize].as_mut().unwrap().output.amount += 1;
    assert!(state.audit_block().is_err() && state.audit().is_err());
}

/// The ledger by its definition: a set of outputs, cloned before every block.
#[derive(Clone, PartialEq, Debug, Default)]
struct Naive(BTreeMap<OutPoint, (Output, Option<Height>)>);

impl Naive {
    fn execute(&mut self, transaction: &Transaction, at: Height, maturity: u64) -> bool {
        let (made, minted) = match &transaction.body {
            Body::Spend { inputs, outputs } => {
                let mut after = self.clone();
                let mut given = 0;
                for input in inputs {
                    match after.0.remove(input) {
                        Some((_, Some(minted))) if at.0 < minted.0 + maturity => return false,
                        Some((output, _)) if output.owner == transaction.sender => given += output.amount,
                        _ => return false,
                    }
                }
                if given != outputs.iter().map(|o| o.amount).sum::<u64>() + transaction.fee {
                    return false;
                }
                *self = after;
                (outputs.clone(), None)
            }
            Body::Coinbase { height, amount } => {
                (vec![Output { owner: transaction.sender, amount: *amount }], Some(*height))
            }
            Body::Transfer { .. } | Body::Anchor { .. } => return false,
        };
        for (output, index) in made.into_iter().zip(0..) {
            self.0.insert(OutPoint { transaction: transaction.id(), index }, (output, minted));
        }
        true
    }
}

struct History {
    state: Utxo,
    now: Naive,
    before: Vec<Naive>,
    /// Outputs that once existed.
    seen: Vec<OutPoint>,
}

impl History {
    fn new() -> History {
        let state = Utxo::new(UtxoLedger { halving: 4, maturity: 3, ..SETTINGS }, ACCOUNTS, 4);
        let genesis = (0..4).flat_map(|owner| (0..3).map(move |n| (coin(owner, n), (output(owner, 100), None))));
        let now = Naive(genesis.collect());
        let seen = now.0.keys().copied().collect();
        History { state, now, before: Vec::new(), seen }
    }
    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!((self.state.audit(), self.state.audit_block()), (Ok(()), Ok(())));
        let mut root = Root::default();
        for (point, (output, minted)) in &self.now.0 {
            root += Coin { output: *output, minted: *minted, spent: false }.leaf(point);
            prop_assert_eq!(self.state.unspent(point), Some(*output));
        }
        prop_assert_eq!(self.state.root(), Hash::from(root), "the root is that of the leaves");
        prop_assert_eq!(self.state.state_bytes(), 84 * self.now.0.len() as u64);
        Ok(())
    }
    fn random_spend(&self, random: &mut Stream) -> Arc<Transaction> {
        let recent = |random: &mut Stream| {
            let window = self.seen.len().min(12);
            self.seen[self.seen.len() - 1 - random.index(window)]
        };
        let inputs: Vec<OutPoint> = (0..=random.index(2)).map(|_| recent(random)).collect();
        let owned = |input: &OutPoint| self.now.0.get(input).map(|(output, _)| *output);
        let given: u64 = inputs.iter().filter_map(owned).map(|o| o.amount).sum();
        let sender = inputs.iter().find_map(owned).map_or(0, |o| o.owner.0);
        let fee = random.below(given / 4 + 1);
        let first = random.below(given - fee + 1);
        let wrong = u64::from(random.chance(0.1));
        let outputs =
            [output(random.below(8) as u32, first), output(random.below(8) as u32, given - fee - first + wrong)];
        spend(sender, &inputs, &outputs, fee)
    }
    fn random_block(&mut self, random: &mut Stream) -> Result<(), TestCaseError> {
        self.before.push(self.now.clone());
        let height = Height(self.before.len() as u64);
        self.state.begin(height);
        for n in 0..random.below(9) {
            let transaction = if n == 0 && random.chance(0.8) {
                Transaction::coinbase(AccountId(random.below(8) as u32), height, random.below(60))
            } else {
                self.random_spend(random)
            };
            let admitted = self.state.admit(&transaction);
            let executed = self.state.execute(&transaction).is_ok();
            prop_assert_eq!(executed, self.now.execute(&transaction, height, 3));
            prop_assert_eq!(executed && !transaction.is_coinbase(), admitted == Ok(Admission::Now));
            let made = if executed { 1 + u32::from(!transaction.is_coinbase()) } else { 0 };
            self.seen.extend((0..made).map(|index| OutPoint { transaction: transaction.id(), index }));
        }
        if self.state.finish().is_err() {
            self.undo();
        }
        Ok(())
    }
    fn undo(&mut self) {
        self.state.undo();
        self.now = self.before.pop().expect("a block");
    }
}

proptest! {
    #[test]
    fn blocks_can_be_done_and_undone_to_any_depth(seed: u64) {
        let mut random = Stream::new(seed, "utxo", 0, 0);
        let mut history = History::new();
        for _ in 0..30 {
            if random.chance(0.7) || history.before.is_empty() {
                history.random_block(&mut random)?;
            } else {
                for _ in 0..=random.index(history.before.len()) {
                    history.undo();
                }
            }
            history.check()?;
        }
        let keep = random.index(5);
        history.state.forget(keep);
        history.check()?;
        let left = keep.min(history.before.len());
        prop_assert_eq!(history.state.frames.len(), left);
        let spent: usize = history.state.frames.iter().map(|frame| frame.spent.len()).sum();
        prop_assert_eq!(history.state.places.len(), history.now.0.len() + spent, "nothing else is kept");
        for _ in 0..left {
            history.undo();
            history.check()?;
        }
    }

    #[test]
    fn a_root_is_of_the_state_and_not_of_the_way_to_it(seed: u64) {
        let mut random = Stream::new(seed, "utxo", 1, 0);
        let mut spends: Vec<_> = (0..4).map(|owner| spend(owner, &[coin(owner, 1)], &[output(9, 100)], 0)).collect();
        let mut run = |per_block: usize| {
            let mut state = ledger();
            random.shuffle(&mut spends);
            for (block, height) in spends.chunks(per_block).zip(1..) {
                state.begin(Height(height));
                block.iter().for_each(|spend| state.execute(spend).unwrap());
                state.finish().unwrap();
            }
            state.root()
        };
        prop_assert_eq!(run(1), run(3));
    }
}
