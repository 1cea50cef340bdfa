//! Raft: what the tests of etcd-io/raft (`raft_paper_test.go`, `raft_test.go`) know, as tables, in our own form. Each test
//! is named after the one it follows. Nodes are numbered from 0 here and from 1 there; configurations are figure 2 of the
//! paper alone, without pre-vote and check-quorum, unless a test is about these.

use ledgerlab::base::{Duration, NodeId, Time, Wire};
use ledgerlab::chain::Transaction;
use ledgerlab::consensus::raft::log::{Entry, Payload};
use ledgerlab::consensus::raft::message::{AppendEntries, AppendReply, Outcome, Record, RequestVote, Vote};
use ledgerlab::consensus::raft::position::Term;
use ledgerlab::consensus::raft::{Config, Message, Raft, Timer, Transfer};
use ledgerlab::protocol::note;
use ledgerlab::protocol::testing::TestCluster;
use std::sync::Arc;

type Stage = TestCluster<Raft>;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn figure_2() -> Config {
    Config { pre_vote: false, check_quorum: false, ..Config::default() }
}

fn entries(terms: &[u64]) -> Arc<[Entry]> {
    let entry = |term: &u64| Entry { term: Term(*term), leader: NodeId(0), time: Time::ZERO, payload: Payload::Noop };
    terms.iter().map(entry).collect()
}

/// An append of a leader of `term` after the entry `(index, term)`.
fn append(term: u64, (prev_index, prev_term): (u64, u64), terms: &[u64], commit: u64) -> Message {
    let (term, prev_term, entries) = (Term(term), Term(prev_term), entries(terms));
    Message::AppendEntries(AppendEntries { term, prev_index, prev_term, commit, entries, context: None })
}

fn request(term: u64, (last_index, last_term): (u64, u64)) -> Message {
    let (term, last_term) = (Term(term), Term(last_term));
    Message::RequestVote(RequestVote { term, last_index, last_term, pre: false, transfer: false })
}

/// What `node` answers when `message` comes from `from`, and nothing else is under way.
fn answers(stage: &mut Stage, from: usize, node: usize, message: Message) -> Vec<Message> {
    stage.lose(|_| true);
    stage.inject(from, node, message);
    stage.deliver(|_| true);
    let answers = stage.flights().filter(|flight| (flight.from.index(), flight.to.index()) == (node, from));
    let answers: Vec<Message> = answers.map(|flight| flight.message.clone()).collect();
    stage.lose(|_| true);
    answers
}

fn granted(stage: &mut Stage, from: usize, node: usize, message: Message) -> Option<bool> {
    match answers(stage, from, node, message)[..] {
        [Message::Vote(Vote { granted, .. })] => Some(granted),
        _ => None,
    }
}

/// `n` nodes, of which `node` got a log of these terms from a leader of `term`.
fn with_log(n: usize, node: usize, term: u64, terms: &[u64]) -> Stage {
    let mut stage = TestCluster::new(n, figure_2());
    give_log(&mut stage, node, term, terms);
    stage
}

fn give_log(stage: &mut Stage, node: usize, term: u64, terms: &[u64]) {
    let from = (node + 1) % stage.committee().n();
    answers(stage, from, node, append(term, (0, 0), terms, 0));
    assert_eq!(self::terms(stage, node), terms);
}

fn terms(stage: &Stage, node: usize) -> Vec<u64> {
    let log = stage.node(node).log();
    (log.base() + 1..=log.last_index()).map(|index| log.term_at(index).unwrap_or_default().0).collect()
}

/// Makes `node` campaign, and lets everything happen that is due within 10 ms.
fn campaign(stage: &mut Stage, node: usize) {
    stage.fire(node, Timer::Election);
    stage.run(ms(10));
}

fn led_by_0(n: usize, config: Config) -> Stage {
    let mut stage = TestCluster::new(n, config);
    campaign(&mut stage, 0);
    assert!(stage.node(0).is_leader());
    stage.run(ms(150));
    stage
}

fn submit(stage: &mut Stage, nonce: u64) -> Arc<Transaction> {
    let transaction = stage.transaction(1, nonce);
    stage.submit_to_all(&transaction);
    transaction
}

fn commits(stage: &Stage) -> Vec<u64> {
    (0..stage.committee().n()).map(|node| stage.node(node).commit()).collect()
}

/// Follower, candidate and leader, each in term 1.
fn in_each_role() -> [Stage; 3] {
    let mut follower = TestCluster::new(3, figure_2());
    answers(&mut follower, 2, 0, append(1, (0, 0), &[], 0));
    let mut candidate: Stage = TestCluster::new(3, figure_2());
    candidate.fire(0, Timer::Election);
    candidate.lose(|_| true);
    let leader = led_by_0(3, figure_2());
    [follower, candidate, leader]
}

#[test]
fn test_update_term_from_message() {
    for mut stage in in_each_role() {
        assert_eq!(stage.node(0).term(), Term(1));
        let prev = stage.node(0).log().last_index();
        answers(&mut stage, 1, 0, append(2, (prev, prev.min(1)), &[], 0));
        let raft = stage.node(0);
        assert_eq!((raft.term(), raft.is_leader(), raft.leader()), (Term(2), false, Some(NodeId(1))));
    }
}

#[test]
fn test_reject_stale_term_message() {
    let mut stage = with_log(3, 0, 2, &[]);
    let answer = answers(&mut stage, 1, 0, append(1, (0, 0), &[1], 1));
    assert_eq!((terms(&stage, 0), stage.node(0).commit()), (vec![], 0));
    // etcd is silent where the paper answers with the newer term.
    assert!(matches!(
        answer[..],
        [Message::AppendReply(AppendReply { term: Term(2), outcome: Outcome::Conflict { .. }, .. })]
    ));
}

#[test]
fn test_start_as_follower() {
    let stage: Stage = TestCluster::new(3, figure_2());
    assert!((0..3).all(|node| !stage.node(node).is_leader() && stage.node(node).leader().is_none()));
    assert_eq!(stage.flights().count(), 0);
}

#[test]
fn test_leader_bcast_beat() {
    let mut stage = led_by_0(3, figure_2());
    stage.lose(|_| true);
    stage.fire(0, Timer::Heartbeat);
    let beats: Vec<_> = stage.flights().map(|flight| (flight.to.0, flight.message.kind())).collect();
    assert_eq!(beats, [(1, "Heartbeat"), (2, "Heartbeat")]);
}

#[test]
fn test_nonleader_start_election() {
    let [follower, candidate, _] = in_each_role();
    for mut stage in [follower, candidate] {
        stage.fire(0, Timer::Election);
        assert_eq!((stage.node(0).term(), stage.node(0).is_leader()), (Term(2), false));
        let last = stage.log(0).last().cloned();
        assert_eq!(last, Some(Record::Vote { term: Term(2), vote: Some(NodeId(0)) }), "it votes for itself");
        let asked: Vec<_> = stage.flights().map(|flight| (flight.to.0, flight.message.clone())).collect();
        assert_eq!(asked, [(1, request(2, (0, 0))), (2, request(2, (0, 0)))]);
    }
}

/// etcd goes back to follower on refusals by a majority; the paper lets the candidate time out. Neither leads.
#[test]
fn test_leader_election_in_one_round_rpc() {
    let table: [(usize, &[(usize, bool)], bool); 13] = [
        (1, &[], true),
        (3, &[(1, true), (2, true)], true),
        (3, &[(1, true)], true),
        (5, &[(1, true), (2, true), (3, true), (4, true)], true),
        (5, &[(1, true), (2, true), (3, true)], true),
        (5, &[(1, true), (2, true)], true),
        (3, &[(1, false), (2, false)], false),
        (5, &[(1, false), (2, false), (3, false), (4, false)], false),
        (5, &[(1, true), (2, false), (3, false), (4, false)], false),
        (3, &[], false),
        (5, &[(1, true)], false),
        (5, &[(1, false), (2, false)], false),
        (5, &[], false),
    ];
    for (size, votes, leads) in table {
        let mut stage: Stage = TestCluster::new(size, figure_2());
        stage.fire(0, Timer::Election);
        stage.lose(|_| true);
        for (from, granted) in votes {
            stage.inject(*from, 0, Message::Vote(Vote { term: Term(1), granted: *granted, pre: false }));
        }
        stage.deliver(|flight| flight.to == NodeId(0));
        assert_eq!((stage.node(0).is_leader(), stage.node(0).term()), (leads, Term(1)), "{size}: {votes:?}");
    }
}

#[test]
fn test_follower_vote() {
    for (vote, asks, gets) in [
        (None, 1, true),
        (None, 2, true),
        (Some(1), 1, true),
        (Some(2), 2, true),
        (Some(1), 2, false),
        (Some(2), 1, false),
    ] {
        let mut stage = TestCluster::new(3, figure_2());
        if let Some(other) = vote {
            assert_eq!(granted(&mut stage, other, 0, request(1, (0, 0))), Some(true));
        }
        assert_eq!(granted(&mut stage, asks, 0, request(1, (0, 0))), Some(gets), "{vote:?}, then {asks}");
    }
}

#[test]
fn test_candidate_fallback() {
    for term in [1, 2] {
        let [_, mut stage, _] = in_each_role();
        answers(&mut stage, 2, 0, append(term, (0, 0), &[], 0));
        let raft = stage.node(0);
        assert_eq!((raft.is_leader(), raft.term(), raft.leader()), (false, Term(term), Some(NodeId(2))));
    }
}

#[test]
fn test_leader_acknowledge_commit() {
    let table: [(usize, &[usize], bool); 9] = [
        (1, &[], true),
        (3, &[], false),
        (3, &[1], true),
        (3, &[1, 2], true),
        (5, &[], false),
        (5, &[1], false),
        (5, &[1, 2], true),
        (5, &[1, 2, 3], true),
        (5, &[1, 2, 3, 4], true),
    ];
    for (size, acceptors, is_committed) in table {
        let mut stage = led_by_0(size, figure_2());
        assert_eq!(stage.node(0).commit(), 1);
        submit(&mut stage, 0);
        stage.lose(|flight| !acceptors.contains(&flight.to.index()));
        stage.run(ms(5));
        assert_eq!(stage.node(0).commit() > 1, is_committed, "{size}: {acceptors:?}");
    }
}

#[test]
fn test_leader_commit_preceding_entries() {
    for log in [&[][..], &[2], &[1, 2], &[1]] {
        let mut stage = with_log(3, 0, 2, log);
        campaign(&mut stage, 0);
        let transaction = submit(&mut stage, 0);
        stage.run(ms(150));
        assert_eq!(terms(&stage, 0), [log, &[3, 3]].concat());
        assert_eq!(stage.node(0).commit(), log.len() as u64 + 2);
        assert_eq!(stage.final_transactions(0), [transaction.id()]);
    }
}

#[test]
fn test_follower_commit_entry() {
    for (log, commit) in [(&[1][..], 1), (&[1, 1], 2), (&[1, 1], 1)] {
        let mut stage: Stage = TestCluster::new(3, figure_2());
        answers(&mut stage, 1, 0, append(1, (0, 0), log, commit));
        assert_eq!((stage.node(0).commit(), stage.finalized(0).len() as u64), (commit, commit + 1));
    }
}

#[test]
fn test_follower_check_msg_app() {
    // The entry before, and up to where the logs match; none if it is refused.
    for (prev, matched) in [((0, 0), Some(0)), ((1, 1), Some(1)), ((2, 2), Some(2)), ((2, 1), None), ((3, 3), None)] {
        let mut stage = with_log(3, 0, 2, &[1, 2]);
        answers(&mut stage, 1, 0, append(2, (1, 1), &[], 1));
        let answer = answers(&mut stage, 1, 0, append(3, prev, &[], 0));
        let [Message::AppendReply(AppendReply { outcome, .. })] = answer[..] else { panic!("{answer:?}") };
        match (matched, outcome) {
            (Some(index), found) => assert_eq!(found, Outcome::Match(index)),
            (None, Outcome::Conflict { prev: index, first, .. }) => assert!(index == prev.0 && first <= index),
            (None, found) => panic!("{prev:?}: {found:?}"),
        }
    }
}

#[test]
fn test_follower_append_entries() {
    let table: [((u64, u64), &[u64], &[u64]); 4] =
        [((2, 2), &[3], &[1, 2, 3]), ((1, 1), &[3, 4], &[1, 3, 4]), ((0, 0), &[1], &[1, 2]), ((0, 0), &[3], &[3])];
    for (prev, new, expected) in table {
        let mut stage = with_log(3, 0, 2, &[1, 2]);
        let written = stage.log(0).len();
        answers(&mut stage, 1, 0, append(4, prev, new, 0));
        assert_eq!(terms(&stage, 0), expected);
        let appended = stage.log(0)[written..].iter().any(|record| matches!(record, Record::Append { .. }));
        assert_eq!(appended, expected != [1, 2], "what is new goes to the disk, and nothing else");
    }
}

/// Figure 7.
#[test]
fn test_leader_sync_follower_log() {
    let log = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    for follower in [
        &[1, 1, 1, 4, 4, 5, 5, 6, 6][..],
        &[1, 1, 1, 4],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        &[1, 1, 1, 4, 4, 4, 4],
        &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ] {
        let mut stage = with_log(3, 0, 8, &log);
        give_log(&mut stage, 1, 7, follower);
        campaign(&mut stage, 0);
        submit(&mut stage, 0);
        stage.run(ms(300));
        assert_eq!(terms(&stage, 0), [&log[..], &[9, 9]].concat());
        assert_eq!(terms(&stage, 1), terms(&stage, 0), "{follower:?}");
    }
}

#[test]
fn test_vote_request() {
    for (log, term) in [(&[1][..], 2), (&[1, 2], 3)] {
        let mut stage = with_log(3, 0, term - 1, log);
        stage.fire(0, Timer::Election);
        let asked: Vec<_> = stage.flights().map(|flight| (flight.to.0, flight.message.clone())).collect();
        let expected = request(term, (log.len() as u64, log[log.len() - 1]));
        assert_eq!(asked, [(1, expected.clone()), (2, expected)]);
    }
}

#[test]
fn test_voter() {
    let table: [(&[u64], (u64, u64), bool); 10] = [
        (&[1], (1, 1), true),
        (&[1], (2, 1), true),
        (&[1, 1], (1, 1), false),
        (&[1], (1, 2), true),
        (&[1], (2, 2), true),
        (&[1, 1], (1, 2), true),
        (&[2], (1, 1), false),
        (&[2], (2, 1), false),
        (&[2, 2], (1, 1), false),
        (&[1, 1], (1, 1), false),
    ];
    for (log, last, gets) in table {
        let mut stage = with_log(3, 0, 2, log);
        assert_eq!(granted(&mut stage, 2, 0, request(3, last)), Some(gets), "{log:?}, candidate {last:?}");
    }
}

#[test]
fn test_recv_msg_vote() {
    // Index and term of the candidate's last entry, the node that the voter, with a log of terms 2 and 2, voted for.
    let table: [((u64, u64), Option<usize>, bool); 17] = [
        ((0, 0), None, false),
        ((0, 1), None, false),
        ((0, 2), None, false),
        ((0, 3), None, true),
        ((1, 0), None, false),
        ((1, 1), None, false),
        ((1, 2), None, false),
        ((1, 3), None, true),
        ((2, 0), None, false),
        ((2, 1), None, false),
        ((2, 2), None, true),
        ((2, 3), None, true),
        ((3, 0), None, false),
        ((3, 2), None, true),
        ((3, 3), None, true),
        ((3, 2), Some(1), true),
        ((3, 2), Some(2), false),
    ];
    for (last, vote, gets) in table {
        let mut stage = with_log(3, 0, 2, &[2, 2]);
        if let Some(other) = vote {
            assert_eq!(granted(&mut stage, other, 0, request(3, (9, 2))), Some(true));
        }
        assert_eq!(granted(&mut stage, 1, 0, request(3, last)), Some(gets), "{last:?}, voted for {vote:?}");
    }
}

#[test]
fn test_leader_only_commits_log_from_current_term() {
    for (index, commit) in [(1, 0), (2, 0), (3, 3)] {
        let mut stage = with_log(3, 0, 2, &[1, 2]);
        stage.fire(0, Timer::Election);
        stage.lose(|_| true);
        stage.inject(2, 0, Message::Vote(Vote { term: Term(3), granted: true, pre: false }));
        stage.deliver(|_| true);
        stage.run(Duration::ZERO);
        stage.lose(|_| true);
        assert_eq!((stage.node(0).is_leader(), terms(&stage, 0)), (true, vec![1, 2, 3]));
        let reply = AppendReply { term: Term(3), outcome: Outcome::Match(index), context: None };
        answers(&mut stage, 1, 0, Message::AppendReply(reply));
        assert_eq!(stage.node(0).commit(), commit, "matched up to {index}");
    }
}

#[test]
fn test_handle_msg_app() {
    // The entry before, the leader's commit index, the new entries; then the last index, the commit index, refused.
    let table: [((u64, u64), u64, &[u64], u64, u64, bool); 11] = [
        ((2, 3), 3, &[], 2, 0, true),
        ((3, 3), 3, &[], 2, 0, true),
        ((1, 1), 1, &[], 2, 1, false),
        ((0, 0), 1, &[2], 1, 1, false),
        ((2, 2), 3, &[2, 2], 4, 3, false),
        ((2, 2), 4, &[2], 3, 3, false),
        ((1, 1), 4, &[2], 2, 2, false),
        ((1, 1), 3, &[], 2, 1, false),
        ((1, 1), 3, &[2], 2, 2, false),
        ((2, 2), 3, &[], 2, 2, false),
        ((2, 2), 4, &[], 2, 2, false),
    ];
    for (prev, leader_commit, new, last, commit, is_refused) in table {
        let mut stage = with_log(3, 0, 2, &[1, 2]);
        let answer = answers(&mut stage, 1, 0, append(3, prev, new, leader_commit));
        let raft = stage.node(0);
        let found = matches!(answer[..], [Message::AppendReply(AppendReply { outcome: Outcome::Conflict { .. }, .. })]);
        assert_eq!((raft.log().last_index(), raft.commit(), found), (last, commit, is_refused), "{prev:?} {new:?}");
    }
}

#[test]
fn test_log_replication() {
    let mut stage = led_by_0(3, figure_2());
    submit(&mut stage, 0);
    stage.run(ms(150));
    assert_eq!(commits(&stage), [2; 3]);
    campaign(&mut stage, 1);
    submit(&mut stage, 1);
    stage.run(ms(150));
    assert_eq!(commits(&stage), [4; 3]);
}

#[test]
fn test_single_node_commit() {
    let mut stage = led_by_0(1, figure_2());
    submit(&mut stage, 0);
    submit(&mut stage, 1);
    stage.run(ms(1));
    assert_eq!(stage.node(0).commit(), 3);
}

/// Two entries reach one follower of four. The next leader, which has them, commits them with an entry of its own term.
#[test]
fn test_cannot_commit_without_new_term_entry() {
    let mut stage = led_by_0(5, figure_2());
    stage.partition(&[0], &[2, 3, 4]);
    submit(&mut stage, 0);
    submit(&mut stage, 1);
    stage.run(ms(20));
    assert_eq!((stage.node(0).commit(), terms(&stage, 1)), (1, vec![1, 1, 1]));
    stage.heal();
    stage.lose(|_| true);
    stage.fire(1, Timer::Election);
    for _ in 0..4 {
        stage.lose(|flight| matches!(flight.message, Message::AppendEntries(_)));
        stage.deliver(|_| true);
    }
    assert_eq!((stage.node(1).is_leader(), stage.node(1).commit()), (true, 1), "nothing of the old term by counting");
}

#[test]
fn test_commit_without_new_term_entry() {
    let mut stage = led_by_0(5, figure_2());
    stage.partition(&[0], &[2, 3, 4]);
    submit(&mut stage, 0);
    submit(&mut stage, 1);
    stage.run(ms(20));
    stage.heal();
    campaign(&mut stage, 1);
    assert_eq!(stage.node(1).commit(), 4, "its no-op commits what is before");
}

#[test]
fn test_dueling_candidates() {
    let mut stage: Stage = TestCluster::new(3, figure_2());
    stage.partition(&[0], &[2]);
    campaign(&mut stage, 0);
    campaign(&mut stage, 2);
    assert_eq!((stage.node(0).is_leader(), stage.node(2).is_leader()), (true, false));
    stage.heal();
    stage.lose(|_| true);
    campaign(&mut stage, 2);
    let found: Vec<_> = (0..3).map(|node| (stage.node(node).is_leader(), stage.node(node).term().0)).collect();
    assert_eq!(found, [(false, 2); 3], "it disrupts the leader, and its log is too short to win");
    assert_eq!((0..3).map(|node| stage.node(node).log().last_index()).collect::<Vec<_>>(), [1, 1, 0]);
}

#[test]
fn test_dueling_pre_candidates() {
    let mut stage: Stage = TestCluster::new(3, Config { pre_vote: true, ..figure_2() });
    stage.partition(&[0], &[2]);
    campaign(&mut stage, 0);
    campaign(&mut stage, 2);
    assert_eq!((stage.node(0).is_leader(), stage.node(2).is_leader()), (true, false));
    stage.heal();
    stage.lose(|_| true);
    campaign(&mut stage, 2);
    let found: Vec<_> = (0..3).map(|node| (stage.node(node).is_leader(), stage.node(node).term().0)).collect();
    assert_eq!(found, [(true, 1), (false, 1), (false, 1)], "it does not disrupt the leader");
}

#[test]
fn test_leader_superseding_with_check_quorum() {
    let mut stage = led_by_0(3, Config { pre_vote: false, ..Config::default() });
    stage.cut(0, 2);
    campaign(&mut stage, 2);
    assert!(!stage.node(2).is_leader(), "the other follower receives from its leader");
    stage.cut(0, 1);
    stage.run(ms(990));
    stage.lose(|_| true);
    campaign(&mut stage, 2);
    assert!(stage.node(2).is_leader(), "an election timeout later it does not");
}

/// A candidate that is stuck in a higher term is answered although the leader holds its lease.
#[test]
fn test_free_stuck_candidate_with_check_quorum() {
    let mut stage = led_by_0(3, Config { pre_vote: false, ..Config::default() });
    stage.partition(&[2], &[0, 1]);
    for _ in 0..2 {
        campaign(&mut stage, 2);
    }
    assert_eq!((stage.node(2).term(), stage.node(0).term()), (Term(3), Term(1)));
    stage.heal();
    stage.fire(0, Timer::Heartbeat);
    stage.run(ms(5));
    assert_eq!((stage.node(0).is_leader(), stage.node(0).term()), (false, Term(3)));
}

#[test]
fn test_leader_stepdown_when_quorum_active_and_lost() {
    for (is_cut, leads) in [(false, true), (true, false)] {
        let mut stage = led_by_0(3, Config { pre_vote: false, ..Config::default() });
        if is_cut {
            stage.partition(&[0], &[1, 2]);
        }
        stage.run(ms(2_100));
        assert_eq!(stage.node(0).is_leader(), leads);
    }
}

/// A leader that has committed nothing in its term does not know what is committed: reads wait.
#[test]
fn test_read_only_for_new_leader() {
    let config = Config { read_interval: Some(ms(10_000)), ..figure_2() };
    let mut stage = led_by_0(3, config);
    submit(&mut stage, 0);
    stage.run(ms(150));
    let reads = |stage: &Stage| stage.notes(1).iter().filter(|(label, _)| *label == note::READ).count();
    stage.fire(1, Timer::Election);
    let is_append = |message: &Message| matches!(message, Message::AppendEntries(append) if !append.entries.is_empty());
    for _ in 0..4 {
        stage.lose(|flight| is_append(&flight.message));
        stage.deliver(|_| true);
    }
    assert!(stage.node(1).is_leader());
    stage.fire(1, Timer::Read);
    for _ in 0..4 {
        stage.lose(|flight| is_append(&flight.message));
        stage.deliver(|_| true);
    }
    assert_eq!(reads(&stage), 0);
    stage.run(ms(3_000));
    assert_eq!(reads(&stage), 1, "once its no-op is committed");
}

/// When and to which node leadership is transferred, whether node 2 is cut off, and who leads by the given times.
#[test]
fn test_leader_transfer() {
    let table: [(&str, &[(u64, u32)], bool, &[(u64, usize)]); 6] = [
        ("ToUpToDateNode", &[(500, 2)], false, &[(520, 2)]),
        ("ToSelf", &[(500, 0)], false, &[(1_000, 0)]),
        ("Timeout", &[(500, 2)], true, &[(1_600, 0)]),
        ("SecondTransferToAnotherNode", &[(500, 2), (900, 1)], true, &[(950, 1)]),
        ("SecondTransferToSameNode", &[(500, 2), (900, 2)], true, &[(1_600, 0)]),
        ("Back", &[(500, 2), (900, 0)], true, &[(1_000, 0)]),
    ];
    for (name, plan, is_cut, leads) in table {
        let transfers = plan.iter().map(|(at, to)| Transfer { at: ms(*at), to: *to }).collect();
        let mut stage = led_by_0(3, Config { transfers, ..Config::default() });
        if is_cut {
            stage.partition(&[2], &[0, 1]);
        }
        for (at, leader) in leads {
            stage.run_until(Time::ZERO + ms(*at));
            let transaction = submit(&mut stage, *at);
            stage.run(ms(10));
            let found = (0..2 + usize::from(!is_cut)).filter(|node| stage.node(*node).is_leader()).collect::<Vec<_>>();
            assert_eq!(found, [*leader], "{name}");
            assert!(stage.final_transactions(*leader).contains(&transaction.id()), "{name}: it takes proposals");
        }
    }
}

/// Proposals stop while a transfer is pending.
#[test]
fn test_leader_transfer_ignore_proposal() {
    let mut stage = led_by_0(3, Config { transfers: vec![Transfer { at: ms(500), to: 2 }], ..Config::default() });
    stage.partition(&[2], &[0, 1]);
    stage.run_until(Time::ZERO + ms(600));
    let before = stage.node(0).log().last_index();
    submit(&mut stage, 0);
    stage.run(ms(100));
    assert_eq!(stage.node(0).log().last_index(), before);
}

#[test]
fn test_progress_flow_control() {
    let window = 3;
    let mut stage = led_by_0(2, Config { window, batch_transactions: 1, ..figure_2() });
    stage.cut(0, 1);
    for nonce in 0..10 {
        submit(&mut stage, nonce);
    }
    stage.heal();
    stage.lose(|_| true);
    let last = stage.node(1).log().last_index();
    stage.run(ms(400));
    assert!(stage.node(1).log().last_index() > last, "what was lost is sent again");
    stage.run(ms(2_000));
    assert_eq!(stage.node(1).log().last_index(), stage.node(0).log().last_index());
}
