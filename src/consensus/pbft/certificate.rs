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

use super::message::{Checkpoint, Phase, Proposal, View, Vote};
use crate::base::{Committee, Hash, Height, Keyring, NodeId, Signature, Tally};
use rustc_hash::FxHashSet;
use std::sync::Arc;

/// Signatures with their signers.
pub type Signatures = Vec<(NodeId, Signature)>;

/// Checks signatures, each once: the certificates of a NEW-VIEW repeat the same PREPAREs many times.
pub struct Checker<'a> {
    keys: &'a Keyring,
    genuine: FxHashSet<(NodeId, Hash, Signature)>,
}

impl<'a> Checker<'a> {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(keys: &'a Keyring) -> Checker<'a> {
        Checker { keys, genuine: FxHashSet::default() }
    }
    /// Whether `signature` is `signer`'s.
    pub fn holds(&mut self, signer: NodeId, statement: &Hash, signature: &Signature) -> bool {
        let claim = (signer, *statement, *signature);
        if self.genuine.contains(&claim) {
            return true;
        }
        let genuine = self.keys.verify(signer.0, statement, signature);
        if genuine {
            self.genuine.insert(claim);
        }
        genuine
    }
    fn all_hold(&mut self, statement: &Hash, signatures: &[(NodeId, Signature)]) -> bool {
        signatures.iter().all(|(signer, signature)| self.holds(*signer, statement, signature))
    }
}

/// Whether distinct members, with those in `tally` already, form a quorum.
fn is_quorum(mut tally: Tally, signatures: &[(NodeId, Signature)], committee: &Committee) -> bool {
    signatures.iter().all(|(signer, _)| tally.add(*signer, committee)) && tally.is_quorum(committee)
}

/// A prepared certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
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
        let mut tally = Tally::default();
        committee.in_turn(self.order.view.0) == self.primary
            && tally.add(self.primary, committee)
            && is_quorum(tally, &self.prepares, committee)
    }
}

/// A committed proposal with its proof.
#[derive(Clone, PartialEq, Eq, Debug)]
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
        is_quorum(Tally::default(), &self.commits, committee)
    }
}

/// A stable checkpoint with its proof. Genesis needs none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stable {
    /// The last sequence number in it: the low watermark.
    pub seq: Height,
    /// The digest of block and state.
    pub digest: Hash,
    /// CHECKPOINTs of a quorum.
    pub signatures: Signatures,
}

impl Stable {
    /// Where everybody starts.
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
        self.seq == Height::GENESIS || is_quorum(Tally::default(), &self.signatures, committee)
    }
}

/// Votes for one digest.
#[derive(Clone, Debug, Default)]
pub struct Ballot {
    /// The digest.
    pub digest: Hash,
    /// Who voted for it.
    pub voters: Tally,
    /// Their signatures, for certificates.
    pub signatures: Signatures,
}

/// The votes of one phase for one view and sequence number. The first vote of each replica counts, so that there are
/// never more ballots than members. One ballot is the usual case and costs no search.
#[derive(Clone, Debug, Default)]
pub struct Votes {
    first: Ballot,
    others: Vec<Ballot>,
}

impl Votes {
    /// Counts a vote; false if `from` voted before or is a stranger. The primary's PRE-PREPARE counts as its vote
    /// in the first phase and has no signature there.
    pub fn add(&mut self, from: NodeId, digest: &Hash, signature: Option<Signature>, committee: &Committee) -> bool {
        if self.first.voters.weight() == 0 {
            self.first.digest = *digest;
            self.first.signatures.reserve(usize::try_from(committee.quorum()).unwrap_or(0));
        }
        let counted = if self.first.digest == *digest && self.others.is_empty() {
            Some(&mut self.first)
        } else if self.ballots().any(|ballot| ballot.voters.contains(from)) {
            None
        } else if self.first.digest == *digest {
            Some(&mut self.first)
        } else {
            let at = self.others.iter().position(|ballot| ballot.digest == *digest).unwrap_or_else(|| {
                self.others.push(Ballot { digest: *digest, ..Ballot::default() });
                self.others.len() - 1
            });
            self.others.get_mut(at)
        };
        let Some(ballot) = counted else { return false };
        let added = ballot.voters.add(from, committee);
        if added {
            ballot.signatures.extend(signature.map(|signature| (from, signature)));
        }
        added
    }
    fn ballots(&self) -> impl Iterator<Item = &Ballot> {
        std::iter::once(&self.first).chain(&self.others)
    }
    /// Whether a quorum voted for `digest`.
    #[must_use]
    pub fn is_quorum(&self, digest: &Hash, committee: &Committee) -> bool {
        self.ballots().any(|ballot| ballot.digest == *digest && ballot.voters.is_quorum(committee))
    }
    /// Whether some digest has the votes of a correct replica.
    #[must_use]
    pub fn is_blocking(&self, committee: &Committee) -> bool {
        self.ballots().any(|ballot| ballot.voters.is_blocking(committee))
    }
    /// Takes the signatures for `digest` out.
    pub fn take(&mut self, digest: &Hash) -> Signatures {
        let ballot = std::iter::once(&mut self.first).chain(&mut self.others).find(|ballot| ballot.digest == *digest);
        ballot.map(|ballot| std::mem::take(&mut ballot.signatures)).unwrap_or_default()
    }
    /// Number of votes held, for bounds.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.ballots().map(|ballot| ballot.voters.members().count()).sum()
    }
}
