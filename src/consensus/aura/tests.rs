//! One test per sentence of the sources that matters.

use super::*;
use crate::base::{Signature, Wire};
use crate::chain::BlockIndex;
use crate::protocol::chained;
use crate::protocol::chained::{ANSWER_MAX, ASKS_MAX};
use crate::protocol::testing::TestCluster;
use std::fmt::Write as _;

type Stage = TestCluster<Aura>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn stage(n: usize, config: Config) -> Stage {
    let mut stage = TestCluster::new(n, config);
    (0..n).for_each(|node| stage.boot(node));
    stage
}

/// Every primary makes its block, transactions or not.
fn busy() -> Config {
    Config { empty_blocks: true, ..Config::default() }
}

fn submit(stage: &mut Stage, nonces: std::ops::Range<u64>, span: Duration) {
    for nonce in nonces {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
        stage.run(span);
    }
}

fn authors(stage: &Stage, node: usize) -> Vec<u32> {
    stage.chain(node)[1..].iter().map(|block| block.header.proposer.0).collect()
}

/// The values that a node noted under a label.
fn noted(stage: &Stage, node: usize, label: &str) -> Vec<u64> {
    stage.notes(node).iter().filter(|(noted, _)| *noted == label).map(|(_, value)| *value).collect()
}

/// Blocks as high as what is final at a node, and not in its chain.
fn stale(stage: &Stage, node: usize) -> Vec<Arc<Block>> {
    let last = stage.finalized(node).len();
    let blocks = (0..stage.tree().len()).map(|index| stage.tree().block(BlockIndex(index as u32)));
    let low = blocks.filter(|block| (block.height().0 as usize) < last);
    low.filter(|block| stage.chain(node)[block.height().0 as usize].id() != block.id()).cloned().collect()
}

#[test]
fn a_primary_seals_in_its_step_and_half_of_them_and_one_make_a_block_final() {
    for n in [4usize, 7, 16, 64] {
        let mut stage = stage(n, Config::default());
        submit(&mut stage, 0..1, MILLI);
        let needed = stage.committee().majority();
        // Step 1 begins after 5 s; the block of step s arrives a delay later, and the last that is needed is of this step.
        let last = SECOND * 5 * needed + MILLI;
        stage.run(last - MILLI - MILLI - Duration::from_nanos(1));
        assert_eq!(stage.final_transactions(0).len(), 0, "{n} validators");
        stage.run(MILLI + Duration::from_nanos(1));
        assert!((0..n).all(|node| stage.final_transactions(node).len() == 1), "{n} validators");
        stage.run(SECOND * 1_000);
        let blocks = needed * (n as u64 - 1) * n as u64;
        let delivered: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
        // Each block is sent by its primary and passed on once by all other nodes; then there is silence.
        assert_eq!(delivered, [("block", blocks)], "{n} validators");
    }
}

#[test]
fn one_decision_reads_like_the_figure() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..1, SECOND * 5);
    let mut steps = String::new();
    for _ in 1..=5 {
        for span in [MILLI, SECOND * 5 - MILLI] {
            let (at, flights) = (stage.now().as_nanos() / 1_000_000, stage.show_flights());
            let flights: Vec<&str> = flights.lines().collect();
            let finals: Vec<String> = (0..4).map(|node| (stage.finalized(node).len() - 1).to_string()).collect();
            let _ = writeln!(steps, "{at} ms, final {}: {}", finals.join(" "), flights.join(", "));
            stage.run(span);
        }
    }
    let expected = "\
5000 ms, final 0 0 0 0: n1>n0 block, n1>n2 block, n1>n3 block
5001 ms, final 0 0 0 0: n0>n1 block, n0>n2 block, n0>n3 block, n2>n0 block, n2>n1 block, n2>n3 block, \
n3>n0 block, n3>n1 block, n3>n2 block
10000 ms, final 0 0 0 0: n2>n0 block, n2>n1 block, n2>n3 block
10001 ms, final 0 0 0 0: n0>n1 block, n0>n2 block, n0>n3 block, n1>n0 block, n1>n2 block, n1>n3 block, \
n3>n0 block, n3>n1 block, n3>n2 block
15000 ms, final 0 0 0 1: n3>n0 block, n3>n1 block, n3>n2 block
15001 ms, final 1 1 1 1: n0>n1 block, n0>n2 block, n0>n3 block, n1>n0 block, n1>n2 block, n1>n3 block, \
n2>n0 block, n2>n1 block, n2>n3 block
20000 ms, final 1 1 1 1:\x20
20001 ms, final 1 1 1 1:\x20
25000 ms, final 1 1 1 1:\x20
25001 ms, final 1 1 1 1:\x20
";
    assert_eq!(steps, expected);
}

#[test]
fn six_blocks_of_three_authors_of_six_are_not_final_and_a_fourth_author_makes_four_final() {
    let mut stage = stage(6, busy());
    (3..6).for_each(|node| stage.crash(node));
    // Steps 6, 7, 8 and 12, 13, 14 are those of 0, 1, 2.
    stage.run(SECOND * 71);
    let made = authors(&stage, 0);
    assert_eq!(made[made.len() - 6..], [0, 1, 2, 0, 1, 2]);
    assert_eq!(stage.finalized(0).len(), 1);
    let before = made.len();
    stage.boot(3);
    stage.run(SECOND * 15);
    assert_eq!(authors(&stage, 0).last(), Some(&3));
    let after = stage.chain(0).len() - 1;
    assert_eq!(
        (after, after + 1 - stage.finalized(0).len()),
        (before + 1, 3),
        "the remaining suffix has three authors"
    );
}

#[test]
fn every_message_has_its_size() {
    let stage = stage(4, Config::default());
    let block = Block::new(Block::genesis().header, Batch::new(vec![stage.transaction(0, 0)]));
    let sealed = Arc::new(Sealed { block, step: 1, signature: Signature::NONE });
    // A block of one payment: 84 + 250.
    for (message, bytes) in [
        (Message::Block(sealed.clone()), 334 + 8 + 64),
        (Message::Status { head: Hash::ZERO, weight: (0, 0), is_reply: false }, 112),
        (Message::Ask { wanted: Hash::ZERO, above: Height(0), known: [].into() }, 40),
        (Message::Blocks(Arc::new(vec![sealed; 2])), 2 * 406),
    ] {
        assert_eq!(message.bytes(), bytes, "{}", message.kind());
    }
}

fn sealed(stage: &mut Stage, parent: &Arc<Block>, step: Step) -> Arc<Sealed> {
    let proposer = NodeId((step % stage.committee().n() as u64) as u32);
    let header = Header {
        parent: parent.id(),
        height: parent.height().next(),
        merkle: Batch::empty().digest(),
        time: Time::from_nanos(step * 5_000_000_000),
        proposer,
        seal: Sealed::fields(step),
    };
    let block = Block::new(header, Batch::empty());
    let signature = stage.keys().sign(proposer.0, &Sealed::statement(&block.id()));
    Arc::new(Sealed { block, step, signature })
}

fn show(stage: &mut Stage, to: usize, sealed: &Arc<Sealed>) {
    let from = (to + 1) % stage.committee().n();
    stage.inject(from, to, Message::Block(sealed.clone()));
    stage.deliver(|flight| flight.to.index() == to);
}

#[test]
fn the_longer_chain_is_heavier_and_among_equally_long_ones_that_with_fewer_gaps() {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 30);
    let genesis = Block::genesis();
    let gap = sealed(&mut stage, &genesis, 3);
    show(&mut stage, 0, &gap);
    assert_eq!(authors(&stage, 0), [3]);
    let early = sealed(&mut stage, &genesis, 1);
    show(&mut stage, 0, &early);
    assert_eq!(authors(&stage, 0), [1], "the same length, fewer skipped steps");
    let late = sealed(&mut stage, &gap.block, 4);
    show(&mut stage, 0, &late);
    assert_eq!(authors(&stage, 0), [3, 0], "longer");
}

/// Four validators in step 5, of which 0 has this block of step 3 on genesis.
fn in_step_five() -> (Stage, Arc<Sealed>) {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 27);
    let first = sealed(&mut stage, &Block::genesis(), 3);
    show(&mut stage, 0, &first);
    (stage, first)
}

#[test]
fn a_step_must_be_after_its_parents_and_not_far_ahead_of_the_clock() {
    let (mut stage, first) = in_step_five();
    let same = sealed(&mut stage, &first.block, 3);
    show(&mut stage, 0, &same);
    assert_eq!(stage.chain(0).len(), 2, "the step of the parent");
    let far = sealed(&mut stage, &first.block, 10);
    show(&mut stage, 0, &far);
    let soon = sealed(&mut stage, &first.block, 8);
    show(&mut stage, 0, &soon);
    let last = sealed(&mut stage, &first.block, 9);
    show(&mut stage, 0, &last);
    let waiting: Vec<Step> = stage.node(0).early.iter().map(|(_, held)| held.step).collect();
    assert_eq!(waiting, [8, 9], "up to four steps ahead");
    assert_eq!(stage.chain(0).len(), 2, "all are ahead");
    stage.run(SECOND * 14);
    assert_eq!(stage.chain(0).last().unwrap().id(), soon.block.id(), "three steps ahead waits");
    stage.run(SECOND * 30);
    assert_ne!(stage.chain(0).get(2).unwrap().id(), far.block.id(), "five steps ahead is refused");
}

#[test]
fn a_block_of_no_later_step_than_its_parent_is_refused_and_evidence() {
    let (mut stage, parent) = in_step_five();
    for (lower, step) in [(&parent.block, 3), (&parent.block, 2), (&Block::genesis(), 0)] {
        let child = sealed(&mut stage, lower, step);
        for number in 0..3 {
            let another = sibling(&stage, &child, number);
            show(&mut stage, 0, &another);
        }
    }
    assert_eq!(stage.chain(0).last().unwrap().id(), parent.block.id());
    assert_eq!(stage.node(0).known.len(), 1);
    assert_eq!(noted(&stage, 0, note::EVIDENCE), [3, 2, 0], "the primary of each step, once");
    let evidence = &stage.node(0).evidence;
    for (step, proof) in [(3, 2), (2, 2), (0, 1)] {
        assert_eq!(evidence[&step].len(), proof, "step {step}; genesis has no seal");
        let last = evidence[&step].last().unwrap();
        assert!(proof == 1 || evidence[&step][0].block.id() == last.block.parent(), "step {step}");
    }
}

#[test]
fn a_block_of_another_than_the_primary_or_with_another_seal_or_time_is_refused() {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 27); // step 5
    let good = sealed(&mut stage, &Block::genesis(), 3);
    let signed = |header: Header, signer: u32| {
        let block = Block::new(header, Batch::empty());
        let signature = stage.keys().sign(signer, &Sealed::statement(&block.id()));
        Arc::new(Sealed { block, step: 3, signature })
    };
    let header = good.block.header;
    let late = Time::from_nanos(4 * 5_000_000_000);
    let bad = [
        ("a wrong primary", signed(Header { proposer: NodeId(2), ..header }, 2)),
        ("no validator", signed(Header { proposer: NodeId(7), ..header }, 3)),
        ("the seal of another", signed(header, 2)),
        ("no seal", Arc::new(Sealed { signature: Signature::NONE, ..(*good).clone() })),
        ("a step to which the header does not commit", signed(Header { seal: Sealed::fields(7), ..header }, 3)),
        ("the time of another step", signed(Header { time: late, ..header }, 3)),
    ];
    for (what, block) in bad {
        show(&mut stage, 0, &block);
        let node = stage.node(0);
        assert_eq!((stage.chain(0).len(), node.known.len(), node.early.len()), (1, 0, 0), "{what}");
    }
    assert!(stage.notes(0).is_empty(), "no validator is accused of what others may have made");
    show(&mut stage, 0, &good);
    assert_eq!(authors(&stage, 0), [3]);
}

#[test]
fn each_primary_skipped_between_parent_and_block_is_reported() {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 27); // step 5
    let mut parent = Block::genesis();
    let table: [(Step, &[Step]); 3] = [(1, &[]), (4, &[2, 3]), (5, &[2, 3])];
    for (step, reported) in table {
        let block = sealed(&mut stage, &parent, step);
        show(&mut stage, 0, &block);
        assert_eq!(noted(&stage, 0, note::WASTED), reported, "step {step}");
        parent = block.block.clone();
    }
    assert_eq!(authors(&stage, 0), [1, 0, 1]);
}

/// 3 of four, whose clock is `off` by so many steps, receives from the others and seals when its clock says so: the stage, and
/// how many of its blocks the others found valid.
fn with_a_wrong_clock(off: i64) -> (Stage, usize) {
    let mut stage = stage(4, busy());
    stage.crash(3);
    stage.run(SECOND * 2);
    let mut made = Vec::new();
    for step in 1..120u64 {
        stage.run(SECOND * 5);
        let own = step.saturating_add_signed(off);
        if own % 4 != 3 {
            continue;
        }
        // Blocks of steps that have not begun by its clock wait there.
        let begun = |block: &&Arc<Block>| block.header.time.as_nanos() / 5_000_000_000 < own;
        let parent = stage.chain(0).iter().rfind(begun).unwrap().clone();
        let block = sealed(&mut stage, &parent, own);
        (0..3).for_each(|to| stage.inject(3, to, Message::Block(block.clone())));
        made.push(block.block.id());
    }
    stage.run(SECOND);
    let valid = made.iter().filter(|id| stage.tree().find(id).is_some()).count();
    assert!(made.len() >= 28);
    (stage, valid)
}

#[test]
fn a_clock_that_is_off_costs_its_validator_its_blocks_and_the_others_no_agreement() {
    // So many steps ahead; whether its blocks are found valid; whose blocks remain.
    let table: [(i64, bool, [u32; 3]); 5] = [
        (5, false, [0, 1, 2]),  // refused: further ahead than others wait
        (2, true, [0, 1, 2]),   // they wait for their step, and then another is as high and of an earlier one
        (-1, true, [1, 2, 3]),  // they take the place of those of the next primary, as withheld ones do
        (-2, true, [0, 1, 2]),  // two blocks stand there already
        (-3, false, [0, 1, 2]), // those are final
    ];
    for (off, is_valid, remaining) in table {
        let (stage, valid) = with_a_wrong_clock(off);
        assert_eq!(valid > 0, is_valid, "{off}: {valid}");
        assert_eq!(stage.disagreement(&[0, 1, 2]), None, "{off}");
        assert!(stage.finalized(0).len() > 80, "{off}: {}", stage.finalized(0).len());
        let mut known = authors(&stage, 0);
        known.sort_unstable();
        known.dedup();
        assert_eq!(known, remaining, "{off}");
    }
}

#[test]
fn an_equivocating_primary_is_reported_and_wastes_no_more_than_its_step() {
    let mut stage = Stage::new(5, busy());
    stage.set_attack(1, "equivocate");
    (0..5).for_each(|node| stage.boot(node));
    stage.run(SECOND * 300);
    let honest = [0, 2, 3, 4];
    assert_eq!(stage.disagreement(&honest), None);
    assert!(stage.finalized(0).len() > 50, "{}", stage.finalized(0).len());
    let has_evidence =
        |node: usize| stage.notes(node).iter().any(|(label, value)| *label == note::EVIDENCE && *value == 1);
    assert!(honest.into_iter().all(has_evidence));
}

/// Validators 2 and 4 on one side, 1 and 3 on the other, and 0 living on both.
fn cloned(finality: Finality) -> Stage {
    let mut stage = Stage::new(5, Config { finality, ..busy() });
    stage.set_attack(0, "clone");
    (0..5).for_each(|node| stage.boot(node));
    stage.partition(&[2, 4], &[1, 3]);
    stage.run(SECOND * 200);
    stage
}

#[test]
fn a_clone_on_both_sides_of_a_partition_makes_both_final_and_two_thirds_withstand_it() {
    let stage = cloned(Finality::Majority);
    assert_eq!(stage.disagreement(&[2, 1]).map(|(_, _, height)| height), Some(Height(1)));
    let mut stage = cloned(Finality::TwoThirds);
    assert_eq!((stage.finalized(1).len(), stage.finalized(2).len()), (1, 1), "three of five are too few");
    stage.heal();
    stage.run(SECOND * 200);
    assert_eq!(stage.disagreement(&[1, 2, 3, 4]), None);
    assert!(stage.finalized(1).len() > 10);
}

#[test]
fn halves_without_a_faulty_node_make_nothing_final_until_they_meet() {
    let mut stage = stage(6, busy());
    stage.partition(&[0, 1, 2], &[3, 4, 5]);
    stage.run(SECOND * 122);
    assert!((0..6).all(|node| stage.finalized(node).len() == 1));
    let halves = [[1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0], [3, 4, 5, 3, 4, 5, 3, 4, 5, 3, 4, 5]];
    assert!((0..6).all(|node| authors(&stage, node) == halves[usize::from(node > 2)]));
    stage.heal();
    stage.run(SECOND * 120);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4, 5]), None);
    assert!((0..6).all(|node| stage.finalized(node).len() > 30));
    // The next primary, 1, made its branch the longer one.
    let lost: Vec<u32> = stale(&stage, 0).iter().map(|block| block.header.proposer.0).collect();
    assert_eq!(authors(&stage, 3)[..12], halves[0]);
    assert_eq!((lost.len(), lost.iter().all(|author| *author > 2)), (12, true), "{lost:?}");
}

/// 1 of six, a Byzantine node, shows one block to one half and another to the other while they cannot speak.
#[test]
fn halves_that_saw_two_blocks_of_one_step_part_until_the_next_primary_and_waste_one() {
    let mut stage = stage(6, busy());
    stage.crash(1);
    stage.run(SECOND * 5); // step 1
    stage.partition(&[0, 2, 4], &[3, 5]);
    let one = sealed(&mut stage, &Block::genesis(), 1);
    let other = sibling(&stage, &one, 1);
    for (to, shown) in [(0, &one), (2, &one), (4, &one), (3, &other), (5, &other)] {
        stage.inject(1, to, Message::Block(shown.clone()));
    }
    stage.run(SECOND);
    let tips = |stage: &Stage| [0, 2, 4, 3, 5].map(|node| stage.chain(node).last().unwrap().id());
    let (a, b) = (one.block.id(), other.block.id());
    assert_eq!(tips(&stage), [a, a, a, b, b]);
    stage.heal();
    stage.run(SECOND * 3);
    assert_eq!(tips(&stage), [a, a, a, b, b], "no validator builds");
    stage.run(SECOND * 2); // step 2
    let tip = stage.chain(2).last().unwrap().clone();
    assert_eq!((tip.parent(), tips(&stage)), (a, [tip.id(); 5]));
    stage.run(SECOND * 60);
    assert_eq!(stage.disagreement(&[0, 2, 3, 4, 5]), None);
    assert!([0, 2, 3, 4, 5].into_iter().all(|node| stage.finalized(node).len() > 5));
    assert_eq!(stale(&stage, 0).iter().map(|block| block.id()).collect::<Vec<_>>(), [b]);
    assert!([3, 5].into_iter().all(|node| noted(&stage, node, note::EVIDENCE) == [1]), "they saw both");
}

#[test]
fn half_of_the_validators_crashed_halt_finality_but_not_blocks() {
    let mut stage = stage(4, busy());
    stage.run(SECOND * 60);
    let before = stage.finalized(0).len();
    stage.crash(2);
    stage.crash(3);
    stage.run(SECOND * 200);
    assert!(stage.finalized(0).len() <= before + 3);
    assert!(stage.chain(0).len() > before + 10);
    stage.boot(2);
    stage.run(SECOND * 100);
    assert_eq!(stage.disagreement(&[0, 1, 2]), None);
    assert!(stage.finalized(0).len() > before + 20 && stage.finalized(2).len() > before + 20);
}

#[test]
fn validators_that_restarted_together_still_serve_what_was_final_before() {
    let mut stage = stage(4, busy());
    stage.crash(3);
    stage.run(SECOND * 5 * 120);
    assert!(stage.finalized(0).len() > ANSWER_MAX);
    (0..3).for_each(|node| stage.crash(node));
    (0..4).for_each(|node| stage.boot(node));
    stage.run(SECOND * 5 * 8);
    assert!(stage.finalized(3).len() + 2 >= stage.finalized(0).len(), "{}", stage.finalized(3).len());
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_progress_and_seals_no_step_twice() {
    for victim in 0..4 {
        for fuse in 0..40 {
            let mut stage = stage(4, busy());
            stage.crash_after_effects(victim, fuse);
            stage.run(SECOND * 40);
            stage.crash(victim); // if it still lives
            stage.boot(victim);
            stage.run(SECOND * 60);
            assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
            assert!(stage.finalized(victim).len() > 5, "victim {victim}, fuse {fuse}");
            let evidence = (0..4).flat_map(|node| stage.notes(node)).filter(|(label, _)| *label == note::EVIDENCE);
            assert_eq!(evidence.count(), 0);
        }
    }
}

#[test]
fn a_third_of_messages_lost_and_then_none_ends_in_agreement() {
    let mut stage = stage(4, busy());
    let mut random = crate::base::Stream::new(7, "loss", 0, 0);
    for _ in 0..20_000 {
        stage.lose(|_| random.index(10) < 3);
        stage.run(MILLI * 10);
    }
    stage.run(SECOND * 60);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
    assert!((0..4).all(|node| stage.finalized(node).len() > 40));
}

#[test]
fn a_flood_of_early_and_orphaned_blocks_is_kept_within_bounds() {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 27);
    for number in 0..1_000u64 {
        let mut header = sealed(&mut stage, &Block::genesis(), 7).block.header;
        header.parent = Hash::of(&number.to_le_bytes());
        for step in [4, 7] {
            let time = Time::from_nanos(step * 5_000_000_000 + number);
            let proposer = NodeId((step % 4) as u32);
            let header = Header { seal: Sealed::fields(step), time, proposer, ..header };
            let block = Block::new(header, Batch::empty());
            let signature = stage.keys().sign(proposer.0, &Sealed::statement(&block.id()));
            show(&mut stage, 1, &Arc::new(Sealed { block, step, signature }));
        }
    }
    assert!(stage.node(1).orphans.len() <= KEPT_MAX && stage.node(1).early.len() <= KEPT_MAX);
}

#[test]
fn a_flood_is_kept_within_bounds_and_given_up() {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 527); // step 105
    let genesis = Block::genesis();
    for at in 0..300 {
        let batch = Batch::new(vec![stage.transaction(0, at)]);
        let parent = Block::new(Header { merkle: batch.digest(), ..genesis.header }, batch);
        let orphan = sealed(&mut stage, &parent, 1 + at % 100);
        show(&mut stage, 0, &orphan);
        let early = sealed(&mut stage, &genesis, 108);
        show(&mut stage, 0, &early);
    }
    let node = stage.node(0);
    assert_eq!((node.orphans.len(), node.early.len()), (KEPT_MAX, 1), "the same early block is kept once");
    // Each peer answers that it does not have them: five requests, none of which waits longer than the first.
    stage.run(SECOND * 15 * (ASKS_MAX + 1) + SECOND);
    assert!(stage.node(0).orphans.is_empty(), "no node has those parents");
    assert_eq!(stage.chain(0).len(), 2, "the early block had its time");
}

/// A block like another in all but its time within the step.
fn sibling(stage: &Stage, like: &Arc<Sealed>, number: u64) -> Arc<Sealed> {
    let header = like.block.header;
    let time = Time::from_nanos(header.time.as_nanos() + number);
    let block = Block::new(Header { time, ..header }, Batch::empty());
    let signature = stage.keys().sign(header.proposer.0, &Sealed::statement(&block.id()));
    Arc::new(Sealed { block, step: like.step, signature })
}

#[test]
fn of_the_blocks_of_one_step_two_are_kept_as_evidence_and_others_if_a_block_builds_on_them() {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 27); // step 5
    let [first, soon] = [1, 7].map(|step| sealed(&mut stage, &Block::genesis(), step));
    for number in 0..1_000 {
        for like in [&first, &soon] {
            let another = sibling(&stage, like, number);
            show(&mut stage, 0, &another);
        }
    }
    let (node, blocks) = (stage.node(0), stage.log(0).len());
    assert_eq!((node.known.len(), node.early.len(), blocks), (SIBLINGS_MAX, SIBLINGS_MAX, SIBLINGS_MAX));
    assert_eq!(noted(&stage, 0, note::EVIDENCE), [1, 3], "once for each step");
    for proof in node.evidence.values() {
        assert!(proof[0].step == proof[1].step && proof[0].block.id() != proof[1].block.id());
        assert!(proof.iter().all(|held| chained::Sealed::is_genuine(&**held, stage.keys())));
    }
    // Others know another of the first step only, and build on it.
    let last = sibling(&stage, &first, 999);
    let child = sealed(&mut stage, &last.block, 2);
    show(&mut stage, 0, &child);
    assert_eq!(authors(&stage, 0), [1]);
    show(&mut stage, 0, &last);
    assert_eq!(stage.chain(0).last().unwrap().id(), child.block.id());
    assert_eq!(stage.node(0).known.len(), 1 + SIBLINGS_MAX, "it took the place of a sibling");
}

#[test]
fn a_withheld_block_wastes_that_of_the_next_primary_and_forks_nothing() {
    let mut stage = Stage::new(5, busy());
    stage.set_attack(1, "withhold");
    (0..5).for_each(|node| stage.boot(node));
    stage.run(SECOND * 500);
    let honest = [0, 2, 3, 4];
    assert_eq!(stage.disagreement(&honest), None);
    let made = authors(&stage, 0);
    let by = |author: u32| made.iter().filter(|made| **made == author).count();
    assert!(stage.finalized(0).len() > 60, "{}", stage.finalized(0).len());
    assert_eq!(by(2), 0, "its blocks are as high and of a later step than those of 1");
    assert!([0, 1, 3, 4].into_iter().all(|author| by(author) >= 18), "{made:?}");
}

#[test]
fn two_children_of_a_missing_parent_are_both_kept() {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 27);
    let parent = sealed(&mut stage, &Block::genesis(), 1);
    let children = [2, 3].map(|step| sealed(&mut stage, &parent.block, step));
    children.iter().for_each(|child| show(&mut stage, 0, child));
    assert_eq!(stage.node(0).orphans.len(), 2);
    show(&mut stage, 0, &parent);
    assert_eq!(stage.node(0).known.len(), 3);
    assert_eq!(authors(&stage, 0), [1, 2], "the one with fewer gaps is the better");
}

#[test]
fn one_to_three_validators_keep_a_chain() {
    for n in 1..=3 {
        let mut stage = stage(n, Config::default());
        submit(&mut stage, 0..2, SECOND);
        stage.run(SECOND * 60);
        assert!((0..n).all(|node| stage.final_transactions(node).len() == 2), "{n} validators");
    }
}

#[test]
fn a_validator_whose_chain_stands_still_asks_and_gets_block_by_block_what_one_answer_does_not_hold() {
    let mut stage = stage(4, busy());
    stage.run(SECOND * 30);
    stage.partition(&[0, 1, 2], &[3]);
    stage.run(SECOND * 5 * 3 * ANSWER_MAX as u64);
    let missed = stage.finalized(0).len() - stage.finalized(3).len();
    assert!(missed > ANSWER_MAX, "more than one answer: {missed}");
    stage.heal();
    stage.run(SECOND * 60);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
    assert!(stage.finalized(3).len() + 3 >= stage.finalized(0).len());
}

#[test]
fn a_validator_that_starts_beside_dead_and_empty_ones_has_the_chain_of_the_others_at_once() {
    let mut stage = stage(7, busy());
    [1, 2].into_iter().for_each(|node| stage.crash(node));
    stage.run(SECOND * 60);
    stage.crash(3);
    [1, 2].into_iter().for_each(|node| stage.boot(node));
    stage.run(MILLI * 10);
    assert!(stage.chain(0).len() > 5);
    assert!([1, 2].into_iter().all(|node| stage.chain(node) == stage.chain(0)));
}

#[test]
fn who_sends_a_block_is_asked_for_what_that_stands_on_though_its_parent_waits_too() {
    let mut stage = stage(4, busy());
    stage.partition(&[0, 1, 2], &[3]);
    stage.run(SECOND * 27);
    stage.heal();
    let is_ask = |stage: &Stage| stage.flights().any(|flight| matches!(flight.message, Message::Ask { .. }));
    assert!(stage.run_while(SECOND * 10, |stage| !is_ask(stage)), "a block came whose parent it lacks");
    stage.lose(|flight| matches!(flight.message, Message::Ask { .. }));
    stage.inject(1, 3, Message::Blocks(Arc::new(Vec::new())));
    stage.run(MILLI * 10);
    let waiting = stage.node(3).orphans.len();
    stage.run_while(SECOND * 10, |stage| stage.node(3).orphans.len() == waiting && !is_ask(stage));
    stage.run(MILLI * 10);
    assert_eq!(stage.chain(3), stage.chain(0));
}
