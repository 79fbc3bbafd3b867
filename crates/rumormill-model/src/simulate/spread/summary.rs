//! What many runs did, as exact counts: the same whatever the order, the threads and the shards.

mod batch;

use serde::{Deserialize, Serialize};

pub(crate) use self::batch::{Batch, BatchRound, Move};
use crate::error::Error;
use crate::simulate::histogram::{Binned, Counts, Moments};
use crate::simulate::spread::run::{Run, place, round_at};

/// The runs that were seen at one round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Level {
    runs: u64,
    informed: u128,
    sent: u128,
    seen: Binned,
    /// How much the number informed has grown since the kept round before: see [`gain`].
    grown: Binned,
}

/// Growth is binned as (factor − 1) · 2¹²: to 1/64 of itself, or 2⁻¹².
const GAIN: f64 = 4096.0;

/// Above all gains: no run multiplies by more than 2⁵⁰.
const MOST_GAIN: u64 = u64::MAX / 2;

/// Returns the growth from one number informed to the next, as a whole number.
fn gain(before: u64, now: u64) -> u64 {
    ((now - before) as f64 / before as f64 * GAIN) as u64
}

impl Level {
    fn add(&mut self, informed: u64, sent: u64, alive: u64) {
        self.runs += 1;
        self.informed += u128::from(informed);
        self.sent += u128::from(sent);
        self.seen.add(informed, alive);
    }

    fn add_times(&mut self, informed: u64, times: u64, alive: u64) {
        self.runs += times;
        self.informed += u128::from(informed) * u128::from(times);
        self.seen.add_times(informed, times, alive);
    }

    fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.informed += other.informed;
        self.sent += other.sent;
        self.seen.merge(&other.seen);
        self.grown.merge(&other.grown);
    }
}

/// How far the rumor was after one round, over all runs. Runs that had ended count with what they
/// ended with.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoundStatistics {
    /// The round; 0 is the start.
    pub round: u64,
    /// Mean number informed after it.
    pub informed: f64,
    /// Mean number of contacts made in rounds 1 to this one.
    pub sent: f64,
    /// Runs that went at least this far.
    pub running: u64,
}

/// What many runs of one question did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of nodes, dead ones included.
    pub nodes: u64,
    /// How many of them are alive.
    pub alive: u64,
    /// Number of living nodes that must be informed for the rumor to have spread.
    pub goal: u64,
    /// How many runs were made.
    pub runs: u64,
    /// Whether it was stopped before all runs were made.
    pub cancelled: bool,
    /// How many runs met their goal in each round: the law of T.
    pub finished: Counts,
    /// Runs by the number of living nodes that were uninformed when they ended.
    pub residue: Counts,
    /// How many rounds runs had.
    pub lengths: Counts,
    /// Contacts made in a run, lost ones included.
    pub messages: Moments,
    /// At each kept round, the runs that went that far.
    here: Vec<Level>,
    /// At the first kept round after their last, the runs that had ended, with what they ended
    /// with.
    ended: Vec<Level>,
}

impl Summary {
    /// Returns a summary of no runs.
    #[must_use]
    pub fn new(nodes: u64, alive: u64, goal: u64) -> Self {
        Self {
            nodes,
            alive,
            goal,
            runs: 0,
            cancelled: false,
            finished: Counts::default(),
            residue: Counts::default(),
            lengths: Counts::default(),
            messages: Moments::default(),
            here: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Takes up a run.
    pub fn add(&mut self, run: &Run) {
        self.runs += 1;
        if let Some(round) = run.finished {
            self.finished.add(round.into(), 1);
        }
        self.residue.add(self.alive - run.reached, 1);
        self.lengths.add(run.rounds.into(), 1);
        self.messages.add(run.messages);
        if self.here.len() < run.informed.len() {
            self.here.resize_with(run.informed.len(), Level::default);
        }
        for ((level, &informed), &sent) in self.here.iter_mut().zip(&run.informed).zip(&run.sent) {
            level.add(informed, sent, self.alive);
        }
        for (level, pair) in self.here[1..].iter_mut().zip(run.informed.windows(2)) {
            level.grown.add(gain(pair[0], pair[1]), MOST_GAIN);
        }
        let after = place(run.rounds.saturating_add(1));
        if self.ended.len() <= after {
            self.ended.resize_with(after + 1, Level::default);
        }
        self.ended[after].add(run.reached, run.messages, self.alive);
    }

    /// Takes up the runs of another, of the same question and seed. The result is that of all runs
    /// together, whatever the order.
    ///
    /// # Errors
    /// If the other is of other numbers of nodes. Nothing has changed then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        let (ours, theirs) =
            ((self.nodes, self.alive, self.goal), (other.nodes, other.alive, other.goal));
        if ours != theirs {
            return Err(Error::Merge(format!(
                "one has {} nodes, {} alive and {} to be newly, the other {}, {} and {}",
                ours.0, ours.1, ours.2, theirs.0, theirs.1, theirs.2
            )));
        }
        self.runs += other.runs;
        self.cancelled |= other.cancelled;
        self.finished.merge(&other.finished);
        self.residue.merge(&other.residue);
        self.lengths.merge(&other.lengths);
        self.messages.merge(&other.messages);
        for (ours, theirs) in [(&mut self.here, &other.here), (&mut self.ended, &other.ended)] {
            if ours.len() < theirs.len() {
                ours.resize_with(theirs.len(), Level::default);
            }
            for (level, other) in ours.iter_mut().zip(theirs) {
                level.merge(other);
            }
        }
        Ok(())
    }

    /// Runs that ended without meeting their goal.
    #[must_use]
    pub fn unfinished(&self) -> u64 {
        self.runs - self.finished.total()
    }

    /// Returns mean rounds until the goal was met, over the runs that met it; NaN if none did.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.finished.moments().mean()
    }

    /// Returns the variance of the rounds until the goal was met, over the runs that met it; NaN of
    /// fewer than two.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.finished.moments().variance()
    }

    /// Returns the share of runs with T > x for x = 0, 1, …, up to the last finish, or to `most` if
    /// that comes first. Runs that never met their goal count as T > x for every x.
    #[must_use]
    pub fn survival(&self, most: u64) -> Vec<f64> {
        let last = self.finished.largest().unwrap_or(0).min(most);
        let mut left = self.runs;
        let mut finished = self.finished.iter().peekable();
        (0..=last)
            .map(|x| {
                if let Some((_, runs)) = finished.next_if(|&(round, _)| round == x) {
                    left -= runs;
                }
                left as f64 / self.runs as f64
            })
            .collect()
    }

    /// Returns the least x with T ≤ x in a share `q` of the runs; `None` if too few met their goal.
    #[must_use]
    pub fn percentile(&self, q: f64) -> Option<u64> {
        let rank = ((q * self.runs as f64).ceil() as u64).max(1);
        let mut seen = 0;
        self.finished.iter().find_map(|(round, runs)| {
            seen += runs;
            (seen >= rank).then_some(round)
        })
    }

    /// Returns the mean share of the living that were never informed.
    #[must_use]
    pub fn residue_share(&self) -> f64 {
        self.residue.moments().mean() / self.alive as f64
    }

    /// Returns the share of runs that left a node uninformed.
    #[must_use]
    pub fn incomplete(&self) -> f64 {
        let complete = self.residue.iter().find(|&(left, _)| left == 0).map_or(0, |(_, runs)| runs);
        1.0 - complete as f64 / self.runs as f64
    }

    /// Returns the mean number informed and the contacts made, round by round, from round 0 to the
    /// last round of the longest run. All rounds below 4,096; beyond, 2,048 in each doubling.
    #[must_use]
    pub fn by_round(&self) -> Vec<RoundStatistics> {
        let mut over = Level::default();
        let ended = self.ended.iter().map(Some).chain(std::iter::repeat(None));
        let levels = self.here.iter().zip(ended).enumerate();
        levels
            .map(|(at, (here, ended))| {
                if let Some(ended) = ended {
                    over.runs += ended.runs;
                    over.informed += ended.informed;
                    over.sent += ended.sent;
                }
                let runs = (here.runs + over.runs) as f64;
                RoundStatistics {
                    round: round_at(at),
                    informed: (here.informed + over.informed) as f64 / runs,
                    sent: (here.sent + over.sent) as f64 / runs,
                    running: here.runs,
                }
            })
            .collect()
    }

    /// Returns quantiles of the number informed, round by round, for the same rounds as
    /// [`Self::by_round`]: for each round one number for each of `shares` (such as 0.05 and 0.95).
    /// Exact to 4,096 nodes; beyond, to 1/64 of the distance from none and from all.
    #[must_use]
    pub fn quantiles(&self, shares: &[f64]) -> Vec<Vec<f64>> {
        let mut over = Binned::default();
        let ended = self.ended.iter().map(Some).chain(std::iter::repeat(None));
        let levels = self.here.iter().zip(ended);
        levels
            .map(|(here, ended)| {
                if let Some(ended) = ended {
                    over.merge(&ended.seen);
                }
                let mut all = over.clone();
                all.merge(&here.seen);
                shares.iter().map(|&q| all.quantile(q, self.alive)).collect()
            })
            .collect()
    }

    /// Returns by what the mean number informed is multiplied from round to round: the entry of a
    /// round t is the number after it over that after the kept round before; 1 for round 0.
    #[must_use]
    pub fn growth(&self) -> Vec<f64> {
        let rounds = self.by_round();
        let pairs = rounds.windows(2).map(|pair| pair[1].informed / pair[0].informed);
        std::iter::once(1.0).chain(pairs).collect()
    }

    /// Returns quantiles over the runs of what [`Self::growth`] gives for their mean: for each kept
    /// round one factor for each of `shares`. Runs that had ended grew by 1. Rounded down, by at
    /// most 1/64 of what is above 1.
    #[must_use]
    pub fn growth_quantiles(&self, shares: &[f64]) -> Vec<Vec<f64>> {
        let mut over = 0;
        let ended = self.ended.iter().map(|level| level.runs).chain(std::iter::repeat(0));
        let levels = self.here.iter().zip(ended);
        levels
            .map(|(here, ended)| {
                over += ended;
                let mut all = here.grown.clone();
                all.add_times(0, over, MOST_GAIN);
                // The low end of the bin: whole factors, the commonest, are exact.
                let factor = |&q: &f64| 1.0 + all.quantile_bin(q, MOST_GAIN).0 as f64 / GAIN;
                shares.iter().map(factor).collect()
            })
            .collect()
    }
}
