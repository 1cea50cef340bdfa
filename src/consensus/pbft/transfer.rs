//! Checkpoints and garbage collection (section 4.3), and how a replica gets what it lacks: messages again, batches,
//! whole states (section 5 of the thesis).

use super::certificate::{Committed, Stable};
use super::message::{Checkpoint, Message, Phase, PrePrepare, Proposal, State, Status, Vote};
use super::record::{Image, Record};
use super::{Pbft, Timer};
use crate::base::{Duration, Hash, Height, NodeId, Tally};
use crate::chain::Block;
use crate::protocol::Context;
use std::sync::Arc;

/// How often the interval of STATUS doubles at most: repeating must not become the load that delays progress, and
/// must not stop.
const MOST_DOUBLINGS: u32 = 3;

/// Checkpoints.
impl Pbft {
    /// Tells the state reached with `block`.
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
        let mut tally = Tally::default();
        let range = (seq, NodeId(0))..=(seq, NodeId(u32::MAX));
        let equal = self.checkpoints.range(range).filter(|(_, (said, _))| said == digest);
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
    /// Takes the memory back from the log.
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

/// Asking.
impl Pbft {
    /// Looks after `status_interval` whether there was progress; later, if asking was in vain.
    pub(super) fn watch(&mut self, ctx: &mut Context<'_, Self>) {
        if self.watched.is_none() {
            self.watched = Some(self.executed.height());
            ctx.set_timer(Timer::Status, self.config.status_interval * (1 << self.unheard.min(MOST_DOUBLINGS)));
        }
    }
    pub(super) fn on_status_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let before = self.watched.take();
        let executed = self.executed.height();
        let is_live = self.log.iter().any(|(seq, slot)| seq > executed && slot.is_live(ctx.committee()));
        let is_behind = executed < self.log.low().max(self.ahead);
        if self.active && self.awaited.is_none() && !is_live && !is_behind {
            return;
        }
        if before == Some(executed) {
            self.ask(ctx);
            self.unheard = self.unheard.saturating_add(1);
        }
        self.watch(ctx);
    }
    /// Repeats what this replica said about what is open, tells how far it is, and asks the next helper in turn.
    pub(super) fn ask(&mut self, ctx: &mut Context<'_, Self>) {
        self.asked += 1;
        let helper = self.helper(ctx);
        let (view, active, executed) = (self.view, self.active, self.executed.height());
        if active {
            let open: Vec<Height> = self.log.iter().map(|(seq, _)| seq).filter(|seq| *seq > executed).collect();
            for message in open.into_iter().flat_map(|seq| self.said(seq, ctx)).collect::<Vec<_>>() {
                ctx.broadcast(message);
            }
        } else if let Some(message) = self.view_changes.get(&ctx.me()) {
            ctx.broadcast(Message::ViewChange(message.clone()));
        }
        let stable = self.log.low();
        ctx.broadcast(Message::Status(Status { view, active, stable, executed, helper }));
    }
    /// Whom this replica asked last: the others in turn.
    fn helper(&self, ctx: &Context<'_, Self>) -> NodeId {
        let others = (ctx.committee().n() as u64 - 1).max(1);
        ctx.committee().in_turn(u64::from(ctx.me().0) + 1 + self.asked.saturating_sub(1) % others)
    }
    /// What this replica said about a sequence number in the present view, signed again.
    fn said(&self, seq: Height, ctx: &mut Context<'_, Self>) -> Vec<Message> {
        let mut said = Vec::new();
        let Some(slot) = self.log.get(seq) else { return said };
        let Some(order) = slot.order else { return said };
        if self.primary(ctx) != ctx.me() {
            let signature = ctx.sign(&order.said(Phase::Prepare));
            said.push(Message::Prepare(Vote { signature, ..order }));
        } else if let Some(proposal) = slot.proposal(&order.digest).filter(|proposal| !proposal.batch.is_empty()) {
            said.push(Message::PrePrepare(Arc::new(PrePrepare { order, proposal })));
        }
        if slot.prepared {
            let signature = ctx.sign(&order.said(Phase::Commit));
            said.push(Message::Commit(Vote { signature, ..order }));
        }
        said
    }
    /// The batches that were proposed again or committed and are not here.
    fn lacking(&self) -> Vec<(Height, Hash)> {
        let executed = self.executed.height();
        let open = self.log.iter().filter(|(seq, _)| *seq > executed);
        open.filter_map(|(seq, slot)| Some((seq, slot.lacks()?))).collect()
    }
    /// Asks for the batches that a new view proposes again: a signer of the certificate accepted the batch, or fetched
    /// it as this replica does now. A replica votes without the batch, whose digest is proven; if nobody answers, the
    /// batch comes with STATE once it is committed.
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

/// Answering.
impl Pbft {
    pub(super) fn on_status(&mut self, from: NodeId, status: &Status, ctx: &mut Context<'_, Self>) {
        if !ctx.committee().contains(from) || from == ctx.me() {
            return;
        }
        let is_helper = status.helper == ctx.me();
        if self.log.low() > status.stable && self.executed.height() >= self.stable.seq {
            let (seq, digest) = (self.stable.seq, self.stable.digest);
            let signature = ctx.sign(&Checkpoint::statement(seq, &digest));
            ctx.send(from, Message::Checkpoint(Checkpoint { seq, digest, signature }));
        }
        let me = ctx.me();
        for ((seq, _), (digest, signature)) in self.checkpoints.iter().filter(|((_, who), _)| *who == me) {
            let (seq, digest, signature) = (*seq, *digest, *signature);
            ctx.send(from, Message::Checkpoint(Checkpoint { seq, digest, signature }));
        }
        if !self.active {
            let own = self.view_changes.get(&ctx.me()).filter(|_| status.view <= self.view);
            if let Some(message) = own {
                ctx.send(from, Message::ViewChange(message.clone()));
            }
        } else if (status.view, status.active) == (self.view, true) {
            let open = self.log.iter().map(|(seq, _)| seq).filter(|seq| *seq > status.executed);
            for seq in open.collect::<Vec<_>>() {
                self.said(seq, ctx).into_iter().for_each(|message| ctx.send(from, message));
            }
        } else if let Some(message) = self.new_view.as_ref().filter(|_| is_helper && status.view <= self.view) {
            ctx.send(from, Message::NewView(message.clone()));
        }
        if is_helper && status.executed < self.executed.height() {
            self.send_state(from, status.executed, ctx);
        }
    }
    /// Sends what was executed above `executed`: the state at the stable checkpoint if it is above, then batches.
    fn send_state(&self, to: NodeId, executed: Height, ctx: &mut Context<'_, Self>) {
        let stable = &self.stable;
        let block = ctx.block_at(stable.seq).filter(|_| stable.seq > executed && self.executed.height() >= stable.seq);
        let checkpoint = block.map(|block| (stable.clone(), ctx.snapshot(&block)));
        let base = if checkpoint.is_some() { stable.seq } else { executed };
        let above = self.log.iter().skip_while(|(seq, _)| *seq <= base);
        let committed: Vec<_> = above
            .map_while(|(seq, slot)| {
                let (view, digest, commits) = slot.committed.as_ref()?;
                let (view, proposal, commits) = (*view, slot.proposal(digest)?, commits.clone());
                Some(Arc::new(Committed { view, seq, proposal, commits }))
            })
            .collect();
        if checkpoint.is_some() || !committed.is_empty() {
            ctx.send(to, Message::State(Arc::new(State { checkpoint, committed })));
        }
    }
    pub(super) fn on_fetch(&mut self, from: NodeId, seq: Height, digest: &Hash, ctx: &mut Context<'_, Self>) {
        let proposal = self.log.get(seq).and_then(|slot| slot.proposal(digest));
        if let Some(proposal) = proposal.filter(|_| from != ctx.me()) {
            ctx.send(from, Message::Batch { seq, proposal: Arc::new(proposal) });
        }
    }
}

/// Taking.
impl Pbft {
    /// A batch is taken if it is the one whose digest the new view named.
    pub(super) fn on_batch(&mut self, seq: Height, proposal: &Proposal, ctx: &mut Context<'_, Self>) {
        let is_lacked =
            self.log.get(seq).and_then(super::log::Slot::lacks).is_some_and(|lacked| lacked == proposal.digest());
        if !is_lacked || !ctx.is_authentic(&proposal.batch) {
            return;
        }
        if let Some(slot) = self.log.get_mut(seq) {
            slot.keep(proposal);
        }
        self.execute(ctx);
        self.propose(false, ctx);
    }
    /// A state is taken if a quorum vouches for it; a batch, if a quorum committed it. A helper that sends anything
    /// else is passed over at once.
    pub(super) fn on_state(&mut self, from: NodeId, state: &State, ctx: &mut Context<'_, Self>) {
        let is_true = self.take_checkpoint(state, ctx) && state.committed.iter().all(|c| self.take_committed(c, ctx));
        self.execute(ctx);
        if !is_true && self.asked > 0 && from == self.helper(ctx) {
            self.ask(ctx);
        }
    }
    fn take_checkpoint(&mut self, state: &State, ctx: &mut Context<'_, Self>) -> bool {
        let news = state.checkpoint.as_ref().filter(|(stable, _)| stable.seq > self.executed.height());
        let Some((stable, snapshot)) = news else { return true };
        let is_proven = stable.is_complete(ctx.committee())
            && snapshot.block.height() == stable.seq
            && snapshot.digest() == stable.digest
            && ctx.tree().find(&snapshot.block.id()).is_some();
        if is_proven {
            if stable.seq > self.log.low() {
                self.raise(stable.clone());
            }
            self.executed = snapshot.block.clone();
            (self.awaited, self.unheard) = (None, 0);
            ctx.cancel_timer(Timer::Request);
            // The record first: a log that is ahead of the chain only asks again.
            self.persist(Record::Stable(Arc::new(self.image())), ctx);
            ctx.install(snapshot.clone());
            ctx.set_timer(Timer::Settle, Duration::ZERO);
        }
        is_proven
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
