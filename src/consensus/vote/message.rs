//! What the nodes of Proof of Vote say to each other, and what they write before they say it.

use super::Vote as Node;
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Committee, Digest, Hash, Height, Keyring, NodeId, Signature, Tally, Time, Wire, Work};
use crate::chain::{Block, Seal};
use crate::protocol::{self, Context};
use std::sync::Arc;

/// The choices of a commissioner at an election.
pub type Ballot = Option<Arc<[NodeId]>>;

/// A commissioner's signature under a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vote {
    /// The height.
    pub height: Height,
    /// The round.
    pub round: u64,
    /// The block.
    pub block: Hash,
    /// In the last block before an election: whom it elects.
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
}

/// One vote of a certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Voice {
    /// Who votes.
    pub commissioner: NodeId,
    /// Whom it elects.
    pub ballot: Ballot,
    /// Its signature.
    pub signature: Signature,
}

/// The votes that make a block final.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// The height.
    pub height: Height,
    /// The round in which it was voted on.
    pub round: u64,
    /// The block.
    pub block: Hash,
    /// The votes.
    pub voices: Vec<Voice>,
}

impl Certificate {
    /// Everything in it; what the next turn is drawn from.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let digest = Digest::new("vote certificate").u64(self.height.0).u64(self.round).hash(&self.block);
        self.voices.iter().fold(digest, |digest, voice| digest.bytes(&voice.signature.0)).finish()
    }
    /// Whether distinct commissioners form a quorum. That the signatures are genuine was checked before.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        let mut tally = Tally::default();
        self.voices.iter().all(|voice| committee.weight(voice.commissioner) > 0)
            && self.voices.iter().all(|voice| tally.add(voice.commissioner, committee))
            && tally.is_quorum(committee)
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        self.voices.iter().all(|voice| {
            let said = Vote::statement(self.height, self.round, &self.block, &voice.ballot);
            keys.verify(voice.commissioner.0, &said, &voice.signature)
        })
    }
    fn bytes(&self) -> usize {
        let choices: usize = self.voices.iter().flat_map(|voice| &voice.ballot).map(|ballot| ballot.len()).sum();
        2 * NUMBER_BYTES + HASH_BYTES + self.voices.len() * (NODE_BYTES + SIGNATURE_BYTES) + choices * NODE_BYTES
    }
}

/// What a header says beyond any header; its seal commits to it.
#[derive(Clone, PartialEq, Eq, Debug)]
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
        self.parent.as_ref().map_or(0, |certificate| certificate.voices.len())
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        self.parent.as_ref().is_none_or(|certificate| certificate.is_genuine(keys))
    }
}

/// A block of a round, as a commissioner voted for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The round of the vote.
    pub round: u64,
    /// The block.
    pub block: Arc<Block>,
    /// The rest of its header.
    pub fields: Fields,
}

impl Claim {
    fn bytes(&self) -> usize {
        NUMBER_BYTES + self.block.bytes() + self.fields.bytes()
    }
}

/// A commissioner gives a round up: it will vote in none below `round` any more, and tells its last vote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The height.
    pub height: Height,
    /// The round that begins.
    pub round: u64,
    /// Its last vote at this height.
    pub claim: Option<Arc<Claim>>,
    /// Who says so.
    pub commissioner: NodeId,
    /// Over all of this.
    pub signature: Signature,
}

impl Report {
    /// Bytes where the block itself is left out.
    const BYTES: usize = 3 * NUMBER_BYTES + HASH_BYTES + NODE_BYTES + SIGNATURE_BYTES;

    /// What a commissioner signs.
    #[must_use]
    pub fn statement(height: Height, round: u64, claim: Option<&Claim>) -> Hash {
        let digest = Digest::new("vote report").u64(height.0).u64(round);
        claim
            .map_or(digest, |claim| {
                Digest::new("vote report").u64(height.0).u64(round).u64(claim.round).hash(&claim.block.id())
            })
            .finish()
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        let said = Report::statement(self.height, self.round, self.claim.as_deref());
        keys.verify(self.commissioner.0, &said, &self.signature)
    }
}

/// A butler's block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proposal {
    /// The block and the round in which it is proposed.
    pub claim: Arc<Claim>,
    /// Why it may be proposed, in rounds above 0 (hardened).
    pub reports: Vec<Arc<Report>>,
    /// The duty butler's.
    pub signature: Signature,
}

impl Proposal {
    /// What the butler signs.
    #[must_use]
    pub fn statement(claim: &Claim) -> Hash {
        let digest = Digest::new("vote proposal").u64(claim.block.height().0).u64(claim.round);
        digest.hash(&claim.block.id()).finish()
    }
}

/// A final block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ratified {
    /// The block.
    pub block: Arc<Block>,
    /// The rest of its header.
    pub fields: Fields,
    /// Its proof.
    pub certificate: Arc<Certificate>,
}

impl Ratified {
    /// Bytes beside the block.
    fn proof_bytes(&self) -> usize {
        self.fields.bytes() + self.certificate.bytes()
    }
    fn signatures(&self) -> usize {
        self.fields.signatures() + self.certificate.voices.len()
    }
    fn is_genuine(&self, keys: &Keyring) -> bool {
        self.fields.is_genuine(keys) && self.certificate.is_genuine(keys)
    }
}

/// What nodes say to each other.
#[derive(Clone, Debug)]
pub enum Message {
    /// The duty butler to every commissioner.
    Propose(Arc<Proposal>),
    /// A commissioner to the butler.
    Vote(Vote),
    /// The butler to every commissioner, who has the block.
    Certificate(Arc<Certificate>),
    /// The butler to everybody else.
    Ratified(Arc<Ratified>),
    /// A commissioner to everybody, at the cut-off.
    Report(Arc<Report>),
    /// Asks for the blocks above.
    Ask(Height),
    /// The answer.
    Blocks(Arc<Vec<Arc<Ratified>>>),
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Propose(m) => m.claim.bytes() + m.reports.len() * Report::BYTES + SIGNATURE_BYTES,
            Message::Vote(m) => {
                let choices = m.ballot.as_ref().map_or(0, |ballot| ballot.len());
                2 * NUMBER_BYTES + HASH_BYTES + NODE_BYTES + SIGNATURE_BYTES + choices * NODE_BYTES
            }
            Message::Certificate(m) => m.bytes(),
            Message::Ratified(m) => m.block.bytes() + m.proof_bytes(),
            Message::Report(m) => Report::BYTES + m.claim.as_ref().map_or(0, |claim| claim.bytes()),
            Message::Ask(_) => NUMBER_BYTES,
            Message::Blocks(list) => list.iter().map(|m| m.block.bytes() + m.proof_bytes()).sum(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Propose(_) => "proposal",
            Message::Vote(_) => "vote",
            Message::Certificate(_) => "certificate",
            Message::Ratified(_) => "ratified",
            Message::Report(_) => "report",
            Message::Ask(_) => "ask",
            Message::Blocks(_) => "blocks",
        }
    }
    fn check(&self) -> Work {
        Work::verify(match self {
            Message::Propose(m) => 1 + m.reports.len() + m.claim.fields.signatures(),
            Message::Vote(_) => 1,
            Message::Certificate(m) => m.voices.len(),
            Message::Ratified(m) => m.signatures(),
            Message::Report(m) => 1 + m.claim.as_ref().map_or(0, |claim| claim.fields.signatures()),
            Message::Ask(_) => 0,
            Message::Blocks(list) => list.iter().map(|m| m.signatures()).sum(),
        } as u32)
    }
}

impl protocol::Message for Message {
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Propose(m) => {
                keys.verify(from.0, &Proposal::statement(&m.claim), &m.signature)
                    && m.claim.fields.is_genuine(keys)
                    && m.reports.iter().all(|report| report.is_genuine(keys))
            }
            Message::Vote(m) => {
                keys.verify(from.0, &Vote::statement(m.height, m.round, &m.block, &m.ballot), &m.signature)
            }
            Message::Certificate(m) => m.is_genuine(keys),
            Message::Ratified(m) => m.is_genuine(keys),
            Message::Report(m) => {
                m.commissioner == from
                    && m.is_genuine(keys)
                    && m.claim.as_ref().is_none_or(|claim| claim.fields.is_genuine(keys))
            }
            Message::Ask(_) => true,
            Message::Blocks(list) => list.iter().all(|m| m.is_genuine(keys)),
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

/// An entry of the write-ahead log. Certificates are kept for good, as the chain is: they are what a lagging node is
/// given, and the duty list follows from them.
#[derive(Clone, Debug)]
pub enum Record {
    /// A block was proposed, before it is sent.
    Proposed(Arc<Proposal>),
    /// A vote, before it is sent.
    Voted(Arc<Claim>, Vote),
    /// A round was given up, before the report.
    Left(Height, u64),
    /// A block is final; the chain keeps the block itself.
    Ratified(Arc<Ratified>),
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match self {
            Record::Proposed(m) => Message::Propose(m.clone()).bytes(),
            Record::Voted(claim, vote) => claim.bytes() + Message::Vote(vote.clone()).bytes(),
            Record::Left(..) => 2 * NUMBER_BYTES,
            Record::Ratified(m) => m.proof_bytes(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Record::Proposed(_) => "proposed",
            Record::Voted(..) => "voted",
            Record::Left(..) => "left",
            Record::Ratified(_) => "ratified",
        }
    }
}

impl protocol::Record for Record {}

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
