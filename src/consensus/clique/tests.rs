//! One test per sentence of the sources that matters.

use super::*;
use crate::base::{Signature, Stream, Wire};
use crate::chain::Batch;
use crate::protocol::chained::{ANSWER_MAX, ASKS_MAX};
use crate::protocol::testing::TestCluster;

type Stage = TestCluster<Clique>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn quick() -> Config {
    Config { period: SECOND * 5, ..Config::default() }
}

fn stage(n: usize, config: Config) -> Stage {
    TestCluster::new(n, config)
}

fn all(stage: &Stage) -> Vec<usize> {
    (0..stage.committee().n()).collect()
}

fn sealers(stage: &Stage, node: usize) -> Vec<u32> {
    stage.chain(node)[1..].iter().map(|block| block.header.proposer.0).collect()
}

/// One of the voting vectors of EIP-225.
struct Vector {
    /// What is tested.
    about: &'static str,
    epoch: u64,
    /// Signers at genesis, by letter.
    signers: &'static str,
    /// A block each: its signer, and its vote, if any: `A`, `A+B`, `A-B`.
    blocks: &'static str,
    /// Signers at the end; nothing if a block may not be signed.
    outcome: &'static str,
}

const fn vector(about: &'static str, signers: &'static str, blocks: &'static str, outcome: &'static str) -> Vector {
    Vector { about, epoch: 30_000, signers, blocks, outcome }
}

const VECTORS: [Vector; 24] = [
    vector("one signer, no votes", "A", "A", "A"),
    vector("one signer adds two: the second needs both", "A", "A+B B A+C", "AB"),
    vector("two signers add one after the other", "AB", "A+C B+C A+D B+D C A+E B+E", "ABCD"),
    vector("one signer drops itself", "A", "A-A", ""),
    vector("two signers, dropping needs both: one is not enough", "AB", "A-B", "AB"),
    vector("two signers, dropping needs both: both are enough", "AB", "A-B B-B", "A"),
    vector("three signers, two drop the third", "ABC", "A-C B-C", "AB"),
    vector("four signers, two are not enough", "ABCD", "A-C B-C", "ABCD"),
    vector("four signers, three are enough", "ABCD", "A-D B-D C-D", "ABC"),
    vector("votes to add are counted once per target", "AB", "A+C B A+C B A+C", "AB"),
    vector("several adds at a time are allowed", "AB", "A+C B A+D B A B+D A B+C", "ABCD"),
    vector("votes to drop are counted once per target", "AB", "A-B B A-B B A-B", "AB"),
    vector("several drops at a time are allowed", "ABCD", "A-C B C A-D B C A B-D C-D A B-C", "AB"),
    vector("the votes of a dropped signer count no more: drops", "ABC", "C-B A-C B-C A-B", "AB"),
    vector("the votes of a dropped signer count no more: adds", "ABC", "C+D A-C B-C A+D", "AB"),
    vector("nothing cascades: only what is voted on changes", "ABCD", "A-C B C A-D B-C C A B-D C-D", "ABC"),
    vector("what has a majority passes when touched", "ABCD", "A-C B C A-D B-C C A B-D C-D A C-C", "AB"),
    vector("even if the vote that touches it is void", "ABCD", "A-C B C A-D B-C C A B-D C-D A C+C", "AB"),
    vector("or falls when its votes are taken back", "ABCD", "A-C B C A-D B-C C A B-D C-D A B+C", "ABC"),
    vector("votes of before an addition do not drop it again", "ABCDEF", "A-F B-F C-F D-F E+F B+F C+F D+F A", "ABCDEF"),
    Vector { about: "an epoch forgets votes", epoch: 3, signers: "AB", blocks: "A+C B A B+C", outcome: "AB" },
    vector("a node that is no signer may not sign", "A", "B", "?"),
    vector("no node signs twice within the limit", "AB", "A A", "?"),
    Vector { about: "an epoch does not forget who signed", epoch: 3, signers: "ABC", blocks: "A B A A", outcome: "?" },
];

/// Who the signers are after the blocks; nothing if one of them may not be signed.
fn play(vector: &Vector) -> Option<String> {
    let node = |letter: u8| NodeId(u32::from(letter - b'A'));
    let mut signers = Signers::new(vector.signers.bytes().map(node));
    for (at, block) in vector.blocks.split(' ').enumerate() {
        let (number, block) = (at as u64 + 1, block.as_bytes());
        if !signers.may_sign(node(block[0]), number) {
            return None;
        }
        let is_epoch = number.is_multiple_of(vector.epoch);
        let vote = (block.len() == 3).then(|| Ballot { candidate: node(block[2]), add: block[1] == b'+' });
        signers = signers.after(number, node(block[0]), vote, is_epoch);
    }
    Some(signers.all().iter().map(|node| char::from(b'A' + node.0 as u8)).collect())
}

#[test]
fn the_votes_of_the_standard_come_out_as_it_says() {
    for vector in &VECTORS {
        let expected = (vector.outcome != "?").then(|| vector.outcome.to_owned());
        assert_eq!(play(vector), expected, "{}: {}", vector.about, vector.blocks);
    }
}

#[test]
fn a_block_is_sent_in_turn_every_period_and_believed_when_half_and_one_follow() {
    for n in [4usize, 7, 16, 64] {
        // No signer out of turn is fast enough to win.
        let mut stage = stage(n, Config { wiggle: SECOND * 1_000, ..quick() });
        let transaction = stage.transaction(0, 0);
        stage.submit_to_all(&transaction);
        let limit = stage.committee().majority();
        // The first block is sent after a period, and believed when the last of the limit has arrived.
        stage.run(SECOND * 5 * limit + MILLI - Duration::from_nanos(1));
        assert!(all(&stage).iter().filter(|node| !stage.final_transactions(**node).is_empty()).count() <= 1);
        stage.run(Duration::from_nanos(1));
        assert!(all(&stage).iter().all(|node| stage.final_transactions(*node).len() == 1), "n = {n}");
        let turns: Vec<u32> = (1..=limit).map(|number| (number % n as u64) as u32).collect();
        assert_eq!(sealers(&stage, 0), turns);
        stage.run(MILLI * 2);
        // Each block is sent by its signer and passed on once by all other nodes.
        let blocks = limit * (n as u64 - 1) * n as u64;
        assert_eq!(*stage.delivered(), BTreeMap::from([("block", blocks)]), "n = {n}");
    }
}

#[test]
fn of_three_one_may_be_down_and_with_two_down_there_is_one_more_block() {
    let mut stage = stage(3, quick());
    stage.run(SECOND * 16);
    stage.crash(2);
    stage.run(SECOND * 60);
    let late = sealers(&stage, 0);
    assert!(late.len() >= 12, "{late:?}");
    assert!(late[4..].windows(2).all(|pair| pair[0] != pair[1]), "0 and 1 take turns: {late:?}");
    stage.crash(1);
    let before = stage.chain(0).len();
    stage.run(SECOND * 200);
    assert!(stage.chain(0).len() <= before + 1);
    stage.boot(1);
    stage.run(SECOND * 60);
    assert_eq!(stage.disagreement(&[0, 1]), None);
    assert!(stage.chain(0).len() > before + 5);
}

fn sealed(stage: &mut Stage, parent: &Arc<Block>, signer: u32, time: u64, difficulty: u64) -> Arc<Sealed> {
    let fields = Fields { difficulty, vote: None, checkpoint: None };
    with(stage, parent, signer, time, fields)
}

fn with(stage: &mut Stage, parent: &Arc<Block>, signer: u32, time: u64, fields: Fields) -> Arc<Sealed> {
    let batch = Batch::empty();
    let (height, time, merkle) = (parent.height().next(), Time::ZERO + MILLI * time, batch.digest());
    let seal = fields.seal();
    let header = Header { parent: parent.id(), height, merkle, time, proposer: NodeId(signer), seal };
    let block = Block::new(header, batch);
    let signature = stage.keys().sign(signer, &Sealed::statement(&block.id()));
    Arc::new(Sealed { block, fields, signature })
}

fn show(stage: &mut Stage, to: usize, sealed: &Arc<Sealed>) {
    let from = (to + 1) % stage.committee().n();
    stage.inject(from, to, Message::Block(sealed.clone()));
    stage.deliver(|flight| flight.to.index() == to);
}

/// One node on the stage, a follower that seals nothing.
fn follower(config: Config) -> Stage {
    let mut stage = Stage::empty(6, Config { signers: 5, ..config });
    stage.boot(5);
    stage.run(SECOND * 100);
    stage
}

#[test]
fn a_block_in_turn_that_comes_later_wins_the_race() {
    let mut stage = follower(quick());
    let genesis = Block::genesis();
    let out_of_turn = sealed(&mut stage, &genesis, 3, 5_000, 1);
    show(&mut stage, 5, &out_of_turn);
    assert_eq!(sealers(&stage, 5), [3]);
    let in_turn = sealed(&mut stage, &genesis, 1, 5_000, 2);
    show(&mut stage, 5, &in_turn);
    assert_eq!(sealers(&stage, 5), [1], "a reorganization of depth one");
}

#[test]
fn headers_that_break_a_rule_are_refused() {
    let mut stage = follower(Config { epoch: 3, ..quick() });
    let genesis = Block::genesis();
    let fields = |difficulty, checkpoint| Fields { difficulty, vote: None, checkpoint };
    let wrong = [
        sealed(&mut stage, &genesis, 1, 5_000, 1), // in turn is two
        sealed(&mut stage, &genesis, 2, 5_000, 2), // out of turn is one
        sealed(&mut stage, &genesis, 1, 4_999, 2), // too soon
        sealed(&mut stage, &genesis, 5, 5_000, 1), // no signer
        with(&mut stage, &genesis, 1, 5_000, fields(2, Some(vec![NodeId(0)]))), // a checkpoint out of season
    ];
    for block in &wrong {
        show(&mut stage, 5, block);
        assert_eq!(sealers(&stage, 5), [0; 0]);
    }
    let one = sealed(&mut stage, &genesis, 1, 5_000, 2);
    let again = sealed(&mut stage, &one.block, 1, 10_000, 1);
    let two = sealed(&mut stage, &one.block, 2, 10_000, 2);
    show(&mut stage, 5, &one);
    show(&mut stage, 5, &again);
    assert_eq!(sealers(&stage, 5), [1], "1 signed too recently");
    show(&mut stage, 5, &two);
    // The third is an epoch block: it lists all signers, in order, and does not vote.
    let signers: Vec<NodeId> = (0..5).map(NodeId).collect();
    let reversed: Vec<NodeId> = signers.iter().rev().copied().collect();
    let vote = Some(Ballot { candidate: NodeId(5), add: true });
    let wrong = [
        fields(2, None),
        fields(2, Some(signers[..4].to_vec())),
        fields(2, Some(reversed)),
        Fields { vote, ..fields(2, Some(signers.clone())) },
    ];
    for fields in wrong {
        let block = with(&mut stage, &two.block, 3, 15_000, fields);
        show(&mut stage, 5, &block);
        assert_eq!(sealers(&stage, 5), [1, 2]);
    }
    let three = with(&mut stage, &two.block, 3, 15_000, fields(2, Some(signers)));
    show(&mut stage, 5, &three);
    assert_eq!(sealers(&stage, 5), [1, 2, 3]);
}

#[test]
fn a_block_from_the_future_waits_for_its_time() {
    let mut stage = follower(quick());
    let genesis = Block::genesis();
    let soon = sealed(&mut stage, &genesis, 1, 130_000, 2);
    let far = sealed(&mut stage, &genesis, 1, 170_000, 2);
    show(&mut stage, 5, &soon);
    show(&mut stage, 5, &far);
    stage.run_until(Time::ZERO + SECOND * 129);
    assert_eq!(sealers(&stage, 5), [0; 0]);
    stage.run_until(Time::ZERO + SECOND * 131);
    assert_eq!(stage.chain(5).last().unwrap().id(), soon.block.id());
    stage.run_until(Time::ZERO + SECOND * 200);
    assert_eq!(stage.node(5).known.len(), 2, "a minute ahead is too far");
}

/// Eight signers; 6 and 7 are down; 0, 2 and 4 sealed one chain, 1, 3 and 5 the other, equally heavy.
fn deadlock(tie: Tie) -> Stage {
    let mut stage = Stage::empty(8, Config { tie, ..quick() });
    (0..6).for_each(|node| stage.boot(node));
    let genesis = Block::genesis();
    for signers in [[0u32, 2, 4], [1, 3, 5]] {
        let (mut parent, mut time, mut blocks) = (genesis.clone(), 0, Vec::new());
        for (at, signer) in signers.into_iter().enumerate() {
            time += 5_000;
            let difficulty = if signer == at as u32 + 1 { 2 } else { 1 };
            let block = sealed(&mut stage, &parent, signer, time, difficulty);
            parent = block.block.clone();
            blocks.push(block);
        }
        for block in blocks {
            for signer in signers {
                stage.inject(6, signer as usize, Message::Block(block.clone()));
            }
        }
    }
    stage.partition(&[0, 2, 4], &[1, 3, 5]);
    stage.run_until(Time::ZERO + SECOND * 4);
    stage
}

#[test]
fn equally_heavy_halves_stall_until_the_tie_is_broken() {
    let height = |stage: &Stage, node: usize| stage.chain(node).len() - 1;
    for (tie, moves) in [(Tie::FirstSeen, false), (Tie::Eip3436, true)] {
        let mut stage = deadlock(tie);
        // The blocks are dated up to 15 s: they are held until then.
        stage.run_until(Time::ZERO + SECOND * 15 + MILLI * 10);
        let heads: BTreeSet<Hash> = (0..6).map(|node| stage.chain(node)[3].id()).collect();
        assert_eq!(heads.len(), 2, "two chains of three blocks");
        let weights: Vec<u64> = (0..6).map(|node| stage.node(node).head().difficulty).collect();
        assert_eq!(weights, [4; 6], "both are equally heavy");
        stage.heal();
        stage.run(SECOND * 120);
        assert_eq!(height(&stage, 0) > 10, moves, "{tie:?}: {}", height(&stage, 0));
        assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4, 5]), None);
    }
}

#[test]
fn a_clone_on_both_sides_of_a_partition_makes_both_believe() {
    let mut stage = Stage::empty(5, quick());
    stage.set_attack(0, "clone");
    (0..5).for_each(|node| stage.boot(node));
    stage.partition(&[2, 4], &[1, 3]);
    stage.run(SECOND * 300);
    assert_eq!(stage.disagreement(&[2, 1]).map(|(_, _, height)| height), Some(Height(1)));
    // Without the Byzantine node neither side has the three signers that it needs.
    let mut stage = stage_of_five_without_zero();
    stage.run(SECOND * 300);
    assert_eq!(stage.disagreement(&[1, 2, 3, 4]), None);
    assert!((1..5).all(|node| stage.chain(node).len() <= 3));
}

fn stage_of_five_without_zero() -> Stage {
    let mut stage = Stage::empty(5, quick());
    (1..5).for_each(|node| stage.boot(node));
    stage.partition(&[2, 4], &[1, 3]);
    stage
}

#[test]
fn attackers_short_of_the_bound_neither_fork_nor_halt() {
    for (attack, _) in attack::ATTACKS {
        let mut stage = Stage::empty(5, quick());
        stage.set_attack(1, attack);
        (0..5).for_each(|node| stage.boot(node));
        stage.run(SECOND * 600);
        let honest = [0, 2, 3, 4];
        assert_eq!(stage.disagreement(&honest), None, "{attack}");
        assert!(stage.finalized(0).len() > 60, "{attack}: {}", stage.finalized(0).len());
        let reports =
            |node: usize| stage.notes(node).iter().any(|(label, value)| *label == note::EVIDENCE && *value == 1);
        assert_eq!(honest.into_iter().any(reports), *attack == "equivocate", "{attack}");
    }
}

#[test]
fn each_attack_does_what_it_says() {
    let all = |attack: Option<&str>| {
        let mut stage = Stage::empty(5, Config { period: SECOND * 5, wiggle: SECOND, ..Config::default() });
        if let Some(attack) = attack {
            stage.set_attack(1, attack);
        }
        // Who is in turn after the Byzantine node is down: others seal in its place.
        (0..5).filter(|node| *node != 2).for_each(|node| stage.boot(node));
        for nonce in 0..60 {
            let payment = stage.transaction(0, nonce);
            stage.submit_to_all(&payment);
            stage.run(SECOND * 10);
        }
        stage
    };
    let of_attacker = |stage: &Stage| {
        let blocks = stage.chain(0)[1..].iter().filter(|block| block.header.proposer == NodeId(1));
        blocks.map(|block| block.transactions().len()).collect::<Vec<_>>()
    };
    let honest = all(None);
    assert!(of_attacker(&honest).iter().any(|payments| *payments > 0));
    let censor = all(Some("censor"));
    assert!(of_attacker(&censor).len() > 10 && of_attacker(&censor).iter().all(|payments| *payments == 0));
    assert!(censor.final_transactions(0).len() > 50, "others take what it leaves");
    // Without its delay it is first wherever it may seal out of turn.
    let (before, after) = (of_attacker(&honest).len(), of_attacker(&all(Some("eager"))).len());
    assert!(after > before + before / 10, "{before} and {after}");
    // A block half a minute ahead waits that long, and others were there before it.
    let drift = of_attacker(&all(Some("drift"))).len();
    assert!(drift < before / 2, "{drift} and {before}");
}

#[test]
fn signers_come_and_go_by_vote() {
    let proposals = vec![
        Proposal { signers: vec![0, 1, 2], candidate: 4, add: true, from: Duration::ZERO },
        Proposal { signers: vec![1, 2, 4], candidate: 0, add: false, from: SECOND * 100 },
    ];
    let mut stage = stage(5, Config { signers: 4, proposals, ..quick() });
    stage.run(SECOND * 90);
    assert!(sealers(&stage, 3).contains(&4), "three of four voted for it: {:?}", sealers(&stage, 3));
    stage.run(SECOND * 200);
    let late = sealers(&stage, 3);
    assert!(!late[late.len() - 20..].contains(&0), "three of five voted against it: {late:?}");
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
}

#[test]
fn every_message_has_its_size() {
    let stage = stage(4, Config::default());
    let block = Block::new(Block::genesis().header, Batch::new(vec![stage.transaction(0, 0)]));
    let fields = Fields { difficulty: 2, vote: None, checkpoint: None };
    let signature = Signature::NONE;
    let plain = Arc::new(Sealed { block: block.clone(), fields: fields.clone(), signature });
    let checkpoint = Some(vec![NodeId(0); 4]);
    let epoch = Arc::new(Sealed { block, fields: Fields { checkpoint, ..fields }, signature });
    for (message, bytes) in [
        (Message::Block(plain.clone()), 605 + 250 + 32),
        (Message::Block(epoch), 605 + 80 + 250 + 32),
        (Message::Status { head: Hash::ZERO, weight: (0, 0), is_reply: false }, 112),
        (Message::Ask { wanted: Hash::ZERO, above: Height(0), known: [].into() }, 40),
        (Message::Blocks(Arc::new(vec![plain; 2])), 2 * 855),
    ] {
        assert_eq!(message.bytes(), bytes, "{}", message.kind());
    }
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_progress_and_signs_nothing_twice() {
    for victim in 0..4 {
        for fuse in 0..40 {
            let mut stage = stage(4, quick());
            stage.crash_after_effects(victim, fuse);
            stage.run(SECOND * 40);
            stage.crash(victim);
            stage.boot(victim);
            stage.run(SECOND * 80);
            assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
            assert!(
                stage.finalized(victim).len() > 8,
                "victim {victim}, fuse {fuse}: {}",
                stage.finalized(victim).len()
            );
            let evidence = (0..4).flat_map(|node| stage.notes(node)).filter(|(label, _)| *label == note::EVIDENCE);
            assert_eq!(evidence.count(), 0);
        }
    }
}

#[test]
fn a_node_that_lost_its_log_stands_on_its_final_chain() {
    let proposals = vec![Proposal { signers: vec![0, 1, 2], candidate: 4, add: true, from: Duration::ZERO }];
    let mut stage = stage(5, Config { signers: 4, proposals, ..quick() });
    stage.run(SECOND * 90);
    let (before, signers) = (stage.finalized(3).len(), stage.node(3).known[&stage.node(3).root.id()].signers.clone());
    assert!(before > 10 && signers.all().len() == 5, "{before}");
    for _ in 0..2 {
        stage.crash(3);
        stage.forget(3, usize::MAX);
        stage.boot(3);
        assert_eq!(stage.node(3).known[&stage.node(3).root.id()].signers, signers, "the vote is read from the headers");
    }
    stage.run(SECOND * 60);
    // What it logged since stands on blocks that only the chain holds.
    stage.crash(3);
    stage.boot(3);
    stage.run(SECOND * 60);
    assert!(stage.finalized(3).len() > before + 10);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
}

#[test]
fn an_alarm_that_rings_too_soon_is_set_again() {
    let mut stage = stage(1, quick());
    assert!(stage.fire(0, Timer::Seal));
    stage.run(SECOND * 5);
    assert_eq!(sealers(&stage, 0), [0]);
}

#[test]
fn who_sends_before_it_stores_may_sign_twice() {
    let is_caught = |durable: bool| {
        (0..12).any(|fuse| {
            let mut stage = stage(4, Config { durable, ..quick() });
            stage.run(SECOND * 4);
            stage.crash_after_effects(1, fuse);
            stage.run(SECOND + MILLI / 2);
            stage.crash(1);
            let transaction = stage.transaction(0, 0);
            stage.cut(2, 1);
            stage.boot(1);
            stage.submit(1, &transaction);
            [0, 2, 3].into_iter().for_each(|from| stage.cut(from, 1));
            stage.run(SECOND * 5);
            (0..4).any(|node| stage.notes(node).iter().any(|(label, _)| *label == note::EVIDENCE))
        })
    };
    assert!(is_caught(false) && !is_caught(true));
}

#[test]
fn signers_that_restarted_together_still_serve_what_was_final_before() {
    let mut stage = stage(4, quick());
    stage.run(SECOND * 6);
    stage.crash(3);
    stage.run(SECOND * 5 * CHECKPOINT_EVERY * 3);
    let missed = stage.finalized(0).len();
    assert!(missed as u64 > 2 * CHECKPOINT_EVERY && missed > ANSWER_MAX, "{missed}");
    (0..3).for_each(|node| stage.crash(node));
    (0..4).for_each(|node| stage.boot(node));
    stage.run(SECOND * 60);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
    assert!(stage.finalized(3).len() > missed, "{} of {missed}", stage.finalized(3).len());
}

#[test]
fn a_lagging_node_fetches_the_chain_from_those_that_have_it() {
    let mut stage = stage(4, quick());
    stage.run(SECOND * 6);
    stage.crash(3);
    stage.run(SECOND * 1_500);
    let missed = stage.finalized(0).len();
    assert!(missed > 2 * ANSWER_MAX, "{missed}");
    stage.boot(3);
    stage.run(SECOND * 60);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
    assert!(stage.finalized(3).len() > missed);
    // It is one of them again, after a restart of its own too.
    for node in [0, 1, 2, 3] {
        stage.crash(node);
        stage.boot(node);
    }
    stage.run(SECOND * 200);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
    assert!(stage.finalized(0).len() > missed + 30);
}

#[test]
fn a_third_of_messages_lost_and_then_none_ends_in_agreement_and_progress() {
    for seed in 0..4 {
        let mut stage = stage(5, quick());
        let mut random = Stream::new(seed, "loss", 0, 0);
        for _ in 0..20_000 {
            stage.run(MILLI * 10);
            stage.lose(|_| random.below(3) == 0);
        }
        let before = stage.finalized(0).len();
        stage.run(SECOND * 150);
        assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
        assert!(all(&stage).iter().all(|node| stage.finalized(*node).len() > before + 10));
    }
}

#[test]
fn a_flood_is_kept_within_bounds() {
    let mut stage = follower(quick());
    let mut random = Stream::new(1, "flood", 0, 0);
    for at in 0..1_000u64 {
        let parent =
            Block::new(Header { height: Height(random.below(u64::MAX)), ..Block::genesis().header }, Batch::empty());
        let orphan = sealed(&mut stage, &parent, 1, at, 2);
        let early = sealed(&mut stage, &Block::genesis(), 2, 110_000 + at, 1);
        show(&mut stage, 5, &orphan);
        show(&mut stage, 5, &early);
        stage.inject(1, 5, Message::Ask { wanted: Hash::ZERO, above: Height(u64::MAX - at), known: [].into() });
    }
    let node = stage.node(5);
    assert_eq!((node.orphans.len(), node.early.len()), (KEPT_MAX, KEPT_MAX));
    // Blocks that no node can complete are given up, so that there is room again.
    // The others are down: each request waits twice as long as the one before.
    stage.run_while(SECOND * 5 * (1 << (ASKS_MAX + 6)), |stage| !stage.node(5).orphans.is_empty());
    assert!(stage.node(5).orphans.is_empty(), "{} at {}", stage.node(5).orphans.len(), stage.now());
}

#[test]
fn one_to_three_signers_keep_a_chain() {
    for n in 1..=3 {
        let mut stage = stage(n, quick());
        let transaction = stage.transaction(0, 0);
        stage.submit_to_all(&transaction);
        stage.run(SECOND * 60);
        assert!(all(&stage).iter().all(|node| stage.final_transactions(*node).len() == 1), "n = {n}");
        assert_eq!(stage.disagreement(&all(&stage)), None);
    }
}

#[test]
fn signers_that_start_beside_dead_and_empty_ones_have_the_heaviest_chain_at_once() {
    let mut stage = stage(7, quick());
    [1, 2].into_iter().for_each(|node| stage.crash(node));
    stage.run(SECOND * 60);
    [0, 3, 4, 5].into_iter().for_each(|node| stage.crash(node));
    [1, 2].into_iter().for_each(|node| stage.boot(node));
    // One of them may seal at once: its block is lighter than the chain of the only other one.
    stage.run(MILLI * 10);
    assert!(stage.chain(6).len() > 5);
    assert!([1, 2].into_iter().all(|node| stage.chain(node)[..] == stage.chain(6)[..]));
}

#[test]
fn a_status_is_answered_once_and_only_by_who_has_another_chain_that_is_not_lighter() {
    let mut stage = stage(4, quick());
    stage.run(SECOND * 21);
    let said = |stage: &Stage| stage.flights().filter(|flight| flight.message.kind() == "status").count();
    let own = Message::Status { head: stage.chain(1).last().unwrap().id(), weight: (0, 0), is_reply: false };
    let of = |weight, is_reply| Message::Status { head: Hash::of(b"another"), weight, is_reply };
    let cases = [(own, 0), (of((0, 0), false), 1), (of((0, 0), true), 0), (of((u64::MAX, 0), false), 0)];
    for (message, replies) in cases {
        stage.inject(0, 1, message.clone());
        stage.deliver(|flight| flight.message.kind() == "status");
        assert_eq!(said(&stage), replies, "{message:?}");
        stage.lose(|flight| flight.message.kind() == "status");
    }
}
