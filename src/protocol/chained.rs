//! The messages of protocols in which proposers seal blocks and fork choice alone decides: blocks, and requests for
//! missing blocks.

use super::request::{self, Backoff};
use super::{Context, Message as Contract, Protocol, Relay};
use crate::base::wire::{HASH_BYTES, NUMBER_BYTES};
use crate::base::{Committee, Duration, Hash, Height, Keyring, NodeId, Time, Wire, Work};
use crate::chain::Block;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

/// A block with the seal of its maker, as a protocol defines it.
pub trait Sealed: Clone + Debug + Serialize + DeserializeOwned + 'static {
    /// Bytes that a block alone carries besides itself, and a chain that was asked for does not.
    const ANNOUNCED_BYTES: usize = 0;

    /// The block.
    fn block(&self) -> &Arc<Block>;
    /// Bytes on the wire.
    fn bytes(&self) -> usize;
    /// Whether the header commits to all that comes with it, and the seal is its maker's.
    fn is_genuine(&self, keys: &Keyring) -> bool;
}

/// How much a chain weighs against another: the larger wins, by its first number, then by its second.
pub type Weight = (u64, u64);

/// The messages between nodes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub enum Message<S: Sealed> {
    /// The sender's head. A node sends it to all nodes when it starts, as Ethereum's peers do when they connect. A node
    /// whose chain is another and not lighter replies with its own.
    Status {
        /// Its last block.
        head: Hash,
        /// How much its chain weighs.
        weight: Weight,
        /// Whether it is a reply.
        is_reply: bool,
    },
    /// A block, new or passed on.
    Block(Arc<S>),
    /// "Send me the chain up to this block."
    Ask {
        /// The block that is missing; zero for the tip.
        wanted: Hash,
        /// What is final at the sender.
        above: Height,
        /// Blocks above that which the sender has: they are not sent again.
        known: Arc<[Hash]>,
    },
    /// The chain that was asked for, ascending, or its beginning; nothing if there is nothing new.
    Blocks(Arc<Vec<Arc<S>>>),
}

impl<S: Sealed> Wire for Message<S> {
    fn bytes(&self) -> usize {
        match self {
            Message::Status { .. } => STATUS_BYTES,
            Message::Block(sealed) => sealed.bytes() + S::ANNOUNCED_BYTES,
            Message::Ask { known, .. } => HASH_BYTES + NUMBER_BYTES + known.len() * HASH_BYTES,
            Message::Blocks(blocks) => blocks.iter().map(|sealed| sealed.bytes()).sum(),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Status { .. } => "status",
            Message::Block(_) => "block",
            Message::Ask { .. } => "ask",
            Message::Blocks(_) => "blocks",
        }
    }
    fn check(&self) -> Work {
        match self {
            Message::Block(_) => Work::VERIFY,
            Message::Status { .. } | Message::Ask { .. } => Work::NONE,
            Message::Blocks(blocks) => Work::verify(blocks.len() as u32),
        }
    }
}

impl<S: Sealed> Contract for Message<S> {
    fn verify(&self, _from: NodeId, keys: &Keyring) -> bool {
        match self {
            Message::Block(sealed) => sealed.is_genuine(keys),
            Message::Status { .. } | Message::Ask { .. } => true,
            Message::Blocks(blocks) => blocks.iter().all(|sealed| sealed.is_genuine(keys)),
        }
    }
    /// A node passes on what it found valid.
    fn relay(&self) -> Relay {
        Relay::OnBroadcast
    }
    fn identity(&self) -> Option<Hash> {
        self.block().map(|block| block.id())
    }
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Message::Block(sealed) => Some(sealed.block()),
            _ => None,
        }
    }
}

/// `eth`'s Status: total difficulty, head and genesis of 32 bytes each; network, and version and fork.
const STATUS_BYTES: usize = 3 * HASH_BYTES + 2 * NUMBER_BYTES;
/// Blocks in one answer at most.
pub const ANSWER_MAX: usize = 64;
/// Names of blocks in one request at most.
pub const KNOWN_MAX: usize = 256;

/// As much of an ascending chain as one answer holds, above what the asker has of it.
pub fn answer<S: Sealed>(chain: &[Arc<S>], known: &[Hash]) -> Message<S> {
    let known: BTreeSet<&Hash> = known.iter().take(KNOWN_MAX).collect();
    let start = chain.iter().rposition(|sealed| known.contains(&sealed.block().id())).map_or(0, |last| last + 1);
    let new = chain[start..].iter().cloned();
    Message::Blocks(Arc::new(request::answer(new, ANSWER_MAX, |sealed| sealed.bytes())))
}

/// The hashes of the highest of these blocks, for a request. A node that has a block has all its ancestors.
#[must_use]
pub fn names(blocks: impl Iterator<Item = (Height, Hash)>) -> Arc<[Hash]> {
    let mut blocks: Vec<(Height, Hash)> = blocks.collect();
    blocks.sort_unstable_by(|a, b| b.cmp(a));
    blocks.into_iter().take(KNOWN_MAX).map(|(_, name)| name).collect()
}

/// The requests of one node for blocks: one is under way at a time, and a node without an answer waits longer for the next.
#[derive(Clone, Debug)]
pub struct Fetching {
    due: Time,
    wait: Backoff,
    turn: u64,
    failed: u64,
    /// Peers that reported a chain not lighter than the own, until they are asked.
    heavier: BTreeMap<NodeId, Weight>,
    /// Peers that were asked and have not answered: others are asked first.
    silent: BTreeSet<NodeId>,
}

impl Fetching {
    /// Waits `first` for the first answer.
    #[must_use]
    pub fn new(first: Duration) -> Fetching {
        Fetching {
            due: Time::ZERO,
            wait: Backoff::new(first),
            turn: 0,
            failed: 0,
            heavier: BTreeMap::new(),
            silent: BTreeSet::new(),
        }
    }
    /// Whether an answer may still come.
    #[must_use]
    pub fn is_under_way(&self, now: Time) -> bool {
        now < self.due
    }
    /// A request to a peer leaves now: how long to wait for its answer.
    pub fn begin(&mut self, now: Time, peer: NodeId) -> Duration {
        self.silent.insert(peer);
        let wait = self.wait.next_wait();
        self.due = now + wait;
        wait
    }
    /// An answer came, with or without new blocks. No part of it is still on its way, so the next request need not wait
    /// longer than the first.
    pub fn end(&mut self, now: Time, peer: NodeId, is_news: bool) {
        self.silent.remove(&peer);
        self.due = self.due.min(now);
        self.wait.reset();
        if is_news {
            self.failed = 0;
        }
    }
    /// A request brought nothing: how many have in a row.
    pub fn fail(&mut self) -> u64 {
        self.failed += 1;
        self.failed
    }
    /// What was asked for is given up.
    pub fn give_up(&mut self) {
        self.wait.reset();
        self.failed = 0;
    }
    /// A peer reported the weight of its chain, which is not less than that of the own.
    pub fn on_status(&mut self, peer: NodeId, weight: Weight) {
        self.silent.remove(&peer);
        self.heavier.insert(peer, weight);
    }
    /// The peer that reported the heaviest chain, if that is not lighter than the own. Each is asked once.
    pub fn heaviest(&mut self, own: Weight) -> Option<NodeId> {
        self.heavier.retain(|_, weight| *weight >= own);
        let peer = *self.heavier.iter().max_by_key(|(_, weight)| **weight)?.0;
        self.heavier.remove(&peer);
        Some(peer)
    }
    /// The next peer: all others have their turn, time after time, but for those that have not answered as long as others
    /// are left. None if there is no other peer.
    pub fn next_peer(&mut self, me: NodeId, committee: &Committee) -> Option<NodeId> {
        let others = (committee.n() as u64).checked_sub(1).filter(|others| *others > 0)?;
        for _ in 0..others {
            let peer = committee.in_turn(u64::from(me.0) + 1 + self.turn % others);
            self.turn += 1;
            if !self.silent.contains(&peer) {
                return Some(peer);
            }
        }
        self.silent.clear();
        self.next_peer(me, committee)
    }
}

/// Blocks without parent that a node keeps.
pub const ORPHANS_MAX: usize = 64;
/// How often a missing parent is asked for again before its children are given up.
///
/// Where the peers answer that they do not have it, that takes five times the first wait: 25 s in Clique, 75 s in Aura.
/// go-ethereum drops a block without parent when its turn comes, and forgets what was announced after 5 s (`fetchTimeout`);
/// it learns the rest of a chain from the peer's total difficulty, which only starting nodes send here. Where no
/// peer answers the waits double, up to 32 times the first each: an answer may be under way over a slow link.
pub const ASKS_MAX: u64 = 4;

/// Blocks whose parent is missing, by their hashes, each with the peer that sent it.
pub type Orphans<S> = BTreeMap<Hash, (NodeId, Arc<S>)>;

/// A node that fetches the blocks that it misses.
pub trait Fetch: Protocol<Message = Message<<Self as Fetch>::Sealed>> {
    /// Its blocks.
    type Sealed: Sealed;
    /// A peer that was asked does not answer.
    const ASK: <Self as Protocol>::Timer;

    /// Its requests, and the blocks that wait for their parents.
    fn missed(&mut self) -> (&mut Fetching, &mut Orphans<Self::Sealed>);
    /// The last block of its chain, and how much that weighs.
    fn standing(&self) -> (Hash, Weight);
    /// Whether it has a block above what is final.
    fn has(&self, block: &Hash) -> bool;
    /// What is final here.
    fn root(&self) -> Height;
    /// The names of the highest blocks above that.
    fn names(&self) -> Arc<[Hash]>;
    /// Whether a block is kept until its time comes.
    fn is_early(&self, block: &Hash) -> bool;
    /// Takes a block.
    fn on_block(&mut self, from: NodeId, sealed: Arc<Self::Sealed>, ctx: &mut Context<'_, Self>);

    /// Whether a block is not here, and could be taken.
    fn is_new(&self, sealed: &Self::Sealed) -> bool {
        let block = sealed.block();
        !self.has(&block.id()) && block.height() > self.root()
    }
    /// Keeps a block until its parent is here. Its sender has all its ancestors. This node requests the missing ones from
    /// the sender, unless a request is under way or the next ancestor is here and only waits for its time.
    fn keep_orphan(&mut self, from: NodeId, sealed: Arc<Self::Sealed>, ctx: &mut Context<'_, Self>) {
        let (id, mut wanted) = (sealed.block().id(), sealed.block().parent());
        let (fetching, orphans) = self.missed();
        if orphans.contains_key(&id) || orphans.len() >= ORPHANS_MAX {
            return;
        }
        orphans.insert(id, (from, sealed));
        while let Some((_, sealed)) = orphans.get(&wanted) {
            wanted = sealed.block().parent();
        }
        if !fetching.is_under_way(ctx.now()) && !self.is_early(&wanted) {
            self.ask(from, wanted, ctx);
        }
    }
    /// Asks a peer for the chain up to a block, zero for its tip: one request at a time.
    fn ask(&mut self, peer: NodeId, wanted: Hash, ctx: &mut Context<'_, Self>) {
        let (above, known) = (self.root(), self.names());
        ctx.send(peer, Message::Ask { wanted, above, known });
        let wait = self.missed().0.begin(ctx.now(), peer);
        ctx.set_timer(Self::ASK, wait);
    }
    /// A missing block on which those that wait for their parents stand.
    fn missing(&mut self) -> Option<Hash> {
        let orphans = self.missed().1;
        let missing = orphans.values().map(|(_, sealed)| sealed.block().parent());
        missing.filter(|parent| !orphans.contains_key(parent)).min()
    }
    /// No answer came, or none with the missing block. Asks the sender of the highest waiting block, since that peer was up
    /// lately, or else the next peer. A peer that has not answered is not asked again while others are left. After some
    /// requests the waiting blocks are given up.
    fn on_ask_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(wanted) = self.missing() else { return self.follow(ctx) };
        let (fetching, orphans) = self.missed();
        if fetching.fail() > ASKS_MAX {
            fetching.give_up();
            orphans.clear();
            return;
        }
        let me = ctx.me();
        let senders = orphans.values().filter(|(from, _)| *from != me && !fetching.silent.contains(from));
        let sender = senders.max_by_key(|(_, sealed)| sealed.block().height()).map(|(from, _)| *from);
        if let Some(peer) = sender.or_else(|| fetching.next_peer(me, ctx.committee())) {
            self.ask(peer, wanted, ctx);
        }
    }
    /// The chain stands still: asks the next peer for its own, which may be better, unless something is asked for anyway.
    fn ask_next(&mut self, ctx: &mut Context<'_, Self>) {
        if self.missing().is_some() || self.missed().0.is_under_way(ctx.now()) {
            return;
        }
        if let Some(peer) = self.missed().0.next_peer(ctx.me(), ctx.committee()) {
            self.ask(peer, Hash::ZERO, ctx);
        }
    }
    /// A node that restarts sends its head to all nodes: some may be down, and others may have started with a shorter
    /// chain.
    fn greet(&mut self, ctx: &mut Context<'_, Self>) {
        if ctx.now() > Time::ZERO {
            let (me, committee) = (ctx.me(), ctx.committee());
            committee.members().filter(|to| *to != me).for_each(|to| self.notify(to, false, ctx));
        }
    }
    /// Sends its head.
    fn notify(&self, to: NodeId, is_reply: bool, ctx: &mut Context<'_, Self>) {
        let (head, weight) = self.standing();
        ctx.send(to, Message::Status { head, weight, is_reply });
    }
    /// A peer sent its head. The peer may lack the chain of this node, or this node that of the peer.
    fn on_status(&mut self, from: NodeId, head: &Hash, weight: Weight, is_reply: bool, ctx: &mut Context<'_, Self>) {
        let (tip, own) = self.standing();
        if from == ctx.me() || tip == *head {
            return;
        }
        if !is_reply && weight <= own {
            self.notify(from, true, ctx);
        }
        if weight >= own && !self.has(head) {
            self.missed().0.on_status(from, weight);
            self.follow(ctx);
        }
    }
    /// Requests the heaviest chain from the peer that reported it, unless a request is under way.
    fn follow(&mut self, ctx: &mut Context<'_, Self>) {
        let own = self.standing().1;
        let fetching = self.missed().0;
        if !fetching.is_under_way(ctx.now())
            && let Some(peer) = fetching.heaviest(own)
        {
            self.ask(peer, Hash::ZERO, ctx);
        }
    }
    /// Takes blocks; what one answer does not hold is asked for at once, of the same peer.
    fn on_blocks(&mut self, from: NodeId, blocks: &[Arc<Self::Sealed>], ctx: &mut Context<'_, Self>) {
        let mut is_news = false;
        for sealed in blocks.iter().take(ANSWER_MAX) {
            let was_new = self.is_new(sealed);
            self.on_block(from, sealed.clone(), ctx);
            is_news |= was_new && !self.is_new(sealed);
        }
        self.missed().0.end(ctx.now(), from, is_news);
        if is_news {
            let wanted = self.missing().unwrap_or(Hash::ZERO);
            self.ask(from, wanted, ctx);
        } else {
            self.follow(ctx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_with_the_heaviest_chain_is_asked_first_and_once_and_none_with_a_lighter_one() {
        let mut fetching = Fetching::new(Duration::from_secs(1));
        for (node, weight) in [(1, (4, 0)), (2, (7, 1)), (3, (7, 0)), (4, (5, 9))] {
            fetching.on_status(NodeId(node), weight);
        }
        let order: Vec<Option<NodeId>> = (0..4).map(|_| fetching.heaviest((5, 0))).collect();
        assert_eq!(order, [Some(NodeId(2)), Some(NodeId(3)), Some(NodeId(4)), None]);
    }

    #[test]
    fn a_silent_peer_is_asked_again_only_when_no_other_is_left() {
        let committee = Committee::weighted(vec![1; 4], crate::base::FaultModel::Byzantine);
        let mut fetching = Fetching::new(Duration::from_secs(1));
        let next = |fetching: &mut Fetching| {
            let peer = fetching.next_peer(NodeId(0), &committee).unwrap();
            fetching.begin(Time::ZERO, peer);
            peer.0
        };
        assert_eq!([next(&mut fetching), next(&mut fetching)], [1, 2]);
        fetching.end(Time::ZERO, NodeId(2), false);
        assert_eq!([next(&mut fetching), next(&mut fetching)], [3, 2]);
        assert!((1..=3).contains(&next(&mut fetching)), "all are silent: it begins anew");
        assert_eq!(fetching.silent.len(), 1);
    }
}
