//! Cases are the same every time, stay inside their limits, and break when the limits allow more than can be borne.

use super::{case, features, judge, shrink};
use crate::base::Duration;
use crate::scenario::{Catalogue, DrawnFault, Scenario};
use std::collections::BTreeSet;

const BASE: &str = r#"
name = "search"
duration = "30s"
crypto = "symbolic"
check = { progress = "15s", catch_up = "15s" }
explore = { nodes = [4, 7], safety_phase = "10s" }
[[chain]]
protocol = "PROTOCOL"
nodes = { count = 4 }
[workload.payments]
rate = 5
retry = "1s"
"#;

fn base(protocol: &str, overrides: &[&str]) -> Scenario {
    let overrides: Vec<String> = overrides.iter().map(|change| (*change).to_owned()).collect();
    let loaded = Scenario::load(&Catalogue::standard(), "search", &BASE.replace("PROTOCOL", protocol), &overrides);
    loaded.unwrap_or_else(|mistakes| panic!("{}", mistakes[0])).scenario
}

#[test]
fn a_number_always_draws_the_same_world_and_another_draws_another() {
    let base = base("pbft", &[]);
    let drawn = |number| case(&Catalogue::standard(), &base, number);
    assert_eq!(drawn(7), drawn(7));
    assert_ne!(drawn(7).fault, drawn(8).fault);
}

#[test]
fn every_world_of_every_protocol_is_a_scenario_that_reads_back_from_both_its_forms() {
    let catalogue = Catalogue::standard();
    for known in catalogue.protocols() {
        let base = base(known.name, &[]);
        for number in 0..20 {
            let case = case(&catalogue, &base, number);
            let read = |text: &str| match Scenario::load(&catalogue, "world", text, &[]) {
                Ok(loaded) => loaded.scenario,
                Err(mistakes) => panic!("{} {number}: {}\n{text}", known.name, mistakes[0]),
            };
            let settled = read(&case.resolved());
            assert_eq!(settled.fault.len(), case.fault.len());
            if number < 2 {
                let terse = case.terse(&catalogue);
                assert_eq!(read(&terse), settled, "{terse}");
                assert!(terse.lines().count() < case.resolved().lines().count());
            }
        }
    }
}

#[test]
fn faults_end_with_the_safety_phase_and_faulty_nodes_are_no_more_than_tolerated() {
    let base = base("tendermint", &[]);
    let mut seen = BTreeSet::new();
    for number in 0..300 {
        let case = case(&Catalogue::standard(), &base, number);
        let count = case.chain[0].nodes.count();
        assert!((4..=7).contains(&count));
        for fault in &case.fault {
            let is_borne = fault.tolerated && fault.until.is_none();
            assert!(is_borne || fault.until.is_some_and(|until| until <= Duration::from_secs(10)), "{fault:?}");
        }
        let down = case.fault.iter().filter(|fault| fault.tolerated || fault.amnesiacs().is_some()).count();
        let bound = if count == 7 { 2 } else { 1 };
        assert!(down + case.adversary.len() <= bound, "case {number}");
        seen.extend(features(&case));
    }
    for kind in DrawnFault::ALL {
        assert!(seen.contains(kind.word()), "{} is never drawn", kind.word());
    }
}

#[test]
fn a_world_beyond_the_bound_breaks_and_shrinks_to_less_that_breaks_in_the_same_way() {
    let hasty = "chain.protocol={ nakamoto = { spacing = \"500ms\", finality = { confirmations = 2 } } }";
    let catalogue = Catalogue::standard();
    let base = base("nakamoto", &[hasty, "explore.fault_kinds=[\"partition\", \"slow\", \"load\"]"]);
    let broken = (0..50).map(|number| case(&catalogue, &base, number)).find_map(|case| {
        let finding = judge(&catalogue, &case).expect("a case").finding?;
        finding.safety.then_some((case, finding))
    });
    let (case, finding) = broken.expect("a partition outlasts two confirmations in some case");
    let shrunk = shrink(&catalogue, &case, &finding, 60, &|| true);
    assert!(shrunk.finding.is_like(&finding));
    assert!(shrunk.case.fault.len() <= case.fault.len() && shrunk.case.duration() <= case.duration());
    let again = Scenario::load(&catalogue, "shrunk", &shrunk.case.terse(&catalogue), &[]).expect("a scenario").scenario;
    assert_eq!(judge(&catalogue, &again).expect("a world").finding, Some(shrunk.finding));
}
