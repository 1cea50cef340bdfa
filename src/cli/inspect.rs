//! `check`, `list`, `schema`: what can be said without running anything.

use super::command::{Check, ScenarioArgs};
use super::exit::{Exit, Failure, render};
use comfy_table::{ContentArrangement, Table, presets};
use ledgerlab::Catalogue;
use ledgerlab::report::{MetricDef, definitions};
use ledgerlab::scenario::{self, Choice, Loaded, Scenario, ScenarioError};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::Path;

/// Reads and checks the scenario that the command line asks for, the files that it names included.
pub fn load(catalogue: &Catalogue, chosen: &ScenarioArgs) -> Result<Loaded, Failure> {
    let file = chosen.file.display().to_string();
    let text = read_text(&chosen.file, &file, SCENARIO_MAX).map_err(Failure::InvalidInput)?;
    let mut loaded = Scenario::load(catalogue, &file, &text, &chosen.overrides()).map_err(Failure::Scenario)?;
    if let Some(wanted) = &chosen.variant {
        choose(&mut loaded, wanted)?;
    }
    let wrong = wrong_files(&loaded, &chosen.file);
    if wrong.is_empty() { Ok(loaded) } else { Err(Failure::Scenario(wrong)) }
}

/// No scenario is longer, in bytes, and no file that one names.
const SCENARIO_MAX: u64 = 64_000_000;
const NAMED_MAX: u64 = 256_000_000;

/// Reads a text of at most `most` bytes from an ordinary file: devices and pipes never end.
fn read_text(path: &Path, shown: &str, most: u64) -> Result<String, String> {
    let cannot = |why: String| format!("cannot read {shown}: {why}");
    let found = std::fs::metadata(path).map_err(|error| cannot(error.to_string()))?;
    if !found.is_file() {
        return Err(cannot("it is no ordinary file".to_owned()));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    read.map_err(|error| cannot(error.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(cannot(format!("it is longer than {} MB", most / 1_000_000)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{shown} is not a text: byte {at} is not UTF-8")
    })
}

/// Reads a file that a scenario names.
pub fn read_named(scenario: &Path, path: &str) -> Result<String, String> {
    read_text(&scenario.parent().unwrap_or(Path::new(".")).join(path), path, NAMED_MAX)
}

/// What is wrong with the files that a scenario and its variants name, each looked at once.
fn wrong_files(loaded: &Loaded, file: &Path) -> Vec<ScenarioError> {
    let (mut wrong, mut seen, mut read) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
    for scenario in std::iter::once(&loaded.scenario).chain(&loaded.variants) {
        for (number, (key, path)) in scenario.files() {
            if !seen.insert((path.to_owned(), scenario.chain[number].nodes.count())) {
                continue;
            }
            let text = read.entry(path.to_owned()).or_insert_with(|| read_named(file, path)).clone();
            let (title, why) = match text {
                Err(why) => (format!("cannot read \"{path}\""), why),
                Ok(text) => match scenario.look_at_file(number, &|_| Ok(text.clone())) {
                    Err(why) => (format!("\"{path}\" describes no network for this chain"), why),
                    Ok(()) => continue,
                },
            };
            wrong.push(loaded.error_at(&key, title, why));
        }
    }
    wrong
}

/// Takes one variant alone.
fn choose(loaded: &mut Loaded, wanted: &str) -> Result<(), Failure> {
    let names: Vec<&str> = loaded.scenario.variant.iter().map(|variant| variant.name.as_str()).collect();
    let Some(at) = names.iter().position(|name| *name == wanted) else {
        let why =
            if names.is_empty() { "the file has none".to_owned() } else { format!("there are {}", names.join(", ")) };
        return Err(Failure::InvalidInput(format!("there is no variant \"{wanted}\": {why}")));
    };
    loaded.choose(at);
    Ok(())
}

/// Prints the warnings about a scenario.
pub fn warn(loaded: &Loaded, quiet: bool) {
    if !quiet && !loaded.warnings.is_empty() {
        let _ = writeln!(std::io::stderr(), "{}\n", render(&loaded.warnings));
    }
}

/// Says what a scenario would run.
pub fn check(catalogue: &Catalogue, wanted: &Check, json: bool, quiet: bool) -> Result<Exit, Failure> {
    let loaded = load(catalogue, &wanted.chosen)?;
    let scenario = &loaded.scenario;
    let mut out = std::io::stdout().lock();
    if json {
        let answer = serde_json::json!({
            "ok": true,
            "name": scenario.name,
            "hash": scenario.hash().hex(),
            "summary": scenario::summary(scenario).into_iter().map(|(what, text)| [what, text]).collect::<Vec<_>>(),
            "memory": scenario::estimate(scenario),
            "warnings": loaded.warnings,
            "scenario": scenario,
        });
        writeln!(out, "{answer:#}")?;
        return Ok(Exit::Done);
    }
    warn(&loaded, quiet);
    if wanted.resolved {
        write!(out, "{}", scenario.resolved())?;
        return Ok(Exit::Done);
    }
    if !quiet {
        writeln!(out, "{} can be run (scenario {})\n", scenario.name, scenario.hash())?;
        writeln!(out, "{}", table(scenario::summary(scenario).into_iter()))?;
    }
    Ok(Exit::Done)
}

/// Lists what scenarios can choose from.
pub fn list(catalogue: &Catalogue, wanted: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let prefix = wanted.unwrap_or_default().to_lowercase();
    let mut sections = scenario::listing(catalogue, metrics());
    let headings: Vec<&str> = sections.iter().map(|section| section.heading).collect();
    sections.retain(|section| section.heading.to_lowercase().starts_with(&prefix));
    if sections.is_empty() {
        return Err(Failure::InvalidInput(format!(
            "there is no section \"{prefix}\"; there are {}",
            headings.join(", ")
        )));
    }
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{:#}", serde_json::json!(sections))?;
        return Ok(Exit::Done);
    }
    for section in sections {
        writeln!(out, "{} ({})", section.heading, section.key)?;
        writeln!(out, "{}\n", table(section.choices.into_iter().map(|choice| (choice.word, choice.summary))))?;
    }
    Ok(Exit::Done)
}

/// The metrics of a run: name, unit and definition.
fn metrics() -> Vec<Choice> {
    let choice = |def: &MetricDef| {
        let unit = if def.unit.is_empty() { String::new() } else { format!(" [{}]", def.unit) };
        Choice::new(def.name, &format!("{}{unit}: {}", def.label, def.definition))
    };
    definitions().map(choice).collect()
}

/// Prints the JSON Schema.
pub fn schema(catalogue: &Catalogue) -> Result<Exit, Failure> {
    writeln!(std::io::stdout(), "{:#}", scenario::schema(catalogue))?;
    Ok(Exit::Done)
}

/// Two columns; the second is wrapped where people read it.
fn table(rows: impl Iterator<Item = (String, String)>) -> String {
    const WIDTH: u16 = 100;
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    if std::io::stdout().is_terminal() {
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(WIDTH);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    for (first, second) in rows {
        table.add_row([format!("  {first}"), second]);
    }
    table.trim_fmt()
}
