use rumormill_proto::Style;

use super::*;
use crate::simulate::model::Targets;
use crate::simulate::{EngineKind, Job, simulate};

/// Whether runs that go side by side are those that go alone, and add up to the same.
fn assert_same(model: &SpreadModel, nodes: u64) {
    let topology = Topology::Complete(nodes);
    let engine = Some(EngineKind::Count);
    let go = |runs: Range<u64>, threads| {
        let job = Job { engine, threads, ..Job::new(model, &topology, runs, 17) };
        simulate(&job, &|_| ControlFlow::Continue(())).unwrap()
    };
    let together = go(3..310, 1);
    let mut alone = go(3..4, 1);
    (4..310).for_each(|run| alone.merge(&go(run..run + 1, 1)).unwrap());
    assert!(together == alone, "{nodes} nodes, {model:?}");
    assert!(together == go(3..310, 3), "{nodes} nodes, three threads, {model:?}");
}

#[test]
fn runs_side_by_side_are_those_that_go_alone() {
    let push = SpreadModel::new(Style::Push);
    let switch = SpreadModel { switch_after: 5, ..SpreadModel::new(Style::PushThenPull) };
    let models = [
        push.clone(),
        SpreadModel::new(Style::PushPull),
        SpreadModel { loss: 0.4, coverage: 0.7, ..SpreadModel::new(Style::Pull) },
        SpreadModel { fanout: 3, loss: 0.2, dead: 0.2, origins: 4, ..push.clone() },
        SpreadModel {
            fanout: 2,
            targets: Targets::Independent,
            include_self: true,
            ..push.clone()
        },
        SpreadModel { stop: StopRule::Rounds(7), coverage: 0.5, ..push.clone() },
        SpreadModel { stop: StopRule::Rounds(300), ..push.clone() },
        SpreadModel { max_rounds: 10, ..push.clone() },
        // Runs of 100 to 200 rounds: some are too long to end side by side.
        SpreadModel { loss: 0.93, ..push.clone() },
        SpreadModel { loss: 1.0, ..push.clone() },
        SpreadModel { loss: 1.0, stop: StopRule::Rounds(3), ..push.clone() },
        SpreadModel { origins: 30, coverage: 0.5, ..push },
        SpreadModel { loss: 0.3, ..switch.clone() },
        SpreadModel { stop: StopRule::Rounds(9), ..switch },
    ];
    for model in models {
        assert_same(&model, 40);
    }
    for nodes in [1, 2, 3] {
        assert_same(&SpreadModel::new(Style::PushPull), nodes);
        let capped = StopRule::Rounds(4);
        assert_same(&SpreadModel { stop: capped, ..SpreadModel::new(Style::Push) }, nodes);
    }
}

#[test]
fn what_is_passed_on_is_not_passed_on_again() {
    let model = SpreadModel::new(Style::Push);
    let count = Count::new(&model, &Topology::Complete(20), 5);
    let mut worker = count.worker();
    let go_on: &crate::simulate::Observer<'_> = &|_| ControlFlow::Continue(());
    let shared = crate::simulate::observer::Shared::new(go_on, 16, 20);
    let mut summary = Summary::new(20, 20, 20);
    for (runs, done) in [(0..8, 8), (8..16, 16)] {
        let flow = worker.work(runs, 1, &mut summary, &mut Watch::new(&shared));
        assert!(flow.is_continue());
        worker.finish(&mut summary);
        worker.finish(&mut summary);
        assert_eq!((summary.runs, summary.finished.total()), (done, done));
    }
}
