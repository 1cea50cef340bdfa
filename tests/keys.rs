//! Every key of the schema changes something that can be observed: a figure, a table, a fingerprint, an exit code.
//!
//! The keys are read from the schema. Each is set to one value after the other in a small scenario until the outcome
//! differs from that of the same scenario without it. `keys/cases.rs` says what a key needs around it where that is not
//! enough. A key for which nothing helps is dead: the test names it.

mod base;
mod cases;
mod outcome;
mod schema;
mod tree;

use base::{base_of, case_of, parse};
use outcome::Outcome;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use schema::Key;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use toml::{Table, Value};

/// Keys of which nothing is seen here, and why.
const SILENT: &[(&str, &str)] = &[
    ("fault[].slow.disk_full", "can only be true, and the fault slows nothing without it: there is nothing to compare"),
    (
        "agent[].anchor.watch[]",
        "finds rewritten histories alone, which take minutes to come about: see tests/anchors.rs",
    ),
    ("check.recompute", "computes everything anew at every node: the outcome must stay the same"),
    ("chain[].protocol.scp.ballot_step", "needs ballots that fail one after the other, which no small scenario makes"),
    ("chain[].protocol.raft.session_timeout", "needs a client that is idle longer and comes back with an old number"),
    (
        "chain[].protocol.raft.session_window",
        "needs a client with more commands out of order than a mempool lets through",
    ),
    ("chain[].protocol.tendermint.evidence_age", "needs evidence that is older than both limits"),
    ("chain[].protocol.tendermint.evidence_blocks", "needs evidence that is older than both limits"),
];

/// The outcome of a scenario that keys share, found once.
fn control(scenario: &Table, explores: bool) -> Arc<Outcome> {
    type Known = Mutex<BTreeMap<String, Arc<OnceLock<Arc<Outcome>>>>>;
    static KNOWN: OnceLock<Known> = OnceLock::new();
    let name = format!("{explores} {}", toml::to_string(scenario).unwrap());
    let slot = KNOWN.get_or_init(Known::default).lock().unwrap().entry(name).or_default().clone();
    slot.get_or_init(|| Arc::new(Outcome::of(scenario, explores))).clone()
}

/// What a key changed, or why it is dead.
fn effect(key: &Key) -> Result<String, String> {
    let explores = key.path.starts_with("explore.");
    let base = base_of(key);
    let before = control(&base, explores);
    if before.is_refused() {
        return Err(format!("the scenario without it is refused: {}", before.error));
    }
    let given = case_of(&key.path).filter(|case| case.key == key.path).map_or(&[][..], |case| case.values);
    let own = given.iter().map(|value| parse(&format!("value = {value}"))["value"].clone());
    let usual = key.values.iter().filter_map(|value| Value::try_from(value).ok());
    let values: Vec<Value> = if given.is_empty() { usual.collect() } else { own.collect() };
    let mut tried = Vec::new();
    for value in values {
        let mut scenario = base.clone();
        let is_choice = value.as_table().is_some_and(Table::is_empty);
        tree::set(&mut scenario, &key.path, value.clone(), is_choice);
        let after = Outcome::of(&scenario, explores);
        if after.is_refused() && !key.path.starts_with("memory_limit") {
            let why = after.error.lines().take(5).collect::<Vec<_>>().join(" | ");
            tried.push(format!("{value}: refused: {why}"));
            continue;
        }
        match before.difference(&after) {
            Some(what) => return Ok(format!("{value} changes {what}")),
            None => tried.push(format!("{value}: no difference")),
        }
    }
    Err(tried.join("\n    "))
}

#[test]
fn every_key_changes_something_that_can_be_observed() {
    let only = std::env::var("KEYS").unwrap_or_default();
    let keys = schema::keys(&ledgerlab::scenario::schema(&ledgerlab::Catalogue::standard()));
    assert!(keys.len() > 300, "the schema has {} keys", keys.len());
    let keys = keys.into_iter().filter(|key| key.path.starts_with(&only));
    let keys: Vec<Key> = keys.filter(|key| !SILENT.iter().any(|(silent, _)| *silent == key.path)).collect();
    let dead: Vec<String> = keys
        .into_par_iter()
        .filter_map(|key| effect(&key).err().map(|why| format!("{}:\n    {why}", key.path)))
        .collect();
    assert!(dead.is_empty(), "{} keys change nothing:\n{}", dead.len(), dead.join("\n"));
}
