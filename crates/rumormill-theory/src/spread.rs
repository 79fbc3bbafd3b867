//! The exact distribution of T, the number of rounds until the rumor has spread.

mod backward;
mod forward;
mod front;
mod profile;

pub use profile::MAX_SWITCHED_NODES;

use crate::error::Error;
use crate::kernel::Kernel;
use crate::model::{Spread, Style};

/// The most rounds whose probabilities are listed.
pub const MAX_ROUNDS: u64 = 2_000_000;

/// Populations up to here, and spreads up to `FEW_ROUNDS` rounds, go to the forward engine.
const FEW_NODES: f64 = 128.0;
const FEW_ROUNDS: f64 = 500.0;

/// Populations up to here have a node for every count, whatever the coverage.
const WHOLE: f64 = 2.0 * crate::grid::EDGE + 1.0;

/// Which engine does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The law of the number informed, round after round, count by count. Every term is positive.
    /// Milliseconds to 1,000 nodes, seconds to 10,000; beyond, hours.
    Forward,
    /// P(T > t) as a function of the number informed, round before round, on panels. Any number of
    /// nodes.
    Backward,
}

/// What has been computed so far, told to an observer after every round.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The round just finished.
    pub round: u64,
    /// P(T > round).
    pub survival: f64,
}

/// How to compute, where the defaults will not do.
#[derive(Default)]
pub struct Options<'a> {
    /// The engine; chosen by size if `None`.
    pub engine: Option<Engine>,
    /// List P(T > x) until it falls below this; 1e-15 if `None`. Tails keep their relative
    /// accuracy down to about 1e-25.
    pub floor: Option<f64>,
    /// List P(T > x) at least to this x.
    pub rounds: u64,
    /// Panels this many times narrower than usual (1 if 0): to see that it changes nothing.
    pub refine: u32,
    /// Called after every round.
    pub observer: Option<&'a mut dyn FnMut(Progress)>,
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("engine", &self.engine)
            .field("floor", &self.floor)
            .field("rounds", &self.rounds)
            .field("refine", &self.refine)
            .finish_non_exhaustive()
    }
}

/// The exact distribution of T, the number of rounds until the goal is met.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// E\[T\] in rounds; infinite if the spread never finishes.
    pub mean: f64,
    /// Var\[T\] in rounds²; infinite if the spread never finishes.
    pub variance: f64,
    /// P(T > x) for x = 0, 1, 2, … until it falls below 1e-15 (or as far as was asked).
    pub survival: Vec<f64>,
    /// Expected number of contacts until the goal is met, the whole last round included: `fanout`
    /// for each informed node and round under push, for each uninformed node under pull, for every
    /// living node under push-pull. Lost contacts count.
    pub messages: f64,
    /// Bound on the absolute error of every entry of `survival`: what the panels leave out, plus
    /// rounding.
    pub error: f64,
    /// Which engine did it.
    pub engine: Engine,
}

impl Distribution {
    /// Standard deviation of T in rounds.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        self.variance.sqrt()
    }

    /// P(T > x): the chance that x rounds are not enough. 0 beyond the listed tail.
    #[must_use]
    pub fn survival(&self, x: u64) -> f64 {
        if self.mean.is_infinite() {
            return 1.0;
        }
        usize::try_from(x).ok().and_then(|x| self.survival.get(x)).copied().unwrap_or(0.0)
    }

    /// The least x with P(T ≤ x) ≥ `percent`/100; `None` if there is none, because the spread
    /// never finishes, or none within the listed tail.
    ///
    /// # Errors
    /// If `percent` is not inside (0, 100).
    pub fn percentile(&self, percent: f64) -> Result<Option<u64>, Error> {
        crate::error::real("percentile", percent, "(0, 100)", percent > 0.0 && percent < 100.0)?;
        let left = (100.0 - percent) / 100.0;
        if self.mean.is_infinite() {
            return Ok(None);
        }
        Ok(self.survival.iter().position(|&p| p <= left).map(|x| x as u64))
    }
}

/// One engine at work: after each step it knows P(T > t) and the messages of rounds 1..=t.
trait Steps {
    /// Goes one round on.
    fn step(&mut self);
    /// P(T > t).
    fn survival(&self) -> f64;
    /// Expected messages sent in rounds 1..=t while unfinished.
    fn messages(&self) -> f64;
    /// Error of the last step, beyond rounding.
    fn error(&self) -> f64;
    /// How many roundings a probability passes in a round, one after another.
    fn depth(&self) -> f64;
}

impl Spread {
    /// The exact distribution of T.
    ///
    /// Absolute error below 1e-12 for fan-out to 16, loss to 0.99 and 10¹² nodes, and tails keep
    /// their relative accuracy; see [`Distribution::error`] for the engine's own bound.
    ///
    /// # Errors
    /// If a field is out of range, or loss so near 1 that the distribution spans more than
    /// [`MAX_ROUNDS`] rounds.
    ///
    /// ```
    /// use rumormill_theory::{Spread, Style};
    /// let exact = Spread::new(64, Style::Push).solve()?;
    /// assert!((exact.mean - 11.158119112619).abs() < 1e-12);
    /// assert_eq!(exact.percentile(99.0)?, Some(15));
    /// # Ok::<(), rumormill_theory::Error>(())
    /// ```
    pub fn solve(&self) -> Result<Distribution, Error> {
        self.solve_with(Options::default())
    }

    /// As [`Self::solve`], with choices.
    ///
    /// # Errors
    /// As [`Self::solve`].
    pub fn solve_with(&self, options: Options<'_>) -> Result<Distribution, Error> {
        self.check()?;
        let goal = self.goal();
        if goal <= self.origins {
            return Ok(Distribution {
                mean: 0.0,
                variance: 0.0,
                survival: vec![0.0; (options.rounds + 1).min(MAX_ROUNDS) as usize],
                messages: 0.0,
                error: 0.0,
                engine: Engine::Forward,
            });
        }
        if self.never_finishes() {
            return Ok(Distribution {
                mean: f64::INFINITY,
                variance: f64::INFINITY,
                survival: vec![1.0; (options.rounds + 1).min(MAX_ROUNDS) as usize],
                messages: f64::INFINITY,
                error: 0.0,
                engine: Engine::Forward,
            });
        }
        let kernel = Kernel::new(self);
        let rounds = self.refuse_too_many_rounds()?;
        let engine = options.engine.unwrap_or({
            if kernel.alive <= FEW_NODES && rounds <= FEW_ROUNDS && self.style == Style::Push {
                Engine::Forward
            } else {
                Engine::Backward
            }
        });
        let mut steps: Box<dyn Steps> = match engine {
            Engine::Forward => Box::new(forward::Forward::new(self, kernel)),
            Engine::Backward if goal < self.alive() && kernel.alive > WHOLE => {
                Box::new(front::Front::new(self, kernel, options.refine.max(1)))
            }
            Engine::Backward => {
                Box::new(backward::Backward::new(self, &kernel, options.refine.max(1)))
            }
        };
        Ok(collect(steps.as_mut(), engine, options))
    }

    /// About how many rounds the distribution spans, unless that is beyond reach.
    fn refuse_too_many_rounds(&self) -> Result<f64, Error> {
        let rounds = self.rounds_at_most();
        if rounds > MAX_ROUNDS as f64 {
            return Err(Error::TooManyRounds { loss: self.loss, rounds, limit: MAX_ROUNDS });
        }
        Ok(rounds)
    }

    /// About how many rounds the distribution spans down to 1e-15: growth, decay of the last
    /// nodes, and the tail.
    fn rounds_at_most(&self) -> f64 {
        let reach = self.alive() as f64 / self.pool().max(1) as f64;
        let fanout = self.fanout.min(self.pool().max(1)) as f64;
        let rate = (fanout * (1.0 - self.loss) * reach).max(f64::MIN_POSITIVE);
        let size = (self.alive() as f64).ln();
        size / rate.ln_1p() + (size + 35.0) / rate
    }

    /// Contacts in one round from u informed and m uninformed living nodes.
    fn calls(&self, u: f64, m: f64) -> f64 {
        let fanout = self.fanout.min(self.pool()) as f64;
        fanout
            * match self.style {
                Style::Push => u,
                Style::Pull => m,
                Style::PushPull => u + m,
            }
    }
}

/// Runs an engine to the end of the listed tail and adds up the moments.
fn collect(steps: &mut dyn Steps, engine: Engine, mut options: Options<'_>) -> Distribution {
    let floor = options.floor.unwrap_or(1e-15);
    let mut survival = vec![1.0];
    let mut interpolation = 0.0f64;
    loop {
        steps.step();
        // Rounding may lift a probability of one above it, or above the one before.
        let p = steps.survival().clamp(0.0, survival[survival.len() - 1]);
        interpolation += steps.error();
        survival.push(p);
        let round = survival.len() as u64 - 1;
        if let Some(observer) = options.observer.as_mut() {
            observer(Progress { round, survival: p });
        }
        let asked = round >= options.rounds;
        if asked && (p < floor || p <= 0.0) || round > 3 * MAX_ROUNDS {
            break;
        }
    }
    // Small terms first, and what lies beyond the list as a geometric tail.
    let last = survival.len() - 1;
    let (p, before) = (survival[last], survival[last - 1]);
    let ratio = if before > 0.0 { (p / before).min(1.0 - 1e-9) } else { 0.0 };
    let beyond = p * ratio / (1.0 - ratio);
    let x = last as f64;
    let mut mean = beyond;
    mean += survival.iter().rev().sum::<f64>();
    // The variance about the mean's whole part, so that long spreads lose no digits.
    let centre = mean.floor();
    let mut variance = 0.0;
    for (t, &p) in survival.iter().enumerate() {
        let t = t as f64;
        // Σ over x of (2(x − centre) + 1) P(T > x), folded at the centre.
        variance += if t < centre {
            (2.0 * (centre - t) - 1.0) * (1.0 - p)
        } else {
            (2.0 * (t - centre) + 1.0) * p
        };
    }
    variance += beyond * (2.0 * (x + 1.0 - centre) + 1.0 + 2.0 * ratio / (1.0 - ratio));
    variance -= (mean - centre).powi(2);
    // Each round averages positive numbers: rounding grows like a random walk, taken at 8 σ.
    let rounding = f64::EPSILON * (4.0 + 4.0 * (last as f64 * steps.depth()).sqrt());
    Distribution {
        mean,
        variance: variance.max(0.0),
        survival,
        messages: steps.messages(),
        error: interpolation + rounding,
        engine,
    }
}
