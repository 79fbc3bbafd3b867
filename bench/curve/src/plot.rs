//! All four on one sheet, as SVG or PNG: the curves, and how far they are from the exact one.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

use crate::{Curve, Exact, RoundModel, Setting};

/// Width and height in pixels.
const SIZE: (u32, u32) = (1040, 560);

/// Units of the canvas in a pixel, so that lines are smooth in both formats.
const FINE: u32 = 4;

const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(34, 34, 34);
const AXIS: RGBColor = RGBColor(96, 96, 96);
const GRID: RGBColor = RGBColor(226, 226, 226);
// Colours that stay apart for the colour-blind (Okabe and Ito).
const MODEL: RGBColor = RGBColor(86, 180, 233);
const NETWORK: RGBColor = RGBColor(0, 114, 178);
const AGENTS: RGBColor = RGBColor(213, 94, 0);

/// What is drawn.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What was asked.
    pub setting: Setting,
    /// The theory's answer.
    pub exact: Exact,
    /// The round model's.
    pub model: RoundModel,
    /// The virtual network's.
    pub network: Curve,
    /// The agents'.
    pub agents: Curve,
}

/// A mark at a point; a dot inside a ring shows both.
#[derive(Clone, Copy)]
enum Mark {
    Dot,
    Ring,
}

type Area<B> = DrawingArea<B, Shift>;
type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn px<T: From<u8> + std::ops::Mul<Output = T>>(pixels: T) -> T {
    pixels * T::from(FINE as u8)
}

/// Refuses a name that says no format, before any work is done for it.
///
/// # Errors
/// If the name ends neither in `.svg` nor in `.png`.
pub fn check(path: &Path) -> anyhow::Result<()> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg" | "png") => Ok(()),
        _ => bail!("--plot {}: the name must end in .svg or .png", path.display()),
    }
}

/// Draws to a file, in the format that its name asks for.
///
/// # Errors
/// If the name ends neither in `.svg` nor in `.png`, or cannot be written.
pub fn save(path: &Path, picture: &Picture) -> anyhow::Result<()> {
    check(path)?;
    register_font(FONT, FontStyle::Normal, dejavu::sans::regular())
        .and_then(|()| register_font(FONT, FontStyle::Bold, dejavu::sans::bold()))
        .map_err(|_| anyhow!("the built-in font cannot be read"))?;
    let is_png = path.extension().is_some_and(|extension| extension == "png");
    let bytes = if is_png { picture.png()? } else { picture.svg()? };
    std::fs::write(path, bytes).with_context(|| format!("cannot draw to {}", path.display()))
}

impl Picture {
    fn svg(&self) -> anyhow::Result<Vec<u8>> {
        let mut text = String::new();
        let fine = (px(SIZE.0), px(SIZE.1));
        self.draw(&SVGBackend::with_string(&mut text, fine).into_drawing_area())?;
        // The view box stays fine, and the picture gets the size asked for.
        let head =
            |(width, height): (u32, u32)| format!("<svg width=\"{width}\" height=\"{height}\"");
        Ok(text.replacen(&head(fine), &head(SIZE), 1).into_bytes())
    }

    fn png(&self) -> anyhow::Result<Vec<u8>> {
        let (width, height) = (px(SIZE.0), px(SIZE.1));
        let mut pixels = vec![0; width as usize * height as usize * 3];
        self.draw(&BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area())?;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(bytes)
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        area.fill(&WHITE)?;
        let (head, body) = area.split_vertically(px(66));
        let Setting { nodes, fanout, .. } = self.setting;
        let title = format!("One curve four ways: {nodes} nodes, push, fan-out {fanout}");
        let style = (FONT, px(21.0), FontStyle::Bold).into_font().color(&INK);
        head.draw_text(&title, &style, (px(28), px(18)))?;
        let style = (FONT, px(14.0)).into_font().color(&AXIS);
        let text = "Synchronous rounds, no loss. Bars and the grey band: two standard errors, by \
                    the exact law and the number of rumors.";
        head.draw_text(text, &style, (px(28), px(45)))?;
        let (left, right) = body.split_horizontally(px(600));
        self.informed(&left)?;
        self.differences(&right)?;
        area.present()?;
        Ok(())
    }

    /// What the real protocol did, and how it is marked.
    fn measured(&self) -> [(&'static str, &Curve, RGBColor, Mark); 2] {
        [
            ("virtual network", &self.network, NETWORK, Mark::Dot),
            ("agents on loopback", &self.agents, AGENTS, Mark::Ring),
        ]
    }

    fn informed<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let top = f64::from(self.setting.nodes) * 1.04;
        let mut chart = self.panel(area, "Nodes that know", 0.0..top, &|y| format!("{y:.0}"))?;
        let band = &self.model.nine_of_ten;
        let low = band.iter().enumerate().map(|(round, &(low, _))| (round as f64, low));
        let high = band.iter().enumerate().rev().map(|(round, &(_, high))| (round as f64, high));
        let outline: Vec<(f64, f64)> = low.chain(high).collect();
        let style = INK.stroke_width(px(2));
        let exact = self.exact.informed.iter().enumerate().map(|(t, &y)| (t as f64, y));
        chart.draw_series([Polygon::new(outline, MODEL.mix(0.3))])?;
        chart
            .draw_series(LineSeries::new(exact, style))?
            .label("theory, exact mean")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + px(22), y)], style));
        chart
            .draw_series(std::iter::empty::<Circle<(f64, f64), u32>>())?
            .label(format!("round model, 90 % of {} runs", grouped(self.model.curve.rumors)))
            .legend(|(x, y)| {
                let corners = [(x + px(2), y - px(6)), (x + px(20), y + px(6))];
                Rectangle::new(corners, MODEL.mix(0.3).filled())
            });
        for (name, curve, colour, mark) in self.measured() {
            let errors = self.exact.errors(curve.rumors);
            let places = curve.informed.iter().zip(errors).enumerate();
            let places = places.map(|(t, (&y, error))| (t as f64, y, 2.0 * error));
            points(&mut chart, places, &format!("{name}, {} rumors", curve.rumors), colour, mark)?;
        }
        legend(&mut chart, SeriesLabelPosition::LowerRight)
    }

    /// How far each is from the exact mean, in standard errors of its own.
    fn differences<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let title = "Distance from the exact mean, standard errors";
        let mut chart = self.panel(area, title, -5.0..5.0, &|y| {
            if y.abs() < 0.5 { "0".into() } else { format!("{y:+.0}").replace('-', "−") }
        })?;
        let last = f64::from(self.setting.rounds);
        let corners = [(0.0, -2.0), (last, 2.0)];
        chart.draw_series([Rectangle::new(corners, GRID.mix(0.6).filled())])?;
        chart.draw_series(LineSeries::new([(0.0, 0.0), (last, 0.0)], INK.stroke_width(px(2))))?;
        let model = ("round model", &self.model.curve, MODEL, Mark::Dot);
        for (name, curve, colour, mark) in [model].into_iter().chain(self.measured()) {
            // Where less than one node is missed among all the rumors there is no error to speak of.
            let errors = self.exact.errors(curve.rumors);
            let rare = 1.0 / curve.rumors as f64;
            let rounds = curve.informed.iter().zip(&self.exact.informed).zip(errors).enumerate();
            let places = rounds.filter(|(_, (_, error))| *error > rare / 2.0);
            let places = places
                .map(|(t, ((measured, exact), error))| (t as f64, (measured - exact) / error, 0.0));
            points(&mut chart, places, name, colour, mark)?;
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    }

    fn panel<'a, B: DrawingBackend + 'a>(
        &self,
        area: &Area<B>,
        title: &str,
        y: std::ops::Range<f64>,
        label: &dyn Fn(&f64) -> String,
    ) -> anyhow::Result<Chart<'a, B>>
    where
        B::ErrorType: 'static,
    {
        let (head, body) = area.split_vertically(px(30));
        head.draw_text(title, &(FONT, px(16.0)).into_font().color(&INK), (px(60), px(6)))?;
        let mut chart = ChartBuilder::on(&body)
            .margin(px(14))
            .margin_top(px(4))
            .x_label_area_size(px(44))
            .y_label_area_size(px(46))
            .build_cartesian_2d(-0.4..f64::from(self.setting.rounds) + 0.4, y)?;
        chart
            .configure_mesh()
            .x_desc("round")
            .x_labels(10)
            .y_labels(11)
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(label)
            .label_style((FONT, px(13)).into_font().color(&AXIS))
            .axis_desc_style((FONT, px(14)).into_font().color(&AXIS))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.stroke_width(px(1)))
            .axis_style(AXIS.stroke_width(px(1)))
            .set_all_tick_mark_size(px(4))
            .disable_x_mesh()
            .draw()?;
        Ok(chart)
    }
}

/// Points at (x, y), each with a bar of this length to each side.
fn points<'a, B: DrawingBackend + 'a>(
    chart: &mut Chart<'a, B>,
    places: impl Iterator<Item = (f64, f64, f64)>,
    label: &str,
    colour: RGBColor,
    mark: Mark,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let places: Vec<(f64, f64, f64)> = places.collect();
    let style = colour.stroke_width(px(2));
    let bars = places.iter().filter(|(.., bar)| *bar > 0.0);
    chart.draw_series(
        bars.map(|&(x, y, bar)| PathElement::new([(x, y - bar), (x, y + bar)], style)),
    )?;
    let (radius, fill) = match mark {
        Mark::Dot => (px(3), colour.filled()),
        Mark::Ring => (px(6), style),
    };
    chart
        .draw_series(places.iter().map(|&(x, y, _)| Circle::new((x, y), radius, fill)))?
        .label(label)
        .legend(move |(x, y)| Circle::new((x + px(11), y), radius, fill));
    Ok(())
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

/// `10,000`; below a million.
fn grouped(runs: u64) -> String {
    if runs < 1000 { runs.to_string() } else { format!("{},{:03}", runs / 1000, runs % 1000) }
}
