//! What faults cost, from the definitions: fault periods, outage, time to recover, time to drain, catch-up.

use super::figures::{could_not_be_final, percentile};
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

/// Which nodes are up, and which reach which, at every instant.
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
fn finalities(view: View<'_>, reach: &Reach<'_>) -> Vec<f64> {
    let mut first: BTreeMap<u64, f64> = BTreeMap::new();
    for event in view.run.story.iter().filter(|event| event.node < view.run.nodes.len() && view.holds(event.node)) {
        if let What::Finalizes { height } = event.what {
            let works = reach.works(event.at);
            let is_honest = view.run.nodes[event.node]["honest"] == "true";
            if works[event.node] || is_honest && works.iter().all(|works| !works) {
                first.entry(height).or_insert(event.at);
            }
        }
    }
    let mut instants: Vec<f64> = first.into_values().collect();
    instants.sort_by(f64::total_cmp);
    instants
}

/// The chain as a whole, or one region: its nodes, and the payments whose home is one of them.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub run: &'a Run,
    pub region: Option<&'a str>,
}

impl<'a> View<'a> {
    fn holds(&self, node: usize) -> bool {
        let regions = self.run.chain()["nodes"]["regions"].as_array().unwrap();
        self.region.is_none_or(|region| regions[node % regions.len()].as_str() == Some(region))
    }
    fn payments(&self) -> impl Iterator<Item = &'a Row> {
        let view = *self;
        self.run.transactions.iter().filter(move |row| view.holds(row["node"].parse().unwrap()))
    }
    /// When a payment is final: at the first node of all, or at its home.
    fn settled(&self, row: &Row) -> Option<f64> {
        number(row, if self.region.is_none() { "final_first_s" } else { "final_entry_s" })
    }
    /// How many payments are outstanding: handed to an honest node that was up, and not yet final.
    fn outstanding(&self, at: f64) -> usize {
        let waits = |row: &&Row| {
            number(row, "taken_s").is_some_and(|taken| taken <= at) && self.settled(row).is_none_or(|end| end > at)
        };
        self.payments().filter(waits).count()
    }
    /// When payments became final with effect, in order.
    fn confirmations(&self) -> Vec<f64> {
        let mut at: Vec<f64> =
            (self.payments().filter(|row| row["status"] == "executed")).filter_map(|row| self.settled(row)).collect();
        at.sort_by(f64::total_cmp);
        at
    }
}

/// The longest interval without finality that overlaps the period, while a payment is outstanding.
pub fn outage(view: View<'_>, period: Period) -> Span {
    let run = view.run;
    let reach = Reach::of(run);
    let mut instants = finalities(view, &reach);
    instants.insert(0, 0.0);
    let last = *instants.last().unwrap();
    let mut longest = 0.0_f64;
    let starts: Vec<f64> = view.payments().filter_map(|row| number(row, "taken_s")).collect();
    // An idle chain has no outage: an interval begins when something is outstanding.
    let begin = |since: f64| {
        let next = starts.iter().copied().filter(|at| *at > since).fold(f64::INFINITY, f64::min);
        // The story rounds to a microsecond: what became final at this very instant waits no longer.
        if view.outstanding(since + 1.1e-6) > 0 { since } else { next }
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

/// Before, during and after a period, from the end of the one before until the next.
pub fn spans(run: &Run, period: Period) -> [(f64, f64); 3] {
    let all = periods(run);
    let earlier = all.iter().filter_map(|other| other.end).filter(|end| *end < period.start).fold(0.0, f64::max);
    let from = if earlier.max(run.from) < period.start { earlier.max(run.from) } else { earlier };
    let next = all.iter().map(|other| other.start).find(|start| *start > period.start).unwrap_or(run.end);
    let end = period.end.unwrap_or(run.end);
    [(from, period.start), (period.start, end), (end, if period.end.is_some() { next } else { end })]
}

/// The state before a period, if there is any.
fn before(run: &Run, period: Period) -> Option<(f64, f64)> {
    Some(spans(run, period)[0]).filter(|(from, to)| from < to)
}

/// From the period's end until the throughput over a window is nine tenths of that before.
pub fn recover(view: View<'_>, period: Period) -> Span {
    let run = view.run;
    let (Some(end), Some((from, to))) = (period.end, before(run, period)) else { return Span::NotMeasurable };
    let confirmed = view.confirmations();
    let rate = confirmed.iter().filter(|at| **at >= from && **at < to).count() as f64 / (to - from);
    if rate == 0.0 {
        return Span::NotMeasurable;
    }
    let blocks = run.blocks.iter().filter(|row| row["status"] == "canonical");
    let mut created: Vec<f64> = blocks.filter_map(|row| number(row, "created_s")).collect();
    created.retain(|at| *at >= from && *at < to);
    created.sort_by(f64::total_cmp);
    let interval = match created[..] {
        [first, .., last] => (last - first) / (created.len() - 1) as f64,
        _ => 0.0,
    };
    let window = (10.0 * interval).max(100.0 / rate);
    // The count over a window that slides can reach a value only when its far end passes a confirmation.
    let candidates = std::iter::once(end).chain(confirmed.iter().map(|at| at - window).filter(|at| *at >= end));
    let within = |at: f64| confirmed.iter().filter(|then| **then >= at && **then <= at + window + 1e-9).count() as f64;
    let enough = |at: &f64| within(*at) >= 0.9 * rate * window - 1e-6;
    candidates.into_iter().find(enough).map_or(Span::NotReached, |at| Span::Seconds(at - end))
}

/// From the period's end until as few are outstanding as before: at most the mean and two standard deviations.
pub fn drain(view: View<'_>, period: Period) -> Span {
    let run = view.run;
    let (Some(end), Some((from, to))) = (period.end, before(run, period)) else { return Span::NotMeasurable };
    let mut changes: Vec<f64> =
        (view.payments()).flat_map(|row| [number(row, "taken_s"), view.settled(row)]).flatten().collect();
    changes.sort_by(f64::total_cmp);
    let mut edges = vec![from];
    edges.extend(changes.iter().copied().filter(|at| *at > from && *at < to));
    edges.push(to);
    // Weighted by how long each number lasted.
    let (mut sum, mut squares) = (0.0, 0.0);
    for pair in edges.windows(2) {
        let many = view.outstanding(pair[0]) as f64;
        sum += many * (pair[1] - pair[0]);
        squares += many * many * (pair[1] - pair[0]);
    }
    let mean = sum / (to - from);
    let bound = mean + 2.0 * (squares / (to - from) - mean * mean).max(0.0).sqrt();
    let after = std::iter::once(end).chain(changes.iter().copied().filter(|at| *at > end && *at <= run.end));
    let drained = after.into_iter().find(|at| view.outstanding(*at) as f64 <= bound);
    drained.map_or(Span::NotReached, |at| Span::Seconds(at - end))
}

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

/// A row of `phases.csv`: what became of the payments that were submitted in a phase, and what was confirmed in it.
pub fn phase(view: View<'_>, (from, to): (f64, f64)) -> Vec<(&'static str, Option<f64>)> {
    let submitted: Vec<&Row> =
        view.payments().filter(|row| number(row, "submitted_s").is_some_and(|at| at >= from && at < to)).collect();
    let confirmed = view.confirmations().into_iter().filter(|at| *at >= from && *at < to).count() as f64;
    let times = |column: &str, all: bool| -> Vec<f64> {
        let those = submitted.iter().filter(|row| all || row["status"] == "executed");
        those.filter_map(|row| Some(number(row, column)? - number(row, "submitted_s")?)).collect()
    };
    let (confirmation, answers) = (times("final_entry_s", false), times("replied_s", true));
    let succeeded = submitted.iter().filter(|row| row["status"] == "executed" && view.settled(row).is_some());
    // Of a region's payments those count as final that are so at home.
    let is_open = |row: &&&Row| {
        let may_be = row["status"] == "pending" || row["status"] == "executed" && view.settled(row).is_none();
        may_be && could_not_be_final(view.run, row)
    };
    let undecided = submitted.iter().filter(is_open).count() as f64;
    let (many, well) = (submitted.len() as f64, succeeded.count() as f64);
    vec![
        ("submitted", Some(many)),
        ("succeeded", Some(well)),
        ("undecided", Some(undecided)),
        ("success_rate", (many > undecided).then(|| 100.0 * well / (many - undecided))),
        ("confirmed", Some(confirmed)),
        ("throughput_tps", (to > from).then(|| confirmed / (to - from))),
        ("confirmation_p50_s", percentile(&confirmation, 0.5)),
        ("confirmation_p99_s", percentile(&confirmation, 0.99)),
        ("reply_p50_s", percentile(&answers, 0.5)),
        ("reply_p99_s", percentile(&answers, 0.99)),
    ]
}

/// The figures of `summary.csv` around faults: the longest times of all periods, and the phases of the worst.
pub fn named(run: &Run) -> Vec<(String, Option<f64>)> {
    let (view, periods) = (View { run, region: None }, periods(run));
    let longest = |spans: Vec<Span>| {
        let seconds =
            spans.iter().filter_map(|span| if let Span::Seconds(seconds) = span { Some(*seconds) } else { None });
        if spans.contains(&Span::NotReached) { None } else { seconds.reduce(f64::max) }
    };
    let of_all = |of: &dyn Fn(Period) -> Span| longest(periods.iter().map(|period| of(*period)).collect());
    let mut figures: Vec<(String, Option<f64>)> = vec![
        ("outage".into(), of_all(&|period| outage(view, period))),
        ("recovery".into(), of_all(&|period| recover(view, period))),
        ("drain".into(), of_all(&|period| drain(view, period))),
        ("catch_up".into(), of_all(&|period| catch_up(run, period))),
    ];
    let length = |period: &Period| match outage(view, *period) {
        Span::Seconds(seconds) => seconds,
        Span::NotReached => f64::INFINITY,
        Span::NotMeasurable => 0.0,
    };
    // The first of equals.
    let worst = periods.iter().rev().max_by(|a, b| length(a).total_cmp(&length(b)));
    for (word, span) in
        ["before", "during", "after"].into_iter().zip(worst.map(|worst| spans(run, *worst)).into_iter().flatten())
    {
        for (name, value) in phase(view, span) {
            let name = name.trim_end_matches("_s").trim_end_matches("_tps").replace("success_rate", "success");
            if !["submitted", "succeeded", "undecided", "confirmed"].contains(&name.as_str()) {
                figures.push((format!("{name}_{word}"), value.filter(|_| span.0 < span.1)));
            }
        }
    }
    figures
}
