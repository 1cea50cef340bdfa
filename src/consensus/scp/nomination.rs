//! Nomination: candidates for the value of a slot, made into one.

use super::message::VALUES_MAX;
use super::{Federation, Pledges, Scp, Timer, TransactionSet, Value};
use crate::base::{Digest, Duration, Hash, NodeId};
use crate::protocol::{Context, note};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The nomination of one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Nomination {
    /// Whether the time of the next ledger has come here: before, this node only listens.
    pub started: bool,
    /// Counts the timeouts; from 1.
    pub round: u32,
    /// The leaders that this node follows. Grows.
    pub leaders: BTreeSet<NodeId>,
    /// The latest statement of each node.
    pub federation: Federation,
    /// `X`.
    pub voted: BTreeSet<Value>,
    /// `Y`.
    pub accepted: BTreeSet<Value>,
    /// `Z`: confirmed.
    pub candidates: BTreeSet<Value>,
    /// What the candidates come to.
    pub composite: Option<Value>,
}

impl Nomination {
    fn votes_for(value: Value) -> impl Fn(&Pledges) -> bool {
        move |pledges| matches!(pledges, Pledges::Nominate { voted, .. } if voted.contains(&value))
    }
    fn accepts(value: Value) -> impl Fn(&Pledges) -> bool {
        move |pledges| matches!(pledges, Pledges::Nominate { accepted, .. } if accepted.contains(&value))
    }
    /// What this node says; nothing before its first vote.
    pub fn pledges(&self) -> Option<Pledges> {
        let (voted, accepted) = (self.voted.clone(), self.accepted.clone());
        (!voted.is_empty()).then_some(Pledges::Nominate { voted, accepted })
    }
}

impl Scp {
    /// `Gi`: a number that all nodes compute alike, different in each slot.
    fn draw(&self, purpose: &str, round: u32, of: &Hash) -> u64 {
        let digest = Digest::new(purpose).u64(self.slot().0).hash(&self.last.id());
        let Hash(bytes) = digest.u64(u64::from(round)).hash(of).finish();
        u64::from_be_bytes(bytes[..8].try_into().expect("eight of 32 bytes"))
    }
    /// Rule 1: the neighbor of highest priority, where a node is a neighbor as often as it is in this node's slices.
    /// Rounds that would add no leader are skipped.
    fn find_leaders(&mut self, ctx: &mut Context<'_, Self>) {
        let others = self.quorum_set.nodes();
        let most = others.nodes().filter(|node| *node != ctx.me()).count() + 1;
        let before = self.nomination.leaders.len();
        while self.nomination.leaders.len() == before && before < most {
            self.nomination.round += 1;
            let round = self.nomination.round;
            let name = |node: NodeId| Digest::new("scp node").u64(u64::from(node.0)).finish();
            let is_neighbor = |node: &NodeId| {
                *node == ctx.me()
                    || u128::from(self.draw("scp neighbor", round, &name(*node))) < self.quorum_set.weight(*node)
            };
            let known = others.nodes().chain([ctx.me()]).filter(is_neighbor);
            let leader = known.max_by_key(|node| self.draw("scp priority", round, &name(*node)));
            self.nomination.leaders.extend(leader);
        }
        if before == most {
            self.nomination.round += 1;
        }
        if self.nomination.leaders.contains(&ctx.me()) {
            ctx.note(note::LEADING, note::turn(self.slot(), u64::from(self.nomination.round)));
        }
    }
    /// The time of the next ledger has come, or a round is over.
    pub(super) fn nominate(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.nomination.candidates.is_empty() {
            return;
        }
        if !self.nomination.started {
            self.nomination.started = true;
            ctx.note(note::ROUND, self.slot().0);
            // Statements received before count from now on.
            self.accept_and_confirm(&self.nomination.federation.values(), ctx);
        }
        self.find_leaders(ctx);
        for leader in self.nomination.leaders.clone() {
            if leader != ctx.me() {
                self.follow(leader, ctx);
            } else if self.nomination.voted.is_empty() {
                let own = self.own_value(ctx);
                self.nomination.voted.insert(own);
            }
        }
        let further = self.nomination.round.saturating_sub(1);
        let patience = self.config.nomination_timeout + self.config.nomination_step * u64::from(further);
        ctx.set_timer(Timer::Nomination, patience.min(self.config.timeout_max));
        self.settle_nomination(ctx);
    }
    /// Rule 2: votes for the best valid value that a leader accepted or, failing that, voted for.
    fn follow(&mut self, leader: NodeId, ctx: &mut Context<'_, Self>) {
        let Some(Pledges::Nominate { voted, accepted }) = self.nomination.federation.of(leader) else { return };
        let offered = if accepted.is_empty() { voted.clone() } else { accepted.clone() };
        let round = self.nomination.round;
        let mut new: Vec<Value> = offered.difference(&self.nomination.voted).copied().collect();
        new.sort_by_key(|value| {
            let name = value.add_to(Digest::new("scp value")).finish();
            std::cmp::Reverse(self.draw("scp value", round, &name))
        });
        if self.nomination.voted.len() < VALUES_MAX
            && let Some(best) = new.into_iter().find(|value| self.is_valid(value, ctx))
        {
            self.nomination.voted.insert(best);
        }
    }
    /// What this node would like to be next.
    fn own_value(&mut self, ctx: &mut Context<'_, Self>) -> Value {
        let batch = ctx.propose(&self.last, &[], self.config.block_limit);
        let set = TransactionSet::new(self.last.id(), batch);
        let close = ctx.now().max(self.last.header.time + Duration::from_nanos(1));
        let value = Value { set: set.name, close };
        self.sets.insert(set.name, (set, Some(true)));
        value
    }
    pub(super) fn on_nomination(&mut self, from: NodeId, values: &BTreeSet<Value>, ctx: &mut Context<'_, Self>) {
        if self.nomination.started {
            self.accept_and_confirm(values, ctx);
            if self.nomination.candidates.is_empty() && self.nomination.leaders.contains(&from) {
                self.follow(from, ctx);
            }
            self.settle_nomination(ctx);
        }
    }
    /// Rule 3.
    fn accept_and_confirm(&mut self, values: &BTreeSet<Value>, ctx: &mut Context<'_, Self>) {
        for value in
            values.iter().filter(|value| !self.nomination.candidates.contains(value)).copied().collect::<Vec<_>>()
        {
            let (voted, accepted) = (Nomination::votes_for(value), Nomination::accepts(value));
            let federation = &self.nomination.federation;
            if !self.nomination.accepted.contains(&value)
                && federation.accepts(&self.quorum_set, voted, &accepted)
                && self.is_valid(&value, ctx)
            {
                self.nomination.accepted.insert(value);
                self.nomination.voted.insert(value);
                self.nomination.federation.receive(ctx.me(), self.nomination.pledges(), &self.quorum_set);
            }
            let federation = &self.nomination.federation;
            if self.nomination.accepted.contains(&value) && federation.confirms(&self.quorum_set, &accepted) {
                self.nomination.candidates.insert(value);
            }
        }
    }
    /// Says what is new, and begins to ballot with the first candidate (rules 4 and 5).
    fn settle_nomination(&mut self, ctx: &mut Context<'_, Self>) {
        loop {
            let pledges = self.nomination.pledges();
            let before = (pledges.clone(), self.nomination.candidates.len());
            self.nomination.federation.receive(ctx.me(), pledges, &self.quorum_set);
            let own = self.nomination.voted.clone();
            self.accept_and_confirm(&own, ctx);
            if before == (self.nomination.pledges(), self.nomination.candidates.len()) {
                break;
            }
        }
        if let Some(pledges) = self.nomination.pledges() {
            self.say(pledges, ctx);
        }
        let composite = self.combine();
        if composite.is_some() && composite != self.nomination.composite {
            self.nomination.composite = composite;
            ctx.cancel_timer(Timer::Nomination);
            self.begin_ballot(ctx);
        }
    }
    /// Rule 4: the largest set (the greatest name among equals) and the latest close time.
    pub(super) fn combine(&self) -> Option<Value> {
        let candidates = &self.nomination.candidates;
        let size = |value: &Value| self.sets.get(&value.set).map_or(0, |(set, _)| set.batch.len());
        let best = candidates.iter().max_by_key(|value| (size(value), value.set))?;
        let close = candidates.iter().map(|value| value.close).max()?;
        Some(Value { set: best.set, close })
    }
    /// Whether a value may be voted for: known and executable transactions, and a close time after the last ledger's and
    /// not far ahead of this node's clock.
    fn is_valid(&mut self, value: &Value, ctx: &mut Context<'_, Self>) -> bool {
        let latest = ctx.now() + self.config.time_slip;
        self.last.header.time < value.close && value.close <= latest && self.is_executable(value, ctx)
    }
    /// Whether the transactions of a value are not too many and can be executed after the last ledger.
    pub(super) fn is_executable(&mut self, value: &Value, ctx: &mut Context<'_, Self>) -> bool {
        let Some((set, judged)) = self.sets.get(&value.set) else { return false };
        if let Some(judged) = judged {
            return *judged;
        }
        let is_next = set.previous == self.last.id();
        let set: Arc<TransactionSet> = set.clone();
        let block = self.block(value, &set);
        let is_small = self.config.block_limit.admits(&set.batch);
        let judged = is_next && is_small && ctx.insert_block(&block).is_some() && ctx.validate(&block).is_ok();
        self.sets.insert(value.set, (set, Some(judged)));
        judged
    }
}
