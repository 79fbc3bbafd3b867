//! What several updates cost, one way of sending them, beside what is known exactly.

use serde::Serialize;

use crate::compare::agreement::two_sided;
use crate::simulate::updates::{Updates, UpdatesSummary};

/// The cost of one way of sending updates until all live nodes have all of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UpdatesCost {
    /// Number of runs.
    pub runs: u64,
    /// Runs in which all nodes got all updates.
    pub finished: u64,
    /// Mean rounds, over the runs that got there; NaN if none did.
    pub mean: f64,
    /// Their variance.
    pub variance: f64,
    /// The share of runs that took more than 0, 1, … rounds.
    pub survival: Vec<f64>,
    /// Mean messages of a run.
    pub messages: f64,
    /// Mean bytes of a run.
    pub bytes: f64,
    /// Mean number of copies of updates sent in a run, in vain or not.
    pub copies: f64,
    /// The exact mean, if it is known.
    pub exact_mean: Option<f64>,
    /// How likely a mean as far from the exact one is.
    pub p_value: Option<f64>,
}

impl UpdatesCost {
    /// Sums up runs, beside the exact mean and variance of the rounds if they are known.
    #[must_use]
    pub fn new(summary: &UpdatesSummary, exact: Option<(f64, f64)>) -> Self {
        let finished = summary.finished.total();
        let moments = summary.finished.moments();
        let mut left = summary.runs;
        let mut survival = Vec::new();
        for (round, runs) in summary.finished.iter() {
            let share = left as f64 / summary.runs as f64;
            survival.resize(usize::try_from(round).unwrap_or(0), share);
            left -= runs;
        }
        survival.push(left as f64 / summary.runs.max(1) as f64);
        let p_value = exact.filter(|_| finished == summary.runs).and_then(|(mean, variance)| {
            two_sided(moments.mean() - mean, (variance / summary.runs as f64).sqrt())
        });
        Self {
            runs: summary.runs,
            finished,
            mean: moments.mean(),
            variance: moments.variance(),
            survival,
            messages: summary.messages.mean(),
            bytes: summary.bytes.mean(),
            copies: summary.copies.mean(),
            exact_mean: exact.map(|(mean, _)| mean),
            p_value,
        }
    }
}

/// Returns mean and variance of the rounds until all have all, if each update is a rumor of its
/// own: they are independent, so P(all done by x) is the product of theirs. `None` if there is no
/// exact law.
#[must_use]
pub fn as_rumors(updates: &Updates) -> Option<(f64, f64)> {
    let spread = &updates.spread;
    let law = if spread.switches_after().is_none() { spread.solve().ok()? } else { return None };
    if !law.mean.is_finite() {
        return None;
    }
    let last = law.survival.len() as u64 + u64::from(updates.updates * updates.spacing);
    let (mut mean, mut second) = (0.0, 0.0);
    for x in 0..last {
        let done: f64 = (0..updates.updates)
            .map(|i| {
                let published = u64::from(i * updates.spacing);
                x.checked_sub(published).map_or(0.0, |x| 1.0 - law.survival(x))
            })
            .product();
        mean += 1.0 - done;
        second += (2.0 * x as f64 + 1.0) * (1.0 - done);
    }
    Some((mean, second - mean * mean))
}
