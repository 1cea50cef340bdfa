//! State roots: every node that executes a block reaches the same state, whatever its chain was before; and a snapshot
//! has the state root of its block. Each block is reported at most once.

use super::safety;
use crate::base::{Hash, NodeId, Time};
use crate::chain::Block;
use crate::observe::{Observed, Observer, Violation};
use rustc_hash::FxHashMap;

/// See the head of this file.
pub struct Roots {
    honest: Vec<bool>,
    /// The first state root that was reported for each block.
    known: FxHashMap<Hash, Claim>,
}

struct Claim {
    root: Hash,
    node: NodeId,
    /// Whether a contradiction was reported.
    is_reported: bool,
}

impl Roots {
    /// For every node whether it follows the protocol.
    #[must_use]
    pub fn new(honest: Vec<bool>) -> Roots {
        Roots { honest, known: FxHashMap::default() }
    }
    fn compare(&mut self, now: Time, node: NodeId, did: &str, block: &Block, root: Hash) -> Result<(), Violation> {
        let first = self.known.entry(block.id()).or_insert(Claim { root, node, is_reported: false });
        if first.root == root || first.is_reported {
            return Ok(());
        }
        first.is_reported = true;
        let what = format!(
            "{node} {did} block {} at height {} with root {root}, of which {} had said {}",
            block.id(),
            block.height(),
            first.node,
            first.root
        );
        safety("roots", now, what)
    }
}

impl Observer for Roots {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        let (node, did, block, root) = match *observed {
            Observed::Extended { node, block, root, .. } => (node, "executed", block, root),
            Observed::Finalized { node, block, root, .. } => (node, "finalized", block, root),
            Observed::Installed { node, block, root } => (node, "installed", block, root),
            _ => return Ok(()),
        };
        if self.honest[node.index()] { self.compare(now, node, did, block, root) } else { Ok(()) }
    }
}
