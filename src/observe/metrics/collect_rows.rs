//! Builds the [`Outcome`] of a run from its counters.

use super::blocks::Index;
use super::measured::{Cut, Measured, NodeUsage, Rows, RunCounts, confirmation_times};
use super::message_counters::Traffic;
use super::outcome::Outcome;
use super::periods::{Bounds, View, periods, rows};
use super::rows::{
    BlockRow, BlockStatus, IntervalRow, NodeRow, NoteRow, PeriodRow, PhaseRow, RefusalRow, ReorgRow, TransactionRow,
    TransactionStatus, UncheckedRow, ViolationRow,
};
use super::statistics::{distribution, percentile};
use super::table;
use super::transactions::{NO_BLOCK, Transactions};
use super::{Metrics, Noted};
use crate::base::{Duration, Height, NodeId, Time};
use crate::observe::ViolationKind;
use crate::observe::check::Verdict;
use rustc_hash::FxHashSet;

impl Metrics {
    /// The run ended. `verdict` is what the checkers found.
    #[must_use]
    pub fn outcome(mut self, end: Time, verdict: &Verdict) -> Outcome {
        self.close(end);
        let tips =
            (self.nodes.iter().zip(&self.settings.honest)).filter_map(|(node, honest)| node.tip.filter(|_| *honest));
        let statuses = self.blocks.statuses(tips);
        self.complete_transactions(&statuses);
        let blocks: Vec<BlockRow> = (self.blocks.iter().zip(&statuses))
            .filter(|(record, _)| record.block.height() > Height::GENESIS)
            .map(|(record, status)| record.row(*status))
            .collect();
        let transactions = std::mem::take(&mut self.transactions.rows);
        let nodes = self.node_rows(end, &blocks);
        let changes = if self.has_leaders { leader_changes(&blocks) } else { Vec::new() };
        let from = Time::ZERO + self.settings.warm_up;
        let to = end.min(Time::ZERO + self.settings.duration).max(from);
        let (periods, phases) = self.around_faults(end, (from, to), &transactions, &blocks);
        let tables =
            Rows { transactions: &transactions, blocks: &blocks, nodes: &nodes, periods: &periods, phases: &phases };
        let measured = Measured::new(tables, self.counts(), verdict, (from, to), end, changes.len());
        let summary = table::summary(&measured);
        let reachable = measured.blocks.len() * self.settings.honest.iter().filter(|honest| **honest).count();
        let (confirmation, propagation) =
            (distribution(&measured.confirmation), self.propagation.distribution(reachable as u64));
        Outcome {
            summary,
            measured_from: from,
            measured_to: to,
            end,
            interval: self.settings.interval,
            intervals: self.interval_rows(end, &transactions, &changes),
            blocks,
            nodes,
            messages: self.messages.rows(),
            notes: self.notes.iter().map(note_row).collect(),
            refusals: self.refusals.iter().map(|(&reason, &count)| RefusalRow { reason, count }).collect(),
            reorgs: self.reorgs.iter().map(|(&depth, &count)| ReorgRow { depth, count }).collect(),
            propagation,
            confirmation,
            faults: std::mem::take(&mut self.faults),
            periods,
            phases,
            violations: violation_rows(verdict),
            checked: verdict.checked.clone(),
            unchecked: unchecked_rows(verdict),
            transactions,
        }
    }
    /// What was counted, for metrics.
    fn counts(&self) -> RunCounts<'_> {
        let sent = match self.window {
            (Some(before), Some(after)) => after.since(before),
            _ => Traffic::default(),
        };
        let usage = |node: &super::Node| NodeUsage {
            busy: node.window_busy,
            sent_bytes: node.window_sent,
            time: node.window_time,
            peak_rate: node.peak_rate,
        };
        RunCounts {
            offered: self.settings.offered,
            mining_watts: self.settings.mining_watts,
            cores: self.settings.cores,
            weights: &self.settings.weights,
            sent,
            messages_lost: self.lost.iter().sum(),
            longest_gap: self.longest_gap,
            reorgs: &self.reorgs,
            failed_round_numbers: self.failed_rounds.len() as u64,
            blocked_by_gap: self.transactions.blocked,
            skipped_requests: self.skipped_requests,
            reads: &self.reads,
            usage: self.nodes.iter().filter(|node| !node.window_time.is_zero()).map(usage).collect(),
        }
    }
    /// Closes the intervals that are not over.
    fn close(&mut self, end: Time) {
        self.close_intervals(end);
        let total = self.messages.total();
        self.window.0.get_or_insert(total);
        self.window.1.get_or_insert(total);
        // An interval that begins with the end of the run belongs to the one before.
        if self.series.counts.len() > 1 && self.series.end() >= end + self.settings.interval {
            let late = self.series.counts.pop().unwrap_or_default();
            let last = self.series.now();
            last.blocks += late.blocks;
            last.failed_rounds += late.failed_rounds;
            last.reorgs += late.reorgs;
            last.reorg_max = last.reorg_max.max(late.reorg_max);
        }
        self.end_interval(total);
        self.longest_gap = self.longest_gap.max(end.since(self.last_final));
        self.progress.period_begins(end);
    }
    /// The rows of the tables around faults, for the chain and for each region.
    fn around_faults(
        &mut self,
        end: Time,
        window: (Time, Time),
        transactions: &[TransactionRow],
        blocks: &[BlockRow],
    ) -> (Vec<PeriodRow>, Vec<PhaseRow>) {
        let periods = periods(&mut self.faults);
        if periods.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let mut views = vec![View::whole(transactions, blocks)];
        for (region, name) in self.regions.names.iter().enumerate() {
            let of_region = transactions.iter().filter(|row| self.regions.of[row.node.index()] == Some(region));
            views.push(View::of_region(name, of_region, &self.regions.finals[region]));
        }
        let has_honest = self.settings.honest.contains(&true);
        let cut = Cut::new(end, &confirmation_times(transactions, window));
        rows(
            &periods,
            &views,
            blocks,
            |end| self.progress.after(end).filter(|_| has_honest),
            &Bounds { window, end, cut },
        )
    }
    /// Fills in the columns of transactions that depend on their blocks. A transaction is reverted if its final block is not
    /// canonical, or if it was removed from a chain before it was final, unless another canonical block contains it.
    fn complete_transactions(&mut self, statuses: &[BlockStatus]) {
        let is_removed = |row: &TransactionRow, index: Index| match index {
            NO_BLOCK => row.reorged,
            index => statuses[index as usize] != BlockStatus::Canonical,
        };
        let canonical = self.blocks.iter().zip(statuses).filter(|(_, status)| **status == BlockStatus::Canonical);
        let Transactions { rows, block_indices, .. } = &mut self.transactions;
        let mut canonical_ids: FxHashSet<u64> = FxHashSet::default();
        if rows.iter().zip(&*block_indices).any(|(row, &index)| is_removed(row, index)) {
            let transactions = canonical.flat_map(|(record, _)| record.block.transactions());
            canonical_ids.extend(transactions.map(|transaction| transaction.id().short()));
        }
        for (row, &index) in rows.iter_mut().zip(&*block_indices) {
            if is_removed(row, index) && !canonical_ids.contains(&row.id.0) {
                row.status = TransactionStatus::Reverted;
            }
            if index != NO_BLOCK {
                let record = self.blocks.get(index);
                row.height = Some(record.block.height());
                row.final_first = record.final_first;
                row.final_everywhere = record.final_everywhere;
            }
        }
        self.transactions.blocked = self.transactions.blocked_by_gap();
    }
    fn node_rows(&self, end: Time, blocks: &[BlockRow]) -> Vec<NodeRow> {
        let mut made = vec![(0u64, 0u64); self.nodes.len()];
        for row in blocks {
            // A Byzantine node can send a block whose proposer does not exist: it counts for no node.
            if let Some((canonical, stale)) = made.get_mut(row.proposer.index()) {
                *canonical += u64::from(row.status == BlockStatus::Canonical);
                *stale += u64::from(row.status == BlockStatus::Stale);
            }
        }
        let all = made.iter().map(|(canonical, _)| canonical).sum::<u64>().max(1) as f64;
        let weight = self.settings.weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let available = end.as_secs_f64() * f64::from(self.settings.cores);
        let row = |(index, node): (usize, &super::Node)| NodeRow {
            node: NodeId::from(index),
            honest: self.settings.honest[index],
            sent_bytes: node.sent,
            received_bytes: node.received,
            written_bytes: node.written,
            busy: node.busy,
            cpu: if available > 0.0 { node.busy.as_secs_f64() / available } else { 0.0 },
            inbox_max: node.inbox_max,
            blocks_canonical: made[index].0,
            blocks_stale: made[index].1,
            block_share: made[index].0 as f64 / all,
            weight_share: self.settings.weights[index] / weight,
            crashes: node.crashes,
            reorgs: node.reorgs,
            reorg_max: node.reorg_max,
            failed_rounds: node.failed_rounds,
            height: node.tip.map_or(Height::GENESIS, |tip| self.blocks.get(tip).block.height()),
            finalized: node.finalized,
        };
        self.nodes.iter().enumerate().map(row).collect()
    }
    fn interval_rows(&self, end: Time, transactions: &[TransactionRow], changes: &[Time]) -> Vec<IntervalRow> {
        let (length, count) = (self.series.length, self.series.counts.len());
        let index = |at: Time| ((at.as_nanos() / length.as_nanos()) as usize).min(count - 1);
        let (mut submitted, mut confirmed, mut settled) = (vec![0u64; count], vec![0u64; count], vec![0u64; count]);
        let mut spans: Vec<Vec<Duration>> = vec![Vec::new(); count];
        for row in transactions {
            submitted[index(row.submitted)] += 1;
            if row.final_first == Time::NEVER {
                continue;
            }
            settled[index(row.final_first)] += 1;
            confirmed[index(row.final_first)] += u64::from(row.status == TransactionStatus::Executed);
            if row.final_entry < Time::NEVER && row.status == TransactionStatus::Executed {
                spans[index(row.final_entry)].push(row.final_entry.since(row.submitted));
            }
        }
        let mut leader_changes = vec![0u64; count];
        changes.iter().for_each(|at| leader_changes[index(*at)] += 1);
        let (mut unconfirmed, mut before) = (0, Traffic::default());
        let mut rows = Vec::with_capacity(count);
        for (at, counts) in self.series.counts.iter().enumerate() {
            let start = Time::ZERO + length * at as u64;
            let stop = end.min(start + length);
            let volume = counts.sent_before_end.since(before);
            before = counts.sent_before_end;
            unconfirmed = unconfirmed + submitted[at] - settled[at];
            spans[at].sort_unstable();
            let seconds = stop.since(start).as_secs_f64();
            let has_reading = counts.available > 0;
            rows.push(IntervalRow {
                start,
                end: stop,
                submitted: submitted[at],
                confirmed: confirmed[at],
                throughput: if seconds > 0.0 { confirmed[at] as f64 / seconds } else { 0.0 },
                confirmation_p50_s: percentile(&spans[at], 500).map(Duration::as_secs_f64),
                unconfirmed,
                blocks: counts.blocks,
                failed_rounds: counts.failed_rounds,
                leader_changes: leader_changes[at],
                reorgs: counts.reorgs,
                reorg_max: counts.reorg_max,
                messages: volume.messages,
                sent_bytes: volume.bytes,
                cpu_mean: has_reading.then(|| counts.busy as f64 / counts.available as f64),
                cpu_max: has_reading.then_some(counts.busiest),
                inbox_max: counts.inbox_max,
                mempool_max: counts.mempool_max,
                finalized_min: counts.finalized.0,
                finalized_max: counts.finalized.1,
            });
        }
        rows
    }
}

/// When canonical blocks were created whose proposer is another than that of the one below.
fn leader_changes(blocks: &[BlockRow]) -> Vec<Time> {
    let mut canonical: Vec<&BlockRow> = blocks.iter().filter(|row| row.status == BlockStatus::Canonical).collect();
    canonical.sort_by_key(|row| row.height);
    let pairs = canonical.windows(2).filter(|pair| pair[0].proposer != pair[1].proposer);
    pairs.map(|pair| pair[1].created).collect()
}

fn note_row(noted: &Noted) -> NoteRow {
    let mean = noted.sum as f64 / noted.count as f64;
    NoteRow { label: noted.label, count: noted.count, mean, max: noted.max }
}

fn violation_rows(verdict: &Verdict) -> Vec<ViolationRow> {
    let row = |violation: &crate::observe::Violation| ViolationRow {
        property: violation.property,
        kind: match violation.kind {
            ViolationKind::Safety => "safety",
            ViolationKind::Liveness => "liveness",
        },
        at: violation.at,
        what: violation.what.clone(),
    };
    verdict.violations.iter().map(row).collect()
}

fn unchecked_rows(verdict: &Verdict) -> Vec<UncheckedRow> {
    let row = |unchecked: &crate::observe::check::Unchecked| UncheckedRow {
        property: unchecked.property.into(),
        why: unchecked.why.clone(),
        decisive: unchecked.decisive,
    };
    verdict.unchecked.iter().map(row).collect()
}
