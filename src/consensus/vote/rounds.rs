//! What happens when a round fails (rules 3 and 5), and how a node catches up.

use super::{AHEAD_MOST, ANSWER, Claim, Message, Proposal, Quorum, Ratified, Record, Report, Timer, Vote};
use crate::base::{Hash, Height, NodeId, Tally};
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
        self.ask_next(ctx);
        self.enter(self.round.saturating_add(1), ctx);
    }
    /// Goes to a higher round; a commissioner says so, with its last vote.
    fn enter(&mut self, round: u64, ctx: &mut Context<'_, Self>) {
        self.round = round;
        self.begin_round(ctx);
        if self.reports_rounds(ctx) {
            self.persist(Record::Left(round), ctx);
            self.report(ctx);
        }
    }
    pub(super) fn reports_rounds(&self, ctx: &Context<'_, Self>) -> bool {
        self.config.hardened && ctx.committee().weight(ctx.me()) > 0
    }
    /// Says that all rounds below this one are over, and what this commissioner voted for in them.
    pub(super) fn report(&mut self, ctx: &mut Context<'_, Self>) {
        let (height, round) = (self.tip.height().next(), self.round);
        let claim = self.voted.as_ref().map(|(claim, _)| claim.clone());
        let signature = ctx.sign(&Report::statement(height, round, claim.as_deref()));
        let report = Arc::new(Report { height, round, claim, commissioner: ctx.me(), signature });
        ctx.broadcast(Message::Report(report.clone()));
        self.count(report, ctx);
    }
    /// Says again what may have been lost: later rounds are long, and nothing else brings them to an end before their time.
    pub(super) fn repeat(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.set_timer(Timer::Repeat, self.config.cut_off);
        if let Some(report) = self.reports.get(&ctx.me()).filter(|report| report.round == self.round) {
            ctx.broadcast(Message::Report(report.clone()));
        }
        self.tell_proposal(ctx);
    }
    pub(super) fn on_report(&mut self, from: NodeId, report: &Arc<Report>, ctx: &mut Context<'_, Self>) {
        if report.height != self.tip.height().next() {
            return self.reconcile(from, report.height, ctx);
        }
        let is_old = self.reports.get(&from).is_some_and(|known| known.round >= report.round);
        if is_old || ctx.committee().weight(from) == 0 || !self.is_sound(report, ctx) {
            return;
        }
        self.count(report.clone(), ctx);
    }
    /// Whether an honest commissioner could have voted for what is reported. What no butler signed, or what breaks a
    /// rule, had no honest vote: a liar made it up, to have it proposed again.
    fn is_sound(&self, report: &Report, ctx: &mut Context<'_, Self>) -> bool {
        report.claim.as_ref().is_none_or(|claim| {
            claim.round < report.round && self.is_in_turn(claim, ctx) && self.is_valid(&claim.block, ctx)
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
        // The first butler waits for the interval, whoever is in a hurry.
        if self.round > 0 {
            self.propose(ctx);
        }
    }
    /// Whether the block may be proposed in its round.
    pub(super) fn is_justified(&self, proposal: &Proposal, ctx: &mut Context<'_, Self>) -> bool {
        let claim = &proposal.claim;
        let is_new = claim.fields.round == claim.round;
        if !self.config.hardened {
            return is_new && claim.round - self.round <= AHEAD_MOST;
        }
        match claim.round {
            0 => is_new,
            round => match self.choice(&proposal.reports, round, ctx) {
                Choice::Open => false,
                Choice::Free => is_new,
                Choice::Bound(must) => must.block.id() == claim.block.id(),
            },
        }
    }
    /// What may be proposed in `round` after these reports.
    pub(super) fn choice(&self, reports: &[Arc<Report>], round: u64, ctx: &mut Context<'_, Self>) -> Choice {
        let (height, committee) = (self.tip.height().next(), ctx.committee());
        let mut tally = Tally::default();
        let is_set = reports.iter().all(|report| {
            (report.height, report.round) == (height, round)
                && committee.weight(report.commissioner) > 0
                && tally.add(report.commissioner, committee)
                && self.is_sound(report, ctx)
        });
        if !is_set || !tally.is_quorum(committee) {
            return Choice::Open;
        }
        let claimed = reports.iter().filter_map(|report| report.claim.as_ref());
        let faulty = if self.config.quorum == Quorum::Majority { 0 } else { committee.faulty() };
        // Those caught lying are not believed, and are none of those who lie unseen.
        let caught = if faulty > 0 { two_faced(claimed) } else { BTreeSet::new() };
        let believed = || reports.iter().filter(|report| !caught.contains(&report.commissioner));
        let liars = faulty.saturating_sub(caught.iter().map(|node| committee.weight(*node)).sum());
        let silent = committee.total() - believed().count() as u64;
        // Where no commissioner lies, the last round in which anybody voted already honoured the rounds before it.
        let last = believed().filter_map(|report| report.claim.as_ref()).map(|claim| claim.round).max();
        let claims = || {
            let claims = believed().filter_map(|report| report.claim.as_ref());
            claims.filter(|claim| faulty > 0 || Some(claim.round) == last)
        };
        // The rounds of the votes for each block, the last first.
        let mut votes: BTreeMap<Hash, Vec<u64>> = BTreeMap::new();
        claims().for_each(|claim| votes.entry(claim.block.id()).or_default().push(claim.round));
        votes.values_mut().for_each(|rounds| rounds.sort_unstable_by(|a, b| b.cmp(a)));
        // Of more voters for another block than may lie one is honest, and saw that nothing else was certified before.
        let floor = |name: &Hash| {
            let others = votes.iter().filter(|(other, _)| *other != name);
            others.filter_map(|(_, rounds)| rounds.get(liars as usize).copied()).max().unwrap_or_default()
        };
        let count = |name: &Hash, rounds: &[u64]| rounds.iter().filter(|round| **round >= floor(name)).count() as u64;
        // Its only block may have been certified before, by others than those who voted for it again.
        let is_only = faulty == 0 && votes.len() == 1;
        let is_open =
            |(name, rounds): &(&Hash, &Vec<u64>)| is_only || silent + count(name, rounds) + liars >= committee.quorum();
        let mut open = votes.iter().filter(is_open);
        match (open.next(), open.next()) {
            (None, _) => Choice::Free,
            (Some((name, _)), None) => claims()
                .find(|claim| claim.block.id() == *name)
                .map_or(Choice::Free, |claim| Choice::Bound(claim.clone())),
            (Some(_), Some(_)) => Choice::Open,
        }
    }
}

/// The butlers that signed two blocks in one round.
fn two_faced<'a>(claims: impl Iterator<Item = &'a Arc<Claim>>) -> BTreeSet<NodeId> {
    let mut first = BTreeMap::new();
    claims
        .filter(|claim| !first.entry((claim.butler, claim.round)).or_insert(*claim).is_same(claim))
        .map(|claim| claim.butler)
        .collect()
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
    /// Asks one peer after the other.
    pub(super) fn ask_next(&mut self, ctx: &mut Context<'_, Self>) {
        let others = (ctx.committee().n() as u64 - 1).max(1);
        let helper = ctx.committee().in_turn(u64::from(ctx.me().0) + 1 + self.asked % others);
        self.asked += 1;
        if helper != ctx.me() {
            self.ask(helper, ctx);
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
