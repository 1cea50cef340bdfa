//! The table of planted bugs, and how a bug becomes a switch in a copy of the source.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What stands in a place of the source and what a bug puts there.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file, from the root of the project.
    pub file: String,
    /// Whole expressions or statements; once in the file.
    pub find: String,
    /// What the bug makes of it.
    pub replace: String,
    /// Which of the two they are.
    #[serde(default)]
    pub kind: Kind,
}

/// What the text of an [`Edit`] is, in the grammar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It has a value.
    #[default]
    Expression,
    /// It has none, and declares no name that is used after it.
    Statement,
}

/// A planted bug.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// Its name: the protocol, a dash, and what is wrong.
    pub name: String,
    /// The protocol.
    pub protocol: String,
    /// The bug in one sentence, and what it should break.
    pub what: String,
    /// Where it is: one place, or several that belong together.
    pub edits: Vec<Edit>,
    /// The variant of `worlds.toml` inside which worlds are drawn.
    pub world: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    mutant: Vec<Row>,
}

/// A mutant as it is written: its first edit in its own row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    protocol: String,
    what: String,
    file: String,
    #[serde(default)]
    kind: Kind,
    find: String,
    replace: String,
    #[serde(default)]
    also: Vec<Edit>,
    /// Left out: that of the name of the protocol.
    world: Option<String>,
}

/// The table itself, as it is now: a change of it needs no build.
pub fn all() -> Result<Vec<Mutant>, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutation/mutants.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    read(&text)
}

/// Reads a table.
pub fn read(text: &str) -> Result<Vec<Mutant>, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let mutants = table.mutant.into_iter().map(|row| {
        let Row { name, protocol, what, file, kind, find, replace, also, world } = row;
        let edits = std::iter::once(Edit { file, find, replace, kind }).chain(also).collect();
        Mutant { name, world: world.unwrap_or_else(|| protocol.clone()), protocol, what, edits }
    });
    Ok(mutants.collect())
}

/// The text of `file` with every bug in it behind a switch: `crate::planted::is("name")` chooses it.
pub fn plant(file: &str, text: &str, mutants: &[Mutant]) -> Result<String, String> {
    let mut places: BTreeMap<(usize, usize), Vec<(&str, &Edit)>> = BTreeMap::new();
    for mutant in mutants {
        for edit in mutant.edits.iter().filter(|edit| edit.file == file) {
            let mut found = text.match_indices(&edit.find);
            let (Some((at, _)), None) = (found.next(), found.next()) else {
                let times = text.matches(&edit.find).count();
                return Err(format!("{}: stands {times} times in {file}, must stand once: {}", mutant.name, edit.find));
            };
            places.entry((at, at + edit.find.len())).or_default().push((&mutant.name, edit));
        }
    }
    let (mut planted, mut done) = (String::new(), 0);
    for ((from, to), choices) in places {
        let (name, edit) = choices[0];
        if from < done {
            return Err(format!("{name}: overlaps another bug in {file}: {}", edit.find));
        }
        if choices.iter().any(|(_, other)| other.kind != edit.kind) {
            return Err(format!("{name}: two bugs in one place of {file} differ in kind"));
        }
        let bugs = choices.iter().map(|(name, edit)| format!("if crate::planted::is({name:?}) {{ {} }}", edit.replace));
        let switch = format!("{} else {{ {} }}", bugs.collect::<Vec<_>>().join(" else "), edit.find);
        planted += &text[done..from];
        let (open, close) = if edit.kind == Kind::Expression { ("(", ")") } else { ("", "") };
        planted.extend([open, &switch, close]);
        done = to;
    }
    Ok(planted + &text[done..])
}
