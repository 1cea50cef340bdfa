//! SCP: the Stellar Consensus Protocol, where each node declares its own quorum slices.
//!
//! **Source.** Mazières, "The Stellar Consensus Protocol: a federated model for Internet-level consensus", 2016; the
//! Internet draft draft-mazieres-dinrg-scp-05; the published server `stellar-core` for leaders, timers and herding. Its May
//! 2019 halt: Kim, Kwon, Kim, "Is Stellar as secure as you think?", 2019.
//!
//! **Model.** Federated Byzantine agreement: no list of members. Any two nodes agree whose quorums still meet in a correct
//! node when the faulty are taken away; those live on who have a quorum of correct nodes, when messages arrive within the
//! growing timeouts. Final when externalized: no forks as long as quorums meet.
//!
//! ```text
//!          nominate x   get the set      nominate     accepted    prepare     prepared    commit h    confirm
//! leader --+------------<-----+--------<-----+-----------+-----------+-----------+-----------+-----------+-- externalize
//! node 1 --+--> ask ----+-----+--> vote x ---+--> accept-+-> ballot -+-> accept -+-> confirm +-> accept -+-- externalize
//! node 2 --+--> ask ----+-----+--> vote x ---+--> accept-+-> ballot -+-> accept -+-> confirm +-> accept -+-- externalize
//!             d           2 d         d            d          d           d           d           d
//! ```
//!
//! **Exactly.** With one leader, equal clocks and a constant delay `d`, a ledger is externalized `9 d` after its time came:
//! three hops of nomination, two to fetch the transactions, four of ballots. Each node makes seven statements, so there
//! are `7 n (n - 1)` messages and `2 (n - 1)` for the set. The next ledger's time comes one period after the first ballot.
//!
//! **Mapping.** A value is a transaction set and a close time; a set names the ledger that it follows. No
//! particular node makes a ledger: its header names node 0. What was externalized is final here. A node that restarts states of
//! old ledgers, of which it kept no statement, only that they are committed at the infinite counter.
//!
//! **Simplified.** Quorum sets do not change during a run; upgrades are not voted on. Transactions of a set are in the order
//! of its maker. There is no history archive: ledgers are fetched one by one from peers. A client trusts the node it asks.
//!
//! **Glossary.** *Slice*: nodes that convince one node. *Quorum*: nodes that hold a slice of each of them. *Blocking*: nodes
//! that meet every slice of one node. *Accept*, *confirm*: the two steps of federated voting. *Slot*: the height
//! to be decided. *Ballot*: a counter and a value. *Composite*: what the candidates come to. *Intact*, *befouled*: nodes
//! that the faulty cannot, or can, lead astray.

mod attack;
mod ballot;
mod federation;
mod message;
mod nomination;
mod remarks;
mod slices;
mod sync;

#[cfg(test)]
mod tests;

pub use message::{Ballot, Message, Pledges, Record, Said, Statement, TransactionSet, Value};
pub use slices::{Slices, Tiers};

use crate::base::{Committee, Duration, FaultModel, Hash, Height, NodeId, QuorumSet, Signature, Time};
use crate::chain::{Block, Header, Limit, Seal};
use crate::protocol::request::Backoff;
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol};
use ballot::Balloting;
use federation::Federation;
use nomination::Nomination;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a scenario may set. Defaults are those of `stellar-core`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which others each node needs: `{ flat = 67 }` (percent of all, default), `{ tiered = { organization = 3 } }`,
    /// `{ given = [{ threshold = 2, validators = [0, 1, 2] }, ..] }`.
    pub slices: Slices,
    /// From the first ballot of a ledger to the nomination of the next. Default 5 s (`EXP_LEDGER_TIMESPAN_SECONDS`).
    pub period: Duration,
    /// How long the first round of nomination lasts. Default 1 s (`SCPDriver::computeTimeout`; the draft: 2 s).
    pub nomination_timeout: Duration,
    /// How much longer each further round lasts. Default 1 s (the same).
    pub nomination_step: Duration,
    /// How long a ballot with counter 1 lasts, once a quorum has it. Default 1 s (the same; the draft: 2 s).
    pub ballot_timeout: Duration,
    /// How much longer each further counter lasts. Default 1 s (the same).
    pub ballot_step: Duration,
    /// The most that timeouts grow to. Default 30 min (`MAX_TIMEOUT_SECONDS`).
    pub timeout_max: Duration,
    /// How far a close time may be ahead of the local clock. Default 60 s (`MAX_TIME_SLIP_SECONDS`).
    pub time_slip: Duration,
    /// How often a node repeats what it says about an open slot, for those who lost it. Default 2 s
    /// (`HerderImpl::startRebroadcastTimer`).
    pub repeat: Duration,
    /// How long a node waits for a set that it asked for, before it asks another. Default 1.5 s
    /// (`MS_TO_WAIT_FOR_FETCH_REPLY`). Each time that all who have it were asked, the wait is longer by as much, up to ten
    /// times (`MAX_REBUILD_FETCH_LIST`).
    pub fetch: Duration,
    /// How long after it learned of later ledgers a node asks all what was decided. Default 1 s (ours: peers of the original
    /// send their statements when they connect, and are asked 10 s after a node lost step). The wait doubles until a
    /// ledger closes.
    pub ask: Duration,
    /// The largest set that a node nominates or accepts. Default 1000 transactions (Stellar's network: operations) or 1 MB.
    pub block_limit: Limit,
    /// Whether a node logs what it says. Default true. Off: one that restarts may contradict itself.
    pub durable: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            slices: Slices::default(),
            period: Duration::from_secs(5),
            nomination_timeout: Duration::from_secs(1),
            nomination_step: Duration::from_secs(1),
            ballot_timeout: Duration::from_secs(1),
            ballot_step: Duration::from_secs(1),
            timeout_max: Duration::from_secs(1_800),
            time_slip: Duration::from_secs(60),
            repeat: Duration::from_secs(2),
            fetch: Duration::from_millis(1_500),
            ask: Duration::from_secs(1),
            block_limit: Limit { bytes: 1_000_000, transactions: 1_000 },
            durable: true,
        }
    }
}

/// Alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// The time of the next ledger has come.
    Trigger,
    /// A round of nomination is over.
    Nomination,
    /// A ballot takes too long.
    Ballot,
    /// Say it again.
    Repeat,
    /// A set that was asked for did not come.
    Fetch,
    /// Others are further.
    Ask,
}

/// Slots ahead of the present one whose statements are kept.
const SLOTS_AHEAD: u64 = 100;
/// Own decisions kept, and old ledgers whose transaction sets are served.
const KEPT: usize = 64;
/// How often the wait for a set grows (`MAX_REBUILD_FETCH_LIST`).
const PASSES_MAX: usize = 10;
/// The most decisions in one answer.
const ANSWER_MAX: usize = 32;

/// A set that was asked for.
#[derive(Clone, Debug)]
struct Wanted {
    /// How often.
    tries: usize,
    /// Which node, and when first.
    asked: BTreeMap<NodeId, Time>,
    /// When another node is asked.
    due: Time,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Scp {
    config: Arc<Config>,
    quorum_set: Arc<QuorumSet>,
    /// Its name.
    quorum_set_name: Hash,
    /// Quorum sets of others, by name.
    quorum_sets: BTreeMap<Hash, Arc<QuorumSet>>,
    /// The last ledger; the next one is the slot in work.
    last: Arc<Block>,
    /// When that was externalized here.
    closed: Time,
    nomination: Nomination,
    balloting: Balloting,
    /// When the first ballot of this slot began.
    ballot_began: Option<Time>,
    /// Transaction sets of this slot, and whether they can be executed, once that was looked at.
    sets: BTreeMap<Hash, (Arc<TransactionSet>, Option<bool>)>,
    /// What this node said about this slot: nomination, ballot.
    said: [Option<Arc<Statement>>; 2],
    /// The sets among these that are in the log; and whether anything of this slot is.
    logged: BTreeSet<Hash>,
    /// Statements of this and later slots that cannot be handled yet, the newest of each node and protocol.
    received: BTreeMap<(Height, NodeId, bool), Arc<Statement>>,
    /// How long the last set took to come from the node that brought it. No other node is asked before twice that: over a
    /// thin line the first copy may still be on its way, and would wait for the second. The time that others let pass in
    /// vain does not count, or silent Byzantine nodes would double it each time.
    lately: Duration,
    /// What was asked for.
    wanted: BTreeMap<Hash, Wanted>,
    /// Own decisions.
    decided: BTreeMap<Height, Arc<Statement>>,
    /// Where in the chain sets are.
    served: BTreeMap<Hash, Height>,
    /// Two statements of one node that contradict each other.
    evidence: BTreeMap<NodeId, (Pledges, Pledges)>,
    /// Whether [`Timer::Ask`] is set.
    asking: bool,
    /// Between two questions what was decided.
    ask_wait: Backoff,
    /// The height when this node last asked.
    asked: Height,
}

impl Protocol for Scp {
    const NAME: &'static str = "scp";
    const SUMMARY: &'static str = "Stellar consensus: own quorum slices, nomination and ballots, final; Byzantine";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, nodes: usize) -> Result<(), InvalidSetting> {
        let zero = |span: Duration| span.is_zero().then(|| "must be above zero".to_owned());
        let faults = [
            ("slices", config.slices.fault(nodes)),
            ("period", zero(config.period)),
            ("nomination_timeout", zero(config.nomination_timeout)),
            ("ballot_timeout", zero(config.ballot_timeout)),
            ("timeout_max", zero(config.timeout_max)),
            ("repeat", zero(config.repeat)),
            ("fetch", zero(config.fetch)),
            ("ask", zero(config.ask)),
            ("block_limit", (config.block_limit.transactions == 0).then(|| "must hold a transaction".to_owned())),
        ];
        let found = faults.into_iter().find_map(|(key, reason)| Some(InvalidSetting { key, reason: reason? }));
        found.map_or(Ok(()), Err)
    }
    fn remarks(config: &Config, committee: &Committee, faulty: &BTreeSet<NodeId>) -> Vec<String> {
        let sets = config.slices.of(committee.n());
        remarks::remarks(&sets.iter().map(|set| &**set).collect::<Vec<_>>(), faulty)
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        let quorum_set = config.slices.of(ctx.committee().n()).swap_remove(ctx.me().index());
        Scp::recover(config, quorum_set, log, ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Said(statement) => self.on_statement(from, &statement, ctx),
            Message::GetQuorumSet(name) => self.on_get_quorum_set(from, &name, ctx),
            Message::QuorumSet(set) => self.on_quorum_set(set, ctx),
            Message::GetSet(name) => self.on_get_set(from, &name, ctx),
            Message::Set(set) => self.on_set(from, set, ctx),
            Message::Ask { above } => self.on_ask(from, above, ctx),
            Message::Decided(statements) => self.on_decided(&statements, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Trigger | Timer::Nomination => self.nominate(ctx),
            Timer::Ballot => self.on_ballot_timer(ctx),
            Timer::Repeat => self.on_repeat(ctx),
            Timer::Fetch => self.on_fetch_timer(ctx),
            Timer::Ask => self.on_ask_timer(ctx),
        }
        // A slot may have ended: what was said about the next one can be handled.
        self.handle_ready(ctx);
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

impl Scp {
    fn slot(&self) -> Height {
        self.last.height().next()
    }
    fn block(&self, value: &Value, set: &TransactionSet) -> Arc<Block> {
        let header = Header {
            parent: set.previous,
            height: self.slot(),
            merkle: set.batch.digest(),
            time: value.close,
            proposer: NodeId(0),
            seal: Seal::None,
        };
        Block::new(header, set.batch.clone())
    }
    fn log(&mut self, what: Said, ctx: &mut Context<'_, Self>) {
        if self.config.durable {
            // The name of the ledger before stands for "anything".
            let first = self.logged.insert(self.last.id());
            ctx.persist(Record { slot: self.slot(), first, what });
        }
    }
    /// States what is new: first in the log, with the sets that it names, then to all.
    fn say(&mut self, pledges: Pledges, ctx: &mut Context<'_, Self>) {
        let at = usize::from(!pledges.is_nomination());
        if self.said[at].as_ref().is_some_and(|said| said.pledges == pledges) {
            return;
        }
        for value in pledges.values() {
            if let Some((set, _)) = self.sets.get(&value.set).cloned()
                && self.logged.insert(value.set)
            {
                self.log(Said::Set(set), ctx);
            }
        }
        let statement = Arc::new(self.sign(self.slot(), pledges, ctx));
        self.log(Said::Statement(statement.clone()), ctx);
        ctx.broadcast(Message::Said(statement.clone()));
        self.said[at] = Some(statement);
        ctx.set_timer(Timer::Repeat, self.config.repeat);
    }
    fn sign(&self, slot: Height, pledges: Pledges, ctx: &mut Context<'_, Self>) -> Statement {
        let signature: Signature = ctx.sign(&Statement::digest(slot, &self.quorum_set_name, &pledges));
        Statement { node: ctx.me(), slot, quorum_set: self.quorum_set_name, pledges, signature }
    }
    /// The slot is decided: the ledger closes.
    fn decide(&mut self, ctx: &mut Context<'_, Self>) {
        let (Some(commit), Some(said)) = (self.balloting.commit, self.said[1].clone()) else { return };
        let Some((set, _)) = self.sets.get(&commit.value.set).cloned() else { return };
        let block = self.block(&commit.value, &set);
        ctx.insert_block(&block).expect("a set that was executed after the last ledger");
        ctx.extend(block.clone());
        ctx.finalize(block.height());
        self.decided.insert(block.height(), said);
        self.served.insert(set.name, block.height());
        // Half of them may be old ones, requested by a node that is behind.
        while self.decided.len() > 2 * KEPT {
            self.decided.pop_first();
        }
        let oldest = Height(block.height().0.saturating_sub(KEPT as u64));
        self.served.retain(|_, height| *height > oldest || self.decided.contains_key(height));
        self.ask_wait.reset();
        let began = self.ballot_began.take().unwrap_or(ctx.now());
        (self.last, self.closed) = (block, ctx.now());
        (self.nomination, self.balloting) = (Nomination::default(), Balloting::default());
        self.said = [None, None];
        self.sets.clear();
        self.logged.clear();
        self.wanted.clear();
        for timer in [Timer::Nomination, Timer::Ballot, Timer::Repeat, Timer::Fetch] {
            ctx.cancel_timer(timer);
        }
        // Zero, if it is late: after the ledger is performed and its transactions have left the mempool.
        let due = began + self.config.period;
        ctx.set_timer(Timer::Trigger, if due > ctx.now() { due.since(ctx.now()) } else { Duration::ZERO });
    }
}
