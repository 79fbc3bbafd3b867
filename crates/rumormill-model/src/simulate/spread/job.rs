//! The runs of a question, divided among threads.

use std::ops::Range;

use crate::error::{Error, fits};
use crate::graph::topology::Topology;
use crate::simulate::observer::{CONTACTS, Observer, Shared, reports};
use crate::simulate::spread::asked::Asked;
use crate::simulate::spread::engines::EngineKind;
use crate::simulate::spread::summary::Summary;
use crate::simulate::work::{Desk, check_runs};
use crate::spread::Spread;

/// What to simulate, and with what.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The question.
    pub spread: &'a Spread,
    /// The graph.
    pub topology: &'a Topology,
    /// The engine; if `None`, the fastest that can do it, of those that fit the memory.
    pub engine: Option<EngineKind>,
    /// Which runs. A run's number is part of its random numbers' addresses: 0..100 is 0..50 and
    /// 50..100.
    pub runs: Range<u64>,
    /// The seed.
    pub seed: u64,
    /// How many threads, at least 1.
    pub threads: usize,
    /// The most memory that the engine may take beside the topology, in bytes.
    pub memory: u64,
}

impl<'a> Job<'a> {
    /// Returns a job on one thread, with any engine and no limit on memory.
    #[must_use]
    pub fn new(spread: &'a Spread, topology: &'a Topology, runs: Range<u64>, seed: u64) -> Self {
        Self { spread, topology, engine: None, runs, seed, threads: 1, memory: u64::MAX }
    }

    /// Returns the engine that [`simulate`] would use.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        let runs = self.runs.end.saturating_sub(self.runs.start);
        self.engine.unwrap_or_else(|| {
            EngineKind::able(self.spread, self.topology, runs)
                .into_iter()
                .find(|&engine| self.bytes_needed(engine) <= self.memory)
                .unwrap_or_else(|| EngineKind::choose(self.spread, self.topology, runs))
        })
    }

    /// Runs that are worked on side by side. Threads beyond them work on the same runs.
    fn workers(&self) -> usize {
        let runs = self.runs.end.saturating_sub(self.runs.start);
        self.threads.min(usize::try_from(runs).unwrap_or(usize::MAX))
    }

    /// Returns the memory that an engine would take for this job, on top of the topology's, in
    /// bytes.
    #[must_use]
    pub fn bytes_needed(&self, engine: EngineKind) -> u64 {
        engine.bytes_needed(self.spread, self.topology, self.workers())
    }

    /// Checks everything that [`simulate`] checks, and computes nothing.
    ///
    /// # Errors
    /// As [`simulate`].
    pub fn check(&self) -> Result<(), Error> {
        self.spread.check_on(self.topology)?;
        check_runs(&self.runs, self.threads)?;
        let engine = self.engine();
        engine.supports(self.spread, self.topology)?;
        fits(self.bytes_needed(engine), self.memory, || match self.workers() {
            1 => format!("engine {engine}"),
            workers => format!("engine {engine} with {workers} runs at a time"),
        })
    }
}

/// Works out the runs of a job. The summary depends on the model, the topology, the seed and the
/// runs, and for engines that draw otherwise on the engine; never on the threads.
///
/// `observe` is called now and then, from any thread, and may stop it: then the summary says so,
/// and holds the runs that were done.
///
/// # Errors
/// A field out of range; an engine that cannot do the model; too little memory.
pub fn simulate(job: &Job<'_>, observe: &Observer<'_>) -> Result<Summary, Error> {
    job.check()?;
    let (alive, goal) = (job.spread.alive(), job.spread.goal());
    let asked = Asked::new(job.spread, job.topology);
    let plan = job.engine().engine().build(&asked, job.seed);
    let report = reports(observe, job.runs.end - job.runs.start, goal);
    let shared = Shared::new(&report, CONTACTS);
    let empty = Summary::new(job.spread.nodes, alive, goal);
    let desk = Desk::new(job.runs.clone(), plan.block(), job.threads);
    let parts = desk.divide(&shared, &empty, || plan.worker());
    let mut summary = empty;
    for part in &parts {
        summary.merge(part)?;
    }
    summary.cancelled = shared.cancelled();
    Ok(summary)
}
