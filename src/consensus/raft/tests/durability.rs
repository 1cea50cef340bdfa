//! Crashes at every boundary between two effects, on every node, on a short run that elects, replicates, compacts and
//! changes leader.

use super::*;
use crate::base::{ByteSize, Stream};
use crate::consensus::raft::{Change, Method, Record, Transfer};

/// Runs a short story while `node` crashes after `effects` effects and comes back 700 ms later. Whether it crashed.
fn story_with_crash(node: usize, effects: u32) -> bool {
    let config = Config {
        election_timeout_min: ms(150),
        election_timeout_max: ms(300),
        heartbeat: ms(40),
        snapshot_every: 3,
        snapshot_keep: 1,
        transfers: vec![Transfer { at: ms(900), to: 1 }],
        ..Config::default()
    };
    let mut stage = TestCluster::empty(3, config);
    (0..3).for_each(|node| stage.boot(node));
    stage.crash_after_effects(node, effects);
    let all = [0, 1, 2];
    let mut acknowledged = Vec::new();
    let is_up = |stage: &Stage| stage.timers(node).next().is_some();
    let mut has_crashed = false;
    for round in 0..8 {
        let transaction = stage.transaction(1 + round as u32, 0);
        for submitter in all {
            if submitter != node || is_up(&stage) {
                stage.submit(submitter, &transaction);
            }
        }
        stage.run(ms(350));
        if !has_crashed && !is_up(&stage) {
            has_crashed = true;
        } else if has_crashed && !is_up(&stage) {
            stage.boot(node);
        }
        // Whatever anybody finalized stays final.
        let longest = all.iter().map(|n| stage.final_transactions(*n)).max_by_key(Vec::len).unwrap_or_default();
        assert_eq!(longest[..acknowledged.len()], acknowledged[..], "node {node}, effect {effects}");
        acknowledged = longest;
        assert_eq!(stage.disagreement(&all), None, "node {node}, effect {effects}");
    }
    for _ in 0..2 {
        if !is_up(&stage) {
            has_crashed = true;
            stage.boot(node);
        }
        stage.run(ms(1_000));
    }
    let last = submit(&mut stage, 60, 0);
    stage.run(ms(2_000));
    if !is_up(&stage) {
        // Long enough: the schedule ends here.
        return false;
    }
    assert!(all_final(&stage, &all, &[last.id()]), "node {node}, effect {effects}: all go on");
    assert_eq!(stage.disagreement(&all), None);
    let known: Vec<usize> = all.iter().map(|n| stage.final_transactions(*n).len()).collect();
    assert_eq!(known, [known[0]; 3], "node {node}, effect {effects}");
    has_crashed
}

#[test]
fn a_crash_at_any_effect_of_any_node_keeps_agreement_and_what_was_final() {
    for node in 0..3 {
        let effects = (0..10_000).take_while(|effects| story_with_crash(node, *effects)).count();
        assert!(effects > 60, "the story is longer than {effects} effects");
    }
}

/// A vote or term is on the disk before any message that shows it, an entry before it is acknowledged.
#[test]
fn nothing_is_said_before_it_is_on_the_disk() {
    for effects in 0..6 {
        let mut stage = led_by(0, 3, figure_2());
        submit(&mut stage, 1, 0);
        stage.crash_after_effects(1, effects);
        stage.run(ms(1));
        let said = stage.flights().any(|f| f.from.0 == 1 && matches!(f.message, Message::AppendReply(_)));
        let written = stage.log(1).iter().any(|record| matches!(record, Record::Append { from: 2, .. }));
        assert!(written || !said);

        let mut stage: Stage = TestCluster::new(3, figure_2());
        stage.crash_after_effects(1, effects);
        stage.fire(0, Timer::Election);
        stage.run(ms(1));
        let said = stage.flights().any(|f| f.from.0 == 1 && matches!(f.message, Message::Vote(_)));
        let written = stage.log(1).iter().any(|record| matches!(record, Record::Vote { vote: Some(_), .. }));
        assert!(written || !said);
    }
}

#[test]
fn a_leader_sends_first_and_counts_its_own_copy_when_it_is_written() {
    let mut stage = led_by(0, 3, figure_2());
    stage.crash_after_effects(0, 1);
    submit(&mut stage, 1, 0);
    assert_eq!(stage.flights().count(), 2, "the broadcast left");
    assert_eq!(stage.log(0).len(), 2, "the entry was not written: vote and no-op only");
    // One follower's copy is no majority of three without the leader's own, which waits for its timer.
    let mut stage = led_by(0, 3, figure_2());
    submit(&mut stage, 1, 0);
    stage.lose(|f| f.to.0 == 2);
    stage.deliver(|_| true);
    stage.deliver(|_| true);
    assert_eq!(stage.node(0).commit(), 1);
    assert!(stage.fire(0, Timer::Durable { term: Term(1), index: 2 }));
    assert_eq!(stage.node(0).commit(), 2);
}

#[test]
fn a_majority_of_followers_commits_before_the_leaders_disk_is_ready() {
    let mut stage = led_by(0, 3, figure_2());
    submit(&mut stage, 1, 0);
    stage.deliver(|_| true);
    stage.deliver(|_| true);
    assert_eq!(stage.node(0).commit(), 2);
}

#[test]
fn a_node_that_starts_again_stands_where_it_stood() {
    let mut stage = led_by(0, 3, Config { snapshot_every: 4, snapshot_keep: 2, ..figure_2() });
    for nonce in 0..10 {
        submit(&mut stage, 1, nonce);
        stage.run(ms(150));
    }
    for node in 0..3 {
        let before = stage.node(node).clone();
        stage.crash(node);
        stage.boot(node);
        let after = stage.node(node);
        assert_eq!(
            (after.term(), after.commit(), after.log().base()),
            (before.term(), before.commit(), before.log().base())
        );
        assert_eq!((after.sessions(), after.membership()), (before.sessions(), before.membership()));
        assert_eq!(after.log().suffix(after.log().base() + 1), before.log().suffix(before.log().base() + 1));
    }
    assert!(stage.node(0).log().base() > 0);
}

/// Half a minute of messages that are late, lost, doubled and overtaken, and of nodes that crash between two effects,
/// under every kind of schedule that `seed` draws; then calm. Agreement throughout, progress afterwards.
fn storm(seed: u64) {
    let mut random = Stream::new(seed, "storm", 0, 0);
    let config = Config {
        election_timeout_min: ms(100),
        election_timeout_max: ms(200),
        heartbeat: ms(25),
        pre_vote: random.chance(0.5),
        check_quorum: random.chance(0.5),
        eager_commit: random.chance(0.5),
        snapshot_every: 8,
        snapshot_keep: random.below(6),
        snapshot_chunk: ByteSize(100 + random.below(1_500)),
        window: 1 + random.below(4) as u32,
        in_flight: 1 + random.below(6) as u32,
        read_interval: Some(ms(70)),
        membership: vec![
            Change { at: ms(5_000), add: vec![], remove: vec![3, 4] },
            Change { at: ms(12_000), add: vec![3, 4], remove: vec![0] },
        ],
        method: if random.chance(0.5) { Method::Joint } else { Method::Single },
        ..Config::default()
    };
    let (mut stage, all) = (TestCluster::new(5, config), [0, 1, 2, 3, 4]);
    for step in 0..15_000u64 {
        let delay = ms(1 + random.below(15));
        stage.set_delay(delay);
        stage.run(ms(1));
        let fresh = stage.now() + delay.saturating_sub(ms(1));
        stage.lose(|flight| flight.at > fresh && random.chance(0.08));
        let doubled: Vec<_> = stage.flights().filter(|f| f.at > fresh && random.chance(0.08)).cloned().collect();
        for flight in doubled {
            stage.inject(flight.from.index(), flight.to.index(), flight.message);
        }
        if step % 40 == 0 {
            let transaction = stage.transaction(random.below(8) as u32, step);
            let up: Vec<usize> = all.into_iter().filter(|node| stage.timers(*node).next().is_some()).collect();
            up.iter().for_each(|node| stage.submit(*node, &transaction));
        }
        if step % 300 == 0 {
            let node = random.index(5);
            if stage.timers(node).next().is_some() {
                stage.crash_after_effects(node, random.below(60) as u32);
            }
            let down: Vec<usize> = all.into_iter().filter(|node| stage.timers(*node).next().is_none()).collect();
            down.into_iter().filter(|_| random.chance(0.7)).for_each(|node| stage.boot(node));
        }
        assert_eq!(stage.disagreement(&all), None, "seed {seed}, step {step}");
    }
    stage.set_delay(ms(1));
    for node in all {
        stage.crash(node);
        stage.boot(node);
    }
    stage.run(ms(3_000));
    let last = submit(&mut stage, 60, 0);
    stage.run(ms(3_000));
    assert_eq!(stage.disagreement(&all), None);
    assert!(all_final(&stage, &[1, 2, 3, 4], &[last.id()]), "seed {seed} goes on");
    let executed = stage.final_transactions(1);
    let distinct: std::collections::BTreeSet<_> = executed.iter().collect();
    assert_eq!(distinct.len(), executed.len(), "each transaction at most once");
    assert!(executed.len() > 20, "seed {seed} got something done in the storm: {}", executed.len());
}

#[test]
fn agreement_holds_under_loss_duplicates_reordering_crashes_and_changes_of_membership() {
    (0..6).for_each(storm);
}

#[test]
fn f_crashes_are_tolerated_and_one_more_stalls_without_error() {
    for (crashes, goes_on) in [(2, true), (3, false)] {
        let mut stage = led_by(0, 5, Config::default());
        (0..crashes).for_each(|node| stage.crash(4 - node));
        let transaction = submit(&mut stage, 1, 0);
        stage.run(ms(20_000));
        assert_eq!(all_final(&stage, &[0, 1], &[transaction.id()]), goes_on);
    }
}
