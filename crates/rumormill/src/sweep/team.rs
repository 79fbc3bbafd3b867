//! Cells at work, side by side.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use rumormill_model::simulate::work::share;

use crate::sweep::table::{Column, Value};
use crate::sweep::work::{Watch, Work};
use crate::term::exit::Usage;
use crate::term::machine;
use crate::term::progress::Progress;
use crate::term::signal::Interrupt;

/// A cell by its number.
type Cell = (usize, Box<dyn Work>);

/// Refuses cells that do not fit the memory.
pub(crate) fn check(machine: &machine::Machine, cells: &[Cell]) -> Result<(), Usage> {
    machine.check("the largest cell", largest(cells, 1))
}

/// Returns the bytes that the largest cell needs on this number of threads.
fn largest(cells: &[Cell], threads: usize) -> u64 {
    cells.iter().map(|(_, work)| work.memory(threads)).max().unwrap_or(0)
}

/// Runs cells in parallel, and hands over each result as it comes, until all are done or a signal
/// comes.
pub(crate) fn work(
    machine: &machine::Machine,
    columns: &[Column],
    cells: &[Cell],
    before: usize,
    interrupt: &Interrupt,
    finished: &mut (dyn FnMut(usize, Vec<Value>) -> anyhow::Result<()> + Send),
) -> anyhow::Result<()> {
    if cells.is_empty() {
        return Ok(());
    }
    let (abreast, each) = shares(machine, cells)?;
    let progress = Progress::new((before + cells.len()) as u64, "cells");
    // The share done of the cells under way, and how many are finished.
    let shares = Mutex::new((vec![0.0; abreast], before));
    let tell = |worker: usize, share: f64, finished: usize| {
        let mut state = shares.lock().unwrap_or_else(PoisonError::into_inner);
        state.0[worker] = share;
        state.1 += finished;
        let done = state.0.iter().sum::<f64>() + state.1 as f64;
        drop(state);
        progress.set(done);
    };
    let failed = AtomicBool::new(false);
    let stop = || failed.load(Ordering::Relaxed) || interrupt.raised();
    let finished = Mutex::new(finished);
    let run = |worker, (cell, work): &Cell| -> anyhow::Result<()> {
        let watch = Watch { done: &|share| tell(worker, share, 0), stop: &stop };
        let row = work.run(columns, each, &watch);
        if let Some(row) = row.with_context(|| format!("cell {cell} failed"))? {
            tell(worker, 0.0, 1);
            finished.lock().unwrap_or_else(PoisonError::into_inner)(*cell, row)?;
        }
        Ok(())
    };
    let flow =
        share(abreast, cells.len() as u64, |worker, at| match run(worker, &cells[at as usize]) {
            Ok(()) if interrupt.raised() => ControlFlow::Break(Ok(())),
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed.store(true, Ordering::Relaxed);
                ControlFlow::Break(Err(error))
            }
        });
    flow.break_value().unwrap_or(Ok(()))
}

/// Returns how many cells run side by side, and on how many threads each, so that the largest of
/// them fit the memory together.
fn shares(machine: &machine::Machine, cells: &[Cell]) -> Result<(usize, usize), Usage> {
    check(machine, cells)?;
    let (alone, limit, threads) = (largest(cells, 1), machine.limit(), machine.threads());
    let fit = usize::try_from(limit / alone.max(1)).unwrap_or(usize::MAX).max(1);
    let abreast = threads.min(cells.len()).min(fit);
    let fits = |each: &usize| largest(cells, *each).saturating_mul(abreast as u64) <= limit;
    Ok((abreast, (1..=threads / abreast).rev().find(fits).unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs this much, and half of it for each thread beyond the first.
    struct Needs(u64);

    impl Work for Needs {
        fn memory(&self, threads: usize) -> u64 {
            self.0 + (threads as u64 - 1) * self.0 / 2
        }

        fn run(&self, _: &[Column], _: usize, _: &Watch<'_>) -> anyhow::Result<Option<Vec<Value>>> {
            Ok(None)
        }
    }

    #[test]
    fn cells_and_threads_fit_the_memory_together() {
        let mib = 1 << 20;
        let share = |cells: usize, need: u64| {
            let machine = machine::Machine::of(8, 100 * mib);
            let cells: Vec<Cell> = (0..cells)
                .map(|cell| (cell, Box::new(Needs(need * mib)) as Box<dyn Work>))
                .collect();
            shares(&machine, &cells)
        };
        // Little memory each: a thread for each cell, or all threads for the only one.
        assert_eq!(share(20, 1).ok(), Some((8, 1)));
        assert_eq!(share(1, 1).ok(), Some((1, 8)));
        assert_eq!(share(3, 1).ok(), Some((3, 2)));
        // Two fit; with a second thread each they would not.
        assert_eq!(share(20, 40).ok(), Some((2, 1)));
        // One fits with two more threads, which take as much again.
        assert_eq!(share(1, 50).ok(), Some((1, 3)));
        assert!(share(1, 101).is_err_and(|error| error.to_string().contains("101.0 MiB")));
    }
}
