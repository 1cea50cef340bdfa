//! Draws a [`Plot`].

use super::canvas::{Canvas, DrawResult, Picture, wrap};
use super::theme::{FAULT, FINE, FRAME, GRID, HEIGHT, INK, LABEL, PAPER, SOFT, STROKE, TICK, TITLE, WIDTH};
use super::{Axis, Layer, Panel, Plot, SeriesShape};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

/// Points to the left of a frame, for its marks.
const MARGIN: i32 = 104;

impl Picture for Plot {
    fn size(&self) -> (i32, i32) {
        (WIDTH, HEIGHT)
    }
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB> {
        canvas.text(&self.title, (36, 24), TITLE, INK, (HPos::Left, VPos::Top))?;
        let caption = wrap(&self.caption, 128);
        for (line, text) in caption.iter().enumerate() {
            canvas.text(text, (36, 64 + 24 * line as i32), LABEL, SOFT, (HPos::Left, VPos::Top))?;
        }
        let top = 106 + 24 * caption.len() as i32;
        let width = WIDTH / self.panels.len().max(1) as i32;
        for (number, panel) in self.panels.iter().enumerate() {
            let left = number as i32 * width;
            let frame = Frame { left: left + MARGIN, right: left + width - 36, top, bottom: HEIGHT - 86, panel };
            frame.draw(canvas)?;
        }
        Ok(())
    }
}

/// The frame of a panel, in points.
struct Frame<'a> {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
    panel: &'a Panel,
}

impl Frame<'_> {
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB> {
        let panel = self.panel;
        let empty = panel.nothing.is_some();
        self.windows(canvas)?;
        self.grid(canvas, empty)?;
        if let Some(nothing) = &panel.nothing {
            let middle = (i32::midpoint(self.left, self.right), i32::midpoint(self.top, self.bottom));
            canvas.text(nothing, middle, LABEL + 2, SOFT, (HPos::Center, VPos::Center))?;
        } else {
            for layer in &panel.layers {
                self.layer(canvas, layer)?;
            }
            self.marks(canvas)?;
            self.legend(canvas)?;
        }
        self.axes(canvas)
    }
    /// Where a value lies across, in fine points.
    fn across(&self, value: f64) -> i32 {
        let width = f64::from((self.right - self.left) * FINE);
        self.left * FINE + libm::round(self.panel.x.place(value) * width) as i32
    }
    /// Where a value lies up, in fine points.
    fn up(&self, value: f64) -> i32 {
        let height = f64::from((self.bottom - self.top) * FINE);
        self.bottom * FINE - libm::round(self.panel.y.place(value) * height) as i32
    }
    /// Faults and warm-up behind everything, and their names above the frame, in as many rows as they need.
    fn windows<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB> {
        let mut rows: Vec<i32> = Vec::new();
        for window in &self.panel.windows {
            let (from, to) = (self.across(window.from), self.across(window.to).max(self.across(window.from) + FINE));
            let shade = if window.fault { FAULT.mix(0.13) } else { SOFT.mix(0.09) };
            let corners = [(from, self.top * FINE), (to, self.bottom * FINE)];
            canvas.area.draw(&Rectangle::new(corners, shade.filled()))?;
            let colour = if window.fault { FAULT } else { SOFT };
            let text = canvas.fitted(&window.label, TICK - 1, (self.right - from / FINE).max(to / FINE - from / FINE));
            let (start, end) = (from / FINE, from / FINE + canvas.width(&text, TICK - 1) + 8);
            let row = rows.iter().position(|taken| *taken <= start).unwrap_or(rows.len());
            if row > 2 {
                continue;
            }
            if row == rows.len() {
                rows.push(end);
            }
            rows[row] = end;
            let at = (start + 4, self.top + 6 + 21 * row as i32);
            canvas.text(&text, at, TICK - 1, colour, (HPos::Left, VPos::Top))?;
        }
        Ok(())
    }
    fn grid<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, empty: bool) -> DrawResult<DB> {
        if empty {
            return Ok(());
        }
        for (value, text) in self.panel.y.marks(Self::rows(&self.panel.y)) {
            let y = self.up(value) / FINE;
            if self.panel.y.names.is_empty() {
                canvas.line((self.left, y), (self.right, y), &GRID, 1)?;
            }
            if let Some(text) = text {
                let text = canvas.fitted(&text, TICK, MARGIN - 14);
                canvas.text(&text, (self.left - 10, y), TICK, INK, (HPos::Right, VPos::Center))?;
            }
        }
        let upright = self.panel.y.names.is_empty()
            && self.panel.layers.iter().any(|layer| matches!(layer.shape, SeriesShape::Bars(_)));
        let mut free = i32::MIN;
        for (value, text) in self.panel.x.marks(self.columns()) {
            let x = self.across(value) / FINE;
            if !upright {
                canvas.line((x, self.top), (x, self.bottom), &GRID, 1)?;
            }
            let Some(text) = text else { continue };
            let half = canvas.width(&text, TICK) / 2;
            if x - half >= free {
                canvas.line((x, self.bottom), (x, self.bottom + 5), &FRAME, 1)?;
                canvas.text(&text, (x, self.bottom + 11), TICK, INK, (HPos::Center, VPos::Top))?;
                free = x + half + 10;
            }
        }
        Ok(())
    }
    fn rows(y: &Axis) -> usize {
        if y.whole { 6 } else { 8 }
    }
    fn columns(&self) -> usize {
        ((self.right - self.left) / 95).max(3) as usize
    }
    fn layer<DB: DrawingBackend>(&self, canvas: &Canvas<DB>, layer: &Layer) -> DrawResult<DB> {
        let colour = layer.colour.rgb();
        let path = |points: &[(f64, f64)]| -> Vec<(i32, i32)> {
            let mut path: Vec<(i32, i32)> = points.iter().map(|&(x, y)| (self.across(x), self.up(y))).collect();
            path.dedup();
            path
        };
        let (line, filled) = match &layer.shape {
            SeriesShape::Line(points) => (path(points), false),
            SeriesShape::Steps(points) => (path(&steps(points)), false),
            SeriesShape::Area(points) => (path(points), true),
            SeriesShape::Bars(bars) => {
                for &(left, right, bottom, top) in bars {
                    let corners = [(self.across(left), self.up(top)), (self.across(right), self.up(bottom))];
                    canvas.area.draw(&Rectangle::new(corners, colour.filled()))?;
                }
                return Ok(());
            }
        };
        if let (true, Some(first), Some(last)) = (filled, line.first(), line.last()) {
            let floor = self.bottom * FINE;
            let area = [(first.0, floor)].into_iter().chain(line.iter().copied()).chain([(last.0, floor)]);
            canvas.area.draw(&Polygon::new(area.collect::<Vec<_>>(), colour.mix(0.14).filled()))?;
        }
        canvas.area.draw(&PathElement::new(line, colour.stroke_width((STROKE * FINE) as u32)))
    }
    /// Named points, each tied to both axes, with the name where there is room.
    fn marks<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB> {
        for mark in &self.panel.marks {
            let at = (self.across(mark.at.0) / FINE, self.up(mark.at.1) / FINE);
            for (from, to) in [((self.left, at.1), at), ((at.0, self.bottom), at)] {
                canvas.dashes(from, to, &SOFT)?;
            }
        }
        for mark in &self.panel.marks {
            let (x, y) = (self.across(mark.at.0), self.up(mark.at.1));
            canvas.area.draw(&Circle::new((x, y), 6 * FINE, PAPER.filled()))?;
            canvas.area.draw(&Circle::new((x, y), 4 * FINE, INK.filled()))?;
            let (x, y, width) = (x / FINE, y / FINE, canvas.width(&mark.label, LABEL));
            let right = x + 14 + width < self.right;
            let (anchor, x) = if right { (HPos::Left, x + 14) } else { (HPos::Right, x - 14) };
            // Below the point: the curve rises to the right.
            let y = if right { (y + 16).min(self.bottom - 14) } else { y - 14 };
            let left = if right { x } else { x - width };
            canvas.block((left - 4, y - 11), (left + width + 4, y + 11), &PAPER.mix(0.8))?;
            canvas.text(&mark.label, (x, y), LABEL, INK, (anchor, VPos::Center))?;
        }
        Ok(())
    }
    /// Above the frame, from the right.
    fn legend<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB> {
        const SWATCH: i32 = 22;
        let mut right = self.right;
        for layer in self.panel.layers.iter().rev().filter(|layer| !layer.label.is_empty()) {
            let left = right - canvas.width(&layer.label, LABEL);
            let y = self.top - 18;
            canvas.text(&layer.label, (left, y), LABEL, INK, (HPos::Left, VPos::Center))?;
            let (from, to) = (left - 8 - SWATCH, left - 8);
            match layer.shape {
                SeriesShape::Bars(_) => canvas.block((to - 14, y - 7), (to, y + 7), &layer.colour.rgb())?,
                _ => canvas.line((from, y), (to, y), &layer.colour.rgb(), 3)?,
            }
            right = from - 22;
        }
        Ok(())
    }
    fn axes<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB> {
        canvas.line((self.left, self.bottom), (self.right, self.bottom), &FRAME, 1)?;
        canvas.line((self.left, self.top), (self.left, self.bottom), &FRAME, 1)?;
        let middle = i32::midpoint(self.left, self.right);
        canvas.text(&self.panel.x.label, (middle, self.bottom + 44), LABEL, SOFT, (HPos::Center, VPos::Top))?;
        let at = (self.left - 82, i32::midpoint(self.top, self.bottom));
        canvas.upright(&self.panel.y.label, at, LABEL, SOFT)
    }
}

/// The corners of a line that is level from each point to the next.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut corners = Vec::with_capacity(2 * points.len());
    for (at, &(x, y)) in points.iter().enumerate() {
        if at > 0 {
            corners.push((x, points[at - 1].1));
        }
        corners.push((x, y));
    }
    corners
}
