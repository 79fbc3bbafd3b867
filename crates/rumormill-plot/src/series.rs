//! What is drawn in a panel: lines, bands, bars, dots.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Cartesian2d, ChartContext, Circle, Color as _, DashedLineSeries, DrawingBackend, LineSeries,
    PathElement, Polygon, Rectangle,
};

use crate::canvas::{Area, Drawn, px};

pub use plotters::style::RGBColor as Colour;

/// Colours that colour-blind readers can tell apart (Okabe and Ito).
pub const COLOURS: [Colour; 7] = [
    Colour(230, 159, 0),
    Colour(86, 180, 233),
    Colour(0, 158, 115),
    Colour(204, 121, 167),
    Colour(213, 94, 0),
    Colour(0, 114, 178),
    Colour(150, 130, 20),
];

/// Measured values.
pub const BLUE: Colour = COLOURS[5];
/// Exact values beside measured ones.
pub const ORANGE: Colour = COLOURS[4];
/// A third series.
pub const GREEN: Colour = COLOURS[2];
/// A fourth series.
pub const PURPLE: Colour = COLOURS[3];
/// A second shade of blue.
pub const SKY: Colour = COLOURS[1];
/// References: theory, limits, zero.
pub const BLACK: Colour = crate::canvas::INK;
/// Events of no particular kind.
pub const GREY: Colour = crate::canvas::AXIS;

/// A series of points, how it is drawn and its entry in the legend.
#[derive(Clone, Debug)]
pub struct Series {
    shape: Shape,
    points: Vec<(f64, f64)>,
    colour: Colour,
    opacity: f64,
    /// Width of lines and radius of circles, in pixels.
    size: u8,
    pub(crate) label: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Line,
    Dashed,
    /// A closed outline, filled.
    Polygon,
    /// Bars from 0, of this half-width.
    Bars(f64),
    Dots,
    Rings,
    /// Two corners each, filled, behind the mesh.
    Blocks,
}

pub(crate) type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

impl Series {
    fn new(shape: Shape, points: Vec<(f64, f64)>, colour: Colour) -> Self {
        Self { shape, points, colour, opacity: 1.0, size: 2, label: None }
    }

    /// Returns a line through the points. A value that is not a number makes a gap.
    pub fn line(points: impl IntoIterator<Item = (f64, f64)>, colour: Colour) -> Self {
        Self::new(Shape::Line, points.into_iter().collect(), colour)
    }

    /// Returns a dashed line through the points.
    pub fn dashed(points: impl IntoIterator<Item = (f64, f64)>, colour: Colour) -> Self {
        Self::new(Shape::Dashed, points.into_iter().collect(), colour)
    }

    /// Returns a line that keeps its value until the next point, and from the last one to `end`.
    pub fn steps(points: impl IntoIterator<Item = (f64, f64)>, end: f64, colour: Colour) -> Self {
        let mut corners: Vec<(f64, f64)> = Vec::new();
        for (x, y) in points {
            corners.extend(corners.last().map(|&(_, before)| (x, before)));
            corners.push((x, y));
        }
        corners.extend(corners.last().map(|&(_, last)| (end, last)));
        Self::new(Shape::Line, corners, colour)
    }

    /// Returns the area between two values at each x: `(x, lower, upper)`.
    pub fn band(points: impl IntoIterator<Item = (f64, f64, f64)>, colour: Colour) -> Self {
        let points: Vec<(f64, f64, f64)> = points.into_iter().collect();
        let lower = points.iter().map(|&(x, lower, _)| (x, lower));
        let upper = points.iter().rev().map(|&(x, _, upper)| (x, upper));
        Self::new(Shape::Polygon, lower.chain(upper).collect(), colour).opacity(0.22)
    }

    /// Returns bars from 0 to each point, of this width.
    pub fn bars(points: impl IntoIterator<Item = (f64, f64)>, width: f64, colour: Colour) -> Self {
        let points = points.into_iter().collect();
        Self::new(Shape::Bars(width / 2.0), points, colour).opacity(0.55)
    }

    /// Returns filled circles.
    pub fn dots(points: impl IntoIterator<Item = (f64, f64)>, colour: Colour) -> Self {
        Self::new(Shape::Dots, points.into_iter().collect(), colour).size(3)
    }

    /// Returns circles with room for a dot inside.
    pub fn rings(points: impl IntoIterator<Item = (f64, f64)>, colour: Colour) -> Self {
        Self::new(Shape::Rings, points.into_iter().collect(), colour).size(6)
    }

    /// Returns a rectangle between two corners, behind the mesh.
    #[must_use]
    pub fn block(from: (f64, f64), to: (f64, f64), colour: Colour) -> Self {
        Self::new(Shape::Blocks, vec![from, to], colour)
    }

    /// Returns an entry of the legend without anything in the chart.
    #[must_use]
    pub fn note(label: impl Into<String>) -> Self {
        Self::new(Shape::Line, Vec::new(), BLACK).opacity(0.0).labelled(label)
    }

    /// Adds an entry to the legend.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the opacity, 0 to 1.
    #[must_use]
    pub fn opacity(mut self, opacity: f64) -> Self {
        self.opacity = opacity;
        self
    }

    /// Sets the width of the line or the radius of the circles, in pixels.
    #[must_use]
    pub fn size(mut self, pixels: u8) -> Self {
        self.size = pixels;
        self
    }

    /// Returns whether it lies behind the mesh.
    pub(crate) fn is_behind(&self) -> bool {
        self.shape == Shape::Blocks
    }

    /// Draws the points, whose values `y` converts to the axis.
    pub(crate) fn draw<B: DrawingBackend>(
        &self,
        chart: &mut Chart<'_, B>,
        y: impl Fn(f64) -> f64,
    ) -> Drawn<B> {
        let points: Vec<(f64, f64)> = self.points.iter().map(|&(x, value)| (x, y(value))).collect();
        let colour = self.colour.mix(self.opacity);
        let (size, style) = (px(i32::from(self.size)), colour.stroke_width(px(self.size.into())));
        match self.shape {
            Shape::Line => {
                let pieces = points.split(|(_, y)| y.is_nan()).filter(|piece| !piece.is_empty());
                for piece in pieces {
                    chart.draw_series(LineSeries::new(piece.iter().copied(), style))?;
                }
            }
            Shape::Dashed => {
                chart.draw_series(DashedLineSeries::new(points, px(7), px(5), style))?;
            }
            Shape::Polygon => {
                chart.draw_series([Polygon::new(points, colour)])?;
            }
            Shape::Bars(half) => {
                chart.draw_series(points.iter().map(|&(x, top)| {
                    Rectangle::new([(x - half, y(0.0)), (x + half, top)], colour.filled())
                }))?;
            }
            Shape::Dots => {
                let dot = |&at| Circle::new(at, size, colour.filled());
                chart.draw_series(points.iter().map(dot))?;
            }
            Shape::Rings => {
                let ring = |&at| Circle::new(at, size, colour.stroke_width(px(2)));
                chart.draw_series(points.iter().map(ring))?;
            }
            Shape::Blocks => {
                let block = |corners: &[(f64, f64)]| {
                    Rectangle::new([corners[0], corners[1]], colour.filled())
                };
                chart.draw_series(points.chunks_exact(2).map(block))?;
            }
        }
        Ok(())
    }

    /// Draws a sample for the legend: 22 pixels wide from `x`, around `y`.
    pub(crate) fn sample<B: DrawingBackend>(&self, area: &Area<B>, x: i32, y: i32) -> Drawn<B> {
        let colour = self.colour.mix(self.opacity);
        let (size, style) = (px(i32::from(self.size)), colour.stroke_width(px(self.size.into())));
        match self.shape {
            Shape::Line => area.draw(&PathElement::new([(x, y), (x + px(22), y)], style)),
            Shape::Dashed => [0, 13].into_iter().try_for_each(|from| {
                area.draw(&PathElement::new([(x + px(from), y), (x + px(from + 9), y)], style))
            }),
            Shape::Dots => area.draw(&Circle::new((x + px(11), y), size, colour.filled())),
            Shape::Rings => {
                area.draw(&Circle::new((x + px(11), y), size, colour.stroke_width(px(2))))
            }
            Shape::Polygon | Shape::Bars(_) | Shape::Blocks => {
                let corners = [(x + px(2), y - px(6)), (x + px(20), y + px(6))];
                area.draw(&Rectangle::new(corners, colour.filled()))
            }
        }
    }
}
