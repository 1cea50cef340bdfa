//! Figures around faults, worked out by hand.

use super::*;

fn at(ms: u64) -> Time {
    Time::ZERO + Duration::from_millis(ms)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn fault(start: u64, end: Option<u64>) -> FaultSpan {
    FaultSpan { fault: 0, label: String::new(), start: at(start), end: end.map_or(Time::NEVER, at), period: 9 }
}

fn period(start: u64, end: u64) -> Period {
    Period { start: at(start), end: at(end), faults: 1 }
}

/// A payment that is final everywhere at once; 0 for never.
fn payment(submitted: u64, settled: u64) -> Payment {
    let settled = if settled == 0 { Time::NEVER } else { at(settled) };
    let (submitted, taken) = (at(submitted), at(submitted));
    Payment { submitted, taken, settled, confirmed: settled, final_entry: settled, replied: settled, failed: false }
}

/// Nothing is too late to be final.
fn never() -> Cut {
    Cut::new(at(10_000), &[])
}

fn view(payments: &[(u64, u64)], finals: &[u64]) -> View {
    let payments = payments.iter().map(|(submitted, settled)| payment(*submitted, *settled)).collect();
    View::new(String::new(), payments, finals.iter().copied().map(at).collect())
}

/// One payment every 10 ms, final 5 ms later in a block of its own, but for those submitted while the chain stands
/// still, which are final when it goes on.
fn steady(until: u64, still: Option<(u64, u64)>) -> View {
    let settle = |submitted: u64| match still {
        Some((from, to)) if (from..to).contains(&(submitted + 5)) => to,
        _ => submitted + 5,
    };
    let payments: Vec<(u64, u64)> = (0..until / 10).map(|n| (10 * n, settle(10 * n))).collect();
    let mut finals: Vec<u64> = payments.iter().map(|payment| payment.1).collect();
    finals.dedup();
    view(&payments, &finals)
}

#[test]
fn faults_that_overlap_nest_or_touch_are_one_period() {
    let mut faults =
        [fault(20, Some(80)), fault(25, Some(30)), fault(80, Some(90)), fault(5, Some(10)), fault(95, None)];
    let found = periods(&mut faults);
    let expected = [(5, Some(10), 1), (20, Some(90), 3), (95, None, 1)];
    let shown: Vec<_> = found
        .iter()
        .map(|p| {
            (p.start.as_nanos() / 1_000_000, (p.end < Time::NEVER).then(|| p.end.as_nanos() / 1_000_000), p.faults)
        })
        .collect();
    assert_eq!(shown, expected);
    assert_eq!(faults.map(|fault| fault.period), [1, 1, 1, 0, 2]);
}

#[test]
fn an_outage_is_the_longest_gap_that_overlaps_the_period_and_not_the_wait_for_a_block_in_flight() {
    // A block in flight becomes final just after the fault began; the next one 2.9 s later, while the fault lasts.
    let chain = view(&[(0, 0)], &[19_900, 20_046, 22_946, 23_000, 59_990]);
    let found = chain.outage(&period(20_000, 23_000), at(60_000));
    assert_eq!(found, ((at(23_000), at(59_990)), Reached::Yes), "one that begins with the end of the period");
    let chain = view(&[(0, 0)], &[19_900, 20_046, 22_946, 23_100, 23_200]);
    let found = chain.outage(&period(20_000, 23_000), at(23_300));
    assert_eq!(found, ((at(20_046), at(22_946)), Reached::Yes));
}

#[test]
fn an_interval_that_ends_or_begins_in_the_period_counts_whole() {
    let chain = view(&[(0, 0)], &[100, 900, 950, 1_500, 1_550]);
    assert_eq!(chain.outage(&period(890, 910), at(1_600)).0, (at(100), at(900)));
    assert_eq!(chain.outage(&period(940, 960), at(1_600)).0, (at(950), at(1_500)));
    assert_eq!(chain.outage(&period(910, 940), at(1_600)).0, (at(900), at(950)));
}

#[test]
fn an_outage_that_the_end_of_the_run_cuts_off_is_not_over() {
    let chain = view(&[(0, 0)], &[100, 200]);
    assert_eq!(chain.outage(&period(150, 300), at(1_000)), ((at(200), at(1_000)), Reached::No));
    let nothing = view(&[(50, 0)], &[]);
    assert_eq!(nothing.outage(&period(150, 300), at(1_000)), ((at(50), at(1_000)), Reached::No));
}

#[test]
fn an_idle_chain_has_no_outage() {
    let never = (Time::NEVER, Time::NEVER);
    let idle = view(&[(0, 100), (5_000, 5_100)], &[100, 5_100]);
    assert_eq!(idle.outage(&period(1_000, 2_000), at(9_000)), (never, Reached::Yes));
    assert_eq!(idle.outage(&period(1_000, 5_050), at(9_000)).0, (at(5_000), at(5_100)), "from the submission");
    assert_eq!(view(&[], &[100]).outage(&period(0, 1), at(9_000)), (never, Reached::NotMeasurable));
}

#[test]
fn a_payment_that_no_node_took_is_not_outstanding() {
    let lost = Payment { taken: Time::NEVER, ..payment(100, 0) };
    let chain = View::new(String::new(), vec![payment(0, 50), lost], vec![at(50)]);
    assert_eq!(chain.outstanding_at(at(500)), 0);
    assert_eq!(chain.outage(&period(60, 70), at(1_000)).0, (Time::NEVER, Time::NEVER));
}

#[test]
fn throughput_is_back_at_once_if_it_never_went_away_and_later_if_it_did() {
    let before = (at(0), at(2_000));
    let well = steady(9_000, None);
    assert_eq!(well.recovery(before, at(3_000), Some(ms(10))), (Some(ms(0)), Reached::Yes));
    // Nothing until 4 s. A hundred payments take one second; 90 of them must be final within one: the 200 that waited
    // are, at 4 s, so that the first window is the one that ends there.
    let late = steady(9_000, Some((2_000, 4_000)));
    assert_eq!(late.recovery(before, at(2_000), Some(ms(10))), (Some(ms(1_000)), Reached::Yes));
    assert_eq!(
        late.recovery(before, at(2_000), Some(ms(150))),
        (Some(ms(500)), Reached::Yes),
        "ten intervals are longer"
    );
    assert_eq!(late.recovery((at(2_000), at(3_000)), at(3_000), None).1, Reached::NotMeasurable, "nothing before");
}

#[test]
fn throughput_that_does_not_come_back_is_not_a_number() {
    let half: Vec<(u64, u64)> =
        (0..800).map(|n| (10 * n, if n < 300 || n % 2 == 0 { 10 * n + 5 } else { 0 })).collect();
    let finals: Vec<u64> = half.iter().map(|payment| payment.1).filter(|at| *at > 0).collect();
    let chain = view(&half, &finals);
    assert_eq!(chain.recovery((at(0), at(3_000)), at(4_000), Some(ms(10))), (None, Reached::No));
}

#[test]
fn the_backlog_has_drained_when_no_more_is_outstanding_than_before() {
    // One payment is outstanding half of the time: mean 0.5, deviation 0.5; at most 1.5 is few.
    let (mean, deviation) = steady(4_000, None).outstanding_over((at(0), at(2_000)));
    assert!((mean - 0.5).abs() < 1e-9 && (deviation - 0.5).abs() < 1e-9, "{mean} {deviation}");
    assert_eq!(steady(4_000, None).drain((at(0), at(2_000)), at(3_000)), (Some(ms(0)), Reached::Yes));
    let late = steady(9_000, Some((2_000, 4_000)));
    assert_eq!(late.drain((at(0), at(2_000)), at(3_000)), (Some(ms(1_000)), Reached::Yes));
    let never = view(&[(0, 10), (20, 0), (30, 0)], &[10]);
    assert_eq!(never.drain((at(0), at(20)), at(40)), (None, Reached::No));
}

#[test]
fn phases_follow_each_other_and_leave_the_warm_up_out() {
    let periods = [period(2_000, 3_000), period(5_000, 6_000)];
    let bounds = Bounds { window: (at(1_000), at(9_000)), end: at(10_000), cut: never() };
    let spans = |number| phases(&periods, number, &bounds).map(|(_, (from, to))| (from, to));
    assert_eq!(spans(0), [(at(1_000), at(2_000)), (at(2_000), at(3_000)), (at(3_000), at(5_000))]);
    assert_eq!(spans(1), [(at(3_000), at(5_000)), (at(5_000), at(6_000)), (at(6_000), at(9_000))]);
    let early = [Period { start: at(500), end: Time::NEVER, faults: 1 }];
    let found = phases(&early, 0, &bounds).map(|(_, (from, to))| (from, to));
    assert_eq!(found, [(at(0), at(500)), (at(500), at(9_000)), (at(9_000), at(9_000))], "a fault within the warm-up");
}

#[test]
fn a_fault_at_time_zero_has_no_before_and_no_recovery() {
    let bounds = Bounds { window: (at(0), at(9_000)), end: at(9_000), cut: never() };
    let (rows, phases) = rows(&[period(0, 1_000)], &[steady(9_000, None)], &[], |_| None, &bounds);
    assert_eq!((rows[0].recovered, rows[0].drained), (Reached::NotMeasurable, Reached::NotMeasurable));
    assert_eq!((phases[0].submitted, phases[0].throughput), (0, None));
    assert_eq!((phases[1].submitted, phases[1].throughput), (100, Some(100.0)));
}

#[test]
fn a_phase_counts_what_was_submitted_in_it_by_its_fate_and_what_was_confirmed_in_it_by_its_time() {
    let chain = view(&[(0, 100), (900, 1_100), (1_000, 0), (1_500, 1_700)], &[]);
    let row = chain.phase(0, Phase::During, (at(1_000), at(2_000)), &never());
    assert_eq!((row.submitted, row.succeeded, row.confirmed), (2, 1, 2));
    assert_eq!((row.success_rate, row.throughput), (Some(50.0), Some(2.0)));
    assert_eq!((row.confirmation_p50_s, row.reply_p99_s), (Some(0.2), Some(0.2)));
}

#[test]
fn who_could_not_be_final_by_the_end_has_not_failed() {
    let refused = Payment { failed: true, ..payment(9_900, 0) };
    let mut payments: Vec<Payment> = [(9_000, 9_500), (9_499, 0), (9_500, 0), (9_501, 0), (9_600, 9_900)]
        .map(|(submitted, settled)| payment(submitted, settled))
        .to_vec();
    payments.push(refused);
    let chain = View::new(String::new(), payments, Vec::new());
    let cut = Cut::new(at(10_000), &[ms(300), ms(500)]);
    let row = chain.phase(0, Phase::After, (at(9_000), at(10_000)), &cut);
    assert_eq!((row.submitted, row.succeeded, row.undecided), (6, 2, 1), "499 ms before the end, of a p99 of 500 ms");
    assert_eq!(row.success_rate, Some(40.0));
    let row = chain.phase(0, Phase::After, (at(9_501), at(9_502)), &cut);
    assert_eq!((row.submitted, row.undecided, row.success_rate), (1, 1, None), "nothing is decided");
    assert_eq!(chain.phase(0, Phase::After, (at(9_000), at(10_000)), &never()).undecided, 0);
}
