//! One chain: its nodes, its network, its clients, and the loop that moves them.

use super::adversary::Adversary;
use super::cast::Cast;
use super::checked::Checked;
use super::clock::Clock;
use super::confirmed::{ChainUpTo, Inclusions};
use super::disk::{Disk, DiskModel};
use super::executor::Executor;
use super::fault::{Fault, Scheduled, Trouble, Who};
use super::mail::{Item, Landing, Payload, Sending, Spread};
use super::queue::{Event, Queue};
use super::seat::Seat;
use super::slab::Slab;
use super::traffic::Client;
use crate::base::{ClientId, Committee, CostTable, Crypto, Duration, Hash, Height, Keyring, NodeId, Stream, Time};
use crate::chain::mempool::Capacity;
use crate::chain::{Block, BlockIndex, Mempool, Transaction, Tree};
use crate::ledger::Ledger;
use crate::network::gossip::{Gossip, Post};
use crate::network::{Carried, Delay, Network};
use crate::observe::trace::{Fingerprint, Timeline, Trace};
use crate::observe::{Observed, Observer, Violation};
use crate::protocol::{EffectOf, Protocol};
use crate::workload::Workload;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How transactions reach the mempools of other nodes.
pub enum TransactionRelay {
    /// They spread through the network like everything else, and use its bandwidth.
    Gossip,
    /// Each node hears of them after a delay drawn from this law, times a number of hops. Uses no bandwidth; waits
    /// behind cuts. For large networks, where the spreading of transactions is not what is studied.
    Sampled(Box<dyn Delay>, u32),
}

/// What a node is made of.
pub struct SeatSettings<P: Protocol> {
    /// Cores that check messages and compute.
    pub cores: u32,
    /// Its computing time in thousandths of the reference core's.
    pub slowness: u32,
    /// Its disk.
    pub disk: DiskModel,
    /// Its clock.
    pub clock: Clock,
    /// What its mempool holds.
    pub mempool: Capacity,
    /// The attack of the protocol that it plays, by name.
    pub attack: Option<String>,
    /// What rewrites its effects.
    pub adversary: Option<Box<dyn Adversary<P>>>,
    /// The node whose twin sits here; none for the seats of the committee itself.
    pub plays: Option<NodeId>,
    /// The seats that it is in touch with; everybody if left out.
    pub meets: Option<BTreeSet<NodeId>>,
}

impl<P: Protocol> SeatSettings<P> {
    /// Whether who sits here follows the protocol, as one.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        self.attack.is_none() && self.adversary.is_none() && self.plays.is_none() && self.meets.is_none()
    }
}

impl<P: Protocol> Default for SeatSettings<P> {
    /// One reference core, a disk that is instantly durable, a true clock, an honest node.
    fn default() -> SeatSettings<P> {
        SeatSettings {
            cores: 1,
            slowness: 1000,
            disk: DiskModel::INSTANT,
            clock: Clock::default(),
            mempool: Capacity { bytes: 300_000_000, transactions: 1_000_000 },
            attack: None,
            adversary: None,
            plays: None,
            meets: None,
        }
    }
}

/// When a run ends: at `at`, or earlier when something is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The end.
    pub at: Time,
    /// So many transactions were answered.
    pub answered: Option<u64>,
    /// Some node's chain reached this height.
    pub height: Option<Height>,
    /// All honest nodes have finalized this height.
    pub finalized: Option<Height>,
}

impl Stop {
    /// At this instant and not before.
    #[must_use]
    pub const fn at(at: Time) -> Stop {
        Stop { at, answered: None, height: None, finalized: None }
    }
}

/// Everything a chain is made of.
pub struct Setup<P: Protocol> {
    /// Its name, for people and for agents.
    pub name: String,
    /// The seed of all its streams.
    pub seed: u64,
    /// The protocol's settings.
    pub config: P::Config,
    /// Who takes part: one node per member.
    pub committee: Committee,
    /// Which signatures the nodes make.
    pub crypto: Crypto,
    /// The keys of the ledger's accounts; where strangers pay, the last [`STRANGERS`](super::STRANGERS) are theirs.
    pub accounts: Arc<Keyring>,
    /// Makes the ledger at genesis.
    pub ledger: Box<dyn Fn() -> Box<dyn Ledger>>,
    /// Carries parcels.
    pub network: Box<dyn Network>,
    /// Spreads broadcasts; without it they are sent to everybody.
    pub gossip: Option<Box<dyn Gossip>>,
    /// Spreads transactions.
    pub relay: TransactionRelay,
    /// Asks for things.
    pub workload: Option<Box<dyn Workload>>,
    /// One-way delay between a client and its node.
    pub client_delay: Duration,
    /// How long a client waits for an answer before it hands its transaction in again, to whom the protocol says; doubled
    /// each time, up to [`PATIENCE_MOST`](super::PATIENCE_MOST) times. Never if left out: then it learns at least that its
    /// node refused the transaction.
    pub client_retry: Option<Duration>,
    /// One per member of the committee, and behind them those of twins; see [`super::cast`].
    pub seats: Vec<SeatSettings<P>>,
    /// What computing costs.
    pub costs: CostTable,
    /// What befalls it, in any order.
    pub faults: Vec<Scheduled>,
    /// How often loads are told and the fingerprint is kept.
    pub interval: Duration,
    /// When it ends.
    pub stop: Stop,
    /// Whether everything remembered is computed again and compared.
    pub recheck: bool,
    /// Who watches.
    pub observers: Vec<Box<dyn Observer>>,
}

/// Kinds of events; the low byte of [`Event::what`], with the seat above it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Kind {
    Arrive,
    Spread,
    Land,
    Timer,
    Ready,
    Free,
    Resume,
    Synced,
    Wake,
    Post,
    Later,
    Request,
    Submit,
    Enter,
    Answer,
    Retry,
    Refusal,
    Fault,
    Tick,
    Flood,
}

impl Kind {
    const ALL: [Kind; 20] = [
        Kind::Arrive,
        Kind::Spread,
        Kind::Land,
        Kind::Timer,
        Kind::Ready,
        Kind::Free,
        Kind::Resume,
        Kind::Synced,
        Kind::Wake,
        Kind::Post,
        Kind::Later,
        Kind::Request,
        Kind::Submit,
        Kind::Enter,
        Kind::Answer,
        Kind::Retry,
        Kind::Refusal,
        Kind::Fault,
        Kind::Tick,
        Kind::Flood,
    ];
}

/// The source of what no node causes: the clients.
pub(super) const CLIENTS: u32 = u32::MAX - 1;
/// The source of what no node causes: the schedule. Last among equal times.
pub(super) const SCHEDULE: u32 = u32::MAX;

/// What all nodes of the process share without any of them knowing.
pub(super) struct Shared {
    pub seed: u64,
    pub keys: Keyring,
    pub tree: Tree,
    pub executor: Executor,
    pub inclusions: Inclusions,
}

/// One chain.
pub struct Simulation<P: Protocol> {
    pub(super) name: String,
    pub(super) config: Arc<P::Config>,
    pub(super) committee: Committee,
    pub(super) shared: Shared,
    pub(super) seats: Vec<Seat<P>>,
    pub(super) cast: Cast,
    pub(super) queue: Queue,
    pub(super) network: Box<dyn Network>,
    pub(super) gossip: Option<Box<dyn Gossip>>,
    pub(super) relay: TransactionRelay,
    pub(super) workload: Option<Box<dyn Workload>>,
    pub(super) client_delay: Duration,
    pub(super) client_retry: Option<Duration>,
    pub(super) costs: CostTable,
    pub(super) recheck: bool,
    pub(super) stop: Stop,
    pub(super) stopped: bool,
    /// How far the present call advances.
    until: Time,
    /// Which seats are up.
    pub(super) up: Vec<bool>,
    pub(super) booted: bool,
    interval: Duration,
    mempool: Vec<Capacity>,
    pub(super) faults: Vec<Scheduled>,
    // What is under way.
    pub(super) payloads: Slab<Payload<P::Message>>,
    pub(super) sendings: Slab<Sending>,
    pub(super) spreads: Slab<Spread>,
    pub(super) landings: Slab<Landing>,
    pub(super) posts: Slab<(u32, Vec<Post>)>,
    /// With the number of the life of the node that ordered them: a node that restarts does not finish old business.
    pub(super) later: Slab<(u32, EffectOf<P>)>,
    /// Cores that compute, with the life of the node that they compute for.
    pub(super) computing: Slab<(u32, u32)>,
    pub(super) submitting: Slab<(ClientId, NodeId, Arc<Transaction>)>,
    pub(super) entering: Slab<(NodeId, Arc<Transaction>)>,
    pub(super) items: Vec<Option<Item>>,
    pub(super) items_by_name: FxHashMap<Hash, Option<u32>>,
    pub(super) retiring: std::collections::VecDeque<(Time, u32)>,
    pub(super) behind_cuts: Vec<(NodeId, NodeId, Arc<Transaction>)>,
    // What became of things.
    pub(super) clients: FxHashMap<Hash, Client>,
    pub(super) finals: Vec<u32>,
    pub(super) held: FxHashMap<Hash, Vec<u64>>,
    /// Which blocks somebody extended a chain by.
    pub(super) seen: Vec<bool>,
    pub(super) trouble: Trouble,
    pub(super) replies: u32,
    pub(super) answered: u64,
    pub(super) request_at: Time,
    pub(super) proposers: Vec<bool>,
    pub(super) honest: Vec<bool>,
    // Buffers that are reused.
    pub(super) effects: Vec<EffectOf<P>>,
    pub(super) carried: Carried,
    pub(super) outgoing: Vec<Post>,
    pub(super) receivers: Vec<NodeId>,
    pub(super) idle_spreads: Vec<Vec<(Time, u32, NodeId)>>,
    // What is counted.
    counts: [u32; 2],
    pub(super) events: u64,
    pub(super) trace: Trace,
    timeline: Option<Timeline>,
    observers: Vec<Box<dyn Observer>>,
    pub(super) wants_messages: bool,
    pub(super) violations: Vec<Violation>,
}

/// The keys of the nodes, which check each signature once unless everything is computed anew.
fn keys_of<P: Protocol>(setup: &Setup<P>) -> Keyring {
    let keys = Keyring::new(setup.crypto, setup.seed, "node", setup.committee.n());
    if setup.recheck { keys } else { keys.remembering() }
}

/// Which seats ever propose.
fn proposers<P: Protocol>(setup: &Setup<P>, cast: &Cast) -> Vec<bool> {
    let proposes = |seat| P::proposes(&setup.config, &setup.committee, cast.node(seat));
    (0..setup.seats.len()).map(NodeId::from).map(proposes).collect()
}

/// Making one, and moving it.
impl<P: Protocol> Simulation<P> {
    /// A chain at time zero; nothing has booted yet.
    ///
    /// # Panics
    /// If there are fewer seats than members of the committee, or if one beyond them plays nobody.
    #[must_use]
    pub fn new(setup: Setup<P>) -> Simulation<P> {
        let (cast, keys) = (Cast::of(setup.committee.n(), &setup.seats), keys_of(&setup));
        let proposers = proposers(&setup, &cast);
        let (config, committee) = (Arc::new(setup.config), setup.committee);
        let executor = Executor::new(setup.ledger, setup.accounts, setup.recheck);
        let shared = Shared { seed: setup.seed, keys, tree: Tree::new(), executor, inclusions: Inclusions::default() };
        let mut simulation = Simulation {
            name: setup.name,
            mempool: setup.seats.iter().map(|seat| seat.mempool).collect(),
            honest: setup.seats.iter().map(SeatSettings::is_honest).collect(),
            up: vec![false; setup.seats.len()],
            seats: setup.seats.into_iter().map(new_seat).collect(),
            cast,
            queue: Queue::new(),
            network: setup.network,
            gossip: setup.gossip,
            relay: setup.relay,
            workload: setup.workload,
            client_delay: setup.client_delay,
            client_retry: setup.client_retry,
            costs: setup.costs,
            recheck: setup.recheck,
            stop: setup.stop,
            stopped: false,
            until: Time::ZERO,
            booted: false,
            interval: setup.interval,
            faults: setup.faults,
            payloads: Slab::default(),
            sendings: Slab::default(),
            spreads: Slab::default(),
            landings: Slab::default(),
            posts: Slab::default(),
            later: Slab::default(),
            computing: Slab::default(),
            submitting: Slab::default(),
            entering: Slab::default(),
            items: Vec::new(),
            items_by_name: FxHashMap::default(),
            retiring: std::collections::VecDeque::new(),
            behind_cuts: Vec::new(),
            clients: FxHashMap::default(),
            finals: Vec::new(),
            held: FxHashMap::default(),
            seen: Vec::new(),
            trouble: Trouble::default(),
            replies: u32::try_from(P::replies(&committee)).expect("fewer replies than nodes"),
            answered: 0,
            request_at: Time::NEVER,
            proposers,
            effects: Vec::new(),
            carried: Carried::default(),
            outgoing: Vec::new(),
            receivers: Vec::new(),
            idle_spreads: Vec::new(),
            counts: [0; 2],
            events: 0,
            trace: Trace::new(setup.interval),
            timeline: None,
            wants_messages: setup.observers.iter().any(|observer| observer.wants_messages()),
            observers: setup.observers,
            violations: Vec::new(),
            config,
            committee,
            shared,
        };
        simulation.schedule();
        simulation
    }
    /// Puts the schedule of faults and the first tick and request into the queue.
    fn schedule(&mut self) {
        for at in 0..self.faults.len() {
            self.push(self.faults[at].at, SCHEDULE, Kind::Fault, 0, at as u32);
        }
        self.push(Time::ZERO + self.interval, SCHEDULE, Kind::Tick, 0, 0);
        self.await_request();
    }
    /// Starts every node that no fault stops at time zero.
    fn boot_all(&mut self) {
        self.booted = true;
        let down: Vec<NodeId> = (self.faults.iter())
            .filter(|scheduled| scheduled.at == Time::ZERO)
            .filter_map(|scheduled| match &scheduled.fault {
                Fault::Crash(Who::These(nodes), _) => Some(nodes.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        for seat in (0..self.seats.len()).map(NodeId::from) {
            if !down.contains(&seat) {
                self.boot(seat);
            }
        }
    }
    /// Handles events up to and including `until`, at most `most` of them; whether there may be more.
    pub fn advance(&mut self, until: Time, most: u64) -> bool {
        if !self.booted {
            self.boot_all();
            self.tell_connected();
        }
        let until = until.min(self.stop.at);
        self.until = until;
        for _ in 0..most {
            if self.stopped || self.queue.next_time().is_none_or(|at| at > until) {
                return false;
            }
            let event = self.queue.pop().expect("there is a next event");
            self.handle(event);
        }
        true
    }
    fn handle(&mut self, event: Event) {
        let node = NodeId(event.what >> 8);
        let kind = Kind::ALL[(event.what & 0xff) as usize];
        if !matches!(kind, Kind::Tick | Kind::Arrive | Kind::Spread) {
            self.events += 1;
            let number = u64::from(event.number);
            self.trace.event(event.time, event.source, number, kind as u32, u64::from(node.0), 0);
        }
        match kind {
            Kind::Arrive => self.on_arrive(node, event.with, (event.source, event.number)),
            Kind::Spread => self.on_spread(event.with, self.until),
            Kind::Land => self.on_land(event.with),
            Kind::Timer => self.on_timer(node, event.with, event.time),
            Kind::Ready => self.on_ready(node, event.with),
            Kind::Free => self.on_free(node, event.with),
            Kind::Resume => self.on_resume(node, event.with),
            Kind::Synced => self.on_synced(node, event.with),
            Kind::Wake => self.on_wake(node),
            Kind::Post => self.on_post(node, event.with),
            Kind::Later => self.on_later(node, event.with),
            Kind::Request => self.on_request(event.time),
            Kind::Submit => self.on_submit(event.with),
            Kind::Enter => self.on_enter(event.with),
            Kind::Answer => self.on_answer(event.with),
            Kind::Retry => self.on_retry(event.with),
            Kind::Refusal => self.on_refusal(event.with),
            Kind::Fault => self.on_fault(event.with as usize),
            Kind::Tick => self.on_tick(),
            Kind::Flood => self.on_flood(event.with),
        }
        if self.trouble.reach_changed {
            self.tell_connected();
        }
    }
    /// Nothing more happens: the run ends at the present instant, though its end was not reached.
    pub fn stop(&mut self) {
        self.stopped = true;
    }
    /// Ends the run: last loads, and the observers' last words. Returns the properties that were broken.
    pub fn finish(&mut self) -> &[Violation] {
        let end = self.end();
        self.tell_loads();
        let trace = std::mem::replace(&mut self.trace, Trace::new(self.interval));
        self.timeline = Some(trace.finish(end));
        for at in 0..self.observers.len() {
            if let Err(violation) = self.observers[at].finish(end) {
                self.observers.iter_mut().for_each(|observer| observer.violated(end, &violation));
                self.violations.push(violation);
            }
        }
        &self.violations
    }
    /// The instant at which the run ended, or would if it ended now.
    #[must_use]
    pub fn end(&self) -> Time {
        if self.stopped { self.queue.now() } else { self.stop.at }
    }
}

/// Scheduling and telling.
impl<P: Protocol> Simulation<P> {
    pub(super) fn now(&self) -> Time {
        self.queue.now()
    }
    /// Adds an event whose number is its source's next.
    pub(super) fn push(&mut self, at: Time, source: u32, kind: Kind, node: u32, with: u32) {
        let number = match source {
            CLIENTS | SCHEDULE => {
                let count = &mut self.counts[(source - CLIENTS) as usize];
                *count = count.checked_add(1).expect("fewer than 2^32 events of the schedule");
                *count
            }
            node => self.seats[node as usize].count(),
        };
        self.push_numbered(at, source, number, kind, node, with);
    }
    pub(super) fn push_numbered(&mut self, at: Time, source: u32, number: u32, kind: Kind, node: u32, with: u32) {
        let what = kind as u32 | (node << 8);
        self.queue.push(Event { time: at, source, number, what, with });
    }
    /// Adds something that a node did to the fingerprint.
    pub(super) fn output(&mut self, kind: u32, node: NodeId, value: u64) {
        self.trace.event(self.queue.now(), node.0, 0, 0x100 + kind, value, 0);
    }
    /// Whether anybody wants to be told.
    pub(super) fn is_watched(&self) -> bool {
        !self.observers.is_empty()
    }
    /// Tells the observers.
    pub(super) fn tell(&mut self, observed: &Observed<'_>) {
        if !self.cast.shows(observed) {
            return;
        }
        let now = self.queue.now();
        for at in 0..self.observers.len() {
            if let Err(violation) = self.observers[at].observe(now, observed) {
                self.observers.iter_mut().for_each(|observer| observer.violated(now, &violation));
                self.violations.push(violation);
            }
        }
    }
    /// Tells which nodes are connected, if that changed.
    #[cold]
    fn tell_connected(&mut self) {
        self.trouble.reach_changed = false;
        let (up, committee) = (&self.up[..self.cast.nodes()], &self.committee);
        let needed = P::decisive(committee);
        let connected = self.trouble.cuts.connected(up, |node| committee.weight(node), needed);
        if connected != self.trouble.connected {
            self.tell(&Observed::Connected { nodes: &connected });
            self.trouble.connected = connected;
        }
    }
    fn on_tick(&mut self) {
        self.tell_loads();
        let next = self.now() + self.interval;
        if next <= self.stop.at {
            self.push(next, SCHEDULE, Kind::Tick, 0, 0);
        }
    }
    fn tell_loads(&mut self) {
        for at in 0..self.cast.nodes() {
            let node = NodeId::from(at);
            let (sent, received) = (self.network.bytes_sent(node), self.network.bytes_received(node));
            let seat = &mut self.seats[at];
            let load = Observed::Load {
                node,
                busy: seat.busy,
                inbox_max: std::mem::take(&mut seat.inbox_max),
                pending: seat.pool.len() as u32,
                sent,
                received,
                written: seat.disk.written(),
            };
            self.tell(&load);
        }
    }
    /// An empty mempool for `node`.
    pub(super) fn fresh_pool(&self, node: NodeId) -> Mempool {
        Mempool::new(self.mempool[node.index()])
    }
}

/// Looking in from outside.
impl<P: Protocol> Simulation<P> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The time of its next event; `None` when nothing will happen before the end.
    pub fn next_time(&mut self) -> Option<Time> {
        if !self.booted {
            return Some(Time::ZERO);
        }
        let stop = self.stop.at;
        if self.stopped { None } else { self.queue.next_time().filter(|at| *at <= stop) }
    }
    /// Events handled so far.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }
    /// The running hash over everything that happened; complete once the run is finished.
    #[must_use]
    pub fn timeline(&self) -> Option<&Timeline> {
        self.timeline.as_ref()
    }
    /// The running hash so far.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        self.trace.fingerprint()
    }
    /// The properties broken so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
    /// The observers, to take their findings.
    pub fn observers(&mut self) -> &mut Vec<Box<dyn Observer>> {
        &mut self.observers
    }
    /// The last block that `node` has finalized.
    #[must_use]
    pub fn finalized(&self, node: NodeId) -> Arc<Block> {
        let seat = &self.seats[node.index()];
        let index = self.shared.tree.ancestor(seat.tip, seat.finalized);
        self.shared.tree.block(index).clone()
    }
    /// The block of `node`'s chain at `height`.
    #[must_use]
    pub fn block_at(&self, node: NodeId, height: Height) -> Option<Arc<Block>> {
        let tip = self.seats[node.index()].tip;
        let tree = &self.shared.tree;
        (height <= tree.height(tip)).then(|| tree.block(tree.ancestor(tip, height)).clone())
    }
    /// The transactions that had an effect in the block of `node`'s chain at `height`; none if it has no such block.
    pub fn executed_at(&mut self, node: NodeId, height: Height) -> Vec<Arc<Transaction>> {
        let Shared { tree, executor, .. } = &mut self.shared;
        let tip = self.seats[node.index()].tip;
        if height > tree.height(tip) {
            return Vec::new();
        }
        let index = tree.ancestor(tip, height);
        let result = executor.result(tree, index);
        let transactions = tree.block(index).transactions().iter().zip(&result.executed);
        transactions.filter(|(_, executed)| **executed).map(|(transaction, _)| transaction.clone()).collect()
    }
    /// Whether `node` runs.
    #[must_use]
    pub fn is_up(&self, node: NodeId) -> bool {
        self.seats[node.index()].is_up()
    }
    /// All blocks anybody made.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.shared.tree
    }
    /// Number of nodes.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.cast.nodes()
    }
    /// Things under way or kept for others; zero when all is quiet and everybody has everything. For leak tests.
    #[must_use]
    pub fn under_way(&self) -> usize {
        let items = self.items.iter().flatten().count();
        self.payloads.len() + self.sendings.len() + self.spreads.len() + self.landings.len() + items
    }
}

fn new_seat<P: Protocol>(settings: SeatSettings<P>) -> Seat<P> {
    Seat {
        occupant: None,
        attack: settings.attack,
        adversary: settings.adversary,
        boots: 0,
        number: 0,
        parcels: 0,
        clock: settings.clock,
        native_clock: settings.clock,
        slowness: settings.slowness,
        native_slowness: settings.slowness,
        burdens: Vec::new(),
        paused: false,
        checked: Checked::default(),
        frozen: Vec::new(),
        shown: Time::ZERO,
        cores: settings.cores,
        running: Vec::new(),
        computing: 0,
        inbox: std::collections::VecDeque::new(),
        inbox_max: 0,
        outbox: std::collections::VecDeque::new(),
        stalled: false,
        timers: Vec::new(),
        disk: Disk::new(settings.disk),
        backups: std::collections::VecDeque::new(),
        random: None,
        disk_random: None,
        pool: Mempool::new(settings.mempool),
        tip: BlockIndex::GENESIS,
        finalized: Height::GENESIS,
        forgotten: Height::GENESIS,
        busy: Duration::ZERO,
        led: None,
    }
}

impl Shared {
    /// The chain that ends with `tip`, as mempools see it.
    pub(super) fn chain(&self, tip: BlockIndex) -> ChainUpTo<'_> {
        let Shared { inclusions, executor, tree, .. } = self;
        ChainUpTo { inclusions, executor, tree, tip }
    }
    /// A stream of `node`, named anew for each of its starts.
    pub(super) fn stream(&self, label: &str, node: NodeId, boots: u32) -> Box<Stream> {
        Box::new(Stream::new(self.seed, label, u64::from(node.0), u64::from(boots)))
    }
}
