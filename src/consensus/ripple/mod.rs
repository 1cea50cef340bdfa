//! Ripple: the XRP Ledger consensus protocol, where each node trusts a list of its own.
//!
//! **Source.** Chase and `MacBrough`, "Analysis of the XRP Ledger Consensus Protocol", 2018 (arXiv 1802.07242), for the
//! rules and the bound on overlap; the published server `rippled` for parameters, avalanche, close time, preferred branch
//! and negative UNL. Attacks: Armknecht et al. 2015; Amores-Sesar, Cachin and Micic 2020.
//!
//! **Model.** Of a list of `n` trusted nodes a fifth may be Byzantine; any two nodes `i`, `j` must share more than
//! `n_j / 2 + n_i - q_i + t` trusted nodes, or their ledgers can fork. Final at full validation. Closed ledgers that are
//! not validated are forks of a node's chain. Progress needs messages that arrive within a second or so, and is not
//! guaranteed even then. One Byzantine node that shows every node what that node said can keep ledgers apart for ever. Rarely, honest
//! nodes do so alone: rounds in which no other node proposes last as long as nodes that are ahead wait, so that those behind
//! may never come level; and nodes that all change to one branch at once propose nothing there, and part again.
//!
//! ```text
//!          open >= 2 s            establish >= 1.95 s               next round opens
//! node 0 --+--- close ---Propose 0--+---- (Propose 1 ..) ---- accept --+-Validation--+ quorum: fully validated
//! node 1 --+--- close ---Propose 0--+---- (Propose 1 ..) ---- accept --+-Validation--+
//! node 2 --+--- close ---Propose 0--+---- (Propose 1 ..) ---- accept --+-Validation--+
//!                        n(n-1) each change of position                n(n-1)
//! ```
//!
//! **Exactly.** All acts happen at ticks of `g` = 1 s of the local clock. With equal positions, clocks in step and a
//! constant delay `d < g`, a ledger closes at a tick `T`, is accepted at `T + E`, with `E = g * ceil(1.95 s / g)` = 2 s, and
//! is fully validated everywhere at `T + E + d`. Under load the next one closes `O = g * ceil(2 s / g)` = 2 s after that: a
//! ledger every 4 s. Without transactions it closes two close-time resolutions after the last close time, 60 s at first. The first round takes the idle interval for the previous round and opens for half of it, 7.5 s: it
//! closes at 8 s. Each ledger costs `2 n (n - 1)` messages. Each change of position adds one tick and `n - 1` messages per
//! node that changes.
//!
//! **Mapping.** A ledger's name covers its block and the state after it, as in the XRP Ledger, so a validation vouches for
//! a snapshot. A ledger has no single proposer: its header names node 0. Transactions of the canonical order are
//! sorted by account, hashed with the set's name, and number.
//!
//! **Simplified.** Lists are fixed and keys are not rotated; fees and amendments are not voted on. Proposals are not
//! relayed by other nodes, so positions that differ between peers are noticed where both arrive. A disputed transaction is
//! not taken without its disputed predecessor of the same account; one that cannot be executed all the same stays in the
//! ledger without effect, and its client may submit it again. The 2014 protocol is not here, except that its thresholds can
//! be set (`avalanche`). A client trusts the node that it asks.
//!
//! **Glossary.** *UNL*: unique node list, the nodes that a node trusts. *Position*: proposed set and close time.
//! *Dispute*: a transaction that not all positions hold. *Working ledger*: the last one closed here. *Negative UNL*:
//! trusted nodes that are not counted for now. *Preferred branch*: where the trusted validations lead. *Pause*: a node
//! ahead of the last validated ledger waits for those behind, so that branches that went apart become comparable.

mod attack;
mod ledgers;
mod message;
mod round;
pub mod rules;
mod sets;
#[cfg(test)]
mod tests;
pub mod unl;

pub use message::{Answer, Item, Ledger, Message, Proposal, Record, Set, Validation};
pub use unl::Unl;

use crate::base::{Committee, Duration, FaultModel, Hash, Height, NodeId, Time};
use crate::chain::{BlockIndex, Limit};
use crate::protocol::request::Backoff;
use crate::protocol::votes::Votes;
use crate::protocol::{Attacker, Context, InvalidSetting, Protocol};
use rules::Dispute;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sets::Arrival;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What a node keeps and serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum History {
    /// All ledgers since the node started: a node that is behind replays them, or is given the last validated state if
    /// some are missing.
    #[default]
    Full,
    /// The last validated state and what follows: a node that is behind is given that state.
    State,
}

/// What a scenario may set. Defaults are those of `rippled` where nothing else is said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which others each node trusts: `"all"` (default), `{ overlap = 0.9 }` for two lists, `{ lists = [[0, 1], [1, 0]] }`.
    pub unl: Unl,
    /// Whether nodes keep and serve all ledgers (`"full"`, default) or only the last validated state (`"state"`).
    pub history: History,
    /// How often a node looks at the state of the round. Default 1 s (`ledgerGRANULARITY`).
    pub granularity: Duration,
    /// Percent of the proposers that must agree, and of a list that must validate. Default 80 (`minCONSENSUS_PCT`,
    /// `ValidatorList::calculateQuorum`).
    pub quorum: u64,
    /// No consensus before this. Default 1.95 s (`ledgerMIN_CONSENSUS`).
    pub min_consensus: Duration,
    /// A round takes at most this if no other node proposes, and waits at most this for nodes that are behind. Default 15 s
    /// (`ledgerMAX_CONSENSUS`).
    pub max_consensus: Duration,
    /// A round is abandoned after ten times the previous one, but not later than this. Default 120 s
    /// (`ledgerABANDON_CONSENSUS`).
    pub abandon: Duration,
    /// How long a ledger with transactions is open at least. Default 2 s (`ledgerMIN_CLOSE`).
    pub min_close: Duration,
    /// When a ledger without transactions closes: so long after the last close time, and at least two close-time
    /// resolutions after it. Default 15 s (`ledgerIDLE_INTERVAL`): 60 s at the first resolution of 30 s.
    pub idle_interval: Duration,
    /// How old a position may be, and the last word of a node that is waited for. Default 20 s (`proposeFRESHNESS`,
    /// `validationFRESHNESS`).
    pub proposal_fresh: Duration,
    /// How often a position is repeated. Default 12 s (`proposeINTERVAL`).
    pub proposal_interval: Duration,
    /// From which percent of the previous round's time which percent of yes votes a dispute needs more than.
    /// Default `[[0, 50], [50, 65], [85, 70], [200, 95]]` (`avalancheCutoffs`).
    pub avalanche: Vec<(u64, u64)>,
    /// Updates that a dispute stays at one threshold at least. Default 2 (`avMIN_ROUNDS`).
    pub min_rounds: u32,
    /// Updates without any change after which a dispute at the last threshold is settled as it stands. Default 4
    /// (`avSTALLED_ROUNDS`).
    pub stalled_rounds: u32,
    /// What a shorter previous round counts as. Default 5 s (`avMIN_CONSENSUS_TIME`).
    pub min_previous_round: Duration,
    /// Percent of the proposers that must agree on the close time. Default 75 (`avCT_CONSENSUS_PCT`).
    pub close_time_agreement: u64,
    /// Close-time resolutions, finest first; the third is the first. Default 10, 20, 30, 60, 90, 120 s
    /// (`ledgerPossibleTimeResolutions`, `ledgerDefaultTimeResolution`).
    pub bins: Vec<Duration>,
    /// How far behind a validation's time may be. Default 3 min (`validationCURRENT_EARLY`).
    pub validation_early: Duration,
    /// How far ahead it may be. Default 5 min (`validationCURRENT_WALL`).
    pub validation_wall: Duration,
    /// How long a node waits for a set or the rest of it before it asks another. Default 250 ms (`TransactionAcquire`).
    /// The wait doubles with each request that brought nothing (ours: the original asks one peer more each time).
    pub set_timeout: Duration,
    /// How long a node waits for a ledger before it asks another. Default 3 s (`InboundLedger`). The wait doubles up to
    /// `max_consensus` (ours: the original asks more and more peers, and gives up for a while after six times).
    pub ledger_timeout: Duration,
    /// Whether unreliable nodes are put on a negative UNL. Default false.
    pub negative_unl: bool,
    /// Ledgers over which reliability is measured. Default 256 (`FLAG_LEDGER_INTERVAL`).
    pub flag_interval: u64,
    /// The largest set that a node proposes; larger ones can be agreed on. Default 512 transactions or 1 MB: the order of
    /// what the network takes.
    pub block_limit: Limit,
}

impl Default for Config {
    fn default() -> Config {
        let seconds = Duration::from_secs;
        Config {
            unl: Unl::All,
            history: History::Full,
            granularity: seconds(1),
            quorum: 80,
            min_consensus: Duration::from_millis(1_950),
            max_consensus: seconds(15),
            abandon: seconds(120),
            min_close: seconds(2),
            idle_interval: seconds(15),
            proposal_fresh: seconds(20),
            proposal_interval: seconds(12),
            avalanche: vec![(0, 50), (50, 65), (85, 70), (200, 95)],
            min_rounds: 2,
            stalled_rounds: 4,
            min_previous_round: seconds(5),
            close_time_agreement: 75,
            bins: [10, 20, 30, 60, 90, 120].map(seconds).to_vec(),
            validation_early: seconds(180),
            validation_wall: seconds(300),
            set_timeout: Duration::from_millis(250),
            ledger_timeout: seconds(3),
            negative_unl: false,
            flag_interval: 256,
            block_limit: Limit { bytes: 1_000_000, transactions: 512 },
        }
    }
}

/// Alarm clocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Timer {
    /// Time to look at the round.
    Tick,
    /// This node's own validation is durable.
    Own,
    /// A set that was asked for did not come.
    Sets,
}

/// How a node takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// In step: proposes, and validates in full.
    Proposing,
    /// Fell out of step in this round, or just started: only watches.
    Observing,
    /// Lacks the ledger that the others work on.
    WrongLedger,
}

/// A ledger that this node has, with its parent and all between it and the last validated one.
#[derive(Clone, Debug)]
struct Known {
    ledger: Arc<Ledger>,
    /// Of block and state.
    name: Hash,
    index: BlockIndex,
}

impl Known {
    fn height(&self) -> Height {
        self.ledger.block.height()
    }
}

/// A request for ledgers.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// The ledger's name.
    wanted: Hash,
    /// Only what is above this number.
    above: Height,
    /// The number of the ledger, as those say who validated it.
    height: Height,
}

/// The validations of one height.
#[derive(Clone, Debug, Default)]
struct Slot {
    /// The full ones; the first of each node counts.
    votes: Votes,
    validations: BTreeMap<NodeId, Validation>,
}

/// Two signed messages of one node that contradict each other.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// Two ledgers of one number.
    Validations(Validation, Validation),
    /// Two positions of one number.
    Proposals(Proposal, Proposal),
}

/// A node.
#[derive(Clone, Debug)]
pub struct Ripple {
    config: Arc<Config>,
    /// The nodes that this node trusts: weight 1.
    unl: Committee,
    members: BTreeSet<NodeId>,
    ledgers: BTreeMap<BlockIndex, Known>,
    names: BTreeMap<Hash, BlockIndex>,
    /// The working ledger.
    tip: Known,
    /// The last fully validated one, an ancestor of the working ledger.
    validated: Known,
    /// The working ledger when the log was last written.
    logged: BlockIndex,
    /// The highest number that this node validated: it never validates that or a lower one again.
    largest: Height,
    /// Its last validation, until it may be counted.
    own: Option<Validation>,
    /// The last validation of each trusted node.
    latest: BTreeMap<NodeId, Validation>,
    /// The one before, if the ledger of that was here: counts until that of the last one is.
    earlier: BTreeMap<NodeId, Validation>,
    slots: BTreeMap<Height, Slot>,
    /// Validations of ledgers every so often, to prove the way to a node that is behind.
    certificates: BTreeMap<Height, Arc<[Validation]>>,
    /// Validations received from each member since the last flag ledger.
    validated_by: BTreeMap<NodeId, u64>,
    evidence: BTreeMap<NodeId, Evidence>,
    /// What each node was asked for last: an answer is taken whenever it comes.
    asked: BTreeMap<NodeId, Request>,
    /// Before this time no other peer is asked for a ledger.
    ask_due: Time,
    ask_wait: Backoff,
    /// Up to where the way to a missing ledger came: the next request begins there.
    reached: Height,
    mode: Mode,
    /// The present tick.
    instant: Time,
    /// When the phase began.
    since: Time,
    /// When this node closed a ledger last.
    closed: Time,
    /// This node's position, in the establish phase.
    position: Option<Arc<Set>>,
    close: Option<Time>,
    seq: u32,
    /// When the position was last sent.
    proposed_at: Time,
    /// Positions of trusted nodes in this round, with the time at which they came.
    current: BTreeMap<NodeId, (Proposal, Time)>,
    /// The last position of each trusted node in another round.
    recent: BTreeMap<NodeId, (Proposal, Time)>,
    /// Who left this round.
    left: BTreeSet<NodeId>,
    sets: BTreeMap<Hash, Arc<Set>>,
    /// Those of the last rounds, the latest first, for nodes that are still in them.
    past_sets: VecDeque<BTreeMap<Hash, Arc<Set>>>,
    /// Sets that were asked for, by name.
    arrivals: BTreeMap<Hash, Arrival>,
    /// Those of them that were requested.
    asked_items: BTreeSet<Hash>,
    disputes: BTreeMap<Hash, Dispute>,
    /// The avalanche threshold of the close time.
    close_state: usize,
    close_agreed: bool,
    /// Updates since a peer changed its position.
    peers_unchanged: u32,
    previous_round: Duration,
    previous_proposers: usize,
}

impl Protocol for Ripple {
    const NAME: &'static str = "ripple";
    const SUMMARY: &'static str =
        "XRP Ledger consensus: own trusted lists, under 1/5 Byzantine, final at full validation";
    const FAULTS: FaultModel = FaultModel::Byzantine;
    const ATTACKS: &'static [(&'static str, &'static str)] = attack::ATTACKS;
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn check(config: &Config, nodes: usize) -> Result<(), InvalidSetting> {
        let zero = |span: Duration| span.is_zero();
        let faults = [
            ("unl", config.unl.fault(nodes)),
            ("granularity", zero(config.granularity).then(|| "must be above zero".to_owned())),
            ("set_timeout", zero(config.set_timeout).then(|| "must be above zero".to_owned())),
            ("ledger_timeout", zero(config.ledger_timeout).then(|| "must be above zero".to_owned())),
            ("min_previous_round", zero(config.min_previous_round).then(|| "must be above zero".to_owned())),
            ("quorum", (!(1..=100).contains(&config.quorum)).then(|| "must be from 1 to 100".to_owned())),
            (
                "avalanche",
                (config.avalanche.first().is_none_or(|step| step.0 != 0) || !config.avalanche.is_sorted())
                    .then(|| "must begin at 0 and rise".to_owned()),
            ),
            (
                "bins",
                (config.bins.len() < 3 || config.bins.len() > 255 || config.bins.iter().copied().any(zero))
                    .then(|| "must be at least three spans above zero".to_owned()),
            ),
            ("flag_interval", (config.flag_interval < 2).then(|| "must be at least 2".to_owned())),
            ("block_limit", (config.block_limit.transactions == 0).then(|| "must hold a transaction".to_owned())),
        ];
        let found = faults.into_iter().find_map(|(key, reason)| Some(InvalidSetting { key, reason: reason? }));
        found.map_or(Ok(()), Err)
    }
    /// So many may be missing from a quorum: a fifth, not the third of other Byzantine protocols.
    fn committee(config: &Config, weights: Vec<u64>) -> Committee {
        let committee = Committee::weighted(weights, FaultModel::Byzantine);
        let spare = committee.total() - committee.share(config.quorum);
        let faulty = spare.min(committee.faulty());
        committee.clone().tolerating(faulty).unwrap_or(committee)
    }
    fn remarks(config: &Config, committee: &Committee, faulty: &BTreeSet<NodeId>) -> Vec<String> {
        unl::remarks(&config.unl, config.quorum, committee.n(), faulty)
    }
    fn boot(config: &Arc<Config>, log: &[Record], ctx: &mut Context<'_, Self>) -> Self {
        Ripple::recover(config, log.last(), ctx)
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Propose(proposal) => self.on_propose(proposal, ctx),
            Message::Validate(validation) => self.on_validation(validation, ctx),
            Message::HaveSet(name) => self.on_have_set(from, name, ctx),
            Message::GetSet(name) => self.on_get_set(from, name, ctx),
            Message::SetNames(names) => self.on_set_names(from, &names, ctx),
            Message::GetItems { set, items } => self.on_get_items(from, &set, &items, ctx),
            Message::Items(items) => self.on_items(from, &items, ctx),
            Message::GetLedger { wanted, above } => self.on_get_ledger(from, &wanted, above, ctx),
            Message::Ledgers(answer) => self.on_ledgers(from, &answer, ctx),
        }
    }
    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        match timer {
            Timer::Tick => self.on_tick(ctx),
            Timer::Sets => self.on_sets_timer(ctx),
            Timer::Own => {
                if let Some(own) = self.own.take() {
                    self.count(own, ctx);
                }
            }
        }
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
