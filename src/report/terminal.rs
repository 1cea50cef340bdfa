//! What is said on the terminal when all is over: one table, and the verdict in plain words.

use super::group::key_figures;
use super::manifest::{Manifest, Verdict};
use super::number::{digits, grouped, quantity, seconds};
use super::{ChainSummary, Written};
use crate::observe::metrics::{Figure, OverRuns};
use comfy_table::{Cell, CellAlignment, Table, presets};
use std::fmt::Write as _;

/// The key figures of a chain.
fn table(chain: &ChainSummary, several: bool) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if several {
        table.set_header(["", "mean over runs, with 95 % confidence", "", ""]);
    }
    for (number, (group, figures)) in key_figures(&chain.summary).into_iter().enumerate() {
        if number > 0 {
            table.add_row([""]);
        }
        for (at, figure) in figures.into_iter().enumerate() {
            let group = if at == 0 { group } else { "" };
            let value = Cell::new(value(figure)).set_alignment(CellAlignment::Right);
            let mut row = vec![Cell::new(group), Cell::new(figure.label), value];
            if several {
                row.push(Cell::new(interval(figure)));
            }
            table.add_row(row);
        }
    }
    table.trim_fmt()
}

/// The value of a figure with its unit.
#[must_use]
pub fn value(figure: &Figure) -> String {
    figure.value.map_or_else(|| "-".into(), |value| quantity(value, figure.unit))
}

/// The confidence interval of a figure over several runs, or what else is to be said of them.
#[must_use]
pub fn interval(figure: &Figure) -> String {
    match figure.interval {
        Some(interval) => format!("± {}", quantity((interval.high - interval.low) / 2.0, figure.unit)),
        None if figure.over_runs == OverRuns::Sum => "sum over runs".into(),
        None => String::new(),
    }
}

/// The verdict on all runs in plain words.
#[must_use]
pub fn verdict(runs: &[&Manifest]) -> String {
    let sum = |of: fn(&Manifest) -> u64| runs.iter().map(|run| of(run)).sum::<u64>();
    let (safety, liveness) = (sum(|run| run.safety_violations), sum(|run| run.liveness_violations));
    let interrupted = runs.iter().filter(|run| !run.complete).count();
    let times = |count: u64| if count == 1 { "once".to_owned() } else { format!("{} times", grouped(count as f64)) };
    let mut text = match (safety, liveness) {
        (0, 0) => "everything that was checked held".to_owned(),
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

/// Everything that is said when all is over.
#[must_use]
pub fn summary(name: &str, runs: &[&Written], chains: &[ChainSummary], folder: &str, wall: f64) -> String {
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

/// The first violation of the first run that has one of the kind that the verdict names, and how to see it again.
#[must_use]
pub fn violation(runs: &[&Written], again: impl Fn(u64) -> String) -> Option<String> {
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
