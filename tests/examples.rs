//! The programs in `examples/` run to their end.

#[path = "../examples/from_code.rs"]
mod from_code;
#[path = "../examples/own_protocol.rs"]
pub mod own_protocol;

#[test]
fn a_scenario_from_code_runs() {
    from_code::main().expect("figures");
}

#[test]
fn a_protocol_from_outside_runs() {
    own_protocol::main().expect("figures");
}

#[test]
fn a_protocol_from_outside_fits_in_120_lines() {
    assert!(include_str!("../examples/own_protocol.rs").lines().count() <= 120);
}
