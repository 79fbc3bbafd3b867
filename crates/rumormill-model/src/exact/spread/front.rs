//! The backward engine for a goal short of everyone.
//!
//! P(T > t | u know) is then a front: 1 below some count, 0 above another, and between them a step
//! only √n wide, because in a large population almost all of the randomness is in the first few
//! nodes. No fixed panels resolve that, so here they move: each round back, the window in which the
//! front lies is found anew, and panels are split there until they carry it.

use super::Steps;
use crate::exact::chebyshev::{self, POINTS, place, point, point_between};
use crate::exact::grid::matrix::Matrix;
use crate::exact::grid::{EDGE, Grid, Panels, between, split};
use crate::exact::kernel::{Kernel, Outcome};
use crate::exact::row::Row;
use crate::spread::Spread;

/// Panels are split until their last coefficients are below this, and below `SHARPNESS` times √n:
/// rounding moves a front by a part of 1e-16 of n, and the front is √n wide.
const TOLERANCE: f64 = 4e-15;
const SHARPNESS: f64 = 4e-16;

/// The widest stride of a row, in standard deviations of its law, and of the front: what a sum on a
/// stride h leaves out of a front σ wide is a part of e^{−2π²σ²/h²}.
const STRIDE: f64 = 0.3;
const SHARP_STRIDE: f64 = 0.6;

/// What both of two computations may have in common, beside the sharpness: roundings of a row.
const SHARED: f64 = 2e-13;

/// The largest coefficients that can be rounding, in units of the least that are asked for.
const ROUNDED: f64 = 100.0;

/// The most panels of one front; the error says what is left.
const MOST_PANELS: usize = 250;

/// Two functions of the number informed: P(T > t), and the contacts of round t+1 if T > t.
type Pair = [f64; 2];

/// A stretch of counts and the Chebyshev coefficients of both functions there.
#[derive(Clone, Debug)]
struct Panel {
    low: f64,
    high: f64,
    coefficients: [Pair; POINTS],
}

/// The front after some rounds.
#[derive(Clone, Debug, Default)]
struct Wave {
    /// Values at 1..=EDGE informed, and at 0..=EDGE uninformed.
    early: Vec<Pair>,
    late: Vec<Pair>,
    /// Of the informed; of the uninformed if there are fewer of them: small counts have the digits.
    panels: Vec<Panel>,
    by_missed: bool,
    /// About the shortest standard deviation of the front.
    sharpest: f64,
    /// Below the first count nothing is finished; from the second on everything is.
    begins: f64,
    ends: f64,
}

/// The row of a whole count, and the widest stride it was made for.
#[derive(Clone, Debug, Default)]
struct Kept {
    stride: f64,
    outcomes: Vec<Outcome>,
}

pub(super) struct Front {
    spread: Spread,
    kernel: Kernel,
    refine: f64,
    goal: f64,
    origins: f64,
    grid: Grid,
    /// Fronts need all coefficients, even where the grid drops the highest.
    cosines: Vec<[f64; POINTS]>,
    matrix: Matrix,
    /// Contacts of round t+1 with no goal set, on the grid, and as coefficients of its panels.
    calls: Vec<f64>,
    scratch: Vec<f64>,
    smooth: Vec<[[f64; 1]; POINTS]>,
    wave: Wave,
    round: u64,
    row: Row,
    /// The longest stride of this round.
    stride: f64,
    /// By the number informed, and beyond `EDGE` by the number uninformed.
    kept: Vec<Kept>,
    messages: f64,
    error: f64,
}

impl Front {
    pub(super) fn new(spread: &Spread, kernel: Kernel, refine: f64) -> Self {
        let grid = Grid::new(kernel.alive, Panels::for_kernel(&kernel, spread.loss, refine));
        let matrix = Matrix::new(spread, &kernel, &grid, 0);
        let calls: Vec<f64> = grid.nodes.iter().map(|&(u, m)| spread.calls(u, m)).collect();
        let goal = spread.goal() as f64;
        let mut front = Self {
            spread: spread.clone(),
            refine,
            goal,
            origins: spread.origins as f64,
            smooth: grid.coefficients(&calls),
            scratch: vec![0.0; calls.len()],
            calls,
            matrix,
            wave: Wave { begins: goal, ends: goal, sharpest: f64::INFINITY, ..Wave::default() },
            round: 0,
            row: Row::with_stride(STRIDE / refine.sqrt()),
            stride: 0.0,
            kept: vec![Kept::default(); 2 * EDGE as usize + 2],
            messages: 0.0,
            error: 0.0,
            cosines: chebyshev::cosines(POINTS),
            grid,
            kernel,
        };
        front.messages = front.read_origin()[1];
        front
    }

    /// Both functions at a count.
    fn read(&self, u: f64, m: f64) -> Pair {
        let wave = &self.wave;
        if u >= wave.ends {
            return [0.0, 0.0];
        }
        if u < wave.begins {
            return [1.0, self.grid.value(&self.calls, &self.smooth, u, m)];
        }
        if u <= EDGE {
            return wave.early[u.round() as usize - 1];
        }
        if m <= EDGE {
            return between(|m| wave.late[m], m);
        }
        let at = if wave.by_missed { m } else { u };
        let panel = wave.panels.partition_point(|p| p.high < at).min(wave.panels.len() - 1);
        let Panel { low, high, coefficients } = &wave.panels[panel];
        chebyshev::value(coefficients, place(at, *low, *high))
    }

    fn read_origin(&self) -> Pair {
        self.read(self.origins, self.kernel.alive - self.origins)
    }

    /// Both functions one round further back, at a count.
    fn pull_back(&mut self, u: f64, m: f64, whole: bool) -> Pair {
        if u >= self.goal {
            return [0.0, 0.0];
        }
        if self.round == 0 {
            // The goal is a step, which no stride may jump: sum up to it exactly.
            let last = self.goal - 1.0;
            return self.row.fill_below(&self.kernel, u, m, last, |u, m| self.spread.calls(u, m));
        }
        let mut row = std::mem::replace(&mut self.row, Row::with_stride(0.0));
        let mut kept = Kept::default();
        let at = if u <= EDGE { u as usize } else { EDGE as usize + 1 + m as usize };
        let outcomes = if whole {
            // The rows of whole counts serve round after round, while their stride is short enough.
            std::mem::swap(&mut kept, &mut self.kept[at]);
            if kept.outcomes.is_empty() || kept.stride > self.stride {
                row.fill(&self.kernel, u, m, f64::INFINITY, true);
                kept = Kept { stride: self.stride, outcomes: row.outcomes.clone() };
            }
            &kept.outcomes
        } else {
            row.fill(&self.kernel, u, m, f64::INFINITY, false);
            &row.outcomes
        };
        let mut sums = [0.0; 2];
        for o in outcomes {
            let value = self.read(o.informed, o.missed);
            sums[0] += o.weight * value[0];
            sums[1] += o.weight * value[1];
        }
        if whole {
            self.kept[at] = kept;
        }
        self.row = row;
        sums
    }

    /// Splits a stretch until its panels carry both functions: until the last coefficients are
    /// small, or no longer fall although the panel was halved, for then they are rounding.
    fn resolve(&mut self, low: f64, high: f64, before: f64, next: &mut Wave) {
        let alive = self.kernel.alive;
        let mut values = [[0.0; 2]; POINTS];
        let mut steepest = 0.0f64;
        for i in 0..POINTS {
            let at = point_between(i, low, high);
            let (u, m) = if next.by_missed { (alive - at, at) } else { (at, alive - at) };
            values[i] = self.pull_back(u, m, false);
            if i > 0 {
                let step = 0.5 * (point(i) - point(i - 1)) * (high - low);
                steepest = steepest.max((values[i][0] - values[i - 1][0]).abs() / step);
            }
        }
        let coefficients = chebyshev::transform(&self.cosines, &values);
        // Contacts count up to one call of everybody.
        let size = self.kernel.fanout * self.kernel.alive;
        let tail = |c: &Pair| c[0].abs().max(c[1].abs() / size);
        let rounding = TOLERANCE + SHARPNESS * alive.sqrt();
        let error = coefficients[POINTS - 2..].iter().map(tail).fold(0.0, f64::max);
        if error < rounding
            || error < ROUNDED * rounding && error > 0.05 * before
            || next.panels.len() >= MOST_PANELS
        {
            self.error = self.error.max(error);
            next.sharpest = next.sharpest.min(0.4 / steepest);
            next.panels.push(Panel { low, high, coefficients });
            return;
        }
        let middle = 0.5 * (low + high);
        self.resolve(low, middle, error, next);
        self.resolve(middle, high, error, next);
    }

    /// Returns the counts between which the front lies one round further back.
    fn window(&self) -> (f64, f64) {
        let alive = self.kernel.alive;
        let bisect = |before: &dyn Fn(f64, f64) -> bool| {
            let (mut low, mut high) = (-alive.ln() - 1.0, alive.ln() + 1.0);
            for _ in 0..70 {
                let middle = 0.5 * (low + high);
                let (u, m) = split(alive, middle);
                if u <= 1.0 || (m > 1.0 && before(u, m)) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            split(alive, low).0.max(1.0)
        };
        // All outcomes before the front begins; some outcome before it ends.
        let begins = bisect(&|u, m| Row::reach(&self.kernel, u, m).1 < self.wave.begins - 1.0);
        let ends = bisect(&|u, m| Row::reach(&self.kernel, u, m).0 < self.wave.ends + 1.0);
        (begins.floor(), (ends.ceil() + 1.0).min(self.goal))
    }
}

impl Steps for Front {
    fn step(&mut self) {
        self.error = 0.0;
        let alive = self.kernel.alive;
        let (begins, ends) = self.window();
        let by_missed = begins > 0.5 * alive;
        let mut next = Wave { begins, ends, by_missed, sharpest: f64::INFINITY, ..Wave::default() };
        self.stride = SHARP_STRIDE * self.wave.sharpest / self.refine.sqrt();
        self.row.set_longest_stride(self.stride);
        if begins <= EDGE {
            for u in 1..=EDGE as u32 {
                let u = f64::from(u);
                let value = if u < begins || u >= ends {
                    [f64::NAN; 2]
                } else {
                    self.pull_back(u, alive - u, true)
                };
                next.early.push(value);
            }
        }
        if ends >= alive - EDGE {
            for m in 0..=EDGE as u32 {
                let m = f64::from(m);
                next.late.push(self.pull_back(alive - m, m, true));
            }
        }
        let (mut low, mut high) = (begins.max(EDGE), ends.min(alive - EDGE));
        if low < high {
            if next.by_missed {
                (low, high) = (alive - high, alive - low);
            }
            let pieces = if self.refine > 1.0 { 5 } else { 3 };
            let at = |i: u32| low + (high - low) * f64::from(i) / f64::from(pieces);
            for i in 0..pieces {
                self.resolve(at(i), at(i + 1), f64::INFINITY, &mut next);
            }
        }
        let slope = |pair: &[Pair]| (pair[0][0] - pair[1][0]).abs();
        let steepest = next.early.windows(2).chain(next.late.windows(2)).map(slope);
        next.sharpest = next.sharpest.min(0.4 / steepest.fold(0.0, f64::max));
        // The contacts of the free spread, one round further back.
        self.matrix.apply(&self.calls, &mut self.scratch);
        std::mem::swap(&mut self.calls, &mut self.scratch);
        self.smooth = self.grid.coefficients(&self.calls);
        self.wave = next;
        self.round += 1;
        self.messages += self.read_origin()[1];
    }

    fn survival(&self) -> f64 {
        self.read_origin()[0].clamp(0.0, 1.0)
    }

    fn messages(&self) -> f64 {
        // Contacts of the rounds begun unfinished: the last term belongs to the next round.
        self.messages - self.read_origin()[1]
    }

    fn error(&self) -> f64 {
        SHARED + 4.0 * SHARPNESS * self.kernel.alive.sqrt() + 8.0 * self.error
    }
}
