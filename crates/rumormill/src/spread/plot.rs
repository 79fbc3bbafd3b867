//! The picture of a simulated spread: informed nodes, finishing rounds, growth.

use rumormill_plot::number::{number, percent, thousands};
use rumormill_plot::panel::{Axis, Legend, Panel};
use rumormill_plot::series::{BLACK, BLUE, ORANGE, Series};
use rumormill_plot::sheet::Sheet;
use rumormill_proto::Style;

use crate::spread::report::Report;

/// The most exact values drawn as dots.
const DOTS: usize = 40;

/// Values of one round: their mean, and the bounds of 90 % of the runs.
struct Point {
    round: f64,
    mean: f64,
    low: f64,
    high: f64,
}

impl Report {
    /// Draws the report as three charts.
    pub(crate) fn sheet(&self) -> Sheet {
        // After nearly all runs have ended nothing is left to see.
        let end = self.percentiles.get("99.9").copied().flatten().unwrap_or(u64::MAX);
        let rounds = self.by_round.iter().enumerate().filter(|(_, round)| round.round <= end);
        let informed: Vec<Point> = rounds
            .map(|(at, round)| Point {
                round: round.round as f64,
                mean: round.informed,
                low: self.informed_p5[at],
                high: self.informed_p95[at],
            })
            .collect();
        let growth: Vec<Point> = (1..informed.len())
            .map(|at| Point {
                round: informed[at].round,
                mean: self.growth[at],
                low: self.growth_p5[at],
                high: self.growth_p95[at],
            })
            .collect();
        Sheet {
            size: (1440, 560),
            title: self.title.clone(),
            subtitle: self.how(),
            lane: None,
            stacked: false,
            panels: vec![
                (1.0, self.informed_panel(&informed)),
                (1.0, self.finishing_panel()),
                (1.0, self.growth_panel(&growth)),
            ],
        }
    }

    fn informed_panel(&self, points: &[Point]) -> Panel {
        let last = last(points);
        let exact = (0..).zip(self.exact.informed.iter().copied());
        let exact: Vec<_> = exact.filter(|(round, _)| f64::from(*round) <= last).collect();
        let mut series = band(points);
        series.extend(dots(&exact));
        let (x, y) = (round_axis(0.0..last), Axis::new(0.0..self.alive as f64 * 1.04));
        Panel::new("Informed nodes", x, y.labels(8, thousands), Legend::LowerRight, series)
    }

    fn finishing_panel(&self) -> Panel {
        let title = "Finishing rounds";
        let runs = self.runs as f64;
        let round = |round: u64| u32::try_from(round).unwrap_or(u32::MAX);
        let finishes = self.finishes.iter();
        let finished: Vec<(u32, f64)> =
            finishes.map(|&(at, times)| (round(at), times as f64 / runs)).collect();
        let exact: Vec<(u32, f64)> = (0..).zip(self.exact.finishing()).collect();
        let all = || finished.iter().chain(&exact);
        let shown = all().filter(|(_, share)| *share > 5e-4).map(|&(round, _)| round);
        let (first, last) = (shown.clone().min().unwrap_or(0), shown.max().unwrap_or(1));
        let highest = all().map(|&(_, share)| share).fold(0.0, f64::max);
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let within = |points: &[(u32, f64)]| -> Vec<(u32, f64)> {
            points.iter().copied().filter(|(round, _)| (first..=last).contains(round)).collect()
        };
        let mut series = Vec::new();
        if !finished.is_empty() {
            let width = if last - first > 120 { 1.0 } else { 0.76 };
            let bars = within(&finished).into_iter().map(|(round, y)| (f64::from(round), y));
            series.push(Series::bars(bars, width, BLUE).labelled("share of the runs"));
        }
        let exact = within(&exact);
        if last - first > 60 && !exact.is_empty() {
            let points = exact.iter().map(|&(round, y)| (f64::from(round), y));
            series.push(Series::line(points, ORANGE).labelled("exact"));
        } else {
            series.extend(dots(&exact));
        }
        let unfinished = 1.0 - self.finished as f64 / runs;
        if all().next().is_none() {
            series.push(Series::note("no run met the goal"));
        } else if unfinished > 0.0 {
            series.push(Series::note(format!("{} never finished", percent(unfinished))));
        }
        let left = (f64::from(first) - 1.0).max(-0.6);
        let x = round_axis(left..f64::from(last.max(first + 6)) + 1.0);
        // The legend has room above the bars.
        let y = Axis::new(0.0..highest * 1.3).labels(8, percent);
        Panel::new(title, x, y, Legend::UpperRight, series)
    }

    fn growth_panel(&self, points: &[Point]) -> Panel {
        let last = last(points);
        let highest = points.iter().map(|point| point.high).fold(2.0, f64::max);
        let mut series = Vec::new();
        // A push multiplies the informed nodes by at most this.
        let push = self.asked.spread().filter(|spread| spread.style == Style::Push);
        let limit = push.map_or(f64::INFINITY, |spread| spread.fanout as f64 + 1.0);
        if limit < highest * 1.1 {
            let label = format!("at most ×{}", number(limit, 3));
            let line = Series::dashed([(0.0, limit), (last, limit)], BLACK).size(1);
            series.push(line.labelled(label));
        }
        series.extend(band(points));
        let y = Axis::new((1.0 - 0.04 * (highest - 1.0))..(1.0 + 1.28 * (highest - 1.0)));
        let y = y.labels(8, |y| format!("×{}", number(y, 3)));
        Panel::new("Growth", round_axis(0.0..last), y, Legend::UpperRight, series)
    }
}

fn round_axis(range: std::ops::Range<f64>) -> Axis {
    Axis::new(range).named("round").labels(9, thousands)
}

fn last(points: &[Point]) -> f64 {
    points.last().map_or(1.0, |point| point.round.max(1.0))
}

/// Returns the mean of the runs, over the band of 90 % of them.
fn band(points: &[Point]) -> Vec<Series> {
    let bounds = points.iter().map(|point| (point.round, point.low, point.high));
    let means = points.iter().map(|point| (point.round, point.mean));
    vec![
        Series::band(bounds, BLUE).labelled("90 % of the runs"),
        Series::line(means, BLUE).labelled("mean of the runs"),
    ]
}

/// Returns the exact values as dots: as many as can be distinguished.
fn dots(exact: &[(u32, f64)]) -> Option<Series> {
    let step = exact.len().div_ceil(DOTS).max(1);
    let points = exact.iter().step_by(step).map(|&(round, y)| (f64::from(round), y));
    (!exact.is_empty()).then(|| Series::dots(points, ORANGE).labelled("exact"))
}
