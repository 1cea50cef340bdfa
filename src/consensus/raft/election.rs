//! Electing a leader: paper, section 5.2 and 5.4.1; thesis 4.2.3 (lease), 6.2 (check-quorum), 9.6 (pre-vote).

use super::log::Payload;
use super::message::{Message, RequestVote, Timer, Vote};
use super::position::Term;
use super::role::{Ballots, Leadership, Role};
use super::{Context, Raft};
use crate::base::{NodeId, Time};
use crate::protocol::note;

/// Terms.
impl Raft {
    /// A message shows a higher term (figure 2, all servers): adopts it without a leader.
    pub(super) fn adopt(&mut self, term: Term, ctx: &mut Context) {
        debug_assert!(term > self.term, "terms rise");
        (self.term, self.vote, self.unsaved) = (term, None, true);
        (self.leader, self.last_contact) = (None, None);
        ctx.note(note::ROUND, term.0);
        self.step_down(ctx);
    }
    /// Becomes a follower in the same term. Only a leader needs a new election timer: that of other nodes runs on.
    pub(super) fn step_down(&mut self, ctx: &mut Context) {
        if self.is_leader() {
            (self.leader, self.last_contact) = (None, None);
            for timer in [Timer::Heartbeat, Timer::CheckQuorum, Timer::Batch, Timer::TransferAbort] {
                ctx.cancel_timer(timer);
            }
            self.role = Role::Follower;
            self.reset_election_timer(ctx);
        }
        self.role = Role::Follower;
    }
    /// A message of a leader of this or a higher term: follows it. False if the message is stale.
    pub(super) fn follow(&mut self, leader: NodeId, term: Term, ctx: &mut Context) -> bool {
        if term < self.term || (term == self.term && self.is_leader()) {
            return false;
        }
        if term > self.term {
            self.adopt(term, ctx);
        }
        self.role = Role::Follower;
        let is_new = self.leader != Some(leader);
        (self.leader, self.last_contact) = (Some(leader), Some(ctx.now()));
        self.reset_election_timer(ctx);
        if is_new {
            self.ask_read(ctx);
        }
        true
    }
    /// Whether this node campaigns: it votes, or voted before a change that is not committed, for then its log may be the
    /// only one that can win (thesis 4.2.2). Its own vote counts only in the first case.
    fn may_campaign(&self) -> bool {
        self.memberships.current().is_voter(self.me) || self.memberships.at(self.commit).is_voter(self.me)
    }
    /// Draws a new election timeout.
    pub(super) fn reset_election_timer(&mut self, ctx: &mut Context) {
        if self.may_campaign() {
            let (min, max) = (self.config.election_timeout_min, self.config.election_timeout_max);
            let timeout = ctx.random().span(min, max);
            ctx.set_timer(Timer::Election, timeout);
        }
    }
    /// Whether this node leads, or its leader contacted it within the shortest election timeout: then it votes for no other
    /// candidate (thesis 4.2.3).
    fn is_in_lease(&self, now: Time) -> bool {
        let is_recent = self.last_contact.is_some_and(|last| now.since(last) < self.config.election_timeout_min);
        self.config.check_quorum && (self.is_leader() || is_recent)
    }
}

/// Campaigning.
impl Raft {
    pub(super) fn on_election_timeout(&mut self, ctx: &mut Context) {
        if self.is_leader() || !self.may_campaign() {
            return;
        }
        if matches!(self.role, Role::Candidate(_)) {
            ctx.note(note::WASTED, self.term.0);
        }
        (self.leader, self.last_contact) = (None, None);
        if self.config.pre_vote { self.ask_for_pre_votes(ctx) } else { self.campaign(false, ctx) }
    }
    /// Asks whether it would win the next term, without changing anything that others see (thesis 9.6).
    fn ask_for_pre_votes(&mut self, ctx: &mut Context) {
        self.role = Role::PreCandidate(Ballots::default());
        self.reset_election_timer(ctx);
        if !self.count(self.me, ctx) {
            self.request_votes(self.term.next(), true, false, ctx);
        }
    }
    /// Begins an election (figure 2, candidates).
    pub(super) fn campaign(&mut self, transfer: bool, ctx: &mut Context) {
        (self.term, self.vote, self.unsaved) = (self.term.next(), Some(self.me), true);
        (self.leader, self.last_contact) = (None, None);
        self.role = Role::Candidate(Ballots::default());
        ctx.note(note::ROUND, self.term.0);
        self.reset_election_timer(ctx);
        self.save(ctx);
        if !self.count(self.me, ctx) {
            self.request_votes(self.term, false, transfer, ctx);
        }
    }
    fn request_votes(&mut self, term: Term, pre: bool, transfer: bool, ctx: &mut Context) {
        let (last_index, last_term) = (self.log.last_index(), self.log.last_term());
        let request = Message::RequestVote(RequestVote { term, last_index, last_term, pre, transfer });
        let membership = self.memberships.current().clone();
        if ctx.committee().members().all(|node| membership.is_voter(node)) {
            self.broadcast(request, ctx);
        } else {
            for node in ctx.committee().members() {
                if node != self.me && membership.is_voter(node) {
                    self.send(node, request.clone(), ctx);
                }
            }
        }
    }
    /// Counts a vote or pre-vote for this node, and goes on if that makes a majority; whether it does.
    fn count(&mut self, voter: NodeId, ctx: &mut Context) -> bool {
        let (Role::PreCandidate(ballots) | Role::Candidate(ballots)) = &mut self.role else { return false };
        ballots.0.insert(voter);
        let wins = self.memberships.current().is_quorum(|node| ballots.0.contains(&node));
        if wins {
            if matches!(self.role, Role::PreCandidate(_)) { self.campaign(false, ctx) } else { self.lead(ctx) }
        }
        wins
    }
    /// Won: announces itself with a no-op, which will commit what earlier leaders left (paper, section 8).
    fn lead(&mut self, ctx: &mut Context) {
        let leadership = Leadership::new(ctx.committee().n(), self.log.last_index(), self.config.election_timeout_min);
        self.role = Role::Leader(Box::new(leadership));
        self.leader = Some(self.me);
        self.refresh_peers();
        ctx.note(note::LEADING, self.term.0);
        ctx.cancel_timer(Timer::Election);
        ctx.set_timer(Timer::Heartbeat, self.config.heartbeat);
        if self.config.check_quorum {
            ctx.set_timer(Timer::CheckQuorum, self.config.election_timeout_min);
        }
        self.append(Payload::Noop, ctx);
        self.ask_read(ctx);
    }
}

/// Voting.
impl Raft {
    pub(super) fn on_request_vote(&mut self, from: NodeId, request: RequestVote, ctx: &mut Context) {
        let RequestVote { term, last_index, last_term, pre, transfer } = request;
        if term > self.term && !transfer && self.is_in_lease(ctx.now()) {
            return;
        }
        if term > self.term && !pre {
            self.adopt(term, ctx);
        }
        // A pre-vote for a future term commits the voter to nothing. A vote is given once per term, and not against a known
        // leader.
        let has_vote = self.vote == Some(from) || (self.vote.is_none() && self.leader.is_none());
        let is_free = if pre { term > self.term } else { term == self.term && has_vote };
        let granted = is_free && self.log.is_covered_by(last_term, last_index);
        if granted && !pre {
            self.unsaved |= self.vote.is_none();
            self.vote = Some(from);
            self.reset_election_timer(ctx);
        }
        // A refusal shows this node's term: a candidate of a lower one, even a pre-candidate, catches up with it.
        let term = if granted { term } else { self.term };
        self.send(from, Message::Vote(Vote { term, granted, pre }), ctx);
    }
    pub(super) fn on_vote(&mut self, from: NodeId, vote: Vote, ctx: &mut Context) {
        let awaited = match &self.role {
            Role::PreCandidate(_) => vote.pre && vote.term == self.term.next(),
            Role::Candidate(_) => !vote.pre && vote.term == self.term,
            Role::Follower | Role::Leader(_) => false,
        };
        if vote.granted && awaited {
            self.count(from, ctx);
        } else if vote.term > self.term && !(vote.pre && vote.granted) {
            self.adopt(vote.term, ctx);
        }
    }
    /// The leader hands over (thesis 3.10): campaigns at once, without pre-vote.
    pub(super) fn on_timeout_now(&mut self, from: NodeId, term: Term, ctx: &mut Context) {
        let is_genuine = term == self.term && self.leader == Some(from);
        if is_genuine && !self.is_leader() && self.memberships.current().is_voter(self.me) {
            self.campaign(true, ctx);
        }
    }
    /// A leader that received nothing from a majority during an election timeout steps down (thesis 6.2).
    pub(super) fn on_check_quorum(&mut self, ctx: &mut Context) {
        let me = self.me;
        let Role::Leader(lead) = &mut self.role else { return };
        let active = lead.take_active();
        if self.memberships.current().is_quorum(|node| node == me || active.contains(&node)) {
            ctx.set_timer(Timer::CheckQuorum, self.config.election_timeout_min);
        } else {
            self.step_down(ctx);
        }
    }
}
