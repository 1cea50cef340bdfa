//! `run`: one run per seed, each into a folder of its own.

use super::bug;
use super::command::{Run, ScenarioArgs};
use super::detached;
use super::exit::{Exit, Failure};
use super::inspect::read_named;
use super::interrupt::Interrupt;
use super::memory;
use ledgerlab::Catalogue;
use ledgerlab::report::manifest::{Manifest, Verdict};
use ledgerlab::report::output_dir::{Claim, Committed, OutputDir, Rule};
use ledgerlab::report::progress::Progress;
use ledgerlab::report::{self, FinishedExperiment, FinishedRun, RunReport};
use ledgerlab::run::{RunResult, run as run_scenario};
use ledgerlab::scenario::Scenario;
use ledgerlab::scenario::show;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The files that a scenario names, by their path in it.
pub type Inputs = BTreeMap<String, String>;

/// Runs an experiment without variants.
pub fn run(catalogue: &Catalogue, wanted: &Run, scenario: &Scenario, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let inputs = Arc::new(read_inputs(scenario, &wanted.chosen.file)?);
    // Before the folder is created, so that an interrupt is handled as soon as the folder exists.
    let interrupt = Interrupt::listen()?;
    let folder = begin(wanted, scenario, quiet || json)?;
    let failed = Arc::new(AtomicBool::new(false));
    let progress = Arc::new(Progress::new(scenario.duration(), scenario.seeds.0.len() as u64, quiet || json));
    let session = Session {
        catalogue,
        scenario,
        chosen: &wanted.chosen,
        inputs: &inputs,
        folder: &folder,
        at_a_time: at_a_time(wanted.threads, scenario.seeds.0.len()),
        interrupt: &interrupt,
        failed: &failed,
        progress: &progress,
    };
    let started = Instant::now();
    let results = session.run_all(wanted.threads)?;
    progress.clear();
    let failed = failed.load(Ordering::Relaxed);
    let mut runs = Vec::new();
    let mut failure = None;
    for (seed, result) in scenario.seeds.0.iter().zip(results) {
        match result {
            Ok(written) => runs.push((*seed, written)),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let experiment = FinishedExperiment { scenario, runs, wall: started.elapsed() };
    let place = land(&experiment, folder, failed)?.map(|landed| say_replaced(landed, quiet || json)).transpose()?;
    if let Some(failure) = failure {
        return Err(match place {
            Some(place) => failure.adding(&format!("the runs that were finished are in {}", place.display())),
            None => failure,
        });
    }
    let Some(place) = place else { return Err(Failure::Interrupted) };
    report_outcome(&experiment, &wanted.chosen, &place, json, quiet)
}

/// Reads the files that the scenario names.
pub fn read_inputs(scenario: &Scenario, file: &Path) -> Result<Inputs, Failure> {
    let read = |(_, (_, path)): (usize, (String, &str))| {
        read_named(file, path).map(|text| (path.to_owned(), text)).map_err(Failure::InvalidInput)
    };
    scenario.files().into_iter().map(read).collect()
}

/// Makes sure before a long run that its results can be written, and will replace nothing but results of the same
/// scenario. Findings are printed unless `quiet`.
pub fn begin(wanted: &Run, scenario: &Scenario, quiet: bool) -> Result<OutputDir, Failure> {
    let target = wanted.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&scenario.name));
    let rule = Rule {
        scenario_sha256: scenario.hash().hex(),
        kinds: &["run", "experiment", "comparison"],
        force: wanted.force,
        beside: wanted.out.is_none(),
    };
    let claim = Claim::on(&target, &rule).map_err(|refused| Failure::InvalidInput(refused.to_string()))?;
    for note in claim.notes.iter().filter(|_| !quiet) {
        writeln!(std::io::stderr(), "note: {note}")?;
    }
    Ok(OutputDir::create_claimed(claim)?)
}

/// Says what results replaced if they are not of the same experiment. Returns where they are.
pub fn say_replaced(landed: Committed, quiet: bool) -> Result<PathBuf, Failure> {
    if let Some(replaced) = landed.replaced.filter(|_| !quiet) {
        writeln!(std::io::stderr(), "note: replaced {}: {replaced}", landed.place.display())?;
    }
    Ok(landed.place)
}

/// How many of so many runs are under way at one time.
pub fn at_a_time(threads: Option<u32>, runs: usize) -> u64 {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    threads.map_or_else(cores, |threads| threads as usize).min(runs).max(1) as u64
}

/// What all runs of a scenario share.
pub struct Session<'a> {
    /// What the scenario names.
    pub catalogue: &'a Catalogue,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// How it was chosen.
    pub chosen: &'a ScenarioArgs,
    /// The files that it names.
    pub inputs: &'a Arc<Inputs>,
    /// Where its results go.
    pub folder: &'a OutputDir,
    /// How many runs are under way at one time, at most.
    pub at_a_time: u64,
    /// Whether the user has interrupted the run.
    pub interrupt: &'a Interrupt,
    /// Whether a run could not be made or written: the others are ended.
    pub failed: &'a Arc<AtomicBool>,
    /// The bar.
    pub progress: &'a Arc<Progress>,
}

impl Session<'_> {
    /// One result per seed, in order; `None` for those that were not begun.
    fn run_all(&self, threads: Option<u32>) -> Result<Vec<Result<Option<RunReport>, Failure>>, Failure> {
        let threads = threads.map_or(0, |threads| threads as usize);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(anyhow::Error::from)?;
        let one = |seed: &u64| self.run_unless_over(*seed);
        Ok(pool.install(|| self.scenario.seeds.0.par_iter().with_max_len(1).map(one).collect()))
    }
    /// Runs under one seed and writes the results; nothing if no run shall go on.
    pub fn run_unless_over(&self, seed: u64) -> Result<Option<RunReport>, Failure> {
        if self.is_over() {
            return Ok(None);
        }
        let result = bug::watch(|| self.run_one(seed)).unwrap_or_else(|panic| {
            Err(bug::failure(&panic, &format!("in the run under seed {seed}"), Some(&again(self.chosen, seed))))
        });
        self.failed.fetch_or(result.is_err(), Ordering::Relaxed);
        result
    }
    /// What all runs that are under way may take together.
    fn memory(&self) -> u64 {
        self.scenario.memory_limit.0.saturating_mul(self.at_a_time)
    }
    /// Whether no run shall go on.
    fn is_over(&self) -> bool {
        self.interrupt.came() || self.failed.load(Ordering::Relaxed)
    }
    /// `None` if an end was wanted while the world was being built.
    fn run_one(&self, seed: u64) -> Result<Option<RunReport>, Failure> {
        let started = Instant::now();
        let has_begun = Arc::new(AtomicBool::new(false));
        let job = Job {
            catalogue: self.catalogue.clone(),
            scenario: self.scenario.clone(),
            seed,
            inputs: self.inputs.clone(),
            interrupt: self.interrupt.clone(),
            failed: self.failed.clone(),
            progress: self.progress.clone(),
            memory: self.memory(),
            has_begun: has_begun.clone(),
        };
        let may_leave = || self.is_over() && !has_begun.load(Ordering::Relaxed);
        let Some(ran) = detached::work(move || bug::watch(|| job.run()), &may_leave) else { return Ok(None) };
        let ran = ran.map_err(|panic| {
            bug::failure(&panic, &format!("in the run under seed {seed}"), Some(&again(self.chosen, seed)))
        })?;
        let ran =
            ran.map_err(|what| Failure::InvalidInput(format!("cannot build the scenario under seed {seed}: {what}")))?;
        let finished = FinishedRun { scenario: self.scenario, seed, ran, wall: started.elapsed(), inputs: self.inputs };
        if self.scenario.seeds.0.len() == 1 {
            return Ok(Some(report::write_run(&finished, self.folder)?));
        }
        let part = self.folder.subdir(&FinishedExperiment::folder_of(seed))?;
        let written = report::write_run(&finished, &part)?;
        part.commit()?;
        Ok(Some(written))
    }
}

/// One run, on a thread of its own.
struct Job {
    catalogue: Catalogue,
    scenario: Scenario,
    seed: u64,
    inputs: Arc<Inputs>,
    interrupt: Interrupt,
    failed: Arc<AtomicBool>,
    progress: Arc<Progress>,
    /// What this process may have.
    memory: u64,
    /// Whether the world is built: from then on it ends by itself when that is wanted, and is worth keeping.
    has_begun: Arc<AtomicBool>,
}

impl Job {
    fn run(&self) -> Result<RunResult, String> {
        let mut share = self.progress.share();
        let watch = memory::Watch::new(self.memory);
        let ran =
            run_scenario(&self.catalogue, &self.scenario, self.seed, &reader(&self.inputs), u64::MAX, |standing| {
                self.has_begun.store(true, Ordering::Relaxed);
                share.notify(standing);
                !self.interrupt.came() && !self.failed.load(Ordering::Relaxed) && watch.is_fine()
            })?;
        // A run that was ended because this process grew too large says so.
        let ended_by = watch.grown().map(|used| {
            let (used, limit) = (show(used), show(self.memory));
            format!("memory: {used} were in use, the limit is {limit}")
        });
        Ok(RunResult { ended_by, ..ran })
    }
}

/// Reads from what was read already.
pub fn reader(inputs: &Inputs) -> impl Fn(&str) -> Result<String, String> + '_ {
    |path| inputs.get(path).cloned().ok_or_else(|| format!("the scenario does not name {path}"))
}

/// Puts the results in their place: an interrupted run, or one of which only a part could be written, replaces nothing.
/// `None` if nothing is worth keeping.
fn land(experiment: &FinishedExperiment<'_>, folder: OutputDir, failed: bool) -> Result<Option<Committed>, Failure> {
    let several = experiment.scenario.seeds.0.len() > 1;
    let complete = || experiment.written().any(|run| run.manifest.complete);
    let is_empty = !several && experiment.written().next().is_none();
    if is_empty || (failed && !(several && complete())) {
        return Ok(None);
    }
    if several {
        let written = report::write_experiment(experiment, &folder);
        match written {
            Err(_) if failed => return Ok(None),
            result => result?,
        };
    }
    let manifest = experiment.manifest();
    Ok(Some(if manifest.complete {
        folder.commit()?
    } else {
        Committed::beside(folder.commit_with_suffix("-interrupted")?)
    }))
}

/// Prints the outcome and returns the exit status.
fn report_outcome(
    experiment: &FinishedExperiment<'_>,
    chosen: &ScenarioArgs,
    place: &Path,
    json: bool,
    quiet: bool,
) -> Result<Exit, Failure> {
    let manifest = experiment.manifest();
    let (runs, chains): (Vec<&RunReport>, _) = (experiment.written().collect(), experiment.summaries());
    let exit = exit(manifest.verdict);
    if json {
        let briefs: Vec<Manifest> = runs.iter().map(|run| run.manifest.brief()).collect();
        let answer = serde_json::json!({
            "ok": exit == Exit::Done,
            "name": manifest.name,
            "verdict": manifest.verdict,
            "complete": manifest.complete,
            "folder": place,
            "scenario_sha256": manifest.scenario_sha256,
            "wall_s": manifest.wall_s,
            "chains": chains,
            "runs": briefs,
        });
        writeln!(std::io::stdout(), "{answer:#}")?;
        return Ok(exit);
    }
    if !quiet {
        let remarks: BTreeSet<&String> = runs.iter().flat_map(|run| &run.manifest.remarks).collect();
        for remark in remarks {
            writeln!(std::io::stderr(), "note: {remark}")?;
        }
        let wall = experiment.wall.as_secs_f64();
        let folder = place.display().to_string();
        if !runs.is_empty() {
            let text = report::terminal::summary(&manifest.name, &runs, &chains, &folder, wall);
            writeln!(std::io::stdout(), "{text}")?;
        }
    }
    if let Some(violation) = report::terminal::violation(&runs, |seed| again(chosen, seed)) {
        writeln!(std::io::stderr(), "{violation}")?;
    }
    if !manifest.complete {
        let begun = runs.len();
        let all = experiment.runs.len();
        report_ends(&runs)?;
        writeln!(std::io::stderr(), "interrupted: {begun} of {all} runs are in {}", place.display())?;
    }
    Ok(exit)
}

/// Reports why runs ended early, unless the user interrupted them.
pub fn report_ends(runs: &[&RunReport]) -> Result<(), Failure> {
    for manifest in runs.iter().map(|run| &run.manifest) {
        if let Some(why) = &manifest.ended_by {
            let (seed, at) = (manifest.seed, manifest.simulated_s);
            writeln!(std::io::stderr(), "interrupted: {why}; seed {seed}, at {at:.3} s of virtual time")?;
        }
    }
    Ok(())
}

pub fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Held | Verdict::HeldInPart => Exit::Done,
        Verdict::Unanswered => Exit::Unanswered,
        Verdict::LivenessViolated => Exit::Liveness,
        Verdict::Interrupted => Exit::Interrupted,
        Verdict::SafetyViolated => Exit::Safety,
    }
}

/// The command that repeats one run.
pub fn again(chosen: &ScenarioArgs, seed: u64) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@".contains(c);
    let quoted = |text: &str| {
        if !text.is_empty() && text.chars().all(plain) {
            text.to_owned()
        } else {
            format!("'{}'", text.replace('\'', "'\\''"))
        }
    };
    let mut command = format!("ledgerlab run {}", quoted(&chosen.file.display().to_string()));
    for change in &chosen.set {
        command.push_str(" --set ");
        command.push_str(&quoted(change));
    }
    if let Some(variant) = &chosen.variant {
        command.push_str(" --variant ");
        command.push_str(&quoted(variant));
    }
    command + &format!(" --seed {seed}")
}
