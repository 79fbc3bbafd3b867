//! One run of a spread, call by call.

use std::ops::ControlFlow;

use rumormill_model::graph::Topology;
use rumormill_model::simulate::spread::follow::{Call, Follow, Round};
use rumormill_model::spread::Spread;
use serde::{Deserialize, Serialize};

use crate::question::{Answer, json};

/// The most nodes of a run that is followed.
const NODES: u64 = 2_000;

/// The most calls that an answer lists.
const CALLS: usize = 500_000;

/// The most memory that a graph may take, in bytes.
const MEMORY: u64 = 1 << 26;

/// Flags of a call, as the page reads them.
const PULLS: u32 = 1;
const LOST: u32 = 2;
const DEAD: u32 = 4;
const ANSWERS: u32 = 8;
const INFORMS: u32 = 16;
const LOSES_INTEREST: u32 = 32;

/// The run that `rumormill simulate spread --engine reference` makes as number `run` of a seed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowSpread {
    spread: Spread,
    seed: u64,
    #[serde(default)]
    run: u64,
    /// Rounds to list at most.
    #[serde(default = "all_rounds")]
    rounds: u32,
}

fn all_rounds() -> u32 {
    100_000
}

/// The run.
#[derive(Serialize)]
struct Followed {
    nodes: u64,
    alive: u64,
    goal: u64,
    /// Each edge once (as it points, if edges do); `None` on the complete graph.
    edges: Option<Vec<(u32, u32)>>,
    origins: Vec<u32>,
    dead: Vec<u32>,
    /// The round in which each node was informed, 0 at the start.
    informed_in: Vec<Option<u32>>,
    /// The round in which each node lost interest.
    lost_interest_in: Vec<Option<u32>>,
    rounds: Vec<Played>,
    /// The round after which the goal was met.
    finished: Option<u32>,
    /// Whether the run has ended; if not, it has more rounds than are listed.
    over: bool,
    messages: u64,
}

/// A round: number informed after it, messages, and its calls as from, to and flags.
#[derive(Serialize)]
struct Played {
    informed: u64,
    messages: u64,
    calls: Vec<(u32, u32, u32)>,
}

fn flags(call: &Call) -> u32 {
    let all = [
        (call.pulls, PULLS),
        (call.lost, LOST),
        (call.dead, DEAD),
        (call.answers, ANSWERS),
        (call.informs, INFORMS),
        (call.loses_interest, LOSES_INTEREST),
    ];
    all.iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag).sum()
}

impl Played {
    fn new(round: &Round<'_>) -> Self {
        let calls = round.calls.iter().map(|call| (call.from, call.to, flags(call))).collect();
        Self { informed: round.informed, messages: round.messages, calls }
    }
}

/// Returns each edge of a graph once; `None` of the complete one.
pub(crate) fn edges(topology: &Topology) -> Option<Vec<(u32, u32)>> {
    let Topology::Graph(csr) = topology else { return None };
    let all = (0..csr.nodes() as u32)
        .flat_map(|v| csr.neighbours(v).iter().map(move |&w| (v, w)))
        .filter(|&(v, w)| csr.directed() || v < w);
    Some(all.collect())
}

impl FollowSpread {
    pub(crate) fn answer(&self) -> Answer {
        let Self { spread, seed, run, rounds } = self;
        if spread.nodes > NODES {
            return Err(format!(
                "nodes is {}, but a run is shown call by call for at most {NODES}",
                spread.nodes
            ));
        }
        let words = |error: rumormill_model::error::Error| error.to_string();
        let go_on = |_| ControlFlow::Continue(());
        let topology = spread.graph.build(spread.nodes, *seed, MEMORY, &go_on).map_err(words)?;
        let mut follow = Follow::new(spread, &topology, *seed, *run).map_err(words)?;
        let (mut played, mut calls) = (Vec::new(), 0);
        while (played.len() as u64) < u64::from(*rounds) {
            let Some(round) = follow.step() else { break };
            calls += round.calls.len();
            if calls > CALLS {
                return Err(format!(
                    "round {} brings the run to {calls} calls, but at most {CALLS} are shown: ask \
                     for fewer nodes, or for {} rounds",
                    round.number,
                    round.number - 1
                ));
            }
            played.push(Played::new(&round));
        }
        let record = follow.record();
        json(&Followed {
            nodes: spread.nodes,
            alive: spread.alive(),
            goal: spread.goal(),
            edges: edges(&topology),
            origins: follow.origins().to_vec(),
            dead: (0..spread.nodes as u32).filter(|&node| !follow.lives(node)).collect(),
            informed_in: follow.informed_in().to_vec(),
            lost_interest_in: follow.lost_interest_in().to_vec(),
            rounds: played,
            finished: record.finished,
            over: follow.is_over(),
            messages: record.messages,
        })
    }
}

/// The most nodes times runs that are searched.
const SEARCHED: u64 = 20_000_000;

/// The most calls that are followed in a search.
const WORK: u64 = 200_000_000;

/// Looks for runs of a seed that are worth seeing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindRuns {
    spread: Spread,
    seed: u64,
    /// How many runs to look at.
    runs: u64,
    /// What counts as quick: finished within this many rounds.
    #[serde(default)]
    quick: u32,
}

/// Numbers of runs.
#[derive(Default, Serialize)]
struct Found {
    /// The first that finished within the rounds given.
    quick: Option<u64>,
    /// How many did.
    quick_runs: u64,
    /// The one that took the longest to finish, and its rounds.
    slowest: Option<(u64, u32)>,
    /// The first that ended without meeting its goal.
    incomplete: Option<u64>,
    /// How many did.
    incomplete_runs: u64,
}

impl FindRuns {
    pub(crate) fn answer(&self) -> Answer {
        let Self { spread, seed, runs, quick } = self;
        if spread.nodes.saturating_mul(*runs) > SEARCHED {
            return Err(format!(
                "{} nodes times {runs} runs are more than the {SEARCHED} that are searched: ask for \
                 fewer runs",
                spread.nodes
            ));
        }
        let words = |error: rumormill_model::error::Error| error.to_string();
        let go_on = |_| ControlFlow::Continue(());
        let topology = spread.graph.build(spread.nodes, *seed, MEMORY, &go_on).map_err(words)?;
        let (mut found, mut work) = (Found::default(), 0);
        for run in 0..*runs {
            let mut follow = Follow::new(spread, &topology, *seed, run).map_err(words)?;
            while follow.record().finished.is_none() {
                let Some(round) = follow.step() else { break };
                work += round.messages + 1;
                if work > WORK {
                    return Err(format!(
                        "run {run} brings the search to more than {WORK} calls: ask for fewer runs"
                    ));
                }
            }
            match follow.record().finished {
                None => {
                    found.incomplete.get_or_insert(run);
                    found.incomplete_runs += 1;
                }
                Some(round) => {
                    if round <= *quick {
                        found.quick.get_or_insert(run);
                        found.quick_runs += 1;
                    }
                    if found.slowest.is_none_or(|(_, most)| round > most) {
                        found.slowest = Some((run, round));
                    }
                }
            }
        }
        json(&found)
    }
}
