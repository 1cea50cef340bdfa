//! One test per sentence of the papers that matters: here the normal case, restarts and loss.

mod elections;
mod faults;
mod hostile;
mod load;
mod rounds;

use super::*;
use crate::base::{Hash, Height, Signature, Time, Wire, Work};
use crate::chain::Batch;
use crate::protocol::Message as _;
use crate::protocol::testing::TestCluster;

type Stage = TestCluster<Vote>;

const NANO: Duration = Duration::from_nanos(1);
const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn all(n: usize) -> Vec<usize> {
    (0..n).collect()
}

/// The butler of the first block.
fn first_butler(n: usize, config: &Config) -> usize {
    let stage: Stage = TestCluster::new(n, config.clone());
    stage.node(0).butler(None, 0).index()
}

/// A stage on which the first butler and perhaps the last commissioner play attacks; and who does not.
fn attacked(n: usize, config: &Config, butler: &str, accomplice: Option<&str>) -> (Stage, Vec<usize>) {
    let mut stage: Stage = TestCluster::empty(n, config.clone());
    let first = first_butler(n, config);
    stage.set_attack(first, butler);
    let mut honest = all(n);
    honest.retain(|node| *node != first);
    if let Some(attack) = accomplice {
        let last = (0..config.commissioners(n)).rev().find(|node| *node != first).expect("another commissioner");
        stage.set_attack(last, attack);
        honest.retain(|node| *node != last);
    }
    (0..n).for_each(|node| stage.boot(node));
    (stage, honest)
}

fn counts(stage: &Stage) -> Vec<(&'static str, u64)> {
    stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect()
}

fn evidence(stage: &Stage, node: usize) -> Vec<u64> {
    let notes = stage.notes(node).iter().filter(|(label, _)| *label == note::EVIDENCE);
    notes.map(|(_, faulty)| *faulty).collect()
}

/// A block on `parent`, with these payments.
fn block(
    parent: &Block,
    proposer: usize,
    fields: &Fields,
    payments: Vec<Arc<crate::chain::Transaction>>,
) -> Arc<Block> {
    let batch = Batch::new(payments);
    let (height, merkle, time) = (parent.height().next(), batch.digest(), parent.header.time + SECOND);
    let (parent, proposer, seal) = (parent.id(), NodeId::from(proposer), fields.seal());
    Block::new(Header { parent, height, merkle, time, proposer, seal }, batch)
}

fn claim(stage: &Stage, butler: usize, round: u64, block: &Arc<Block>, fields: &Fields) -> Arc<Claim> {
    let said = Claim::statement(block.height(), round, &block.id());
    let signature = stage.keys().sign(butler as u32, &said);
    let (block, fields, butler) = (block.clone(), fields.clone(), NodeId::from(butler));
    Arc::new(Claim { round, block, fields, butler, signature })
}

#[expect(clippy::needless_pass_by_value, reason = "most tests make the claim for this report")]
fn report(stage: &Stage, who: usize, (height, round): (u64, u64), claim: Option<Arc<Claim>>) -> Arc<Report> {
    let (height, commissioner) = (Height(height), NodeId::from(who));
    let claim = claim.as_deref().map(Brief::of);
    let signature = stage.keys().sign(who as u32, &Report::statement(height, round, claim.as_ref()));
    Arc::new(Report { height, round, claim, commissioner, signature })
}

fn vote(stage: &Stage, who: usize, round: u64, (height, block): (u64, Hash), ballot: Ballot) -> message::Vote {
    let height = Height(height);
    let signature = stage.keys().sign(who as u32, &message::Vote::statement(height, round, &block, &ballot));
    message::Vote { height, round, block, ballot, signature }
}

fn certificate(
    stage: &Stage,
    who: &[usize],
    round: u64,
    (height, block): (u64, Hash),
    ballot: &Ballot,
) -> Arc<Certificate> {
    let said =
        |who: usize| certificate_vote(NodeId::from(who), &vote(stage, who, round, (height, block), ballot.clone()));
    let votes = who.iter().map(|who| said(*who)).collect();
    Arc::new(Certificate { height: Height(height), round, block, votes })
}

#[test]
fn a_block_takes_three_messages_per_other_commissioner_and_is_final_everywhere_after_three_delays() {
    for n in [4usize, 7, 16, 64] {
        let mut stage: Stage = TestCluster::new(n, Config::default());
        let payment = stage.transaction(0, 0);
        stage.submit_to_all(&payment);
        let decided = |stage: &Stage| (0..n).filter(|node| stage.final_transactions(*node) == [payment.id()]).count();
        let due = Time::ZERO + SECOND * 2;
        let mut after = |span: Duration| {
            stage.run_until(due + span);
            decided(&stage)
        };
        assert_eq!([after(MILLI * 2 - NANO), after(MILLI * 2)], [0, 1], "n = {n}: the butler has the votes");
        assert_eq!([after(MILLI * 3 - NANO), after(MILLI * 3)], [1, n], "n = {n}: the certificate");
        let others = n as u64 - 1;
        assert_eq!(counts(&stage), [("certificate", others), ("proposal", others), ("vote", others)]);
        // And again, one interval after the time of that block.
        stage.run_until(due + SECOND * 2 + MILLI * 3);
        assert!((0..n).all(|node| stage.finalized(node).len() == 3), "n = {n}");
        assert_eq!(counts(&stage), [("certificate", 2 * others), ("proposal", 2 * others), ("vote", 2 * others)]);
    }
}

#[test]
fn butlers_who_do_not_vote_cost_three_messages_per_commissioner_and_the_block_for_the_others() {
    for (commissioners, n) in [(4u64, 7u64), (7, 10), (16, 20)] {
        let config = Config { commissioners: commissioners as usize, commissioners_stand: false, ..Config::default() };
        let mut stage: Stage = TestCluster::new(n as usize, config);
        stage.run_until(Time::ZERO + SECOND * 2 + MILLI * 3);
        assert!((0..n as usize).all(|node| stage.finalized(node).len() == 2));
        let (voting, rest) = (commissioners, n - commissioners - 1);
        assert_eq!(
            counts(&stage),
            [("certificate", voting), ("proposal", voting), ("ratified", rest), ("vote", voting)]
        );
    }
}

#[test]
fn one_block_reads_like_the_figure() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.run_until(Time::ZERO + SECOND * 2);
    let mut flights = String::new();
    for _ in 0..3 {
        flights.push_str(&stage.show_flights());
        flights.push('\n');
        stage.run(MILLI);
    }
    let asked = "n3>n0 proposal\nn3>n1 proposal\nn3>n2 proposal\n\n";
    let voted = "n0>n3 vote\nn1>n3 vote\nn2>n3 vote\n\n";
    let shown = "n3>n0 certificate\nn3>n1 certificate\nn3>n2 certificate\n\n";
    assert_eq!(flights, [asked, voted, shown].concat());
}

#[test]
fn payments_fill_blocks_up_to_their_limit_in_order_and_once() {
    let config = Config { block_limit: Limit { bytes: 1_000_000, transactions: 2 }, ..Config::default() };
    let mut stage: Stage = TestCluster::new(4, config);
    let payments: Vec<_> = (0..5).map(|nonce| stage.transaction(0, nonce)).collect();
    payments.iter().for_each(|payment| stage.submit_to_all(payment));
    stage.run(SECOND * 9);
    let ids: Vec<Hash> = payments.iter().map(|payment| payment.id()).collect();
    for node in 0..4 {
        let sizes: Vec<usize> = stage.finalized(node)[1..].iter().map(|block| block.transactions().len()).collect();
        assert_eq!((sizes, stage.final_transactions(node)), (vec![2, 2, 1, 0], ids.clone()), "node {node}");
    }
}

#[test]
fn blocks_keep_the_interval() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.run(SECOND * 41);
    let times: Vec<u64> = stage.finalized(0)[1..].iter().map(|block| block.header.time.as_nanos()).collect();
    assert_eq!(times, (1..=20).map(|at| at * 2_000_000_000).collect::<Vec<_>>());
}

#[test]
fn every_message_and_record_has_its_size_and_price() {
    let stage: Stage = TestCluster::new(4, Config::default());
    let payment = stage.transaction(0, 0);
    let rooted = Fields { round: 0, parent: None };
    let first = block(&Block::genesis(), 0, &rooted, vec![payment.clone()]);
    let at = (1, first.id());
    let proof = certificate(&stage, &[0, 1, 2], 0, at, &None);
    let ballot: Ballot = Some(all(4).into_iter().map(NodeId::from).collect());
    let elected = certificate(&stage, &[0, 1, 2], 0, at, &ballot);
    let fields = Fields { round: 0, parent: Some(proof.clone()) };
    let second = block(&first, 0, &fields, vec![payment]);
    let (one, two) = (claim(&stage, 0, 0, &first, &rooted), claim(&stage, 0, 0, &second, &fields));
    let (silent, claimed) = (report(&stage, 1, (1, 1), None), report(&stage, 2, (1, 1), Some(one.clone())));
    let propose = |claim: &Arc<Claim>, reports| Message::Propose(Arc::new(Proposal { claim: claim.clone(), reports }));
    let ratified = |block: &Arc<Block>, fields: &Fields, certificate: &Arc<Certificate>| {
        Arc::new(Ratified { block: block.clone(), fields: fields.clone(), certificate: certificate.clone() })
    };
    let (lower, upper) = (ratified(&first, &rooted, &proof), ratified(&second, &fields, &proof));
    let vote = |ballot| vote(&stage, 1, 0, at, ballot);
    // A block of one payment: 84 + 250. A round: 8. A signature: 64. A certificate: 48 and 68 per vote.
    let messages = [
        (propose(&one, Vec::new()), 334 + 8 + 8 + 64, 1),
        (propose(&two, Vec::new()), 334 + 8 + 8 + 64 + 252, 4),
        (propose(&one, vec![silent.clone(), claimed.clone()]), 414 + 84 + 84 + 104, 4),
        (Message::Vote(vote(None)), 116, 1),
        (Message::Vote(vote(ballot.clone())), 116 + 4 * 4, 1),
        (Message::Certificate(proof.clone()), 48 + 3 * 68, 3),
        (Message::Certificate(elected), 48 + 3 * (68 + 4 * 4), 3),
        (Message::Ratified(lower.clone()), 334 + 8 + 252, 3),
        (Message::Ratified(upper.clone()), 334 + 8 + 252 + 252, 6),
        (Message::Report(silent), 84, 1),
        (Message::Report(claimed), 84 + 104, 2),
        (Message::Ask(Height(0)), 8, 0),
        (Message::Blocks(Arc::new(vec![lower.clone(), upper]), Height(2)), 8 + 594 + 846, 9),
    ];
    for (message, bytes, signatures) in &messages {
        assert_eq!((message.bytes(), message.check()), (*bytes, Work::verify(*signatures)), "{}", message.kind());
    }
    let own = Arc::new(Proposal { claim: one.clone(), reports: Vec::new() });
    let (duty, missed) = (all(4).into_iter().map(NodeId::from).collect(), vec![0; 4]);
    let (voted, proposed) = (Some((one.clone(), vote(None))), Some(own.clone()));
    let image = Image { ratified: vec![lower.clone(); 9], duty, missed, round: 0, voted, proposed };
    for (record, bytes) in [
        (Record::Proposed(own), 414),
        (Record::Voted(one, vote(None)), 414 + 116),
        (Record::Left(1), 8),
        (Record::Ratified(lower), 8 + 252),
        (Record::Image(Arc::new(image)), 48 + 252 + 4 * 8 + 530 + 414),
    ] {
        assert_eq!(record.bytes(), bytes, "{}", record.kind());
    }
    assert!(std::mem::size_of::<Message>() <= 160, "a vote is moved by value, the rest by reference");
}

#[test]
fn two_of_five_commissioners_may_be_silent_and_three_may_not() {
    for (silent, goes_on) in [(2, true), (3, false)] {
        let mut stage: Stage = TestCluster::new(5, Config::default());
        (0..silent).for_each(|node| stage.crash(node));
        stage.run(SECOND * 60);
        assert_eq!(stage.finalized(4).len() > 3, goes_on, "{silent} silent");
        assert_eq!(stage.disagreement(&all(5)), None);
    }
}

/// Crashes `victim` after so many effects, starts it again, and checks at every node what was promised.
fn restart(mut stage: Stage, victim: usize, fuse: u32, about: &str) {
    let before = stage.finalized((victim + 1) % 4).len();
    stage.crash_after_effects(victim, fuse);
    stage.run(SECOND * 12);
    stage.crash(victim);
    stage.boot(victim);
    stage.run(SECOND * 30);
    assert_eq!(stage.disagreement(&all(4)), None, "{about}: {victim}, {fuse} effects");
    assert!((0..4).all(|node| stage.finalized(node).len() > before + 5), "{about}: {victim}, {fuse} effects");
    assert!((0..4).all(|node| evidence(&stage, node).is_empty()), "{about}: {victim} signed twice, {fuse} effects");
}

#[test]
fn a_crash_between_any_two_effects_keeps_agreement_and_progress_and_signs_nothing_twice() {
    for quorum in [Quorum::Majority, Quorum::TwoThirds] {
        let config = || Config { quorum, ..Config::default() };
        for fuse in 0..60 {
            (0..4).for_each(|victim| restart(TestCluster::new(4, config()), victim, fuse, "from the start"));
        }
    }
}

#[test]
fn a_crash_between_any_two_effects_of_a_lost_round_does_too() {
    for fuse in 0..60 {
        for victim in 0..4 {
            let mut stage: Stage = TestCluster::new(4, Config::default());
            stage.run_until(Time::ZERO + SECOND * 2);
            // All vote, and no node ever receives the certificate.
            stage.run(MILLI * 2 - NANO);
            stage.lose(|_| true);
            restart(stage, victim, fuse, "a lost round");
        }
    }
}

#[test]
fn a_crash_around_the_writing_of_an_image_does_too() {
    let victim = |stage: &Stage| (0..4).max_by_key(|node| stage.log(*node).len()).expect("a node");
    for fuse in 0..50 {
        let mut stage: Stage = TestCluster::new(4, Config::default());
        assert!(stage.run_while(SECOND * 1_000, |stage| stage.log(victim(stage)).len() < LOG_MAX - 4));
        let victim = victim(&stage);
        restart(stage, victim, fuse, "an image");
    }
}

#[test]
fn a_node_that_is_restored_from_an_image_is_what_it_was() {
    let config = Config { butlers: 3, tenure: 5, ..Config::default() };
    let mut stage: Stage = TestCluster::new(4, config);
    stage.crash(1);
    let is_image = |stage: &Stage| matches!(stage.log(0).first(), Some(Record::Image(_)));
    assert!(stage.run_while(SECOND * 2_000, |stage| !is_image(stage)));
    stage.run(SECOND * 5);
    let before = stage.node(0).clone();
    stage.crash(0);
    stage.boot(0);
    let after = stage.node(0);
    assert_eq!((&after.duty, &after.missed, after.round), (&before.duty, &before.missed, before.round));
    assert_eq!((after.tip.id(), after.ratified.len()), (before.tip.id(), before.ratified.len()));
    assert_eq!((after.written, stage.log(0).len()), (before.written, before.written));
}

#[test]
fn the_log_is_cut_and_a_node_that_missed_hundreds_of_blocks_gets_them_from_restarted_ones() {
    let mut stage: Stage = TestCluster::new(4, Config::default());
    stage.run(SECOND * 5);
    stage.crash(3);
    let mut longest = 0;
    for _ in 0..400 {
        stage.run(SECOND * 2);
        longest = (0..3).map(|node| stage.log(node).len()).max().unwrap_or(0).max(longest);
    }
    assert!((LOG_MAX - 8..LOG_MAX + 8).contains(&longest), "{longest}");
    for node in 0..3 {
        stage.crash(node);
        stage.boot(node);
    }
    let missed = stage.finalized(0).len();
    assert!(missed > 5 * ANSWER && stage.finalized(3).len() < 5);
    stage.boot(3);
    stage.run(SECOND * 60);
    assert_eq!(stage.disagreement(&all(4)), None);
    assert!((0..4).all(|node| stage.finalized(node).len() >= missed + 15));
    assert_eq!(stage.finalized(3).len(), stage.finalized(0).len());
}

#[test]
fn a_height_without_end_does_not_fill_the_log() {
    let mut stage: Stage = TestCluster::new(4, Config { quorum: Quorum::TwoThirds, ..Config::default() });
    stage.run(SECOND * 5);
    stage.crash(2);
    stage.crash(3);
    for _ in 0..2 * LOG_MAX {
        (0..2).for_each(|node| assert!(stage.fire(node, Timer::CutOff)));
        stage.deliver(|_| true);
        assert!((0..2).all(|node| stage.log(node).len() < LOG_MAX + 8));
    }
    assert!(stage.node(0).round > 2 * LOG_MAX as u64 - 1);
    let before = stage.finalized(0).len();
    (0..4).for_each(|node| stage.crash(node));
    (0..4).for_each(|node| stage.boot(node));
    stage.run(SECOND * 300);
    assert_eq!(stage.disagreement(&all(4)), None);
    assert!((0..4).all(|node| stage.finalized(node).len() > before + 20));
}

#[test]
fn after_loss_every_node_goes_on() {
    let mut stage: Stage = TestCluster::new(7, Config::default());
    let mut number = 0u64;
    for _ in 0..20_000 {
        stage.run(MILLI);
        stage.lose(|flight| {
            number += 1;
            flight.at > Time::ZERO && crate::base::rng::mix(number, 7) % 10 < 3
        });
    }
    let before = stage.finalized(0).len();
    stage.run(SECOND * 90);
    assert_eq!(stage.disagreement(&all(7)), None);
    assert!((0..7).all(|node| stage.finalized(node).len() > before + 3));
}
