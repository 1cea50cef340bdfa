//! One test per sentence of the sources that matters.

use super::*;
use crate::base::{Signature, Wire};
use crate::protocol::chained;
use crate::protocol::rehearsal::Rehearsal;

type Stage = Rehearsal<Aura>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn stage(n: usize, config: Config) -> Stage {
    let mut stage = Rehearsal::new(n, config);
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
        // Each block is sent by its primary and passed on once by everybody else; then there is silence.
        assert_eq!(delivered, [("block", blocks)], "{n} validators");
    }
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
        (Message::Ask { wanted: Hash::ZERO, above: Height(0) }, 40),
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

#[test]
fn a_step_must_be_after_its_parents_and_not_far_ahead_of_the_clock() {
    let mut stage = stage(4, Config::default());
    stage.run(SECOND * 27); // step 5
    let genesis = Block::genesis();
    let first = sealed(&mut stage, &genesis, 3);
    show(&mut stage, 0, &first);
    let same = sealed(&mut stage, &first.block, 3);
    show(&mut stage, 0, &same);
    assert_eq!(stage.chain(0).len(), 2, "the step of the parent");
    let far = sealed(&mut stage, &first.block, 10);
    show(&mut stage, 0, &far);
    let soon = sealed(&mut stage, &first.block, 8);
    show(&mut stage, 0, &soon);
    assert_eq!(stage.chain(0).len(), 2, "both are ahead");
    stage.run(SECOND * 14);
    assert_eq!(stage.chain(0).last().unwrap().id(), soon.block.id(), "three steps ahead waits");
    stage.run(SECOND * 30);
    assert_ne!(stage.chain(0).get(2).unwrap().id(), far.block.id(), "five steps ahead is refused");
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
    let told = |node: usize| stage.notes(node).iter().any(|(label, value)| *label == note::EVIDENCE && *value == 1);
    assert!(honest.into_iter().all(told));
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
fn halves_without_a_liar_make_nothing_final_until_they_meet() {
    let mut stage = stage(6, busy());
    stage.partition(&[0, 1, 2], &[3, 4, 5]);
    stage.run(SECOND * 120);
    assert!((0..6).all(|node| stage.finalized(node).len() == 1));
    stage.heal();
    stage.run(SECOND * 120);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4, 5]), None);
    assert!((0..6).all(|node| stage.finalized(node).len() > 10));
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
    assert!(stage.finalized(0).len() > ANSWER_MOST);
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
            stage.set_fuse(victim, fuse);
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
    assert!(stage.node(1).orphans.len() <= KEPT_MOST && stage.node(1).early.len() <= KEPT_MOST);
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
    assert_eq!((node.orphans.len(), node.early.len()), (KEPT_MOST, 1), "the same early block is kept once");
    stage.run(SECOND * 5 * (2 * ASKS_MOST + 2));
    assert!(stage.node(0).orphans.is_empty(), "nobody has those parents");
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
fn of_the_blocks_of_one_step_two_are_kept_as_evidence_and_others_if_somebody_builds_on_them() {
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
    assert_eq!((node.known.len(), node.early.len(), blocks), (SIBLINGS_MOST, SIBLINGS_MOST, SIBLINGS_MOST));
    let told = stage.notes(0).iter().filter(|(label, _)| *label == note::EVIDENCE);
    assert_eq!(told.map(|(_, node)| *node).collect::<Vec<_>>(), [1, 3], "once for each step");
    for [one, other] in node.doubles.values() {
        assert!(one.step == other.step && one.block.id() != other.block.id());
        assert!([one, other].into_iter().all(|held| chained::Sealed::is_genuine(&**held, stage.keys())));
    }
    // Others know another of the first step only, and build on it.
    let last = sibling(&stage, &first, 999);
    let child = sealed(&mut stage, &last.block, 2);
    show(&mut stage, 0, &child);
    assert_eq!(authors(&stage, 0), [1]);
    show(&mut stage, 0, &last);
    assert_eq!(stage.chain(0).last().unwrap().id(), child.block.id());
    assert_eq!(stage.node(0).known.len(), 1 + SIBLINGS_MOST, "it took the place of a sibling");
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
