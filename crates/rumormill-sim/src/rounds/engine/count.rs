//! The number that know, and nothing else: the complete graph, at a cost per round that hardly
//! depends on the number of nodes.
//!
//! Each round's count is drawn from its exact law given the last: calls by a binomial draw, pushes
//! as balls thrown into bins ([`super::occupancy`]). There is no approximation in it; what is left is
//! the rounding of doubles, some 10⁻¹⁵ of each probability to 10⁹ nodes, and at 10¹⁵ nodes means
//! that are off by up to 10⁻⁸ of their standard deviation. Few nodes get their laws as tables.

mod table;

use std::ops::{ControlFlow, Range};

use super::complete::{Complete, Level, callers, steady};
use super::{Engine, Worker};
use crate::rounds::graph::Topology;
use crate::rounds::model::{SpreadModel, StopRule};
use crate::rounds::run::Run;
use crate::rounds::stream::{Draws, Purpose, Stream};
use crate::rounds::summary::Summary;
use crate::rounds::watch::Watch;
use table::Table;

/// A round takes about as long as this many contacts.
const WORK: u64 = 64;

/// Up to this many picks in a round the laws of the next count are kept as tables.
const TABLED: u64 = 512;

pub(super) fn supports(model: &SpreadModel, topology: &Topology) -> Result<(), String> {
    let Topology::Complete(_) = topology else {
        return Err("it counts those that know, which says all on the complete graph only".into());
    };
    super::complete::supports(model)
}

/// The tables of few nodes, and next to nothing otherwise.
pub(super) fn bytes_needed(model: &SpreadModel, topology: &Topology, threads: usize) -> u64 {
    let complete = Complete::new(topology.nodes(), model);
    let tables = if tabled(&complete) { 3 * 8 * complete.alive.pow(2) } else { 0 };
    (tables + 4096) * threads as u64
}

fn tabled(complete: &Complete) -> bool {
    complete.alive.saturating_mul(complete.picks.max(1)) <= TABLED
}

pub(super) struct Count<'a> {
    model: &'a SpreadModel,
    complete: Complete,
    goal: u64,
    stream: Stream,
}

impl<'a> Count<'a> {
    pub(super) fn new(model: &'a SpreadModel, topology: &Topology, seed: u64) -> Self {
        let nodes = topology.nodes();
        let stream = Stream::new(seed, Purpose::Counts);
        Self { model, complete: Complete::new(nodes, model), goal: model.goal(nodes), stream }
    }
}

impl Engine for Count<'_> {
    fn worker(&self) -> Box<dyn Worker + '_> {
        let table = tabled(&self.complete).then(|| Table::new(&self.complete));
        Box::new(Counter { question: self, table, levels: Vec::new(), record: Run::default() })
    }
}

struct Counter<'a> {
    question: &'a Count<'a>,
    table: Option<Table>,
    levels: Vec<Level>,
    record: Run,
}

impl Worker for Counter<'_> {
    fn work(
        &mut self,
        runs: Range<u64>,
        _threads: usize,
        summary: &mut Summary,
        watch: &mut Watch<'_>,
    ) -> ControlFlow<()> {
        for run in runs {
            self.play(run, watch)?;
            summary.add(&self.record);
            watch.runs_done(1);
        }
        ControlFlow::Continue(())
    }
}

impl Counter<'_> {
    fn play(&mut self, run: u64, watch: &mut Watch<'_>) -> ControlFlow<()> {
        let Count { model, complete, goal, stream } = self.question;
        let mut draws = stream.child(run).draws();
        let mut informed = model.origins;
        self.record.start(informed, *goal);
        let forever = model.stop == StopRule::Never;
        let stuck = |informed| model.loss >= 1.0 || informed == complete.alive;
        let last = model.last_round();
        let mut calls = callers(model, 1);
        while self.record.rounds < last {
            if forever && (self.record.finished.is_some() || stuck(informed)) {
                break;
            }
            let round = self.record.rounds + 1;
            if !steady(model.style) {
                calls = callers(model, round);
            }
            let messages = complete.messages(informed, calls.0, calls.1);
            informed = self.step(&mut draws, informed, calls);
            self.record.round(informed, messages);
            if self.table.is_none() {
                watch.worked(WORK, round, informed)?;
            }
        }
        watch.worked(WORK, self.record.rounds, informed)
    }

    #[inline]
    fn step(&mut self, draws: &mut Draws, informed: u64, calls: (bool, bool)) -> u64 {
        let complete = &self.question.complete;
        match &mut self.table {
            Some(table) => table.step(draws.bits(), informed, calls, complete),
            None => complete.step(draws, informed, calls, &mut self.levels),
        }
    }
}
