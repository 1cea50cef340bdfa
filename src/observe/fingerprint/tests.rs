use super::*;
use crate::base::Stream;
use proptest::prelude::*;

type Event = (u64, u32, u64, u32, u64, u64);

fn at(event: Event) -> (Time, u32, u64, u32, u64, u64) {
    (Time::from_nanos(event.0), event.1, event.2, event.3, event.4, event.5)
}

fn print(events: &[Event]) -> FingerprintValue {
    let mut fingerprint = Fingerprint::new();
    for &event in events {
        let (time, source, number, kind, a, b) = at(event);
        fingerprint.event(time, source, number, kind, a, b);
    }
    fingerprint.value()
}

fn timeline(events: &[Event], end: u64) -> Timeline {
    let mut trace = Trace::new(Duration::from_nanos(1_000));
    for &event in events {
        let (time, source, number, kind, a, b) = at(event);
        trace.event(time, source, number, kind, a, b);
    }
    trace.finish(Time::from_nanos(end))
}

/// Event `n` of a run: ten per interval.
fn usual(n: u64) -> Event {
    (n * 100, (n % 7) as u32, n, (n % 3) as u32, n * n, 5)
}

fn run(count: u64) -> Vec<Event> {
    (0..count).map(usual).collect()
}

#[test]
fn the_algorithm_is_frozen() {
    assert_eq!(print(&[]).to_string(), "3564b439cd1e1f16ba9d67b1b1c9fc77");
    assert_eq!(print(&[(0, 0, 0, 0, 0, 0)]).to_string(), "2aa1bb1e89de77d10fed0d06b82120bb");
    assert_eq!(print(&run(1000)).to_string(), "f11f79a02d7d2985908657c2f233f366");
}

#[test]
fn every_bit_of_every_word_changes_about_half_of_the_bits() {
    let events = run(20);
    let before = print(&events);
    let mut flipped = Vec::new();
    for place in 0..640 {
        let (bit, mut changed) = (place / 2, events.clone());
        let event = &mut changed[if place % 2 == 0 { 9 } else { 19 }];
        let mask = 1u64 << (bit % 64);
        match bit / 64 {
            0 => event.0 ^= mask,
            1 if bit % 64 < 32 => event.1 ^= mask as u32,
            1 => event.3 ^= (mask >> 32) as u32,
            2 => event.2 ^= mask,
            3 => event.4 ^= mask,
            _ => event.5 ^= mask,
        }
        let difference = (print(&changed).0 ^ before.0).count_ones();
        assert!((30..=98).contains(&difference), "bit {bit} flips {difference}");
        flipped.push(f64::from(difference));
    }
    let mean = flipped.iter().sum::<f64>() / flipped.len() as f64;
    assert!((62.0..66.0).contains(&mean), "{mean}");
}

#[test]
fn order_and_number_of_events_matter() {
    let events = run(5);
    let mut swapped = events.clone();
    swapped.swap(1, 2);
    assert_ne!(print(&events), print(&swapped));
    assert_ne!(print(&events), print(&events[..4]));
    assert_ne!(print(&[(0, 0, 0, 0, 0, 0); 2]), print(&[(0, 0, 0, 0, 0, 0); 3]));
    let exchanged: Vec<Event> = events.iter().map(|&(t, s, n, k, a, b)| (t, s, n, k, b, a)).collect();
    assert_ne!(print(&events), print(&exchanged));
}

#[test]
fn small_differences_do_not_collide() {
    // Two events with small words: the inputs that weak mixing would map together.
    let mut seen = std::collections::BTreeSet::new();
    for n in 0..50_000u64 {
        let (low, high) = (n % 37, n / 37);
        assert!(seen.insert(print(&[(low, 0, high % 37, 0, high / 37, 0), (1, 1, 1, 1, 1, 1)])));
    }
}

#[test]
fn equal_runs_do_not_part() {
    assert_eq!(compare(&timeline(&run(500), 50_000), &timeline(&run(500), 50_000)), None);
    assert_eq!(compare(&timeline(&[], 0), &timeline(&[], 0)), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_changed_event_is_found_exactly(count in 1u64..400, pick in any::<u64>(), what in 0..3) {
        let (events, place) = (run(count), pick % count);
        let mut changed = events.clone();
        let event = &mut changed[place as usize];
        match what {
            0 => event.5 += 1,
            1 => event.0 += 1,
            _ => event.1 ^= 1 << 31,
        }
        let (a, b) = (timeline(&events, count * 100), timeline(&changed, count * 100));
        let expected = Divergence { interval: (place / 10) as usize, events: place..place + 1 };
        prop_assert_eq!(compare(&a, &b), Some(expected.clone()));
        prop_assert_eq!(compare(&b, &a), Some(expected));
    }
    #[test]
    fn timelines_survive_being_stored(count in 0u64..300) {
        let line = timeline(&run(count), count * 100);
        let bytes = line.to_bytes();
        prop_assert_eq!(Timeline::from_bytes(&bytes), Some(line));
        for cut in 0..bytes.len().min(60) {
            prop_assert_eq!(Timeline::from_bytes(&bytes[..cut]), None);
        }
    }
}

#[test]
fn an_event_more_is_found_where_the_shorter_run_ends() {
    let (a, b) = (timeline(&run(55), 9_000), timeline(&run(58), 9_000));
    assert_eq!(compare(&a, &b), Some(Divergence { interval: 5, events: 55..56 }));
    let (a, b) = (timeline(&[], 9_000), timeline(&run(1), 9_000));
    assert_eq!(compare(&a, &b), Some(Divergence { interval: 0, events: 0..1 }));
}

#[test]
fn long_runs_keep_few_checkpoints_and_are_compared_within_a_stride() {
    let count = 300_000;
    let events = run(count);
    let line = timeline(&events, count * 100);
    assert_eq!(line.stride(), 8);
    assert!(line.checkpoints.len() <= 65_536 && line.checkpoints.len() as u64 == count / 8);
    let mut random = Stream::new(1, "places", 0, 0);
    for _ in 0..4 {
        let place = random.below(count);
        let mut changed = events.clone();
        changed[place as usize].4 ^= 1 << 63;
        // The other run also goes on for longer, with a coarser stride.
        changed.extend((count..count + random.below(400_000)).map(usual));
        let found = compare(&line, &timeline(&changed, changed.len() as u64 * 100)).expect("they differ");
        assert_eq!(found.interval as u64, place / 10);
        assert!(found.events.contains(&place) && found.events.end - found.events.start <= 16, "{place} {found:?}");
    }
}

#[test]
fn a_manifest_has_fingerprints_as_digits_and_keeps_the_interval() {
    let (a, b) = (run(100), [&run(50)[..], &[(5_000, 9, 9, 9, 9, 9)], &run(100)[51..]].concat());
    let json = serde_json::to_string(&timeline(&a, 10_000)).unwrap();
    let first = timeline(&a, 10_000).intervals()[0].value.to_string();
    assert!(
        json.starts_with(&format!(r#"{{"interval":"1us","intervals":[{{"events":10,"value":"{first}"}}"#)),
        "{json}"
    );
    let read: Timeline = serde_json::from_str(&json).unwrap();
    assert_eq!(read.end(), timeline(&a, 10_000).end());
    let found = compare(&read, &timeline(&b, 10_000));
    assert_eq!(found, Some(Divergence { interval: 5, events: 50..60 }));
    assert_eq!(compare(&read, &timeline(&a, 10_000)), None);
    for wrong in ["\"12\"", "\"+0000000000000000000000000000000\"", "7"] {
        assert!(serde_json::from_str::<FingerprintValue>(wrong).is_err());
    }
}
