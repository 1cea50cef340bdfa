//! Whose turn it is, and who is elected (rules 1 and 6).

use super::message::{Ballot, Certificate, Claim, Fields, place};
use super::{Config, Election, Randomness, Vote};
use crate::base::{Committee, Height, NodeId, Time};
use crate::protocol::Context;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Config {
    pub(super) fn commissioners(&self, nodes: usize) -> usize {
        if self.commissioners == 0 { nodes } else { self.commissioners.min(nodes) }
    }
    pub(super) fn candidates(&self, nodes: usize) -> impl Iterator<Item = NodeId> + use<> {
        let first = if self.commissioners_stand { 0 } else { self.commissioners(nodes) };
        (first..nodes).map(NodeId::from)
    }
    pub(super) fn butlers(&self, nodes: usize) -> usize {
        let candidates = self.candidates(nodes).count();
        if self.butlers == 0 { candidates } else { self.butlers.min(candidates) }
    }
    pub(super) fn is_special(&self, height: Height) -> bool {
        height.0.is_multiple_of(self.tenure + 1)
    }
}

/// Turns.
impl Vote {
    pub(super) fn certificate(&self) -> Option<&Arc<Certificate>> {
        self.ratified.last().map(|last| &last.certificate)
    }
    /// The duty butler of a round above the tip, given the certificate of the tip.
    pub(super) fn butler(&self, parent: Option<&Certificate>, round: u64) -> NodeId {
        let count = self.duty.len() as u64;
        let place = match self.config.randomness {
            Randomness::Certificate => place(parent, self.tip.header.time, self.duty.len()),
            Randomness::Seed => place(None, Time::from_nanos(self.tip.height().0), self.duty.len()),
        };
        self.duty[((place + round % count) % count) as usize]
    }
    pub(super) fn is_on_duty(&self, me: NodeId) -> bool {
        self.butler(self.certificate().map(|c| &**c), self.round) == me
    }
    /// Whether this round is a node's, drawn from its certificate of the tip or from another that a block was voted on
    /// with: where a certificate came late, the next butler got another.
    pub(super) fn may_be_on_duty(&self, me: NodeId) -> bool {
        let briefs = self.reports.values().filter_map(|report| report.claim.as_ref());
        let claims = briefs.filter_map(|brief| self.claim(&brief.block));
        let mut parents = claims.map(|claim| claim.fields.parent.as_deref());
        self.is_on_duty(me) || parents.any(|parent| self.butler(parent, self.round) == me)
    }
    /// Whether a block stands on the tip and its butlers had their turns, at a time that may be.
    pub(super) fn is_in_turn(&self, claim: &Claim, ctx: &Context<'_, Self>) -> bool {
        let (header, fields) = (&claim.block.header, &claim.fields);
        let parent = fields.parent.as_deref();
        header.parent == self.tip.id()
            && header.height == self.tip.height().next()
            && header.seal == fields.seal()
            && header.merkle == claim.block.batch.digest()
            && self.is_rooted(fields, ctx.committee())
            && fields.round <= claim.round
            && header.proposer == self.butler(parent, fields.round)
            && claim.butler == self.butler(parent, claim.round)
            && header.time >= self.tip.header.time
            && header.time <= ctx.now() + self.config.cut_off
    }
    /// Whether a header carries a certificate of the tip.
    pub(super) fn is_rooted(&self, fields: &Fields, committee: &Committee) -> bool {
        match fields.parent.as_deref() {
            None => self.tip.height() == Height::GENESIS,
            Some(parent) => {
                (parent.height, parent.block) == (self.tip.height(), self.tip.id()) && self.is_proof(parent, committee)
            }
        }
    }
    /// Whether a certificate has its quorum, with the ballots that its height asks for.
    pub(super) fn is_proof(&self, certificate: &Certificate, committee: &Committee) -> bool {
        certificate.is_complete(committee)
            && certificate.votes.iter().all(|vote| self.is_ballot(&vote.ballot, certificate.height))
    }
}

/// Elections.
impl Vote {
    /// The candidates that this commissioner votes for.
    pub(super) fn ballot(&self, height: Height, ctx: &mut Context<'_, Self>) -> Ballot {
        if !self.config.is_special(height.next()) {
            return None;
        }
        let nodes = ctx.committee().n();
        let mut candidates: Vec<NodeId> = self.config.candidates(nodes).collect();
        match self.config.election {
            Election::Performance => candidates.sort_by_key(|node| (self.missed[node.index()], *node)),
            Election::Random => ctx.random().shuffle(&mut candidates),
        }
        candidates.truncate(self.config.butlers(nodes));
        Some(candidates.into())
    }
    /// Whether a vote at this height may hold this ballot: as many different candidates as there are butlers, before an
    /// election and only then.
    pub(super) fn is_ballot(&self, ballot: &Ballot, height: Height) -> bool {
        let nodes = self.missed.len();
        let Some(choices) = ballot else { return !self.config.is_special(height.next()) };
        let first = self.config.candidates(nodes).next().unwrap_or_default();
        self.config.is_special(height.next())
            && choices.len() == self.config.butlers(nodes)
            && choices.iter().all(|node| *node >= first && node.index() < nodes)
            && choices.iter().collect::<BTreeSet<_>>().len() == choices.len()
    }
    /// The candidates with the most votes; ties go to the lower number.
    pub(super) fn elect(&self, certificate: &Certificate) -> Vec<NodeId> {
        let nodes = self.missed.len();
        let mut votes = vec![0u32; nodes];
        for ballot in certificate.votes.iter().filter_map(|vote| vote.ballot.as_ref()) {
            ballot.iter().for_each(|node| votes[node.index()] += 1);
        }
        let mut elected: Vec<NodeId> = self.config.candidates(nodes).collect();
        elected.sort_by_key(|node| (Reverse(votes[node.index()]), *node));
        elected.truncate(self.config.butlers(nodes));
        elected
    }
}
