//! Many seeds of one scenario, on all processors.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use rumormill_model::simulate::work::share;
use rumormill_sim::scenario::{Outcome, Scenario, ScenarioRun};

use crate::term::exit::Usage;
use crate::term::progress::Progress;
use crate::term::signal::Interrupt;

/// The outcomes of many seeds.
pub(crate) struct Many {
    /// How many were asked for.
    pub(crate) asked: u64,
    /// Those that came to their end, by seed.
    pub(crate) outcomes: Vec<Outcome>,
}

/// Runs `runs` seeds from the first on, on `threads` threads.
pub(crate) fn run(
    first: u64,
    scenario: &(impl Fn(u64) -> anyhow::Result<Scenario> + Sync),
    runs: u64,
    threads: usize,
    interrupt: &Interrupt,
) -> anyhow::Result<Many> {
    let outcomes = Mutex::new(Vec::new());
    let progress = Progress::new(runs, "runs");
    let work = |number: u64| -> anyhow::Result<()> {
        let seed = first.wrapping_add(number);
        // What an action draws may be impossible with one seed, and not with another.
        let refused = |error| Usage(format!("with seed {seed}: {error}"));
        let mut run = ScenarioRun::new(&scenario(seed)?).map_err(refused)?;
        while run.start().is_some() || run.advance().is_some() {
            if interrupt.raised() {
                return Ok(());
            }
        }
        let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.push(run.outcome());
        progress.set(outcomes.len() as f64);
        Ok(())
    };
    let flow = share(threads, runs, |_, number| match work(number) {
        Ok(()) if interrupt.raised() => ControlFlow::Break(None),
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Some(error)),
    });
    if let ControlFlow::Break(Some(error)) = flow {
        return Err(error);
    }
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|outcome| outcome.seed);
    Ok(Many { asked: runs, outcomes })
}

impl Many {
    /// The first that failed; or the one that took longest to settle.
    pub(crate) fn worst(&self) -> Option<&Outcome> {
        let failed = self.outcomes.iter().find(|outcome| outcome.failure.is_some());
        failed.or_else(|| self.outcomes.iter().max_by_key(|outcome| outcome.settled_after))
    }

    /// Those that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.failure.is_some())
    }
}
