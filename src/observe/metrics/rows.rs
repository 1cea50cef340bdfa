//! The rows of the tables of a run: plain data, ready for CSV, charts and JSON.
//!
//! Instants and spans are [`Time`] and [`Duration`], and are written as seconds under names that end in `_s`. In rows of
//! transactions and blocks, of which there may be millions, [`Time::NEVER`] and [`Duration::MAX`] say that something did
//! not happen: an `Option` would need half as much memory again. They are written as empty cells, or `null` in JSON.

use crate::base::{ClientId, Duration, Height, NodeId, Time};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A property that could not be checked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UncheckedRow {
    /// The property, or `everything`.
    pub property: String,
    /// Why not.
    pub why: String,
    /// Whether the question of the run is unanswered without it: exit code 6.
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

/// The status of a transaction at the end of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    /// Final with effect, and on the canonical chain at the end.
    Executed,
    /// Final without effect.
    NoEffect,
    /// Not final; a mempool rejected or evicted it at least once.
    Rejected,
    /// It was on an honest node's chain, perhaps final there, and is not on the canonical chain at the end.
    Reverted,
    /// Not final, for no other reason.
    Pending,
}

/// A transaction. About 100 bytes.
#[derive(Clone, Debug, Serialize)]
pub struct TransactionRow {
    /// The first bytes of its hash.
    pub id: ShortId,
    /// The client that submitted it.
    pub client: ClientId,
    /// Its entry node: the node that it was submitted to first.
    pub node: NodeId,
    /// When it was first submitted.
    #[serde(rename = "submitted_s", serialize_with = "seconds")]
    pub submitted: Time,
    /// When it was first submitted to an honest node that was up.
    #[serde(rename = "taken_s", serialize_with = "seconds")]
    pub taken: Time,
    /// When an honest node first had it on its chain.
    #[serde(rename = "included_s", serialize_with = "seconds")]
    pub included: Time,
    /// When it was final at its entry node; if that is not honest, at the first honest node.
    #[serde(rename = "final_entry_s", serialize_with = "seconds")]
    pub final_entry: Time,
    /// When it was final at the first honest node.
    #[serde(rename = "final_first_s", serialize_with = "seconds")]
    pub final_first: Time,
    /// When it was final at the last honest node.
    #[serde(rename = "final_everywhere_s", serialize_with = "seconds")]
    pub final_everywhere: Time,
    /// When its client accepted it as final.
    #[serde(rename = "replied_s", serialize_with = "seconds")]
    pub replied: Time,
    /// Height of the block in which it is final.
    pub height: Option<Height>,
    /// Its bytes on the wire.
    pub bytes: u32,
    /// The fee that its sender pays to the proposer.
    pub fee: u64,
    /// Its status at the end of the run.
    pub status: TransactionStatus,
    /// Whether an honest node had it on its chain and removed it.
    pub reorged: bool,
    /// Number of retransmissions by its client.
    pub retransmissions: u16,
}

/// The status of a block at the end of the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockStatus {
    /// On the chain that honest nodes agree on at the end.
    Canonical,
    /// Not on it, and not higher than its tip.
    Stale,
    /// Higher than its tip: not decided yet.
    Undecided,
}

/// A block.
#[derive(Clone, Debug, Serialize)]
pub struct BlockRow {
    /// The first bytes of its hash.
    pub id: ShortId,
    /// Its height.
    pub height: Height,
    /// The first bytes of its parent's hash.
    pub parent: ShortId,
    /// The node that proposed it.
    pub proposer: NodeId,
    /// When a node first had it, as a rule its proposer.
    #[serde(rename = "created_s", serialize_with = "seconds")]
    pub created: Time,
    /// Number of transactions, coinbase included.
    pub transactions: u32,
    /// Its bytes on the wire.
    pub bytes: u64,
    /// Its status at the end of the run.
    pub status: BlockStatus,
    /// Number of honest nodes that had it at the end.
    pub honest_holders: u32,
    /// From creation until half of the honest nodes had it.
    #[serde(rename = "t50_s", serialize_with = "span_seconds")]
    pub t50: Duration,
    /// From creation until 90 % of the honest nodes had it.
    #[serde(rename = "t90_s", serialize_with = "span_seconds")]
    pub t90: Duration,
    /// From creation until 99 % of the honest nodes had it.
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

/// An interval of the time series.
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
    /// Median confirmation time in seconds of the transactions that became final with effect at their entry node in it.
    pub confirmation_p50_s: Option<f64>,
    /// Transactions submitted and not final at any honest node, at its end; rejected and reverted ones included.
    pub unconfirmed: u64,
    /// Blocks created.
    pub blocks: u64,
    /// Rounds that ended without a decision, each number counted when it was first noted.
    pub failed_rounds: u64,
    /// Canonical blocks created whose proposer is another than that of the block below; see the metric.
    pub leader_changes: u64,
    /// Reorganisations at honest nodes.
    pub reorgs: u64,
    /// Most blocks that an honest node removed at once.
    pub reorg_max: u64,
    /// Copies of messages sent.
    pub messages: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Mean share of the computing time of nodes that was used, 0 to 1.
    pub cpu_mean: Option<f64>,
    /// The same of the busiest node.
    pub cpu_max: Option<f64>,
    /// Most messages waiting in an inbox.
    pub inbox_max: u32,
    /// Most transactions waiting in a mempool, at its end.
    pub mempool_max: u32,
    /// The lowest height that an honest node had finalized, at its end.
    pub finalized_min: Height,
    /// The highest height that an honest node had finalized, at its end.
    pub finalized_max: Height,
}

/// A node.
#[derive(Clone, Debug, Serialize)]
pub struct NodeRow {
    /// The node.
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
    /// Its share of the weight: hash power, stake, or one of n.
    pub weight_share: f64,
    /// Number of crashes.
    pub crashes: u32,
    /// Number of reorganisations of its chain.
    pub reorgs: u64,
    /// Most blocks that it removed at once.
    pub reorg_max: u64,
    /// Rounds that ended without a decision at it.
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
    /// Number of times that honest nodes noted it.
    pub count: u64,
    /// Mean of the numbers noted.
    pub mean: f64,
    /// The greatest number noted.
    pub max: u64,
}

/// A reason for which mempools rejected transactions.
#[derive(Clone, Debug, Serialize)]
pub struct RefusalRow {
    /// The reason.
    pub reason: &'static str,
    /// Number of rejections for it.
    pub count: u64,
}

/// Reorganisations of one depth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReorgRow {
    /// Blocks removed at once.
    pub depth: u64,
    /// Number of reorganisations of this depth.
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
    /// Its description.
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

/// Whether a time was reached within the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// It was reached.
    Yes,
    /// It was not reached by the end of the run, or before the next fault period: see [`PeriodRow::watched_until`].
    No,
    /// Nothing could be measured: there is no time before the period, or the period does not end.
    NotMeasurable,
}

/// A fault period at the nodes of all regions, or of one. A time is `None` if it was not reached or could not be measured, as
/// the field after it says.
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
    /// Number of faults in it.
    pub faults: u32,
    /// The longest interval without finality that overlaps it, while a payment was outstanding.
    #[serde(rename = "outage_s", serialize_with = "optional_span_seconds")]
    pub outage: Option<Duration>,
    /// Whether that interval ended.
    pub outage_over: Reached,
    /// When that interval began, if there was one.
    #[serde(rename = "outage_from_s", serialize_with = "optional_seconds")]
    pub outage_from: Option<Time>,
    /// From its end until throughput had recovered.
    #[serde(rename = "recovery_s", serialize_with = "optional_span_seconds")]
    pub recovery: Option<Duration>,
    /// Whether it had.
    pub recovered: Reached,
    /// From its end until no more payments were outstanding than before it.
    #[serde(rename = "drain_s", serialize_with = "optional_span_seconds")]
    pub drain: Option<Duration>,
    /// Whether that was reached.
    pub drained: Reached,
    /// From its end until all nodes had caught up.
    #[serde(rename = "catch_up_s", serialize_with = "optional_span_seconds")]
    pub catch_up: Option<Duration>,
    /// Whether they had. Of all regions only.
    pub caught_up: Reached,
    /// Until when these times were measured: the end of the run. Catch-up is measured until the next period if that is
    /// earlier.
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

/// The payments of a phase of a fault period: those of all clients, or of the clients of one region.
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
    /// Of these, those that were pending at the end of the run and submitted too late to be final.
    pub undecided: u64,
    /// The share of succeeded among decided transactions, in per cent.
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
    /// Median time from submission until the client accepted the transaction as final, of those submitted in it.
    pub reply_p50_s: Option<f64>,
    /// The same, 99th percentile.
    pub reply_p99_s: Option<f64>,
}

/// A violation.
#[derive(Clone, Debug, Serialize)]
pub struct ViolationRow {
    /// The property.
    pub property: &'static str,
    /// `safety` or `liveness`.
    pub kind: &'static str,
    /// When it was found.
    #[serde(rename = "at_s", serialize_with = "seconds")]
    pub at: Time,
    /// The expected and the actual behaviour.
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

/// Writes an instant as seconds, if there is one.
#[expect(clippy::ref_option, reason = "serde calls it")]
fn optional_seconds<S: Serializer>(at: &Option<Time>, out: S) -> Result<S::Ok, S::Error> {
    at.map(Time::as_secs_f64).serialize(out)
}

/// Writes a span as seconds, if there is one.
#[expect(clippy::ref_option, reason = "serde calls it")]
fn optional_span_seconds<S: Serializer>(span: &Option<Duration>, out: S) -> Result<S::Ok, S::Error> {
    span.map(Duration::as_secs_f64).serialize(out)
}
