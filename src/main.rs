//! Command line: parse, dispatch, exit codes.

// Only here does the wall clock count, and only for what is reported about this machine.
#![allow(clippy::disallowed_types, clippy::print_stderr, clippy::print_stdout)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main(&ledgerlab::Catalogue::standard())
}
