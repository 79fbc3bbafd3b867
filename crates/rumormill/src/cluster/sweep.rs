//! A run of a cluster as a cell of a sweep.

use std::path::PathBuf;

use rumormill_sim::scenario::{Outcome, Sample, Scenario, ScenarioRun};

use crate::cluster::file;
use crate::cluster::flags::Flags;
use crate::cluster::simulate::bytes_needed;
use crate::cluster::timeline::{least_converged, worst};
use crate::sweep::results::{Finding, asked, row, usual};
use crate::sweep::table::{Column, Kind, Value};
use crate::sweep::work::{Watch, Work};
use crate::term::exit::Usage;

/// The settings of a cell.
#[derive(clap::Args)]
pub(crate) struct Settings {
    /// A scenario, as TOML.
    #[arg(long)]
    scenario: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

/// Whether a key that is no flag may be one of the scenario itself.
pub(crate) fn in_scenario(key: &str) -> bool {
    key == "sample" || key.contains('.')
}

/// What a run did.
pub(crate) struct Answer {
    outcome: Outcome,
    seen: Seen,
}

/// What is kept of the samples of a run.
#[derive(Default)]
struct Seen {
    last: Option<Sample>,
    members: Lasting,
    aggregates: Lasting,
    events: Lasting,
    kv: Lasting,
}

/// A condition: since when it holds, and the mean share of the nodes for which it held before the
/// calm.
#[derive(Default)]
struct Lasting {
    since: Option<f64>,
    shares: f64,
    samples: u32,
}

impl Lasting {
    fn note(&mut self, at: f64, share: f64, calm: bool) {
        self.since = if share < 1.0 { None } else { self.since.or(Some(at)) };
        if !calm {
            self.shares += share;
            self.samples += 1;
        }
    }

    fn mean(&self) -> Value {
        Value::real((self.samples > 0).then(|| self.shares / f64::from(self.samples)))
    }
}

impl Seen {
    fn note(&mut self, sample: Sample, calm: f64) {
        let at = sample.at.seconds();
        let calm = at > calm;
        self.members.note(at, sample.agreed, calm);
        self.aggregates.note(at, least_converged(&sample), calm);
        if let Some(events) = sample.events {
            self.events.note(at, events.delivered, calm);
        }
        if let Some(kv) = sample.kv {
            self.kv.note(at, kv.equal, calm);
        }
        self.last = Some(sample);
    }
}

/// All that can be listed. Times are seconds of the cluster's clock; errors and widths are the
/// worst node's at the end, relative to the true sum.
pub(crate) const RESULTS: [Finding<Answer>; 27] = [
    usual("verdict", Kind::Text, |a| {
        Value::text(if a.outcome.failure.is_some() { "failed" } else { "holds" })
    }),
    asked("failure", Kind::Text, |a| {
        a.outcome
            .failure
            .as_ref()
            .map_or(Value::Missing, |failure| Value::text(failure.to_string()))
    }),
    usual("settled_after", Kind::Real, |a| {
        Value::real(a.outcome.settled_after.map(|after| after.as_secs_f64()))
    }),
    asked("seconds", Kind::Real, |a| Value::real(a.outcome.at.as_nanos() as f64 / 1e9)),
    asked("survivors", Kind::Whole, |a| Value::whole(a.outcome.survivors as u64)),
    usual("members_since", Kind::Real, |a| Value::real(a.seen.members.since)),
    usual("members_agreed", Kind::Real, |a| a.seen.members.mean()),
    usual("aggregates_since", Kind::Real, |a| Value::real(a.seen.aggregates.since)),
    usual("aggregates_converged", Kind::Real, |a| a.seen.aggregates.mean()),
    asked("events_since", Kind::Real, |a| Value::real(a.seen.events.since)),
    asked("events_delivered", Kind::Real, |a| a.seen.events.mean()),
    asked("kv_since", Kind::Real, |a| Value::real(a.seen.kv.since)),
    asked("kv_equal", Kind::Real, |a| a.seen.kv.mean()),
    usual("worst_error", Kind::Real, |a| {
        Value::real(
            a.seen.last.as_ref().and_then(|last| worst(last, |aggregate| aggregate.worst_error)),
        )
    }),
    asked("enclosure", Kind::Real, |a| {
        Value::real(a.seen.last.as_ref().and_then(|last| worst(last, |aggregate| aggregate.width)))
    }),
    asked("enclosures_checked", Kind::Whole, |a| Value::whole(a.outcome.enclosures)),
    asked("balances_checked", Kind::Whole, |a| Value::whole(a.outcome.balances)),
    usual("packets_sent", Kind::Whole, |a| Value::whole(a.outcome.counters.packets_sent)),
    asked("packets_lost", Kind::Whole, |a| Value::whole(a.outcome.counters.packets_lost)),
    asked("streams_delivered", Kind::Whole, |a| Value::whole(a.outcome.counters.streams_delivered)),
    asked("crashes", Kind::Whole, |a| Value::whole(a.outcome.counters.crashes)),
    asked("restarts", Kind::Whole, |a| Value::whole(a.outcome.counters.restarts)),
    asked("partitions", Kind::Whole, |a| Value::whole(a.outcome.counters.partitions)),
    asked("pauses", Kind::Whole, |a| Value::whole(a.outcome.counters.pauses)),
    asked("false_deaths", Kind::Whole, |a| Value::whole(a.outcome.counters.false_deaths)),
    asked("renewals", Kind::Whole, |a| Value::whole(a.outcome.counters.renewals)),
    asked("digest", Kind::Text, |a| Value::text(format!("{:016x}", a.outcome.digest))),
];

/// A cell: one run.
pub(crate) struct Cell(Scenario);

impl Cell {
    /// Reads and checks the scenario.
    pub(crate) fn new(settings: &Settings, seed: u64) -> anyhow::Result<Self> {
        let mut scenario = file::assemble(settings.scenario.as_deref(), &settings.flags)?;
        scenario.seed = seed;
        scenario.check().map_err(|error| Usage(error.to_string()))?;
        Ok(Self(scenario))
    }
}

impl Work for Cell {
    fn memory(&self, _threads: usize) -> u64 {
        bytes_needed(&self.0)
    }

    /// One run is one thread's work.
    fn run(
        &self,
        columns: &[Column],
        _threads: usize,
        watch: &Watch<'_>,
    ) -> anyhow::Result<Option<Vec<Value>>> {
        let mut run = ScenarioRun::new(&self.0)?;
        let calm = self.0.duration.0.as_secs_f64();
        let mut seen = Seen::default();
        while let Some(slice) = run.advance() {
            if (watch.stop)() {
                return Ok(None);
            }
            (watch.done)((slice.sample.at.seconds() / calm).min(0.99));
            seen.note(slice.sample, calm);
        }
        Ok(Some(row(&RESULTS, columns, &Answer { outcome: run.outcome(), seen })))
    }
}
