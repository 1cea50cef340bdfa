use super::*;
use crate::base::{AccountId, Crypto, Height, Keyring, NodeId, Stream, Time};
use crate::chain::{Batch, Header, Output, Seal};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What the chain holds: by default nothing, and every coin that no transaction made.
#[derive(Clone, Default)]
struct Chain {
    nonces: BTreeMap<AccountId, u64>,
    /// The outputs that exist once their makers are executed.
    makers: BTreeSet<Hash>,
    made: BTreeSet<Hash>,
    spent: BTreeSet<OutPoint>,
}

impl Included for Chain {
    fn next_nonce(&self, sender: AccountId) -> u64 {
        self.nonces.get(&sender).copied().unwrap_or(0)
    }
    fn has_made(&self, output: &OutPoint) -> bool {
        !self.makers.contains(&output.transaction) || self.made.contains(&output.transaction)
    }
}

impl Chain {
    /// A chain on which only what `transactions` make does not exist.
    fn without<'a>(transactions: impl IntoIterator<Item = &'a Arc<Transaction>>) -> Chain {
        Chain { makers: transactions.into_iter().map(|t| t.id()).collect(), ..Chain::default() }
    }
    /// Whether the transaction has an effect, which is then there.
    fn execute(&mut self, transaction: &Transaction) -> bool {
        let Body::Spend { inputs, .. } = &transaction.body else {
            let is_next = transaction.nonce == self.next_nonce(transaction.sender);
            *self.nonces.entry(transaction.sender).or_default() += u64::from(is_next);
            return is_next;
        };
        let fine = inputs.iter().all(|input| self.has_made(input) && !self.spent.contains(input));
        if fine {
            self.spent.extend(inputs);
            self.made.insert(transaction.id());
        }
        fine
    }
}

impl Mempool {
    /// On a chain that holds nothing.
    fn take(&mut self, transaction: Arc<Transaction>) -> Result<Vec<Arc<Transaction>>, &'static str> {
        self.insert(transaction, &Chain::default())
    }
}

const WIDE: Capacity = Capacity { bytes: 1 << 30, transactions: 1 << 20 };

fn keys() -> Keyring {
    Keyring::new(Crypto::Symbolic, 1, "account", 8)
}

fn transfer(sender: u32, nonce: u64, fee: Amount, bytes: usize) -> Arc<Transaction> {
    let body = Body::Transfer { to: AccountId(0), amount: 1 };
    Transaction::signed(&keys(), AccountId(sender), nonce, fee, body, bytes)
}

fn anchor(sender: u32, nonce: u64, fee: Amount) -> Arc<Transaction> {
    let body = Body::Anchor { height: Height(8), hash: Hash::of(b"block") };
    Transaction::signed(&keys(), AccountId(sender), nonce, fee, body, 300)
}

fn spend(inputs: Vec<OutPoint>, outputs: u32, fee: Amount) -> Arc<Transaction> {
    let outputs = (0..outputs).map(|n| Output { owner: AccountId(0), amount: u64::from(n) }).collect();
    Transaction::signed(&keys(), AccountId(0), 0, fee, Body::Spend { inputs, outputs }, 400)
}

fn coin(name: u8) -> OutPoint {
    OutPoint { transaction: Hash::of(&[name]), index: 0 }
}

fn output(transaction: &Transaction, index: u32) -> OutPoint {
    OutPoint { transaction: transaction.id(), index }
}

fn block(transactions: Vec<Arc<Transaction>>) -> Arc<Block> {
    let batch = Batch::new(transactions);
    let header = Header {
        parent: Hash::ZERO,
        height: Height(1),
        merkle: batch.digest(),
        time: Time::ZERO,
        proposer: NodeId(0),
        seal: Seal::None,
    };
    Block::new(header, batch)
}

fn ids<'a>(transactions: impl IntoIterator<Item = &'a Arc<Transaction>>) -> Vec<Hash> {
    transactions.into_iter().map(|t| t.id()).collect()
}

#[test]
fn an_empty_pool_is_small() {
    assert!(size_of::<Mempool>() < 200, "{} bytes", size_of::<Mempool>());
}

#[test]
fn the_best_fee_rate_comes_first_and_the_earlier_of_equals() {
    let mut pool = Mempool::new(WIDE);
    // Rates: 1/2, 1, 1, 2, and two whose quotients are equal as 64-bit floating-point numbers.
    let exact = |fee| transfer(5, 0, fee, 300);
    let close = [exact((1 << 60) + 1), transfer(6, 0, 1 << 60, 300)];
    let rest = [transfer(1, 0, 200, 400), transfer(2, 0, 300, 300), transfer(3, 0, 200, 200), transfer(4, 0, 600, 300)];
    for transaction in rest.iter().chain(close.iter().rev()) {
        assert_eq!(pool.take(transaction.clone()), Ok(vec![]));
    }
    let expected = [&close[0], &close[1], &rest[3], &rest[1], &rest[2], &rest[0]];
    assert_eq!(ids(pool.best()), ids(expected));
    assert_eq!(pool.bytes(), 1800);
}

#[test]
fn the_nonces_of_a_sender_come_in_order_whatever_they_pay() {
    let mut pool = Mempool::new(WIDE);
    let chain = [transfer(1, 0, 1, 300), transfer(1, 1, 900, 300), transfer(1, 5, 800, 300)];
    let other = transfer(2, 0, 500, 300);
    for transaction in [&chain[2], &other, &chain[1], &chain[0]] {
        pool.take(transaction.clone()).unwrap();
    }
    assert_eq!(ids(pool.best_of_all()), ids([&other, &chain[0], &chain[1], &chain[2]]));
    assert!(pool.has_predecessor(&chain[2]));
    assert!(!pool.has_predecessor(&chain[0]));
}

#[test]
fn anchors_and_transfers_of_a_sender_share_its_nonces() {
    let mut pool = Mempool::new(WIDE);
    let chain = [anchor(1, 0, 1), transfer(1, 1, 900, 300), anchor(1, 2, 800)];
    for transaction in chain.iter().rev() {
        pool.take(transaction.clone()).unwrap();
    }
    assert_eq!(ids(pool.best()), ids(&chain));
    assert_eq!(pool.take(chain[0].clone()), Err("already waiting"), "the same bytes again");
    assert!(pool.take(transfer(1, 2, 800, 300)).is_err(), "the nonce is claimed and this pays no more");
    let dearer = transfer(1, 2, 801, 300);
    assert_eq!(pool.take(dearer.clone()), Ok(vec![chain[2].clone()]));
    assert_eq!(ids(&pool.remove_included(&block(vec![anchor(1, 1, 7)]), &[true], &Chain::default())), ids([&chain[1]]));
    assert_eq!(pool.remove(&chain[0].id(), &Chain::default()), Some(chain[0].clone()));
    assert_eq!(ids(pool.best_of_all()), ids([&dearer]));
}

#[test]
fn the_maker_of_an_output_comes_before_its_spender() {
    let mut pool = Mempool::new(WIDE);
    let left = spend(vec![coin(1)], 1, 10);
    let right = spend(vec![coin(2)], 1, 20);
    let child = spend(vec![output(&left, 0), output(&right, 0)], 1, 999);
    for transaction in [&child, &left, &right] {
        pool.take(transaction.clone()).unwrap();
    }
    assert_eq!(ids(pool.best()), ids([&right, &left, &child]));
}

#[test]
fn a_replacement_pays_strictly_more_and_a_strictly_higher_rate() {
    let mut pool = Mempool::new(WIDE);
    let first = transfer(1, 0, 300, 300);
    pool.take(first.clone()).unwrap();
    assert_eq!(pool.take(first.clone()), Err("already waiting"));
    assert!(pool.take(transfer(1, 0, 300, 250)).is_err(), "the same fee, a higher rate");
    assert!(pool.take(transfer(1, 0, 400, 400)).is_err(), "a higher fee, the same rate");
    let second = transfer(1, 0, 301, 300);
    assert_eq!(pool.take(second.clone()), Ok(vec![first]));
    assert_eq!(ids(pool.best()), ids([&second]));
}

#[test]
fn a_replacement_pays_for_all_that_it_replaces_and_takes_their_spenders_with_it() {
    let mut pool = Mempool::new(WIDE);
    let a = spend(vec![coin(1)], 1, 100);
    let b = spend(vec![coin(2)], 1, 100);
    let child = spend(vec![output(&a, 0)], 1, 50);
    for transaction in [&a, &b, &child] {
        pool.take(transaction.clone()).unwrap();
    }
    assert!(pool.take(spend(vec![coin(1), coin(2)], 1, 250)).is_err());
    let both = spend(vec![coin(1), coin(2)], 2, 251);
    assert_eq!(pool.take(both.clone()).unwrap().len(), 3);
    assert_eq!(ids(pool.best()), ids([&both]));
    let suicidal = spend(vec![coin(1), output(&both, 0)], 1, 9999);
    assert!(pool.take(suicidal).is_err(), "it spends what it would replace");
    assert_eq!(ids(pool.best()), ids([&both]));
}

#[test]
fn a_full_pool_evicts_its_worst_and_refuses_what_is_worse() {
    let mut pool = Mempool::new(Capacity { bytes: 900, transactions: 3 });
    let kept = transfer(1, 0, 300, 300);
    let worst = transfer(2, 0, 100, 300);
    let middle = transfer(3, 0, 200, 300);
    for transaction in [&kept, &worst, &middle] {
        pool.take(transaction.clone()).unwrap();
    }
    assert!(pool.take(transfer(4, 0, 100, 300)).is_err(), "a later arrival of the same rate is worse");
    assert_eq!(pool.take(transfer(4, 0, 101, 300)), Ok(vec![worst]));
    assert!(pool.take(transfer(5, 0, 9999, 901)).is_err(), "it does not fit into the empty pool");
    assert_eq!(pool.take(transfer(5, 0, 9999, 700)).unwrap().len(), 3, "it needs the room of all three");
    assert_eq!(pool.bytes(), 700);
}

#[test]
fn a_block_takes_out_what_it_includes_and_what_that_rules_out() {
    let mut pool = Mempool::new(WIDE);
    let included = spend(vec![coin(1)], 1, 100);
    let rival = spend(vec![coin(2)], 1, 100);
    let heir = spend(vec![output(&rival, 0)], 1, 100);
    let child = spend(vec![output(&included, 0)], 1, 100);
    let same_nonce = transfer(1, 0, 100, 300);
    for transaction in [&included, &rival, &heir, &child, &same_nonce] {
        pool.take(transaction.clone()).unwrap();
    }
    let coinbase = Transaction::coinbase(AccountId(7), Height(1), 5);
    assert_eq!(pool.take(coinbase.clone()), Err("a coinbase does not wait"));
    let other = spend(vec![coin(2)], 2, 1);
    let included_block = block(vec![coinbase, included, other, transfer(1, 0, 1, 300)]);
    let mut dropped = ids(&pool.remove_included(&included_block, &[true; 4], &Chain::default()));
    let mut expected = ids([&rival, &heir, &same_nonce]);
    dropped.sort();
    expected.sort();
    assert_eq!(dropped, expected);
    assert_eq!(ids(pool.best()), ids([&child]));
}

#[test]
fn what_stands_behind_a_gap_comes_last_and_is_executable_once_the_gap_is_closed() {
    let mut pool = Mempool::new(WIDE);
    let (first, second, fourth) = (transfer(1, 0, 1, 300), transfer(1, 1, 1, 300), transfer(1, 3, 900, 300));
    for transaction in [&fourth, &first, &second] {
        pool.take(transaction.clone()).unwrap();
    }
    assert_eq!(ids(pool.best()), ids([&first, &second]));
    assert_eq!(ids(pool.best_of_all()), ids([&first, &second, &fourth]));
    let third = transfer(1, 2, 1, 300);
    pool.take(third.clone()).unwrap();
    assert_eq!(ids(pool.best()), ids([&first, &second, &third, &fourth]));
    // Without its predecessor on the chain or in the pool, what follows is queued again.
    pool.remove(&second.id(), &Chain::default());
    assert_eq!(ids(pool.best()), ids([&first]));
    // The predecessors came in a block that this node had not seen.
    let mut chain = Chain::default();
    let missed = block(vec![first.clone(), second]);
    let executed: Vec<bool> = missed.transactions().iter().map(|t| chain.execute(t)).collect();
    pool.remove_included(&missed, &executed, &chain);
    assert_eq!(ids(pool.best()), ids([&third, &fourth]));
    assert_eq!(pool.insert(first, &chain), Err("nonce already used"));
}

#[test]
fn what_closes_a_gap_enters_a_full_pool_and_the_highest_nonce_behind_it_leaves() {
    let mut pool = Mempool::new(Capacity { bytes: 900, transactions: 3 });
    let behind: Vec<_> = (1..4).map(|nonce| transfer(1, nonce, 900, 300)).collect();
    for transaction in &behind {
        pool.take(transaction.clone()).unwrap();
    }
    assert_eq!(ids(pool.best()), []);
    let closing = transfer(1, 0, 1, 300);
    assert_eq!(pool.take(closing.clone()), Ok(vec![behind[2].clone()]), "though it pays less");
    assert_eq!(ids(pool.best()), ids([&closing, &behind[0], &behind[1]]));
}

#[test]
fn an_executable_payment_takes_the_place_of_a_queued_one_and_never_the_other_way_round() {
    let mut pool = Mempool::new(Capacity { bytes: 900, transactions: 3 });
    let queued = [transfer(1, 5, 900, 300), transfer(2, 5, 800, 300), transfer(2, 6, 850, 300)];
    for transaction in &queued {
        pool.take(transaction.clone()).unwrap();
    }
    assert_eq!(pool.take(transfer(3, 0, 1, 300)), Ok(vec![queued[2].clone()]), "the worst queued gives up its highest");
    assert_eq!(pool.take(transfer(4, 0, 1, 300)), Ok(vec![queued[1].clone()]));
    assert_eq!(pool.take(transfer(5, 0, 1, 300)), Ok(vec![queued[0].clone()]));
    assert!(pool.take(transfer(1, 5, 9999, 300)).is_err(), "it cannot be executed, and they can");
    assert!(pool.take(transfer(6, 0, 1, 300)).is_err(), "a later arrival of the same rate is worse");
}

#[test]
fn a_sender_gives_up_its_highest_nonce_so_that_nothing_stays_behind_a_hole() {
    let mut pool = Mempool::new(Capacity { bytes: 900, transactions: 3 });
    let chain = [transfer(1, 0, 10, 300), transfer(1, 1, 900, 300), transfer(1, 2, 800, 300)];
    for transaction in &chain {
        pool.take(transaction.clone()).unwrap();
    }
    // The cheapest is nonce 0, and all others of its sender need it.
    let other = transfer(2, 0, 20, 300);
    assert_eq!(pool.take(other.clone()), Ok(vec![chain[2].clone()]));
    assert_eq!(ids(pool.best()), ids([&other, &chain[0], &chain[1]]));
    // What a newcomer needs itself does not go for it.
    assert!(pool.take(transfer(1, 2, 15, 300)).is_err(), "only its own predecessors pay less");
}

#[test]
fn the_spender_of_an_unknown_output_is_queued_until_its_maker_comes() {
    let maker = spend(vec![coin(1)], 1, 10);
    let child = spend(vec![output(&maker, 0)], 1, 999);
    let chain = Chain::without([&maker, &child]);
    let mut pool = Mempool::new(Capacity { bytes: 800, transactions: 2 });
    pool.insert(child.clone(), &chain).unwrap();
    assert_eq!(ids(pool.best()), []);
    pool.insert(maker.clone(), &chain).unwrap();
    assert_eq!(ids(pool.best()), ids([&maker, &child]));
    pool.remove(&maker.id(), &chain);
    assert_eq!(ids(pool.best_of_all()), ids([&child]));
    let others = [spend(vec![coin(2)], 1, 1), spend(vec![coin(3)], 1, 1)];
    assert_eq!(pool.insert(others[0].clone(), &chain), Ok(vec![]));
    assert_eq!(pool.insert(others[1].clone(), &chain), Ok(vec![child]), "an orphan gives way to what can be executed");
}

#[test]
fn what_blocks_cut_off_gave_back_is_executable_again_and_so_is_what_follows_it() {
    let (mut pool, mut chain) = (Mempool::new(WIDE), Chain::default());
    let payments: Vec<_> = (0..3).map(|nonce| transfer(1, nonce, 10, 300)).collect();
    pool.take(payments[1].clone()).unwrap();
    let before = chain.clone();
    assert!(chain.execute(&payments[0]));
    pool.remove_included(&block(vec![payments[0].clone()]), &[true], &chain);
    assert_eq!(ids(pool.best()), ids([&payments[1]]));
    pool.take_back(vec![payments[0].clone()], |_| false, &before);
    assert_eq!(ids(pool.best()), [], "it was not wanted, and what follows it waits");
    pool.take_back(vec![payments[0].clone()], |_| true, &before);
    assert_eq!(ids(pool.best()), ids(&payments[..2]));
}

/// The definition of the pool, without any thought of speed.
struct Naive {
    capacity: Capacity,
    /// In order of arrival.
    waiting: Vec<Arc<Transaction>>,
    chain: Chain,
}

impl Naive {
    fn claims(transaction: &Transaction) -> Vec<(Option<OutPoint>, (AccountId, u64))> {
        match &transaction.body {
            Body::Spend { inputs, .. } => inputs.iter().map(|i| (Some(*i), (AccountId(0), 0))).collect(),
            _ => vec![(None, (transaction.sender, transaction.nonce))],
        }
    }
    fn conflicts(a: &Transaction, b: &Transaction) -> bool {
        Naive::claims(a).iter().any(|claim| Naive::claims(b).contains(claim))
    }
    fn spends(child: &Transaction, parent: &Transaction) -> bool {
        let (Body::Spend { inputs, .. }, Body::Spend { outputs, .. }) = (&child.body, &parent.body) else {
            return false;
        };
        inputs.iter().any(|i| i.transaction == parent.id() && (i.index as usize) < outputs.len())
    }
    fn follows(later: &Transaction, earlier: &Transaction) -> bool {
        let transfers = [later, earlier].iter().all(|t| matches!(t.body, Body::Transfer { .. }));
        let nonces = transfers && later.sender == earlier.sender && earlier.nonce < later.nonce;
        nonces || Naive::spends(later, earlier)
    }
    fn is_better(a: &Transaction, b: &Transaction) -> bool {
        u128::from(a.fee) * b.bytes() as u128 > u128::from(b.fee) * a.bytes() as u128
    }
    fn close(&self, leaving: &mut Vec<Arc<Transaction>>) {
        while let Some(child) =
            self.waiting.iter().find(|t| !leaving.contains(t) && leaving.iter().any(|parent| Naive::spends(t, parent)))
        {
            leaving.push(child.clone());
        }
    }
    /// The worst first.
    fn ranked(&self) -> Vec<Arc<Transaction>> {
        let mut ranked = self.waiting.clone();
        ranked.sort_by(|a, b| Naive::is_better(b, a).cmp(&Naive::is_better(a, b)));
        ranked
    }
    fn is_executable(&self, one: &Transaction) -> bool {
        let waits = |maker: &Arc<Transaction>| self.is_executable(maker);
        if let Body::Spend { inputs, .. } = &one.body {
            return inputs.iter().all(|input| {
                let makes = |t: &&Arc<Transaction>| {
                    let outputs = if let Body::Spend { outputs, .. } = &t.body { outputs.len() } else { 0 };
                    t.id() == input.transaction && (input.index as usize) < outputs
                };
                self.chain.has_made(input) || self.waiting.iter().find(makes).is_some_and(waits)
            });
        }
        let before =
            |t: &&Arc<Transaction>| t.is_ordered_by_nonce() && t.sender == one.sender && t.nonce + 1 == one.nonce;
        one.nonce == self.chain.next_nonce(one.sender) || self.waiting.iter().find(before).is_some_and(waits)
    }
    /// What is evicted: a sender's highest nonce, or an output's maker and all its spenders.
    fn evict(&self, victim: &Arc<Transaction>, leaving: &mut Vec<Arc<Transaction>>) {
        let of_sender = |t: &&Arc<Transaction>| t.is_ordered_by_nonce() && t.sender == victim.sender;
        let staying = self.waiting.iter().filter(|t| !leaving.contains(t)).filter(of_sender);
        let highest = staying.max_by_key(|t| t.nonce).filter(|_| victim.is_ordered_by_nonce());
        leaving.push(highest.unwrap_or(victim).clone());
        self.close(leaving);
    }
    fn insert(&mut self, new: Arc<Transaction>) -> Option<Vec<Arc<Transaction>>> {
        let is_stale = new.is_ordered_by_nonce() && new.nonce < self.chain.next_nonce(new.sender);
        if self.waiting.contains(&new) || is_stale {
            return None;
        }
        let mut leaving: Vec<_> = self.waiting.iter().filter(|t| Naive::conflicts(t, &new)).cloned().collect();
        self.close(&mut leaving);
        let fees: u64 = leaving.iter().map(|t| t.fee).sum();
        if !leaving.is_empty() && new.fee <= fees || leaving.iter().any(|t| !Naive::is_better(&new, t)) {
            return None;
        }
        let is_executable = self.is_executable(&new);
        loop {
            let staying = || self.waiting.iter().filter(|t| !leaving.contains(t));
            let bytes: usize = staying().map(|t| t.bytes()).sum::<usize>() + new.bytes();
            if bytes as u64 <= self.capacity.bytes && staying().count() < self.capacity.transactions as usize {
                break;
            }
            let ordered = |t: &Transaction| new.is_ordered_by_nonce() && t.is_ordered_by_nonce();
            let own = |t: &Transaction| ordered(t) && t.sender == new.sender;
            let ranked: Vec<_> = self.ranked().into_iter().filter(|t| !leaving.contains(t)).collect();
            let worst = |executable| {
                let mut kind = ranked.iter().filter(|t| self.is_executable(t) == executable);
                kind.rfind(|t| !own(t) || t.nonce > new.nonce)
            };
            let above = ranked.iter().any(|t| own(t) && t.nonce > new.nonce);
            let victim = match worst(false) {
                Some(victim) if is_executable => victim,
                _ if above => ranked.iter().find(|t| own(t) && t.nonce > new.nonce)?,
                _ => worst(is_executable).filter(|worst| Naive::is_better(&new, worst))?,
            };
            self.evict(victim, &mut leaving);
        }
        if leaving.iter().any(|t| Naive::spends(&new, t)) {
            return None;
        }
        self.waiting.retain(|t| !leaving.contains(t));
        self.waiting.push(new);
        Some(leaving)
    }
    fn include(&mut self, included: &[Arc<Transaction>], executed: &[bool]) -> Vec<Arc<Transaction>> {
        let mut dropped = Vec::new();
        for (one, executed) in included.iter().zip(executed) {
            let waits = self.waiting.contains(one);
            self.waiting.retain(|t| t != one);
            if !waits && *executed {
                let mut leaving: Vec<_> = self.waiting.iter().filter(|t| Naive::conflicts(t, one)).cloned().collect();
                self.close(&mut leaving);
                self.waiting.retain(|t| !leaving.contains(t));
                dropped.extend(leaving);
            }
        }
        dropped
    }
    fn best(&self) -> Vec<Arc<Transaction>> {
        let (executable, queued): (Vec<_>, Vec<_>) = self.ranked().into_iter().partition(|t| self.is_executable(t));
        let mut best = Vec::new();
        for mut left in [executable, queued] {
            while !left.is_empty() {
                let free = left.iter().position(|t| !left.iter().any(|earlier| Naive::follows(t, earlier)));
                best.push(left.remove(free.expect("no cycles")));
            }
        }
        best
    }
}

fn random_transaction(random: &mut Stream, made: &[Arc<Transaction>]) -> Arc<Transaction> {
    let (fee, bytes) = (1 + random.below(40), 200 + random.index(200));
    if random.chance(0.5) {
        return transfer(random.below(3) as u32, random.below(6), fee, bytes);
    }
    let input = |random: &mut Stream| match made.len() {
        0 => coin(0),
        n if random.chance(0.6) => output(&made[n - 1 - random.index(n.min(6))], random.below(2) as u32),
        _ => coin(random.below(12) as u8),
    };
    let inputs = (0..=random.index(2)).map(|_| input(random)).collect();
    spend(inputs, 2, fee)
}

fn sorted(transactions: &[Arc<Transaction>]) -> Vec<Hash> {
    let mut ids = ids(transactions);
    ids.sort();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn the_pool_does_what_its_definition_says(seed: u64, transactions in 1u32..24, bytes in 600u64..8000) {
        let mut random = Stream::new(seed, "mempool", 0, 0);
        let capacity = Capacity { bytes, transactions };
        let mut pool = Mempool::new(capacity);
        let mut naive = Naive { capacity, waiting: Vec::new(), chain: Chain::default() };
        let (mut made, mut blocks) = (Vec::new(), Vec::new());
        for _ in 0..60 {
            match random.below(12) {
                0 if !made.is_empty() => {
                    let one: &Arc<Transaction> = &made[random.index(made.len())];
                    let waits = naive.waiting.contains(one);
                    naive.waiting.retain(|t| t != one);
                    prop_assert_eq!(pool.remove(&one.id(), &naive.chain).is_some(), waits);
                }
                1 | 2 if !made.is_empty() => {
                    let mut some: Vec<_> = (0..3).map(|_| made[random.index(made.len())].clone()).collect();
                    some.extend(pool.best().take(2).cloned());
                    some.dedup();
                    blocks.push((naive.chain.clone(), some.clone()));
                    let executed: Vec<bool> = some.iter().map(|t| naive.chain.execute(t)).collect();
                    let dropped = pool.remove_included(&block(some.clone()), &executed, &naive.chain);
                    prop_assert_eq!(sorted(&dropped), sorted(&naive.include(&some, &executed)));
                }
                3 if !blocks.is_empty() => {
                    let (before, cut) = blocks.pop().unwrap();
                    naive.chain = Chain { makers: naive.chain.makers.clone(), ..before };
                    for one in cut.iter().filter(|t| t.fee % 4 > 0) {
                        naive.insert(one.clone());
                    }
                    pool.take_back(cut, |t| t.fee % 4 > 0, &naive.chain);
                }
                _ => {
                    let new = random_transaction(&mut random, &made);
                    naive.chain.makers.insert(new.id());
                    made.push(new.clone());
                    let left = pool.insert(new.clone(), &naive.chain).ok();
                    prop_assert_eq!(left.map(|l| sorted(&l)), naive.insert(new).map(|l| sorted(&l)));
                }
            }
            prop_assert_eq!(ids(pool.best_of_all()), ids(&naive.best()));
            let executable = naive.best().into_iter().filter(|t| naive.is_executable(t)).collect::<Vec<_>>();
            prop_assert_eq!(ids(pool.best()), ids(&executable));
            prop_assert_eq!(pool.len(), naive.waiting.len());
            prop_assert_eq!(pool.bytes(), naive.waiting.iter().map(|t| t.bytes() as u64).sum::<u64>());
            prop_assert!(naive.waiting.iter().all(|t| pool.contains(&t.id())));
            prop_assert_eq!(pool.executable.len() + pool.queued.len(), pool.len());
            let ordered = naive.waiting.iter().filter(|t| t.is_ordered_by_nonce());
            let senders: BTreeSet<AccountId> = ordered.map(|t| t.sender).collect();
            prop_assert_eq!(pool.by_nonce.senders(), senders.len());
            prop_assert!(pool.by_input.len() <= 2 * pool.len());
        }
    }
}
