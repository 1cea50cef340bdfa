//! Blocks without their parents, validators that are behind, and starting again.

use super::{Aura, Config, Record, Sealed, Timer};
use crate::base::{Hash, Height, NodeId};
use crate::chain::Block;
use crate::protocol::Context;
use crate::protocol::chained::{self, ANSWER_MAX, Fetch, Fetching, Orphans, Weight};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Fetch for Aura {
    type Sealed = Sealed;
    const ASK: Timer = Timer::Ask;

    fn missed(&mut self) -> (&mut Fetching, &mut Orphans<Sealed>) {
        (&mut self.fetching, &mut self.orphans)
    }
    fn standing(&self) -> (Hash, Weight) {
        (self.tip.0.id(), (self.tip.0.height().0, u64::MAX - self.tip.1))
    }
    fn has(&self, block: &Hash) -> bool {
        self.known.contains_key(block)
    }
    fn root(&self) -> Height {
        self.root.0.height()
    }
    fn names(&self) -> Arc<[Hash]> {
        chained::names(self.known.iter().map(|(id, sealed)| (sealed.block.height(), *id)))
    }
    fn is_early(&self, _block: &Hash) -> bool {
        false // its parent may be asked for in vain meanwhile
    }
    fn on_block(&mut self, from: NodeId, sealed: Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        self.judge(from, sealed, ctx);
    }
}

impl Aura {
    /// The chain stands still: does anybody have another, if there is something to make final?
    pub(super) fn on_sync(&mut self, ctx: &mut Context<'_, Self>) {
        if self.has_work(ctx) {
            self.ask_next(ctx);
        }
        ctx.set_timer(Timer::Sync, self.config.sync_every);
    }
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
        while height <= self.root.0.height() && blocks.len() < ANSWER_MAX {
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
            } else if validator.step_of(&sealed.block.parent()).is_some() && ctx.insert_block(&sealed.block).is_some() {
                validator.known.insert(sealed.block.id(), sealed.clone());
                validator.adopt(&sealed, ctx);
            }
        }
        validator.greet(ctx);
        validator.wait(ctx);
        ctx.set_timer(Timer::Sync, config.step + config.sync_every);
        validator
    }
}
