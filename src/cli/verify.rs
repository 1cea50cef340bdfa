//! `verify`: looks whether what a folder holds is what was written, runs it again and compares.
//!
//! Hashes find damage: a file that is not as its manifest lists it. The repeated run finds forgery: it writes every file
//! anew, and each must be the same byte for byte.

use super::command::Verify;
use super::exit::{Exit, Failure};
use super::interrupt::Interrupt;
use super::run::{Inputs, reader};
use ledgerlab::Catalogue;
use ledgerlab::base::{Hash, Time};
use ledgerlab::report::comparison::FinishedComparison;
use ledgerlab::report::manifest::{Broken, Comparison, Experiment, MANIFEST, Manifest, Record, Sealed, datasets};
use ledgerlab::report::output_dir::{OutputDir, WriteError};
use ledgerlab::report::progress::Progress;
use ledgerlab::report::target_state::{Condition, Contents, is_below};
use ledgerlab::report::write_comparison;
use ledgerlab::report::{self, FinishedExperiment, FinishedRun, RunReport, SCENARIO, TIMELINE, VERSION};
use ledgerlab::report::{Timeline, compare};
use ledgerlab::run::{RunResult, run};
use ledgerlab::scenario::Scenario;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// Something in the folder that is not as it should be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
struct Difference {
    /// Its path.
    file: PathBuf,
    /// As the end of "it ...".
    what: String,
}

/// The runs of an experiment: seed, and what was written again.
type Repeated = Vec<(u64, Option<RunReport>)>;

/// Why something was not repeated.
enum Stop {
    /// Interrupted by the user.
    Interrupted(u64),
    /// Its input is damaged; the reason was reported.
    Damaged,
    /// It cannot be.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<WriteError> for Stop {
    fn from(error: WriteError) -> Stop {
        Stop::Failed(error.into())
    }
}

/// Looks at a folder and repeats the run, or all runs, that it holds.
pub fn verify(catalogue: &Catalogue, wanted: &Verify, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let interrupt = Interrupt::listen()?;
    let contents = Contents::read(&wanted.folder).map_err(|broken| no_results(&wanted.folder, &broken))?;
    let record = the_record(&wanted.folder, &contents.sealed)?;
    let mut repeat = Repeat {
        catalogue,
        root: &wanted.folder,
        contents: &contents,
        interrupt: &interrupt,
        quiet: quiet || json,
        runs: Vec::new(),
        differences: BTreeSet::new(),
    };
    repeat.damage();
    let home = tempfile::tempdir()?;
    let into = OutputDir::create(&home.path().join("again"))?;
    let repeated = match record {
        Record::Run(manifest) => repeat.run("", &manifest, &into).map(|_| ()),
        Record::Experiment(experiment) => repeat.experiment("", &experiment, &into).map(|_| ()),
        Record::Comparison(comparison) => repeat.comparison(&comparison, &into),
    };
    match repeated {
        Ok(()) | Err(Stop::Damaged) => {}
        Err(Stop::Failed(failure)) => return Err(failure),
        Err(Stop::Interrupted(seed)) => {
            writeln!(std::io::stderr(), "interrupted: nothing was found out about seed {seed}")?;
            return Ok(Exit::Interrupted);
        }
    }
    report_outcome(&repeat, json, quiet)
}

/// Prints the outcome and returns the exit status.
fn report_outcome(repeat: &Repeat<'_>, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let holds = repeat.differences.is_empty() && repeat.runs.iter().all(|run| run.holds);
    let exit = if holds { Exit::Done } else { Exit::Differs };
    let strange = &repeat.contents.unlisted;
    if json {
        let answer = serde_json::json!({
            "ok": holds, "runs": repeat.runs, "differences": repeat.differences, "not_ours": strange,
        });
        writeln!(std::io::stdout(), "{answer:#}")?;
        return Ok(exit);
    }
    for Difference { file, what } in &repeat.differences {
        writeln!(std::io::stderr(), "error: {} {what}", file.display())?;
    }
    for run in repeat.runs.iter().filter(|run| !quiet || !run.holds) {
        let text = words(run);
        if run.holds { writeln!(std::io::stdout(), "{text}")? } else { writeln!(std::io::stderr(), "{text}")? }
    }
    if !quiet {
        let is_listed = |path: &&String| !repeat.contents.unread.keys().any(|part| path.starts_with(part.as_str()));
        for path in strange.iter().filter(is_listed) {
            writeln!(std::io::stdout(), "note: {} is no part of the results", repeat.root.join(path).display())?;
        }
        if holds {
            writeln!(std::io::stdout(), "{} files are as they were written", repeat.contents.files.len())?;
        }
    }
    Ok(exit)
}

fn no_results(folder: &Path, broken: &Broken) -> Failure {
    Failure::InvalidInput(format!("{} is not a folder of results: {MANIFEST} {broken}", folder.display()))
}

fn the_record(folder: &Path, sealed: &Sealed) -> Result<Record, Failure> {
    if sealed.record["kind"].as_str().is_some_and(|kind| kind.starts_with("search")) {
        let what = "it holds a search: run the minimized.toml of a violation to see that again";
        return Err(Failure::InvalidInput(format!("{} cannot be verified: {what}", folder.display())));
    }
    let record = serde_json::from_value(sealed.record.clone());
    record.map_err(|error| no_results(folder, &Broken::Damaged(error.to_string())))
}

/// Runs again what a folder holds.
struct Repeat<'a> {
    catalogue: &'a Catalogue,
    root: &'a Path,
    contents: &'a Contents,
    interrupt: &'a Interrupt,
    quiet: bool,
    runs: Vec<Verified>,
    differences: BTreeSet<Difference>,
}

impl Repeat<'_> {
    fn differs(&mut self, path: &str, what: impl Into<String>) {
        self.differences.insert(Difference { file: self.root.join(path), what: what.into() });
    }
    /// Files that are not as they were written.
    fn damage(&mut self) {
        let contents = self.contents;
        for (path, found) in &contents.files {
            match found {
                Condition::Whole(_) => {}
                Condition::Changed(found) => {
                    self.differs(path, format!("was changed since it was written: its SHA-256 is {found} now"));
                }
                Condition::Missing => self.differs(path, "is missing, or is no file"),
            }
        }
        for (part, broken) in &contents.unread {
            self.differs(&format!("{part}/{MANIFEST}"), broken.to_string());
        }
    }
    /// A text that the repetition needs: as it was written, or nothing can be repeated.
    fn text(&mut self, path: &str, sha256: &str) -> Result<String, Stop> {
        if !is_below(path) {
            return Err(
                Failure::InvalidInput(format!("{} is no path of a part of results", path.escape_debug())).into()
            );
        }
        let bytes = fs::read(self.root.join(path));
        let genuine = bytes.ok().filter(|bytes| Hash::of(bytes).hex() == sha256);
        genuine.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
            self.differs(path, "is not what was run: nothing can be repeated without it");
            Stop::Damaged
        })
    }
    fn scenario(&mut self, at: &str, sha256: &str) -> Result<Scenario, Stop> {
        let path = format!("{at}{SCENARIO}");
        let text = self.text(&path, sha256)?;
        let origin = self.root.join(path).display().to_string();
        Ok(Scenario::load(self.catalogue, &origin, &text, &[]).map_err(Failure::Scenario)?.scenario)
    }
    /// The record of a part, at a path such as `seed-1/`.
    fn part(&mut self, at: &str) -> Result<Record, Stop> {
        if !is_below(at.trim_end_matches('/')) {
            return Err(
                Failure::InvalidInput(format!("\"{}\" is no name for a part of results", at.escape_debug())).into()
            );
        }
        let folder = self.root.join(at);
        match Sealed::read(&folder) {
            Ok(sealed) => Ok(the_record(&folder, &sealed)?),
            Err(broken) => {
                self.differs(&format!("{at}{MANIFEST}"), broken.to_string());
                Err(Stop::Damaged)
            }
        }
    }
    fn run(&mut self, at: &str, manifest: &Manifest, into: &OutputDir) -> Result<RunReport, Stop> {
        let scenario = self.scenario(at, &manifest.scenario_sha256)?;
        let mut inputs = Inputs::new();
        for record in &manifest.inputs {
            inputs.insert(record.path.clone(), self.text(&format!("{at}{}", record.copy), &record.sha256)?);
        }
        let progress = Progress::new(scenario.duration(), 1, self.quiet);
        let mut share = progress.share();
        let most = manifest.ended_after.unwrap_or(u64::MAX);
        let ran = run(self.catalogue, &scenario, manifest.seed, &reader(&inputs), most, |standing| {
            share.notify(standing);
            !self.interrupt.came()
        });
        drop(share);
        progress.clear();
        let mut ran = ran.map_err(|what| Failure::InvalidInput(format!("cannot build the scenario again: {what}")))?;
        ran.ended_by.clone_from(&manifest.ended_by);
        if self.interrupt.came() {
            return Err(Stop::Interrupted(manifest.seed));
        }
        let chains = self.judge(at, &scenario, &ran, manifest)?;
        let (holds, folder) = (chains.iter().all(|chain| chain.holds), self.root.join(at.trim_end_matches('/')));
        let folder = if at.is_empty() { self.root.to_owned() } else { folder };
        let notes = notes(manifest, &scenario);
        self.runs.push(Verified { seed: manifest.seed, holds, notes, chains, folder });
        let wall = lasting(manifest.wall_s);
        let finished = FinishedRun { scenario: &scenario, seed: manifest.seed, ran, wall, inputs: &inputs };
        let written = report::write_run(&finished, into)?;
        self.compare(at, into, &Record::Run(Box::new(written.manifest.clone())));
        Ok(written)
    }
    fn experiment(
        &mut self,
        at: &str,
        experiment: &Experiment,
        into: &OutputDir,
    ) -> Result<(Scenario, Repeated), Stop> {
        let scenario = self.scenario(at, &experiment.scenario_sha256)?;
        let (mut runs, mut damaged) = (Vec::new(), false);
        for record in &experiment.runs {
            let Some(name) = &record.folder else {
                runs.push((record.seed, None));
                continue;
            };
            let part = into.subdir(name)?;
            match self.run_at(&format!("{at}{name}/"), &part) {
                Ok(written) => runs.push((record.seed, Some(written))),
                Err(Stop::Damaged) => damaged = true,
                Err(stop) => return Err(stop),
            }
            part.commit()?;
        }
        if damaged {
            return Err(Stop::Damaged);
        }
        let finished = FinishedExperiment { scenario: &scenario, runs, wall: lasting(experiment.wall_s) };
        let manifest = report::write_experiment(&finished, into)?;
        self.compare(at, into, &Record::Experiment(manifest));
        let runs = finished.runs;
        Ok((scenario, runs))
    }
    fn run_at(&mut self, at: &str, into: &OutputDir) -> Result<RunReport, Stop> {
        match self.part(at)? {
            Record::Run(manifest) => self.run(at, &manifest, into),
            Record::Experiment(_) | Record::Comparison(_) => {
                Err(Failure::InvalidInput(format!("{} holds several runs, not one", self.root.join(at).display()))
                    .into())
            }
        }
    }
    fn comparison(&mut self, comparison: &Comparison, into: &OutputDir) -> Result<(), Stop> {
        let text = self.text(SCENARIO, &comparison.scenario_sha256)?;
        let origin = self.root.join(SCENARIO).display().to_string();
        let loaded = Scenario::load(self.catalogue, &origin, &text, &[]).map_err(Failure::Scenario)?;
        let (mut parts, mut damaged) = (Vec::new(), false);
        for (record, scenario) in comparison.variants.iter().zip(&loaded.variants) {
            let Some(name) = &record.folder else {
                parts.push((scenario.clone(), scenario.seeds.0.iter().map(|seed| (*seed, None)).collect()));
                continue;
            };
            let (at, part) = (format!("{name}/"), into.subdir(name)?);
            let repeated = match self.part(&at) {
                Ok(Record::Run(manifest)) => {
                    let runs = |written| (scenario.clone(), vec![(manifest.seed, Some(written))]);
                    self.run(&at, &manifest, &part).map(runs)
                }
                Ok(Record::Experiment(experiment)) => self.experiment(&at, &experiment, &part),
                Ok(Record::Comparison(_)) => Err(Failure::InvalidInput(format!("{name} holds variants itself")).into()),
                Err(stop) => Err(stop),
            };
            match repeated {
                Ok(repeated) => parts.push(repeated),
                Err(Stop::Damaged) => damaged = true,
                Err(stop) => return Err(stop),
            }
            part.commit()?;
        }
        if damaged {
            return Err(Stop::Damaged);
        }
        let wall = lasting(comparison.wall_s);
        let parts = parts.iter().map(|(scenario, runs)| FinishedExperiment { scenario, runs: runs.clone(), wall });
        let finished = FinishedComparison { scenario: &loaded.scenario, parts: parts.collect(), wall };
        let manifest = write_comparison(&finished, into)?;
        self.compare("", into, &Record::Comparison(manifest));
        Ok(())
    }
    /// Compares what lies in a folder with what was written anew, unless another version wrote it.
    fn compare(&mut self, at: &str, again: &OutputDir, record: &Record) {
        let Ok(sealed) = Sealed::read(&self.root.join(at)) else { return };
        if sealed.record["version"] != VERSION {
            return;
        }
        let again: BTreeMap<String, String> = again.listed();
        let names: BTreeSet<&String> = again.keys().chain(sealed.files.keys()).collect();
        for name in names.into_iter().filter(|name| name.rsplit('/').next() != Some(MANIFEST)) {
            let path = format!("{at}{name}");
            match (self.contents.files.get(&path), again.get(name)) {
                (Some(Condition::Whole(found)), Some(new)) if found != new => {
                    self.differs(&path, "is not what the run comes to");
                }
                (Some(Condition::Whole(_)), None) => {
                    self.differs(&path, "is not what the run comes to: it writes none");
                }
                (None, Some(_)) => self.differs(&path, "is not listed, and the run writes it"),
                _ => {}
            }
        }
        let text = serde_json::to_string(record).expect("a record has a form in JSON");
        let new: Value = serde_json::from_str(&text).expect("JSON");
        if let Some((key, [stored, new])) = parting(&sealed.record, &new) {
            let what = format!("says {key} is {stored}, the run comes to {new}");
            self.differs(&format!("{at}{MANIFEST}"), what);
        }
    }
    fn judge(
        &self,
        at: &str,
        scenario: &Scenario,
        ran: &RunResult,
        manifest: &Manifest,
    ) -> Result<Vec<VerifiedChain>, Failure> {
        if ran.chains.len() != manifest.chains.len() {
            let (has, had) = (ran.chains.len(), manifest.chains.len());
            return Err(Failure::InvalidInput(format!("the scenario has {has} chains, the run had {had}")));
        }
        let interval = scenario.output.interval;
        let judged = ran.chains.iter().zip(&manifest.chains).map(|(chain, record)| {
            let home = if record.folder == "." { String::new() } else { format!("{}/", record.folder) };
            let path = format!("{at}{home}{TIMELINE}");
            let bytes = Some(path).filter(|path| is_below(path)).and_then(|path| fs::read(self.root.join(path)).ok());
            // A damaged timeline is reported elsewhere; the fingerprint stands in the manifest, too.
            let stored = bytes.and_then(|bytes| Timeline::from_bytes(&bytes));
            let parts = stored.as_ref().and_then(|stored| compare(stored, &chain.timeline)).map(|divergence| {
                let from = Time::ZERO + interval * divergence.interval as u64;
                Parts {
                    interval: divergence.interval,
                    from_s: from.as_secs_f64(),
                    to_s: (from + interval).as_secs_f64(),
                    events: [divergence.events.start, divergence.events.end],
                }
            });
            let (written, new) = (record.fingerprint, chain.timeline.end().value);
            let stored = stored.as_ref().filter(|_| parts.is_some()).map_or(written, |stored| stored.end().value);
            VerifiedChain {
                name: chain.name.clone(),
                holds: parts.is_none() && written == new,
                fingerprints: [stored.to_string(), new.to_string()],
                parts,
            }
        });
        Ok(judged.collect())
    }
}

/// How long something took, as it is stored.
fn lasting(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// The first key at which two records part, with both values, shortly.
fn parting(stored: &Value, new: &Value) -> Option<(String, [String; 2])> {
    let short = |value: &Value| {
        let text = value.to_string();
        if text.chars().count() > 80 { text.chars().take(77).collect::<String>() + "..." } else { text }
    };
    let inner = |key: String, stored: &Value, new: &Value| {
        parting(stored, new).map(|(rest, values)| {
            let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
            (format!("{key}{dot}{rest}"), values)
        })
    };
    match (stored, new) {
        _ if stored == new => None,
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let at = |table: &serde_json::Map<String, Value>, key: &str| table.get(key).cloned().unwrap_or_default();
            keys.into_iter().find_map(|key| inner(key.clone(), &at(a, key), &at(b, key)))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            (0..a.len()).find_map(|at| inner(format!("[{at}]"), &a[at], &b[at]))
        }
        _ => Some((String::new(), [short(stored), short(new)])),
    }
}

/// What else is different from when the run was made.
fn notes(manifest: &Manifest, scenario: &Scenario) -> Vec<String> {
    let mut notes = Vec::new();
    if manifest.version != VERSION {
        let (then, now) = (&manifest.version, VERSION);
        notes
            .push(format!("the run was made by version {then}, this is version {now}: only fingerprints are compared"));
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
        if chain.holds {
            lines.push(format!("{folder}: seed {}{which}: the fingerprint holds: {stored}", verified.seed));
            continue;
        }
        lines.push(format!("error: {folder}: seed {}{which}: the fingerprint does not hold", verified.seed));
        lines.push(format!("  stored {stored}\n  now    {new}"));
        if let Some(parts) = &chain.parts {
            let [first, end] = parts.events;
            let event = match end.saturating_sub(first) {
                0 | 1 => format!("event {first}"),
                _ => format!("one of the events {first} to {}", end - 1),
            };
            let interval = format!("interval {} ({} s to {} s)", parts.interval, parts.from_s, parts.to_s);
            lines.push(format!("  the two runs part in {interval}, at {event}, counted from 0"));
        }
    }
    lines.extend(verified.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}
