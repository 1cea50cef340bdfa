//! Sizes, colours and the font. Lengths are in points of a canvas of 1280 by 720.

use plotters::style::{FontStyle, RGBColor, register_font};

/// Width of a chart.
pub const WIDTH: i32 = 1280;
/// Height of a chart.
pub const HEIGHT: i32 = 720;
/// Charts are drawn this many times larger and shown at their size, so that edges are smooth.
pub const FINE: i32 = 2;

/// Size of titles.
pub const TITLE: i32 = 29;
/// Size of captions, legends and labels of axes.
pub const LABEL: i32 = 18;
/// Size of numbers on axes.
pub const TICK: i32 = 17;
/// Width of lines.
pub const STROKE: i32 = 2;

/// The background.
pub const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
/// Titles and numbers.
pub const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
/// Captions and labels.
pub const SOFT: RGBColor = RGBColor(0x59, 0x63, 0x6e);
/// Frames.
pub const FRAME: RGBColor = RGBColor(0xaf, 0xb8, 0xc1);
/// Lines across the frame.
pub const GRID: RGBColor = RGBColor(0xe6, 0xea, 0xef);
/// Names of faults.
pub const FAULT: RGBColor = RGBColor(0xb4, 0x4a, 0x00);

/// Violations.
pub const BROKEN: RGBColor = RGBColor(0xb0, 0x00, 0x20);

/// A colour of Okabe and Ito.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Colour {
    /// Demand.
    Orange,
    /// Success.
    Blue,
    /// A second kind of success.
    Sky,
    /// The good part beside a bad one.
    Green,
    /// The bad part.
    Vermillion,
    /// Anything else.
    Purple,
    /// A reference.
    Grey,
}

impl Colour {
    /// Its value.
    #[must_use]
    pub fn rgb(self) -> RGBColor {
        match self {
            Colour::Orange => RGBColor(0xe6, 0x9f, 0x00),
            Colour::Blue => RGBColor(0x00, 0x72, 0xb2),
            Colour::Sky => RGBColor(0x56, 0xb4, 0xe9),
            Colour::Green => RGBColor(0x00, 0x9e, 0x73),
            Colour::Vermillion => RGBColor(0xd5, 0x5e, 0x00),
            Colour::Purple => RGBColor(0xcc, 0x79, 0xa7),
            Colour::Grey => RGBColor(0x8c, 0x95, 0x9f),
        }
    }
}

/// The one font of bitmaps. SVG names the family and leaves the choice to the viewer.
pub const FONT: &str = "sans-serif";

/// Makes the font known to `plotters`, which has none of its own. Doing it again changes nothing.
pub fn load_font() {
    let font = include_bytes!("../../../assets/fonts/DejaVuSans-subset.ttf");
    assert!(register_font(FONT, FontStyle::Normal, font).is_ok(), "the embedded font is a font");
}
