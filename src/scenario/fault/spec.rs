//! What every kind of fault says about itself, and what it is given for that.

use crate::base::{NodeId, Stream};
use crate::engine::{Fault as EngineFault, LinkChange, LinkEnd, NodeImpairment, Target};
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
    fn compile(&self, compiler: &mut FaultCompiler<'_>) -> CompiledFault;
    /// All selections of nodes in it.
    fn selections(&mut self) -> Vec<&mut NodeSelector>;
}

/// What begins, what ends it, and what charts and the event log call it.
pub struct CompiledFault {
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
    /// The end of links that is meant.
    pub fn end(&mut self, select: &NodeSelector) -> LinkEnd {
        match select {
            NodeSelector::Leader => LinkEnd::Leader,
            select => LinkEnd::Nodes(select.nodes(self.places, self.stream)),
        }
    }
    /// All nodes but those at these ends. The leader, which is not known yet, is left out when the fault begins.
    pub fn all_but(&self, ends: &[LinkEnd]) -> LinkEnd {
        let is_at = |node: &NodeId, end: &LinkEnd| matches!(end, LinkEnd::Nodes(nodes) if nodes.contains(node));
        let is_left = |node: &NodeId| ends.iter().all(|end| !is_at(node, end));
        LinkEnd::Nodes((0..self.places.len()).map(NodeId::from).filter(is_left).collect())
    }
    /// Nodes are impaired until the fault ends.
    pub fn impairment(&mut self, select: &NodeSelector, impairment: NodeImpairment, what: &str) -> CompiledFault {
        let (target, shown) = self.target(select);
        self.lasting(EngineFault::Impair { id: self.id, target, impairment }, format!("{what} of {shown}"))
    }
    /// The network is changed until the fault ends. A change that names the leader is bound when it begins.
    #[must_use]
    pub fn network(&self, change: LinkChange, label: String) -> CompiledFault {
        let id = self.id;
        let begin = if change.names_leader() {
            EngineFault::AtLeader { id, change }
        } else {
            EngineFault::Network(change.bind(id, None))
        };
        CompiledFault { begin, end: EngineFault::Network(Change::Lift { id }), label }
    }
    /// What lasts until it is lifted by its number.
    #[must_use]
    pub fn lasting(&self, begin: EngineFault, label: String) -> CompiledFault {
        CompiledFault { begin, end: EngineFault::Lift(self.id), label }
    }
}

/// Every pair of two groups, or the first and the second alone.
#[must_use]
pub fn pairs(groups: &[LinkEnd], one_way: bool) -> Vec<(LinkEnd, LinkEnd)> {
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

/// A label of an end of links.
#[must_use]
pub fn show_end(end: &LinkEnd) -> String {
    match end {
        LinkEnd::Leader => "the leader".into(),
        LinkEnd::Nodes(nodes) => show(nodes),
    }
}

/// Thousandths of a factor, at least one.
#[must_use]
pub fn thousandths(factor: f64) -> u32 {
    (factor * 1000.0 + 0.5).max(1.0) as u32
}

/// A label of nodes: a few by number, many by count.
fn show(nodes: &[NodeId]) -> String {
    match nodes {
        [] => "no node".into(),
        few if few.len() <= 6 => few.iter().map(std::string::ToString::to_string).collect::<Vec<String>>().join(" "),
        many => format!("{} nodes", many.len()),
    }
}
