//! Errors by round, on a logarithmic axis.

use std::path::Path;

use plotters::coord::combinators::{IntoLogRange, LogCoord};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::plot::{Area, BLUE, Band, FONT, INK, ORANGE, Sheet, headed, px, quiet};

/// Width and height in pixels.
const SIZE: (u32, u32) = (960, 600);

/// Below this, errors are rounding.
const FLOOR: f64 = 1e-17;

/// A band at a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) round: u32,
    pub(crate) band: Band,
}

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Picture {
    /// What was simulated.
    pub(crate) title: String,
    /// Under which conditions, and how.
    pub(crate) subtitle: String,
    /// The mean node's relative error.
    pub(crate) mean: Vec<Point>,
    /// The worst node's relative error.
    pub(crate) worst: Vec<Point>,
    /// The theory's error at the start, and its factor a round.
    pub(crate) slope: Option<(f64, f64)>,
    /// Whether the theory is of what was simulated.
    pub(crate) applies: bool,
    /// How many runs there were.
    pub(crate) runs: u64,
}

/// Draws the sheet to a file.
pub(crate) fn save(path: &Path, picture: &Picture) -> anyhow::Result<()> {
    crate::plot::save(path, SIZE, picture)
}

type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, LogCoord<f64>>>;

impl Sheet for Picture {
    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let body = headed(area, &self.title, &self.subtitle)?;
        let last = self.mean.last().map_or(1, |point| point.round.max(1));
        let (low, high) = self.range();
        let mut chart = ChartBuilder::on(&body)
            .margin(px(18))
            .margin_top(px(4))
            .margin_right(px(28))
            .x_label_area_size(px(46))
            .y_label_area_size(px(78))
            .build_cartesian_2d(0.0..f64::from(last), (low..high).log_scale())?;
        quiet(&mut chart.configure_mesh())
            .x_desc("round")
            .y_desc("relative error")
            .x_labels(11)
            .y_labels(12)
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| power(*y))
            .set_all_tick_mark_size(px(4))
            .draw()?;
        self.curve(&mut chart, &self.worst, ORANGE, "worst node")?;
        self.curve(&mut chart, &self.mean, BLUE, "mean node")?;
        self.theory(&mut chart, last, low)?;
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .margin(px(10))
            .legend_area_size(px(30))
            .label_font((FONT, px(14)).into_font().color(&INK))
            .background_style(WHITE.mix(0.9))
            .border_style(TRANSPARENT)
            .draw()?;
        Ok(())
    }
}

impl Picture {
    /// Whole decades around all that is drawn.
    fn range(&self) -> (f64, f64) {
        let bands = || self.mean.iter().chain(&self.worst).map(|point| point.band);
        let drawn = bands().flat_map(|band| [band.mean, band.low, band.high]);
        let drawn = drawn.filter(|&x| x >= FLOOR);
        let (low, high) =
            drawn.fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = if high > 0.0 { (low, high) } else { (0.1, 1.0) };
        let decade = |x: f64| 10f64.powf(x);
        let top = decade(high.log10().ceil());
        (decade(low.log10().floor()).min(top / 100.0), top)
    }

    fn curve<'a, B: DrawingBackend + 'a>(
        &self,
        chart: &mut Chart<'a, B>,
        points: &[Point],
        colour: RGBColor,
        label: &str,
    ) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        // A logarithm has no place for an error of 0: the curve ends there.
        let shown: Vec<&Point> = points.iter().take_while(|p| p.band.mean >= FLOOR).collect();
        if self.runs > 1 {
            let edge = |p: &&Point, y: f64| (f64::from(p.round), y.max(FLOOR));
            let lower = shown.iter().map(|p| edge(p, p.band.low));
            let upper = shown.iter().rev().map(|p| edge(p, p.band.high));
            let outline: Vec<(f64, f64)> = lower.chain(upper).collect();
            chart.draw_series([Polygon::new(outline, colour.mix(0.2))])?;
        }
        let style = colour.stroke_width(px(2));
        let line = shown.iter().map(|p| (f64::from(p.round), p.band.mean));
        let band = if self.runs > 1 { ", and 9 of 10 runs" } else { "" };
        chart
            .draw_series(LineSeries::new(line, style))?
            .label(format!("{label}{band}"))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + px(24), y)], style));
        Ok(())
    }

    fn theory<'a, B: DrawingBackend + 'a>(
        &self,
        chart: &mut Chart<'a, B>,
        last: u32,
        low: f64,
    ) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let Some((start, factor)) = self.slope else { return Ok(()) };
        let style = INK.stroke_width(px(2));
        let points: Vec<(f64, f64)> = (0..=last)
            .map(|round| (f64::from(round), start * factor.powf(f64::from(round))))
            .take_while(|&(_, y)| y >= low)
            .collect();
        let what = if self.applies { "theory" } else { "theory, complete graph without faults" };
        let label = format!("{what}: ×{} a round", crate::term::format::number(factor, 4));
        chart.draw_series(DashedLineSeries::new(points, px(7), px(6), style))?.label(label).legend(
            move |(x, y)| {
                let dash = |from: i32| [(x + px(from), y), (x + px(from + 9), y)];
                let mut path = dash(0).to_vec();
                path.extend(dash(15));
                PathElement::new(path, style)
            },
        );
        Ok(())
    }
}

/// `1`, `0.1`, `1e-6`.
fn power(y: f64) -> String {
    let exponent = y.log10().round() as i32;
    match exponent {
        -2..=3 => crate::term::format::number(10f64.powi(exponent), 3),
        _ => format!("1e{exponent}"),
    }
}
