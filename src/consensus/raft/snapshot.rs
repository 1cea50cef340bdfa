//! Compacting the log, and bringing followers up with the state instead: paper, section 7.

use super::log::Log;
use super::membership::Memberships;
use super::message::{Checkpoint, Image, InstallSnapshot, Message, Outcome, Record};
use super::position::Term;
use super::progress::Flow;
use super::role::Role;
use super::{Context, Incoming, Raft, notes};
use crate::base::NodeId;
use std::sync::Arc;

/// Taking snapshots.
impl Raft {
    /// The state after the last applied entry.
    fn image(&self, ctx: &mut Context) -> Option<Arc<Image>> {
        let index = self.applied.height().0;
        Some(Arc::new(Image {
            term: self.log.term_at(index)?,
            snapshot: ctx.snapshot(&self.applied),
            membership: self.memberships.at(index).clone(),
            sessions: self.sessions.clone(),
        }))
    }
    /// Compacts the log when enough was applied since the last time, and leaves some entries for slow followers.
    pub(super) fn try_compact(&mut self, ctx: &mut Context) {
        let applied = self.applied.height().0;
        if applied - self.snapshot_index < self.config.snapshot_every {
            return;
        }
        let Some(image) = self.image(ctx) else { return };
        self.snapshot_index = applied;
        self.log.compact(applied.saturating_sub(self.config.snapshot_keep).max(self.log.base()));
        self.memberships.compact(applied);
        self.checkpoint(image, false, ctx);
        ctx.note(notes::SNAPSHOT, applied);
    }
    /// Replaces the log on the disk by one record.
    fn checkpoint(&mut self, image: Arc<Image>, received: bool, ctx: &mut Context) {
        let (base, entries) = (self.log.base(), self.log.suffix(self.log.base() + 1));
        let base_term = self.log.term_at(base).unwrap_or_default();
        let (term, vote) = (self.term, self.vote);
        self.unsaved = false;
        let checkpoint = Checkpoint { term, vote, image, received, base, base_term, entries };
        ctx.persist(Record::Checkpoint(Arc::new(checkpoint)));
    }
}

/// The leader's side.
impl Raft {
    /// A follower needs what is compacted: sends the state as it is now.
    pub(super) fn send_snapshot(&mut self, peer: NodeId, ctx: &mut Context) {
        let Some(image) = self.image(ctx) else { return };
        let Role::Leader(lead) = &mut self.role else { return };
        let flow = Flow::Snapshot { image, sent: 0, received: 0, moved: ctx.now(), is_stuck: false };
        lead.progress[peer.index()].flow = flow;
        self.send_chunks(peer, self.config.window, ctx);
    }
    /// Sends chunks as far as a window of so many allows.
    fn send_chunks(&mut self, peer: NodeId, window: u32, ctx: &mut Context) {
        let (term, chunk) = (self.term, self.config.snapshot_chunk.0);
        let window = u64::from(window).saturating_mul(chunk).min(self.config.window_bytes.0.max(chunk));
        let Role::Leader(lead) = &mut self.role else { return };
        let Flow::Snapshot { image, sent, received, .. } = &mut lead.progress[peer.index()].flow else { return };
        let mut chunks = Vec::new();
        while *sent < image.bytes() && *sent < received.saturating_add(window) {
            let length = chunk.min(image.bytes() - *sent);
            chunks.push(InstallSnapshot { term, image: image.clone(), offset: *sent, length });
            *sent += length;
        }
        for chunk in chunks {
            self.send(peer, Message::InstallSnapshot(chunk), ctx);
        }
    }
    pub(super) fn on_snapshot_reply(&mut self, from: NodeId, term: Term, bytes: u64, ctx: &mut Context) {
        if term > self.term {
            return self.adopt(term, ctx);
        }
        let Role::Leader(lead) = &mut self.role else { return };
        let Some(progress) = lead.progress.get_mut(from.index()).filter(|_| term == self.term) else { return };
        progress.active = true;
        let Flow::Snapshot { image, sent, received, moved, is_stuck } = &mut progress.flow else { return };
        // A follower that has less than before was started again, unless its answer is only late.
        let has_lost = bytes < *received && *is_stuck;
        if has_lost || (bytes > *received && bytes < image.bytes()) {
            *sent = if has_lost { bytes } else { (*sent).max(bytes) };
            (*received, *moved, *is_stuck) = (bytes, ctx.now(), false);
            progress.count_repeat(false);
            self.send_chunks(from, self.config.window, ctx);
        }
    }
    /// Sends one chunk again from where the follower stands, if nothing moved for an election timeout, and twice as long
    /// each time: something was lost, or the follower is down and more would be wasted.
    pub(super) fn repeat_snapshots(&mut self, ctx: &mut Context) {
        let (now, patience) = (ctx.now(), self.config.election_timeout_min);
        let Role::Leader(lead) = &mut self.role else { return };
        let mut stuck = Vec::new();
        for peer in &lead.peers {
            let progress = &mut lead.progress[peer.index()];
            let patience = progress.patience().max(patience);
            if let Flow::Snapshot { sent, received, moved, is_stuck, .. } = &mut progress.flow
                && now.since(*moved) >= patience
            {
                (*sent, *moved, *is_stuck) = (*received, now, true);
                progress.count_repeat(true);
                stuck.push(*peer);
            }
        }
        for peer in stuck {
            self.send_chunks(peer, 1, ctx);
        }
    }
}

/// The follower's side (figure 13).
impl Raft {
    pub(super) fn on_install_snapshot(&mut self, from: NodeId, install: &InstallSnapshot, ctx: &mut Context) {
        if !self.follow(from, install.term, ctx) {
            let term = self.term;
            return self.send(from, Message::SnapshotReply { term, received: 0 }, ctx);
        }
        let image = &install.image;
        let last = (image.index(), image.term);
        if image.term > install.term || !image.membership.is_of(ctx.committee().n()) {
            return;
        }
        if last.0 <= self.commit {
            // All of it is here already.
            return self.answer(from, Outcome::Match(self.commit), None, ctx);
        }
        let before = self.incoming.filter(|incoming| incoming.last == last).map_or(0, |incoming| incoming.received);
        let fits = install.offset == before;
        let received = if fits { before.saturating_add(install.length) } else { before };
        self.incoming = Some(Incoming { last, received });
        if received < image.bytes() {
            return self.send(from, Message::SnapshotReply { term: self.term, received }, ctx);
        }
        self.incoming = None;
        if ctx.tree().find(&image.snapshot.block.id()).is_some() {
            self.install(image, ctx);
            self.answer(from, Outcome::Match(last.0), None, ctx);
        }
    }
    /// Replaces log, state and sessions. The record goes first: a node that stops after it finds the snapshot when it
    /// starts, and installs it then.
    fn install(&mut self, image: &Arc<Image>, ctx: &mut Context) {
        let index = image.index();
        // What follows the last covered entry may be needed: a majority may rely on it.
        let is_matching = self.log.term_at(index) == Some(image.term);
        let suffix = if is_matching { self.log.suffix(index + 1) } else { Arc::new([]) };
        self.log = Log::new(index, image.term);
        self.memberships = Memberships::new(index, image.membership.clone());
        self.snapshot_index = index;
        self.overwrite(index + 1, &suffix);
        (self.commit, self.applied) = (index, image.snapshot.block.clone());
        self.sessions = image.sessions.clone();
        self.checkpoint(image.clone(), true, ctx);
        ctx.install(image.snapshot.clone());
        self.serve_read(ctx);
    }
}
