//! What PBFT replicas say to each other, with the sizes of the signature variant (OSDI'99 section 4; Ed25519).
//!
//! Signatures are over statements: digests of the fields, one domain per kind of message. The signer is not part of
//! a statement, its key is. Fields that a receiver derives (the primary from the view, the sender from the channel)
//! take no bytes.

use super::certificate::{Committed, Prepared, Stable};
use crate::base::hash::has_repeated_pair;
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Height, Keyring, NodeId, Signature, Time, Wire, Work};
use crate::chain::Batch;
use crate::protocol::votes::Checker;
use crate::protocol::{self, Snapshot};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The number of a view; its primary is the member whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct View(pub u64);

impl View {
    /// The view after this one.
    #[must_use]
    pub const fn next(self) -> View {
        View(self.0.saturating_add(1))
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

/// What a sequence number is given to: requests, and the values that only the primary can choose (section 4.6,
/// non-determinism). A block is made from this alone, so it is the same whatever view commits it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// The requests; none for the null request.
    pub batch: Arc<Batch>,
    /// The primary that gathered them.
    pub proposer: NodeId,
    /// Its clock when it did.
    pub time: Time,
}

impl Proposal {
    /// The null request, which fills a gap and does nothing.
    #[must_use]
    pub fn null() -> Proposal {
        Proposal { batch: Batch::empty(), proposer: NodeId(0), time: Time::ZERO }
    }
    /// The digest that replicas agree on.
    #[must_use]
    pub fn digest(&self) -> Hash {
        Digest::new("pbft proposal")
            .hash(&self.batch.digest())
            .u64(u64::from(self.proposer.0))
            .u64(self.time.as_nanos())
            .finish()
    }
    /// Bytes on the wire and on disk.
    #[must_use]
    pub fn bytes(&self) -> usize {
        NODE_BYTES + NUMBER_BYTES + self.batch.bytes()
    }
    /// Whether the digest stands for these requests only: a list lengthened by its own end would share it.
    #[must_use]
    pub fn is_unambiguous(&self) -> bool {
        let names: Vec<Hash> = self.batch.transactions().iter().map(|t| t.id()).collect();
        !has_repeated_pair(&names)
    }
}

/// The three phases of the normal case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// The primary gives a sequence number to a digest.
    PrePrepare,
    /// A backup accepts that.
    Prepare,
    /// A replica saw a quorum accept it.
    Commit,
}

/// One replica's signed word in one phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// In which view.
    pub view: View,
    /// For which sequence number.
    pub seq: Height,
    /// For which proposal.
    pub digest: Hash,
    /// By the replica that says it.
    pub signature: Signature,
}

impl Vote {
    /// PRE-PREPARE without its batch.
    pub const ORDER_BYTES: usize = 2 * NUMBER_BYTES + HASH_BYTES + SIGNATURE_BYTES;
    /// PREPARE and COMMIT, which name their replica.
    pub const BYTES: usize = Vote::ORDER_BYTES + NODE_BYTES;

    /// What is signed in `phase`.
    #[must_use]
    pub fn statement(phase: Phase, view: View, seq: Height, digest: &Hash) -> Hash {
        let domain = match phase {
            Phase::PrePrepare => "pbft pre-prepare",
            Phase::Prepare => "pbft prepare",
            Phase::Commit => "pbft commit",
        };
        Digest::new(domain).u64(view.0).u64(seq.0).hash(digest).finish()
    }
    /// What this signs in `phase`.
    #[must_use]
    pub fn said(&self, phase: Phase) -> Hash {
        Vote::statement(phase, self.view, self.seq, &self.digest)
    }
}

/// PRE-PREPARE with the batch piggybacked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PrePrepare {
    /// The signed assignment of a sequence number.
    pub order: Vote,
    /// What it is assigned to.
    pub proposal: Proposal,
}

/// CHECKPOINT: the state after executing everything up to `seq`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The last sequence number executed.
    pub seq: Height,
    /// The digest of block and state: [`Snapshot::digest`].
    pub digest: Hash,
    /// By the replica that says it.
    pub signature: Signature,
}

impl Checkpoint {
    /// Bytes on the wire.
    pub const BYTES: usize = NUMBER_BYTES + HASH_BYTES + NODE_BYTES + SIGNATURE_BYTES;

    /// What is signed.
    #[must_use]
    pub fn statement(seq: Height, digest: &Hash) -> Hash {
        Digest::new("pbft checkpoint").u64(seq.0).hash(digest).finish()
    }
}

/// VIEW-CHANGE: a replica leaves for `view` and tells what it prepared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ViewChange {
    /// The view it wants to enter.
    pub view: View,
    /// Its stable checkpoint, with proof (`h` and `C` in the paper).
    pub stable: Arc<Stable>,
    /// For every sequence number above that it prepared, the certificate of the highest view (`P`), ascending.
    pub prepared: Vec<Arc<Prepared>>,
    /// Who says this.
    pub replica: NodeId,
    /// By the replica.
    pub signature: Signature,
}

impl ViewChange {
    /// What is signed: the claims; the certificates carry their own signatures.
    #[must_use]
    pub fn statement(view: View, stable: &Stable, prepared: &[Arc<Prepared>]) -> Hash {
        let digest = Digest::new("pbft view-change").u64(view.0).u64(stable.seq.0).hash(&stable.digest);
        prepared
            .iter()
            .map(|p| &p.order)
            .fold(digest.u64(prepared.len() as u64), |d, o| d.u64(o.view.0).u64(o.seq.0).hash(&o.digest))
            .finish()
    }
    fn said(&self) -> Hash {
        ViewChange::statement(self.view, &self.stable, &self.prepared)
    }
    fn size(&self) -> usize {
        let fixed = 2 * NUMBER_BYTES + NODE_BYTES + SIGNATURE_BYTES;
        fixed + self.stable.bytes() + self.prepared.iter().map(|p| p.bytes()).sum::<usize>()
    }
    fn signatures(&self) -> u32 {
        1 + self.stable.signatures.len() as u32 + self.prepared.iter().map(|p| 1 + p.prepares.len() as u32).sum::<u32>()
    }
    fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        checker.holds(self.replica, &self.said(), &self.signature)
            && self.stable.is_genuine(checker)
            && self.prepared.iter().all(|p| p.is_genuine(checker))
    }
}

/// NEW-VIEW: a quorum wants `view`, and this is what must be proposed again in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewView {
    /// The view that begins.
    pub view: View,
    /// Its primary, who signs.
    pub primary: NodeId,
    /// The quorum (`V`).
    pub view_changes: Vec<Arc<ViewChange>>,
    /// PRE-PREPAREs for everything that may have committed (`O`), ascending without gap. Batches are not repeated.
    pub orders: Vec<Vote>,
    /// By the primary.
    pub signature: Signature,
}

impl NewView {
    /// What is signed.
    #[must_use]
    pub fn statement(view: View, view_changes: &[Arc<ViewChange>], orders: &[Vote]) -> Hash {
        let digest = Digest::new("pbft new-view").u64(view.0).u64(view_changes.len() as u64);
        let digest = view_changes.iter().fold(digest, |d, vc| d.u64(u64::from(vc.replica.0)).hash(&vc.said()));
        orders.iter().fold(digest, |d, order| d.u64(order.seq.0).hash(&order.digest)).finish()
    }
    /// Bytes on the wire and on disk.
    #[must_use]
    pub fn size(&self) -> usize {
        let changes: usize = self.view_changes.iter().map(|vc| vc.size()).sum();
        NUMBER_BYTES + SIGNATURE_BYTES + changes + self.orders.len() * Vote::ORDER_BYTES
    }
    fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        let said = NewView::statement(self.view, &self.view_changes, &self.orders);
        checker.holds(self.primary, &said, &self.signature)
            && self.orders.iter().all(|o| checker.holds(self.primary, &o.said(Phase::PrePrepare), &o.signature))
            && self.view_changes.iter().all(|vc| vc.is_genuine(checker))
    }
}

/// How far a replica is with a sequence number that it has not executed: the bit maps of STATUS.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Standing {
    /// It has no PRE-PREPARE.
    Unknown,
    /// It accepted the PRE-PREPARE and lacks PREPAREs.
    Accepted,
    /// It prepared and lacks COMMITs.
    Prepared,
    /// It committed, and lacks what comes before, or the batch.
    Committed,
}

/// STATUS (thesis section 5.2): how far a replica is that waits for something; the others tell it again what it lacks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Its view.
    pub view: View,
    /// Whether it takes part in it, or waits for its NEW-VIEW.
    pub active: bool,
    /// Its low watermark.
    pub stable: Height,
    /// The last sequence number that it executed.
    pub executed: Height,
    /// How far it is with the numbers after that, in order.
    pub standings: Vec<Standing>,
    /// Whose VIEW-CHANGEs it has for its view, if that has not begun.
    pub view_changes: Vec<NodeId>,
    /// The one replica that is asked for what is large, committed batches, states and NEW-VIEW, if one is.
    pub helper: Option<NodeId>,
    /// The checkpoint whose state is coming in, and how many bytes of it are there.
    pub incoming: Option<(Height, u64)>,
}

impl Status {
    /// Bytes on the wire: a byte of flags, two bits for each number, and a bit for each VIEW-CHANGE.
    fn bytes(&self) -> usize {
        let maps = self.standings.len().div_ceil(4) + self.view_changes.len().div_ceil(8);
        let incoming = self.incoming.map_or(0, |_| 2 * NUMBER_BYTES);
        3 * NUMBER_BYTES + NODE_BYTES + 1 + maps + incoming
    }
    /// How far the sender is with `seq`.
    #[must_use]
    pub fn standing(&self, seq: Height) -> Standing {
        let at = seq.0.checked_sub(self.executed.0.saturating_add(1)).and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.standings.get(at)).copied().unwrap_or(Standing::Unknown)
    }
}

/// A piece of the state at a checkpoint. The first comes with the proof of the checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Piece {
    /// The proof, with the first piece.
    pub stable: Option<Arc<Stable>>,
    /// The state.
    pub snapshot: Snapshot,
    /// Where the piece begins.
    pub offset: u64,
    /// Its bytes.
    pub length: u64,
}

impl Piece {
    fn bytes(&self) -> usize {
        let proof = self.stable.as_ref().map_or(0, |stable| stable.bytes());
        let fixed = proof + self.snapshot.block.bytes() + HASH_BYTES + NUMBER_BYTES;
        fixed.saturating_add(usize::try_from(self.length).unwrap_or(usize::MAX))
    }
}

/// STATE: what a replica needs that missed too much, as much of it as one answer may hold. Every part carries its proof.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct State {
    /// The state at a stable checkpoint, if the receiver is below it.
    pub checkpoint: Option<Piece>,
    /// What committed after that, ascending.
    pub committed: Vec<Arc<Committed>>,
    /// The last sequence number that the sender executed: whether there is more to ask for.
    pub executed: Height,
}

/// What replicas say. PREPARE and COMMIT, which are many, are inline; what is large is shared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// The primary proposes.
    PrePrepare(Arc<PrePrepare>),
    /// A backup accepts a proposal.
    Prepare(Vote),
    /// A replica prepared a proposal.
    Commit(Vote),
    /// A replica reached a checkpoint.
    Checkpoint(Checkpoint),
    /// A replica gave up on a view.
    ViewChange(Arc<ViewChange>),
    /// A view begins.
    NewView(Arc<NewView>),
    /// A replica lacks something.
    Status(Arc<Status>),
    /// A replica asks for the batch of a digest that was proposed again.
    Fetch {
        /// The sequence number it was proposed for.
        seq: Height,
        /// Its digest.
        digest: Hash,
    },
    /// The batch that was asked for.
    Batch {
        /// The sequence number it was proposed for.
        seq: Height,
        /// The batch, with what its digest covers.
        proposal: Arc<Proposal>,
    },
    /// The state or the committed batches that a replica lacks.
    State(Arc<State>),
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        match self {
            Message::PrePrepare(m) => Vote::ORDER_BYTES + m.proposal.bytes(),
            Message::Prepare(_) | Message::Commit(_) => Vote::BYTES,
            Message::Checkpoint(_) => Checkpoint::BYTES,
            Message::ViewChange(m) => m.size(),
            Message::NewView(m) => m.size(),
            Message::Status(m) => m.bytes(),
            Message::Fetch { .. } => NUMBER_BYTES + HASH_BYTES,
            Message::Batch { proposal, .. } => NUMBER_BYTES + proposal.bytes(),
            Message::State(m) => {
                let piece = m.checkpoint.as_ref().map_or(0, Piece::bytes);
                piece.saturating_add(NUMBER_BYTES + m.committed.iter().map(|c| c.bytes()).sum::<usize>())
            }
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::PrePrepare(_) => "pre-prepare",
            Message::Prepare(_) => "prepare",
            Message::Commit(_) => "commit",
            Message::Checkpoint(_) => "checkpoint",
            Message::ViewChange(_) => "view-change",
            Message::NewView(_) => "new-view",
            Message::Status(_) => "status",
            Message::Fetch { .. } => "fetch",
            Message::Batch { .. } => "batch",
            Message::State(_) => "state",
        }
    }
    fn check(&self) -> Work {
        match self {
            // The signatures of the requests are charged where they are checked, once per accepted proposal.
            Message::PrePrepare(_) | Message::Prepare(_) | Message::Commit(_) | Message::Checkpoint(_) => Work::VERIFY,
            Message::ViewChange(m) => Work::verify(m.signatures()),
            Message::NewView(m) => {
                let changes: u32 = m.view_changes.iter().map(|vc| vc.signatures()).sum();
                Work::verify(1 + m.orders.len() as u32 + changes)
            }
            Message::Status(_) | Message::Fetch { .. } | Message::Batch { .. } => Work::NONE,
            Message::State(m) => {
                let stable = m.checkpoint.as_ref().and_then(|piece| piece.stable.as_ref());
                let stable = stable.map_or(0, |stable| stable.signatures.len());
                let commits: usize = m.committed.iter().map(|c| c.commits.len()).sum();
                let bytes = m.checkpoint.as_ref().map_or(0, |piece| piece.length);
                Work::verify((stable + commits) as u32) + Work::hash(bytes)
            }
        }
    }
}

impl protocol::Message for Message {
    /// Signatures and digests only: whether signers are members, distinct and enough is for the handlers, which know
    /// the committee. STATUS, FETCH and BATCH need no signature: the channel tells the sender, and a batch is judged
    /// by its digest.
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool {
        let mut checker = Checker::new(keys);
        match self {
            Message::PrePrepare(m) => {
                m.order.digest == m.proposal.digest()
                    && keys.verify(from.0, &m.order.said(Phase::PrePrepare), &m.order.signature)
                    && m.proposal.is_unambiguous()
            }
            Message::Prepare(vote) => keys.verify(from.0, &vote.said(Phase::Prepare), &vote.signature),
            Message::Commit(vote) => keys.verify(from.0, &vote.said(Phase::Commit), &vote.signature),
            Message::Checkpoint(m) => keys.verify(from.0, &Checkpoint::statement(m.seq, &m.digest), &m.signature),
            Message::ViewChange(m) => m.replica == from && m.is_genuine(&mut checker),
            Message::NewView(m) => m.is_genuine(&mut checker),
            Message::Status(_) | Message::Fetch { .. } => true,
            Message::Batch { proposal, .. } => proposal.is_unambiguous(),
            Message::State(m) => {
                let stable = m.checkpoint.as_ref().and_then(|piece| piece.stable.as_ref());
                stable.is_none_or(|stable| stable.is_genuine(&mut checker))
                    && m.committed.iter().all(|c| c.is_genuine(&mut checker))
            }
        }
    }
}
