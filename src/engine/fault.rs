//! What befalls the nodes, the network and the clients of a chain, and what that does to them.
//!
//! A fault begins and ends by its number. What a node must bear while one lasts is a [`Burden`]; of several that
//! slow the same thing the worst counts, and clocks add up. Whoever leads is found when a fault begins, and its end finds
//! the same node again.

use super::clock::Clock;
use super::disk::Kept;
use super::reach::Cuts;
use super::seat::{Job, Origin};
use super::simulation::{Kind, SCHEDULE, Simulation};
use crate::base::{AccountId, Duration, NodeId, Time, Work};
use crate::chain::{Amount, Body, Transaction};
use crate::network::Change;
use crate::observe::{Loss, Observed};
use crate::protocol::Protocol;
use std::sync::Arc;

/// Stands for whoever leads, in a [`Fault::AtLeader`].
pub const LEADER: NodeId = NodeId(u32::MAX);

/// Whom a fault strikes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Who {
    /// These nodes.
    These(Vec<NodeId>),
    /// Whoever leads when the fault with this number begins: of the honest nodes that noted that they lead, the one of the
    /// latest turn (`protocol::note::LEADING`), and of several the last. Nobody if nobody ever did.
    Leader(u32),
}

/// What a node must bear while a fault lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Burden {
    /// The process stands still: what arrives waits, timers that are due fire when it goes on. Its machine still relays
    /// gossip.
    Pause,
    /// Computing takes so many thousandths of its time.
    Cpu(u32),
    /// Writing takes so many thousandths of its time.
    Disk(u32),
    /// No write completes.
    DiskFull,
    /// The clock jumps by so many nanoseconds, and gains so many per second from then on.
    Clock {
        /// The jump.
        step: i64,
        /// Nanoseconds gained per second.
        drift: i64,
    },
}

/// What strangers send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Junk {
    /// Messages with broken signatures, which are checked and thrown away.
    Forged,
    /// Signed payments from accounts that hold nothing: they enter mempools and spread, until a proposer finds out.
    Unfunded,
}

/// How many accounts the strangers have: the last of a chain's keyring. A mempool holds one payment of each at most.
pub const STRANGERS: u32 = 1_000;
/// What strangers promise as fee, and what a payment of theirs takes: as much as others by default.
const STRANGERS_FEE: Amount = 250;
const STRANGERS_BYTES: usize = 250;

/// Something that befalls the nodes, the network or the clients. What has a number ends with [`Fault::Lift`].
#[derive(Clone, PartialEq, Debug)]
pub enum Fault {
    /// These nodes stop, and will find this much of their logs.
    Crash(Who, Kept),
    /// These nodes start again.
    Restart(Who),
    /// These nodes must bear something.
    Burden {
        /// Its number.
        id: u32,
        /// Which nodes.
        who: Who,
        /// What.
        burden: Burden,
    },
    /// The network changes.
    Network(Change),
    /// The network changes around whoever leads, for whom [`LEADER`] stands.
    AtLeader {
        /// Its number.
        id: u32,
        /// The change.
        change: Change,
    },
    /// Clients ask so many thousandths times as often.
    Load {
        /// Its number.
        id: u32,
        /// Thousandths of the usual rate, above 0.
        pace: u32,
    },
    /// Strangers send these nodes what serves nobody.
    Flood {
        /// Its number.
        id: u32,
        /// Which nodes.
        who: Who,
        /// What.
        junk: Junk,
        /// Between two to one node.
        gap: Duration,
    },
    /// The data directories of these nodes are copied, for a crash that restores them.
    Backup(Vec<NodeId>),
    /// Those of these nodes that run lose their disks, logs and chains, and start anew; and so again after each span of
    /// this length.
    Forget(Vec<NodeId>, Duration),
    /// The fault with this number ends.
    Lift(u32),
}

impl Fault {
    /// A plain crash.
    #[must_use]
    pub fn crash(nodes: Vec<NodeId>) -> Fault {
        Fault::Crash(Who::These(nodes), Kept::Durable)
    }
    /// The end of a crash.
    #[must_use]
    pub fn restart(nodes: Vec<NodeId>) -> Fault {
        Fault::Restart(Who::These(nodes))
    }
}

/// A fault and when it strikes. `begins` and `ends` name a span for people.
#[derive(Clone, PartialEq, Debug)]
pub struct Scheduled {
    /// When.
    pub at: Time,
    /// What.
    pub fault: Fault,
    /// The number and label of the span that begins here.
    pub begins: Option<(u32, String)>,
    /// The number of the span that ends here.
    pub ends: Option<u32>,
}

/// Strangers at work.
struct Flood {
    id: u32,
    nodes: Vec<NodeId>,
    junk: Junk,
    gap: Duration,
    /// How many payments they made.
    made: u32,
}

/// The faults that struck somebody or something that their ends must find again.
#[derive(Default)]
pub(super) struct Trouble {
    /// The faults that struck a leader, by number, and whom.
    outages: Vec<(u32, NodeId)>,
    floods: Vec<Flood>,
    /// How fast clients ask.
    pub pace: Pace,
    /// The cuts in force.
    pub cuts: Cuts,
    /// Whether a node came up or went down, or a cut came or went, since observers were told who is connected.
    pub reach_changed: bool,
    /// What they were told.
    pub connected: Vec<bool>,
}

/// The relation between the time of the clients, by which they ask, and true time.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// The pace of each fault in force, in thousandths.
    paces: Vec<(u32, u32)>,
    /// The two times that the present pace starts from.
    since: (Time, Time),
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { paces: Vec::new(), since: (Time::ZERO, Time::ZERO) }
    }
}

impl Pace {
    fn thousandths(&self) -> u64 {
        self.paces.iter().fold(1000, |product, (_, pace)| (product * u64::from(*pace) / 1000).max(1))
    }
    /// The clients' time at a true instant.
    pub fn show(&self, now: Time) -> Time {
        self.since.1 + now.since(self.since.0).scale(self.thousandths(), 1000)
    }
    /// The first true instant at which the clients' time is at least `shown`.
    pub fn when(&self, shown: Time) -> Time {
        if shown == Time::NEVER {
            return Time::NEVER;
        }
        let pace = self.thousandths();
        let at = self.since.0 + shown.since(self.since.1).scale(1000, pace);
        if self.show(at) < shown { at + Duration::from_nanos(1000u64.div_ceil(pace)) } else { at }
    }
    fn change(&mut self, now: Time, change: impl FnOnce(&mut Vec<(u32, u32)>)) {
        self.since = (now, self.show(now));
        change(&mut self.paces);
    }
}

/// Beginning and ending.
impl<P: Protocol> Simulation<P> {
    pub(super) fn on_fault(&mut self, at: usize) {
        let Scheduled { fault, begins, ends, .. } = self.faults[at].clone();
        if let Some((fault, label)) = &begins {
            self.tell(&Observed::FaultBegan { fault: *fault, label });
        }
        self.befall(at, fault);
        if let Some(fault) = ends {
            self.tell(&Observed::FaultEnded { fault });
        }
    }
    /// What the entry `at` of the schedule does.
    fn befall(&mut self, at: usize, fault: Fault) {
        match fault {
            Fault::Crash(who, kept) => self.strike(who).into_iter().for_each(|node| self.crash(node, kept)),
            Fault::Restart(who) => self.struck(who).into_iter().for_each(|node| self.boot(node)),
            Fault::Burden { id, who, burden } => {
                let burden = self.seen_from_now(burden);
                for node in self.strike(who) {
                    self.seats[node.index()].burdens.push((id, burden));
                    self.bear(node);
                }
            }
            Fault::Network(change) => self.change_network(&change),
            Fault::AtLeader { id, change } => {
                if let [leader] = self.strike(Who::Leader(id))[..] {
                    self.change_network(&around(leader, change));
                }
            }
            Fault::Load { id, pace } => self.change_pace(|paces| paces.push((id, pace))),
            Fault::Flood { id, who, junk, gap } => {
                let nodes = self.strike(who);
                self.trouble.floods.push(Flood { id, nodes, junk, gap, made: 0 });
                self.push(self.now() + gap, SCHEDULE, Kind::Flood, 0, id);
            }
            Fault::Backup(nodes) => nodes.into_iter().for_each(|node| self.back_up(node)),
            Fault::Forget(nodes, every) => {
                nodes.into_iter().for_each(|node| self.forget(node));
                self.push(self.now() + every, SCHEDULE, Kind::Fault, 0, at as u32);
            }
            Fault::Lift(id) => self.lift(id),
        }
    }
    /// The honest node that led last in the latest turn. What a node notes by an old memory is of an earlier turn.
    pub(super) fn leader(&self) -> Option<NodeId> {
        let led = |at: usize| self.seats[at].led.filter(|_| self.honest[at]).map(|led| (led, at));
        (0..self.seats.len()).filter_map(led).max().map(|(_, at)| NodeId::from(at))
    }
    /// Whom a fault strikes that begins.
    fn strike(&mut self, who: Who) -> Vec<NodeId> {
        match who {
            Who::These(nodes) => nodes,
            Who::Leader(id) => {
                let leader = self.leader();
                self.trouble.outages.extend(leader.map(|leader| (id, leader)));
                leader.into_iter().collect()
            }
        }
    }
    /// Whom a fault struck that ends.
    fn struck(&mut self, who: Who) -> Vec<NodeId> {
        match who {
            Who::These(nodes) => nodes,
            Who::Leader(id) => {
                let (these, others) =
                    std::mem::take(&mut self.trouble.outages).into_iter().partition(|(known, _)| *known == id);
                self.trouble.outages = others;
                let these: Vec<(u32, NodeId)> = these;
                these.into_iter().map(|(_, leader)| leader).collect()
            }
        }
    }
    fn lift(&mut self, id: u32) {
        for node in (0..self.seats.len()).map(NodeId::from) {
            let burdens = &mut self.seats[node.index()].burdens;
            let before = burdens.len();
            burdens.retain(|(known, _)| *known != id);
            if burdens.len() < before {
                self.bear(node);
            }
        }
        self.trouble.floods.retain(|flood| flood.id != id);
        self.trouble.outages.retain(|(known, _)| *known != id);
        self.change_pace(|paces| paces.retain(|(known, _)| *known != id));
    }
    fn change_pace(&mut self, change: impl FnOnce(&mut Vec<(u32, u32)>)) {
        let now = self.now();
        self.trouble.pace.change(now, change);
        self.request_at = Time::NEVER;
        self.await_request();
    }
    pub(super) fn on_flood(&mut self, id: u32) {
        let Some(flood) = self.trouble.floods.iter_mut().find(|flood| flood.id == id) else { return };
        let (nodes, junk, gap, made) = (flood.nodes.clone(), flood.junk, flood.gap, flood.made);
        flood.made = made.wrapping_add(nodes.len() as u32);
        for (node, number) in nodes.into_iter().zip((0..).map(|at| made.wrapping_add(at))) {
            match junk {
                _ if !self.up[node.index()] => self.lose(node, None, Loss::Down),
                Junk::Forged => self.enqueue(node, Job::Forged, Work::RECEIVE + Work::VERIFY),
                Junk::Unfunded => {
                    let payment = self.unfunded(number);
                    self.offer(node, payment, Origin::Client);
                }
            }
        }
        self.push(self.now() + gap, SCHEDULE, Kind::Flood, 0, id);
    }
    /// The payment with this number of the strangers.
    fn unfunded(&self, number: u32) -> Arc<Transaction> {
        let keys = self.shared.executor.accounts();
        let strangers = keys.len() as u32 - STRANGERS;
        let (from, amount) = (AccountId(strangers + number % STRANGERS), Amount::from(number) + 1);
        let body = Body::Transfer { to: AccountId(0), amount };
        Transaction::signed(keys, from, 0, STRANGERS_FEE, body, STRANGERS_BYTES)
    }
    fn change_network(&mut self, change: &Change) {
        let mut carried = std::mem::take(&mut self.carried);
        self.network.change(self.now(), change, &mut carried);
        self.carry(&mut carried);
        self.carried = carried;
        self.trouble.cuts.apply(change);
        self.trouble.reach_changed = true;
        self.release_behind_cuts();
    }
}

/// Bearing.
impl<P: Protocol> Simulation<P> {
    /// A clock that begins to gain now would otherwise have gained since time zero.
    fn seen_from_now(&self, burden: Burden) -> Burden {
        match burden {
            Burden::Clock { step, drift } => {
                let gained = i128::from(self.now().as_nanos()) * i128::from(drift) / 1_000_000_000;
                Burden::Clock { step: step.saturating_sub(i64::try_from(gained).unwrap_or(i64::MAX)), drift }
            }
            other => other,
        }
    }
    /// Makes a seat what its burdens make of it, and lets it go on with what it can do again.
    fn bear(&mut self, node: NodeId) {
        let seat = &mut self.seats[node.index()];
        seat.paused = false;
        (seat.slowness, seat.clock) = (seat.native_slowness, seat.native_clock);
        let (mut slow_cpu, mut slowness, mut full) = (1000, 1000, false);
        for (_, burden) in &seat.burdens {
            match *burden {
                Burden::Pause => seat.paused = true,
                Burden::Cpu(times) => slow_cpu = slow_cpu.max(times),
                Burden::Disk(times) => slowness = slowness.max(times),
                Burden::DiskFull => full = true,
                Burden::Clock { step, drift } => {
                    let Clock { offset, drift: gains } = seat.clock;
                    seat.clock = Clock { offset: offset.saturating_add(step), drift: gains.saturating_add(drift) };
                }
            }
        }
        let slower = u64::from(seat.native_slowness) * u64::from(slow_cpu) / 1000;
        seat.slowness = u32::try_from(slower).unwrap_or(u32::MAX).max(1);
        seat.disk.set_condition(slowness, full);
        if seat.is_up() && !seat.paused {
            self.go_on(node);
        }
    }
    /// A process that stood still handles what was ready, sends what waited, and starts what arrived.
    fn go_on(&mut self, node: NodeId) {
        for number in std::mem::take(&mut self.seats[node.index()].frozen) {
            self.on_ready(node, number);
        }
        self.sync(node);
        self.drain(node);
        self.start_waiting(node);
    }
}

/// The change with the leader in its place: who is named beside it as everybody else is not the leader.
fn around(leader: NodeId, change: Change) -> Change {
    let bind = |nodes: Vec<NodeId>| -> Vec<NodeId> {
        if nodes.contains(&LEADER) { vec![leader] } else { nodes.into_iter().filter(|node| *node != leader).collect() }
    };
    match change {
        Change::Cut { id, pairs } => {
            Change::Cut { id, pairs: pairs.into_iter().map(|(from, to)| (bind(from), bind(to))).collect() }
        }
        Change::Degrade { id, from, to, by } => Change::Degrade { id, from: bind(from), to: bind(to), by },
        lift @ Change::Lift { .. } => lift,
    }
}
