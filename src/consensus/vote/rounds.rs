//! What happens when a round fails (rules 3 and 5), and how a node catches up.

use super::{AHEAD_MAX, ANSWER, Brief, CLAIMS_MAX, Claim, Message, Proposal, Quorum, Record, Report, Timer, Vote};
use crate::base::{Hash, Height, NodeId, VoterSet};
use crate::protocol::request::{Backoff, answer};
use crate::protocol::{Context, note};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What reports leave to the butler.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    /// Not enough votes to decide.
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
        let claim = self.voted.as_ref().map(|(claim, _)| Brief::of(claim));
        let signature = ctx.sign(&Report::statement(height, round, claim.as_ref()));
        let report = Arc::new(Report { height, round, claim, commissioner: ctx.me(), signature });
        ctx.broadcast(Message::Report(report.clone()));
        self.count(report, ctx);
    }
    /// Says again what may have been lost: later rounds are long, and nothing else brings them to an end before their time.
    pub(super) fn repeat(&mut self, ctx: &mut Context<'_, Self>) {
        self.repeats += 1;
        ctx.set_timer(Timer::Repeat, self.config.cut_off * (1 << self.repeats.min(6)));
        if let Some(report) = self.reports.get(&ctx.me()).filter(|report| report.round == self.round) {
            ctx.broadcast(Message::Report(report.clone()));
        }
        self.send_proposal(ctx);
    }
    pub(super) fn on_report(&mut self, from: NodeId, report: &Arc<Report>, ctx: &mut Context<'_, Self>) {
        if report.height != self.tip.height().next() {
            return self.reconcile(from, report.height, ctx);
        }
        let is_old = self.reports.get(&from).is_some_and(|known| known.round >= report.round);
        if is_old || ctx.committee().weight(from) == 0 {
            return;
        }
        if let Some(claim) = report.claim.as_ref().filter(|claim| self.claim(&claim.block).is_none()) {
            self.want(from, claim.block, ctx);
        } else if !self.is_sound(report, ctx) {
            return;
        }
        self.count(report.clone(), ctx);
    }
    /// Whether an honest commissioner could have voted for what is reported. What no butler signed, or what breaks a
    /// rule, had no honest vote: a Byzantine node made it up, to have it proposed again. Nothing is known of a block that is not here.
    pub(super) fn is_sound(&mut self, report: &Report, ctx: &mut Context<'_, Self>) -> bool {
        let Some(brief) = &report.claim else { return true };
        let Some(claim) = self.claim(&brief.block).map(|known| brief.with(known)) else { return false };
        claim.round < report.round && self.is_in_turn(&claim, ctx) && self.is_valid(&claim.block, ctx)
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
        // The first butler always waits for the interval.
        if self.round > 0 {
            self.propose(ctx);
        }
    }
    /// Whether the block may be proposed in its round.
    pub(super) fn is_justified(&mut self, proposal: &Proposal, ctx: &mut Context<'_, Self>) -> bool {
        let claim = &proposal.claim;
        let is_new = claim.fields.round == claim.round;
        if !self.config.hardened {
            return is_new && claim.round - self.round <= AHEAD_MAX;
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
    pub(super) fn choice(&mut self, reports: &[Arc<Report>], round: u64, ctx: &mut Context<'_, Self>) -> Choice {
        let (height, committee) = (self.tip.height().next(), ctx.committee());
        let mut tally = VoterSet::default();
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
        let unexposed = faulty.saturating_sub(caught.iter().map(|node| committee.weight(*node)).sum());
        let silent = committee.total() - believed().count() as u64;
        // Where no commissioner lies, the last round with a vote already honoured the rounds before it.
        let last = believed().filter_map(|report| report.claim.as_ref()).map(|claim| claim.round).max();
        let claims = || {
            let claims = believed().filter_map(|report| report.claim.as_ref());
            claims.filter(|claim| faulty > 0 || Some(claim.round) == last)
        };
        // The rounds of the votes for each block, the last first.
        let mut votes: BTreeMap<Hash, Vec<u64>> = BTreeMap::new();
        claims().for_each(|claim| votes.entry(claim.block).or_default().push(claim.round));
        votes.values_mut().for_each(|rounds| rounds.sort_unstable_by(|a, b| b.cmp(a)));
        // Of more voters for another block than may lie one is honest, and saw that nothing else was certified before.
        let floor = |name: &Hash| {
            let others = votes.iter().filter(|(other, _)| *other != name);
            others.filter_map(|(_, rounds)| rounds.get(unexposed as usize).copied()).max().unwrap_or_default()
        };
        let count = |name: &Hash, rounds: &[u64]| rounds.iter().filter(|round| **round >= floor(name)).count() as u64;
        // Its only block may have been certified before, by others than those who voted for it again.
        let is_only = faulty == 0 && votes.len() == 1;
        let is_open = |(name, rounds): &(&Hash, &Vec<u64>)| {
            is_only || silent + count(name, rounds) + unexposed >= committee.quorum()
        };
        let mut open = votes.iter().filter(is_open);
        match (open.next(), open.next()) {
            (None, _) => Choice::Free,
            (Some((name, _)), None) => claims()
                .find(|claim| claim.block == *name)
                .and_then(|brief| Some(brief.with(self.claim(&brief.block)?)))
                .map_or(Choice::Free, Choice::Bound),
            (Some(_), Some(_)) => Choice::Open,
        }
    }
}

/// The butlers that signed two blocks in one round.
fn two_faced<'a>(claims: impl Iterator<Item = &'a Brief>) -> BTreeSet<NodeId> {
    let mut first = BTreeMap::new();
    claims
        .filter(|claim| !first.entry((claim.butler, claim.round)).or_insert(*claim).is_same(claim))
        .map(|claim| claim.butler)
        .collect()
}

/// Blocks of the next height that others name.
impl Vote {
    /// Some claim of this block.
    pub(super) fn claim(&self, block: &Hash) -> Option<&Arc<Claim>> {
        let own = self.proposed.iter().map(|own| &own.claim).chain(self.voted.iter().map(|(claim, _)| claim));
        self.claims.get(block).or_else(|| own.chain(&self.received).find(|claim| claim.block.id() == *block))
    }
    pub(super) fn keep(&mut self, claim: &Arc<Claim>) {
        if self.claims.len() < CLAIMS_MAX {
            self.claims.entry(claim.block.id()).or_insert_with(|| claim.clone());
        }
    }
    /// Asks for a block, and again when it is named again and the answer did not come.
    pub(super) fn want(&mut self, to: NodeId, block: Hash, ctx: &mut Context<'_, Self>) {
        if to == ctx.me() || (self.wanted.len() >= CLAIMS_MAX && !self.wanted.contains_key(&block)) {
            return;
        }
        let first = (ctx.now(), Backoff::new(self.config.cut_off));
        let (until, backoff) = self.wanted.entry(block).or_insert(first);
        if ctx.now() >= *until {
            *until = ctx.now() + backoff.next_wait();
            ctx.send(to, Message::Want(self.tip.height().next(), block));
        }
    }
    pub(super) fn on_want(&mut self, from: NodeId, height: Height, block: &Hash, ctx: &mut Context<'_, Self>) {
        if height != self.tip.height().next() {
            return self.reconcile(from, height, ctx);
        }
        if let Some(claim) = self.claim(block).filter(|_| from != ctx.me()) {
            ctx.send(from, Message::Claim(claim.clone()));
        }
    }
    /// A block that was asked for: what waited for it goes on.
    pub(super) fn on_claim(&mut self, claim: &Arc<Claim>, ctx: &mut Context<'_, Self>) {
        let header = &claim.block.header;
        let is_next = header.parent == self.tip.id() && header.height == self.tip.height().next();
        let is_whole = header.seal == claim.fields.seal() && header.merkle == claim.block.batch.digest();
        if !is_next || !is_whole || self.wanted.remove(&claim.block.id()).is_none() {
            return;
        }
        self.keep(claim);
        let named = |report: &&Arc<Report>| report.claim.as_ref().is_some_and(|brief| brief.block == claim.block.id());
        let named: Vec<Arc<Report>> = self.reports.values().filter(named).cloned().collect();
        for report in named {
            if !self.is_sound(&report, ctx) {
                self.reports.remove(&report.commissioner);
            }
        }
        match self.waiting.take() {
            Some((butler, Message::Propose(proposal))) => self.on_proposal(butler, &proposal, ctx),
            Some((butler, Message::Again(again))) => self.on_again(butler, &again, ctx),
            _ => {}
        }
        if self.round > 0 && claim.block.parent() == self.tip.id() {
            self.propose(ctx);
        }
    }
    /// Whether a proposal rests on blocks that are not here: it waits for them.
    pub(super) fn lacks(&mut self, from: NodeId, proposal: &Arc<Proposal>, ctx: &mut Context<'_, Self>) -> bool {
        let named =
            proposal.reports.iter().filter_map(|report| Some((report.commissioner, report.claim.as_ref()?.block)));
        let missing: Vec<(NodeId, Hash)> = named.filter(|(_, block)| self.claim(block).is_none()).collect();
        for (reporter, block) in &missing {
            self.want(if from == ctx.me() { *reporter } else { from }, *block, ctx);
        }
        if !missing.is_empty() {
            self.waiting = Some((from, Message::Propose(proposal.clone())));
        }
        !missing.is_empty()
    }
}

/// Cut-offs for which an answer is awaited at most.
const AWAITED_MAX: u64 = 8;

/// Catching up.
impl Vote {
    /// Something was said about another height than this node's: one of the two is behind. Who is, is shown the last
    /// certificate, and asks.
    pub(super) fn reconcile(&mut self, from: NodeId, height: Height, ctx: &mut Context<'_, Self>) {
        if from == ctx.me() {
            return;
        }
        if height > self.tip.height().next() {
            self.ask(from, ctx);
        } else if let Some(newest) = self.certificate().filter(|_| height <= self.tip.height()) {
            ctx.send(from, Message::Certificate(newest.clone()));
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
    /// Asks for the blocks above, unless an answer is under way.
    pub(super) fn ask(&mut self, to: NodeId, ctx: &mut Context<'_, Self>) {
        if to != ctx.me() && ctx.now() >= self.awaited {
            self.awaited = ctx.now() + self.backoff.next_wait().min(self.config.cut_off * AWAITED_MAX);
            self.helper = Some(to);
            ctx.send(to, Message::Ask(self.tip.height()));
        }
    }
    pub(super) fn answer(&self, to: NodeId, above: Height, ctx: &mut Context<'_, Self>) {
        let above = usize::try_from(above.0).unwrap_or(usize::MAX);
        let list = answer(self.ratified.iter().skip(above).cloned(), ANSWER, |ratified| ratified.bytes());
        // An answer without further blocks ends the wait.
        if to != ctx.me() {
            ctx.send(to, Message::Blocks(Arc::new(list), self.tip.height()));
        }
    }
}
