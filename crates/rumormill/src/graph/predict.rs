//! `rumormill predict graph`.

use std::fmt::Write as _;
use std::ops::ControlFlow;

use crate::graph::args::{GraphArg, needed};
use crate::term::exit::{Exit, Usage, finish, finish_json};
use crate::term::format::{grouped, short};
use crate::term::machine::Machine;
use crate::term::parse::count;
use crate::term::refuse::refuse;
use clap::Args;
use rumormill_model::exact::graph::{FAMILIES, star_survival};
use rumormill_model::graph::distance::Extent;
use rumormill_model::graph::{GraphKind, Topology};
use serde::Serialize;

/// Edges to follow for radius and diameter: about half a second.
const WORK: u64 = 50_000_000;

/// The graph to ask about.
#[derive(Args)]
pub(crate) struct GraphArgs {
    /// Graph: complete, star, wheel, ring, path, grid, torus, hypercube, tree,
    /// `random-regular[:DEGREE]`, `erdos-renyi[:MEAN]`, `barabasi-albert[:M]`,
    /// `small-world[:K,BETA]`, `k-out[:K]`, `file:EDGES` or `undirected:EDGES`.
    #[arg(long, visible_alias = "kind", value_name = "GRAPH")]
    graph: GraphArg,
    /// Number of nodes, 1..=1e15; a graph from a file has its own number.
    #[arg(long, value_parser = count)]
    nodes: Option<u64>,
    /// Node, numbered from 0, whose eccentricity to print.
    #[arg(long, value_parser = count, value_name = "NODE")]
    origin: Option<u64>,
    /// Seed of a random graph.
    #[arg(long, value_parser = count, default_value = "1")]
    seed: u64,
    /// Print the exact probability that this many rounds from the hub are not enough; star only.
    #[arg(long, value_parser = count)]
    rounds: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The answer as JSON.
#[derive(Default, Serialize)]
struct Report {
    kind: String,
    nodes: u64,
    /// Null in the closed forms.
    edges: Option<u64>,
    /// Of the edges taken both ways; 1: connected.
    components: u64,
    /// Null if some node cannot reach all others, or if only bounds are known.
    diameter: Option<u64>,
    /// The last is null if some node cannot reach all others.
    diameter_bounds: (u64, Option<u64>),
    eccentricity_min: Option<u64>,
    eccentricity_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
    /// The least rounds of push with fan-out 1 from the origin, or from the best one; null if it
    /// never finishes.
    rounds_at_least: Option<u64>,
    exact_mean: Option<f64>,
    exact_mean_from: Option<&'static str>,
    statement: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    survival: Option<f64>,
}

#[derive(Serialize)]
struct Origin {
    node: u64,
    eccentricity: u64,
    reached: u64,
}

/// Runs `rumormill predict graph`.
pub(crate) fn run(args: &GraphArgs) -> anyhow::Result<Exit> {
    let known = match args.graph {
        GraphArg::Kind(kind) => Some(kind).filter(|kind| FAMILIES.contains(kind)),
        GraphArg::File(..) => None,
    };
    if args.rounds.is_some() && known != Some(GraphKind::Star) {
        return Err(Usage(
            "--rounds is only for --graph star; simulate spread --graph covers other graphs".into(),
        )
        .into());
    }
    let made = || {
        let go_on = |_| ControlFlow::Continue(());
        args.graph.build(args.nodes, args.seed, Machine::default().limit(), &go_on)
    };
    let mut report = match known {
        Some(graph) => closed(graph, needed(args.nodes)?, args.rounds)?,
        None => searched(&args.graph, &made()?),
    };
    if let Some(node) = args.origin {
        if node >= report.nodes {
            return Err(Usage(format!(
                "--origin is {node}, but must be 0 to {}",
                report.nodes - 1
            ))
            .into());
        }
        let found = made()?.eccentricity(node);
        let finishes = found.reached == report.nodes;
        report.rounds_at_least = finishes.then(|| found.steps.max(doublings(report.nodes)));
        report.origin = Some(Origin { node, eccentricity: found.steps, reached: found.reached });
    }
    if args.json { finish_json(&report) } else { finish(&report.text(args.rounds)) }
}

/// Returns the rounds in which the informed could double to all: no push with fan-out 1 needs
/// fewer.
fn doublings(nodes: u64) -> u64 {
    u64::from(nodes.next_power_of_two().ilog2())
}

/// Returns what is known in closed form.
fn closed(graph: GraphKind, nodes: u64, rounds: Option<u64>) -> anyhow::Result<Report> {
    let facts = graph.facts(nodes).map_err(|error| refuse(&error))?;
    let survival = rounds.map(|rounds| star_survival(nodes, rounds)).transpose();
    Ok(Report {
        kind: graph.name().to_owned(),
        nodes,
        components: 1,
        diameter: Some(facts.diameter),
        diameter_bounds: (facts.diameter, Some(facts.diameter)),
        eccentricity_min: Some(facts.eccentricity.0),
        eccentricity_max: Some(facts.eccentricity.1),
        rounds_at_least: Some(facts.eccentricity.0.max(doublings(nodes))),
        exact_mean: facts.exact.map(|(_, mean)| mean),
        exact_mean_from: facts.exact.map(|(from, _)| from),
        statement: facts.statement,
        survival: survival.map_err(|error| refuse(&error))?,
        ..Report::default()
    })
}

/// Returns what searches of the graph itself find.
fn searched(graph: &GraphArg, topology: &Topology) -> Report {
    let nodes = topology.nodes();
    let extent = topology.extent(WORK);
    let directed = matches!(topology, Topology::Graph(csr) if csr.directed());
    let entries = match topology {
        Topology::Graph(csr) => csr.entries(),
        Topology::Complete(_) => 0,
    };
    let settled = |bounds: (u64, u64)| (bounds.0 == bounds.1).then_some(bounds.0);
    let diameter = extent.and_then(|extent| settled(extent.diameter));
    let statement = match extent {
        None => "Some node cannot reach all others, so a push from it never finishes.",
        Some(_) if diameter.is_none() => {
            "The graph is too large to search from each node: bounds are given. No closed form of \
             the rounds is known; simulate spread --graph gives them."
        }
        Some(_) => "No closed form of the rounds is known; simulate spread --graph gives them.",
    };
    let bounds = extent.map_or((0, None), |Extent { diameter: (low, high), .. }| {
        (low, Some(high).filter(|high| *high < u64::MAX))
    });
    Report {
        kind: graph.to_string(),
        nodes,
        edges: Some(if directed { entries } else { entries / 2 }),
        components: topology.connectivity().components,
        diameter,
        diameter_bounds: bounds,
        eccentricity_min: extent.and_then(|extent| settled(extent.radius)),
        eccentricity_max: diameter,
        rounds_at_least: extent.map(|extent| extent.radius.0.max(doublings(nodes))),
        statement: statement.to_owned(),
        ..Report::default()
    }
}

impl Report {
    fn text(&self, rounds: Option<u64>) -> String {
        let nodes = if self.edges.is_some() { grouped(self.nodes) } else { self.nodes.to_string() };
        let mut out = format!("{} of {nodes} nodes (push, fan-out 1, no loss)\n\n", self.kind);
        let mut line = |name: &str, value: String| {
            let _ = writeln!(out, "{name:<15}{value}");
        };
        if let Some(edges) = self.edges {
            line("edges", grouped(edges));
            line("components", grouped(self.components));
        }
        line(
            "diameter",
            match (self.diameter, self.diameter_bounds) {
                (Some(diameter), _) => diameter.to_string(),
                (None, (low, Some(high))) => format!("{low} to {high}"),
                (None, (0, None)) => "none: some node cannot reach all others".to_owned(),
                (None, (low, None)) => format!("at least {low}"),
            },
        );
        if let (Some(low), Some(high)) = (self.eccentricity_min, self.eccentricity_max) {
            let value = format!("{low} to {high}: the least number of rounds from an origin");
            line("eccentricity", value);
        }
        if let Some(Origin { node, eccentricity, reached }) = self.origin {
            let value = if reached == self.nodes {
                format!("{eccentricity} of node {node}")
            } else {
                format!("{eccentricity} of node {node}, which reaches {} nodes", grouped(reached))
            };
            line("eccentricity", value);
        }
        line(
            "rounds",
            match (self.rounds_at_least, &self.origin) {
                (Some(least), None) => format!("at least {least}, from any origin"),
                (Some(least), Some(origin)) => {
                    format!("at least {least}, from node {}", origin.node)
                }
                (None, _) => "never finishes".to_owned(),
            },
        );
        if let (Some(mean), Some(from)) = (self.exact_mean, self.exact_mean_from) {
            line("mean rounds", format!("{mean:.6}, exactly, from {from}"));
        }
        if let (Some(p), Some(rounds)) = (self.survival, rounds) {
            let _ = writeln!(out, "P(not finished within {rounds} rounds) = {}, exactly", short(p));
        }
        let _ = writeln!(out, "\n{}", self.statement);
        out
    }
}
