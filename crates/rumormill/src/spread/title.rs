//! What was simulated, in a line.

use std::fmt::Write as _;

use rumormill_model::simulate::{StopRule, Summary, Topology};
use rumormill_proto::Style;

use crate::spread::args::{broadcast_name, stop_name};
use crate::spread::question::Question;
use crate::term::format::grouped;

/// What was simulated, in a line.
pub(crate) fn title(question: &Question, summary: &Summary) -> String {
    let model = &question.model;
    if let Some(broadcast) = &question.broadcast {
        let (nodes, way) = (grouped(summary.nodes), broadcast_name(broadcast.kind));
        let dead = summary.nodes - summary.alive;
        let dead = if dead > 0 { format!(", {} dead", grouped(dead)) } else { String::new() };
        return format!("{nodes} nodes, {way} broadcast, loss {}{dead}", broadcast.loss);
    }
    let graph = match question.topology {
        Topology::Complete(_) => "complete graph".to_owned(),
        Topology::Graph(_) => question.settings.graph.to_string(),
    };
    let mut text = format!("{} nodes, {graph}, {}", grouped(summary.nodes), model.style.name());
    if model.style == Style::PushThenPull {
        let _ = write!(text, " after round {}", model.switch_after);
    }
    let _ = write!(text, ", fan-out {}, loss {}", model.fanout, model.loss);
    if model.origins > 1 {
        let _ = write!(text, ", {} origins", grouped(model.origins));
    }
    if summary.alive < summary.nodes {
        let _ = write!(text, ", {} dead", grouped(summary.nodes - summary.alive));
    }
    if summary.goal < summary.alive {
        let _ = write!(text, ", until {} know", grouped(summary.goal));
    }
    if model.stop != StopRule::Never {
        let reset = matches!(model.stop, StopRule::Interest { reset: true, .. });
        let reset = if reset { " with reset" } else { "" };
        let _ = write!(text, ", stop {}{reset}", stop_name(model.stop));
    }
    let _ = write!(text, ", {} rounds", model.semantics);
    text
}
