//! Bent messages, sent by a faulty node to nodes that work, and what becomes of the nodes.

use super::bend::Bender;
use super::harvest::{FAULTY, Harvest, NODES};
use ledgerlab::base::{Crypto, Duration, Keyring, NodeId, Stream, Wire};
use ledgerlab::protocol::testing::TestCluster;
use ledgerlab::protocol::{Message, Protocol};
use serde_json::Value;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Messages that arrive together.
const VOLLEY: usize = 20;
/// Bytes that a node may grow by beside what is proportional to what it had.
const SLACK: usize = 6_000;

/// What became of the messages of one type.
#[derive(Default, Clone, Copy, Debug)]
pub struct Count {
    /// How many were bent.
    pub bent: u64,
    /// How many of these could be read again.
    pub read: u64,
    /// How many of these a node took for genuine and handled.
    pub handled: u64,
}

/// What was found in one protocol.
#[derive(Default, Debug)]
pub struct Findings {
    /// By type of message.
    pub counts: BTreeMap<String, Count>,
    /// Panics and growth, in words.
    pub defects: Vec<String>,
    /// Bytes of the largest node after each part of a flood.
    pub sizes: Vec<[usize; 6]>,
}

/// Whose signatures count, whichever node made them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Believed {
    /// The faulty node's: what a faulty node can do.
    Faulty,
    /// Every node's: what any number of faulty nodes can do, and more.
    All,
}

/// A flood in progress.
struct Flood<'a, P: Protocol> {
    stage: TestCluster<P>,
    bender: Bender<'a>,
    kinds: Vec<&'a str>,
    random: Stream,
    keys: Keyring,
    real: Keyring,
    turn: usize,
    last: String,
    findings: &'a mut Findings,
}

/// Floods nodes of `P` with `volleys` volleys while they work, and then at one instant with as many and twice as many.
pub fn flood<P: Protocol>(
    config: &P::Config,
    harvest: &Harvest,
    believed: Believed,
    number: u64,
    volleys: usize,
    findings: &mut Findings,
) {
    let believed_nodes: &[usize] = if believed == Believed::Faulty { &[FAULTY] } else { &[0, 1, 2, 3] };
    let mut stage = TestCluster::<P>::empty(NODES, config.clone());
    stage.believe(believed_nodes);
    (0..NODES).filter(|node| *node != FAULTY).for_each(|node| stage.boot(node));
    let keys = Keyring::new(Crypto::Symbolic, 1, "node", NODES)
        .believing(believed_nodes.iter().map(|node| NodeId::from(*node).0));
    let real = Keyring::new(Crypto::Real, 1, "node", NODES);
    let random = Stream::new(1, "flood", number, 0);
    let (bender, kinds) = (Bender::new(harvest, number), harvest.kinds());
    let mut flood = Flood { stage, bender, kinds, random, keys, real, turn: 0, last: String::new(), findings };
    let outcome = catch_unwind(AssertUnwindSafe(|| flood.run(volleys)));
    if let Err(cause) = outcome {
        let cause = cause
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let mut last = flood.last;
        last.truncate(1_500);
        findings.defects.push(format!(
            "{}, {believed:?} believed, flood {number}: panic: {}; last sent: {last}",
            P::NAME,
            cause.unwrap_or_default()
        ));
    }
}

impl<P: Protocol> Flood<'_, P> {
    fn run(&mut self, volleys: usize) {
        for volley in 0..volleys {
            let payment = self.stage.transaction(1 + (volley % 3) as u32, volley as u64 / 3);
            for node in (0..NODES).filter(|node| *node != FAULTY) {
                self.stage.submit(node, &payment);
            }
            self.volley();
            // Now fast, so that nothing times out, now slowly, so that everything does.
            let span = [3, 30, 300, 3_000, 30_000][volley % 5];
            self.stage.run_while(Duration::from_millis(span), within(400));
            self.stage.lose(|flight| flight.to.index() == FAULTY);
            if self.stage.flights().count() > 1_000 {
                self.stage.lose(|_| self.random.chance(0.9));
            }
        }
        let mut sizes = [0; 6];
        for size in &mut sizes {
            (0..volleys).for_each(|_| {
                self.volley();
                self.stage.deliver(|flight| flight.to.index() != FAULTY);
                self.stage.run_while(Duration::ZERO, within(100));
                self.stage.lose(|flight| flight.to.index() == FAULTY);
            });
            *size = (0..NODES).filter(|node| *node != FAULTY).map(|node| self.bytes(node)).max().unwrap_or_default();
        }
        // What one height needs it may keep; what grows from one look to the next has no bound.
        let before = sizes[1..5].iter().copied().max().unwrap_or_default();
        if sizes[5] > before + before / 10 + SLACK {
            self.findings.defects.push(format!("{} grows and grows: {sizes:?} bytes", P::NAME));
        }
        self.findings.sizes.push(sizes);
    }
    /// Sends a volley; each type of message in turn.
    fn volley(&mut self) {
        for _ in 0..VOLLEY {
            let kind = self.kinds[self.turn % self.kinds.len()];
            self.turn += 1;
            let to = self.random.index(NODES - 1);
            let bent = self.bender.bent(kind);
            self.send(kind, to, bent);
        }
        self.stage.deliver(|flight| flight.from.index() == FAULTY);
    }
    fn send(&mut self, kind: &str, to: usize, bent: Value) {
        self.last = bent.to_string();
        let count = self.findings.counts.entry(kind.to_owned()).or_default();
        count.bent += 1;
        let read = if self.random.chance(0.1) {
            serde_json::from_str::<P::Message>(&self.bender.garbled(&bent))
        } else {
            serde_json::from_value::<P::Message>(bent)
        };
        let Ok(message) = read else { return };
        count.read += 1;
        count.handled += u64::from(message.verify(NodeId::from(FAULTY), &self.keys));
        ask(&message, &self.real);
        self.stage.inject(FAULTY, to, message);
    }
    /// What a node holds: the length of its memory and its log as they are written for people, and its timers.
    fn bytes(&self, node: usize) -> usize {
        let log = self.stage.log(node).iter().map(Wire::bytes).sum::<usize>();
        format!("{:?}", self.stage.node(node)).len() + log + 50 * self.stage.timers(node).count()
    }
}

/// Goes on for so many steps.
fn within<P: Protocol>(mut steps: u32) -> impl FnMut(&TestCluster<P>) -> bool {
    move |_| {
        steps = steps.saturating_sub(1);
        steps > 0
    }
}

/// Everything that is asked of a message before a handler sees it.
fn ask<M: Message>(message: &M, keys: &Keyring) {
    let _ = (message.bytes(), message.kind(), message.check(), message.relay(), message.identity());
    let _ = message.block().map(|block| block.bytes());
    let _ = (0..NODES).map(|from| message.verify(NodeId::from(from), keys)).filter(|genuine| *genuine).count();
    let _ = format!("{message:?}").len();
}
