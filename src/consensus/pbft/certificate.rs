//! Votes counted, and what enough of them prove.
//!
//! | certificate | made of | proves |
//! |---|---|---|
//! | [`Prepared`] | the PRE-PREPARE and PREPAREs of a quorum | no other digest prepares in that view |
//! | [`Committed`] | COMMITs of a quorum | the digest is final at its sequence number |
//! | [`Stable`] | equal CHECKPOINTs of a quorum | that state is final, and enough correct replicas hold it |
//!
//! Whether signatures are genuine is a pure question, asked once per message; whether the signers are distinct members
//! and enough of them is asked by the replica, which knows the committee.

use super::statement::{Checkpoint, Phase, Proposal, View, Vote};
use crate::base::{Committee, Hash, Height, NodeId, VoterSet};
use crate::protocol::votes::{Checker, Signatures, is_quorum};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A prepared certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Prepared {
    /// The primary of the view.
    pub primary: NodeId,
    /// Its PRE-PREPARE, without the batch.
    pub order: Vote,
    /// PREPAREs of backups.
    pub prepares: Signatures,
}

impl Prepared {
    /// Bytes on the wire: 112 and 116 per PREPARE.
    #[must_use]
    pub fn bytes(&self) -> usize {
        Vote::ORDER_BYTES + self.prepares.len() * Vote::BYTES
    }
    /// Whether every signature is genuine.
    pub fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        checker.holds(self.primary, &self.order.said(Phase::PrePrepare), &self.order.signature)
            && checker.all_hold(&self.order.said(Phase::Prepare), &self.prepares)
    }
    /// Whether the signers are the primary of the view and enough distinct backups.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        let mut tally = VoterSet::default();
        committee.in_turn(self.order.view.0) == self.primary
            && tally.add(self.primary, committee)
            && is_quorum(tally, &self.prepares, committee)
    }
}

/// A committed proposal with its proof.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Committed {
    /// The view in which it committed.
    pub view: View,
    /// Its sequence number.
    pub seq: Height,
    /// What committed.
    pub proposal: Proposal,
    /// COMMITs of a quorum.
    pub commits: Signatures,
}

impl Committed {
    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.commits.len() * Vote::BYTES + self.proposal.bytes()
    }
    /// Whether every signature is genuine and the digest stands for this batch only.
    pub fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        let said = Vote::statement(Phase::Commit, self.view, self.seq, &self.proposal.digest());
        checker.all_hold(&said, &self.commits) && self.proposal.is_unambiguous()
    }
    /// Whether the signers are enough distinct members.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        is_quorum(VoterSet::default(), &self.commits, committee)
    }
}

/// A stable checkpoint with its proof. Genesis needs none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stable {
    /// The last sequence number in it: the low watermark.
    pub seq: Height,
    /// The digest of block and state.
    pub digest: Hash,
    /// CHECKPOINTs of a quorum.
    pub signatures: Signatures,
}

impl Stable {
    /// The checkpoint at which all replicas start.
    #[must_use]
    pub fn genesis() -> Arc<Stable> {
        Arc::new(Stable { seq: Height::GENESIS, digest: Hash::ZERO, signatures: Vec::new() })
    }
    /// Bytes on the wire: 108 per CHECKPOINT.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.signatures.len() * Checkpoint::BYTES
    }
    /// Whether every signature is genuine.
    pub fn is_genuine(&self, checker: &mut Checker<'_>) -> bool {
        checker.all_hold(&Checkpoint::statement(self.seq, &self.digest), &self.signatures)
    }
    /// Whether the signers are enough distinct members.
    #[must_use]
    pub fn is_complete(&self, committee: &Committee) -> bool {
        self.seq == Height::GENESIS || is_quorum(VoterSet::default(), &self.signatures, committee)
    }
}
