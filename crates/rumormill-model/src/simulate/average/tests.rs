//! The models against the literature, the exact factors and each other.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::*;
use crate::graph::kind::GraphKind;
use crate::graph::topology::Topology;
use crate::simulate::average::arrays::Dense;
use crate::simulate::average::instant::Instant;
use crate::simulate::average::protocol::Protocol as _;
use crate::simulate::average::push_sum::PushSum;
use crate::simulate::average::state::State;
use crate::simulate::average::values::inputs;

mod faults;

fn run(averaging: &Averaging, runs: u64) -> Summary {
    simulate(&Job::new(averaging, 0..runs), &|_| ControlFlow::Continue(())).unwrap()
}

/// How many standard errors a mean may be off: fewer than one seed in 10⁴ fails.
const SIGMAS: f64 = 4.0;

/// The factor of the estimates' variance under push-sum among 1,000 nodes, as a simulation that
/// shares no code with this one gave it, and how far it is off over the first 20 rounds: it rises
/// with the rounds. What is known exactly (½ − 1/(4n)) is about the masses that nodes hold.
const PUSH_SUM: (f64, f64) = (0.537, 0.01);

fn check_factor(averaging: &Averaging, runs: u64, want: f64) {
    let summary = run(averaging, runs);
    let (mean, error) = (summary.factor.mean().unwrap(), summary.factor.standard_error().unwrap());
    let name = format!("{:?} {:?} {:?}", averaging.protocol, averaging.schedule, averaging.engine);
    assert!(error < 0.005, "{name}: the test says little, ±{error}");
    let known_to = if averaging.protocol == Protocol::PushSum { PUSH_SUM.1 } else { 0.0 };
    let most = SIGMAS * error + known_to;
    assert!((mean - want).abs() < most, "{name}: {mean} ± {error}, not {want}");
}

#[test]
fn all_schedules_have_their_exact_factors_in_all_engines() {
    for schedule in Schedule::ALL.iter().copied() {
        let sum = schedule == Schedule::Synchronous;
        let protocol = if sum { Protocol::PushSum } else { Protocol::PushPull };
        for engine in [Engine::Dense, Engine::Instant] {
            // Small enough that the exact factor is not its limit; the fixed order has only that.
            let nodes = match schedule {
                Schedule::Fixed => 4000,
                Schedule::Synchronous => 1000,
                _ => 64,
            };
            let averaging = Averaging {
                schedule,
                engine: Some(engine),
                rounds: 20,
                ..Averaging::new(nodes, protocol)
            };
            let runs = if sum { 200 } else { 200_000 / nodes / 20 };
            // What is exact of push-sum is about masses, and stands in a test of its own.
            let want = if sum { PUSH_SUM.0 } else { schedule.factor(nodes).unwrap() };
            check_factor(&averaging, runs, want);
        }
    }
}

/// Σ(v − μw)² over values v and weights w: what the exact factor of push-sum is about.
fn apart(masses: &[(f64, f64)], mean: f64) -> f64 {
    masses.iter().map(|(value, weight)| (value - mean * weight).powi(2)).sum()
}

#[test]
fn push_sum_brings_masses_together_by_its_exact_factor_in_both_engines() {
    const NODES: u32 = 64;
    let want = Schedule::Synchronous.factor(u64::from(NODES)).unwrap();
    let settings = Averaging {
        schedule: Schedule::Synchronous,
        ..Averaging::new(u64::from(NODES), Protocol::PushSum)
    };
    for dense in [true, false] {
        let mut factors: Vec<f64> = Vec::new();
        for run in 0..156 {
            let inputs = inputs(&settings, run);
            let mean = inputs.iter().sum::<f64>() / f64::from(NODES);
            let mut fast = Dense::new(&settings, run, inputs.clone());
            let protocol = PushSum::<false>::new(&inputs, false);
            let mut state = State::new(&settings, run, inputs, protocol);
            let mut plain = Instant::new(&settings, run, &state);
            let mut before = None;
            for round in 0..=20 {
                let masses = if dense {
                    fast.masses()
                } else {
                    (0..NODES).map(|node| state.protocol.state(node)).collect()
                };
                let after = apart(&masses, mean);
                factors.extend(before.map(|before: f64| after / before));
                before = Some(after);
                if round < 20 && dense {
                    fast.round();
                } else if round < 20 {
                    plain.round(&mut state, &mut ());
                }
            }
        }
        let count = factors.len() as f64;
        let mean = factors.iter().sum::<f64>() / count;
        let spread = factors.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let error = (spread / count).sqrt();
        assert!(error < 0.005, "the test says little, ±{error}");
        assert!((mean - want).abs() < SIGMAS * error, "{dense}: {mean} ± {error}, not {want}");
    }
}

#[test]
fn the_end_is_that_of_each_run() {
    let averaging =
        Averaging { until: Some(1e-6), rounds: 100, ..Averaging::new(64, Protocol::PushPull) };
    let summary = run(&averaging, 40);
    let reached = summary.reached.iter().find(|reached| reached.error == 1e-6).unwrap();
    let (least, most) =
        (reached.rounds.iter().next().unwrap().0, reached.rounds.largest().unwrap());
    assert!(least < most, "all runs end after {least} rounds");
    let end = &summary.end;
    assert_eq!(end.worst_error.statistic().count(), 40);
    assert!(end.worst_error.statistic().most().unwrap() <= 1e-6);
    // Each node sends one message a round, and one comes back.
    let rounds = reached.rounds.moments().mean();
    assert!((end.messages.mean().unwrap() - 128.0 * rounds).abs() < 1e-6);
}

#[test]
fn peersim_on_the_complete_graph() {
    // 0.3033: 1/(2√e) (Jelasity, Montresor, Babaoglu 2005).
    let limit = 0.5 * (-0.5f64).exp();
    for protocol in [Protocol::PushPull, Protocol::Spsp, Protocol::Ledger] {
        let averaging = Averaging { rounds: 18, ..Averaging::new(5000, protocol) };
        check_factor(&averaging, 4, limit);
    }
}

#[test]
fn peersim_on_a_random_graph_of_out_degree_20() {
    let kind = GraphKind::KOut { degree: 20 };
    let topology = kind.build(10_000, 3, u64::MAX, &|_| ControlFlow::Continue(())).unwrap();
    let averaging =
        Averaging { topology, rounds: 18, ..Averaging::new(10_000, Protocol::PushPull) };
    let summary = run(&averaging, 3);
    // The factor that the design gives for PeerSim. How many cycles it was averaged over is not
    // known: hence the tolerance beside the standard error.
    let (mean, error) = (summary.factor.mean().unwrap(), summary.factor.standard_error().unwrap());
    assert!((mean - 0.3155).abs() < SIGMAS * error + 5e-4, "{mean} ± {error}");
}

#[test]
fn a_matching_and_push_sum_are_the_same_in_both_engines_bit_for_bit() {
    for (protocol, schedule) in [
        (Protocol::PushSum, Schedule::Synchronous),
        (Protocol::PushPull, Schedule::Matching),
        (Protocol::PushPull, Schedule::Fixed),
    ] {
        let of = |engine| {
            let engine = Some(engine);
            let averaging =
                Averaging { schedule, engine, rounds: 12, ..Averaging::new(301, protocol) };
            let summary = run(&averaging, 3);
            summary
                .levels
                .iter()
                .map(|level| level.worst_error.statistic().most())
                .collect::<Vec<_>>()
        };
        let worst = of(Engine::Dense);
        assert_eq!(worst.len(), 13);
        if schedule == Schedule::Matching {
            // Not the nodes but the values are shuffled: the same law, after the first round other
            // pairs.
            assert_eq!(worst[..2], of(Engine::Instant)[..2]);
        } else {
            assert_eq!(worst, of(Engine::Instant), "{schedule}");
        }
    }
}

#[test]
fn two_nodes_with_5_and_10_agree_on_15() {
    let averaging = Averaging {
        aggregate: Aggregate::Sum,
        values: Values::Given(Arc::new([5.0, 10.0])),
        rounds: 1,
        schedule: Schedule::Matching,
        ..Averaging::new(2, Protocol::Spsp)
    };
    let summary = run(&averaging, 4);
    // At the start node 0 says 5 and node 1 has no weight to say anything by.
    let worst = |round: usize| summary.levels[round].worst_error.statistic().most().unwrap();
    assert_eq!((worst(0), worst(1)), (1.0, 0.0));
    // After one exchange both hold 7.5 with weight 0.5.
    use super::protocol::Protocol as _;
    let mut spsp = push_sum::PushSum::<true>::new(&[5.0, 10.0], true);
    let push = spsp.begin(0, 1);
    let reply = spsp.answer(1, 0, push).unwrap();
    spsp.settle(0, 1, reply);
    assert_eq!((spsp.state(0), spsp.state(1)), ((7.5, 0.5), (7.5, 0.5)));
}

#[test]
fn a_sum_is_found_by_weights() {
    for protocol in [Protocol::Spsp, Protocol::PushSum] {
        let averaging = Averaging {
            aggregate: Aggregate::Sum,
            rounds: 90,
            until: Some(1e-9),
            ..Averaging::new(200, protocol)
        };
        let summary = run(&averaging, 3);
        let reached = summary.reached.iter().find(|reached| reached.error == 1e-9).unwrap();
        assert_eq!(reached.rounds.total(), 3, "{protocol}");
    }
}

#[test]
fn runs_do_not_depend_on_threads_or_on_how_they_are_split() {
    for protocol in Protocol::ALL.iter().copied() {
        let mut averaging = Averaging { rounds: 8, ..Averaging::new(60, protocol) };
        averaging.faults.loss = 0.1;
        if protocol == Protocol::Ledger {
            averaging.faults.latency = (0.0, 0.3);
        }
        let of = |runs, threads| {
            let job = Job { threads, ..Job::new(&averaging, runs) };
            simulate(&job, &|_| ControlFlow::Continue(())).unwrap()
        };
        let whole = of(0..30, 1);
        assert_eq!(whole, of(0..30, 3), "{protocol}");
        let mut merged = of(17..30, 2);
        merged.merge(&of(0..17, 1)).unwrap();
        assert_eq!(whole, merged, "{protocol}");
        assert_eq!(whole.runs, 30);
    }
}

#[test]
fn what_is_stopped_keeps_what_was_done() {
    // Enough nodes for the observer to be called after each round.
    let averaging = Averaging { rounds: 9, ..Averaging::new(1 << 16, Protocol::PushPull) };
    let stop = |progress: Progress| {
        let over = progress.runs_done == 2 && progress.round == 7;
        if over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let summary = simulate(&Job::new(&averaging, 0..100), &stop).unwrap();
    assert!(summary.cancelled);
    assert_eq!(summary.runs, 2);
    let counts: Vec<u64> =
        summary.levels.iter().map(|level| level.worst_error.statistic().count()).collect();
    assert_eq!((counts[7], counts[8], counts[9]), (3, 2, 2));
}

#[test]
fn a_goal_ends_runs() {
    let averaging =
        Averaging { rounds: 1000, until: Some(1e-4), ..Averaging::new(500, Protocol::PushPull) };
    let summary = run(&averaging, 5);
    let reached = summary.reached.iter().find(|reached| reached.error == 1e-4).unwrap();
    assert_eq!(reached.rounds.total(), 5);
    assert_eq!(reached.rounds.largest().unwrap() as usize + 1, summary.levels.len());
    assert!(summary.levels.len() < 25);
}

#[test]
fn nonsense_is_refused_with_value_and_range() {
    let plain = || Averaging::new(10, Protocol::Ledger);
    let says = |averaging: &Averaging| averaging.check().unwrap_err().to_string();
    assert_eq!(
        says(&Averaging::new(1, Protocol::Ledger)),
        "nodes is 1, but must be 2 to 4294967295"
    );
    let mut lossy = plain();
    lossy.faults.loss = 1.0;
    assert_eq!(says(&lossy), "loss is 1, but must be from 0 to below 1");
    let mut late = plain();
    late.faults.latency = (0.0, 1.5);
    assert_eq!(says(&late), "overlap is 1.5, but must be from 0 to 1 (a whole round)");
    let sync = Averaging { schedule: Schedule::Synchronous, ..plain() };
    assert!(says(&sync).starts_with("schedule is synchronous, but must be"));
    let sum = Averaging { aggregate: Aggregate::Sum, ..plain() };
    assert_eq!(says(&sum), "protocol is ledger, but must be spsp or push-sum for a sum");
    let short = Averaging { values: Values::Given(Arc::new([1.0])), ..plain() };
    assert_eq!(says(&short), "the number of values is 1, but must be as many as the nodes, 10");
    let dense = Averaging { engine: Some(Engine::Dense), ..plain() };
    let error = Job::new(&dense, 0..1).bytes_needed().unwrap_err().to_string();
    assert!(error.starts_with("engine dense cannot do this"), "{error}");
    let mut crash = plain();
    crash.faults.crashes.push(Strike { share: 1.0, after: 1 });
    assert_eq!(says(&crash), "crash is 1, but must be a share above 0 and below 1");
}

#[test]
fn what_does_not_fit_memory_is_refused_before() {
    let averaging = Averaging::new(4_000_000_000, Protocol::PushPull);
    let job = Job { memory: 1 << 30, ..Job::new(&averaging, 0..1) };
    assert_eq!(job.bytes_needed().unwrap(), 32_000_000_000);
    let error = simulate(&job, &|_| ControlFlow::Continue(())).unwrap_err().to_string();
    assert!(error.contains("32000000000") && error.contains("1073741824"), "{error}");
}

#[test]
fn a_graph_in_two_parts_finds_two_means() {
    let csr = crate::graph::Csr::from_edges(4, &[(0, 1), (2, 3)]);
    let averaging = Averaging {
        topology: Topology::Graph(Arc::new(csr)),
        values: Values::Given(Arc::new([0.0, 2.0, 4.0, 6.0])),
        rounds: 3,
        ..Averaging::new(4, Protocol::Ledger)
    };
    let summary = run(&averaging, 1);
    // 1 and 5 instead of 3, for good.
    assert_eq!(summary.levels[3].mean_error.statistic().mean(), Some(2.0 / 3.0));
    assert_eq!(summary.levels[3].mass_lost.mean(), Some(0.0));
}
