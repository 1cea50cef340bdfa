//! One test per sentence of the paper that matters.

mod hostile;
mod repeating;
mod view_changes;

use super::*;
use crate::base::Time;
use crate::chain::Transaction;
use crate::protocol::testing::TestCluster;

type Stage = TestCluster<Pbft>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn stage(n: usize) -> Stage {
    TestCluster::new(n, Config::default())
}

/// Checkpoints every 4, watermarks 8 apart.
fn short() -> Config {
    Config { checkpoint_interval: 4, log_window: 8, ..Config::default() }
}

/// Submits requests one after the other, each to all, and runs `span` after each.
fn submit(stage: &mut Stage, nonces: std::ops::Range<u64>, span: Duration) {
    for nonce in nonces {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
        stage.run(span);
    }
}

/// These replicas have executed the same, this many requests, each once.
fn assert_agreed(stage: &Stage, nodes: &[usize], transactions: usize) {
    assert_eq!(stage.disagreement(nodes), None);
    for &node in nodes {
        let mut known = stage.final_transactions(node);
        assert_eq!(known.len(), transactions, "replica {node}");
        known.sort();
        known.dedup();
        assert_eq!(known.len(), transactions, "replica {node} executed something twice");
    }
}

fn proposal(primary: usize, transactions: Vec<Arc<Transaction>>) -> Proposal {
    Proposal { batch: Batch::new(transactions), proposer: NodeId::from(primary), time: Time::ZERO }
}

fn vote(stage: &Stage, phase: Phase, signer: usize, (view, seq): (u64, u64), digest: &Hash) -> Vote {
    let (view, seq) = (View(view), Height(seq));
    let signature = stage.keys().sign(signer as u32, &Vote::statement(phase, view, seq, digest));
    Vote { view, seq, digest: *digest, signature }
}

fn pre_prepare(stage: &Stage, primary: usize, at: (u64, u64), proposal: &Proposal) -> Message {
    let order = vote(stage, Phase::PrePrepare, primary, at, &proposal.digest());
    Message::PrePrepare(Arc::new(PrePrepare { order, proposal: proposal.clone() }))
}

fn prepare(stage: &Stage, signer: usize, at: (u64, u64), digest: &Hash) -> Message {
    Message::Prepare(vote(stage, Phase::Prepare, signer, at, digest))
}

fn commit(stage: &Stage, signer: usize, at: (u64, u64), digest: &Hash) -> Message {
    Message::Commit(vote(stage, Phase::Commit, signer, at, digest))
}

fn is_kind(kind: &'static str) -> impl Fn(&crate::protocol::testing::Flight<Message>) -> bool {
    move |flight| crate::base::Wire::kind(&flight.message) == kind
}

#[test]
fn a_batch_takes_the_messages_of_the_paper_and_commits_after_exactly_three_delays() {
    for n in [4u64, 7, 16] {
        let mut stage = stage(n as usize);
        let transaction = stage.transaction(0, 0);
        stage.submit_to_all(&transaction);
        stage.run_until(Time::from_nanos(MILLI.as_nanos() * 3 - 1));
        let is_open = (0..n as usize).all(|node| stage.final_transactions(node).is_empty());
        assert!(is_open, "no replica decides before three delays");
        stage.run_until(Time::ZERO + MILLI * 3);
        assert_agreed(&stage, &(0..n as usize).collect::<Vec<_>>(), 1);
        stage.run(SECOND / 2);
        let counts: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
        let expected = vec![("commit", n * (n - 1)), ("pre-prepare", n - 1), ("prepare", (n - 1) * (n - 1))];
        assert_eq!(counts, expected);
    }
}

#[test]
fn nothing_more_is_said_when_all_is_done() {
    let mut stage = stage(4);
    submit(&mut stage, 0..3, SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2, 3], 3);
    assert_eq!(stage.delivered().values().sum::<u64>(), 3 * 24, "no status, no view change");
    assert!((0..4).all(|node| stage.timers(node).count() == 0));
}

/// One line per step: what is delivered, and what each replica then waits with: `-` nothing, `o` pre-prepared,
/// `p` prepared, `x` executed.
#[test]
fn the_normal_case_goes_from_phase_to_phase_as_the_paper_draws_it() {
    let script = "
        submit            | o---
        0>1 pre-prepare   | oo--
        0>2 pre-prepare   | ooo-
        1>0 prepare       | ooo-
        2>0 prepare       | poo-
        1>2 prepare       | pop-
        1>3 prepare       | pop-
        2>3 prepare       | pop-
        0>3 pre-prepare   | popp
        0>2 commit        | popp
        3>2 commit        | poxp
        2>1 commit        | poxp
        3>1 commit        | poxp
        0>1 commit        | poxp
        2>1 prepare       | pxxp
        2>0 commit        | pxxp
        1>0 commit        | xxxp
        0>3 commit        | xxxp
        2>3 commit        | xxxx";
    let mut stage = stage(4);
    for line in script.trim().lines() {
        let (step, expected) = line.split_once('|').unwrap();
        if step.trim() == "submit" {
            let transaction = stage.transaction(0, 0);
            stage.submit(0, &transaction);
        } else {
            let (route, kind) = step.trim().split_once(' ').unwrap();
            let delivered = stage.deliver(|flight| {
                let (from, to) = (flight.from.0, flight.to.0);
                format!("{from}>{to}") == route && crate::base::Wire::kind(&flight.message) == kind.trim()
            });
            assert_eq!(delivered, 1, "{line}");
        }
        let phase = |node: usize| match stage.node(node).log.get(Height(1)) {
            _ if stage.finalized(node).len() > 1 => 'x',
            Some(slot) if slot.prepared => 'p',
            Some(slot) if slot.order.is_some() => 'o',
            _ => '-',
        };
        assert_eq!((0..4).map(phase).collect::<String>(), expected.trim(), "after {step}");
    }
}

#[test]
fn commits_that_come_first_wait_until_the_replica_has_prepared() {
    let mut stage = stage(4);
    let request = stage.transaction(0, 0);
    stage.submit_to_all(&request);
    stage.deliver(is_kind("pre-prepare"));
    stage.deliver(|flight| flight.to != NodeId(3));
    stage.deliver(is_kind("commit"));
    assert_agreed(&stage, &[0, 1, 2], 1);
    assert_agreed(&stage, &[3], 0);
    stage.deliver(|flight| flight.to == NodeId(3));
    assert_agreed(&stage, &[3], 1);
}

#[test]
fn a_prepare_of_the_primary_itself_does_not_count_and_does_not_spoil_the_certificate() {
    let mut stage: Stage = TestCluster::empty(4, Config::default());
    (1..4).for_each(|node| stage.boot(node));
    let what = proposal(0, vec![stage.transaction(0, 0)]);
    for to in 1..4 {
        let message = prepare(&stage, 0, (0, 1), &what.digest());
        stage.inject(0, to, message);
    }
    stage.deliver(|_| true);
    let order = pre_prepare(&stage, 0, (0, 1), &what);
    stage.inject(0, 1, order.clone());
    stage.deliver(|_| true);
    assert!(!stage.node(1).log.get(Height(1)).unwrap().prepared);
    stage.inject(0, 2, order);
    stage.run(MILLI * 5);
    let certificate = stage.node(1).log.get(Height(1)).unwrap().certificate.clone().unwrap();
    assert!(certificate.is_complete(stage.committee()));
}

#[test]
fn the_primary_fills_batches_while_the_window_is_full() {
    let config = Config { window: 2, block_limit: Limit { bytes: 1_000_000, transactions: 3 }, ..Config::default() };
    let mut stage: Stage = TestCluster::new(4, config);
    for nonce in 0..9 {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
    }
    assert_eq!(stage.flights().count(), 2 * 3, "two batches are under way, no more");
    stage.run(SECOND);
    assert_agreed(&stage, &[0, 1, 2, 3], 9);
    let sizes: Vec<usize> = stage.finalized(3)[1..].iter().map(|block| block.transactions().len()).collect();
    assert_eq!(sizes, [1, 1, 3, 3, 1]);
}

#[test]
fn a_batch_waits_for_its_delay_unless_it_is_full() {
    let limit = Limit { bytes: 1_000_000, transactions: 2 };
    let config = Config { block_limit: limit, batch_delay: MILLI * 50, ..Config::default() };
    let mut stage: Stage = TestCluster::new(4, config);
    submit(&mut stage, 0..1, MILLI * 49);
    assert_eq!(stage.final_transactions(1).len(), 0);
    stage.run(MILLI * 4);
    assert_eq!(stage.final_transactions(1).len(), 1);
    for nonce in 1..3 {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
    }
    stage.run(MILLI * 3);
    assert_eq!(stage.finalized(1).len(), 3, "a full batch does not wait");
    assert_agreed(&stage, &[0, 1, 2, 3], 3);
}

#[test]
fn a_checkpoint_of_a_quorum_is_stable_and_the_log_below_it_is_forgotten() {
    let mut stage: Stage = TestCluster::new(4, short());
    submit(&mut stage, 0..3, MILLI * 10);
    assert_eq!(stage.node(0).log.low(), Height(0));
    assert_eq!(stage.log(1).len(), 2 * 3, "accepted and prepared, for each batch");
    submit(&mut stage, 3..4, MILLI * 10);
    for node in 0..4 {
        let replica = stage.node(node);
        assert_eq!((replica.log.low(), replica.log.high()), (Height(4), Height(12)));
        assert_eq!(replica.log.iter().count(), 0);
        assert!(replica.stable.is_complete(stage.committee()));
        assert!(replica.checkpoints.is_empty());
        assert_eq!(stage.log(node).len(), 1, "the record of the checkpoint stands for all before it");
    }
    assert_eq!(stage.delivered()["checkpoint"], 4 * 3);
}

#[test]
fn a_faulty_primary_cannot_exhaust_the_sequence_numbers() {
    let mut stage: Stage = TestCluster::new(4, short());
    let transaction = stage.transaction(0, 0);
    let far = proposal(0, vec![transaction]);
    for seq in [0, 9, u64::MAX] {
        let message = pre_prepare(&stage, 0, (0, seq), &far);
        stage.inject(0, 1, message);
    }
    stage.run(MILLI);
    assert_eq!((stage.flights().count(), stage.node(1).log.iter().count()), (0, 0));
}

#[test]
fn the_primary_stops_at_the_high_watermark_until_a_checkpoint_is_stable() {
    let mut stage: Stage = TestCluster::new(4, short());
    for round in 0..200u64 {
        if round < 12 {
            let transaction = stage.transaction(0, round);
            stage.submit_to_all(&transaction);
        }
        stage.lose(is_kind("checkpoint"));
        stage.run(MILLI);
    }
    assert_agreed(&stage, &[0, 1, 2, 3], 8);
    assert_eq!(stage.node(0).next, Height(9));
    stage.run(SECOND * 3);
    assert_agreed(&stage, &[0, 1, 2, 3], 12);
    assert_eq!(stage.node(2).view, View(0), "lost checkpoints are sent again before the timers expire");
}

#[test]
fn a_backup_accepts_only_requests_that_clients_signed_from_the_primary_within_the_limits_and_in_time() {
    let config = Config { block_limit: Limit { bytes: 1_000, transactions: 2 }, ..Config::default() };
    let mut stage: Stage = TestCluster::new(4, config);
    let request = |stage: &Stage, nonce| stage.transaction(0, nonce);
    let forged = proposal(0, vec![request(&stage, 0).forged()]);
    let large = proposal(0, (0..3).map(|nonce| request(&stage, nonce)).collect());
    let empty = proposal(0, Vec::new());
    let foreign = proposal(2, vec![request(&stage, 0)]);
    let early = Proposal { time: Time::ZERO + SECOND * 3, ..proposal(0, vec![request(&stage, 0)]) };
    for refused in [forged, large, empty, foreign, early] {
        let message = pre_prepare(&stage, 0, (0, 1), &refused);
        stage.inject(0, 1, message);
    }
    let good = proposal(0, vec![request(&stage, 0)]);
    let message = pre_prepare(&stage, 2, (0, 1), &good);
    stage.inject(2, 1, message);
    stage.run(MILLI);
    assert!(stage.node(1).log.get(Height(1)).is_none_or(|slot| slot.order.is_none()));
    let message = pre_prepare(&stage, 0, (0, 1), &good);
    stage.inject(0, 1, message);
    stage.run(MILLI);
    assert!(stage.node(1).log.get(Height(1)).is_some_and(|slot| slot.order.is_some()));
}

#[test]
fn an_equivocating_primary_gets_at_most_one_of_its_batches_committed() {
    let mut stage: Stage = TestCluster::empty(4, Config::default());
    (1..4).for_each(|node| stage.boot(node));
    let (one, other) = (stage.transaction(0, 0), stage.transaction(1, 0));
    let (d1, d2) = (proposal(0, vec![one]), proposal(0, vec![other]));
    for (to, what) in [(1, &d1), (2, &d2), (3, &d2), (1, &d2), (2, &d1)] {
        let message = pre_prepare(&stage, 0, (0, 1), what);
        stage.inject(0, to, message);
    }
    for (to, what) in [(1, &d1), (1, &d2), (2, &d1), (2, &d2), (3, &d1), (3, &d2)] {
        let message = commit(&stage, 0, (0, 1), &what.digest());
        stage.inject(0, to, message);
    }
    stage.run(MILLI * 10);
    assert_eq!(stage.node(1).log.get(Height(1)).unwrap().order.unwrap().digest, d1.digest(), "the first counts");
    assert!(!stage.node(1).log.get(Height(1)).unwrap().prepared, "d1 has the primary and one backup");
    assert!(stage.node(2).log.get(Height(1)).unwrap().prepared, "d2 has the primary and two backups");
    // The faulty primary's vote for d1 came first at these two, so that its vote for d2 does not count.
    assert!((1..4).all(|node| stage.final_transactions(node).is_empty()));
    let waiting = stage.transaction(2, 0);
    (1..4).for_each(|node| stage.submit(node, &waiting));
    stage.run(SECOND * 30);
    assert_eq!(stage.disagreement(&[1, 2, 3]), None);
    assert_eq!(stage.final_transactions(1)[0], stage_id(&d2), "what prepared at a correct replica is kept");
}

fn stage_id(proposal: &Proposal) -> Hash {
    proposal.batch.transactions()[0].id()
}

#[test]
fn a_request_sent_again_is_executed_once() {
    let mut stage = stage(4);
    submit(&mut stage, 0..1, SECOND);
    submit(&mut stage, 0..1, SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2, 3], 1);
    assert_eq!(stage.delivered().get("view-change"), None, "an executed request keeps no timer running");
    submit(&mut stage, 1..2, SECOND);
    assert_agreed(&stage, &[0, 1, 2, 3], 2);
}

#[test]
fn a_replica_that_missed_three_checkpoints_takes_a_proven_state_and_refuses_a_forged_one() {
    let mut stage: Stage = TestCluster::new(4, short());
    stage.partition(&[3], &[0, 1, 2]);
    submit(&mut stage, 0..14, MILLI * 10);
    stage.heal();
    assert_eq!(stage.final_transactions(3).len(), 0);

    let stable = stage.node(0).stable.clone();
    assert_eq!(stable.seq, Height(12));
    let truth = crate::protocol::Snapshot { block: stage.chain(0)[12].clone(), root: Hash::ZERO, bytes: 1 };
    let wrong_root = truth.clone();
    let wrong_block = crate::protocol::Snapshot { block: stage.chain(0)[8].clone(), ..truth };
    let mut weak = (*stable).clone();
    weak.signatures.truncate(2);
    let mut doubled = weak.clone();
    doubled.signatures.push(doubled.signatures[0]);
    let digest = |snapshot: &crate::protocol::Snapshot| snapshot.digest();
    let own = |signer: u32, seq: u64, digest: &Hash| {
        (NodeId(signer), stage.keys().sign(signer, &Checkpoint::statement(Height(seq), digest)))
    };
    let alone =
        Stable { digest: digest(&wrong_root), signatures: vec![own(0, 12, &digest(&wrong_root))], seq: Height(12) };
    let lies = [
        (stable.clone(), wrong_root.clone()),
        (stable, wrong_block),
        (Arc::new(weak), wrong_root.clone()),
        (Arc::new(doubled), wrong_root.clone()),
        (Arc::new(alone), wrong_root),
    ];
    for lie in lies {
        let state = whole_state(lie);
        stage.inject(0, 3, Message::State(Arc::new(state)));
        stage.deliver(is_kind("state"));
        assert_eq!(stage.finalized(3).len(), 1, "a state without proof is refused");
    }

    // The three known checkpoints are gone; the next request shows the replica that it is behind.
    submit(&mut stage, 14..15, SECOND * 6);
    assert_agreed(&stage, &[0, 1, 2], 15);
    assert_agreed(&stage, &[0, 3], 15);
    stage.crash(2);
    submit(&mut stage, 15..20, SECOND);
    assert_agreed(&stage, &[0, 1, 3], 20);
}

/// A state in one piece.
fn whole_state((stable, snapshot): (Arc<Stable>, crate::protocol::Snapshot)) -> State {
    let (executed, length) = (stable.seq, snapshot.bytes);
    State {
        checkpoint: Some(Piece { stable: Some(stable), snapshot, offset: 0, length }),
        committed: Vec::new(),
        executed,
    }
}

#[test]
fn a_helper_that_lies_is_passed_over_at_once() {
    let mut stage: Stage = TestCluster::new(4, short());
    stage.partition(&[3], &[0, 1, 2]);
    submit(&mut stage, 0..5, MILLI * 10);
    stage.heal();
    let asks = |stage: &Stage| stage.flights().any(|flight| flight.from == NodeId(3) && is_kind("status")(flight));
    assert!(stage.run_while(SECOND * 3, |stage| !asks(stage)));
    let block = stage.chain(0)[4].clone();
    let snapshot = crate::protocol::Snapshot { block, root: Hash::ZERO, bytes: 1 };
    let lie = whole_state((stage.node(0).stable.clone(), snapshot));
    stage.lose(|_| true);
    stage.inject(2, 3, Message::State(Arc::new(lie.clone())));
    stage.deliver(is_kind("state"));
    assert_eq!(stage.flights().count(), 0, "it was not asked");
    stage.inject(0, 3, Message::State(Arc::new(lie)));
    stage.deliver(is_kind("state"));
    stage.run(MILLI * 2);
    assert_agreed(&stage, &[0, 3], 5);
}

#[test]
fn a_committed_batch_is_taken_on_its_certificate_only() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.partition(&[3], &[0, 1, 2]);
    submit(&mut stage, 0..1, MILLI * 10);
    stage.heal();
    let slot = stage.node(0).log.get(Height(1)).unwrap();
    let (view, digest, commits) = slot.committed.clone().unwrap();
    let proposal = slot.proposal(&digest).unwrap();
    let real = Committed { view, seq: Height(1), proposal, commits };
    let mut weak = real.clone();
    weak.commits[2] = weak.commits[1];
    let other = Proposal { time: Time::from_nanos(7), ..real.proposal.clone() };
    let swapped = Committed { proposal: other, ..real.clone() };
    for (committed, height) in [(weak, 0), (swapped, 0), (real, 1)] {
        let state = State { checkpoint: None, committed: vec![Arc::new(committed)], executed: Height(1) };
        stage.inject(1, 3, Message::State(Arc::new(state)));
        stage.deliver(is_kind("state"));
        assert_eq!(stage.finalized(3).len() - 1, height);
    }
    assert_agreed(&stage, &[0, 3], 1);
}

#[test]
fn more_than_f_faulty_replicas_can_fork_the_others_and_the_checker_sees_it() {
    let mut stage: Stage = TestCluster::empty(4, Config::default());
    (2..4).for_each(|node| stage.boot(node));
    stage.partition(&[2], &[3]);
    for (victim, nonce) in [(2, 0), (3, 1)] {
        let what = proposal(0, vec![stage.transaction(0, nonce)]);
        let digest = what.digest();
        let order = pre_prepare(&stage, 0, (0, 1), &what);
        let votes = [prepare(&stage, 1, (0, 1), &digest), commit(&stage, 0, (0, 1), &digest)];
        let last = commit(&stage, 1, (0, 1), &digest);
        for (from, message) in [(0, order), (1, votes[0].clone()), (0, votes[1].clone()), (1, last)] {
            stage.inject(from, victim, message);
        }
    }
    stage.run(MILLI);
    assert_eq!(stage.disagreement(&[2, 3]), Some((2, 3, Height(1))));
}

#[test]
fn thirty_percent_of_loss_until_it_ends_does_not_stop_progress_for_good() {
    for seed in 0..3u64 {
        let mut stage: Stage = TestCluster::new(4, short());
        let mut random = crate::base::Stream::new(seed, "pbft loss", 0, 0);
        for step in 0..10_000u64 {
            if step.is_multiple_of(500) {
                let transaction = stage.transaction(0, step / 500);
                stage.submit_to_all(&transaction);
            }
            stage.lose(|_| random.index(10) < 3);
            stage.run(MILLI);
            assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
        }
        submit(&mut stage, 20..24, SECOND * 20);
        assert_agreed(&stage, &[0, 1, 2, 3], 24);
    }
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_loses_nothing() {
    const FUSES: u32 = 120;
    // The run: three requests, a checkpoint among them, one replica dies after `fuse` effects and comes back.
    let config = || Config { checkpoint_interval: 2, log_window: 4, ..Config::default() };
    for (victim, dead) in [(0, None), (1, None), (1, Some(0)), (2, Some(0))] {
        for fuse in 0..=FUSES {
            let mut stage: Stage = TestCluster::new(4, config());
            dead.into_iter().for_each(|node| stage.crash(node));
            stage.crash_after_effects(victim, fuse);
            submit(&mut stage, 0..3, SECOND * 3);
            if fuse == FUSES {
                assert!(stage.node(victim).active, "the last fuse is longer than the run: all boundaries were met");
            }
            stage.crash(victim);
            dead.into_iter().for_each(|node| stage.boot(node));
            stage.boot(victim);
            submit(&mut stage, 3..4, SECOND * 40);
            assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None, "{victim} dies after {fuse}, {dead:?} is down");
            assert_agreed(&stage, &[0, 1, 2, 3], 4);
        }
    }
}

#[test]
fn all_replicas_may_crash_at_once_and_what_one_of_them_committed_stays() {
    for lost in 0..4 {
        let mut stage = stage(4);
        let transaction = stage.transaction(0, 0);
        stage.submit_to_all(&transaction);
        stage.run(MILLI * 2);
        let committed = stage.deliver(|flight| flight.to.index() == lost);
        assert_eq!((committed, stage.final_transactions(lost).len()), (3, 1));
        stage.lose(|_| true);
        (0..4).for_each(|node| stage.crash(node));
        (0..4).for_each(|node| stage.boot(node));
        stage.run(SECOND * 5);
        assert_agreed(&stage, &[0, 1, 2, 3], 1);
    }
}

#[test]
fn a_checkpoint_that_was_not_stable_when_all_crashed_is_sent_again() {
    let mut stage: Stage = TestCluster::new(4, short());
    for nonce in 0..8 {
        submit(&mut stage, nonce..nonce + 1, MILLI * 3);
        stage.lose(is_kind("checkpoint"));
    }
    assert_agreed(&stage, &[0, 1, 2, 3], 8);
    (0..4).for_each(|node| stage.crash(node));
    (0..4).for_each(|node| stage.boot(node));
    submit(&mut stage, 8..9, SECOND);
    assert_agreed(&stage, &[0, 1, 2, 3], 9);
    assert!((0..4).all(|node| stage.node(node).log.low() == Height(8)));
}

#[test]
fn replicas_that_lose_their_memory_fork_from_the_one_that_committed() {
    let mut stage: Stage = TestCluster::new(4, Config { durable: false, ..Config::default() });
    let transaction = stage.transaction(0, 0);
    stage.submit_to_all(&transaction);
    stage.run(MILLI * 2);
    stage.deliver(|flight| flight.to.index() == 3);
    stage.lose(|_| true);
    (0..3).for_each(|node| stage.crash(node));
    (0..3).for_each(|node| stage.boot(node));
    let other = stage.transaction(1, 0);
    (0..3).for_each(|node| stage.submit(node, &other));
    stage.run(MILLI * 5);
    assert_eq!(stage.disagreement(&[0, 3]), Some((0, 3, Height(1))), "the log is not idle");
}

/// Crashes, losses, partitions and both timers, at random: what any of a thousand steps may do to a run.
#[test]
fn replicas_agree_under_random_faults_and_go_on_when_these_end() {
    for seed in 0..12u64 {
        let mut stage: Stage = TestCluster::new(4, short());
        let mut random = crate::base::Stream::new(seed, "pbft weather", 0, 0);
        let mut down: Option<usize> = None;
        for step in 0..600u64 {
            match random.index(12) {
                0 | 1 => {
                    let transaction = stage.transaction((seed % 60) as u32, step);
                    stage.submit_to_all(&transaction);
                }
                2 => stage.partition(&[random.index(4)], &[0, 1, 2, 3]),
                3 => stage.partition(&[0, random.index(3) + 1], &[1, 2, 3]),
                4 | 5 => stage.heal(),
                6 => {
                    if let Some(node) = down.take() {
                        stage.boot(node);
                    } else {
                        let node = random.index(4);
                        stage.crash_after_effects(node, random.index(12) as u32);
                        stage.run(SECOND / 10);
                        stage.crash(node);
                        down = Some(node);
                    }
                }
                7 => drop(stage.lose(|_| random.index(2) == 0)),
                8 => stage.set_delay(MILLI * (1 + random.index(400) as u64)),
                _ => {}
            }
            stage.run(MILLI * random.index(900) as u64);
            assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None, "seed {seed} step {step}");
        }
        down.into_iter().for_each(|node| stage.boot(node));
        stage.heal();
        stage.set_delay(MILLI);
        let last = stage.transaction(63, 0);
        stage.submit_to_all(&last);
        stage.run(SECOND * 3_000);
        assert!((0..4).all(|node| stage.final_transactions(node).contains(&last.id())), "seed {seed}");
        // View changes may have ordered a request twice (`view_changes`): that is no disagreement.
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None, "seed {seed}");
    }
}

#[test]
fn a_restarted_replica_does_not_vote_in_a_view_that_it_left() {
    let mut stage = stage(4);
    stage.partition(&[3], &[0, 1, 2]);
    let request = stage.transaction(0, 0);
    stage.submit(3, &request);
    stage.run(SECOND * 3);
    stage.crash(3);
    stage.boot(3);
    assert_eq!((stage.node(3).view, stage.node(3).active), (View(1), false));
    stage.heal();
    stage.submit(0, &request);
    stage.run(MILLI);
    assert!(stage.flights().all(|flight| flight.from != NodeId(3)), "no PREPARE in view 0");
}

#[test]
fn the_record_of_a_checkpoint_carries_what_was_accepted_and_prepared_above_it() {
    let mut stage: Stage = TestCluster::new(4, short());
    submit(&mut stage, 0..4, MILLI * 3);
    let request = stage.transaction(0, 4);
    stage.submit_to_all(&request);
    stage.deliver(is_kind("pre-prepare"));
    stage.deliver(is_kind("prepare"));
    stage.deliver(is_kind("checkpoint"));
    stage.lose(|_| true);
    let before = stage.node(1).log.get(Height(5)).unwrap().clone();
    assert_eq!((stage.log(1).len(), before.prepared), (1, true));
    stage.crash(1);
    stage.boot(1);
    let after = stage.node(1).log.get(Height(5)).unwrap();
    assert_eq!((after.order, after.prepared, &after.certificate), (before.order, true, &before.certificate));
    assert_eq!(after.proposals, before.proposals);
}

#[test]
fn a_restarted_primary_never_gives_a_number_twice() {
    let mut stage = stage(4);
    let transaction = stage.transaction(0, 0);
    stage.submit(0, &transaction);
    stage.lose(|_| true);
    stage.crash(0);
    stage.boot(0);
    stage.lose(|_| true);
    let other = stage.transaction(1, 0);
    stage.submit(0, &other);
    let orders: Vec<Height> = stage
        .flights()
        .filter_map(|flight| match &flight.message {
            Message::PrePrepare(message) => Some(message.order.seq),
            _ => None,
        })
        .collect();
    assert_eq!(orders, [Height(2); 3]);
    stage.run(SECOND * 30);
    assert_agreed(&stage, &[0, 1, 2, 3], 2);
}

#[test]
fn without_durability_nothing_is_written_and_the_same_is_said() {
    let run = |durable: bool| {
        let mut stage: Stage = TestCluster::new(4, Config { durable, ..short() });
        submit(&mut stage, 0..6, MILLI * 10);
        stage
    };
    let (with, without) = (run(true), run(false));
    assert_eq!(with.delivered(), without.delivered());
    assert!((0..4).all(|node| without.log(node).is_empty() && !with.log(node).is_empty()));
}

#[test]
fn settings_that_make_no_sense_are_refused_with_their_key() {
    let refused = |config: Config, nodes| <Pbft as Protocol>::check(&config, nodes).map_err(|invalid| invalid.key);
    let base = Config::default;
    assert_eq!(refused(base(), 4), Ok(()));
    assert_eq!(refused(Config { window: 0, ..base() }, 4), Err("window"));
    assert_eq!(refused(Config { checkpoint_interval: 0, ..base() }, 4), Err("checkpoint_interval"));
    assert_eq!(refused(Config { log_window: 127, ..base() }, 4), Err("log_window"));
    assert_eq!(refused(Config { log_window: u64::MAX, ..base() }, 4), Err("log_window"));
    assert_eq!(refused(Config { request_timeout: Duration::ZERO, ..base() }, 4), Err("request_timeout"));
    assert_eq!(refused(Config { status_interval: Duration::ZERO, ..base() }, 4), Err("status_interval"));
    assert_eq!(refused(Config { block_limit: Limit { bytes: 9, transactions: 0 }, ..base() }, 4), Err("block_limit"));
    assert_eq!(Pbft::client_reply_quorum(&Committee::new(7, FaultModel::Byzantine)), 3, "f + 1 replies");
    assert_eq!(toml::from_str::<Config>("").unwrap(), base());
    assert!(toml::from_str::<Config>("windw = 3").is_err());
}
