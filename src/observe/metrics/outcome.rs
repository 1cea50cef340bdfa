//! The results of a run: its metrics and the tables behind them.

use super::rows::{
    BlockRow, CdfPoint, FaultSpan, IntervalRow, MessageRow, NodeRow, NoteRow, PeriodRow, PhaseRow, RefusalRow,
    ReorgRow, TransactionRow, UncheckedRow, ViolationRow, seconds, span_seconds,
};
use super::summary::Summary;
use crate::base::{Duration, Time};
use serde::Serialize;

/// The results of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The metrics.
    pub summary: Summary,
    /// When measuring began.
    #[serde(rename = "measured_from_s", serialize_with = "seconds")]
    pub measured_from: Time,
    /// When measuring ended.
    #[serde(rename = "measured_to_s", serialize_with = "seconds")]
    pub measured_to: Time,
    /// When the run ended.
    #[serde(rename = "end_s", serialize_with = "seconds")]
    pub end: Time,
    /// Length of the intervals of [`Outcome::intervals`].
    #[serde(rename = "interval_s", serialize_with = "span_seconds")]
    pub interval: Duration,
    /// One row per transaction, in order of submission.
    pub transactions: Vec<TransactionRow>,
    /// One row per block, genesis excluded, in order of creation.
    pub blocks: Vec<BlockRow>,
    /// One row per interval, from the start of the run, warm-up included.
    pub intervals: Vec<IntervalRow>,
    /// One row per node.
    pub nodes: Vec<NodeRow>,
    /// One row per kind of message, in order of first use.
    pub messages: Vec<MessageRow>,
    /// One row per label that protocols noted, in order of first use.
    pub notes: Vec<NoteRow>,
    /// Number of transactions that mempools rejected or evicted, by reason.
    pub refusals: Vec<RefusalRow>,
    /// Number of reorganisations at honest nodes by depth, ascending.
    pub reorgs: Vec<ReorgRow>,
    /// For times after the creation of a block, the share of (block, honest node) pairs in which the node had it by then.
    pub propagation: Vec<CdfPoint>,
    /// For times after submission, the share of confirmed transactions that were confirmed by then.
    pub confirmation: Vec<CdfPoint>,
    /// The faults of the run.
    pub faults: Vec<FaultSpan>,
    /// One row per fault period and region: outage, recovery, drain and catch-up.
    pub periods: Vec<PeriodRow>,
    /// One row per fault period, region and phase: payments before, during and after it.
    pub phases: Vec<PhaseRow>,
    /// The violations that were kept.
    pub violations: Vec<ViolationRow>,
    /// The properties that were checked.
    pub checked: Vec<String>,
    /// The properties that could not be checked, and why.
    pub unchecked: Vec<UncheckedRow>,
}
