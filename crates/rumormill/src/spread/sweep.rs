//! A spread as a cell of a sweep.

use std::cell::OnceCell;

use rumormill_model::compare::agreement::Agreement;
use rumormill_model::compare::answer::Exact;
use rumormill_model::simulate::Summary;

use crate::spread::args::Settings;
use crate::spread::question::{Question, under_way};
use crate::sweep::results::{Finding, asked, row, usual};
use crate::sweep::table::{Column, Kind, Value};
use crate::sweep::work::{Watch, Work};

/// What the runs of a cell did.
pub(crate) struct Answer {
    question: Question,
    summary: Summary,
    /// Exact values take time, so they are computed only for the columns that need them.
    exact: OnceCell<Exact>,
}

impl Answer {
    fn exact(&self) -> &Exact {
        self.exact.get_or_init(|| self.question.exact(0))
    }

    fn percentile(&self, q: f64) -> Value {
        self.summary.percentile(q).map_or(Value::Missing, Value::whole)
    }
}

/// All that can be listed.
pub(crate) const RESULTS: [Finding<Answer>; 19] = [
    asked("engine", Kind::Text, |a| Value::text(a.question.engine())),
    asked("alive", Kind::Whole, |a| Value::whole(a.summary.alive)),
    usual("finished", Kind::Whole, |a| Value::whole(a.summary.runs - a.summary.unfinished())),
    usual("mean", Kind::Real, |a| Value::real(a.summary.mean())),
    usual("variance", Kind::Real, |a| Value::real(a.summary.variance())),
    asked("least", Kind::Whole, |a| {
        let least = a.summary.finished.iter().next();
        least.map_or(Value::Missing, |(round, _)| Value::whole(round))
    }),
    usual("p50", Kind::Whole, |a| a.percentile(0.5)),
    asked("p90", Kind::Whole, |a| a.percentile(0.9)),
    usual("p99", Kind::Whole, |a| a.percentile(0.99)),
    asked("p999", Kind::Whole, |a| a.percentile(0.999)),
    asked("greatest", Kind::Whole, |a| {
        a.summary.finished.largest().map_or(Value::Missing, Value::whole)
    }),
    usual("messages", Kind::Real, |a| Value::real(a.summary.messages.mean())),
    asked("messages_variance", Kind::Real, |a| Value::real(a.summary.messages.variance())),
    usual("residue", Kind::Real, |a| Value::real(a.summary.residue_share())),
    usual("incomplete", Kind::Real, |a| Value::real(a.summary.incomplete())),
    asked("exact_mean", Kind::Real, |a| Value::real(a.exact().law.as_ref().map(|law| law.mean))),
    asked("exact_variance", Kind::Real, |a| {
        Value::real(a.exact().law.as_ref().map(|law| law.variance))
    }),
    asked("exact_messages", Kind::Real, |a| Value::real(a.exact().messages)),
    asked("p_value", Kind::Real, |a| {
        let test = Agreement::of(&a.summary, a.exact(), a.question.last_round()).finishing;
        Value::real(test.map(|test| test.p_value))
    }),
];

/// A cell.
pub(crate) struct Cell {
    settings: Settings,
    seed: u64,
}

impl Cell {
    /// Checks the settings. Graphs are made when the cell runs.
    pub(crate) fn new(settings: Settings, seed: u64) -> anyhow::Result<Self> {
        Question::check(&settings, 1)?;
        Ok(Self { settings, seed })
    }
}

impl Work for Cell {
    fn memory(&self, threads: usize) -> u64 {
        // It was checked before.
        Question::check(&self.settings, threads).unwrap_or(u64::MAX)
    }

    fn run(
        &self,
        columns: &[Column],
        threads: usize,
        watch: &Watch<'_>,
    ) -> anyhow::Result<Option<Vec<Value>>> {
        // What all cells need together was checked before.
        let machine = (threads, u64::MAX);
        let question = Question::new(&self.settings, self.seed, machine, &|_| watch.flow());
        let question = match question {
            Err(_) if (watch.stop)() => return Ok(None),
            question => question?,
        };
        let runs = self.settings.runs as f64;
        let summary = question.answer(&|now| {
            (watch.done)((now.runs_done as f64 + under_way(now)) / runs);
            watch.flow()
        })?;
        if summary.cancelled {
            return Ok(None);
        }
        let answer = Answer { question, summary, exact: OnceCell::new() };
        Ok(Some(row(&RESULTS, columns, &answer)))
    }
}
