//! Catching up, headers first.
//!
//! A block whose parent is unknown is parked, and its sender is asked for the headers that lead to it. They are judged
//! as far as headers can be; if they promise more work than the best chain, their bodies are fetched in order, at most
//! sixteen in flight. A peer that falls silent is replaced by another. Everything that a peer can make grow is bounded:
//! one batch of headers, sixteen bodies, sixteen orphans.

use super::difficulty::{Branch, HeaderFault, work_of};
use super::{Fault, ForkChoice, HEADERS_MAX, IN_FLIGHT_MAX, LOCATOR_MAX, Message, Nakamoto, Timer};
use crate::base::{Duration, Hash, Height, NodeId};
use crate::chain::{Block, BlockIndex, Header};
use crate::protocol::Context;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How long a peer that serves bodies may be silent at first (Bitcoin's `BLOCK_STALLING_TIMEOUT_DEFAULT`).
const STALL_MIN: Duration = Duration::from_secs(2);
/// And at most, doubling with each silent peer (Bitcoin's `BLOCK_STALLING_TIMEOUT_MAX`).
const STALL_MAX: Duration = Duration::from_secs(64);
/// Blocks without parent that a node keeps.
const ORPHANS_MAX: usize = 16;
/// Peers in reserve for one download.
const SOURCES_MAX: usize = 8;
/// Peers in a row that may fall silent before a download is given up; the next block without parent starts another.
const STALLS_MAX: u32 = 8;

/// A block whose parent is unknown, and who sent it.
#[derive(Clone, Debug)]
pub(super) struct Orphan {
    from: NodeId,
    block: Arc<Block>,
}

/// A chain that is being fetched.
#[derive(Clone, Debug)]
pub(super) struct Download {
    /// Who is asked.
    peer: NodeId,
    /// Others who seem to have the chain, in order of appearance.
    sources: VecDeque<NodeId>,
    /// Judged headers whose bodies are to be connected, the next one first. Empty while headers are awaited.
    headers: VecDeque<(Hash, Header)>,
    /// How many of the first `headers` have been asked for.
    asked: usize,
    /// Bodies of those, waiting for their turn.
    bodies: BTreeMap<Hash, Arc<Block>>,
    /// Whether the peer has more headers.
    more: bool,
    /// How long the peer may be silent.
    patience: Duration,
    /// Peers in a row that were silent too long.
    stalls: u32,
}

/// Another node, at random.
pub(super) fn random_peer(ctx: &mut Context<'_, Nakamoto>) -> NodeId {
    let others = ctx.committee().n() - 1;
    let drawn = NodeId::from(ctx.random().index(others));
    if drawn < ctx.me() { drawn } else { NodeId(drawn.0 + 1) }
}

/// Serving.
impl Nakamoto {
    /// Answers with the headers of the best chain after the first name of the locator that is on it.
    pub(super) fn on_get_headers(&mut self, from: NodeId, locator: &[Hash], ctx: &mut Context<'_, Self>) {
        let tree = ctx.tree();
        let is_mine = |id: &Hash| self.find(id, tree).filter(|index| tree.is_ancestor(*index, self.tip));
        let common = locator.iter().find_map(is_mine).unwrap_or(BlockIndex::GENESIS);
        let last = Height(tree.height(self.tip).0.min(tree.height(common).0 + HEADERS_MAX as u64));
        let path = tree.path(common, tree.ancestor(self.tip, last));
        let headers = path.into_iter().map(|index| tree.block(index).header).collect();
        ctx.send(from, Message::Headers { headers });
    }
    /// Sends the blocks that it has.
    pub(super) fn on_get_blocks(&mut self, from: NodeId, ids: &[Hash], ctx: &mut Context<'_, Self>) {
        for id in ids {
            if let Some(index) = self.find(id, ctx.tree()) {
                let block = ctx.tree().block(index).clone();
                ctx.send(from, Message::Block(block));
            }
        }
    }
}

/// Asking.
impl Nakamoto {
    /// Names along the best chain: the last ten, then ever sparser, genesis last.
    fn locator(&self, ctx: &Context<'_, Self>) -> Arc<[Hash]> {
        let tree = ctx.tree();
        let (mut locator, mut step) = (Vec::new(), 1);
        let mut height = tree.height(self.tip).0;
        while height > 0 && locator.len() + 1 < LOCATOR_MAX {
            locator.push(tree.block(tree.ancestor(self.tip, Height(height))).id());
            step *= if locator.len() >= 10 { 2 } else { 1 };
            height = height.saturating_sub(step);
        }
        locator.push(tree.block(BlockIndex::GENESIS).id());
        locator.into()
    }
    /// Keeps a block without parent and asks its sender what leads to it.
    pub(super) fn park(&mut self, from: NodeId, block: Arc<Block>, ctx: &mut Context<'_, Self>) {
        if self.orphans.iter().all(|orphan| orphan.block.id() != block.id()) {
            if self.orphans.len() >= ORPHANS_MAX {
                self.orphans.remove(0);
            }
            self.orphans.push(Orphan { from, block });
        }
        let Some(download) = self.download.as_mut() else { return self.begin_download(from, ctx) };
        download.add_source(from);
        if download.awaits_headers() {
            // Requests and answers get lost, and the timer waits minutes. The sender of this block can be reached now, so
            // it is asked now, even if it was asked before.
            let locator = self.locator(ctx);
            ctx.send(from, Message::GetHeaders { locator });
        }
    }
    pub(super) fn begin_download(&mut self, peer: NodeId, ctx: &mut Context<'_, Self>) {
        self.download = Some(Box::new(Download {
            peer,
            sources: VecDeque::new(),
            headers: VecDeque::new(),
            asked: 0,
            bodies: BTreeMap::new(),
            more: false,
            patience: STALL_MIN,
            stalls: 0,
        }));
        self.ask(ctx);
    }
    /// Asks the peer for what is wanted next, from the beginning: headers, or the first bodies.
    fn ask(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(mut download) = self.download.take() else { return };
        if download.headers.is_empty() {
            let locator = self.locator(ctx);
            ctx.send(download.peer, Message::GetHeaders { locator });
            ctx.set_timer(Timer::Stalled, self.config.headers_timeout);
        } else {
            download.asked = 0;
            download.ask_bodies(ctx);
        }
        self.download = Some(download);
    }
    /// The peer is late: asks another.
    pub(super) fn on_stalled(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(download) = self.download.as_mut() else { return };
        download.stalls += 1;
        if download.stalls >= STALLS_MAX {
            self.end_download(ctx);
            return;
        }
        download.patience = (download.patience * 2).min(STALL_MAX);
        let next = download.sources.front().copied().unwrap_or_else(|| random_peer(ctx));
        download.turn_to(next);
        self.ask(ctx);
    }
}

impl Download {
    /// Whether nothing is known yet of what is to be fetched.
    pub(super) fn awaits_headers(&self) -> bool {
        self.headers.is_empty()
    }
    /// Remembers who seems to have the chain, if there is room.
    fn add_source(&mut self, source: NodeId) {
        if source != self.peer && !self.sources.contains(&source) && self.sources.len() < SOURCES_MAX {
            self.sources.push_back(source);
        }
    }
    /// Asks this peer from now on; the former one stays in reserve.
    fn turn_to(&mut self, peer: NodeId) {
        self.sources.retain(|source| *source != peer);
        let former = std::mem::replace(&mut self.peer, peer);
        self.add_source(former);
    }
    /// Fills the window of bodies in flight.
    fn ask_bodies(&mut self, ctx: &mut Context<'_, Nakamoto>) {
        let window = self.headers.len().min(IN_FLIGHT_MAX);
        let wanted = self.headers.range(self.asked..window).map(|(id, _)| *id);
        let ids: Arc<[Hash]> = wanted.filter(|id| !self.bodies.contains_key(id)).collect();
        self.asked = window;
        if !ids.is_empty() {
            ctx.send(self.peer, Message::GetBlocks { ids });
        }
        ctx.set_timer(Timer::Stalled, self.patience);
    }
}

/// Receiving.
impl Nakamoto {
    /// Whether a body was asked of `from` and did not come yet. The same from others is a block like any other, so
    /// that no other node can invalidate what the peer sends.
    pub(super) fn is_asked_for(&self, from: NodeId, id: &Hash) -> bool {
        self.download.as_ref().filter(|download| download.peer == from).is_some_and(|download| {
            let is_asked = download.headers.iter().take(download.asked).any(|(asked, _)| asked == id);
            is_asked && !download.bodies.contains_key(id)
        })
    }
    /// Headers came; they are wanted from those that were asked only. Of others than the peer they count if they are of
    /// use.
    pub(super) fn on_headers(&mut self, from: NodeId, headers: &[Header], ctx: &mut Context<'_, Self>) {
        let Some(download) = self.download.as_deref().filter(|download| download.awaits_headers()) else { return };
        let is_peer = download.peer == from;
        if !is_peer && !download.sources.contains(&from) && self.orphans.iter().all(|orphan| orphan.from != from) {
            return;
        }
        let chain = match self.judge_headers(headers, ctx) {
            Some(chain) if !chain.is_empty() => chain,
            _ if !is_peer => return,
            // Nothing new or nothing better. A peer with more work announces it with its next block.
            Some(_) => return self.end_download(ctx),
            None => return self.on_stalled(ctx),
        };
        let Some(download) = self.download.as_mut() else { return };
        if !is_peer {
            download.turn_to(from);
        }
        // A parked block may be one of those now to be fetched.
        let is_wanted = |orphan: &mut Orphan| chain.iter().any(|(id, _)| *id == orphan.block.id());
        download.bodies.extend(self.orphans.extract_if(.., is_wanted).map(|orphan| (orphan.block.id(), orphan.block)));
        (download.more, download.stalls, download.asked) = (headers.len() == HEADERS_MAX, 0, 0);
        download.headers = chain.into();
        self.advance(ctx);
    }
    /// The headers whose blocks are not here, if they are valid and lead somewhere better. `None` if they are not
    /// valid, empty if there is no use in them.
    fn judge_headers(&self, headers: &[Header], ctx: &Context<'_, Self>) -> Option<Vec<(Hash, Header)>> {
        let tree = ctx.tree();
        let mut chain: Vec<(Hash, Header)> = headers.iter().map(|header| (header.id(), *header)).collect();
        let here = chain.iter().take_while(|(id, _)| self.find(id, tree).is_some()).count();
        chain.drain(..here);
        let Some((_, first)) = chain.first() else { return Some(chain) };
        let base = self.find(&first.parent, tree)?;
        let fork = tree.height(tree.fork_point(base, self.tip));
        let (mut parent, mut height) = (first.parent, tree.height(base));
        let mut work = self.rules.work_above(tree, fork, base);
        for at in 0..chain.len() {
            let (id, header) = chain[at];
            height = height.next();
            if (header.parent, header.height) != (parent, height) || self.invalid.contains(&id) {
                return None;
            }
            let branch = Branch::new(tree, base, &headers[here..here + at]);
            match self.rules.check(&branch, &header, &id, ctx.now()) {
                Err(HeaderFault::Invalid(_)) => return None,
                Err(HeaderFault::Early) => {
                    chain.truncate(at);
                    break;
                }
                Ok(()) => work = work.saturating_add(work_of(&header)),
            }
            parent = id;
        }
        // A full batch may lead to a better chain further up. GHOST counts every block.
        let is_useful = headers.len() == HEADERS_MAX
            || self.config.fork_choice == ForkChoice::Ghost
            || work > self.rules.work_above(tree, fork, self.tip);
        Some(if is_useful { chain } else { Vec::new() })
    }
    /// A body came that was asked for.
    pub(super) fn on_body(&mut self, block: Arc<Block>, ctx: &mut Context<'_, Self>) {
        if let Some(download) = self.download.as_mut() {
            download.bodies.insert(block.id(), block);
            self.advance(ctx);
        }
    }
    /// Goes on if the next body came another way than the one on which it was asked for.
    pub(super) fn resume(&mut self, ctx: &mut Context<'_, Self>) {
        let next = self.download.as_ref().and_then(|download| download.headers.front());
        if next.is_some_and(|(id, _)| self.find(id, ctx.tree()).is_some()) {
            self.advance(ctx);
        }
    }
    /// Connects the bodies whose turn it is, and asks for more.
    fn advance(&mut self, ctx: &mut Context<'_, Self>) {
        while let Some(download) = self.download.as_mut() {
            let Some(&(id, _)) = download.headers.front() else { break };
            let is_last = download.headers.len() == 1 && !download.more;
            let body = download.bodies.remove(&id);
            if self.find(&id, ctx.tree()).is_none() {
                let Some(body) = body else { break };
                match self.accept(&body, is_last, ctx) {
                    Ok(()) => {}
                    // Not the block that was asked for: perhaps another peer has it.
                    Err(Fault::Refused) => return self.on_stalled(ctx),
                    Err(Fault::Invalid | Fault::Unconnected) => return self.end_download(ctx),
                }
            }
            if let Some(download) = self.download.as_mut() {
                download.headers.pop_front();
                download.asked = download.asked.saturating_sub(1);
                download.stalls = 0;
                download.patience = download.patience.scale(85, 100).max(STALL_MIN);
            }
        }
        match self.download.as_mut() {
            Some(download) if !download.headers.is_empty() => download.ask_bodies(ctx),
            Some(download) if download.more => self.ask(ctx),
            _ => self.end_download(ctx),
        }
    }
    /// The download is over, one way or another. What its peer sent and still has no parent is forgotten, so that
    /// no peer can keep a node asking for ever.
    fn end_download(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(download) = self.download.take() else { return };
        ctx.cancel_timer(Timer::Stalled);
        self.adopt_orphans(ctx);
        self.orphans.retain(|orphan| orphan.from != download.peer);
        if let Some(orphan) = self.orphans.first().filter(|_| download.stalls < STALLS_MAX) {
            let from = orphan.from;
            self.begin_download(from, ctx);
        }
    }
    /// Connects the orphans whose parents have become known, and drops those whose parents turned out invalid.
    pub(super) fn adopt_orphans(&mut self, ctx: &mut Context<'_, Self>) {
        let is_ready = |node: &Nakamoto, orphan: &Orphan, ctx: &Context<'_, Self>| {
            let parent = orphan.block.parent();
            node.invalid.contains(&parent) || node.find(&parent, ctx.tree()).is_some()
        };
        while let Some(at) = self.orphans.iter().position(|orphan| is_ready(self, orphan, ctx)) {
            let orphan = self.orphans.remove(at);
            // An orphan that breaks a rule is remembered as invalid; there is nothing else to do about it.
            let _ = self.accept(&orphan.block, true, ctx);
        }
    }
}
