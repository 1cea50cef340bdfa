//! Replicating the log: paper, section 5.3 (consistency check, conflict hints) and 5.4.2 (what a leader may commit);
//! flow control after etcd's `tracker`: probe until the logs match, then stream.

use super::log::{Entry, Payload};
use super::message::{AppendEntries, AppendReply, Message, Outcome, Record, Timer};
use super::position::{Index, Term};
use super::progress::{Flow, Progress, Window};
use super::role::Role;
use super::session::Verdict;
use super::{Context, Raft, note_refused, notes};
use crate::base::{Duration, NodeId};
use crate::chain::{Batch, Limit};
use std::sync::Arc;

/// Most refused commands that a leader remembers.
const REFUSED_MAX: usize = 10_000;

/// The leader's side: sending.
impl Raft {
    /// The membership changed: starts to replicate to new members, and stops for those that left.
    pub(super) fn refresh_peers(&mut self) {
        let (next, me, patience) = (self.log.last_index() + 1, self.me, self.config.election_timeout_min);
        let Role::Leader(lead) = &mut self.role else { return };
        let mut peers = self.memberships.current().members();
        peers.remove(&me);
        for node in peers.difference(&lead.peers) {
            lead.progress[node.index()] = Progress::new(next, patience);
        }
        lead.peers = peers;
        lead.reads.retain(|asked| asked.from == me || lead.peers.contains(&asked.from));
    }
    /// Appends an entry of this term: sends it, and writes it meanwhile (thesis 10.2.1).
    pub(super) fn append(&mut self, payload: Payload, ctx: &mut Context) {
        let below = self.log.last().map_or(self.applied.header.time, |entry| entry.time);
        let entry = Entry { term: self.term, leader: self.me, time: ctx.now().max(below), payload };
        let changes = matches!(entry.payload, Payload::Membership(_));
        let index = self.push(entry.clone());
        if changes {
            self.refresh_peers();
        }
        self.replicate(ctx);
        ctx.persist(Record::Append { from: index, entries: Arc::new([entry]) });
        ctx.set_timer(Timer::Durable { term: self.term, index }, Duration::ZERO);
    }
    /// Sends what followers lack: once for all where all lack the same.
    fn replicate(&mut self, ctx: &mut Context) {
        let window = self.window();
        let Role::Leader(lead) = &mut self.role else { return };
        let common = lead.common_next(ctx.committee().n(), |progress| progress.is_ready(window));
        let Some(next) = common.filter(|next| *next > self.log.base()) else {
            for peer in lead.peers.clone() {
                self.replicate_to(peer, ctx);
            }
            return;
        };
        let entries = self.log.slice(next, self.config.append_bytes.0);
        if entries.is_empty() {
            return;
        }
        for peer in &lead.peers {
            lead.progress[peer.index()].sent(&entries, ctx.now());
        }
        let message = self.append_entries(next, entries);
        self.broadcast(message, ctx);
    }
    fn window(&self) -> Window {
        Window { appends: self.config.window, bytes: self.config.window_bytes.0 }
    }
    /// Sends what one follower lacks, as far as its window allows.
    pub(super) fn replicate_to(&mut self, peer: NodeId, ctx: &mut Context) {
        loop {
            let (window, last) = (self.window(), self.log.last_index());
            let Role::Leader(lead) = &mut self.role else { return };
            let progress = &mut lead.progress[peer.index()];
            if !progress.is_ready(window) || progress.next > last {
                return;
            }
            let next = progress.next;
            if next <= self.log.base() {
                return self.send_snapshot(peer, ctx);
            }
            let entries = self.log.slice(next, self.config.append_bytes.0);
            progress.sent(&entries, ctx.now());
            let message = self.append_entries(next, entries);
            self.send(peer, message, ctx);
        }
    }
    /// An append that begins at `next`. Where the entry before is compacted, it matches trivially at 0: a heartbeat to
    /// a follower that is being sent a snapshot.
    fn append_entries(&self, next: Index, entries: Arc<[Entry]>) -> Message {
        let before = next - 1;
        let (prev_index, prev_term) = self.log.term_at(before).map_or((0, Term(0)), |term| (before, term));
        let context = match &self.role {
            Role::Leader(lead) if !lead.reads.is_empty() => Some(lead.round),
            _ => None,
        };
        let (term, commit) = (self.term, self.commit);
        Message::AppendEntries(AppendEntries { term, prev_index, prev_term, commit, entries, context })
    }
    /// Sends heartbeats. Their consistency check also detects appends that were lost.
    pub(super) fn send_heartbeat(&mut self, ctx: &mut Context) {
        let Role::Leader(lead) = &self.role else { return };
        let is_sendable = |progress: &Progress| !matches!(progress.flow, Flow::Snapshot { .. });
        if let Some(next) = lead.common_next(ctx.committee().n(), is_sendable) {
            let message = self.append_entries(next, Arc::new([]));
            return self.broadcast(message, ctx);
        }
        for peer in lead.peers.clone() {
            let Role::Leader(lead) = &self.role else { return };
            let progress = &lead.progress[peer.index()];
            let next = if is_sendable(progress) { progress.next } else { 1 };
            let message = self.append_entries(next, Arc::new([]));
            self.send(peer, message, ctx);
        }
    }
    pub(super) fn on_heartbeat(&mut self, ctx: &mut Context) {
        if self.is_leader() {
            self.send_heartbeat(ctx);
            self.repeat_snapshots(ctx);
            self.drive_change(ctx);
            ctx.set_timer(Timer::Heartbeat, self.config.heartbeat);
        }
    }
}

/// The follower's side (figure 2, `AppendEntries`, receiver implementation).
impl Raft {
    pub(super) fn on_append_entries(&mut self, from: NodeId, append: &AppendEntries, ctx: &mut Context) {
        // 1. A stale leader learns the term and steps down.
        if !self.follow(from, append.term, ctx) {
            let nothing =
                Outcome::Conflict { prev: append.prev_index, term: Term(0), first: self.log.last_index() + 1 };
            return self.answer(from, nothing, None, ctx);
        }
        let Some(last_new) = append.prev_index.checked_add(append.entries.len() as u64) else { return };
        if !is_well_formed(append, ctx.committee().n()) {
            return;
        }
        // 2. What is committed matches; above that, the entry before the new ones must.
        let prev = append.prev_index;
        if prev > self.commit && self.log.term_at(prev) != Some(append.prev_term) {
            return self.answer(from, self.conflict(prev), append.context, ctx);
        }
        // 3 and 4. Only a conflicting entry deletes what follows: a late, shorter append changes nothing.
        let is_new = |index: Index, entry: &Entry| index > self.commit && self.log.term_at(index) != Some(entry.term);
        let first_new = (prev + 1..).zip(append.entries.iter()).position(|(index, entry)| is_new(index, entry));
        if let Some(skip) = first_new {
            let (index, entries) = (prev + 1 + skip as u64, Arc::from(&append.entries[skip..]));
            if self.log.term_at(index - 1).is_none_or(|below| below > append.entries[skip].term) {
                return;
            }
            if index <= self.log.last_index() {
                ctx.note(notes::TRUNCATED, self.log.last_index() - index + 1);
            }
            self.overwrite(index, &entries);
            self.save(ctx);
            ctx.persist(Record::Append { from: index, entries });
        }
        self.answer(from, Outcome::Match(last_new), append.context, ctx);
        // 5. Up to the last new entry: what follows it may not be the leader's.
        let commit = append.commit.min(last_new);
        if commit > self.commit {
            self.commit_to(commit, ctx);
        }
    }
    /// Where the leader should try instead of `prev`: all entries of one conflicting term at a time (paper, 5.3).
    fn conflict(&self, prev: Index) -> Outcome {
        match self.log.term_at(prev) {
            None => Outcome::Conflict { prev, term: Term(0), first: self.log.last_index() + 1 },
            Some(term) => Outcome::Conflict { prev, term, first: self.log.first_of(term).unwrap_or(prev) },
        }
    }
    pub(super) fn answer(&mut self, to: NodeId, outcome: Outcome, context: Option<u64>, ctx: &mut Context) {
        self.send(to, Message::AppendReply(AppendReply { term: self.term, outcome, context }), ctx);
    }
}

/// Whether an append is one that a leader could send: terms never fall along a log, and configurations are of this
/// committee.
///
/// The sizes of batches are not checked, as in the paper and in etcd (`MaxSizePerMsg` and the limits of requests are the
/// leader's own): members only crash, and what a leader logged may be committed. A follower with a smaller limit, for example
/// one that was reconfigured first, would refuse it for ever and never catch up.
fn is_well_formed(append: &AppendEntries, nodes: usize) -> bool {
    let terms = || append.entries.iter().map(|entry| entry.term);
    let memberships = append.entries.iter().filter_map(|entry| match &entry.payload {
        Payload::Membership(membership) => Some(membership),
        Payload::Noop | Payload::Batch(_) => None,
    });
    terms().is_sorted()
        && terms().all(|term| append.prev_term <= term && term <= append.term)
        && memberships.into_iter().all(|membership| membership.is_of(nodes))
}

/// The leader's side: answers, and the commit rule.
impl Raft {
    pub(super) fn on_append_reply(&mut self, from: NodeId, reply: AppendReply, ctx: &mut Context) {
        if reply.term > self.term {
            return self.adopt(reply.term, ctx);
        }
        let Role::Leader(lead) = &mut self.role else { return };
        if reply.term < self.term || !lead.peers.contains(&from) {
            return;
        }
        let progress = &mut lead.progress[from.index()];
        progress.active = true;
        let confirms = reply.context.filter(|round| *round <= lead.round && *round > progress.confirmed);
        progress.confirmed = confirms.unwrap_or(progress.confirmed);
        match reply.outcome {
            Outcome::Match(index) if index > self.log.last_index() => return,
            Outcome::Match(index) => {
                let advances = index > progress.matched;
                progress.matches(index, ctx.now());
                if advances {
                    self.advance_commit(ctx);
                    self.try_hand_over(ctx);
                }
            }
            Outcome::Conflict { prev, term, first } => self.on_conflict(from, (prev, term, first), ctx),
        }
        if confirms.is_some() {
            self.answer_reads(ctx);
        }
        self.reopen(from);
        self.replicate_to(from, ctx);
    }
    /// Appends that fill the window may be lost, which a heartbeat cannot find out where the entry before the next is
    /// compacted: then the follower, which lives, needs the state.
    fn reopen(&mut self, peer: NodeId) {
        let base = self.log.base();
        let Role::Leader(lead) = &mut self.role else { return };
        let progress = &mut lead.progress[peer.index()];
        if progress.next <= base && matches!(progress.flow, Flow::Stream { .. }) {
            progress.flow = Flow::Probe { sent: None };
        }
    }
    /// Goes back by the hint, but never below what is known to match.
    fn on_conflict(&mut self, from: NodeId, (prev, term, first): (Index, Term, Index), ctx: &Context) {
        let last_of_term = self.log.last_of(term);
        let Role::Leader(lead) = &mut self.role else { return };
        let progress = &mut lead.progress[from.index()];
        if prev > progress.matched && progress.is_refused(prev, ctx.now()) {
            let hint = last_of_term.filter(|last| *last < prev).map_or(first, |last| last + 1);
            progress.go_back(hint.min(prev));
        }
    }
    pub(super) fn on_durable(&mut self, term: Term, index: Index, ctx: &mut Context) {
        let Role::Leader(lead) = &mut self.role else { return };
        if term == self.term {
            lead.durable = lead.durable.max(index);
            self.advance_commit(ctx);
        }
    }
    /// Commits what a majority stores, if it is of this leader's term; earlier entries only with it (figure 8).
    fn advance_commit(&mut self, ctx: &mut Context) {
        let (me, commit) = (self.me, self.commit);
        let Role::Leader(lead) = &mut self.role else { return };
        let reached = |node: NodeId| if node == me { lead.durable } else { lead.progress[node.index()].matched };
        let agreed = self.memberships.current().agreed(reached);
        if agreed <= commit || self.log.term_at(agreed) != Some(self.term) {
            return;
        }
        let own = (commit + 1..=agreed).filter_map(|index| self.log.get(index)).filter(|entry| entry.term == self.term);
        lead.outstanding -= own.map(Entry::transactions).sum::<usize>();
        self.commit_to(agreed, ctx);
        if self.has_left() {
            // A leader that is not in the new configuration steps down when that is committed (paper, section 6). Its last
            // heartbeat carries the commit index, which the others would otherwise learn from the next leader only.
            self.send_heartbeat(ctx);
            return self.step_down(ctx);
        }
        if self.config.eager_commit {
            self.send_heartbeat(ctx);
        }
        self.begin_round(ctx);
        self.drive_change(ctx);
        self.consider_proposing(ctx);
    }
}

impl Entry {
    /// Number of transactions.
    fn transactions(&self) -> usize {
        if let Payload::Batch(batch) = &self.payload { batch.len() } else { 0 }
    }
}

/// Proposing.
impl Raft {
    /// Something waits, or there is room again: proposes now, or when the batch has filled.
    pub(super) fn consider_proposing(&mut self, ctx: &mut Context) {
        let Role::Leader(lead) = &mut self.role else { return };
        let waiting = ctx.pending().saturating_sub(lead.outstanding);
        if waiting == 0 {
            return;
        }
        if self.config.batch_delay.is_zero() || waiting >= self.config.batch_transactions as usize {
            self.propose(ctx);
        } else if !lead.is_batching {
            lead.is_batching = true;
            ctx.set_timer(Timer::Batch, self.config.batch_delay);
        }
    }
    pub(super) fn on_batch_timeout(&mut self, ctx: &mut Context) {
        let Role::Leader(lead) = &mut self.role else { return };
        lead.is_batching = false;
        self.propose(ctx);
    }
    /// Logs what waits. A new leader first commits its no-op, so that no backlog of others is in flight.
    fn propose(&mut self, ctx: &mut Context) {
        let limit = Limit { bytes: self.config.batch_bytes.0, transactions: self.config.batch_transactions };
        loop {
            let Role::Leader(lead) = &self.role else { return };
            let is_full = self.log.last_index() - self.commit >= u64::from(self.config.in_flight);
            let has_more = ctx.pending() > lead.outstanding;
            if is_full || !has_more || lead.transfer.is_some() || self.commit < lead.first {
                return;
            }
            let after: Vec<Arc<Batch>> = (self.commit + 1..=self.log.last_index())
                .filter_map(|index| self.log.get(index))
                .map(|entry| if let Payload::Batch(batch) = &entry.payload { batch } else { &self.nothing }.clone())
                .collect();
            let offered = ctx.propose(&self.applied, &after, limit);
            let batch = self.admit(&offered, ctx);
            if batch.transactions().iter().all(|transaction| transaction.is_coinbase()) {
                return;
            }
            let Role::Leader(lead) = &mut self.role else { return };
            lead.outstanding += batch.len();
            self.append(Payload::Batch(batch), ctx);
        }
    }
    /// The same batch without what the sessions refuse by now, which is reported once: it would be logged and dropped.
    fn admit(&mut self, offered: &Arc<Batch>, ctx: &mut Context) -> Arc<Batch> {
        let (now, timeout) = (ctx.now(), self.config.session_timeout);
        let Role::Leader(lead) = &mut self.role else { return offered.clone() };
        let (mut admitted, mut duplicates, mut expired) = (Vec::with_capacity(offered.len()), 0, 0);
        for command in offered.transactions() {
            let verdict = self.sessions.judge(command, now, timeout);
            if verdict == Verdict::Execute {
                admitted.push(command.clone());
            } else if lead.refused.insert(command.id()) {
                *if verdict == Verdict::Expired { &mut expired } else { &mut duplicates } += 1;
            }
        }
        if lead.refused.len() > REFUSED_MAX {
            lead.refused.clear();
        }
        note_refused(duplicates, expired, ctx);
        if admitted.len() == offered.len() { offered.clone() } else { Batch::new(admitted) }
    }
}
