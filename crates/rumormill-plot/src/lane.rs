//! A lane of events above charts that share a time axis: spans as bars, instants as ticks.

use std::ops::Range;

use plotters::prelude::{Circle, Color as _, DrawingBackend, Polygon, Rectangle};
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::canvas::{Area, Drawn, INK, px, text};
use crate::panel::{LEFT, RIGHT};
use crate::series::Colour;

/// Height in pixels.
pub(crate) const HEIGHT: u32 = 74;

/// With more ticks than this, none has text.
const MOST_TEXTS: usize = 9;
/// The most characters over a tick.
const MOST: usize = 26;

/// A time that lasts.
#[derive(Clone, Debug)]
pub struct Span {
    /// Where it begins and ends on the time axis.
    pub time: Range<f64>,
    /// Its name.
    pub text: String,
    /// The colour of the bar.
    pub back: Colour,
    /// The colour of the name.
    pub ink: Colour,
}

/// The shape of a tick, so that colour is not the only difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mark {
    /// A triangle that points down: something broke.
    Down,
    /// A triangle that points up: something was repaired.
    Up,
    /// A dot.
    Dot,
}

/// An instant.
#[derive(Clone, Debug)]
pub struct Tick {
    /// Where it is on the time axis.
    pub at: f64,
    /// What happened.
    pub text: String,
    /// Its shape.
    pub mark: Mark,
    /// Its colour.
    pub colour: Colour,
}

/// The lane.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The time axis of the charts below.
    pub range: Range<f64>,
    /// Bars.
    pub spans: Vec<Span>,
    /// Ticks.
    pub ticks: Vec<Tick>,
}

impl Lane {
    pub(crate) fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn<B> {
        let small = text(12.0, FontStyle::Normal, &INK);
        let (bottom, edge) = (px(HEIGHT as i32), area.dim_in_pixel().0 as i32 - px(8));
        for Span { time, text, back, ink } in &self.spans {
            let (from, to) = (self.x(area, time.start), self.x(area, time.end));
            area.draw(&Rectangle::new([(from, bottom - px(22)), (to, bottom)], back.filled()))?;
            let (width, _) = area.estimate_text_size(text, &small)?;
            if (width as i32) < to - from {
                let style = small.color(ink).pos(Pos::new(HPos::Center, VPos::Center));
                area.draw_text(text, &style, ((from + to) / 2, bottom - px(11)))?;
            }
        }
        // Text stands in the first of two rows that is free.
        let mut free = [i32::MIN; 2];
        for Tick { at, text, mark, colour } in &self.ticks {
            let (x, y, size) = (self.x(area, *at), bottom - px(30), px(5));
            let way = if *mark == Mark::Down { size } else { -size };
            if *mark == Mark::Dot {
                area.draw(&Circle::new((x, y), px(3), colour.filled()))?;
            } else {
                let corners = vec![(x - size, y - way), (x + size, y - way), (x, y + way)];
                area.draw(&Polygon::new(corners, colour.filled()))?;
            }
            if self.ticks.len() > MOST_TEXTS {
                continue;
            }
            let text = shortened(text);
            let width = area.estimate_text_size(&text, &small)?.0 as i32;
            let from = x.min(edge - width);
            if let Some(row) = free.iter().position(|&free| free < from) {
                free[row] = from + width + px(10);
                let y = bottom - px(52) - px(15) * row as i32;
                area.draw_text(&text, &small.color(colour), (from, y))?;
            }
        }
        Ok(())
    }

    /// Returns where a time is in the lane.
    fn x<B: DrawingBackend>(&self, area: &Area<B>, at: f64) -> i32 {
        let width = f64::from(area.dim_in_pixel().0) - f64::from(px(LEFT + RIGHT));
        let share = (at - self.range.start) / (self.range.end - self.range.start);
        px(LEFT as i32) + (width * share) as i32
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let short: String = text.chars().take(MOST - 1).collect();
    format!("{}…", short.trim_end())
}
