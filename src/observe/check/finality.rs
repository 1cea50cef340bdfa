//! Finality: blocks that a node declared final stay on its chain; they form one chain and are declared without gaps.
//!
//! Where finality is only probable (a depth under proof of work), a reversal is a violation too: it is what the
//! stated probability is about.

use super::safety;
use crate::base::{Hash, Height, NodeId, Time};
use crate::chain::Block;
use crate::observe::{Observed, Observer, Violation};

/// See the head of this file.
pub struct Finality {
    honest: Vec<bool>,
    /// Where each node's final chain ends. The name is unknown before the first boot and after a reversal.
    last: Vec<(Height, Option<Hash>)>,
}

impl Finality {
    /// For every node whether it follows the protocol.
    #[must_use]
    pub fn new(honest: Vec<bool>) -> Finality {
        let last = vec![(Height::GENESIS, None); honest.len()];
        Finality { honest, last }
    }
    /// The next final block is a child of the last.
    fn follow(&mut self, now: Time, node: NodeId, block: &Block) -> Result<(), Violation> {
        let (height, name) = self.last[node.index()];
        self.last[node.index()] = (block.height(), Some(block.id()));
        if block.height() != height.next() {
            let what = format!(
                "{node} finalized block {} at height {} after height {height}: a gap or a repetition",
                block.id(),
                block.height()
            );
            return safety("finality", now, what);
        }
        match name {
            Some(name) if name != block.parent() => {
                let what = format!(
                    "{node} finalized block {} at height {}, whose parent is {} and not {name}, final before it",
                    block.id(),
                    block.height(),
                    block.parent()
                );
                safety("finality", now, what)
            }
            _ => Ok(()),
        }
    }
    fn rewind(&mut self, now: Time, node: NodeId, from: Height, to: Height, declared: Height) -> Result<(), Violation> {
        let (height, _) = self.last[node.index()];
        let finalized = declared.max(height);
        if to >= finalized {
            return Ok(());
        }
        self.last[node.index()] = (to, None);
        let what = format!("{node} cut its chain from height {from} to {to} though it was final up to {finalized}");
        safety("finality", now, what)
    }
    /// A snapshot must not end below the final part of the node's chain.
    fn install(&mut self, now: Time, node: NodeId, block: &Block) -> Result<(), Violation> {
        let (height, name) = self.last[node.index()];
        self.last[node.index()] = (block.height(), Some(block.id()));
        let same = block.height() == height && name.is_none_or(|name| name == block.id());
        if block.height() > height || same {
            return Ok(());
        }
        let what = format!(
            "{node} installed block {} at height {} though its chain was final up to {height}",
            block.id(),
            block.height()
        );
        safety("finality", now, what)
    }
}

impl Observer for Finality {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        match *observed {
            Observed::Finalized { node, block, .. } if self.honest[node.index()] => self.follow(now, node, block),
            Observed::Rewound { node, from, to, finalized } if self.honest[node.index()] => {
                self.rewind(now, node, from, to, finalized)
            }
            Observed::Installed { node, block, .. } if self.honest[node.index()] => self.install(now, node, block),
            Observed::Booted { node, durable, .. } => {
                // `Durability` checks whether final blocks were lost.
                self.last[node.index()] = (durable.height(), Some(durable.id()));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
