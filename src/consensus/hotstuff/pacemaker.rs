//! Which view it is: certificates and timeouts move a replica on (algorithm 5; Jolteon, figure 2).

use super::message::{Message, Timeout, TimeoutCertificate};
use super::{HotStuff, Leaders, Record, Timer, Variant, View};
use crate::base::{Digest, Duration, NodeId, VoterSet};
use crate::chain::Limit;
use crate::protocol::{Context, note};
use std::sync::Arc;

/// What a replica said of a view that it gave up is said again after so many base timeouts at most: `DiemBFT`'s rounds
/// grow to 1.2^6 = 3 times their first length.
const REPEAT_MAX: u64 = 3;

impl HotStuff {
    /// Who leads a view.
    pub(super) fn leader(&self, view: View, ctx: &Context<'_, Self>) -> NodeId {
        let turn = view / self.config.views_per_leader;
        ctx.committee().in_turn(match self.config.leaders {
            Leaders::RoundRobin => turn,
            Leaders::Random => Digest::new("hotstuff leader").u64(turn).finish().short(),
        })
    }
    /// The view after one that was given up: the first of the next leader.
    pub(super) fn after(&self, view: View) -> View {
        (view / self.config.views_per_leader).saturating_add(1).saturating_mul(self.config.views_per_leader)
    }
    /// Goes to a later view.
    pub(super) fn enter(&mut self, view: View, reason: Option<Arc<TimeoutCertificate>>, ctx: &mut Context<'_, Self>) {
        let leads = |view| self.leader(view, ctx) == ctx.me();
        if leads(view) && !leads(self.view) {
            ctx.note(note::LEADING, view);
        }
        ctx.note(note::ROUND, view);
        if reason.is_some() {
            ctx.note(note::WASTED, view - 1);
        }
        (self.view, self.reason) = (view, reason);
        self.timeouts.clear();
        self.votes = self.votes.split_off(&(view - 1));
        if self.watching {
            ctx.cancel_timer(Timer::View);
            self.watching = false;
        }
        if let Some(waiting) = self.waiting.take_if(|waiting| waiting.vertex.view <= view) {
            if self.block(&waiting.vertex.justify.block).is_some() {
                self.judge(&waiting, ctx);
            } else if waiting.vertex.view == view {
                self.waiting = Some(waiting);
            }
        }
        self.propose(ctx);
        self.watch(ctx);
        self.give_up_blamed(ctx);
    }
    /// Whether anything needs a decision: blocks with transactions above what is final, or a transaction that could be
    /// executed after the newest block.
    pub(super) fn has_work(&self, ctx: &mut Context<'_, Self>) -> bool {
        let mut at = self.high.block;
        while let Some(entry) = self.entries.get(&at) {
            if !entry.block().batch.is_empty() {
                return true;
            }
            at = entry.block().parent();
        }
        if ctx.pending() == 0 {
            return false;
        }
        let parent = self.block(&self.high.block).unwrap_or(&self.committed).clone();
        let one = Limit { bytes: u64::MAX, transactions: 1 };
        !ctx.propose(&parent, &[], one).is_empty()
    }
    /// Times the view as long as there is work.
    pub(super) fn watch(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.watching && self.has_work(ctx) {
            self.watching = true;
            ctx.set_timer(Timer::View, self.patience());
        }
    }
    /// The base timeout, by half more for each view given up since a commit.
    fn patience(&self) -> Duration {
        let grown = (0..self.failed.min(64)).try_fold(self.config.view_timeout, |span, _| {
            let span = span.scale(3, 2);
            (span < self.config.view_timeout_max).then_some(span)
        });
        grown.unwrap_or(self.config.view_timeout_max)
    }
    pub(super) fn on_view_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.watching = false;
        if self.has_work(ctx) {
            self.give_up(ctx);
        }
    }
    /// The last view in which a replica that gave up `view` casts no vote. A timeout certificate leads past the turn of its
    /// leader. In two phases it is all that protects a committed block from what is proposed there: none of those who
    /// signed it may have voted in a view that it skips, or the certificate that they report is not the newest one of
    /// a quorum. In three phases the lock protects.
    pub(super) fn abstains_until(&self, view: View) -> View {
        match self.config.variant {
            Variant::Chained => view,
            Variant::TwoPhase => self.after(view) - 1,
        }
    }
    /// Votes no more in the present view and says so; again and again until a quorum has said so. Who voted in the last
    /// view of a turn has waited only for the next leader, who collects those votes: the timer was that leader's.
    fn give_up(&mut self, ctx: &mut Context<'_, Self>) {
        let (view, next) = (self.view, self.view.saturating_add(1));
        let is_first = self.gave_up < view;
        if is_first {
            (self.gave_up, self.voted) = (view, self.voted.max(self.abstains_until(view)));
            self.failed += u32::from(self.blamed != view);
            if self.last_vote == view && self.after(view) == next && self.leader(next, ctx) != ctx.me() {
                self.blamed = next;
            }
            self.persist(Record::TimedOut(view, self.high.clone(), self.reason.clone()), ctx);
        }
        let signature = ctx.sign(&Timeout::statement(view, self.high.view));
        self.timeouts.insert(ctx.me(), (self.high.view, signature));
        let (high, reason) = (self.high.clone(), self.reason.clone());
        ctx.broadcast(Message::Timeout(Arc::new(Timeout { view, high, reason, signature })));
        ctx.set_timer(Timer::Durable, Duration::ZERO);
        self.watching = true;
        let again = if is_first { self.patience() } else { self.patience().min(self.config.view_timeout * REPEAT_MAX) };
        ctx.set_timer(Timer::View, again);
    }
    /// Times out at once of a leader for which a timer has run already, and which did not give up the view before with the
    /// others: it would be charged twice.
    fn give_up_blamed(&mut self, ctx: &mut Context<'_, Self>) {
        let leader = self.leader(self.view, ctx);
        let is_silent = self.reason.as_ref().is_some_and(|reason| reason.parts.iter().all(|part| part.0 != leader));
        if self.blamed == self.view && self.gave_up < self.view && is_silent {
            self.give_up(ctx);
        }
    }
    pub(super) fn on_timeout(&mut self, from: NodeId, timeout: &Timeout, ctx: &mut Context<'_, Self>) {
        let is_complete = |reason: &Arc<TimeoutCertificate>| reason.is_complete(ctx.committee());
        if !timeout.high.is_complete(ctx.committee()) || !timeout.reason.as_ref().is_none_or(is_complete) {
            return;
        }
        self.on_certificate(&timeout.high, ctx);
        if let Some(reason) = &timeout.reason {
            self.on_timeout_certificate(reason.clone(), ctx);
        }
        if timeout.view < self.view {
            self.send_progress(from, ctx);
        } else if timeout.view == self.view {
            self.timeouts.insert(from, (timeout.high.view, timeout.signature));
            self.count_timeouts(ctx);
        }
    }
    /// A correct replica gave up: so does this one. A quorum did: on to the next leader.
    pub(super) fn count_timeouts(&mut self, ctx: &mut Context<'_, Self>) {
        let mut tally = VoterSet::default();
        for node in self.timeouts.keys() {
            tally.add(*node, ctx.committee());
        }
        if tally.is_quorum(ctx.committee()) {
            let parts = self.timeouts.iter().map(|(node, (high, signature))| (*node, *high, *signature)).collect();
            self.on_timeout_certificate(Arc::new(TimeoutCertificate { view: self.view, parts }), ctx);
        } else if tally.is_blocking(ctx.committee()) && self.gave_up < self.view {
            self.give_up(ctx);
        }
    }
    pub(super) fn on_timeout_certificate(&mut self, timeout: Arc<TimeoutCertificate>, ctx: &mut Context<'_, Self>) {
        let next = self.after(timeout.view);
        if next > self.view {
            self.enter(next, Some(timeout), ctx);
        }
    }
}
