//! What faults cost, from the definitions: fault periods, outage, time to recover, time to drain, catch-up.

use super::raw::{Row, Run, What, number};
use std::collections::BTreeMap;

/// Faults that overlap or touch. One that never ends has no end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    pub start: f64,
    pub end: Option<f64>,
}

/// A time that was measured, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Span {
    Seconds(f64),
    /// Not by the end of the run.
    NotReached,
    NotMeasurable,
}

pub fn periods(run: &Run) -> Vec<Period> {
    let mut faults: Vec<Period> = (run.faults.iter())
        .map(|row| (number(row, "start_s").unwrap(), number(row, "end_s")))
        .map(|(start, end)| Period { start, end: end.filter(|end| *end < run.end) })
        .collect();
    faults.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut periods: Vec<Period> = Vec::new();
    for fault in faults {
        match periods.last_mut() {
            Some(last) if last.end.is_none_or(|end| fault.start <= end) => {
                last.end = last.end.zip(fault.end).map(|(a, b)| a.max(b));
            }
            _ => periods.push(fault),
        }
    }
    periods
}

/// How many nodes of so many must work together before anything becomes final.
fn quorum(protocol: &str, nodes: usize) -> usize {
    match protocol {
        "pbft" | "tendermint" | "hotstuff" | "qbft" | "scp" | "vote" => nodes * 2 / 3 + 1,
        "ripple" => (nodes * 4).div_ceil(5),
        "raft" | "clique" | "aura" | "nakamoto" => nodes / 2 + 1,
        other => panic!("what is a quorum of {other}?"),
    }
}

/// Which nodes are up, and who reaches whom, at every instant.
struct Reach<'a> {
    run: &'a Run,
    /// When a node went up or down.
    switches: Vec<(f64, usize, bool)>,
    /// Cuts: from, until, and the group of each node.
    cuts: Vec<(f64, f64, Vec<usize>)>,
    quorum: usize,
}

impl<'a> Reach<'a> {
    fn of(run: &'a Run) -> Reach<'a> {
        let switches = run.story.iter().filter_map(|event| match event.what {
            What::Starts => Some((event.at, event.node, true)),
            What::Crashes => Some((event.at, event.node, false)),
            _ => None,
        });
        let cuts = run.faults.iter().filter_map(|row| {
            let groups = row["label"].strip_prefix("partition ")?;
            let until = number(row, "end_s").unwrap_or(f64::INFINITY);
            Some((number(row, "start_s").unwrap(), until, groups_of(groups, run.nodes.len())))
        });
        let quorum = quorum(run.protocol(), run.nodes.len());
        Reach { run, switches: switches.collect(), cuts: cuts.collect(), quorum }
    }
    fn up(&self, at: f64) -> Vec<bool> {
        let mut up = vec![false; self.run.nodes.len()];
        for (when, node, is_up) in &self.switches {
            if *when <= at {
                up[*node] = *is_up;
            }
        }
        up
    }
    /// Whether each node is honest, up, and reaches a quorum.
    fn works(&self, at: f64) -> Vec<bool> {
        let up = self.up(at);
        let cuts: Vec<&Vec<usize>> =
            self.cuts.iter().filter(|cut| cut.0 <= at && at < cut.1).map(|cut| &cut.2).collect();
        let reaches = |a: usize, b: usize| up[b] && cuts.iter().all(|groups| groups[a] == groups[b]);
        let works = |node: usize| {
            let honest = self.run.nodes[node]["honest"] == "true";
            honest && up[node] && (0..up.len()).filter(|peer| reaches(node, *peer)).count() >= self.quorum
        };
        (0..up.len()).map(works).collect()
    }
}

/// `"n0 n1 | n2 n3"`: the group of each node.
fn groups_of(label: &str, nodes: usize) -> Vec<usize> {
    let mut groups = vec![usize::MAX; nodes];
    for (group, names) in label.split('|').enumerate() {
        for name in names.split_whitespace() {
            groups[name[1..].parse::<usize>().expect(label)] = group;
        }
    }
    groups
}

/// The instants at which a height became final first at a node that works, in order. While no node works, finality
/// anywhere counts.
fn finalities(run: &Run, reach: &Reach<'_>) -> Vec<f64> {
    let mut first: BTreeMap<u64, f64> = BTreeMap::new();
    for event in &run.story {
        if let What::Finalizes { height } = event.what {
            let works = reach.works(event.at);
            if works[event.node] || works.iter().all(|works| !works) {
                first.entry(height).or_insert(event.at);
            }
        }
    }
    let mut instants: Vec<f64> = first.into_values().collect();
    instants.sort_by(f64::total_cmp);
    instants
}

/// The transactions that wait at an instant: handed in and not yet final anywhere.
fn pending(run: &Run, at: f64) -> usize {
    let waits = |row: &&Row| {
        number(row, "submitted_s").unwrap() <= at && number(row, "final_first_s").is_none_or(|end| end > at)
    };
    run.transactions.iter().filter(waits).count()
}

/// The longest interval without finality that overlaps the period, while a payment is pending.
pub fn outage(run: &Run, period: Period) -> Span {
    let reach = Reach::of(run);
    let mut instants = finalities(run, &reach);
    instants.insert(0, 0.0);
    let last = *instants.last().unwrap();
    let mut longest = 0.0_f64;
    let starts: Vec<f64> = run.transactions.iter().map(|row| number(row, "submitted_s").unwrap()).collect();
    // An idle chain has no outage: an interval begins when something is pending.
    let begin = |since: f64| {
        let next = starts.iter().copied().filter(|at| *at > since).fold(f64::INFINITY, f64::min);
        if pending(run, since) > 0 { since } else { next }
    };
    let overlaps = |from: f64, to: f64| to >= period.start && period.end.is_none_or(|end| from <= end);
    for pair in instants.windows(2) {
        let from = begin(pair[0]);
        if overlaps(from, pair[1]) {
            longest = longest.max(pair[1] - from);
        }
    }
    let from = begin(last);
    if overlaps(from, run.end) && run.end - from > longest {
        return Span::NotReached;
    }
    Span::Seconds(longest)
}

/// The state before a period: from the end of what was before it, or of the warm-up.
fn before(run: &Run, period: Period) -> Option<(f64, f64)> {
    let earlier = periods(run).into_iter().filter_map(|other| other.end).filter(|end| *end < period.start);
    let from = earlier.fold(run.from, f64::max);
    (from < period.start).then_some((from, period.start))
}

/// First finalities with effect, in order.
fn confirmations(run: &Run) -> Vec<f64> {
    let executed = run.transactions.iter().filter(|row| row["fate"] == "executed");
    let mut at: Vec<f64> = executed.filter_map(|row| number(row, "final_first_s")).collect();
    at.sort_by(f64::total_cmp);
    at
}

#[allow(dead_code)]
/// From the period's end until the throughput over a window is nine tenths of that before.
pub fn recover(run: &Run, period: Period) -> Span {
    let (Some(end), Some((from, to))) = (period.end, before(run, period)) else { return Span::NotMeasurable };
    let confirmed = confirmations(run);
    let within = |from: f64, to: f64| confirmed.iter().filter(|at| **at >= from && **at < to).count() as f64;
    let rate = within(from, to) / (to - from);
    let blocks = run.blocks.iter().filter(|row| row["standing"] == "canonical");
    let blocks = blocks.filter_map(|row| number(row, "created_s")).filter(|at| *at >= from && *at < to).count();
    if rate == 0.0 || blocks == 0 {
        return Span::NotMeasurable;
    }
    let window = (10.0 * (to - from) / blocks as f64).max(100.0 / rate);
    // The count over a window that slides can reach a value only when its far end passes a confirmation.
    let candidates = std::iter::once(end).chain(confirmed.iter().map(|at| at - window + 1e-9).filter(|at| *at >= end));
    let enough = |at: &f64| at + window <= run.end && within(*at, at + window) >= 0.9 * rate * window;
    candidates.into_iter().find(enough).map_or(Span::NotReached, |at| Span::Seconds(at - end))
}

#[allow(dead_code)]
/// From the period's end until as few are pending as before: at most the mean and two standard deviations.
pub fn drain(run: &Run, period: Period) -> Span {
    let (Some(end), Some((from, to))) = (period.end, before(run, period)) else { return Span::NotMeasurable };
    let mut changes: Vec<f64> = (run.transactions.iter())
        .flat_map(|row| [number(row, "submitted_s"), number(row, "final_first_s")])
        .flatten()
        .collect();
    changes.sort_by(f64::total_cmp);
    let mut edges = vec![from];
    edges.extend(changes.iter().copied().filter(|at| *at > from && *at < to));
    edges.push(to);
    // Weighted by how long each number lasted.
    let (mut sum, mut squares) = (0.0, 0.0);
    for pair in edges.windows(2) {
        let many = pending(run, pair[0]) as f64;
        sum += many * (pair[1] - pair[0]);
        squares += many * many * (pair[1] - pair[0]);
    }
    let mean = sum / (to - from);
    let bound = mean + 2.0 * (squares / (to - from) - mean * mean).max(0.0).sqrt();
    let after = std::iter::once(end).chain(changes.iter().copied().filter(|at| *at > end && *at <= run.end));
    let drained = after.into_iter().find(|at| pending(run, *at) as f64 <= bound);
    drained.map_or(Span::NotReached, |at| Span::Seconds(at - end))
}

#[allow(dead_code)]
/// From the period's end until every honest node that is up holds what the first of them held then, and stays within
/// ten blocks of the first from there on, until the next fault.
pub fn catch_up(run: &Run, period: Period) -> Span {
    let Some(end) = period.end else { return Span::NotMeasurable };
    let next = periods(run).iter().map(|other| other.start).find(|start| *start > end).unwrap_or(run.end);
    let reach = Reach::of(run);
    let mut heights = vec![0; run.nodes.len()];
    let (mut goal, mut reached) = (None, None);
    let mut check = |at: f64, heights: &[u64]| {
        let up = reach.up(at);
        let honest = (0..heights.len()).filter(|node| up[*node] && run.nodes[*node]["honest"] == "true");
        let held: Vec<u64> = honest.map(|node| heights[node]).collect();
        let (least, most) = (*held.iter().min().unwrap(), *held.iter().max().unwrap());
        let goal = *goal.get_or_insert(most);
        if least < goal || most - least > 10 {
            reached = None;
        } else if reached.is_none() {
            reached = Some(at);
        }
    };
    let mut is_after = false;
    for event in run.story.iter().filter(|event| event.at < next) {
        if event.at > end && !is_after {
            is_after = true;
            check(end, &heights);
        }
        if let What::Finalizes { height } = event.what {
            heights[event.node] = heights[event.node].max(height);
            if is_after {
                check(event.at, &heights);
            }
        }
    }
    reached.map_or(Span::NotReached, |at: f64| Span::Seconds(at - end))
}
