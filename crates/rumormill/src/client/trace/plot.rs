//! One rumor's spread among real nodes, over time, with the exact mean beside it.

use std::path::Path;

use plotters::prelude::*;

use crate::plot::{Area, BLUE, FONT, GRID, INK, ORANGE, Sheet, headed, px, quiet};

/// Width and height in pixels.
const SIZE: (u32, u32) = (960, 560);

/// What is drawn.
pub(crate) struct Picture<'a> {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    /// The share of the nodes that knew it, from each time in milliseconds on.
    pub(crate) heard: &'a [(f64, f64)],
    /// The exact mean share at the end of each round; empty if there is none.
    pub(crate) exact: Vec<(f64, f64)>,
}

/// Draws the sheet to a file.
pub(crate) fn save(path: &Path, picture: &Picture<'_>) -> anyhow::Result<()> {
    crate::plot::save(path, SIZE, picture)
}

impl Sheet for Picture<'_> {
    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let body = headed(area, &self.title, &self.subtitle)?;
        let times = self.heard.iter().chain(&self.exact).map(|&(time, _)| time);
        let last = times.fold(1.0, f64::max) * 1.05;
        let mut chart = ChartBuilder::on(&body)
            .margin(px(14))
            .margin_right(px(22))
            .x_label_area_size(px(48))
            .y_label_area_size(px(64))
            .build_cartesian_2d(0.0..last, 0.0..1.04)?;
        quiet(&mut chart.configure_mesh())
            .x_desc("milliseconds since it was told")
            .y_desc("nodes that know it")
            .y_label_formatter(&|share| format!("{:.0} %", share * 100.0))
            .draw()?;
        let measured = BLUE.stroke_width(px(2));
        chart
            .draw_series(LineSeries::new(steps(self.heard, last), measured))?
            .label("measured")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + px(22), y)], measured));
        if !self.exact.is_empty() {
            let dot = |at| Circle::new(at, px(4), ORANGE.filled());
            chart
                .draw_series(self.exact.iter().map(|&at| dot(at)))?
                .label("exact mean at the end of each round")
                .legend(|(x, y)| Circle::new((x + px(11), y), px(4), ORANGE.filled()));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .margin(px(14))
            .legend_area_size(px(30))
            .label_font((FONT, px(14)).into_font().color(&INK))
            .background_style(WHITE.mix(0.9))
            .border_style(GRID)
            .draw()?;
        Ok(())
    }
}

/// A staircase through the points, up to `last`.
fn steps(points: &[(f64, f64)], last: f64) -> Vec<(f64, f64)> {
    let mut line = vec![(0.0, 0.0)];
    let mut share = 0.0;
    for &(time, next) in points {
        line.extend([(time, share), (time, next)]);
        share = next;
    }
    line.push((last, share));
    line
}
