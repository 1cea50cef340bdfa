//! What the nodes of Proof of Vote say to each other.

use super::Vote as Node;
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Committee, Digest, Hash, Height, Keyring, NodeId, Signature, Time, VoterSet, Wire, Work};
use crate::chain::{Block, Seal};
use crate::protocol::{self, Context};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The choices of a commissioner at an election.
pub type Ballot = Option<Arc<[NodeId]>>;

/// A commissioner's signature under a block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// The height.
    pub height: Height,
    /// The round.
    pub round: u64,
    /// The block.
    pub block: Hash,
    /// In the last block before an election: the candidates that the commissioner votes for.
    pub ballot: Ballot,
    /// Over all of this.
    pub signature: Signature,
}

impl Vote {
    /// What a commissioner signs.
    #[must_use]
    pub fn statement(height: Height, round: u64, block: &Hash, ballot: &Ballot) -> Hash {
        let digest = Digest::new("vote vote").u64(height.0).u64(round).hash(block);
        let choices = ballot.iter().flat_map(|choices| choices.iter());
        choices.fold(digest, |digest, node| digest.u64(u64::from(node.0))).finish()
    }
    pub(super) fn bytes(&self) -> usize {
        let choices = self.ballot.as_ref().map_or(0, |ballot| ballot.len());
        2 * NUMBER_BYTES + HASH_BYTES + NODE_BYTES + SIGNATURE_BYTES + choices * NODE_BYTES
    }
}

/// One vote of a certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertificateVote {
    /// Who votes.
    pub commissioner: NodeId,
    /// The candidates that it votes for.
    pub ballot: Ballot,
    /// Its signature.
    pub signature: Signature,
}

/// The votes that make a block final.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// The height.
    pub height: Height,
    /// The round in which it was voted on.
    pub round: u64,
    /// The block.
    pub block: Hash,
    /// The votes.
    pub votes: Vec<CertificateVote>,
}

impl Certificate {
    /// Everything in it; what the next turn is drawn from.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let digest = Digest::new("vote certificate").u64(self.height.0).u64(self.round).hash(&self.block);
        self.votes.iter().fold(digest, |digest, vote| digest.bytes(&vote.signature.0)).finish()
    }
    /// Whether distinct commissioners form a quorum. That the signatures are genuine was checked before.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        let mut tally = VoterSet::default();
        self.votes.iter().all(|vote| committee.weight(vote.commissioner) > 0)
            && self.votes.iter().all(|vote| tally.add(vote.commissioner, committee))
            && tally.is_quorum(committee)
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        self.votes.iter().all(|vote| {
            let said = Vote::statement(self.height, self.round, &self.block, &vote.ballot);
            keys.verify(vote.commissioner.0, &said, &vote.signature)
        })
    }
    pub(super) fn bytes(&self) -> usize {
        let choices: usize = self.votes.iter().flat_map(|vote| &vote.ballot).map(|ballot| ballot.len()).sum();
        2 * NUMBER_BYTES + HASH_BYTES + self.votes.len() * (NODE_BYTES + SIGNATURE_BYTES) + choices * NODE_BYTES
    }
}

/// What a header says beyond any header; its seal commits to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fields {
    /// The round in which the block was made.
    pub round: u64,
    /// The certificate of the parent; none above genesis.
    pub parent: Option<Arc<Certificate>>,
}

impl Fields {
    /// The seal of a header with these fields.
    #[must_use]
    pub fn seal(&self) -> Seal {
        let parent = self.parent.as_ref().map_or(Hash::ZERO, |certificate| certificate.digest());
        Seal::Fields(Digest::new("vote fields").u64(self.round).hash(&parent).finish())
    }
    fn bytes(&self) -> usize {
        NUMBER_BYTES + self.parent.as_ref().map_or(0, |certificate| certificate.bytes())
    }
    fn signatures(&self) -> usize {
        self.parent.as_ref().map_or(0, |certificate| certificate.votes.len())
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        self.parent.as_ref().is_none_or(|certificate| certificate.is_genuine(keys))
    }
}

/// A block that a butler proposed in a round.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// The round.
    pub round: u64,
    /// The block, made in this round or in an earlier one.
    pub block: Arc<Block>,
    /// The rest of its header.
    pub fields: Fields,
    /// Who proposed it. The round says it too, so that it costs nothing on the wire.
    pub butler: NodeId,
    /// The butler's.
    pub signature: Signature,
}

impl Claim {
    /// What a butler signs.
    #[must_use]
    pub fn statement(height: Height, round: u64, block: &Hash) -> Hash {
        Digest::new("vote proposal").u64(height.0).u64(round).hash(block).finish()
    }
    /// A claim signed by this node.
    pub(super) fn signed(round: u64, block: Arc<Block>, fields: Fields, ctx: &mut Context<'_, Node>) -> Arc<Claim> {
        let signature = ctx.sign(&Claim::statement(block.height(), round, &block.id()));
        Arc::new(Claim { round, block, fields, butler: ctx.me(), signature })
    }
    /// Whether round and block are the same.
    pub(super) fn is_same(&self, other: &Claim) -> bool {
        (self.round, self.block.id()) == (other.round, other.block.id())
    }
    pub(super) fn bytes(&self) -> usize {
        NUMBER_BYTES + self.block.bytes() + self.fields.bytes() + SIGNATURE_BYTES
    }
    fn signatures(&self) -> usize {
        1 + self.fields.signatures()
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        let said = Claim::statement(self.block.height(), self.round, &self.block.id());
        keys.verify(self.butler.0, &said, &self.signature) && self.fields.is_genuine(keys)
    }
}

/// A claim by its name: who has the block from the proposal needs no copy, who has not asks for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Brief {
    /// The round.
    pub round: u64,
    /// The block.
    pub block: Hash,
    /// Who proposed it in that round; as in a claim.
    pub butler: NodeId,
    /// The butler's, of [`Claim::statement`].
    pub signature: Signature,
}

impl Brief {
    const BYTES: usize = NUMBER_BYTES + HASH_BYTES + SIGNATURE_BYTES;

    /// The name of a claim.
    #[must_use]
    pub fn of(claim: &Claim) -> Brief {
        Brief { round: claim.round, block: claim.block.id(), butler: claim.butler, signature: claim.signature }
    }
    /// Round and name.
    pub(super) fn is_same(&self, other: &Brief) -> bool {
        (self.round, self.block) == (other.round, other.block)
    }
    /// The claim, given another one of the same block.
    pub(super) fn with(&self, known: &Claim) -> Arc<Claim> {
        let (round, butler, signature) = (self.round, self.butler, self.signature);
        Arc::new(Claim { round, block: known.block.clone(), fields: known.fields.clone(), butler, signature })
    }
    fn is_genuine(&self, height: Height, keys: &Keyring) -> bool {
        keys.verify(self.butler.0, &Claim::statement(height, self.round, &self.block), &self.signature)
    }
}

/// A commissioner abandons a round: it will vote in no round below `round` any more, and reports its last vote.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The height.
    pub height: Height,
    /// The round that begins.
    pub round: u64,
    /// What it voted for last at this height.
    pub claim: Option<Brief>,
    /// Who says so.
    pub commissioner: NodeId,
    /// Over all of this.
    pub signature: Signature,
}

impl Report {
    /// Bytes beside what was voted for.
    const BYTES: usize = 2 * NUMBER_BYTES + NODE_BYTES + SIGNATURE_BYTES;

    /// What a commissioner signs.
    #[must_use]
    pub fn statement(height: Height, round: u64, claim: Option<&Brief>) -> Hash {
        let digest = Digest::new("vote report").u64(height.0).u64(round);
        match claim {
            None => digest,
            Some(claim) => digest.u64(claim.round).hash(&claim.block),
        }
        .finish()
    }
    fn bytes(&self) -> usize {
        Report::BYTES + self.claim.as_ref().map_or(0, |_| Brief::BYTES)
    }
    fn signatures(&self) -> usize {
        1 + usize::from(self.claim.is_some())
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        let said = Report::statement(self.height, self.round, self.claim.as_ref());
        keys.verify(self.commissioner.0, &said, &self.signature)
            && self.claim.as_ref().is_none_or(|claim| claim.is_genuine(self.height, keys))
    }
}

/// What the duty butler of a round sends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// Its block.
    pub claim: Arc<Claim>,
    /// Why it may be proposed, in rounds above 0 (hardened).
    pub reports: Vec<Arc<Report>>,
}

impl Proposal {
    pub(super) fn bytes(&self) -> usize {
        self.claim.bytes() + self.reports.iter().map(|report| report.bytes()).sum::<usize>()
    }
    fn signatures(&self) -> usize {
        self.claim.signatures() + self.reports.iter().map(|report| report.signatures()).sum::<usize>()
    }
}

/// A block that was proposed in an earlier round is proposed again, by its name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Again {
    /// The height.
    pub height: Height,
    /// The block, as this butler claims it.
    pub brief: Brief,
    /// Why it may be proposed.
    pub reports: Vec<Arc<Report>>,
}

impl Again {
    fn bytes(&self) -> usize {
        NUMBER_BYTES + Brief::BYTES + self.reports.iter().map(|report| report.bytes()).sum::<usize>()
    }
    fn signatures(&self) -> usize {
        1 + self.reports.iter().map(|report| report.signatures()).sum::<usize>()
    }
}

/// A final block.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ratified {
    /// The block.
    pub block: Arc<Block>,
    /// The rest of its header.
    pub fields: Fields,
    /// Its proof.
    pub certificate: Arc<Certificate>,
}

impl Ratified {
    pub(super) fn bytes(&self) -> usize {
        self.block.bytes() + self.proof_bytes()
    }
    /// Bytes beside the block.
    pub(super) fn proof_bytes(&self) -> usize {
        self.fields.bytes() + self.certificate.bytes()
    }
    fn signatures(&self) -> usize {
        self.fields.signatures() + self.certificate.votes.len()
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        self.fields.is_genuine(keys) && self.certificate.is_genuine(keys)
    }
}

/// What nodes say to each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// The duty butler to every commissioner.
    Propose(Arc<Proposal>),
    /// The duty butler to every commissioner, where the block was proposed before.
    Again(Arc<Again>),
    /// Asks for a block of the next height that was named.
    Want(Height, Hash),
    /// The answer.
    Claim(Arc<Claim>),
    /// A commissioner to the butler.
    Vote(Vote),
    /// The butler to every commissioner, who has the block.
    Certificate(Arc<Certificate>),
    /// The butler to all other nodes.
    Ratified(Arc<Ratified>),
    /// A commissioner to all nodes, at the cut-off.
    Report(Arc<Report>),
    /// Asks for the blocks above.
    Ask(Height),
    /// The answer, and the height of the last block of who answers.
    Blocks(Arc<Vec<Arc<Ratified>>>, Height),
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Propose(m) => m.bytes(),
            Message::Again(m) => m.bytes(),
            Message::Want(..) => NUMBER_BYTES + HASH_BYTES,
            Message::Claim(m) => m.bytes(),
            Message::Vote(m) => m.bytes(),
            Message::Certificate(m) => m.bytes(),
            Message::Ratified(m) => m.bytes(),
            Message::Report(m) => m.bytes(),
            Message::Ask(_) => NUMBER_BYTES,
            Message::Blocks(list, _) => NUMBER_BYTES + list.iter().map(|m| m.bytes()).sum::<usize>(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Propose(_) => "proposal",
            Message::Again(_) => "proposal-again",
            Message::Want(..) => "want",
            Message::Claim(_) => "claim",
            Message::Vote(_) => "vote",
            Message::Certificate(_) => "certificate",
            Message::Ratified(_) => "ratified",
            Message::Report(_) => "report",
            Message::Ask(_) => "ask",
            Message::Blocks(..) => "blocks",
        }
    }
    fn check(&self) -> Work {
        Work::verify(match self {
            Message::Propose(m) => m.signatures(),
            Message::Again(m) => m.signatures(),
            Message::Claim(m) => m.signatures(),
            Message::Vote(_) => 1,
            Message::Certificate(m) => m.votes.len(),
            Message::Ratified(m) => m.signatures(),
            Message::Report(m) => m.signatures(),
            Message::Ask(_) | Message::Want(..) => 0,
            Message::Blocks(list, _) => list.iter().map(|m| m.signatures()).sum(),
        } as u32)
    }
}

impl protocol::Message for Message {
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Propose(m) => {
                m.claim.butler == from
                    && m.claim.is_genuine(keys)
                    && m.reports.iter().all(|report| report.is_genuine(keys))
            }
            Message::Again(m) => {
                m.brief.butler == from
                    && m.brief.is_genuine(m.height, keys)
                    && m.reports.iter().all(|report| report.is_genuine(keys))
            }
            Message::Claim(m) => m.is_genuine(keys),
            Message::Vote(m) => {
                keys.verify(from.0, &Vote::statement(m.height, m.round, &m.block, &m.ballot), &m.signature)
            }
            Message::Certificate(m) => m.is_genuine(keys),
            Message::Ratified(m) => m.is_genuine(keys),
            Message::Report(m) => m.commissioner == from && m.is_genuine(keys),
            Message::Ask(_) | Message::Want(..) => true,
            Message::Blocks(list, _) => list.iter().all(|m| m.is_genuine(keys)),
        }
    }
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Message::Propose(m) => Some(&m.claim.block),
            Message::Ratified(m) => Some(&m.block),
            _ => None,
        }
    }
}

/// Signs a vote.
pub(super) fn sign_vote(
    (height, round): (Height, u64),
    block: Hash,
    ballot: Ballot,
    ctx: &mut Context<'_, Node>,
) -> Vote {
    let signature = ctx.sign(&Vote::statement(height, round, &block, &ballot));
    Vote { height, round, block, ballot, signature }
}

/// The place in the duty list that a certificate and the time of its block appoint.
pub(super) fn place(certificate: Option<&Certificate>, time: Time, butlers: usize) -> u64 {
    let said = certificate.map_or(Hash::ZERO, Certificate::digest);
    Digest::new("vote turn").hash(&said).u64(time.as_nanos()).finish().short() % butlers as u64
}
