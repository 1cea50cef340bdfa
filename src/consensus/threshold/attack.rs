//! Signers that do not follow the protocol. Each runs an honest signer and rewrites what it orders.

use super::message::{CHUNK, Message, Phase, Proposal, Record, Signed, Vote, Witness, statement};
use super::{Config, Rewrite, Threshold, Timer};
use crate::base::{Duration, Hash, Height, NodeId};
use crate::chain::{Batch, Block, Header};
use crate::protocol::votes::Signatures;
use crate::protocol::{Attacker, Context, Effect, EffectOf, Protocol};
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("equivocate", "as creator, proposes another block to the second half of the signers, and votes for both"),
    ("withhold", "as creator, proposes and then keeps its votes, READY and the signed block to itself"),
    ("selective", "sends its proposals and signed blocks to the first half of the signers only"),
    ("double_sign", "pre-commits to and signs whatever is proposed, without memory; not under FROST"),
    ("rewrite", "with its coalition, re-signs old heights in secret and shows them to who lags; see protocol.rewrite"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    Equivocate,
    Withhold,
    Selective,
    DoubleSign,
    Rewrite,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    mask: Threshold,
    /// The chain with its replaced part, once it was made.
    rewritten: Vec<Arc<Signed>>,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Threshold>,
) -> Option<Box<dyn Attacker<Threshold>>> {
    let attack = match name {
        "equivocate" => Attack::Equivocate,
        "withhold" => Attack::Withhold,
        "selective" => Attack::Selective,
        "double_sign" => Attack::DoubleSign,
        "rewrite" => Attack::Rewrite,
        _ => return None,
    };
    Some(Box::new(Faulty { attack, mask: Threshold::boot(config, log, ctx), rewritten: Vec::new() }))
}

impl Attacker<Threshold> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Threshold>) {
        match (self.attack, &message) {
            (Attack::DoubleSign, Message::Propose(proposal)) => vote_for(proposal, ctx),
            (Attack::Rewrite, Message::Ask(locator)) if self.deceives(from, locator, ctx) => return,
            _ => {}
        }
        let before = ctx.effects_mut().len();
        self.mask.on_message(from, message, ctx);
        self.rewrite(before, ctx);
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Threshold>) {
        if let (Timer::Attack, Some(plan)) = (timer, self.mask.config.rewrite.clone()) {
            let last = self.rewritten.len().saturating_sub(CHUNK);
            plan.victim.into_iter().for_each(|victim| self.show(NodeId(victim), last, ctx));
            return ctx.set_timer(Timer::Attack, self.mask.config.slot);
        }
        let before = ctx.effects_mut().len();
        self.mask.on_timer(timer, ctx);
        self.rewrite(before, ctx);
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Threshold>) {
        self.mask.on_transaction(ctx);
    }
}

impl Faulty {
    /// Replaces what the mask ordered since `before`.
    fn rewrite(&mut self, before: usize, ctx: &mut Context<'_, Threshold>) {
        let ordered = ctx.effects_mut().split_off(before);
        ordered.into_iter().for_each(|effect| self.rewrite_one(effect, ctx));
        let plan = self.mask.config.rewrite.clone().filter(|_| self.attack == Attack::Rewrite);
        if let Some(plan) = plan.filter(|plan| self.rewritten.is_empty() && self.mask.tip.height().0 >= plan.upto) {
            self.rewritten = self.re_sign(&plan, ctx);
            ctx.set_timer(Timer::Attack, Duration::ZERO);
        }
    }
    fn rewrite_one(&mut self, effect: EffectOf<Threshold>, ctx: &mut Context<'_, Threshold>) {
        let (Effect::Send { message, .. } | Effect::Broadcast { message }) = &effect else {
            return ctx.effects_mut().push(effect);
        };
        let is_mine = |slot: u64| ctx.committee().in_turn(slot) == ctx.me();
        match (self.attack, message) {
            (Attack::Equivocate, Message::Propose(proposal)) => equivocate(&proposal.clone(), ctx),
            (Attack::Selective, Message::Propose(_) | Message::Again(_) | Message::Blocks(..)) => {
                let message = message.clone();
                halves(ctx).0.into_iter().for_each(|peer| ctx.send(peer, message.clone()));
            }
            (Attack::Withhold, Message::Vote(_, vote, _)) if is_mine(vote.slot) => {}
            (Attack::Withhold, Message::Ready(..) | Message::Blocks(..)) => {}
            (Attack::DoubleSign, Message::Propose(proposal)) => {
                let proposal = proposal.clone();
                ctx.effects_mut().push(effect);
                vote_for(&proposal, ctx);
            }
            (Attack::DoubleSign, Message::Vote(..)) => {}
            _ => ctx.effects_mut().push(effect),
        }
    }
    /// The chain with other blocks at the heights of the plan, empty ones of the same slots and creators, signed by the
    /// coalition: each colluder makes the same. The first has the lower hash, so that rule 8 (d) prefers it.
    fn re_sign(&self, plan: &Rewrite, ctx: &mut Context<'_, Threshold>) -> Vec<Arc<Signed>> {
        let tip = ctx.tree().find(&self.mask.tip.id()).expect("the tip is in the tree");
        let (mut made, mut parent): (Vec<Arc<Signed>>, Option<Hash>) = (Vec::new(), None);
        for height in 1..=plan.upto {
            let old = ctx.tree().block(ctx.tree().ancestor(tip, Height(height))).clone();
            if height < plan.from {
                made.extend(self.mask.known.get(&old.id()).cloned());
                continue;
            }
            let other = |nanos: u64| {
                let (batch, time) = (Batch::empty(), old.header.time + Duration::from_nanos(nanos));
                let parent = parent.unwrap_or(old.parent());
                Block::new(Header { parent, merkle: batch.digest(), time, ..old.header }, batch)
            };
            let block = (1..=u64::MAX)
                .map(other)
                .find(|block| parent.is_some() || block.id() < old.id())
                .expect("some is lower");
            ctx.insert_block(&block);
            let slot = self.mask.slot_at(block.header.time);
            let said = statement(Phase::Sign, slot, block.height(), &block.id());
            let sign = |node: &u32| (NodeId(*node), ctx.keys().sign(*node, &said));
            let signatures: Signatures = plan.coalition.iter().map(sign).collect();
            parent = Some(block.id());
            let witness = Witness::Multi { signatures, signers: ctx.committee().n() as u32 };
            made.push(Arc::new(Signed { block, slot, witness }));
        }
        made
    }
    /// Sends the replaced history, from one of its blocks on, to a peer.
    fn show(&self, peer: NodeId, from: usize, ctx: &mut Context<'_, Threshold>) {
        let shown: Arc<[Arc<Signed>]> = self.rewritten.iter().skip(from).take(CHUNK).cloned().collect();
        if !shown.is_empty() && peer != ctx.me() {
            ctx.send(peer, Message::Blocks(shown, from + CHUNK < self.rewritten.len()));
        }
    }
    /// Answers with the replaced history who does not hold the true one yet.
    fn deceives(&self, peer: NodeId, locator: &[Hash], ctx: &mut Context<'_, Threshold>) -> bool {
        let Some(tip) = locator.first().filter(|_| !self.rewritten.is_empty()) else { return false };
        let follows = self.rewritten.iter().position(|signed| signed.block.parent() == *tip);
        follows.inspect(|from| self.show(peer, *from, ctx)).is_some()
    }
}

/// The other signers in two halves.
fn halves(ctx: &Context<'_, Threshold>) -> (Vec<NodeId>, Vec<NodeId>) {
    let peers: Vec<NodeId> = ctx.committee().members().filter(|node| *node != ctx.me()).collect();
    let (first, second) = peers.split_at(peers.len() / 2);
    (first.to_vec(), second.to_vec())
}

/// Votes in both phases for a proposal, to all nodes.
fn vote_for(proposal: &Proposal, ctx: &mut Context<'_, Threshold>) {
    for phase in [Phase::PreCommit, Phase::Sign] {
        let (slot, height, block) = (proposal.slot, proposal.block.height(), proposal.block.id());
        let signature = ctx.sign(&statement(phase, slot, height, &block));
        ctx.broadcast(Message::Vote(phase, Vote { slot, height, block, signature }, None));
    }
}

/// Sends the proposal to the first half, the same a nanosecond later to the others, and votes for both.
fn equivocate(proposal: &Arc<Proposal>, ctx: &mut Context<'_, Threshold>) {
    let (slot, block) = (proposal.slot, &proposal.block);
    let header = Header { time: block.header.time + Duration::from_nanos(1), ..block.header };
    let block = Block::new(header, block.batch.clone());
    let signature = ctx.sign(&Proposal::statement(slot, &block.id()));
    let other = Arc::new(Proposal { block, justification: None, signature, slot });
    let (first, second) = halves(ctx);
    first.into_iter().for_each(|peer| ctx.send(peer, Message::Propose(proposal.clone())));
    second.into_iter().for_each(|peer| ctx.send(peer, Message::Propose(other.clone())));
    vote_for(&other, ctx);
}
