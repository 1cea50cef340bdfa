//! What happens when a round fails (rules 3 and 5), how a node catches up, and how it starts again.

use super::message::Vote as Ballot;
use super::{ANSWER, Claim, Config, Message, Ratified, Record, Report, Timer, Vote};
use crate::base::{Committee, Hash, Height, NodeId, Tally};
use crate::chain::{Block, BlockIndex};
use crate::protocol::{Context, note};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What reports leave to the butler.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    /// Not enough to tell.
    Open,
    /// Any block.
    Free,
    /// This block, which may be certified.
    Bound(Arc<Claim>),
}

/// Giving up.
impl Vote {
    pub(super) fn cut_off(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.note(note::WASTED, self.round);
        let helper =
            ctx.committee().in_turn(u64::from(ctx.me().0) + 1 + self.asked % (ctx.committee().n() as u64 - 1).max(1));
        self.asked += 1;
        if helper != ctx.me() {
            self.ask(helper, ctx);
        }
        self.enter(self.round + 1, ctx);
    }
    /// Goes to a higher round; a commissioner says so, with its last vote.
    fn enter(&mut self, round: u64, ctx: &mut Context<'_, Self>) {
        self.round = round;
        self.begin_round(ctx);
        if !self.config.hardened || ctx.committee().weight(ctx.me()) == 0 {
            return;
        }
        let height = self.tip.height().next();
        ctx.persist(Record::Left(height, round));
        let claim = self.voted.as_ref().map(|(claim, _)| claim.clone());
        let signature = ctx.sign(&Report::statement(height, round, claim.as_deref()));
        let report = Arc::new(Report { height, round, claim, commissioner: ctx.me(), signature });
        ctx.broadcast(Message::Report(report.clone()));
        self.count(report, ctx);
    }
    pub(super) fn on_report(&mut self, from: NodeId, report: &Arc<Report>, ctx: &mut Context<'_, Self>) {
        if report.height != self.tip.height().next() {
            return self.reconcile(from, report.height, ctx);
        }
        let is_old = self.reports.get(&from).is_some_and(|known| known.round >= report.round);
        if is_old || ctx.committee().weight(from) == 0 || !self.is_sound(report) {
            return;
        }
        self.count(report.clone(), ctx);
    }
    /// Whether the block claimed could have been voted for on this tip, in an earlier round.
    fn is_sound(&self, report: &Report) -> bool {
        report.claim.as_ref().is_none_or(|claim| {
            claim.round < report.round
                && claim.block.parent() == self.tip.id()
                && claim.block.header.seal == claim.fields.seal()
        })
    }
    /// Follows a set of commissioners that holds an honest one; the duty butler proposes when it has a quorum.
    fn count(&mut self, report: Arc<Report>, ctx: &mut Context<'_, Self>) {
        self.reports.insert(report.commissioner, report);
        let mut rounds: Vec<u64> = self.reports.values().map(|report| report.round).collect();
        rounds.sort_unstable_by(|a, b| b.cmp(a));
        let blocking = ctx.committee().blocking() as usize;
        if let Some(round) = rounds.get(blocking - 1).copied().filter(|round| *round > self.round) {
            return self.enter(round, ctx);
        }
        self.propose(ctx);
    }
    /// What may be proposed in `round` after these reports.
    pub(super) fn choice(&self, reports: &[Arc<Report>], round: u64, committee: &Committee) -> Choice {
        let height = self.tip.height().next();
        let mut tally = Tally::default();
        let is_set = reports.iter().all(|report| {
            (report.height, report.round) == (height, round)
                && committee.weight(report.commissioner) > 0
                && self.is_sound(report)
                && tally.add(report.commissioner, committee)
        });
        if !is_set || !tally.is_quorum(committee) {
            return Choice::Open;
        }
        let claims = || reports.iter().filter_map(|report| report.claim.as_ref());
        // Where no commissioner lies, the last round in which anybody voted already honoured the rounds before it.
        let liars = if self.config.quorum == super::Quorum::Majority { 0 } else { committee.faulty() };
        let last = claims().map(|claim| claim.round).max();
        let names: BTreeSet<Hash> =
            claims().filter(|claim| liars > 0 || Some(claim.round) == last).map(|claim| claim.block.id()).collect();
        let possible = |name: &Hash| {
            let votes = claims().filter(|claim| claim.block.id() == *name).count() as u64;
            (committee.total() - tally.weight() + votes + liars).min(committee.total())
        };
        let mut open = names.iter().filter(|name| possible(name) >= committee.quorum());
        match (open.next(), open.next()) {
            (None, _) => Choice::Free,
            (Some(name), None) => claims()
                .find(|claim| claim.block.id() == *name)
                .map_or(Choice::Free, |claim| Choice::Bound(claim.clone())),
            (Some(_), Some(_)) => Choice::Open,
        }
    }
}

/// Catching up.
impl Vote {
    /// Something was said about another height than this node's: one of the two is behind.
    pub(super) fn reconcile(&mut self, from: NodeId, height: Height, ctx: &mut Context<'_, Self>) {
        if from == ctx.me() {
            return;
        }
        if height > self.tip.height().next() {
            self.ask(from, ctx);
        } else if let Some(below) = height.previous() {
            self.answer(from, below, ctx);
        }
    }
    pub(super) fn ask(&self, whom: NodeId, ctx: &mut Context<'_, Self>) {
        ctx.send(whom, Message::Ask(self.tip.height()));
    }
    pub(super) fn answer(&self, to: NodeId, above: Height, ctx: &mut Context<'_, Self>) {
        let list: Vec<Arc<Ratified>> = self.ratified.iter().skip(above.0 as usize).take(ANSWER).cloned().collect();
        if !list.is_empty() && to != ctx.me() {
            ctx.send(to, Message::Blocks(Arc::new(list)));
        }
    }
}

/// Starting, for the first time or again.
impl Vote {
    pub(super) fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Vote {
        let nodes = ctx.committee().n();
        let genesis: Arc<Block> = ctx.tree().block(BlockIndex::GENESIS).clone();
        let durable = ctx.durable().height();
        let mut node = Vote {
            config: config.clone(),
            tip: genesis,
            ratified: Vec::new(),
            duty: config.candidates(nodes).take(config.butlers(nodes)).collect(),
            missed: vec![0; nodes],
            round: 0,
            voted: None,
            heard: None,
            proposed: None,
            voices: BTreeMap::new(),
            reports: BTreeMap::new(),
            asked: 0,
        };
        for ratified in log.iter().filter_map(|record| if let Record::Ratified(m) = record { Some(m) } else { None }) {
            node.take(ratified);
            // Logged, but the node stopped before its chain had it.
            if ratified.block.height() > durable {
                ctx.extend(ratified.block.clone());
                ctx.finalize(ratified.block.height());
            }
        }
        node.begin_height(ctx);
        let height = node.tip.height().next();
        for record in log {
            match record {
                Record::Proposed(m) if m.claim.block.height() == height => {
                    node.proposed = Some(m.clone());
                    node.round = node.round.max(m.claim.round);
                }
                Record::Voted(claim, vote) if vote.height == height => node.remember(claim, vote),
                Record::Left(at, round) if *at == height => node.round = node.round.max(*round),
                _ => {}
            }
        }
        if !log.is_empty() {
            node.resume(ctx);
        }
        node
    }
    fn remember(&mut self, claim: &Arc<Claim>, vote: &Ballot) {
        self.voted = Some((claim.clone(), vote.clone()));
        self.round = self.round.max(claim.round);
    }
    /// Repeats what may not have left before the stop.
    fn resume(&mut self, ctx: &mut Context<'_, Self>) {
        self.begin_round(ctx);
        if let Some(own) = self.proposed.clone().filter(|own| own.claim.round == self.round) {
            if let Some((_, vote)) = self.voted.clone().filter(|(last, _)| last.round == own.claim.round) {
                self.voices.insert(ctx.me(), vote);
            }
            for to in Vote::others(ctx, true) {
                ctx.send(to, Message::Propose(own.clone()));
            }
            self.on_proposal(ctx.me(), &own, ctx);
        }
        ctx.set_timer(Timer::CutOff, self.config.cut_off);
    }
}
