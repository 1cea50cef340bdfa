//! Collecting the errors of a scenario, each at its place.

use crate::base::{Duration, OutOfRange, RangeCheck};
use crate::scenario::catalogue::Catalogue;
use crate::scenario::parse::error::{ScenarioError, Sources, allow, suggest};
use crate::scenario::parse::name::{self, Named};
use crate::scenario::parse::spanned_toml::SpannedToml;

/// Collects the errors of a scenario, each at its place.
pub struct Checker<'a> {
    tree: &'a SpannedToml,
    sources: &'a Sources,
    catalogue: &'a Catalogue,
    found: Vec<ScenarioError>,
}

impl<'a> Checker<'a> {
    /// Nothing is wrong yet.
    pub fn new(tree: &'a SpannedToml, sources: &'a Sources, catalogue: &'a Catalogue) -> Checker<'a> {
        Checker { tree, sources, catalogue, found: Vec::new() }
    }
    /// What the scenario was read from, with its places.
    pub fn tree(&self) -> &'a SpannedToml {
        self.tree
    }
    /// The texts that it was read from.
    pub fn sources(&self) -> &'a Sources {
        self.sources
    }
    /// What it can name.
    pub fn catalogue(&self) -> &'a Catalogue {
        self.catalogue
    }
    /// How many errors and warnings there are.
    pub fn count(&self) -> usize {
        self.found.len()
    }
    /// Whether there is no error.
    pub fn has_only_warnings(&self) -> bool {
        self.found.iter().all(|error| error.is_warning)
    }
    /// Adds an error that knows its place.
    pub fn push(&mut self, error: ScenarioError) {
        self.found.push(error);
    }
    /// All errors and warnings, in the order of the checks.
    pub fn finish(self) -> Vec<ScenarioError> {
        self.found
    }
}

impl Checker<'_> {
    /// Adds an error at the value of `key`.
    pub fn wrong(&mut self, key: &str, title: impl Into<String>, label: impl Into<String>) -> &mut ScenarioError {
        let mistake = self.sources.error_at(&self.tree.place(key), title.into(), label.into());
        self.found.push(mistake);
        self.found.last_mut().expect("just pushed")
    }
    /// Adds an error at `key` itself.
    pub fn wrong_key(&mut self, key: &str, title: impl Into<String>, label: impl Into<String>) -> &mut ScenarioError {
        let mistake = self.sources.error_at(&self.tree.key_place(key), title.into(), label.into());
        self.found.push(mistake);
        self.found.last_mut().expect("just pushed")
    }
    /// Adds a warning at the value of `key`.
    pub fn odd(&mut self, key: &str, title: impl Into<String>, label: impl Into<String>) {
        self.wrong(key, title, label).is_warning = true;
    }
    /// Refuses a name that is not among `allowed`.
    pub fn among(&mut self, key: &str, what: &str, found: &str, allowed: &[&str]) -> bool {
        let known = allowed.contains(&found);
        if !known {
            self.wrong(key, format!("unknown {what} \"{found}\""), allow(allowed)).help = suggest(found, allowed);
        }
        known
    }
    /// Refuses the settings of the table at `path` that are out of their range.
    pub fn in_range(&mut self, path: &str, checked: Vec<OutOfRange>) {
        for OutOfRange { key, rule, found } in checked {
            self.wrong(&format!("{path}.{key}"), format!("`{}` {rule}", last(&key)), found);
        }
    }
    /// Refuses a value of `key` that is out of its range.
    fn value(&mut self, key: &str, check: impl FnOnce(&mut RangeCheck) -> &mut RangeCheck) {
        for OutOfRange { rule, found, .. } in check(&mut RangeCheck::default()).finish() {
            self.wrong(key, format!("`{}` {rule}", last(key)), found);
        }
    }
    /// Refuses a value that is less than `least`.
    pub fn at_least(&mut self, key: &str, value: f64, least: f64) {
        self.value(key, |check| check.at_least("", value, least));
    }
    /// Refuses a value that is not above 0.
    pub fn above_zero(&mut self, key: &str, value: f64) {
        self.value(key, |check| check.above_zero("", value));
    }
    /// Refuses a value that does not lie from `least` to `most`.
    pub fn within(&mut self, key: &str, value: f64, least: f64, most: f64) {
        self.value(key, |check| check.within("", value, least, most));
    }
    /// Refuses a probability. One that looks like per cent is shown as it should be written.
    pub fn probability(&mut self, key: &str, chance: f64) {
        let before = self.found.len();
        self.within(key, chance, 0.0, 1.0);
        if let Some(error) = self.found.get_mut(before).filter(|_| (1.0..=100.0).contains(&chance)) {
            error.help = Some(format!("{chance} % is written `{} = {}`", last(key), chance / 100.0));
        }
    }
    /// Whether the scenario has this key.
    pub fn is_written(&self, key: &str) -> bool {
        self.tree.has(key)
    }
    /// Refuses a span that is not longer than 0.
    pub fn lasting(&mut self, key: &str, span: Duration) {
        self.value(key, |check| check.longer_than_zero("", span));
    }

    /// Refuses a name under which nothing can be filed.
    pub fn name(&mut self, key: &str, name: &str, named: Named) -> bool {
        let refused = name::check(name, named).err();
        let is_word = refused.is_none();
        self.found.extend(refused.map(|refused| self.sources.misnamed(&self.tree.place(key), name, refused)));
        is_word
    }
}

/// The last key of a path.
pub fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
