//! The runs of a question, divided among threads.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};

use super::engine::{Engine, EngineKind};
use super::error::{RoundsError, need};
use super::graph::Topology;
use super::model::SpreadModel;
use super::summary::Summary;
use super::watch::{Observer, Shared, Watch};

/// What to simulate, and with what.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The question.
    pub model: &'a SpreadModel,
    /// Who knows whom.
    pub topology: &'a Topology,
    /// The engine; [`EngineKind::choose`] chooses if `None`.
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
    /// One thread, any engine, no limit on memory.
    #[must_use]
    pub fn new(
        model: &'a SpreadModel,
        topology: &'a Topology,
        runs: Range<u64>,
        seed: u64,
    ) -> Self {
        Self { model, topology, engine: None, runs, seed, threads: 1, memory: u64::MAX }
    }

    /// The engine that [`simulate`] would use.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        let runs = self.runs.end.saturating_sub(self.runs.start);
        self.engine.unwrap_or_else(|| EngineKind::choose(self.model, self.topology, runs))
    }

    /// Checks everything that [`simulate`] checks, and computes nothing.
    ///
    /// # Errors
    /// As [`simulate`].
    pub fn check(&self) -> Result<(), RoundsError> {
        self.model.check(self.topology)?;
        let runs = format!("{}..{}", self.runs.start, self.runs.end);
        need(self.runs.start < self.runs.end, "runs", runs, "at least one")?;
        need((1..=4096).contains(&self.threads), "threads", self.threads, "1 to 4096")?;
        let engine = self.engine();
        engine.supports(self.model, self.topology)?;
        let need = engine.bytes_needed(self.model, self.topology, self.threads);
        if need > self.memory {
            let what = format!("engine {engine} on {} threads", self.threads);
            return Err(RoundsError::Memory { what, need, limit: self.memory });
        }
        Ok(())
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
pub fn simulate(job: &Job<'_>, observe: &Observer<'_>) -> Result<Summary, RoundsError> {
    job.check()?;
    let nodes = job.topology.nodes();
    let (alive, goal) = (job.model.alive(nodes), job.model.goal(nodes));
    let engine = job.engine().build(job.model, job.topology, job.seed);
    let shared = Shared::new(observe, job.runs.end - job.runs.start, goal);
    let desk = Desk::new(job, engine.block());
    let empty = Summary::new(nodes, alive, goal);
    let workers = job.threads.min(usize::try_from(desk.parcels()).unwrap_or(usize::MAX)).max(1);
    let inner = (job.threads / workers).max(1);
    let mut summary = empty.clone();
    if workers == 1 {
        desk.serve(engine.as_ref(), inner, &mut summary, &shared);
    } else {
        let parts = std::thread::scope(|scope| {
            let hands: Vec<_> = (0..workers)
                .map(|_| {
                    scope.spawn(|| {
                        let mut part = empty.clone();
                        desk.serve(engine.as_ref(), inner, &mut part, &shared);
                        part
                    })
                })
                .collect();
            hands.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for part in parts {
            // A panic of a worker is a bug there: it goes on here.
            let part = part.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            summary.merge(&part)?;
        }
    }
    summary.cancelled = shared.cancelled();
    Ok(summary)
}

/// Hands out the blocks of runs, in parcels.
struct Desk {
    runs: Range<u64>,
    block: u64,
    /// Blocks in a parcel.
    size: u64,
    next: AtomicU64,
    /// The first block after the last.
    end: u64,
    first: u64,
}

impl Desk {
    fn new(job: &Job<'_>, block: u64) -> Self {
        let (first, end) = (job.runs.start / block, job.runs.end.div_ceil(block));
        // Small enough that the threads end together, large enough not to fight for the counter.
        let size = ((end - first) / (job.threads as u64 * 32)).clamp(1, 256);
        Self { runs: job.runs.clone(), block, size, next: AtomicU64::new(first), end, first }
    }

    fn parcels(&self) -> u64 {
        (self.end - self.first).div_ceil(self.size)
    }

    fn serve(
        &self,
        engine: &dyn Engine,
        threads: usize,
        summary: &mut Summary,
        shared: &Shared<'_>,
    ) {
        let mut worker = engine.worker();
        let mut watch = Watch::new(shared);
        loop {
            let parcel = self.next.fetch_add(self.size, Ordering::Relaxed);
            if parcel >= self.end || shared.cancelled() {
                return;
            }
            for block in parcel..(parcel + self.size).min(self.end) {
                let runs = (block * self.block).max(self.runs.start)
                    ..((block + 1) * self.block).min(self.runs.end);
                if let ControlFlow::Break(()) = worker.work(runs, threads, summary, &mut watch) {
                    return;
                }
            }
        }
    }
}
