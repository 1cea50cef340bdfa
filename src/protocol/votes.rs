//! Votes and the signatures that prove them, for all protocols that vote.
//!
//! Whether a signature is valid is a pure function of the message, computed once per message. Whether the signers are
//! distinct members and form a quorum is checked by the node, which knows the committee.

use crate::base::{Committee, Hash, Keyring, NodeId, Signature, VoterSet};
use rustc_hash::FxHashSet;

/// Signatures with their signers.
pub type Signatures = Vec<(NodeId, Signature)>;

/// Checks signatures, each once: the certificates of a NEW-VIEW repeat the same PREPAREs many times.
pub struct Checker<'a> {
    keys: &'a Keyring,
    genuine: FxHashSet<(NodeId, Hash, Signature)>,
}

impl<'a> Checker<'a> {
    /// A checker that has checked no signature.
    #[must_use]
    pub fn new(keys: &'a Keyring) -> Checker<'a> {
        Checker { keys, genuine: FxHashSet::default() }
    }
    /// Whether `signature` is a valid signature of `signer`.
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
    /// Whether all signatures of one statement are valid.
    pub fn all_hold(&mut self, statement: &Hash, signatures: &[(NodeId, Signature)]) -> bool {
        signatures.iter().all(|(signer, signature)| self.holds(*signer, statement, signature))
    }
}

/// Whether the signers are distinct members that, with those in `tally` already, form a quorum.
#[must_use]
pub fn is_quorum(mut tally: VoterSet, signatures: &[(NodeId, Signature)], committee: &Committee) -> bool {
    signatures.iter().all(|(signer, _)| tally.add(*signer, committee)) && tally.is_quorum(committee)
}

/// Votes for one digest.
#[derive(Clone, Debug, Default)]
pub struct Ballot {
    /// The digest.
    pub digest: Hash,
    /// The members that voted for it.
    pub voters: VoterSet,
    /// Their signatures, for certificates.
    pub signatures: Signatures,
}

/// The votes of one phase for one view and height. The first vote of each replica counts, so that there are
/// never more ballots than members. One ballot is the usual case and costs no search.
#[derive(Clone, Debug, Default)]
pub struct Votes {
    first: Ballot,
    others: Vec<Ballot>,
}

impl Votes {
    /// Counts a vote; false if `from` voted before or is not a member. A proposal may count as the vote of its proposer;
    /// then there is no signature.
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
    /// The digests that were voted for, with their voters.
    pub fn ballots(&self) -> impl Iterator<Item = &Ballot> {
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
    /// Removes and returns the signatures for `digest`.
    pub fn take(&mut self, digest: &Hash) -> Signatures {
        let ballot = std::iter::once(&mut self.first).chain(&mut self.others).find(|ballot| ballot.digest == *digest);
        ballot.map(|ballot| std::mem::take(&mut ballot.signatures)).unwrap_or_default()
    }
    /// Number of votes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ballots().map(|ballot| ballot.voters.len()).sum()
    }
    /// Whether there is no vote.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
