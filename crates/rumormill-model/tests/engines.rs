//! Every engine against the reference.

mod support;

use rumormill_model::graph::{Density, GraphKind, Topology};
use rumormill_model::simulate::{EngineKind, Job, Summary};
use rumormill_model::spread::{Spread, Targets};
use rumormill_proto::{Stop, Style};
use support::{go, graph};

fn graphs() -> Vec<(&'static str, Topology)> {
    vec![
        ("ring", graph(GraphKind::Ring, 300, 5)),
        ("path", graph(GraphKind::Path, 60, 5)),
        ("star", graph(GraphKind::Star, 60, 5)),
        ("wheel", graph(GraphKind::Wheel, 90, 5)),
        ("tree", graph(GraphKind::Tree, 200, 5)),
        ("random-regular", graph(GraphKind::RandomRegular { degree: 8 }, 500, 5)),
        // Mean degree 2 leaves small components and isolated nodes.
        ("erdos-renyi", graph(GraphKind::ErdosRenyi(Density::MeanDegree(2.0)), 200, 5)),
        ("barabasi-albert", graph(GraphKind::BarabasiAlbert { edges: 2 }, 300, 5)),
        ("k-out", graph(GraphKind::KOut { degree: 3 }, 200, 5)),
    ]
}

fn questions(nodes: u64) -> Vec<Spread> {
    let push = Spread { max_rounds: Some(5000), ..Spread::new(nodes, Style::Push) };
    let pull = Spread { style: Style::Pull, ..push.clone() };
    let both = Spread { style: Style::PushPull, ..push.clone() };
    let switch = Spread { style: Style::PushThenPull, pull_after: Some(7), ..push.clone() };
    let independent = Targets::Independent;
    vec![
        Spread { loss: 0.3, ..push.clone() },
        Spread { fanout: 3, dead: 0.1, ..push.clone() },
        Spread { fanout: 2, targets: independent, include_self: true, ..push.clone() },
        Spread { stop: Some(Stop::Rounds(9)), origins: 3, ..push.clone() },
        Spread { stop: Some(Stop::Rounds(300)), coverage: 0.5, ..push.clone() },
        Spread { fanout: 100, loss: 0.6, origin: Some(7), ..push.clone() },
        Spread { loss: 1.0, ..push.clone() },
        Spread { include_self: true, ..pull.clone() },
        Spread { dead: 0.2, loss: 0.1, ..pull.clone() },
        Spread { fanout: 2, coverage: 0.8, ..pull },
        Spread { origins: 2, origin: Some(0), ..both.clone() },
        Spread { fanout: 3, dead: 0.3, ..both },
        Spread { loss: 0.2, ..switch.clone() },
        Spread { dead: 0.1, stop: Some(Stop::Rounds(20)), ..switch },
        push,
    ]
}

#[test]
fn the_csr_engine_gives_the_references_runs_bit_for_bit() {
    for (name, topology) in graphs() {
        for spread in questions(topology.nodes()) {
            let job = Job::new(&spread, &topology, 10..30, 11);
            let reference = go(&Job { engine: Some(EngineKind::Reference), ..job.clone() });
            let csr = go(&Job { engine: Some(EngineKind::Csr), ..job });
            let statistics = |s: &Summary| (s.by_round(), s.finished.clone(), s.residue.clone());
            assert_eq!(statistics(&csr), statistics(&reference), "{name}: {spread:?}");
            assert!(csr == reference, "{name}: {spread:?}");
        }
    }
}
