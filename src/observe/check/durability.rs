//! Durability: after a crash, a node's durable chain contains everything that it had finalized.

use super::safety;
use crate::base::{Hash, Height, NodeId, Time};
use crate::chain::Block;
use crate::observe::{Observed, Observer, Violation};
use rustc_hash::FxHashMap;

/// See the head of this file.
pub struct Durability {
    honest: Vec<bool>,
    /// The last block that each node finalized. The name is unknown after a reversal.
    last: Vec<(Height, Option<Hash>)>,
    /// The block finalized first at each height, to recognise a chain that a node finalized just before it crashed.
    history: FxHashMap<Height, Hash>,
}

impl Durability {
    /// For every node whether it follows the protocol.
    #[must_use]
    pub fn new(honest: Vec<bool>) -> Durability {
        let last = vec![(Height::GENESIS, None); honest.len()];
        Durability { honest, last, history: FxHashMap::default() }
    }
    fn boot(&mut self, now: Time, node: NodeId, boot: u32, durable: &Block) -> Result<(), Violation> {
        let (height, name) = self.last[node.index()];
        let found = (durable.height(), Some(durable.id()));
        self.last[node.index()] = found;
        let Some(name) = name else {
            return Ok(());
        };
        let on_history = |height: Height, name: Hash| self.history.get(&height) == Some(&name);
        let contains = match durable.height().cmp(&height) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => durable.id() == name,
            std::cmp::Ordering::Greater => {
                durable.parent() == name || on_history(height, name) && on_history(durable.height(), durable.id())
            }
        };
        if contains {
            return Ok(());
        }
        let what = format!(
            "{node} came back (boot {boot}) with block {} at height {} durable, which does not contain block {name} at \
             height {height}, final before the crash",
            durable.id(),
            durable.height()
        );
        safety("durability", now, what)
    }
}

impl Observer for Durability {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        match *observed {
            Observed::Finalized { node, block, .. } | Observed::Installed { node, block, .. }
                if self.honest[node.index()] =>
            {
                self.last[node.index()] = (block.height(), Some(block.id()));
                self.history.entry(block.height()).or_insert(block.id());
            }
            // `Finality` reports a reversal of final blocks; less is durable after it.
            Observed::Rewound { node, to, .. } if to < self.last[node.index()].0 => {
                self.last[node.index()] = (to, None);
            }
            Observed::Booted { node, boot, durable } if self.honest[node.index()] => {
                return self.boot(now, node, boot, durable);
            }
            _ => {}
        }
        Ok(())
    }
}
