//! Averaging as a cell of a sweep.

use rumormill_model::compare::average::Reference;
use rumormill_model::simulate::average::statistic::Banded;
use rumormill_model::simulate::average::{self, Averaging, Job, Reached, Summary};

use crate::average::args::{Need, Settings};
use crate::average::simulate::under_way;
use crate::sweep::results::{Finding, asked, row, usual};
use crate::sweep::table::{Column, Kind, Value};
use crate::sweep::work::{Watch, Work};
use crate::term::refuse::refuse;

/// What the runs of a cell did.
pub(crate) struct Answer {
    averaging: Averaging,
    summary: Summary,
}

impl Answer {
    /// Returns the rounds until the worst node was within this error.
    fn reached(&self, error: f64) -> Option<&Reached> {
        self.summary.reached.iter().find(|reached| reached.error == error)
    }

    /// Returns the same of the goal; `None` if there is none.
    fn goal(&self) -> Option<&Reached> {
        self.averaging.until.and_then(|until| self.reached(until))
    }

    /// Returns the exact factor, where it is of what was simulated.
    fn theory(&self) -> Option<f64> {
        Reference::of(&self.averaging).filter(|theory| theory.applies).map(|theory| theory.factor)
    }
}

fn runs(reached: Option<&Reached>) -> Value {
    reached.map_or(Value::Missing, |reached| Value::whole(reached.rounds.total()))
}

fn mean(reached: Option<&Reached>) -> Value {
    Value::real(reached.map(|reached| reached.rounds.moments().mean()))
}

fn most(reached: Option<&Reached>) -> Value {
    reached.and_then(|reached| reached.rounds.largest()).map_or(Value::Missing, Value::whole)
}

fn centre(banded: &Banded) -> Value {
    Value::real(banded.statistic().mean())
}

/// All that can be listed. Errors are relative; they and the mass are those at the ends of the
/// runs.
pub(crate) const RESULTS: [Finding<Answer>; 27] = [
    asked("engine", Kind::Text, |a| {
        a.averaging.engine().map_or(Value::Missing, |engine| Value::text(engine.name()))
    }),
    usual("factor", Kind::Real, |a| Value::real(a.summary.factor.mean())),
    asked("factor_error", Kind::Real, |a| Value::real(a.summary.factor.standard_error())),
    asked("exact_factor", Kind::Real, |a| Value::real(a.theory())),
    asked("reached", Kind::Whole, |a| runs(a.goal())),
    asked("reached_mean", Kind::Real, |a| mean(a.goal())),
    asked("reached_most", Kind::Whole, |a| most(a.goal())),
    asked("runs_1e_3", Kind::Whole, |a| runs(a.reached(1e-3))),
    usual("rounds_1e_3", Kind::Real, |a| mean(a.reached(1e-3))),
    asked("rounds_1e_3_most", Kind::Whole, |a| most(a.reached(1e-3))),
    asked("runs_1e_6", Kind::Whole, |a| runs(a.reached(1e-6))),
    usual("rounds_1e_6", Kind::Real, |a| mean(a.reached(1e-6))),
    asked("rounds_1e_6_most", Kind::Whole, |a| most(a.reached(1e-6))),
    asked("runs_1e_9", Kind::Whole, |a| runs(a.reached(1e-9))),
    asked("rounds_1e_9", Kind::Real, |a| mean(a.reached(1e-9))),
    asked("rounds_1e_9_most", Kind::Whole, |a| most(a.reached(1e-9))),
    usual("mean_error", Kind::Real, |a| centre(&a.summary.end.mean_error)),
    asked("mean_error_p95", Kind::Real, |a| Value::real(a.summary.end.mean_error.quantile(0.95))),
    usual("worst_error", Kind::Real, |a| centre(&a.summary.end.worst_error)),
    asked("worst_error_p95", Kind::Real, |a| Value::real(a.summary.end.worst_error.quantile(0.95))),
    asked("worst_error_most", Kind::Real, |a| {
        Value::real(a.summary.end.worst_error.statistic().most())
    }),
    asked("end_variance", Kind::Real, |a| Value::real(a.summary.end.variance.mean())),
    usual("mass_lost", Kind::Real, |a| Value::real(a.summary.end.mass_lost.mean())),
    asked("mass_lost_least", Kind::Real, |a| Value::real(a.summary.end.mass_lost.least())),
    asked("mass_lost_most", Kind::Real, |a| Value::real(a.summary.end.mass_lost.most())),
    usual("messages", Kind::Real, |a| Value::real(a.summary.end.messages.mean())),
    asked("components", Kind::Whole, |a| {
        Value::whole(a.averaging.topology.connectivity().components)
    }),
];

/// A cell.
pub(crate) struct Cell {
    settings: Settings,
    seed: u64,
    need: Need,
}

impl Cell {
    /// Checks the settings. Graphs are made when the cell runs.
    pub(crate) fn new(settings: Settings, seed: u64) -> anyhow::Result<Self> {
        let need = settings.check(seed)?;
        Ok(Self { settings, seed, need })
    }
}

impl Work for Cell {
    fn memory(&self, threads: usize) -> u64 {
        let abreast = self.settings.runs.min(threads as u64);
        self.need.graph.saturating_add(self.need.run.saturating_mul(abreast))
    }

    fn run(
        &self,
        columns: &[Column],
        threads: usize,
        watch: &Watch<'_>,
    ) -> anyhow::Result<Option<Vec<Value>>> {
        // What all cells need together was checked before.
        let averaging = match self.settings.averaging(self.seed, u64::MAX, &|_| watch.flow()) {
            Err(_) if (watch.stop)() => return Ok(None),
            averaging => averaging?,
        };
        let job = Job { threads, ..Job::new(&averaging, 0..self.settings.runs) };
        let runs = self.settings.runs as f64;
        let summary = average::simulate(&job, &|now| {
            (watch.done)((now.runs_done as f64 + under_way(&averaging, now)) / runs);
            watch.flow()
        })
        .map_err(|error| refuse(&error))?;
        if summary.cancelled {
            return Ok(None);
        }
        Ok(Some(row(&RESULTS, columns, &Answer { averaging, summary })))
    }
}
