//! What a graph allows: distances, and the means that are known.

use std::ops::ControlFlow;

use rumormill_model::exact::graph::{FAMILIES, Growth, star_mean};
use rumormill_model::exact::usual::schedule;
use rumormill_model::graph::{GraphKind, Topology};
use serde::{Deserialize, Serialize};

use crate::follow::edges;
use crate::question::{Answer, json};

/// The most nodes of a graph that is searched.
const NODES: u64 = 1_000_000;

/// The most nodes of a graph whose edges are listed.
const DRAWN: u64 = 2_000;

/// The most memory that a graph may take, in bytes.
const MEMORY: u64 = 1 << 28;

/// Edges to follow for radius and diameter.
const WORK: u64 = 5_000_000;

/// A graph, as `rumormill predict graph` takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictGraph {
    graph: String,
    nodes: u64,
    #[serde(default)]
    origin: u64,
    #[serde(default = "one")]
    seed: u64,
}

fn one() -> u64 {
    1
}

/// Push with fan-out 1 and no loss on the graph, in synchronous rounds.
#[derive(Serialize)]
struct Facts {
    kind: String,
    nodes: u64,
    /// Each edge once; `None` on the complete graph, or where there are too many to draw.
    edges: Option<Vec<(u32, u32)>>,
    components: u64,
    /// `None` if some node cannot reach all others, or if it takes long to find.
    diameter: Option<u64>,
    eccentricity_min: Option<u64>,
    eccentricity_max: Option<u64>,
    origin: Origin,
    /// ⌈log₂ n⌉, or the origin's eccentricity where that is more; `None` if the rumor cannot reach
    /// all from there.
    rounds_at_least: Option<u64>,
    exact_mean: Option<f64>,
    exact_mean_from: Option<&'static str>,
    statement: Option<String>,
    /// The whole law, where the number informed is all that counts (star, ring, path).
    law: Option<Law>,
    /// (n−1) H_{n−1}: the coupon collector's mean, which is the star's.
    collector: f64,
    /// √(n ln n), the order of the wheel's mean.
    wheel_order: f64,
}

#[derive(Serialize)]
struct Origin {
    node: u64,
    eccentricity: u64,
    reached: u64,
}

#[derive(Serialize)]
struct Law {
    mean: f64,
    survival: Vec<f64>,
    informed: Vec<f64>,
}

impl PredictGraph {
    pub(crate) fn answer(&self) -> Answer {
        let Self { graph, nodes, origin, seed } = self;
        let kind: GraphKind = graph.parse().map_err(|error| format!("{error}"))?;
        if *nodes > NODES && kind != GraphKind::Complete {
            return Err(format!("nodes is {nodes}, but a graph is searched up to {NODES}"));
        }
        if origin >= nodes {
            return Err(format!("origin is {origin}, but must be below {nodes}, the nodes"));
        }
        let words = |error: rumormill_model::error::Error| error.to_string();
        let go_on = |_| ControlFlow::Continue(());
        let topology = kind.build(*nodes, *seed, MEMORY, &go_on).map_err(words)?;
        let facts = FAMILIES.contains(&kind).then(|| kind.facts(*nodes)).transpose();
        let facts = facts.map_err(words)?;
        let bounds = match &facts {
            Some(facts) => Some((facts.eccentricity.0, facts.diameter)),
            None => topology.extent(WORK).and_then(|extent| {
                let settled = |(low, high): (u64, u64)| (low == high).then_some(low);
                settled(extent.radius).zip(settled(extent.diameter))
            }),
        };
        let found = topology.eccentricity(*origin);
        let ideal = schedule(*nodes, 0.0).map_err(words)?;
        let exact = facts.as_ref().and_then(|facts| facts.exact);
        // A path's law is for a rumor that starts at an end.
        let at_an_end = *origin == 0 || origin + 1 == *nodes;
        let law = (kind != GraphKind::Path || at_an_end).then(|| kind.growth(*nodes)).flatten();
        let n = *nodes as f64;
        json(&Facts {
            kind: kind.to_string(),
            nodes: *nodes,
            edges: (*nodes <= DRAWN).then(|| edges(&topology)).flatten(),
            components: match &topology {
                Topology::Complete(_) => 1,
                Topology::Graph(_) => topology.connectivity().components,
            },
            diameter: bounds.map(|(_, diameter)| diameter),
            eccentricity_min: bounds.map(|(radius, _)| radius),
            eccentricity_max: bounds.map(|(_, diameter)| diameter),
            rounds_at_least: (found.reached == *nodes)
                .then(|| found.steps.max(ideal.rounds.into())),
            origin: Origin { node: *origin, eccentricity: found.steps, reached: found.reached },
            exact_mean: exact.map(|(_, mean)| mean),
            exact_mean_from: exact.map(|(from, _)| from),
            statement: facts.map(|facts| facts.statement),
            law: law.map(|Growth { law, informed }| Law {
                mean: law.mean,
                survival: law.survival,
                informed,
            }),
            collector: star_mean(*nodes),
            wheel_order: (n * n.ln()).sqrt(),
        })
    }
}
