//! Besu's `ProposalValidatorTest`, `RoundChangeMessageValidatorTest`, `QbftBlockHeightManagerTest`, `QbftRoundTest`,
//! `FutureHeightTest` and header rules; `GoQuorum`'s `core` tests; the formal specification of QBFT in Dafny (`dafny/spec/L1`).
//! Validator 0 of four is the real one, and receives what the others send. In round r of the first height, (1 + r) mod 4 proposes.

use ledgerlab::base::{Duration, Hash, Height, NodeId, Signature, Time};
use ledgerlab::chain::{Batch, Block, Header, Limit, Seal};
use ledgerlab::consensus::qbft::{
    Change, Config, Message, Phase, Prepared, Proposal, Qbft, Round, RoundChange, Sealed, Variant, statement,
};
use ledgerlab::protocol::Protocol;
use ledgerlab::protocol::testing::TestCluster;
use std::sync::Arc;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const FIRST: Height = Height(1);

struct Validator {
    stage: TestCluster<Qbft>,
}

impl Validator {
    fn new() -> Validator {
        Validator::with(Config::default())
    }
    fn with(config: Config) -> Validator {
        let mut stage: TestCluster<Qbft> = TestCluster::empty(4, config);
        stage.boot(0);
        Validator { stage }
    }
    /// A block for the first height that names a proposer.
    fn block(&self, proposer: u32, nonce: u64) -> Arc<Block> {
        self.block_with(proposer, self.stage.now(), nonce..nonce + 1)
    }
    fn block_with(&self, proposer: u32, time: Time, payments: std::ops::Range<u64>) -> Arc<Block> {
        let batch = Batch::new(payments.map(|nonce| self.stage.transaction(0, nonce)).collect());
        let (parent, merkle, proposer) = (Block::genesis().id(), batch.digest(), NodeId(proposer));
        Block::new(Header { parent, height: FIRST, merkle, time, proposer, seal: Seal::None }, batch)
    }
    fn sign(&self, by: u32, said: &Hash) -> Signature {
        self.stage.keys().sign(by, said)
    }
    fn change_at(&self, node: u32, height: Height, round: Round, prepared: Option<(Round, Hash)>) -> Change {
        let signature = self.sign(node, &Change::statement(height, round, prepared));
        Change { sender: NodeId(node), prepared, signature }
    }
    fn change(&self, node: u32, round: Round) -> Change {
        self.change_at(node, FIRST, round, None)
    }
    /// PREPAREs of these for a block in a round.
    fn prepared(&self, round: Round, block: &Arc<Block>, by: &[u32]) -> Arc<Prepared> {
        let said = statement(Phase::Prepare, FIRST, round, &block.id());
        let prepares = by.iter().map(|node| (NodeId(*node), self.sign(*node, &said))).collect();
        Arc::new(Prepared { round, block: block.clone(), prepares })
    }
    /// A proposal of a round by some node.
    fn propose(
        &mut self,
        by: u32,
        round: Round,
        block: &Arc<Block>,
        changes: Vec<Change>,
        proof: Option<Arc<Prepared>>,
    ) {
        let signature = self.sign(by, &statement(Phase::Prepare, block.height(), round, &block.id()));
        let (block, certificate, others) = (block.clone(), proof, Vec::new());
        let proposal = Proposal { round, block, signature, changes, certificate, others };
        self.stage.inject(by as usize, 0, Message::Proposal(Arc::new(proposal)));
        self.stage.deliver(|flight| flight.to.index() == 0);
    }
    fn vote(&mut self, phase: Phase, round: Round, block: &Arc<Block>, by: &[u32]) {
        for &node in by {
            let (height, digest) = (block.height(), block.id());
            let signature = self.sign(node, &statement(phase, height, round, &digest));
            self.stage.inject(node as usize, 0, Message::Vote { phase, height, round, digest, signature });
        }
        self.stage.deliver(|flight| flight.to.index() == 0);
        self.stage.run(Duration::ZERO);
    }
    fn ask_for_round(&mut self, node: u32, round: Round, proof: Option<Arc<Prepared>>) {
        let prepared = proof.as_ref().map(|proof| (proof.round, proof.block.id()));
        let change = self.change_at(node, FIRST, round, prepared);
        self.send_change(node, RoundChange { height: FIRST, round, change, certificate: proof });
    }
    fn send_change(&mut self, node: u32, change: RoundChange) {
        self.stage.inject(node as usize, 0, Message::RoundChange(Arc::new(change)));
        self.stage.deliver(|flight| flight.to.index() == 0);
    }
    /// What it sent to validator 3 of a phase: round and block.
    fn votes(&self, of: Phase) -> Vec<(Round, Hash)> {
        let sent = self.stage.flights().filter(|flight| flight.from.index() == 0 && flight.to.index() == 3);
        sent.filter_map(|flight| match flight.message {
            Message::Vote { phase, round, digest, .. } if phase == of => Some((round, digest)),
            _ => None,
        })
        .collect()
    }
    fn prepares(&self, block: &Arc<Block>) -> bool {
        self.votes(Phase::Prepare).iter().any(|(_, digest)| *digest == block.id())
    }
    /// The rounds that it asked for, with what it showed as prepared.
    fn asked(&self) -> Vec<(Round, Option<(Round, Hash)>)> {
        let sent = self.stage.flights().filter(|flight| flight.from.index() == 0 && flight.to.index() == 3);
        sent.filter_map(|flight| match &flight.message {
            Message::RoundChange(change) => Some((change.round, change.change.prepared)),
            _ => None,
        })
        .collect()
    }
    fn proposals(&self) -> Vec<Arc<Proposal>> {
        let sent = self.stage.flights().filter(|flight| flight.from.index() == 0 && flight.to.index() == 3);
        sent.filter_map(|flight| match &flight.message {
            Message::Proposal(proposal) => Some(proposal.clone()),
            _ => None,
        })
        .collect()
    }
    fn decided(&self) -> usize {
        self.stage.finalized(0).len() - 1
    }
}

/// What goes with a proposal of round 1.
type Shown = (Vec<Change>, Option<Arc<Prepared>>);

/// Whether a proposal of round 1 is prepared. It shows the block of round 0 again if `again`, and otherwise a fresh one.
fn round_1(again: bool, shown: fn(&Validator, &Arc<Block>) -> Shown) -> bool {
    let mut validator = Validator::new();
    let (old, fresh) = (validator.block(1, 0), validator.block(2, 1));
    let (changes, proof) = shown(&validator, &old);
    let block = if again { old } else { fresh };
    validator.propose(2, 1, &block, changes, proof);
    validator.prepares(&block)
}

fn claims(validator: &Validator, round: Round, block: &Arc<Block>) -> Vec<Change> {
    vec![validator.change(1, 1), validator.change(2, 1), validator.change_at(3, FIRST, 1, Some((round, block.id())))]
}

#[test]
fn proposal_validator_test_round_zero() {
    for (about, accepted, shown) in [
        ("validationPassesForRoundZeroWithNoPiggybackedPayloads", true, 0),
        ("validationFailsIfRoundZeroHasNonEmptyPrepares", false, 1),
        ("validationFailsIfRoundZeroHasNonEmptyRoundChanges", false, 2),
    ] {
        let mut validator = Validator::new();
        let block = validator.block(1, 0);
        let proof = (shown == 1).then(|| validator.prepared(0, &block, &[1, 2, 3]));
        let changes = if shown == 2 { vec![validator.change(1, 0)] } else { Vec::new() };
        validator.propose(1, 0, &block, changes, proof);
        assert_eq!(validator.prepares(&block), accepted, "{about}");
    }
}

#[test]
fn proposal_validator_test_later_rounds() {
    type Row = (&'static str, bool, bool, fn(&Validator, &Arc<Block>) -> Shown);
    let rows: [Row; 15] = [
        ("validationPassesAtNonRoundZeroIfSufficientEmptyRoundChangesMatchTargetRound", true, false, |t, _| {
            ((1..4).map(|node| t.change(node, 1)).collect(), None)
        }),
        ("validationFailsAtNonRoundZeroIfInsufficientRoundChangesExist", false, false, |t, _| {
            ((1..3).map(|node| t.change(node, 1)).collect(), None)
        }),
        ("validationFailsIfPiggybackedRoundChangePayloadIsFromNonValidation", false, false, |t, _| {
            let outsider = Change { sender: NodeId(9), ..t.change(3, 1) };
            (vec![t.change(1, 1), t.change(2, 1), outsider], None)
        }),
        ("validationFailsIfPiggybackedRoundChangePayloadHasDuplicatedAuthors", false, false, |t, _| {
            (vec![t.change(1, 1), t.change(2, 1), t.change(2, 1)], None)
        }),
        ("validationFailsIfRoundChangePayloadsTargetADifferentRoundToProposal", false, false, |t, _| {
            ((1..4).map(|node| t.change(node, 2)).collect(), None)
        }),
        ("validationFailsIfRoundChangePayloadsTargetADifferentHeightToProposal", false, false, |t, _| {
            ((1..4).map(|node| t.change_at(node, Height(2), 1, None)).collect(), None)
        }),
        ("validationFailsIfBlockHashInLatestPreparedMetadataDoesNotMatchProposedBlock", false, false, |t, old| {
            (claims(t, 0, old), Some(t.prepared(0, old, &[1, 2, 3])))
        }),
        ("validationFailsIfPreparesAreNonEmptyButNoRoundChangeHasPreparedMetadata", false, false, |t, old| {
            ((1..4).map(|node| t.change(node, 1)).collect(), Some(t.prepared(0, old, &[1, 2, 3])))
        }),
        ("validationPassesForPreparedRound", true, true, |t, old| {
            (claims(t, 0, old), Some(t.prepared(0, old, &[1, 2, 3])))
        }),
        ("validationFailsIfPiggybackedPreparePayloadIsFromNonValidator", false, true, |t, old| {
            let mut proof = (*t.prepared(0, old, &[1, 2, 3])).clone();
            proof.prepares[2].0 = NodeId(9);
            (claims(t, 0, old), Some(Arc::new(proof)))
        }),
        ("validationFailsIfPiggybackedPreparePayloadHasDuplicatedAuthors", false, true, |t, old| {
            (claims(t, 0, old), Some(t.prepared(0, old, &[1, 2, 2])))
        }),
        ("validationFailsIfInsufficientPiggybackedPreparePayloads", false, true, |t, old| {
            (claims(t, 0, old), Some(t.prepared(0, old, &[1, 2])))
        }),
        ("validationFailsIfPreparePayloadsDoNotMatchMetadataInRoundChanges", false, true, |t, old| {
            let mut proof = (*t.prepared(1, old, &[1, 2, 3])).clone();
            proof.round = 0;
            (claims(t, 0, old), Some(Arc::new(proof)))
        }),
        ("validationFailsIfMetadataIsNotOfAnEarlierRound", false, true, |t, old| {
            (claims(t, 1, old), Some(t.prepared(1, old, &[1, 2, 3])))
        }),
        ("isProposalJustification: a prepared block without its prepares", false, true, |t, old| {
            (claims(t, 0, old), None)
        }),
    ];
    for (about, accepted, again, shown) in rows {
        assert_eq!(round_1(again, shown), accepted, "{about}");
    }
}

/// Formal specification, `isProposalJustification`: a fresh block names the proposer of its round; else a faulty node keeps the lead.
#[test]
fn is_proposal_justification_asks_who_is_named() {
    for variant in [Variant::Qbft, Variant::Ibft2, Variant::Ibft1] {
        for round in [0, 1] {
            for named in 0..4 {
                let mut validator = Validator::with(Config { variant, ..Config::default() });
                let (block, by) = (validator.block(named, 0), 1 + round as u32);
                let changes = (1..4).map(|node| validator.change(node, 1)).take(3 * round as usize).collect();
                validator.propose(by, round, &block, changes, None);
                assert_eq!(validator.prepares(&block), named == by, "{variant:?}, round {round}, names {named}");
            }
        }
    }
}

/// The same over a whole network: three honest validators refuse what names another, and the faulty node's next turn is three later.
#[test]
fn a_proposer_that_names_another_does_not_keep_the_lead() {
    let mut stage: TestCluster<Qbft> = TestCluster::new(4, Config::default());
    stage.set_attack(1, "keep_the_lead");
    (0..4).for_each(|node| stage.boot(node));
    for nonce in 0..6 {
        let payment = stage.transaction(0, nonce);
        stage.submit_to_all(&payment);
        stage.run(SECOND * 4);
    }
    let proposers: Vec<u32> = stage.finalized(0)[1..].iter().map(|block| block.header.proposer.0).collect();
    assert_eq!(stage.final_transactions(0).len(), 6);
    assert!(proposers.iter().all(|proposer| *proposer != 1), "{proposers:?}");
}

#[test]
fn proposal_payload_validator_test_author_and_height() {
    let mut validator = Validator::new();
    let block = validator.block(2, 0);
    validator.propose(2, 0, &block, Vec::new(), None);
    assert!(
        !validator.prepares(&block),
        "validationFailsWhenBlockCoinbaseIsNotTheExpectedProposer: it is not 2's turn"
    );
    let mut header = validator.block(1, 0).header;
    header.height = Height(2);
    let wrong = Block::new(header, validator.block(1, 0).batch.clone());
    validator.propose(1, 0, &wrong, Vec::new(), None);
    assert!(!validator.prepares(&wrong), "validationFailsForBlockWithWrongHeight");
}

/// Besu, `QbftBlockHeaderValidationRulesetFactory`: at least a block period after the parent, at most a second ahead; `GoQuorum`,
/// `verifyCascadingFields`. The first height may follow genesis at once.
#[test]
fn header_rules_time() {
    for (after, is_valid) in [(999, false), (1_000, true), (1_400, true), (2_200, true), (3_000, false)] {
        let mut validator = Validator::new();
        let first = validator.block(1, 0);
        validator.propose(1, 0, &first, Vec::new(), None);
        validator.vote(Phase::Prepare, 0, &first, &[2, 3]);
        validator.vote(Phase::Commit, 0, &first, &[1, 2, 3]);
        assert_eq!(validator.decided(), 1);
        validator.stage.run(MILLI * 1_300);
        let batch = Batch::new(vec![validator.stage.transaction(0, 1)]);
        let (parent, merkle, proposer) = (first.id(), batch.digest(), NodeId(2));
        let time = first.header.time + MILLI * after;
        let header = Header { parent, height: Height(2), merkle, time, proposer, seal: Seal::None };
        let second = Block::new(header, batch);
        validator.propose(2, 0, &second, Vec::new(), None);
        assert_eq!(validator.prepares(&second), is_valid, "{after} ms after its parent, 1300 ms after it");
    }
}

#[test]
fn header_rules_parent_body_and_limits() {
    let limit = Limit { bytes: 1_000_000, transactions: 2 };
    let mut validator = Validator::with(Config { block_limit: limit, ..Config::default() });
    let now = validator.stage.now();
    let good = validator.block_with(1, now, 0..2);
    let mut orphan = good.header;
    orphan.parent = Hash::of(b"another chain");
    let mut body = good.header;
    body.merkle = Hash::of(b"another body");
    for (about, block, is_valid) in [
        ("too many payments", validator.block_with(1, now, 0..3), false),
        ("another parent", Block::new(orphan, good.batch.clone()), false),
        ("another body", Block::new(body, good.batch.clone()), false),
        ("all right", good, true),
    ] {
        validator.propose(1, 0, &block, Vec::new(), None);
        assert_eq!(validator.prepares(&block), is_valid, "{about}");
    }
}

/// Two ROUND-CHANGEs of others move a validator, if both are valid.
#[test]
fn round_change_message_validator_test() {
    type Row = (&'static str, bool, fn(&Validator, &Arc<Block>) -> RoundChange);
    fn of(
        validator: &Validator,
        round: Round,
        claim: Option<(Round, Hash)>,
        certificate: Option<Arc<Prepared>>,
    ) -> RoundChange {
        RoundChange { height: FIRST, round, change: validator.change_at(2, FIRST, round, claim), certificate }
    }
    let rows: [Row; 10] = [
        ("roundChangeWithNoPiggyBackedDataIsValid", true, |t, _| of(t, 3, None, None)),
        ("roundChangeWithValidPiggyBackDataIsValid", true, |t, b| {
            of(t, 3, Some((2, b.id())), Some(t.prepared(2, b, &[0, 1, 2, 3])))
        }),
        ("insufficientPiggyBackedPrepareMessagesIsInvalid", false, |t, b| {
            of(t, 3, Some((2, b.id())), Some(t.prepared(2, b, &[0, 1])))
        }),
        ("prepareFromNonValidatorFails", false, |t, b| {
            let mut proof = (*t.prepared(2, b, &[0, 1, 2])).clone();
            proof.prepares[2].0 = NodeId(9);
            of(t, 3, Some((2, b.id())), Some(Arc::new(proof)))
        }),
        ("validationFailsIfPreparedMetadataContainsDifferentRoundToBlock", false, |t, b| {
            of(t, 3, Some((1, b.id())), Some(t.prepared(2, b, &[0, 1, 2])))
        }),
        ("validationFailsIfPreparesContainsDifferentRoundToBlock", false, |t, b| {
            let mut proof = (*t.prepared(1, b, &[0, 1, 2])).clone();
            proof.round = 2;
            of(t, 3, Some((2, b.id())), Some(Arc::new(proof)))
        }),
        ("validationFailsIfPreparesHaveDuplicateAuthors", false, |t, b| {
            of(t, 3, Some((2, b.id())), Some(t.prepared(2, b, &[0, 1, 1])))
        }),
        ("validationFailsIfBlockExistsButNotPreparedMetadata", false, |t, b| {
            of(t, 3, None, Some(t.prepared(2, b, &[0, 1, 2])))
        }),
        ("validationFailsIfBlockHashDoesNotMatchPreparedMetadata", false, |t, b| {
            of(t, 3, Some((2, Hash::of(b"another"))), Some(t.prepared(2, b, &[0, 1, 2])))
        }),
        ("validRoundChange: what was prepared is of an earlier round", false, |t, b| {
            of(t, 3, Some((3, b.id())), Some(t.prepared(3, b, &[0, 1, 2])))
        }),
    ];
    for (about, is_valid, of) in rows {
        let mut validator = Validator::new();
        let block = validator.block(1, 0);
        validator.ask_for_round(1, 3, None);
        assert_eq!(validator.asked(), [], "one is not enough");
        let change = of(&validator, &block);
        validator.send_change(2, change);
        assert_eq!(!validator.asked().is_empty(), is_valid, "{about}");
    }
}

#[test]
fn round_change_manager_test_the_least_of_the_rounds_that_f_plus_one_ask_for() {
    let mut validator = Validator::new();
    validator.ask_for_round(1, 7, None);
    validator.ask_for_round(2, 4, None);
    assert_eq!(validator.asked(), [(4, None)]);
}

#[test]
fn qbft_block_height_manager_test_on_round_timer_expiry() {
    let mut validator = Validator::new();
    let block = validator.block(1, 0);
    validator.propose(1, 0, &block, Vec::new(), None);
    validator.stage.run(SECOND);
    assert_eq!(validator.asked(), [(1, None)], "onRoundTimerExpiryANewRoundIsCreatedWithAnIncrementedRoundNumber");
    let mut validator = Validator::new();
    validator.propose(1, 0, &block, Vec::new(), None);
    validator.vote(Phase::Prepare, 0, &block, &[2]);
    validator.stage.run(SECOND);
    let shown = Some((0, block.id()));
    assert_eq!(validator.asked(), [(1, shown)], "preparedCertificateIncludedInRoundChangeMessageOnRoundTimeoutExpired");
}

/// Round 3 of the first height is validator 0's.
#[test]
fn qbft_block_height_manager_test_when_sufficient_round_changes_are_received() {
    let mut validator = Validator::new();
    let payment = validator.stage.transaction(0, 5);
    validator.stage.submit(0, &payment);
    let block = validator.block(1, 0);
    validator.ask_for_round(1, 3, None);
    assert!(validator.proposals().is_empty());
    validator.ask_for_round(2, 3, None);
    let proposals = validator.proposals();
    assert_eq!((proposals.len(), proposals[0].round), (1, 3), "aProposalWithANewBlockIsSent...WithNoCertificate");
    assert_eq!((proposals[0].block.header.proposer, proposals[0].changes.len()), (NodeId(0), 3));
    // With a certificate, its block is shown again, and who made it stays its maker.
    let mut validator = Validator::new();
    let proof = validator.prepared(0, &block, &[1, 2, 3]);
    validator.ask_for_round(1, 3, Some(proof.clone()));
    validator.ask_for_round(2, 3, None);
    let proposals = validator.proposals();
    assert_eq!((proposals.len(), proposals[0].block.id()), (1, block.id()), "...WithCertificate");
    assert_eq!((proposals[0].block.header.proposer, proposals[0].certificate.as_ref()), (NodeId(1), Some(&proof)));
}

#[test]
fn qbft_block_height_manager_test_messages_for_future_rounds_are_buffered() {
    let mut validator = Validator::new();
    let block = validator.block(2, 0);
    validator.vote(Phase::Prepare, 1, &block, &[1, 3]);
    assert!(validator.votes(Phase::Commit).is_empty());
    let changes = (1..4).map(|node| validator.change(node, 1)).collect();
    validator.propose(2, 1, &block, changes, None);
    validator.stage.run(Duration::ZERO);
    assert_eq!(validator.votes(Phase::Commit), [(1, block.id())]);
    // illegalFutureRoundProposalDoesNotTriggerNewRound
    let mut validator = Validator::new();
    validator.propose(2, 1, &block, Vec::new(), None);
    let other = validator.block(1, 3);
    validator.propose(1, 0, &other, Vec::new(), None);
    assert!(!validator.prepares(&block) && validator.prepares(&other), "still in round 0");
}

#[test]
fn qbft_round_test_commits_before_the_proposal_import_once() {
    let mut validator = Validator::new();
    let block = validator.block(1, 0);
    validator.vote(Phase::Commit, 0, &block, &[1, 2]);
    assert_eq!(validator.decided(), 0);
    validator.propose(1, 0, &block, Vec::new(), None);
    assert_eq!(validator.decided(), 0, "blockIsOnlyImportedOnceWhenCommitsAreReceivedBeforeProposal");
    validator.vote(Phase::Prepare, 0, &block, &[2]);
    assert_eq!(validator.decided(), 1, "its own COMMIT is the third");
    validator.vote(Phase::Commit, 0, &block, &[3]);
    assert_eq!(validator.decided(), 1);
}

#[test]
fn local_node_not_proposer_test() {
    let mut validator = Validator::new();
    let (block, other) = (validator.block(1, 0), validator.block(1, 1));
    validator.propose(1, 0, &block, Vec::new(), None);
    assert_eq!(validator.votes(Phase::Prepare), [(0, block.id())], "basicRoundTestWithProposal");
    validator.propose(1, 0, &other, Vec::new(), None);
    assert!(!validator.prepares(&other), "a second proposal of a round is not prepared");
    validator.vote(Phase::Prepare, 0, &other, &[2, 3]);
    assert!(validator.votes(Phase::Commit).is_empty(), "prepares for another block");
    validator.vote(Phase::Prepare, 0, &block, &[1]);
    assert!(validator.votes(Phase::Commit).is_empty(), "the proposer's proposal is its PREPARE already");
}

#[test]
fn future_height_test_messages_for_future_heights_are_buffered_until_chain_height_catches_up() {
    let mut validator = Validator::new();
    let first = validator.block(1, 0);
    validator.propose(1, 0, &first, Vec::new(), None);
    let batch = Batch::new(vec![validator.stage.transaction(0, 1)]);
    let (parent, merkle, proposer, time) = (first.id(), batch.digest(), NodeId(2), first.header.time + SECOND);
    let second = Block::new(Header { parent, height: Height(2), merkle, time, proposer, seal: Seal::None }, batch);
    validator.propose(2, 0, &second, Vec::new(), None);
    assert!(!validator.prepares(&second));
    validator.vote(Phase::Prepare, 0, &first, &[2, 3]);
    validator.vote(Phase::Commit, 0, &first, &[1, 2, 3]);
    assert!(validator.decided() == 1 && validator.prepares(&second));
}

#[test]
fn bft_commit_seals_validation_rule_test() {
    for (about, by, round, is_final) in [
        ("a quorum", vec![1, 2, 3], 0, true),
        ("insufficientCommitSealsFailsValidation", vec![1, 2], 0, false),
        ("commitSealsMayNotBeDuplicated", vec![1, 2, 2], 0, false),
        ("seals of another round", vec![1, 2, 3], 1, false),
    ] {
        let mut validator = Validator::new();
        let block = validator.block(1, 0);
        let said = statement(Phase::Commit, FIRST, round, &block.id());
        let seals = by.iter().map(|node| (NodeId(*node), validator.sign(*node, &said))).collect();
        validator.stage.inject(1, 0, Message::Blocks(Arc::new(vec![Arc::new(Sealed { round: 0, block, seals })])));
        validator.stage.deliver(|flight| flight.to.index() == 0);
        assert_eq!(validator.decided() == 1, is_final, "{about}");
    }
}

/// Besu, `BftHelpersTest`; `GoQuorum`, `TestQuorumSize`.
#[test]
fn calculate_required_validator_quorum() {
    for (validators, quorum) in
        [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (8, 6), (9, 6), (10, 7), (15, 10), (20, 14)]
    {
        assert_eq!(Qbft::committee(&Config::default(), vec![1; validators]).quorum(), quorum, "{validators}");
    }
}
