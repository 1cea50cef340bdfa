//! Thresholds, close times, the preferred branch and the negative UNL.

use super::*;

#[test]
fn the_avalanche_asks_for_more_as_time_passes() {
    let stage = stage(1);
    let config = Config { min_rounds: 0, ..Config::default() };
    // Percent of yes votes, percent of time, taken.
    for (yes, percent, taken) in [
        (60, 40, true),
        (50, 40, false),
        (60, 55, false),
        (66, 55, true),
        (70, 90, false),
        (94, 200, false),
        (96, 200, true),
    ] {
        let mut dispute = Dispute::new(Item::Transaction(stage.transaction(1, 0)), false);
        let mut now = 0;
        while now < percent {
            now += 5;
            dispute.mine = false;
            // One peer more than a hundred is this node, which votes no.
            dispute.update(yes * 10, 999 - yes * 10, now, true, &config);
        }
        assert_eq!(dispute.mine, taken, "{yes} % at {percent} %");
    }
}

#[test]
fn a_dispute_stays_two_updates_at_a_threshold() {
    let stage = stage(1);
    let mut dispute = Dispute::new(Item::Transaction(stage.transaction(1, 0)), true);
    let states: Vec<usize> = (0..8)
        .map(|_| {
            dispute.update(50, 50, 300, true, &Config::default());
            dispute.state
        })
        .collect();
    assert_eq!(states, [0, 0, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn the_quorum_is_four_fifths_of_those_that_count_and_three_fifths_of_all() {
    for (n, negative, quorum) in [(5, 0, 4), (10, 0, 8), (20, 0, 16), (35, 0, 28), (10, 1, 8), (10, 2, 7), (8, 2, 5)] {
        let members = (0..n).map(NodeId::from).collect();
        let off: Vec<NodeId> = (0..negative).map(NodeId::from).collect();
        assert_eq!(unl::committee(&members, &off, 80, n).quorum(), quorum, "{n} less {negative}");
    }
}

/// Nodes 8 and 9 stop, are disabled one per flag ledger, then node 7 stops.
fn lose_three(negative_unl: bool) -> (Stage, u64, u64) {
    let mut stage = Rehearsal::new(10, Config { negative_unl, flag_interval: 4, ..Config::default() });
    stage.run(SECOND * 20);
    stage.crash(8);
    stage.crash(9);
    for nonce in 0..40 {
        feed(&mut stage, 1, nonce);
        stage.run(SECOND * 5);
    }
    stage.crash(7);
    stage.run(SECOND * 60);
    let before = height(&stage, 0);
    for nonce in 40..50 {
        feed(&mut stage, 1, nonce);
        stage.run(SECOND * 8);
    }
    let after = height(&stage, 0);
    (stage, before, after)
}

#[test]
fn the_negative_list_lets_seven_of_ten_go_on() {
    let (stage, before, after) = lose_three(true);
    assert_eq!(stage.node(0).tip.ledger.next_negative().len(), 2);
    assert!(after > before + 5, "{before} to {after}");
    assert_eq!(stage.disagreement(&all(&stage)), None);
}

#[test]
fn without_it_ledgers_close_and_none_is_validated_until_a_node_returns() {
    let (mut stage, before, after) = lose_three(false);
    assert_eq!(after, before);
    assert!(stage.chain(0).len() as u64 > after + 5);
    stage.boot(7);
    stage.run(SECOND * 120);
    assert!(height(&stage, 0) > after + 5);
    assert_eq!(stage.disagreement(&all(&stage)), None);
}

#[test]
fn clocks_that_seem_25_seconds_apart_end_in_one_ledger() {
    for bin in [1, 10, 30] {
        let bins = vec![SECOND * bin; 6];
        let mut stage: Stage = Rehearsal::new(6, Config { bins, min_close: SECOND * 5, ..Config::default() });
        feed(&mut stage, 1, 0);
        stage.run_until(at(8_000));
        let lies: Vec<_> = stage.flights().map(|f| (f.from, f.to, f.message.clone())).collect();
        stage.lose(|_| true);
        for (from, to, message) in lies {
            let Message::Propose(mut said) = message else { panic!("only proposals yet") };
            if from.0 >= 3 {
                said.close = said.close.map(|time| time + SECOND * 25);
                said.signature = stage.keys().sign(from.0, &said.statement());
            }
            stage.inject(from.index(), to.index(), Message::Propose(said));
        }
        stage.run(SECOND * 60);
        assert!(height(&stage, 0) >= 1, "bin {bin}");
        assert_eq!(stage.disagreement(&all(&stage)), None);
    }
}

/// Signed word of a node that it closed a ledger.
fn validation(stage: &Stage, node: u32, name: Hash, seq: u64) -> Message {
    let signature = crate::base::Signature::NONE;
    let (seq, time) = (Height(seq), stage.now());
    let mut said = Validation { ledger: name, seq, time, full: true, node: NodeId(node), signature };
    said.signature = stage.keys().sign(node, &said.statement());
    Message::Validate(said)
}

#[test]
fn a_branch_is_preferred_if_those_who_have_not_spoken_cannot_change_it() {
    let mut stage: Stage = Rehearsal::new(10, Config::default());
    let (mut names, mut indices) = (Vec::new(), Vec::new());
    // Two children of genesis, known to node 0.
    for bin in [1, 3] {
        let node = stage.node(0).clone();
        let mut ledger = node.build(&Set::new([]));
        ledger.bin = bin;
        let header = crate::chain::Header { seal: ledger.seal(), ..ledger.block.header };
        ledger.block = crate::chain::Block::new(header, ledger.block.batch.clone());
        indices.push(stage.learn(&ledger.block).unwrap());
        names.push(crate::base::Digest::new("name").u64(u64::from(bin)).finish());
    }
    let mut node = stage.node(0).clone();
    for (name, index) in names.iter().zip(&indices) {
        node.names.insert(*name, *index);
        let ledger = stage.node(0).tip.ledger.clone();
        node.ledgers.insert(*index, Known { ledger, name: *name, index: *index });
    }
    let say = |node: &mut Ripple, who: u32, name: Hash, seq: u64| {
        let Message::Validate(said) = validation(&stage, who, name, seq) else { panic!("a validation") };
        node.latest.insert(NodeId(who), said);
    };
    let genesis = node.tip.name;
    (0..3).for_each(|who| say(&mut node, who, names[0], 1));
    (3..5).for_each(|who| say(&mut node, who, names[1], 1));
    (5..9).for_each(|who| say(&mut node, who, genesis, 0));
    assert_eq!(node.preferred(stage.tree()), BlockIndex::GENESIS, "three, two, and four uncommitted");
    (5..7).for_each(|who| say(&mut node, who, names[0], 1));
    assert_eq!(node.preferred(stage.tree()), indices[0], "five, two, and two uncommitted");
}

#[test]
fn sides_that_went_apart_meet_again_though_one_is_far_ahead_in_number() {
    let mut stage = stage(5);
    feed(&mut stage, 1, 0);
    stage.run(SECOND * 20);
    let before = height(&stage, 0);
    (2..5).for_each(|node| stage.crash(node));
    // Two go on alone, first slowly, since they wait for those who spoke lately.
    for nonce in 1..30 {
        feed(&mut stage, 1, nonce);
        stage.run(SECOND * 5);
    }
    let ahead = stage.node(0).tip.height().0;
    stage.partition(&[0, 1], &[2, 3, 4]);
    (2..5).for_each(|node| stage.boot(node));
    for nonce in 1..3 {
        feed(&mut stage, 2, nonce - 1);
        stage.run(SECOND * 5);
    }
    stage.heal();
    assert!(ahead > before + 10 && stage.node(2).tip.height().0 + 10 < ahead && height(&stage, 0) == before);
    for nonce in 2..40 {
        feed(&mut stage, 2, nonce);
        stage.run(SECOND * 5);
    }
    assert!(all(&stage).iter().all(|node| height(&stage, *node) > ahead), "{}", height(&stage, 0));
    assert_eq!(stage.disagreement(&all(&stage)), None);
}

#[test]
fn lists_that_share_too_little_are_named_before_the_run() {
    let remarks = |unl: Unl, n: usize, faulty: &[u32]| {
        let faulty = faulty.iter().map(|node| NodeId(*node)).collect();
        Ripple::remarks(&Config { unl, ..Config::default() }, &Committee::new(n, FaultModel::Byzantine), &faulty)
    };
    assert!(remarks(Unl::All, 10, &[0, 1]).is_empty());
    assert_eq!(remarks(Unl::Overlap(0.4), 16, &[]).len(), 1);
    assert!(remarks(Unl::Overlap(0.4), 16, &[])[0].starts_with("the lists of n0 and n7 share 4 nodes; more than 7"));
    assert!(remarks(Unl::Overlap(0.8), 12, &[]).is_empty());
    assert_eq!(remarks(Unl::Overlap(0.8), 12, &[3]).len(), 1);
}
