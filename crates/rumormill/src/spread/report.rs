//! What a simulated spread did, typed: as JSON prints it.

use std::collections::BTreeMap;

use rumormill_model::compare::agreement::Agreement;
use rumormill_model::compare::answer::Exact;
use rumormill_model::simulate::{Broadcast, RoundStatistics, Summary};
use rumormill_model::spread::Spread;
use serde::Serialize;

use crate::spread::question::{Pieces, Question};
use crate::spread::title::title;

/// The most finishing rounds listed one by one in JSON.
const LISTED: u64 = 1_000_000;

/// The percentiles of T that are given.
pub(crate) const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// The answer.
#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) asked: Asked,
    pub(crate) alive: u64,
    pub(crate) goal: u64,
    pub(crate) graph: String,
    /// What can be reached, if the graph is not in one piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pieces: Option<Pieces>,
    pub(crate) engine: &'static str,
    pub(crate) seed: u64,
    /// Runs made; fewer than asked if it was interrupted.
    pub(crate) runs: u64,
    pub(crate) runs_asked: u64,
    pub(crate) seconds: f64,
    /// Runs that met the goal.
    pub(crate) finished: u64,
    /// Mean of the rounds until the goal was met, over the runs that met it; null if none did.
    pub(crate) mean: f64,
    pub(crate) variance: f64,
    /// Share of the runs with T > x, for x = 0, 1, ….
    pub(crate) survival: Vec<f64>,
    pub(crate) percentiles: BTreeMap<String, Option<u64>>,
    /// The rounds that the lists below are for.
    pub(crate) rounds: Vec<u64>,
    /// Mean number informed after each.
    pub(crate) informed: Vec<f64>,
    pub(crate) informed_p5: Vec<f64>,
    pub(crate) informed_p95: Vec<f64>,
    /// By what the mean number informed is multiplied from one to the next.
    pub(crate) growth: Vec<f64>,
    pub(crate) growth_p5: Vec<f64>,
    pub(crate) growth_p95: Vec<f64>,
    /// Mean contacts made up to each.
    pub(crate) messages_by_round: Vec<f64>,
    /// Mean contacts in a run, lost ones included.
    pub(crate) messages: f64,
    pub(crate) messages_variance: f64,
    /// Mean share of the living that were not informed.
    pub(crate) residue: f64,
    /// Share of runs that missed some node.
    pub(crate) incomplete: f64,
    pub(crate) exact: Exact,
    pub(crate) agreement: Agreement,
    #[serde(skip)]
    pub(crate) finishes: Vec<(u64, u64)>,
    #[serde(skip)]
    pub(crate) by_round: Vec<RoundStatistics>,
    #[serde(skip)]
    pub(crate) title: String,
}

/// What was simulated.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Asked {
    Spread(Spread),
    Broadcast { nodes: u64, broadcast: String, loss: f64, dead: f64 },
}

impl Asked {
    fn new(question: &Question) -> Self {
        let spread = &question.spread;
        match &question.broadcast {
            &Some(Broadcast { nodes, kind, loss, dead, .. }) => {
                Self::Broadcast { nodes, broadcast: kind.to_string(), loss, dead }
            }
            None => Self::Spread(Spread { pull_after: spread.switches_after(), ..spread.clone() }),
        }
    }

    /// Returns the spread; `None` in a broadcast.
    pub(crate) fn spread(&self) -> Option<&Spread> {
        if let Self::Spread(spread) = self { Some(spread) } else { None }
    }
}

impl Report {
    pub(crate) fn new(question: &Question, summary: &Summary, seconds: f64) -> Self {
        let by_round = summary.by_round();
        let bands = summary.quantiles(&[0.05, 0.95]);
        let growths = summary.growth_quantiles(&[0.05, 0.95]);
        let last = by_round.last().map_or(0, |round| round.round);
        let exact = question.exact(last);
        let percentiles = PERCENTILES.map(|p| (p.to_string(), summary.percentile(p / 100.0)));
        Self {
            asked: Asked::new(question),
            alive: summary.alive,
            goal: summary.goal,
            graph: question.settings.spread.graph.to_string(),
            pieces: question.pieces(),
            engine: question.engine(),
            seed: question.seed,
            runs: summary.runs,
            runs_asked: question.settings.runs,
            seconds,
            finished: summary.runs - summary.unfinished(),
            mean: summary.mean(),
            variance: summary.variance(),
            survival: summary.survival(LISTED),
            percentiles: percentiles.into_iter().collect(),
            rounds: by_round.iter().map(|round| round.round).collect(),
            informed: by_round.iter().map(|round| round.informed).collect(),
            informed_p5: bands.iter().map(|band| band[0]).collect(),
            informed_p95: bands.iter().map(|band| band[1]).collect(),
            growth: summary.growth(),
            growth_p5: growths.iter().map(|band| band[0]).collect(),
            growth_p95: growths.iter().map(|band| band[1]).collect(),
            messages_by_round: by_round.iter().map(|round| round.sent).collect(),
            messages: summary.messages.mean(),
            messages_variance: summary.messages.variance(),
            residue: summary.residue_share(),
            incomplete: summary.incomplete(),
            agreement: Agreement::of(summary, &exact, question.last_round()),
            exact,
            title: title(question),
            finishes: summary.finished.iter().collect(),
            by_round,
        }
    }
}
