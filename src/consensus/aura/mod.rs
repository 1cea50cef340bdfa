//! Aura: authority round, proof of authority by the clock, with rolling finality.
//!
//! **Source.** `OpenEthereum` (Parity), engine `authority_round` and its rolling finality; Ekparinya, Gramoli and Jourjon,
//! "The attack of the clones against proof-of-authority", NDSS 2020; De Angelis et al., "PBFT vs proof-of-authority", 2018.
//!
//! **Model.** Validators whose clocks differ by less than a step and whose messages arrive within one; more than half of
//! them honest. Where links are cut or lose messages there is no safety: with a Byzantine node that speaks to both sides of a
//! partition, both may call their blocks final; and since no validator is bound to the chain it sealed on, a validator that
//! changes chains counts on both, so that honest ones alone can do the same, if more rarely. Two thirds ask for more such
//! changes and withstand one partition with a Byzantine node, no more. Lives as long as one validator does; finality needs more
//! than half.
//!
//! ```text
//!  step       7             8             9            10
//!  primary    3             0             1             2
//!             | Block ----> all
//!                           | Block ----> all
//!                                         | Block: authors 3, 0, 1 of four are more than half: the block of step 7 is final
//! ```
//!
//! **Fork choice.** The score of a block is `2^128 - 1 + parent.step - step`, summed along its chain: the longer chain,
//! among equally long ones that with the lower last step, among these the first that came.
//!
//! **Mapping.** The step is a header field of the protocol ([`Seal::Fields`](crate::chain::Seal::Fields)); it and the primary's signature travel
//! beside the block. A primary without transactions makes no block unless blocks with transactions wait for finality.
//!
//! **Simplified.** No empty-step messages: a quiet step is a skipped one. The validators are fixed: no set changes, hence
//! no epochs. Reports are notes, not transactions; as in the original they exclude no validator: evidence against who seals
//! twice in a step, or in no later step than that of the parent, and a wasted step for each primary that a block skips.
//! Finality is enforced: a validator never leaves a chain below what it called final, where the original only uses
//! finality for set changes. The last 512 final blocks are served to those who missed them. A validator says its head to
//! all others when it starts, and not whenever a link comes back.
//!
//! **Glossary.** *Step*: a slot of the clock. *Primary*: the validator whose step it is. *Score*: the weight of a chain.
//! *Rolling finality*: a block is final when the authors of it and its descendants are more than half.

mod attack;
mod message;
mod sync;

#[cfg(test)]
mod tests;

pub use message::{Message, Record, Sealed};

use crate::base::{Committee, Duration, FaultModel, Hash, Height, NodeId, Time, VoterSet};
use crate::chain::{Batch, Block, Header, Limit};
use crate::protocol::chained::{Fetch, Fetching, Orphans};
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, note};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A slot of the clock: the time divided by the duration of a step.
pub type Step = u64;

/// How many authors make a block final.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// More than half of the validators.
    #[default]
    Majority,
    /// More than two thirds: a Byzantine node on both sides of a partition then makes neither final.
    TwoThirds,
}

/// What a scenario may set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Length of a step, at least 1 s. Default 5 s (Kovan and most networks; at most 65,535 s).
    pub step: Duration,
    /// How many authors make a block final. Default majority; two thirds after the transition of that name.
    pub finality: Finality,
    /// Whether a primary makes a block when nothing waits. Default false.
    pub empty_blocks: bool,
    /// Steps ahead of the local clock up to which a block waits; beyond, it is refused. Default 4, as in `OpenEthereum`.
    pub future_steps: u64,
    /// The largest block. Default 512 transactions or 1 MB, as in the other protocols here (`OpenEthereum` bounds gas).
    pub block_limit: Limit,
    /// How long a validator waits for blocks that it asked for before it asks another. Default 15 s (`HEADERS_TIMEOUT` of
    /// `OpenEthereum`). The wait doubles with each request that brought nothing (ours).
    pub fetch_timeout: Duration,
    /// How often a validator whose chain stands still asks others for theirs. Default 10 s (ours: peers of the original
    /// say their heads when they connect).
    pub sync_every: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            step: Duration::from_secs(5),
            finality: Finality::Majority,
            empty_blocks: false,
            future_steps: 4,
            block_limit: Limit { bytes: 1_000_000, transactions: 512 },
            fetch_timeout: Duration::from_secs(15),
            sync_every: Duration::from_secs(10),
        }
    }
}

/// Alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The next step of this validator begins.
    Step,
    /// A block that came too early may be due.
    Early,
    /// A peer that was asked for blocks does not answer.
    Ask,
    /// No new block for a while: asks whether a peer has a better chain.
    Sync,
}

/// A validator.
#[derive(Clone, Debug)]
pub struct Aura {
    config: Arc<Config>,
    /// Valid blocks above what is final, by name.
    known: BTreeMap<Hash, Arc<Sealed>>,
    /// The latest final blocks with their seals, for those who missed them.
    finals: BTreeMap<Height, Arc<Sealed>>,
    /// The last final block, and its step.
    root: (Arc<Block>, Step),
    /// The best chain's last block, and its step.
    tip: (Arc<Block>, Step),
    /// The last step that this validator sealed.
    sealed: Option<Step>,
    /// What proves that the primary of a late step broke the rules: two blocks of that step; or one whose parent is of no
    /// earlier step, after that parent unless it is genesis.
    evidence: BTreeMap<Step, Vec<Arc<Sealed>>>,
    /// Blocks of steps to come.
    early: Vec<(NodeId, Arc<Sealed>)>,
    /// Blocks whose parent is missing, by their names.
    orphans: Orphans<Sealed>,
    /// Its requests for blocks.
    fetching: Fetching,
    /// Whether [`Timer::Step`] is set.
    waiting: bool,
    /// Blocks made final since the last checkpoint of the log.
    unsaved: u64,
}

/// Blocks of one step that are kept. More prove nothing more, and are requested only if another block builds on them.
const SIBLINGS_MAX: usize = 2;
/// Blocks of steps to come that are kept.
const KEPT_MAX: usize = 64;
/// Final blocks kept with their seals.
const FINALS_MAX: usize = 512;
/// Blocks made final between checkpoints of the log.
const CHECKPOINT_EVERY: u64 = 32;

impl Protocol for Aura {
    const NAME: &'static str = "aura";
    const SUMMARY: &'static str = "Aura proof of authority: a primary per step of the clock, rolling finality, f < n/2";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, _nodes: usize) -> Result<(), InvalidSetting> {
        let invalid = |key, reason: &str| Err(InvalidSetting { key, reason: reason.to_owned() });
        if config.step < Duration::from_secs(1) || config.step > Duration::from_secs(65_535) {
            return invalid("step", "must be 1 s to 65,535 s");
        }
        if config.fetch_timeout.is_zero() {
            return invalid("fetch_timeout", "must be above zero");
        }
        if config.sync_every.is_zero() {
            return invalid("sync_every", "must be above zero");
        }
        if config.block_limit.bytes == 0 || config.block_limit.transactions == 0 {
            return invalid("block_limit", "must be at least 1");
        }
        Ok(())
    }
    fn committee(config: &Config, weights: Vec<u64>) -> Committee {
        let committee = Committee::weighted(weights, FaultModel::Byzantine);
        let required = match config.finality {
            Finality::Majority => committee.majority(),
            Finality::TwoThirds => committee.two_thirds(),
        };
        committee.requiring(required)
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        Aura::recover(config, log, ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Status { head, weight, is_reply } => self.on_status(from, &head, weight, is_reply, ctx),
            Message::Block(sealed) => self.on_block(from, sealed, ctx),
            Message::Ask { wanted, above, known } => self.on_ask(from, wanted, above, &known, ctx),
            Message::Blocks(blocks) => self.on_blocks(from, &blocks, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Step => self.on_step(ctx),
            Timer::Early => self.on_early(ctx),
            Timer::Ask => self.on_ask_timer(ctx),
            Timer::Sync => self.on_sync(ctx),
        }
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Self>) {
        self.seal(ctx);
        self.wait(ctx);
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

/// Sealing (rule 1).
impl Aura {
    fn step(&self, now: Time) -> Step {
        now.as_nanos() / self.config.step.as_nanos()
    }
    /// Whether there is something to make final: transactions, or blocks that hold some.
    pub(super) fn has_work(&self, ctx: &Context<'_, Self>) -> bool {
        self.config.empty_blocks
            || ctx.pending() > 0
            || self.branch().iter().any(|sealed| !sealed.block.batch.is_empty())
    }
    /// The blocks of the best chain above what is final, highest first.
    fn branch(&self) -> Vec<&Arc<Sealed>> {
        std::iter::successors(self.known.get(&self.tip.0.id()), |sealed| self.known.get(&sealed.block.parent()))
            .collect()
    }
    /// Sets the alarm for the next step of this validator, if there is work.
    fn wait(&mut self, ctx: &mut Context<'_, Self>) {
        if self.waiting || !self.has_work(ctx) {
            return;
        }
        let (n, me) = (ctx.committee().n() as u64, u64::from(ctx.me().0));
        let next = self.step(ctx.now()) + 1;
        let mine = next + (me + n - next % n) % n;
        let at = Time::from_nanos(mine * self.config.step.as_nanos());
        self.waiting = true;
        ctx.set_timer(Timer::Step, at.since(ctx.now()));
    }
    fn on_step(&mut self, ctx: &mut Context<'_, Self>) {
        self.waiting = false;
        self.seal(ctx);
        self.wait(ctx);
    }
    /// Seals a block if this is the primary's step, and it has sealed none in it.
    fn seal(&mut self, ctx: &mut Context<'_, Self>) {
        let step = self.step(ctx.now());
        let is_mine = ctx.committee().in_turn(step) == ctx.me() && self.sealed.is_none_or(|sealed| sealed < step);
        if !is_mine || step <= self.tip.1 || !self.has_work(ctx) {
            return;
        }
        let parent = self.tip.0.clone();
        let batch = ctx.template(&parent, self.config.block_limit);
        let sealed = make(&parent, batch, step, ctx);
        if ctx.insert_block(&sealed.block).is_none() {
            return;
        }
        ctx.note(note::LEADING, note::turn(sealed.block.height(), 0));
        self.sealed = Some(step);
        self.take(&sealed, ctx);
        ctx.broadcast(Message::Block(sealed));
    }
}

/// A block of this node in a step, with its seal.
fn make(parent: &Arc<Block>, batch: Arc<Batch>, step: Step, ctx: &mut Context<'_, Aura>) -> Arc<Sealed> {
    let header = Header {
        parent: parent.id(),
        height: parent.height().next(),
        merkle: batch.digest(),
        time: ctx.now(),
        proposer: ctx.me(),
        seal: Sealed::fields(step),
    };
    let block = Block::new(header, batch);
    let signature = ctx.sign(&Sealed::statement(&block.id()));
    Arc::new(Sealed { block, step, signature })
}

/// Validation, fork choice and finality (rules 2 to 6).
impl Aura {
    /// Takes a block that obeys the rules into the tree.
    fn judge(&mut self, from: NodeId, sealed: Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        let (block, id) = (&sealed.block, sealed.block.id());
        let is_known = self.known.contains_key(&id) || self.orphans.contains_key(&id);
        let is_old = block.height() <= self.root.0.height();
        let has_step = self.step(block.header.time) == sealed.step;
        if is_known || is_old || !has_step || ctx.committee().in_turn(sealed.step) != block.header.proposer {
            return;
        }
        let now = self.step(ctx.now());
        let is_crowded = self.is_crowded(&sealed, ctx);
        if is_crowded && self.orphans.values().all(|(_, child)| child.block.parent() != id) {
            return;
        }
        if sealed.step > now {
            let is_held = self.early.iter().any(|(_, held)| held.block.id() == id);
            if sealed.step <= now + self.config.future_steps && self.early.len() < KEPT_MAX && !is_held {
                self.early.push((from, sealed));
                self.wait_for_early(ctx);
            }
            return;
        }
        let Some(parent_step) = self.step_of(&block.parent()) else {
            self.keep_orphan(from, sealed, ctx);
            return;
        };
        if sealed.step <= parent_step {
            let parent = self.known.get(&block.parent()).or_else(|| self.finals.get(&self.root.0.height())).cloned();
            self.accuse(&sealed, parent, ctx);
            return;
        }
        if !self.config.block_limit.admits(&block.batch)
            || ctx.insert_block(block).is_none()
            || ctx.validate(block).is_err()
        {
            return;
        }
        (1..sealed.step - parent_step).for_each(|skipped| ctx.note(note::WASTED, parent_step + skipped));
        if is_crowded {
            // Replaces a block without children by one with children. Their builders relay the children.
            self.make_room(sealed.step);
            self.known.insert(id, sealed.clone());
            self.adopt(&sealed, ctx);
        } else {
            self.take(&sealed, ctx);
            ctx.broadcast(Message::Block(sealed.clone()));
        }
        let (children, others) =
            std::mem::take(&mut self.orphans).into_iter().partition(|(_, (_, child))| child.block.parent() == id);
        self.orphans = others;
        let children: BTreeMap<Hash, (NodeId, Arc<Sealed>)> = children;
        children.into_values().for_each(|(from, child)| self.on_block(from, child, ctx));
        self.wait(ctx);
    }
    /// Whether enough blocks of this step are kept. Two are evidence against its primary, and both stay in the race.
    fn is_crowded(&mut self, sealed: &Arc<Sealed>, ctx: &mut Context<'_, Self>) -> bool {
        let waiting = self.orphans.values().chain(&self.early).map(|(_, held)| held);
        let siblings = self.known.values().chain(waiting).filter(|held| held.step == sealed.step);
        let mut siblings = siblings.filter(|held| held.block.id() != sealed.block.id());
        let first = siblings.next().cloned();
        let is_crowded = usize::from(first.is_some()) + siblings.count() >= SIBLINGS_MAX;
        if first.is_some() {
            self.accuse(sealed, first, ctx);
        }
        is_crowded
    }
    /// Says that the primary of a step broke the rules, once for each step, and keeps what proves it.
    fn accuse(&mut self, sealed: &Arc<Sealed>, other: Option<Arc<Sealed>>, ctx: &mut Context<'_, Self>) {
        if self.evidence.contains_key(&sealed.step) {
            return;
        }
        ctx.note(note::EVIDENCE, u64::from(sealed.block.header.proposer.0));
        self.evidence.insert(sealed.step, other.into_iter().chain([sealed.clone()]).collect());
        while self.evidence.len() > 2 * ctx.committee().n() {
            self.evidence.pop_first();
        }
    }
    /// Forgets a block of a step that nothing stands on, if there is one.
    fn make_room(&mut self, step: Step) {
        let tip = self.tip.0.id();
        let is_leaf = |id: &Hash| *id != tip && self.known.values().all(|child| child.block.parent() != *id);
        let leaf = self.known.iter().find(|(id, held)| held.step == step && is_leaf(id)).map(|(id, _)| *id);
        if let Some(id) = leaf {
            self.known.remove(&id);
        }
    }
    /// The step of a block above what is final, or of the last final one.
    fn step_of(&self, id: &Hash) -> Option<Step> {
        if *id == self.root.0.id() { Some(self.root.1) } else { self.known.get(id).map(|sealed| sealed.step) }
    }
    /// Logs a valid block, and adopts its chain if that is the best.
    fn take(&mut self, sealed: &Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        self.known.insert(sealed.block.id(), sealed.clone());
        ctx.persist(Record::Block(sealed.clone()));
        self.adopt(sealed, ctx);
    }
    fn adopt(&mut self, sealed: &Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        let score = |(block, step): (&Arc<Block>, Step)| (block.height(), std::cmp::Reverse(step));
        if score((&sealed.block, sealed.step)) <= score((&self.tip.0, self.tip.1)) {
            return;
        }
        let old: BTreeSet<Hash> = self.branch().iter().map(|sealed| sealed.block.id()).collect();
        let mut path = vec![sealed.block.clone()];
        let mut at = sealed.block.parent();
        while let Some(parent) = self.known.get(&at).filter(|_| !old.contains(&at)) {
            path.push(parent.block.clone());
            at = parent.block.parent();
        }
        let fork = path.last().expect("the new tip").height().0 - 1;
        if fork < self.tip.0.height().0 {
            ctx.rewind(Height(fork));
        }
        path.into_iter().rev().for_each(|block| ctx.extend(block));
        self.tip = (sealed.block.clone(), sealed.step);
        ctx.set_timer(Timer::Sync, self.config.step + self.config.sync_every);
        self.finalize(ctx);
    }
    /// Rule 6: the lowest blocks whose authors, with those of their descendants, are enough.
    fn finalize(&mut self, ctx: &mut Context<'_, Self>) {
        let (mut authors, mut made) = (VoterSet::default(), Vec::new());
        for sealed in self.branch() {
            authors.add(sealed.block.header.proposer, ctx.committee());
            if authors.is_quorum(ctx.committee()) {
                made.push(Arc::clone(sealed));
            }
        }
        let Some(last) = made.first().cloned() else { return };
        let height = last.block.height();
        made.into_iter().for_each(|sealed| self.keep_final(sealed));
        ctx.finalize(height);
        self.unsaved += height.0 - self.root.0.height().0;
        self.root = (last.block.clone(), last.step);
        self.prune();
        self.orphans.retain(|_, (_, sealed)| sealed.block.height() > height);
        if self.unsaved >= CHECKPOINT_EVERY {
            self.unsaved = 0;
            let (blocks, finals) = (self.known.values().cloned().collect(), self.finals.values().cloned().collect());
            ctx.persist(Record::Checkpoint { sealed: self.sealed, blocks, finals });
        }
    }
    /// Keeps a final block with its seal, for those who miss it.
    fn keep_final(&mut self, sealed: Arc<Sealed>) {
        self.finals.insert(sealed.block.height(), sealed);
        while self.finals.len() > FINALS_MAX {
            self.finals.pop_first();
        }
    }
    /// Forgets what does not stand on what is final.
    fn prune(&mut self) {
        let mut blocks: Vec<Arc<Sealed>> = std::mem::take(&mut self.known).into_values().collect();
        blocks.sort_by_key(|sealed| sealed.block.height());
        for sealed in blocks {
            if self.step_of(&sealed.block.parent()).is_some() {
                self.known.insert(sealed.block.id(), sealed);
            }
        }
    }
    fn on_early(&mut self, ctx: &mut Context<'_, Self>) {
        for (from, sealed) in std::mem::take(&mut self.early) {
            self.on_block(from, sealed, ctx);
        }
    }
    fn wait_for_early(&self, ctx: &mut Context<'_, Self>) {
        if let Some(step) = self.early.iter().map(|(_, held)| held.step).min() {
            let due = Time::from_nanos(step * self.config.step.as_nanos());
            ctx.set_timer(Timer::Early, due.since(ctx.now()));
        }
    }
}
