//! One test per sentence of the paper that matters.

use super::*;
use crate::base::{Height, Time, Wire};
use crate::chain::BlockIndex;
use crate::protocol::testing::{Flight, TestCluster};
use std::fmt::Write as _;

mod pace;

type Stage = TestCluster<HotStuff>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn stage(n: usize, config: Config) -> Stage {
    let mut stage = TestCluster::new(n, config);
    (0..n).for_each(|node| stage.boot(node));
    stage
}

fn two_phase() -> Config {
    Config { variant: Variant::TwoPhase, ..Config::default() }
}

/// Submits transactions one after the other, each to all, and runs `span` after each.
fn submit(stage: &mut Stage, nonces: std::ops::Range<u64>, span: Duration) {
    for nonce in nonces {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
        stage.run(span);
    }
}

/// These replicas have the same, this many transactions, each once.
fn assert_agreed(stage: &Stage, nodes: &[usize], transactions: usize) {
    assert_eq!(stage.disagreement(nodes), None);
    for &node in nodes {
        let mut known = stage.final_transactions(node);
        assert_eq!(known.len(), transactions, "replica {node}");
        known.sort();
        known.dedup();
        assert_eq!(known.len(), transactions, "replica {node} has something twice");
    }
}

#[test]
fn a_lone_transaction_is_final_after_seven_delays_and_eight_times_n_less_one_messages() {
    for (config, delays, rounds) in [(Config::default(), 7, 4), (two_phase(), 5, 3)] {
        for n in [4usize, 7, 16, 64] {
            let mut stage = stage(n, config.clone());
            let transaction = stage.transaction(0, 0);
            stage.submit_to_all(&transaction);
            stage.run(MILLI * (delays - 1));
            let done = |stage: &Stage| (0..n).filter(|node| stage.final_transactions(*node).len() == 1).count();
            assert_eq!(done(&stage), 1, "the leader that makes the last certificate, {n} replicas");
            stage.run(MILLI);
            assert_eq!(done(&stage), n, "{n} replicas");
            stage.run(SECOND * 10);
            let delivered: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
            let each = rounds * (n as u64 - 1);
            assert_eq!(delivered, [("propose", each), ("vote", each)], "and then silence");
        }
    }
}

#[test]
fn one_decision_reads_like_the_figure() {
    let mut stage = stage(4, Config { views_per_leader: 1, ..Config::default() });
    let transaction = stage.transaction(0, 0);
    stage.submit_to_all(&transaction);
    let mut steps = String::new();
    for _ in 0..8 {
        let finals: Vec<String> = (0..4).map(|node| (stage.finalized(node).len() - 1).to_string()).collect();
        let flights = stage.show_flights();
        let flights: Vec<&str> = flights.lines().collect();
        let _ = writeln!(steps, "final {}: {}", finals.join(" "), flights.join(", "));
        stage.run(MILLI);
    }
    let expected = "\
final 0 0 0 0: n1>n0 propose, n1>n2 propose, n1>n3 propose, n1>n2 vote
final 0 0 0 0: n0>n2 vote, n3>n2 vote
final 0 0 0 0: n2>n0 propose, n2>n1 propose, n2>n3 propose, n2>n3 vote
final 0 0 0 0: n0>n3 vote, n1>n3 vote
final 0 0 0 0: n3>n0 propose, n3>n1 propose, n3>n2 propose, n3>n0 vote
final 0 0 0 0: n1>n0 vote, n2>n0 vote
final 1 0 0 0: n0>n1 propose, n0>n2 propose, n0>n3 propose, n0>n1 vote
final 1 1 1 1: n2>n1 vote, n3>n1 vote
";
    assert_eq!(steps, expected);
}

#[test]
fn blocks_follow_each_other_every_two_delays() {
    let mut stage = stage(4, Config::default());
    for nonce in 0..40 {
        let transaction = stage.transaction(nonce as u32 % 8, nonce / 8);
        stage.submit_to_all(&transaction);
        stage.run(MILLI * 2);
    }
    stage.run(SECOND);
    assert_agreed(&stage, &[0, 1, 2, 3], 40);
    assert!(stage.finalized(0).len() >= 40, "{}", stage.finalized(0).len());
}

#[test]
fn every_message_has_its_size() {
    let stage = stage(4, Config::default());
    let votes = vec![(NodeId(0), Signature::NONE); 3];
    let certificate = Arc::new(Certificate { view: 1, block: Hash::ZERO, votes });
    let timeout = Arc::new(TimeoutCertificate { view: 2, parts: vec![(NodeId(0), 1, Signature::NONE); 3] });
    let header = Header { seal: Vertex::seal(3, &certificate), ..Block::genesis().header };
    let payment = stage.transaction(0, 0);
    let block = Block::new(header, Batch::new(vec![payment]));
    let vertex = Arc::new(Vertex { block: block.clone(), view: 3, justify: certificate.clone() });
    let propose =
        |timeout| Message::Propose(Arc::new(Proposal { vertex: vertex.clone(), timeout, signature: Signature::NONE }));
    let timeout_message = |reason| {
        Message::Timeout(Arc::new(Timeout { view: 3, high: certificate.clone(), reason, signature: Signature::NONE }))
    };
    let progress = Message::Progress(Arc::new(Progress {
        high: certificate.clone(),
        timeout: Some(timeout.clone()),
        vertices: vec![vertex.clone()],
        blocks: vec![block.clone()],
    }));
    // A certificate of three: 8 + 32 + 3 * 68 = 244. A timeout certificate of three: 8 + 3 * 76 = 236. A block of one
    // payment: 84 + 250.
    for (message, bytes) in [
        (propose(None), 8 + 334 + 244 + 64),
        (propose(Some(timeout.clone())), 8 + 334 + 244 + 64 + 236),
        (Message::Vote { view: 1, block: Hash::ZERO, signature: Signature::NONE }, 108),
        (timeout_message(None), 8 + 4 + 64 + 244),
        (timeout_message(Some(timeout.clone())), 8 + 4 + 64 + 244 + 236),
        (Message::Request { block: None, above: Height(0) }, 40),
        (Message::Lack(Hash::ZERO), 32),
        (progress, 244 + 236 + 586 + 334),
    ] {
        assert_eq!(message.bytes(), bytes, "{}", message.kind());
    }
}

/// Views of the certified blocks in a fork, as a Byzantine leader may arrange them: see the test.
struct Fork {
    stage: Stage,
}

impl Fork {
    fn vertex(&mut self, view: View, justify: &Arc<Certificate>, parent: &Arc<Block>) -> Arc<Vertex> {
        self.dated(view, justify, parent, Time::ZERO)
    }
    fn dated(&mut self, view: View, justify: &Arc<Certificate>, parent: &Arc<Block>, time: Time) -> Arc<Vertex> {
        let header = Header {
            parent: parent.id(),
            height: parent.height().next(),
            merkle: Batch::empty().digest(),
            time,
            proposer: NodeId((view % 4) as u32),
            seal: Vertex::seal(view, justify),
        };
        let block = Block::new(header, Batch::empty());
        self.stage.insert_block(&block);
        Arc::new(Vertex { block, view, justify: justify.clone() })
    }
    fn certify(&self, vertex: &Vertex) -> Arc<Certificate> {
        self.certify_by([0, 1, 2], vertex)
    }
    fn certify_by(&self, signers: [u32; 3], vertex: &Vertex) -> Arc<Certificate> {
        let (view, block) = (vertex.view, vertex.block.id());
        let said = Certificate::statement(view, &block);
        let votes = signers.into_iter().map(|node| (NodeId(node), self.stage.keys().sign(node, &said))).collect();
        Arc::new(Certificate { view, block, votes })
    }
    /// Sends a replica a certificate and the branch that it stands on, newest first.
    fn notify(&mut self, node: usize, high: &Arc<Certificate>, branch: &[&Arc<Vertex>]) {
        let vertices: Vec<Arc<Vertex>> = branch.iter().map(|vertex| Arc::clone(vertex)).collect();
        let progress = Progress { high: high.clone(), timeout: None, vertices, blocks: Vec::new() };
        self.stage.inject(3, node, Message::Progress(Arc::new(progress)));
        self.stage.deliver(|flight| flight.to.index() == node && matches!(flight.message, Message::Progress(_)));
    }
}

/// b(1) is certified, and so is c(2), both children of genesis. b'(5) and b''(6) follow b: certificates in a row, but
/// not of consecutive views. One replica sees these, the others are led from c to c'(7) and c''(8).
fn commit_over_a_gap(commit_on_gaps: bool) -> Stage {
    let mut fork = Fork { stage: stage(4, Config { views_per_leader: 1, commit_on_gaps, ..Config::default() }) };
    let (genesis, root) = (Certificate::genesis(), Block::genesis());
    let b = fork.vertex(1, &genesis, &root);
    let c = fork.vertex(2, &genesis, &root);
    let (qb, qc) = (fork.certify(&b), fork.certify(&c));
    let b1 = fork.vertex(5, &qb, &b.block);
    let q1 = fork.certify(&b1);
    let b2 = fork.vertex(6, &q1, &b1.block);
    let q2 = fork.certify(&b2);
    let c1 = fork.vertex(7, &qc, &c.block);
    let p1 = fork.certify(&c1);
    let c2 = fork.vertex(8, &p1, &c1.block);
    let p2 = fork.certify(&c2);
    fork.notify(0, &q2, &[&b2, &b1, &b]);
    fork.notify(1, &p2, &[&c2, &c1, &c]);
    fork.stage
}

#[test]
fn three_certificates_with_a_gap_between_their_views_commit_nothing() {
    let stage = commit_over_a_gap(false);
    assert_eq!((stage.finalized(0).len(), stage.finalized(1).len()), (1, 1));
}

#[test]
fn committing_over_a_gap_forks() {
    let stage = commit_over_a_gap(true);
    assert_eq!(stage.disagreement(&[0, 1]), Some((0, 1, Height(1))));
}

#[test]
fn a_locked_replica_votes_against_its_lock_only_for_a_newer_certificate() {
    let mut fork = Fork { stage: stage(4, Config { views_per_leader: 1, ..Config::default() }) };
    let (genesis, root) = (Certificate::genesis(), Block::genesis());
    let a = fork.vertex(3, &genesis, &root);
    let qa = fork.certify(&a);
    let a1 = fork.vertex(4, &qa, &a.block);
    let q1 = fork.certify(&a1);
    fork.notify(0, &q1, &[&a1, &a]);
    assert_eq!(fork.stage.node(0).locked.view, 3);
    let safe = |fork: &Fork, vertex: Arc<Vertex>| {
        fork.stage.node(0).is_safe(&Proposal { vertex, timeout: None, signature: Signature::NONE })
    };
    let other = fork.vertex(2, &genesis, &root);
    let old = fork.certify(&other);
    let against = fork.vertex(6, &old, &other.block);
    assert!(!safe(&fork, against), "a certificate of view 2 is older than the lock");
    let rival = fork.vertex(3, &old, &other.block);
    let equal = fork.certify(&rival);
    let against = fork.vertex(6, &equal, &rival.block);
    assert!(!safe(&fork, against), "a certificate of the view of the lock, on another branch, is not newer");
    let newer = fork.vertex(5, &genesis, &root);
    let new = fork.certify(&newer);
    let against = fork.vertex(6, &new, &newer.block);
    assert!(safe(&fork, against), "a certificate of view 5 is newer: the branch for liveness");
    let with = fork.vertex(6, &q1, &a1.block);
    assert!(safe(&fork, with), "what extends the lock is safe");
}

#[test]
fn a_block_dated_before_its_parent_or_ahead_of_the_clock_gets_no_vote() {
    let voted = |parent: u64, child: u64| {
        let mut fork = Fork { stage: stage(4, Config { views_per_leader: 1, ..Config::default() }) };
        let after = |millis| Time::ZERO + MILLI * millis;
        let below = fork.dated(1, &Certificate::genesis(), &Block::genesis(), after(parent));
        let certificate = fork.certify(&below);
        let vertex = fork.dated(2, &certificate, &below.block, after(child));
        for vertex in [below, vertex] {
            let leader = vertex.block.header.proposer;
            let signature = fork.stage.keys().sign(leader.0, &Proposal::statement(&vertex.block.id()));
            fork.stage.inject(
                leader.index(),
                0,
                Message::Propose(Arc::new(Proposal { vertex, timeout: None, signature })),
            );
            fork.stage.deliver(|flight| matches!(flight.message, Message::Propose(_)));
        }
        fork.stage.node(0).voted
    };
    assert_eq!(voted(0, 0), 2);
    assert_eq!(voted(300, 299), 1, "before its parent");
    assert_eq!(voted(300, 300), 2);
    assert_eq!(voted(0, 900), 2);
    assert_eq!(voted(0, 1_100), 1, "more than a second ahead");
    assert_eq!(voted(1_100, 1_100), 0, "neither of them, though the parent has its certificate");
}

#[test]
fn who_signed_two_certificates_of_one_view_is_named_once() {
    let mut fork = Fork { stage: stage(4, Config { views_per_leader: 1, ..Config::default() }) };
    let (genesis, root) = (Certificate::genesis(), Block::genesis());
    let named = |fork: &Fork, node: usize| -> Vec<u64> {
        fork.stage.notes(node).iter().filter(|(label, _)| *label == note::EVIDENCE).map(|(_, value)| *value).collect()
    };
    // a(3) and d(3) are rivals; a1(4) follows a, and x(5) follows d.
    let c = fork.vertex(2, &genesis, &root);
    let qc = fork.certify(&c);
    let (a, d) = (fork.vertex(3, &genesis, &root), fork.vertex(3, &qc, &c.block));
    let (qa, qd) = (fork.certify(&a), fork.certify_by([3, 2, 1], &d));
    let a1 = fork.vertex(4, &qa, &a.block);
    let q1 = fork.certify(&a1);

    fork.notify(0, &qa, &[&a]);
    let again = fork.certify_by([1, 2, 3], &a);
    fork.notify(0, &again, &[]);
    assert!(named(&fork, 0).is_empty(), "another certificate of the same block");
    fork.notify(0, &qd, &[&d, &c]);
    assert_eq!(named(&fork, 0), [2, 1], "they are in both");
    fork.notify(0, &qd, &[&d, &c]);
    let all = fork.certify_by([0, 1, 2], &d);
    fork.notify(0, &all, &[]);
    assert_eq!(named(&fork, 0), [2, 1, 0], "each once");

    fork.notify(1, &q1, &[&a1, &a]);
    fork.notify(1, &qd, &[]);
    assert_eq!(named(&fork, 1), [2, 1], "the older one is found in the tree");

    // The name of a vertex covers what its certificate says, not who said it.
    let forged = Certificate { votes: (0..3).map(|node| (NodeId(node), Signature::NONE)).collect(), ..(*qd).clone() };
    let x = fork.vertex(5, &Arc::new(forged), &d.block);
    let qx = fork.certify(&x);
    fork.notify(2, &q1, &[&a1, &a]);
    fork.notify(2, &qx, &[&x, &d, &c]);
    assert!(fork.stage.node(2).entries.contains_key(&x.block.id()));
    assert!(named(&fork, 2).is_empty(), "what a faulty replica wrote into a fetched vertex");
    fork.notify(2, &qd, &[]);
    assert_eq!(named(&fork, 2), [2, 1]);
}

/// Jolteon skips no view with a timeout certificate. Where it ends a turn, a vote in a skipped view can be one of a quorum
/// that the certificate does not know of.
#[test]
fn who_gave_up_a_view_votes_in_none_of_that_turn_if_two_phases_decide() {
    for (config, voted) in [(Config::default(), 5), (two_phase(), 7)] {
        let mut fork = Fork { stage: stage(4, config) };
        let (genesis, root) = (Certificate::genesis(), Block::genesis());
        let a = fork.vertex(4, &genesis, &root);
        let qa = fork.certify(&a);
        fork.notify(0, &qa, &[&a]);
        let transaction = fork.stage.transaction(0, 0);
        fork.stage.submit(0, &transaction);
        fork.stage.run(MILLI * 1_200);
        let given_up = |stage: &Stage| (stage.node(0).view, stage.node(0).gave_up, stage.node(0).voted);
        assert_eq!(given_up(&fork.stage), (5, 5, voted));
        fork.stage.crash(0);
        fork.stage.boot(0);
        assert_eq!(fork.stage.node(0).voted, voted, "after a crash too");
    }
}

#[test]
fn a_crashed_leader_costs_one_timeout() {
    for config in [Config::default(), two_phase()] {
        let mut stage = stage(4, config);
        submit(&mut stage, 0..3, SECOND);
        let leader = stage.node(0).view / 4 % 4;
        stage.crash(leader as usize);
        let others: Vec<usize> = (0..4).filter(|node| *node != leader as usize).collect();
        let transaction = stage.transaction(0, 3);
        stage.submit_to_all(&transaction);
        stage.run(MILLI * 1010);
        assert_agreed(&stage, &others, 4);
        submit(&mut stage, 4..12, SECOND * 4);
        assert_agreed(&stage, &others, 12);
        stage.boot(leader as usize);
        submit(&mut stage, 12..14, SECOND * 4);
        assert_agreed(&stage, &[0, 1, 2, 3], 14);
    }
}

#[test]
fn with_one_view_per_leader_four_replicas_of_which_one_crashed_never_have_three_certificates_in_a_row() {
    let config = Config { views_per_leader: 1, view_timeout_max: SECOND, ..Config::default() };
    let mut stage = stage(4, config);
    stage.crash(3);
    submit(&mut stage, 0..1, SECOND * 100);
    assert_agreed(&stage, &[0, 1, 2], 0);
    stage.boot(3);
    stage.run(SECOND * 10);
    assert_agreed(&stage, &[0, 1, 2, 3], 1);
}

#[test]
fn two_crashed_of_four_halt_and_nothing_forks() {
    let mut stage = stage(4, Config { view_timeout_max: SECOND * 4, ..Config::default() });
    submit(&mut stage, 0..2, SECOND);
    stage.crash(2);
    stage.crash(3);
    submit(&mut stage, 2..3, SECOND * 60);
    assert_agreed(&stage, &[0, 1], 2);
    stage.boot(2);
    stage.run(SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2], 3);
}

/// Blocks of other leaders than `Byzantine nodes`, as high as what is final at 0 and not in its chain.
fn abandoned(stage: &Stage, faulty: &[usize]) -> usize {
    let last = stage.finalized(0).len();
    let blocks = (0..stage.tree().len()).map(|index| stage.tree().block(BlockIndex(index as u32)));
    let low = blocks.filter(|block| (block.height().0 as usize) < last);
    let lost = low.filter(|block| stage.finalized(0)[block.height().0 as usize].id() != block.id());
    lost.filter(|block| !faulty.contains(&block.header.proposer.index())).count()
}

#[test]
fn attackers_at_the_bound_neither_fork_nor_halt_and_cost_views_or_blocks() {
    let attacks = super::attack::ATTACKS.iter().map(|(name, _)| Some(*name));
    for attack in std::iter::once(None).chain(attacks) {
        for config in [Config::default(), two_phase()] {
            let variant = config.variant;
            let mut stage = Stage::empty(7, Config { view_timeout_max: SECOND * 2, ..config });
            attack.iter().for_each(|name| [1, 2].into_iter().for_each(|faulty| stage.set_attack(faulty, name)));
            (0..7).for_each(|node| stage.boot(node));
            submit(&mut stage, 0..12, SECOND * 5);
            stage.run(SECOND * 20);
            assert_agreed(&stage, &[0, 3, 4, 5, 6], 12);
            let wasted = stage.notes(0).iter().filter(|(label, _)| *label == note::WASTED).count();
            // Where two certificates decide, what lies below the two newest is final, and nothing can be built on it.
            let is_vain = variant == Variant::TwoPhase && attack == Some("older_certificate");
            assert_eq!(wasted > 0, attack.is_some() && !is_vain, "{attack:?}, {variant:?}: {wasted} views");
            let lost = abandoned(&stage, &[1, 2]);
            assert_eq!(lost > 0, attack == Some("old_certificate"), "{attack:?}, {variant:?}: {lost} blocks");
        }
    }
}

/// Three of four sign whatever is put before them: two branches of three certificates each.
#[test]
fn beyond_the_bound_double_votes_fork() {
    let mut fork = Fork { stage: stage(4, Config::default()) };
    for (node, time) in [(0, 1), (1, 2)] {
        let (mut justify, mut parent, mut branch) = (Certificate::genesis(), Block::genesis(), Vec::new());
        for view in 1..=3 {
            let vertex = fork.vertex(view, &justify, &parent);
            let mut header = vertex.block.header;
            header.time = Time::from_nanos(time);
            let block = Block::new(header, Batch::empty());
            fork.stage.insert_block(&block);
            let vertex = Arc::new(Vertex { block: block.clone(), ..(*vertex).clone() });
            (justify, parent) = (fork.certify(&vertex), block);
            branch.insert(0, vertex);
        }
        let branch: Vec<&Arc<Vertex>> = branch.iter().collect();
        fork.notify(node, &justify, &branch);
    }
    assert_eq!(fork.stage.disagreement(&[0, 1]), Some((0, 1, Height(1))));
}

#[test]
fn a_certificate_with_a_repeated_signer_proves_nothing() {
    let mut fork = Fork { stage: stage(4, Config::default()) };
    let (genesis, root) = (Certificate::genesis(), Block::genesis());
    let vertex = fork.vertex(1, &genesis, &root);
    let mut certificate = (*fork.certify(&vertex)).clone();
    certificate.votes[2] = certificate.votes[1];
    fork.notify(0, &Arc::new(certificate), &[&vertex]);
    assert_eq!(fork.stage.node(0).high.view, 0);
}

#[test]
fn one_timeout_moves_no_replica_f_plus_one_are_joined_and_with_a_quorum_the_view_ends() {
    for config in [Config::default(), two_phase()] {
        let mut stage = stage(7, config);
        let receive = |stage: &mut Stage, from: usize, view: View| {
            let signature = stage.keys().sign(from as u32, &Timeout::statement(view, 0));
            let timeout = Timeout { view, high: Certificate::genesis(), reason: None, signature };
            stage.inject(from, 0, Message::Timeout(Arc::new(timeout)));
            stage.deliver(|flight| flight.to.index() == 0);
            let node = stage.node(0);
            (node.view, node.gave_up, node.timeouts.len(), stage.flights().count())
        };
        assert_eq!(receive(&mut stage, 1, 1), (1, 0, 1, 0));
        assert_eq!(receive(&mut stage, 1, 1), (1, 0, 1, 0), "the same again");
        (1..7).for_each(|faulty| {
            assert_eq!(receive(&mut stage, faulty, 1_000), (1, 0, 1, 0), "no proof of a view so late");
        });
        assert_eq!(receive(&mut stage, 2, 1), (1, 0, 2, 0), "two of seven may lie");
        assert_eq!(receive(&mut stage, 3, 1), (1, 1, 4, 6), "one of three does not; 0 says so to all");
        assert_eq!(receive(&mut stage, 4, 1), (4, 1, 0, 6), "with its own word five: the next leader's turn");
        let reason = stage.node(0).reason.clone().unwrap();
        assert_eq!((reason.view, reason.parts.len()), (1, 5));
    }
}

/// In three phases 2 is locked on the first of two certificates. In two phases the only one is its lock.
#[test]
fn a_certificate_that_one_replica_alone_holds_stops_no_replica_while_another_is_down() {
    for (config, certified) in [(Config::default(), 2), (two_phase(), 1)] {
        let mut fork = Fork { stage: stage(4, Config { view_timeout_max: SECOND * 4, ..config }) };
        let (mut high, mut parent, mut branch) = (Certificate::genesis(), Block::genesis(), Vec::new());
        for view in 1..=certified {
            let vertex = fork.vertex(view, &high, &parent);
            (high, parent) = (fork.certify(&vertex), vertex.block.clone());
            branch.insert(0, vertex);
        }
        let branch: Vec<&Arc<Vertex>> = branch.iter().collect();
        fork.notify(2, &high, &branch);
        fork.stage.crash(3);
        let known = [0, 1, 2].map(|node| fork.stage.node(node).high.view);
        assert_eq!((known, fork.stage.node(2).locked.view), ([0, 0, certified], certified - 1));
        submit(&mut fork.stage, 0..3, SECOND * 20);
        assert_agreed(&fork.stage, &[0, 1, 2], 3);
        let is_hidden_one_final = fork.stage.finalized(0).iter().any(|block| block.id() == parent.id());
        assert!(is_hidden_one_final, "2 votes for nothing else");
    }
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_progress() {
    for victim in 0..4 {
        for fuse in 0..60 {
            let mut stage = stage(4, Config { view_timeout_max: SECOND * 2, ..Config::default() });
            stage.crash_after_effects(victim, fuse);
            submit(&mut stage, 0..4, MILLI * 3);
            stage.run(SECOND * 5);
            stage.boot(victim);
            submit(&mut stage, 4..6, SECOND * 5);
            assert_agreed(&stage, &[0, 1, 2, 3], 6);
        }
    }
}

#[test]
fn a_vote_that_was_logged_is_not_contradicted_after_a_crash() {
    let mut stage = stage(4, Config::default());
    let transaction = stage.transaction(0, 0);
    stage.submit_to_all(&transaction);
    stage.run(MILLI);
    let voted = stage.node(2).voted;
    stage.crash(2);
    stage.boot(2);
    assert!(voted > 0 && stage.node(2).voted == voted);
}

#[test]
fn after_a_crash_another_proposal_of_the_view_voted_in_gets_no_vote() {
    for durable in [true, false] {
        let config = Config { views_per_leader: 1, durable, ..Config::default() };
        let mut fork = Fork { stage: stage(4, config) };
        let is_vote =
            |flight: &Flight<Message>| flight.from.index() == 3 && matches!(flight.message, Message::Vote { .. });
        let transaction = fork.stage.transaction(0, 0);
        fork.stage.submit_to_all(&transaction);
        fork.stage.run(MILLI);
        assert_eq!(fork.stage.flights().filter(|flight| is_vote(flight)).count(), 1, "for the proposal with a payment");
        fork.stage.lose(|_| true);
        fork.stage.crash(3);
        fork.stage.boot(3);
        // The leader of view 1 made another, empty one.
        let vertex = fork.vertex(1, &Certificate::genesis(), &Block::genesis());
        let signature = fork.stage.keys().sign(1, &Proposal::statement(&vertex.block.id()));
        let proposal = Proposal { vertex, timeout: None, signature };
        fork.stage.inject(1, 3, Message::Propose(Arc::new(proposal)));
        fork.stage.deliver(|flight| matches!(flight.message, Message::Propose(_)));
        let again = fork.stage.flights().filter(|flight| is_vote(flight)).count();
        assert_eq!(again, usize::from(!durable), "only a replica without a log votes twice");
    }
}

#[test]
fn after_all_crash_at_once_everything_goes_on() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..5, MILLI * 3);
    let before = stage.final_transactions(0);
    (0..4).for_each(|node| stage.crash(node));
    (0..4).for_each(|node| stage.boot(node));
    submit(&mut stage, 5..6, SECOND * 5);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
    // What was in no block went with the mempools.
    let last = stage.transaction(0, 5).id();
    for node in 0..4 {
        let known = stage.final_transactions(node);
        assert!(!before.is_empty() && known.starts_with(&before), "replica {node}");
        assert_eq!(known.iter().filter(|id| **id == last).count(), 1, "replica {node}");
    }
}

#[test]
fn a_lagging_replica_fetches_what_it_missed() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..2, SECOND);
    stage.crash(3);
    submit(&mut stage, 2..150, SECOND * 3);
    stage.boot(3);
    stage.run(SECOND * 5);
    assert_eq!(stage.final_transactions(3).len(), 150);
    submit(&mut stage, 150..152, SECOND * 4);
    assert_agreed(&stage, &[0, 1, 2, 3], 152);
}

#[test]
fn a_replica_that_restarted_serves_its_whole_chain_to_one_that_lags() {
    for config in [Config::default(), two_phase()] {
        for helper in 0..3 {
            let mut stage = stage(4, config.clone());
            submit(&mut stage, 0..2, SECOND);
            stage.crash(3);
            submit(&mut stage, 2..150, SECOND * 3);
            (0..3).for_each(|node| stage.crash(node));
            assert!(stage.finalized(helper).len() > 150);
            stage.boot(helper);
            stage.boot(3);
            stage.run(SECOND * 20);
            assert_eq!(stage.final_transactions(3).len(), 150, "from {helper}");
            let others: Vec<usize> = (0..3).filter(|node| *node != helper).collect();
            others.iter().for_each(|node| stage.boot(*node));
            stage.crash(helper);
            submit(&mut stage, 150..153, SECOND * 8);
            assert_agreed(&stage, &[others[0], others[1], 3], 153);
        }
    }
}

#[test]
fn a_third_of_messages_lost_and_then_none_ends_in_agreement_and_progress() {
    for config in [Config::default(), two_phase()] {
        let mut stage = stage(4, Config { view_timeout_max: SECOND * 2, ..config });
        let mut random = crate::base::Stream::new(7, "loss", 0, 0);
        let pool: Vec<_> = (0..10).map(|nonce| stage.transaction(0, nonce)).collect();
        pool.iter().for_each(|transaction| stage.submit_to_all(transaction));
        for _ in 0..20_000 {
            stage.lose(|_| random.index(10) < 3);
            stage.run(MILLI);
        }
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
        stage.run(SECOND * 20);
        assert_agreed(&stage, &[0, 1, 2, 3], 10);
    }
}

#[test]
fn halves_that_cannot_speak_agree_when_they_can() {
    let mut stage = stage(4, Config::default());
    submit(&mut stage, 0..2, SECOND);
    stage.partition(&[0, 1], &[2, 3]);
    submit(&mut stage, 2..3, SECOND * 60);
    assert_agreed(&stage, &[0, 1, 2, 3], 2);
    stage.heal();
    stage.run(SECOND * 70);
    assert_agreed(&stage, &[0, 1, 2, 3], 3);
}

#[test]
fn a_flood_of_votes_is_kept_within_bounds() {
    let mut stage = stage(4, Config::default());
    for view in (1..5_000u64).chain([u64::MAX - 1, u64::MAX]) {
        let block = Hash::of(&view.to_le_bytes());
        let signature = stage.keys().sign(3, &Certificate::statement(view, &block));
        stage.inject(3, 0, Message::Vote { view, block, signature });
    }
    stage.run(SECOND);
    assert!(stage.node(0).votes.len() <= VIEWS_AHEAD as usize + 2);
}

#[test]
fn a_certified_block_that_no_replica_has_any_more_is_not_fetched_for_ever() {
    for config in [Config::default(), two_phase()] {
        let mut stage = stage(4, config);
        submit(&mut stage, 0..3, MILLI * 100);
        // 3 receives a certificate of a block that the others do not have, nor need.
        let (view, lost) = (stage.node(0).view, Hash::of(b"lost"));
        let vote = |node: u32| (NodeId(node), stage.keys().sign(node, &Certificate::statement(view, &lost)));
        let high = Arc::new(Certificate { view, block: lost, votes: (0..3).map(vote).collect() });
        let progress = Progress { high, timeout: None, vertices: Vec::new(), blocks: Vec::new() };
        stage.inject(0, 3, Message::Progress(Arc::new(progress)));
        submit(&mut stage, 3..20, SECOND);
        assert_agreed(&stage, &[0, 1, 2, 3], 20);
    }
}

#[test]
fn what_led_to_a_view_is_known_again_after_all_crashed_together() {
    for config in [Config::default(), two_phase()] {
        let mut stage = stage(4, config);
        submit(&mut stage, 0..1, SECOND);
        stage.crash(3);
        // Only 0 learns that all gave up on a view, and gives up on the next leader's too.
        [1, 2].into_iter().for_each(|to| stage.cut(0, to));
        submit(&mut stage, 1..2, SECOND * 12);
        assert!(stage.node(0).gave_up > stage.node(1).view);
        (0..3).for_each(|node| stage.crash(node));
        stage.heal();
        (0..3).for_each(|node| stage.boot(node));
        submit(&mut stage, 1..2, SECOND * 60);
        assert_agreed(&stage, &[0, 1, 2], 2);
    }
}
