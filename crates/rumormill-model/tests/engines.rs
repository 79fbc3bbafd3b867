//! Every engine against the reference.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::ops::ControlFlow;

use rumormill_model::simulate::{
    Density, EngineKind, GraphKind, Job, Origin, SpreadModel, StopRule, Summary, Targets, Topology,
    simulate,
};
use rumormill_proto::Style;

fn go(job: &Job<'_>) -> Summary {
    simulate(job, &|_| ControlFlow::Continue(())).unwrap()
}

fn graph(kind: GraphKind, nodes: u64) -> Topology {
    kind.build(nodes, 5, u64::MAX, &|_| ControlFlow::Continue(())).unwrap()
}

fn graphs() -> Vec<(&'static str, Topology)> {
    vec![
        ("ring", graph(GraphKind::Ring, 300)),
        ("path", graph(GraphKind::Path, 60)),
        ("star", graph(GraphKind::Star, 60)),
        ("wheel", graph(GraphKind::Wheel, 90)),
        ("tree", graph(GraphKind::Tree, 200)),
        ("random-regular", graph(GraphKind::RandomRegular { degree: 8 }, 500)),
        // Mean degree 2 leaves small components and isolated nodes.
        ("erdos-renyi", graph(GraphKind::ErdosRenyi(Density::MeanDegree(2.0)), 200)),
        ("barabasi-albert", graph(GraphKind::BarabasiAlbert { edges: 2 }, 300)),
        ("k-out", graph(GraphKind::KOut { degree: 3 }, 200)),
    ]
}

fn models() -> Vec<SpreadModel> {
    let push = SpreadModel { max_rounds: 5000, ..SpreadModel::new(Style::Push) };
    let pull = SpreadModel { style: Style::Pull, ..push.clone() };
    let both = SpreadModel { style: Style::PushPull, ..push.clone() };
    let switch = SpreadModel { style: Style::PushThenPull, switch_after: 7, ..push.clone() };
    let independent = Targets::Independent;
    vec![
        SpreadModel { loss: 0.3, ..push.clone() },
        SpreadModel { fanout: 3, dead: 0.1, ..push.clone() },
        SpreadModel { fanout: 2, targets: independent, include_self: true, ..push.clone() },
        SpreadModel { stop: StopRule::Rounds(9), origins: 3, ..push.clone() },
        SpreadModel { stop: StopRule::Rounds(300), coverage: 0.5, ..push.clone() },
        SpreadModel { fanout: 100, loss: 0.6, origin: Origin::Node(7), ..push.clone() },
        SpreadModel { loss: 1.0, ..push.clone() },
        SpreadModel { include_self: true, ..pull.clone() },
        SpreadModel { dead: 0.2, loss: 0.1, ..pull.clone() },
        SpreadModel { fanout: 2, coverage: 0.8, ..pull },
        SpreadModel { origins: 2, origin: Origin::Node(0), ..both.clone() },
        SpreadModel { fanout: 3, dead: 0.3, ..both },
        SpreadModel { loss: 0.2, ..switch.clone() },
        SpreadModel { dead: 0.1, stop: StopRule::Rounds(20), ..switch },
        push,
    ]
}

#[test]
fn the_csr_engine_gives_the_references_runs_bit_for_bit() {
    for (name, topology) in graphs() {
        for model in models() {
            let job = Job::new(&model, &topology, 10..30, 11);
            let reference = go(&Job { engine: Some(EngineKind::Reference), ..job.clone() });
            let csr = go(&Job { engine: Some(EngineKind::Csr), ..job });
            let figures = |s: &Summary| (s.by_round(), s.finished.clone(), s.residue.clone());
            assert_eq!(figures(&csr), figures(&reference), "{name}: {model:?}");
            assert!(csr == reference, "{name}: {model:?}");
        }
    }
}
