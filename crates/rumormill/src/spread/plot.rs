//! Many runs of a spread on one sheet: informed over time, finishing rounds, growth.

use std::path::Path;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use crate::plot::{AXIS, Area, BLUE, Band, FONT, INK, ORANGE, Sheet, headed, px, quiet};

/// Width and height in pixels.
const SIZE: (u32, u32) = (1440, 560);

/// What is drawn.
#[derive(Debug)]
pub(crate) struct Picture {
    /// What was simulated.
    pub(crate) title: String,
    /// How: runs, engine, seed.
    pub(crate) subtitle: String,
    /// How many nodes could know.
    pub(crate) alive: f64,
    /// Informed nodes, by round.
    pub(crate) informed: Vec<(u32, Band)>,
    /// The exact mean of the same, by round, if it is known.
    pub(crate) exact_informed: Vec<(u32, f64)>,
    /// The share of runs that finished in each round; rounds in rising order.
    pub(crate) finished: Vec<(u32, f64)>,
    /// The exact law of the same, if it is known.
    pub(crate) exact_finished: Vec<(u32, f64)>,
    /// The share of runs that did not finish.
    pub(crate) unfinished: f64,
    /// How many times as many know after a round as before it.
    pub(crate) growth: Vec<(u32, Band)>,
    /// The most that a round can multiply by, where that is known.
    pub(crate) growth_limit: Option<f64>,
}

/// Draws the sheet to a file.
pub(crate) fn save(path: &Path, picture: &Picture) -> anyhow::Result<()> {
    crate::plot::save(path, SIZE, picture)
}

impl Sheet for Picture {
    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let body = headed(area, &self.title, &self.subtitle)?;
        let panels = body.split_evenly((1, 3));
        self.informed(&panels[0])?;
        self.finished(&panels[1])?;
        self.growth(&panels[2])
    }
}

type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

impl Picture {
    fn informed<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let last = self.informed.last().map_or(1, |&(round, _)| round.max(1));
        let mut chart =
            panel(area, "Informed nodes", 0.0..f64::from(last), 0.0..self.alive * 1.04)?;
        mesh(&mut chart, "round", &|y| thousands(*y))?;
        band(&mut chart, &self.informed, BLUE)?;
        line(&mut chart, &self.informed, BLUE, "mean of the runs")?;
        dots(&mut chart, &self.exact_informed, last)?;
        swatch(&mut chart, BLUE, "9 runs of 10")?;
        legend(&mut chart, SeriesLabelPosition::LowerRight)
    }

    fn finished<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let rounds = self.finished.iter().chain(&self.exact_finished);
        let shown = rounds.clone().filter(|(_, share)| *share > 5e-4).map(|&(round, _)| round);
        let (first, last) = (shown.clone().min().unwrap_or(0), shown.max().unwrap_or(1));
        let highest = rounds.map(|&(_, share)| share).fold(0.0, f64::max).max(1e-9);
        if self.finished.is_empty() && self.exact_finished.is_empty() {
            let (_, body) = panel_head(area, "Finishing rounds")?;
            let (width, height) = body.dim_in_pixel();
            let style = (FONT, px(14.0)).into_font().color(&AXIS);
            let place = (width as i32 / 2 - px(90), height as i32 / 2 - px(20));
            body.draw_text("no run came to the goal", &style, place)?;
            return Ok(());
        }
        let left = (f64::from(first) - 1.0).max(-0.6);
        let right = f64::from(last.max(first + 6)) + 1.0;
        let mut chart = panel(area, "Finishing rounds", left..right, 0.0..highest * 1.12)?;
        mesh(&mut chart, "round", &|y| percent(*y))?;
        let bars = self.finished.iter().filter(|(round, _)| (first..=last).contains(round));
        let width = if last - first > 120 { 0.5 } else { 0.38 };
        chart
            .draw_series(bars.map(|&(round, share)| {
                let x = f64::from(round);
                Rectangle::new([(x - width, 0.0), (x + width, share)], BLUE.mix(0.55).filled())
            }))?
            .label("share of the runs")
            .legend(|(x, y)| square(x, y, BLUE.mix(0.55)));
        let exact: Vec<(u32, f64)> = self
            .exact_finished
            .iter()
            .copied()
            .filter(|(round, _)| (first..=last).contains(round))
            .collect();
        if !exact.is_empty() && last - first > 60 {
            let style = ORANGE.stroke_width(px(2));
            chart
                .draw_series(LineSeries::new(exact.iter().map(|&(x, y)| (f64::from(x), y)), style))?
                .label("exact")
                .legend(move |(x, y)| PathElement::new([(x, y), (x + px(22), y)], style));
        } else {
            dots(&mut chart, &exact, last)?;
        }
        if self.unfinished > 0.0 {
            // An empty series: the legend alone says it.
            let text = format!("{} never finished", percent(self.unfinished));
            chart
                .draw_series(std::iter::empty::<Circle<(f64, f64), u32>>())?
                .label(text)
                .legend(|(x, y)| square(x, y, TRANSPARENT));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    }

    fn growth<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let last = self.growth.last().map_or(1, |&(round, _)| round.max(1));
        let highest = self.growth.iter().map(|(_, band)| band.high).fold(2.0, f64::max);
        let range = (1.0 - 0.04 * (highest - 1.0))..(1.0 + 1.28 * (highest - 1.0));
        let mut chart = panel(area, "Growth", 0.0..f64::from(last), range)?;
        mesh(&mut chart, "round", &|y| format!("×{}", crate::term::format::number(*y, 3)))?;
        if let Some(limit) = self.growth_limit.filter(|&limit| limit < highest * 1.1) {
            let style = AXIS.stroke_width(px(1));
            let points = [(0.0, limit), (f64::from(last), limit)];
            chart
                .draw_series(DashedLineSeries::new(points, px(6), px(5), style))?
                .label(format!("at most ×{}", crate::term::format::number(limit, 3)))
                .legend(move |(x, y)| PathElement::new([(x, y), (x + px(22), y)], style));
        }
        band(&mut chart, &self.growth, BLUE)?;
        line(&mut chart, &self.growth, BLUE, "mean of the runs")?;
        swatch(&mut chart, BLUE, "9 runs of 10")?;
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    }
}

/// A panel's title, and the area under it.
fn panel_head<B: DrawingBackend>(area: &Area<B>, title: &str) -> anyhow::Result<(Area<B>, Area<B>)>
where
    B::ErrorType: 'static,
{
    let (head, body) = area.split_vertically(px(34));
    head.draw_text(title, &(FONT, px(17.0)).into_font().color(&INK), (px(78), px(10)))?;
    Ok((head, body))
}

fn panel<'a, B: DrawingBackend + 'a>(
    area: &Area<B>,
    title: &str,
    x: std::ops::Range<f64>,
    y: std::ops::Range<f64>,
) -> anyhow::Result<Chart<'a, B>>
where
    B::ErrorType: 'static,
{
    let (_, body) = panel_head(area, title)?;
    Ok(ChartBuilder::on(&body)
        .margin(px(14))
        .margin_top(px(4))
        .margin_right(px(22))
        .x_label_area_size(px(44))
        .y_label_area_size(px(64))
        .build_cartesian_2d(x, y)?)
}

fn mesh<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    x: &str,
    y_label: &dyn Fn(&f64) -> String,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    quiet(&mut chart.configure_mesh())
        .x_desc(x)
        .x_labels(9)
        .y_labels(8)
        .x_label_formatter(&|x| thousands(*x))
        .y_label_formatter(y_label)
        .set_all_tick_mark_size(px(4))
        .disable_x_mesh()
        .draw()?;
    Ok(())
}

/// Where 90 % of the runs lie, as a ribbon.
fn band<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    points: &[(u32, Band)],
    colour: RGBColor,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let lower = points.iter().map(|&(round, band)| (f64::from(round), band.low));
    let upper = points.iter().rev().map(|&(round, band)| (f64::from(round), band.high));
    let outline: Vec<(f64, f64)> = lower.chain(upper).collect();
    chart.draw_series([Polygon::new(outline, colour.mix(0.22))])?;
    Ok(())
}

/// The ribbon's place in the legend.
fn swatch<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    colour: RGBColor,
    label: &str,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    chart
        .draw_series(std::iter::empty::<Circle<(f64, f64), u32>>())?
        .label(label)
        .legend(move |(x, y)| square(x, y, colour.mix(0.22)));
    Ok(())
}

fn line<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    points: &[(u32, Band)],
    colour: RGBColor,
    label: &str,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let style = colour.stroke_width(px(2));
    let means = points.iter().map(|&(round, band)| (f64::from(round), band.mean));
    chart
        .draw_series(LineSeries::new(means, style))?
        .label(label)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + px(22), y)], style));
    Ok(())
}

/// The exact values, as dots; as many as can be told apart.
fn dots<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    points: &[(u32, f64)],
    last: u32,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    if points.is_empty() {
        return Ok(());
    }
    let step = points.len().div_ceil(40);
    let shown = points.iter().step_by(step).filter(|(round, _)| *round <= last);
    chart
        .draw_series(
            shown.map(|&(round, y)| Circle::new((f64::from(round), y), px(3), ORANGE.filled())),
        )?
        .label("exact")
        .legend(|(x, y)| Circle::new((x + px(11), y), px(3), ORANGE.filled()));
    Ok(())
}

fn square(x: i32, y: i32, colour: RGBAColor) -> Rectangle<(i32, i32)> {
    Rectangle::new([(x + px(2), y - px(6)), (x + px(20), y + px(6))], colour.filled())
}

fn legend<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    position: SeriesLabelPosition,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    chart
        .configure_series_labels()
        .position(position)
        .margin(px(10))
        .legend_area_size(px(28))
        .label_font((FONT, px(13)).into_font().color(&INK))
        .background_style(WHITE.mix(0.9))
        .border_style(TRANSPARENT)
        .draw()?;
    Ok(())
}

fn percent(share: f64) -> String {
    format!("{} %", crate::term::format::number(share * 100.0, 3))
}

/// `12`, `4,096`, `1.5e9`.
fn thousands(x: f64) -> String {
    if x < 0.0 {
        return String::new();
    }
    if x.abs() >= 1e7 || x.fract() != 0.0 {
        return if x.abs() >= 1e7 { format!("{x:e}") } else { crate::term::format::number(x, 4) };
    }
    crate::term::format::grouped(x as u64)
}
