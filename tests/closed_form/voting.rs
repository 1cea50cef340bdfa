//! The voting family: how many message delays and messages one decision takes, exactly, side by side.

use crate::laboratory::{seeing, setup};
use ledgerlab::base::{AccountId, ClientId, Duration, NodeId, Time};
use ledgerlab::chain::{Body, Transaction};
use ledgerlab::consensus::hotstuff::{self, HotStuff};
use ledgerlab::consensus::pbft::{self, Pbft};
use ledgerlab::consensus::qbft::{self, Qbft};
use ledgerlab::consensus::tendermint::{self, Tendermint};
use ledgerlab::engine::{Simulation, Stop};
use ledgerlab::network::latency::{Latency, Law};
use ledgerlab::network::transport::{Settings, Transport};
use ledgerlab::observe::Observed;
use ledgerlab::protocol::Protocol;

/// When all nodes are handed the transaction: between two ticks of every protocol's clock.
const ASKED: Time = Time::from_nanos(1_000_000_000);
/// How long every message takes.
const DELAY: Duration = Duration::from_millis(10);

/// What became of the transaction.
#[derive(Default)]
struct Seen {
    finals: Vec<Time>,
    sent: u64,
}

/// The delays until the first and until the last node has the transaction final, and the messages sent in all.
fn decide<P: Protocol>(n: usize, config: P::Config) -> [String; 3] {
    let delay = Latency::of_law(&Law::Constant { value: DELAY }).expect("a possible law").with_floor(Duration::ZERO);
    let network = Transport::new(1, Box::new(delay), Settings::unlimited(n));
    let committee = P::committee(&config, vec![1; n]);
    let mut setup = setup::<P>(config, committee, Box::new(network), 1);
    setup.stop = Stop::at(ASKED + Duration::from_secs(30));
    let (seen, observer) = seeing(|seen: &mut Seen, now, observed| match *observed {
        Observed::Finalized { block, .. } if !block.batch.is_empty() => seen.finals.push(now),
        Observed::Sent { kind, copies, .. } if kind != "transaction" => seen.sent += u64::from(copies),
        _ => {}
    });
    setup.observers.push(observer);
    let accounts = setup.accounts.clone();
    let mut simulation = Simulation::new(setup);
    let request =
        Transaction::signed(&accounts, AccountId(0), 0, 1, Body::Transfer { to: AccountId(0), amount: 1 }, 250);
    for node in 0..n {
        simulation.submit_at(ASKED, ClientId(0), NodeId::from(node), request.clone());
    }
    while simulation.advance(Time::NEVER, 100_000) {}
    drop(simulation);
    let seen = seen.borrow();
    assert_eq!(seen.finals.len(), n, "{} with {n} nodes: once at every node: {:?}", P::NAME, seen.finals);
    let delays = |at: Time| format!("{}", at.since(ASKED).as_nanos() as f64 / DELAY.as_nanos() as f64);
    [delays(seen.finals[0]), delays(seen.finals[n - 1]), seen.sent.to_string()]
}

/// The rows of one protocol.
fn rows<P: Protocol>(name: &str, config: &P::Config) -> String {
    let row = |n: &usize| {
        let [first, last, messages] = decide::<P>(*n, config.clone());
        format!("{name:<20} {n:>3} {first:>6} {last:>6} {messages:>9}\n")
    };
    [4, 7, 16, 64].iter().map(row).collect()
}

const TABLE: &str = "
hotstuff               4      6      7        24
hotstuff               7      6      7        48
hotstuff              16      6      7       120
hotstuff              64      6      7       504
hotstuff, two-phase    4      4      5        18
hotstuff, two-phase    7      4      5        36
hotstuff, two-phase   16      4      5        90
hotstuff, two-phase   64      4      5       378
pbft                   4      3      3        24
pbft                   7      3      3        84
pbft                  16      3      3       480
pbft                  64      3      3      8064
qbft                   4      3      3        24
qbft                   7      3      3        84
qbft                  16      3      3       480
qbft                  64      3      3      8064
qbft, go-quorum        4      3      3        27
qbft, go-quorum        7      3      3        90
qbft, go-quorum       16      3      3       495
qbft, go-quorum       64      3      3      8127
tendermint             4      3      3        30
tendermint             7      3      3        96
tendermint            16      3      3       510
tendermint            64      3      3      8190
";

/// Name, nodes, delays until the first and until the last node has it final, messages. All nodes are correct:
///
/// * HotStuff (PODC 2019, figure 1): `n - 1` proposals and `n - 1` votes in each of four views, final with the fourth
///   proposal, and at its leader one delay before; two-phase (Jolteon) three views.
/// * PBFT (OSDI 1999, figure 1): `n - 1` pre-prepares, `(n - 1)^2` prepares, `n (n - 1)` commits.
/// * QBFT: the same three phases; in `GoQuorum` the proposer prepares too.
/// * Tendermint (algorithm 1): `n - 1` proposals, as many parts of the block, `n (n - 1)` prevotes and precommits.
#[test]
fn one_decision_takes_exactly_the_delays_and_messages_of_the_papers() {
    let two_phase = hotstuff::Config { variant: hotstuff::Variant::TwoPhase, ..hotstuff::Config::default() };
    let go_quorum = qbft::Config { proposer_prepares: true, ..qbft::Config::default() };
    let table = [
        rows::<HotStuff>("hotstuff", &hotstuff::Config::default()),
        rows::<HotStuff>("hotstuff, two-phase", &two_phase),
        rows::<Pbft>("pbft", &pbft::Config::default()),
        rows::<Qbft>("qbft", &qbft::Config::default()),
        rows::<Qbft>("qbft, go-quorum", &go_quorum),
        rows::<Tendermint>("tendermint", &tendermint::Config::default()),
    ];
    assert_eq!(format!("\n{}", table.concat()), TABLE);
}
