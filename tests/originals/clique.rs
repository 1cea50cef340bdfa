//! Clique: the voting table of go-ethereum (`consensus/clique/snapshot_test.go`) and EIP-225, and what its
//! `verifyHeader`, `verifyCascadingFields` and `verifySeal` refuse.

use ledgerlab::base::{Duration, NodeId, Time};
use ledgerlab::chain::{Batch, Block, Header, Limit};
use ledgerlab::consensus::clique::{Ballot, Clique, Config, Fields, Message, Sealed, Signers};
use ledgerlab::protocol::testing::TestCluster;
use std::sync::Arc;

/// Blocks are their signers; `A+F` votes to add, `A-F` to drop. `None`: one of them may not be signed.
type Row = (&'static str, u64, &'static str, &'static str, Option<&'static str>);

const VOTES: [Row; 24] = [
    ("Single signer, no votes cast", 30_000, "A", "A", Some("A")),
    ("Single signer, voting to add two others", 30_000, "A", "A+B B A+C", Some("AB")),
    ("Two signers, voting to add three others", 30_000, "AB", "A+C B+C A+D B+D C A+E B+E", Some("ABCD")),
    ("Single signer, dropping itself", 30_000, "A", "A-A", Some("")),
    ("Two signers, needing mutual consent to drop (not fulfilled)", 30_000, "AB", "A-B", Some("AB")),
    ("Two signers, needing mutual consent to drop (fulfilled)", 30_000, "AB", "A-B B-B", Some("A")),
    ("Three signers, two of them dropping the third", 30_000, "ABC", "A-C B-C", Some("AB")),
    ("Four signers, consensus of two not being enough", 30_000, "ABCD", "A-C B-C", Some("ABCD")),
    ("Four signers, consensus of three being enough", 30_000, "ABCD", "A-D B-D C-D", Some("ABC")),
    ("Authorizations are counted once per signer per target", 30_000, "AB", "A+C B A+C B A+C", Some("AB")),
    ("Authorizing multiple accounts concurrently", 30_000, "AB", "A+C B A+D B A B+D A B+C", Some("ABCD")),
    ("Deauthorizations are counted once per signer per target", 30_000, "AB", "A-B B A-B B A-B", Some("AB")),
    ("Deauthorizing multiple accounts concurrently", 30_000, "ABCD", "A-C B C A-D B C A B-D C-D A B-C", Some("AB")),
    ("Votes of deauthorized signers are discarded (deauth votes)", 30_000, "ABC", "C-B A-C B-C A-B", Some("AB")),
    ("Votes of deauthorized signers are discarded (auth votes)", 30_000, "ABC", "C+D A-C B-C A+D", Some("AB")),
    ("Cascading changes are not allowed", 30_000, "ABCD", "A-C B C A-D B-C C A B-D C-D", Some("ABC")),
    (
        "Changes reaching consensus out of bounds execute on touch",
        30_000,
        "ABCD",
        "A-C B C A-D B-C C A B-D C-D A C+C",
        Some("AB"),
    ),
    (
        "Changes reaching consensus out of bounds may go out of consensus on first touch",
        30_000,
        "ABCD",
        "A-C B C A-D B-C C A B-D C-D A B+C",
        Some("ABC"),
    ),
    (
        "Pending votes do not survive changes of authorization",
        30_000,
        "ABCDE",
        "A+F B+F C+F D-F E-F B-F C-F D+F E+F B-A C-A D-A B+F",
        Some("BCDEF"),
    ),
    ("Epoch transitions reset all votes", 3, "AB", "A+C B A B+C", Some("AB")),
    ("An unauthorized signer should not be able to sign", 30_000, "A", "B", None),
    ("A signer that signed recently should not sign again", 30_000, "AB", "A A", None),
    ("Recent signatures do not reset on checkpoint blocks", 3, "ABC", "A B A A", None),
    ("Recent signatures do not reset on checkpoint blocks, later", 3, "ABC", "A B C A A", None),
];

fn node(letter: u8) -> NodeId {
    NodeId(u32::from(letter - b'A'))
}

fn play(epoch: u64, signers: &str, blocks: &str) -> Option<String> {
    let mut signers = Signers::new(signers.bytes().map(node));
    for (at, block) in blocks.split(' ').map(str::as_bytes).enumerate() {
        let number = at as u64 + 1;
        if !signers.may_sign(node(block[0]), number) {
            return None;
        }
        let vote = (block.len() == 3).then(|| Ballot { candidate: node(block[2]), add: block[1] == b'+' });
        signers = signers.after(number, node(block[0]), vote, number.is_multiple_of(epoch));
    }
    Some(signers.all().iter().map(|node| char::from(b'A' + node.0 as u8)).collect())
}

#[test]
fn snapshot_test_clique() {
    for (name, epoch, signers, blocks, outcome) in VOTES {
        assert_eq!(play(epoch, signers, blocks).as_deref(), outcome, "{name}");
    }
}

/// A follower of five signers, at 100 s of its clock. Blocks are five seconds apart.
fn follower() -> TestCluster<Clique> {
    let period = Duration::from_secs(5);
    let block = Limit { bytes: 600, transactions: 2 };
    let mut stage =
        TestCluster::empty(6, Config { period, epoch: 3, signers: 5, block_limit: block, ..Config::default() });
    stage.boot(5);
    stage.run(Duration::from_secs(100));
    stage
}

/// A header as it should be, to be bent.
struct Draft {
    signer: u32,
    millis: u64,
    difficulty: u64,
    vote: Option<Ballot>,
    checkpoint: Option<Vec<NodeId>>,
    payments: u64,
    forged: bool,
}

fn draft(signer: u32, millis: u64, difficulty: u64) -> Draft {
    Draft { signer, millis, difficulty, vote: None, checkpoint: None, payments: 0, forged: false }
}

fn seal(stage: &TestCluster<Clique>, parent: &Arc<Block>, draft: &Draft) -> Arc<Sealed> {
    let Draft { signer, millis, difficulty, vote, checkpoint, payments, forged } = draft;
    let fields = Fields { difficulty: *difficulty, vote: *vote, checkpoint: checkpoint.clone() };
    let batch = Batch::new((0..*payments).map(|nonce| stage.transaction(1, nonce)).collect());
    let header = Header {
        parent: parent.id(),
        height: parent.height().next(),
        merkle: batch.digest(),
        time: Time::ZERO + Duration::from_millis(*millis),
        proposer: NodeId(*signer),
        seal: fields.seal(),
    };
    let block = Block::new(header, batch);
    let by = if *forged { (*signer + 1) % 6 } else { *signer };
    let signature = stage.keys().sign(by, &Sealed::statement(&block.id()));
    Arc::new(Sealed { block, fields, signature })
}

fn show(stage: &mut TestCluster<Clique>, sealed: &Arc<Sealed>) -> bool {
    stage.inject(0, 5, Message::Block(sealed.clone()));
    stage.run(Duration::from_millis(2));
    stage.chain(5).iter().any(|block| block.id() == sealed.block.id())
}

#[test]
fn verify_header() {
    let vote = |candidate: u32, add| Some(Ballot { candidate: NodeId(candidate), add });
    let rows = [
        ("in turn, difficulty 2", draft(1, 5_000, 2), true),
        ("out of turn, difficulty 1", draft(2, 5_000, 1), true),
        ("a vote beside it", Draft { vote: vote(5, true), ..draft(1, 5_000, 2) }, true),
        ("errWrongDifficulty: in turn, 1", draft(1, 5_000, 1), false),
        ("errWrongDifficulty: out of turn, 2", draft(2, 5_000, 2), false),
        ("errInvalidDifficulty: 3", draft(1, 5_000, 3), false),
        ("errInvalidTimestamp: before the period", draft(1, 4_999, 2), false),
        ("ErrFutureBlock", draft(1, 110_000, 2), false),
        ("errUnauthorizedSigner", draft(5, 5_000, 1), false),
        ("another's seal", Draft { forged: true, ..draft(1, 5_000, 2) }, false),
        (
            "errExtraSigners: signers outside a checkpoint",
            Draft { checkpoint: Some((0..5).map(NodeId).collect()), ..draft(1, 5_000, 2) },
            false,
        ),
        ("as large as allowed", Draft { payments: 2, ..draft(1, 5_000, 2) }, true),
        ("invalid gas used: more than allowed", Draft { payments: 3, ..draft(1, 5_000, 2) }, false),
    ];
    for (name, draft, accepted) in rows {
        let mut stage = follower();
        let sealed = seal(&stage, &Block::genesis(), &draft);
        assert_eq!(show(&mut stage, &sealed), accepted, "{name}");
    }
}

#[test]
fn verify_header_at_a_checkpoint() {
    let all: Vec<NodeId> = (0..5).map(NodeId).collect();
    let swapped: Vec<NodeId> = [1, 0, 2, 3, 4].map(NodeId).to_vec();
    let vote = Some(Ballot { candidate: NodeId(5), add: true });
    let rows = [
        ("with all signers, in order", Some(all.clone()), None, true),
        ("errInvalidCheckpointSigners: none", None, None, false),
        ("errMismatchingCheckpointSigners: one missing", Some(all[..4].to_vec()), None, false),
        ("errMismatchingCheckpointSigners: out of order", Some(swapped), None, false),
        ("errInvalidCheckpointBeneficiary: a vote", Some(all), vote, false),
    ];
    for (name, checkpoint, vote, accepted) in rows {
        let mut stage = follower();
        let one = seal(&stage, &Block::genesis(), &draft(1, 5_000, 2));
        let two = seal(&stage, &one.block, &draft(2, 10_000, 2));
        assert!(show(&mut stage, &one) && show(&mut stage, &two));
        let third = seal(&stage, &two.block, &Draft { vote, checkpoint, ..draft(3, 15_000, 2) });
        assert_eq!(show(&mut stage, &third), accepted, "{name}");
    }
}
