//! Replication: what it costs, how fast it is, and how it recovers.

use super::*;
use crate::base::{ByteSize, NodeId, Wire};
use crate::chain::Batch;
use crate::consensus::raft::log::{Entry, Payload};
use crate::consensus::raft::membership::Membership;
use crate::consensus::raft::message::{AppendEntries, AppendReply, Image, InstallSnapshot, Outcome, RequestVote, Vote};
use crate::consensus::raft::position::Index;
use crate::protocol::{InvalidSetting, Protocol, Snapshot};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[test]
fn an_entry_costs_two_messages_per_follower_and_one_round_trip() {
    let mut stage = led_by(0, 5, Config::default());
    stage.set_delay(ms(7));
    // Right after a heartbeat, so that none comes in between.
    let beats = |stage: &Stage| stage.delivered()["Heartbeat"];
    let before = beats(&stage);
    assert!(stage.run_while(ms(1_000), |stage| beats(stage) == before));
    stage.run(ms(20));
    let counts = |stage: &Stage| {
        let count = |kind: &str| stage.delivered().get(kind).copied().unwrap_or(0);
        (count("AppendEntries"), count("AppendResp"), count("Heartbeat"))
    };
    let (before, start) = (counts(&stage), stage.now());
    let transaction = submit(&mut stage, 1, 0);
    let is_open = |stage: &Stage| !all_final(stage, &[0], &[transaction.id()]);
    assert!(stage.run_while(ms(1_000), is_open));
    assert_eq!(stage.now().since(start), ms(14));
    stage.run(ms(1));
    let after = counts(&stage);
    assert_eq!((after.0 - before.0, after.1 - before.1, after.2 - before.2), (4, 4, 0));
    assert!(!all_final(&stage, &[1], &[transaction.id()]), "followers learn it with the next heartbeat");
    stage.run(ms(110));
    assert!(all_final(&stage, &[0, 1, 2, 3, 4], &[transaction.id()]));
}

#[test]
fn an_eager_leader_sends_the_commit_index_at_once() {
    let mut stage = led_by(0, 5, Config { eager_commit: true, ..Config::default() });
    let transaction = submit(&mut stage, 1, 0);
    stage.run(ms(3));
    assert!(all_final(&stage, &[0, 1, 2, 3, 4], &[transaction.id()]), "after one and a half round trips");
}

#[test]
fn messages_have_the_sizes_of_figure_2() {
    let mut stage = led_by(0, 3, Config::default());
    let transaction = submit(&mut stage, 1, 0);
    let append = stage.flights().next().unwrap().message.clone();
    assert_eq!(append.bytes(), 40 + 17 + 12 + transaction.bytes());
    stage.deliver(|_| true);
    assert_eq!(stage.flights().next().unwrap().message.bytes(), 17);
    let heartbeat = AppendEntries {
        term: Term(1),
        prev_index: 0,
        prev_term: Term(0),
        commit: 0,
        entries: Arc::new([]),
        context: None,
    };
    assert_eq!(Message::AppendEntries(heartbeat.clone()).bytes(), 40);
    assert_eq!(Message::AppendEntries(AppendEntries { context: Some(1), ..heartbeat }).bytes(), 56);
    let conflict = Outcome::Conflict { prev: 1, term: Term(1), first: 1 };
    assert_eq!(Message::AppendReply(AppendReply { term: Term(1), outcome: conflict, context: None }).bytes(), 33);
    assert_eq!(Message::Vote(Vote { term: Term(1), granted: true, pre: false }).bytes(), 9);
    assert_eq!(
        (Message::ReadIndex { context: 1 }.bytes(), Message::ReadReply { context: 1, index: 1 }.bytes()),
        (16, 24)
    );
}

#[test]
fn appends_follow_each_other_up_to_the_window_and_batches_fill_meanwhile() {
    let config = Config { in_flight: 3, window: 2, ..Config::default() };
    let mut stage = led_by(0, 3, config);
    for nonce in 0..10 {
        submit(&mut stage, 1, nonce);
    }
    let to_1 = stage.flights().filter(|f| f.to == NodeId(1) && f.message.kind() == "AppendEntries").count();
    assert_eq!((to_1, terms(&stage, 0).len()), (2, 4));
    stage.run(ms(200));
    assert_eq!(stage.final_transactions(1).len(), 10);
    let sizes: Vec<usize> = stage.finalized(1).iter().map(|block| block.transactions().len()).collect();
    assert_eq!(sizes, [0, 0, 1, 1, 1, 7]);
}

#[test]
fn a_batch_delay_collects_what_comes_in_the_meantime() {
    let config = Config { batch_delay: ms(30), batch_transactions: 5, ..Config::default() };
    let mut stage = led_by(0, 3, config);
    for nonce in 0..3 {
        submit(&mut stage, 1, nonce);
        stage.run(ms(5));
    }
    assert_eq!(terms(&stage, 0).len(), 1);
    stage.run(ms(30));
    assert_eq!(stage.final_transactions(0).len(), 3);
    assert_eq!(terms(&stage, 0).len(), 2, "one batch");
    for nonce in 3..8 {
        submit(&mut stage, 1, nonce);
    }
    stage.run(ms(5));
    assert_eq!(stage.final_transactions(0).len(), 8, "a full batch does not wait");
}

#[test]
fn logs_that_differ_by_many_terms_are_repaired_term_by_term() {
    // Figure 7 (f): a follower with entries of terms that no other node has. Hints skip a term per round trip.
    let mut stage = led_by(0, 3, Config { append_bytes: ByteSize(1), ..figure_2() });
    stage.partition(&[2], &[0, 1]);
    let noop = |term| Entry { term: Term(term), leader: NodeId(2), time: Time::ZERO, payload: Payload::Noop };
    let entries: Arc<[Entry]> = [2, 2, 2, 2, 3, 3, 3, 3].map(noop).into();
    let append = AppendEntries { term: Term(3), prev_index: 1, prev_term: Term(1), commit: 1, entries, context: None };
    stage.heal();
    stage.inject(1, 2, Message::AppendEntries(append));
    stage.deliver(|f| f.from == NodeId(1) && f.to == NodeId(2));
    stage.lose(|_| true);
    assert_eq!(terms(&stage, 2), [1, 2, 2, 2, 2, 3, 3, 3, 3]);
    for nonce in 0..6 {
        submit(&mut stage, 1, nonce);
        stage.lose(|f| f.to == NodeId(2));
        stage.deliver(|f| f.to == NodeId(1));
        stage.deliver(|f| f.to == NodeId(0));
    }
    // Only node 1 votes for node 0: node 2 has later terms.
    while !(stage.node(0).is_leader() && stage.node(0).term() > Term(3)) {
        stage.run(ms(110));
        campaign(&mut stage, 0);
    }
    stage.run(ms(200));
    assert_eq!(terms(&stage, 2), terms(&stage, 0));
    assert_eq!(terms(&stage, 0)[..7], [1; 7]);
}

#[test]
fn a_follower_takes_what_its_leader_logged_whatever_its_own_limit_is() {
    let mut stage = led_by(0, 3, Config { batch_transactions: 1, ..figure_2() });
    let payload = Payload::Batch(Batch::new((0..3).map(|nonce| stage.transaction(1, nonce)).collect()));
    let entries: Arc<[Entry]> = [Entry { term: Term(1), leader: NodeId(0), time: Time::ZERO, payload }].into();
    let append = AppendEntries { term: Term(1), prev_index: 1, prev_term: Term(1), commit: 2, entries, context: None };
    stage.inject(0, 2, Message::AppendEntries(append));
    stage.deliver(|flight| flight.to == NodeId(2));
    assert_eq!((stage.node(2).commit(), stage.final_transactions(2).len()), (2, 3));
    // A leader keeps to it.
    (0..3).for_each(|nonce| drop(submit(&mut stage, 1, nonce)));
    stage.run(ms(10));
    let log = stage.node(0).log();
    let most = (1..=log.last_index()).filter_map(|index| log.get(index)).map(|entry| match &entry.payload {
        Payload::Batch(batch) => batch.len(),
        _ => 0,
    });
    assert_eq!(most.max(), Some(1));
}

#[test]
fn what_was_lost_on_the_way_is_found_by_the_next_heartbeat() {
    let mut stage = led_by(0, 3, Config::default());
    for nonce in 0..5 {
        submit(&mut stage, 1, nonce);
        stage.lose(|f| f.to == NodeId(2) && nonce != 2);
    }
    stage.run(ms(10));
    assert_eq!([1, 2].map(|node| terms(&stage, node).len()), [6, 1]);
    stage.run(ms(220));
    assert_eq!([1, 2].map(|node| stage.node(node).commit()), [6, 6]);
}

/// A heartbeat is small and overtakes what waits in the leader's uplink.
#[test]
fn an_append_that_a_heartbeat_overtakes_is_not_sent_again_until_it_must_be_lost() {
    let mut stage = led_by(0, 3, Config::default());
    submit(&mut stage, 1, 0);
    stage.run(ms(50));
    let is_append = |message: &Message| matches!(message, Message::AppendEntries(append) if !append.entries.is_empty());
    let appends = |stage: &Stage| stage.flights().filter(|flight| is_append(&flight.message)).count();
    submit(&mut stage, 1, 1);
    for _ in 0..5 {
        stage.fire(0, Timer::Heartbeat);
        stage.deliver(|flight| !is_append(&flight.message));
        stage.deliver(|flight| !is_append(&flight.message));
        assert_eq!(appends(&stage), 2, "the first copies are under way");
    }
    stage.lose(|flight| is_append(&flight.message));
    stage.run(ms(110));
    assert_eq!(stage.node(2).log().last_index(), 3, "then it is");
}

#[test]
fn a_probe_that_a_heartbeat_overtakes_is_not_sent_again_either() {
    let mut stage = led_by(0, 3, Config::default());
    stage.partition(&[2], &[0, 1]);
    for nonce in 0..3 {
        submit(&mut stage, 1, nonce);
        stage.run(ms(150));
    }
    stage.heal();
    let is_append = |message: &Message| matches!(message, Message::AppendEntries(append) if !append.entries.is_empty());
    let to_2 = |stage: &Stage| stage.flights().filter(|f| f.to == NodeId(2) && is_append(&f.message)).count();
    let mut most = 0;
    for _ in 0..5 {
        stage.fire(0, Timer::Heartbeat);
        for _ in 0..2 {
            stage.deliver(|flight| !is_append(&flight.message));
        }
        most = most.max(to_2(&stage));
    }
    assert_eq!(most, 1);
    stage.run(ms(200));
    assert_eq!(stage.node(2).log().last_index(), 4);
}

#[test]
fn bytes_on_their_way_to_one_follower_are_bounded() {
    let mut stage = led_by(0, 2, Config { batch_transactions: 1, window_bytes: ByteSize(1_000), ..Config::default() });
    for nonce in 0..20 {
        submit(&mut stage, 1, nonce);
    }
    assert_eq!(stage.flights().count(), 4, "four of 281 B");
    stage.run(ms(300));
    assert_eq!(stage.node(1).log().last_index(), 21);
}

#[test]
fn settings_that_make_no_sense_are_refused_by_their_key() {
    let refused = |config: Config| Raft::check(&config, 3).err().map(|InvalidSetting { key, .. }| key);
    let ok = Config::default;
    assert_eq!(refused(ok()), None);
    assert_eq!(refused(Config { heartbeat: ms(1_000), ..ok() }), Some("heartbeat"));
    assert_eq!(refused(Config { heartbeat: ms(0), ..ok() }), Some("heartbeat"));
    assert_eq!(refused(Config { election_timeout_max: ms(999), ..ok() }), Some("election_timeout_max"));
    assert_eq!(refused(Config { in_flight: 0, ..ok() }), Some("in_flight"));
    assert_eq!(refused(Config { batch_bytes: ByteSize(0), ..ok() }), Some("batch_bytes"));
    assert_eq!(refused(Config { read_interval: Some(ms(0)), ..ok() }), Some("read_interval"));
    assert_eq!(refused(Config { voters: vec![3], ..ok() }), Some("voters"));
    assert_eq!(refused(Config { learners: vec![0, 1, 2], ..ok() }), Some("learners"));
    let change = |add: &[u32], remove: &[u32]| {
        let change = crate::consensus::raft::Change { at: ms(1), add: add.to_vec(), remove: remove.to_vec() };
        Config { membership: vec![change], ..ok() }
    };
    assert_eq!(refused(change(&[], &[0, 1, 2])), Some("membership"));
    assert_eq!(refused(change(&[7], &[])), Some("membership"));
    assert_eq!(refused(change(&[], &[2])), None);
}

#[test]
fn settings_are_written_as_people_write_them() {
    let text = "election_timeout_min = \"150ms\"\nelection_timeout_max = \"300ms\"\nheartbeat = \"75ms\"\nmethod = \"single\"\n\
                membership = [{ at = \"30s\", remove = [4] }]";
    let config: Config = toml::from_str(text).unwrap();
    assert_eq!((config.election_timeout_min, config.membership[0].remove.clone()), (ms(150), vec![4]));
    assert!(toml::from_str::<Config>("election_timeout = \"1s\"").is_err());
}

/// Numbers that break arithmetic.
fn number() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![0..6u64, Just(u64::MAX), Just(u64::MAX - 1), any::<u64>()]
}

fn payload() -> impl Strategy<Value = Payload> {
    let membership =
        (1..9usize, prop::collection::btree_set(0..9u32, 1..4)).prop_filter_map("voters", |(n, voters)| {
            let voters: BTreeSet<NodeId> = voters.into_iter().map(NodeId).collect();
            Membership::new(n, &voters, voters.clone()).map(Arc::new)
        });
    prop_oneof![Just(Payload::Noop), membership.prop_map(Payload::Membership)]
}

fn entry() -> impl Strategy<Value = Entry> {
    (number(), any::<u32>(), any::<u64>(), payload()).prop_map(|(term, leader, time, payload)| Entry {
        term: Term(term),
        leader: NodeId(leader),
        time: Time::from_nanos(time),
        payload,
    })
}

fn message() -> impl Strategy<Value = Message> {
    let numbers = || (number(), number(), number(), number());
    let request =
        (numbers(), any::<bool>(), any::<bool>()).prop_map(|((term, last_index, last_term, _), pre, transfer)| {
            Message::RequestVote(RequestVote {
                term: Term(term),
                last_index,
                last_term: Term(last_term),
                pre,
                transfer,
            })
        });
    let vote = (number(), any::<bool>(), any::<bool>())
        .prop_map(|(term, granted, pre)| Message::Vote(Vote { term: Term(term), granted, pre }));
    let entries = prop::collection::vec(entry(), 0..4);
    let append = (numbers(), entries, prop::option::of(number())).prop_map(
        |((term, prev_index, prev_term, commit), entries, context)| {
            let (term, prev_term) = (Term(term), Term(prev_term));
            Message::AppendEntries(AppendEntries {
                term,
                prev_index,
                prev_term,
                commit,
                entries: entries.into(),
                context,
            })
        },
    );
    let reply =
        (numbers(), any::<bool>(), prop::option::of(number())).prop_map(|((term, prev, at, first), ok, context)| {
            let conflict = Outcome::Conflict { prev, term: Term(at), first };
            let outcome: Outcome = if ok { Outcome::Match(prev as Index) } else { conflict };
            Message::AppendReply(AppendReply { term: Term(term), outcome, context })
        });
    let install = (numbers(), payload(), 0..4u64).prop_map(|((term, at, offset, bytes), payload, height)| {
        // Half of the blocks are genesis, which all nodes know.
        let genesis = crate::chain::Block::genesis();
        let header = crate::chain::Header { height: crate::base::Height(height), ..genesis.header };
        let block = if height == 0 { genesis } else { crate::chain::Block::new(header, genesis.batch.clone()) };
        let all: BTreeSet<NodeId> = (0..3).map(NodeId).collect();
        let membership = match payload {
            Payload::Membership(membership) => membership,
            _ => Arc::new(Membership::new(3, &all, BTreeSet::new()).unwrap()),
        };
        let snapshot = Snapshot { root: block.id(), block, bytes };
        let image = Arc::new(Image { snapshot, term: Term(at), membership, sessions: Arc::default() });
        Message::InstallSnapshot(InstallSnapshot { term: Term(term), image, offset, length: bytes })
    });
    let rest = (number(), number(), 0..4u8).prop_map(|(a, b, which)| match which {
        0 => Message::SnapshotReply { term: Term(a), received: b },
        1 => Message::TimeoutNow { term: Term(a) },
        2 => Message::ReadIndex { context: a },
        _ => Message::ReadReply { context: a, index: b },
    });
    prop_oneof![request, vote, append, reply, install, rest]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_message_panics_a_node(messages in prop::collection::vec((0..3usize, 0..3usize, message()), 1..30)) {
        let mut stage = led_by(0, 3, Config { snapshot_every: 2, snapshot_keep: 0, read_interval: Some(ms(50)), ..Config::default() });
        submit(&mut stage, 1, 0);
        for (from, to, message) in messages.into_iter().filter(|(from, to, _)| from != to) {
            prop_assert!(message.bytes() >= 8);
            stage.inject(from, to, message);
            stage.run(ms(20));
        }
    }
}
