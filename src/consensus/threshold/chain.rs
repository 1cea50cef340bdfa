//! Signed blocks: which are taken, which chain is the best (rule 8), and how a node gets what it lacks.

use super::message::{CHUNK, LOCATOR_MAX, Message, Record, Signed, Witness};
use super::{Signing, Threshold};
use crate::base::{Hash, Height, NodeId, Time, VoterSet};
use crate::chain::{Block, BlockIndex};
use crate::protocol::{Context, request::answer, votes::Votes, votes::is_quorum};
use std::sync::Arc;

/// Accepted blocks between images in the log.
const IMAGE_EVERY: usize = 64;

impl Threshold {
    /// Reads the log, and asks what it missed.
    pub(super) fn recover(&mut self, log: &[Record], ctx: &mut Context<'_, Self>) {
        for record in log {
            self.memory = record.memory.clone().or(self.memory.take());
            for signed in record.blocks.iter() {
                self.known.insert(signed.block.id(), signed.clone());
                self.follow(&signed.block, ctx);
            }
        }
        self.restore_lock();
        let slot = self.slot_at(ctx.now());
        if slot > 0 || !log.is_empty() {
            self.speaks_from = slot + 2;
            self.ask_anyone(ctx);
        }
    }
    /// What was locked on is justified.
    fn restore_lock(&mut self) {
        let lock = self.memory.as_ref().filter(|memory| memory.block.parent() == self.tip.id());
        let lock = lock.and_then(|memory| Some((memory.justification.clone()?, memory.block.clone())));
        self.justified = lock.filter(|_| self.config.rule == super::Rule::Locked);
    }
    /// Whether a block is part of what is here.
    pub(super) fn knows(&self, id: &Hash, ctx: &Context<'_, Self>) -> bool {
        self.known.contains_key(id) || *id == self.tip.id() || *id == ctx.tree().block(BlockIndex::GENESIS).id()
    }
    /// Whether a block, whose parent is here, obeys the rules of headers and of the ledger.
    pub(super) fn judge(&self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) -> bool {
        let slot = self.slot_at(block.header.time);
        let Some(parent) = ctx.tree().find(&block.parent()).map(|index| ctx.tree().block(index).clone()) else {
            return false;
        };
        let follows = parent.height() == Height::GENESIS || slot > self.slot_at(parent.header.time);
        let is_turn = ctx.committee().in_turn(slot) == block.header.proposer;
        let is_past = block.header.time <= ctx.now() + self.config.skew;
        let fits = self.config.block_limit.admits(&block.batch);
        follows && is_turn && is_past && fits && ctx.insert_block(block).is_some() && ctx.validate(block).is_ok()
    }
    /// Takes a signed block whose signatures are genuine; false if its parent is not here.
    pub(super) fn accept(&mut self, signed: &Arc<Signed>, ctx: &mut Context<'_, Self>) -> bool {
        let (id, block) = (signed.block.id(), &signed.block);
        if self.known.contains_key(&id) || block.height() <= self.finalized {
            return true;
        }
        if !self.knows(&block.parent(), ctx) {
            return false;
        }
        let is_complete = match &signed.witness {
            Witness::Multi { signatures, signers } => {
                let is_usual = self.config.signatures == Signing::Multi && *signers as usize == ctx.committee().n();
                is_usual && is_quorum(VoterSet::default(), signatures, ctx.committee())
            }
            Witness::Group(_) => self.config.signatures == Signing::Frost,
        };
        let judged = self.rounds.values().any(|round| {
            round.valid == Some(true) && round.proposal.as_ref().is_some_and(|proposal| proposal.block.id() == id)
        });
        if is_complete && (judged || self.judge(block, ctx)) {
            self.known.insert(id, signed.clone());
            let record = Record { memory: None, blocks: Arc::new([signed.clone()]), is_whole: false };
            ctx.persist(record);
            self.follow(block, ctx);
            if self.known.len().is_multiple_of(IMAGE_EVERY) {
                let mut blocks: Vec<Arc<Signed>> = self.known.values().cloned().collect();
                blocks.sort_by_key(|signed| (signed.block.height(), signed.block.id()));
                ctx.persist(Record { memory: self.memory.clone(), blocks: blocks.into(), is_whole: true });
            }
        }
        true
    }
    /// Makes the chain of `block` this node's, if it is better (rule 8, b to d) and keeps what is final.
    fn follow(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        let Some(new) = ctx.insert_block(block) else { return };
        let tree = ctx.tree();
        let old = tree.find(&self.tip.id()).expect("the tip is in the tree");
        let fork = tree.fork_point(old, new);
        let first = |to| tree.path(fork, to).first().map(|index| tree.block(*index));
        let merit = |to| first(to).map(|block| (self.slot_at(block.header.time), block.id()));
        let (height, mine) = (block.height(), self.tip.height());
        let is_better = height > mine || (height == mine && merit(new) < merit(old));
        if !is_better || tree.height(fork) < self.finalized {
            return;
        }
        if tree.height(fork) < mine {
            let to = tree.height(fork);
            ctx.rewind(to);
        }
        let path = ctx.tree().path(fork, new);
        for index in path {
            let block = ctx.tree().block(index).clone();
            ctx.extend(block);
        }
        self.tip = block.clone();
        self.offered.clear();
        self.room.succeeded(block.batch.bytes() as u64);
        let upto = self.config.final_height(height);
        if upto > self.finalized {
            self.finalized = upto;
            ctx.finalize(upto);
        }
        (self.bound, self.unheard, self.asking) = (Votes::default(), 0, false);
        self.restore_lock();
    }
}

/// Catching up.
impl Threshold {
    /// Asks one of the others, at random.
    pub(super) fn ask_anyone(&mut self, ctx: &mut Context<'_, Self>) {
        let n = ctx.committee().n();
        if n > 1 {
            let peer = (ctx.me().index() + 1 + ctx.random().index(n - 1)) % n;
            self.ask(NodeId::from(peer), ctx);
        }
    }
    /// Asks for what follows this node's chain: names of its tip and, ever sparser, below, down to what is final. While an
    /// answer is in flight no other peer is asked; returns whether this peer was asked.
    pub(super) fn ask(&mut self, peer: NodeId, ctx: &mut Context<'_, Self>) -> bool {
        if peer == ctx.me() {
            return false;
        }
        if ctx.now() < self.awaited {
            self.wished = Some(peer).filter(|peer| self.helper != Some(*peer)).or(self.wished);
            return false;
        }
        self.awaited = ctx.now() + self.backoff.next_wait().min(self.config.slot * 2);
        self.helper = Some(peer);
        let tree = ctx.tree();
        let tip = tree.find(&self.tip.id()).expect("the tip is in the tree");
        let (mut locator, mut height, mut step) = (vec![self.tip.id()], self.tip.height().0, 1);
        while height > self.finalized.0 && locator.len() < LOCATOR_MAX {
            height = height.saturating_sub(step).max(self.finalized.0);
            step *= if locator.len() > 8 { 2 } else { 1 };
            locator.push(tree.block(tree.ancestor(tip, Height(height))).id());
        }
        ctx.send(peer, Message::Ask(locator.into()));
        self.asking = true;
        self.tick(ctx);
        true
    }
    pub(super) fn on_ask(&mut self, from: NodeId, locator: &[Hash], ctx: &mut Context<'_, Self>) {
        let tree = ctx.tree();
        let tip = tree.find(&self.tip.id()).expect("the tip is in the tree");
        let mine = |id: &Hash| tree.find(id).filter(|index| tree.is_ancestor(*index, tip));
        let Some(common) = locator.iter().find_map(mine).map(|index| tree.height(index)) else { return };
        let above = common.0 + 1..=self.tip.height().0;
        let blocks = above.map_while(|height| {
            let index = tree.ancestor(tip, Height(height));
            self.known.get(&tree.block(index).id()).cloned()
        });
        let blocks = answer(blocks, CHUNK, |signed| signed.bytes());
        // An answer without further blocks ends the wait.
        let more = blocks.last().is_some_and(|last| last.block.height() < self.tip.height());
        if from != ctx.me() {
            ctx.send(from, Message::Blocks(blocks.into(), more));
        }
    }
    /// Signed blocks came; an answer may have more behind it, and proposals that waited may go on.
    pub(super) fn on_blocks(&mut self, from: NodeId, blocks: &[Arc<Signed>], more: bool, ctx: &mut Context<'_, Self>) {
        let before = self.tip.height();
        let is_rooted = blocks.iter().all(|signed| self.accept(signed, ctx));
        let is_news = self.tip.height() > before;
        let is_answer = self.helper.take_if(|helper| *helper == from).is_some();
        if is_answer {
            self.awaited = Time::ZERO;
        }
        if is_news || blocks.is_empty() {
            self.backoff.reset();
        }
        // A peer whose answer contains nothing new is not asked again before another peer. Otherwise a Byzantine peer could
        // hold up the synchronization.
        if is_answer && !is_news {
            let wished = self.wished.take();
            wished.into_iter().for_each(|peer| _ = self.ask(peer, ctx));
        } else if !is_rooted || (more && is_news) {
            self.ask(from, ctx);
        }
        let slots: Vec<u64> = self.rounds.keys().copied().collect();
        slots.into_iter().for_each(|slot| self.advance(slot, ctx));
    }
}
