//! No two files need each other: the graph of imports has no circle.
//!
//! A file is a module. It needs another if it imports from it, or names it by a path. A head (`mod.rs`) that only declares
//! its parts does not need them, and parts may extend a type of their head; a head that also imports from a part which
//! imports from the head makes a circle.

use super::source::{Source, tokens};
use std::collections::{BTreeMap, BTreeSet};

/// The module that a file is, as words from the root of the crate; none for other files.
fn module(path: &str) -> Option<Vec<&str>> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut words: Vec<&str> = inside.split('/').collect();
    if words.last() == Some(&"mod") {
        words.pop();
    }
    Some(words).filter(|words| *words != ["lib"] && words[0] != "main")
}

/// The paths that a piece of code names after `crate` or `super`, from the root of the crate.
fn named(module: &[&str], words: &[&str]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let starts = matches!(words[at], "crate" | "super") && (at == 0 || words[at - 1] != ":");
        if !starts {
            at += 1;
            continue;
        }
        let mut prefix: Vec<String> = module.iter().map(|word| (*word).to_owned()).collect();
        if words[at] == "crate" {
            prefix.clear();
        } else {
            prefix.pop();
        }
        at += 1;
        while words[at..].starts_with(&[":", ":", "super"]) {
            prefix.pop();
            at += 3;
        }
        at = tree(&prefix, words, at, &mut found);
    }
    found
}

/// Reads `::a::{b, c::d}` behind a prefix, and returns where it ends.
fn tree(prefix: &[String], words: &[&str], mut at: usize, found: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while words[at..].starts_with(&[":", ":"]) {
        at += 2;
        match words.get(at) {
            Some(&"{") => {
                at += 1;
                while at < words.len() && words[at] != "}" {
                    if words[at] == "," {
                        at += 1;
                        continue;
                    }
                    let mut inner = path.clone();
                    if words[at] != "self" && words[at] != "*" {
                        inner.push(words[at].to_owned());
                    }
                    at = tree(&inner, words, at + 1, found);
                }
                return at + 1;
            }
            Some(word) if word.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_') => {
                path.push((*word).to_owned());
                at += 1;
            }
            _ => break,
        }
    }
    found.push(path);
    at
}

/// Which modules each module needs.
fn needs(sources: &[&Source]) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeSet<String> = sources.iter().filter_map(|s| module(&s.path)).map(|m| m.join("::")).collect();
    let mut needs = BTreeMap::new();
    for source in sources {
        let Some(own) = module(&source.path) else { continue };
        let code = source.code[..source.tests_from.min(source.code.len())].iter().flat_map(|line| tokens(line));
        let words: Vec<&str> = code.collect();
        let name = own.join("::");
        // The deepest module on a path is the file that is meant.
        let target = |path: Vec<String>| {
            (1..=path.len()).rev().map(|end| path[..end].join("::")).find(|found| modules.contains(found))
        };
        let found: BTreeSet<String> =
            named(&own, &words).into_iter().filter_map(target).filter(|other| *other != name).collect();
        needs.insert(name, found);
    }
    needs
}

/// The modules that can be reached from one by what modules need.
fn reached(needs: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(next) = open.pop() {
        for other in needs.get(&next).into_iter().flatten() {
            if seen.insert(other.clone()) {
                open.push(other.clone());
            }
        }
    }
    seen
}

/// The circles among these files, each as its modules in order.
pub fn circles(sources: &[&Source]) -> BTreeSet<Vec<String>> {
    let needs = needs(sources);
    let reached: BTreeMap<&String, BTreeSet<String>> =
        needs.keys().map(|module| (module, reached(&needs, module))).collect();
    let circle = |start: &String| -> Vec<String> {
        reached[start].iter().filter(|other| reached[other].contains(start)).cloned().collect()
    };
    needs.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}

#[test]
fn a_circle_is_found_through_lists_heads_and_paths_and_a_chain_is_none() {
    let of = |files: &[(&str, &str)]| {
        let sources: Vec<Source> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        circles(&sources.iter().collect::<Vec<_>>()).into_iter().map(|circle| circle.join(" ")).collect::<Vec<_>>()
    };
    let (a, b, c) = ("src/engine/a.rs", "src/engine/b.rs", "src/engine/c/mod.rs");
    assert_eq!(of(&[(a, "use super::b::B;"), (b, "use super::c::C;"), (c, "")]), Vec::<String>::new());
    assert_eq!(of(&[(a, "use super::b::B;"), (b, "use super::{c, a::A};"), (c, "")]), ["engine::a engine::b"]);
    assert_eq!(of(&[(a, "use crate::engine::{b::{B, D}, c::C};"), (b, ""), (c, "fn f() { super::a::f() }")]).len(), 1);
    let part = "src/engine/c/part.rs";
    assert_eq!(of(&[(c, "mod part;"), (part, "use super::C;")]), Vec::<String>::new(), "it extends a type of its head");
    assert_eq!(of(&[(c, "mod part;\nuse self::part::P;\nuse super::c::part::Q;"), (part, "use super::C;")]).len(), 1);
    assert_eq!(
        of(&[(a, "// super::b"), (b, "use super::a::A;\n#[cfg(test)]\nmod tests { use super::c; }"), (c, "")]).len(),
        0
    );
}
