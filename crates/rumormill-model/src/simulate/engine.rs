//! The engines: one question, several ways to work it out.

mod binomial;
mod bit_parallel;
mod bitset;
#[cfg(test)]
mod checks;
mod complete;
mod count;
mod csr;
mod occupancy;
mod reference;

use std::ops::{ControlFlow, Range};

use crate::error::Error;
use crate::graph::topology::Topology;
use crate::simulate::observer::Watch;
use crate::simulate::run::Run;
use crate::simulate::summary::Summary;
use crate::spread::Spread;
use crate::words::words;

/// A way to work out runs.
///
/// Engines that follow nodes one by one by the addresses of `contacts.rs` give the same runs to the
/// last bit; the others give runs of the same law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// Plain and obvious, for every model: what the others are tested against.
    Reference,
    /// The number that know, and nothing else, on the complete graph.
    Count,
    /// A bit for each node, in buckets, on the complete graph.
    Bitset,
    /// Any graph, contacts in the order of the nodes.
    Csr,
    /// Many runs at once on one graph, a bit for each run.
    BitParallel,
}

words!(EngineKind {
    Reference => "reference",
    Count => "count",
    Bitset => "bitset",
    Csr => "csr",
    BitParallel => "bit-parallel",
});

/// Runs from which on it pays to work on many at once, whatever the graph (measured: at 16 runs it
/// takes 2 to 15 times as long as one by one, at 256 a third to a sixth on graphs that are not deep).
const MANY_RUNS: u64 = 128;

/// One question put to one engine. Shared by the threads.
pub(crate) trait Engine: Sync {
    /// Runs are worked in aligned blocks of this many: an engine that does 64 at once does runs
    /// 0..64 together, whichever of them are asked for, so that a run is the same in every range.
    fn block(&self) -> u64 {
        1
    }

    /// A worker for one thread, with its memory.
    fn worker(&self) -> Box<dyn Worker + '_>;
}

/// The memory of one thread.
pub(crate) trait Worker {
    /// Works `runs`, which lie in one aligned block, with up to `threads` threads of its own, and
    /// adds each run that is complete to the summary, now or at the next [`Self::finish`]. Gives up
    /// as soon as the watch says so.
    fn work(
        &mut self,
        runs: Range<u64>,
        threads: usize,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()>;

    /// Adds the complete runs that are not in the summary yet.
    fn finish(&mut self, _summary: &mut Summary) {}
}

/// What plays runs alone.
pub(crate) trait Player {
    /// Plays a run with up to `threads` threads, and takes down what it did. Gives up as soon as the
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
struct OneByOne<P> {
    player: P,
    record: Run,
}

impl<P: Player> OneByOne<P> {
    fn new(player: P) -> Self {
        Self { player, record: Run::default() }
    }
}

impl<P: Player> Worker for OneByOne<P> {
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

impl EngineKind {
    /// Whether it can do a model on a topology, and if not, what it lacks.
    ///
    /// # Errors
    /// The reason, and what to do instead.
    pub fn supports(self, spread: &Spread, topology: &Topology) -> Result<(), Error> {
        let able = match self {
            Self::Reference => reference::supports(topology),
            Self::Count => count::supports(spread, topology),
            Self::Bitset => bitset::supports(spread, topology),
            Self::BitParallel => bit_parallel::supports(spread, topology),
            Self::Csr => csr::supports(spread, topology),
        };
        able.map_err(|reason| {
            let instead = "leave the choice of the engine open, or name reference".to_owned();
            Error::Unsupported { engine: self.name(), reason, instead }
        })
    }

    /// The memory it takes on top of the topology's, in bytes, on so many threads.
    #[must_use]
    pub fn bytes_needed(self, spread: &Spread, topology: &Topology, threads: usize) -> u64 {
        match self {
            Self::Reference => reference::bytes_needed(topology, threads),
            Self::Count => count::bytes_needed(spread, threads),
            Self::Bitset => bitset::bytes_needed(spread, threads),
            Self::BitParallel => bit_parallel::bytes_needed(spread, topology, threads),
            Self::Csr => csr::bytes_needed(spread, topology, threads),
        }
    }

    /// The engines that can do a question, the fastest first.
    pub fn able(spread: &Spread, topology: &Topology, runs: u64) -> impl Iterator<Item = Self> {
        // On a deep graph rumors creep, and each run is better followed along its own front.
        let shallow = || matches!(topology, Topology::Graph(rows) if !rows.is_deep());
        let many = runs >= MANY_RUNS && shallow();
        let order = [Self::Count, Self::BitParallel, Self::Csr, Self::Bitset, Self::Reference];
        order.into_iter().filter(move |&engine| {
            (many || engine != Self::BitParallel) && engine.supports(spread, topology).is_ok()
        })
    }

    /// The engine for a question: the fastest that can do it.
    #[must_use]
    pub fn choose(spread: &Spread, topology: &Topology, runs: u64) -> Self {
        Self::able(spread, topology, runs).next().unwrap_or(Self::Reference)
    }

    pub(crate) fn build<'a>(
        self,
        spread: &'a Spread,
        topology: &'a Topology,
        seed: u64,
    ) -> Box<dyn Engine + 'a> {
        match (self, topology) {
            (Self::Reference, _) => Box::new(reference::Reference::new(spread, topology, seed)),
            (Self::Count, _) => Box::new(count::Count::new(spread, seed)),
            (Self::Bitset, _) => Box::new(bitset::Bitset::new(spread, seed)),
            (Self::BitParallel, Topology::Graph(csr)) => {
                Box::new(bit_parallel::BitParallel::new(spread, topology, csr, seed))
            }
            (Self::Csr, Topology::Graph(rows)) => {
                Box::new(csr::Sweep::new(spread, topology, rows, seed))
            }
            _ => unreachable!("refused by `supports`"),
        }
    }
}
