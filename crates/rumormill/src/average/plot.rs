//! The picture of a simulated average: errors by round, on a logarithmic axis.

use rumormill_plot::number::number;
use rumormill_plot::panel::{Axis, Legend, Panel};
use rumormill_plot::series::{BLACK, BLUE, Colour, ORANGE, Series};
use rumormill_plot::sheet::Sheet;

use crate::average::answer::Answer;
use rumormill_model::compare::average::report::Row;

/// Smaller errors are rounding.
const FLOOR: f64 = 1e-17;

/// The errors of one round: the mean, and the bounds of 90 % of the runs.
type Point = (f64, [f64; 3]);

impl Answer {
    /// Draws the errors by round.
    pub(crate) fn sheet(&self) -> Sheet {
        // Where few runs are left, a mean is noisy.
        let rows = || {
            self.report.by_round.iter().filter(|row| 2 * row.runs >= self.report.by_round[0].runs)
        };
        let points = |of: fn(&Row) -> [f64; 3]| -> Vec<Point> {
            rows().map(|row| (f64::from(row.round), of(row))).collect()
        };
        let mean = points(|row| [row.mean_error, row.mean_error_p5, row.mean_error_p95]);
        let worst = points(|row| [row.worst_error, row.worst_error_p5, row.worst_error_p95]);
        let (low, high) = range(mean.iter().chain(&worst));
        let last = mean.last().map_or(1.0, |&(round, _)| round.max(1.0));
        let mut series = self.curve(&worst, ORANGE, "worst node");
        series.extend(self.curve(&mean, BLUE, "mean node"));
        if let Some(factor) = self.report.factor.theory {
            let (start, factor) = (self.report.by_round[0].mean_error, factor.sqrt());
            let points = (0..=last as i32)
                .map(|round| (f64::from(round), start * factor.powi(round)))
                .take_while(|&(_, error)| error >= low);
            let what = match self.report.factor.theory_applies {
                true => "theory",
                false => "theory, complete graph without faults",
            };
            let label = format!("{what}: ×{} a round", number(factor, 4));
            series.push(Series::dashed(points, BLACK).labelled(label));
        }
        let x = Axis::new(0.0..last).named("round").labels(11, |x| format!("{x:.0}"));
        let y = Axis::log(low..high).named("relative error");
        Sheet {
            size: (960, 600),
            title: self.title(),
            subtitle: self.conditions().join("  ·  "),
            lane: None,
            stacked: false,
            panels: vec![(1.0, Panel::new("", x, y, Legend::UpperRight, series))],
        }
    }

    fn curve(&self, points: &[Point], colour: Colour, label: &str) -> Vec<Series> {
        // A logarithmic axis has no place for an error of 0: the curve ends there.
        let shown = || points.iter().take_while(|(_, [mean, ..])| *mean >= FLOOR);
        let line = Series::line(shown().map(|&(round, [mean, ..])| (round, mean)), colour);
        if self.runs < 2 {
            return vec![line.labelled(label)];
        }
        let bounds =
            shown().map(|&(round, [_, low, high])| (round, low.max(FLOOR), high.max(FLOOR)));
        vec![Series::band(bounds, colour), line.labelled(format!("{label}, and 90 % of the runs"))]
    }
}

/// Returns whole decades around all that is drawn.
fn range<'a>(points: impl Iterator<Item = &'a Point>) -> (f64, f64) {
    let drawn = points.flat_map(|&(_, errors)| errors).filter(|&error| error >= FLOOR);
    let (low, high) =
        drawn.fold((f64::INFINITY, 0.0f64), |(low, high), x| (low.min(x), high.max(x)));
    let (low, high) = if high > 0.0 { (low, high) } else { (0.1, 1.0) };
    let top = 10f64.powf(high.log10().ceil());
    (10f64.powf(low.log10().floor()).min(top / 100.0), top)
}
