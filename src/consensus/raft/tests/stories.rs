//! The stories that every implementation of Raft should survive: figure 8, stale reads, reordering, the bug of 2015.

use super::*;
use crate::base::{AccountId, ByteSize, NodeId, Stream, Wire};
use crate::consensus::raft::message::AppendEntries;
use crate::consensus::raft::{Change, Method, notes};
use crate::protocol::note;

fn appends(message: &Message, term: u64) -> bool {
    matches!(message, Message::AppendEntries(append) if append.entries.iter().any(|entry| entry.term == Term(term)))
}

/// Runs for `millis`, losing every message that `lost` picks before it arrives.
fn run_losing(stage: &mut Stage, millis: u64, lost: impl Fn(usize, &Message) -> bool) {
    for _ in 0..millis {
        stage.lose(|flight| lost(flight.to.index(), &flight.message));
        stage.run(ms(1));
    }
}

/// Figure 8 up to (c): S1 (here node 0) leads term 4; the entry of term 2 is on S1 and S2 only.
fn figure_8_c() -> Stage {
    // One entry in an append, so that the old entry travels without the new.
    let mut stage = led_by(1, 5, Config { append_bytes: ByteSize(1), ..figure_2() });
    // (a) S1 leads term 2; its entry reaches S2 only.
    stage.fire(0, Timer::Election);
    run_losing(&mut stage, 4, |to, message| to > 1 && appends(message, 2));
    stage.crash(0);
    assert_eq!([1, 2, 3, 4].map(|node| terms(&stage, node).len()), [2, 1, 1, 1]);
    // (b) S5 wins term 3 with S3 and S4; its entry stays at home.
    stage.fire(4, Timer::Election);
    run_losing(&mut stage, 4, |_, message| appends(message, 3));
    assert!(stage.node(4).is_leader());
    stage.crash(4);
    // (c) S1 comes back, and wins term 4 (term 3 is taken).
    stage.boot(0);
    campaign(&mut stage, 0);
    assert!(!stage.node(0).is_leader());
    stage.fire(0, Timer::Election);
    stage.run(ms(2));
    assert_eq!((stage.node(0).is_leader(), stage.node(0).term()), (true, Term(4)));
    stage
}

#[test]
fn an_entry_of_an_earlier_term_is_not_committed_by_counting_replicas() {
    let mut stage = figure_8_c();
    run_losing(&mut stage, 250, |to, message| appends(message, 4) || to == 3 && appends(message, 2));
    assert_eq!([0, 1, 2].map(|node| terms(&stage, node)), [vec![1, 2, 4], vec![1, 2], vec![1, 2]]);
    assert_eq!(stage.node(0).commit(), 1, "the old entry is on a majority and not committed");
    stage.crash(0);
    // (d) S5 wins term 5 with S3 and S4, and overwrites it.
    stage.boot(4);
    while !stage.node(4).is_leader() {
        campaign(&mut stage, 4);
    }
    stage.run(ms(300));
    assert_eq!([1, 2, 3, 4].map(|node| terms(&stage, node)), [(); 4].map(|()| vec![1, 3, 5]));
    assert_eq!([1, 2, 3, 4].map(|node| stage.node(node).commit()), [3; 4]);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
}

#[test]
fn an_entry_of_the_leaders_term_commits_the_earlier_ones_with_it() {
    let mut stage = figure_8_c();
    // (e) S1 replicates an entry of its own term to a majority first.
    run_losing(&mut stage, 250, |to, message| to > 2 && matches!(message, Message::AppendEntries(_)));
    assert_eq!(stage.node(0).commit(), 3);
    stage.crash(0);
    stage.boot(4);
    for _ in 0..5 {
        campaign(&mut stage, 4);
        assert!(!stage.node(4).is_leader(), "S5 can never win");
    }
    assert!(stage.run_while(ms(60_000), |stage| leaders(stage, &[1, 2]).is_empty()));
    stage.run(ms(500));
    assert!([1, 2, 3, 4].iter().all(|node| terms(&stage, *node)[..3] == [1, 2, 4]));
}

#[test]
fn a_stale_leader_does_not_answer_reads() {
    let config = Config { read_interval: Some(ms(400)), check_quorum: false, ..Config::default() };
    let mut stage = led_by(0, 5, config);
    stage.run(ms(500));
    assert_eq!(noted(&stage, 0, note::READ), [2_000_000], "a leader's read takes one round trip");
    assert_eq!(noted(&stage, 3, note::READ), [4_000_000], "a follower's takes two");
    // The leader is alone with node 1; the others elect another and commit a write.
    stage.partition(&[0, 1], &[2, 3, 4]);
    assert!(stage.run_while(ms(10_000), |stage| leaders(stage, &[2, 3, 4]).is_empty()));
    let before = [0, 1].map(|node| noted(&stage, node, note::READ).len());
    let write = submit(&mut stage, 1, 0);
    stage.run(ms(2_000));
    assert!(all_final(&stage, &[2, 3, 4], &[write.id()]));
    assert!(stage.node(0).is_leader(), "it does not know better");
    assert!([0, 1].iter().zip(before).all(|(node, before)| noted(&stage, *node, note::READ).len() <= before + 1));
    let during = [0, 1].map(|node| noted(&stage, node, note::READ).len());
    stage.run(ms(5_000));
    assert_eq!([0, 1].map(|node| noted(&stage, node, note::READ).len()), during);
    // Healed, the read that waited is answered after the write.
    stage.heal();
    stage.run(ms(1_000));
    assert!([0, 1].iter().zip(during).all(|(node, during)| noted(&stage, *node, note::READ).len() > during));
    assert!(all_final(&stage, &[0, 1], &[write.id()]));
}

#[test]
fn an_answer_to_a_read_from_before_a_restart_answers_no_later_read() {
    let config = Config { read_interval: Some(ms(400)), ..Config::default() };
    let mut stage = led_by(0, 3, config);
    // Node 1 asks; the answer is slow.
    stage.fire(1, Timer::Read);
    stage.deliver(|flight| matches!(flight.message, Message::ReadIndex { .. }));
    stage.deliver(|flight| matches!(flight.message, Message::AppendEntries(_)));
    stage.deliver(|flight| matches!(flight.message, Message::AppendReply(_)));
    let is_answer = |message: &Message| matches!(message, Message::ReadReply { .. });
    let slow: Vec<Message> = stage.flights().map(|f| f.message.clone()).filter(|m| is_answer(m)).collect();
    assert_eq!(slow.len(), 1);
    stage.lose(|flight| is_answer(&flight.message));
    // It restarts, receives a heartbeat, is cut off, and the others commit a write.
    stage.crash(1);
    stage.boot(1);
    stage.run(ms(150));
    stage.partition(&[1], &[0, 2]);
    let write = submit(&mut stage, 1, 0);
    stage.run(ms(150));
    assert!(all_final(&stage, &[0, 2], &[write.id()]) && !all_final(&stage, &[1], &[write.id()]));
    let before = noted(&stage, 1, note::READ).len();
    stage.fire(1, Timer::Read);
    stage.heal();
    stage.inject(0, 1, slow[0].clone());
    stage.deliver(|flight| is_answer(&flight.message));
    assert_eq!(noted(&stage, 1, note::READ).len(), before, "what it would read misses the write");
    stage.run(ms(1_000));
    assert!(noted(&stage, 1, note::READ).len() > before && all_final(&stage, &[1], &[write.id()]));
}

#[test]
fn a_late_shorter_append_does_not_delete_what_follows() {
    let mut stage = led_by(0, 3, figure_2());
    submit(&mut stage, 1, 0);
    let held: Vec<Message> = stage
        .flights()
        .filter(|f| f.to == NodeId(1) && f.message.kind() == "AppendEntries")
        .map(|f| f.message.clone())
        .collect();
    assert_eq!(held.len(), 1);
    submit(&mut stage, 1, 1);
    submit(&mut stage, 1, 2);
    stage.run(ms(150));
    let before = terms(&stage, 1);
    assert_eq!(stage.node(1).commit(), 4);
    stage.inject(0, 1, held[0].clone());
    stage.run(ms(5));
    assert_eq!((terms(&stage, 1), stage.node(1).commit()), (before, 4));
}

#[test]
fn nor_does_it_delete_what_is_not_committed() {
    let mut stage = led_by(0, 3, figure_2());
    submit(&mut stage, 1, 0);
    let first = stage.flights().find(|f| f.to == NodeId(1)).unwrap().message.clone();
    submit(&mut stage, 1, 1);
    submit(&mut stage, 1, 2);
    stage.deliver(|f| f.to == NodeId(1));
    assert_eq!((stage.node(1).commit(), terms(&stage, 1).len()), (1, 4));
    stage.inject(0, 1, first);
    stage.deliver(|f| f.to == NodeId(1));
    assert_eq!(terms(&stage, 1).len(), 4);
    // What conflicts is deleted, with all that follows.
    let Message::AppendEntries(append) = stage.flights().find(|f| f.to == NodeId(2)).unwrap().message.clone() else {
        panic!("an append")
    };
    let mut entry = append.entries[0].clone();
    entry.term = Term(2);
    let other = AppendEntries { term: Term(2), prev_index: 2, entries: Arc::new([entry]), ..append };
    stage.inject(2, 1, Message::AppendEntries(other));
    stage.deliver(|f| f.from == NodeId(2) && f.to == NodeId(1));
    assert_eq!((terms(&stage, 1), noted(&stage, 1, notes::TRUNCATED)), (vec![1, 1, 2], vec![2]));
}

/// The scenario of July 2015 on nodes 0 to 4 (the message's servers 1 to 5).
fn two_changes_at_once(change_guard: bool, two_reaches_four: bool) -> Stage {
    let config = Config {
        learners: vec![4],
        membership: vec![
            Change { at: ms(1_000), add: vec![4], remove: vec![] },
            Change { at: ms(2_000), add: vec![], remove: vec![0] },
        ],
        method: Method::Single,
        change_guard,
        election_timeout_min: Duration::from_secs(100),
        election_timeout_max: Duration::from_secs(200),
        ..figure_2()
    };
    assert_eq!(config.planned_voters(5, ms(2_000)), (1..5).map(NodeId).collect());
    let mut stage = led_by(0, 5, config);
    // Leader 1 appends "add 5" on itself and on 5 only.
    stage.run_until(Time::ZERO + ms(999));
    stage.partition(&[0, 4], &[1, 2, 3]);
    stage.run_until(Time::ZERO + ms(1_500));
    assert_eq!([0, 1, 2, 3, 4].map(|node| terms(&stage, node).len()), [2, 1, 1, 1, 2]);
    // Server 2 wins term 2 with 3 and 4; from now on it may reach only 3.
    stage.fire(1, Timer::Election);
    stage.run(ms(2));
    assert!(stage.node(1).is_leader());
    if !two_reaches_four {
        stage.lose(|flight| flight.to == NodeId(3));
        stage.partition(&[1], &[3]);
    }
    // By plan it removes 1, which without the repair it may do before anything of its term is committed.
    stage.run_until(Time::ZERO + ms(2_500));
    // Server 1 campaigns until its term is high enough, reaching 4 and 5.
    stage.heal();
    stage.partition(&[0, 3, 4], &[1, 2]);
    for _ in 0..3 {
        campaign(&mut stage, 0);
    }
    stage.run(ms(500));
    stage
}

#[test]
fn two_single_server_changes_by_two_leaders_do_not_lose_entries_with_the_guard_of_2015() {
    let mut stage = two_changes_at_once(true, false);
    // Two of four is no majority, so leader 2 committed nothing, and nothing was lost.
    assert_eq!(stage.node(1).commit(), 1);
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
    stage.heal();
    stage.run(ms(500_000));
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
    assert!(stage.node(1).commit() > 3);
}

#[test]
fn with_the_guard_a_leader_that_may_change_membership_has_made_the_others_unelectable() {
    let stage = two_changes_at_once(true, true);
    // The no-op of term 2 and the removal are committed by 2, 3 and 4; so 4 refuses server 1.
    assert!(stage.node(1).commit() >= 3);
    assert!(!stage.node(0).is_leader());
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
}

#[test]
fn without_the_guard_of_2015_a_committed_entry_is_lost() {
    let stage = two_changes_at_once(false, false);
    let lost = stage.disagreement(&[0, 1, 2, 3, 4]);
    assert!(lost.is_some(), "two disjoint quorums {{2,3}} and {{1,4,5}} committed different entries");
}

/// Node 4 of five is removed at 1 s and never receives the entry; returns the stage at 1.5 s.
fn removed_server(config: Config) -> Stage {
    let membership = vec![Change { at: ms(1_000), add: vec![], remove: vec![4] }];
    let mut stage = led_by(0, 5, Config { membership, ..config });
    stage.run_until(Time::ZERO + ms(990));
    stage.cut(0, 4);
    stage.run_until(Time::ZERO + ms(1_500));
    assert!(!stage.node(0).membership().is_voter(NodeId(4)));
    assert!(stage.node(4).membership().is_voter(NodeId(4)), "it does not know");
    stage
}

#[test]
fn a_removed_server_does_not_disturb_a_leader_with_pre_vote_and_lease() {
    let mut stage = removed_server(Config::default());
    stage.run(ms(30_000));
    assert_eq!((leaders(&stage, &[0, 1, 2, 3]), stage.node(0).term()), (vec![0], Term(1)));
}

#[test]
fn a_removed_server_disturbs_without_them() {
    let mut stage = removed_server(figure_2());
    stage.run(ms(30_000));
    assert!(stage.node(0).term() > Term(5), "it campaigns every other second");
}

#[test]
fn the_lease_alone_keeps_a_removed_server_from_disturbing() {
    let mut stage = removed_server(Config { pre_vote: false, ..Config::default() });
    stage.run(ms(30_000));
    assert_eq!((leaders(&stage, &[0, 1, 2, 3]), stage.node(0).term()), (vec![0], Term(1)));
    assert!(stage.node(4).term() > Term(5));
}

#[test]
fn a_command_given_again_after_a_change_of_leader_is_executed_once() {
    let mut stage = led_by(0, 5, figure_2());
    // The leader logs the command on itself and node 1, and stops.
    let command = submit(&mut stage, 7, 0);
    run_losing(&mut stage, 2, |to, message| to > 1 && matches!(message, Message::AppendEntries(_)));
    stage.crash(0);
    campaign(&mut stage, 1);
    assert!(stage.node(1).is_leader());
    // The client submits it to all nodes again, while it is in the new leader's log and after it is executed.
    stage.submit_to_all(&command);
    stage.run(ms(200));
    stage.submit_to_all(&command);
    let next = submit(&mut stage, 7, 1);
    stage.run(ms(500));
    for node in 1..5 {
        assert_eq!(stage.final_transactions(node), [command.id(), next.id()]);
    }
}

#[test]
fn a_command_that_is_in_the_log_twice_is_executed_once_everywhere() {
    let mut stage = led_by(0, 3, figure_2());
    let command = submit(&mut stage, 7, 0);
    let append = stage.flights().map(|f| f.message.clone()).find(|message| appends(message, 1)).unwrap();
    stage.run(ms(150));
    // A leader of term 2 that did not filter: it logs the same command again.
    let Message::AppendEntries(append) = append else { panic!("an append") };
    let mut again = append.entries[0].clone();
    again.term = Term(2);
    let twice = AppendEntries {
        term: Term(2),
        prev_index: 2,
        prev_term: Term(1),
        commit: 3,
        entries: Arc::new([again]),
        context: None,
    };
    stage.inject(2, 0, Message::AppendEntries(twice.clone()));
    stage.inject(2, 1, Message::AppendEntries(twice));
    stage.run(ms(2));
    for node in 0..2 {
        assert_eq!(stage.final_transactions(node), [command.id()]);
        assert_eq!(stage.finalized(node).len(), 4);
        assert_eq!(noted(&stage, node, notes::DUPLICATE), [1]);
    }
    assert_eq!(stage.disagreement(&[0, 1]), None);
}

#[test]
fn a_command_of_an_ended_session_is_refused_and_reported() {
    let config = Config { session_timeout: ms(1_000), ..figure_2() };
    let mut stage = led_by(0, 3, config);
    submit(&mut stage, 7, 1);
    stage.run(ms(2_000));
    assert_eq!(stage.final_transactions(0).len(), 1);
    // Number 0 may have been executed, since the ended session does not exclude it; number 2 begins a new one.
    let late = submit(&mut stage, 7, 0);
    let judged = stage.node(0).sessions().judge(&late, stage.now(), ms(1_000));
    assert_eq!(judged, crate::consensus::raft::session::Verdict::Expired);
    stage.run(ms(500));
    assert_eq!(noted(&stage, 0, notes::EXPIRED), [1]);
    submit(&mut stage, 7, 2);
    stage.run(ms(500));
    assert_eq!(stage.final_transactions(1).len(), 2);
    assert_eq!(late.sender, AccountId(7));
}

#[test]
fn with_a_fifth_of_all_messages_lost_a_hundred_partitions_heal_and_all_logs_agree() {
    let config =
        Config { election_timeout_min: ms(150), election_timeout_max: ms(300), heartbeat: ms(30), ..Config::default() };
    let mut stage = TestCluster::new(5, config);
    stage.set_delay(ms(5));
    let mut random = Stream::new(1, "partitions", 0, 0);
    let (mut nonce, all) = (0, [0, 1, 2, 3, 4]);
    let mut lossy = |stage: &mut Stage, millis: u64, rate: f64| {
        for _ in 0..millis {
            stage.run(ms(1));
            let sent_now = stage.now() + ms(4);
            stage.lose(|flight| flight.at > sent_now && random.chance(rate));
        }
    };
    let mut choice = Stream::new(2, "partitions", 0, 0);
    for _ in 0..100 {
        let (one, other): (Vec<usize>, Vec<usize>) = all.iter().partition(|_| choice.chance(0.5));
        stage.partition(&one, &other);
        submit(&mut stage, 1, nonce);
        nonce += 1;
        lossy(&mut stage, 400, 0.2);
        stage.heal();
        // A leader that a quorum follows, within ten election timeouts after the heal.
        let before = all.map(|node| stage.node(node).commit());
        let mut waited = 0;
        while leaders(&stage, &all).is_empty() || all.iter().all(|node| stage.node(*node).commit() <= before[*node]) {
            lossy(&mut stage, 10, 0.2);
            waited += 10;
            submit(&mut stage, 2 + nonce as u32 % 8, nonce + waited);
            assert!(waited <= 10 * 300, "no leader in ten election timeouts");
        }
        assert_eq!(stage.disagreement(&all), None);
    }
    lossy(&mut stage, 2_000, 0.0);
    let commits = all.map(|node| stage.node(node).commit());
    assert_eq!(commits, [commits[0]; 5]);
    assert_eq!(all.map(|node| terms(&stage, node)), all.map(|_| terms(&stage, 0)));
    assert!(stage.final_transactions(0).len() > 100);
}

#[test]
fn one_node_that_votes_twice_breaks_safety() {
    let mut stage = TestCluster::empty(3, figure_2());
    stage.set_attack(1, "double_vote");
    (0..3).for_each(|node| stage.boot(node));
    stage.partition(&[0], &[2]);
    campaign(&mut stage, 0);
    campaign(&mut stage, 2);
    assert_eq!((leaders(&stage, &[0, 2]), stage.node(0).term(), stage.node(2).term()), (vec![0, 2], Term(1), Term(1)));
    // The Byzantine node acknowledges both leaders' entries of term 1, and they commit different blocks at one height.
    stage.run(ms(300));
    assert_eq!(stage.disagreement(&[0, 2]), Some((0, 2, crate::base::Height(1))));
}
