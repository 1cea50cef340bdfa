//! `run` and `verify` from outside: what is in the folders, what is printed where, and how they exit.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const SMALL: &str = r#"
name = "small"
question = "Do four nodes agree?"
seed = 1
duration = "4s"
warm_up = "1s"
[[chain]]
protocol = "pbft"
[chain.nodes]
count = 4
[workload.payments]
rate = 30
accounts = 50
[[fault]]
at = "2s"
until = "3s"
crash = { nodes = [3] }
[output]
charts = false
"#;

/// Two halves of a network build chains of their own for long enough to find them final.
const SPLIT: &str = r#"
name = "split"
duration = "1 min"
crypto = "symbolic"
[[chain]]
protocol.nakamoto = { spacing = "1s" }
[chain.nodes]
count = 4
[chain.network]
latency.constant = { delay = "50ms" }
[[fault]]
at = "2s"
until = "40s"
partition = { groups = [[0, 1], "rest"] }
[output]
charts = false
"#;

/// A folder with scenarios in it.
struct Home(TempDir);

impl Home {
    fn new() -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        fs::write(home.path("small.toml"), SMALL).unwrap();
        fs::write(home.path("split.toml"), SPLIT).unwrap();
        home
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerlab"));
        command.args(arguments.split(' ')).current_dir(self.0.path());
        command
    }
    /// Exit code, standard output, standard error.
    fn output_of(&self, arguments: &str) -> (i32, String, String) {
        output_of(&self.command(arguments).output().expect("the program starts"))
    }
    /// Runs what is expected to go well and say nothing on standard error. Returns standard output.
    fn well(&self, arguments: &str) -> String {
        let (code, out, error) = self.output_of(arguments);
        assert_eq!((code, error.as_str()), (0, ""), "{arguments}");
        out
    }
    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }
    /// What is in the folder, hidden things included.
    fn names(&self) -> Vec<String> {
        names(self.0.path())
    }
}

fn output_of(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// All files below a folder, by path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (Path::new(&name).join(inner), bytes)));
        } else {
            found.insert(name.into(), fs::read(&path).unwrap());
        }
    }
    found
}

/// The files whose contents do not depend on how long the run took.
fn timeless(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = files(folder);
    found.retain(|path, _| !path.ends_with("report.html"));
    for (path, bytes) in &mut found {
        if path.ends_with("manifest.json") {
            let mut manifest: Value = serde_json::from_slice(bytes).unwrap();
            for key in ["wall_s", "manifest_sha256"] {
                manifest.as_object_mut().unwrap().remove(key).unwrap();
            }
            let listed = manifest["files"].as_object_mut().unwrap();
            listed.retain(|file, _| !file.ends_with("report.html") && !file.ends_with("manifest.json"));
            *bytes = manifest.to_string().into_bytes();
        }
    }
    found
}

#[test]
fn a_run_leaves_a_folder_with_everything_in_it() {
    let home = Home::new();
    let out = home.well("run small.toml --set output.charts=true");
    assert!(out.starts_with("small: pbft with 4 nodes, seed 1\n"), "{out}");
    assert!(
        out.contains("verdict   everything that was checked held\n          checked: safety (agreement, "),
        "{out}"
    );
    assert!(out.contains("\nreport    runs/small/report.html\n") && out.contains("longest outage"), "{out}");
    let mut expected: Vec<String> = [
        "blocks.csv",
        "confirmation.csv",
        "faults.csv",
        "manifest.json",
        "messages.csv",
        "nodes.csv",
        "notes.csv",
        "periods.csv",
        "phases.csv",
        "propagation.csv",
        "refusals.csv",
        "reorgs.csv",
        "report.html",
        "scenario.toml",
        "series.csv",
        "summary.csv",
        "timeline.bin",
        "transactions.csv",
        "violations.csv",
    ]
    .map(str::to_owned)
    .to_vec();
    for chart in ["confirmation", "forks", "propagation", "resources", "throughput", "unconfirmed"] {
        expected.extend(["svg", "png"].map(|kind| format!("charts/{chart}.{kind}")));
    }
    expected.sort();
    let found = files(&home.path("runs/small"));
    assert_eq!(found.keys().map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>(), expected);
    for (path, bytes) in &found {
        match path.extension().and_then(|kind| kind.to_str()).unwrap() {
            "csv" => {
                let rows = csv::Reader::from_reader(bytes.as_slice()).records().map(Result::unwrap).count();
                let may_be_empty =
                    ["reorgs", "violations", "refusals"].contains(&path.file_stem().unwrap().to_str().unwrap());
                assert!(rows > 0 || may_be_empty, "{}", path.display());
            }
            "png" => assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n")),
            "svg" => assert!(bytes.starts_with(b"<svg ") && bytes.ends_with(b"</svg>\n")),
            _ => assert!(!bytes.is_empty()),
        }
    }
    let manifest = home.json("runs/small/manifest.json");
    assert_eq!((&manifest["verdict"], &manifest["seed"]), (&Value::from("held"), &Value::from(1)));
    assert_eq!(manifest["chains"][0]["timeline"]["intervals"].as_array().unwrap().len(), 5);
}

#[test]
fn the_columns_of_tables_are_a_promise() {
    let home = Home::new();
    home.well("run small.toml --quiet");
    for (file, columns) in [
        ("summary", "name,label,value,unit,ci95_low,ci95_high,runs,aggregation,not_reached,until_s,definition"),
        (
            "transactions",
            "id,client,node,submitted_s,taken_s,included_s,final_entry_s,final_first_s,final_everywhere_s,replied_s,height,\
             bytes,fee,status,reorged,retransmissions",
        ),
        (
            "blocks",
            "id,height,parent,proposer,created_s,transactions,bytes,status,honest_holders,t50_s,t90_s,t99_s,final_first_s,\
             final_connected_s,final_everywhere_s",
        ),
        (
            "series",
            "start_s,end_s,submitted,confirmed,throughput_tps,confirmation_p50_s,unconfirmed,blocks,failed_rounds,\
             leader_changes,reorgs,reorg_max,messages,sent_bytes,cpu_mean,cpu_max,inbox_max,mempool_max,finalized_min,\
             finalized_max",
        ),
        (
            "nodes",
            "node,honest,sent_bytes,received_bytes,written_bytes,busy_s,cpu,inbox_max,blocks_canonical,blocks_stale,\
             block_share,weight_share,crashes,reorgs,reorg_max,failed_rounds,height,finalized",
        ),
    ] {
        let text = fs::read_to_string(home.path(&format!("runs/small/{file}.csv"))).unwrap();
        assert_eq!(text.lines().next(), Some(columns), "{file}");
    }
    home.well("run small.toml --quiet --out short --set output.transactions=false");
    assert!(!names(&home.path("short")).contains(&"transactions.csv".into()));
}

#[test]
fn scenario_and_seed_determine_every_byte_but_the_wall_time() {
    let home = Home::new();
    home.well("run small.toml --quiet --out one --set seeds=1..3 --threads 1 --set output.charts=true");
    home.well("run small.toml --quiet --out two --set seeds=1..3 --threads 3 --set output.charts=true");
    let (one, two) = (timeless(&home.path("one")), timeless(&home.path("two")));
    assert!(one.keys().eq(two.keys()) && one.len() > 80);
    for (path, bytes) in &one {
        assert!(bytes == &two[path], "{} differs", path.display());
    }
    let print = |seed: u32| home.json(&format!("one/seed-{seed}/manifest.json"))["fingerprint"].clone();
    assert!(print(1) != print(2) && print(2) != print(3));
}

#[test]
fn several_seeds_have_a_folder_each_and_a_summary_of_all() {
    let home = Home::new();
    let out = home.well("run small.toml --set seeds=[4,9]");
    assert!(out.contains("2 runs, seeds 4 to 9"), "{out}");
    let here = ["manifest.json", "report.html", "scenario.toml", "seed-4", "seed-9", "summary.csv"];
    assert_eq!(names(&home.path("runs/small")), here);
    let manifest = home.json("runs/small/manifest.json");
    assert_eq!((&manifest["kind"], &manifest["runs"][1]["seed"]), (&Value::from("experiment"), &Value::from(9)));
    let mut rows = csv::Reader::from_path(home.path("runs/small/summary.csv")).unwrap();
    let submitted = rows.records().map(Result::unwrap).find(|row| &row[0] == "submitted").unwrap();
    assert!(&submitted[6] == "2" && submitted[4].parse::<f64>().unwrap() < submitted[2].parse().unwrap());
    let verified = home.well("verify runs/small");
    assert_eq!(verified.matches("the fingerprint holds").count(), 2, "{verified}");
}

#[test]
fn json_is_one_object_and_quiet_is_nothing() {
    let home = Home::new();
    let answer: Value = serde_json::from_str(&home.well("run small.toml --json --out a")).unwrap();
    assert_eq!((&answer["ok"], &answer["folder"]), (&Value::from(true), &Value::from("a")));
    assert_eq!(answer["runs"][0]["chains"][0]["timeline"], Value::Null, "what is long stays in the folder");
    let figures = answer["chains"][0]["summary"].as_array().unwrap();
    let offered = figures.iter().find(|figure| figure["name"] == "offered_load").unwrap();
    assert_eq!((&offered["value"], &offered["unit"]), (&Value::from(30.0), &Value::from("tx/s")));
    assert!(figures.iter().any(|figure| figure["name"] == "submitted"), "configured and achieved");
    assert_eq!(home.well("run small.toml --quiet --out b"), "");
    let answer: Value = serde_json::from_str(&home.well("verify a --json")).unwrap();
    assert_eq!((&answer["ok"], &answer["runs"][0]["holds"]), (&Value::from(true), &Value::from(true)));
    assert_eq!(home.well("verify a --quiet"), "");
}

#[test]
fn a_later_run_replaces_an_earlier_one_and_nothing_else() {
    let home = Home::new();
    home.well("run small.toml --quiet --out here");
    home.well("run small.toml --quiet --out here");
    home.well("run small.toml --quiet --out here --seed 2 --force");
    assert_eq!(home.json("here/manifest.json")["seed"], 2);
    home.well("run small.toml --quiet --out here --set seeds=1..2 --force");
    assert_eq!(home.json("here/manifest.json")["kind"], "experiment");
    assert_eq!(home.names(), ["here", "small.toml", "split.toml"], "nothing is left behind");
    fs::create_dir(home.path("mine")).unwrap();
    fs::write(home.path("mine/letter.txt"), "dear").unwrap();
    let (code, out, error) = home.output_of("run small.toml --out mine");
    assert_eq!((code, out.as_str()), (2, ""));
    let what = "it is not empty and holds no earlier results; choose another place with --out";
    assert_eq!(error, format!("error: cannot write results to mine: {what}\n"));
    assert_eq!(names(&home.path("mine")), ["letter.txt"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_reported_before_anything_is_run() {
    let home = Home::new();
    let (code, out, error) = home.output_of("run small.toml --out small.toml/run --set duration=24h");
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(error, "error: cannot write results to small.toml/run: Not a directory (os error 20)\n");
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full_costs_no_earlier_results() {
    let home = Home::new();
    home.well("run small.toml --quiet --out here");
    let before = files(&home.path("here"));
    // Files may not grow beyond 8 KiB, and the signal that says so is ignored: writing fails as on a full disk.
    let program = env!("CARGO_BIN_EXE_ledgerlab");
    let line = format!("trap '' XFSZ; ulimit -f 16; exec {program} run small.toml --out here --seed 2 --force");
    let output = Command::new("sh").args(["-c", &line]).current_dir(home.0.path()).output().unwrap();
    let (code, out, error) = output_of(&output);
    assert_eq!((code, out.as_str()), (1, ""), "{error}");
    assert!(error.starts_with("error: cannot write here/") && error.contains(": File too large"), "{error}");
    assert!(files(&home.path("here")) == before);
    assert_eq!(home.names(), ["here", "small.toml", "split.toml"], "nothing is left behind");
}

/// Starts a run that takes hours, waits until its folder is there and interrupts it; again, if no run had begun by then.
#[cfg(unix)]
fn interrupted(home: &Home, arguments: &str) -> (i32, String, String) {
    use std::process::Stdio;
    loop {
        let mut command = home.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while !home.names().iter().any(|name| name.starts_with(".here.tmp-")) {
            std::thread::yield_now();
        }
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let output = output_of(&child.wait_with_output().unwrap());
        // Before a run has begun, a single run leaves nothing; an experiment leaves a folder without runs.
        if output.2.ends_with("interrupted: no run had begun, and nothing was written\n") {
            continue;
        }
        let too_soon =
            output.2.split("interrupted: 0 of ").nth(1).and_then(|rest| rest.trim_end().split(" are in ").nth(1));
        let Some(folder) = too_soon else { return output };
        fs::remove_dir_all(home.path(folder)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_is_written_can_be_verified_and_replaces_nothing() {
    let home = Home::new();
    let long = "run small.toml --out here --set duration=24h --set workload.payments.rate=1";
    let (code, _, error) = interrupted(&home, long);
    assert_eq!(code, 130, "{error}");
    assert!(error.ends_with("interrupted: 1 of 1 runs are in here\n"), "{error}");
    let manifest = home.json("here/manifest.json");
    assert_eq!((&manifest["verdict"], &manifest["complete"]), (&Value::from("interrupted"), &Value::from(false)));
    assert!(fs::read_to_string(home.path("here/report.html")).unwrap().contains("Interrupted at"));
    assert!(home.well("verify here").contains("the fingerprint holds"), "as far as it went");
    home.well("run small.toml --quiet --out here --force");
    let before = files(&home.path("here"));
    let (code, _, error) = interrupted(&home, &format!("{long} --force"));
    assert!(code == 130 && error.ends_with("interrupted: 1 of 1 runs are in here-interrupted\n"), "{error}");
    assert!(files(&home.path("here")) == before, "the earlier run is still there");
}

#[cfg(unix)]
#[test]
fn an_interrupted_experiment_keeps_the_runs_that_were_begun() {
    let home = Home::new();
    let long = "run small.toml --out here --threads 1 --set seeds=1..3 --set duration=24h";
    let (code, _, error) = interrupted(&home, long);
    assert!(code == 130 && error.contains("of 3 runs are in here\n"), "{error}");
    let manifest = home.json("here/manifest.json");
    assert_eq!((&manifest["complete"], &manifest["runs"][2]["folder"]), (&Value::from(false), &Value::Null));
    assert!(!names(&home.path("here")).contains(&"seed-3".into()));
}

#[test]
fn a_safety_violation_has_its_own_exit_code_and_can_be_seen_again() {
    let home = Home::new();
    let (code, out, error) = home.output_of("run split.toml --set check.recompute=false");
    assert_eq!(code, 3, "{error}");
    assert!(out.contains("verdict   SAFETY WAS VIOLATED"), "{out}");
    assert!(error.starts_with("error: safety violated: ") && error.contains(", seed 1\n"), "{error}");
    let again = error.lines().last().unwrap().trim().strip_prefix("to see it again: ledgerlab ").unwrap();
    assert_eq!(again, "run split.toml --set check.recompute=false --seed 1");
    let second = home.output_of(again);
    assert_eq!((second.0, second.2), (3, error), "the same violation again");
    assert_eq!(home.json("runs/split/manifest.json")["verdict"], "safety-violated");
    let violations = fs::read_to_string(home.path("runs/split/violations.csv")).unwrap();
    assert!(violations.lines().count() > 1);
    assert!(home.well("verify runs/split").contains("the fingerprint holds"), "what was wrong is wrong again");
}

#[test]
fn the_events_that_led_to_a_violation_are_logged_and_drawn_where_the_scenario_wants_them() {
    let home = Home::new();
    home.output_of("run split.toml --quiet --out plain");
    assert!(!files(&home.path("plain")).keys().any(|path| path.ends_with("event-log.txt")), "not unless asked for");
    let (code, _, error) =
        home.output_of("run split.toml --quiet --out logged --set output.event_log=100 --set output.charts=true");
    assert_eq!(code, 3, "{error}");
    let print = |folder: &str| home.json(&format!("{folder}/manifest.json"))["fingerprint"].clone();
    assert_eq!(print("plain"), print("logged"), "who watches changes nothing");
    let story = fs::read_to_string(home.path("logged/event-log.txt")).unwrap();
    let lines: Vec<&str> = story.lines().collect();
    assert!(lines[0].starts_with("The last 100 of ") && lines[0].ends_with(" events up to a violation."), "{story}");
    let first = &home.json("logged/manifest.json")["first_violation"];
    let last = lines.iter().rev().find(|line| line.starts_with("! ")).expect("a line with the violation");
    assert!(last.ends_with(first["what"].as_str().unwrap()), "{last} is not {first}");
    for word in ["  sends  ", "  receives  ", "  loses  ", "  extends  ", "  finalizes  "] {
        assert!(story.contains(word), "{word} is not in\n{story}");
    }
    let svg = fs::read_to_string(home.path("logged/charts/space-time.svg")).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("What led to the violation of "));
    assert!(fs::read_to_string(home.path("logged/report.html")).unwrap().contains("Event by event"));
    let (code, _, error) = home.output_of("run split.toml --set output.event_log=200000");
    assert!(code == 2 && error.contains("`event_log` must lie between 0 and 100000"), "{error}");
}

#[test]
fn a_liveness_violation_has_its_own_exit_code() {
    let home = Home::new();
    let (code, out, error) = home.output_of("run small.toml --quiet --set check.progress=1ms");
    assert_eq!((code, out.as_str()), (4, ""), "{error}");
    assert!(error.starts_with("error: liveness violated: progress at "), "{error}");
    let (code, out, _) = home.output_of("run small.toml --json --set check.progress=1ms");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["ok"], &answer["verdict"]), (4, &Value::from(false), &Value::from("liveness-violated")));
}

#[test]
fn a_question_that_could_not_be_answered_has_its_own_exit_code() {
    let home = Home::new();
    let (code, out, error) = home.output_of("run small.toml --json --set check.progress=1min");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &answer["ok"], &answer["verdict"]),
        (6, &Value::from(false), &Value::from("unanswered")),
        "{error}"
    );
    let row = &answer["runs"][0]["unchecked"][0];
    assert_eq!(row["property"], "progress");
    assert!(row["why"].as_str().unwrap().starts_with("the run is not longer than "), "{row}");
}

#[test]
fn verify_says_in_which_interval_and_at_which_event_runs_part() {
    let home = Home::new();
    home.well("run small.toml --quiet --out here");
    let path = home.path("here/timeline.bin");
    let mut bytes = fs::read(&path).unwrap();
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    // Eight bytes of magic; interval, stride, number of intervals, number of checkpoints; 24 bytes per interval.
    let (stride, intervals) = (word(&bytes, 16), word(&bytes, 24));
    assert_eq!(stride, 1, "a short run keeps every event");
    let before = word(&bytes, 40 + 24);
    bytes[40 + 2 * 24 + 8] ^= 1;
    bytes[40 + intervals * 24 + 8 * (before + 5)] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (code, out, error) = home.output_of("verify here");
    assert_eq!((code, out.as_str()), (5, ""), "{error}");
    assert!(error.starts_with("error: here/timeline.bin was changed since it was written"), "{error}");
    assert!(error.contains("error: here: seed 1: the fingerprint does not hold\n"), "{error}");
    let parts = format!("the two runs part in interval 2 (2 s to 3 s), at event {}, counted from 0\n", before + 5);
    assert!(error.ends_with(&parts), "{error}");
    let (code, out, _) = home.output_of("verify here --json");
    let answer: Value = serde_json::from_str(&out).unwrap();
    let parts = &answer["runs"][0]["chains"][0]["parts"];
    assert_eq!((code, &answer["ok"], &parts["interval"]), (5, &Value::from(false), &Value::from(2)));
    assert_eq!(parts["events"], Value::from(vec![before + 5, before + 6]));
}

#[test]
fn verify_explains_what_was_changed_since_the_run() {
    let home = Home::new();
    home.well("run small.toml --quiet --out here");
    let change = |file: &str, from: &str, to: &str| {
        let text = fs::read_to_string(home.path(file)).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(home.path(file), text.replacen(from, to, 1)).unwrap();
    };
    change("here/manifest.json", "\"version\": \"", "\"version\": \"0.0.0-");
    let (code, out, error) = home.output_of("verify here");
    assert!(code == 5 && out.contains("note: the run was made by version 0.0.0-"), "{out}");
    assert!(error.starts_with("error: here/manifest.json was changed since it was written: "), "{error}");
    change("here/scenario.toml", "rate = 30", "rate = 31");
    let (code, _, error) = home.output_of("verify here");
    assert!(code == 5 && error.contains("error: here/scenario.toml was changed since it was written: "), "{error}");
    change("here/manifest.json", "\"format\": 2", "\"format\": 99");
    let (code, _, error) = home.output_of("verify here");
    assert!(code == 2 && error.contains("manifest.json has format 99"), "{error}");
    change("here/manifest.json", "{", "");
    let (code, _, error) = home.output_of("verify here");
    assert!(
        code == 2 && error.starts_with("error: here is not a folder of results: manifest.json is damaged"),
        "{error}"
    );
    let (code, _, error) = home.output_of("verify nowhere");
    assert!(
        code == 2 && error.starts_with("error: nowhere is not a folder of results: manifest.json cannot be read"),
        "{error}"
    );
    home.well("run small.toml --quiet --out there");
    fs::write(home.path("there/timeline.bin"), "short").unwrap();
    let (code, _, error) = home.output_of("verify there");
    assert!(code == 5 && error.starts_with("error: there/timeline.bin was changed since"), "{error}");
}

#[test]
fn files_that_a_scenario_names_are_kept_with_the_run() {
    let home = Home::new();
    fs::write(home.path("graph.csv"), "src,dst\n0,1\n1,2\n2,3\n3,0\n").unwrap();
    let text = SPLIT
        .replace("[chain.network]", "[chain.network]\ntopology.file = { path = \"graph.csv\" }\ngossip = \"flood\"");
    fs::write(home.path("ring.toml"), text.replace("until = \"40s\"", "until = \"3s\"")).unwrap();
    let (code, _, error) = home.output_of("run ring.toml --quiet --out here");
    assert_eq!((code, error.as_str()), (0, ""));
    fs::remove_file(home.path("graph.csv")).unwrap();
    assert!(home.well("verify here").contains("the fingerprint holds"), "from the copy");
    let copy = home.json("here/manifest.json")["inputs"][0]["copy"].as_str().unwrap().to_owned();
    fs::write(home.path("here").join(&copy), "src,dst\n").unwrap();
    let (code, _, error) = home.output_of("verify here");
    assert!(code == 5 && error.contains("was changed since it was written"), "{error}");
}

/// The small scenario in two variants.
const PAIR: &str = r#"
[[variant]]
name = "quorums"
[[variant]]
name = "leader"
set = { "chain.protocol" = "raft" }
"#;

#[test]
fn variants_end_side_by_side_in_one_folder() {
    let home = Home::new();
    fs::write(home.path("pair.toml"), format!("{SMALL}{PAIR}")).unwrap();
    let out = home.well("run pair.toml --set seeds=1..2 --set output.charts=true");
    for part in
        ["small: 2 variants, 2 runs each", " quorums ", " leader ", "messages/tx", "everything that was checked"]
    {
        assert!(out.contains(part), "{part} is not in\n{out}");
    }
    let top = ["charts", "comparison.csv", "leader", "manifest.json", "quorums", "report.html", "scenario.toml"];
    assert_eq!(names(&home.path("runs/small")), top);
    assert_eq!(names(&home.path("runs/small/charts")), ["comparison.png", "comparison.svg"]);
    let manifest = home.json("runs/small/manifest.json");
    assert_eq!((&manifest["kind"], &manifest["variants"][1]["folder"]), (&"comparison".into(), &"leader".into()));
    let lines = fs::read_to_string(home.path("runs/small/comparison.csv")).unwrap();
    assert!(
        lines
            .starts_with("variant,protocol,name,value,unit,ci95_low,ci95_high,runs,not_reached,until_s\nquorums,pbft,"),
        "{lines}"
    );
    assert!(lines.lines().any(|line| line.starts_with("leader,raft,throughput,")), "{lines}");
    // Each variant alone comes to the same, and everything can be verified from the folder.
    home.well("run pair.toml --variant leader --seed 2 --out alone");
    let fingerprint = |path: &str| home.json(path)["fingerprint"].clone();
    assert_eq!(fingerprint("alone/manifest.json"), fingerprint("runs/small/leader/seed-2/manifest.json"));
    let verified = home.well("verify runs/small");
    assert_eq!(verified.matches("the fingerprint holds").count(), 4, "{verified}");
}

#[test]
fn a_variant_that_breaks_a_property_is_named_with_the_command_that_shows_it_again() {
    let home = Home::new();
    let variants = "[[variant]]\nname = \"calm\"\nset = { fault = [] }\n[[variant]]\nname = \"cut\"\n";
    fs::write(home.path("two.toml"), format!("{SPLIT}{variants}")).unwrap();
    let (code, _, error) = home.output_of("run two.toml");
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("cut: error: safety violated"), "{error}");
    assert!(error.contains("ledgerlab run two.toml --variant cut --seed 1"), "{error}");
    let (code, _, error) = home.output_of("run two.toml --variant clam");
    assert_eq!((code, error.as_str()), (2, "error: there is no variant \"clam\": there are calm, cut\n"));
}
