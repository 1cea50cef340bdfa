use super::*;
use crate::base::{Crypto, Keyring, Stream};
use crate::ledger::Wallet;
use proptest::prelude::*;

fn keys() -> Keyring {
    Keyring::new(Crypto::Symbolic, 1, "account", 16)
}

fn transfer(from: u32, nonce: u64, to: u32, amount: Amount, fee: Amount) -> Arc<Transaction> {
    Transaction::signed(&keys(), AccountId(from), nonce, fee, Body::Transfer { to: AccountId(to), amount }, 0)
}

/// Four accounts of 100; proposer `i` is account `10 + i`.
fn ledger(reward: Reward) -> Account {
    Account::new(4, 100, reward, 10)
}

fn balances(ledger: &Account, accounts: &[u32]) -> Vec<Amount> {
    accounts.iter().map(|account| ledger.balance(AccountId(*account))).collect()
}

#[test]
fn a_transfer_moves_amount_and_fee_and_uses_up_a_nonce() {
    let mut state = ledger(Reward::Fees);
    state.begin(Height(1));
    let coinbase = state.coinbase(NodeId(2), Height(1), 5).unwrap();
    assert_eq!(state.execute(&coinbase), Ok(()));
    assert_eq!(state.execute(&transfer(0, 0, 1, 30, 5)), Ok(()));
    assert_eq!(state.finish(), Ok(()));
    assert_eq!(balances(&state, &[0, 1, 12]), [65, 130, 5]);
    assert_eq!(state.nonce(AccountId(0)), 1);
    assert_eq!(state.audit(), Ok(()));
}

#[test]
fn a_nonce_is_used_once_and_not_before_its_predecessors() {
    let mut state = ledger(Reward::Fees);
    assert_eq!(state.admit(&transfer(0, 1, 1, 1, 0)), Ok(Admission::Later));
    state.begin(Height(1));
    assert!(state.execute(&transfer(0, 1, 1, 1, 0)).is_err());
    assert_eq!(state.execute(&transfer(0, 0, 1, 1, 0)), Ok(()));
    assert!(state.execute(&transfer(0, 0, 2, 1, 0)).is_err(), "the same nonce again");
    assert!(state.admit(&transfer(0, 0, 2, 1, 0)).is_err());
    assert_eq!(state.admit(&transfer(0, 1, 1, 1, 0)), Ok(Admission::Now));
    assert_eq!(state.execute(&transfer(0, 1, 1, 1, 0)), Ok(()));
}

#[test]
fn an_anchor_uses_up_its_fee_and_a_nonce_and_cannot_be_replayed() {
    let anchor = |nonce, fee| {
        let body = Body::Anchor { height: Height(6), hash: Hash::of(b"block") };
        Transaction::signed(&keys(), AccountId(0), nonce, fee, body, 0)
    };
    let mut state = ledger(Reward::Fees);
    let before = (state.root(), state.state_bytes());
    assert_eq!(state.admit(&anchor(1, 7)), Ok(Admission::Later));
    assert!(state.admit(&anchor(0, 101)).is_err(), "it has 100");
    state.begin(Height(1));
    assert_eq!(state.execute(&state.coinbase(NodeId(2), Height(1), 7).unwrap()), Ok(()));
    assert_eq!(state.execute(&anchor(1, 7)), Err(Rejection("nonce ahead of its predecessors")));
    assert_eq!(state.execute(&anchor(0, 7)), Ok(()));
    assert_eq!(state.execute(&anchor(0, 7)), Err(Rejection("nonce already used")), "the same bytes again");
    assert_eq!(state.admit(&anchor(0, 8)), Err(Rejection("nonce already used")));
    assert_eq!(state.execute(&transfer(0, 1, 1, 3, 0)), Ok(()), "transfers and anchors share the nonces");
    assert_eq!(state.finish(), Ok(()));
    assert_eq!((balances(&state, &[0, 1, 12]), state.nonce(AccountId(0))), (vec![90, 103, 7], 2));
    assert_eq!(state.audit(), Ok(()));
    state.undo();
    assert_eq!((state.root(), state.state_bytes()), before);
}

#[test]
fn no_account_spends_more_than_it_has_by_overflow_or_otherwise() {
    let mut state = ledger(Reward::Fees);
    state.begin(Height(1));
    let root = state.root();
    for (amount, fee) in [(101, 0), (100, 1), (u64::MAX, 1), (1, u64::MAX), (u64::MAX, u64::MAX)] {
        let greedy = transfer(0, 0, 1, amount, fee);
        assert!(state.admit(&greedy).is_err());
        assert!(state.execute(&greedy).is_err());
    }
    assert_eq!(state.root(), root);
    let mut rich = Account::new(2, u64::MAX, Reward::Fees, 10);
    rich.begin(Height(1));
    assert!(rich.execute(&transfer(0, 0, 1, 1, 0)).is_err(), "the receiver's balance would overflow");
    assert_eq!(rich.execute(&transfer(0, 0, 0, u64::MAX, 0)), Ok(()), "to itself");
    assert_eq!(rich.balance(AccountId(0)), u64::MAX);
}

#[test]
fn a_coinbase_claims_no_more_than_reward_and_fees() {
    for (reward, most) in [(Reward::Nothing, 0), (Reward::Fees, 7), (Reward::Minted(50), 57)] {
        for claim in [most, most + 1] {
            let mut state = ledger(reward);
            let before = state.root();
            state.begin(Height(1));
            let coinbase = Transaction::coinbase(AccountId(10), Height(1), claim);
            assert_eq!(state.execute(&coinbase), Ok(()));
            assert_eq!(state.execute(&transfer(0, 0, 1, 1, 7)), Ok(()));
            assert_eq!(state.finish().is_ok(), claim == most);
            assert_eq!(state.audit(), Ok(()));
            state.undo();
            assert_eq!(state.root(), before);
        }
        let made = ledger(reward).coinbase(NodeId(0), Height(1), 7);
        let expected = Transaction::coinbase(AccountId(10), Height(1), most);
        assert_eq!(made, (most > 0).then_some(expected));
    }
}

#[test]
fn a_coinbase_is_first_and_only_and_of_its_height() {
    let coinbase = |height| Transaction::coinbase(AccountId(10), Height(height), 0);
    let mut state = ledger(Reward::Fees);
    state.begin(Height(1));
    assert!(state.admit(&coinbase(1)).is_err());
    assert_eq!(state.execute(&coinbase(1)), Ok(()));
    assert!(state.execute(&coinbase(1)).is_err(), "a second one");
    state.undo();
    state.begin(Height(1));
    assert_eq!(state.execute(&transfer(0, 0, 1, 1, 0)), Ok(()));
    assert!(state.execute(&coinbase(1)).is_err(), "not the first");
    state.undo();
    state.begin(Height(1));
    assert!(state.execute(&coinbase(2)).is_err(), "of another height");
}

#[test]
fn unclaimed_fees_are_burnt() {
    let mut state = ledger(Reward::Nothing);
    state.begin(Height(1));
    assert_eq!(state.execute(&transfer(0, 0, 1, 10, 9)), Ok(()));
    assert_eq!(state.finish(), Ok(()));
    assert_eq!(balances(&state, &[0, 1, 2, 3]).iter().sum::<u64>(), 391);
    assert_eq!(state.audit(), Ok(()));
}

#[test]
fn an_audit_finds_money_from_nowhere() {
    let mut state = ledger(Reward::Fees);
    state.dense[2].balance += 1;
    assert!(state.audit().is_err());
    let mut state = ledger(Reward::Fees);
    state.sparse.insert(AccountId(u32::MAX), Holding { balance: 1, nonce: 0 });
    assert!(state.audit().is_err());
}

#[test]
fn an_audit_of_a_block_finds_money_from_nowhere_in_what_it_changed() {
    for (account, beyond_genesis) in [(AccountId(0), false), (AccountId(u32::MAX), true)] {
        let mut state = ledger(Reward::Minted(5));
        state.begin(Height(1));
        let holding = state.holding(account);
        state.execute(&Transaction::coinbase(account, Height(1), 5)).unwrap();
        state.finish().unwrap();
        assert_eq!((state.audit_block(), state.audit()), (Ok(()), Ok(())));
        state.put(account, Holding { balance: holding.balance + 6, ..holding });
        assert!(state.audit_block().is_err() && state.audit().is_err(), "beyond genesis: {beyond_genesis}");
    }
    let mut state = ledger(Reward::Minted(5));
    state.begin(Height(1));
    state.execute(&Transaction::coinbase(AccountId(0), Height(1), 6)).unwrap();
    assert!(state.finish().is_err());
    state.begin(Height(2));
    state.totals.mintable = 5;
    state.finish().unwrap();
    assert!(state.audit_block().is_err() && state.audit().is_err(), "more than could be minted");
}

#[test]
fn a_root_is_of_the_state_and_not_of_the_way_to_it() {
    let run = |transfers: &[(u32, u64, u32, Amount)], per_block: usize| {
        let mut state = ledger(Reward::Nothing);
        for (height, block) in transfers.chunks(per_block).enumerate() {
            state.begin(Height(height as u64 + 1));
            for (from, nonce, to, amount) in block {
                state.execute(&transfer(*from, *nonce, *to, *amount, 0)).unwrap();
            }
            state.finish().unwrap();
        }
        (state.root(), state.state_bytes())
    };
    let forward = [(0, 0, 1, 10), (2, 0, 900, 20), (0, 1, 3, 5), (2, 1, 900, 1)];
    let other = [(2, 0, 900, 1), (0, 0, 3, 5), (2, 1, 900, 20), (0, 1, 1, 10)];
    assert_eq!(run(&forward, 1), run(&other, 3));
    assert_ne!(run(&forward, 1).0, run(&forward[..3], 1).0);
    assert_ne!(ledger(Reward::Fees).root(), Account::new(3, 100, Reward::Fees, 10).root());
    assert_eq!(ledger(Reward::Fees).state_bytes(), 4 * 48);
    assert_eq!(run(&forward, 1).1, 5 * 48);
}

#[test]
fn an_account_with_a_high_number_can_be_paid_without_room_for_all_between() {
    let mut state = ledger(Reward::Fees);
    state.begin(Height(1));
    assert_eq!(state.execute(&transfer(0, 0, u32::MAX, 3, 0)), Ok(()));
    assert_eq!(balances(&state, &[u32::MAX]), [3]);
}

/// A ledger and, for every block on it, its clone from before.
struct History {
    state: Account,
    before: Vec<Account>,
}

impl History {
    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert_eq!((self.state.audit(), self.state.audit_block()), (Ok(()), Ok(())));
        let fresh = (0..16).map(AccountId).fold(Root::default(), |mut root, account| {
            root += self.state.holding(account).leaf(account);
            root
        });
        prop_assert_eq!(self.state.root(), Hash::from(fresh), "the root is that of the leaves");
        let used = (0..16).filter(|a| self.state.holding(AccountId(*a)) != Holding::default()).count();
        prop_assert_eq!(self.state.state_bytes(), 48 * used as u64);
        Ok(())
    }
    fn random_block(&mut self, random: &mut Stream) -> Result<(), TestCaseError> {
        self.before.push(self.state.clone());
        let height = Height(self.before.len() as u64);
        self.state.begin(height);
        if random.chance(0.5) {
            let owner = AccountId(8 + random.below(4) as u32);
            prop_assert_eq!(self.state.execute(&Transaction::coinbase(owner, height, random.below(9))), Ok(()));
        }
        for _ in 0..random.below(8) {
            let from = random.below(10) as u32;
            let nonce = self.state.nonce(AccountId(from)) + u64::from(random.chance(0.1));
            let (to, amount, fee) = (random.below(16) as u32, random.below(60), random.below(5));
            let transfer = transfer(from, nonce, to, amount, fee);
            let (admitted, root) = (self.state.admit(&transfer), self.state.root());
            let executed = self.state.execute(&transfer);
            prop_assert_eq!(executed.is_ok(), admitted == Ok(Admission::Now));
            prop_assert!(executed.is_ok() || self.state.root() == root, "entirely or not at all");
        }
        if random.chance(0.9) && self.state.finish().is_err() {
            self.undo()?;
        }
        Ok(())
    }
    fn undo(&mut self) -> Result<(), TestCaseError> {
        self.state.undo();
        let before = self.before.pop().expect("a block");
        prop_assert_eq!(&self.state.dense, &before.dense);
        prop_assert_eq!(&self.state.sparse, &before.sparse);
        prop_assert_eq!(self.state.totals, before.totals);
        prop_assert_eq!(self.state.root(), before.root());
        Ok(())
    }
}

proptest! {
    #[test]
    fn blocks_can_be_done_and_undone_to_any_depth(seed: u64) {
        let mut random = Stream::new(seed, "account", 0, 0);
        let mut history = History { state: Account::new(6, 100, Reward::Minted(9), 8), before: Vec::new() };
        for _ in 0..30 {
            if random.chance(0.7) || history.before.is_empty() {
                history.random_block(&mut random)?;
            } else {
                for _ in 0..=random.index(history.before.len()) {
                    history.undo()?;
                }
            }
            history.check()?;
        }
        let keep = 1 + random.index(5);
        history.state.forget(keep);
        prop_assert_eq!(history.state.frames.len(), keep.min(history.before.len()));
        for _ in 0..keep.min(history.before.len()) {
            history.undo()?;
        }
    }
}

#[test]
fn a_wallet_numbers_payments_and_promises_no_more_than_it_has() {
    let (keys, mut wallet) = (keys(), AccountWallet::new(2, 100));
    let mut pay = |amount| wallet.pay(&keys, AccountId(0), AccountId(1), amount, 10, 0);
    let (first, second) = (pay(40).unwrap(), pay(30).unwrap());
    assert_eq!((first.nonce, second.nonce), (0, 1));
    assert!(first.is_signed(&keys));
    assert!(pay(1).is_none(), "10 are left, and the fee takes them");
    assert_eq!(pay(0).unwrap().nonce, 2);
    assert!(wallet.pay(&keys, AccountId(7), AccountId(1), 1, 0, 0).is_none(), "an account outside the wallet");
    wallet.settle(&first, true);
    wallet.settle(&first, true);
    assert!(wallet.pay(&keys, AccountId(1), AccountId(0), 141, 0, 0).is_none(), "the second payment is on its way");
    assert!(wallet.pay(&keys, AccountId(1), AccountId(0), 140, 0, 0).is_some());
}

#[test]
fn a_refused_payment_gives_back_its_money_and_its_nonce() {
    let (keys, mut wallet) = (keys(), AccountWallet::new(1, 100));
    let mut ledger = Account::new(1, 100, Reward::Nothing, 10);
    let payments: Vec<_> = (0..3).map(|_| wallet.pay(&keys, AccountId(0), AccountId(5), 30, 0, 0).unwrap()).collect();
    ledger.begin(Height(1));
    ledger.execute(&payments[0]).unwrap();
    wallet.settle(&payments[0], true);
    wallet.settle(&payments[1], false);
    let filler = wallet.pay(&keys, AccountId(0), AccountId(5), 40, 0, 0).expect("the money came back");
    assert_eq!(filler.nonce, 1);
    ledger.execute(&filler).unwrap();
    ledger.execute(&payments[2]).unwrap();
    assert_eq!(balances(&ledger, &[0]), [0]);
}

#[test]
fn a_payment_that_was_given_up_and_executed_after_all_leaves_no_gap() {
    let (keys, mut wallet) = (keys(), AccountWallet::new(1, 100));
    let payment = wallet.pay(&keys, AccountId(0), AccountId(5), 30, 0, 0).unwrap();
    wallet.settle(&payment, false);
    wallet.settle(&payment, true);
    let next = wallet.pay(&keys, AccountId(0), AccountId(5), 70, 0, 0).expect("70 are left");
    assert_eq!(next.nonce, 1);
    assert!(wallet.pay(&keys, AccountId(0), AccountId(5), 1, 0, 0).is_none());
}
