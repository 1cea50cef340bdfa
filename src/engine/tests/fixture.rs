//! The smallest protocol that uses every part of the contract, and the smallest network.
//!
//! Node 0 is a sequencer: at every stroke of its bell it logs a batch, sends the block, and finalizes it. The others
//! validate, log, extend, finalize and acknowledge.

use super::super::{Clock, DiskModel, ProcessSettings, Setup, Simulation, Stop, TransactionRelay};
use crate::base::{
    Committee, CostTable, Crypto, Digest, Duration, FaultModel, Height, Keyring, NodeId, Signature, Time, Wire, Work,
};
use crate::chain::{Block, Limit, Transaction};
use crate::ledger::account::{Account, Reward};
use crate::network::{Arrival, Carried, Change, Envelope, Network};
use crate::observe::{Observed, Observer, Violation};
use crate::protocol::{Context, Message, Protocol, Record};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Config {
    pub stroke: Duration,
    /// Computing that the sequencer does between logging and sending, in signatures.
    pub extra_signatures: u32,
    /// Whether the sequencer forges its signatures.
    pub forge: bool,
    /// Whether the others keep mempools too.
    pub are_listeners: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { stroke: Duration::from_millis(100), extra_signatures: 0, forge: false, are_listeners: false }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Note {
    Next { block: Arc<Block>, signature: Signature },
    Thanks { height: Height },
}

#[derive(Clone, Debug)]
pub struct Line(pub Arc<Block>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    Stroke,
}

impl Wire for Note {
    fn bytes(&self) -> usize {
        match self {
            Note::Next { block, .. } => block.bytes() + 64,
            Note::Thanks { .. } => 8,
        }
    }
    fn kind(&self) -> &'static str {
        match self {
            Note::Next { .. } => "next",
            Note::Thanks { .. } => "thanks",
        }
    }
    fn check(&self) -> Work {
        match self {
            Note::Next { .. } => Work::VERIFY,
            Note::Thanks { .. } => Work::NONE,
        }
    }
}

fn statement(block: &Block) -> crate::base::Hash {
    Digest::new("next").hash(&block.id()).finish()
}

impl Message for Note {
    fn verify(&self, from: NodeId, keys: &Keyring) -> bool {
        match self {
            Note::Next { block, signature } => keys.verify(from.0, &statement(block), signature),
            Note::Thanks { .. } => true,
        }
    }
    fn block(&self) -> Option<&Arc<Block>> {
        match self {
            Note::Next { block, .. } => Some(block),
            Note::Thanks { .. } => None,
        }
    }
}

impl Wire for Line {
    fn bytes(&self) -> usize {
        self.0.bytes()
    }
    fn kind(&self) -> &'static str {
        "line"
    }
}

impl Record for Line {}

#[derive(Clone, Debug)]
pub struct Bell {
    config: Arc<Config>,
    tip: Arc<Block>,
}

impl Bell {
    fn take(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        ctx.persist(Line(block.clone()));
        self.append(block, ctx);
    }
    fn append(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        ctx.extend(block.clone());
        ctx.finalize(block.height());
        self.tip = block.clone();
    }
}

impl Protocol for Bell {
    const NAME: &'static str = "bell";
    const SUMMARY: &'static str = "a sequencer, for tests";
    const FAULTS: FaultModel = FaultModel::Crash;
    type Config = Config;
    type Message = Note;
    type Timer = Timer;
    type Record = Line;

    fn proposes(config: &Config, _: &Committee, node: NodeId) -> bool {
        config.are_listeners || node == NodeId(0)
    }
    fn boot(config: &Arc<Config>, log: &[Line], ctx: &mut Context<'_, Self>) -> Bell {
        let mut bell = Bell { config: config.clone(), tip: ctx.durable() };
        for Line(block) in log {
            if block.height() > bell.tip.height() {
                bell.append(block, ctx);
            }
        }
        if ctx.me() == NodeId(0) {
            ctx.set_timer(Timer::Stroke, config.stroke);
        }
        bell
    }
    fn on_message(&mut self, from: NodeId, message: Note, ctx: &mut Context<'_, Self>) {
        match message {
            Note::Next { block, .. } => {
                if block.parent() == self.tip.id() && ctx.validate(&block).is_ok() {
                    self.take(&block, ctx);
                    ctx.send(from, Note::Thanks { height: block.height() });
                }
            }
            Note::Thanks { height } => ctx.note("thanks", height.0),
        }
    }
    fn on_timer(&mut self, _: Timer, ctx: &mut Context<'_, Self>) {
        ctx.set_timer(Timer::Stroke, self.config.stroke);
        if ctx.pending() == 0 {
            return;
        }
        let batch = ctx.propose(&self.tip, &[], Limit { bytes: 1_000_000, transactions: 1_000 });
        let (tip, now) = (self.tip.clone(), ctx.now());
        let block = ctx.execute(&tip, ctx.me(), now, &batch);
        let signature = if self.config.forge { Signature::NONE } else { ctx.sign(&statement(&block)) };
        self.take(&block, ctx);
        ctx.spend(Work { sign: self.config.extra_signatures, ..Work::NONE });
        ctx.broadcast(Note::Next { block, signature });
    }
}

/// Every envelope takes the same time; cuts work.
pub struct Steady {
    pub delay: Duration,
    pub cuts: Vec<(u32, NodeId, NodeId)>,
}

impl Network for Steady {
    fn send(&mut self, now: Time, envelope: &Envelope, to: &[NodeId], out: &mut Carried) {
        for &to in to {
            if self.reaches(envelope.from, to) {
                let (at, ticket) = (now + self.delay, envelope.ticket);
                out.arrivals.push(Arrival { to, at, first: at, bytes: envelope.bytes, ticket });
            } else {
                out.lost.push((to, envelope.ticket));
            }
        }
    }
    fn wake(&mut self, _: Time, _: NodeId, _: &mut Carried) {}
    fn has_downlinks(&self) -> bool {
        false
    }
    fn land(&mut self, now: Time, _: &Arrival) -> Time {
        now
    }
    fn reset(&mut self, _: Time, _: NodeId, _: &mut Carried) {}
    fn change(&mut self, _: Time, change: &Change, _: &mut Carried) {
        match change {
            Change::Cut { id, pairs } => {
                for (from, to) in pairs {
                    self.cuts.extend(from.iter().flat_map(|a| to.iter().map(|b| (*id, *a, *b))));
                }
            }
            Change::Lift { id } => self.cuts.retain(|(cut, ..)| cut != id),
            Change::Degrade { .. } => {}
        }
    }
    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        !self.cuts.iter().any(|(_, a, b)| (*a, *b) == (from, to))
    }
    fn delay_min(&self) -> Duration {
        self.delay
    }
    fn bytes_sent(&self, _: NodeId) -> u64 {
        0
    }
    fn bytes_received(&self, _: NodeId) -> u64 {
        0
    }
}

/// Writes down what it sees as lines of text.
#[derive(Clone, Default)]
pub struct Trace(pub Rc<RefCell<Vec<String>>>);

impl Trace {
    pub fn lines(&self, word: &str) -> Vec<String> {
        self.0.borrow().iter().filter(|line| line.contains(word)).cloned().collect()
    }
}

impl Observer for Trace {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        let line = match observed {
            Observed::Finalized { node, block, .. } => format!("{now} {node} final {}", block.height()),
            Observed::Noted { node, label, value } => format!("{now} {node} {label} {value}"),
            Observed::Booted { node, boot, durable } => format!("{now} {node} boot {boot} at {}", durable.height()),
            Observed::Crashed { node } => format!("{now} {node} crash"),
            Observed::Submitted { again, .. } => format!("{now} submitted {again}"),
            Observed::Refused { node, reason, .. } => format!("{now} {node} refused: {reason}"),
            Observed::Answered { executed, .. } => format!("{now} answered {executed}"),
            Observed::Lost { to, why, .. } => format!("{now} lost {to} {why:?}"),
            Observed::Delivered { from, to, kind, .. } => format!("{now} {from}>{to} {kind}"),
            _ => return Ok(()),
        };
        self.0.borrow_mut().push(line);
        Ok(())
    }
    fn wants_messages(&self) -> bool {
        true
    }
}

pub fn accounts() -> Arc<Keyring> {
    Arc::new(Keyring::new(Crypto::Symbolic, 1, "account", 32))
}

/// A payment that the ledger of [`setup`] executes, if the nonces come in order.
pub fn payment(from: u32, nonce: u64) -> Arc<Transaction> {
    let body = crate::chain::Body::Transfer { to: crate::base::AccountId(9), amount: 1 };
    Transaction::signed(&accounts(), crate::base::AccountId(from), nonce, 1, body, 250)
}

/// `n` nodes, 10 ms apart, everything free, for 10 s.
pub fn setup(n: usize, config: Config, trace: &Trace) -> Setup<Bell> {
    Setup {
        name: "bell".into(),
        seed: 1,
        config,
        committee: Committee::new(n, FaultModel::Crash),
        crypto: Crypto::Symbolic,
        accounts: accounts(),
        ledger: Box::new(|| Box::new(Account::new(16, 1_000, Reward::default(), 16))),
        network: Box::new(Steady { delay: Duration::from_millis(10), cuts: Vec::new() }),
        gossip: None,
        relay: TransactionRelay::Gossip,
        workload: None,
        client_delay: Duration::ZERO,
        client_retry: None,
        processes: (0..n).map(|_| ProcessSettings::default()).collect(),
        costs: CostTable::FREE,
        faults: Vec::new(),
        interval: Duration::from_secs(1),
        stop: Stop::at(Time::ZERO + Duration::from_secs(10)),
        recheck: false,
        observers: vec![Box::new(trace.clone())],
    }
}

pub fn at(millis: u64) -> Time {
    Time::ZERO + Duration::from_millis(millis)
}

/// Runs to the end.
pub fn run(setup: Setup<Bell>, submit: &[(Time, Arc<Transaction>)]) -> Simulation<Bell> {
    let mut simulation = Simulation::new(setup);
    for (at, transaction) in submit {
        simulation.submit_at(*at, crate::base::ClientId(0), NodeId(0), transaction.clone());
    }
    while simulation.advance(Time::NEVER, 1_000) {}
    simulation.finish();
    simulation
}

pub const SLOW_DISK: DiskModel = DiskModel { median: Duration::from_millis(5), sigma: 0.0, rate: 0 };
pub const FAST_CLOCK: Clock = Clock { offset: 0, drift: 100_000_000 };
