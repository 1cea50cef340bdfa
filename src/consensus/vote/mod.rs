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
//! **Mapping.** The certificate of the parent is part of a header, so that everybody draws the same duty butler from
//! it. Ballots travel in the votes for the last block of a tenure; the special block after it carries them in that
//! certificate, and the butlers that they elect serve from the next block on.
//!
//! **Hardened.** The original says only that a commissioner signs one block; a certificate that its butler keeps back
//! then meets another of the next round. Here commissioners report their last vote when they give a round up, and the
//! next butler proposes only what a quorum of reports leaves possible: with honest commissioners that is Paxos. With
//! lying ones, every vote that `f` of them may deny is counted as possible; where a butler equivocated as well, a
//! height may then wait for ever rather than fork.
//!
//! **Simplified.** Commissioners neither join nor leave. Ordinary users only follow. Reports go to everybody, since
//! a lagging node may not know who is on duty. Blocks are made by the clock, empty if nothing waits: most nodes cannot
//! know whether a butler has transactions.
//!
//! **Glossary.** *Commissioner*: votes, verifies and elects. *Butler*: makes blocks during a *tenure*; *candidate*: may
//! be elected. *Duty butler*: the one whose turn a round is. *Cut-off*: when a round is given up. *Special block*: the
//! election. *Ratified*: certified, and so final.

mod attack;
mod message;
mod rounds;

#[cfg(test)]
mod tests;

pub use message::{Ballot, Certificate, Claim, Fields, Message, Proposal, Ratified, Record, Report, Voice};

use crate::base::{Committee, Duration, FaultModel, Height, NodeId, Tally};
use crate::chain::{Block, Header, Limit};
use crate::protocol::{Attacker, Context, Misfit, Protocol, note};
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
    /// The hash of the height: nobody chooses, everybody can foresee.
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
    /// After how long a round is given up; doubles with each round. Default 1 s: half of the interval.
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
    /// The largest block. Default 4000 transactions or 1 MB.
    pub block: Limit,
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
            block: Limit { bytes: 1_000_000, transactions: 4000 },
        }
    }
}

impl Config {
    fn commissioners(&self, nodes: usize) -> usize {
        if self.commissioners == 0 { nodes } else { self.commissioners.min(nodes) }
    }
    fn candidates(&self, nodes: usize) -> impl Iterator<Item = NodeId> + use<> {
        let first = if self.commissioners_stand { 0 } else { self.commissioners(nodes) };
        (first..nodes).map(NodeId::from)
    }
    fn butlers(&self, nodes: usize) -> usize {
        let candidates = self.candidates(nodes).count();
        if self.butlers == 0 { candidates } else { self.butlers.min(candidates) }
    }
    fn is_special(&self, height: Height) -> bool {
        height.0.is_multiple_of(self.tenure + 1)
    }
}

/// Alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The interval is over: the duty butler proposes.
    Propose,
    /// The round is over.
    CutOff,
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
    /// The first proposal signed for this round, for evidence.
    heard: Option<(NodeId, Arc<Proposal>)>,
    /// The last proposal of this node at this height.
    proposed: Option<Arc<Proposal>>,
    /// Votes for it, the first of each commissioner.
    voices: BTreeMap<NodeId, message::Vote>,
    /// The last report of each commissioner at this height.
    reports: BTreeMap<NodeId, Arc<Report>>,
    /// How often this node asked: whom it asks next.
    asked: u64,
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

    fn check(config: &Config, nodes: usize) -> Result<(), Misfit> {
        let misfit = |key, reason: String| Err(Misfit { key, reason });
        if config.commissioners > nodes {
            return misfit("commissioners", format!("is {} of {nodes} nodes", config.commissioners));
        }
        let candidates = config.candidates(nodes).count();
        if candidates == 0 {
            return misfit("commissioners_stand", "nobody is left to be a butler".to_owned());
        }
        if config.butlers > candidates {
            return misfit("butlers", format!("is {}; there are {candidates} candidates", config.butlers));
        }
        for (key, span) in [("interval", config.interval), ("cut_off", config.cut_off)] {
            if span.is_zero() {
                return misfit(key, "must be above zero".to_owned());
            }
        }
        for (key, number) in
            [("tenure", config.tenure), ("block", config.block.bytes.min(u64::from(config.block.transactions)))]
        {
            if number == 0 {
                return misfit(key, "must be at least 1".to_owned());
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
        let liars: u64 = faulty.iter().map(|node| committee.weight(*node)).sum();
        let mut remarks = Vec::new();
        if liars >= committee.overlap() {
            let overlap = committee.overlap();
            remarks.push(format!("two quorums share {overlap} commissioners; {liars} faulty ones can certify twice"));
        }
        if !config.hardened {
            remarks.push("one height can have two certificates: votes change without justification".to_owned());
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
            Message::Vote(vote) => self.on_vote(from, &vote, ctx),
            Message::Certificate(certificate) => self.on_certificate(from, &certificate, ctx),
            Message::Ratified(ratified) => self.on_ratified(from, &ratified, ctx),
            Message::Report(report) => self.on_report(from, &report, ctx),
            Message::Ask(above) => self.answer(from, above, ctx),
            Message::Blocks(list) => self.on_blocks(from, &list, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Propose => self.propose(ctx),
            Timer::CutOff => self.cut_off(ctx),
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

/// Blocks that a node is given at a time.
const ANSWER: usize = 32;

/// Turns (rules 1 and 6).
impl Vote {
    fn certificate(&self) -> Option<&Arc<Certificate>> {
        self.ratified.last().map(|last| &last.certificate)
    }
    /// The duty butler of a round above the tip, given the certificate of the tip.
    fn butler(&self, parent: Option<&Certificate>, round: u64) -> NodeId {
        let count = self.duty.len() as u64;
        let place = match self.config.randomness {
            Randomness::Certificate => message::place(parent, self.tip.header.time, self.duty.len()),
            Randomness::Seed => {
                message::place(None, crate::base::Time::from_nanos(self.tip.height().0), self.duty.len())
            }
        };
        self.duty[((place + round % count) % count) as usize]
    }
    fn is_on_duty(&self, me: NodeId) -> bool {
        self.butler(self.certificate().map(|c| &**c), self.round) == me
    }
    /// Whom this commissioner elects.
    fn ballot(&self, height: Height, ctx: &mut Context<'_, Self>) -> Ballot {
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
    /// The candidates with the most votes; ties go to the lower number.
    fn elect(&self, certificate: &Certificate) -> Vec<NodeId> {
        let nodes = self.missed.len();
        let mut votes = vec![0u32; nodes];
        for ballot in certificate.voices.iter().filter_map(|voice| voice.ballot.as_ref()) {
            let mut choices: Vec<NodeId> = ballot.iter().copied().take(self.config.butlers(nodes)).collect();
            choices.sort_unstable();
            choices.dedup();
            choices.iter().filter_map(|node| votes.get_mut(node.index()).map(|count| *count += 1)).for_each(drop);
        }
        let mut elected: Vec<NodeId> = self.config.candidates(nodes).collect();
        elected.sort_by_key(|node| (std::cmp::Reverse(votes[node.index()]), *node));
        elected.truncate(self.config.butlers(nodes));
        elected
    }
}

/// The normal case (rules 2 to 4).
impl Vote {
    fn begin_height(&mut self, ctx: &mut Context<'_, Self>) {
        (self.round, self.voted, self.heard, self.proposed) = (0, None, None, None);
        self.voices.clear();
        self.reports.clear();
        self.begin_round(ctx);
    }
    fn begin_round(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.note(note::ROUND, self.round);
        let rest = (self.tip.header.time + self.config.interval).since(ctx.now());
        let rest = if self.round == 0 { rest } else { Duration::ZERO };
        let doublings = self.round.saturating_sub(1).min(6);
        ctx.set_timer(Timer::CutOff, rest + self.config.cut_off * (1 << doublings));
        ctx.cancel_timer(Timer::Propose);
        if self.is_on_duty(ctx.me()) {
            ctx.note(note::LEADING, self.round);
            ctx.set_timer(Timer::Propose, rest);
        }
    }
    /// The duty butler proposes, once per height and round, and repeats itself if asked to again.
    fn propose(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.is_on_duty(ctx.me()) || self.proposed.as_ref().is_some_and(|own| own.claim.round == self.round) {
            return;
        }
        let height = self.tip.height().next();
        let reports: Vec<Arc<Report>> =
            self.reports.values().filter(|report| report.round == self.round).cloned().collect();
        let known = if self.round > 0 && self.config.hardened {
            match self.choice(&reports, self.round, ctx.committee()) {
                Choice::Open => return,
                Choice::Free => None,
                Choice::Bound(claim) => Some(claim),
            }
        } else {
            None
        };
        let (block, fields) = if let Some(claim) = known {
            (claim.block.clone(), claim.fields.clone())
        } else {
            let fields = Fields { round: self.round, parent: self.certificate().cloned() };
            let batch = ctx.template(&self.tip, self.config.block);
            let time = ctx.now().max(self.tip.header.time);
            let (parent, merkle, proposer) = (self.tip.id(), batch.digest(), ctx.me());
            (Block::new(Header { parent, height, merkle, time, proposer, seal: fields.seal() }, batch), fields)
        };
        let claim = Arc::new(Claim { round: self.round, block, fields });
        let signature = ctx.sign(&Proposal::statement(&claim));
        let proposal = Arc::new(Proposal { claim, reports, signature });
        ctx.persist(Record::Proposed(proposal.clone()));
        self.voices.clear();
        self.proposed = Some(proposal.clone());
        for to in Vote::others(ctx, true) {
            ctx.send(to, Message::Propose(proposal.clone()));
        }
        self.on_proposal(ctx.me(), &proposal, ctx);
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
        if ctx.committee().weight(ctx.me()) == 0 || claim.round < self.round || !self.is_in_turn(from, claim, ctx) {
            return;
        }
        let name = claim.block.id();
        match &self.heard {
            Some((butler, known)) if *butler == from && known.claim.round == claim.round => {
                if known.claim.block.id() != name {
                    ctx.note(note::EVIDENCE, u64::from(from.0));
                    return;
                }
            }
            Some((_, known)) if known.claim.round > claim.round => return,
            _ => self.heard = Some((from, proposal.clone())),
        }
        if let Some((last, vote)) = self.voted.as_ref().filter(|(last, _)| last.round >= claim.round) {
            if last.round == claim.round && last.block.id() == name && from != ctx.me() {
                ctx.send(from, Message::Vote(vote.clone()));
            }
            return;
        }
        if self.config.hardened && claim.round > 0 {
            match self.choice(&proposal.reports, claim.round, ctx.committee()) {
                Choice::Free => {}
                Choice::Bound(must) if must.block.id() == name => {}
                _ => return,
            }
        }
        let is_known = self.voted.as_ref().is_some_and(|(last, _)| last.block.id() == name);
        if !is_known && (ctx.learn(&claim.block).is_none() || ctx.validate(&claim.block).is_err()) {
            return;
        }
        if claim.round > self.round {
            self.round = claim.round;
            self.begin_round(ctx);
        }
        let ballot = self.ballot(height, ctx);
        let vote = message::sign_vote((height, claim.round), name, ballot, ctx);
        self.voted = Some((claim.clone(), vote.clone()));
        ctx.persist(Record::Voted(claim.clone(), vote.clone()));
        if from == ctx.me() {
            self.on_vote(from, &vote, ctx);
        } else {
            ctx.send(from, Message::Vote(vote));
        }
    }
    /// Whether the block stands on the tip, in its butler's turn, at a time that may be.
    fn is_in_turn(&self, from: NodeId, claim: &Claim, ctx: &Context<'_, Self>) -> bool {
        let (header, fields) = (&claim.block.header, &claim.fields);
        let parent = fields.parent.as_deref();
        let is_proven = match parent {
            None => self.tip.height() == Height::GENESIS,
            Some(parent) => parent.block == self.tip.id() && parent.is_complete(ctx.committee()),
        };
        is_proven
            && header.parent == self.tip.id()
            && header.seal == fields.seal()
            && fields.round <= claim.round
            && header.proposer == self.butler(parent, fields.round)
            && from == self.butler(parent, claim.round)
            && header.time >= self.tip.header.time
            && header.time <= ctx.now() + self.config.cut_off
    }
    fn on_vote(&mut self, from: NodeId, vote: &message::Vote, ctx: &mut Context<'_, Self>) {
        let Some(own) = self.proposed.clone() else { return };
        let is_ours = (vote.height, vote.round) == (own.claim.block.height(), own.claim.round);
        if !is_ours || ctx.committee().weight(from) == 0 {
            return;
        }
        if let Some(first) = self.voices.get(&from) {
            if first.block != vote.block {
                ctx.note(note::EVIDENCE, u64::from(from.0));
            }
            return;
        }
        self.voices.insert(from, vote.clone());
        let block = own.claim.block.id();
        let mut tally = Tally::default();
        let voices = self.voices.iter().filter(|(_, vote)| vote.block == block);
        for (node, _) in voices.clone() {
            tally.add(*node, ctx.committee());
        }
        if tally.is_quorum(ctx.committee()) {
            let voices = voices.map(|(node, vote)| voice(*node, vote)).collect();
            self.publish(&own.claim.clone(), voices, ctx);
        }
    }
    /// The block is final: the certificate to the commissioners, the block too to the others.
    fn publish(&mut self, claim: &Claim, voices: Vec<Voice>, ctx: &mut Context<'_, Self>) {
        let (block, fields) = (claim.block.clone(), claim.fields.clone());
        let (height, round) = (block.height(), claim.round);
        let certificate = Arc::new(Certificate { height, round, block: block.id(), voices });
        let ratified = Arc::new(Ratified { block, fields, certificate: certificate.clone() });
        for to in Vote::others(ctx, true) {
            ctx.send(to, Message::Certificate(certificate.clone()));
        }
        for to in Vote::others(ctx, false) {
            ctx.send(to, Message::Ratified(ratified.clone()));
        }
        if ctx.learn(&ratified.block).is_some() {
            self.ratify(&ratified, ctx);
        }
    }
    fn on_certificate(&mut self, from: NodeId, certificate: &Arc<Certificate>, ctx: &mut Context<'_, Self>) {
        if certificate.height != self.tip.height().next() {
            self.compare(certificate, ctx);
            return self.reconcile(from, certificate.height, ctx);
        }
        let voted = self.voted.as_ref().filter(|(claim, _)| claim.block.id() == certificate.block);
        let Some((claim, _)) = voted else { return self.ask(from, ctx) };
        if certificate.is_complete(ctx.committee()) {
            let (block, fields) = (claim.block.clone(), claim.fields.clone());
            self.ratify(&Arc::new(Ratified { block, fields, certificate: certificate.clone() }), ctx);
        }
    }
    /// Two certificates for one height: whoever signed both in one round lied.
    fn compare(&self, other: &Certificate, ctx: &mut Context<'_, Self>) {
        let known = other.height.previous().and_then(|below| self.ratified.get(below.0 as usize));
        let Some(known) = known.map(|ratified| &ratified.certificate).filter(|known| known.block != other.block) else {
            return;
        };
        let twice = other.voices.iter().filter(|voice| {
            known.round == other.round && known.voices.iter().any(|own| own.commissioner == voice.commissioner)
        });
        twice.for_each(|voice| ctx.note(note::EVIDENCE, u64::from(voice.commissioner.0)));
    }
    fn on_ratified(&mut self, from: NodeId, ratified: &Arc<Ratified>, ctx: &mut Context<'_, Self>) {
        let Ratified { block, fields, certificate } = &**ratified;
        if block.height() > self.tip.height().next() {
            return self.ask(from, ctx);
        }
        let is_next = block.parent() == self.tip.id() && block.header.seal == fields.seal();
        let is_proven = certificate.block == block.id()
            && certificate.height == block.height()
            && certificate.is_complete(ctx.committee())
            && fields.parent.as_ref().is_none_or(|parent| parent.is_complete(ctx.committee()));
        if is_next && is_proven && ctx.learn(block).is_some() && ctx.validate(block).is_ok() {
            self.ratify(ratified, ctx);
        } else {
            self.compare(certificate, ctx);
        }
    }
    /// An answer never asks again: on two sides of a fork that would multiply without end.
    fn on_blocks(&mut self, from: NodeId, list: &[Arc<Ratified>], ctx: &mut Context<'_, Self>) {
        for ratified in list {
            if ratified.block.height() <= self.tip.height().next() {
                self.on_ratified(from, ratified, ctx);
            }
        }
    }
    /// Takes a proven block.
    fn ratify(&mut self, ratified: &Arc<Ratified>, ctx: &mut Context<'_, Self>) {
        ctx.persist(Record::Ratified(ratified.clone()));
        self.take(ratified);
        ctx.extend(ratified.block.clone());
        ctx.finalize(ratified.block.height());
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

fn voice(commissioner: NodeId, vote: &message::Vote) -> Voice {
    Voice { commissioner, ballot: vote.ballot.clone(), signature: vote.signature }
}
