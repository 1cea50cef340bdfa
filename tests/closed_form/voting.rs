//! The voting family: how many message delays and messages one decision takes, exactly, side by side.

use super::laboratory::{seeing, setup};
use ledgerlab::base::{AccountId, ClientId, Duration, NodeId, Time};
use ledgerlab::chain::{Body, Transaction};
use ledgerlab::consensus::{aura, clique, hotstuff, pbft, qbft, ripple, scp, tendermint, threshold, vote};
use ledgerlab::engine::{Simulation, Stop};
use ledgerlab::network::latency::{Distribution, Latency};
use ledgerlab::network::transport::{Settings, Transport};
use ledgerlab::observe::Observed;
use ledgerlab::protocol::Protocol;
use std::fmt::Write;

/// When all nodes are handed the transaction: between two ticks of every protocol's clock.
const ASKED: Time = Time::from_nanos(1_000_000_000);
/// How long every message takes: so little that all delays of one decision are less than a tick.
const DELAY: Duration = Duration::from_millis(10);
/// What all ticks are multiples of.
const TICK: Duration = Duration::from_secs(1);

/// What became of the transaction.
#[derive(Default)]
struct Seen {
    nodes: usize,
    finals: Vec<Time>,
    sent: u64,
    /// Whether something was sent after it was final everywhere: of a decision to come.
    is_over: bool,
}

impl Seen {
    fn see(&mut self, now: Time, observed: &Observed<'_>) {
        match *observed {
            Observed::Finalized { block, .. } if block.transactions().iter().any(|t| !t.is_coinbase()) => {
                self.finals.push(now);
            }
            Observed::Sent { kind, copies, .. } if kind != "transaction" && now >= ASKED => {
                self.is_over |= self.finals.len() == self.nodes && self.finals.last().is_some_and(|last| now > *last);
                self.sent += if self.is_over { 0 } else { u64::from(copies) };
            }
            _ => {}
        }
    }
}

/// Seconds that the protocol waits for its clock, the delays besides until the first and until the last node has the
/// transaction final, and the messages sent from the request until then.
fn decide<P: Protocol>(n: usize, config: P::Config) -> [String; 4] {
    let delay = Latency::from_distribution(&Distribution::Constant { delay: DELAY })
        .expect("a possible law")
        .with_floor(Duration::ZERO);
    let network = Transport::new(1, Box::new(delay), Settings::unlimited(n));
    let committee = P::committee(&config, vec![1; n]);
    let mut setup = setup::<P>(config, committee, Box::new(network), 1);
    setup.stop = Stop::at(ASKED + Duration::from_secs(1_000));
    let (seen, observer) = seeing(Seen::see);
    seen.borrow_mut().nodes = n;
    setup.observers.push(observer);
    let accounts = setup.accounts.clone();
    let mut simulation = Simulation::new(setup);
    let request =
        Transaction::signed(&accounts, AccountId(0), 0, 1, Body::Transfer { to: AccountId(0), amount: 1 }, 250);
    for node in 0..n {
        simulation.submit_at(ASKED, ClientId(0), NodeId::from(node), request.clone());
    }
    while !seen.borrow().is_over && simulation.advance(Time::NEVER, 1_000) {}
    drop(simulation);
    let seen = seen.borrow();
    assert_eq!(seen.finals.len(), n, "{} with {n} nodes: once at every node: {:?}", P::NAME, seen.finals);
    let waited = |at: Time| at.since(ASKED).as_nanos() / TICK.as_nanos();
    let delays = |at: Time| (at.since(ASKED).as_nanos() % TICK.as_nanos()) as f64 / DELAY.as_nanos() as f64;
    let (first, last) = (seen.finals[0], seen.finals[n - 1]);
    assert_eq!(waited(first), waited(last), "{}", P::NAME);
    [waited(first).to_string(), delays(first).to_string(), delays(last).to_string(), seen.sent.to_string()]
}

/// The rows of one protocol.
fn rows<P: Protocol>(table: &mut String, name: &str, config: &P::Config) {
    for n in [4, 7, 16, 64] {
        let [waits, first, last, messages] = decide::<P>(n, config.clone());
        writeln!(table, "{name:<24}{n:>3}{waits:>6}{first:>6}{last:>6}{messages:>9}").expect("text");
    }
}

fn table() -> String {
    let two_phase = hotstuff::Config { variant: hotstuff::Variant::TwoPhase, ..hotstuff::Config::default() };
    let go_quorum = qbft::Config { proposer_prepares: true, ..qbft::Config::default() };
    // No signer out of turn is fast enough to win.
    let in_turn = clique::Config { wiggle: Duration::from_secs(1_000), ..clique::Config::default() };
    let unanimous = scp::Config { slices: scp::Slices::Flat(100), ..scp::Config::default() };
    let star = threshold::Config { collection: threshold::Collection::Star, ..threshold::Config::default() };
    let strict = threshold::Config { rule: threshold::Rule::Strict, pre_commit: false, ..threshold::Config::default() };
    let mut table = String::from("\n");
    rows::<aura::Aura>(&mut table, "aura", &aura::Config::default());
    rows::<clique::Clique>(&mut table, "clique", &in_turn);
    rows::<hotstuff::HotStuff>(&mut table, "hotstuff", &hotstuff::Config::default());
    rows::<hotstuff::HotStuff>(&mut table, "hotstuff, two-phase", &two_phase);
    rows::<pbft::Pbft>(&mut table, "pbft", &pbft::Config::default());
    rows::<qbft::Qbft>(&mut table, "qbft", &qbft::Config::default());
    rows::<qbft::Qbft>(&mut table, "qbft, go-quorum", &go_quorum);
    rows::<ripple::Ripple>(&mut table, "ripple", &ripple::Config::default());
    rows::<scp::Scp>(&mut table, "scp", &unanimous);
    rows::<tendermint::Tendermint>(&mut table, "tendermint", &tendermint::Config::default());
    rows::<threshold::Threshold>(&mut table, "threshold", &threshold::Config::default());
    rows::<threshold::Threshold>(&mut table, "threshold, star", &star);
    rows::<threshold::Threshold>(&mut table, "threshold, strict", &strict);
    rows::<vote::Vote>(&mut table, "vote", &vote::Config::default());
    table
}

const HEAD: &str = "protocol                  n waits first  last messages";

const TABLE: &str = "
aura                      4    14     0     1        9
aura                      7    19     0     1       24
aura                     16    44     0     1      135
aura                     64   164     0     1     2079
clique                    4    44     0     1        9
clique                    7    59     0     1       24
clique                   16   134     0     1      135
clique                   64   494     0     1     2079
hotstuff                  4     0     6     7       24
hotstuff                  7     0     6     7       48
hotstuff                 16     0     6     7      120
hotstuff                 64     0     6     7      504
hotstuff, two-phase       4     0     4     5       18
hotstuff, two-phase       7     0     4     5       36
hotstuff, two-phase      16     0     4     5       90
hotstuff, two-phase      64     0     4     5      378
pbft                      4     0     3     3       24
pbft                      7     0     3     3       84
pbft                     16     0     3     3      480
pbft                     64     0     3     3     8064
qbft                      4     0     3     3       24
qbft                      7     0     3     3       84
qbft                     16     0     3     3      480
qbft                     64     0     3     3     8064
qbft, go-quorum           4     0     3     3       27
qbft, go-quorum           7     0     3     3       90
qbft, go-quorum          16     0     3     3      495
qbft, go-quorum          64     0     3     3     8127
ripple                    4     9     1     1       24
ripple                    7     9     1     1       84
ripple                   16     9     1     1      480
ripple                   64     9     1     1     8064
scp                       4     4     9     9       90
scp                       7     4     9     9      306
scp                      16     4     9     9     1710
scp                      64     4     9     9    28350
tendermint                4     0     3     3       30
tendermint                7     0     3     3       96
tendermint               16     0     3     3      510
tendermint               64     0     3     3     8190
threshold                 4     4     3     3       27
threshold                 7     4     3     3       90
threshold                16     4     3     3      495
threshold                64     4     3     3     8127
threshold, star           4     4     4     5       15
threshold, star           7     4     4     5       30
threshold, star          16     4     4     5       75
threshold, star          64     4     4     5      315
threshold, strict         4     4     2     2       15
threshold, strict         7     4     2     2       48
threshold, strict        16     4     2     2      255
threshold, strict        64     4     2     2     4095
vote                      4     1     2     3        9
vote                      7     1     2     3       18
vote                     16     1     2     3       45
vote                     64     1     2     3      189
";

/// Name, nodes, seconds waited for the clock, delays besides until the first and until the last node has it final,
/// messages. All nodes are correct, and every one receives from every other:
///
/// * Aura: a block per step of 5 s, `n - 1` copies, since no node passes on where all are connected to its author; final
///   with the block of the last of `floor(n / 2) + 1` authors. Clique: the same with periods of 15 s.
/// * HotStuff (PODC 2019, figure 1): `n - 1` proposals and `n - 1` votes in each of four views, final with the fourth
///   proposal, and at its leader one delay before; two-phase (Jolteon) three views.
/// * PBFT (OSDI 1999, figure 1): `n - 1` pre-prepares, `(n - 1)^2` prepares, `n (n - 1)` commits.
/// * QBFT: the same three phases; in `GoQuorum` the proposer prepares too.
/// * Ripple: closes at the eighth second, accepts two later; a position and a validation to every node, `2 n (n - 1)`.
/// * SCP: at the fifth second three hops of nomination, two to fetch the set, four of ballots; `7 n (n - 1)` statements,
///   `2 (n - 1)` messages for the set.
/// * Tendermint (algorithm 1): `n - 1` proposals, as many parts of the block, `n (n - 1)` prevotes and precommits.
/// * Threshold: at the first slot, of 5 s, `n - 1` proposals, `n (n - 1)` pre-commits and signatures; star: five times
///   `n - 1`; strict: no pre-commits.
/// * Proof of Vote: at the second second proposals, votes and certificates, `n - 1` each.
#[test]
#[allow(clippy::print_stdout)]
fn one_decision_takes_exactly_the_delays_and_messages_of_the_papers() {
    let table = table();
    // For people: `cargo test --test suite closed_form::voting -- --nocapture`.
    println!("{HEAD}{table}");
    assert_eq!(table, TABLE);
}
