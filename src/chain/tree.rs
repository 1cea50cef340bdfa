//! The tree that blocks form: every block by name and by number, ancestors in logarithmic time.

use super::block::Block;
use crate::base::{Hash, Height};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The number of a block in a [`BlockTree`]; genesis is 0, a parent is below its children.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct BlockIndex(pub u32);

impl BlockIndex {
    /// The root of the tree.
    pub const GENESIS: BlockIndex = BlockIndex(0);
    /// The number as an index into a table.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

struct Entry {
    block: Arc<Block>,
    parent: BlockIndex,
    /// An ancestor far below, as in a skip list (Pugh): Bitcoin Core's choice of heights.
    skip: BlockIndex,
}

/// All blocks known to a process. A node's own knowledge is a set of [`BlockIndex`]es.
pub struct BlockTree {
    entries: Vec<Entry>,
    by_id: FxHashMap<Hash, BlockIndex>,
}

impl Default for BlockTree {
    fn default() -> BlockTree {
        BlockTree::new()
    }
}

impl BlockTree {
    /// A tree of genesis alone.
    #[must_use]
    pub fn new() -> BlockTree {
        let genesis = Block::genesis();
        let by_id = FxHashMap::from_iter([(genesis.id(), BlockIndex::GENESIS)]);
        let root = Entry { block: genesis, parent: BlockIndex::GENESIS, skip: BlockIndex::GENESIS };
        BlockTree { entries: vec![root], by_id }
    }
    /// Adds `block` and returns its number, the same each time. `None` if its parent is unknown or its height is
    /// not one above its parent's.
    pub fn insert(&mut self, block: &Arc<Block>) -> Option<BlockIndex> {
        if let Some(&known) = self.by_id.get(&block.id()) {
            return Some(known);
        }
        let parent = self.find(&block.parent())?;
        if block.height() != self.block(parent).height().next() {
            return None;
        }
        let index = BlockIndex(u32::try_from(self.entries.len()).expect("fewer than 2^32 blocks"));
        let skip = self.ancestor(parent, skip_height(block.height()));
        self.entries.push(Entry { block: block.clone(), parent, skip });
        self.by_id.insert(block.id(), index);
        Some(index)
    }
    /// Number of blocks, genesis included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Never: genesis is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }
    /// The number of the block named `id`.
    #[must_use]
    pub fn find(&self, id: &Hash) -> Option<BlockIndex> {
        self.by_id.get(id).copied()
    }
    /// The block with this number.
    #[must_use]
    pub fn block(&self, index: BlockIndex) -> &Arc<Block> {
        &self.entries[index.index()].block
    }
    /// The height of the block with this number.
    #[must_use]
    pub fn height(&self, index: BlockIndex) -> Height {
        self.block(index).height()
    }
    /// The parent; genesis is its own.
    #[must_use]
    pub fn parent(&self, index: BlockIndex) -> BlockIndex {
        self.entries[index.index()].parent
    }
    /// The ancestor of `index` (or itself) at `height`.
    ///
    /// # Panics
    /// If `height` is above the block's own.
    #[must_use]
    pub fn ancestor(&self, index: BlockIndex, height: Height) -> BlockIndex {
        assert!(height <= self.height(index), "an ancestor is not above its descendant");
        let mut at = index;
        while self.height(at) > height {
            let skip = self.entries[at.index()].skip;
            at = if self.height(skip) >= height { skip } else { self.parent(at) };
        }
        at
    }
    /// Whether `ancestor` lies on the path from `index` to genesis, `index` included.
    #[must_use]
    pub fn is_ancestor(&self, ancestor: BlockIndex, index: BlockIndex) -> bool {
        let height = self.height(ancestor);
        height <= self.height(index) && self.ancestor(index, height) == ancestor
    }
    /// The highest block that is an ancestor of both.
    #[must_use]
    pub fn fork_point(&self, a: BlockIndex, b: BlockIndex) -> BlockIndex {
        let height = self.height(a).min(self.height(b));
        let (mut a, mut b) = (self.ancestor(a, height), self.ancestor(b, height));
        while a != b {
            let (skip_a, skip_b) = (self.entries[a.index()].skip, self.entries[b.index()].skip);
            (a, b) = if skip_a == skip_b { (self.parent(a), self.parent(b)) } else { (skip_a, skip_b) };
        }
        a
    }
    /// The blocks above `from` up to `to`, in ascending order.
    ///
    /// # Panics
    /// If `from` is not an ancestor of `to`.
    #[must_use]
    pub fn path(&self, from: BlockIndex, to: BlockIndex) -> Vec<BlockIndex> {
        let mut path = Vec::new();
        let mut at = to;
        while at != from {
            assert!(self.height(at) > self.height(from), "a path leads upwards");
            path.push(at);
            at = self.parent(at);
        }
        path.reverse();
        path
    }
}

/// The height that the skip pointer of a block at `height` leads to: turning off the lowest set bits, so that any
/// ancestor is some `log` steps away, and equal for blocks of equal height.
fn skip_height(height: Height) -> Height {
    let turn_off_lowest = |n: u64| n & n.wrapping_sub(1);
    Height(match height.0 {
        0 | 1 => 0,
        odd if odd % 2 == 1 => turn_off_lowest(turn_off_lowest(odd - 1)) + 1,
        even => turn_off_lowest(even),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{NodeId, Stream, Time};
    use crate::chain::{Batch, Header, Seal};

    fn child(tree: &BlockTree, parent: BlockIndex, proposer: u32) -> Arc<Block> {
        let (above, batch) = (tree.block(parent), Batch::empty());
        let header = Header {
            parent: above.id(),
            height: above.height().next(),
            merkle: batch.digest(),
            time: Time::ZERO,
            proposer: NodeId(proposer),
            seal: Seal::None,
        };
        Block::new(header, batch)
    }

    #[test]
    fn ancestors_and_fork_points_are_those_of_the_naive_walk() {
        let mut random = Stream::new(1, "tree", 0, 0);
        let mut tree = BlockTree::new();
        for n in 1..600u32 {
            let recent = tree.len().saturating_sub(8) + random.index(tree.len().min(8));
            let block = child(&tree, BlockIndex(recent as u32), n);
            tree.insert(&block).unwrap();
        }
        let chain = |mut at: BlockIndex| {
            let mut chain = vec![at];
            while at != BlockIndex::GENESIS {
                at = tree.parent(at);
                chain.push(at);
            }
            chain.reverse();
            chain
        };
        for _ in 0..2_000 {
            let pick = |random: &mut Stream| BlockIndex(random.index(tree.len()) as u32);
            let (a, b) = (pick(&mut random), pick(&mut random));
            let (path_a, path_b) = (chain(a), chain(b));
            let height = random.index(path_a.len());
            assert_eq!(tree.ancestor(a, Height(height as u64)), path_a[height]);
            let common = path_a.iter().zip(&path_b).take_while(|(x, y)| x == y).count() - 1;
            assert_eq!(tree.fork_point(a, b), path_a[common]);
            assert_eq!(tree.path(path_a[common], a), path_a[common + 1..]);
        }
    }

    #[test]
    fn a_block_without_parent_or_with_a_wrong_height_is_not_taken() {
        let mut tree = BlockTree::new();
        let first = child(&tree, BlockIndex::GENESIS, 0);
        let header = Header { height: Height(5), ..first.header };
        assert_eq!(tree.insert(&Block::new(header, Batch::empty())), None);
        let header = Header { parent: Hash::of(b"unknown"), ..first.header };
        assert_eq!(tree.insert(&Block::new(header, Batch::empty())), None);
        assert_eq!(tree.insert(&first), Some(BlockIndex(1)));
        assert_eq!(tree.insert(&first), Some(BlockIndex(1)));
    }
}
