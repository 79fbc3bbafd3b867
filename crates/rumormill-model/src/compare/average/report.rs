//! What many runs of averaging did, as it is printed and drawn: by round, and beside the exact
//! factor.

use serde::Serialize;

use crate::average::Averaging;
use crate::compare::average::Reference;
use crate::simulate::average::statistic::Banded;
use crate::simulate::average::{Level, Reached, Summary};

/// What the runs did.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// By how much a round shrinks the variance.
    pub factor: Factor,
    /// When the worst node was first as close as this.
    pub reached: Vec<Goal>,
    /// Round 0 is the start.
    pub by_round: Vec<Row>,
}

/// The factor by which a round shrinks the variance, over all runs and all rounds in which nothing
/// strikes.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Factor {
    /// Its mean.
    pub mean: Option<f64>,
    /// One standard error of the mean.
    pub standard_error: Option<f64>,
    /// The exact factor on the complete graph with nothing going wrong, where it is known.
    pub theory: Option<f64>,
    /// Whether that is what was simulated.
    pub theory_applies: bool,
}

/// When runs were first as close as this.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Goal {
    /// The relative error of the worst node.
    pub error: f64,
    /// Runs that got there, of those made to their end or beyond that point.
    pub runs: u64,
    /// Mean number of rounds that they took.
    pub mean: Option<f64>,
    /// The fewest.
    pub least: Option<u64>,
    /// The most.
    pub most: Option<u64>,
}

/// All runs at one round.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// The round.
    pub round: u32,
    /// Runs that got this far.
    pub runs: u64,
    /// Mean over nodes and runs of the relative error.
    pub mean_error: f64,
    /// Its 5th percentile over the runs.
    pub mean_error_p5: f64,
    /// Its 95th percentile.
    pub mean_error_p95: f64,
    /// Mean over runs of the worst node's relative error.
    pub worst_error: f64,
    /// Its 5th percentile over the runs.
    pub worst_error_p5: f64,
    /// Its 95th percentile.
    pub worst_error_p95: f64,
    /// The worst node of all runs.
    pub worst_error_most: f64,
    /// Mean over runs of the variance over the nodes.
    pub variance: f64,
    /// Mean over runs of the variance over that of the round before; `None` once it is no more than
    /// rounding.
    pub factor: Option<f64>,
    /// Mean over runs of (sum of the masses - sum of the inputs) / sum of |inputs|.
    pub mass_lost: f64,
    /// The least over the runs.
    pub mass_lost_least: f64,
    /// The most.
    pub mass_lost_most: f64,
    /// Mean messages sent in the round, lost ones included.
    pub messages: f64,
}

impl Report {
    /// Returns the report of a question's runs.
    #[must_use]
    pub fn of(averaging: &Averaging, summary: &Summary) -> Self {
        let reference = Reference::of(averaging);
        let rows = summary.levels.iter().enumerate();
        Self {
            factor: Factor {
                mean: summary.factor.mean(),
                standard_error: summary.factor.standard_error(),
                theory: reference.map(|reference| reference.factor),
                theory_applies: reference.is_some_and(|reference| reference.applies),
            },
            reached: summary.reached.iter().map(Goal::new).collect(),
            by_round: rows.map(|(round, level)| Row::new(round, level)).collect(),
        }
    }
}

impl Goal {
    fn new(reached: &Reached) -> Self {
        let runs = reached.rounds.total();
        let mean = reached.rounds.moments().mean();
        Self {
            error: reached.error,
            runs,
            mean: (runs > 0).then_some(mean),
            least: reached.rounds.iter().next().map(|(round, _)| round),
            most: reached.rounds.largest(),
        }
    }
}

impl Row {
    fn new(round: usize, level: &Level) -> Self {
        let quantile = |of: &Banded, q: f64| of.quantile(q).unwrap_or(0.0);
        let mean = |of: &Banded| of.statistic().mean().unwrap_or(0.0);
        let (near, far) = (&level.mean_error, &level.worst_error);
        Self {
            round: round as u32,
            runs: far.statistic().count(),
            mean_error: mean(near),
            mean_error_p5: quantile(near, 0.05),
            mean_error_p95: quantile(near, 0.95),
            worst_error: mean(far),
            worst_error_p5: quantile(far, 0.05),
            worst_error_p95: quantile(far, 0.95),
            worst_error_most: far.statistic().most().unwrap_or(0.0),
            variance: level.variance.mean().unwrap_or(0.0),
            factor: level.factor.mean(),
            mass_lost: level.mass_lost.mean().unwrap_or(0.0),
            mass_lost_least: level.mass_lost.least().unwrap_or(0.0),
            mass_lost_most: level.mass_lost.most().unwrap_or(0.0),
            messages: level.messages.mean().unwrap_or(0.0),
        }
    }
}
