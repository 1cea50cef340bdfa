//! Ripple: what `rippled`'s tests know (`src/test/consensus`: `Consensus_test`, `LedgerTiming_test`, `NegativeUNL_test`;
//! `src/test/app/ValidatorList_test`).

use ledgerlab::base::{Duration, NodeId, Time};
use ledgerlab::consensus::ripple::rules::{
    Closing, Consensus, Dispute, Progress, close_time, negative_most, next_bin, participants_needed, rounded,
};
use ledgerlab::consensus::ripple::{Config, Item, Ripple, unl};
use ledgerlab::protocol::testing::TestCluster;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(second: u64) -> Time {
    Time::ZERO + seconds(second)
}

#[test]
fn test_should_close_ledger() {
    // Transactions, previous proposers, closed, validated, previous round, since the last close, open, idle (s), closes.
    type Row = (&'static str, bool, usize, usize, usize, [u64; 4], bool);
    let rows: [Row; 12] = [
        ("bizarre times forcibly close: previous round", true, 10, 0, 0, [360_000, 10, 1, 1], true),
        ("bizarre times forcibly close: last close", true, 10, 0, 0, [10, 360_000, 1, 1], true),
        ("rest of network has closed", true, 10, 3, 5, [10, 10, 10, 10], true),
        ("half of the network has closed: not more", true, 10, 3, 2, [10, 10, 1, 10], false),
        ("of nine five are more than half", true, 9, 2, 3, [10, 10, 1, 10], true),
        ("of nine four are not", true, 9, 2, 2, [10, 10, 1, 10], false),
        ("no transactions means wait until end of interval", false, 10, 0, 0, [1, 1, 1, 10], false),
        ("no transactions, at the end of the interval", false, 10, 0, 0, [1, 10, 1, 10], true),
        ("enforce minimum ledger open time", true, 10, 0, 0, [10, 10, 1, 10], false),
        ("don't go too much faster than last time", true, 10, 0, 0, [10, 10, 3, 10], false),
        ("half of the last round is enough", true, 10, 0, 0, [10, 10, 5, 10], true),
        ("no reason not to close", true, 10, 0, 0, [10, 10, 10, 10], true),
    ];
    for (name, any_transactions, previous_proposers, proposers_closed, proposers_validated, times, closes) in rows {
        let [previous_round, since_close, open, idle] = times.map(seconds);
        let closing = Closing {
            any_transactions,
            previous_proposers,
            proposers_closed,
            proposers_validated,
            previous_round,
            since_close,
            open,
            idle,
        };
        assert_eq!(closing.is_due(&Config::default()), closes, "{name}");
    }
}

#[test]
fn test_check_consensus() {
    use Consensus::{Expired, MovedOn, No, Yes};
    // Previous proposers, proposers, agreeing, finished, previous round and this one (s), stalled.
    type Row = (&'static str, [usize; 4], [u64; 2], bool, Consensus);
    let rows: [Row; 18] = [
        ("not enough time has elapsed", [10, 2, 2, 0], [3, 2], false, No),
        ("if not enough peers have proposed, ensure more time", [10, 2, 2, 0], [3, 4], false, No),
        ("enough time has elapsed and we all agree", [10, 2, 2, 0], [3, 10], false, Yes),
        ("enough time has elapsed and we don't yet agree", [10, 2, 1, 0], [3, 10], false, No),
        ("our peers have moved on", [10, 2, 1, 8], [3, 10], false, MovedOn),
        ("if no peers, don't agree until time has passed", [0, 0, 0, 0], [3, 10], false, No),
        ("agree if no peers and enough time has passed", [0, 0, 0, 0], [3, 16], false, Yes),
        ("expire if too much time has passed without agreement", [10, 8, 1, 0], [1, 19], false, Expired),
        ("not before ten times the round before", [10, 8, 1, 0], [3, 19], false, No),
        ("stalled: not enough time", [10, 2, 2, 0], [3, 2], true, No),
        ("stalled: not enough peers yet", [10, 2, 2, 0], [3, 4], true, No),
        ("stalled: all agree", [10, 2, 2, 0], [3, 10], true, Yes),
        ("stalled: nothing left to dispute", [10, 2, 1, 0], [3, 10], true, Yes),
        ("stalled: peers have moved on, nothing left to dispute", [10, 2, 1, 8], [3, 10], true, Yes),
        ("stalled: no peers", [0, 0, 0, 0], [3, 10], true, No),
        ("stalled: no peers and enough time", [0, 0, 0, 0], [3, 16], true, Yes),
        ("stalled: however much time has passed", [10, 8, 1, 0], [1, 19], true, Yes),
        ("four of five with this node", [4, 4, 3, 0], [3, 4], false, Yes),
    ];
    for (name, [previous_proposers, proposers, agree, finished], times, stalled, expected) in rows {
        let [previous_round, round] = times.map(seconds);
        let proposing = true;
        let progress =
            Progress { previous_proposers, proposers, agree, finished, previous_round, round, stalled, proposing };
        assert_eq!(progress.consensus(&Config::default()), expected, "{name}");
    }
}

#[test]
fn test_disputes() {
    let stage: TestCluster<Ripple> = TestCluster::empty(1, Config::default());
    let config = Config::default();
    let dispute = |mine| Dispute::new(Item::Transaction(stage.transaction(1, 0)), mine);
    let (mut yes, mut no) = (dispute(true), dispute(false));
    let (mut follows, mut ignores) = (dispute(true), dispute(false));
    // Of a hundred peers so many vote as this node does; percent of time; what becomes of the votes of one who proposes.
    let rows = [
        ("I'm in the majority, my vote should not change", 51, 5, true, false),
        ("nor a moment later", 51, 10, true, false),
        ("the vote is 51 %, the requirement jumps to 65 %", 51, 55, false, false),
        ("16 validators change their vote: 67 %, but mine is against", 67, 60, true, false),
        ("the threshold jumps to 70 %: 67 % with mine", 67, 86, false, false),
        ("5 more: 72 % is above it", 72, 90, true, false),
        ("the threshold jumps to 95 %: 73 % with mine", 72, 220, false, false),
        ("99 % are above it, but mine is against", 99, 221, true, false),
    ];
    for (name, same, percent, mine, other) in rows {
        yes.update(same, 100 - same, percent, true, &config);
        no.update(100 - same, same, percent, true, &config);
        follows.update(same, 100 - same, percent, false, &config);
        ignores.update(100 - same, same, percent, false, &config);
        assert_eq!((yes.mine, no.mine), (mine, other), "{name}");
        assert_eq!((follows.mine, ignores.mine), (true, false), "{name}: who watches goes with the majority");
        assert!(!yes.is_stalled(same, 100 - same, 0, true, &config), "{name}");
    }
    // Some rounds without a change at the last threshold: stalled if the peers are as quiet, or this node is.
    for round in 1..=4 {
        let stalled = |quiet| yes.is_stalled(99, 1, quiet, true, &config);
        assert_eq!(stalled(0), round > 4, "after {} rounds", round - 1);
        assert_eq!(stalled(4), round > 2, "after {} rounds, if peers are quiet", round - 1);
        yes.update(99, 1, 230 + round, true, &config);
    }
    assert!(yes.is_stalled(99, 1, 0, true, &config));
    assert!(!yes.is_stalled(79, 21, 4, true, &config), "not with 79 % of all");
    assert!(!yes.is_stalled(80, 20, 4, true, &config), "not with 80 %: more are needed");
    assert!(yes.is_stalled(81, 19, 4, true, &config));
    assert!(yes.is_stalled(18, 82, 4, true, &config), "and with less than 20 % for it");
}

#[test]
fn test_get_next_ledger_time_resolution() {
    // The steps over so many ledgers that all agree, or none does: coarser, finer, equal.
    for (agreed, ledgers, expected) in [(false, 10, (3, 0, 7)), (false, 100, (3, 0, 97)), (true, 100, (0, 2, 98))] {
        let (mut bin, mut counts) = (2u8, (0, 0, 0));
        for number in 1..=ledgers {
            let next = next_bin(bin, agreed, number, 6);
            match next.cmp(&bin) {
                std::cmp::Ordering::Greater => counts.0 += 1,
                std::cmp::Ordering::Less => counts.1 += 1,
                std::cmp::Ordering::Equal => counts.2 += 1,
            }
            bin = next;
        }
        assert_eq!(counts, expected, "{ledgers} ledgers, agreed: {agreed}");
    }
}

#[test]
fn test_round_close_time() {
    let rows =
        [(0, 30, 0), (29, 60, 0), (30, 1, 30), (31, 60, 60), (30, 60, 60), (59, 60, 60), (60, 60, 60), (61, 60, 60)];
    for (time, bin, expected) in rows {
        assert_eq!(rounded(at(time), seconds(bin)), at(expected), "{time} s to {bin} s");
    }
}

#[test]
fn test_eff_close_time() {
    for (time, bin, before, expected) in
        [(10, 30, 0, 1), (16, 30, 0, 30), (16, 30, 30, 31), (16, 30, 60, 61), (31, 30, 0, 30)]
    {
        assert_eq!(
            close_time(Some(rounded(at(time), seconds(bin))), at(before)),
            at(expected),
            "{time} s after {before} s"
        );
    }
    assert_eq!(close_time(None, at(30)), at(31), "agreed to disagree");
}

#[test]
fn participants_needed_for_a_close_time() {
    for (all, percent, needed) in
        [(1, 50, 1), (3, 50, 1), (4, 50, 2), (5, 50, 2), (4, 75, 3), (5, 75, 4), (6, 75, 4), (5, 95, 5)]
    {
        assert_eq!(participants_needed(all, percent), needed, "{percent} % of {all}");
    }
}

#[test]
fn negative_unl_find_all_candidates() {
    for (members, most) in [(2, 1), (3, 1), (4, 1), (5, 2), (6, 2), (8, 2), (10, 3), (30, 8), (32, 8), (34, 9), (35, 9)]
    {
        assert_eq!(negative_most(members), most, "a quarter of {members}, rounded up");
    }
}

#[test]
fn validator_list_quorum() {
    // Members, how many of them disabled: the quorum is 80 % of the others, and at least 60 % of all.
    let rows = [
        (1, 0, 1),
        (2, 0, 2),
        (3, 0, 3),
        (4, 0, 4),
        (5, 0, 4),
        (6, 0, 5),
        (7, 0, 6),
        (10, 0, 8),
        (10, 1, 8),
        (10, 2, 7),
        (10, 3, 6),
        (20, 5, 12),
        (28, 0, 23),
        (30, 5, 20),
        (30, 8, 18),
        (34, 0, 28),
        (35, 9, 21),
    ];
    for (n, disabled, quorum) in rows {
        let members = (0..n).map(NodeId::from).collect();
        let negative: Vec<NodeId> = (0..disabled).map(NodeId::from).collect();
        assert_eq!(unl::committee(&members, &negative, 80, n).quorum(), quorum, "{n} less {disabled}");
    }
}

/// Nodes with this delay that each have a transaction of their own, and all of one another's as far as they spread.
fn network(n: usize, delay: Duration, own_only: Option<usize>) -> TestCluster<Ripple> {
    let mut stage: TestCluster<Ripple> = TestCluster::new(n, Config::default());
    stage.set_delay(delay);
    for node in 0..n {
        let transaction = stage.transaction(node as u32 + 1, 0);
        if own_only == Some(node) {
            stage.submit(node, &transaction);
        } else {
            stage.submit_to_all(&transaction);
        }
    }
    stage
}

#[test]
fn test_standalone() {
    // Alone, a ledger takes longer than `ledgerMAX_CONSENSUS`; then it holds the transaction.
    let mut stage = network(1, seconds(1), None);
    stage.run(seconds(23));
    assert_eq!(stage.finalized(0).len(), 1);
    stage.run(seconds(3));
    assert_eq!(stage.final_transactions(0).len(), 1);
}

#[test]
fn test_peers_agree() {
    let mut stage = network(5, Duration::from_millis(200), None);
    stage.run(seconds(11));
    for node in 0..5 {
        assert_eq!(stage.finalized(node).len(), 2, "one ledger");
        assert_eq!(stage.final_transactions(node).len(), 5, "with the transactions of all");
    }
    assert_eq!(stage.disagreement(&[0, 1, 2, 3, 4]), None);
}

#[test]
fn test_slow_peers() {
    // What one peer alone has seen is in no ledger of this round, and goes on waiting.
    let mut stage = network(5, Duration::from_millis(200), Some(0));
    stage.run(seconds(12));
    let late = stage.transaction(1, 0).id();
    for node in 0..5 {
        let first = &stage.chain(node)[1];
        assert_eq!(first.transactions().len(), 4);
        assert!(first.transactions().iter().all(|transaction| transaction.id() != late));
    }
    stage.submit_to_all(&stage.transaction(1, 0));
    stage.run(seconds(12));
    assert!((0..5).all(|node| stage.final_transactions(node).contains(&late)));
}
