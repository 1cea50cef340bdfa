//! CometBFT v0.38: `consensus/state_test.go`, `types/vote_set_test.go`, `types/validator_set_test.go`, `evidence/*_test.go`.
//! Validator 3 of four is the real one, and receives what the others send; the proposers of rounds 0 to 2 are among these.

use ledgerlab::base::{Committee, Digest, Duration, FaultModel, Hash, Height, NodeId, Signature};
use ledgerlab::chain::{Batch, Block, Header, Limit};
use ledgerlab::consensus::tendermint::{
    Config, DuplicateVote, Message, NIL, Part, Phase, Priorities, Proposal, Record, Tendermint, Unlocking, Value, Vote,
    is_expired,
};
use ledgerlab::protocol::testing::TestCluster;
use ledgerlab::protocol::{Protocol, note, votes::Votes};
use std::sync::Arc;

const MILLI: Duration = Duration::from_millis(1);
const PROPOSE: Duration = Duration::from_secs(3);
const VOTE: Duration = Duration::from_secs(1);

struct Validator {
    stage: TestCluster<Tendermint>,
    me: usize,
}

impl Validator {
    fn of(n: usize, config: Config) -> Validator {
        let mut stage: TestCluster<Tendermint> = TestCluster::empty(n, config);
        stage.boot(n - 1);
        Validator { stage, me: n - 1 }
    }
    fn new() -> Validator {
        Validator::of(4, Config { unlocking: Unlocking::Cometbft, ..Config::default() })
    }
    /// A value of a proposer for the first height, with so many payments.
    fn value(&self, proposer: u32, payments: std::ops::Range<u64>) -> Arc<Value> {
        let batch = Batch::new(payments.map(|nonce| self.stage.transaction(1, nonce)).collect());
        let (parent, height, merkle) = (Block::genesis().id(), Height(1), batch.digest());
        let (time, proposer, seal) = (self.stage.now(), NodeId(proposer), Value::seal(None, &[]));
        let header = Header { parent, height, merkle, time, proposer, seal };
        Arc::new(Value { block: Block::new(header, batch), last: None, evidence: Vec::new() })
    }
    /// The proposer of a round, which all have in turn, shows a value.
    fn propose(&mut self, round: u32, value: &Arc<Value>, valid_round: Option<u32>) {
        let (height, id, size) = (value.block.height(), value.block.id(), 65_536);
        let by = round as usize % self.stage.committee().n();
        let mut proposal = Proposal { height, round, valid_round, id, parts: 1, signature: Signature::NONE };
        proposal.signature = self.stage.keys().sign(by as u32, &proposal.statement());
        self.stage.inject(by, self.me, Message::Proposal(Arc::new((NodeId::from(by), proposal))));
        let part = Part { round, index: 0, size, value: value.clone() };
        self.stage.inject(by, self.me, Message::Part(Arc::new(part)));
        self.stage.run(MILLI);
    }
    fn signed(&self, voter: u32, phase: Phase, round: u32, id: Hash) -> Vote {
        let height = Height(1);
        let signature = self.stage.keys().sign(voter, &Vote::statement(phase, height, round, &id));
        Vote { phase, height, round, id, voter: NodeId(voter), signature }
    }
    fn vote(&mut self, phase: Phase, round: u32, id: Hash, voters: &[u32]) {
        for &voter in voters {
            let vote = self.signed(voter, phase, round, id);
            self.stage.inject(voter as usize, self.me, Message::Vote(Arc::new(vote)));
        }
        self.stage.run(MILLI);
    }
    /// What it voted.
    fn said(&self, phase: Phase, round: u32) -> Option<Hash> {
        self.stage.log(self.me).iter().find_map(|record| match record {
            Record::Voted(vote) if (vote.phase, vote.round) == (phase, round) => Some(vote.id),
            _ => None,
        })
    }
    /// Its lock.
    fn locked(&self) -> Option<(Hash, u32)> {
        self.stage.log(self.me).iter().fold(None, |lock, record| match record {
            Record::Valid(value, polka, true) => Some((value.block.id(), polka.round)),
            Record::Unlocked => None,
            _ => lock,
        })
    }
    /// Its valid value.
    fn valid(&self) -> Option<(Hash, u32)> {
        self.stage.log(self.me).iter().fold(None, |valid, record| match record {
            Record::Valid(value, polka, _) => Some((value.block.id(), polka.round)),
            _ => valid,
        })
    }
    fn round(&self) -> u64 {
        let rounds = self.stage.notes(self.me).iter().filter(|(label, _)| *label == note::ROUND);
        rounds.map(|(_, round)| *round).next_back().unwrap_or(0)
    }
    fn decided(&self) -> bool {
        self.stage.finalized(self.me).len() > 1
    }
    /// Locked on a value in round 0, which the others gave up; now in round 1.
    fn locked_on(value: &dyn Fn(&Validator) -> Arc<Value>) -> (Validator, Hash) {
        let mut validator = Validator::new();
        let first = value(&validator);
        let id = first.block.id();
        validator.propose(0, &first, None);
        validator.vote(Phase::Prevote, 0, id, &[0, 1, 2]);
        assert_eq!((validator.said(Phase::Precommit, 0), validator.locked()), (Some(id), Some((id, 0))));
        validator.vote(Phase::Precommit, 0, NIL, &[0, 1, 2]);
        validator.stage.run(VOTE);
        assert_eq!(validator.round(), 1);
        (validator, id)
    }
    fn locked_on_first() -> (Validator, Hash) {
        Validator::locked_on(&|validator| validator.value(0, 0..1))
    }
}

#[test]
fn test_state_proposer_selection_0_and_2() {
    let committee = Committee::new(4, FaultModel::Byzantine);
    let mut priorities = Priorities::new(&committee);
    let turns: Vec<u32> = (0..9).map(|_| priorities.advance(&[1; 4]).0).collect();
    assert_eq!(turns, [0, 1, 2, 3, 0, 1, 2, 3, 0]);
}

#[test]
fn test_state_bad_proposal() {
    for is_bad in [true, false] {
        let mut validator = Validator::new();
        let good = validator.value(0, 0..1);
        let mut header = good.block.header;
        if is_bad {
            header.parent = Hash::of(b"another chain");
        }
        let (block, last, evidence) = (Block::new(header, good.block.batch.clone()), None, Vec::new());
        let value = Arc::new(Value { block, last, evidence });
        validator.propose(0, &value, None);
        let expected = if is_bad { NIL } else { value.block.id() };
        assert_eq!(validator.said(Phase::Prevote, 0), Some(expected));
    }
}

#[test]
fn test_state_oversized_block() {
    for (limit, payments, is_kept) in [
        (Limit { bytes: 600, transactions: 2 }, 2, true),
        (Limit { bytes: 600, transactions: 2 }, 4, false),
        (Limit { bytes: 600, transactions: 9 }, 3, false),
        (Limit { bytes: 10_000, transactions: 2 }, 3, false),
    ] {
        let mut validator = Validator::of(4, Config { block_limit: limit, ..Config::default() });
        let value = validator.value(0, 0..payments);
        validator.propose(0, &value, None);
        let expected = if is_kept { value.block.id() } else { NIL };
        assert_eq!(validator.said(Phase::Prevote, 0), Some(expected), "{payments} payments, {limit:?}");
    }
}

#[test]
fn test_state_full_round_1() {
    let mut validator = Validator::of(1, Config::default());
    let payment = validator.stage.transaction(0, 0);
    validator.stage.submit(0, &payment);
    validator.stage.run(MILLI);
    assert!(validator.decided());
}

#[test]
fn test_state_full_round_nil() {
    let mut validator = Validator::new();
    validator.vote(Phase::Prevote, 0, NIL, &[0]);
    assert_eq!(validator.said(Phase::Prevote, 0), None, "it waits for the proposal");
    validator.stage.run(PROPOSE);
    assert_eq!(validator.said(Phase::Prevote, 0), Some(NIL));
    validator.vote(Phase::Prevote, 0, NIL, &[1]);
    assert_eq!(validator.said(Phase::Precommit, 0), Some(NIL));
}

#[test]
fn test_state_full_round_2() {
    let mut validator = Validator::of(2, Config::default());
    let value = validator.value(0, 0..1);
    let id = value.block.id();
    validator.propose(0, &value, None);
    assert_eq!((validator.said(Phase::Prevote, 0), validator.said(Phase::Precommit, 0)), (Some(id), None));
    validator.vote(Phase::Prevote, 0, id, &[0]);
    assert_eq!(validator.said(Phase::Precommit, 0), Some(id));
    assert!(!validator.decided());
    validator.vote(Phase::Precommit, 0, id, &[0]);
    assert!(validator.decided());
}

#[test]
fn test_state_lock_no_pol() {
    let mut validator = Validator::of(2, Config { unlocking: Unlocking::Cometbft, ..Config::default() });
    let (first, second) = (validator.value(0, 0..1), validator.value(0, 1..2));
    let (id, other) = (first.block.id(), second.block.id());
    validator.propose(0, &first, None);
    validator.vote(Phase::Prevote, 0, id, &[0]);
    validator.vote(Phase::Precommit, 0, other, &[0]);
    validator.stage.run(VOTE);
    // In round 1 it shows its lock; the other votes for something else.
    assert_eq!((validator.round(), validator.said(Phase::Prevote, 1)), (1, Some(id)));
    validator.vote(Phase::Prevote, 1, other, &[0]);
    assert_eq!(validator.said(Phase::Precommit, 1), None, "it waits");
    validator.stage.run(VOTE * 2);
    assert_eq!((validator.said(Phase::Precommit, 1), validator.locked()), (Some(NIL), Some((id, 0))));
    validator.vote(Phase::Precommit, 1, other, &[0]);
    validator.stage.run(VOTE * 2);
    // In round 2 another block is shown, and half of the power is no proof.
    validator.propose(2, &second, None);
    assert_eq!((validator.round(), validator.said(Phase::Prevote, 2)), (2, Some(id)));
    validator.vote(Phase::Prevote, 2, other, &[0]);
    validator.stage.run(VOTE * 2);
    assert_eq!((validator.said(Phase::Precommit, 2), validator.locked()), (Some(NIL), Some((id, 0))));
}

#[test]
fn test_state_lock_pol_relock() {
    let (mut validator, id) = Validator::locked_on_first();
    let second = validator.value(1, 1..2);
    let other = second.block.id();
    validator.propose(1, &second, None);
    assert_eq!(validator.said(Phase::Prevote, 1), Some(id), "its lock, not the new proposal");
    validator.vote(Phase::Prevote, 1, other, &[0, 1, 2]);
    assert_eq!((validator.said(Phase::Precommit, 1), validator.locked()), (Some(other), Some((other, 1))));
    validator.vote(Phase::Precommit, 1, other, &[0, 1]);
    assert!(validator.decided());
}

#[test]
fn test_state_lock_pol_unlock() {
    let (mut validator, id) = Validator::locked_on_first();
    let second = validator.value(1, 1..2);
    validator.propose(1, &second, None);
    assert_eq!(validator.said(Phase::Prevote, 1), Some(id));
    validator.vote(Phase::Prevote, 1, NIL, &[0, 1, 2]);
    assert_eq!((validator.said(Phase::Precommit, 1), validator.locked()), (Some(NIL), None));
}

#[test]
fn test_state_lock_pol_unlock_on_unknown_block() {
    let (mut validator, id) = Validator::locked_on_first();
    validator.stage.run(PROPOSE + VOTE);
    assert_eq!(validator.said(Phase::Prevote, 1), Some(id), "no proposal came: the lock");
    let second = validator.value(1, 1..2);
    validator.vote(Phase::Prevote, 1, second.block.id(), &[0, 1, 2]);
    assert_eq!((validator.said(Phase::Precommit, 1), validator.locked()), (Some(NIL), None), "unlocked at once");
    validator.propose(1, &second, None);
    validator.vote(Phase::Precommit, 1, NIL, &[0, 1, 2]);
    validator.stage.run(VOTE * 2);
    let third = validator.value(2, 2..3);
    let id = third.block.id();
    validator.propose(2, &third, None);
    assert_eq!((validator.round(), validator.said(Phase::Prevote, 2)), (2, Some(id)), "free for a fresh proposal");
    validator.vote(Phase::Prevote, 2, id, &[0, 1, 2]);
    assert_eq!((validator.said(Phase::Precommit, 2), validator.locked()), (Some(id), Some((id, 2))));
}

/// The other places where `addVote` unlocks: a polka of a round that is over, up to the present one; and none from before.
#[test]
fn unlocking_by_a_polka_of_a_round_that_is_over() {
    for (is_newer, unlocks) in [(true, true), (false, false)] {
        let (mut validator, id) = Validator::locked_on_first();
        let other = validator.value(1, 1..2).block.id();
        // Round 1 ends without a polka here, then a vote of it comes.
        validator.vote(Phase::Prevote, 1, other, &[0, 1]);
        validator.vote(Phase::Prevote, 2, NIL, &[0, 1]);
        assert_eq!(validator.round(), 2);
        if is_newer {
            validator.vote(Phase::Prevote, 1, other, &[2]);
        }
        assert_eq!(validator.locked(), (!unlocks).then_some((id, 0)));
        validator.stage.run(PROPOSE + VOTE * 2);
        assert_eq!(validator.said(Phase::Prevote, 2), Some(if unlocks { NIL } else { id }));
    }
}

/// `enterPrecommit`: a polka for the lock renews it, even if no validator showed the block in this round.
#[test]
fn relocking_without_a_proposal() {
    let (mut validator, id) = Validator::locked_on_first();
    validator.stage.run(PROPOSE + VOTE);
    validator.vote(Phase::Prevote, 1, id, &[0, 1, 2]);
    validator.stage.run(VOTE * 2);
    assert_eq!((validator.said(Phase::Precommit, 1), validator.locked()), (Some(id), Some((id, 1))));
}

#[test]
fn test_state_lock_pol_safety_1() {
    let mut validator = Validator::new();
    let (first, second) = (validator.value(0, 0..1), validator.value(1, 1..2));
    let (a, b) = (first.block.id(), second.block.id());
    validator.propose(0, &first, None);
    assert_eq!(validator.said(Phase::Prevote, 0), Some(a));
    validator.vote(Phase::Precommit, 0, NIL, &[0, 1, 2]);
    validator.stage.run(VOTE);
    validator.propose(1, &second, None);
    validator.vote(Phase::Prevote, 1, b, &[0, 1, 2]);
    assert_eq!(validator.locked(), Some((b, 1)));
    validator.vote(Phase::Precommit, 1, NIL, &[0, 1, 2]);
    validator.stage.run(VOTE * 2);
    // The polka of round 0 comes late, and unlocks nothing.
    validator.vote(Phase::Prevote, 0, a, &[0, 1, 2]);
    assert_eq!(validator.locked(), Some((b, 1)));
    validator.stage.run(PROPOSE + VOTE);
    assert_eq!((validator.round(), validator.said(Phase::Prevote, 2)), (2, Some(b)));
}

#[test]
fn test_state_lock_pol_safety_2() {
    let mut validator = Validator::new();
    let (first, second) = (validator.value(0, 0..1), validator.value(1, 1..2));
    let (a, b) = (first.block.id(), second.block.id());
    // Round 0 had a polka that it did not see. It locks in round 1.
    validator.vote(Phase::Prevote, 1, NIL, &[2]);
    validator.vote(Phase::Precommit, 1, NIL, &[0]);
    assert_eq!(validator.round(), 1);
    validator.propose(1, &second, None);
    validator.vote(Phase::Prevote, 1, b, &[0, 1]);
    assert_eq!(validator.locked(), Some((b, 1)));
    validator.vote(Phase::Precommit, 1, NIL, &[1, 2]);
    validator.stage.run(VOTE * 2);
    // Round 2 shows the first block with its polka of round 0, older than the lock.
    validator.vote(Phase::Prevote, 0, a, &[0, 1, 2]);
    validator.propose(2, &first, Some(0));
    assert_eq!((validator.round(), validator.said(Phase::Prevote, 2), validator.locked()), (2, Some(b), Some((b, 1))));
}

#[test]
fn test_propose_valid_block() {
    let (mut validator, id) = Validator::locked_on_first();
    validator.stage.run(PROPOSE + VOTE);
    validator.vote(Phase::Prevote, 1, NIL, &[0, 1, 2]);
    assert_eq!(validator.locked(), None, "a polka for nil");
    // Round 3 is its own: it shows the block that had a polka, though it holds no lock.
    validator.vote(Phase::Precommit, 3, NIL, &[0, 1]);
    let shown: Vec<(Hash, Option<u32>)> = validator
        .stage
        .flights()
        .filter_map(|flight| match &flight.message {
            Message::Proposal(proposal) => Some((proposal.1.id, proposal.1.valid_round)),
            _ => None,
        })
        .collect();
    assert_eq!(shown, [(id, Some(0)); 3]);
}

#[test]
fn test_set_valid_block_on_delayed_prevote() {
    let mut validator = Validator::new();
    let first = validator.value(0, 0..1);
    let id = first.block.id();
    validator.propose(0, &first, None);
    validator.vote(Phase::Prevote, 0, id, &[0]);
    validator.vote(Phase::Prevote, 0, NIL, &[1]);
    validator.stage.run(VOTE);
    assert_eq!((validator.said(Phase::Precommit, 0), validator.valid()), (Some(NIL), None));
    validator.vote(Phase::Prevote, 0, id, &[2]);
    assert_eq!((validator.valid(), validator.locked()), (Some((id, 0)), None));
}

#[test]
fn test_set_valid_block_on_delayed_proposal() {
    let mut validator = Validator::new();
    let first = validator.value(0, 0..1);
    let id = first.block.id();
    validator.vote(Phase::Prevote, 0, id, &[0]);
    validator.stage.run(PROPOSE);
    assert_eq!(validator.said(Phase::Prevote, 0), Some(NIL));
    validator.vote(Phase::Prevote, 0, id, &[1, 2]);
    validator.stage.run(VOTE * 2);
    assert_eq!((validator.said(Phase::Precommit, 0), validator.valid()), (Some(NIL), None));
    validator.propose(0, &first, None);
    assert_eq!((validator.valid(), validator.locked()), (Some((id, 0)), None));
}

#[test]
fn test_waiting_timeout_on_nil_polka() {
    let mut validator = Validator::new();
    validator.vote(Phase::Precommit, 0, NIL, &[0, 1, 2]);
    assert_eq!(validator.round(), 0);
    validator.stage.run(VOTE - MILLI * 2);
    assert_eq!(validator.round(), 0, "it waits for more precommits");
    validator.stage.run(MILLI * 2);
    assert_eq!(validator.round(), 1);
}

#[test]
fn test_waiting_timeout_propose_on_new_round() {
    let mut validator = Validator::new();
    validator.vote(Phase::Prevote, 1, NIL, &[0, 1, 2]);
    assert_eq!(
        (validator.round(), validator.said(Phase::Prevote, 1)),
        (1, None),
        "it waits for the proposal of the new round"
    );
    validator.stage.run(PROPOSE + VOTE);
    assert_eq!(validator.said(Phase::Prevote, 1), Some(NIL));
}

#[test]
fn test_round_skip_on_nil_polka_from_higher_round() {
    let mut validator = Validator::new();
    validator.vote(Phase::Precommit, 1, NIL, &[0, 1, 2]);
    assert_eq!(validator.round(), 1);
    validator.stage.run(VOTE * 2);
    assert_eq!(validator.round(), 2);
}

#[test]
fn test_wait_timeout_propose_on_nil_polka_for_the_current_round() {
    let mut validator = Validator::new();
    validator.vote(Phase::Prevote, 0, NIL, &[0, 1, 2]);
    assert_eq!(validator.said(Phase::Prevote, 0), None);
    validator.stage.run(PROPOSE);
    assert_eq!((validator.said(Phase::Prevote, 0), validator.said(Phase::Precommit, 0)), (Some(NIL), Some(NIL)));
}

#[test]
fn test_commit_from_previous_round() {
    let mut validator = Validator::new();
    let first = validator.value(0, 0..1);
    validator.vote(Phase::Prevote, 1, NIL, &[0, 1]);
    assert_eq!(validator.round(), 1);
    validator.vote(Phase::Precommit, 0, first.block.id(), &[0, 1, 2]);
    assert!(!validator.decided(), "the block is not here");
    validator.propose(0, &first, None);
    assert!(validator.decided());
}

/// `types/vote_set.go` end to end: with a power of 3k, 2k is not more than two thirds, and a third that is down stops all.
#[test]
fn a_third_that_is_down_stops_everything() {
    for n in [3, 6, 9, 12] {
        let mut stage: TestCluster<Tendermint> = TestCluster::new(n, Config::default());
        let down = n - n / 3..n;
        down.clone().for_each(|node| stage.crash(node));
        let payment = stage.transaction(0, 0);
        (0..down.start).for_each(|node| stage.submit(node, &payment));
        stage.run(Duration::from_secs(30));
        assert!((0..down.start).all(|node| stage.finalized(node).len() == 1), "{n} validators");
        stage.boot(down.start);
        stage.run(Duration::from_secs(30));
        assert!((0..=down.start).all(|node| stage.finalized(node).len() == 2), "{n} validators, one back");
    }
}

#[test]
fn test_vote_set_2_3_majority() {
    for (n, too_few, enough) in [(10, 6, 7), (100, 66, 67), (3, 2, 3), (6, 4, 5)] {
        let committee = Tendermint::committee(&Config::default(), vec![1; n]);
        let id = Hash::of(b"a block");
        let mut votes = Votes::default();
        for voter in 0..enough {
            assert_eq!(votes.is_quorum(&id, &committee), voter > too_few, "{voter} of {n}");
            votes.add(NodeId(voter), &id, None, &committee);
        }
        assert!(votes.is_quorum(&id, &committee), "{enough} of {n}");
    }
}

#[test]
fn test_vote_set_add_vote_bad() {
    let committee = Committee::new(4, FaultModel::Byzantine);
    let (mut votes, id) = (Votes::default(), Hash::of(b"a block"));
    assert!(votes.add(NodeId(0), &NIL, None, &committee));
    assert!(!votes.add(NodeId(0), &id, None, &committee), "another vote of the same validator");
    assert!(!votes.add(NodeId(0), &NIL, None, &committee), "the same vote again");
    assert!(!votes.add(NodeId(4), &id, None, &committee), "no validator");
    assert_eq!(votes.len(), 1);
}

#[test]
fn test_proposer_selection_1() {
    // By address: bar 300, baz 330, foo 1000.
    let expected = "foo baz foo bar foo foo baz foo bar foo foo baz foo foo bar foo baz foo foo bar foo foo baz foo bar foo foo \
                    baz foo bar foo foo baz foo foo bar foo baz foo foo bar foo baz foo foo bar foo baz foo foo bar foo baz foo \
                    foo foo baz bar foo foo foo baz foo bar foo foo baz foo bar foo foo baz foo bar foo foo baz foo bar foo foo \
                    baz foo foo bar foo baz foo foo bar foo baz foo foo bar foo baz foo foo";
    let mut priorities = Priorities::new(&Committee::new(3, FaultModel::Byzantine));
    let names = ["bar", "baz", "foo"];
    let turns: Vec<&str> = (0..99).map(|_| names[priorities.advance(&[300, 330, 1000]).index()]).collect();
    assert_eq!(turns.join(" "), expected);
}

#[test]
fn test_proposer_selection_2() {
    // Equal power: by address. One with 2 more than the others of 100: it is first, then the others in order.
    let turns = |powers: [u64; 3], count: usize| -> Vec<u32> {
        let mut priorities = Priorities::new(&Committee::new(3, FaultModel::Byzantine));
        (0..count).map(|_| priorities.advance(&powers).0).collect()
    };
    assert_eq!(turns([100; 3], 15), [0, 1, 2].repeat(5));
    assert_eq!(turns([100, 100, 400], 3), [2, 0, 2], "400 goes first, not at once again");
    assert_eq!(turns([100, 100, 401], 3), [2, 2, 0], "401 goes twice");
    let many = turns([4, 5, 3], 120);
    let counts = [0, 1, 2].map(|node| many.iter().filter(|turn| **turn == node).count());
    assert_eq!(counts, [40, 50, 30]);
}

#[test]
fn test_verify_duplicate_vote_evidence() {
    let validator = Validator::new();
    let [a, b] = [b"a block", b"another"].map(|text| Hash::of(text));
    let one = validator.signed(0, Phase::Prevote, 2, a);
    let at = |height| {
        let said = Vote::statement(Phase::Prevote, height, 2, &b);
        Vote { height, id: b, signature: validator.stage.keys().sign(0, &said), ..one }
    };
    let forged = Vote { signature: validator.stage.keys().sign(1, &Digest::new("x").finish()), ..at(Height(1)) };
    for (about, other, is_proof) in [
        ("another block", validator.signed(0, Phase::Prevote, 2, b), true),
        ("nil", validator.signed(0, Phase::Prevote, 2, NIL), true),
        ("the same block", validator.signed(0, Phase::Prevote, 2, a), false),
        ("another round", validator.signed(0, Phase::Prevote, 3, b), false),
        ("another phase", validator.signed(0, Phase::Precommit, 2, b), false),
        ("another validator", validator.signed(1, Phase::Prevote, 2, b), false),
        ("another height", at(Height(2)), false),
        ("a forged signature", forged, false),
    ] {
        assert_eq!(DuplicateVote { one, other }.is_genuine(validator.stage.keys()), is_proof, "{about}");
    }
}

#[test]
fn test_evidence_pool_expires_when_both_limits_are_passed() {
    // Limits of the original's test: 20 blocks and 20 minutes.
    let limit = (20, Duration::from_secs(1_200));
    for (blocks, minutes, expired) in
        [(20, 20, false), (21, 20, false), (20, 21, false), (21, 21, true), (0, 60, false)]
    {
        assert_eq!(is_expired(blocks, Duration::from_secs(minutes * 60), limit), expired, "{blocks}, {minutes} min");
    }
}
