//! Questions about an average: its exact contraction, many runs of it, and one run message by
//! message.

use std::ops::ControlFlow;

use rumormill_model::average::{Averaging, Schedule, Values};
use rumormill_model::compare::average::report::Report;
use rumormill_model::error::Error;
use rumormill_model::exact::average::cycles::Cycles;
use rumormill_model::graph::GraphKind;
use rumormill_model::simulate::average::follow::{Follow, Held, Sent};
use rumormill_model::simulate::average::{Job, Moment, simulate};
use serde::{Deserialize, Serialize};

use crate::question::{Answer, json};

/// The most memory that a graph or the runs on it may take, in bytes.
pub(crate) const MEMORY: u64 = 1 << 28;

/// The most messages that a followed run lists.
const MESSAGES: u64 = 200_000;

/// The most states of nodes that a followed run lists.
const STATES: u64 = 2_000_000;

/// A question of averaging, and the graph that it is about.
#[derive(Clone, Deserialize)]
pub(crate) struct Asked {
    /// Left out if the values are given one by one.
    #[serde(default)]
    nodes: Option<u64>,
    #[serde(default = "complete")]
    graph: String,
    #[serde(flatten)]
    averaging: Averaging,
}

fn complete() -> String {
    GraphKind::Complete.to_string()
}

/// Returns what an error says.
#[allow(clippy::needless_pass_by_value, reason = "what `map_err` calls takes the error")]
pub(crate) fn words(error: Error) -> String {
    error.to_string()
}

impl Asked {
    /// Returns the question with its graph made.
    pub(crate) fn averaging(&self) -> Result<Averaging, String> {
        let given = match &self.averaging.values {
            Values::Given(values) => Some(values.len() as u64),
            _ => None,
        };
        let nodes = self.nodes.or(given).ok_or("say how many nodes: \"nodes\": 64")?;
        let graph: GraphKind = self.graph.parse().map_err(|error| format!("graph: {error}"))?;
        let go_on = |_| ControlFlow::Continue(());
        let topology = graph.build(nodes, self.averaging.seed, MEMORY, &go_on).map_err(words)?;
        Ok(Averaging { topology, ..self.averaging.clone() })
    }
}

/// Many runs, as `rumormill simulate average` makes them.
#[derive(Deserialize)]
pub(crate) struct SimulateAverage {
    average: Asked,
    /// Number of runs.
    runs: u64,
}

#[derive(Serialize)]
struct Runs {
    engine: &'static str,
    runs: u64,
    #[serde(flatten)]
    report: Report,
    /// The mean variance that the exact factor leads to, by round; empty where it does not apply.
    exact_variance: Vec<f64>,
}

impl SimulateAverage {
    pub(crate) fn answer(&self) -> Answer {
        let averaging = self.average.averaging()?;
        let job = Job { memory: MEMORY, ..Job::new(&averaging, 0..self.runs) };
        let go_on = |_| ControlFlow::Continue(());
        let summary = simulate(&job, &go_on).map_err(words)?;
        let report = Report::of(&averaging, &summary);
        json(&Runs {
            engine: averaging.engine().map_or("", |engine| engine.name()),
            runs: summary.runs,
            exact_variance: exact_variance(&report),
            report,
        })
    }
}

/// Returns the start's variance, shrunk by the exact factor each round.
fn exact_variance(report: &Report) -> Vec<f64> {
    let (Some(factor), Some(start)) = (report.factor.theory, report.by_round.first()) else {
        return Vec::new();
    };
    if !report.factor.theory_applies {
        return Vec::new();
    }
    let rounds = 0..report.by_round.len() as i32;
    rounds.map(|round| start.variance * factor.powi(round)).collect()
}

/// The exact contraction, as `rumormill predict average` has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictAverage {
    nodes: u64,
    /// Only this schedule; all, if none is named.
    #[serde(default)]
    schedule: Option<Schedule>,
    #[serde(default = "epsilon")]
    epsilon: f64,
    #[serde(default = "delta")]
    delta: f64,
}

fn epsilon() -> f64 {
    1e-3
}

fn delta() -> f64 {
    1e-6
}

impl PredictAverage {
    pub(crate) fn answer(&self) -> Answer {
        let Self { nodes, schedule, epsilon, delta } = self;
        let schedules = Schedule::ALL.iter().copied();
        let rows = schedules
            .filter(|one| schedule.is_none_or(|asked| asked == *one))
            .map(|one| Cycles::of(one, *nodes, *epsilon, *delta).map_err(words))
            .collect::<Result<Vec<_>, _>>()?;
        json(&rows)
    }
}

/// One run, with what every node holds after each round, and every message if they are few.
#[derive(Deserialize)]
pub(crate) struct FollowAverage {
    average: Asked,
    /// Which run of the seed.
    #[serde(default)]
    run: u64,
    /// Messages that are lost, by their numbers in the run, from 0.
    #[serde(default)]
    lose: Vec<u64>,
    /// Whether to list every message.
    #[serde(default)]
    messages: bool,
}

#[derive(Serialize)]
struct Followed {
    /// The sum of the inputs of the nodes that are up, round by round: what the nodes should hold.
    rounds: Vec<Round>,
}

#[derive(Serialize)]
struct Round {
    /// What every node holds after the round; `None` of a node that has crashed.
    nodes: Vec<Option<Held>>,
    /// What all that are up hold together.
    total: Held,
    /// The inputs of all that are up together.
    input: f64,
    mean_error: f64,
    worst_error: f64,
    variance: f64,
    /// (Sum of the masses − sum of the inputs) / sum of |inputs|, with what is on its way.
    mass_lost: f64,
    sent: u64,
    messages: Vec<Sent>,
}

impl Round {
    fn of(follow: &Follow, moment: Moment, messages: Vec<Sent>) -> Self {
        let held = |node| follow.is_up(node).then(|| follow.held(node));
        Self {
            nodes: (0..follow.nodes()).map(held).collect(),
            total: follow.total(),
            input: follow.input(),
            mean_error: moment.mean_error,
            worst_error: moment.worst_error,
            variance: moment.variance,
            mass_lost: moment.mass_lost,
            sent: moment.messages,
            messages,
        }
    }
}

impl FollowAverage {
    pub(crate) fn answer(&self) -> Answer {
        let averaging = self.average.averaging()?;
        let (nodes, rounds) = (averaging.nodes(), u64::from(averaging.rounds));
        if nodes.saturating_mul(rounds + 1) > STATES {
            return Err(format!(
                "{nodes} nodes over {rounds} rounds are more than {STATES} states: ask for fewer"
            ));
        }
        let mut follow = Follow::new(&averaging, self.run).map_err(words)?;
        follow.lose(self.lose.iter().copied());
        let mut played = vec![Round::of(&follow, follow.moment(), Vec::new())];
        let mut listed = 0;
        for _ in 0..rounds {
            let mut messages = Vec::new();
            let moment = follow.round(&mut |sent| {
                listed += 1;
                if self.messages && listed <= MESSAGES {
                    messages.push(sent);
                }
            });
            if self.messages && listed > MESSAGES {
                return Err(format!(
                    "the run has more than {MESSAGES} messages: ask for fewer nodes or rounds, or \
                     without messages"
                ));
            }
            played.push(Round::of(&follow, moment, messages));
            if averaging.until.is_some_and(|until| moment.worst_error <= until) {
                break;
            }
        }
        json(&Followed { rounds: played })
    }
}
