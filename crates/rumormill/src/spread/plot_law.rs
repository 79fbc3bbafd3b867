//! The law of the finishing round and its estimates.

use std::path::Path;

use plotters::prelude::*;
use rumormill_model::exact::Distribution;
use rumormill_model::exact::usual::{Estimate, Verdict};

use crate::plot::{Area, COLOURS, FONT, GRID, Sheet, px};

/// Width and height in pixels.
const SIZE: (u32, u32) = (1100, 680);

/// Draws P(T > x), exact and by every estimate that gives a law, on a logarithmic scale.
pub(crate) fn spread(
    path: &Path,
    title: &str,
    exact: &Distribution,
    story: &[Estimate],
) -> anyhow::Result<()> {
    crate::plot::save(path, SIZE, &Law { title, exact, story })
}

struct Law<'a> {
    title: &'a str,
    exact: &'a Distribution,
    story: &'a [Estimate],
}

impl Sheet for Law<'_> {
    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let Self { title, exact, story } = *self;
        // From where the law begins to fall to where it is negligible.
        let first =
            exact.survival.iter().position(|&p| p < 0.999_999).unwrap_or(0).saturating_sub(4);
        let last =
            exact.survival.iter().position(|&p| p < 1e-9).unwrap_or(exact.survival.len() - 1);
        let laws: Vec<(&Estimate, &[f64])> =
            story.iter().filter_map(|e| e.survival.as_deref().map(|s| (e, s))).collect();
        let (low, high) = (first as f64, (last + 1) as f64);
        let floor = 1e-9;
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(title, (FONT, px(24)))
            .margin(px(18))
            .x_label_area_size(px(48))
            .y_label_area_size(px(76))
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
            .label_style((FONT, px(16)))
            .axis_desc_style((FONT, px(18)))
            .light_line_style(TRANSPARENT)
            .axis_style(BLACK.stroke_width(px(1)))
            .set_all_tick_mark_size(px(5))
            .bold_line_style(GRID.stroke_width(px(1)))
            .draw()?;
        for (i, (estimate, curve)) in laws.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let points = (first..=last)
                .filter_map(|x| curve.get(x).filter(|&&p| p >= floor).map(|&p| (x as f64, p)));
            let label =
                format!("{} ({})", estimate.name.replace('_', " "), estimate.verdict.name());
            let style = colour.stroke_width(px(2));
            let drawn = if estimate.verdict == Verdict::False {
                // What is false is dashed.
                chart.draw_series(DashedLineSeries::new(points, px(7), px(5), style))?
            } else {
                chart.draw_series(LineSeries::new(points, style))?
            };
            drawn
                .label(label)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + px(24), y)], style));
        }
        let black = BLACK.stroke_width(px(3));
        let truth = || {
            (first..=last).map(|x| (x as f64, exact.survival[x])).filter(move |&(_, p)| p >= floor)
        };
        chart
            .draw_series(LineSeries::new(truth(), black))?
            .label("exact")
            .legend(move |(x, y)| PathElement::new([(x, y), (x + px(24), y)], black));
        if last - first <= 80 {
            chart.draw_series(truth().map(|p| Circle::new(p, px(4), BLACK.filled())))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerLeft)
            .margin(px(14))
            .legend_area_size(px(32))
            .label_font((FONT, px(15)))
            .background_style(WHITE.mix(0.9))
            .border_style(GRID.stroke_width(px(1)))
            .draw()?;
        area.present()?;
        Ok(())
    }
}
