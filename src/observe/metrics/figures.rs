//! The named figures of a run, each with its definition.

pub use super::around::Around;
use super::outcome::{BlockRow, BlockStatus, FaultSpan, NodeRow, TransactionRow, TransactionStatus};
use super::statistics::{gini, mean_seconds, percentile};
use super::summary::{Figure, OverRuns, Summary};
use super::traffic::Volume;
use super::{Metrics, MetricsSettings};
use crate::base::{Duration, Time};
use crate::observe::ViolationKind;
use crate::observe::check::Verdict;

/// What the figures are made of: of transactions and blocks, those of the measured window.
pub struct Measured<'a> {
    metrics: &'a Metrics,
    verdict: &'a Verdict,
    transactions: &'a [TransactionRow],
    nodes: &'a [NodeRow],
    /// Blocks created within the window.
    pub blocks: Vec<&'a BlockRow>,
    /// Confirmation times of the executed transactions submitted within the window, ascending.
    pub confirmation: Vec<Duration>,
    /// Length of the window in seconds, unless it is empty.
    seconds: Option<f64>,
    /// Transactions submitted within the window.
    submitted: usize,
    /// Of these, those executed by the end of the run.
    succeeded: usize,
    /// Transactions that became final with effect within the window.
    confirmed: usize,
    /// Blocks of the canonical chain that another leader made than the one below.
    pub leader_changes: usize,
    /// Sent within the window.
    volume: Volume,
    /// The window.
    window: (Time, Time),
    /// The end of the run.
    pub end: Time,
}

impl<'a> Measured<'a> {
    /// Selects what happened in `window`.
    pub fn new(
        metrics: &'a Metrics,
        verdict: &'a Verdict,
        window: (Time, Time),
        transactions: &'a [TransactionRow],
        blocks: &'a [BlockRow],
        nodes: &'a [NodeRow],
    ) -> Measured<'a> {
        let within = |at: Time| window.0 <= at && at < window.1;
        let executed = |row: &&TransactionRow| row.status == TransactionStatus::Executed;
        let submitted = || transactions.iter().filter(|row| within(row.submitted));
        let span = window.1.since(window.0);
        let volume = match metrics.window {
            (Some(before), Some(after)) => after.since(before),
            _ => Volume::default(),
        };
        Measured {
            metrics,
            verdict,
            transactions,
            nodes,
            blocks: blocks.iter().filter(|row| within(row.created)).collect(),
            confirmation: confirmation_times(transactions, window),
            seconds: (!span.is_zero()).then(|| span.as_secs_f64()),
            submitted: submitted().count(),
            succeeded: submitted().filter(executed).count(),
            confirmed: transactions.iter().filter(executed).filter(|row| within(row.final_first)).count(),
            leader_changes: 0,
            volume,
            window,
            end: window.1,
        }
    }
    /// Times from submission to an instant, of the transactions submitted within the window, ascending.
    fn spans(&self, until: impl Fn(&TransactionRow) -> Time) -> Vec<Duration> {
        let within = |row: &&TransactionRow| self.window.0 <= row.submitted && row.submitted < self.window.1;
        let ends = self.transactions.iter().filter(within).map(|row| (row.submitted, until(row)));
        let mut spans: Vec<Duration> =
            ends.filter(|(_, end)| *end < Time::NEVER).map(|(start, end)| end.since(start)).collect();
        spans.sort_unstable();
        spans
    }
    fn per_second(&self, count: usize) -> Option<f64> {
        self.seconds.map(|seconds| count as f64 / seconds)
    }
    /// Transactions submitted within the window that could not be final yet when the run ended.
    fn undecided(&self) -> usize {
        let cut = Cut::new(self.end, &self.confirmation);
        let within = |row: &&TransactionRow| self.window.0 <= row.submitted && row.submitted < self.window.1;
        self.transactions
            .iter()
            .filter(within)
            .filter(|row| row.status == TransactionStatus::Pending && cut.is_late(row.submitted))
            .count()
    }
    fn with_status(&self, status: TransactionStatus) -> f64 {
        self.transactions.iter().filter(|row| row.status == status).count() as f64
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
    let executed = within.filter(|row| row.status == TransactionStatus::Executed && row.final_entry < Time::NEVER);
    let mut times: Vec<Duration> = executed.map(|row| row.final_entry.since(row.submitted)).collect();
    times.sort_unstable();
    times
}

/// Figures in the making.
pub struct MetricList(Vec<Figure>);

impl MetricList {
    /// Adds a figure.
    pub fn put(
        &mut self,
        name: &'static str,
        label: &'static str,
        unit: &'static str,
        value: Option<f64>,
        definition: &'static str,
    ) {
        let runs = u32::from(value.is_some());
        let over_runs = OverRuns::Mean;
        let (interval, not_reached, until) = (None, 0, None);
        self.0.push(Figure { name, label, unit, value, interval, runs, over_runs, not_reached, until, definition });
    }
    /// The figure put last is a time that may never come: of several runs the median counts. It did not come until the
    /// given instant, if any.
    pub fn awaited(&mut self, in_vain: Option<Time>) {
        if let Some(figure) = self.0.last_mut() {
            figure.over_runs = OverRuns::Median;
            if let Some(until) = in_vain {
                (figure.runs, figure.not_reached, figure.until) = (1, 1, Some(until.as_secs_f64()));
            }
        }
    }
    /// The figure put last is summed over runs.
    fn summed(&mut self) {
        if let Some(figure) = self.0.last_mut() {
            figure.over_runs = OverRuns::Sum;
        }
    }
}

/// A quotient, where there is something to divide by.
fn ratio(part: f64, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part / whole as f64)
}

fn seconds_at(ascending: &[Duration], permille: usize) -> Option<f64> {
    percentile(ascending, permille).map(Duration::as_secs_f64)
}

/// All figures, in the order in which they are shown.
pub fn figures(measured: &Measured<'_>, around: &Around<'_>) -> Summary {
    let mut sheet = MetricList(Vec::new());
    load(measured, &mut sheet);
    confirmation(measured, &mut sheet);
    properties(measured, &mut sheet);
    around.put(&mut sheet);
    chain(measured, &mut sheet);
    propagation(measured, &mut sheet);
    rounds(measured, &mut sheet);
    fates(measured, &mut sheet);
    costs(measured, &mut sheet);
    fairness(measured, &mut sheet);
    energy(measured, &mut sheet);
    Summary { figures: sheet.0 }
}

/// Every figure that a run can have, without values: those of an empty run in which everything could have happened.
#[must_use]
pub fn definitions() -> Vec<Figure> {
    let second = Duration::from_secs(1);
    let settings =
        MetricsSettings { honest: vec![true, false], mining_watts: Some(0.0), ..MetricsSettings::new(2, second) };
    let mut metrics = Metrics::new(settings);
    metrics.reads.push(Duration::ZERO);
    metrics.faults.push(FaultSpan { fault: 0, label: String::new(), start: Time::ZERO, end: Time::NEVER, period: 0 });
    let figures = metrics.outcome(Time::ZERO + second, &Verdict::default()).summary.figures;
    let bare = |figure| Figure { value: None, runs: 0, not_reached: 0, until: None, ..figure };
    figures.into_iter().map(bare).collect()
}

fn load(m: &Measured<'_>, sheet: &mut MetricList) {
    let offered = m.metrics.settings.offered;
    sheet.put("offered_load", "offered load", "tx/s", offered, "submissions per second that the scenario asks for");
    sheet.put(
        "submitted",
        "submitted load",
        "tx/s",
        m.per_second(m.submitted),
        "transactions submitted within the measured window per second, each counted once",
    );
    sheet.put(
        "throughput",
        "throughput",
        "tx/s",
        m.per_second(m.confirmed),
        "transactions that became final with effect at the first honest node within the measured window, per second",
    );
    sheet.put(
        "success_rate",
        "success rate",
        "%",
        ratio(100.0 * m.succeeded as f64, m.submitted - m.undecided()),
        "share of the transactions submitted within the measured window that were final with effect by the end; those \
         that are pending, but were submitted less than the confirmation time p99 before the end, are not counted",
    );
}

/// Percentiles of confirmation times: name, label, thousandths, definition.
const CONFIRMATION_PERCENTILES: [(&str, &str, usize, &str); 5] = [
    (
        "confirmation_p50",
        "confirmation time p50",
        500,
        "median time from submission to finality at the entry node, over transactions submitted within the \
         measured window and executed by the end",
    ),
    (
        "confirmation_p90",
        "confirmation time p90",
        900,
        "90th percentile of the time from submission to finality at the entry node, over transactions \
         submitted within the measured window and executed by the end",
    ),
    (
        "confirmation_p95",
        "confirmation time p95",
        950,
        "95th percentile of the time from submission to finality at the entry node, over transactions \
         submitted within the measured window and executed by the end",
    ),
    (
        "confirmation_p99",
        "confirmation time p99",
        990,
        "99th percentile of the time from submission to finality at the entry node, over transactions \
         submitted within the measured window and executed by the end",
    ),
    (
        "confirmation_max",
        "confirmation time max",
        1000,
        "longest time from submission to finality at the entry node, over transactions submitted within the \
         measured window and executed by the end",
    ),
];

fn confirmation(m: &Measured<'_>, sheet: &mut MetricList) {
    for (name, label, permille, definition) in CONFIRMATION_PERCENTILES {
        sheet.put(name, label, "s", seconds_at(&m.confirmation, permille), definition);
    }
    sheet.put(
        "confirmation_mean",
        "confirmation time mean",
        "s",
        mean_seconds(&m.confirmation),
        "mean time from submission to finality at the entry node, over transactions submitted within the \
         measured window and executed by the end",
    );
    let included = m.spans(|row| row.included);
    sheet.put(
        "inclusion_p50",
        "inclusion time p50",
        "s",
        seconds_at(&included, 500),
        "median time from submission until first on the chain of an honest node",
    );
    let answered = m.spans(|row| row.replied);
    let definition = "median time from submission until the client accepted its transaction as final";
    sheet.put("reply_p50", "reply time p50", "s", seconds_at(&answered, 500), definition);
    sheet.put(
        "reply_p99",
        "reply time p99",
        "s",
        seconds_at(&answered, 990),
        "99th percentile of the time from submission until the client accepted its transaction as final",
    );
    if !m.metrics.reads.is_empty() {
        let mut reads = m.metrics.reads.clone();
        reads.sort_unstable();
        let definition = "time to answer a linearizable read, median over the whole run";
        sheet.put("read_p50", "read time p50", "s", seconds_at(&reads, 500), definition);
        sheet.put(
            "read_p99",
            "read time p99",
            "s",
            seconds_at(&reads, 990),
            "99th percentile of the time to answer a linearizable read, over the whole run",
        );
    }
}

fn properties(m: &Measured<'_>, sheet: &mut MetricList) {
    let count = |kind| Some(m.verdict.count(kind) as f64);
    sheet.put(
        "safety_violations",
        "safety violations",
        "",
        count(ViolationKind::Safety),
        "violated safety properties: agreement, finality, validity, conservation, state roots, durability",
    );
    sheet.summed();
    sheet.put(
        "liveness_violations",
        "liveness violations",
        "",
        count(ViolationKind::Liveness),
        "intervals without finality longer than `check.progress` that no fault excuses",
    );
    sheet.summed();
    sheet.put(
        "longest_gap",
        "longest gap without finality",
        "s",
        Some(m.metrics.longest_gap.as_secs_f64()),
        "longest interval in which no new block became final at any honest node, the intervals at the start and \
         end of the run included",
    );
}

fn chain(m: &Measured<'_>, sheet: &mut MetricList) {
    let standing = |standing| m.blocks.iter().filter(|row| row.status == standing).count();
    let (canonical, stale) = (standing(BlockStatus::Canonical), standing(BlockStatus::Stale));
    sheet.put(
        "blocks",
        "blocks",
        "",
        Some(canonical as f64),
        "canonical blocks created within the measured window, genesis excluded",
    );
    let created = || m.blocks.iter().filter(|row| row.status == BlockStatus::Canonical).map(|row| row.created);
    let span = created().max().zip(created().min()).map_or(0.0, |(last, first)| last.since(first).as_secs_f64());
    sheet.put(
        "block_interval",
        "block interval",
        "s",
        ratio(span, canonical.saturating_sub(1)),
        "mean time between the creations of canonical blocks created within the measured window",
    );
    let transactions: u64 = (m.blocks.iter().filter(|row| row.status == BlockStatus::Canonical))
        .map(|row| u64::from(row.transactions))
        .sum();
    sheet.put(
        "block_transactions",
        "transactions per block",
        "",
        ratio(transactions as f64, canonical),
        "mean number of transactions in canonical blocks created within the measured window, coinbase included",
    );
    sheet.put(
        "fork_rate",
        "fork rate",
        "%",
        ratio(100.0 * stale as f64, canonical + stale),
        "stale blocks / (stale + canonical blocks) created within the measured window",
    );
    let reorgs = &m.metrics.reorgs;
    let count = reorgs.values().sum::<u64>() as f64;
    sheet.put("reorgs", "reorganisations", "", Some(count), "times that an honest node cut its chain back");
    sheet.put(
        "reorg_depth_max",
        "deepest reorganisation",
        "blocks",
        Some(reorgs.keys().next_back().map_or(0.0, |&depth| depth as f64)),
        "most blocks that an honest node cut off at once",
    );
}

fn propagation(m: &Measured<'_>, sheet: &mut MetricList) {
    type Reach = fn(&BlockRow) -> Duration;
    const NAMES: [(&str, &str, Reach, &str); 3] = [
        (
            "propagation_t50",
            "block propagation t50",
            |row| row.t50,
            "time from the creation of a block until half of the honest nodes held it whole: median over all blocks \
             created within the measured window, blocks that never got there rank last",
        ),
        (
            "propagation_t90",
            "block propagation t90",
            |row| row.t90,
            "time from the creation of a block until 90 % of the honest nodes held it whole: median over all \
             blocks created within the measured window; blocks that never got there rank last",
        ),
        (
            "propagation_t99",
            "block propagation t99",
            |row| row.t99,
            "time from the creation of a block until 99 % of the honest nodes held it whole: median over all \
             blocks created within the measured window; blocks that never got there rank last",
        ),
    ];
    // Where nobody is honest, nobody is asked whether it holds a block.
    let anybody = m.nodes.iter().any(|row| row.honest);
    let blocks = || m.blocks.iter().filter(|_| anybody);
    for (name, label, reach, definition) in NAMES {
        let mut spans: Vec<Duration> = blocks().map(|row| reach(row)).collect();
        spans.sort_unstable();
        let median = percentile(&spans, 500);
        let value = median.filter(|span| *span < Duration::MAX).map(Duration::as_secs_f64);
        sheet.put(name, label, "s", value, definition);
        sheet.awaited((median == Some(Duration::MAX)).then_some(m.end));
    }
    let missing = blocks().filter(|row| row.t99 == Duration::MAX).count();
    sheet.put(
        "propagation_missing",
        "blocks that did not reach all",
        "blocks",
        blocks().next().map(|_| missing as f64),
        "blocks created within the measured window that 99 % of the honest nodes did not hold whole by the end",
    );
}

fn rounds(m: &Measured<'_>, sheet: &mut MetricList) {
    // Numbers may begin anew at every height, and not every node may see every round.
    let most = m.nodes.iter().map(|row| row.failed_rounds).max().unwrap_or(0);
    sheet.put(
        "failed_rounds",
        "failed rounds",
        "",
        Some(most.max(m.metrics.wasted.len() as u64) as f64),
        "rounds that ended without a decision: the number of distinct failed round numbers, or the highest count \
         at one node if that is larger (round numbers may restart at each height)",
    );
    sheet.put(
        "leader_changes",
        "leader changes",
        "",
        Some(m.leader_changes as f64),
        "canonical blocks of the whole run whose proposer is another than that of the block below; 0 if no node of the \
         protocol ever notes that it leads",
    );
}

fn fates(m: &Measured<'_>, sheet: &mut MetricList) {
    sheet.put(
        "no_effect",
        "no effect",
        "tx",
        Some(m.with_status(TransactionStatus::NoEffect)),
        "transactions final without effect",
    );
    sheet.put(
        "rejected",
        "rejected",
        "tx",
        Some(m.with_status(TransactionStatus::Rejected)),
        "transactions not final that a mempool rejected or evicted",
    );
    sheet.put(
        "reorged",
        "reorganised",
        "tx",
        Some(m.transactions.iter().filter(|row| row.reorged).count() as f64),
        "transactions that were on the chain of an honest node and were cut off at least once",
    );
    sheet.put(
        "reverted",
        "reverted",
        "tx",
        Some(m.with_status(TransactionStatus::Reverted)),
        "transactions that were cut off, or final on a chain that did not last, and are not on the canonical \
         chain at the end",
    );
    sheet.put(
        "pending",
        "pending",
        "tx",
        Some(m.with_status(TransactionStatus::Pending)),
        "transactions neither final, rejected nor reverted at the end",
    );
    sheet.put(
        "blocked_by_gap",
        "blocked by a gap",
        "tx",
        Some(m.metrics.transactions.blocked as f64),
        "transactions not final at the end that follow a nonce of their sender which has had no effect; no block can hold \
         them before it",
    );
    let unmade = Some(m.metrics.unmade as f64);
    sheet.put(
        "skipped_requests",
        "skipped requests",
        "tx",
        unmade,
        "arrivals for which the client had nothing to spend",
    );
}

fn costs(m: &Measured<'_>, sheet: &mut MetricList) {
    let per = |count: u64| ratio(count as f64, m.confirmed);
    sheet.put(
        "messages_per_transaction",
        "messages per transaction",
        "",
        per(m.volume.messages),
        "copies of messages sent within the measured window / transactions confirmed within it",
    );
    sheet.put(
        "bytes_per_transaction",
        "bytes per transaction",
        "B",
        per(m.volume.bytes),
        "bytes sent within the measured window / transactions confirmed within it",
    );
    let lost = Some(m.metrics.lost.iter().sum::<u64>() as f64);
    sheet.put(
        "messages_lost",
        "messages lost",
        "",
        lost,
        "copies lost to the network, to nodes that were down, or as forged",
    );
    let cores = f64::from(m.metrics.settings.cores);
    let told = || m.metrics.nodes.iter().filter(|node| !node.window_time.is_zero());
    let count = told().count();
    let cpu = || told().map(|node| 100.0 * node.window_busy.as_secs_f64() / node.window_time.as_secs_f64() / cores);
    let definition = "share of the measured window that the cores of a node were busy, mean over nodes";
    sheet.put("cpu_mean", "CPU utilisation mean", "%", ratio(cpu().sum(), count), definition);
    sheet.put(
        "cpu_max",
        "CPU utilisation max",
        "%",
        cpu().max_by(f64::total_cmp),
        "share of the measured window that the cores of the busiest node were busy",
    );
    let inbox = m.nodes.iter().map(|row| row.inbox_max).max();
    sheet.put("inbox_max", "longest inbox", "messages", inbox.map(f64::from), "most messages that waited at one node");
    let rates = told().map(|node| node.window_sent as f64 * 8.0 / node.window_time.as_secs_f64());
    sheet.put(
        "bandwidth_mean",
        "bandwidth mean",
        "bit/s",
        ratio(rates.sum(), count),
        "bits that a node sent per second of the measured window, mean over nodes",
    );
    sheet.put(
        "bandwidth_max",
        "bandwidth peak",
        "bit/s",
        told().map(|node| node.peak_rate).max_by(f64::total_cmp),
        "bits that one node sent per second of one interval, maximum over nodes and intervals",
    );
}

fn fairness(m: &Measured<'_>, sheet: &mut MetricList) {
    let made: Vec<u64> = m.nodes.iter().map(|row| row.blocks_canonical).collect();
    let any = made.iter().any(|&count| count > 0);
    let deviation = m.nodes.iter().map(|row| 100.0 * (row.block_share - row.weight_share).abs());
    sheet.put(
        "fairness_gini",
        "fairness, Gini",
        "",
        gini(&made, &m.metrics.settings.power),
        "Gini coefficient of canonical blocks against power over all nodes, whole run: 0 is proportional",
    );
    sheet.put(
        "fairness_deviation",
        "fairness, max deviation",
        "pp",
        deviation.max_by(f64::total_cmp).filter(|_| any),
        "greatest difference between a node's share of canonical blocks and its share of power, percentage points",
    );
    if m.nodes.iter().any(|row| !row.honest) {
        let share: f64 = m.nodes.iter().filter(|row| !row.honest).map(|row| 100.0 * row.block_share).sum();
        sheet.put(
            "byzantine_blocks",
            "blocks of Byzantine nodes",
            "%",
            Some(share).filter(|_| any),
            "share of canonical blocks that Byzantine nodes made, whole run",
        );
    }
}

fn energy(m: &Measured<'_>, sheet: &mut MetricList) {
    let Some((watts, seconds)) = m.metrics.settings.mining_watts.zip(m.seconds) else {
        return;
    };
    sheet.put(
        "energy_per_transaction",
        "energy per transaction",
        "J",
        ratio(watts * seconds, m.confirmed),
        "energy drawn for mining within the measured window / transactions confirmed within it",
    );
    sheet.put(
        "mining_power",
        "mining power",
        "W",
        Some(watts),
        "power drawn for mining: hash rate times joules per hash",
    );
}
