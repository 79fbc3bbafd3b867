//! One sender against many mouths: broadcasts, exactly over the loss, and simulated.

use std::ops::ControlFlow;

use rumormill_model::compare;
use rumormill_model::compare::answer::Exact;
use rumormill_model::exact::broadcast::{
    acknowledged_messages, acknowledged_rounds, blind, blind_success, eager,
};
use rumormill_model::exact::{Distribution, Options};
use rumormill_model::simulate::{Broadcast, BroadcastKind, Summary};
use rumormill_model::spread::Spread;
use serde::{Deserialize, Serialize};

use crate::question::{Answer, json};

/// The most losses in one question.
const LOSSES: usize = 200;

/// The most nodes of one.
const NODES: u64 = 2_000;

/// The most simulated deliveries: nodes times runs.
const DELIVERIES: u64 = 200_000_000;

/// All ways over the loss: the gossip of `spread` up to a cap of rounds, and the broadcasts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompareWays {
    /// The gossip. Its own loss and stop rule don't count.
    spread: Spread,
    /// Rounds after which gossip stops.
    rounds: u64,
    /// How often the repeated broadcast sends.
    repeats: u32,
    losses: Vec<f64>,
}

/// The answer for one loss.
#[derive(Serialize)]
struct AtLoss {
    loss: f64,
    single: Way,
    repeated: Way,
    acknowledged: Way,
    eager: Way,
    gossip: Way,
}

/// What one way does.
#[derive(Serialize)]
struct Way {
    /// Mean messages, acknowledgements not counted.
    messages: f64,
    /// Mean rounds until all that can be reached are; of gossip until all are informed, without the
    /// cap.
    rounds: f64,
    /// Probability that somebody is missed.
    failure: f64,
    /// Probability that nobody is.
    success: f64,
}

impl CompareWays {
    pub(crate) fn answer(&self) -> Answer {
        let (given, n) = (self.losses.len(), self.spread.nodes);
        if given > LOSSES {
            return Err(format!("losses lists {given} numbers, but at most {LOSSES} are answered"));
        }
        if n > NODES {
            return Err(format!("nodes is {n}, but the ways are compared for at most {NODES}"));
        }
        let all = self.losses.iter().map(|&loss| self.at(loss).map_err(|error| error.to_string()));
        json(&all.collect::<Result<Vec<_>, _>>()?)
    }

    fn at(&self, loss: f64) -> Result<AtLoss, rumormill_model::error::Error> {
        let (n, others) = (self.spread.nodes, self.spread.nodes as f64 - 1.0);
        let repeated = |repeats: u32| {
            Ok(Way {
                messages: f64::from(repeats) * others,
                rounds: f64::from(repeats),
                failure: blind(n, loss, repeats)?,
                success: blind_success(n, loss, repeats)?,
            })
        };
        let eager = eager(n, loss)?;
        Ok(AtLoss {
            loss,
            single: repeated(1)?,
            repeated: repeated(self.repeats)?,
            acknowledged: Way {
                messages: acknowledged_messages(n, loss)?,
                rounds: acknowledged_rounds(n, loss)?,
                failure: 0.0,
                success: 1.0,
            },
            eager: Way {
                messages: eager.messages,
                rounds: eager.rounds,
                failure: eager.failure,
                success: 1.0 - eager.failure,
            },
            gossip: self.gossip(loss)?,
        })
    }

    fn gossip(&self, loss: f64) -> Result<Way, rumormill_model::error::Error> {
        let spread = Spread { loss, stop: None, max_rounds: None, ..self.spread.clone() };
        spread.has_exact_law()?;
        let options = Options { rounds: self.rounds, ..Options::default() };
        let law: Distribution = spread.solve_with(options)?;
        // All that are informed push in each round up to the cap.
        let capped = Spread { stop: Some(self.stop()), ..spread };
        let end = compare::ending::Ending::new(&capped, 0, 0)?;
        Ok(Way {
            messages: end.traffic.value * capped.alive() as f64,
            rounds: law.mean,
            failure: law.survival(self.rounds),
            success: law.success(self.rounds),
        })
    }

    fn stop(&self) -> rumormill_proto::Stop {
        rumormill_proto::Stop::Rounds(u32::try_from(self.rounds).unwrap_or(u32::MAX))
    }
}

/// Many broadcasts by one sender, as `rumormill simulate spread --broadcast` makes them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimulateBroadcast {
    nodes: u64,
    /// single-shot, repeated:R, acknowledged or eager.
    broadcast: String,
    #[serde(default)]
    loss: f64,
    runs: u64,
    seed: u64,
}

#[derive(Serialize)]
struct Runs {
    runs: u64,
    /// Mean rounds until all were reached, over the runs that reached all.
    mean: f64,
    messages: f64,
    /// Mean share of the nodes that was missed.
    residue: f64,
    /// Share of the runs that missed somebody.
    incomplete: f64,
    /// Mean number reached after round 0, 1, ….
    informed: Vec<f64>,
    exact: Exact,
}

impl SimulateBroadcast {
    pub(crate) fn answer(&self) -> Answer {
        let Self { nodes, broadcast, loss, runs, seed } = self;
        let kind: BroadcastKind = broadcast.parse().map_err(|error| format!("{error}"))?;
        if nodes.saturating_mul(*runs) > DELIVERIES {
            return Err(format!(
                "{nodes} nodes times {runs} runs are more than {DELIVERIES} deliveries: ask for \
                 fewer runs"
            ));
        }
        let question = Broadcast { loss: *loss, ..Broadcast::new(*nodes, kind) };
        let go_on = |_| ControlFlow::Continue(());
        let summary: Summary =
            question.simulate(0..*runs, *seed, 1, &go_on).map_err(|error| error.to_string())?;
        json(&Runs {
            runs: summary.runs,
            mean: summary.mean(),
            messages: summary.messages.mean(),
            residue: summary.residue_share(),
            incomplete: summary.incomplete(),
            informed: summary.by_round().iter().map(|round| round.informed).collect(),
            exact: compare::broadcast::exact(&question),
        })
    }
}
