//! Moving inputs with event-triggered exchange, message by message, in continuous time.
//!
//! Each node paces its exchanges by news, broadcasts its own changes and keeps to its budget, as the
//! core does; what is left out is loss, and that links open and close. The links are all pairs, or a
//! random regular graph. Nodes move masses as floats: no message is lost, so the integers of the core
//! would come to the same.

mod node;
mod run;

use std::ops::Range;

use serde::Serialize;

use crate::average::following::Following;
use crate::error::{Error, need};
use crate::simulate::average::statistic::{Banded, Statistic};
use crate::simulate::work::in_parallel;

/// Seconds that pass before errors count, at least.
const WARM: f64 = 2.0;

/// What to simulate, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Job {
    /// The question.
    #[serde(flatten)]
    pub following: Following,
    /// Seconds of a run whose errors count, after some that do not.
    pub seconds: f64,
    /// Which runs. A run's number is part of the addresses of its random numbers.
    #[serde(skip)]
    pub runs: Range<u64>,
    /// What all random choices follow from.
    pub seed: u64,
    /// How many threads, at least 1. Each has one run at a time.
    #[serde(skip)]
    pub threads: usize,
}

/// What many runs did.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// Relative errors of single nodes at random times.
    pub error: Banded,
    /// A run's mean of the squares of these errors.
    pub square: Statistic,
    /// Exchanges that a node starts in a second.
    pub exchanges: Statistic,
    /// The share of the changes that were broadcast.
    pub broadcast: Statistic,
    /// The error of a node whose exchanges rest, at most.
    pub runs: u64,
}

impl Summary {
    /// Returns the root of the mean square of the relative error of the sum.
    #[must_use]
    pub fn rms(&self) -> f64 {
        self.square.mean().unwrap_or(0.0).sqrt()
    }

    /// Returns the lag in seconds, as [`crate::exact::average::lag`] defines it.
    #[must_use]
    pub fn lag(&self, question: &Following) -> f64 {
        let own = 1.0 - 1.0 / question.nodes as f64;
        self.square.mean().unwrap_or(0.0) / (question.changes * question.step() * own)
    }

    fn merge(&mut self, other: &Self) {
        self.error.merge(&other.error);
        self.square.merge(&other.square);
        self.exchanges.merge(&other.exchanges);
        self.broadcast.merge(&other.broadcast);
        self.runs += other.runs;
    }
}

impl Job {
    /// Returns a job of 4 runs of 20 seconds on one thread.
    #[must_use]
    pub fn new(following: &Following) -> Self {
        Self { following: following.clone(), seconds: 20.0, runs: 0..4, seed: 1, threads: 1 }
    }

    /// Checks everything that [`simulate`] checks, and computes nothing.
    ///
    /// # Errors
    /// As [`simulate`].
    pub fn check(&self) -> Result<(), Error> {
        self.following.check()?;
        let seconds = self.seconds;
        need(seconds > 0.0 && seconds <= 1e6, "seconds", seconds, "above 0 and up to 1e6")?;
        need(self.runs.start < self.runs.end, "runs", 0, "at least 1")?;
        need(self.threads >= 1, "threads", self.threads, "at least 1")
    }
}

/// Works out the runs of a job. The summary depends on the question and the runs, never on the
/// threads.
///
/// # Errors
/// A setting out of range.
pub fn simulate(job: &Job) -> Result<Summary, Error> {
    job.check()?;
    let mut summary = Summary::default();
    let runs: Vec<u64> = job.runs.clone().collect();
    for block in runs.chunks(job.threads) {
        for part in in_parallel(block.to_vec(), |run| run::Run::play(job, run)) {
            summary.merge(&part?);
        }
    }
    Ok(summary)
}

#[cfg(test)]
mod tests;
