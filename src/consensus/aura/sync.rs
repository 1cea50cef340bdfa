//! Blocks without their parents, validators that are behind, and starting again.

use super::{ASKS_MOST, Aura, Config, KEPT_MOST, Message, Record, Sealed, Timer};
use crate::base::{Hash, Height, NodeId, Time};
use crate::chain::Block;
use crate::protocol::Context;
use crate::protocol::chained::{self, ANSWER_MOST, Fetching};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Asking.
impl Aura {
    /// Keeps a block until its parent is here, for which it asks.
    pub(super) fn keep_orphan(&mut self, from: NodeId, sealed: Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        if self.orphans.len() < KEPT_MOST {
            let wanted = sealed.block.parent();
            let is_waited_for = self.orphans.contains_key(&wanted);
            self.orphans.insert(sealed.block.id(), (from, sealed));
            if !is_waited_for && !self.fetching.is_under_way(ctx.now()) {
                self.ask(from, wanted, ctx);
            }
        }
    }
    /// Asks a peer for the chain up to a block: one request at a time.
    fn ask(&mut self, peer: NodeId, wanted: Hash, ctx: &mut Context<'_, Self>) {
        let above = self.root.0.height();
        let known = chained::names(self.known.iter().map(|(id, sealed)| (sealed.block.height(), *id)));
        ctx.send(peer, Message::Ask { wanted, above, known });
        let wait = self.fetching.begin(ctx.now());
        ctx.set_timer(Timer::Ask, wait);
    }
    /// A missing block on which those that wait for their parents stand.
    fn missing(&self) -> Option<Hash> {
        let missing = self.orphans.values().map(|(_, sealed)| sealed.block.parent());
        missing.filter(|parent| !self.orphans.contains_key(parent)).min()
    }
    /// Nobody answered, or not with what is missing: asks the next validator; after some, those blocks are given up.
    pub(super) fn on_ask_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(wanted) = self.missing() else { return };
        if self.fetching.fail() > ASKS_MOST {
            self.fetching.give_up();
            self.orphans.clear();
            return;
        }
        if let Some(peer) = self.fetching.next_peer(ctx.me(), ctx.committee()) {
            self.ask(peer, wanted, ctx);
        }
    }
    /// The chain stands still although something waits: asks the next validator for its own, which may be better.
    pub(super) fn on_sync(&mut self, ctx: &mut Context<'_, Self>) {
        if self.has_work(ctx)
            && self.missing().is_none()
            && !self.fetching.is_under_way(ctx.now())
            && let Some(peer) = self.fetching.next_peer(ctx.me(), ctx.committee())
        {
            self.ask(peer, Hash::ZERO, ctx);
        }
        ctx.set_timer(Timer::Sync, self.config.sync_every);
    }
    /// Takes blocks; what one answer does not hold is asked for at once, of the same peer.
    pub(super) fn on_blocks(&mut self, from: NodeId, blocks: &[Arc<Sealed>], ctx: &mut Context<'_, Self>) {
        let is_new = |node: &Aura, sealed: &Arc<Sealed>| {
            !node.known.contains_key(&sealed.block.id()) && sealed.block.height() > node.root.0.height()
        };
        let mut is_news = false;
        for sealed in blocks.iter().take(ANSWER_MOST) {
            let was_new = is_new(self, sealed);
            self.on_block(from, sealed.clone(), ctx);
            is_news |= was_new && !is_new(self, sealed);
        }
        self.fetching.end(ctx.now(), is_news);
        if is_news {
            let wanted = self.missing().unwrap_or(Hash::ZERO);
            self.ask(from, wanted, ctx);
        }
    }
}

/// Answering, and starting again.
impl Aura {
    /// Answers with the beginning of what is new to the sender of the chain that ends at a block, or at the tip.
    pub(super) fn on_ask(
        &self,
        from: NodeId,
        wanted: Hash,
        above: Height,
        known: &[Hash],
        ctx: &mut Context<'_, Self>,
    ) {
        let tip = self.tip.0.id();
        let mut branch = Vec::new();
        let mut at = self.known.get(if wanted == Hash::ZERO { &tip } else { &wanted });
        while let Some(sealed) = at {
            branch.push(sealed.clone());
            at = self.known.get(&sealed.block.parent());
        }
        let mut blocks = Vec::new();
        let mut height = above.next();
        while height <= self.root.0.height() && blocks.len() < ANSWER_MOST {
            let Some(sealed) = self.finals.get(&height) else { break };
            blocks.push(sealed.clone());
            height = height.next();
        }
        if height > self.root.0.height() {
            // What does not fit is asked for again, by those that miss it.
            blocks.extend(branch.into_iter().rev());
        }
        if from != ctx.me() {
            ctx.send(from, chained::answer(&blocks, known));
        }
    }
    pub(super) fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Aura {
        let root = ctx.durable();
        let step = root.header.time.as_nanos() / config.step.as_nanos();
        let mut validator = Aura {
            config: config.clone(),
            known: BTreeMap::new(),
            finals: BTreeMap::new(),
            root: (root.clone(), step),
            tip: (root, step),
            sealed: None,
            evidence: BTreeMap::new(),
            early: Vec::new(),
            orphans: BTreeMap::new(),
            fetching: Fetching::new(config.fetch_timeout),
            waiting: false,
            unsaved: 0,
        };
        let mut blocks: Vec<Arc<Sealed>> = Vec::new();
        for record in log {
            match record {
                Record::Block(sealed) => blocks.push(sealed.clone()),
                Record::Checkpoint { sealed, blocks: kept, finals } => {
                    validator.sealed = *sealed;
                    blocks.extend(finals.iter().chain(kept).cloned());
                }
            }
        }
        blocks.sort_by_key(|sealed| sealed.block.height());
        for sealed in blocks {
            if sealed.block.header.proposer == ctx.me() {
                validator.sealed = validator.sealed.max(Some(sealed.step));
            }
            if sealed.block.height() <= validator.root.0.height() {
                let is_final = |block: Arc<Block>| block.id() == sealed.block.id();
                if ctx.block_at(sealed.block.height()).is_some_and(is_final) {
                    validator.keep_final(sealed);
                }
            } else if validator.step_of(&sealed.block.parent()).is_some() && ctx.learn(&sealed.block).is_some() {
                validator.known.insert(sealed.block.id(), sealed.clone());
                validator.adopt(&sealed, ctx);
            }
        }
        if ctx.now() > Time::ZERO {
            // What happened meanwhile? Two are asked, since one may be down.
            let (me, n) = (u64::from(ctx.me().0), ctx.committee().n() as u64);
            let mut peers = vec![ctx.committee().in_turn(me + 1), ctx.committee().in_turn(me + n - 1)];
            peers.dedup();
            for peer in peers.into_iter().filter(|peer| u64::from(peer.0) != me) {
                validator.ask(peer, Hash::ZERO, ctx);
            }
        }
        validator.wait(ctx);
        ctx.set_timer(Timer::Sync, config.step + config.sync_every);
        validator
    }
}
