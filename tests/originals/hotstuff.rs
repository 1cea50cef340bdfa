//! What the tests of HotStuff's implementations know: asonnino/hotstuff (`consensus/src/tests`), Diem (`safety-rules`,
//! `tests/suite.rs`). Each test here is named after the original's, with its file in the comment. Facts, in our own form:
//! thirteen replicas, one of which is there; the others are played. Every view has another leader.

use ledgerlab::base::{Committee, Duration, Hash, NodeId, Signature, Time};
use ledgerlab::chain::{Batch, Block, Header, Transaction};
use ledgerlab::consensus::hotstuff::{
    Certificate, Config, HotStuff, Message, Progress, Proposal, Record, Timeout, TimeoutCertificate, Variant, Vertex,
};
use ledgerlab::protocol::Message as _;
use ledgerlab::protocol::testing::TestCluster;
use std::sync::Arc;

const N: usize = 13;
/// More than two thirds.
const QUORUM: u32 = 9;
/// Leads none of the views below 12.
const WHO: usize = 12;

/// A block of the tree that a test draws, with its certificate.
#[derive(Clone)]
struct Made {
    view: u64,
    block: Arc<Block>,
    vertex: Option<Arc<Vertex>>,
    certificate: Arc<Certificate>,
}

struct Play {
    stage: TestCluster<HotStuff>,
    who: usize,
}

impl Play {
    fn new() -> Play {
        Play::with(Variant::Chained)
    }
    fn with(variant: Variant) -> Play {
        Play::of(variant, WHO)
    }
    fn of(variant: Variant, who: usize) -> Play {
        let config = Config { variant, views_per_leader: 1, ..Config::default() };
        let mut stage = TestCluster::empty(N, config);
        stage.boot(who);
        Play { stage, who }
    }
    fn genesis() -> Made {
        Made { view: 0, block: Block::genesis(), vertex: None, certificate: Certificate::genesis() }
    }
    fn leader(view: u64) -> usize {
        (view % N as u64) as usize
    }
    fn vote(&self, node: u32, view: u64, block: &Hash) -> Signature {
        self.stage.keys().sign(node, &Certificate::statement(view, block))
    }
    fn certificate(&self, view: u64, block: &Hash, voters: impl Iterator<Item = u32>) -> Arc<Certificate> {
        let votes = voters.map(|node| (NodeId(node), self.vote(node, view, block))).collect();
        Arc::new(Certificate { view, block: *block, votes })
    }
    /// A block of this view on another one.
    fn block(&mut self, view: u64, parent: &Made) -> Made {
        self.block_of(view, parent, Vec::new())
    }
    fn block_of(&mut self, view: u64, parent: &Made, payments: Vec<Arc<Transaction>>) -> Made {
        let batch = Batch::new(payments);
        let header = Header {
            parent: parent.block.id(),
            height: parent.block.height().next(),
            merkle: batch.digest(),
            time: Time::ZERO,
            proposer: NodeId::from(Play::leader(view)),
            seal: Vertex::seal(view, &parent.certificate),
        };
        let block = Block::new(header, batch);
        let vertex = Arc::new(Vertex { block: block.clone(), view, justify: parent.certificate.clone() });
        let certificate = self.certificate(view, &block.id(), 0..QUORUM);
        Made { view, block, vertex: Some(vertex), certificate }
    }
    /// The proposal of a block by its leader; with the timeouts of the view before, if that view has no certificate.
    fn proposal(&self, made: &Made) -> Message {
        let vertex = made.vertex.clone().expect("not genesis");
        let (leader, before, high) = (Play::leader(made.view) as u32, made.view - 1, vertex.justify.view);
        let part = |node: u32| (NodeId(node), high, self.stage.keys().sign(node, &Timeout::statement(before, high)));
        let timeout = (high < before)
            .then(|| Arc::new(TimeoutCertificate { view: before, parts: (0..QUORUM).map(part).collect() }));
        let signature = self.stage.keys().sign(leader, &Proposal::statement(&made.block.id()));
        Message::Propose(Arc::new(Proposal { vertex, timeout, signature }))
    }
    fn notify(&mut self, from: usize, message: Message) {
        assert!(message.verify(NodeId::from(from), self.stage.keys()), "it is refused for its signatures");
        self.stage.inject(from, self.who, message);
        let who = self.who;
        self.stage.deliver(|flight| flight.to.index() == who);
    }
    /// Proposes; whether the replica votes for it now.
    fn votes(&mut self, made: &Made) -> bool {
        let before = self.stage.log(self.who).len();
        self.notify(Play::leader(made.view), self.proposal(made));
        let is_vote =
            |record: &Record| matches!(record, Record::Voted(vertex, _) if vertex.block.id() == made.block.id());
        self.stage.log(self.who)[before..].iter().any(is_vote)
    }
    /// Names of the final blocks above genesis.
    fn finals(&self) -> Vec<Hash> {
        self.stage.finalized(self.who).iter().skip(1).map(|block| block.id()).collect()
    }
    fn sent(&self, kind: &str) -> Vec<(usize, Message)> {
        let of_kind = self.stage.flights().filter(|flight| flight.message.kind() == kind);
        of_kind.map(|flight| (flight.to.index(), flight.message.clone())).collect()
    }
}

use ledgerlab::base::Wire as _;

// asonnino/hotstuff, core_tests.rs

#[test]
fn handle_proposal() {
    let mut play = Play::new();
    let block = play.block(1, &Play::genesis());
    assert!(play.votes(&block));
    let sent = play.sent("vote");
    let Some((to, Message::Vote { view, block: voted, .. })) = sent.first() else { panic!("no vote left") };
    assert_eq!((sent.len(), *to, *view, *voted), (1, Play::leader(2), 1, block.block.id()), "to the next leader alone");
}

#[test]
fn generate_proposal() {
    let mut play = Play::of(Variant::Chained, 2);
    let payment = play.stage.transaction(0, 0);
    let block = play.block_of(1, &Play::genesis(), vec![payment.clone()]);
    let other = play.stage.transaction(1, 0);
    play.stage.submit(2, &other);
    assert!(play.votes(&block));
    play.stage.run(Duration::ZERO);
    for node in (0..QUORUM).filter(|node| *node != 2) {
        assert!(play.sent("propose").is_empty(), "{node} votes are too few");
        let (view, block) = (1, block.block.id());
        let signature = play.vote(node, view, &block);
        play.notify(node as usize, Message::Vote { view, block, signature });
    }
    let sent = play.sent("propose");
    assert_eq!(sent.len(), N - 1, "to every other replica");
    let Message::Propose(proposal) = &sent[0].1 else { unreachable!() };
    assert_eq!((proposal.vertex.view, proposal.vertex.justify.block), (2, block.block.id()));
    assert_eq!(proposal.vertex.justify.votes.len(), QUORUM as usize);
}

#[test]
fn commit_block() {
    // Two certificates in a row commit there; with three, the fourth block says so.
    for (variant, needed) in [(Variant::TwoPhase, 3), (Variant::Chained, 4)] {
        let mut play = Play::with(variant);
        let (mut parent, mut blocks) = (Play::genesis(), Vec::new());
        for view in 1..=needed {
            assert!(play.finals().is_empty(), "{variant:?}, before view {view}");
            parent = play.block(view, &parent);
            blocks.push(parent.block.id());
            assert!(play.votes(&parent));
        }
        assert_eq!(play.finals(), blocks[..1], "{variant:?}");
    }
}

#[test]
fn local_timeout_round() {
    let mut play = Play::new();
    let payment = play.stage.transaction(0, 0);
    play.stage.submit(WHO, &payment);
    play.stage.run(Duration::from_millis(999));
    assert!(play.sent("timeout").is_empty());
    let timeouts = play.stage.delivered().get("timeout").copied().unwrap_or(0);
    play.stage.run(Duration::from_millis(1));
    let sent = play.sent("timeout");
    assert_eq!((timeouts, sent.len()), (0, N - 1), "to every other replica");
    let Message::Timeout(timeout) = &sent[0].1 else { unreachable!() };
    assert_eq!((timeout.view, timeout.high.view), (1, 0), "round 1, and the certificate of genesis");
}

// asonnino/hotstuff, aggregator_tests.rs and messages_tests.rs

#[test]
fn add_vote_and_make_quorum() {
    // One vote makes no certificate, 2 f + 1 do: see generate_proposal. One voter twice is one vote.
    let mut play = Play::of(Variant::Chained, 2);
    let payment = play.stage.transaction(0, 0);
    let block = play.block_of(1, &Play::genesis(), vec![payment]);
    let (view, id) = (1, block.block.id());
    assert!(play.votes(&block));
    play.stage.run(Duration::ZERO);
    let vote = |play: &mut Play, node: u32| {
        let signature = play.vote(node, view, &id);
        play.notify(node as usize, Message::Vote { view, block: id, signature });
        !play.sent("propose").is_empty()
    };
    assert!(!(3..10).any(|node| vote(&mut play, node)), "seven and its own");
    assert!(!vote(&mut play, 9), "the last again");
    assert!(vote(&mut play, 10));
}

fn quorum() -> (Play, Certificate, Committee) {
    let play = Play::new();
    let certificate = (*play.certificate(1, &Hash::of(b"block"), 0..QUORUM)).clone();
    let committee = play.stage.committee().clone();
    (play, certificate, committee)
}

#[test]
fn verify_valid_qc() {
    let (_, certificate, committee) = quorum();
    assert!(certificate.is_complete(&committee));
}

#[test]
fn verify_qc_authority_reuse() {
    let (_, mut certificate, committee) = quorum();
    certificate.votes[8] = certificate.votes[0];
    assert!(!certificate.is_complete(&committee));
}

#[test]
fn verify_qc_unknown_authority() {
    let (_, mut certificate, committee) = quorum();
    certificate.votes[8].0 = NodeId(N as u32);
    assert!(!certificate.is_complete(&committee));
}

#[test]
fn verify_qc_insufficient_stake() {
    let (_, mut certificate, committee) = quorum();
    certificate.votes.pop();
    assert!(!certificate.is_complete(&committee));
}

#[test]
fn quorum_threshold_is_all_but_f_whatever_the_size_of_the_committee() {
    // config.rs, `quorum_threshold`; libhotstuff, `nmajority = nreplicas - nfaulty`. A third down stops six replicas.
    for (n, quorum) in
        [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (9, 7), (10, 7), (12, 9), (13, 9), (16, 11)]
    {
        let stage: TestCluster<HotStuff> = TestCluster::empty(n, Config::default());
        assert_eq!(stage.committee().quorum(), quorum, "{n} replicas");
    }
}

// asonnino/hotstuff, synchronizer_tests.rs

#[test]
fn get_genesis_parent_block_and_get_existing_parent_block() {
    let mut play = Play::new();
    let one = play.block(1, &Play::genesis());
    let two = play.block(2, &one);
    assert!(play.votes(&one) && play.votes(&two));
    assert!(play.sent("request").is_empty(), "nothing is missing");
}

#[test]
fn get_missing_parent_block() {
    let mut play = Play::new();
    let one = play.block(1, &Play::genesis());
    let two = play.block(2, &one);
    assert!(!play.votes(&two), "its parent is not here");
    let asked = play.sent("request");
    let Some((to, Message::Request { block, .. })) = asked.first() else { panic!("no replica is asked") };
    assert_eq!((asked.len(), *block), (1, Some(one.block.id())), "one request, for the parent");
    let vertices = vec![one.vertex.clone().unwrap()];
    let (high, to) = (one.certificate.clone(), *to);
    let before = play.stage.log(WHO).len();
    let progress = Progress { high, timeout: None, vertices, blocks: Vec::new() };
    play.notify(to, Message::Progress(Arc::new(progress)));
    let voted = play.stage.log(WHO)[before..].iter();
    let voted =
        voted.filter(|record| matches!(record, Record::Voted(vertex, _) if vertex.block.id() == two.block.id()));
    assert_eq!(voted.count(), 1, "what waited goes on");
}

// Diem, safety-rules, tests/suite.rs

#[test]
fn test_initial_state() {
    // Nothing is voted on, genesis is preferred: the first proposal is voted for, and one that leaves views out too.
    for view in [1, 5] {
        let mut play = Play::new();
        let block = play.block(view, &Play::genesis());
        assert!(play.votes(&block), "view {view}");
    }
}

#[test]
fn test_preferred_block_rule() {
    // a1 (1), b1 (2), b2 (3) on a1, a2 (4) on b1, b3 (5) on b2, a3 (6) on a2, a4 (7) on a3. Preferred is the parent of the
    // newest block with a certified child: a1 when b3 is seen, b1 when a3 is, a2 when a4 is. A block on genesis shows which.
    for (seen, is_genesis_preferred) in [(4, true), (5, false), (6, false)] {
        let mut play = Play::new();
        let genesis = Play::genesis();
        let (a1, b1) = (play.block(1, &genesis), play.block(2, &genesis));
        let (b2, a2) = (play.block(3, &a1), play.block(4, &b1));
        let (b3, a3) = (play.block(5, &b2), play.block(6, &a2));
        let all = [a1, b1, b2, a2, b3, a3];
        all.iter().take(seen).for_each(|block| {
            play.votes(block);
        });
        let probe = play.block(8, &genesis);
        assert_eq!(play.votes(&probe), is_genesis_preferred, "after {seen} blocks");
    }
    let mut play = Play::new();
    let genesis = Play::genesis();
    let b1 = play.block(2, &genesis);
    let a2 = play.block(4, &b1);
    let a3 = play.block(6, &a2);
    let a4 = play.block(7, &a3);
    assert!([&b1, &a2, &a3, &a4].into_iter().all(|block| play.votes(block)));
    let (on_b1, on_a2) = (play.block(9, &b1), play.block(10, &a2));
    assert!(!play.votes(&on_b1), "the certificate of view 2 is older than that of a2");
    assert!(play.votes(&on_a2), "what extends a2 is not");
}

#[test]
fn test_voting() {
    let mut play = Play::new();
    let genesis = Play::genesis();
    let (a1, b1) = (play.block(1, &genesis), play.block(2, &genesis));
    let (b2, a2) = (play.block(3, &a1), play.block(4, &b1));
    let a3 = play.block(5, &a2);
    let b3 = play.block(6, &b2);
    let a4 = play.block(7, &a3);
    let b4 = play.block(8, &b2);
    for (name, block, expected) in [
        ("a1", &a1, true),
        ("b1", &b1, true),
        ("a2", &a2, true),
        ("b2: an old view", &b2, false),
        ("a3", &a3, true),
        ("b3", &b3, true),
        ("a4", &a4, true),
        ("a4 again: an old view", &a4, false),
        ("b4: on view 3, and a2 of view 4 is preferred", &b4, false),
    ] {
        // What b3 and b4 stand on was seen, though not voted for.
        if name == "b3" {
            let progress = Progress {
                high: b2.certificate.clone(),
                timeout: None,
                vertices: vec![b2.vertex.clone().unwrap()],
                blocks: Vec::new(),
            };
            play.notify(0, Message::Progress(Arc::new(progress)));
        }
        let voted = play.votes(block);
        if name == "b3" && !voted {
            // It asked for b2, which no proposal brought in time; here it is.
            let progress = Progress {
                high: b2.certificate.clone(),
                timeout: None,
                vertices: vec![b2.vertex.clone().unwrap()],
                blocks: Vec::new(),
            };
            let asked = play.sent("request").last().map(|(to, _)| *to).expect("asked for b2");
            play.notify(asked, Message::Progress(Arc::new(progress)));
            let voted = play.stage.log(WHO).iter();
            let of_b3 =
                |record: &&Record| matches!(record, Record::Voted(vertex, _) if vertex.block.id() == b3.block.id());
            assert_eq!(voted.filter(of_b3).count(), 1, "b3");
            continue;
        }
        assert_eq!(voted, expected, "{name}");
    }
}

#[test]
fn test_commit_rule_consecutive_rounds() {
    // a1 (1); b1 (2), b2 (3); a2 (4) on a1, a3 (5), a4 (6), and one more that certifies a4.
    let mut play = Play::new();
    let genesis = Play::genesis();
    let (a1, b1) = (play.block(1, &genesis), play.block(2, &genesis));
    let b2 = play.block(3, &b1);
    let a2 = play.block(4, &a1);
    let a3 = play.block(5, &a2);
    let a4 = play.block(6, &a3);
    let a5 = play.block(7, &a4);
    for block in [&a1, &b1, &b2, &a2, &a3, &a4] {
        assert!(play.votes(block));
        assert!(play.finals().is_empty(), "a1 and a2 are not of consecutive views");
    }
    assert!(play.votes(&a5));
    assert_eq!(play.finals(), [a1.block.id(), a2.block.id()], "a2 is final with all below");
}

#[test]
fn test_voting_potential_commit_id() {
    // a1 (1), b1 (2), a2 (3) on a1, a3, a4, a5: the certificate of a4 commits a2, that of a5 commits a3.
    let mut play = Play::new();
    let genesis = Play::genesis();
    let (a1, b1) = (play.block(1, &genesis), play.block(2, &genesis));
    let a2 = play.block(3, &a1);
    let a3 = play.block(4, &a2);
    let a4 = play.block(5, &a3);
    let a5 = play.block(6, &a4);
    let a6 = play.block(7, &a5);
    for (block, finals) in [(&a1, 0), (&b1, 0), (&a2, 0), (&a3, 0), (&a4, 0), (&a5, 2), (&a6, 3)] {
        assert!(play.votes(block));
        assert_eq!(play.finals().len(), finals);
    }
}

#[test]
fn test_bad_execution_output() {
    // What a block says does not follow from its parent: no vote; what does gets one.
    let mut play = Play::new();
    let a1 = play.block(1, &Play::genesis());
    assert!(play.votes(&a1));
    let payment = play.stage.transaction(0, 0);
    let evil = play.block_of(2, &a1, vec![payment.clone(), payment.clone()]);
    assert!(!play.votes(&evil), "one payment twice");
    let good = play.block_of(3, &a1, vec![payment]);
    assert!(play.votes(&good));
}

#[test]
fn test_end_to_end() {
    let mut play = Play::new();
    let (mut parent, mut payments) = (Play::genesis(), Vec::new());
    for view in 1..=4 {
        let payment = play.stage.transaction(0, view - 1);
        payments.push(payment.id());
        parent = play.block_of(view, &parent, vec![payment]);
        assert!(play.votes(&parent), "view {view}");
    }
    assert_eq!(play.stage.final_transactions(WHO), payments[..1], "p0 is final with the certificate of p2");
}

#[test]
fn test_sign_old_proposal() {
    // A proposal of a view that is over, or of genesis' own.
    let mut play = Play::new();
    let (one, two) = (play.block(1, &Play::genesis()), play.block(2, &Play::genesis()));
    assert!(play.votes(&two));
    assert!(!play.votes(&one));
}

#[test]
fn a_vote_is_for_the_leader_s_block_and_one_within_the_limit() {
    // Diem, `proposal_generator` and `round_manager`: who is not the proposer of the round is refused, and so is a block
    // beyond the limit of payments.
    let mut play = Play::new();
    let block = play.block(1, &Play::genesis());
    let Message::Propose(proposal) = play.proposal(&block) else { unreachable!() };
    let signature = play.stage.keys().sign(3, &Proposal::statement(&block.block.id()));
    let stolen = Message::Propose(Arc::new(Proposal { signature, ..(*proposal).clone() }));
    assert!(!stolen.verify(NodeId(3), play.stage.keys()));
    let payments = (0..513).map(|nonce| play.stage.transaction(0, nonce)).collect();
    let large = play.block_of(2, &Play::genesis(), payments);
    assert!(!play.votes(&large), "513 payments, of 512");
}
