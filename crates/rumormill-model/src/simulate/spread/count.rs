//! The number of informed nodes, and nothing else: the complete graph, at a cost per round that
//! hardly depends on the number of nodes.
//!
//! Each round's count is drawn from its exact law given the last: calls by a binomial draw, pushes
//! as balls thrown into bins ([`super::occupancy`]). There is no approximation in it; what is left
//! is the rounding of doubles, some 10⁻¹⁵ of each probability to 10⁹ nodes, and at 10¹⁵ nodes means
//! that are off by up to 10⁻⁸ of their standard deviation. Few nodes get their laws as tables.

mod abreast;
mod table;

use std::ops::{ControlFlow, Range};

use crate::graph::topology::Topology;
use crate::simulate::engine::{Engine, Plan};
use crate::simulate::observer::Watch;
use crate::simulate::spread::asked::{self, Asked};
use crate::simulate::spread::complete::{Complete, Level, callers};
use crate::simulate::spread::run::Run;
use crate::simulate::spread::summary::Summary;
use crate::simulate::stream::{Draws, Purpose, Stream};
use crate::simulate::work::Worker;
use crate::spread::Spread;
use abreast::{LANES, Lanes};
use table::Table;

/// A round takes about as long as this many contacts.
const WORK: u64 = 64;

/// Up to this many picks in a round the laws of the next count are kept as tables.
const TABLED: u64 = 512;

/// Runs that a thread takes at a time where there are tables: so quick are they.
const TABLED_BLOCK: u64 = 64;

/// The engine.
pub(super) struct CountEngine;

impl Engine<Asked> for CountEngine {
    fn supports(&self, Asked { spread, topology }: &Asked) -> Result<(), String> {
        let Topology::Complete(_) = topology else {
            return Err(
                "it counts informed nodes, which is enough on the complete graph only".into()
            );
        };
        asked::supports(spread)
    }

    /// Returns the tables of few nodes, and next to nothing otherwise.
    fn bytes_needed(&self, Asked { spread, .. }: &Asked, workers: usize) -> u64 {
        let complete = Complete::new(spread);
        let tables = match tabled(&complete) {
            true => {
                let outcomes = Table::most_outcomes(complete.alive, spread);
                let rows = 3 * 8 * (complete.alive + 1);
                rows + 8 * outcomes + Lanes::bytes_needed(complete.alive, outcomes)
            }
            false => 0,
        };
        (tables + 4096) * workers as u64
    }

    fn build<'a>(&self, asked: &'a Asked, seed: u64) -> Box<dyn Plan<Asked> + 'a> {
        Box::new(Count::new(&asked.spread, seed))
    }
}

fn tabled(complete: &Complete) -> bool {
    complete.alive.saturating_mul(complete.picks.max(1)) <= TABLED
}

pub(super) struct Count<'a> {
    spread: &'a Spread,
    complete: Complete,
    goal: u64,
    stream: Stream,
}

impl<'a> Count<'a> {
    pub(super) fn new(spread: &'a Spread, seed: u64) -> Self {
        let stream = Stream::new(seed, Purpose::Counts);
        Self { spread, complete: Complete::new(spread), goal: spread.goal(), stream }
    }
}

impl Plan<Asked> for Count<'_> {
    fn block(&self) -> u64 {
        if tabled(&self.complete) { TABLED_BLOCK } else { 1 }
    }

    fn worker(&self) -> Box<dyn Worker<Summary> + '_> {
        let few = tabled(&self.complete).then(|| Few {
            table: Table::new(&self.complete),
            lanes: Lanes::new(self.spread, &self.complete, self.goal),
        });
        Box::new(Counter { question: self, few, levels: Vec::new(), record: Run::default() })
    }
}

struct Counter<'a> {
    question: &'a Count<'a>,
    few: Option<Few>,
    levels: Vec<Level>,
    record: Run,
}

/// What there is for few nodes.
struct Few {
    table: Table,
    lanes: Option<Lanes>,
}

impl Worker<Summary> for Counter<'_> {
    fn work(
        &mut self,
        runs: Range<u64>,
        _threads: usize,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        let mut first = runs.start;
        while first < runs.end {
            let group = first..runs.end.min(first + LANES as u64);
            first = group.end;
            let done = self.together(&group, summary, watch)?;
            for (run, _) in group.zip(done).filter(|(_, done)| !done) {
                self.play(run, watch)?;
                summary.add(&self.record);
            }
        }
        watch.runs_done(runs.end - runs.start);
        ControlFlow::Continue(())
    }

    fn finish(&mut self, summary: &mut Summary) {
        if let Some(Few { table, lanes: Some(lanes) }) = &mut self.few {
            lanes.pass_on(table, summary);
        }
    }
}

impl Counter<'_> {
    /// Plays those of a group of runs that can be played side by side, and returns which these
    /// were.
    fn together(
        &mut self,
        group: &Range<u64>,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<(), [bool; LANES]> {
        let Count { spread, complete, stream, .. } = self.question;
        let Some(Few { table, lanes: Some(lanes) }) = &mut self.few else {
            return ControlFlow::Continue([false; LANES]);
        };
        if group.end - group.start < LANES as u64 {
            return ControlFlow::Continue([false; LANES]);
        }
        watch.worked(WORK * LANES as u64, 0, spread.origins)?;
        if lanes.full() {
            lanes.pass_on(table, summary);
        }
        ControlFlow::Continue(lanes.play((*stream, group.start), (table, complete)))
    }

    fn play(&mut self, run: u64, watch: &mut Watch<'_>) -> ControlFlow<()> {
        let Count { spread, complete, goal, stream } = self.question;
        let mut draws = stream.child(run).draws();
        let mut informed = spread.origins;
        self.record.start(informed, *goal);
        let forever = spread.stop.is_none();
        let stuck = |informed| spread.loss >= 1.0 || informed == complete.alive;
        let last = spread.last_round();
        let mut calls = callers(spread, 1);
        while self.record.rounds < last {
            if forever && (self.record.finished.is_some() || stuck(informed)) {
                break;
            }
            let round = self.record.rounds + 1;
            if spread.switches_after().is_some() {
                calls = callers(spread, round);
            }
            let messages = complete.messages(informed, calls.0, calls.1);
            informed = self.step(&mut draws, informed, calls);
            self.record.round(informed, messages);
            if self.few.is_none() {
                watch.worked(WORK, round, informed)?;
            }
        }
        watch.worked(WORK, self.record.rounds, informed)
    }

    #[inline]
    fn step(&mut self, draws: &mut Draws, informed: u64, calls: (bool, bool)) -> u64 {
        let complete = &self.question.complete;
        match &mut self.few {
            Some(Few { table, .. }) => {
                let informed = informed as u32;
                table.laws(&[informed], calls, complete).step(draws.bits(), informed).0.into()
            }
            None => complete.step(draws, informed, calls, &mut self.levels),
        }
    }
}

#[cfg(test)]
mod tests;
