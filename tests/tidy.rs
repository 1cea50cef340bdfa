//! Holds the code to its own plan: layers, determinism, sizes, words. The plan stands in `src/lib.rs`.
//!
//! Every rule is a pure function of a path and a text, and is shown able to fail by a planted text. A rule that stands
//! in the way is changed here, with its reason, or the code is.

mod tidy {
    pub mod circles;
    mod planted;
    pub mod rules;
    pub mod source;
    pub mod words;
}

use std::fs;
use std::path::{Path, PathBuf};
use tidy::circles::circles;
use tidy::rules::{Broken, check, check_protocols, check_registry, check_suite, check_top};
use tidy::source::Source;
use tidy::words::check_words;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` in order, as paths from the root with `/` between their parts.
fn files(folder: &Path, found: &mut Vec<String>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else {
            let parts: Vec<String> = (path.strip_prefix(root()).unwrap().components())
                .map(|part| part.as_os_str().to_str().expect("a name in UTF-8").to_owned())
                .collect();
            found.push(parts.join("/"));
        }
    }
}

/// Every text of the project: its folders, and the files at the top.
fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches", "examples", "scenarios", "assets", "results", ".github"] {
        let folder = root().join(folder);
        if folder.is_dir() {
            files(&folder, &mut paths);
        }
    }
    let at_top = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    paths.extend(at_top.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()));
    let kinds = ["rs", "toml", "md", "json", "csv", "yml", "txt", "html", "svg"];
    let is_text = |path: &str| kinds.iter().any(|kind| path.rsplit('.').next() == Some(kind));
    // A work tree keeps the place of its repository in a file called .git: that one is not ours.
    let texts = paths.into_iter().filter(|path| is_text(path));
    texts.map(|path| Source::new(&path, &fs::read_to_string(root().join(&path)).expect(&path))).collect()
}

#[test]
fn the_project_is_tidy() {
    let sources = sources();
    let mut broken: Vec<Broken> = sources.iter().flat_map(check).collect();
    let of = |path: &str| sources.iter().find(|source| source.path == path).expect(path);
    broken.extend(check_protocols(&sources));
    broken.extend(check_words(&sources));
    broken.extend(check_registry(of("src/consensus/mod.rs")));
    broken.extend(check_suite(of("tests/suite.rs"), sources.iter().map(|source| source.path.as_str())));
    let visible = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    broken.extend(check_top(visible));
    let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} rules are broken:\n{}", lines.len(), lines.join("\n"));
}

#[test]
fn the_search_finds_every_kind_of_source() {
    let sources = sources();
    for path in ["src/main.rs", "src/engine/queue.rs", "tests/tidy.rs", "scenarios/quickstart.toml", "Cargo.toml"] {
        assert!(sources.iter().any(|source| source.path == path), "{path}");
    }
    assert!(sources.len() > 100);
}

#[test]
fn no_two_files_need_each_other() {
    let sources = sources();
    let all: Vec<&Source> = sources.iter().filter(|source| source.is_in(&["src/"])).collect();
    let found: Vec<String> = circles(&all).iter().map(|circle| circle.join(" <-> ")).collect();
    assert!(found.is_empty(), "{} circles:\n{}", found.len(), found.join("\n"));
}
