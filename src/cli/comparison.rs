//! `run` of a file with variants: all runs of all variants share the cores and end in one folder.

use super::command::{Run, ScenarioArgs};
use super::exit::{Exit, Failure};
use super::interrupt::Interrupt;
use super::run::{Inputs, Session, again, at_a_time, begin, exit, read_inputs, report_ends, say_replaced};
use ledgerlab::Catalogue;
use ledgerlab::report::comparison::FinishedComparison;
use ledgerlab::report::manifest::Manifest;
use ledgerlab::report::output_dir::{Committed, OutputDir};
use ledgerlab::report::progress::Progress;
use ledgerlab::report::write_comparison;
use ledgerlab::report::{self, FinishedExperiment, RunReport};
use ledgerlab::scenario::{Loaded, Scenario};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Runs all variants under all seeds.
pub fn run(catalogue: &Catalogue, wanted: &Run, loaded: &Loaded, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let (base, variants) = (&loaded.scenario, &loaded.variants);
    let interrupt = Interrupt::listen()?;
    let folder = begin(wanted, base, quiet || json)?;
    let parts =
        base.variant.iter().map(|variant| folder.subdir(&variant.name)).collect::<Result<Vec<OutputDir>, _>>()?;
    let inputs = variants.iter().map(|variant| read_inputs(variant, &wanted.chosen.file));
    let inputs = inputs.map(|inputs| inputs.map(Arc::new)).collect::<Result<Vec<Arc<Inputs>>, _>>()?;
    let longest = variants.iter().map(Scenario::duration).max().unwrap_or_default();
    let count: usize = variants.iter().map(|variant| variant.seeds.0.len()).sum();
    let progress = Arc::new(Progress::new(longest, count as u64, quiet || json));
    let failed = Arc::new(AtomicBool::new(false));
    let chosen: Vec<ScenarioArgs> = base.variant.iter().map(|variant| alone(&wanted.chosen, &variant.name)).collect();
    let sessions: Vec<Session<'_>> = (variants.iter().zip(&chosen).zip(inputs.iter().zip(&parts)))
        .map(|((scenario, chosen), (inputs, folder))| Session {
            catalogue,
            scenario,
            chosen,
            inputs,
            folder,
            at_a_time: at_a_time(wanted.threads, count),
            interrupt: &interrupt,
            failed: &failed,
            progress: &progress,
        })
        .collect();
    let started = Instant::now();
    let (runs, mut failure) = run_all(&sessions, wanted.threads)?;
    drop(sessions);
    progress.clear();
    let wall = started.elapsed();
    let experiments = variants.iter().zip(runs).map(|(scenario, runs)| FinishedExperiment { scenario, runs, wall });
    let comparison = FinishedComparison { scenario: base, parts: experiments.collect(), wall };
    let landed = land(&comparison, folder, parts, failure.is_some())?;
    let place = landed.map(|landed| say_replaced(landed, quiet || json)).transpose()?;
    match (failure.take(), place) {
        (Some(failure), Some(place)) => {
            Err(failure.adding(&format!("the runs that were finished are in {}", place.display())))
        }
        (Some(failure), None) => Err(failure),
        (None, place) => {
            report_outcome(&comparison, wanted, &place.expect("lands unless there is a failure"), json, quiet)
        }
    }
}

/// How one variant is chosen alone.
fn alone(chosen: &ScenarioArgs, variant: &str) -> ScenarioArgs {
    ScenarioArgs { variant: Some(variant.to_owned()), ..chosen.clone() }
}

/// Per variant its seeds, each with what is kept of the run.
type Runs = Vec<Vec<(u64, Option<RunReport>)>>;

/// Every run of every variant, in any order; and the first failure, if there was one.
fn run_all(sessions: &[Session<'_>], threads: Option<u32>) -> Result<(Runs, Option<Failure>), Failure> {
    let threads = threads.map_or(0, |threads| threads as usize);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(anyhow::Error::from)?;
    let jobs: Vec<(&Session<'_>, u64)> =
        sessions.iter().flat_map(|session| session.scenario.seeds.0.iter().map(move |seed| (session, *seed))).collect();
    let one = |(session, seed): &(&Session<'_>, u64)| session.run_unless_over(*seed);
    let results: Vec<_> = pool.install(|| jobs.par_iter().with_max_len(1).map(one).collect());
    let (mut results, mut failure) = (results.into_iter(), None);
    let mut runs = Runs::new();
    for session in sessions {
        let mut of = Vec::new();
        for (seed, result) in session.scenario.seeds.0.iter().zip(results.by_ref()) {
            match result {
                Ok(written) => of.push((*seed, written)),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        runs.push(of);
    }
    Ok((runs, failure))
}

/// Puts the results in their place; see `run`. Variants without a run have no folder.
fn land(
    comparison: &FinishedComparison<'_>,
    folder: OutputDir,
    parts: Vec<OutputDir>,
    failed: bool,
) -> Result<Option<Committed>, Failure> {
    for (part, folder) in comparison.parts.iter().zip(parts) {
        if part.written().next().is_none() {
            continue;
        }
        if part.scenario.seeds.0.len() > 1 {
            report::write_experiment(part, &folder)?;
        }
        folder.commit()?;
    }
    if failed && !comparison.written().any(|run| run.manifest.complete) {
        return Ok(None);
    }
    let manifest = write_comparison(comparison, &folder)?;
    Ok(Some(if manifest.complete {
        folder.commit()?
    } else {
        Committed::beside(folder.commit_with_suffix("-interrupted")?)
    }))
}

/// Prints the outcome and returns the exit status.
fn report_outcome(
    comparison: &FinishedComparison<'_>,
    wanted: &Run,
    place: &Path,
    json: bool,
    quiet: bool,
) -> Result<Exit, Failure> {
    let (manifest, rows) = (comparison.manifest(), comparison.rows());
    let exit = exit(manifest.verdict);
    let named: Vec<(&str, Vec<&RunReport>)> =
        comparison.named().map(|(name, part)| (name, part.written().collect())).collect();
    if json {
        let variants = named.iter().zip(&comparison.parts).map(|((name, runs), part)| {
            let briefs: Vec<Manifest> = runs.iter().map(|run| run.manifest.brief()).collect();
            serde_json::json!({"name": name, "chains": part.summaries(), "runs": briefs})
        });
        let answer = serde_json::json!({
            "ok": exit == Exit::Done,
            "name": manifest.name,
            "verdict": manifest.verdict,
            "complete": manifest.complete,
            "folder": place,
            "scenario_sha256": manifest.scenario_sha256,
            "wall_s": manifest.wall_s,
            "variants": variants.collect::<Vec<_>>(),
        });
        writeln!(std::io::stdout(), "{answer:#}")?;
        return Ok(exit);
    }
    if !quiet {
        for (name, runs) in &named {
            let remarks: BTreeSet<&String> = runs.iter().flat_map(|run| &run.manifest.remarks).collect();
            for remark in remarks {
                writeln!(std::io::stderr(), "note: {name}: {remark}")?;
            }
        }
        let folder = place.display().to_string();
        writeln!(std::io::stdout(), "{}", report::terminal::comparison(comparison, &rows, &folder))?;
    }
    for (name, runs) in &named {
        let chosen = alone(&wanted.chosen, name);
        if let Some(violation) = report::terminal::violation(runs, |seed| again(&chosen, seed)) {
            writeln!(std::io::stderr(), "{name}: {violation}")?;
        }
    }
    if !manifest.complete {
        let (begun, all) =
            (comparison.written().count(), comparison.parts.iter().map(|part| part.runs.len()).sum::<usize>());
        for (_, runs) in &named {
            report_ends(runs)?;
        }
        writeln!(std::io::stderr(), "interrupted: {begun} of {all} runs are in {}", place.display())?;
    }
    Ok(exit)
}
