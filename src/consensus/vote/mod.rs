//! Proof of Vote: a consortium votes, butlers keep the books.
//!
//! **Source.** Li, Li, Hou, Li, Chen, "Proof of Vote: a high-performance consensus protocol based on vote mechanism and
//! consortium blockchain", HPCC 2017; Li et al., "`PoV`: an efficient voting-based consensus algorithm for consortium
//! blockchains", Frontiers in Blockchain 2020.
//!
//! **Model.** Commissioners vote, butlers propose; partial synchrony for progress. With a majority as quorum no
//! commissioner may vote twice and fewer than half may be silent; with two thirds, fewer than a third may do anything
//! within a round. Butlers may do anything. Final with one certificate.
//!
//! ```text
//!                 proposal      vote       certificate
//! butler       ---+-----------------------+----------- final
//! commissioner    +-> check, log --+      +-----> final
//! commissioner    +-> check, log --+      +-----> final
//! other node                              +-----> final, with the block
//!                  Nc            Nc            Nc        messages (one less each if the butler is a commissioner)
//! ```
//!
//! **Mapping.** The certificate of the parent is part of a header, so that all nodes draw the same duty butler from
//! it. Ballots travel in the votes for the last block of a tenure; the special block after it carries them in that
//! certificate, and the butlers that they elect serve from the next block on.
//!
//! **Hardened.** The original says only that a commissioner signs one block; a certificate that its butler keeps back
//! then meets another of the next round. Here commissioners report their last vote when they give a round up, with the
//! butler's signature under what they voted for, and the next butler proposes only what a quorum of reports leaves
//! possible: with honest commissioners that is Paxos. Where commissioners may lie (two thirds), every vote that `f` of
//! them may deny is counted as possible, less those that two blocks of one round expose as butlers, and less what an
//! honest vote in a later round shows to be impossible. Where a butler who is no commissioner equivocates, or one more
//! commissioner lies, two blocks may stay possible, and the height waits for ever rather than fork. With seven
//! commissioners, two of which may lie, one equivocating butler among them is enough: one phase of votes can live with
//! `f` Byzantine nodes only among `5 f - 1` or more (Kuznetsov, Tonkikh and Zhang, PODC 2021). Two butlers that drew one turn from
//! different certificates of one parent, both honest, can do the same.
//!
//! **Simplified.** Commissioners neither join nor leave. Ordinary users only follow. Reports go to all nodes, since
//! a lagging node may not know who is on duty, and are said again in rounds that last longer than the cut-off. Blocks
//! are made by the clock, empty if nothing waits: most nodes cannot know whether a butler has transactions. An image of
//! the log counts no ratified block but the last certificate: the chain keeps blocks, and each certificate in the header
//! above.
//!
//! **Glossary.** *Commissioner*: votes, verifies and elects. *Butler*: makes blocks during a *tenure*; *candidate*: may
//! be elected. *Duty butler*: the one whose turn a round is. *Cut-off*: when a round is given up. *Special block*: the
//! election. *Ratified*: certified, and so final.

mod attack;
mod message;
mod record;
mod restart;
mod rounds;
mod turns;

#[cfg(test)]
mod tests;

pub use message::{
    Again, Ballot, Brief, Certificate, CertificateVote, Claim, Fields, Message, Proposal, Ratified, Report,
};
pub use record::{Image, Record};

use crate::base::{Committee, Duration, FaultModel, Hash, Height, NodeId, Time, VoterSet};
use crate::chain::{Block, Header, Limit};
use crate::protocol::request::Backoff;
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, note};
use rounds::Choice;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many votes make a block final.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// More than half of the commissioners, as published: no double voter is tolerated.
    Majority,
    /// More than two thirds.
    TwoThirds,
}

/// Where the turn of the next butler comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Randomness {
    /// The signatures of the certificate and the time of the block, as published: a butler chooses among signatures.
    /// It rests on their very bytes, so that runs with symbolic signatures draw other butlers.
    Certificate,
    /// The hash of the height: no node chooses it, every node can foresee it.
    Seed,
}

/// How commissioners fill ballots.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Election {
    /// Candidates that missed fewer turns in this tenure first, then the lower number.
    Performance,
    /// Any candidates, drawn by each commissioner for itself.
    Random,
}

/// What a scenario may set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The first so many nodes are commissioners. Default 0: all nodes.
    pub commissioners: usize,
    /// Length of the duty list. Default 0: all candidates.
    pub butlers: usize,
    /// Whether commissioners are candidates too; if not, the others are. Default true.
    pub commissioners_stand: bool,
    /// Time between blocks. Default 2 s; the publication leaves it to the consortium.
    pub interval: Duration,
    /// After how long a round is given up; doubles with each round. Default 1 s: half of the interval. What was said in a
    /// round that lasts longer is said again after so long, then after twice as long, and so on; an answer is awaited so
    /// long, then twice as long (ours: the publications say nothing of lost messages).
    pub cut_off: Duration,
    /// Blocks between two special blocks. Default 100.
    pub tenure: u64,
    /// Default majority, as published.
    pub quorum: Quorum,
    /// Whether a commissioner that voted changes its vote only if its block cannot be certified. Default true.
    pub hardened: bool,
    /// Default certificate, as published.
    pub randomness: Randomness,
    /// Default performance.
    pub election: Election,
    /// The largest block; also of what is voted for. Default 4000 transactions or 1 MB.
    pub block_limit: Limit,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            commissioners: 0,
            butlers: 0,
            commissioners_stand: true,
            interval: Duration::from_secs(2),
            cut_off: Duration::from_secs(1),
            tenure: 100,
            quorum: Quorum::Majority,
            hardened: true,
            randomness: Randomness::Certificate,
            election: Election::Performance,
            block_limit: Limit { bytes: 1_000_000, transactions: 4000 },
        }
    }
}

/// Alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The interval is over: the duty butler proposes.
    Propose,
    /// The round is over.
    CutOff,
    /// What was said in this round may be lost.
    Repeat,
    /// An attacker's own.
    Attack,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Vote {
    config: Arc<Config>,
    /// The last ratified block.
    tip: Arc<Block>,
    /// Everything ratified, from height 1.
    ratified: Vec<Arc<Ratified>>,
    /// The butlers of this tenure.
    duty: Vec<NodeId>,
    /// Turns that each node missed in this tenure.
    missed: Vec<u32>,
    /// The round at the height above the tip.
    round: u64,
    /// The last vote at this height.
    voted: Option<(Arc<Claim>, message::Vote)>,
    /// The proposal last judged at this height: the first of its round.
    received: Option<Arc<Claim>>,
    /// The last proposal of this node at this height.
    proposed: Option<Arc<Proposal>>,
    /// Votes for it, the first of each commissioner.
    votes: BTreeMap<NodeId, message::Vote>,
    /// The last report of each commissioner at this height.
    reports: BTreeMap<NodeId, Arc<Report>>,
    /// Blocks that were proposed or sent on request at this height, and whether they are valid, once that was asked.
    claims: BTreeMap<Hash, Arc<Claim>>,
    valid: BTreeMap<Hash, bool>,
    /// Named blocks that were asked for, until when an answer is awaited, and for how long the next.
    wanted: BTreeMap<Hash, (Time, Backoff)>,
    /// The last proposal that waits for named blocks.
    waiting: Option<(NodeId, Message)>,
    /// How often what this node said in this round was said again.
    repeats: u32,
    /// Who was asked for blocks last, until when its answer is awaited, and for how long the next.
    helper: Option<NodeId>,
    awaited: Time,
    backoff: Backoff,
    /// Number of requests so far: selects the peer to ask next.
    asked: u64,
    /// Records in the log.
    written: usize,
}

impl Protocol for Vote {
    const NAME: &'static str = "vote";
    const SUMMARY: &'static str =
        "Proof of Vote (2017): consortium votes on elected butlers' blocks, final at certificate";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, nodes: usize) -> Result<(), InvalidSetting> {
        let invalid = |key, reason: String| Err(InvalidSetting { key, reason });
        if config.commissioners > nodes {
            return invalid("commissioners", format!("is {} of {nodes} nodes", config.commissioners));
        }
        let candidates = config.candidates(nodes).count();
        if candidates == 0 {
            return invalid("commissioners_stand", "no node is left to be a butler".to_owned());
        }
        if config.butlers > candidates {
            return invalid("butlers", format!("is {}; there are {candidates} candidates", config.butlers));
        }
        for (key, span) in [("interval", config.interval), ("cut_off", config.cut_off)] {
            if span.is_zero() {
                return invalid(key, "must be above zero".to_owned());
            }
        }
        for (key, number) in [
            ("tenure", config.tenure),
            ("block_limit", config.block_limit.bytes.min(u64::from(config.block_limit.transactions))),
        ] {
            if number == 0 {
                return invalid(key, "must be at least 1".to_owned());
            }
        }
        Ok(())
    }
    fn committee(config: &Config, weights: Vec<u64>) -> Committee {
        let voting = config.commissioners(weights.len());
        let weights = (0..weights.len()).map(|node| u64::from(node < voting)).collect();
        let committee = Committee::weighted(weights, FaultModel::Byzantine);
        let quorum = match config.quorum {
            Quorum::Majority => committee.majority(),
            Quorum::TwoThirds => committee.two_thirds(),
        };
        committee.requiring(quorum)
    }
    fn remarks(config: &Config, committee: &Committee, faulty: &std::collections::BTreeSet<NodeId>) -> Vec<String> {
        let faulty: u64 = faulty.iter().map(|node| committee.weight(*node)).sum();
        let mut remarks = Vec::new();
        if faulty >= committee.overlap() {
            let overlap = committee.overlap();
            remarks.push(format!("two quorums share {overlap} commissioners; {faulty} faulty ones can certify twice"));
        }
        if !config.hardened {
            remarks.push("one height can have two certificates: votes change without justification".to_owned());
        }
        if config.hardened && config.quorum == Quorum::TwoThirds && config.randomness == Randomness::Certificate {
            let cause = "two butlers may draw one turn from two certificates of one parent";
            remarks.push(format!("{cause}, and the height then wait for ever; not with randomness = \"seed\""));
        }
        remarks
    }
    fn proposes(config: &Config, committee: &Committee, node: NodeId) -> bool {
        config.candidates(committee.n()).any(|candidate| candidate == node)
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        Vote::recover(config, log, ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Propose(proposal) => self.on_proposal(from, &proposal, ctx),
            Message::Again(again) => self.on_again(from, &again, ctx),
            Message::Want(height, block) => self.on_want(from, height, &block, ctx),
            Message::Claim(claim) => self.on_claim(&claim, ctx),
            Message::Vote(vote) => self.on_vote(from, &vote, ctx),
            Message::Certificate(certificate) => self.on_certificate(from, &certificate, ctx),
            Message::Ratified(ratified) => self.on_ratified(from, &ratified, ctx),
            Message::Report(report) => self.on_report(from, &report, ctx),
            Message::Ask(above) => self.answer(from, above, ctx),
            Message::Blocks(list, upto) => self.on_blocks(from, &list, upto, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Propose => self.propose(ctx),
            Timer::CutOff => self.cut_off(ctx),
            Timer::Repeat => self.repeat(ctx),
            Timer::Attack => {}
        }
    }
    fn attacker(
        name: &str,
        config: &Arc<Config>,
        log: &[Record],
        ctx: &mut Context<'_, Self>,
    ) -> Option<Box<dyn Attacker<Self>>> {
        attack::attacker(name, config, log, ctx)
    }
}

/// Blocks that a node is given at a time, at most.
const ANSWER: usize = 32;
/// Blocks of one height that are kept.
const CLAIMS_MAX: usize = 64;
/// Records after which the log is replaced by an image, at the next round.
const LOG_MAX: usize = 256;
/// How far ahead of its own round a commissioner follows a butler that need not justify it.
const AHEAD_MAX: u64 = 1_000;

/// The normal case (rules 2 to 4).
impl Vote {
    fn begin_height(&mut self, ctx: &mut Context<'_, Self>) {
        self.forget_height();
        self.begin_round(ctx);
    }
    fn forget_height(&mut self) {
        (self.round, self.voted, self.received, self.proposed) = (0, None, None, None);
        self.votes.clear();
        self.reports.clear();
        (self.claims, self.valid, self.wanted, self.waiting) = Default::default();
    }
    fn begin_round(&mut self, ctx: &mut Context<'_, Self>) {
        self.shorten(ctx);
        ctx.note(note::ROUND, self.round);
        let rest = (self.tip.header.time + self.config.interval).since(ctx.now());
        let rest = if self.round == 0 { rest } else { Duration::ZERO };
        let doublings = self.round.saturating_sub(1).min(6);
        ctx.set_timer(Timer::CutOff, rest + self.config.cut_off * (1 << doublings));
        ctx.cancel_timer(Timer::Propose);
        ctx.cancel_timer(Timer::Repeat);
        self.repeats = 0;
        if doublings > 0 {
            ctx.set_timer(Timer::Repeat, self.config.cut_off);
        }
        if self.is_on_duty(ctx.me()) {
            ctx.note(note::LEADING, note::turn(self.tip.height().next(), self.round));
            ctx.set_timer(Timer::Propose, rest);
        }
    }
    /// The duty butler proposes, once per height and round.
    fn propose(&mut self, ctx: &mut Context<'_, Self>) {
        if self.proposed.as_ref().is_some_and(|own| own.claim.round == self.round) || !self.may_be_on_duty(ctx.me()) {
            return;
        }
        let (mut reports, mut known) = (Vec::new(), None);
        if self.round > 0 && self.config.hardened {
            reports.extend(self.reports.values().filter(|report| report.round == self.round).cloned());
            // What was reported and is not known here is asked for; what breaks a rule is not believed.
            reports.retain(|report| self.is_sound(report, ctx));
            match self.choice(&reports, self.round, ctx) {
                Choice::Open => return,
                Choice::Free => {}
                Choice::Bound(claim) => known = Some(claim),
            }
        }
        let parent = known.as_ref().map_or(self.certificate(), |claim| claim.fields.parent.as_ref());
        if self.butler(parent.map(|parent| &**parent), self.round) != ctx.me() {
            return;
        }
        let (block, fields) = match known {
            Some(claim) => (claim.block.clone(), claim.fields.clone()),
            None => self.make(ctx),
        };
        let claim = Claim::signed(self.round, block, fields, ctx);
        let proposal = Arc::new(Proposal { claim, reports });
        self.persist(Record::Proposed(proposal.clone()), ctx);
        self.votes.clear();
        self.proposed = Some(proposal.clone());
        self.send_proposal(ctx);
        self.on_proposal(ctx.me(), &proposal, ctx);
    }
    /// Sends what this butler proposes in this round to the commissioners who did not vote on it yet; by its name if it
    /// was proposed in an earlier round.
    fn send_proposal(&self, ctx: &mut Context<'_, Self>) {
        let Some(own) = self.proposed.as_ref().filter(|own| own.claim.round == self.round) else { return };
        let (height, brief) = (own.claim.block.height(), Brief::of(&own.claim));
        let message = if own.claim.fields.round == own.claim.round {
            Message::Propose(own.clone())
        } else {
            Message::Again(Arc::new(Again { height, brief, reports: own.reports.clone() }))
        };
        for to in Vote::others(ctx, true).into_iter().filter(|to| !self.votes.contains_key(to)) {
            ctx.send(to, message.clone());
        }
    }
    /// A proposal that names its block.
    fn on_again(&mut self, from: NodeId, again: &Arc<Again>, ctx: &mut Context<'_, Self>) {
        if again.height != self.tip.height().next() {
            return self.reconcile(from, again.height, ctx);
        }
        if again.brief.round < self.round || ctx.committee().weight(ctx.me()) == 0 {
            return;
        }
        if let Some(known) = self.claim(&again.brief.block) {
            let claim = again.brief.with(known);
            self.on_proposal(from, &Arc::new(Proposal { claim, reports: again.reports.clone() }), ctx);
        } else {
            self.waiting = Some((from, Message::Again(again.clone())));
            self.want(from, again.brief.block, ctx);
        }
    }
    /// A new block on the tip.
    fn make(&self, ctx: &mut Context<'_, Self>) -> (Arc<Block>, Fields) {
        let fields = Fields { round: self.round, parent: self.certificate().cloned() };
        let batch = ctx.template(&self.tip, self.config.block_limit);
        let (parent, height, time) = (self.tip.id(), self.tip.height().next(), ctx.now().max(self.tip.header.time));
        let (merkle, proposer, seal) = (batch.digest(), ctx.me(), fields.seal());
        (Block::new(Header { parent, height, merkle, time, proposer, seal }, batch), fields)
    }
    /// The commissioners or the others, without this node.
    fn others(ctx: &Context<'_, Self>, vote: bool) -> Vec<NodeId> {
        let committee = ctx.committee();
        committee.members().filter(|to| *to != ctx.me() && (committee.weight(*to) > 0) == vote).collect()
    }
    fn on_proposal(&mut self, from: NodeId, proposal: &Arc<Proposal>, ctx: &mut Context<'_, Self>) {
        let claim = &proposal.claim;
        let height = claim.block.height();
        if height != self.tip.height().next() {
            return self.reconcile(from, height, ctx);
        }
        if ctx.committee().weight(ctx.me()) == 0 || claim.round < self.round || !self.is_in_turn(claim, ctx) {
            return;
        }
        if let Some(earlier) =
            self.received.as_ref().filter(|other| other.round == claim.round && !other.is_same(claim))
        {
            if earlier.butler == from {
                ctx.note(note::EVIDENCE, u64::from(from.0));
            }
            return;
        }
        if let Some((last, vote)) = self.voted.as_ref().filter(|(last, _)| last.round >= claim.round) {
            if last.is_same(claim) && from != ctx.me() {
                ctx.send(from, Message::Vote(vote.clone()));
            }
            return;
        }
        self.keep(claim);
        if self.lacks(from, proposal, ctx) || !self.is_justified(proposal, ctx) {
            return;
        }
        self.received = Some(claim.clone());
        if !self.is_valid(&claim.block, ctx) {
            return;
        }
        if claim.round > self.round {
            self.round = claim.round;
            self.begin_round(ctx);
        }
        let ballot = self.ballot(height, ctx);
        let vote = message::sign_vote((height, claim.round), claim.block.id(), ballot, ctx);
        self.voted = Some((claim.clone(), vote.clone()));
        self.persist(Record::Voted(claim.clone(), vote.clone()), ctx);
        if from == ctx.me() {
            self.on_vote(from, &vote, ctx);
        } else {
            ctx.send(from, Message::Vote(vote));
        }
    }
    /// Whether the block is within its limit and valid.
    fn is_valid(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) -> bool {
        if let Some(valid) = self.valid.get(&block.id()) {
            return *valid;
        }
        let fits = self.config.block_limit.admits(&block.batch);
        let valid = fits && ctx.insert_block(block).is_some() && ctx.validate(block).is_ok();
        self.valid.insert(block.id(), valid);
        valid
    }
    fn on_vote(&mut self, from: NodeId, vote: &message::Vote, ctx: &mut Context<'_, Self>) {
        let Some(own) = self.proposed.clone() else { return };
        let is_ours = (vote.height, vote.round) == (own.claim.block.height(), own.claim.round);
        if !is_ours || ctx.committee().weight(from) == 0 || !self.is_ballot(&vote.ballot, vote.height) {
            return;
        }
        if let Some(first) = self.votes.get(&from) {
            if first.block != vote.block {
                ctx.note(note::EVIDENCE, u64::from(from.0));
            }
            return;
        }
        self.votes.insert(from, vote.clone());
        let block = own.claim.block.id();
        let mut tally = VoterSet::default();
        let votes = self.votes.iter().filter(|(_, vote)| vote.block == block);
        for (node, _) in votes.clone() {
            tally.add(*node, ctx.committee());
        }
        if tally.is_quorum(ctx.committee()) {
            let votes = votes.map(|(node, vote)| certificate_vote(*node, vote)).collect();
            self.publish(&own.claim.clone(), votes, ctx);
        }
    }
    /// The block is final: the certificate to the commissioners, the block too to the others.
    fn publish(&mut self, claim: &Claim, votes: Vec<CertificateVote>, ctx: &mut Context<'_, Self>) {
        let (block, fields) = (claim.block.clone(), claim.fields.clone());
        let (height, round) = (block.height(), claim.round);
        let certificate = Arc::new(Certificate { height, round, block: block.id(), votes });
        let ratified = Arc::new(Ratified { block, fields, certificate: certificate.clone() });
        for to in Vote::others(ctx, true) {
            ctx.send(to, Message::Certificate(certificate.clone()));
        }
        for to in Vote::others(ctx, false) {
            ctx.send(to, Message::Ratified(ratified.clone()));
        }
        if ctx.insert_block(&ratified.block).is_some() {
            self.ratify(&ratified, ctx);
        }
    }
    fn on_certificate(&mut self, from: NodeId, certificate: &Arc<Certificate>, ctx: &mut Context<'_, Self>) {
        if certificate.height != self.tip.height().next() {
            self.compare(certificate, ctx);
            // A node that shows an old certificate is not sent a newer one: that would go back and forth.
            if certificate.height > self.tip.height() {
                self.ask(from, ctx);
            }
            return;
        }
        let Some(claim) = self.claim(&certificate.block).cloned() else { return self.ask(from, ctx) };
        if self.is_proof(certificate, ctx.committee()) && self.is_valid(&claim.block, ctx) {
            let (block, fields) = (claim.block.clone(), claim.fields.clone());
            self.ratify(&Arc::new(Ratified { block, fields, certificate: certificate.clone() }), ctx);
        }
    }
    /// Two certificates for one height: a node that signed both in one round is Byzantine.
    fn compare(&self, other: &Certificate, ctx: &mut Context<'_, Self>) {
        let known = other.height.previous().and_then(|below| self.ratified.get(below.0 as usize));
        let Some(known) = known.map(|ratified| &ratified.certificate).filter(|known| known.block != other.block) else {
            return;
        };
        let twice = other.votes.iter().filter(|vote| {
            known.round == other.round && known.votes.iter().any(|own| own.commissioner == vote.commissioner)
        });
        twice.for_each(|vote| ctx.note(note::EVIDENCE, u64::from(vote.commissioner.0)));
    }
    fn on_ratified(&mut self, from: NodeId, ratified: &Arc<Ratified>, ctx: &mut Context<'_, Self>) {
        let Ratified { block, fields, certificate } = &**ratified;
        if block.height() > self.tip.height().next() {
            return self.ask(from, ctx);
        }
        let is_next = block.parent() == self.tip.id()
            && block.header.seal == fields.seal()
            && block.header.merkle == block.batch.digest()
            && self.is_rooted(fields, ctx.committee());
        let is_proven = certificate.block == block.id()
            && certificate.height == block.height()
            && self.is_proof(certificate, ctx.committee());
        if is_next && is_proven && self.is_valid(block, ctx) {
            self.ratify(ratified, ctx);
        } else {
            self.compare(certificate, ctx);
        }
    }
    /// Who answered is asked again if it has more, but only if this brought something: on two sides of a fork that would
    /// go on without end.
    fn on_blocks(&mut self, from: NodeId, list: &[Arc<Ratified>], upto: Height, ctx: &mut Context<'_, Self>) {
        let before = self.tip.height();
        for ratified in list {
            if ratified.block.height() <= self.tip.height().next() {
                self.on_ratified(from, ratified, ctx);
            }
        }
        if self.helper == Some(from) {
            self.awaited = Time::ZERO;
        }
        if self.tip.height() > before || list.is_empty() {
            self.backoff.reset();
        }
        if self.tip.height() > before && self.tip.height() < upto {
            self.ask(from, ctx);
        }
    }
    /// Takes a proven block.
    fn ratify(&mut self, ratified: &Arc<Ratified>, ctx: &mut Context<'_, Self>) {
        self.persist(Record::Ratified(ratified.clone()), ctx);
        self.take(ratified);
        // Who lost its log learns again what its chain holds.
        if ratified.block.height() > ctx.finalized() {
            ctx.extend(ratified.block.clone());
            ctx.finalize(ratified.block.height());
        }
        self.begin_height(ctx);
    }
    /// What a block changes: turns missed, and butlers after an election.
    fn take(&mut self, ratified: &Arc<Ratified>) {
        let fields = &ratified.fields;
        for round in 0..fields.round.min(self.duty.len() as u64) {
            let absent = self.butler(fields.parent.as_deref(), round);
            self.missed[absent.index()] += 1;
        }
        if self.config.is_special(ratified.block.height())
            && let Some(ballots) = &fields.parent
        {
            self.duty = self.elect(ballots);
            self.missed.fill(0);
        }
        self.tip = ratified.block.clone();
        self.ratified.push(ratified.clone());
    }
}

fn certificate_vote(commissioner: NodeId, vote: &message::Vote) -> CertificateVote {
    CertificateVote { commissioner, ballot: vote.ballot.clone(), signature: vote.signature }
}
