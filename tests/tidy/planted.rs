//! Every rule can fail: each is given texts that break it, and their neighbours that do not.

use super::rules::{check, check_protocols, check_registry, check_suite, check_top};
use super::source::Source;

/// Lines on which `text`, lying at `path`, breaks a rule. The head is given.
fn lines(path: &str, text: &str) -> Vec<String> {
    let is_rust = !Source::new(path, "a").code.is_empty();
    let text = if is_rust { format!("//! Head.\n{text}") } else { text.to_owned() };
    check(&Source::new(path, &text)).iter().map(ToString::to_string).collect()
}

fn breaks(path: &str, text: &str) {
    let found = lines(path, text);
    assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
    assert!(found[0].starts_with(&format!("{path}:")), "{found:?}");
}

fn holds(path: &str, text: &str) {
    assert_eq!(lines(path, text), Vec::<String>::new(), "{path}: {text}");
}

#[test]
fn imports_go_down() {
    breaks("src/consensus/pbft/log.rs", "use crate::engine::Simulation;");
    breaks("src/consensus/pbft/log.rs", "fn f() { crate::observe::check::f() }");
    breaks("src/consensus/pbft/log.rs", "use crate::{\n    base::Time,\n    network::{Carried, Envelope},\n};");
    breaks("src/base/time.rs", "#[cfg(test)]\nmod tests {\n    use crate::chain::Block;\n}");
    breaks("src/protocol/mod.rs", "use crate::observe::Observed;");
    breaks("src/engine/delivery.rs", "use crate::consensus::pbft;");
    breaks("src/engine/delivery.rs", "use super::super::super::consensus::pbft;");
    breaks("src/scenario/build/mod.rs", "use crate::consensus::pbft;");
    breaks("src/scenario/build/mod.rs", "fn f() { Catalogue::standard(); }");
    holds("src/scenario/tests/forms.rs", "fn f() { Catalogue::standard(); }");
    breaks("src/report/csv.rs", "use crate::engine::Simulation;");
    breaks("src/cli/run.rs", "use ledgerlab::engine::Simulation;");
    breaks("src/elsewhere/mod.rs", "");
    holds("src/consensus/pbft/log.rs", "use crate::{base::{Time, engine}, chain::Block};\nuse crate::consensus::raft;");
    holds("src/consensus/pbft/log.rs", "// crate::engine is not named here\nconst A: &str = \"crate::engine\";");
    holds("src/engine/delivery.rs", "use super::agenda::Agenda;\nuse crate::workload::Workload;");
    holds("src/cli/run.rs", "use ledgerlab::report::Folder;\nuse ledgerlab::scenario::Scenario;");
    holds("tests/safety.rs", "use ledgerlab::engine::Simulation;");
}

#[test]
fn what_is_banned_is_found_and_its_neighbours_are_not() {
    let places = ["src/engine/clients.rs", "src/consensus/pbft/tests.rs", "tests/golden.rs", "benches/engine.rs"];
    for path in places {
        breaks(path, "fn f() { println!(); }");
        breaks(path, "use std::collections::{BTreeMap, HashMap};");
        breaks(path, "use std::time::Instant;");
        breaks(path, "fn f(x: f64) -> f64 { x.ln() }");
        breaks(path, "fn f() { (0..3).map(f64::from).map(f64::exp); }");
        breaks(path, "#[ignore]\nfn f() {}");
        breaks(path, "#[allow(dead_code)]\nfn f() {}");
        breaks(path, "fn f() { todo!() }");
        holds(path, "use rustc_hash::{FxHashMap, FxHashSet};\nfn f(x: f64) -> f64 { libm::log(x) + instant(x) }");
        holds(path, "const A: &str = \"println! HashMap .ln()\"; // todo!() HashMap");
    }
    holds("src/cli/run.rs", "fn f() { println!(); std::fs::read(p); }");
    holds("src/report/csv.rs", "fn f() { std::fs::write(p); x.ln(); }");
    breaks("src/scenario/load.rs", "use std::fs;");
    breaks("src/scenario/load.rs", "fn f() { std::fs::read(p) }");
    breaks("src/scenario/load.rs", "fn f() { File::open(p) }");
    holds("src/scenario/load.rs", "fn f() -> Topology { Topology::File { path } }");
    holds("src/scenario/load.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}");
    breaks("src/base/key.rs", "static mut KEYS: u32 = 0;");
    breaks("src/base/key.rs", "thread_local! {}");
    breaks("src/engine/delivery.rs", "use std::collections::BinaryHeap;");
    breaks("src/engine/delivery.rs", "fn f() { effects.push(Effect::Rewind { to }) }");
    holds("src/engine/queue.rs", "use std::collections::BinaryHeap;");
    holds("src/network/transport/uplink.rs", "use std::collections::BinaryHeap;");
    holds("src/engine/simulation/effects.rs", "fn f() { effects.push(Effect::Rewind { to }) }");
}

#[test]
fn a_field_is_private_or_public() {
    for field in ["pub(super) line: usize,", "pub(crate) line: usize,", "pub(super) kept: std::sync::Arc<u8>,"] {
        breaks("src/base/time.rs", &format!("struct A {{\n    {field}\n}}"));
        breaks("src/base/time.rs", &format!("struct A {{ {field} }}"));
    }
    breaks("src/base/time.rs", "struct A(pub(super) usize);");
    breaks("src/base/time.rs", "struct A(u8, pub(crate) usize);");
    holds("src/base/time.rs", "pub(super) struct A {\n    line: usize,\n    pub number: u8,\n}");
    holds(
        "src/base/time.rs",
        "pub(super) struct A(pub u8);\npub(super) const B: u8 = 1;\npub(crate) static C: u8 = 1;",
    );
    holds("src/base/time.rs", "impl A {\n    pub(super) fn line(a: usize) -> usize {\n        a\n    }\n}");
    holds("src/base/time.rs", "mod a {\n    pub(super) use super::super::b;\n    pub(super) type C = d::E;\n}");
    holds("src/base/time.rs", "macro_rules! a { ($($b:ident)*) => { $(pub(super) struct $b;)* } }");
}

#[test]
fn thresholds_are_found_wherever_they_hide() {
    for sum in ["2 * n / 3 + 1", "(n - 1) / 3", "n / 2 + 1", "2 * f + 1", "3 * f + 1", "(2 * n).div_ceil(3)"] {
        breaks("src/consensus/pbft/log.rs", &format!("fn f(n: u64) -> u64 {{ {sum} }}"));
        breaks("src/scenario/parse/error.rs", &format!("fn f(n: u64) -> u64 {{ {sum} }}"));
        holds("src/base/committee.rs", &format!("fn f(n: u64) -> u64 {{ {sum} }}"));
    }
    for sum in ["x / 3.0", "x / 30", "2 * NUMBER_BYTES + 1", "len / 2", "n.div_ceil(64)"] {
        holds("src/consensus/pbft/log.rs", &format!("fn f(x: f64) -> f64 {{ {sum} }}"));
    }
}

#[test]
fn unfinished_work_and_machine_paths_are_found_in_every_text() {
    for mark in ["TODO: more", "FIXME", "XXX later"] {
        breaks("src/base/time.rs", &format!("// {mark}"));
        breaks("README.md", mark);
    }
    for place in [
        concat!("/", "work/x"),
        concat!("see /", "tmp/y"),
        concat!("`/", "root/.cargo`"),
        concat!("../", "shared/design.md"),
        "/home/me",
    ] {
        breaks("README.md", place);
        breaks("scenarios/schema.json", &format!("\"{place}\""));
    }
    holds("README.md", "https://example.org/home/index.html, a framework/work/unit, mastodon, XXXL, to-do");
}

#[test]
fn files_and_functions_have_a_size() {
    let filled = |lines: usize| format!("fn f() {{\n{}}}", "    g();\n".repeat(lines - 2));
    holds("src/base/time.rs", &filled(70));
    breaks("src/base/time.rs", &filled(71));
    breaks(
        "src/base/time.rs",
        &format!("impl A {{\n    pub const fn f(\n        a: [u8; 2],\n    ) {{\n{}    }}\n}}", "h();\n".repeat(67)),
    );
    holds("src/base/time.rs", &format!("trait A {{\n    fn f(a: [u8; 2]);\n{}}}", "    const B: u8;\n".repeat(80)));
    holds("src/base/time.rs", &format!("fn f() {{ g('{{') }}\n{}", "const B: fn() = f;\n".repeat(80)));
    holds("src/base/time.rs", &"const A: u8 = 0;\n".repeat(799));
    breaks("src/base/time.rs", &"const A: u8 = 0;\n".repeat(800));
    holds("assets/data/x.csv", &format!("{}\n", "x".repeat(500)).repeat(900));
}

#[test]
fn files_say_what_they_are_and_protocols_say_more() {
    let found = |path: &str, text: &str| check(&Source::new(path, text)).len();
    assert_eq!(found("src/base/time.rs", "use a;\n"), 1);
    assert_eq!(found("src/base/time/tests.rs", "use a;\n"), 0);
    let whole =
        "//! **Source.** A.\n//! **Model.** B.\n//! ```text\n//! ```\n//! **Simplified.** C.\n//! **Glossary.** D.\n";
    for path in ["src/consensus/pbft/mod.rs", "src/consensus/pbft.rs"] {
        assert_eq!(found(path, whole), 0);
        for part in ["Source", "Model", "text", "Simplified", "Glossary"] {
            assert_eq!(found(path, &whole.replace(part, "")), 1, "{part}");
        }
        assert_eq!(found(path, "//! A protocol.\n"), 5);
    }
    assert_eq!(found("src/consensus/pbft/log.rs", "//! A log.\n"), 0);
}

#[test]
fn names_say_something() {
    for path in
        ["src/base/utils.rs", "src/engine/common/mod.rs", "tests/helpers.rs", "src/engine/manager.rs", "src/types.rs"]
    {
        assert!(!lines(path, "").is_empty(), "{path}");
    }
    holds("src/base/time.rs", "");
}

#[test]
fn scenarios_name_their_schema() {
    holds("scenarios/quickstart.toml", "#:schema schema.json\nname = \"a\"\n");
    holds("scenarios/compare/pbft.toml", "#:schema ../schema.json\n");
    breaks("scenarios/compare/pbft.toml", "#:schema schema.json\n");
    breaks("scenarios/quickstart.toml", "name = \"a\"\n#:schema schema.json\n");
    breaks("scenarios/quickstart.toml", "");
}

#[test]
fn protocols_are_registered_once_and_in_order() {
    let broken = |text: &str| check_registry(&Source::new("src/consensus/mod.rs", text)).len();
    let visit = |name: &&str| format!("visitor.visit::<{name}::X>();");
    let visits = |names: &[&str]| names.iter().map(visit).collect::<Vec<_>>().join("\n");
    assert_eq!(broken(&format!("pub mod a;\npub mod b;\n{}", visits(&["a", "b"]))), 0);
    assert_eq!(broken(&format!("pub mod a;\npub mod b;\n{}", visits(&["a"]))), 1);
    assert_eq!(broken(&format!("pub mod b;\npub mod a;\n{}", visits(&["b", "a"]))), 1);
    assert_eq!(broken(""), 1);
}

#[test]
fn no_file_of_tests_is_forgotten() {
    let suite = Source::new("tests/suite.rs", "mod cli;\nmod run;");
    let broken = |path| check_suite(&suite, [path].into_iter()).len();
    let known = ["tests/cli.rs", "tests/run.rs", "tests/suite.rs", "tests/tidy.rs", "tests/keys/base.rs", "src/new.rs"];
    assert_eq!(known.map(broken), [0; 6]);
    assert_eq!(broken("tests/new.rs"), 1);
}

#[test]
fn the_top_level_is_fixed() {
    let broken = |name: &str| check_top([name.to_owned()].into_iter()).len();
    assert_eq!(["Cargo.toml", "src", ".gitignore", "target", "assets"].map(broken), [0; 5]);
    assert_eq!(["docs", "justfile", "NOTES.md", "xtask"].map(broken), [1; 4]);
}

#[test]
fn a_protocol_is_short_without_its_tests() {
    let text = |lines: usize| "let a = 1;\n// why\n\n".repeat(lines);
    let part = |path: &str, lines: usize| Source::new(&format!("src/consensus/{path}"), &text(lines));
    let broken = |parts: &[Source]| check_protocols(parts).len();
    let rest = [part("new/tests/all.rs", 700), part("new/attack.rs", 700)];
    assert_eq!(broken(&[part("new/mod.rs", 700), part("new/message.rs", 100)]), 0);
    assert_eq!(broken(&rest), 0);
    assert_eq!(broken(&[part("new/mod.rs", 700), part("new/message.rs", 101)]), 1);
    assert_eq!(broken(&[part("one.rs", 801), part("raft/mod.rs", 801)]), 1);
}
