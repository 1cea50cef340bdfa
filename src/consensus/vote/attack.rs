//! Nodes that do not follow Proof of Vote. Each runs an honest node and rewrites what it orders.

use super::message::{Message, Proposal, Vote as Ballot, place, sign_vote};
use super::{
    Certificate, CertificateVote, Claim, Config, Randomness, Ratified, Record, Report, Timer, Vote, certificate_vote,
};
use crate::base::{Duration, Height, NodeId, VoterSet};
use crate::chain::Block;
use crate::protocol::{Attacker, Context, Effect, EffectOf, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    (
        "equivocate",
        "as butler, proposes another block to the second half of the commissioners, both to the last one; votes twice",
    ),
    (
        "double_vote",
        "as commissioner, votes for every proposal, reports that it voted for none, and passes no block on",
    ),
    ("withhold", "as butler, shows certificates to the first other commissioner only"),
    ("grind", "as butler, waits for more votes and picks those whose certificate gives it the next turn"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    Equivocate,
    DoubleVote,
    Withhold,
    Grind,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    mask: Vote,
    /// The other block of an equivocator.
    other: Option<Arc<Claim>>,
    /// Votes for the other block, or those that a grinder holds.
    held: BTreeMap<NodeId, Ballot>,
    /// The heights and rounds whose vote a double voter denied lately.
    denied: BTreeSet<(Height, u64)>,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Vote>,
) -> Option<Box<dyn Attacker<Vote>>> {
    let attack = match name {
        "equivocate" => Attack::Equivocate,
        "double_vote" => Attack::DoubleVote,
        "withhold" => Attack::Withhold,
        "grind" => Attack::Grind,
        _ => return None,
    };
    let mask = Vote::boot(config, log, ctx);
    Some(Box::new(Faulty { attack, mask, other: None, held: BTreeMap::new(), denied: BTreeSet::new() }))
}

impl Attacker<Vote> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Vote>) {
        let before = ctx.effects_mut().len();
        match (self.attack, &message) {
            (Attack::DoubleVote, Message::Propose(proposal)) => {
                let claim = &proposal.claim;
                let at = (claim.block.height(), claim.round);
                let ballot = self.mask.ballot(at.0, ctx);
                let vote = sign_vote(at, claim.block.id(), ballot, ctx);
                ctx.send(from, Message::Vote(vote));
            }
            (Attack::DoubleVote, Message::Report(report)) => {
                self.deny((report.height, report.round), ctx);
                self.mask.on_message(from, message, ctx);
            }
            (Attack::Equivocate, Message::Vote(vote)) if self.is_other(vote) => {
                self.held.insert(from, vote.clone());
                return self.publish_other(ctx);
            }
            (Attack::Grind, Message::Vote(vote)) if self.mask.proposed.is_some() => {
                self.held.insert(from, vote.clone());
                if self.held.len() == 1 {
                    ctx.set_timer(Timer::Attack, self.mask.config.cut_off.scale(1, 2));
                }
                return;
            }
            _ => self.mask.on_message(from, message, ctx),
        }
        self.rewrite(before, ctx);
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Vote>) {
        let before = ctx.effects_mut().len();
        if timer == Timer::Attack {
            self.grind(ctx);
        } else {
            self.mask.on_timer(timer, ctx);
        }
        self.rewrite(before, ctx);
    }
}

impl Faulty {
    fn is_other(&self, vote: &Ballot) -> bool {
        self.other.as_ref().is_some_and(|other| other.block.id() == vote.block && other.round == vote.round)
    }
    /// Reports that it voted for nothing, at whatever height others are.
    fn deny(&mut self, at: (Height, u64), ctx: &mut Context<'_, Vote>) {
        if self.denied.insert(at) {
            let signature = ctx.sign(&Report::statement(at.0, at.1, None));
            let report = Report { height: at.0, round: at.1, claim: None, commissioner: ctx.me(), signature };
            ctx.broadcast(Message::Report(Arc::new(report)));
        }
        if self.denied.len() > DENIED_MAX {
            self.denied.pop_first();
        }
    }
    fn rewrite(&mut self, before: usize, ctx: &mut Context<'_, Vote>) {
        let ordered = ctx.effects_mut().split_off(before);
        for effect in ordered {
            self.rewrite_one(effect, ctx);
        }
    }
    fn rewrite_one(&mut self, effect: EffectOf<Vote>, ctx: &mut Context<'_, Vote>) {
        match (self.attack, effect) {
            (Attack::Equivocate, Effect::Send { to, message: Message::Propose(m) }) => self.split(to, &m, ctx),
            (Attack::Equivocate, Effect::Send { to, message: Message::Certificate(_) | Message::Ratified(_) })
                if self.other.is_some() && is_second(to, ctx) => {}
            (Attack::Withhold, Effect::Send { to, message: Message::Certificate(_) | Message::Ratified(_) })
                if Some(&to) != Vote::others(ctx, true).first() => {}
            (Attack::Withhold | Attack::DoubleVote, Effect::Send { message: Message::Blocks(..), .. }) => {}
            (_, effect) => ctx.effects_mut().push(effect),
        }
    }
    /// The first half gets the block, the second another, the last commissioner both.
    fn split(&mut self, to: NodeId, honest: &Arc<Proposal>, ctx: &mut Context<'_, Vote>) {
        let claim = &honest.claim;
        let at = (claim.block.height(), claim.round);
        if self.other.as_ref().is_none_or(|other| (other.block.height(), other.round) != at) {
            // Another time is enough: other payments would need another coinbase.
            let mut header = claim.block.header;
            header.time += Duration::from_nanos(1);
            let block = Block::new(header, claim.block.batch.clone());
            self.held.clear();
            if ctx.committee().weight(ctx.me()) > 0 {
                let ballot = self.mask.ballot(at.0, ctx);
                self.held.insert(ctx.me(), sign_vote(at, block.id(), ballot, ctx));
            }
            self.other = Some(Claim::signed(claim.round, block, claim.fields.clone(), ctx));
        }
        let is_last = Some(&to) == Vote::others(ctx, true).last();
        if !is_second(to, ctx) || is_last {
            ctx.send(to, Message::Propose(honest.clone()));
        }
        if let Some(claim) = self.other.clone().filter(|_| is_second(to, ctx)) {
            ctx.send(to, Message::Propose(Arc::new(Proposal { claim, reports: honest.reports.clone() })));
        }
    }
    /// Shows the second half the certificate of the other block.
    fn publish_other(&mut self, ctx: &mut Context<'_, Vote>) {
        let Some(claim) = self.other.clone() else { return };
        let mut tally = VoterSet::default();
        for node in self.held.keys() {
            tally.add(*node, ctx.committee());
        }
        if tally.is_quorum(ctx.committee()) {
            let votes = self.held.iter().map(|(node, vote)| certificate_vote(*node, vote)).collect();
            let (height, round, block) = (claim.block.height(), claim.round, claim.block.id());
            let certificate = Arc::new(Certificate { height, round, block, votes });
            let (block, fields) = (claim.block.clone(), claim.fields.clone());
            let ratified = Arc::new(Ratified { block, fields, certificate });
            for to in ctx.committee().members().filter(|to| *to != ctx.me()).collect::<Vec<_>>() {
                if is_second(to, ctx) {
                    ctx.send(to, Message::Ratified(ratified.clone()));
                }
            }
        }
    }
    /// Leaves out one vote after the other until the certificate gives this butler the next turn.
    fn grind(&mut self, ctx: &mut Context<'_, Vote>) {
        let held = std::mem::take(&mut self.held);
        let Some(own) = self.mask.proposed.clone() else { return };
        let claim = own.claim.clone();
        let name = claim.block.id();
        self.mask.votes.extend(held);
        let votes = self.mask.votes.iter().filter(|(_, vote)| (vote.round, vote.block) == (claim.round, name));
        let all: Vec<CertificateVote> = votes.map(|(node, vote)| certificate_vote(*node, vote)).collect();
        let (height, round) = (claim.block.height(), claim.round);
        let certified = |votes: Vec<CertificateVote>| Certificate { height, round, block: name, votes };
        if !certified(all.clone()).is_complete(ctx.committee()) {
            return;
        }
        let mine = self.mask.duty.iter().position(|node| *node == ctx.me()).map(|at| at as u64);
        let is_mine = |votes: &Vec<CertificateVote>| {
            let certificate = certified(votes.clone());
            let butlers = self.mask.duty.len();
            certificate.is_complete(ctx.committee())
                && Some(place(Some(&certificate), claim.block.header.time, butlers)) == mine
        };
        let without = |set: u64| -> Vec<CertificateVote> {
            let kept = all.iter().enumerate().filter(|(at, _)| *at >= 64 || set & (1 << at) == 0);
            kept.map(|(_, vote)| vote.clone()).collect()
        };
        let tries = if self.mask.config.randomness == Randomness::Certificate { TRIES } else { 0 };
        let best = (0..tries).map(without).find(is_mine).unwrap_or_else(|| all.clone());
        self.mask.publish(&claim, best, ctx);
    }
}

/// Heights and rounds that a double voter remembers.
const DENIED_MAX: usize = 64;
/// Sets of votes that a grinder tries.
const TRIES: u64 = 1024;

/// Whether a node is in the half that sees the other block.
fn is_second(node: NodeId, ctx: &Context<'_, Vote>) -> bool {
    let others: Vec<NodeId> = ctx.committee().members().filter(|to| *to != ctx.me()).collect();
    let voting = others.iter().filter(|to| ctx.committee().weight(**to) > 0).count();
    others.iter().position(|to| *to == node).is_some_and(|at| at * 2 >= voting.saturating_sub(1))
}
