//! `rumormill predict graph`.

use std::fmt::Write as _;

use crate::term::exit::{Exit, Usage, finish, finish_json};
use crate::term::format::short;
use crate::term::parse::count;
use crate::term::refuse::refuse;
use clap::{Args, ValueEnum};
use rumormill_model::exact::graph::{Facts, Graph, star_survival};
use serde::Serialize;

/// The graph to ask about.
#[derive(Args)]
pub(crate) struct GraphArgs {
    /// Family of the graph.
    #[arg(long, value_enum)]
    kind: Kind,
    /// Number of nodes, 1..=1e15.
    #[arg(long, value_parser = count)]
    nodes: u64,
    /// Print the exact probability that this many rounds from the hub are not enough; star only.
    #[arg(long, value_parser = count)]
    rounds: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Complete,
    Star,
    Wheel,
    Ring,
    Path,
    Grid,
    Torus,
    Hypercube,
    Tree,
}

impl From<Kind> for Graph {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Complete => Self::Complete,
            Kind::Star => Self::Star,
            Kind::Wheel => Self::Wheel,
            Kind::Ring => Self::Ring,
            Kind::Path => Self::Path,
            Kind::Grid => Self::Grid,
            Kind::Torus => Self::Torus,
            Kind::Hypercube => Self::Hypercube,
            Kind::Tree => Self::Tree,
        }
    }
}

#[derive(Serialize)]
struct Report<'a> {
    kind: &'static str,
    nodes: u64,
    diameter: u64,
    eccentricity_min: u64,
    eccentricity_max: u64,
    exact_mean: Option<f64>,
    exact_mean_from: Option<&'static str>,
    statement: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    survival: Option<f64>,
}

/// Runs `rumormill predict graph`.
pub(crate) fn run(args: &GraphArgs) -> anyhow::Result<Exit> {
    let graph = Graph::from(args.kind);
    let answer = graph.facts(args.nodes).and_then(|facts| {
        let tail = match args.rounds {
            Some(rounds) if graph == Graph::Star => Some(star_survival(args.nodes, rounds)?),
            _ => None,
        };
        Ok((facts, tail))
    });
    let (facts, tail): (Facts, Option<f64>) = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(refuse(&error)),
    };
    if args.rounds.is_some() && tail.is_none() {
        return Err(Usage(
            "--rounds is only for --kind star; simulate spread --graph covers other graphs".into(),
        )
        .into());
    }
    if args.json {
        return finish_json(&Report {
            kind: graph.name(),
            nodes: args.nodes,
            diameter: facts.diameter,
            eccentricity_min: facts.eccentricity.0,
            eccentricity_max: facts.eccentricity.1,
            exact_mean: facts.exact.map(|(_, mean)| mean),
            exact_mean_from: facts.exact.map(|(from, _)| from),
            statement: &facts.statement,
            survival: tail,
        });
    }
    let mut out =
        format!("{} of {} nodes (push, fan-out 1, no loss)\n\n", graph.name(), args.nodes);
    let _ = writeln!(out, "diameter       {}", facts.diameter);
    let (low, high) = facts.eccentricity;
    let _ =
        writeln!(out, "eccentricity   {low} to {high}: the least number of rounds from an origin");
    if let Some((from, mean)) = facts.exact {
        let _ = writeln!(out, "mean rounds    {mean:.6}, exactly, from {from}");
    }
    if let (Some(p), Some(rounds)) = (tail, args.rounds) {
        let _ = writeln!(out, "P(not finished within {rounds} rounds) = {}, exactly", short(p));
    }
    let _ = writeln!(out, "\n{}", facts.statement);
    finish(&out)
}
