//! L3: state machines that a chain drives. One file or folder each.
//!
//! A [`Ledger`] is one state that moves along a chain, forward by [`Ledger::begin`], [`Ledger::execute`] and
//! [`Ledger::finish`], and back by [`Ledger::undo`].
//! The process holds one and moves it to wherever a question is asked; what a block does is computed once and charged
//! to every node.

pub mod account;
pub mod root;
pub mod utxo;

use crate::base::{AccountId, Hash, Height, Keyring, NodeId};
use crate::chain::{Amount, OutPoint, Transaction};
use std::fmt;
use std::sync::Arc;

/// Why a transaction cannot be executed on a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejection(pub &'static str);

/// The rule that a state breaks: what was expected and what was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken(pub String);

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A state machine. Signatures are checked before, by the caller.
pub trait Ledger {
    /// Whether `transaction` can be executed on the present state: now, or once its predecessors are
    /// ([`Admission::Later`], a gap in an account's nonces).
    ///
    /// # Errors
    /// Why it never can on this state or any that follows from it without a reorganisation.
    fn admit(&self, transaction: &Transaction) -> Result<Admission, Rejection>;
    /// Starts the state of the next block and executes nothing yet.
    fn begin(&mut self, height: Height);
    /// Executes one transaction inside the block begun last, entirely or not at all.
    ///
    /// # Errors
    /// Why it has no effect.
    fn execute(&mut self, transaction: &Transaction) -> Result<(), Rejection>;
    /// Ends the block begun last. Checks what can be known only at its end: that its coinbase, which is executed
    /// first, claims no more than subsidy and fees. A block that is only tried need not be finished.
    ///
    /// # Errors
    /// Why the block is not valid as a whole; it is still there to be undone.
    fn finish(&mut self) -> Result<(), Rejection>;
    /// Takes back the whole block begun last, finished or not, exactly.
    fn undo(&mut self);
    /// Forgets how to undo all but the last `keep` blocks.
    fn forget(&mut self, keep: usize);
    /// The root of the state: equal states have equal roots whatever way led to them.
    fn root(&self) -> Hash;
    /// Bytes of the state, as a snapshot would carry it.
    fn state_bytes(&self) -> u64;
    /// The proposer's reward for a block at `height` with these fees, or `None` where proposers are not paid.
    fn coinbase(&self, proposer: NodeId, height: Height, fees: Amount) -> Option<Arc<Transaction>>;
    /// Whether this output existed at genesis, spent or not since. Never where there are no outputs.
    fn existed_at_genesis(&self, _output: &OutPoint) -> bool {
        false
    }
    /// Checks conservation: everything that exists was there at genesis or was minted by rule.
    ///
    /// # Errors
    /// What does not add up.
    fn audit(&self) -> Result<(), Broken>;
    /// Checks conservation of the block begun last alone: what its changes add up to. Finds what [`Ledger::audit`] finds,
    /// if the state before the block was in order and nothing changed that the block does not list.
    ///
    /// # Errors
    /// What does not add up.
    fn audit_block(&self) -> Result<(), Broken> {
        self.audit()
    }
    /// How many entries [`Ledger::audit`] visits. Where they are many, not every block is followed by it.
    fn audit_entries(&self) -> usize {
        0
    }
}

/// When a transaction can be executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// On the present state.
    Now,
    /// After transactions that are not executed yet.
    Later,
}

/// Makes the transactions of asset holders: knows nonces or unspent outputs.
pub trait Wallet {
    /// A signed payment of `amount` with `fee` that takes at least `bytes`; `None` if `from` has nothing to spend now.
    fn pay(
        &mut self,
        keys: &Keyring,
        from: AccountId,
        to: AccountId,
        amount: Amount,
        fee: Amount,
        bytes: usize,
    ) -> Option<Arc<Transaction>>;
    /// A transaction became final (`executed`), or never will: what it holds can be spent, or spent again. Transactions of
    /// any account may be reported. Those of accounts outside this wallet change only the balances of their receivers.
    fn settle(&mut self, transaction: &Transaction, executed: bool);
}
