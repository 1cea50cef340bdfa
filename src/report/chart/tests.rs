use super::*;
use crate::base::{Duration, Time};
use crate::observe::metrics::{BlockStatus, FaultSpan, IntervalRow, NodeRow};
use crate::report::tests::{nothing, outcome};

fn named<'a>(plots: &'a [Plot], file: &str) -> &'a Plot {
    plots.iter().find(|plot| plot.file == file).unwrap()
}

fn points(shape: &SeriesShape) -> &[(f64, f64)] {
    match shape {
        SeriesShape::Line(points) | SeriesShape::Steps(points) | SeriesShape::Area(points) => points,
        SeriesShape::Bars(_) => panic!("bars"),
    }
}

#[test]
fn a_run_without_anything_has_charts_that_say_so() {
    let plots = plots(&nothing());
    assert_eq!(plots.len(), 6);
    for plot in &plots {
        let text = svg(plot);
        assert!(text.starts_with("<svg width=\"1280\" height=\"720\" viewBox=\"0 0 2560 1440\""), "{}", &text[..80]);
        let rounds_are_drawn = plot.panels.iter().all(|panel| panel.nothing.is_none());
        assert!(!rounds_are_drawn, "{}", plot.file);
        for nothing in plot.panels.iter().filter_map(|panel| panel.nothing.as_ref()) {
            assert!(text.contains(nothing.as_str()), "{nothing}");
        }
    }
}

#[test]
fn bitmaps_have_their_size_and_are_the_same_each_time() {
    let plot = &plots(&outcome())[0];
    let draw = || {
        let mut out = Vec::new();
        png(plot, &mut out).unwrap();
        out
    };
    let first = draw();
    let reader = png::Decoder::new(std::io::Cursor::new(&first)).read_info().unwrap();
    assert_eq!((reader.info().width, reader.info().height), (1280, 720));
    assert_eq!(first, draw());
}

#[test]
fn throughput_has_the_rates_of_each_interval_and_shades_faults() {
    let plot = &plots(&outcome())[0];
    let panel = &plot.panels[0];
    assert_eq!(points(&panel.layers[0].shape)[..2], [(0.0, 10.0), (1.0, 11.0)]);
    assert_eq!(points(&panel.layers[1].shape).last(), Some(&(10.0, 9.0)), "to the end of the run");
    let fault = Window { from: 4.0, to: 6.0, label: "crash of n1 <&>".into(), fault: true };
    assert_eq!(panel.windows, [Window { from: 0.0, to: 2.0, label: "warm-up".into(), fault: false }, fault]);
    let text = svg(plot);
    assert!(text.contains("crash of n1 &lt;&amp;&gt;") && !text.contains("<&>"), "labels are escaped");
}

#[test]
fn many_intervals_are_taken_together() {
    let mut outcome = outcome();
    let row = outcome.intervals[0].clone();
    outcome.intervals = (0..5000)
        .map(|at| {
            let (start, end) = (Time::ZERO + Duration::from_secs(at), Time::ZERO + Duration::from_secs(at + 1));
            IntervalRow { start, end, submitted: 7, unconfirmed: at, ..row.clone() }
        })
        .collect();
    outcome.end = Time::ZERO + Duration::from_secs(5000);
    let plots = plots(&outcome);
    let submitted = points(&plots[0].panels[0].layers[0].shape);
    assert!(submitted.len() <= STEPS_MAX + 1 && submitted.iter().all(|&(_, rate)| (rate - 7.0).abs() < 1e-9));
    let unconfirmed = points(&named(&plots, "unconfirmed").panels[0].layers[0].shape);
    assert_eq!(unconfirmed.last().map(|point| point.1), Some(4999.0), "peaks are kept");
}

#[test]
fn distributions_mark_their_quantiles_and_begin_and_end_at_the_frame() {
    let plots = plots(&outcome());
    let propagation = &named(&plots, "propagation").panels[0];
    let marks: Vec<_> = propagation.marks.iter().map(|mark| mark.label.as_str()).collect();
    assert_eq!(marks, ["50 %: 90 ms", "90 %: 90 ms"], "99 % was never reached");
    let line = points(&propagation.layers[0].shape);
    assert_eq!((line[0].1, line[line.len() - 1]), (0.0, (propagation.x.to, 95.0)));
    let confirmation = &named(&plots, "confirmation").panels[0];
    assert_eq!(confirmation.x.scale, Scale::Logarithmic);
    assert_eq!(confirmation.marks.len(), 3);
}

#[test]
fn forks_are_shown_where_there_are_any_else_rounds() {
    let mut outcome = outcome();
    let plot = forks::forks(&outcome);
    assert_eq!(plot.panels.len(), 2);
    let SeriesShape::Bars(stale) = &plot.panels[0].layers[1].shape else { panic!("bars") };
    assert_eq!((stale.len(), stale[0].2, stale[0].3), (1, 0.0, 1.0));
    let SeriesShape::Bars(depths) = &plot.panels[1].layers[0].shape else { panic!("bars") };
    assert_eq!((depths[0].3, depths[19].3), (3.0, 1.0), "the deepest share a bar");
    outcome.reorgs.clear();
    outcome.blocks.retain(|row| row.status == BlockStatus::Canonical);
    let plot = forks::forks(&outcome);
    let layers = &plot.panels[0].layers;
    assert_eq!(points(&layers[0].shape)[3..6], [(3.0, 0.0), (4.0, 1.0), (5.0, 1.0)], "wasted rounds, summed up");
    assert_eq!(points(&layers[1].shape).last(), Some(&(10.0, 1.0)), "changes of leader");
}

#[test]
fn many_nodes_are_shown_in_order_of_size() {
    let mut outcome = outcome();
    let few = resources::resources(&outcome);
    assert!(matches!(&few.panels[0].layers[0].shape, SeriesShape::Bars(bars) if bars.len() == 4));
    let row = outcome.nodes[1].clone();
    outcome.nodes = (0..100).map(|index| NodeRow { sent_bytes: index * 1_000_000, ..row.clone() }).collect();
    let many = resources::resources(&outcome);
    let sent = points(&many.panels[0].layers[0].shape);
    assert_eq!((sent.len(), sent[0], sent[99]), (101, (0.0, 79.2), (99.0, 0.0)));
    assert_eq!(many.panels[0].y.label, "bandwidth (Mbit/s)");
}

#[test]
fn overlapping_faults_and_long_labels_are_drawn_without_harm() {
    let mut outcome = outcome();
    let start = Time::ZERO + Duration::from_millis(9_500);
    let label = "a very long label ".repeat(20);
    let fault = |fault: u32| FaultSpan { fault, label: label.clone(), start, end: outcome.end, period: 0 };
    outcome.faults = (0..6).map(fault).collect();
    let text = svg(&plots(&outcome)[0]);
    assert!(text.contains('…') || !text.contains("a very long label"), "labels are cut to the room there is");
}
