//! Checkpoints and garbage collection (section 4.3), and how a replica gets what it lacks: repeated messages, batches,
//! whole states (section 5 of the thesis).

use super::certificate::{Committed, Stable};
use super::log::Slot;
use super::message::{Message, Piece, Standing, State, Status};
use super::record::{Image, Record};
use super::statement::{Checkpoint, Phase, PrePrepare, Proposal, Vote};
use super::{FIRST_PACE, Incoming, Pbft, Timer};
use crate::base::{Duration, Hash, Height, NodeId, Time, VoterSet};
use crate::chain::Block;
use crate::protocol::request::{ANSWER_BYTES, answer};
use crate::protocol::{Context, Snapshot};
use std::sync::Arc;

/// How often the wait for a helper, and before a batch is sent again to the same backup, doubles at most. Answers are
/// bounded, so that no line needs longer.
const DOUBLINGS_MAX: u32 = 5;

/// Checkpoints.
impl Pbft {
    /// Sends CHECKPOINT for the state reached with `block`.
    pub(super) fn checkpoint(&mut self, block: &Arc<Block>, ctx: &mut Context<'_, Self>) {
        let seq = block.height();
        let digest = ctx.snapshot(block).digest();
        let signature = ctx.sign(&Checkpoint::statement(seq, &digest));
        ctx.broadcast(Message::Checkpoint(Checkpoint { seq, digest, signature }));
        self.checkpoints.insert((seq, ctx.me()), (digest, signature));
        self.weigh_checkpoint(seq, &digest, ctx);
    }
    pub(super) fn on_checkpoint(&mut self, from: NodeId, message: &Checkpoint, ctx: &mut Context<'_, Self>) {
        let Checkpoint { seq, digest, signature } = *message;
        let interval = self.config.checkpoint_interval;
        let is_news = seq > self.log.low() && !self.checkpoints.contains_key(&(seq, from));
        if !is_news || !seq.0.is_multiple_of(interval) || !ctx.committee().contains(from) {
            return;
        }
        self.checkpoints.insert((seq, from), (digest, signature));
        // A correct replica has no more than these under way; of a hostile one the highest are kept.
        let theirs = self.checkpoints.keys().filter(|(_, replica)| *replica == from).map(|(seq, _)| *seq);
        let theirs: Vec<Height> = theirs.collect();
        if theirs.len() as u64 > self.config.log_window / interval + 1 {
            self.checkpoints.remove(&(theirs[0], from));
        }
        self.weigh_checkpoint(seq, &digest, ctx);
    }
    /// Equal CHECKPOINTs of a quorum are stable once this replica is there too; of `f + 1`, they show that it is behind.
    fn weigh_checkpoint(&mut self, seq: Height, digest: &Hash, ctx: &mut Context<'_, Self>) {
        let committee = ctx.committee();
        let mut tally = VoterSet::default();
        let of_seq = self.checkpoints.range((seq, NodeId(0))..).take_while(|((other, _), _)| *other == seq);
        let equal = of_seq.filter(|(_, (known, _))| known == digest);
        let signatures: Vec<_> = equal.map(|((_, replica), (_, signature))| (*replica, *signature)).collect();
        for (replica, _) in &signatures {
            tally.add(*replica, committee);
        }
        if tally.is_quorum(committee) && self.executed.height() >= seq {
            self.raise(Arc::new(Stable { seq, digest: *digest, signatures }));
            self.persist(Record::Stable(Arc::new(self.image())), ctx);
            self.propose(false, ctx);
        } else if tally.is_blocking(committee) && seq > self.executed.height().max(self.ahead) {
            self.ahead = seq;
            if seq > self.log.high() {
                self.ask(ctx);
            }
            self.watch(ctx);
        }
    }
    /// Raises the low watermark and forgets what lies below.
    pub(super) fn raise(&mut self, stable: Arc<Stable>) {
        self.log.advance(stable.seq);
        self.next = self.next.max(stable.seq.next());
        self.checkpoints.retain(|(seq, _), _| *seq > stable.seq);
        self.stable = stable;
    }
    fn image(&self) -> Image {
        let slots = || self.log.iter();
        let proposals = slots().flat_map(|(seq, slot)| slot.proposals.iter().map(move |p| (seq, p.clone())));
        Image {
            stable: self.stable.clone(),
            view: self.view,
            active: self.active,
            new_view: self.new_view.clone(),
            orders: slots().filter_map(|(_, slot)| slot.order).collect(),
            prepared: slots().filter_map(|(_, slot)| slot.certificate.clone()).collect(),
            proposals: proposals.collect(),
        }
    }
    /// Restores the state from the log.
    pub(super) fn restore(&mut self, image: &Image) {
        self.raise(image.stable.clone());
        (self.view, self.active, self.new_view) = (image.view, image.active, image.new_view.clone());
        for order in &image.orders {
            self.next = self.next.max(order.seq.next());
            if let Some(slot) = self.log.get_mut(order.seq) {
                slot.order = Some(*order);
            }
        }
        for certificate in &image.prepared {
            if let Some(slot) = self.log.get_mut(certificate.order.seq) {
                slot.prepared = certificate.order.view == image.view;
                slot.certificate = Some(certificate.clone());
            }
        }
        for (seq, proposal) in &image.proposals {
            if let Some(slot) = self.log.get_mut(*seq) {
                slot.keep(proposal);
            }
        }
    }
}

/// Asking for what is missing.
impl Pbft {
    /// Looks after a while whether there was progress. Not before twice the time that batches took of late: what is
    /// asked for sooner is still on its way.
    pub(super) fn watch(&mut self, ctx: &mut Context<'_, Self>) {
        if self.watched.is_none() {
            self.watched = Some(self.executed.height());
            ctx.set_timer(Timer::Status, self.status_wait());
        }
    }
    fn status_wait(&self) -> Duration {
        self.config.status_interval.max(self.pace.unwrap_or(FIRST_PACE) * 2)
    }
    /// A batch took this long from its PRE-PREPARE to its execution here: what is slower counts at once, what is faster
    /// gradually. A batch delayed by a partition is not representative, so that it counts as at most four times the pace.
    pub(super) fn measure(&mut self, took: Duration) {
        self.pace = Some(self.pace.map_or(took, |pace| {
            let took = took.min(pace * 4);
            took.max(pace.scale(7, 8) + took.scale(1, 8))
        }));
    }
    pub(super) fn on_status_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let before = self.watched.take();
        let executed = self.executed.height();
        let is_live = self.log.iter().any(|(seq, slot)| seq > executed && slot.is_live(ctx.committee()));
        // The others work in a view whose NEW-VIEW did not come.
        let is_outrun = self.is_to_come(self.begun);
        if self.active && self.awaited.is_none() && !is_live && !self.is_behind() && !is_outrun {
            return;
        }
        if before == Some(executed) || is_outrun {
            self.ask(ctx);
        }
        self.watch(ctx);
    }
    /// Whether others are known to have executed more.
    fn is_behind(&self) -> bool {
        self.executed.height() < self.log.low().max(self.ahead)
    }
    /// Sends all replicas this one's status, which asks the next helper in turn, unless one may still answer.
    pub(super) fn ask(&mut self, ctx: &mut Context<'_, Self>) {
        let others = ctx.committee().n() as u64 - 1;
        let is_free = self.helper.is_none() && others > 0;
        let helper = is_free.then(|| ctx.committee().in_turn(u64::from(ctx.me().0) + 1 + self.asked % others));
        if let Some(helper) = helper {
            self.asked += 1;
            self.await_help(helper, ctx);
        }
        let status = self.status(helper);
        ctx.broadcast(Message::Status(Arc::new(status)));
    }
    /// One request for batches or a state is under way at a time. The wait before the next doubles, because a copy of an
    /// answer would delay the first over a slow link.
    fn await_help(&mut self, helper: NodeId, ctx: &mut Context<'_, Self>) {
        self.helper = Some(helper);
        ctx.set_timer(Timer::Help, self.status_wait() * (1 << self.in_vain.min(DOUBLINGS_MAX)));
        self.in_vain = self.in_vain.saturating_add(1);
        if let Some((seq, digest)) = self.lacking().first().copied() {
            ctx.send(helper, Message::Fetch { seq, digest });
        }
    }
    /// The helper did not answer in time.
    pub(super) fn on_help_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.helper = None;
        if self.is_behind() || self.executed.height() < self.goal || self.incoming.is_some() {
            self.ask(ctx);
        }
    }
    /// Messages prove that others are ahead and reachable. A helper that did not answer was perhaps cut off, and is waited
    /// for no longer.
    pub(super) fn on_proof_of_more(&mut self, ctx: &mut Context<'_, Self>) {
        if self.in_vain > 1 {
            (self.helper, self.in_vain) = (None, 0);
            self.ask(ctx);
        }
    }
    pub(super) fn status(&self, helper: Option<NodeId>) -> Status {
        let executed = self.executed.height();
        let standing = |slot: &Slot| match slot {
            _ if slot.committed.is_some() => Standing::Committed,
            _ if slot.prepared => Standing::Prepared,
            _ if slot.order.is_some() => Standing::Accepted,
            _ => Standing::Unknown,
        };
        let open = self.log.iter().filter(|(seq, _)| *seq > executed && executed >= self.log.low());
        let here = self.view_changes.iter().filter(|(_, message)| !self.active && message.view == self.view);
        Status {
            view: self.view,
            active: self.active,
            stable: self.log.low(),
            executed,
            standings: open.map(|(_, slot)| standing(slot)).collect(),
            view_changes: here.map(|(replica, _)| *replica).collect(),
            helper,
            incoming: self.incoming.as_ref().map(|incoming| (incoming.stable.seq, incoming.received)),
        }
    }
    /// The batches that were proposed again or committed and are not here.
    fn lacking(&self) -> Vec<(Height, Hash)> {
        let executed = self.executed.height();
        let open = self.log.iter().filter(|(seq, _)| *seq > executed);
        open.filter_map(|(seq, slot)| Some((seq, slot.lacks()?))).collect()
    }
    /// Asks for the batches that a new view proposes again: a signer of the certificate accepted the batch, or fetched
    /// it as this replica does now. A replica votes without the batch, whose digest is proven; if no replica answers,
    /// the batch comes with STATE once it is committed.
    pub(super) fn fetch_from_signers(&mut self, ctx: &mut Context<'_, Self>) {
        let certificates: Vec<_> = self.new_view.iter().flat_map(|new| &new.view_changes).collect();
        let certificates: Vec<_> = certificates.into_iter().flat_map(|vc| &vc.prepared).cloned().collect();
        for (seq, digest) in self.lacking() {
            let signers = certificates.iter().filter(|p| p.order.seq == seq && p.order.digest == digest);
            let holder = signers.flat_map(|p| &p.prepares).map(|(signer, _)| *signer).find(|node| *node != ctx.me());
            if let Some(holder) = holder {
                ctx.send(holder, Message::Fetch { seq, digest });
            }
        }
    }
}

/// Answering requests.
impl Pbft {
    pub(super) fn on_status(&mut self, from: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        if !ctx.committee().contains(from) || from == ctx.me() {
            return;
        }
        self.repeat_checkpoints(from, status, ctx);
        let is_helper = status.helper == Some(ctx.me());
        let is_same = status.view == self.view;
        if status.view > self.view {
            // It left, and its VIEW-CHANGE is not here: it answers this status with it.
            let is_known = self.view_changes.get(&from).is_some_and(|known| known.view >= status.view);
            if !status.active && !is_known {
                ctx.send(from, Message::Status(Arc::new(self.status(None))));
            }
        } else if !self.active {
            let is_known = is_same && status.view_changes.contains(&ctx.me());
            if let Some(message) = self.view_changes.get(&ctx.me()).filter(|_| !is_known) {
                ctx.send(from, Message::ViewChange(message.clone()));
            }
        } else if is_same && status.active {
            self.repeat_votes(from, status, ctx);
        } else if let Some(message) = self.new_view.as_ref().filter(|_| is_helper) {
            ctx.send(from, Message::NewView(message.clone()));
        }
        if is_helper {
            self.send_state(from, status, ctx);
        }
    }
    fn repeat_checkpoints(&self, to: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        if self.log.low() > status.stable && self.executed.height() >= self.stable.seq {
            let (seq, digest) = (self.stable.seq, self.stable.digest);
            let signature = ctx.sign(&Checkpoint::statement(seq, &digest));
            ctx.send(to, Message::Checkpoint(Checkpoint { seq, digest, signature }));
        }
        let me = ctx.me();
        for ((seq, _), (digest, signature)) in self.checkpoints.iter().filter(|((_, who), _)| *who == me) {
            let (seq, digest, signature) = (*seq, *digest, *signature);
            ctx.send(to, Message::Checkpoint(Checkpoint { seq, digest, signature }));
        }
    }
    /// Repeats the votes that the sender of `status` lacks, and as primary the batches.
    fn repeat_votes(&mut self, to: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        let leads = self.primary(ctx) == ctx.me();
        let (mut votes, mut batches) = (Vec::new(), Vec::new());
        for (seq, slot) in self.log.iter().filter(|(seq, _)| *seq > status.executed) {
            let Some(order) = slot.order else { continue };
            let standing = status.standing(seq);
            if standing == Standing::Unknown && leads {
                batches.push((order, slot.ordered));
            }
            if standing == Standing::Accepted && !leads {
                votes.push((Phase::Prepare, order));
            }
            if standing <= Standing::Prepared && slot.prepared {
                votes.push((Phase::Commit, order));
            }
        }
        for (phase, order) in votes {
            let signature = ctx.sign(&order.said(phase));
            let vote = Vote { signature, ..order };
            ctx.send(to, if phase == Phase::Prepare { Message::Prepare(vote) } else { Message::Commit(vote) });
        }
        self.repeat_batches(to, &batches, ctx);
    }
    /// The primary sends batches again to one backup: not while the first copies may still be in the uplink, later each
    /// time that none was answered, and no more at a time than one answer holds.
    fn repeat_batches(&mut self, to: NodeId, lacked: &[(Vote, Option<Time>)], ctx: &mut Context<'_, Self>) {
        // What was ordered before a restart was sent long ago.
        let Some(first) = lacked.iter().map(|(_, ordered)| ordered.unwrap_or(Time::ZERO)).min() else { return };
        let wait = self.status_wait();
        let (last, times) = self.repeated.get(&to).copied().unwrap_or((first, 0));
        if ctx.now().since(last.max(first)) < wait * (1 << times.min(DOUBLINGS_MAX)) {
            return;
        }
        let proposals = lacked.iter().filter_map(|(order, _)| {
            let proposal = self.log.get(order.seq)?.proposal(&order.digest)?;
            (!proposal.batch.is_empty()).then_some(PrePrepare { order: *order, proposal })
        });
        for message in answer(proposals, lacked.len(), |message| message.proposal.bytes()) {
            ctx.send(to, Message::PrePrepare(Arc::new(message)));
        }
        self.repeated.insert(to, (ctx.now(), times + 1));
    }
    /// Sends what was executed above what the sender of `status` has, as much as one answer may hold: the state at the
    /// stable checkpoint if that is above, or more of the state that is coming in there; then batches.
    fn send_state(&self, to: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        let checkpoint = self.piece_for(status, ctx);
        let is_last = |piece: &Piece| piece.offset.saturating_add(piece.length) >= piece.snapshot.bytes;
        let base = match &checkpoint {
            Some(piece) if !is_last(piece) || piece.length > ANSWER_BYTES / 2 => None,
            Some(piece) => Some(piece.snapshot.block.height()),
            None => Some(status.executed),
        };
        let above = self.log.iter().filter(|(seq, _)| base.is_some_and(|base| *seq > base));
        let committed = above.map_while(|(seq, slot)| {
            let (view, digest, commits) = slot.committed.as_ref()?;
            let (view, proposal, commits) = (*view, slot.proposal(digest)?, commits.clone());
            Some(Arc::new(Committed { view, seq, proposal, commits }))
        });
        let committed = answer(committed, usize::MAX, |committed| committed.bytes());
        let executed = self.executed.height();
        ctx.send(to, Message::State(Arc::new(State { checkpoint, committed, executed })));
    }
    /// A replica that is fetching the state of a checkpoint goes on with it, though a later one became stable meanwhile.
    fn piece_for(&self, status: &Status, ctx: &mut Context<'_, Self>) -> Option<Piece> {
        let low = self.stable.seq;
        if low <= status.executed || self.executed.height() < low {
            return None;
        }
        let is_kept =
            |seq: Height| seq > status.executed && seq <= low && seq.0.is_multiple_of(self.config.checkpoint_interval);
        let going_on = status.incoming.filter(|(seq, received)| is_kept(*seq) && *received > 0);
        let (seq, offset) = going_on.unwrap_or((low, 0));
        let block = ctx.block_at(seq)?;
        let snapshot = ctx.snapshot(&block);
        let stable = (offset == 0).then(|| self.stable.clone());
        let length = snapshot.bytes.saturating_sub(offset).min(ANSWER_BYTES);
        Some(Piece { stable, snapshot, offset, length })
    }
    pub(super) fn on_fetch(&mut self, from: NodeId, seq: Height, digest: &Hash, ctx: &mut Context<'_, Self>) {
        let proposal = self.log.get(seq).and_then(|slot| slot.proposal(digest));
        if let Some(proposal) = proposal.filter(|_| from != ctx.me()) {
            ctx.send(from, Message::Batch { seq, proposal: Arc::new(proposal) });
        }
    }
}

/// Taking answers.
impl Pbft {
    /// A batch is taken if it is the one whose digest the new view named.
    pub(super) fn on_batch(&mut self, from: NodeId, seq: Height, proposal: &Proposal, ctx: &mut Context<'_, Self>) {
        let is_lacked = self.log.get(seq).and_then(Slot::lacks).is_some_and(|lacked| lacked == proposal.digest());
        if !is_lacked || !ctx.is_authentic(&proposal.batch) {
            return;
        }
        if let Some(slot) = self.log.get_mut(seq) {
            slot.keep(proposal);
        }
        self.in_vain = 0;
        self.execute(ctx);
        self.propose(false, ctx);
        // The sender of this batch may have the next one.
        if let Some((seq, digest)) = self.lacking().first().copied().filter(|_| self.helper == Some(from)) {
            ctx.send(from, Message::Fetch { seq, digest });
        }
    }
    /// A state is taken if a quorum vouches for it; a batch, if a quorum committed it. A helper that sends anything
    /// else is passed over at once; one that has more is asked again at once.
    pub(super) fn on_state(&mut self, from: NodeId, state: &State, ctx: &mut Context<'_, Self>) {
        let before = (self.executed.height(), self.incoming.as_ref().map_or(0, |incoming| incoming.received));
        let is_true = self.take_piece(state, ctx) && state.committed.iter().all(|c| self.take_committed(c, ctx));
        self.execute(ctx);
        let after = (self.executed.height(), self.incoming.as_ref().map_or(0, |incoming| incoming.received));
        if after != before {
            self.in_vain = 0;
        }
        if self.helper != Some(from) {
            return;
        }
        self.goal = if is_true { state.executed } else { Height::GENESIS };
        if !is_true {
            self.helper = None;
            self.incoming = None;
            self.ask(ctx);
        } else if after == before || after.0 >= self.goal {
            // It has no more. The next helper is asked when there was no progress again, and later.
        } else {
            self.await_help(from, ctx);
            ctx.send(from, Message::Status(Arc::new(self.status(Some(from)))));
        }
    }
    fn take_piece(&mut self, state: &State, ctx: &mut Context<'_, Self>) -> bool {
        let news = state.checkpoint.as_ref().filter(|piece| piece.snapshot.block.height() > self.executed.height());
        let Some(piece) = news else { return true };
        if let Some(stable) = &piece.stable {
            let is_proven = stable.is_complete(ctx.committee())
                && piece.snapshot.block.height() == stable.seq
                && piece.snapshot.digest() == stable.digest
                && ctx.tree().find(&piece.snapshot.block.id()).is_some();
            if !is_proven || piece.offset != 0 {
                return false;
            }
            // A higher checkpoint replaces one whose state is not complete.
            if self.incoming.as_ref().is_none_or(|incoming| incoming.stable.seq < stable.seq) {
                self.incoming = Some(Incoming { stable: stable.clone(), received: 0 });
            }
        }
        let Some(incoming) = &mut self.incoming else { return true };
        let is_next = piece.snapshot.digest() == incoming.stable.digest && piece.offset == incoming.received;
        incoming.received = incoming.received.saturating_add(if is_next { piece.length } else { 0 });
        if is_next && incoming.received >= piece.snapshot.bytes {
            let stable = incoming.stable.clone();
            self.install(stable, &piece.snapshot, ctx);
        }
        true
    }
    fn install(&mut self, stable: Arc<Stable>, snapshot: &Snapshot, ctx: &mut Context<'_, Self>) {
        self.incoming = None;
        if stable.seq > self.log.low() {
            self.raise(stable);
        }
        self.executed = snapshot.block.clone();
        self.awaited = None;
        ctx.cancel_timer(Timer::Request);
        // The record first: a log that is ahead of the chain only asks again.
        self.persist(Record::Stable(Arc::new(self.image())), ctx);
        ctx.install(snapshot.clone());
        ctx.set_timer(Timer::Settle, Duration::ZERO);
    }
    fn take_committed(&mut self, committed: &Committed, ctx: &mut Context<'_, Self>) -> bool {
        let is_news = self.log.get(committed.seq).is_none_or(|slot| slot.committed.is_none() || slot.lacks().is_some());
        if committed.seq <= self.executed.height() || !is_news {
            return true;
        }
        let digest = committed.proposal.digest();
        let is_proven = committed.is_complete(ctx.committee()) && ctx.is_authentic(&committed.proposal.batch);
        if let Some(slot) = self.log.get_mut(committed.seq).filter(|_| is_proven) {
            slot.keep(&committed.proposal);
            slot.committed = Some((committed.view, digest, committed.commits.clone()));
        }
        is_proven
    }
}
