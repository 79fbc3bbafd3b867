//! Questions about a spread: its exact law, and many runs of it.

use std::ops::ControlFlow;

use rumormill_model::compare;
use rumormill_model::compare::agreement::Agreement;
use rumormill_model::compare::answer::Exact;
use rumormill_model::exact::usual::{Estimate, Ratios, estimates};
use rumormill_model::exact::{Distribution, Options};
use rumormill_model::simulate::{EngineKind, Job, simulate};
use rumormill_model::spread::Spread;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::question::{Answer, json};

/// The percentiles that an answer lists.
const PERCENTILES: [f64; 4] = [50.0, 90.0, 99.0, 99.9];

/// The most memory that a graph or the runs on it may take, in bytes: a tab has little.
const MEMORY: u64 = 1 << 29;

/// The exact law of a spread, as `rumormill predict spread --json` has it.
#[derive(Deserialize)]
pub(crate) struct Predict {
    spread: Spread,
    /// Round to which the law is listed at least.
    #[serde(default)]
    rounds: u64,
    /// Whether the bounds and estimates of the usual story stand beside it.
    #[serde(default)]
    usual: bool,
}

#[derive(Serialize)]
struct Law {
    #[serde(flatten)]
    law: Distribution,
    percentiles: BTreeMap<String, Option<u64>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bounds: BTreeMap<&'static str, Estimate>,
    ratios: Option<Ratios>,
}

impl Predict {
    pub(crate) fn answer(&self) -> Answer {
        let Self { spread, rounds, usual } = self;
        spread.has_exact_law().map_err(|error| error.to_string())?;
        let options = Options { rounds: *rounds, ..Options::default() };
        let law = spread.solve_with(options).map_err(|error| error.to_string())?;
        let percentiles = PERCENTILES.iter().map(|&p| {
            let rounds = law.percentile(p).map_err(|error| error.to_string())?;
            Ok((p.to_string(), rounds))
        });
        let percentiles = percentiles.collect::<Result<_, String>>()?;
        let bounds = match usual {
            true => estimates(spread, &law).map_err(|error| error.to_string())?,
            false => Vec::new(),
        };
        let bounds = bounds.into_iter().map(|bound| (bound.name, bound)).collect();
        let ratios = Ratios::new(spread, law.mean).filter(|_| *usual);
        json(&Law { law, percentiles, bounds, ratios })
    }
}

/// Many runs of a spread, as `rumormill simulate spread` makes them on the same seed.
#[derive(Deserialize)]
pub(crate) struct Simulate {
    spread: Spread,
    /// Number of runs.
    runs: u64,
    seed: u64,
    /// How to compute it; if none is named, the fastest way.
    #[serde(default)]
    engine: Option<EngineKind>,
}

#[derive(Serialize)]
struct Runs {
    runs: u64,
    engine: EngineKind,
    mean: f64,
    variance: f64,
    /// Runs that met the goal in round 0, 1, ….
    finished: Vec<u64>,
    unfinished: u64,
    /// Mean number informed after round 0, 1, ….
    informed: Vec<f64>,
    /// Mean number of messages up to that round.
    sent: Vec<f64>,
    /// For each round the 5th and the 95th percentile of the number informed.
    informed_quantiles: Vec<Vec<f64>>,
    /// Factor by which the mean number informed grew from the round before; 1 for round 0.
    growth: Vec<f64>,
    /// For each round the 5th and the 95th percentile of the factor of a run.
    growth_quantiles: Vec<Vec<f64>>,
    /// The share of the runs that ended without meeting the goal.
    incomplete: f64,
    /// Mean share of the living that were uninformed at the end.
    residue: f64,
    messages: f64,
    /// What is known exactly.
    exact: Exact,
    agreement: Agreement,
}

impl Simulate {
    pub(crate) fn answer(&self) -> Answer {
        let Self { spread, runs, seed, engine } = self;
        let topology = spread
            .graph
            .build(spread.nodes, *seed, MEMORY, &|_| ControlFlow::Continue(()))
            .map_err(|error| error.to_string())?;
        let job =
            Job { engine: *engine, memory: MEMORY, ..Job::new(spread, &topology, 0..*runs, *seed) };
        let go_on = |_| ControlFlow::Continue(());
        let summary = simulate(&job, &go_on).map_err(|error| error.to_string())?;
        let most = summary.finished.largest().unwrap_or(0);
        let mut finished = vec![0; most as usize + 1];
        for (round, times) in summary.finished.iter() {
            finished[round as usize] = times;
        }
        let by_round = summary.by_round();
        let exact = compare::spread::exact(spread, by_round.len() as u64);
        json(&Runs {
            runs: summary.runs,
            engine: job.engine(),
            mean: summary.mean(),
            variance: summary.variance(),
            finished,
            unfinished: summary.unfinished(),
            informed: by_round.iter().map(|round| round.informed).collect(),
            sent: by_round.iter().map(|round| round.sent).collect(),
            informed_quantiles: summary.quantiles(&[0.05, 0.95]),
            growth: summary.growth(),
            growth_quantiles: summary.growth_quantiles(&[0.05, 0.95]),
            incomplete: summary.incomplete(),
            residue: summary.residue_share(),
            messages: summary.messages.mean(),
            agreement: Agreement::of(&summary, &exact, spread.last_round()),
            exact,
        })
    }
}
