//! The backward engine: `f_t(u)` = P(T > t | u know) obeys f_{t+1} = A `f_t` with one fixed A.

use super::Steps;
use crate::exact::dense::dot;
use crate::exact::grid::matrix::{Law, Matrix};
use crate::exact::grid::{EDGE, Grid, Panels};
use crate::exact::kernel::Kernel;
use crate::spread::Spread;

pub(super) struct Backward {
    grid: Grid,
    matrix: Matrix,
    /// The law of the number informed at the start.
    law: Law,
    /// Contacts of one round from each node; none once the goal is met.
    calls: Vec<f64>,
    /// `f_t`; it is 1 before node `begin`.
    survival: Vec<f64>,
    begin: usize,
    /// Room for the next round.
    next: Vec<f64>,
    leap: Option<Leap>,
    /// Rounds so far.
    rounds: u64,
}

/// Spreads of more rounds than this go M rounds at a leap: what r more rounds do is read by weights
/// of the nodes, worked out once.
const MANY_ROUNDS: f64 = 1000.0;

/// Returns how many rounds a leap takes in a spread of that many: more make its matrix wide.
pub(super) fn leap(rounds: f64) -> usize {
    if rounds <= MANY_ROUNDS {
        1
    } else if rounds <= 10.0 * MANY_ROUNDS {
        8
    } else {
        16
    }
}

/// What is missing to certainty where it is lost in rounding.
const CERTAIN: f64 = 2e-16;

struct Leap {
    rounds: Matrix,
    /// Weights that read at the origins what 0, 1, …, M−1 rounds make of a function, and where they
    /// begin.
    rows: Vec<(usize, Vec<f64>)>,
    /// Rounds since the last leap.
    since: usize,
}

impl Backward {
    pub(super) fn new(spread: &Spread, kernel: &Kernel, refine: f64) -> Self {
        Self::on(spread, kernel, Self::panels(spread, kernel, refine))
    }

    pub(super) fn panels(spread: &Spread, kernel: &Kernel, refine: f64) -> Panels {
        Panels::for_kernel(kernel, spread.loss, refine)
    }

    /// On panels that are given.
    pub(super) fn on(spread: &Spread, kernel: &Kernel, panels: Panels) -> Self {
        let grid = Grid::new(kernel.alive, panels);
        let origins = spread.origins as f64;
        let first = if origins <= EDGE { origins as usize - 1 } else { 0 };
        let matrix = Matrix::new(spread, kernel, &grid, first);
        let goal = spread.goal() as f64;
        let open = |u: f64| u < goal;
        let calls = grid.nodes.iter().map(|&(u, m)| if open(u) { spread.calls(u, m) } else { 0.0 });
        let survival = grid.nodes.iter().map(|&(u, _)| f64::from(u8::from(open(u))));
        Self {
            law: Law::new(&grid, origins),
            calls: calls.collect(),
            survival: survival.collect(),
            begin: first_short(goal, &grid),
            next: vec![0.0; grid.nodes.len()],
            matrix,
            grid,
            leap: None,
            rounds: 0,
        }
    }

    /// Sets the number of rounds at a leap, a power of two; for a goal of all nodes.
    pub(super) fn set_leap(&mut self, leap: usize) {
        if leap > 1 {
            let mut law = self.law.clone();
            let mut rows = Vec::new();
            for _ in 0..leap {
                rows.push((law.nodes.start, law.weights[law.nodes.clone()].to_vec()));
                law.step(&self.matrix);
            }
            let doublings = leap.ilog2();
            let rounds = (0..doublings).fold(self.matrix.clone(), |matrix, _| matrix.squared());
            self.leap = Some(Leap { rounds, rows, since: 0 });
        }
    }

    /// Returns the law of the number informed at the start.
    pub(super) fn law(&self) -> Law {
        self.law.clone()
    }

    /// Sets the law of the number informed at the start.
    pub(super) fn start_from(&mut self, law: Law) {
        self.law = law;
    }

    /// Returns one round of a law; gives the contacts expected in it.
    pub(super) fn forward(&self, law: &mut Law) -> f64 {
        let calls = law.mean(&self.calls);
        law.step(&self.matrix);
        calls
    }

    /// Returns the means of `value(informed, uninformed)` after 0, 1, …, `rounds` rounds.
    pub(super) fn means<const N: usize>(
        &self,
        rounds: u64,
        value: impl Fn(f64, f64) -> [f64; N],
    ) -> Vec<[f64; N]> {
        let values: Vec<[f64; N]> = self.grid.nodes.iter().map(|&(u, m)| value(u, m)).collect();
        let parts: [Vec<f64>; N] =
            std::array::from_fn(|part| values.iter().map(|value| value[part]).collect());
        let mut law = self.law.clone();
        (0..=rounds)
            .map(|_| {
                let means = std::array::from_fn(|part| law.mean(&parts[part]));
                law.step(&self.matrix);
                means
            })
            .collect()
    }

    /// Returns the mean round of the last delivery in this many rounds, from the probability
    /// `idle(informed, uninformed)` that a round informs no node.
    pub(super) fn last_delivery(&self, rounds: u64, idle: impl Fn(f64, f64) -> f64) -> f64 {
        let idle: Vec<f64> = self.grid.nodes.iter().map(|&(u, m)| idle(u, m)).collect();
        let mut still = vec![1.0; idle.len()];
        let mut now = vec![0.0; idle.len()];
        let mut next = now.clone();
        for _ in 0..rounds {
            self.matrix.apply(&now, &mut next);
            for ((value, still), idle) in next.iter_mut().zip(&mut still).zip(&idle) {
                *still *= idle;
                *value += 1.0 - *still;
            }
            std::mem::swap(&mut now, &mut next);
        }
        self.law.mean(&now)
    }
}

/// Returns the first node at which the goal is met.
fn first_short(goal: f64, grid: &Grid) -> usize {
    grid.nodes.partition_point(|&(u, _)| u < goal)
}

impl Steps for Backward {
    fn step(&mut self) {
        self.rounds += 1;
        let mut matrix = &self.matrix;
        if let Some(leap) = &mut self.leap {
            leap.since += 1;
            if leap.since < leap.rows.len() {
                return;
            }
            leap.since = 0;
            matrix = &leap.rounds;
        }
        // Nodes from which the goal is out of reach stay at 1.
        self.begin = matrix.first_to_see(self.begin);
        matrix.apply_from(self.begin, &self.survival, &mut self.next);
        self.next[..self.begin].fill(1.0);
        for (p, &calls) in self.next.iter_mut().zip(&self.calls) {
            if calls == 0.0 {
                *p = 0.0;
            }
        }
        while self.begin < self.next.len() && self.next[self.begin] > 1.0 - CERTAIN {
            self.next[self.begin] = 1.0;
            self.begin += 1;
        }
        std::mem::swap(&mut self.survival, &mut self.next);
    }

    fn survival(&self) -> f64 {
        let Some(leap) = &self.leap else { return self.law.mean(&self.survival) };
        let (low, row) = &leap.rows[leap.since];
        dot(row, &self.survival[*low..])
    }

    fn messages(&self) -> f64 {
        self.law.mean(&self.matrix.total(&self.grid, &self.calls))
    }

    fn error(&self) -> f64 {
        // What two panels make of it is compared by the caller; this is for what both share.
        f64::EPSILON * (16.0 + 0.5 * self.rounds as f64)
    }
}
