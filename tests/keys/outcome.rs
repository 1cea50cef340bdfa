//! What can be observed of a scenario: how the program ends, and every file that it writes.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A run that takes longer, in seconds, shows nothing.
const PATIENCE: &str = "30";

/// What the program did: its exit code, and its files by name.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    pub code: i32,
    pub error: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl Outcome {
    /// What a scenario leads to.
    pub fn of(scenario: &toml::Table, explores: bool) -> Outcome {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("keys.toml"), toml::to_string(scenario).unwrap()).unwrap();
        fs::write(home.path().join("ring.gml"), graph(&[(0, 1), (1, 2), (2, 3), (3, 0)])).unwrap();
        fs::write(home.path().join("star.gml"), graph(&[(0, 1), (0, 2), (0, 3)])).unwrap();
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", PATIENCE, env!("CARGO_BIN_EXE_ledgerlab")]);
        command.arg(if explores { "explore" } else { "run" }).args(["keys.toml", "--out", "out", "--quiet"]);
        command.args(["--threads", "1"]).current_dir(home.path()).stdout(Stdio::null());
        let output = command.output().expect("`timeout` starts");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        // Ended by `timeout`.
        let code = output.status.code().filter(|code| *code != 137).unwrap_or(2);
        let mut files = BTreeMap::new();
        read(home.path(), &home.path().join("out"), &mut files);
        Outcome { code, error, files }
    }
    /// Whether the scenario was refused.
    pub fn is_refused(&self) -> bool {
        self.code == 2
    }
    /// The first file that differs, or how the two ended.
    pub fn difference(&self, other: &Outcome) -> Option<String> {
        if self.code != other.code {
            return Some(format!("exit code {} and {}", self.code, other.code));
        }
        let names = self.files.keys().chain(other.files.keys());
        names.into_iter().find(|name| self.files.get(*name) != other.files.get(*name)).cloned()
    }
}

/// A graph of four nodes, for the key that names a file.
fn graph(edges: &[(u32, u32)]) -> String {
    let nodes: Vec<String> = (0..4).map(|id| format!("node [ id {id} ]\n")).collect();
    let edge = |(from, to): &(u32, u32)| format!("edge [ source {from} target {to} latency \"20 ms\" ]\n");
    format!("graph [\n{}{}]\n", nodes.concat(), edges.iter().map(edge).collect::<String>())
}

fn read(home: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(home).unwrap().display().to_string();
        if path.is_dir() {
            read(home, &path, files);
        } else if name.ends_with("manifest.json") {
            let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            forget(&mut manifest);
            files.insert(name, manifest.to_string().into_bytes());
        } else if !name.ends_with("scenario.toml")
            && !name.ends_with("report.html")
            && path.extension().is_none_or(|kind| kind != "png")
        {
            // The first repeats the scenario, key by key; the second shows it; the third is drawn as another file is.
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

/// Takes out of a manifest what is the scenario's text or the machine's speed.
fn forget(manifest: &mut Value) {
    match manifest {
        Value::Object(fields) => {
            let is_noise = |name: &str| name.ends_with("sha256") || name.contains("wall") || name.contains("hash");
            fields.retain(|name, _| !is_noise(name));
            fields.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}
