//! Several scenarios in one file: each changes some keys of the common one, so that what they have in common is equal
//! by construction, and the same seed gives all of them the same payments and the same weather.

use super::catalogue::Known;
use super::check::check;
use super::mistake::{Mistake, Sources};
use super::tree::{Tree, steps};
use super::{Scenario, document};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One of several scenarios in one file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name in tables and charts; its results are filed under it.
    pub name: String,
    /// What it changes: keys as for `--set`, such as `"chain.protocol" = "raft"`, and their values.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub set: BTreeMap<String, toml::Value>,
}

/// Keys that mean the whole file.
const COMMON: [&str; 4] = ["variant", "name", "seed", "seeds"];

/// The scenarios that the variants of `base` make of `tree`, checked. What is wrong with them is added to `found`.
pub fn scenarios(
    base: &Scenario,
    tree: &Tree,
    sources: &Sources,
    known: &[Known],
    found: &mut Vec<Mistake>,
) -> Vec<Scenario> {
    let mut names = BTreeSet::new();
    let mut made = Vec::new();
    for (number, variant) in base.variant.iter().enumerate() {
        let key = format!("variant[{number}].name");
        let mistake =
            |key: &str, title: String, label: &str| sources.mistake(&tree.place(key), title, label.to_owned());
        if !document::names_a_folder(&variant.name) {
            let title = format!("\"{}\" cannot name a folder of results", variant.name);
            found.push(mistake(&key, title, document::FOLDER_NAMES));
        } else if !names.insert(&variant.name) {
            let title = format!("two variants are called \"{}\"", variant.name);
            found.push(mistake(&key, title, "expected a name of its own"));
        }
        match scenario(base, number, tree, sources, known) {
            Ok((scenario, odd)) => {
                made.push(scenario);
                found.extend(odd);
            }
            Err(mistakes) => found.extend(mistakes),
        }
    }
    made
}

/// The scenario of one variant, with what looks odd in it.
fn scenario(
    base: &Scenario,
    number: usize,
    tree: &Tree,
    sources: &Sources,
    known: &[Known],
) -> Result<(Scenario, Vec<Mistake>), Vec<Mistake>> {
    let mut changed = tree.clone();
    changed.remove("variant");
    let sets = tree.at(&format!("variant[{number}].set"));
    for (key, place, value) in sets.into_iter().flat_map(Tree::entries) {
        let refused = |title: &str, label: String| vec![sources.mistake(place, title.to_owned(), label)];
        let path = steps(key).filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| {
            refused("this is not a key", "expected keys joined by dots, such as \"chain[0].nodes.count\"".to_owned())
        })?;
        if COMMON.contains(&key) {
            return Err(refused("a variant cannot change this", "it holds for all variants of a file".to_owned()));
        }
        changed.set(&path, place, value.clone()).map_err(|what| refused("this key cannot be set", what))?;
    }
    let mut scenario = Scenario::deserialize(&changed).map_err(|error| vec![sources.misread(error)])?;
    let found = check(&mut scenario, &changed, sources, known);
    scenario.name = format!("{}-{}", base.name, base.variant[number].name);
    if found.iter().all(|mistake| mistake.harmless) { Ok((scenario, found)) } else { Err(found) }
}
