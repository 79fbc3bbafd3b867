//! The command `rumormill`.

mod agent;
mod average;
mod client;
mod cluster;
mod demo;
mod explore;
mod graph;
mod spread;
mod sweep;
mod term;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::term::exit;

const EXAMPLES: &str = "\
Examples:
  rumormill demo                                      watch a cluster agree on its sum
  rumormill agent --name a --set requests=5           start a cluster
  rumormill agent --name b --bind 127.0.0.1:7947 --http off --join 127.0.0.1:7946 --set requests=10
  rumormill get requests --wait 10s                   read the cluster's sum from any agent
  rumormill --agent http://10.0.0.5:7980 members      use another agent
  rumormill event deploy started                      publish an event to all nodes
  rumormill kv put color blue                         write a key that every node stores
  rumormill query uptime                              ask all nodes
  rumormill predict spread --nodes 1e6 --rounds 39    compute before you deploy
  rumormill simulate spread --nodes 64 --runs 10000   simulate the same
  rumormill explore                                   see all of it, in a browser

Exit codes: 0 done, 1 failed, 2 usage, 3 not converged in time, 130 interrupted.";

/// Gossip you can run, and predict.
///
/// Agents that compute the cluster's sums, averages and counts, publish events and store keys and
/// values on every node, without a central server.
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
    /// Compute exactly what gossip will do
    #[command(subcommand)]
    Predict(Predict),
    /// Simulate gossip many times
    #[command(subcommand)]
    Simulate(Simulate),
    Sweep(sweep::Args),
    Merge(sweep::merge::Args),
    Replay(cluster::replay::Args),
    /// Find the cheapest settings for a target
    Plan(spread::plan::PlanArgs),
    Explore(explore::Args),
    #[command(flatten)]
    Verb(client::Verb),
}

/// What to predict.
#[derive(Subcommand)]
enum Predict {
    /// Rounds until an event has spread: exact law and usual estimates
    Spread(Box<spread::predict::Args>),
    /// Perfect doubling: the schedule without waste, and how rarely chance is as good
    Doubling(spread::usual::DoublingArgs),
    /// Distances, bounds and closed-form results on other graphs than the complete one
    Graph(graph::predict::GraphArgs),
    /// Stop rules: residue, traffic, probability that some node is missed
    Stop(Box<spread::stop::StopArgs>),
    /// Broadcast by one sender under loss, compared with gossip
    Broadcast(spread::broadcast::BroadcastArgs),
    /// Rounds until averages are accurate enough
    Average(Box<average::predict::PredictArgs>),
}

/// What to simulate.
#[derive(Subcommand)]
enum Simulate {
    /// Spread of an event in rounds, on any graph
    Spread(Box<spread::simulate::Args>),
    /// Averaging in rounds, on any graph
    Average(Box<average::simulate::Args>),
    Cluster(Box<cluster::args::Args>),
}

/// The verbs that use no agent over HTTP: their help does not show --agent.
const LOCAL: [&str; 8] =
    ["demo", "agent", "predict", "simulate", "sweep", "merge", "replay", "plan"];

fn command() -> clap::Command {
    let command = Cli::command();
    let agent = command.get_arguments().find(|flag| flag.get_id() == "agent").cloned();
    let Some(agent) = agent else { return command };
    let own = agent.clone().help("Open the page of the agent at this HTTP address instead");
    let agent = agent.hide(true);
    let command = command.mut_subcommand("explore", |verb| verb.arg(own));
    LOCAL
        .into_iter()
        .fold(command, |command, verb| command.mut_subcommand(verb, |verb| verb.arg(agent.clone())))
}

fn main() -> ExitCode {
    let cli = match command().try_get_matches().and_then(|found| Cli::from_arg_matches(&found)) {
        Ok(cli) => cli,
        Err(error) => return exit::parsed(&error),
    };
    exit::report(match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Agent(args) => agent::run(&args),
        Command::Predict(Predict::Spread(args)) => spread::predict::run(&args),
        Command::Predict(Predict::Doubling(args)) => spread::usual::doubling(&args),
        Command::Predict(Predict::Graph(args)) => graph::predict::run(&args),
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
        Command::Explore(args) => explore::run(&cli.target, &args),
        Command::Verb(verb) => client::run(&cli.target, verb),
    })
}
