//! Input that means no good, and people who make mistakes that cost: names that are paths, folders that hold something
//! else, results that were changed, processes that are killed, sizes that no machine has.

// How long the program takes to heed a signal is a matter of the wall clock.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

use ledgerlab::report::manifest::Sealed;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SMALL: &str = r#"
name = "small"
duration = "2s"
chain = [{ protocol = "raft", nodes = { count = 3 }, network = { latency = { constant = { delay = "10ms" } } } }]
workload = { payments = { rate = 10, accounts = 20 } }
output = { charts = false }
"#;

const TWO_CHAINS: &str = r#"
name = "two"
duration = "1s"
output = { charts = false }
chain = [
    { name = "NAME", protocol = "raft", nodes = { count = 3 } },
    { name = "other", protocol = "raft", nodes = { count = 3 } },
]
"#;

/// A world that takes hours.
const ENDLESS: &str = r#"
name = "endless"
duration = "12h"
check = { progress = "1h" }
chain = [{ protocol = "pbft", nodes = { count = 4 }, network = { latency = { constant = { delay = "10ms" } } } }]
workload = { payments = { rate = 50 } }
output = { charts = false, transactions = false }
"#;

/// A folder with scenarios in it.
struct Home(TempDir);

impl Home {
    fn new() -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        home.write("small.toml", SMALL);
        home.write("endless.toml", ENDLESS);
        home
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ledgerlab"));
        command.args(arguments.split(' ')).current_dir(self.0.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
    /// Exit code, standard output and standard error together.
    fn output_of(&self, arguments: &str) -> (i32, String) {
        output_of(&self.command(arguments).output().expect("the program starts"))
    }
    fn well(&self, arguments: &str) -> String {
        let (code, text) = self.output_of(arguments);
        assert_eq!(code, 0, "{arguments}: {text}");
        text
    }
    /// What is in the home besides scenarios, hidden things included.
    fn names(&self) -> Vec<String> {
        let mut names = names(self.0.path());
        names.retain(|name| Path::new(name).extension().is_none_or(|extension| extension != "toml"));
        names
    }
}

fn output_of(output: &Output) -> (i32, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    let code = output.status.code().expect("an exit code, and no signal");
    (code, text(&output.stdout) + &text(&output.stderr))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// All files below a folder, by path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_name_that_is_a_path_or_a_file_of_ours_is_refused_where_it_stands_with_one_that_is_allowed() {
    let home = Home::new();
    for (name, meant) in [("../../victim", "victim"), ("report.html", "report-html"), ("nul", "my-nul"), ("", "main")] {
        home.write("two.toml", &TWO_CHAINS.replace("NAME", name));
        for command in ["check", "run"] {
            let (code, text) = home.output_of(&format!("{command} two.toml"));
            assert_eq!(code, 2, "{text}");
            let title = format!("error: \"{name}\" cannot name a folder of results\n");
            assert!(text.starts_with(&title) && text.contains("two.toml:6:14"), "{text}");
            assert!(text.contains(&format!("help: write `name = \"{meant}\"`")), "{text}");
        }
    }
    home.write("two.toml", &TWO_CHAINS.replace("NAME", "OTHER"));
    assert!(home.output_of("check two.toml").1.contains("chains need names of their own"));
    let variants = "[[variant]]\nname = \"../../x\"\n[[variant]]\nname = \"charts\"\n";
    home.write("variants.toml", &format!("{SMALL}{variants}"));
    let (code, text) = home.output_of("run variants.toml");
    assert_eq!((code, text.matches("cannot name a folder of results").count()), (2, 2), "{text}");
    let (code, text) = home.output_of("run small.toml --set name=../../x");
    assert!(code == 2 && text.contains("--set:1:6"), "{text}");
    assert_eq!(home.names(), [] as [&str; 0]);
}

#[test]
fn what_is_not_ours_is_never_removed() {
    let home = Home::new();
    home.well("run small.toml --out here");
    fs::write(home.path("here/notes.txt"), "dear").unwrap();
    fs::create_dir(home.path("here/nested")).unwrap();
    let before = files(&home.path("here"));
    for force in ["", " --force"] {
        let (code, text) = home.output_of(&format!("run small.toml --out here{force}"));
        let why = "cannot write results to here: it holds nested and 1 more, which this program did not write";
        assert!(code == 2 && text.contains(why), "{text}");
    }
    assert!(files(&home.path("here")) == before && home.path("here/nested").is_dir());
    // The default place gives way.
    fs::create_dir(home.path("runs")).unwrap();
    fs::rename(home.path("here"), home.path("runs/small")).unwrap();
    let text = home.well("run small.toml");
    assert!(text.contains("note: runs/small holds nested and 1 more, which this program did not write"), "{text}");
    assert!(text.contains("note: results go to runs/small-2") && text.contains("report    runs/small-2/"), "{text}");
    assert!(files(&home.path("runs/small")) == before);
    // There it is replaced, for it is the same experiment.
    home.well("run small.toml");
    assert_eq!(names(&home.path("runs")), ["small", "small-2"]);
    // Where a manifest is forged, nothing is ours.
    fs::create_dir(home.path("forged")).unwrap();
    home.write("forged/letter", "dear");
    home.write("forged/manifest.json", "{\"program\": \"ledgerlab\", \"kind\": \"run\"}");
    let (code, text) = home.output_of("run small.toml --out forged --force");
    assert!(code == 2 && text.contains("it holds a manifest.json that is damaged"), "{text}");
    assert_eq!(names(&home.path("forged")), ["letter", "manifest.json"]);
}

#[test]
fn another_experiment_is_replaced_by_force_alone_and_that_is_reported() {
    let home = Home::new();
    home.well("run small.toml --out here");
    assert_eq!(home.well("run small.toml --out here --quiet"), "", "the same experiment");
    let (code, text) = home.output_of("run small.toml --out here --seed 2");
    let why = "it holds the run of \"small\" under seed 1, 19 files; --force replaces that; choose another place";
    assert!(code == 2 && text.contains(why), "{text}");
    let text = home.well("run small.toml --out here --seed 2 --force");
    assert!(text.contains("note: replaced here: the run of \"small\" under seed 1, 19 files"), "{text}");
    // A file that was changed is a user's work.
    let table = home.read("here/summary.csv") + "my remark\n";
    home.write("here/summary.csv", &table);
    let (code, text) = home.output_of("run small.toml --out here --seed 2");
    let why = "it holds summary.csv, which was changed since it was written; --force replaces it";
    assert!(code == 2 && text.contains(why) && home.read("here/summary.csv") == table, "{text}");
    let text = home.well("run small.toml --out here --seed 2 --force");
    assert!(text.contains("19 files, 1 of them changed since"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_never_replaced() {
    let home = Home::new();
    fs::create_dir(home.path("real")).unwrap();
    std::os::unix::fs::symlink("real", home.path("link")).unwrap();
    home.well("run small.toml --out link");
    home.well("run small.toml --out link --seed 2 --force");
    assert!(fs::symlink_metadata(home.path("link")).unwrap().is_symlink() && home.path("real/report.html").exists());
    assert_eq!(home.names(), ["link", "real"]);
    std::os::unix::fs::symlink("nowhere", home.path("dangling")).unwrap();
    let (code, text) = home.output_of("run small.toml --out dangling");
    assert!(code == 2 && text.contains("it is a link that leads nowhere"), "{text}");
}

/// Starts something that lasts, and waits until the lock of `place` is there.
#[cfg(unix)]
fn started(home: &Home, arguments: &str, place: &str) -> Child {
    let child = home.command(arguments).spawn().unwrap();
    let (begun, hidden) = (Instant::now(), format!(".{place}.tmp-{}", child.id()));
    let is_there = || home.path(&hidden).exists() || home.path(place).join("manifest.json").exists();
    while !is_there() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::yield_now();
    }
    child
}

#[cfg(unix)]
fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn two_processes_do_not_write_to_one_place_and_what_a_killed_one_left_is_removed() {
    let home = Home::new();
    let mut first = started(&home, "run endless.toml --out here", "here");
    let (code, text) = home.output_of("run small.toml --out here");
    let why = format!("cannot write results to here: another process ({}) writes there", first.id());
    assert!(code == 2 && text.contains(&why), "{text}");
    assert_eq!(home.names().len(), 2, "a lock and a hidden folder: {:?}", home.names());
    let left = home.names();
    home.well("run small.toml --out there --quiet");
    assert_eq!(home.names(), [&left[..], &["there".to_owned()]].concat(), "what lives is left alone");
    signal(&first, "-KILL");
    first.wait().unwrap();
    assert_eq!(home.names().len(), 3, "a killed process removes nothing");
    let text = home.well("run small.toml --out elsewhere");
    let note = format!("note: removed .here.tmp-{}, left behind by a process that was killed", first.id());
    assert!(text.contains(&note), "{text}");
    assert_eq!(home.names(), ["elsewhere", "there"]);
}

#[test]
fn a_search_goes_on_or_goes_beside_and_removes_nothing() {
    let home = Home::new();
    let search = "explore small.toml --cases 2 --out here --set check.progress=1s";
    home.well("run small.toml --out here");
    let before = files(&home.path("here"));
    let (code, text) = home.output_of(search);
    assert!(code == 2 && text.contains("it holds the run of \"small\" under seed 1"), "{text}");
    assert!(files(&home.path("here")) == before);
    fs::create_dir(home.path("mine")).unwrap();
    home.write("mine/letter", "dear");
    assert_eq!(home.output_of(&search.replace("here", "mine")).0, 2);
    assert_eq!(names(&home.path("mine")), ["letter"]);
    let mine = search.replace("here", "found");
    home.output_of(&mine);
    let first = files(&home.path("found"));
    let (code, text) = home.output_of(&mine);
    assert!(code == 2 && text.contains("--resume goes on with it, --force replaces it"), "{text}");
    assert!(files(&home.path("found")) == first);
    let (code, text) = home.output_of(&mine.replace("cases 2", "cases 4 --resume"));
    assert!([0, 3, 4].contains(&code), "{text}");
    assert!(home.read("found/manifest.json").contains("\"next\": 5"));
    let (code, text) = home.output_of(&(mine.clone() + " --force"));
    assert!([0, 3, 4].contains(&code) && text.contains("note: replaced found: a search of \"small\""), "{text}");
    assert!(home.read("found/manifest.json").contains("\"next\": 3"));
}

#[test]
fn a_search_among_worlds_of_one_node_does_not_stop() {
    let home = Home::new();
    home.write(
        "one.toml",
        "name = \"one\"\nduration = \"5s\"\ncheck = { progress = \"2s\" }\nexplore = { nodes = [1, 1] }\n\
         chain = [{ protocol = \"raft\", nodes = { count = 1 } }]\nworkload = { payments = { rate = 5 } }\n",
    );
    let (code, text) = home.output_of("explore one.toml --cases 60 --out here");
    assert!([0, 4].contains(&code) && text.contains("cases"), "{code}: {text}");
}

#[cfg(unix)]
#[test]
fn time_and_signals_end_a_world_that_is_under_way_within_two_seconds() {
    let home = Home::new();
    let begun = Instant::now();
    let (code, text) = home.output_of("explore endless.toml --time-limit 1 --out short");
    assert_eq!(code, 0, "{text}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    for name in ["-INT", "-TERM"] {
        for command in ["run endless.toml --out here", "explore endless.toml --out found"] {
            let place = command.rsplit(' ').next().unwrap();
            let child = started(&home, command, place);
            std::thread::sleep(Duration::from_millis(300));
            let sent = Instant::now();
            signal(&child, name);
            let (code, text) = output_of(&child.wait_with_output().unwrap());
            assert_eq!(code, 130, "{text}");
            assert!(sent.elapsed() < Duration::from_secs(3), "{command}: {:?}", sent.elapsed());
            fs::remove_dir_all(home.path(place)).unwrap();
        }
    }
}

/// Nodes without number: it takes seconds to draw and to build such a world, and thousands of them lie.
const CROWD: &str = r#"
name = "crowd"
duration = "60s"
check = { progress = "50s" }
output = { charts = false, transactions = false }
workload = { payments = { rate = 1 } }
[[chain]]
protocol = "nakamoto"
nodes = { count = 10000 }
network = { latency = { constant = { delay = "10ms" } }, topology = { outbound = { degree = 8 } }, gossip = "compact" }
"#;

#[cfg(unix)]
#[test]
fn a_world_that_is_still_being_drawn_or_built_is_left_behind() {
    let home = Home::new();
    home.write("crowd.toml", CROWD);
    for command in ["run crowd.toml --out here", "explore crowd.toml --out found"] {
        let place = command.rsplit(' ').next().unwrap();
        let child = started(&home, command, place);
        std::thread::sleep(Duration::from_millis(100));
        let sent = Instant::now();
        signal(&child, "-TERM");
        let (code, text) = output_of(&child.wait_with_output().unwrap());
        assert_eq!(code, 130, "{text}");
        assert!(sent.elapsed() < Duration::from_secs(3), "{command}: {:?}", sent.elapsed());
    }
    assert!(home.path("found/manifest.json").exists());
    let begun = Instant::now();
    let (code, text) = home.output_of("explore crowd.toml --time-limit 1 --out short");
    assert!(code == 0 && begun.elapsed() < Duration::from_secs(5), "{:?}: {text}", begun.elapsed());
}

/// Writes the manifest of a folder as one would to hide that a file was changed.
fn forge(folder: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let mut sealed = Sealed::read(folder).unwrap();
    for (file, hash) in &mut sealed.files {
        *hash = ledgerlab::base::Hash::of(&fs::read(folder.join(file)).unwrap()).hex();
    }
    change(&mut sealed.record);
    let text = Sealed::text(&sealed.record, &sealed.files, &sealed.parts);
    fs::write(folder.join("manifest.json"), text).unwrap();
    assert!(Sealed::read(folder).unwrap().is_whole());
}

#[test]
fn verify_names_every_file_that_was_changed_even_if_hashes_were_changed_with_it() {
    let home = Home::new();
    let edit = |file: &str, from: &str, to: &str| {
        let text = home.read(file);
        assert!(text.contains(from), "{from} is not in {file}");
        home.write(file, &text.replacen(from, to, 1));
    };
    home.well("run small.toml --out here --set seeds=1..2 --quiet");
    let text = home.well("verify here");
    assert!(text.contains("42 files are as they were written"), "{text}");
    let whole = files(&home.path("here"));
    let restore = || whole.iter().for_each(|(path, bytes)| fs::write(home.path("here").join(path), bytes).unwrap());
    for (file, from, to) in [
        ("seed-1/summary.csv", "throughput", "Throughput"),
        ("seed-2/report.html", "</html>", "</html >"),
        ("summary.csv", "throughput", "Throughput"),
        ("seed-1/timeline.bin", "LLTRACE1", "LLTRACE2"),
        ("seed-1/manifest.json", "\"verdict\": \"held\"", "\"verdict\": \"safety-violated\""),
        ("manifest.json", "\"wall_s\": ", "\"wall_s\": 1"),
    ] {
        let path = format!("here/{file}");
        edit_bytes(&home.path(&path), from, to);
        let (code, text) = home.output_of("verify here");
        let line = format!("error: {path} was changed since it was written: its SHA-256 is ");
        assert!(code == 5 && text.contains(&line), "{text}");
        restore();
    }
    fs::remove_file(home.path("here/seed-2/blocks.csv")).unwrap();
    let (code, text) = home.output_of("verify here");
    assert!(code == 5 && text.contains("error: here/seed-2/blocks.csv is missing"), "{text}");
    restore();
    // With the hashes made anew only the repeated run shows it.
    edit("here/seed-1/summary.csv", "tx/s", "tx/h");
    forge(&home.path("here/seed-1"), |_| ());
    forge(&home.path("here"), |_| ());
    let (code, text) = home.output_of("verify here");
    assert!(code == 5 && text.contains("error: here/seed-1/summary.csv is not what the run comes to"), "{text}");
    restore();
    forge(&home.path("here/seed-2"), |record| record["fingerprint"] = "00".repeat(16).into());
    forge(&home.path("here"), |_| ());
    let (code, text) = home.output_of("verify here");
    assert!(code == 5 && text.contains("here/seed-2/manifest.json says fingerprint is \"0000"), "{text}");
}

fn edit_bytes(path: &Path, from: &str, to: &str) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect(from);
    bytes.splice(at..at + from.len(), to.bytes());
    fs::write(path, bytes).unwrap();
}

#[test]
fn sixty_bits_flipped_anywhere_are_sixty_times_found_and_named() {
    let home = Home::new();
    home.well("run small.toml --out here --quiet");
    let whole: Vec<(String, Vec<u8>)> = files(&home.path("here")).into_iter().collect();
    let bits: usize = whole.iter().map(|(_, bytes)| 8 * bytes.len()).sum();
    let mut random = 2026u64;
    for flip in 0..60 {
        // Half of them anywhere, half in each file in turn, so that small ones have their share.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (mut file, mut bit) = (flip % whole.len(), (random >> 20) as usize % bits);
        if flip < 30 {
            file = 0;
            while bit >= 8 * whole[file].1.len() {
                bit -= 8 * whole[file].1.len();
                file += 1;
            }
        }
        let (path, bytes) = &whole[file];
        if bytes.is_empty() {
            continue;
        }
        let (mut changed, bit) = (bytes.clone(), bit % (8 * bytes.len()));
        changed[bit / 8] ^= 1 << (bit % 8);
        fs::write(home.path("here").join(path), &changed).unwrap();
        let (code, text) = home.output_of("verify here");
        assert!([2, 5].contains(&code) && text.contains(path.as_str()), "bit {bit} of {path}: {code} {text}");
        fs::write(home.path("here").join(path), bytes).unwrap();
    }
    home.well("verify here");
}

#[test]
fn sizes_and_timers_that_no_machine_bears_are_refused_before_the_run() {
    let home = Home::new();
    for (change, word) in [
        ("chain.ledger.utxo.coins=4294967295", "85899345900 coins alone take about 9.9 TB"),
        ("workload.payments.clients=4294967295", "4294967295 clients alone take about"),
        ("workload.payments.accounts=4294967295", "4294967295 accounts alone take about"),
        ("workload.payments.rate=1e12", "transactions alone take about"),
        ("output.interval=1ns", "intervals alone take about"),
        ("chain.nodes.count=4294967295", "`count` must be at most 1000000"),
        ("explore.nodes=[3,4294967295]", "it has up to 4294967295 nodes"),
        ("explore.max_faults=4294967295", "`max_faults` must lie between 0 and 1000"),
        ("chain.protocol.raft.heartbeat=1ns", "`heartbeat` must be at least 1us"),
        ("workload.payments.retry=1ns", "`retry` must be at least 1ms"),
    ] {
        for command in ["check", "run"] {
            let (code, text) = home.output_of(&format!("{command} small.toml --set {change}"));
            assert!(code == 2 && text.contains(word), "{change}: {text}");
        }
    }
    assert_eq!(home.names(), [] as [&str; 0]);
    // What ends early needs no more than it takes until then.
    home.well("check endless.toml --set stop.final_transactions=100 --set memory_limit=40MB");
}

#[test]
fn numbers_that_are_too_large_are_refused_in_good_time_by_every_command() {
    let home = Home::new();
    for (change, codes) in [
        ("chain.nodes.count=4294967295", &[2][..]),
        ("chain.nodes.count=18446744073709551615", &[2]),
        ("chain.nodes.max_faulty=4294967295", &[2]),
        ("seeds=1..4294967295", &[2]),
        ("seeds=1..9223372036854775807", &[2]),
        ("seeds=[18446744073709551615]", &[2]),
        // What is a seed is no count.
        ("seeds=[4294967295]", &[0, 6]),
        ("seeds=[9223372036854775807]", &[0, 6]),
        ("explore.nodes=[4294967295,4294967295]", &[2]),
        ("chain.network.topology.outbound={degree=4294967295}", &[2]),
        ("chain.network.topology.relay={relays=4294967295,links=4294967295}", &[2]),
        ("workload.payments.accounts=4294967295", &[2]),
        ("output.event_log=4294967295", &[2]),
    ] {
        for command in [
            "check small.toml",
            "run small.toml --out here --force",
            "explore small.toml --cases 2 --out found --force",
        ] {
            let begun = Instant::now();
            let (code, text) = home.output_of(&format!("{command} --set {change}"));
            assert!(
                codes.contains(&code) && (code != 2 || text.contains("error: ")),
                "{command} {change}: {code} {text}"
            );
            assert!(begun.elapsed() < Duration::from_secs(20), "{command} {change}: {:?}", begun.elapsed());
        }
    }
}

/// A node that stands still keeps what faulty nodes send it, of which the estimate knows nothing.
const FLOODED: &str = r#"
[[fault]]
at = "500ms"
pause = { nodes = [0] }
[[fault]]
at = "1s"
flood = { nodes = [0], rate = 40000 }
"#;

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_grows_past_its_limit_ends_in_good_order_with_its_files() {
    let home = Home::new();
    home.write("flooded.toml", &format!("{SMALL}{FLOODED}"));
    let flooded = "run flooded.toml --out here --set duration=2min --set memory_limit=30MB";
    let (code, text) = home.output_of(flooded);
    assert!(code == 130 && text.contains("interrupted: memory: ") && text.contains("the limit is 30 MB"), "{text}");
    let manifest: serde_json::Value = serde_json::from_str(&home.read("here/manifest.json")).unwrap();
    assert_eq!((&manifest["verdict"], &manifest["complete"]), (&"interrupted".into(), &false.into()));
    assert!(home.path("here/report.html").exists());
    home.well("verify here");
}

#[cfg(target_os = "linux")]
#[test]
fn worlds_that_grow_past_their_limit_are_named_and_the_search_goes_on() {
    let home = Home::new();
    home.write("flooded.toml", &format!("{SMALL}{FLOODED}"));
    let search = "explore flooded.toml --out found --cases 2 --threads 1 --set duration=2min --set memory_limit=30MB \
                  --set explore={max_faults=0,max_faulty=0,fault_kinds=[]}";
    let (code, text) = home.output_of(search);
    assert_eq!(code, 6, "{text}");
    for world in 1..=2 {
        let line = format!("not judged: case {world} of raft: memory: ");
        assert!(text.contains(&line) && text.contains("in use, the limit is 30 MB"), "{text}");
    }
    let manifest: serde_json::Value = serde_json::from_str(&home.read("found/manifest.json")).unwrap();
    assert_eq!((&manifest["next"], manifest["unjudged"].as_array().map(Vec::len)), (&3.into(), Some(2)));
    assert!(home.path("found/coverage.csv").exists());
}

#[test]
fn check_reports_every_mistake_at_once() {
    let home = Home::new();
    home.write(
        "multi.toml",
        "name = \"m\"\nduratoin = \"20s\"\nseeds = 1.5\n\n[[chain]]\nprotocol = \"pbtf\"\nnodes = { count = 7, coers = 2 }\n\n\
         [workload.payments]\nrate = \"50 tps\"\n\n[[fault]]\nat = \"5s\"\nuntil = \"3s\"\ncrash = { nodes = 9 }\n",
    );
    let (code, text) = home.output_of("check multi.toml");
    assert_eq!(code, 2);
    let places: Vec<&str> = text.lines().filter_map(|line| line.trim_start().strip_prefix("--> multi.toml:")).collect();
    let expected = ["2:1", "3:9", "6:12", "7:22", "10:8", "14:9", "15:19"];
    assert_eq!(places, expected, "{text}");
    for word in ["did you mean `duration`?", "did you mean `pbft`?", "did you mean `cores`?"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    for (text, errors) in [("", 2), ("chain = 5\n", 2), ("name = \"x\"\n", 1)] {
        home.write("bare.toml", text);
        let (code, output) = home.output_of("check bare.toml");
        assert!(code == 2 && output.matches("error: ").count() == errors, "{output}");
    }
    let nameless = "duration = \"1s\"\nchain = [{ protocol = \"raft\", nodes = { count = \"3\" } }]\n";
    home.write("nameless.toml", nameless);
    let (_, text) = home.output_of("check nameless.toml");
    assert!(text.contains("missing key `name`") && text.contains("`count` must be a whole number"), "{text}");
}

#[test]
fn settings_of_a_protocol_are_reported_all_too() {
    let home = Home::new();
    let (code, text) = home.output_of(
        "check small.toml --set chain.protocol.raft.heartbeat=3 --set chain.protocol.raft.windoww=5 \
         --set chain.protocol.raft.pre_vote=7",
    );
    assert!(code == 2 && text.matches("error: ").count() == 3, "{text}");
}

#[cfg(unix)]
#[test]
fn check_reads_no_device_no_pipe_and_nothing_endless_and_looks_into_every_file() {
    let home = Home::new();
    assert!(Command::new("mkfifo").arg(home.path("pipe.toml")).status().unwrap().success());
    fs::File::create(home.path("long.toml")).unwrap().set_len(64_000_001).unwrap();
    for (file, why) in [
        ("/dev/zero", "it is no ordinary file"),
        ("pipe.toml", "it is no ordinary file"),
        ("long.toml", "it is longer than 64 MB"),
    ] {
        for command in ["check", "run", "explore", "bench"] {
            let (code, text) = home.output_of(&format!("{command} {file}"));
            assert!(code == 2 && text.contains(&format!("error: cannot read {file}: {why}")), "{text}");
        }
    }
    home.write("words.csv", "src,dst\n0,one\n");
    home.write("halves.csv", "src,dst\n0,1\n");
    for (path, why) in [
        ("/dev/zero", "it is no ordinary file"),
        ("pipe.toml", "it is no ordinary file"),
        ("nowhere.csv", "No such file"),
        ("words.csv", "describes no network for this chain"),
        ("halves.csv", "its graph falls into 2 parts"),
    ] {
        let change = format!("chain.network.topology.file.path={path}");
        let (code, text) = home.output_of(&format!("check small.toml --set {change} --set chain.network.gossip=flood"));
        assert!(code == 2 && text.contains(why) && text.contains("--set:1:34"), "{text}");
    }
}

#[test]
fn thousands_of_variants_and_faults_are_checked_in_seconds() {
    let home = Home::new();
    let variants: Vec<String> = (0..3_000)
        .map(|at| format!("[[variant]]\nname = \"v{at}\"\nset = {{ \"workload.payments.rate\" = {} }}\n", at + 1))
        .collect();
    let variants = variants.concat();
    home.write("variants.toml", &format!("{SMALL}{variants}"));
    let faults: Vec<String> = (0..40_000)
        .map(|at| format!("[[fault]]\nat = \"{}us\"\nuntil = \"{}us\"\ncrash = {{ nodes = {} }}\n", at, at + 9, at % 3))
        .collect();
    let faults = faults.concat();
    home.write("faults.toml", &format!("{SMALL}{faults}"));
    let wrong = faults.replace("nodes = 0", "nodes = 7");
    home.write("wrong.toml", &format!("{SMALL}{wrong}"));
    for (file, expected) in [("variants.toml", 0), ("faults.toml", 0), ("wrong.toml", 2)] {
        let begun = Instant::now();
        let (code, text) = home.output_of(&format!("check {file} --quiet"));
        assert_eq!(code, expected, "{}", text.lines().take(20).collect::<Vec<_>>().join("\n"));
        assert!(begun.elapsed() < Duration::from_secs(30), "{file}: {:?}", begun.elapsed());
    }
}
