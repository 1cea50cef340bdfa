//! Threshold round robin: block creators take turns by slots, and a block is valid with `k` of `l` signatures.
//!
//! **Source.** The design of private chains with anchored multi-signed blocks (2016), as far as its parameters are known:
//! `l` signing nodes, `k` of `l`, slots; Dilley et al., "Strong Federations" (arXiv 1612.05491), for pre-commits and the
//! signer's memory; Buchman, Kwon and Milosevic, "The latest gossip on BFT consensus" (2018), for the lock.
//!
//! **Model.** `l` known signers. Two sets of `k` share `2k - l` signers: fewer double signers than that, under the
//! strict or locked rule, cannot make two valid blocks at one height, whatever the network does. Live with at most
//! `l - k` silent signers while clocks differ by less than `skew` and all messages of a slot arrive within `window`.
//!
//! ```text
//!  slot s     PROPOSE      PRECOMMIT       SIGN                 star: READY after PRECOMMIT and BLOCK after SIGN,
//!  creator  0 --+-------------+-------------+---- valid block       and votes go to the creator only
//!  signer   1   +-> check ----+-> k: log ---+---- valid block   frost: star; PRECOMMIT brings commitments, READY says
//!  signer   2   +-> check ----+-> k: log ---+---- valid block       which k shall sign, SIGN is a share of one
//!              l-1          l(l-1)        l(l-1)   messages          signature
//! ```
//!
//! **Signer's memory** ([`Rule`]), written before a signature leaves. *Strict*: one hash per height for ever: safe, but
//! split signatures block the height, which is detected (note `stuck`). *Resign* (Liquid): another block with the same
//! parent may be signed: live while messages are timely. Two blocks can be valid at one height, but only one of them can
//! have valid children, since a signer signs at each height for one parent: a reorganisation of one block, final at depth 2.
//! *Locked*, the default because it is safe and live: a signer that saw `k` pre-commits locks; it helps another block of
//! that height only if `k` pre-commits of the lock's slot or a later one justify it, and creators propose the block
//! justified last. A signature covers its slot, so that a witness is of one slot, and a signer that spoke in a slot is
//! silent in earlier ones.
//!
//! **Fork choice.** (b) Height, (c) lower slot of the first differing block, (d) its lower hash, and never below what is
//! final: deterministic. Clause (a), the latest confirmed anchor, belongs to the agent that anchors.
//!
//! **Simplified.** Every node signs, with equal weight. No change of the set of signers: evidence is kept, no node is
//! removed. No pegs. FROST keys come from a dealer instead of a ceremony, and are real also where other signatures are
//! symbolic; a chosen signer that withholds its share wastes the slot (ROAST is not here). Sending proposals of an idle
//! chain is a setting. A restarted node says nothing new in the slot of its restart and the next: that replaces a log
//! of proposals and pre-commits.
//!
//! **Glossary.** *Slot*: turn of one creator. *Creator*: who may propose. *Witness*: the signatures that make a block
//! valid. *Justification*: `k` pre-commits for one block in one slot. *Memory*: what a signer signed last.

mod attack;
mod chain;
mod config;
mod frost;
mod message;
mod room;
mod signing;
#[cfg(test)]
mod tests;

pub use config::{Collection, Config, Rewrite, Rule, Signing};
pub use message::{Again, Memory, Message, Phase, Proposal, ProposalHeader, Record, Signed, Vote, Witness, statement};

use crate::base::{Committee, FaultModel, Hash, Height, NodeId, Time};
use crate::chain::Block;
use crate::protocol::request::Backoff;
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, note, votes::Votes};
use room::Room;
use signing::Round;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Noted when signatures at a height are split so that no block can get `k`; the value is the height.
pub const STUCK: &str = "stuck";

/// Alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// A slot begins.
    Slot,
    /// An attacker's own.
    Attack,
}

/// A signer.
#[derive(Clone, Debug)]
pub struct Threshold {
    config: Arc<Config>,
    /// Under FROST.
    dealt: Option<Arc<frost::Dealt>>,
    /// The last block of the best chain.
    tip: Arc<Block>,
    finalized: Height,
    /// All valid blocks that are here, by name.
    known: BTreeMap<Hash, Arc<Signed>>,
    /// What was signed last.
    memory: Option<Arc<Memory>>,
    /// The block of the next height that was justified last.
    justified: Option<(Arc<ProposalHeader>, Arc<Block>)>,
    /// Blocks proposed last for the next height: who proposes one again sends its name alone.
    offered: VecDeque<Arc<Block>>,
    /// What a slot seems to carry.
    room: Room,
    /// What was said in the last slots, by slot.
    rounds: BTreeMap<u64, Round>,
    /// Strict: which block of the next height each signer is bound to.
    bound: Votes,
    /// The first slot that may be spoken in: never below the last in which this node spoke, or may have spoken before
    /// it crashed.
    speaks_from: u64,
    /// The slot for which [`Timer::Slot`] is set, if it is.
    ticking: Option<u64>,
    /// Slots that passed while something waited and nothing was decided.
    unheard: u64,
    /// Whether blocks were asked for and did not come.
    asking: bool,
    /// Who was asked last, until when its answer is awaited, and for how long the next.
    helper: Option<NodeId>,
    /// Who else would have been asked meanwhile.
    wished: Option<NodeId>,
    awaited: Time,
    backoff: Backoff,
    /// Two contradicting messages of each signer that was caught.
    evidence: BTreeMap<NodeId, Arc<(Message, Message)>>,
}

impl Protocol for Threshold {
    const NAME: &'static str = "threshold";
    const SUMMARY: &'static str =
        "round-robin creators by slots, k-of-l signatures, final at k; below 2k-l double signers";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, nodes: usize) -> Result<(), InvalidSetting> {
        config.check(nodes as u64)
    }
    fn committee(config: &Config, weights: Vec<u64>) -> Committee {
        let signers = Committee::new(weights.len(), Threshold::FAULTS);
        let k = if config.k == 0 { signers.two_thirds() } else { config.k };
        signers.requiring(k)
    }
    fn remarks(config: &Config, committee: &Committee, faulty: &BTreeSet<NodeId>) -> Vec<String> {
        config.remarks(committee, faulty)
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        let frost = config.signatures == Signing::Frost;
        let (n, k) = (ctx.committee().n(), ctx.committee().quorum());
        let mut node = Threshold {
            config: config.clone(),
            dealt: frost.then(|| frost::Dealt::new(ctx.keys(), ctx.me(), n, k)),
            tip: ctx.durable(),
            finalized: ctx.durable().height(),
            known: BTreeMap::new(),
            memory: None,
            justified: None,
            offered: VecDeque::new(),
            room: Room::new(config.block_limit.bytes),
            rounds: BTreeMap::new(),
            bound: Votes::default(),
            speaks_from: 0,
            ticking: None,
            unheard: 0,
            asking: false,
            helper: None,
            wished: None,
            awaited: Time::ZERO,
            backoff: Backoff::new(config.window),
            evidence: BTreeMap::new(),
        };
        node.recover(log, ctx);
        node.tick(ctx);
        node
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Vote(phase, vote, commitments) => self.on_vote(from, phase, vote, commitments, ctx),
            Message::Propose(proposal) => self.on_propose(from, proposal, ctx),
            Message::Again(again) => self.on_again(from, &again, ctx),
            Message::Want(slot, block) => self.on_want(from, slot, block, ctx),
            Message::Ready(announced, chosen) => self.on_ready(from, announced, chosen, ctx),
            Message::Share { slot, height, share } => self.on_share(from, slot, height, *share, ctx),
            Message::Ask(locator) => self.on_ask(from, &locator, ctx),
            Message::Blocks(blocks, more) => self.on_blocks(from, &blocks, more, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        if timer == Timer::Slot {
            self.on_slot(ctx);
        }
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Self>) {
        self.tick(ctx);
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

/// Slots (rule 1).
impl Threshold {
    fn slot_at(&self, time: Time) -> u64 {
        time.as_nanos() / self.config.slot.as_nanos()
    }
    fn start_of(&self, slot: u64) -> Time {
        Time::from_nanos(slot.saturating_mul(self.config.slot.as_nanos()))
    }
    /// Whether a slot has begun, but for the skew of clocks, and not been over for long.
    fn is_current(&self, slot: u64, now: Time) -> bool {
        self.start_of(slot) <= now + self.config.skew && slot.saturating_add(2) >= self.slot_at(now)
    }
    /// Whether this node may still speak in a slot.
    fn may_speak(&self, slot: u64, now: Time) -> bool {
        slot >= self.speaks_from && now < self.start_of(slot) + self.config.window
    }
    /// Wakes at the next slot while there is something to wait for.
    fn tick(&mut self, ctx: &mut Context<'_, Self>) {
        let waits = ctx.pending() > 0 || self.config.empty_blocks || self.asking || self.justified.is_some();
        if waits && self.ticking.is_none() {
            let next = self.slot_at(ctx.now()) + 1;
            self.ticking = Some(next);
            ctx.set_timer(Timer::Slot, self.start_of(next).since(ctx.now()));
        }
    }
    /// A slot begins: its creator proposes; who waits in vain for more than a slot asks, ever less often.
    fn on_slot(&mut self, ctx: &mut Context<'_, Self>) {
        let slot = self.slot_at(ctx.now());
        if self.ticking.take().is_some_and(|next| slot < next) {
            return self.tick(ctx); // a clock that runs slow woke too early
        }
        if self.unheard > 0 {
            ctx.note(note::WASTED, slot.saturating_sub(1));
            if self.unheard > 1 && (self.unheard.is_power_of_two() || self.unheard.is_multiple_of(8)) {
                self.ask_anyone(ctx);
            }
        }
        self.asking &= self.unheard <= 8;
        self.unheard += 1;
        self.look_back(slot);
        if ctx.committee().in_turn(slot) == ctx.me() && self.may_speak(slot, ctx.now()) {
            self.propose(slot, ctx);
        }
        self.tick(ctx);
        if self.ticking.is_none() {
            self.unheard = 0;
        }
    }
}
