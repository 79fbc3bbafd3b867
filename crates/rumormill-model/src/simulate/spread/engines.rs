//! The engines for spreads by name, and which of them is the fastest for a question.

use crate::error::Error;
use crate::graph::topology::Topology;
use crate::simulate::engine::{self, Engine, Engines};
use crate::simulate::spread::asked::Asked;
use crate::simulate::spread::bit_parallel::BitParallelEngine;
use crate::simulate::spread::bitset::BitsetEngine;
use crate::simulate::spread::count::CountEngine;
use crate::simulate::spread::reference::ReferenceEngine;
use crate::simulate::spread::rows::CsrEngine;
use crate::spread::Spread;
use rumormill_proto::words;

/// An engine for spreads, by name.
///
/// Engines that follow nodes one by one by the addresses of `contacts.rs` give the same runs to the
/// last bit; the others give runs of the same law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineKind {
    /// The plain one, for every question: what the others are tested against.
    Reference,
    /// The number of informed nodes, and nothing else, on the complete graph.
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

/// The engines, the fastest first.
const ENGINES: &Engines<Asked, EngineKind> = &[
    (EngineKind::Count, &CountEngine),
    (EngineKind::BitParallel, &BitParallelEngine),
    (EngineKind::Csr, &CsrEngine),
    (EngineKind::Bitset, &BitsetEngine),
    (EngineKind::Reference, &ReferenceEngine),
];

impl EngineKind {
    /// Returns the engine itself.
    pub(crate) fn engine(self) -> &'static dyn Engine<Asked> {
        engine::find(ENGINES, self)
    }

    /// Checks that the engine can work out a spread on a graph.
    ///
    /// # Errors
    /// What it lacks, and what to do instead.
    pub fn supports(self, spread: &Spread, topology: &Topology) -> Result<(), Error> {
        let supported = self.engine().supports(&Asked::new(spread, topology));
        supported.map_err(|reason| engine::refusal(self.name(), reason))
    }

    /// Returns the memory that it takes on top of the graph's, in bytes, with this many workers.
    #[must_use]
    pub fn bytes_needed(self, spread: &Spread, topology: &Topology, workers: usize) -> u64 {
        self.engine().bytes_needed(&Asked::new(spread, topology), workers)
    }

    /// Returns the engines that can work out this many runs of a spread, the fastest first.
    pub(crate) fn able(spread: &Spread, topology: &Topology, runs: u64) -> Vec<Self> {
        engine::able(ENGINES, &Asked::new(spread, topology), runs).collect()
    }

    /// Returns the fastest engine that can work out a spread.
    #[must_use]
    pub fn choose(spread: &Spread, topology: &Topology, runs: u64) -> Self {
        Self::able(spread, topology, runs).first().copied().unwrap_or(Self::Reference)
    }
}
