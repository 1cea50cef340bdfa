//! A stage without engine: nodes, messages under way, timers and logs.
//!
//! A [`TestCluster`] runs a protocol with every message taking the same time, or moved by hand: deliver this, drop that,
//! fire a timer, crash a node between two effects. Disks and processors cost nothing. It serves unit tests, traces
//! that a person can argue with, and model checking; measuring is the engine's business.

use super::{Attacker, Context, Effect, EffectOf, Invalid, Protocol, Services, Snapshot};
use crate::base::{AccountId, Committee, Crypto, Digest, Duration, Hash, Height, Keyring, NodeId, Stream, Time, Wire};
use crate::chain::{Batch, Block, BlockIndex, BlockTree, Body, Limit, Transaction};
use crate::protocol::Message;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// Accounts that exist on stage.
const ACCOUNTS: usize = 64;

/// A message under way.
#[derive(Clone, Debug)]
pub struct Flight<M> {
    /// Its sender.
    pub from: NodeId,
    /// Its receiver.
    pub to: NodeId,
    /// When it arrives, unless the test moves it.
    pub at: Time,
    /// What it is.
    pub message: M,
}

#[derive(Debug)]
enum NodeLogic<P: Protocol> {
    Honest(P),
    Attacker(Box<dyn Attacker<P>>),
}

/// What a node has besides its own memory.
struct NodeState {
    random: Stream,
    pool: Vec<Arc<Transaction>>,
    chain: Vec<Arc<Block>>,
    finalized: Height,
}

struct TestNode<P: Protocol> {
    logic: Option<NodeLogic<P>>,
    attack: Option<String>,
    log: Vec<P::Record>,
    timers: BTreeMap<P::Timer, (Time, u64)>,
    own: NodeState,
    notes: Vec<(&'static str, u64)>,
    /// Effects that will still be performed before the node crashes.
    effects_until_crash: Option<u32>,
}

/// Nodes on a stage.
pub struct TestCluster<P: Protocol> {
    config: Arc<P::Config>,
    committee: Committee,
    shared: Shared,
    nodes: Vec<TestNode<P>>,
    flights: Vec<(u64, Flight<P::Message>)>,
    delay: Duration,
    now: Time,
    number: u64,
    cut: Vec<(NodeId, NodeId)>,
    delivered: BTreeMap<&'static str, u64>,
}

struct Shared {
    keys: Keyring,
    accounts: Keyring,
    tree: BlockTree,
}

struct Stage<'a> {
    own: &'a mut NodeState,
    shared: &'a mut Shared,
}

impl Stage<'_> {
    fn is_in_chain_of(&self, transaction: &Hash, block: &Arc<Block>) -> bool {
        let mut at = self.shared.tree.find(&block.id());
        while let Some(index) = at.filter(|index| *index != BlockIndex::GENESIS) {
            if self.shared.tree.block(index).transactions().iter().any(|t| t.id() == *transaction) {
                return true;
            }
            at = Some(self.shared.tree.parent(index));
        }
        false
    }
}

impl Services for Stage<'_> {
    fn random(&mut self) -> &mut Stream {
        &mut self.own.random
    }
    fn keys(&self) -> &Keyring {
        &self.shared.keys
    }
    fn tree(&self) -> &BlockTree {
        &self.shared.tree
    }
    fn insert_block(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        self.shared.tree.insert(block)
    }
    fn pending(&self) -> usize {
        self.own.pool.len()
    }
    fn waiting(&self, id: &Hash) -> Option<Arc<Transaction>> {
        self.own.pool.iter().find(|transaction| transaction.id() == *id).cloned()
    }
    fn propose(&mut self, parent: &Arc<Block>, after: &[Arc<Batch>], limit: Limit, _paid: bool) -> Arc<Batch> {
        let mut room = limit.bytes;
        let chosen: Vec<Arc<Transaction>> = (self.own.pool.iter())
            .filter(|t| !self.is_in_chain_of(&t.id(), parent))
            .filter(|t| !after.iter().any(|batch| batch.transactions().iter().any(|known| known.id() == t.id())))
            .take_while(|t| {
                let fits = t.bytes() as u64 <= room;
                room = room.saturating_sub(t.bytes() as u64);
                fits
            })
            .take(limit.transactions as usize)
            .cloned()
            .collect();
        Batch::new(chosen)
    }
    fn validate(&mut self, block: &Arc<Block>) -> Result<(), Invalid> {
        let parent = self.shared.tree.find(&block.parent()).ok_or(Invalid("unknown parent"))?;
        let parent = self.shared.tree.block(parent).clone();
        let ids: Vec<Hash> = block.transactions().iter().map(|t| t.id()).collect();
        if block.batch.digest() != block.header.merkle {
            return Err(Invalid("the Merkle root does not match the transactions"));
        }
        if block.batch.is_ambiguous() {
            return Err(Invalid("the Merkle tree repeats a pair"));
        }
        if !self.is_authentic(&block.batch) {
            return Err(Invalid("a transaction is not signed by its sender"));
        }
        for (at, id) in ids.iter().enumerate() {
            if ids[..at].contains(id) || self.is_in_chain_of(id, &parent) {
                return Err(Invalid("a transaction is repeated"));
            }
        }
        Ok(())
    }
    fn is_authentic(&mut self, batch: &Arc<Batch>) -> bool {
        batch.transactions().iter().all(|t| t.is_signed(&self.shared.accounts))
    }
    fn root(&mut self, block: &Arc<Block>) -> Hash {
        Digest::new("state on stage").hash(&block.id()).finish()
    }
    fn state_bytes(&mut self, _block: &Arc<Block>) -> u64 {
        1_000
    }
    fn block_at(&self, height: Height) -> Option<Arc<Block>> {
        self.own.chain.get(height.0 as usize).cloned()
    }
    fn finalized(&self) -> Height {
        self.own.finalized
    }
}

/// Setting the stage.
impl<P: Protocol> TestCluster<P> {
    /// `n` nodes with symbolic signatures and messages that take 1 ms, booted at time zero.
    #[must_use]
    pub fn new(n: usize, config: P::Config) -> TestCluster<P> {
        let mut stage = TestCluster::empty(n, config);
        (0..n).for_each(|node| stage.boot(node));
        stage
    }
    /// The same, not booted yet.
    #[must_use]
    pub fn empty(n: usize, config: P::Config) -> TestCluster<P> {
        let tree = BlockTree::new();
        let genesis = tree.block(BlockIndex::GENESIS).clone();
        let seat = |node: usize| TestNode {
            logic: None,
            attack: None,
            log: Vec::new(),
            timers: BTreeMap::new(),
            own: NodeState {
                random: Stream::new(1, "rehearsal", node as u64, 0),
                pool: Vec::new(),
                chain: vec![genesis.clone()],
                finalized: Height::GENESIS,
            },
            notes: Vec::new(),
            effects_until_crash: None,
        };
        let committee = P::committee(&config, vec![1; n]);
        let keys = Keyring::new(Crypto::Symbolic, 1, "node", n);
        let accounts = Keyring::new(Crypto::Symbolic, 1, "account", ACCOUNTS);
        TestCluster {
            config: Arc::new(config),
            committee,
            shared: Shared { keys, accounts, tree },
            nodes: (0..n).map(seat).collect(),
            flights: Vec::new(),
            delay: Duration::from_millis(1),
            now: Time::ZERO,
            number: 0,
            cut: Vec::new(),
            delivered: BTreeMap::new(),
        }
    }
    /// Makes every message sent from now on take this long.
    pub fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }
    /// Gives the nodes other weights; before any has booted.
    ///
    /// # Panics
    /// If it is not a committee of as many nodes.
    pub fn set_committee(&mut self, committee: Committee) {
        assert_eq!(committee.n(), self.nodes.len(), "a committee of all nodes");
        self.committee = committee;
    }
    /// Accepts every message that names one of the nodes `byzantine` as its signer as signed by that node, and every
    /// transaction as signed by the sender that it names: see [`Keyring::believing`]. Byzantine nodes have accounts too.
    pub fn believe(&mut self, byzantine: &[usize]) {
        let believed = byzantine.iter().map(|node| NodeId::from(*node).0);
        self.shared.keys = Keyring::new(Crypto::Symbolic, 1, "node", self.nodes.len()).believing(believed);
        self.shared.accounts = Keyring::new(Crypto::Symbolic, 1, "account", ACCOUNTS)
            .believing((0..ACCOUNTS).map(|a| AccountId::from(a).0));
    }
    /// Makes a node that has not booted yet play an attack of the protocol.
    pub fn set_attack(&mut self, node: usize, name: &str) {
        self.nodes[node].attack = Some(name.to_owned());
    }
    /// A payment from account `from`, numbered `nonce`; the same arguments make the same transaction.
    #[must_use]
    pub fn transaction(&self, from: u32, nonce: u64) -> Arc<Transaction> {
        let body = Body::Transfer { to: AccountId(0), amount: 1 };
        Transaction::signed(&self.shared.accounts, AccountId(from), nonce, 1, body, 250)
    }
}

/// Moving by hand.
impl<P: Protocol> TestCluster<P> {
    /// Starts a node, for the first time or again.
    pub fn boot(&mut self, node: usize) {
        let id = NodeId::from(node);
        let log = self.nodes[node].log.clone();
        let attack = self.nodes[node].attack.clone();
        self.nodes[node].own.random = Stream::new(1, "rehearsal", node as u64, self.number);
        let (config, now) = (self.config.clone(), self.now);
        let mut effects = Vec::new();
        let mut stage = Stage { own: &mut self.nodes[node].own, shared: &mut self.shared };
        let mut ctx = Context::new(&mut stage, &mut effects, &self.committee, now, id);
        let logic = match attack {
            None => NodeLogic::Honest(P::boot(&config, &log, &mut ctx)),
            Some(name) => NodeLogic::Attacker(P::attacker(&name, &config, &log, &mut ctx).expect("a known attack")),
        };
        self.nodes[node].logic = Some(logic);
        self.perform(node, effects);
    }
    /// Stops a node: its memory, timers and unfinal chain are gone, its log stays.
    pub fn crash(&mut self, node: usize) {
        let seat = &mut self.nodes[node];
        seat.logic = None;
        seat.timers.clear();
        seat.effects_until_crash = None;
        let kept = seat.own.finalized.0 as usize + 1;
        seat.own.chain.truncate(kept);
        seat.own.pool.clear();
    }
    /// Whether a node is running.
    #[must_use]
    pub fn is_up(&self, node: usize) -> bool {
        self.nodes[node].logic.is_some()
    }
    /// Crashes a node after it has performed `effects` more effects.
    pub fn crash_after_effects(&mut self, node: usize, effects: u32) {
        self.nodes[node].effects_until_crash = Some(effects);
    }
    /// Loses the last `records` of a node's log: amnesia.
    pub fn forget(&mut self, node: usize, records: usize) {
        let log = &mut self.nodes[node].log;
        log.truncate(log.len().saturating_sub(records));
    }
    /// Hands a transaction to one node's mempool.
    pub fn submit(&mut self, node: usize, transaction: &Arc<Transaction>) {
        let own = &mut self.nodes[node].own;
        if own.pool.iter().all(|known| known.id() != transaction.id()) {
            own.pool.push(transaction.clone());
            self.handle(node, |logic, ctx| match logic {
                NodeLogic::Honest(node) => node.on_transaction(ctx),
                NodeLogic::Attacker(node) => node.on_transaction(ctx),
            });
        }
    }
    /// Hands a transaction to every node.
    pub fn submit_to_all(&mut self, transaction: &Arc<Transaction>) {
        (0..self.nodes.len()).for_each(|node| self.submit(node, transaction));
    }
    /// Puts a message in flight that no protocol instance sent, as a Byzantine node would.
    pub fn inject(&mut self, from: usize, to: usize, message: P::Message) {
        self.post(NodeId::from(from), NodeId::from(to), message);
    }
    /// Loses every message from `from` to `to` sent from now on.
    pub fn cut(&mut self, from: usize, to: usize) {
        self.cut.push((NodeId::from(from), NodeId::from(to)));
    }
    /// Cuts every link between the two groups, both ways.
    pub fn partition(&mut self, one: &[usize], other: &[usize]) {
        for &a in one {
            for &b in other {
                self.cut(a, b);
                self.cut(b, a);
            }
        }
    }
    /// Mends all links.
    pub fn heal(&mut self) {
        self.cut.clear();
    }
    /// The messages under way, in the order in which they were sent.
    pub fn flights(&self) -> impl Iterator<Item = &Flight<P::Message>> {
        self.flights.iter().map(|(_, flight)| flight)
    }
    /// Loses the messages under way that `which` picks; how many.
    pub fn lose(&mut self, mut which: impl FnMut(&Flight<P::Message>) -> bool) -> usize {
        let before = self.flights.len();
        self.flights.retain(|(_, flight)| !which(flight));
        before - self.flights.len()
    }
    /// Delivers, in order of sending, the messages now under way that `which` picks; how many.
    pub fn deliver(&mut self, mut which: impl FnMut(&Flight<P::Message>) -> bool) -> usize {
        let (picked, kept) = std::mem::take(&mut self.flights).into_iter().partition(|(_, flight)| which(flight));
        self.flights = kept;
        let picked: Vec<(u64, Flight<P::Message>)> = picked;
        let count = picked.len();
        picked.into_iter().for_each(|(_, flight)| self.arrive(flight));
        count
    }
    /// Fires a timer now; whether it was set.
    pub fn fire(&mut self, node: usize, timer: P::Timer) -> bool {
        let was_set = self.nodes[node].timers.remove(&timer).is_some();
        if was_set {
            self.handle(node, |logic, ctx| match logic {
                NodeLogic::Honest(node) => node.on_timer(timer, ctx),
                NodeLogic::Attacker(node) => node.on_timer(timer, ctx),
            });
        }
        was_set
    }
}

/// Running by the clock.
impl<P: Protocol> TestCluster<P> {
    /// Runs everything that is due up to and including `until`, in order of time.
    pub fn run_until(&mut self, until: Time) {
        while let Some((at, _)) = self.due().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.step();
        }
        self.now = self.now.max(until);
    }
    /// Runs for a while.
    pub fn run(&mut self, span: Duration) {
        self.run_until(self.now + span);
    }
    /// Runs until `reached` holds or `limit` has passed; whether it holds.
    pub fn run_while(&mut self, limit: Duration, mut going: impl FnMut(&TestCluster<P>) -> bool) -> bool {
        let end = self.now + limit;
        while going(self) {
            match self.due().filter(|(at, _)| *at <= end) {
                Some((at, _)) => {
                    self.now = self.now.max(at);
                    self.step();
                }
                None => return false,
            }
        }
        true
    }
    /// The earliest thing due: its time and number.
    fn due(&self) -> Option<(Time, u64)> {
        let flight = self.flights.iter().map(|(number, flight)| (flight.at, *number)).min();
        let timer = self.nodes.iter().flat_map(|seat| seat.timers.values().copied()).min();
        flight.into_iter().chain(timer).min()
    }
    fn step(&mut self) {
        let Some(due) = self.due() else { return };
        if let Some(at) = self.flights.iter().position(|(number, flight)| (flight.at, *number) == due) {
            let (_, flight) = self.flights.remove(at);
            self.arrive(flight);
            return;
        }
        let found =
            self.nodes.iter().enumerate().find_map(|(node, seat)| {
                seat.timers.iter().find(|(_, set)| **set == due).map(|(timer, _)| (node, *timer))
            });
        if let Some((node, timer)) = found {
            self.fire(node, timer);
        }
    }
    fn arrive(&mut self, flight: Flight<P::Message>) {
        let Flight { from, to, message, .. } = flight;
        *self.delivered.entry(message.kind()).or_default() += 1;
        if self.nodes[to.index()].logic.is_some() && message.verify(from, &self.shared.keys) {
            self.handle(to.index(), |logic, ctx| match logic {
                NodeLogic::Honest(node) => node.on_message(from, message, ctx),
                NodeLogic::Attacker(node) => node.on_message(from, message, ctx),
            });
        }
    }
    fn handle(&mut self, node: usize, handler: impl FnOnce(&mut NodeLogic<P>, &mut Context<'_, P>)) {
        let seat = &mut self.nodes[node];
        let Some(logic) = seat.logic.as_mut() else { return };
        let mut effects = Vec::new();
        let mut stage = Stage { own: &mut seat.own, shared: &mut self.shared };
        let mut ctx = Context::new(&mut stage, &mut effects, &self.committee, self.now, NodeId::from(node));
        handler(logic, &mut ctx);
        self.perform(node, effects);
    }
    fn perform(&mut self, node: usize, effects: Vec<EffectOf<P>>) {
        for effect in effects {
            if self.nodes[node].effects_until_crash == Some(0) {
                self.crash(node);
                return;
            }
            if let Some(left) = self.nodes[node].effects_until_crash.as_mut() {
                *left -= 1;
            }
            self.perform_one(node, effect);
        }
    }
    fn perform_one(&mut self, node: usize, effect: EffectOf<P>) {
        let me = NodeId::from(node);
        self.number += 1;
        let (number, now) = (self.number, self.now);
        let seat = &mut self.nodes[node];
        match effect {
            Effect::Send { to, message } => self.post(me, to, message),
            Effect::Broadcast { message } => {
                for to in (0..self.nodes.len()).map(NodeId::from).filter(|to| *to != me) {
                    self.post(me, to, message.clone());
                }
            }
            Effect::SetTimer { timer, after } => drop(seat.timers.insert(timer, (now + after, number))),
            Effect::CancelTimer { timer } => drop(seat.timers.remove(&timer)),
            Effect::Persist { record } => {
                if super::Record::is_checkpoint(&record) {
                    seat.log.clear();
                }
                seat.log.push(record);
            }
            Effect::Spend { .. } => {}
            Effect::Extend { block } => {
                let tip = seat.own.chain.last().expect("genesis stays");
                assert_eq!(block.parent(), tip.id(), "{me} extends its tip");
                seat.own.pool.retain(|waiting| block.transactions().iter().all(|t| t.id() != waiting.id()));
                seat.own.chain.push(block);
            }
            Effect::Rewind { to } => seat.own.chain.truncate(to.0 as usize + 1),
            Effect::Finalize { upto } => {
                assert!(upto.0 < seat.own.chain.len() as u64, "{me} finalizes what it has");
                seat.own.finalized = seat.own.finalized.max(upto);
            }
            Effect::Install { snapshot } => self.install(node, &snapshot),
            Effect::Note { label, value } => seat.notes.push((label, value)),
        }
    }
    fn install(&mut self, node: usize, snapshot: &Snapshot) {
        let tree = &self.shared.tree;
        let tip = tree.find(&snapshot.block.id()).expect("a snapshot's block was executed somewhere");
        let own = &mut self.nodes[node].own;
        own.chain.truncate(1);
        own.chain.extend(tree.path(BlockIndex::GENESIS, tip).into_iter().map(|index| tree.block(index).clone()));
        own.finalized = snapshot.block.height();
    }
    fn post(&mut self, from: NodeId, to: NodeId, message: P::Message) {
        if !self.cut.contains(&(from, to)) {
            self.number += 1;
            self.flights.push((self.number, Flight { from, to, at: self.now + self.delay, message }));
        }
    }
}

/// Looking.
impl<P: Protocol> TestCluster<P> {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        self.now
    }
    /// The nodes that take part.
    #[must_use]
    pub fn committee(&self) -> &Committee {
        &self.committee
    }
    /// The keys of the nodes, to make what a Byzantine node would sign.
    #[must_use]
    pub fn keys(&self) -> &Keyring {
        &self.shared.keys
    }
    /// All blocks.
    #[must_use]
    pub fn tree(&self) -> &BlockTree {
        &self.shared.tree
    }
    /// Adds a block made outside.
    pub fn insert_block(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        self.shared.tree.insert(block)
    }
    /// The memory of an honest node that is up.
    #[must_use]
    pub fn node(&self, node: usize) -> &P {
        match &self.nodes[node].logic {
            Some(NodeLogic::Honest(node)) => node,
            _ => panic!("node {node} is not an honest node that is up"),
        }
    }
    /// The durable records of a node.
    #[must_use]
    pub fn log(&self, node: usize) -> &[P::Record] {
        &self.nodes[node].log
    }
    /// The timers that a node has set, with the instants at which they fire.
    pub fn timers(&self, node: usize) -> impl Iterator<Item = (P::Timer, Time)> + '_ {
        self.nodes[node].timers.iter().map(|(timer, (at, _))| (*timer, *at))
    }
    /// A node's chain, genesis first.
    #[must_use]
    pub fn chain(&self, node: usize) -> &[Arc<Block>] {
        &self.nodes[node].own.chain
    }
    /// The final part of a node's chain, genesis first.
    #[must_use]
    pub fn finalized(&self, node: usize) -> &[Arc<Block>] {
        let own = &self.nodes[node].own;
        &own.chain[..=(own.finalized.0 as usize).min(own.chain.len() - 1)]
    }
    /// The transactions in the final part of a node's chain, in order.
    #[must_use]
    pub fn final_transactions(&self, node: usize) -> Vec<Hash> {
        self.finalized(node).iter().flat_map(|block| block.transactions()).map(|t| t.id()).collect()
    }
    /// What a node noted, in order.
    #[must_use]
    pub fn notes(&self, node: usize) -> &[(&'static str, u64)] {
        &self.nodes[node].notes
    }
    /// How many messages of each kind were delivered.
    #[must_use]
    pub fn delivered(&self) -> &BTreeMap<&'static str, u64> {
        &self.delivered
    }
    /// The first two of `nodes` whose final chains differ at a height that both have, with that height.
    #[must_use]
    pub fn disagreement(&self, nodes: &[usize]) -> Option<(usize, usize, Height)> {
        for (at, &a) in nodes.iter().enumerate() {
            for &b in &nodes[..at] {
                let differs = self.finalized(a).iter().zip(self.finalized(b)).position(|(x, y)| x.id() != y.id());
                if let Some(height) = differs {
                    return Some((b, a, Height(height as u64)));
                }
            }
        }
        None
    }
    /// One line per message under way: `from>to kind`, in order of sending. For traces.
    #[must_use]
    pub fn show_flights(&self) -> String {
        self.flights().fold(String::new(), |mut text, flight| {
            let _ = writeln!(text, "{}>{} {}", flight.from, flight.to, flight.message.kind());
            text
        })
    }
}
