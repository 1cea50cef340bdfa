//! Words that say less than the field's own: pictures, and people where nodes are meant.
//!
//! What is left of them is counted per directory. A count may only fall: who lowers one lowers the number here, so that it
//! cannot rise again.

use super::rules::Broken;
use super::source::Source;
use std::collections::BTreeMap;

/// Nodes send, receive and store; machines are Byzantine and do not lie; programs report.
const WORDS: &[&str] = &[
    "befall",
    "befalls",
    "befell",
    "burden",
    "burdens",
    "casting",
    "desk",
    "diary",
    "everybody",
    "hear",
    "heard",
    "hears",
    "liar",
    "liars",
    "nobody",
    "parcel",
    "somebody",
    "stranger",
    "strangers",
    "tell",
    "tells",
    "told",
    "voice",
    "weather",
    "whoever",
    "whom",
];

/// How often they stand in each directory.
const LEFT: &[(&str, usize)] = &[
    ("README.md", 1),
    ("scenarios", 9),
    ("src/consensus", 3),
    ("src/engine", 2),
    ("src/ledger", 2),
    ("src/network", 1),
    ("tests", 1),
];

/// The directory that a file is counted in: the second level of `src`, else the first.
fn directory(path: &str) -> Option<&str> {
    let is_text = [".rs", ".toml", ".md"].iter().any(|kind| path.ends_with(kind));
    let is_counted = ["src/", "tests/", "benches/", "examples/", "scenarios/"].iter().any(|top| path.starts_with(top));
    if !is_text || path.starts_with("tests/tidy/words") {
        return None;
    }
    if !is_counted {
        return ["README.md", "CONTRIBUTING.md"].contains(&path).then_some(path);
    }
    let mut ends = path.match_indices('/').map(|(at, _)| at);
    let (first, second) = (ends.next()?, ends.next());
    Some(&path[..second.filter(|_| path.starts_with("src/")).unwrap_or(first)])
}

fn count(text: &str) -> usize {
    let lower = text.to_lowercase();
    lower.split(|letter: char| !letter.is_ascii_lowercase()).filter(|word| WORDS.contains(word)).count()
}

/// The directories with more of these words than they had, or with fewer than are written down.
pub fn check_words(sources: &[Source]) -> Vec<Broken> {
    let mut found: BTreeMap<&str, usize> = LEFT.iter().map(|(directory, _)| (*directory, 0)).collect();
    for source in sources {
        if let Some(directory) = directory(&source.path) {
            *found.entry(directory).or_default() += source.lines.iter().map(|line| count(line)).sum::<usize>();
        }
    }
    let known: BTreeMap<&str, usize> = LEFT.iter().copied().collect();
    let differ = found.iter().filter(|(directory, many)| known.get(*directory).copied().unwrap_or(0) != **many);
    let broken = |(directory, many): (&&str, &usize)| {
        let before = known.get(*directory).copied().unwrap_or(0);
        let reason = if *many > before {
            "use the field's words: tests/tidy/words.rs lists the others"
        } else {
            "lower the number in tests/tidy/words.rs"
        };
        Broken::of_directory(directory, format!("{many} banned words, {before} are written down"), reason)
    };
    differ.map(broken).collect()
}

#[test]
fn banned_words_are_counted_where_they_stand() {
    assert_eq!(count("Whoever told it; `tell(x)`, untold, TELLS"), 3 + 1);
    let directories = ["src/engine/process/mod.rs", "src/main.rs", "scenarios/faults/a.toml", "README.md", "LICENSE"];
    let found = directories.map(directory);
    assert_eq!(found, [Some("src/engine"), Some("src"), Some("scenarios"), Some("README.md"), None]);
}
