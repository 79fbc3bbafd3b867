//! How a spread ends: perfect doubling at the one end, rumors that die out at the other.

use rumormill_model::compare::ending::Ending;
use rumormill_model::exact::stop::counter_for_completeness;
use rumormill_model::exact::usual::{Doubling, scheduled};
use rumormill_model::spread::Spread;
use serde::{Deserialize, Serialize};

use crate::question::{Answer, json};

/// The most numbers of nodes in one question.
const SIZES: usize = 64;

/// How a spread with a stop rule ends, as `rumormill predict stop --json` has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictStop {
    spread: Spread,
    /// Runs, if nodes lose interest in synchronous rounds: these are simulated.
    #[serde(default = "runs")]
    runs: u64,
    #[serde(default = "seed")]
    seed: u64,
    /// The probability that somebody is missed, for which `counter` is given.
    #[serde(default = "failure")]
    failure: f64,
}

fn runs() -> u64 {
    1000
}

fn seed() -> u64 {
    1
}

fn failure() -> f64 {
    0.01
}

#[derive(Serialize)]
struct Ended {
    #[serde(flatten)]
    ending: Ending,
    /// The least k with k + 1 ≥ ln(n/failure).
    counter: u32,
}

impl PredictStop {
    pub(crate) fn answer(&self) -> Answer {
        let ending = Ending::new(&self.spread, self.runs, self.seed);
        let ending = ending.map_err(|error| error.to_string())?;
        let counter = counter_for_completeness(self.spread.nodes, self.failure);
        json(&Ended { ending, counter: counter.map_err(|error| error.to_string())? })
    }
}

/// The same for several numbers of nodes: how the ending changes with them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopBySize {
    spread: Spread,
    nodes: Vec<u64>,
}

impl StopBySize {
    pub(crate) fn answer(&self) -> Answer {
        if self.nodes.len() > SIZES {
            let given = self.nodes.len();
            return Err(format!("nodes lists {given} numbers, but at most {SIZES} are answered"));
        }
        let endings = self.nodes.iter().map(|&nodes| {
            let spread = Spread { nodes, ..self.spread.clone() };
            Ending::new(&spread, runs(), seed()).map_err(|error| error.to_string())
        });
        json(&endings.collect::<Result<Vec<_>, _>>()?)
    }
}

/// The perfect schedule and perfect doubling by chance, as `rumormill predict doubling --json` has
/// them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictDoubling {
    nodes: u64,
    #[serde(default)]
    loss: f64,
}

impl PredictDoubling {
    pub(crate) fn answer(&self) -> Answer {
        json(&Doubling::new(self.nodes, self.loss).map_err(|error| error.to_string())?)
    }
}

/// The messages of the perfect schedule, if those to some nodes are lost.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowSchedule {
    nodes: u64,
    #[serde(default)]
    lost: Vec<u64>,
}

impl FollowSchedule {
    pub(crate) fn answer(&self) -> Answer {
        json(&scheduled(self.nodes, &self.lost).map_err(|error| error.to_string())?)
    }
}
