use super::*;
use crate::network::sampling::below;
use crate::network::{Carried, Degradation};
use proptest::prelude::*;
use std::collections::BTreeMap;

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const C: NodeId = NodeId(2);
const MBIT: u64 = 1_000_000;

/// A delay that is the same for all envelopes, or uniform up to twice that.
struct Plain {
    one_way: Duration,
    varies: bool,
}

impl Delay for Plain {
    fn delay(&self, _: NodeId, _: NodeId, word: u64) -> Duration {
        let most = self.one_way.as_nanos() * 2;
        if self.varies { Duration::from_nanos(below(word, most)) } else { self.one_way }
    }
    fn typical(&self, _: NodeId, _: NodeId) -> Duration {
        self.one_way
    }
    fn least(&self) -> Duration {
        if self.varies { Duration::ZERO } else { self.one_way }
    }
}

/// One thing to happen on the stage.
enum Event {
    Send(NodeId, u64, Vec<NodeId>),
    Wake(NodeId),
    Change(Change),
    Reset(NodeId),
    Land(Arrival),
}

/// A small event loop around a transport.
struct Stage {
    transport: Transport,
    agenda: BTreeMap<(Time, usize), Event>,
    planned: usize,
    sent: u64,
    /// Where and when envelopes were taken in, by ticket; duplicates appear twice.
    landed: Vec<(u64, NodeId, Time)>,
    lost: Vec<(NodeId, u64)>,
}

impl Stage {
    fn new(settings: Settings, one_way: Duration, varies: bool) -> Stage {
        let transport = Transport::new(1, Box::new(Plain { one_way, varies }), settings);
        let (agenda, landed, lost) = (BTreeMap::new(), Vec::new(), Vec::new());
        Stage { transport, agenda, planned: 0, sent: 0, landed, lost }
    }
    fn plan(&mut self, at: Time, event: Event) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), event);
    }
    fn send(&mut self, at: Duration, from: NodeId, bytes: u64, to: &[NodeId]) {
        self.plan(Time::ZERO + at, Event::Send(from, bytes, to.to_vec()));
    }
    fn run(mut self) -> Stage {
        let mut out = Carried::default();
        while let Some(((now, _), event)) = self.agenda.pop_first() {
            match event {
                Event::Send(from, bytes, to) => {
                    let envelope = Envelope { from, bytes, number: self.sent, ticket: self.sent };
                    self.sent += 1;
                    self.transport.send(now, &envelope, &to, &mut out);
                }
                Event::Wake(node) => self.transport.wake(now, node, &mut out),
                Event::Change(change) => self.transport.change(now, &change, &mut out),
                Event::Reset(node) => self.transport.reset(now, node, &mut out),
                Event::Land(arrival) => {
                    assert!(arrival.first <= arrival.at);
                    let at = self.transport.land(now, &arrival);
                    assert!(at >= now);
                    self.landed.push((arrival.ticket, arrival.to, at));
                }
            }
            self.lost.append(&mut out.lost);
            for arrival in std::mem::take(&mut out.arrivals) {
                assert!(arrival.at >= now);
                self.plan(arrival.at, Event::Land(arrival));
            }
            for (node, at) in std::mem::take(&mut out.wakes) {
                assert!(at >= now);
                self.plan(at, Event::Wake(node));
            }
        }
        self
    }
    fn at(&self, ticket: u64, to: NodeId) -> Time {
        let landed = self.landed.iter().find(|(other, node, _)| (*other, *node) == (ticket, to));
        landed.expect("the envelope arrived").2
    }
    fn arrived(&self, ticket: u64, to: NodeId) -> usize {
        self.landed.iter().filter(|(other, node, _)| (*other, *node) == (ticket, to)).count()
    }
}

fn up(rate: u64, nodes: usize) -> Vec<Rates> {
    vec![Rates { up: rate, down: 0 }; nodes]
}

fn bare(discipline: Discipline, rates: Vec<Rates>) -> Settings {
    Settings { rates, discipline, ..Settings::unlimited(0) }
}

fn millis(ms: u64) -> Time {
    Time::ZERO + Duration::from_millis(ms)
}

#[test]
fn all_disciplines_agree_with_the_closed_form_for_one_flow() {
    for discipline in
        [Discipline::ProcessorSharing, Discipline::Fifo, Discipline::UnlimitedSharing, Discipline::StopAndWait]
    {
        let mut stage = Stage::new(bare(discipline, up(8 * MBIT, 2)), Duration::from_millis(50), false);
        stage.send(Duration::ZERO, A, 1_000_000, &[B]);
        let stage = stage.run();
        assert_eq!(stage.at(0, B), millis(1050), "{discipline:?}: S/U + L");
        assert_eq!(stage.transport.bytes_sent(A), 1_000_000);
        assert_eq!(stage.transport.bytes_received(B), 1_000_000);
    }
}

#[test]
fn two_flows_share_or_queue_or_wait_for_the_arrival_of_the_first() {
    let cases = [
        (Discipline::ProcessorSharing, [2050, 2050]),
        (Discipline::Fifo, [1050, 2050]),
        (Discipline::UnlimitedSharing, [1050, 1050]),
        (Discipline::StopAndWait, [1050, 2100]),
    ];
    for (discipline, [first, second]) in cases {
        let mut stage = Stage::new(bare(discipline, up(8 * MBIT, 3)), Duration::from_millis(50), false);
        stage.send(Duration::ZERO, A, 1_000_000, &[B, C]);
        let stage = stage.run();
        assert_eq!([stage.at(0, B), stage.at(0, C)], [millis(first), millis(second)], "{discipline:?}");
    }
}

#[test]
fn a_short_envelope_on_another_connection_is_not_stuck_behind_a_long_one_when_sharing() {
    let arrival = |discipline| {
        let mut stage = Stage::new(bare(discipline, up(8 * MBIT, 3)), Duration::ZERO, false);
        stage.send(Duration::ZERO, A, 1_000_000, &[B]);
        stage.send(Duration::from_millis(100), A, 1_000, &[C]);
        stage.send(Duration::from_millis(100), A, 1_000, &[B]);
        let stage = stage.run();
        (stage.at(1, C), stage.at(2, B))
    };
    assert_eq!(
        arrival(Discipline::ProcessorSharing),
        (millis(102), millis(1002)),
        "half the rate; first in, first out"
    );
    assert_eq!(arrival(Discipline::Fifo), (millis(1001), millis(1002)));
}

#[test]
fn simblock_transfers_take_whole_milliseconds_and_control_messages_none() {
    let rates = vec![Rates { up: 20 * MBIT, down: 50 * MBIT }, Rates { up: 5 * MBIT, down: 5_800_999 }];
    let mut stage = Stage::new(Settings::simblock(rates), Duration::from_millis(30), false);
    stage.send(Duration::ZERO, A, 535_060, &[B]);
    stage.send(Duration::ZERO, A, 97, &[B]);
    stage.send(Duration::ZERO, A, 18_060, &[B]);
    let stage = stage.run();
    let block = 535_000 * 8 / 5_800 + 2 + 30;
    assert_eq!(stage.at(0, B), millis(block), "at the receiver's rate, the lesser");
    assert_eq!(stage.at(1, B), millis(30));
    assert_eq!(stage.at(2, B), millis(block + 18_000 * 8 / 5_800 + 2 + 30), "after the arrival of the block");
    assert!(!stage.transport.has_downlinks());
}

#[test]
fn a_downlink_is_cut_through_and_takes_one_envelope_after_the_other() {
    let rates = vec![Rates { up: 8 * MBIT, down: 0 }, Rates { up: 8 * MBIT, down: 0 }, Rates { up: 0, down: 4 * MBIT }];
    let mut stage = Stage::new(bare(Discipline::Fifo, rates), Duration::from_millis(50), false);
    stage.send(Duration::ZERO, A, 1_000_000, &[C]);
    stage.send(Duration::ZERO, B, 1_000_000, &[C]);
    let stage = stage.run();
    assert!(stage.transport.has_downlinks());
    assert_eq!(stage.at(0, C), millis(2050), "the first bit at 50 ms, then 2 s, not 1 s + 2 s");
    assert_eq!(stage.at(1, C), millis(4050));
    assert_eq!(stage.transport.bytes_received(C), 2_000_000);
}

#[test]
fn frames_on_the_wire_cost_six_per_cent() {
    let settings = Settings { tcp: None, ..Settings::new(up(8 * MBIT, 2)) };
    let mut stage = Stage::new(settings, Duration::ZERO, false);
    stage.send(Duration::ZERO, A, 1_448_000, &[B]);
    assert_eq!(stage.run().at(0, B), millis(1538));
}

/// Envelopes as (sender, receiver, bytes, milliseconds).
type Flows = Vec<(usize, usize, u64, u64)>;

/// Finishing times under max-min fairness by progressive filling, recomputed at every arrival and completion.
/// Connections are served in order; rates in bits per second; times in nanoseconds.
fn max_min(flows: &Flows, up: &[f64], down: &[f64]) -> Vec<f64> {
    let mut left: Vec<f64> = flows.iter().map(|flow| flow.2 as f64 * 8.0).collect();
    let mut finish = vec![f64::NAN; flows.len()];
    let mut now = 0.0;
    while finish.iter().any(|finish| finish.is_nan()) {
        let begun: Vec<usize> =
            (0..flows.len()).filter(|&i| finish[i].is_nan() && flows[i].3 as f64 * 1e6 <= now).collect();
        let same = |i: usize, j: usize| (flows[i].0, flows[i].1) == (flows[j].0, flows[j].1);
        let active: Vec<usize> =
            begun.iter().copied().filter(|&i| !begun.iter().any(|&j| j < i && same(i, j))).collect();
        let rates = fill(flows, &active, up, down);
        let next =
            (0..flows.len()).map(|i| flows[i].3 as f64 * 1e6).filter(|&at| at > now).fold(f64::INFINITY, f64::min);
        let ends = active.iter().map(|&i| now + left[i] / rates[i] * 1e9).fold(f64::INFINITY, f64::min);
        let then = next.min(ends);
        for &i in &active {
            left[i] -= rates[i] * (then - now) / 1e9;
            if left[i] <= 1e-3 {
                finish[i] = then;
            }
        }
        now = then;
    }
    finish
}

/// Max-min fair rates of the active flows.
fn fill(flows: &Flows, active: &[usize], up: &[f64], down: &[f64]) -> Vec<f64> {
    let mut rates = vec![0.0; flows.len()];
    let (mut up, mut down) = (up.to_vec(), down.to_vec());
    let mut free = active.to_vec();
    while !free.is_empty() {
        let share = |rest: f64, crowd: usize| rest / crowd as f64;
        let of = |i: &usize| {
            let (from, to) = (flows[*i].0, flows[*i].1);
            let near = share(up[from], free.iter().filter(|&&j| flows[j].0 == from).count());
            near.min(share(down[to], free.iter().filter(|&&j| flows[j].1 == to).count()))
        };
        let least = free.iter().map(of).fold(f64::INFINITY, f64::min);
        let (bound, rest): (Vec<usize>, Vec<usize>) = free.iter().partition(|i| of(i) <= least * (1.0 + 1e-12));
        for &i in &bound {
            rates[i] = least;
            up[flows[i].0] -= least;
            down[flows[i].1] -= least;
        }
        free = rest;
    }
    rates
}

fn flows() -> impl Strategy<Value = Flows> {
    let flow =
        (0usize..3, 0usize..3, 100u64..200_000, 0u64..300).prop_map(|(from, to, bytes, at)| (from, 3 + to, bytes, at));
    prop::collection::vec(flow, 1..14).prop_map(|mut flows| {
        flows.sort_by_key(|flow| flow.3);
        flows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn sharing_equals_max_min_fairness_when_only_uplinks_bind(flows in flows(), rates in prop::collection::vec(1u64..40, 3)) {
        let mut all: Vec<Rates> = rates.iter().map(|mbit| Rates { up: mbit * MBIT, down: 0 }).collect();
        all.resize(6, Rates::default());
        let mut stage = Stage::new(bare(Discipline::ProcessorSharing, all), Duration::ZERO, false);
        for (from, to, bytes, at) in &flows {
            stage.send(Duration::from_millis(*at), NodeId::from(*from), *bytes, &[NodeId::from(*to)]);
        }
        let stage = stage.run();
        let ups: Vec<f64> = rates.iter().map(|mbit| (mbit * MBIT) as f64).chain([1e18; 3]).collect();
        let oracle = max_min(&flows, &ups, &[1e18; 6]);
        for (ticket, flow) in flows.iter().enumerate() {
            let at = stage.at(ticket as u64, NodeId::from(flow.1)).as_nanos() as f64;
            // Completions are rounded up to whole nanoseconds, so each may push the next by one.
            prop_assert!(at >= oracle[ticket] - 0.1, "never early: {} against {}", at, oracle[ticket]);
            prop_assert!(at <= oracle[ticket] + 2.0 * flows.len() as f64, "{} against {}", at, oracle[ticket]);
        }
        let sent: u64 = (0..6).map(|node| stage.transport.bytes_sent(NodeId(node))).sum();
        prop_assert_eq!(sent, flows.iter().map(|flow| flow.2).sum::<u64>());
    }

    #[test]
    fn what_one_connection_carries_arrives_in_the_order_sent(
        sizes in prop::collection::vec(1u64..60_000, 2..20),
        discipline in prop::sample::select(vec![Discipline::ProcessorSharing, Discipline::Fifo, Discipline::UnlimitedSharing]),
        nodes in prop::sample::select(vec![3usize, 2000]),
        rate in prop::sample::select(vec![0, 50 * MBIT]),
    ) {
        let settings = Settings { discipline, ..Settings::new(up(rate, nodes)) };
        let mut stage = Stage::new(settings, Duration::from_millis(40), true);
        for (k, bytes) in sizes.iter().enumerate() {
            stage.send(Duration::from_millis(k as u64), A, *bytes, &[B, C]);
        }
        let stage = stage.run();
        for to in [B, C] {
            let arrivals: Vec<Time> = (0..sizes.len() as u64).map(|ticket| stage.at(ticket, to)).collect();
            prop_assert!(arrivals.is_sorted());
        }
    }
}

#[test]
fn one_more_receiver_shifts_no_other_and_draws_depend_on_the_number_of_the_envelope() {
    let arrivals = |to: &[NodeId], numbers: &[u64]| {
        let delay = Plain { one_way: Duration::from_millis(40), varies: true };
        let mut transport = Transport::new(5, Box::new(delay), Settings::unlimited(3));
        let mut out = Carried::default();
        for &number in numbers {
            transport.send(Time::ZERO, &Envelope { from: A, bytes: 1, number, ticket: number }, to, &mut out);
        }
        out.arrivals
    };
    let (one, two) = (arrivals(&[B], &[7]), arrivals(&[C, B], &[3, 7]));
    assert_eq!(one[0], two[3]);
    assert_ne!(two[1].at, two[3].at, "another envelope has another random word");
    assert_ne!(two[2].at, two[3].at, "another receiver draws another delay");
}

#[test]
fn the_fast_path_and_the_general_path_deliver_the_same() {
    let arrivals = |settings: Settings, fault: bool| {
        let mut stage = Stage::new(settings, Duration::from_millis(40), true);
        if fault {
            let by = Degradation::default();
            let change = Change::Degrade { id: 1, from: vec![A], to: vec![B], by };
            stage.plan(Time::ZERO, Event::Change(change));
        }
        for k in 0..50 {
            stage.send(Duration::from_millis(k), A, 100, &[B, C]);
        }
        let stage = stage.run();
        (stage.landed, stage.transport.received)
    };
    for ordered in [false, true] {
        let settings = Settings { ordered, ..Settings::unlimited(3) };
        assert_eq!(arrivals(settings.clone(), false), arrivals(settings, true));
    }
}

#[test]
fn a_cut_stops_one_direction_at_once_and_what_is_in_flight_keeps_flying() {
    for discipline in [Discipline::ProcessorSharing, Discipline::Fifo] {
        let mut stage = Stage::new(bare(discipline, up(8 * MBIT, 3)), Duration::from_millis(50), false);
        stage.send(Duration::ZERO, A, 1_000, &[B]);
        stage.send(Duration::from_millis(10), A, 100_000, &[B, C]);
        stage.send(Duration::from_millis(10), B, 1_000, &[A]);
        let cut = Change::Cut { id: 9, pairs: vec![(vec![A], vec![B])] };
        stage.plan(millis(20), Event::Change(cut));
        stage.send(Duration::from_millis(30), A, 1_000, &[B]);
        stage.send(Duration::from_millis(30), B, 1_000, &[A]);
        stage.plan(millis(500), Event::Change(Change::Lift { id: 9 }));
        stage.send(Duration::from_millis(600), A, 1_000, &[B]);
        let stage = stage.run();
        assert_eq!(stage.lost, vec![(B, 1), (B, 3)], "{discipline:?}");
        assert_eq!((stage.arrived(0, B), stage.arrived(2, A), stage.arrived(4, A)), (1, 1, 1));
        assert_eq!(stage.at(5, B), millis(651), "healed");
        // Of the 100 kB to C, 5 kB left while it shared, or none while it queued; the rest had the whole rate.
        let c = if discipline == Discipline::ProcessorSharing { 20 + 95 + 50 } else { 20 + 100 + 50 };
        assert_eq!(stage.at(1, C), millis(c), "{discipline:?}: the uplink is free for the others");
        assert_eq!(stage.transport.bytes_sent(A), 1_000 + 100_000 + 1_000);
    }
}

#[test]
fn envelopes_are_lost_as_often_as_a_degradation_says() {
    let mut stage = Stage::new(Settings::unlimited(3), Duration::from_millis(50), false);
    let by = Degradation { loss: 0.2, ..Degradation::default() };
    stage.plan(Time::ZERO, Event::Change(Change::Degrade { id: 1, from: vec![A], to: vec![B], by }));
    let n = 10_000;
    for k in 0..n {
        stage.send(Duration::from_micros(k + 1), A, 100, &[B, C]);
    }
    let stage = stage.run();
    let lost = stage.lost.len() as f64;
    let deviation = (n as f64 * 0.2 * 0.8).sqrt();
    assert!((lost - n as f64 * 0.2).abs() < 4.0 * deviation, "{lost} of {n} lost");
    assert!(stage.lost.iter().all(|(to, _)| *to == B));
    assert_eq!(stage.transport.bytes_received(C), n * 100);
    assert_eq!(stage.transport.bytes_sent(A), n * 200, "what is lost was sent");
}

#[test]
fn degradations_delay_duplicate_and_let_envelopes_overtake_only_where_they_say_so() {
    let run = |reorder: bool| {
        let settings = Settings { ordered: true, ..Settings::unlimited(2) };
        let mut stage = Stage::new(settings, Duration::from_millis(50), false);
        let (extra, jitter) = (Duration::from_millis(20), Duration::from_millis(30));
        let by = Degradation { extra, jitter, reorder, duplicate: 1.0, loss: 0.0, corrupt: 0.0 };
        stage.plan(Time::ZERO, Event::Change(Change::Degrade { id: 1, from: vec![A], to: vec![B], by }));
        for k in 1..=200 {
            stage.send(Duration::from_millis(k), A, 100, &[B]);
        }
        stage.run()
    };
    for reorder in [false, true] {
        let stage = run(reorder);
        let mut overtaken = false;
        for ticket in 0..200 {
            assert_eq!(stage.arrived(ticket, B), 2);
            let sent = Duration::from_millis(ticket + 1);
            for (_, _, at) in stage.landed.iter().filter(|(other, ..)| *other == ticket) {
                let took = at.since(Time::ZERO + sent);
                assert!(took >= Duration::from_millis(70) && took <= Duration::from_millis(100));
            }
            overtaken |= ticket > 0 && stage.at(ticket, B) < stage.at(ticket - 1, B);
        }
        assert_eq!(overtaken, reorder);
    }
}

#[test]
fn a_crash_empties_the_uplink_and_the_node_starts_afresh() {
    for discipline in [Discipline::ProcessorSharing, Discipline::Fifo, Discipline::StopAndWait] {
        let mut stage = Stage::new(bare(discipline, up(8 * MBIT, 3)), Duration::from_millis(50), false);
        stage.send(Duration::ZERO, A, 1_000_000, &[B, C]);
        stage.send(Duration::ZERO, A, 1_000_000, &[C]);
        stage.plan(millis(500), Event::Reset(A));
        stage.send(Duration::from_millis(600), A, 1_000, &[B]);
        let stage = stage.run();
        let announced = usize::from(discipline == Discipline::StopAndWait);
        assert_eq!(stage.arrived(0, B), announced, "{discipline:?}: stop-and-wait has announced its first");
        assert_eq!(stage.lost.len(), 3 - announced);
        assert_eq!(stage.at(2, B), millis(651), "{discipline:?}");
    }
}

/// Bytes that leave within `time` on one connection by the closed form: the largest envelope that takes no longer.
fn bytes_within(tcp: Tcp, round_trip: Duration, time: Duration) -> u64 {
    let took = |bytes: u64| {
        let delay = Plain { one_way: round_trip / 2, varies: false };
        let settings = Settings { tcp: Some(tcp), ..Settings::unlimited(2) };
        let mut transport = Transport::new(1, Box::new(delay), settings);
        let mut out = Carried::default();
        transport.send(Time::ZERO, &Envelope { from: A, bytes, number: 0, ticket: 0 }, &[B], &mut out);
        out.arrivals[0].at.since(Time::ZERO + round_trip / 2)
    };
    let (mut low, mut high) = (0, 1_000_000_000);
    while low + 1 < high {
        let middle = u64::midpoint(low, high);
        if took(middle) <= time { low = middle } else { high = middle }
    }
    low
}

#[test]
fn transfers_between_ec2_regions_are_reproduced_to_five_per_cent_and_a_socket_buffer() {
    // Round trip in ms, plateau in Mbit/s; seconds, MB measured (iperf3, Leios 2025-09-04), MB of the closed form.
    let paths = [
        (90, 340, [(1, 14.3, 15.5), (2, 57.2, 58.0), (3, 100.4, 100.5), (10, 399.0, 398.0)]),
        (200, 157, [(1, 2.4, 0.45), (2, 12.7, 11.5), (3, 32.4, 31.2), (10, 169.2, 168.8)]),
        (273, 120, [(1, 0.7, 0.17), (2, 5.0, 2.3), (3, 18.9, 15.8), (10, 126.0, 120.0)]),
    ];
    for (round_trip, plateau, points) in paths {
        let tcp = Tcp { window_max: plateau * MBIT / 8 * round_trip / 1000, ..Tcp::default() };
        for (seconds, measured, model) in points {
            let bytes = bytes_within(tcp, Duration::from_millis(round_trip), Duration::from_secs(seconds));
            let megabytes = bytes as f64 / 1e6;
            assert!((megabytes - measured).abs() <= 0.05 * measured + 4.0, "{round_trip} ms, {seconds} s: {megabytes}");
            assert!((megabytes - model).abs() <= 0.01 * model + 1.0, "{round_trip} ms, {seconds} s: {megabytes}");
        }
    }
}

#[test]
fn a_cold_transfer_takes_the_rounds_of_its_ramp() {
    // RTT 100 ms, uplink 20 Mbit/s: W = 250 kB, filled after n = 5 rounds and 14 600 * 31 B.
    let rate = 20 * MBIT;
    let serialise = |bytes: u64| Duration::of_transfer(bytes * 8, rate);
    let (rtt, w0) = (Duration::from_millis(100), 14_600);
    let cases = [
        (10_000, serialise(10_000)),
        (w0, serialise(w0)),
        (w0 + 1, rtt + serialise(1)),
        (3 * w0, rtt + serialise(2 * w0)),
        (20 * w0, rtt * 4 + serialise(5 * w0)),
        (1_000_000, rtt * 5 + serialise(1_000_000 - 31 * w0)),
    ];
    for (bytes, expected) in cases {
        let settings = Settings { tcp: Some(Tcp::default()), ..bare(Discipline::ProcessorSharing, up(rate, 2)) };
        let mut stage = Stage::new(settings, rtt / 2, false);
        stage.send(Duration::ZERO, A, bytes, &[B]);
        let took = stage.run().at(0, B).since(Time::ZERO + rtt / 2);
        let off = took.as_nanos().abs_diff(expected.as_nanos());
        assert!(off < 1_000, "{bytes} B: {took:?}, expected {expected:?}");
    }
}

#[test]
fn a_connection_keeps_its_window_until_it_idles_or_crashes() {
    let took = |gap: u64, crash: bool| {
        let settings = Settings { tcp: Some(Tcp::default()), ..bare(Discipline::ProcessorSharing, up(20 * MBIT, 2)) };
        let mut stage = Stage::new(settings, Duration::from_millis(50), false);
        stage.send(Duration::ZERO, A, 1_000_000, &[B]);
        if crash {
            stage.plan(millis(1_000 + gap / 2), Event::Reset(B));
        }
        let again = Duration::from_millis(1_000 + gap);
        stage.send(again, A, 1_000_000, &[B]);
        stage.run().at(1, B).since(Time::ZERO + again)
    };
    let (warm, cold) = (Duration::from_millis(450), Duration::from_micros(768_960));
    let near = |took: Duration, expected: Duration| took.as_nanos().abs_diff(expected.as_nanos()) < 1_000;
    assert!(near(took(500, false), warm), "{:?}", took(500, false));
    assert!(near(took(2_000, false), cold), "{:?}", took(2_000, false));
    assert!(near(took(500, true), cold), "{:?}", took(500, true));
}

#[test]
fn large_envelopes_of_one_connection_share_the_limit_of_its_window() {
    // 3.9 MB per round trip of 100 ms: 3.9 MB take 100 ms on a connection that is warm.
    let settings = Settings { tcp: Some(Tcp::default()), ..Settings::unlimited(3) };
    let mut stage = Stage::new(settings, Duration::from_millis(50), false);
    for at in [0, 1_000, 1_000] {
        stage.send(Duration::from_millis(at), A, 39_000_000, &[B]);
    }
    stage.send(Duration::from_millis(2_000), A, 39_000_000, &[C]);
    let stage = stage.run();
    let first = stage.at(0, B);
    assert!(first > millis(1_050), "the ramp of the first, and no less than its second");
    let ends = [stage.at(1, B), stage.at(2, B)].map(|at| at.since(first));
    assert_eq!(ends, [Duration::from_secs(1), Duration::from_secs(2)], "one after the other");
    assert_eq!(stage.at(3, C).since(millis(2_000)), first.since(Time::ZERO), "another connection has its own window");
}

#[test]
fn losses_cap_a_connection_as_mathis_and_cubic_say() {
    // Mbit/s by round trip in ms, for losses of 1e-5, 1e-4, 1e-3, 1e-2.
    let table = [
        (10, [447.0, 141.0, 44.7, 14.1]),
        (30, [165.0, 47.1, 14.9, 4.7]),
        (90, [125.0, 22.3, 5.0, 1.6]),
        (150, [110.0, 19.6, 3.5, 0.94]),
        (270, [95.0, 16.9, 3.0, 0.54]),
    ];
    for (round_trip, caps) in table {
        for (loss, expected) in [1e-5, 1e-4, 1e-3, 1e-2].into_iter().zip(caps) {
            let tcp = Tcp { loss, ..Tcp::default() };
            let cap = tcp.cap(Duration::from_millis(round_trip)) as f64 / 1e6;
            assert!((cap - expected).abs() <= 0.02 * expected, "{round_trip} ms, {loss}: {cap} against {expected}");
        }
    }
}

#[test]
fn a_lost_segment_costs_a_short_envelope_a_timeout_and_a_longer_one_sometimes_only_a_round_trip() {
    let tcp = Tcp { loss: 0.01, ..Tcp::default() };
    let rtt = Duration::from_millis(50);
    let n = 40_000;
    let hit = |bytes| {
        let penalties: Vec<Duration> = (0..n).map(|i| tcp.penalty(bytes, rtt, mix(3, i))).collect();
        let count = |span| penalties.iter().filter(|penalty| **penalty == span).count();
        assert_eq!(count(Duration::ZERO) + count(rtt) + count(tcp.retransmission_min), penalties.len());
        (count(rtt) as f64, count(tcp.retransmission_min) as f64)
    };
    let close = |count: f64, p: f64| (count - n as f64 * p).abs() < 4.0 * (n as f64 * p * (1.0 - p)).sqrt();
    let (quick, slow) = hit(100);
    assert!(quick == 0.0 && close(slow, 0.01));
    let (quick, slow) = hit(10 * 1448);
    let any = 1.0 - libm::pow(0.99, 10.0);
    assert!(close(quick, any * 0.6) && close(slow, any * 0.4), "{quick} {slow}");
}

#[test]
fn idle_nodes_have_neither_queues_nor_connections() {
    let transport =
        Transport::new(1, Box::new(Plain { one_way: Duration::ZERO, varies: false }), Settings::new(up(1, 10_000)));
    assert!(transport.uplinks.iter().all(Option::is_none));
    assert!(matches!(transport.latest, Some(Latest::Table(ref table)) if table.is_empty()));
    let small =
        Transport::new(1, Box::new(Plain { one_way: Duration::ZERO, varies: false }), Settings::new(up(1, 100)));
    assert!(matches!(small.latest, Some(Latest::Rows(ref rows)) if rows.iter().all(|row| row.is_empty())));
}

#[test]
fn a_wake_that_comes_for_nothing_does_nothing() {
    let delay = Plain { one_way: Duration::ZERO, varies: false };
    let mut transport = Transport::new(1, Box::new(delay), bare(Discipline::ProcessorSharing, up(8 * MBIT, 3)));
    let mut out = Carried::default();
    let envelope = |bytes, ticket| Envelope { from: A, bytes, number: ticket, ticket };
    transport.send(Time::ZERO, &envelope(1_000, 0), &[B], &mut out);
    assert_eq!(out.wakes, vec![(A, millis(1))]);
    out.clear();
    transport.send(Time::ZERO, &envelope(1_000, 1), &[C], &mut out);
    assert!(out.wakes.is_empty(), "the wake asked for comes early enough");
    transport.wake(millis(1), A, &mut out);
    assert_eq!((out.arrivals.len(), out.wakes.clone()), (0, vec![(A, millis(2))]));
    out.clear();
    transport.wake(millis(2), A, &mut out);
    assert_eq!((out.arrivals.len(), out.wakes.len()), (2, 0));
    out.clear();
    transport.wake(millis(2), A, &mut out);
    transport.wake(millis(3), B, &mut out);
    assert!(out.arrivals.is_empty() && out.wakes.is_empty());
}

#[test]
fn a_garbled_envelope_arrives_like_any_other_and_is_marked() {
    let mut transport =
        Transport::new(1, Box::new(Plain { one_way: Duration::from_millis(5), varies: false }), Settings::unlimited(2));
    let by = Degradation { corrupt: 1.0, duplicate: 1.0, ..Degradation::default() };
    let mut out = Carried::default();
    transport.change(Time::ZERO, &Change::Degrade { id: 1, from: vec![A], to: vec![B], by }, &mut out);
    transport.send(Time::ZERO, &Envelope { from: A, bytes: 100, number: 1, ticket: 7 }, &[B], &mut out);
    assert!(out.arrivals.is_empty() && out.lost.is_empty());
    let garbled: Vec<(NodeId, u64, Time)> = out.garbled.iter().map(|copy| (copy.to, copy.ticket, copy.at)).collect();
    let at = Time::ZERO + Duration::from_millis(5);
    assert_eq!(garbled, [(B, 7, at), (B, 7, at)]);
}
