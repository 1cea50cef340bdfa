//! Raft: a replicated log kept by a strong leader.
//!
//! **Source.** Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm*, 2014 (the *paper*; figure 2
//! above all); Ongaro's dissertation, 2014 (the *thesis*: 3.10 transfer of leadership, 4 membership, 6.3 sessions, 6.4
//! reads, 9.6 pre-vote); his message to raft-dev of July 2015 on single-server changes; etcd's `raft` for
//! check-quorum, flow control and the corner cases of pre-vote.
//!
//! **Model.** Nodes crash and come back; `n = 2f + 1` tolerate `f`. Safe under any delay, loss, reordering and
//! duplication; live while a majority is connected and a broadcast takes much less than an election timeout. No node
//! is Byzantine: nothing is signed, and one Byzantine node can break safety.
//!
//! ```text
//! client      leader                 followers
//!   | tx        |                        |
//!   |---------->| AppendEntries(entry)   |
//!   |           |----------------------->|
//!   |           | writes its own copy    | write, then
//!   |           |<-----------------------| AppendResp(match)
//!   |           | majority: commit, execute, finalize: one round trip and one write
//!   |           | next AppendEntries or heartbeat (commit)
//!   |           |----------------------->| commit, execute, finalize
//! ```
//!
//! **How a log becomes a chain.** The entry at index `i` becomes the block at height `i` when it is committed: nodes
//! order first and execute then. A no-op or a configuration makes an empty block. The block's time and proposer are
//! the entry's stamp, so that every node makes the same block.
//!
//! **What is durable.** `currentTerm` and `votedFor` before any message that shows them; entries before they are
//! acknowledged. A leader sends its entries first and writes them meanwhile (thesis 10.2.1); a timer of zero length
//! behind the write fires when its own copy is durable and counts. A snapshot is one record that stands for the whole log.
//!
//! **Simplified.** A follower does not forward transactions: they are expected to spread to all mempools. A received
//! snapshot is on the disk before the chain is replaced, and a restart between the two repeats the replacement. Clients
//! learn of commits by observing nodes, so there are no replies to them. No lease reads: every read takes a round.
//!
//! **Glossary.** *Term*: logical clock with at most one leader each. *Index*: position in the log. *Commit*: stored by
//! a majority in the leader's term, hence for ever. *Apply*: execute in order. *Learner*: is sent the log, has no vote.
//! *Joint*: a configuration that needs the majorities of the old and the new voters.

mod attack;
mod change;
mod config;
mod election;
pub mod log;
pub mod membership;
pub mod message;
pub mod position;
mod progress;
mod read;
mod replication;
mod role;
pub mod session;
mod snapshot;

#[cfg(test)]
mod tests;

pub use config::{Change, Config, Method, Transfer};
pub use message::{Message, Record, Timer};

use crate::base::{Committee, FaultModel, NodeId, Time};
use crate::chain::{Batch, Block};
use crate::protocol::{self, Attacker, InvalidSetting, Protocol};
use log::{Entry, Log, Payload};
use membership::{Membership, Memberships};
use message::Image;
use position::{Index, Term};
use role::Role;
use session::Sessions;
use std::sync::Arc;

type Context<'a> = protocol::Context<'a, Raft>;

/// Labels of notes that only Raft makes.
pub mod notes {
    /// Commands that were executed before and reached the log again; the value is how many.
    pub const DUPLICATE: &str = "duplicate";
    /// Commands refused because their session had ended; the value is how many.
    pub const EXPIRED: &str = "session expired";
    /// Entries that were not committed gave way to those of another leader; the value is how many.
    pub const TRUNCATED: &str = "truncated";
    /// The log was compacted; the value is the index of the snapshot.
    pub const SNAPSHOT: &str = "snapshot";
    /// A configuration was committed; the value is its index.
    pub const MEMBERSHIP: &str = "membership";
}

/// A node's own read.
#[derive(Clone, Copy, Debug)]
struct Read {
    /// Its number at this node: never one that this node used before.
    context: u64,
    /// When it was made.
    asked: Time,
    /// The read index, once the leader has answered.
    index: Option<Index>,
}

/// A snapshot whose chunks are coming in.
#[derive(Clone, Copy, Debug)]
struct Incoming {
    /// Index and term of its last entry.
    last: (Index, Term),
    /// Bytes received without a gap.
    received: u64,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Raft {
    config: Arc<Config>,
    me: NodeId,
    /// `currentTerm`: never falls; on disk before a message shows it.
    term: Term,
    /// `votedFor` in `term`: set once per term; on disk before the vote leaves.
    vote: Option<NodeId>,
    /// Whether `term` or `vote` are not ordered to the disk yet. False whenever a message is sent.
    unsaved: bool,
    /// `log[]`; its base is at most `applied`.
    log: Log,
    /// The configurations in the log, and the one before.
    memberships: Memberships,
    role: Role,
    /// The leader of `term`, if known.
    leader: Option<NodeId>,
    /// When the leader of `term` last contacted this node.
    last_contact: Option<Time>,
    /// `commitIndex`: never falls, equals the height of `applied` between handlers.
    commit: Index,
    /// The block of the last applied entry: its height is `lastApplied`.
    applied: Arc<Block>,
    /// The sessions after the last applied entry.
    sessions: Arc<Sessions>,
    /// Index of the last snapshot.
    snapshot_index: Index,
    /// The snapshot that is coming in, if any.
    incoming: Option<Incoming>,
    /// This node's own read under way, at most one.
    read: Option<Read>,
    /// The number of the last read made since the start, if any.
    last_read: Option<u64>,
    /// What no-ops and configurations execute.
    nothing: Arc<Batch>,
}

impl Protocol for Raft {
    const NAME: &'static str = "raft";
    const SUMMARY: &'static str = "leader-based log replication; tolerates f crashes of 2f+1 nodes; final at commit";
    const FAULTS: FaultModel = FaultModel::Crash;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;

    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, nodes: usize) -> Result<(), InvalidSetting> {
        config.check(nodes)
    }

    fn proposes(config: &Config, committee: &Committee, node: NodeId) -> bool {
        let changed = config.membership.iter().any(|change| change.add.contains(&node.0));
        changed || config.initial_voters(committee.n()).contains(&node)
    }

    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context) -> Raft {
        let mut raft = Raft::new(config.clone(), ctx);
        let image = log.iter().fold(None, |image, record| raft.replay(record).or(image));
        raft.recover_chain(image, ctx);
        raft.reset_election_timer(ctx);
        raft.set_plans(ctx);
        raft
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context) {
        match message {
            Message::RequestVote(request) => self.on_request_vote(from, request, ctx),
            Message::Vote(vote) => self.on_vote(from, vote, ctx),
            Message::AppendEntries(append) => self.on_append_entries(from, &append, ctx),
            Message::AppendReply(reply) => self.on_append_reply(from, reply, ctx),
            Message::InstallSnapshot(install) => self.on_install_snapshot(from, &install, ctx),
            Message::SnapshotReply { term, received } => self.on_snapshot_reply(from, term, received, ctx),
            Message::TimeoutNow { term } => self.on_timeout_now(from, term, ctx),
            Message::ReadIndex { context } => self.on_read_index(from, context, ctx),
            Message::ReadReply { context, index } => self.on_read_reply(context, index, ctx),
        }
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context) {
        match timer {
            Timer::Election => self.on_election_timeout(ctx),
            Timer::Heartbeat => self.on_heartbeat(ctx),
            Timer::CheckQuorum => self.on_check_quorum(ctx),
            Timer::Durable { term, index } => self.on_durable(term, index, ctx),
            Timer::Batch => self.on_batch_timeout(ctx),
            Timer::Read => self.on_read_timer(ctx),
            Timer::Change => self.on_change_timer(ctx),
            Timer::Transfer(which) => self.on_transfer_timer(which, ctx),
            Timer::TransferAbort => self.on_transfer_abort(ctx),
        }
    }

    fn on_transaction(&mut self, ctx: &mut Context) {
        self.consider_proposing(ctx);
    }

    fn attacker(
        name: &str,
        config: &Arc<Config>,
        log: &[Record],
        ctx: &mut Context,
    ) -> Option<Box<dyn Attacker<Raft>>> {
        attack::attacker(name, config, log, ctx)
    }
}

/// Starting, for the first time or again.
impl Raft {
    fn new(config: Arc<Config>, ctx: &Context) -> Raft {
        let nodes = ctx.committee().n();
        let learners = config.learners.iter().copied().map(NodeId).collect();
        let first = Membership::new(nodes, &config.initial_voters(nodes), learners);
        Raft {
            me: ctx.me(),
            term: Term(0),
            vote: None,
            unsaved: false,
            log: Log::default(),
            memberships: Memberships::new(0, Arc::new(first.expect("the settings were checked"))),
            role: Role::Follower,
            leader: None,
            last_contact: None,
            commit: 0,
            applied: ctx.durable(),
            sessions: Arc::default(),
            snapshot_index: 0,
            incoming: None,
            read: None,
            last_read: None,
            nothing: Batch::empty(),
            config,
        }
    }
    /// Takes a record from the disk, and returns the snapshot in it, if any.
    fn replay(&mut self, record: &Record) -> Option<Arc<Image>> {
        match record {
            Record::Vote { term, vote } => (self.term, self.vote) = (*term, *vote),
            Record::Append { from, entries } => {
                if *from > self.log.last_index() + 1 {
                    // Entries between were lost: see `recover_chain`.
                    self.log = Log::new(from - 1, Term(0));
                }
                self.overwrite(*from, entries);
            }
            Record::Checkpoint(checkpoint) => {
                (self.term, self.vote) = (checkpoint.term, checkpoint.vote);
                let image = &checkpoint.image;
                self.log = Log::new(checkpoint.base, checkpoint.base_term);
                self.memberships = Memberships::new(image.index(), image.membership.clone());
                self.sessions = image.sessions.clone();
                self.snapshot_index = image.index();
                self.overwrite(checkpoint.base + 1, &checkpoint.entries);
                return Some(image.clone());
            }
        }
        None
    }
    /// Brings commit index, last applied block and sessions to where the chain stands. The chain may be behind the log
    /// (entries not known to be committed), and behind a received snapshot if the node stopped before installing it.
    fn recover_chain(&mut self, image: Option<Arc<Image>>, ctx: &mut Context) {
        if let Some(image) = image.filter(|image| image.index() > self.applied.height().0) {
            self.applied = image.snapshot.block.clone();
            ctx.install(image.snapshot.clone());
        }
        self.commit = self.applied.height().0;
        if self.log.last_index() < self.commit {
            // The disk lost entries that it had acknowledged: amnesia. The blocks stand, their terms are unknown.
            self.log = Log::new(self.commit, Term(0));
        }
        for index in self.snapshot_index + 1..=self.commit {
            if let Some(entry) = self.log.get(index).cloned() {
                self.filter(index, &entry);
            }
        }
    }
}

/// The disk, and what may leave before it is written: nothing.
impl Raft {
    /// Orders `currentTerm` and `votedFor` to the disk if they changed.
    fn save(&mut self, ctx: &mut Context) {
        if self.unsaved {
            ctx.persist(Record::Vote { term: self.term, vote: self.vote });
            self.unsaved = false;
        }
    }
    /// Sends; every message of this node leaves through here or [`Raft::broadcast`].
    fn send(&mut self, to: NodeId, message: Message, ctx: &mut Context) {
        self.save(ctx);
        ctx.send(to, message);
    }
    /// Sends to all.
    fn broadcast(&mut self, message: Message, ctx: &mut Context) {
        self.save(ctx);
        ctx.broadcast(message);
    }
    /// Replaces the log from `from` on. A configuration takes effect here, not when it is committed (paper, section 6).
    fn overwrite(&mut self, from: Index, entries: &[Entry]) {
        if from <= self.log.last_index() {
            self.log.truncate(from);
            self.memberships.truncate(from);
        }
        for entry in entries {
            self.push(entry.clone());
        }
    }
    fn push(&mut self, entry: Entry) -> Index {
        let membership = match &entry.payload {
            Payload::Membership(membership) => Some(membership.clone()),
            Payload::Noop | Payload::Batch(_) => None,
        };
        let index = self.log.append(entry);
        // Entries kept below a snapshot are covered by its configuration.
        if let Some(membership) = membership.filter(|_| index > self.snapshot_index) {
            self.memberships.push(index, membership);
        }
        index
    }
}

/// Applying what is committed.
impl Raft {
    /// Raises the commit index, which the log covers, and applies the entries up to it (figure 2, all servers).
    fn commit_to(&mut self, index: Index, ctx: &mut Context) {
        debug_assert!(index > self.commit && index <= self.log.last_index(), "commitIndex rises within the log");
        let before = self.commit;
        self.commit = index;
        for index in before + 1..=index {
            let entry = self.log.get(index).expect("what is not applied is in the log").clone();
            let batch = self.filter_and_note(index, &entry, ctx);
            self.applied = ctx.execute(&self.applied, entry.leader, entry.time, &batch);
            ctx.extend(self.applied.clone());
            if matches!(entry.payload, Payload::Membership(_)) {
                ctx.note(notes::MEMBERSHIP, index);
            }
        }
        ctx.finalize(self.applied.height());
        self.try_compact(ctx);
        self.serve_read(ctx);
    }
    fn filter_and_note(&mut self, index: Index, entry: &Entry, ctx: &mut Context) -> Arc<Batch> {
        let filtered = self.filter(index, entry);
        note_refused(filtered.duplicates, filtered.expired, ctx);
        filtered.batch
    }
    /// Runs the entry at `index` through the sessions.
    fn filter(&mut self, index: Index, entry: &Entry) -> session::Filtered {
        let limits = (self.config.session_timeout, self.config.session_window);
        match &entry.payload {
            Payload::Batch(batch) => Arc::make_mut(&mut self.sessions).apply(index, batch, entry.time, limits),
            Payload::Noop | Payload::Membership(_) => {
                session::Filtered { batch: self.nothing.clone(), duplicates: 0, expired: 0 }
            }
        }
    }
}

/// Notes how many commands the sessions refused.
fn note_refused(duplicates: u64, expired: u64, ctx: &mut Context) {
    for (label, count) in [(notes::DUPLICATE, duplicates), (notes::EXPIRED, expired)] {
        if count > 0 {
            ctx.note(label, count);
        }
    }
}

/// Looking, for reports and tests.
impl Raft {
    /// The current term.
    #[must_use]
    pub fn term(&self) -> Term {
        self.term
    }
    /// Whether this node believes that it leads.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }
    /// The leader of the current term, if known.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.leader
    }
    /// The commit index.
    #[must_use]
    pub fn commit(&self) -> Index {
        self.commit
    }
    /// The log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }
    /// The configuration in force.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        self.memberships.current()
    }
    /// The sessions after the last applied entry.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}
