//! The exact answer to the question of a rumor.

use rumormill_proto::{Decided, Stop};

use crate::compare::answer::{Exact, cut};
use crate::exact::graph::growth::MAX_LAW_NODES;
use crate::exact::stop::{MAX_SEQUENTIAL_NODES, Rule, sequential};
use crate::graph::kind::GraphKind;
use crate::spread::{Semantics, Spread};

/// The most rounds that the exact means are worked out for.
const MEANS: u64 = 20_000;

/// Returns the exact answer to a question, with the means of the first `rounds` rounds.
#[must_use]
pub fn exact(spread: &Spread, rounds: u64) -> Exact {
    if spread.graph != GraphKind::Complete {
        return on_a_graph(spread);
    }
    match (spread.semantics, spread.loses_interest()) {
        (Semantics::Synchronous, true) => {
            Exact::unknown("no exact law is known for losing interest in synchronous rounds")
        }
        (Semantics::Synchronous, false) => synchronous(spread, rounds),
        (_, true) => interest(spread),
        (semantics, false) => {
            Exact::unknown(format!("the exact law is that of synchronous rounds, not {semantics}"))
        }
    }
}

/// Returns the exact answer to a spread on a graph that is not complete.
fn on_a_graph(spread: &Spread) -> Exact {
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

fn synchronous(spread: &Spread, rounds: u64) -> Exact {
    let endless = Spread { stop: None, max_rounds: None, ..spread.clone() };
    let law = match endless.solve() {
        Ok(law) => law,
        Err(error) => return Exact::unknown(error.to_string()),
    };
    let switched = spread.switches_after().is_some();
    let informed = if switched {
        Vec::new()
    } else {
        endless.expected_informed(rounds.min(MEANS)).unwrap_or_default()
    };
    let cap = Some(spread.last_round()).filter(|&cap| cap < u32::MAX);
    let alive = spread.alive() as f64;
    let at_cap = |cap: u32| informed.get(cap as usize).map(|known| 1.0 - known / alive);
    // A run that goes on until all are informed leaves no residue; one that is cut off leaves those
    // that are uninformed then. One with a goal short of all nodes overshoots it by an unknown
    // number.
    let whole = spread.coverage >= 1.0 && !spread.never_finishes();
    let beyond = cap.map(|cap| law.survival(cap.into()));
    let messages = match cap {
        None => Some(law.messages).filter(|messages| messages.is_finite()),
        Some(_) => contacts(spread, &informed),
    };
    Exact {
        messages,
        residue: cap.map_or_else(|| whole.then_some(0.0), at_cap),
        incomplete: beyond
            .or(Some(0.0))
            .filter(|_| whole || cap.is_some() && spread.coverage >= 1.0),
        unfinished: beyond.or_else(|| law.mean.is_finite().then_some(0.0)),
        law: Some(cap.map_or_else(|| law.clone(), |cap| cut(&law, cap.into()))),
        informed,
        missing: switched
            .then(|| "the means by round are not known exactly with a change of style".into()),
    }
}

/// Answers for nodes that lose interest, contacts one after another: the order does not change the
/// residue.
fn interest(spread: &Spread) -> Exact {
    let plain = Spread {
        coverage: spread.coverage,
        semantics: spread.semantics,
        stop: spread.stop,
        ..spread.plain_push()
    };
    let Some(Stop::Interest { counted, decided, k }) = spread.stop else {
        return Exact::default();
    };
    if *spread != plain || spread.nodes > MAX_SEQUENTIAL_NODES {
        return Exact::unknown(format!(
            "losing interest is exact for push with fan-out 1, no loss, no dead nodes, no reset, up \
             to {MAX_SEQUENTIAL_NODES} nodes"
        ));
    }
    let rule = match decided {
        Decided::Coin => Rule::Coin(1.0 / f64::from(k)),
        Decided::Counter => Rule::Counter { limit: k, reset: false },
    };
    match sequential(spread.nodes, rule, counted) {
        Ok(end) => Exact {
            residue: Some(end.residue),
            incomplete: Some(end.incomplete),
            messages: Some(end.traffic * spread.nodes as f64),
            missing: Some("of rumors that die, only what is left is known exactly".into()),
            ..Exact::default()
        },
        Err(error) => Exact::unknown(error.to_string()),
    }
}

/// Returns the mean contacts of runs that all have the same number of rounds, by the mean number
/// informed.
fn contacts(spread: &Spread, informed: &[f64]) -> Option<f64> {
    spread.round_cap()?;
    let alive = spread.alive() as f64;
    let mut callers = 0.0;
    for round in 1..=spread.last_round() {
        let known = informed.get(round as usize - 1)?;
        let pushing = if spread.pushes_in(round) { *known } else { 0.0 };
        let pulling = if spread.pulls_in(round) { alive - known } else { 0.0 };
        callers += pushing + pulling;
    }
    Some(callers * spread.picks() as f64)
}
