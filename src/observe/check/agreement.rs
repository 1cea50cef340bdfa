//! Agreement: no two honest nodes finalize different blocks at one height.
//!
//! The first honest node to finalize a height sets the block; every later one is compared with it. Each conflicting block
//! is reported once, however many nodes finalize it, so that the report of a split of thousands of nodes stays readable.

use super::safety;
use crate::base::{Hash, Height, NodeId, Time};
use crate::chain::Block;
use crate::observe::{Observed, Observer, Violation};
use rustc_hash::FxHashMap;

/// See the head of this file.
pub struct Agreement {
    honest: Vec<bool>,
    /// The block that was finalized first at each height.
    history: FxHashMap<Height, First>,
    /// The other blocks that were finalized at a height: they are reported.
    reported: FxHashMap<Height, Vec<Hash>>,
}

struct First {
    block: Hash,
    node: NodeId,
    at: Time,
}

impl Agreement {
    /// For every node whether it follows the protocol.
    #[must_use]
    pub fn new(honest: Vec<bool>) -> Agreement {
        Agreement { honest, history: FxHashMap::default(), reported: FxHashMap::default() }
    }
    fn compare(&mut self, now: Time, node: NodeId, block: &Block) -> Result<(), Violation> {
        let (height, id) = (block.height(), block.id());
        let first = self.history.entry(height).or_insert(First { block: id, node, at: now });
        if first.block == id {
            return Ok(());
        }
        let reported = self.reported.entry(height).or_default();
        if reported.contains(&id) {
            return Ok(());
        }
        reported.push(id);
        let what = format!(
            "{node} finalized block {id} at height {height}, where {} had finalized block {} at {}",
            first.node, first.block, first.at
        );
        safety("agreement", now, what)
    }
}

impl Observer for Agreement {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        match *observed {
            Observed::Finalized { node, block, .. } | Observed::Installed { node, block, .. }
                if self.honest[node.index()] =>
            {
                self.compare(now, node, block)
            }
            _ => Ok(()),
        }
    }
}
