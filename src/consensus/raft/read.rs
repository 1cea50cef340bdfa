//! Linearizable reads without a log entry: thesis, section 6.4 (`ReadIndex`).
//!
//! A node asks the leader, which takes its commit index as read index, makes sure by a round of heartbeats that it
//! still leads, and answers. The node reads when it has applied that index.

use super::{Context, Index, Message, Raft, Role, Timer, note};
use crate::base::{NodeId, Time};

/// A node's own read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// Its number at this node: never one that this node used before.
    context: u64,
    /// When it was made.
    asked: Time,
    /// The read index, once the leader has told it.
    index: Option<Index>,
}

/// A read that a leader must confirm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Who asked.
    pub from: NodeId,
    context: u64,
    /// The read index and the round that confirms it; `None` while no entry of the leader's term is committed, since
    /// its commit index may be behind.
    round: Option<(Index, u64)>,
}

impl Raft {
    /// Makes a read, or repeats the question of one that is not answered: it may have been lost.
    pub(super) fn on_read_timer(&mut self, ctx: &mut Context) {
        let Some(interval) = self.config.read_interval else { return };
        if self.read.is_none() {
            // Numbers begin at random after each start: the answer to a question from before a restart must fit none.
            // etcd's `idutil` mixes the start's time in for the same reason.
            let context = self.last_read.map_or_else(|| ctx.random().next_u64(), |last| last.wrapping_add(1));
            self.last_read = Some(context);
            self.read = Some(Read { context, asked: ctx.now(), index: None });
        }
        self.ask_read(ctx);
        ctx.set_timer(Timer::Read, interval);
    }
    /// Asks whoever leads.
    pub(super) fn ask_read(&mut self, ctx: &mut Context) {
        let Some(Read { context, index: None, .. }) = self.read else { return };
        match self.leader {
            Some(leader) if leader == self.me => self.on_read_index(self.me, context, ctx),
            Some(leader) => self.send(leader, Message::ReadIndex { context }, ctx),
            None => {}
        }
    }
    /// The leader is asked: a later question of one node replaces the earlier.
    pub(super) fn on_read_index(&mut self, from: NodeId, context: u64, ctx: &mut Context) {
        let Role::Leader(lead) = &mut self.role else { return };
        if from == self.me || lead.peers.contains(&from) {
            if lead.asked.iter().all(|asked| (asked.from, asked.context) != (from, context)) {
                lead.asked.retain(|asked| asked.from != from);
                lead.asked.push(Asked { from, context, round: None });
            }
            self.begin_round(ctx);
        }
    }
    /// Takes the read index of the reads that have none, and begins a round of heartbeats to confirm it.
    pub(super) fn begin_round(&mut self, ctx: &mut Context) {
        let commit = self.commit;
        let Role::Leader(lead) = &mut self.role else { return };
        if commit < lead.first || lead.asked.iter().all(|asked| asked.round.is_some()) {
            return;
        }
        lead.round += 1;
        for asked in lead.asked.iter_mut().filter(|asked| asked.round.is_none()) {
            asked.round = Some((commit, lead.round));
        }
        self.say_heartbeat(ctx);
        self.answer_reads(ctx);
    }
    /// Answers the reads whose round a majority has confirmed.
    pub(super) fn answer_reads(&mut self, ctx: &mut Context) {
        let me = self.me;
        let Role::Leader(lead) = &mut self.role else { return };
        let membership = self.memberships.current();
        let confirmed =
            |round: u64| membership.is_quorum(|node| node == me || lead.progress[node.index()].confirmed >= round);
        let (answered, waiting) = lead
            .asked
            .iter()
            .copied()
            .partition(|asked: &Asked| asked.round.is_some_and(|(_, round)| confirmed(round)));
        lead.asked = waiting;
        let answered: Vec<Asked> = answered;
        for Asked { from, context, round } in answered {
            let Some((index, _)) = round else { continue };
            if from == me {
                self.on_read_reply(context, index, ctx);
            } else {
                self.send(from, Message::ReadReply { context, index }, ctx);
            }
        }
    }
    pub(super) fn on_read_reply(&mut self, context: u64, index: Index, ctx: &mut Context) {
        if let Some(read) = self.read.as_mut().filter(|read| read.context == context) {
            read.index = Some(index);
            self.serve_read(ctx);
        }
    }
    /// Reads, once the read index is applied.
    pub(super) fn serve_read(&mut self, ctx: &mut Context) {
        if let Some(read) = self.read.filter(|read| read.index.is_some_and(|index| index <= self.commit)) {
            ctx.note(note::READ, ctx.now().since(read.asked).as_nanos());
            self.read = None;
        }
    }
}
