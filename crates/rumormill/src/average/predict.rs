//! `rumormill predict average`.

use std::fmt::Write as _;

use crate::term::exit::{Exit, finish, finish_json};
use crate::term::parse::count;
use crate::term::refuse::refuse;
use clap::Args;
use rumormill_model::error::Error;
use rumormill_model::exact::average::{Schedule, cycles_needed, random_pair_cycles};
use serde::Serialize;

/// The accuracy to reach.
#[derive(Args)]
pub(crate) struct AverageArgs {
    /// Number of nodes, 2..=1e15.
    #[arg(long, value_parser = count)]
    nodes: u64,
    /// Distance from the average to reach, relative to the distance at the start, (0, 1).
    #[arg(long, default_value_t = 1e-3, allow_negative_numbers = true)]
    epsilon: f64,
    /// Allowed probability of not reaching it, (0, 1).
    #[arg(long, default_value_t = 1e-6, allow_negative_numbers = true)]
    delta: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    schedule: &'static str,
    factor: f64,
    cycles: u64,
    cycles_second_moment: Option<u64>,
    says: &'static str,
}

/// Runs `rumormill predict average`.
pub(crate) fn run(args: &AverageArgs) -> anyhow::Result<Exit> {
    let rows = match rows(args) {
        Ok(rows) => rows,
        Err(error) => return Err(refuse(&error)),
    };
    if args.json {
        return finish_json(&rows);
    }
    let mut out = format!(
        "{} nodes: cycles until S = sum (x - mean)^2 is at most ({:e})^2 of its start, except \
         with probability {:e}\n\n",
        args.nodes, args.epsilon, args.delta
    );
    let _ = writeln!(
        out,
        "{:<14}{:>12}{:>10}{:>12}   one cycle",
        "schedule", "factor", "cycles", "tighter"
    );
    for row in &rows {
        let tighter = row.cycles_second_moment.map_or_else(|| "-".to_owned(), |c| c.to_string());
        let _ = writeln!(
            out,
            "{:<14}{:>12.6}{:>10}{tighter:>12}   {}",
            row.schedule, row.factor, row.cycles, row.says
        );
    }
    out += "\ncycles: Markov, (ln 1/delta + 2 ln 1/epsilon) / ln 1/factor. tighter: exact second \
            moment of S and Cantelli,\nfrom values with no outlier.\n";
    finish(&out)
}

fn rows(args: &AverageArgs) -> Result<Vec<Row>, Error> {
    Schedule::ALL
        .into_iter()
        .map(|schedule| {
            let factor = schedule.factor(args.nodes)?;
            let cycles = cycles_needed(factor, args.epsilon, args.delta)?;
            let pair = schedule == Schedule::RandomPair;
            let kurtosis = 3.0 / args.nodes as f64;
            Ok(Row {
                schedule: schedule.name(),
                factor,
                cycles,
                cycles_second_moment: if pair {
                    let kurtosis = kurtosis.min(1.0);
                    Some(random_pair_cycles(args.nodes, args.epsilon, args.delta, kurtosis)?)
                } else {
                    None
                },
                says: match schedule {
                    Schedule::RandomPair => "n exchanges of uniform pairs: exact",
                    Schedule::Shuffled => {
                        "each node once, shuffled (SPSP with atomic exchanges): exact"
                    }
                    Schedule::Fixed => "each node once, in a fixed order: limit of many nodes",
                    Schedule::Matching => "one matching (for odd n, one node is idle): exact",
                    Schedule::PushSum => {
                        "each node keeps half, sends half: exact for the masses; estimates shrink less"
                    }
                },
            })
        })
        .collect()
}
