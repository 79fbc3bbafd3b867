//! The question of moving inputs: how far behind an aggregate is whose inputs change again and again,
//! with event-triggered exchange and a budget.

use rumormill_proto::{
    AggregateSettings, BURST, BURST_BROADCASTS, Config, GAPS_PER_INTERVAL, REST_INTERVALS,
};
use serde::Serialize;

use crate::error::{Error, need};

/// One aggregate whose inputs change at every node, exchanged when there is news. Times are in
/// seconds.
///
/// Every input is redrawn at the same rate, each node at its own phase, independently and uniformly
/// within `amplitude` of a base that all have in common. Nothing is lost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Following {
    /// Number of nodes.
    pub nodes: u64,
    /// Changes of each input in a second.
    pub changes: f64,
    /// The largest distance of an input from its base, relative to the base.
    pub amplitude: f64,
    /// The most exchanges that a node starts in a second.
    pub budget: f64,
    /// The gossip period.
    pub interval: f64,
    /// The number of peers of a node; all others, if there are fewer.
    pub view_size: u64,
    /// The time that a message takes.
    pub latency: f64,
    /// The relative disagreement that is no news.
    pub tolerance: f64,
}

/// The most nodes: a simulation keeps all links.
pub const MAX_NODES: u64 = 100_000;

impl Following {
    /// Returns the question for an agent's default settings, on a fast network: one change a second of
    /// ±10 %.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        let config = Config::default();
        let AggregateSettings { max_exchanges, view_size, tolerance, .. } = config.aggregates;
        Self {
            nodes,
            changes: 1.0,
            amplitude: 0.1,
            budget: f64::from(max_exchanges),
            interval: config.interval.as_secs_f64(),
            view_size: view_size as u64,
            latency: 0.0002,
            tolerance,
        }
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// The first setting that is out of range, with its value.
    pub fn check(&self) -> Result<(), Error> {
        need((2..=MAX_NODES).contains(&self.nodes), "nodes", self.nodes, "from 2 to 100000")?;
        let changes = self.changes;
        need((1e-6..=1000.0).contains(&changes), "changes", changes, "from 1e-6 to 1000 a second")?;
        let amplitude = self.amplitude;
        need(amplitude > 0.0 && amplitude < 1.0, "amplitude", amplitude, "above 0 and below 1")?;
        let budget = self.budget;
        need((1.0..=100_000.0).contains(&budget), "budget", budget, "from 1 to 100000 a second")?;
        let interval = self.interval;
        need((0.01..=60.0).contains(&interval), "interval", interval, "from 10ms to 60s")?;
        need((4..=64).contains(&self.view_size), "view-size", self.view_size, "from 4 to 64")?;
        need((0.0..=10.0).contains(&self.latency), "latency", self.latency, "up to 10s")?;
        let tolerance = self.tolerance;
        need((1e-12..=0.5).contains(&tolerance), "tolerance", tolerance, "from 1e-12 to 0.5")
    }

    /// Returns the number of peers of a node.
    #[must_use]
    pub fn degree(&self) -> u64 {
        self.view_size.min(self.nodes - 1)
    }

    /// Returns whether every pair of nodes is linked.
    #[must_use]
    pub fn is_mesh(&self) -> bool {
        self.degree() == self.nodes - 1
    }

    /// Returns the gap between exchanges after news, in seconds.
    #[must_use]
    pub fn gap(&self) -> f64 {
        self.interval / f64::from(GAPS_PER_INTERVAL)
    }

    /// Returns the gap between exchanges at rest, in seconds.
    #[must_use]
    pub fn rest_gap(&self) -> f64 {
        self.interval * f64::from(REST_INTERVALS)
    }

    /// Returns the seconds whose budget may be spent at once: at least those of two broadcasts.
    #[must_use]
    pub fn burst(&self) -> f64 {
        BURST.as_secs_f64().max(f64::from(BURST_BROADCASTS) * self.view_size as f64 / self.budget)
    }

    /// Returns the mean square of the steps by which an input changes, relative to the base's square:
    /// the difference of two independent uniform values.
    #[must_use]
    pub fn step(&self) -> f64 {
        2.0 * self.amplitude.powi(2) / 3.0
    }
}
