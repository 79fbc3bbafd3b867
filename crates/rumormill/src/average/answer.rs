//! The answer of a simulated average, typed, as JSON prints it.

use rumormill_model::compare::average::report::Report;
use rumormill_model::graph::Topology;
use rumormill_model::simulate::average::{
    Averaging, Faults, Job, Strike, Summary, bytes_with_degree,
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
    #[serde(flatten)]
    pub(crate) report: Report,
}

impl Answer {
    pub(crate) fn new(
        settings: &Settings,
        averaging: &Averaging,
        job: &Job<'_>,
        summary: &Summary,
        seconds: f64,
    ) -> Self {
        let components = match &averaging.topology {
            Topology::Complete(_) => 1,
            graph => graph.connectivity().components,
        };
        let report = Report::of(averaging, summary);
        let rounds: u64 = report.by_round[1..].iter().map(|row| row.runs).sum();
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
            report,
        }
    }

    /// Returns whether some run ended without getting as close as was asked.
    pub(crate) fn missed_goal(&self) -> bool {
        self.averaging.until.is_some_and(|until| {
            self.report.reached.iter().any(|goal| goal.error == until && goal.runs < self.runs)
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
