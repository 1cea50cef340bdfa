//! `manifest.json`: the content of a directory of results, and all that is needed to reproduce it.

use super::{FinishedRun, PROGRAM, VERSION};
use crate::base::Hash;
use crate::observe::fingerprint::{FingerprintValue, Timeline};
use crate::observe::metrics::UncheckedRow;
use crate::run::ChainResult;
use crate::scenario::Scenario;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs, io};

/// The file that identifies a directory of results.
pub const MANIFEST: &str = "manifest.json";

/// The form of the files in a folder; it grows by one when an old reader would misunderstand a new folder, or a new
/// reader an old one. Since 2 a manifest lists every file with its hash.
pub const FORMAT: u32 = 2;

/// The key of a manifest under which its own hash stands, made while nothing stood there.
const OWN: &str = "manifest_sha256";

/// A manifest as it was read: its record, the files beside it, and its own hash.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// The record.
    pub record: Value,
    /// The SHA-256 of each file of the folder, by its path in it. Of parts that have a manifest of their own, that one.
    pub files: BTreeMap<String, String>,
    /// Folders in it that have a manifest of their own which still changes.
    pub parts: Vec<String>,
    /// The hash that it states.
    pub stated: String,
    /// The hash that it has.
    pub found: String,
}

/// Why something is no manifest.
#[derive(Debug)]
pub enum Broken {
    /// It cannot be read.
    Missing(io::Error),
    /// It is not what was written.
    Damaged(String),
    /// It has another format.
    Format(u64),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Missing(error) => write!(f, "cannot be read: {error}"),
            Broken::Damaged(why) => write!(f, "is damaged: {why}"),
            Broken::Format(format) => {
                write!(f, "has format {format}; version {VERSION} reads format {FORMAT}")
            }
        }
    }
}

#[derive(Serialize)]
struct Sealing<'a, T> {
    #[serde(flatten)]
    record: &'a T,
    files: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    parts: &'a [String],
    manifest_sha256: &'static str,
}

impl Sealed {
    /// The text of a manifest with a record, which lists `files` and `parts`.
    ///
    /// # Panics
    /// Never: a record has a form in JSON.
    #[must_use]
    pub fn text<T: Serialize>(record: &T, files: &BTreeMap<String, String>, parts: &[String]) -> String {
        let sealing = Sealing { record, files, parts, manifest_sha256: "" };
        let text = serde_json::to_string_pretty(&sealing).expect("a record has a form in JSON") + "\n";
        let empty = place_of("");
        let at = text.rfind(&empty).expect("the last key");
        let hash = Hash::of(text.as_bytes()).hex();
        format!("{}{}{}", &text[..at], place_of(&hash), &text[at + empty.len()..])
    }
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// If there is none, or it cannot be understood. One that was changed can: see [`Sealed::is_whole`].
    pub fn read(folder: &Path) -> Result<Sealed, Broken> {
        let path = folder.join(MANIFEST);
        let kind = fs::symlink_metadata(&path).map_err(Broken::Missing)?;
        if !kind.is_file() {
            return Err(Broken::Damaged("it is no ordinary file".to_owned()));
        }
        let bytes = fs::read(&path).map_err(Broken::Missing)?;
        let text = String::from_utf8(bytes).map_err(|_| Broken::Damaged("it is no text".to_owned()))?;
        Sealed::parse(&text)
    }
    fn parse(text: &str) -> Result<Sealed, Broken> {
        let damaged = |why: &str| Broken::Damaged(why.to_owned());
        let mut record: Value = serde_json::from_str(text).map_err(|error| Broken::Damaged(error.to_string()))?;
        if record["program"] != PROGRAM {
            return Err(Broken::Damaged(format!("it was not written by {PROGRAM}")));
        }
        match record["format"].as_u64() {
            Some(format) if format != u64::from(FORMAT) => return Err(Broken::Format(format)),
            Some(_) => {}
            None => return Err(damaged("it has no format")),
        }
        let table = record.as_object_mut().ok_or_else(|| damaged("it is no table"))?;
        let mut take = |key: &str| table.remove(key).ok_or_else(|| damaged(&format!("`{key}` is missing")));
        let (files, stated) = (take("files")?, take(OWN)?);
        let parts = take("parts").unwrap_or(Value::Array(Vec::new()));
        let files = serde_json::from_value(files).map_err(|error| Broken::Damaged(error.to_string()))?;
        let parts = serde_json::from_value(parts).map_err(|error| Broken::Damaged(error.to_string()))?;
        let stated = stated.as_str().ok_or_else(|| damaged("its hash is no text"))?.to_owned();
        let own = place_of(&stated);
        let at = text.rfind(&own).ok_or_else(|| damaged("its hash is not where it belongs"))?;
        let bare = format!("{}{}{}", &text[..at], place_of(""), &text[at + own.len()..]);
        Ok(Sealed { record, files, parts, stated, found: Hash::of(bare.as_bytes()).hex() })
    }
    /// Whether it is as it was written.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.stated == self.found
    }
}

fn place_of(hash: &str) -> String {
    format!("\"{OWN}\": \"{hash}\"")
}

/// The content of a directory of results.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// One run.
    Run(Box<Manifest>),
    /// One run per seed, each in a directory of its own.
    Experiment(Experiment),
    /// Several variants of one scenario, each in a directory of its own.
    Comparison(Comparison),
}

/// How a run, or an experiment, ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was complete and all properties held.
    Held,
    /// It was complete and all checked properties held; one could not be checked, but the answer does not depend on it.
    HeldInPart,
    /// It was complete without a violation, but a property that the answer depends on could not be checked.
    Unanswered,
    /// Nothing became final in time.
    LivenessViolated,
    /// It was ended early without a violation of safety.
    Interrupted,
    /// Safety was violated. This verdict remains if the run was interrupted.
    SafetyViolated,
}

impl Verdict {
    /// In words, as the end of "the run ...".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Held => "what was checked held",
            Verdict::HeldInPart => "not all could be checked",
            Verdict::Unanswered => "could not be checked",
            Verdict::LivenessViolated => "liveness was violated",
            Verdict::Interrupted => "interrupted",
            Verdict::SafetyViolated => "SAFETY WAS VIOLATED",
        }
    }
}

/// One run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// The program that wrote it.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The name of the scenario.
    pub name: String,
    /// The question of the scenario.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// SHA-256 of `scenario.toml`, the scenario with every default written out.
    pub scenario_sha256: String,
    /// The seed: with the scenario it determines everything below but the wall time.
    pub seed: u64,
    /// How it ended.
    pub verdict: Verdict,
    /// Whether it ran to its end.
    pub complete: bool,
    /// Number of safety violations.
    pub safety_violations: u64,
    /// Number of liveness violations.
    pub liveness_violations: u64,
    /// The first safety violation, or else the first liveness violation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_violation: Option<FirstViolation>,
    /// The properties that were checked, with the chain if there are several.
    #[serde(default)]
    pub checked: Vec<String>,
    /// The properties that could not be checked, and why.
    #[serde(default)]
    pub unchecked: Vec<UncheckedRow>,
    /// Virtual seconds.
    pub simulated_s: f64,
    /// Number of events of all chains.
    pub events: u64,
    /// The number of steps after which it was ended early: it can be repeated exactly up to there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_after: Option<u64>,
    /// Why it was ended early, if the user did not ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// Wall time in seconds.
    pub wall_s: f64,
    /// The fingerprint over the events of all chains.
    pub fingerprint: FingerprintValue,
    /// The published datasets that it uses.
    pub datasets: Vec<DatasetRecord>,
    /// The files that the scenario names; copies are kept with the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputRecord>,
    /// Notes on random choices of the set-up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Its chains.
    pub chains: Vec<ChainRecord>,
}

/// The first violation of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FirstViolation {
    /// The chain.
    pub chain: String,
    /// `safety` or `liveness`.
    pub kind: String,
    /// The property.
    pub property: String,
    /// Its time in simulated seconds.
    pub at_s: f64,
    /// The expected and the actual behaviour.
    pub what: String,
}

/// A published table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// What it contains.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The credit line.
    pub source: String,
}

/// A file that the scenario names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InputRecord {
    /// Its path in the scenario.
    pub path: String,
    /// Its copy in the folder of the run.
    pub copy: String,
    /// Its SHA-256.
    pub sha256: String,
}

/// A chain of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChainRecord {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub protocol: String,
    /// Number of nodes.
    pub nodes: usize,
    /// Number of events.
    pub events: u64,
    /// The fingerprint over them.
    pub fingerprint: FingerprintValue,
    /// The folder of its files, `.` for the folder of the run.
    pub folder: String,
    /// The running hash at the end of each interval. `timeline.bin` keeps more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
}

/// One run per seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Experiment {
    /// See [`FORMAT`].
    pub format: u32,
    /// The program that wrote it.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The name of the scenario.
    pub name: String,
    /// The question of the scenario.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// SHA-256 of `scenario.toml`.
    pub scenario_sha256: String,
    /// The worst verdict of its runs.
    pub verdict: Verdict,
    /// Whether all runs ran to their end.
    pub complete: bool,
    /// Seconds from the start of the first to the end of the last.
    pub wall_s: f64,
    /// The runs, in the order of the scenario.
    pub runs: Vec<SeedRecord>,
}

/// A run of an experiment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SeedRecord {
    /// Its seed.
    pub seed: u64,
    /// Its folder within that of the experiment; `None` if it was not begun.
    pub folder: Option<String>,
    /// How it ended; `None` if it was not begun.
    pub verdict: Option<Verdict>,
    /// Its fingerprint.
    pub fingerprint: Option<FingerprintValue>,
}

/// Several variants of one scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// See [`FORMAT`].
    pub format: u32,
    /// The program that wrote it.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The name of the scenario.
    pub name: String,
    /// The question of the scenario.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// SHA-256 of `scenario.toml`, with all variants.
    pub scenario_sha256: String,
    /// The worst verdict of its runs.
    pub verdict: Verdict,
    /// Whether all runs ran to their end.
    pub complete: bool,
    /// Seconds from the start of the first to the end of the last.
    pub wall_s: f64,
    /// The variants, in the order of the scenario.
    pub variants: Vec<VariantRecord>,
}

/// A variant of a comparison.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VariantRecord {
    /// Its name.
    pub name: String,
    /// Its folder within that of the comparison: of a run, or of an experiment. `None` if nothing was begun.
    pub folder: Option<String>,
    /// The worst verdict of its runs.
    pub verdict: Verdict,
    /// Whether all its runs ran to their end.
    pub complete: bool,
    /// SHA-256 of its own `scenario.toml`.
    pub scenario_sha256: String,
}

impl Manifest {
    /// The manifest of a finished run.
    #[must_use]
    pub fn new(run: &FinishedRun<'_>) -> Manifest {
        let count = |name: &str| -> u64 {
            run.ran.chains.iter().filter_map(|chain| chain.outcome.summary.value(name)).map(|count| count as u64).sum()
        };
        let (safety, liveness) = (count("safety_violations"), count("liveness_violations"));
        let complete = run.ran.ended_after.is_none();
        let (checked, unchecked) = scope(&run.ran.chains);
        let verdict = match (safety, complete, liveness) {
            (1.., _, _) => Verdict::SafetyViolated,
            (_, false, _) => Verdict::Interrupted,
            (_, _, 1..) => Verdict::LivenessViolated,
            _ if unchecked.iter().any(|row| row.decisive) => Verdict::Unanswered,
            _ if !unchecked.is_empty() => Verdict::HeldInPart,
            _ => Verdict::Held,
        };
        let scenario = run.scenario;
        Manifest {
            format: FORMAT,
            program: PROGRAM.into(),
            version: VERSION.into(),
            name: scenario.name.clone(),
            question: scenario.question.clone(),
            scenario_sha256: scenario.hash().hex(),
            seed: run.seed,
            verdict,
            complete,
            safety_violations: safety,
            liveness_violations: liveness,
            first_violation: first_violation(run),
            checked,
            unchecked,
            simulated_s: run.ran.chains.iter().map(|chain| chain.outcome.end.as_secs_f64()).fold(0.0, f64::max),
            events: run.ran.chains.iter().map(|chain| chain.events).sum(),
            ended_after: run.ran.ended_after,
            ended_by: run.ran.ended_by.clone(),
            wall_s: run.wall.as_secs_f64(),
            fingerprint: whole(&run.ran.chains),
            datasets: datasets(scenario),
            inputs: inputs(run),
            remarks: run.ran.remarks.clone(),
            chains: run.ran.chains.iter().map(|chain| chain_record(chain, run.ran.chains.len())).collect(),
        }
    }
    /// Without the running hashes, which are long.
    #[must_use]
    pub fn brief(&self) -> Manifest {
        let mut brief = self.clone();
        brief.chains.iter_mut().for_each(|chain| chain.timeline = None);
        brief
    }
}

/// The fingerprint of a run: that of its chain, or of the fingerprints of its chains.
fn whole(chains: &[ChainResult]) -> FingerprintValue {
    if let [chain] = chains {
        return chain.timeline.end().value;
    }
    let bytes: Vec<u8> = chains.iter().flat_map(|chain| chain.timeline.end().value.0.to_be_bytes()).collect();
    let half = Hash::of(&bytes).0[..16].iter().fold(0, |value, byte| value << 8 | u128::from(*byte));
    FingerprintValue(half)
}

/// What was checked on all chains and what could not be, with the name of the chain if there are several.
fn scope(chains: &[ChainResult]) -> (Vec<String>, Vec<UncheckedRow>) {
    let several = chains.len() > 1;
    let on =
        |chain: &ChainResult, text: &str| if several { format!("{}: {text}", chain.name) } else { text.to_owned() };
    let checked = chains.iter().flat_map(|chain| chain.outcome.checked.iter().map(move |text| on(chain, text)));
    let unchecked = chains.iter().flat_map(|chain| {
        let rows = chain.outcome.unchecked.iter();
        rows.map(move |row| UncheckedRow { property: on(chain, &row.property), ..row.clone() })
    });
    (checked.collect(), unchecked.collect())
}

fn first_violation(run: &FinishedRun<'_>) -> Option<FirstViolation> {
    let all = run.ran.chains.iter().flat_map(|chain| chain.outcome.violations.iter().map(move |row| (chain, row)));
    // Safety is worse than liveness, whenever it was.
    all.min_by_key(|(_, row)| (row.kind != "safety", row.at)).map(|(chain, row)| FirstViolation {
        chain: chain.name.clone(),
        kind: row.kind.into(),
        property: row.property.into(),
        at_s: row.at.as_secs_f64(),
        what: row.what.clone(),
    })
}

/// The published tables that a scenario rests on.
#[must_use]
pub fn datasets(scenario: &Scenario) -> Vec<DatasetRecord> {
    let datasets = scenario.datasets().into_iter();
    datasets
        .map(|dataset| DatasetRecord {
            kind: dataset.kind.to_string(),
            name: dataset.name.into(),
            sha256: dataset.hash().hex(),
            source: dataset.source.into(),
        })
        .collect()
}

fn inputs(run: &FinishedRun<'_>) -> Vec<InputRecord> {
    let record = |(number, (path, text)): (usize, (&String, &String))| InputRecord {
        path: path.clone(),
        copy: format!("inputs/{number}"),
        sha256: Hash::of(text.as_bytes()).hex(),
    };
    run.inputs.iter().enumerate().map(record).collect()
}

fn chain_record(chain: &ChainResult, of: usize) -> ChainRecord {
    ChainRecord {
        name: chain.name.clone(),
        protocol: chain.protocol.clone(),
        nodes: chain.outcome.nodes.len(),
        events: chain.events,
        fingerprint: chain.timeline.end().value,
        folder: if of == 1 { ".".into() } else { chain.name.clone() },
        timeline: Some(chain.timeline.clone()),
    }
}
