//! What Byzantine nodes send: votes and certificates that do not count, and floods.

use super::*;
use crate::base::Stream;

/// A butler alone on the stage, with its block of height 1 proposed, and six more who could vote; four votes suffice.
fn butler(config: &Config) -> (Stage, usize, Hash) {
    let who = first_butler(7, config);
    let mut stage: Stage = TestCluster::empty(7, config.clone());
    stage.boot(who);
    stage.run(SECOND * 2);
    stage.lose(|_| true);
    let name = stage.node(who).proposed.clone().expect("proposed").claim.block.id();
    (stage, who, name)
}

#[test]
fn a_butler_counts_one_vote_of_each_commissioner_for_its_block_in_its_round() {
    let config = Config { commissioners: 6, ..Config::default() };
    let (mut stage, who, name) = butler(&config);
    let others: Vec<usize> = (0..6).filter(|node| *node != who).collect();
    let (a, b, c) = (others[0], others[1], others[2]);
    let send = |stage: &mut Stage, from: usize, vote: message::Vote| {
        stage.inject(from, who, Message::Vote(vote));
        stage.deliver(|flight| flight.to.index() == who);
        (stage.node(who).votes.len(), stage.finalized(who).len())
    };
    let ballot: Ballot = Some(all(7).into_iter().map(NodeId::from).collect());
    let at = (1, name);
    for (about, from, wrong) in [
        ("a node that has no vote", 6, vote(&stage, 6, 0, at, None)),
        ("another round", a, vote(&stage, a, 1, at, None)),
        ("another height", a, vote(&stage, a, 0, (2, name), None)),
        ("a ballot out of season", a, vote(&stage, a, 0, at, ballot)),
        ("signed by another", a, vote(&stage, b, 0, at, None)),
    ] {
        assert_eq!(send(&mut stage, from, wrong), (1, 1), "{about}");
    }
    let vote_of = |stage: &Stage, from| vote(stage, from, 0, at, None);
    let one = vote_of(&stage, a);
    assert_eq!(send(&mut stage, a, one.clone()), (2, 1));
    assert_eq!(send(&mut stage, a, one), (2, 1), "twice is once");
    let other = vote(&stage, b, 0, (1, Hash::ZERO), None);
    assert_eq!(send(&mut stage, b, other), (3, 1), "for another block: kept, and not counted");
    let both = vote_of(&stage, b);
    assert_eq!(send(&mut stage, b, both), (3, 1), "the first word stands");
    assert_eq!(evidence(&stage, who), [b as u64]);
    let third = vote_of(&stage, c);
    assert_eq!(send(&mut stage, c, third), (4, 1), "three of six");
    let fourth = vote_of(&stage, others[3]);
    assert_eq!(send(&mut stage, others[3], fourth).1, 2, "four are more than half");
}

#[test]
fn ballots_hold_as_many_different_candidates_as_there_are_butlers_before_an_election_only() {
    let config = Config { commissioners: 4, commissioners_stand: false, butlers: 2, tenure: 3, ..Config::default() };
    let stage: Stage = TestCluster::new(7, config);
    let holds = |height: u64, choices: Option<&[u32]>| {
        let ballot: Ballot = choices.map(|choices| choices.iter().copied().map(NodeId).collect());
        stage.node(0).is_ballot(&ballot, Height(height))
    };
    assert!(holds(1, None) && holds(4, None) && holds(3, Some(&[4, 6])) && holds(7, Some(&[6, 5])));
    assert!(!holds(3, None), "every node votes");
    assert!(!holds(2, Some(&[4, 6])) && !holds(4, Some(&[4, 6])), "out of season");
    for wrong in [&[][..], &[4], &[4, 5, 6], &[5, 5], &[3, 4], &[4, 7], &[4, u32::MAX]] {
        assert!(!holds(3, Some(wrong)), "{wrong:?}");
    }
}

#[test]
fn a_block_is_final_with_a_certificate_of_a_quorum_of_commissioners_and_no_other() {
    let config =
        Config { commissioners: 5, commissioners_stand: false, quorum: Quorum::TwoThirds, ..Config::default() };
    let fields = Fields { round: 0, parent: None };
    let takes = |voters: &[usize], change: &dyn Fn(&mut Ratified)| {
        let mut stage: Stage = TestCluster::empty(8, config.clone());
        stage.boot(7);
        stage.run(SECOND);
        let made = block(&Block::genesis(), 5, &fields, vec![stage.transaction(0, 0)]);
        let proof = certificate(&stage, voters, 0, (1, made.id()), &None);
        let mut ratified = Ratified { block: made, fields: fields.clone(), certificate: proof };
        change(&mut ratified);
        stage.inject(5, 7, Message::Ratified(Arc::new(ratified)));
        stage.deliver(|_| true);
        stage.finalized(7).len() == 2
    };
    assert!(takes(&[0, 1, 2, 3], &|_| ()) && takes(&[0, 1, 2, 3, 4], &|_| ()));
    assert!(!takes(&[0, 1, 2], &|_| ()), "too few");
    assert!(!takes(&[0, 1, 2, 2], &|_| ()), "one twice");
    assert!(!takes(&[0, 1, 2, 3, 3], &|_| ()), "enough, and one twice");
    assert!(!takes(&[0, 1, 2, 6], &|_| ()), "one that has no vote");
    assert!(!takes(&[0, 1, 2, 3], &|m| m.fields.round = 1), "other fields than the seal says");
    assert!(!takes(&[0, 1, 2, 3], &|m| m.block = Block::genesis()), "another block");
    let of_another = |m: &mut Ratified| {
        let votes = m.certificate.votes.clone();
        m.certificate = Arc::new(Certificate { round: 1, votes, ..(*m.certificate).clone() });
    };
    assert!(!takes(&[0, 1, 2, 3], &of_another), "signatures of another round");
    let unrooted = |m: &mut Ratified| m.fields.parent = Some(m.certificate.clone());
    assert!(!takes(&[0, 1, 2, 3], &unrooted), "the parent is genesis, which no node certifies");
}

#[test]
fn no_node_votes_for_another() {
    let stage: Stage = TestCluster::new(4, Config::default());
    let fields = Fields { round: 0, parent: None };
    let made = block(&Block::genesis(), 1, &fields, Vec::new());
    let claim = claim(&stage, 1, 0, &made, &fields);
    let proof = certificate(&stage, &[0, 1, 2], 0, (1, made.id()), &None);
    let holds = |from: u32, message: &Message| message.verify(NodeId(from), stage.keys());
    let propose = |claim: Claim, reports| Message::Propose(Arc::new(Proposal { claim: Arc::new(claim), reports }));
    let honest = report(&stage, 2, (1, 1), Some(claim.clone()));
    assert!(holds(1, &propose((*claim).clone(), vec![honest.clone()])));
    assert!(!holds(2, &propose((*claim).clone(), Vec::new())), "passed on by another");
    assert!(!holds(2, &propose(Claim { butler: NodeId(2), ..(*claim).clone() }, Vec::new())), "taken by another");
    assert!(!holds(1, &propose(Claim { round: 1, ..(*claim).clone() }, Vec::new())), "the signature names the round");
    let lent = Report { commissioner: NodeId(3), ..(*honest).clone() };
    assert!(!holds(1, &propose((*claim).clone(), vec![Arc::new(lent)])), "another's report");
    assert!(holds(2, &Message::Report(honest.clone())) && !holds(1, &Message::Report(honest.clone())));
    let forged = Claim { signature: Signature::NONE, ..(*claim).clone() };
    let forged = report(&stage, 2, (1, 1), Some(Arc::new(forged)));
    assert!(!holds(2, &Message::Report(forged)), "no butler signed it");
    let denied = Report { claim: None, ..(*honest).clone() };
    assert!(!holds(2, &Message::Report(Arc::new(denied))), "what is reported is signed");
    let mut short = (*proof).clone();
    short.votes[1].signature = Signature::NONE;
    assert!(holds(3, &Message::Certificate(proof.clone())) && !holds(3, &Message::Certificate(Arc::new(short))));
    let mut stuffed = (*proof).clone();
    stuffed.votes[1].ballot = Some(vec![NodeId(1)].into());
    assert!(!holds(3, &Message::Certificate(Arc::new(stuffed))), "a ballot is signed");
}

/// Numbers where mistakes live.
fn number(random: &mut Stream) -> u64 {
    match random.below(5) {
        0 => u64::MAX,
        1 => u64::MAX - 1,
        2 => random.below(u64::MAX),
        3 => random.below(20),
        _ => random.below(3),
    }
}

/// A genuine message with any fields at all: what a Byzantine node may sign.
fn wild(stage: &Stage, from: usize, random: &mut Stream) -> Message {
    let (height, round, other) = (number(random), number(random), number(random));
    let parent = stage.chain(from)[random.index(stage.chain(from).len())].clone();
    let ballot: Ballot = random.chance(0.3).then(|| vec![NodeId(other as u32); random.index(40)].into());
    let proof = certificate(stage, &[from], round, (height, parent.id()), &ballot);
    let fields = Fields { round: other, parent: random.chance(0.5).then(|| proof.clone()) };
    let mut made = block(&parent, from, &fields, vec![stage.transaction(0, other)]);
    if random.chance(0.3) {
        made = Block::new(Header { height: Height(height), ..made.header }, made.batch.clone());
    }
    let claim = claim(stage, from, round, &made, &fields);
    let reports = |random: &mut Stream| {
        let claim = random.chance(0.5).then(|| claim.clone());
        let mut list = vec![report(stage, from, (height, round), claim); random.index(6)];
        list.truncate(5);
        list
    };
    match random.below(8) {
        0 => Message::Propose(Arc::new(Proposal { claim: claim.clone(), reports: reports(random) })),
        1 => Message::Vote(vote(stage, from, round, (height, made.id()), ballot)),
        2 => Message::Certificate(proof),
        3 => Message::Ratified(Arc::new(Ratified { block: made, fields, certificate: proof })),
        4 => Message::Report(report(stage, from, (height, round), None)),
        5 => Message::Report(report(stage, from, (made.height().0, other), Some(claim.clone()))),
        6 => Message::Ask(Height(height)),
        _ => {
            let ratified = Arc::new(Ratified { block: made, fields, certificate: proof });
            Message::Blocks(Arc::new([&ratified; 3].map(Arc::clone).to_vec()), Height(other))
        }
    }
}

/// Holds everything that a peer could make grow to its bound.
fn assert_bounded(stage: &Stage, node: usize) {
    let n = stage.committee().n();
    let memory = stage.node(node);
    assert!(memory.votes.len() <= n && memory.reports.len() <= n);
    assert_eq!(memory.ratified.len() + 1, stage.finalized(node).len());
    let ballots = memory.ratified.iter().flat_map(|ratified| &ratified.certificate.votes);
    assert!(ballots.filter_map(|vote| vote.ballot.as_ref()).all(|ballot| ballot.len() <= n));
    assert!(stage.log(node).len() < LOG_MAX + 8);
}

#[test]
fn whatever_a_faulty_node_signs_no_node_panics_grows_or_stops() {
    for (seed, quorum) in [(1, Quorum::Majority), (2, Quorum::TwoThirds), (3, Quorum::Majority), (4, Quorum::TwoThirds)]
    {
        let config = || Config { quorum, tenure: 2, butlers: 3, hardened: seed != 3, ..Config::default() };
        for faulty in 0..4 {
            let mut stage: Stage = TestCluster::new(4, config());
            let mut random = Stream::new(seed, "wild", faulty as u64, 0);
            let honest: Vec<usize> = (0..4).filter(|node| *node != faulty).collect();
            for _ in 0..300 {
                let message = wild(&stage, faulty, &mut random);
                assert!(message.bytes() > 0 && !message.kind().is_empty());
                honest.iter().for_each(|to| stage.inject(faulty, *to, message.clone()));
                stage.run(MILLI * 50);
            }
            honest.iter().for_each(|node| assert_bounded(&stage, *node));
            stage.crash(faulty);
            let before = stage.finalized(honest[0]).len();
            stage.run(SECOND * 90);
            assert_eq!(stage.disagreement(&honest), None, "{quorum:?}, faulty {faulty}");
            assert!(honest.iter().all(|node| stage.finalized(*node).len() > before + 8), "{quorum:?}, faulty {faulty}");
        }
    }
}

#[test]
fn a_butler_cannot_stop_a_height_with_rounds_far_ahead() {
    for (hardened, quorum) in [(true, Quorum::Majority), (true, Quorum::TwoThirds), (false, Quorum::Majority)] {
        let config = Config { quorum, hardened, ..Config::default() };
        let mut stage: Stage = TestCluster::new(4, config.clone());
        let faulty = first_butler(4, &config);
        stage.crash(faulty);
        let honest: Vec<usize> = (0..4).filter(|node| *node != faulty).collect();
        // It is on duty in every fourth round.
        for round in [4, 8, 4_000, u64::MAX - 7, u64::MAX - 3] {
            let fields = Fields { round, parent: None };
            let made = block(&Block::genesis(), faulty, &fields, Vec::new());
            assert_eq!(stage.node(honest[0]).butler(None, round).index(), faulty);
            let claim = claim(&stage, faulty, round, &made, &fields);
            let alone = vec![report(&stage, faulty, (1, round), None)];
            let message = Message::Propose(Arc::new(Proposal { claim, reports: alone }));
            honest.iter().for_each(|to| stage.inject(faulty, *to, message.clone()));
            stage.run(MILLI * 300);
        }
        let limit = if hardened { 4 } else { 2 * AHEAD_MAX };
        assert!(honest.iter().all(|node| stage.node(*node).round < limit));
        stage.run(SECOND * 300);
        assert_eq!(stage.disagreement(&honest), None);
        assert!(honest.iter().all(|node| stage.finalized(*node).len() > 20), "hardened: {hardened}, {quorum:?}");
    }
}

#[test]
fn a_report_does_not_make_the_first_butler_hasten() {
    let first = first_butler(4, &Config::default());
    let mut stage: Stage = TestCluster::new(4, Config::default());
    let early = report(&stage, (first + 1) % 4, (1, 1), None);
    stage.inject((first + 1) % 4, first, Message::Report(early));
    stage.run(SECOND);
    assert!(stage.node(first).proposed.is_none() && stage.flights().next().is_none());
    stage.run(SECOND * 2);
    assert_eq!(stage.finalized(first).len(), 2);
}

#[test]
fn votes_and_reports_of_a_flooding_commissioner_are_kept_once() {
    let (mut stage, who, name) = butler(&Config::default());
    let faulty = (who + 1) % 7;
    for number in 1..500u64 {
        let messages = [
            Message::Vote(vote(&stage, faulty, 0, (1, Hash::of(&number.to_le_bytes())), None)),
            Message::Vote(vote(&stage, faulty, number, (1, name), None)),
            Message::Report(report(&stage, faulty, (1, number), None)),
            Message::Report(report(&stage, faulty, (number, number), None)),
            Message::Ask(Height(number)),
        ];
        messages.into_iter().for_each(|message| stage.inject(faulty, who, message));
    }
    stage.deliver(|flight| flight.to.index() == who);
    let node = stage.node(who);
    assert_eq!((node.votes.len(), node.reports.len(), node.round), (2, 1, 0));
    assert_eq!(node.reports[&NodeId::from(faulty)].round, 499);
    assert_bounded(&stage, who);
    // Each question has its answer, here an empty one. Messages that speak of a height ahead are answered by one question:
    // the next waits for what comes of it.
    assert_eq!(stage.flights().count(), 499 + 1);
    assert!(stage.flights().all(|flight| flight.to.index() == faulty && flight.message.bytes() == 8));
}
