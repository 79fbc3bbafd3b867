//! The curve of the round model.

use std::ops::ControlFlow;

use rumormill_model::error::Error;
use rumormill_model::graph::Topology;
use rumormill_model::simulate::{Job, simulate};

use crate::{Curve, Setting};

/// Many runs of the round model.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundModel {
    /// Their mean.
    pub curve: Curve,
    /// Bounds of 90 % of the runs, by round.
    pub nine_of_ten: Vec<(f64, f64)>,
}

/// Simulates this many runs.
///
/// # Errors
/// If the setting is out of the simulator's range.
pub fn round_model(setting: Setting, runs: u64, seed: u64) -> Result<RoundModel, Error> {
    let spread = setting.spread();
    let topology = Topology::Complete(spread.nodes);
    let summary =
        simulate(&Job::new(&spread, &topology, 0..runs, seed), &|_| ControlFlow::Continue(()))?;
    // After its longest run nothing changes any more.
    let last = |round: u32, length: usize| (round as usize).min(length - 1);
    let (figures, shares) = (summary.by_round(), summary.quantiles(&[0.05, 0.95]));
    let rounds = 0..=setting.rounds;
    let informed = rounds.clone().map(|round| figures[last(round, figures.len())].informed);
    let nine_of_ten = rounds.map(|round| {
        let shares = &shares[last(round, shares.len())];
        (shares[0], shares[1])
    });
    Ok(RoundModel {
        curve: Curve { events: runs, informed: informed.collect() },
        nine_of_ten: nine_of_ten.collect(),
    })
}
