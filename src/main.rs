//! Command line: parse, dispatch, exit codes.

// Only here does the wall clock count, and only for what people are told about this machine.
#![allow(clippy::disallowed_types, clippy::print_stderr, clippy::print_stdout)]

#[path = "main/bench.rs"]
mod bench;
#[path = "main/bug.rs"]
mod bug;
#[path = "main/command.rs"]
mod command;
#[path = "main/comparison.rs"]
mod comparison;
#[path = "main/detached.rs"]
mod detached;
#[path = "main/exit.rs"]
mod exit;
#[path = "main/explore.rs"]
mod explore;
#[path = "main/inspect.rs"]
mod inspect;
#[path = "main/interrupt.rs"]
mod interrupt;
#[path = "main/memory.rs"]
mod memory;
#[path = "main/run.rs"]
mod run;
#[path = "main/verify.rs"]
mod verify;

use clap::Parser as _;
use command::{Command, Ledgerlab};
use exit::Exit;
use ledgerlab::Catalogue;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Ledgerlab { command, json, quiet } = Ledgerlab::parse();
    bug::listen();
    let catalogue = Catalogue::standard();
    let result = bug::watch(|| match command {
        Command::Run(wanted) => run::run(&catalogue, &wanted, json, quiet),
        Command::Check(wanted) => inspect::check(&catalogue, &wanted, json, quiet),
        Command::List { section } => inspect::list(&catalogue, section.as_deref(), json),
        Command::Schema => inspect::schema(&catalogue),
        Command::Explore(wanted) => explore::explore(&catalogue, &wanted, json, quiet),
        Command::Verify(wanted) => verify::verify(&catalogue, &wanted, json, quiet),
        Command::Bench(wanted) => bench::bench(&catalogue, &wanted, json, quiet),
    });
    let result = result.unwrap_or_else(|panic| Err(bug::told(&panic, "before it was done", None)));
    result.unwrap_or_else(|failure| failure.tell(json)).into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}
