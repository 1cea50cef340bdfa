//! Nakamoto consensus on stage.

use super::difficulty::{Target, bits_of};
use super::mining::grind;
use super::*;
use crate::base::{Duration, Stream, Time};
use crate::chain::{Batch, Seal, Transaction};
use crate::protocol::testing::TestCluster;
use proptest::prelude::*;

type Stage = TestCluster<Nakamoto>;

fn confirmations(depth: u64) -> Config {
    Config {
        finality: finality::Finality { confirmations: Some(depth), ..finality::Finality::default() },
        ..Config::default()
    }
}

/// Difficulty fixed, nothing final: for statistics over long runs.
fn plain() -> Config {
    Config { retarget: 0, ..confirmations(100_000_000) }
}

/// A stage whose nodes have these shares of the hash power.
fn weighted(weights: &[u64], config: Config) -> Stage {
    let mut stage = Stage::empty(weights.len(), config);
    stage.set_committee(Committee::weighted(weights.to_vec(), FaultModel::Byzantine));
    stage
}

/// A sound block on `parent`, made outside.
fn made(stage: &Stage, parent: &Arc<Block>, seconds: u64, transactions: Vec<Arc<Transaction>>) -> Arc<Block> {
    let batch = Batch::new(transactions);
    let rules = Rules::new(&plain(), stage.committee());
    let bits = rules.next_bits(&Branch::new(stage.tree(), BlockIndex::GENESIS, &[]));
    let mut header = Header {
        parent: parent.id(),
        height: parent.height().next(),
        merkle: batch.digest(),
        time: Time::ZERO + Duration::from_secs(seconds),
        proposer: NodeId(0),
        seal: Seal::Work { bits, nonce: 0 },
    };
    grind(&mut header, Target::limit(), u64::MAX);
    Block::new(header, batch)
}

fn genesis(stage: &Stage) -> Arc<Block> {
    stage.chain(0)[0].clone()
}

fn tip(stage: &Stage, node: usize) -> Arc<Block> {
    stage.chain(node).last().unwrap().clone()
}

/// A node finds a block now, and every node that can receives it.
fn find(stage: &mut Stage, node: usize) {
    assert!(stage.fire(node, Timer::Mine), "n{node} mines");
    stage.run(Duration::from_millis(10));
}

// ---- Section 4 and 5 ----

#[test]
fn intervals_between_blocks_follow_the_exponential_law_of_the_whole_power() {
    let mut stage = weighted(&[5, 3, 2, 0], plain());
    (0..4).for_each(|node| stage.boot(node));
    let mut found = vec![Time::ZERO];
    stage.run_while(Duration::MAX, |stage| {
        if stage.chain(3).len() > found.len() {
            found.push(stage.now());
        }
        found.len() <= 3_000
    });
    let mut intervals: Vec<f64> = found.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect();
    intervals.sort_by(f64::total_cmp);
    let n = intervals.len() as f64;
    let law = |x: f64| 1.0 - libm::exp(-x / 600.0);
    let distance =
        |(at, x): (usize, &f64)| (law(*x) - at as f64 / n).abs().max((law(*x) - (at as f64 + 1.0) / n).abs());
    let kolmogorov = intervals.iter().enumerate().map(distance).fold(0.0, f64::max);
    assert!(kolmogorov < 1.63 / n.sqrt(), "Kolmogorov and Smirnov at 1 %: {kolmogorov}");
    assert!(!stage.timers(3).any(|(timer, _)| timer == Timer::Mine), "a node without power does not mine");
}

/// The fraction of stale blocks for these weights and this delay between all.
fn stale(weights: &[u64], delay: Duration, blocks: usize) -> f64 {
    let mut stage = weighted(weights, plain());
    stage.set_delay(delay);
    (0..weights.len()).for_each(|node| stage.boot(node));
    stage.run_while(Duration::MAX, |stage| stage.tree().len() <= blocks);
    let all = (stage.tree().len() - 1) as f64;
    (all - (stage.chain(0).len() - 1) as f64) / all
}

#[test]
fn blocks_go_stale_by_the_law_of_delay_and_no_miner_competes_with_itself() {
    let blocks = 12_000;
    let cases: [(&[u64], u64); 3] = [(&[1; 10], 10), (&[1; 10], 20), (&[8, 1, 1], 60)];
    for (weights, seconds) in cases {
        let total = weights.iter().sum::<u64>() as f64;
        let share = |weight: &u64| *weight as f64 / total;
        let meets = |w: f64| w * (1.0 - libm::exp(-(1.0 - w) * seconds as f64 / 600.0));
        let law: f64 = weights.iter().map(share).map(meets).sum();
        let seen = stale(weights, Duration::from_secs(seconds), blocks);
        // Four standard errors, and the second-order term of a race that outlives one block.
        let error = 4.0 * libm::sqrt(law * (1.0 - law) / blocks as f64) + law * seconds as f64 / 600.0;
        assert!((seen - law).abs() < error, "{seconds} s: {seen} against {law} +- {error}");
    }
}

#[test]
fn nodes_keep_the_first_of_two_equal_chains_until_one_grows() {
    let mut stage = Stage::new(3, plain());
    stage.partition(&[0], &[1, 2]);
    find(&mut stage, 0);
    find(&mut stage, 1);
    let (left, right) = (tip(&stage, 0), tip(&stage, 1));
    stage.heal();
    stage.inject(0, 1, Message::Block(left.clone()));
    stage.inject(1, 0, Message::Block(right.clone()));
    stage.run(Duration::from_secs(1));
    assert_eq!((tip(&stage, 0), tip(&stage, 1), tip(&stage, 2)), (left.clone(), right.clone(), right.clone()));
    find(&mut stage, 0);
    for node in 0..3 {
        assert_eq!(tip(&stage, node).height(), Height(2));
        assert_eq!(tip(&stage, node).parent(), left.id(), "n{node} reorganised by one block");
    }
}

#[test]
fn a_block_is_final_when_k_blocks_follow_it() {
    let mut stage = Stage::new(2, confirmations(3));
    for found in 1..=10u64 {
        find(&mut stage, 0);
        assert_eq!(stage.finalized(1).len() as u64 - 1, found.saturating_sub(3));
    }
}

#[test]
fn after_a_long_partition_all_follow_the_branch_with_more_work() {
    let mut stage = Stage::new(6, confirmations(200));
    stage.partition(&[0, 1], &[2, 3, 4, 5]);
    stage.run(Duration::from_secs(12 * 3_600));
    let (less, more) = (tip(&stage, 0), tip(&stage, 2));
    assert!(less.height() < more.height());
    stage.heal();
    let height = more.height();
    stage.run_while(Duration::from_secs(86_400), |stage| {
        (0..6).any(|node| stage.chain(node).get(height.0 as usize).is_none_or(|block| block.id() != more.id()))
    });
    for node in 0..6 {
        assert_eq!(stage.chain(node)[height.0 as usize].id(), more.id(), "n{node}");
        assert!(stage.chain(node).iter().all(|block| block.id() != less.id()));
    }
}

#[test]
fn difficulty_follows_the_hash_power_on_stage() {
    // The rules believe in a tenth of the power that the miner then has, so an epoch takes a tenth of its time; the
    // clamp of four lets the difficulty rise in two steps.
    let mut stage = weighted(&[1, 9], Config { retarget: 100, ..plain() });
    stage.boot(0);
    stage.run_while(Duration::MAX, |stage| stage.chain(0).len() <= 400);
    let interval = |from: usize, to: usize| {
        let chain = stage.chain(0);
        chain[to].header.time.since(chain[from].header.time).as_secs_f64() / (to - from) as f64
    };
    let (first, second, third) = (interval(0, 99), interval(100, 199), interval(300, 399));
    assert!((4_000.0..8_500.0).contains(&first), "one tenth of the power: {first}");
    assert!((1_000.0..2_100.0).contains(&second), "four times easier: {second}");
    assert!((400.0..900.0).contains(&third), "on target again: {third}");
}

// ---- Invalid blocks ----

#[test]
fn a_lengthened_body_does_not_condemn_the_honest_one() {
    let mut stage = Stage::new(2, plain());
    let payments: Vec<Arc<Transaction>> = (1..4).map(|from| stage.transaction(from, 0)).collect();
    let honest = made(&stage, &genesis(&stage), 1, payments.clone());
    let lengthened = [payments.clone(), vec![payments[2].clone()]].concat();
    let mutated = Block::new(honest.header, Batch::new(lengthened));
    let swapped = Block::new(honest.header, Batch::new(payments[..2].to_vec()));
    assert_eq!(mutated.id(), honest.id(), "one name for both");
    for wrong in [&mutated, &swapped] {
        stage.inject(0, 1, Message::Block(wrong.clone()));
        stage.run(Duration::from_millis(2));
        assert_eq!(stage.chain(1).len(), 1, "a mutated body is not taken");
    }
    stage.inject(0, 1, Message::Block(honest.clone()));
    stage.run(Duration::from_millis(2));
    assert_eq!(tip(&stage, 1), honest, "the honest body still is");
}

#[test]
fn an_invalid_block_is_remembered_not_passed_on_and_condemns_its_children() {
    let mut stage = Stage::new(3, plain());
    let forged = stage.transaction(1, 0).forged();
    let invalid = made(&stage, &genesis(&stage), 1, vec![forged]);
    let child = made(&stage, &invalid, 2, Vec::new());
    stage.inject(0, 1, Message::Block(invalid.clone()));
    stage.run(Duration::from_millis(2));
    assert_eq!((stage.chain(1).len(), stage.flights().count()), (1, 0));
    stage.inject(0, 1, Message::Block(child.clone()));
    stage.run(Duration::from_millis(2));
    let node = stage.node(1);
    assert!(node.invalid.contains(&invalid.id()) && node.invalid.contains(&child.id()));
    assert_eq!((node.orphans.len(), stage.flights().count()), (0, 0), "nothing is asked for");
}

#[test]
fn a_header_must_carry_the_due_target_and_a_time_after_the_median() {
    let mut stage = Stage::new(2, plain());
    let mut block = genesis(&stage);
    for seconds in 1..=12 {
        block = made(&stage, &block, seconds, Vec::new());
        stage.inject(0, 1, Message::Block(block.clone()));
        stage.run(Duration::from_millis(2));
    }
    // The last eleven times are 2 to 12: their median is 7.
    let late = made(&stage, &block, 7, Vec::new());
    let mut cheap = made(&stage, &block, 13, Vec::new()).header;
    cheap.seal = Seal::Work { bits: difficulty::LIMIT_BITS, nonce: 0 };
    grind(&mut cheap, Target::limit(), u64::MAX);
    for wrong in [late, Block::new(cheap, Batch::empty())] {
        stage.inject(0, 1, Message::Block(wrong.clone()));
        stage.run(Duration::from_millis(2));
        assert!(stage.node(1).invalid.contains(&wrong.id()));
    }
    let right = made(&stage, &block, 8, Vec::new());
    stage.inject(0, 1, Message::Block(right.clone()));
    stage.run(Duration::from_millis(2));
    assert_eq!(tip(&stage, 1), right);
}

#[test]
fn a_block_from_the_future_is_refused_now_and_taken_later() {
    let mut stage = weighted(&[1, 0], plain());
    stage.boot(1);
    let early = made(&stage, &genesis(&stage), 7_300, Vec::new());
    let offer = |stage: &mut Stage| {
        stage.inject(0, 1, Message::Block(early.clone()));
        stage.run(Duration::from_millis(2));
        stage.chain(1).len()
    };
    assert_eq!(offer(&mut stage), 1);
    stage.run(Duration::from_secs(100));
    assert_eq!(offer(&mut stage), 2);
}

#[test]
fn a_header_without_proof_of_work_is_not_genuine() {
    let stage = Stage::new(1, plain());
    let sound = made(&stage, &genesis(&stage), 1, Vec::new());
    let is_genuine = |header: Header| {
        let block = Block::new(header, sound.batch.clone());
        crate::protocol::Message::verify(&Message::Block(block), NodeId(0), stage.keys())
    };
    assert!(is_genuine(sound.header));
    assert!(!is_genuine(Header { seal: Seal::None, ..sound.header }));
    assert!(!is_genuine(Header { time: Time::from_nanos(1_500_000_000), ..sound.header }), "times are whole seconds");
    let Seal::Work { bits, nonce } = sound.header.seal else { panic!("a sealed header") };
    let other = (nonce + 1..).map(|nonce| Header { seal: Seal::Work { bits, nonce }, ..sound.header });
    let failing = other.into_iter().find(|header| !Target::limit().is_met_by(&header.id())).unwrap();
    assert!(!is_genuine(failing));
}

#[test]
fn a_block_never_holds_more_than_its_limit() {
    let limit = crate::chain::Limit { bytes: 600, transactions: 10 };
    let mut stage = Stage::new(2, Config { block_limit: limit, ..plain() });
    for from in 1..=5 {
        let payment = stage.transaction(from, 0);
        stage.submit_to_all(&payment);
    }
    (0..3).for_each(|_| find(&mut stage, 0));
    let counts: Vec<usize> = stage.chain(1).iter().map(|block| block.transactions().len()).collect();
    assert_eq!(counts, [0, 2, 2, 1], "250 bytes each");
    let payments = (6..9).map(|from| stage.transaction(from, 0)).collect();
    let large = made(&stage, &tip(&stage, 1), 100, payments);
    stage.inject(0, 1, Message::Block(large.clone()));
    stage.run(Duration::from_millis(2));
    assert!(stage.node(1).invalid.contains(&large.id()));
}

// ---- Catching up ----

#[test]
fn a_node_that_missed_thousands_of_blocks_fetches_headers_then_bodies_in_a_window() {
    let mut stage = weighted(&[1, 0], plain());
    (0..2).for_each(|node| stage.boot(node));
    stage.partition(&[0], &[1]);
    (0..4_500).for_each(|_| find(&mut stage, 0));
    stage.heal();
    find(&mut stage, 0);
    let mut most = 0;
    stage.run_while(Duration::from_secs(600), |stage| {
        most = most.max(stage.flights().filter(|flight| flight.to == NodeId(1)).count());
        stage.chain(1).len() < stage.chain(0).len()
    });
    assert_eq!(tip(&stage, 1), tip(&stage, 0));
    assert_eq!(stage.delivered()["headers"], 3, "two full batches and the rest");
    assert!(most <= IN_FLIGHT_MAX, "{most} in flight");
    assert!(stage.node(1).download.is_none() && stage.node(1).orphans.is_empty());
}

#[test]
fn a_silent_peer_is_replaced_by_another() {
    let mut stage = weighted(&[1, 0, 0, 0], plain());
    (0..4).for_each(|node| stage.boot(node));
    stage.partition(&[3], &[0, 1, 2]);
    (0..50).for_each(|_| find(&mut stage, 0));
    stage.heal();
    // The only one that announces to n3, and the only one that mines, never sends again.
    stage.partition(&[3], &[1, 2]);
    stage.cut(3, 0);
    find(&mut stage, 0);
    assert_eq!(stage.node(3).orphans.len(), 1);
    stage.crash(0);
    stage.heal();
    stage.run(Duration::from_secs(8 * 120));
    assert_eq!(stage.chain(3).len(), 52, "n3 asked another node");
}

/// A node among three, of which the others are played: it receives a chain of three blocks from its end.
fn orphaned() -> (Stage, [Arc<Block>; 3]) {
    let mut stage = weighted(&[0, 1, 1], plain());
    stage.boot(0);
    let first = made(&stage, &genesis(&stage), 600, Vec::new());
    let second = made(&stage, &first, 1_200, Vec::new());
    let third = made(&stage, &second, 1_800, Vec::new());
    receive(&mut stage, 1, Message::Block(second.clone()));
    (stage, [first, second, third])
}

fn receive(stage: &mut Stage, from: usize, message: Message) {
    stage.inject(from, 0, message);
    stage.run(Duration::from_millis(10));
}

#[test]
fn a_body_that_comes_another_way_does_not_hold_up_a_download() {
    let (mut stage, [first, second, _]) = orphaned();
    receive(&mut stage, 1, Message::Headers { headers: [first.header, second.header].into() });
    receive(&mut stage, 2, Message::Block(first));
    assert_eq!(tip(&stage, 0).id(), second.id());
}

#[test]
fn a_node_that_has_the_chain_is_asked_while_the_headers_of_another_are_awaited() {
    let (mut stage, [first, second, third]) = orphaned();
    receive(&mut stage, 2, Message::Block(third.clone()));
    // Nothing of use from one in reserve is nothing.
    receive(&mut stage, 2, Message::Headers { headers: [first.header, first.header].into() });
    receive(&mut stage, 2, Message::Headers { headers: [first.header, second.header, third.header].into() });
    receive(&mut stage, 2, Message::Block(first));
    assert_eq!(tip(&stage, 0).id(), third.id());
}

#[test]
fn who_was_asked_in_vain_is_asked_again_when_it_sends_a_block() {
    let mut stage = weighted(&[1, 0], plain());
    (0..2).for_each(|node| stage.boot(node));
    stage.partition(&[0], &[1]);
    (0..3).for_each(|_| find(&mut stage, 0));
    stage.heal();
    // The block arrives, but what its receiver asks then is lost.
    assert!(stage.fire(0, Timer::Mine));
    assert_eq!((stage.deliver(|_| true), stage.lose(|_| true)), (1, 1));
    assert!(stage.node(1).download.is_some() && stage.chain(1).len() == 1, "headers are awaited");
    find(&mut stage, 0);
    assert_eq!(tip(&stage, 1), tip(&stage, 0), "long before the time for headers is over");
}

#[test]
fn a_locator_is_short_and_finds_a_fork_point_deep_down() {
    let mut stage = weighted(&[1, 1], plain());
    (0..2).for_each(|node| stage.boot(node));
    (0..1_000).for_each(|_| find(&mut stage, 0));
    stage.partition(&[0], &[1]);
    (0..301).for_each(|_| find(&mut stage, 0));
    (0..300).for_each(|_| find(&mut stage, 1));
    stage.heal();
    assert!(stage.fire(0, Timer::Mine));
    let (mut names, mut headers) = (0, 0);
    stage.run_while(Duration::from_secs(10), |stage| {
        for flight in stage.flights() {
            match &flight.message {
                Message::GetHeaders { locator } => names = locator.len(),
                Message::Headers { headers: sent } => headers = sent.len(),
                _ => {}
            }
        }
        stage.chain(1).len() < stage.chain(0).len()
    });
    assert_eq!(tip(&stage, 1), tip(&stage, 0), "reorganised by 300 blocks");
    assert!((302..=302 + 512).contains(&headers), "at most the next power of two too many: {headers}");
    assert!(names <= 10 + 11, "{names} names for 1300 blocks");
}

#[test]
fn an_orphan_flood_is_bounded_and_does_not_stop_a_node() {
    let mut stage = weighted(&[1, 0], plain());
    (0..2).for_each(|node| stage.boot(node));
    for seconds in 0..200u64 {
        let nowhere = made(&stage, &genesis(&stage), 1_000 + seconds, Vec::new());
        let orphan = made(&stage, &nowhere, 1_001, Vec::new());
        stage.inject(0, 1, Message::Block(orphan));
    }
    while stage.flights().count() > 0 {
        stage.run(Duration::from_millis(1));
        assert!(stage.node(1).orphans.len() <= 16);
    }
    find(&mut stage, 0);
    assert_eq!(stage.chain(1).len(), 2);
}

// ---- Crashes ----

#[test]
fn a_crash_between_any_two_effects_leaves_a_chain_that_can_go_on() {
    for fuse in 0..60 {
        let mut stage = Stage::new(3, confirmations(2));
        for found in 0..6 {
            find(&mut stage, found % 3);
        }
        stage.crash_after_effects(0, fuse);
        (0..5).for_each(|_| find(&mut stage, 1));
        let durable = stage.finalized(0).to_vec();
        let logged = stage.log(0).len();
        stage.crash(0);
        stage.boot(0);
        assert_eq!(stage.chain(0).len(), logged + 1, "fuse {fuse}: the log rebuilds the tip");
        assert_eq!(&stage.chain(0)[..durable.len()], durable, "fuse {fuse}: what was final stays");
        // Two to catch up by: the peer asked at boot, or the next block.
        find(&mut stage, 1);
        stage.run(Duration::from_secs(1));
        assert_eq!(tip(&stage, 0), tip(&stage, 1), "fuse {fuse}");
        assert_eq!(stage.disagreement(&[0, 1, 2]), None);
    }
}

#[test]
fn after_any_cuts_losses_and_crashes_the_nodes_meet_again_on_one_chain() {
    for seed in 0..40 {
        let mut random = Stream::new(seed, "chaos", 0, 0);
        let mut stage = Stage::new(4, confirmations(1_000));
        for _ in 0..80 {
            let (node, other) = (random.index(4), random.index(4));
            match random.below(8) {
                0 => stage.cut(node, other),
                1 if random.chance(0.3) => stage.heal(),
                2 => stage.crash_after_effects(node, random.below(9) as u32),
                3 => {
                    stage.crash(node);
                    stage.boot(node);
                }
                4 => drop(stage.lose(|flight| flight.to == NodeId::from(node))),
                5 => stage.run(Duration::from_secs(random.below(200))),
                _ => drop(stage.fire(node, Timer::Mine)),
            }
            stage.run(Duration::from_millis(random.below(3)));
        }
        stage.heal();
        for node in 0..4 {
            stage.crash_after_effects(node, u32::MAX);
            if !stage.is_up(node) {
                stage.boot(node);
            }
        }
        (0..100).for_each(|_| find(&mut stage, 0));
        // Bodies that were asked for and lost are missed after a while; headers after two minutes, which do not pass.
        stage.run(Duration::from_secs(64));
        (0..3).for_each(|_| find(&mut stage, 0));
        for node in 1..4 {
            assert_eq!(tip(&stage, node), tip(&stage, 0), "seed {seed}: n{node}");
        }
    }
}

#[test]
fn the_log_starts_anew_at_checkpoints_and_still_rebuilds_the_chain_and_its_rivals() {
    let mut stage = weighted(&[1, 0], confirmations(6));
    (0..2).for_each(|node| stage.boot(node));
    (0..148).for_each(|_| find(&mut stage, 0));
    let rival = made(&stage, &tip(&stage, 1), 3_100, Vec::new());
    stage.inject(0, 1, Message::Block(rival.clone()));
    stage.cut(1, 0);
    stage.run(Duration::from_millis(2));
    stage.heal();
    assert_eq!(tip(&stage, 1), rival);
    (0..2).for_each(|_| find(&mut stage, 0));
    let Some(Record::Checkpoint(blocks)) = stage.log(1).first() else { panic!("block 144 is final") };
    assert_eq!(
        (stage.log(1).len(), blocks.len()),
        (1, 7),
        "six blocks above the final one, and the rival of the fifth"
    );
    let before = tip(&stage, 1);
    stage.crash(1);
    stage.boot(1);
    assert_eq!((tip(&stage, 1), tip(&stage, 1).height()), (before, Height(150)));
    assert!(stage.node(1).find(&rival.id(), stage.tree()).is_some());
    (0..200).for_each(|_| find(&mut stage, 0));
    assert_eq!(tip(&stage, 1), tip(&stage, 0));
    assert!(stage.log(1).len() <= CHECKPOINT_EVERY as usize);
}

// ---- Grinding ----

#[test]
fn a_ground_block_meets_its_target_and_takes_the_time_of_its_tries() {
    let config = Config { mining: Mining::Ground, hash_rate: 1, retarget: 0, ..plain() };
    let mut stage = Stage::new(4, config);
    stage.run_while(Duration::MAX, |stage| stage.chain(0).len() <= 300);
    let chain = stage.chain(0);
    for block in &chain[1..] {
        let target = Target::from_compact(bits_of(&block.header).unwrap()).unwrap();
        assert!(target.is_met_by(&block.id()));
    }
    let mean = stage.now().as_secs_f64() / 300.0;
    // Geometric tries of mean 2400 at four per second: 600 s each, four standard errors.
    assert!((mean - 600.0).abs() < 4.0 * 600.0 / 300f64.sqrt(), "{mean}");
}

#[test]
fn when_the_nonces_are_used_up_the_time_moves_on() {
    let stage = Stage::new(1, plain());
    let mut header = made(&stage, &genesis(&stage), 5, Vec::new()).header;
    header.seal = Seal::Work { bits: difficulty::LIMIT_BITS, nonce: u32::MAX - 1 };
    let start = header.time;
    let target = Target::of_hashes(1_000);
    let tries = grind(&mut header, target, 1_000_000).unwrap();
    assert!(tries > 2 && target.is_met_by(&header.id()));
    assert_eq!(header.time, start + Duration::from_secs(1));
}

// ---- GHOST ----

#[test]
fn ghost_follows_the_heavier_subtree_and_most_work_the_longer_chain() {
    for (choice, wins) in [(ForkChoice::MostWork, "long"), (ForkChoice::Ghost, "bushy")] {
        let mut stage = weighted(&[1, 0], Config { fork_choice: choice, ..plain() });
        stage.boot(1);
        let root = genesis(&stage);
        let long: Vec<Arc<Block>> = (0..3)
            .scan(root.clone(), |parent, n| {
                *parent = made(&stage, parent, 10 + n, Vec::new());
                Some(parent.clone())
            })
            .collect();
        let stem = made(&stage, &root, 100, Vec::new());
        let leaves: Vec<Arc<Block>> = (0..3).map(|n| made(&stage, &stem, 200 + n, Vec::new())).collect();
        for block in long.iter().chain([&stem]).chain(&leaves) {
            stage.inject(0, 1, Message::Block(block.clone()));
            stage.run(Duration::from_millis(2));
        }
        let expected = if wins == "long" { &long[2] } else { &leaves[0] };
        assert_eq!(&tip(&stage, 1), expected, "{wins}");
    }
}

#[test]
fn in_any_tree_the_tip_is_best_by_its_rule_whatever_came_in_which_order() {
    for (seed, choice) in (0..12).flat_map(|seed| [(seed, ForkChoice::MostWork), (seed, ForkChoice::Ghost)]) {
        let mut random = Stream::new(seed, "trees", 0, 0);
        let mut stage = weighted(&[1, 0], Config { fork_choice: choice, ..plain() });
        stage.boot(1);
        let mut blocks = vec![genesis(&stage)];
        for n in 0..50u64 {
            let parent = blocks[blocks.len().saturating_sub(6).max(random.index(blocks.len()))].clone();
            blocks.push(made(&stage, &parent, 100 + n, Vec::new()));
            stage.inject(0, 1, Message::Block(blocks.last().unwrap().clone()));
            stage.run(Duration::from_millis(2));
            let (tree, node) = (stage.tree(), stage.node(1));
            let all = || (0..tree.len() as u32).map(BlockIndex);
            assert_eq!(tree.block(node.tip()), &tip(&stage, 1), "the chain reported is the chain chosen");
            match choice {
                ForkChoice::MostWork => assert!(all().all(|other| tree.height(other) <= tree.height(node.tip()))),
                ForkChoice::Ghost => {
                    let weight = |root| all().filter(|at| tree.is_ancestor(root, *at)).count();
                    let on_path = |at: &BlockIndex| tree.is_ancestor(*at, node.tip());
                    for child in all().filter(on_path).skip(1) {
                        let mut rivals = all().skip(1).filter(|at| tree.parent(*at) == tree.parent(child));
                        assert!(rivals.all(|rival| weight(rival) <= weight(child)), "seed {seed}, block {n}");
                    }
                    assert!(all().skip(1).all(|at| tree.parent(at) != node.tip()), "the tip is a leaf");
                }
            }
        }
    }
}

// ---- Attacks ----

/// The share of a withholding pool in the best chain after `blocks`.
fn revenue(attack: &str, power: [u64; 2], blocks: usize) -> f64 {
    let mut stage = weighted(&power, plain());
    stage.set_attack(0, attack);
    (0..2).for_each(|node| stage.boot(node));
    stage.run_while(Duration::MAX, |stage| stage.chain(1).len() <= blocks);
    let chain = &stage.chain(1)[1..];
    chain.iter().filter(|block| block.header.proposer == NodeId(0)).count() as f64 / chain.len() as f64
}

#[test]
fn a_selfish_pool_earns_by_the_law_of_eyal_and_sirer() {
    for (power, law) in [([2, 3], 0.48372), ([1, 4], 0.12967), ([1, 2], 0.33333)] {
        let seen = revenue("selfish", power, 30_000);
        assert!((seen - law).abs() < 0.01, "{power:?}: {seen} against {law}");
    }
}

#[test]
fn stubborn_pools_play_on_and_differ_from_the_selfish_one() {
    let fair = 0.4;
    let selfish = revenue("selfish", [2, 3], 10_000);
    for attack in ["lead_stubborn", "equal_fork_stubborn", "trail_stubborn"] {
        let seen = revenue(attack, [2, 3], 10_000);
        assert!(seen > fair - 0.1 && seen < 0.6, "{attack}: {seen}");
        assert!((seen - selfish).abs() > 1e-4, "{attack} is another strategy");
    }
}

#[test]
fn a_private_chain_longer_than_the_confirmations_undoes_a_final_block() {
    let mut stage = weighted(&[45, 55], Config { retarget: 0, ..confirmations(3) });
    stage.set_attack(0, "double_spend");
    (0..2).for_each(|node| stage.boot(node));
    let mut final_once: Vec<Hash> = Vec::new();
    let undone = stage.run_while(Duration::from_secs(86_400 * 30), |stage| {
        let now: Vec<Hash> = stage.finalized(1).iter().map(|block| block.id()).collect();
        let is_kept = now.iter().zip(&final_once).all(|(now, then)| now == then);
        final_once = now;
        is_kept
    });
    assert!(undone, "an attacker of 45 % succeeds against three confirmations within a month");
}

// ---- Robustness ----

/// A header of random fields, sealed whenever that takes few tries.
fn junk(parents: &[Hash], random: &mut Stream) -> Header {
    let bits = [difficulty::LIMIT_BITS, 0x1d00_ffff, 0x1f4d_6f8f, random.next_u64() as u32][random.index(4)];
    let height = [random.below(6), random.next_u64()][random.index(2)];
    let mut header = Header {
        parent: parents[random.index(parents.len())],
        height: Height(height),
        merkle: Hash::ZERO,
        time: Time::ZERO + Duration::from_secs(random.below(20_000)),
        proposer: NodeId(random.next_u64() as u32),
        seal: Seal::Work { bits, nonce: 0 },
    };
    grind(&mut header, Target::limit(), 1_000);
    header
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_message_makes_a_node_panic_or_leave_its_chain(
        seed in any::<u64>(),
        picks in proptest::collection::vec((0u8..5, 0usize..6), 1..20),
    ) {
        let mut stage = weighted(&[1, 0, 0], plain());
        (0..3).for_each(|node| stage.boot(node));
        (0..3).for_each(|_| find(&mut stage, 0));
        let ids: Vec<Hash> = stage.chain(0).iter().map(|block| block.id()).chain([Hash::ZERO, Hash::of(b"?")]).collect();
        let mut random = Stream::new(seed, "junk", 0, 0);
        for (kind, count) in picks {
            let mut header = || junk(&ids, &mut random);
            let message = match kind {
                0 => Message::Block(Block::new(header(), Batch::empty())),
                1 => Message::Block(Block::new(header(), Batch::new(vec![stage.transaction(1, 1)]))),
                2 => Message::GetHeaders { locator: (0..count).map(|_| ids[random.index(ids.len())]).collect() },
                3 => Message::Headers { headers: (0..count).map(|_| header()).collect() },
                _ => Message::GetBlocks { ids: (0..count).map(|_| ids[random.index(ids.len())]).collect() },
            };
            stage.inject(1, 2, message);
            stage.run(Duration::from_millis(1));
        }
        stage.run(Duration::from_secs(1));
        find(&mut stage, 0);
        prop_assert_eq!(tip(&stage, 2).id(), tip(&stage, 0).id());
    }
}

#[test]
fn a_node_takes_little_memory() {
    assert!(size_of::<Nakamoto>() <= 256, "{} bytes", size_of::<Nakamoto>());
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let key = |config: Config| Nakamoto::check(&config, 4).err().map(|invalid| invalid.key);
    assert_eq!(key(Config::default()), None);
    assert_eq!(key(Config { spacing: Duration::ZERO, ..Config::default() }), Some("spacing"));
    assert_eq!(key(Config { retarget: 1, ..Config::default() }), Some("retarget"));
    assert_eq!(key(Config { hash_rate: 0, ..Config::default() }), Some("hash_rate"));
    let ground = |hash_rate| Config { mining: Mining::Ground, hash_rate, ..Config::default() };
    assert_eq!((key(ground(16_666)), key(ground(16_667))), (None, Some("hash_rate")), "ten million hashes in 600 s");
    assert_eq!(key(Config { mining: Mining::Simulated, ..ground(u64::MAX) }), None, "simulated mining computes none");
    let finality = finality::Finality { q: 0.5, ..finality::Finality::default() };
    assert_eq!(key(Config { finality, ..Config::default() }), Some("finality.q"));
}

#[test]
fn a_scenario_sets_what_it_names_and_nothing_unknown() {
    let text = "spacing = '10 s'\nmining = 'ground'\nfork_choice = 'ghost'\n[finality]\nq = 0.3\nrule = 'nakamoto'";
    let config: Config = toml::from_str(text).unwrap();
    assert_eq!((config.spacing, config.finality.depth()), (Duration::from_secs(10), 24));
    assert_eq!((config.mining, config.fork_choice), (Mining::Ground, ForkChoice::Ghost));
    assert!(toml::from_str::<Config>("spacing_s = 10").is_err());
    let written = toml::to_string(&Config::default()).unwrap();
    assert_eq!(toml::from_str::<Config>(&written).unwrap(), Config::default());
}

#[test]
fn sizes_on_the_wire_are_those_of_bitcoin() {
    let stage = Stage::new(1, plain());
    let block = made(&stage, &genesis(&stage), 1, Vec::new());
    assert_eq!(Message::Block(block.clone()).bytes(), 24 + 80);
    assert_eq!(Message::Headers { headers: vec![block.header; 2].into() }.bytes(), 24 + 3 + 2 * 81);
    assert_eq!(Message::GetBlocks { ids: vec![block.id(); 3].into() }.bytes(), 24 + 1 + 3 * 36);
    assert_eq!(Message::GetHeaders { locator: vec![block.id(); 30].into() }.bytes(), 24 + 5 + 31 * 32);
}
