//! Replicas that do not follow HotStuff. Each runs an honest replica and rewrites what it orders.

use super::message::{Certificate, Message, Proposal, Record, Vertex};
use super::{Config, HotStuff, Timer};
use crate::base::NodeId;
use crate::chain::Batch;
use crate::protocol::{Attacker, Context, Effect, EffectOf, Protocol};
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("equivocate", "as leader, proposes another block to the second half of the replicas; votes for every proposal"),
    (
        "old_certificate",
        "as leader, builds on the certificate before the newest, makes none of another's last block: the forking attack \
         in three phases; in two phases its proposals are refused, and what it costs is its views and that last block",
    ),
    (
        "older_certificate",
        "as leader, builds on the third newest certificate: in three phases locks refuse that; in two phases what it would \
         replace is final, and it proposes as usual",
    ),
    (
        "silent_leader",
        "as leader, proposes nothing; its timeouts hand on the certificate that it made of the votes, so that its turn is \
         lost and no block is",
    ),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    Equivocate,
    /// Hides so many.
    OldCertificate(usize),
    Silent,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    mask: HotStuff,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, HotStuff>,
) -> Option<Box<dyn Attacker<HotStuff>>> {
    let attack = match name {
        "equivocate" => Attack::Equivocate,
        "old_certificate" => Attack::OldCertificate(1),
        "older_certificate" => Attack::OldCertificate(2),
        "silent_leader" => Attack::Silent,
        _ => return None,
    };
    Some(Box::new(Faulty { attack, mask: HotStuff::boot(config, log, ctx) }))
}

impl Attacker<HotStuff> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, HotStuff>) {
        let before = ctx.effects_mut().len();
        if let (Attack::Equivocate | Attack::OldCertificate(2), Message::Propose(proposal)) = (self.attack, &message) {
            self.vote_for(&proposal.vertex, ctx);
        }
        // What the honest half of it knew it would send to those that give up: on another's last block it counts no votes.
        if let (Attack::OldCertificate(1), Message::Vote { view, .. }) = (self.attack, &message)
            && self.mask.leader(*view, ctx) != ctx.me()
        {
            return;
        }
        self.mask.on_message(from, message, ctx);
        self.rewrite(before, ctx);
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, HotStuff>) {
        let before = ctx.effects_mut().len();
        self.mask.on_timer(timer, ctx);
        self.rewrite(before, ctx);
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, HotStuff>) {
        let before = ctx.effects_mut().len();
        self.mask.on_transaction(ctx);
        self.rewrite(before, ctx);
    }
}

impl Faulty {
    /// Votes whatever it voted before.
    fn vote_for(&self, vertex: &Vertex, ctx: &mut Context<'_, HotStuff>) {
        let (view, block) = (vertex.view, vertex.block.id());
        let signature = ctx.sign(&Certificate::statement(view, &block));
        let collector = self.mask.leader(view + 1, ctx);
        if collector != ctx.me() {
            ctx.send(collector, Message::Vote { view, block, signature });
        }
    }
    /// Replaces the proposals among the effects ordered since `before`.
    fn rewrite(&self, before: usize, ctx: &mut Context<'_, HotStuff>) {
        let ordered = ctx.effects_mut().split_off(before);
        for effect in ordered {
            match effect {
                Effect::Broadcast { message: Message::Propose(proposal) } => self.replace(&proposal, ctx),
                other => ctx.effects_mut().push(other),
            }
        }
    }
    fn replace(&self, proposal: &Arc<Proposal>, ctx: &mut Context<'_, HotStuff>) {
        match self.attack {
            Attack::Silent => {}
            Attack::Equivocate => {
                let vertex = &proposal.vertex;
                let Some(parent) = self.mask.block(&vertex.block.parent()).cloned() else { return };
                let other = self.other(&parent, vertex, vertex.justify.clone(), ctx);
                let (me, half) = (ctx.me(), ctx.committee().n() / 2);
                for to in ctx.committee().members().filter(|to| *to != me) {
                    let proposal = if to.index() < half { proposal } else { &other };
                    ctx.effects_mut().push(sent(to, proposal));
                }
                self.vote_for(&other.vertex, ctx);
            }
            Attack::OldCertificate(hidden) => {
                let before = |newer: Arc<Certificate>| Some(self.mask.vertex(&newer.block)?.justify.clone());
                let newest = proposal.vertex.justify.clone();
                let older = (0..hidden).try_fold(newest, |newer, _| before(newer));
                let parent = older.as_ref().and_then(|older| self.mask.block(&older.block)).cloned();
                let made = match (older, parent) {
                    (Some(older), Some(parent)) => self.other(&parent, &proposal.vertex, older, ctx),
                    _ => proposal.clone(),
                };
                if hidden > 1 {
                    self.vote_for(&made.vertex, ctx);
                }
                ctx.broadcast(Message::Propose(made));
            }
        }
    }
    /// An empty proposal of the same view with this parent.
    fn other(
        &self,
        parent: &Arc<crate::chain::Block>,
        like: &Vertex,
        justify: Arc<Certificate>,
        ctx: &mut Context<'_, HotStuff>,
    ) -> Arc<Proposal> {
        let mut vertex = (*self.mask.make(parent, justify, Batch::empty(), ctx)).clone();
        let mut header = vertex.block.header;
        (vertex.view, header.seal) = (like.view, Vertex::seal(like.view, &vertex.justify));
        // One nanosecond earlier, lest an empty proposal equal the first.
        header.time = crate::base::Time::from_nanos(header.time.as_nanos().saturating_sub(1));
        vertex.block = crate::chain::Block::new(header, Batch::empty());
        Arc::new(self.mask.sign(Arc::new(vertex), ctx))
    }
}

fn sent(to: NodeId, proposal: &Arc<Proposal>) -> EffectOf<HotStuff> {
    Effect::Send { to, message: Message::Propose(proposal.clone()) }
}
