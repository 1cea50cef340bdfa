//! QBFT and its ancestors IBFT: blocks one after the other, each final by a quorum of seals.
//!
//! **Source.** Moniz, "The Istanbul BFT consensus algorithm" (arXiv 2002.03613), algorithms 1 to 4; the QBFT
//! specification of the Enterprise Ethereum Alliance. IBFT 2.0: Saltini and Hyland-Wood (arXiv 1909.10194). IBFT 1:
//! EIP-650 and the analysis of its flaws (arXiv 1901.07160). Defaults: Hyperledger Besu and `GoQuorum`.
//!
//! **Model.** Up to `f` Byzantine validators of `n >= 3f + 1`; safe under asynchrony, live when delays stay below the
//! doubling round timers. Final at a quorum of COMMITs: no forks.
//!
//! ```text
//!               PROPOSAL     PREPARE       COMMIT
//! proposer  1 ---+------------+-------------+------- insert, seal
//! validator 2    +-> accept --+-> prepared -+-> commit, insert
//! validator 3    +-> accept --+-> prepared -+-> commit, insert
//! validator 0    +-> accept --+-> prepared -+-> commit, insert
//!               n-1       (n-1)^2        n(n-1)      messages
//! ```
//!
//! **Quorum.** The least with which any two quorums meet in a correct validator, which is the `ceil(2n/3)` of both code
//! bases for every `n` (Besu, `BftHelpers.calculateRequiredValidatorQuorum`; `GoQuorum`, `QuorumSize`). Fewer than four
//! validators tolerate no fault, and run as both code bases run them. `quorum = "early"` is the `2f + 1` of EIP-650, which forks at `n = 6` without any Byzantine node.
//!
//! **Mapping.** A PROPOSAL is signed as the PREPARE of its proposer, and a COMMIT by its seal, so that certificates are
//! lists of like signatures. Blocks are proposed when transactions wait and the block period is over; without any the
//! chain rests. The next proposer follows the proposer of the last block.
//!
//! **Simplified.** The validators are fixed: no votes in headers and no contract. Messages of later heights are kept for
//! `FUTURE_MAX`; beyond, and after a missed decision, a validator requests sealed blocks. IBFT 2.0 differs from QBFT
//! in the size of justifications alone, where every ROUND-CHANGE repeats its certificate. Of IBFT 1 the locks are
//! here, but not their release when a block cannot be inserted: insertion never fails.
//!
//! **Glossary.** *Round*: a try to decide a height. *Prepared*: a quorum prepared a block. *Justification*: why a
//! proposal of a later round may be accepted. *Seal*: a COMMIT kept with the block. *Lock* (IBFT 1): a prepared block
//! that its holder will not leave.

mod attack;
mod message;
mod transfer;

#[cfg(test)]
mod tests;

pub use message::{Change, Message, Phase, Prepared, Proposal, Record, RoundChange, Said, Sealed, statement};

use crate::base::{Committee, Duration, FaultModel, Hash, Height, NodeId, Signature, Time, VoterSet};
use crate::chain::{Batch, Block, Header, Limit, Seal};
use crate::protocol::backward_sync::{self, BackwardSync};
use crate::protocol::request::Backoff;
use crate::protocol::votes::Votes;
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, note};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A try to decide a height.
pub type Round = u64;

/// Which of the family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// QBFT: one certificate justifies a proposal.
    #[default]
    Qbft,
    /// IBFT 2.0: every ROUND-CHANGE of a justification repeats its certificate.
    Ibft2,
    /// IBFT 1: locks without proofs; can stall for ever.
    Ibft1,
}

/// How many validators decide.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// So many that any two meet in a correct validator.
    #[default]
    Byzantine,
    /// The `2f + 1` of EIP-650, whatever `n`: unsafe unless `n = 3f + 1`.
    Early,
}

/// Who proposes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The one after the proposer of the last block.
    #[default]
    RoundRobin,
    /// The proposer of the last block, until a round fails.
    Sticky,
}

/// What a scenario may set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which of the family. Default QBFT.
    pub variant: Variant,
    /// How many validators decide. Default byzantine (IBFT 2.0's repair of EIP-650).
    pub quorum: Quorum,
    /// Who proposes next. Default round robin (both code bases).
    pub policy: Policy,
    /// Least time between a block and its child. Default 1 s (Besu; `GoQuorum` 5 s).
    pub block_period: Duration,
    /// How long round 0 may take; doubles with each round. Default 1 s (Besu; `GoQuorum` 10 s).
    pub request_timeout: Duration,
    /// The most it grows to. Default 365 d, which is none, as in Besu (`RoundTimer`) and in `GoQuorum`, whose
    /// `maxRequestTimeoutSeconds` is optional. Validators whose rounds all last so long, and began at different times, may
    /// never be in one round again: a cap trades liveness for a bound.
    pub request_timeout_max: Duration,
    /// Whether the proposer sends a PREPARE besides its proposal, as in `GoQuorum`. Default false, as in Besu.
    pub proposer_prepares: bool,
    /// The largest batch. Default 512 transactions or 1 MB (ours: chains limit gas).
    pub block_limit: Limit,
    /// Whether a validator logs what it says before it says it. Default false: Besu and `GoQuorum` write nothing but the
    /// chain, pay no disk for a vote, and start again in round 0. One that restarts may then contradict itself, so that a
    /// restart of more than `f` can fork; with true it cannot, and each vote waits for the disk.
    pub durable: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            variant: Variant::Qbft,
            quorum: Quorum::Byzantine,
            policy: Policy::RoundRobin,
            block_period: Duration::from_secs(1),
            request_timeout: Duration::from_secs(1),
            request_timeout_max: Duration::from_secs(365 * 24 * 3600),
            proposer_prepares: false,
            block_limit: Limit { bytes: 1_000_000, transactions: 512 },
            durable: false,
        }
    }
}

/// Alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The block period is over, or transactions have left the mempool: look at what waits.
    Block,
    /// The round takes too long.
    Round,
    /// What was said last is durable: it counts here too.
    Durable,
    /// A peer is ahead, or does not answer.
    Ask,
}

/// A validator.
#[derive(Clone, Debug)]
pub struct Qbft {
    config: Arc<Config>,
    /// The last final block; the height in work is the next.
    last: Arc<Block>,
    round: Round,
    /// The block accepted in this round.
    accepted: Option<Arc<Block>>,
    /// The newest certificate of this height (`preparedRound`, `preparedValue`); in IBFT 1 the lock.
    prepared: Option<Arc<Prepared>>,
    /// PREPAREs and COMMITs of this height, by round: of all rounds up to the present and a few beyond.
    prepares: BTreeMap<Round, Votes>,
    commits: BTreeMap<Round, Votes>,
    /// Blocks of this height seen in proposals and certificates, to be inserted when a quorum commits.
    blocks: BTreeMap<Hash, Arc<Block>>,
    /// The ROUND-CHANGE of each validator for its highest round.
    changes: BTreeMap<NodeId, Arc<RoundChange>>,
    /// Own words that are not durable yet.
    own: Vec<(Phase, Round, Hash, Signature)>,
    /// Whether [`Timer::Round`] is set.
    timing: bool,
    /// Messages of later heights.
    future: Vec<(NodeId, Message)>,
    /// The latest final blocks with their seals, for those who missed them.
    sealed: BTreeMap<Height, Arc<Sealed>>,
    /// The way down from a sealed block far ahead.
    backward_sync: Option<BackwardSync<Arc<Sealed>>>,
    /// The round that it was in when it started again, which lasts as long as round 0.
    resumed: Option<Round>,
    /// Number of requests so far: selects the next peer. Whether [`Timer::Ask`] is set. Whose answer is under way, and how long
    /// the next may take.
    asked: u64,
    asking: bool,
    fetch: Option<NodeId>,
    backoff: Backoff,
    /// After a restart: who said since that nothing is missing here. Asks until a correct one did.
    unsure: Option<VoterSet>,
    /// The last height in a message of each validator. One far behind may be cut off, and is sent the chain's height.
    spoke: BTreeMap<NodeId, Height>,
    reminders: Backoff,
}

/// Messages of later heights that are kept (Besu: 1000).
const FUTURE_MAX: usize = 1_000;
/// How far ahead of the local clock a proposed block may be dated (Besu). Else the next block period would never end.
const AHEAD_MAX: Duration = Duration::from_secs(1);
/// Heights ahead whose messages are kept (Besu: 10).
const HEIGHTS_AHEAD: u64 = 10;
/// Rounds ahead of the present one whose votes are kept.
const ROUNDS_AHEAD: Round = 8;
/// Sealed blocks kept, and sent in one answer at most.
const SEALED_MAX: usize = 512;
const ANSWER_MAX: usize = 32;

impl Protocol for Qbft {
    const NAME: &'static str = "qbft";
    const SUMMARY: &'static str =
        "QBFT, IBFT 2.0 or IBFT 1: rotating proposers, three phases, f < n/3 Byzantine, final";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, _nodes: usize) -> Result<(), InvalidSetting> {
        let invalid = |key, reason: String| Err(InvalidSetting { key, reason });
        if config.request_timeout.is_zero() || config.request_timeout_max < config.request_timeout {
            return invalid("request_timeout", "must be above zero and at most request_timeout_max".to_owned());
        }
        if config.block_limit.bytes == 0 || config.block_limit.transactions == 0 {
            return invalid("block_limit", "must be at least 1".to_owned());
        }
        Ok(())
    }
    fn committee(config: &Config, weights: Vec<u64>) -> Committee {
        let committee = Committee::weighted(weights, FaultModel::Byzantine);
        let early = committee.faulty() + committee.blocking();
        match config.quorum {
            Quorum::Byzantine => committee,
            Quorum::Early => committee.requiring(early),
        }
    }
    fn client_reply_quorum(committee: &Committee) -> u64 {
        committee.blocking()
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        Qbft::recover(config, log, ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        if let Some(height) = message.height() {
            self.note_height(from, height, ctx);
            if height != self.height() {
                return self.on_other_height(from, height, message, ctx);
            }
        }
        match message {
            Message::Proposal(proposal) => self.on_proposal(from, &proposal, ctx),
            Message::Vote { phase, round, digest, signature, .. } => {
                self.on_vote(from, phase, round, &digest, signature, ctx);
            }
            Message::RoundChange(change) => self.on_round_change(from, change, ctx),
            Message::Ask { above } => self.on_ask(from, above, ctx),
            Message::Blocks(blocks) => self.on_blocks(from, &blocks, ctx),
            Message::AskBelow { upto, above } => {
                let blocks = backward_sync::ancestors(upto, above, ctx);
                if !blocks.is_empty() {
                    ctx.send(from, Message::Below(Arc::new(blocks)));
                }
            }
            Message::Below(blocks) => self.on_below(from, &blocks, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Block => self.start(ctx),
            Timer::Round => self.on_round_timer(ctx),
            Timer::Durable => self.on_durable(ctx),
            Timer::Ask => self.on_ask_timer(ctx),
        }
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Self>) {
        self.start(ctx);
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

/// Rounds and proposals (algorithms 1 and 3).
impl Qbft {
    fn height(&self) -> Height {
        self.last.height().next()
    }
    /// Whether a prepared block holds against every other, and it is not announced: the first IBFT.
    fn keeps_locks(&self) -> bool {
        self.config.variant == Variant::Ibft1
    }
    /// Who proposes in a round of this height.
    fn proposer(&self, round: Round, ctx: &Context<'_, Self>) -> NodeId {
        let last = u64::from(self.last.header.proposer.0);
        let stays = self.config.policy == Policy::Sticky && self.last.height() > Height::GENESIS;
        ctx.committee().in_turn((last + u64::from(!stays)).saturating_add(round))
    }
    fn persist(&mut self, what: Said, ctx: &mut Context<'_, Self>) {
        if self.config.durable {
            ctx.persist(Record { height: self.height(), round: self.round, what });
        }
    }
    /// Whether the next block would hold a transaction.
    fn has_work(&self, ctx: &mut Context<'_, Self>) -> bool {
        let one = Limit { transactions: 1, ..self.config.block_limit };
        ctx.pending() > 0 && ctx.template(&self.last, one).payments() > 0
    }
    /// The earliest time that the next block may name: a block period after its parent, which has none if it is genesis (Besu,
    /// `TimestampMoreRecentThanParent`; `GoQuorum`, `verifyCascadingFields`).
    fn due(&self) -> Time {
        let is_first = self.last.height() == Height::GENESIS;
        if is_first { self.last.header.time } else { self.last.header.time + self.config.block_period }
    }
    /// `Start`: round 0 begins when a transaction waits and the block period is over.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let proposes = self.round == 0 && self.accepted.is_none() && self.proposer(0, ctx) == ctx.me();
        if (self.timing && !proposes) || self.is_left_behind(ctx) || !self.has_work(ctx) {
            return;
        }
        let wait = self.due().since(ctx.now());
        if !self.timing {
            self.timing = true;
            ctx.set_timer(Timer::Round, wait + self.patience());
        }
        if proposes && wait.is_zero() {
            self.propose(None, ctx);
        } else if proposes {
            ctx.set_timer(Timer::Block, wait);
        }
    }
    /// The base timeout, doubled with each round (`t(r)` of section 5.4: validators in one round wait equally long, else one
    /// whose rounds are shorter may stay a round ahead of the others for ever). The round in which a validator starts again is
    /// the exception, for all may have restarted: it goes one round further than it would have, and waits there.
    fn patience(&self) -> Duration {
        let doublings = if self.resumed == Some(self.round) { 0 } else { self.round.min(32) };
        let doubled = self.config.request_timeout * (1 << doublings);
        doubled.min(self.config.request_timeout_max)
    }
    /// Proposes a block, in later rounds that of the newest certificate if there is one.
    fn propose(&mut self, certificate: Option<Arc<Prepared>>, ctx: &mut Context<'_, Self>) {
        let block = if let Some(proof) = &certificate {
            proof.block.clone()
        } else {
            let batch = ctx.template(&self.last, self.config.block_limit);
            self.make(batch, ctx)
        };
        if ctx.insert_block(&block).is_none() {
            return;
        }
        let (round, digest) = (self.round, block.id());
        let signature = ctx.sign(&statement(Phase::Prepare, self.height(), round, &digest));
        let (mut changes, mut others) = (Vec::new(), Vec::new());
        if round > 0 {
            let quorum = usize::try_from(ctx.committee().quorum()).unwrap_or(usize::MAX);
            let held: Vec<_> = self.changes.values().filter(|change| change.round == round).collect();
            // The newest certificate must be among those shown.
            let shown =
                held.iter().filter(|c| c.certificate.is_some()).chain(held.iter().filter(|c| c.certificate.is_none()));
            changes = shown.take(quorum).map(|change| change.change).collect();
            if self.config.variant == Variant::Ibft2 {
                others = held.iter().filter_map(|change| change.certificate.clone()).collect();
            }
        }
        ctx.note(note::LEADING, note::turn(self.height(), round));
        self.accept(&block, ctx);
        let proposal = Proposal { round, block: block.clone(), signature, changes, certificate, others };
        ctx.broadcast(Message::Proposal(Arc::new(proposal)));
        if self.config.proposer_prepares {
            let (phase, height) = (Phase::Prepare, self.height());
            ctx.broadcast(Message::Vote { phase, height, round, digest, signature });
        }
        self.keep_own((Phase::Prepare, round, digest, signature), ctx);
    }
    fn make(&self, batch: Arc<Batch>, ctx: &Context<'_, Self>) -> Arc<Block> {
        let header = Header {
            parent: self.last.id(),
            height: self.height(),
            merkle: batch.digest(),
            time: ctx.now().max(self.due()),
            proposer: ctx.me(),
            seal: Seal::None,
        };
        Block::new(header, batch)
    }
    /// Accepts no other block in this round, which is timed from now.
    fn accept(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        self.accepted = Some(block.clone());
        self.blocks.insert(block.id(), block.clone());
        self.persist(Said::Accepted(block.clone()), ctx);
        self.timing = true;
        ctx.set_timer(Timer::Round, self.patience());
    }
    /// A vote of this validator counts here when it is durable.
    fn keep_own(&mut self, vote: (Phase, Round, Hash, Signature), ctx: &mut Context<'_, Self>) {
        self.own.push(vote);
        ctx.set_timer(Timer::Durable, Duration::ZERO);
    }
    fn on_durable(&mut self, ctx: &mut Context<'_, Self>) {
        for (phase, round, digest, signature) in std::mem::take(&mut self.own) {
            self.on_vote(ctx.me(), phase, round, &digest, signature, ctx);
        }
    }
    /// Rule 3: a justified proposal of the right proposer, the first of its round, is prepared if its block is valid.
    fn on_proposal(&mut self, from: NodeId, proposal: &Arc<Proposal>, ctx: &mut Context<'_, Self>) {
        let (round, block) = (proposal.round, &proposal.block);
        let digest = block.id();
        if round < self.round || self.proposer(round, ctx) != from {
            return;
        }
        if round == self.round
            && let Some(accepted) = &self.accepted
        {
            if accepted.id() != digest {
                ctx.note(note::EVIDENCE, u64::from(from.0));
            }
            return;
        }
        let latest = ctx.now() + AHEAD_MAX;
        let is_next = block.parent() == self.last.id() && (self.due()..=latest).contains(&block.header.time);
        let may_be = is_next && self.config.block_limit.admits(&block.batch);
        if !may_be || !self.is_justified(proposal, from, ctx.committee()) || ctx.insert_block(block).is_none() {
            return;
        }
        if round > self.round {
            self.enter(round, ctx);
        }
        if self.keeps_locks()
            && let Some(lock) = self.prepared.clone()
        {
            // A lock holds against every other block, and goes straight to COMMIT for its own.
            if lock.block.id() != digest {
                return self.change_to(round.saturating_add(1), ctx);
            }
            self.accept(block, ctx);
            self.prepared_now(&lock, ctx);
            return;
        }
        if ctx.validate(block).is_err() {
            return;
        }
        self.accept(block, ctx);
        self.on_vote(from, Phase::Prepare, round, &digest, proposal.signature, ctx);
        self.say(Phase::Prepare, digest, ctx);
    }
    /// `JustifyPrePrepare`: round 0, or a quorum of ROUND-CHANGEs whose newest certificate is for this block. A fresh block
    /// names the proposer of its round (`isProposalJustification` of the formal specification): the next proposer follows the
    /// one that is named. Nothing is shown that proves nothing (Besu, `ProposalValidator`).
    fn is_justified(&self, proposal: &Proposal, proposer: NodeId, committee: &Committee) -> bool {
        let named = proposal.block.header.proposer;
        let (changes, shown) = (&proposal.changes, proposal.certificate.as_ref());
        if self.keeps_locks() {
            // A locked block is shown again under its maker's signature.
            let is_makers = |proof: &Arc<Prepared>| {
                proof.block.id() == proposal.block.id() && proof.prepares.iter().any(|(signer, _)| *signer == named)
            };
            return named == proposer || (proposal.round > 0 && shown.is_some_and(is_makers));
        }
        if proposal.round == 0 {
            return named == proposer && changes.is_empty() && shown.is_none();
        }
        let mut tally = VoterSet::default();
        if !changes.iter().all(|change| tally.add(change.sender, committee)) || !tally.is_quorum(committee) {
            return false;
        }
        let newest = changes.iter().filter_map(|change| change.prepared).max_by_key(|(round, _)| *round);
        let Some((round, digest)) = newest else { return named == proposer && shown.is_none() };
        shown.is_some_and(|proof| {
            (proof.round, proof.block.id()) == (round, digest)
                && proof.block.height() == self.height()
                && round < proposal.round
                && digest == proposal.block.id()
                && proof.is_complete(committee)
        })
    }
    /// Signs and sends a vote.
    fn say(&mut self, phase: Phase, digest: Hash, ctx: &mut Context<'_, Self>) {
        let (height, round) = (self.height(), self.round);
        let signature = ctx.sign(&statement(phase, height, round, &digest));
        ctx.broadcast(Message::Vote { phase, height, round, digest, signature });
        self.keep_own((phase, round, digest, signature), ctx);
    }
    /// Rules 4 and 5: a quorum of PREPAREs is a certificate, a quorum of COMMITs a decision.
    fn on_vote(
        &mut self,
        from: NodeId,
        phase: Phase,
        round: Round,
        digest: &Hash,
        signature: Signature,
        ctx: &mut Context<'_, Self>,
    ) {
        if round > self.round.saturating_add(ROUNDS_AHEAD) {
            return;
        }
        let committee = ctx.committee();
        let table = if phase == Phase::Prepare { &mut self.prepares } else { &mut self.commits };
        let votes = table.entry(round).or_default();
        if !votes.add(from, digest, Some(signature), committee) {
            if votes.ballots().any(|ballot| ballot.digest != *digest && ballot.voters.contains(from)) {
                ctx.note(note::EVIDENCE, u64::from(from.0));
            }
            return;
        }
        if !votes.is_quorum(digest, committee) {
            return;
        }
        match phase {
            Phase::Prepare => self.try_prepare(round, digest, ctx),
            Phase::Commit => self.try_decide(round, digest, ctx),
        }
    }
    /// Prepared: the block was accepted in this round, and a quorum prepared it.
    fn try_prepare(&mut self, round: Round, digest: &Hash, ctx: &mut Context<'_, Self>) {
        let is_new = self.prepared.as_ref().is_none_or(|proof| proof.round < round);
        let Some(block) = self.accepted.clone().filter(|block| block.id() == *digest && round == self.round) else {
            return;
        };
        if is_new {
            let prepares = self.prepares.get_mut(&round).map(|votes| votes.take(digest)).unwrap_or_default();
            self.prepared_now(&Arc::new(Prepared { round, block, prepares }), ctx);
        }
    }
    fn prepared_now(&mut self, proof: &Arc<Prepared>, ctx: &mut Context<'_, Self>) {
        self.prepared = Some(proof.clone());
        self.persist(Said::Prepared(proof.clone()), ctx);
        self.say(Phase::Commit, proof.block.id(), ctx);
    }
    fn try_decide(&mut self, round: Round, digest: &Hash, ctx: &mut Context<'_, Self>) {
        let Some(block) = self.blocks.get(digest).cloned() else { return self.ask_soon(ctx) };
        let seals = self.commits.get_mut(&round).map(|votes| votes.take(digest)).unwrap_or_default();
        self.insert(Arc::new(Sealed { round, block, seals }), ctx);
    }
    /// The block is final. Its seals are logged for those who missed it, and before the block: if all stop in between, who
    /// has the block without its seals cannot prove it to any other node.
    fn insert(&mut self, sealed: Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        let (height, round) = (sealed.block.height(), sealed.round);
        ctx.persist(Record { height, round, what: Said::Sealed(sealed.clone()) });
        self.next_height(&sealed.block, ctx);
        self.sealed.insert(height, sealed);
        if self.sealed.len() > SEALED_MAX {
            self.sealed.pop_first();
        }
        // The transactions leave the mempool when the block is performed; then the next round may start.
        ctx.set_timer(Timer::Block, Duration::ZERO);
        self.ask_soon(ctx);
        let future = std::mem::take(&mut self.future);
        for (from, message) in future {
            self.on_message(from, message, ctx);
        }
    }
    /// A final block more, and nothing said of the next.
    fn next_height(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        ctx.extend(block.clone());
        ctx.finalize(block.height());
        self.backward_sync.take_if(|backward_sync| backward_sync.is_down(block));
        (self.last, self.round, self.accepted, self.prepared) = (block.clone(), 0, None, None);
        (self.prepares, self.commits, self.blocks) = Default::default();
        self.changes.clear();
        self.own.clear();
        (self.timing, self.resumed) = (false, None);
        ctx.cancel_timer(Timer::Round);
        self.reminders.reset();
    }
}

/// Round changes (algorithm 3, rules 6 to 8).
impl Qbft {
    fn on_round_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.timing = false;
        if self.round > 0 || self.accepted.is_some() || !self.changes.is_empty() || self.has_work(ctx) {
            self.change_to(self.round.saturating_add(1), ctx);
        }
    }
    /// Goes to a round, in which nothing is accepted yet, and times it.
    fn enter(&mut self, round: Round, ctx: &mut Context<'_, Self>) {
        ctx.note(note::WASTED, self.round);
        ctx.note(note::ROUND, round);
        (self.round, self.accepted) = (round, None);
        self.timing = true;
        ctx.set_timer(Timer::Round, self.patience());
    }
    /// Goes to a round and says so, with the newest certificate.
    fn change_to(&mut self, round: Round, ctx: &mut Context<'_, Self>) {
        self.enter(round, ctx);
        self.persist(Said::Changed, ctx);
        self.announce(ctx);
    }
    /// ROUND-CHANGE for the present round.
    fn announce(&mut self, ctx: &mut Context<'_, Self>) {
        let round = self.round;
        let proof = self.prepared.clone().filter(|_| !self.keeps_locks());
        let prepared = proof.as_ref().map(|proof| (proof.round, proof.block.id()));
        let signature = ctx.sign(&Change::statement(self.height(), round, prepared));
        let change = Change { sender: ctx.me(), prepared, signature };
        let change = Arc::new(RoundChange { height: self.height(), round, change, certificate: proof });
        ctx.broadcast(Message::RoundChange(change.clone()));
        self.on_round_change(ctx.me(), change, ctx);
    }
    fn on_round_change(&mut self, from: NodeId, change: Arc<RoundChange>, ctx: &mut Context<'_, Self>) {
        let proof = change.certificate.as_ref();
        let shown = proof.map(|proof| (proof.round, proof.block.id()));
        let is_proved = proof.is_none_or(|proof| {
            proof.round < change.round && proof.block.height() == change.height && proof.is_complete(ctx.committee())
        });
        let is_newer = self.changes.get(&from).is_none_or(|known| known.round < change.round);
        if change.change.prepared != shown || !is_proved || !is_newer || change.round < self.round {
            return;
        }
        if let Some(proof) = proof {
            self.blocks.insert(proof.block.id(), proof.block.clone());
        }
        self.changes.insert(from, change);
        self.jump(ctx);
        self.try_lead(ctx);
    }
    /// Rule 7: a correct validator is in a later round, so go to the earliest of these.
    fn jump(&mut self, ctx: &mut Context<'_, Self>) {
        let (mut tally, mut least) = (VoterSet::default(), Round::MAX);
        for (node, change) in self.changes.iter().filter(|(_, change)| change.round > self.round) {
            tally.add(*node, ctx.committee());
            least = least.min(change.round);
        }
        if tally.is_blocking(ctx.committee()) {
            self.change_to(least, ctx);
        }
    }
    /// Rule 8: a quorum wants this round and this validator is its proposer.
    fn try_lead(&mut self, ctx: &mut Context<'_, Self>) {
        if self.round == 0 || self.accepted.is_some() || self.proposer(self.round, ctx) != ctx.me() {
            return;
        }
        let (mut tally, mut newest) = (VoterSet::default(), None::<Arc<Prepared>>);
        for (node, change) in self.changes.iter().filter(|(_, change)| change.round == self.round) {
            tally.add(*node, ctx.committee());
            newest = newest.into_iter().chain(change.certificate.clone()).max_by_key(|proof| proof.round);
        }
        if tally.is_quorum(ctx.committee()) {
            let lock = self.prepared.clone().filter(|_| self.keeps_locks());
            self.propose(newest.or(lock), ctx);
        }
    }
}
