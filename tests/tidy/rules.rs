//! The rules.

use super::source::{Source, has, tokens};
use std::collections::BTreeMap;
use std::fmt;

/// A rule that does not hold somewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    path: String,
    line: usize,
    found: String,
    reason: &'static str,
}

impl Broken {
    /// A rule about all files of a directory.
    pub fn of_directory(path: &str, found: String, reason: &'static str) -> Broken {
        Broken { path: path.to_owned(), line: 0, found, reason }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.path, self.line, self.found, self.reason)
    }
}

impl Source {
    fn broken(&self, line: usize, found: impl Into<String>, reason: &'static str) -> Broken {
        Broken { path: self.path.clone(), line, found: found.into(), reason }
    }
}

/// All rules that look at one file.
pub fn check(source: &Source) -> Vec<Broken> {
    let rules: [fn(&Source) -> Vec<Broken>; 11] =
        [layers, bans, fields, thresholds, marks, places, sizes, functions, heads, names, scenarios];
    rules.iter().flat_map(|rule| rule(source)).collect()
}

/// The modules of the library, and what each may import besides itself.
const LAYERS: [(&str, &[&str]); 15] = [
    ("base", &[]),
    ("chain", &["base"]),
    ("protocol", &["base", "chain"]),
    ("observe", &["base", "chain"]),
    ("consensus", &["base", "chain", "protocol"]),
    ("ledger", &["base", "chain"]),
    ("network", &["base"]),
    ("workload", &["base", "chain", "ledger"]),
    ("engine", &["base", "chain", "protocol", "observe", "ledger", "network", "workload"]),
    ("scenario", &["base", "chain", "protocol", "observe", "ledger", "network", "workload", "engine"]),
    ("standard", &["consensus", "protocol", "scenario"]),
    ("speed", &["base", "chain", "protocol", "consensus", "ledger", "network", "engine"]),
    ("run", &["base", "observe", "scenario"]),
    ("explore", &["base", "network", "observe", "engine", "scenario"]),
    ("report", &["base", "observe", "scenario", "run", "explore"]),
];

/// What the command line may import.
const TOP: &[&str] = &["base", "scenario", "run", "explore", "report", "speed"];

/// Imports go down the layers, in tests too.
fn layers(source: &Source) -> Vec<Broken> {
    const REASON: &str = "layers are one-way; see the table in src/lib.rs";
    let Some(inside) = source.path.strip_prefix("src/") else { return Vec::new() };
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    let (name, allowed, start) = match LAYERS.iter().find(|(layer, _)| *layer == module) {
        Some((layer, allowed)) => (*layer, *allowed, "crate"),
        None if ["main", "cli"].contains(&module) => ("", TOP, "ledgerlab"),
        None if module == "lib" => return Vec::new(),
        None => return vec![source.broken(1, format!("`{module}` is in no layer"), REASON)],
    };
    let mut broken = Vec::new();
    // A list of imports may go over several lines, so the whole file is one row of words.
    let words: Vec<(usize, &str)> =
        source.numbered().flat_map(|(line, code)| tokens(code).into_iter().map(move |word| (line, word))).collect();
    for at in 0..words.len() {
        if words[at].1 == start && words[at + 1..].iter().take(2).all(|(_, word)| *word == ":") {
            for (line, used) in imported(&words[(at + 3).min(words.len())..]) {
                let is_module = LAYERS.iter().any(|(layer, _)| *layer == used);
                if is_module && used != name && !allowed.contains(&used) {
                    broken.push(source.broken(line, format!("{start}::{used}"), REASON));
                }
            }
        }
    }
    // Above the head of the layer there is nothing to be had by way of `super`.
    let depth = inside.split('/').filter(|part| *part != "mod.rs").count();
    let climbs = "super::".repeat(depth + 1);
    let outside =
        (source.numbered().take(source.tests_from)).filter(|(_, code)| code.replace(' ', "").contains(&climbs));
    broken.extend(outside.map(|(line, _)| source.broken(line, climbs.clone(), REASON)));
    broken
}

/// The first words behind `crate::`: one, or those of a list in braces.
fn imported<'a>(words: &[(usize, &'a str)]) -> Vec<(usize, &'a str)> {
    let [first, rest @ ..] = words else { return Vec::new() };
    if first.1 != "{" {
        return vec![*first];
    }
    let (mut depth, mut is_head, mut found) = (1, true, Vec::new());
    for &(line, word) in rest {
        match word {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," => is_head = depth == 1,
            _ if is_head => {
                found.push((line, word));
                is_head = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// Words of code that stand only in some places.
struct Ban {
    /// Rows of words.
    words: &'static [&'static str],
    /// Where the ban holds; everywhere in Rust files if empty.
    within: &'static [&'static str],
    /// Where it does not.
    except: &'static [&'static str],
    /// Whether tests are free.
    tests_may: bool,
    reason: &'static str,
}

const SHOW: &[&str] = &["src/main.rs", "src/cli/", "src/report/"];

const BANS: [Ban; 10] = [
    Ban {
        words: &["println!", "eprintln!", "print!", "eprint!", "dbg!", "stdout()", "stderr()"],
        within: &[],
        // Tables of what tests measured or explored are for people too; the harness keeps them unless it is asked.
        except: &[
            "src/main.rs",
            "src/cli/",
            "src/report/",
            "benches/keys.rs",
            "benches/mutation.rs",
            "examples/",
            "tests/closed_form/",
            "tests/fuzz.rs",
            "tests/misconduct.rs",
            "tests/model/check.rs",
        ],
        tests_may: false,
        reason: "only the command line and reports talk to people",
    },
    Ban {
        words: &[
            "std::fs",
            "fs::",
            "File::open",
            "File::create",
            "OpenOptions",
            "std::net",
            "std::env",
            "std::process",
        ],
        within: &["src/"],
        except: SHOW,
        tests_may: true,
        reason: "only the command line and reports see the machine",
    },
    Ban {
        words: &["Catalogue::standard"],
        within: &["src/"],
        except: &["src/main.rs", "src/standard.rs"],
        tests_may: true,
        reason: "what reads, builds or runs scenarios is handed a catalogue",
    },
    Ban {
        words: &["HashMap", "HashSet", "RandomState"],
        within: &[],
        except: &[],
        tests_may: false,
        reason: "its order differs from run to run: BTreeMap, or FxHashMap that is never iterated",
    },
    Ban {
        words: &["Instant", "SystemTime", "thread::spawn", "thread::sleep", "thread::scope"],
        within: &[],
        // How long the program takes to heed a signal is a matter of the wall clock.
        except: &["src/main.rs", "src/cli/", "src/report/", "benches/mutation.rs", "tests/hostile.rs"],
        tests_may: false,
        reason: "time is given, and a run is one thread",
    },
    Ban {
        words: &["thread_local", "static mut", "LazyLock", "static RefCell", "UnsafeCell"],
        within: &["src/"],
        except: SHOW,
        tests_may: false,
        reason: "no hidden state: pass it",
    },
    Ban {
        words: &[
            ".ln(",
            ".ln_1p(",
            ".log2(",
            ".log10(",
            ".exp(",
            ".exp2(",
            ".exp_m1(",
            ".powf(",
            ".powi(",
            ".cbrt(",
            ".sin(",
            ".cos(",
            ".tan(",
            ".sinh(",
            ".cosh(",
            ".tanh(",
            ".asin(",
            ".acos(",
            ".atan(",
            ".atan2(",
            ".hypot(",
            "f64::ln",
            "f64::exp",
            "f64::powf",
            "f64::powi",
            "f64::sin",
            "f64::cos",
            "f64::log2",
            "f64::log10",
        ],
        within: &[],
        except: &["src/report/"],
        tests_may: false,
        reason: "differs between machines: libm",
    },
    Ban {
        words: &["BinaryHeap", "BTreeMap<Time", "BTreeMap<(Time", "BTreeSet<(Time"],
        within: &["src/engine/"],
        except: &["src/engine/queue.rs"],
        tests_may: false,
        reason: "only engine/queue orders events",
    },
    Ban {
        words: &[
            "Effect::Extend",
            "Effect::Rewind",
            "Effect::Finalize",
            "Effect::Install",
            "Effect::Note",
            "Effect::SetTimer",
        ],
        within: &["src/engine/"],
        // A process ends the old setting of a timer that a handler sets anew.
        except: &["src/engine/simulation/effects.rs", "src/engine/process/mod.rs"],
        tests_may: true,
        reason: "only engine/simulation/effects gives effects a meaning",
    },
    Ban {
        words: &["allow(dead_code)", "allow(unused", "#[ignore", "todo!", "unimplemented!", "unsafe {", "unsafe fn"],
        within: &[],
        except: &[],
        tests_may: false,
        reason: "what is not finished, not used or not safe is not kept",
    },
];

/// What stands only in some places.
fn bans(source: &Source) -> Vec<Broken> {
    let mut broken = Vec::new();
    for ban in BANS {
        if source.is_in(ban.except) || !(ban.within.is_empty() || source.is_in(ban.within)) {
            continue;
        }
        let end = if ban.tests_may { source.tests_from } else { source.code.len() };
        for (line, code) in source.numbered().take(end) {
            let found = ban.words.iter().find(|words| has(code, words));
            broken.extend(found.map(|words| source.broken(line, *words, ban.reason)));
        }
    }
    broken
}

/// A field is private, or `pub` in a plain data type: state that is open to the files around it has no owner.
fn fields(source: &Source) -> Vec<Broken> {
    const REASON: &str = "state has one owner: make the field private, with methods, or `pub` in a plain data type";
    let is_name = |word: &str| word.starts_with(|sign: char| sign.is_alphabetic() || sign == '_');
    let is_field = |words: &[&str]| {
        let opens = |at: usize| {
            words[at..].starts_with(&["pub", "(", "super", ")"]) || words[at..].starts_with(&["pub", "(", "crate", ")"])
        };
        let is_named = |at: usize| match words[at + 4..] {
            [name, ":"] => is_name(name),
            [name, ":", next, ..] => is_name(name) && next != ":",
            _ => false,
        };
        // Of a struct without names of fields.
        let is_item = |at: usize| {
            words.get(at + 4).is_some_and(|word| ["struct", "enum", "fn", "type", "use", "mod"].contains(word))
        };
        let is_in_list = |at: usize| at > 0 && ["(", ","].contains(&words[at - 1]) && !is_item(at);
        (0..words.len()).any(|at| opens(at) && (is_named(at) || is_in_list(at)))
    };
    let found = source.numbered().filter(|(_, code)| is_field(&tokens(code)));
    found.map(|(line, code)| source.broken(line, code.trim(), REASON)).collect()
}

/// Divisions by three that have nothing to do with committees, each with what it is.
const OTHER_THIRDS: [(&str, &str); 2] = [
    ("src/scenario/parse/nearest.rs", "found.chars().count() / 3"), // how far a misspelt word may be from the right one
    ("src/engine/tests/mod.rs", "payment(1 + (n % 3)"),             // nonces of three accounts that take turns
];

/// Thresholds come from `base::Committee`.
fn thresholds(source: &Source) -> Vec<Broken> {
    const REASON: &str = "thresholds come from base::Committee, which knows weights and fault models";
    if !source.path.starts_with("src/") || source.path == "src/base/committee.rs" {
        return Vec::new();
    }
    let is_threshold = |code: &str| {
        let words = tokens(code);
        let third = |at: usize| words[at..].starts_with(&["/", "3"]) && words.get(at + 2) != Some(&".");
        let half = |at: usize| words[at..].starts_with(&["/", "2", "+", "1"]);
        let faulty = |at: usize| matches!(words[at..], ["2" | "3", "*", "f", ..]);
        let ceiling = |at: usize| words[at..].starts_with(&["div_ceil", "(", "3", ")"]);
        (0..words.len()).any(|at| third(at) || half(at) || faulty(at) || ceiling(at))
    };
    let is_other = |code: &str| OTHER_THIRDS.iter().any(|(path, part)| source.path == *path && code.contains(part));
    let found = source.numbered().filter(|(_, code)| is_threshold(code) && !is_other(code));
    found.map(|(line, code)| source.broken(line, code.trim(), REASON)).collect()
}

/// These very files name what is forbidden.
const OWN: &[&str] = &["tests/tidy/"];

/// Marks of unfinished work, in comments too.
fn marks(source: &Source) -> Vec<Broken> {
    const REASON: &str = "what is not finished is not kept; what is wanted stands in the documentation";
    if source.is_in(OWN) {
        return Vec::new();
    }
    let mark =
        |text: &str| tokens(text).into_iter().find(|word| ["TODO", "FIXME", "XXX", "HACK"].contains(word)).is_some();
    let found = (1..).zip(&source.lines).filter(|(_, text)| mark(text));
    found.map(|(line, text)| source.broken(line, text.trim(), REASON)).collect()
}

/// Places on the machine of the author.
fn places(source: &Source) -> Vec<Broken> {
    const REASON: &str = "nothing names a place on one machine";
    if source.is_in(OWN) {
        return Vec::new();
    }
    let mut broken = Vec::new();
    for (line, text) in (1..).zip(&source.lines) {
        let named = [
            concat!("/", "work/"),
            concat!("/", "tmp/"),
            concat!("/", "root/"),
            "/home/",
            "/Users/",
            concat!("../", "shared"),
        ]
        .into_iter()
        .find(|place| {
            // Part of a longer path or address is something else.
            text.match_indices(place).any(|(at, _)| !text[..at].ends_with(|sign: char| sign.is_alphanumeric()))
        });
        broken.extend(named.map(|place| source.broken(line, place, REASON)));
    }
    broken
}

const LINES_MAX: usize = 800;

/// Files are short enough to be read.
fn sizes(source: &Source) -> Vec<Broken> {
    if source.code.is_empty() {
        return Vec::new();
    }
    if source.lines.len() <= LINES_MAX {
        return Vec::new();
    }
    let found = format!("{} lines", source.lines.len());
    vec![source.broken(1, found, "a file has at most 800: make it a folder of parts")]
}

/// Protocols that may have more than [`LINES_MAX`] lines of code, up to how many, and why.
const LONG_PROTOCOLS: [(&str, usize); 10] = [
    ("hotstuff", 1_200), // certificates of two kinds, two variants, and the transfer of branches in parts
    ("nakamoto", 1_600), // difficulty and confirmations are laws of their own
    ("pbft", 1_750),     // log, certificates, view change, state transfer; what replicas lack is asked for item by item
    ("qbft", 1_000),     // three variants, and serving a whole chain below one proof
    ("raft", 2_050),     // membership, snapshots, sessions and reads are chapters of the thesis; flow control
    ("ripple", 1_750), // consensus on sets, getting what they lack, validation of ledgers and two histories are nearly three protocols
    ("scp", 1_600),    // slices, federated voting, nomination, ballots, fetching what statements name
    ("tendermint", 1_450), // parts, evidence from votes and commits, proposer priority and catching up besides the algorithm
    ("threshold", 1_300),  // three memory rules, two ways to collect, FROST, blocks named and sized by what slots carry
    ("vote", 1_400), // blocks by name, elections, justified rounds, what faulty nodes may report, and two ways to draw the next butler
];

/// A protocol is short enough to be read beside its paper. What counts are lines of code: not comments, not tests, and
/// not the attacks that lie beside it.
pub fn check_protocols(sources: &[Source]) -> Vec<Broken> {
    let mut lines: BTreeMap<&str, (&Source, usize)> = BTreeMap::new();
    for source in sources {
        let Some(inside) = source.path.strip_prefix("src/consensus/") else { continue };
        let name = inside.split(['/', '.']).next().unwrap_or_default();
        let is_attack = ["attack.rs", "selfish.rs"].iter().any(|file| inside.ends_with(file));
        let code = source.code.iter().take(source.tests_from).filter(|line| !is_attack && !line.trim().is_empty());
        lines.entry(name).or_insert((source, 0)).1 += code.count();
    }
    let most = |name: &str| LONG_PROTOCOLS.iter().find(|(long, _)| *long == name).map_or(LINES_MAX, |(_, most)| *most);
    let long = lines.into_iter().filter(|(name, (_, lines))| *lines > most(name));
    let reason = "a protocol has at most 800 lines of code without tests and attacks";
    long.map(|(name, (source, lines))| source.broken(1, format!("`{name}` has {lines} lines"), reason)).collect()
}

const FUNCTION_MAX: usize = 70;

/// Functions fit on a screen.
fn functions(source: &Source) -> Vec<Broken> {
    let long = functions_of(&source.code).into_iter().filter(|(_, _, lines)| *lines > FUNCTION_MAX);
    long.map(|(line, name, lines)| {
        source.broken(line, format!("`{name}` has {lines} lines"), "a function has at most 70: give its parts names")
    })
    .collect()
}

/// Every function with a body: its first line, its name, its number of lines.
fn functions_of(code: &[String]) -> Vec<(usize, String, usize)> {
    let mut found = Vec::new();
    for (at, line) in code.iter().enumerate() {
        let words = tokens(line);
        let name = words.windows(2).find(|pair| pair[0] == "fn" && pair[1] != "(").map(|pair| pair[1]);
        if let Some((name, last)) = name.zip(body_end(code, at)) {
            found.push((at + 1, name.to_owned(), last - at + 1));
        }
    }
    found
}

/// The line on which the body of the function on line `at` ends, if it has one.
fn body_end(code: &[String], at: usize) -> Option<usize> {
    let (mut braces, mut others) = (0u32, 0i32);
    for (line, text) in code.iter().enumerate().skip(at) {
        let start = if line == at { text.find("fn ").unwrap_or(0) } else { 0 };
        // Signs in quotes are still there.
        let text = ["'{'", "'}'", "'('", "')'", "'['", "']'", "';'"]
            .iter()
            .fold(text[start..].to_owned(), |text, sign| text.replace(sign, "' '"));
        for sign in text.chars() {
            match sign {
                '(' | '[' => others += 1,
                ')' | ']' => others -= 1,
                ';' if braces == 0 && others == 0 => return None,
                '{' => braces += 1,
                '}' if braces == 1 => return Some(line),
                '}' => braces = braces.saturating_sub(1),
                _ => {}
            }
        }
    }
    None
}

/// Every file says what it is; every protocol says where it comes from and what it assumes.
fn heads(source: &Source) -> Vec<Broken> {
    let parts: Vec<&str> = source.path.split('/').collect();
    if source.code.is_empty() || parts.last() == Some(&"tests.rs") {
        return Vec::new();
    }
    let head: Vec<&String> = source.lines.iter().take_while(|line| line.starts_with("//!")).collect();
    if head.is_empty() {
        return vec![source.broken(1, "no `//!`", "every file says at its head what it is")];
    }
    let is_protocol = match parts[..] {
        ["src", "consensus", _, "mod.rs"] => true,
        ["src", "consensus", file] => file != "mod.rs",
        _ => false,
    };
    let said = head.iter().map(|line| line.to_lowercase()).collect::<Vec<_>>().join("\n");
    let parts = ["source", "model", "```text", "simplified", "glossary"];
    let missing = parts.into_iter().filter(|part| is_protocol && !said.contains(part));
    let reason = "a protocol states its source, model of faults and time, messages, simplifications, and words";
    missing.map(|part| source.broken(1, format!("no \"{part}\" at the head"), reason)).collect()
}

/// Files are named after what is in them.
fn names(source: &Source) -> Vec<Broken> {
    const EMPTY: [&str; 12] = [
        "utils", "util", "common", "helpers", "helper", "manager", "managers", "handler", "handlers", "types", "misc",
        "shared",
    ];
    let empty =
        source.path.split('/').map(|part| part.split('.').next().unwrap_or(part)).find(|part| EMPTY.contains(part));
    let reason = "a file is named after what is in it";
    empty.map(|part| source.broken(1, format!("the name `{part}`"), reason)).into_iter().collect()
}

/// Scenarios name their schema, so that editors help.
fn scenarios(source: &Source) -> Vec<Broken> {
    let parts = source.path.split('/').count();
    if !source.is_in(&["scenarios/"]) || source.path.rsplit('.').next() != Some("toml") {
        return Vec::new();
    }
    let expected = format!("#:schema {}schema.json", "../".repeat(parts - 2));
    match source.lines.first() {
        Some(line) if *line == expected => Vec::new(),
        _ => vec![source.broken(1, format!("the first line is not `{expected}`"), "editors complete by the schema")],
    }
}

/// Every protocol is in the list, and the list is in order of name.
pub fn check_registry(source: &Source) -> Vec<Broken> {
    let between = |from: &str, to: &str| -> Vec<String> {
        let found = source.code.iter().filter_map(|line| line.trim().strip_prefix(from)?.split(to).next());
        found.map(str::to_owned).collect()
    };
    let (modules, visited) = (between("pub mod ", ";"), between("visitor.visit::<", "::"));
    if !modules.is_empty() && modules == visited && modules.is_sorted() {
        return Vec::new();
    }
    let found = format!("modules {modules:?}, visited {visited:?}");
    vec![source.broken(1, found, "every protocol has one `pub mod` and one visit, in order of name")]
}

/// Every file of tests is part of the suite; one that is forgotten would never run.
pub fn check_suite<'a>(suite: &Source, paths: impl Iterator<Item = &'a str>) -> Vec<Broken> {
    let parts: Vec<&str> =
        (suite.code.iter()).filter_map(|line| line.trim().strip_prefix("mod ")?.strip_suffix(';')).collect();
    let files = paths.filter_map(|path| path.strip_prefix("tests/")?.strip_suffix(".rs"));
    let own = ["suite", "tidy"];
    let forgotten = files.filter(|file| !file.contains('/') && !own.contains(file) && !parts.contains(file));
    forgotten.map(|file| suite.broken(1, file, "every file of tests is a module of tests/suite.rs")).collect()
}

const TOP_LEVEL: [&str; 12] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "src",
    "scenarios",
    "results",
    "benches",
    "examples",
    "tests",
];
/// Data and fonts that are embedded; what builds and runs leave behind, which is not kept.
const ALSO: [&str; 3] = ["assets", "target", "runs"];

/// What is seen first when the project is opened.
pub fn check_top(names: impl Iterator<Item = String>) -> Vec<Broken> {
    let strange = names.filter(|name| {
        let is_known = TOP_LEVEL.iter().chain(&ALSO).any(|known| known == name);
        !is_known && !name.starts_with('.')
    });
    strange
        .map(|name| Broken {
            path: name,
            line: 1,
            found: "a new name at the top".into(),
            reason: "the top level is fixed: files belong into one of its folders",
        })
        .collect()
}
