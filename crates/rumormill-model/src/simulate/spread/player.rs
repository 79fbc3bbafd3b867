//! Engines that play runs one by one.

use std::ops::{ControlFlow, Range};

use crate::simulate::observer::Watch;
use crate::simulate::spread::run::Run;
use crate::simulate::spread::summary::Summary;
use crate::simulate::work::Worker;

/// A worker that has each run played by a function: from the run's number, with up to that many
/// threads, into a record. It gives up as soon as the watch breaks off.
pub(crate) struct OneByOne<F> {
    play: F,
    record: Run,
}

impl<F> OneByOne<F>
where
    F: FnMut(u64, usize, &mut Run, &mut Watch<'_>) -> ControlFlow<()>,
{
    pub(crate) fn new(play: F) -> Self {
        Self { play, record: Run::default() }
    }
}

impl<F> Worker<Summary> for OneByOne<F>
where
    F: FnMut(u64, usize, &mut Run, &mut Watch<'_>) -> ControlFlow<()>,
{
    fn work(
        &mut self,
        runs: Range<u64>,
        threads: usize,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        for run in runs {
            (self.play)(run, threads, &mut self.record, watch)?;
            summary.add(&self.record);
            watch.runs_done(1);
        }
        ControlFlow::Continue(())
    }
}
