//! `report.html`: the results of a run on one page that needs no other file and runs no script.

mod faults;
mod page;

use super::chart::Plot;
use super::comparison::{FinishedComparison, Row};
use super::format::{digits, grouped, seconds};
use super::manifest::{Comparison, Experiment, Manifest, Verdict};
use super::metric_groups::{groups, key_metrics};
use super::terminal::{interval, value};
use super::{ChainSummary, FinishedExperiment, FinishedRun, RenderedCharts, terminal};
use crate::base::Time;
use crate::observe::metrics::{Aggregation, Metric, Summary};
use crate::run::ChainResult;
use crate::scenario::summary;
use page::Page;

/// The page of a run, with the charts of each chain.
#[must_use]
pub fn run(run: &FinishedRun<'_>, manifest: &Manifest, drawn: &[RenderedCharts]) -> String {
    let mut page = Page::new(&manifest.name);
    head(&mut page, &manifest.name, &manifest.question, manifest.verdict, &[manifest]);
    page.open("p class=\"facts\"");
    page.text(&format!(
        "Seed {}. {} simulated in {}: {} simulated seconds per second; {} events.",
        manifest.seed,
        seconds(manifest.simulated_s),
        seconds(manifest.wall_s),
        digits(manifest.simulated_s / manifest.wall_s.max(1e-6)),
        grouped(manifest.events as f64)
    ));
    page.close("p");
    violations(&mut page, run);
    for (chain, pictures) in run.ran.chains.iter().zip(drawn) {
        let several = run.ran.chains.len() > 1;
        let heading = |what: &str| if several { format!("{what}: chain {}", chain.name) } else { what.to_owned() };
        cards(&mut page, &chain.outcome.summary, several.then_some(chain.name.as_str()));
        if let Some(diagram) = &pictures.event_log {
            page.element("h2", &heading("Events"));
            page.chart(&diagram.alternative, &diagram.svg);
            page.open("p class=\"soft\"");
            page.text("Event by event, with every message, in event-log.txt.");
            page.close("p");
        }
        if !pictures.charts.is_empty() {
            page.element("h2", &heading("Charts"));
        }
        for (plot, svg) in &pictures.charts {
            page.chart(&format!("{}. {}", plot.title, plot.caption), svg);
        }
        page.element("h2", &heading("Metrics"));
        metrics(&mut page, &chain.outcome.summary, false);
        faults::faults(&mut page, &chain.outcome, &heading("Faults"));
        tables(&mut page, chain, &heading("Messages, refusals and notes"));
    }
    setting(&mut page, run, manifest);
    again(&mut page, manifest);
    page.finish()
}

/// The page of several runs.
#[must_use]
pub fn experiment(experiment: &FinishedExperiment<'_>, manifest: &Experiment, chains: &[ChainSummary]) -> String {
    let runs: Vec<&Manifest> = experiment.written().map(|run| &run.manifest).collect();
    let mut page = Page::new(&manifest.name);
    head(&mut page, &manifest.name, &manifest.question, manifest.verdict, &runs);
    let complete = runs.iter().filter(|run| run.complete).count();
    let facts = format!(
        "{} of {} runs are complete. Metrics are means over these, medians for times that may not be reached, with 95 % confidence intervals.",
        complete,
        experiment.runs.len()
    );
    page.open("p class=\"facts\"");
    page.text(&facts);
    page.close("p");
    for chain in chains {
        let several = chains.len() > 1;
        cards(&mut page, &chain.summary, several.then_some(chain.name.as_str()));
        page.element("h2", &if several { format!("Metrics: chain {}", chain.name) } else { "Metrics".into() });
        metrics(&mut page, &chain.summary, true);
    }
    page.element("h2", "Runs");
    page.table(&[("seed", true), ("verdict", false), ("events", true), ("fingerprint", false), ("", false)], |page| {
        for run in &runs {
            let folder = FinishedExperiment::folder_of(run.seed);
            page.open("tr");
            page.cell(&run.seed.to_string(), true);
            page.cell(&terminal::verdict(&[run]), false);
            page.cell(&grouped(run.events as f64), true);
            page.raw("<td>");
            page.element("code", &run.fingerprint.to_string());
            page.raw("</td><td>");
            page.link(&format!("{folder}/report.html"), "report");
            page.raw("</td>");
            page.close("tr");
        }
    });
    page.element("h2", "Run it again");
    page.open("p");
    page.text("To check that every run still has the same result: ");
    page.element("code", "ledgerlab verify FOLDER");
    page.text(" with the folder of this page.");
    page.close("p");
    page.details("The scenario with every default", &experiment.scenario.resolved());
    page.finish()
}

/// The page of several variants, with their chart if one was drawn.
#[must_use]
pub fn comparison(
    comparison: &FinishedComparison<'_>,
    manifest: &Comparison,
    rows: &[Row],
    drawn: Option<&(Plot, String)>,
) -> String {
    let runs: Vec<&Manifest> = comparison.written().map(|run| &run.manifest).collect();
    let mut page = Page::new(&manifest.name);
    head(&mut page, &manifest.name, &manifest.question, manifest.verdict, &runs);
    page.element(
        "p",
        "All variants run under the same seeds: the same payments, the same network, the same random delays. Metrics are \
         means over runs, medians for times that may not be reached. Speed is simulated seconds per second of one core.",
    );
    if let Some((plot, svg)) = drawn {
        page.chart(&format!("{}. {}", plot.title, plot.caption), svg);
    }
    let shown = terminal::shown(rows);
    let metrics = shown.iter().map(|(_, heading)| (*heading, true));
    let columns: Vec<(&str, bool)> =
        [("variant", false)].into_iter().chain(metrics).chain([("speed", true), ("verdict", false)]).collect();
    page.table(&columns, |page| {
        for row in rows {
            page.open("tr");
            page.cell(&row.name, false);
            for (name, _) in &shown {
                page.cell(&terminal::cell(row, name), true);
            }
            page.cell(&format!("{}x", digits(row.speed)), true);
            page.cell(row.verdict.words(), false);
            page.close("tr");
        }
    });
    page.element("h2", "Variants");
    page.open("dl");
    for (variant, record) in comparison.scenario.variant.iter().zip(&manifest.variants) {
        page.open("dt");
        match &record.folder {
            Some(folder) => page.link(&format!("{folder}/report.html"), &variant.name),
            None => page.text(&variant.name),
        }
        page.close("dt");
        let set: Vec<String> = variant.set.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        page.element("dd", &set.join(", "));
    }
    page.close("dl");
    page.element("h2", "What the metrics mean");
    page.open("dl");
    for (name, heading) in &shown {
        if let Some(metric) = rows.iter().find_map(|row| row.chain.summary.get(name)) {
            page.element("dt", heading);
            page.element("dd", metric.def.definition);
        }
    }
    page.close("dl");
    page.element("h2", "Run it again");
    page.element("pre", "ledgerlab verify FOLDER");
    page.details("The scenario with every default and all variants", &comparison.scenario.resolved());
    page.finish()
}

fn head(page: &mut Page, name: &str, question: &str, verdict: Verdict, runs: &[&Manifest]) {
    page.element("h1", name);
    if !question.is_empty() {
        page.open("p class=\"question\"");
        page.text(question);
        page.close("p");
    }
    let class = match verdict {
        Verdict::Held => "badge held",
        Verdict::Interrupted | Verdict::HeldInPart | Verdict::Unanswered => "badge odd",
        Verdict::LivenessViolated | Verdict::SafetyViolated => "badge broken",
    };
    page.open(&format!("span class=\"{class}\""));
    page.text(&capital(&terminal::verdict(runs)));
    page.close("span");
    for line in terminal::scope(runs) {
        page.open("p class=\"soft\"");
        page.text(&capital(&line));
        page.close("p");
    }
}

/// With a capital letter at its start.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The first violations in full.
fn violations(page: &mut Page, run: &FinishedRun<'_>) {
    const SHOWN: usize = 5;
    let rows: Vec<_> = run.ran.chains.iter().flat_map(|chain| &chain.outcome.violations).collect();
    if rows.is_empty() {
        return;
    }
    page.open("div class=\"violation\"");
    for row in rows.iter().take(SHOWN) {
        page.element("p", &format!("{}: {} at {}. {}", capital(row.kind), row.property, instant(row.at), row.what));
    }
    if rows.len() > SHOWN {
        page.element("p", &format!("{} more are in violations.csv.", rows.len() - SHOWN));
    }
    page.close("div");
}

fn instant(at: Time) -> String {
    if at == Time::NEVER { "-".into() } else { format!("{:.3} s", at.as_secs_f64()) }
}

/// The metrics that are shown large, in this order.
const LARGE: [&str; 10] = [
    "throughput",
    "submitted",
    "confirmation_p50",
    "confirmation_p99",
    "outage",
    "recovery",
    "block_interval",
    "propagation_t90",
    "fork_rate",
    "failed_rounds",
];

/// The metrics that are shown large.
fn cards(page: &mut Page, summary: &Summary, chain: Option<&str>) {
    if let Some(chain) = chain {
        page.element("h3", &format!("Chain {chain}"));
    }
    page.open("div class=\"cards\"");
    let shown = LARGE
        .iter()
        .filter_map(|name| summary.get(name))
        .filter(|metric| metric.value.is_some() || metric.not_reached > 0);
    for metric in shown {
        page.open("div class=\"card\"");
        page.element("b", &value(metric));
        page.element("span", metric.def.label);
        if metric.interval.is_some() {
            page.element("span", &interval(metric));
        }
        page.close("div");
    }
    page.close("div");
}

/// All metrics with their definitions.
fn metrics(page: &mut Page, summary: &Summary, several: bool) {
    let mut columns = vec![("metric", false), ("value", true)];
    if several {
        columns.push(("95 % confidence", false));
    }
    columns.push(("definition", false));
    page.table(&columns, |page| {
        for (heading, metrics) in groups(summary) {
            page.raw(&format!("<tr class=\"heading\"><td colspan=\"{}\">", columns.len()));
            page.text(heading);
            page.raw("</td></tr>\n");
            for metric in metrics {
                page.open("tr");
                page.cell(metric.def.label, false);
                page.cell(&value(metric), true);
                if several {
                    page.cell(&interval(metric), false);
                }
                page.raw("<td class=\"definition\">");
                page.text(metric.def.definition);
                page.raw("</td>");
                page.close("tr");
            }
        }
    });
    let is_sum = |metric: &&Metric| metric.aggregation == Aggregation::Sum;
    let has_sum = key_metrics(summary).iter().flat_map(|(_, metrics)| metrics).any(is_sum);
    if several && has_sum {
        page.element("p", "Violations are summed over runs.");
    }
}

fn tables(page: &mut Page, chain: &ChainResult, heading: &str) {
    let outcome = &chain.outcome;
    page.element("h2", heading);
    let count = |number: u64| grouped(number as f64);
    let bytes = |number: u64| super::format::quantity(number as f64, "B");
    page.table(&[("message", false), ("sent", true), ("bytes", true), ("delivered", true)], |page| {
        for row in &outcome.messages {
            page.row(&[
                (row.kind, false),
                (&count(row.sent), true),
                (&bytes(row.sent_bytes), true),
                (&count(row.delivered), true),
            ]);
        }
    });
    if !outcome.refusals.is_empty() {
        page.table(&[("refused because", false), ("times", true)], |page| {
            for row in &outcome.refusals {
                page.row(&[(row.reason, false), (&count(row.count), true)]);
            }
        });
    }
    if !outcome.notes.is_empty() {
        page.table(&[("noted", false), ("times", true), ("mean", true), ("greatest", true)], |page| {
            for row in &outcome.notes {
                let (mean, max) = (digits(row.mean), count(row.max));
                page.row(&[(row.label, false), (&count(row.count), true), (&mean, true), (&max, true)]);
            }
        });
    }
}

/// The scenario in words and as a file.
fn setting(page: &mut Page, run: &FinishedRun<'_>, manifest: &Manifest) {
    page.element("h2", "What was run");
    page.open("dl");
    for (what, text) in summary(run.scenario) {
        if what != "question" && what != "runs" && what != "memory" {
            page.element("dt", what.trim());
            page.element("dd", &text);
        }
    }
    for remark in &manifest.remarks {
        page.element("dt", "remark");
        page.element("dd", remark);
    }
    for dataset in &manifest.datasets {
        page.element("dt", &format!("{} data", dataset.kind));
        page.element("dd", &format!("{}. {}", dataset.name, dataset.source));
    }
    page.close("dl");
    page.details("The scenario with every default", &run.scenario.resolved());
}

/// How to reproduce the run.
fn again(page: &mut Page, manifest: &Manifest) {
    page.element("h2", "Run it again");
    page.element(
        "p",
        "Scenario and seed determine every event. The command below, with the folder of this page, checks whether this \
         version still has the same result, and finds the first difference if it has not:",
    );
    page.element("pre", "ledgerlab verify FOLDER");
    page.open("dl");
    for (what, text) in [
        ("program", format!("{} {}", manifest.program, manifest.version)),
        ("scenario", format!("SHA-256 {}", manifest.scenario_sha256)),
        ("seed", manifest.seed.to_string()),
        ("fingerprint", manifest.fingerprint.to_string()),
        ("events", grouped(manifest.events as f64)),
    ] {
        page.element("dt", what);
        page.open("dd");
        page.element("code", &text);
        page.close("dd");
    }
    page.close("dl");
}

#[cfg(test)]
mod tests;
