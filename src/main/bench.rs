//! `bench`.

use super::command::Bench;
use super::exit::{Exit, Failure};

/// Measures speed.
pub fn bench(_wanted: &Bench, _json: bool, _quiet: bool) -> Result<Exit, Failure> {
    Err(Failure::Trouble(anyhow::anyhow!("not built yet: bench")))
}
