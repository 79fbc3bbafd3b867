//! The picture of a predicted spread: P(T > x), exact and by the usual estimates.

use rumormill_model::exact::Distribution;
use rumormill_model::exact::usual::{Estimate, Verdict};
use rumormill_plot::panel::{Axis, Legend, Panel};
use rumormill_plot::series::{BLACK, COLOURS, Series};
use rumormill_plot::sheet::Sheet;

/// Smaller probabilities are not drawn.
const FLOOR: f64 = 1e-9;

/// Draws P(T > x), exact and by each estimate that gives a law, on a logarithmic scale.
pub(crate) fn sheet(title: String, exact: &Distribution, estimates: &[Estimate]) -> Sheet {
    // From where the law begins to fall to where it is negligible.
    let survival = &exact.survival;
    let first = survival.iter().position(|&p| p < 0.999_999).unwrap_or(0).saturating_sub(4);
    let last = survival.iter().position(|&p| p < FLOOR).unwrap_or(survival.len() - 1);
    let points = |law: &[f64]| -> Vec<(f64, f64)> {
        let rounds = (first..=last).filter_map(|x| Some((x as f64, *law.get(x)?)));
        rounds.filter(|&(_, p)| p >= FLOOR).collect()
    };
    let laws =
        estimates.iter().filter_map(|estimate| Some((estimate, estimate.survival.as_ref()?)));
    let mut series: Vec<Series> = laws
        .zip(COLOURS.into_iter().cycle())
        .map(|((estimate, law), colour)| {
            let dashed = estimate.verdict == Verdict::False;
            let line = if dashed { Series::dashed } else { Series::line };
            let (name, verdict) = (estimate.name.replace('_', " "), estimate.verdict.name());
            line(points(law), colour).labelled(format!("{name} ({verdict})"))
        })
        .collect();
    series.push(Series::line(points(survival), BLACK).size(3).labelled("exact"));
    if last - first <= 80 {
        series.push(Series::dots(points(survival), BLACK).size(4));
    }
    let x = Axis::new(first as f64..(last + 1) as f64).named("rounds x");
    let x = x.labels(((last - first) + 1).min(16), |x| format!("{x:.0}"));
    let y = Axis::log(FLOOR..2.0).named("P(not finished within x rounds)");
    Sheet {
        size: (1100, 680),
        title,
        subtitle: "Synchronous rounds, complete graph. Exact law of the finishing round, and the \
                   usual estimates; false ones are dashed."
            .into(),
        lane: None,
        stacked: false,
        panels: vec![(1.0, Panel::new("", x, y, Legend::LowerLeft, series))],
    }
}
