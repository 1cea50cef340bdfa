//! `run`, `verify`.

use super::command::{Run, Verify};
use super::exit::{Exit, Failure};
use super::inspect::{load, warn};
use std::path::{Path, PathBuf};

/// Runs an experiment.
pub fn run(wanted: &Run, _json: bool, quiet: bool) -> Result<Exit, Failure> {
    let loaded = load(&wanted.chosen)?;
    warn(&loaded, quiet);
    let folder = wanted.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&loaded.scenario.name));
    make_writable(&folder)?;
    Err(Failure::Trouble(anyhow::anyhow!("not built yet: run")))
}

/// Repeats a run.
pub fn verify(_wanted: &Verify, _json: bool, _quiet: bool) -> Result<Exit, Failure> {
    Err(Failure::Trouble(anyhow::anyhow!("not built yet: verify")))
}

/// Makes sure before a long run that its results can be written.
fn make_writable(folder: &Path) -> Result<(), Failure> {
    let refused = |error| Failure::Wrong(format!("cannot write results to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(refused)?;
    tempfile::tempfile_in(folder).map(drop).map_err(refused)
}
