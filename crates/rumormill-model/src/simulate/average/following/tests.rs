use super::*;
use crate::exact::average::lag::{Lag, lag};

fn both(question: &Following, seconds: f64) -> (Summary, Lag) {
    let job = Job { seconds, runs: 0..2, threads: 2, ..Job::new(question) };
    (simulate(&job).unwrap(), lag(question).unwrap())
}

/// The formula and the simulation agree within a fifth of the error (so within two fifths of the lag),
/// where the broadcasts are well within the budget or beyond it.
#[test]
fn the_formula_agrees_with_the_simulation() {
    let mut compared = 0;
    for latency in [0.0002, 0.002, 0.02] {
        for nodes in [2, 5, 17, 30, 200, 1000] {
            for changes in [0.1, 1.0, 10.0] {
                for budget in [20.0, 100.0, 500.0] {
                    let question = Following { changes, budget, latency, ..Following::new(nodes) };
                    let demand = changes * question.degree() as f64 / budget;
                    // Between the two, chance decides which of both happens.
                    let large = nodes == 1000 && (latency > 0.0002 || budget > 100.0);
                    if (0.5..1.2).contains(&demand) || large {
                        continue;
                    }
                    // Many changes, but no more exchanges than a test has time for.
                    let seconds = 1f64.max(1500.0 / changes / nodes as f64);
                    let (simulated, predicted) = both(&question, seconds);
                    let ratio = predicted.rms / simulated.rms();
                    assert!((0.8..1.25).contains(&ratio), "{question:?}: {ratio}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 100, "{compared}");
}
