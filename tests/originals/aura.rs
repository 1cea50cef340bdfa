//! Aura: what `OpenEthereum`'s tests of the engine `authority_round` (`lib.rs`, `finality.rs`) and Nethermind's of its seal
//! validator, step calculator and finalization know.

use ledgerlab::base::{Duration, NodeId, Time};
use ledgerlab::chain::{Batch, Block, Header, Limit};
use ledgerlab::consensus::aura::{Aura, Config, Finality, Message, Sealed};
use ledgerlab::protocol::testing::TestCluster;
use ledgerlab::protocol::{Protocol, note};
use std::sync::Arc;

const STEP: u64 = 5;

/// A validator that only listens: the last of `n`, in this step of its clock.
fn listener(n: usize, finality: Finality, step: u64) -> TestCluster<Aura> {
    let block = Limit { bytes: 600, transactions: 2 };
    let mut stage = TestCluster::empty(n, Config { finality, block_limit: block, ..Config::default() });
    stage.run_until(Time::ZERO + Duration::from_secs(step * STEP));
    stage.boot(n - 1);
    stage
}

/// A block of a step by its primary, or by another.
fn seal(stage: &TestCluster<Aura>, parent: &Arc<Block>, step: u64, author: u32, payments: u64) -> Arc<Sealed> {
    let batch = Batch::new((0..payments).map(|nonce| stage.transaction(1, nonce)).collect());
    let header = Header {
        parent: parent.id(),
        height: parent.height().next(),
        merkle: batch.digest(),
        time: Time::ZERO + Duration::from_secs(step * STEP),
        proposer: NodeId(author),
        seal: Sealed::fields(step),
    };
    let block = Block::new(header, batch);
    let signature = stage.keys().sign(author, &Sealed::statement(&block.id()));
    Arc::new(Sealed { block, step, signature })
}

fn show(stage: &mut TestCluster<Aura>, sealed: &Arc<Sealed>) {
    let to = stage.committee().n() - 1;
    stage.inject(0, to, Message::Block(sealed.clone()));
    stage.run(Duration::from_millis(2));
}

fn has(stage: &TestCluster<Aura>, sealed: &Arc<Sealed>) -> bool {
    stage.chain(stage.committee().n() - 1).iter().any(|block| block.id() == sealed.block.id())
}

#[test]
fn seal_validation() {
    // Of four validators; the clock is in step 20; the parent is of step 10, by validator 2. Name, step, author, payments.
    let rows = [
        ("general valid: the next step", 11, 3, 0, true),
        ("skipped steps are no fault of the author", 15, 3, 0, true),
        ("the step of the clock", 20, 0, 0, true),
        ("proposer_switching: the same validator after a whole turn", 14, 2, 0, true),
        ("rejects_step_backwards: the step of the parent", 10, 2, 0, false),
        ("rejects_step_backwards: an earlier step", 9, 1, 0, false),
        ("proposer_switching: not the primary", 11, 2, 0, false),
        ("proposer_switching: the primary of the step before", 12, 3, 0, false),
        ("a validator that does not exist", 11, 7, 0, false),
        ("rejects_future_block: one step ahead waits", 21, 1, 0, false),
        ("rejects_future_block: five steps ahead", 25, 1, 0, false),
        ("as large as allowed", 11, 3, 2, true),
        ("larger than allowed", 11, 3, 3, false),
    ];
    for (name, step, author, payments, accepted) in rows {
        let mut stage = listener(4, Finality::Majority, 20);
        let parent = seal(&stage, &Block::genesis(), 10, 2, 0);
        show(&mut stage, &parent);
        assert!(has(&stage, &parent));
        let sealed = seal(&stage, &parent.block, step, author, payments);
        show(&mut stage, &sealed);
        assert_eq!(has(&stage, &sealed), accepted, "{name}");
    }
}

#[test]
fn can_do_signature_verification_fail() {
    let mut stage = listener(4, Finality::Majority, 20);
    let genuine = seal(&stage, &Block::genesis(), 11, 3, 0);
    let signature = stage.keys().sign(2, &Sealed::statement(&genuine.block.id()));
    let forged = Arc::new(Sealed { signature, ..(*genuine).clone() });
    show(&mut stage, &forged);
    assert!(!has(&stage, &forged));
    show(&mut stage, &genuine);
    assert!(has(&stage, &genuine));
}

#[test]
fn rejects_future_block() {
    // A block up to four steps ahead of the clock waits for its step; one further ahead never comes.
    for (ahead, comes) in [(1, true), (4, true), (5, false)] {
        let mut stage = listener(4, Finality::Majority, 20);
        let step = 20 + ahead;
        let sealed = seal(&stage, &Block::genesis(), step, (step % 4) as u32, 0);
        show(&mut stage, &sealed);
        assert!(!has(&stage, &sealed), "{ahead} ahead");
        stage.run_until(Time::ZERO + Duration::from_secs((step + 1) * STEP));
        assert_eq!(has(&stage, &sealed), comes, "{ahead} ahead");
    }
}

#[test]
fn reports_skipped() {
    // The steps between parent and block: the primaries that are reported benign.
    for (step, skipped) in [(2, 0), (3, 1), (6, 4)] {
        let mut stage = listener(4, Finality::Majority, 20);
        let parent = seal(&stage, &Block::genesis(), 1, 1, 0);
        show(&mut stage, &parent);
        let before = stage.notes(3).iter().filter(|(label, _)| *label == note::WASTED).count();
        let sealed = seal(&stage, &parent.block, step, (step % 4) as u32, 0);
        show(&mut stage, &sealed);
        let wasted = stage.notes(3).iter().filter(|(label, _)| *label == note::WASTED).count() - before;
        assert_eq!(wasted, skipped, "step {step}");
    }
}

#[test]
fn reports_multiple_blocks_per_step() {
    let mut stage = listener(4, Finality::Majority, 20);
    let one = seal(&stage, &Block::genesis(), 11, 3, 0);
    show(&mut stage, &one);
    assert!(stage.notes(3).iter().all(|(label, _)| *label != note::EVIDENCE));
    let other = seal(&stage, &Block::genesis(), 11, 3, 1);
    show(&mut stage, &other);
    let accused: Vec<u64> =
        stage.notes(3).iter().filter(|(label, _)| *label == note::EVIDENCE).map(|(_, node)| *node).collect();
    assert_eq!(accused, [3], "malicious");
}

#[test]
fn finality() {
    use Finality::{Majority, TwoThirds};
    // Validators, rule, the authors of a chain, how many of its blocks are final.
    let rows: [(&str, usize, Finality, &[u32], usize); 11] = [
        ("finalize_multiple: three authors of six", 6, Majority, &[0, 1, 2, 0, 1, 2], 0),
        ("finalize_multiple: a fourth author makes four final", 6, Majority, &[0, 1, 2, 0, 1, 2, 4], 4),
        ("one author signs alone", 3, Majority, &[0, 0, 0], 0),
        ("two of three", 3, Majority, &[0, 1], 1),
        ("two of four are not more than half", 4, Majority, &[0, 1, 0, 1], 0),
        ("three of four", 4, Majority, &[0, 1, 2], 1),
        ("three of five", 5, Majority, &[0, 1, 2], 1),
        ("two thirds: four of six are not more", 6, TwoThirds, &[0, 1, 2, 3], 0),
        ("two thirds: five of six", 6, TwoThirds, &[0, 1, 2, 3, 4], 1),
        ("two thirds: three of four", 4, TwoThirds, &[0, 1, 2], 1),
        ("two thirds: two of three are not more", 3, TwoThirds, &[0, 1, 0, 1], 0),
    ];
    for (name, n, rule, authors, finals) in rows {
        let mut stage = listener(n, rule, 100);
        let (mut parent, mut step) = (Block::genesis(), 0);
        for author in authors {
            step += 1;
            while step % n as u64 != u64::from(*author) {
                step += 1;
            }
            let sealed = seal(&stage, &parent, step, *author, 0);
            show(&mut stage, &sealed);
            assert!(has(&stage, &sealed), "{name}");
            parent = sealed.block.clone();
        }
        assert_eq!(stage.finalized(n - 1).len() - 1, finals, "{name}");
    }
}

#[test]
fn score() {
    // Two chains from genesis, as steps of their blocks, shown one after the other: which one is adopted.
    let rows: [(&str, &[u64], &[u64], bool); 5] = [
        ("more blocks are heavier", &[1], &[2, 3], true),
        ("more blocks are heavier, whatever their steps", &[1], &[6, 7], true),
        ("of equally long ones that with fewer steps", &[2], &[1], true),
        ("of equally long ones not that with more steps", &[1], &[2], false),
        ("fewer blocks are lighter", &[2, 3], &[1], false),
    ];
    for (name, first, second, second_wins) in rows {
        let mut stage = listener(8, Finality::Majority, 20);
        let mut tips = Vec::new();
        for steps in [first, second] {
            let mut parent = Block::genesis();
            for step in steps {
                let sealed = seal(&stage, &parent, *step, (*step % 8) as u32, 0);
                show(&mut stage, &sealed);
                parent = sealed.block.clone();
            }
            tips.push(parent.id());
        }
        let tip = stage.chain(7).last().map(|block| block.id());
        assert_eq!(tip, Some(tips[usize::from(second_wins)]), "{name}");
    }
}

#[test]
fn generates_seal_and_does_not_double_propose() {
    let mut stage: TestCluster<Aura> = TestCluster::empty(4, Config::default());
    stage.boot(1);
    let payment = stage.transaction(1, 0);
    stage.submit(1, &payment);
    stage.run_until(Time::ZERO + Duration::from_secs(STEP));
    let height = |stage: &TestCluster<Aura>| stage.chain(1).len() - 1;
    assert_eq!(height(&stage), 1, "step 1 is its own");
    let more = stage.transaction(1, 1);
    stage.submit(1, &more);
    stage.run_until(Time::ZERO + Duration::from_millis(5_000 * STEP - 1));
    assert_eq!(height(&stage), 1, "none more in this step, nor in those of others");
    stage.crash(1);
    stage.boot(1);
    stage.submit(1, &more);
    stage.run_until(Time::ZERO + Duration::from_secs(5 * STEP));
    assert_eq!(height(&stage), 2, "in its next step one more");
}

#[test]
fn test_zero_step_duration() {
    for (seconds, allowed) in [(0, false), (1, true), (65_535, true), (65_536, false)] {
        let config = Config { step: Duration::from_secs(seconds), ..Config::default() };
        assert_eq!(Aura::check(&config, 4).is_ok(), allowed, "{seconds} s");
    }
}
