//! The program from outside: what it prints where, and how it exits.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn ledgerlab(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ledgerlab"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program starts")
}

/// Exit code, standard output, standard error.
fn output_of(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_file_that_is_missing_is_the_users_mistake() {
    let (code, out, error) = output_of(&ledgerlab(&["check", "nosuch.toml"]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(error, "error: cannot read nosuch.toml: No such file or directory (os error 2)\n");
}

#[test]
fn a_file_that_is_no_text_or_no_toml_is_the_users_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let (code, _, error) = output_of(&ledgerlab(&["check", &write("binary.toml", b"name\xff")]));
    assert!(code == 2 && error.ends_with("binary.toml is not a text: byte 4 is not UTF-8\n"), "{error}");
    let (code, _, error) = output_of(&ledgerlab(&["check", &write("prose.toml", b"We run four nodes.\n")]));
    assert!(code == 2 && error.starts_with("error: this is not TOML\n"), "{error}");
}

#[test]
fn a_mistake_is_shown_with_its_line_or_given_in_json() {
    let wrong = ["check", "scenarios/quickstart.toml", "--set", "chain.nodes.cuont=7"];
    let (code, out, error) = output_of(&ledgerlab(&wrong));
    assert!(code == 2 && out.is_empty() && error.contains("help: did you mean `count`?"), "{error}");
    let (code, out, error) = output_of(&ledgerlab(&[&wrong[..], &["--json"]].concat()));
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, error.as_str(), &answer["ok"]), (2, "", &serde_json::json!(false)));
    assert_eq!(answer["errors"][0]["help"], "did you mean `count`?");
    assert_eq!(answer["errors"][0]["line"], 1);
}

#[test]
fn a_list_is_not_taken_for_a_table_whose_keys_it_names_by_their_order() {
    for (set, key) in [("check=['10s']", "check"), ("check=[]", "check"), ("chain.network=[]", "network")] {
        let (code, _, error) = output_of(&ledgerlab(&["check", "scenarios/quickstart.toml", "--set", set]));
        let title = format!("error: `{key}` must be a table\n");
        assert!(code == 2 && error.starts_with(&title) && error.contains("found a list"), "{error}");
    }
}

#[test]
fn a_wrong_command_line_is_the_users_mistake() {
    for wrong in [&["walk"][..], &["run"], &["check", "x.toml", "--seed", "-1"], &["list", "nosuch"]] {
        assert_eq!(output_of(&ledgerlab(wrong)).0, 2, "{wrong:?}");
    }
}

#[test]
fn the_schema_is_printed_as_it_is_shipped() {
    let (code, out, _) = output_of(&ledgerlab(&["schema"]));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/schema.json");
    assert_eq!((code, out), (0, fs::read_to_string(shipped).unwrap()));
}

#[test]
fn lists_are_for_people_and_for_programs() {
    let (code, out, _) = output_of(&ledgerlab(&["list", "gossip"]));
    assert!(code == 0 && out.starts_with("Gossip (chain.network.gossip)\n") && out.contains("sqrt_push"), "{out}");
    let (code, out, _) = output_of(&ledgerlab(&["list", "--json"]));
    let sections: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert!(sections.as_array().unwrap().iter().any(|section| section["heading"] == "Datasets"));
    let (code, out, _) = output_of(&ledgerlab(&["list", "metrics"]));
    assert!(code == 0 && out.contains("throughput") && out.contains("[tx/s]"), "{out}");
}
