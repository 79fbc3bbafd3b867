//! Many runs at once on one graph: a node is 64 to 512 bits, one for each run.
//!
//! What is shared is the graph's memory traffic, not the chances: every run has a target of its own
//! for every contact. The picks of 64 runs for one node come as bit planes ([`choice`]): b random
//! words hold a b-bit number for each run, and a few ANDs turn them into one mask for each
//! neighbour, the runs that picked it. Then each neighbour is visited once for all runs: 8 visits
//! instead of 512 on an 8-regular graph. Runs are as independent as the bits of a random word;
//! means, variances and laws over them are those of runs made one by one.
//!
//! The bits of run r are bit r mod 64 of words drawn from a stream that belongs to r / 64, at
//! addresses made of round, node, pick and attempt. So a run is the same whatever runs beside it,
//! however many lanes there are, and with any number of threads.

mod choice;
mod lanes;
mod tally;

use std::ops::{ControlFlow, Range};

use crate::graph::csr::Csr;
use crate::graph::topology::Topology;
use crate::simulate::engine::{Engine, Plan};
use crate::simulate::observer::Watch;
use crate::simulate::spread::asked::{self, Asked};
use crate::simulate::spread::contacts::Contacts;
use crate::simulate::spread::summary::Summary;
use crate::simulate::work::{Worker, in_parallel};
use crate::spread::{Spread, Targets};
use lanes::Lanes;

/// Runs from which on it pays.
const MANY_RUNS: u64 = 128;

/// Runs in a word.
const WORD: u64 = 64;

/// Words that a node has at most: a cache line.
const MOST_WORDS: u64 = 8;

/// The largest number of candidates of a node: one more than its neighbours, if it may pick itself.
const MOST_CANDIDATES: u64 = 64;

/// The engine.
pub(super) struct BitParallelEngine;

impl Engine<Asked> for BitParallelEngine {
    fn supports(&self, Asked { spread, topology }: &Asked) -> Result<(), String> {
        let Topology::Graph(csr) = topology else {
            return Err(
                "it shares the visits to a graph's neighbours between runs; on the complete \
                        graph nothing is shared, and the engine count needs no nodes"
                    .to_owned(),
            );
        };
        if csr.directed() {
            return Err("it takes acquaintance to be mutual, and this graph is directed".to_owned());
        }
        let candidates = csr.largest_degree() + u64::from(spread.include_self);
        if candidates > MOST_CANDIDATES {
            return Err(format!(
                "a node has {candidates} to choose from, and beyond {MOST_CANDIDATES} there is nothing \
                 to share between runs"
            ));
        }
        asked::supports(spread)
    }

    /// It pays to work on many runs at once, whatever the graph (measured: at 16 runs it takes 2 to
    /// 15 times as long as one by one, at 256 a third to a sixth on graphs that are not deep). On a
    /// deep graph rumors creep, and each run is better followed along its own front.
    fn pays(&self, Asked { topology, .. }: &Asked, runs: u64) -> bool {
        runs >= MANY_RUNS && matches!(topology, Topology::Graph(rows) if !rows.is_deep())
    }

    /// Two cache lines and a mark for each node, and a third line if some are dead.
    fn bytes_needed(&self, Asked { spread, topology }: &Asked, workers: usize) -> u64 {
        let dead = u64::from(spread.alive() < topology.nodes());
        let one_run = topology.nodes() * dead;
        (topology.nodes() * ((2 + dead) * MOST_WORDS * 8 + 1) + one_run) * workers as u64
    }

    fn build<'a>(&self, asked: &'a Asked, seed: u64) -> Box<dyn Plan<Asked> + 'a> {
        match &asked.topology {
            Topology::Graph(rows) => {
                Box::new(BitParallel::new(&asked.spread, &asked.topology, rows, seed))
            }
            Topology::Complete(_) => unreachable!("refused by `supports`"),
        }
    }
}

pub(super) struct BitParallel<'a> {
    spread: &'a Spread,
    topology: &'a Topology,
    csr: &'a Csr,
    contacts: Contacts,
    seed: u64,
}

impl<'a> BitParallel<'a> {
    pub(super) fn new(spread: &'a Spread, topology: &'a Topology, csr: &'a Csr, seed: u64) -> Self {
        Self { spread, topology, csr, contacts: Contacts::new(spread), seed }
    }

    /// Returns whether a caller's picks of a round must differ.
    fn distinct(&self) -> bool {
        self.spread.targets == Targets::Distinct && self.spread.fanout > 1
    }
}

impl Plan<Asked> for BitParallel<'_> {
    fn block(&self) -> u64 {
        WORD * MOST_WORDS
    }

    fn worker(&self) -> Box<dyn Worker<Summary> + '_> {
        Box::new(self)
    }
}

impl BitParallel<'_> {
    /// Runs that lie in as few words as a power of two can hold.
    fn play(
        &self,
        runs: Range<u64>,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        let words = runs.end.div_ceil(WORD) - runs.start / WORD;
        match words {
            1 => Lanes::<1>::new(self, runs).play(summary, watch),
            2 => Lanes::<2>::new(self, runs).play(summary, watch),
            3 | 4 => Lanes::<4>::new(self, runs).play(summary, watch),
            _ => Lanes::<8>::new(self, runs).play(summary, watch),
        }
    }
}

impl Worker<Summary> for &BitParallel<'_> {
    fn work(
        &mut self,
        runs: Range<u64>,
        threads: usize,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        let words = runs.end.div_ceil(WORD) - runs.start / WORD;
        let share = words.div_ceil(threads as u64).next_power_of_two();
        if share >= words {
            return self.play(runs, summary, watch);
        }
        // Threads take words of runs each.
        let first = runs.start / WORD;
        let parts: Vec<Range<u64>> = (0..words.div_ceil(share))
            .map(|part| {
                let start = (first + part * share) * WORD;
                start.max(runs.start)..(start + share * WORD).min(runs.end)
            })
            .collect();
        let empty = Summary::new(summary.nodes, summary.alive, summary.goal);
        let watch = &*watch;
        let done = in_parallel(parts, |runs| {
            let (mut part, mut watch) = (empty.clone(), watch.fork());
            let flow = self.play(runs, &mut part, &mut watch);
            (part, flow)
        });
        let mut flow = ControlFlow::Continue(());
        for (part, ended) in done {
            // Of the same question, so that it cannot be refused.
            let merged = summary.merge(&part);
            debug_assert!(merged.is_ok());
            if ended.is_break() {
                flow = ended;
            }
        }
        flow
    }
}
