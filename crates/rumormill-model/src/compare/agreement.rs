//! How well runs agree with the exact values.

use crate::compare::answer::Exact;
use crate::exact::special::gamma_q;
use crate::simulate::histogram::Moments;
use crate::simulate::spread::summary::Summary;

/// The least expected number of runs in a cell of the goodness-of-fit test (Cochran 1954).
const LEAST: f64 = 5.0;

/// How well runs agree with the exact values: each the chance of a deviation at least this large if
/// the values are right.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Agreement {
    /// χ² test of the finishing rounds.
    pub finishing: Option<ChiSquare>,
    /// Two-sided test of the mean finishing round.
    pub mean: Option<f64>,
    /// Two-sided test of the finishing round's variance.
    pub variance: Option<f64>,
    /// Two-sided test of the mean contacts.
    pub messages: Option<f64>,
    /// Two-sided test of the mean residue.
    pub residue: Option<f64>,
    /// Two-sided test of the share of runs that left a node uninformed.
    pub incomplete: Option<f64>,
    /// Two-sided test of the share of runs that ended short of their goal.
    pub unfinished: Option<f64>,
}

/// Pearson's test of counts against a law.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct ChiSquare {
    /// The statistic.
    pub chi_square: f64,
    /// Its degrees of freedom.
    pub degrees: u64,
    /// Probability of a statistic at least this large if the law is right.
    pub p_value: f64,
}

impl Agreement {
    /// Compares what runs of at most `last_round` rounds did with the exact answer.
    #[must_use]
    pub fn of(summary: &Summary, exact: &Exact, last_round: u32) -> Self {
        let runs = summary.runs as f64;
        let mean_of = |moments: Moments, exact: Option<f64>| {
            let error = (moments.variance() / runs).sqrt();
            two_sided(moments.mean() - exact?, error)
        };
        let residue = summary.residue.moments();
        let law = exact.law.as_ref().filter(|law| law.mean.is_finite());
        let finished = summary.finished.total() as f64;
        let share = |seen: f64, p: Option<f64>| {
            p.and_then(|p| two_sided(seen - p, (p * (1.0 - p) / runs).sqrt()))
        };
        Self {
            finishing: law.and_then(|_| chi_square(summary, exact, last_round)),
            mean: law.and_then(|law| {
                two_sided(summary.mean() - law.mean, (law.variance / finished).sqrt())
            }),
            variance: law.and_then(|law| {
                // Var(s²) = (μ₄ − σ⁴)/N for many runs.
                let chances = exact.finishing();
                let all: f64 = chances.iter().sum();
                let fourth: f64 =
                    (0..).zip(chances).map(|(x, p)| p * (f64::from(x) - law.mean).powi(4)).sum();
                let error = ((fourth / all - law.variance.powi(2)) / finished).sqrt();
                two_sided(summary.variance() - law.variance, error)
            }),
            messages: mean_of(summary.messages, exact.messages),
            residue: mean_of(residue, exact.residue.map(|share| share * summary.alive as f64)),
            incomplete: share(summary.incomplete(), exact.incomplete),
            unfinished: share(summary.unfinished() as f64 / runs, exact.unfinished),
        }
    }
}

/// Returns the probability that a normal variable of this standard deviation is at least this far
/// from 0; `None` where nothing varies.
#[must_use]
pub fn two_sided(distance: f64, deviation: f64) -> Option<f64> {
    (deviation > 0.0 && distance.is_finite())
        .then(|| gamma_q(0.5, (distance / deviation).powi(2) / 2.0))
}

/// Tests finishing rounds against their law, in cells of at least [`LEAST`] expected runs; what
/// came after the last round is one more cell.
fn chi_square(summary: &Summary, exact: &Exact, last_round: u32) -> Option<ChiSquare> {
    let law = exact.finishing();
    let mut seen = vec![0u64; law.len().max(1)];
    let mut beyond = summary.unfinished();
    for (round, runs) in summary.finished.iter() {
        match seen.get_mut(usize::try_from(round).unwrap_or(usize::MAX)) {
            Some(cell) => *cell += runs,
            None => beyond += runs,
        }
    }
    let kept = law.len().min(usize::try_from(last_round).unwrap_or(usize::MAX).saturating_add(1));
    let runs = summary.runs as f64;
    let rest = 1.0 - law[..kept].iter().sum::<f64>();
    let cells = law[..kept]
        .iter()
        .zip(&seen)
        .map(|(p, &seen)| (p * runs, seen as f64))
        .chain([(rest.max(0.0) * runs, beyond as f64)]);
    pooled(cells).map(|(chi_square, degrees)| ChiSquare {
        chi_square,
        degrees,
        p_value: gamma_q(degrees as f64 / 2.0, chi_square / 2.0),
    })
}

/// Returns χ² and its degrees of freedom over neighbouring cells, pooled until each expects enough;
/// `None` if there is only one.
fn pooled(cells: impl Iterator<Item = (f64, f64)>) -> Option<(f64, u64)> {
    let mut pools: Vec<(f64, f64)> = Vec::new();
    let mut open = (0.0, 0.0);
    for (expected, seen) in cells {
        open = (open.0 + expected, open.1 + seen);
        if open.0 >= LEAST {
            pools.push(open);
            open = (0.0, 0.0);
        }
    }
    if let Some(last) = pools.last_mut() {
        *last = (last.0 + open.0, last.1 + open.1);
    }
    (pools.len() > 1).then(|| {
        let sum = pools.iter().map(|(expected, seen)| (seen - expected).powi(2) / expected).sum();
        (sum, pools.len() as u64 - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cells_are_pooled_and_nothing_is_lost() {
        // Expected 1, 2, 7, 20, 3, 1: pools of 10 and 20, and the rest goes to the last.
        let cells = [(1.0, 3.0), (2.0, 2.0), (7.0, 5.0), (20.0, 19.0), (3.0, 5.0), (1.0, 1.0)];
        let (sum, degrees) = pooled(cells.into_iter()).expect("two pools");
        assert_eq!(degrees, 1);
        assert!((sum - 1.0 / 24.0).abs() < 1e-12, "{sum}");
        assert!(pooled([(4.0, 4.0), (5.0, 5.0)].into_iter()).is_none());
    }

    #[test]
    fn tails_of_the_normal_law() {
        let p = two_sided(1.959_963_984_540_054, 1.0).expect("a deviation");
        assert!((p - 0.05).abs() < 1e-9, "{p}");
        assert_eq!(two_sided(1.0, 0.0), None);
    }
}
