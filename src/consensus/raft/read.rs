//! Linearizable reads without a log entry: thesis, section 6.4 (`ReadIndex`).
//!
//! A node asks the leader, which takes its commit index as read index, makes sure by a round of heartbeats that it
//! still leads, and answers. The node reads when it has applied that index.

use super::message::{Message, Timer};
use super::position::Index;
use super::role::{ReadRequest, Role};
use super::{Context, Raft, Read};
use crate::base::NodeId;
use crate::protocol::note;

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
    /// Sends the read to the leader, if one is known.
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
            if lead.reads.iter().all(|asked| (asked.from, asked.context) != (from, context)) {
                lead.reads.retain(|asked| asked.from != from);
                lead.reads.push(ReadRequest { from, context, round: None });
            }
            self.begin_round(ctx);
        }
    }
    /// Takes the read index of the reads that have none, and begins a round of heartbeats to confirm it.
    pub(super) fn begin_round(&mut self, ctx: &mut Context) {
        let commit = self.commit;
        let Role::Leader(lead) = &mut self.role else { return };
        if commit < lead.first || lead.reads.iter().all(|asked| asked.round.is_some()) {
            return;
        }
        lead.round += 1;
        for asked in lead.reads.iter_mut().filter(|asked| asked.round.is_none()) {
            asked.round = Some((commit, lead.round));
        }
        self.send_heartbeat(ctx);
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
            .reads
            .iter()
            .copied()
            .partition(|asked: &ReadRequest| asked.round.is_some_and(|(_, round)| confirmed(round)));
        lead.reads = waiting;
        let answered: Vec<ReadRequest> = answered;
        for ReadRequest { from, context, round } in answered {
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
