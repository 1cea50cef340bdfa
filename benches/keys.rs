//! Every key of the scenario schema against hostile values, through `check` and `run`.
//!
//! ```text
//! cargo bench --bench keys                    # all keys, some ten minutes
//! cargo bench --bench keys -- chain[].nodes   # keys that begin so
//! cargo bench --profile dev --bench keys      # without an optimised build
//! ```
//!
//! Each key is set to each value in the scenario in which `tests/keys.rs` shows its effect. `check` may take five seconds;
//! what it accepts is run for two seconds, interrupted, and must then end within ten. A process may take 2 GB of address
//! space, of which a scenario is allowed 500 MB by its `memory_limit`. Found are: a panic, an abort, a hang, and an exit
//! code that is not one of the program's. It needs `sh` and `timeout` (coreutils), ends with code 1 if something was found,
//! and prints how much was tried.

#![allow(clippy::print_stdout, missing_docs)] // a command that reports

#[path = "../tests/keys/base.rs"]
mod base;
#[path = "../tests/keys/cases.rs"]
mod cases;
#[path = "../tests/keys/schema.rs"]
mod schema;
#[path = "../tests/keys/tree.rs"]
mod tree;

use base::{base_of, case_of, parse};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use schema::Key;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use toml::{Table, Value};

/// Kilobytes of address space.
const MEMORY: u32 = 2_000_000;

/// Of wrong kinds, at the edges of their kinds, and beyond.
const VALUES: [&str; 45] = [
    "true",
    "false",
    "0",
    "1",
    "-1",
    "2",
    "1000",
    "65536",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "0.0",
    "-0.0",
    "0.5",
    "1e-300",
    "1e308",
    "nan",
    "inf",
    "-inf",
    "-1.5",
    "''",
    "' '",
    "'x'",
    "'1ns'",
    "'0s'",
    "'-1s'",
    "'1000000h'",
    "'18446744073709551615'",
    "'18446744073709551615ns'",
    "'1 TB'",
    "'0 B'",
    "'1 bit/s'",
    "'../../x'",
    "'/dev/zero'",
    "'/etc/passwd'",
    "\"\u{e9}\u{1f980}\\u0000\u{202e}\"",
    "[]",
    "[[]]",
    "[0, 0, 0]",
    "[4294967295]",
    "{}",
    "{ a = { b = { c = 1 } } }",
    "{ fraction = 2.0 }",
    "1979-05-27T07:32:00Z",
];

#[derive(Default)]
struct Counts {
    checked: AtomicUsize,
    run: AtomicUsize,
}

/// How the program ended on a scenario, if not as it should.
fn defect(arguments: &[&str], home: &Path, seconds: u32) -> Result<i32, String> {
    let limits = format!("ulimit -v {MEMORY}; exec timeout --preserve-status -k 10 -s INT {seconds} \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limits, env!("CARGO_BIN_EXE_ledgerlab")]).args(arguments).current_dir(home);
    let output = command.stdout(Stdio::null()).output().expect("sh starts");
    let error = String::from_utf8_lossy(&output.stderr);
    let said = || error.lines().take(3).collect::<Vec<_>>().join(" | ");
    match output.status.code() {
        _ if error.contains("panicked") => Err(format!("panics: {}", said())),
        Some(137) => Err("hangs".into()),
        Some(code @ (0..=6 | 130)) => Ok(code),
        Some(code) => Err(format!("exit code {code}: {}", said())),
        None => Err(format!("{}: {}", output.status, said())),
    }
}

/// Tries a key with a value. Returns what was found.
fn tried(key: &Key, value: &Value, counts: &Counts) -> Option<String> {
    let mut scenario = base_of(key);
    scenario.insert("memory_limit".into(), Value::String("500 MB".into()));
    let is_choice = value.as_table().is_some_and(Table::is_empty);
    tree::set(&mut scenario, &key.path, value.clone(), is_choice);
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("keys.toml"), toml::to_string(&scenario).unwrap()).unwrap();
    counts.checked.fetch_add(1, Ordering::Relaxed);
    let explores = key.path.starts_with("explore.");
    let found = match defect(&["check", "keys.toml"], home.path(), 5) {
        Ok(0) => {
            counts.run.fetch_add(1, Ordering::Relaxed);
            let verb = if explores { "explore" } else { "run" };
            let run = [verb, "keys.toml", "--quiet", "--threads", "1", "--out", "out"];
            defect(&run, home.path(), 2).err().map(|what| format!("{verb} {what}"))
        }
        Ok(2) => None,
        Ok(code) => Some(format!("check ends with {code}")),
        Err(what) => Some(format!("check {what}")),
    };
    found.map(|what| {
        let value: String = value.to_string().chars().take(60).collect();
        format!("{} = {value}: {what}", key.path)
    })
}

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let keys = schema::keys(&ledgerlab::scenario::schema(&ledgerlab::Catalogue::standard()));
    let keys: Vec<Key> = keys.into_iter().filter(|key| key.path.starts_with(&filter)).collect();
    let values = VALUES.map(|value| parse(&format!("value = {value}"))["value"].clone());
    let (many, counts) = (keys.len(), Counts::default());
    let found: Vec<String> = keys
        .into_par_iter()
        .flat_map_iter(|key| {
            // A value that means something at this key, too.
            let own = case_of(&key.path).filter(|case| case.key == key.path).map_or(&[][..], |case| case.values);
            let own = own.iter().map(|value| parse(&format!("value = {value}"))["value"].clone());
            let all = values.iter().cloned().chain(own);
            let found: Vec<String> = all.filter_map(|value| tried(&key, &value, &counts)).collect();
            found.iter().for_each(|line| println!("{line}"));
            found
        })
        .collect();
    let (checked, run) = (counts.checked.into_inner(), counts.run.into_inner());
    println!("{many} keys, {} values each and more: {checked} checked, {run} of them accepted and run", VALUES.len());
    println!("{} found", found.len());
    std::process::exit(i32::from(!found.is_empty()));
}
