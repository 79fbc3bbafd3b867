//! The command `rumormill`.

mod agent;
mod average;
mod client;
mod cluster;
mod demo;
mod simulate;
mod spread;
mod sweep;
mod term;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::term::exit;

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
    target: client::http::Target,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Agent(Box<agent::Args>),
    /// Say exactly what gossip will do, before it does it.
    #[command(subcommand)]
    Predict(Predict),
    /// Run a model of gossip many times, and say what happened.
    #[command(subcommand)]
    Simulate(Simulate),
    Sweep(sweep::Args),
    Merge(sweep::merge::Args),
    Replay(cluster::replay::Args),
    /// Choose style, fan-out, interval and round cap for a target.
    Plan(spread::plan::PlanArgs),
    #[command(flatten)]
    Verb(client::Verb),
}

/// What to predict.
#[derive(Subcommand)]
enum Predict {
    /// Rounds until a rumor has spread: the exact law, and the usual estimates judged by it.
    Spread(spread::predict::SpreadArgs),
    /// Graphs other than the complete one: distances, and what is known in closed form.
    Graph(spread::graph_facts::GraphArgs),
    /// Rumors that die out: residue, traffic, and the chance that someone never hears.
    Stop(spread::stop::StopArgs),
    /// One sender tells everyone under loss: single shot, repeated, acknowledged, eager, gossip.
    Broadcast(spread::broadcast::BroadcastArgs),
    /// Rounds until averaging is as close as asked.
    Average(average::predict::AverageArgs),
}

/// What to simulate.
#[derive(Subcommand)]
enum Simulate {
    /// A rumor in rounds, on any graph.
    Spread(Box<spread::simulate::Args>),
    /// Nodes that exchange what they hold until they agree on its mean.
    Average(Box<average::simulate::Args>),
    Cluster(Box<cluster::args::Args>),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return exit::parsed(&error),
    };
    exit::report(match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Agent(args) => agent::run(&args),
        Command::Predict(Predict::Spread(args)) => spread::predict::run(&args),
        Command::Predict(Predict::Graph(args)) => spread::graph_facts::run(&args),
        Command::Predict(Predict::Stop(args)) => spread::stop::run(&args),
        Command::Predict(Predict::Broadcast(args)) => spread::broadcast::run(&args),
        Command::Predict(Predict::Average(args)) => average::predict::run(&args),
        Command::Simulate(Simulate::Spread(args)) => spread::simulate::run(&args),
        Command::Simulate(Simulate::Average(args)) => average::simulate::run(&args),
        Command::Simulate(Simulate::Cluster(args)) => cluster::simulate::run(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Merge(args) => sweep::merge::run(&args),
        Command::Replay(args) => cluster::replay::run(&args),
        Command::Plan(args) => spread::plan::run(&args),
        Command::Verb(verb) => client::run(&cli.target, verb),
    })
}
