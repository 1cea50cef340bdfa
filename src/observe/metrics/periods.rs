//! Fault periods: outage, recovery, and payments before, during and after.
//!
//! A **fault period** is the union of faults that overlap or touch; a fault without an end never ends. Times are half
//! open: an instant at which a phase ends belongs to the next. Definitions, for the chain as a whole:
//!
//! * **finality** is the instant at which a block becomes final first at an honest node that is up and can reach a quorum
//!   in both directions (under proof of work: most of the hash power); while no honest node can, at any honest node
//!   ([`BlockRow::final_connected`](super::BlockRow::final_connected)). Empty blocks count;
//! * a payment is **outstanding** from the instant at which it is first submitted to an honest node that is up until it is
//!   final at the first honest node, with or without effect. (*Pending* is a status and *unconfirmed* counts from submission:
//!   both include payments that no node had.)
//! * an **interval without finality** lies between two consecutive finalities, or the start of the run and the first, or
//!   the last and the end of the run. If no payment is outstanding at its beginning, it begins with the next submission;
//! * **outage**: the longest of these intervals that begins at or before the end of the period and ends at or after its
//!   start. Not over, if that is the one that the end of the run cuts off. 0 s if nothing was outstanding around the period;
//!   cannot be measured, like the time to drain, if no payment of the whole run was ever outstanding;
//! * **before** is the time from the end of the period before, or from the end of the warm-up if that is later, until the
//!   period starts; if that is empty, without regard to the warm-up. A period that starts at time zero has none, and then
//!   nothing below can be measured. **After** is the time from the end of the period until the next one starts or the
//!   measured window ends, **during** is between;
//! * **success rate** of a phase: of the payments submitted in it, the share that is final with effect, without those that
//!   are *undecided*: pending at the end of the run (neither final, in a region at the entry node, nor rejected nor reverted), and
//!   submitted less than the p99 of the confirmation times of the run before it;
//! * **throughput** of a span: transactions that became final with effect at the first honest node in it, per second;
//! * **time to recover**: from the end of the period until the first instant such that the throughput over the next `w`
//!   seconds, both ends included, is at least 90 % of the throughput before. `w` is ten times the mean time between the
//!   creations of canonical blocks before (if there were two), or a hundred payments at the throughput before, whichever
//!   is longer. Cannot be measured if nothing became final before;
//! * **time to drain**: from the end of the period until the first instant at which the number of outstanding payments is at
//!   most its mean over the time before plus two standard deviations, both weighted by time;
//! * **catch-up**: from the end of the period until the first instant from which on, until the next period or the end of
//!   the run, every honest node that is up holds final the height that the first of them held final at the end of the
//!   period, and is at most ten blocks behind the first, or as many as the last of them was at some time before the first
//!   fault of the run, if that is more (where blocks take less time than messages, nodes are always some apart).
//!
//! **A region** consists of its nodes and the payments whose entry node is one of them. Its finality is that at its nodes,
//! and a payment is confirmed when it is final at its entry node; block intervals are those of the whole chain.

use super::catch_up::CaughtUp;
use super::measured::Cut;
use super::rows::{
    BlockRow, BlockStatus, FaultSpan, PeriodRow, Phase, PhaseRow, Reached, TransactionRow, TransactionStatus,
};
use super::statistics::percentile;
use crate::base::{Duration, Time};

/// Recovery is judged over this number of block intervals or of payments, whichever takes longer.
const RECOVERY_BLOCKS: u64 = 10;
const RECOVERY_PAYMENTS: u64 = 100;

/// A span of time, half open.
type Span = (Time, Time);

/// Faults that overlap or touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// When the first of them began.
    pub start: Time,
    /// When the last of them ended; [`Time::NEVER`], which is later than all others, if one did not.
    pub end: Time,
    /// Number of faults in it.
    pub faults: u32,
}

/// Finds the fault periods and returns them in order of time; writes its period to each fault.
pub fn periods(faults: &mut [FaultSpan]) -> Vec<Period> {
    let mut order: Vec<usize> = (0..faults.len()).collect();
    order.sort_by_key(|&at| (faults[at].start, at));
    let mut periods: Vec<Period> = Vec::new();
    for at in order {
        let FaultSpan { start, end, .. } = faults[at];
        match periods.last_mut().filter(|period| start <= period.end) {
            Some(period) => {
                period.end = period.end.max(end);
                period.faults += 1;
            }
            None => periods.push(Period { start, end, faults: 1 }),
        }
        faults[at].period = periods.len() as u32 - 1;
    }
    periods
}

/// What is used of a payment.
#[derive(Clone, Copy, Debug)]
struct Payment {
    submitted: Time,
    /// When it became outstanding, and when it no longer was.
    taken: Time,
    settled: Time,
    /// When it was confirmed; never if it had no effect.
    confirmed: Time,
    /// When it was final with effect at its entry node.
    final_entry: Time,
    replied: Time,
    /// Whether it was rejected, reverted or without effect.
    failed: bool,
}

/// The payments and the finality of the whole chain, or of a region.
pub struct View {
    region: String,
    payments: Vec<Payment>,
    /// When blocks became final, ascending.
    finals: Vec<Time>,
    /// When payments were confirmed, ascending.
    confirmed: Vec<Time>,
    /// When payments began to be outstanding, ascending.
    taken: Vec<Time>,
    /// The instants at which the number of outstanding payments changes, and the number from then on; from time zero.
    outstanding: Vec<(Time, u64)>,
}

impl View {
    /// The whole chain.
    pub fn whole(transactions: &[TransactionRow], blocks: &[BlockRow]) -> View {
        let finals = blocks.iter().map(|row| row.final_connected).filter(|at| *at < Time::NEVER).collect();
        let payment = |row: &TransactionRow| Payment {
            submitted: row.submitted,
            taken: row.taken,
            settled: row.final_first,
            confirmed: if row.status == TransactionStatus::Executed { row.final_first } else { Time::NEVER },
            final_entry: if row.status == TransactionStatus::Executed { row.final_entry } else { Time::NEVER },
            replied: row.replied,
            failed: has_failed(row),
        };
        View::new(String::new(), transactions.iter().map(payment).collect(), finals)
    }
    /// A region: the transactions of its clients, and when blocks became final there first.
    pub fn of_region<'a>(name: &str, transactions: impl Iterator<Item = &'a TransactionRow>, finals: &[Time]) -> View {
        let payment = |row: &TransactionRow| {
            let final_entry = if row.status == TransactionStatus::Executed { row.final_entry } else { Time::NEVER };
            let (submitted, taken, replied) = (row.submitted, row.taken, row.replied);
            let failed = has_failed(row);
            Payment { submitted, taken, settled: row.final_entry, confirmed: final_entry, final_entry, replied, failed }
        };
        View::new(name.to_owned(), transactions.map(payment).collect(), finals.to_vec())
    }
    fn new(region: String, payments: Vec<Payment>, mut finals: Vec<Time>) -> View {
        finals.sort_unstable();
        let happened = |of: fn(&Payment) -> Time| {
            let mut times: Vec<Time> = payments.iter().map(of).filter(|at| *at < Time::NEVER).collect();
            times.sort_unstable();
            times
        };
        let (confirmed, taken) = (happened(|payment| payment.confirmed), happened(|payment| payment.taken));
        let outstanding = outstanding(&payments);
        View { region, payments, finals, confirmed, taken, outstanding }
    }
    /// The number of payments outstanding at an instant.
    fn outstanding_at(&self, at: Time) -> u64 {
        self.outstanding[self.outstanding.partition_point(|(from, _)| *from <= at) - 1].1
    }
    /// The intervals without finality while a payment was outstanding, ascending; the end of the run ends the last.
    fn intervals(&self, end: Time) -> impl Iterator<Item = Span> {
        let ends = self.finals.iter().copied().chain([end]);
        let starts = [Time::ZERO].into_iter().chain(self.finals.iter().copied());
        starts.zip(ends).filter_map(|(from, to)| {
            let from = if self.outstanding_at(from) > 0 {
                from
            } else {
                *self.taken.get(self.taken.partition_point(|at| *at <= from))?
            };
            (from < to).then_some((from, to))
        })
    }
    /// The longest interval without finality that overlaps a period, and whether it ended before the run did.
    fn outage(&self, period: &Period, end: Time) -> (Span, Reached) {
        if self.taken.is_empty() {
            return ((Time::NEVER, Time::NEVER), Reached::NotMeasurable);
        }
        let last = self.finals.last().copied().unwrap_or(Time::ZERO);
        let mut longest = (Time::NEVER, Time::NEVER);
        for (from, to) in self.intervals(end).filter(|(from, to)| *from <= period.end && *to >= period.start) {
            if to.since(from) > longest.1.since(longest.0) {
                longest = (from, to);
            }
        }
        let open = longest.0 < Time::NEVER && longest.1 == end && longest.0 >= last && last < end;
        (longest, if open { Reached::No } else { Reached::Yes })
    }
    /// The number of payments confirmed in a span.
    fn confirmed_in(&self, (from, to): Span) -> u64 {
        let before = |at: Time| self.confirmed.partition_point(|known| *known < at);
        before(to).saturating_sub(before(from)) as u64
    }
    /// The time from the end of a period until throughput had recovered.
    fn recovery(&self, before: Span, ended: Time, block_interval: Option<Duration>) -> (Option<Duration>, Reached) {
        let (count, length) = (u128::from(self.confirmed_in(before)), nanos(before));
        if count == 0 || ended == Time::NEVER {
            return (None, Reached::NotMeasurable);
        }
        let blocks = block_interval.map_or(0, |interval| u128::from((interval * RECOVERY_BLOCKS).as_nanos()));
        let window = blocks.max(u128::from(RECOVERY_PAYMENTS) * length / count);
        let wanted = (9 * count * window).div_ceil(10 * length).max(1) as usize;
        let from = self.confirmed.partition_point(|at| *at < ended);
        // The window that begins with the end of the period, or else the first that ends with enough confirmations.
        let mut windows = self.confirmed[from..].windows(wanted);
        let found = windows.find(|run| u128::from(run[wanted - 1].since(run[0]).as_nanos()) <= window);
        let found = found.map(|run| {
            let since = u128::from(run[wanted - 1].since(ended).as_nanos());
            Duration::from_nanos(since.saturating_sub(window) as u64)
        });
        reached(found)
    }
    /// The time from the end of a period until no more payments were outstanding than before.
    fn drain(&self, before: Span, ended: Time) -> (Option<Duration>, Reached) {
        if ended == Time::NEVER || self.taken.is_empty() {
            return (None, Reached::NotMeasurable);
        }
        let (mean, deviation) = self.outstanding_over(before);
        let few = mean + 2.0 * deviation;
        if self.outstanding_at(ended) as f64 <= few {
            return reached(Some(Duration::ZERO));
        }
        let after = self.outstanding.iter().filter(|(at, count)| *at > ended && *count as f64 <= few);
        reached(after.map(|(at, _)| at.since(ended)).next())
    }
    /// The mean number of outstanding payments over a span and its standard deviation, weighted by time.
    fn outstanding_over(&self, (from, to): Span) -> (f64, f64) {
        let (mut sum, mut squares) = (0u128, 0u128);
        for (at, (since, count)) in self.outstanding.iter().enumerate() {
            let until = self.outstanding.get(at + 1).map_or(Time::NEVER, |next| next.0);
            let span = u128::from(until.min(to).since((*since).max(from)).as_nanos());
            sum += span * u128::from(*count);
            squares += span * u128::from(*count) * u128::from(*count);
        }
        let length = nanos((from, to)) as f64;
        let mean = sum as f64 / length;
        (mean, libm::sqrt((squares as f64 / length - mean * mean).max(0.0)))
    }
    fn phase(&self, period: usize, phase: Phase, (start, end): Span, cut: &Cut) -> PhaseRow {
        let within: Vec<&Payment> =
            self.payments.iter().filter(|payment| start <= payment.submitted && payment.submitted < end).collect();
        let spans = |until: fn(&Payment) -> Time| {
            let ends = within.iter().filter(|payment| until(payment) < Time::NEVER);
            let mut spans: Vec<Duration> = ends.map(|payment| until(payment).since(payment.submitted)).collect();
            spans.sort_unstable();
            spans
        };
        let (confirmation, replied) = (spans(|payment| payment.final_entry), spans(|payment| payment.replied));
        let succeeded = within.iter().filter(|payment| payment.confirmed < Time::NEVER).count();
        let is_undecided =
            |payment: &&&Payment| payment.settled == Time::NEVER && !payment.failed && cut.is_late(payment.submitted);
        let undecided = within.iter().filter(is_undecided).count();
        let decided = within.len() - undecided;
        let seconds = end.since(start).as_secs_f64();
        let confirmed = self.confirmed_in((start, end));
        let at = |spans: &[Duration], permille| percentile(spans, permille).map(Duration::as_secs_f64);
        PhaseRow {
            period: period as u32,
            phase,
            region: self.region.clone(),
            start,
            end,
            submitted: within.len() as u64,
            succeeded: succeeded as u64,
            undecided: undecided as u64,
            success_rate: (decided > 0).then(|| 100.0 * succeeded as f64 / decided as f64),
            confirmed,
            throughput: (seconds > 0.0).then(|| confirmed as f64 / seconds),
            confirmation_p50_s: at(&confirmation, 500),
            confirmation_p99_s: at(&confirmation, 990),
            reply_p50_s: at(&replied, 500),
            reply_p99_s: at(&replied, 990),
        }
    }
}

fn has_failed(row: &TransactionRow) -> bool {
    matches!(row.status, TransactionStatus::NoEffect | TransactionStatus::Rejected | TransactionStatus::Reverted)
}

fn nanos((from, to): Span) -> u128 {
    u128::from(to.since(from).as_nanos())
}

/// A time that was looked for until the end of the run.
fn reached(found: Option<Duration>) -> (Option<Duration>, Reached) {
    (found, if found.is_some() { Reached::Yes } else { Reached::No })
}

/// The number of outstanding payments over time.
fn outstanding(payments: &[Payment]) -> Vec<(Time, u64)> {
    let mut changes: Vec<(Time, bool)> = Vec::new();
    for payment in payments.iter().filter(|payment| payment.taken < payment.settled) {
        changes.push((payment.taken, true));
        changes.extend((payment.settled < Time::NEVER).then_some((payment.settled, false)));
    }
    changes.sort_unstable();
    let mut steps: Vec<(Time, u64)> = vec![(Time::ZERO, 0)];
    let (mut more, mut less) = (0u64, 0u64);
    for (at, begins) in changes {
        *if begins { &mut more } else { &mut less } += 1;
        // Within an instant only the number at its end counts, which is never negative.
        let count = more.saturating_sub(less);
        match steps.last_mut().filter(|last| last.0 == at) {
            Some(last) => last.1 = count,
            None => steps.push((at, count)),
        }
    }
    steps
}

/// The limits of the measurement of a run.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The measured window.
    pub window: Span,
    /// The end of the run.
    pub end: Time,
    /// Where success rates are cut off.
    pub cut: Cut,
}

/// The phases of the period with this number; an empty phase ends when it begins.
fn phases(periods: &[Period], number: usize, bounds: &Bounds) -> [(Phase, Span); 3] {
    let Period { start, end, .. } = periods[number];
    let earlier = if number == 0 { Time::ZERO } else { periods[number - 1].end };
    let from = earlier.max(bounds.window.0);
    let from = if from < start { from } else { earlier };
    let close = periods.get(number + 1).map_or(bounds.window.1, |next| next.start.min(bounds.window.1));
    let stop = end.min(bounds.window.1).max(start);
    let after = if end == Time::NEVER { (stop, stop) } else { (end, close.max(end)) };
    [(Phase::Before, (from, start)), (Phase::During, (start, stop)), (Phase::After, after)]
}

/// The mean time between the creations of canonical blocks created in a span.
fn block_interval(blocks: &[BlockRow], (from, to): Span) -> Option<Duration> {
    let within = blocks.iter().filter(|row| row.status == BlockStatus::Canonical).map(|row| row.created);
    let created: Vec<Time> = within.filter(|at| from <= *at && *at < to).collect();
    let (first, last) = (created.iter().min()?, created.iter().max()?);
    let gaps = created.len() as u64 - 1;
    (gaps > 0).then(|| Duration::from_nanos(last.since(*first).as_nanos() / gaps))
}

/// One row per period and view, and one per phase of each.
pub fn rows(
    periods: &[Period],
    views: &[View],
    blocks: &[BlockRow],
    caught_up: impl Fn(Time) -> Option<CaughtUp>,
    bounds: &Bounds,
) -> (Vec<PeriodRow>, Vec<PhaseRow>) {
    let (mut rows, mut phase_rows) = (Vec::new(), Vec::new());
    for (number, period) in periods.iter().enumerate() {
        let phases = phases(periods, number, bounds);
        let before = phases[0].1;
        let interval = block_interval(blocks, before);
        for view in views {
            let ((from, to), outage_over) = view.outage(period, bounds.end);
            let outage = (outage_over == Reached::Yes).then(|| to.since(from));
            let measurable = before.0 < before.1;
            let unknown = (None, Reached::NotMeasurable);
            let (recovery, recovered) = if measurable { view.recovery(before, period.end, interval) } else { unknown };
            let (drain, drained) = if measurable { view.drain(before, period.end) } else { unknown };
            let of_all = Some(period.end).filter(|end| view.region.is_empty() && *end < bounds.end);
            let together = of_all.and_then(&caught_up);
            let (catch_up, caught_up) =
                together.map_or(unknown, |found| reached(found.since.map(|since| since.since(found.end))));
            rows.push(PeriodRow {
                period: number as u32,
                region: view.region.clone(),
                start: period.start,
                end: period.end,
                faults: period.faults,
                outage,
                outage_over,
                outage_from: Some(from).filter(|from| *from < Time::NEVER),
                recovery,
                recovered,
                drain,
                drained,
                catch_up,
                caught_up,
                watched_until: bounds.end,
            });
            phase_rows.extend(phases.iter().map(|(phase, span)| view.phase(number, *phase, *span, &bounds.cut)));
        }
    }
    (rows, phase_rows)
}

#[cfg(test)]
mod tests;
