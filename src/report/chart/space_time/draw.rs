//! Draws a [`SpaceTime`].

use super::axis::Piece;
use super::{Arrow, Line, Mark, Sign, SpaceTime};
use crate::report::chart::canvas::{Canvas, DrawResult, Picture, wrap};
use crate::report::chart::theme::{
    BROKEN, Colour, FAULT, FINE, FRAME, GRID, INK, LABEL, PAPER, SOFT, STROKE, TICK, TITLE,
};
use crate::report::format::seconds;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// Width of a diagram: wider than other charts, because it shows more.
const WIDTH: i32 = 1600;
/// Where everything begins.
const EDGE: i32 = 36;
/// Where the axis begins.
const LEFT: i32 = 128;
/// Where it ends.
const RIGHT: i32 = WIDTH - 44;
/// From one line of text to the next.
const LEADING: i32 = 24;
/// Letters in a line of the caption.
const LETTERS: usize = 178;
/// Most violations that are written in full.
const VIOLATIONS_MAX: usize = 2;
/// Size of what is written at marks.
const SMALL: i32 = 15;

/// An entry of the legend.
enum Entry<'a> {
    Kind(&'a str, Colour),
    Lost,
    Sign(Sign),
    Down,
}

impl Entry<'_> {
    fn name(&self) -> &str {
        match self {
            Entry::Kind(name, _) => name,
            Entry::Lost => "lost",
            Entry::Sign(sign) => sign.name(),
            Entry::Down => "down",
        }
    }
}

impl Picture for SpaceTime {
    fn size(&self) -> (i32, i32) {
        let plan = self.plan();
        (WIDTH, plan.bottom + 86)
    }
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB> {
        let plan = self.plan();
        self.head(canvas)?;
        self.legend(canvas, &plan)?;
        self.faults(canvas, &plan)?;
        self.scale(canvas, &plan)?;
        for (number, line) in self.lines.iter().enumerate() {
            plan.line(canvas, number, line)?;
        }
        self.axis.cuts().try_for_each(|piece| plan.cut(canvas, piece))?;
        self.broken(canvas, &plan)?;
        self.arrows.iter().try_for_each(|arrow| plan.arrow(canvas, arrow, self.kinds[arrow.kind].1))?;
        self.signs(canvas, &plan)?;
        canvas.line((LEFT, plan.bottom), (RIGHT, plan.bottom), &FRAME, 1)?;
        let middle = (i32::midpoint(LEFT, RIGHT), plan.bottom + 44);
        canvas.text("simulated time (s)", middle, LABEL, SOFT, (HPos::Center, VPos::Top))
    }
}

impl SpaceTime {
    /// The lines of text above the diagram: of the caption, and of what was violated.
    fn texts(&self) -> (Vec<String>, Vec<String>) {
        let mut violations: Vec<String> =
            self.violations.iter().take(VIOLATIONS_MAX).flat_map(|broken| wrap(&broken.text, LETTERS)).collect();
        if self.violations.len() > VIOLATIONS_MAX {
            violations.push(format!("and {} more", self.violations.len() - VIOLATIONS_MAX));
        }
        (wrap(&self.caption, LETTERS), violations)
    }
    /// What the legend names, with its place: from the left, and in which row.
    fn entries(&self) -> Vec<(Entry<'_>, i32, i32)> {
        let mut entries: Vec<Entry<'_>> = self.kinds.iter().map(|(name, colour)| Entry::Kind(name, *colour)).collect();
        if self.arrows.iter().any(|arrow| arrow.lost.is_some()) {
            entries.push(Entry::Lost);
        }
        let mut signs: Vec<Sign> = self.marks.iter().map(|mark| mark.sign).collect();
        signs.sort_unstable();
        signs.dedup();
        entries.extend(signs.into_iter().map(Entry::Sign));
        if self.lines.iter().any(|line| !line.down.is_empty()) {
            entries.push(Entry::Down);
        }
        let (mut left, mut row) = (EDGE, 0);
        let mut placed = Vec::new();
        for entry in entries {
            // The height must be known before there is a canvas to measure texts on.
            let width = 62 + 10 * entry.name().chars().count() as i32;
            if left > EDGE && left + width > RIGHT {
                (left, row) = (EDGE, row + 1);
            }
            placed.push((entry, left, row));
            left += width;
        }
        placed
    }
    fn plan(&self) -> Plan {
        let (caption, violations) = self.texts();
        let legend = 64 + LEADING * (caption.len() + violations.len()) as i32 + 24;
        let rows = self.entries().last().map_or(0, |(.., row)| row + 1);
        let top = legend + 28 * rows + 4;
        let first = top + LEADING * self.faults.len() as i32;
        let height = match self.lines.len() {
            ..=4 => 122,
            5..=6 => 100,
            7..=8 => 84,
            _ => 68,
        };
        Plan { legend, top, first, height, bottom: first + height * self.lines.len() as i32 }
    }
    fn head<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB> {
        let place = (HPos::Left, VPos::Top);
        canvas.text(&self.title, (EDGE, 24), TITLE, INK, place)?;
        let (caption, violations) = self.texts();
        let lines = caption.iter().map(|text| (text, SOFT)).chain(violations.iter().map(|text| (text, BROKEN)));
        for (number, (text, colour)) in lines.enumerate() {
            let text = canvas.fitted(text, LABEL, RIGHT - EDGE);
            canvas.text(&text, (EDGE, 64 + LEADING * number as i32), LABEL, colour, place)?;
        }
        Ok(())
    }
    fn legend<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, plan: &Plan) -> DrawResult<DB> {
        for (entry, left, row) in self.entries() {
            let y = plan.legend + 28 * row;
            let (from, to) = ((left * FINE, y * FINE), ((left + 28) * FINE, y * FINE));
            let middle = ((left + 14) * FINE, y * FINE);
            match &entry {
                Entry::Kind(_, colour) => arrow(canvas, from, to, *colour)?,
                Entry::Lost => cross(canvas, middle, 5, INK)?,
                Entry::Sign(Sign::Asked) => sign(canvas, (middle.0, middle.1 + 6 * FINE), Sign::Asked)?,
                Entry::Sign(which) => sign(canvas, middle, *which)?,
                Entry::Down => canvas.dashes((left, y), (left + 28, y), &SOFT)?,
            }
            canvas.text(entry.name(), (left + 36, y + 2), LABEL, INK, (HPos::Left, VPos::Center))?;
        }
        Ok(())
    }
    fn faults<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, plan: &Plan) -> DrawResult<DB> {
        for (row, (from, to, label)) in self.faults.iter().enumerate() {
            let (from, to) = (across(*from), across(*to).max(across(*from) + FINE));
            let top = plan.top + LEADING * row as i32;
            let corners = [(from, top * FINE), (to, plan.bottom * FINE)];
            canvas.area.draw(&Rectangle::new(corners, FAULT.mix(0.09).filled()))?;
            let (from, to) = (from / FINE, to / FINE);
            let label = canvas.fitted(label, TICK, RIGHT - LEFT);
            let width = canvas.width(&label, TICK);
            // Where there is no room behind its beginning, it ends where the fault ends.
            let (x, place) = if from + width + 8 > RIGHT { (to - 4, HPos::Right) } else { (from + 4, HPos::Left) };
            canvas.text(&label, (x, top + 4), TICK, FAULT, (place, VPos::Top))?;
        }
        Ok(())
    }
    fn scale<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, plan: &Plan) -> DrawResult<DB> {
        let mut free = i32::MIN;
        for (at, text) in self.axis.marks(14) {
            let x = across(at) / FINE;
            canvas.line((x, plan.first), (x, plan.bottom), &GRID, 1)?;
            let half = canvas.width(&text, TICK) / 2;
            if x - half >= free {
                canvas.line((x, plan.bottom), (x, plan.bottom + 5), &FRAME, 1)?;
                canvas.text(&text, (x, plan.bottom + 11), TICK, INK, (HPos::Center, VPos::Top))?;
                free = x + half + 12;
            }
        }
        Ok(())
    }
    /// Upright lines where something was found broken, and rings around the nodes that broke it.
    fn broken<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, plan: &Plan) -> DrawResult<DB> {
        for broken in &self.violations {
            let x = across(broken.at);
            let ends = [(x, plan.top * FINE), (x, plan.bottom * FINE)];
            canvas.area.draw(&PathElement::new(ends, BROKEN.stroke_width((STROKE * FINE) as u32)))?;
            if let Some(line) = broken.line {
                let ring = BROKEN.stroke_width((STROKE * FINE) as u32);
                canvas.area.draw(&Circle::new((x, plan.up(line)), 13 * FINE, ring))?;
            }
        }
        Ok(())
    }
    /// Marks, and what is written at them where there is room: first what is final.
    fn signs<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, plan: &Plan) -> DrawResult<DB> {
        for Mark { line, at, sign: which, .. } in &self.marks {
            let (x, y) = (across(*at), plan.up(*line));
            if *which != Sign::Asked {
                canvas.area.draw(&Circle::new((x, y), 8 * FINE, PAPER.filled()))?;
            }
            sign(canvas, (x, y), *which)?;
        }
        // What is written above and below each line: from where to where.
        let mut taken: Vec<[Vec<(i32, i32)>; 2]> = vec![[Vec::new(), Vec::new()]; self.lines.len()];
        let final_first =
            [true, false].map(|first| self.marks.iter().filter(move |m| (m.sign == Sign::Final) == first));
        for Mark { line, at, sign: which, label } in final_first.into_iter().flatten().filter(|m| !m.label.is_empty()) {
            let half = canvas.width(label, SMALL) / 2 + 3;
            let middle = (across(*at) / FINE).clamp(LEFT - 6 + half, RIGHT + 36 - half);
            let (from, to) = (middle - half, middle + half);
            let free = |side: &usize| taken[*line][*side].iter().all(|(left, right)| to <= *left || from >= *right);
            let Some(side) = (0..2).find(free) else { continue };
            taken[*line][side].push((from, to));
            let y = plan.up(*line) / FINE + if side == 0 { -19 } else { 19 };
            canvas.block((from, y - 9), (to, y + 9), &PAPER.mix(0.8))?;
            let colour = if *which == Sign::Final { INK } else { SOFT };
            canvas.text(label, (middle, y), SMALL, colour, (HPos::Center, VPos::Center))?;
        }
        Ok(())
    }
}

/// Where everything lies, in points.
struct Plan {
    /// The first row of the legend.
    legend: i32,
    /// The names of faults.
    top: i32,
    /// The upper end of the first line's room.
    first: i32,
    /// The room of a line.
    height: i32,
    /// The axis.
    bottom: i32,
}

impl Plan {
    /// Where a line lies, in fine points.
    fn up(&self, line: usize) -> i32 {
        (self.first + self.height * line as i32 + self.height / 2) * FINE
    }
    fn line<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, number: usize, line: &Line) -> DrawResult<DB> {
        let y = self.up(number) / FINE;
        let colour = if line.honest { INK } else { FAULT };
        let name = line.node.to_string();
        let above = if line.honest { 0 } else { 9 };
        canvas.text(&name, (LEFT - 14, y + 2 - above), LABEL + 2, colour, (HPos::Right, VPos::Center))?;
        if !line.honest {
            canvas.text("byzantine", (LEFT - 14, y + 12), SMALL, colour, (HPos::Right, VPos::Center))?;
        }
        let mut up = LEFT;
        for (from, to) in &line.down {
            let (from, to) = (across(*from) / FINE, across(*to) / FINE);
            canvas.line((up, y), (from, y), &colour.mix(0.7), STROKE)?;
            canvas.block((from, y - 7), (to, y + 7), &SOFT.mix(0.12))?;
            canvas.dashes((from, y), (to, y), &SOFT)?;
            up = to;
        }
        canvas.line((up, y), (RIGHT, y), &colour.mix(0.7), STROKE)
    }
    /// A silence that is cut short, and how long it is.
    fn cut<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, piece: &Piece) -> DrawResult<DB> {
        let (from, to) = (across(piece.left) / FINE + 2, across(piece.right) / FINE - 2);
        canvas.block((from, self.first), (to, self.bottom), &PAPER.mix(0.75))?;
        for x in [from, to] {
            canvas.dashes((x, self.first), (x, self.bottom), &FRAME)?;
        }
        let text = seconds(piece.to.since(piece.from).as_secs_f64());
        let at = (i32::midpoint(from, to), self.bottom - 12);
        canvas.text(&text, at, SMALL - 1, SOFT, (HPos::Center, VPos::Center))
    }
    fn arrow<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, message: &Arrow, colour: Colour) -> DrawResult<DB> {
        let part = |from: i32, to: i32, share: f64| from + libm::round(f64::from(to - from) * share) as i32;
        let to = (across(message.end), self.up(message.to));
        let from = (across(message.start), part(self.up(message.from), to.1, message.before));
        let Some(far) = message.lost else { return arrow(canvas, from, to, colour) };
        let end = (part(from.0, to.0, far), part(from.1, to.1, far));
        canvas.area.draw(&PathElement::new([from, end], colour.rgb().mix(0.7).stroke_width(3)))?;
        cross(canvas, end, 5, INK)
    }
}

/// Where a share of the axis lies, in fine points.
fn across(share: f64) -> i32 {
    LEFT * FINE + libm::round(share * f64::from((RIGHT - LEFT) * FINE)) as i32
}

/// An arrow between fine points.
fn arrow<DB: DrawingBackend>(canvas: &Canvas<DB>, from: (i32, i32), to: (i32, i32), colour: Colour) -> DrawResult<DB> {
    const LENGTH: f64 = 9.0 * FINE as f64;
    const HALF: f64 = 3.5 * FINE as f64;
    let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
    let length = libm::sqrt(dx * dx + dy * dy);
    if length < 1.0 {
        return Ok(());
    }
    let (dx, dy) = (dx / length, dy / length);
    let point = |back: f64, aside: f64| {
        let (x, y) = (f64::from(to.0) - dx * back - dy * aside, f64::from(to.1) - dy * back + dx * aside);
        (libm::round(x) as i32, libm::round(y) as i32)
    };
    let colour = colour.rgb();
    canvas.area.draw(&PathElement::new([from, point(LENGTH / 2.0, 0.0)], colour.stroke_width(3)))?;
    canvas.area.draw(&Polygon::new(vec![to, point(LENGTH, HALF), point(LENGTH, -HALF)], colour.filled()))
}

/// A cross around a fine point, `half` points wide to each side.
fn cross<DB: DrawingBackend>(canvas: &Canvas<DB>, at: (i32, i32), half: i32, colour: RGBColor) -> DrawResult<DB> {
    let half = half * FINE;
    let stroke = colour.stroke_width((STROKE * FINE) as u32);
    canvas.area.draw(&PathElement::new([(at.0 - half, at.1 - half), (at.0 + half, at.1 + half)], stroke))?;
    canvas.area.draw(&PathElement::new([(at.0 - half, at.1 + half), (at.0 + half, at.1 - half)], stroke))
}

/// The sign of what a node did, around a fine point.
fn sign<DB: DrawingBackend>(canvas: &Canvas<DB>, at: (i32, i32), which: Sign) -> DrawResult<DB> {
    let corners = |corners: [(i32, i32); 3]| -> Vec<(i32, i32)> {
        corners.iter().map(|(x, y)| (at.0 + x * FINE, at.1 + y * FINE)).collect()
    };
    match which {
        Sign::Final => canvas.area.draw(&Circle::new(at, 6 * FINE, INK.filled())),
        Sign::Extended => {
            canvas.area.draw(&Circle::new(at, 5 * FINE, PAPER.filled()))?;
            canvas.area.draw(&Circle::new(at, 5 * FINE, INK.stroke_width((STROKE * FINE) as u32)))
        }
        Sign::Rewound => canvas.area.draw(&Polygon::new(corners([(-8, 0), (5, -7), (5, 7)]), FAULT.filled())),
        Sign::Leads => canvas.area.draw(&Polygon::new(corners([(0, -8), (-7, 5), (7, 5)]), INK.filled())),
        Sign::Asked => canvas.area.draw(&Polygon::new(corners([(0, -1), (-5, -11), (5, -11)]), SOFT.filled())),
        Sign::Started => canvas.area.draw(&Polygon::new(corners([(8, 0), (-5, -7), (-5, 7)]), INK.filled())),
        Sign::Crashed => cross(canvas, at, 7, FAULT),
    }
}
