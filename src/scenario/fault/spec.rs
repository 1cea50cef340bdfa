//! What every kind of fault says about itself, and what it is given for that.

use crate::base::{NodeId, Stream};
use crate::engine::faults::LEADER;
use crate::engine::{Fault as EngineFault, NodeImpairment, Target};
use crate::network::Change;
use crate::scenario::validate::checker::Checker;
use crate::scenario::{Chain, NodeSelector, Nodes};

/// A kind of fault: everything of it but how a search draws it (`explore/draw.rs`).
pub trait FaultSpec {
    /// Reports what is wrong with it. It stands at `key`, in a fault of a chain with these nodes.
    fn validate(&self, checker: &mut Checker<'_>, key: &str, nodes: &Nodes);
    /// Reports that it would change nothing.
    fn warn(&self, _checker: &mut Checker<'_>, _key: &str, _chain: &Chain) {}
    /// What happens, for the summary of a scenario.
    fn describe(&self) -> String;
    /// What begins and ends in a run.
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> FaultSpan;
    /// All selections of nodes in it.
    fn selections(&mut self) -> Vec<&mut NodeSelector>;
}

/// What begins, what ends it, and what charts and the event log call it.
pub struct FaultSpan {
    /// At its beginning.
    pub begin: EngineFault,
    /// At its end.
    pub end: EngineFault,
    /// The label.
    pub label: String,
}

/// Draws the nodes of one fault.
pub struct FaultCompiler<'a> {
    /// The number of the fault: its place in the scenario.
    pub id: u32,
    /// The region of each node.
    pub places: &'a [Option<&'a str>],
    /// What fractions are drawn from.
    pub stream: &'a mut Stream,
}

impl FaultCompiler<'_> {
    /// The nodes that are hit, and their label.
    pub fn target(&mut self, select: &NodeSelector) -> (Target, String) {
        if *select == NodeSelector::Leader {
            return (Target::Leader(self.id), "the leader".to_owned());
        }
        let nodes = select.nodes(self.places, self.stream);
        let shown = show(&nodes);
        (Target::first_of(nodes), shown)
    }
    /// The nodes that are meant; [`LEADER`] stands for the node that will lead.
    pub fn nodes(&mut self, select: &NodeSelector) -> Vec<NodeId> {
        if *select == NodeSelector::Leader { vec![LEADER] } else { select.nodes(self.places, self.stream) }
    }
    /// All nodes but these.
    pub fn all_but(&self, some: &[NodeId]) -> Vec<NodeId> {
        (0..self.places.len()).map(NodeId::from).filter(|node| !some.contains(node)).collect()
    }
    /// Nodes are impaired until the fault ends.
    pub fn impairment(&mut self, select: &NodeSelector, impairment: NodeImpairment, what: &str) -> FaultSpan {
        let (target, shown) = self.target(select);
        self.lasting(EngineFault::Impair { id: self.id, target, impairment }, format!("{what} of {shown}"))
    }
    /// The network is changed until the fault ends. A change that names the leader is bound when it begins.
    pub fn network(&self, change: Change, label: String) -> FaultSpan {
        let names = |nodes: &[NodeId]| nodes.contains(&LEADER);
        let names_leader = match &change {
            Change::Cut { pairs, .. } => pairs.iter().any(|(from, to)| names(from) || names(to)),
            Change::Degrade { from, to, .. } => names(from) || names(to),
            Change::Lift { .. } => false,
        };
        let id = self.id;
        let begin = if names_leader { EngineFault::AtLeader { id, change } } else { EngineFault::Network(change) };
        FaultSpan { begin, end: EngineFault::Network(Change::Lift { id }), label }
    }
    /// What lasts until it is lifted by its number.
    pub fn lasting(&self, begin: EngineFault, label: String) -> FaultSpan {
        FaultSpan { begin, end: EngineFault::Lift(self.id), label }
    }
}

/// Every pair of two groups, or the first and the second alone.
pub fn pairs(groups: &[Vec<NodeId>], one_way: bool) -> Vec<(Vec<NodeId>, Vec<NodeId>)> {
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

/// Thousandths of a factor, at least one.
pub fn thousandths(factor: f64) -> u32 {
    (factor * 1000.0 + 0.5).max(1.0) as u32
}

/// A label of nodes: a few by number, many by count.
pub fn show(nodes: &[NodeId]) -> String {
    match nodes {
        [] => "no node".into(),
        [LEADER] => "the leader".into(),
        few if few.len() <= 6 => few.iter().map(std::string::ToString::to_string).collect::<Vec<String>>().join(" "),
        many => format!("{} nodes", many.len()),
    }
}
