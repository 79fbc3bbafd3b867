//! The command `rumormill`.

mod plan;
mod plot;
mod predict;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Gossip you can run, and predict.
#[derive(Parser)]
#[command(name = "rumormill", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say exactly what gossip will do, before it does it.
    #[command(subcommand)]
    Predict(predict::Predict),
    /// Choose style, fan-out, interval and round cap for a target.
    Plan(plan::PlanArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Predict(what) => predict::run(&what),
        Command::Plan(args) => plan::run(&args),
    }
}
