//! Clique: proof of authority by turns, the heaviest chain wins.
//!
//! **Source.** EIP-225 (rules, constants, votes); EIP-3436 (choice between equally heavy chains); go-ethereum's engine and
//! the deadlocks reported there. Ekparinya, Gramoli and Jourjon, "The attack of the clones against proof-of-authority",
//! NDSS 2020.
//!
//! **Model.** A block reaches all signers within a period, and more than half of the signers are honest and up. There is no
//! deterministic finality: in practice a block is taken as final when it is the first of [`Signers::limit`] consecutive
//! blocks, whose signers are distinct by rule. Under partition there is no safety, and honest signers alone may revert such
//! a block.
//!
//! ```text
//!  number     7               8               9
//!  in turn    2               0               1
//!  signer 0   |               | Block (2) --> all
//!  signer 1   |               .wiggle.        | late or dead
//!  signer 2   | Block (2) --> all             .wiggle. Block (1) --> all     out of turn: half the difficulty
//! ```
//!
//! **Exactly.** Consecutive blocks are one period apart: a block is sent at the time in its header, and the next signer
//! received the parent long before. A payment waits half a period for a block on average, which is final `limit - 1` periods
//! and a delay later. Each block costs `n (n - 1)` messages on a complete graph where each node forwards it once.
//!
//! **Mapping.** Difficulty, vote and list of signers are header fields of the protocol ([`Seal::Fields`]); they
//! travel beside the block, whose size is Ethereum's. Addresses are ordered as the numbers of nodes.
//!
//! **Simplified.** Finality is enforced: a node never reverts a block that it took as final, while the original has no
//! finality. Hashes are not announced apart from blocks. A node sends its head to all others when it starts, and not
//! whenever a link comes back. The votes of signers and their times are set in the scenario instead of by commands.
//!
//! **Glossary.** *In turn*: the signer whose place in the list is the number modulo its length. *Wiggle*: the random
//! delay of those out of turn. *Limit*: half the signers and one. *Epoch*: every so many blocks votes are forgotten.
//!
//! [`Seal::Fields`]: crate::chain::Seal::Fields

mod attack;
mod message;
mod signers;
mod sync;

#[cfg(test)]
mod tests;

pub use message::{Fields, Message, Record, Sealed};
pub use signers::{Ballot, Signers};

use crate::base::{Committee, Duration, FaultModel, Hash, Height, NodeId, Time};
use crate::chain::{Block, Header, Limit};
use crate::protocol::chained::{Fetch, Fetching, Orphans};
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, note};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which of two equally heavy chains a node prefers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tie {
    /// The shorter one; equally long ones by a coin (go-ethereum).
    #[default]
    Flip,
    /// The one that was there first.
    FirstSeen,
    /// The shorter one; then the one whose last signer's turn is longest ago; then the lower hash (EIP-3436).
    Eip3436,
}

/// How far out-of-turn signers spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Over as many wiggles as the limit (go-ethereum).
    #[default]
    Limit,
    /// Over as many as there are signers (the text of EIP-225).
    Signers,
}

/// Signers that vote on a node, from some time on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The signers that vote.
    pub signers: Vec<u32>,
    /// The node that they vote on.
    pub candidate: u32,
    /// To add it, or to drop it.
    pub add: bool,
    /// From when on, by the local clock. Default at once.
    #[serde(default)]
    pub from: Duration,
}

/// What a scenario may set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Least time between a block and its child. Default 15 s (EIP-225).
    pub period: Duration,
    /// Blocks after which votes are forgotten. Default 30,000 (EIP-225).
    pub epoch: u64,
    /// The unit of the random delay of signers out of turn. Default 500 ms (EIP-225).
    pub wiggle: Duration,
    /// How many of them the delay spreads over. Default limit (go-ethereum).
    pub spread: Spread,
    /// Which of two equally heavy chains a node prefers. Default flip (go-ethereum).
    pub tie: Tie,
    /// The first so many nodes are signers at genesis; the others follow. Default 0: all.
    pub signers: usize,
    /// Votes to add or to drop signers. Default none.
    pub proposals: Vec<Proposal>,
    /// Blocks, itself included, after which a block is believed. Default 0: the limit in force.
    pub confirmations: u64,
    /// The largest block. Default 512 transactions or 1 MB.
    pub block_limit: Limit,
    /// How long a node waits for blocks that it asked for before it asks another. Default 5 s (`fetchTimeout` of
    /// go-ethereum's fetcher). The wait doubles with each request that brought nothing (ours).
    pub fetch_timeout: Duration,
    /// How often a node whose head is overdue asks others for theirs. Default 10 s (`forceSyncCycle` of go-ethereum).
    pub sync_every: Duration,
    /// Whether a signer logs its block before it sends it. Default true (ours). Off: one that crashes between may sign
    /// another (go-ethereum).
    pub durable: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            period: Duration::from_secs(15),
            epoch: 30_000,
            wiggle: Duration::from_millis(500),
            spread: Spread::Limit,
            tie: Tie::Flip,
            signers: 0,
            proposals: Vec::new(),
            confirmations: 0,
            block_limit: Limit { bytes: 1_000_000, transactions: 512 },
            fetch_timeout: Duration::from_secs(5),
            sync_every: Duration::from_secs(10),
            durable: true,
        }
    }
}

impl Config {
    fn genesis(&self, n: usize) -> Signers {
        let signers = if self.signers == 0 { n } else { self.signers };
        Signers::new((0..signers).map(NodeId::from))
    }
}

/// The timers of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// This signer's block is due.
    Seal,
    /// A block that came too early may be due.
    Early,
    /// A peer that was asked for blocks does not answer.
    Ask,
    /// The head is overdue: asks other nodes for theirs.
    Sync,
}

/// A block that this node found valid, with what follows from it.
#[derive(Clone, Debug)]
struct Known {
    block: Arc<Block>,
    /// None for what was final when the node started and is not in its log.
    sealed: Option<Arc<Sealed>>,
    /// Of the chain up to here.
    difficulty: u64,
    signers: Arc<Signers>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Clique {
    config: Arc<Config>,
    /// Valid blocks from the last final one on.
    known: BTreeMap<Hash, Known>,
    /// Final blocks, to be sent to nodes that missed them.
    finals: BTreeMap<Height, Arc<Sealed>>,
    /// The last final block.
    root: Arc<Block>,
    /// The last block of the heaviest chain.
    tip: Arc<Block>,
    /// The time of the block that is about to be sealed on the tip, and when it is sent; none if it is not this node's.
    due: Option<(Time, Time)>,
    /// The child of each signer on each block, to find two; with the child's number.
    seen: BTreeMap<(Hash, NodeId), (Height, Hash)>,
    /// Blocks of a time to come.
    early: Vec<(NodeId, Arc<Sealed>)>,
    /// Blocks whose parent is missing.
    orphans: Orphans<Sealed>,
    /// Its requests for blocks.
    fetching: Fetching,
    /// Blocks made final since the last checkpoint of the log.
    unsaved: u64,
}

/// Blocks of a time to come that are kept.
const KEPT_MAX: usize = 64;
/// Blocks made final between checkpoints of the log.
const CHECKPOINT_EVERY: u64 = 32;
/// How far ahead of the local clock a block may be to be held until its time.
const AHEAD_MAX: Duration = Duration::from_secs(60);

impl Protocol for Clique {
    const NAME: &'static str = "clique";
    const SUMMARY: &'static str =
        "Clique proof of authority: signers in turn, heaviest chain, believed at half and one";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, nodes: usize) -> Result<(), InvalidSetting> {
        let is_node = |node: &u32| (*node as usize) < nodes;
        let wrong = config.proposals.iter().any(|p| !p.signers.iter().chain([&p.candidate]).all(is_node));
        let faults = [
            ("period", config.period.is_zero(), "must be above zero".to_owned()),
            ("fetch_timeout", config.fetch_timeout.is_zero(), "must be above zero".to_owned()),
            ("sync_every", config.sync_every.is_zero(), "must be above zero".to_owned()),
            ("epoch", config.epoch == 0, "must be at least 1".to_owned()),
            ("signers", config.signers > nodes, format!("{} of {nodes} nodes; must be at most all", config.signers)),
            ("proposals", wrong, format!("name a node that does not exist; there are {nodes}")),
            (
                "block_limit",
                config.block_limit.bytes == 0 || config.block_limit.transactions == 0,
                "must be at least 1".to_owned(),
            ),
        ];
        let found = faults.into_iter().find(|(_, is_wrong, _)| *is_wrong);
        found.map_or(Ok(()), |(key, _, reason)| Err(InvalidSetting { key, reason }))
    }
    fn committee(_config: &Config, weights: Vec<u64>) -> Committee {
        let committee = Committee::weighted(weights, FaultModel::Byzantine);
        let majority = committee.majority();
        committee.requiring(majority)
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        Clique::recover(config, log, ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Status { head, weight, is_reply } => self.on_status(from, &head, weight, is_reply, ctx),
            Message::Block(sealed) => self.on_block(from, sealed, ctx),
            Message::Ask { wanted, above, known } => self.on_ask(from, wanted, above, &known, ctx),
            Message::Blocks(blocks) => self.on_blocks(from, &blocks, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Seal => self.seal(ctx),
            Timer::Early => self.on_early(ctx),
            Timer::Ask => self.on_ask_timer(ctx),
            Timer::Sync => self.on_sync(ctx),
        }
    }
    fn attacker(
        name: &str,
        config: &Arc<Config>,
        log: &[Record],
        ctx: &mut Context<'_, Self>,
    ) -> Option<Box<dyn Attacker<Self>>> {
        attack::attacker(name, config, log, ctx)
    }
}

/// Sealing (rule 8).
impl Clique {
    fn head(&self) -> &Known {
        self.known.get(&self.tip.id()).expect("the tip is known")
    }
    /// Waits for this node's moment on the present head, if it may sign there; whatever it waited for is abandoned.
    fn prepare(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.set_timer(Timer::Sync, self.config.period + self.config.sync_every);
        let (number, signers) = (self.tip.height().0 + 1, self.head().signers.clone());
        if !signers.may_sign(ctx.me(), number) {
            self.due = None;
            ctx.cancel_timer(Timer::Seal);
            return;
        }
        let due = (self.tip.header.time + self.config.period).max(ctx.now());
        let mut wait = due.since(ctx.now());
        if !signers.is_in_turn(ctx.me(), number) {
            let over = match self.config.spread {
                Spread::Limit => signers.limit(),
                Spread::Signers => signers.all().len() as u64,
            };
            let most = self.config.wiggle * over;
            wait += Duration::from_nanos(ctx.random().below(most.as_nanos().max(1)));
        }
        self.due = Some((due, ctx.now() + wait));
        ctx.set_timer(Timer::Seal, wait);
    }
    /// An alarm that was set for an earlier head may ring before it is set again or stopped, and one of a clock that
    /// stood at zero or was set back meanwhile rings too soon: then the moment is still to come.
    fn seal(&mut self, ctx: &mut Context<'_, Self>) {
        let Some((time, moment)) = self.due else { return };
        if moment > ctx.now() {
            ctx.set_timer(Timer::Seal, moment.since(ctx.now()));
            return;
        }
        let sealed = self.make(time, ctx);
        if ctx.insert_block(&sealed.block).is_none() {
            return;
        }
        ctx.note(note::LEADING, note::turn(sealed.block.height(), 0));
        let message = Message::Block(sealed.clone());
        if self.config.durable {
            self.take(&sealed, ctx);
            ctx.broadcast(message);
        } else {
            ctx.broadcast(message);
            self.take(&sealed, ctx);
        }
    }
    /// A block of this node on its head.
    fn make(&self, time: Time, ctx: &mut Context<'_, Self>) -> Arc<Sealed> {
        let (parent, signers) = (self.tip.clone(), self.head().signers.clone());
        let mut fields = self.fields(&signers, ctx.me(), parent.height().next());
        fields.vote = self.ballot(&signers, ctx).filter(|_| fields.checkpoint.is_none());
        let batch = ctx.template(&parent, self.config.block_limit);
        let header = Header {
            parent: parent.id(),
            height: parent.height().next(),
            merkle: batch.digest(),
            time,
            proposer: ctx.me(),
            seal: fields.seal(),
        };
        let block = Block::new(header, batch);
        let signature = ctx.sign(&Sealed::statement(&block.id()));
        Arc::new(Sealed { block, fields, signature })
    }
    fn is_epoch(&self, height: Height) -> bool {
        height.0.is_multiple_of(self.config.epoch)
    }
    /// What a block must have after these signers, its vote apart (rules 1 and 6).
    fn fields(&self, signers: &Signers, signer: NodeId, height: Height) -> Fields {
        let difficulty = if signers.is_in_turn(signer, height.0) { 2 } else { 1 };
        let checkpoint = self.is_epoch(height).then(|| signers.all().to_vec());
        Fields { difficulty, vote: None, checkpoint }
    }
    /// A vote that is due and would change something; if there are several, one of them by chance.
    fn ballot(&self, signers: &Signers, ctx: &mut Context<'_, Self>) -> Option<Ballot> {
        let (me, now) = (ctx.me(), ctx.now().since(Time::ZERO));
        let due =
            self.config.proposals.iter().filter(|proposal| proposal.signers.contains(&me.0) && proposal.from <= now);
        let open = due.map(|proposal| Ballot { candidate: NodeId(proposal.candidate), add: proposal.add });
        let open: Vec<Ballot> = open.filter(|ballot| signers.is_open(*ballot)).collect();
        match open.len() {
            0 | 1 => open.first().copied(),
            many => Some(open[ctx.random().below(many as u64) as usize]),
        }
    }
}

/// Validation, fork choice and belief (rules 1 to 7).
impl Clique {
    /// Takes a block that obeys the rules into the tree.
    fn judge(&mut self, from: NodeId, sealed: Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        let (block, id) = (&sealed.block, sealed.block.id());
        if self.known.contains_key(&id) || block.height() <= self.root.height() {
            return;
        }
        if block.header.time > ctx.now() {
            self.hold(from, sealed, ctx);
            return;
        }
        let Some(parent) = self.known.get(&block.parent()) else {
            self.keep_orphan(from, sealed, ctx);
            return;
        };
        if !self.is_sealed_by_rule(parent, &sealed) || ctx.insert_block(block).is_none() || ctx.validate(block).is_err()
        {
            return;
        }
        let signer = block.header.proposer;
        if self.seen.insert((block.parent(), signer), (block.height(), id)).is_some_and(|(_, other)| other != id) {
            // Both are valid, and nothing happens to the signer: the fork choice decides.
            ctx.note(note::EVIDENCE, u64::from(signer.0));
        }
        self.take(&sealed, ctx);
        ctx.broadcast(Message::Block(sealed));
        let children: Vec<Hash> =
            self.orphans.iter().filter(|(_, (_, child))| child.block.parent() == id).map(|(id, _)| *id).collect();
        for child in children {
            if let Some((from, child)) = self.orphans.remove(&child) {
                self.on_block(from, child, ctx);
            }
        }
    }
    /// Rules 1 to 3 and 6, and the limit of a block (the original's is of gas).
    fn is_sealed_by_rule(&self, parent: &Known, sealed: &Sealed) -> bool {
        let (header, signers, vote) = (&sealed.block.header, &parent.signers, sealed.fields.vote);
        header.height == parent.block.height().next()
            && self.config.block_limit.admits(&sealed.block.batch)
            && header.time >= parent.block.header.time + self.config.period
            && signers.may_sign(header.proposer, header.height.0)
            && sealed.fields == Fields { vote, ..self.fields(signers, header.proposer, header.height) }
            && !(self.is_epoch(header.height) && vote.is_some())
    }
    /// Logs a valid block, and adopts its chain if that is the heaviest.
    fn take(&mut self, sealed: &Arc<Sealed>, ctx: &mut Context<'_, Self>) {
        self.add(sealed.block.clone(), &sealed.fields, Some(sealed.clone()));
        ctx.persist(Record::Block(sealed.clone()));
        if self.is_better(&sealed.block, ctx) {
            self.adopt(&sealed.block, ctx);
            self.prepare(ctx);
        }
    }
    /// Keeps a block whose parent is known.
    fn add(&mut self, block: Arc<Block>, fields: &Fields, sealed: Option<Arc<Sealed>>) {
        let (parent, id, height) = (&self.known[&block.parent()], block.id(), block.height());
        let signers = parent.signers.after(height.0, block.header.proposer, fields.vote, self.is_epoch(height));
        let difficulty = parent.difficulty + fields.difficulty;
        self.known.insert(id, Known { block, sealed, difficulty, signers: Arc::new(signers) });
    }
    /// Rule 7.
    fn is_better(&self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) -> bool {
        let (new, old) = (&self.known[&block.id()], self.head());
        if new.difficulty != old.difficulty {
            return new.difficulty > old.difficulty;
        }
        let number = |known: &Known| Reverse(known.block.height());
        let turn = |known: &Known| {
            let parent = self.known.get(&known.block.parent());
            parent.map(|parent| parent.signers.since_turn(known.block.header.proposer, known.block.height().0))
        };
        match self.config.tie {
            Tie::FirstSeen => false,
            Tie::Flip if new.block.height() == old.block.height() => ctx.random().below(2) == 0,
            Tie::Flip => number(new) > number(old),
            Tie::Eip3436 => {
                let rank = |known: &Known| (number(known), turn(known), Reverse(known.block.id()));
                rank(new) > rank(old)
            }
        }
    }
    /// The chain from a block down to what is final, highest first.
    fn branch(&self, from: &Hash) -> Vec<&Known> {
        let above = |known: &&Known| known.block.height() > self.root.height();
        std::iter::successors(self.known.get(from).filter(above), |known| {
            self.known.get(&known.block.parent()).filter(above)
        })
        .collect()
    }
    fn adopt(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        let old: BTreeSet<Hash> = self.branch(&self.tip.id()).iter().map(|known| known.block.id()).collect();
        let path: Vec<Arc<Block>> = (self.branch(&block.id()).into_iter())
            .map(|known| known.block.clone())
            .take_while(|block| !old.contains(&block.id()))
            .collect();
        let fork = path.last().map_or(block.height(), |first| Height(first.height().0 - 1));
        if fork < self.tip.height() {
            ctx.rewind(fork);
        }
        path.into_iter().rev().for_each(|block| ctx.extend(block));
        self.tip = block.clone();
        self.believe(ctx);
    }
    /// A block with enough blocks above it, itself included, is final.
    fn believe(&mut self, ctx: &mut Context<'_, Self>) {
        let enough = match self.config.confirmations {
            0 => self.head().signers.limit(),
            confirmations => confirmations,
        };
        let believed: Vec<Arc<Sealed>> = (self.branch(&self.tip.id()).into_iter())
            .skip(enough as usize - 1)
            .filter_map(|known| known.sealed.clone())
            .collect();
        let Some(last) = believed.first().cloned() else { return };
        ctx.finalize(last.block.height());
        self.unsaved += believed.len() as u64;
        self.finals.extend(believed.into_iter().map(|sealed| (sealed.block.height(), sealed)));
        self.root = last.block.clone();
        self.prune();
        if self.unsaved >= CHECKPOINT_EVERY {
            self.unsaved = 0;
            let root = &self.known[&self.root.id()];
            let (difficulty, signers) = (root.difficulty, root.signers.clone());
            let others = self.known.values().filter(|known| known.block.height() > self.root.height());
            let blocks = others.filter_map(|known| known.sealed.clone()).collect();
            let (root, finals) = (self.root.clone(), self.finals.values().cloned().collect());
            ctx.persist(Record::Checkpoint { root, difficulty, signers, blocks, finals });
        }
    }
    /// Forgets what does not stand on what is final.
    fn prune(&mut self) {
        let mut all: Vec<Known> = std::mem::take(&mut self.known).into_values().collect();
        all.sort_by_key(|known| known.block.height());
        for known in all {
            if known.block.id() == self.root.id() || self.known.contains_key(&known.block.parent()) {
                self.known.insert(known.block.id(), known);
            }
        }
        let height = self.root.height();
        self.orphans.retain(|_, (_, sealed)| sealed.block.height() > height);
        self.seen.retain(|_, (number, _)| *number > height);
    }
}
