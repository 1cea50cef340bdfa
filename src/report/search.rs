//! What a search for faults leaves behind: a folder that grows, so that a search that was ended can go on.
//!
//! Every file is written beside its place and renamed. `manifest.json` is the state of the search, written after each batch
//! of worlds; what it does not know of yet is found again.

use super::folder::{Folder, MANIFEST, Place, Unwritten};
use super::number::{digits, grouped, seconds};
use super::{PROGRAM, VERSION, story};
use crate::base::Duration;
use crate::scenario::Scenario;
use crate::scenario::explore::{Finding, Judgement, PANIC, Shrunk, ingredients};
use crate::scenario::run::run;
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// So many events are told of how the smallest world broke; more of a stall, which ends in nothing but clients who ask again.
const STORY: u32 = 400;
const STORY_OF_STALL: u32 = 5_000;

/// The state of a search.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Search {
    program: String,
    version: String,
    /// The scenario whose limits the worlds keep to, by its hash.
    pub scenario_sha256: String,
    /// Its name.
    pub name: String,
    /// Its variant, if it is one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The protocol under test.
    pub protocol: String,
    /// The number of the first world.
    pub first: u64,
    /// The number of the next world: all before it were run.
    pub next: u64,
    /// Events in all worlds.
    pub events: u64,
    /// Virtual seconds in all worlds.
    pub simulated_s: f64,
    /// Seconds on the wall clock.
    pub wall_s: f64,
    /// Per ingredient of worlds: how many held it, and how many of these broke.
    pub coverage: BTreeMap<String, (u64, u64)>,
    /// The worlds that broke.
    pub found: Vec<Found>,
}

/// A world that broke.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Found {
    /// Its number, which is its seed.
    pub world: u64,
    /// How it broke.
    #[serde(flatten)]
    pub finding: Finding,
    /// The folder of its scenario and of the smaller one, if that was looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

impl Search {
    /// The beginning of a search.
    #[must_use]
    pub fn new(base: &Scenario) -> Search {
        Search {
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
        }
    }
    /// What it is called in a table: its variant, else its protocol.
    #[must_use]
    pub fn label(&self) -> &str {
        self.variant.as_ref().unwrap_or(&self.protocol)
    }
    /// Worlds that were run.
    #[must_use]
    pub fn worlds(&self) -> u64 {
        self.next - self.first
    }
    /// How many worlds broke a safety property, and how many a liveness property.
    #[must_use]
    pub fn broken(&self) -> (usize, usize) {
        let safety = self.found.iter().filter(|found| found.finding.safety).count();
        (safety, self.found.len() - safety)
    }
    /// Takes in the next world.
    pub fn count(&mut self, world: &Scenario, judgement: &Judgement) {
        self.next += 1;
        self.events += judgement.events;
        self.simulated_s += judgement.simulated.as_secs_f64();
        for word in ingredients(world) {
            let (worlds, broken) = self.coverage.entry(word).or_default();
            *worlds += 1;
            *broken += u64::from(judgement.finding.is_some());
        }
        if let Some(finding) = &judgement.finding {
            self.found.push(Found { world: world.seeds.0[0], finding: finding.clone(), folder: None });
        }
    }
}

/// The folder of a search.
#[derive(Clone, Debug)]
pub struct SearchFolder(PathBuf);

impl SearchFolder {
    /// Opens the folder at `path` for a search of `base`, and finds the state to go on from if there is one and it shall be
    /// gone on with. Otherwise earlier results of a search are removed.
    ///
    /// # Errors
    /// If it holds something else, or the state of another search that shall be gone on with, or cannot be written.
    pub fn open(path: &Path, base: &Scenario, resume: bool) -> Result<(SearchFolder, Search), anyhow::Error> {
        let folder = SearchFolder(path.to_owned());
        match Place::of(path)? {
            Place::Foreign => anyhow::bail!("{} is not empty and holds no earlier results", path.display()),
            Place::Free if resume => anyhow::bail!("there is no search to resume in {}", path.display()),
            Place::Earlier if resume => {
                let text = std::fs::read_to_string(path.join(MANIFEST))?;
                let search: Search = serde_json::from_str(&text)
                    .map_err(|_| anyhow::anyhow!("{} holds other results than a search", path.display()))?;
                anyhow::ensure!(
                    search.scenario_sha256 == base.hash().hex() && search.version == VERSION,
                    "the search in {} was of another scenario or by another version",
                    path.display()
                );
                return Ok((folder, search));
            }
            Place::Earlier => std::fs::remove_dir_all(path).map_err(|error| Unwritten::new(path, error))?,
            Place::Free => {}
        }
        let search = Search::new(base);
        folder.save(&search)?;
        folder.write("scenario.toml", base.resolved().as_bytes())?;
        Ok((folder, search))
    }
    /// Writes the state of the search.
    ///
    /// # Errors
    /// If it cannot be written.
    ///
    /// # Panics
    /// Never: a state has a form in JSON.
    pub fn save(&self, search: &Search) -> Result<(), Unwritten> {
        let text = serde_json::to_string_pretty(search).expect("a state has a form in JSON");
        self.write(MANIFEST, text.as_bytes())?;
        let mut table = String::from("ingredient,worlds,broken\n");
        for (word, (worlds, broken)) in &search.coverage {
            let _ = writeln!(table, "{word},{worlds},{broken}");
        }
        self.write("coverage.csv", table.as_bytes())
    }
    /// Writes a world that broke, the smaller one that breaks in the same way, and the story of that one. Returns the folder
    /// of all, within this one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, world: &Scenario, finding: &Finding, shrunk: &Shrunk) -> Result<String, Unwritten> {
        let inner = format!("violations/{}-{}", finding.property, world.seeds.0[0]);
        let folder = Folder::begin(&self.0.join(&inner))?;
        let mut minimal = shrunk.world.clone();
        minimal.output.story = if shrunk.finding.safety { STORY } else { STORY_OF_STALL };
        folder.file("world.toml", |out| out.write_all(told(world, finding).as_bytes()))?;
        folder.file("minimal.toml", |out| out.write_all(told(&minimal, &shrunk.finding).as_bytes()))?;
        // What stops the code under test leaves no story.
        if shrunk.finding.property != PANIC
            && let Ok(ran) = run(&minimal, minimal.seeds.0[0], &|_| Err(String::new()), u64::MAX, |_| true)
            && let Some(story) = &ran.chains[0].story
        {
            story::write(story, &folder, "")?;
            story::draw(story, &folder, "")?;
        }
        folder.land()?;
        Ok(inner)
    }
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Unwritten> {
        let path = self.0.join(name);
        let written = || -> io::Result<()> {
            let parent = path.parent().expect("a file in the folder");
            std::fs::create_dir_all(parent)?;
            let mut file = tempfile::NamedTempFile::new_in(parent)?;
            file.write_all(bytes)?;
            file.persist(&path)?;
            Ok(())
        };
        written().map_err(|error| Unwritten::new(&path, error))
    }
}

/// A world as a scenario for people: how it breaks, and what it takes.
fn told(world: &Scenario, finding: &Finding) -> String {
    let kind = if finding.safety { "safety" } else { "liveness" };
    let at = seconds(Duration::from_nanos(finding.at).as_secs_f64());
    let what = finding.what.replace('\n', "\n# ");
    format!("# Breaks {kind} at {at}: {}.\n# {what}\n\n{}", finding.property, world.terse())
}

/// One row per search.
#[must_use]
pub fn table(searches: &[Search]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let headings = ["worlds", "worlds/s", "events", "simulated", "safety broken", "liveness broken"];
    table.set_header([Cell::new("")].into_iter().chain(headings.map(|heading| right(heading.into()))));
    for search in searches {
        let (safety, liveness) = search.broken();
        let worlds = search.worlds() as f64;
        let cells = [
            grouped(worlds),
            digits(worlds / search.wall_s.max(1e-6)),
            grouped(search.events as f64),
            seconds(search.simulated_s),
            grouped(safety as f64),
            grouped(liveness as f64),
        ];
        table.add_row([Cell::new(search.label())].into_iter().chain(cells.map(right)));
    }
    table.trim_fmt()
}
