//! How a long simulation reports its progress, and is stopped.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How far a simulated spread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Runs that are done.
    pub runs_done: u64,
    /// Runs asked for.
    pub runs: u64,
    /// The round that the reporting run has got to.
    pub round: u32,
    /// Number of informed nodes in that run.
    pub informed: u64,
    /// Number of nodes to be informed.
    pub goal: u64,
}

/// Called now and then, from any of the threads: every few million contacts, so some times a
/// second. An observer that returns `Break` stops the simulation; the runs that are done are kept.
pub type Observer<'a> = dyn Fn(Progress) -> ControlFlow<()> + Sync + 'a;

/// What one thread reports of the run that it is at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<S> {
    /// Runs that are done, on all threads.
    pub(crate) runs_done: u64,
    pub(crate) round: u32,
    pub(crate) seen: S,
}

/// What all threads share. `S` is what is reported of a run: of a spread, the number informed.
pub(crate) struct Shared<'a, S = u64> {
    observe: &'a (dyn Fn(Report<S>) -> ControlFlow<()> + Sync),
    /// Work between two reports of a thread.
    pace: u64,
    done: AtomicU64,
    cancelled: AtomicBool,
}

/// Contacts between two reports of a spread.
pub(crate) const CONTACTS: u64 = 1 << 22;

impl<'a, S> Shared<'a, S> {
    pub(crate) fn new(
        observe: &'a (dyn Fn(Report<S>) -> ControlFlow<()> + Sync),
        pace: u64,
    ) -> Self {
        Self { observe, pace, done: AtomicU64::new(0), cancelled: AtomicBool::new(false) }
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Returns what turns the reports of a spread's threads into progress for its observer.
pub(crate) fn reports<'a>(
    observe: &'a Observer<'a>,
    runs: u64,
    goal: u64,
) -> impl Fn(Report<u64>) -> ControlFlow<()> + Sync + 'a {
    move |Report { runs_done, round, seen: informed }| {
        observe(Progress { runs_done, runs, round, informed, goal })
    }
}

/// One thread's view: it counts the work and reports.
pub(crate) struct Watch<'a, S = u64> {
    shared: &'a Shared<'a, S>,
    work: u64,
}

impl<'a, S> Watch<'a, S> {
    pub(crate) fn new(shared: &'a Shared<'a, S>) -> Self {
        Self { shared, work: 0 }
    }

    /// Returns the view of another thread.
    pub(crate) fn fork(&self) -> Self {
        Self::new(self.shared)
    }

    /// Counts work, in contacts or what takes as long. `Break`: give up this run.
    #[inline]
    pub(crate) fn worked(&mut self, work: u64, round: u32, seen: S) -> ControlFlow<()> {
        self.work += work;
        if self.work < self.shared.pace {
            ControlFlow::Continue(())
        } else {
            self.report(round, seen)
        }
    }

    #[cold]
    fn report(&mut self, round: u32, seen: S) -> ControlFlow<()> {
        self.work = 0;
        let shared = self.shared;
        let runs_done = shared.done.load(Ordering::Relaxed);
        if (shared.observe)(Report { runs_done, round, seen }).is_break() {
            shared.cancelled.store(true, Ordering::Relaxed);
        }
        if shared.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Counts runs that are done and in the summary.
    pub(crate) fn runs_done(&mut self, runs: u64) {
        self.shared.done.fetch_add(runs, Ordering::Relaxed);
    }
}
