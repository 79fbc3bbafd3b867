//! Drawing a distribution and its estimates, to SVG or PNG.
//!
//! The font travels in the binary, so that nothing depends on the machine's fonts.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use rumormill_theory::Distribution;
use rumormill_theory::usual::{Estimate, Verdict};

/// Width and height in pixels.
const SIZE: (u32, u32) = (1100, 680);

/// Colours of the estimates: a palette that stays apart for the colour-blind (Okabe and Ito).
const COLOURS: [RGBColor; 7] = [
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(150, 130, 20),
];

/// Draws P(T > x), exact and by every estimate that gives a law, on a logarithmic scale.
pub(crate) fn spread(
    path: &Path,
    title: &str,
    exact: &Distribution,
    story: &[Estimate],
) -> anyhow::Result<()> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular())
        .map_err(|_| anyhow!("the built-in font cannot be read"))?;
    match extension.to_ascii_lowercase().as_str() {
        "svg" => draw(&SVGBackend::new(path, SIZE).into_drawing_area(), title, exact, story),
        "png" => draw(&BitMapBackend::new(path, SIZE).into_drawing_area(), title, exact, story),
        _ => bail!("--plot {}: the name must end in .svg or .png", path.display()),
    }
    .with_context(|| format!("cannot draw to {}", path.display()))
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    title: &str,
    exact: &Distribution,
    story: &[Estimate],
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    // From where the law begins to fall to where it is negligible.
    let first = exact.survival.iter().position(|&p| p < 0.999_999).unwrap_or(0).saturating_sub(4);
    let last = exact.survival.iter().position(|&p| p < 1e-9).unwrap_or(exact.survival.len() - 1);
    let laws: Vec<(&Estimate, &[f64])> =
        story.iter().filter_map(|e| e.survival.as_deref().map(|s| (e, s))).collect();
    let (low, high) = (first as f64, (last + 1) as f64);
    let floor = 1e-9;
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 24))
        .margin(18)
        .x_label_area_size(48)
        .y_label_area_size(76)
        .build_cartesian_2d(low..high, (floor..2.0).log_scale())?;
    chart
        .configure_mesh()
        .x_desc("rounds x")
        .y_desc("P(not finished within x rounds)")
        .x_labels(((last - first) + 1).min(16))
        .y_labels(10)
        .x_label_formatter(&|x: &f64| format!("{x:.0}"))
        .y_label_formatter(&|y: &f64| {
            let power = y.log10().round();
            if power == 0.0 { "1".into() } else { format!("1e{power:.0}") }
        })
        .label_style(("sans-serif", 16))
        .axis_desc_style(("sans-serif", 18))
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(226, 226, 226))
        .draw()?;
    for (i, (estimate, curve)) in laws.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        let points = (first..=last)
            .filter_map(|x| curve.get(x).filter(|&&p| p >= floor).map(|&p| (x as f64, p)));
        let label = format!("{} ({})", estimate.name.replace('_', " "), estimate.verdict.name());
        let style = colour.stroke_width(2);
        let drawn = if estimate.verdict == Verdict::False {
            // What is false is dashed.
            chart.draw_series(DashedLineSeries::new(points, 7, 5, style))?
        } else {
            chart.draw_series(LineSeries::new(points, style))?
        };
        drawn.label(label).legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], style));
    }
    let black = BLACK.stroke_width(3);
    let truth =
        || (first..=last).map(|x| (x as f64, exact.survival[x])).filter(move |&(_, p)| p >= floor);
    chart
        .draw_series(LineSeries::new(truth(), black))?
        .label("exact")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], black));
    if last - first <= 80 {
        chart.draw_series(truth().map(|p| Circle::new(p, 4, BLACK.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .margin(14)
        .legend_area_size(32)
        .label_font(("sans-serif", 15))
        .background_style(WHITE.mix(0.9))
        .border_style(RGBColor(180, 180, 180))
        .draw()?;
    area.present()?;
    Ok(())
}
