//! What a handler may ask, and where it puts its orders.

use super::{Effect, EffectOf, Protocol};
use crate::base::{Committee, Digest, Duration, Hash, Height, Keyring, NodeId, Signature, Stream, Time, Wire, Work};
use crate::chain::{Batch, Block, BlockIndex, BlockTree, Header, Limit, Transaction};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Why a block is not valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Invalid(pub &'static str);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The state after a block, as it is sent to a node that missed too much. A receiver checks `block` and `root`
/// against what it trusts: a certificate, or a leader.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last block whose effects the state holds.
    pub block: Arc<Block>,
    /// The root of the state.
    pub root: Hash,
    /// Bytes of the state.
    pub bytes: u64,
}

impl Snapshot {
    /// What certificates speak about.
    #[must_use]
    pub fn digest(&self) -> Hash {
        Digest::new("snapshot").hash(&self.block.id()).hash(&self.root).finish()
    }
}

/// What stands behind a [`Context`]: an engine, a rehearsal, a model checker. Everything is answered for one node at
/// one instant.
pub trait Services {
    /// This node's random stream.
    fn random(&mut self) -> &mut Stream;
    /// The keys of all nodes. A node signs only as itself, through [`Context::sign`].
    fn keys(&self) -> &Keyring;
    /// All blocks of the process. A node looks up only what it received.
    fn tree(&self) -> &BlockTree;
    /// Adds a block that this node received or made; `None` if its parent is unknown.
    fn insert_block(&mut self, block: &Arc<Block>) -> Option<BlockIndex>;
    /// Number of transactions in this node's mempool.
    fn pending(&self) -> usize;
    /// A transaction of this node's mempool.
    fn waiting(&self, id: &Hash) -> Option<Arc<Transaction>>;
    /// See [`Context::propose`] and [`Context::template`]; `paid` asks for a coinbase.
    fn propose(&mut self, parent: &Arc<Block>, after: &[Arc<Batch>], limit: Limit, paid: bool) -> Arc<Batch>;
    /// How many payments of a batch this node has not checked yet; what a node checked costs nothing again.
    fn unchecked(&self, batch: &Batch) -> u32 {
        batch.payments() as u32
    }
    /// See [`Context::validate`].
    ///
    /// # Errors
    /// Why the block is not valid.
    fn validate(&mut self, block: &Arc<Block>) -> Result<(), Invalid>;
    /// Whether all transactions of a batch are signed by their senders. Pure, computed once.
    fn is_authentic(&mut self, batch: &Arc<Batch>) -> bool;
    /// The root of the state after `block`.
    fn root(&mut self, block: &Arc<Block>) -> Hash;
    /// Bytes of the state after `block`.
    fn state_bytes(&mut self, block: &Arc<Block>) -> u64;
    /// This node's block at `height`, as performed so far.
    fn block_at(&self, height: Height) -> Option<Arc<Block>>;
    /// Height up to which this node's chain is final, as performed so far.
    fn finalized(&self) -> Height;
}

/// One handler's view of the world.
pub struct Context<'a, P: Protocol> {
    services: &'a mut dyn Services,
    effects: &'a mut Vec<EffectOf<P>>,
    committee: &'a Committee,
    now: Time,
    me: NodeId,
}

/// Questions.
impl<'a, P: Protocol> Context<'a, P> {
    /// For whatever runs nodes.
    pub fn new(
        services: &'a mut dyn Services,
        effects: &'a mut Vec<EffectOf<P>>,
        committee: &'a Committee,
        now: Time,
        me: NodeId,
    ) -> Context<'a, P> {
        Context { services, effects, committee, now, me }
    }
    /// The time by this node's clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }
    /// This node.
    #[must_use]
    pub fn me(&self) -> NodeId {
        self.me
    }
    /// The nodes that take part.
    #[must_use]
    pub fn committee(&self) -> &'a Committee {
        self.committee
    }
    /// This node's random stream.
    pub fn random(&mut self) -> &mut Stream {
        self.services.random()
    }
    /// All blocks of the process; look up only what this node received.
    #[must_use]
    pub fn tree(&self) -> &BlockTree {
        self.services.tree()
    }
    /// The keys, to check signatures inside certificates. Charge them with [`Context::spend`].
    #[must_use]
    pub fn keys(&self) -> &Keyring {
        self.services.keys()
    }
    /// Number of transactions waiting in this node's mempool.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.services.pending()
    }
    /// A transaction that waits in this node's mempool, by name.
    #[must_use]
    pub fn waiting_transaction(&self, id: &Hash) -> Option<Arc<Transaction>> {
        self.services.waiting(id)
    }
    /// The best batch from this node's mempool that is valid after `parent` and then the batches `after`, which are
    /// decided or proposed but not yet in a block. It contains no coinbase: a protocol that orders before it executes
    /// does not know the height that a coinbase would name.
    pub fn propose(&mut self, parent: &Arc<Block>, after: &[Arc<Batch>], limit: Limit) -> Arc<Batch> {
        self.services.propose(parent, after, limit, false)
    }
    /// The best batch from this node's mempool for a block right after `parent`. Starts with a coinbase that pays this
    /// node, where the ledger pays proposers.
    pub fn template(&mut self, parent: &Arc<Block>, limit: Limit) -> Arc<Batch> {
        self.services.propose(parent, &[], limit, true)
    }
    /// The last block that this node finalized before it started: genesis for a new node.
    #[must_use]
    pub fn durable(&self) -> Arc<Block> {
        self.services.block_at(self.services.finalized()).expect("a final block is kept")
    }
    /// This node's block at `height`, as performed so far.
    #[must_use]
    pub fn block_at(&self, height: Height) -> Option<Arc<Block>> {
        self.services.block_at(height)
    }
    /// Height up to which this node's chain is final, as performed so far.
    #[must_use]
    pub fn finalized(&self) -> Height {
        self.services.finalized()
    }
    /// The root of the state after `block`, which this node has executed.
    pub fn root(&mut self, block: &Arc<Block>) -> Hash {
        self.services.root(block)
    }
    /// The state after `block`, to send to a peer.
    pub fn snapshot(&mut self, block: &Arc<Block>) -> Snapshot {
        let (root, bytes) = (self.services.root(block), self.services.state_bytes(block));
        Snapshot { block: block.clone(), root, bytes }
    }
    /// Adds a received block to the tree; `None` if its parent is unknown.
    pub fn insert_block(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        self.services.insert_block(block)
    }
}

/// Questions that cost computing, which is ordered here.
impl<P: Protocol> Context<'_, P> {
    /// Signs the statement with this digest as this node.
    pub fn sign(&mut self, statement: &Hash) -> Signature {
        self.spend(Work::SIGN);
        self.services.keys().sign(self.me.0, statement)
    }
    /// Whether a block, with its parent in the tree, is valid: Merkle root, signatures, and each transaction on the
    /// state of the parent.
    ///
    /// # Errors
    /// The first rule that the block breaks.
    pub fn validate(&mut self, block: &Arc<Block>) -> Result<(), Invalid> {
        let (new, count) = (self.services.unchecked(&block.batch), block.transactions().len() as u32);
        self.spend(Work::verify(new) + Work::execute(count) + Work::hash(block.bytes() as u64));
        self.services.validate(block)
    }
    /// Whether every transaction of a batch is signed by its sender.
    pub fn is_authentic(&mut self, batch: &Arc<Batch>) -> bool {
        self.spend(Work::verify(self.services.unchecked(batch)) + Work::hash(batch.bytes() as u64));
        self.services.is_authentic(batch)
    }
    /// Executes `batch` on top of `parent` and returns the block that results, which is in the tree. Transactions
    /// that are not valid there have no effect. For protocols that order first and execute then.
    pub fn execute(&mut self, parent: &Arc<Block>, proposer: NodeId, time: Time, batch: &Arc<Batch>) -> Arc<Block> {
        self.spend(Work::execute(batch.len() as u32));
        let header = Header {
            parent: parent.id(),
            height: parent.height().next(),
            merkle: batch.digest(),
            time,
            proposer,
            seal: crate::chain::Seal::None,
        };
        let block = Block::new(header, batch.clone());
        let index = self.services.insert_block(&block).expect("the parent was executed before");
        self.services.tree().block(index).clone()
    }
}

/// Orders, performed afterwards and in order.
impl<P: Protocol> Context<'_, P> {
    /// Sends to one peer.
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        assert_ne!(to, self.me, "a node does not send to itself");
        self.effects.push(Effect::Send { to, message });
    }
    /// Sends to all other nodes.
    pub fn broadcast(&mut self, message: P::Message) {
        self.effects.push(Effect::Broadcast { message });
    }
    /// Sets (or sets again) a timer, by the local clock.
    pub fn set_timer(&mut self, timer: P::Timer, after: Duration) {
        self.effects.push(Effect::SetTimer { timer, after });
    }
    /// Stops a timer; nothing if it is not set.
    pub fn cancel_timer(&mut self, timer: P::Timer) {
        self.effects.push(Effect::CancelTimer { timer });
    }
    /// Writes a record; everything ordered later waits until it is durable.
    pub fn persist(&mut self, record: P::Record) {
        self.effects.push(Effect::Persist { record });
    }
    /// Computes for a while; everything ordered later waits.
    pub fn spend(&mut self, work: Work) {
        if work != Work::NONE {
            self.effects.push(Effect::Spend { work });
        }
    }
    /// Appends a block to this node's chain.
    pub fn extend(&mut self, block: Arc<Block>) {
        self.effects.push(Effect::Extend { block });
    }
    /// Cuts this node's chain back to a height.
    pub fn rewind(&mut self, to: Height) {
        self.effects.push(Effect::Rewind { to });
    }
    /// Declares this node's chain final up to a height.
    pub fn finalize(&mut self, upto: Height) {
        self.effects.push(Effect::Finalize { upto });
    }
    /// Replaces this node's chain by a received and checked snapshot.
    pub fn install(&mut self, snapshot: Snapshot) {
        self.effects.push(Effect::Install { snapshot });
    }
    /// Notes something worth counting.
    pub fn note(&mut self, label: &'static str, value: u64) {
        self.effects.push(Effect::Note { label, value });
    }
    /// Number of effects ordered so far in this handler, for wrappers that rewrite them.
    #[must_use]
    pub fn effects_mut(&mut self) -> &mut Vec<EffectOf<P>> {
        self.effects
    }
    /// The price of a message, for wrappers.
    #[must_use]
    pub fn price(message: &P::Message) -> Work {
        message.check()
    }
}
