//! Means over a fixed number of rounds, and spreads that change style on the way.

use super::{Distribution, Engine, Options, collect, compared};
use crate::error::{Error, count, need};
use crate::exact::kernel::Kernel;
use crate::exact::spread::backward::Backward;
use crate::exact::spread::dense::Dense;
use crate::exact::spread::switched::Switched;
use rumormill_proto::Style;

use crate::spread::Spread;

/// The most rounds means are taken over.
const MAX_MEAN_ROUNDS: u64 = 1_000_000;

impl Spread {
    /// Returns the mean number of living nodes that are informed after 0, 1, …, `rounds` rounds,
    /// whatever the goal. The relative error is about 1e-12; no bound is proved.
    ///
    /// # Errors
    /// If a field is out of range, or `rounds` above a million.
    ///
    /// ```
    /// use rumormill_model::spread::Spread;
    /// use rumormill_proto::Style;
    /// // The first push always tells someone; the second round makes it 1 + 1 + 1 + 2/3.
    /// let known = Spread::new(4, Style::Push).expected_informed(2)?;
    /// assert!((known[1] - 2.0).abs() < 1e-15 && (known[2] - (2.0 + 4.0 / 3.0 - 2.0 / 9.0)).abs() < 1e-14);
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn expected_informed(&self, rounds: u64) -> Result<Vec<f64>, Error> {
        // Whichever are fewer have the digits.
        let informed = |[u, m]: [f64; 2]| if u < m { u } else { self.alive() as f64 - m };
        Ok(self.means_of(rounds, |u, m| [u, m])?.into_iter().map(informed).collect())
    }

    /// Returns the means of `value(informed, uninformed)` after 0, 1, …, `rounds` rounds, for a function
    /// as smooth as a low polynomial of the two.
    ///
    /// # Errors
    /// As [`Self::expected_informed`].
    pub fn means(&self, rounds: u64, value: impl Fn(f64, f64) -> f64) -> Result<Vec<f64>, Error> {
        Ok(self.means_of(rounds, |u, m| [value(u, m)])?.into_iter().map(|[mean]| mean).collect())
    }

    /// Returns the means of several functions, as [`Self::means`].
    fn means_of<const N: usize>(
        &self,
        rounds: u64,
        value: impl Fn(f64, f64) -> [f64; N],
    ) -> Result<Vec<[f64; N]>, Error> {
        self.has_means()?;
        count("rounds", rounds, 0, MAX_MEAN_ROUNDS)?;
        let (alive, origins) = (self.alive() as f64, self.origins as f64);
        if self.nodes == 1 || self.loss >= 1.0 {
            return Ok(vec![value(origins, alive - origins); rounds as usize + 1]);
        }
        Ok(Backward::new(self, &Kernel::new(self), 1.0).means(rounds, value))
    }

    /// Returns the mean round of the last delivery when all stop after `rounds` rounds, whether or not
    /// all are informed by then; 0 if no node is informed.
    ///
    /// With r rounds left, the last delivery from u informed obeys `V_r` = A `V_{r−1}` + 1 −
    /// idle(u)^r: it is one round later than that of the rounds after, if any node is informed at all.
    ///
    /// # Errors
    /// As [`Self::expected_informed`].
    ///
    /// ```
    /// use rumormill_model::spread::Spread;
    /// use rumormill_proto::Style;
    /// // Three nodes: the first push tells one, the second round the other with probability 3/4.
    /// let last = Spread::new(3, Style::Push).last_delivery(2)?;
    /// assert!((last - 1.75).abs() < 1e-15);
    /// # Ok::<(), rumormill_model::error::Error>(())
    /// ```
    pub fn last_delivery(&self, rounds: u64) -> Result<f64, Error> {
        self.has_means()?;
        count("rounds", rounds, 0, MAX_MEAN_ROUNDS)?;
        if self.alive() == self.origins || self.loss >= 1.0 {
            return Ok(0.0);
        }
        let kernel = Kernel::new(self);
        Ok(Backward::new(self, &kernel, 1.0).last_delivery(rounds, |u, m| kernel.idle(u, m)))
    }

    /// Returns the distribution for a goal of all nodes, from one set of panels, and the means of
    /// both parts of `value(informed, uninformed)`, summed over the first rounds; `rounds` says how
    /// many. One matrix serves all.
    pub(crate) fn solve_with_totals(
        &self,
        options: Options<'_>,
        rounds: impl FnOnce(&Distribution) -> u64,
        value: impl Fn(f64, f64) -> [f64; 2],
    ) -> Result<(Distribution, [f64; 2]), Error> {
        let totals = |mut means: Vec<[f64; 2]>| {
            means.pop();
            means.iter().fold([0.0; 2], |[a, b], [c, d]| [a + c, b + d])
        };
        self.check()?;
        if self.goal() <= self.origins || self.never_finishes() {
            let exact = self.solve_with(options)?;
            let rounds = rounds(&exact);
            let totals = totals(self.means_of(rounds, value)?);
            return Ok((exact, totals));
        }
        self.affordable_rounds()?;
        let mut engine = Backward::new(self, &Kernel::new(self), 1.0);
        let exact = collect(&mut engine, Engine::Backward, options);
        let rounds = rounds(&exact);
        count("rounds", rounds, 0, MAX_MEAN_ROUNDS)?;
        Ok((exact, totals(engine.means(rounds, value))))
    }

    /// Returns the exact distribution when all nodes change to pull after `after` rounds; messages are
    /// counted by the style in force.
    pub(super) fn solve_switched(
        &self,
        after: u64,
        options: Options<'_>,
    ) -> Result<Distribution, Error> {
        let style = if self.style == Style::PushThenPull { Style::Push } else { self.style };
        let first = Self { style, pull_after: None, ..self.clone() };
        let second = Self { style: Style::Pull, ..first.clone() };
        if first.goal() <= first.origins || first.never_finishes() {
            return first.solve_with(options);
        }
        first.affordable_rounds()?;
        if first.alive() <= crate::exact::dense::MAX_NODES {
            let mut dense = Dense::new(&first, 0.0);
            dense.switch(after, &second, second.rounds_at_most());
            return Ok(collect(&mut dense, Engine::Dense, options));
        }
        let range = "1 with pull_after and more than 2,500 living nodes";
        need(first.goal() == first.alive(), "coverage", first.coverage, range)?;
        let kernels = [Kernel::new(&first), Kernel::new(&second)];
        Ok(compared(options, |refine| {
            Box::new(Switched::new([&first, &second], &kernels, after, second.leap(), refine))
        }))
    }

    /// Checks that the question is one whose means are known: those of an exact law, and of a style
    /// that does not change.
    fn has_means(&self) -> Result<(), Error> {
        self.has_exact_law()?;
        let steady = self.switches_after().is_none();
        need(steady, "style", self.style, "one that does not change, for means by round")
    }
}
