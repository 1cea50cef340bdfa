//! All integration tests but the model checker (`tests/model/`) as one program: each program of its own would compile the engine for every protocol again, which
//! takes longer than its tests.
//!
//! `cargo test --test suite raft` runs those with `raft` in their name, `cargo test --test suite safety::` a file of them.

mod anchors;
mod bench;
mod catalogue;
mod cli;
mod closed_form;
mod determinism;
mod examples;
mod fuzz;
mod hostile;
mod keys;
mod misconduct;
mod mutation;
mod originals;
mod overload;
mod readme;
mod recompute;
mod run;
mod safety;
