//! Nakamoto consensus: proof of work, the heaviest chain, and confirmations.
//!
//! Source: S. Nakamoto, *Bitcoin: A Peer-to-Peer Electronic Cash System* (2008), sections 4, 5 and 11, in the detail
//! that Bitcoin Core gives it: compact targets, adjustment every 2016 blocks, median time past, headers-first
//! synchronisation (Core 0.10). Attacks: I. Eyal and E. G. Sirer, *Majority is not Enough* (2014), K. Nayak et al.,
//! *Stubborn Mining* (2016). GHOST: Y. Sompolinsky and A. Zohar (2015).
//!
//! **Model.** Messages arrive within a time much shorter than the spacing of blocks, most of the time; less than half
//! of the hash power is faulty, in any way. A node's hash power is its weight in the committee; a node of weight zero
//! validates and relays. Safety and finality are probabilistic: a block is called final when `k` blocks follow it.
//!
//! ```text
//!  miner            peer                      a node that missed blocks           peer
//!    | finds a block  |                              |<------- Block ---------------| parent unknown
//!    |---- Block ---->| validates, adopts            |-------- GetHeaders --------->| locator of known blocks
//!    |                |---- Block ----> ...          |<------- Headers -------------| at most 2000
//!    | mines on       | mines on                     |-------- GetBlocks ---------->| 16 in flight
//!    v                v                              |<------- Block ... -----------|
//! ```
//!
//! **Simplified.** How a block travels (announcement, request, compact form) is the business of gossip. Blocks are
//! validated when they arrive, not when their branch becomes the best. One peer at a time serves a node that
//! catches up, and it fetches one batch of headers at a time. A block is written to the log after it is passed on: no
//! vote depends on it, and a finder that crashes in between gets it back from the others. Under simulated mining the
//! target is virtual: a nonce is ground against the easiest target only, so every miner, attackers included,
//! must be trusted to wait the exponential time; a flood of cheap headers is bounded by their number, not by work.
//!
//! **Glossary.** *Tip*: last block of the best chain. *Stale block*: valid, but not on the best chain. *Fork point*:
//! last common block of two chains. *Reorganisation*: change to a chain that does not extend the tip. *Locator*: names
//! of blocks along a chain, ever sparser towards genesis. *Orphan*: block whose parent is unknown.

mod config;
pub mod difficulty;
pub mod finality;
mod mining;
mod selfish;
mod sync;
#[cfg(test)]
mod tests;

pub use config::{Config, ForkChoice, Mining};

use crate::base::wire::HASH_BYTES;
use crate::base::{Committee, FaultModel, Hash, Height, Keyring, NodeId, Wire, Work};
use crate::chain::{Block, BlockIndex, BlockTree, Header};
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, Record as Recorded, Relay};
use difficulty::{Branch, HeaderFault, Rules, U256, is_sealed, work_of};
use mining::Miner;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeSet;
use std::sync::Arc;
use sync::{Download, Orphan};

/// Most headers in one message (Bitcoin's `MAX_HEADERS_RESULTS`).
pub const HEADERS_MAX: usize = 2_000;
/// Most names in a locator (Bitcoin's `MAX_LOCATOR_SZ`).
pub const LOCATOR_MAX: usize = 101;
/// Most bodies requested of one peer and not here yet (Bitcoin's `MAX_BLOCKS_IN_TRANSIT_PER_PEER`).
pub const IN_FLIGHT_MAX: usize = 16;
/// Names of invalid blocks that a node remembers.
const INVALID_MAX: usize = 1_000;
/// Final blocks between checkpoints of the log: about a day of Bitcoin.
const CHECKPOINT_EVERY: u64 = 144;

/// What nodes say to each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Message {
    /// A block, new or asked for.
    Block(Arc<Block>),
    /// "What follows the first of these that you have?"
    GetHeaders {
        /// Names of blocks of the sender's best chain, highest first, ever sparser.
        locator: Arc<[Hash]>,
    },
    /// What follows, in ascending order.
    Headers {
        /// At most 2,000.
        headers: Arc<[Header]>,
    },
    /// "Send me these blocks" (getdata).
    GetBlocks {
        /// Their names.
        ids: Arc<[Hash]>,
    },
}

impl Wire for Message {
    fn bytes(&self) -> usize {
        /// Bitcoin's message header: magic, command, length, checksum.
        const ENVELOPE: usize = 24;
        let payload = match self {
            Message::Block(block) => block.bytes(),
            // Version, count, names, stop.
            Message::GetHeaders { locator } => 4 + 1 + HASH_BYTES * (locator.len() + 1),
            // Each header is followed by a count of transactions, zero.
            Message::Headers { headers } => 3 + headers.len() * (Header::WORK_BYTES + 1),
            // Each name is preceded by its type.
            Message::GetBlocks { ids } => 1 + ids.len() * (4 + HASH_BYTES),
        };
        ENVELOPE + payload
    }
    fn kind(&self) -> &'static str {
        match self {
            Message::Block(_) => "block",
            Message::GetHeaders { .. } => "getheaders",
            Message::Headers { .. } => "headers",
            Message::GetBlocks { .. } => "getdata",
        }
    }
    fn check(&self) -> Work {
        let headers = match self {
            Message::Block(_) => 1,
            Message::Headers { headers } => headers.len(),
            Message::GetHeaders { .. } | Message::GetBlocks { .. } => 0,
        };
        Work::hash((2 * Header::WORK_BYTES * headers) as u64)
    }
}

impl crate::protocol::Message for Message {
    fn verify(&self, _from: NodeId, _keys: &Keyring) -> bool {
        match self {
            Message::Block(block) => is_sealed(&block.header, &block.id()),
            Message::GetHeaders { locator } => locator.len() <= LOCATOR_MAX,
            Message::Headers { headers } => {
                headers.len() <= HEADERS_MAX && headers.iter().all(|header| is_sealed(header, &header.id()))
            }
            Message::GetBlocks { ids } => ids.len() <= IN_FLIGHT_MAX,
        }
    }
    fn relay(&self) -> Relay {
        Relay::OnBroadcast
    }
    fn identity(&self) -> Option<Hash> {
        self.block().map(|block| block.id())
    }
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Message::Block(block) => Some(block),
            _ => None,
        }
    }
}

/// A node's alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// A block is found, or a slice of grinding is over.
    Mine,
    /// The peer that should send headers or blocks is late.
    Stalled,
}

/// What a node writes to its log.
#[derive(Clone, Debug)]
pub enum Record {
    /// A valid block, in order of arrival.
    Block(Arc<Block>),
    /// Everything above the last final block that still matters, the best chain first. Stands for all before it.
    Checkpoint(Arc<[Arc<Block>]>),
}

impl Wire for Record {
    fn bytes(&self) -> usize {
        match self {
            Record::Block(block) => block.bytes(),
            // Bodies stay where they were written; a checkpoint is a new index of them.
            Record::Checkpoint(blocks) => HASH_BYTES * (1 + blocks.len()),
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Record::Block(_) => "block",
            Record::Checkpoint(_) => "checkpoint",
        }
    }
}

impl Recorded for Record {
    fn is_checkpoint(&self) -> bool {
        matches!(self, Record::Checkpoint(_))
    }
}

/// A set of blocks by number: one bit each.
#[derive(Clone, Debug, Default)]
struct Known(SmallVec<[u64; 2]>);

impl Known {
    fn contains(&self, index: BlockIndex) -> bool {
        self.0.get(index.index() / 64).is_some_and(|word| word >> (index.index() % 64) & 1 != 0)
    }
    fn insert(&mut self, index: BlockIndex) {
        let word = index.index() / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (index.index() % 64);
    }
}

/// One node's memory.
#[derive(Clone, Debug)]
pub struct Nakamoto {
    config: Arc<Config>,
    /// The same for the whole run.
    rules: Rules,
    /// Blocks that must follow a final block.
    depth: u64,
    /// Valid blocks that this node received or made. Holds the parent of each member.
    known: Known,
    /// Last block of the best chain of `known`.
    tip: BlockIndex,
    /// Up to where the chain was declared final. Never falls.
    finalized: Height,
    /// The height of the last checkpoint of the log.
    checkpoint: Height,
    /// Names of blocks that are invalid whatever body comes with them. Bounded.
    invalid: BTreeSet<Hash>,
    /// Blocks whose parent is unknown. Bounded.
    orphans: Vec<Orphan>,
    /// The chain that is being fetched, if any.
    download: Option<Box<Download>>,
    miner: Miner,
}

/// Why a block is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    /// Its parent is unknown.
    Unconnected,
    /// It breaks a rule, and so do its descendants.
    Invalid,
    /// Not what its name stands for, or too early: says nothing about another copy.
    Refused,
}

impl Protocol for Nakamoto {
    const NAME: &'static str = "nakamoto";
    const SUMMARY: &'static str = "proof of work; under half of the hash power faulty; final after k confirmations";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = selfish::ATTACKS;

    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, _nodes: usize) -> Result<(), InvalidSetting> {
        config.check()
    }
    /// Most of the power: there are no votes to count.
    fn decisive(committee: &Committee) -> u64 {
        committee.majority()
    }
    fn proposes(_config: &Config, committee: &Committee, node: NodeId) -> bool {
        committee.weight(node) > 0
    }
    fn mining_watts(config: &Config, weight: u64) -> Option<f64> {
        config.mining_watts(weight)
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Nakamoto {
        let mut node = Nakamoto::new(config, ctx);
        node.recover(log, ctx);
        node.mine(ctx);
        node
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Block(block) => self.on_block(from, block, ctx),
            Message::GetHeaders { locator } => self.on_get_headers(from, &locator, ctx),
            Message::Headers { headers } => self.on_headers(from, &headers, ctx),
            Message::GetBlocks { ids } => self.on_get_blocks(from, &ids, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Mine => self.on_mined(ctx),
            Timer::Stalled => self.on_stalled(ctx),
        }
    }
    fn attacker(
        name: &str,
        config: &Arc<Config>,
        log: &[Record],
        ctx: &mut Context<'_, Self>,
    ) -> Option<Box<dyn Attacker<Self>>> {
        selfish::attacker(name, config, log, ctx)
    }
}

/// Looking.
impl Nakamoto {
    /// Last block of the best chain.
    #[must_use]
    pub fn tip(&self) -> BlockIndex {
        self.tip
    }
    /// What the scenario set.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
    /// The rules of headers.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }
    /// The number of the block named `id`, if this node holds it.
    fn find(&self, id: &Hash, tree: &BlockTree) -> Option<BlockIndex> {
        tree.find(id).filter(|index| self.known.contains(*index))
    }
}

/// Starting.
impl Nakamoto {
    /// A node that knows what was final before it started.
    fn new(config: &Arc<Config>, ctx: &mut Context<'_, Self>) -> Nakamoto {
        let durable = ctx.durable();
        let tip = ctx.tree().find(&durable.id()).expect("a final block is in the tree");
        let rate = ctx.committee().weight(ctx.me()) as f64 * config.hash_rate as f64;
        let mut known = Known::default();
        let mut at = tip;
        while at != BlockIndex::GENESIS {
            known.insert(at);
            at = ctx.tree().parent(at);
        }
        known.insert(BlockIndex::GENESIS);
        Nakamoto {
            config: config.clone(),
            rules: Rules::new(config, ctx.committee()),
            depth: config.finality.depth(),
            known,
            tip,
            finalized: durable.height(),
            checkpoint: durable.height(),
            invalid: BTreeSet::new(),
            orphans: Vec::new(),
            download: None,
            miner: Miner::new(rate),
        }
    }
    /// Takes the blocks of the log in the order in which they came, and asks what it missed meanwhile.
    fn recover(&mut self, log: &[Record], ctx: &mut Context<'_, Self>) {
        let durable = self.tip;
        for record in log {
            let blocks = match record {
                Record::Block(block) => std::slice::from_ref(block),
                Record::Checkpoint(blocks) => blocks,
            };
            for block in blocks {
                if self.find(&block.parent(), ctx.tree()).is_some() {
                    let index = self.store(block, ctx);
                    self.tip = self.preferred(index, ctx.tree());
                }
            }
        }
        self.move_chain(durable, ctx);
        if self.tip != BlockIndex::GENESIS && ctx.committee().n() > 1 {
            let peer = sync::random_peer(ctx);
            self.begin_download(peer, ctx);
        }
    }
}

/// Section 5, steps 4 and 5: nodes accept a block only if it is valid, and work on the next one.
impl Nakamoto {
    fn on_block(&mut self, from: NodeId, block: Arc<Block>, ctx: &mut Context<'_, Self>) {
        let id = block.id();
        if self.invalid.contains(&id) || self.find(&id, ctx.tree()).is_some() {
            return;
        }
        if self.is_asked_for(from, &id) {
            self.on_body(block, ctx);
            return;
        }
        match self.accept(&block, true, ctx) {
            Ok(()) => {
                self.adopt_orphans(ctx);
                self.resume(ctx);
            }
            Err(Fault::Unconnected) => self.park(from, block, ctx),
            Err(Fault::Invalid | Fault::Refused) => {}
        }
    }
    /// Judges a block, keeps it, and follows it if its chain is the best; passes it on if `relay`.
    fn accept(&mut self, block: &Arc<Block>, relay: bool, ctx: &mut Context<'_, Self>) -> Result<(), Fault> {
        if let Err(fault) = self.judge(block, ctx) {
            if fault == Fault::Invalid {
                self.remember_invalid(block.id());
            }
            return Err(fault);
        }
        self.connect(block, relay, ctx);
        Ok(())
    }
    /// Whether a block obeys all rules, its parent's branch being known and valid.
    fn judge(&self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) -> Result<(), Fault> {
        if self.invalid.contains(&block.parent()) {
            return Err(Fault::Invalid);
        }
        let is_next = block.parent() == ctx.tree().block(self.tip).id();
        let parent = if is_next { Some(self.tip) } else { self.find(&block.parent(), ctx.tree()) };
        let parent = parent.ok_or(Fault::Unconnected)?;
        // The name commits to neither height nor proposer, so a wrong height is a mutation.
        if block.height() != ctx.tree().height(parent).next() {
            return Err(Fault::Refused);
        }
        let branch = Branch::new(ctx.tree(), parent, &[]);
        match self.rules.check(&branch, &block.header, &block.id(), ctx.now()) {
            Err(HeaderFault::Invalid(_)) => return Err(Fault::Invalid),
            Err(HeaderFault::Early) => return Err(Fault::Refused),
            Ok(()) => {}
        }
        if self.config.block_limit.admits(&block.batch) && ctx.validate(block).is_ok() {
            return Ok(());
        }
        // CVE-2012-2459: a body that is not the one its header commits to must not condemn the header.
        Err(if block.is_whole() { Fault::Invalid } else { Fault::Refused })
    }
    fn remember_invalid(&mut self, id: Hash) {
        if self.invalid.len() >= INVALID_MAX {
            self.invalid.pop_first();
        }
        self.invalid.insert(id);
    }
    /// Keeps a valid block and follows it if its chain is the best.
    fn connect(&mut self, block: &Arc<Block>, relay: bool, ctx: &mut Context<'_, Self>) {
        let index = self.store(block, ctx);
        let (old, new) = (self.tip, self.preferred(index, ctx.tree()));
        // As in Bitcoin, a block off the best chain is kept but not passed on; GHOST needs it everywhere.
        if relay && (new != old || self.config.fork_choice == ForkChoice::Ghost) {
            ctx.broadcast(Message::Block(block.clone()));
        }
        if new != old {
            self.tip = new;
            self.move_chain(old, ctx);
            self.mine(ctx);
        }
        ctx.persist(Record::Block(block.clone()));
        self.finalize(ctx);
    }
    /// Keeps a valid block whose parent is known.
    fn store(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) -> BlockIndex {
        let index = ctx.insert_block(block).expect("the parent is known and one lower");
        self.known.insert(index);
        index
    }
    /// The best tip now that `new` is known: the old one unless `new` makes another chain strictly better.
    fn preferred(&self, new: BlockIndex, tree: &BlockTree) -> BlockIndex {
        if tree.parent(new) == self.tip {
            return new;
        }
        match self.config.fork_choice {
            ForkChoice::MostWork if self.rules.is_heavier(tree, new, self.tip) => new,
            ForkChoice::MostWork => self.tip,
            ForkChoice::Ghost => self.ghost(new, tree),
        }
    }
    /// Moves this node's chain from `old` to the tip.
    fn move_chain(&self, old: BlockIndex, ctx: &mut Context<'_, Self>) {
        if self.tip != old && ctx.tree().parent(self.tip) == old {
            let block = ctx.tree().block(self.tip).clone();
            ctx.extend(block);
            return;
        }
        let fork = ctx.tree().fork_point(old, self.tip);
        if fork != old {
            ctx.rewind(ctx.tree().height(fork));
        }
        for index in ctx.tree().path(fork, self.tip) {
            let block = ctx.tree().block(index).clone();
            ctx.extend(block);
        }
    }
    /// Section 11: what lies deep enough under the tip is final. Once in a while the log starts anew from there.
    fn finalize(&mut self, ctx: &mut Context<'_, Self>) {
        let upto = Height(ctx.tree().height(self.tip).0.saturating_sub(self.depth));
        if upto <= self.finalized {
            return;
        }
        self.finalized = upto;
        if upto.0 >= self.checkpoint.0 + CHECKPOINT_EVERY {
            self.checkpoint = upto;
            ctx.persist(Record::Checkpoint(self.unfinal(ctx.tree())));
        }
        ctx.finalize(upto);
    }
    /// The known blocks that descend from the last final one: those of the best chain, then the others.
    fn unfinal(&self, tree: &BlockTree) -> Arc<[Arc<Block>]> {
        let root = tree.ancestor(self.tip, self.finalized);
        let best = tree.path(root, self.tip);
        let others = (root.0 + 1..tree.len() as u32).map(BlockIndex).filter(|index| {
            self.known.contains(*index) && tree.is_ancestor(root, *index) && !tree.is_ancestor(*index, self.tip)
        });
        best.iter().copied().chain(others).map(|index| tree.block(index).clone()).collect()
    }
}

/// Sompolinsky and Zohar 2015, algorithm 1.
impl Nakamoto {
    /// The tip by GHOST now that `new`, which does not extend the tip, is known. A block adds weight to its ancestors
    /// alone, so the choice can change at one place only: where the way to it leaves the best chain.
    fn ghost(&self, new: BlockIndex, tree: &BlockTree) -> BlockIndex {
        let fork = tree.fork_point(new, self.tip);
        let height = tree.height(fork).next();
        let (challenger, incumbent) = (tree.ancestor(new, height), tree.ancestor(self.tip, height));
        if self.subtree_work(challenger, tree) <= self.subtree_work(incumbent, tree) {
            return self.tip;
        }
        let mut at = challenger;
        while let Some(next) = self.heaviest_child(at, tree) {
            at = next;
        }
        at
    }
    /// The known descendants of `root`, itself included, parents first.
    fn subtree(&self, root: BlockIndex, tree: &BlockTree) -> impl Iterator<Item = BlockIndex> {
        (root.0..tree.len() as u32)
            .map(BlockIndex)
            .filter(move |index| self.known.contains(*index) && tree.is_ancestor(root, *index))
    }
    fn subtree_work(&self, root: BlockIndex, tree: &BlockTree) -> U256 {
        self.subtree(root, tree).fold(U256::ZERO, |sum, index| sum.saturating_add(work_of(&tree.block(index).header)))
    }
    /// Ties off the best chain go to the block that was published first anywhere; its own order of arrival a node
    /// remembers for the best chain only.
    fn heaviest_child(&self, parent: BlockIndex, tree: &BlockTree) -> Option<BlockIndex> {
        let children = self.subtree(parent, tree).filter(|index| *index != parent && tree.parent(*index) == parent);
        children.fold(None, |best: Option<BlockIndex>, child| match best {
            Some(best) if self.subtree_work(child, tree) <= self.subtree_work(best, tree) => Some(best),
            _ => Some(child),
        })
    }
}

/// Section 4: proof of work.
impl Nakamoto {
    /// Starts to mine on the tip.
    fn mine(&mut self, ctx: &mut Context<'_, Self>) {
        let mut miner = std::mem::take(&mut self.miner);
        miner.restart(self, self.tip, ctx);
        self.miner = miner;
    }
    fn on_mined(&mut self, ctx: &mut Context<'_, Self>) {
        let mut miner = std::mem::take(&mut self.miner);
        let found = miner.fire(self, self.tip, ctx);
        self.miner = miner;
        match found {
            Some(block) => self.connect(&block, true, ctx),
            None => self.mine(ctx),
        }
    }
}
