//! What replicas say, and the certificates in it.

use super::View;
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Committee, Digest, Hash, Height, Keyring, NodeId, Signature, VoterSet, Wire, Work};
use crate::chain::{Block, Seal};
use crate::protocol;
use crate::protocol::votes::{Checker, Signatures, is_quorum};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A quorum certificate: `n - f` votes for one block in one view, each with its signer (the paper's threshold
/// signature, in parts). That of genesis has none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// The view of the block.
    pub view: View,
    /// The block.
    pub block: Hash,
    /// The votes.
    pub votes: Signatures,
}

impl Certificate {
    /// What a vote says.
    #[must_use]
    pub fn statement(view: View, block: &Hash) -> Hash {
        Digest::new("hotstuff vote").u64(view).hash(block).finish()
    }
    /// Certifies genesis.
    #[must_use]
    pub fn genesis() -> Arc<Certificate> {
        Arc::new(Certificate { view: 0, block: Block::genesis().id(), votes: Vec::new() })
    }
    /// What stands for it in the header of a block.
    #[must_use]
    pub fn digest(&self) -> Hash {
        Certificate::statement(self.view, &self.block)
    }
    /// Bytes on the wire: 40, and 68 per vote.
    #[must_use]
    pub fn size(&self) -> usize {
        NUMBER_BYTES + HASH_BYTES + self.votes.len() * (NODE_BYTES + SIGNATURE_BYTES)
    }
    /// Whether every signature is genuine.
    pub fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        checker.all_hold(&self.digest(), &self.votes)
    }
    /// Whether the signers are enough distinct replicas.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        *self == *Certificate::genesis() || is_quorum(VoterSet::default(), &self.votes, committee)
    }
}

/// A replica times out of a view and sends the newest certificate that it knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Timeout {
    /// The view.
    pub view: View,
    /// The newest certificate.
    pub high: Arc<Certificate>,
    /// What led to this view, if no certificate did.
    pub reason: Option<Arc<TimeoutCertificate>>,
    /// Under the view and the view of the certificate.
    pub signature: Signature,
}

impl Timeout {
    /// What is signed.
    #[must_use]
    pub fn statement(view: View, high: View) -> Hash {
        Digest::new("hotstuff timeout").u64(view).u64(high).finish()
    }
}

/// A timeout certificate: a quorum gave up on a view; the newest certificate that any of them knew comes with it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TimeoutCertificate {
    /// The view.
    pub view: View,
    /// Who gave up, with the view of the newest certificate known there.
    pub parts: Vec<(NodeId, View, Signature)>,
}

impl TimeoutCertificate {
    /// The newest certificate that a part speaks of.
    #[must_use]
    pub fn high(&self) -> View {
        self.parts.iter().map(|(_, high, _)| *high).max().unwrap_or(0)
    }
    /// Bytes on the wire: 8, and 76 per part.
    #[must_use]
    pub fn size(&self) -> usize {
        NUMBER_BYTES + self.parts.len() * (NODE_BYTES + NUMBER_BYTES + SIGNATURE_BYTES)
    }
    fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        self.parts
            .iter()
            .all(|(node, high, signature)| checker.holds(*node, &Timeout::statement(self.view, *high), signature))
    }
    /// Whether the signers are enough distinct replicas.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        let mut tally = VoterSet::default();
        self.parts.iter().all(|(node, ..)| tally.add(*node, committee)) && tally.is_quorum(committee)
    }
}

/// A node of the paper's tree: a block, the view it was proposed in, and the certificate of its parent. The block's
/// name commits to all of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vertex {
    /// The block. Its parent is `justify.block`.
    pub block: Arc<Block>,
    /// Its view.
    pub view: View,
    /// The certificate of its parent.
    pub justify: Arc<Certificate>,
}

impl Vertex {
    /// What the header commits to.
    #[must_use]
    pub fn seal(view: View, justify: &Certificate) -> Seal {
        Seal::Fields(Digest::new("hotstuff fields").u64(view).hash(&justify.digest()).finish())
    }
    /// Whether the parts belong together.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let header = &self.block.header;
        header.parent == self.justify.block
            && header.merkle == self.block.batch.digest()
            && header.seal == Vertex::seal(self.view, &self.justify)
            && self.view > self.justify.view
    }
    /// Bytes on the wire.
    #[must_use]
    pub fn size(&self) -> usize {
        NUMBER_BYTES + self.block.bytes() + self.justify.size()
    }
}

/// The proposal of a view.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// What is proposed.
    pub vertex: Arc<Vertex>,
    /// Why the view before has no certificate, if it has none.
    pub timeout: Option<Arc<TimeoutCertificate>>,
    /// The leader's, under the block.
    pub signature: Signature,
}

impl Proposal {
    /// What is signed.
    #[must_use]
    pub fn statement(block: &Hash) -> Hash {
        Digest::new("hotstuff proposal").hash(block).finish()
    }
}

/// What a replica that is behind needs to know.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Progress {
    /// The newest certificate.
    pub high: Arc<Certificate>,
    /// What led to the present view, if no certificate did.
    pub timeout: Option<Arc<TimeoutCertificate>>,
    /// The vertex that was asked for and those below it, each the parent of the one before.
    pub vertices: Vec<Arc<Vertex>>,
    /// The blocks that follow, which are final at the sender and need no certificates of their own.
    pub blocks: Vec<Arc<Block>>,
}

/// What replicas say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// The leader proposes.
    Propose(Arc<Proposal>),
    /// A replica votes; to the leader of the next view.
    Vote {
        /// The view.
        view: View,
        /// The block.
        block: Hash,
        /// Under both.
        signature: Signature,
    },
    /// A replica gives up on a view; to all.
    Timeout(Arc<Timeout>),
    /// "I am here; what is new?"
    Request {
        /// A certified block that is missing; the newest if none.
        block: Option<Hash>,
        /// What is committed here.
        above: Height,
    },
    /// The answer.
    Progress(Arc<Progress>),
    /// With an answer that holds nothing of it: "I do not have this block."
    Lack(Hash),
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Propose(m) => {
                m.vertex.size() + SIGNATURE_BYTES + m.timeout.as_ref().map_or(0, |timeout| timeout.size())
            }
            Message::Vote { .. } => NUMBER_BYTES + HASH_BYTES + NODE_BYTES + SIGNATURE_BYTES,
            Message::Timeout(m) => {
                let reason = m.reason.as_ref().map_or(0, |timeout| timeout.size());
                NUMBER_BYTES + NODE_BYTES + SIGNATURE_BYTES + m.high.size() + reason
            }
            Message::Request { .. } => HASH_BYTES + NUMBER_BYTES,
            Message::Lack(_) => HASH_BYTES,
            Message::Progress(m) => {
                let blocks: usize = m.blocks.iter().map(|block| block.bytes()).sum();
                let vertices: usize = m.vertices.iter().map(|vertex| vertex.size()).sum();
                m.high.size() + m.timeout.as_ref().map_or(0, |timeout| timeout.size()) + blocks + vertices
            }
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Propose(_) => "propose",
            Message::Vote { .. } => "vote",
            Message::Timeout(_) => "timeout",
            Message::Request { .. } => "request",
            Message::Lack(_) => "lack",
            Message::Progress(_) => "progress",
        }
    }
    fn check(&self) -> Work {
        let parts = |timeout: &Option<Arc<TimeoutCertificate>>| timeout.as_ref().map_or(0, |t| t.parts.len());
        let signatures = match self {
            Message::Propose(m) => 1 + m.vertex.justify.votes.len() + parts(&m.timeout),
            Message::Vote { .. } => 1,
            Message::Timeout(m) => 1 + m.high.votes.len() + parts(&m.reason),
            Message::Request { .. } | Message::Lack(_) => 0,
            Message::Progress(m) => m.high.votes.len() + parts(&m.timeout),
        };
        Work::verify(signatures as u32)
    }
}

impl protocol::Message for Message {
    /// Signatures and the shape of blocks. Whether signers are enough is for the handlers, which know the committee.
    /// Blocks that come on request are judged by their names.
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool {
        let mut checker = Checker::new(keys);
        match self {
            Message::Propose(m) => {
                m.vertex.is_consistent()
                    && m.vertex.block.header.proposer == from
                    && checker.holds(from, &Proposal::statement(&m.vertex.block.id()), &m.signature)
                    && m.vertex.justify.is_genuine(&mut checker)
                    && m.timeout.as_ref().is_none_or(|timeout| timeout.is_genuine(&mut checker))
            }
            Message::Vote { view, block, signature } => {
                checker.holds(from, &Certificate::statement(*view, block), signature)
            }
            Message::Timeout(m) => {
                checker.holds(from, &Timeout::statement(m.view, m.high.view), &m.signature)
                    && m.high.is_genuine(&mut checker)
                    && m.reason.as_ref().is_none_or(|reason| reason.is_genuine(&mut checker))
            }
            Message::Request { .. } | Message::Lack(_) => true,
            Message::Progress(m) => {
                m.high.is_genuine(&mut checker)
                    && m.timeout.as_ref().is_none_or(|timeout| timeout.is_genuine(&mut checker))
                    && m.vertices.iter().all(|vertex| vertex.is_consistent())
            }
        }
    }
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Message::Propose(m) => Some(&m.vertex.block),
            _ => None,
        }
    }
}

/// What a replica writes before it speaks.
#[derive(Clone, Debug)]
pub enum Record {
    /// It accepts this, in a view to which this led if no certificate did: before its vote, and before a leader's
    /// proposal leaves.
    Voted(Arc<Vertex>, Option<Arc<TimeoutCertificate>>),
    /// It gave up on this view, to which one of these led.
    TimedOut(View, Arc<Certificate>, Option<Arc<TimeoutCertificate>>),
    /// All that still matters: stands for everything before it.
    Image {
        /// It votes in no view up to this one.
        voted: View,
        /// The lock.
        locked: Arc<Certificate>,
        /// The newest certificate.
        high: Arc<Certificate>,
        /// What led to the present view, if no certificate did.
        reason: Option<Arc<TimeoutCertificate>>,
        /// Vertices above what is final, ascending.
        vertices: Vec<Arc<Vertex>>,
    },
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        let size = |reason: &Option<Arc<TimeoutCertificate>>| reason.as_ref().map_or(0, |reason| reason.size());
        match self {
            Record::Voted(vertex, reason) => vertex.size() + size(reason),
            Record::TimedOut(_, high, reason) => NUMBER_BYTES + high.size() + size(reason),
            Record::Image { locked, high, reason, vertices, .. } => {
                let vertices: usize = vertices.iter().map(|vertex| vertex.size()).sum();
                NUMBER_BYTES + locked.size() + high.size() + size(reason) + vertices
            }
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Record::Voted(..) => "voted",
            Record::TimedOut(..) => "timed-out",
            Record::Image { .. } => "image",
        }
    }
}

impl protocol::Record for Record {
    fn is_checkpoint(&self) -> bool {
        matches!(self, Record::Image { .. })
    }
}
