//! The canvas: its units, its font and the colours of text and axes.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, DrawingAreaErrorKind, DrawingBackend, RGBColor};
use plotters::style::{FontStyle, IntoFont as _, TextStyle};

/// The font of all text.
pub(crate) const FONT: &str = "sans-serif";

/// Titles and labels.
pub(crate) const INK: RGBColor = RGBColor(34, 34, 34);

/// Axes and their labels.
pub(crate) const AXIS: RGBColor = RGBColor(96, 96, 96);

/// Lines of the mesh.
pub(crate) const GRID: RGBColor = RGBColor(226, 226, 226);

/// Units of the canvas in a pixel: lines are smooth in both formats.
const FINE: u8 = 4;

/// A rectangle of the canvas.
pub(crate) type Area<B> = DrawingArea<B, Shift>;

/// The result of drawing.
pub(crate) type Drawn<B, T = ()> =
    Result<T, DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Converts pixels to units of the canvas.
pub(crate) fn px<T: From<u8> + std::ops::Mul<Output = T>>(pixels: T) -> T {
    pixels * T::from(FINE)
}

/// Returns the style of text of this height in pixels.
pub(crate) fn text(pixels: f64, weight: FontStyle, colour: &RGBColor) -> TextStyle<'_> {
    TextStyle::from((FONT, px(pixels), weight).into_font()).color(colour)
}
