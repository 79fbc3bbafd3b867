//! The backward engine: `f_t(u)` = P(T > t | u know) obeys f_{t+1} = A `f_t` with one fixed A.

use super::Steps;
use crate::exact::grid::{Grid, Matrix, Panels};
use crate::exact::kernel::Kernel;
use crate::spread::Spread;

pub(super) struct Backward {
    grid: Grid,
    matrix: Matrix,
    origins: f64,
    /// Contacts of one round from each node; none once the goal is met.
    calls: Vec<f64>,
    /// `f_t` and the contacts expected in rounds 1..=t while unfinished.
    survival: Vec<f64>,
    messages: Vec<f64>,
    /// Room for the next round of both.
    next: [Vec<f64>; 2],
    leap: Option<Leap>,
    /// Rounds so far.
    rounds: u64,
}

/// Spreads of more rounds than this go M rounds at a leap: what r more rounds do is read by weights
/// of the nodes, worked out once.
const MANY_ROUNDS: f64 = 2000.0;

/// How many rounds a leap takes in a spread of that many: more make its matrix wide.
pub(super) fn leap(rounds: f64) -> usize {
    if rounds <= MANY_ROUNDS {
        1
    } else if rounds <= 10.0 * MANY_ROUNDS {
        8
    } else {
        16
    }
}

struct Leap {
    rounds: Matrix,
    /// Contacts expected in M rounds.
    calls: Vec<f64>,
    /// Weights that read at the origins what 0, 1, …, M−1 rounds make of a function, where they
    /// begin, and the contacts expected in those rounds.
    rows: Vec<(usize, Vec<f64>, f64)>,
    /// Rounds since the last leap.
    since: usize,
}

impl Backward {
    pub(super) fn new(spread: &Spread, kernel: &Kernel, refine: u32) -> Self {
        Self::on(spread, kernel, Self::panels(spread, kernel, refine))
    }

    pub(super) fn panels(spread: &Spread, kernel: &Kernel, refine: u32) -> Panels {
        Panels::for_kernel(kernel, spread.loss, refine)
    }

    /// On panels that are given.
    pub(super) fn on(spread: &Spread, kernel: &Kernel, panels: Panels) -> Self {
        let grid = Grid::new(kernel.alive, panels);
        let origins = spread.origins as f64;
        let first =
            grid.node_of(origins).filter(|_| origins <= crate::exact::grid::EDGE).unwrap_or(0);
        let matrix = Matrix::new(spread, kernel, &grid, first);
        let goal = spread.goal() as f64;
        let open = |u: f64| u < goal;
        let calls = grid.nodes.iter().map(|&(u, m)| if open(u) { spread.calls(u, m) } else { 0.0 });
        let survival = grid.nodes.iter().map(|&(u, _)| f64::from(u8::from(open(u))));
        Self {
            origins,
            calls: calls.collect(),
            survival: survival.collect(),
            messages: vec![0.0; grid.nodes.len()],
            next: [vec![0.0; grid.nodes.len()], vec![0.0; grid.nodes.len()]],
            matrix,
            grid,
            leap: None,
            rounds: 0,
        }
    }

    /// Goes in leaps where the rounds are many; for a goal that is everyone.
    pub(super) fn in_leaps(mut self, rounds: f64) -> Self {
        let doublings = leap(rounds).ilog2();
        if doublings == 0 {
            return self;
        }
        let mut row = self.origin();
        let mut next = row.clone();
        let mut after = vec![0.0; row.len()];
        let (mut rows, mut messages) = (Vec::new(), 0.0);
        for _ in 0..1u32 << doublings {
            let low = row.iter().position(|w| *w != 0.0).unwrap_or(0);
            let high = row.iter().rposition(|w| *w != 0.0).map_or(low, |at| at + 1);
            rows.push((low, row[low..high].to_vec(), messages));
            messages += row.iter().zip(&self.calls).map(|(w, c)| w * c).sum::<f64>();
            self.matrix.carry(&row, &mut next);
            std::mem::swap(&mut row, &mut next);
            self.matrix.apply(&after, &mut next);
            for (sum, calls) in next.iter_mut().zip(&self.calls) {
                *sum += calls;
            }
            std::mem::swap(&mut after, &mut next);
            // `next` held the old row: it is written anew in the next round.
        }
        let rounds = (0..doublings).fold(self.matrix.clone(), |matrix, _| matrix.squared());
        self.leap = Some(Leap { rounds, calls: after, rows, since: 0 });
        self
    }

    /// Weights that read a function at the origins.
    pub(super) fn origin(&self) -> Vec<f64> {
        self.grid.reading(self.origins)
    }

    /// Weights that read at the origins what `rounds` rounds make of a function.
    pub(super) fn origin_after(&self, rounds: u64) -> Vec<f64> {
        let mut row = self.origin();
        let mut next = vec![0.0; row.len()];
        for _ in 0..rounds {
            self.matrix.carry(&row, &mut next);
            std::mem::swap(&mut row, &mut next);
        }
        row
    }

    /// P(T > t) and the contacts of rounds 1..=t, by weights of the nodes.
    pub(super) fn read(&self, row: &[f64]) -> [f64; 2] {
        [&self.survival, &self.messages].map(|f| row.iter().zip(f).map(|(w, x)| w * x).sum())
    }

    /// The matrix of one round and its grid, when the spread itself is done with.
    pub(super) fn into_parts(self) -> (Grid, Matrix) {
        (self.grid, self.matrix)
    }
}

impl Steps for Backward {
    fn step(&mut self) {
        self.rounds += 1;
        if let Some(leap) = &mut self.leap {
            leap.since += 1;
            if leap.since < leap.rows.len() {
                return;
            }
            leap.since = 0;
            let [survival, messages] = &mut self.next;
            leap.rounds.apply_both([&self.survival, &self.messages], [survival, messages]);
            for (sum, calls) in messages.iter_mut().zip(&leap.calls) {
                *sum += calls;
            }
            std::mem::swap(&mut self.survival, survival);
            std::mem::swap(&mut self.messages, messages);
            return;
        }
        let [survival, messages] = &mut self.next;
        self.matrix.apply_both([&self.survival, &self.messages], [survival, messages]);
        for ((p, sum), &calls) in survival.iter_mut().zip(messages.iter_mut()).zip(&self.calls) {
            if calls == 0.0 {
                (*p, *sum) = (0.0, 0.0);
            } else {
                *sum += calls;
            }
        }
        std::mem::swap(&mut self.survival, survival);
        std::mem::swap(&mut self.messages, messages);
    }

    fn survival(&self) -> f64 {
        let Some(leap) = &self.leap else { return self.grid.read(&self.survival, self.origins) };
        let (low, row, _) = &leap.rows[leap.since];
        row.iter().zip(&self.survival[*low..]).map(|(w, f)| w * f).sum()
    }

    fn messages(&self) -> f64 {
        let Some(leap) = &self.leap else { return self.grid.read(&self.messages, self.origins) };
        let (low, row, calls) = &leap.rows[leap.since];
        calls + row.iter().zip(&self.messages[*low..]).map(|(w, f)| w * f).sum::<f64>()
    }

    fn error(&self) -> f64 {
        // What two panels make of it is compared by the caller; this is for what both share.
        f64::EPSILON * (16.0 + 0.5 * self.rounds as f64)
    }
}
