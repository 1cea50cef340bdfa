//! SCP: what `stellar-core`'s tests know (`src/scp/test/SCPUnitTests.cpp`, `SCPTests.cpp`, networks `core5`). Node 0 needs
//! four of five; it receives what the others state, and what it states is read from its log.

use ledgerlab::base::{Duration, Height, NodeId, NodeSet, QuorumSet, Time};
use ledgerlab::chain::{Batch, Limit};
use ledgerlab::consensus::scp::{
    Ballot, Config, Message, Pledges, Said, Scp, Slices, Statement, Timer, TransactionSet, Value,
};
use ledgerlab::protocol::testing::TestCluster;
use std::collections::BTreeSet;
use std::sync::Arc;

fn nodes(of: &[u32]) -> NodeSet {
    of.iter().map(|node| NodeId(*node)).collect()
}

#[test]
fn vblocking_and_quorum() {
    let flat = QuorumSet::flat(3, 0..4);
    let inner = QuorumSet {
        threshold: 2,
        validators: vec![0],
        inner: vec![QuorumSet::flat(2, 1..4), QuorumSet::flat(1, [4, 5])],
    };
    // The set, the nodes, whether they hold a slice, whether they block.
    let rows: [(&str, &QuorumSet, &[u32], bool, bool); 14] = [
        ("3 of 4: none", &flat, &[], false, false),
        ("3 of 4: one", &flat, &[0], false, false),
        ("3 of 4: two", &flat, &[0, 2], false, true),
        ("3 of 4: three", &flat, &[0, 2, 3], true, true),
        ("3 of 4: all", &flat, &[0, 1, 2, 3], true, true),
        ("3 of 4: unknown nodes", &flat, &[7, 8, 9], false, false),
        ("nested: the leaf alone", &inner, &[0], false, false),
        ("nested: the leaf and one of the first inner set", &inner, &[0, 1], false, false),
        ("nested: the leaf and two of it", &inner, &[0, 1, 2], true, true),
        ("nested: the leaf and one of the second", &inner, &[0, 4], true, false),
        ("nested: the leaf and all of the second", &inner, &[0, 4, 5], true, true),
        ("nested: both inner sets", &inner, &[1, 2, 4], true, false),
        ("nested: two of the first", &inner, &[1, 2], false, false),
        ("nested: two of the first and the second", &inner, &[1, 2, 4, 5], true, true),
    ];
    for (name, set, of, slice, blocks) in rows {
        assert_eq!((set.has_slice_in(&nodes(of)), set.is_blocked_by(&nodes(of))), (slice, blocks), "{name}");
    }
}

#[test]
fn sane_quorum_set() {
    let nested = |threshold, inner| QuorumSet { threshold, validators: vec![0], inner };
    let rows = [
        ("{ t: 0 }", QuorumSet::flat(0, []), false),
        ("{ t: 0, v0 }", QuorumSet::flat(0, [0]), false),
        ("{ t: 2, v0 }", QuorumSet::flat(2, [0]), false),
        ("{ t: 1, v0 }", QuorumSet::flat(1, [0]), true),
        ("{ t: 1, v0, v0 }", QuorumSet::flat(1, [0, 0]), false),
        ("{ t: 1, v0, { t: 1, v1 } }", nested(1, vec![QuorumSet::flat(1, [1])]), true),
        ("{ t: 1, v0, { t: 2, v1 } }", nested(1, vec![QuorumSet::flat(2, [1])]), false),
        ("{ t: 3, v0, { t: 1, v1 } }", nested(3, vec![QuorumSet::flat(1, [1])]), false),
        ("{ t: 1, v0, { t: 1, v0 } }", nested(1, vec![QuorumSet::flat(1, [0])]), false),
        ("a node that does not exist", QuorumSet::flat(1, [9]), false),
    ];
    for (name, set, sane) in rows {
        assert_eq!(set.fault(6).is_none(), sane, "{name}");
    }
}

/// Node 0 of five, which needs four, alone on the stage.
struct Core5 {
    stage: TestCluster<Scp>,
    sets: Vec<Arc<TransactionSet>>,
}

impl Core5 {
    fn new() -> Core5 {
        Core5::with(&Config::default())
    }
    fn with(config: &Config) -> Core5 {
        let config = Config { slices: Slices::Flat(80), ..config.clone() };
        let mut stage = TestCluster::empty(5, config);
        stage.boot(0);
        let genesis = stage.chain(0)[0].id();
        let set = |nonce| TransactionSet::new(genesis, Batch::new(vec![stage.transaction(1, nonce)]));
        let mut sets: Vec<Arc<TransactionSet>> = (0..2).map(set).collect();
        sets.sort_by_key(|set| set.name);
        Core5 { stage, sets }
    }
    /// `A` is less than `B`.
    fn value(&self, of: char) -> Value {
        let set = self.sets[usize::from(of == 'B')].name;
        Value { set, close: Time::ZERO + Duration::from_millis(1) }
    }
    /// `"A2"`.
    fn ballot(&self, text: &str) -> Ballot {
        let (value, counter) = text.split_at(1);
        let counter = if counter == "inf" { Ballot::INFINITE } else { counter.parse().expect("a number") };
        Ballot { counter, value: self.value(value.chars().next().expect("a letter")) }
    }
    /// `nominate A B / A`, `prepare b p p' c h`, `confirm b p c h`, `externalize c h`, with `-` for nothing.
    fn pledges(&self, text: &str) -> Pledges {
        let words: Vec<&str> = text.split(' ').collect();
        let some = |word: &str| (word != "-").then(|| self.ballot(word));
        let number = |word: &str| if word == "inf" { Ballot::INFINITE } else { word.parse().expect("a number") };
        match words[0] {
            "nominate" => {
                let values = |words: &str| words.chars().filter(|c| c.is_alphabetic()).map(|c| self.value(c)).collect();
                let (voted, accepted) = text["nominate".len()..].split_once('/').expect("two lists");
                let (voted, accepted): (BTreeSet<Value>, BTreeSet<Value>) = (values(voted), values(accepted));
                Pledges::Nominate { voted, accepted }
            }
            "prepare" => Pledges::Prepare {
                ballot: self.ballot(words[1]),
                prepared: some(words[2]),
                prepared_prime: some(words[3]),
                n_commit: number(words[4]),
                n_high: number(words[5]),
            },
            "confirm" => Pledges::Confirm {
                ballot: self.ballot(words[1]),
                n_prepared: number(words[2]),
                n_commit: number(words[3]),
                n_high: number(words[4]),
            },
            _ => Pledges::Externalize { commit: self.ballot(words[1]), n_high: number(words[2]) },
        }
    }
    /// These nodes state something; what they name comes too.
    fn notify(&mut self, from: &[usize], text: &str) {
        let quorum_set = QuorumSet::flat(4, 0..5).hash();
        let pledges = self.pledges(text);
        for from in from {
            let digest = Statement::digest(Height(1), &quorum_set, &pledges);
            let signature = self.stage.keys().sign(*from as u32, &digest);
            let node = NodeId::from(*from);
            let statement = Statement { node, slot: Height(1), quorum_set, pledges: pledges.clone(), signature };
            self.stage.inject(*from, 0, Message::Said(Arc::new(statement)));
            self.stage.deliver(|_| true);
            for set in self.sets.clone() {
                self.stage.inject(*from, 0, Message::Set(set));
            }
            self.stage.deliver(|_| true);
        }
    }
    /// What node 0 stated last about nomination, or about ballots.
    fn stated(&self, nomination: bool) -> Option<Pledges> {
        let mut said = self.stage.log(0).iter().filter_map(|record| match &record.what {
            Said::Statement(statement) => Some(&statement.pledges),
            Said::Set(_) => None,
        });
        said.rfind(|pledges| pledges.is_nomination() == nomination).cloned()
    }
    /// Node 0 has a first ballot for `A`: the others nominated it.
    fn start(&mut self) {
        self.stage.run_until(Time::ZERO + Duration::from_secs(5));
        self.notify(&[1, 2, 3, 4], "nominate A / A");
    }
}

/// What node 0 receives one after the other, and from which node; `!` is its ballot timer. Then what it states.
type Story = (&'static str, &'static [(&'static [usize], &'static str)], &'static str);

const QUORUM: &[usize] = &[1, 2, 3];
const BLOCKING: &[usize] = &[1, 2];
const ONE: &[usize] = &[1];

const BALLOTS: [Story; 27] = [
    ("bumpState x", &[], "prepare A1 - - 0 0"),
    ("prepared A1 by one", &[(ONE, "prepare A1 A1 - 0 0")], "prepare A1 - - 0 0"),
    ("prepare A1 voted by a blocking set only", &[(BLOCKING, "prepare A1 - - 0 0")], "prepare A1 - - 0 0"),
    ("prepared A1", &[(QUORUM, "prepare A1 - - 0 0")], "prepare A1 A1 - 0 0"),
    ("prepared A1 by v-blocking", &[(BLOCKING, "prepare A1 A1 - 0 0")], "prepare A1 A1 - 0 0"),
    ("confirm prepared A1", &[(QUORUM, "prepare A1 A1 - 0 0")], "prepare A1 A1 - 1 1"),
    (
        "accept commit: quorum A1",
        &[(QUORUM, "prepare A1 A1 - 0 0"), (QUORUM, "prepare A1 A1 - 1 1")],
        "confirm A1 1 1 1",
    ),
    (
        "accept commit: votes of a blocking set are not enough",
        &[(QUORUM, "prepare A1 A1 - 0 0"), (BLOCKING, "prepare A1 A1 - 1 1")],
        "prepare A1 A1 - 1 1",
    ),
    (
        "quorum confirms: externalize",
        &[(QUORUM, "prepare A1 A1 - 0 0"), (QUORUM, "prepare A1 A1 - 1 1"), (QUORUM, "confirm A1 1 1 1")],
        "externalize A1 1",
    ),
    ("accept commit by v-blocking: CONFIRM", &[(BLOCKING, "confirm A2 2 2 2")], "confirm A2 2 2 2"),
    ("accept commit by v-blocking: CONFIRM with a range", &[(BLOCKING, "confirm A4 4 2 4")], "confirm A4 4 2 4"),
    ("accept commit by v-blocking: EXTERNALIZE", &[(BLOCKING, "externalize A2 3")], "confirm Ainf inf 2 inf"),
    ("a CONFIRM of one moves no node", &[(ONE, "confirm A2 2 2 2")], "prepare A1 - - 0 0"),
    ("v-blocking EXTERNALIZE of another value", &[(BLOCKING, "externalize B2 3")], "confirm Binf inf 2 inf"),
    ("quorum EXTERNALIZE", &[(QUORUM, "externalize A2 3")], "externalize A2 inf"),
    (
        "conflicting prepared B1: v-blocking",
        &[(QUORUM, "prepare A1 - - 0 0"), (BLOCKING, "prepare B1 B1 - 0 0")],
        "prepare A1 B1 A1 0 0",
    ),
    (
        "conflicting prepared B1 after confirm prepared A1: the vote to commit is taken back",
        &[(QUORUM, "prepare A1 A1 - 0 0"), (BLOCKING, "prepare B1 B1 - 0 0")],
        "prepare A1 B1 A1 0 1",
    ),
    (
        "conflicting prepared B2: v-blocking counters pull along",
        &[(QUORUM, "prepare A1 - - 0 0"), (BLOCKING, "prepare B2 B2 - 0 0")],
        "prepare A2 B2 A1 0 0",
    ),
    ("prepared B2 by quorum: moves to B", &[(QUORUM, "prepare B2 B2 - 0 0")], "prepare B2 B2 - 2 2"),
    ("received from a quorum, timeout: A2", &[(QUORUM, "prepare A1 - - 0 0"), (&[], "!")], "prepare A2 A1 - 0 0"),
    ("timeout when h is set: stays locked on h", &[(QUORUM, "prepare A1 A1 - 0 0"), (&[], "!")], "prepare A2 A1 - 1 1"),
    (
        "timeout after the vote was taken back: stays with h",
        &[(QUORUM, "prepare A1 A1 - 0 0"), (BLOCKING, "prepare B1 B1 - 0 0"), (&[], "!")],
        "prepare A2 B1 A1 0 1",
    ),
    (
        "v-blocking counters: the least that is not exceeded",
        &[(ONE, "prepare A9 - - 0 0"), (&[2], "prepare A3 - - 0 0")],
        "prepare A3 - - 0 0",
    ),
    ("counters of one: no bump", &[(ONE, "prepare A9 - - 0 0")], "prepare A1 - - 0 0"),
    (
        "non-monotonic: an older statement changes nothing",
        &[(QUORUM, "prepare A1 A1 - 0 0"), (QUORUM, "prepare A1 - - 0 0")],
        "prepare A1 A1 - 1 1",
    ),
    (
        "accept more commit: the range grows",
        &[(BLOCKING, "confirm A2 2 2 2"), (BLOCKING, "confirm A4 4 2 4")],
        "confirm A4 4 2 4",
    ),
    (
        "CONFIRM by quorum with different ranges: externalizes what all have",
        &[(ONE, "confirm A5 5 2 5"), (&[2], "confirm A4 4 3 4"), (&[3], "confirm A4 4 1 4")],
        "externalize A3 4",
    ),
];

#[test]
fn ballot_protocol_core5() {
    for (name, received, expected) in BALLOTS {
        let mut core = Core5::new();
        core.start();
        for (from, text) in received {
            if *text == "!" {
                assert!(core.stage.fire(0, Timer::Ballot), "{name}: the timer is set");
            } else {
                core.notify(from, text);
            }
        }
        assert_eq!(core.stated(false), Some(core.pledges(expected)), "{name}");
    }
}

#[test]
fn nomination_tests_core5() {
    // What is received; then whether values are among those that node 0 voted for and accepted, and its ballot.
    type Row = (&'static str, &'static [(&'static [usize], &'static str)], &'static str, Option<&'static str>);
    let rows: [Row; 6] = [
        ("v-blocking accepted: accepts", &[(BLOCKING, "nominate A / A")], "A", None),
        ("one accepted: does not", &[(ONE, "nominate A / A")], "", None),
        ("a quorum accepted: prepares", &[(QUORUM, "nominate A / A")], "A", Some("prepare A1 - - 0 0")),
        (
            "others accepted two, one after the other: the second joins",
            &[(BLOCKING, "nominate A / A"), (BLOCKING, "nominate AB / AB")],
            "AB",
            None,
        ),
        (
            "an older list that comes last changes nothing",
            &[(BLOCKING, "nominate AB / AB"), (BLOCKING, "nominate A / A")],
            "AB",
            None,
        ),
        ("votes of a blocking set are not enough", &[(BLOCKING, "nominate A /")], "", None),
    ];
    for (name, received, accepted, ballot) in rows {
        let mut core = Core5::new();
        core.stage.run_until(Time::ZERO + Duration::from_secs(5));
        for (from, text) in received {
            core.notify(from, text);
        }
        let wanted: BTreeSet<Value> = accepted.chars().map(|of| core.value(of)).collect();
        let stated = match core.stated(true) {
            Some(Pledges::Nominate { accepted, .. }) => accepted,
            _ => BTreeSet::new(),
        };
        assert_eq!(stated, wanted, "{name}");
        assert_eq!(core.stated(false), ballot.map(|text| core.pledges(text)), "{name}");
    }
}

#[test]
fn a_set_that_is_larger_than_allowed_is_not_valid() {
    for (bytes, accepted) in [(250, 1), (249, 0)] {
        let batch = Limit { bytes, transactions: 10 };
        let mut core = Core5::with(&Config { block_limit: batch, ..Config::default() });
        core.start();
        let stated = match core.stated(true) {
            Some(Pledges::Nominate { accepted, .. }) => accepted.len(),
            _ => 0,
        };
        assert_eq!(stated, accepted, "at most {bytes} bytes");
    }
}
