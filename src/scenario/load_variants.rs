//! Several scenarios in one file: each changes some keys of the common one, so that what they have in common is equal
//! by construction, and the same seed gives all of them the same payments and the same network draws.

use super::Scenario;
use super::catalogue::Catalogue;
use super::complete::complete;
use super::parse::error::{ScenarioError, Sources};
use super::parse::name::{self, Named};
use super::parse::spanned_toml::{Place, SpannedToml, Step, steps};
use super::validate::validate;
use serde::Deserialize as _;
use std::collections::BTreeSet;

/// Keys that mean the whole file.
const COMMON: [&str; 4] = ["variant", "name", "seed", "seeds"];

/// The scenarios that the variants of `base` make of `tree`, checked. What is wrong with them is added to `found`.
pub fn scenarios(
    base: &Scenario,
    tree: &SpannedToml,
    sources: &Sources,
    catalogue: &Catalogue,
    found: &mut Vec<ScenarioError>,
) -> Vec<Scenario> {
    let mut names = BTreeSet::new();
    let mut made = Vec::new();
    let mut common = tree.clone();
    common.remove("variant");
    for (number, variant) in base.variant.iter().enumerate() {
        let key = format!("variant[{number}].name");
        let mistake =
            |key: &str, title: String, label: &str| sources.error_at(&tree.place(key), title, label.to_owned());
        if let Err(refused) = name::check(&variant.name, Named::Part) {
            found.push(sources.misnamed(&tree.place(&key), &variant.name, refused));
        } else if !names.insert(variant.name.to_lowercase()) {
            let title = format!("two variants are called \"{}\"", variant.name);
            found.push(mistake(&key, title, "expected a name of its own, also where `A` and `a` are the same"));
        }
        match scenario(base, number, tree, common.clone(), sources, catalogue) {
            Ok((scenario, odd)) => {
                made.push(scenario);
                found.extend(odd);
            }
            Err(mistakes) => found.extend(mistakes),
        }
    }
    made
}

/// Lets the command line win over what variants set: what they set at `path` or below it gives way, and in what they set
/// above it the value takes its place.
///
/// Answers with the numbers of the variants on which it has no effect, since they choose something else there.
pub fn give_way(tree: &mut SpannedToml, path: &[Step], key: &Place, value: &SpannedToml) -> BTreeSet<usize> {
    let mut without = BTreeSet::new();
    for (number, variant) in tree.entry("variant").into_iter().flat_map(SpannedToml::items).enumerate() {
        let Some(sets) = variant.entry("set") else { continue };
        let names: Vec<String> = sets.entries().map(|(name, ..)| name.to_owned()).collect();
        for name in names {
            let Some(own) = steps(&name) else { continue };
            if beneath(&own, path).is_some() {
                sets.remove(&name);
            } else if let (Some(rest), Some(set)) = (beneath(path, &own), sets.entry(&name))
                && (!set.takes(&rest) || set.set(&rest, key, value.clone()).is_err())
            {
                without.insert(number);
            }
        }
    }
    without
}

/// What is left of `path` beneath `above`, if it leads there. The only element of a list need not be named.
fn beneath(path: &[Step], above: &[Step]) -> Option<Vec<Step>> {
    match (path, above) {
        (_, []) => Some(path.to_vec()),
        ([step, path @ ..], [other, above @ ..]) if step == other => beneath(path, above),
        ([Step::Index(0), path @ ..], [Step::Key(_), ..]) => beneath(path, above),
        ([Step::Key(_), ..] | [], [Step::Index(0), above @ ..]) => beneath(path, above),
        _ => None,
    }
}

/// The scenario of one variant, with what looks odd in it.
fn scenario(
    base: &Scenario,
    number: usize,
    tree: &SpannedToml,
    mut changed: SpannedToml,
    sources: &Sources,
    catalogue: &Catalogue,
) -> Result<(Scenario, Vec<ScenarioError>), Vec<ScenarioError>> {
    let sets = tree.at(&format!("variant[{number}].set"));
    for (key, place, value) in sets.into_iter().flat_map(SpannedToml::entries) {
        let refused = |title: &str, label: String| vec![sources.error_at(place, title.to_owned(), label)];
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
    complete(&mut scenario, catalogue);
    let found = validate(&mut scenario, &changed, sources, catalogue);
    scenario.name = name::joined(&base.name, &base.variant[number].name);
    if found.iter().all(|mistake| mistake.is_warning) { Ok((scenario, found)) } else { Err(found) }
}
