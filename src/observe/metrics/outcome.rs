//! The results of a run: its metrics and the tables behind them.

use super::rows::{
    BlockRow, CdfPoint, FaultSpan, IntervalRow, MessageRow, NodeRow, NoteRow, PeriodRow, PhaseRow, RefusalRow,
    ReorgRow, TransactionRow, UncheckedRow, ViolationRow, seconds, span_seconds,
};
use super::summary::Summary;
use crate::base::{Duration, Time};
use serde::Serialize;

/// Everything that is known of a run when it is over.
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
    /// How often mempools refused or evicted, by reason.
    pub refusals: Vec<RefusalRow>,
    /// How often honest nodes cut their chain back, by depth, ascending.
    pub reorgs: Vec<ReorgRow>,
    /// Share of (block, honest node) pairs that were reached by a time after the block's creation.
    pub propagation: Vec<CdfPoint>,
    /// Share of confirmed transactions that were confirmed by a time after their submission.
    pub confirmation: Vec<CdfPoint>,
    /// The faults that happened, for shading.
    pub faults: Vec<FaultSpan>,
    /// One row per fault period and region: how long the chain stood still, and how soon it was well again.
    pub periods: Vec<PeriodRow>,
    /// One row per fault period, region and phase: how payments fared before, during and after.
    pub phases: Vec<PhaseRow>,
    /// The broken properties, as many as were kept.
    pub violations: Vec<ViolationRow>,
    /// What was checked.
    pub checked: Vec<String>,
    /// What could not be checked, and why.
    pub unchecked: Vec<UncheckedRow>,
}
