//! Delays of the catalogue, which know nodes, between the end points of a network.

use crate::base::{Duration, NodeId};
use crate::network::Delay;
use crate::network::latency::FLOOR;

/// The delays of a model with those of access lines.
pub(super) struct AtEndpoints {
    model: Box<dyn Delay>,
    /// The node at each end point.
    nodes: Vec<NodeId>,
    /// The delay of the access line of each end point.
    access: Vec<Duration>,
    least: Duration,
}

impl AtEndpoints {
    pub fn new(model: Box<dyn Delay>, nodes: &[NodeId], access: &[Duration]) -> AtEndpoints {
        let least = model.least().max(FLOOR);
        AtEndpoints { model, nodes: nodes.to_vec(), access: access.to_vec(), least }
    }
    /// A model says nothing of twins, which are one node: they are as near to each other as anybody is.
    fn between(&self, from: NodeId, to: NodeId, of_model: impl Fn(NodeId, NodeId) -> Duration) -> Duration {
        let (one, other) = (self.nodes[from.index()], self.nodes[to.index()]);
        let base = if one == other { self.least } else { of_model(one, other).max(self.least) };
        base + self.access[from.index()] + self.access[to.index()]
    }
}

impl Delay for AtEndpoints {
    fn delay(&self, from: NodeId, to: NodeId, word: u64) -> Duration {
        self.between(from, to, |one, other| self.model.delay(one, other, word))
    }
    fn typical(&self, from: NodeId, to: NodeId) -> Duration {
        self.between(from, to, |one, other| self.model.typical(one, other))
    }
    fn least(&self) -> Duration {
        self.least
    }
}
