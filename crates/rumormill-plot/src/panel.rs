//! One chart: a title, two axes, series and a legend.

use std::ops::Range;

use plotters::prelude::{ChartBuilder, Color as _, DrawingBackend, Rectangle, TRANSPARENT, WHITE};
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::canvas::{AXIS, Area, Drawn, GRID, INK, px, text};
use crate::number::number;
use crate::series::Series;

/// Pixels from the left edge to the charts of a sheet, and from the charts to the right edge.
pub(crate) const LEFT: u32 = 78;
pub(crate) const RIGHT: u32 = 22;

/// Pixels around a chart.
const MARGIN: u32 = 14;
/// Height of a panel's title in pixels.
const HEAD: u32 = 32;

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    name: String,
    range: Range<f64>,
    log: bool,
    labels: usize,
    text: fn(f64) -> String,
}

impl Axis {
    /// Returns an axis from the start of the range to its end.
    #[must_use]
    pub fn new(range: Range<f64>) -> Self {
        Self { name: String::new(), range, log: false, labels: 9, text: |x| number(x, 4) }
    }

    /// Returns a logarithmic axis, for the y axis only; both ends are positive.
    #[must_use]
    pub fn log(range: Range<f64>) -> Self {
        Self { log: true, labels: 18, text: crate::number::power, ..Self::new(range) }
    }

    /// Sets what stands beside the axis.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sets how many labels there may be, and how one is written.
    #[must_use]
    pub fn labels(mut self, most: usize, text: fn(f64) -> String) -> Self {
        (self.labels, self.text) = (most, text);
        self
    }

    /// Converts a value to the axis.
    fn place(&self, value: f64) -> f64 {
        if self.log { value.log10() } else { value }
    }

    /// Returns the text at a place of the axis.
    fn label(&self, place: f64) -> String {
        match self.log {
            true if (place - place.round()).abs() > 1e-6 => String::new(),
            true => (self.text)(10f64.powf(place.round())),
            false => (self.text)(place),
        }
    }
}

/// The place of a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Legend {
    /// In the line of the panel's title, at its right end.
    Above,
    /// Inside the chart, in its lower left corner.
    LowerLeft,
    /// Inside the chart, in its lower right corner.
    LowerRight,
    /// Inside the chart, in its upper right corner.
    UpperRight,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Panel {
    title: String,
    x: Axis,
    y: Axis,
    legend: Legend,
    series: Vec<Series>,
}

impl Panel {
    /// Returns a chart of these series, the first one at the bottom. Without a title it is higher.
    #[must_use]
    pub fn new(title: &str, x: Axis, y: Axis, legend: Legend, series: Vec<Series>) -> Self {
        Self { title: title.to_owned(), x, y, legend, series }
    }

    pub(crate) fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn<B> {
        let beside = if self.y.name.is_empty() { 0 } else { MARGIN };
        let mut body = area.clone();
        if !self.title.is_empty() {
            let head;
            (head, body) = area.split_vertically(px(HEAD));
            let style = text(16.0, FontStyle::Normal, &INK);
            head.draw_text(&self.title, &style, (px(LEFT as i32), px(9)))?;
            if self.legend == Legend::Above {
                self.legend_in_a_row(&head)?;
            }
        }
        let below = if self.x.name.is_empty() { (0, 18) } else { (MARGIN, 44) };
        let (low, high) = (self.y.place(self.y.range.start), self.y.place(self.y.range.end));
        let mut chart = ChartBuilder::on(&body)
            .margin_top(px(4))
            .margin_left(px(beside))
            .margin_right(px(RIGHT))
            .margin_bottom(px(below.0))
            .x_label_area_size(px(below.1))
            .y_label_area_size(px(LEFT))
            .build_cartesian_2d(self.x.range.clone(), low..high)?;
        for series in self.series.iter().filter(|series| series.is_behind()) {
            series.draw(&mut chart, |y| self.y.place(y))?;
        }
        // Labels of a logarithmic axis stand at whole powers of ten.
        let decades = (high - low).floor() as usize + 1;
        let labels = if self.y.log { self.y.labels.min(decades) } else { self.y.labels };
        chart
            .configure_mesh()
            .x_desc(&self.x.name)
            .y_desc(&self.y.name)
            .x_labels(self.x.labels)
            .y_labels(labels)
            .x_label_formatter(&|x| self.x.label(*x))
            .y_label_formatter(&|y| self.y.label(*y))
            .label_style(text(13.0, FontStyle::Normal, &AXIS))
            .axis_desc_style(text(14.0, FontStyle::Normal, &AXIS))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(px(1)))
            .axis_style(AXIS.stroke_width(px(1)))
            .set_all_tick_mark_size(px(4))
            .disable_x_mesh()
            .draw()?;
        for series in self.series.iter().filter(|series| !series.is_behind()) {
            series.draw(&mut chart, |y| self.y.place(y))?;
        }
        if self.legend != Legend::Above {
            self.legend_in_a_box(&chart.plotting_area().strip_coord_spec())?;
        }
        Ok(())
    }

    /// Returns the series of the legend, each with its label and the label's width.
    fn entries<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn<B, Vec<(&Series, &str, i32)>> {
        let style = text(13.0, FontStyle::Normal, &INK);
        let named =
            self.series.iter().filter_map(|series| Some((series, series.label.as_deref()?)));
        named
            .map(|(series, label)| {
                Ok((series, label, area.estimate_text_size(label, &style)?.0 as i32))
            })
            .collect()
    }

    fn legend_in_a_row<B: DrawingBackend>(&self, head: &Area<B>) -> Drawn<B> {
        let mut right = head.dim_in_pixel().0 as i32 - px(RIGHT as i32);
        for (series, label, width) in self.entries(head)?.into_iter().rev() {
            right -= width;
            entry(head, series, label, right - px(28), px(15))?;
            right -= px(48);
        }
        Ok(())
    }

    fn legend_in_a_box<B: DrawingBackend>(&self, chart: &Area<B>) -> Drawn<B> {
        let entries = self.entries(chart)?;
        let Some(widest) = entries.iter().map(|(.., width)| *width).max() else { return Ok(()) };
        let (row, pad, gap) = (px(20), px(6), px(10));
        let (width, height) = (widest + px(28) + 2 * pad, entries.len() as i32 * row + pad);
        let (right, bottom) = chart.dim_in_pixel();
        let left = if self.legend == Legend::LowerLeft { gap } else { right as i32 - width - gap };
        let top =
            if self.legend == Legend::UpperRight { gap } else { bottom as i32 - height - gap };
        let corners = [(left, top), (left + width, top + height)];
        chart.draw(&Rectangle::new(corners, WHITE.mix(0.9).filled()))?;
        for (at, (series, label, _)) in (0..).zip(entries) {
            let y = top + pad / 2 + row / 2 + at * row;
            entry(chart, series, label, left + pad, y)?;
        }
        Ok(())
    }
}

/// Draws an entry of a legend: its sample at `x`, its label to the right.
fn entry<B: DrawingBackend>(
    area: &Area<B>,
    series: &Series,
    label: &str,
    x: i32,
    y: i32,
) -> Drawn<B> {
    series.sample(area, x, y)?;
    let style = text(13.0, FontStyle::Normal, &INK).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(label, &style, (x + px(28), y + px(2)))
}
