//! Validators that do not follow Tendermint: an honest one whose orders are rewritten.

use super::message::{Message, NIL, Phase, Proposal, Vote};
use super::{Config, Record, Tendermint, Timer};
use crate::base::{Hash, NodeId};
use crate::protocol::{Attacker, Context, Effect, Protocol};
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("equivocate", "as proposer, names another block to the second half of the validators"),
    ("double-vote", "votes for the block to the first half and nil to the others"),
    ("amnesia", "forgets its lock at once"),
    ("hidden-lock", "shows its prevotes to one validator only"),
    ("lying-pol", "as proposer, claims a validRound that had no polka"),
    ("split", "keeps its votes from the second half of the validators, whose timeouts run"),
];

#[derive(Debug)]
struct Faulty {
    attack: &'static str,
    mask: Tendermint,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Tendermint>,
) -> Option<Box<dyn Attacker<Tendermint>>> {
    let (attack, _) = ATTACKS.iter().find(|(known, _)| *known == name)?;
    let mut faulty = Faulty { attack, mask: Tendermint::boot(config, log, ctx) };
    faulty.rewrite(0, ctx);
    Some(Box::new(faulty))
}

impl Attacker<Tendermint> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Tendermint>) {
        let before = ctx.ordered().len();
        self.mask.on_message(from, message, ctx);
        self.rewrite(before, ctx);
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Tendermint>) {
        let before = ctx.ordered().len();
        self.mask.on_timer(timer, ctx);
        self.rewrite(before, ctx);
    }
    fn on_pending(&mut self, ctx: &mut Context<'_, Tendermint>) {
        let before = ctx.ordered().len();
        self.mask.on_pending(ctx);
        self.rewrite(before, ctx);
    }
}

impl Faulty {
    fn rewrite(&mut self, before: usize, ctx: &mut Context<'_, Tendermint>) {
        if self.attack == "amnesia" {
            self.mask.locked = None;
        }
        for effect in ctx.ordered().split_off(before) {
            match effect {
                Effect::Broadcast { message } => self.spread(&message, ctx),
                other => ctx.ordered().push(other),
            }
        }
    }
    fn spread(&self, message: &Message, ctx: &mut Context<'_, Tendermint>) {
        let peers: Vec<NodeId> = ctx.committee().members().filter(|node| *node != ctx.me()).collect();
        let second = match (self.attack, message) {
            ("equivocate", Message::Proposal(m)) => {
                let id = Hash::of(&m.1.id.0);
                Some(propose(Proposal { id, ..m.1 }, ctx))
            }
            ("double-vote", Message::Vote(vote)) if vote.id != NIL => {
                let signature = ctx.sign(&Vote::statement(vote.phase, vote.height, vote.round, &NIL));
                Some(Message::Vote(Arc::new(Vote { id: NIL, signature, ..**vote })))
            }
            ("lying-pol", Message::Proposal(m)) if m.1.round > 0 => {
                let lie = propose(Proposal { valid_round: Some(m.1.round - 1), ..m.1 }, ctx);
                return ctx.broadcast(lie);
            }
            ("hidden-lock", Message::Vote(vote)) if vote.phase == Phase::Prevote => None,
            ("split", Message::Vote(_)) => None,
            _ => return ctx.broadcast(message.clone()),
        };
        let reached = if self.attack == "hidden-lock" { 1 } else { peers.len().div_ceil(2) };
        for (at, peer) in peers.into_iter().enumerate() {
            let said = if at < reached { Some(message.clone()) } else { second.clone() };
            said.into_iter().for_each(|message| ctx.send(peer, message));
        }
    }
}

fn propose(mut proposal: Proposal, ctx: &mut Context<'_, Tendermint>) -> Message {
    proposal.signature = ctx.sign(&proposal.statement());
    Message::Proposal(Arc::new((ctx.me(), proposal)))
}
