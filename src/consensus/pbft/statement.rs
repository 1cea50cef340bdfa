//! What a replica signs in the normal case and at checkpoints (sections 4.2 and 4.3), with the sizes of the signature
//! variant.
//!
//! Signatures are over statements: digests of the fields, one domain per kind of message. The signer is not part of
//! a statement, its key is.

use crate::base::key::SIGNATURE_BYTES;
use crate::base::wire::{HASH_BYTES, NODE_BYTES, NUMBER_BYTES};
use crate::base::{Digest, Hash, Height, NodeId, Signature, Time};
use crate::chain::Batch;
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
        !self.batch.is_ambiguous()
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

/// One replica's signed statement in one phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Vote {
    /// In which view.
    pub view: View,
    /// For which sequence number.
    pub seq: Height,
    /// For which proposal.
    pub digest: Hash,
    /// By the sender.
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
    /// The digest of block and state: [`Snapshot::digest`](crate::protocol::Snapshot::digest).
    pub digest: Hash,
    /// By the sender.
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
