//! The schedule of faults, and the impairments of each process at present.
//!
//! A fault begins and ends by its number. Its effect on a process is a [`NodeImpairment`]. Of several impairments that
//! slow the same thing the worst counts; those of clocks add up. A fault at the leader finds the process that leads when it
//! begins, and its end finds the same process again.
//!
//! This room decides and remembers; it changes no other. The cuts and the leader cross processes.

use super::process::{Condition, LogSurvival};
use super::reach::Cuts;
use super::roster::{ProcessId, Roster};
use crate::base::{Duration, NodeId, Time};
use crate::chain::Amount;
use crate::network::{Change, Degradation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One end of links that change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkEnd {
    /// These end points.
    Nodes(Vec<NodeId>),
    /// The process that leads when the fault begins.
    Leader,
}

/// A change of the network of which some ends may be the leader.
#[derive(Clone, PartialEq, Debug)]
pub enum LinkChange {
    /// Nothing passes from the first end to the second of each pair.
    Cut(Vec<(LinkEnd, LinkEnd)>),
    /// Links from one end to the other get worse.
    Degrade {
        /// Senders.
        from: LinkEnd,
        /// Receivers.
        to: LinkEnd,
        /// How they get worse.
        by: Degradation,
    },
}

impl LinkChange {
    /// Whether the leader is an end.
    #[must_use]
    pub fn names_leader(&self) -> bool {
        match self {
            LinkChange::Cut(pairs) => pairs.iter().any(|(from, to)| *from == LinkEnd::Leader || *to == LinkEnd::Leader),
            LinkChange::Degrade { from, to, .. } => *from == LinkEnd::Leader || *to == LinkEnd::Leader,
        }
    }
    /// All ends that are given by number.
    pub fn ends(&mut self) -> Vec<&mut Vec<NodeId>> {
        let ends: Vec<&mut LinkEnd> = match self {
            LinkChange::Cut(pairs) => pairs.iter_mut().flat_map(|(from, to)| [from, to]).collect(),
            LinkChange::Degrade { from, to, .. } => vec![from, to],
        };
        let numbered = ends.into_iter().filter_map(|end| match end {
            LinkEnd::Nodes(nodes) => Some(nodes),
            LinkEnd::Leader => None,
        });
        numbered.collect()
    }
    /// The change with this number, with `leader` where the leader is named. Beside it, other ends do not contain it.
    #[must_use]
    pub fn bind(self, id: u32, leader: Option<NodeId>) -> Change {
        let bind = |end: LinkEnd| match end {
            LinkEnd::Leader => leader.into_iter().collect(),
            LinkEnd::Nodes(mut nodes) => {
                nodes.retain(|node| Some(*node) != leader);
                nodes
            }
        };
        match self {
            LinkChange::Cut(pairs) => {
                Change::Cut { id, pairs: pairs.into_iter().map(|(from, to)| (bind(from), bind(to))).collect() }
            }
            LinkChange::Degrade { from, to, by } => Change::Degrade { id, from: bind(from), to: bind(to), by },
        }
    }
}

/// The processes that a fault hits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// These.
    Processes(Vec<ProcessId>),
    /// The one that leads when the fault with this number begins: of the honest ones that noted that they lead, that of the
    /// latest turn (`protocol::note::LEADING`), and of several the last. None if none ever did.
    Leader(u32),
}

impl Target {
    /// The first processes of these nodes: their only ones, if they have no twins.
    #[must_use]
    pub fn first_of(nodes: Vec<NodeId>) -> Target {
        Target::Processes(nodes.into_iter().map(ProcessId::first_of).collect())
    }
}

/// The impairment of a process while a fault lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeImpairment {
    /// The process stands still: what arrives waits, timers that are due fire when it resumes. Its machine still relays
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

/// What a process can do under these impairments.
fn condition_under(impairments: &[(u32, NodeImpairment)]) -> Condition {
    let mut condition = Condition::GOOD;
    for (_, impairment) in impairments {
        match *impairment {
            NodeImpairment::Pause => condition.is_paused = true,
            NodeImpairment::Cpu(times) => condition.cpu = condition.cpu.max(times),
            NodeImpairment::Disk(times) => condition.disk = condition.disk.max(times),
            NodeImpairment::DiskFull => condition.is_disk_full = true,
            NodeImpairment::Clock { step, drift } => {
                condition.clock_step = condition.clock_step.saturating_add(step);
                condition.clock_drift = condition.clock_drift.saturating_add(drift);
            }
        }
    }
    condition
}

/// What a flood sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FloodPayload {
    /// Messages with broken signatures, which are checked and discarded.
    #[default]
    Messages,
    /// Signed payments from a thousand accounts that hold nothing, with the usual size and fee: they enter mempools and
    /// spread, until a proposer tries them.
    Transactions,
}

/// How many accounts floods pay from: the last of a chain's keyring. A mempool holds one payment of each at most.
pub const FLOOD_ACCOUNTS: u32 = 1_000;
/// What a payment of a flood promises as fee, and its bytes: as much as others by default.
pub(super) const FLOOD_FEE: Amount = 250;
pub(super) const FLOOD_BYTES: usize = 250;

/// A fault of the nodes, the network or the clients. What has a number ends with [`Fault::Lift`].
#[derive(Clone, PartialEq, Debug)]
pub enum Fault {
    /// These processes stop, and will find this much of their logs.
    Crash(Target, LogSurvival),
    /// These processes start again.
    Restart(Target),
    /// These processes bear something.
    Impair {
        /// Its number.
        id: u32,
        /// Which processes.
        target: Target,
        /// What.
        impairment: NodeImpairment,
    },
    /// The network changes.
    Network(Change),
    /// The network changes around the leader.
    AtLeader {
        /// Its number.
        id: u32,
        /// The change.
        change: LinkChange,
    },
    /// Clients submit at a changed rate.
    Load {
        /// Its number.
        id: u32,
        /// Thousandths of the usual rate, above 0.
        pace: u32,
    },
    /// These processes receive useless traffic.
    Flood {
        /// Its number.
        id: u32,
        /// Which processes.
        target: Target,
        /// What.
        payload: FloodPayload,
        /// Between two to one process.
        gap: Duration,
    },
    /// The data directories of these processes are copied, for a crash that restores them.
    Backup(Vec<ProcessId>),
    /// Those of these processes that run lose their disks, logs and chains, and start anew; and so again after each span
    /// of this length.
    Forget(Vec<ProcessId>, Duration),
    /// The fault with this number ends.
    Lift(u32),
}

impl Fault {
    /// A plain crash of nodes without twins.
    #[must_use]
    pub fn crash(nodes: Vec<NodeId>) -> Fault {
        Fault::Crash(Target::first_of(nodes), LogSurvival::Durable)
    }
    /// The end of a crash.
    #[must_use]
    pub fn restart(nodes: Vec<NodeId>) -> Fault {
        Fault::Restart(Target::first_of(nodes))
    }
}

/// A fault and when it begins. `begins` and `ends` name a span for people.
#[derive(Clone, PartialEq, Debug)]
pub struct FaultEvent {
    /// When.
    pub at: Time,
    /// What.
    pub fault: Fault,
    /// The number and label of the span that begins here.
    pub begins: Option<(u32, String)>,
    /// The number of the span that ends here.
    pub ends: Option<u32>,
}

/// A flood in progress.
struct Flood {
    id: u32,
    processes: Vec<ProcessId>,
    payload: FloodPayload,
    gap: Duration,
    /// How many items it sent.
    sent: u32,
}

/// One round of a flood: one item to each of these processes, numbered from `first` on, and the next after `gap`.
pub(super) struct FloodRound {
    pub processes: Vec<ProcessId>,
    pub payload: FloodPayload,
    pub gap: Duration,
    pub first: u32,
}

/// The schedule, and the faults in force.
pub(super) struct Faults {
    schedule: Vec<FaultEvent>,
    /// The impairments of each process, with the number of the fault.
    impairments: Vec<Vec<(u32, NodeImpairment)>>,
    /// The leaders that faults hit, by the number of the fault.
    hit_leaders: Vec<(u32, ProcessId)>,
    /// The last turn in which each process led, and since when.
    led: Vec<Option<(u64, Time)>>,
    floods: Vec<Flood>,
    cuts: Cuts,
    /// Whether a process came up or went down, or a cut came or went, since observers were last notified of the connected nodes.
    reach_changed: bool,
    /// What they were notified of.
    connected: Vec<bool>,
}

/// Beginning and ending.
impl Faults {
    /// This schedule, for so many processes.
    pub fn new(schedule: Vec<FaultEvent>, processes: usize) -> Faults {
        Faults {
            schedule,
            impairments: vec![Vec::new(); processes],
            hit_leaders: Vec::new(),
            led: vec![None; processes],
            floods: Vec::new(),
            cuts: Cuts::default(),
            reach_changed: false,
            connected: Vec::new(),
        }
    }
    /// When each entry of the schedule is due.
    pub fn times(&self) -> impl Iterator<Item = Time> {
        self.schedule.iter().map(|scheduled| scheduled.at)
    }
    /// An entry of the schedule.
    pub fn entry(&self, entry: u32) -> &FaultEvent {
        &self.schedule[entry as usize]
    }
    /// The processes that are down from the beginning.
    pub fn down_at_start(&self) -> Vec<ProcessId> {
        let first = self.schedule.iter().filter(|scheduled| scheduled.at == Time::ZERO);
        let down = first.filter_map(|scheduled| match &scheduled.fault {
            Fault::Crash(Target::Processes(processes), _) => Some(processes),
            _ => None,
        });
        down.flatten().copied().collect()
    }
    /// A process notes that it leads in a turn.
    pub fn note_leader(&mut self, process: ProcessId, turn: u64, now: Time) {
        self.led[process.index()] = Some((turn, now));
    }
    /// The process that led last in the latest turn, of those that `may` lead. What a process notes by an old memory is of
    /// an earlier turn.
    fn leader(&self, may: impl Fn(ProcessId) -> bool) -> Option<ProcessId> {
        let led = self.led.iter().enumerate().map(|(at, led)| (led, ProcessId::from(at)));
        led.filter(|(led, process)| led.is_some() && may(*process)).max().map(|(_, process)| process)
    }
    /// The processes that a fault hits that begins.
    pub fn targets_at_begin(&mut self, target: Target, roster: &Roster) -> Vec<ProcessId> {
        match target {
            Target::Processes(processes) => processes,
            Target::Leader(id) => {
                let leader = self.leader(|process| roster.is_honest(process));
                self.hit_leaders.extend(leader.map(|leader| (id, leader)));
                leader.into_iter().collect()
            }
        }
    }
    /// The processes that a fault hit that ends.
    pub fn targets_at_end(&mut self, target: Target) -> Vec<ProcessId> {
        match target {
            Target::Processes(processes) => processes,
            Target::Leader(id) => {
                let hit = self.hit_leaders.extract_if(.., |(known, _)| *known == id);
                hit.map(|(_, leader)| leader).collect()
            }
        }
    }
    /// Impairs a process from now on; returns its condition under all impairments.
    pub fn impair(&mut self, process: ProcessId, id: u32, impairment: NodeImpairment) -> Condition {
        let impairments = &mut self.impairments[process.index()];
        impairments.push((id, impairment));
        condition_under(impairments)
    }
    /// The fault with this number ends, as far as it is one of this room: the processes whose condition changes by that.
    pub fn lift(&mut self, id: u32) -> Vec<(ProcessId, Condition)> {
        self.floods.retain(|flood| flood.id != id);
        self.hit_leaders.retain(|(known, _)| *known != id);
        let mut changed = Vec::new();
        for (process, impairments) in self.impairments.iter_mut().enumerate() {
            let before = impairments.len();
            impairments.retain(|(known, _)| *known != id);
            if impairments.len() < before {
                changed.push((ProcessId::from(process), condition_under(impairments)));
            }
        }
        changed
    }
    /// A process crashed: it does not stand still when it starts again.
    pub fn crashed(&mut self, process: ProcessId) {
        self.reach_changed = true;
        self.impairments[process.index()].retain(|(_, impairment)| *impairment != NodeImpairment::Pause);
    }
    /// A process lost its data: it will not know that it led.
    pub fn lost_data(&mut self, process: ProcessId) {
        self.led[process.index()] = None;
    }
    /// A process started.
    pub fn booted(&mut self) {
        self.reach_changed = true;
    }
    /// The network changes.
    pub fn change_network(&mut self, change: &Change) {
        self.cuts.apply(change);
        self.reach_changed = true;
    }
    /// Which of `nodes` nodes reach as much weight as decides, in both directions; `None` if that is as observers know
    /// it.
    pub fn connected(&mut self, up: &[bool], weight: impl Fn(NodeId) -> u64, needed: u64) -> Option<&[bool]> {
        if !std::mem::replace(&mut self.reach_changed, false) {
            return None;
        }
        let connected = self.cuts.connected(up, weight, needed);
        if connected == self.connected {
            return None;
        }
        self.connected = connected;
        Some(&self.connected)
    }
    /// Whether the set of connected nodes may have changed.
    pub fn has_reach_changed(&self) -> bool {
        self.reach_changed
    }
}

/// Floods.
impl Faults {
    /// A flood begins.
    pub fn begin_flood(&mut self, id: u32, processes: Vec<ProcessId>, payload: FloodPayload, gap: Duration) {
        self.floods.push(Flood { id, processes, payload, gap, sent: 0 });
    }
    /// The next round of a flood; `None` if it is over.
    pub fn next_round(&mut self, id: u32) -> Option<FloodRound> {
        let flood = self.floods.iter_mut().find(|flood| flood.id == id)?;
        let first = flood.sent;
        flood.sent = first.wrapping_add(flood.processes.len() as u32);
        Some(FloodRound { processes: flood.processes.clone(), payload: flood.payload, gap: flood.gap, first })
    }
}

/// A clock that begins to gain now would otherwise have gained since time zero.
pub(super) fn seen_from(now: Time, impairment: NodeImpairment) -> NodeImpairment {
    match impairment {
        NodeImpairment::Clock { step, drift } => {
            let gained = i128::from(now.as_nanos()) * i128::from(drift) / 1_000_000_000;
            let step = step.saturating_sub(i64::try_from(gained).unwrap_or(i64::MAX));
            NodeImpairment::Clock { step, drift }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leads_is_the_honest_process_of_the_latest_turn_and_no_stale_memory() {
        let mut faults = Faults::new(Vec::new(), 4);
        let is_honest = |process: ProcessId| process.0 < 3;
        let mut leads = |process: u32, turn, since, expected: u32| {
            faults.note_leader(ProcessId(process), turn, Time::from_nanos(since));
            assert_eq!(faults.leader(is_honest), Some(ProcessId(expected)), "process {process} notes turn {turn}");
        };
        leads(0, 1, 10, 0);
        leads(1, 4, 20, 1);
        leads(0, 1, 30, 1); // restarted, by its log
        leads(2, 4, 40, 2); // the same turn, later
        leads(3, 9, 50, 2); // a Byzantine node
        (0..3).for_each(|process| faults.lost_data(ProcessId(process)));
        assert_eq!(faults.leader(is_honest), None, "all begin anew");
    }

    #[test]
    fn the_worst_of_several_impairments_counts_and_clocks_add_up() {
        let (mut faults, process) = (Faults::new(Vec::new(), 1), ProcessId(0));
        faults.impair(process, 1, NodeImpairment::Cpu(3_000));
        faults.impair(process, 2, NodeImpairment::Clock { step: 5, drift: 7 });
        faults.impair(process, 3, NodeImpairment::Clock { step: -2, drift: 1 });
        let condition = faults.impair(process, 4, NodeImpairment::Cpu(2_000));
        assert_eq!((condition.cpu, condition.clock_step, condition.clock_drift), (3_000, 3, 8));
        let lifted = faults.lift(1);
        assert_eq!(lifted.iter().map(|(process, now)| (process.0, now.cpu)).collect::<Vec<_>>(), [(0, 2_000)]);
        assert!(faults.lift(1).is_empty());
    }
}
