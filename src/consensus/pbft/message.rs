//! The messages of replicas, with the sizes of the signature variant (OSDI'99 section 4; Ed25519). Fields that a
//! receiver derives (the primary from the view, the sender from the channel) take no bytes.

use super::certificate::{Committed, Prepared, Stable};
use super::statement::{Checkpoint, Phase, PrePrepare, Proposal, View, Vote};
use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Height, Keyring, NodeId, Signature, Wire, Work};
use crate::protocol::votes::Checker;
use crate::protocol::{self, Snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// VIEW-CHANGE: a replica leaves for `view` and proves what it prepared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ViewChange {
    /// The view it wants to enter.
    pub view: View,
    /// Its stable checkpoint, with proof (`h` and `C` in the paper).
    pub stable: Arc<Stable>,
    /// For every sequence number above that it prepared, the certificate of the highest view (`P`), ascending.
    pub prepared: Vec<Arc<Prepared>>,
    /// The sender.
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
    /// Its primary, which signs.
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

/// STATUS (thesis section 5.2): how far a replica is that waits for something; the others send again what it lacks.
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

/// The messages. PREPARE and COMMIT, which are many, are inline; large ones are shared.
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
    /// the committee. STATUS, FETCH and BATCH need no signature: the channel authenticates the sender, and a batch
    /// is checked by its digest.
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
