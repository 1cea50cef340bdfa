//! Catching up: blocks that were missed, and starting again.

use super::message::{Certificate, Message, Progress, Record, Vertex};
use super::{Config, HotStuff, Timer};
use crate::base::{Hash, Height, NodeId, Tally};
use crate::chain::Block;
use crate::protocol::Context;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Blocks in one answer at most.
const BLOCKS_MOST: usize = 64;

/// A block above what is final here.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// With its view and the certificate of its parent.
    Vertex(Arc<Vertex>),
    /// Fetched from a replica where it was final. A certificate of some descendant vouches for it.
    Block(Arc<Block>),
}

impl Entry {
    pub(super) fn block(&self) -> &Arc<Block> {
        match self {
            Entry::Vertex(vertex) => &vertex.block,
            Entry::Block(block) => block,
        }
    }
    pub(super) fn vertex(&self) -> Option<&Arc<Vertex>> {
        match self {
            Entry::Vertex(vertex) => Some(vertex),
            Entry::Block(_) => None,
        }
    }
}

/// What is being fetched.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    /// A certified block; `None` for whatever is new.
    wanted: Option<Hash>,
    /// What has come of it, each the parent of the one before.
    chain: Vec<Entry>,
    /// How often it was asked for: whom it asks next.
    asked: u64,
}

impl Fetch {
    /// The name of the next block that is missing.
    fn next(&self) -> Option<Hash> {
        self.chain.last().map(|entry| entry.block().parent()).or(self.wanted)
    }
}

impl HotStuff {
    /// Begins to fetch a block, unless something is being fetched already: what is newer is asked for afterwards.
    pub(super) fn fetch(&mut self, wanted: Option<Hash>, ctx: &mut Context<'_, Self>) {
        if self.fetch.as_ref().is_none_or(|fetch| fetch.wanted.is_none()) {
            self.fetch = Some(Fetch { wanted, chain: Vec::new(), asked: 0 });
            self.ask(ctx);
        }
    }
    /// Asks one peer after the other, the leader first.
    fn ask(&mut self, ctx: &mut Context<'_, Self>) {
        let leader = u64::from(self.leader(self.view, ctx).0);
        let Some(fetch) = &mut self.fetch else { return };
        let committee = ctx.committee();
        let mut candidates = (0..2).map(|further| committee.in_turn(leader + fetch.asked + further));
        let peer = candidates.find(|peer| *peer != ctx.me());
        fetch.asked += 1;
        let message = Message::Request { block: fetch.next(), above: self.committed.height() };
        if let Some(peer) = peer {
            ctx.send(peer, message);
            ctx.set_timer(Timer::Fetch, self.config.view_timeout);
        }
    }
    /// Asks the next peer. A block that none of enough peers had was given up by all, and forgotten: the newest certified
    /// one is wanted instead.
    pub(super) fn on_fetch_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let (newest, enough) = (self.high.block, ctx.committee().blocking());
        let is_given_up = |fetch: &mut Fetch| fetch.asked >= enough && fetch.wanted.is_some_and(|w| w != newest);
        if self.fetch.take_if(is_given_up).is_none() {
            self.ask(ctx);
        } else if self.block(&newest).is_none() {
            self.fetch(Some(newest), ctx);
        }
    }
    pub(super) fn on_request(&self, from: NodeId, block: Option<Hash>, above: Height, ctx: &mut Context<'_, Self>) {
        let (mut vertices, mut blocks) = (Vec::new(), Vec::new());
        let mut at = block.unwrap_or(self.high.block);
        while let Some(vertex) =
            self.vertex(&at).or_else(|| self.logged.get(&at)).filter(|_| vertices.len() < BLOCKS_MOST)
        {
            at = vertex.block.parent();
            vertices.push(vertex.clone());
        }
        // Below, by height: what is final here has one block at each.
        let index = ctx.tree().find(&at).map(|index| ctx.tree().height(index));
        let mut height = index.filter(|height| *height <= self.committed.height()).unwrap_or(Height::GENESIS);
        while height > above && vertices.len() + blocks.len() < BLOCKS_MOST {
            let Some(block) = ctx.block_at(height).filter(|block| block.id() == at) else { break };
            at = block.parent();
            height = Height(height.0 - 1);
            blocks.push(block);
        }
        let (high, timeout) = (self.high.clone(), self.reason.clone());
        ctx.send(from, Message::Progress(Arc::new(Progress { high, timeout, vertices, blocks })));
    }
    /// Tells a replica in an earlier view what led to the present one.
    pub(super) fn tell_progress(&self, to: NodeId, ctx: &mut Context<'_, Self>) {
        let (high, timeout) = (self.high.clone(), self.reason.clone());
        let progress = Progress { high, timeout, vertices: Vec::new(), blocks: Vec::new() };
        ctx.send(to, Message::Progress(Arc::new(progress)));
    }
    pub(super) fn on_progress(&mut self, from: NodeId, progress: &Progress, ctx: &mut Context<'_, Self>) {
        let committee = ctx.committee();
        let timeout = progress.timeout.as_ref();
        if !progress.high.is_complete(committee) || !timeout.is_none_or(|timeout| timeout.is_complete(committee)) {
            return;
        }
        if self.fetch.as_ref().is_some_and(|fetch| fetch.wanted.is_none()) {
            self.fetch = None;
            ctx.cancel_timer(Timer::Fetch);
        }
        self.on_certificate(&progress.high, ctx);
        if let Some(timeout) = timeout {
            self.on_timeout_certificate(timeout.clone(), ctx);
        }
        let vertices = progress.vertices.iter().cloned().map(Entry::Vertex);
        let blocks = progress.blocks.iter().cloned().map(Entry::Block);
        self.collect(from, vertices.chain(blocks), ctx);
    }
    /// Takes what continues the chain that is being fetched, until it meets what is known here.
    fn collect(&mut self, from: NodeId, entries: impl Iterator<Item = Entry>, ctx: &mut Context<'_, Self>) {
        let Some(fetch) = &mut self.fetch else { return };
        let before = fetch.chain.len();
        for entry in entries {
            let header = &entry.block().header;
            if Some(entry.block().id()) != fetch.next() || header.merkle != entry.block().batch.digest() {
                continue;
            }
            let below = entry.block().parent();
            fetch.chain.push(entry);
            if self.entries.contains_key(&below) || below == self.committed.id() {
                return self.connect(ctx);
            }
        }
        let lowest = fetch.chain.last().map(|entry| entry.block().height());
        if lowest.is_some_and(|lowest| lowest <= self.committed.height()) {
            self.fetch = None; // A branch that leaves the chain below what is final: more than f replicas lie.
        } else if fetch.chain.len() > before {
            let message = Message::Request { block: fetch.next(), above: self.committed.height() };
            ctx.send(from, message);
            ctx.set_timer(Timer::Fetch, self.config.view_timeout);
        }
    }
    /// The fetched chain meets the tree: everything that waited for it goes on.
    fn connect(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(fetch) = self.fetch.take() else { return };
        ctx.cancel_timer(Timer::Fetch);
        let mut certificates = Vec::new();
        for entry in fetch.chain.into_iter().rev() {
            if ctx.learn(entry.block()).is_none() {
                return;
            }
            certificates.extend(entry.vertex().map(|vertex| vertex.justify.clone()));
            self.entries.insert(entry.block().id(), entry);
        }
        certificates.push(self.high.clone());
        certificates.iter().for_each(|certificate| self.on_certificate(certificate, ctx));
        if self.block(&self.high.block).is_none() {
            self.fetch(Some(self.high.block), ctx);
        }
        if let Some(waiting) = self.waiting.take() {
            if self.block(&waiting.vertex.justify.block).is_some() {
                self.judge(&waiting, ctx);
            } else {
                self.waiting = Some(waiting);
            }
        }
        self.propose(ctx);
        self.watch(ctx);
    }
    /// All that still matters.
    pub(super) fn image(&self) -> Record {
        let mut vertices: Vec<Arc<Vertex>> = self.entries.values().filter_map(Entry::vertex).cloned().collect();
        vertices.sort_by_key(|vertex| vertex.view);
        let (locked, high, reason) = (self.locked.clone(), self.high.clone(), self.reason.clone());
        Record::Image { voted: self.voted, locked, high, reason, vertices }
    }
    /// Starts a replica, with what its log says. One that was here before asks what is new.
    pub(super) fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> HotStuff {
        let genesis = Certificate::genesis();
        let mut replica = HotStuff {
            config: config.clone(),
            view: 1,
            voted: 0,
            locked: genesis.clone(),
            high: genesis,
            reason: None,
            committed: ctx.durable(),
            entries: BTreeMap::new(),
            logged: BTreeMap::new(),
            seen: None,
            waiting: None,
            votes: BTreeMap::new(),
            own: None,
            timeouts: BTreeMap::new(),
            gave_up: 0,
            failed: 0,
            watching: false,
            untold: false,
            fetch: None,
            exposed: Tally::default(),
            unsaved: 0,
        };
        for record in log {
            match record {
                Record::Voted(vertex, reason) => {
                    replica.reason = reason.clone().or(replica.reason);
                    replica.remember(vertex, ctx);
                }
                Record::TimedOut(view, high, reason) => {
                    replica.voted = replica.voted.max(replica.abstains_until(*view));
                    replica.reason = reason.clone().or(replica.reason);
                    if high.view > replica.high.view {
                        replica.high = high.clone();
                    }
                }
                Record::Image { voted, locked, high, reason, vertices } => {
                    (replica.voted, replica.locked, replica.high) = (*voted, locked.clone(), high.clone());
                    replica.reason.clone_from(reason);
                    vertices.iter().for_each(|vertex| replica.remember(vertex, ctx));
                    replica.voted = *voted;
                }
            }
        }
        // Every view that it was in can be proven to the others, who may have forgotten together what led there.
        let certified = replica.high.view + 1;
        replica.reason = replica.reason.take().filter(|reason| replica.after(reason.view) > certified);
        replica.view = replica.reason.as_ref().map_or(certified, |reason| replica.after(reason.view));
        if log.is_empty() && replica.committed.height() == Height::GENESIS {
            if replica.leader(replica.view, ctx) == ctx.me() {
                ctx.note(crate::protocol::note::LEADING, replica.view);
            }
        } else {
            replica.fetch(None, ctx);
        }
        let high = replica.high.clone();
        if replica.block(&high.block).is_none() && high.block != replica.committed.id() {
            replica.fetch(Some(high.block), ctx);
        }
        replica.on_certificate(&high, ctx);
        replica.watch(ctx);
        replica
    }
    /// Takes a vertex from the log.
    fn remember(&mut self, vertex: &Arc<Vertex>, ctx: &mut Context<'_, Self>) {
        self.voted = self.voted.max(vertex.view);
        if vertex.justify.view > self.high.view {
            self.high = vertex.justify.clone();
        }
        let is_above = vertex.block.height() > self.committed.height();
        let is_rooted = is_above && self.block(&vertex.block.parent()).is_some();
        if is_rooted && ctx.learn(&vertex.block).is_some() {
            self.entries.insert(vertex.block.id(), Entry::Vertex(vertex.clone()));
        } else {
            // What it fetched and did not vote on is not in its log. Others may hold just that, and lack this.
            self.logged.insert(vertex.block.id(), vertex.clone());
        }
        self.lock(&vertex.justify);
    }
}
