//! What a simulated spread did, typed: as JSON prints it.

use std::collections::BTreeMap;

use rumormill_model::compare::agreement::Agreement;
use rumormill_model::compare::answer::Exact;
use rumormill_model::simulate::{RoundFigures, Summary};
use serde::Serialize;

use crate::spread::args::broadcast_name;
use crate::spread::question::{Pieces, Question};
use crate::spread::title::title;

/// The most finishing rounds listed one by one in JSON.
const LISTED: u64 = 1_000_000;

/// The percentiles of T that are given.
pub(crate) const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// The answer.
#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) nodes: u64,
    pub(crate) alive: u64,
    pub(crate) goal: u64,
    pub(crate) graph: String,
    /// What can be reached, if the graph is not in one piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pieces: Option<Pieces>,
    /// Null in a broadcast.
    pub(crate) style: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) broadcast: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pull_after: Option<u32>,
    pub(crate) fanout: u64,
    pub(crate) loss: f64,
    pub(crate) targets: &'static str,
    pub(crate) include_self: bool,
    pub(crate) origins: u64,
    pub(crate) origin: Option<u64>,
    pub(crate) stop: String,
    pub(crate) reset: bool,
    pub(crate) semantics: &'static str,
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
    pub(crate) exact: Option<ExactReport>,
    /// Why exact values are missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exact_missing: Option<String>,
    #[serde(skip)]
    pub(crate) known: Exact,
    #[serde(skip)]
    pub(crate) agreement: Agreement,
    #[serde(skip)]
    pub(crate) finishes: Vec<(u64, u64)>,
    #[serde(skip)]
    pub(crate) by_round: Vec<RoundFigures>,
    #[serde(skip)]
    pub(crate) title: String,
}

/// The exact values.
#[derive(Serialize)]
pub(crate) struct ExactReport {
    mean: Option<f64>,
    variance: Option<f64>,
    survival: Option<Vec<f64>>,
    informed: Option<Vec<f64>>,
    messages: Option<f64>,
    residue: Option<f64>,
    incomplete: Option<f64>,
    unfinished: Option<f64>,
    /// The chance of finishing rounds at least this far from the law, if it is right.
    p_value: Option<f64>,
    agreement: Agreement,
}

impl Report {
    pub(crate) fn new(question: &Question, summary: &Summary, seconds: f64) -> Self {
        let (settings, spread) = (&question.settings, &question.spread);
        let by_round = summary.by_round();
        let bands = summary.quantiles(&[0.05, 0.95]);
        let growths = summary.growth_quantiles(&[0.05, 0.95]);
        let last = by_round.last().map_or(0, |round| round.round);
        let known = question.exact(last);
        let agreement = Agreement::of(summary, &known, question.last_round());
        let exact = (known.law.is_some() || known.residue.is_some()).then(|| ExactReport {
            mean: known.law.as_ref().map(|law| law.mean),
            variance: known.law.as_ref().map(|law| law.variance),
            survival: known.law.as_ref().map(|law| law.survival.clone()),
            informed: (!known.informed.is_empty()).then(|| known.informed.clone()),
            messages: known.messages,
            residue: known.residue,
            incomplete: known.incomplete,
            unfinished: known.unfinished,
            p_value: agreement.finishing.map(|test| test.p_value),
            agreement: agreement.clone(),
        });
        let percentiles = PERCENTILES.map(|p| (p.to_string(), summary.percentile(p / 100.0)));
        Self {
            nodes: summary.nodes,
            alive: summary.alive,
            goal: summary.goal,
            graph: settings.spread.graph.to_string(),
            pieces: question.pieces(),
            style: question.broadcast.is_none().then(|| spread.style.name()),
            broadcast: question.broadcast.as_ref().map(|way| broadcast_name(way.kind)),
            pull_after: spread.switches_after(),
            fanout: spread.fanout,
            loss: spread.loss,
            targets: spread.targets.name(),
            include_self: spread.include_self,
            origins: spread.origins,
            origin: spread.origin,
            stop: spread.stop_name(),
            reset: spread.reset,
            semantics: spread.semantics.name(),
            engine: question.engine(),
            seed: question.seed,
            runs: summary.runs,
            runs_asked: settings.runs,
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
            exact,
            exact_missing: known.missing.clone(),
            title: title(question, summary),
            known,
            agreement,
            finishes: summary.finished.iter().collect(),
            by_round,
        }
    }
}
