use std::sync::Arc;

use rumormill_proto::{Stop, Style};

use super::*;
use crate::graph::Csr;
use crate::spread::STEADY;

fn go(updates: &Updates, topology: &Topology, way: Way, runs: Range<u64>) -> UpdatesSummary {
    updates.simulate(topology, way, runs, 3, 1, &|_| ControlFlow::Continue(())).unwrap()
}

fn assert_mean(seen: f64, exact: f64, variance: f64, runs: f64, what: &str) {
    let z = (seen - exact) / (variance / runs).sqrt();
    assert!(z.abs() < 4.5, "{what}: {seen} against {exact}, {z:.1} sigma");
}

#[test]
fn one_update_in_exchanges_spreads_as_a_rumor_does() {
    for style in STEADY {
        let spread = Spread { loss: 0.2, ..Spread::new(64, style) };
        let one = Updates::new(spread.clone(), 1);
        let sum = go(&one, &Topology::Complete(64), Way::Exchange, 0..3000);
        let exact = spread.solve().unwrap();
        let mean = sum.finished.moments().mean();
        assert_mean(mean, exact.mean, exact.variance, 3000.0, style.name());
    }
}

#[test]
fn twenty_from_one_node_travel_as_one() {
    let origin = Some(5);
    let spread = Spread { origin, ..Spread::new(100, Style::PushPull) };
    let topology = Topology::Complete(100);
    let one = go(&Updates::new(spread.clone(), 1), &topology, Way::Exchange, 0..200);
    let twenty = go(&Updates::new(spread, 20), &topology, Way::Exchange, 0..200);
    assert_eq!(one.finished, twenty.finished);
    assert_eq!(one.messages, twenty.messages);
    assert_eq!(twenty.copies.sum(), 20 * one.copies.sum());
    // Every copy adds a payload, and nothing else differs.
    assert_eq!(twenty.bytes.sum() - one.bytes.sum(), 19 * 100 * one.copies.sum());
}

#[test]
fn twenty_rumors_take_as_long_as_their_slowest() {
    let twenty = Updates::new(Spread::new(64, Style::Push), 20);
    let sum = go(&twenty, &Topology::Complete(64), Way::Rumors, 0..2000);
    let exact = Spread::new(64, Style::Push).solve().unwrap();
    // E[max] = Σ P(max > x), P(max ≤ x) = P(T ≤ x)^20.
    let late = |x: u64| 1.0 - (1.0 - exact.survival(x)).powi(20);
    let mean: f64 = (0..60).map(late).sum();
    let second: f64 = (0..60).map(|x| (2 * x + 1) as f64 * late(x)).sum();
    let moments = sum.finished.moments();
    assert_mean(moments.mean(), mean, second - mean * mean, 2000.0, "rounds");
    let spent = &sum.messages;
    assert_mean(spent.mean(), 20.0 * exact.messages, spent.variance(), 2000.0, "messages");
    assert_eq!(sum.bytes.sum(), sum.messages.sum() * 140);
}

#[test]
fn spacing_delays_the_last() {
    let spread = Spread { origin: Some(0), ..Spread::new(30, Style::PushPull) };
    let spaced = Updates { spacing: 50, ..Updates::new(spread, 3) };
    for way in [Way::Rumors, Way::Exchange] {
        let sum = go(&spaced, &Topology::Complete(30), way, 0..50);
        let (first, last) = (sum.finished.iter().next(), sum.finished.largest());
        assert!(first.is_some_and(|(round, _)| round > 101), "{way:?}");
        assert!(last.is_some_and(|round| round < 120), "{way:?}");
    }
}

#[test]
fn the_dead_need_nothing_and_cost_a_message() {
    let spread = Spread { dead: 0.5, max_rounds: Some(200), ..Spread::new(40, Style::PushPull) };
    let sum = go(&Updates::new(spread, 2), &Topology::Complete(40), Way::Exchange, 0..100);
    assert_eq!(sum.finished.total(), 100);
    // Each of 20 nodes calls once a round: half of the calls are not answered.
    let rounds = sum.finished.moments().mean();
    let per_call = sum.messages.mean() / rounds / 20.0;
    assert!(per_call > 1.4 && per_call < 2.1, "{per_call}");
}

#[test]
fn threads_change_nothing_and_parts_add_up() {
    let spread = |nodes| Spread { loss: 0.3, ..Spread::new(nodes, Style::Push) };
    let ring = Csr::from_edges(9, &(0..9).map(|v| (v, (v + 1) % 9)).collect::<Vec<_>>());
    for topology in [Topology::Complete(20), Topology::Graph(Arc::new(ring))] {
        for way in [Way::Rumors, Way::Exchange] {
            let updates = Updates::new(spread(topology.nodes()), 4);
            let whole = go(&updates, &topology, way, 0..100);
            let go_on: &Observer<'_> = &|_| ControlFlow::Continue(());
            let three = updates.simulate(&topology, way, 0..100, 3, 3, go_on).unwrap();
            let mut parts = go(&updates, &topology, way, 60..100);
            parts.merge(&go(&updates, &topology, way, 0..60));
            assert!(whole == three && whole == parts, "{way:?}");
        }
    }
}

#[test]
fn bad_fields_are_named() {
    let good = Updates::new(Spread::new(10, Style::Push), 20);
    let ten = Topology::Complete(10);
    let cases = [
        (Updates { updates: 65, ..good.clone() }, "updates is 65, but must be 1 to 64"),
        (Updates { payload: 1 << 40, ..good.clone() }, "payload is 1099511627776"),
        (
            Updates {
                spread: Spread { stop: Some(Stop::Rounds(3)), ..good.spread.clone() },
                ..good.clone()
            },
            "stop is rounds:3, but must be never",
        ),
        (
            Updates { spread: Spread { coverage: 0.5, ..good.spread.clone() }, ..good.clone() },
            "coverage is 0.5",
        ),
        (
            Updates {
                spread: Spread { style: Style::PushThenPull, ..good.spread.clone() },
                ..good
            },
            "style is push-then-pull",
        ),
    ];
    for (updates, want) in cases {
        let message = updates.check(&ten, Way::Exchange, 1).unwrap_err().to_string();
        assert!(message.contains(want), "{message}");
    }
}

#[test]
fn too_little_memory_is_refused_before() {
    let twenty = Updates::new(Spread::new(1_000_000, Style::PushPull), 20);
    let topology = Topology::Complete(1_000_000);
    let called = std::sync::atomic::AtomicBool::new(false);
    for (way, name) in [(Way::Rumors, "rumors"), (Way::Exchange, "exchanges")] {
        let need = twenty.bytes_needed(&topology, way, 2);
        let tight = Updates { memory: need - 1, ..twenty.clone() };
        let observe: &Observer<'_> = &|_| {
            called.store(true, std::sync::atomic::Ordering::Relaxed);
            ControlFlow::Break(())
        };
        let error = tight.simulate(&topology, way, 0..2, 1, 2, observe).unwrap_err();
        let what = format!("20 updates as {name}");
        assert_eq!(error, crate::error::Error::Memory { what, need, limit: need - 1 });
        assert!(Updates { memory: need, ..tight }.check(&topology, way, 2).is_ok());
    }
    assert!(!called.into_inner());
}
