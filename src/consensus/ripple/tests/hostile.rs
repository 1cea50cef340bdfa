//! Byzantine nodes, and lists that share too little.

use super::*;
use crate::protocol::Message as _;

/// Two cliques of ten that share `overlap`, cut apart between their followers; the last `Byzantine nodes` of the shared nodes say
/// to each side what it says. Whether honest nodes disagree afterwards.
fn forks(overlap: usize, faulty: usize) -> bool {
    let n = 20 - overlap;
    let first = 10 - overlap;
    let lists = (0..n).map(|node| {
        let is_first = node < first || (node < 10 && (node - first).is_multiple_of(2));
        let range = if is_first { 0..10 } else { first as u32..n as u32 };
        range.collect::<Vec<u32>>()
    });
    let mut stage: Stage = TestCluster::empty(n, Config { unl: Unl::Lists(lists.collect()), ..Config::default() });
    let is_faulty = |node: usize| (10 - faulty..10).contains(&node);
    let side = |node: usize| node < first || (node < 10 && (node - first).is_multiple_of(2));
    for node in 0..n {
        if is_faulty(node) {
            stage.set_attack(node, "echo");
        }
        stage.boot(node);
    }
    let honest: Vec<usize> = (0..n).filter(|node| !is_faulty(*node)).collect();
    let (one, other): (Vec<usize>, Vec<usize>) = honest.iter().partition(|node| side(**node));
    stage.partition(&one, &other);
    let (left, right) = (stage.transaction(1, 0), stage.transaction(2, 0));
    one.iter().for_each(|node| stage.submit(*node, &left));
    other.iter().for_each(|node| stage.submit(*node, &right));
    stage.run(SECOND * 60);
    stage.heal();
    stage.run(SECOND * 60);
    stage.disagreement(&honest).is_some()
}

#[test]
fn two_cliques_fork_up_to_the_bound_on_their_overlap_and_not_beyond() {
    // With n = 10 and q = 8 a fork needs an overlap of at most 2n - 2q + t = 4 + t.
    for (overlap, faulty, fork) in
        [(4, 0, true), (5, 0, false), (5, 1, true), (6, 1, false), (6, 2, true), (7, 2, false)]
    {
        assert_eq!(forks(overlap, faulty), fork, "overlap {overlap}, {faulty} faulty");
    }
}

#[test]
fn seven_nodes_with_lists_of_five_fork_with_one_faulty_node_and_one_list_does_not() {
    for (shared, fork) in [(true, false), (false, true)] {
        let lists = (0..7).map(|node| match (shared, node < 3) {
            (true, _) => (0..7).collect(),
            (false, true) => (0..5).collect(),
            (false, false) => (2..7).collect::<Vec<u32>>(),
        });
        let config = Config { unl: Unl::Lists(lists.collect()), ..Config::default() };
        let mut stage: Stage = TestCluster::empty(7, config);
        stage.set_attack(3, "echo");
        (0..7).for_each(|node| stage.boot(node));
        stage.partition(&[0, 1, 2], &[4, 5, 6]);
        let (left, right) = (stage.transaction(1, 0), stage.transaction(2, 0));
        (0..3).for_each(|node| stage.submit(node, &left));
        (4..7).for_each(|node| stage.submit(node, &right));
        stage.run(SECOND * 60);
        assert_eq!(stage.disagreement(&[0, 1, 2, 4, 5, 6]).is_some(), fork);
        assert_eq!(height(&stage, 0) > 0, fork);
    }
}

#[test]
fn one_faulty_node_of_five_neither_stops_nor_forks_the_ledger() {
    for (attack, _) in Ripple::ATTACKS {
        let mut stage: Stage = TestCluster::empty(5, Config::default());
        stage.set_attack(4, attack);
        (0..5).for_each(|node| stage.boot(node));
        for nonce in 0..5 {
            feed(&mut stage, 1, nonce);
            stage.run(SECOND * 20);
        }
        stage.run(SECOND * 60);
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None, "{attack}");
        assert!((0..4).all(|node| stage.final_transactions(node).len() == 5), "{attack}");
    }
}

#[test]
fn one_down_and_one_hiding_its_validations_leave_every_other_ledger_without_quorum() {
    let mut stage: Stage = TestCluster::empty(5, Config::default());
    stage.set_attack(3, "clock_lie");
    (0..4).for_each(|node| stage.boot(node));
    let mut seen = vec![0];
    for second in 0..240u64 {
        if second % 20 == 0 {
            feed(&mut stage, 1, second / 20);
        }
        stage.run(SECOND);
        let validated = stage.node(0).validated.height().0;
        seen.extend((seen.last() != Some(&validated)).then_some(validated));
    }
    // One is down, one hides half of its validations: every other ledger is validated by four, those between by three.
    let odd: Vec<u64> = (1..seen.len() as u64).map(|nth| 2 * nth - 1).collect();
    assert_eq!(seen[1..], odd, "the others become final with the next");
    assert!(odd.len() >= 3, "height 5 at least: {seen:?}");
    assert_eq!(stage.disagreement(&[0, 1, 2]), None);
}

#[test]
fn two_validations_of_one_number_are_evidence_and_the_first_counts() {
    let mut stage = stage(4);
    let (a, b) = (Hash::of(b"a"), Hash::of(b"b"));
    for name in [a, b, a] {
        let signature = crate::base::Signature::NONE;
        let mut said =
            Validation { ledger: name, seq: Height(1), time: stage.now(), full: true, node: NodeId(3), signature };
        said.signature = stage.keys().sign(3, &said.statement());
        stage.inject(3, 0, Message::Validate(said));
    }
    stage.run(MILLI * 5);
    assert_eq!(stage.notes(0).iter().filter(|(label, _)| *label == crate::protocol::note::EVIDENCE).count(), 1);
    assert_eq!(stage.node(0).slots[&Height(1)].validations[&NodeId(3)].ledger, a);
}

#[test]
fn two_positions_of_one_number_are_evidence_and_the_newest_counts() {
    let (a, b) = (Hash::of(b"a"), Hash::of(b"b"));
    // Another set, or another close time.
    for (position, close) in [(b, None), (a, Some(at(30_000)))] {
        let mut stage = stage(4);
        let prior = stage.node(0).tip.name;
        let say = |stage: &mut Stage, seq: u32, position: Hash, close: Option<Time>| {
            let signature = crate::base::Signature::NONE;
            let mut said = Proposal { prior, seq, position, close, node: NodeId(3), signature };
            said.signature = stage.keys().sign(3, &said.statement());
            stage.inject(3, 0, Message::Propose(said));
            stage.run(MILLI * 2);
            stage.notes(0).iter().filter(|(label, _)| *label == crate::protocol::note::EVIDENCE).count()
        };
        assert_eq!(say(&mut stage, 1, a, None), 0);
        assert_eq!(say(&mut stage, 1, a, None), 0, "the same again is no contradiction");
        assert_eq!(say(&mut stage, 2, a, None), 0, "nor is a later number");
        assert_eq!(say(&mut stage, 2, position, close), 1);
        assert_eq!(say(&mut stage, 2, a, None), 1, "noted once");
        assert_eq!(say(&mut stage, 2, position, close), 1);
        assert_eq!(say(&mut stage, 1, Hash::ZERO, None), 1);
        let node = stage.node(0);
        let Some(Evidence::Proposals(first, second)) = node.evidence.get(&NodeId(3)) else { panic!("two positions") };
        assert!(first.seq == second.seq && first.statement() != second.statement());
        let genuine = |said: &Proposal| Message::Propose(*said).verify(NodeId(3), stage.keys());
        assert!(genuine(first) && genuine(second), "others can check it");
        let kept = &node.current[&NodeId(3)].0;
        assert_eq!((kept.seq, kept.position, kept.close), (2, position, close), "an earlier number changes nothing");
    }
}

#[test]
fn a_node_that_forgets_its_log_validates_a_number_again_and_is_flagged() {
    for (forgotten, flagged) in [(0, false), (usize::MAX, true)] {
        let mut stage = stage(5);
        feed(&mut stage, 1, 0);
        stage.run_until(at(9_000));
        // Node 4 is received by others and receives nothing: it closes the ledger that the others validate.
        (0..4).for_each(|node| stage.cut(node, 4));
        stage.run_until(at(10_001));
        assert!((0..4).all(|node| height(&stage, node) == 1));
        assert_eq!((stage.chain(4).len(), height(&stage, 4)), (2, 0));
        // With another one down, the others stay at that number; node 4 never receives what they are paid.
        stage.crash(3);
        stage.crash(4);
        stage.forget(4, forgotten);
        stage.boot(4);
        let payment = stage.transaction(2, 0);
        (0..3).for_each(|node| stage.submit(node, &payment));
        // Node 4 does not receive the payment: its next ledger closes without transactions.
        stage.run(SECOND * 150);
        assert!((0..3).all(|node| height(&stage, node) == 1));
        for node in 0..3 {
            let found = stage.node(node).evidence.get(&NodeId(4));
            let numbers = found.map(|evidence| match evidence {
                Evidence::Validations(first, second) => (first.seq, second.seq, first.ledger == second.ledger),
                Evidence::Proposals(..) => panic!("it proposed each number once"),
            });
            assert_eq!(numbers, flagged.then_some((Height(1), Height(1), false)), "at {node}");
        }
        assert!(flagged || stage.node(0).latest[&NodeId(4)].seq > Height(1), "who remembers goes on with the next");
    }
}

#[test]
fn a_flood_does_not_grow_the_memory() {
    let mut stage = stage(4);
    for number in 0..5_000u64 {
        let name = Hash::of(&number.to_le_bytes());
        let signature = crate::base::Signature::NONE;
        let time = stage.now();
        let mut said = Validation { ledger: name, seq: Height(number), time, full: true, node: NodeId(3), signature };
        said.signature = stage.keys().sign(3, &said.statement());
        stage.inject(3, 0, Message::Validate(said));
        let prior = if number % 2 == 0 { name } else { stage.node(0).tip.name };
        let mut said = Proposal { prior, seq: 1, position: name, close: None, node: NodeId(3), signature };
        said.signature = stage.keys().sign(3, &said.statement());
        stage.inject(3, 0, Message::Propose(said));
        stage.inject(3, 0, Message::HaveSet(name));
        stage.inject(3, 0, Message::SetNames([Item::Disable(NodeId(number as u32)).name()].into()));
        stage.inject(3, 0, Message::Items([Item::Disable(NodeId(number as u32))].into()));
    }
    stage.run(MILLI * 5);
    let node = stage.node(0);
    assert!(node.slots.len() <= 1_025);
    assert_eq!((node.latest.len(), node.current.len(), node.recent.len(), node.sets.len()), (1, 1, 1, 0));
    assert!(node.arrivals.len() <= 2, "{}", node.arrivals.len());
}

#[test]
fn after_a_cut_one_branch_is_preferred_by_all() {
    for left in [8, 9, 11] {
        let mut stage = stage(16);
        stage.set_delay(MILLI * 40);
        let sides: (Vec<usize>, Vec<usize>) = (0..16).partition(|node| *node < left);
        for second in 0..90u32 {
            if second == 25 {
                stage.partition(&sides.0, &sides.1);
            }
            if second == 45 {
                stage.heal();
            }
            let transaction = stage.transaction(second % 60 + 1, 0);
            (0..16)
                .filter(|node| !(25..45).contains(&second) || (*node < left) == (second % 2 == 0))
                .for_each(|node| stage.submit(node, &transaction));
            stage.run(SECOND);
        }
        assert!(height(&stage, 0) > 12, "{left}: {}", height(&stage, 0));
        assert_eq!(stage.disagreement(&all(&stage)), None);
    }
}
