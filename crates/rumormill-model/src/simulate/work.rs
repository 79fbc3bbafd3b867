//! The runs of a question, divided among threads.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, need};
use crate::graph::topology::Topology;
use crate::simulate::engine::{EngineKind, Worker};
use crate::simulate::observer::{Observer, Shared, Watch};
use crate::simulate::summary::Summary;
use crate::spread::Spread;

/// What to simulate, and with what.
#[derive(Clone, Debug)]
pub struct Job<'a> {
    /// The question.
    pub spread: &'a Spread,
    /// Who knows whom.
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
    /// One thread, any engine, no limit on memory.
    #[must_use]
    pub fn new(spread: &'a Spread, topology: &'a Topology, runs: Range<u64>, seed: u64) -> Self {
        Self { spread, topology, engine: None, runs, seed, threads: 1, memory: u64::MAX }
    }

    /// The engine that [`simulate`] would use.
    #[must_use]
    pub fn engine(&self) -> EngineKind {
        let runs = self.runs.end.saturating_sub(self.runs.start);
        self.engine.unwrap_or_else(|| {
            EngineKind::able(self.spread, self.topology, runs)
                .find(|&engine| self.bytes_needed(engine) <= self.memory)
                .unwrap_or_else(|| EngineKind::choose(self.spread, self.topology, runs))
        })
    }

    /// Runs that are worked on side by side. Threads beyond them work on the same runs.
    fn workers(&self) -> usize {
        let runs = self.runs.end.saturating_sub(self.runs.start);
        self.threads.min(usize::try_from(runs).unwrap_or(usize::MAX))
    }

    /// The memory that an engine would take for this job, on top of the topology's, in bytes.
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
        let need = self.bytes_needed(engine);
        if need > self.memory {
            let what = match self.workers() {
                1 => format!("engine {engine}"),
                workers => format!("engine {engine} with {workers} runs at a time"),
            };
            return Err(Error::Memory { what, need, limit: self.memory });
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
pub fn simulate(job: &Job<'_>, observe: &Observer<'_>) -> Result<Summary, Error> {
    job.check()?;
    let nodes = job.topology.nodes();
    let (alive, goal) = (job.spread.alive(), job.spread.goal());
    let engine = job.engine().build(job.spread, job.topology, job.seed);
    let shared = Shared::new(observe, job.runs.end - job.runs.start, goal);
    let empty = Summary::new(nodes, alive, goal);
    let desk = Desk::new(job.runs.clone(), engine.block(), job.threads);
    let threads = desk.threads_each();
    let parts = desk.divide(&shared, &empty, || Runner { worker: engine.worker(), threads });
    let mut summary = empty;
    for part in &parts {
        summary.merge(part)?;
    }
    summary.cancelled = shared.cancelled();
    Ok(summary)
}

/// A worker, and how many threads it may use.
struct Runner<'a> {
    worker: Box<dyn Worker + 'a>,
    threads: usize,
}

impl Hand<Summary> for Runner<'_> {
    fn work(
        &mut self,
        runs: Range<u64>,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        self.worker.work(runs, self.threads, summary, watch)
    }

    fn finish(&mut self, summary: &mut Summary) {
        self.worker.finish(summary);
    }
}

/// Works one block of runs after another, on one thread.
pub(crate) trait Hand<T> {
    /// Works runs and adds them up, now or at the end.
    fn work(&mut self, runs: Range<u64>, sum: &mut T, watch: &mut Watch<'_>) -> ControlFlow<()>;

    /// Adds what has not been added yet.
    fn finish(&mut self, _sum: &mut T) {}
}

impl<T, F> Hand<T> for F
where
    F: FnMut(Range<u64>, &mut T, &mut Watch<'_>) -> ControlFlow<()>,
{
    fn work(&mut self, runs: Range<u64>, sum: &mut T, watch: &mut Watch<'_>) -> ControlFlow<()> {
        self(runs, sum, watch)
    }
}

/// Hands out the blocks of runs, in parcels.
pub(crate) struct Desk {
    runs: Range<u64>,
    block: u64,
    /// Blocks in a parcel.
    size: u64,
    next: AtomicU64,
    /// The first block after the last.
    end: u64,
    threads: usize,
    workers: usize,
}

impl Desk {
    pub(crate) fn new(runs: Range<u64>, block: u64, threads: usize) -> Self {
        let (first, end) = (runs.start / block, runs.end.div_ceil(block));
        // Small enough that the threads end together, large enough not to fight for the counter.
        let size = ((end - first) / (threads as u64 * 32)).clamp(1, 256);
        let parcels = usize::try_from((end - first).div_ceil(size)).unwrap_or(usize::MAX);
        let workers = threads.min(parcels).max(1);
        Self { runs, block, size, next: AtomicU64::new(first), end, threads, workers }
    }

    /// How many threads a worker may use itself, where there are more threads than workers.
    pub(crate) fn threads_each(&self) -> usize {
        (self.threads / self.workers).max(1)
    }

    /// Has all runs worked: each thread makes a hand and gives it one block after another, with
    /// what it adds up in. Returns the threads' sums.
    pub(crate) fn divide<T, H>(
        &self,
        shared: &Shared<'_>,
        empty: &T,
        hand: impl Fn() -> H + Sync,
    ) -> Vec<T>
    where
        T: Clone + Send + Sync,
        H: Hand<T>,
    {
        let serve = || {
            let (mut hand, mut sum) = (hand(), empty.clone());
            self.serve(&mut hand, &mut sum, shared);
            hand.finish(&mut sum);
            sum
        };
        if self.workers == 1 {
            return vec![serve()];
        }
        std::thread::scope(|scope| {
            let hands: Vec<_> = (0..self.workers).map(|_| scope.spawn(serve)).collect();
            let joined = hands.into_iter().map(std::thread::ScopedJoinHandle::join);
            // A panic of a worker is a bug there: it goes on here.
            joined.map(|part| part.unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
        })
    }

    fn serve<T>(&self, hand: &mut impl Hand<T>, sum: &mut T, shared: &Shared<'_>) {
        let mut watch = Watch::new(shared);
        loop {
            let parcel = self.next.fetch_add(self.size, Ordering::Relaxed);
            if parcel >= self.end || shared.cancelled() {
                return;
            }
            for block in parcel..(parcel + self.size).min(self.end) {
                let runs = (block * self.block).max(self.runs.start)
                    ..((block + 1) * self.block).min(self.runs.end);
                if hand.work(runs, sum, &mut watch).is_break() {
                    return;
                }
            }
        }
    }
}

/// Checks what all simulations have: some runs, and some threads.
pub(crate) fn check_runs(runs: &Range<u64>, threads: usize) -> Result<(), Error> {
    let given = format!("{}..{}", runs.start, runs.end);
    need(runs.start < runs.end, "runs", given, "at least one")?;
    need((1..=4096).contains(&threads), "threads", threads, "1 to 4096")
}
