//! The parts against naive models: log, membership, sessions.

use super::*;
use crate::base::{AccountId, Crypto, Keyring, NodeId};
use crate::chain::{Batch, Body};
use crate::consensus::raft::log::{Entry, Log, Payload};
use crate::consensus::raft::membership::{Membership, Memberships};
use crate::consensus::raft::position::Index;
use crate::consensus::raft::session::{Sessions, Verdict};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn entry(term: u64) -> Entry {
    Entry { term: Term(term), leader: NodeId(0), time: Time::ZERO, payload: Payload::Noop }
}

proptest! {
    #[test]
    fn the_log_is_a_list_with_a_base(steps in prop::collection::vec((0..4u8, any::<u16>()), 1..60)) {
        let (mut log, mut list, mut base) = (Log::default(), vec![0u64], 0usize);
        for (what, number) in steps {
            let span = list.len() - base;
            match what {
                0 | 1 => {
                    let term = list.last().unwrap().max(&1) + u64::from(number % 3 == 0);
                    prop_assert_eq!(log.append(entry(term)), list.len() as Index);
                    list.push(term);
                }
                2 if span > 1 => {
                    let from = base + 1 + number as usize % (span - 1);
                    log.truncate(from as Index);
                    list.truncate(from);
                }
                _ => {
                    base += number as usize % span;
                    log.compact(base as Index);
                }
            }
            prop_assert_eq!(log.last_index() as usize, list.len() - 1);
            prop_assert_eq!(log.last_term().0, *list.last().unwrap());
            for index in 0..list.len() + 2 {
                let expected = list.get(index).filter(|_| index >= base).map(|term| Term(*term));
                prop_assert_eq!(log.term_at(index as Index), expected);
            }
            for term in 0..=*list.last().unwrap() + 1 {
                let found: Vec<usize> = (base + 1..list.len()).filter(|index| list[*index] == term).collect();
                prop_assert_eq!(log.first_of(Term(term)), found.first().map(|index| *index as Index));
                prop_assert_eq!(log.last_of(Term(term)), found.last().map(|index| *index as Index));
            }
            prop_assert_eq!(log.suffix(log.base() + 1).len(), list.len() - 1 - base);
        }
    }

    #[test]
    fn agreement_is_what_counting_says(
        old in prop::collection::btree_set(0..7u32, 1..6),
        new in prop::collection::btree_set(0..7u32, 1..6),
        reached in prop::collection::vec(0..9u64, 7),
        is_joint in any::<bool>(),
    ) {
        let set = |list: &BTreeSet<u32>| -> BTreeSet<NodeId> { list.iter().copied().map(NodeId).collect() };
        let first = Membership::new(7, &set(&old), BTreeSet::new()).unwrap();
        let membership = if is_joint { first.joint(&set(&new)).unwrap() } else { first };
        let holds = |index: Index, half: &BTreeSet<u32>| {
            2 * half.iter().filter(|node| reached[**node as usize] >= index).count() > half.len()
        };
        let naive = (0..=9).rev().find(|index| holds(*index, &old) && (!is_joint || holds(*index, &new)));
        prop_assert_eq!(Some(membership.agreed(|node| reached[node.index()])), naive);
        for index in 0..=9 {
            let expected = holds(index, &old) && (!is_joint || holds(index, &new));
            prop_assert_eq!(membership.is_quorum(|node| reached[node.index()] >= index), expected);
        }
    }

    #[test]
    fn sessions_execute_each_command_at_most_once_and_all_of_a_window(
        commands in prop::collection::vec((0..3u32, 0..12u64), 1..80),
    ) {
        let keys = Keyring::new(Crypto::Symbolic, 1, "account", 4);
        let (mut sessions, mut naive) = (Sessions::default(), BTreeSet::new());
        for (index, (client, number)) in (1..).zip(commands) {
            let body = Body::Transfer { to: AccountId(3), amount: 1 };
            let command = Transaction::signed(&keys, AccountId(client), number, 1, body, 250);
            let verdict = sessions.judge(&command, Time::ZERO, ms(1));
            let filtered = sessions.apply(index, &Batch::new(vec![command]), Time::ZERO, (ms(1), 12));
            let is_first = naive.insert((client, number));
            prop_assert_eq!((verdict == Verdict::Execute, filtered.batch.len()), (is_first, usize::from(is_first)));
        }
    }
}

/// The command of client 0 with this number.
fn command(number: u64) -> Arc<Transaction> {
    let keys = Keyring::new(Crypto::Symbolic, 1, "account", 1);
    Transaction::signed(&keys, AccountId(0), number, 1, Body::Transfer { to: AccountId(0), amount: 1 }, 250)
}

#[test]
fn a_duplicate_gets_the_cached_reply_and_one_below_the_floor_is_dropped() {
    let mut sessions = Sessions::default();
    let limits = (ms(10), 2);
    for (index, number) in (1..).zip([0, 1, 4]) {
        sessions.apply(index, &Batch::new(vec![command(number)]), Time::ZERO, limits);
    }
    let judge = |sessions: &Sessions, number| sessions.judge(&command(number), Time::ZERO, ms(10));
    assert_eq!(judge(&sessions, 0), Verdict::Acknowledged);
    assert_eq!(judge(&sessions, 4), Verdict::Duplicate(3));
    assert_eq!(judge(&sessions, 2), Verdict::Execute, "missing numbers are awaited");
    // Two more out of order fill the window of two, and the missing ones are given up.
    for (index, number) in (4..).zip([6, 8]) {
        sessions.apply(index, &Batch::new(vec![command(number)]), Time::ZERO, limits);
    }
    assert_eq!([2, 3].map(|number| judge(&sessions, number)), [Verdict::Acknowledged; 2]);
    assert_eq!([6, 7].map(|number| judge(&sessions, number)), [Verdict::Duplicate(4), Verdict::Execute]);
}

#[test]
fn a_session_ends_by_the_stamps_of_leaders_alone() {
    let mut sessions = Sessions::default();
    let (limits, at) = ((ms(10), 8), |millis| Time::ZERO + ms(millis));
    sessions.apply(1, &Batch::new(vec![command(3)]), at(0), limits);
    assert_eq!(sessions.judge(&command(3), at(10), ms(10)), Verdict::Duplicate(1));
    assert_eq!(sessions.judge(&command(3), at(11), ms(10)), Verdict::Expired);
    assert_eq!(sessions.judge(&command(2), at(11), ms(10)), Verdict::Expired, "never executed, but who knows");
    let filtered = sessions.apply(2, &Batch::new(vec![command(3), command(4)]), at(11), limits);
    assert_eq!((filtered.batch.len(), filtered.expired, filtered.duplicates), (1, 1, 0));
    assert_eq!(sessions.judge(&command(3), at(11), ms(10)), Verdict::Acknowledged, "a new session began with 4");
}

#[test]
fn configurations_follow_the_log_back_and_forth() {
    let of = |voters: &[u32]| {
        let voters = voters.iter().copied().map(NodeId).collect();
        Arc::new(Membership::new(5, &voters, BTreeSet::new()).unwrap())
    };
    let (one, two, three) = (of(&[0]), of(&[0, 1]), of(&[0, 1, 2]));
    let mut known = Memberships::new(0, one.clone());
    known.push(4, two.clone());
    known.push(7, three.clone());
    assert_eq!(
        [0, 3, 4, 6, 7, 99].map(|index| known.at(index).clone()),
        [&one, &one, &two, &two, &three, &three].map(Arc::clone)
    );
    known.compact(5);
    assert_eq!((known.at(5), known.current()), (&two, &three));
    known.truncate(7);
    assert_eq!((known.current_index(), known.current()), (4, &two));
    known.truncate(1);
    assert_eq!(known.current(), &two, "what is committed is not deleted");
}
