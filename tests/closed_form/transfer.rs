//! One transfer: its time against size, bandwidth and round-trip time.

use super::laboratory::{seeing, setup};
use ledgerlab::base::{AccountId, ClientId, Committee, Duration, FaultModel, NodeId, Time};
use ledgerlab::chain::{Body, Transaction};
use ledgerlab::consensus::raft::{Config, Raft};
use ledgerlab::engine::{Simulation, Stop, TransactionRelay};
use ledgerlab::network::latency::{Distribution, Latency};
use ledgerlab::network::transport::{Rates, Settings, Tcp, Transport};
use ledgerlab::observe::Observed;

/// When the leader is given the transaction.
const GIVEN: Time = Time::from_nanos(10_000_000_000);
/// Bytes of an Ethernet frame on the wire, and of the payload in it.
const WIRE: f64 = 1538.0 / 1448.0;

#[derive(Default)]
struct Seen {
    leader: Option<NodeId>,
    /// Bytes and arrival of the entry.
    arrived: Option<(u64, Time)>,
}

/// Two nodes; the one that leads is given a transaction and sends it on in an entry: bytes of the message, and seconds.
fn transfer(bytes: usize, rate: u64, round_trip: Duration, tcp: bool) -> (f64, f64) {
    let delay = || {
        Box::new(
            Latency::from_distribution(&Distribution::Constant { delay: round_trip / 2 }).expect("a constant delay"),
        )
    };
    let rates = vec![Rates { up: rate, down: 0 }; 2];
    let settings = Settings { tcp: tcp.then(Tcp::default), ..Settings::new(rates) };
    let network = Transport::new(1, delay(), settings);
    let mut setup = setup::<Raft>(Config::default(), Committee::new(2, FaultModel::Crash), Box::new(network), 1);
    // The transaction itself does not compete for the link.
    setup.relay = TransactionRelay::Sampled(delay(), 1_000);
    setup.stop = Stop::at(GIVEN + Duration::from_secs(30));
    let (seen, observer) = seeing(|seen: &mut Seen, now, observed| match *observed {
        Observed::Noted { node, label: "became_leader", .. } => seen.leader = Some(node),
        Observed::Delivered { kind: "AppendEntries", bytes, .. } if now >= GIVEN && seen.arrived.is_none() => {
            seen.arrived = Some((bytes, now));
        }
        _ => {}
    });
    setup.observers.push(observer);
    let accounts = setup.accounts.clone();
    let mut simulation = Simulation::new(setup);
    while simulation.advance(Time::from_nanos(GIVEN.as_nanos() - 1), 10_000) {}
    let leader = seen.borrow().leader.expect("some node leads after ten seconds");
    let body = Body::Transfer { to: AccountId(0), amount: 1 };
    let transaction = Transaction::signed(&accounts, AccountId(0), 0, 1, body, bytes);
    simulation.submit_at(GIVEN, ClientId(0), leader, transaction);
    while simulation.advance(Time::NEVER, 10_000) {}
    let (bytes, at) = seen.borrow().arrived.expect("the entry arrives");
    (bytes as f64, at.since(GIVEN).as_secs_f64())
}

/// Slow start, round by round: a window of ten segments of 1460 B that doubles until it fills the link, or the largest
/// window of 3.9 MB per round trip; the last round is sent at that rate.
fn slow_start(bytes: f64, rate: f64, round_trip: f64) -> f64 {
    let rate = rate.min(3_900_000.0 * 8.0 / round_trip);
    let (mut left, mut window, mut time) = (bytes, 14_600.0, 0.0);
    // A window below what the link carries in a round trip leaves it idle until the round is over.
    while window < rate / 8.0 * round_trip && left > window {
        (left, window, time) = (left - window, window * 2.0, time + round_trip);
    }
    time + left * 8.0 / rate + round_trip / 2.0
}

#[test]
fn a_transfer_without_tcp_takes_its_bytes_at_the_rate_of_the_link_and_half_a_round_trip() {
    for (bytes, rate, round_trip) in
        [(1_000, 10_000_000, 20), (1_000_000, 10_000_000, 100), (1_000_000, 1_000_000_000, 200)]
    {
        let (bytes, time) = transfer(bytes, rate, Duration::from_millis(round_trip), false);
        let law = bytes * WIRE * 8.0 / rate as f64 + round_trip as f64 / 2_000.0;
        assert!((time - law).abs() < 1e-6, "{bytes} B at {rate} bit/s over {round_trip} ms: {time} s, law {law} s");
    }
}

/// RFC 5681 and 6928.
#[test]
fn a_transfer_over_cold_tcp_takes_the_rounds_of_slow_start_and_the_rest_at_the_rate_of_the_link() {
    for (bytes, rate, round_trip) in [
        (1_000, 10_000_000, 20),
        (14_000, 100_000_000, 200),
        (50_000, 10_000_000, 20),
        (100_000, 1_000_000_000, 100),
        (1_000_000, 10_000_000, 200),
        (1_000_000, 100_000_000, 50),
        (1_000_000, 1_000_000_000, 20),
    ] {
        let (bytes, time) = transfer(bytes, rate, Duration::from_millis(round_trip), true);
        // What of the rate is left for payload.
        let law = slow_start(bytes, rate as f64 / WIRE, round_trip as f64 / 1_000.0);
        assert!((time - law).abs() < 1e-5, "{bytes} B at {rate} bit/s over {round_trip} ms: {time} s, law {law} s");
    }
}
