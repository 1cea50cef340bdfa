//! The canvas of charts, as SVG or as a bitmap.

use super::theme::{FINE, FONT, INK, PAPER, load_font};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::io::{self, Write};

/// Red, green, blue.
const CHANNELS: usize = 3;

/// The error of a backend that cannot draw.
pub type DrawResult<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Something that can be drawn.
pub trait Picture {
    /// Width and height, in points.
    fn size(&self) -> (i32, i32);
    /// Draws it onto a white canvas of its size.
    ///
    /// # Errors
    /// Those of the backend.
    fn draw<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> DrawResult<DB>;
}

/// The picture as SVG. Texts are in the viewer's sans-serif font.
#[must_use]
pub fn svg(picture: &impl Picture) -> String {
    let (shown_width, shown_height) = picture.size();
    let (width, height) = ((shown_width * FINE) as u32, (shown_height * FINE) as u32);
    let mut text = String::new();
    draw(picture, SVGBackend::with_string(&mut text, (width, height))).expect("a string takes everything");
    // Drawn large for precision, shown at its size.
    let large = format!("<svg width=\"{width}\" height=\"{height}\"");
    text.replacen(&large, &format!("<svg width=\"{shown_width}\" height=\"{shown_height}\""), 1)
}

/// Writes the picture as PNG.
///
/// # Errors
/// Those of `out`.
pub fn png(picture: &impl Picture, out: &mut dyn Write) -> io::Result<()> {
    let (width, height) = (picture.size().0 as usize, picture.size().1 as usize);
    let fine = FINE as usize;
    let mut large = vec![0u8; width * height * fine * fine * CHANNELS];
    let backend = BitMapBackend::with_buffer(&mut large, ((width * fine) as u32, (height * fine) as u32));
    draw(picture, backend).expect("a bitmap takes everything");
    let mut small = vec![0u8; width * height * CHANNELS];
    for (at, byte) in small.iter_mut().enumerate() {
        let (pixel, channel) = (at / CHANNELS, at % CHANNELS);
        let (x, y) = (pixel % width, pixel / width);
        let fine_at = |dx: usize, dy: usize| {
            u32::from(large[((y * fine + dy) * width * fine + x * fine + dx) * CHANNELS + channel])
        };
        let sum: u32 = (0..fine * fine).map(|part| fine_at(part % fine, part / fine)).sum();
        *byte = (sum / (fine * fine) as u32) as u8;
    }
    let mut encoder = png::Encoder::new(out, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Best);
    encoder.set_filter(png::FilterType::NoFilter);
    encoder.write_header()?.write_image_data(&small)?;
    Ok(())
}

fn draw<DB: DrawingBackend>(picture: &impl Picture, backend: DB) -> DrawResult<DB> {
    load_font();
    let canvas = Canvas { area: backend.into_drawing_area() };
    canvas.area.fill(&PAPER)?;
    picture.draw(&canvas)?;
    canvas.area.present()
}

/// Cuts a text into lines of at most `most` characters, between words.
#[must_use]
pub fn wrap(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("a line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > most {
            lines.push(word.to_owned());
        } else {
            *line = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        }
    }
    lines
}

/// Where everything is drawn. Takes points of the theme's canvas.
pub struct Canvas<DB: DrawingBackend> {
    /// Takes fine points.
    pub area: DrawingArea<DB, Shift>,
}

impl<DB: DrawingBackend> Canvas<DB> {
    /// Writes a text at a point.
    ///
    /// # Errors
    /// Those of the backend, here and below.
    pub fn text(
        &self,
        text: &str,
        at: (i32, i32),
        size: i32,
        colour: RGBColor,
        anchor: (HPos, VPos),
    ) -> DrawResult<DB> {
        let style = (FONT, size * FINE).into_font().color(&colour).pos(Pos::new(anchor.0, anchor.1));
        self.area.draw_text(text, &style, (at.0 * FINE, at.1 * FINE))
    }
    /// Upwards, around `at`.
    pub fn upright(&self, text: &str, at: (i32, i32), size: i32, colour: RGBColor) -> DrawResult<DB> {
        let font = (FONT, size * FINE).into_font().transform(FontTransform::Rotate270);
        let style = font.color(&colour).pos(Pos::new(HPos::Center, VPos::Center));
        self.area.draw_text(text, &style, (at.0 * FINE, at.1 * FINE))
    }
    /// How wide a text is.
    pub fn width(&self, text: &str, size: i32) -> i32 {
        let style = (FONT, size * FINE).into_font().color(&INK);
        self.area.estimate_text_size(text, &style).map_or(0, |(width, _)| width as i32 / FINE)
    }
    /// The text, cut so that it is at most `most` wide.
    pub fn fitted(&self, text: &str, size: i32, most: i32) -> String {
        if self.width(text, size) <= most {
            return text.to_owned();
        }
        let mut short: Vec<char> = text.chars().collect();
        while short.pop().is_some() {
            let cut: String = short.iter().collect::<String>().trim_end().to_owned() + "…";
            if self.width(&cut, size) <= most {
                return if short.len() < 3 { String::new() } else { cut };
            }
        }
        String::new()
    }
    /// A straight line.
    pub fn line(&self, from: (i32, i32), to: (i32, i32), colour: &impl Color, width: i32) -> DrawResult<DB> {
        let ends = [from, to].map(|(x, y)| (x * FINE, y * FINE));
        self.area.draw(&PathElement::new(ends, colour.stroke_width((width * FINE) as u32)))
    }
    /// A filled rectangle.
    pub fn block(&self, from: (i32, i32), to: (i32, i32), colour: &impl Color) -> DrawResult<DB> {
        let corners = [from, to].map(|(x, y)| (x * FINE, y * FINE));
        self.area.draw(&Rectangle::new(corners, colour.filled()))
    }
    /// A dashed line, level or upright.
    pub fn dashes(&self, from: (i32, i32), to: (i32, i32), colour: &impl Color) -> DrawResult<DB> {
        const DASH: i32 = 5;
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let length = dx.abs().max(dy.abs());
        let point = |along: i32| (from.0 + dx.signum() * along, from.1 + dy.signum() * along);
        for start in (0..length).step_by(2 * DASH as usize) {
            self.line(point(start), point((start + DASH).min(length)), colour, 1)?;
        }
        Ok(())
    }
}
