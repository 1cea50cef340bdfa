//! Faults and adversaries of a chain.

use super::Builder;
use crate::base::{Duration, NodeId, Stream, Time};
use crate::engine::{Fault, FaultEvent, LogSurvival, ProcessId, ProcessSettings, Roster, Target, setup};
use crate::network::Change;
use crate::protocol::Protocol;
use crate::scenario::fault::spec::{CompiledFault, FaultCompiler};
use crate::scenario::{self, Attack, GenericAttack, Repeat};
use std::collections::BTreeSet;

impl Builder<'_> {
    /// Assigns the attacks of the scenario to nodes.
    pub(super) fn assign_attacks<P: Protocol>(
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
                Attack::Generic(attack) => {
                    for node in nodes {
                        let filter = attack.filter(node, places.len(), self.chain_seed());
                        processes[node.index()].adversary = Some(Box::new(filter));
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
                let kind = fault.kind().expect("a checked fault is of one kind");
                let mut compiler = FaultCompiler { id, places, stream: &mut stream };
                let CompiledFault { begin, end, label } = kind.spec().compile(&mut compiler);
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
        *endpoints = roster.processes_of_all(endpoints).into_iter().map(ProcessId::endpoint).collect();
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
        Fault::Network(Change::Cut { pairs, .. }) => pairs.iter_mut().for_each(|(from, to)| {
            reach(from);
            reach(to);
        }),
        Fault::Network(Change::Degrade { from, to, .. }) => {
            reach(from);
            reach(to);
        }
        Fault::AtLeader { change, .. } => change.ends().into_iter().for_each(reach),
        Fault::Crash(Target::Leader(_), _)
        | Fault::Restart(Target::Leader(_))
        | Fault::Impair { target: Target::Leader(_), .. }
        | Fault::Flood { target: Target::Leader(_), .. }
        | Fault::Network(Change::Lift { .. })
        | Fault::Load { .. }
        | Fault::Lift(_) => {}
    }
}
