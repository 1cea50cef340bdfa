//! The rows of the tables of a run: plain data, ready for CSV, charts and JSON.
//!
//! Instants and spans are kept as [`Time`] and [`Duration`] and written as seconds, under names that end in `_s`.
//! [`Time::NEVER`] stands for what did not happen; it is written as an empty cell, or `null` in JSON.

use crate::base::{ClientId, Duration, Height, NodeId, Time};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// Something that could not be checked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UncheckedRow {
    /// The property, or `everything`.
    pub property: String,
    /// Why not.
    pub why: String,
    /// Whether the question of the run is open without it: exit code 6.
    pub decisive: bool,
}

/// The first eight bytes of a hash, shown as its first sixteen hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ShortId(pub u64);

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0.swap_bytes())
    }
}

impl Serialize for ShortId {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    /// It is final, had its effect, and is on the canonical chain at the end.
    Executed,
    /// It is final and had no effect.
    NoEffect,
    /// It is not final; a mempool refused or evicted it at least once.
    Rejected,
    /// It was on an honest node's chain, perhaps even final there, and is not on the canonical chain at the end.
    Reverted,
    /// It is not final yet.
    Pending,
}

/// A transaction. About 100 bytes.
#[derive(Clone, Debug, Serialize)]
pub struct TransactionRow {
    /// Its short name.
    pub id: ShortId,
    /// Who asked.
    pub client: ClientId,
    /// Its home: the node that it was handed to first.
    pub node: NodeId,
    /// When it was handed over first.
    #[serde(rename = "submitted_s", serialize_with = "seconds")]
    pub submitted: Time,
    /// When it was first handed to an honest node that was up; never if it was not.
    #[serde(rename = "taken_s", serialize_with = "seconds")]
    pub taken: Time,
    /// When an honest node first had it on its chain.
    #[serde(rename = "included_s", serialize_with = "seconds")]
    pub included: Time,
    /// When it was final at its home; if the home is not honest, at the first honest node.
    #[serde(rename = "final_entry_s", serialize_with = "seconds")]
    pub final_entry: Time,
    /// When it was final at the first honest node.
    #[serde(rename = "final_first_s", serialize_with = "seconds")]
    pub final_first: Time,
    /// When it was final at the last honest node.
    #[serde(rename = "final_everywhere_s", serialize_with = "seconds")]
    pub final_everywhere: Time,
    /// When its client believed it final.
    #[serde(rename = "replied_s", serialize_with = "seconds")]
    pub replied: Time,
    /// Height of the block in which it is final.
    pub height: Option<Height>,
    /// Its bytes on the wire.
    pub bytes: u32,
    /// What its sender pays the proposer.
    pub fee: u64,
    /// What became of it.
    pub status: TransactionStatus,
    /// Whether an honest node had it on its chain and cut it off.
    pub reorged: bool,
    /// Times that it was sent again.
    pub retransmissions: u16,
}

/// Where a block ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockStatus {
    /// On the chain that honest nodes agree on at the end.
    Canonical,
    /// Not on it, though not above its tip.
    Stale,
    /// Above its tip: too young to tell.
    Undecided,
}

/// A block.
#[derive(Clone, Debug, Serialize)]
pub struct BlockRow {
    /// Its short name.
    pub id: ShortId,
    /// Its height.
    pub height: Height,
    /// Its parent's short name.
    pub parent: ShortId,
    /// Who made it.
    pub proposer: NodeId,
    /// When a node first held it, its proposer as a rule.
    #[serde(rename = "created_s", serialize_with = "seconds")]
    pub created: Time,
    /// Number of transactions, coinbase included.
    pub transactions: u32,
    /// Its bytes on the wire.
    pub bytes: u64,
    /// Where it ended.
    pub status: BlockStatus,
    /// Honest nodes that held it at the end.
    pub honest_holders: u32,
    /// From creation until half of the honest nodes held it.
    #[serde(rename = "t50_s", serialize_with = "span_seconds")]
    pub t50: Duration,
    /// From creation until 90 % of the honest nodes held it.
    #[serde(rename = "t90_s", serialize_with = "span_seconds")]
    pub t90: Duration,
    /// From creation until 99 % of the honest nodes held it.
    #[serde(rename = "t99_s", serialize_with = "span_seconds")]
    pub t99: Duration,
    /// When it was final at the first honest node.
    #[serde(rename = "final_first_s", serialize_with = "seconds")]
    pub final_first: Time,
    /// When it was first final at an honest node that was up and could reach a quorum (under proof of work: most of the
    /// power); while no honest node could, at any honest node.
    #[serde(rename = "final_connected_s", serialize_with = "seconds")]
    pub final_connected: Time,
    /// When it was final at the last honest node.
    #[serde(rename = "final_everywhere_s", serialize_with = "seconds")]
    pub final_everywhere: Time,
}

/// What happened within an interval.
#[derive(Clone, Debug, Serialize)]
pub struct IntervalRow {
    /// When it begins (inclusive).
    #[serde(rename = "start_s", serialize_with = "seconds")]
    pub start: Time,
    /// When it ends (exclusive); the last one ends with the run.
    #[serde(rename = "end_s", serialize_with = "seconds")]
    pub end: Time,
    /// Transactions submitted.
    pub submitted: u64,
    /// Transactions that became final with effect, at the first honest node.
    pub confirmed: u64,
    /// The same per second.
    #[serde(rename = "throughput_tps")]
    pub throughput: f64,
    /// Median confirmation time of the transactions that became final with effect at their home in it, in seconds.
    pub confirmation_p50_s: Option<f64>,
    /// Transactions submitted and not final at any honest node, at its end; also those that are refused or lost.
    pub unconfirmed: u64,
    /// Blocks created.
    pub blocks: u64,
    /// Rounds that ended without a decision, each number counted when it was noted first.
    pub failed_rounds: u64,
    /// Canonical blocks created whose proposer is another than that of the block below; see the figure.
    pub leader_changes: u64,
    /// Times that an honest node cut its chain back.
    pub reorgs: u64,
    /// Blocks that an honest node cut off at once, at most.
    pub reorg_max: u64,
    /// Copies of messages sent.
    pub messages: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Mean share of computing time that nodes were busy, 0 to 1.
    pub cpu_mean: Option<f64>,
    /// The same of the busiest node.
    pub cpu_max: Option<f64>,
    /// Most messages waiting in an inbox.
    pub inbox_max: u32,
    /// Most transactions waiting in a mempool, at its end.
    pub mempool_max: u32,
    /// The least height that an honest node had finalized, at its end.
    pub finalized_min: Height,
    /// The greatest height that an honest node had finalized, at its end.
    pub finalized_max: Height,
}

/// A node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeRow {
    /// Which.
    pub node: NodeId,
    /// Whether it follows the protocol.
    pub honest: bool,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Bytes written to its log.
    pub written_bytes: u64,
    /// Time spent computing, over all cores.
    #[serde(rename = "busy_s", serialize_with = "span_seconds")]
    pub busy: Duration,
    /// Share of its computing time that it was busy, 0 to 1.
    pub cpu: f64,
    /// Most messages waiting in its inbox.
    pub inbox_max: u32,
    /// Its blocks on the canonical chain.
    pub blocks_canonical: u64,
    /// Its blocks that went stale.
    pub blocks_stale: u64,
    /// Its share of the canonical blocks.
    pub block_share: f64,
    /// Its share of the power: hash power, stake, or one of n.
    pub weight_share: f64,
    /// Times that it crashed.
    pub crashes: u32,
    /// Times that it cut its chain back.
    pub reorgs: u64,
    /// Blocks that it cut off at once, at most.
    pub reorg_max: u64,
    /// Rounds that it saw end without a decision.
    pub failed_rounds: u64,
    /// Height of its chain at the end.
    pub height: Height,
    /// Height up to which it had finalized.
    pub finalized: Height,
}

/// A kind of message.
#[derive(Clone, Debug, Serialize)]
pub struct MessageRow {
    /// Its name.
    pub kind: &'static str,
    /// Copies sent.
    pub sent: u64,
    /// Bytes sent, framing included.
    pub sent_bytes: u64,
    /// Copies that reached an inbox.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
}

/// A label that protocols noted.
#[derive(Clone, Debug, Serialize)]
pub struct NoteRow {
    /// The label.
    pub label: &'static str,
    /// How often honest nodes noted it.
    pub count: u64,
    /// Mean of the numbers noted.
    pub mean: f64,
    /// The greatest.
    pub max: u64,
}

/// A reason to refuse a transaction.
#[derive(Clone, Debug, Serialize)]
pub struct RefusalRow {
    /// The reason.
    pub reason: &'static str,
    /// How often it was given.
    pub count: u64,
}

/// Reorganisations of one depth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReorgRow {
    /// Blocks cut off at once.
    pub depth: u64,
    /// How often.
    pub count: u64,
}

/// A point of a cumulative distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CdfPoint {
    /// Seconds.
    #[serde(rename = "at_s")]
    pub at: f64,
    /// Share that is at or below, 0 to 1.
    pub share: f64,
}

/// A fault.
#[derive(Clone, Debug, Serialize)]
pub struct FaultSpan {
    /// Its number in the schedule.
    pub fault: u32,
    /// What it is.
    pub label: String,
    /// When it began.
    #[serde(rename = "start_s", serialize_with = "seconds")]
    pub start: Time,
    /// When it ended; never if it did not.
    #[serde(rename = "end_s", serialize_with = "seconds")]
    pub end: Time,
    /// The number of its fault period.
    pub period: u32,
}

/// Whether a time that is asked for was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// It was.
    Yes,
    /// Not by the end of the run, or not before the next fault period: see [`PeriodRow::watched_until`].
    No,
    /// Nothing could be measured: there is no time before the period, or the period does not end.
    NotMeasurable,
}

/// A fault period at the nodes of all regions, or of one. The times of [`Duration::MAX`] were not reached or could not
/// be measured, as the word beside each says.
#[derive(Clone, Debug, Serialize)]
pub struct PeriodRow {
    /// Its number, from 0, in order of time.
    pub period: u32,
    /// The region; empty for all.
    pub region: String,
    /// When its first fault began.
    #[serde(rename = "start_s", serialize_with = "seconds")]
    pub start: Time,
    /// When its last fault ended; never if one did not.
    #[serde(rename = "end_s", serialize_with = "seconds")]
    pub end: Time,
    /// How many faults it is made of.
    pub faults: u32,
    /// The longest interval without finality that overlaps it, while a payment was outstanding.
    #[serde(rename = "outage_s", serialize_with = "span_seconds")]
    pub outage: Duration,
    /// Whether that interval ended.
    pub outage_over: Reached,
    /// When that interval began.
    #[serde(rename = "outage_from_s", serialize_with = "seconds")]
    pub outage_from: Time,
    /// From its end until throughput was back.
    #[serde(rename = "recovery_s", serialize_with = "span_seconds")]
    pub recovery: Duration,
    /// Whether it was.
    pub recovered: Reached,
    /// From its end until no more payments were outstanding than before.
    #[serde(rename = "drain_s", serialize_with = "span_seconds")]
    pub drain: Duration,
    /// Whether that came.
    pub drained: Reached,
    /// From its end until all nodes had caught up.
    #[serde(rename = "catch_up_s", serialize_with = "span_seconds")]
    pub catch_up: Duration,
    /// Whether they had. Of all regions only.
    pub caught_up: Reached,
    /// Until when all this was awaited: the end of the run. Catching up is awaited until the next period, if it is earlier.
    #[serde(rename = "watched_until_s", serialize_with = "seconds")]
    pub watched_until: Time,
}

/// Before, during or after a fault period.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// From the end of the period before, or of the warm-up if that is later, until the period starts.
    Before,
    /// While it lasts.
    During,
    /// From its end until the next period starts, or the measured window ends.
    After,
}

/// How payments fared in a phase of a fault period: those of all clients, or of the clients of one region.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseRow {
    /// The number of the period.
    pub period: u32,
    /// Which phase.
    pub phase: Phase,
    /// The region; empty for all.
    pub region: String,
    /// When the phase starts.
    #[serde(rename = "start_s", serialize_with = "seconds")]
    pub start: Time,
    /// When it ends.
    #[serde(rename = "end_s", serialize_with = "seconds")]
    pub end: Time,
    /// Transactions submitted in it.
    pub submitted: u64,
    /// Of these, those that were final with effect by the end of the run.
    pub succeeded: u64,
    /// Of these, those that were pending at the end of the run and could not be final yet.
    pub undecided: u64,
    /// What succeeded of what is decided, in per cent.
    pub success_rate: Option<f64>,
    /// Transactions that became final with effect in it, whenever they were submitted.
    pub confirmed: u64,
    /// The same per second.
    #[serde(rename = "throughput_tps")]
    pub throughput: Option<f64>,
    /// Median confirmation time of the transactions submitted in it that were final with effect by the end of the run.
    pub confirmation_p50_s: Option<f64>,
    /// The same, 99th percentile.
    pub confirmation_p99_s: Option<f64>,
    /// Median time from submission until the client believed it final, of the transactions submitted in it.
    pub reply_p50_s: Option<f64>,
    /// The same, 99th percentile.
    pub reply_p99_s: Option<f64>,
}

/// A broken property.
#[derive(Clone, Debug, Serialize)]
pub struct ViolationRow {
    /// Which.
    pub property: &'static str,
    /// `safety` or `liveness`.
    pub kind: &'static str,
    /// When it was seen.
    #[serde(rename = "at_s", serialize_with = "seconds")]
    pub at: Time,
    /// What was expected and what was found.
    pub what: String,
}

/// Writes an instant as seconds, [`Time::NEVER`] as nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
pub fn seconds<S: Serializer>(at: &Time, out: S) -> Result<S::Ok, S::Error> {
    if *at == Time::NEVER { out.serialize_none() } else { out.serialize_some(&at.as_secs_f64()) }
}

/// Writes a span as seconds, [`Duration::MAX`] as nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
pub fn span_seconds<S: Serializer>(span: &Duration, out: S) -> Result<S::Ok, S::Error> {
    if *span == Duration::MAX { out.serialize_none() } else { out.serialize_some(&span.as_secs_f64()) }
}
