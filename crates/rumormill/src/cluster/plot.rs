//! A run of a cluster over time: what went wrong, how wrong the figures were, and who knew whom.

use std::ops::Range;
use std::path::Path;

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::plot::{AXIS, Area, BLUE, COLOURS, FONT, HEAD, INK, ORANGE, Sheet, headed, px, quiet};

/// Width and height in pixels.
const SIZE: (u32, u32) = (1200, 900);

/// Height of the lane of events, and the width of what is left of the charts.
const LANE: u32 = 74;
const LEFT: u32 = 84;
const RIGHT: u32 = 26;

const GREEN: RGBColor = COLOURS[2];
const PURPLE: RGBColor = COLOURS[3];

/// Behind what is shaded: faults, and the calm.
const FAULT: RGBColor = RGBColor(252, 236, 228);
const CALM: RGBColor = RGBColor(232, 244, 238);

/// Smaller errors than this are drawn at the bottom.
const FLOOR: f64 = 1e-9;

/// With more events than this, they get no words.
const MOST_WORDS: usize = 9;

/// A series over time, in seconds; nothing where nothing is known.
pub(crate) type Series = Vec<(f64, Option<f64>)>;

/// What is drawn. Times are seconds.
pub(crate) struct Picture {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) end: f64,
    /// The worst node's relative error.
    pub(crate) error: Series,
    /// The width of the widest enclosure.
    pub(crate) width: Series,
    /// The share of nodes that call the figures converged.
    pub(crate) converged: Series,
    /// The share of nodes that hold exactly the running ones for members.
    pub(crate) agreed: Series,
    /// The share of deliveries of rumors that have been made.
    pub(crate) rumors: Series,
    /// The share of nodes that hold the same keys and values.
    pub(crate) replica: Series,
    pub(crate) members: Vec<Members>,
    pub(crate) shades: Vec<Shade>,
    pub(crate) ticks: Vec<Tick>,
}

/// How many members nodes know of at one instant, and how many run.
pub(crate) struct Members {
    pub(crate) at: f64,
    pub(crate) min: f64,
    pub(crate) mean: f64,
    pub(crate) max: f64,
    pub(crate) running: f64,
}

/// A time that is shaded in all charts.
pub(crate) struct Shade {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) what: String,
    pub(crate) calm: bool,
}

/// Something that happened at one instant.
pub(crate) struct Tick {
    pub(crate) at: f64,
    pub(crate) fault: bool,
    pub(crate) repair: bool,
    pub(crate) text: String,
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
        let (lane, charts) = body.split_vertically(px(LANE));
        self.lane(&lane)?;
        let height = SIZE.1 - HEAD - LANE;
        let (errors, rest) = charts.split_vertically(px(height * 44 / 100));
        let (shares, members) = rest.split_vertically(px(height * 25 / 100));
        self.errors(&errors)?;
        self.shares(&shares)?;
        self.members(&members)
    }
}

type Chart<'a, B> = ChartContext<'a, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

impl Picture {
    /// Where a time is in the lane, in units of the canvas.
    fn x(&self, at: f64) -> i32 {
        let width = f64::from(px(SIZE.0 - LEFT - RIGHT));
        px(LEFT as i32) + (width * at / self.end) as i32
    }

    /// What happened, as bars and ticks over the charts.
    fn lane<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let small = TextStyle::from((FONT, px(12.0)).into_font());
        let bottom = px(LANE as i32);
        for shade in &self.shades {
            let colour = if shade.calm { CALM } else { FAULT };
            let (from, to) = (self.x(shade.from), self.x(shade.to));
            area.draw(&Rectangle::new([(from, bottom - px(22)), (to, bottom)], colour.filled()))?;
            let text = if shade.calm { GREEN } else { ORANGE };
            let (width, _) = area.estimate_text_size(&shade.what, &small)?;
            if (width as i32) < to - from {
                let place = Pos::new(HPos::Center, VPos::Center);
                let style = small.color(&text).pos(place);
                area.draw_text(&shade.what, &style, ((from + to) / 2, bottom - px(11)))?;
            }
        }
        let wordy = self.ticks.len() <= MOST_WORDS;
        // Words take the first of three rows that is free where they begin.
        let mut free = [i32::MIN; 2];
        for tick in &self.ticks {
            let x = self.x(tick.at);
            let colour = tick.colour();
            let size = px(5);
            let y = bottom - px(30);
            // Down for what breaks, up for what is whole again: not by colour alone.
            let tip = if tick.fault { y + size } else { y - size };
            let base = if tick.fault { y - size } else { y + size };
            if tick.fault || tick.repair {
                let corners = vec![(x - size, base), (x + size, base), (x, tip)];
                area.draw(&Polygon::new(corners, colour.filled()))?;
            } else {
                area.draw(&Circle::new((x, y), px(3), colour.filled()))?;
            }
            if wordy {
                let text = shortened(&tick.text);
                let style = small.color(&colour);
                let (width, _) = area.estimate_text_size(&text, &small)?;
                let from = x.min(px(SIZE.0 as i32 - 8) - width as i32);
                if let Some(row) = free.iter().position(|&free| free < from) {
                    free[row] = from + width as i32 + px(10);
                    let y = bottom - px(52) - px(15) * row as i32;
                    area.draw_text(&text, &style, (from, y))?;
                }
            }
        }
        Ok(())
    }

    fn errors<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        // In powers of ten, so that gaps and the floor are ours to draw.
        let mut chart = self.panel(area, FLOOR.log10()..0.35, "relative to the true sum", false)?;
        mesh(&mut chart, "", 10, &|power| power_of_ten(*power))?;
        legend(area, &[("widest enclosure", BLUE), ("worst node's error", ORANGE)])?;
        let log = |series: &Series| -> Series {
            let log = |x: f64| x.max(FLOOR).log10().min(0.35);
            series.iter().map(|(at, x)| (*at, x.map(log))).collect()
        };
        line(&mut chart, &log(&self.width), BLUE)?;
        line(&mut chart, &log(&self.error), ORANGE)
    }

    fn shares<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let mut chart = self.panel(area, -0.04..1.08, "share of nodes", false)?;
        mesh(&mut chart, "", 5, &|share| format!("{:.0} %", 100.0 * share))?;
        let all = [
            (&self.rumors, GREEN, "rumors heard"),
            (&self.replica, PURPLE, "hold the same keys"),
            (&self.agreed, BLUE, "know exactly who runs"),
            (&self.converged, ORANGE, "call the figures converged"),
        ];
        // Only of runs that have them.
        let there = all.iter().filter(|(series, ..)| series.iter().any(|(_, x)| x.is_some()));
        let entries: Vec<(&str, RGBColor)> =
            there.clone().map(|&(_, colour, label)| (label, colour)).collect();
        legend(area, &entries)?;
        there.clone().try_for_each(|(series, colour, _)| line(&mut chart, series, *colour))
    }

    fn members<B: DrawingBackend>(&self, area: &Area<B>) -> anyhow::Result<()>
    where
        B::ErrorType: 'static,
    {
        let highest = self.members.iter().map(|m| m.max.max(m.running)).fold(1.0, f64::max);
        let mut chart = self.panel(area, 0.0..highest * 1.12, "members known", true)?;
        mesh(&mut chart, "seconds", 6, &|members| format!("{members:.0}"))?;
        let lower = self.members.iter().map(|m| (m.at, m.min));
        let upper = self.members.iter().rev().map(|m| (m.at, m.max));
        let outline: Vec<(f64, f64)> = lower.chain(upper).collect();
        chart.draw_series([Polygon::new(outline, BLUE.mix(0.22))])?;
        let pale = RGBColor(199, 222, 238);
        legend(area, &[("fewest to most", pale), ("mean", BLUE), ("nodes that run", INK)])?;
        let mean: Series = self.members.iter().map(|m| (m.at, Some(m.mean))).collect();
        line(&mut chart, &mean, BLUE)?;
        // Steps: nodes come and go at once.
        let mut running: Vec<(f64, f64)> = Vec::new();
        for m in &self.members {
            if let Some(&(_, before)) = running.last() {
                running.push((m.at, before));
            }
            running.push((m.at, m.running));
        }
        chart.draw_series(LineSeries::new(running, INK.stroke_width(px(1))))?;
        Ok(())
    }

    /// A chart over the run's time, with what is shaded in it.
    fn panel<'a, B: DrawingBackend>(
        &self,
        area: &'a Area<B>,
        y: Range<f64>,
        title: &str,
        last: bool,
    ) -> anyhow::Result<Chart<'a, B>>
    where
        B::ErrorType: 'static,
    {
        let style = (FONT, px(14.0)).into_font().color(&INK);
        area.draw_text(title, &style, (px(28), px(6)))?;
        let mut chart = ChartBuilder::on(area)
            .margin_top(px(28))
            .margin_right(px(RIGHT))
            .margin_bottom(px(if last { 6 } else { 0 }))
            .x_label_area_size(px(if last { 44 } else { 18 }))
            .y_label_area_size(px(LEFT))
            .build_cartesian_2d(0.0..self.end, y.clone())?;
        for shade in &self.shades {
            let colour = if shade.calm { CALM } else { FAULT };
            let corners = [(shade.from, y.start), (shade.to, y.end)];
            chart.draw_series([Rectangle::new(corners, colour.filled())])?;
        }
        for tick in &self.ticks {
            let style = tick.colour().mix(0.35).stroke_width(px(1));
            let points = [(tick.at, y.start), (tick.at, y.end)];
            chart.draw_series([PathElement::new(points, style)])?;
        }
        Ok(chart)
    }
}

impl Tick {
    fn colour(&self) -> RGBColor {
        match (self.fault, self.repair) {
            (true, _) => ORANGE,
            (_, true) => GREEN,
            _ => AXIS,
        }
    }
}

fn mesh<B: DrawingBackend>(
    chart: &mut Chart<'_, B>,
    x: &str,
    y_labels: usize,
    y_label: &dyn Fn(&f64) -> String,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    quiet(&mut chart.configure_mesh())
        .x_desc(x)
        .x_labels(13)
        .y_labels(y_labels)
        .x_label_formatter(&|x| crate::term::format::number(*x, 4))
        .y_label_formatter(y_label)
        .set_all_tick_mark_size(px(4))
        .disable_x_mesh()
        .draw()?;
    Ok(())
}

/// A line with gaps where nothing is known.
fn line<B: DrawingBackend>(
    chart: &mut Chart<'_, B>,
    series: &Series,
    colour: RGBColor,
) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let style = colour.stroke_width(px(2));
    for piece in series.split(|(_, x)| x.is_none()).filter(|piece| !piece.is_empty()) {
        let points = piece.iter().filter_map(|&(at, x)| Some((at, x?)));
        chart.draw_series(LineSeries::new(points, style))?;
    }
    Ok(())
}

/// Names the colours, at the right of a chart's title, where they cover nothing.
fn legend<B: DrawingBackend>(area: &Area<B>, entries: &[(&str, RGBColor)]) -> anyhow::Result<()>
where
    B::ErrorType: 'static,
{
    let style = TextStyle::from((FONT, px(13.0)).into_font()).color(&INK);
    let mut right = px((SIZE.0 - RIGHT) as i32);
    for (label, colour) in entries.iter().rev() {
        let (width, _) = area.estimate_text_size(label, &style)?;
        let text = right - width as i32;
        area.draw_text(label, &style, (text, px(7)))?;
        let (from, to) = (text - px(28), text - px(6));
        area.draw(&PathElement::new([(from, px(10)), (to, px(10))], colour.stroke_width(px(3))))?;
        right = from - px(20);
    }
    Ok(())
}

fn power_of_ten(power: f64) -> String {
    match power.round() {
        0.0 => "100 %".to_owned(),
        -1.0 => "10 %".to_owned(),
        -2.0 => "1 %".to_owned(),
        power => format!("1e{power}"),
    }
}

/// What fits over a tick.
fn shortened(text: &str) -> String {
    const MOST: usize = 26;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let short: String = text.chars().take(MOST - 1).collect();
    format!("{}…", short.trim_end())
}
