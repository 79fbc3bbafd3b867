//! The pool of workers: runs, or anything that is numbered, divided among threads.
//!
//! Where threads do not exist (`wasm32-unknown-unknown`) one worker does everything.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, need};
use crate::simulate::observer::{Shared, Watch};

/// Works each part on a thread of its own, and returns the results in the order of the parts.
pub fn in_parallel<I, T>(parts: Vec<I>, work: impl Fn(I) -> T + Sync) -> Vec<T>
where
    I: Send,
    T: Send,
{
    if parts.len() <= 1 || cfg!(target_family = "wasm") {
        return parts.into_iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let start = |part| scope.spawn(move || work(part));
        let threads: Vec<_> = parts.into_iter().map(start).collect();
        // A panic of a worker is a bug there: it goes on here.
        let join = |thread: std::thread::ScopedJoinHandle<'_, T>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(join).collect()
    })
}

/// Has `workers` threads work the numbers below `count`, each the next one that is free, until all
/// are done or one breaks off; then no further number is begun. `work` gets the worker's number,
/// from 0, and the number to work on.
///
/// Returns the first break, by the worker's number.
pub fn share<B: Send>(
    workers: usize,
    count: u64,
    work: impl Fn(usize, u64) -> ControlFlow<B> + Sync,
) -> ControlFlow<B> {
    let (next, broken) = (AtomicU64::new(0), AtomicBool::new(false));
    let serve = |worker| {
        while !broken.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            let flow = work(worker, number);
            if flow.is_break() {
                broken.store(true, Ordering::Relaxed);
                return flow;
            }
        }
        ControlFlow::Continue(())
    };
    let flows = in_parallel((0..workers).collect(), serve);
    flows.into_iter().find(ControlFlow::is_break).unwrap_or(ControlFlow::Continue(()))
}

/// One thread's part in a simulation: it works one block of runs after another.
///
/// `T` is what runs add up to, `S` what the observer is told of a run.
pub(crate) trait Worker<T, S = u64> {
    /// Works `runs`, which lie in one aligned block, with up to `threads` threads of its own, and
    /// adds each run that is complete to the sum, now or at the next [`Self::finish`]. Gives up as
    /// soon as the watch breaks off.
    fn work(
        &mut self,
        runs: Range<u64>,
        threads: usize,
        sum: &mut T,
        watch: &mut Watch<'_, S>,
    ) -> ControlFlow<()>;

    /// Adds the complete runs that are not in the sum yet.
    fn finish(&mut self, _sum: &mut T) {}
}

impl<T, S, W: Worker<T, S> + ?Sized> Worker<T, S> for Box<W> {
    fn work(
        &mut self,
        runs: Range<u64>,
        threads: usize,
        sum: &mut T,
        watch: &mut Watch<'_, S>,
    ) -> ControlFlow<()> {
        (**self).work(runs, threads, sum, watch)
    }

    fn finish(&mut self, sum: &mut T) {
        (**self).finish(sum);
    }
}

/// A function of runs, as a worker on one thread.
pub(crate) struct ByRuns<F>(pub(crate) F);

impl<T, S, F> Worker<T, S> for ByRuns<F>
where
    F: FnMut(Range<u64>, &mut T, &mut Watch<'_, S>) -> ControlFlow<()>,
{
    fn work(
        &mut self,
        runs: Range<u64>,
        _threads: usize,
        sum: &mut T,
        watch: &mut Watch<'_, S>,
    ) -> ControlFlow<()> {
        (self.0)(runs, sum, watch)
    }
}

/// The runs of a simulation, as they are divided among workers.
pub(crate) struct Desk {
    runs: Range<u64>,
    /// Runs are worked in aligned blocks of this many.
    block: u64,
    threads: usize,
}

impl Desk {
    pub(crate) fn new(runs: Range<u64>, block: u64, threads: usize) -> Self {
        Self { runs, block, threads }
    }

    /// Has all runs worked: each thread makes a worker and gives it one block after another, with
    /// what it adds up in. Returns the threads' sums.
    pub(crate) fn divide<T, S, W>(
        &self,
        shared: &Shared<'_, S>,
        empty: &T,
        worker: impl Fn() -> W + Sync,
    ) -> Vec<T>
    where
        T: Clone + Send + Sync,
        W: Worker<T, S>,
    {
        let (first, end) = (self.runs.start / self.block, self.runs.end.div_ceil(self.block));
        // Small enough that the threads end together, large enough not to fight for the counter.
        let parcel = ((end - first) / (self.threads as u64 * 32)).clamp(1, 256);
        let parcels = usize::try_from((end - first).div_ceil(parcel)).unwrap_or(usize::MAX);
        let workers = self.threads.min(parcels).max(1);
        // Where there are more threads than parcels, workers have threads of their own.
        let threads = (self.threads / workers).max(1);
        let next = AtomicU64::new(first);
        let serve = |_| {
            let (mut worker, mut sum) = (worker(), empty.clone());
            let mut watch = Watch::new(shared);
            let mut flow = ControlFlow::Continue(());
            while flow.is_continue() && !shared.cancelled() {
                let start = next.fetch_add(parcel, Ordering::Relaxed);
                if start >= end {
                    break;
                }
                flow = (start..(start + parcel).min(end)).try_for_each(|block| {
                    let runs = (block * self.block).max(self.runs.start)
                        ..((block + 1) * self.block).min(self.runs.end);
                    worker.work(runs, threads, &mut sum, &mut watch)
                });
            }
            worker.finish(&mut sum);
            sum
        };
        in_parallel((0..workers).collect(), serve)
    }
}

/// Checks what all simulations have: some runs, and some threads.
pub(crate) fn check_runs(runs: &Range<u64>, threads: usize) -> Result<(), Error> {
    let given = format!("{}..{}", runs.start, runs.end);
    need(runs.start < runs.end, "runs", given, "at least one")?;
    need((1..=4096).contains(&threads), "threads", threads, "1 to 4096")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn every_number_is_worked_once() {
        for workers in [1, 3] {
            let seen = Mutex::new(Vec::new());
            let flow = share(workers, 100, |worker, number| {
                assert!(worker < workers);
                seen.lock().unwrap().push(number);
                ControlFlow::<()>::Continue(())
            });
            let mut seen = seen.into_inner().unwrap();
            seen.sort_unstable();
            assert!(flow.is_continue() && seen.into_iter().eq(0..100));
        }
    }

    #[test]
    fn a_break_ends_the_work() {
        let done = AtomicU64::new(0);
        let flow = share(2, u64::MAX, |_, number| {
            done.fetch_add(1, Ordering::Relaxed);
            if number == 20 { ControlFlow::Break(number) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(flow, ControlFlow::Break(20));
        assert!(done.into_inner() < 1000);
    }

    #[test]
    fn parts_come_back_in_their_order() {
        assert_eq!(in_parallel(vec![3, 1, 2], |x| 2 * x), [6, 2, 4]);
        assert!(in_parallel(Vec::<u8>::new(), |x| x).is_empty());
    }
}
