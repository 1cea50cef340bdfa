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
    assert_eq!(states, [0, 1, 1, 2, 2, 3, 3, 3]);
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
    let mut stage = TestCluster::new(10, Config { negative_unl, flag_interval: 4, ..Config::default() });
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

/// The ledgers of a node's chain that disable a member, and those that enable one, with the member.
fn changes(stage: &Stage, node: usize) -> [Vec<(u64, u32)>; 2] {
    let all: BTreeMap<Hash, &Ledger> =
        stage.node(node).ledgers.values().map(|known| (known.ledger.block.id(), &*known.ledger)).collect();
    let chain: Vec<&Ledger> = stage.chain(node).iter().filter_map(|block| all.get(&block.id()).copied()).collect();
    let of = |change: fn(&Ledger) -> Option<NodeId>| {
        let found = chain.iter().filter_map(|ledger| Some((ledger.block.height().0, change(ledger)?.0)));
        found.collect::<Vec<(u64, u32)>>()
    };
    [of(|ledger| ledger.disable), of(|ledger| ledger.enable)]
}

/// Pays every five seconds until `reached` holds.
fn pay_until(stage: &mut Stage, nonces: &mut std::ops::RangeFrom<u64>, reached: impl Fn(&Stage) -> bool) {
    for nonce in nonces.take(200) {
        feed(stage, 1, nonce);
        stage.run(SECOND * 5);
        if reached(stage) {
            return;
        }
    }
    panic!("not reached: validated {}, closed {}", height(stage, 0), stage.chain(0).len() - 1);
}

/// Nodes that measure reliability over eight ledgers.
fn flagged(n: usize) -> Stage {
    TestCluster::new(n, Config { negative_unl: true, flag_interval: 8, ..Config::default() })
}

/// Ten of them, three of which are lost once so many ledgers are validated: what comes after, and how many there were.
fn three_lost_after(validated: u64) -> (Stage, std::ops::RangeFrom<u64>, u64) {
    let (mut stage, mut nonces) = (flagged(10), 0..);
    pay_until(&mut stage, &mut nonces, |stage| height(stage, 0) >= validated);
    (7..10).for_each(|node| stage.crash(node));
    let before = height(&stage, 0);
    (stage, nonces, before)
}

#[test]
fn three_lost_at_once_stop_validation_until_two_flag_ledgers_have_disabled_two_of_them() {
    let (mut stage, mut nonces, before) = three_lost_after(8);
    assert!(before < 12, "they validated in less than half of the window: {before}");
    // The negative list of a ledger is what its ancestors say: seven are a quorum from ledger 25 on.
    pay_until(&mut stage, &mut nonces, |stage| {
        let closed = stage.chain(0).len() as u64 - 1;
        assert!(closed > 24 || height(stage, 0) == before, "{closed} closed, {} validated", height(stage, 0));
        height(stage, 0) >= 41
    });
    let [disabled, enabled] = changes(&stage, 0);
    assert_eq!(disabled.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [16, 24, 32], "one per flag ledger");
    assert!(disabled.iter().all(|(_, node)| *node >= 7) && disabled[0].1 != disabled[1].1);
    assert!(enabled.is_empty() && stage.node(0).tip.ledger.negative.len() == 3, "a quarter of ten, rounded up");
    assert_eq!(stage.disagreement(&all(&stage)), None);
}

#[test]
fn three_that_validated_for_half_of_a_window_are_missed_until_one_returns() {
    let (mut stage, mut nonces, before) = three_lost_after(13);
    assert!(before < 16, "{before}");
    pay_until(&mut stage, &mut nonces, |stage| stage.chain(0).len() > 34);
    // Without a validated ledger no new window begins.
    assert!(height(&stage, 0) == before && changes(&stage, 0).concat().is_empty());
    stage.boot(7);
    pay_until(&mut stage, &mut nonces, |stage| height(stage, 0) > 34);
    assert_eq!(stage.disagreement(&all(&stage)), None);
}

#[test]
fn a_node_that_validates_again_is_enabled_and_counts() {
    let (mut stage, mut nonces) = (flagged(5), 0..);
    stage.run(SECOND * 20);
    stage.crash(4);
    pay_until(&mut stage, &mut nonces, |stage| height(stage, 0) >= 18);
    assert_eq!(changes(&stage, 0).concat(), [(8, 4)], "it stays disabled as long as it is silent");
    stage.boot(4);
    pay_until(&mut stage, &mut nonces, |stage| height(stage, 0) >= 34);
    let [disabled, enabled] = changes(&stage, 0);
    assert_eq!(disabled, [(8, 4)]);
    assert!(
        enabled == [(24, 4)] || enabled == [(32, 4)],
        "at the end of the first window with its validations: {enabled:?}"
    );
    // Four of five are a quorum: without node 3, node 4 must count.
    stage.crash(3);
    let before = height(&stage, 0);
    pay_until(&mut stage, &mut nonces, |stage| height(stage, 0) >= before + 3);
    assert_eq!(stage.disagreement(&all(&stage)), None);
}

#[test]
fn at_most_one_is_wanted_each_way_and_never_more_than_a_quarter_rounded_up_disabled() {
    // Members, how many of them disabled, whether one more may be.
    for (n, negative, more) in [
        (1, 0, false),
        (3, 0, true),
        (3, 1, false),
        (4, 0, true),
        (4, 1, false),
        (5, 1, true),
        (5, 2, false),
        (6, 1, true),
        (6, 2, false),
        (10, 2, true),
        (10, 3, false),
        (12, 2, true),
        (12, 3, false),
        (35, 8, true),
        (35, 9, false),
    ] {
        // Every ledger is a flag ledger, and no member validated.
        let stage: Stage = TestCluster::new(n, Config { negative_unl: true, flag_interval: 1, ..Config::default() });
        let mut node = stage.node(0).clone();
        let off: Vec<NodeId> = (0..negative).map(NodeId).collect();
        node.tip.ledger = Arc::new(Ledger { negative: off.clone(), ..(*node.tip.ledger).clone() });
        let wanted = node.negative_votes();
        assert_eq!(wanted.len(), usize::from(more), "{negative} of {n}");
        assert!(wanted.iter().all(|item| matches!(item, Item::Disable(node) if !off.contains(node))));
        // Now every member has.
        node.validated_by = (0..n).map(|member| (NodeId::from(member), 1)).collect();
        let wanted = node.negative_votes();
        assert_eq!(wanted.len(), usize::from(negative > 0), "{negative} of {n}");
        assert!(wanted.iter().all(|item| matches!(item, Item::Enable(node) if off.contains(node))));
    }
}

#[test]
fn the_negative_list_lets_seven_of_ten_go_on() {
    let (stage, before, after) = lose_three(true);
    let [disabled, enabled] = changes(&stage, 0);
    assert_eq!(disabled.iter().map(|(number, _)| *number).collect::<Vec<_>>()[..2], [4, 8], "one per flag ledger");
    // A quarter of ten, rounded up, is three: the one that stops later follows.
    assert_eq!(disabled[..2].iter().map(|(_, node)| *node).collect::<BTreeSet<_>>(), BTreeSet::from([8, 9]));
    assert_eq!(disabled[2..].iter().map(|(_, node)| *node).collect::<Vec<_>>(), [7]);
    assert!(enabled.is_empty());
    assert_eq!(stage.node(0).tip.ledger.next_negative().len(), 3);
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

/// Six nodes, in turn with one of these clocks, which are so many seconds ahead. A stage has one clock: there is one for
/// each, and messages go from stage to stage.
fn with_clocks(ahead: &[u64], config: &Config, seconds: u64) -> Vec<Stage> {
    let home = |node: usize| node % ahead.len();
    let mut stages: Vec<Stage> = ahead.iter().map(|_| TestCluster::empty(6, config.clone())).collect();
    for (here, stage) in stages.iter_mut().enumerate() {
        stage.set_delay(MILLI * 10);
        stage.run_until(at(ahead[here] * 1_000));
        (0..6).filter(|node| home(*node) == here).for_each(|node| stage.boot(node));
        feed(stage, 1, 0);
    }
    // Steps of one delay: what leaves in one arrives in the next.
    for step in 0..=seconds * 100 {
        for (here, stage) in stages.iter_mut().enumerate() {
            stage.run_until(at(ahead[here] * 1_000 + step * 10));
            // For a second ledger.
            if step == 1_500 {
                feed(stage, 1, 1);
            }
        }
        for here in 0..stages.len() {
            let out: Vec<_> = stages[here].flights().filter(|f| home(f.to.index()) != here).cloned().collect();
            stages[here].lose(|f| home(f.to.index()) != here);
            for flight in out {
                let there = home(flight.to.index());
                stages[there].inject(flight.from.index(), flight.to.index(), flight.message);
            }
        }
    }
    stages
}

#[test]
fn clocks_apart_end_in_the_close_time_of_half_or_in_none_and_one_second_after_the_ledger_before() {
    // Clocks ahead, bin, whether a time was agreed on, the time in seconds. The round begins at 8 s of the first clock.
    let table: [(&[u64], u64, bool, u64); 8] = [
        (&[0, 25], 1, true, 33), // of equal halves the later time
        (&[0, 25], 10, true, 30),
        (&[0, 25], 30, true, 30),
        (&[0, 25], 120, true, 1), // all round to 0 s, which is not after the ledger before
        (&[0, 25, 50], 1, false, 1),
        (&[0, 25, 50], 10, false, 1),
        (&[0, 25, 50], 30, false, 1),
        (&[0, 25, 50], 120, true, 1),
    ];
    for (ahead, bin, agreed, seconds) in table {
        let config = Config { bins: vec![SECOND * bin; 6], ..Config::default() };
        let stages = with_clocks(ahead, &config, 40);
        for node in 0..6 {
            let stage = &stages[node % ahead.len()];
            let name = format!("node {node}, clocks {ahead:?}, bin {bin}");
            assert!(height(stage, node) >= 2, "{name}");
            let ledger = |number: usize| {
                let id = stage.finalized(node)[number].id();
                let mut all = stage.node(node).ledgers.values();
                all.find(|known| known.ledger.block.id() == id).unwrap().ledger.clone()
            };
            assert_eq!((ledger(1).agreed, ledger(1).block.header.time), (agreed, at(seconds * 1_000)), "{name}");
            assert_eq!(ledger(2).bin, if agreed { 2 } else { 3 }, "{name}: coarser after disagreement");
            assert_eq!(ledger(2).block.id(), stages[0].finalized(0)[2].id(), "{name}");
        }
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
    let mut stage: Stage = TestCluster::new(10, Config::default());
    let (mut names, mut indices) = (Vec::new(), Vec::new());
    // Two children of genesis, known to node 0.
    for bin in [1, 3] {
        let node = stage.node(0).clone();
        let mut ledger = node.build(&Set::new([]));
        ledger.bin = bin;
        let header = crate::chain::Header { seal: ledger.seal(), ..ledger.block.header };
        ledger.block = crate::chain::Block::new(header, ledger.block.batch.clone());
        indices.push(stage.insert_block(&ledger.block).unwrap());
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
