//! View changes (section 4.4): leaving a view, and beginning the next with all that may have committed.

use super::certificate::{Prepared, Stable};
use super::message::{Message, NewView, ViewChange};
use super::record::Record;
use super::statement::{Phase, PrePrepare, Proposal, View, Vote};
use super::{Pbft, Timer};
use crate::base::{Committee, Hash, Height, NodeId, VoterSet};
use crate::protocol::{Context, note};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a new view must propose above the highest stable checkpoint of the quorum: for every sequence number up to the
/// highest that a replica prepared, the digest that prepared in the highest view, or else the null request.
pub(super) struct Choice {
    /// The highest stable checkpoint (`min-s`).
    pub stable: Arc<Stable>,
    /// One digest per sequence number, ascending from `stable.seq + 1` (to `max-s`), with its certificate.
    pub digests: Vec<(Height, Hash, Option<Arc<Prepared>>)>,
}

impl Choice {
    /// A pure function of the quorum, so that every backup can check the primary.
    pub fn of(view_changes: &[Arc<ViewChange>]) -> Choice {
        let stable = view_changes.iter().map(|vc| &vc.stable).max_by_key(|stable| stable.seq);
        let stable = stable.cloned().unwrap_or_else(Stable::genesis);
        let mut best: BTreeMap<Height, &Arc<Prepared>> = BTreeMap::new();
        for prepared in view_changes.iter().flat_map(|vc| &vc.prepared).filter(|p| p.order.seq > stable.seq) {
            let known = best.entry(prepared.order.seq).or_insert(prepared);
            if known.order.view < prepared.order.view {
                *known = prepared;
            }
        }
        let highest = best.last_key_value().map_or(stable.seq, |(seq, _)| *seq);
        let null = Proposal::null().digest();
        let digest = |seq| match best.get(&seq) {
            Some(prepared) => (seq, prepared.order.digest, Some((*prepared).clone())),
            None => (seq, null, None),
        };
        let digests = (stable.seq.0 + 1..=highest.0).map(|seq| digest(Height(seq))).collect();
        Choice { stable, digests }
    }
}

impl ViewChange {
    /// Whether its certificates are complete and within the watermarks. Their signatures were checked before.
    fn is_proper(&self, committee: &Committee, log_window: u64) -> bool {
        let high = self.stable.seq.0.saturating_add(log_window);
        let mut above = self.stable.seq;
        committee.contains(self.replica)
            && self.stable.is_complete(committee)
            && self.prepared.iter().all(|prepared| {
                let Vote { view, seq, .. } = prepared.order;
                let ascends = seq > above && seq.0 <= high;
                above = seq;
                ascends && view < self.view && prepared.is_complete(committee)
            })
    }
}

impl NewView {
    /// Whether it proposes exactly what its quorum demands.
    fn is_proper(&self, committee: &Committee, log_window: u64) -> bool {
        let mut quorum = VoterSet::default();
        let is_quorum =
            self.view_changes.iter().all(|vc| {
                vc.view == self.view && vc.is_proper(committee, log_window) && quorum.add(vc.replica, committee)
            }) && quorum.is_quorum(committee);
        is_quorum && self.primary == committee.in_turn(self.view.0) && {
            let demanded = Choice::of(&self.view_changes).digests;
            let ordered = self.orders.iter().map(|order| (order.view, order.seq, order.digest));
            demanded.iter().map(|(seq, digest, _)| (self.view, *seq, *digest)).eq(ordered)
        }
    }
}

impl Pbft {
    /// Stops accepting in the present view and sends the prepared certificates, of whatever view.
    pub(super) fn leave_for(&mut self, view: View, ctx: &mut Context<'_, Self>) {
        ctx.note(note::WASTED, self.view.0);
        (self.view, self.active, self.new_view) = (view, false, None);
        self.attempts = self.attempts.saturating_add(1);
        (self.awaited, self.expecting) = (None, false);
        ctx.cancel_timer(Timer::Request);
        ctx.cancel_timer(Timer::NewView);
        self.persist(Record::Left(view), ctx);
        let message = self.sign_view_change(ctx);
        ctx.broadcast(Message::ViewChange(message));
        self.watch(ctx);
        self.weigh_view_changes(ctx);
    }
    /// Signs and counts this replica's own VIEW-CHANGE for the present view.
    pub(super) fn sign_view_change(&mut self, ctx: &mut Context<'_, Self>) -> Arc<ViewChange> {
        let low = self.log.low();
        let prepared: Vec<Arc<Prepared>> = self.log.iter().filter_map(|(_, slot)| slot.certificate.clone()).collect();
        debug_assert!(prepared.iter().all(|p| p.order.seq > low && p.order.view < self.view), "older certificates");
        let signature = ctx.sign(&ViewChange::statement(self.view, &self.stable, &prepared));
        let (view, stable, replica) = (self.view, self.stable.clone(), ctx.me());
        let message = Arc::new(ViewChange { view, stable, prepared, replica, signature });
        self.view_changes.insert(replica, message.clone());
        message
    }
    pub(super) fn on_view_change(&mut self, from: NodeId, message: Arc<ViewChange>, ctx: &mut Context<'_, Self>) {
        let is_news = self.view_changes.get(&from).is_none_or(|known| known.view < message.view);
        if !self.is_to_come(message.view) || !is_news || from != message.replica {
            return;
        }
        if message.is_proper(ctx.committee(), self.config.log_window) {
            self.view_changes.insert(from, message);
            self.weigh_view_changes(ctx);
        }
    }
    /// Joins `f + 1` that left for later views; begins the present one when a quorum wants it, and does not wait for it
    /// for ever once a quorum wants it or a later one.
    fn weigh_view_changes(&mut self, ctx: &mut Context<'_, Self>) {
        let committee = ctx.committee();
        let mut later = VoterSet::default();
        let mut smallest: Option<View> = None;
        let (mut here, mut left) = (VoterSet::default(), VoterSet::default());
        for (replica, message) in &self.view_changes {
            if message.view >= self.view {
                left.add(*replica, committee);
            }
            if message.view > self.view {
                later.add(*replica, committee);
                smallest = Some(smallest.map_or(message.view, |view| view.min(message.view)));
            } else if message.view == self.view {
                here.add(*replica, committee);
            }
        }
        if let Some(view) = smallest.filter(|_| later.is_blocking(committee)) {
            return self.leave_for(view, ctx);
        }
        if self.active || !left.is_quorum(committee) {
            return;
        }
        if self.primary(ctx) == ctx.me() && here.is_quorum(committee) {
            self.send_new_view(ctx);
        } else if !self.expecting {
            // A replica that left for a later view sends no VIEW-CHANGE for this one any more. If every replica that is up is
            // needed for a quorum, this view cannot begin, and the replicas still in it must follow.
            self.expecting = true;
            ctx.set_timer(Timer::NewView, self.patience(self.config.view_change_timeout));
        }
    }
    pub(super) fn on_new_view_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.expecting = false;
        if !self.active {
            self.leave_for(self.view.next(), ctx);
        }
    }
    /// The primary of the new view proves that it may begin.
    fn send_new_view(&mut self, ctx: &mut Context<'_, Self>) {
        let view = self.view;
        let view_changes: Vec<_> = self.view_changes.values().filter(|vc| vc.view == view).cloned().collect();
        let orders: Vec<Vote> = Choice::of(&view_changes)
            .digests
            .into_iter()
            .map(|(seq, digest, _)| {
                let signature = ctx.sign(&Vote::statement(Phase::PrePrepare, view, seq, &digest));
                Vote { view, seq, digest, signature }
            })
            .collect();
        let signature = ctx.sign(&NewView::statement(view, &view_changes, &orders));
        let message = Arc::new(NewView { view, primary: ctx.me(), view_changes, orders, signature });
        self.enter(&message, ctx);
    }
    /// NEW-VIEW comes from its primary or, repeated, from any replica.
    pub(super) fn on_new_view(&mut self, message: &Arc<NewView>, ctx: &mut Context<'_, Self>) {
        let is_other = message.primary != ctx.me();
        if self.is_to_come(message.view) && is_other && message.is_proper(ctx.committee(), self.config.log_window) {
            self.enter(message, ctx);
        }
    }
    fn enter(&mut self, message: &Arc<NewView>, ctx: &mut Context<'_, Self>) {
        if message.view > self.view {
            ctx.note(note::WASTED, self.view.0);
        }
        self.persist(Record::Entered(message.clone()), ctx);
        if message.primary == ctx.me() {
            ctx.broadcast(Message::NewView(message.clone()));
        }
        self.adopt(message, ctx.committee());
        self.begin_view(ctx);
        (self.awaited, self.expecting) = (None, false);
        self.repeated.clear();
        self.in_vain = 0;
        ctx.cancel_timer(Timer::NewView);
        ctx.cancel_timer(Timer::Request);
        for order in &message.orders {
            self.accept(*order, ctx);
        }
        self.fetch_from_signers(ctx);
        let entered = |early: &mut Arc<PrePrepare>| early.order.view <= message.view;
        let early: Vec<_> = self.log.iter_mut().filter_map(|slot| slot.early_order.take_if(entered)).collect();
        early.into_iter().for_each(|early| self.on_pre_prepare(message.primary, early, ctx));
        if self.executed.height() < self.log.low() {
            self.ask(ctx);
        }
        self.watch(ctx);
        self.await_requests(ctx);
        self.propose(false, ctx);
    }
    /// Sets the state to a view that begins. Certificates stay: one of an older view is part of every VIEW-CHANGE until its
    /// proposal prepares again or falls below a checkpoint.
    pub(super) fn adopt(&mut self, message: &Arc<NewView>, committee: &Committee) {
        let stable = Choice::of(&message.view_changes).stable;
        (self.view, self.active, self.new_view) = (message.view, true, Some(message.clone()));
        if stable.seq > self.log.low() {
            self.raise(stable);
        }
        self.log.iter_mut().for_each(|slot| slot.enter(message.view, committee));
        let proposed = message.orders.last().map_or(Height::GENESIS, |order| order.seq);
        self.next = proposed.max(self.log.low()).next();
        self.view_changes.retain(|_, known| known.view > message.view);
    }
}
