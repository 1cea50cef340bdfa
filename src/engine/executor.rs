//! Execution of blocks, computed once and charged to every process.
//!
//! The simulator holds one ledger state and moves it along the tree of blocks to the block that is requested. Results are
//! cached per block. In check mode every request recomputes the result, which must equal the cached one.

use super::authentic::{AuthenticTransactions, BatchNumbers};
use crate::base::{AccountId, Hash, Keyring, NodeId};
use crate::chain::{Batch, BlockIndex, BlockTree, Limit, Mempool, OutPoint, Transaction};
use crate::ledger::{Admission, Broken, Ledger};
use crate::protocol::Invalid;
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// How many blocks can be undone before the state is rebuilt from genesis instead.
const UNDO_DEPTH: usize = 4_096;
/// The whole state is audited when the transactions executed since the last audit, times this, are as many as its entries:
/// an audit costs so many entries per transaction on average.
const AUDIT_SHARE: usize = 4;

/// What a block did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Executed {
    /// Per transaction: executed, or without effect.
    pub executed: Box<[bool]>,
    /// The root of the state after it.
    pub root: Hash,
    /// Bytes of the state after it.
    pub state_bytes: u64,
    /// Whether the block as a whole is valid: every transaction signed and executed.
    pub valid: Result<(), Invalid>,
    /// The violation of conservation in the state after it, if any.
    pub broken: Option<String>,
}

/// Moves one ledger along a tree.
pub struct Executor {
    make: Box<dyn Fn() -> Box<dyn Ledger>>,
    ledger: Box<dyn Ledger>,
    cursor: BlockIndex,
    /// Blocks that can be undone from the cursor.
    undoable: usize,
    results: Vec<Option<Arc<Executed>>>,
    authentic: AuthenticTransactions,
    accounts: Arc<Keyring>,
    recheck: bool,
    /// Transactions and blocks executed since the whole state was last audited.
    unaudited: usize,
}

impl Executor {
    /// An executor for the ledger that `make` makes, whose accounts sign with `accounts`.
    #[must_use]
    pub fn new(make: Box<dyn Fn() -> Box<dyn Ledger>>, accounts: Arc<Keyring>, recheck: bool) -> Executor {
        let ledger = make();
        let genesis = Executed {
            executed: Box::default(),
            root: ledger.root(),
            state_bytes: ledger.state_bytes(),
            valid: Ok(()),
            broken: ledger.audit().err().map(|broken| broken.0),
        };
        let results = vec![Some(Arc::new(genesis))];
        Executor {
            make,
            ledger,
            cursor: BlockIndex::GENESIS,
            undoable: 0,
            results,
            authentic: AuthenticTransactions::default(),
            accounts,
            recheck,
            unaudited: 0,
        }
    }
    /// What the block did; executes it and its ancestors, unless they were executed before.
    pub fn result(&mut self, tree: &BlockTree, index: BlockIndex) -> Arc<Executed> {
        let known = self.results.get(index.index()).cloned().flatten();
        match known {
            Some(known) if self.recheck && index != BlockIndex::GENESIS => {
                self.go(tree, tree.parent(index));
                let again = self.step(tree, index);
                assert_eq!(again, *known, "executing {:?} twice gives the same", tree.block(index));
                known
            }
            Some(known) => known,
            None => {
                self.go(tree, index);
                self.results[index.index()].clone().expect("executed just now")
            }
        }
    }
    /// Whether every transaction of a batch is signed by its sender.
    pub fn is_authentic(&mut self, batch: &Arc<Batch>) -> bool {
        if !self.recheck && self.authentic.batch(batch).is_some() {
            return true;
        }
        let unsigned = batch.transactions().iter().find(|t| !self.is_signed(t));
        unsigned.is_none()
    }
    /// Whether a transaction is signed by its sender. Only yes is remembered, and of which signature: a forger may reuse
    /// a name.
    fn is_signed(&mut self, transaction: &Transaction) -> bool {
        let is_known = self.number(transaction).is_some();
        if !self.recheck && is_known {
            return true;
        }
        let signed = transaction.is_signed(&self.accounts);
        if signed && !is_known {
            self.authentic.add(transaction);
        }
        signed
    }
    /// The number of a transaction whose signature was verified.
    #[must_use]
    pub fn number(&self, transaction: &Transaction) -> Option<u32> {
        self.authentic.number(transaction)
    }
    /// The numbers of a batch that is asked for again and again, if all its transactions were verified.
    pub(super) fn batch_numbers(&self, batch: &Batch) -> Option<&BatchNumbers> {
        self.authentic.batch(batch)
    }
    /// Keeps the numbers of a batch, if all its transactions were verified and they are not kept yet.
    pub(super) fn keep_batch(&mut self, batch: &Arc<Batch>) {
        if self.authentic.batch(batch).is_none() {
            self.authentic.keep_batch(batch);
        }
    }
    /// Whether an output existed before the first block.
    #[must_use]
    pub fn existed_at_genesis(&self, output: &OutPoint) -> bool {
        self.ledger.existed_at_genesis(output)
    }
    /// The keys of the accounts.
    #[must_use]
    pub fn accounts(&self) -> &Keyring {
        &self.accounts
    }
    /// Whether a mempool may take a transaction at all: signed, and no coinbase. Whether it can be executed is asked
    /// when a proposer chooses, on the state that it builds on.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&mut self, transaction: &Transaction) -> Result<(), &'static str> {
        match () {
            () if transaction.is_coinbase() => Err("a coinbase belongs to a block"),
            () if !self.is_signed(transaction) => Err("not signed by its sender"),
            () => Ok(()),
        }
    }
    /// The best transactions of `pool` that can be executed after `parent` and then `after`, within `limit`; and those
    /// that never can after `parent`. `paid` names the node that the coinbase pays, if there is to be one. `tip` is the block that
    /// the pool knows as the last.
    pub fn propose(
        &mut self,
        tree: &BlockTree,
        parent: BlockIndex,
        after: &[Arc<Batch>],
        (pool, tip): (&Mempool, BlockIndex),
        paid: Option<NodeId>,
        limit: Limit,
    ) -> (Arc<Batch>, Vec<(Arc<Transaction>, &'static str)>) {
        self.go(tree, parent);
        let height = tree.height(parent).next();
        self.ledger.begin(height);
        let earlier: FxHashSet<Hash> = after.iter().flat_map(|batch| batch.transactions()).map(|t| t.id()).collect();
        for transaction in after.iter().flat_map(|batch| batch.transactions()) {
            let _ = self.ledger.execute(transaction);
        }
        // A coinbase takes the same room whatever it pays.
        let coinbase = paid.map(|_| Transaction::coinbase(AccountId(0), height, 0).bytes() as u64);
        let mut room = limit.bytes.saturating_sub(coinbase.unwrap_or(0));
        let (mut chosen, mut refused, mut fees) = (Vec::new(), Vec::new(), 0);
        let is_settled = after.is_empty() && parent == tip;
        for transaction in if is_settled { pool.best() } else { pool.best_of_all() } {
            if chosen.len() as u32 >= limit.transactions || room == 0 {
                break;
            }
            if earlier.contains(&transaction.id()) || transaction.bytes() as u64 > room {
                continue;
            }
            match self.ledger.admit(transaction) {
                Ok(Admission::Now) if self.ledger.execute(transaction).is_ok() => {
                    room -= transaction.bytes() as u64;
                    fees += transaction.fee;
                    chosen.push(transaction.clone());
                }
                Ok(_) => {}
                Err(rejection) => refused.push((transaction.clone(), rejection.0)),
            }
        }
        self.ledger.undo();
        if let Some(coinbase) = paid.and_then(|proposer| self.ledger.coinbase(proposer, height, fees)) {
            chosen.insert(0, coinbase);
        }
        // Refused because of what is decided but not yet in a block: that is for the next block to say.
        let refused = if after.is_empty() { refused } else { Vec::new() };
        (Batch::new(chosen), refused)
    }

    /// Moves the ledger to the state after `target`.
    fn go(&mut self, tree: &BlockTree, target: BlockIndex) {
        if self.cursor == target {
            return;
        }
        let fork = tree.fork_point(self.cursor, target);
        let back = (tree.height(self.cursor).0 - tree.height(fork).0) as usize;
        if back > self.undoable {
            (self.ledger, self.cursor, self.undoable) = ((self.make)(), BlockIndex::GENESIS, 0);
            return self.go(tree, target);
        }
        (0..back).for_each(|_| self.ledger.undo());
        (self.cursor, self.undoable) = (fork, self.undoable - back);
        for index in tree.path(fork, target) {
            let result = self.step(tree, index);
            if self.results.len() <= index.index() {
                self.results.resize(tree.len(), None);
            }
            self.results[index.index()].get_or_insert_with(|| Arc::new(result));
        }
    }
    /// Executes the block `index` on the state of its parent, where the cursor stands.
    fn step(&mut self, tree: &BlockTree, index: BlockIndex) -> Executed {
        let block = tree.block(index);
        self.ledger.begin(block.height());
        let mut valid = Ok(());
        let mut executed = Vec::with_capacity(block.transactions().len());
        for transaction in block.transactions() {
            let outcome = if self.is_signed(transaction) {
                self.ledger.execute(transaction).map_err(|rejection| Invalid(rejection.0))
            } else {
                Err(Invalid("a transaction is not signed by its sender"))
            };
            executed.push(outcome.is_ok());
            valid = valid.and(outcome);
        }
        valid = valid.and(self.ledger.finish().map_err(|rejection| Invalid(rejection.0)));
        self.cursor = index;
        self.undoable += 1;
        if self.undoable >= 2 * UNDO_DEPTH {
            self.ledger.forget(UNDO_DEPTH);
            self.undoable = UNDO_DEPTH;
        }
        Executed {
            executed: executed.into(),
            root: self.ledger.root(),
            state_bytes: self.ledger.state_bytes(),
            valid,
            broken: self.audit(block.transactions().len()).err().map(|broken| broken.0),
        }
    }
    /// Audits the block executed last, and the whole state when as much was executed as that costs.
    fn audit(&mut self, transactions: usize) -> Result<(), Broken> {
        self.unaudited += transactions + 1;
        if !self.recheck && AUDIT_SHARE * self.unaudited < self.ledger.audit_entries() {
            return self.ledger.audit_block();
        }
        self.unaudited = 0;
        self.ledger.audit()
    }
}
