//! Faults and adversaries of a chain.

use super::Builder;
use crate::base::{NodeId, Stream, Time};
use crate::engine::{Conduct, Fault, Scheduled, SeatSettings};
use crate::network::{Change, Degradation};
use crate::protocol::Protocol;
use crate::scenario::{self, Attack, Degrade, FaultKind, Partition, Select};

impl Builder<'_> {
    /// Makes the nodes that the scenario names misbehave.
    pub(super) fn corrupt<P: Protocol>(
        &self,
        places: &[Option<&str>],
        seats: &mut [SeatSettings<P>],
    ) -> Result<(), String> {
        for (number, adversary) in self.scenario.adversary.iter().enumerate() {
            if !self.is_for_this_chain(&adversary.chain) {
                continue;
            }
            let mut stream = Stream::new(self.chain_seed(), "adversary", number as u64, 0);
            for node in adversary.nodes.nodes(places, &mut stream) {
                let seat = &mut seats[node.index()];
                match &adversary.attack {
                    Attack::Silent => seat.adversary = Some(Box::new(Conduct::Silent)),
                    Attack::Delay { by } => seat.adversary = Some(Box::new(Conduct::Delay(*by))),
                    Attack::Selective { to } => {
                        let friends = to.iter().map(|&to| NodeId(to)).filter(|to| *to != node).collect();
                        seat.adversary = Some(Box::new(Conduct::Selective(friends)));
                    }
                    Attack::Protocol(name) if P::ATTACKS.iter().any(|(known, _)| known == name) => {
                        seat.attack = Some(name.clone());
                    }
                    Attack::Protocol(name) => return Err(format!("{} has no attack {name}", P::NAME)),
                }
            }
        }
        Ok(())
    }
    /// The schedule of faults, each span numbered by its place in the scenario.
    pub(super) fn faults(&self, places: &[Option<&str>]) -> Vec<Scheduled> {
        let mut schedule = Vec::new();
        for (number, fault) in self.scenario.fault.iter().enumerate() {
            if !self.is_for_this_chain(&fault.chain) {
                continue;
            }
            let id = number as u32;
            let mut stream = Stream::new(self.chain_seed(), "fault", u64::from(id), 0);
            let (begin, end, label) = span(fault, id, places, &mut stream);
            let at = Time::ZERO + fault.at;
            schedule.push(Scheduled { at, fault: begin, begins: Some((id, label)), ends: None });
            if let (Some(until), Some(end)) = (fault.until, end) {
                schedule.push(Scheduled { at: Time::ZERO + until, fault: end, begins: None, ends: Some(id) });
            }
        }
        schedule
    }
}

/// What begins, what ends it, and what people call it.
fn span(
    fault: &scenario::Fault,
    id: u32,
    places: &[Option<&str>],
    stream: &mut Stream,
) -> (Fault, Option<Fault>, String) {
    match fault.kind().expect("a checked fault is of one kind") {
        FaultKind::Crash(crash) if crash.nodes == Select::Leader => {
            (Fault::CrashLeader(id), Some(Fault::RestartLeader(id)), "crash of the leader".into())
        }
        FaultKind::Crash(crash) => {
            let nodes = crash.nodes.nodes(places, stream);
            let label = format!("crash of {}", show(&nodes));
            (Fault::Crash(nodes.clone()), Some(Fault::Restart(nodes)), label)
        }
        FaultKind::Partition(partition) => {
            let groups = groups(partition, places, stream);
            let shown: Vec<String> = groups.iter().map(|group| show(group)).collect();
            let way = if partition.one_way { " -> " } else { " | " };
            let cut = Change::Cut { id, pairs: pairs(&groups, partition.one_way) };
            let label = format!("partition {}", shown.join(way));
            (Fault::Network(cut), Some(Fault::Network(Change::Lift { id })), label)
        }
        FaultKind::Degrade(degrade) => {
            let Degrade { extra, jitter, loss, duplicate, reorder, .. } = *degrade;
            let (from, to) = (degrade.from.nodes(places, stream), degrade.to.nodes(places, stream));
            let label = format!("worse links from {} to {}", show(&from), show(&to));
            let by = Degradation { extra, jitter, loss, duplicate, reorder };
            let change = Change::Degrade { id, from, to, by };
            (Fault::Network(change), Some(Fault::Network(Change::Lift { id })), label)
        }
    }
}

/// The groups of a partition; `"rest"` is who is in no other.
fn groups(partition: &Partition, places: &[Option<&str>], stream: &mut Stream) -> Vec<Vec<NodeId>> {
    let mut groups: Vec<Vec<NodeId>> = partition.groups.iter().map(|group| group.nodes(places, stream)).collect();
    let named: Vec<NodeId> = groups.concat();
    let rest: Vec<NodeId> = (0..places.len()).map(NodeId::from).filter(|node| !named.contains(node)).collect();
    for (group, select) in groups.iter_mut().zip(&partition.groups) {
        if *select == Select::Rest {
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
        few if few.len() <= 6 => few.iter().map(std::string::ToString::to_string).collect::<Vec<String>>().join(" "),
        many => format!("{} nodes", many.len()),
    }
}
