//! `rumormill predict average`.

use crate::average::args::AverageArgs;
use crate::average::following::{self, FollowingArgs};
use crate::graph::args::{GraphArg, needed};
use crate::term::exit::{Exit, Usage, finish, finish_json};
use crate::term::format::{left, list, right};
use crate::term::refuse::refuse;
use clap::Args;
use rumormill_model::average::{Aggregate, Protocol, Schedule};
use rumormill_model::error::Error;
use rumormill_model::exact::average::cycles::Cycles;
use rumormill_model::graph::{GraphKind, Topology};

/// The question, and the accuracy to reach.
#[derive(Args)]
pub(crate) struct PredictArgs {
    #[command(flatten)]
    question: AverageArgs,
    /// Distance from the average to reach, relative to the distance at the start, (0, 1).
    #[arg(long, default_value_t = 1e-3, allow_negative_numbers = true)]
    epsilon: f64,
    /// Allowed probability of not reaching it, (0, 1).
    #[arg(long, default_value_t = 1e-6, allow_negative_numbers = true)]
    delta: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    following: FollowingArgs,
}

/// Runs `rumormill predict average`.
pub(crate) fn run(args: &PredictArgs) -> anyhow::Result<Exit> {
    if let Some(question) = args.following.question(&args.question)? {
        return following::predict(&question, args.json);
    }
    let nodes = plain(&args.question)?;
    let rows = rows(args, nodes).map_err(|error| refuse(&error))?;
    if args.json {
        return finish_json(&rows);
    }
    let (epsilon, delta) = (args.epsilon, args.delta);
    let lines = list(
        &rows,
        &[
            left("schedule", |row| row.schedule.to_string()),
            right("factor", |row| format!("{:.6}", row.factor)),
            right("cycles", |row| row.cycles.to_string()),
            right("tighter", |row| {
                row.cycles_second_moment.map_or_else(|| "-".to_owned(), |cycles| cycles.to_string())
            }),
            left("one cycle", |row| row.cycle.to_owned()),
        ],
    );
    finish(&format!(
        "{nodes} nodes: cycles until S = sum (x - mean)^2 is at most ({epsilon:e})^2 of its start, \
         except with probability {delta:e}\n\n{}\n\ncycles: Markov, (ln 1/delta + 2 ln 1/epsilon) / ln \
         1/factor. tighter: exact second moment of S and Cantelli,\nfrom values with no outlier.\n",
        lines.join("\n")
    ))
}

/// Returns the number of nodes, of a question whose exact factors are known.
fn plain(question: &AverageArgs) -> anyhow::Result<u64> {
    let (values, nodes) = question.inputs()?;
    let nodes = needed(nodes)?;
    let averaging = question.on(Topology::Complete(nodes), values);
    let complete = question.graph == GraphArg::Kind(GraphKind::Complete);
    if complete && averaging.faults.none() && averaging.aggregate == Aggregate::Average {
        return Ok(nodes);
    }
    let why = "exact factors are known for averages on the complete graph, without loss, overlap, \
               crashes and changes; simulate average simulates the rest";
    Err(Usage(why.to_owned()).into())
}

/// Returns a row for the schedule asked for, or for all that the protocol has.
fn rows(args: &PredictArgs, nodes: u64) -> Result<Vec<Cycles>, Error> {
    let protocol = args.question.protocol;
    let pushes = (protocol == Protocol::PushSum).then_some(Schedule::Synchronous);
    let asked = args.question.rounds().or(pushes);
    let schedules = Schedule::ALL.iter().copied();
    schedules
        .filter(|schedule| asked.is_none_or(|asked| asked == *schedule))
        .map(|schedule| Cycles::of(schedule, nodes, args.epsilon, args.delta))
        .collect()
}
