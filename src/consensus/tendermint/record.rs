//! The write-ahead log: what a validator writes before the message that depends on it.

use super::evidence::{DuplicateVote, Slot};
use super::message::{Decided, Proposal, Value};
use super::vote::{Certificate, Vote};
use crate::base::Wire;
use crate::protocol;
use std::sync::Arc;

/// An entry of the write-ahead log.
#[derive(Clone, Debug)]
pub enum Record {
    /// Before PROPOSAL.
    Proposed(Proposal, Arc<Value>),
    /// Before PREVOTE and PRECOMMIT.
    Voted(Vote),
    /// validValue, the prevotes of validRound, and, if the flag is set, lockedValue and lockedRound: before PRECOMMIT. If all
    /// validators stop at once, no other copy of the prevotes is left, and without them no lock could be released.
    Valid(Arc<Value>, Arc<Certificate>, bool),
    /// The lock is gone (CometBFT's rule only).
    Unlocked,
    /// A height is over. Holds the block, for a crash may come before it is final, and of what blocks up to this one hold
    /// evidence: it is committed once, and older decisions are not in the log any more.
    Decided(Arc<Decided>, Vec<Slot>),
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match self {
            Record::Proposed(_, value) => Proposal::BYTES + value.bytes(),
            Record::Voted(_) => Vote::BYTES,
            Record::Valid(value, polka, _) => 1 + polka.bytes() + value.bytes(),
            Record::Unlocked => 1,
            Record::Decided(decided, slots) => decided.bytes() + slots.len() * DuplicateVote::SLOT_BYTES,
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Record::Proposed(..) => "proposed",
            Record::Voted(_) => "voted",
            Record::Valid(..) => "valid",
            Record::Unlocked => "unlocked",
            Record::Decided(..) => "decided",
        }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        matches!(self, Record::Decided(..))
    }
}
