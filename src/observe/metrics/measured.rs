//! What metrics are computed from: the rows of a run and its counters, with what is shared by several metrics.

use super::message_counters::Traffic;
use super::rows::{BlockRow, NodeRow, PeriodRow, PhaseRow, TransactionRow, TransactionStatus};
use super::statistics::percentile;
use crate::base::{Duration, Time};
use crate::observe::check::Verdict;
use std::collections::BTreeMap;

/// The tables of a run.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// All transactions.
    pub transactions: &'a [TransactionRow],
    /// All blocks.
    pub blocks: &'a [BlockRow],
    /// All nodes.
    pub nodes: &'a [NodeRow],
    /// Fault periods of all regions together, and of each.
    pub periods: &'a [PeriodRow],
    /// The same, by phase.
    pub phases: &'a [PhaseRow],
}

/// What the scenario says and what was counted while the run went on.
pub struct RunCounts<'a> {
    /// The configured rate of submissions, in transactions per second.
    pub offered: Option<f64>,
    /// What mining draws, in watts.
    pub mining_watts: Option<f64>,
    /// Cores of every node.
    pub cores: u32,
    /// For every node its weight.
    pub weights: &'a [f64],
    /// Sent within the measured window.
    pub sent: Traffic,
    /// Copies of messages lost.
    pub messages_lost: u64,
    /// The longest interval in which no new block became final.
    pub longest_gap: Duration,
    /// Reorganisations by depth.
    pub reorgs: &'a BTreeMap<u64, u64>,
    /// Distinct numbers of failed rounds.
    pub failed_round_numbers: u64,
    /// Transactions that wait behind a nonce without effect.
    pub blocked_by_gap: u64,
    /// Arrivals for which the client had nothing to spend.
    pub skipped_requests: u64,
    /// Times that linearizable reads took.
    pub reads: &'a [Duration],
    /// Of the nodes of which something is known within the measured window.
    pub usage: Vec<NodeUsage>,
}

/// What a node used within the measured window.
pub struct NodeUsage {
    /// Time spent computing, over all cores.
    pub busy: Duration,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Time in which both were measured; not zero.
    pub time: Duration,
    /// The greatest rate at which it sent between two readings, in bits per second.
    pub peak_rate: f64,
}

impl NodeUsage {
    /// The mean rate at which it sent.
    pub fn bits_per_second(&self) -> f64 {
        self.sent_bytes as f64 * 8.0 / self.time.as_secs_f64()
    }
}

/// What metrics are computed from.
pub struct Measured<'a> {
    /// What the checkers found.
    pub verdict: &'a Verdict,
    /// Counters.
    pub counts: RunCounts<'a>,
    /// All transactions.
    pub transactions: &'a [TransactionRow],
    /// All nodes.
    pub nodes: &'a [NodeRow],
    /// Fault periods; see [`Rows`].
    pub periods: &'a [PeriodRow],
    /// Phases of fault periods; see [`Rows`].
    pub phases: &'a [PhaseRow],
    /// Blocks created within the window.
    pub blocks: Vec<&'a BlockRow>,
    /// Confirmation times of the executed transactions submitted within the window, ascending.
    pub confirmation: Vec<Duration>,
    /// Times from submission within the window to inclusion, ascending.
    pub inclusion: Vec<Duration>,
    /// Times from submission within the window to the reply, ascending.
    pub reply: Vec<Duration>,
    /// Times that reads took, ascending.
    pub reads: Vec<Duration>,
    /// Length of the window in seconds, unless it is empty.
    pub seconds: Option<f64>,
    /// Transactions submitted within the window.
    pub submitted: usize,
    /// Of these, those executed by the end of the run.
    pub succeeded: usize,
    /// Of these, those that could not be final yet when the run ended.
    pub undecided: usize,
    /// Transactions that became final with effect within the window.
    pub confirmed: usize,
    /// Blocks of the canonical chain that another leader made than the one below.
    pub leader_changes: usize,
    /// The end of the run.
    pub end: Time,
}

impl<'a> Measured<'a> {
    /// Selects what happened in a window of a run that ended at `end`.
    pub fn new(
        rows: Rows<'a>,
        counts: RunCounts<'a>,
        verdict: &'a Verdict,
        window: (Time, Time),
        end: Time,
        leader_changes: usize,
    ) -> Measured<'a> {
        let Rows { transactions, blocks, nodes, periods, phases } = rows;
        let within = |at: Time| window.0 <= at && at < window.1;
        let executed = |row: &&TransactionRow| row.status == TransactionStatus::Executed;
        let submitted = || transactions.iter().filter(|row| within(row.submitted));
        let confirmation = confirmation_times(transactions, window);
        let cut = Cut::new(end, &confirmation);
        let is_undecided =
            |row: &&TransactionRow| row.status == TransactionStatus::Pending && cut.is_late(row.submitted);
        let span = window.1.since(window.0);
        let mut reads = counts.reads.to_vec();
        reads.sort_unstable();
        Measured {
            verdict,
            counts,
            transactions,
            nodes,
            periods,
            phases,
            blocks: blocks.iter().filter(|row| within(row.created)).collect(),
            confirmation,
            inclusion: times_until(submitted(), |row| row.included),
            reply: times_until(submitted(), |row| row.replied),
            reads,
            seconds: (!span.is_zero()).then(|| span.as_secs_f64()),
            submitted: submitted().count(),
            succeeded: submitted().filter(executed).count(),
            undecided: submitted().filter(is_undecided).count(),
            confirmed: transactions.iter().filter(executed).filter(|row| within(row.final_first)).count(),
            leader_changes,
            end,
        }
    }
    /// A count of the window per second of it.
    pub fn per_second(&self, count: usize) -> Option<f64> {
        self.seconds.map(|seconds| count as f64 / seconds)
    }
}

/// Where a success rate is cut off. A transaction that is pending at the end of the run is no failure if 1 % of those that
/// were executed took longer than it had: it could hardly be final.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    end: Time,
    /// The confirmation time p99 of the run; zero if nothing was executed.
    confirmation: Duration,
}

impl Cut {
    /// For a run with this end and these confirmation times within the measured window, ascending.
    pub fn new(end: Time, confirmation: &[Duration]) -> Cut {
        Cut { end, confirmation: percentile(confirmation, 990).unwrap_or(Duration::ZERO) }
    }
    /// Whether a transaction was submitted less than that before the end.
    pub fn is_late(&self, submitted: Time) -> bool {
        self.end.since(submitted) < self.confirmation
    }
}

/// Confirmation times of the transactions submitted within a window and executed, ascending.
pub fn confirmation_times(transactions: &[TransactionRow], (from, to): (Time, Time)) -> Vec<Duration> {
    let within = transactions.iter().filter(|row| from <= row.submitted && row.submitted < to);
    times_until(within.filter(|row| row.status == TransactionStatus::Executed), |row| row.final_entry)
}

/// Times from submission to an instant, of the transactions that reached it, ascending.
fn times_until<'a>(
    rows: impl Iterator<Item = &'a TransactionRow>,
    until: fn(&TransactionRow) -> Time,
) -> Vec<Duration> {
    let ends = rows.map(|row| (row.submitted, until(row)));
    let mut times: Vec<Duration> =
        ends.filter(|(_, end)| *end < Time::NEVER).map(|(start, end)| end.since(start)).collect();
    times.sort_unstable();
    times
}

/// A quotient, where there is something to divide by.
pub fn ratio(part: f64, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part / whole as f64)
}

/// A percentile of ascending times in seconds; see [`percentile`].
pub fn seconds_at(ascending: &[Duration], permille: usize) -> Option<f64> {
    percentile(ascending, permille).map(Duration::as_secs_f64)
}
