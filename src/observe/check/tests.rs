//! Each checker finds the bug that is planted for it, says where, and is silent on a good history.

use super::*;
use crate::base::{AccountId, ClientId, Crypto, Hash, Height, Keyring};
use crate::chain::{Block, Transaction};
use crate::observe::testing::{Feed, child, ms, node, payment, root};
use std::sync::Arc;

const ALL: u32 = 3;

fn suite(byzantine: &[u32], progress: Option<Duration>) -> Feed<Checkers> {
    let byzantine = byzantine.iter().map(|&n| node(n)).collect();
    Feed::new(Checkers::new(&Settings { byzantine, progress, ..Settings::new(ALL as usize) }))
}

/// A chain of `length` blocks with one submitted payment each.
fn chain(length: u64) -> (Vec<Arc<Block>>, Vec<Arc<Transaction>>) {
    let payments: Vec<_> = (0..length).map(payment).collect();
    let mut blocks = vec![Block::genesis()];
    for payment in &payments {
        let next = child(&blocks[blocks.len() - 1], 0, std::slice::from_ref(payment));
        blocks.push(next);
    }
    (blocks, payments)
}

#[test]
fn a_good_history_with_forks_crashes_and_snapshots_breaks_nothing() {
    let mut feed = suite(&[], Some(Duration::from_millis(100)));
    let (blocks, payments) = chain(5);
    let fork = child(&blocks[1], 2, &payments[1..3]);
    feed.boot(ALL);
    payments.iter().for_each(|payment| feed.submit(1, 0, payment));
    (0..ALL).for_each(|n| feed.decide(10, n, &blocks[1]));
    feed.extend(20, 2, &fork);
    (0..2).for_each(|n| feed.decide(30, n, &blocks[2]));
    feed.rewind(40, 2, 2, 1, 1);
    (2..=3).for_each(|at| feed.decide(50, 2, &blocks[at]));
    feed.crash(60, 2);
    feed.decide(65, 0, &blocks[3]);
    feed.reboot(70, 2, 1, &blocks[3]);
    (4..=5).for_each(|at| feed.decide(80, 0, &blocks[at]));
    feed.install(85, 1, &blocks[4]);
    feed.decide(90, 1, &blocks[5]);
    feed.notify(95, &Observed::Audited { block: &blocks[5], broken: None });
    feed.end(500);
    assert_eq!(feed.texts(), [""; 0]);
    assert!(feed.observer.verdict().is_clean());
}

#[test]
fn two_blocks_final_at_one_height_break_agreement_once_per_block() {
    let mut feed = Feed::new(Agreement::new(vec![true, true, true, false]));
    let (genesis, wrong) = (Block::genesis(), payment(7));
    let (one, other) = (child(&genesis, 0, &[]), child(&genesis, 1, &[wrong]));
    feed.finalize(10, 0, &one);
    feed.finalize(15, 3, &other);
    assert_eq!(feed.texts(), [""; 0], "a Byzantine node may say what it likes");
    feed.finalize(20, 1, &other);
    feed.finalize(30, 2, &other);
    let expected = format!(
        "agreement at 20ms: n1 finalized block {} at height 1, where n0 had finalized block {} at 10ms",
        other.id(),
        one.id()
    );
    assert_eq!(feed.texts(), [expected]);
}

#[test]
fn a_snapshot_of_another_chain_breaks_agreement() {
    let mut feed = Feed::new(Agreement::new(vec![true; 2]));
    let genesis = Block::genesis();
    feed.finalize(10, 0, &child(&genesis, 0, &[]));
    feed.install(20, 1, &child(&genesis, 1, &[]));
    assert_eq!(feed.found.len(), 1);
}

#[test]
fn a_transaction_that_no_client_submitted_violates_validity() {
    let mut feed = suite(&[], None);
    let (blocks, _) = chain(1);
    feed.boot(ALL);
    feed.extend(10, 1, &blocks[1]);
    feed.extend(11, 2, &blocks[1]);
    let expected = format!(
        "validity at 10ms: n1 has block {} at height 1: no client submitted its transaction {}",
        blocks[1].id(),
        payment(0).id()
    );
    assert_eq!(feed.texts(), [expected]);
}

#[test]
fn a_forged_copy_of_a_submitted_transaction_breaks_validity() {
    let mut feed = Feed::new(Validity::new(vec![true]));
    let keys = Keyring::new(Crypto::Symbolic, 1, "account", 2);
    let forged = payment(0).forged();
    assert!(payment(0).is_signed(&keys) && !forged.is_signed(&keys));
    feed.submit(1, 0, &payment(0));
    feed.extend(10, 0, &child(&Block::genesis(), 0, &[forged]));
    assert!(feed.texts()[0].contains("differs from the one submitted"), "{:?}", feed.texts());
}

#[test]
fn a_transaction_executed_twice_on_a_chain_breaks_validity_but_not_on_two_branches() {
    let mut feed = Feed::new(Validity::new(vec![true, true]));
    let once = [payment(0)];
    feed.submit(1, 0, &once[0]);
    let first = child(&Block::genesis(), 0, &once);
    let rival = child(&Block::genesis(), 1, &once);
    feed.extend(10, 0, &first);
    feed.extend(11, 1, &rival);
    assert_eq!(feed.texts(), [""; 0]);
    let empty = child(&first, 0, &[]);
    feed.extend(20, 0, &empty);
    feed.extend(30, 0, &child(&empty, 0, &once));
    assert_eq!(feed.found.len(), 1);
    let expected = format!("executed before on the same chain, in block {} at height 1", first.id());
    assert!(feed.texts()[0].ends_with(&expected), "{:?}", feed.texts());
}

#[test]
fn a_transaction_ordered_twice_may_have_its_effect_once() {
    let mut feed = Feed::new(Validity::new(vec![true]));
    let once = [payment(0)];
    feed.submit(1, 0, &once[0]);
    let first = child(&Block::genesis(), 0, &once);
    feed.extend(10, 0, &first);
    let second = child(&first, 1, &once);
    feed.notify(20, &Observed::Extended { node: node(0), block: &second, executed: &[false], root: root(&second) });
    assert_eq!(feed.texts(), [""; 0]);
    let third = child(&second, 0, &[payment(0), payment(0)]);
    feed.extend(30, 0, &third);
    assert_eq!(feed.found.len(), 1, "not even twice in one block");
}

#[test]
fn coinbases_out_of_place_break_validity() {
    let coinbase = |height| Transaction::coinbase(AccountId(0), Height(height), 50);
    let said = |transactions: &[Arc<Transaction>]| {
        let mut feed = Feed::new(Validity::new(vec![true]));
        feed.extend(10, 0, &child(&Block::genesis(), 0, transactions));
        feed.texts().join("")
    };
    assert_eq!(said(&[coinbase(1)]), "");
    assert!(said(&[coinbase(1), coinbase(1)]).contains("a coinbase at position 1"));
    assert!(said(&[coinbase(2)]).contains("its coinbase is that of height 2"));
}

#[test]
fn a_block_or_snapshot_out_of_nowhere_breaks_validity() {
    let mut feed = Feed::new(Validity::new(vec![true, true]));
    let (blocks, payments) = chain(3);
    payments.iter().for_each(|payment| feed.submit(1, 0, payment));
    feed.extend(10, 0, &blocks[2]);
    feed.install(20, 1, &blocks[3]);
    let texts = feed.texts();
    assert!(texts[0].contains("no chain leads to its parent"), "{texts:?}");
    assert!(texts[1].contains("no honest node had it on its chain"), "{texts:?}");
    assert_eq!(texts.len(), 2);
}

#[test]
fn what_an_audit_finds_breaks_conservation() {
    let mut feed = suite(&[], None);
    let block = child(&Block::genesis(), 0, &[]);
    feed.notify(10, &Observed::Audited { block: &block, broken: Some("minted 7 too many") });
    let expected = format!("conservation at 10ms: after block {} at height 1: minted 7 too many", block.id());
    assert_eq!(feed.texts(), [expected]);
}

#[test]
fn different_roots_after_one_block_break_roots_once() {
    let mut feed = Feed::new(Roots::new(vec![true, true, true, false]));
    let block = child(&Block::genesis(), 0, &[]);
    let wrong = Hash::of(b"wrong");
    feed.extend(10, 0, &block);
    feed.notify(11, &Observed::Extended { node: node(3), block: &block, executed: &[], root: wrong });
    feed.finalize(12, 0, &block);
    assert_eq!(feed.texts(), [""; 0]);
    feed.notify(20, &Observed::Installed { node: node(1), block: &block, root: wrong });
    feed.notify(30, &Observed::Finalized { node: node(2), block: &block, executed: &[], root: wrong });
    let expected = format!(
        "roots at 20ms: n1 installed block {} at height 1 with root {wrong}, of which n0 had said {}",
        block.id(),
        root(&block)
    );
    assert_eq!(feed.texts(), [expected]);
}

#[test]
fn a_chain_cut_below_what_is_final_breaks_finality() {
    let mut feed = suite(&[], None);
    let (blocks, payments) = chain(3);
    payments.iter().for_each(|payment| feed.submit(1, 0, payment));
    feed.boot(1);
    (1..=2).for_each(|at| feed.decide(10, 0, &blocks[at]));
    feed.extend(20, 0, &blocks[3]);
    feed.rewind(30, 0, 3, 2, 2);
    assert_eq!(feed.texts(), [""; 0], "what is not final may be cut off");
    feed.rewind(40, 0, 2, 0, 2);
    assert_eq!(feed.texts(), ["finality at 40ms: n0 cut its chain from height 2 to 0 though it was final up to 2"]);
}

#[test]
fn final_blocks_that_are_no_chain_break_finality() {
    let (blocks, _) = chain(3);
    let feed = |at: usize, second: &Arc<Block>| {
        let mut feed = Feed::new(Finality::new(vec![true]));
        feed.boot(1);
        feed.finalize(10, 0, &blocks[at]);
        feed.finalize(20, 0, second);
        feed.texts()
    };
    assert_eq!(feed(1, &blocks[2]), [""; 0]);
    assert!(feed(1, &blocks[3])[0].contains("at height 3 after height 1: a gap or a repetition"));
    assert!(feed(1, &blocks[1])[0].contains("a gap or a repetition"));
    let unconnected = child(&child(&Block::genesis(), 9, &[]), 9, &[]);
    assert!(feed(1, &unconnected)[0].contains("whose parent is"));
}

#[test]
fn a_snapshot_of_the_past_breaks_finality() {
    let mut feed = Feed::new(Finality::new(vec![true]));
    let (blocks, _) = chain(3);
    feed.boot(1);
    (1..=3).for_each(|at| feed.finalize(10, 0, &blocks[at]));
    feed.install(20, 0, &blocks[3]);
    assert_eq!(feed.texts(), [""; 0]);
    feed.install(30, 0, &blocks[2]);
    assert!(feed.texts()[0].contains("though its chain was final up to 3"));
}

#[test]
fn a_final_block_that_a_crash_forgot_breaks_durability() {
    let (blocks, _) = chain(4);
    let after = |durable: &Arc<Block>| {
        let mut feed = Feed::new(Durability::new(vec![true; 2]));
        feed.boot(2);
        (1..=4).for_each(|at| feed.finalize(10, 1, &blocks[at]));
        (1..=2).for_each(|at| feed.finalize(20, 0, &blocks[at]));
        feed.crash(30, 0);
        feed.reboot(40, 0, 1, durable);
        feed.texts()
    };
    for more in [&blocks[2], &blocks[3], &blocks[4]] {
        assert_eq!(after(more), [""; 0]);
    }
    let expected = format!(
        "durability at 40ms: n0 came back (boot 1) with block {} at height 1 durable, which does not contain block {} at \
         height 2, final before the crash",
        blocks[1].id(),
        blocks[2].id()
    );
    assert_eq!(after(&blocks[1]), [expected]);
    assert_eq!(after(&child(&blocks[1], 5, &[])).len(), 1, "another block at the same height");
    assert_eq!(after(&child(&child(&blocks[1], 5, &[]), 5, &[])).len(), 1, "a higher block on another chain");
}

fn progress(bound: u64, tolerated: &[u32]) -> Feed<Progress> {
    let honest = vec![true, true, false];
    let mut feed = Feed::new(Progress::new(honest, Duration::from_millis(bound), tolerated.iter().copied().collect()));
    feed.boot(3);
    feed
}

#[test]
fn a_transaction_that_waits_too_long_breaks_progress_once_per_gap() {
    let mut feed = progress(100, &[]);
    let (blocks, payments) = chain(2);
    feed.submit(10, 0, &payments[0]);
    feed.submit(60, 0, &payments[1]);
    feed.finalize(110, 1, &blocks[1]);
    assert_eq!(feed.texts(), [""; 0], "just in time");
    feed.finalize(120, 0, &blocks[1]);
    feed.finalize(211, 1, &blocks[2]);
    feed.end(900);
    let expected = "progress at 210ms: expected a transaction to become final within 100ms of 110ms; 1 were pending, 1 \
                    had become final before";
    assert_eq!(feed.texts(), [expected]);
}

#[test]
fn a_run_that_ends_stuck_breaks_progress_and_one_with_nothing_to_do_does_not() {
    let mut feed = progress(100, &[]);
    feed.end(5_000);
    assert_eq!(feed.texts(), [""; 0]);
    feed.submit(5_000, 2, &payment(2));
    feed.crash(5_000, 1);
    feed.submit(5_000, 1, &payment(1));
    feed.end(9_000);
    assert_eq!(feed.texts(), [""; 0], "handed to a Byzantine node, and to one that is down");
    feed.submit(9_000, 0, &payment(0));
    feed.end(9_100);
    assert_eq!(feed.texts(), [""; 0], "still within the bound");
    feed.end(9_101);
    assert_eq!(feed.found.len(), 1);
    assert_eq!(feed.found[0].kind, ViolationKind::Liveness);
}

#[test]
fn empty_blocks_are_no_progress() {
    let mut feed = progress(100, &[]);
    feed.submit(0, 0, &payment(0));
    feed.finalize(90, 0, &child(&Block::genesis(), 0, &[]));
    feed.end(101);
    assert_eq!(feed.found.len(), 1);
}

#[test]
fn a_refusal_at_home_ends_the_wait() {
    let mut feed = progress(100, &[]);
    let transaction = payment(0);
    let refused = |n| Observed::Refused { node: node(n), transaction: &transaction, reason: "full" };
    feed.submit(0, 0, &payment(0));
    feed.notify(50, &refused(1));
    feed.end(101);
    assert_eq!(feed.found.len(), 1, "another node's mempool does not matter");
    let mut feed = progress(100, &[]);
    feed.submit(0, 0, &payment(0));
    feed.notify(50, &refused(0));
    feed.end(101);
    assert_eq!(feed.texts(), [""; 0]);
}

#[test]
fn a_fault_excuses_until_it_is_healed_unless_it_must_be_survived() {
    let run = |tolerated: &[u32]| {
        let mut feed = progress(100, tolerated);
        feed.submit(0, 0, &payment(0));
        feed.notify(50, &Observed::FaultBegan { fault: 7, label: "partition" });
        feed.end(1_000);
        let during = feed.found.len();
        feed.notify(1_000, &Observed::FaultEnded { fault: 7 });
        feed.end(1_100);
        assert_eq!(feed.found.len(), during, "healed a moment ago");
        feed.end(1_101);
        (during, feed.found.len())
    };
    assert_eq!(run(&[]), (0, 1));
    assert_eq!(run(&[7]), (1, 1), "neither its beginning nor its end starts the clock anew: it is one gap");
}

#[test]
fn the_suite_counts_everything_and_keeps_the_first() {
    let mut settings = Settings::new(2);
    settings.keep = 3;
    settings.progress = Some(Duration::from_millis(100));
    let mut feed = Feed::new(Checkers::new(&settings));
    feed.boot(2);
    feed.submit(0, 0, &payment(0));
    let block = child(&Block::genesis(), 0, &[]);
    for _ in 0..5 {
        feed.notify(10, &Observed::Audited { block: &block, broken: Some("gone") });
    }
    feed.notify(20, &Observed::Answered { client: ClientId(0), transaction: payment(0).id(), executed: true });
    feed.end(200);
    let verdict = feed.observer.verdict();
    assert_eq!(verdict.violations.len(), 3);
    assert_eq!(verdict.violations[0].at, ms(10));
    assert_eq!(verdict.counts, [("conservation", ViolationKind::Safety, 5), ("progress", ViolationKind::Liveness, 1)]);
    assert_eq!((verdict.count(ViolationKind::Safety), verdict.count(ViolationKind::Liveness)), (5, 1));
    assert_eq!(feed.found.len(), 6, "each is returned as well");
}

#[test]
fn the_suite_runs_every_checker() {
    let mut feed = suite(&[], Some(Duration::from_millis(100)));
    let (blocks, payments) = chain(2);
    let rival = child(&Block::genesis(), 1, &[]);
    feed.boot(ALL);
    feed.submit(1, 0, &payments[0]);
    feed.submit(1, 0, &payments[1]);
    feed.decide(10, 0, &blocks[1]);
    feed.decide(11, 1, &rival);
    feed.rewind(20, 0, 1, 0, 1);
    feed.extend(30, 2, &child(&Block::genesis(), 2, &[payment(9)]));
    feed.notify(40, &Observed::Audited { block: &rival, broken: Some("gone") });
    feed.notify(50, &Observed::Extended { node: node(2), block: &rival, executed: &[], root: Hash::ZERO });
    feed.reboot(60, 1, 1, &Block::genesis());
    feed.end(500);
    let found: Vec<&str> = feed.observer.verdict().counts.iter().map(|count| count.0).collect();
    assert_eq!(found, ["agreement", "finality", "validity", "conservation", "roots", "durability", "progress"]);
    assert_eq!(feed.found.len(), 7, "{:?}", feed.texts());
}

fn catch_up(tolerated: &[u32]) -> Feed<CatchUp> {
    let mut feed = Feed::new(CatchUp::new(
        vec![true, true, true],
        Duration::from_millis(100),
        tolerated.iter().copied().collect(),
    ));
    feed.boot(3);
    feed
}

#[test]
fn a_node_that_stays_behind_the_final_height_is_reported() {
    let (blocks, _) = chain(2);
    let mut feed = catch_up(&[]);
    feed.finalize(50, 0, &blocks[1]);
    feed.finalize(60, 1, &blocks[1]);
    feed.end(200);
    assert_eq!(feed.found.len(), 1, "node 2 has nothing final, 150 ms after node 0 had");
    let mut feed = catch_up(&[]);
    feed.finalize(150, 0, &blocks[1]);
    feed.end(200);
    assert_eq!(feed.texts(), [""; 0], "there was not time enough");
    let mut feed = catch_up(&[]);
    (0..3).for_each(|node| feed.finalize(50, node, &blocks[1]));
    feed.end(200);
    assert_eq!(feed.texts(), [""; 0]);
}

#[test]
fn who_is_down_or_came_back_a_moment_ago_need_not_have_caught_up() {
    let (blocks, _) = chain(2);
    for back in [None, Some(150), Some(90)] {
        let mut feed = catch_up(&[]);
        feed.finalize(50, 0, &blocks[1]);
        feed.finalize(50, 1, &blocks[1]);
        feed.notify(60, &Observed::Crashed { node: node(2) });
        if let Some(at) = back {
            feed.reboot(at, 2, 1, &Block::genesis());
        }
        feed.end(200);
        assert_eq!(feed.found.len(), usize::from(back == Some(90)));
    }
}

#[test]
fn a_fault_that_lasts_excuses_nodes_that_are_behind_unless_it_must_be_survived() {
    let (blocks, _) = chain(2);
    for (tolerated, ended, expected) in
        [(&[][..], None, 0), (&[7][..], None, 1), (&[][..], Some(90), 1), (&[][..], Some(150), 0)]
    {
        let mut feed = catch_up(tolerated);
        feed.notify(10, &Observed::FaultBegan { fault: 7, label: "partition" });
        feed.finalize(50, 0, &blocks[1]);
        if let Some(at) = ended {
            feed.notify(at, &Observed::FaultEnded { fault: 7 });
        }
        feed.end(200);
        assert_eq!(feed.found.len(), expected, "{tolerated:?} {ended:?}");
    }
}

/// Nonces of one sender follow each other, so that a payment that no node has delays those behind it.
#[test]
fn a_payment_that_waits_at_a_node_that_is_down_or_behind_such_a_one_is_no_violation() {
    let mut feed = progress(100, &[]);
    feed.submit(0, 0, &payment(0));
    feed.crash(50, 0);
    feed.submit(60, 1, &payment(1));
    feed.end(1_000);
    assert_eq!(feed.texts(), [""; 0], "the first died with its home, the second waits behind it");
    feed.notify(
        1_000,
        &Observed::Submitted { client: ClientId(0), node: node(1), transaction: &payment(0), again: true },
    );
    feed.end(1_100);
    assert_eq!(feed.texts(), [""; 0], "handed in again a moment ago");
    feed.end(1_101);
    assert_eq!(feed.found.len(), 1, "now a node that is up holds both");
}

#[test]
fn a_payment_that_no_node_ever_held_is_no_violation() {
    let mut feed = progress(100, &[]);
    feed.crash(0, 0);
    feed.submit(5, 0, &payment(0));
    feed.submit(6, 1, &payment(1));
    feed.end(1_000);
    assert_eq!(feed.texts(), [""; 0]);
}

#[test]
fn a_payment_that_waits_at_an_isolated_node_is_no_violation_while_others_reach_a_quorum() {
    let mut feed = progress(100, &[7]);
    feed.notify(1, &Observed::Connected { nodes: &[false, true, true] });
    feed.submit(5, 0, &payment(0));
    feed.end(1_000);
    assert_eq!(feed.texts(), [""; 0]);
    feed.notify(1_000, &Observed::Connected { nodes: &[true, true, true] });
    feed.end(1_100);
    assert_eq!(feed.texts(), [""; 0], "reached a moment ago");
    feed.end(1_201);
    assert_eq!(feed.found.len(), 1);
}

#[test]
fn a_fault_that_must_be_survived_starts_no_clock_anew() {
    let mut feed = progress(100, &[7]);
    let (blocks, payments) = chain(1);
    feed.submit(0, 0, &payments[0]);
    for at in [40, 80, 120] {
        feed.notify(at, &Observed::FaultBegan { fault: 7, label: "a flapping cut" });
        feed.notify(at + 20, &Observed::FaultEnded { fault: 7 });
    }
    feed.finalize(150, 0, &blocks[1]);
    assert_eq!(feed.found.len(), 1, "a gap of 150 ms with a bound of 100 ms");
}

#[test]
fn a_gap_beyond_the_bound_that_a_fault_excused_is_not_said_to_have_been_judged() {
    let gap = |quorum: bool| {
        let mut feed = progress(100, &[]);
        let (blocks, payments) = chain(2);
        payments.iter().for_each(|payment| feed.submit(0, 0, payment));
        feed.finalize(10, 0, &blocks[1]);
        feed.notify(20, &Observed::FaultBegan { fault: 7, label: "crash of n2" });
        feed.notify(20, &Observed::Connected { nodes: &[quorum, quorum, false] });
        feed.notify(80, &Observed::FaultEnded { fault: 7 });
        feed.notify(80, &Observed::Connected { nodes: &[true, true, true] });
        feed.finalize(130, 0, &blocks[2]);
        assert_eq!(feed.texts(), [""; 0]);
        feed.observer.excused().cloned()
    };
    let expected = |quorum_lost| {
        let (since, length) = (ms(10), Duration::from_millis(120));
        Some(ExcusedGap { since, length, fault: "crash of n2".into(), quorum_lost })
    };
    assert_eq!((gap(true), gap(false)), (expected(false), expected(true)));
}

/// What a suite says that it could not check, and whether the question is open.
fn unchecked(settings: &Settings, end: u64, history: impl FnOnce(&mut Feed<Checkers>)) -> Vec<(String, bool)> {
    let mut feed = Feed::new(Checkers::new(settings));
    feed.boot(ALL);
    history(&mut feed);
    feed.end(end);
    assert_eq!(feed.texts(), [""; 0]);
    let verdict = feed.observer.verdict();
    assert!(verdict.unchecked.is_empty() || !verdict.checked.iter().any(|text| text.contains("progress")));
    verdict.unchecked.iter().map(|row| (format!("{}: {}", row.property, row.why), row.decisive)).collect()
}

fn asking() -> Settings {
    let bound = Some(Duration::from_millis(100));
    Settings { progress: bound, catch_up: bound, ..Settings::new(ALL as usize) }
}

#[test]
fn a_run_in_which_nothing_could_be_judged_says_why() {
    let open = |why: &str| (why.to_owned(), true);
    let all: BTreeSet<NodeId> = (0..ALL).map(node).collect();
    let found = unchecked(&Settings { byzantine: all, ..asking() }, 500, |_| {});
    assert_eq!(found, [open("everything: no honest node was left")]);
    let found = unchecked(&asking(), 500, |_| {});
    let nothing = "safety: nothing was submitted and no block became final";
    let behind = open("catch-up: nothing became final");
    assert_eq!(found, [open(nothing), open("progress: nothing was submitted"), behind.clone()]);
    assert_eq!(unchecked(&Settings::new(ALL as usize), 500, |_| {}), [(nothing.to_owned(), false)]);
    let found = unchecked(&Settings::new(ALL as usize), 500, |feed| feed.submit(0, 0, &payment(0)));
    assert_eq!(found, [open("safety: nothing became final: 0 of 1 transactions")]);
    let found = unchecked(&asking(), 90, |feed| feed.submit(0, 0, &payment(0)));
    assert!(found.contains(&open("progress: the run is not longer than 100ms")), "{found:?}");
    let found = unchecked(&asking(), 500, |feed| {
        feed.notify(0, &Observed::FaultBegan { fault: 1, label: "a cut" });
        feed.notify(0, &Observed::Connected { nodes: &[false; 3] });
        let (blocks, payments) = chain(1);
        feed.submit(10, 0, &payments[0]);
        (0..ALL).for_each(|n| feed.decide(20, n, &blocks[1]));
    });
    let never = open("progress: there was never anything to decide while no fault stood in the way");
    assert_eq!(found, [never, open("catch-up: a cut lasted to the end")]);
}

#[test]
fn a_run_in_which_all_was_judged_says_what() {
    let mut feed = Feed::new(Checkers::new(&asking()));
    let (blocks, payments) = chain(1);
    feed.boot(ALL);
    feed.submit(10, 0, &payments[0]);
    (0..ALL).for_each(|n| feed.decide(20, n, &blocks[1]));
    feed.end(500);
    let verdict = feed.observer.verdict();
    assert!(verdict.is_clean() && verdict.unchecked.is_empty());
    let safety = "safety (agreement, finality, validity, conservation, state roots, durability) of 3 honest nodes over 1 \
                  final blocks with 1 transactions";
    assert_eq!(verdict.checked, [safety, "progress within 100ms", "catch-up within 100ms"]);
}

#[test]
fn who_reaches_no_quorum_while_others_do_need_not_have_caught_up() {
    let (blocks, _) = chain(2);
    for back in [None, Some(150), Some(90)] {
        let mut feed = catch_up(&[7]);
        feed.finalize(50, 0, &blocks[1]);
        feed.finalize(50, 1, &blocks[1]);
        feed.notify(60, &Observed::Connected { nodes: &[true, true, false] });
        if let Some(at) = back {
            feed.notify(at, &Observed::Connected { nodes: &[true, true, true] });
        }
        feed.end(200);
        assert_eq!(feed.found.len(), usize::from(back == Some(90)));
    }
}
