//! Leaving views and beginning them; attackers that play with that.

use super::super::view_change::Choice;
use super::*;
use crate::base::{Digest, Wire};

/// A VIEW-CHANGE of `replica` that prepared these `(seq, view, name)` above genesis.
fn view_change(stage: &Stage, replica: usize, view: u64, prepared: &[(u64, u64, &str)]) -> Arc<ViewChange> {
    let certificate = |(seq, view, name): &(u64, u64, &str)| {
        let digest = Digest::new(name).finish();
        let primary = (*view % 4) as usize;
        let order = vote(stage, Phase::PrePrepare, primary, (*view, *seq), &digest);
        let backups = (0..4).filter(|node| *node != primary).take(2);
        let sign = |node| vote(stage, Phase::Prepare, node, (*view, *seq), &digest).signature;
        let prepares = backups.map(|node| (NodeId::from(node), sign(node))).collect();
        Arc::new(Prepared { primary: NodeId::from(primary), order, prepares })
    };
    let prepared: Vec<_> = prepared.iter().map(certificate).collect();
    let (view, stable) = (View(view), Stable::genesis());
    let signature = stage.keys().sign(replica as u32, &ViewChange::statement(view, &stable, &prepared));
    Arc::new(ViewChange { view, stable, prepared, replica: NodeId::from(replica), signature })
}

fn new_view(stage: &Stage, view: u64, view_changes: Vec<Arc<ViewChange>>, names: &[Hash]) -> NewView {
    let primary = (view % 4) as usize;
    let order = |(at, digest): (usize, &Hash)| vote(stage, Phase::PrePrepare, primary, (view, at as u64 + 1), digest);
    let orders: Vec<Vote> = names.iter().enumerate().map(order).collect();
    let statement = NewView::statement(View(view), &view_changes, &orders);
    let signature = stage.keys().sign(primary as u32, &statement);
    NewView { view: View(view), primary: NodeId::from(primary), view_changes, orders, signature }
}

fn count(stage: &Stage, kind: &str) -> u64 {
    stage.delivered().get(kind).copied().unwrap_or(0)
}

fn views(stage: &Stage, nodes: &[usize]) -> Vec<u64> {
    nodes.iter().map(|node| stage.node(*node).view.0).collect()
}

#[test]
fn a_dead_primary_is_replaced_and_its_requests_are_executed_once() {
    let mut stage = stage(4);
    submit(&mut stage, 0..1, SECOND);
    stage.crash(0);
    submit(&mut stage, 1..2, SECOND * 2);
    assert_eq!(views(&stage, &[1, 2, 3]), [1, 1, 1]);
    submit(&mut stage, 1..3, SECOND);
    assert_agreed(&stage, &[1, 2, 3], 3);
    assert_eq!(stage.notes(1).last(), Some(&(note::LEADING, 1)));
    assert_eq!(stage.notes(2), [(note::ROUND, 0), (note::WASTED, 0), (note::ROUND, 1)]);
    stage.boot(0);
    submit(&mut stage, 3..4, SECOND * 4);
    assert_agreed(&stage, &[0, 1, 2, 3], 4);
    assert_eq!(views(&stage, &[0]), [1], "it learns of the view from the NEW-VIEW sent again");
}

#[test]
fn a_replica_that_left_for_a_later_view_is_followed_though_its_view_change_was_lost() {
    // Of five, 4 is down: the other four are all needed. No message of 2 arrives; 2 receives that all want view 1 and waits
    // for it in vain.
    let mut stage = Stage::empty(5, Config::default());
    (0..4).for_each(|node| stage.boot(node));
    [0, 1, 3].into_iter().for_each(|to| stage.cut(2, to));
    submit(&mut stage, 0..1, SECOND * 6);
    assert_eq!(views(&stage, &[0, 1, 2, 3]), [1, 1, 2, 1]);
    stage.heal();
    stage.run(SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2, 3], 1);
}

#[test]
fn a_primary_that_ignores_one_request_is_deposed_though_it_serves_the_others() {
    let mut stage = stage(4);
    let ignored = stage.transaction(1, 0);
    (1..4).for_each(|node| stage.submit(node, &ignored));
    submit(&mut stage, 0..5, SECOND / 2);
    assert_eq!(views(&stage, &[1, 2, 3]), [1, 1, 1]);
    assert!(stage.final_transactions(0).contains(&ignored.id()));
    assert_agreed(&stage, &[0, 1, 2, 3], 6);
}

#[test]
fn what_committed_anywhere_survives_two_view_changes_before_it_prepares_again() {
    let mut stage = stage(4);
    let first = stage.transaction(0, 0);
    stage.submit_to_all(&first);
    stage.run(MILLI);
    // Replica 3 receives nothing more; 0, 1 and 2 prepare; only 0 commits, and crashes.
    stage.lose(|flight| flight.to.index() == 3);
    stage.deliver(is_kind("prepare"));
    stage.lose(|flight| flight.to.index() != 0);
    stage.deliver(is_kind("commit"));
    assert_eq!(stage.final_transactions(0), [first.id()]);
    stage.crash(0);
    // View 1 begins at all, but no PREPARE arrives in it.
    let mut began = false;
    for _ in 0..20_000 {
        stage.lose(|flight| began && ["prepare", "commit"].contains(&flight.message.kind()));
        stage.lose(|flight| flight.message.kind() == "prepare");
        stage.run(MILLI);
        began |= views(&stage, &[1, 2, 3]) == [1, 1, 1] && (1..4).all(|node| stage.node(node).active);
        if views(&stage, &[1, 2, 3]) == [2, 2, 2] {
            break;
        }
    }
    assert!(began, "view 1 began");
    assert_eq!(views(&stage, &[1, 2, 3]), [2, 2, 2]);
    let kept = stage.node(1).log.get(Height(1)).unwrap().certificate.clone().unwrap();
    assert_eq!(kept.order.view, View(0), "the certificate of view 0 is carried through view 1");
    stage.run(SECOND * 10);
    assert_eq!(stage.final_transactions(3), [first.id()]);
    stage.boot(0);
    submit(&mut stage, 1..2, SECOND * 10);
    assert_agreed(&stage, &[0, 1, 2, 3], 2);
}

#[test]
fn a_new_view_takes_the_digest_that_prepared_in_the_highest_view_and_fills_gaps_with_null() {
    let stage = stage(4);
    let a = view_change(&stage, 0, 4, &[(2, 1, "d"), (5, 1, "d")]);
    let b = view_change(&stage, 1, 4, &[(5, 3, "d'")]);
    let c = view_change(&stage, 2, 4, &[(3, 0, "e"), (5, 2, "d''")]);
    let name = |name: &str| Digest::new(name).finish();
    let null = Proposal::null().digest();
    let expected = vec![null, name("d"), name("e"), null, name("d'")];
    for order in [[&a, &b, &c], [&b, &c, &a], [&c, &a, &b]] {
        let quorum: Vec<_> = order.into_iter().cloned().collect();
        let choice = Choice::of(&quorum);
        assert_eq!(choice.digests.iter().map(|(_, digest, _)| *digest).collect::<Vec<_>>(), expected);
        assert_eq!(choice.digests.iter().map(|(seq, ..)| seq.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_gap_becomes_a_null_request_and_what_prepared_above_it_is_executed_after_it() {
    let mut stage = stage(4);
    let (lost, kept) = (stage.transaction(0, 0), stage.transaction(1, 0));
    stage.submit_to_all(&lost);
    stage.lose(|_| true);
    stage.submit_to_all(&kept);
    stage.run(MILLI * 2);
    stage.lose(|_| true);
    assert!((1..4).all(|node| stage.node(node).log.get(Height(2)).unwrap().prepared));
    stage.crash(0);
    stage.run(SECOND * 5);
    for node in 1..4 {
        let sizes: Vec<usize> = stage.finalized(node).iter().map(|block| block.transactions().len()).collect();
        assert_eq!(sizes, [0, 0, 1, 1], "genesis, null, kept, lost");
        assert_eq!(stage.final_transactions(node), [kept.id(), lost.id()]);
        assert_eq!(stage.finalized(node)[2].header.proposer, NodeId(0), "the block does not depend on the view");
    }
    assert_eq!(stage.disagreement(&[1, 2, 3]), None);
}

#[test]
fn backups_accept_a_new_view_only_if_it_is_what_its_quorum_demands() {
    let stage = stage(4);
    let quorum = || {
        let changes = [&[(2, 0, "d")][..], &[], &[]];
        changes.iter().enumerate().map(|(node, p)| view_change(&stage, node, 1, p)).collect::<Vec<_>>()
    };
    let (d, null) = (Digest::new("d").finish(), Proposal::null().digest());
    let mut small = quorum();
    small.pop();
    let mut doubled = small.clone();
    doubled.push(small[0].clone());
    let mut mixed = quorum();
    mixed[2] = view_change(&stage, 2, 5, &[]);
    let mut future = quorum();
    future[2] = view_change(&stage, 2, 1, &[(1, 1, "e")]);
    let mut unordered = quorum();
    unordered[1] = view_change(&stage, 1, 1, &[(2, 0, "d"), (2, 0, "d")]);
    let foreign = NewView { primary: NodeId(2), ..new_view(&stage, 1, quorum(), &[null, d]) };
    let cases = [
        ("genuine", new_view(&stage, 1, quorum(), &[null, d]), true),
        ("d is dropped", new_view(&stage, 1, quorum(), &[null, null]), false),
        ("nothing is ordered", new_view(&stage, 1, quorum(), &[]), false),
        ("too much is ordered", new_view(&stage, 1, quorum(), &[null, d, null]), false),
        ("too few left", new_view(&stage, 1, small, &[null, d]), false),
        ("one left twice", new_view(&stage, 1, doubled, &[null, d]), false),
        ("one left for another view", new_view(&stage, 1, mixed, &[null, d]), false),
        ("prepared in the view that begins", new_view(&stage, 1, future, &[null, d]), false),
        ("certificates out of order", new_view(&stage, 1, unordered, &[null, d]), false),
        ("not by its primary", foreign, false),
    ];
    for (what, message, expected) in cases {
        let mut stage = self::stage(4);
        stage.inject(1, 3, Message::NewView(Arc::new(message)));
        stage.deliver(|_| true);
        assert_eq!(stage.node(3).view == View(1) && stage.node(3).active, expected, "{what}");
    }
}

#[test]
fn a_view_change_without_full_certificates_is_not_counted() {
    let base = stage(4);
    let honest = view_change(&base, 1, 1, &[(1, 0, "d")]);
    let with = |change: &dyn Fn(&mut Prepared)| {
        let mut certificate = (*honest.prepared[0]).clone();
        change(&mut certificate);
        Arc::new(ViewChange { prepared: vec![Arc::new(certificate)], ..(*honest).clone() })
    };
    let unproven = Stable { seq: Height(128), digest: Hash::ZERO, signatures: Vec::new() };
    let signature = base.keys().sign(1, &ViewChange::statement(View(1), &unproven, &[]));
    let prepared = Vec::new();
    let unproven = ViewChange { stable: Arc::new(unproven), prepared, signature, ..(*honest).clone() };
    let cases = [
        ("honest", honest.clone(), true),
        ("one PREPARE only", with(&|p| p.prepares.truncate(1)), false),
        ("one backup twice", with(&|p| p.prepares[1] = p.prepares[0]), false),
        ("the primary as a backup", with(&|p| p.prepares[1] = (NodeId(0), p.prepares[1].1)), false),
        ("another primary", with(&|p| p.primary = NodeId(1)), false),
        ("a checkpoint without proof", Arc::new(unproven), false),
    ];
    for (what, message, expected) in cases {
        let mut stage = stage(4);
        stage.inject(1, 3, Message::ViewChange(message));
        stage.deliver(|_| true);
        assert_eq!(stage.node(3).view_changes.contains_key(&NodeId(1)), expected, "{what}");
    }
}

#[test]
fn f_plus_one_that_left_are_joined_at_the_smallest_of_their_views_and_f_are_not() {
    let mut stage = stage(7);
    for (replica, view) in [(1, 9), (2, 4)] {
        let message = view_change(&stage, replica, view, &[]);
        stage.inject(replica, 3, Message::ViewChange(message));
    }
    stage.deliver(|_| true);
    assert_eq!(views(&stage, &[3]), [0], "f may all be faulty");
    let message = view_change(&stage, 4, 6, &[]);
    stage.inject(4, 3, Message::ViewChange(message));
    stage.deliver(|_| true);
    assert_eq!(views(&stage, &[3]), [4]);
}

#[test]
fn timers_double_with_each_view_change_and_are_reset_by_progress() {
    // Primaries 0, 1 and 2 of seven are dead after the first request... and f = 2 of them only may be.
    let mut stage: Stage = TestCluster::empty(7, Config::default());
    (2..7).for_each(|node| stage.boot(node));
    let began = stage.now();
    submit(&mut stage, 0..1, Duration::ZERO);
    assert!(stage.run_while(SECOND * 60, |stage| stage.node(3).view < View(2)));
    // 2 s for the request, 2 s for view 1, and one delay for the last vote of each quorum.
    let elapsed = stage.now().since(began);
    assert!(elapsed >= SECOND * 4 && elapsed < SECOND * 4 + MILLI * 10, "{elapsed}");
    assert_eq!(stage.node(3).patience(SECOND), SECOND * 2, "the next would be longer");
    assert!(stage.run_while(SECOND, |stage| stage.final_transactions(3).is_empty()));
    assert_eq!(stage.node(3).patience(SECOND), SECOND, "progress resets it");
    stage.run(MILLI);
    assert_agreed(&stage, &[3, 4], 1);
}

#[test]
fn one_request_executed_in_time_resets_the_timers_however_many_views_failed() {
    // Three dead primaries in a row, as many as ten replicas bear.
    let mut stage: Stage = TestCluster::empty(10, Config::default());
    (3..10).for_each(|node| stage.boot(node));
    submit(&mut stage, 0..1, Duration::ZERO);
    assert!(stage.run_while(SECOND * 60, |stage| stage.final_transactions(4).is_empty()));
    assert_eq!(stage.node(4).view, View(3));
    assert_eq!(stage.node(4).patience(SECOND), SECOND, "not half of four seconds");
    // Eight times the first timer, 2 s, and what a request that took so long leaves of it.
    for (took, left) in [(500, 1), (501, 4), (4_000, 4), (4_001, 8)] {
        let mut replica = stage.node(4).clone();
        replica.attempts = 4;
        replica.on_awaited(MILLI * took);
        assert_eq!(replica.patience(SECOND), SECOND * left, "{took} ms");
    }
}

/// Sequence number 1 prepared request A in view 0 at replica 3 alone. View 1 began without it, gave 1 to B, which prepared
/// nowhere, and 2 to A, which prepared at replica 1. View 2 must propose what prepared: A at 1, and A at 2.
#[test]
fn view_changes_can_order_a_request_twice_which_is_why_ledgers_execute_it_once() {
    let mut stage = stage(4);
    let alone = |stage: &mut Stage| {
        stage.lose(|_| true);
        stage.partition(&[0, 1, 2, 3], &[0, 1, 2, 3]);
    };
    let (a, b) = (stage.transaction(0, 0), stage.transaction(1, 0));
    stage.submit(0, &a);
    stage.deliver(is_kind("pre-prepare"));
    stage.deliver(|flight| flight.to == NodeId(3) && is_kind("prepare")(flight));
    assert!(stage.node(3).log.get(Height(1)).unwrap().prepared);
    alone(&mut stage);
    [1, 2].into_iter().for_each(|node| stage.submit(node, &b));
    stage.run(SECOND * 3);
    stage.heal();
    stage.partition(&[3], &[0, 1, 2]);
    assert!(stage.run_while(SECOND * 10, |stage| stage.node(1).next == Height(1)));
    stage.submit(1, &a);
    stage.deliver(is_kind("new-view"));
    stage.deliver(is_kind("pre-prepare"));
    let second = |message: &Message| matches!(message, Message::Prepare(vote) if vote.seq == Height(2));
    stage.deliver(|flight| flight.to == NodeId(1) && second(&flight.message));
    let prepared = |stage: &Stage, node: usize| {
        let certificates = stage.node(node).log.iter().filter_map(|(_, slot)| slot.certificate.clone());
        certificates.map(|prepared| (prepared.order.view.0, prepared.order.seq.0)).collect::<Vec<_>>()
    };
    assert_eq!((prepared(&stage, 1), prepared(&stage, 3)), (vec![(1, 2)], vec![(0, 1)]));
    alone(&mut stage);
    stage.crash(0);
    stage.run(SECOND * 5);
    stage.heal();
    stage.run(SECOND * 30);
    let name = |id: Hash| if id == a.id() { "a" } else { "b" };
    let ordered: Vec<&str> = stage.final_transactions(2).into_iter().map(name).collect();
    assert_eq!(ordered, ["a", "a", "b"]);
    assert_eq!(stage.disagreement(&[1, 2, 3]), None);
}

#[test]
fn a_replica_that_leaves_alone_does_not_disturb_the_others_and_follows_by_state_transfer() {
    let mut stage: Stage = TestCluster::new(4, short());
    stage.partition(&[3], &[0, 1, 2]);
    submit(&mut stage, 0..1, SECOND * 10);
    assert_eq!(views(&stage, &[0, 1, 2, 3]), [0, 0, 0, 1]);
    stage.heal();
    submit(&mut stage, 1..8, SECOND * 4);
    assert_agreed(&stage, &[0, 1, 2, 3], 8);
    assert_eq!(views(&stage, &[0, 1, 2, 3]), [0, 0, 0, 1]);
    // The others need it now: two that left are joined.
    stage.crash(0);
    submit(&mut stage, 8..9, SECOND * 10);
    assert_agreed(&stage, &[1, 2, 3], 9);
    assert_eq!(views(&stage, &[1, 2, 3]), [1, 1, 1]);
}

/// The others are in view 0; replicas 5 and 6, fewer than could make them leave it, are in view 1 for good.
#[test]
fn replicas_that_were_cut_off_execute_as_soon_as_the_others_again() {
    let mut stage = stage(7);
    stage.partition(&[5, 6], &[0, 1, 2, 3, 4]);
    submit(&mut stage, 0..3, SECOND * 10);
    assert_eq!(views(&stage, &[0, 5, 6]), [0, 1, 1]);
    stage.heal();
    submit(&mut stage, 3..4, SECOND * 10);
    assert_agreed(&stage, &[0, 1, 2, 3, 4, 5, 6], 4);
    let asked = count(&stage, "state");
    submit(&mut stage, 4..20, MILLI * 3);
    assert_agreed(&stage, &[0, 1, 2, 3, 4, 5, 6], 20);
    assert_eq!((views(&stage, &[0, 5, 6]), count(&stage, "state")), (vec![0, 1, 1], asked));
}

#[test]
fn who_left_takes_what_a_quorum_commits_without_it_but_nothing_less_and_fetches_the_batch() {
    let mut stage = stage(4);
    stage.partition(&[3], &[0, 1, 2]);
    submit(&mut stage, 0..1, SECOND * 10);
    stage.heal();
    stage.run(SECOND * 10);
    let what = proposal(0, vec![stage.transaction(1, 0)]);
    let other = proposal(0, vec![stage.transaction(2, 0)]);
    for (signer, digest) in [(0, what.digest()), (0, other.digest()), (1, other.digest()), (2, what.digest())] {
        let message = commit(&stage, signer, (0, 2), &digest);
        stage.inject(signer, 3, message);
    }
    stage.deliver(|_| true);
    assert!(stage.node(3).log.get(Height(2)).unwrap().committed.is_none());
    stage.crash(3);
    stage.boot(3);
    stage.run(SECOND * 10);
    // The batch does not come with the COMMITs.
    let transaction = stage.transaction(1, 0);
    stage.submit(0, &transaction);
    stage.lose(|flight| flight.to.index() == 3);
    for _ in 0..5 {
        stage.deliver(|flight| flight.message.kind() != "pre-prepare" || flight.to.index() != 3);
    }
    assert_eq!((count(&stage, "fetch"), count(&stage, "batch")), (1, 1));
    assert_agreed(&stage, &[0, 1, 2, 3], 2);
}

#[test]
fn halves_of_a_partition_stop_and_go_on_together_when_it_heals() {
    let mut stage = stage(4);
    submit(&mut stage, 0..1, SECOND);
    stage.partition(&[0, 1], &[2, 3]);
    submit(&mut stage, 1..3, SECOND * 10);
    assert_agreed(&stage, &[0, 1, 2, 3], 1);
    stage.heal();
    stage.run(SECOND * 20);
    assert_agreed(&stage, &[0, 1, 2, 3], 3);
}

#[test]
fn votes_that_overtake_their_new_view_count_when_it_arrives() {
    let mut stage = stage(7);
    stage.crash(0);
    let request = stage.transaction(0, 0);
    stage.submit_to_all(&request);
    assert!(stage.run_while(SECOND * 5, |stage| stage.flights().all(|f| f.message.kind() != "new-view")));
    let late = |flight: &crate::protocol::testing::Flight<Message>| {
        flight.to.index() == 6 && flight.message.kind() == "new-view"
    };
    for _ in 0..4 {
        stage.deliver(|flight| !late(flight));
    }
    assert_agreed(&stage, &[1, 2, 3, 4, 5], 1);
    assert!(
        stage.node(6).log.get(Height(1)).is_some_and(|slot| slot.elsewhere() == 4 + 5 && slot.early_order.is_some())
    );
    assert!(!stage.node(6).active);
    stage.deliver(late);
    assert_agreed(&stage, &[6], 1);
}

#[test]
fn a_replica_far_behind_enters_at_the_highest_checkpoint_of_the_new_view_and_fetches_its_state() {
    let mut stage: Stage = TestCluster::new(4, Config { status_interval: SECOND * 10, ..short() });
    stage.partition(&[3], &[0, 1, 2]);
    submit(&mut stage, 0..5, MILLI * 10);
    stage.heal();
    stage.crash(0);
    submit(&mut stage, 5..6, Duration::ZERO);
    assert!(stage.run_while(SECOND * 5, |stage| !stage.node(3).active || stage.node(3).view == View(0)));
    let replica = stage.node(3);
    assert_eq!((replica.log.low(), replica.executed.height(), replica.view), (Height(4), Height(0), View(1)));
    stage.run(SECOND * 12); // the first that it asks is the dead one
    assert_agreed(&stage, &[1, 2, 3], 6);
}

#[test]
fn a_batch_that_a_new_view_names_and_a_replica_lacks_is_fetched() {
    let mut stage = stage(4);
    let request = stage.transaction(0, 0);
    stage.cut(0, 3);
    stage.submit_to_all(&request);
    stage.run(MILLI * 2);
    stage.lose(|_| true);
    assert!(stage.node(1).log.get(Height(1)).unwrap().prepared);
    stage.crash(0);
    stage.run(SECOND * 2 + MILLI * 20);
    assert_eq!((count(&stage, "fetch"), count(&stage, "batch")), (1, 1));
    assert_agreed(&stage, &[1, 2, 3], 1);
}

/// One run per attack by the first primary (for the last two, of a later one or a backup).
#[test]
fn no_attack_of_one_replica_in_four_stops_or_forks_the_others() {
    for (attack, faulty) in [
        ("equivocate", 0),
        ("silent_primary", 0),
        ("slow_primary", 0),
        ("false_view_change", 0),
        ("false_view_change", 2),
        ("bad_new_view", 1),
    ] {
        let mut stage: Stage = TestCluster::empty(4, short());
        stage.set_attack(faulty, attack);
        (0..4).for_each(|node| stage.boot(node));
        let honest: Vec<usize> = (0..4).filter(|node| *node != faulty).collect();
        submit(&mut stage, 0..10, SECOND * 2);
        stage.run(SECOND * 30);
        assert_agreed(&stage, &honest, 10);
    }
    assert!(Pbft::ATTACKS.iter().all(|(name, _)| *name != "unknown"));
}

#[test]
fn a_silent_or_equivocating_primary_loses_its_view_and_a_slow_one_keeps_it() {
    let run = |attack: &str| {
        let mut stage: Stage = TestCluster::empty(4, Config::default());
        stage.set_attack(0, attack);
        (0..4).for_each(|node| stage.boot(node));
        let began = stage.now();
        for nonce in 0..4 {
            let transaction = stage.transaction(nonce, 0);
            stage.submit_to_all(&transaction);
        }
        assert!(stage.run_while(SECOND * 60, |stage| stage.final_transactions(1).len() < 4), "{attack}");
        (stage.node(1).view, stage.now().since(began))
    };
    let (silent, _) = run("silent_primary");
    assert_eq!(silent, View(1));
    let (slow, took) = run("slow_primary");
    assert_eq!(slow, View(0), "just below the timeout");
    assert!(took >= SECOND * 3 / 2, "{took}: an honest primary needs 3 ms");
}

#[test]
fn a_bad_new_view_is_passed_over_and_what_committed_stays() {
    let mut stage: Stage = TestCluster::empty(4, Config { status_interval: SECOND * 10, ..Config::default() });
    stage.set_attack(1, "bad_new_view");
    (0..4).for_each(|node| stage.boot(node));
    let first = stage.transaction(0, 0);
    stage.submit_to_all(&first);
    stage.run(MILLI * 2);
    // Replica 0 commits; the others prepared.
    stage.lose(|flight| flight.to.index() != 0);
    stage.deliver(|_| true);
    assert_eq!(stage.final_transactions(0), [first.id()]);
    stage.crash(0);
    stage.run(SECOND * 3);
    assert_eq!(views(&stage, &[2, 3]), [1, 1]);
    assert!(stage.delivered()["new-view"] > 0 && !stage.node(2).active, "a bad NEW-VIEW came and was refused");
    stage.boot(0);
    submit(&mut stage, 1..2, SECOND * 20);
    assert_agreed(&stage, &[0, 2, 3], 2);
    assert_eq!(stage.final_transactions(2)[0], first.id());
}
