//! The figures of `summary.csv` once more, each from its definition, in the plainest way.

use super::raw::{Event, Row, Run, What, number};
use std::collections::{BTreeMap, BTreeSet};

/// A figure as it must be, and how far from it is allowed: a share of it, for what is added up in another order or was
/// read from the story, whose times are exact to a microsecond.
pub struct Figure {
    pub name: String,
    pub value: Option<f64>,
    pub relative: f64,
    pub absolute: f64,
}

/// Sums of exact numbers.
const EXACT: (f64, f64) = (1e-9, 1e-9);
/// Times of the story.
const STORY: (f64, f64) = (1e-9, 5e-6);
/// The story rounds bytes to three digits.
const ROUNDED: (f64, f64) = (0.01, 0.0);

#[derive(Default)]
pub struct Figures(pub Vec<Figure>);

impl Figures {
    fn add(&mut self, name: &str, value: impl Into<Option<f64>>, (relative, absolute): (f64, f64)) {
        self.0.push(Figure { name: name.to_owned(), value: value.into(), relative, absolute });
    }
    fn exact(&mut self, name: &str, value: impl Into<Option<f64>>) {
        self.add(name, value, EXACT);
    }
}

/// All that can be derived.
pub fn figures(run: &Run) -> Figures {
    let mut figures = Figures::default();
    load(run, &mut figures);
    times(run, &mut figures);
    fates(run, &mut figures);
    blocks(run, &mut figures);
    propagation(run, &mut figures);
    rounds(run, &mut figures);
    traffic(run, &mut figures);
    fairness(run, &mut figures);
    for (name, value) in super::phases::named(run) {
        figures.add(&name, value, STORY);
    }
    figures
}

fn count(many: impl Iterator) -> f64 {
    many.count() as f64
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The nearest rank: the smallest value that at least this share of all does not exceed.
pub fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

/// Those submitted within the measured window.
fn measured(run: &Run) -> impl Iterator<Item = &Row> {
    run.transactions.iter().filter(|row| number(row, "submitted_s").is_some_and(|at| run.within(at)))
}

fn load(run: &Run, figures: &mut Figures) {
    figures.exact("offered_load", run.scenario["workload"]["payments"]["rate"].as_float());
    figures.exact("submitted", count(measured(run)) / run.window());
    let confirmed = confirmed(run);
    figures.exact("throughput", confirmed / run.window());
    let executed = count(measured(run).filter(|row| row["status"] == "executed"));
    let decided = count(measured(run).filter(|row| !(row["status"] == "pending" && could_not_be_final(run, row))));
    figures.exact("success_rate", 100.0 * executed / decided);
}

/// Whether a payment was submitted less than the confirmation time p99 before the end of the run.
pub fn could_not_be_final(run: &Run, row: &Row) -> bool {
    let executed = measured(run).filter(|row| row["status"] == "executed");
    let times: Vec<f64> =
        executed.filter_map(|row| Some(number(row, "final_entry_s")? - number(row, "submitted_s")?)).collect();
    let left = run.end - number(row, "submitted_s").expect("every payment was submitted");
    percentile(&times, 0.99).is_some_and(|p99| left < p99 - 1e-9)
}

/// Transactions that became final with effect at the first honest node within the measured window.
fn confirmed(run: &Run) -> f64 {
    let executed = run.transactions.iter().filter(|row| row["status"] == "executed");
    count(executed.filter(|row| number(row, "final_first_s").is_some_and(|at| run.within(at))))
}

fn times(run: &Run, figures: &mut Figures) {
    let executed = |row: &&Row| row["status"] == "executed";
    let since = |row: &Row, column: &str| Some(number(row, column)? - number(row, "submitted_s")?);
    let until =
        |column: &str| -> Vec<f64> { measured(run).filter(executed).filter_map(|row| since(row, column)).collect() };
    let confirmation = until("final_entry_s");
    figures.exact("confirmation_p50", percentile(&confirmation, 0.5));
    figures.exact("confirmation_p90", percentile(&confirmation, 0.9));
    figures.exact("confirmation_p95", percentile(&confirmation, 0.95));
    figures.exact("confirmation_p99", percentile(&confirmation, 0.99));
    figures.exact("confirmation_max", percentile(&confirmation, 1.0));
    figures.exact("confirmation_mean", mean(&confirmation));
    // What is on the chain need not be final yet.
    let included: Vec<f64> = measured(run).filter_map(|row| since(row, "included_s")).collect();
    figures.exact("inclusion_p50", percentile(&included, 0.5));
    figures.exact("reply_p50", percentile(&until("replied_s"), 0.5));
    figures.exact("reply_p99", percentile(&until("replied_s"), 0.99));
    let reads: Vec<f64> = notes(run, "read").map(|(_, nanoseconds)| nanoseconds as f64 / 1e9).collect();
    if !reads.is_empty() {
        figures.exact("read_p50", percentile(&reads, 0.5));
        figures.exact("read_p99", percentile(&reads, 0.99));
    }
}

/// What became of transactions, of the whole run.
fn fates(run: &Run, figures: &mut Figures) {
    let those = |fate: &str| count(run.transactions.iter().filter(|row| row["status"] == fate));
    figures.exact("no_effect", those("no_effect"));
    figures.exact("rejected", those("rejected"));
    figures.exact("reorged", count(run.transactions.iter().filter(|row| row["reorged"] == "true")));
    figures.exact("reverted", those("reverted"));
    figures.exact("pending", those("pending"));
    let payments = &run.scenario["workload"]["payments"];
    if payments["arrival"].get("constant").is_some() {
        let due = (payments["rate"].as_float().unwrap() * run.end).floor();
        figures.add("skipped_requests", due - run.transactions.len() as f64, (0.0, 1.0));
    }
}

/// Notes with this label: the node and the number, in order.
fn notes<'a>(run: &'a Run, wanted: &'a str) -> impl Iterator<Item = (usize, u64)> + 'a {
    run.story.iter().filter_map(move |event| match &event.what {
        What::Notes { label, value } if label == wanted => Some((event.node, *value)),
        _ => None,
    })
}

fn blocks(run: &Run, figures: &mut Figures) {
    let of = |standing: &str| -> Vec<&Row> {
        let standing = run.blocks.iter().filter(|row| row["status"] == standing);
        standing.filter(|row| run.within(number(row, "created_s").unwrap())).collect()
    };
    let canonical = of("canonical");
    figures.exact("blocks", canonical.len() as f64);
    let mut created: Vec<f64> = canonical.iter().map(|row| number(row, "created_s").unwrap()).collect();
    created.sort_by(f64::total_cmp);
    let gaps: Vec<f64> = created.windows(2).map(|pair| pair[1] - pair[0]).collect();
    figures.exact("block_interval", mean(&gaps));
    let held: Vec<f64> = canonical.iter().map(|row| number(row, "transactions").unwrap()).collect();
    figures.exact("block_transactions", mean(&held));
    let stale = of("stale").len() as f64;
    let all = stale + canonical.len() as f64;
    figures.exact("fork_rate", (all > 0.0).then(|| 100.0 * stale / all));
    let mut finals: Vec<f64> = run.blocks.iter().filter_map(|row| number(row, "final_first_s")).collect();
    finals.extend([0.0, run.end]);
    finals.sort_by(f64::total_cmp);
    figures.exact("longest_gap", finals.windows(2).map(|pair| pair[1] - pair[0]).reduce(f64::max));
    let depths = run.story.iter().filter(|event| is_honest(run, event)).filter_map(|event| match event.what {
        What::Rewinds { from, to } => Some((from - to) as f64),
        _ => None,
    });
    let depths: Vec<f64> = depths.collect();
    figures.exact("reorgs", depths.len() as f64);
    figures.exact("reorg_depth_max", depths.iter().copied().fold(0.0, f64::max));
    let violated = |kind: &str| count(run.violations.iter().filter(|row| row["kind"] == kind));
    figures.exact("safety_violations", violated("safety"));
    figures.exact("liveness_violations", violated("liveness"));
}

fn is_honest(run: &Run, event: &Event) -> bool {
    run.nodes.get(event.node).is_some_and(|row| row["honest"] == "true")
}

/// Medians over all blocks created within the window; one that never got there took longer than all others.
fn propagation(run: &Run, figures: &mut Figures) {
    let blocks = || run.blocks.iter().filter(|row| run.within(number(row, "created_s").unwrap()));
    for (name, column) in [("propagation_t50", "t50_s"), ("propagation_t90", "t90_s"), ("propagation_t99", "t99_s")] {
        let times: Vec<f64> = blocks().map(|row| number(row, column).unwrap_or(f64::INFINITY)).collect();
        figures.exact(name, percentile(&times, 0.5).filter(|median| median.is_finite()));
    }
    figures.exact("propagation_missing", count(blocks().filter(|row| number(row, "t99_s").is_none())));
}

fn rounds(run: &Run, figures: &mut Figures) {
    let wasted: Vec<(usize, u64)> =
        notes(run, "round_failed").filter(|(node, _)| run.nodes[*node]["honest"] == "true").collect();
    let different: BTreeSet<u64> = wasted.iter().map(|(_, number)| *number).collect();
    let mut by_node: BTreeMap<usize, usize> = BTreeMap::new();
    for (node, _) in &wasted {
        *by_node.entry(*node).or_default() += 1;
    }
    let most = by_node.values().copied().max().unwrap_or(0);
    figures.exact("failed_rounds", different.len().max(most) as f64);
    figures.exact("leader_changes", leader_changes(run));
}

/// What the committee did: canonical blocks that another made than the one below. A node that restarts and believes for a
/// while that it still leads changes nothing. Where no node ever leads nothing changes.
fn leader_changes(run: &Run) -> f64 {
    if notes(run, "became_leader").next().is_none() {
        return 0.0;
    }
    let mut canonical: Vec<&Row> = run.blocks.iter().filter(|row| row["status"] == "canonical").collect();
    canonical.sort_by_key(|row| row["height"].parse::<u64>().unwrap());
    count(canonical.windows(2).filter(|pair| pair[0]["proposer"] != pair[1]["proposer"]))
}

fn traffic(run: &Run, figures: &mut Figures) {
    let (mut copies_sent, mut lost) = (0.0, 0.0);
    let mut by_interval: BTreeMap<(usize, u64), f64> = BTreeMap::new();
    let interval = super::raw::seconds(run.scenario["output"]["interval"].as_str().unwrap());
    for event in &run.story {
        match event.what {
            What::Sends { copies, bytes } => {
                let step = (event.at / interval).floor() as u64;
                *by_interval.entry((event.node, step)).or_default() += copies * bytes;
                copies_sent += if run.within(event.at) { copies } else { 0.0 };
            }
            What::Loses => lost += 1.0,
            _ => {}
        }
    }
    let confirmed = confirmed(run);
    let per_transaction = |much: f64| (confirmed > 0.0).then_some(much / confirmed);
    figures.exact("messages_lost", lost);
    // Intervals that lie in the measured window, which begins and ends with one.
    let series: Vec<&Row> = run.series.iter().filter(|row| number(row, "start_s").unwrap() >= run.from).collect();
    let sum = |column: &str| series.iter().map(|row| number(row, column).unwrap()).sum::<f64>();
    let all = |column: &str| run.messages.iter().map(|row| number(row, column).unwrap()).sum::<f64>();
    let whole = run.from == 0.0;
    let (copies, bytes) = if whole { (all("sent"), all("sent_bytes")) } else { (copies_sent, sum("sent_bytes")) };
    figures.exact("messages_per_transaction", per_transaction(copies));
    figures.exact("bytes_per_transaction", per_transaction(bytes));
    let widest = by_interval.iter().filter(|((_, step), _)| *step as f64 * interval >= run.from);
    figures.add("bandwidth_max", widest.map(|(_, bytes)| 8.0 * bytes / interval).fold(0.0, f64::max), ROUNDED);
    figures.exact("cpu_mean", 100.0 * sum("cpu_mean") / series.len() as f64);
    let most = run.nodes.iter().map(|row| number(row, "inbox_max").unwrap()).fold(0.0, f64::max);
    figures.exact("inbox_max", most);
    if whole {
        let sent: f64 = run.nodes.iter().map(|row| number(row, "sent_bytes").unwrap()).sum();
        figures.exact("bandwidth_mean", 8.0 * sent / run.end / run.nodes.len() as f64);
        let busiest = run.nodes.iter().map(|row| number(row, "busy_s").unwrap()).fold(0.0, f64::max);
        let cores = run.chain()["nodes"]["cores"].as_integer().unwrap() as f64;
        figures.exact("cpu_max", 100.0 * busiest / run.end / cores);
    }
}

fn fairness(run: &Run, figures: &mut Figures) {
    let canonical: Vec<&Row> = run.blocks.iter().filter(|row| row["status"] == "canonical").collect();
    let share = |node: usize| {
        count(canonical.iter().filter(|row| row["proposer"] == node.to_string())) / canonical.len() as f64
    };
    let nodes: Vec<(f64, f64)> =
        (run.nodes.iter().enumerate()).map(|(node, row)| (share(node), number(row, "weight_share").unwrap())).collect();
    let deviations = nodes.iter().map(|(blocks, power)| (blocks - power).abs());
    figures.exact("fairness_deviation", deviations.reduce(f64::max).map(|most| 100.0 * most));
    figures.exact("fairness_gini", gini(&nodes));
    let by_attackers =
        run.nodes.iter().enumerate().filter(|(_, row)| row["honest"] != "true").map(|(node, _)| share(node));
    let by_attackers: Vec<f64> = by_attackers.collect();
    if !by_attackers.is_empty() {
        figures.exact("byzantine_blocks", 100.0 * by_attackers.iter().sum::<f64>());
    }
}

/// One less twice the area under the Lorenz curve of (blocks, power), nodes by blocks per power.
fn gini(nodes: &[(f64, f64)]) -> f64 {
    let mut nodes: Vec<(f64, f64)> = nodes.iter().copied().filter(|(_, power)| *power > 0.0).collect();
    nodes.sort_by(|(a, p), (b, q)| (a / p).total_cmp(&(b / q)));
    let (mut below, mut area) = (0.0, 0.0);
    for (blocks, power) in nodes {
        area += power * (below + (below + blocks)) / 2.0;
        below += blocks;
    }
    1.0 - 2.0 * area
}
