//! Nodes that do not follow the protocol. Each runs an honest node and rewrites what it orders.

use super::message::{Message, Proposal, Set, Validation};
use super::{Config, Mode, Record, Ripple, Timer};
use crate::base::{Digest, Duration, NodeId};
use crate::protocol::{Attacker, Context, Effect, EffectOf, Protocol};
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("two_faced", "proposes its set to the first half of the nodes, and the empty set to the others"),
    ("flip", "changes its position between its set and the empty set at every tick"),
    ("echo", "says to each node what that node says: positions and validations of every side of a fork"),
    ("withhold", "proposes sets that it gives to no other node"),
    ("clock_lie", "proposes close times a day ahead, and dates every other validation ten minutes ahead"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    TwoFaced,
    Flip,
    Echo,
    Withhold,
    ClockLie,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    mask: Ripple,
    empty: Arc<Set>,
    flipped: bool,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Ripple>,
) -> Option<Box<dyn Attacker<Ripple>>> {
    let attack = match name {
        "two_faced" => Attack::TwoFaced,
        "flip" => Attack::Flip,
        "echo" => Attack::Echo,
        "withhold" => Attack::Withhold,
        "clock_lie" => Attack::ClockLie,
        _ => return None,
    };
    let mask = Ripple::boot(config, log, ctx);
    Some(Box::new(Faulty { attack, mask, empty: Set::new([]), flipped: false }))
}

impl Attacker<Ripple> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Ripple>) {
        if self.attack == Attack::Echo {
            match message {
                Message::Propose(said) => {
                    let answer = signed(said, ctx);
                    ctx.send(from, answer);
                }
                Message::Validate(said) => {
                    let answer = echo_validation(said, ctx);
                    ctx.send(from, answer);
                }
                _ => {}
            }
        }
        let before = ctx.effects_mut().len();
        match message {
            Message::GetSet(name) if name == self.empty.name => {
                ctx.send(from, Message::SetNames([].into()));
            }
            Message::GetSet(_) | Message::GetItems { .. } if self.attack == Attack::Withhold => {}
            message => self.mask.on_message(from, message, ctx),
        }
        self.rewrite(before, ctx);
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Ripple>) {
        let before = ctx.effects_mut().len();
        self.mask.on_timer(timer, ctx);
        self.rewrite(before, ctx);
        if self.attack == Attack::Flip && timer == Timer::Tick {
            self.flip(ctx);
        }
    }
}

fn signed(mut proposal: Proposal, ctx: &mut Context<'_, Ripple>) -> Message {
    proposal.node = ctx.me();
    proposal.signature = ctx.sign(&proposal.statement());
    Message::Propose(proposal)
}

fn echo_validation(said: Validation, ctx: &mut Context<'_, Ripple>) -> Message {
    let mut validation = Validation { node: ctx.me(), full: true, ..said };
    validation.signature = ctx.sign(&validation.statement());
    Message::Validate(validation)
}

impl Faulty {
    /// Replaces what the mask ordered since `before`.
    fn rewrite(&mut self, before: usize, ctx: &mut Context<'_, Ripple>) {
        for effect in ctx.effects_mut().split_off(before) {
            self.rewrite_one(effect, ctx);
        }
    }
    fn rewrite_one(&mut self, effect: EffectOf<Ripple>, ctx: &mut Context<'_, Ripple>) {
        match (self.attack, effect) {
            (Attack::Echo, Effect::Broadcast { message: Message::Propose(_) | Message::Validate(_) }) => {}
            (Attack::TwoFaced, Effect::Broadcast { message: Message::Propose(said) }) => {
                let other = signed(Proposal { position: self.empty.name, ..said }, ctx);
                let peers: Vec<NodeId> = ctx.committee().members().filter(|node| *node != ctx.me()).collect();
                for (at, peer) in peers.iter().enumerate() {
                    let is_first = at * 2 < peers.len();
                    ctx.send(*peer, if is_first { Message::Propose(said) } else { other.clone() });
                }
            }
            (Attack::Withhold, Effect::Broadcast { message: Message::Propose(said) }) => {
                let position = Digest::new("nobody's").hash(&said.position).finish();
                let message = signed(Proposal { position, ..said }, ctx);
                ctx.broadcast(message);
            }
            (Attack::ClockLie, Effect::Broadcast { message: Message::Propose(said) }) => {
                let close = said.close.map(|time| time + Duration::from_secs(86_400));
                let message = signed(Proposal { close, ..said }, ctx);
                ctx.broadcast(message);
            }
            (Attack::ClockLie, Effect::Broadcast { message: Message::Validate(said) }) if said.seq.0 % 2 == 0 => {
                let mut validation = Validation { time: said.time + Duration::from_secs(600), ..said };
                validation.signature = ctx.sign(&validation.statement());
                ctx.broadcast(Message::Validate(validation));
            }
            (_, effect) => ctx.effects_mut().push(effect),
        }
    }
    fn flip(&mut self, ctx: &mut Context<'_, Ripple>) {
        let Some(mine) = self.mask.position.clone().filter(|_| self.mask.mode == Mode::Proposing) else { return };
        self.flipped = !self.flipped;
        let position = if self.flipped { self.empty.name } else { mine.name };
        self.mask.seq += 1;
        let (prior, seq, close) = (self.mask.tip.name, self.mask.seq, self.mask.close);
        let signature = crate::base::Signature::NONE;
        let message = signed(Proposal { prior, seq, position, close, node: ctx.me(), signature }, ctx);
        ctx.broadcast(message);
    }
}
