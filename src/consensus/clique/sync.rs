//! Blocks that come early, without their parents, or again after a crash.

use super::{AHEAD_MAX, Ballot, Clique, Config, Fields, KEPT_MAX, Known, NodeId, Record, Sealed, Timer};
use crate::base::{Hash, Height};
use crate::chain::Block;
use crate::protocol::Context;
use crate::protocol::chained::{self, ANSWER_MAX, Fetch, Fetching, Orphans, Weight};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Fetch for Clique {
    type Sealed = Sealed;
    const ASK: Timer = Timer::Ask;

    fn missed(&mut self) -> (&mut Fetching, &mut Orphans<Sealed>) {
        (&mut self.fetching, &mut self.orphans)
    }
    fn standing(&self) -> (Hash, Weight) {
        (self.tip.id(), (self.head().difficulty, u64::MAX - self.tip.height().0))
    }
    fn has(&self, block: &Hash) -> bool {
        self.known.contains_key(block)
    }
    fn root(&self) -> Height {
        self.root.height()
    }
    fn names(&self) -> Arc<[Hash]> {
        let own = self.known.iter().map(|(id, known)| (known.block.height(), *id));
        chained::names(own.filter(|(height, _)| *height > self.root.height()))
    }
    fn is_early(&self, block: &Hash) -> bool {
        self.early.iter().any(|(_, held)| held.block.id() == *block)
    }
    fn on_block(&mut self, from: NodeId, sealed: Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        self.judge(from, sealed, ctx);
    }
}

impl Clique {
    /// A block of a time to come waits for it, unless that is far ahead.
    pub(super) fn hold(&mut self, from: NodeId, sealed: Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        let is_held = self.early.iter().any(|(_, held)| held.block.id() == sealed.block.id());
        if !is_held && self.early.len() < KEPT_MAX && sealed.block.header.time <= ctx.now() + AHEAD_MAX {
            self.early.push((from, sealed));
            self.wait_for_early(ctx);
        }
    }
    fn wait_for_early(&self, ctx: &mut Context<'_, Self>) {
        if let Some(due) = self.early.iter().map(|(_, held)| held.block.header.time).min() {
            ctx.set_timer(Timer::Early, due.since(ctx.now()));
        }
    }
    pub(super) fn on_early(&mut self, ctx: &mut Context<'_, Self>) {
        let now = ctx.now();
        let (due, rest) =
            std::mem::take(&mut self.early).into_iter().partition(|(_, held)| held.block.header.time <= now);
        self.early = rest;
        let due: Vec<(NodeId, Arc<Sealed>)> = due;
        due.into_iter().for_each(|(from, sealed)| self.on_block(from, sealed, ctx));
        self.wait_for_early(ctx);
    }
    /// The head stands still: does anybody have a chain that is as heavy or heavier?
    pub(super) fn on_sync(&mut self, ctx: &mut Context<'_, Self>) {
        self.ask_next(ctx);
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
        let tip = self.tip.id();
        let mut blocks: Vec<Arc<Sealed>> =
            self.finals.range(above.next()..).map(|(_, sealed)| sealed.clone()).take(ANSWER_MAX).collect();
        let branch = self.branch(if wanted == Hash::ZERO { &tip } else { &wanted });
        let branch = branch.into_iter().rev().filter_map(|known| known.sealed.clone());
        blocks.extend(branch.filter(|sealed| sealed.block.height() > above));
        if from != ctx.me() {
            ctx.send(from, chained::answer(&blocks, known));
        }
    }
    pub(super) fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Clique {
        let durable = ctx.durable();
        let genesis = ctx.tree().block(crate::chain::BlockIndex::GENESIS).clone();
        let signers = Arc::new(config.genesis(ctx.committee().n()));
        let known = Known { block: genesis.clone(), sealed: None, difficulty: 0, signers };
        let mut node = Clique {
            config: config.clone(),
            known: BTreeMap::from([(genesis.id(), known)]),
            finals: BTreeMap::new(),
            root: genesis.clone(),
            tip: genesis,
            due: None,
            seen: BTreeMap::new(),
            early: Vec::new(),
            orphans: BTreeMap::new(),
            fetching: Fetching::new(config.fetch_timeout),
            unsaved: 0,
        };
        let mut blocks: Vec<Arc<Sealed>> = Vec::new();
        for record in log {
            match record {
                Record::Block(sealed) => blocks.push(sealed.clone()),
                Record::Checkpoint { root, difficulty, signers, blocks: kept, finals } => {
                    node.finals = finals.iter().map(|sealed| (sealed.block.height(), sealed.clone())).collect();
                    let (block, difficulty, signers) = (root.clone(), *difficulty, signers.clone());
                    node.known = BTreeMap::from([(root.id(), Known { block, sealed: None, difficulty, signers })]);
                    blocks.clone_from(kept);
                }
            }
        }
        node.finals.retain(|height, sealed| ctx.block_at(*height).is_some_and(|block| block.id() == sealed.block.id()));
        node.read_chain(&durable, ctx);
        blocks.sort_by_key(|sealed| sealed.block.height());
        let mut above = Vec::new();
        for sealed in blocks {
            let is_final = ctx.block_at(sealed.block.height()).is_some_and(|block| block.id() == sealed.block.id());
            if node.known.contains_key(&sealed.block.parent()) && ctx.insert_block(&sealed.block).is_some() {
                node.add(sealed.block.clone(), &sealed.fields, Some(sealed.clone()));
                if is_final && sealed.block.height() <= durable.height() {
                    node.finals.insert(sealed.block.height(), sealed);
                } else {
                    above.push(sealed);
                }
            }
        }
        (node.root, node.tip) = (durable.clone(), durable);
        node.prune();
        for sealed in above {
            if node.known.contains_key(&sealed.block.id()) && node.is_better(&sealed.block, ctx) {
                node.adopt(&sealed.block, ctx);
            }
        }
        node.greet(ctx);
        node.prepare(ctx);
        node
    }
    /// What a lost log does not hold of the final chain is read from the chain itself. Its signatures are not in the
    /// blocks that chains hold here: these are not served to others.
    fn read_chain(&mut self, last: &Arc<Block>, ctx: &Context<'_, Self>) {
        let down = |block: &Arc<Block>| ctx.block_at(Height(block.height().0.checked_sub(1)?));
        let missing = std::iter::successors(Some(last.clone()), down).take_while(|b| !self.known.contains_key(&b.id()));
        for block in missing.collect::<Vec<_>>().into_iter().rev() {
            let fields = self.read_fields(&block, ctx.committee().n());
            self.add(block, &fields, None);
        }
    }
    /// The fields to which a header commits: all but the vote follow from the block's parent, and of the votes one fits.
    fn read_fields(&self, block: &Block, n: usize) -> Fields {
        let plain = self.fields(&self.known[&block.parent()].signers, block.header.proposer, block.height());
        let ballot = |node: usize, add| Some(Ballot { candidate: NodeId::from(node), add });
        let votes = (0..n).flat_map(|node| [ballot(node, true), ballot(node, false)]);
        let possible = [None].into_iter().chain(votes).map(|vote| Fields { vote, ..plain.clone() });
        let found = possible.into_iter().find(|fields| fields.seal() == block.header.seal);
        found.unwrap_or(plain)
    }
}
