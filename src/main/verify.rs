//! `verify`: runs what a folder holds again and compares.

use super::command::Verify;
use super::exit::{Exit, Failure};
use super::interrupt::Interrupt;
use super::run::{Inputs, reader};
use ledgerlab::base::{Hash, Time};
use ledgerlab::report::folder::MANIFEST;
use ledgerlab::report::manifest::{FORMAT, Manifest, Record, datasets};
use ledgerlab::report::progress::Progress;
use ledgerlab::report::{SCENARIO, TIMELINE, VERSION};
use ledgerlab::report::{Timeline, compare};
use ledgerlab::scenario::Scenario;
use ledgerlab::scenario::run::{Ran, run};
use serde::Serialize;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What came out for one run.
#[derive(Debug, Serialize)]
struct Verified {
    folder: PathBuf,
    seed: u64,
    holds: bool,
    /// Differences beside those of the run itself, which may explain these.
    notes: Vec<String>,
    chains: Vec<VerifiedChain>,
}

/// What came out for one chain.
#[derive(Debug, Serialize)]
struct VerifiedChain {
    name: String,
    holds: bool,
    /// The fingerprint that is stored, and that of the new run.
    fingerprints: [String; 2],
    parts: Option<Parts>,
}

/// Where two runs part.
#[derive(Debug, Serialize)]
struct Parts {
    /// In which interval, from 0.
    interval: usize,
    /// Virtual seconds.
    from_s: f64,
    to_s: f64,
    /// The first event that differs is one of these, from 0; the end is excluded.
    events: [u64; 2],
}

/// Repeats the run, or all runs, that a folder holds.
pub fn verify(wanted: &Verify, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen()?;
    let runs = runs_in(&wanted.folder)?;
    let mut results = Vec::new();
    for (folder, manifest) in runs {
        let verified = verify_run(folder, &manifest, &interrupt, quiet || json)?;
        let Some(verified) = verified else {
            writeln!(std::io::stderr(), "interrupted: nothing was found out about seed {}", manifest.seed)?;
            return Ok(Exit::Interrupted);
        };
        if !json && (!quiet || !verified.holds) {
            let text = words(&verified);
            if verified.holds { writeln!(std::io::stdout(), "{text}")? } else { writeln!(std::io::stderr(), "{text}")? }
        }
        results.push(verified);
    }
    let holds = results.iter().all(|run| run.holds);
    if json {
        writeln!(std::io::stdout(), "{:#}", serde_json::json!({"ok": holds, "runs": results}))?;
    }
    Ok(if holds { Exit::Done } else { Exit::Differs })
}

/// The runs of a folder: itself, or one per seed, or those of each variant.
fn runs_in(folder: &Path) -> Result<Vec<(PathBuf, Manifest)>, Failure> {
    match record(folder)? {
        Record::Run(manifest) => Ok(vec![(folder.to_owned(), *manifest)]),
        Record::Experiment(experiment) => {
            let folders = experiment.runs.iter().filter_map(|run| run.folder.as_ref());
            folders.map(|name| Ok((folder.join(name), the_run(&folder.join(name))?))).collect()
        }
        Record::Comparison(comparison) => {
            let folders = comparison.variants.iter().filter_map(|variant| variant.folder.as_ref());
            let runs: Result<Vec<_>, Failure> = folders.map(|name| runs_in(&folder.join(name))).collect();
            Ok(runs?.into_iter().flatten().collect())
        }
    }
}

fn the_run(folder: &Path) -> Result<Manifest, Failure> {
    match record(folder)? {
        Record::Run(manifest) => Ok(*manifest),
        Record::Experiment(_) | Record::Comparison(_) => {
            Err(Failure::Wrong(format!("{} holds several runs, not one", folder.display())))
        }
    }
}

fn record(folder: &Path) -> Result<Record, Failure> {
    let path = folder.join(MANIFEST);
    let wrong = |why: String| Failure::Wrong(format!("{} is not a folder of results: {why}", folder.display()));
    let text = fs::read_to_string(&path).map_err(|error| wrong(format!("cannot read {MANIFEST}: {error}")))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| wrong(format!("{MANIFEST} is damaged: {error}")))?;
    if let Some(format) = value["format"].as_u64().filter(|format| *format > u64::from(FORMAT)) {
        return Err(wrong(format!("its format is {format}; version {VERSION} reads formats up to {FORMAT}")));
    }
    serde_json::from_value(value).map_err(|error| wrong(format!("{MANIFEST} is damaged: {error}")))
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, Failure> {
    let path = folder.join(name);
    fs::read(&path).map_err(|error| Failure::Wrong(format!("cannot read {}: {error}", path.display())))
}

/// Reads a text whose SHA-256 is known.
fn read_text(folder: &Path, name: &str, sha256: &str) -> Result<String, Failure> {
    let bytes = read(folder, name)?;
    let found = Hash::of(&bytes).hex();
    if found != sha256 {
        let path = folder.join(name);
        let what = format!("{} was changed since the run: its SHA-256 is {found}, was {sha256}", path.display());
        return Err(Failure::Differs(what));
    }
    String::from_utf8(bytes).map_err(|_| Failure::Wrong(format!("{} is not a text", folder.join(name).display())))
}

/// Repeats one run. `None` if it was interrupted.
fn verify_run(
    folder: PathBuf,
    manifest: &Manifest,
    interrupt: &Interrupt,
    quiet: bool,
) -> Result<Option<Verified>, Failure> {
    let text = read_text(&folder, SCENARIO, &manifest.scenario_sha256)?;
    let origin = folder.join(SCENARIO).display().to_string();
    let scenario = Scenario::load(&origin, &text, &[]).map_err(Failure::Scenario)?.scenario;
    let mut inputs = Inputs::new();
    for record in &manifest.inputs {
        inputs.insert(record.path.clone(), read_text(&folder, &record.copy, &record.sha256)?);
    }
    let stored = timelines(&folder, manifest)?;
    let progress = Progress::new(scenario.duration, 1, quiet);
    let mut share = progress.share();
    let most = manifest.ended_after.unwrap_or(u64::MAX);
    let ran = run(&scenario, manifest.seed, &reader(&inputs), most, |standing| {
        share.tell(standing);
        !interrupt.came()
    });
    progress.clear();
    let ran = ran.map_err(|what| Failure::Wrong(format!("cannot build the scenario again: {what}")))?;
    if interrupt.came() {
        return Ok(None);
    }
    let chains = judge(&scenario, &ran, &stored)?;
    let holds = chains.iter().all(|chain| chain.holds);
    Ok(Some(Verified { seed: manifest.seed, holds, notes: notes(manifest, &scenario), chains, folder }))
}

/// The stored running hashes of all chains.
fn timelines(folder: &Path, manifest: &Manifest) -> Result<Vec<Timeline>, Failure> {
    let mut timelines = Vec::new();
    for chain in &manifest.chains {
        let home = if chain.folder == "." { folder.to_owned() } else { folder.join(&chain.folder) };
        let timeline = Timeline::from_bytes(&read(&home, TIMELINE)?);
        let path = home.join(TIMELINE);
        timelines.push(timeline.ok_or_else(|| Failure::Wrong(format!("{} is damaged", path.display())))?);
    }
    Ok(timelines)
}

fn judge(scenario: &Scenario, ran: &Ran, stored: &[Timeline]) -> Result<Vec<VerifiedChain>, Failure> {
    if ran.chains.len() != stored.len() {
        return Err(Failure::Wrong(format!(
            "the scenario has {} chains, the run had {}",
            ran.chains.len(),
            stored.len()
        )));
    }
    let interval = scenario.output.interval;
    let judged = ran.chains.iter().zip(stored).map(|(chain, stored)| {
        let parts = compare(stored, &chain.timeline).map(|divergence| {
            let from = Time::ZERO + interval * divergence.interval as u64;
            Parts {
                interval: divergence.interval,
                from_s: from.as_secs_f64(),
                to_s: (from + interval).as_secs_f64(),
                events: [divergence.events.start, divergence.events.end],
            }
        });
        VerifiedChain {
            name: chain.name.clone(),
            holds: parts.is_none(),
            fingerprints: [stored, &chain.timeline].map(|timeline| timeline.end().value.to_string()),
            parts,
        }
    });
    Ok(judged.collect())
}

/// What else is different from when the run was made.
fn notes(manifest: &Manifest, scenario: &Scenario) -> Vec<String> {
    let mut notes = Vec::new();
    if manifest.version != VERSION {
        notes.push(format!("the run was made by version {}, this is version {VERSION}", manifest.version));
    }
    let hash = scenario.hash().hex();
    if hash != manifest.scenario_sha256 {
        notes.push("this version understands the stored scenario differently: it has other keys or defaults".into());
    }
    let known = datasets(scenario);
    for dataset in manifest.datasets.iter().filter(|dataset| !known.contains(dataset)) {
        notes.push(format!("the {} data \"{}\" has changed since", dataset.kind, dataset.name));
    }
    notes
}

/// What came out, in words.
fn words(verified: &Verified) -> String {
    let mut lines = Vec::new();
    let folder = verified.folder.display();
    for chain in &verified.chains {
        let which = if verified.chains.len() > 1 { format!(", chain {}", chain.name) } else { String::new() };
        let [stored, new] = &chain.fingerprints;
        let Some(parts) = &chain.parts else {
            lines.push(format!("{folder}: seed {}{which}: the fingerprint holds: {stored}", verified.seed));
            continue;
        };
        lines.push(format!("error: {folder}: seed {}{which}: the fingerprint does not hold", verified.seed));
        lines.push(format!("  stored {stored}\n  now    {new}"));
        let [first, end] = parts.events;
        let event = match end.saturating_sub(first) {
            0 | 1 => format!("event {first}"),
            _ => format!("one of the events {first} to {}", end - 1),
        };
        let interval = format!("interval {} ({} s to {} s)", parts.interval, parts.from_s, parts.to_s);
        lines.push(format!("  the two runs part in {interval}, at {event}, counted from 0"));
    }
    lines.extend(verified.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}
