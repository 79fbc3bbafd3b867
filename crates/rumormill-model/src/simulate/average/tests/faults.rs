//! What loss, overlap, crashes and changes do to each protocol.

use super::*;

fn with(protocol: Protocol, nodes: u64, rounds: u32, faults: Faults) -> Averaging {
    Averaging { faults, rounds, ..Averaging::new(nodes, protocol) }
}

fn faults(loss: f64, latency: (f64, f64)) -> Faults {
    Faults { loss, latency, detection: 5, ..Faults::default() }
}

fn last(summary: &Summary) -> &Level {
    summary.levels.last().unwrap()
}

/// Returns mean rounds to [`TARGETS`], over all runs.
fn rounds_to(summary: &Summary) -> [f64; 3] {
    TARGETS.map(|error| {
        let reached = summary.reached.iter().find(|reached| reached.error == error).unwrap();
        assert_eq!(reached.rounds.total(), summary.runs, "some runs never reach {error}");
        reached.rounds.moments().mean()
    })
}

fn near(got: [f64; 3], want: [f64; 3], share: f64) {
    for (got, want) in got.into_iter().zip(want) {
        assert!((got / want - 1.0).abs() <= share, "{got} rounds, not {want}");
    }
}

#[test]
fn rounds_of_the_overlapping_protocols_are_those_of_the_prototype() {
    // 1,000 nodes, complete graph, one-way latency 0.01 to 0.1 of a round.
    let table =
        |protocol, loss| rounds_to(&run(&with(protocol, 1000, 60, faults(loss, (0.01, 0.1))), 2));
    near(table(Protocol::Spsp, 0.0), [14.0, 25.0, 37.0], 0.1);
    near(table(Protocol::Ledger, 0.0), [14.0, 26.0, 37.0], 0.1);
    // A quarter lost costs the prototype 30 rounds instead of 26 for 10⁻⁶. The 17 and the 43 are
    // not the prototype's: they are what this model gave, kept to notice a change.
    near(table(Protocol::Ledger, 0.25), [17.0, 30.0, 43.0], 0.1);
}

#[test]
fn a_bounded_view_costs_what_it_costs_the_prototype() {
    // A random 8-regular view takes 18, 36, 54 rounds if each peer is drawn afresh. The ledger
    // turns to them in rotation, which is better.
    let kind = GraphKind::RandomRegular { degree: 8 };
    let topology = kind.build(1000, 5, u64::MAX, &|_| ControlFlow::Continue(())).unwrap();
    let table = |protocol| {
        let topology = topology.clone();
        let faults = faults(0.0, (0.01, 0.1));
        rounds_to(&run(&Averaging { topology, ..with(protocol, 1000, 90, faults) }, 2))
    };
    let drawn = table(Protocol::Spsp);
    near(drawn, [18.0, 36.0, 54.0], 0.1);
    let rotated = table(Protocol::Ledger);
    assert!(rotated[2] < drawn[2] - 2.0, "{rotated:?} {drawn:?}");
}

#[test]
fn plain_spsp_leaks_under_loss_and_stays_off_for_ever() {
    let summary = run(&with(Protocol::Spsp, 1000, 60, faults(0.1, (0.01, 0.1))), 12);
    let level = last(&summary);
    // The prototype's estimates end 0.2 % off.
    let error = level.mean_error.statistic().mean().unwrap();
    assert!((1e-3..4e-3).contains(&error), "{error}");
    // All agree by then, on something wrong.
    assert!(level.variance.most().unwrap() < 1e-15);
    // A round sends 0.1 · (½ + 0.9 · ½) of the mass into nowhere: e^(−0.095) a round.
    let held = 1.0 + level.mass_lost.mean().unwrap();
    let rate = held.ln() / 60.0;
    assert!((rate + 0.095).abs() < 0.01, "{rate}");
}

#[test]
fn the_ledger_loses_nothing_whatever_is_lost() {
    for (loss, latency) in [(0.0, (0.0, 0.0)), (0.5, (0.0, 0.0)), (0.3, (0.1, 0.9))] {
        let averaging = with(Protocol::Ledger, 200, 40, faults(loss, latency));
        let summary = run(&averaging, 3);
        for level in &summary.levels {
            assert_eq!(level.mass_lost.least(), Some(0.0), "loss {loss}");
            assert_eq!(level.mass_lost.most(), Some(0.0), "loss {loss}");
        }
        let error = last(&summary).worst_error.statistic().most().unwrap();
        assert!(error < 0.1, "loss {loss}: {error}");
    }
}

#[test]
fn the_ledger_sends_again_and_push_sum_does_not() {
    let messages = |protocol| {
        let summary = run(&with(protocol, 400, 20, faults(0.2, (0.0, 0.0))), 2);
        summary.levels[1..].iter().filter_map(|level| level.messages.mean()).sum::<f64>() / 20.0
    };
    // An exchange goes on until a push and its reply both arrive, (1 − p)² of the tries, with
    // 2 − p messages each.
    let ledger = messages(Protocol::Ledger) / 400.0;
    assert!((ledger - 1.8 / 0.64).abs() < 0.05, "{ledger}");
    assert_eq!(messages(Protocol::PushSum), 400.0);
    let spsp = messages(Protocol::Spsp) / 400.0;
    assert!((spsp - 1.8).abs() < 0.02, "{spsp}");
}

#[test]
fn push_pull_that_overlaps_changes_the_sum() {
    let summary = run(&with(Protocol::PushPull, 500, 40, faults(0.0, (0.1, 0.1))), 3);
    let off = last(&summary).mass_lost.most().unwrap().abs();
    assert!((1e-5..0.1).contains(&off), "{off}");
    assert!(last(&summary).mean_error.statistic().mean().unwrap() > 1e-5);
    // Whereas what is atomic keeps it.
    let summary = run(&with(Protocol::PushPull, 500, 40, faults(0.0, (0.0, 0.0))), 3);
    assert!(last(&summary).mass_lost.most().unwrap().abs() < 1e-12);
}

#[test]
fn after_a_crash_the_ledger_finds_the_survivors_mean_and_plain_spsp_does_not() {
    for latency in [(0.0, 0.0), (0.01, 0.1)] {
        let crash = |protocol| {
            let crashes = vec![Strike { share: 0.1, after: 6 }];
            let averaging = with(protocol, 500, 60, Faults { crashes, ..faults(0.05, latency) });
            run(&averaging, 2)
        };
        let ledger = crash(Protocol::Ledger);
        let error = last(&ledger).worst_error.statistic().most().unwrap();
        assert!(error < 1e-9, "{latency:?}: {error}");
        // Until the crash is known, what the dead took is missing or too much.
        let lost = |round: usize| ledger.levels[round].mass_lost.most().unwrap();
        assert!(lost(9).abs() > 1e-6, "{}", lost(9));
        assert_eq!(lost(12), 0.0);
        // The leaps of the variance are not counted.
        assert!((0.2..0.6).contains(&ledger.factor.mean().unwrap()), "{:?}", ledger.factor.mean());
        let spsp = crash(Protocol::Spsp);
        assert!(last(&spsp).mean_error.statistic().most().unwrap() > 1e-4);
    }
}

#[test]
fn inputs_that_change_are_followed() {
    for protocol in [Protocol::Ledger, Protocol::PushPull, Protocol::PushSum] {
        let changes = vec![Strike { share: 0.25, after: 20 }];
        let averaging = with(protocol, 400, 60, Faults { changes, ..faults(0.0, (0.0, 0.0)) });
        let summary = run(&averaging, 2);
        let error = |round: usize| summary.levels[round].mean_error.statistic().mean().unwrap();
        assert!(error(20) < 2e-3, "{protocol}: {}", error(20));
        // A quarter rises by nearly 1: the mean from ½ to ¾.
        assert!(error(21) > 0.1, "{protocol}: {}", error(21));
        assert!(error(60) < 1e-6, "{protocol}: {}", error(60));
    }
}

#[test]
fn at_rest_the_masses_are_the_inputs_bit_for_bit() {
    use super::super::protocol::Protocol as _;
    // A hundred exchanges of which each loses pushes, replies and repeats, by hand.
    let inputs: Vec<f64> = (0..5).map(|i| f64::from(i) * 0.3 - 0.7).collect();
    let mut ledger = ledger::Ledger::new(&inputs);
    for i in 0..100u32 {
        let (node, peer) = (i % 5, (i * 3 + 1 + i / 7) % 5);
        if node == peer {
            continue;
        }
        let stale = ledger.begin(node, peer);
        let answer = ledger.answer(peer, node, stale).unwrap();
        let again = ledger.again(node, peer).unwrap();
        // The first reply is lost; the push comes twice more; both answers come, and the first.
        let second = ledger.answer(peer, node, again).unwrap();
        assert!(ledger.settle(node, peer, second));
        assert!(!ledger.settle(node, peer, answer));
        assert_eq!(ledger.excess(&|_| true, &inputs, 0.0), 0.0);
        assert!(ledger.awaits(node, peer).is_none());
    }
    let total: f64 = (0..5).map(|node| ledger.state(node).0).sum();
    assert!((total - inputs.iter().sum::<f64>()).abs() < 1e-15);
}
