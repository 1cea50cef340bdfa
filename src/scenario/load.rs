//! Reading: a file and its overrides become a tree, the tree a scenario, the scenario is checked.

use super::catalogue::Catalogue;
use super::complete::complete;
use super::load_variants;
use super::parse::error::{ScenarioError, Source, Sources};
use super::parse::spanned_toml::{Place, Reason, Renamed, SpannedToml, Step, renew_path, steps};
use super::parse::syntax;
use super::validate::{NO_END, validate};
use super::{Chain, Scenario, Topology};
use crate::base::Hash;
use serde::Deserialize as _;
use std::collections::BTreeSet;

/// What messages call the origin of overrides.
const OVERRIDE: &str = "--set";
/// Keys that stand for the same thing: setting one takes the other away.
const SYNONYMS: [(&str, &str); 2] = [("seed", "seeds"), ("seeds", "seed")];

/// After so many keys and values that cannot be read, the rest waits.
const MISREAD_MAX: usize = 100;

/// A checked scenario that still knows where its keys stand.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// The scenarios of its variants, in the order of [`Scenario::variant`]: if there are any, these are run.
    pub variants: Vec<Scenario>,
    /// What looks odd but can be run.
    pub warnings: Vec<ScenarioError>,
    /// Overrides that do nothing to some of the variants, with their numbers.
    partial: Vec<(ScenarioError, BTreeSet<usize>)>,
    sources: Sources,
    tree: SpannedToml,
}

impl Loaded {
    /// Takes one variant alone.
    ///
    /// # Panics
    /// If there is no such variant.
    pub fn choose(&mut self, number: usize) {
        self.scenario = self.variants.swap_remove(number);
        self.variants.clear();
        let vain = std::mem::take(&mut self.partial).into_iter().filter(|(_, without)| without.contains(&number));
        self.warnings.extend(vain.map(|(mistake, _)| mistake));
    }

    /// An error at the value of `key`, such as `chain[0].network.topology.file.path`: for what can only be checked
    /// outside, like files that the scenario names.
    #[must_use]
    pub fn error_at(&self, key: &str, title: String, label: String) -> ScenarioError {
        self.sources.error_at(&self.tree.place(key), title, label)
    }
}

impl Scenario {
    /// Reads `text`, which came from `origin` and names what is in `catalogue`, applies `overrides` such as
    /// `chain.nodes.count=7`, checks everything and fills in every default.
    ///
    /// The value of an override is written as in TOML; a single word may go without its quotes.
    ///
    /// # Errors
    /// Everything that is wrong: at least one mistake.
    pub fn load(
        catalogue: &Catalogue,
        origin: &str,
        text: &str,
        overrides: &[String],
    ) -> Result<Loaded, Vec<ScenarioError>> {
        let mut sources = Sources(vec![Source::new(origin, text)]);
        let mut tree = SpannedToml::parse(text, 0).map_err(|error| {
            let line = text.get(..error.span.start).unwrap_or("").lines().count().max(1) - 1;
            let help = syntax(&error.what, text.lines().nth(line).unwrap_or(""));
            vec![ScenarioError::new(origin, text, error.span, "this is not TOML".to_owned(), error.what).help(help)]
        })?;
        let mut renamed = tree.renew();
        let mut partial = Vec::new();
        for change in overrides {
            sources.0.push(Source::new(OVERRIDE, change));
            let mistake = |(span, title, label): Refused| ScenarioError::new(OVERRIDE, change, span, title, label);
            let (key, without) = apply(&mut tree, change, sources.0.len() - 1, &mut renamed)
                .map_err(|refused| vec![mistake(refused)])?;
            if !without.is_empty() {
                let title = "this has no effect on what is run".to_owned();
                let mut vain = mistake((key, title, "variants choose something else here".to_owned()));
                vain.is_warning = true;
                partial.push((vain, without));
            }
        }
        let written = tree.clone();
        let (scenario, mut found, holes) = read(&mut tree, &sources);
        // Each name once, where it stands first.
        let mut old = BTreeSet::new();
        renamed.retain(|renamed| old.insert((renamed.old.clone(), renamed.new)));
        found.extend(renamed.iter().map(|renamed| old_name(renamed, &sources)));
        let Some(mut scenario) = scenario else { return Err(found) };
        let is_read = found.iter().all(|mistake| mistake.is_warning);
        complete(&mut scenario, catalogue);
        let checked = validate(&mut scenario, &tree, &sources, catalogue);
        // What is missing because it could not be read was reported.
        let top = sources.error_at(&tree.place(""), String::new(), String::new());
        let hides = |hole: &ScenarioError, mistake: &ScenarioError| {
            mistake.is_at(hole) || (mistake.title == NO_END && hole.is_at(&top))
        };
        let are_nodes_known = nodes_of(&written) == nodes_of(&tree);
        let follows = |mistake: &ScenarioError| {
            (!are_nodes_known && is_about_nodes(mistake)) || holes.iter().any(|hole| hides(hole, mistake))
        };
        found.extend(checked.into_iter().filter(|mistake| is_read || !follows(mistake)));
        let mut variants = Vec::new();
        if found.iter().all(|mistake| mistake.is_warning) {
            variants = load_variants::scenarios(&scenario, &tree, &sources, catalogue, &mut found);
        }
        if !is_read {
            found.sort_by_key(|mistake| (mistake.origin == OVERRIDE, mistake.line, mistake.column));
        }
        // What is odd in common is odd in every variant: it is said once.
        let mut said = BTreeSet::new();
        found.retain(|mistake| said.insert(mistake.clone()));
        let (mut warnings, mistakes): (Vec<_>, Vec<_>) = found.into_iter().partition(|mistake| mistake.is_warning);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let (vain, partial): (Vec<_>, Vec<_>) =
            partial.into_iter().partition(|(_, without)| without.len() == variants.len());
        warnings.extend(vain.into_iter().map(|(mistake, _)| mistake));
        Ok(Loaded { scenario, variants, warnings, partial, sources, tree })
    }

    /// A scenario that was put together by a program, checked and completed like one that was read.
    ///
    /// # Errors
    /// Everything that is wrong, at the lines of the scenario as it would be written.
    pub fn checked(&self, catalogue: &Catalogue) -> Result<Scenario, Vec<ScenarioError>> {
        const ORIGIN: &str = "scenario";
        let text = toml::Table::try_from(self).map_err(|error| error.to_string());
        let text = text.and_then(|table| toml::to_string(&table).map_err(|error| error.to_string()));
        let no_form = |why| vec![ScenarioError::new(ORIGIN, "", 0..0, "this has no form in TOML".to_owned(), why)];
        Ok(Scenario::load(catalogue, ORIGIN, &text.map_err(no_form)?, &[])?.scenario)
    }

    /// The scenario as TOML with every default written out. It reads back to the same scenario.
    ///
    /// # Panics
    /// Never on a scenario that was loaded: all its values have a form in TOML.
    #[must_use]
    pub fn resolved(&self) -> String {
        let table = toml::Table::try_from(self).expect("a checked scenario has a form in TOML");
        toml::to_string(&table).expect("a table has a form in TOML")
    }

    /// SHA-256 of [`Scenario::resolved`]: equal for scenarios that mean the same, however they are written.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(self.resolved().as_bytes())
    }

    /// The chain called `name`, with its number.
    #[must_use]
    pub fn chain_named(&self, name: &str) -> Option<(usize, &Chain)> {
        self.chain.iter().enumerate().find(|(_, chain)| chain.name == name)
    }

    /// The files that it names, each with the number of the chain and the key that name it. Paths are relative to the
    /// scenario.
    #[must_use]
    pub fn files(&self) -> Vec<(usize, (String, &str))> {
        let chains = self.chain.iter().enumerate();
        chains
            .filter_map(|(at, chain)| match &chain.network.topology {
                Topology::File { path } => {
                    Some((at, (format!("chain[{at}].network.topology.file.path"), path.as_str())))
                }
                _ => None,
            })
            .collect()
    }
}

/// Reads a scenario from `tree`, with everything that cannot be read. What is misspelt is put right and what is wrong
/// otherwise is taken away, so that what comes after it is looked at, too. The errors that would follow from what was
/// taken away lie where the last list points.
fn read(tree: &mut SpannedToml, sources: &Sources) -> (Option<Scenario>, Vec<ScenarioError>, Vec<ScenarioError>) {
    let (mut found, mut holes): (Vec<ScenarioError>, Vec<ScenarioError>) = (Vec::new(), Vec::new());
    while found.len() < MISREAD_MAX {
        let misread = match Scenario::deserialize(&*tree) {
            Ok(scenario) => return (Some(scenario), found, holes),
            Err(misread) => misread,
        };
        let (place, meant) = (misread.place.clone(), misread.meant());
        let (is_nameless, root) = (misread.reason == Reason::Missing("name"), tree.place(""));
        let mistake = sources.misread(misread);
        if is_nameless || !holes.iter().any(|hole| mistake.is_at(hole)) {
            found.push(mistake);
        }
        if is_nameless && place.as_ref() == Some(&root) {
            let unnamed = SpannedToml::text("unnamed", root.clone());
            if tree.set(&[Step::Key("name".to_owned())], &root, unnamed).is_ok() {
                continue;
            }
        }
        // What the whole file lacks cannot be taken away, and all keys of an override stand at one place.
        let within = place.filter(|place| *place != root && place.source == 0);
        let Some(hole) = within.and_then(|place| tree.mend(&place, meant)) else { break };
        holes.push(sources.error_at(&hole, String::new(), String::new()));
    }
    (None, found, holes)
}

/// What a scenario says of how many nodes its chains have, and where.
fn nodes_of(tree: &SpannedToml) -> Vec<Option<SpannedToml>> {
    let chains = tree.at("chain").map_or(0, SpannedToml::length);
    let keys = (0..chains).flat_map(|at| ["count", "regions"].map(|key| format!("chain[{at}].nodes.{key}")));
    keys.map(|key| tree.at(&key).cloned()).collect()
}

/// Whether an error may come from the number of nodes: if that could not be read, nothing can be said of them.
fn is_about_nodes(mistake: &ScenarioError) -> bool {
    ["node", "degree"].iter().any(|word| mistake.title.contains(word))
}

/// The warning about a name that is old.
fn old_name(renamed: &Renamed, sources: &Sources) -> ScenarioError {
    let (old, new) = (&renamed.old, renamed.new);
    let title = format!("`{old}` is called `{new}` now");
    let label = "the old name is read until version 0.3".to_owned();
    let mut mistake = sources.error_at(&renamed.place, title, label);
    mistake.is_warning = true;
    mistake
}

/// Where in an override something is wrong, what, and what would be right.
type Refused = (std::ops::Range<usize>, String, String);

/// Applies one override, `key=value`, source number `source`: where its key stands, and the variants that it misses.
/// Old names are added to `renamed`.
fn apply(
    tree: &mut SpannedToml,
    change: &str,
    source: usize,
    renamed: &mut Vec<Renamed>,
) -> Result<(std::ops::Range<usize>, BTreeSet<usize>), Refused> {
    let Some((key, value)) = change.split_once('=') else {
        let label = "expected `key=value`, such as `chain.nodes.count=7`".to_owned();
        return Err((0..change.len(), "an override without a value".to_owned(), label));
    };
    let (key_span, value_span) = (0..key.trim_end().len(), key.len() + 1..change.len());
    let mut path = steps(key.trim()).filter(|path| !path.is_empty()).ok_or_else(|| {
        let label = "expected keys joined by dots, such as `chain[0].nodes.count`".to_owned();
        (key_span.clone(), "this is not a key".to_owned(), label)
    })?;
    let place = Place { source, span: key_span.clone() };
    renamed.extend(renew_path(&mut path, &place));
    let mut value = read_value(key.len(), value, source).map_err(|what| {
        (value_span.clone(), "this is not a value".to_owned(), format!("{what}; texts with blanks need quotes"))
    })?;
    if let Some((_, other)) = SYNONYMS.iter().find(|(name, _)| *name == key.trim()) {
        tree.remove(other);
    }
    renamed.extend(value.renew_below(&path));
    tree.set(&path, &place, value.clone())
        .map_err(|what| (key_span.clone(), "this key cannot be set".to_owned(), what))?;
    Ok((key_span, load_variants::give_way(tree, &path, &place, &value)))
}

/// Reads the value of an override whose key takes `width` bytes: TOML, or a word without quotes.
fn read_value(width: usize, value: &str, source: usize) -> Result<SpannedToml, String> {
    // The key's place is taken by blanks, so that positions in the value are positions in the override.
    let padded = format!("{}v={value}", " ".repeat(width.saturating_sub(1)));
    let error = match SpannedToml::parse(&padded, source) {
        Ok(table) if !value.contains('\n') => return Ok(table.at("v").expect("the key given").clone()),
        Ok(_) => "an override is one line".to_owned(),
        Err(error) => error.what,
    };
    let word = value.trim();
    let plain = |c: char| c.is_alphanumeric() || "-_./ µ".contains(c);
    if word.is_empty() || !word.chars().all(plain) {
        return Err(error);
    }
    let start = width + 1 + (value.len() - value.trim_start().len());
    Ok(SpannedToml::text(word, Place { source, span: start..start + word.len() }))
}
