use rumormill_proto::{Stop, Style};

use super::*;
use crate::simulate::{EngineKind, Job, simulate};
use crate::spread::Targets;

/// Returns whether runs that go side by side are those that go alone, and add up to the same.
fn assert_same(spread: &Spread) {
    let nodes = spread.nodes;
    let topology = Topology::Complete(nodes);
    let engine = Some(EngineKind::Count);
    let go = |runs: Range<u64>, threads| {
        let job = Job { engine, threads, ..Job::new(spread, &topology, runs, 17) };
        simulate(&job, &|_| ControlFlow::Continue(())).unwrap()
    };
    let together = go(3..310, 1);
    let mut alone = go(3..4, 1);
    (4..310).for_each(|run| alone.merge(&go(run..run + 1, 1)).unwrap());
    assert!(together == alone, "{nodes} nodes, {spread:?}");
    assert!(together == go(3..310, 3), "{nodes} nodes, three threads, {spread:?}");
}

#[test]
fn runs_side_by_side_are_those_that_go_alone() {
    let push = Spread::new(40, Style::Push);
    let switch = Spread { pull_after: Some(5), ..Spread::new(40, Style::PushThenPull) };
    let questions = [
        push.clone(),
        Spread::new(40, Style::PushPull),
        Spread { loss: 0.4, coverage: 0.7, ..Spread::new(40, Style::Pull) },
        Spread { fanout: 3, loss: 0.2, dead: 0.2, origins: 4, ..push.clone() },
        Spread { fanout: 2, targets: Targets::Independent, include_self: true, ..push.clone() },
        Spread { stop: Some(Stop::Rounds(7)), coverage: 0.5, ..push.clone() },
        Spread { stop: Some(Stop::Rounds(300)), ..push.clone() },
        Spread { max_rounds: Some(10), ..push.clone() },
        // Runs of 100 to 200 rounds: some are too long to end side by side.
        Spread { loss: 0.93, ..push.clone() },
        Spread { loss: 1.0, ..push.clone() },
        Spread { loss: 1.0, stop: Some(Stop::Rounds(3)), ..push.clone() },
        Spread { origins: 30, coverage: 0.5, ..push },
        Spread { loss: 0.3, ..switch.clone() },
        Spread { stop: Some(Stop::Rounds(9)), ..switch },
    ];
    for spread in questions {
        assert_same(&spread);
    }
    for nodes in [1, 2, 3] {
        assert_same(&Spread::new(nodes, Style::PushPull));
        let capped = Some(Stop::Rounds(4));
        assert_same(&Spread { stop: capped, ..Spread::new(nodes, Style::Push) });
    }
}

#[test]
fn what_is_passed_on_is_not_passed_on_again() {
    let spread = Spread::new(20, Style::Push);
    let count = Count::new(&spread, 5);
    let mut worker = count.worker();
    let shared = crate::simulate::observer::Shared::new(&|_| ControlFlow::Continue(()), 1);
    let mut summary = Summary::new(20, 20, 20);
    for (runs, done) in [(0..8, 8), (8..16, 16)] {
        let flow = worker.work(runs, 1, &mut summary, &mut Watch::new(&shared));
        assert!(flow.is_continue());
        worker.finish(&mut summary);
        worker.finish(&mut summary);
        assert_eq!((summary.runs, summary.finished.total()), (done, done));
    }
}
