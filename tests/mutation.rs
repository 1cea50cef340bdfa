//! The table of planted bugs does not rot: every bug still has its place in the source. Whether the checkers find them is
//! for `cargo bench --bench mutation` to see.

mod table;

use ledgerlab::consensus;
use ledgerlab::protocol::{Protocol, Visitor};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use table::{Mutant, all, plant, read};

/// How many bugs each protocol has at least.
const LEAST: usize = 3;

fn mutants() -> Vec<Mutant> {
    all().unwrap_or_else(|error| panic!("{error}"))
}

/// A table with one bug.
fn one(find: &str, kind: &str) -> Vec<Mutant> {
    let text = format!(
        "[[mutant]]\nname = \"a\"\nprotocol = \"a\"\nwhat = \"w\"\nfile = \"f\"\nkind = \"{kind}\"\nfind = \"{find}\"\nreplace = \"0\""
    );
    read(&text).expect("a table")
}

#[test]
fn every_bug_has_one_place_in_the_source_and_changes_it() {
    let mutants = mutants();
    let edits = || mutants.iter().flat_map(|mutant| &mutant.edits);
    for edit in edits() {
        assert_ne!(edit.find, edit.replace, "{}", edit.file);
    }
    let files: BTreeSet<&String> = edits().map(|edit| &edit.file).collect();
    for file in files {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file);
        let planted = plant(file, &text, &mutants).unwrap_or_else(|wrong| panic!("{wrong}"));
        let switches = planted.matches("if crate::planted::is(").count();
        assert_eq!(switches, edits().filter(|edit| edit.file == *file).count(), "{file}");
    }
}

#[test]
fn every_bug_has_a_name_of_its_own_and_lies_in_its_protocol() {
    let mutants = mutants();
    let names: BTreeSet<&String> = mutants.iter().map(|mutant| &mutant.name).collect();
    assert_eq!(names.len(), mutants.len());
    for Mutant { name, protocol, what, edits, .. } in &mutants {
        assert!(name.starts_with(&format!("{protocol}-")), "{name}");
        assert!(what.ends_with('.') && what.contains(':'), "{name} says what is wrong and what breaks");
        let folder = format!("src/consensus/{protocol}/");
        assert!(edits.iter().all(|edit| edit.file.starts_with(&folder)), "{name}");
    }
}

#[test]
fn every_bug_is_searched_in_worlds_that_exist() {
    let worlds: toml::Table = include_str!("mutation/worlds.toml").parse().expect("a scenario");
    let variants = worlds["variant"].as_array().expect("variants");
    let names: BTreeSet<&str> = variants.iter().filter_map(|variant| variant["name"].as_str()).collect();
    for Mutant { name, world, .. } in mutants() {
        assert!(names.contains(world.as_str()), "{name}: {world}");
    }
}

#[test]
fn every_protocol_has_bugs_enough() {
    struct Names(Vec<&'static str>);
    impl Visitor for Names {
        fn visit<P: Protocol>(&mut self) {
            self.0.push(P::NAME);
        }
    }
    let mut names = Names(Vec::new());
    consensus::visit(&mut names);
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for mutant in mutants() {
        *count.entry(mutant.protocol).or_default() += 1;
    }
    for name in &names.0 {
        assert!(count.get(*name).is_some_and(|bugs| *bugs >= LEAST), "{name}: {count:?}");
    }
    assert_eq!(count.len(), names.0.len());
}

#[test]
fn a_bug_becomes_a_switch() {
    let expression = plant("f", "let x = 1 + y;", &one("1 + y", "expression"));
    assert_eq!(expression.as_deref(), Ok("let x = (if crate::planted::is(\"a\") { 0 } else { 1 + y });"));
    let statement = plant("f", "{ f(); }", &one("f();", "statement"));
    assert_eq!(statement.as_deref(), Ok("{ if crate::planted::is(\"a\") { 0 } else { f(); } }"));
    let two = plant("f", "y", &[one("y", "expression"), one("y", "expression")].concat());
    assert_eq!(
        two.as_deref(),
        Ok("(if crate::planted::is(\"a\") { 0 } else if crate::planted::is(\"a\") { 0 } else { y })")
    );
    assert_eq!(plant("g", "z", &one("y", "expression")).as_deref(), Ok("z"), "of another file");
}

#[test]
fn a_bug_without_its_place_is_reported() {
    for text in ["", "y + y"] {
        assert!(plant("f", text, &one("y", "expression")).is_err(), "{text}");
    }
    let overlapping = [one("x + y", "expression"), one("y + z", "expression")].concat();
    assert!(plant("f", "x + y + z", &overlapping).is_err());
    assert!(plant("f", "y", &[one("y", "expression"), one("y", "statement")].concat()).is_err());
}
