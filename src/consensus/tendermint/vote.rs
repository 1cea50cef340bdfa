//! Votes, and the certificate that a quorum of equal votes makes. Sizes follow CometBFT's fields.

use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Committee, Digest, Hash, Height, Keyring, NodeId, Signature, VoterSet, Work};
use crate::protocol::votes::{Checker, Signatures, is_quorum};
use serde::{Deserialize, Serialize};

/// Bytes of a round.
pub const ROUND_BYTES: usize = 4;
/// The name of nothing: a vote for nil.
pub const NIL: Hash = Hash::ZERO;

/// PREVOTE or PRECOMMIT.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// The first vote of a round.
    Prevote,
    /// The second.
    Precommit,
}

/// One validator's signed vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// Which of the two.
    pub phase: Phase,
    /// For which height.
    pub height: Height,
    /// In which round.
    pub round: u32,
    /// For which block, or [`NIL`].
    pub id: Hash,
    /// Whose.
    pub voter: NodeId,
    /// By the voter.
    pub signature: Signature,
}

impl Vote {
    /// Type 1, height, round, block name, time, voter, signature. A block is named by its header and its part set.
    pub const BYTES: usize = 1 + 2 * NUMBER_BYTES + ROUND_BYTES + BLOCK_ID_BYTES + NODE_BYTES + SIGNATURE_BYTES;
    /// What is signed.
    #[must_use]
    pub fn statement(phase: Phase, height: Height, round: u32, id: &Hash) -> Hash {
        let domain = if phase == Phase::Prevote { "tendermint prevote" } else { "tendermint precommit" };
        Digest::new(domain).u64(height.0).u64(u64::from(round)).hash(id).finish()
    }
    /// Whether the signature is its voter's.
    pub(super) fn is_genuine(&self, keys: &Keyring) -> bool {
        let said = Vote::statement(self.phase, self.height, self.round, &self.id);
        keys.verify(self.voter.0, &said, &self.signature)
    }
}

/// Bytes of a block's name: header hash, and number and root of its parts.
pub const BLOCK_ID_BYTES: usize = 2 * HASH_BYTES + 4;

/// A quorum of votes for one block in one round: a commit if they are precommits, a polka if prevotes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// Of which votes.
    pub phase: Phase,
    /// For which height.
    pub height: Height,
    /// In which round.
    pub round: u32,
    /// For which block.
    pub id: Hash,
    /// The votes.
    pub signatures: Signatures,
}

impl Certificate {
    /// Bytes of one signature in a commit: flag, address, time, signature.
    pub const SIGNATURE_BYTES: usize = 1 + 20 + NUMBER_BYTES + 1 + SIGNATURE_BYTES;
    /// Bytes on the wire and in the next block.
    #[must_use]
    pub fn bytes(&self) -> usize {
        NUMBER_BYTES + ROUND_BYTES + BLOCK_ID_BYTES + self.signatures.len() * Certificate::SIGNATURE_BYTES
    }
    /// Whether all signatures are genuine.
    #[must_use]
    pub fn is_genuine(&self, keys: &Keyring) -> bool {
        let said = Vote::statement(self.phase, self.height, self.round, &self.id);
        Checker::new(keys).all_hold(&said, &self.signatures)
    }
    /// Whether its signers are distinct validators and a quorum.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        is_quorum(VoterSet::default(), &self.signatures, committee)
    }
    /// The cost of checking the signatures.
    pub(super) fn price(&self) -> Work {
        Work::verify(self.signatures.len() as u32)
    }
}
