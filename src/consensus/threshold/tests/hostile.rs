//! Byzantine nodes, crashes, losses, floods, wrong clocks.

use super::*;
use crate::base::{Signature, Stream};
use crate::protocol::Message as _;

/// Signers of which the first `Byzantine nodes` play `attack`, run for `slots` slots.
fn attacked(config: Config, l: usize, faulty: usize, attack: &str, span: u64) -> Stage {
    let mut stage = Stage::empty(l, Config { empty_blocks: true, ..config });
    (0..faulty).for_each(|node| stage.set_attack(node, attack));
    (0..l).for_each(|node| stage.boot(node));
    slots(&mut stage, 0, span);
    stage
}

#[test]
fn every_attack_is_withstood_within_the_bound_in_every_way() {
    for (attack, _) in Threshold::ATTACKS {
        for (name, config) in all_ways() {
            // Strict signers that were split stay split.
            let may_stick = config.rule == Rule::Strict && *attack == "equivocate";
            let stage = attacked(config, 7, 2, attack, 21);
            let honest: Vec<usize> = (2..7).collect();
            assert_eq!(stage.disagreement(&honest), None, "{attack} {name}");
            let least = if may_stick { 0 } else { 12 };
            assert!(
                heights(&stage, &honest).iter().all(|h| *h >= least),
                "{attack} {name}: {:?}",
                heights(&stage, &honest)
            );
        }
    }
}

#[test]
fn an_equivocating_creator_wastes_its_slot_is_caught_and_cannot_fork_with_fewer_than_the_overlap() {
    for (faulty, forked) in [(0, false), (1, false), (2, false)] {
        let stage = attacked(config(), 7, faulty, "equivocate", 14);
        let honest: Vec<usize> = (faulty..7).collect();
        assert_eq!(stage.disagreement(&honest).is_some(), forked);
        let caught: Vec<usize> = honest.iter().map(|node| stage.node(*node).evidence.len()).collect();
        assert_eq!(caught, vec![faulty; honest.len()], "its two votes are evidence");
    }
    let mut stage = attacked(config(), 7, 1, "equivocate", 6);
    stage.run_until(at(8));
    assert!(stage.chain(3).iter().skip(1).all(|block| block.header.proposer != NodeId(0)), "slot 7 was wasted");
    let both = stage.node(3).evidence[&NodeId(0)].clone();
    assert!(both.0.verify(NodeId(0), stage.keys()) && both.1.verify(NodeId(0), stage.keys()), "others can check it");
}

#[test]
fn a_creator_that_withholds_the_block_wastes_its_slot_only_where_votes_go_to_it_alone() {
    let creators = |collection, attack| {
        let stage = attacked(rule(Rule::Locked, true, collection), 4, 1, attack, 12);
        stage.chain(2).iter().skip(1).filter(|block| block.header.proposer == NodeId(0)).count()
    };
    assert_eq!(creators(Collection::Star, "withhold"), 0);
    assert!(creators(Collection::Broadcast, "withhold") >= 2, "three other signatures are enough");
    assert_eq!(creators(Collection::Star, "selective"), 0, "half of the signers are not enough");
}

#[test]
fn double_signers_are_caught_and_both_signed_votes_are_kept() {
    for (name, config) in all_ways().into_iter().filter(|(name, _)| !name.starts_with("frost")) {
        let mut stage = Stage::new(4, Config { empty_blocks: true, ..config.clone() });
        stage.run_until(at(1) + MILLI.scale(1, 2));
        let phase = if config.pre_commit { Phase::PreCommit } else { Phase::Sign };
        let votes = [1u8, 2].map(|n| vote(&stage, 3, phase, (1, 1), &Hash::of(&[n])));
        votes.iter().for_each(|vote| stage.inject(3, 1, vote.clone()));
        stage.deliver(|flight| flight.from.0 == 3 && flight.to.0 == 1);
        assert_eq!(stage.node(1).evidence.keys().copied().collect::<Vec<_>>(), [NodeId(3)], "{name}");
        assert_eq!(count(&stage, 1, note::EVIDENCE), 1, "{name}");
    }
}

#[test]
fn a_coalition_of_k_shows_a_node_that_was_cut_off_another_history_and_one_fewer_cannot() {
    for (faulty, deceived) in [(5u32, true), (4, false)] {
        let rewrite = Some(Rewrite { from: 3, upto: 8, coalition: (0..faulty).collect(), victim: Some(6) });
        let mut stage = Stage::empty(7, Config { k: 5, empty_blocks: true, rewrite, ..config() });
        (0..faulty as usize).for_each(|node| stage.set_attack(node, "rewrite"));
        (0..6).for_each(|node| stage.boot(node));
        stage.run_until(at(6));
        assert_eq!(stage.disagreement(&[5, 6]), None, "nothing is replaced before height 8 is final");
        stage.run_until(at(12));
        // Node 6 joins late, and receives from the coalition only.
        (faulty as usize..6).for_each(|node| stage.cut(node, 6));
        stage.boot(6);
        stage.run(SLOT * 4);
        assert_eq!(stage.disagreement(&[5, 6]).map(|(.., height)| height), deceived.then_some(Height(3)));
        assert_eq!(heights(&stage, &[6]), [if deceived { 8 } else { 2 }], "what four signed is refused");
        stage.heal();
        stage.run(SLOT * 8);
        assert_eq!(stage.disagreement(&[5, 6]).is_some(), deceived, "what is final stays final");
        assert_eq!(heights(&stage, &[6])[0] < 15, deceived, "the others catch up");
    }
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_the_chain_goes_on() {
    const FUSES: u32 = 90;
    for (name, config) in all_ways() {
        let step = if config.signatures == Signing::Frost { 6 } else { 1 };
        for fuse in (0..=FUSES).step_by(step) {
            let mut stage = Stage::new(4, Config { empty_blocks: true, ..config.clone() });
            stage.crash_after_effects(2, fuse);
            stage.run_until(at(6) + SLOT.scale(1, 2));
            stage.crash(2);
            let signed: Vec<Option<(Height, Hash)>> = vec![stage.log(2).iter().rev().find_map(|r| r.memory.clone())]
                .into_iter()
                .map(|memory| memory.map(|memory| (memory.block.height(), memory.block.id())))
                .collect();
            stage.boot(2);
            let kept = stage.node(2).memory.as_ref().map(|memory| (memory.block.height(), memory.block.id()));
            assert_eq!(kept, signed[0], "{name} {fuse}: what was signed is remembered");
            stage.run_until(at(16));
            assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None, "{name} {fuse}");
            let heights = heights(&stage, &[0, 1, 2, 3]);
            assert!(heights.iter().all(|height| *height >= 9), "{name} {fuse}: {heights:?}");
            assert!((0..4).all(|node| count(&stage, node, note::EVIDENCE) == 0), "{name} {fuse}: no node signed twice");
        }
    }
}

#[test]
fn a_signer_that_restarts_signs_the_same_again_and_nothing_else() {
    let mut stage = Stage::new(4, rule(Rule::Strict, false, Collection::Broadcast));
    feed(&mut stage, 0..1, 1);
    stage.run_until(at(1));
    stage.deliver(is_kind("propose"));
    stage.lose(|_| true);
    let bound = stage.node(3).memory.clone().expect("signed, and no node received it").block.clone();
    stage.crash(3);
    stage.boot(3);
    let other = block(&stage, &stage.chain(0)[0].clone(), 4, 1, 0..1);
    assert!(stage.node(3).permits(&bound, None) && !stage.node(3).permits(&other, None));
    // Slot 4's creator proposes another block. No node has received anything yet.
    stage.set_delay(SLOT * 100);
    stage.run_until(at(4));
    stage.lose(|_| true);
    let proposal = propose(&stage, 4, &other);
    stage.inject(0, 3, proposal);
    assert_eq!(stage.deliver(|_| true), 1);
    let answers: Vec<Option<Hash>> = (stage.flights().filter(|flight| flight.from.0 == 3))
        .map(|flight| match flight.message {
            Message::Vote(Phase::Sign, vote, _) => Some(vote.block),
            _ => None,
        })
        .collect();
    assert_eq!(answers, [Some(bound.id()); 3], "to each of the others");
    stage.lose(|_| true);
    stage.set_delay(MILLI);
    stage.run_until(at(7));
    (0..4).for_each(|node| assert_eq!(stage.chain(node)[1].id(), bound.id(), "proposed again by those bound to it"));
    assert!((0..4).all(|node| stage.node(node).evidence.is_empty()), "no node signed twice");
}

#[test]
fn two_signers_that_forget_what_they_signed_fork_and_that_is_why_memory_is_written_first() {
    for (config, forget) in [(Rule::Strict, false), (Rule::Strict, true), (Rule::Locked, false), (Rule::Locked, true)]
        .map(|(kind, forget)| (rule(kind, kind == Rule::Locked, Collection::Broadcast), forget))
    {
        let mut stage = Stage::new(4, config);
        feed(&mut stage, 0..1, 1);
        stage.run_until(at(1));
        // Nodes 0, 1 and 2 sign; node 0 alone receives them.
        stage.deliver(|flight| is_kind("propose")(flight) && flight.to.0 != 3);
        stage.deliver(|flight| is_kind("pre-commit")(flight) && flight.to.0 != 3);
        stage.deliver(|flight| is_kind("sign")(flight) && flight.to.0 == 0);
        stage.lose(|_| true);
        assert_eq!(heights(&stage, &[0, 1, 2, 3]), [1, 0, 0, 0]);
        stage.partition(&[0], &[1, 2, 3]);
        for node in [1, 2] {
            stage.crash(node);
            let records = stage.log(node).len();
            stage.forget(node, if forget { records } else { 0 });
            stage.boot(node);
        }
        feed(&mut stage, 1..2, 12);
        // Strict signers who remember are bound to two blocks by now: safe and stuck.
        let goes_on = forget || stage.node(1).config.rule == Rule::Locked;
        assert!(heights(&stage, &[1, 2, 3]).iter().all(|height| (*height >= 1) == goes_on));
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]).is_some(), forget);
    }
}

#[test]
fn blocks_that_are_not_final_yet_are_reorganised_by_a_coalition_whatever_their_depth() {
    let rewrite = Some(Rewrite { from: 3, upto: 8, coalition: (0..5).collect(), victim: Some(6) });
    let mut stage = Stage::empty(7, Config { k: 5, depth: 100, empty_blocks: true, rewrite, ..config() });
    (0..5).for_each(|node| stage.set_attack(node, "rewrite"));
    (0..7).for_each(|node| stage.boot(node));
    stage.run_until(at(8) + SLOT.scale(1, 2));
    let (honest, victim) = (stage.chain(5).to_vec(), stage.chain(6).to_vec());
    assert_eq!((honest.len(), victim.len()), (9, 9));
    let differs: Vec<bool> = honest.iter().zip(&victim).map(|(one, other)| one.id() != other.id()).collect();
    assert_eq!(differs, [false, false, false, true, true, true, true, true, true], "six blocks, by the lower hash");
    stage.run_until(at(10) + SLOT.scale(1, 2));
    assert_eq!(stage.chain(6)[8].id(), honest[8].id(), "more blocks win it back");
}

#[test]
fn thirty_percent_of_loss_until_it_ends_does_not_stop_progress_for_good() {
    for (name, config) in all_ways() {
        let mut stage = Stage::new(4, config.clone());
        let mut random = Stream::new(7, "threshold loss", 0, 0);
        for step in 0..40_000u64 {
            if step.is_multiple_of(2_000) {
                let transaction = stage.transaction(0, step / 2_000);
                stage.submit_to_all(&transaction);
            }
            stage.lose(|_| random.index(10) < 3);
            stage.run(MILLI);
        }
        let before = heights(&stage, &[0])[0];
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None, "{name}");
        feed(&mut stage, 20..22, 60);
        feed(&mut stage, 22..24, 75);
        let final_now: Vec<usize> = (0..4).map(|node| stage.chain(node).len()).collect();
        if config.rule == Rule::Strict && count(&stage, 0, STUCK) > 0 {
            continue; // what the rule is known for
        }
        assert!(final_now.iter().all(|length| *length > before + 1), "{name}: {before} {final_now:?}");
        let included: usize = stage.chain(1).iter().map(|block| block.transactions().len()).sum();
        assert_eq!((included, stage.disagreement(&[0, 1, 2, 3])), (24, None), "{name}");
    }
}

#[test]
fn messages_twice_and_in_any_order_change_nothing() {
    let mut stage = Stage::new(4, Config { empty_blocks: true, ..config() });
    let mut random = Stream::new(3, "threshold order", 0, 0);
    for slot in 1..30 {
        stage.run_until(at(slot));
        for _ in 0..12 {
            let twice: Vec<Flight<Message>> = stage.flights().cloned().collect();
            twice.iter().for_each(|f| stage.inject(f.from.index(), f.to.index(), f.message.clone()));
            stage.deliver(|_| random.chance(0.5));
            stage.lose(|_| random.chance(0.3));
        }
        stage.lose(|_| true);
    }
    stage.run_until(at(40));
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
    assert!(heights(&stage, &[0])[0] >= 10);
    assert!((0..4).all(|node| stage.node(node).evidence.is_empty()));
}

#[test]
fn a_signer_that_missed_a_hundred_blocks_fetches_them_from_peers_and_refuses_those_of_a_faulty_one() {
    let mut stage = Stage::new(4, Config { empty_blocks: true, ..config() });
    stage.crash(3);
    stage.run_until(at(140));
    let blocks = stage.chain(0).to_vec();
    assert!(blocks.len() > 100);
    let asked = |stage: &Stage| stage.delivered().get("ask").copied().unwrap_or(0);
    assert_eq!(asked(&stage), 0, "one silent creator is no reason to ask");
    stage.boot(3);
    let forged = sealed(&stage, 1, &blocks[1], &[0, 0, 0]);
    let lied = Signed { slot: 2, ..(*sealed(&stage, 1, &blocks[1], &[0, 1, 2])).clone() };
    let twice = Message::Blocks(Arc::new([forged]), false);
    assert!(
        !Message::Blocks(Arc::new([Arc::new(lied)]), false).verify(NodeId(0), stage.keys()),
        "a signature names its slot"
    );
    stage.inject(2, 3, twice);
    stage.deliver(|flight| flight.from.0 == 2 && flight.to.0 == 3);
    assert_eq!(stage.chain(3).len(), 1, "one signature three times is no witness");
    stage.run(MILLI * 20);
    assert!(stage.chain(3).len() >= blocks.len(), "32 blocks per question");
    assert!((4..=8).contains(&asked(&stage)), "{:?}", stage.delivered());
    stage.run(SLOT * 6);
    assert_eq!(stage.chain(3).len(), stage.chain(0).len());
    let whole = stage.log(0).iter().filter(|record| record.is_whole).count();
    assert!(whole == 1 && stage.log(0).len() < 3 * 64, "the log is cut at images: {}", stage.log(0).len());
}

#[test]
fn everything_that_a_flooding_peer_can_grow_is_bounded() {
    let mut stage = Stage::new(4, config());
    stage.run_until(at(10));
    for n in 0..400u64 {
        let hash = Hash::of(&n.to_le_bytes());
        for phase in [Phase::PreCommit, Phase::Sign] {
            for at in [(n, 1), (10, 1), (10, n), (11, 1)] {
                let message = vote(&stage, 2, phase, at, &hash);
                stage.inject(2, 1, message);
            }
        }
        let what = block(&stage, &stage.chain(0)[0].clone(), 10, n, 0..0);
        let proposal = propose(&stage, 10, &what);
        stage.inject(2, 1, proposal);
        let announced = ProposalHeader { slot: 10, height: Height(1), block: hash, signatures: Vec::new() };
        stage.inject(2, 1, Message::Ready(Arc::new(announced), Arc::default()));
        stage.inject(2, 1, Message::Ask(Arc::new([hash; 80])));
    }
    stage.deliver(|_| true);
    let node = stage.node(1);
    assert!(node.rounds.len() <= 4 && node.known.is_empty() && node.evidence.len() == 1);
    assert!(node.bound.len() <= 1 && node.asking == (stage.timers(1).count() > 0));
    let long = Message::Ask(vec![Hash::ZERO; 81].into());
    assert!(!long.verify(NodeId(2), stage.keys()));
}

#[test]
fn a_proposal_is_refused_out_of_turn_out_of_slot_and_when_its_block_breaks_a_rule() {
    let stage_at = |time: Time| {
        let mut stage = Stage::new(4, config());
        stage.run_until(time);
        stage
    };
    let announces = |mut stage: Stage, from: usize, message: Message| {
        stage.inject(from, 3, message);
        stage.deliver(|flight| flight.to.0 == 3);
        stage.flights().any(|flight| flight.from.0 == 3 && is_kind("pre-commit")(flight))
    };
    let genesis = stage_at(at(1)).chain(0)[0].clone();
    let good = |slot: u64, nanos: u64| block(&stage_at(at(1)), &genesis, slot, nanos, 0..1);
    let said = |slot: u64, what: &Arc<Block>| propose(&stage_at(at(1)), slot, what);
    assert!(announces(stage_at(at(1)), 1, said(1, &good(1, 0))));
    assert!(announces(stage_at(at(1) + SLOT.scale(49, 100)), 1, said(1, &good(1, 0))), "within the window");
    assert!(!announces(stage_at(at(1) + SLOT.scale(51, 100)), 1, said(1, &good(1, 0))), "too late");
    assert!(
        announces(stage_at(at(1) + SLOT.scale(80, 100)), 2, said(2, &good(2, 0))),
        "a clock may be fast by the skew"
    );
    assert!(!announces(stage_at(at(1) + SLOT.scale(50, 100)), 2, said(2, &good(2, 0))), "but not by more");
    assert!(!announces(stage_at(at(1)), 2, said(1, &good(1, 0))), "signed by another");
    assert!(!announces(stage_at(at(2)), 2, said(2, &good(3, 0))), "a block of a later slot");
    let spent = block(&stage_at(at(1)), &genesis, 1, 0, 0..1);
    let twice = Batch::new([spent.transactions(), spent.transactions()].concat());
    let header = crate::chain::Header { merkle: twice.digest(), ..spent.header };
    assert!(!announces(stage_at(at(1)), 1, said(1, &Block::new(header, twice))), "an invalid batch");
    let header = crate::chain::Header { proposer: NodeId(2), ..spent.header };
    assert!(!announces(stage_at(at(1)), 1, said(1, &Block::new(header, spent.batch.clone()))), "another's block");
}

/// Four signers, but for those who are `down`, for sixteen slots and a half. The clock of node 2 is a slot fast: a stage has
/// one clock, so it has a stage of its own, the second, and messages go from one to the other.
fn with_a_fast_clock(config: &Config, down: &[usize]) -> [Stage; 2] {
    let home = |node: usize| usize::from(node == 2);
    let mut stages = [0, 1].map(|_| Stage::empty(4, config.clone()));
    for (here, stage) in stages.iter_mut().enumerate() {
        stage.set_delay(MILLI * 10);
        stage.run_until(at(here as u64));
        (0..4).filter(|node| home(*node) == here && !down.contains(node)).for_each(|node| stage.boot(node));
    }
    // Steps of one delay: what leaves in one arrives in the next.
    for step in 0..=1_650 {
        for (here, stage) in stages.iter_mut().enumerate() {
            stage.run_until(at(here as u64) + MILLI * 10 * step);
        }
        for here in [0, 1] {
            let leaves = |flight: &Flight<Message>| home(flight.to.index()) != here;
            let out: Vec<Flight<Message>> = stages[here].flights().filter(|flight| leaves(flight)).cloned().collect();
            stages[here].lose(leaves);
            for flight in out {
                stages[1 - here].inject(flight.from.index(), flight.to.index(), flight.message);
            }
        }
    }
    stages
}

#[test]
fn a_signer_whose_clock_is_a_slot_fast_loses_its_turns_while_its_signatures_count() {
    let long = Config { empty_blocks: true, window: SLOT.scale(3, 2), ..config() };
    let [stage, _] = with_a_fast_clock(&long, &[]);
    assert_eq!(heights(&stage, &[0, 1, 3]), [12; 3], "three of four slots");
    assert!(stage.chain(0)[1..].iter().all(|block| block.header.proposer != NodeId(2)), "it proposes a slot early");
    // Three of four must sign and one is down: it is one of those who sign, in the slots of the other two.
    let [stage, fast] = with_a_fast_clock(&long, &[1]);
    assert_eq!((heights(&stage, &[0, 3]), heights(&fast, &[2])), (vec![8; 2], vec![8]));
    let signs = |signed: &Arc<Signed>| match &signed.witness {
        Witness::Multi { signatures, .. } => signatures.iter().any(|(signer, _)| *signer == NodeId(2)),
        Witness::Group(_) => false,
    };
    assert!(stage.node(0).known.values().all(signs));
    // By its clock each slot is over when it begins: it signs only if a proposal may be signed that late.
    let short = Config { window: SLOT.scale(1, 2), ..long };
    let [stage, _] = with_a_fast_clock(&short, &[1]);
    assert_eq!(heights(&stage, &[0, 3]), [0; 2]);
}

#[test]
fn a_false_share_under_frost_wastes_the_slot_and_the_next_creator_goes_on() {
    let mut stage = Stage::new(4, Config { empty_blocks: true, ..frost() });
    stage.run_until(at(1) + MILLI * 3);
    let taken: Vec<Flight<Message>> = stage.flights().filter(|f| is_kind("share")(f)).cloned().collect();
    assert_eq!(taken.len(), 2, "of two chosen signers besides the creator");
    stage.lose(is_kind("share"));
    // Both send the share of one.
    stage.inject(taken[0].from.index(), 1, taken[0].message.clone());
    stage.inject(taken[1].from.index(), 1, taken[0].message.clone());
    stage.run(SLOT.scale(1, 2));
    assert_eq!((heights(&stage, &[0])[0], count(&stage, 1, note::EVIDENCE)), (0, 1));
    stage.run(SLOT);
    assert_eq!(heights(&stage, &[0, 1, 2, 3]), [1; 4]);
    let witness = stage.node(0).known.values().next().map(|signed| signed.witness.clone());
    assert!(matches!(witness, Some(Witness::Group(signature)) if signature != Signature::NONE));
}

#[test]
fn a_signer_that_never_got_the_proposal_fetches_the_block_from_those_who_signed_it() {
    let mut stage = Stage::new(4, Config { empty_blocks: true, ..config() });
    stage.run_until(at(1));
    assert_eq!(stage.lose(|flight| is_kind("propose")(flight) && flight.to.0 == 3), 1);
    stage.run(MILLI * 3);
    assert_eq!(heights(&stage, &[0, 1, 2, 3]), [1, 1, 1, 0], "three signatures of a block that it does not have");
    stage.run(MILLI * 10);
    assert_eq!((heights(&stage, &[3]), stage.delivered().get("ask")), (vec![1], Some(&1)));
}

#[test]
fn a_slow_clock_that_wakes_too_early_waits_for_its_slot() {
    let mut stage = Stage::new(4, config());
    feed(&mut stage, 0..1, 1);
    let early = stage.now();
    assert!((0..4).all(|node| stage.fire(node, Timer::Slot)));
    assert!(
        stage.flights().next().is_none() && stage.timers(2).any(|(_, when)| when == early + Duration::from_nanos(1))
    );
    stage.run(SLOT.scale(1, 2));
    assert_eq!(heights(&stage, &[0, 1, 2, 3]), [1; 4]);
    assert!((0..4).all(|node| count(&stage, node, note::WASTED) == 0));
}

#[test]
fn a_script_of_as_many_keys_as_there_are_numbers_has_a_size_and_proves_nothing() {
    let mut stage = Stage::new(4, Config { empty_blocks: true, ..Config::default() });
    slots(&mut stage, 0, 3);
    let tip = stage.chain(0).last().unwrap().clone();
    let witness = Witness::Multi { signatures: Vec::new(), signers: u32::MAX };
    let lie = Message::Blocks(Arc::new([Arc::new(Signed { block: tip, slot: 9, witness })]), false);
    assert!(lie.bytes() > 32 * (u32::MAX as usize));
    stage.inject(3, 0, lie);
    slots(&mut stage, 3, 6);
    assert_eq!(stage.disagreement(&[0, 1, 2]), None);
}
