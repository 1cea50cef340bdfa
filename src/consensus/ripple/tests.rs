//! One test per sentence that matters.

mod hostile;
mod rules;

use super::*;
use crate::base::Wire;
use crate::protocol::testing::TestCluster;

type Stage = TestCluster<Ripple>;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn at(millis: u64) -> Time {
    Time::ZERO + MILLI * millis
}

fn stage(n: usize) -> Stage {
    TestCluster::new(n, Config::default())
}

fn feed(stage: &mut Stage, from: u32, nonce: u64) -> Hash {
    let transaction = stage.transaction(from, nonce);
    stage.submit_to_all(&transaction);
    transaction.id()
}

fn all(stage: &Stage) -> Vec<usize> {
    (0..stage.committee().n()).collect()
}

fn height(stage: &Stage, node: usize) -> u64 {
    stage.finalized(node).len() as u64 - 1
}

#[test]
fn a_ledger_takes_two_ticks_and_one_delay_and_two_messages_per_pair() {
    for n in [4, 7, 16, 64] {
        for delay in [1, 150] {
            let mut stage = stage(n);
            stage.set_delay(MILLI * delay);
            feed(&mut stage, 1, 0);
            // Half of the idle interval, on the next tick; then two ticks; then the validations travel.
            stage.run_until(at(10_000 + delay - 1));
            assert!(all(&stage).iter().all(|node| height(&stage, *node) == 0), "n = {n}");
            assert!(all(&stage).iter().all(|node| stage.chain(*node).len() == 2), "closed, not validated: n = {n}");
            stage.run_until(at(10_000 + delay));
            assert!(all(&stage).iter().all(|node| height(&stage, *node) == 1), "n = {n}");
            let pairs = (n * (n - 1)) as u64;
            let expected = BTreeMap::from([("propose", pairs), ("validation", pairs)]);
            assert_eq!(*stage.delivered(), expected, "n = {n}");
            // Under load: open for two seconds, established after two more.
            feed(&mut stage, 1, 1);
            stage.run_until(at(14_000 + delay - 1));
            assert_eq!(height(&stage, 0), 1);
            stage.run_until(at(14_000 + delay));
            assert!(all(&stage).iter().all(|node| height(&stage, *node) == 2), "n = {n}");
            assert_eq!(stage.disagreement(&all(&stage)), None);
        }
    }
}

#[test]
fn a_round_is_two_broadcasts_of_every_node() {
    let mut stage = stage(3);
    feed(&mut stage, 1, 0);
    stage.run_until(at(8_000));
    assert_eq!(
        stage.show_flights(),
        "n0>n1 propose\nn0>n2 propose\nn1>n0 propose\nn1>n2 propose\nn2>n0 propose\nn2>n1 propose\n"
    );
    stage.run_until(at(10_000));
    let text = stage.show_flights();
    assert_eq!((text.lines().count(), text.matches("validation").count()), (6, 6));
    assert!((0..3).all(|node| stage.chain(node).len() == 2 && height(&stage, node) == 0));
    stage.run_until(at(10_001));
    assert!((0..3).all(|node| height(&stage, node) == 1));
}

#[test]
fn without_transactions_a_ledger_closes_two_resolutions_after_the_last_close_time() {
    // The resolution in seconds, and when ledgers close: each is validated two ticks and a delay later.
    for (resolution, closes) in [(30, [60, 120, 180]), (20, [40, 80, 120]), (1, [15, 30, 45])] {
        let config = Config { bins: vec![SECOND * resolution; 6], ..Config::default() };
        let mut stage = TestCluster::new(4, config);
        for (number, close) in closes.into_iter().enumerate() {
            stage.run_until(at((close + 2) * 1_000));
            assert_eq!(height(&stage, 0), number as u64, "{resolution} s");
            stage.run_until(at((close + 2) * 1_000 + 1));
            assert_eq!(height(&stage, 0), number as u64 + 1, "{resolution} s");
        }
    }
}

#[test]
fn of_a_set_only_what_is_lacking_is_sent() {
    let mut stage = stage(4);
    let known: Vec<_> = (0..20).map(|nonce| stage.transaction(1, nonce)).collect();
    known.iter().for_each(|transaction| stage.submit_to_all(transaction));
    // Node 3 has one more: its set is another one.
    let rare = stage.transaction(2, 0);
    stage.submit(3, &rare);
    let mut bytes = 0;
    for _ in 0..14_000 {
        stage.run(MILLI);
        let items = stage.flights().filter(|flight| matches!(flight.message, Message::Items(_)));
        bytes = bytes.max(items.map(|flight| flight.message.bytes()).max().unwrap_or(0));
    }
    assert_eq!(bytes, rare.bytes(), "one transaction of twenty-one");
    // The others take the set of three from each other as they have it: no items at all.
    let items = stage.delivered()["items"];
    assert!(items <= 3, "{items} answers");
    assert!(all(&stage).iter().all(|node| stage.chain(*node)[1].transactions().len() == 20));
}

#[test]
fn a_set_that_its_maker_withholds_is_got_from_another_who_has_it() {
    let mut stage = stage(5);
    let rare = stage.transaction(1, 0);
    (0..3).for_each(|node| stage.submit(node, &rare));
    stage.run_until(at(8_000));
    // What nodes 0 and 1 give is lost: the set is node 2's too.
    for _ in 0..1_500 {
        stage.lose(|flight| {
            flight.from.index() < 2 && matches!(flight.message, Message::SetNames(_) | Message::Items(_))
        });
        stage.run(MILLI);
    }
    stage.run_until(at(13_000));
    assert!(all(&stage).iter().all(|node| stage.chain(*node)[1].transactions().len() == 1), "three of five want it");
}

#[test]
fn a_node_that_is_behind_asks_one_peer_at_a_time_and_goes_on_where_an_answer_ended() {
    let mut stage = stage(4);
    stage.run(SECOND * 30);
    stage.crash(3);
    for nonce in 0..70 {
        feed(&mut stage, 1, nonce);
        stage.run(SECOND * 5);
    }
    let missed = stage.chain(0).len() - stage.finalized(3).len();
    assert!(missed > 64, "more than an answer holds: {missed}");
    let asked = stage.delivered().get("get-ledger").copied().unwrap_or(0);
    stage.boot(3);
    for nonce in 70..76 {
        feed(&mut stage, 1, nonce);
        stage.run(SECOND * 5);
    }
    assert!(height(&stage, 3) + 1 >= height(&stage, 0), "{} of {}", height(&stage, 3), height(&stage, 0));
    let asked = stage.delivered()["get-ledger"] - asked;
    assert!(asked <= 8, "{asked} requests");
}

#[test]
fn messages_have_the_sizes_of_their_fields() {
    let stage = stage(4);
    let transaction = stage.transaction(1, 0);
    let set = Set::new([Item::Transaction(transaction), Item::Disable(NodeId(1))]);
    let signature = crate::base::Signature::NONE;
    let (prior, position, node) = (Hash::ZERO, set.name, NodeId(0));
    let proposal = Proposal { prior, seq: 0, position, close: None, node, signature };
    let validation = Validation { ledger: prior, seq: Height(1), time: Time::ZERO, full: true, node, signature };
    let block = stage.chain(0)[0].clone();
    let ledger =
        Ledger { block: block.clone(), bin: 2, agreed: true, negative: vec![node], disable: None, enable: None };
    let snapshot = crate::protocol::Snapshot { block, root: prior, bytes: 1_000 };
    let ledger = Arc::new(ledger);
    let (state, ledgers) = (Some((snapshot, ledger.clone())), vec![ledger]);
    let answer = Answer { state, ledgers, validations: vec![validation; 3] };
    let sizes = [
        (Message::Propose(proposal), "propose", 144),
        (Message::Validate(validation), "validation", 117),
        (Message::HaveSet(prior), "have-set", 32),
        (Message::GetSet(prior), "get-set", 32),
        (Message::SetNames(set.items.keys().copied().collect()), "set-names", 2 * 32),
        (Message::GetItems { set: prior, items: [prior].into() }, "get-items", 32 + 32),
        (Message::Items(set.items.values().cloned().collect()), "items", 250 + 4),
        (Message::GetLedger { wanted: prior, above: Height(1) }, "get-ledger", 40),
        (Message::Ledgers(Arc::new(answer)), "ledgers", 1_000 + 32 + 2 * (84 + 2 + 4) + 3 * 117),
    ];
    for (message, kind, bytes) in sizes {
        assert_eq!((message.kind(), message.bytes()), (kind, bytes));
    }
}

#[test]
fn what_a_majority_knows_is_taken_and_what_a_few_know_waits_for_the_next_ledger() {
    for (n, knowing, in_first) in [(5, 3, true), (10, 2, false)] {
        let mut stage = stage(n);
        let transaction = stage.transaction(1, 0);
        (0..knowing).for_each(|node| stage.submit(node, &transaction));
        stage.run_until(at(13_500));
        let first = |stage: &Stage, node: usize| stage.chain(node).get(1).map(|block| block.transactions().len());
        assert!(all(&stage).iter().all(|node| first(&stage, *node) == Some(usize::from(in_first))), "n = {n}");
        (knowing..n).for_each(|node| stage.submit(node, &transaction));
        stage.run(SECOND * 20);
        assert!(all(&stage).iter().all(|node| stage.final_transactions(*node) == [transaction.id()]), "n = {n}");
        assert_eq!(stage.disagreement(&all(&stage)), None);
    }
}

#[test]
fn a_node_that_was_down_gets_the_ledgers_or_the_state() {
    for history in [History::Full, History::State] {
        let mut stage = TestCluster::new(5, Config { history, ..Config::default() });
        stage.run(SECOND * 30);
        stage.crash(4);
        for nonce in 0..40 {
            feed(&mut stage, 1, nonce);
            stage.run(SECOND * 10);
        }
        stage.boot(4);
        assert!(height(&stage, 4) < 3);
        feed(&mut stage, 1, 40);
        stage.run(SECOND * 30);
        assert!(
            height(&stage, 4) + 1 >= height(&stage, 0),
            "{history:?}: {} of {}",
            height(&stage, 4),
            height(&stage, 0)
        );
        assert_eq!(stage.disagreement(&all(&stage)), None);
        let is_small = stage.node(0).ledgers.len() < 5;
        assert_eq!(is_small, history == History::State);
    }
}

#[test]
fn a_node_that_was_down_is_given_the_state_when_all_others_started_again() {
    let mut stage = stage(5);
    stage.run(SECOND * 30);
    stage.crash(4);
    for nonce in 0..10 {
        feed(&mut stage, 1, nonce);
        stage.run(SECOND * 10);
    }
    (0..4).for_each(|node| stage.crash(node));
    (0..5).for_each(|node| stage.boot(node));
    for nonce in 10..13 {
        feed(&mut stage, 1, nonce);
        stage.run(SECOND * 20);
    }
    assert!(height(&stage, 4) + 1 >= height(&stage, 0), "{} of {}", height(&stage, 4), height(&stage, 0));
    assert_eq!(stage.disagreement(&all(&stage)), None);
}

#[test]
fn who_went_on_still_gives_the_sets_of_the_last_rounds() {
    let mut stage = stage(4);
    feed(&mut stage, 1, 0);
    stage.run_until(at(9_000));
    let name = stage.node(0).position.as_ref().map(|set| set.name).unwrap();
    stage.run_until(at(10_500));
    assert!(stage.node(0).position.is_none(), "the next round is open");
    stage.inject(1, 0, Message::GetSet(name));
    stage.run(MILLI * 2);
    assert_eq!(stage.delivered().get("set-names"), Some(&1));
}

#[test]
fn a_node_never_validates_a_ledger_number_twice_whenever_it_crashes() {
    for fuse in 0..40 {
        let mut stage = stage(4);
        stage.crash_after_effects(1, fuse);
        for nonce in 0..3 {
            feed(&mut stage, 1, nonce);
            stage.run(SECOND * 12);
        }
        let largest = stage.log(1).last().map_or(Height(0), |record| record.largest);
        stage.crash(1);
        stage.boot(1);
        assert_eq!(stage.node(1).largest, largest);
        feed(&mut stage, 1, 3);
        // Of four, all must validate: what three validated while it was down is final with the next ledger, an idle one.
        stage.run(SECOND * 200);
        assert_eq!(stage.disagreement(&all(&stage)), None, "fuse {fuse}");
        assert!(all(&stage).iter().all(|node| stage.final_transactions(*node).len() == 4), "fuse {fuse}");
        assert!(all(&stage).iter().all(|node| stage.node(*node).evidence.is_empty()), "fuse {fuse}");
    }
}

#[test]
fn after_loss_ends_everything_goes_on() {
    let mut stage = stage(7);
    for round in 0..40u64 {
        feed(&mut stage, 1, round);
        for part in 0..10 {
            stage.run(MILLI * 100);
            let mut number = round * 7 + part;
            stage.lose(|_| {
                number = (number * 48_271 + 11) % 2_147_483_647;
                number % 10 < 3
            });
        }
    }
    stage.run(SECOND * 60);
    assert!(all(&stage).iter().all(|node| stage.final_transactions(*node).len() == 40));
    assert_eq!(stage.disagreement(&all(&stage)), None);
}

#[test]
fn one_to_three_nodes_keep_a_ledger() {
    for n in 1..=3 {
        let mut stage = stage(n);
        for nonce in 0..3 {
            feed(&mut stage, 1, nonce);
            stage.run(SECOND * 30);
        }
        assert!(all(&stage).iter().all(|node| stage.final_transactions(*node).len() == 3), "n = {n}");
    }
}

#[test]
fn an_answer_that_leads_to_the_last_validated_ledger_brings_its_proof() {
    let mut stage = stage(5);
    feed(&mut stage, 1, 0);
    stage.run_until(at(12_000));
    let known = stage.node(0).validated.clone();
    assert_eq!(known.height(), Height(1));
    stage.inject(4, 0, Message::GetLedger { wanted: known.name, above: Height(0) });
    stage.run(MILLI * 3 / 2);
    let answers: Vec<usize> = (stage.flights())
        .filter_map(|flight| if let Message::Ledgers(answer) = &flight.message { Some(answer) } else { None })
        .map(|answer| answer.validations.iter().filter(|said| said.ledger == known.name).count())
        .collect();
    assert_eq!(answers, [5]);
}
