//! The ballot protocol: federated voting on preparing and committing ballots.

use super::{Ballot, Federation, Pledges, Scp, Timer, Value};
use crate::base::NodeSet;
use crate::protocol::{Context, note};
use std::collections::BTreeSet;

/// How far a slot is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Phase {
    /// Looking for a ballot that can be committed.
    #[default]
    Prepare,
    /// The value is accepted as committed.
    Confirm,
    /// The value is decided.
    Externalize,
}

/// The ballots of one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Balloting {
    pub phase: Phase,
    /// `b`: the present ballot.
    pub current: Option<Ballot>,
    /// `p`: the highest accepted as prepared.
    pub prepared: Option<Ballot>,
    /// `p'`: the highest accepted as prepared with another value than `p`.
    pub prepared_prime: Option<Ballot>,
    /// `c`: the lowest that this node votes, accepted or confirmed to commit.
    pub commit: Option<Ballot>,
    /// `h`: the highest confirmed as prepared, accepted or confirmed to commit.
    pub high: Option<Ballot>,
    /// `z`: what later ballots must be for.
    pub fixed: Option<Value>,
    /// Whether a quorum has come as far as the present counter.
    pub has_quorum: bool,
    /// The latest statement of each node.
    pub federation: Federation,
}

/// What a statement implies (rule 12).
impl Pledges {
    fn votes_prepared(&self, wanted: &Ballot) -> bool {
        match self {
            Pledges::Nominate { .. } => false,
            Pledges::Prepare { ballot, .. } => wanted.is_within(ballot),
            Pledges::Confirm { ballot, .. } | Pledges::Externalize { commit: ballot, .. } => {
                wanted.is_compatible(ballot)
            }
        }
    }
    fn accepts_prepared(&self, wanted: &Ballot) -> bool {
        match self {
            Pledges::Nominate { .. } => false,
            Pledges::Prepare { prepared, prepared_prime, .. } => {
                [prepared, prepared_prime].into_iter().flatten().any(|prepared| wanted.is_within(prepared))
            }
            Pledges::Confirm { ballot, n_prepared, .. } => {
                wanted.is_compatible(ballot) && wanted.counter <= *n_prepared
            }
            Pledges::Externalize { commit, .. } => wanted.is_compatible(commit),
        }
    }
    fn votes_commit(&self, value: Value, (low, high): (u32, u32)) -> bool {
        match self {
            Pledges::Nominate { .. } => false,
            Pledges::Prepare { ballot, n_commit, n_high, .. } => {
                ballot.value == value && *n_commit > 0 && *n_commit <= low && high <= *n_high
            }
            Pledges::Confirm { ballot, n_commit, .. } => ballot.value == value && *n_commit <= low,
            Pledges::Externalize { commit, .. } => commit.value == value && commit.counter <= low,
        }
    }
    fn accepts_commit(&self, value: Value, (low, high): (u32, u32)) -> bool {
        match self {
            Pledges::Nominate { .. } | Pledges::Prepare { .. } => false,
            Pledges::Confirm { ballot, n_commit, n_high, .. } => {
                ballot.value == value && *n_commit <= low && high <= *n_high
            }
            Pledges::Externalize { commit, .. } => commit.value == value && commit.counter <= low,
        }
    }
    /// Which ballots it speaks of as prepared, or votes to prepare.
    fn prepares(&self) -> Vec<Ballot> {
        match self {
            Pledges::Nominate { .. } => Vec::new(),
            Pledges::Prepare { ballot, prepared, prepared_prime, .. } => {
                [Some(*ballot), *prepared, *prepared_prime].into_iter().flatten().collect()
            }
            Pledges::Confirm { ballot, n_prepared, .. } => {
                [*n_prepared, Ballot::INFINITE].map(|counter| Ballot { counter, ..*ballot }).to_vec()
            }
            Pledges::Externalize { commit, .. } => vec![Ballot { counter: Ballot::INFINITE, ..*commit }],
        }
    }
    /// The value that it would commit, and where the interval of counters begins and ends.
    fn commits(&self) -> Option<(Value, Vec<u32>)> {
        match self {
            Pledges::Prepare { ballot, n_commit, n_high, .. } if *n_commit > 0 => {
                Some((ballot.value, vec![*n_commit, *n_high]))
            }
            Pledges::Confirm { ballot, n_commit, n_high, .. } => Some((ballot.value, vec![*n_commit, *n_high])),
            Pledges::Externalize { commit, n_high } => {
                Some((commit.value, vec![commit.counter, *n_high, Ballot::INFINITE]))
            }
            _ => None,
        }
    }
    /// How far it has counted.
    fn counter(&self) -> u32 {
        match self {
            Pledges::Nominate { .. } => 0,
            Pledges::Prepare { ballot, .. } | Pledges::Confirm { ballot, .. } => ballot.counter,
            Pledges::Externalize { .. } => Ballot::INFINITE,
        }
    }
}

impl Balloting {
    /// What this node says; nothing before its first ballot.
    pub fn pledges(&self) -> Option<Pledges> {
        let counter = |ballot: &Option<Ballot>| ballot.map_or(0, |ballot| ballot.counter);
        let (n_commit, n_high) = (counter(&self.commit), counter(&self.high));
        Some(match self.phase {
            Phase::Prepare => Pledges::Prepare {
                ballot: self.current?,
                prepared: self.prepared,
                prepared_prime: self.prepared_prime,
                n_commit,
                n_high,
            },
            Phase::Confirm => {
                Pledges::Confirm { ballot: self.current?, n_prepared: counter(&self.prepared), n_commit, n_high }
            }
            Phase::Externalize => Pledges::Externalize { commit: self.commit?, n_high },
        })
    }
    /// Takes up what this node said before it crashed.
    pub fn restore(&mut self, pledges: &Pledges) {
        let of = |counter: u32, value: Value| (counter > 0).then_some(Ballot { counter, value });
        match pledges {
            Pledges::Nominate { .. } => {}
            Pledges::Prepare { ballot, prepared, prepared_prime, n_commit, n_high } => {
                (self.current, self.prepared, self.prepared_prime) = (Some(*ballot), *prepared, *prepared_prime);
                (self.commit, self.high) = (of(*n_commit, ballot.value), of(*n_high, ballot.value));
                self.fixed = self.high.map(|high| high.value);
            }
            Pledges::Confirm { ballot, n_prepared, n_commit, n_high } => {
                (self.phase, self.current) = (Phase::Confirm, Some(*ballot));
                (self.prepared, self.fixed) = (of(*n_prepared, ballot.value), Some(ballot.value));
                (self.commit, self.high) = (of(*n_commit, ballot.value), of(*n_high, ballot.value));
            }
            Pledges::Externalize { commit, n_high } => {
                (self.phase, self.fixed) = (Phase::Externalize, Some(commit.value));
                (self.commit, self.high) = (Some(*commit), of(*n_high, commit.value));
                self.current = self.high;
            }
        }
    }
    /// Goes to a ballot. What was confirmed for another value is not for this one.
    fn go_to(&mut self, ballot: Ballot) {
        if self.current.is_none_or(|current| current.counter != ballot.counter) {
            self.has_quorum = false;
        }
        self.current = Some(ballot);
        if self.high.is_some_and(|high| !high.is_compatible(&ballot)) {
            (self.high, self.commit) = (None, None);
        }
    }
    fn reach(&mut self, high: Ballot) {
        if self.current.is_none_or(|current| current < high) {
            self.go_to(high);
        }
    }
    /// Whether preparing what is accepted aborts `ballot`.
    fn aborts(&self, ballot: &Ballot) -> bool {
        [self.prepared, self.prepared_prime].iter().flatten().any(|prepared| ballot.is_aborted_by(prepared))
    }
}

impl Scp {
    /// The first candidate is here: the first ballot (rule 5).
    pub(super) fn begin_ballot(&mut self, ctx: &mut Context<'_, Self>) {
        if self.balloting.current.is_none() {
            self.bump(1);
            self.advance(ctx);
        }
    }
    /// The ballot takes too long (rule 11).
    pub(super) fn on_ballot_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let counter = self.balloting.current.map_or(0, |ballot| ballot.counter);
        ctx.note(note::WASTED, self.slot().0);
        self.bump(counter.saturating_add(1));
        self.advance(ctx);
    }
    /// Goes to a counter with the value confirmed as prepared, or else the newest composite, or else what is accepted as
    /// prepared; whether there was one.
    fn bump(&mut self, counter: u32) -> bool {
        let balloting = &mut self.balloting;
        let known = balloting.prepared.or(balloting.current).map(|ballot| ballot.value);
        let Some(value) = balloting.fixed.or(self.nomination.composite).or(known) else { return false };
        let ballot = Ballot { counter, value };
        let is_later = balloting.current.is_none_or(|current| current < ballot);
        let is_free = balloting.commit.is_none_or(|commit| commit.value == value);
        if balloting.phase == Phase::Externalize || !is_later || !is_free {
            return false;
        }
        balloting.go_to(ballot);
        true
    }
    /// Takes all steps that what is known allows, and says the outcome (rule 6).
    pub(super) fn advance(&mut self, ctx: &mut Context<'_, Self>) {
        loop {
            let pledges = self.balloting.pledges();
            self.balloting.federation.receive(ctx.me(), pledges, &self.quorum_set);
            let stepped = self.accept_prepared()
                || self.confirm_prepared()
                || self.accept_commit()
                || self.confirm_commit()
                || self.catch_up();
            if !stepped {
                break;
            }
        }
        self.time_ballot(ctx);
        if self.balloting.current.is_some() && self.ballot_began.is_none() {
            self.ballot_began = Some(ctx.now());
        }
        if let Some(pledges) = self.balloting.pledges() {
            self.say(pledges, ctx);
        }
        if self.balloting.phase == Phase::Externalize {
            self.decide(ctx);
        }
    }
    /// Ballots that may be prepared, the highest first.
    fn prepare_candidates(&self) -> Vec<Ballot> {
        let all: BTreeSet<Ballot> = self.balloting.federation.all().flat_map(Pledges::prepares).collect();
        // A CONFIRM may have nothing prepared: counter zero.
        all.into_iter().rev().filter(|ballot| ballot.counter > 0).collect()
    }
    /// Rule 7.
    fn accept_prepared(&mut self) -> bool {
        if self.balloting.phase == Phase::Externalize {
            return false;
        }
        for ballot in self.prepare_candidates() {
            let (prepared, prime) = (self.balloting.prepared, self.balloting.prepared_prime);
            let is_known = [prepared, prime].iter().flatten().any(|known| ballot.is_within(known));
            // Once a value is accepted as committed, only its own ballots are of interest.
            let is_idle = self.balloting.phase == Phase::Confirm && !prepared.is_some_and(|p| p.is_within(&ballot));
            if is_known || is_idle {
                continue;
            }
            let federation = &self.balloting.federation;
            let accepted =
                federation.accepts(&self.quorum_set, |p| p.votes_prepared(&ballot), |p| p.accepts_prepared(&ballot));
            if accepted && self.set_prepared(ballot) {
                return true;
            }
        }
        false
    }
    fn set_prepared(&mut self, ballot: Ballot) -> bool {
        let balloting = &mut self.balloting;
        match balloting.prepared {
            None => balloting.prepared = Some(ballot),
            Some(prepared) if prepared < ballot => {
                if !prepared.is_compatible(&ballot) {
                    balloting.prepared_prime = Some(prepared);
                }
                balloting.prepared = Some(ballot);
            }
            Some(prepared) => {
                let is_higher = balloting.prepared_prime.is_none_or(|prime| prime < ballot);
                if !is_higher || prepared.is_compatible(&ballot) {
                    return false;
                }
                balloting.prepared_prime = Some(ballot);
            }
        }
        // A vote to commit what is now aborted is withdrawn; only votes can be, never what was accepted.
        if balloting.phase == Phase::Prepare && balloting.high.is_some_and(|high| balloting.aborts(&high)) {
            balloting.commit = None;
        }
        true
    }
    /// Rule 8.
    fn confirm_prepared(&mut self) -> bool {
        if self.balloting.phase != Phase::Prepare || self.balloting.prepared.is_none() {
            return false;
        }
        let candidates = self.prepare_candidates();
        let federation = &self.balloting.federation;
        let is_confirmed = |ballot: &Ballot| federation.confirms(&self.quorum_set, |p| p.accepts_prepared(ballot));
        let is_news = |ballot: &&Ballot| self.balloting.high.is_none_or(|high| **ballot > high);
        let Some(high) = candidates.iter().take_while(is_news).find(|ballot| is_confirmed(ballot)).copied() else {
            return false;
        };
        let mut commit = None;
        if self.balloting.commit.is_none() && !self.balloting.aborts(&high) {
            let least = self.balloting.current;
            let below = candidates.iter().skip_while(|ballot| **ballot > high);
            let within = below.filter(|ballot| ballot.is_within(&high));
            commit = within
                .take_while(|ballot| least.is_none_or(|least| **ballot >= least) && is_confirmed(ballot))
                .last()
                .copied();
        }
        let balloting = &mut self.balloting;
        balloting.fixed = Some(high.value);
        balloting.reach(high);
        let is_current = balloting.current.is_some_and(|current| current.is_compatible(&high));
        if is_current {
            balloting.high = Some(high);
            balloting.commit = commit.or(balloting.commit);
        }
        is_current
    }
    /// The widest interval of counters, as high as possible, for which `holds`.
    fn interval(&self, value: Value, holds: impl Fn((u32, u32)) -> bool) -> Option<(u32, u32)> {
        let commits = self.balloting.federation.all().filter_map(Pledges::commits);
        let counters: BTreeSet<u32> =
            commits.filter(|(of, _)| *of == value).flat_map(|(_, boundaries)| boundaries).collect();
        let mut found: Option<(u32, u32)> = None;
        for low in counters.into_iter().rev() {
            let wider = (low, found.map_or(low, |(_, high)| high));
            if holds(wider) {
                found = Some(wider);
            } else if found.is_some() {
                break;
            }
        }
        found
    }
    /// Rule 9.
    fn accept_commit(&mut self) -> bool {
        if self.balloting.phase == Phase::Externalize {
            return false;
        }
        let values: BTreeSet<Value> =
            self.balloting.federation.all().filter_map(Pledges::commits).map(|(value, _)| value).collect();
        for value in values {
            let balloting = &self.balloting;
            let is_other = balloting.high.is_some_and(|high| high.value != value);
            if balloting.phase == Phase::Confirm && is_other {
                continue;
            }
            let accepted = self.interval(value, |interval| {
                let (votes, accepts) = (
                    |pledges: &Pledges| pledges.votes_commit(value, interval),
                    |pledges: &Pledges| pledges.accepts_commit(value, interval),
                );
                self.balloting.federation.accepts(&self.quorum_set, votes, accepts)
            });
            let Some((low, high)) = accepted else { continue };
            let balloting = &mut self.balloting;
            let known = balloting.high.map_or(0, |high| high.counter);
            if balloting.phase == Phase::Confirm && high <= known {
                continue;
            }
            let [commit, high] = [low, high].map(|counter| Ballot { counter, value });
            if balloting.phase == Phase::Prepare {
                balloting.phase = Phase::Confirm;
                if !balloting.current.is_some_and(|current| high.is_within(&current)) {
                    balloting.go_to(high);
                }
                // From here on the counter alone identifies p.
                balloting.prepared = balloting.prepared.filter(|prepared| prepared.value == value).or(Some(high));
                balloting.prepared_prime = None;
            }
            balloting.fixed = Some(value);
            balloting.reach(high);
            (balloting.commit, balloting.high) = (Some(commit), Some(high));
            return true;
        }
        false
    }
    /// Rule 10.
    fn confirm_commit(&mut self) -> bool {
        let Some(value) = self.balloting.high.filter(|_| self.balloting.phase == Phase::Confirm).map(|high| high.value)
        else {
            return false;
        };
        let federation = &self.balloting.federation;
        let confirmed = self.interval(value, |interval| {
            federation.confirms(&self.quorum_set, |pledges| pledges.accepts_commit(value, interval))
        });
        let Some((low, high)) = confirmed else { return false };
        let balloting = &mut self.balloting;
        balloting.commit = Some(Ballot { counter: low, value });
        balloting.high = Some(Ballot { counter: high, value });
        balloting.phase = Phase::Externalize;
        true
    }
    /// Rule 11, second half: others that this node cannot do without are further: to the least counter where that ends.
    fn catch_up(&mut self) -> bool {
        let counter = self.balloting.current.map_or(0, |ballot| ballot.counter);
        let federation = &self.balloting.federation;
        let ahead = |of: u32| -> NodeSet { federation.who(|pledges| pledges.counter() > of) };
        if self.balloting.phase == Phase::Externalize || !self.quorum_set.is_blocked_by(&ahead(counter)) {
            return false;
        }
        let counters: BTreeSet<u32> = federation.all().map(Pledges::counter).filter(|n| *n > counter).collect();
        let target = counters.into_iter().find(|n| !self.quorum_set.is_blocked_by(&ahead(*n)));
        target.is_some_and(|target| self.bump(target))
    }
    /// The ballot is timed from when a quorum has come as far.
    fn time_ballot(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(current) = self.balloting.current.filter(|_| self.balloting.phase != Phase::Externalize) else {
            return;
        };
        let reached = |pledges: &Pledges| match pledges {
            Pledges::Prepare { ballot, .. } => ballot.counter >= current.counter,
            _ => true,
        };
        let has_quorum = self.balloting.federation.confirms(&self.quorum_set, reached);
        if has_quorum && !self.balloting.has_quorum {
            let further = u64::from(current.counter.saturating_sub(1));
            let patience = self.config.ballot_timeout + self.config.ballot_step * further;
            ctx.set_timer(Timer::Ballot, patience.min(self.config.timeout_max));
        } else if !has_quorum {
            ctx.cancel_timer(Timer::Ballot);
        }
        self.balloting.has_quorum = has_quorum;
    }
    /// A ballot statement of any node was received.
    pub(super) fn on_ballot(&mut self, ctx: &mut Context<'_, Self>) {
        if self.balloting.phase != Phase::Externalize {
            self.advance(ctx);
        }
    }
}
