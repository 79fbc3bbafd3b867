//! One round on a grid, as a matrix: backward of functions, forward of laws.

use std::ops::Range;

use crate::exact::chebyshev::POINTS;
use crate::exact::dense::{Rows, dot};
use crate::exact::grid::{Grid, Scatter};
use crate::exact::kernel::Kernel;
use crate::exact::row::Row;
use crate::exact::special::balance;
use crate::spread::Spread;

/// Weights of many rounds below this are left out at the ends of a row.
const NEGLIGIBLE: f64 = 1e-30;

/// The matrix A of one round on a grid: (A f)(u) is the mean of f after a round from u.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// First node and end of weights, by row.
    rows: Vec<(u32, u32)>,
    weights: Vec<f64>,
}

impl Matrix {
    /// Builds the rows from node `first` on; the earlier ones stay put.
    pub(crate) fn new(spread: &Spread, kernel: &Kernel, grid: &Grid, first: usize) -> Self {
        let mut matrix = Self { rows: Vec::new(), weights: Vec::new() };
        // A grid of whole counts has each law in full.
        let mut whole = (grid.panels == 0).then(|| (Rows::new(spread), Vec::new()));
        let mut row = Row::with_stride(grid.stride);
        let mut scatter = Scatter::new(grid.nodes.len());
        for (node, &(u, m)) in grid.nodes.iter().enumerate() {
            let before = matrix.weights.len();
            let start = if node < first || m == 0.0 {
                matrix.weights.push(1.0);
                node
            } else if let Some((rows, law)) = &mut whole {
                let informed = rows.fill(u as usize, law);
                matrix.weights.extend_from_slice(law);
                informed - 1
            } else {
                let width = grid.width_at((u / m).ln());
                row.fill(kernel, u, m, width, grid.whole(node));
                for o in &row.outcomes {
                    scatter.add(grid, o.informed, o.missed, o.weight);
                }
                scatter.take(grid, &mut matrix.weights)
            };
            balance(&mut matrix.weights[before..]);
            matrix.rows.push((start as u32, matrix.weights.len() as u32));
        }
        matrix
    }

    /// One round: `to` = A `from`.
    pub(crate) fn apply(&self, from: &[f64], to: &mut [f64]) {
        self.apply_from(0, from, to);
    }

    /// As [`Self::apply`], at this node and those after it.
    pub(crate) fn apply_from(&self, node: usize, from: &[f64], to: &mut [f64]) {
        let mut begin = self.begin(node);
        for (&(first, end), out) in self.rows[node..].iter().zip(&mut to[node..]) {
            let weights = &self.weights[begin..end as usize];
            *out = dot(weights, &from[first as usize..]);
            begin = end as usize;
        }
    }

    /// Returns where the weights of a row begin.
    fn begin(&self, node: usize) -> usize {
        node.checked_sub(1).map_or(0, |before| self.rows[before].1 as usize)
    }

    /// Returns the first node whose row, or that of one after it, looks at `node` or beyond.
    pub(crate) fn first_to_see(&self, node: usize) -> usize {
        let unseen = |&row: &usize| {
            let (first, end) = self.rows[row];
            first as usize + (end as usize - self.begin(row)) > node
        };
        (0..node).rev().take_while(unseen).last().unwrap_or(node)
    }

    /// Returns the sum over all rounds of A to their power, of a function that is zero where a
    /// spread ends: from the last node back, for rounds lead only forward, a panel at a time.
    pub(crate) fn total(&self, grid: &Grid, f: &[f64]) -> Vec<f64> {
        let mut total = f.to_vec();
        let mut high = self.rows.len();
        while high > 0 {
            let in_panels = high > grid.early && high <= grid.early + grid.panels * POINTS;
            let size = if in_panels { POINTS } else { 1 };
            let low = high - size;
            let mut block = [[0.0; POINTS]; POINTS];
            for (i, equation) in block.iter_mut().enumerate().take(size) {
                let node = low + i;
                let first = self.rows[node].0 as usize;
                let weights = &self.weights[self.begin(node)..self.rows[node].1 as usize];
                // Rows sum to one: what leaves is more exact than what stays.
                let mut leaves = 0.0;
                for (to, &w) in (first..).zip(weights).filter(|(to, _)| *to != node) {
                    leaves += w;
                    if (low..high).contains(&to) {
                        equation[to - low] = -w;
                    } else if to >= high {
                        total[node] += w * total[to];
                    }
                }
                equation[i] = leaves;
                if f[node] == 0.0 {
                    *equation = [0.0; POINTS];
                    (equation[i], total[node]) = (1.0, 0.0);
                }
            }
            eliminate(&mut block, &mut total[low..high]);
            high = low;
        }
        total
    }

    /// Two rounds, or twice as many as before: the same to rounding as applying it twice.
    pub(crate) fn squared(&self) -> Self {
        let mut squared = Self { rows: Vec::new(), weights: Vec::new() };
        let mut sum = vec![0.0; self.rows.len()];
        for (i, &(first, end)) in self.rows.iter().enumerate() {
            let (mut low, mut high) = (usize::MAX, 0);
            for (j, &w) in (first as usize..).zip(&self.weights[self.begin(i)..end as usize]) {
                let (to, last) = self.rows[j];
                let row = &self.weights[self.begin(j)..last as usize];
                for (x, v) in sum[to as usize..].iter_mut().zip(row) {
                    *x += w * v;
                }
                low = low.min(to as usize);
                high = high.max(to as usize + row.len());
            }
            let kept = |x: &f64| x.abs() > NEGLIGIBLE;
            let begin = sum[low..high].iter().position(kept).map_or(low, |at| low + at);
            let end = sum[low..high].iter().rposition(kept).map_or(begin + 1, |at| low + at + 1);
            let from = squared.weights.len();
            squared.weights.extend_from_slice(&sum[begin..end]);
            balance(&mut squared.weights[from..]);
            squared.rows.push((begin as u32, squared.weights.len() as u32));
            sum[low..high].fill(0.0);
        }
        squared
    }

    /// Returns one round the other way: weights of these nodes, carried forward to others, which
    /// are added to; gives the nodes reached.
    pub(crate) fn carry(&self, from: &[f64], to: &mut [f64], nodes: Range<usize>) -> Range<usize> {
        let mut begin = self.begin(nodes.start);
        let mut reached = to.len()..0;
        for (&(first, end), &mass) in self.rows[nodes.clone()].iter().zip(&from[nodes]) {
            let weights = &self.weights[begin..end as usize];
            if mass.abs() > NEGLIGIBLE {
                for (x, w) in to[first as usize..].iter_mut().zip(weights) {
                    *x += mass * w;
                }
                reached.start = reached.start.min(first as usize);
                reached.end = reached.end.max(first as usize + weights.len());
            }
            begin = end as usize;
        }
        if reached.is_empty() { 0..0 } else { reached }
    }
}

/// A law of the number informed, as weights of nodes.
#[derive(Clone, Debug)]
pub(crate) struct Law {
    pub(crate) weights: Vec<f64>,
    /// All other weights are zero.
    pub(crate) nodes: Range<usize>,
    next: Vec<f64>,
}

impl Law {
    /// This many are informed.
    pub(crate) fn new(grid: &Grid, informed: f64) -> Self {
        let mut scatter = Scatter::new(grid.nodes.len());
        scatter.add(grid, informed, grid.alive - informed, 1.0);
        scatter.flush(grid);
        let Scatter { weights, low, high, .. } = scatter;
        Self { next: vec![0.0; weights.len()], weights, nodes: low..high }
    }

    /// Returns the mean of a function given at the nodes.
    pub(crate) fn mean(&self, f: &[f64]) -> f64 {
        dot(&self.weights[self.nodes.clone()], &f[self.nodes.clone()])
    }

    /// One round.
    pub(crate) fn step(&mut self, matrix: &Matrix) {
        let reached = matrix.carry(&self.weights, &mut self.next, self.nodes.clone());
        self.weights[self.nodes.clone()].fill(0.0);
        std::mem::swap(&mut self.weights, &mut self.next);
        self.nodes = reached;
    }
}

/// Solves as many equations as there are right-hand sides, by elimination.
fn eliminate(block: &mut [[f64; POINTS]; POINTS], sides: &mut [f64]) {
    let size = sides.len();
    for i in 0..size {
        let largest = |a: &usize, b: &usize| block[*a][i].abs().total_cmp(&block[*b][i].abs());
        let pivot = (i..size).max_by(largest).unwrap_or(i);
        block.swap(i, pivot);
        sides.swap(i, pivot);
        for row in i + 1..size {
            let factor = block[row][i] / block[i][i];
            if factor != 0.0 {
                let pivot = block[i];
                for (entry, above) in block[row][i..size].iter_mut().zip(&pivot[i..size]) {
                    *entry -= factor * above;
                }
                sides[row] -= factor * sides[i];
            }
        }
    }
    for i in (0..size).rev() {
        let later: f64 = (i + 1..size).map(|j| block[i][j] * sides[j]).sum();
        sides[i] = (sides[i] - later) / block[i][i];
    }
}
