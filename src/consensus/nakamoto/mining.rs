//! Finding blocks.
//!
//! *Simulated*: a miner of `h` hashes per second finds a block after an exponential time of rate
//! `h (target + 1) / 2^256`. The law has no memory, so the time is drawn anew whenever the tip changes, and only then.
//! The block still carries a nonce ground against the easiest target.
//!
//! *Ground*: nonces are tried one by one and each takes `1 / h` virtual seconds. A miner tries a slice at a time, and
//! then waits until that slice is over or its block is found.

use super::difficulty::{Branch, LIMIT_BITS, Rules, Target, bits_of};
use super::{Mining, Nakamoto, Timer};
use crate::base::{Duration, Hash};
use crate::chain::{Batch, Block, BlockIndex, Header, Seal};
use crate::protocol::Context;
use std::sync::Arc;

/// Slices per target spacing: how often a grinding miner renews its template.
const SLICES: u64 = 16;

/// A miner's own state.
#[derive(Clone, Debug, Default)]
pub struct Miner {
    /// Hashes per second; 0 for a node that does not mine.
    rate: f64,
    /// The compact target that `success` belongs to; 0 before the first.
    bits: u32,
    /// The probability that one hash meets that target.
    success: f64,
    /// What this miner grinds: the block found at the end of this slice, if any. Empty in simulated mining.
    found: Option<Arc<Block>>,
}

impl Miner {
    /// A miner of `rate` hashes per second.
    #[must_use]
    pub fn new(rate: f64) -> Miner {
        Miner { rate, ..Miner::default() }
    }
    /// Whether it mines at all.
    #[must_use]
    pub fn is_mining(&self) -> bool {
        self.rate > 0.0
    }
    /// Starts to mine on `tip`, whatever it did before.
    pub fn restart(&mut self, node: &Nakamoto, tip: BlockIndex, ctx: &mut Context<'_, Nakamoto>) {
        if !self.is_mining() {
            return;
        }
        let after = match node.config().mining {
            Mining::Ground => self.grind_a_slice(node, tip, ctx),
            Mining::Simulated => {
                let bits = node.rules().next_bits(&Branch::new(ctx.tree(), tip, &[]));
                if bits != self.bits {
                    let target = Target::from_compact(bits).expect("rules yield sound targets");
                    (self.bits, self.success) = (bits, target.probability());
                }
                Duration::from_secs_f64(ctx.random().exponential() / (self.rate * self.success))
            }
        };
        ctx.set_timer(Timer::Mine, after);
    }
    /// The time drawn is over: the block found on `tip`, or `None` if a slice of grinding ended without.
    pub fn fire(&mut self, node: &Nakamoto, tip: BlockIndex, ctx: &mut Context<'_, Nakamoto>) -> Option<Arc<Block>> {
        match node.config().mining {
            Mining::Ground => self.found.take(),
            Mining::Simulated => {
                let (mut header, batch) = template(node, tip, ctx);
                grind(&mut header, Target::limit(), u64::MAX);
                Some(Block::new(header, batch))
            }
        }
    }
    /// Tries the nonces of one slice and returns how long that takes: up to the one that meets the target.
    fn grind_a_slice(&mut self, node: &Nakamoto, tip: BlockIndex, ctx: &mut Context<'_, Nakamoto>) -> Duration {
        let (mut header, batch) = template(node, tip, ctx);
        let slice = (node.config().spacing / SLICES).as_secs_f64();
        let attempts = ((self.rate * slice) as u64).max(1);
        let bits = bits_of(&header).unwrap_or(LIMIT_BITS);
        let target = Target::from_compact(bits).expect("rules yield sound targets");
        let met = grind(&mut header, target, attempts);
        self.found = met.map(|_| Block::new(header, batch));
        Duration::from_secs_f64(met.unwrap_or(attempts) as f64 / self.rate)
    }
}

/// What a miner works on: a header on `tip` with a random first nonce, and its transactions.
fn template(node: &Nakamoto, tip: BlockIndex, ctx: &mut Context<'_, Nakamoto>) -> (Header, Arc<Batch>) {
    let parent = ctx.tree().block(tip).clone();
    let batch = ctx.template(&parent, node.config().block_limit);
    let branch = Branch::new(ctx.tree(), tip, &[]);
    let (bits, time) = (node.rules().next_bits(&branch), Rules::next_time(&branch, ctx.now()));
    // Miners start at different nonces: headers hold no name, so the same template would make the same block.
    let nonce = ctx.random().next_u64() as u32;
    let seal = Seal::Work { bits, nonce };
    let height = parent.height().next();
    (Header { parent: parent.id(), height, merkle: batch.digest(), time, proposer: ctx.me(), seal }, batch)
}

/// Counts the header's nonce up until its name meets `target`, for at most `attempts` tries; how many it took. When the
/// nonces are used up, the time moves on by a second.
pub fn grind(header: &mut Header, target: Target, attempts: u64) -> Option<u64> {
    let Seal::Work { bits, mut nonce } = header.seal else { return None };
    let mut bytes = header.work_bytes(bits, nonce);
    for attempt in 1..=attempts {
        bytes[76..80].copy_from_slice(&nonce.to_le_bytes());
        if target.is_met_by(&Hash::double(&bytes)) {
            header.seal = Seal::Work { bits, nonce };
            return Some(attempt);
        }
        nonce = nonce.wrapping_add(1);
        if nonce == 0 {
            header.time += Duration::from_secs(1);
            bytes = header.work_bytes(bits, nonce);
        }
    }
    None
}
