//! Federated voting: when a node may accept and confirm what others state.

use super::{Pledges, Value};
use crate::base::quorum_set::greatest_quorum;
use crate::base::{NodeId, NodeSet, QuorumSet};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The newest statement of each node in one protocol of one slot, with the quorum set that goes with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Federation {
    said: Vec<Option<(Pledges, Arc<QuorumSet>)>>,
}

impl Federation {
    /// Records a statement. A node that has decided needs no other node any more.
    pub fn receive(&mut self, node: NodeId, pledges: Option<Pledges>, quorum_set: &Arc<QuorumSet>) {
        if self.said.len() <= node.index() {
            self.said.resize(node.index() + 1, None);
        }
        self.said[node.index()] = pledges.map(|pledges| {
            let is_last = matches!(pledges, Pledges::Externalize { .. });
            let quorum_set = if is_last { Arc::new(QuorumSet::flat(1, [node.0])) } else { quorum_set.clone() };
            (pledges, quorum_set)
        });
    }
    /// What a node says.
    pub fn of(&self, node: NodeId) -> Option<&Pledges> {
        self.said.get(node.index())?.as_ref().map(|(pledges, _)| pledges)
    }
    /// What all say.
    pub fn all(&self) -> impl Iterator<Item = &Pledges> {
        self.said.iter().flatten().map(|(pledges, _)| pledges)
    }
    /// All values that are spoken of.
    pub fn values(&self) -> BTreeSet<Value> {
        self.all().flat_map(Pledges::values).collect()
    }
    /// The nodes whose statement `holds`.
    pub fn who(&self, holds: impl Fn(&Pledges) -> bool) -> NodeSet {
        let all = self.said.iter().enumerate();
        all.filter(|(_, said)| said.as_ref().is_some_and(|(pledges, _)| holds(pledges)))
            .map(|(node, _)| NodeId::from(node))
            .collect()
    }
    /// Whether the nodes whose statement `holds` have a quorum among them that the owner of `own` can rely on.
    pub fn confirms(&self, own: &QuorumSet, holds: impl Fn(&Pledges) -> bool) -> bool {
        let nodes = self.who(holds);
        // The quorum test runs only once it holds a slice.
        own.has_slice_in(&nodes) && {
            let slices = |node: NodeId| self.said.get(node.index())?.as_ref().map(|(_, quorum_set)| &**quorum_set);
            own.has_slice_in(&greatest_quorum(nodes, slices))
        }
    }
    /// Whether a statement may be accepted: a blocking set accepted it, or a quorum voted for it or accepted it.
    pub fn accepts(
        &self,
        own: &QuorumSet,
        voted: impl Fn(&Pledges) -> bool,
        accepted: impl Fn(&Pledges) -> bool,
    ) -> bool {
        own.is_blocked_by(&self.who(&accepted)) || self.confirms(own, |pledges| voted(pledges) || accepted(pledges))
    }
}
