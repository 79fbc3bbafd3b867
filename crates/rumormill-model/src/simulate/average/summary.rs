//! What many runs did: the same whatever the order, the threads and the shards.

use serde::{Deserialize, Serialize};

use crate::average::{Averaging, Faults, Schedule};
use crate::error::Error;
use crate::simulate::average::measure::Moment;
use crate::simulate::average::statistic::{Banded, Statistic};
use crate::simulate::histogram::Counts;

/// Relative errors whose rounds are always counted.
pub const TARGETS: [f64; 3] = [1e-3, 1e-6, 1e-9];

/// Rounds that a fixed order takes to leave its mark: which place a node has says how close it is.
const SETTLING: u32 = 8;

/// All runs at one round.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Level {
    /// The mean node's relative error.
    pub mean_error: Banded,
    /// The worst node's relative error.
    pub worst_error: Banded,
    /// [`Moment::variance`].
    pub variance: Statistic,
    /// The variance over that of the round before, where that means something.
    pub factor: Statistic,
    /// [`Moment::mass_lost`].
    pub mass_lost: Statistic,
    /// Messages sent in the round.
    pub messages: Statistic,
}

impl Level {
    fn add(&mut self, moment: &Moment, messages: u64) {
        self.mean_error.add(moment.mean_error);
        self.worst_error.add(moment.worst_error);
        self.variance.add(moment.variance);
        self.mass_lost.add(moment.mass_lost);
        self.messages.add(messages as f64);
    }

    fn merge(&mut self, other: &Self) {
        self.mean_error.merge(&other.mean_error);
        self.worst_error.merge(&other.worst_error);
        self.variance.merge(&other.variance);
        self.factor.merge(&other.factor);
        self.mass_lost.merge(&other.mass_lost);
        self.messages.merge(&other.messages);
    }
}

/// When runs first had all nodes this close.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reached {
    /// The worst node's relative error is at most this.
    pub error: f64,
    /// Runs by the first round after which that was so.
    pub rounds: Counts,
}

/// What many runs of one simulation did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of nodes.
    pub nodes: u64,
    /// Runs that were made to their end.
    pub runs: u64,
    /// Whether it was stopped before its end.
    pub cancelled: bool,
    /// By round; the first is the start. Runs that ended earlier are not in it.
    pub levels: Vec<Level>,
    /// The runs that were made to their end, at their last rounds, which differ if runs end at a
    /// goal; `messages` are those of the whole run, and `factor` is empty.
    pub end: Level,
    /// When runs first were as close as [`TARGETS`] and as the goal asks.
    pub reached: Vec<Reached>,
    /// The variance factors of all rounds together, except those in which nodes crash, are found
    /// to have, or get other inputs: the variance leaps then. Of a fixed order, without the first
    /// rounds.
    pub factor: Statistic,
    skip: u32,
    /// The rounds that the variance leaps in.
    leaps: Vec<u32>,
}

/// What the summary needs to know of a run under way.
pub(super) struct Record {
    last: Moment,
    round: u32,
    /// Messages of all rounds so far.
    messages: u64,
    /// The smallest worst error so far.
    closest: f64,
}

impl Record {
    pub(super) fn start(start: Moment) -> Self {
        Self { last: start, round: 0, messages: 0, closest: f64::INFINITY }
    }

    pub(super) fn last(&self) -> &Moment {
        &self.last
    }
}

/// Returns the rounds, from 1, that begin with something that strikes.
fn leaps(faults: &Faults) -> Vec<u32> {
    let changes = faults.changes.iter().map(|strike| strike.after);
    let crashes = faults.crashes.iter();
    let crashes =
        crashes.flat_map(|strike| [strike.after, strike.after.saturating_add(faults.detection)]);
    changes.chain(crashes).map(|after| after.saturating_add(1)).collect()
}

impl Summary {
    /// Returns a summary of no runs.
    #[must_use]
    pub fn new(averaging: &Averaging) -> Self {
        let mut errors = TARGETS.to_vec();
        errors.extend(averaging.until.filter(|until| !TARGETS.contains(until)));
        errors.sort_by(|a, b| b.total_cmp(a));
        let reached = |error| Reached { error, rounds: Counts::default() };
        Self {
            nodes: averaging.nodes(),
            runs: 0,
            cancelled: false,
            levels: vec![],
            end: Level::default(),
            reached: errors.into_iter().map(reached).collect(),
            factor: Statistic::default(),
            skip: if averaging.schedule == Schedule::Fixed { SETTLING } else { 0 },
            leaps: leaps(&averaging.faults),
        }
    }

    /// Takes up the next round of a run; the start is round 0.
    pub(super) fn take(&mut self, record: &mut Record, moment: Moment) {
        let at = record.round as usize;
        if self.levels.len() <= at {
            self.levels.resize_with(at + 1, Level::default);
        }
        let level = &mut self.levels[at];
        level.add(&moment, moment.messages);
        if at > 0 && record.last.clear && moment.clear {
            let factor = moment.variance / record.last.variance;
            level.factor.add(factor);
            if record.round > self.skip && !self.leaps.contains(&record.round) {
                self.factor.add(factor);
            }
        }
        for reached in &mut self.reached {
            if moment.worst_error <= reached.error && record.closest > reached.error {
                reached.rounds.add(u64::from(record.round), 1);
            }
        }
        record.closest = record.closest.min(moment.worst_error);
        record.last = moment;
        record.messages += moment.messages;
        record.round += 1;
    }

    /// Takes up that a run has come to its end.
    pub(super) fn finish(&mut self, record: &Record) {
        self.runs += 1;
        self.end.add(&record.last, record.messages);
    }

    /// Takes up the runs of another, of the same simulation. The result is that of all runs
    /// together, whatever the order.
    ///
    /// # Errors
    /// If the other is of another number of nodes or other goals. Nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.nodes != other.nodes {
            let why = format!("one is of {} nodes, the other of {}", self.nodes, other.nodes);
            return Err(Error::Merge(why));
        }
        let errors = |of: &Self| of.reached.iter().map(|r| r.error).collect::<Vec<_>>();
        if errors(self) != errors(other) || self.skip != other.skip || self.leaps != other.leaps {
            let why = "they have other goals, schedules or faults".to_owned();
            return Err(Error::Merge(why));
        }
        self.runs += other.runs;
        self.cancelled |= other.cancelled;
        if self.levels.len() < other.levels.len() {
            self.levels.resize_with(other.levels.len(), Level::default);
        }
        for (level, other) in self.levels.iter_mut().zip(&other.levels) {
            level.merge(other);
        }
        for (reached, other) in self.reached.iter_mut().zip(&other.reached) {
            reached.rounds.merge(&other.rounds);
        }
        self.end.merge(&other.end);
        self.factor.merge(&other.factor);
        Ok(())
    }
}
