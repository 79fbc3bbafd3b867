//! The title of a report: the question in one line.

use std::fmt::Write as _;

use rumormill_model::graph::Topology;
use rumormill_model::simulate::Summary;
use rumormill_model::spread::Spread;

use crate::spread::args::broadcast_name;
use crate::spread::question::Question;
use crate::term::format::grouped;

/// Returns the question in one line.
pub(crate) fn title(question: &Question, summary: &Summary) -> String {
    let spread = &question.spread;
    if let Some(broadcast) = &question.broadcast {
        let (nodes, way) = (grouped(summary.nodes), broadcast_name(broadcast.kind));
        let dead = summary.nodes - summary.alive;
        let dead = if dead > 0 { format!(", {} dead", grouped(dead)) } else { String::new() };
        return format!("{nodes} nodes, {way} broadcast, loss {}{dead}", broadcast.loss);
    }
    let graph = match question.topology {
        Topology::Complete(_) => "complete graph".to_owned(),
        Topology::Graph(_) => question.settings.spread.graph.to_string(),
    };
    let mut text = format!("{} nodes, {graph}, {}", grouped(summary.nodes), spread.style.name());
    if let Some(after) = spread.switches_after() {
        let _ = write!(text, " after round {after}");
    }
    let _ = write!(text, ", fan-out {}, loss {}", spread.fanout, spread.loss);
    if spread.origins > 1 {
        let _ = write!(text, ", {} origins", grouped(spread.origins));
    }
    if summary.alive < summary.nodes {
        let _ = write!(text, ", {} dead", grouped(summary.nodes - summary.alive));
    }
    if summary.goal < summary.alive {
        let _ = write!(text, ", until {} know", grouped(summary.goal));
    }
    if spread.stop.is_some() {
        let reset = if spread.reset { " with reset" } else { "" };
        let _ = write!(text, ", stop {}{reset}", spread.stop_name());
    }
    let _ = write!(text, ", {} rounds", spread.semantics);
    text
}

/// What is predicted, in a line.
pub(crate) fn predicted(spread: &Spread) -> String {
    let mut text = format!(
        "{} nodes, {}, fan-out {}, loss {}",
        grouped(spread.nodes),
        spread.style.name(),
        spread.fanout,
        spread.loss
    );
    if spread.origins > 1 {
        let _ = write!(text, ", {} origins", grouped(spread.origins));
    }
    if spread.dead > 0.0 {
        let _ = write!(text, ", {} dead", spread.nodes - spread.alive());
    }
    if spread.goal() < spread.alive() {
        let _ = write!(text, ", until {} know", grouped(spread.goal()));
    }
    text
}
