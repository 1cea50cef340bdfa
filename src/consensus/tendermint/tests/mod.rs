//! The happy path counted, losses, crashes, attacks and pure functions.

mod catching_up;

use super::*;
use crate::base::Wire;
use crate::protocol::testing::TestCluster;

type Stage = TestCluster<Tendermint>;

#[test]
fn a_decision_takes_three_delays_and_two_votes_of_each_validator() {
    for n in [4u64, 7, 16, 64] {
        let mut stage: Stage = TestCluster::new(n as usize, Config::default());
        let payment = stage.transaction(0, 0);
        stage.submit_to_all(&payment);
        stage.run(Duration::from_millis(2));
        assert!((0..n as usize).all(|node| stage.finalized(node).len() == 1), "n = {n}: not in two delays");
        stage.run(Duration::from_millis(1));
        assert!((0..n as usize).all(|node| stage.finalized(node).len() == 2), "n = {n}: in three");
        stage.run(Duration::from_secs(60));
        let counts: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
        let votes = n * (n - 1);
        assert_eq!(counts, [("block part", n - 1), ("precommit", votes), ("prevote", votes), ("proposal", n - 1)]);
    }
}

#[test]
fn one_decision_reads_like_the_figure() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    let payment = stage.transaction(0, 0);
    stage.submit_to_all(&payment);
    let mut shown = Vec::new();
    // The first round begins when something waits.
    stage.run(Duration::ZERO);
    for _ in 0..3 {
        shown.push(stage.show_flights());
        stage.run(Duration::from_millis(1));
    }
    let from_0 = "n0>n1 proposal\nn0>n2 proposal\nn0>n3 proposal\nn0>n1 block part\nn0>n2 block part\nn0>n3 block part\n\
                  n0>n1 prevote\nn0>n2 prevote\nn0>n3 prevote\n";
    let prevotes = "n1>n0 prevote\nn1>n2 prevote\nn1>n3 prevote\nn2>n0 prevote\nn2>n1 prevote\nn2>n3 prevote\n\
                    n3>n0 prevote\nn3>n1 prevote\nn3>n2 prevote\n";
    assert_eq!(shown[..2], [from_0, prevotes]);
    let (precommits, lines) = (shown[2].matches("precommit").count(), shown[2].lines().count());
    assert_eq!((precommits, lines), (12, 12), "from each to each: {}", shown[2]);
    assert!((0..4).all(|node| stage.final_transactions(node) == [payment.id()]));
    assert_eq!(stage.show_flights(), "");
}

#[test]
fn every_message_and_record_has_its_size_and_price() {
    let stage: Stage = TestCluster::new(4, Config::default());
    let first = first_value(&stage, 0, stage.now());
    let (block, id, none) = (first.block.clone(), first.block.id(), crate::base::Signature::NONE);
    let vote = |id| Vote { phase: Phase::Prevote, height: Height(1), round: 0, id, voter: NodeId(2), signature: none };
    let certificate = |phase| {
        let signatures = (0..3).map(|node| (NodeId(node), none)).collect();
        Arc::new(Certificate { phase, height: Height(1), round: 0, id, signatures })
    };
    let (polka, commit) = (certificate(Phase::Prevote), certificate(Phase::Precommit));
    let proof = Arc::new(DuplicateVote { one: vote(id), other: vote(NIL) });
    let second = Arc::new(Value { block: block.clone(), last: Some(commit.clone()), evidence: vec![proof.clone()] });
    let proposal = Proposal { height: Height(1), round: 0, valid_round: None, id, parts: 1, signature: none };
    let part = |size, index| Message::Part(Arc::new(Part { round: 0, index, size, value: first.clone() }));
    let status = |parts| {
        let (prevotes, precommits) = (VoterSet::default(), VoterSet::default());
        let (height, round, proposal, members, helper) = (Height(1), 0, false, 4, NodeId(1));
        Message::Status(Arc::new(Status { height, round, proposal, parts, prevotes, precommits, members, helper }))
    };
    let decided = Arc::new(Decided { value: first.clone(), commit: commit.clone() });
    // A block of one payment: 84 + 250, and 32 for what its header says of commit and evidence. A vote of CometBFT: 157. A
    // certificate: 80 and 94 per signature.
    for (message, bytes, price) in [
        (Message::Proposal(Arc::new((NodeId(0), proposal))), 157, Work::VERIFY),
        (part(65_536, 0), 16 + 366, Work::hash(16 + 366)),
        (part(200, 0), 16 + 32 + 200, Work::hash(16 + 32 + 200)),
        (part(200, 1), 16 + 32 + 166, Work::hash(16 + 32 + 166)),
        (Message::Vote(Arc::new(vote(id))), 157, Work::VERIFY),
        (Message::Polka(polka.clone()), 80 + 3 * 94, Work::verify(3)),
        (status(Vec::new()), 17 + 2, Work::NONE),
        (status(vec![true; 9]), 17 + 2 + 2, Work::NONE),
        (Message::Decided(Arc::new(vec![decided.clone(); 2])), 2 * (366 + 362), Work::verify(6)),
        (Message::Ask { upto: Height(9), above: Height(1) }, 16, Work::NONE),
        (Message::Blocks(Arc::new(vec![block.clone(), block])), 2 * 334, Work::hash(2 * 334)),
        (Message::Evidence(proof), 2 * 157, Work::verify(2)),
    ] {
        assert_eq!((message.bytes(), message.check()), (bytes, price), "{}", message.kind());
    }
    assert_eq!(second.bytes(), 366 + 362 + 2 * 157, "with the commit of its parent and a proof");
    for (record, bytes) in [
        (Record::Proposed(proposal, first.clone()), 157 + 366),
        (Record::Voted(vote(NIL)), 157),
        (Record::Valid(first, polka, true), 1 + 362 + 366),
        (Record::Unlocked, 1),
        (Record::Decided(decided.clone(), Vec::new()), 366 + 362),
        (Record::Decided(decided, vec![(NodeId(1), Height(1), 0, Phase::Prevote)]), 366 + 362 + 17),
    ] {
        assert_eq!(record.bytes(), bytes, "{}", record.kind());
    }
}

#[test]
fn proposers_take_turns_by_power_and_a_newcomer_waits() {
    let turns = |powers: &[u64], count: usize| -> Vec<u32> {
        let mut priorities = Priorities::new(&Committee::weighted(powers.to_vec(), FaultModel::Byzantine));
        (0..count).map(|_| priorities.advance(powers).0).collect()
    };
    assert_eq!(turns(&[1, 3], 8), [1, 0, 1, 1, 1, 0, 1, 1]);
    assert_eq!(turns(&[1, 2, 3], 6), [2, 1, 0, 2, 1, 2]);
    let mut priorities = Priorities::new(&Committee::new(2, FaultModel::Byzantine));
    priorities.join(1_000);
    assert_eq!(format!("{priorities:?}"), "Priorities([0, 0, -1125])");
}

#[test]
fn evidence_expires_only_when_older_than_both_limits() {
    let limit = (100_000, Duration::from_secs(48 * 3600));
    assert!(!is_expired(100_001, Duration::from_secs(47 * 3600), limit));
    assert!(is_expired(100_001, Duration::from_secs(49 * 3600), limit));
}

/// Four validators, the last of them silent: the test proposes in its turns. At the height of its turn, something waits.
fn turn_of_the_silent(config: Config) -> Stage {
    let mut stage: Stage = TestCluster::empty(4, config);
    (0..3).for_each(|node| stage.boot(node));
    for nonce in 0.. {
        let payment = stage.transaction(0, nonce);
        (0..3).for_each(|node| stage.submit(node, &payment));
        stage.run(Duration::from_millis(1));
        if nonce > 5 && stage.node(0).proposer(0) == NodeId(3) {
            break;
        }
        stage.run(Duration::from_secs(10));
    }
    assert!((0..3).all(|node| stage.node(node).round == 0 && stage.node(node).step == Step::Propose));
    stage
}

/// A vote of whomever.
fn signed(stage: &Stage, by: u32, phase: Phase, (height, round): (Height, u32), id: Hash) -> Vote {
    let signature = stage.keys().sign(by, &Vote::statement(phase, height, round, &id));
    Vote { phase, height, round, id, voter: NodeId(by), signature }
}

/// A proposal of whomever, and the one part of its value.
fn proposed(stage: &Stage, by: u32, round: u32, valid_round: Option<u32>, value: &Arc<Value>) -> [Message; 2] {
    let (height, id, size, none) = (value.block.height(), value.block.id(), 65_536, crate::base::Signature::NONE);
    let mut proposal = Proposal { height, round, valid_round, id, parts: 1, signature: none };
    proposal.signature = stage.keys().sign(by, &proposal.statement());
    let part = Part { round, index: 0, size, value: value.clone() };
    [Message::Proposal(Arc::new((NodeId(by), proposal))), Message::Part(Arc::new(part))]
}

/// A proof that the silent one voted twice at a height.
fn double_vote(stage: &Stage, height: Height) -> Arc<DuplicateVote> {
    let vote = |id| signed(stage, 3, Phase::Prevote, (height, 0), id);
    Arc::new(DuplicateVote { one: vote(NIL), other: vote(Hash::of(b"another")) })
}

/// A block of the silent one upon node 0's, which holds a proof.
fn holding(stage: &Stage, proof: &Arc<DuplicateVote>) -> Arc<Value> {
    let (tip, batch) = (&stage.node(0).tip, crate::chain::Batch::new(Vec::new()));
    let last = stage.node(0).decided[&tip.height()].commit.clone();
    let (evidence, last) = (vec![proof.clone()], Some(last));
    let seal = Value::seal(last.as_ref(), &evidence);
    let (height, merkle, time) = (tip.height().next(), batch.digest(), stage.now());
    let header = Header { parent: tip.id(), height, merkle, time, proposer: NodeId(3), seal };
    Arc::new(Value { block: Block::new(header, batch), last, evidence })
}

#[test]
fn evidence_that_is_too_old_or_of_a_height_to_come_is_neither_kept_nor_decided() {
    let config = || Config { evidence_blocks: 2, evidence_age: Duration::from_secs(5), ..Config::default() };
    for (back, counts) in [(0i64, true), (1, true), (2, true), (4, false), (-1, false)] {
        let mut stage = turn_of_the_silent(config());
        let tip = stage.node(0).tip.clone();
        let proof = double_vote(&stage, Height((tip.height().0 as i64 + 1 - back) as u64));
        // In a block of its turn.
        let value = holding(&stage, &proof);
        let id = value.block.id();
        proposed(&stage, 3, 0, None, &value).into_iter().for_each(|message| stage.inject(3, 0, message));
        stage.run(Duration::from_millis(1));
        let said = stage.node(0).said.get(&(0, Phase::Prevote)).map(|vote| vote.id);
        assert_eq!(said, Some(if counts { id } else { NIL }), "{back} blocks back");
        // By itself.
        stage.inject(3, 1, Message::Evidence(proof));
        stage.run(Duration::from_millis(1));
        assert_eq!(stage.node(1).pool.pending().count(), usize::from(counts), "{back} blocks back");
    }
}

#[test]
fn a_double_vote_is_put_into_one_block() {
    let (stage, honest) = attacked(4, &[1], "double_vote", 12);
    for node in honest {
        let evidence: Vec<_> = (stage.node(node).decided.values())
            .flat_map(|decided| decided.value.evidence.iter().map(|proof| proof.slot()))
            .collect();
        let slots: std::collections::BTreeSet<_> = evidence.iter().copied().collect();
        assert!(!slots.is_empty() && slots.len() == evidence.len(), "{evidence:?}");
        assert!(slots.iter().all(|(voter, ..)| *voter == NodeId(1)));
    }
}

#[test]
fn a_validator_that_restarted_takes_no_evidence_that_a_block_holds_already() {
    let mut stage = turn_of_the_silent(Config::default());
    let proof = double_vote(&stage, stage.node(0).tip.height());
    stage.inject(3, 1, Message::Evidence(proof.clone()));
    for nonce in 0..3 {
        let payment = stage.transaction(1, nonce);
        (0..3).for_each(|node| stage.submit(node, &payment));
        stage.run(Duration::from_secs(10));
    }
    let holds = |decided: &Arc<Decided>| decided.value.evidence.contains(&proof);
    let heights: Vec<_> = stage.node(0).decided.values().filter(|d| holds(d)).map(|d| d.commit.height).collect();
    assert!(
        heights.len() == 1 && heights[0] < stage.node(0).tip.height(),
        "{heights:?}: not the last, which its log holds"
    );
    stage.crash(0);
    stage.boot(0);
    stage.inject(3, 0, Message::Evidence(proof.clone()));
    stage.run(Duration::from_millis(1));
    assert!(stage.node(0).pool.is_committed(&proof));
    assert_eq!(stage.node(0).pool.pending().count(), 0);
    // Those of a quorum that do not know it decide it once more, and are followed.
    let value = holding(&stage, &proof);
    let (height, id) = (value.block.height(), value.block.id());
    let signatures = (1..4).map(|by| (NodeId(by), signed(&stage, by, Phase::Precommit, (height, 0), id).signature));
    let commit = Certificate { phase: Phase::Precommit, height, round: 0, id, signatures: signatures.collect() };
    let decided = Arc::new(Decided { value, commit: Arc::new(commit) });
    stage.inject(3, 0, Message::Decided(Arc::new(vec![decided])));
    stage.run(Duration::from_millis(1));
    assert_eq!(stage.node(0).tip.id(), id);
}

#[test]
fn a_crash_between_any_two_effects_makes_no_double_vote_and_no_fork() {
    for node in 0..4 {
        for fuse in 0..40 {
            let mut stage: Stage = TestCluster::new(4, Config::default());
            stage.crash_after_effects(node, fuse);
            for nonce in 0..3 {
                let payment = stage.transaction(0, nonce);
                (0..4).filter(|at| *at != node || nonce == 0).for_each(|at| stage.submit(at, &payment));
                stage.run(Duration::from_millis(2));
            }
            stage.crash(node);
            stage.boot(node);
            stage.run(Duration::from_secs(120));
            let context = format!("node {node}, effect {fuse}");
            assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None, "{context}");
            assert!((0..4).all(|at| stage.notes(at).iter().all(|(label, _)| *label != note::EVIDENCE)), "{context}");
            assert!((0..4).all(|at| stage.final_transactions(at).len() == 3), "{context}");
        }
    }
}

/// Validators, some of them Byzantine with one attack, a while after each of a few payments.
fn attacked(n: usize, byzantine: &[usize], attack: &str, payments: u64) -> (Stage, Vec<usize>) {
    let mut stage: Stage = TestCluster::empty(n, Config::default());
    byzantine.iter().for_each(|node| stage.set_attack(*node, attack));
    (0..n).for_each(|node| stage.boot(node));
    for nonce in 0..payments {
        let payment = stage.transaction(0, nonce);
        stage.submit_to_all(&payment);
        stage.run(Duration::from_secs(120));
    }
    (stage, (0..n).filter(|node| !byzantine.contains(node)).collect())
}

#[test]
fn attackers_at_the_bound_fork_nothing_and_stop_nothing() {
    for (attack, _) in attack::ATTACKS {
        for (n, byzantine) in
            [(4, vec![0]), (4, vec![1]), (4, vec![2]), (4, vec![3]), (7, vec![0, 1]), (7, vec![1, 2]), (7, vec![0, 4])]
        {
            let (stage, honest) = attacked(n, &byzantine, attack, 3);
            assert_eq!(stage.disagreement(&honest), None, "{attack} of {byzantine:?} of {n}");
            let is_done = |node: &usize| stage.final_transactions(*node).len() == 3;
            assert!(honest.iter().all(is_done), "{attack} of {byzantine:?} of {n}");
        }
    }
}

#[test]
fn two_equivocators_of_four_fork() {
    for attack in ["equivocate", "amnesia", "lying_pol"] {
        let (stage, honest) = attacked(4, &[0, 1], attack, 4);
        assert_eq!(stage.disagreement(&honest), Some((2, 3, Height(1))), "{attack}");
        let accused: Vec<u64> = (honest.iter().flat_map(|node| stage.notes(*node)))
            .filter(|(label, _)| *label == note::EVIDENCE)
            .map(|(_, value)| *value)
            .collect();
        let accused: std::collections::BTreeSet<u64> = accused.into_iter().collect();
        // A validator that votes for another block in the next round, or invents a proof of lock, signs no two votes in one
        // slot.
        let expected = if attack == "equivocate" { vec![0, 1] } else { vec![] };
        assert_eq!(accused.into_iter().collect::<Vec<_>>(), expected, "{attack}");
    }
}

fn wasted(stage: &Stage) -> usize {
    let n = stage.committee().n();
    (0..n).flat_map(|node| stage.notes(node)).filter(|(label, _)| *label == note::WASTED).count()
}

#[test]
fn a_proposal_of_the_next_height_that_overtakes_the_last_precommits_is_kept() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    for nonce in 0..2 {
        let payment = stage.transaction(0, nonce);
        stage.submit_to_all(&payment);
    }
    // Validator 3 receives no precommit of the first height until the others are done with the second.
    stage.run(Duration::from_millis(2));
    let held: Vec<_> = stage.flights().filter(|f| f.to == NodeId(3)).cloned().collect();
    assert!(held.len() == 3 && held.iter().all(|flight| flight.message.kind() == "precommit"));
    stage.lose(|flight| flight.to == NodeId(3));
    let payment = stage.transaction(0, 2);
    stage.submit_to_all(&payment);
    stage.run(Duration::from_millis(3));
    assert_eq!((stage.finalized(0).len(), stage.finalized(3).len()), (2, 1));
    held.into_iter().for_each(|flight| stage.inject(flight.from.index(), 3, flight.message));
    stage.run(Duration::from_millis(2));
    assert_eq!(stage.finalized(3).len(), 3, "it prevoted and precommitted with the others");
    assert_eq!(wasted(&stage), 0);
}

#[test]
fn validators_that_all_restart_at_rest_decide_what_comes_then() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    let payment = stage.transaction(0, 0);
    stage.submit_to_all(&payment);
    stage.run(Duration::from_secs(5));
    (0..4).for_each(|node| stage.crash(node));
    (0..4).for_each(|node| stage.boot(node));
    let payment = stage.transaction(0, 1);
    stage.submit_to_all(&payment);
    stage.run(Duration::from_secs(1));
    assert!((0..4).all(|node| stage.final_transactions(node).len() == 2));
}

#[test]
fn one_validator_that_claims_to_be_far_ahead_stops_no_other_and_fills_no_memory() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    for nonce in 0..5 {
        for height in [2, u64::MAX - 1, u64::MAX] {
            for round in (0..200).chain([u32::MAX]) {
                let id = Hash::of(&u64::from(round).to_le_bytes());
                let vote = signed(&stage, 3, Phase::Prevote, (Height(height), round), id);
                (0..3).for_each(|to| stage.inject(3, to, Message::Vote(Arc::new(vote))));
            }
        }
        stage.run(Duration::from_millis(1));
        let node = stage.node(0);
        assert!(node.next.values().all(|kept| kept.len() <= node.kept_most()));
        let payment = stage.transaction(0, nonce);
        (0..3).for_each(|at| stage.submit(at, &payment));
        stage.run(Duration::from_secs(20));
        assert!((0..3).all(|at| stage.final_transactions(at).len() == nonce as usize + 1), "{nonce}");
    }
}

#[test]
fn the_pause_after_a_commit_is_kept() {
    let config = Config { commit_wait: Duration::from_secs(1), ..Config::default() };
    let mut stage: Stage = TestCluster::new(4, config);
    stage.run(Duration::from_secs(2));
    for nonce in 0..2 {
        let payment = stage.transaction(0, nonce);
        stage.submit_to_all(&payment);
        stage.run(Duration::from_millis(100));
        assert_eq!(stage.finalized(0).len(), 2);
    }
    stage.run(Duration::from_secs(1));
    assert_eq!(stage.finalized(0).len(), 3);
}

/// A block of validator 1 for the first height.
fn first_value(stage: &Stage, nonce: u64, time: crate::base::Time) -> Arc<Value> {
    let batch = crate::chain::Batch::new(vec![stage.transaction(1, nonce)]);
    let header = Header {
        parent: stage.chain(0)[0].id(),
        height: Height(1),
        merkle: batch.digest(),
        time,
        proposer: NodeId(1),
        seal: Value::seal(None, &[]),
    };
    Arc::new(Value { block: Block::new(header, batch), last: None, evidence: Vec::new() })
}

/// Validator 3 alone on the stage; the test sends it the others' messages in order. They propose in rounds 0 to 2.
struct Listener {
    stage: Stage,
    /// Two blocks for the first height.
    values: [Arc<Value>; 2],
}

impl Listener {
    fn new(unlocking: Unlocking) -> Listener {
        let mut stage: Stage = TestCluster::empty(4, Config { unlocking, ..Config::default() });
        stage.boot(3);
        let values = [0, 1].map(|nonce| first_value(&stage, nonce, stage.now()));
        Listener { stage, values }
    }
    fn node(&self) -> &Tendermint {
        self.stage.node(3)
    }
    fn id(&self, of: usize) -> Hash {
        self.values[of].block.id()
    }
    /// The proposer of the round proposes one of the two, with all of its parts.
    fn propose(&mut self, round: u32, of: usize, valid_round: Option<u32>) {
        let proposer = self.node().proposer(round);
        for message in proposed(&self.stage, proposer.0, round, valid_round, &self.values[of]) {
            self.stage.inject(proposer.index(), 3, message);
        }
        self.stage.run(Duration::from_millis(1));
    }
    fn vote(&mut self, phase: Phase, round: u32, id: Hash, voters: &[u32]) {
        for &voter in voters {
            let vote = signed(&self.stage, voter, phase, (Height(1), round), id);
            self.stage.inject(voter as usize, 3, Message::Vote(Arc::new(vote)));
        }
        self.stage.run(Duration::from_millis(1));
    }
    fn said(&self, round: u32, phase: Phase) -> Option<Hash> {
        self.node().said.get(&(round, phase)).map(|vote| vote.id)
    }
    /// Locked on the first block in round 0, which no validator decided; now in round 1.
    fn locked(unlocking: Unlocking) -> Listener {
        let mut listener = Listener::new(unlocking);
        let first = listener.id(0);
        listener.propose(0, 0, None);
        listener.vote(Phase::Prevote, 0, first, &[0, 1]);
        assert_eq!(listener.node().locked.as_ref().map(|(_, round)| *round), Some(0));
        listener.vote(Phase::Precommit, 0, NIL, &[0, 1]);
        listener.stage.run(Duration::from_secs(1));
        assert_eq!(listener.node().round, 1);
        listener
    }
}

#[test]
fn a_locked_validator_prevotes_nil_for_another_block_and_keeps_its_lock_through_nil_polkas() {
    let mut listener = Listener::locked(Unlocking::Paper);
    listener.propose(1, 1, None);
    assert_eq!(listener.said(1, Phase::Prevote), Some(NIL));
    listener.vote(Phase::Prevote, 1, NIL, &[0, 1, 2]);
    assert_eq!(listener.said(1, Phase::Precommit), Some(NIL));
    assert_eq!(listener.node().locked.as_ref().map(|(value, _)| value.block.id()), Some(listener.id(0)));
    // In the other rules two thirds of nil unlock; but a locked validator prevotes its lock.
    let mut listener = Listener::locked(Unlocking::Cometbft);
    listener.propose(1, 1, None);
    assert_eq!(listener.said(1, Phase::Prevote), Some(listener.id(0)));
    listener.vote(Phase::Prevote, 1, NIL, &[0, 1, 2]);
    assert!(listener.node().locked.is_none());
}

#[test]
fn a_lock_gives_way_to_a_proof_of_lock_of_its_round_or_later_and_not_to_a_claim() {
    for is_proved in [true, false] {
        let mut listener = Listener::locked(Unlocking::Paper);
        let second = listener.id(1);
        if is_proved {
            // A polka of round 1 for the second block, whose parts are not here: no reason to lock yet.
            listener.vote(Phase::Prevote, 1, second, &[0, 1, 2]);
        }
        listener.vote(Phase::Precommit, 1, NIL, &[0, 1, 2]);
        listener.stage.run(Duration::from_secs(2));
        assert_eq!(listener.node().round, 2);
        listener.propose(2, 1, Some(1));
        assert_eq!(listener.said(2, Phase::Prevote), is_proved.then_some(second));
        listener.stage.run(Duration::from_millis(4_100));
        let choice = if is_proved { second } else { NIL };
        assert_eq!(listener.said(2, Phase::Prevote), Some(choice), "in vain it waited for the proof");
    }
}

/// Digest test 4, and the published schedule (tendermint/tendermint, issue 1047): of three honest validators one misses the
/// first proposal, so that the Byzantine node's prevote locks its proposer; the next round locks another on a second block. Then each of
/// the two refuses the other's block, and the Byzantine node renews whichever lock is in turn.
#[test]
fn two_hidden_locks_live_for_ever_where_proposers_show_only_their_locks_and_end_where_they_show_the_newest_polka() {
    for propose_locked in [true, false] {
        let ms = Duration::from_millis;
        let config = Config {
            propose_timeout: ms(300),
            vote_timeout: ms(300),
            timeout_delta: ms(20),
            status_interval: ms(250),
            propose_locked,
            ..Config::default()
        };
        let mut stage: Stage = TestCluster::empty(4, config);
        stage.set_attack(3, "hidden_lock");
        (0..4).for_each(|node| stage.boot(node));
        [0, 2].iter().for_each(|from| stage.cut(*from, 1));
        stage.submit_to_all(&stage.transaction(0, 0));
        stage.run(ms(350));
        stage.heal();
        let is_undecided = |stage: &Stage| stage.finalized(0).len() == 1 && stage.node(0).round < 50;
        stage.run_while(Duration::from_secs(240), is_undecided);
        let rounds = stage.notes(0).iter().filter(|(label, _)| *label == note::ROUND).map(|(_, round)| *round).max();
        if propose_locked {
            assert_eq!((stage.finalized(0).len(), rounds), (1, Some(50)), "it lives on");
            let locks = [0, 1].map(|node| stage.node(node).locked.as_ref().map(|(value, _)| value.block.id()));
            assert!(locks[0].is_some() && locks[1].is_some() && locks[0] != locks[1], "{locks:?}");
        } else {
            assert!(stage.finalized(0).len() == 2 && rounds < Some(20), "in round {rounds:?}");
        }
    }
}

#[test]
fn a_fresh_proposal_dated_ahead_of_the_clock_gets_no_prevote_unless_it_had_a_polka() {
    for (ahead, is_timely) in [(900, true), (1_100, false)] {
        let mut listener = Listener::new(Unlocking::Paper);
        listener.values[0] = first_value(&listener.stage, 0, listener.stage.now() + Duration::from_millis(ahead));
        let first = listener.id(0);
        listener.propose(0, 0, None);
        assert_eq!(listener.said(0, Phase::Prevote), Some(if is_timely { first } else { NIL }), "{ahead} ms");
        // What enough others found timely is valid.
        listener.vote(Phase::Prevote, 0, first, &[0, 1, 2]);
        assert_eq!(listener.node().valid.as_ref().map(|(_, round)| *round), Some(0));
    }
}

#[test]
fn a_polka_from_before_the_lock_does_not_unlock() {
    let mut listener = Listener::new(Unlocking::Paper);
    let [first, second] = [0, 1].map(|of| listener.id(of));
    // A polka of round 0 for the second block, which is not here; the first is locked in round 1.
    listener.vote(Phase::Prevote, 0, second, &[0, 1, 2]);
    listener.vote(Phase::Precommit, 0, NIL, &[0, 1, 2]);
    listener.stage.run(Duration::from_secs(2));
    assert_eq!(listener.node().round, 1);
    listener.propose(1, 0, None);
    listener.vote(Phase::Prevote, 1, first, &[0, 1]);
    assert_eq!(listener.node().locked.as_ref().map(|(value, round)| (value.block.id(), *round)), Some((first, 1)));
    listener.vote(Phase::Precommit, 1, NIL, &[0, 1]);
    listener.stage.run(Duration::from_secs(2));
    assert_eq!(listener.node().round, 2);
    listener.propose(2, 1, Some(0));
    assert_eq!(listener.said(2, Phase::Prevote), Some(NIL));
}

#[test]
fn a_proposal_without_parts_or_by_another_validator_is_prevoted_nil_at_the_timeout() {
    for (with_parts, by, voted) in [(true, 0, true), (false, 0, false), (true, 2, false)] {
        let mut listener = Listener::new(Unlocking::Paper);
        assert_eq!(listener.node().proposer(0), NodeId(0));
        let id = listener.id(0);
        let messages = proposed(&listener.stage, by, 0, None, &listener.values[0]);
        for message in messages.into_iter().take(if with_parts { 2 } else { 1 }) {
            listener.stage.inject(by as usize, 3, message);
        }
        // A vote of another begins the round, where nothing waits to be paid.
        listener.vote(Phase::Prevote, 0, NIL, &[1]);
        assert_eq!(listener.said(0, Phase::Prevote), voted.then_some(id), "parts {with_parts}, by {by}");
        listener.stage.run(Duration::from_secs(3));
        assert_eq!(listener.said(0, Phase::Prevote), Some(if voted { id } else { NIL }), "parts {with_parts}, by {by}");
    }
}

#[test]
fn precommits_of_an_old_round_decide_at_once() {
    let mut listener = Listener::new(Unlocking::Paper);
    listener.vote(Phase::Prevote, 3, NIL, &[0, 1]);
    assert_eq!(listener.node().round, 3);
    listener.propose(1, 0, None);
    let first = listener.id(0);
    listener.vote(Phase::Precommit, 1, first, &[0, 1]);
    assert_eq!(listener.stage.finalized(3).len(), 1);
    listener.vote(Phase::Precommit, 1, first, &[2]);
    assert_eq!(listener.stage.finalized(3).len(), 2, "in round 3, by the votes of round 1");
}

#[test]
fn two_of_four_in_a_later_round_move_a_validator_and_one_does_not() {
    let mut listener = Listener::new(Unlocking::Paper);
    listener.vote(Phase::Prevote, 7, NIL, &[2]);
    assert_eq!(listener.node().round, 0);
    listener.vote(Phase::Prevote, 9, NIL, &[1]);
    assert_eq!(listener.node().round, 7, "the highest that two have reached");
}

#[test]
fn two_silent_of_four_stop_everything_and_fork_nothing() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.crash(2);
    stage.crash(3);
    let payment = stage.transaction(0, 0);
    stage.submit_to_all(&payment);
    stage.run(Duration::from_secs(60));
    assert!((0..2).all(|node| stage.finalized(node).len() == 1));
    stage.boot(2);
    stage.run(Duration::from_secs(60));
    assert!((0..3).all(|node| stage.final_transactions(node).len() == 1));
    assert_eq!(stage.disagreement(&[0, 1, 2]), None);
}

#[test]
fn weight_decides_and_not_number() {
    for (alive, decides) in [(vec![0usize], false), (vec![3], false), (vec![0, 3], true), (vec![0, 1, 2], false)] {
        let mut stage: Stage = TestCluster::empty(4, Config::default());
        stage.set_committee(crate::base::Committee::weighted(vec![2, 1, 1, 4], FaultModel::Byzantine));
        alive.iter().for_each(|node| stage.boot(*node));
        let payment = stage.transaction(0, 0);
        alive.iter().for_each(|node| stage.submit(*node, &payment));
        stage.run(Duration::from_secs(60));
        assert_eq!(stage.finalized(alive[0]).len() == 2, decides, "{alive:?}");
    }
}

#[test]
fn a_third_of_messages_lost_and_then_none_ends_in_agreement_and_progress() {
    for seed in 0..6 {
        let mut stage: Stage = TestCluster::new(4, Config::default());
        let mut random = crate::base::Stream::new(seed, "loss", 0, 0);
        for nonce in 0..3 {
            let payment = stage.transaction(0, nonce);
            stage.submit_to_all(&payment);
            for _ in 0..1_000 {
                stage.run(Duration::from_millis(1));
                stage.lose(|_| random.below(3) == 0);
            }
        }
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
        stage.run(Duration::from_secs(60));
        assert!((0..4).all(|node| stage.final_transactions(node).len() == 3), "seed {seed}");
    }
}

/// The second half of the paper's rules and the first of CometBFT's, or either whole, in the schedule that distinguishes
/// them. Validators 0 and 2 precommit a block that 3 alone decides; then 1, which is Byzantine, votes nil and proposes a new
/// block when it may.
fn mixed_rules(unlocking: Unlocking) -> Stage {
    let mut stage: Stage = TestCluster::empty(4, Config { unlocking, ..Config::default() });
    [0, 2, 3].into_iter().for_each(|node| stage.boot(node));
    let payment = stage.transaction(0, 0);
    stage.submit(0, &payment);
    stage.run(Duration::from_millis(2));
    stage.lose(|flight| flight.from == NodeId(3));
    stage.partition(&[3], &[0, 1, 2]);
    stage.run(Duration::from_millis(1));
    assert_eq!([0, 2, 3].map(|node| stage.finalized(node).len()), [1, 1, 2]);
    let other = first_value(&stage, 0, stage.now());
    let id = other.block.id();
    let (turns, mut spoken) = ([1, 5, 9], std::collections::BTreeSet::new());
    for _ in 0..1_000 {
        for to in [0, 2] {
            let round = stage.node(to).round;
            if !spoken.insert((to, round)) {
                continue;
            }
            // In its first turn it makes both prevote nil; in a later one it lets its block through.
            let choice = if turns[1..].contains(&round) { id } else { NIL };
            for phase in [Phase::Prevote, Phase::Precommit] {
                let vote = signed(&stage, 1, phase, (Height(1), round), choice);
                stage.inject(1, to, Message::Vote(Arc::new(vote)));
            }
            if turns.contains(&round) {
                proposed(&stage, 1, round, None, &other).into_iter().for_each(|message| stage.inject(1, to, message));
            }
        }
        stage.run(Duration::from_millis(100));
    }
    stage
}

#[test]
fn the_two_rules_of_unlocking_fork_when_they_are_mixed_and_only_then() {
    for (unlocking, forks) in [(Unlocking::Paper, false), (Unlocking::Cometbft, false), (Unlocking::Mixed, true)] {
        let stage = mixed_rules(unlocking);
        assert_eq!(stage.disagreement(&[0, 2, 3]).is_some(), forks, "{unlocking:?}");
    }
}

#[test]
fn a_part_of_whatever_size_it_claims_weighs_no_more_than_its_value() {
    let value = Arc::new(Value { block: Block::genesis(), last: None, evidence: Vec::new() });
    for size in [0, 1, 1 << 40, u64::MAX] {
        for index in [0, 1, u32::MAX] {
            let part = Message::Part(Arc::new(Part { round: 0, index, size, value: value.clone() }));
            assert!(part.bytes() <= value.bytes() + 500, "size {size}, index {index}: {} bytes", part.bytes());
        }
    }
}
