//! Means over a fixed number of rounds, and spreads that change style on the way.

use super::{Distribution, Engine, Options, Steps, collect, compared};
use crate::exact::error::{Error, count};
use crate::exact::grid::{Grid, Matrix, Panels};
use crate::exact::kernel::Kernel;
use crate::exact::spread::backward::Backward;
use crate::exact::spread::dense::Dense;
use crate::exact::spread::switched::Switched;
use crate::spread::{Spread, Style};

/// The most rounds means are taken over.
const MAX_MEAN_ROUNDS: u64 = 1_000_000;

impl Spread {
    /// The mean number of living nodes that know after 0, 1, …, `rounds` rounds, whatever the
    /// goal. Relative error about 1e-12.
    ///
    /// # Errors
    /// If a field is out of range, or `rounds` above a million.
    ///
    /// ```
    /// use rumormill_model::exact::{Spread, Style};
    /// // The first push always tells someone; the second round makes it 1 + 1 + 1 + 2/3.
    /// let known = Spread::new(4, Style::Push).expected_informed(2)?;
    /// assert!((known[1] - 2.0).abs() < 1e-15 && (known[2] - (2.0 + 4.0 / 3.0 - 2.0 / 9.0)).abs() < 1e-14);
    /// # Ok::<(), rumormill_model::exact::Error>(())
    /// ```
    pub fn expected_informed(&self, rounds: u64) -> Result<Vec<f64>, Error> {
        let missed = self.means(rounds, |_, m| m)?;
        Ok(missed.into_iter().map(|m| self.alive() as f64 - m).collect())
    }

    /// The means of `value(informed, uninformed)` after 0, 1, …, `rounds` rounds, for a function
    /// as smooth as a low polynomial of the two.
    ///
    /// # Errors
    /// As [`Self::expected_informed`].
    pub fn means(&self, rounds: u64, value: impl Fn(f64, f64) -> f64) -> Result<Vec<f64>, Error> {
        self.check()?;
        count("rounds", rounds, 0, MAX_MEAN_ROUNDS)?;
        let (alive, origins) = (self.alive() as f64, self.origins as f64);
        if self.nodes == 1 || self.loss >= 1.0 {
            return Ok(vec![value(origins, alive - origins); rounds as usize + 1]);
        }
        let kernel = Kernel::new(self);
        let grid = Grid::new(kernel.alive, Panels::for_kernel(&kernel, self.loss, 1));
        let matrix = Matrix::new(self, &kernel, &grid, 0);
        let mut now: Vec<f64> = grid.nodes.iter().map(|&(u, m)| value(u, m)).collect();
        let mut scratch = vec![0.0; now.len()];
        let mut means = vec![grid.read(&now, origins)];
        for _ in 0..rounds {
            matrix.apply(&now, &mut scratch);
            std::mem::swap(&mut now, &mut scratch);
            means.push(grid.read(&now, origins));
        }
        Ok(means)
    }

    /// The mean round of the last delivery when all stop after `rounds` rounds, whether or not
    /// everyone has been told by then; 0 if nobody is.
    ///
    /// With r rounds left, the last delivery from u informed obeys `V_r` = A `V_{r−1}` + 1 −
    /// idle(u)^r: it is one round later than that of the rounds after, if anyone is told at all.
    ///
    /// # Errors
    /// As [`Self::expected_informed`].
    ///
    /// ```
    /// use rumormill_model::exact::{Spread, Style};
    /// // Three nodes: the first push tells one, the second round the other with probability 3/4.
    /// let last = Spread::new(3, Style::Push).last_delivery(2)?;
    /// assert!((last - 1.75).abs() < 1e-15);
    /// # Ok::<(), rumormill_model::exact::Error>(())
    /// ```
    pub fn last_delivery(&self, rounds: u64) -> Result<f64, Error> {
        self.check()?;
        count("rounds", rounds, 0, MAX_MEAN_ROUNDS)?;
        if self.alive() == self.origins || self.loss >= 1.0 {
            return Ok(0.0);
        }
        let kernel = Kernel::new(self);
        let grid = Grid::new(kernel.alive, Panels::for_kernel(&kernel, self.loss, 1));
        let matrix = Matrix::new(self, &kernel, &grid, 0);
        let idle: Vec<f64> = grid.nodes.iter().map(|&(u, m)| kernel.idle(u, m)).collect();
        let mut still = vec![1.0; idle.len()];
        let mut now = vec![0.0; idle.len()];
        let mut next = now.clone();
        for _ in 0..rounds {
            matrix.apply(&now, &mut next);
            for ((value, still), idle) in next.iter_mut().zip(&mut still).zip(&idle) {
                *still *= idle;
                *value += 1.0 - *still;
            }
            std::mem::swap(&mut now, &mut next);
        }
        Ok(grid.read(&now, self.origins as f64))
    }

    /// The exact distribution, and the means of both of `value(informed, uninformed)` summed over the
    /// first rounds, as many as `rounds` makes of the distribution: one matrix serves both.
    pub(crate) fn solve_with_totals(
        &self,
        options: Options<'_>,
        rounds: impl FnOnce(&Distribution) -> u64,
        value: impl Fn(f64, f64) -> [f64; 2],
    ) -> Result<(Distribution, [f64; 2]), Error> {
        self.check()?;
        if self.goal() <= self.origins || self.never_finishes() || self.coverage < 1.0 {
            let exact = self.solve_with(options)?;
            let rounds = rounds(&exact);
            let total = |part: usize| -> Result<f64, Error> {
                let means = self.means(rounds, |u, m| value(u, m)[part])?;
                Ok(means[..rounds as usize].iter().sum())
            };
            return Ok((exact, [total(0)?, total(1)?]));
        }
        self.affordable_rounds()?;
        let kernel = Kernel::new(self);
        let mut engine = Backward::new(self, &kernel, 1);
        let exact = collect(&mut engine, Engine::Backward, options);
        let rounds = rounds(&exact);
        count("rounds", rounds, 0, MAX_MEAN_ROUNDS)?;
        let (grid, matrix) = engine.into_parts();
        let origins = self.origins as f64;
        let mut now = [0, 1].map(|part| -> Vec<f64> {
            grid.nodes.iter().map(|&(u, m)| value(u, m)[part]).collect()
        });
        let mut next = now.clone();
        let mut totals = [0.0; 2];
        for _ in 0..rounds {
            for (total, f) in totals.iter_mut().zip(&now) {
                *total += grid.read(f, origins);
            }
            let [a, b] = &mut next;
            matrix.apply_both([&now[0], &now[1]], [a, b]);
            std::mem::swap(&mut now, &mut next);
        }
        Ok((exact, totals))
    }

    /// The exact distribution when the style changes to `then` after `after` rounds; messages are
    /// counted by the style in force.
    ///
    /// # Errors
    /// As [`Self::solve`]; and if the goal is short of everyone with more than 2,500 living nodes,
    /// for then the law has a front that moving panels follow for one style only.
    ///
    /// ```
    /// use rumormill_model::exact::{Options, Spread, Style};
    /// let push = Spread::new(64, Style::Push);
    /// let both = push.solve_switched(Style::Pull, 6, Options::default())?;
    /// assert!((both.messages - 93.8).abs() < 0.05 && (both.mean - 8.87).abs() < 0.005);
    /// # Ok::<(), rumormill_model::exact::Error>(())
    /// ```
    pub fn solve_switched(
        &self,
        then: Style,
        after: u64,
        options: Options<'_>,
    ) -> Result<Distribution, Error> {
        self.check()?;
        let second = Self { style: then, ..self.clone() };
        if self.goal() <= self.origins || self.never_finishes() {
            return self.solve_with(options);
        }
        self.affordable_rounds()?;
        if self.alive() <= crate::exact::dense::MAX_NODES {
            let mut dense = Dense::new(self, 0.0);
            dense.switch(after, &second);
            return Ok(collect(&mut dense, Engine::Dense, options));
        }
        if self.goal() < self.alive() {
            let value = self.coverage;
            let range = "[1, 1] with --pull-after and more than 2,500 living nodes";
            return Err(Error::Real { name: "coverage", value, range });
        }
        let switched =
            |refine| -> Box<dyn Steps> { Box::new(Switched::new(self, &second, after, refine)) };
        Ok(compared(options, switched))
    }
}
