//! Catching up: early messages, parts, statuses, decided blocks, evidence, and recovery after a restart.

use super::evidence::DuplicateVote;
use super::message::{Decided, Message, Part, Proposal, Status};
use super::vote::{Certificate, NIL, Phase, Vote};
use super::{Config, Pool, Priorities, Progress, Record, Step, Tendermint, Timer, Value};
use crate::base::{Duration, Height, NodeId, Time, VoterSet};
use crate::chain::Block;
use crate::protocol::backward_sync::BackwardSync;
use crate::protocol::request::{Backoff, answer};
use crate::protocol::{Context, note, votes::Votes};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Messages of a round or height to come that are kept of one peer, besides parts: a proposal, its vote of each phase, and
/// one more.
const EARLY: usize = 4;
/// How often the wait for progress doubles at most: with CometBFT's interval it ends at 1.6 s, so that the halves of a
/// partition exchange statuses soon after it heals.
const DOUBLINGS: u32 = 4;
/// Status timers without progress after which claims to be ahead are forgotten: no peer could prove them.
const IDLE_CHECKS_MAX: u32 = 16;
/// How long the first answer to a request for decided blocks may take: five times what the largest takes over 10 Mbit/s alone.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// Decided blocks in one answer at most.
const BLOCKS: usize = 64;
/// Nanoseconds for a byte over a line of 10 Mbit/s.
const THIN_LINE: u64 = 800;

impl Tendermint {
    /// Whether a message of `round` may be handled now; if it is early it is kept, and its sender is ahead.
    fn is_due(&mut self, from: NodeId, at: (Height, u32), message: &Message, ctx: &mut Context<'_, Self>) -> bool {
        let (height, round) = at;
        if from != ctx.me() && ctx.committee().contains(from) {
            let last = self.spoke.entry(from).or_insert(height);
            *last = height.max(*last);
        }
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
            self.unlock(polka.round, ctx);
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
    /// Evidence from a commit of the last height: a validator that precommitted something else to this one, or in another
    /// commit, voted twice. Votes are not forwarded, so that only commits show what others received.
    pub(super) fn compare_commit(&mut self, commit: &Arc<Certificate>, ctx: &mut Context<'_, Self>) {
        let (height, round) = (commit.height, commit.round);
        let is_about = (commit.phase, height) == (Phase::Precommit, self.tip.height());
        if !is_about || !commit.is_complete(ctx.committee()) {
            return;
        }
        let own = self.decided.get(&height).map(|decided| &decided.commit).filter(|own| own.round == round);
        let own = own.into_iter().map(|own| (own.id, &own.signatures));
        let received = self.precommits.get(&round).into_iter().flat_map(Votes::ballots);
        let known = own.chain(received.map(|ballot| (ballot.digest, &ballot.signatures)));
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
    /// Decisions, ascending. What is missing after them is asked of the same peer at once, or of the next if nothing was new.
    pub(super) fn on_decided(&mut self, from: NodeId, decided: &[Arc<Decided>], ctx: &mut Context<'_, Self>) {
        let before = (self.height(), self.backward_sync.is_some());
        decided.iter().for_each(|decided| self.take_decided(decided, ctx));
        if (self.height(), self.backward_sync.is_some()) != before {
            self.ask_on(from, ctx);
        } else if self.fetch.is_some_and(|(peer, _)| peer == from) && self.is_late() {
            let peer = self.helper(ctx);
            self.request(peer, ctx);
        }
    }
    /// Whether a peer claims to be ahead, or the backward sync is under way.
    fn is_late(&self) -> bool {
        self.backward_sync.is_some() || self.claims.values().any(|height| *height > self.height())
    }
    /// A decision: the next, or one far ahead with which the way down begins.
    fn take_decided(&mut self, decided: &Arc<Decided>, ctx: &mut Context<'_, Self>) {
        let (value, commit) = (&decided.value, &decided.commit);
        let names = (commit.height, commit.id) == (value.block.height(), value.block.id());
        if !names || commit.height < self.height() || !commit.is_complete(ctx.committee()) {
            return self.compare_commit(commit, ctx);
        }
        if commit.height > self.height() {
            if self.backward_sync.is_none() {
                self.backward_sync = Some(BackwardSync::new(decided.clone(), &value.block));
            }
        } else if self.is_valid(value, true, ctx) {
            self.decide(decided.clone(), ctx);
        }
    }
    /// An answer brought something: there may be more than it holds. If it came late, another is under way.
    fn ask_on(&mut self, from: NodeId, ctx: &mut Context<'_, Self>) {
        self.backoff.reset();
        let is_awaited = self.fetch.is_none_or(|(peer, until)| peer == from || ctx.now() >= until);
        if from != ctx.me() && is_awaited {
            self.request(from, ctx);
        }
        self.watch(ctx);
    }
    /// Asks a peer for what is decided: what the way down lacks, or else what comes next.
    fn request(&mut self, peer: NodeId, ctx: &mut Context<'_, Self>) {
        self.fetch = Some((peer, ctx.now() + self.backoff.next_wait()));
        let message = match &self.backward_sync {
            Some(backward_sync) => Message::Ask { upto: backward_sync.next(), above: self.tip.height() },
            None => Message::Status(Arc::new(self.status(peer, ctx))),
        };
        ctx.send(peer, message);
    }
    /// Whether a request may be made: none is under way, or its answer is given up.
    fn may_request(&self, now: Time) -> bool {
        self.fetch.is_none_or(|(_, until)| now >= until)
    }
    pub(super) fn on_blocks(&mut self, from: NodeId, blocks: &[Arc<Block>], ctx: &mut Context<'_, Self>) {
        let tip = self.tip.clone();
        let Some(backward_sync) = &mut self.backward_sync else { return };
        if !backward_sync.take(blocks, &tip) {
            return;
        }
        if backward_sync.is_down(&tip) { self.arrive(from, ctx) } else { self.ask_on(from, ctx) }
    }
    /// The way down has reached the tip: up again.
    fn arrive(&mut self, from: NodeId, ctx: &mut Context<'_, Self>) {
        let Some((blocks, decided)) =
            self.backward_sync.take().and_then(|backward_sync| backward_sync.finish(&self.tip))
        else {
            return;
        };
        if blocks.iter().any(|block| ctx.insert_block(block).is_none()) {
            return;
        }
        blocks.iter().for_each(|block| self.enter(block, ctx));
        ctx.finalize(self.tip.height());
        self.on_decided(from, &[decided], ctx);
    }
    /// A block is at most twice its limit: transactions, commit and evidence.
    fn parts_most(&self) -> u64 {
        (2 * self.config.block_limit.bytes).div_ceil(self.config.part_size) + 1
    }
    pub(super) fn kept_most(&self) -> usize {
        EARLY + usize::try_from(self.parts_most()).unwrap_or(usize::MAX - EARLY)
    }
    /// Whether a correct validator is in a later height: to begin this one would waste a round. One Byzantine node proves nothing.
    pub(super) fn is_behind(&self, ctx: &Context<'_, Self>) -> bool {
        let mut tally = VoterSet::default();
        let ahead = self.claims.iter().filter(|(_, height)| **height > self.height());
        for (node, _) in ahead {
            tally.add(*node, ctx.committee());
        }
        tally.is_blocking(ctx.committee())
    }
    /// A peer is ahead. If it is ahead by one height, the missing messages are probably under way, and the status timer
    /// checks that. Otherwise it is asked, unless a request is under way.
    fn ask(&mut self, from: NodeId, height: Height, ctx: &mut Context<'_, Self>) {
        let (here, next) = (self.height(), self.height().next());
        let claim = self.claims.entry(from).or_insert(here);
        let is_news = height > *claim;
        *claim = height.max(*claim);
        if height > next && from != ctx.me() && self.may_request(ctx.now()) {
            self.request(from, ctx);
        }
        if is_news && self.idle_checks > 0 {
            // There is something to ask for now, and its time to ask may be far off.
            (self.idle_checks, self.watched) = (0, None);
        }
        self.watch(ctx);
    }
    fn progress(&self) -> Progress {
        let parts = self.rounds.get(&self.round).map_or(0, |slot| slot.have.iter().filter(|have| **have).count());
        (self.height(), self.round, self.step, parts)
    }
    pub(super) fn watch(&mut self, ctx: &mut Context<'_, Self>) {
        if self.watched.is_none() {
            self.watched = Some(self.progress());
            let first = self.config.status_interval.max(self.usual);
            let most = first.max(self.config.status_interval * (1 << DOUBLINGS));
            ctx.set_timer(Timer::Status, (first * (1 << self.idle_checks.min(DOUBLINGS))).min(most));
        }
    }
    pub(super) fn on_status_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let stuck = self.watched.take() == Some(self.progress());
        let is_late = self.is_late();
        if self.step == Step::Waiting && !is_late && self.unsure.is_none() {
            return self.remind(ctx);
        }
        self.idle_checks = if stuck { self.idle_checks + 1 } else { 0 };
        if self.idle_checks > IDLE_CHECKS_MAX {
            self.claims.clear();
        }
        if ctx.committee().n() > 1 {
            // A validator that is behind by one and proceeds receives the rest anyway.
            let is_far =
                self.backward_sync.is_some() || self.claims.values().any(|height| *height > self.height().next());
            if is_late && (stuck || is_far) && self.may_request(ctx.now()) {
                let peer = self.helper(ctx);
                self.request(peer, ctx);
            }
            // At rest it only wants to know whether it missed something, and what was asked may be under way.
            let wants = self.step != Step::Waiting || (self.unsure.is_some() && self.may_request(ctx.now()));
            if stuck && wants && !self.is_behind(ctx) {
                let helper = self.helper(ctx);
                let status = self.status(helper, ctx);
                ctx.broadcast(Message::Status(Arc::new(status)));
                self.pool.pending().take(1).for_each(|proof| ctx.broadcast(Message::Evidence(proof.clone())));
            }
        }
        self.watch(ctx);
    }
    /// The next peer to ask: the others in turn, none twice in a row; those that claim to be ahead come first. The proposer
    /// has the parts before any other node.
    fn helper(&mut self, ctx: &Context<'_, Self>) -> NodeId {
        let (me, n) = (ctx.me(), ctx.committee().n() as u64);
        self.asked += 1;
        let ahead = self.claims.iter().filter(|(node, height)| **node != me && **height > self.height());
        let ahead: Vec<NodeId> = ahead.map(|(node, _)| *node).collect();
        let lacks_parts = self.step == Step::Propose && self.rounds.get(&self.round).is_none_or(|r| r.judged.is_none());
        let (proposer, turn) = (self.proposer(self.round), if lacks_parts { self.asked / 2 } else { self.asked });
        if !ahead.is_empty() {
            ahead[(self.asked % ahead.len() as u64) as usize]
        } else if lacks_parts && self.asked.is_multiple_of(2) && proposer != me {
            proposer
        } else {
            ctx.committee().in_turn(u64::from(me.0) + 1 + turn % (n - 1))
        }
    }
    /// At rest: a peer that took no part in the last height may be cut off, and no message reaches it until there are
    /// transactions again. It is sent this validator's status, less and less often.
    fn remind(&mut self, ctx: &mut Context<'_, Self>) {
        let (me, tip) = (ctx.me(), self.tip.height());
        let is_silent = |peer: &NodeId| self.spoke.get(peer).is_none_or(|height| *height < tip);
        let silent: Vec<NodeId> = ctx.committee().members().filter(|peer| *peer != me && is_silent(peer)).collect();
        self.idle_checks = 0;
        if silent.is_empty() || tip == Height::GENESIS {
            return;
        }
        for peer in silent {
            ctx.send(peer, Message::Status(Arc::new(self.status(peer, ctx))));
        }
        self.watched = Some(self.progress());
        let wait = self.reminders.next_wait();
        ctx.set_timer(Timer::Status, wait);
    }
    /// Whether the parts of a round, so many bytes, may be sent to a peer: what was sent may be under way over a slow link
    /// still, and a copy would only delay it.
    pub(super) fn may_serve(&mut self, peer: NodeId, round: u32, bytes: u64, now: Time) -> bool {
        let before = self.served.get(&peer).filter(|(known, ..)| *known == round);
        if before.is_some_and(|(_, until, _)| now < *until) {
            return false;
        }
        let times = before.map_or(0, |(.., times)| *times);
        let span = self.config.vote_timeout.max(Duration::from_nanos(bytes.saturating_mul(THIN_LINE)));
        self.served.insert(peer, (round, now + span * (1 << times.min(DOUBLINGS)), times + 1));
        true
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
        if !ctx.committee().contains(from) || from == me {
            return;
        }
        // It has nothing that is missing here.
        self.fetch.take_if(|(peer, _)| *peer == from && status.helper == from);
        let final_there = status.height.previous().unwrap_or(Height::GENESIS);
        let last = self.spoke.entry(from).or_insert(final_there);
        *last = final_there.max(*last);
        if self
            .unsure
            .as_mut()
            .is_some_and(|known| known.add(from, ctx.committee()) && known.is_blocking(ctx.committee()))
        {
            self.unsure = None;
        }
        if status.height < self.height() {
            if helps {
                self.send_decided(from, status.height, ctx);
            }
            return;
        }
        let before = ctx.effects_mut().len();
        self.send_round(from, status, ctx);
        if helps && ctx.effects_mut().len() == before {
            // The peer lacks nothing. The status says so, and asks nothing in return.
            ctx.send(from, Message::Status(Arc::new(self.status(me, ctx))));
        }
        self.ask_back(from, status, ctx);
    }
    /// What was decided from a height on, as much as an answer holds.
    fn send_decided(&self, to: NodeId, from: Height, ctx: &mut Context<'_, Self>) {
        let held = self.decided.range(from..).map(|(_, decided)| decided);
        // What is older is in the chain, below the last decision.
        let is_older = !self.decided.contains_key(&from);
        let last = self.decided.values().next_back().filter(|_| is_older);
        let chosen = held.filter(|_| !is_older).chain(last).cloned();
        let decided = answer(chosen, BLOCKS, |decided| decided.bytes());
        if !decided.is_empty() {
            ctx.send(to, Message::Decided(Arc::new(decided)));
        }
    }
    /// What the peer lacks of this height.
    fn send_round(&mut self, from: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        let (me, helps) = (ctx.me(), status.helper == ctx.me());
        self.release(status.round, ctx);
        let has = |vote: &Vote| {
            let known = if vote.phase == Phase::Prevote { &status.prevotes } else { &status.precommits };
            vote.round == status.round && known.contains(vote.voter)
        };
        let own = self.said.values().filter(|vote| vote.round == status.round || vote.round >= self.round);
        own.filter(|vote| !has(vote)).for_each(|vote| ctx.send(from, Message::Vote(Arc::new(*vote))));
        let valid = self.valid.as_ref().and_then(|(_, round)| self.polka(*round));
        for polka in valid.into_iter().filter(|_| helps) {
            ctx.send(from, Message::Polka(polka.clone()));
        }
        let Some(slot) = self.rounds.get(&status.round) else { return };
        let proposes = slot.proposal.as_ref().is_some_and(|m| m.0 == me);
        if let Some(proposal) = slot.proposal.as_ref().filter(|_| (helps || proposes) && !status.proposal) {
            ctx.send(from, Message::Proposal(proposal.clone()));
        }
        let lacks = |index: &u32| !status.parts.get(*index as usize).copied().unwrap_or(false);
        let missing = slot.value.as_ref().filter(|_| helps && slot.judged.is_some()).map(|value| {
            let parts = (0..value.parts(self.config.part_size)).filter(lacks);
            let part = |index| Part { round: status.round, index, size: self.config.part_size, value: value.clone() };
            parts.map(part).collect::<Vec<_>>()
        });
        if let Some(missing) = missing.filter(|parts| !parts.is_empty()) {
            let bytes = missing.len() as u64 * self.config.part_size.min(missing[0].value.bytes() as u64);
            if self.may_serve(from, status.round, bytes, ctx.now()) {
                missing.into_iter().for_each(|part| ctx.send(from, Message::Part(Arc::new(part))));
            }
        }
        let Some(slot) = self.rounds.get(&status.round) else { return };
        for (phase, has) in [(Phase::Prevote, &status.prevotes), (Phase::Precommit, &status.precommits)] {
            for ballot in slot.votes[phase as usize].ballots().filter(|_| helps) {
                for (voter, signature) in ballot.signatures.iter().filter(|(voter, _)| !has.contains(*voter)) {
                    let (height, round, id) = (self.height(), status.round, ballot.digest);
                    let vote = Vote { phase, height, round, id, voter: *voter, signature: *signature };
                    ctx.send(from, Message::Vote(Arc::new(vote)));
                }
            }
        }
    }
    /// Precommits nil in a round that this validator left without a precommit. A peer still in that round may need this vote
    /// to leave it: the validator that sent the other votes may be silent, or this one lost them in a crash. Having left
    /// the round is equivalent to a precommit for nil. Only for the two rounds before the present one: a quorum took part in
    /// each, so that no validator is alone further behind.
    fn release(&mut self, round: u32, ctx: &mut Context<'_, Self>) {
        let is_recent = round < self.round && round.saturating_add(2) >= self.round;
        if is_recent {
            self.pledge(Phase::Precommit, round, NIL, ctx);
        }
    }
    /// Asks a peer that has more of this round, if this validator is stuck: its own time to ask may be far off.
    fn ask_back(&mut self, from: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        if self.idle_checks == 0 || status.round != self.round {
            return;
        }
        let own = self.status(from, ctx);
        let is_more = |theirs: &VoterSet, ours: &VoterSet| theirs.members().any(|node| !ours.contains(node));
        let has_more = (status.proposal && !own.proposal)
            || is_more(&status.prevotes, &own.prevotes)
            || is_more(&status.precommits, &own.precommits);
        if has_more {
            (self.idle_checks, self.watched) = (0, None);
            ctx.send(from, Message::Status(Arc::new(own)));
            self.watch(ctx);
        }
    }
    pub(super) fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Tendermint {
        let (tip, mut priorities) = (ctx.durable(), Priorities::new(ctx.committee()));
        let powers: Vec<u64> = ctx.committee().members().map(|member| ctx.committee().weight(member)).collect();
        let mut first = priorities.advance(&powers);
        for _ in 0..tip.height().0 {
            first = priorities.advance(&powers);
        }
        let mut node = Tendermint {
            config: config.clone(),
            tip,
            round: 0,
            step: Step::Waiting,
            locked: None,
            valid: None,
            rounds: BTreeMap::new(),
            early: BTreeMap::new(),
            priorities,
            first,
            powers,
            decided: BTreeMap::new(),
            backward_sync: None,
            pool: Pool::default(),
            precommits: BTreeMap::new(),
            said: BTreeMap::new(),
            watched: None,
            asked: 0,
            unsure: None,
            began: ctx.now(),
            usual: Duration::ZERO,
            // Who is silent is known when something was decided.
            spoke: ctx.committee().members().map(|member| (member, ctx.durable().height())).collect(),
            reminders: Backoff::new(config.status_interval * (1 << DOUBLINGS)),
            fetch: None,
            backoff: Backoff::new(ANSWER_WAIT),
            served: BTreeMap::new(),
            next: BTreeMap::new(),
            claims: BTreeMap::new(),
            pausing: false,
            idle_checks: 0,
        };
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
            node.unsure = (ctx.committee().n() > 1).then(VoterSet::default); // it may have missed something
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
