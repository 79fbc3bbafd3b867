//! The runs of averaging, divided among threads.

use std::ops::{ControlFlow, Range};

use crate::average::Averaging;
use crate::error::{Error, fits};
use crate::simulate::average::asked::Asked;
use crate::simulate::average::summary::Summary;
use crate::simulate::observer::{Report, Shared};
use crate::simulate::work::{Desk, check_runs};

/// Which runs to make, and with what.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// What to simulate.
    pub averaging: &'a Averaging,
    /// Which runs. A run's number is part of its random numbers' addresses: 0..100 is 0..50 and
    /// 50..100.
    pub runs: Range<u64>,
    /// How many threads, at least 1. Each has one run at a time.
    pub threads: usize,
    /// The most memory that the runs may take beside the graph, in bytes.
    pub memory: u64,
}

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Runs that are done.
    pub runs_done: u64,
    /// The run that reports.
    pub run: u64,
    /// The round it has got to.
    pub round: u32,
    /// The worst node's relative error in it.
    pub worst_error: f64,
}

/// Called now and then between rounds, from any of the threads: after every round of many nodes,
/// some times a second of few. Whoever returns `Break` stops the simulation; the rounds that are
/// done are kept.
pub type Observer<'a> = dyn Fn(Progress) -> ControlFlow<()> + Sync + 'a;

impl<'a> Job<'a> {
    /// Returns a job on one thread, with no limit on memory.
    #[must_use]
    pub fn new(averaging: &'a Averaging, runs: Range<u64>) -> Self {
        Self { averaging, runs, threads: 1, memory: u64::MAX }
    }

    /// Checks everything that [`simulate`] checks, and computes nothing.
    ///
    /// # Errors
    /// As [`simulate`].
    pub fn check(&self) -> Result<(), Error> {
        self.averaging.check()?;
        let engine = self.averaging.engine()?;
        check_runs(&self.runs, self.threads)?;
        fits(self.bytes_needed()?, self.memory, || {
            let (nodes, workers) = (self.averaging.nodes(), self.workers());
            format!("averaging among {nodes} nodes (engine {engine}, {workers} at a time)")
        })
    }

    fn workers(&self) -> usize {
        let runs = self.runs.end.saturating_sub(self.runs.start);
        self.threads.min(usize::try_from(runs).unwrap_or(usize::MAX)).max(1)
    }

    /// Returns the memory that the runs take beside the graph, in bytes: on all threads, at its
    /// most.
    ///
    /// # Errors
    /// If the engine asked for cannot run it.
    pub fn bytes_needed(&self) -> Result<u64, Error> {
        let engine = self.averaging.engine()?.engine();
        Ok(engine.bytes_needed(&Asked::new(self.averaging), self.workers()))
    }
}

/// Work between two reports of a thread, in nodes times rounds.
const PACE: u64 = 1 << 16;

/// Works out the runs of a job. The summary depends on the question and the runs, never on the
/// threads.
///
/// `observe` is called now and then and may stop it: then the summary says so, and holds the
/// rounds that were done.
///
/// # Errors
/// A setting out of range; an engine that does not support the question; too little memory.
pub fn simulate(job: &Job<'_>, observe: &Observer<'_>) -> Result<Summary, Error> {
    job.check()?;
    let asked = Asked::new(job.averaging);
    let plan = job.averaging.engine()?.engine().build(&asked, job.averaging.seed);
    let report = |report: Report<(u64, f64)>| {
        let Report { runs_done, round, seen: (run, worst_error) } = report;
        observe(Progress { runs_done, run, round, worst_error })
    };
    let shared = Shared::new(&report, PACE);
    let mut summary = Summary::new(job.averaging);
    let desk = Desk::new(job.runs.clone(), plan.block(), job.threads);
    for part in &desk.divide(&shared, &summary, || plan.worker()) {
        summary.merge(part)?;
    }
    summary.cancelled = shared.cancelled();
    Ok(summary)
}
