//! One test per sentence of the paper that matters.

mod statements;

use super::message::VALUES_MAX;
use super::remarks::remarks;
use super::*;
use crate::base::intersection::{Intersection, intersection};
use crate::base::{Stream, Wire};
use crate::protocol::testing::TestCluster;

type Stage = TestCluster<Scp>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn at(millis: u64) -> Time {
    Time::ZERO + MILLI * millis
}

/// Every node needs every node: each round has one leader.
fn unanimous() -> Config {
    Config { slices: Slices::Flat(100), ..Config::default() }
}

fn given(sets: &[(usize, &[u32])]) -> Config {
    let sets = sets.iter().map(|(threshold, nodes)| QuorumSet::flat(*threshold, nodes.iter().copied())).collect();
    Config { slices: Slices::Given(sets), ..Config::default() }
}

fn all(stage: &Stage) -> Vec<usize> {
    (0..stage.committee().n()).collect()
}

fn heights(stage: &Stage) -> Vec<usize> {
    all(stage).iter().map(|node| stage.finalized(*node).len() - 1).collect()
}

fn feed(stage: &mut Stage, nonces: std::ops::Range<u64>) {
    for nonce in nonces {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
    }
}

fn assert_agreed(stage: &Stage, nodes: &[usize], transactions: usize) {
    assert_eq!(stage.disagreement(nodes), None);
    for &node in nodes {
        let mut known = stage.final_transactions(node);
        known.sort();
        known.dedup();
        assert_eq!(known.len(), transactions, "node {node}");
        assert_eq!(stage.final_transactions(node).len(), transactions, "node {node} has something twice");
    }
}

fn value(of: u64) -> Value {
    Value { set: crate::base::Digest::new("test").u64(of).finish(), close: at(of) }
}

fn ballot(counter: u32, of: u64) -> Ballot {
    Ballot { counter, value: value(of) }
}

/// A node by itself on the stage, which receives what others state. Sets are made up and taken to be good.
struct Listener {
    stage: Stage,
    sets: Vec<Arc<TransactionSet>>,
}

impl Listener {
    fn new(config: Config, n: usize) -> Listener {
        let mut stage = TestCluster::empty(n, config);
        stage.boot(0);
        let genesis = stage.chain(0)[0].id();
        let sets = (0..3).map(|nonce| {
            let batch = crate::chain::Batch::new(vec![stage.transaction(1, nonce)]);
            TransactionSet::new(genesis, batch)
        });
        let sets = sets.collect();
        Listener { stage, sets }
    }
    fn value(&self, of: usize) -> Value {
        Value { set: self.sets[of].name, close: at(1_000) }
    }
    fn ballot(&self, counter: u32, of: usize) -> Ballot {
        Ballot { counter, value: self.value(of) }
    }
    fn notify(&mut self, from: usize, pledges: Pledges) {
        let quorum_set = self.stage.node(0).quorum_set_name;
        let signature = self.stage.keys().sign(from as u32, &Statement::digest(Height(1), &quorum_set, &pledges));
        let node = NodeId::from(from);
        let statement = Statement { node, slot: Height(1), quorum_set, pledges, signature };
        self.stage.inject(from, 0, Message::Said(Arc::new(statement)));
        self.stage.run(MILLI);
        // Whatever is asked for comes.
        for set in self.sets.clone() {
            self.stage.inject(from, 0, Message::Set(set));
        }
        self.stage.run(MILLI);
    }
    fn prepare(&mut self, from: usize, current: Ballot, prepared: Option<Ballot>, commit: (u32, u32)) {
        let (n_commit, n_high) = commit;
        self.notify(from, Pledges::Prepare { ballot: current, prepared, prepared_prime: None, n_commit, n_high });
    }
    fn node(&self) -> &Balloting {
        &self.stage.node(0).balloting
    }
}

#[test]
fn a_ledger_takes_nine_delays_and_seven_statements_of_every_node() {
    for n in [4usize, 7, 16, 64] {
        for delay in [1, 50] {
            let mut stage = TestCluster::new(n, unanimous());
            stage.set_delay(MILLI * delay);
            feed(&mut stage, 0..1);
            stage.run_until(at(5_000 + 9 * delay - 1));
            assert_eq!(heights(&stage), vec![0; n]);
            stage.run_until(at(5_000 + 9 * delay));
            assert_agreed(&stage, &all(&stage), 1);
            stage.run_until(at(5_000 + 10 * delay));
            let each = (n * (n - 1)) as u64;
            let fetched = n as u64 - 1;
            let expected = [
                ("confirm", each),
                ("externalize", each),
                ("get-set", fetched),
                ("nominate", 2 * each),
                ("prepare", 3 * each),
                ("set", fetched),
            ];
            assert_eq!(*stage.delivered(), BTreeMap::from(expected), "n = {n}");
            // The next one's time comes a period after the first ballot, which was after five delays.
            stage.run_until(at(10_000 + (5 + 9) * delay - 1));
            assert_eq!(heights(&stage), vec![1; n]);
            stage.run_until(at(10_000 + (5 + 9) * delay));
            assert_eq!(heights(&stage), vec![2; n]);
        }
    }
}

#[test]
fn a_set_that_took_long_is_not_asked_for_twice() {
    let patient = Duration::from_secs(60);
    let config = Config { nomination_timeout: patient, ballot_timeout: patient, ..unanimous() };
    let mut stage = TestCluster::new(4, config);
    // There and back takes longer than the 1.5 s after which another holder is asked.
    stage.set_delay(MILLI * 1_000);
    let mut asked = Vec::new();
    for height in 1..=5 {
        assert!(stage.run_while(patient * 10, |stage| heights(stage).iter().any(|known| *known < height)));
        asked.push(stage.delivered()["get-set"] - asked.iter().sum::<u64>());
    }
    // Whose set the first was learned it with the second.
    assert_eq!(asked[2..], [3; 3], "{asked:?}");
}

#[test]
fn a_ledger_of_three_reads_like_the_figure() {
    let mut stage = TestCluster::new(3, unanimous());
    let leader = {
        stage.run_until(at(5_000));
        let flights: Vec<String> = stage.show_flights().lines().map(str::to_owned).collect();
        assert_eq!(flights.len(), 2, "one leader nominates: {flights:?}");
        flights[0].clone()
    };
    assert!(leader.ends_with("nominate"));
    let trace = [
        "get-set",     // the others ask for the transactions
        "set",         // and get them
        "nominate",    // and vote for them
        "nominate",    // a quorum voted: accepted
        "prepare",     // a quorum accepted: a candidate, so the first ballot
        "prepare",     // a quorum voted to prepare it: accepted as prepared
        "prepare",     // a quorum accepted: confirmed, so vote to commit
        "confirm",     // a quorum voted to commit: accepted as committed
        "externalize", // a quorum accepted: decided
    ];
    for (step, kind) in trace.into_iter().enumerate() {
        stage.run(MILLI);
        let flights = stage.show_flights();
        assert!(flights.lines().all(|line| line.ends_with(kind)), "step {step}: {flights}");
    }
    assert_eq!(heights(&stage), [1, 1, 1]);
}

#[test]
fn messages_have_the_sizes_of_their_fields() {
    let statement = |pledges: Pledges| {
        let signature = Signature::NONE;
        let (node, quorum_set) = (NodeId(0), Hash::ZERO);
        Message::Said(Arc::new(Statement { node, slot: Height(1), quorum_set, pledges, signature }))
    };
    let stage: Stage = TestCluster::new(4, Config::default());
    let batch = crate::chain::Batch::new(vec![stage.transaction(1, 0)]);
    let nominate =
        Pledges::Nominate { voted: BTreeSet::from([value(1), value(2)]), accepted: BTreeSet::from([value(1)]) };
    let (b, p) = (ballot(2, 1), Some(ballot(1, 1)));
    let prepare = |prepared| Pledges::Prepare { ballot: b, prepared, prepared_prime: None, n_commit: 0, n_high: 0 };
    let confirm = Pledges::Confirm { ballot: b, n_prepared: 2, n_commit: 1, n_high: 2 };
    let externalize = Pledges::Externalize { commit: b, n_high: 2 };
    let Message::Said(decided) = statement(externalize.clone()) else { unreachable!() };
    let sizes = [
        (statement(nominate), "nominate", 140 + 4 + 8 + 3 * 40),
        (statement(prepare(None)), "prepare", 140 + 4 + 44 + 8 + 8),
        (statement(prepare(p)), "prepare", 140 + 4 + 44 + 8 + 44 + 8),
        (statement(confirm), "confirm", 140 + 4 + 44 + 12),
        (statement(externalize), "externalize", 140 + 4 + 44 + 4),
        (Message::GetQuorumSet(Hash::ZERO), "get-quorum-set", 32),
        (Message::QuorumSet(Arc::new(QuorumSet::flat(3, 0..4))), "quorum-set", 4 + 4 * 36),
        (Message::GetSet(Hash::ZERO), "get-set", 32),
        (Message::Set(TransactionSet::new(Hash::ZERO, batch)), "set", 32 + 250),
        (Message::Ask { above: Height(0) }, "ask", 8),
        (Message::Decided(vec![decided; 3].into()), "decided", 3 * 192),
    ];
    for (message, kind, bytes) in sizes {
        assert_eq!((message.kind(), message.bytes()), (kind, bytes));
    }
}

#[test]
fn three_of_four_agree_with_one_silent_and_two_silent_stall_without_a_fork() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    feed(&mut stage, 0..1);
    stage.run(SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2, 3], 1);
    stage.crash(3);
    feed(&mut stage, 1..2);
    stage.run(SECOND * 40);
    assert_agreed(&stage, &[0, 1, 2], 2);
    stage.crash(2);
    let before = heights(&stage)[0];
    feed(&mut stage, 2..3);
    stage.run(SECOND * 100);
    assert_agreed(&stage, &[0, 1], 2);
    assert!(heights(&stage)[0] <= before + 1, "at most what was under way");
    stage.boot(2);
    stage.run(SECOND * 200);
    assert_agreed(&stage, &[0, 1, 2], 3);
}

#[test]
fn a_node_that_saw_nothing_accepts_what_a_blocking_set_accepted() {
    let mut listener = Listener::new(Config::default(), 4);
    let b = listener.ballot(1, 0);
    let confirm = Pledges::Confirm { ballot: b, n_prepared: 1, n_commit: 1, n_high: 1 };
    listener.notify(1, confirm.clone());
    assert_eq!(listener.node().phase, ballot::Phase::Prepare, "one of four blocks no node that needs three");
    listener.notify(2, confirm);
    // It is the third to accept, which is a quorum.
    assert_eq!(heights(&listener.stage)[0], 1);
    assert_eq!(listener.stage.log(0).iter().filter(|record| matches!(record.what, Said::Statement(_))).count(), 1);
}

#[test]
fn disjoint_quorums_decide_apart_and_are_reported_before_the_run() {
    let cliques =
        given(&[(2, &[0, 1, 2]), (2, &[0, 1, 2]), (2, &[0, 1, 2]), (2, &[3, 4, 5]), (2, &[3, 4, 5]), (2, &[3, 4, 5])]);
    let remarks_before = Scp::remarks(&cliques, &Committee::new(6, FaultModel::Byzantine), &BTreeSet::new());
    assert_eq!(remarks_before, ["quorums {n0, n1} and {n3, n4, n5} are disjoint: they can fork"]);
    let mut stage: Stage = TestCluster::new(6, cliques);
    let [one, other] = [1, 2].map(|from| stage.transaction(from, 0));
    (0..3).for_each(|node| stage.submit(node, &one));
    (3..6).for_each(|node| stage.submit(node, &other));
    stage.run(SECOND * 20);
    assert_eq!(stage.disagreement(&[0, 1, 2]), None);
    assert_eq!(stage.disagreement(&[3, 4, 5]), None);
    assert!(stage.disagreement(&[0, 3]).is_some(), "each clique has a leader and a value of its own");

    // Once those of the second clique need a node of the first as well, there is one ledger.
    let crossed = given(&[
        (2, &[0, 1, 2]),
        (2, &[0, 1, 2]),
        (2, &[0, 1, 2]),
        (5, &[0, 1, 3, 4, 5]),
        (5, &[0, 1, 3, 4, 5]),
        (5, &[0, 1, 3, 4, 5]),
    ]);
    assert!(Scp::remarks(&crossed, &Committee::new(6, FaultModel::Byzantine), &BTreeSet::new()).is_empty());
    let mut stage: Stage = TestCluster::new(6, crossed);
    feed(&mut stage, 0..1);
    stage.run(SECOND * 40);
    assert_agreed(&stage, &[0, 1, 2, 3, 4, 5], 1);
}

#[test]
fn quorums_that_meet_in_one_node_fork_if_it_lies_and_only_then() {
    let slices = || given(&[(3, &[0, 1, 2]), (3, &[0, 1, 2]), (5, &[0, 1, 2, 3, 4]), (3, &[2, 3, 4]), (3, &[2, 3, 4])]);
    let mut honest: Stage = TestCluster::new(5, slices());
    honest.run(SECOND * 60);
    assert_eq!(honest.disagreement(&all(&honest)), None);
    assert!(heights(&honest)[0] > 2);
    let mut stage: Stage = TestCluster::empty(5, slices());
    stage.set_attack(2, "echo");
    (0..5).for_each(|node| stage.boot(node));
    stage.run(SECOND * 60);
    assert!(stage.disagreement(&[0, 1, 3, 4]).is_some());
    let remarks_before = Scp::remarks(&slices(), stage.committee(), &BTreeSet::from([NodeId(2)]));
    assert_eq!(remarks_before, ["with n2 faulty no quorum is left: every other node is befouled"]);
}

#[test]
fn a_node_takes_back_its_vote_to_commit_what_a_blocking_set_aborted() {
    let mut listener = Listener::new(Config::default(), 4);
    let (mine, other) = (listener.ballot(1, 0), listener.ballot(2, 1));
    // Three prepare and accept the first ballot: it votes to commit it.
    for from in [1, 2] {
        listener.prepare(from, mine, Some(mine), (0, 0));
    }
    assert_eq!((listener.node().commit, listener.node().high), (Some(mine), Some(mine)));
    // Two others accepted a higher one for another value as prepared.
    listener.prepare(1, other, Some(other), (0, 0));
    assert_eq!(listener.node().commit, Some(mine), "one alone moves no node");
    listener.prepare(2, other, Some(other), (0, 0));
    // The first is aborted; the second is prepared by three now, so that the vote goes to it.
    assert_eq!((listener.node().prepared, listener.node().prepared_prime), (Some(other), Some(mine)));
    assert_eq!((listener.node().commit, listener.node().high), (Some(other), Some(other)));
}

#[test]
fn a_split_vote_ends_with_a_higher_counter_and_one_value() {
    let mut listener = Listener::new(Config::default(), 4);
    let (a, b) = (listener.ballot(1, 0), listener.ballot(1, 1));
    listener.prepare(1, a, None, (0, 0));
    listener.prepare(2, a, None, (0, 0));
    listener.prepare(3, b, None, (0, 0));
    assert_eq!(listener.node().current, None, "no leader of this node's choice yet");
    // Two with a higher counter pull it along, as soon as it has anything to say.
    let (a2, a9) = (listener.ballot(2, 0), listener.ballot(9, 0));
    listener.prepare(1, a2, Some(a), (0, 0));
    listener.prepare(2, a9, Some(a), (0, 0));
    let node = listener.node();
    assert_eq!(node.current, Some(a2), "the least counter at which two are not ahead any more");
    assert_eq!(node.prepared, Some(a2), "three vote to prepare it, the one with counter 9 too");
}

#[test]
fn the_confirmed_interval_is_where_all_of_a_quorum_committed() {
    let mut listener = Listener::new(Config::default(), 4);
    let confirm = |ballot, n_commit, n_high| Pledges::Confirm { ballot, n_prepared: n_high, n_commit, n_high };
    let b9 = listener.ballot(9, 0);
    listener.notify(1, confirm(b9, 2, 5));
    listener.notify(2, confirm(b9, 4, 9));
    let node = listener.stage.node(0);
    let decided = &node.decided[&Height(1)].pledges;
    let commit = Ballot { counter: 4, ..b9 };
    assert_eq!(*decided, Pledges::Externalize { commit, n_high: 5 });
}

#[test]
fn after_the_first_candidate_no_node_votes_for_a_new_value() {
    let mut listener = Listener::new(Config { slices: Slices::Flat(100), ..Config::default() }, 3);
    listener.stage.run_until(at(5_000));
    let sets = |values: &[Value]| values.iter().copied().collect::<BTreeSet<Value>>();
    let (a, b) = (listener.value(0), listener.value(1));
    let nominate =
        |voted: &[Value], accepted: &[Value]| Pledges::Nominate { voted: sets(voted), accepted: sets(accepted) };
    for from in [1, 2] {
        listener.notify(from, nominate(&[a], &[a]));
    }
    let nomination = &listener.stage.node(0).nomination;
    assert!(nomination.candidates.contains(&a));
    for from in [1, 2] {
        listener.notify(from, nominate(&[a, b], &[a]));
    }
    let nomination = &listener.stage.node(0).nomination;
    assert!(!nomination.voted.contains(&b) && !nomination.accepted.contains(&b));
    // But what two of three accepted it accepts too.
    listener.notify(1, nominate(&[a, b], &[a, b]));
    assert!(listener.stage.node(0).nomination.accepted.contains(&b));
}

#[test]
fn candidates_come_to_the_largest_set_and_the_latest_close() {
    let mut listener = Listener::new(Config::default(), 4);
    let batch = |nonces: std::ops::Range<u64>, stage: &Stage| {
        crate::chain::Batch::new(nonces.map(|nonce| stage.transaction(1, nonce)).collect())
    };
    let genesis = listener.stage.chain(0)[0].id();
    let sets = [batch(0..1, &listener.stage), batch(0..3, &listener.stage)].map(|b| TransactionSet::new(genesis, b));
    let mut node = listener.stage.node(0).clone();
    for (set, close) in sets.iter().zip([2_000, 1_000]) {
        node.sets.insert(set.name, (set.clone(), Some(true)));
        node.nomination.candidates.insert(Value { set: set.name, close: at(close) });
    }
    listener.sets = sets.to_vec();
    node.nomination.started = true;
    let composite = node.combine();
    assert_eq!(composite, Some(Value { set: sets[1].name, close: at(2_000) }));
}

/// Seventeen nodes in the manner of 2019: two organizations without which no node has a slice.
fn halted_in_2019() -> Config {
    let set = |nodes: &[u32], threshold| QuorumSet::flat(threshold, nodes.iter().copied());
    let foundation = set(&[0, 1, 2], 2);
    let lab = set(&[3, 4], 1);
    let others = set(&[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 4);
    let all = QuorumSet { threshold: 3, validators: vec![], inner: vec![foundation, lab, others] };
    Config { slices: Slices::Given(vec![all; 17]), ..Config::default() }
}

#[test]
fn without_two_key_nodes_the_network_halts_and_goes_on_when_they_are_back() {
    let mut stage: Stage = TestCluster::new(17, halted_in_2019());
    feed(&mut stage, 0..1);
    stage.run(SECOND * 20);
    stage.crash(0);
    stage.crash(1);
    stage.run(SECOND * 5);
    let before = heights(&stage);
    feed(&mut stage, 1..2);
    stage.run(SECOND * 60);
    assert_eq!(heights(&stage), before, "fifteen of seventeen are up, and nothing moves");
    stage.boot(0);
    stage.boot(1);
    stage.run(SECOND * 90);
    assert_agreed(&stage, &all(&stage), 2);
}

#[test]
fn organizations_bear_the_loss_of_one_of_three_nodes_each_and_of_a_whole_one() {
    let tiered = Config { slices: Slices::Tiered(Tiers { core: 12, ..Tiers::default() }), ..Config::default() };
    let mut stage: Stage = TestCluster::new(14, tiered);
    for node in [0, 3, 6] {
        stage.crash(node);
    }
    for node in [9, 10, 11] {
        stage.crash(node);
    }
    feed(&mut stage, 0..1);
    stage.run(SECOND * 40);
    assert_agreed(&stage, &[1, 2, 4, 5, 7, 8, 12, 13], 1);
    stage.crash(1);
    let before = heights(&stage)[2];
    stage.run(SECOND * 60);
    assert!(heights(&stage)[2] <= before + 1, "a second organization is gone");
}

#[test]
fn attackers_at_the_bound_neither_fork_nor_halt() {
    for (attack, _) in attack::ATTACKS {
        for faulty in 0..4 {
            let mut stage: Stage = TestCluster::empty(4, Config::default());
            stage.set_attack(faulty, attack);
            (0..4).for_each(|node| stage.boot(node));
            feed(&mut stage, 0..2);
            stage.run(SECOND * 60);
            let honest: Vec<usize> = (0..4).filter(|node| *node != faulty).collect();
            assert_agreed(&stage, &honest, 2);
            assert!(heights(&stage)[honest[0]] >= 5, "{attack} by {faulty}: {:?}", heights(&stage));
        }
    }
}

#[test]
fn one_faulty_node_too_many_forks() {
    let mut stage: Stage = TestCluster::empty(4, Config::default());
    for faulty in [0, 1] {
        stage.set_attack(faulty, "echo");
    }
    (0..4).for_each(|node| stage.boot(node));
    // The two honest ones know different transactions and cannot speak to each other.
    stage.partition(&[2], &[3]);
    let [one, other] = [1, 2].map(|from| stage.transaction(from, 0));
    stage.submit(2, &one);
    stage.submit(3, &other);
    stage.run(SECOND * 60);
    assert!(stage.disagreement(&[2, 3]).is_some());
}

#[test]
fn values_that_cannot_be_are_not_voted_for() {
    let mut listener = Listener::new(Config::default(), 4);
    listener.stage.run_until(at(5_000));
    let name = listener.sets[0].name;
    for (close, is_valid) in [(at(0), false), (at(5_001), true), (at(70_000), false)] {
        let wanted = Value { set: name, close };
        let votes = Pledges::Nominate { voted: BTreeSet::from([wanted]), accepted: BTreeSet::from([wanted]) };
        let mut each = Listener::new(Config::default(), 4);
        each.stage.run_until(at(5_000));
        for from in [1, 2, 3] {
            each.notify(from, votes.clone());
        }
        assert_eq!(each.stage.node(0).nomination.accepted.contains(&wanted), is_valid, "{close:?}");
    }
    // A set for another ledger, and one whose transaction is there twice.
    let twice = crate::chain::Batch::new(vec![listener.stage.transaction(1, 0); 2]);
    let genesis = listener.stage.chain(0)[0].id();
    let wrong = [TransactionSet::new(Hash::ZERO, listener.sets[0].batch.clone()), TransactionSet::new(genesis, twice)];
    for set in wrong {
        let mut each = Listener::new(Config::default(), 4);
        each.sets = vec![set.clone()];
        let b = Ballot { counter: 1, value: Value { set: set.name, close: at(1_000) } };
        for from in [1, 2, 3] {
            each.prepare(from, b, Some(b), (1, 1));
        }
        assert_eq!(each.node().current, None);
    }
}

#[test]
fn statements_that_no_correct_node_makes_are_ignored() {
    let many: BTreeSet<Value> = (0..=VALUES_MAX as u64).map(value).collect();
    let insane = [
        Pledges::Nominate { voted: BTreeSet::new(), accepted: BTreeSet::new() },
        Pledges::Nominate { voted: BTreeSet::from([value(1)]), accepted: BTreeSet::from([value(2)]) },
        Pledges::Nominate { voted: many, accepted: BTreeSet::new() },
        Pledges::Prepare { ballot: ballot(0, 1), prepared: None, prepared_prime: None, n_commit: 0, n_high: 0 },
        Pledges::Prepare { ballot: ballot(2, 1), prepared: None, prepared_prime: None, n_commit: 0, n_high: 2 },
        Pledges::Prepare {
            ballot: ballot(2, 1),
            prepared: Some(ballot(1, 1)),
            prepared_prime: Some(ballot(1, 1)),
            n_commit: 0,
            n_high: 0,
        },
        Pledges::Confirm { ballot: ballot(1, 1), n_prepared: 1, n_commit: 2, n_high: 1 },
        Pledges::Externalize { commit: ballot(2, 1), n_high: 1 },
    ];
    for pledges in insane {
        assert!(!pledges.is_sane(), "{pledges:?}");
    }
}

#[test]
fn two_statements_that_contradict_each_other_are_evidence() {
    let mut listener = Listener::new(Config::default(), 4);
    let (a, b) = (listener.ballot(1, 0), listener.ballot(1, 1));
    let confirm = |ballot: Ballot| Pledges::Confirm { ballot, n_prepared: 1, n_commit: 1, n_high: 1 };
    listener.notify(3, confirm(a));
    listener.notify(3, confirm(b));
    let nominate = |value| Pledges::Nominate { voted: BTreeSet::from([value]), accepted: BTreeSet::new() };
    listener.notify(2, nominate(a.value));
    listener.notify(2, nominate(b.value));
    let node = listener.stage.node(0);
    assert_eq!(node.evidence.keys().copied().collect::<Vec<_>>(), [NodeId(2), NodeId(3)]);
    assert_eq!(listener.stage.notes(0).iter().filter(|(label, _)| *label == "evidence").count(), 2);
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_progress() {
    for victim in 0..4 {
        for fuse in 0..60 {
            let mut stage: Stage = TestCluster::new(4, Config::default());
            feed(&mut stage, 0..2);
            stage.crash_after_effects(victim, fuse);
            stage.run(SECOND * 12);
            stage.crash(victim);
            stage.boot(victim);
            feed(&mut stage, 2..3);
            stage.run(SECOND * 30);
            assert_agreed(&stage, &[0, 1, 2, 3], 3);
        }
    }
}

#[test]
fn what_was_stated_is_stated_again_after_a_crash_unless_it_was_forgotten() {
    for (forgotten, remembers) in [(0, true), (100, false)] {
        let mut stage: Stage = TestCluster::new(4, Config::default());
        feed(&mut stage, 0..1);
        let reached = |stage: &Stage| stage.node(0).balloting.commit.is_none();
        assert!(stage.run_while(SECOND * 20, reached), "votes to commit");
        let before = stage.node(0).balloting.pledges();
        stage.crash(0);
        stage.forget(0, forgotten);
        stage.boot(0);
        assert_eq!(stage.node(0).balloting.pledges() == before, remembers);
    }
}

#[test]
fn those_who_forget_their_votes_decide_twice_and_those_who_remember_do_not() {
    for (forgotten, forks) in [(0, false), (100, true)] {
        let config = Config { slices: Slices::Flat(75), ..Config::default() };
        let mut stage: Stage = TestCluster::new(4, config);
        feed(&mut stage, 0..1);
        // All but one learn that the first ledger is committed by one, which alone receives the confirmations.
        let alone = |stage: &Stage| stage.finalized(3).len() == 1;
        let confirmed = |stage: &Stage, node: usize| stage.node(node).balloting.phase == ballot::Phase::Confirm;
        assert!(stage.run_while(SECOND * 20, |stage| !(0..4).all(|node| confirmed(stage, node))));
        stage.lose(|flight| flight.to != NodeId(3));
        stage.partition(&[0, 1, 2], &[0, 1, 2]);
        for node in 0..3 {
            stage.cut(3, node);
        }
        assert!(stage.run_while(SECOND * 20, alone), "the last one decides");
        stage.crash(3);
        for node in 0..3 {
            stage.crash(node);
            stage.forget(node, forgotten);
        }
        stage.heal();
        stage.lose(|_| true);
        stage.run(SECOND * 7);
        (0..3).for_each(|node| stage.boot(node));
        for nonce in 10..12 {
            let transaction = stage.transaction(5, nonce);
            (0..3).for_each(|node| stage.submit(node, &transaction));
        }
        stage.run(SECOND * 60);
        assert!(stage.finalized(0).len() > 1);
        assert_eq!(stage.disagreement(&[0, 3]).is_some(), forks);
    }
}

#[test]
fn after_all_crash_at_once_everything_goes_on() {
    for after in 0..12 {
        let mut stage: Stage = TestCluster::new(4, Config::default());
        feed(&mut stage, 0..1);
        stage.run(SECOND * 5 + MILLI * after);
        (0..4).for_each(|node| stage.crash(node));
        stage.lose(|_| true);
        (0..4).for_each(|node| stage.boot(node));
        stage.run(SECOND);
        feed(&mut stage, 0..2);
        stage.run(SECOND * 60);
        assert_agreed(&stage, &[0, 1, 2, 3], 2);
    }
}

#[test]
fn a_lagging_node_fetches_ledger_by_ledger_and_even_from_those_that_restarted() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.crash(3);
    for nonce in 0..40 {
        feed(&mut stage, nonce..nonce + 1);
        stage.run(SECOND * 6);
    }
    let behind = heights(&stage)[0];
    assert!(behind > ANSWER_MAX, "more than one answer: {behind}");
    for node in 0..3 {
        stage.crash(node);
        stage.boot(node);
    }
    stage.boot(3);
    stage.run(SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2, 3], 40);
}

#[test]
fn a_third_of_messages_lost_and_then_none_ends_in_agreement_and_progress() {
    for seed in 0..8 {
        let mut stage: Stage = TestCluster::new(4, Config::default());
        let mut random = Stream::new(seed, "loss", 0, 0);
        feed(&mut stage, 0..3);
        for _ in 0..4_000 {
            stage.run(MILLI * 10);
            stage.lose(|_| random.below(3) == 0);
        }
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
        stage.run(SECOND * 40);
        assert_agreed(&stage, &[0, 1, 2, 3], 3);
    }
}

#[test]
fn halves_that_cannot_speak_agree_when_they_can() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.run(SECOND * 4);
    stage.partition(&[0, 1], &[2, 3]);
    feed(&mut stage, 0..1);
    stage.run(SECOND * 30);
    assert_agreed(&stage, &[0, 1, 2, 3], 0);
    stage.heal();
    stage.run(SECOND * 30);
    assert_agreed(&stage, &[0, 1, 2, 3], 1);
}

#[test]
fn a_flood_is_kept_within_bounds() {
    let mut listener = Listener::new(Config::default(), 4);
    let quorum_set = listener.stage.node(0).quorum_set_name;
    for slot in [1, 2, 50, 101, 102, 5_000, u64::MAX] {
        for n in 0..200u64 {
            let pledges = Pledges::Prepare {
                ballot: ballot(n as u32 + 1, n),
                prepared: None,
                prepared_prime: None,
                n_commit: 0,
                n_high: 0,
            };
            let signature = listener.stage.keys().sign(3, &Statement::digest(Height(slot), &quorum_set, &pledges));
            let statement = Statement { node: NodeId(3), slot: Height(slot), quorum_set, pledges, signature };
            listener.stage.inject(3, 0, Message::Said(Arc::new(statement)));
            listener.stage.inject(3, 0, Message::Set(TransactionSet::new(Hash::ZERO, crate::chain::Batch::empty())));
            listener.stage.inject(3, 0, Message::QuorumSet(Arc::new(QuorumSet::flat(1, [n as u32 % 4]))));
            listener.stage.inject(3, 0, Message::Ask { above: Height(u64::MAX - n) });
        }
        listener.stage.run(MILLI);
    }
    let node = listener.stage.node(0);
    assert_eq!(node.received.len(), 4, "one of each slot that is near enough");
    assert_eq!((node.sets.len(), node.quorum_sets.len()), (0, 1), "no node asked for those");
    assert!(node.wanted.len() <= 200);
}

#[test]
fn the_faulty_befoul_those_who_need_them() {
    let three = QuorumSet::flat(3, 0..4);
    let follower = QuorumSet::flat(1, [3]);
    let sets = [&three, &three, &three, &three, &follower];
    let faulty = BTreeSet::from([NodeId(3)]);
    assert_eq!(remarks(&sets, &faulty), ["with n3 faulty: intact n0, n1, n2, befouled n4"]);
    assert_eq!(remarks(&sets, &BTreeSet::new()), Vec::<String>::new());
    let two = BTreeSet::from([NodeId(2), NodeId(3)]);
    assert_eq!(remarks(&sets, &two), ["with n2, n3 faulty no quorum is left: every other node is befouled"]);
}

#[test]
fn quorums_that_meet_only_in_a_faulty_node_are_reported() {
    let three = QuorumSet::flat(3, 0..5);
    let sets = [&three; 5];
    assert_eq!(remarks(&sets, &BTreeSet::new()), Vec::<String>::new());
    let found = remarks(&sets, &BTreeSet::from([NodeId(2)]));
    assert_eq!(found, ["with n2 faulty {n0, n1} and {n3, n4} can fork: every node is befouled"]);
}

#[test]
fn sets_are_counted_by_hand() {
    let tiers = Tiers { organization: 3, outer: 67, inner: 51, core: 9 };
    let sets = Slices::Tiered(tiers).of(12);
    assert_eq!((sets[11].threshold, sets[0].inner[2].clone()), (3, QuorumSet::flat(2, 6..9)));
    assert_eq!(Slices::default().of(4)[0].threshold, 3);
    assert!(Slices::Given(vec![]).fault(2).is_some());
}

#[test]
fn organizations_meet_when_two_thirds_of_them_and_half_of_each_are_needed() {
    let tiered = |outer, inner| {
        let tiers = Tiers { organization: 3, outer, inner, core: 0 };
        let sets = Slices::Tiered(tiers).of(99);
        intersection(&sets.iter().map(|set| Some(&**set)).collect::<Vec<_>>()) == Intersection::Holds
    };
    assert!(tiered(67, 51) && !tiered(67, 30) && !tiered(40, 51));
}

#[test]
fn one_to_three_nodes_keep_a_ledger() {
    for n in 1..=3 {
        let mut stage: Stage = TestCluster::new(n, Config::default());
        feed(&mut stage, 0..2);
        stage.run(SECOND * 30);
        assert_agreed(&stage, &all(&stage), 2);
    }
}

#[test]
fn a_node_that_missed_more_ledgers_than_it_looks_ahead_asks_for_them() {
    let mut stage: Stage = TestCluster::new(4, Config { period: SECOND, ..Config::default() });
    stage.run(SECOND * 3);
    stage.partition(&[0, 1, 2], &[3]);
    stage.run(SECOND * 250);
    let missed = heights(&stage)[0] - heights(&stage)[3];
    assert!(missed as u64 > SLOTS_AHEAD + 20, "{missed}");
    stage.heal();
    stage.run(SECOND * 60);
    assert!(heights(&stage)[3] + 2 >= heights(&stage)[0], "{:?}", heights(&stage));
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
}
