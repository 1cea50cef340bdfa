//! Byzantine nodes: within the bound nothing forks, beyond it the fork is shown; and what may wait for ever.

use super::*;

#[test]
fn attackers_within_the_bound_neither_fork_nor_halt() {
    for (attack, _) in attack::ATTACKS {
        let mut stage: Stage =
            TestCluster::empty(7, Config { quorum: Quorum::TwoThirds, tenure: 6, ..Config::default() });
        stage.set_attack(2, attack);
        stage.set_attack(5, attack);
        (0..7).for_each(|node| stage.boot(node));
        stage.run(SECOND * 240);
        let honest = [0, 1, 3, 4, 6];
        assert_eq!(stage.disagreement(&honest), None, "{attack}");
        let least = honest.iter().map(|node| stage.finalized(*node).len()).min();
        assert!(least > Some(25), "{attack}: {least:?}");
        let caught = honest.iter().any(|node| evidence(&stage, *node).iter().any(|faulty| [2, 5].contains(faulty)));
        assert_eq!(caught, *attack == "equivocate", "{attack}: the others sign no two things for one round");
    }
}

#[test]
fn an_equivocating_butler_and_one_double_voter_certify_twice_with_a_majority_and_not_with_two_thirds() {
    for (quorum, forks) in [(Quorum::Majority, true), (Quorum::TwoThirds, false)] {
        let config = Config { commissioners: 5, commissioners_stand: false, quorum, ..Config::default() };
        let (mut stage, honest) = attacked(8, &config, "equivocate", Some("double_vote"));
        stage.run(SECOND * 20);
        assert_eq!(stage.disagreement(&honest).is_some(), forks, "{quorum:?}");
    }
}

/// Seven commissioners, of which the first butler and perhaps another are faulty; the honest are cut in two before the first
/// block. Whether two of them finalize different blocks.
fn forks(quorum: Quorum, accomplice: Option<&str>) -> bool {
    let config = Config { quorum, ..Config::default() };
    let (mut stage, honest) = attacked(7, &config, "equivocate", accomplice);
    let first = first_butler(7, &config);
    let others: Vec<usize> = (0..7).filter(|node| *node != first).collect();
    let side = |range: std::ops::Range<usize>| -> Vec<usize> {
        others[range].iter().copied().filter(|node| honest.contains(node)).collect()
    };
    stage.partition(&side(0..3), &side(3..6));
    stage.run(SECOND * 20);
    let forked = stage.disagreement(&honest);
    assert!(forked.is_none_or(|(a, b, height)| {
        let (one, other) = (&stage.finalized(a)[height.0 as usize], &stage.finalized(b)[height.0 as usize]);
        one.header.proposer == other.header.proposer && one.id() != other.id()
    }));
    stage.heal();
    stage.run(SECOND * 20);
    assert_eq!(stage.disagreement(&honest), forked, "what is final stays final");
    forked.is_some()
}

#[test]
fn two_faulty_nodes_of_seven_and_a_partition_fork_a_majority_and_not_two_thirds() {
    assert!(forks(Quorum::Majority, Some("double_vote")), "five votes and four");
    assert!(!forks(Quorum::Majority, None), "five votes and three");
    assert!(!forks(Quorum::TwoThirds, Some("double_vote")), "four are not five");
}

#[test]
fn one_double_voter_on_both_sides_of_a_partition_forks_a_majority_of_five_and_not_two_thirds() {
    for (quorum, faulty, forks) in
        [(Quorum::Majority, true, true), (Quorum::Majority, false, false), (Quorum::TwoThirds, true, false)]
    {
        let config = Config { commissioners: 5, commissioners_stand: false, quorum, ..Config::default() };
        let mut stage: Stage = TestCluster::empty(7, config);
        if faulty {
            stage.set_attack(4, "double_vote");
        }
        (0..7).for_each(|node| stage.boot(node));
        let mut sides = [vec![0, 1, 5], vec![2, 3, 6]];
        if !faulty {
            sides[0].push(4);
        }
        stage.partition(&sides[0], &sides[1]);
        stage.run(SECOND * 40);
        let honest = [0, 1, 2, 3, 5, 6];
        let forked = stage.disagreement(&honest);
        assert_eq!(forked.map(|(.., height)| height), forks.then_some(Height(1)), "{quorum:?}, faulty: {faulty}");
        assert_eq!(stage.finalized(0).len() > 1, quorum == Quorum::Majority, "a side with its quorum goes on");
        assert_eq!(stage.finalized(2).len() > 1, forks);
        stage.heal();
        stage.run(SECOND * 90);
        assert_eq!(stage.disagreement(&honest).is_some(), forks, "what is final stays final");
        assert!(forks || honest.iter().all(|node| stage.finalized(*node).len() > 10), "{quorum:?}, faulty: {faulty}");
    }
}

#[test]
fn a_withheld_certificate_gives_two_for_one_height_unless_votes_need_justification() {
    for hardened in [false, true] {
        let config = Config { commissioners: 5, commissioners_stand: false, hardened, ..Config::default() };
        let (mut stage, honest) = attacked(8, &config, "withhold", None);
        // The node that receives the certificate cannot pass it on at once: it is published late.
        (1..8).for_each(|to| stage.cut(0, to));
        stage.run(SECOND * 8);
        stage.heal();
        stage.run(SECOND * 8);
        assert!(stage.finalized(0).len() > 1, "the first commissioner saw a certificate");
        assert_eq!(stage.disagreement(&honest).is_none(), hardened, "hardened: {hardened}");
    }
}

/// Four commissioners whose butler is none of them and shows one block to two, another to the other two; what each voted
/// for is lost.
fn two_and_two(quorum: Quorum) -> Stage {
    let config = Config { commissioners: 4, commissioners_stand: false, quorum, ..Config::default() };
    let first = first_butler(7, &config);
    let mut stage: Stage = TestCluster::empty(7, config);
    (0..7).filter(|node| *node != first).for_each(|node| stage.boot(node));
    stage.run(SECOND * 2);
    let fields = Fields { round: 0, parent: None };
    for to in 0..4 {
        let made = block(&Block::genesis(), first, &fields, vec![stage.transaction(0, to as u64 / 2)]);
        let claim = claim(&stage, first, 0, &made, &fields);
        stage.inject(first, to, Message::Propose(Arc::new(Proposal { claim, reports: Vec::new() })));
    }
    stage.run(SECOND * 300);
    stage
}

#[test]
fn an_equivocating_butler_may_make_a_height_of_two_thirds_wait_for_ever_and_none_of_a_majority() {
    // No node knows whether one of four reports a false vote, and so either block may have three: with one phase of
    // votes, only more than 5 f commissioners could be sure. The height waits rather than fork.
    let stage = two_and_two(Quorum::TwoThirds);
    assert!((0..4).all(|node| stage.finalized(node).len() == 1 && stage.node(node).round > 6));
    // Where commissioners do not lie, two votes of four are not three, and neither block was certified.
    let stage = two_and_two(Quorum::Majority);
    assert!((0..4).all(|node| stage.finalized(node).len() > 100));
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
}

#[test]
fn a_commissioner_caught_as_a_two_faced_butler_cannot_make_a_height_wait() {
    // The same with the butler one of the four: the two blocks that it signed in one round are reported, so that the
    // three others are known not to lie.
    let config = Config { quorum: Quorum::TwoThirds, ..Config::default() };
    let first = first_butler(4, &config);
    let others: Vec<usize> = (0..4).filter(|node| *node != first).collect();
    for split in [[0, 1, 1], [0, 0, 1], [0, 1, 2], [0, 1, 3]] {
        let mut stage: Stage = TestCluster::empty(4, config.clone());
        others.iter().for_each(|node| stage.boot(*node));
        stage.run(SECOND * 2);
        let fields = Fields { round: 0, parent: None };
        for (to, number) in others.iter().zip(split).filter(|(_, number)| *number < 3) {
            let made = block(&Block::genesis(), first, &fields, vec![stage.transaction(0, number)]);
            let claim = claim(&stage, first, 0, &made, &fields);
            // It reports one of them too, and first.
            let reported = report(&stage, first, (1, 1), Some(claim.clone()));
            stage.inject(first, *to, Message::Propose(Arc::new(Proposal { claim, reports: Vec::new() })));
            others.iter().for_each(|to| stage.inject(first, *to, Message::Report(reported.clone())));
        }
        stage.run(SECOND * 60);
        assert!(others.iter().all(|node| stage.finalized(*node).len() > 10), "{split:?}");
        assert_eq!(stage.disagreement(&others), None);
    }
}

#[test]
fn a_faulty_commissioner_cannot_make_a_height_wait_with_reports_of_blocks_that_no_node_proposed() {
    let config = Config { quorum: Quorum::TwoThirds, ..Config::default() };
    let faulty = first_butler(4, &config);
    let honest: Vec<usize> = (0..4).filter(|node| *node != faulty).collect();
    let fields = Fields { round: 0, parent: None };
    for by in 0..4 {
        let mut stage: Stage = TestCluster::empty(4, config.clone());
        honest.iter().for_each(|node| stage.boot(*node));
        // A block in the name of one of them, valid or, where it is the Byzantine node's own turn, not.
        let payments = if by == faulty { vec![stage.transaction(0, 0); 2] } else { Vec::new() };
        let made = block(&Block::genesis(), by, &fields, payments);
        let claim = claim(&stage, faulty, 0, &made, &fields);
        for round in 1..8 {
            // Its report always comes first.
            let lie = report(&stage, faulty, (1, round), Some(claim.clone()));
            honest.iter().for_each(|to| stage.inject(faulty, *to, Message::Report(lie.clone())));
            stage.run(SECOND);
        }
        stage.run(SECOND * 10);
        assert!(honest.iter().all(|node| stage.finalized(*node).len() > 4), "a block in the name of {by}");
        assert_eq!(stage.disagreement(&honest), None);
    }
}

#[test]
fn a_commissioner_without_a_log_learns_again_what_its_chain_holds_and_goes_on() {
    let mut stage: Stage = TestCluster::new(4, Config { quorum: Quorum::TwoThirds, ..Config::default() });
    stage.run(SECOND * 20);
    let before = stage.finalized(2).len();
    stage.crash(2);
    stage.forget(2, usize::MAX);
    stage.boot(2);
    stage.run(SECOND * 40);
    assert!(before > 3 && stage.finalized(2).len() > before + 3, "{before} {}", stage.finalized(2).len());
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
}
