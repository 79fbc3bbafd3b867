//! The exact law on other graphs than the complete one, where there is one.

use crate::compare::answer::Exact;
use crate::exact::graph::growth::MAX_LAW_NODES;
use crate::graph::kind::GraphKind;
use crate::spread::Spread;

/// Returns the exact answer to a spread on a graph that is not complete.
pub(crate) fn exact(spread: &Spread) -> Exact {
    let graph = spread.graph;
    if !matches!(graph, GraphKind::Star | GraphKind::Ring | GraphKind::Path) {
        return Exact::unknown("no exact law is known on this graph");
    }
    let at_an_end = spread.origin.is_some_and(|node| node == 0 || node + 1 == spread.nodes);
    let known = *spread == spread.plain_push() && (graph != GraphKind::Path || at_an_end);
    let growth = graph.growth(spread.nodes).filter(|_| known);
    match growth {
        Some(growth) => Exact {
            messages: Some(growth.law.messages),
            residue: Some(0.0),
            incomplete: Some(0.0),
            unfinished: Some(0.0),
            law: Some(growth.law),
            informed: growth.informed,
            missing: None,
        },
        None => Exact::unknown(format!(
            "on a {} the law is exact for push with fan-out 1 in synchronous rounds{}, no loss, no \
             dead nodes, up to {MAX_LAW_NODES} nodes",
            graph.name(),
            if graph == GraphKind::Path { " from an end (--origin 0)" } else { "" }
        )),
    }
}
