//! The bit-parallel engine against the exact law and against the reference.

mod support;

use std::sync::Arc;

use rumormill_model::graph::{Csr, GraphKind, Topology};
use rumormill_model::simulate::{EngineKind, Job, Summary};
use rumormill_model::spread::{STEADY, Spread, Targets};
use rumormill_proto::{Stop, Style};
use support::{against_law, against_sample, assert_fits, graph, law, run, seen};

fn go(spread: &Spread, topology: &Topology, engine: EngineKind, runs: u64) -> Summary {
    run(spread, topology, engine, (runs, 9))
}

fn listed(nodes: u64, edges: &[(u32, u32)]) -> Topology {
    Topology::Graph(Arc::new(Csr::from_edges(nodes, edges)))
}

/// How many runs finished in each round; those that did not count as round 0.
fn finishes(summary: &Summary) -> Vec<u64> {
    let mut seen = seen(&summary.finished);
    seen[0] += summary.unfinished();
    seen
}

#[test]
fn a_complete_graph_as_a_list_follows_the_exact_law() {
    let nodes = 33;
    let edges: Vec<_> = (0..nodes).flat_map(|a| (0..a).map(move |b| (a, b))).collect();
    let topology = listed(nodes.into(), &edges);
    for style in STEADY {
        for (fanout, loss, independent, include_self, dead) in [
            (1, 0.0, false, false, 0.0),
            (1, 0.3, false, true, 0.2),
            (3, 0.4, false, false, 0.0),
            (3, 0.2, true, false, 0.1),
            (40, 0.8, false, false, 0.0),
        ] {
            let targets = if independent { Targets::Independent } else { Targets::Distinct };
            let spread = Spread {
                fanout,
                loss,
                targets,
                include_self,
                dead,
                ..Spread::new(nodes.into(), style)
            };
            let exact = spread.solve().unwrap();
            let law = law(&exact.survival);
            let summary = go(&spread, &topology, EngineKind::BitParallel, 6000);
            let what = format!("{spread:?}");
            assert_fits(against_law(&seen(&summary.finished), &law), &what);
            let error = (summary.messages.variance() / 6000.0).sqrt();
            let off = (summary.messages.mean() - exact.messages).abs();
            // A round more in five runs may come up, or not.
            let rare = 5.0 * (u64::from(nodes) * fanout.min(nodes.into())) as f64 / 6000.0;
            assert!(off <= 4.5 * error + rare, "{what}: messages off by {off}");
        }
    }
}

#[test]
fn any_graph_is_that_of_the_reference() {
    // Two parts, a node alone, and degrees from 1 to 12.
    let mut odd: Vec<(u32, u32)> = (1..=12).map(|leaf| (0, leaf)).collect();
    odd.extend([(1, 2), (2, 3), (3, 1), (13, 14), (14, 15)]);
    let graphs = [
        graph(GraphKind::Ring, 40, 4),
        graph(GraphKind::Tree, 31, 4),
        graph(GraphKind::RandomRegular { degree: 8 }, 100, 4),
        graph(GraphKind::BarabasiAlbert { edges: 3 }, 60, 4),
        listed(17, &odd),
    ];
    for topology in &graphs {
        for style in [Style::Push, Style::Pull, Style::PushPull, Style::PushThenPull] {
            let base = Spread {
                pull_after: (style == Style::PushThenPull).then_some(4),
                ..Spread::new(topology.nodes(), style)
            };
            for spread in [
                Spread { loss: 0.2, ..base.clone() },
                Spread { fanout: 3, dead: 0.25, origins: 2, ..base.clone() },
                Spread { stop: Some(Stop::Rounds(6)), include_self: true, ..base },
            ] {
                let fast = go(&spread, topology, EngineKind::BitParallel, 1200);
                let plain = go(&spread, topology, EngineKind::Reference, 1200);
                let what = format!("{} nodes, {spread:?}", topology.nodes());
                for (statistic, a, b) in [
                    ("finishes", finishes(&fast), finishes(&plain)),
                    ("residue", seen(&fast.residue), seen(&plain.residue)),
                    ("lengths", seen(&fast.lengths), seen(&plain.lengths)),
                ] {
                    assert_fits(against_sample(&a, &b), &format!("{statistic}, {what}"));
                }
                let (a, b) = (fast.messages, plain.messages);
                let error = ((a.variance() + b.variance()) / 1200.0).sqrt();
                let off = (a.mean() - b.mean()).abs();
                assert!(off <= 4.5 * error + 1e-9, "{what}: messages {off}, error {error}");
            }
        }
    }
}

#[test]
fn a_run_is_the_same_whatever_runs_beside_it() {
    let topology = graph(GraphKind::RandomRegular { degree: 6 }, 200, 4);
    let spread = Spread { fanout: 2, loss: 0.1, ..Spread::new(200, Style::PushPull) };
    let engine = Some(EngineKind::BitParallel);
    let job = Job { engine, ..Job::new(&spread, &topology, 3..1400, 5) };
    let whole = support::go(&job);
    assert_eq!(support::go(&Job { threads: 3, ..job.clone() }), whole);
    let mut parts = support::go(&Job { runs: 3..4, ..job.clone() });
    for runs in [4..64, 64..65, 65..140, 140..512, 512..1023, 1023..1400] {
        parts.merge(&support::go(&Job { runs, threads: 2, ..job.clone() })).unwrap();
    }
    assert_eq!(parts, whole);
}

#[test]
fn runs_side_by_side_are_independent() {
    // If runs of a block had anything in common, the number of them that are quick would vary more
    // (or less) from block to block than that of independent ones.
    let topology = graph(GraphKind::RandomRegular { degree: 4 }, 30, 4);
    let spread = Spread { origin: Some(0), ..Spread::new(30, Style::Push) };
    let blocks = 400;
    let quick: Vec<f64> = (0..blocks)
        .map(|block| {
            let engine = Some(EngineKind::BitParallel);
            let runs = block * 64..(block + 1) * 64;
            let job = Job { engine, ..Job::new(&spread, &topology, runs, 5) };
            let summary = support::go(&job);
            summary.finished.iter().filter(|&(t, _)| t <= 10).map(|(_, n)| n as f64).sum()
        })
        .collect();
    let p = quick.iter().sum::<f64>() / (64.0 * blocks as f64);
    assert!(p > 0.2 && p < 0.8, "{p} says little");
    let variance = quick.iter().map(|q| (q - 64.0 * p).powi(2)).sum::<f64>() / (blocks - 1) as f64;
    let ratio = variance / (64.0 * p * (1.0 - p));
    // χ² of 399 degrees of freedom, 4 standard deviations.
    assert!((ratio - 1.0).abs() < 4.0 * (2.0f64 / 399.0).sqrt(), "{ratio}");
}

#[test]
fn what_it_cannot_do_is_said() {
    let star = graph(GraphKind::Star, 100, 4);
    let spread = Spread::new(100, Style::Push);
    let error = EngineKind::BitParallel.supports(&spread, &star).unwrap_err().to_string();
    assert!(error.contains("99") && error.contains("64"), "{error}");
    let complete = Topology::Complete(10);
    assert!(EngineKind::BitParallel.supports(&spread, &complete).is_err());
    assert_eq!(EngineKind::choose(&spread, &star, 1000), EngineKind::Csr);
}
