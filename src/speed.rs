//! L6: the workloads by which the simulator's own speed is measured and compared with others.
//!
//! | name | what | who else runs it |
//! |---|---|---|
//! | hold | the bare event queue: pop the earliest, push the same entity again at `+U(1 ns, 1 ms)` | - |
//! | messages | through the whole engine: each of `n` nodes has one message under way to its partner, for `U(20 us, 1 ms)` | nexosim, simu-des: a model of `n` entities with one event each |
//! | simblock | proof of work over `n` gossiping nodes, as `SimBlock` models it, about 100 blocks | `SimBlock`, simblock-rs |
//! | pbft | one decision of PBFT among `n` validators, delays normal(250, 50) ms | BFT-Simulator |
//!
//! They are built here and timed by their callers: nothing below the command line reads a clock.

use crate::base::rng::mix;
use crate::base::{
    AccountId, Committee, CostTable, Crypto, Duration, FaultModel, Hash, Height, Keyring, NodeId, Stream, Time, Wire,
};
use crate::chain::{Amount, Body, Limit, Transaction};
use crate::consensus::{nakamoto, pbft};
use crate::engine::queue::{Entry, Queue};
use crate::engine::{ProcessSettings, Setup, Simulation, Stop, StopRule, TransactionRelay};
use crate::ledger::account::{Account, Reward};
use crate::ledger::{Admission, Broken, Ledger, Rejection};
use crate::network::dataset::{self, Kind};
use crate::network::gossip::{Compact, CompactSettings, Gossip};
use crate::network::latency::{DelaySampling, Distribution, Latency};
use crate::network::topology::{GraphModel, Topology};
use crate::network::transport::{Rates, Settings, Transport};
use crate::protocol::{self, Context, Protocol};
use std::sync::Arc;

/// Bytes of a block in `SimBlock`'s Bitcoin of 2019.
const SIMBLOCK_BLOCK: usize = 535_000;

/// Pops and pushes `pops` events among `entities`; the hash depends on their order.
#[must_use]
pub fn hold(entities: u32, pops: u64) -> u64 {
    let mut queue = Queue::new();
    let mut word = 1;
    let mut span = || {
        word = mix(word, 0);
        // The upper half of the product is uniform below the factor.
        Duration::from_nanos(1 + ((u128::from(word) * 1_000_000) >> 64) as u64)
    };
    for source in 0..entities {
        queue.push(Entry { time: Time::ZERO + span(), source, number: 0, what: 0, with: 0 });
    }
    let mut hash = 0u64;
    for _ in 0..pops {
        let event = queue.pop().expect("the queue is held at its size");
        hash = hash.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(event.time.as_nanos() ^ u64::from(event.source));
        queue.push(Entry { time: event.time + span(), number: event.number + 1, ..event });
    }
    hash
}

/// Runs a chain to its end: how many events that took, and how long it lasted in virtual time.
#[must_use]
pub fn run<P: Protocol>(mut simulation: Simulation<P>) -> (u64, Duration) {
    while simulation.advance(Time::NEVER, u64::MAX) {}
    (simulation.events(), simulation.end().since(Time::ZERO))
}

/// Runs a chain until `at`: how many events that took.
pub fn run_until<P: Protocol>(simulation: &mut Simulation<P>, at: Time) -> u64 {
    while simulation.advance(at, u64::MAX) {}
    simulation.events()
}

/// Everything free, nothing watched: what all workloads share.
fn bare<P: Protocol>(config: P::Config, committee: Committee, network: Transport, seed: u64) -> Setup<P> {
    let nodes = committee.n();
    let accounts = Arc::new(Keyring::new(Crypto::Symbolic, seed, "account", 2));
    Setup {
        name: P::NAME.into(),
        seed,
        config,
        committee,
        crypto: Crypto::Symbolic,
        accounts,
        ledger: Box::new(|| Box::new(Account::new(1, 1_000_000, Reward::Nothing, 1))),
        network: Box::new(network),
        gossip: None,
        relay: TransactionRelay::Gossip,
        workload: None,
        client_delay: Duration::ZERO,
        client_retry: None,
        processes: (0..nodes).map(|_| ProcessSettings::default()).collect(),
        costs: CostTable::FREE,
        faults: Vec::new(),
        interval: Duration::from_secs(86_400),
        stop: Stop::at(Time::ZERO + Duration::from_secs(86_400 * 365)),
        recheck: false,
        observers: Vec::new(),
    }
}

/// A node that answers each message of its partner by one of its own.
#[derive(Clone, Debug)]
pub struct Bounce;

/// What it sends.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Ball;

impl Wire for Ball {
    fn bytes(&self) -> usize {
        0
    }
    fn kind(&self) -> &'static str {
        "ball"
    }
}
impl protocol::Message for Ball {
    fn verify(&self, _: NodeId, _: &Keyring) -> bool {
        true
    }
}
impl protocol::Record for Ball {}

impl Protocol for Bounce {
    const NAME: &'static str = "bounce";
    const SUMMARY: &'static str = "messages between two nodes, for measuring the engine";
    const FAULTS: FaultModel = FaultModel::Crash;
    type Config = ();
    type Message = Ball;
    type Timer = ();
    type Record = Ball;
    fn boot(_: &Arc<()>, _: &[Ball], ctx: &mut Context<'_, Bounce>) -> Bounce {
        ctx.send(NodeId(ctx.me().0 ^ 1), Ball);
        Bounce
    }
    fn on_message(&mut self, from: NodeId, _: Ball, ctx: &mut Context<'_, Bounce>) {
        ctx.send(from, Ball);
    }
    fn on_timer(&mut self, (): (), _: &mut Context<'_, Bounce>) {}
}

/// As many messages under way as there are `entities`, an even number: every arrival sends the next.
#[must_use]
pub fn messages(entities: usize, seed: u64) -> Simulation<Bounce> {
    let half = Duration::from_micros(500);
    let law = Distribution::Uniform { median: half, half_width: half };
    let delay = Latency::from_distribution(&law).expect("a possible law");
    let network = Transport::new(seed, Box::new(delay), Settings::unlimited(entities));
    let committee = Committee::new(entities, FaultModel::Crash);
    Simulation::new(bare::<Bounce>((), committee, network, seed))
}

/// One decision of PBFT among `validators`, all honest, fully meshed, without disks, processors and bandwidth.
#[must_use]
pub fn pbft(validators: usize, crypto: Crypto, seed: u64) -> Simulation<pbft::Pbft> {
    let law = Distribution::Normal {
        median: Duration::from_millis(250),
        std_dev: Duration::from_millis(50),
        min: Duration::ZERO,
    };
    let delay = Latency::from_distribution(&law).expect("a possible law");
    let network = Transport::new(seed, Box::new(delay), Settings::unlimited(validators));
    let config = pbft::Config {
        request_timeout: Duration::from_secs(3),
        status_interval: Duration::from_secs(30),
        durable: false,
        ..pbft::Config::default()
    };
    let committee = Committee::new(validators, FaultModel::Byzantine);
    let mut setup = bare::<pbft::Pbft>(config, committee, network, seed);
    setup.crypto = crypto;
    let accounts = Arc::new(Keyring::new(crypto, seed, "account", 2));
    setup.accounts = accounts.clone();
    setup.stop = Stop { rule: Some(StopRule::FinalHeight(1)), ..setup.stop };
    let mut simulation = Simulation::new(setup);
    let body = Body::Transfer { to: AccountId(0), amount: 1 };
    let request = Transaction::signed(&accounts, AccountId(0), 0, 1, body, 250);
    simulation.submit_at(Time::ZERO, crate::base::ClientId(0), NodeId(0), request);
    simulation
}

/// `SimBlock`'s Bitcoin of 2019: `nodes` nodes until a block is found on a parent of height `blocks`.
///
/// # Panics
/// If the graph cannot be drawn: fewer than 21 nodes.
#[must_use]
pub fn simblock(nodes: usize, blocks: u64, spacing: Duration, seed: u64) -> Simulation<nakamoto::Nakamoto> {
    let shares = dataset::shares(Kind::Regions, "bitcoin-2019").expect("embedded");
    let places = shares.deal(nodes, &mut Stream::new(seed, "regions", 0, 0));
    let table = dataset::latency("simblock-2019").expect("embedded");
    let bandwidth = dataset::bandwidth("simblock-2019").expect("embedded");
    let row = |place: &usize| {
        let name = &shares.names[*place];
        bandwidth.names.iter().position(|known| known == name).expect("rates of every region")
    };
    let rates: Vec<Rates> = (places.iter().map(row))
        .map(|row| Rates { up: bandwidth.upload[row].0, down: bandwidth.download[row].0 })
        .collect();
    let regions = places.iter().map(|place| table.region(&shares.names[*place]).expect("the same regions")).collect();
    let delay = Latency::simblock(0, &table, regions, DelaySampling::PerMessage).expect("a possible law");
    let network = Transport::new(seed, Box::new(delay), Settings::simblock(rates));
    let graph = Arc::new(simblock_graph(nodes, seed));
    let gossip: Box<dyn Gossip> = Box::new(Compact::new(seed, graph, CompactSettings::simblock()));

    let mut powers = Stream::new(seed, "power", 0, 0);
    let power = |_| (400_000.0 + 100_000.0 * powers.normal()).max(1.0) as u64;
    let committee = Committee::weighted((0..nodes).map(power).collect(), FaultModel::Byzantine);
    let block = Limit { bytes: SIMBLOCK_BLOCK as u64, transactions: 1 };
    let config =
        nakamoto::Config { spacing, retarget: 0, block_limit: block, hash_rate: 1, ..nakamoto::Config::default() };
    let mut setup = bare::<nakamoto::Nakamoto>(config, committee, network, seed);
    setup.gossip = Some(gossip);
    setup.ledger = Box::new(|| Box::new(Filler));
    setup.stop = Stop { rule: Some(StopRule::Height(blocks + 1)), ..setup.stop };
    Simulation::new(setup)
}

/// Which nodes are connected in [`simblock`].
fn simblock_graph(nodes: usize, seed: u64) -> Topology {
    let cumulative = dataset::degrees("bitcoin-2015").expect("embedded");
    let shape = GraphModel::OutboundDegrees { cumulative, max_inbound: nodes as u32 };
    shape.build(nodes, seed).expect("a graph of enough nodes")
}

/// Bytes of the names of all peers of all nodes in [`simblock`]: what any simulator of this graph has to keep.
///
/// # Panics
/// If the graph cannot be drawn: fewer than 21 nodes.
#[must_use]
pub fn simblock_peer_bytes(nodes: usize, seed: u64) -> u64 {
    let graph = simblock_graph(nodes, seed);
    let peers: usize = (0..nodes).map(|node| graph.peers(NodeId::from(node)).len()).sum();
    (peers * size_of::<NodeId>()) as u64
}

/// A ledger on which nothing happens, in blocks of full size.
struct Filler;

impl Ledger for Filler {
    fn admit(&self, _: &Transaction) -> Result<Admission, Rejection> {
        Err(Rejection("nothing happens on this ledger"))
    }
    fn begin(&mut self, _: Height) {}
    fn execute(&mut self, _: &Transaction) -> Result<(), Rejection> {
        Ok(())
    }
    fn finish(&mut self) -> Result<(), Rejection> {
        Ok(())
    }
    fn undo(&mut self) {}
    fn forget(&mut self, _: usize) {}
    fn root(&self) -> Hash {
        Hash::ZERO
    }
    fn state_bytes(&self) -> u64 {
        0
    }
    fn coinbase(&self, proposer: NodeId, height: Height, _: Amount) -> Option<Arc<Transaction>> {
        Some(Transaction::filler(AccountId(proposer.0), height, SIMBLOCK_BLOCK))
    }
    fn audit(&self) -> Result<(), Broken> {
        Ok(())
    }
}
