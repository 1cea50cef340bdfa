//! PBFT: practical Byzantine fault tolerance, with signatures.
//!
//! **Source.** Castro and Liskov, "Practical Byzantine Fault Tolerance", OSDI 1999 (section numbers below are its);
//! Castro's thesis, 2001, for batching, STATUS messages and the constants; Clement et al., "Making Byzantine fault
//! tolerant systems tolerate Byzantine faults" (Aardvark), NSDI 2009, for the slow primary.
//!
//! **Model.** Up to `f` Byzantine replicas of `n >= 3f + 1`; safe under asynchrony, live when delays do not outgrow
//! the doubling timers. Final at commit: no forks.
//!
//! ```text
//!              PRE-PREPARE     PREPARE        COMMIT
//! primary  0 ---+---------------------------+--------- execute, reply
//! backup   1    +-> accept, log --+-> prepared, log -+-> execute, reply
//! backup   2    +-> accept, log --+-> prepared, log -+-> execute, reply
//! backup   3    +-> accept, log --+-> prepared, log -+-> execute, reply
//!               n-1           (n-1)^2        n(n-1)        messages
//! ```
//!
//! **Mapping.** Sequence number `n` is block height `n`. The primary's clock and name are part of what is agreed on
//! (section 4.6), so that a block is a function of its parent and the committed [`Proposal`], whatever view committed
//! it; the null request makes an empty block that repeats its parent's time and proposer. Requests are transactions;
//! they reach every replica's mempool, which is what a client's retransmission to all achieves, so nothing is relayed
//! to the primary and the timer runs at every replica that knows a request. Cached replies are the engine's: a client
//! that asks again is answered from the chain, and the ledger executes each transaction once.
//!
//! **Simplified.** No MACs, no tentative execution, no read-only requests, no proactive recovery; state is transferred
//! whole instead of by partitions. A replica waits for one request at a time, the best it knows rather than the oldest:
//! a primary that starves a request is deposed once that is the best of those left. The primary runs the timer like
//! a backup. A replica that left a view alone votes again in the next view, as in the paper; until then it executes what
//! a quorum commits without it. The throughput monitor of Aardvark is not part of this protocol. Lost messages are made
//! good by STATUS (thesis section 5.2): a replica that waits without progress sends its standing at every sequence number,
//! and the others send again what it lacks. Large items come from one replica at a time, in answers of bounded size:
//! committed batches and states from the helper that STATUS names, batches that are not committed from the primary, once
//! the first copy had time to arrive.
//!
//! **Glossary.** *View*: a period with one primary. *Primary*, *backup*: the replica that orders, and the others. *Prepared*: no
//! other proposal can prepare in this view. *Committed*: final. *Watermarks* `h`, `h + L`: the sequence numbers in
//! work. *Stable checkpoint*: a state that a quorum vouches for. *Null request*: fills a gap after a view change.

mod attack;
mod certificate;
mod log;
mod message;
mod record;
mod statement;
mod transfer;
mod view_change;

#[cfg(test)]
mod tests;

pub use certificate::{Committed, Prepared, Stable};
pub use message::{Message, NewView, Piece, Standing, State, Status, ViewChange};
pub use record::{Image, Record};
pub use statement::{Checkpoint, Phase, PrePrepare, Proposal, View, Vote};

use crate::base::{Committee, Duration, FaultModel, Hash, Height, NodeId, Signature, Time};
use crate::chain::{Batch, Block, Limit};
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, Retransmission, note};
use log::Window;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a scenario may set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a known request may wait before its replica gives up on the primary. Doubles with each view change until a
    /// request is executed in less than a quarter of it. Default 2 s (BFT-SMaRt: `totalordermulticast.timeout`; the
    /// published library's configuration has 5 s, Sawtooth's `commit_timeout` is 10 s).
    pub request_timeout: Duration,
    /// How long a quorum that left a view waits for the next to begin. Doubles likewise. Default 2 s: as
    /// `request_timeout`, which it is in the paper (section 4.4) and in BFT-SMaRt (Sawtooth's `view_change_duration`:
    /// 5 s).
    pub view_change_timeout: Duration,
    /// How often a replica that waits without progress sends STATUS. Default 150 ms (thesis, section 5.2; the
    /// published library sends no two within 100 ms). Never sooner than after twice the time that batches took of late,
    /// half a second before one was measured: the local network of the original did not need that.
    pub status_interval: Duration,
    /// The largest batch. Default 512 transactions or 1 MB (BFT-SMaRt: 1,024 requests or 1 MB; the thesis uses up to 64
    /// small requests).
    pub block_limit: Limit,
    /// How long the primary waits to fill a batch. Default 0: it sends when the window has room, as in the thesis.
    pub batch_delay: Duration,
    /// Batches proposed and not executed, at most. Default 8 (ours; BFT-SMaRt and Sawtooth work on one at a time, the
    /// thesis bounds them by the log alone).
    pub window: u64,
    /// Sequence numbers between checkpoints, `K`. Default 128 (section 4.3: 100; the published library: 128).
    pub checkpoint_interval: u64,
    /// Sequence numbers between the watermarks, `L`. Default 256: twice the interval (section 4.3).
    pub log_window: u64,
    /// Whether everything is logged before it is sent. Off is the paper's assumption that replicas never lose their
    /// memory; then a replica that restarts may contradict itself. Default true.
    pub durable: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            request_timeout: Duration::from_secs(2),
            view_change_timeout: Duration::from_secs(2),
            status_interval: Duration::from_millis(150),
            block_limit: Limit { bytes: 1_000_000, transactions: 512 },
            batch_delay: Duration::ZERO,
            window: 8,
            checkpoint_interval: 128,
            log_window: 256,
            durable: true,
        }
    }
}

/// The timers of a replica.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// A known request waits too long.
    Request,
    /// A quorum left for this view and it does not begin.
    NewView,
    /// The batch has been filling long enough.
    Batch,
    /// Time to see whether there was progress.
    Status,
    /// The helper had time to answer.
    Help,
    /// The executed requests have left the mempool: look at what still waits.
    Settle,
    /// An attacker's own.
    Attack,
}

/// A state that is coming in, in pieces.
#[derive(Clone, Debug)]
struct Incoming {
    /// The proof of its checkpoint.
    stable: Arc<Stable>,
    /// Bytes received without a gap.
    received: u64,
}

/// A replica.
#[derive(Clone, Debug)]
pub struct Pbft {
    config: Arc<Config>,
    /// The present view; never falls.
    view: View,
    /// Whether the view began here. If not, VIEW-CHANGE for it was sent and nothing is accepted in it.
    active: bool,
    /// What began the view; none for view 0.
    new_view: Option<Arc<NewView>>,
    /// The slots between the watermarks.
    log: Window,
    /// The proof of the low watermark.
    stable: Arc<Stable>,
    /// The last block executed. Below the low watermark only while its state is being fetched.
    executed: Arc<Block>,
    /// The sequence number that this replica gives next if it is primary; above all it gave in this view.
    next: Height,
    /// CHECKPOINTs above the low watermark: the first of each replica for each number, a few numbers per replica.
    checkpoints: BTreeMap<(Height, NodeId), (Hash, Signature)>,
    /// The proper VIEW-CHANGE of each replica for its highest view, if that is still to come.
    view_changes: BTreeMap<NodeId, Arc<ViewChange>>,
    /// View changes since the last progress, which double the timers; see `on_awaited`.
    attempts: u32,
    /// The request that [`Timer::Request`] runs for, if it does, and since when.
    awaited: Option<(Hash, Time)>,
    /// Whether [`Timer::NewView`] is set.
    expecting: bool,
    /// Whether [`Timer::Batch`] is set.
    gathering: bool,
    /// Whether a batch is being proposed.
    proposing: bool,
    /// What was executed when [`Timer::Status`] was set, if it is.
    watched: Option<Height>,
    /// The highest number for which a correct replica sent CHECKPOINT.
    ahead: Height,
    /// The highest view in which a quorum is known to have committed something.
    begun: View,
    /// How long batches took of late, from PRE-PREPARE to execution; none before one was executed.
    pace: Option<Duration>,
    /// How often this replica asked for help, which determines the next helper.
    asked: u64,
    /// The replica that was asked for batches and states and may still answer; [`Timer::Help`] is set then.
    helper: Option<NodeId>,
    /// Requests to helpers since the last that brought progress: each waits twice as long as the one before.
    in_vain: u32,
    /// What the last helper had executed.
    goal: Height,
    /// The state that is coming in, if any.
    incoming: Option<Incoming>,
    /// When this primary last sent batches again to a backup that has answered none since, and how often.
    repeated: BTreeMap<NodeId, (Time, u32)>,
}

impl Protocol for Pbft {
    const NAME: &'static str = "pbft";
    const SUMMARY: &'static str = "PBFT (1999): leader, three phases, f < n/3 Byzantine, final at commit";
    const RETRANSMISSION: Retransmission = Retransmission::AllNodes;
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, _nodes: usize) -> Result<(), InvalidSetting> {
        let invalid = |key, reason: String| Err(InvalidSetting { key, reason });
        for (key, span) in [
            ("request_timeout", config.request_timeout),
            ("view_change_timeout", config.view_change_timeout),
            ("status_interval", config.status_interval),
        ] {
            if span.is_zero() {
                return invalid(key, "must be above zero".to_owned());
            }
        }
        for (key, number) in [
            ("block_limit", config.block_limit.bytes.min(u64::from(config.block_limit.transactions))),
            ("window", config.window),
            ("checkpoint_interval", config.checkpoint_interval),
        ] {
            if number == 0 {
                return invalid(key, "must be at least 1".to_owned());
            }
        }
        if config.log_window < config.checkpoint_interval || config.log_window > MAX_LOG_WINDOW {
            let (low, found) = (config.checkpoint_interval, config.log_window);
            let reason = format!("is {found}; must be from checkpoint_interval ({low}) to {MAX_LOG_WINDOW}");
            return invalid("log_window", reason);
        }
        Ok(())
    }
    fn client_reply_quorum(committee: &Committee) -> u64 {
        committee.blocking()
    }
    /// The paper needs `3f + 1` replicas with `f >= 1`. BFT-SMaRt takes `f` as `(n - 1) / 3` (`TOMConfiguration`) and runs
    /// with fewer than four: then it tolerates no Byzantine one.
    fn remarks(_config: &Config, committee: &Committee, _faulty: &BTreeSet<NodeId>) -> Vec<String> {
        let (n, f) = (committee.n(), committee.faulty());
        let remark = format!("{n} replicas tolerate no Byzantine fault; PBFT needs 3f + 1, at least 4");
        if f == 0 { vec![remark] } else { Vec::new() }
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        Pbft::recover(config, log, ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Prepare(vote) => self.on_prepare(from, &vote, ctx),
            Message::Commit(vote) => self.on_commit(from, &vote, ctx),
            Message::PrePrepare(message) => self.on_pre_prepare(from, message, ctx),
            Message::Checkpoint(message) => self.on_checkpoint(from, &message, ctx),
            Message::ViewChange(message) => self.on_view_change(from, message, ctx),
            Message::NewView(message) => self.on_new_view(&message, ctx),
            Message::Status(message) => self.on_status(from, &message, ctx),
            Message::Fetch { seq, digest } => self.on_fetch(from, seq, &digest, ctx),
            Message::Batch { seq, proposal } => self.on_batch(from, seq, &proposal, ctx),
            Message::State(message) => self.on_state(from, &message, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Request => self.on_request_timer(ctx),
            Timer::NewView => self.on_new_view_timer(ctx),
            Timer::Batch => self.on_batch_timer(ctx),
            Timer::Status => self.on_status_timer(ctx),
            Timer::Help => self.on_help_timer(ctx),
            Timer::Settle => self.on_settle_timer(ctx),
            Timer::Attack => {}
        }
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Self>) {
        self.await_requests(ctx);
        self.propose(false, ctx);
    }
    fn attacker(
        name: &str,
        config: &Arc<Config>,
        log: &[Record],
        ctx: &mut Context<'_, Self>,
    ) -> Option<Box<dyn Attacker<Self>>> {
        attack::attacker(name, config, log, ctx)
    }
}

/// How long a batch is taken to last before one was measured. Half of TCP's first retransmission time-out (RFC 6298).
const FIRST_PACE: Duration = Duration::from_millis(500);

/// The longest log between the watermarks: bounds what a hostile replica can make others remember.
const MAX_LOG_WINDOW: u64 = 65_536;

/// The normal case (section 4.2).
impl Pbft {
    fn primary(&self, ctx: &Context<'_, Self>) -> NodeId {
        ctx.committee().in_turn(self.view.0)
    }
    /// Whether this replica has not entered `view` yet, but may.
    fn is_to_come(&self, view: View) -> bool {
        view > self.view || (view == self.view && !self.active)
    }
    fn persist(&self, record: Record, ctx: &mut Context<'_, Self>) {
        if self.config.durable {
            ctx.persist(record);
        }
    }

    /// The primary sends what waits while the window has room. Unless it is `due`, a batch may be left to fill.
    fn propose(&mut self, due: bool, ctx: &mut Context<'_, Self>) {
        // A replica that decides alone executes while it proposes, which proposes again.
        if !std::mem::replace(&mut self.proposing, true) {
            self.propose_batches(due, ctx);
            self.proposing = false;
        }
    }
    fn propose_batches(&mut self, due: bool, ctx: &mut Context<'_, Self>) {
        let leads = self.active && self.primary(ctx) == ctx.me();
        let limit = self.config.block_limit;
        while leads && ctx.pending() > 0 && self.has_room() {
            let Some(outstanding) = self.outstanding() else { return };
            let batch = ctx.propose(&self.executed, &outstanding, limit);
            if !holds_requests(&batch) {
                return;
            }
            let is_full = batch.len() as u64 >= u64::from(limit.transactions) || batch.bytes() as u64 * 2 > limit.bytes;
            if !is_full && !due && !self.config.batch_delay.is_zero() {
                if !self.gathering {
                    self.gathering = true;
                    ctx.set_timer(Timer::Batch, self.config.batch_delay);
                }
                return;
            }
            let (proposer, time) = (ctx.me(), ctx.now());
            self.order(Proposal { batch, proposer, time }, ctx);
            if !is_full {
                return; // it took all there was
            }
        }
    }
    fn has_room(&self) -> bool {
        let given = self.next.0.saturating_sub(1);
        given.saturating_sub(self.executed.height().0) < self.config.window
            && self.next <= self.log.high()
            && self.executed.height() >= self.log.low()
    }
    /// The batches proposed and not executed, in order; none if one of them is still being fetched.
    fn outstanding(&self) -> Option<Vec<Arc<Batch>>> {
        let batch = |seq| {
            let slot = self.log.get(Height(seq))?;
            slot.proposal(&slot.order?.digest).map(|proposal| proposal.batch)
        };
        (self.executed.height().next().0..self.next.0).map(batch).collect()
    }
    fn on_batch_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.gathering = false;
        self.propose(true, ctx);
    }
    /// Gives the next sequence number to a proposal.
    fn order(&mut self, proposal: Proposal, ctx: &mut Context<'_, Self>) {
        let (view, seq, digest) = (self.view, self.next, proposal.digest());
        self.next = seq.next();
        let signature = ctx.sign(&Vote::statement(Phase::PrePrepare, view, seq, &digest));
        let order = Vote { view, seq, digest, signature };
        let message = Arc::new(PrePrepare { order, proposal });
        self.persist(Record::PrePrepared(message.clone()), ctx);
        if let Some(slot) = self.log.get_mut(seq) {
            slot.keep(&message.proposal);
        }
        ctx.broadcast(Message::PrePrepare(message));
        self.watch(ctx);
        self.accept(order, ctx);
    }
    fn on_pre_prepare(&mut self, from: NodeId, message: Arc<PrePrepare>, ctx: &mut Context<'_, Self>) {
        let Vote { view, seq, .. } = message.order;
        let is_current = view == self.view && self.active;
        if from != ctx.committee().in_turn(view.0) || from == ctx.me() {
            return;
        }
        let is_left = !is_current && !self.is_to_come(view);
        let Some(slot) = self.log.get_mut(seq) else { return };
        if is_left {
            slot.keep_left(message);
            return self.execute(ctx);
        }
        if !is_current {
            // The lowest view to come is kept: only its own primary can fill that place.
            if slot.early_order.as_ref().is_none_or(|known| known.order.view > view) {
                slot.early_order = Some(message);
            }
            return;
        }
        // One digest per view and sequence number, whatever else its primary signs.
        if slot.order.is_some() || !self.is_proper(&message.proposal, from, ctx) {
            return;
        }
        if let Some(slot) = self.log.get_mut(seq) {
            slot.keep(&message.proposal);
        }
        self.persist(Record::PrePrepared(message.clone()), ctx);
        self.watch(ctx);
        self.accept(message.order, ctx);
    }
    /// Whether a backup may accept this from the primary: requests that their clients signed, within the limits, and
    /// a time that is not in the future by more than a backup would wait.
    fn is_proper(&self, proposal: &Proposal, primary: NodeId, ctx: &mut Context<'_, Self>) -> bool {
        let batch = &proposal.batch;
        proposal.proposer == primary
            && !batch.is_empty()
            && batch.payments() == batch.len()
            && self.config.block_limit.admits(batch)
            && proposal.time <= ctx.now() + self.config.request_timeout
            && ctx.is_authentic(&proposal.batch)
    }
    /// Takes a logged PRE-PREPARE as the view's only one for its number; a backup sends PREPARE.
    fn accept(&mut self, order: Vote, ctx: &mut Context<'_, Self>) {
        let (committee, me, primary) = (ctx.committee(), ctx.me(), self.primary(ctx));
        let Some(slot) = self.log.get_mut(order.seq) else { return };
        (slot.order, slot.ordered) = (Some(order), Some(ctx.now()));
        slot.prepares.add(primary, &order.digest, None, committee);
        if me != primary {
            let signature = ctx.sign(&order.said(Phase::Prepare));
            slot.prepares.add(me, &order.digest, Some(signature), committee);
            ctx.broadcast(Message::Prepare(Vote { signature, ..order }));
        }
        self.try_prepare(order.seq, ctx);
    }
    fn on_prepare(&mut self, from: NodeId, vote: &Vote, ctx: &mut Context<'_, Self>) {
        if self.is_to_come(vote.view) {
            return self.keep_elsewhere(from, Phase::Prepare, vote, ctx);
        }
        if vote.view < self.view {
            return;
        }
        if self.watched.is_none() {
            self.watch(ctx);
        }
        let committee = ctx.committee();
        let Some(slot) = self.log.get_mut(vote.seq) else { return };
        if slot.prepared || from == committee.in_turn(vote.view.0) {
            return;
        }
        if slot.prepares.add(from, &vote.digest, Some(vote.signature), committee) {
            self.repeated.remove(&from);
            self.try_prepare(vote.seq, ctx);
        }
    }
    /// Prepared: the PRE-PREPARE and PREPAREs of a quorum. Then COMMIT.
    fn try_prepare(&mut self, seq: Height, ctx: &mut Context<'_, Self>) {
        let committee = ctx.committee();
        let Some(slot) = self.log.get_mut(seq) else { return };
        let Some(order) = slot.order else { return };
        if slot.prepared || !slot.prepares.is_quorum(&order.digest, committee) {
            return;
        }
        slot.prepared = true;
        let (primary, prepares) = (committee.in_turn(order.view.0), slot.prepares.take(&order.digest));
        let certificate = Arc::new(Prepared { primary, order, prepares });
        slot.certificate = Some(certificate.clone());
        self.persist(Record::Prepared(certificate), ctx);
        let signature = ctx.sign(&order.said(Phase::Commit));
        ctx.broadcast(Message::Commit(Vote { signature, ..order }));
        if let Some(slot) = self.log.get_mut(seq) {
            slot.commits.add(ctx.me(), &order.digest, Some(signature), committee);
        }
        self.try_commit(seq, ctx);
    }
    fn on_commit(&mut self, from: NodeId, vote: &Vote, ctx: &mut Context<'_, Self>) {
        if vote.view != self.view || !self.active {
            return self.on_commit_elsewhere(from, vote, ctx);
        }
        if self.watched.is_none() {
            self.watch(ctx);
        }
        let Some(slot) = self.log.get_mut(vote.seq) else { return };
        if slot.committed.is_some() {
            return;
        }
        if slot.commits.add(from, &vote.digest, Some(vote.signature), ctx.committee()) {
            self.try_commit(vote.seq, ctx);
        }
    }
    /// Committed-local: prepared, and COMMITs of a quorum.
    fn try_commit(&mut self, seq: Height, ctx: &mut Context<'_, Self>) {
        let Some(slot) = self.log.get_mut(seq) else { return };
        let Some(order) = slot.order.filter(|_| slot.prepared && slot.committed.is_none()) else { return };
        if slot.commits.is_quorum(&order.digest, ctx.committee()) {
            slot.committed = Some((order.view, order.digest, slot.commits.take(&order.digest)));
            self.execute(ctx);
            if self.executed.height() < seq {
                self.on_proof_of_more(ctx);
            }
        }
    }
    /// A COMMIT for a view in which this replica does not take part. A replica that left a view alone has promised not to
    /// vote in it again, but what the others commit there is final for it too: it executes with them.
    fn on_commit_elsewhere(&mut self, from: NodeId, vote: &Vote, ctx: &mut Context<'_, Self>) {
        self.keep_elsewhere(from, Phase::Commit, vote, ctx);
        let Some(slot) = self.log.get_mut(vote.seq) else { return };
        if slot.commit_elsewhere(vote, ctx.committee()) {
            let lacked = slot.lacks();
            self.begun = self.begun.max(vote.view);
            if let Some(digest) = lacked.filter(|_| from != ctx.me()) {
                ctx.send(from, Message::Fetch { seq: vote.seq, digest });
            }
            self.execute(ctx);
            if self.executed.height() < vote.seq && lacked.is_none() {
                self.on_proof_of_more(ctx);
            }
            self.watch(ctx);
        }
    }
    /// Votes may overtake the NEW-VIEW of their view.
    fn keep_elsewhere(&mut self, from: NodeId, phase: Phase, vote: &Vote, ctx: &Context<'_, Self>) {
        if ctx.committee().contains(from)
            && let Some(slot) = self.log.get_mut(vote.seq)
        {
            slot.keep_elsewhere(from, phase, vote);
        }
    }
    /// Executes what committed, in order.
    fn execute(&mut self, ctx: &mut Context<'_, Self>) {
        let before = self.executed.height();
        while let Some(proposal) = self.committed_next() {
            let slot = self.log.get(self.executed.height().next());
            if let Some(ordered) = slot.and_then(|slot| slot.ordered) {
                self.measure(ctx.now().since(ordered));
            }
            let parent = self.executed.clone();
            let is_null = proposal.batch.is_empty();
            let proposer = if is_null { parent.header.proposer } else { proposal.proposer };
            let time = if is_null { parent.header.time } else { proposal.time.max(parent.header.time) };
            let block = ctx.execute(&parent, proposer, time, &proposal.batch);
            self.executed = block.clone();
            let awaited = self.awaited.filter(|(id, _)| block.transactions().iter().any(|t| t.id() == *id));
            if let Some((_, since)) = awaited {
                self.on_awaited(ctx.now().since(since));
                ctx.cancel_timer(Timer::Request);
            }
            ctx.extend(block);
            ctx.finalize(self.executed.height());
            if self.executed.height().0.is_multiple_of(self.config.checkpoint_interval) {
                self.checkpoint(&self.executed.clone(), ctx);
            }
        }
        if self.executed.height() > before {
            self.next = self.next.max(self.executed.height().next());
            self.in_vain = 0;
            ctx.set_timer(Timer::Settle, Duration::ZERO);
            self.propose(false, ctx);
        }
    }
    fn committed_next(&self) -> Option<Proposal> {
        let slot = self.log.get(self.executed.height().next())?;
        let (_, digest, _) = slot.committed.as_ref()?;
        slot.proposal(digest)
    }
}

/// Requests and their timer (sections 4.1 and 4.4).
impl Pbft {
    /// The best request known that could be executed now: not one that waits for its predecessors.
    fn first_request(&self, ctx: &mut Context<'_, Self>) -> Option<Hash> {
        if ctx.pending() == 0 {
            return None;
        }
        let first = Limit { transactions: 1, ..self.config.block_limit };
        let batch = ctx.propose(&self.executed, &[], first);
        batch.transactions().iter().find(|t| !t.is_coinbase()).map(|t| t.id())
    }
    /// Starts the timer for the next request, unless it runs for one already.
    fn await_requests(&mut self, ctx: &mut Context<'_, Self>) {
        if self.active && self.awaited.is_none() {
            self.awaited = self.first_request(ctx).map(|id| (id, ctx.now()));
            if self.awaited.is_some() {
                ctx.set_timer(Timer::Request, self.patience(self.config.request_timeout));
                self.watch(ctx);
            }
        }
    }
    fn on_settle_timer(&mut self, ctx: &mut Context<'_, Self>) {
        self.await_requests(ctx);
        self.propose(false, ctx);
    }
    /// Gives up on the primary if the request that was waited for is still the best one, and not executed.
    fn on_request_timer(&mut self, ctx: &mut Context<'_, Self>) {
        let Some((awaited, _)) = self.awaited.take() else { return };
        if self.active && self.first_request(ctx) == Some(awaited) {
            self.leave_for(self.view.next(), ctx);
        } else {
            self.await_requests(ctx);
        }
    }
    /// The request that was waited for is executed. That is the progress that ends the doubling (section 4.4): the next
    /// view change waits for `T` again if this request took less than a quarter of it. One that took longer shows that
    /// `T` is nearly too short (ours): the timer shrinks by half if it was four times as long, and stays otherwise, for a
    /// primary that is busy must not be deposed for it, as its successors would be.
    fn on_awaited(&mut self, took: Duration) {
        self.awaited = None;
        let (first, present) = (self.config.request_timeout, self.patience(self.config.request_timeout));
        if self.active && took * 4 <= first {
            self.attempts = 0;
        } else if self.active && took * 4 <= present {
            self.attempts = self.attempts.saturating_sub(1);
        }
    }
    /// A timer of base length `span`, doubled with each view change but the first.
    fn patience(&self, span: Duration) -> Duration {
        span * (1 << self.attempts.saturating_sub(1).min(32))
    }
}

/// Whether a batch holds more than a reward.
fn holds_requests(batch: &Batch) -> bool {
    batch.transactions().iter().any(|t| !t.is_coinbase())
}

/// Starting, for the first time or again.
impl Pbft {
    fn recover(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Pbft {
        let executed = ctx.durable();
        let mut replica = Pbft {
            config: config.clone(),
            view: View(0),
            active: true,
            new_view: None,
            log: Window::new(Height::GENESIS, config.log_window),
            stable: Stable::genesis(),
            next: Height(1),
            checkpoints: BTreeMap::new(),
            view_changes: BTreeMap::new(),
            attempts: 0,
            awaited: None,
            expecting: false,
            gathering: false,
            proposing: false,
            watched: None,
            ahead: Height::GENESIS,
            begun: View(0),
            pace: None,
            asked: 0,
            helper: None,
            in_vain: 0,
            goal: Height::GENESIS,
            incoming: None,
            repeated: BTreeMap::new(),
            executed,
        };
        log.iter().for_each(|record| replica.replay(record, ctx.committee()));
        // Without a log the last checkpoint passed stands in for the stable one until the next proof arrives.
        let height = replica.executed.height().0;
        if height > replica.log.high().0 {
            replica.log.advance(Height(height - height % config.checkpoint_interval));
        }
        replica.next = replica.next.max(replica.executed.height().next()).max(replica.log.low().next());
        if replica.active {
            replica.begin_view(ctx);
        } else {
            replica.sign_view_change(ctx);
        }
        if !log.is_empty() || height > 0 {
            replica.recount(ctx);
            let passed = Height(height - height % config.checkpoint_interval);
            if let Some(block) = ctx.block_at(passed).filter(|_| passed > replica.log.low()) {
                replica.checkpoint(&block, ctx);
            }
            replica.ask(ctx);
            replica.watch(ctx);
        }
        replica
    }
    fn replay(&mut self, record: &Record, committee: &Committee) {
        match record {
            Record::PrePrepared(message) => {
                self.next = self.next.max(message.order.seq.next());
                if let Some(slot) = self.log.get_mut(message.order.seq) {
                    slot.order = Some(message.order);
                    slot.keep(&message.proposal);
                }
            }
            Record::Prepared(certificate) => {
                if let Some(slot) = self.log.get_mut(certificate.order.seq) {
                    slot.prepared = true;
                    slot.certificate = Some(certificate.clone());
                }
            }
            Record::Left(view) => (self.view, self.active, self.new_view) = (*view, false, None),
            Record::Entered(message) => {
                self.adopt(message, committee);
                for order in &message.orders {
                    if let Some(slot) = self.log.get_mut(order.seq) {
                        slot.order = Some(*order);
                    }
                }
            }
            Record::Stable(image) => self.restore(image),
        }
    }
    /// Counts this replica's own logged votes again.
    fn recount(&mut self, ctx: &mut Context<'_, Self>) {
        let (committee, me, primary) = (ctx.committee(), ctx.me(), self.primary(ctx));
        for slot in self.log.iter_mut() {
            let Some(order) = slot.order.filter(|_| self.active) else { continue };
            slot.prepares.add(primary, &order.digest, None, committee);
            if me != primary {
                let signature = ctx.sign(&order.said(Phase::Prepare));
                slot.prepares.add(me, &order.digest, Some(signature), committee);
            }
            if slot.prepared {
                let signature = ctx.sign(&order.said(Phase::Commit));
                slot.commits.add(me, &order.digest, Some(signature), committee);
            }
        }
    }
    fn begin_view(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.note(note::ROUND, self.view.0);
        if self.primary(ctx) == ctx.me() {
            ctx.note(note::LEADING, self.view.0);
        }
    }
}
