//! The exact law beside other graphs than the complete one, where there is one.

use rumormill_model::exact::graph::{Graph, MAX_LAW_NODES};
use rumormill_model::simulate::{GraphKind, Origin, Semantics, StopRule};
use rumormill_proto::Style;

use crate::simulate::spread::exact::{Exact, Question};
use crate::spread::graph::GraphArg;

/// What the mathematics says of a spread on this graph.
pub(crate) fn exact(question: &Question) -> Exact {
    let model = &question.model;
    let graph = match question.settings.graph {
        GraphArg::Kind(GraphKind::Star) => Graph::Star,
        GraphArg::Kind(GraphKind::Ring) => Graph::Ring,
        GraphArg::Kind(GraphKind::Path) => Graph::Path,
        _ => return Exact::unknown("no exact law is known on this graph"),
    };
    let last = question.topology.nodes().saturating_sub(1);
    let at_an_end = matches!(model.origin, Origin::Node(node) if node == 0 || node == last);
    let plain = model.style == Style::Push
        && model.fanout == 1
        && model.loss == 0.0
        && model.dead == 0.0
        && model.origins == 1
        && model.coverage >= 1.0
        && !model.include_self
        && model.stop == StopRule::Never
        && model.semantics == Semantics::Synchronous
        && model.max_rounds == u32::MAX
        && (graph != Graph::Path || at_an_end);
    let growth = graph.growth(question.topology.nodes()).filter(|_| plain);
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
            "on a {} the law is exact for push with fan-out 1 in synchronous rounds{}, nothing lost, \
             nobody dead, up to {MAX_LAW_NODES} nodes",
            graph.name(),
            if graph == Graph::Path { " from an end (--origin 0)" } else { "" }
        )),
    }
}
