//! What was lost comes again: early messages, parts, statuses, decided blocks, evidence, and starting anew.

use super::message::{Certificate, Decided, DuplicateVote, Message, Part, Phase, Proposal, Status, Vote};
use super::{Config, NIL, Pool, Priorities, Record, Step, Tendermint, Timer, Value};
use crate::base::{Height, NodeId, Tally, Time};
use crate::chain::Block;
use crate::protocol::descent::Descent;
use crate::protocol::{Context, note, votes::Votes};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Messages of a round or height to come that are kept of one peer, besides parts: a proposal, its vote of each phase, and
/// one more.
const EARLY: usize = 4;
/// How often a validator asks after a restart, if nobody says anything else.
const ASKS: u32 = 3;
/// Decided blocks in one answer.
const BLOCKS: u64 = 16;

impl Tendermint {
    /// Whether a message of `round` may be handled now; if it is early it is kept, and its sender is ahead.
    fn is_due(&mut self, from: NodeId, at: (Height, u32), message: &Message, ctx: &mut Context<'_, Self>) -> bool {
        let (height, round) = at;
        if height > self.height() && ctx.committee().contains(from) {
            if height == self.height().next() && from != ctx.me() {
                let most = self.kept_most();
                let kept = self.next.entry(from).or_default();
                if kept.len() < most {
                    kept.push(message.clone());
                }
            }
            self.ask(from, height, ctx);
        }
        if height != self.height() || from == ctx.me() || !ctx.committee().contains(from) {
            return false;
        }
        if self.step == Step::Waiting {
            self.start_round(0, ctx);
        }
        if self.height() != height || round <= self.round {
            return self.height() == height;
        }
        let most = self.kept_most();
        let (known, kept) = self.early.entry(from).or_insert((round, Vec::new()));
        if *known < round {
            (*known, *kept) = (round, Vec::new());
        }
        if *known == round && kept.len() < most {
            kept.push(message.clone());
        }
        // Line 55: the highest round that a correct validator has reached.
        let mut rounds: Vec<(u32, NodeId)> = self.early.iter().map(|(node, (round, _))| (*round, *node)).collect();
        rounds.sort_unstable_by(|a, b| b.cmp(a));
        let mut weight = 0;
        let reached = rounds.into_iter().find(|(_, node)| {
            weight += ctx.committee().weight(*node);
            weight >= ctx.committee().blocking()
        });
        if let Some((round, _)) = reached {
            self.start_round(round, ctx);
        }
        false
    }
    pub(super) fn on_vote(&mut self, _from: NodeId, vote: &Arc<Vote>, ctx: &mut Context<'_, Self>) {
        if self.is_due(vote.voter, (vote.height, vote.round), &Message::Vote(vote.clone()), ctx) {
            self.count(vote, ctx);
            self.advance_current(ctx);
        }
    }
    fn advance_current(&mut self, ctx: &mut Context<'_, Self>) {
        if self.step == Step::Propose {
            self.try_prevote(ctx);
        }
    }
    pub(super) fn on_proposal(&mut self, message: Arc<(NodeId, Proposal)>, ctx: &mut Context<'_, Self>) {
        let (proposer, proposal) = *message;
        let Proposal { height, round, id, parts, .. } = proposal;
        if !self.is_due(proposer, (height, round), &Message::Proposal(message.clone()), ctx)
            || proposer != self.proposer(round)
            || u64::from(parts) > self.parts_most()
        {
            return;
        }
        let slot = self.rounds.entry(round).or_default();
        if slot.proposal.is_none() {
            slot.proposal = Some(message);
            if slot.value.as_ref().is_none_or(|value| value.block.id() != id) || slot.have.len() != parts as usize {
                (slot.have, slot.value) = (vec![false; parts as usize], None);
            }
            self.advance(round, ctx);
        }
    }
    pub(super) fn on_part(&mut self, from: NodeId, part: &Arc<Part>, ctx: &mut Context<'_, Self>) {
        let (round, height) = (part.round, part.value.block.height());
        if part.size != self.config.part_size || !self.is_due(from, (height, round), &Message::Part(part.clone()), ctx)
        {
            return;
        }
        let (id, parts) = (part.value.block.id(), part.value.parts(part.size));
        let slot = self.rounds.entry(round).or_default();
        let named = slot.proposal.as_ref().is_none_or(|m| (m.1.id, m.1.parts) == (id, parts));
        let same = slot.value.as_ref().is_none_or(|value| *value == part.value);
        if slot.judged.is_none() && named && same {
            slot.have.resize(parts as usize, false);
            slot.have[part.index as usize] = true;
            slot.value = Some(part.value.clone());
            self.advance(round, ctx);
        }
    }
    pub(super) fn on_polka(&mut self, polka: &Arc<Certificate>, ctx: &mut Context<'_, Self>) {
        if polka.height == self.height() && polka.round <= self.round && polka.is_complete(ctx.committee()) {
            self.rounds.entry(polka.round).or_default().polka = Some(polka.clone());
            self.advance(polka.round, ctx);
        }
    }
    pub(super) fn on_evidence(&mut self, proof: &Arc<DuplicateVote>, ctx: &mut Context<'_, Self>) {
        let height = proof.one.height;
        let counts = ctx.committee().contains(proof.one.voter) && height <= self.height() && !self.is_past(height, ctx);
        if counts && self.pool.add(proof) {
            ctx.note(note::EVIDENCE, u64::from(proof.one.voter.0));
            ctx.broadcast(Message::Evidence(proof.clone()));
        }
    }
    /// Whoever precommitted something else to this validator, or in another commit, than in this commit of the last height
    /// voted twice: votes are not passed on, and commits show what others got.
    pub(super) fn hold_against(&mut self, commit: &Arc<Certificate>, ctx: &mut Context<'_, Self>) {
        let (height, round) = (commit.height, commit.round);
        let is_about = (commit.phase, height) == (Phase::Precommit, self.tip.height());
        if !is_about || !commit.is_complete(ctx.committee()) {
            return;
        }
        let own = self.decided.get(&height).map(|decided| &decided.commit).filter(|own| own.round == round);
        let own = own.into_iter().map(|own| (own.id, &own.signatures));
        let heard = self.precommits.get(&round).into_iter().flat_map(Votes::ballots);
        let known = own.chain(heard.map(|ballot| (ballot.digest, &ballot.signatures)));
        let vote = |id, voter, signature| Vote { phase: Phase::Precommit, height, round, id, voter, signature };
        let mut proofs = Vec::new();
        for (id, signatures) in known.filter(|(id, _)| *id != commit.id) {
            for (voter, signature) in signatures {
                let other = commit.signatures.iter().find(|(other, _)| other == voter);
                proofs.extend(other.map(|(_, other)| DuplicateVote {
                    one: vote(id, *voter, *signature),
                    other: vote(commit.id, *voter, *other),
                }));
            }
        }
        // Nearly always there is none, and nothing to check.
        if !proofs.is_empty() && commit.is_genuine(ctx.keys()) {
            proofs.into_iter().for_each(|proof| self.on_evidence(&Arc::new(proof), ctx));
        }
    }
    /// A decision: the next, or one far ahead with which the way down begins.
    pub(super) fn on_decided(&mut self, from: NodeId, decided: &Arc<Decided>, ctx: &mut Context<'_, Self>) {
        let (value, commit) = (&decided.value, &decided.commit);
        let names = (commit.height, commit.id) == (value.block.height(), value.block.id());
        if !names || commit.height < self.height() || !commit.is_complete(ctx.committee()) {
            return self.hold_against(commit, ctx);
        }
        if commit.height > self.height() {
            if self.descent.is_none() {
                self.descent = Some(Descent::new(decided.clone(), &value.block));
                self.descend(from, ctx);
                self.watch(ctx);
            }
        } else if self.is_valid(value, true, ctx) {
            // There may be more than one answer holds.
            self.unsure = ASKS;
            self.decide(decided.clone(), ctx);
        }
    }
    /// Asks for what the way down lacks.
    fn descend(&self, peer: NodeId, ctx: &mut Context<'_, Self>) {
        if let Some(descent) = &self.descent {
            ctx.send(peer, Message::Ask { upto: descent.next(), above: self.tip.height() });
        }
    }
    pub(super) fn on_blocks(&mut self, from: NodeId, blocks: &[Arc<Block>], ctx: &mut Context<'_, Self>) {
        let tip = self.tip.clone();
        let Some(descent) = &mut self.descent else { return };
        if !descent.take(blocks, &tip) {
            return;
        }
        if descent.is_down(&tip) { self.arrive(from, ctx) } else { self.descend(from, ctx) }
    }
    /// The way down has reached the tip: up again.
    fn arrive(&mut self, from: NodeId, ctx: &mut Context<'_, Self>) {
        let Some((blocks, decided)) = self.descent.take().and_then(|descent| descent.finish(&self.tip)) else { return };
        if blocks.iter().any(|block| ctx.learn(block).is_none()) {
            return;
        }
        blocks.iter().for_each(|block| self.enter(block, ctx));
        ctx.finalize(self.tip.height());
        self.on_decided(from, &decided, ctx);
    }
    /// A block is at most twice its limit: transactions, commit and evidence.
    fn parts_most(&self) -> u64 {
        (2 * self.config.block.bytes).div_ceil(self.config.part_size) + 1
    }
    pub(super) fn kept_most(&self) -> usize {
        EARLY + usize::try_from(self.parts_most()).unwrap_or(usize::MAX - EARLY)
    }
    /// Whether a correct validator is in a later height: to begin this one would waste a round. One liar proves nothing.
    pub(super) fn is_behind(&self, ctx: &Context<'_, Self>) -> bool {
        let mut tally = Tally::default();
        let ahead = self.claims.iter().filter(|(_, height)| **height > self.height());
        for (node, _) in ahead {
            tally.add(*node, ctx.committee());
        }
        tally.is_blocking(ctx.committee())
    }
    /// A peer is ahead. If it is so by one, what is missing is probably under way, and the timer will see; otherwise it
    /// is asked, once for each height of ours.
    fn ask(&mut self, from: NodeId, height: Height, ctx: &mut Context<'_, Self>) {
        let (here, next) = (self.height(), self.height().next());
        let claim = self.claims.entry(from).or_insert(here);
        let (is_first, is_news) = (*claim <= next, height > *claim);
        *claim = height.max(*claim);
        if height > next && is_first && from != ctx.me() {
            ctx.send(from, Message::Status(Arc::new(self.status(from, ctx))));
        }
        if is_news && self.unheard > 0 {
            // There is something to ask for now, and its time to ask may be far off.
            (self.unheard, self.watched) = (0, None);
        }
        self.watch(ctx);
    }
    pub(super) fn watch(&mut self, ctx: &mut Context<'_, Self>) {
        if self.watched.is_none() {
            self.watched = Some((self.height(), self.round, self.step));
            ctx.set_timer(Timer::Status, self.config.status_interval * (1 << self.unheard.min(5)));
        }
    }
    pub(super) fn on_status_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let stuck = self.watched.take() == Some((self.height(), self.round, self.step));
        let is_at_rest = self.step == Step::Waiting
            && self.descent.is_none()
            && self.claims.values().all(|height| *height <= self.height());
        if is_at_rest && self.unsure == 0 {
            return;
        }
        self.unsure = self.unsure.saturating_sub(1);
        self.unheard = if stuck { self.unheard + 1 } else { 0 };
        if self.unheard > 5 {
            // Whoever claimed to be further could not show it.
            self.claims.clear();
        }
        if stuck && ctx.committee().n() > 1 {
            // The others in turn, none twice in a row: each time takes longer.
            let further = 1 + self.asked % (ctx.committee().n() as u64 - 1);
            let helper = ctx.committee().in_turn(u64::from(ctx.me().0) + further);
            self.asked += 1;
            let status = self.status(helper, ctx);
            self.descend(helper, ctx);
            ctx.broadcast(Message::Status(Arc::new(status)));
            self.pool.pending().take(1).for_each(|proof| ctx.broadcast(Message::Evidence(proof.clone())));
        }
        self.watch(ctx);
    }
    fn status(&self, helper: NodeId, ctx: &Context<'_, Self>) -> Status {
        let slot = self.rounds.get(&self.round).cloned().unwrap_or_default();
        let [prevotes, precommits] = slot.voters;
        let (height, round, members) = (self.height(), self.round, ctx.committee().n() as u32);
        Status {
            height,
            round,
            proposal: slot.proposal.is_some(),
            parts: slot.have,
            prevotes,
            precommits,
            members,
            helper,
        }
    }
    /// Answers with what the peer lacks: this validator's own votes, and, if it is the one asked, everything.
    pub(super) fn on_status(&mut self, from: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        let (me, helps) = (ctx.me(), status.helper == ctx.me());
        if status.height > self.height() {
            return self.ask(from, status.height, ctx);
        }
        if status.height < self.height() || !ctx.committee().contains(from) || from == me {
            let heights = status.height..Height(status.height.0.saturating_add(BLOCKS));
            let held = self.decided.range(heights).map(|(_, decided)| decided);
            // What is older is in the chain, below the last decision.
            let is_older = status.height < self.height() && !self.decided.contains_key(&status.height);
            let last = self.decided.values().next_back().filter(|_| is_older);
            for decided in held.filter(|_| !is_older).chain(last).filter(|_| helps) {
                ctx.send(from, Message::Decided(decided.clone()));
            }
            return;
        }
        self.release(status.round, ctx);
        let own = self.said.values().filter(|vote| vote.round == status.round || vote.round >= self.round);
        own.for_each(|vote| ctx.send(from, Message::Vote(Arc::new(*vote))));
        let valid = self.valid.as_ref().and_then(|(_, round)| self.polka(*round));
        for polka in valid.into_iter().filter(|_| helps) {
            ctx.send(from, Message::Polka(polka.clone()));
        }
        let Some(slot) = self.rounds.get(&status.round) else { return };
        let proposes = slot.proposal.as_ref().is_some_and(|m| m.0 == me);
        if helps || proposes {
            if let Some(proposal) = slot.proposal.as_ref().filter(|_| !status.proposal) {
                ctx.send(from, Message::Proposal(proposal.clone()));
            }
            if let Some(value) = slot.value.as_ref().filter(|_| slot.judged.is_some()) {
                let lacks = |index: &u32| !status.parts.get(*index as usize).copied().unwrap_or(false);
                for index in (0..value.parts(self.config.part_size)).filter(lacks) {
                    let part = Part { round: status.round, index, size: self.config.part_size, value: value.clone() };
                    ctx.send(from, Message::Part(Arc::new(part)));
                }
            }
        }
        for (phase, has) in [(Phase::Prevote, &status.prevotes), (Phase::Precommit, &status.precommits)] {
            for ballot in slot.votes[phase as usize].ballots().filter(|_| helps) {
                for (voter, signature) in ballot.signatures.iter().filter(|(voter, _)| !has.contains(*voter)) {
                    let (height, round, id) = (self.height(), status.round, ballot.digest);
                    let vote = Vote { phase, height, round, id, voter: *voter, signature: *signature };
                    ctx.send(from, Message::Vote(Arc::new(vote)));
                }
            }
        }
        self.ask_back(from, status, ctx);
    }
    /// Whoever is in a round that this validator left without a precommit may lack one to leave it, and who showed the others
    /// to this one may be silent, or this one have forgotten them in a crash: to have left it, voting or not, is as good as a
    /// precommit for nil. Only of the rounds just left: a quorum took part in each, so that nobody is alone further behind.
    fn release(&mut self, round: u32, ctx: &mut Context<'_, Self>) {
        let is_recent = round < self.round && round.saturating_add(2) >= self.round;
        if is_recent {
            self.pledge(Phase::Precommit, round, NIL, ctx);
        }
    }
    /// Asks a peer that has more of this round, if this validator is stuck: its own time to ask may be far off.
    fn ask_back(&mut self, from: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        if self.unheard == 0 || status.round != self.round {
            return;
        }
        let own = self.status(from, ctx);
        let is_more = |theirs: &Tally, ours: &Tally| theirs.members().any(|node| !ours.contains(node));
        let has_more = (status.proposal && !own.proposal)
            || is_more(&status.prevotes, &own.prevotes)
            || is_more(&status.precommits, &own.precommits);
        if has_more {
            (self.unheard, self.watched) = (0, None);
            ctx.send(from, Message::Status(Arc::new(own)));
            self.watch(ctx);
        }
    }
    pub(super) fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Tendermint {
        let mut node = Tendermint {
            config: config.clone(),
            tip: ctx.durable(),
            round: 0,
            step: Step::Waiting,
            locked: None,
            valid: None,
            rounds: BTreeMap::new(),
            early: BTreeMap::new(),
            priorities: Priorities::new(ctx.committee()),
            first: NodeId(0), // until it is worked out below
            powers: ctx.committee().members().map(|member| ctx.committee().weight(member)).collect(),
            decided: BTreeMap::new(),
            descent: None,
            pool: Pool::default(),
            precommits: BTreeMap::new(),
            said: BTreeMap::new(),
            watched: None,
            asked: 0,
            unsure: 0,
            next: BTreeMap::new(),
            claims: BTreeMap::new(),
            pausing: false,
            unheard: 0,
        };
        for _ in 0..=node.tip.height().0 {
            node.first = node.priorities.advance(&node.powers);
        }
        let mut own = None;
        for record in log {
            node.replay(record, &mut own, ctx);
        }
        if let Some((proposal, value)) = own.filter(|(proposal, _)| proposal.height == node.height()) {
            if node.step == Step::Waiting || proposal.round > node.round {
                // It stopped between its proposal and its prevote: its last votes are of a round before.
                (node.round, node.step) = (proposal.round, Step::Propose);
            }
            let slot = node.rounds.entry(proposal.round).or_default();
            slot.have = vec![true; proposal.parts as usize];
            (slot.proposal, slot.value) = (Some(Arc::new((ctx.me(), proposal))), Some(value));
        }
        if node.step == Step::Waiting {
            node.pausing = true;
            ctx.set_timer(Timer::Begin, config.commit_wait);
        } else {
            let (now, span) = ((node.height(), node.round), config.propose_timeout);
            ctx.set_timer(Timer::Propose(now.0, now.1), node.timeout(span));
            node.advance(node.round, ctx);
        }
        if !log.is_empty() || ctx.now() > Time::ZERO {
            node.unsure = ASKS; // it may have missed something
            node.watch(ctx);
        }
        node
    }
    fn replay(&mut self, record: &Record, own: &mut Option<(Proposal, Arc<Value>)>, ctx: &mut Context<'_, Self>) {
        match record {
            Record::Decided(decided, committed) => {
                committed.iter().for_each(|slot| self.pool.commit(*slot));
                if decided.commit.height == self.height() {
                    self.decide(decided.clone(), ctx);
                } else {
                    self.decided.insert(decided.commit.height, decided.clone());
                }
            }
            Record::Proposed(proposal, value) => *own = Some((*proposal, value.clone())),
            Record::Unlocked => self.locked = None,
            Record::Valid(value, polka, locks) if value.block.height() == self.height() => {
                self.valid = Some((value.clone(), polka.round));
                self.rounds.entry(polka.round).or_default().polka = Some(polka.clone());
                if *locks {
                    self.locked = self.valid.clone();
                }
            }
            Record::Voted(vote) if vote.height == self.height() => {
                self.said.insert((vote.round, vote.phase), *vote);
                self.round = self.round.max(vote.round);
                let said = |phase| self.said.contains_key(&(self.round, phase));
                self.step = if said(Phase::Precommit) { Step::Precommit } else { Step::Prevote };
                let slot = self.rounds.entry(vote.round).or_default();
                slot.votes[vote.phase as usize].add(vote.voter, &vote.id, Some(vote.signature), ctx.committee());
                slot.voters[vote.phase as usize].add(vote.voter, ctx.committee());
            }
            Record::Valid(..) | Record::Voted(_) => {}
        }
    }
}
