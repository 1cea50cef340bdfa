//! Validity: the chains of honest nodes contain only transactions that a client submitted, signature included, and the
//! coinbases of their blocks; and along one chain, each is executed at most once.
//!
//! A block is checked when the first honest node appends it. Only the chain that leads to the block must not have executed
//! a transaction before, so two branches of a fork may both execute it.

use super::safety;
use crate::base::{Hash, Time};
use crate::chain::{Block, BlockIndex, BlockTree, Body, Transaction};
use crate::observe::{Observed, Observer, Violation};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// See the head of this file.
pub struct Validity {
    honest: Vec<bool>,
    /// The blocks that were on the chain of an honest node.
    tree: BlockTree,
    submitted: FxHashMap<Hash, Submitted>,
    /// Where a transaction was executed besides its last place: few, on the branches of forks.
    elsewhere: FxHashMap<Hash, Vec<BlockIndex>>,
}

struct Submitted {
    transaction: Arc<Transaction>,
    /// The block that executed it last; genesis, which executes nothing, for none.
    executed: BlockIndex,
}

impl Validity {
    /// For every node whether it follows the protocol.
    #[must_use]
    pub fn new(honest: Vec<bool>) -> Validity {
        Validity { honest, tree: BlockTree::new(), submitted: FxHashMap::default(), elsewhere: FxHashMap::default() }
    }
    fn check(&mut self, block: &Arc<Block>, executed: &[bool]) -> Result<(), String> {
        assert_eq!(executed.len(), block.transactions().len(), "each transaction of {block:?} has a result");
        if self.tree.find(&block.id()).is_some() {
            return Ok(());
        }
        let Some(index) = self.tree.insert(block) else {
            return Err(format!("no chain leads to its parent {} below height {}", block.parent(), block.height()));
        };
        let mut first = Ok(());
        for (position, (transaction, &executed)) in block.transactions().iter().zip(executed).enumerate() {
            let checked = match transaction.body {
                Body::Coinbase { height, .. } => check_coinbase(block, position, height.0),
                _ => self.check_transaction(index, transaction, executed),
            };
            first = first.and(checked);
        }
        first
    }
    fn check_transaction(&mut self, at: BlockIndex, found: &Arc<Transaction>, executed: bool) -> Result<(), String> {
        let id = found.id();
        let Some(submitted) = self.submitted.get_mut(&id) else {
            return Err(format!("no client submitted its transaction {id}"));
        };
        if !Arc::ptr_eq(&submitted.transaction, found) && submitted.transaction != *found {
            return Err(format!("its transaction {id} differs from the one submitted"));
        }
        if !executed {
            return Ok(());
        }
        let last = std::mem::replace(&mut submitted.executed, at);
        if last == BlockIndex::GENESIS {
            return Ok(());
        }
        let places = self.elsewhere.entry(id).or_default();
        places.push(last);
        match places.iter().find(|&&place| self.tree.is_ancestor(place, at)) {
            None => Ok(()),
            Some(&place) => {
                let before = self.tree.block(place);
                Err(format!(
                    "its transaction {id} was executed before on the same chain, in block {} at height {}",
                    before.id(),
                    before.height()
                ))
            }
        }
    }
}

fn check_coinbase(block: &Block, position: usize, height: u64) -> Result<(), String> {
    if position != 0 {
        return Err(format!("it has a coinbase at position {position}"));
    }
    if height != block.height().0 {
        return Err(format!("its coinbase is that of height {height}"));
    }
    Ok(())
}

impl Observer for Validity {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        let (node, block, found) = match *observed {
            Observed::Submitted { transaction, .. } => {
                let submitted = || Submitted { transaction: transaction.clone(), executed: BlockIndex::GENESIS };
                self.submitted.entry(transaction.id()).or_insert_with(submitted);
                return Ok(());
            }
            Observed::Extended { node, block, executed, .. } if self.honest[node.index()] => {
                (node, block, self.check(block, executed))
            }
            Observed::Installed { node, block, .. } if self.honest[node.index()] => {
                let known = self.tree.find(&block.id()).is_some();
                let found = if known { Ok(()) } else { Err("no honest node had it on its chain".to_owned()) };
                (node, block, found)
            }
            _ => return Ok(()),
        };
        found.or_else(|wrong| {
            safety("validity", now, format!("{node} has block {} at height {}: {wrong}", block.id(), block.height()))
        })
    }
}
