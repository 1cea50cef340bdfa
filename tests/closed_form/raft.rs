//! Raft: how long elections take.

use super::laboratory::{Sample, assert_near, seeing, setup};
use ledgerlab::base::{AccountId, ClientId, Committee, Duration, FaultModel, NodeId, Stream, Time};
use ledgerlab::chain::{Body, Transaction};
use ledgerlab::consensus::raft::{Config, Message, Raft, Transfer};
use ledgerlab::engine::{Adversary, Fault, FaultEvent, Simulation, Stop};
use ledgerlab::network::latency::{Distribution, Latency};
use ledgerlab::network::transport::{Settings, Transport};
use ledgerlab::network::{Arrival, Carried, Change, Envelope, Network};
use ledgerlab::observe::Observed;
use ledgerlab::protocol::{Effect, EffectOf};
use std::collections::BTreeSet;

const NODES: usize = 5;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Raft of 2014: no pre-vote, no leases.
fn config(min: u64, max: u64, heartbeat: Duration) -> Config {
    Config {
        election_timeout_min: ms(min),
        election_timeout_max: ms(max),
        heartbeat,
        pre_vote: false,
        check_quorum: false,
        ..Config::default()
    }
}

fn uniform(low: u64, high: u64, seed: u64) -> Transport {
    let (low, high) = (Duration::from_micros(low), Duration::from_micros(high));
    let law = Distribution::Uniform { median: (low + high) / 2, half_width: (high.saturating_sub(low)) / 2 };
    Transport::new(
        seed,
        Box::new(Latency::from_distribution(&law).expect("a possible law")),
        Settings::unlimited(NODES),
    )
}

/// A network that loses what is large on its way from one node to some others: heartbeats pass, entries do not.
struct Choked {
    inner: Transport,
    from: NodeId,
    to: [NodeId; 2],
    most: u64,
}

impl Network for Choked {
    fn send(&mut self, now: Time, envelope: &Envelope, to: &[NodeId], out: &mut Carried) {
        let is_lost = |to: &NodeId| envelope.from == self.from && envelope.bytes > self.most && self.to.contains(to);
        let (lost, passed): (Vec<NodeId>, Vec<NodeId>) = to.iter().partition(|to| is_lost(to));
        out.lost.extend(lost.into_iter().map(|to| (to, envelope.ticket)));
        self.inner.send(now, envelope, &passed, out);
    }
    fn wake(&mut self, now: Time, node: NodeId, out: &mut Carried) {
        self.inner.wake(now, node, out);
    }
    fn has_downlinks(&self) -> bool {
        self.inner.has_downlinks()
    }
    fn land(&mut self, now: Time, arrival: &Arrival) -> Time {
        self.inner.land(now, arrival)
    }
    fn reset(&mut self, now: Time, node: NodeId, out: &mut Carried) {
        self.inner.reset(now, node, out);
    }
    fn change(&mut self, now: Time, change: &Change, out: &mut Carried) {
        self.inner.change(now, change, out);
    }
    fn reaches(&self, from: NodeId, to: NodeId) -> bool {
        self.inner.reaches(from, to)
    }
    fn delay_min(&self) -> Duration {
        self.inner.delay_min()
    }
    fn bytes_sent(&self, node: NodeId) -> u64 {
        self.inner.bytes_sent(node)
    }
    fn bytes_received(&self, node: NodeId) -> u64 {
        self.inner.bytes_received(node)
    }
}

/// Which node leads, and which have received from it.
#[derive(Default)]
struct Seen {
    crashed: Option<Time>,
    leader: Option<(NodeId, Time)>,
    followers: BTreeSet<NodeId>,
    /// When the last of the three other survivors received from a leader that came after the crash.
    known: Option<Time>,
}

fn see(seen: &mut Seen, now: Time, observed: &Observed<'_>) {
    match *observed {
        Observed::Crashed { node } => {
            assert_eq!(seen.leader.map(|(leader, _)| leader), Some(node), "the leader crashes");
            (seen.crashed, seen.leader) = (Some(now), None);
        }
        Observed::Noted { node, label: "became_leader", .. } => {
            seen.leader = Some((node, now));
            seen.followers.clear();
        }
        Observed::Delivered { from, to, kind: "Heartbeat" | "AppendEntries", .. }
            if seen.crashed.is_some() && seen.leader.is_some_and(|(leader, _)| leader == from) =>
        {
            seen.followers.insert(to);
            if seen.followers.len() == NODES - 2 && seen.known.is_none() {
                seen.known = Some(now);
            }
        }
        _ => {}
    }
}

/// When the leader-to-be is made leader, when it is given an entry, and when it crashes at the earliest.
const MADE: Duration = ms(1_000);
const GIVEN: Duration = ms(1_300);
const CRASH: Duration = ms(1_500);

/// From the crash of the leader until the last survivor received from the next one, in ms.
fn outage(min: u64, max: u64, seed: u64) -> f64 {
    let heartbeat = ms(min) / 2;
    let network =
        Choked { inner: uniform(1_000, 3_000, seed), from: NodeId(0), to: [NodeId(3), NodeId(4)], most: 1_000 };
    let config = Config { transfers: vec![Transfer { at: MADE, to: 0 }], ..config(min, max, heartbeat) };
    let mut setup = setup::<Raft>(config, Committee::new(NODES, FaultModel::Crash), Box::new(network), seed);
    for seat in &mut setup.processes {
        seat.adversary = Some(Box::new(WritesVotes));
    }
    let at = Time::ZERO + CRASH + Stream::new(seed, "crash", 0, 0).span(Duration::ZERO, heartbeat);
    setup.faults.push(FaultEvent { at, fault: Fault::crash(vec![NodeId(0)]), begins: None, ends: None });
    setup.stop = Stop::at(Time::ZERO + ms(20_000));
    let (seen, observer) = seeing(see);
    setup.observers.push(observer);
    let accounts = setup.accounts.clone();
    let mut simulation = Simulation::new(setup);
    let body = Body::Transfer { to: AccountId(0), amount: 1 };
    let entry = Transaction::signed(&accounts, AccountId(0), 0, 1, body, 5_000);
    simulation.submit_at(Time::ZERO + GIVEN, ClientId(0), NodeId(0), entry);
    loop {
        let more = simulation.advance(Time::NEVER, 50);
        let seen = seen.borrow();
        if let (Some(crashed), Some(known)) = (seen.crashed, seen.known) {
            return known.since(crashed).as_millis_f64();
        }
        assert!(more, "a leader is elected");
    }
}

/// A server on a disk whose votes take 7 ms to write. It is not a disk of the engine because a candidate does not wait for
/// it: with 7 ms before it asks for votes, two candidates split them more than twice as often as in the figure.
struct WritesVotes;

impl Adversary<Raft> for WritesVotes {
    fn rewrite(&mut self, effects: &mut Vec<EffectOf<Raft>>, later: &mut Vec<(Duration, EffectOf<Raft>)>) {
        let is_vote = |effect: &EffectOf<Raft>| matches!(effect, Effect::Send { message: Message::Vote(vote), .. } if vote.granted);
        let (votes, kept): (Vec<_>, Vec<_>) = std::mem::take(effects).into_iter().partition(is_vote);
        *effects = kept;
        later.extend(votes.into_iter().map(|vote| (ms(7), vote)));
    }
}

/// Ongaro and Ousterhout 2014, figure 16, digitised from the vector figure: milliseconds of 1000 elections each. Five
/// servers, of whose four survivors only two have the last entry and can win; the leader crashes at any time between two
/// heartbeats, which are half the shortest timeout apart. One-way delays U(1, 3) ms and 7 ms to write a vote make the 15 ms
/// of a broadcast; they were fitted to the line 150-300, and the other lines follow.
#[test]
fn a_crashed_leader_is_replaced_as_fast_as_in_figure_16_of_the_raft_paper() {
    // Shortest and longest timeout; median, mean, 95th percentile.
    let lines = [(150, 300, [171.0, 181.0, 265.0]), (100, 200, [120.0, 125.4, 183.0]), (25, 50, [43.0, 47.9, 83.0])];
    for (min, max, [median, mean, p95]) in lines {
        let times = Sample::new((1..=1_000).map(|seed| outage(min, max, seed)).collect());
        let found = [times.quantile(0.5), times.mean(), times.quantile(0.95)];
        let line = format!("{min}-{max}: median, mean, p95 {found:?}");
        assert_near(&line, found[0], median, 0.10 * median);
        assert_near(&line, found[1], mean, 0.10 * mean);
        assert_near(&line, found[2], p95, 0.20 * p95);
    }
}

/// From the start of all nodes until a candidate has a majority, in ms.
fn first_election(seed: u64) -> f64 {
    let config = config(300, 600, ms(100));
    let network = Box::new(uniform(30_000, 40_000, seed));
    let mut setup = setup::<Raft>(config, Committee::new(NODES, FaultModel::Crash), network, seed);
    let (seen, observer) = seeing(see);
    setup.observers.push(observer);
    let mut simulation = Simulation::new(setup);
    loop {
        assert!(simulation.advance(Time::NEVER, 4), "a leader is elected");
        if let Some((_, at)) = seen.borrow().leader {
            return at.since(Time::ZERO).as_millis_f64();
        }
    }
}

/// Ongaro's dissertation 2014, chapter 9: `AvailSim`, 10 000 elections over a wide area. Five servers with equal logs start
/// at once, one-way delays U(30, 40) ms, timeouts U(300, 600) ms, no disk. 1 % to the 90th percentile, 3 % at the 95th.
#[test]
fn elections_over_a_wide_area_take_what_availsim_found() {
    let times = Sample::new((1..=6_000).map(first_election).collect());
    let law = [(0.01, 367.9), (0.1, 375.3), (0.25, 386.4), (0.5, 409.4), (0.75, 445.6), (0.9, 489.1)];
    for (share, expected) in law {
        assert_near(&format!("quantile {share}"), times.quantile(share), expected, 0.01 * expected);
    }
    assert_near("quantile 0.95", times.quantile(0.95), 525.4, 0.03 * 525.4);
    assert_near("mean", times.mean(), 429.8, 0.01 * 429.8);
}
