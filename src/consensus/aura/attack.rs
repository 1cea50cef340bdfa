//! Validators that do not follow Aura.

use super::message::{Message, Record, Sealed};
use super::{Aura, Config, Timer};
use crate::base::{NodeId, Time};
use crate::chain::{Batch, Block};
use crate::protocol::{Attacker, Context, Effect, Protocol};
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("equivocate", "in its step, seals another, empty block for odd validators"),
    ("withhold", "keeps its block back until the next primary has shown one as high, which then loses against it"),
    ("clone", "lives twice, once among even and once among odd validators, and seals on both chains (NDSS 2020)"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    Equivocate,
    Withhold,
    Clone,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    /// The one among even validators, whose chain this node shows; and the one among odd ones, if it lives twice.
    masks: [Aura; 2],
    /// The block kept back.
    held: Option<Arc<Sealed>>,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Aura>,
) -> Option<Box<dyn Attacker<Aura>>> {
    let attack = match name {
        "equivocate" => Attack::Equivocate,
        "withhold" => Attack::Withhold,
        "clone" => Attack::Clone,
        _ => return None,
    };
    let mask = Aura::boot(config, log, ctx);
    Some(Box::new(Faulty { attack, masks: [mask.clone(), mask], held: None }))
}

impl Attacker<Aura> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Aura>) {
        let shown = if let Message::Block(sealed) = &message { Some(sealed.block.height()) } else { None };
        let side = if self.lives_twice() { from.index() % 2 } else { 0 };
        self.live(side, ctx, |mask, ctx| mask.on_message(from, message, ctx));
        if let Some(held) = self.held.take_if(|held| shown >= Some(held.block.height())) {
            ctx.broadcast(Message::Block(held));
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Aura>) {
        self.sides().for_each(|side| self.live(side, ctx, |mask, ctx| mask.on_timer(timer, ctx)));
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Aura>) {
        self.sides().for_each(|side| self.live(side, ctx, Protocol::on_transaction));
    }
}

impl Faulty {
    fn lives_twice(&self) -> bool {
        self.attack == Attack::Clone
    }
    fn sides(&self) -> std::ops::RangeInclusive<usize> {
        0..=usize::from(self.lives_twice())
    }
    /// Lets one of the two act, and sends what it says to its side.
    fn live(&mut self, side: usize, ctx: &mut Context<'_, Aura>, act: impl FnOnce(&mut Aura, &mut Context<'_, Aura>)) {
        let before = ctx.effects_mut().len();
        act(&mut self.masks[side], ctx);
        let me = ctx.me();
        for effect in ctx.effects_mut().split_off(before) {
            match effect {
                Effect::Broadcast { message: Message::Block(sealed) }
                    if self.attack == Attack::Withhold && sealed.block.header.proposer == me =>
                {
                    self.held = Some(sealed);
                }
                Effect::Broadcast { message } => {
                    let other = self.other(&message, ctx);
                    for to in ctx.committee().members().filter(|to| *to != me) {
                        match (self.attack, to.index() % 2) {
                            (Attack::Clone, parity) if parity != side => {}
                            (Attack::Equivocate, 1) => ctx.send(to, other.clone().unwrap_or_else(|| message.clone())),
                            _ => ctx.send(to, message.clone()),
                        }
                    }
                }
                // This node shows the chain of the first.
                Effect::Extend { .. } | Effect::Rewind { .. } | Effect::Finalize { .. } if side == 1 => {}
                effect => ctx.effects_mut().push(effect),
            }
        }
    }
    /// Another block in place of one of its own.
    fn other(&self, message: &Message, ctx: &mut Context<'_, Aura>) -> Option<Message> {
        let Message::Block(sealed) = message else { return None };
        if self.attack != Attack::Equivocate || sealed.block.header.proposer != ctx.me() {
            return None;
        }
        let header = sealed.block.header;
        let mut other = (*sealed).as_ref().clone();
        let time = Time::from_nanos(header.time.as_nanos() + 1);
        other.block =
            Block::new(crate::chain::Header { time, merkle: Batch::empty().digest(), ..header }, Batch::empty());
        other.signature = ctx.sign(&Sealed::statement(&other.block.id()));
        Some(Message::Block(Arc::new(other)))
    }
}
