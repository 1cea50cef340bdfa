//! The log between the watermarks: one slot per sequence number, dense.

use super::certificate::Prepared;
use super::statement::{Phase, PrePrepare, Proposal, View, Vote};
use crate::base::{Committee, Hash, Height, NodeId, Time, VoterSet};
use crate::protocol::votes::{Signatures, Votes};
use std::collections::VecDeque;
use std::sync::Arc;

/// What a replica knows about one sequence number.
#[derive(Clone, Debug, Default)]
pub struct Slot {
    /// The PRE-PREPARE accepted in the present view; never replaced within it.
    pub order: Option<Vote>,
    /// When that was.
    pub ordered: Option<Time>,
    /// PREPAREs of the present view, the PRE-PREPARE counted as its primary's.
    pub prepares: Votes,
    /// COMMITs of the present view.
    pub commits: Votes,
    /// Whether `order` prepared in the present view, so that COMMIT was sent.
    pub prepared: bool,
    /// The prepared certificate of the highest view (`P`). Survives view changes, falls only to a checkpoint.
    pub certificate: Option<Arc<Prepared>>,
    /// The view and digest that committed, with the COMMITs that prove it.
    pub committed: Option<(View, Hash, Signatures)>,
    /// The proposals accepted or fetched for this sequence number: one per view at most.
    pub proposals: Vec<Proposal>,
    /// Votes for views in which this replica does not take part, one per replica and phase: PREPAREs for views to come,
    /// and COMMITs for any.
    elsewhere: Vec<(NodeId, Phase, Vote)>,
    /// The PRE-PREPARE of the lowest view that this replica has not entered.
    pub early_order: Option<Arc<PrePrepare>>,
    /// The PRE-PREPARE of the highest view that this replica left: the others may commit it.
    left_order: Option<Arc<PrePrepare>>,
}

impl Slot {
    /// The proposal with this digest, if it is here.
    #[must_use]
    pub fn proposal(&self, digest: &Hash) -> Option<Proposal> {
        let elsewhere = self.early_order.iter().chain(&self.left_order);
        let elsewhere = elsewhere.filter(|message| message.order.digest == *digest).map(|message| &message.proposal);
        let kept = self.proposals.iter().filter(|proposal| proposal.digest() == *digest);
        let found = kept.chain(elsewhere).next().cloned();
        found.or_else(|| Some(Proposal::null()).filter(|null| null.digest() == *digest))
    }
    /// Keeps a proposal, once.
    pub fn keep(&mut self, proposal: &Proposal) {
        if !self.proposals.contains(proposal) {
            self.proposals.push(proposal.clone());
        }
    }
    /// The digest whose proposal is needed next and missing.
    #[must_use]
    pub fn lacks(&self) -> Option<Hash> {
        let committed = self.committed.as_ref().map(|(_, digest, _)| *digest);
        committed.or(self.order.map(|order| order.digest)).filter(|digest| self.proposal(digest).is_none())
    }
    /// Whether correct replicas are at work here.
    #[must_use]
    pub fn is_live(&self, committee: &Committee) -> bool {
        self.order.is_some() || self.prepares.is_blocking(committee) || self.commits.is_blocking(committee)
    }
    /// Keeps a vote for a view in which this replica does not take part; a later view replaces an earlier one of the
    /// same replica.
    pub fn keep_elsewhere(&mut self, from: NodeId, phase: Phase, vote: &Vote) {
        match self.elsewhere.iter_mut().find(|(node, kind, _)| (*node, *kind) == (from, phase)) {
            Some((_, _, known)) if known.view < vote.view => *known = *vote,
            Some(_) => {}
            None => self.elsewhere.push((from, phase, *vote)),
        }
    }
    /// Keeps a PRE-PREPARE of a view that this replica left; only the primary of a higher one replaces it.
    pub fn keep_left(&mut self, message: Arc<PrePrepare>) {
        if self.left_order.as_ref().is_none_or(|known| known.order.view < message.order.view) {
            self.left_order = Some(message);
        }
    }
    /// Number of votes for other views, for bounds.
    #[cfg(test)]
    pub fn elsewhere(&self) -> usize {
        self.elsewhere.len()
    }
    /// Takes what `vote`, a COMMIT for another view, completes: a quorum of equal ones proves its digest final, whatever
    /// view this replica is in. Whether it does.
    pub fn commit_elsewhere(&mut self, vote: &Vote, committee: &Committee) -> bool {
        let mut tally = VoterSet::default();
        let mut commits = Signatures::new();
        let is_equal = |other: &Vote| (other.view, other.digest) == (vote.view, vote.digest);
        for (from, phase, other) in &self.elsewhere {
            if *phase == Phase::Commit && is_equal(other) && tally.add(*from, committee) {
                commits.push((*from, other.signature));
            }
        }
        let is_proven = self.committed.is_none() && tally.is_quorum(committee);
        if is_proven {
            self.committed = Some((vote.view, vote.digest, commits));
        }
        is_proven
    }
    /// Forgets the votes of the last view and counts the early ones for `view`.
    pub fn enter(&mut self, view: View, committee: &Committee) {
        (self.order, self.ordered, self.prepared) = (None, None, false);
        (self.prepares, self.commits) = (Votes::default(), Votes::default());
        let primary = committee.in_turn(view.0);
        for (from, phase, vote) in std::mem::take(&mut self.elsewhere) {
            match phase {
                _ if vote.view > view => self.elsewhere.push((from, phase, vote)),
                _ if vote.view < view => {}
                Phase::Commit => drop(self.commits.add(from, &vote.digest, Some(vote.signature), committee)),
                Phase::Prepare if from != primary => {
                    self.prepares.add(from, &vote.digest, Some(vote.signature), committee);
                }
                Phase::Prepare | Phase::PrePrepare => {}
            }
        }
    }
}

/// The slots of the sequence numbers `low + 1 ..= low + length`.
#[derive(Clone, Debug)]
pub struct Window {
    low: Height,
    length: u64,
    slots: VecDeque<Slot>,
}

impl Window {
    /// An empty log above `low`.
    #[must_use]
    pub fn new(low: Height, length: u64) -> Window {
        Window { low, length, slots: VecDeque::new() }
    }
    /// The low watermark.
    #[must_use]
    pub fn low(&self) -> Height {
        self.low
    }
    /// The high watermark.
    #[must_use]
    pub fn high(&self) -> Height {
        Height(self.low.0.saturating_add(self.length))
    }
    fn index(&self, seq: Height) -> Option<usize> {
        let above = seq.0.checked_sub(self.low.0)?.checked_sub(1)?;
        (above < self.length).then_some(above as usize)
    }
    /// The slot of `seq`, if it is between the watermarks and was touched.
    #[must_use]
    pub fn get(&self, seq: Height) -> Option<&Slot> {
        self.slots.get(self.index(seq)?)
    }
    /// The slot of `seq`, if it is between the watermarks.
    pub fn get_mut(&mut self, seq: Height) -> Option<&mut Slot> {
        let at = self.index(seq)?;
        if at >= self.slots.len() {
            self.slots.resize_with(at + 1, Slot::default);
        }
        self.slots.get_mut(at)
    }
    /// Raises the low watermark and forgets what is not above it.
    pub fn advance(&mut self, low: Height) {
        let gone = low.0.saturating_sub(self.low.0).min(self.slots.len() as u64);
        self.slots.drain(..gone as usize);
        self.low = self.low.max(low);
    }
    /// The touched slots, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Height, &Slot)> {
        (self.low.0 + 1..).map(Height).zip(&self.slots)
    }
    /// The touched slots, in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut()
    }
}
