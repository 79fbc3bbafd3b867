//! The backward engine: f_t(u) = P(T > t | u know) obeys f_{t+1} = A f_t with one fixed A.

use super::Steps;
use crate::grid::{Grid, Matrix, POINTS, Panels};
use crate::kernel::Kernel;
use crate::model::Spread;

pub(super) struct Backward {
    grid: Grid,
    matrix: Matrix,
    origins: f64,
    /// Contacts of one round from each node; none once the goal is met.
    calls: Vec<f64>,
    /// f_t and the contacts expected in rounds 1..=t while unfinished.
    survival: Vec<f64>,
    messages: Vec<f64>,
    scratch: Vec<f64>,
}

impl Backward {
    pub(super) fn new(spread: &Spread, kernel: &Kernel, refine: u32) -> Self {
        let panels = Panels::for_kernel(kernel, spread.loss, refine);
        let grid = Grid::new(kernel.alive, panels);
        let origins = spread.origins as f64;
        let first = grid.node_of(origins).filter(|_| origins <= 1000.0).unwrap_or(0);
        let matrix = Matrix::new(kernel, &grid, first);
        let goal = spread.goal() as f64;
        let open = |u: f64| u < goal;
        let calls = grid.nodes.iter().map(|&(u, m)| if open(u) { spread.calls(u, m) } else { 0.0 });
        let survival = grid.nodes.iter().map(|&(u, _)| f64::from(u8::from(open(u))));
        Self {
            origins,
            calls: calls.collect(),
            survival: survival.collect(),
            messages: vec![0.0; grid.nodes.len()],
            scratch: vec![0.0; grid.nodes.len()],
            matrix,
            grid,
        }
    }
}

impl Steps for Backward {
    fn step(&mut self) {
        self.matrix.apply(&self.messages, &mut self.scratch);
        for (sum, calls) in self.scratch.iter_mut().zip(&self.calls) {
            *sum += calls;
        }
        for (after, &calls) in self.scratch.iter_mut().zip(&self.calls) {
            if calls == 0.0 {
                *after = 0.0;
            }
        }
        std::mem::swap(&mut self.messages, &mut self.scratch);
        self.matrix.apply(&self.survival, &mut self.scratch);
        for (after, &calls) in self.scratch.iter_mut().zip(&self.calls) {
            if calls == 0.0 {
                *after = 0.0;
            }
        }
        std::mem::swap(&mut self.survival, &mut self.scratch);
    }

    fn survival(&self) -> f64 {
        self.grid.read(&self.survival, self.origins)
    }

    fn messages(&self) -> f64 {
        self.grid.read(&self.messages, self.origins)
    }

    fn error(&self) -> f64 {
        // The last coefficients overstate the error of a panel by the ratio of neighbouring
        // coefficients, which is why no safety factor is needed; rounding leaves them at 1e-17.
        (0..self.grid.panels)
            .map(|panel| self.grid.panel_error(&self.survival, panel))
            .fold(0.0, f64::max)
            * (2.0 / POINTS as f64)
    }
}
