//! The results of a search for faults: a directory that grows, so that an interrupted search can be resumed.
//!
//! Every file is written under a hidden name and renamed. `manifest.json` is the state of the search, written after each
//! batch of cases; cases after that are run again when the search is resumed. Searches of several variants are in a directory
//! each, in one whose manifest names them. Only an earlier search is resumed, or replaced if the user asks for it.

use super::format::{digits, grouped, seconds};
use super::lock;
use super::manifest::{FORMAT, MANIFEST, Sealed};
use super::output_dir::{Claim, OutputDir, Rule, WriteError};
use super::target_state::{self, Contents, TargetState};
use super::{PROGRAM, SCENARIO, VERSION, event_log};
use crate::base::{Duration, Hash};
use crate::explore::{CaseResult, Finding, Shrunk, features};
use crate::observe::event_log::EventLog;
use crate::scenario::{Catalogue, Scenario};
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Events in the log of a minimized case; more for a stall, whose last events are retries of clients only.
const LOG_EVENTS: u32 = 400;
const LOG_EVENTS_OF_STALL: u32 = 5_000;

/// The kinds of manifests: of a search, and of the searches of several variants.
const SEARCH: &str = "search";
const SEARCHES: &str = "searches";

/// The state of a search.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Search {
    kind: String,
    format: u32,
    program: String,
    version: String,
    /// The hash of the scenario with the limits of the cases.
    pub scenario_sha256: String,
    /// Its name.
    pub name: String,
    /// Its variant, if it is one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The protocol under test.
    pub protocol: String,
    /// The number of the first case.
    pub first: u64,
    /// The number of the next case: all before it were run.
    pub next: u64,
    /// Events in all cases.
    pub events: u64,
    /// Simulated seconds in all cases.
    pub simulated_s: f64,
    /// Seconds on the wall clock.
    pub wall_s: f64,
    /// For each feature the number of cases with it, and how many of these violate a property.
    pub coverage: BTreeMap<String, (u64, u64)>,
    /// The cases that violate a property.
    pub found: Vec<Found>,
    /// The cases that were ended before they could be judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unjudged: Vec<Unjudged>,
}

/// A case that could not be judged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Unjudged {
    /// Its number, which is its seed.
    #[serde(alias = "world")]
    pub case: u64,
    /// Why it was ended.
    pub why: String,
}

/// A case that violates a property.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Its number, which is its seed.
    #[serde(alias = "world")]
    pub case: u64,
    /// The violation.
    #[serde(flatten)]
    pub finding: Finding,
    /// The directory of its scenario and of the minimized one, if it was minimized.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

impl Search {
    /// A search that has not begun.
    #[must_use]
    pub fn new(base: &Scenario) -> Search {
        Search {
            kind: SEARCH.into(),
            format: FORMAT,
            program: PROGRAM.into(),
            version: VERSION.into(),
            scenario_sha256: base.hash().hex(),
            name: base.name.clone(),
            variant: None,
            protocol: base.chain[0].protocol.name.clone(),
            first: base.seeds.0[0],
            next: base.seeds.0[0],
            events: 0,
            simulated_s: 0.0,
            wall_s: 0.0,
            coverage: BTreeMap::new(),
            found: Vec::new(),
            unjudged: Vec::new(),
        }
    }
    /// Its name in tables: its variant, else its protocol.
    #[must_use]
    pub fn label(&self) -> &str {
        self.variant.as_ref().unwrap_or(&self.protocol)
    }
    /// Number of cases that were run.
    #[must_use]
    pub fn cases(&self) -> u64 {
        self.next - self.first
    }
    /// Numbers of cases that violate safety, and of those that violate liveness.
    #[must_use]
    pub fn broken(&self) -> (usize, usize) {
        let safety = self.found.iter().filter(|found| found.finding.safety).count();
        (safety, self.found.len() - safety)
    }
    /// Leaves the next case unjudged.
    pub fn pass_over(&mut self, why: String) {
        self.unjudged.push(Unjudged { case: self.next, why });
        self.next += 1;
    }
    /// Counts the next case.
    pub fn count(&mut self, case: &Scenario, judgement: &CaseResult) {
        self.next += 1;
        self.events += judgement.events;
        self.simulated_s += judgement.simulated.as_secs_f64();
        for word in features(case) {
            let (cases, violations) = self.coverage.entry(word).or_default();
            *cases += 1;
            *violations += u64::from(judgement.finding.is_some());
        }
        if let Some(finding) = &judgement.finding {
            self.found.push(Found { case: case.seeds.0[0], finding: finding.clone(), folder: None });
        }
    }
}

/// How a search deals with earlier results.
#[derive(Clone, Copy, Debug)]
pub struct Begin {
    /// Resume an earlier search of the same scenario.
    pub resume: bool,
    /// Replace earlier results.
    pub force: bool,
    /// Write beside earlier results.
    pub beside: bool,
}

/// The directory of one search, or of those of several variants. Only this process writes to it.
#[derive(Debug)]
pub struct Searches {
    claim: Claim,
    resume: bool,
    /// Messages for the user about what was found there.
    pub notes: Vec<String>,
}

impl Searches {
    /// Opens `target` for a search of `base`, or for searches of these variants of it.
    ///
    /// # Errors
    /// If there is no search to resume, if the content may not be replaced, or if nothing can be written.
    pub fn open(target: &Path, base: &Scenario, variants: &[&str], begin: Begin) -> Result<Searches, anyhow::Error> {
        let kind = if variants.is_empty() { SEARCH } else { SEARCHES };
        let (scenario_sha256, place) = (base.hash().hex(), target_state::resolve(target)?);
        if begin.resume {
            let nothing = || anyhow::anyhow!("there is no search to resume in {}", target.display());
            let record = Sealed::read(&place).map_err(|_| nothing())?.record;
            let is = |key: &str, value: &str| record[key].as_str() == Some(value);
            anyhow::ensure!(is("kind", kind), nothing());
            anyhow::ensure!(
                is("scenario_sha256", &scenario_sha256) && is("version", VERSION),
                "the search in {} was of another scenario or by another version",
                target.display()
            );
        }
        let Begin { force, beside, resume } = begin;
        let rule = Rule { scenario_sha256: scenario_sha256.clone(), kinds: &[], force, beside };
        let mut claim = if resume { Claim::unseen(target)? } else { Claim::on(target, &rule)? };
        let mut notes = std::mem::take(&mut claim.notes);
        if !resume {
            if let TargetState::Ours(earlier) = TargetState::read(claim.place())? {
                earlier.remove(claim.place()).map_err(|error| WriteError::new(claim.shown(), error))?;
                notes.push(format!("replaced {}: {}", claim.shown().display(), earlier.description()));
            }
            std::fs::create_dir_all(claim.place()).map_err(|error| WriteError::new(claim.shown(), error))?;
        }
        let searches = Searches { claim, resume, notes };
        if !variants.is_empty() {
            let parts: Vec<String> = variants.iter().map(|variant| (*variant).to_owned()).collect();
            let record = serde_json::json!({
                "kind": SEARCHES,
                "format": FORMAT,
                "program": PROGRAM,
                "version": VERSION,
                "name": base.name,
                "scenario_sha256": scenario_sha256,
            });
            let text = Sealed::text(&record, &BTreeMap::new(), &parts);
            searches.write(&searches.claim.place().join(MANIFEST), text.as_bytes())?;
        }
        Ok(searches)
    }
    /// The path as the user wrote it.
    #[must_use]
    pub fn shown(&self) -> &Path {
        self.claim.shown()
    }
    /// Writes a file under a hidden name and renames it.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
        let hidden = lock::making(path);
        let written = || -> io::Result<()> {
            std::fs::create_dir_all(path.parent().expect("a file in a folder"))?;
            self.claim.note(&hidden)?;
            let mut file = std::fs::File::create(&hidden)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&hidden, path)
        };
        written().map_err(|error| WriteError::new(path, error))
    }
}

/// The directory of one search.
#[derive(Debug)]
pub struct SearchFolder<'a> {
    home: &'a Searches,
    path: PathBuf,
    /// The SHA-256 of each file.
    files: Mutex<BTreeMap<String, String>>,
}

impl<'a> SearchFolder<'a> {
    /// Opens the directory of a search of `base`, that of a variant if it is one of several, and reads its state if it is
    /// resumed.
    ///
    /// # Errors
    /// If it has the state of another search, or cannot be written.
    pub fn open(
        home: &'a Searches,
        variant: Option<&str>,
        base: &Scenario,
    ) -> Result<(SearchFolder<'a>, Search), anyhow::Error> {
        let path = variant.map_or_else(|| home.claim.place().to_owned(), |variant| home.claim.place().join(variant));
        let mut folder = SearchFolder { home, path, files: Mutex::default() };
        if home.resume && folder.path.join(MANIFEST).exists() {
            let contents = Contents::read(&folder.path)
                .map_err(|broken| anyhow::anyhow!("{}: {MANIFEST} {broken}", folder.path.display()))?;
            let search: Search = serde_json::from_value(contents.sealed.record)
                .map_err(|_| anyhow::anyhow!("{} holds other results than a search", folder.path.display()))?;
            anyhow::ensure!(
                search.scenario_sha256 == base.hash().hex() && search.version == VERSION,
                "the search in {} was of another scenario or by another version",
                folder.path.display()
            );
            folder.files = Mutex::new(contents.sealed.files);
            return Ok((folder, search));
        }
        let search = Search::new(base);
        folder.write(SCENARIO, base.resolved().as_bytes())?;
        folder.save(&search)?;
        Ok((folder, search))
    }
    /// Writes the state of the search.
    ///
    /// # Errors
    /// If it cannot be written.
    ///
    /// # Panics
    /// Never: a state has a form in JSON.
    pub fn save(&self, search: &Search) -> Result<(), WriteError> {
        let mut table = String::from("feature,cases,violations\n");
        for (feature, (cases, violations)) in &search.coverage {
            let _ = writeln!(table, "{feature},{cases},{violations}");
        }
        self.write("coverage.csv", table.as_bytes())?;
        let text = Sealed::text(search, &self.files.lock().unwrap_or_else(PoisonError::into_inner), &[]);
        self.home.write(&self.path.join(MANIFEST), text.as_bytes())
    }
    /// Writes a case that violates a property, its minimized case, and the event log of that if there is one. Returns their
    /// directory within this one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(
        &self,
        catalogue: &Catalogue,
        case: &Scenario,
        finding: &Finding,
        shrunk: &Shrunk,
        log: Option<&EventLog>,
    ) -> Result<String, WriteError> {
        let property: String = finding.property.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let target = self.path.join(format!("violations/{property}-{}", case.seeds.0[0]));
        self.home.claim.note(&lock::making(&target)).map_err(|error| WriteError::new(&target, error))?;
        let folder = OutputDir::create(&target)?;
        folder.file("case.toml", |out| out.write_all(annotated(catalogue, case, finding).as_bytes()))?;
        folder.file("minimized.toml", |out| {
            out.write_all(annotated(catalogue, &minimal(shrunk), &shrunk.finding).as_bytes())
        })?;
        if let Some(log) = log {
            event_log::write(log, &folder, "")?;
            event_log::draw(log, &folder, "")?;
        }
        let listed = folder.listed();
        let place = folder.commit()?.place;
        let inner = format!("violations/{}", place.file_name().unwrap_or_default().to_string_lossy());
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.extend(listed.into_iter().map(|(file, hash)| (format!("{inner}/{file}"), hash)));
        Ok(inner)
    }
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        self.home.write(&self.path.join(name), bytes)?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(name.to_owned(), Hash::of(bytes).hex());
        Ok(())
    }
}

/// The minimized case as it is written: it records an event log.
#[must_use]
pub fn minimal(shrunk: &Shrunk) -> Scenario {
    let mut minimal = shrunk.case.clone();
    minimal.output.event_log = if shrunk.finding.safety { LOG_EVENTS } else { LOG_EVENTS_OF_STALL };
    minimal
}

/// A case as a scenario file, with its violation in comments at the head.
fn annotated(catalogue: &Catalogue, case: &Scenario, finding: &Finding) -> String {
    let kind = if finding.safety { "safety" } else { "liveness" };
    let at = seconds(Duration::from_nanos(finding.at).as_secs_f64());
    let what = finding.what.replace('\n', "\n# ");
    format!("# Violates {kind} at {at}: {}.\n# {what}\n\n{}", finding.property, case.terse(catalogue))
}

/// One row per search.
#[must_use]
pub fn table(searches: &[Search]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let headings = ["cases", "cases/s", "events", "simulated", "safety violated", "liveness violated"];
    table.set_header([Cell::new("")].into_iter().chain(headings.map(|heading| right(heading.into()))));
    for search in searches {
        let (safety, liveness) = search.broken();
        let cases = search.cases() as f64;
        let cells = [
            grouped(cases),
            digits(cases / search.wall_s.max(1e-6)),
            grouped(search.events as f64),
            seconds(search.simulated_s),
            grouped(safety as f64),
            grouped(liveness as f64),
        ];
        table.add_row([Cell::new(search.label())].into_iter().chain(cells.map(right)));
    }
    table.trim_fmt()
}
