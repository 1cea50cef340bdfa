//! What `k` of `l` is worth: safe up to so many double signers, live up to so many silent ones, and one more is too
//! many.

use super::*;

/// Runs `l` signers, the last `Byzantine nodes` of them double signers and the others cut in two halves that differ by one at
/// most, for two turns of every signer. Whether two honest signers made different blocks final.
fn forks(config: Config, l: usize, faulty: usize) -> bool {
    let honest = l - faulty;
    let mut stage = Stage::empty(l, config);
    (honest..l).for_each(|node| stage.set_attack(node, "double_sign"));
    (0..l).for_each(|node| stage.boot(node));
    let (one, other): (Vec<usize>, Vec<usize>) = (0..honest).partition(|node| node % 2 == 0);
    stage.partition(&one, &other);
    slots(&mut stage, 0, 2 * l as u64);
    stage.disagreement(&(0..honest).collect::<Vec<_>>()).is_some()
}

/// How many blocks become final in four turns of every signer while the last `silent` signers are down.
fn lives(config: Config, l: usize, silent: usize) -> usize {
    let mut stage = Stage::new(l, config);
    (l - silent..l).for_each(|node| stage.crash(node));
    slots(&mut stage, 0, 4 * l as u64);
    heights(&stage, &[0])[0]
}

#[test]
fn the_table_of_safety_and_liveness_is_tight_for_the_strict_and_the_locked_rule() {
    // l, k, safe up to so many double signers, live up to so many silent.
    for (l, k, safe, live) in [(15, 11, 6, 4), (10, 6, 1, 4), (9, 6, 2, 3), (7, 4, 0, 3), (7, 5, 2, 2), (5, 3, 0, 2)] {
        for config in [config(), rule(Rule::Strict, false, Collection::Broadcast)] {
            let config = Config { k, ..config };
            assert!(!forks(config.clone(), l, safe), "{k} of {l} is safe with {safe}");
            assert!(forks(config.clone(), l, safe + 1), "{k} of {l} forks with {}", safe + 1);
            assert!(lives(config.clone(), l, live) > l, "{k} of {l} lives with {live} silent");
            assert_eq!(lives(config, l, live + 1), 0, "{k} of {l} stops with {}", live + 1);
        }
    }
}

#[test]
fn half_of_the_signers_or_less_fork_under_a_partition_without_any_faulty_node() {
    for (l, k, forked) in [(8, 4, true), (7, 3, true), (4, 2, true), (8, 5, false), (7, 4, false), (4, 3, false)] {
        for config in [config(), rule(Rule::Strict, false, Collection::Star)] {
            assert_eq!(forks(Config { k, ..config }, l, 0), forked, "{k} of {l}");
        }
    }
}

#[test]
fn four_silent_of_fifteen_empty_their_slots_and_a_fifth_stops_the_chain_until_it_returns() {
    let mut stage = Stage::new(15, Config { k: 11, empty_blocks: true, ..config() });
    (11..15).for_each(|node| stage.crash(node));
    stage.run_until(at(46));
    assert_eq!(heights(&stage, &[0, 10]), [33, 33], "eleven of fifteen slots, in three turns");
    stage.crash(10);
    stage.run(SLOT * 30);
    assert_eq!(heights(&stage, &[0, 9]), [33, 33], "halts");
    stage.boot(10);
    stage.run(SLOT * 16);
    assert!(heights(&stage, &[0])[0] >= 33 + 10, "recovers: {:?}", heights(&stage, &[0]));
    assert_eq!(stage.disagreement(&(0..11).collect::<Vec<_>>()), None);
}

/// Eleven signers, `k = 8`: six sign one block, five another.
fn split(config: Config) -> Stage {
    let mut stage = Stage::new(11, Config { k: 8, empty_blocks: true, ..config });
    stage.run_until(Time::from_nanos(at(1).as_nanos() - 1));
    (0..11).for_each(|node| (0..11).filter(|to| *to != node).for_each(|to| stage.cut(node, to)));
    stage.run_until(at(1) + MILLI);
    let genesis = stage.chain(0)[0].clone();
    let (one, two) = (block(&stage, &genesis, 1, 0, 0..1), block(&stage, &genesis, 1, 7, 1..2));
    stage.heal();
    for node in (0..11).filter(|node| *node != 1) {
        let message = propose(&stage, 1, if node < 6 { &one } else { &two });
        stage.inject(1, node, message);
    }
    stage.run(SLOT.scale(1, 2));
    stage
}

#[test]
fn split_signatures_block_the_height_for_ever_under_the_strict_rule_and_that_is_detected() {
    let mut stage = split(rule(Rule::Strict, false, Collection::Broadcast));
    stage.run(SLOT * 40);
    assert_eq!(heights(&stage, &[0, 5, 10]), [0, 0, 0]);
    assert!((0..11).all(|node| count(&stage, node, STUCK) > 0), "every signer sees it");
    let mut stage = split(rule(Rule::Strict, false, Collection::Star));
    stage.run(SLOT * 40);
    assert_eq!(heights(&stage, &[0, 5, 10]), [0, 0, 0]);
    assert!((0..11).all(|node| count(&stage, node, STUCK) > 0), "every creator learns which signer is bound to what");
}

#[test]
fn split_signatures_resolve_in_the_next_slot_under_the_other_rules() {
    let rules =
        [config(), rule(Rule::Resign, false, Collection::Star), rule(Rule::Resign, true, Collection::Broadcast)];
    for config in rules {
        let depth = if config.rule == Rule::Resign { 2 } else { 1 };
        let mut stage = split(config);
        assert!((0..11).all(|node| stage.chain(node).len() == 1), "no signer has eight signatures");
        stage.run_until(at(1 + depth) + SLOT.scale(1, 2));
        assert!((0..11).all(|node| heights(&stage, &[node]) == [1] && count(&stage, node, STUCK) == 0));
    }
}

#[test]
fn a_locked_signer_helps_another_block_only_with_a_later_justification() {
    let mut stage = Stage::new(4, Config { empty_blocks: true, ..config() });
    stage.run_until(at(1));
    stage.deliver(|_| true);
    assert_eq!(stage.deliver(|flight| flight.to.0 == 0), 2, "the pre-commits of nodes 2 and 3");
    stage.lose(|_| true);
    let locked = stage.node(0).memory.clone().expect("node 0 saw three pre-commits and locked");
    assert!(stage.node(2).memory.is_none(), "the others did not");
    let other = block(&stage, &stage.chain(0)[0].clone(), 2, 9, 0..0);
    let (node, known) = (stage.node(0), &locked.block);
    assert!(node.permits(known, None) && !node.permits(&other, None) && !node.permits(&other, Some(0)));
    assert!(node.permits(&other, Some(1)));
    stage.run_until(at(9));
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
    assert!(heights(&stage, &[0, 3]).iter().all(|height| *height >= 7), "goes on: {:?}", heights(&stage, &[0, 3]));
}

#[test]
fn a_block_locked_by_one_signer_alone_is_proposed_again_and_becomes_final() {
    let mut stage = Stage::new(7, Config { empty_blocks: true, ..config() });
    stage.run_until(at(1));
    stage.deliver(is_kind("propose"));
    stage.deliver(|flight| flight.message.kind() == "pre-commit" && flight.to.0 == 2);
    stage.lose(|_| true);
    let locked = stage.node(2).memory.clone().expect("node 2 locked").block.clone();
    stage.run_until(at(3));
    let first = stage.chain(5).get(1).map(|block| block.id());
    assert_eq!(first, Some(locked.id()), "slot 2 is node 2's, who proposes what it is locked on");
    assert!((0..7).all(|node| stage.chain(node)[1].id() == locked.id()));
}

/// A witness of slot 1's block is kept back while another block of that height is signed in slot 2, and `children` on it
/// in the next slots; then all are shown it.
fn show_late_witness(depth: u64, children: u64) {
    let config = Config { empty_blocks: true, depth, ..rule(Rule::Resign, false, Collection::Star) };
    let mut stage = Stage::new(4, config);
    stage.run_until(at(1) + MILLI * 2);
    let late: Vec<Message> = stage.flights().filter(|f| is_kind("block")(f)).map(|f| f.message.clone()).collect();
    assert_eq!(late.len(), 3, "the creator has the witness");
    let Message::Blocks(blocks, _) = &late[0] else { panic!("a signed block") };
    let first = blocks[0].block.clone();
    stage.lose(is_kind("block"));
    stage.crash(1);
    stage.run_until(at(2 + children) + SLOT.scale(1, 2));
    let before = stage.chain(0).to_vec();
    assert_eq!((before.len() as u64, before[1].header.proposer), (2 + children, NodeId(2)), "another block was signed");
    // No child of it can be signed any more once another block of that height was.
    let child = block(&stage, &first, 8, 0, 0..0);
    assert!([0, 2, 3].iter().all(|node| stage.node(*node).permits(&child, None) == (children == 0)));
    [0, 2, 3].into_iter().for_each(|node| stage.inject(1, node, late[0].clone()));
    stage.run(MILLI * 2);
    let given_up = |node: usize| before.iter().filter(|block| !stage.chain(node).contains(block)).count();
    let expected = usize::from(children == 0);
    assert_eq!([0, 2, 3].map(given_up), [expected; 3], "depth {depth}, {children} children");
    // The lower slot wins, but not against more height.
    let winner = if children == 0 { first.id() } else { before[1].id() };
    stage.boot(1);
    stage.run_until(at(14));
    for node in 0..4 {
        assert_eq!(stage.chain(node)[1].id(), winner, "node {node}, depth {depth}, {children} children");
    }
    assert!(heights(&stage, &[0, 1, 2, 3]).iter().all(|height| *height >= 1));
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
}

#[test]
fn a_late_witness_reorganises_one_block_at_most_under_the_resign_rule() {
    // At the usual depth of two the rival is final with its first child; at depth nine height alone decides.
    for depth in [0, 9] {
        (0..3).for_each(|children| show_late_witness(depth, children));
    }
}

#[test]
fn chains_go_by_height_then_slot_then_hash_of_the_first_differing_block_and_keep_what_is_final() {
    let mut stage = Stage::new(4, Config { depth: 3, ..rule(Rule::Resign, false, Collection::Broadcast) });
    stage.run_until(at(9));
    let genesis = stage.chain(0)[0].clone();
    let give = |stage: &mut Stage, slots: &[u64], nanos: u64| {
        let (mut parent, mut signed) = (genesis.clone(), Vec::new());
        for slot in slots {
            parent = block(stage, &parent, *slot, nanos, 0..0);
            signed.push(sealed(stage, 8, &parent, &[1, 2, 3]));
        }
        stage.inject(1, 0, Message::Blocks(signed.into(), true));
        stage.run(MILLI);
        (stage.chain(0).last().unwrap().id() == parent.id(), parent.id())
    };
    assert!(give(&mut stage, &[3, 4], 0).0);
    assert!(give(&mut stage, &[2, 6], 0).0, "the lower slot of the first differing block");
    assert!(!give(&mut stage, &[3, 5], 0).0);
    assert!(!give(&mut stage, &[2], 1).0, "less high");
    let (wins, _) = give(&mut stage, &[2, 6], 2);
    let (first, second) = (block(&stage, &genesis, 2, 0, 0..0).id(), block(&stage, &genesis, 2, 2, 0..0).id());
    assert_eq!(wins, second < first, "the lower hash of the first differing block");
    assert!(give(&mut stage, &[3, 4, 5], 0).0, "higher");
    assert_eq!(stage.finalized(0).len(), 2, "final at depth 3");
    assert!(!give(&mut stage, &[2, 3, 4, 5, 6], 3).0, "what is final stays, whatever is longer");
}

#[test]
fn no_order_of_arrival_makes_two_blocks_final_below_the_bound_even_with_windows_longer_than_slots() {
    for seed in 0..12u64 {
        for (kind, window) in
            [(Rule::Locked, 2), (Rule::Locked, 1), (Rule::Strict, 2), (Rule::Resign, 2), (Rule::Resign, 1)]
        {
            let mut random = crate::base::Stream::new(seed, "threshold orders", window, 0);
            let config = Config { k: 5, rule: kind, window: SLOT * window, empty_blocks: true, ..config() };
            let mut stage = Stage::empty(7, config);
            [0, 1].into_iter().for_each(|node| stage.set_attack(node, "double_sign"));
            (0..7).for_each(|node| stage.boot(node));
            stage.set_delay(SLOT * 100);
            for _ in 0..120 {
                stage.run(SLOT.scale(1, 4));
                let (deaf, loss) = (random.index(7) as u32, random.unit());
                stage.deliver(|flight| flight.to.0 != deaf && !random.chance(loss));
                stage.lose(|_| random.chance(0.15));
            }
            assert_eq!(stage.disagreement(&[2, 3, 4, 5, 6]), None, "seed {seed}, {kind:?}, window of {window}");
            stage.set_delay(MILLI);
            stage.lose(|_| true);
            let before = stage.chain(3).len();
            stage.run(SLOT * 20);
            assert!(kind == Rule::Strict || stage.chain(3).len() > before + 5, "seed {seed}: goes on");
        }
    }
}

#[test]
fn a_signer_that_spoke_in_a_slot_is_silent_in_earlier_ones() {
    let mut stage = Stage::new(4, Config { empty_blocks: true, window: SLOT * 2, ..config() });
    stage.set_delay(SLOT * 9);
    stage.run_until(at(1));
    stage.deliver(is_kind("propose"));
    stage.run_until(at(2));
    stage.deliver(is_kind("propose"));
    stage.deliver(|flight| is_kind("pre-commit")(flight) && flight.to.0 == 0);
    let slot_of = |flight: &Flight<Message>| match flight.message {
        Message::Vote(Phase::Sign, vote, _) if flight.from.0 == 0 => Some(vote.slot),
        _ => None,
    };
    let signed: std::collections::BTreeSet<u64> = stage.flights().filter_map(slot_of).collect();
    // Slot 1 had its three pre-commits first, but this signer had pre-committed in slot 2 by then, without a lock.
    assert_eq!(signed.into_iter().collect::<Vec<u64>>(), [2]);
}
