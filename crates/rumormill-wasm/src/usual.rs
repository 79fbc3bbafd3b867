//! Questions about the usual story: its curves, stages and waits beside the exact answers; styles
//! that change; several updates at once.

use std::ops::ControlFlow;

use rumormill_model::compare::updates::{UpdatesCost, as_rumors};
use rumormill_model::error::Error;
use rumormill_model::exact::spread::Stage;
use rumormill_model::exact::usual::{
    self, Point, Ratios, curve, logistic_messages_by, messages_logistic,
};
use rumormill_model::graph::Topology;
use rumormill_model::simulate::{UpdatesSummary, Way};
use rumormill_model::spread::Spread;
use rumormill_proto::Style;
use serde::{Deserialize, Serialize};

use crate::question::{Answer, json};

/// Puts an error into words for the page.
fn worded<T>(result: Result<T, Error>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}

/// The number informed by round, as `rumormill predict spread --curve --json` has it, and the
/// messages sent.
#[derive(Deserialize)]
pub(crate) struct Curve {
    spread: Spread,
    /// Last round; if none is given, that by which 99.9 % have finished.
    #[serde(default)]
    rounds: Option<u64>,
}

#[derive(Serialize)]
struct Curves {
    rounds: Vec<Point>,
    /// Mean messages up to each round, exactly, and up to the end.
    sent: Option<Vec<f64>>,
    messages: f64,
    /// The same of the logistic equation; of plain push.
    logistic_sent: Option<Vec<f64>>,
    logistic_messages: Option<f64>,
    times: Times,
    /// Parts of the logistic equation's time, here and as nodes are added; of plain push.
    ratios: Option<Ratios>,
    limits: Ratios,
}

/// Rounds until all are informed.
#[derive(Serialize)]
struct Times {
    exact: f64,
    logistic: f64,
    collisions: f64,
    collisions_taylor: Option<f64>,
}

impl Curve {
    pub(crate) fn answer(&self) -> Answer {
        let Self { spread, rounds } = self;
        let law = worded(spread.solve())?;
        let last = match rounds {
            Some(rounds) => *rounds,
            None => worded(law.percentile(99.9))?.unwrap_or(0),
        };
        let points = worded(curve(spread, last))?;
        let logistic_messages = messages_logistic(spread);
        let nodes = spread.nodes as f64;
        let by_round = |point: &Point| logistic_messages_by(nodes, point.round as f64);
        json(&Curves {
            sent: usual::sent(spread, &law, &points),
            messages: law.messages,
            logistic_sent: logistic_messages.map(|_| points.iter().map(by_round).collect()),
            logistic_messages,
            times: Times {
                exact: law.mean,
                logistic: usual::time_logistic(spread),
                collisions: usual::time_collisions(spread),
                collisions_taylor: (spread.style == Style::Push)
                    .then(|| usual::time_taylor(spread)),
            },
            ratios: Ratios::new(spread, law.mean),
            limits: Ratios::limits(),
            rounds: points,
        })
    }
}

/// The waits stage by stage, as `rumormill predict spread --stages --json` has them.
#[derive(Deserialize)]
pub(crate) struct Stages {
    spread: Spread,
}

#[derive(Serialize)]
struct Staged {
    stages: Vec<Stage>,
    mean: f64,
    variance: f64,
    waits_mean: f64,
    waits_variance: f64,
}

impl Stages {
    pub(crate) fn answer(&self) -> Answer {
        let stages = worded(self.spread.stages())?;
        let exact = worded(self.spread.solve())?;
        let sum = |part: fn(&Stage) -> f64| stages.iter().map(part).sum();
        json(&Staged {
            mean: exact.mean,
            variance: exact.variance,
            waits_mean: sum(|stage| stage.waits_mean),
            waits_variance: sum(|stage| stage.waits_variance),
            stages,
        })
    }
}

/// Mean and variance of exponential waits and of the process, for several numbers of nodes.
#[derive(Deserialize)]
pub(crate) struct Waits {
    spread: Spread,
    /// Numbers of nodes.
    sizes: Vec<u64>,
}

#[derive(Serialize)]
struct Moments {
    nodes: u64,
    mean: f64,
    variance: f64,
    waits_mean: f64,
    waits_variance: f64,
}

impl Waits {
    pub(crate) fn answer(&self) -> Answer {
        let moments = self.sizes.iter().map(|&nodes| {
            let spread = Spread { nodes, ..self.spread.clone() };
            let exact = worded(spread.solve())?;
            let (waits_mean, waits_variance) = usual::waits(&spread);
            let (mean, variance) = (exact.mean, exact.variance);
            Ok(Moments { nodes, mean, variance, waits_mean, waits_variance })
        });
        json(&moments.collect::<Result<Vec<_>, String>>()?)
    }
}

/// Push that changes to pull, for each round from 0 up to one after which it may change.
#[derive(Deserialize)]
pub(crate) struct Switches {
    spread: Spread,
    most: u32,
}

#[derive(Serialize)]
struct Switched {
    after: u32,
    mean: f64,
    p99: Option<u64>,
    messages: f64,
}

impl Switches {
    pub(crate) fn answer(&self) -> Answer {
        let switched = (0..=self.most).map(|after| {
            let style = Style::PushThenPull;
            let law = Spread { style, pull_after: Some(after), ..self.spread.clone() }.solve()?;
            let p99 = law.percentile(99.0)?;
            Ok(Switched { after, mean: law.mean, p99, messages: law.messages })
        });
        json(&worded(switched.collect::<Result<Vec<_>, Error>>())?)
    }
}

/// Several updates, as `rumormill simulate spread --updates` sends them.
#[derive(Deserialize)]
pub(crate) struct Updates {
    spread: Spread,
    updates: u32,
    #[serde(default)]
    spacing: u32,
    /// Bytes of an update, of a message without it, and of a digest; if not given, the command's.
    #[serde(default)]
    payload: Option<u64>,
    #[serde(default)]
    overhead: Option<u64>,
    #[serde(default)]
    digest: Option<u64>,
    runs: u64,
    seed: u64,
}

#[derive(Serialize)]
struct Ways {
    rumors: UpdatesCost,
    exchange: UpdatesCost,
}

impl Updates {
    pub(crate) fn answer(&self) -> Answer {
        let usual = rumormill_model::simulate::Updates::new(self.spread.clone(), self.updates);
        let updates = rumormill_model::simulate::Updates {
            spacing: self.spacing,
            header: self.overhead.unwrap_or(usual.header),
            payload: self.payload.unwrap_or(usual.payload),
            digest: self.digest.unwrap_or(usual.digest),
            memory: 1 << 28,
            ..usual
        };
        let nodes = Topology::Complete(self.spread.nodes);
        let go_on = |_| ControlFlow::Continue(());
        let make = |way| -> Result<UpdatesSummary, String> {
            worded(updates.simulate(&nodes, way, 0..self.runs, self.seed, 1, &go_on))
        };
        json(&Ways {
            rumors: UpdatesCost::new(&make(Way::Rumors)?, as_rumors(&updates)),
            exchange: UpdatesCost::new(&make(Way::Exchange)?, None),
        })
    }
}
