//! Time from left to right, on one scale, with silences cut short.

use crate::base::{Duration, Time};
use crate::report::chart::scale::nice_step;

/// The share of the axis that a silence keeps when it is cut.
const CUT: f64 = 0.036;
/// A silence longer than this part of the time in which something happens is cut.
const LONG: f64 = 0.08;
/// Silences that are cut at most: more would leave no room for what happens.
pub const CUTS_MAX: usize = 10;
/// The share that an instant between two cuts keeps.
const LEAST: f64 = 0.006;

/// A stretch of time and where it lies.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Piece {
    /// Where it begins.
    pub from: Time,
    /// Where it ends.
    pub to: Time,
    /// Where it begins on the axis, from 0 to 1.
    pub left: f64,
    /// Where it ends.
    pub right: f64,
    /// Whether it is a silence cut short, not on the scale.
    pub cut: bool,
}

/// The axis.
#[derive(Clone, PartialEq, Debug)]
pub struct TimeAxis {
    pieces: Vec<Piece>,
}

/// Where nothing happens within busy spans that are in order of their beginnings, and is long enough to be cut.
pub fn silences(busy: &[(Time, Time)]) -> Vec<(Time, Time)> {
    let mut gaps = Vec::new();
    let mut total = Duration::ZERO;
    let Some(&(mut begin, mut end)) = busy.first() else { return gaps };
    for &(from, to) in busy {
        if from > end {
            total += end.since(begin);
            gaps.push((end, from));
            begin = from;
        }
        end = end.max(to);
    }
    total += end.since(begin);
    let long = total.as_secs_f64() * LONG;
    gaps.retain(|(from, to)| to.since(*from).as_secs_f64() > long);
    gaps
}

impl TimeAxis {
    /// Over busy spans, at least one, in order of their beginnings.
    pub fn over(busy: &[(Time, Time)]) -> TimeAxis {
        let (from, to) = (busy[0].0, busy.iter().map(|span| span.1).max().unwrap_or(busy[0].1));
        let mut stretches = Vec::new();
        let mut at = from;
        for (begin, end) in silences(busy) {
            stretches.push((at, begin, false));
            stretches.push((begin, end, true));
            at = end;
        }
        stretches.push((at, to, false));
        let cuts = stretches.iter().filter(|(.., cut)| *cut).count() as f64;
        let shown: f64 = stretches.iter().filter(|(.., cut)| !cut).map(|&(from, to, _)| length(from, to)).sum();
        let share = |&(from, to, cut): &(Time, Time, bool)| match (cut, shown > 0.0) {
            (true, _) => CUT,
            (false, true) => (length(from, to) / shown * (1.0 - cuts * CUT)).max(LEAST),
            (false, false) => LEAST,
        };
        let total: f64 = stretches.iter().map(share).sum();
        let mut left = 0.0;
        let place = |stretch: &(Time, Time, bool)| {
            let right = left + share(stretch) / total;
            let piece = Piece { from: stretch.0, to: stretch.1, left, right, cut: stretch.2 };
            left = right;
            piece
        };
        TimeAxis { pieces: stretches.iter().map(place).collect() }
    }
    /// The first instant.
    pub fn from(&self) -> Time {
        self.pieces[0].from
    }
    /// The last instant.
    pub fn to(&self) -> Time {
        self.pieces[self.pieces.len() - 1].to
    }
    /// Where an instant lies, from 0 to 1; outside, the nearer end.
    pub fn place(&self, at: Time) -> f64 {
        let at = at.max(self.from()).min(self.to());
        let piece = self.pieces.iter().find(|piece| at <= piece.to).expect("some piece has every instant");
        let length = length(piece.from, piece.to);
        let share = if length > 0.0 { self::length(piece.from, at) / length } else { 0.5 };
        piece.left + share * (piece.right - piece.left)
    }
    /// The silences that are cut short.
    pub fn cuts(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| piece.cut)
    }
    /// Whether an instant lies in a silence that is cut short.
    pub fn is_cut(&self, at: Time) -> bool {
        self.cuts().any(|piece| piece.from < at && at < piece.to)
    }
    /// Round instants on the scale, about `many` over the whole axis, with the seconds that are written there.
    pub fn marks(&self, many: usize) -> Vec<(f64, String)> {
        let on_scale = || self.pieces.iter().filter(|piece| !piece.cut);
        let shown: f64 = on_scale().map(|piece| length(piece.from, piece.to)).sum();
        let step = nice_step(if shown > 0.0 { shown } else { 1.0 }, many);
        let nanos = ((step * 1e9 + 0.5) as u64).max(1);
        // Every piece says when it is: at its beginning if at no round instant.
        let round = |piece: &Piece| {
            let numbers = piece.from.as_nanos().div_ceil(nanos)..=piece.to.as_nanos() / nanos;
            numbers.map(|number| Time::from_nanos(number * nanos)).collect::<Vec<Time>>()
        };
        let exact = if on_scale().any(|piece| round(piece).is_empty()) { step / 10.0 } else { step };
        let mark = |at: Time| (self.place(at), written(at, exact));
        let of = |piece: &Piece| match round(piece) {
            none if none.is_empty() => vec![(piece.left, written(piece.from, exact))],
            some => some.into_iter().map(mark).collect(),
        };
        on_scale().flat_map(of).collect()
    }
}

fn length(from: Time, to: Time) -> f64 {
    to.since(from).as_secs_f64()
}

/// Seconds, as exact as neighbours that are `step` apart need.
fn written(at: Time, step: f64) -> String {
    let decimals = (-libm::floor(libm::log10(step) + 1e-9)).clamp(0.0, 9.0) as usize;
    format!("{:.decimals$}", at.as_secs_f64())
}
