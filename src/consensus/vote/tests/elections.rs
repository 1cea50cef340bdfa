//! Tenures, ballots, ties, and what a butler can do to the draw.

use super::*;

fn tenures() -> Config {
    Config { butlers: 3, tenure: 4, ..Config::default() }
}

fn nodes(list: &[u32]) -> Vec<NodeId> {
    list.iter().copied().map(NodeId).collect()
}

#[test]
fn a_butler_that_misses_turns_is_not_elected_again_until_a_tenure_in_which_it_misses_none() {
    let mut stage: Stage = TestCluster::new(5, tenures());
    stage.crash(1);
    let height = |stage: &Stage| stage.finalized(0).len() - 1;
    assert!(stage.run_while(SECOND * 60, |stage| height(stage) < 4));
    let node = stage.node(0);
    assert_eq!(node.duty, nodes(&[0, 1, 2]), "at the start");
    assert!(node.missed[1] > 0 && node.missed.iter().enumerate().all(|(at, missed)| at == 1 || *missed == 0));
    assert!(stage.run_while(SECOND * 60, |stage| height(stage) < 5));
    assert_eq!(stage.node(0).duty, nodes(&[0, 2, 3]), "the special block elects for the next tenure");
    assert_eq!(stage.node(0).missed, [0; 5], "and all begin anew");
    stage.boot(1);
    stage.run(SECOND * 40);
    assert!(height(&stage) >= 10);
    assert!((0..5).all(|at| stage.node(at).duty == nodes(&[0, 1, 2])), "among equals the lower number");
    assert!(stage.finalized(0)[6..=10].iter().all(|block| [0, 2, 3].contains(&block.header.proposer.0)));
    assert_eq!(stage.disagreement(&all(5)), None);
}

#[test]
fn ballots_travel_in_the_votes_of_the_last_block_of_a_tenure_and_in_no_others() {
    let mut stage: Stage = TestCluster::new(5, tenures());
    stage.run(SECOND * 31);
    let ratified = &stage.node(0).ratified;
    assert_eq!(ratified.len(), 15);
    for ratified in ratified {
        let height = ratified.block.height().0;
        let ballots = ratified.certificate.votes.iter().filter(|vote| vote.ballot.is_some()).count();
        let expected = if height % 5 == 4 { 3 } else { 0 };
        assert_eq!(ballots, expected, "height {height}");
    }
}

#[test]
fn candidates_with_more_votes_win_and_ties_go_to_the_lower_number() {
    let stage: Stage = TestCluster::new(5, tenures());
    let elected = |ballots: &[[u32; 3]]| {
        let mut certificate = Certificate { height: Height(4), round: 0, block: Hash::ZERO, votes: Vec::new() };
        for (at, ballot) in ballots.iter().enumerate() {
            let vote = vote(&stage, at, 0, (4, Hash::ZERO), Some(nodes(ballot).into()));
            certificate.votes.push(certificate_vote(NodeId::from(at), &vote));
        }
        stage.node(0).elect(&certificate)
    };
    assert_eq!(elected(&[[4, 3, 2], [4, 3, 2], [0, 1, 2]]), nodes(&[2, 3, 4]), "three, two and two votes");
    assert_eq!(elected(&[[4, 3, 2], [3, 4, 1], [0, 3, 4]]), nodes(&[3, 4, 0]), "one vote each for 0, 1 and 2");
    assert_eq!(elected(&[[4, 3, 2], [2, 3, 4], [0, 1, 2]]), nodes(&[2, 3, 4]), "the order in a ballot says nothing");
    assert_eq!(elected(&[]), nodes(&[0, 1, 2]));
}

#[test]
fn drawn_ballots_elect_the_same_butlers_everywhere_and_others_from_time_to_time() {
    let mut stage: Stage = TestCluster::new(7, Config { election: Election::Random, ..tenures() });
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..12 {
        stage.run(SECOND * 10);
        let duty = stage.node(0).duty.clone();
        assert!((0..7).all(|node| stage.node(node).duty == duty));
        assert_eq!(duty.len(), 3);
        seen.insert(duty);
    }
    assert!(seen.len() > 3, "{seen:?}");
}

#[test]
fn a_tenure_is_handed_over_though_the_butler_of_the_special_block_is_missing() {
    let config = Config { randomness: Randomness::Seed, ..tenures() };
    let mut stage: Stage = TestCluster::new(5, config);
    stage.run(SECOND * 9);
    assert_eq!(stage.finalized(0).len(), 5, "four blocks");
    let on_duty = stage.node(0).butler(None, 0).index();
    stage.crash(on_duty);
    let witness = (on_duty + 1) % 5;
    assert!(stage.run_while(SECOND * 20, |stage| stage.finalized(witness).len() < 6));
    let special = &stage.finalized(witness)[5];
    assert_ne!(special.header.proposer.index(), on_duty);
    assert_eq!(stage.node(witness).duty, nodes(&[0, 1, 2]), "the ballots were filled before it was missed");
    assert!(stage.run_while(SECOND * 60, |stage| stage.finalized(witness).len() < 11));
    assert!(!stage.node(witness).duty.contains(&NodeId::from(on_duty)), "the next election sees it");
}

#[test]
fn only_those_who_do_not_vote_are_elected_where_commissioners_do_not_stand() {
    let config = Config { commissioners: 4, commissioners_stand: false, butlers: 2, tenure: 3, ..Config::default() };
    let mut stage: Stage = TestCluster::new(8, config);
    stage.crash(5);
    stage.run(SECOND * 40);
    let proposers: Vec<u32> = stage.finalized(0)[1..].iter().map(|block| block.header.proposer.0).collect();
    assert!(proposers.len() > 8 && proposers.iter().all(|node| [4, 6].contains(node)), "{proposers:?}");
}

#[test]
fn a_grinding_butler_keeps_the_turn_unless_no_node_can_choose_it() {
    for (randomness, keeps) in [(Randomness::Certificate, true), (Randomness::Seed, false)] {
        let mut stage: Stage = TestCluster::empty(7, Config { randomness, ..Config::default() });
        stage.set_attack(6, "grind");
        (0..7).for_each(|node| stage.boot(node));
        stage.run(SECOND * 240);
        let chain = &stage.finalized(0)[1..];
        let own = chain.iter().filter(|block| block.header.proposer == NodeId(6)).count();
        assert_eq!(stage.disagreement(&all(6)), None);
        assert!(chain.len() > 90, "{}", chain.len());
        // Of 7 votes at least 4: 64 sets, each of which draws it with one in seven.
        let share = own * 100 / chain.len();
        assert!(if keeps { share > 60 } else { share < 25 }, "{randomness:?}: {share} %");
    }
}
