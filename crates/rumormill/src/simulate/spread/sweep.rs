//! A spread as a cell of a sweep.

use std::ops::ControlFlow;

use rumormill_sim::rounds::Summary;

use super::agreement::Agreement;
use super::exact::Exact;
use super::question::Question;
use super::settings::Settings;
use super::under_way;
use crate::sweep::job::{Watch, Work};
use crate::sweep::table::{Column, Kind, Value};

/// A result: its column, whether it is listed unless others are asked for, and how it is found.
struct Result {
    name: &'static str,
    kind: Kind,
    usual: bool,
    of: fn(&Question, &Summary) -> Value,
}

const fn usual(name: &'static str, kind: Kind, of: fn(&Question, &Summary) -> Value) -> Result {
    Result { name, kind, usual: true, of }
}

const fn asked(name: &'static str, kind: Kind, of: fn(&Question, &Summary) -> Value) -> Result {
    Result { name, kind, usual: false, of }
}

fn percentile(summary: &Summary, q: f64) -> Value {
    summary.percentile(q).map_or(Value::Missing, Value::whole)
}

fn exact(question: &Question) -> Exact {
    Exact::of(question, 0)
}

/// All that can be listed. The exact figures take time of their own, so they come only when asked.
const RESULTS: [Result; 19] = [
    asked("engine", Kind::Text, |question, _| Value::text(question.engine())),
    asked("alive", Kind::Whole, |_, s| Value::whole(s.alive)),
    usual("finished", Kind::Whole, |_, s| Value::whole(s.runs - s.unfinished())),
    usual("mean", Kind::Real, |_, s| Value::real(s.mean())),
    usual("variance", Kind::Real, |_, s| Value::real(s.variance())),
    asked("least", Kind::Whole, |_, s| {
        s.finished.iter().next().map_or(Value::Missing, |(round, _)| Value::whole(round))
    }),
    usual("p50", Kind::Whole, |_, s| percentile(s, 0.5)),
    asked("p90", Kind::Whole, |_, s| percentile(s, 0.9)),
    usual("p99", Kind::Whole, |_, s| percentile(s, 0.99)),
    asked("p999", Kind::Whole, |_, s| percentile(s, 0.999)),
    asked("greatest", Kind::Whole, |_, s| {
        s.finished.largest().map_or(Value::Missing, Value::whole)
    }),
    usual("messages", Kind::Real, |_, s| Value::real(s.messages.mean())),
    asked("messages_variance", Kind::Real, |_, s| Value::real(s.messages.variance())),
    usual("residue", Kind::Real, |_, s| Value::real(s.residue_share())),
    usual("incomplete", Kind::Real, |_, s| Value::real(s.incomplete())),
    asked("exact_mean", Kind::Real, |q, _| Value::real(exact(q).law.map(|law| law.mean))),
    asked("exact_variance", Kind::Real, |q, _| Value::real(exact(q).law.map(|law| law.variance))),
    asked("exact_messages", Kind::Real, |q, _| Value::real(exact(q).messages)),
    asked("p_value", Kind::Real, |q, s| {
        let test = Agreement::of(s, &exact(q), q.last_round()).finishing;
        Value::real(test.map(|test| test.p_value))
    }),
];

/// The columns there are, and whether each is usual.
pub(crate) fn columns() -> Vec<(Column, bool)> {
    RESULTS.iter().map(|result| (Column::new(result.name, result.kind), result.usual)).collect()
}

/// A cell.
pub(crate) struct Cell {
    settings: Settings,
    seed: u64,
    memory: u64,
}

impl Cell {
    /// Checks the settings. Graphs are made when the cell runs.
    pub(crate) fn new(settings: Settings, seed: u64) -> anyhow::Result<Self> {
        let memory = Question::check(&settings)?;
        Ok(Self { settings, seed, memory })
    }
}

impl Work for Cell {
    fn memory(&self) -> u64 {
        self.memory
    }

    fn run(
        &self,
        columns: &[Column],
        threads: usize,
        watch: &Watch<'_>,
    ) -> anyhow::Result<Option<Vec<Value>>> {
        let stop =
            || if (watch.stop)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        // What all cells need together was checked before.
        let machine = (threads, u64::MAX);
        let question = Question::new(&self.settings, self.seed, machine, &|_| stop());
        let question = match question {
            Err(_) if (watch.stop)() => return Ok(None),
            question => question?,
        };
        let runs = self.settings.runs as f64;
        let summary = question.answer(&|now| {
            (watch.done)((now.runs_done as f64 + under_way(now)) / runs);
            stop()
        })?;
        if summary.cancelled {
            return Ok(None);
        }
        let value = |column: &Column| {
            let result = RESULTS.iter().find(|result| result.name == column.name);
            result.map_or(Value::Missing, |result| (result.of)(&question, &summary))
        };
        Ok(Some(columns.iter().map(value).collect()))
    }
}
