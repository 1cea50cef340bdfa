//! The variants of one scenario side by side: one table, one chart, one page.

use super::manifest::{Comparison, FORMAT, VariantRecord, Verdict};
use super::{ChainSummary, FinishedExperiment, PROGRAM, RunReport, VERSION};
use crate::scenario::Scenario;

/// All variants of a scenario when they are over.
pub struct FinishedComparison<'a> {
    /// The scenario with its variants.
    pub scenario: &'a Scenario,
    /// The runs by variant, in the order of the scenario.
    pub parts: Vec<FinishedExperiment<'a>>,
    /// From the start of the first run to the end of the last.
    pub wall: std::time::Duration,
}

/// A chain of a variant in tables and charts.
#[derive(Clone, Debug)]
pub struct Row {
    /// The name of the variant, and of the chain if it has several.
    pub name: String,
    /// The metrics of the chain over all runs.
    pub chain: ChainSummary,
    /// The worst verdict of its runs.
    pub verdict: Verdict,
    /// Simulated seconds per second of one core.
    pub speed: f64,
}

/// The metrics that are compared, with the headings of their columns.
pub const COLUMNS: [(&str, &str); 13] = [
    ("throughput", "throughput"),
    ("confirmation_p50", "final p50"),
    ("confirmation_p99", "final p99"),
    ("longest_gap", "longest gap"),
    ("outage", "outage"),
    ("recovery", "to recover"),
    ("drain", "to drain"),
    ("catch_up", "catch-up"),
    ("block_interval", "block interval"),
    ("failed_rounds", "failed rounds"),
    ("fork_rate", "stale blocks"),
    ("messages_per_transaction", "messages/tx"),
    ("bytes_per_transaction", "bytes/tx"),
];

impl FinishedComparison<'_> {
    /// The names of the variants with their runs.
    pub fn named(&self) -> impl Iterator<Item = (&str, &FinishedExperiment<'_>)> {
        self.scenario.variant.iter().map(|variant| variant.name.as_str()).zip(&self.parts)
    }
    /// All runs that were begun.
    pub fn written(&self) -> impl Iterator<Item = &RunReport> {
        self.parts.iter().flat_map(FinishedExperiment::written)
    }
    /// The rows of the comparison.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (name, part) in self.named() {
            let (mut simulated, mut wall) = (0.0, 1e-6);
            for run in part.written() {
                simulated += run.manifest.simulated_s;
                wall += run.manifest.wall_s;
            }
            let (verdict, chains) = (part.manifest().verdict, part.summaries());
            let several = chains.len() > 1;
            rows.extend(chains.into_iter().map(|chain| Row {
                name: if several { format!("{name}, {}", chain.name) } else { name.to_owned() },
                chain,
                verdict,
                speed: simulated / wall,
            }));
        }
        rows
    }
    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> Comparison {
        let variants = self.named().map(|(name, part)| {
            let manifest = part.manifest();
            VariantRecord {
                name: name.to_owned(),
                folder: part.written().next().map(|_| name.to_owned()),
                verdict: manifest.verdict,
                complete: manifest.complete,
                scenario_sha256: manifest.scenario_sha256,
            }
        });
        let variants: Vec<VariantRecord> = variants.collect();
        Comparison {
            format: FORMAT,
            program: PROGRAM.into(),
            version: VERSION.into(),
            name: self.scenario.name.clone(),
            question: self.scenario.question.clone(),
            scenario_sha256: self.scenario.hash().hex(),
            verdict: variants.iter().map(|variant| variant.verdict).max().unwrap_or(Verdict::Interrupted),
            complete: variants.iter().all(|variant| variant.complete),
            wall_s: self.wall.as_secs_f64(),
            variants,
        }
    }
}
