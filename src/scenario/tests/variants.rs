//! Several scenarios in one file.

use super::*;

/// [`VALID`] with this after it.
fn with(variants: &str) -> Result<Loaded, String> {
    load(&format!("{VALID}\n{variants}"))
}

fn report_of(variants: &str) -> String {
    with(variants).err().unwrap_or_else(|| "accepted".to_owned())
}

const TWO: &str = r#"
[[variant]]
name = "short"
set = { "chain.protocol" = { idle = { nap = "500ms" } } }
[[variant]]
name = "many"
set = { "chain[0].protocol.idle.dreams" = 2, "workload.payments.rate" = 60 }
"#;

#[test]
fn each_variant_is_the_common_scenario_with_its_changes() {
    let loaded = with(TWO).unwrap();
    let [short, many] = &loaded.variants[..] else { panic!("two variants") };
    assert_eq!((short.name.as_str(), many.name.as_str()), ("test-short", "test-many"));
    let config = |scenario: &Scenario| scenario.chain[0].protocol.config::<Idle>().unwrap();
    assert_eq!(config(short), Config { nap: Duration::from_millis(500), ..Config::default() });
    assert_eq!(config(many), Config { nap: Duration::from_secs(1), dreams: 2, ..Config::default() });
    assert_eq!(short.workload, loaded.scenario.workload);
    assert_ne!(many.workload, loaded.scenario.workload);
    assert!(loaded.variants.iter().all(|variant| variant.variant.is_empty()));
}

#[test]
fn a_file_with_variants_reads_back_the_same_from_its_resolved_form() {
    let loaded = with(TWO).unwrap();
    let again = load(&loaded.scenario.resolved()).unwrap_or_else(|shown| panic!("{shown}"));
    assert_eq!(again.scenario, loaded.scenario);
    assert_eq!(again.variants, loaded.variants);
}

#[test]
fn an_override_changes_all_variants() {
    let text = format!("{VALID}\n{TWO}");
    let loaded = load_set(&text, &["duration=90s"]).unwrap();
    assert!(loaded.variants.iter().all(|variant| variant.duration() == Duration::from_secs(90)));
}

#[test]
fn the_command_line_wins_over_what_variants_set_where_they_made_that_choice() {
    let text = format!("{VALID}\n{TWO}[[variant]]\nname = \"plain\"\nset = {{ \"chain.protocol\" = \"idle\" }}");
    let config = |scenario: &Scenario| scenario.chain[0].protocol.config::<Idle>().unwrap();
    let naps = |change: &str| {
        let loaded = load_set(&text, &[change]).unwrap_or_else(|shown| panic!("{shown}"));
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        let again = load(&loaded.scenario.resolved()).unwrap_or_else(|shown| panic!("{shown}"));
        assert_eq!(again.variants, loaded.variants, "the command line is in what is written down");
        let of = |scenario: &Scenario| (config(scenario).nap.as_nanos() / 1_000_000, config(scenario).dreams);
        loaded.variants.iter().map(of).collect::<Vec<_>>()
    };
    let dreams = Config::default().dreams;
    assert_eq!(naps("duration=90s"), [(500, dreams), (1_000, 2), (2_000, dreams)]);
    assert_eq!(naps("chain.protocol.idle.nap=3s"), [(3_000, dreams), (3_000, 2), (3_000, dreams)], "within a choice");
    assert_eq!(naps("chain[0].protocol.idle.dreams=3"), [(500, 3), (1_000, 3), (2_000, 3)], "the same key");
    assert_eq!(naps("chain.protocol=idle"), [(2_000, dreams); 3], "all of the choice");
}

#[test]
fn an_override_that_what_is_run_does_not_heed_is_reported() {
    let other = "[[variant]]\nname = \"other\"\nset = { \"chain.network.topology\" = \"complete\" }";
    let change = ["chain.network.topology.outbound.degree=1"];
    let titles = |loaded: &Loaded| loaded.warnings.iter().map(|warning| warning.title.clone()).collect::<Vec<_>>();
    let both = format!("{VALID}\n{other}\n[[variant]]\nname = \"plain\"");
    for (chosen, report) in [(0, vec!["this has no effect on what is run"]), (1, Vec::new())] {
        let mut loaded = load_set(&both, &change).unwrap_or_else(|shown| panic!("{shown}"));
        assert!(titles(&loaded).is_empty(), "it has, on one of the two");
        loaded.choose(chosen);
        assert_eq!(titles(&loaded), report);
    }
    let loaded = load_set(&format!("{VALID}\n{other}"), &change).unwrap_or_else(|shown| panic!("{shown}"));
    assert_eq!(titles(&loaded), ["this has no effect on what is run"]);
}

#[test]
fn what_a_variant_makes_wrong_is_reported_where_it_says_so() {
    let report = report_of("[[variant]]\nname = \"odd\"\nset = { \"chain.protocol\" = \"dile\" }");
    assert!(report.starts_with("error: unknown protocol \"dile\""), "{report}");
    assert!(report.contains("set = { \"chain.protocol\" = \"dile\" }"), "{report}");
    assert!(report.contains("did you mean `idle`?"), "{report}");
}

#[test]
fn variants_have_names_of_their_own_and_share_name_and_seeds() {
    let twice = report_of("[[variant]]\nname = \"a\"\n[[variant]]\nname = \"a\"");
    assert!(twice.starts_with("error: two variants are called \"a\""), "{twice}");
    let folder = report_of("[[variant]]\nname = \"../a\"");
    assert!(folder.starts_with("error: \"../a\" cannot name a folder of results"), "{folder}");
    let seeds = report_of("[[variant]]\nname = \"a\"\nset = { seeds = [1, 2] }");
    assert!(seeds.starts_with("error: a variant cannot change this"), "{seeds}");
    let key = report_of("[[variant]]\nname = \"a\"\nset = { \"chain..x\" = 1 }");
    assert!(key.starts_with("error: this is not a key"), "{key}");
}

#[test]
fn what_is_wrong_in_common_is_reported_once() {
    let text = format!("{VALID}\n{TWO}").replace("dreams\" = 2", "dreams\" = 99");
    let report = load(&text).expect_err("more dreams than nodes");
    assert_eq!(report.matches("error:").count(), 1, "{report}");
}
