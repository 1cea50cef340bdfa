//! `bench` from outside: it measures, and says what it cannot.

use std::process::{Command, Output};

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ledgerlab"))
        .arg("bench")
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program starts")
}

fn answer(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_workload_is_measured_beside_the_figures_of_others() {
    let workloads = &answer(&bench(&["--only", "pbft-16", "--json"]))["workloads"];
    assert_eq!(workloads.as_array().unwrap().len(), 1);
    assert_eq!(workloads[0]["name"], "pbft-16");
    assert!(workloads[0]["events"].as_u64().unwrap() > 400 * 450, "so many decisions, so many messages each");
    assert_eq!(workloads[0]["rivals"][0]["events_per_s"], 85_000.0);
}

#[test]
fn nothing_happens_in_an_idle_gap() {
    assert_eq!(answer(&bench(&["--only", "idle-gap", "--json"]))["workloads"][0]["events"], 0);
}

#[test]
fn a_scenario_is_measured_for_the_time_it_lasts() {
    let answer = answer(&bench(&["scenarios/quickstart.toml", "--json"]));
    assert_eq!(answer["measured"]["simulated_s"], 60.0);
    assert!(answer["measured"]["events"].as_u64().unwrap() > 1_000);
}

#[test]
fn a_point_of_growth_is_measured_and_an_unknown_axis_is_the_users_mistake() {
    let point = answer(&bench(&["--measure", "growth:committee-pbft:4"]));
    assert_eq!(point["simulated_s"], 10.0);
    assert!(point["events"].as_u64().unwrap() > 10_000);
    let output = bench(&["--growth", "--only", "nosuch"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are nodes, committee-pbft"));
}

#[test]
fn an_unknown_workload_is_the_users_mistake() {
    let output = bench(&["--only", "nosuch"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are simblock-600"));
}
