//! Engines that play runs one by one.

use std::ops::{ControlFlow, Range};

use crate::simulate::observer::Watch;
use crate::simulate::spread::run::Run;
use crate::simulate::spread::summary::Summary;
use crate::simulate::work::Worker;

/// Plays one run at a time.
pub(crate) trait Player {
    /// Plays a run with up to `threads` threads, and records what it did. Gives up as soon as the
    /// watch says so.
    fn play(
        &mut self,
        run: u64,
        threads: usize,
        record: &mut Run,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()>;
}

/// A worker that has runs played one by one.
pub(crate) struct OneByOne<P> {
    player: P,
    record: Run,
}

impl<P: Player> OneByOne<P> {
    pub(crate) fn new(player: P) -> Self {
        Self { player, record: Run::default() }
    }
}

impl<P: Player> Worker<Summary> for OneByOne<P> {
    fn work(
        &mut self,
        runs: Range<u64>,
        threads: usize,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        for run in runs {
            self.player.play(run, threads, &mut self.record, watch)?;
            summary.add(&self.record);
            watch.runs_done(1);
        }
        ControlFlow::Continue(())
    }
}
