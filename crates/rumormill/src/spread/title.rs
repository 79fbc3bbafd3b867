//! A question in one line: the title of reports and pictures.

use std::fmt::Write as _;

use rumormill_model::graph::Topology;
use rumormill_model::spread::Spread;

use crate::spread::question::Question;
use crate::term::format::grouped;

/// Returns what is simulated.
pub(crate) fn title(question: &Question) -> String {
    let spread = &question.spread;
    if let Some(broadcast) = &question.broadcast {
        let (nodes, way) = (grouped(broadcast.nodes), broadcast.kind);
        let mut text = format!("{nodes} nodes, {way} broadcast, loss {}", broadcast.loss);
        add_count(&mut text, broadcast.nodes - broadcast.alive(), 0, "dead");
        return text;
    }
    let graph = match question.topology {
        Topology::Complete(_) => ", complete graph".to_owned(),
        Topology::Graph(_) => format!(", {}", question.settings.spread.graph),
    };
    let mut text = line(spread, &graph);
    if spread.stop.is_some() {
        let reset = if spread.reset { " with reset" } else { "" };
        let _ = write!(text, ", stop {}{reset}", spread.stop_name());
    }
    let _ = write!(text, ", {} rounds", spread.semantics);
    text
}

/// Returns what is predicted.
pub(crate) fn predicted(spread: &Spread) -> String {
    line(spread, "")
}

fn line(spread: &Spread, graph: &str) -> String {
    let mut text = format!("{} nodes{graph}, {}", grouped(spread.nodes), spread.style.name());
    if let Some(after) = spread.switches_after() {
        let _ = write!(text, " after round {after}");
    }
    let _ = write!(text, ", fan-out {}, loss {}", spread.fanout, spread.loss);
    add_count(&mut text, spread.origins, 1, "origins");
    add_count(&mut text, spread.nodes - spread.alive(), 0, "dead");
    if spread.goal() < spread.alive() {
        let _ = write!(text, ", until {} are informed", grouped(spread.goal()));
    }
    text
}

/// Adds a count to a title, if it is above the usual one.
fn add_count(text: &mut String, count: u64, usual: u64, what: &str) {
    if count > usual {
        let _ = write!(text, ", {} {what}", grouped(count));
    }
}
