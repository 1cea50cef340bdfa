use super::*;

fn stream(client: u32) -> Stream {
    Stream::new(5, "workload", u64::from(client), 0)
}

/// The first `n` requests of one client.
fn times((law, rate): &(Arrival, f64), client: u32, clients: u32, n: usize) -> Vec<Time> {
    let mut arrivals = Arrivals::new(law.clone(), *rate, client, clients, stream(client));
    std::iter::from_fn(|| arrivals.next(Time::ZERO)).take(n).collect()
}

/// The requests of all clients before `end`, in order.
fn merged((law, rate): &(Arrival, f64), clients: u32, end: Duration) -> Vec<Time> {
    let mut all = Vec::new();
    for client in 0..clients {
        let mut arrivals = Arrivals::new(law.clone(), *rate, client, clients, stream(client));
        all.extend(std::iter::from_fn(|| arrivals.next(Time::ZERO)).take_while(|at| *at < Time::ZERO + end));
    }
    all.sort();
    all
}

fn intervals(times: &[Time]) -> Vec<f64> {
    times.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect()
}

/// The statistic of Kolmogorov and Smirnov against the exponential law, times the root of the sample's size.
fn distance_from_exponential(mut sample: Vec<f64>, rate: f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(at, x): (usize, &f64)| {
        let law = 1.0 - libm::exp(-rate * x);
        (law - at as f64 / n).abs().max(((at + 1) as f64 / n - law).abs())
    };
    sample.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt()
}

/// The value that the statistic exceeds once in a thousand samples of the law.
const KOLMOGOROV: f64 = 1.95;

#[test]
fn poisson_requests_have_exponential_intervals_for_each_client_and_for_all() {
    let law = (Arrival::Poisson {}, 300.0);
    let one = intervals(&times(&law, 2, 3, 20_000));
    assert!(distance_from_exponential(one.clone(), 100.0) < KOLMOGOROV);
    assert!(distance_from_exponential(one, 104.0) > KOLMOGOROV, "the test can fail");
    let all = merged(&law, 3, Duration::from_secs(60));
    assert!(distance_from_exponential(intervals(&all), 300.0) < KOLMOGOROV);
    // Four standard deviations of the count.
    assert!((all.len() as f64 - 18_000.0).abs() < 4.0 * 18_000f64.sqrt());
}

#[test]
fn one_more_client_leaves_the_draws_of_the_others_alone() {
    let (two, four) = (times(&(Arrival::Poisson {}, 2.0), 1, 2, 50), times(&(Arrival::Poisson {}, 4.0), 1, 4, 50));
    assert_eq!(two, four, "the same client at the same rate of its own");
    assert_ne!(two, times(&(Arrival::Poisson {}, 2.0), 0, 2, 50));
}

#[test]
fn constant_requests_are_equally_spaced_over_all_clients() {
    let law = (Arrival::Constant {}, 8.0);
    let all = merged(&law, 3, Duration::from_secs(10));
    let expected: Vec<Time> = (0..80).map(|n| Time::from_nanos(62_500_000 + n * 125_000_000)).collect();
    assert_eq!(all, expected);
    assert_eq!(times(&law, 1, 3, 2), [expected[1], expected[4]], "the clients take turns");
    let late = times(&(Arrival::Constant {}, 3.0), 0, 1, 3_000_000);
    assert_eq!(late[2_999_999], Time::ZERO + Duration::from_secs_f64(2_999_999.5 / 3.0), "rounding does not add up");
}

#[test]
fn bursts_come_at_once_and_again() {
    let interval = Duration::from_millis(200);
    let law = |first| (Arrival::Bursts { size: 5, interval, first }, 0.0);
    let bursts = |at: &[u64]| at.iter().flat_map(|at| [Time::from_nanos(at * 1_000_000); 5]).collect::<Vec<Time>>();
    let until = Duration::from_millis(601);
    assert_eq!(merged(&law(Duration::ZERO), 2, until), bursts(&[0, 200, 400, 600]));
    assert_eq!(merged(&law(Duration::from_millis(150)), 2, until), bursts(&[150, 350, 550]));
    assert_eq!(law(Duration::ZERO).0.mean_rate(None), Some(25.0));
}

#[test]
fn on_and_off_spells_keep_the_mean_rate_and_make_it_bursty() {
    let (on, off) = (Duration::from_millis(100), Duration::from_millis(300));
    let law = (Arrival::OnOff { on, off }, 200.0);
    let seconds = 2000;
    let all = merged(&law, 2, Duration::from_secs(seconds));
    let mut counts = vec![0f64; seconds as usize];
    for at in &all {
        counts[(at.as_nanos() / 1_000_000_000) as usize] += 1.0;
    }
    let n = counts.len() as f64;
    let mean = counts.iter().sum::<f64>() / n;
    let variance = counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>() / (n - 1.0);
    assert!((mean - 200.0).abs() < 4.0 * (variance / n).sqrt(), "mean {mean}");
    // Per client: peak 400/s on a quarter of the time; the variance of the time spent on, in a second made of
    // exponential spells, is 2 p q / s^2 (s - 1 + exp(-s)) with s = 1/0.1 + 1/0.3.
    let s = 1.0 / 0.1 + 1.0 / 0.3;
    let spells = 2.0 * (0.25 * 0.75) / (s * s) * (s - 1.0 + libm::exp(-s));
    let expected = 200.0 + 2.0 * 400.0 * 400.0 * spells;
    assert!((variance / expected - 1.0).abs() < 0.15, "variance {variance}, expected {expected}");
}

#[test]
fn a_spike_raises_the_rate_for_its_time_and_no_longer() {
    let piece = |secs, rate| RateStep { duration: Duration::from_secs(secs), rate };
    let steps = vec![piece(100, 20.0), piece(10, 2000.0), piece(50, 0.0)];
    let law = (Arrival::Piecewise { steps, final_rate: 10.0 }, 0.0);
    let all = merged(&law, 4, Duration::from_secs(1160));
    let between = |from: u64, to: u64| {
        let secs = |t: &Time| t.as_nanos() / 1_000_000_000;
        all.iter().filter(|at| secs(at) >= from && secs(at) < to).count() as f64
    };
    for (from, to, expected) in [(0, 100, 2000.0), (100, 110, 20_000.0), (110, 160, 0.0), (160, 1160, 10_000.0)] {
        let found = between(from, to);
        assert!((found - expected).abs() <= 4.0 * f64::sqrt(expected), "{found} from {from} to {to}");
    }
    let spike: Vec<Time> =
        all.iter().copied().filter(|at| (100..110).contains(&(at.as_nanos() / 1_000_000_000))).collect();
    assert!(distance_from_exponential(intervals(&spike), 2000.0) < KOLMOGOROV);
    let over = (Arrival::Piecewise { steps: vec![piece(1, 5.0)], final_rate: 0.0 }, 0.0);
    assert!(times(&over, 0, 1, 1000).len() < 50, "there are no more");
}

#[test]
fn no_change_of_the_rate_disturbs_the_intervals() {
    // On the scale of the integrated rate, requests in steps are Poisson of rate 1.
    let rate = |n: u32| if n.is_multiple_of(2) { 20.0 } else { 2.0 };
    let steps = (0..20_000).map(|n| RateStep { duration: Duration::from_millis(100), rate: rate(n) }).collect();
    let mut scaled = Vec::new();
    for at in times(&(Arrival::Piecewise { steps, final_rate: 0.0 }, 0.0), 0, 1, 10_000) {
        let secs = at.as_secs_f64();
        let (pairs, rest) = ((secs / 0.2).floor(), secs % 0.2);
        scaled.push(pairs * 2.2 + 20.0 * rest.min(0.1) + 2.0 * (rest - 0.1).max(0.0));
    }
    assert_eq!(scaled.len(), 10_000, "the steps have room for 22 000");
    let steps = scaled.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(distance_from_exponential(steps, 1.0) < KOLMOGOROV);
}

#[test]
fn on_and_off_spells_start_in_equilibrium() {
    let law = (Arrival::OnOff { on: Duration::from_secs(1), off: Duration::from_secs(3) }, 4000.0);
    let early = merged(&law, 4000, Duration::from_millis(100)).len() as f64;
    assert!((early - 400.0).abs() < 4.0 * f64::sqrt(400.0 * 1.4), "{early} requests");
}

#[test]
fn a_closed_loop_thinks_from_the_answer_on() {
    let think_time = Duration::from_millis(50);
    let mut arrivals = Arrivals::new(Arrival::Closed { think_time }, 0.0, 0, 1, stream(0));
    let mut spans = Vec::new();
    for n in 0..20_000 {
        let answered_at = Time::from_nanos(n * 1_000_000_000);
        spans.push(arrivals.next(answered_at).unwrap().since(answered_at).as_secs_f64());
    }
    assert!(distance_from_exponential(spans, 20.0) < KOLMOGOROV);
    let mut eager = Arrivals::new(Arrival::Closed { think_time: Duration::ZERO }, 0.0, 0, 1, stream(0));
    assert_eq!(eager.next(Time::from_nanos(7)), Some(Time::from_nanos(7)));
}

#[test]
fn laws_are_written_as_tables_and_values_out_of_range_are_reported() {
    let read = |text: &str| toml::from_str::<std::collections::BTreeMap<String, Arrival>>(text);
    let found = read("[arrival.poisson]").unwrap();
    assert_eq!(found["arrival"], Arrival::Poisson {});
    let found = read("arrival.on_off = { on = \"1s\", off = \"2s\" }").unwrap();
    let (on, off) = (Duration::from_secs(1), Duration::from_secs(2));
    assert_eq!(found["arrival"], Arrival::OnOff { on, off });
    assert!(read("[arrival.poisson]\nspeed = 1").is_err());
    let refused = |law: Arrival| {
        let mut check = RangeCheck::default();
        law.check(&mut check);
        check.finish().into_iter().map(|refused| refused.key).collect::<Vec<String>>()
    };
    assert_eq!(refused(Arrival::Bursts { size: 0, interval: on, first: on }), ["arrival.bursts.size"]);
    assert_eq!(refused(Arrival::Bursts { size: 1, interval: Duration::ZERO, first: on }), ["arrival.bursts.interval"]);
    assert_eq!(refused(Arrival::OnOff { on: Duration::ZERO, off }), ["arrival.on_off.on"]);
    let steps = vec![RateStep { duration: Duration::ZERO, rate: f64::NAN }];
    let keys =
        ["arrival.piecewise.final_rate", "arrival.piecewise.steps[0].duration", "arrival.piecewise.steps[0].rate"];
    assert_eq!(refused(Arrival::Piecewise { steps, final_rate: -1.0 }), keys);
    assert!(refused(Arrival::default()).is_empty());
}
