//! The summary on the terminal: one table, and the verdict in words.

use super::comparison::{COLUMNS, FinishedComparison, Row};
use super::format::{digits, grouped, quantity, range, seconds};
use super::manifest::{Manifest, Verdict};
use super::metric_groups::key_metrics;
use super::{ChainSummary, RunReport};
use crate::observe::metrics::{Aggregation, Interval, Metric};
use comfy_table::{Cell, CellAlignment, Table, presets};
use std::fmt::Write as _;

/// The key metrics of a chain.
fn table(chain: &ChainSummary, several: bool) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if several {
        table.set_header(["", "mean over runs", "", "95 % confidence"]);
    }
    for (number, (group, metrics)) in key_metrics(&chain.summary).into_iter().enumerate() {
        if number > 0 {
            table.add_row([""]);
        }
        for (at, metric) in metrics.into_iter().enumerate() {
            let group = if at == 0 { group } else { "" };
            let value = Cell::new(value(metric)).set_alignment(CellAlignment::Right);
            let mut row = vec![Cell::new(group), Cell::new(metric.def.label), value];
            if several {
                row.push(Cell::new(interval(metric)));
            }
            table.add_row(row);
        }
    }
    table.trim_fmt()
}

/// The value of a metric with its unit, or until when it was not reached.
#[must_use]
pub fn value(metric: &Metric) -> String {
    match (metric.value, metric.until) {
        (Some(value), _) => quantity(value, metric.def.unit),
        (None, Some(until)) => format!("not by {}", plain_seconds(until)),
        (None, None) => "-".into(),
    }
}

/// An instant of the run in seconds, whatever its size: `120 s`.
fn plain_seconds(at: f64) -> String {
    format!("{} s", digits(at))
}

/// The confidence interval of a metric over several runs, and how they were aggregated where that is not the mean.
#[must_use]
pub fn interval(metric: &Metric) -> String {
    let mut parts = Vec::new();
    match metric.interval {
        Some(Interval { low, high }) if low >= high && low.is_finite() => parts.push("the same in all runs".to_owned()),
        Some(Interval { low, high }) if low.is_finite() => parts.push(range(low, high, metric.def.unit)),
        _ if metric.aggregation == Aggregation::Sum => parts.push("sum over runs".into()),
        _ => {}
    }
    match metric.aggregation {
        Aggregation::GeometricMean => parts.push("geometric mean".into()),
        Aggregation::Median if metric.runs > 1 => parts.push("median".into()),
        _ => {}
    }
    if let (Some(until), 2.., 1..) = (metric.until, metric.runs, metric.not_reached) {
        let (some, all) = (metric.not_reached, metric.runs);
        parts.push(format!("{some} of {all} runs not by {}", plain_seconds(until)));
    }
    parts.join(", ")
}

/// The verdict on all runs in words.
#[must_use]
pub fn verdict(runs: &[&Manifest]) -> String {
    let sum = |of: fn(&Manifest) -> u64| runs.iter().map(|run| of(run)).sum::<u64>();
    let (safety, liveness) = (sum(|run| run.safety_violations), sum(|run| run.liveness_violations));
    let interrupted = runs.iter().filter(|run| !run.complete).count();
    let times = |count: u64| if count == 1 { "once".to_owned() } else { format!("{} times", grouped(count as f64)) };
    let mut text = match (safety, liveness) {
        (0, 0) => without_violation(runs),
        (0, _) => format!("safety held; liveness was violated {}", times(liveness)),
        (_, 0) => format!("SAFETY WAS VIOLATED {}", times(safety)),
        _ => format!("SAFETY WAS VIOLATED {}, liveness {}", times(safety), times(liveness)),
    };
    match (interrupted, runs.len()) {
        (0, _) => {}
        (1, 1) => text = format!("interrupted at {}; until then, {text}", seconds(runs[0].simulated_s)),
        (count, all) => text = format!("{count} of {all} runs interrupted; until then, {text}"),
    }
    text
}

/// The verdict on runs without a violation: all properties held, or some could not be checked.
fn without_violation(runs: &[&Manifest]) -> String {
    let mut reasons: Vec<(String, bool, usize)> = Vec::new();
    for row in runs.iter().flat_map(|run| &run.unchecked) {
        let text = format!("{}: {}", row.property, row.why);
        match reasons.iter_mut().find(|known| known.0 == text) {
            Some(known) => known.2 += 1,
            None => reasons.push((text, row.decisive, 1)),
        }
    }
    let Some(first) = reasons.iter().find(|reason| reason.1).or_else(|| reasons.first()) else {
        return "everything that was checked held".to_owned();
    };
    let mut text = if first.1 { "the question could not be answered" } else { "what could be checked held" }.to_owned();
    let _ = write!(text, "; not checked: {}", first.0);
    if runs.len() > 1 {
        let _ = write!(text, " (in {} of {} runs)", first.2, runs.len());
    }
    match reasons.len() {
        1 => {}
        more => _ = write!(text, "; and {} more", more - 1),
    }
    text
}

/// The properties that were checked and those that could not be, one line each.
#[must_use]
pub fn scope(runs: &[&Manifest]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut add = |line: String| {
        if !lines.contains(&line) {
            lines.push(line);
        }
    };
    let all = || runs.iter();
    if let [run] = runs {
        run.checked.iter().for_each(|text| add(format!("checked: {text}")));
    } else {
        let most = all().flat_map(|run| &run.checked).filter(|text| !text.contains("final blocks"));
        if all().any(|run| run.checked.iter().any(|text| text.contains("final blocks"))) {
            add("checked: safety (agreement, finality, validity, conservation, state roots, durability)".into());
        }
        most.for_each(|text| add(format!("checked: {text}")));
    }
    all().flat_map(|run| &run.unchecked).for_each(|row| add(format!("not checked: {}: {}", row.property, row.why)));
    lines
}

/// The whole summary of a run or an experiment.
#[must_use]
pub fn summary(name: &str, runs: &[&RunReport], chains: &[ChainSummary], folder: &str, wall: f64) -> String {
    let mut out = String::new();
    let manifests: Vec<&Manifest> = runs.iter().map(|run| &run.manifest).collect();
    let seeds = match &manifests[..] {
        [] => "no run".to_owned(),
        [one] => format!("seed {}", one.seed),
        [first, .., last] => format!("{} runs, seeds {} to {}", manifests.len(), first.seed, last.seed),
    };
    for chain in chains {
        let nodes =
            manifests[0].chains.iter().find(|record| record.name == chain.name).map_or(0, |record| record.nodes);
        let which = if chains.len() > 1 { format!("{name}, chain {}", chain.name) } else { name.to_owned() };
        let _ = writeln!(out, "{which}: {} with {} nodes, {seeds}", chain.protocol, grouped(nodes as f64));
        let _ = writeln!(out, "{}\n", table(chain, manifests.len() > 1));
    }
    let simulated: f64 = manifests.iter().map(|run| run.simulated_s).sum();
    let events: u64 = manifests.iter().map(|run| run.events).sum();
    let wall = wall.max(1e-6);
    let _ = writeln!(out, "verdict   {}", verdict(&manifests));
    for line in scope(&manifests) {
        let _ = writeln!(out, "          {line}");
    }
    let _ = writeln!(out, "report    {folder}/report.html");
    let _ = write!(
        out,
        "time      {} simulated in {}: {} simulated seconds per second, {} events/s",
        seconds(simulated),
        seconds(wall),
        digits(simulated / wall),
        grouped(events as f64 / wall)
    );
    out
}

/// One table over all variants.
#[must_use]
pub fn comparison(comparison: &FinishedComparison<'_>, rows: &[Row], folder: &str) -> String {
    let runs: Vec<&RunReport> = comparison.written().collect();
    let manifests: Vec<&Manifest> = runs.iter().map(|run| &run.manifest).collect();
    let shown = shown(rows);
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let headings = shown.iter().map(|(_, heading)| right((*heading).to_owned()));
    table.set_header([Cell::new("")].into_iter().chain(headings).chain([right("speed".into()), Cell::new("")]));
    for row in rows {
        let cells = shown.iter().map(|(name, _)| right(cell(row, name)));
        let verdict = if row.verdict == Verdict::Held { "" } else { row.verdict.words() };
        let ends = [right(format!("{}x", digits(row.speed))), Cell::new(verdict)];
        table.add_row([Cell::new(&row.name)].into_iter().chain(cells).chain(ends));
    }
    let seeds = comparison.parts.iter().map(|part| part.runs.len()).max().unwrap_or_default();
    let name = &comparison.scenario.name;
    format!(
        "{name}: {} variants, {seeds} run{} each; speed is simulated seconds per second of one core\n{}\n\nverdict   \
         {}\nreport    {folder}/report.html\ntime      {}",
        comparison.parts.len(),
        if seeds == 1 { "" } else { "s" },
        table.trim_fmt(),
        verdict(&manifests),
        seconds(comparison.wall.as_secs_f64()),
    )
}

/// The columns of a comparison that are not empty.
#[must_use]
pub fn shown(rows: &[Row]) -> Vec<(&'static str, &'static str)> {
    let has_value = |metric: &Metric| metric.not_reached > 0 || metric.value.is_some_and(|value| value != 0.0);
    let has = |name: &str| rows.iter().any(|row| row.chain.summary.get(name).is_some_and(has_value));
    COLUMNS.into_iter().filter(|(name, _)| has(name)).collect()
}

/// The value of a metric of a row with its unit.
#[must_use]
pub fn cell(row: &Row, name: &str) -> String {
    row.chain.summary.get(name).map_or_else(|| "-".into(), value)
}

/// The first violation of the first run with the worst verdict, and the command that reproduces it.
#[must_use]
pub fn violation(runs: &[&RunReport], again: impl Fn(u64) -> String) -> Option<String> {
    let worst = runs.iter().map(|run| run.manifest.verdict).max()?;
    if !matches!(worst, Verdict::SafetyViolated | Verdict::LivenessViolated) {
        return None;
    }
    let run = &runs.iter().find(|run| run.manifest.verdict == worst)?.manifest;
    let first = run.first_violation.as_ref()?;
    let chain = if run.chains.len() > 1 { format!(" on chain {}", first.chain) } else { String::new() };
    Some(format!(
        "error: {} violated: {}{chain} at {}, seed {}\n  {}\n  to see it again: {}",
        first.kind,
        first.property,
        seconds(first.at_s),
        run.seed,
        first.what,
        again(run.seed)
    ))
}
