//! What the nodes of every protocol can do that do not follow it, as it is written and as it is refused.

use super::*;
use crate::scenario::{Attack, GenericAttack};

/// [`VALID`] with another attack, by these nodes.
fn attacked(nodes: &str, attack: &str) -> Result<Loaded, String> {
    const DELAY: &str = "nodes = 0\nattack.delay = { delay = \"1s\" }";
    assert!(VALID.contains(DELAY));
    load(&VALID.replace(DELAY, &format!("nodes = {nodes}\nattack{attack}")))
}

/// What is said about an attack by node 0: title and label.
fn refused(attack: &str) -> (String, String) {
    let shown = attacked("0", attack).expect_err(attack);
    let mut lines = shown.lines();
    let title = lines.next().unwrap_or_default().to_owned();
    let label = shown.lines().find_map(|line| line.split_once("^ ")).map_or("", |(_, label)| label);
    (title, label.to_owned())
}

fn misconduct(attack: &str) -> GenericAttack {
    match attacked("0", attack).unwrap_or_else(|shown| panic!("{shown}")).scenario.adversary.remove(0).attack {
        Attack::Generic(misconduct) => misconduct,
        Attack::Protocol(name) => panic!("{name} is no attack of every protocol"),
    }
}

#[test]
fn every_misconduct_is_read_and_written() {
    for attack in [
        " = \"silent\"",
        ".delay = { delay = \"1s\" }",
        ".selective = { to = [1] }",
        ".twins = { sides = [[1], [2, 3]] }",
        ".amnesia = { every = \"5s\" }",
        ".replay = { max_delay = \"1s\", probability = 0.1 }",
        ".withhold = { first_peers = [2], delay = \"2s\" }",
        ".censor = { accounts = [0, 999] }",
        ".corrupt = { probability = 1 }",
    ] {
        let loaded = attacked("0", attack).unwrap_or_else(|shown| panic!("{shown}"));
        let again = load(&loaded.scenario.resolved()).unwrap_or_else(|shown| panic!("{shown}"));
        assert_eq!(again.scenario, loaded.scenario);
    }
}

#[test]
fn a_word_alone_stands_for_the_usual_settings() {
    assert_eq!(misconduct(" = \"twins\""), GenericAttack::TWINS);
    assert_eq!(misconduct(" = \"equivocate\""), GenericAttack::TWINS);
    assert_eq!(misconduct(".twins = {}"), GenericAttack::TWINS);
    assert_eq!(misconduct(" = \"replay\""), misconduct(".replay = {}"));
    assert_eq!(misconduct(" = \"corrupt\""), misconduct(".corrupt = { probability = 0.5 }"));
}

/// A name that a protocol gives to an attack of its own means that one, except for the words that mean something alone.
#[test]
fn no_protocol_has_an_attack_by_the_name_of_a_generic_one() {
    for known in Catalogue::standard().protocols() {
        let taken = known.attacks.iter().find(|(name, _)| GenericAttack::of_word(name).is_some());
        assert_eq!(taken, None, "{}", known.name);
    }
}

#[test]
fn sides_of_twins_are_two_or_more_lists_of_others() {
    let pair = |title: &str, label: &str| (title.to_owned(), label.to_owned());
    assert_eq!(refused(".twins = { sides = [[1, 2, 3]] }"), pair("error: twins have two sides or more", "found 1"));
    assert_eq!(refused(".twins = { sides = [] }"), pair("error: twins have two sides or more", "found 0"));
    let nothing_selected = pair("error: this selects no node", "expected at least one number");
    assert_eq!(refused(".twins = { sides = [[1], []] }"), nothing_selected);
    let unknown = pair("error: there is no node 4", "nodes are numbered 0 to 3");
    assert_eq!(refused(".twins = { sides = [[1], [2, 4]] }"), unknown);
    let own = pair(
        "error: node 0 is one of the twins",
        "name the others only: the processes of one side see each other anyway",
    );
    assert_eq!(refused(".twins = { sides = [[0, 1], [2]] }"), own);
    let file = VALID
        .replace("topology.outbound = { degree = 2 }", "topology.file = { path = \"net.csv\" }")
        .replace("attack.delay = { delay = \"1s\" }", "attack = \"twins\"");
    assert!(load(&file).expect_err("a file").contains("twins need a network that is drawn"));
}

#[test]
fn settings_of_misconduct_are_within_their_ranges() {
    let pair = |title: &str, label: &str| (title.to_owned(), label.to_owned());
    let warned = refused(".amnesia = { every = \"1ms\" }");
    assert_eq!(warned, pair("error: `every` must be at least 10ms", "found 1ms"));
    assert_eq!(
        refused(".replay = { max_delay = \"0s\" }"),
        pair("error: `max_delay` must be longer than 0", "found 0")
    );
    assert_eq!(refused(".replay = { probability = 0 }"), pair("error: `probability` must be above 0", "found 0"));
    assert_eq!(
        refused(".corrupt = { probability = 1.5 }"),
        pair("error: `probability` must lie between 0 and 1", "found 1.5")
    );
    let nothing_selected = pair("error: this selects no node", "expected at least one number");
    assert_eq!(refused(".withhold = { first_peers = [], delay = \"1s\" }"), nothing_selected);
    let nothing_selected = pair("error: this censors no account", "expected at least one account");
    assert_eq!(refused(".censor = { accounts = [] }"), nothing_selected);
    let unknown = pair("error: there is no account 1000", "accounts are numbered 0 to 999");
    assert_eq!(refused(".censor = { accounts = [0, 1000] }"), unknown);
}

#[test]
fn faulty_nodes_are_counted_over_all_adversaries_and_by_share() {
    let warnings = |text: &str| {
        let loaded = load(text).unwrap_or_else(|shown| panic!("{shown}"));
        loaded.warnings.iter().map(ToString::to_string).collect::<Vec<String>>()
    };
    let second = |nodes: &str| format!("{VALID}\n[[adversary]]\nnodes = {nodes}\nattack = \"twins\"\n");
    let warned = "warning: 2 faulty nodes are more than idle tolerates here";
    assert!(warnings(VALID).is_empty());
    assert!(warnings(&second("1"))[0].starts_with(warned));
    assert!(warnings(&second("{ fraction = 0.25 }"))[0].starts_with(warned));
    assert!(warnings(&second("{ region = \"sa-east-1\" }"))[0].starts_with(warned));
    assert_eq!(warnings(&second("[1, 2]")).len(), 1);
}
