//! Faults and adversaries of a chain.

use super::Builder;
use crate::base::{AccountId, Duration, NodeId, Stream, Time};
use crate::engine::faults::LEADER;
use crate::engine::{
    EffectFilter, Fault, FaultEvent, FloodPayload, LogSurvival, NodeImpairment, ProcessId, ProcessSettings, Replay,
    Roster, Target, setup,
};
use crate::network::{Change, Degradation};
use crate::protocol::Protocol;
use crate::scenario::{
    self, Attack, Crash, Data, Degrade, Eclipse, FaultKind, GenericAttack, Log, NodeSelector, Partition, Repeat, Slow,
};
use std::collections::BTreeSet;

impl Builder<'_> {
    /// Makes the nodes that the scenario names misbehave.
    pub(super) fn corrupt<P: Protocol>(
        &self,
        places: &[Option<&str>],
        processes: &mut Vec<ProcessSettings<P>>,
    ) -> Result<(), String> {
        for (number, attack, nodes) in self.attacks(places) {
            match attack {
                Attack::Generic(GenericAttack::Twins { sides }) => {
                    if let Some(node) = nodes.iter().find(|node| processes[node.index()].role.peers.is_some()) {
                        return Err(format!("the seed draws {node} for two pairs of twins"));
                    }
                    let sides = self.sides(sides, &nodes, places.len(), number);
                    setup::add_twins(places.len(), processes, &nodes, &sides);
                }
                Attack::Generic(misconduct) => {
                    for node in nodes {
                        let conduct = self.conduct(misconduct, node, places.len());
                        processes[node.index()].adversary = Some(Box::new(conduct));
                    }
                }
                Attack::Protocol(name) if P::ATTACKS.iter().any(|(known, _)| known == name) => {
                    nodes.iter().for_each(|node| processes[node.index()].attack = Some(name.clone()));
                }
                Attack::Protocol(name) => return Err(format!("{} has no attack {name}", P::NAME)),
            }
        }
        Ok(())
    }
    /// The attacks on this chain, each with its place in the scenario, and who plays them.
    fn attacks(&self, places: &[Option<&str>]) -> Vec<(u64, &Attack, Vec<NodeId>)> {
        let adversaries = self.scenario.adversary.iter().zip(0u64..);
        let here = adversaries.filter(|(adversary, _)| self.is_for_this_chain(&adversary.chain));
        let drawn = here.map(|(adversary, number)| {
            let mut stream = Stream::new(self.chain_seed(), "adversary", number, 0);
            (number, &adversary.attack, adversary.nodes.nodes(places, &mut stream))
        });
        drawn.collect()
    }
    /// The sides of twins: those given, or two halves of the other nodes.
    fn sides(&self, given: &[Vec<u32>], twins: &[NodeId], n: usize, number: u64) -> Vec<Vec<NodeId>> {
        if !given.is_empty() {
            return given.iter().map(|side| side.iter().copied().map(NodeId).collect()).collect();
        }
        let mut others: Vec<NodeId> = (0..n).map(NodeId::from).filter(|node| !twins.contains(node)).collect();
        Stream::new(self.chain_seed(), "twins", number, 0).shuffle(&mut others);
        let (one, other) = others.split_at(others.len() / 2);
        vec![one.to_vec(), other.to_vec()]
    }
    /// What a node does by itself. The schedule of faults makes it forget, and two processes make it twins.
    fn conduct(&self, misconduct: &GenericAttack, node: NodeId, n: usize) -> EffectFilter {
        let others = |numbers: &[u32]| numbers.iter().map(|&to| NodeId(to)).filter(|to| *to != node).collect();
        let stream = |label| Box::new(Stream::new(self.chain_seed(), label, u64::from(node.0), 0));
        match misconduct {
            GenericAttack::Silent => EffectFilter::Silent,
            GenericAttack::Delay { delay } => EffectFilter::Delay(*delay),
            GenericAttack::Selective { to } => EffectFilter::Selective(others(to)),
            GenericAttack::Withhold { first_peers, delay } => EffectFilter::Withhold(others(first_peers), *delay),
            GenericAttack::Censor { accounts } => {
                EffectFilter::Censor(accounts.iter().copied().map(AccountId).collect())
            }
            GenericAttack::Replay { max_delay, probability } => EffectFilter::Replay(Replay {
                peers: (0..n).map(NodeId::from).filter(|peer| *peer != node).collect(),
                max_delay: *max_delay,
                probability: *probability,
                random: stream("replay"),
            }),
            GenericAttack::Corrupt { probability } => EffectFilter::Corrupt(*probability, stream("corrupt")),
            GenericAttack::Amnesia { .. } | GenericAttack::Twins { .. } => EffectFilter::Amnesia,
        }
    }
    /// The schedule of faults, each span numbered by its place in the scenario. What hits a node hits its twins.
    pub(super) fn faults(&self, places: &[Option<&str>], roster: &Roster) -> Vec<FaultEvent> {
        let mut schedule = Vec::new();
        for (number, fault) in self.scenario.fault.iter().enumerate() {
            if !self.is_for_this_chain(&fault.chain) {
                continue;
            }
            let id = number as u32;
            let mut stream = Stream::new(self.chain_seed(), "fault", u64::from(id), 0);
            let mut times = Stream::new(self.chain_seed(), "fault times", u64::from(id), 0);
            for (from, until) in spans(fault, self.scenario.duration(), &mut times) {
                let (begin, end, label) = span(fault, id, places, &mut stream);
                let at = Time::ZERO + from;
                if let Fault::Crash(Target::Processes(nodes), LogSurvival::Backup(age)) = &begin
                    && *age <= from
                {
                    let backup = Fault::Backup(nodes.clone());
                    schedule.push(FaultEvent {
                        at: Time::ZERO + (from - *age),
                        fault: backup,
                        begins: None,
                        ends: None,
                    });
                }
                schedule.push(FaultEvent { at, fault: begin, begins: Some((id, label)), ends: None });
                if let Some(until) = until {
                    schedule.push(FaultEvent { at: Time::ZERO + until, fault: end, begins: None, ends: Some(id) });
                }
            }
        }
        for (_, attack, nodes) in self.attacks(places) {
            if let Attack::Generic(GenericAttack::Amnesia { every }) = attack {
                let fault = Fault::Forget(nodes.into_iter().map(ProcessId::first_of).collect(), *every);
                schedule.push(FaultEvent { at: Time::ZERO + *every, fault, begins: None, ends: None });
            }
        }
        schedule.iter_mut().for_each(|scheduled| reach_twins(&mut scheduled.fault, roster));
        schedule
    }
}

/// The nodes that a crash of the schedule makes forget what they promised.
pub(super) fn amnesiacs(schedule: &[FaultEvent], roster: &Roster) -> BTreeSet<NodeId> {
    let all = schedule.iter().filter_map(|scheduled| match &scheduled.fault {
        Fault::Crash(
            Target::Processes(nodes),
            LogSurvival::AllBut(_) | LogSurvival::Nothing | LogSurvival::Backup(_),
        ) => Some(nodes),
        _ => None,
    });
    all.flatten().map(|process| roster.node(*process)).collect()
}

/// When a fault begins and ends, each time.
fn spans(fault: &scenario::Fault, duration: Duration, times: &mut Stream) -> Vec<(Duration, Option<Duration>)> {
    let Some(Repeat { every, duration: each, random }) = fault.repeat else { return vec![(fault.at, fault.until)] };
    let last = fault.until.unwrap_or(duration);
    let mut drawn = |mean: Duration| {
        if random { Duration::from_secs_f64(times.exponential() * mean.as_secs_f64()) } else { mean }
    };
    let (mut spans, mut from) = (Vec::new(), fault.at);
    while from < last {
        let until = from + drawn(each).max(Duration::from_nanos(1));
        spans.push((from, Some(until.min(last))));
        from = until + drawn(every - each).max(Duration::from_nanos(1));
    }
    spans
}

/// Extends a fault to all processes of its nodes. The leader is one process.
fn reach_twins(fault: &mut Fault, roster: &Roster) {
    let reach = |endpoints: &mut Vec<NodeId>| {
        if *endpoints != [LEADER] {
            *endpoints = roster.processes_of_all(endpoints).into_iter().map(ProcessId::endpoint).collect();
        }
    };
    let extend = |processes: &mut Vec<ProcessId>| {
        *processes = processes.iter().flat_map(|first| roster.processes_of(roster.node(*first))).collect();
    };
    match fault {
        Fault::Crash(Target::Processes(processes), _)
        | Fault::Restart(Target::Processes(processes))
        | Fault::Impair { target: Target::Processes(processes), .. }
        | Fault::Flood { target: Target::Processes(processes), .. }
        | Fault::Backup(processes)
        | Fault::Forget(processes, _) => extend(processes),
        Fault::Network(Change::Cut { pairs, .. }) | Fault::AtLeader { change: Change::Cut { pairs, .. }, .. } => {
            pairs.iter_mut().for_each(|(from, to)| {
                reach(from);
                reach(to);
            });
        }
        Fault::Network(Change::Degrade { from, to, .. })
        | Fault::AtLeader { change: Change::Degrade { from, to, .. }, .. } => {
            reach(from);
            reach(to);
        }
        Fault::Crash(Target::Leader(_), _)
        | Fault::Restart(Target::Leader(_))
        | Fault::Impair { target: Target::Leader(_), .. }
        | Fault::Flood { target: Target::Leader(_), .. }
        | Fault::Network(Change::Lift { .. })
        | Fault::AtLeader { change: Change::Lift { .. }, .. }
        | Fault::Load { .. }
        | Fault::Lift(_) => {}
    }
}

/// What begins, what ends it, and what people call it.
fn span(fault: &scenario::Fault, id: u32, places: &[Option<&str>], stream: &mut Stream) -> (Fault, Fault, String) {
    let kind = fault.kind().expect("a checked fault is of one kind");
    let mut whom = |select: &NodeSelector| match select {
        NodeSelector::Leader => (Target::Leader(id), "the leader".to_owned()),
        select => {
            let nodes = select.nodes(places, stream);
            let shown = show(&nodes);
            (Target::first_of(nodes), shown)
        }
    };
    let impair = |target, impairment| (Fault::Impair { id, target, impairment }, Fault::Lift(id));
    let ((begin, end), label) = match kind {
        FaultKind::Crash(crash) => {
            let (target, shown) = whom(&crash.nodes);
            let (kept, how) = kept(crash);
            ((Fault::Crash(target.clone(), kept), Fault::Restart(target)), format!("crash of {shown}{how}"))
        }
        FaultKind::Pause(pause) => {
            let (target, shown) = whom(&pause.nodes);
            (impair(target, NodeImpairment::Pause), format!("pause of {shown}"))
        }
        FaultKind::Slow(slow) => {
            let (target, shown) = whom(&slow.nodes);
            let (one, what) = slowness(slow);
            (impair(target, one), format!("{what} of {shown}"))
        }
        FaultKind::Clock(clock) => {
            let (target, shown) = whom(&clock.nodes);
            let step = clock.ahead.as_nanos() as i64 - clock.behind.as_nanos() as i64;
            // Parts per million are nanoseconds per second, a thousandfold.
            let drift = (clock.drift_ppm * 1_000.0) as i64;
            (impair(target, NodeImpairment::Clock { step, drift }), format!("wrong clocks of {shown}"))
        }
        FaultKind::Partition(_) | FaultKind::Eclipse(_) | FaultKind::Degrade(_) => {
            let (change, label) = change(kind, id, places, stream);
            ((on_network(id, change), Fault::Network(Change::Lift { id })), label)
        }
        FaultKind::Load(load) => {
            let pace = thousandths(load.factor);
            ((Fault::Load { id, pace }, Fault::Lift(id)), format!("{} times the load", load.factor))
        }
        FaultKind::Flood(flood) => {
            let (target, shown) = whom(&flood.nodes);
            let gap = Duration::from_secs_f64(1.0 / flood.rate).max(Duration::from_nanos(1));
            let (payload, what) = match flood.payload {
                scenario::FloodPayload::Messages => (FloodPayload::ForgedMessages, "messages"),
                scenario::FloodPayload::Transactions => (FloodPayload::UnfundedTransactions, "transactions"),
            };
            ((Fault::Flood { id, target, payload, gap }, Fault::Lift(id)), format!("flood of {what} to {shown}"))
        }
    };
    (begin, end, label)
}

/// How much a node finds of what it wrote, and what people call it.
fn kept(crash: &Crash) -> (LogSurvival, &'static str) {
    match crash.data {
        Data::Kept => {}
        Data::Wiped => return (LogSurvival::Nothing, ", data wiped"),
        Data::Backup(age) => return (LogSurvival::Backup(age), ", with an old backup"),
    }
    match crash.log {
        Log::Intact => (LogSurvival::Durable, ""),
        Log::Torn => (LogSurvival::Torn, ", with a torn write"),
        Log::DropLast(records) => (LogSurvival::AllBut(records), ", with an old log"),
        Log::Wiped => (LogSurvival::AllBut(u32::MAX), ", without a log"),
    }
}

/// What a slow node must bear, and what people call it. A checked fault slows one thing.
fn slowness(slow: &Slow) -> (NodeImpairment, &'static str) {
    match slow {
        Slow { disk_full: true, .. } => (NodeImpairment::DiskFull, "full disks"),
        Slow { disk_factor, .. } if *disk_factor > 1.0 => {
            (NodeImpairment::Disk(thousandths(*disk_factor)), "slow disks")
        }
        Slow { cpu_factor, .. } => (NodeImpairment::Cpu(thousandths(*cpu_factor)), "slow processors"),
    }
}

fn thousandths(factor: f64) -> u32 {
    (factor * 1000.0 + 0.5).max(1.0) as u32
}

/// A change of the network; what names the leader is bound when it strikes.
fn on_network(id: u32, change: Change) -> Fault {
    let names = |nodes: &[NodeId]| nodes.contains(&LEADER);
    let open = match &change {
        Change::Cut { pairs, .. } => pairs.iter().any(|(from, to)| names(from) || names(to)),
        Change::Degrade { from, to, .. } => names(from) || names(to),
        Change::Lift { .. } => false,
    };
    if open { Fault::AtLeader { id, change } } else { Fault::Network(change) }
}

/// A change of the network and what people call it.
fn change(kind: FaultKind<'_>, id: u32, places: &[Option<&str>], stream: &mut Stream) -> (Change, String) {
    match kind {
        FaultKind::Partition(partition) => {
            let groups = groups(partition, places, stream);
            let shown: Vec<String> = groups.iter().map(|group| show(group)).collect();
            let way = if partition.one_way { " -> " } else { " | " };
            let pairs = pairs(&groups, partition.one_way);
            (Change::Cut { id, pairs }, format!("partition {}", shown.join(way)))
        }
        FaultKind::Eclipse(Eclipse { victim, by }) => {
            let (victims, by) = (named(victim, places, stream), named(by, places, stream));
            let far = |node: &NodeId| !victims.contains(node) && !by.contains(node);
            let others: Vec<NodeId> = (0..places.len()).map(NodeId::from).filter(far).collect();
            let label = format!("eclipse of {} by {}", show(&victims), show(&by));
            (Change::Cut { id, pairs: pairs(&[victims, others], false) }, label)
        }
        FaultKind::Degrade(degrade) => {
            let Degrade { extra_delay: extra, jitter, loss, duplicate, corrupt, reorder, .. } = *degrade;
            let (from, to) = (named(&degrade.from, places, stream), named(&degrade.to, places, stream));
            let label = format!("worse links from {} to {}", show(&from), show(&to));
            let by = Degradation { extra, jitter, loss, duplicate, corrupt, reorder };
            (Change::Degrade { id, from, to, by }, label)
        }
        _ => unreachable!("called for faults of the network"),
    }
}

/// The nodes that are meant; [`LEADER`] stands for whoever will lead.
fn named(select: &NodeSelector, places: &[Option<&str>], stream: &mut Stream) -> Vec<NodeId> {
    if *select == NodeSelector::Leader { vec![LEADER] } else { select.nodes(places, stream) }
}

/// The groups of a partition; `"rest"` is who is in no other.
fn groups(partition: &Partition, places: &[Option<&str>], stream: &mut Stream) -> Vec<Vec<NodeId>> {
    let mut groups: Vec<Vec<NodeId>> = partition.groups.iter().map(|group| named(group, places, stream)).collect();
    let named: Vec<NodeId> = groups.concat();
    let rest: Vec<NodeId> = (0..places.len()).map(NodeId::from).filter(|node| !named.contains(node)).collect();
    for (group, select) in groups.iter_mut().zip(&partition.groups) {
        if *select == NodeSelector::Rest {
            group.clone_from(&rest);
        }
    }
    groups
}

fn pairs(groups: &[Vec<NodeId>], one_way: bool) -> Vec<(Vec<NodeId>, Vec<NodeId>)> {
    if one_way {
        return vec![(groups[0].clone(), groups[1].clone())];
    }
    let mut pairs = Vec::new();
    for (at, from) in groups.iter().enumerate() {
        for (other, to) in groups.iter().enumerate() {
            if at != other {
                pairs.push((from.clone(), to.clone()));
            }
        }
    }
    pairs
}

/// Nodes for people: a few by number, many by count.
fn show(nodes: &[NodeId]) -> String {
    match nodes {
        [] => "nobody".into(),
        [LEADER] => "the leader".into(),
        few if few.len() <= 6 => few.iter().map(std::string::ToString::to_string).collect::<Vec<String>>().join(" "),
        many => format!("{} nodes", many.len()),
    }
}
