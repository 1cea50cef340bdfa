//! What signers say, sign and write down.

use super::frost::{self, COMMITMENTS_BYTES, Chosen, SHARE_BYTES, SignatureShare, SigningCommitments};
use crate::base::key::{PUBLIC_KEY_BYTES, SIGNATURE_BYTES};
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Committee, Digest, Hash, Height, Keyring, NodeId, Signature, VoterSet, Wire, Work};
use crate::chain::Block;
use crate::protocol::votes::{Signatures, is_quorum};
use crate::protocol::{self, Record as Recorded};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most blocks in one answer.
pub const CHUNK: usize = 32;
/// Most names in a question.
pub const LOCATOR_MAX: usize = 80;

/// What a vote says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// "I would sign it."
    PreCommit,
    /// The signature.
    Sign,
}

/// A signer's vote for a block in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// The slot in which the block was proposed, perhaps again.
    pub slot: u64,
    /// The block's height.
    pub height: Height,
    /// The block.
    pub block: Hash,
    /// Of [`statement`].
    pub signature: Signature,
}

/// What a signer, or the group, puts its name to.
#[must_use]
pub fn statement(phase: Phase, slot: u64, height: Height, block: &Hash) -> Hash {
    let domain = match phase {
        Phase::PreCommit => "threshold pre-commit",
        Phase::Sign => "threshold sign",
    };
    Digest::new(domain).u64(slot).u64(height.0).hash(block).finish()
}

/// The pre-commits of `k` signers for one block in one slot: what justifies to sign it, and to propose it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProposalHeader {
    /// The slot.
    pub slot: u64,
    /// The height.
    pub height: Height,
    /// The block.
    pub block: Hash,
    /// Of the pre-commits.
    pub signatures: Signatures,
}

impl ProposalHeader {
    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        2 * NUMBER_BYTES + HASH_BYTES + self.signatures.len() * (NODE_BYTES + SIGNATURE_BYTES)
    }
    fn holds(&self, keys: &Keyring) -> bool {
        let statement = statement(Phase::PreCommit, self.slot, self.height, &self.block);
        self.signatures.iter().all(|(node, signature)| keys.verify(node.0, &statement, signature))
    }
    /// Whether these are `k` distinct signers.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        is_quorum(VoterSet::default(), &self.signatures, committee)
    }
}

/// A block proposed in a slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// The slot, whose creator signed this.
    pub slot: u64,
    /// The block; of an earlier slot if it is proposed again.
    pub block: Arc<Block>,
    /// Under the locked rule, why it is proposed again.
    pub justification: Option<Arc<ProposalHeader>>,
    /// The creator's.
    pub signature: Signature,
}

impl Proposal {
    /// What its creator signs.
    #[must_use]
    pub fn statement(slot: u64, block: &Hash) -> Hash {
        Digest::new("threshold propose").u64(slot).hash(block).finish()
    }
}

/// A block proposed again, by its name: most signers have it from the slot in which it was proposed first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Again {
    /// The slot, whose creator signed this.
    pub slot: u64,
    /// The block's height.
    pub height: Height,
    /// The block.
    pub block: Hash,
    /// Under the locked rule, why it is proposed again.
    pub justification: Option<Arc<ProposalHeader>>,
    /// The creator's, of [`Proposal::statement`].
    pub signature: Signature,
}

/// What proves that `k` signers signed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Witness {
    /// Their signatures, with the script that lists all keys.
    Multi {
        /// Of `k` distinct signers.
        signatures: Signatures,
        /// How many keys the script lists: `l`.
        signers: u32,
    },
    /// One signature of the group.
    Group(Signature),
}

/// A block with its witness: valid regardless of its sender.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Signed {
    /// The block.
    pub block: Arc<Block>,
    /// The slot in which it was signed.
    pub slot: u64,
    /// The proof.
    pub witness: Witness,
}

impl Signed {
    /// Bytes on the wire: block, slot and proof.
    #[must_use]
    pub fn bytes(&self) -> usize {
        /// The opcodes that say `k`, `l` and "check".
        const SCRIPT_BYTES: usize = 3;
        let proof = match &self.witness {
            Witness::Multi { signatures, signers } => {
                signatures.len() * SIGNATURE_BYTES + *signers as usize * PUBLIC_KEY_BYTES + SCRIPT_BYTES
            }
            Witness::Group(_) => SIGNATURE_BYTES,
        };
        self.block.bytes() + NUMBER_BYTES + proof
    }
    fn price(&self) -> u32 {
        match &self.witness {
            Witness::Multi { signatures, .. } => signatures.len() as u32,
            Witness::Group(_) => 1,
        }
    }
    fn holds(&self, keys: &Keyring) -> bool {
        let statement = statement(Phase::Sign, self.slot, self.block.height(), &self.block.id());
        match &self.witness {
            Witness::Multi { signatures, .. } => {
                signatures.iter().all(|(node, signature)| keys.verify(node.0, &statement, signature))
            }
            Witness::Group(signature) => frost::is_genuine(keys, &statement, signature),
        }
    }
}

/// What signers say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// PROPOSE: the creator's block.
    Propose(Arc<Proposal>),
    /// PROPOSE of a block that was proposed before.
    Again(Arc<Again>),
    /// The answer of who lacks the block that was proposed again in this slot.
    Want(u64, Hash),
    /// PRECOMMIT, under FROST with the commitments of round one, or SIGN.
    Vote(Phase, Vote, Option<Arc<SigningCommitments>>),
    /// READY, of the creator under star collection: `k` would sign; under FROST, who shall, and their commitments.
    Ready(Arc<ProposalHeader>, Arc<Chosen>),
    /// SIGN under FROST: a share of the group's signature.
    Share {
        /// The slot.
        slot: u64,
        /// The height.
        height: Height,
        /// The share, which proves whose it is.
        share: Arc<SignatureShare>,
    },
    /// SYNC request: "what follows the first of these that you have?"
    Ask(Arc<[Hash]>),
    /// BLOCK from its creator, or SYNC response: signed blocks in ascending order, and whether more follow.
    Blocks(Arc<[Arc<Signed>]>, bool),
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        const VOTE_BYTES: usize = 2 * NUMBER_BYTES + HASH_BYTES + NODE_BYTES + SIGNATURE_BYTES;
        match self {
            Message::Propose(proposal) => {
                let justification = proposal.justification.as_ref().map_or(0, |announced| announced.bytes());
                NUMBER_BYTES + proposal.block.bytes() + SIGNATURE_BYTES + justification
            }
            Message::Again(again) => {
                let justification = again.justification.as_ref().map_or(0, |announced| announced.bytes());
                2 * NUMBER_BYTES + HASH_BYTES + SIGNATURE_BYTES + justification
            }
            Message::Want(..) => NUMBER_BYTES + HASH_BYTES,
            Message::Vote(_, _, commitments) => VOTE_BYTES + commitments.iter().len() * COMMITMENTS_BYTES,
            Message::Ready(announced, chosen) => announced.bytes() + chosen.len() * COMMITMENTS_BYTES,
            Message::Share { .. } => 2 * NUMBER_BYTES + NODE_BYTES + SHARE_BYTES,
            Message::Ask(locator) => NUMBER_BYTES + HASH_BYTES * locator.len(),
            // The flag is a bit of the number of blocks.
            Message::Blocks(blocks, _) => NUMBER_BYTES + blocks.iter().map(|signed| signed.bytes()).sum::<usize>(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Propose(_) => "propose",
            Message::Again(_) => "propose-again",
            Message::Want(..) => "want",
            Message::Vote(Phase::PreCommit, ..) => "pre-commit",
            Message::Vote(Phase::Sign, ..) => "sign",
            Message::Ready(..) => "ready",
            Message::Share { .. } => "share",
            Message::Ask(_) => "ask",
            Message::Blocks(..) => "block",
        }
    }
    fn check(&self) -> Work {
        Work::verify(match self {
            Message::Propose(proposal) => 1 + proposal.justification.as_ref().map_or(0, |a| a.signatures.len() as u32),
            Message::Again(again) => 1 + again.justification.as_ref().map_or(0, |a| a.signatures.len() as u32),
            Message::Vote(..) => 1,
            Message::Ready(announced, _) => announced.signatures.len() as u32,
            Message::Blocks(blocks, _) => blocks.iter().map(|block| block.price()).sum(),
            // A share is checked by the coordinator, with the others.
            Message::Share { .. } | Message::Ask(_) | Message::Want(..) => 0,
        })
    }
}

impl protocol::Message for Message {
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Propose(proposal) => {
                let said = Proposal::statement(proposal.slot, &proposal.block.id());
                let justified = proposal.justification.as_ref().is_none_or(|announced| announced.holds(keys));
                justified && keys.verify(from.0, &said, &proposal.signature)
            }
            Message::Again(again) => {
                let said = Proposal::statement(again.slot, &again.block);
                let justified = again.justification.as_ref().is_none_or(|announced| announced.holds(keys));
                justified && keys.verify(from.0, &said, &again.signature)
            }
            Message::Vote(phase, vote, _) => {
                keys.verify(from.0, &statement(*phase, vote.slot, vote.height, &vote.block), &vote.signature)
            }
            Message::Ready(announced, _) => announced.holds(keys),
            Message::Share { .. } | Message::Want(..) => true,
            Message::Ask(locator) => locator.len() <= LOCATOR_MAX,
            Message::Blocks(blocks, _) => blocks.len() <= CHUNK && blocks.iter().all(|block| block.holds(keys)),
        }
    }
    /// A proposal is no block yet: those of wasted slots would count as stale.
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Message::Blocks(blocks, _) => blocks.last().filter(|_| blocks.len() == 1).map(|signed| &signed.block),
            _ => None,
        }
    }
}

/// What was signed last, and why: the signer's memory, which a hardware module would keep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Memory {
    /// The slot in which it was signed.
    pub slot: u64,
    /// The block.
    pub block: Arc<Block>,
    /// The pre-commits that it followed.
    pub justification: Option<Arc<ProposalHeader>>,
}

/// An entry of the log: what was signed, before the signature leaves; a block that was accepted, before it is final;
/// or both whole, instead of everything before.
#[derive(Clone, Debug)]
pub struct Record {
    /// The memory, if it changed.
    pub memory: Option<Arc<Memory>>,
    /// Signed blocks, each after its parent.
    pub blocks: Arc<[Arc<Signed>]>,
    /// Whether this is everything.
    pub is_whole: bool,
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        let memory = self.memory.as_ref().map_or(0, |memory| {
            let announced = memory.justification.as_ref().map_or(0, |announced| announced.bytes());
            NUMBER_BYTES + memory.block.bytes() + announced
        });
        // Blocks stay where they were written; the whole is a new index of them.
        let block = |signed: &Arc<Signed>| if self.is_whole { HASH_BYTES } else { signed.bytes() };
        memory + self.blocks.iter().map(block).sum::<usize>()
    }
    fn kind(&self) -> &'static str {
        match (self.is_whole, &self.memory) {
            (true, _) => "image",
            (false, Some(_)) => "memory",
            (false, None) => "block",
        }
    }
}

impl Recorded for Record {
    fn is_checkpoint(&self) -> bool {
        self.is_whole
    }
}
