//! Catching up: blocks that were missed, and starting again.

use super::message::{Certificate, Message, Progress, Record, Vertex};
use super::{Config, HotStuff, Timer};
use crate::base::{Hash, Height, NodeId, VoterSet};
use crate::chain::Block;
use crate::protocol::Context;
use crate::protocol::request::{Backoff, answer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Blocks in one answer at most.
const BLOCKS_MAX: usize = 64;

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
    fn size(&self) -> usize {
        match self {
            Entry::Vertex(vertex) => vertex.size(),
            Entry::Block(block) => block.bytes(),
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
    /// The peer that was asked last; this replica before the first request.
    peer: NodeId,
    /// Requests since something came.
    vain: usize,
    /// Who answered since then that it has none of it.
    lacking: VoterSet,
    backoff: Backoff,
}

impl Fetch {
    /// The name of the next block that is missing.
    fn next(&self) -> Option<Hash> {
        self.chain.last().map(|entry| entry.block().parent()).or(self.wanted)
    }
}

/// Views of proposals without a known parent that are kept.
const PARENTLESS_MAX: usize = 32;

impl HotStuff {
    /// Begins to fetch a block, unless something is being fetched already: what is newer is asked for afterwards.
    pub(super) fn fetch(&mut self, wanted: Option<Hash>, ctx: &mut Context<'_, Self>) {
        if self.fetch.as_ref().is_none_or(|fetch| fetch.wanted.is_none()) {
            let backoff = Backoff::new(self.config.view_timeout);
            let (chain, lacking, peer) = (Vec::new(), VoterSet::default(), ctx.me());
            self.fetch = Some(Fetch { wanted, chain, peer, vain: 0, lacking, backoff });
            self.take_parentless();
            if self.is_joined() { self.connect(ctx) } else { self.ask(ctx) }
        }
    }
    /// Asks one peer after the other, beginning with the leader. The next is the one after the last, whichever node leads:
    /// by the leader's turn alone the same peer could be asked each time, and that one may lie.
    fn ask(&mut self, ctx: &mut Context<'_, Self>) {
        let (me, leader) = (ctx.me(), u64::from(self.leader(self.view, ctx).0));
        let Some(fetch) = &self.fetch else { return };
        let first = if fetch.peer == me { leader } else { u64::from(fetch.peer.0) + 1 };
        let mut candidates = (0..2).map(|further| ctx.committee().in_turn(first + further));
        if let Some(peer) = candidates.find(|peer| *peer != me) {
            self.ask_peer(peer, ctx);
        }
    }
    fn ask_peer(&mut self, peer: NodeId, ctx: &mut Context<'_, Self>) {
        let above = self.committed.height();
        let Some(fetch) = &mut self.fetch else { return };
        fetch.vain += 1;
        fetch.peer = peer;
        ctx.send(peer, Message::Request { block: fetch.next(), above });
        ctx.set_timer(Timer::Fetch, fetch.backoff.next_wait());
    }
    /// No answer: asks the next peer. A block that no peer brought is wanted no more, if there is a newer certified one.
    pub(super) fn on_fetch_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let all = ctx.committee().n().saturating_sub(1);
        if !self.give_up_fetch(|fetch| fetch.vain >= all, ctx) {
            self.ask(ctx);
        }
    }
    /// A peer answered that it has none of what is wanted: asks the next at once. A block that none of enough peers had
    /// was given up by all, and forgotten: the newest certified one is wanted instead.
    pub(super) fn on_lack(&mut self, from: NodeId, block: &Hash, ctx: &mut Context<'_, Self>) {
        let (committee, enough) = (ctx.committee(), ctx.committee().blocking());
        let Some(fetch) = &mut self.fetch else { return };
        if fetch.peer == from
            && fetch.next() == Some(*block)
            && fetch.lacking.add(from, committee)
            && !self.give_up_fetch(|fetch| fetch.lacking.weight() >= enough, ctx)
            && let Some(fetch) = self.fetch.as_mut().filter(|fetch| fetch.lacking.weight() < enough)
        {
            fetch.backoff.reset(); // it answered: nothing is slow
            self.ask(ctx);
        }
    }
    /// Wants the newest certified block instead, if that is another and `is_vain`; whether it does.
    fn give_up_fetch(&mut self, is_vain: impl Fn(&Fetch) -> bool, ctx: &mut Context<'_, Self>) -> bool {
        let newest = self.high.block;
        let is_given_up = |fetch: &mut Fetch| is_vain(fetch) && fetch.wanted.is_some_and(|wanted| wanted != newest);
        let given_up = self.fetch.take_if(is_given_up).is_some();
        if given_up && self.block(&newest).is_none() {
            self.fetch(Some(newest), ctx);
        }
        given_up
    }
    /// Answers with what is asked for and what lies below, as much as an answer holds.
    pub(super) fn on_request(&self, from: NodeId, block: Option<Hash>, above: Height, ctx: &mut Context<'_, Self>) {
        let (mut at, mut lowest) = (block.unwrap_or(self.high.block), None);
        let entries = std::iter::from_fn(|| {
            if let Some(vertex) = self.vertex(&at).or_else(|| self.logged.get(&at)).filter(|_| lowest.is_none()) {
                at = vertex.block.parent();
                return Some(Entry::Vertex(vertex.clone()));
            }
            // Below, by height: what is final here has one block at each.
            let height = lowest.unwrap_or_else(|| {
                let index = ctx.tree().find(&at).map(|index| ctx.tree().height(index));
                index.filter(|height| *height <= self.committed.height()).unwrap_or(Height::GENESIS)
            });
            let block = ctx.block_at(height).filter(|block| height > above && block.id() == at)?;
            (at, lowest) = (block.parent(), height.previous());
            Some(Entry::Block(block))
        });
        let (mut vertices, mut blocks) = (Vec::new(), Vec::new());
        for entry in answer(entries, BLOCKS_MAX, Entry::size) {
            match entry {
                Entry::Vertex(vertex) => vertices.push(vertex),
                Entry::Block(block) => blocks.push(block),
            }
        }
        let lacking = block.filter(|_| vertices.is_empty() && blocks.is_empty());
        let (high, timeout) = (self.high.clone(), self.reason.clone());
        ctx.send(from, Message::Progress(Arc::new(Progress { high, timeout, vertices, blocks })));
        lacking.into_iter().for_each(|block| ctx.send(from, Message::Lack(block)));
    }
    /// Sends a replica in an earlier view the certificates that led to the present one.
    pub(super) fn send_progress(&self, to: NodeId, ctx: &mut Context<'_, Self>) {
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
        let is_news = progress.high.view > self.high.view && !progress.vertices.is_empty();
        if let Some(fetch) = self.fetch.as_mut().filter(|fetch| fetch.wanted.is_none()) {
            if is_news {
                fetch.wanted = Some(progress.high.block); // and here it comes
            } else {
                self.fetch = None;
                ctx.cancel_timer(Timer::Fetch);
            }
        }
        self.on_certificate(&progress.high, ctx);
        if let Some(timeout) = timeout {
            self.on_timeout_certificate(timeout.clone(), ctx);
        }
        let vertices = progress.vertices.iter().cloned().map(Entry::Vertex);
        let blocks = progress.blocks.iter().cloned().map(Entry::Block);
        self.collect(from, vertices.chain(blocks), ctx);
    }
    /// Keeps a proposal whose parent is missing: who fetches what is below need not fetch it too.
    pub(super) fn keep_parentless(&mut self, vertex: &Arc<Vertex>) {
        if self.block(&vertex.block.parent()).is_none() {
            self.parentless.insert(vertex.view, vertex.clone());
            if self.parentless.len() > PARENTLESS_MAX {
                self.parentless.pop_first();
            }
        }
    }
    /// Takes the next block, if this is it; whether it is.
    fn take(&mut self, entry: Entry) -> bool {
        let Some(fetch) = &mut self.fetch else { return false };
        let block = entry.block();
        let is_next = Some(block.id()) == fetch.next() && block.header.merkle == block.batch.digest();
        if is_next {
            fetch.chain.push(entry);
        }
        is_next
    }
    /// Takes as many of the next blocks as were proposed here.
    fn take_parentless(&mut self) {
        while !self.is_joined() {
            let Some(next) = self.fetch.as_ref().and_then(Fetch::next) else { return };
            let Some(vertex) = self.parentless.values().find(|vertex| vertex.block.id() == next).cloned() else {
                return;
            };
            if !self.take(Entry::Vertex(vertex)) {
                return;
            }
        }
    }
    /// Whether the chain that is being fetched meets what is known here.
    fn is_joined(&self) -> bool {
        let lowest = self.fetch.as_ref().and_then(|fetch| fetch.chain.last());
        lowest.is_some_and(|entry| self.block(&entry.block().parent()).is_some())
    }
    /// Takes what continues the chain that is being fetched, until it meets what is known here.
    fn collect(&mut self, from: NodeId, entries: impl Iterator<Item = Entry>, ctx: &mut Context<'_, Self>) {
        let came = |replica: &HotStuff| replica.fetch.as_ref().map_or(0, |fetch| fetch.chain.len());
        let before = came(self);
        for entry in entries {
            if !self.is_joined() && self.take(entry) {
                self.take_parentless();
            }
        }
        if self.is_joined() {
            return self.connect(ctx);
        }
        let more = came(self) > before;
        let Some(fetch) = &mut self.fetch else { return };
        let lowest = fetch.chain.last().map(|entry| entry.block().height());
        if lowest.is_some_and(|lowest| lowest <= self.committed.height()) {
            self.fetch = None; // A branch that leaves the chain below what is final: more than f replicas lie.
        } else if more {
            fetch.backoff.reset();
            (fetch.vain, fetch.lacking) = (0, VoterSet::default());
            self.ask_peer(from, ctx);
        }
    }
    /// The fetched chain meets the tree: everything that waited for it goes on.
    fn connect(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(fetch) = self.fetch.take() else { return };
        ctx.cancel_timer(Timer::Fetch);
        let mut certificates = Vec::new();
        for entry in fetch.chain.into_iter().rev() {
            if ctx.insert_block(entry.block()).is_none() {
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
            parentless: BTreeMap::new(),
            waiting: None,
            votes: BTreeMap::new(),
            own: None,
            timeouts: BTreeMap::new(),
            gave_up: 0,
            last_vote: 0,
            blamed: 0,
            failed: 0,
            watching: false,
            unannounced: false,
            fetch: None,
            exposed: VoterSet::default(),
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
        if is_rooted && ctx.insert_block(&vertex.block).is_some() {
            self.entries.insert(vertex.block.id(), Entry::Vertex(vertex.clone()));
        } else {
            // What it fetched and did not vote on is not in its log. Others may hold just that, and lack this.
            self.logged.insert(vertex.block.id(), vertex.clone());
        }
        self.lock(&vertex.justify);
    }
}
