//! Tendermint: rounds of one proposal and two votes, with locks.
//!
//! **Source.** Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus", arXiv 1807.04938, Algorithm 1 (line
//! numbers below are its); the CometBFT specification for timeouts, proposer priority, parts, evidence and commits.
//!
//! **Model.** Byzantine power below one third; safe under asynchrony, live once delays stay below the growing
//! timeouts. Final at commit: no forks.
//!
//! **Quorum.** More than two thirds of the power, the paper's `2f + 1` of `n = 3f + 1` (CometBFT, `types/vote_set.go`: `total * 2 /
//! 3 + 1`). With a power of `3k` that is one more than would be safe, and a third that is down stops everything.
//!
//! ```text
//!               PROPOSAL, parts     PREVOTE         PRECOMMIT
//! proposer   0 ---+----------+-------------+----------------+-- decide, next height
//! validator  1    +-> valid? +-> polka: lock +-> two thirds --+-- decide
//! validator  2    +-> valid? +-> polka: lock +-> two thirds --+-- decide
//!                (n-1)(1+parts)  n(n-1)          n(n-1)           messages
//! ```
//!
//! **Simplified.** Votes go to all directly instead of from peer to peer; bit arrays are sent only while there is no
//! progress. A round is skipped (line 55) for `f + 1` messages of that round *or later ones*. The set of validators is
//! fixed, block time is the proposer's clock, no light-client attacks. The latest commits are kept; older blocks are served
//! from the chain without theirs, below one that has it. An idle chain makes no blocks (CometBFT's
//! `create_empty_blocks = false`).
//!
//! **Glossary.** *Polka*: a quorum of prevotes for one block in one round. *Lock*: the block a validator precommitted
//! last. *Valid value*: the newest block it saw a polka for. *Nil*: no block. *Commit*: a quorum of precommits.

mod attack;
mod evidence;
mod message;
mod proposer;
mod record;
mod sync;
mod vote;

#[cfg(test)]
mod tests;

pub use evidence::{DuplicateVote, Pool, is_expired};
pub use message::{Decided, Message, Part, Proposal, Status, Value};
pub use proposer::Priorities;
pub use record::Record;
pub use vote::{Certificate, NIL, Phase, Vote};

use crate::base::{Committee, Duration, FaultModel, Hash, Height, NodeId, Time, VoterSet, Work};
use crate::chain::{Block, Header, Limit};
use crate::protocol::backward_sync::{self, BackwardSync};
use crate::protocol::request::Backoff;
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, note, votes::Votes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When a lock is given up. Each rule is safe alone; mixed they fork.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unlocking {
    /// Prevote nil against a lock unless a newer polka is shown (lines 23 and 29); nil polkas change nothing.
    Paper,
    /// Prevote the locked block always; a polka above the lock for nil or another block unlocks, wherever it becomes known
    /// (CometBFT v0.38, `consensus/state.go`: `addVote`, `enterPrecommit`).
    Cometbft,
    /// The paper's prevotes with CometBFT's unlocking: planted, to show that it forks.
    #[cfg(test)]
    #[serde(skip)]
    Mixed,
}

/// What a scenario may set. Defaults are CometBFT's unless said otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long round 0 waits for a proposal. Default 3 s.
    pub propose_timeout: Duration,
    /// How long it waits for agreement among two thirds of votes, in each phase. Default 1 s.
    pub vote_timeout: Duration,
    /// What each round adds to both. Default 500 ms.
    pub timeout_delta: Duration,
    /// Pause between a decision and the next height. Default 0: Algorithm 1 has none, and it would only add itself to
    /// every confirmation; CometBFT waits 1 s to gather late precommits.
    pub commit_wait: Duration,
    /// Whether blocks are made when nothing waits. Default false (ours: they would only add messages; CometBFT makes them).
    pub empty_blocks: bool,
    /// The largest block. Default 1 MB or 4096 transactions (ours).
    pub block_limit: Limit,
    /// Bytes of a block part. Default 65 536.
    pub part_size: u64,
    /// When a lock is given up. Default paper (ours: the algorithm as it was proved).
    pub unlocking: Unlocking,
    /// Whether a proposer shows only what it locked again, as before validValue: Buchman's thesis of 2016, repaired in 2018
    /// (tendermint/tendermint, issue 1047 and pull request 1142). One Byzantine node can keep two locks apart for ever. Default
    /// false.
    pub propose_locked: bool,
    /// How long a validator waits without progress before it sends its status to all, at least; it never waits less than a
    /// height takes here when nothing goes wrong, since it does not track per connection what peers have, as CometBFT does.
    /// Doubles up to 16-fold. Default 100 ms (CometBFT, `config.go`: `PeerGossipSleepDuration`).
    pub status_interval: Duration,
    /// Evidence counts until it is older than this many blocks and than `evidence_age`. Default 100 000.
    pub evidence_blocks: u64,
    /// See `evidence_blocks`. Default 48 h.
    pub evidence_age: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            propose_timeout: Duration::from_secs(3),
            vote_timeout: Duration::from_secs(1),
            timeout_delta: Duration::from_millis(500),
            commit_wait: Duration::ZERO,
            empty_blocks: false,
            block_limit: Limit { bytes: 1_000_000, transactions: 4096 },
            part_size: 65_536,
            unlocking: Unlocking::Paper,
            propose_locked: false,
            status_interval: Duration::from_millis(100),
            evidence_blocks: 100_000,
            evidence_age: Duration::from_secs(48 * 3600),
        }
    }
}

/// The timers of a validator. Those of rounds carry their height and round; a stale one is ignored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The pause after a decision is over.
    Begin,
    /// timeoutPropose.
    Propose(Height, u32),
    /// timeoutPrevote.
    Prevote(Height, u32),
    /// timeoutPrecommit.
    Precommit(Height, u32),
    /// Time to see whether there was progress.
    Status,
}

/// Where in a round a validator is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// The height has not begun: nothing to decide.
    Waiting,
    /// Waits for a proposal.
    Propose,
    /// Prevoted.
    Prevote,
    /// Precommitted.
    Precommit,
}

/// The messages of one round.
#[derive(Clone, Debug, Default)]
struct Round {
    proposal: Option<Arc<(NodeId, Proposal)>>,
    have: Vec<bool>,
    value: Option<Arc<Value>>,
    /// Whether all parts are here, and then whether the value is valid.
    judged: Option<bool>,
    votes: [Votes; 2],
    voters: [VoterSet; 2],
    /// The block with a quorum of prevotes, and the prevotes, to be sent to validators that missed them.
    polka: Option<Arc<Certificate>>,
    /// First times: of lines 34, 36 and 47.
    waits: [bool; 2],
    locked_in: bool,
}

/// A validator.
#[derive(Clone, Debug)]
pub struct Tendermint {
    config: Arc<Config>,
    tip: Arc<Block>,
    round: u32,
    step: Step,
    locked: Option<(Arc<Value>, u32)>,
    valid: Option<(Arc<Value>, u32)>,
    rounds: BTreeMap<u32, Round>,
    /// The messages of each peer's highest round to come, a few.
    early: BTreeMap<NodeId, (u32, Vec<Message>)>,
    /// The messages of each peer for the next height, which it may have reached a little sooner.
    next: BTreeMap<NodeId, Vec<Message>>,
    /// The highest height in the messages of each peer.
    claims: BTreeMap<NodeId, Height>,
    /// Whether the pause after a decision lasts.
    pausing: bool,
    /// The proposer of round 0 of this height, kept because each new transaction needs it.
    first: NodeId,
    /// The priorities after that turn.
    priorities: Priorities,
    powers: Vec<u64>,
    /// The latest decisions; what is older is in the chain.
    decided: BTreeMap<Height, Arc<Decided>>,
    /// The backward sync from a decision far ahead.
    backward_sync: Option<BackwardSync<Arc<Decided>>>,
    pool: Pool,
    /// The precommits of the last height by round, to compare with the commits of others.
    precommits: BTreeMap<u32, Votes>,
    /// This validator's votes and proposal of the height: never another for the same slot.
    said: BTreeMap<(u32, Phase), Vote>,
    /// How far it was at the last status timer.
    watched: Option<Progress>,
    /// How often it asked for help, which determines the next peer to ask.
    asked: u64,
    /// After a restart: the peers that have reported since that they are not ahead. Asks until a correct one has.
    unsure: Option<VoterSet>,
    /// Consecutive status timers without progress.
    idle_checks: u32,
    /// When the height began, and how long a height takes when nothing goes wrong.
    began: Time,
    usual: Duration,
    /// The last height that each peer took part in: a peer that is behind may be cut off, and is sent this one's status.
    spoke: BTreeMap<NodeId, Height>,
    reminders: Backoff,
    /// The one request for decided blocks that is under way: the peer, and when its answer is given up.
    fetch: Option<(NodeId, Time)>,
    /// How long the next such request may take.
    backoff: Backoff,
    /// The peers to which parts were sent: of which round, when they may be sent again, and how often they were.
    served: BTreeMap<NodeId, (u32, Time, u32)>,
}

/// How far a validator is: its height, round and step, and how many parts of the proposal it has.
type Progress = (Height, u32, Step, usize);

/// Decisions kept.
const DECIDED_MAX: usize = 64;
/// How far ahead of the local clock a fresh proposal may be dated (ours; CometBFT's proposer-based timestamps allow the
/// precision of the clocks). Without a bound a Byzantine proposer could set any block time.
const AHEAD_MAX: Duration = Duration::from_secs(1);
/// Least time between a block and its child (CometBFT's `state/validation.go` asks for a later time; its clock ticks in
/// milliseconds, ours in nanoseconds).
const BLOCK_TIME_STEP: Duration = Duration::from_nanos(1);

impl Protocol for Tendermint {
    const NAME: &'static str = "tendermint";
    const SUMMARY: &'static str = "Tendermint (2018): rounds with locks, f < n/3 Byzantine, final at commit";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, _nodes: usize) -> Result<(), InvalidSetting> {
        let spans = [
            ("propose_timeout", config.propose_timeout.as_nanos()),
            ("vote_timeout", config.vote_timeout.as_nanos()),
            ("timeout_delta", config.timeout_delta.as_nanos()),
            ("status_interval", config.status_interval.as_nanos()),
            ("part_size", config.part_size),
            ("block_limit", config.block_limit.bytes.min(u64::from(config.block_limit.transactions))),
        ];
        match spans.into_iter().find(|(_, number)| *number == 0) {
            Some((key, _)) => Err(InvalidSetting { key, reason: "must be above zero".to_owned() }),
            None => Ok(()),
        }
    }
    fn committee(_config: &Config, weights: Vec<u64>) -> Committee {
        let committee = Committee::weighted(weights, FaultModel::Byzantine);
        let quorum = committee.two_thirds();
        committee.requiring(quorum)
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        Tendermint::recover(config, log, ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Vote(vote) => self.on_vote(from, &vote, ctx),
            Message::Proposal(m) => self.on_proposal(m, ctx),
            Message::Part(part) => self.on_part(from, &part, ctx),
            Message::Polka(polka) => self.on_polka(&polka, ctx),
            Message::Status(status) => self.on_status(from, &status, ctx),
            Message::Decided(decided) => self.on_decided(from, &decided, ctx),
            Message::Ask { upto, above } => {
                let blocks = backward_sync::ancestors(upto, above, ctx);
                if !blocks.is_empty() {
                    ctx.send(from, Message::Blocks(Arc::new(blocks)));
                }
            }
            Message::Blocks(blocks) => self.on_blocks(from, &blocks, ctx),
            Message::Evidence(proof) => self.on_evidence(&proof, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        let now = (self.height(), self.round);
        match timer {
            Timer::Begin => {
                self.pausing = false;
                self.begin(ctx);
            }
            Timer::Status => self.on_status_timer(ctx),
            // Lines 57, 61 and 65.
            Timer::Propose(h, r) if (h, r) == now && self.step == Step::Propose => {
                let id = self.last_choice().unwrap_or(NIL);
                self.vote(Phase::Prevote, id, ctx);
            }
            Timer::Prevote(h, r) if (h, r) == now && self.step == Step::Prevote => self.end_prevotes(ctx),
            Timer::Precommit(h, r) if (h, r) == now => self.start_round(r + 1, ctx),
            _ => {}
        }
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Self>) {
        self.begin(ctx);
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

impl Vote {
    /// This validator's.
    fn signed(phase: Phase, height: Height, round: u32, id: Hash, ctx: &mut Context<'_, Tendermint>) -> Vote {
        let signature = ctx.sign(&Vote::statement(phase, height, round, &id));
        Vote { phase, height, round, id, voter: ctx.me(), signature }
    }
}

/// Algorithm 1.
impl Tendermint {
    fn height(&self) -> Height {
        self.tip.height().next()
    }
    fn proposer(&self, round: u32) -> NodeId {
        if round == 0 {
            return self.first;
        }
        let mut copy = self.priorities.clone();
        (0..round).fold(self.first, |_, _| copy.advance(&self.powers))
    }
    fn timeout(&self, base: Duration) -> Duration {
        base + self.config.timeout_delta * u64::from(self.round)
    }
    /// The quorum of prevotes of a round.
    fn polka(&self, round: u32) -> Option<&Arc<Certificate>> {
        self.rounds.get(&round).and_then(|slot| slot.polka.as_ref())
    }
    /// Starts the height if there is something to decide; a proposer that was woken by others proposes now.
    fn begin(&mut self, ctx: &mut Context<'_, Self>) {
        let may = match self.step {
            Step::Waiting => !self.pausing && !self.is_behind(ctx),
            Step::Propose => self.may_propose(ctx.me()),
            Step::Prevote | Step::Precommit => false,
        };
        match self.step {
            _ if !may || !(self.config.empty_blocks || self.has_any(ctx)) => {}
            Step::Waiting => self.start_round(0, ctx),
            _ => self.propose(ctx),
        }
    }
    /// Whether something waits that a block may hold.
    fn has_any(&self, ctx: &mut Context<'_, Self>) -> bool {
        let one = Limit { transactions: 1, ..self.config.block_limit };
        ctx.pending() > 0 && ctx.template(&self.tip, one).payments() > 0
    }
    /// Lines 11-21.
    fn start_round(&mut self, round: u32, ctx: &mut Context<'_, Self>) {
        if self.step == Step::Waiting {
            self.began = ctx.now();
        } else {
            ctx.note(note::WASTED, u64::from(self.round));
        }
        (self.round, self.step) = (round, Step::Propose);
        self.rounds.entry(round).or_default();
        ctx.note(note::ROUND, u64::from(round));
        ctx.set_timer(Timer::Propose(self.height(), round), self.timeout(self.config.propose_timeout));
        self.watch(ctx);
        if self.proposer(round) == ctx.me() {
            ctx.note(note::LEADING, note::turn(self.height(), u64::from(round)));
            if round > 0 || ctx.pending() > 0 || self.config.empty_blocks {
                self.propose(ctx);
            }
        }
        let due: Vec<NodeId> = self.early.iter().filter(|(_, (r, _))| *r <= round).map(|(node, _)| *node).collect();
        for node in due {
            for message in self.early.remove(&node).map(|(_, messages)| messages).unwrap_or_default() {
                self.on_message(node, message, ctx);
            }
        }
        self.advance(round, ctx);
    }
    /// Whether it is this validator's turn, and it has not proposed in this round.
    fn may_propose(&self, me: NodeId) -> bool {
        self.proposer(self.round) == me && self.rounds.get(&self.round).is_none_or(|r| r.proposal.is_none())
    }
    fn propose(&mut self, ctx: &mut Context<'_, Self>) {
        let (me, height, round) = (ctx.me(), self.height(), self.round);
        if !self.may_propose(me) {
            return;
        }
        let known = if self.config.propose_locked { &self.locked } else { &self.valid };
        let (value, valid_round) = match known {
            Some((value, round)) => (value.clone(), Some(*round)),
            None => (self.make(ctx), None),
        };
        let (id, parts) = (value.block.id(), value.parts(self.config.part_size));
        let mut proposal = Proposal { height, round, valid_round, id, parts, signature: crate::base::Signature::NONE };
        proposal.signature = ctx.sign(&proposal.statement());
        ctx.persist(Record::Proposed(proposal, value.clone()));
        let shared = Arc::new((me, proposal));
        ctx.broadcast(Message::Proposal(shared.clone()));
        for index in 0..parts {
            let part = Part { round, index, size: self.config.part_size, value: value.clone() };
            ctx.broadcast(Message::Part(Arc::new(part)));
        }
        let bytes = value.bytes() as u64 * (ctx.committee().n() as u64 - 1);
        for peer in ctx.committee().members().filter(|peer| *peer != me) {
            self.may_serve(peer, round, bytes, ctx.now());
        }
        let slot = self.rounds.entry(round).or_default();
        (slot.proposal, slot.have, slot.value) = (Some(shared), vec![true; parts as usize], Some(value));
        self.advance(round, ctx);
    }
    fn make(&self, ctx: &mut Context<'_, Self>) -> Arc<Value> {
        let last = self.decided.get(&self.tip.height()).map(|decided| decided.commit.clone());
        let evidence: Vec<_> = self.pool.pending().take(evidence::IN_BLOCK_MAX).cloned().collect();
        let batch = ctx.template(&self.tip, self.config.block_limit);
        let header = Header {
            parent: self.tip.id(),
            height: self.height(),
            merkle: batch.digest(),
            time: ctx.now().max(self.tip.header.time + BLOCK_TIME_STEP),
            proposer: ctx.me(),
            seal: Value::seal(last.as_ref(), &evidence),
        };
        Arc::new(Value { block: Block::new(header, batch), last, evidence })
    }
    /// Signs once for each slot; a vote that was signed before is sent again unchanged.
    fn vote(&mut self, phase: Phase, id: Hash, ctx: &mut Context<'_, Self>) {
        self.step = if phase == Phase::Prevote { Step::Prevote } else { Step::Precommit };
        let vote = self.pledge(phase, self.round, id, ctx);
        ctx.broadcast(Message::Vote(Arc::new(vote)));
        self.count(&vote, ctx);
    }
    fn pledge(&mut self, phase: Phase, round: u32, id: Hash, ctx: &mut Context<'_, Self>) -> Vote {
        if let Some(vote) = self.said.get(&(round, phase)) {
            return *vote;
        }
        let vote = Vote::signed(phase, self.height(), round, id, ctx);
        ctx.persist(Record::Voted(vote));
        self.said.insert((round, phase), vote);
        vote
    }
    fn count(&mut self, vote: &Vote, ctx: &mut Context<'_, Self>) {
        let (committee, at) = (ctx.committee(), vote.phase as usize);
        let slot = self.rounds.entry(vote.round).or_default();
        if slot.votes[at].add(vote.voter, &vote.id, Some(vote.signature), committee) {
            slot.voters[at].add(vote.voter, committee);
            let gave_up = vote.phase == Phase::Precommit && vote.id == NIL && vote.voter != ctx.me();
            if let Some(polka) = slot.polka.clone().filter(|polka| gave_up && polka.id != NIL) {
                ctx.send(vote.voter, Message::Polka(polka));
            }
            if vote.phase == Phase::Prevote && slot.polka.is_none() && slot.votes[0].is_quorum(&vote.id, committee) {
                slot.polka = slot.votes[0].ballots().find(|ballot| ballot.digest == vote.id).map(|ballot| {
                    let Vote { phase, height, round, id, .. } = *vote;
                    Arc::new(Certificate { phase, height, round, id, signatures: ballot.signatures.clone() })
                });
                self.unlock(vote.round, ctx);
            }
            return self.advance(vote.round, ctx);
        }
        let first = slot.votes[at].ballots().find(|b| b.digest != vote.id && b.voters.contains(vote.voter));
        let signed =
            first.and_then(|b| b.signatures.iter().find(|(node, _)| *node == vote.voter).map(|s| (b.digest, s.1)));
        if let Some((id, signature)) = signed {
            let one = Vote { id, signature, ..*vote };
            self.on_evidence(&Arc::new(DuplicateVote { one, other: *vote }), ctx);
        }
    }
    /// Re-evaluates the guards that a message of `round` may have made true.
    fn advance(&mut self, round: u32, ctx: &mut Context<'_, Self>) {
        let height = self.height();
        self.judge(round, ctx);
        self.try_decide(round, ctx);
        if self.height() != height {
            return;
        }
        self.try_prevote(ctx);
        self.try_precommit(round, ctx);
        let patience = self.timeout(self.config.vote_timeout);
        let (committee, current) = (ctx.committee(), self.round);
        let Some(slot) = self.rounds.get_mut(&round).filter(|_| round == current) else { return };
        // Lines 34 and 47: two thirds voted, however.
        if self.step == Step::Prevote && !slot.waits[0] && slot.voters[0].is_quorum(committee) {
            slot.waits[0] = true;
            ctx.set_timer(Timer::Prevote(height, round), patience);
        }
        if self.step != Step::Waiting && !slot.waits[1] && slot.voters[1].is_quorum(committee) {
            slot.waits[1] = true;
            ctx.set_timer(Timer::Precommit(height, round), patience);
        }
    }
    /// Lines 22-33, and CometBFT's variant: the locked block always.
    fn try_prevote(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(slot) = self.rounds.get(&self.round).filter(|_| self.step == Step::Propose) else { return };
        let (Some(proposal), Some(judged)) = (&slot.proposal, slot.judged) else { return };
        let Proposal { id, valid_round, .. } = proposal.1;
        let lock = self.locked.as_ref().map(|(value, round)| (value.block.id(), *round));
        // A proposal shown again was timely when it had its polka.
        let latest = ctx.now() + AHEAD_MAX;
        let is_timely = slot.value.as_ref().is_none_or(|value| value.block.header.time <= latest);
        let free = match valid_round {
            None => is_timely && lock.is_none_or(|(locked, _)| locked == id),
            Some(vr) if vr >= self.round => return,
            Some(vr) if self.polka(vr).is_none_or(|polka| polka.id != id) => return,
            Some(vr) => lock.is_none_or(|(locked, round)| locked == id || round <= vr),
        };
        let choice = if judged && free { id } else { NIL };
        let id = lock.filter(|_| self.config.unlocking == Unlocking::Cometbft).map_or(choice, |(locked, _)| locked);
        self.vote(Phase::Prevote, id, ctx);
    }
    /// Lines 36-46.
    fn try_precommit(&mut self, round: u32, ctx: &mut Context<'_, Self>) {
        if round != self.round || self.step < Step::Prevote {
            return;
        }
        let Some(slot) = self.rounds.get_mut(&round) else { return };
        let Some(polka) = slot.polka.clone() else { return };
        match polka.id {
            NIL if self.step == Step::Prevote => self.vote(Phase::Precommit, NIL, ctx),
            id if id != NIL && slot.judged == Some(true) && !slot.locked_in => {
                let Some(value) = slot.value.clone().filter(|value| value.block.id() == id) else { return };
                slot.locked_in = true;
                let locks = self.step == Step::Prevote;
                // Validators that precommitted nil before must receive the polka in this round: termination rests on this
                // gossip property of the paper, which ends hidden locks. Those that precommit nil later are sent it then.
                if let Some(nil) = slot.votes[1].ballots().find(|ballot| ballot.digest == NIL) {
                    let (me, voters) = (ctx.me(), nil.signatures.clone());
                    for (node, _) in voters.into_iter().filter(|(node, _)| *node != me) {
                        ctx.send(node, Message::Polka(polka.clone()));
                    }
                }
                self.lock(value, polka, locks, ctx);
            }
            _ => {}
        }
    }
    /// CometBFT's rule: a polka of a round after that of the lock, up to the present one, for nil or another block.
    fn unlock(&mut self, round: u32, ctx: &mut Context<'_, Self>) {
        if self.config.unlocking == Unlocking::Paper || round > self.round {
            return;
        }
        let Some(id) = self.polka(round).map(|polka| polka.id) else { return };
        if self.locked.take_if(|(value, locked)| *locked < round && value.block.id() != id).is_none() {
            return;
        }
        ctx.persist(Record::Unlocked);
        // Nothing is here of what the others prevoted, so that there is nothing to wait for.
        let is_unknown = self.rounds.get(&round).and_then(|slot| slot.proposal.as_ref()).is_none_or(|m| m.1.id != id);
        if id != NIL && is_unknown && round == self.round && self.step == Step::Prevote {
            self.vote(Phase::Precommit, NIL, ctx);
        }
    }
    /// What a validator prevotes when it has waited long enough: in CometBFT (`defaultDoPrevote`) its lock, or else the block
    /// that is here and valid, whatever the proposer claims of it.
    fn last_choice(&self) -> Option<Hash> {
        let slot = self.rounds.get(&self.round).filter(|slot| slot.judged == Some(true));
        let shown = slot.and_then(|slot| slot.value.as_ref());
        let held = self.locked.as_ref().map(|(value, _)| value).or(shown);
        held.filter(|_| self.config.unlocking == Unlocking::Cometbft).map(|value| value.block.id())
    }
    /// Line 61; in CometBFT (`enterPrecommit`) a polka for the lock renews it, though no validator showed the block in this round.
    fn end_prevotes(&mut self, ctx: &mut Context<'_, Self>) {
        let polka = self.polka(self.round).filter(|_| self.config.unlocking == Unlocking::Cometbft).cloned();
        let renewed = self.locked.as_ref().map(|(value, _)| value.clone());
        match polka.zip(renewed).filter(|(polka, value)| polka.id == value.block.id()) {
            Some((polka, value)) => self.lock(value, polka, true, ctx),
            None => self.vote(Phase::Precommit, NIL, ctx),
        }
    }
    /// Lines 37-43: valid from now on, and locked if this round is not given up yet.
    fn lock(&mut self, value: Arc<Value>, polka: Arc<Certificate>, locks: bool, ctx: &mut Context<'_, Self>) {
        let id = polka.id;
        self.valid = Some((value.clone(), polka.round));
        if locks {
            self.locked = Some((value.clone(), polka.round));
        }
        ctx.persist(Record::Valid(value, polka, locks));
        if locks {
            self.vote(Phase::Precommit, id, ctx);
        }
    }
    /// Lines 49-54, for any round.
    fn try_decide(&mut self, round: u32, ctx: &mut Context<'_, Self>) {
        let Some(slot) = self.rounds.get(&round).filter(|slot| slot.judged == Some(true)) else { return };
        let Some(value) = &slot.value else { return };
        let id = value.block.id();
        let quorum = slot.votes[1].ballots().find(|b| b.digest == id && b.voters.is_quorum(ctx.committee()));
        if let Some(signatures) = quorum.map(|ballot| ballot.signatures.clone()) {
            let commit = Certificate { phase: Phase::Precommit, height: self.height(), round, id, signatures };
            self.decide(Arc::new(Decided { value: value.clone(), commit: Arc::new(commit) }), ctx);
        }
    }
    fn decide(&mut self, decided: Arc<Decided>, ctx: &mut Context<'_, Self>) {
        decided.value.evidence.iter().for_each(|proof| self.pool.commit(proof.slot()));
        ctx.persist(Record::Decided(decided.clone(), self.pool.committed().collect()));
        self.enter(&decided.value.block, ctx);
        ctx.finalize(self.tip.height());
        self.decided.insert(self.tip.height(), decided);
        while self.decided.len() > DECIDED_MAX {
            self.decided.pop_first();
        }
        self.pausing = true;
        ctx.set_timer(Timer::Begin, self.config.commit_wait);
        for (node, messages) in std::mem::take(&mut self.next) {
            messages.into_iter().for_each(|message| self.on_message(node, message, ctx));
        }
    }
    /// Appends the block and begins the next height, without messages.
    fn enter(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        ctx.extend(block.clone());
        self.tip = block.clone();
        let mut pool = std::mem::take(&mut self.pool);
        pool.forget(|at| self.is_past(at, ctx));
        self.pool = pool;
        self.first = self.priorities.advance(&self.powers);
        self.backward_sync.take_if(|backward_sync| backward_sync.is_down(block));
        if self.step != Step::Waiting && self.round == 0 && self.idle_checks == 0 {
            self.usual = ctx.now().since(self.began).min(self.config.propose_timeout);
        }
        (self.round, self.step, self.idle_checks) = (0, Step::Waiting, 0);
        self.reminders.reset();
        self.served.clear();
        (self.locked, self.valid) = (None, None);
        let rounds = std::mem::take(&mut self.rounds).into_iter();
        self.precommits = rounds.map(|(round, Round { votes: [_, precommits], .. })| (round, precommits)).collect();
        self.early.clear();
        self.said.clear();
    }
    /// Whether evidence about a height no longer counts on the tip. A function of the chain: all validators agree.
    pub(super) fn is_past(&self, height: Height, ctx: &Context<'_, Self>) -> bool {
        let then = ctx.block_at(height).map_or(self.tip.header.time, |block| block.header.time);
        let (blocks, age) = (self.tip.height().0.saturating_sub(height.0), self.tip.header.time.since(then));
        is_expired(blocks, age, (self.config.evidence_blocks, self.config.evidence_age))
    }
    /// Whether a value may be decided: a valid block within the limits and of a validator, the commit of its parent, evidence
    /// that is new and still counts (`state/validation.go`, `addProposalBlockPart`). A decided
    /// value may repeat evidence: a validator that lost its log, or fetched blocks without their evidence, cannot check that.
    fn is_valid(&self, value: &Arc<Value>, is_decided: bool, ctx: &mut Context<'_, Self>) -> bool {
        let (block, committee) = (&value.block, ctx.committee());
        let signatures = value.last.as_ref().map_or(0, |last| last.signatures.len()) + 2 * value.evidence.len();
        ctx.spend(Work::verify(signatures as u32));
        let holds_commit = match &value.last {
            None => self.tip.height() == Height::GENESIS,
            Some(last) => {
                (last.phase, last.height, last.id) == (Phase::Precommit, self.tip.height(), self.tip.id())
                    && last.is_complete(committee)
                    && last.is_genuine(ctx.keys())
            }
        };
        let is_new = |(at, proof): (usize, &Arc<DuplicateVote>)| {
            let is_repeated = value.evidence[..at].iter().any(|other| other.slot() == proof.slot());
            let counts = proof.one.height <= self.height() && !self.is_past(proof.one.height, ctx);
            let is_fresh = is_decided || !self.pool.is_committed(proof);
            !is_repeated && counts && proof.is_genuine(ctx.keys()) && is_fresh
        };
        holds_commit
            && value.evidence.len() <= evidence::IN_BLOCK_MAX
            && value.evidence.iter().enumerate().all(is_new)
            && block.parent() == self.tip.id()
            && block.height() == self.height()
            && (block.header.time > self.tip.header.time || block.height() == Height(1))
            && committee.contains(block.header.proposer)
            && self.config.block_limit.admits(&block.batch)
            && block.header.seal == Value::seal(value.last.as_ref(), &value.evidence)
            && ctx.insert_block(block).is_some()
            && ctx.validate(block).is_ok()
    }
    fn judge(&mut self, round: u32, ctx: &mut Context<'_, Self>) {
        let Some(slot) = self.rounds.get(&round).filter(|slot| slot.judged.is_none()) else { return };
        let (Some(_), Some(value)) = (&slot.proposal, slot.value.clone()) else { return };
        if slot.have.iter().all(|have| *have) {
            let judged = self.is_valid(&value, false, ctx);
            self.rounds.entry(round).or_default().judged = Some(judged);
            if let Some(last) = &value.last {
                self.compare_commit(last, ctx);
            }
        }
    }
}
