//! How a long simulation says how far it is, and is stopped.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Runs that are done.
    pub runs_done: u64,
    /// Runs asked for.
    pub runs: u64,
    /// The round that the reporting run has got to.
    pub round: u32,
    /// How many know in that run.
    pub informed: u64,
    /// How many are to know.
    pub goal: u64,
}

/// Called now and then, from any of the threads: every few million contacts, so some times a
/// second. Whoever returns `Break` stops the simulation; the runs that are done are kept.
pub type Observer<'a> = dyn Fn(Progress) -> ControlFlow<()> + Sync + 'a;

/// What all threads share.
pub(crate) struct Shared<'a> {
    observe: &'a Observer<'a>,
    runs: u64,
    goal: u64,
    done: AtomicU64,
    cancelled: AtomicBool,
}

impl<'a> Shared<'a> {
    pub(crate) fn new(observe: &'a Observer<'a>, runs: u64, goal: u64) -> Self {
        let (done, cancelled) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { observe, runs, goal, done, cancelled }
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// Contacts between two calls of the observer, on each thread.
const PACE: u64 = 1 << 22;

/// One thread's view: it counts the work and calls the observer.
pub(crate) struct Watch<'a> {
    shared: &'a Shared<'a>,
    work: u64,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(shared: &'a Shared<'a>) -> Self {
        Self { shared, work: 0 }
    }

    /// The view of another thread.
    pub(crate) fn fork(&self) -> Self {
        Self::new(self.shared)
    }

    /// Work has been done, in contacts or what takes as long. `Break`: give up this run.
    #[inline]
    pub(crate) fn worked(&mut self, contacts: u64, round: u32, informed: u64) -> ControlFlow<()> {
        self.work += contacts;
        if self.work < PACE { ControlFlow::Continue(()) } else { self.tell(round, informed) }
    }

    #[cold]
    fn tell(&mut self, round: u32, informed: u64) -> ControlFlow<()> {
        self.work = 0;
        let shared = self.shared;
        let progress = Progress {
            runs_done: shared.done.load(Ordering::Relaxed),
            runs: shared.runs,
            round,
            informed,
            goal: shared.goal,
        };
        if (shared.observe)(progress).is_break() {
            shared.cancelled.store(true, Ordering::Relaxed);
        }
        if shared.cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// These many runs are done and in the summary.
    pub(crate) fn runs_done(&mut self, runs: u64) {
        self.shared.done.fetch_add(runs, Ordering::Relaxed);
    }
}
