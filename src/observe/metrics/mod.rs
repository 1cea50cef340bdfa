//! Metrics: one definition for every family of protocols.
//!
//! [`Metrics`] observes a run and becomes an [`Outcome`]: metrics, and the tables behind them. Terms:
//!
//! * the **measured window** runs from the end of the warm-up to the configured duration, or to the end of the run if
//!   that is earlier; it includes its start and excludes its end;
//! * a transaction's **entry node** is the node that it was submitted to first. Its **confirmation time** is the time from
//!   submission until the entry node declares it final by the rule of the protocol;
//! * a block is **canonical** if it is on the chain that the honest nodes agree on at the end, **undecided** if it is higher
//!   than the tip of that chain, and **stale** otherwise;
//! * percentiles are by **nearest rank** over all values, exact, with one exception: the distribution of block
//!   propagation, of which there are too many values, is kept in buckets of at most 1/128 relative width.
//!
//! The chains of Byzantine nodes are not counted; what they send, compute and propose is.

mod aggregation;
mod blocks;
mod catch_up;
mod collect_rows;
mod definition;
mod interval_series;
mod measured;
mod message_counters;
mod outcome;
mod periods;
mod rows;
mod statistics;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod transactions;

pub use aggregation::{aggregate, student_t_975};
pub use definition::{Aggregation, Group, MetricDef, Reading};
pub use interval_series::round_interval;
pub use outcome::Outcome;
pub use rows::{
    BlockRow, BlockStatus, CdfPoint, FaultSpan, IntervalRow, MessageRow, NodeRow, NoteRow, PeriodRow, Phase, PhaseRow,
    Reached, RefusalRow, ReorgRow, ShortId, TransactionRow, TransactionStatus, UncheckedRow, ViolationRow,
};
pub use statistics::{gini, percentile};
pub use summary::{Interval, Metric, Summary};
pub use table::definitions;

use super::{Loss, Observed, Observer, Violation};
use crate::base::{Duration, Height, NodeId, Time, note};
use crate::chain::Block;
use blocks::{Blocks, Index};
use catch_up::Followers;
use interval_series::{Counts, Series};
use message_counters::{MessageCounters, Traffic};
use statistics::Histogram;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use transactions::Transactions;

/// The parameters of metrics.
#[derive(Clone, Debug)]
pub struct MetricsSettings {
    /// For every node whether it follows the protocol.
    pub honest: Vec<bool>,
    /// For every node its region, if it has one. With more than [`REGIONS_MAX`] regions there are no metrics by region.
    pub regions: Vec<Option<String>>,
    /// For every node its weight (hash power, stake); any scale.
    pub weights: Vec<f64>,
    /// Cores of every node.
    pub cores: u32,
    /// How long the run goes on before measuring begins.
    pub warm_up: Duration,
    /// When measuring ends, from the start of the run.
    pub duration: Duration,
    /// Length of the intervals of time series.
    pub interval: Duration,
    /// The configured rate of submissions, in transactions per second.
    pub offered: Option<f64>,
    /// Power drawn for mining by the whole network, in watts: hash rate times joules per hash.
    pub mining_watts: Option<f64>,
}

impl MetricsSettings {
    /// `nodes` honest nodes of equal weight and one core each, all of `duration` measured, in at most 100 intervals.
    #[must_use]
    pub fn new(nodes: usize, duration: Duration) -> MetricsSettings {
        MetricsSettings {
            honest: vec![true; nodes],
            regions: vec![None; nodes],
            weights: vec![1.0; nodes],
            cores: 1,
            warm_up: Duration::ZERO,
            duration,
            interval: round_interval(duration),
            offered: None,
            mining_watts: None,
        }
    }
}

/// Most regions for which metrics around faults are computed.
pub const REGIONS_MAX: usize = 64;

/// Observes a run and counts what metrics need.
pub struct Metrics {
    settings: MetricsSettings,
    nodes: Vec<Node>,
    blocks: Blocks,
    transactions: Transactions,
    messages: MessageCounters,
    series: Series,
    /// The next instant at which an interval, the warm-up or the duration ends.
    next_boundary: Time,
    /// Everything sent before the measured window began, and before it ended.
    window: (Option<Traffic>, Option<Traffic>),
    propagation: Histogram,
    /// Reorganisations by depth.
    reorgs: BTreeMap<u64, u64>,
    refusals: BTreeMap<&'static str, u64>,
    notes: Vec<Noted>,
    reads: Vec<Duration>,
    failed_rounds: BTreeSet<u64>,
    /// Whether a node ever noted that it leads.
    has_leaders: bool,
    skipped_requests: u64,
    /// Copies lost, by [`Loss`].
    lost: [u64; 3],
    faults: Vec<FaultSpan>,
    /// When a block last became final anywhere, and the longest time between two such instants.
    last_final: Time,
    longest_gap: Duration,
    /// Which nodes are up, and which of them are connected; see [`Observed::Connected`].
    up: Vec<bool>,
    connected: Vec<bool>,
    /// The heights of honest nodes that are up.
    progress: Followers,
    regions: Regions,
}

/// Finality by region.
struct Regions {
    /// The names of the regions, in alphabetical order.
    names: Vec<String>,
    /// The region of each node.
    of: Vec<Option<usize>>,
    /// For each region when blocks became final there first: at honest nodes that were connected, or at any honest node of
    /// the region while none was.
    finals: Vec<Vec<Time>>,
}

impl Regions {
    fn new(of: &[Option<String>]) -> Regions {
        let mut names: Vec<String> = of.iter().flatten().cloned().collect::<BTreeSet<String>>().into_iter().collect();
        if names.len() < 2 || names.len() > REGIONS_MAX {
            names.clear();
        }
        let of = of.iter().map(|name| names.iter().position(|known| Some(known) == name.as_ref())).collect();
        Regions { finals: vec![Vec::new(); names.len()], of, names }
    }
}

/// The counters of a node.
#[derive(Clone, Default)]
struct Node {
    /// The tip of its chain, once it has booted.
    tip: Option<Index>,
    finalized: Height,
    crashes: u32,
    reorgs: u64,
    reorg_max: u64,
    failed_rounds: u64,
    inbox_max: u32,
    sent: u64,
    received: u64,
    written: u64,
    busy: Duration,
    /// When its load was read last.
    last_reading: Time,
    /// Computing, bytes sent and time within the measured window.
    window_busy: Duration,
    window_sent: u64,
    window_time: Duration,
    /// The greatest rate at which it sent between two readings, in bits per second.
    peak_rate: f64,
}

struct Noted {
    label: &'static str,
    count: u64,
    sum: u128,
    max: u64,
}

impl Metrics {
    /// Metrics of a run that has not begun.
    ///
    /// # Panics
    /// If the interval is zero, or the number of weights is not that of nodes.
    #[must_use]
    pub fn new(settings: MetricsSettings) -> Metrics {
        assert!(!settings.interval.is_zero(), "an interval has a length");
        assert_eq!(settings.weights.len(), settings.honest.len(), "every node has a weight");
        let mut metrics = Metrics {
            nodes: vec![Node::default(); settings.honest.len()],
            blocks: Blocks::new(&settings.honest),
            transactions: Transactions::default(),
            messages: MessageCounters::default(),
            series: Series::new(settings.interval),
            next_boundary: Time::ZERO,
            window: (None, None),
            propagation: Histogram::default(),
            reorgs: BTreeMap::new(),
            refusals: BTreeMap::new(),
            notes: Vec::new(),
            reads: Vec::new(),
            failed_rounds: BTreeSet::new(),
            has_leaders: false,
            skipped_requests: 0,
            lost: [0; 3],
            faults: Vec::new(),
            last_final: Time::ZERO,
            longest_gap: Duration::ZERO,
            up: vec![false; settings.honest.len()],
            connected: vec![false; settings.honest.len()],
            progress: Followers::new(&settings.honest),
            regions: Regions::new(&settings.regions),
            settings,
        };
        metrics.close_intervals(Time::ZERO);
        metrics
    }
    fn honest(&self, node: NodeId) -> bool {
        self.settings.honest[node.index()]
    }
    /// Whether an instant lies in the measured window, unless the run ends before.
    fn measured(&self, at: Time) -> bool {
        at >= Time::ZERO + self.settings.warm_up && at < Time::ZERO + self.settings.duration
    }
    /// Reads the counters at every boundary up to `now`, before the present event is counted.
    #[cold]
    fn close_intervals(&mut self, now: Time) {
        let (open, close) = (Time::ZERO + self.settings.warm_up, Time::ZERO + self.settings.duration);
        while self.next_boundary <= now {
            let (boundary, total) = (self.next_boundary, self.messages.total());
            if boundary >= open && self.window.0.is_none() {
                self.window.0 = Some(total);
            }
            if boundary >= close && self.window.1.is_none() {
                self.window.1 = Some(total);
            }
            if boundary >= self.series.end() {
                self.end_interval(total);
                self.series.counts.push(Counts::default());
            }
            let coming = [open, close, self.series.end()];
            self.next_boundary = coming.into_iter().filter(|&at| at > boundary).min().unwrap_or(Time::NEVER);
        }
    }
    fn end_interval(&mut self, total: Traffic) {
        let honest = self.nodes.iter().zip(&self.settings.honest).filter(|(_, honest)| **honest);
        let heights = honest.map(|(node, _)| node.finalized);
        let (least, greatest) = (heights.clone().min(), heights.max());
        let counts = self.series.now();
        counts.finalized = (least.unwrap_or_default(), greatest.unwrap_or_default());
        counts.sent_before_end = total;
    }
    /// The index of a block, which may be new.
    fn index_of(&mut self, now: Time, block: &Arc<Block>) -> Index {
        let (index, new) = self.blocks.index_of(now, block);
        if new && block.height() > Height::GENESIS {
            self.series.now().blocks += 1;
        }
        index
    }
    fn block_received(&mut self, now: Time, node: NodeId, block: &Arc<Block>) {
        let index = self.index_of(now, block);
        if !self.honest(node) {
            return;
        }
        if let Some(after) = self.blocks.block_received(now, index, node)
            && self.measured(self.blocks.get(index).created)
        {
            self.propagation.add(after);
        }
    }
    fn extend(&mut self, now: Time, node: NodeId, block: &Arc<Block>) {
        let index = self.index_of(now, block);
        self.nodes[node.index()].tip = Some(index);
        let record = self.blocks.get_mut(index);
        if !record.included {
            record.included = true;
            self.transactions.include(now, block);
        }
    }
    fn rewind(&mut self, now: Time, node: NodeId, from: Height, to: Height) {
        let depth = from.0.saturating_sub(to.0);
        *self.reorgs.entry(depth).or_insert(0) += 1;
        let counts = self.series.now();
        counts.reorgs += 1;
        counts.reorg_max = counts.reorg_max.max(depth);
        let state = &mut self.nodes[node.index()];
        state.reorgs += 1;
        state.reorg_max = state.reorg_max.max(depth);
        let mut tip = state.tip;
        while let Some(index) = tip.filter(|&index| self.blocks.get(index).block.height() > to) {
            let record = self.blocks.get_mut(index);
            if !record.reorged {
                record.reorged = true;
                self.transactions.reorg(&record.block);
            }
            tip = self.blocks.parent(index);
        }
        let state = &mut self.nodes[node.index()];
        state.tip = tip;
        let finalized = state.finalized.min(to);
        self.set_finalized(now, node, finalized);
    }
    /// A node has finalized its chain up to a height.
    fn set_finalized(&mut self, now: Time, node: NodeId, height: Height) {
        self.nodes[node.index()].finalized = height;
        self.progress.set_finalized(now, node, Some(height).filter(|_| self.up[node.index()]));
    }
    /// Records where and when a block became final first.
    fn record_first_final(&mut self, now: Time, node: NodeId, index: Index) {
        let Metrics { blocks, regions, connected, settings, .. } = self;
        let record = blocks.get_mut(index);
        let able = |node: usize| connected[node] && settings.honest[node];
        let qualifies = |mut all: std::ops::Range<usize>, among: &dyn Fn(usize) -> bool| {
            able(node.index()) || !all.any(|node| among(node) && able(node))
        };
        let nodes = 0..settings.honest.len();
        if record.final_connected == Time::NEVER && qualifies(nodes.clone(), &|_| true) {
            record.final_connected = now;
        }
        if let Some(region) = regions.of[node.index()]
            && record.final_regions & (1 << region) == 0
            && qualifies(nodes, &|node| regions.of[node] == Some(region))
        {
            record.final_regions |= 1 << region;
            regions.finals[region].push(now);
        }
    }
    fn finalize(&mut self, now: Time, node: NodeId, block: &Arc<Block>, executed: &[bool]) {
        let index = self.index_of(now, block);
        if self.blocks.finalize(now, index) {
            let entries = self.transactions.finalize(now, index, block, executed, &self.settings.honest);
            self.blocks.get_mut(index).by_entry_node = entries;
            self.longest_gap = self.longest_gap.max(now.since(self.last_final));
            self.last_final = now;
        }
        self.record_first_final(now, node, index);
        self.finalize_at_entry(now, index, node);
        let finalized = self.nodes[node.index()].finalized;
        self.set_finalized(now, node, block.height().max(finalized));
    }
    fn finalize_at_entry(&mut self, now: Time, index: Index, node: NodeId) {
        self.transactions.finalize_at_entry(now, index, &self.blocks.get(index).by_entry_node, node);
        self.blocks.release(index);
    }
    /// A node installed a snapshot: every final block below it is final there too.
    fn install(&mut self, now: Time, node: NodeId, block: &Arc<Block>) {
        let index = self.index_of(now, block);
        let before = self.nodes[node.index()].finalized;
        self.set_finalized(now, node, block.height());
        self.nodes[node.index()].tip = Some(index);
        let mut at = Some(index);
        while let Some(index) = at.filter(|&index| self.blocks.get(index).block.height() > before) {
            if self.blocks.get(index).final_first < Time::NEVER {
                self.blocks.finalize(now, index);
                self.record_first_final(now, node, index);
                self.finalize_at_entry(now, index, node);
            }
            at = self.blocks.parent(index);
        }
    }
    fn note(&mut self, node: NodeId, label: &'static str, value: u64) {
        let row = self.notes.iter().position(|noted| noted.label == label).unwrap_or(self.notes.len());
        if row == self.notes.len() {
            self.notes.push(Noted { label, count: 0, sum: 0, max: 0 });
        }
        let noted = &mut self.notes[row];
        noted.count += 1;
        noted.sum += u128::from(value);
        noted.max = noted.max.max(value);
        match label {
            note::LEADING => self.has_leaders = true,
            note::WASTED => {
                self.series.now().failed_rounds += u64::from(self.failed_rounds.insert(value));
                self.nodes[node.index()].failed_rounds += 1;
            }
            note::READ => self.reads.push(Duration::from_nanos(value)),
            _ => {}
        }
    }
    fn load(&mut self, now: Time, node: NodeId, load: &Load) {
        let (cores, measured) = (u64::from(self.settings.cores), self.measured_span_ends(now));
        let state = &mut self.nodes[node.index()];
        let span = now.since(state.last_reading);
        let (busy, sent) = (load.busy.saturating_sub(state.busy), load.sent.saturating_sub(state.sent));
        state.inbox_max = state.inbox_max.max(load.inbox_max);
        (state.last_reading, state.busy, state.sent) = (now, load.busy, load.sent);
        (state.received, state.written) = (load.received, load.written);
        let counts = self.series.before(now);
        counts.inbox_max = counts.inbox_max.max(load.inbox_max);
        counts.mempool_max = counts.mempool_max.max(load.pending);
        if span.is_zero() {
            return;
        }
        counts.busy += u128::from(busy.as_nanos());
        counts.available += u128::from((span * cores).as_nanos());
        counts.busiest = counts.busiest.max(busy.as_secs_f64() / (span * cores).as_secs_f64());
        if measured {
            state.window_busy += busy;
            state.window_sent += sent;
            state.window_time += span;
            state.peak_rate = state.peak_rate.max(sent as f64 * 8.0 / span.as_secs_f64());
        }
    }
    /// Whether a reading taken at `now` looks back on the measured window.
    fn measured_span_ends(&self, now: Time) -> bool {
        now > Time::ZERO + self.settings.warm_up && now <= Time::ZERO + self.settings.duration
    }
    fn fault_ends(&mut self, now: Time, fault: u32) {
        let open = self.faults.iter_mut().rev().find(|span| span.fault == fault && span.end == Time::NEVER);
        if let Some(span) = open {
            span.end = now;
        }
        if self.faults.iter().all(|span| span.end < Time::NEVER) {
            self.progress.period_ends(now);
        }
    }
    /// Events of chains.
    fn observe_chain(&mut self, now: Time, observed: &Observed<'_>) {
        match *observed {
            Observed::Held { node, block } => self.block_received(now, node, block),
            Observed::Booted { node, durable, .. } => {
                let index = self.index_of(now, durable);
                self.nodes[node.index()].tip = Some(index);
                self.up[node.index()] = true;
                self.set_finalized(now, node, durable.height());
            }
            Observed::Extended { node, block, .. } if self.honest(node) => self.extend(now, node, block),
            Observed::Rewound { node, from, to, .. } if self.honest(node) => self.rewind(now, node, from, to),
            Observed::Finalized { node, block, executed, .. } if self.honest(node) => {
                self.finalize(now, node, block, executed);
            }
            Observed::Installed { node, block, .. } if self.honest(node) => self.install(now, node, block),
            _ => {}
        }
    }
}

/// The readings of [`Observed::Load`].
struct Load {
    busy: Duration,
    inbox_max: u32,
    pending: u32,
    sent: u64,
    received: u64,
    written: u64,
}

impl Observer for Metrics {
    fn observe(&mut self, now: Time, observed: &Observed<'_>) -> Result<(), Violation> {
        if now >= self.next_boundary {
            self.close_intervals(now);
        }
        match *observed {
            Observed::Sent { kind, bytes, copies, .. } => self.messages.sent(kind, copies, bytes),
            Observed::Delivered { kind, bytes, .. } => self.messages.delivered(kind, bytes),
            Observed::Lost { why, .. } => self.lost[loss_row(why)] += 1,
            Observed::Submitted { client, node, transaction, .. } => {
                let taken = self.up[node.index()] && self.honest(node);
                self.transactions.submit(now, client, node, transaction, taken);
            }
            Observed::Unmade => self.skipped_requests += 1,
            Observed::Refused { transaction, reason, .. } => {
                *self.refusals.entry(reason).or_insert(0) += 1;
                self.transactions.reject(transaction);
            }
            Observed::Answered { ref transaction, .. } => self.transactions.reply(now, transaction),
            Observed::Crashed { node } => {
                self.nodes[node.index()].crashes += 1;
                self.up[node.index()] = false;
                self.progress.set_finalized(now, node, None);
            }
            Observed::Connected { nodes } => self.connected.copy_from_slice(nodes),
            Observed::FaultBegan { fault, label } => {
                self.progress.period_begins(now);
                let span = FaultSpan { fault, label: label.to_owned(), start: now, end: Time::NEVER, period: 0 };
                self.faults.push(span);
            }
            Observed::FaultEnded { fault } => self.fault_ends(now, fault),
            Observed::Noted { node, label, value } if self.honest(node) => self.note(node, label, value),
            Observed::Load { node, busy, inbox_max, pending, sent, received, written } => {
                self.load(now, node, &Load { busy, inbox_max, pending, sent, received, written });
            }
            _ => self.observe_chain(now, observed),
        }
        Ok(())
    }
    fn wants_messages(&self) -> bool {
        true
    }
}

fn loss_row(why: Loss) -> usize {
    match why {
        Loss::Network => 0,
        Loss::Down => 1,
        Loss::Forged => 2,
    }
}
