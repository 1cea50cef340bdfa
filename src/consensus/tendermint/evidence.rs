//! Proofs of double votes: kept until a block holds them, and never longer than they count.

use super::vote::{Phase, ROUND_BYTES, Vote};
use crate::base::wire::{NODE_BYTES, NUMBER_BYTES};
use crate::base::{Duration, Height, Keyring, NodeId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Proofs kept, at most.
const MOST: usize = 256;
/// Proofs in one block, at most: fewer bytes than the megabyte that CometBFT allows.
pub(super) const IN_BLOCK_MAX: usize = 64;

/// The subject of a proof: the validator that voted twice, the height, the round and the phase.
pub type Slot = (NodeId, Height, u32, Phase);

/// Two votes of one validator for one height, round and phase.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DuplicateVote {
    /// The vote that came first.
    pub one: Vote,
    /// The vote that contradicts it.
    pub other: Vote,
}

impl DuplicateVote {
    /// Bytes on the wire and in a block.
    pub const BYTES: usize = 2 * Vote::BYTES;
    /// Bytes of what it is about.
    pub const SLOT_BYTES: usize = NODE_BYTES + NUMBER_BYTES + ROUND_BYTES + 1;
    /// Whether it proves something.
    #[must_use]
    pub fn is_genuine(&self, keys: &Keyring) -> bool {
        let slot = |vote: &Vote| (vote.voter, vote.height, vote.round, vote.phase);
        slot(&self.one) == slot(&self.other)
            && self.one.id != self.other.id
            && self.one.is_genuine(keys)
            && self.other.is_genuine(keys)
    }
    /// What it is about.
    #[must_use]
    pub fn slot(&self) -> Slot {
        (self.one.voter, self.one.height, self.one.round, self.one.phase)
    }
}

/// Whether a proof no longer counts: older than both limits (CometBFT: 100 000 blocks and 48 h).
#[must_use]
pub fn is_expired(blocks: u64, age: Duration, limit: (u64, Duration)) -> bool {
    blocks > limit.0 && age > limit.1
}

/// The proofs that a validator knows. Each is committed once.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    /// `None`: a block holds it.
    proofs: BTreeMap<Slot, Option<Arc<DuplicateVote>>>,
}

impl Pool {
    /// Keeps a proof; false if it is known or there is no room.
    pub fn add(&mut self, proof: &Arc<DuplicateVote>) -> bool {
        let is_new = !self.proofs.contains_key(&proof.slot()) && self.proofs.len() < MOST;
        if is_new {
            self.proofs.insert(proof.slot(), Some(proof.clone()));
        }
        is_new
    }
    /// A block holds a proof.
    pub fn commit(&mut self, slot: Slot) {
        self.proofs.insert(slot, None);
    }
    /// Whether a block holds it already.
    #[must_use]
    pub fn is_committed(&self, proof: &DuplicateVote) -> bool {
        self.proofs.get(&proof.slot()).is_some_and(Option::is_none)
    }
    /// Of what a block holds a proof.
    pub fn committed(&self) -> impl Iterator<Item = Slot> {
        self.proofs.iter().filter(|(_, proof)| proof.is_none()).map(|(slot, _)| *slot)
    }
    /// What no block holds yet.
    pub fn pending(&self) -> impl Iterator<Item = &Arc<DuplicateVote>> {
        self.proofs.values().flatten()
    }
    /// Forgets the proofs of heights that have `expired`.
    pub fn forget(&mut self, mut expired: impl FnMut(Height) -> bool) {
        self.proofs.retain(|slot, _| !expired(slot.1));
    }
}
