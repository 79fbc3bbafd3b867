//! The fast engines of the complete graph against the exact law, and against the reference.

mod support;

use std::ops::ControlFlow;

use rumormill_model::exact as theory;
use rumormill_model::simulate::{
    EngineKind, Job, SpreadModel, StopRule, Summary, Targets, Topology, simulate,
};
use rumormill_proto::Style;
use support::{against_law, against_sample, assert_fits};

const FAST: [EngineKind; 2] = [EngineKind::Count, EngineKind::Bitset];

fn go(model: &SpreadModel, nodes: u64, engine: EngineKind, runs: u64, seed: u64) -> Summary {
    let topology = Topology::Complete(nodes);
    let job = Job { engine: Some(engine), ..Job::new(model, &topology, 0..runs, seed) };
    simulate(&job, &|_| ControlFlow::Continue(())).expect("a good job")
}

fn exact(model: &SpreadModel, nodes: u64) -> theory::Distribution {
    let style = match model.style {
        Style::Push => theory::Style::Push,
        Style::Pull => theory::Style::Pull,
        Style::PushPull => theory::Style::PushPull,
        Style::PushThenPull => panic!("two styles"),
    };
    let spread = theory::Spread {
        fanout: model.fanout.into(),
        loss: model.loss,
        targets: match model.targets {
            Targets::Distinct => theory::Targets::Distinct,
            Targets::Independent => theory::Targets::Independent,
        },
        include_self: model.include_self,
        origins: model.origins,
        dead: model.dead,
        coverage: model.coverage,
        ..theory::Spread::new(nodes, style)
    };
    spread.solve().expect("a good question")
}

/// How many runs finished in each round.
fn finishes(summary: &Summary) -> Vec<u64> {
    let mut seen = vec![0; summary.finished.largest().unwrap_or(0) as usize + 1];
    summary.finished.iter().for_each(|(round, runs)| seen[round as usize] = runs);
    seen
}

/// Models that reach every branch: each style; loss; several picks, distinct or not, few and many
/// beside the nodes; the dead; several origins; less than everyone.
fn models() -> Vec<SpreadModel> {
    let styles = [Style::Push, Style::Pull, Style::PushPull];
    let mut models = Vec::new();
    for style in styles {
        let base = SpreadModel::new(style);
        models.extend([
            base.clone(),
            SpreadModel { loss: 0.3, ..base.clone() },
            SpreadModel { fanout: 3, loss: 0.15, ..base.clone() },
            SpreadModel { fanout: 4, targets: Targets::Independent, ..base.clone() },
            SpreadModel { fanout: 2, include_self: true, dead: 0.2, ..base.clone() },
            SpreadModel { origins: 5, dead: 0.3, coverage: 0.8, loss: 0.5, ..base.clone() },
            SpreadModel { fanout: 12, loss: 0.6, ..base.clone() },
            SpreadModel { fanout: 2000, loss: 0.7, ..base },
        ]);
    }
    models
}

#[test]
fn finishing_rounds_follow_the_exact_law() {
    for nodes in [13, 40, 300, 1000] {
        for (i, model) in models().iter().enumerate() {
            let exact = exact(model, nodes);
            let law: Vec<f64> = std::iter::once(0.0)
                .chain(exact.survival.windows(2).map(|pair| pair[0] - pair[1]))
                .collect();
            for engine in FAST {
                // The bitset goes through a whole bucket each round, however few the nodes.
                let bitset = engine == EngineKind::Bitset;
                if bitset && nodes == 1000 {
                    continue;
                }
                let runs = if bitset { 500 } else { 6000 };
                let summary = go(model, nodes, engine, runs, 100 + i as u64);
                assert_eq!(summary.unfinished(), 0);
                let what = format!("{engine}, {nodes} nodes, {model:?}");
                assert_fits(against_law(&finishes(&summary), &law), &what);
                let error = (summary.messages.variance() / runs as f64).sqrt();
                let off = (summary.messages.mean() - exact.messages).abs();
                // A round more in five runs may come up, or not.
                let rare = 5.0 * (nodes * nodes.min(model.fanout.into())) as f64 / runs as f64;
                assert!(off <= 4.5 * error + rare, "{what}: messages off by {off}");
            }
        }
    }
}

#[test]
fn counts_along_the_way_are_those_of_the_reference() {
    for (i, model) in models().into_iter().enumerate() {
        // A cap that cuts runs in their middle: what they left is the law of one round's count.
        for rounds in [2, 4] {
            let model = SpreadModel { stop: StopRule::Rounds(rounds), ..model.clone() };
            let nodes = 80;
            let untold = |summary: &Summary| {
                let mut seen = vec![0; nodes as usize + 1];
                summary.residue.iter().for_each(|(left, runs)| seen[left as usize] = runs);
                seen
            };
            let plain = go(&model, nodes, EngineKind::Reference, 1000, 1);
            assert_eq!(plain.lengths.largest(), Some(rounds.into()));
            for engine in FAST {
                let fast = go(&model, nodes, engine, 1500, 200 + i as u64);
                assert_eq!(fast.lengths, {
                    let mut lengths = rumormill_model::simulate::histogram::Counts::default();
                    lengths.add(rounds.into(), 1500);
                    lengths
                });
                let what = format!("{engine}, {rounds} rounds, {model:?}");
                assert_fits(against_sample(&untold(&fast), &untold(&plain)), &what);
            }
        }
    }
}

#[test]
fn push_then_pull_switches_in_every_engine() {
    for switch_after in [1, 4, 7] {
        let base = SpreadModel::new(Style::PushThenPull);
        let model = SpreadModel { switch_after, loss: 0.1, ..base };
        let plain = go(&model, 100, EngineKind::Reference, 1500, 1);
        for engine in FAST {
            let fast = go(&model, 100, engine, 1500, 2);
            let what = format!("{engine}, after {switch_after}");
            assert_fits(against_sample(&finishes(&fast), &finishes(&plain)), &what);
            let (a, b) = (fast.messages, plain.messages);
            let error = ((a.variance() + b.variance()) / 1500.0).sqrt();
            assert!((a.mean() - b.mean()).abs() < 4.5 * error, "{what}: messages");
        }
    }
}

#[test]
fn nothing_is_told_when_everything_is_lost() {
    for engine in FAST {
        let model = SpreadModel { loss: 1.0, ..SpreadModel::new(Style::PushPull) };
        let summary = go(&model, 100, engine, 10, 1);
        assert_eq!((summary.unfinished(), summary.lengths.largest()), (10, Some(0)), "{engine}");
        let capped = SpreadModel { stop: StopRule::Rounds(3), ..model };
        let summary = go(&capped, 100, engine, 10, 1);
        assert_eq!(summary.residue.largest(), Some(99), "{engine}");
        assert_eq!(summary.messages.mean(), 300.0, "{engine}");
    }
}

#[test]
fn a_node_alone_knows_at_once() {
    for engine in FAST {
        for stop in [StopRule::Never, StopRule::Rounds(2)] {
            let model = SpreadModel { stop, ..SpreadModel::new(Style::PushPull) };
            let (fast, plain) =
                (go(&model, 1, engine, 3, 1), go(&model, 1, EngineKind::Reference, 3, 1));
            assert_eq!(fast, plain, "{engine}");
        }
    }
}

#[test]
fn counts_are_right_for_huge_numbers() {
    for (nodes, runs) in [(1_000_000, 3000), (1_000_000_000, 2000), (1_000_000_000_000_000, 1000)] {
        for model in [
            SpreadModel::new(Style::Push),
            SpreadModel { fanout: 3, loss: 0.2, ..SpreadModel::new(Style::Push) },
            SpreadModel { dead: 0.1, loss: 0.05, ..SpreadModel::new(Style::PushPull) },
            SpreadModel { fanout: 2, loss: 0.05, ..SpreadModel::new(Style::Pull) },
        ] {
            let exact = exact(&model, nodes);
            let law: Vec<f64> = std::iter::once(0.0)
                .chain(exact.survival.windows(2).map(|pair| pair[0] - pair[1]))
                .collect();
            let summary = go(&model, nodes, EngineKind::Count, runs, 7);
            let what = format!("{nodes} nodes, {model:?}");
            assert_fits(against_law(&finishes(&summary), &law), &what);
        }
    }
}

#[test]
fn many_buckets_follow_the_exact_law() {
    // Five buckets, the last one partly filled; on three threads nothing is different.
    let nodes = 300_000;
    for model in [
        SpreadModel::new(Style::Push),
        SpreadModel { loss: 0.1, ..SpreadModel::new(Style::Pull) },
        SpreadModel { fanout: 3, loss: 0.2, dead: 0.1, ..SpreadModel::new(Style::PushPull) },
        SpreadModel { origins: 50_000, ..SpreadModel::new(Style::Push) },
    ] {
        let exact = exact(&model, nodes);
        let law: Vec<f64> = std::iter::once(0.0)
            .chain(exact.survival.windows(2).map(|pair| pair[0] - pair[1]))
            .collect();
        let runs = 120;
        let summary = go(&model, nodes, EngineKind::Bitset, runs, 3);
        let what = format!("{model:?}");
        assert_fits(against_law(&finishes(&summary), &law), &what);
        let error = (summary.messages.variance() / runs as f64).sqrt();
        let off = (summary.messages.mean() - exact.messages).abs();
        assert!(off <= 4.5 * error, "{what}: messages off by {off}, error {error}");
    }
}

#[test]
fn a_bitset_is_the_same_on_any_number_of_threads() {
    let topology = Topology::Complete(9_000_000);
    let model = SpreadModel { fanout: 2, loss: 0.1, ..SpreadModel::new(Style::PushPull) };
    let engine = Some(EngineKind::Bitset);
    let job = Job { engine, ..Job::new(&model, &topology, 5..6, 3) };
    let one = simulate(&job, &|_| ControlFlow::Continue(())).unwrap();
    let four = simulate(&Job { threads: 4, ..job }, &|_| ControlFlow::Continue(())).unwrap();
    assert_eq!(one, four);
}
