//! Which statement of which node counts, and what becomes of ballots that no quorum has.

use super::*;
use crate::base::Digest;

/// A statement that `from` need not have made.
fn said(stage: &Stage, from: usize, slot: u64, pledges: Pledges) -> Message {
    let (node, slot, quorum_set) = (NodeId::from(from), Height(slot), stage.node(0).quorum_set_name);
    let signature = stage.keys().sign(from as u32, &Statement::digest(slot, &quorum_set, &pledges));
    Message::Said(Arc::new(Statement { node, slot, quorum_set, pledges, signature }))
}

fn nominate(voted: &[Value], accepted: &[Value]) -> Pledges {
    Pledges::Nominate { voted: voted.iter().copied().collect(), accepted: accepted.iter().copied().collect() }
}

fn prepare(ballot: Ballot) -> Pledges {
    Pledges::Prepare { ballot, prepared: None, prepared_prime: None, n_commit: 0, n_high: 0 }
}

/// Four nodes that start again in the first ballot, two with one value and two with another. They got there because each
/// learned, once, that all others had nominated its value.
fn two_and_two() -> (Stage, [Value; 2]) {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    let genesis = stage.chain(0)[0].id();
    let sets =
        [0, 1].map(|nonce| TransactionSet::new(genesis, crate::chain::Batch::new(vec![stage.transaction(1, nonce)])));
    let values = sets.each_ref().map(|set| Value { set: set.name, close: at(1_000) });
    stage.set_delay(SECOND * 1_000);
    for node in 0..4 {
        let mine = [values[node / 2]];
        for from in (0..4).filter(|from| *from != node) {
            let message = said(&stage, from, 1, nominate(&mine, &mine));
            stage.inject(from, node, message);
        }
        stage.inject((node + 1) % 4, node, Message::Set(sets[node / 2].clone()));
    }
    assert_eq!(stage.deliver(|_| true), 16);
    stage.run_until(at(5_000));
    (0..4).for_each(|node| stage.crash(node));
    stage.lose(|_| true);
    stage.set_delay(MILLI);
    (0..4).for_each(|node| stage.boot(node));
    (stage, values)
}

#[test]
fn two_and_two_in_different_ballots_are_stuck_until_timers_bring_all_to_one_value() {
    let (mut stage, values) = two_and_two();
    for span in [0, 900] {
        stage.run(MILLI * span);
        for (node, value) in [(0, values[0]), (1, values[0]), (2, values[1]), (3, values[1])] {
            let balloting = &stage.node(node).balloting;
            let stuck = (balloting.current, balloting.prepared);
            assert_eq!(stuck, (Some(Ballot { counter: 1, value }), None), "node {node} after {span} ms");
        }
    }
    let spoken = stage.delivered().clone();
    stage.run(MILLI * 50);
    assert_eq!(*stage.delivered(), spoken, "all that can be said was received");
    stage.run(SECOND * 10);
    let commits = [0, 1, 2, 3].map(|node| match stage.node(node).decided[&Height(1)].pledges {
        Pledges::Externalize { commit, .. } => commit,
        _ => panic!("node {node} decided nothing"),
    });
    assert!(commits.iter().all(|commit| commit.counter >= 2 && commit.value == commits[0].value), "{commits:?}");
    assert!(values.contains(&commits[0].value));
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
}

#[test]
fn of_two_values_of_a_leader_a_follower_votes_only_for_the_one_that_the_rule_puts_first() {
    let listening = |n: usize| {
        let mut listener = Listener::new(unanimous(), n);
        listener.stage.run_until(at(5_000));
        let leaders: Vec<NodeId> = listener.stage.node(0).nomination.leaders.iter().copied().collect();
        assert_eq!(leaders.len(), 1);
        (listener, leaders[0].index())
    };
    let n = (3..20).find(|n| listening(*n).1 != 0).expect("not always the first leads");
    let mut greater = BTreeSet::new();
    for nth in 1..=8 {
        let (mut listener, leader) = listening(n);
        let offered = [0, 1].map(|set| Value { close: at(nth), ..listener.value(set) });
        // By a number that depends on slot, ledger, round and value, not by the values themselves.
        let last = listener.stage.chain(0)[0].id();
        let rank = |value: &Value| {
            let name = value.add_to(Digest::new("scp value")).finish();
            let Hash(bytes) = Digest::new("scp value").u64(1).hash(&last).u64(1).hash(&name).finish();
            u64::from_be_bytes(bytes[..8].try_into().unwrap())
        };
        let [mut first, mut second] = offered;
        if rank(&first) < rank(&second) {
            std::mem::swap(&mut first, &mut second);
        }
        greater.insert(first > second);
        listener.notify(leader, nominate(&offered, &[]));
        let other = (1..n).find(|node| *node != leader).unwrap();
        let third = listener.value(2);
        listener.notify(other, nominate(&[third], &[]));
        let nomination = &listener.stage.node(0).nomination;
        assert_eq!((nomination.round, &nomination.voted), (1, &BTreeSet::from([first])), "of {first:?} and {second:?}");
    }
    assert_eq!(greater.len(), 2, "sometimes the greater value, sometimes the lesser");
}

#[test]
fn an_older_statement_that_comes_last_does_not_replace_the_newest() {
    let mut listener = Listener::new(Config::default(), 4);
    let [old, new] = [1, 2].map(|counter| prepare(listener.ballot(counter, 0)));
    let (a, b) = (listener.value(0), listener.value(1));
    let (few, many) = (nominate(&[a], &[]), nominate(&[a, b], &[a]));
    for pledges in [&old, &new, &old, &few, &many, &few] {
        listener.notify(1, pledges.clone());
    }
    // The same about a later slot, which is kept unread.
    for pledges in [&old, &new, &old, &few, &many, &few] {
        let message = said(&listener.stage, 1, 3, pledges.clone());
        listener.stage.inject(1, 0, message);
    }
    listener.stage.run(MILLI);
    let node = listener.stage.node(0);
    assert_eq!(node.balloting.federation.of(NodeId(1)), Some(&new));
    assert_eq!(node.nomination.federation.of(NodeId(1)), Some(&many));
    assert_eq!(node.received[&(Height(3), NodeId(1), false)].pledges, new);
    assert_eq!(node.received[&(Height(3), NodeId(1), true)].pledges, many);
    assert!(node.evidence.is_empty(), "to be late is no contradiction");
}
