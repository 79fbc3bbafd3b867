//! Tests of the face: what holds for every engine.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

use rumormill_proto::Style;

use super::*;
use crate::graph::{GraphKind, Topology};
use crate::spread::{Semantics, Spread};

fn go(job: &Job<'_>) -> Summary {
    simulate(job, &|_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn threads_and_shards_change_nothing() {
    let spread = Spread { loss: 0.2, ..Spread::new(50, Style::PushPull) };
    let topology = Topology::Complete(50);
    for &engine in EngineKind::ALL {
        if engine.supports(&spread, &topology).is_err() {
            continue;
        }
        let job = Job { engine: Some(engine), ..Job::new(&spread, &topology, 5..605, 3) };
        let whole = go(&job);
        assert_eq!(go(&Job { threads: 3, ..job.clone() }), whole, "{engine}");
        let mut parts = go(&Job { runs: 300..605, ..job.clone() });
        parts.merge(&go(&Job { runs: 5..300, ..job.clone() })).unwrap();
        assert_eq!(parts, whole, "{engine}");
        assert_ne!(go(&Job { seed: 4, ..job }), whole, "{engine}");
    }
}

#[test]
fn who_watches_may_stop() {
    let spread = Spread::new(2000, Style::Push);
    let topology = Topology::Complete(2000);
    let calls = AtomicU64::new(0);
    let job = Job {
        threads: 2,
        engine: Some(EngineKind::Reference),
        ..Job::new(&spread, &topology, 0..100_000, 1)
    };
    let summary = simulate(&job, &|progress| {
        assert!(progress.runs == 100_000 && progress.goal == 2000);
        if calls.fetch_add(1, Ordering::Relaxed) < 3 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })
    .unwrap();
    assert!(summary.cancelled);
    assert!(summary.runs > 50 && summary.runs < 10_000, "{}", summary.runs);
    assert_eq!(summary.finished.total(), summary.runs);
}

#[test]
fn too_little_memory_is_said_before() {
    let spread = Spread::new(1_000_000, Style::Push);
    let topology = Topology::Complete(1_000_000);
    let engine = Some(EngineKind::Reference);
    let job = Job { memory: 1000, engine, ..Job::new(&spread, &topology, 0..1, 1) };
    let message = job.check().unwrap_err().to_string();
    assert!(message.contains("12000000 bytes") && message.contains("1000 bytes"), "{message}");
}

#[test]
fn empty_jobs_are_refused() {
    let spread = Spread::new(10, Style::Push);
    let topology = Topology::Complete(10);
    assert!(Job::new(&spread, &topology, 3..3, 1).check().is_err());
    assert!(Job { threads: 0, ..Job::new(&spread, &topology, 0..3, 1) }.check().is_err());
}

#[test]
fn summaries_add_up() {
    let spread = Spread::new(64, Style::Push);
    let topology = Topology::Complete(64);
    let summary = go(&Job::new(&spread, &topology, 0..1000, 1));
    let rounds = summary.by_round();
    assert_eq!((rounds[0].informed, rounds[0].sent), (1.0, 0.0));
    // The first push always informs a node.
    assert_eq!((rounds[1].informed, rounds[1].sent), (2.0, 1.0));
    let last = rounds.last().unwrap();
    assert_eq!(last.informed, 64.0);
    assert!((last.sent - summary.messages.mean()).abs() < 1e-9);
    let survival = summary.survival(u64::MAX);
    assert_eq!(survival[5], 1.0);
    assert_eq!(survival.last(), Some(&0.0));
    assert!((survival.iter().sum::<f64>() - summary.mean()).abs() < 1e-9);
    let median = summary.percentile(0.5).unwrap() as usize;
    assert!(survival[median] <= 0.5 && survival[median - 1] > 0.5);
    let band = summary.quantiles(&[0.05, 0.95]);
    assert_eq!(band.len(), rounds.len());
    assert!(band[7][0] < rounds[7].informed && rounds[7].informed < band[7][1]);
    assert!((summary.growth()[1] - 2.0).abs() < 1e-12);
    let growth = summary.growth_quantiles(&[0.05, 0.95]);
    assert_eq!((growth.len(), growth[0][1]), (rounds.len(), 1.0));
    assert_eq!(growth[1], [2.0, 2.0]);
    let mean = summary.growth()[6];
    assert!(growth[6][0] < mean && mean < growth[6][1] && growth[6][1] <= 2.0, "{growth:?}");
    assert_eq!(summary.incomplete(), 0.0);
}

#[test]
fn the_fastest_engine_that_can_and_fits_is_chosen() {
    let push = Spread::new(2000, Style::Push);
    let go_on = |_: f64| ControlFlow::Continue(());
    let graph = |kind: GraphKind| kind.build(2000, 1, u64::MAX, &go_on).unwrap();
    let complete = Topology::Complete(2000);
    let ring = graph(GraphKind::Ring);
    let regular = graph(GraphKind::RandomRegular { degree: 8 });
    let job = |spread, topology, runs| Job::new(spread, topology, 0..runs, 1);
    assert_eq!(job(&push, &complete, 1).engine(), EngineKind::Count);
    assert_eq!(job(&push, &regular, 1).engine(), EngineKind::Csr);
    assert_eq!(job(&push, &regular, 1000).engine(), EngineKind::BitParallel);
    // Rumors creep round a ring: each is followed along its own front.
    assert_eq!(job(&push, &ring, 1000).engine(), EngineKind::Csr);
    let sequential = Spread { semantics: Semantics::Sequential, ..push.clone() };
    assert_eq!(job(&sequential, &ring, 1000).engine(), EngineKind::Reference);
    // An engine that fits the memory is preferred; if none does, that is refused.
    let need = EngineKind::Csr.bytes_needed(&push, &regular, 1);
    assert!(EngineKind::BitParallel.bytes_needed(&push, &regular, 1) > need);
    let tight = Job { memory: need, ..job(&push, &regular, 1000) };
    assert_eq!(tight.engine(), EngineKind::Csr);
    assert!(Job { memory: 100, ..tight }.check().is_err());
    // An engine that is named must be able.
    let named = Job { engine: Some(EngineKind::Count), ..job(&push, &ring, 1) };
    let message = named.check().unwrap_err().to_string();
    assert!(message.starts_with("engine count cannot do this"), "{message}");
}
