//! The round models against the exact mathematics.
//!
//! Seeds are fixed, so each test passes always or never. Limits are such that a right model would
//! have failed them for fewer than one seed in ten thousand: χ² at 3.9 sigma, means at 4.5.

mod support;

use rumormill_model::exact::graph::{path_mean, ring_mean, star_survival};
use rumormill_model::exact::stop::{Rule, sequential};
use rumormill_model::graph::{GraphKind, Topology};
use rumormill_model::simulate::snapshot::snapshot;
use rumormill_model::simulate::{EngineKind, Job, Summary};
use rumormill_model::spread::{Semantics, Spread, Targets};
use rumormill_proto::{Counted, Decided, Stop, Style};
use support::{against_law, assert_fits, go, graph, law, run, seen};

/// Runs on the reference engine.
fn reference(spread: &Spread, topology: &Topology, runs: u64) -> Summary {
    run(spread, topology, EngineKind::Reference, (runs, 64))
}

fn assert_law(summary: &Summary, survival: &[f64], what: &str) {
    assert_eq!(summary.unfinished(), 0, "{what}");
    let (chi, degrees) = against_law(&seen(&summary.finished), &law(survival));
    assert!(degrees >= 2.0, "{what}: too few cells");
    assert_fits((chi, degrees), what);
}

/// Fails if `seen` is more than 4.5 standard errors from `exact`.
fn assert_mean(seen: f64, exact: f64, error: f64, what: &str) {
    let z = (seen - exact) / error;
    assert!(z.abs() < 4.5, "{what}: {seen} against {exact}, {z:.1} sigma");
}

#[test]
fn the_law_of_64_nodes() {
    let push = Spread::new(64, Style::Push);
    let questions = [
        push.clone(),
        Spread { style: Style::Pull, ..push.clone() },
        Spread { style: Style::PushPull, ..push.clone() },
        Spread { loss: 0.3, ..push.clone() },
        Spread { loss: 0.2, style: Style::PushPull, fanout: 2, ..push.clone() },
        Spread { fanout: 4, ..push.clone() },
        Spread { fanout: 4, targets: Targets::Independent, ..push.clone() },
        Spread { include_self: true, style: Style::Pull, ..push.clone() },
        Spread { dead: 0.25, origins: 3, ..push.clone() },
        Spread { coverage: 0.9, fanout: 2, style: Style::Pull, ..push },
    ];
    for spread in questions {
        let exact = spread.solve().unwrap();
        let summary = reference(&spread, &Topology::Complete(64), 6000);
        assert_law(&summary, &exact.survival, &format!("{spread:?}"));
        let error = |variance: f64| (variance / 6000.0).sqrt();
        assert_mean(summary.mean(), exact.mean, error(exact.variance), "mean");
        let spent = &summary.messages;
        assert_mean(spent.mean(), exact.messages, error(spent.variance()), "messages");
    }
}

#[test]
fn everyone_called_at_once() {
    // A fan-out that reaches all: each is missed by chance of loss alone.
    let spread = Spread { fanout: 1000, loss: 0.7, ..Spread::new(20, Style::Push) };
    let exact = spread.solve().unwrap();
    let summary = reference(&spread, &Topology::Complete(20), 4000);
    assert_law(&summary, &exact.survival, "everyone");
}

#[test]
fn push_then_pull() {
    let spread = Spread { pull_after: Some(6), ..Spread::new(64, Style::PushThenPull) };
    let exact = spread.solve().unwrap();
    let summary = reference(&spread, &Topology::Complete(64), 6000);
    assert_law(&summary, &exact.survival, "push then pull");
    // The numbers: 93.8 messages, E[T] = 8.87.
    let error = (summary.messages.variance() / 6000.0).sqrt();
    assert_mean(summary.messages.mean(), exact.messages, error, "messages");
    assert!((exact.messages - 93.8).abs() < 0.05 && (exact.mean - 8.87).abs() < 0.005);
}

#[test]
fn informed_by_round_under_a_cap() {
    for style in [Style::Push, Style::PushPull] {
        let spread = Spread { loss: 0.1, ..Spread::new(64, style) };
        let exact = spread.expected_informed(12).unwrap();
        let capped = Spread { stop: Some(Stop::Rounds(12)), ..spread.clone() };
        let summary = reference(&capped, &Topology::Complete(64), 4000);
        let rounds = summary.by_round();
        assert_eq!(rounds.len(), 13);
        for (round, exact) in rounds.iter().zip(exact) {
            // No count below 64 spreads wider than 13.
            let what = format!("{style}, round {}", round.round);
            assert_mean(round.informed, exact, 13.0 / 4000f64.sqrt(), &what);
        }
        let exact = spread.solve().unwrap();
        let late = exact.survival[12];
        let error = (late * (1.0 - late) / 4000.0).sqrt();
        assert_mean(summary.incomplete(), late, error, "failure under the cap");
    }
}

#[test]
fn a_star_is_the_coupon_collector() {
    let topology = graph(GraphKind::Star, 20, 5);
    let spread = Spread { origin: Some(0), ..Spread::new(20, Style::Push) };
    let survival: Vec<f64> = (0..400).map(|x| star_survival(20, x).unwrap()).collect();
    for engine in [EngineKind::Reference, EngineKind::Csr] {
        assert_law(&run(&spread, &topology, engine, (4000, 3)), &survival, "star");
    }
    // From the hub a pull takes one round.
    let pull = Spread { style: Style::Pull, ..spread };
    assert_eq!(reference(&pull, &topology, 50).mean(), 1.0);
}

#[test]
fn rings_paths_and_wheels() {
    let push = |nodes| Spread { origin: Some(0), ..Spread::new(nodes, Style::Push) };
    for (kind, nodes, mean) in
        [(GraphKind::Ring, 200, ring_mean(200)), (GraphKind::Path, 100, path_mean(100))]
    {
        let topology = graph(kind, nodes, 5);
        let push = push(nodes);
        let summary = run(&push, &topology, EngineKind::Csr, (2000, 4));
        let error = (summary.variance() / 2000.0).sqrt();
        assert_mean(summary.mean(), mean, error, kind.name());
    }
    // About 126 rounds on a wheel of a thousand, from the hub.
    let topology = graph(GraphKind::Wheel, 1000, 5);
    let summary = run(&push(1000), &topology, EngineKind::Csr, (200, 4));
    assert!((summary.mean() - 126.0).abs() < 2.0, "{}", summary.mean());
}

#[test]
fn push_and_pull_are_dual_on_any_graph() {
    // From a random origin, the mean number informed after t rounds is the same.
    for kind in [
        GraphKind::BarabasiAlbert { edges: 2 },
        GraphKind::SmallWorld { degree: 4, rewired: 0.1 },
        GraphKind::KOut { degree: 3 },
    ] {
        let topology = graph(kind, 60, 5);
        let informed = |style, first: u64| {
            let spread =
                Spread { loss: 0.2, stop: Some(Stop::Rounds(14)), ..Spread::new(60, style) };
            // Batches tell the standard error.
            let batches = (0..40).map(|batch| {
                let first = first + batch * 100;
                let job = Job::new(&spread, &topology, first..first + 100, 9);
                let summary = go(&Job { engine: Some(EngineKind::Csr), ..job });
                summary.by_round().iter().map(|round| round.informed).collect::<Vec<_>>()
            });
            batches.collect::<Vec<_>>()
        };
        let (push, pull) = (informed(Style::Push, 0), informed(Style::Pull, 1_000_000));
        for t in 1..=14 {
            let moments = |batches: &[Vec<f64>]| {
                let mean = batches.iter().map(|b| b[t]).sum::<f64>() / 40.0;
                let variance = batches.iter().map(|b| (b[t] - mean).powi(2)).sum::<f64>() / 39.0;
                (mean, variance / 40.0)
            };
            let ((a, va), (b, vb)) = (moments(&push), moments(&pull));
            assert_mean(a, b, (va + vb).sqrt(), &format!("{kind:?}, round {t}"));
        }
    }
}

fn interest(nodes: u64, counted: Counted, decided: Decided, k: u32, reset: bool) -> Spread {
    let stop = Some(Stop::Interest { counted, decided, k });
    Spread { stop, reset, ..Spread::new(nodes, Style::Push) }
}

#[test]
fn interest_in_snapshot_rounds() {
    // Against another simulation of them, which shares no code: two samples.
    let cases = [
        (Counted::Blind, Decided::Coin, 3, false),
        (Counted::Blind, Decided::Counter, 2, false),
        (Counted::Feedback, Decided::Coin, 2, false),
        (Counted::Feedback, Decided::Counter, 2, false),
        (Counted::Feedback, Decided::Counter, 1, true),
    ];
    for (counted, decided, k, reset) in cases {
        let spread = interest(100, counted, decided, k, reset);
        let summary = reference(&spread, &Topology::Complete(100), 3000);
        let want = snapshot(100, rule(decided, k, reset), counted, 3000, 5).unwrap();
        let what = format!("{counted:?} {decided:?} {k} {reset}");
        let both = |variance: f64, other: f64| (variance / 3000.0 + other * other).sqrt();
        let residue = summary.residue.moments().variance() / 1e4;
        let error = both(residue, want.residue.standard_error);
        assert_mean(
            summary.residue_share(),
            want.residue.value,
            error,
            &format!("{what}: residue"),
        );
        let traffic = summary.messages.mean() / 100.0;
        let error = both(summary.messages.variance() / 1e4, want.traffic.standard_error);
        assert_mean(traffic, want.traffic.value, error, &format!("{what}: traffic"));
        let error =
            both(want.incomplete.standard_error.powi(2) * 3000.0, want.incomplete.standard_error);
        let missed = summary.incomplete();
        assert_mean(missed, want.incomplete.value, error.max(1e-3), &format!("{what}: incomplete"));
    }
}

#[test]
fn interest_in_sequential_rounds_is_exact() {
    // One contact after another, the residue does not depend on the schedule, so it is known.
    let cases = [
        (30, Counted::Feedback, Decided::Coin, 4),
        (64, Counted::Feedback, Decided::Coin, 5),
        (40, Counted::Blind, Decided::Coin, 3),
        (40, Counted::Feedback, Decided::Counter, 2),
        (40, Counted::Blind, Decided::Counter, 3),
    ];
    for semantics in [Semantics::Sequential, Semantics::Asynchronous] {
        for (n, counted, decided, k) in cases {
            let spread = Spread { semantics, ..interest(n, counted, decided, k, false) };
            let summary = reference(&spread, &Topology::Complete(n), 4000);
            let exact = sequential(n, rule(decided, k, false), counted).unwrap();
            let what = format!("{n} {counted:?} {decided:?} {k} {semantics}");
            let error = (summary.residue.moments().variance() / 4000.0).sqrt() / n as f64;
            assert_mean(summary.residue_share(), exact.residue, error, &what);
            let p = exact.incomplete;
            let error = (p * (1.0 - p) / 4000.0).sqrt();
            assert_mean(summary.incomplete(), p, error.max(1e-4), &what);
            let error = (summary.messages.variance() / 4000.0).sqrt() / n as f64;
            assert_mean(summary.messages.mean() / n as f64, exact.traffic, error, &what);
        }
    }
}

fn rule(decided: Decided, k: u32, reset: bool) -> Rule {
    match decided {
        Decided::Coin => Rule::Coin(1.0 / f64::from(k)),
        Decided::Counter => Rule::Counter { limit: k, reset },
    }
}

#[test]
fn asynchronous_push_waits_exponentially() {
    // From u informed the next is told at rate u(n−u)/(n−1): E[T] = 2 (n−1)/n · H_{n−1}. A finish
    // counts as in the round it lies in, half a round later on average.
    let n = 64u64;
    let semantics = Semantics::Asynchronous;
    let spread = Spread { semantics, ..Spread::new(n, Style::Push) };
    let summary = reference(&spread, &Topology::Complete(n), 8000);
    let rate = |u: u64| (u * (n - u)) as f64 / (n - 1) as f64;
    let mean: f64 = (1..n).map(|u| 1.0 / rate(u)).sum();
    let variance: f64 = (1..n).map(|u| rate(u).powi(-2)).sum::<f64>() + 1.0 / 12.0;
    assert_mean(summary.mean(), mean + 0.5, (variance / 8000.0).sqrt(), "mean");
    assert!((summary.variance() / variance - 1.0).abs() < 0.1, "{}", summary.variance());
}

#[test]
fn sequential_rounds_are_faster() {
    // Who is told in a round may tell in it. Two nodes know of three: the third is called by each
    // with probability ½, so sequential and synchronous rounds agree there: E[T] = 4/3.
    let two =
        Spread { origins: 2, semantics: Semantics::Sequential, ..Spread::new(3, Style::Push) };
    let summary = reference(&two, &Topology::Complete(3), 20_000);
    assert_mean(summary.mean(), 4.0 / 3.0, (4.0 / 9.0 / 20_000f64).sqrt(), "three nodes");
    // From one of three: the origin tells a second, who has its turn after it with chance ½ (the
    // order is even): then it tells the third with chance ½. Later rounds are as above.
    let one = Spread { origins: 1, ..two };
    let summary = reference(&one, &Topology::Complete(3), 20_000);
    let (first, variance) = (0.25, 0.25 * 0.75 * (4.0f64 / 3.0).powi(2) + 0.75 * 4.0 / 9.0);
    let mean = 1.0 + (1.0 - first) * 4.0 / 3.0;
    assert_mean(summary.mean(), mean, (variance / 20_000.0).sqrt(), "from one");
}
