//! PBFT: what the tests of Hyperledger Sawtooth PBFT (`src/node.rs`) know, as tables, in our own form. Each test is named
//! after the one it follows. A block there is a batch here, and a seal is a certificate of commits. Four replicas; the one
//! that is looked at is number 1, a backup of view 0 and the primary of view 1.

use ledgerlab::base::{Hash, Height, NodeId, Time, Wire};
use ledgerlab::chain::Batch;
use ledgerlab::consensus::pbft::{
    Committed, Config, Message, Pbft, Phase, PrePrepare, Proposal, Stable, State, Timer, View, ViewChange, Vote,
};
use ledgerlab::protocol::testing::TestCluster;
use std::sync::Arc;

type Stage = TestCluster<Pbft>;

fn stage() -> Stage {
    TestCluster::new(4, Config::default())
}

fn proposal(stage: &Stage, proposer: u32, nonce: u64) -> Proposal {
    let batch = Batch::new(vec![stage.transaction(1, nonce)]);
    Proposal { batch, proposer: NodeId(proposer), time: Time::ZERO }
}

fn vote(stage: &Stage, phase: Phase, signer: u32, (view, seq): (u64, u64), digest: &Hash) -> Vote {
    let (view, seq) = (View(view), Height(seq));
    let signature = stage.keys().sign(signer, &Vote::statement(phase, view, seq, digest));
    Vote { view, seq, digest: *digest, signature }
}

fn pre_prepare(stage: &Stage, signer: u32, at: (u64, u64), proposal: &Proposal) -> Message {
    let order = vote(stage, Phase::PrePrepare, signer, at, &proposal.digest());
    Message::PrePrepare(Arc::new(PrePrepare { order, proposal: proposal.clone() }))
}

fn prepare(stage: &Stage, signer: u32, at: (u64, u64), proposal: &Proposal) -> Message {
    Message::Prepare(vote(stage, Phase::Prepare, signer, at, &proposal.digest()))
}

fn commit(stage: &Stage, signer: u32, at: (u64, u64), proposal: &Proposal) -> Message {
    Message::Commit(vote(stage, Phase::Commit, signer, at, &proposal.digest()))
}

fn view_change(stage: &Stage, signer: u32, view: u64) -> Message {
    let (view, stable, replica) = (View(view), Stable::genesis(), NodeId(signer));
    let signature = stage.keys().sign(signer, &ViewChange::statement(view, &stable, &[]));
    Message::ViewChange(Arc::new(ViewChange { view, stable, prepared: Vec::new(), replica, signature }))
}

/// Hands a message of `from` to replica 1 alone, and returns the kinds of what it says then, each once.
fn says(stage: &mut Stage, from: u32, message: Message) -> Vec<&'static str> {
    stage.lose(|_| true);
    stage.inject(from as usize, 1, message);
    stage.deliver(|_| true);
    let mut kinds: Vec<_> = stage.flights().map(|flight| flight.message.kind()).collect();
    kinds.dedup();
    stage.lose(|_| true);
    kinds
}

#[test]
fn test_pre_prepare_checking() {
    // Who signs it as primary of which view, and whether replica 1 accepts it.
    for (signer, view, accepts) in [(0, 0, true), (2, 0, false), (1, 0, false), (0, 1, false), (2, 2, false)] {
        let mut stage = stage();
        let what = proposal(&stage, signer, 0);
        let message = pre_prepare(&stage, signer, (view, 1), &what);
        let said = says(&mut stage, signer, message);
        assert_eq!(said.contains(&"prepare"), accepts, "replica {signer}, view {view}");
    }
    let mut stage = stage();
    for (nonce, accepts) in [(0, true), (1, false), (0, false)] {
        let what = proposal(&stage, 0, nonce);
        let message = pre_prepare(&stage, 0, (0, 1), &what);
        assert_eq!(says(&mut stage, 0, message).contains(&"prepare"), accepts, "the first for its number counts");
    }
}

#[test]
fn test_preparing_phase() {
    let mut stage = stage();
    let (what, other) = (proposal(&stage, 0, 0), proposal(&stage, 0, 1));
    let rows = [
        (0, pre_prepare(&stage, 0, (0, 1), &what), false),
        (2, prepare(&stage, 2, (0, 1), &other), false),
        (0, prepare(&stage, 0, (0, 1), &what), false),
        (2, prepare(&stage, 2, (0, 1), &what), false),
        (3, prepare(&stage, 3, (1, 1), &what), false),
        (3, prepare(&stage, 3, (0, 2), &what), false),
        (3, prepare(&stage, 3, (0, 1), &what), true),
    ];
    for (row, (from, message, commits)) in rows.into_iter().enumerate() {
        // Replica 2's first word was for another batch and does not count twice; with 0, 1 and 3 there is a quorum.
        assert_eq!(says(&mut stage, from, message).contains(&"commit"), commits, "row {row}");
    }
}

#[test]
fn test_committing_phase() {
    let mut stage = stage();
    let (what, other) = (proposal(&stage, 0, 0), proposal(&stage, 0, 1));
    let rows = [
        (0, pre_prepare(&stage, 0, (0, 1), &what), 0),
        (2, prepare(&stage, 2, (0, 1), &what), 0),
        (2, commit(&stage, 2, (0, 1), &other), 0),
        (3, commit(&stage, 3, (0, 1), &what), 0),
        (3, commit(&stage, 3, (0, 1), &what), 0),
        (0, commit(&stage, 0, (0, 1), &what), 1),
    ];
    for (row, (from, message, height)) in rows.into_iter().enumerate() {
        says(&mut stage, from, message);
        assert_eq!(stage.finalized(1).len() - 1, height, "row {row}");
    }
}

#[test]
fn test_view_change_starting() {
    let mut stage = stage();
    let request = stage.transaction(1, 0);
    stage.submit(1, &request);
    stage.fire(1, Timer::Request);
    let kinds: Vec<_> = stage.flights().map(|flight| flight.message.kind()).collect();
    assert_eq!(kinds, ["view-change"; 3]);
    assert!(stage.timers(1).all(|(timer, _)| timer != Timer::Request), "it waits for others before it goes on");
    assert!(!stage.fire(1, Timer::NewView), "the timer of the new view needs a quorum that wants it");
}

/// Votes in the view that was left are not given any more. (Sawtooth goes back to the view when a block commits; a replica
/// of the paper has promised not to.)
#[test]
fn test_message_ignoring_while_view_changing() {
    let mut stage = stage();
    let request = stage.transaction(1, 0);
    stage.submit(1, &request);
    stage.fire(1, Timer::Request);
    let what = proposal(&stage, 0, 0);
    let rows = [
        (0, pre_prepare(&stage, 0, (0, 1), &what)),
        (2, prepare(&stage, 2, (0, 1), &what)),
        (3, prepare(&stage, 3, (0, 1), &what)),
    ];
    for (from, message) in rows {
        assert_eq!(says(&mut stage, from, message), Vec::<&str>::new());
    }
}

#[test]
fn test_view_change_initiation_conditions() {
    // f + 1 = 2 that want a later view, of which one's own timer may be one.
    let mut stage = stage();
    for (from, view, joins) in [(2, 2, false), (2, 2, false), (3, 2, true)] {
        let message = view_change(&stage, from, view);
        assert_eq!(says(&mut stage, from, message).contains(&"view-change"), joins, "replica {from}");
    }
    let message = view_change(&stage, 0, 1);
    assert_eq!(says(&mut stage, 0, message), Vec::<&str>::new(), "an earlier view is stale");
}

#[test]
fn test_view_change_acceptance() {
    // Replica 1 is the primary of view 1: with 2f others it says NEW-VIEW.
    let mut stage = stage();
    let request = stage.transaction(1, 0);
    stage.submit(1, &request);
    stage.fire(1, Timer::Request);
    for (from, begins) in [(2, false), (2, false), (3, true)] {
        let message = view_change(&stage, from, 1);
        assert_eq!(says(&mut stage, from, message).contains(&"new-view"), begins);
    }
    // It is not the primary of view 2, and waits for it.
    let mut stage = self::stage();
    for from in [2, 3] {
        let message = view_change(&stage, from, 2);
        assert!(!says(&mut stage, from, message).contains(&"new-view"));
    }
    assert!(stage.timers(1).any(|(timer, _)| timer == Timer::NewView), "a quorum wants it");
}

#[test]
fn test_catch_up_commit_and_consensus_seal_verification() {
    // Who signs the commits that come with the batch, and whether it is executed.
    for (signers, is_proven) in [(&[0, 2, 3][..], true), (&[0, 2], false), (&[0, 2, 2], false), (&[0, 2, 9], false)] {
        let mut stage = stage();
        let what = proposal(&stage, 0, 0);
        let known = signers.iter().filter(|signer| **signer < 4);
        let commits = known
            .map(|signer| (NodeId(*signer), vote(&stage, Phase::Commit, *signer, (0, 1), &what.digest()).signature));
        let committed = Committed { view: View(0), seq: Height(1), proposal: what.clone(), commits: commits.collect() };
        let state = State { checkpoint: None, committed: vec![Arc::new(committed)], executed: Height(1) };
        says(&mut stage, 2, Message::State(Arc::new(state)));
        assert_eq!(stage.finalized(1).len() - 1, usize::from(is_proven), "{signers:?}");
    }
}
