//! The picture of an event's spread among real nodes, with the exact mean beside it.

use rumormill_plot::number::{percent, thousands};
use rumormill_plot::panel::{Axis, Legend, Panel};
use rumormill_plot::series::{BLUE, ORANGE, Series};
use rumormill_plot::sheet::Sheet;

/// Draws the share of informed nodes over time: `informed` from each time in milliseconds on, and the
/// exact mean at the end of each round, if there is one.
pub(crate) fn sheet(
    title: String,
    subtitle: String,
    informed: &[(f64, f64)],
    exact: &[(f64, f64)],
) -> Sheet {
    let times = informed.iter().chain(exact).map(|&(time, _)| time);
    let last = times.fold(1.0, f64::max) * 1.05;
    let start = [(0.0, 0.0)].into_iter();
    let mut series =
        vec![Series::steps(start.chain(informed.iter().copied()), last, BLUE).labelled("measured")];
    if !exact.is_empty() {
        let dots = Series::dots(exact.iter().copied(), ORANGE).size(4);
        series.push(dots.labelled("exact mean at the end of each round"));
    }
    let x = Axis::new(0.0..last).named("milliseconds since it was published");
    let y = Axis::new(0.0..1.04).named("informed nodes");
    let (x, y) = (x.labels(9, thousands), y.labels(11, percent));
    Sheet {
        size: (960, 560),
        title,
        subtitle,
        lane: None,
        stacked: false,
        panels: vec![(1.0, Panel::new("", x, y, Legend::LowerRight, series))],
    }
}
