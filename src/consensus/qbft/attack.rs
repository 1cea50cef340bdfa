//! Validators that do not follow QBFT. Each runs an honest validator and rewrites what it orders.

use super::message::{Message, Phase, Proposal, RoundChange, statement};
use super::{Change, Config, Qbft, Record, Timer};
use crate::base::NodeId;
use crate::chain::{Batch, Block, Header};
use crate::protocol::{Attacker, Context, Effect, Protocol};
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    (
        "equivocate",
        "as proposer, proposes one block to even validators and another to odd ones; votes for both likewise",
    ),
    ("unjustified", "as proposer of a later round, proposes an empty block in place of the prepared one"),
    ("far_rounds", "asks for rounds far ahead, again and again"),
    ("withhold_commit", "prepares and never commits"),
    ("silent_proposer", "proposes nothing; otherwise honest"),
    ("keep_the_lead", "as proposer, names the one before it as the block's proposer, so that its turn comes again"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    Equivocate,
    Unjustified,
    FarRounds,
    WithholdCommit,
    Silent,
    KeepTheLead,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    mask: Qbft,
    /// How far ahead it asked.
    asked: u64,
    /// The last proposal seen: the first of a round is meant for validators like this one.
    seen: Option<Arc<Proposal>>,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Qbft>,
) -> Option<Box<dyn Attacker<Qbft>>> {
    let attack = match name {
        "equivocate" => Attack::Equivocate,
        "unjustified" => Attack::Unjustified,
        "far_rounds" => Attack::FarRounds,
        "withhold_commit" => Attack::WithholdCommit,
        "silent_proposer" => Attack::Silent,
        "keep_the_lead" => Attack::KeepTheLead,
        _ => return None,
    };
    Some(Box::new(Faulty { attack, mask: Qbft::boot(config, log, ctx), asked: 0, seen: None }))
}

impl Attacker<Qbft> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Qbft>) {
        let before = ctx.effects_mut().len();
        match (self.attack, &message) {
            (Attack::Equivocate, Message::Proposal(proposal)) => self.on_proposal(proposal, ctx),
            (Attack::FarRounds, Message::Proposal(_)) => self.ask_far_ahead(ctx),
            _ => {}
        }
        self.mask.on_message(from, message, ctx);
        self.rewrite(before, ctx);
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Qbft>) {
        let before = ctx.effects_mut().len();
        self.mask.on_timer(timer, ctx);
        self.rewrite(before, ctx);
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Qbft>) {
        let before = ctx.effects_mut().len();
        self.mask.on_transaction(ctx);
        self.rewrite(before, ctx);
    }
}

impl Faulty {
    /// Votes for a proposal as those expect who got it first.
    fn on_proposal(&mut self, proposal: &Arc<Proposal>, ctx: &mut Context<'_, Qbft>) {
        let at = |proposal: &Proposal| (proposal.block.height(), proposal.round);
        let is_second = self.seen.as_ref().is_some_and(|seen| at(seen) == at(proposal));
        vote_for(proposal, (ctx.me().index() + usize::from(is_second)) % 2, ctx);
        self.seen = Some(proposal.clone());
    }
    fn ask_far_ahead(&mut self, ctx: &mut Context<'_, Qbft>) {
        self.asked += 1;
        let (height, round) = (self.mask.height(), self.mask.round + 1_000 * self.asked);
        let signature = ctx.sign(&Change::statement(height, round, None));
        let change = Change { sender: ctx.me(), prepared: None, signature };
        ctx.broadcast(Message::RoundChange(Arc::new(RoundChange { height, round, change, certificate: None })));
    }
    fn rewrite(&self, before: usize, ctx: &mut Context<'_, Qbft>) {
        for effect in ctx.effects_mut().split_off(before) {
            match (self.attack, effect) {
                (Attack::Silent, Effect::Broadcast { message: Message::Proposal(_) }) => {}
                (Attack::WithholdCommit, Effect::Broadcast { message: Message::Vote { phase: Phase::Commit, .. } }) => {
                }
                // It votes separately, for any proposal.
                (Attack::Equivocate, Effect::Broadcast { message: Message::Vote { .. } }) => {}
                (Attack::Equivocate, Effect::Broadcast { message: Message::Proposal(proposal) }) => {
                    let other = self.other(&proposal, ctx);
                    let me = ctx.me();
                    for to in ctx.committee().members().filter(|to| *to != me) {
                        let is_odd = to.index() % 2 == 1;
                        let order = if is_odd { [&other, &proposal] } else { [&proposal, &other] };
                        order.into_iter().for_each(|sent| ctx.send(to, Message::Proposal(sent.clone())));
                    }
                    vote_for(&proposal, 0, ctx);
                    vote_for(&other, 1, ctx);
                }
                (Attack::Unjustified, Effect::Broadcast { message: Message::Proposal(proposal) })
                    if proposal.certificate.is_some() =>
                {
                    let other = self.other(&proposal, ctx);
                    (0..2).for_each(|parity| vote_for(&other, parity, ctx));
                    ctx.broadcast(Message::Proposal(other));
                }
                (Attack::KeepTheLead, Effect::Broadcast { message: Message::Proposal(proposal) })
                    if proposal.certificate.is_none() =>
                {
                    let before = ctx.committee().in_turn(u64::from(ctx.me().0) + ctx.committee().n() as u64 - 1);
                    let header = Header { proposer: before, ..proposal.block.header };
                    let other = Faulty::resigned(&proposal, Block::new(header, proposal.block.batch.clone()), ctx);
                    (0..2).for_each(|parity| vote_for(&other, parity, ctx));
                    ctx.broadcast(Message::Proposal(other));
                }
                (_, effect) => ctx.effects_mut().push(effect),
            }
        }
    }
    /// An empty block in place of the proposed one.
    fn other(&self, proposal: &Proposal, ctx: &mut Context<'_, Qbft>) -> Arc<Proposal> {
        let block = self.mask.make(Batch::empty(), ctx);
        Faulty::resigned(proposal, block, ctx)
    }
    /// The same proposal with another block.
    fn resigned(proposal: &Proposal, block: Arc<Block>, ctx: &mut Context<'_, Qbft>) -> Arc<Proposal> {
        let signature = ctx.sign(&statement(Phase::Prepare, block.height(), proposal.round, &block.id()));
        Arc::new(Proposal { block, signature, ..proposal.clone() })
    }
}

/// PREPARE and COMMIT for a block, to even or to odd validators.
fn vote_for(proposal: &Proposal, parity: usize, ctx: &mut Context<'_, Qbft>) {
    let (height, round, digest, me) = (proposal.block.height(), proposal.round, proposal.block.id(), ctx.me());
    for phase in [Phase::Prepare, Phase::Commit] {
        let signature = ctx.sign(&statement(phase, height, round, &digest));
        for to in ctx.committee().members().filter(|to| *to != me && to.index() % 2 == parity) {
            ctx.send(to, Message::Vote { phase, height, round, digest, signature });
        }
    }
}
