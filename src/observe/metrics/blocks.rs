//! The blocks of a run while it goes on, and which of them end on the canonical chain.

use super::rows::{BlockRow, BlockStatus, ShortId};
use crate::base::{Duration, Hash, Height, NodeId, NodeSet, Time};
use crate::chain::Block;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The index of a block in [`Blocks`], in order of creation.
pub type Index = u32;

/// The shares of honest nodes, in per cent, for which the time is measured until they have received a block.
const SHARES: [u64; 3] = [50, 90, 99];

/// A block.
pub struct Record {
    /// The block.
    pub block: Arc<Block>,
    /// When a node first had it.
    pub created: Time,
    /// Whether an honest node had it on its chain.
    pub included: bool,
    /// Whether an honest node removed it from its chain.
    pub reorged: bool,
    /// When it was final at the first honest node.
    pub final_first: Time,
    /// When it was first final at an honest node that was connected, or at any while none was.
    pub final_connected: Time,
    /// In which regions it is final, one bit each.
    pub final_regions: u64,
    /// When it was final at the last honest node.
    pub final_everywhere: Time,
    /// Its transactions by entry node, ascending; emptied when it is final at all nodes.
    pub by_entry_node: Vec<(NodeId, u32)>,
    /// Honest nodes at which it is final.
    final_count: u32,
    /// Honest nodes that have received it: their number, and which, until all have.
    holder_count: u32,
    holders: NodeSet,
    reach: [Duration; 3],
}

/// All blocks.
pub struct Blocks {
    records: Vec<Record>,
    by_id: FxHashMap<Hash, Index>,
    nodes: usize,
    honest: u32,
}

impl Record {
    /// A row of the table of blocks.
    pub fn row(&self, status: BlockStatus) -> BlockRow {
        let block = &self.block;
        let [t50, t90, t99] = self.reach;
        BlockRow {
            id: ShortId(block.id().short()),
            height: block.height(),
            parent: ShortId(block.parent().short()),
            proposer: block.header.proposer,
            created: self.created,
            transactions: block.transactions().len() as u32,
            bytes: block.bytes() as u64,
            status,
            honest_holders: self.holder_count,
            t50,
            t90,
            t99,
            final_first: self.final_first,
            final_connected: self.final_connected,
            final_everywhere: self.final_everywhere,
        }
    }
}

impl Blocks {
    /// No block yet.
    pub fn new(honest: &[bool]) -> Blocks {
        let count = honest.iter().filter(|honest| **honest).count() as u32;
        Blocks { records: Vec::new(), by_id: FxHashMap::default(), nodes: honest.len(), honest: count }
    }
    /// The index of a block, and whether it is new.
    pub fn index_of(&mut self, now: Time, block: &Arc<Block>) -> (Index, bool) {
        let next = self.records.len() as Index;
        let index = *self.by_id.entry(block.id()).or_insert(next);
        if index < next {
            return (index, false);
        }
        self.records.push(Record {
            block: block.clone(),
            created: now,
            included: false,
            reorged: false,
            final_first: Time::NEVER,
            final_connected: Time::NEVER,
            final_regions: 0,
            final_everywhere: Time::NEVER,
            by_entry_node: Vec::new(),
            final_count: 0,
            holder_count: 0,
            holders: NodeSet::with_capacity(self.nodes),
            reach: [Duration::MAX; 3],
        });
        (index, true)
    }
    /// The record of a block.
    pub fn get(&self, index: Index) -> &Record {
        &self.records[index as usize]
    }
    /// The same, to be changed.
    pub fn get_mut(&mut self, index: Index) -> &mut Record {
        &mut self.records[index as usize]
    }
    /// All blocks, in order of creation.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }
    /// The parent of a block, if it is known and one height below.
    pub fn parent(&self, index: Index) -> Option<Index> {
        let block = &self.get(index).block;
        let parent = *self.by_id.get(&block.parent())?;
        (self.get(parent).block.height().next() == block.height()).then_some(parent)
    }
    /// An honest node received a block. The time since its creation, unless the node had it before.
    pub fn block_received(&mut self, now: Time, index: Index, node: NodeId) -> Option<Duration> {
        let honest = self.honest;
        let record = &mut self.records[index as usize];
        if record.holder_count == honest {
            return None;
        }
        if !record.holders.insert(node) {
            return None;
        }
        record.holder_count += 1;
        let after = now.since(record.created);
        for (share, reach) in SHARES.into_iter().zip(&mut record.reach) {
            if u64::from(record.holder_count) == (u64::from(honest) * share).div_ceil(100) {
                *reach = after;
            }
        }
        if record.holder_count == honest {
            record.holders = NodeSet::default();
        }
        Some(after)
    }
    /// An honest node finalized a block. Whether it is the first.
    pub fn finalize(&mut self, now: Time, index: Index) -> bool {
        let honest = self.honest;
        let record = &mut self.records[index as usize];
        record.final_count += 1;
        if record.final_count == honest {
            record.final_everywhere = now;
        }
        let first = record.final_first == Time::NEVER;
        record.final_first = record.final_first.min(now);
        first
    }
    /// Drops the entry nodes of a block that is final everywhere.
    pub fn release(&mut self, index: Index) {
        let record = &mut self.records[index as usize];
        if record.final_count >= self.honest {
            record.by_entry_node = Vec::new();
        }
    }
    /// The status of each block, given the tips of the honest nodes' chains.
    ///
    /// The canonical chain starts at genesis. At each fork it continues with the child that most tips are on or above (the
    /// earlier created among equals), as long as a tip is: nodes that are behind on the same chain support it too.
    pub fn statuses(&self, tips: impl Iterator<Item = Index>) -> Vec<BlockStatus> {
        let count = self.records.len();
        let parents: Vec<Option<Index>> = (0..count).map(|index| self.parent(index as Index)).collect();
        let mut support = vec![0u64; count];
        tips.for_each(|tip| support[tip as usize] += 1);
        let height = |index: Index| self.get(index).block.height();
        let mut descending: Vec<Index> = (0..count as Index).collect();
        descending.sort_by_key(|&index| std::cmp::Reverse((height(index), index)));
        let mut best: Vec<Option<Index>> = vec![None; count];
        for index in descending {
            let supported = support[index as usize];
            let Some(parent) = parents[index as usize].filter(|_| supported > 0) else {
                continue;
            };
            support[parent as usize] += supported;
            let rival = &mut best[parent as usize];
            if rival.is_none_or(|rival| supported >= support[rival as usize]) {
                *rival = Some(index);
            }
        }
        let mut statuses = vec![BlockStatus::Stale; count];
        let mut at = (0..count as Index).find(|&index| height(index) == Height::GENESIS);
        let mut tip = Height::GENESIS;
        while let Some(index) = at {
            statuses[index as usize] = BlockStatus::Canonical;
            tip = height(index);
            at = best[index as usize];
        }
        for (index, status) in statuses.iter_mut().enumerate() {
            if height(index as Index) > tip {
                *status = BlockStatus::Undecided;
            }
        }
        statuses
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::child;
    use proptest::prelude::*;

    /// The same, with the support of each block found by walking down from every tip.
    fn naive(blocks: &Blocks, tips: &[Index]) -> Vec<BlockStatus> {
        let count = blocks.records.len() as Index;
        let chain = |tip| std::iter::successors(Some(tip), |&at| blocks.parent(at));
        let support = |index| tips.iter().filter(|&&tip| chain(tip).any(|at| at == index)).count();
        let mut canonical = vec![0];
        while let Some(best) = (0..count)
            .filter(|&index| blocks.parent(index) == canonical.last().copied() && support(index) > 0)
            .max_by_key(|&index| (support(index), std::cmp::Reverse(index)))
        {
            canonical.push(best);
        }
        let top = canonical.len() as u64 - 1;
        let status = |index| match blocks.get(index).block.height().0 {
            _ if canonical.contains(&index) => BlockStatus::Canonical,
            height if height > top => BlockStatus::Undecided,
            _ => BlockStatus::Stale,
        };
        (0..count).map(status).collect()
    }

    proptest! {
        #[test]
        fn statuses_are_those_of_the_naive_walk(
            parents in prop::collection::vec(any::<u32>(), 0..30),
            tips in prop::collection::vec(any::<u32>(), 0..8),
        ) {
            let mut blocks = Blocks::new(&[true]);
            blocks.index_of(Time::ZERO, &Block::genesis());
            for (n, parent) in parents.iter().enumerate() {
                // Mostly recent parents, so that chains grow.
                let parent = (n as u32).saturating_sub(parent % 4);
                let block = child(&blocks.get(parent).block.clone(), n as u32, &[]);
                blocks.index_of(Time::ZERO, &block);
            }
            let tips: Vec<Index> = tips.iter().map(|tip| tip % (parents.len() as u32 + 1)).collect();
            prop_assert_eq!(blocks.statuses(tips.iter().copied()), naive(&blocks, &tips));
        }
    }

    #[test]
    fn a_node_that_receives_a_block_twice_counts_once() {
        let mut blocks = Blocks::new(&[true; 10]);
        let (index, new) = blocks.index_of(Time::ZERO, &Block::genesis());
        assert!(new && !blocks.index_of(Time::from_nanos(5), &Block::genesis()).1);
        let mut received =
            |at, node| blocks.block_received(Time::from_nanos(at), index, NodeId(node)).map(Duration::as_nanos);
        assert_eq!(received(1, 3), Some(1));
        assert_eq!(received(2, 3), None);
        for node in [0, 1, 2, 4, 5, 6, 7, 8, 9] {
            assert_eq!(received(10 + u64::from(node), node), Some(10 + u64::from(node)));
        }
        assert_eq!(received(99, 3), None);
        let record = blocks.get(index);
        assert_eq!((record.holder_count, record.reach.map(Duration::as_nanos)), (10, [14, 18, 19]));
    }
}
