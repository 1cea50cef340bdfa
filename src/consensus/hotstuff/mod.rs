//! HotStuff, chained: linear messages, one block per view, final by three certificates in a row.
//!
//! **Source.** Yin, Malkhi, Reiter, Gueta and Abraham, "HotStuff: BFT consensus with linearity and responsiveness",
//! PODC 2019 (arXiv 1803.05069), algorithms 4 (safety, chained) and 5 (pacemaker). Timeout certificates and the
//! two-phase rules: Gelashvili et al., "Jolteon and Ditto" (FC 2022, arXiv 2106.10362), section 3.
//!
//! **Model.** Up to `f` Byzantine replicas of `n >= 3f + 1`; safe under asynchrony, live when delays stay below the
//! growing timers and a correct leader has enough views in a row. Final at commit: no forks.
//!
//! ```text
//!  view v            view v+1            view v+2            view v+3
//!  leader            leader              leader              leader: commits b
//!    | PROPOSE(b)      | PROPOSE(b')       | PROPOSE(b'')      | PROPOSE(b*)
//!    +-----> all       +-----> all         +-----> all         +-----> all: commit b
//!            | VOTE(b)         | VOTE(b')          | VOTE(b'')
//!            +--> leader(v+1)  +--> leader(v+2)    +--> leader(v+3)
//!                 b' carries QC(b)   b'' carries QC(b')   b* carries QC(b'')
//! ```
//!
//! Per view `n - 1` proposals and `n - 1` votes. A lone transaction is final after 6 delays at the leader of `v + 3`
//! and after 7 at the others (two-phase: 4 and 5).
//!
//! **Mapping.** A node of the paper's tree is a [`Vertex`]: a block whose header commits to its view and to the
//! certificate of its parent, so that parent links are always direct and only views may have gaps. An idle chain is
//! silent: the leader proposes when a transaction waits, or to finish blocks that hold some.
//!
//! **Simplified.** The basic variant, with messages of its own for each phase, is not built: a lone transaction takes the
//! same 7 delays and, with the NEW-VIEWs, the same `8 (n - 1)` messages there. Certificates are lists of Ed25519
//! signatures, so that authenticators are linear in `n`, and their bytes and checks are charged as such. Timeouts are
//! broadcast (Jolteon), which costs `n (n - 1)` messages per failed view, in both variants. A leader keeps
//! `views_per_leader` views, and a timeout ends the turn of its leader at once: with one view each, `n = 4` and a crashed
//! leader never has three certificates in a row, since votes of a view go to the next leader. Timeouts thus skip views,
//! which in two phases asks for more than Jolteon does: who gave up a view votes in none of that turn. The committee is
//! fixed.
//!
//! **Glossary.** *QC*: quorum certificate, `n - f` votes. *TC*: timeout certificate. *Justify*: the certificate in a
//! block, of its parent. *Lock*: what a replica will not vote against without newer proof. *Pacemaker*: what brings
//! replicas to the same view.

mod attack;
mod message;
mod pacemaker;
mod transfer;

#[cfg(test)]
mod tests;

pub use message::{Certificate, Message, Progress, Proposal, Record, Timeout, TimeoutCertificate, Vertex};

use crate::base::{Committee, Duration, FaultModel, Hash, NodeId, Signature, VoterSet, Work};
use crate::chain::{Batch, Block, Header, Limit};
use crate::protocol::votes::Votes;
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol, note};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use transfer::{Entry, Fetch};

/// A view: a period with one leader and one proposal. Genesis has view 0.
pub type View = u64;

/// How many certificates in a row make a block final.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Three: HotStuff. A locked replica votes again as soon as it sees a newer certificate.
    #[default]
    Chained,
    /// Two: Jolteon. After a timeout the leader must prove that it builds on the newest certificate.
    TwoPhase,
}

/// Who leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Leaders {
    /// One after the other.
    #[default]
    RoundRobin,
    /// Drawn by the hash of the turn: every node can foresee it, no node can choose it.
    Random,
}

/// What a scenario may set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How many certificates in a row make a block final. Default three.
    pub variant: Variant,
    /// Who leads: `round_robin` or `random`. Default round robin (the paper, section 6; libhotstuff, `PaceMakerRR`;
    /// asonnino/hotstuff, `leader.rs`); random leaders stand in analyses of the chained protocols.
    pub leaders: Leaders,
    /// Views that a leader leads before the next has its turn. Default 4, the least with which a correct leader alone
    /// makes a block final whichever others have failed; 1 is the rotation of the paper's evaluation.
    pub views_per_leader: u64,
    /// How long a view may take while there is work. Grows by half with each failed view, back at a commit: between
    /// libhotstuff, whose timer doubles, and `DiemBFT`, whose grows by a fifth. Default 1 s (libhotstuff, the base of its
    /// pacemaker; `DiemBFT`, `round_initial_timeout_ms`; asonnino/hotstuff waits for 5 s, which never grow). What is said of
    /// a view that was given up is said again after as long, at most three times the default. An answer to a request for
    /// blocks is awaited as long, then twice as long, and so on (asonnino/hotstuff, `sync_retry_delay`: 10 s).
    pub view_timeout: Duration,
    /// The most it grows to. Default 60 s (ours): the papers let timers grow without bound.
    pub view_timeout_max: Duration,
    /// The largest batch, also of a proposal that gets a vote. Default 512 transactions or 1 MB (the paper measures 100 to
    /// 800 commands).
    pub block_limit: Limit,
    /// Whether votes are logged before they are said. Off assumes that replicas never lose their memory. Default true.
    pub durable: bool,
    /// Planted: commits three certificates in a row whatever their views.
    #[cfg(test)]
    #[serde(skip)]
    #[schemars(skip)]
    pub commit_on_gaps: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            variant: Variant::Chained,
            leaders: Leaders::RoundRobin,
            views_per_leader: 4,
            view_timeout: Duration::from_secs(1),
            view_timeout_max: Duration::from_secs(60),
            block_limit: Limit { bytes: 1_000_000, transactions: 512 },
            durable: true,
            #[cfg(test)]
            commit_on_gaps: false,
        }
    }
}

/// Alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The view takes too long.
    View,
    /// What this replica said last is durable: it may count its own word.
    Durable,
    /// A peer that was asked for blocks does not answer.
    Fetch,
    /// Transactions have left the mempool: look at what still waits.
    Settle,
}

/// A replica.
#[derive(Clone, Debug)]
pub struct HotStuff {
    config: Arc<Config>,
    /// The present view (`curView`); never falls.
    view: View,
    /// No vote is given in any view up to this one (`vheight`).
    voted: View,
    /// The newest certificate of a block whose child is certified (`lockedQC`).
    locked: Arc<Certificate>,
    /// The newest certificate (`genericQC`).
    high: Arc<Certificate>,
    /// What led to the present view, if no certificate did.
    reason: Option<Arc<TimeoutCertificate>>,
    /// The last block that is final here (`b_exec`).
    committed: Arc<Block>,
    /// The tree above it.
    entries: BTreeMap<Hash, Entry>,
    /// Vertices of the log that were final already: only what lies between them and the newest certificate of the log
    /// proves that to others, until something more is final.
    logged: BTreeMap<Hash, Arc<Vertex>>,
    /// The proposal of the present view, and those of a coming view whose parent is missing.
    seen: Option<(View, Hash)>,
    waiting: Option<Arc<Proposal>>,
    /// Proposals of late views whose parent is missing.
    parentless: BTreeMap<View, Arc<Vertex>>,
    /// Votes for which this replica is the next leader, by view, a few views ahead.
    votes: BTreeMap<View, Votes>,
    /// A vote of this replica for itself as next leader, which is not durable yet.
    own: Option<(View, Hash, Signature)>,
    /// Who gave up on the present view.
    timeouts: BTreeMap<NodeId, (View, Signature)>,
    /// The last view that this replica gave up.
    gave_up: View,
    /// The last view that it voted in since it started.
    last_vote: View,
    /// The first view of the leader that it has already waited for.
    blamed: View,
    /// Views given up since a commit.
    failed: u32,
    /// Whether [`Timer::View`] is set.
    watching: bool,
    /// Whether the newest certificate made transactions final and no proposal has announced it.
    unannounced: bool,
    /// Blocks that are being fetched.
    fetch: Option<Fetch>,
    /// Who was found in two certificates of one view.
    exposed: VoterSet,
    /// Blocks made final since the last image in the log.
    unsaved: u64,
}

impl Protocol for HotStuff {
    const NAME: &'static str = "hotstuff";
    const SUMMARY: &'static str =
        "HotStuff (2019), chained: rotating leaders, linear messages, f < n/3 Byzantine, final";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, _nodes: usize) -> Result<(), InvalidSetting> {
        let invalid = |key, reason: String| Err(InvalidSetting { key, reason });
        if config.view_timeout.is_zero() {
            return invalid("view_timeout", "must be above zero".to_owned());
        }
        if config.view_timeout_max < config.view_timeout {
            return invalid("view_timeout_max", format!("must be at least view_timeout, {}", config.view_timeout));
        }
        if config.views_per_leader == 0 {
            return invalid("views_per_leader", "must be at least 1".to_owned());
        }
        if config.block_limit.bytes == 0 || config.block_limit.transactions == 0 {
            return invalid("block_limit", "must be at least 1".to_owned());
        }
        Ok(())
    }
    /// A quorum is `n - f`, as in the paper and in libhotstuff; asonnino/hotstuff and `DiemBFT` say it as more than two
    /// thirds, which is the same for equal replicas.
    fn committee(_config: &Config, weights: Vec<u64>) -> Committee {
        let committee = Committee::weighted(weights, HotStuff::FAULTS);
        let quorum = committee.two_thirds();
        committee.requiring(quorum)
    }
    fn client_reply_quorum(committee: &Committee) -> u64 {
        committee.blocking()
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        HotStuff::recover(config, log, ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Propose(proposal) => self.on_propose(from, proposal, ctx),
            Message::Vote { view, block, signature } => self.on_vote(from, view, &block, signature, ctx),
            Message::Timeout(timeout) => self.on_timeout(from, &timeout, ctx),
            Message::Request { block, above } => self.on_request(from, block, above, ctx),
            Message::Progress(progress) => self.on_progress(from, &progress, ctx),
            Message::Lack(block) => self.on_lack(from, &block, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::View => self.on_view_timer(ctx),
            Timer::Durable => self.on_durable(ctx),
            Timer::Fetch => self.on_fetch_timer(ctx),
            Timer::Settle => self.on_transaction(ctx),
        }
    }
    fn on_transaction(&mut self, ctx: &mut Context<'_, Self>) {
        self.propose(ctx);
        self.watch(ctx);
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

/// Views ahead of the present one whose votes are kept: the next leader may receive votes before the proposal.
const VIEWS_AHEAD: View = 8;
/// How far ahead of the local clock a proposed block may be dated (ours, as in Tendermint and QBFT here; `DiemBFT`'s
/// `block.rs` allows five minutes, and its replicas vote only when that time has come). Else the time of the chain would be
/// whatever a Byzantine node says.
const AHEAD_MAX: Duration = Duration::from_secs(1);
/// Blocks made final between two images in the log.
const IMAGE_EVERY: u64 = 64;

/// Proposing and voting (algorithm 4).
impl HotStuff {
    fn persist(&self, record: Record, ctx: &mut Context<'_, Self>) {
        if self.config.durable {
            ctx.persist(record);
        }
    }
    /// The block with this name, if it is final here or in the tree above.
    fn block(&self, id: &Hash) -> Option<&Arc<Block>> {
        if *id == self.committed.id() { Some(&self.committed) } else { self.entries.get(id).map(Entry::block) }
    }
    fn vertex(&self, id: &Hash) -> Option<&Arc<Vertex>> {
        self.entries.get(id).and_then(Entry::vertex)
    }

    /// `onBeat`: the leader proposes a child of the newest certified block (lines 1 to 5 of algorithm 5).
    fn propose(&mut self, ctx: &mut Context<'_, Self>) {
        let led_here = self.high.view.saturating_add(1) == self.view || self.reason.is_some();
        let is_newest = self.reason.as_ref().is_none_or(|reason| self.high.view >= reason.high());
        if self.leader(self.view, ctx) != ctx.me() || self.view <= self.voted || !led_here || !is_newest {
            return;
        }
        let Some(parent) = self.block(&self.high.block).cloned() else { return };
        if !self.unannounced && !self.has_work(ctx) {
            return;
        }
        self.unannounced = false;
        let batch = ctx.template(&parent, self.config.block_limit);
        let batch = if batch.payments() > 0 { batch } else { Batch::empty() };
        let vertex = self.make(&parent, self.high.clone(), batch, ctx);
        let proposal = Arc::new(self.sign(vertex, ctx));
        self.accept(&proposal, ctx);
        ctx.broadcast(Message::Propose(proposal.clone()));
        self.vote(&proposal.vertex, ctx);
    }
    /// `createLeaf`.
    fn make(
        &self,
        parent: &Arc<Block>,
        justify: Arc<Certificate>,
        batch: Arc<Batch>,
        ctx: &Context<'_, Self>,
    ) -> Arc<Vertex> {
        let header = Header {
            parent: parent.id(),
            height: parent.height().next(),
            merkle: batch.digest(),
            time: ctx.now().max(parent.header.time),
            proposer: ctx.me(),
            seal: Vertex::seal(self.view, &justify),
        };
        Arc::new(Vertex { block: Block::new(header, batch), view: self.view, justify })
    }
    fn sign(&self, vertex: Arc<Vertex>, ctx: &mut Context<'_, Self>) -> Proposal {
        let signature = ctx.sign(&Proposal::statement(&vertex.block.id()));
        Proposal { vertex, timeout: self.reason.clone(), signature }
    }
    /// `onReceiveProposal`: learns what it carries, then judges it.
    fn on_propose(&mut self, from: NodeId, proposal: Arc<Proposal>, ctx: &mut Context<'_, Self>) {
        let (vertex, committee) = (&proposal.vertex, ctx.committee());
        let view = vertex.view;
        let is_timely = proposal.timeout.as_ref().is_none_or(|timeout| self.after(timeout.view) == view);
        if self.leader(view, ctx) != from || !is_timely || !vertex.justify.is_complete(committee) {
            return;
        }
        if self.blamed == view {
            self.blamed = 0; // its leader speaks
        }
        if let Some(timeout) = &proposal.timeout {
            if !timeout.is_complete(committee) {
                return;
            }
            self.on_timeout_certificate(timeout.clone(), ctx);
        }
        self.keep_parentless(vertex);
        self.on_certificate(&vertex.justify.clone(), ctx);
        self.unannounced = false; // this proposal announces it
        if view < self.view {
            return;
        }
        if self.block(&vertex.justify.block).is_none() {
            self.fetch(Some(vertex.justify.block), ctx);
            self.waiting = Some(proposal);
        } else {
            self.judge(&proposal, ctx);
        }
    }
    /// Votes for the proposal of the present view if that is safe and its block is valid.
    fn judge(&mut self, proposal: &Arc<Proposal>, ctx: &mut Context<'_, Self>) {
        let (vertex, id) = (&proposal.vertex, proposal.vertex.block.id());
        if vertex.view != self.view {
            return;
        }
        if self.seen.is_some_and(|(view, seen)| view == self.view && seen != id) {
            ctx.note(note::EVIDENCE, u64::from(vertex.block.header.proposer.0));
            return;
        }
        self.seen = Some((self.view, id));
        if vertex.view <= self.voted || !self.is_safe(proposal) || ctx.insert_block(&vertex.block).is_none() {
            return;
        }
        let is_small = self.config.block_limit.admits(&vertex.block.batch);
        if !is_small || !self.is_timely(&vertex.block, ctx) || ctx.validate(&vertex.block).is_err() {
            return;
        }
        self.accept(proposal, ctx);
        self.vote(vertex, ctx);
        self.watch(ctx);
    }
    /// Whether a block is dated no earlier than its parent and not far in the future. The paper's nodes have no time;
    /// `DiemBFT` wants a later one than the parent's, and counts in microseconds.
    fn is_timely(&self, block: &Block, ctx: &Context<'_, Self>) -> bool {
        let time = block.header.time;
        let follows = self.block(&block.parent()).is_some_and(|parent| parent.header.time <= time);
        follows && time <= ctx.now() + AHEAD_MAX
    }
    /// `safeNode` (algorithm 4, lines 12 and 13), or Jolteon's rule: the parent is of the view before, or the leader
    /// shows that no replica of a quorum knew a newer certificate than that of the parent.
    fn is_safe(&self, proposal: &Proposal) -> bool {
        let justify = &proposal.vertex.justify;
        match self.config.variant {
            Variant::Chained => justify.view > self.locked.view || self.extends(&justify.block, &self.locked.block),
            Variant::TwoPhase => {
                let reason = proposal.timeout.as_ref().or(self.reason.as_ref());
                justify.view.saturating_add(1) == proposal.vertex.view
                    || reason.is_some_and(|reason| justify.view >= reason.high())
            }
        }
    }
    /// Whether `ancestor` is `block` or below it. What is final is below everything.
    fn extends(&self, block: &Hash, ancestor: &Hash) -> bool {
        let mut at = *block;
        while at != *ancestor {
            match self.entries.get(&at) {
                Some(entry) => at = entry.block().parent(),
                None => return !self.entries.contains_key(ancestor),
            }
        }
        true
    }
    /// Takes the proposal into the tree and into the log. From now on there is no other vote in this view.
    fn accept(&mut self, proposal: &Proposal, ctx: &mut Context<'_, Self>) {
        let vertex = &proposal.vertex;
        let _ = ctx.insert_block(&vertex.block);
        self.entries.insert(vertex.block.id(), Entry::Vertex(vertex.clone()));
        (self.voted, self.seen) = (vertex.view, Some((vertex.view, vertex.block.id())));
        self.persist(Record::Voted(vertex.clone(), self.reason.clone()), ctx);
    }
    /// Sends the vote to the leader of the next view.
    fn vote(&mut self, vertex: &Vertex, ctx: &mut Context<'_, Self>) {
        let (view, block) = (vertex.view, vertex.block.id());
        let signature = ctx.sign(&Certificate::statement(view, &block));
        let collector = self.leader(view.saturating_add(1), ctx);
        self.last_vote = view;
        if collector == ctx.me() {
            self.own = Some((view, block, signature));
            ctx.set_timer(Timer::Durable, Duration::ZERO);
        } else {
            ctx.send(collector, Message::Vote { view, block, signature });
        }
    }
    fn on_durable(&mut self, ctx: &mut Context<'_, Self>) {
        if let Some((view, block, signature)) = self.own.take() {
            self.on_vote(ctx.me(), view, &block, signature, ctx);
        }
        self.count_timeouts(ctx);
    }
    /// `onReceiveVote`: the leader of the next view makes a certificate of a quorum.
    fn on_vote(&mut self, from: NodeId, view: View, block: &Hash, signature: Signature, ctx: &mut Context<'_, Self>) {
        let is_mine = self.leader(view.saturating_add(1), ctx) == ctx.me();
        if !is_mine
            || view.saturating_add(1) < self.view
            || view > self.view.saturating_add(VIEWS_AHEAD)
            || view <= self.high.view
        {
            return;
        }
        let votes = self.votes.entry(view).or_default();
        if !votes.add(from, block, Some(signature), ctx.committee()) {
            if votes.ballots().any(|ballot| ballot.digest != *block && ballot.voters.contains(from)) {
                ctx.note(note::EVIDENCE, u64::from(from.0));
            }
        } else if votes.is_quorum(block, ctx.committee()) {
            let certificate = Certificate { view, block: *block, votes: votes.take(block) };
            self.on_certificate(&Arc::new(certificate), ctx);
        }
    }
    /// `update` (algorithm 4, lines 14 to 22): the newest certificate, the lock, the commit, and the next view.
    fn on_certificate(&mut self, certificate: &Arc<Certificate>, ctx: &mut Context<'_, Self>) {
        self.expose(certificate, ctx);
        if certificate.view > self.high.view {
            self.high = certificate.clone();
            if self.block(&certificate.block).is_none() && certificate.block != Block::genesis().id() {
                self.fetch(Some(certificate.block), ctx);
            }
        }
        self.lock(certificate);
        self.commit(certificate, ctx);
        if certificate.view.saturating_add(1) > self.view {
            self.enter(certificate.view.saturating_add(1), None, ctx);
        }
    }
    /// Two certificates of one view: more than `f` replicas voted twice. Who is in both is named, once. Compared is what
    /// is held anyway: the newest certificate, the lock, and those in the tree. A vertex that was fetched is judged by
    /// its name, which does not cover the votes in it: only what both signatures prove is said.
    fn expose(&mut self, certificate: &Certificate, ctx: &mut Context<'_, Self>) {
        let in_tree = self.entries.values().filter_map(Entry::vertex).map(|vertex| &vertex.justify);
        let held = in_tree.chain([&self.high, &self.locked]);
        let others = held.filter(|held| held.view == certificate.view && held.block != certificate.block);
        let others: Vec<Arc<Certificate>> = others.cloned().collect();
        for other in others {
            for (voter, one) in &certificate.votes {
                let two = other.votes.iter().find(|(node, _)| node == voter && !self.exposed.contains(*node));
                let Some((_, two)) = two else { continue };
                ctx.spend(Work::verify(2));
                let said = [(certificate.digest(), one), (other.digest(), two)];
                let is_proven = said.iter().all(|(statement, made)| ctx.keys().verify(voter.0, statement, made));
                if is_proven && self.exposed.add(*voter, ctx.committee()) {
                    ctx.note(note::EVIDENCE, u64::from(voter.0));
                }
            }
        }
    }
    /// Two certificates in a row lock the lower block.
    fn lock(&mut self, certificate: &Certificate) {
        let lower = self.vertex(&certificate.block).map(|vertex| vertex.justify.clone());
        if let Some(lower) = lower.filter(|lower| lower.view > self.locked.view) {
            self.locked = lower;
        }
    }
    /// Three certificates of consecutive views in a row (two-phase: two) make the lowest block final, and all below it.
    fn commit(&mut self, certificate: &Certificate, ctx: &mut Context<'_, Self>) {
        let Some(second) = self.vertex(&certificate.block).map(|vertex| vertex.justify.clone()) else { return };
        let (mut lowest, mut in_a_row) = (second.clone(), certificate.view == second.view.saturating_add(1));
        if self.config.variant == Variant::Chained {
            let Some(third) = self.vertex(&second.block).map(|vertex| vertex.justify.clone()) else { return };
            in_a_row &= second.view == third.view.saturating_add(1);
            lowest = third;
        }
        #[cfg(test)]
        let in_a_row = in_a_row || self.config.commit_on_gaps;
        if in_a_row {
            self.decide(&lowest.block, ctx);
        }
    }
    /// `onCommit`: everything from what is final up to this block.
    fn decide(&mut self, block: &Hash, ctx: &mut Context<'_, Self>) {
        let (mut path, mut at) = (Vec::new(), *block);
        while at != self.committed.id() {
            let Some(entry) = self.entries.get(&at) else { return };
            path.push(entry.block().clone());
            at = entry.block().parent();
        }
        let Some(last) = path.first().cloned() else { return };
        self.unsaved += path.len() as u64;
        self.unannounced = path.iter().any(|block| !block.batch.is_empty());
        path.into_iter().rev().for_each(|block| ctx.extend(block));
        ctx.finalize(last.height());
        self.committed = last;
        self.failed = 0;
        let height = self.committed.height();
        self.entries.retain(|_, entry| entry.block().height() > height);
        self.parentless.retain(|_, vertex| vertex.block.height() > height);
        self.logged.clear();
        if self.unsaved >= IMAGE_EVERY {
            self.unsaved = 0;
            self.persist(self.image(), ctx);
        }
        // The transactions leave the mempool when the block is performed; then there may be no work left.
        ctx.set_timer(Timer::Settle, Duration::ZERO);
    }
}
