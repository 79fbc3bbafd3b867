//! The fast engines of the complete graph against the exact law, and against the reference.

mod support;

use rumormill_model::graph::Topology;
use rumormill_model::simulate::{EngineKind, Job, Summary};
use rumormill_model::spread::{STEADY, Spread, Targets};
use rumormill_proto::{Stop, Style};
use support::{against_law, against_sample, assert_fits, law, run, seen};

const FAST: [EngineKind; 2] = [EngineKind::Count, EngineKind::Bitset];

fn go(spread: &Spread, engine: EngineKind, runs: u64, seed: u64) -> Summary {
    run(spread, &Topology::Complete(spread.nodes), engine, (runs, seed))
}

/// Questions that reach every branch: each style; loss; several picks, distinct or not, few and
/// many beside the nodes; the dead; several origins; less than everyone.
fn questions(nodes: u64) -> Vec<Spread> {
    let mut all = Vec::new();
    for style in STEADY {
        let base = Spread::new(nodes, style);
        all.extend([
            base.clone(),
            Spread { loss: 0.3, ..base.clone() },
            Spread { fanout: 3, loss: 0.15, ..base.clone() },
            Spread { fanout: 4, targets: Targets::Independent, ..base.clone() },
            Spread { fanout: 2, include_self: true, dead: 0.2, ..base.clone() },
            Spread { origins: 5, dead: 0.3, coverage: 0.8, loss: 0.5, ..base.clone() },
            Spread { fanout: 12, loss: 0.6, ..base.clone() },
            Spread { fanout: 2000, loss: 0.7, ..base },
        ]);
    }
    all
}

#[test]
fn finishing_rounds_follow_the_exact_law() {
    for nodes in [13, 40, 300, 1000] {
        for (i, spread) in questions(nodes).iter().enumerate() {
            let exact = spread.solve().expect("a good question");
            let law = law(&exact.survival);
            for engine in FAST {
                // The bitset goes through a whole bucket each round, however few the nodes.
                let bitset = engine == EngineKind::Bitset;
                if bitset && nodes == 1000 {
                    continue;
                }
                let runs = if bitset { 500 } else { 6000 };
                let summary = go(spread, engine, runs, 100 + i as u64);
                assert_eq!(summary.unfinished(), 0);
                let what = format!("{engine}, {nodes} nodes, {spread:?}");
                assert_fits(against_law(&seen(&summary.finished), &law), &what);
                let error = (summary.messages.variance() / runs as f64).sqrt();
                let off = (summary.messages.mean() - exact.messages).abs();
                // A round more in five runs may come up, or not.
                let rare = 5.0 * (nodes * nodes.min(spread.fanout)) as f64 / runs as f64;
                assert!(off <= 4.5 * error + rare, "{what}: messages off by {off}");
            }
        }
    }
}

#[test]
fn counts_along_the_way_are_those_of_the_reference() {
    let nodes = 80;
    for (i, spread) in questions(nodes).into_iter().enumerate() {
        // A cap that cuts runs in their middle: what they left is the law of one round's count.
        for rounds in [2, 4] {
            let spread = Spread { stop: Some(Stop::Rounds(rounds)), ..spread.clone() };
            let plain = go(&spread, EngineKind::Reference, 1000, 1);
            assert_eq!(plain.lengths.largest(), Some(rounds.into()));
            for engine in FAST {
                let fast = go(&spread, engine, 1500, 200 + i as u64);
                assert_eq!(fast.lengths, {
                    let mut lengths = rumormill_model::simulate::histogram::Counts::default();
                    lengths.add(rounds.into(), 1500);
                    lengths
                });
                let what = format!("{engine}, {rounds} rounds, {spread:?}");
                assert_fits(against_sample(&seen(&fast.residue), &seen(&plain.residue)), &what);
            }
        }
    }
}

#[test]
fn push_then_pull_switches_in_every_engine() {
    for pull_after in [1, 4, 7] {
        let base = Spread::new(100, Style::PushThenPull);
        let spread = Spread { pull_after: Some(pull_after), loss: 0.1, ..base };
        let plain = go(&spread, EngineKind::Reference, 1500, 1);
        for engine in FAST {
            let fast = go(&spread, engine, 1500, 2);
            let what = format!("{engine}, after {pull_after}");
            assert_fits(against_sample(&seen(&fast.finished), &seen(&plain.finished)), &what);
            let (a, b) = (fast.messages, plain.messages);
            let error = ((a.variance() + b.variance()) / 1500.0).sqrt();
            assert!((a.mean() - b.mean()).abs() < 4.5 * error, "{what}: messages");
        }
    }
}

#[test]
fn nothing_is_told_when_everything_is_lost() {
    for engine in FAST {
        let spread = Spread { loss: 1.0, ..Spread::new(100, Style::PushPull) };
        let summary = go(&spread, engine, 10, 1);
        assert_eq!((summary.unfinished(), summary.lengths.largest()), (10, Some(0)), "{engine}");
        let capped = Spread { stop: Some(Stop::Rounds(3)), ..spread };
        let summary = go(&capped, engine, 10, 1);
        assert_eq!(summary.residue.largest(), Some(99), "{engine}");
        assert_eq!(summary.messages.mean(), 300.0, "{engine}");
    }
}

#[test]
fn a_node_alone_knows_at_once() {
    for engine in FAST {
        for stop in [None, Some(Stop::Rounds(2))] {
            let spread = Spread { stop, ..Spread::new(1, Style::PushPull) };
            let (fast, plain) =
                (go(&spread, engine, 3, 1), go(&spread, EngineKind::Reference, 3, 1));
            assert_eq!(fast, plain, "{engine}");
        }
    }
}

#[test]
fn counts_are_right_for_huge_numbers() {
    for (nodes, runs) in [(1_000_000, 3000), (1_000_000_000, 2000), (1_000_000_000_000_000, 1000)] {
        for spread in [
            Spread::new(nodes, Style::Push),
            Spread { fanout: 3, loss: 0.2, ..Spread::new(nodes, Style::Push) },
            Spread { dead: 0.1, loss: 0.05, ..Spread::new(nodes, Style::PushPull) },
            Spread { fanout: 2, loss: 0.05, ..Spread::new(nodes, Style::Pull) },
        ] {
            let exact = spread.solve().expect("a good question");
            let law = law(&exact.survival);
            let summary = go(&spread, EngineKind::Count, runs, 7);
            let what = format!("{nodes} nodes, {spread:?}");
            assert_fits(against_law(&seen(&summary.finished), &law), &what);
        }
    }
}

#[test]
fn many_buckets_follow_the_exact_law() {
    // Five buckets, the last one partly filled; on three threads nothing is different.
    let nodes = 300_000;
    for spread in [
        Spread::new(nodes, Style::Push),
        Spread { loss: 0.1, ..Spread::new(nodes, Style::Pull) },
        Spread { fanout: 3, loss: 0.2, dead: 0.1, ..Spread::new(nodes, Style::PushPull) },
        Spread { origins: 50_000, ..Spread::new(nodes, Style::Push) },
    ] {
        let exact = spread.solve().expect("a good question");
        let law = law(&exact.survival);
        let runs = 120;
        let summary = go(&spread, EngineKind::Bitset, runs, 3);
        let what = format!("{spread:?}");
        assert_fits(against_law(&seen(&summary.finished), &law), &what);
        let error = (summary.messages.variance() / runs as f64).sqrt();
        let off = (summary.messages.mean() - exact.messages).abs();
        assert!(off <= 4.5 * error, "{what}: messages off by {off}, error {error}");
    }
}

#[test]
fn a_bitset_is_the_same_on_any_number_of_threads() {
    let topology = Topology::Complete(9_000_000);
    let spread = Spread { fanout: 2, loss: 0.1, ..Spread::new(9_000_000, Style::PushPull) };
    let engine = Some(EngineKind::Bitset);
    let job = Job { engine, ..Job::new(&spread, &topology, 5..6, 3) };
    assert_eq!(support::go(&job), support::go(&Job { threads: 4, ..job }));
}
