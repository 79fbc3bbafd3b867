//! The exact distribution of T, the number of rounds until the rumor has spread.

mod backward;
mod dense;
mod front;
mod profile;
mod stages;
mod switched;

use crate::error::{Error, count, need};
use crate::exact::dense::MAX_NODES;
use crate::exact::kernel::Kernel;
use rumormill_proto::Style;

use crate::graph::kind::GraphKind;
use crate::spread::{Semantics, Spread};
use rumormill_proto::words;

pub use stages::Stage;

/// The most rounds whose probabilities are listed.
pub const MAX_ROUNDS: u64 = 2_000_000;

/// Limits of the time that the backward engine takes: the rounds in which a front grows to a goal
/// short of all nodes; and rounds, or leaps, times the logarithm of the nodes.
const MAX_FRONT_ROUNDS: f64 = 55.0;
const MAX_PANEL_ROUNDS: f64 = 40_000.0;

/// The most living nodes that [`Engine::Dense`] accepts.
pub const MAX_DENSE_NODES: u64 = 10_000;

/// The method of computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// Follows the law of the number informed forward, count by count. All terms are positive, and
    /// the bound is proved. The default up to 2,500 living nodes, and up to 10,000 where it takes
    /// about half a second.
    Dense,
    /// Follows P(T > t), as a function of the number informed, backward on panels. For any number
    /// of nodes.
    Backward,
}

/// The state of a computation after a round.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// The round just finished.
    pub round: u64,
    /// P(T > round).
    pub survival: f64,
}

/// Settings of a computation.
// Not `non_exhaustive`: users build it with `..Options::default()`.
#[derive(Default)]
pub struct Options<'a> {
    /// Engine. `None`: chosen by the number of nodes.
    pub engine: Option<Engine>,
    /// Probability below which the list of P(T > x) ends. `None`: 1e-15. Tails keep their relative
    /// accuracy down to about 1e-25.
    pub floor: Option<f64>,
    /// Round to which P(T > x) is listed at least.
    pub rounds: u64,
    /// Factor by which panels are narrower than usual; 0 counts as 1. To check that nothing changes.
    pub refine: u32,
    /// Function called after every round.
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
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Distribution {
    /// E\[T\] in rounds; infinite if the spread never finishes.
    pub mean: f64,
    /// Var\[T\] in rounds²; infinite if the spread never finishes.
    pub variance: f64,
    /// P(T > x) for x = 0, 1, 2, … until it falls below 1e-15 (or as far as was asked).
    pub survival: Vec<f64>,
    /// P(T ≤ x) for the same x. With a proved bound its own digits are kept down to about 1e-30;
    /// otherwise it is one minus the survival.
    pub success: Vec<f64>,
    /// Expected number of contacts until the goal is met, the whole last round included: `fanout`
    /// for each informed node and round under push, for each uninformed node under pull, for every
    /// living node under push-pull. Lost contacts count.
    pub messages: f64,
    /// Bound on the absolute error of every entry of `survival`; see `bound`.
    pub error: f64,
    /// Source of that bound.
    pub bound: Bound,
    /// Method that was used.
    #[serde(skip)]
    pub engine: Engine,
}

/// The source of a bound on an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bound {
    /// A proof: the worst case of every rounding, and of everything left out, is counted.
    Proved,
    /// A comparison: the law is computed twice, on different panels and strides, and the bound is
    /// eight times the largest difference, plus rounding. The formula of one round, which both
    /// computations share, is tested but not bounded.
    Compared,
}

words!(Bound { Proved => "proved", Compared => "compared" });

impl Distribution {
    /// Returns the law of a spread that is finished at the start, or that never finishes, listed to
    /// this round.
    fn constant(finished: bool, rounds: u64) -> Self {
        let length = (rounds + 1).min(MAX_ROUNDS) as usize;
        let (left, moment) = if finished { (0.0, 0.0) } else { (1.0, f64::INFINITY) };
        Self {
            mean: moment,
            variance: moment,
            survival: vec![left; length],
            success: vec![1.0 - left; length],
            messages: moment,
            error: 0.0,
            bound: Bound::Proved,
            engine: Engine::Dense,
        }
    }

    /// Returns the law with this P(T > x), the last of which is the end. A law that does not fall
    /// below 1e-9 has no moments.
    #[must_use]
    pub fn listed(survival: Vec<f64>, messages: f64, error: f64) -> Self {
        let success: Vec<f64> = survival.iter().map(|p| 1.0 - p).collect();
        let (mean, variance) = match survival.last() {
            Some(&last) if survival.len() > 1 && last < 1e-9 => moments(&survival, &success),
            Some(&last) if last < 1e-9 => (0.0, 0.0),
            _ => (f64::INFINITY, f64::INFINITY),
        };
        let (bound, engine) = (Bound::Proved, Engine::Dense);
        Self { mean, variance, survival, success, messages, error, bound, engine }
    }

    /// Returns the standard deviation of T in rounds.
    #[must_use]
    pub fn standard_deviation(&self) -> f64 {
        self.variance.sqrt()
    }

    /// Returns P(T ≤ x), the probability that x rounds are enough; 1 beyond the listed tail.
    #[must_use]
    pub fn success(&self, x: u64) -> f64 {
        if self.mean.is_infinite() {
            return 0.0;
        }
        usize::try_from(x).ok().and_then(|x| self.success.get(x)).copied().unwrap_or(1.0)
    }

    /// Returns P(T > x), the probability that x rounds are not enough; 0 beyond the listed tail.
    #[must_use]
    pub fn survival(&self, x: u64) -> f64 {
        if self.mean.is_infinite() {
            return 1.0;
        }
        usize::try_from(x).ok().and_then(|x| self.survival.get(x)).copied().unwrap_or(0.0)
    }

    /// Returns the least x with P(T ≤ x) ≥ `percent`/100; `None` if the spread never finishes, or
    /// if x is beyond the listed tail.
    ///
    /// # Errors
    /// If `percent` is not inside (0, 100).
    pub fn percentile(&self, percent: f64) -> Result<Option<u64>, Error> {
        need(percent > 0.0 && percent < 100.0, "percentile", percent, "above 0 and below 100")?;
        let left = (100.0 - percent) / 100.0;
        if self.mean.is_infinite() {
            return Ok(None);
        }
        Ok(self.survival.iter().position(|&p| p <= left).map(|x| x as u64))
    }
}

/// An engine: after t steps it has P(T > t) and the messages of rounds 1 to t.
trait Steps {
    /// Computes one more round.
    fn step(&mut self);
    /// Returns P(T > t).
    fn survival(&self) -> f64;
    /// Returns P(T ≤ t), with its own digits where the engine has them.
    fn success(&self) -> f64 {
        1.0 - self.survival()
    }
    /// Returns the mean number of messages of rounds 1 to t, sent before the finish.
    fn messages(&self) -> f64;
    /// Returns a bound on the error of P(T > t).
    fn error(&self) -> f64;
}

impl Spread {
    /// Returns the exact distribution of T, with a bound on its error.
    ///
    /// For a goal of all nodes and a loss of at most 0.9 the error is mostly below 1e-12.
    ///
    /// # Errors
    /// If a field is out of range, or loss so near 1 that the distribution spans more than
    /// [`MAX_ROUNDS`] rounds.
    ///
    /// ```
    /// use rumormill_model::spread::Spread;
    /// use rumormill_proto::Style;
    /// let exact = Spread::new(64, Style::Push).solve()?;
    /// assert!((exact.mean - 11.158119112619).abs() < 1e-12);
    /// assert_eq!(exact.percentile(99.0)?, Some(15));
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn solve(&self) -> Result<Distribution, Error> {
        self.solve_with(Options::default())
    }

    /// Returns the exact distribution of T, computed with these settings.
    ///
    /// # Errors
    /// As [`Self::solve`].
    pub fn solve_with(&self, options: Options<'_>) -> Result<Distribution, Error> {
        self.has_exact_law()?;
        if let Some(after) = self.switches_after() {
            return self.solve_switched(after.into(), options);
        }
        if self.goal() <= self.origins || self.never_finishes() {
            return Ok(Distribution::constant(!self.never_finishes(), options.rounds));
        }
        let rounds = self.affordable_rounds()?;
        if options.engine == Some(Engine::Dense) {
            count("nodes", self.alive(), 1, MAX_DENSE_NODES)?;
        }
        let dense = self.alive() <= MAX_NODES || self.affords_dense(rounds);
        let engine = options.engine.unwrap_or(if dense { Engine::Dense } else { Engine::Backward });
        Ok(match engine {
            Engine::Dense => collect(&mut dense::Dense::new(self, rounds), engine, options),
            Engine::Backward => {
                let kernel = Kernel::new(self);
                compared(options, |refine| self.backward(&kernel, refine))
            }
        })
    }

    /// Checks that the question has an exact law: synchronous rounds on the complete graph, as many
    /// as it takes.
    ///
    /// # Errors
    /// The first setting that is out of range, or that has no exact law.
    pub fn has_exact_law(&self) -> Result<(), Error> {
        self.check()?;
        let complete = self.graph == GraphKind::Complete;
        need(complete, "graph", self.graph, "complete, for the exact law")?;
        let synchronous = self.semantics == Semantics::Synchronous;
        need(synchronous, "semantics", self.semantics, "synchronous, for the exact law")?;
        let endless = self.stop.is_none() && self.max_rounds.is_none();
        need(endless, "stop", self.last_round(), "never, for the exact law")
    }

    /// Returns the engine for many nodes, on panels this many times narrower than usual.
    fn backward(&self, kernel: &Kernel, refine: f64) -> Box<dyn Steps> {
        if self.goal() < self.alive() && self.alive() > MAX_NODES {
            Box::new(front::Front::new(self, kernel.clone(), refine))
        } else {
            let mut engine = backward::Backward::new(self, kernel, refine);
            if self.goal() == self.alive() {
                engine.set_leap(self.leap());
            }
            Box::new(engine)
        }
    }

    /// Returns the number of rounds that the backward engine goes at a leap.
    fn leap(&self) -> usize {
        backward::leap(self.rounds_at_most())
    }

    /// Returns the mean number of contacts of a node that reach living nodes in a round.
    fn rate(&self) -> f64 {
        let reach = self.alive() as f64 / self.pool().max(1) as f64;
        (self.picks().max(1) as f64 * (1.0 - self.loss) * reach).max(f64::MIN_POSITIVE)
    }

    /// Returns whether the dense engine takes less than about half a second for more than 2,500
    /// nodes: where they only push, or only pull, or where rows are narrow because rounds are slow.
    fn affords_dense(&self, rounds: f64) -> bool {
        let alive = self.alive() as f64;
        let picks = self.picks() as f64;
        let width = (24.0 * (0.25 * alive * self.rate().min(1.0)).sqrt() + 24.0).min(alive);
        // Nanoseconds per weight, as measured: picks one by one, thinning by calls, and rounds, which
        // wait for memory.
        let picks = if self.pushes_in(1) { 0.8 * picks } else { 0.0 };
        let thinning = match (self.pushes_in(1), self.pulls()) {
            (_, false) => 5.0,
            (false, true) => 60.0,
            (true, true) => 60.0 + 0.5 * width,
        };
        let seconds = 1e-9 * alive * width * (picks + thinning + 0.4 * rounds);
        let slow = self.goal() == self.alive() && rounds > 600.0;
        self.alive() <= MAX_DENSE_NODES && alive * width < 6e6 && seconds < 0.4 && !slow
    }

    /// Returns about how many rounds the distribution spans, unless that takes too long.
    fn affordable_rounds(&self) -> Result<f64, Error> {
        let rounds = self.rounds_at_most();
        if rounds > MAX_ROUNDS as f64 {
            // Blame the loss, or the dead nodes that are called in vain.
            let reached = self.alive() as f64 / self.nodes as f64;
            let (name, value) =
                if 1.0 - self.loss <= reached { ("loss", self.loss) } else { ("dead", self.dead) };
            return Err(Error::TooManyRounds { name, value, rounds, limit: MAX_ROUNDS });
        }
        // Steps of each engine, on this side of a second.
        let alive = self.alive() as f64;
        let front = alive.ln() / self.rate().ln_1p();
        let (name, value, too_long) = if self.alive() <= MAX_NODES {
            ("loss", self.loss, rounds * alive > 1e9)
        } else if self.goal() < self.alive() && !self.affords_dense(rounds) {
            ("coverage", self.coverage, front > MAX_FRONT_ROUNDS)
        } else {
            let leap = self.leap() as f64;
            ("loss", self.loss, rounds / leap * (alive / 600.0).ln() > MAX_PANEL_ROUNDS)
        };
        if too_long {
            return Err(Error::TooLong { name, value, nodes: self.alive(), rounds });
        }
        Ok(rounds)
    }

    /// Returns about how many rounds the distribution spans down to 1e-15: growth, decay of the
    /// last nodes, and the tail.
    fn rounds_at_most(&self) -> f64 {
        let rate = self.rate();
        let size = (self.alive() as f64).ln();
        size / rate.ln_1p() + (size + 35.0) / rate
    }

    /// Returns the contacts of a round with u informed and m uninformed living nodes.
    fn calls(&self, u: f64, m: f64) -> f64 {
        self.picks() as f64
            * match self.style {
                Style::Push | Style::PushThenPull => u,
                Style::Pull => m,
                Style::PushPull => u + m,
            }
    }
}

/// Factor by which panels are narrower in the second computation: the truncation error of a panel
/// of 12 coefficients falls to a hundredth, and that of 20 to less.
const FINER: f64 = 1.5;

/// Computes a law twice, on narrower panels the second time, and bounds its error by the difference.
fn compared(mut options: Options<'_>, engine: impl Fn(f64) -> Box<dyn Steps>) -> Distribution {
    let refine = f64::from(options.refine.max(1));
    let coarse = Options { floor: options.floor, rounds: options.rounds, ..Options::default() };
    let first = collect(engine(refine).as_mut(), Engine::Backward, coarse);
    let again = Options { observer: options.observer.take(), ..options };
    let mut exact = collect(engine(FINER * refine).as_mut(), Engine::Backward, again);
    let gaps = first.survival.iter().zip(&exact.survival).map(|(a, b)| (a - b).abs());
    exact.error += 8.0 * gaps.fold(0.0, f64::max);
    exact
}

/// Runs an engine to the end of the list, and sums the moments.
fn collect(steps: &mut dyn Steps, engine: Engine, mut options: Options<'_>) -> Distribution {
    let floor = options.floor.unwrap_or(1e-15);
    let (mut survival, mut success) = (vec![1.0], vec![0.0]);
    let mut error = 0.0f64;
    loop {
        steps.step();
        // Rounding may lift a probability of one above it, or above the one before.
        let p = steps.survival().clamp(0.0, survival[survival.len() - 1]);
        let q = steps.success().clamp(success[success.len() - 1], 1.0);
        error = error.max(steps.error());
        survival.push(p);
        success.push(q);
        let round = survival.len() as u64 - 1;
        if let Some(observer) = options.observer.as_mut() {
            observer(Progress { round, survival: p });
        }
        let asked = round >= options.rounds;
        // Beyond what underflows there is nothing to list.
        if asked && p < floor || p <= 0.0 || round > 3 * MAX_ROUNDS {
            break;
        }
    }
    let (mean, variance) = moments(&survival, &success);
    Distribution {
        mean,
        variance,
        survival,
        success,
        messages: steps.messages(),
        error,
        bound: if engine == Engine::Backward { Bound::Compared } else { Bound::Proved },
        engine,
    }
}

/// Returns mean and variance from both tails; beyond the list the tail counts as geometric.
fn moments(survival: &[f64], success: &[f64]) -> (f64, f64) {
    let last = survival.len() - 1;
    let (p, before) = (survival[last], survival[last - 1]);
    let ratio = if before > 0.0 { (p / before).min(1.0 - 1e-9) } else { 0.0 };
    let beyond = p * ratio / (1.0 - ratio);
    // Both are taken about a whole number near the mean, so that nothing large cancels.
    let centre = survival.iter().sum::<f64>().round();
    let (mut early, mut late) = (0.0, beyond);
    // Σ over x of (2(x − centre) + 1) P(T > x), folded at the centre.
    let mut squares =
        beyond * (2.0 * (last as f64 + 1.0 - centre) + 1.0 + 2.0 * ratio / (1.0 - ratio));
    for (t, (&p, &q)) in survival.iter().zip(success).enumerate().rev() {
        let t = t as f64;
        if t < centre {
            early += q;
            squares += (2.0 * (centre - t) - 1.0) * q;
        } else {
            late += p;
            squares += (2.0 * (t - centre) + 1.0) * p;
        }
    }
    let shift = late - early;
    // A plain 0 where rounding would leave −0.
    (centre + shift, (squares - shift * shift).max(0.0) + 0.0)
}
