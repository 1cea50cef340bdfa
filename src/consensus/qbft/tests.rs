//! One test per sentence of the papers that matters.

use super::*;
use crate::base::{Stream, Wire};
use crate::protocol::testing::TestCluster;

type Stage = TestCluster<Qbft>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn stage(n: usize, config: Config) -> Stage {
    let mut stage = TestCluster::new(n, config);
    (0..n).for_each(|node| stage.boot(node));
    stage
}

fn capped() -> Config {
    Config { request_timeout_max: SECOND * 4, ..Config::default() }
}

fn submit(stage: &mut Stage, nonces: std::ops::Range<u64>, span: Duration) {
    for nonce in nonces {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
        stage.run(span);
    }
}

fn assert_agreed(stage: &Stage, nodes: &[usize], transactions: usize) {
    assert_eq!(stage.disagreement(nodes), None);
    for &node in nodes {
        let mut known = stage.final_transactions(node);
        assert_eq!(known.len(), transactions, "validator {node}");
        known.sort();
        known.dedup();
        assert_eq!(known.len(), transactions, "validator {node} has something twice");
    }
}

#[test]
fn the_quorum_is_two_thirds_rounded_up() {
    const THREE: u64 = 3;
    for n in 4..200u64 {
        let committee = Qbft::committee(&Config::default(), vec![1; n as usize]);
        assert_eq!(committee.quorum(), (2 * n - 1) / THREE + 1, "n = {n}");
    }
}

#[test]
fn a_block_is_final_after_three_delays_and_the_messages_of_three_phases() {
    for n in [4usize, 7, 16, 64] {
        for proposer_prepares in [false, true] {
            let mut stage = stage(n, Config { proposer_prepares, ..Config::default() });
            submit(&mut stage, 0..1, MILLI * 3 - Duration::from_nanos(1));
            assert_agreed(&stage, &(0..n).collect::<Vec<_>>(), 0);
            stage.run(Duration::from_nanos(1));
            assert_agreed(&stage, &(0..n).collect::<Vec<_>>(), 1);
            stage.run(SECOND * 100);
            let delivered: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
            let others = n as u64 - 1;
            let prepares = if proposer_prepares { others + 1 } else { others } * others;
            let expected = [("commit", (others + 1) * others), ("prepare", prepares), ("proposal", others)];
            assert_eq!(delivered, expected, "and then silence");
        }
    }
}

#[test]
fn one_decision_reads_like_the_figure() {
    let mut stage = stage(4, Config::default());
    let transaction = stage.transaction(0, 0);
    stage.submit_to_all(&transaction);
    let mut flights = String::new();
    for _ in 0..3 {
        flights.push_str(&stage.show_flights());
        flights.push('\n');
        stage.run(MILLI);
    }
    let proposal = "n1>n0 proposal\nn1>n2 proposal\nn1>n3 proposal\n";
    let prepares = "n0>n1 prepare\nn0>n2 prepare\nn0>n3 prepare\nn2>n0 prepare\nn2>n1 prepare\nn2>n3 prepare\n\
                    n3>n0 prepare\nn3>n1 prepare\nn3>n2 prepare\n";
    let commits = |text: &str| text.matches("commit").count();
    let parts: Vec<&str> = flights.split("\n\n").collect();
    assert_eq!([parts[0].to_owned() + "\n", parts[1].to_owned() + "\n"], [proposal, prepares]);
    assert_eq!((commits(parts[2]), parts[2].lines().count()), (12, 12), "{flights}");
}

#[test]
fn blocks_keep_the_period() {
    let mut stage = stage(4, Config::default());
    for nonce in 0..50 {
        submit(&mut stage, nonce..nonce + 1, MILLI * 100);
    }
    stage.run(SECOND * 5);
    assert_agreed(&stage, &[0, 1, 2, 3], 50);
    let times: Vec<u64> = stage.finalized(0)[1..].iter().map(|block| block.header.time.as_nanos()).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 1_000_000_000), "{times:?}");
    assert!((5..=8).contains(&times.len()), "{times:?}");
}

#[test]
fn proposers_take_turns_or_stay() {
    for (policy, expected) in [(Policy::RoundRobin, [1, 2, 3, 0, 1]), (Policy::Sticky, [1, 1, 1, 1, 1])] {
        let mut stage = stage(4, Config { policy, ..Config::default() });
        submit(&mut stage, 0..5, SECOND * 2);
        let proposers: Vec<u32> = stage.finalized(0)[1..].iter().map(|block| block.header.proposer.0).collect();
        assert_eq!(proposers, expected);
    }
}

#[test]
fn every_message_has_its_size() {
    let stage = stage(4, Config::default());
    let block = Block::new(Block::genesis().header, Batch::new(vec![stage.transaction(0, 0)]));
    let prepares = vec![(NodeId(0), Signature::NONE); 3];
    let proof = Arc::new(Prepared { round: 0, block: block.clone(), prepares: prepares.clone() });
    let change = Change { sender: NodeId(0), prepared: None, signature: Signature::NONE };
    let proposal = |changes: usize, certificate: Option<Arc<Prepared>>, others: Vec<Arc<Prepared>>| {
        let (changes, signature) = (vec![change; changes], Signature::NONE);
        Message::Proposal(Arc::new(Proposal {
            round: 1,
            block: block.clone(),
            signature,
            changes,
            certificate,
            others,
        }))
    };
    let round_change =
        |certificate| Message::RoundChange(Arc::new(RoundChange { height: Height(1), round: 1, change, certificate }));
    let vote = |phase| {
        let (height, digest, signature) = (Height(1), Hash::ZERO, Signature::NONE);
        Message::Vote { phase, height, round: 0, digest, signature }
    };
    let sealed = Arc::new(Sealed { round: 0, block: block.clone(), seals: prepares });
    // A block of one payment: 84 + 250. A vote 116, a certificate of three 348, a ROUND-CHANGE 124.
    for (message, bytes) in [
        (proposal(0, None, Vec::new()), 84 + 334),
        (proposal(3, Some(proof.clone()), Vec::new()), 84 + 334 + 3 * 124 + 348),
        (proposal(3, Some(proof.clone()), vec![proof.clone(); 3]), 84 + 334 + 3 * 124 + 4 * 348),
        (vote(Phase::Prepare), 116),
        (vote(Phase::Commit), 116),
        (round_change(None), 124),
        (round_change(Some(proof)), 124 + 348 + 334),
        (Message::Ask { above: Height(0) }, 8),
        (Message::Blocks(Arc::new(vec![sealed])), 8 + 334 + 3 * 68),
        (Message::AskBelow { upto: Height(9), above: Height(1) }, 16),
        (Message::Below(Arc::new(vec![block.clone(), block.clone()])), 2 * 334),
    ] {
        assert_eq!(message.bytes(), bytes, "{}", message.kind());
    }
}

/// Six validators in halves, one proposer of the first two rounds in each.
fn six_in_halves(quorum: Quorum) -> Stage {
    let mut stage = stage(6, Config { quorum, request_timeout_max: SECOND * 4, ..Config::default() });
    stage.partition(&[0, 1, 3], &[2, 4, 5]);
    let (one, other) = (stage.transaction(0, 0), stage.transaction(1, 0));
    [0, 1, 3].into_iter().for_each(|node| stage.submit(node, &one));
    [2, 4, 5].into_iter().for_each(|node| stage.submit(node, &other));
    stage.run(SECOND * 60);
    stage
}

#[test]
fn the_early_quorum_forks_six_validators_without_any_faulty_node_and_the_right_one_does_not() {
    let all = [0, 1, 2, 3, 4, 5];
    assert_eq!(six_in_halves(Quorum::Early).disagreement(&all).map(|(_, _, height)| height), Some(Height(1)));
    let mut stage = six_in_halves(Quorum::Byzantine);
    assert_agreed(&stage, &all, 0);
    stage.heal();
    stage.run(SECOND * 20);
    assert_eq!(stage.disagreement(&all), None);
    assert_eq!(stage.final_transactions(0).len() + stage.final_transactions(2).len(), 4, "both payments at both");
}

#[test]
fn a_block_that_one_committed_is_proposed_again_in_every_later_round() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..1, MILLI * 2);
    // All are prepared. COMMITs reach validator 0 alone, which decides and goes silent.
    stage.lose(|flight| flight.to.index() != 0);
    stage.run(MILLI);
    assert_eq!(stage.final_transactions(0).len(), 1);
    let decided = stage.finalized(0)[1].id();
    stage.crash(0);
    stage.run(SECOND * 20);
    for node in 1..4 {
        assert_eq!(stage.finalized(node)[1].id(), decided, "validator {node}");
    }
}

#[test]
fn a_block_that_only_one_prepared_may_be_left_or_kept_and_nothing_forks() {
    for keeper in 0..4usize {
        let mut stage = stage(4, Config::default());
        submit(&mut stage, 0..1, MILLI);
        stage.lose(|flight| flight.to.index() != keeper);
        stage.run(SECOND * 20);
        assert_agreed(&stage, &[0, 1, 2, 3], 1);
    }
}

/// ROUND-CHANGE of a validator that prepared nothing.
fn ask_for(stage: &Stage, node: u32, height: Height, round: Round) -> Message {
    let signature = stage.keys().sign(node, &Change::statement(height, round, None));
    let change = Change { sender: NodeId(node), prepared: None, signature };
    Message::RoundChange(Arc::new(RoundChange { height, round, change, certificate: None }))
}

/// Validator 1 is a Byzantine node that then falls silent. In round 0 it lets only validator 0 see a quorum for its block A, in
/// round 1 only validator 3 one for B, which 2 proposed. Returns the stage and the names of A and B.
fn two_locks(variant: Variant) -> (Stage, [Hash; 2]) {
    let mut stage = stage(4, Config { variant, request_timeout_max: SECOND * 2, ..Config::default() });
    let (a, b) = (stage.transaction(0, 0), stage.transaction(1, 0));
    stage.submit(1, &a);
    stage.deliver(|flight| [0, 3].contains(&flight.to.index()));
    stage.fire(0, Timer::Durable);
    stage.fire(3, Timer::Durable);
    stage.deliver(|flight| (flight.from.index(), flight.to.index()) == (3, 0));
    stage.lose(|_| true);
    stage.crash(1);
    [0, 2, 3].into_iter().for_each(|node| stage.submit(node, &b));
    let first = stage.node(0).prepared.clone().expect("a quorum for A").block.id();
    // All go to round 1; only the ROUND-CHANGEs without a certificate reach its proposer in time, with the Byzantine node's.
    [0, 2, 3].into_iter().for_each(|node| assert!(stage.fire(node, Timer::Round)));
    stage.lose(|flight| flight.from.index() == 0);
    let asked = ask_for(&stage, 1, Height(1), 1);
    stage.inject(1, 2, asked);
    stage.deliver(|flight| flight.to.index() == 2);
    let second = stage.node(2).accepted.clone().expect("2 proposes in round 1").id();
    stage.deliver(|flight| flight.to.index() == 3 && matches!(flight.message, Message::Proposal(_)));
    let signature = stage.keys().sign(1, &statement(Phase::Prepare, Height(1), 1, &second));
    let (phase, height, round, digest) = (Phase::Prepare, Height(1), 1, second);
    stage.inject(1, 3, Message::Vote { phase, height, round, digest, signature });
    stage.deliver(|flight| (flight.from.index(), flight.to.index()) == (1, 3));
    stage.fire(3, Timer::Durable);
    assert_eq!(stage.node(3).prepared.as_ref().map(|proof| proof.block.id()), Some(second));
    stage.lose(|_| true);
    (stage, [first, second])
}

#[test]
fn locks_without_proof_stall_for_ever_and_a_newer_certificate_beats_an_older() {
    let (mut stage, [first, second]) = two_locks(Variant::Ibft1);
    stage.run(SECOND * 300);
    assert!(stage.node(2).round > 100, "{}", stage.node(2).round);
    assert_agreed(&stage, &[0, 2, 3], 0);
    let held = |node: usize| stage.node(node).prepared.as_ref().map(|proof| proof.block.id());
    assert_eq!((held(0), held(3)), (Some(first), Some(second)));
    for variant in [Variant::Qbft, Variant::Ibft2] {
        let (mut stage, [_, second]) = two_locks(variant);
        stage.run(SECOND * 20);
        assert_eq!(stage.disagreement(&[0, 2, 3]), None);
        assert_eq!(stage.finalized(0)[1].id(), second);
    }
}

/// A block for the first height.
fn first_block(stage: &Stage, proposer: u32, nonce: u64) -> Arc<Block> {
    first_block_at(stage, proposer, nonce, crate::base::Time::ZERO)
}

fn first_block_at(stage: &Stage, proposer: u32, nonce: u64, time: crate::base::Time) -> Arc<Block> {
    let batch = Batch::new(vec![stage.transaction(0, nonce)]);
    let (parent, height, merkle) = (Block::genesis().id(), Height(1), batch.digest());
    let (proposer, seal) = (NodeId(proposer), Seal::None);
    Block::new(Header { parent, height, merkle, time, proposer, seal }, batch)
}

/// PREPAREs of these for the block in a round.
fn prepared(stage: &Stage, round: Round, block: &Arc<Block>, by: &[u32]) -> Arc<Prepared> {
    let said = statement(Phase::Prepare, Height(1), round, &block.id());
    let prepares = by.iter().map(|node| (NodeId(*node), stage.keys().sign(*node, &said))).collect();
    Arc::new(Prepared { round, block: block.clone(), prepares })
}

/// ROUND-CHANGE of a validator at the first height, and what it claims to have prepared.
fn change(stage: &Stage, node: u32, round: Round, claim: Option<(Round, &Arc<Block>)>) -> Change {
    let prepared = claim.map(|(round, block)| (round, block.id()));
    let signature = stage.keys().sign(node, &Change::statement(Height(1), round, prepared));
    Change { sender: NodeId(node), prepared, signature }
}

/// Whether validator 0 accepts the proposal of a round at the first height.
fn accepts(
    stage: &mut Stage,
    round: Round,
    block: &Arc<Block>,
    changes: Vec<Change>,
    certificate: Option<Arc<Prepared>>,
) -> bool {
    let proposer = (1 + round as u32) % 4;
    let signature = stage.keys().sign(proposer, &statement(Phase::Prepare, Height(1), round, &block.id()));
    let proposal = Proposal { round, block: block.clone(), signature, changes, certificate, others: Vec::new() };
    stage.inject(proposer as usize, 0, Message::Proposal(Arc::new(proposal)));
    stage.deliver(|flight| flight.to.index() == 0);
    stage.node(0).accepted.as_ref().is_some_and(|accepted| accepted.id() == block.id()) && stage.node(0).round == round
}

#[test]
fn a_proposal_of_a_later_round_needs_a_quorum_of_round_changes() {
    for (by, accepted) in [(vec![], false), (vec![1, 2, 2], false), (vec![1, 2], false), (vec![1, 2, 3], true)] {
        let mut stage = stage(4, Config::default());
        let block = first_block(&stage, 2, 0);
        let changes = by.iter().map(|node| change(&stage, *node, 1, None)).collect();
        assert_eq!(accepts(&mut stage, 1, &block, changes, None), accepted, "{by:?}");
    }
}

/// Which of two blocks is proposed, the ROUND-CHANGEs with it, and the certificate.
type Case = (usize, Vec<Change>, Option<Arc<Prepared>>);

/// One claims the first block in round 0, two nothing.
fn one_claims(stage: &Stage, a: &Arc<Block>) -> Vec<Change> {
    vec![change(stage, 1, 1, None), change(stage, 2, 1, None), change(stage, 3, 1, Some((0, a)))]
}

/// The first block in round 0, the second in round 1.
fn two_claim(stage: &Stage, [a, b]: [&Arc<Block>; 2]) -> Vec<Change> {
    vec![change(stage, 1, 2, Some((0, a))), change(stage, 2, 2, Some((1, b))), change(stage, 3, 2, None)]
}

#[test]
fn what_round_changes_claim_to_be_prepared_is_proposed_with_its_proof_and_nothing_else() {
    let judge = |about: &str, expected: bool, round: Round, of: fn(&Stage, [&Arc<Block>; 2]) -> Case| {
        let mut stage = stage(4, Config::default());
        let (a, b) = (first_block(&stage, 1, 0), first_block(&stage, 2, 1));
        let (proposed, changes, certificate) = of(&stage, [&a, &b]);
        let block = [&a, &b][proposed].clone();
        assert_eq!(accepts(&mut stage, round, &block, changes, certificate), expected, "{about}");
    };
    judge("a quorum prepared it", true, 1, |stage, [a, _]| {
        (0, one_claims(stage, a), Some(prepared(stage, 0, a, &[1, 2, 3])))
    });
    judge("too few", false, 1, |stage, [a, _]| (0, one_claims(stage, a), Some(prepared(stage, 0, a, &[1, 2]))));
    judge("one twice", false, 1, |stage, [a, _]| (0, one_claims(stage, a), Some(prepared(stage, 0, a, &[1, 2, 2]))));
    judge("no proof", false, 1, |stage, [a, _]| (0, one_claims(stage, a), None));
    judge("another block with it", false, 1, |stage, [a, _]| {
        (1, one_claims(stage, a), Some(prepared(stage, 0, a, &[1, 2, 3])))
    });
    judge("another block without it", false, 1, |stage, [a, _]| (1, one_claims(stage, a), None));
    judge("a proof of another block", false, 1, |stage, [a, b]| {
        (0, one_claims(stage, a), Some(prepared(stage, 0, b, &[1, 2, 3])))
    });
    judge("a proof of another round", false, 1, |stage, [a, _]| {
        (0, one_claims(stage, a), Some(prepared(stage, 1, a, &[1, 2, 3])))
    });
    judge("the newest", true, 2, |stage, [a, b]| {
        (1, two_claim(stage, [a, b]), Some(prepared(stage, 1, b, &[0, 2, 3])))
    });
    judge("not the newest", false, 2, |stage, [a, b]| {
        (0, two_claim(stage, [a, b]), Some(prepared(stage, 0, a, &[1, 2, 3])))
    });
}

#[test]
fn who_is_prepared_accepts_another_block_when_a_quorum_is_not() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..1, MILLI);
    stage.lose(|flight| flight.to.index() != 0);
    stage.run(MILLI);
    stage.lose(|_| true);
    assert!(stage.node(0).prepared.is_some());
    let block = first_block(&stage, 3, 1);
    let changes = [1, 2, 3].map(|node| change(&stage, node, 2, None)).to_vec();
    assert!(accepts(&mut stage, 2, &block, changes, None));
}

#[test]
fn a_block_is_final_with_seals_of_a_quorum_of_its_round_and_no_others() {
    for (about, by, round, expected) in [
        ("a quorum", vec![(1, 1), (2, 2), (3, 3)], 0, 2),
        ("too few", vec![(1, 1), (2, 2)], 0, 1),
        ("one twice", vec![(1, 1), (2, 2), (2, 2)], 0, 1),
        ("one for another", vec![(1, 1), (2, 2), (3, 2)], 0, 1),
        ("no validator", vec![(1, 1), (2, 2), (9, 2)], 0, 1),
        ("of another round", vec![(1, 1), (2, 2), (3, 3)], 1, 1),
    ] {
        let mut stage = stage(4, Config::default());
        let block = first_block(&stage, 1, 0);
        let said = statement(Phase::Commit, Height(1), round, &block.id());
        let seals = by.into_iter().map(|(name, signer)| (NodeId(name), stage.keys().sign(signer, &said))).collect();
        stage.inject(1, 0, Message::Blocks(Arc::new(vec![Arc::new(Sealed { round: 0, block, seals })])));
        stage.run(MILLI);
        assert_eq!(stage.finalized(0).len(), expected, "{about}");
    }
}

#[test]
fn a_block_dated_ahead_of_the_clock_is_not_accepted() {
    for (ahead, accepted) in [(500, true), (1_500, false)] {
        let mut stage = stage(4, Config::default());
        let block = first_block_at(&stage, 1, 0, crate::base::Time::ZERO + MILLI * ahead);
        assert_eq!(accepts(&mut stage, 0, &block, Vec::new(), None), accepted, "{ahead} ms");
    }
}

#[test]
fn rounds_asked_for_by_one_faulty_node_move_no_node_and_by_two_every_node() {
    let mut stage = stage(4, Config::default());
    let ask = |stage: &mut Stage, node: u32, round: Round| {
        let asked = ask_for(stage, node, Height(1), round);
        stage.inject(node as usize, 0, asked);
    };
    ask(&mut stage, 3, 1_000);
    stage.run(MILLI);
    assert_eq!(stage.node(0).round, 0);
    ask(&mut stage, 2, 7);
    stage.run(MILLI);
    assert_eq!(stage.node(0).round, 7, "the smallest of the rounds that a correct validator may be in");
}

#[test]
fn attackers_at_the_bound_neither_fork_nor_halt() {
    for (attack, _) in attack::ATTACKS {
        for variant in [Variant::Qbft, Variant::Ibft2] {
            let mut stage = Stage::new(7, Config { variant, ..capped() });
            stage.set_attack(1, attack);
            stage.set_attack(2, attack);
            (0..7).for_each(|node| stage.boot(node));
            submit(&mut stage, 0..10, SECOND * 8);
            assert_agreed(&stage, &[0, 3, 4, 5, 6], 10);
        }
    }
}

#[test]
fn one_equivocator_too_many_forks() {
    for (faulty, forks) in [(vec![1], false), (vec![0, 1], true)] {
        let mut stage = Stage::new(4, Config::default());
        faulty.iter().for_each(|from| stage.set_attack(*from, "equivocate"));
        (0..4).for_each(|node| stage.boot(node));
        stage.partition(&[2], &[3]);
        submit(&mut stage, 0..1, SECOND);
        assert_eq!(stage.disagreement(&[2, 3]).is_some(), forks, "{faulty:?}");
    }
}

#[test]
fn two_crashed_of_four_halt_and_nothing_forks() {
    let mut stage = stage(4, capped());
    submit(&mut stage, 0..1, SECOND * 2);
    stage.crash(2);
    stage.crash(3);
    submit(&mut stage, 1..2, SECOND * 60);
    assert_agreed(&stage, &[0, 1], 1);
    let round = stage.node(0).round;
    stage.run(SECOND * 40);
    assert_eq!(stage.node(0).round, round + 10, "no round lasts longer than the cap of 4 s");
    stage.boot(2);
    stage.run(SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2], 2);
}

#[test]
fn a_crashed_proposer_costs_one_timeout() {
    let mut stage = stage(4, Config::default());
    stage.crash(1);
    submit(&mut stage, 0..1, SECOND + MILLI * 4);
    assert_agreed(&stage, &[0, 2, 3], 1);
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_progress() {
    for victim in 0..4 {
        for fuse in 0..40 {
            let mut stage = stage(4, capped());
            stage.crash_after_effects(victim, fuse);
            submit(&mut stage, 0..3, SECOND);
            stage.run(SECOND * 10);
            stage.boot(victim);
            submit(&mut stage, 3..5, SECOND * 10);
            assert_agreed(&stage, &[0, 1, 2, 3], 5);
        }
    }
}

#[test]
fn what_was_said_is_not_contradicted_after_a_crash_unless_it_was_forgotten() {
    for (forgotten, remembers) in [(0, true), (100, false)] {
        let mut stage = stage(4, Config { durable: true, ..Config::default() });
        submit(&mut stage, 0..1, MILLI);
        stage.crash(0);
        stage.forget(0, forgotten);
        stage.boot(0);
        assert_eq!(stage.node(0).accepted.is_some(), remembers);
        // Its proposer shows another block.
        stage.lose(|_| true);
        let other = first_block(&stage, 1, 7);
        assert_eq!(accepts(&mut stage, 0, &other, Vec::new(), None), !remembers);
        let is_for_it = |m: &Message| matches!(m, Message::Vote { digest, .. } if *digest == other.id());
        assert_eq!(stage.flights().any(|flight| flight.from.index() == 0 && is_for_it(&flight.message)), !remembers);
    }
}

#[test]
fn after_all_crash_at_once_everything_goes_on() {
    for (after, durable) in (0..4).flat_map(|after| [(after, true), (after, false)]) {
        let mut stage = stage(4, Config { durable, ..capped() });
        submit(&mut stage, 0..1, MILLI * after);
        (0..4).for_each(|node| stage.crash(node));
        (0..4).for_each(|node| stage.boot(node));
        submit(&mut stage, 0..2, SECOND * 10);
        assert_agreed(&stage, &[0, 1, 2, 3], 2);
    }
}

/// What operators of Besu and `GoQuorum` do when rounds have become long: they restart all.
#[test]
fn a_restart_of_all_ends_long_rounds_whether_validators_remember_their_promises_or_not() {
    for durable in [true, false] {
        let mut stage = stage(4, Config { durable, ..Config::default() });
        submit(&mut stage, 0..1, SECOND * 2);
        stage.crash(2);
        stage.crash(3);
        submit(&mut stage, 1..2, SECOND * 600);
        assert!(stage.node(0).round >= 8 && stage.node(0).patience() > SECOND * 200);
        (0..2).for_each(|node| stage.crash(node));
        (0..4).for_each(|node| stage.boot(node));
        let promised = stage.node(0).round;
        assert_eq!(promised >= 8, durable, "in round {promised}");
        stage.submit_to_all(&stage.transaction(0, 1));
        stage.run(SECOND * 3);
        assert_agreed(&stage, &[0, 1, 2, 3], 2);
    }
}

/// The price of writing nothing: one decided, and the others, who signed that, forgot it together.
#[test]
fn more_than_f_that_forget_what_they_signed_may_decide_something_else_and_those_who_log_it_do_not() {
    for durable in [true, false] {
        let mut stage = stage(4, Config { durable, ..capped() });
        submit(&mut stage, 0..1, MILLI * 2);
        // The COMMITs reach validator 0 alone.
        stage.lose(|flight| flight.to.index() != 0);
        stage.run(MILLI);
        assert_eq!(stage.finalized(0).len(), 2);
        stage.partition(&[0], &[1, 2, 3]);
        (1..4).for_each(|node| stage.crash(node));
        (1..4).for_each(|node| stage.boot(node));
        let other = stage.transaction(1, 0);
        (1..4).for_each(|node| stage.submit(node, &other));
        stage.run(SECOND * 20);
        assert!(stage.finalized(1).len() > 1);
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]).is_some(), !durable, "durable = {durable}");
    }
}

#[test]
fn fewer_than_four_validators_decide_as_long_as_a_quorum_of_them_is_up() {
    for (n, crashed, decides) in [(1, 0, true), (2, 0, true), (2, 1, false), (3, 0, true), (3, 1, true), (3, 2, false)]
    {
        for variant in [Variant::Qbft, Variant::Ibft2, Variant::Ibft1] {
            let config = Config { variant, ..capped() };
            assert_eq!(Qbft::check(&config, n), Ok(()));
            let mut stage = stage(n, config);
            (n - crashed..n).for_each(|node| stage.crash(node));
            submit(&mut stage, 0..2, SECOND * 8);
            let done = if decides { 2 } else { 0 };
            assert_agreed(&stage, &(0..n - crashed).collect::<Vec<_>>(), done);
        }
    }
}

/// A node that missed the last block receives nothing when the chain is at rest, until others announce it.
#[test]
fn a_validator_that_was_cut_off_while_the_last_block_was_made_catches_up_at_rest() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..2, SECOND * 2);
    stage.partition(&[3], &[0, 1, 2]);
    submit(&mut stage, 2..40, SECOND * 2);
    stage.run(SECOND * 100);
    stage.heal();
    stage.run(SECOND * 70);
    assert_agreed(&stage, &[0, 1, 2, 3], 40);
}

/// The habit of asking each peer once: all that was asked and answered in the first minute is lost.
#[test]
fn what_was_asked_in_vain_is_asked_again() {
    let mut stage = stage(4, Config::default());
    stage.crash(3);
    submit(&mut stage, 0..100, SECOND * 2);
    stage.boot(3);
    for _ in 0..600 {
        stage.lose(|flight| flight.to.index() == 3 || flight.from.index() == 3);
        stage.run(MILLI * 100);
        stage.lose(|flight| flight.to.index() == 3 || flight.from.index() == 3);
    }
    assert_eq!(stage.finalized(3).len(), 1);
    stage.run(SECOND * 40);
    assert_agreed(&stage, &[0, 1, 2, 3], 100);
}

#[test]
fn a_lagging_validator_fetches_what_it_missed() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..2, SECOND * 2);
    stage.crash(3);
    submit(&mut stage, 2..80, SECOND * 4);
    stage.boot(3);
    stage.run(SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2, 3], 80);
}

#[test]
fn a_validator_that_restarted_serves_its_whole_chain_to_one_that_lags() {
    for durable in [true, false] {
        let mut stage = stage(4, Config { durable, ..capped() });
        submit(&mut stage, 0..2, SECOND * 2);
        stage.crash(3);
        submit(&mut stage, 2..100, SECOND * 4);
        (0..3).for_each(|node| stage.crash(node));
        stage.boot(1);
        assert_eq!(stage.node(1).sealed.len(), 1, "its log holds the seals of the last block");
        stage.boot(3);
        stage.run(SECOND * 20);
        assert_eq!(stage.final_transactions(3).len(), 100, "more than one answer");
        stage.boot(0);
        stage.crash(1);
        stage.boot(2);
        submit(&mut stage, 100..103, SECOND * 8);
        assert_agreed(&stage, &[0, 2, 3], 103);
    }
}

#[test]
fn a_third_of_messages_lost_and_then_none_ends_in_agreement_and_progress() {
    for variant in [Variant::Qbft, Variant::Ibft2] {
        let mut stage = stage(4, Config { variant, ..capped() });
        let mut random = Stream::new(7, "loss", 0, 0);
        let pool: Vec<_> = (0..10).map(|nonce| stage.transaction(0, nonce)).collect();
        pool.iter().for_each(|transaction| stage.submit_to_all(transaction));
        for _ in 0..20_000 {
            stage.lose(|_| random.index(10) < 3);
            stage.run(MILLI);
        }
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
        stage.run(SECOND * 30);
        assert_agreed(&stage, &[0, 1, 2, 3], 10);
    }
}

#[test]
fn halves_that_cannot_speak_agree_when_they_can() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..1, SECOND * 2);
    stage.partition(&[0, 1], &[2, 3]);
    submit(&mut stage, 1..2, SECOND * 60);
    assert_agreed(&stage, &[0, 1, 2, 3], 1);
    stage.heal();
    stage.run(SECOND * 130); // one complete round of the largest timer reached, 60 s, and the rest of the present one
    assert_agreed(&stage, &[0, 1, 2, 3], 2);
}

#[test]
fn a_flood_is_kept_within_bounds() {
    let mut stage = stage(4, Config::default());
    for number in (1..5_000u64).chain([u64::MAX - 1, u64::MAX]) {
        let digest = Hash::of(&number.to_le_bytes());
        for height in [0, 1, 2, u64::MAX] {
            let (phase, height, round) = (Phase::Prepare, Height(height), number);
            let signature = stage.keys().sign(3, &statement(phase, height, round, &digest));
            stage.inject(3, 0, Message::Vote { phase, height, round, digest, signature });
        }
    }
    stage.run(MILLI);
    for height in [0, 1, u64::MAX] {
        let asked = ask_for(&stage, 3, Height(height), u64::MAX);
        stage.inject(3, 0, asked);
    }
    stage.run(MILLI);
    assert!(stage.node(0).prepares.len() <= ROUNDS_AHEAD as usize + 1);
    assert!(stage.node(0).future.len() <= FUTURE_MAX);
}

#[test]
fn the_last_of_all_rounds_has_a_proposer_too() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..1, SECOND);
    let (height, round) = (Height(2), Round::MAX);
    for from in [2u32, 3] {
        let lie = ask_for(&stage, from, height, round);
        stage.inject(from as usize, 0, lie);
    }
    stage.run(SECOND * 100);
    assert_eq!((stage.node(0).last.height(), stage.node(0).round), (Height(1), round));
}
