//! Attackers that withhold blocks.
//!
//! An attacker listens like an honest node (its `public` part, whose tip is the public head, first seen) but mines on a
//! chain of its own and publishes when its strategy says so. It relays no blocks of other miners, so that in a tie its
//! own block has the head start that its place in the network gives it: `gamma`, the share of honest power that mines
//! on the attacker's block in a tie, is for the network to decide.
//!
//! * `selfish`: Eyal and Sirer 2014, algorithm 1.
//! * `lead_stubborn`, `equal_fork_stubborn`, `trail_stubborn`: Nayak et al. 2016, figure 3, each on its own; the trail
//!   is one block long.
//! * `double_spend`: Nakamoto 2008, section 11. Mines in secret until the public chain has grown by the merchant's
//!   confirmations and the secret chain is longer, then publishes all; starts anew when it is hopelessly behind.

use super::{Config, Message, Nakamoto, Record, Timer};
use crate::base::{Height, NodeId};
use crate::chain::{Block, BlockIndex};
use crate::protocol::{Attacker, Context, Effect, Message as _, Protocol as _};
use std::collections::VecDeque;
use std::sync::Arc;

/// Names of the attacks, with one line each.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("selfish", "withholds blocks to waste the others' work (Eyal and Sirer 2014)"),
    ("lead_stubborn", "selfish, but never publishes its whole lead while it has one (Nayak et al. 2016)"),
    ("equal_fork_stubborn", "selfish, but keeps withholding after winning a tie (Nayak et al. 2016)"),
    ("trail_stubborn", "selfish, but goes on when it is one block behind (Nayak et al. 2016)"),
    ("double_spend", "mines in secret until the merchant's confirmations are reached, then publishes"),
];

/// Blocks behind at which a double spender gives up: from there one of share 0.4 succeeds once in 10^10.
const GIVE_UP: u64 = 60;

/// When to publish.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Strategy {
    /// Eyal and Sirer, with the deviations of Nayak et al.
    Selfish {
        /// With a lead of two, publishes one block and not all.
        lead: bool,
        /// Having found the block that wins a tie, keeps it.
        equal_fork: bool,
        /// How many blocks behind it goes on.
        trail: u64,
    },
    /// Waits until the public chain is this much higher than where the secret one began.
    DoubleSpend {
        /// The merchant's confirmations.
        confirmations: u64,
    },
}

/// A miner that withholds.
#[derive(Debug)]
struct Withholder {
    strategy: Strategy,
    /// An honest node that never mines: what the public knows.
    public: Nakamoto,
    /// Last block of the chain that this attacker mines on.
    private: BlockIndex,
    /// Height of the public head when the private chain began.
    fork: Height,
    /// Blocks of the private chain that no other node has received, in ascending order.
    hidden: VecDeque<Arc<Block>>,
    miner: super::mining::Miner,
}

/// An attacker by name.
pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Nakamoto>,
) -> Option<Box<dyn Attacker<Nakamoto>>> {
    let selfish = |lead, equal_fork, trail| Strategy::Selfish { lead, equal_fork, trail };
    let strategy = match name {
        "selfish" => selfish(false, false, 0),
        "lead_stubborn" => selfish(true, false, 0),
        "equal_fork_stubborn" => selfish(false, true, 0),
        "trail_stubborn" => selfish(false, false, 1),
        "double_spend" => Strategy::DoubleSpend { confirmations: config.finality.depth() },
        _ => return None,
    };
    let mut public = Nakamoto::new(config, ctx);
    let miner = std::mem::take(&mut public.miner);
    public.recover(log, ctx);
    let (private, fork) = (public.tip(), ctx.tree().height(public.tip()));
    let mut withholder = Withholder { strategy, public, private, fork, hidden: VecDeque::new(), miner };
    withholder.mine(ctx);
    Some(Box::new(withholder))
}

impl Attacker<Nakamoto> for Withholder {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Nakamoto>) {
        let before = self.public_height(ctx);
        self.public.on_message_quietly(from, message, ctx);
        let after = self.public_height(ctx);
        for height in before.0 + 1..=after.0 {
            self.on_public_block(Height(height), ctx);
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Nakamoto>) {
        match timer {
            Timer::Stalled => self.public.on_stalled(ctx),
            Timer::Mine => match self.miner.fire(&self.public, self.private, ctx) {
                Some(block) => self.on_private_block(block, ctx),
                None => self.mine(ctx),
            },
        }
    }
}

impl Nakamoto {
    /// Handles a message as usual, but passes no block on.
    fn on_message_quietly(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Nakamoto>) {
        self.on_message(from, message, ctx);
        let is_relay =
            |effect: &_| matches!(effect, Effect::Broadcast { message } if Message::block(message).is_some());
        ctx.effects_mut().retain(|effect| !is_relay(effect));
    }
}

/// What both strategies do.
impl Withholder {
    fn public_height(&self, ctx: &Context<'_, Nakamoto>) -> Height {
        ctx.tree().height(self.public.tip())
    }
    fn private_height(&self, ctx: &Context<'_, Nakamoto>) -> Height {
        ctx.tree().height(self.private)
    }
    fn mine(&mut self, ctx: &mut Context<'_, Nakamoto>) {
        self.miner.restart(&self.public, self.private, ctx);
    }
    /// Gives the private chain up and starts anew from the public head.
    fn adopt(&mut self, ctx: &mut Context<'_, Nakamoto>) {
        self.hidden.clear();
        self.private = self.public.tip();
        self.fork = self.public_height(ctx);
        self.mine(ctx);
    }
    /// Publishes the oldest hidden blocks, `count` of them or all there are.
    fn publish(&mut self, count: usize, ctx: &mut Context<'_, Nakamoto>) {
        for block in self.hidden.drain(..count.min(self.hidden.len())) {
            ctx.broadcast(Message::Block(block.clone()));
            self.public.connect(&block, false, ctx);
        }
    }
    fn on_private_block(&mut self, block: Arc<Block>, ctx: &mut Context<'_, Nakamoto>) {
        self.private = ctx.insert_block(&block).expect("its parent is in the tree");
        self.hidden.push_back(block);
        match self.strategy {
            Strategy::Selfish { equal_fork, .. } => self.won_selfish(equal_fork, ctx),
            Strategy::DoubleSpend { confirmations } => self.try_double_spend(confirmations, ctx),
        }
        self.mine(ctx);
    }
    /// The public chain has come to reach `height`.
    fn on_public_block(&mut self, height: Height, ctx: &mut Context<'_, Nakamoto>) {
        match self.strategy {
            Strategy::Selfish { lead, trail, .. } => self.lost_selfish(height, lead, trail, ctx),
            Strategy::DoubleSpend { confirmations } => {
                if self.public_height(ctx).0 >= self.private_height(ctx).0 + GIVE_UP {
                    self.adopt(ctx);
                } else {
                    self.try_double_spend(confirmations, ctx);
                }
            }
        }
    }
}

/// Eyal and Sirer 2014, algorithm 1.
impl Withholder {
    /// "My pool found a block": if it ends a tie of two chains, it wins at once.
    fn won_selfish(&mut self, equal_fork: bool, ctx: &mut Context<'_, Nakamoto>) {
        let was_level = self.private_height(ctx) == self.public_height(ctx).next();
        let was_tied = was_level && ctx.tree().parent(self.private) != self.public.tip();
        if was_tied && !equal_fork {
            self.publish(usize::MAX, ctx);
        }
    }
    /// "Others found a block" at `height`: follows it, or answers it, according to the lead before it.
    fn lost_selfish(&mut self, height: Height, lead: bool, trail: u64, ctx: &mut Context<'_, Nakamoto>) {
        let private = self.private_height(ctx).0;
        match (private + 1).saturating_sub(height.0) {
            // No lead: goes over to the public chain, unless stubborn and with something to lose.
            0 => {
                let has_nothing = ctx.tree().is_ancestor(self.private, self.public.tip());
                if has_nothing || height.0 - private > trail {
                    self.adopt(ctx);
                }
            }
            // One ahead until now: level, one chain against the other.
            1 => self.publish(usize::MAX, ctx),
            // Two ahead until now: one ahead still, and wins by that.
            2 if !lead => self.publish(usize::MAX, ctx),
            _ => self.publish(1, ctx),
        }
    }
}

/// Nakamoto 2008, section 11.
impl Withholder {
    fn try_double_spend(&mut self, confirmations: u64, ctx: &mut Context<'_, Nakamoto>) {
        let (public, private) = (self.public_height(ctx).0, self.private_height(ctx).0);
        // The payment is in the first public block after the fork; its confirmations follow it.
        if public > self.fork.0 + confirmations && private > public {
            self.publish(usize::MAX, ctx);
            self.fork = self.private_height(ctx);
        }
    }
}
