//! Whether the checkers find bugs: each bug of `tests/mutation/mutants.toml` is planted in a copy of the source, and worlds
//! are drawn at random until one of them shows it.
//!
//! `cargo bench --bench mutation` plants all bugs, each behind a switch, in a tree below `target/mutation`, builds that
//! once, and lets `ledgerlab explore` search with one bug switched on at a time: the first violation ends its search. The
//! protocols without a bug are searched for as long and must show nothing. The exit code is 1 if a bug survives or a
//! protocol without one is found faulty.
//!
//! `-- NAME ..` takes the bugs whose name begins so, `-- --worlds N` sets how many worlds each may take, and `-- --list`
//! lists the bugs.

// Searches are timed, and this program talks to people.
#![allow(clippy::disallowed_types, clippy::print_stdout, clippy::print_stderr)]

#[path = "../tests/mutation/table.rs"]
mod table;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;
use table::Mutant;

/// Worlds in which a bug must show itself.
const WORLDS: u64 = 1_000;

/// Where worlds are drawn.
const FILE: &str = "tests/mutation/worlds.toml";

/// The variable that names the bug which is switched on.
const VARIABLE: &str = "LEDGERLAB_PLANTED";

/// The switch, in the planted tree only.
const SWITCH: &str = "//! Which planted bug is switched on.

use std::sync::OnceLock;

static PLANTED: OnceLock<Option<String>> = OnceLock::new();

/// Whether it is this one.
pub fn is(name: &str) -> bool {
    PLANTED.get_or_init(|| std::env::var(\"LEDGERLAB_PLANTED\").ok()).as_deref() == Some(name)
}
";

/// What the tree is made of besides the source.
const ALSO: [&str; 6] = ["Cargo.toml", "Cargo.lock", "assets", "benches", "scenarios", "tests"];

/// What was asked for.
struct Asked {
    names: Vec<String>,
    worlds: u64,
    list: bool,
}

impl Asked {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
        let mut asked = Asked { names: Vec::new(), worlds: WORLDS, list: false };
        let mut arguments = arguments.filter(|argument| argument != "--bench");
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => asked.list = true,
                "--worlds" => {
                    let number: Option<u64> = arguments.next().and_then(|number| number.parse().ok());
                    asked.worlds = number.filter(|worlds| *worlds > 0).ok_or("--worlds takes a number above zero")?;
                }
                unknown if unknown.starts_with('-') => return Err(format!("unknown: {unknown}")),
                name => asked.names.push(name.to_owned()),
            }
        }
        Ok(asked)
    }
    fn takes(&self, mutant: &Mutant) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| mutant.name.starts_with(name))
    }
}

/// What a search came to.
enum Found {
    /// A world that shows something.
    Shown { property: String, world: u64 },
    /// Nothing in all worlds.
    Nothing,
    /// The search itself failed.
    Failed(String),
}

struct Search {
    found: Found,
    worlds: u64,
    seconds: f64,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether every bug was found, and nothing else.
fn run() -> Result<bool, String> {
    let asked = Asked::read(std::env::args().skip(1))?;
    let all = table::all()?;
    let mutants: Vec<&Mutant> = all.iter().filter(|mutant| asked.takes(mutant)).collect();
    if mutants.is_empty() {
        return Err("no bug has such a name; --list names all".to_owned());
    }
    if asked.list {
        mutants.iter().for_each(|mutant| println!("{}\n    {}", mutant.name, mutant.what));
        return Ok(true);
    }
    eprintln!("planting {} bugs and building", all.len());
    let program = build(&all)?;
    let protocols: BTreeSet<&str> = mutants.iter().map(|mutant| mutant.protocol.as_str()).collect();
    let mut rows = Vec::new();
    for protocol in protocols {
        let of_protocol = || mutants.iter().copied().filter(|mutant| mutant.protocol == protocol);
        let variants: BTreeSet<&str> = of_protocol().map(|mutant| mutant.world.as_str()).collect();
        for variant in variants {
            eprintln!("{variant}, without a bug");
            rows.push((variant, None, search(&program, variant, None, asked.worlds)?));
        }
        for mutant in of_protocol() {
            eprintln!("{}", mutant.name);
            rows.push((protocol, Some(mutant), search(&program, &mutant.world, Some(mutant), asked.worlds)?));
        }
    }
    Ok(report(&rows))
}

/// Plants all bugs in a copy of the source, and builds it.
fn build(mutants: &[Mutant]) -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (tree, target) = (root.join("target/mutation/tree"), root.join("target/mutation/target"));
    let mut files = Vec::new();
    for top in ALSO.iter().chain(&["src"]) {
        collect(&root.join(top), &mut files).map_err(|error| format!("{top}: {error}"))?;
    }
    let mut kept: BTreeSet<PathBuf> = BTreeSet::new();
    for path in files {
        let inside = path.strip_prefix(root).expect("a file of the project");
        let name = inside.to_string_lossy().replace('\\', "/");
        let bytes = fs::read(&path).map_err(|error| format!("{name}: {error}"))?;
        let bytes = if Path::new(&name).extension().is_some_and(|kind| kind == "rs") || name == "Cargo.toml" {
            change(&name, bytes, mutants)?
        } else {
            bytes
        };
        write(&tree.join(inside), &bytes)?;
        kept.insert(tree.join(inside));
    }
    write(&tree.join("src/planted.rs"), SWITCH.as_bytes())?;
    kept.insert(tree.join("src/planted.rs"));
    let mut old = Vec::new();
    collect(&tree.join("src"), &mut old).map_err(|error| error.to_string())?;
    for path in old.iter().filter(|path| !kept.contains(*path)) {
        fs::remove_file(path).map_err(|error| error.to_string())?;
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--quiet", "--bin", "ledgerlab", "--target-dir"]).arg(&target);
    // It is built once and asked much, but not for long.
    let profile = [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "false"), ("INCREMENTAL", "true")];
    cargo.envs(profile.map(|(key, value)| (format!("CARGO_PROFILE_RELEASE_{key}"), value)));
    // Mutated code leaves names unused.
    let status = cargo.env("RUSTFLAGS", "--cap-lints=allow").current_dir(&tree).status();
    if !status.map_err(|error| error.to_string())?.success() {
        return Err(format!("the planted source in {} does not build", tree.display()));
    }
    Ok(target.join("release").join(format!("ledgerlab{}", std::env::consts::EXE_SUFFIX)))
}

/// All files below a path.
fn collect(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), found)?;
    }
    Ok(())
}

/// A text of the planted tree.
fn change(name: &str, bytes: Vec<u8>, mutants: &[Mutant]) -> Result<Vec<u8>, String> {
    let text = String::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))?;
    let mut planted = table::plant(name, &text, mutants)?;
    match name {
        "src/lib.rs" => planted += "\nmod planted;\n",
        // Not a member of whatever lies around it.
        "Cargo.toml" => planted += "\n[workspace]\n",
        _ => {}
    }
    Ok(planted.into_bytes())
}

/// Writes what differs, so that nothing is built again without need.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|known| known == bytes) {
        return Ok(());
    }
    let folder = path.parent().expect("a folder");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// Draws worlds until one shows something.
fn search(program: &Path, variant: &str, bug: Option<&Mutant>, worlds: u64) -> Result<Search, String> {
    let began = Instant::now();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/mutation/found").join(bug.map_or(variant, |bug| &bug.name));
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut explore = Command::new(program);
    explore.args(["explore", FILE, "--variant", variant, "--first", "--quiet", "--json", "--shrink", "0"]);
    explore.args(["--cases", &worlds.to_string(), "--out"]).arg(&folder).current_dir(root);
    explore.env(VARIABLE, bug.map_or("", |bug| &bug.name));
    let output = explore.output().map_err(|error| format!("{}: {error}", program.display()))?;
    let seconds = began.elapsed().as_secs_f64();
    let failed = |why: String| Ok(Search { found: Found::Failed(why), worlds: 0, seconds });
    let answer: Value = match serde_json::from_slice(&output.stdout) {
        Ok(answer) => answer,
        Err(error) => {
            return failed(format!("{}: {error}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
    };
    let Some(0 | 3 | 4) = output.status.code() else {
        return failed(format!("{}: {}", output.status, answer["mistakes"][0]["title"]));
    };
    let search = &answer["searches"][0];
    let found = search["violations"].get(0).map_or(Found::Nothing, |first| Found::Shown {
        property: first["property"].as_str().unwrap_or_default().to_owned(),
        world: first["world"].as_u64().unwrap_or_default(),
    });
    Ok(Search { found, worlds: search["cases"].as_u64().unwrap_or(worlds), seconds })
}

/// Reports what came out; whether all is as it should be.
fn report(rows: &[(&str, Option<&Mutant>, Search)]) -> bool {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["protocol", "bug", "broken", "seed", "worlds", "seconds"]);
    for right in [3, 4, 5] {
        table.column_mut(right).expect("a column").set_cell_alignment(CellAlignment::Right);
    }
    let (mut needed, mut survivors, mut faulty) = (Vec::new(), Vec::new(), Vec::new());
    for (protocol, mutant, search) in rows {
        let name = mutant.map_or("none", |mutant| mutant.name.as_str());
        let (broken, seed) = match &search.found {
            Found::Shown { property, world } => (property.as_str(), world.to_string()),
            Found::Nothing => ("nothing", String::new()),
            Found::Failed(why) => (why.as_str(), String::new()),
        };
        let figures = [seed, search.worlds.to_string(), format!("{:.1}", search.seconds)];
        table.add_row([*protocol, name, broken, &figures[0], &figures[1], &figures[2]]);
        match (mutant, &search.found) {
            (Some(_), Found::Shown { .. }) => needed.push(search.worlds),
            (Some(_), _) => survivors.push(name),
            (None, Found::Nothing) => {}
            (None, _) => faulty.push(*protocol),
        }
    }
    println!("{table}\n");
    needed.sort_unstable();
    if let Some(median) = needed.get(needed.len() / 2) {
        println!("{} of {} bugs found, in {median} worlds at the median", needed.len(), needed.len() + survivors.len());
    }
    survivors.iter().for_each(|name| println!("survived: {name}"));
    faulty.iter().for_each(|protocol| println!("found faulty without a bug: {protocol}"));
    survivors.is_empty() && faulty.is_empty()
}
