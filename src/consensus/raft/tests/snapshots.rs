//! Compaction and bringing followers up with the state (paper, section 7).

use super::*;
use crate::base::ByteSize;
use crate::consensus::raft::message::{AppendEntries, Image, InstallSnapshot};
use crate::consensus::raft::{Record, notes};
use crate::protocol::Record as _;

fn compacting() -> Config {
    Config { snapshot_every: 5, snapshot_keep: 0, ..figure_2() }
}

/// Node 2 missed entries that are compacted by now.
fn lagging() -> Stage {
    lagging_with(compacting())
}

fn lagging_with(config: Config) -> Stage {
    let mut stage = led_by(0, 3, config);
    stage.partition(&[2], &[0, 1]);
    for nonce in 0..12 {
        submit(&mut stage, 1, nonce);
        stage.run(ms(50));
    }
    assert!(stage.node(0).log().base() > 5);
    stage.heal();
    stage
}

/// Runs until the snapshot is on its way to node 2, and takes it off the wire.
fn captured(stage: &mut Stage) -> InstallSnapshot {
    let is_coming = |stage: &Stage| stage.flights().all(|f| !matches!(f.message, Message::InstallSnapshot(_)));
    assert!(stage.run_while(ms(1_000), is_coming));
    let chunk = stage.flights().find_map(|f| match &f.message {
        Message::InstallSnapshot(chunk) => Some(chunk.clone()),
        _ => None,
    });
    stage.lose(|f| matches!(f.message, Message::InstallSnapshot(_)));
    chunk.unwrap()
}

#[test]
fn the_log_stays_short_and_the_disk_holds_one_checkpoint() {
    let mut stage = led_by(0, 3, Config { snapshot_keep: 3, ..compacting() });
    for nonce in 0..50 {
        submit(&mut stage, 1, nonce);
        stage.run(ms(120));
        for node in 0..3 {
            assert!(terms(&stage, node).len() <= 5 + 3 + 2);
            assert!(stage.log(node).iter().filter(|record| record.is_checkpoint()).count() <= 1);
        }
    }
    assert!(noted(&stage, 0, notes::SNAPSHOT).len() >= 9);
    assert!(stage.log(1).len() < 12);
}

#[test]
fn a_follower_that_misses_compacted_entries_gets_the_state() {
    let mut stage = lagging();
    stage.run(ms(300));
    assert_eq!(stage.final_transactions(2), stage.final_transactions(0));
    assert_eq!(stage.node(2).sessions(), stage.node(0).sessions());
    assert_eq!(stage.delivered()["InstallSnapshot"], 1);
    let next = submit(&mut stage, 1, 12);
    stage.run(ms(200));
    assert!(all_final(&stage, &[0, 1, 2], &[next.id()]), "and goes on with entries");
}

#[test]
fn a_follower_behind_by_entries_that_are_kept_gets_entries() {
    let mut stage = led_by(0, 3, Config { snapshot_every: 5, snapshot_keep: 100, ..figure_2() });
    stage.partition(&[2], &[0, 1]);
    for nonce in 0..12 {
        submit(&mut stage, 1, nonce);
        stage.run(ms(50));
    }
    stage.heal();
    stage.run(ms(300));
    assert_eq!(stage.final_transactions(2).len(), 12);
    assert!(!stage.delivered().contains_key("InstallSnapshot"));
}

#[test]
fn a_snapshot_that_comes_twice_or_late_changes_nothing() {
    let mut stage = lagging();
    let chunk = captured(&mut stage);
    stage.inject(0, 2, Message::InstallSnapshot(chunk.clone()));
    stage.inject(0, 2, Message::InstallSnapshot(chunk.clone()));
    stage.run(ms(2));
    assert_eq!(stage.node(2).commit(), chunk.image.index());
    for nonce in 12..20 {
        submit(&mut stage, 1, nonce);
        stage.run(ms(120));
    }
    let before = (stage.node(2).commit(), stage.finalized(2).len());
    stage.inject(0, 2, Message::InstallSnapshot(chunk));
    stage.run(ms(2));
    assert_eq!((stage.node(2).commit(), stage.finalized(2).len()), before);
}

#[test]
fn a_crash_between_writing_a_snapshot_and_replacing_the_chain_is_repaired_at_the_start() {
    let mut repaired = 0;
    for effects in 0..12 {
        let mut stage = lagging();
        let chunk = captured(&mut stage);
        stage.crash_after_effects(2, effects);
        stage.inject(0, 2, Message::InstallSnapshot(chunk.clone()));
        stage.run(ms(1));
        let is_up = stage.timers(2).next().is_some();
        let is_written = stage.log(2).iter().any(|record| matches!(record, Record::Checkpoint(c) if c.received));
        let is_behind = stage.finalized(2).len() < chunk.image.index() as usize;
        if !is_up {
            stage.boot(2);
            if is_written && is_behind {
                repaired += 1;
                assert_eq!(stage.finalized(2).len() as u64, chunk.image.index() + 1);
            }
        }
        stage.run(ms(5_000));
        assert_eq!(stage.final_transactions(2), stage.final_transactions(1), "effect {effects}");
        assert_eq!(stage.disagreement(&[0, 1, 2]), None);
    }
    assert!(repaired > 0, "the crash that the test is about happened");
}

/// Bytes of a chunk.
const CHUNK_BYTES: u64 = 64_000;

/// A chunk of a snapshot of `bytes` bytes of the state after the last block of node 0.
fn chunk(stage: &Stage, bytes: u64, offset: u64) -> InstallSnapshot {
    let leader = stage.node(0);
    let block = stage.chain(0).last().unwrap().clone();
    let snapshot = crate::protocol::Snapshot { root: block.id(), block, bytes };
    let membership = Arc::new(leader.membership().clone());
    let image = Image { snapshot, term: leader.term(), membership, sessions: Arc::new(leader.sessions().clone()) };
    let length = CHUNK_BYTES.min(image.bytes().saturating_sub(offset));
    InstallSnapshot { term: leader.term(), image: Arc::new(image), offset, length }
}

#[test]
fn what_follows_the_snapshot_in_a_matching_log_is_kept_and_another_log_is_dropped() {
    for matching in [true, false] {
        let mut stage = led_by(0, 3, figure_2());
        for nonce in 0..3 {
            submit(&mut stage, 1, nonce);
            stage.run(ms(3));
        }
        // Node 2 holds entries up to 4 and knows few to be committed; then comes the state after entry 4, or after
        // an entry that it does not have.
        assert_eq!((stage.node(0).commit(), stage.node(2).commit(), terms(&stage, 2).len()), (4, 3, 4));
        let mut whole = chunk(&stage, 0, 0);
        if !matching {
            let image = Image { term: Term(2), ..(*whole.image).clone() };
            whole = InstallSnapshot { term: Term(2), image: Arc::new(image), ..whole };
        }
        let extra = submit(&mut stage, 1, 3);
        let append = stage.flights().find_map(|f| match &f.message {
            Message::AppendEntries(append) => Some(AppendEntries { commit: 3, ..append.clone() }),
            _ => None,
        });
        stage.lose(|_| true);
        stage.inject(0, 2, Message::AppendEntries(append.unwrap()));
        stage.deliver(|_| true);
        stage.lose(|_| true);
        assert_eq!((stage.node(2).commit(), terms(&stage, 2).len()), (3, 5));
        stage.inject(0, 2, Message::InstallSnapshot(whole));
        stage.deliver(|_| true);
        assert_eq!((stage.node(2).commit(), terms(&stage, 2).len()), (4, usize::from(matching)));
        assert!(!all_final(&stage, &[2], &[extra.id()]));
        // The disk says the same.
        stage.crash(2);
        stage.boot(2);
        assert_eq!((stage.node(2).commit(), terms(&stage, 2).len()), (4, usize::from(matching)));
    }
}

#[test]
fn chunks_count_only_in_order_and_the_state_is_used_when_all_are_there() {
    let mut stage = lagging();
    let bytes = 3 * CHUNK_BYTES - chunk(&stage, 0, 0).image.bytes();
    let total = stage.node(0).commit();
    let order = [(1, 0), (0, 1), (2, 1), (1, 2), (0, 2), (2, 3)];
    for (number, received) in order {
        let message = Message::InstallSnapshot(chunk(&stage, bytes, number * CHUNK_BYTES));
        stage.lose(|_| true);
        stage.inject(0, 2, message);
        stage.deliver(|_| true);
        let answer = stage.flights().next().map(|f| f.message.clone());
        match answer {
            Some(Message::SnapshotReply { received: bytes, .. }) => assert_eq!(bytes, received * CHUNK_BYTES),
            _ => assert_eq!(received, 3, "only the last chunk is answered by a match"),
        }
        assert_eq!(stage.node(2).commit() == total, received == 3);
    }
}

#[test]
fn a_large_state_travels_in_chunks_a_window_at_a_time_through_loss_and_restarts_of_the_receiver() {
    for restarts in [false, true] {
        let mut stage = lagging_with(Config { snapshot_chunk: ByteSize(100), window: 3, ..compacting() });
        let chunks = |stage: &Stage| stage.delivered().get("InstallSnapshot").copied().unwrap_or(0);
        assert!(stage.run_while(ms(1_000), |stage| chunks(stage) < 5));
        assert!(stage.flights().filter(|f| matches!(f.message, Message::InstallSnapshot(_))).count() <= 3);
        assert_eq!(stage.node(2).commit(), 1, "more than five chunks are needed");
        if restarts {
            stage.crash(2);
            stage.boot(2);
        } else {
            assert!(stage.lose(|f| matches!(f.message, Message::InstallSnapshot(_))) > 0);
        }
        assert!(stage.run_while(ms(4_000), |stage| stage.final_transactions(2) != stage.final_transactions(0)));
        assert!(chunks(&stage) >= 10);
    }
}
