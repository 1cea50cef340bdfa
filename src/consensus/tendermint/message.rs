//! The messages of validators, and what they carry. Sizes follow CometBFT's fields, with Ed25519 signatures.

use super::evidence::DuplicateVote;
use super::vote::{BLOCK_ID_BYTES, Certificate, Phase, ROUND_BYTES, Vote};
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Height, Keyring, NodeId, Signature, VoterSet, Wire, Work};
use crate::chain::{Block, Seal};
use crate::protocol;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is decided at a height: a block with the commit of its parent and the evidence that it holds.
#[derive(PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Value {
    /// The block; its seal covers the other two.
    pub block: Arc<Block>,
    /// The commit of the parent; none in the first block.
    pub last: Option<Arc<Certificate>>,
    /// Proofs of double votes.
    pub evidence: Vec<Arc<DuplicateVote>>,
}

impl Value {
    /// What the header commits to besides the transactions.
    #[must_use]
    pub fn seal(last: Option<&Arc<Certificate>>, evidence: &[Arc<DuplicateVote>]) -> Seal {
        let mut digest = Digest::new("tendermint fields");
        if let Some(last) = last {
            digest = digest.u64(last.height.0).u64(u64::from(last.round)).hash(&last.id);
            digest = last.signatures.iter().fold(digest, |d, (node, s)| d.u64(u64::from(node.0)).bytes(&s.0));
        }
        let proofs = evidence.iter().fold(digest, |d, e| {
            [&e.one, &e.other].into_iter().fold(d, |d, vote| d.hash(&vote.id).bytes(&vote.signature.0))
        });
        Seal::Fields(proofs.finish())
    }
    /// Bytes of everything.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let last = self.last.as_ref().map_or(0, |last| last.bytes());
        self.block.bytes() + HASH_BYTES + last + self.evidence.len() * DuplicateVote::BYTES
    }
    /// Number of parts of at most `size` bytes.
    #[must_use]
    pub fn parts(&self, size: u64) -> u32 {
        /// More than any value has. What peers claim of sizes may be anything, 0 too.
        const MOST: u64 = 1 << 31;
        (self.bytes() as u64).div_ceil(size.max(1)).clamp(1, MOST) as u32
    }
}

/// PROPOSAL(h, r, v, vr), with the name of the value; the value follows in parts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// For which height.
    pub height: Height,
    /// In which round.
    pub round: u32,
    /// The proposer's validRound: none for a fresh block (-1 in the paper).
    pub valid_round: Option<u32>,
    /// The block.
    pub id: Hash,
    /// Number of its parts.
    pub parts: u32,
    /// By the proposer of the round.
    pub signature: Signature,
}

impl Proposal {
    /// Type, height, round, validRound, block name, time, signature.
    pub const BYTES: usize = 1 + 2 * NUMBER_BYTES + 2 * ROUND_BYTES + BLOCK_ID_BYTES + SIGNATURE_BYTES;
    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> Hash {
        let valid_round = self.valid_round.map_or(0, |round| u64::from(round) + 1);
        let digest = Digest::new("tendermint proposal").u64(self.height.0).u64(u64::from(self.round)).u64(valid_round);
        digest.hash(&self.id).u64(u64::from(self.parts)).finish()
    }
}

/// One part of a value. It holds the whole behind a pointer, and weighs what the part weighs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    /// In which round.
    pub round: u32,
    /// Which part.
    pub index: u32,
    /// Bytes of a full part.
    pub size: u64,
    /// What it is part of.
    pub value: Arc<Value>,
}

impl Part {
    fn bytes(&self) -> usize {
        let before = u64::from(self.index).saturating_mul(self.size);
        let chunk = (self.value.bytes() as u64).saturating_sub(before).min(self.size) as usize;
        let depth = self.value.parts(self.size).next_power_of_two().trailing_zeros() as usize;
        NUMBER_BYTES + 2 * ROUND_BYTES + depth * HASH_BYTES + chunk
    }
}

/// How far a validator is, and what it has of its round, as bit arrays.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its height.
    pub height: Height,
    /// Its round.
    pub round: u32,
    /// Whether it has the proposal.
    pub proposal: bool,
    /// Which parts it has.
    pub parts: Vec<bool>,
    /// Whose prevotes it has.
    pub prevotes: VoterSet,
    /// Whose precommits it has.
    pub precommits: VoterSet,
    /// Validators, for the size of the bit arrays.
    pub members: u32,
    /// The one peer that is asked for votes of others, and for parts and blocks.
    pub helper: NodeId,
}

/// A decided value with its commit.
#[derive(PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Decided {
    /// The value.
    pub value: Arc<Value>,
    /// A quorum of precommits for it.
    pub commit: Arc<Certificate>,
}

impl Decided {
    /// Bytes of everything.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.value.bytes() + self.commit.bytes()
    }
}

/// The messages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// A round's proposer names a value. Shared by [`Arc`] with all receivers.
    Proposal(Arc<(NodeId, Proposal)>),
    /// A part of the value.
    Part(Arc<Part>),
    /// A prevote or precommit, by its voter or passed on.
    Vote(Arc<Vote>),
    /// The polka of a round: what `VoteSetMaj23` brings about, a quorum even if some of its voters voted twice.
    Polka(Arc<Certificate>),
    /// How far the sender is.
    Status(Arc<Status>),
    /// Decided values, ascending, for a peer that lacks them.
    Decided(Arc<Vec<Arc<Decided>>>),
    /// "Send me what is final from this height down to that one."
    Ask {
        /// The highest that is missing.
        upto: Height,
        /// What is final at the sender.
        above: Height,
    },
    /// What was asked for, highest first: a commit of some descendant vouches for it.
    Blocks(Arc<Vec<Arc<Block>>>),
    /// A proof that a validator voted twice.
    Evidence(Arc<DuplicateVote>),
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Proposal(_) => Proposal::BYTES,
            Message::Part(part) => part.bytes(),
            Message::Vote(_) => Vote::BYTES,
            Message::Polka(polka) => polka.bytes(),
            Message::Status(m) => {
                let bits = 2 * (m.members as usize).div_ceil(8) + m.parts.len().div_ceil(8);
                NUMBER_BYTES + ROUND_BYTES + 1 + NODE_BYTES + bits
            }
            Message::Decided(m) => m.iter().map(|decided| decided.bytes()).sum(),
            Message::Ask { .. } => 2 * NUMBER_BYTES,
            Message::Blocks(blocks) => blocks.iter().map(|block| block.bytes()).sum(),
            Message::Evidence(_) => DuplicateVote::BYTES,
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Proposal(_) => "proposal",
            Message::Part(_) => "block part",
            Message::Vote(vote) if vote.phase == Phase::Prevote => "prevote",
            Message::Vote(_) => "precommit",
            Message::Polka(_) => "polka",
            Message::Status(_) => "status",
            Message::Decided(_) => "decided",
            Message::Ask { .. } => "ask",
            Message::Blocks(_) => "blocks",
            Message::Evidence(_) => "evidence",
        }
    }
    fn check(&self) -> Work {
        match self {
            Message::Proposal(_) | Message::Vote(_) => Work::VERIFY,
            Message::Part(part) => Work::hash(part.bytes() as u64),
            Message::Polka(polka) => polka.price(),
            Message::Status(_) | Message::Ask { .. } => Work::NONE,
            Message::Blocks(_) => Work::hash(self.bytes() as u64),
            Message::Decided(m) => m.iter().fold(Work::NONE, |sum, decided| sum + decided.commit.price()),
            Message::Evidence(_) => Work::verify(2),
        }
    }
}

impl protocol::Message for Message {
    /// Signatures only: votes and proposals may be passed on by others. Parts are judged by the name of their value.
    fn verify(&self, _from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Proposal(m) => keys.verify(m.0.0, &m.1.statement(), &m.1.signature),
            Message::Part(part) => part.size > 0 && part.index < part.value.parts(part.size),
            Message::Vote(vote) => vote.is_genuine(keys),
            Message::Polka(polka) => polka.phase == Phase::Prevote && polka.is_genuine(keys),
            Message::Status(_) | Message::Ask { .. } | Message::Blocks(_) => true,
            Message::Decided(m) => {
                m.iter().all(|decided| decided.commit.phase == Phase::Precommit && decided.commit.is_genuine(keys))
            }
            Message::Evidence(proof) => proof.is_genuine(keys),
        }
    }
}
