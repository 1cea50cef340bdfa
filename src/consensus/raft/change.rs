//! Planned changes of membership (paper, section 6; thesis, chapter 4) and transfers of leadership (thesis 3.10).
//!
//! The plan gives the voters at each time. The leader compares them with the configuration in force and proposes one step
//! at a time: new servers join as learners first; then all change at once through a joint configuration, or one server
//! after the other.

use super::config::Method;
use super::log::Payload;
use super::membership::Membership;
use super::message::{Message, Timer};
use super::role::Role;
use super::{Context, Raft};
use crate::base::{Duration, NodeId, Time};
use std::sync::Arc;

impl Raft {
    /// Sets the timers of what is planned.
    pub(super) fn set_plans(&mut self, ctx: &mut Context) {
        self.await_change(ctx);
        if let Some(interval) = self.config.read_interval {
            ctx.set_timer(Timer::Read, interval);
        }
        let elapsed = ctx.now().since(Time::ZERO);
        for (which, transfer) in (0u32..).zip(&self.config.transfers) {
            if transfer.at >= elapsed {
                ctx.set_timer(Timer::Transfer(which), transfer.at.saturating_sub(elapsed));
            }
        }
    }
    /// Sets the timer of the next planned change.
    fn await_change(&self, ctx: &mut Context) {
        let elapsed = ctx.now().since(Time::ZERO);
        let next = self.config.membership.iter().map(|change| change.at).filter(|at| *at > elapsed).min();
        if let Some(at) = next {
            ctx.set_timer(Timer::Change, at.saturating_sub(elapsed));
        }
    }
    pub(super) fn on_change_timer(&mut self, ctx: &mut Context) {
        self.drive_change(ctx);
        self.await_change(ctx);
    }
    /// Proposes the next step towards the planned membership, if the last one is committed and, by the repair of July
    /// 2015, so is an entry of this term: two leaders could otherwise change the same configuration in ways whose
    /// majorities do not meet.
    pub(super) fn drive_change(&mut self, ctx: &mut Context) {
        if self.config.membership.is_empty() {
            return;
        }
        let Role::Leader(lead) = &self.role else { return };
        let is_settled = self.memberships.current_index() <= self.commit;
        let is_established = self.commit >= lead.first || !self.config.change_guard;
        if !is_settled || !is_established || lead.transfer.is_some() {
            return;
        }
        // The latest stamp in the log, if it is later, keeps a slow clock from undoing what was done.
        let now = self.log.last().map_or(ctx.now(), |entry| entry.time.max(ctx.now()));
        if let Some(next) = self.next_membership(ctx.committee().n(), now.since(Time::ZERO)) {
            self.append(Payload::Membership(Arc::new(next)), ctx);
        }
    }
    fn next_membership(&self, nodes: usize, elapsed: Duration) -> Option<Membership> {
        let Role::Leader(lead) = &self.role else { return None };
        let current = self.memberships.current();
        if current.is_joint() {
            return Some(current.after_joint());
        }
        let (goal, voters) = (self.config.planned_voters(nodes, elapsed), current.voters());
        if goal == voters {
            return None;
        }
        let missing = || goal.difference(&voters).copied();
        let joining: Vec<NodeId> = missing().filter(|node| !current.learners().contains(node)).collect();
        if !joining.is_empty() {
            return Some(current.with_learners(joining));
        }
        let is_ready = |node: &NodeId| lead.progress[node.index()].matched >= self.commit;
        match self.config.method {
            Method::Joint => missing().all(|node| is_ready(&node)).then(|| current.joint(&goal))?,
            Method::Single => match voters.difference(&goal).next() {
                Some(leaving) if voters.len() > 1 => current.single(*leaving, false),
                _ => missing().find(is_ready).and_then(|joining| current.single(joining, true)),
            },
        }
    }
    /// Whether the configuration in force is committed and this node is not in it.
    pub(super) fn has_left(&self) -> bool {
        let is_committed = self.memberships.current_index() <= self.commit;
        is_committed && !self.memberships.current().is_voter(self.me)
    }
}

/// Transfer of leadership (thesis 3.10).
impl Raft {
    pub(super) fn on_transfer_timer(&mut self, which: u32, ctx: &mut Context) {
        let Some(to) = self.config.transfers.get(which as usize).map(|transfer| NodeId(transfer.to)) else { return };
        let Role::Leader(lead) = &mut self.role else { return };
        // One that is under way goes on: asking for it again gives it no more time.
        if lead.transfer == Some(to) || !self.memberships.current().is_voter(to) {
            return;
        }
        // Any other is given up; so it is when the leadership is to stay.
        if to == self.me {
            ctx.cancel_timer(Timer::TransferAbort);
            return self.on_transfer_abort(ctx);
        }
        lead.transfer = Some(to);
        ctx.set_timer(Timer::TransferAbort, self.config.election_timeout_min);
        self.try_hand_over(ctx);
    }
    /// Sends `TimeoutNow` to the target once it has the whole log.
    pub(super) fn try_hand_over(&mut self, ctx: &mut Context) {
        let Role::Leader(lead) = &self.role else { return };
        let has_all = |node: NodeId| lead.progress[node.index()].matched == self.log.last_index();
        if let Some(to) = lead.transfer.filter(|to| has_all(*to)) {
            self.send(to, Message::TimeoutNow { term: self.term }, ctx);
        }
    }
    /// The target did not take over in an election timeout: goes on leading.
    pub(super) fn on_transfer_abort(&mut self, ctx: &mut Context) {
        let Role::Leader(lead) = &mut self.role else { return };
        lead.transfer = None;
        self.consider_proposing(ctx);
    }
}
