//! How many cycles averaging takes, schedule by schedule.

use serde::Serialize;

use crate::average::Schedule;
use crate::error::Error;
use crate::exact::average::{cycles_needed, random_pair_cycles};

/// How fast a schedule contracts on the complete graph, and how long that takes to suffice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Cycles {
    /// When nodes start exchanges.
    pub schedule: Schedule,
    /// The factor by which a cycle shrinks the mean of S.
    pub factor: f64,
    /// Cycles that suffice, by Markov's inequality.
    pub cycles: u64,
    /// The same by the second moment of S, where it is known.
    pub cycles_second_moment: Option<u64>,
    /// What a cycle is, in words.
    pub cycle: &'static str,
}

impl Cycles {
    /// Returns the cycles until S = Σ (x − x̄)² is at most ε² of its start, except with probability
    /// δ. The second moment is that of values with no outlier.
    ///
    /// # Errors
    /// If there are fewer than 2 nodes or more than 10¹⁵, or `epsilon` or `delta` is not in (0, 1).
    pub fn of(schedule: Schedule, nodes: u64, epsilon: f64, delta: f64) -> Result<Self, Error> {
        let factor = schedule.factor(nodes)?;
        let cycles = cycles_needed(factor, epsilon, delta)?;
        let kurtosis = (3.0 / nodes as f64).min(1.0);
        let cycles_second_moment = match schedule {
            Schedule::RandomPair => Some(random_pair_cycles(nodes, epsilon, delta, kurtosis)?),
            _ => None,
        };
        let cycle = match schedule {
            Schedule::RandomPair => "n exchanges of uniform pairs: exact",
            Schedule::Shuffled => "each node once, shuffled (SPSP with atomic exchanges): exact",
            Schedule::Fixed => "each node once, in a fixed order: limit of many nodes",
            Schedule::Matching => "one matching (for odd n, one node is idle): exact",
            Schedule::Synchronous => {
                "push-sum, each node keeps half, sends half: exact for the masses; estimates shrink \
                 less"
            }
            Schedule::Asynchronous => "n exchanges on average, by Poisson clocks: exact",
        };
        Ok(Self { schedule, factor, cycles, cycles_second_moment, cycle })
    }
}
