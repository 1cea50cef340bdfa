//! The scenario that a key is tried in.

use super::cases::{BASE, CASES, Case, WITHOUT};
use super::schema::{Key, Need};
use super::tree;
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// A table from TOML.
pub fn parse(text: &str) -> Table {
    toml::from_str(text).unwrap_or_else(|why| panic!("{why} in {text}"))
}

/// What the key needs around it: that of the longest name that it begins with.
pub fn case_of(key: &str) -> Option<&'static Case> {
    let fits =
        |case: &&Case| key == case.key || key.strip_prefix(case.key).is_some_and(|rest| rest.starts_with(['.', '[']));
    CASES.iter().filter(fits).max_by_key(|case| case.key.len())
}

/// The scenario that a key is tried in.
pub fn base_of(key: &Key) -> Table {
    let mut base = parse(BASE);
    if key.path.starts_with("chain[].protocol.ripple") {
        base.remove("fault");
    }
    for (_, stands) in WITHOUT.iter().filter(|(key_begins, _)| key.path.starts_with(key_begins)) {
        tree::remove(&mut base, stands);
    }
    match case_of(&key.path) {
        Some(case) if case.given.starts_with("scenarios/") => {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(case.given);
            base = parse(&fs::read_to_string(file).unwrap());
            base.remove("variant");
            tree::set(&mut base, "output.charts", Value::Boolean(false), false);
        }
        Some(case) => tree::merge(&mut base, parse(case.given)),
        None => {}
    }
    for need in &key.needs {
        match need {
            // What is chosen is a table around the key; a choice that is the key itself is not made yet.
            Need::Choice(place, name) => {
                let path = format!("{place}.{name}");
                let is_around = key.path.strip_prefix(&path).is_some_and(|rest| rest.starts_with(['.', '[']));
                if !place.is_empty() && is_around {
                    let chosen = tree::get(&base, &path).cloned().unwrap_or(Value::Table(Table::new()));
                    tree::set(&mut base, &path, chosen, true);
                }
            }
            Need::Value(path, value) => {
                if tree::get(&base, path).is_none() {
                    tree::set(&mut base, path, Value::try_from(value).unwrap(), false);
                }
            }
        }
    }
    base
}
