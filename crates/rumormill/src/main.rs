//! The command `rumormill`.

mod agent;
mod client;
mod demo;
mod exit;
mod format;
mod memory;
mod output;
mod plan;
mod plot;
mod predict;
mod progress;
mod replay;
mod signal;
mod simulate;
mod sweep;
mod text;
mod values;
mod verbs;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  rumormill demo                                      see a cluster agree on its sum
  rumormill agent --name a --set requests=5           start a cluster
  rumormill agent --name b --bind 127.0.0.1:7947 --http 127.0.0.1:7981 \\
                  --join 127.0.0.1:7946 --set requests=10
  rumormill get requests --wait 10s                   ask any agent for the cluster's sum
  rumormill --agent http://127.0.0.1:7981 members     ask another one
  rumormill event deploy started                      tell all nodes
  rumormill kv put color blue                         a map that every node stores
  rumormill query uptime                              ask all nodes
  rumormill predict spread --nodes 1e6 --rounds 39    ask before you deploy
  rumormill simulate spread --nodes 64 --runs 10000   and see it happen

Exit codes: 0 done, 1 failed, 2 usage, 3 not converged in time, 130 interrupted.";

/// Gossip you can run, and predict.
///
/// Agents that agree on the cluster's sums, averages and counts, spread news and share state, with
/// no server in the middle to run or to lose.
#[derive(Parser)]
#[command(name = "rumormill", version, about, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    target: client::Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Agent(Box<agent::Args>),
    /// Say exactly what gossip will do, before it does it.
    #[command(subcommand)]
    Predict(predict::Predict),
    /// Run a model of gossip many times, and say what happened.
    #[command(subcommand)]
    Simulate(simulate::Simulate),
    Sweep(sweep::Args),
    Merge(sweep::merge::Args),
    Replay(replay::Args),
    /// Choose style, fan-out, interval and round cap for a target.
    Plan(plan::PlanArgs),
    #[command(flatten)]
    Verb(verbs::Verb),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::parsed(&error),
    };
    exit::report(match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Agent(args) => agent::run(&args),
        Command::Predict(what) => predict::run(&what),
        Command::Simulate(what) => simulate::run(&what),
        Command::Sweep(args) => sweep::run(&args),
        Command::Merge(args) => sweep::merge::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Verb(verb) => verbs::run(&cli.target, verb),
    })
}
