//! Signers that do not follow Clique.

use super::message::{Fields, Message, Record};
use super::{Clique, Config, Sealed, Timer};
use crate::base::{Duration, NodeId, Time};
use crate::chain::{Batch, Block, Header};
use crate::protocol::{Attacker, Context, Effect, Protocol};
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("equivocate", "seals another, empty block beside each of its own, for odd nodes"),
    ("clone", "lives twice, once among even and once among odd nodes, and seals on both chains (NDSS 2020)"),
    ("eager", "seals out of turn without the random delay"),
    ("censor", "seals empty blocks"),
    ("drift", "dates its blocks half a minute ahead"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    Equivocate,
    Clone,
    Eager,
    Censor,
    Drift,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    /// The one among even nodes, whose chain this node shows; and the one among odd ones.
    masks: [Clique; 2],
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Clique>,
) -> Option<Box<dyn Attacker<Clique>>> {
    let attack = match name {
        "equivocate" => Attack::Equivocate,
        "clone" => Attack::Clone,
        "eager" => Attack::Eager,
        "censor" => Attack::Censor,
        "drift" => Attack::Drift,
        _ => return None,
    };
    let mut config = config.clone();
    if attack == Attack::Eager {
        Arc::make_mut(&mut config).wiggle = Duration::ZERO;
    }
    let mask = Clique::boot(&config, log, ctx);
    Some(Box::new(Faulty { attack, masks: [mask.clone(), mask] }))
}

impl Attacker<Clique> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Clique>) {
        let side = if self.attack == Attack::Clone { from.index() % 2 } else { 0 };
        self.live(side, ctx, |mask, ctx| mask.on_message(from, message, ctx));
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Clique>) {
        let sides = if self.attack == Attack::Clone { 0..=1 } else { 0..=0 };
        sides.for_each(|side| self.live(side, ctx, |mask, ctx| mask.on_timer(timer, ctx)));
    }
}

impl Faulty {
    /// Lets one of the two act, and sends what it says to its side.
    fn live(
        &mut self,
        side: usize,
        ctx: &mut Context<'_, Clique>,
        act: impl FnOnce(&mut Clique, &mut Context<'_, Clique>),
    ) {
        let before = ctx.effects_mut().len();
        act(&mut self.masks[side], ctx);
        let me = ctx.me();
        for effect in ctx.effects_mut().split_off(before) {
            match effect {
                Effect::Broadcast { message: Message::Block(sealed) } => {
                    let [even, odd] = self.faces(&sealed, ctx).map(Message::Block);
                    for to in ctx.committee().members().filter(|to| *to != me) {
                        match (self.attack, to.index() % 2) {
                            (Attack::Clone, parity) if parity != side => {}
                            (_, 1) => ctx.send(to, odd.clone()),
                            _ => ctx.send(to, even.clone()),
                        }
                    }
                }
                // This node shows the chain of the first.
                Effect::Extend { .. } | Effect::Rewind { .. } | Effect::Finalize { .. } if side == 1 => {}
                effect => ctx.effects_mut().push(effect),
            }
        }
    }
    /// What even and odd nodes get in place of a block.
    fn faces(&self, sealed: &Arc<Sealed>, ctx: &mut Context<'_, Clique>) -> [Arc<Sealed>; 2] {
        let is_mine = sealed.block.header.proposer == ctx.me();
        let header = sealed.block.header;
        let mut remake = |time: Time, batch: Arc<Batch>| {
            let fields: Fields = sealed.fields.clone();
            let block = Block::new(Header { time, merkle: batch.digest(), ..header }, batch);
            let signature = ctx.sign(&Sealed::statement(&block.id()));
            Arc::new(Sealed { block, fields, signature })
        };
        match self.attack {
            Attack::Equivocate if is_mine => {
                [sealed.clone(), remake(header.time + Duration::from_nanos(1), Batch::empty())]
            }
            Attack::Censor if is_mine => {
                let other = remake(header.time, Batch::empty());
                [other.clone(), other]
            }
            Attack::Drift if is_mine => {
                let other = remake(header.time + Duration::from_secs(30), sealed.block.batch.clone());
                [other.clone(), other]
            }
            _ => [sealed.clone(), sealed.clone()],
        }
    }
}
