use super::*;
use crate::base::Stream;
use crate::network::dataset;
use crate::network::import::Link;
use proptest::prelude::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The probability that a delay is at most so many milliseconds.
type Cdf = fn(f64) -> f64;

/// A law and its distribution function, written down independently of its inverse; both in milliseconds.
fn laws() -> Vec<(Distribution, Cdf)> {
    use libm::{exp, log, pow};
    let median = ms(100);
    vec![
        (Distribution::Uniform { median, half_width: ms(40) }, |x| ((x - 60.0) / 80.0).clamp(0.0, 1.0)),
        (Distribution::Normal { median: ms(250), std_dev: ms(50), min: Duration::ZERO }, |x| {
            normal_cdf((x - 250.0) / 50.0)
        }),
        (Distribution::Normal { median, std_dev: ms(50), min: ms(100) }, |x| {
            if x < 100.0 { 0.0 } else { 2.0 * normal_cdf((x - 100.0) / 50.0) - 1.0 }
        }),
        (Distribution::Lognormal { median, sigma: 0.5 }, |x| normal_cdf(log(x / 100.0) / 0.5)),
        (Distribution::ShiftedLognormal { min: ms(80), median, sigma: 0.38 }, |x| {
            normal_cdf(log((x - 80.0) / 20.0) / 0.38)
        }),
        (Distribution::Exponential { mean: median }, |x| 1.0 - exp(-x / 100.0)),
        (Distribution::Pareto { median, shape: 5.0 }, |x| (1.0 - 0.5 * pow(x / 100.0, -5.0)).max(0.0)),
        (Distribution::Weibull { median, shape: 2.0 }, |x| {
            1.0 - exp(-std::f64::consts::LN_2 * (x / 100.0) * (x / 100.0))
        }),
        (Distribution::Simblock { mean: ms(32) }, |x| (1.0 - pow(27.0 / x, 6.4)).max(0.0)),
        (Distribution::Simblock { mean: ms(6) }, |x| (1.0 - pow(1.0 / x, 1.2)).max(0.0)),
        (
            Distribution::GeneralisedPareto { median, scale: ms(35), shape: 1.4, max: ms(100_000) },
            // The location lies 25 (2^1.4 - 1) ms below the median, at 59.02 ms; 0.27 % is cut off.
            |x| {
                let uncut = |x| 1.0 - pow(1.0 + (x - 100.0 + 25.0 * (pow(2.0, 1.4) - 1.0)) / 25.0, -1.0 / 1.4);
                uncut(x) / uncut(100_000.0)
            },
        ),
        (Distribution::Empirical { quantiles: vec![(0.0, ms(50)), (0.5, ms(100)), (1.0, ms(300))] }, |x| {
            if x < 100.0 { (x - 50.0) / 100.0 } else { 0.5 + (x - 100.0) / 400.0 }
        }),
    ]
}

#[test]
fn what_is_drawn_follows_the_law_to_one_in_two_thousand() {
    for (law, distribution) in laws() {
        assert_eq!(law.check(), []);
        let table = Table::new(&law);
        let draws = 100_000u64;
        for draw in 0..draws {
            let word = (u128::from(draw) * (1 << 64) / u128::from(draws)) as u64;
            let wanted = draw as f64 / draws as f64;
            let reached = distribution(table.draw(word) as f64 / 1e6);
            assert!((reached - wanted).abs() < 1.0 / 2000.0, "{law:?}: {reached} at {wanted}");
        }
    }
}

#[test]
fn a_million_random_draws_pass_the_test_of_kolmogorov_and_smirnov() {
    let mut stream = Stream::new(5, "draws", 0, 0);
    let latency = Latency::from_distribution(&Distribution::Lognormal { median: ms(80), sigma: 0.5 }).unwrap();
    let n = 1_000_000;
    let mut drawn: Vec<u64> =
        (0..n).map(|_| latency.delay(NodeId(0), NodeId(1), stream.next_u64()).as_nanos()).collect();
    drawn.sort_unstable();
    let law = |x: u64| normal_cdf(libm::log(x as f64 / 80e6) / 0.5);
    let gap = (0..n).map(|at| (law(drawn[at]) - at as f64 / n as f64).abs()).fold(0.0, f64::max);
    // 1.95 / sqrt(n) is exceeded by one sample in a thousand.
    assert!(gap < 0.00195, "{gap}");
}

#[test]
fn the_normal_quantile_inverts_the_normal_distribution() {
    for step in 1..2000 {
        let p = f64::from(step) / 2000.0;
        assert!((normal_cdf(normal_quantile(p)) - p).abs() < 1e-14, "{p}");
    }
    for p in [1e-300, 1e-100, 1e-20, 1e-9] {
        assert!((normal_cdf(normal_quantile(p)) / p - 1.0).abs() < 1e-11, "{p}");
    }
    // Wichura's own check value.
    assert!((normal_quantile(0.25) + 0.674_489_750_196_081_7).abs() < 1e-15);
    assert!(normal_quantile(0.0) == f64::NEG_INFINITY && normal_quantile(1.0) == f64::INFINITY);
}

#[test]
fn a_law_keeps_its_median_when_the_family_changes() {
    let median = ms(100);
    for law in [
        Distribution::Constant { delay: median },
        Distribution::Uniform { median, half_width: ms(30) },
        Distribution::Normal { median, std_dev: ms(10), min: Duration::ZERO },
        Distribution::Lognormal { median, sigma: 1.0 },
        Distribution::ShiftedLognormal { min: ms(50), median, sigma: 1.0 },
        Distribution::Pareto { median, shape: 3.0 },
        Distribution::Weibull { median, shape: 3.0 },
    ] {
        assert!((law.quantile(0.5) / 1e8 - 1.0).abs() < 1e-9, "{law:?}");
        let typical = Latency::from_distribution(&law).unwrap().typical(NodeId(0), NodeId(1));
        assert!(typical.as_nanos().abs_diff(100_000_000) <= 1, "{law:?}");
    }
}

#[test]
fn an_impossible_law_is_refused_in_plain_words() {
    let refused = |law: Distribution| Latency::from_distribution(&law).unwrap_err().to_string();
    assert_eq!(
        refused(Distribution::Uniform { median: ms(1), half_width: ms(2) }),
        "`half_width` must not exceed `median`: found 2ms"
    );
    assert_eq!(refused(Distribution::Simblock { mean: ms(5) }), "`mean` must be above 5 ms: found 5ms");
    assert_eq!(
        refused(Distribution::Lognormal { median: ms(1), sigma: f64::NAN }),
        "`sigma` must lie between 0 and 5: found NaN"
    );
    let falling = Distribution::Empirical { quantiles: vec![(0.0, ms(2)), (1.0, ms(1))] };
    assert!(refused(falling).contains("must rise from pair to pair"));
    let short = Distribution::Empirical { quantiles: vec![(0.1, ms(1)), (1.0, ms(2))] };
    assert!(refused(short).contains("from 0.0 to 1.0"));
}

#[test]
fn a_distribution_is_a_table_named_after_it() {
    let read = |text: &str| toml::from_str::<std::collections::BTreeMap<String, Distribution>>(text);
    let distribution = |text: &str| read(text).unwrap().remove("delay").unwrap();
    assert_eq!(
        distribution("delay.lognormal = { median = \"80ms\", sigma = 0.5 }"),
        Distribution::Lognormal { median: ms(80), sigma: 0.5 }
    );
    assert_eq!(
        distribution("delay.empirical.quantiles = [[0.0, \"80ms\"], [1.0, \"1s\"]]"),
        Distribution::Empirical { quantiles: vec![(0.0, ms(80)), (1.0, ms(1000))] }
    );
    assert!(read("delay.lognormal = { median = \"80ms\", shape = 0.5 }").is_err());
    assert!(read("delay.simblock.mean = \"80ms\"").is_err(), "these means are published");
}

/// Node `i` lives in region `i % 6` of the six-region table.
fn six_regions(seed: u64, n: usize, jitter: Jitter) -> Latency {
    let table = dataset::latency("six-regions-2018").unwrap();
    Latency::of_regions(seed, &table, (0..n).map(|node| (node % 6) as u8).collect(), jitter)
}

#[test]
fn a_link_is_as_long_in_both_directions_and_throughout_a_run() {
    let latency = six_regions(1, 60, Jitter::Off);
    for a in (0..60).map(NodeId::from) {
        for b in (0..60).map(NodeId::from).filter(|b| *b != a) {
            assert_eq!(latency.delay(a, b, 1), latency.delay(b, a, u64::MAX));
            assert_eq!(latency.typical(a, b), latency.delay(a, b, 7));
        }
    }
}

#[test]
fn links_of_a_region_pair_spread_as_the_table_says() {
    // Nodes 0 and 1 of the six regions: North America to Europe, median 63.82 ms.
    let latency = six_regions(3, 3000, Jitter::Off);
    let table = dataset::latency("six-regions-2018").unwrap();
    let mut logs = Vec::new();
    for a in (0..3000).step_by(6).map(NodeId::from) {
        for b in (1..3000).step_by(6).map(NodeId::from) {
            logs.push(libm::log(latency.delay(a, b, 0).as_secs_f64() / table.median(0, 1).as_secs_f64()));
        }
    }
    logs.sort_unstable_by(f64::total_cmp);
    let n = logs.len() as f64;
    let law = |x: f64| normal_cdf(x / table.sigma(0, 1));
    let gap = logs.iter().enumerate().map(|(at, x)| (law(*x) - at as f64 / n).abs()).fold(0.0, f64::max);
    assert!(gap < 0.005, "{gap} over {n} links");
}

#[test]
fn another_seed_gives_other_links() {
    let (one, other) = (six_regions(1, 60, Jitter::Off), six_regions(2, 60, Jitter::Off));
    let differ = (1..60).map(NodeId::from).filter(|b| one.typical(NodeId(0), *b) != other.typical(NodeId(0), *b));
    assert!(differ.count() > 55);
}

#[test]
fn internet_jitter_is_exponential_on_top_of_the_base() {
    let (still, latency) = (six_regions(1, 60, Jitter::Off), six_regions(1, 60, Jitter::Internet));
    let mut stream = Stream::new(1, "jitter", 0, 0);
    let mut scales = Vec::new();
    for (a, b) in (0..30).map(|pair| (NodeId(pair), NodeId(pair + 30))) {
        let base = still.typical(a, b).as_secs_f64();
        let n = 4000;
        let excess: Vec<f64> =
            (0..n).map(|_| latency.delay(a, b, stream.next_u64()).as_secs_f64() / base - 1.0).collect();
        assert!(excess.iter().all(|excess| *excess >= 0.0), "no envelope is faster than the link");
        let mean = excess.iter().sum::<f64>() / f64::from(n);
        let deviation = libm::sqrt(excess.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(n));
        // Of an exponential law the mean is the standard deviation.
        assert!((deviation / mean - 1.0).abs() < 0.12, "{mean} {deviation}");
        let median = latency.typical(a, b).as_secs_f64() / base - 1.0;
        assert!((median / mean / std::f64::consts::LN_2 - 1.0).abs() < 0.1);
        scales.push(mean);
    }
    scales.sort_unstable_by(f64::total_cmp);
    // The geometric mean over links is exp(-4.76) = 0.0086; of 30 links the median is within a factor of two of it.
    assert!((0.0043..0.0172).contains(&scales[15]), "{scales:?}");
    assert!(scales[29] < 0.53, "a scale is at most a half");
}

#[test]
fn a_local_network_varies_as_pings_within_a_region_do() {
    let table = dataset::latency("lan-aws").unwrap();
    let latency = Latency::of_regions(1, &table, vec![0; 4], Jitter::Cloud);
    let mut stream = Stream::new(1, "lan", 0, 0);
    let n = 200_000;
    let mut drawn: Vec<f64> =
        (0..n).map(|_| latency.delay(NodeId(0), NodeId(1), stream.next_u64()).as_nanos() as f64 / 98_000.0).collect();
    drawn.sort_unstable_by(f64::total_cmp);
    // Measured, relative to the median: least 0.815, p99 1.287, greatest 10.9.
    assert!((drawn[0] - 0.815).abs() < 0.02, "{}", drawn[0]);
    assert!((drawn[n / 2] - 1.0).abs() < 0.002, "{}", drawn[n / 2]);
    assert!((drawn[n / 100 * 99] - 1.287).abs() < 0.02, "{}", drawn[n / 100 * 99]);
    assert!((8.0..14.0).contains(&drawn[n - 1]), "{}", drawn[n - 1]);
    let spikes = drawn.iter().filter(|ratio| **ratio > 2.0).count();
    // Nine in ten of one in a thousand.
    assert!((130..230).contains(&spikes), "{spikes}");
}

#[test]
fn regions_of_a_cloud_are_a_constant_apart() {
    let table = dataset::latency("aws-2025").unwrap();
    let latency = Latency::of_regions(1, &table, vec![0, 1, 1], Jitter::Cloud);
    let delays = |a, b| [1, 1 << 40, u64::MAX].map(|word: u64| latency.delay(NodeId(a), NodeId(b), word));
    assert_eq!(delays(0, 1)[0], delays(0, 1)[2]);
    assert_ne!(delays(1, 2)[0], delays(1, 2)[2]);
}

#[test]
fn simblock_delays_are_its_own_formula_in_whole_milliseconds() {
    let table = dataset::latency("simblock-2019").unwrap();
    let latency = Latency::simblock(0, &table, vec![0, 1, 1], DelaySampling::PerMessage).unwrap();
    let mut stream = Stream::new(1, "simblock", 0, 0);
    let (mut sum, n) = (0.0, 100_000);
    for _ in 0..n {
        let word = stream.next_u64();
        // A uniform number U belongs to the word counted from the other end.
        let u = 1.0 - word as f64 / 18_446_744_073_709_551_616.0;
        let formula = libm::round((124.0 - 5.0) / libm::pow(u, 1.0 / (0.2 * 124.0)));
        let delay = latency.delay(NodeId(0), NodeId(1), word).as_millis_f64();
        assert!(delay.fract() == 0.0 && (delay - formula).abs() <= 1.0, "{delay} {formula}");
        sum += delay;
    }
    assert!((sum / f64::from(n) - 124.0).abs() < 0.1, "the mean is the number of the table");
    assert_eq!(latency.least(), ms(6), "within Europe: 11 ms less 5 ms");
    let per_link = Latency::simblock(1, &table, vec![0, 1, 1], DelaySampling::PerLink).unwrap();
    assert_eq!(per_link.delay(NodeId(0), NodeId(1), 3), per_link.typical(NodeId(1), NodeId(0)));
}

#[test]
fn access_delays_of_both_ends_are_added() {
    let latency = Latency::from_distribution(&Distribution::Constant { delay: ms(50) }).unwrap();
    let latency = latency.with_access(&[ms(20), Duration::ZERO, ms(10)]);
    assert_eq!(latency.delay(NodeId(0), NodeId(2), 0), ms(80));
    assert_eq!(latency.typical(NodeId(1), NodeId(0)), ms(70));
    assert_eq!(latency.least(), ms(50));
}

#[test]
fn nothing_is_faster_than_the_floor() {
    let latency = Latency::from_distribution(&Distribution::Constant { delay: Duration::ZERO }).unwrap();
    assert_eq!(latency.delay(NodeId(0), NodeId(1), 0), FLOOR);
    assert_eq!(latency.clone().with_floor(ms(3)).delay(NodeId(0), NodeId(1), 0), ms(3));
    let rounded = latency.with_quantum(ms(1));
    assert_eq!((rounded.delay(NodeId(0), NodeId(1), 0), rounded.least()), (ms(1), ms(1)));
}

#[test]
fn a_given_link_takes_precedence_over_the_model() {
    let link = Link { latency: Some(ms(7)), ..Link::default() };
    let links = Links::new(60, [(NodeId(0), NodeId(1), link)]);
    let latency = six_regions(1, 60, Jitter::Off);
    let with_links = latency.clone().with_links(links);
    assert_eq!(with_links.delay(NodeId(0), NodeId(1), 5), ms(7));
    assert_eq!(with_links.delay(NodeId(1), NodeId(0), 5), latency.delay(NodeId(1), NodeId(0), 5));
}

#[test]
fn delays_are_frozen() {
    let latency = six_regions(42, 100, Jitter::Internet);
    let drawn = [(0, 1), (1, 0), (17, 95)].map(|(a, b)| latency.delay(NodeId(a), NodeId(b), 1 << 63).as_nanos());
    assert_eq!(drawn, FROZEN, "a change here changes every published result");
}
const FROZEN: [u64; 3] = [85_187_997, 85_187_997, 8_763_640];

/// One latency of each model, for 12 nodes.
fn models() -> Vec<Latency> {
    let table = dataset::latency("simblock-2015").unwrap();
    let regions: Vec<u8> = (0..12).map(|node| node % 6).collect();
    let link = Link { latency: Some(Duration::from_micros(900)), ..Link::default() };
    vec![
        six_regions(1, 12, Jitter::Off),
        six_regions(2, 12, Jitter::Internet).with_access(&[ms(3); 12]),
        six_regions(3, 12, Jitter::Cloud).with_links(Links::new(12, [(NodeId(0), NodeId(6), link)])),
        six_regions(4, 12, Jitter::Cloud).with_quantum(ms(1)),
        Latency::simblock(0, &table, regions.clone(), DelaySampling::PerMessage).unwrap(),
        Latency::simblock(9, &table, regions, DelaySampling::PerLink).unwrap(),
        Latency::from_distribution(&Distribution::Normal { median: ms(1), std_dev: ms(5), min: Duration::ZERO })
            .unwrap(),
        Latency::from_distribution(&Distribution::Pareto { median: ms(1), shape: 0.1 }).unwrap(),
    ]
}

#[test]
fn no_delay_is_less_than_the_least() {
    let models = models();
    proptest!(|(a in 0u32..12, step in 1u32..12, word in any::<u64>(), extreme in 0usize..4)| {
        let word = [word, 0, u64::MAX, word >> 40][extreme];
        let (from, to) = (NodeId(a), NodeId((a + step) % 12));
        for (at, latency) in models.iter().enumerate() {
            prop_assert!(latency.delay(from, to, word) >= latency.least(), "model {}", at);
            prop_assert!(latency.typical(from, to) >= latency.least(), "model {}", at);
        }
    });
}
