//! Replicas that do not follow PBFT. Each runs an honest replica and rewrites what it orders.

use super::message::{Message, NewView, ViewChange};
use super::statement::{Phase, PrePrepare, Proposal, Vote};
use super::{Config, Pbft, Record, Timer};
use crate::base::{Duration, NodeId, Time};
use crate::chain::Batch;
use crate::protocol::{Attacker, Context, Effect, EffectOf, Protocol};
use std::collections::VecDeque;
use std::sync::Arc;

/// The attacks, by name.
pub(super) const ATTACKS: &[(&str, &str)] = &[
    ("equivocate", "as primary, proposes another batch to the second half of the backups, and commits to both"),
    ("silent_primary", "as primary, proposes nothing and begins no view; otherwise honest"),
    ("slow_primary", "as primary, holds every proposal for three quarters of the request timeout (Aardvark)"),
    (
        "false_view_change",
        "keeps leaving for the next view, hiding what it prepared and adding a certificate of its own",
    ),
    ("bad_new_view", "as primary of a new view, replaces everything that must be proposed again by null requests"),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Attack {
    Equivocate,
    Silent,
    Slow,
    FalseViewChange,
    BadNewView,
}

#[derive(Debug)]
struct Faulty {
    attack: Attack,
    mask: Pbft,
    /// Held proposals, with the instants at which they leave.
    held: VecDeque<(Time, Arc<PrePrepare>)>,
}

pub(super) fn attacker(
    name: &str,
    config: &Arc<Config>,
    log: &[Record],
    ctx: &mut Context<'_, Pbft>,
) -> Option<Box<dyn Attacker<Pbft>>> {
    let attack = match name {
        "equivocate" => Attack::Equivocate,
        "silent_primary" => Attack::Silent,
        "slow_primary" => Attack::Slow,
        "false_view_change" => Attack::FalseViewChange,
        "bad_new_view" => Attack::BadNewView,
        _ => return None,
    };
    let mut faulty = Faulty { attack, mask: Pbft::boot(config, log, ctx), held: VecDeque::new() };
    if attack == Attack::FalseViewChange {
        ctx.set_timer(Timer::Attack, faulty.mask.config.status_interval);
    }
    faulty.rewrite(0, ctx);
    Some(Box::new(faulty))
}

impl Attacker<Pbft> for Faulty {
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Pbft>) {
        let before = ctx.effects_mut().len();
        self.mask.on_message(from, message, ctx);
        self.rewrite(before, ctx);
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Pbft>) {
        let before = ctx.effects_mut().len();
        match timer {
            Timer::Attack if self.attack == Attack::FalseViewChange => return self.leave_falsely(ctx),
            Timer::Attack => return self.release(ctx),
            _ => self.mask.on_timer(timer, ctx),
        }
        self.rewrite(before, ctx);
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Pbft>) {
        let before = ctx.effects_mut().len();
        self.mask.on_transaction(ctx);
        self.rewrite(before, ctx);
    }
}

impl Faulty {
    /// Replaces what the mask ordered since `before`.
    fn rewrite(&mut self, before: usize, ctx: &mut Context<'_, Pbft>) {
        let ordered = ctx.effects_mut().split_off(before);
        for effect in ordered {
            self.rewrite_one(effect, ctx);
        }
    }
    fn rewrite_one(&mut self, effect: EffectOf<Pbft>, ctx: &mut Context<'_, Pbft>) {
        let is_proposal = matches!(
            &effect,
            Effect::Broadcast { message: Message::PrePrepare(_) }
                | Effect::Send { message: Message::PrePrepare(_), .. }
        );
        match (self.attack, effect) {
            (Attack::Equivocate, Effect::Broadcast { message: Message::PrePrepare(m) }) => equivocate(&m, ctx),
            (Attack::Slow, Effect::Broadcast { message: Message::PrePrepare(m) }) => self.hold(m, ctx),
            (Attack::Equivocate | Attack::Silent | Attack::Slow, _) if is_proposal => {}
            (Attack::Silent, Effect::Broadcast { message: Message::NewView(_) }) => {}
            (Attack::BadNewView, Effect::Broadcast { message: Message::NewView(m) }) => falsify(&m, ctx),
            (_, effect) => ctx.effects_mut().push(effect),
        }
    }
    fn hold(&mut self, message: Arc<PrePrepare>, ctx: &mut Context<'_, Pbft>) {
        let delay = self.mask.config.request_timeout.scale(3, 4);
        if self.held.is_empty() {
            ctx.set_timer(Timer::Attack, delay);
        }
        self.held.push_back((ctx.now() + delay, message));
    }
    fn release(&mut self, ctx: &mut Context<'_, Pbft>) {
        let due = self.held.iter().take_while(|(at, _)| *at <= ctx.now()).count();
        for (_, message) in self.held.drain(..due) {
            ctx.broadcast(Message::PrePrepare(message));
        }
        if let Some((at, _)) = self.held.front() {
            // A local clock may run slow: never wait for nothing.
            ctx.set_timer(Timer::Attack, at.since(ctx.now()).max(Duration::from_micros(1)));
        }
    }
    /// Leaves for the next view with nothing prepared, and again with a certificate that only this replica signed.
    fn leave_falsely(&mut self, ctx: &mut Context<'_, Pbft>) {
        let (view, stable, replica) = (self.mask.view.next(), self.mask.stable.clone(), ctx.me());
        let seq = stable.seq.next();
        let digest = Proposal::null().digest();
        let (primary, lied) = (replica, self.mask.view);
        let signature = ctx.sign(&Vote::statement(Phase::PrePrepare, lied, seq, &digest));
        let order = Vote { view: lied, seq, digest, signature };
        let prepares = vec![(replica, ctx.sign(&order.said(Phase::Prepare)))];
        let forged = Arc::new(super::Prepared { primary, order, prepares });
        for prepared in [vec![forged], Vec::new()] {
            let signature = ctx.sign(&ViewChange::statement(view, &stable, &prepared));
            let message = ViewChange { view, stable: stable.clone(), prepared, replica, signature };
            ctx.broadcast(Message::ViewChange(Arc::new(message)));
        }
        ctx.set_timer(Timer::Attack, self.mask.config.status_interval);
    }
}

/// Sends the batch to the first half and its reverse, a nanosecond later, to the others; commits to both.
fn equivocate(message: &Arc<PrePrepare>, ctx: &mut Context<'_, Pbft>) {
    let honest = &message.proposal;
    let reversed = Batch::new(honest.batch.transactions().iter().rev().cloned().collect());
    let proposal = Proposal { batch: reversed, time: honest.time + Duration::from_nanos(1), ..honest.clone() };
    let digest = proposal.digest();
    let Vote { view, seq, .. } = message.order;
    let signature = ctx.sign(&Vote::statement(Phase::PrePrepare, view, seq, &digest));
    let order = Vote { view, seq, digest, signature };
    let other = Arc::new(PrePrepare { order, proposal });
    let commit = |order: &Vote, ctx: &mut Context<'_, Pbft>| {
        let signature = ctx.sign(&order.said(Phase::Commit));
        Message::Commit(Vote { signature, ..*order })
    };
    let commits = [commit(&message.order, ctx), commit(&order, ctx)];
    let peers: Vec<NodeId> = ctx.committee().members().filter(|node| *node != ctx.me()).collect();
    for (at, peer) in peers.iter().enumerate() {
        let half = usize::from(at * 2 >= peers.len());
        ctx.send(*peer, Message::PrePrepare(if half == 0 { message.clone() } else { other.clone() }));
        ctx.send(*peer, commits[half].clone());
    }
}

/// Sends a NEW-VIEW that drops everything that may have committed.
fn falsify(message: &NewView, ctx: &mut Context<'_, Pbft>) {
    let digest = Proposal::null().digest();
    let orders: Vec<Vote> = message
        .orders
        .iter()
        .map(|order| {
            let signature = ctx.sign(&Vote::statement(Phase::PrePrepare, order.view, order.seq, &digest));
            Vote { digest, signature, ..*order }
        })
        .collect();
    let signature = ctx.sign(&NewView::statement(message.view, &message.view_changes, &orders));
    ctx.broadcast(Message::NewView(Arc::new(NewView { orders, signature, ..message.clone() })));
}
