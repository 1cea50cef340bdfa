//! Command line: parse, dispatch, exit codes.

mod bench;
mod bug;
mod command;
mod comparison;
mod detached;
mod exit;
mod explore;
mod growth;
mod inspect;
mod interrupt;
mod measure;
mod memory;
mod run;
mod verify;

use clap::Parser as _;
use command::{Command, Ledgerlab};
use exit::Exit;
use ledgerlab::Catalogue;
use std::process::ExitCode;

/// The program, with what scenarios may name.
pub fn main(catalogue: &Catalogue) -> ExitCode {
    let Ledgerlab { command, json, quiet } = Ledgerlab::parse();
    bug::listen();
    let result = bug::watch(|| match command {
        Command::Run(wanted) => run(catalogue, &wanted, json, quiet),
        Command::Check(wanted) => inspect::check(catalogue, &wanted, json, quiet),
        Command::List { section } => inspect::list(catalogue, section.as_deref(), json),
        Command::Schema => inspect::schema(catalogue),
        Command::Explore(wanted) => explore::explore(catalogue, &wanted, json, quiet),
        Command::Verify(wanted) => verify::verify(catalogue, &wanted, json, quiet),
        Command::Bench(wanted) => bench::bench(catalogue, &wanted, json, quiet),
    });
    let result = result.unwrap_or_else(|panic| Err(bug::failure(&panic, "before it was done", None)));
    result.unwrap_or_else(|failure| failure.print(json)).into()
}

/// Runs an experiment, or each variant of one.
fn run(catalogue: &Catalogue, wanted: &command::Run, json: bool, quiet: bool) -> Result<Exit, exit::Failure> {
    let loaded = inspect::load(catalogue, &wanted.chosen)?;
    inspect::warn(&loaded, quiet);
    if loaded.variants.is_empty() {
        run::run(catalogue, wanted, &loaded.scenario, json, quiet)
    } else {
        comparison::run(catalogue, wanted, &loaded, json, quiet)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
