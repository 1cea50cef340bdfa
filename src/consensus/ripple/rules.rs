//! What decides when a ledger closes and when a round is over, apart from the node that asks.

use super::Config;
use super::message::Item;
use crate::base::{Duration, Time};

/// Times beyond which a ledger closes whatever else is (`shouldCloseLedger`).
const UNEXPECTED: Duration = Duration::from_secs(600);

/// What has become of a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consensus {
    /// Nothing yet.
    No,
    /// Enough proposers agree.
    Yes,
    /// Most proposers have finished it without this node.
    MovedOn,
    /// It takes too long.
    Expired,
}

/// What a node knows when it decides whether to close a ledger.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// Whether transactions wait.
    pub any_transactions: bool,
    /// How many others proposed in the round before.
    pub previous_proposers: usize,
    /// How many propose in this round already.
    pub proposers_closed: usize,
    /// How many have validated a later ledger already.
    pub proposers_validated: usize,
    /// How long the round before was established.
    pub previous_round: Duration,
    /// Since the last close time.
    pub since_close: Duration,
    /// How long the ledger has been open.
    pub open: Duration,
    /// When a ledger without transactions closes.
    pub idle: Duration,
}

impl Closing {
    /// Whether the ledger closes now (`shouldCloseLedger`).
    #[must_use]
    pub fn is_due(&self, config: &Config) -> bool {
        let gone = self.proposers_closed + self.proposers_validated;
        match () {
            () if self.previous_round > UNEXPECTED || self.since_close > UNEXPECTED => true,
            () if gone > self.previous_proposers / 2 => true,
            () if !self.any_transactions => self.since_close >= self.idle,
            () => self.open >= config.min_close && self.open * 2 >= self.previous_round,
        }
    }
}

/// How far a round has come at a node.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// How many others proposed in the round before.
    pub previous_proposers: usize,
    /// How many others propose now.
    pub proposers: usize,
    /// How many of them have the position of this node.
    pub agree: usize,
    /// How many have validated a later ledger.
    pub finished: usize,
    /// How long the round before was established.
    pub previous_round: Duration,
    /// How long this one has been.
    pub round: Duration,
    /// Whether all disputes have stalled.
    pub stalled: bool,
    /// Whether this node proposes: then it counts itself.
    pub proposing: bool,
}

impl Progress {
    /// What has become of the round (`checkConsensus`).
    #[must_use]
    pub fn consensus(&self, config: &Config) -> Consensus {
        let is_few = self.proposers < self.previous_proposers * 3 / 4;
        let is_early = is_few && self.round < self.previous_round + config.min_consensus;
        if self.round <= config.min_consensus || is_early {
            return Consensus::No;
        }
        // A node that is alone for too long has consensus.
        let alone = self.round > config.max_consensus;
        let reached = |part: usize, whole: usize| match whole {
            0 => alone,
            _ => 100 * part as u64 / whole as u64 >= config.quorum,
        };
        let own = usize::from(self.proposing && self.proposers > 0);
        let limit = (self.previous_round * 10).max(config.max_consensus).min(config.abandon);
        match () {
            () if self.stalled && self.proposers > 0 => Consensus::Yes,
            () if reached(self.agree + own, self.proposers + own) => Consensus::Yes,
            () if reached(self.finished, self.proposers) => Consensus::MovedOn,
            () if self.round > limit => Consensus::Expired,
            () => Consensus::No,
        }
    }
}

/// A transaction that not all positions hold, and what a node makes of it.
#[derive(Clone, Debug)]
pub struct Dispute {
    /// The transaction.
    pub item: Item,
    /// This node's vote.
    pub mine: bool,
    /// Which avalanche threshold it is at.
    pub state: usize,
    /// For how many updates.
    rounds: u32,
    /// Updates since this node changed its vote.
    unchanged: u32,
}

/// The step of the avalanche after `state` if its time has come.
pub(super) fn step(config: &Config, state: usize, percent: u64) -> Option<usize> {
    config.avalanche.get(state + 1).filter(|(from, _)| percent >= *from).map(|_| state + 1)
}

impl Dispute {
    /// A new one, with this node's vote.
    #[must_use]
    pub fn new(item: Item, mine: bool) -> Dispute {
        Dispute { item, mine, state: 0, rounds: 0, unchanged: 0 }
    }
    /// Votes again (`updateVote`); `percent` is the time of this round over that of the previous. Whether the vote changed.
    pub fn update(&mut self, yes: u64, no: u64, percent: u64, proposing: bool, config: &Config) -> bool {
        let before = self.mine;
        if (self.mine && no == 0) || (!self.mine && yes == 0) {
            return false;
        }
        self.rounds += 1;
        // An observing node counts too, to detect that a vote has stalled.
        if let Some(next) = step(config, self.state, percent).filter(|_| self.rounds >= config.min_rounds) {
            (self.state, self.rounds) = (next, 0);
        }
        if proposing {
            let weight = (100 * yes + 100 * u64::from(self.mine)) / (yes + no + 1);
            self.mine = weight > config.avalanche[self.state].1;
        } else {
            self.mine = yes > no;
        }
        self.unchanged = if self.mine == before { self.unchanged + 1 } else { 0 };
        self.mine != before
    }
    /// Whether the vote will hardly change any more (`DisputedTx::stalled`): it stands at the last threshold, nothing
    /// changed for a while, and more than the quorum, or less than what it leaves, is for it.
    #[must_use]
    pub fn is_stalled(&self, yes: u64, no: u64, peers_unchanged: u32, proposing: bool, config: &Config) -> bool {
        let is_last = self.state + 1 == config.avalanche.len() && self.rounds >= config.min_rounds;
        let is_new = proposing && self.unchanged < config.min_rounds;
        let is_lively = peers_unchanged < config.stalled_rounds && proposing && self.unchanged < config.stalled_rounds;
        let (yes, all) = (yes + u64::from(proposing && self.mine), yes + no + u64::from(proposing));
        if !is_last || is_new || is_lively || all == 0 {
            return false;
        }
        let weight = 100 * yes / all;
        weight > config.quorum || weight < 100 - config.quorum
    }
}

/// How many of so many make this percentage, at least one (`participantsNeeded`).
#[must_use]
pub fn participants_needed(all: u64, percent: u64) -> u64 {
    ((all * percent + percent / 2) / 100).max(1)
}

/// Rounds to the nearest multiple, up from the middle (`roundCloseTime`).
#[must_use]
pub fn rounded(time: Time, bin: Duration) -> Time {
    let up = time + bin / 2;
    Time::from_nanos(up.as_nanos() - up.as_nanos() % bin.as_nanos())
}

/// The close time of a ledger: what was agreed on, rounded, or nothing; after that of the ledger before in any case
/// (`effCloseTime`).
#[must_use]
pub fn close_time(agreed: Option<Time>, before: Time) -> Time {
    let after = before + Duration::from_secs(1);
    agreed.map_or(after, |close| close.max(after))
}

/// The close-time resolution of the ledger of this number, of so many: coarser after disagreement, finer every eighth
/// ledger (`getNextLedgerTimeResolution`).
#[must_use]
pub fn next_bin(bin: u8, agreed: bool, number: u64, resolutions: usize) -> u8 {
    match agreed {
        false => (bin + 1).min(resolutions as u8 - 1),
        true if number.is_multiple_of(8) => bin.saturating_sub(1),
        true => bin,
    }
}

/// How many of a list may be disabled (`negativeUNLMaxListed`): a quarter, rounded up; one always remains.
#[must_use]
pub fn negative_most(members: usize) -> usize {
    members.div_ceil(4).min(members.saturating_sub(1))
}
