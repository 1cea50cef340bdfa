//! One test per sentence that matters.

mod bounds;
mod hostile;
mod load;

use super::*;
use crate::base::{Duration, Wire};
use crate::chain::Batch;
use crate::protocol::testing::{Flight, TestCluster};

type Stage = TestCluster<Threshold>;

const MILLI: Duration = Duration::from_millis(1);
const SLOT: Duration = Duration::from_secs(1);

/// Slots of one second.
fn config() -> Config {
    Config { slot: SLOT, window: SLOT.scale(1, 2), skew: SLOT.scale(1, 4), ..Config::default() }
}

fn rule(rule: Rule, pre_commit: bool, collection: Collection) -> Config {
    Config { rule, collection, pre_commit, ..config() }
}

fn frost() -> Config {
    Config { signatures: Signing::Frost, collection: Collection::Star, ..config() }
}

/// Every way to run it, with its name.
fn all_ways() -> Vec<(&'static str, Config)> {
    use Collection::{Broadcast, Star};
    vec![
        ("locked", config()),
        ("locked star", rule(Rule::Locked, true, Star)),
        ("strict", rule(Rule::Strict, false, Broadcast)),
        ("strict star", rule(Rule::Strict, false, Star)),
        ("strict pre-commit", rule(Rule::Strict, true, Star)),
        ("resign", rule(Rule::Resign, false, Broadcast)),
        ("resign star", rule(Rule::Resign, true, Star)),
        ("frost", frost()),
        ("frost strict", Config { rule: Rule::Strict, ..frost() }),
    ]
}

fn at(slot: u64) -> Time {
    Time::ZERO + SLOT * slot
}

/// Submits payments to all and runs to the beginning of `slot`.
fn feed(stage: &mut Stage, nonces: std::ops::Range<u64>, slot: u64) {
    for nonce in nonces {
        let transaction = stage.transaction(0, nonce);
        stage.submit_to_all(&transaction);
    }
    stage.run_until(Time::from_nanos(at(slot).as_nanos() - 1));
}

/// Runs a slot for each nonce, each with one new payment.
fn slots(stage: &mut Stage, from: u64, count: u64) {
    (from..from + count).for_each(|slot| feed(stage, slot..slot + 1, slot + 2));
}

fn heights(stage: &Stage, nodes: &[usize]) -> Vec<usize> {
    nodes.iter().map(|node| stage.finalized(*node).len() - 1).collect()
}

fn count(stage: &Stage, node: usize, label: &str) -> usize {
    stage.notes(node).iter().filter(|(found, _)| *found == label).count()
}

fn is_kind(kind: &'static str) -> impl Fn(&Flight<Message>) -> bool {
    move |flight| flight.message.kind() == kind
}

fn vote(stage: &Stage, signer: usize, phase: Phase, (slot, height): (u64, u64), block: &Hash) -> Message {
    let height = Height(height);
    let signature = stage.keys().sign(signer as u32, &statement(phase, slot, height, block));
    Message::Vote(phase, Vote { slot, height, block: *block, signature }, None)
}

/// A block of `slot`'s creator on `parent`, of these payments.
fn block(stage: &Stage, parent: &Arc<Block>, slot: u64, nanos: u64, nonces: std::ops::Range<u64>) -> Arc<Block> {
    let batch = Batch::new(nonces.map(|nonce| stage.transaction(0, nonce)).collect());
    let header = crate::chain::Header {
        parent: parent.id(),
        height: parent.height().next(),
        merkle: batch.digest(),
        time: at(slot) + Duration::from_nanos(nanos),
        proposer: stage.committee().in_turn(slot),
        seal: crate::chain::Seal::None,
    };
    Block::new(header, batch)
}

fn propose(stage: &Stage, slot: u64, block: &Arc<Block>) -> Message {
    let creator = stage.committee().in_turn(slot);
    let signature = stage.keys().sign(creator.0, &Proposal::statement(slot, &block.id()));
    Message::Propose(Arc::new(Proposal { slot, block: block.clone(), justification: None, signature }))
}

fn sealed(stage: &Stage, slot: u64, block: &Arc<Block>, signers: &[u32]) -> Arc<Signed> {
    let said = statement(Phase::Sign, slot, block.height(), &block.id());
    let signatures = signers.iter().map(|node| (NodeId(*node), stage.keys().sign(*node, &said))).collect();
    let witness = Witness::Multi { signatures, signers: stage.committee().n() as u32 };
    Arc::new(Signed { block: block.clone(), slot, witness })
}

#[test]
fn every_way_takes_exactly_its_delays_and_messages() {
    use Collection::{Broadcast, Star};
    for l in [4u64, 7, 16, 64] {
        let k = Committee::new(l as usize, FaultModel::Byzantine).two_thirds();
        let (out, all) = (l - 1, l * (l - 1));
        // The way, message delays until every node has it, messages of each kind.
        let table = [
            (rule(Rule::Strict, false, Broadcast), 2, vec![("propose", out), ("sign", all)]),
            (rule(Rule::Strict, false, Star), 3, vec![("block", out), ("propose", out), ("sign", out)]),
            (config(), 3, vec![("pre-commit", all), ("propose", out), ("sign", all)]),
            (
                rule(Rule::Locked, true, Star),
                5,
                vec![("block", out), ("pre-commit", out), ("propose", out), ("ready", out), ("sign", out)],
            ),
            (frost(), 5, vec![("block", out), ("pre-commit", out), ("propose", out), ("ready", out), ("share", k - 1)]),
        ];
        for (config, delays, expected) in table {
            let mut stage = Stage::new(l as usize, config);
            feed(&mut stage, 0..1, 1);
            let everyone: Vec<usize> = (0..l as usize).collect();
            stage.run_until(Time::from_nanos((at(1) + MILLI * delays).as_nanos() - 1));
            assert!(
                heights(&stage, &everyone[2..]).iter().all(|height| *height == 0),
                "no node but a creator is faster"
            );
            stage.run_until(at(1) + MILLI * delays);
            assert_eq!(heights(&stage, &everyone), vec![1; l as usize], "l={l} {delays}");
            stage.run_until(at(40));
            let counts: Vec<(&str, u64)> = stage.delivered().iter().map(|(kind, count)| (*kind, *count)).collect();
            assert_eq!(counts, expected, "l={l}, and nothing more while the chain is idle");
            assert!(everyone.iter().all(|node| stage.timers(*node).count() == 0), "an idle chain is quiet");
        }
    }
}

#[test]
fn fifteen_signers_make_one_block_per_slot() {
    let mut stage = Stage::new(15, Config { k: 11, empty_blocks: true, ..config() });
    slots(&mut stage, 0, 16);
    stage.run(SLOT);
    let slots: Vec<u64> = stage.chain(3)[1..].iter().map(|b| b.header.time.as_nanos() / SLOT.as_nanos()).collect();
    assert_eq!(slots, (1..=17).collect::<Vec<u64>>());
    let creators = stage.chain(3)[1..].iter().map(|block| block.header.proposer.0);
    assert_eq!(creators.collect::<Vec<u32>>(), (1..=17).map(|slot| slot % 15).collect::<Vec<u32>>(), "in turn");
}

#[test]
fn all_ways_agree_slot_after_slot() {
    for (name, config) in all_ways() {
        let mut stage = Stage::new(4, config.clone());
        slots(&mut stage, 0, 6);
        let expected = if config.rule == Rule::Resign { 5 } else { 6 };
        assert_eq!(heights(&stage, &[0, 1, 2, 3]), vec![expected; 4], "{name}");
        assert_eq!((stage.disagreement(&[0, 1, 2, 3]), stage.chain(2).len()), (None, 7), "{name}");
        stage.run_until(at(50));
        feed(&mut stage, 6..7, 53);
        assert_eq!(stage.chain(2).len(), 8, "{name}: goes on after a rest");
        assert!((0..4).all(|node| count(&stage, node, note::WASTED) == 0), "{name}");
    }
}

#[test]
fn messages_and_records_have_these_sizes() {
    let stage = Stage::new(4, config());
    let genesis = stage.chain(0)[0].clone();
    let one = block(&stage, &genesis, 1, 0, 0..1);
    let announced = Arc::new(ProposalHeader {
        slot: 1,
        height: Height(1),
        block: one.id(),
        signatures: vec![(NodeId(0), crate::base::Signature::NONE); 3],
    });
    let signed = sealed(&stage, 1, &one, &[0, 1, 2]);
    let group = Signed { witness: Witness::Group(crate::base::Signature::NONE), ..(*signed).clone() };
    let proposal = |justification| {
        let signature = crate::base::Signature::NONE;
        Message::Propose(Arc::new(Proposal { slot: 1, block: one.clone(), justification, signature }))
    };
    let keys = stage.keys();
    let mut random = crate::base::Stream::new(1, "sizes", 0, 0);
    let dealt = [0, 1, 2].map(|node| frost::Dealt::new(keys, NodeId(node), 4, 3));
    let made = dealt.each_ref().map(|dealt| dealt.commit(&mut random));
    let all: frost::Chosen = made.iter().zip(0..).map(|((_, nonces), node)| (NodeId(node), *nonces)).collect();
    let share = dealt[0].share(&all, &one.id(), &made[0].0).expect("one of three chosen signers");
    let commitments = made[0].1;
    let frost_vote = match vote(&stage, 0, Phase::PreCommit, (1, 1), &one.id()) {
        Message::Vote(phase, vote, _) => Message::Vote(phase, vote, Some(Arc::new(commitments))),
        other => other,
    };
    let chosen = Arc::new(std::iter::once((NodeId(0), commitments)).collect());
    // Bytes, and signatures that the receiver checks: header 84, payment 250, signature 64, key 32.
    let table = [
        (proposal(None), 8 + 84 + 250 + 64, 1),
        (proposal(Some(announced.clone())), 8 + 84 + 250 + 64 + (48 + 3 * 68), 4),
        (vote(&stage, 0, Phase::PreCommit, (1, 1), &one.id()), 8 + 8 + 32 + 4 + 64, 1),
        (frost_vote, 116 + 64, 1),
        (vote(&stage, 0, Phase::Sign, (1, 1), &one.id()), 116, 1),
        (Message::Ready(announced.clone(), Arc::default()), 48 + 3 * 68, 3),
        (Message::Ready(announced.clone(), chosen), 48 + 3 * 68 + 64, 3),
        (Message::Share { slot: 1, height: Height(1), share: Arc::new(share) }, 8 + 8 + 4 + 32, 0),
        (Message::Blocks(Arc::new([signed.clone()]), false), 8 + 84 + 250 + 8 + (3 * 64 + 4 * 32 + 3), 3),
        (Message::Blocks(Arc::new([Arc::new(group)]), false), 8 + 84 + 250 + 8 + 64, 1),
        (Message::Ask(Arc::new([Hash::ZERO])), 8 + 32, 0),
    ];
    for (message, bytes, signatures) in table {
        let expected = (bytes, crate::base::Work::verify(signatures));
        assert_eq!((message.bytes(), message.check()), expected, "{}", message.kind());
    }
    assert!(std::mem::size_of::<Message>() <= 136, "a vote is moved by value, the rest by reference");
    let memory = Some(Arc::new(Memory { slot: 1, block: one.clone(), justification: Some(announced) }));
    let none: Arc<[Arc<Signed>]> = Arc::new([]);
    let record = |memory, blocks, is_whole| Record { memory, blocks, is_whole }.bytes();
    assert_eq!(record(memory.clone(), none, false), 8 + 334 + 252);
    assert_eq!(record(None, Arc::new([signed.clone()]), false), 334 + 8 + 323);
    assert_eq!(record(memory, Arc::new([signed]), true), 594 + 32);
}

/// One line per step: what is delivered, and what each signer then did last: `-` nothing, `a` announced, `s` signed,
/// `x` has the block.
#[test]
fn a_slot_goes_from_proposal_to_block_as_the_diagram_shows() {
    let script = "
        slot               | -a--
        1>0 propose        | aa--
        0>1 pre-commit     | aa--
        1>2 propose        | aaa-
        2>1 pre-commit     | asa-
        0>2 pre-commit     | asa-
        1>2 pre-commit     | ass-
        1>2 sign           | ass-
        2>0 pre-commit     | ass-
        1>0 pre-commit     | sss-
        0>1 sign           | sss-
        2>1 sign           | sxs-
        0>2 sign           | sxx-
        1>3 propose        | sxxa
        1>3 sign           | sxxa
        2>3 sign           | sxxa
        0>3 sign           | sxxx
    ";
    let mut stage = Stage::new(4, config());
    let transaction = stage.transaction(0, 0);
    stage.submit_to_all(&transaction);
    stage.set_delay(SLOT);
    for line in script.lines().filter(|line| line.contains('|')) {
        let (step, expected) = line.split_once('|').unwrap();
        match step.trim().split_once(' ') {
            None => stage.run_until(at(1)),
            Some((link, kind)) => {
                let picked =
                    |f: &Flight<Message>| format!("{}>{}", f.from.0, f.to.0) == link && f.message.kind() == kind;
                assert_eq!(stage.deliver(picked), 1, "{step}");
            }
        }
        let show = |node: usize| match (stage.chain(node).len(), &stage.node(node).memory) {
            (2, _) => 'x',
            (_, Some(_)) => 's',
            _ if stage.node(node).rounds.get(&1).is_some_and(|round| round.proposal.is_some()) => 'a',
            _ => '-',
        };
        assert_eq!((0..4).map(show).collect::<String>(), expected.trim(), "{step}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_with_key_and_reason() {
    let key = |config: Config, nodes| Threshold::check(&config, nodes).err().map(|invalid| invalid.key);
    assert_eq!(key(Config::default(), 1), None);
    assert_eq!(key(Config { k: 5, ..config() }, 4), Some("k"));
    assert_eq!(key(Config { slot: Duration::ZERO, ..config() }, 4), Some("slot"));
    assert_eq!(key(Config { window: SLOT * 3, ..config() }, 4), Some("window"));
    assert_eq!(key(Config { skew: SLOT, ..config() }, 4), Some("skew"));
    assert_eq!(key(Config { pre_commit: false, ..config() }, 4), Some("pre_commit"));
    assert_eq!(key(Config { collection: Collection::Broadcast, ..frost() }, 4), Some("collection"));
    assert_eq!(key(Config { pre_commit: false, rule: Rule::Strict, ..frost() }, 4), Some("pre_commit"));
    assert_eq!(key(Config { k: 1, ..frost() }, 4), Some("k"));
    let committee = Threshold::committee(&config(), vec![7, 1, 1, 1]);
    assert_eq!((committee.quorum(), committee.total()), (3, 4), "above two thirds, whatever the weights");
    let remarks = |k, faulty: &[u32]| {
        let config = Config { k, ..config() };
        let faulty = faulty.iter().map(|node| NodeId(*node)).collect();
        Threshold::remarks(&config, &Threshold::committee(&config, vec![1; 7]), &faulty).len()
    };
    assert_eq!((remarks(5, &[0, 1]), remarks(5, &[0, 1, 2]), remarks(3, &[])), (0, 2, 1));
}
