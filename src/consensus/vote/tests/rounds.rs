//! Rounds that fail: what they cost, what may be proposed after them, and what a node refuses.

use super::*;

#[test]
fn a_silent_butler_costs_the_cut_off_one_delay_and_a_report_from_each_to_each() {
    for n in [4usize, 7, 16, 64] {
        let mut stage: Stage = TestCluster::new(n, Config::default());
        let silent = first_butler(n, &Config::default());
        stage.crash(silent);
        let live: Vec<usize> = all(n).into_iter().filter(|node| *node != silent).collect();
        let decided = |stage: &Stage| live.iter().filter(|node| stage.finalized(**node).len() == 2).count();
        let due = Time::ZERO + SECOND * 3 + MILLI;
        let mut after = |span: Duration| {
            stage.run_until(due + span);
            decided(&stage)
        };
        assert_eq!([after(MILLI * 2 - NANO), after(MILLI * 2)], [0, 1], "n = {n}: the butler has the votes");
        assert_eq!([after(MILLI * 3 - NANO), after(MILLI * 3)], [1, n - 1], "n = {n}: the certificate");
        let others = n as u64 - 1;
        assert_eq!(
            counts(&stage),
            [
                ("ask", others), // each asks another node whether it is behind
                ("blocks", others - 1),
                ("certificate", others),
                ("proposal", others),
                ("report", others * others),
                ("vote", others - 1),
            ],
            "n = {n}"
        );
    }
}

#[test]
fn rounds_that_fail_one_after_the_other_last_longer_each() {
    let mut stage: Stage = TestCluster::new(5, Config { quorum: Quorum::TwoThirds, ..Config::default() });
    [3, 4].into_iter().for_each(|node| stage.crash(node));
    // The interval of 2 s, then cut-offs of 1, 1, 2, 4, 8 .. and at most 64 s.
    for (round, ends) in [(0u64, 3u64), (1, 4), (2, 6), (3, 10), (4, 18), (5, 34), (6, 66), (7, 130), (8, 194)] {
        stage.run_until(Time::ZERO + (SECOND * ends - NANO));
        assert_eq!(stage.node(0).round, round, "before {ends} s");
    }
}

#[test]
fn a_long_round_in_which_all_was_lost_goes_on_when_reports_are_said_again() {
    for quorum in [Quorum::Majority, Quorum::TwoThirds] {
        let mut stage: Stage = TestCluster::new(4, Config { quorum, ..Config::default() });
        (0..4).for_each(|node| (0..node).for_each(|other| stage.partition(&[node], &[other])));
        // Round 3 lasts from 6 s to 10 s.
        stage.run_until(Time::ZERO + MILLI * 6_500);
        assert!((0..4).all(|node| stage.node(node).round == 3));
        stage.heal();
        let decided = |stage: &Stage| (0..4).filter(|node| stage.finalized(*node).len() > 1).count();
        stage.run_until(Time::ZERO + SECOND * 7);
        assert_eq!(decided(&stage), 0, "one cut-off after the last time");
        // A report, a proposal, a vote, a certificate.
        stage.run_until(Time::ZERO + SECOND * 7 + MILLI * 4);
        assert_eq!(decided(&stage), 4, "{quorum:?}");
    }
}

#[test]
fn a_restarted_commissioner_says_its_report_again() {
    let mut stage: Stage = TestCluster::new(4, Config { quorum: Quorum::TwoThirds, ..Config::default() });
    let first = first_butler(4, &Config::default());
    let [second, others @ ..] = [1, 2, 3].map(|further| (first + further) % 4);
    stage.crash(first);
    stage.run_until(Time::ZERO + SECOND * 3);
    // All three gave round 0 up; two reports are lost with the machines that made them.
    stage.lose(|_| true);
    others.into_iter().for_each(|node| stage.crash(node));
    others.into_iter().for_each(|node| stage.boot(node));
    stage.run(MILLI * 4);
    assert_eq!(stage.finalized(second).len(), 2, "it has their reports and its own");
}

#[test]
fn a_block_that_one_node_holds_final_is_proposed_again_by_the_next_butler() {
    for quorum in [Quorum::Majority, Quorum::TwoThirds] {
        let config = Config { quorum, ..Config::default() };
        let first = first_butler(4, &config);
        let mut stage: Stage = TestCluster::new(4, config);
        stage.run(SECOND * 2 + MILLI * 2);
        assert_eq!(stage.lose(|_| true), 3, "the certificate reaches no node");
        let name = stage.finalized(first)[1].id();
        stage.crash(first);
        stage.run(SECOND * 5);
        for node in (0..4).filter(|node| *node != first) {
            let ratified = &stage.node(node).ratified[0];
            assert_eq!((ratified.block.id(), ratified.fields.round), (name, 0), "the same block");
            assert_eq!(ratified.certificate.round, 1, "voted on again");
        }
        stage.boot(first);
        stage.run(SECOND * 10);
        assert_eq!(stage.disagreement(&all(4)), None);
    }
}

/// Runs in which the first butler alone has the certificate of round 0 of the first block, the others one of round 1, and
/// it crashes once it has proposed the block above: in how many did another propose too in that round, and how many went on.
fn rivals(quorum: Quorum, randomness: Randomness) -> [u64; 2] {
    let (mut rivals, mut live_on) = (0, 0);
    for extra in 0..40u64 {
        let config = Config { quorum, randomness, interval: SECOND * 2 + MILLI * extra, ..Config::default() };
        let first = first_butler(4, &config);
        let others: Vec<usize> = all(4).into_iter().filter(|node| *node != first).collect();
        let due = config.interval;
        let mut stage: Stage = TestCluster::new(4, config);
        stage.run(due + MILLI * 2);
        stage.lose(|_| true);
        others.iter().for_each(|node| stage.partition(&[first], &[*node]));
        stage.run(SECOND + MILLI * 500);
        let rounds: Vec<u64> = (0..4).map(|node| stage.node(node).ratified[0].certificate.round).collect();
        assert_eq!(rounds.iter().sum::<u64>(), 3, "{rounds:?}");
        stage.heal();
        let turn = |stage: &Stage, node: usize| stage.node(node).proposed.as_ref().map(|own| own.claim.round);
        let is_rival = |stage: &Stage| {
            let own = turn(stage, first);
            own.is_some() && others.iter().any(|node| turn(stage, *node) == own)
        };
        let is_open = |stage: &Stage| others.iter().all(|node| stage.finalized(*node).len() < 3);
        stage.run_while(SECOND * 5, |stage| !is_rival(stage) && is_open(stage));
        rivals += u64::from(is_rival(&stage));
        stage.run(MILLI);
        stage.crash(first);
        stage.run(SECOND * 60);
        assert_eq!(stage.disagreement(&others), None);
        live_on += u64::from(others.iter().all(|node| stage.finalized(*node).len() > 4));
    }
    [rivals, live_on]
}

#[test]
fn two_certificates_of_one_block_draw_two_butlers_which_two_thirds_do_not_always_survive() {
    assert_eq!(rivals(Quorum::Majority, Randomness::Certificate), [11, 40]);
    assert_eq!(rivals(Quorum::TwoThirds, Randomness::Certificate), [11, 30], "the remark before such a run says so");
}

#[test]
fn no_butler_has_a_rival_where_the_height_draws_it() {
    assert_eq!(rivals(Quorum::Majority, Randomness::Seed), [0, 40]);
    assert_eq!(rivals(Quorum::TwoThirds, Randomness::Seed), [0, 40]);
}

/// A commissioner alone on the stage, of four that need three votes; the butlers of its first three rounds.
struct Alone {
    stage: Stage,
    who: usize,
    first: usize,
    second: usize,
    third: usize,
    /// What others can show on request.
    shown: Vec<Arc<Claim>>,
}

impl Alone {
    fn new() -> Alone {
        Alone::under(Quorum::TwoThirds)
    }
    fn under(quorum: Quorum) -> Alone {
        let config = Config { quorum, ..Config::default() };
        let node = TestCluster::<Vote>::new(4, config.clone());
        let butler = |round| node.node(0).butler(None, round).index();
        let (first, second, third) = (butler(0), butler(1), butler(2));
        let who = (0..4).find(|node| ![first, second, third].contains(node)).expect("four nodes");
        let mut stage: Stage = TestCluster::empty(4, config);
        stage.boot(who);
        stage.run(SECOND);
        Alone { stage, who, first, second, third, shown: Vec::new() }
    }
    fn fields(round: u64) -> Fields {
        Fields { round, parent: None }
    }
    fn block(&self, proposer: usize, round: u64) -> Arc<Block> {
        block(&Block::genesis(), proposer, &Alone::fields(round), vec![self.stage.transaction(0, round)])
    }
    fn showing(self, shown: &[&Arc<Claim>]) -> Alone {
        Alone { shown: shown.iter().map(|claim| Arc::clone(claim)).collect(), ..self }
    }
    /// Delivers everything, and blocks that are asked for.
    fn deliver(&mut self) {
        self.stage.deliver(|_| true);
        let asked = |stage: &Stage| -> Vec<(NodeId, Hash)> {
            let asked = stage.flights().filter_map(|flight| match flight.message {
                Message::Want(_, block) => Some((flight.to, block)),
                _ => None,
            });
            asked.collect()
        };
        for (to, block) in asked(&self.stage) {
            if let Some(claim) = self.shown.iter().find(|claim| claim.block.id() == block) {
                self.stage.inject(to.index(), self.who, Message::Claim(claim.clone()));
            }
        }
        let who = self.who;
        self.stage.deliver(|flight| flight.to.index() == who);
    }
    /// Whether the commissioner votes for a genuine proposal.
    fn votes(mut self, claim: Arc<Claim>, reports: Vec<Arc<Report>>) -> bool {
        let from = claim.butler.index();
        let message = Message::Propose(Arc::new(Proposal { claim, reports }));
        assert!(message.verify(NodeId::from(from), self.stage.keys()), "it is refused for what it says");
        self.stage.inject(from, self.who, message);
        self.deliver();
        self.stage.flights().any(|flight| flight.message.kind() == "vote")
    }
    /// Whether the commissioner votes for a block of round 0 by the first butler with another header or other fields.
    fn votes_for(self, change: impl FnOnce(&mut Header, &mut Fields)) -> bool {
        let (made, mut fields) = (self.block(self.first, 0), Alone::fields(0));
        let mut header = made.header;
        let (before, seal) = (fields.clone(), header.seal);
        change(&mut header, &mut fields);
        if fields != before && header.seal == seal {
            header.seal = fields.seal();
        }
        let claim = claim(&self.stage, self.first, 0, &Block::new(header, made.batch.clone()), &fields);
        self.votes(claim, Vec::new())
    }
}

/// Makes something in a header wrong.
type Spoil = fn(&mut Header, &mut Fields);

#[test]
fn a_commissioner_votes_for_a_block_in_turn_and_for_none_with_another_header() {
    assert!(Alone::new().votes_for(|_, _| ()));
    assert!(Alone::new().votes_for(|header, _| header.time = Time::ZERO + SECOND * 2), "a fast clock");
    let wrong: [(&str, Spoil); 8] = [
        ("too early", |header, _| header.time = Time::ZERO + SECOND * 2 + NANO),
        ("another height", |header, _| header.height = Height(2)),
        ("another parent", |header, _| header.parent = Hash::ZERO),
        ("another's", |header, _| header.proposer = NodeId((header.proposer.0 + 1) % 4)),
        ("other payments", |header, _| header.merkle = Hash::ZERO),
        ("another seal", |header, _| header.seal = crate::chain::Seal::None),
        ("a later round", |_, fields| fields.round = 4),
        ("a certificate of genesis", |_, fields| {
            let (height, block) = (Height::GENESIS, Block::genesis().id());
            fields.parent = Some(Arc::new(Certificate { height, round: 0, block, votes: Vec::new() }));
        }),
    ];
    for (about, change) in wrong {
        assert!(!Alone::new().votes_for(change), "{about}");
    }
}

#[test]
fn a_commissioner_refuses_a_butler_out_of_turn_and_payments_made_twice() {
    let alone = Alone::new();
    let block_of_first = alone.block(alone.first, 0);
    let stolen = claim(&alone.stage, alone.second, 0, &block_of_first, &Alone::fields(0));
    assert!(!alone.votes(stolen, Vec::new()), "another's turn, the right block");
    let alone = Alone::new();
    let own = claim(&alone.stage, alone.second, 0, &alone.block(alone.second, 0), &Alone::fields(0));
    assert!(!alone.votes(own, Vec::new()), "another's turn");
    let alone = Alone::new();
    let payments = vec![alone.stage.transaction(0, 0), alone.stage.transaction(1, 0), alone.stage.transaction(0, 0)];
    let twice = block(&Block::genesis(), alone.first, &Alone::fields(0), payments);
    let twice = claim(&alone.stage, alone.first, 0, &twice, &Alone::fields(0));
    assert!(!alone.votes(twice, Vec::new()));
}

#[test]
fn a_proposal_of_a_later_round_needs_reports_of_a_quorum_that_leave_it_free() {
    let alone = Alone::new();
    let new = claim(&alone.stage, alone.second, 1, &alone.block(alone.second, 1), &Alone::fields(1));
    let early = claim(&alone.stage, alone.second, 1, &alone.block(alone.first, 0), &Alone::fields(0));
    let voted = claim(&alone.stage, alone.first, 0, &alone.block(alone.first, 0), &Alone::fields(0));
    let (none, some) = ((0..4).map(|who| report(&alone.stage, who, (1, 1), None)), |who| {
        report(&alone.stage, who, (1, 1), Some(voted.clone()))
    });
    let none: Vec<Arc<Report>> = none.collect();
    let later = report(&alone.stage, 2, (1, 2), None);
    let above = report(&alone.stage, 2, (2, 1), None);
    let set = |list: &[&Arc<Report>]| list.iter().map(|report| (*report).clone()).collect::<Vec<_>>();
    for (about, claim, reports, expected) in [
        ("a quorum that voted for nothing", &new, set(&[&none[0], &none[1], &none[2]]), true),
        ("every node", &new, none.clone(), true),
        ("no reports", &new, Vec::new(), false),
        ("too few", &new, set(&[&none[0], &none[1]]), false),
        ("one twice", &new, set(&[&none[0], &none[1], &none[1]]), false),
        ("one of another round", &new, set(&[&none[0], &none[1], &later]), false),
        ("one of another height", &new, set(&[&none[0], &none[1], &above]), false),
        // With one Byzantine node and one silent, one vote that is reported may be three.
        ("one voted: free no more", &new, set(&[&none[0], &none[1], &some(2)]), false),
        ("one voted: its block again", &early, set(&[&none[0], &none[1], &some(2)]), true),
        ("one voted, all four speak: two are too few", &new, set(&[&none[0], &none[1], &some(2), &none[3]]), true),
        ("then the old one is not new", &early, set(&[&none[0], &none[1], &some(2), &none[3]]), false),
    ] {
        assert_eq!(Alone::new().showing(&[&voted]).votes(claim.clone(), reports), expected, "{about}");
    }
}

#[test]
fn what_may_be_certified_is_proposed_again_even_where_the_last_round_has_too_few_votes_for_it() {
    for quorum in [Quorum::Majority, Quorum::TwoThirds] {
        let alone = Alone::under(quorum);
        let old = alone.block(alone.first, 0);
        let new = claim(&alone.stage, alone.third, 2, &alone.block(alone.third, 2), &Alone::fields(2));
        let again = claim(&alone.stage, alone.third, 2, &old, &Alone::fields(0));
        // Two voted for it in round 0, with a third that is silent; one of the two alone received it in round 1.
        let first = claim(&alone.stage, alone.first, 0, &old, &Alone::fields(0));
        let second = claim(&alone.stage, alone.second, 1, &old, &Alone::fields(0));
        let shown = first.clone();
        let said = [Some(second), Some(first), None];
        let reports = said.into_iter().enumerate().map(|(who, said)| report(&alone.stage, who, (1, 2), said));
        let reports: Vec<Arc<Report>> = reports.collect();
        assert!(!Alone::under(quorum).showing(&[&shown]).votes(new, reports.clone()), "{quorum:?}: another block");
        assert!(Alone::under(quorum).showing(&[&shown]).votes(again, reports), "{quorum:?}: the same block");
    }
}

#[test]
fn a_block_of_an_earlier_round_gives_way_where_an_honest_node_voted_for_another_since() {
    for (again, expected) in [(2, true), (1, false)] {
        let alone = Alone::new();
        let (early, late) = (alone.block(alone.first, 0), alone.block(alone.second, 1));
        let first = claim(&alone.stage, alone.first, 0, &early, &Alone::fields(0));
        let second = claim(&alone.stage, alone.second, 1, &late, &Alone::fields(1));
        // Of two who voted for the later one, one is honest, and saw that the earlier was not certified; of one, none may be.
        let shown = [&first.clone(), &second.clone()];
        let said = [Some(first), Some(second.clone()), (again == 2).then_some(second)];
        let reports = said.into_iter().enumerate().map(|(who, said)| report(&alone.stage, who, (1, 2), said));
        let proposal = claim(&alone.stage, alone.third, 2, &late, &Alone::fields(1));
        assert_eq!(Alone::new().showing(&shown).votes(proposal, reports.collect()), expected, "{again} of three");
    }
}

#[test]
fn a_report_of_what_no_butler_signed_or_of_no_valid_block_justifies_nothing() {
    let alone = Alone::new();
    let (first, faulty) = (alone.first, alone.who);
    let honest = alone.block(first, 0);
    let later = claim(&alone.stage, first, 1, &honest, &Alone::fields(0));
    let stolen = claim(&alone.stage, faulty, 0, &honest, &Alone::fields(0));
    let payments = vec![alone.stage.transaction(0, 0), alone.stage.transaction(1, 0), alone.stage.transaction(0, 0)];
    let invalid = block(&Block::genesis(), first, &Alone::fields(0), payments);
    let invalid = claim(&alone.stage, first, 0, &invalid, &Alone::fields(0));
    for (about, lie) in [("not in its turn", stolen), ("of no earlier round", later), ("invalid", invalid)] {
        let mut alone = Alone::new();
        let forged = lie.clone();
        let lie = report(&alone.stage, first, (1, 1), Some(lie));
        let rest = [1, 2].map(|at| report(&alone.stage, (first + at) % 4, (1, 1), None));
        let again = claim(&alone.stage, alone.second, 1, &forged.block, &forged.fields);
        let reports = vec![lie.clone(), rest[0].clone(), rest[1].clone()];
        assert!(!Alone::new().votes(again, reports), "{about}");
        alone = alone.showing(&[&forged]);
        alone.stage.inject(first, alone.who, Message::Report(lie));
        alone.deliver();
        assert!(alone.stage.node(alone.who).reports.is_empty(), "{about}: not even kept");
    }
}

#[test]
fn a_promise_to_leave_a_round_holds_after_a_restart_too() {
    let mut alone = Alone::new();
    assert!(alone.stage.fire(alone.who, Timer::CutOff));
    alone.stage.crash(alone.who);
    alone.stage.boot(alone.who);
    assert_eq!(alone.stage.node(alone.who).round, 1);
    let late = claim(&alone.stage, alone.first, 0, &alone.block(alone.first, 0), &Alone::fields(0));
    assert!(!alone.votes(late, Vec::new()), "it said that it would vote in no round below 1");
}

#[test]
fn a_second_block_of_one_round_is_evidence_and_has_no_vote_after_a_restart_either() {
    for restarts in [false, true] {
        let mut alone = Alone::new();
        let (first, who) = (alone.first, alone.who);
        let propose = |alone: &mut Alone, number: u64| {
            let made = block(&Block::genesis(), first, &Alone::fields(0), vec![alone.stage.transaction(1, number)]);
            let claim = claim(&alone.stage, first, 0, &made, &Alone::fields(0));
            alone.stage.inject(first, who, Message::Propose(Arc::new(Proposal { claim, reports: Vec::new() })));
            alone.stage.deliver(|flight| flight.to.index() == who);
            let votes: Vec<Hash> = alone
                .stage
                .flights()
                .filter_map(|flight| match &flight.message {
                    Message::Vote(vote) => Some(vote.block),
                    _ => None,
                })
                .collect();
            alone.stage.lose(|_| true);
            (made.id(), votes)
        };
        let (one, votes) = propose(&mut alone, 0);
        assert_eq!(votes, [one]);
        if restarts {
            alone.stage.crash(who);
            alone.stage.boot(who);
            alone.stage.lose(|_| true);
        }
        assert_eq!(propose(&mut alone, 1).1, [], "restarts: {restarts}");
        assert_eq!(propose(&mut alone, 0).1, [one], "the first again, if its vote was lost");
        assert_eq!(evidence(&alone.stage, who), [first as u64], "restarts: {restarts}");
    }
}

#[test]
fn a_header_needs_a_certificate_of_its_parent() {
    for (about, round_of_parent, voters, lie, expected) in [
        ("a quorum", 0u64, vec![0usize, 1, 2], false, true),
        ("a quorum of a later round", 3, vec![1, 2, 3], false, true),
        ("too few", 0, vec![0, 1], false, false),
        ("one twice", 0, vec![0, 1, 1], false, false),
        ("of another block", 0, vec![0, 1, 2], true, false),
    ] {
        let mut alone = Alone::new();
        let (made, rooted) = (alone.block(alone.first, 0), Alone::fields(0));
        let proof = certificate(&alone.stage, &[0, 1, 2], 0, (1, made.id()), &None);
        let ratified = Arc::new(Ratified { block: made.clone(), fields: rooted, certificate: proof });
        alone.stage.inject(alone.first, alone.who, Message::Ratified(ratified));
        alone.stage.deliver(|_| true);
        assert_eq!(alone.stage.finalized(alone.who).len(), 2);
        let parent = if lie { Hash::ZERO } else { made.id() };
        let parent = certificate(&alone.stage, &voters, round_of_parent, (1, parent), &None);
        let butler = alone.stage.node(alone.who).butler(Some(&parent), 0).index();
        let fields = Fields { round: 0, parent: Some(parent) };
        let second = block(&made, butler, &fields, Vec::new());
        alone.stage.run(SECOND);
        if butler == alone.who {
            continue;
        }
        let second = claim(&alone.stage, butler, 0, &second, &fields);
        assert_eq!(alone.votes(second, Vec::new()), expected, "{about}");
    }
}
