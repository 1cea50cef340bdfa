//! Sizes, and messages that no correct replica would send.

use super::*;
use crate::base::{Signature, Wire, Work};
use crate::protocol::Message as _;
use crate::protocol::votes::{Checker, Votes};
use proptest::prelude::*;

#[test]
fn messages_have_the_sizes_and_prices_of_the_paper() {
    let stage = stage(4);
    let request = stage.transaction(0, 0);
    let what = proposal(0, vec![request]);
    let digest = what.digest();
    let order = pre_prepare(&stage, 0, (0, 1), &what);
    assert_eq!(order.bytes(), 112 + 12 + 250, "the digest, the time and the proposer, and the batch");
    assert_eq!(prepare(&stage, 1, (0, 1), &digest).bytes(), 116);
    assert_eq!(commit(&stage, 1, (0, 1), &digest).bytes(), 116);
    assert_eq!((order.check(), commit(&stage, 1, (0, 1), &digest).check()), (Work::VERIFY, Work::VERIFY));
    let checkpoint = Checkpoint { seq: Height(1), digest, signature: Signature::NONE };
    assert_eq!(Message::Checkpoint(checkpoint).bytes(), 108);
    let certificate = Prepared {
        primary: NodeId(0),
        order: vote(&stage, Phase::PrePrepare, 0, (0, 1), &digest),
        prepares: vec![(NodeId(1), Signature::NONE), (NodeId(2), Signature::NONE)],
    };
    let f = 1;
    assert_eq!(certificate.bytes(), 112 + 232 * f);
    let (view, stable, prepared) = (View(1), Stable::genesis(), vec![Arc::new(certificate)]);
    let change = ViewChange { view, stable, prepared, replica: NodeId(1), signature: Signature::NONE };
    let message = Message::ViewChange(Arc::new(change));
    assert_eq!((message.bytes(), message.check()), (84 + 112 + 232 * f, Work::verify(4)));
    assert!(std::mem::size_of::<Message>() <= 128, "a vote is moved by value, the rest by reference");
}

#[test]
fn a_vote_speaks_for_its_sender_phase_view_number_and_digest_only() {
    let stage = stage(4);
    let digest = Proposal::null().digest();
    let honest = vote(&stage, Phase::Prepare, 1, (0, 1), &digest);
    let holds = |message: Message, from: u32| message.verify(NodeId(from), stage.keys());
    assert!(holds(Message::Prepare(honest), 1));
    assert!(!holds(Message::Prepare(honest), 2));
    assert!(!holds(Message::Commit(honest), 1));
    assert!(!holds(Message::Prepare(Vote { view: View(1), ..honest }), 1));
    assert!(!holds(Message::Prepare(Vote { seq: Height(2), ..honest }), 1));
    assert!(!holds(Message::Prepare(Vote { digest: Hash::ZERO, ..honest }), 1));
    assert!(!holds(Message::Prepare(honest), 77), "a node outside the committee has no key");
}

#[test]
fn a_batch_lengthened_by_its_own_end_is_refused_though_it_has_the_same_digest() {
    let stage = stage(4);
    let requests: Vec<_> = (0..3).map(|nonce| stage.transaction(0, nonce)).collect();
    let mut lengthened = requests.clone();
    lengthened.push(requests[2].clone());
    let (honest, lengthened) = (proposal(0, requests), proposal(0, lengthened));
    assert_eq!(honest.digest(), lengthened.digest());
    assert!(pre_prepare(&stage, 0, (0, 1), &honest).verify(NodeId(0), stage.keys()));
    assert!(!pre_prepare(&stage, 0, (0, 1), &lengthened).verify(NodeId(0), stage.keys()));
    assert!(!Message::Batch { seq: Height(1), proposal: Arc::new(lengthened) }.verify(NodeId(0), stage.keys()));
}

#[test]
fn a_certificate_with_one_forged_signature_is_not_genuine() {
    let stage = stage(4);
    let digest = Proposal::null().digest();
    let sign = |node: usize| (NodeId::from(node), vote(&stage, Phase::Commit, node, (0, 1), &digest).signature);
    let honest = Committed {
        view: View(0),
        seq: Height(1),
        proposal: Proposal::null(),
        commits: vec![sign(0), sign(1), sign(2)],
    };
    let is_genuine = |committed: &Committed| committed.is_genuine(&mut Checker::new(stage.keys()));
    assert!(is_genuine(&honest) && honest.is_complete(stage.committee()));
    let mut forged = honest.clone();
    forged.commits[1].1 = Signature::NONE;
    assert!(!is_genuine(&forged));
    let mut lent = honest.clone();
    lent.commits[1].0 = NodeId(3);
    assert!(!is_genuine(&lent), "a signature is its signer's only");
}

#[test]
fn early_votes_and_checkpoints_of_a_flooding_replica_are_bounded() {
    let mut stage: Stage = TestCluster::new(4, short());
    for round in 1..200u64 {
        let digest = Hash::of(&round.to_le_bytes());
        for seq in [1, 2, 7, 8, 9, 1_000] {
            let messages = [prepare(&stage, 2, (round, seq), &digest), commit(&stage, 2, (round, seq), &digest)];
            let now = [prepare(&stage, 2, (0, seq), &digest), commit(&stage, 2, (0, seq), &digest)];
            messages.into_iter().chain(now).for_each(|message| stage.inject(2, 1, message));
            let what = proposal(2, vec![stage.transaction(0, round)]);
            let message = pre_prepare(&stage, 2, (4 * round + 2, seq), &what);
            stage.inject(2, 1, message);
        }
        let seq = Height(round * 4);
        let signature = stage.keys().sign(2, &Checkpoint::statement(seq, &digest));
        stage.inject(2, 1, Message::Checkpoint(Checkpoint { seq, digest, signature }));
    }
    stage.deliver(|_| true);
    let replica = stage.node(1);
    assert!(
        replica
            .log
            .iter()
            .all(|(_, slot)| slot.elsewhere() <= 2 && slot.prepares.len() <= 1 && slot.commits.len() <= 1)
    );
    assert_eq!(replica.log.iter().count(), 8);
    assert!(replica.checkpoints.len() <= 3);
    let early = replica.log.get(Height(1)).unwrap().early_order.as_ref().unwrap();
    assert_eq!(early.order.view, View(6), "the nearest view to come is kept");
}

/// Numbers where mistakes live.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..4u64, 0..20u64, Just(u64::MAX), Just(u64::MAX - 1), any::<u64>()]
}

#[derive(Clone, Debug)]
struct Wild {
    from: usize,
    kind: u8,
    view: u64,
    seq: u64,
    other: u64,
}

fn wild() -> impl Strategy<Value = Wild> {
    (1..4usize, 0..12u8, number(), number(), number()).prop_map(|(from, kind, view, seq, other)| Wild {
        from,
        kind,
        view,
        seq,
        other,
    })
}

/// A genuine message with any fields at all: what a Byzantine replica may sign.
fn message(stage: &Stage, wild: &Wild) -> Message {
    let Wild { from, kind, view, seq, other } = *wild;
    let what =
        if other.is_multiple_of(2) { Proposal::null() } else { proposal(from, vec![stage.transaction(0, other)]) };
    let digest = what.digest();
    let sign = |statement: &Hash| stage.keys().sign(from as u32, statement);
    let certificate = |view: u64, seq: u64| Prepared {
        primary: NodeId::from(from),
        order: vote(stage, Phase::PrePrepare, from, (view, seq), &digest),
        prepares: vec![(NodeId::from(from), vote(stage, Phase::Prepare, from, (view, seq), &digest).signature)],
    };
    let signatures = || vec![(NodeId::from(from), sign(&Checkpoint::statement(Height(seq), &digest)))];
    let stable = || Arc::new(Stable { seq: Height(seq), digest, signatures: signatures() });
    let change = || {
        let (stable, prepared) = (stable(), vec![Arc::new(certificate(other, view)), Arc::new(certificate(view, seq))]);
        let signature = sign(&ViewChange::statement(View(view), &stable, &prepared));
        Arc::new(ViewChange { view: View(view), stable, prepared, replica: NodeId::from(from), signature })
    };
    match kind {
        0 | 1 => pre_prepare(stage, from, (view, seq), &what),
        2 => prepare(stage, from, (view, seq), &digest),
        3 => commit(stage, from, (view, seq), &digest),
        4 | 5 => {
            let signature = sign(&Checkpoint::statement(Height(seq), &digest));
            Message::Checkpoint(Checkpoint { seq: Height(seq), digest, signature })
        }
        6 => Message::ViewChange(change()),
        7 => {
            let (view_changes, orders) =
                (vec![change()], vec![vote(stage, Phase::PrePrepare, from, (view, seq), &digest)]);
            let signature = sign(&NewView::statement(View(view), &view_changes, &orders));
            let primary = NodeId::from(from);
            Message::NewView(Arc::new(NewView { view: View(view), primary, view_changes, orders, signature }))
        }
        8 => Message::Status(Arc::new(Status {
            view: View(view),
            active: other % 3 == 0,
            stable: Height(other),
            executed: Height(seq),
            standings: vec![Standing::Accepted; (other % 300) as usize],
            view_changes: vec![NodeId(other as u32 % 7)],
            helper: Some(NodeId(other as u32 % 5)),
            incoming: Some((Height(view), other)),
        })),
        9 => Message::Fetch { seq: Height(seq), digest },
        10 => Message::Batch { seq: Height(seq), proposal: Arc::new(what) },
        _ => {
            let block = stage.chain(0)[0].clone();
            let snapshot = crate::protocol::Snapshot { block, root: digest, bytes: other };
            let commits = vec![(NodeId::from(from), vote(stage, Phase::Commit, from, (view, seq), &digest).signature)];
            let committed = Committed { view: View(view), seq: Height(seq), proposal: what, commits };
            let stable = (view % 2 == 0).then(stable);
            let checkpoint = Some(Piece { stable, snapshot, offset: seq, length: other });
            Message::State(Arc::new(State {
                checkpoint,
                committed: vec![Arc::new(committed)],
                executed: Height(other),
            }))
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_message_that_one_replica_signs_panics_or_stops_the_others(wilds in prop::collection::vec(wild(), 1..40)) {
        let mut stage: Stage = TestCluster::new(4, short());
        let faulty = wilds[0].from;
        for (at, wild) in wilds.iter().enumerate() {
            let wild = Wild { from: faulty, ..wild.clone() };
            let message = message(&stage, &wild);
            prop_assert!(message.bytes() > 0 && !message.kind().is_empty());
            let _ = message.check();
            (0..4).filter(|to| *to != faulty).for_each(|to| stage.inject(faulty, to, message.clone()));
            if at % 8 == 0 {
                submit(&mut stage, at as u64..at as u64 + 1, MILLI * 2);
            }
        }
        stage.crash(faulty);
        stage.run(SECOND * 60);
        let honest: Vec<usize> = (0..4).filter(|node| *node != faulty).collect();
        assert_agreed(&stage, &honest, wilds.len().div_ceil(8));
        for node in honest {
            prop_assert!(stage.node(node).log.iter().count() as u64 <= short().log_window);
        }
    }

    #[test]
    fn votes_count_the_first_word_of_each_member_as_the_naive_model_does(
        words in prop::collection::vec((0..9u32, 0..3u8), 0..60),
    ) {
        let committee = Committee::new(7, FaultModel::Byzantine);
        let mut votes = Votes::default();
        let mut naive: BTreeMap<u32, u8> = BTreeMap::new();
        for (from, word) in words {
            let digest = Hash::of(&[word]);
            let is_first = from < 7 && !naive.contains_key(&from);
            prop_assert_eq!(votes.add(NodeId(from), &digest, Some(Signature::NONE), &committee), is_first);
            if is_first {
                naive.insert(from, word);
            }
            for word in 0..3u8 {
                let count = naive.values().filter(|said| **said == word).count() as u64;
                prop_assert_eq!(votes.is_quorum(&Hash::of(&[word]), &committee), count >= committee.quorum());
            }
        }
        let most = (0..3u8).map(|word| naive.values().filter(|said| **said == word).count()).max().unwrap_or(0);
        prop_assert_eq!(votes.is_blocking(&committee), most as u64 >= committee.blocking());
        prop_assert_eq!(votes.len(), naive.len());
    }
}
