//! The answer of a simulated average, typed, as JSON prints it.

use rumormill_model::compare::average::Reference;
use rumormill_model::graph::Topology;
use rumormill_model::simulate::average::statistic::Banded;
use rumormill_model::simulate::average::{
    Averaging, Faults, Job, Level, Reached, Strike, Summary, bytes_with_degree,
};
use serde::Serialize;

use crate::average::args::Settings;

/// The answer.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) nodes: u64,
    pub(crate) graph: String,
    /// Parts of the graph that cannot reach each other; 1 if all can.
    pub(crate) components: u64,
    #[serde(flatten)]
    pub(crate) averaging: Averaging,
    pub(crate) values: String,
    pub(crate) engine: &'static str,
    /// Memory of a run, beside the graph.
    pub(crate) bytes_per_node: u64,
    /// Runs made to their end; fewer than asked if it was interrupted.
    pub(crate) runs: u64,
    pub(crate) runs_asked: u64,
    pub(crate) interrupted: bool,
    pub(crate) seconds: f64,
    /// Time of one node in one round on one thread.
    pub(crate) nanoseconds_per_node_round: f64,
    pub(crate) factor: Factor,
    /// When the worst node was first as close as this.
    pub(crate) reached: Vec<Goal>,
    /// Round 0 is the start.
    pub(crate) by_round: Vec<Row>,
}

/// The factor by which a round shrinks the variance, over all runs and all rounds in which nothing
/// strikes.
#[derive(Debug, Serialize)]
pub(crate) struct Factor {
    pub(crate) mean: Option<f64>,
    pub(crate) standard_error: Option<f64>,
    /// The exact factor on the complete graph with nothing going wrong, where it is known.
    pub(crate) theory: Option<f64>,
    /// Whether that is what was simulated.
    pub(crate) theory_applies: bool,
}

/// When runs were first as close as this.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) error: f64,
    /// Runs that got there, of those made to their end or beyond that point.
    pub(crate) runs: u64,
    pub(crate) mean: Option<f64>,
    pub(crate) least: Option<u64>,
    pub(crate) most: Option<u64>,
}

/// All runs at one round.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) round: u32,
    /// Runs that got this far.
    pub(crate) runs: u64,
    /// Mean over nodes and runs of the relative error.
    pub(crate) mean_error: f64,
    pub(crate) mean_error_p5: f64,
    pub(crate) mean_error_p95: f64,
    /// Mean over runs of the worst node's relative error.
    pub(crate) worst_error: f64,
    pub(crate) worst_error_p5: f64,
    pub(crate) worst_error_p95: f64,
    /// The worst node of all runs.
    pub(crate) worst_error_most: f64,
    /// Mean over runs of the variance over the nodes.
    pub(crate) variance: f64,
    /// Mean over runs of the variance over that of the round before; null once it is no more than
    /// rounding.
    pub(crate) factor: Option<f64>,
    /// Mean over runs of (sum of the masses - sum of the inputs) / sum of |inputs|.
    pub(crate) mass_lost: f64,
    pub(crate) mass_lost_least: f64,
    pub(crate) mass_lost_most: f64,
    /// Mean messages sent in the round, lost ones included.
    pub(crate) messages: f64,
}

impl Answer {
    pub(crate) fn new(
        settings: &Settings,
        averaging: &Averaging,
        job: &Job<'_>,
        summary: &Summary,
        seconds: f64,
    ) -> Self {
        let reference = Reference::of(averaging);
        let components = match &averaging.topology {
            Topology::Complete(_) => 1,
            graph => graph.connectivity().components,
        };
        let rows = summary.levels.iter().enumerate();
        let by_round: Vec<Row> = rows.map(|(round, level)| Row::new(round, level)).collect();
        let rounds: u64 = by_round[1..].iter().map(|row| row.runs).sum();
        let threads = (job.threads as u64).min(settings.runs) as f64;
        let steps = (rounds * summary.nodes) as f64;
        Self {
            nodes: summary.nodes,
            graph: settings.average.graph.to_string(),
            components,
            averaging: averaging.clone(),
            values: settings.average.values.to_string(),
            engine: averaging.engine().map_or("", |engine| engine.name()),
            bytes_per_node: bytes_with_degree(averaging, averaging.topology.mean_degree())
                .map_or(0, |bytes| bytes / averaging.nodes()),
            runs: summary.runs,
            runs_asked: settings.runs,
            interrupted: summary.cancelled,
            seconds,
            nanoseconds_per_node_round: 1e9 * seconds * threads / steps.max(1.0),
            factor: Factor {
                mean: summary.factor.mean(),
                standard_error: summary.factor.standard_error(),
                theory: reference.map(|reference| reference.factor),
                theory_applies: reference.is_some_and(|reference| reference.applies),
            },
            reached: summary.reached.iter().map(Goal::new).collect(),
            by_round,
        }
    }

    /// Returns whether some run ended without getting as close as was asked.
    pub(crate) fn missed_goal(&self) -> bool {
        self.averaging.until.is_some_and(|until| {
            self.reached.iter().any(|goal| goal.error == until && goal.runs < self.runs)
        })
    }

    /// Returns what was simulated, in a line.
    pub(crate) fn title(&self) -> String {
        let graph = if self.graph == "complete" { "complete graph" } else { &self.graph };
        let Averaging { aggregate, protocol, schedule, .. } = &self.averaging;
        let nodes = crate::term::format::grouped(self.nodes);
        format!("{aggregate} by {protocol}, {nodes} nodes, {graph}, {schedule}")
    }

    /// Returns what goes wrong, and how it was computed, in words.
    pub(crate) fn conditions(&self) -> Vec<String> {
        let mut words = vec![format!("{} values", self.values)];
        let Faults { loss, latency, crashes, changes, detection } = &self.averaging.faults;
        if *loss > 0.0 {
            words.push(format!("loss {loss}"));
        }
        match latency {
            (_, 0.0) => {}
            (low, high) if low == high => words.push(format!("overlap {low}")),
            (low, high) => words.push(format!("overlap {low}..{high}")),
        }
        let at = |strike: &Strike| format!("{}@{}", strike.share, strike.after);
        let crash = |strike| format!("crash {} (known after {detection} rounds)", at(strike));
        words.extend(crashes.iter().map(crash));
        words.extend(changes.iter().map(|strike| format!("change {}", at(strike))));
        let runs = crate::term::format::plural(self.runs as usize, "run");
        words.push(format!("{runs}, seed {}", self.averaging.seed));
        words
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
