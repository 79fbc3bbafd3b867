//! `rumormill predict`: the exact mathematics, asked from the command line.

mod average;
mod broadcast;
mod graph;
pub(crate) mod input;
pub(crate) mod spread;
mod stop;

use clap::Subcommand;

use crate::exit::{self, Exit, Usage};

/// What to predict.
#[derive(Subcommand)]
pub(crate) enum Predict {
    /// Rounds until a rumor has spread: the exact law, and the usual estimates judged by it.
    Spread(spread::SpreadArgs),
    /// Graphs other than the complete one: distances, and what is known in closed form.
    Graph(graph::GraphArgs),
    /// Rumors that die out: residue, traffic, and the chance that someone never hears.
    Stop(stop::StopArgs),
    /// One sender tells everyone under loss: single shot, repeated, acknowledged, eager, gossip.
    Broadcast(broadcast::BroadcastArgs),
    /// Rounds until averaging is as close as asked.
    Average(average::AverageArgs),
}

/// Runs `rumormill predict`.
pub(crate) fn run(what: &Predict) -> anyhow::Result<Exit> {
    match what {
        Predict::Spread(args) => spread::run(args),
        Predict::Graph(args) => graph::run(args),
        Predict::Stop(args) => stop::run(args),
        Predict::Broadcast(args) => broadcast::run(args),
        Predict::Average(args) => average::run(args),
    }
}

/// A refused question as a usage error: one line that names the flag and its range.
pub(crate) fn refuse(error: &rumormill_theory::Error) -> anyhow::Error {
    Usage(format!("--{error}")).into()
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> anyhow::Result<Exit> {
    exit::print(text)?;
    Ok(Exit::Done)
}

/// Prints a value as JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<Exit> {
    exit::print_json(value)?;
    Ok(Exit::Done)
}
