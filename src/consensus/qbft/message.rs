//! What validators say and write down.

use super::Round;
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Committee, Digest, Hash, Height, Keyring, NodeId, Signature, VoterSet, Wire, Work};
use crate::chain::Block;
use crate::protocol;
use crate::protocol::votes::{Checker, Signatures, is_quorum};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes of a vote: height, round, digest, sender, signature.
const VOTE_BYTES: usize = 2 * NUMBER_BYTES + HASH_BYTES + NODE_BYTES + SIGNATURE_BYTES;

/// What a vote is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// PREPARE; the PROPOSAL is signed as that of its proposer.
    Prepare,
    /// COMMIT: its signature is the seal that goes with the block.
    Commit,
}

/// What is signed by PROPOSAL, PREPARE and COMMIT.
#[must_use]
pub fn statement(phase: Phase, height: Height, round: Round, digest: &Hash) -> Hash {
    let name = match phase {
        Phase::Prepare => "qbft prepare",
        Phase::Commit => "qbft commit",
    };
    Digest::new(name).u64(height.0).u64(round).hash(digest).finish()
}

/// A prepared certificate: a quorum prepared a block in a round.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Prepared {
    /// The round.
    pub round: Round,
    /// The block.
    pub block: Arc<Block>,
    /// PREPAREs, that of the proposer included.
    pub prepares: Signatures,
}

impl Prepared {
    fn size(&self) -> usize {
        self.prepares.len() * VOTE_BYTES
    }
    fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        checker.all_hold(&statement(Phase::Prepare, self.block.height(), self.round, &self.block.id()), &self.prepares)
    }
    /// Whether the signers are enough distinct validators.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        is_quorum(VoterSet::default(), &self.prepares, committee)
    }
}

/// ROUND-CHANGE, as it stands in a justification: with what it claims, without the proof.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// Its sender.
    pub sender: NodeId,
    /// The round and digest of the newest certificate that its sender has.
    pub prepared: Option<(Round, Hash)>,
    /// Under height, new round, and these.
    pub signature: Signature,
}

impl Change {
    /// Height, round, prepared round, digest, sender, signature.
    pub const BYTES: usize = VOTE_BYTES + NUMBER_BYTES;

    /// What is signed.
    #[must_use]
    pub fn statement(height: Height, round: Round, prepared: Option<(Round, Hash)>) -> Hash {
        let digest = Digest::new("qbft round-change").u64(height.0).u64(round);
        match prepared {
            None => digest.finish(),
            Some((round, block)) => digest.u64(round).hash(&block).finish(),
        }
    }
}

/// A message of a validator that wants a new round.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoundChange {
    /// The height.
    pub height: Height,
    /// The new round.
    pub round: Round,
    /// What it claims, signed.
    pub change: Change,
    /// The proof (IBFT 1: none).
    pub certificate: Option<Arc<Prepared>>,
}

/// PROPOSAL (IBFT: PRE-PREPARE).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// The round.
    pub round: Round,
    /// The block.
    pub block: Arc<Block>,
    /// The proposer's PREPARE.
    pub signature: Signature,
    /// A quorum of ROUND-CHANGEs for this round; none in round 0.
    pub changes: Vec<Change>,
    /// Their newest certificate, if any has one.
    pub certificate: Option<Arc<Prepared>>,
    /// Further certificates of the ROUND-CHANGEs, which IBFT 2.0 repeats in full.
    pub others: Vec<Arc<Prepared>>,
}

/// A block with its seals: final.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sealed {
    /// The round in which it was committed.
    pub round: Round,
    /// The block.
    pub block: Arc<Block>,
    /// COMMITs of a quorum.
    pub seals: Signatures,
}

impl Sealed {
    /// Bytes on the wire.
    #[must_use]
    pub fn size(&self) -> usize {
        NUMBER_BYTES + self.block.bytes() + self.seals.len() * (NODE_BYTES + SIGNATURE_BYTES)
    }
    fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        checker.all_hold(&statement(Phase::Commit, self.block.height(), self.round, &self.block.id()), &self.seals)
            && self.block.header.merkle == self.block.batch.digest()
    }
    /// Whether the signers are enough distinct validators.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        is_quorum(VoterSet::default(), &self.seals, committee)
    }
}

/// What validators say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// The proposer proposes.
    Proposal(Arc<Proposal>),
    /// PREPARE or COMMIT.
    Vote {
        /// Which.
        phase: Phase,
        /// The height.
        height: Height,
        /// The round.
        round: Round,
        /// The block.
        digest: Hash,
        /// Under all of it.
        signature: Signature,
    },
    /// A validator wants a new round.
    RoundChange(Arc<RoundChange>),
    /// "What is final after this?"
    Ask {
        /// What is final at the sender.
        above: Height,
    },
    /// What is final, ascending; or the last final block alone, if seals of the next one are not kept.
    Blocks(Arc<Vec<Arc<Sealed>>>),
    /// "Send me what is final from this height down to that one."
    AskBelow {
        /// The highest that is missing.
        upto: Height,
        /// What is final at the sender.
        above: Height,
    },
    /// What was asked for, highest first: the seals of some descendant vouch for it.
    Below(Arc<Vec<Arc<Block>>>),
}

impl Message {
    /// The height that it speaks of, if it is about a height in work.
    #[must_use]
    pub fn height(&self) -> Option<Height> {
        match self {
            Message::Proposal(m) => Some(m.block.height()),
            Message::Vote { height, .. } => Some(*height),
            Message::RoundChange(m) => Some(m.height),
            _ => None,
        }
    }
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Proposal(m) => {
                let certificates = m.certificate.iter().chain(&m.others).map(|certificate| certificate.size());
                let justification = m.changes.len() * Change::BYTES + certificates.sum::<usize>();
                2 * NUMBER_BYTES + NODE_BYTES + SIGNATURE_BYTES + m.block.bytes() + justification
            }
            Message::Vote { .. } => VOTE_BYTES,
            Message::RoundChange(m) => {
                Change::BYTES + m.certificate.as_ref().map_or(0, |proof| proof.size() + proof.block.bytes())
            }
            Message::Ask { .. } => NUMBER_BYTES,
            Message::Blocks(blocks) => blocks.iter().map(|block| block.size()).sum(),
            Message::AskBelow { .. } => 2 * NUMBER_BYTES,
            Message::Below(blocks) => blocks.iter().map(|block| block.bytes()).sum(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Proposal(_) => "proposal",
            Message::Vote { phase: Phase::Prepare, .. } => "prepare",
            Message::Vote { phase: Phase::Commit, .. } => "commit",
            Message::RoundChange(_) => "round-change",
            Message::Ask { .. } => "ask",
            Message::Blocks(_) => "blocks",
            Message::AskBelow { .. } => "ask-below",
            Message::Below(_) => "below",
        }
    }
    fn check(&self) -> Work {
        let signatures = match self {
            Message::Proposal(m) => {
                let proofs = m.certificate.iter().chain(&m.others).map(|proof| proof.prepares.len());
                1 + m.changes.len() + proofs.sum::<usize>()
            }
            Message::Vote { .. } => 1,
            Message::RoundChange(m) => 1 + m.certificate.as_ref().map_or(0, |proof| proof.prepares.len()),
            Message::Ask { .. } | Message::AskBelow { .. } => 0,
            Message::Below(_) => return Work::hash(self.bytes() as u64),
            Message::Blocks(blocks) => blocks.iter().map(|block| block.seals.len()).sum(),
        };
        Work::verify(signatures as u32)
    }
}

impl protocol::Message for Message {
    /// Signatures only: turns, membership and numbers are for the handlers.
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool {
        let mut checker = Checker::new(keys);
        match self {
            Message::Proposal(m) => {
                let height = m.block.height();
                checker.holds(from, &statement(Phase::Prepare, height, m.round, &m.block.id()), &m.signature)
                    && m.changes.iter().all(|change| {
                        let said = Change::statement(height, m.round, change.prepared);
                        checker.holds(change.sender, &said, &change.signature)
                    })
                    && m.certificate.iter().chain(&m.others).all(|proof| proof.is_genuine(&mut checker))
                    && m.block.header.merkle == m.block.batch.digest()
            }
            Message::Vote { phase, height, round, digest, signature } => {
                checker.holds(from, &statement(*phase, *height, *round, digest), signature)
            }
            Message::RoundChange(m) => {
                let said = Change::statement(m.height, m.round, m.change.prepared);
                m.change.sender == from
                    && checker.holds(from, &said, &m.change.signature)
                    && m.certificate.as_ref().is_none_or(|proof| {
                        proof.is_genuine(&mut checker) && proof.block.header.merkle == proof.block.batch.digest()
                    })
            }
            Message::Ask { .. } | Message::AskBelow { .. } | Message::Below(_) => true,
            Message::Blocks(blocks) => blocks.iter().all(|block| block.is_genuine(&mut checker)),
        }
    }
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Message::Proposal(m) => Some(&m.block),
            _ => None,
        }
    }
}

/// What a validator writes: before it speaks, and when a block is final.
#[derive(Clone, Debug)]
pub struct Record {
    /// The height that it is about.
    pub height: Height,
    /// The round that it is in.
    pub round: Round,
    /// What it is about to say, or has.
    pub what: Said,
}

/// What a validator is about to say, or has.
#[derive(Clone, Debug)]
pub enum Said {
    /// It accepts this block: before PROPOSAL and PREPARE.
    Accepted(Arc<Block>),
    /// It prepared: before COMMIT.
    Prepared(Arc<Prepared>),
    /// It changed to this round: before ROUND-CHANGE.
    Changed,
    /// The seals of a final block, which make all before void.
    Sealed(Arc<Sealed>),
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        let what = match &self.what {
            Said::Accepted(block) => block.bytes(),
            Said::Prepared(proof) => HASH_BYTES + proof.size(),
            Said::Changed => 0,
            // The block is in the chain.
            Said::Sealed(sealed) => HASH_BYTES + sealed.size() - sealed.block.bytes(),
        };
        2 * NUMBER_BYTES + 1 + what
    }
    fn kind(&self) -> &'static str {
        match self.what {
            Said::Accepted(_) => "accepted",
            Said::Prepared(_) => "prepared",
            Said::Changed => "changed",
            Said::Sealed(_) => "sealed",
        }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        matches!(self.what, Said::Sealed(_))
    }
}
