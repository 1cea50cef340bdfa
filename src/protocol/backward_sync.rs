//! Final blocks fetched from the top down. What proves one block final vouches for all its ancestors, so a node needs
//! one proof, of its last block, to serve its whole chain.

use super::request::answer;
use super::{Context, Protocol};
use crate::base::{Hash, Height};
use crate::chain::Block;
use std::sync::Arc;

/// Blocks in one answer at most.
pub const ANSWER_MAX: usize = 64;

/// The way down from a block that is proved final to the tip of a node that fell behind.
#[derive(Clone, Debug)]
pub struct BackwardSync<T> {
    proof: T,
    /// Name and height of the next block that is missing.
    next: (Hash, Height),
    /// What has come, each the parent of the one before.
    blocks: Vec<Arc<Block>>,
}

impl<T> BackwardSync<T> {
    /// From the block that `proof` proves final. The caller has checked the proof.
    #[must_use]
    pub fn new(proof: T, top: &Block) -> BackwardSync<T> {
        let next = (top.parent(), top.height().previous().unwrap_or(Height::GENESIS));
        BackwardSync { proof, next, blocks: Vec::new() }
    }
    /// The height of the next block that is missing.
    #[must_use]
    pub fn next(&self) -> Height {
        self.next.1
    }
    /// Takes what continues the way down, until it is at `tip`; whether anything did.
    pub fn take(&mut self, blocks: &[Arc<Block>], tip: &Block) -> bool {
        let before = self.blocks.len();
        for block in blocks {
            let is_next = (block.id(), block.height()) == self.next && block.header.merkle == block.batch.digest();
            if is_next && block.height() > tip.height() {
                self.next = (block.parent(), block.height().previous().unwrap_or(Height::GENESIS));
                self.blocks.push(block.clone());
            }
        }
        self.blocks.len() > before
    }
    /// Whether the way is down at the height of `tip`.
    #[must_use]
    pub fn is_down(&self, tip: &Block) -> bool {
        self.next.1 <= tip.height()
    }
    /// The blocks above `tip`, ascending, and the proof; none if they stand on another block.
    #[must_use]
    pub fn finish(mut self, tip: &Block) -> Option<(Vec<Arc<Block>>, T)> {
        self.blocks.retain(|block| block.height() > tip.height());
        self.blocks.reverse();
        let stands = self.blocks.first().is_none_or(|lowest| lowest.parent() == tip.id());
        stands.then_some((self.blocks, self.proof))
    }
}

/// What is final here from height `upto` down to `above`, highest first, as much as an answer holds.
#[must_use]
pub fn ancestors<P: Protocol>(upto: Height, above: Height, ctx: &Context<'_, P>) -> Vec<Arc<Block>> {
    let upto = upto.min(ctx.finalized());
    let heights = (above.0.saturating_add(1)..=upto.0).rev();
    answer(heights.map_while(|height| ctx.block_at(Height(height))), ANSWER_MAX, |block| block.bytes())
}
