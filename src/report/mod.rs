//! L7: results as files and as text for users.
//!
//! A finished run becomes a directory: `manifest.json`, the scenario with every default written out, tables as CSV, charts
//! as SVG and PNG, and `report.html`, one page that needs no other file. Several runs, one per seed, become a directory of
//! such directories with a summary of its own. All content but the wall time in the manifest and the report is a pure
//! function of scenario and seed, byte for byte.

pub mod chart;
pub mod comparison;
pub mod event_log;
pub mod format;
pub mod html;
pub mod lock;
pub mod manifest;
pub mod metric_groups;
pub mod output_dir;
pub mod progress;
pub mod search;
pub mod tables;
pub mod target_state;
pub mod terminal;
#[cfg(test)]
mod tests;

// The command line imports only scenarios and reports.
pub use crate::observe::fingerprint::{Timeline, compare};
pub use crate::observe::metrics::{MetricDef, definitions};

use crate::observe::metrics::{Summary, aggregate};
use crate::run::{ChainResult, RunResult};
use crate::scenario::Scenario;
use chart::Plot;
use comparison::FinishedComparison;
use event_log::DrawnEventLog;
use manifest::{ChainRecord, Comparison, Experiment, FORMAT, MANIFEST, Manifest, Record, SeedRecord, Verdict};
use output_dir::{OutputDir, WriteError};
use serde::Serialize;
use std::collections::BTreeMap;

/// The name of the program in files.
pub const PROGRAM: &str = "ledgerlab";
/// Its version in files.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The file of the scenario.
pub const SCENARIO: &str = "scenario.toml";
/// The file of a chain's running fingerprint.
pub const TIMELINE: &str = "timeline.bin";

/// A run that is over.
pub struct FinishedRun<'a> {
    /// Its scenario.
    pub scenario: &'a Scenario,
    /// Its seed.
    pub seed: u64,
    /// Its results.
    pub ran: RunResult,
    /// The wall time that it took.
    pub wall: std::time::Duration,
    /// The files that the scenario names, by their path in it.
    pub inputs: &'a BTreeMap<String, String>,
}

/// What is kept in memory of a run when its directory is written.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Its manifest.
    pub manifest: Manifest,
    /// The metrics of each chain.
    pub summaries: Vec<ChainSummary>,
}

/// The metrics of a chain.
#[derive(Clone, Debug, Serialize)]
pub struct ChainSummary {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: String,
    /// Its metrics.
    pub summary: Summary,
}

/// Writes all files of a run into `folder`.
///
/// # Errors
/// Names the first file that could not be written.
pub fn write_run(run: &FinishedRun<'_>, folder: &OutputDir) -> Result<RunReport, WriteError> {
    let manifest = Manifest::new(run);
    let resolved = run.scenario.resolved();
    folder.file(SCENARIO, |out| out.write_all(resolved.as_bytes()))?;
    for (record, text) in manifest.inputs.iter().zip(run.inputs.values()) {
        folder.file(&record.copy, |out| out.write_all(text.as_bytes()))?;
    }
    let mut drawn = Vec::new();
    for (chain, record) in run.ran.chains.iter().zip(&manifest.chains) {
        drawn.push(write_chain(run.scenario, chain, record, folder)?);
    }
    let page = html::run(run, &manifest, &drawn);
    folder.file("report.html", |out| out.write_all(page.as_bytes()))?;
    folder.seal(&Record::Run(Box::new(manifest.clone())))?;
    let summary = |chain: &ChainResult| ChainSummary {
        name: chain.name.clone(),
        protocol: chain.protocol.clone(),
        summary: chain.outcome.summary.clone(),
    };
    Ok(RunReport { manifest, summaries: run.ran.chains.iter().map(summary).collect() })
}

/// The charts of a chain.
pub struct RenderedCharts {
    /// Its charts with their SVG.
    pub charts: Vec<(Plot, String)>,
    /// The diagram of its event log, if it has one.
    pub event_log: Option<DrawnEventLog>,
}

/// Writes the files of a chain. Returns its charts.
fn write_chain(
    scenario: &Scenario,
    chain: &ChainResult,
    record: &ChainRecord,
    folder: &OutputDir,
) -> Result<RenderedCharts, WriteError> {
    let name = |file: &str| if record.folder == "." { file.to_owned() } else { format!("{}/{file}", record.folder) };
    for table in tables::tables(&chain.outcome, scenario.output.transactions) {
        folder.file(&name(table.file), |out| table.write(out))?;
    }
    folder.file(&name(TIMELINE), |out| out.write_all(&chain.timeline.to_bytes()))?;
    let mut charts = Vec::new();
    if scenario.output.charts {
        for plot in chart::plots(&chain.outcome) {
            let svg = chart::svg(&plot);
            folder.file(&name(&format!("charts/{}.svg", plot.file)), |out| out.write_all(svg.as_bytes()))?;
            folder.file(&name(&format!("charts/{}.png", plot.file)), |out| chart::png(&plot, out))?;
            charts.push((plot, svg));
        }
    }
    let mut drawn = None;
    if let Some(log) = &chain.event_log {
        event_log::write(log, folder, &name(""))?;
        if scenario.output.charts {
            drawn = Some(event_log::draw(log, folder, &name(""))?);
        }
    }
    Ok(RenderedCharts { charts, event_log: drawn })
}

/// An experiment of several runs that is over.
pub struct FinishedExperiment<'a> {
    /// Its scenario.
    pub scenario: &'a Scenario,
    /// The runs by seed, in the order of the scenario; `None` if it was not begun.
    pub runs: Vec<(u64, Option<RunReport>)>,
    /// From the start of the first run to the end of the last.
    pub wall: std::time::Duration,
}

impl FinishedExperiment<'_> {
    /// The name of the folder of a seed.
    #[must_use]
    pub fn folder_of(seed: u64) -> String {
        format!("seed-{seed}")
    }
    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> Experiment {
        let record = |(seed, run): &(u64, Option<RunReport>)| SeedRecord {
            seed: *seed,
            folder: run.as_ref().map(|_| FinishedExperiment::folder_of(*seed)),
            verdict: run.as_ref().map(|run| run.manifest.verdict),
            fingerprint: run.as_ref().map(|run| run.manifest.fingerprint),
        };
        let complete = self.runs.iter().all(|(_, run)| run.as_ref().is_some_and(|run| run.manifest.complete));
        let worst = self.written().map(|run| run.manifest.verdict).max().unwrap_or(Verdict::Interrupted);
        Experiment {
            format: FORMAT,
            program: PROGRAM.into(),
            version: VERSION.into(),
            name: self.scenario.name.clone(),
            question: self.scenario.question.clone(),
            scenario_sha256: self.scenario.hash().hex(),
            verdict: if complete { worst } else { worst.max(Verdict::Interrupted) },
            complete,
            wall_s: self.wall.as_secs_f64(),
            runs: self.runs.iter().map(record).collect(),
        }
    }
    /// The runs that were begun.
    pub fn written(&self) -> impl Iterator<Item = &RunReport> {
        self.runs.iter().filter_map(|(_, run)| run.as_ref())
    }
    /// The metrics of each chain over all complete runs: interrupted runs measure less.
    #[must_use]
    pub fn summaries(&self) -> Vec<ChainSummary> {
        aggregate_runs(self.written())
    }
}

/// The metrics of each chain over all complete runs, or over all runs if none is complete.
#[must_use]
pub fn aggregate_runs<'a>(runs: impl Iterator<Item = &'a RunReport>) -> Vec<ChainSummary> {
    let all: Vec<&RunReport> = runs.collect();
    let complete: Vec<&RunReport> = all.iter().copied().filter(|run| run.manifest.complete).collect();
    let runs = if complete.is_empty() { all } else { complete };
    let Some(first) = runs.first() else { return Vec::new() };
    let over = |(at, chain): (usize, &ChainSummary)| {
        let summaries: Vec<Summary> = runs.iter().map(|run| run.summaries[at].summary.clone()).collect();
        ChainSummary { summary: aggregate(&summaries), ..chain.clone() }
    };
    first.summaries.iter().enumerate().map(over).collect()
}

/// Writes the summary of all runs of an experiment into `folder`; the runs are in directories of their own within it.
///
/// # Errors
/// Names the first file that could not be written.
pub fn write_experiment(experiment: &FinishedExperiment<'_>, folder: &OutputDir) -> Result<Experiment, WriteError> {
    let (manifest, summaries) = (experiment.manifest(), experiment.summaries());
    let resolved = experiment.scenario.resolved();
    folder.file(SCENARIO, |out| out.write_all(resolved.as_bytes()))?;
    for chain in &summaries {
        let name = if summaries.len() == 1 { "summary.csv".into() } else { format!("{}-summary.csv", chain.name) };
        folder.file(&name, |out| tables::summary(&chain.summary, out))?;
    }
    let page = html::experiment(experiment, &manifest, &summaries);
    folder.file("report.html", |out| out.write_all(page.as_bytes()))?;
    for run in manifest.runs.iter().filter_map(|run| run.folder.as_ref()) {
        folder.adopt(&format!("{run}/{MANIFEST}"))?;
    }
    folder.seal(&Record::Experiment(manifest.clone()))?;
    Ok(manifest)
}

/// Writes the summary of all variants into `folder`; the variants are in directories of their own within it.
///
/// # Errors
/// Names the first file that could not be written.
pub fn write_comparison(comparison: &FinishedComparison<'_>, folder: &OutputDir) -> Result<Comparison, WriteError> {
    let (manifest, rows) = (comparison.manifest(), comparison.rows());
    let resolved = comparison.scenario.resolved();
    folder.file(SCENARIO, |out| out.write_all(resolved.as_bytes()))?;
    folder.file("comparison.csv", |out| tables::comparison(&rows, out))?;
    let mut drawn = None;
    if comparison.scenario.output.charts {
        let plot = chart::comparison(&rows);
        let svg = chart::svg(&plot);
        folder.file("charts/comparison.svg", |out| out.write_all(svg.as_bytes()))?;
        folder.file("charts/comparison.png", |out| chart::png(&plot, out))?;
        drawn = Some((plot, svg));
    }
    let page = html::comparison(comparison, &manifest, &rows, drawn.as_ref());
    folder.file("report.html", |out| out.write_all(page.as_bytes()))?;
    for variant in manifest.variants.iter().filter_map(|variant| variant.folder.as_ref()) {
        folder.adopt(&format!("{variant}/{MANIFEST}"))?;
    }
    folder.seal(&Record::Comparison(manifest.clone()))?;
    Ok(manifest)
}
