//! Every command of the README runs, on the files that are shipped.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What `.ci/run` runs itself: they build or test the whole project.
const BY_CI: [&str; 6] = [
    "cargo fmt --all --check",
    "cargo clippy --all-targets -- -D warnings",
    "cargo test",
    "cargo install --path .",
    "cargo build --profile dist",
    "cargo bench --bench",
];

/// The commands in blocks of code, each in one line.
fn commands(readme: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in readme.lines() {
        let text = line.trim();
        let starts = line.starts_with("    ") || line.starts_with("ledgerlab ");
        if goes_on || (starts && (text.starts_with("cargo ") || text.starts_with("ledgerlab "))) {
            let part = text.trim_end_matches('\\').trim_end();
            match commands.last_mut().filter(|_| goes_on) {
                Some(last) => last.extend([" ", part]),
                None => commands.push(part.to_owned()),
            }
            goes_on = text.ends_with('\\');
        }
    }
    commands
}

/// The arguments of a command for this program, with sizes that a test can bear; `None` for those of cargo itself.
fn arguments(command: &str) -> Option<Vec<String>> {
    if BY_CI.iter().any(|known| command.starts_with(known)) {
        return None;
    }
    let own = command.strip_prefix("cargo run --release -- ").or_else(|| command.strip_prefix("ledgerlab "));
    let own = own.unwrap_or_else(|| panic!("{command}: neither this program nor known to be run elsewhere"));
    let mut arguments: Vec<String> = own.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    // A list such as [0, 1] is one word in quotes.
    let mut words: Vec<String> = Vec::new();
    for word in arguments.drain(..) {
        match words.last_mut().filter(|last| last.matches('\'').count() == 1) {
            Some(last) => last.extend([" ", &word]),
            None => words.push(word),
        }
    }
    let mut words: Vec<String> = words.into_iter().map(|word| word.replace('\'', "")).collect();
    if let Some(at) = words.iter().position(|word| word == "--cases") {
        "1".clone_into(&mut words[at + 1]);
    }
    if words.iter().any(|word| word == "--growth") {
        // One point of the axis that it names.
        let axis = words.last().expect("an axis");
        words = ["bench", "--measure", &format!("growth:{axis}:4")].map(str::to_owned).to_vec();
    } else if words[0] == "bench" {
        words.extend(["--only".to_owned(), "pbft".to_owned()]);
    }
    if words.iter().any(|word| word.contains("region-cut")) {
        let shorter = [
            "duration=50s",
            "workload.payments.rate=20",
            "seeds=1",
            "warm_up=2s",
            "fault[0].at=8s",
            "fault[0].until=12s",
            "check.catch_up=1s",
        ];
        words.extend(shorter.iter().flat_map(|change| ["--set".to_owned(), (*change).to_owned()]));
    }
    Some(words)
}

#[test]
fn every_command_of_the_readme_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    copy(&root.join("scenarios"), &home.path().join("scenarios"));
    let commands = commands(&fs::read_to_string(root.join("README.md")).unwrap());
    assert!(commands.len() > 8, "{commands:?}");
    for command in &commands {
        let Some(arguments) = arguments(command) else { continue };
        let output = Command::new(env!("CARGO_BIN_EXE_ledgerlab"))
            .current_dir(home.path())
            .args(&arguments)
            .output()
            .expect("the program starts");
        // The rewritten history is there to be caught.
        let expected = if command.contains("anchored-history") { 3 } else { 0 };
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{command}: {error}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn commands_are_found_in_blocks_and_joined_where_they_go_on() {
    let text = "Run `cargo x`.\n\n    cargo test\n\n```\nledgerlab run a.toml \\\n  --set 'b=[0, 1]'\n\nnote: c\n```\n";
    assert_eq!(commands(text), ["cargo test", "ledgerlab run a.toml --set 'b=[0, 1]'"]);
    assert_eq!(arguments("cargo test"), None);
    assert_eq!(arguments("ledgerlab run a.toml --set 'b=[0, 1]'").unwrap(), ["run", "a.toml", "--set", "b=[0, 1]"]);
}
