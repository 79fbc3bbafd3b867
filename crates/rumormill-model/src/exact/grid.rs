//! Where the backward engine keeps its functions of the number informed.
//!
//! Every count up to [`EDGE`] and every count within `EDGE` of the end is a node of its own.
//! Between them the functions are smooth in s = ln(u/(n−u)), and Chebyshev panels of
//! [`POINTS`] points carry them. Small populations have a node for every count.

use std::f64::consts::PI;
use std::ops::Range;

use crate::exact::dense::{Rows, dot};
use crate::exact::kernel::Kernel;
use crate::exact::row::Row;
use crate::exact::special::balance;
use crate::spread::Spread;

/// Points of a panel.
pub(crate) const POINTS: usize = 20;

/// Counts at either end that have nodes of their own.
pub(crate) const EDGE: f64 = 600.0;

/// Weights of many rounds below this are left out at the ends of a row.
const NEGLIGIBLE: f64 = 1e-30;

/// Neighbours used to read between whole counts at the late end.
const NEIGHBOURS: usize = 14;

/// The nodes, in increasing order of the number informed.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    alive: f64,
    /// (informed, uninformed) at each node.
    pub(crate) nodes: Vec<(f64, f64)>,
    /// Nodes before the first panel, and panels.
    early: usize,
    pub(crate) panels: usize,
    /// Where the panels begin, in s, and where the last one ends.
    edges: Vec<f64>,
    /// Coefficients kept.
    modes: usize,
    stride: f64,
    /// Row i turns Chebyshev coefficients into weights of the panel's points.
    cosines: Vec<[f64; POINTS]>,
}

/// What the panels must be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Panels {
    /// Their length in s = ln(u/(n−u)) while s is small or negative.
    pub(crate) width: f64,
    /// The longest a panel may be.
    pub(crate) longest: f64,
    /// How many Chebyshev coefficients they keep.
    pub(crate) modes: usize,
    /// The widest stride of a row, in standard deviations of its law.
    pub(crate) stride: f64,
}

impl Panels {
    /// How wide a panel may be before the functions bend too much for it, made `refine` times
    /// narrower.
    ///
    /// Where nodes pull, the uninformed share is raised to a power each round until losses or
    /// single nodes stop it, so the last rounds magnify a change of s by up to ln n, or by ln 1/loss
    /// and once more by the power; pushes alone magnify it by little more than the fan-out.
    ///
    /// Where a round moves s by less than a panel, thousands of readings between the same points
    /// would amplify rounding: there the highest coefficients are dropped, and panels are narrow
    /// enough not to need them.
    pub(crate) fn for_kernel(kernel: &Kernel, loss: f64, refine: f64) -> Self {
        let k = kernel.fanout;
        let magnified = if kernel.style.pulls() {
            kernel.alive.ln().min((-loss.ln() + k + 1.0).max(-0.6 * (k + 1.0) * loss.ln()))
        } else {
            (2.0 + 0.5 * k).min(kernel.alive.ln())
        };
        let width = 1.5 / magnified;
        let slow = kernel.growth() < SLOW;
        let (longest, modes) = if slow { (SLOW_LONGEST, SLOW_MODES) } else { (LONGEST, POINTS) };
        let stride = STRIDE / refine.sqrt();
        Self { width: width.min(longest) / refine, longest: longest / refine, modes, stride }
    }

    /// The narrower of the two.
    pub(crate) fn narrower(self, other: Self) -> Self {
        Self {
            width: self.width.min(other.width),
            longest: self.longest.min(other.longest),
            modes: self.modes.min(other.modes),
            stride: self.stride.min(other.stride),
        }
    }

    /// The length of a panel that begins at s.
    ///
    /// Rounds that raise the uninformed share e^{−s} to a power magnify a change of s in proportion
    /// to s, up to the same end: the later, the less is left of the magnification.
    fn length(self, s: f64) -> f64 {
        (self.width * (LATER * s).max(1.0)).min(self.longest)
    }
}

/// The longest panel, and how fast panels lengthen with s.
const LONGEST: f64 = 0.25;
const LATER: f64 = 0.5;

/// Rounds that multiply the informed by less than 1 + `SLOW` are slow.
const SLOW: f64 = 0.4;

/// The widest stride of a row on panels that are not refined, in standard deviations.
const STRIDE: f64 = 0.65;

/// Coefficients kept in slow spreads, and the longest panel there.
const SLOW_MODES: usize = 12;
const SLOW_LONGEST: f64 = 0.25;

impl Grid {
    pub(crate) fn new(alive: f64, shape: Panels) -> Self {
        let mut grid = Self {
            alive,
            nodes: Vec::new(),
            early: 0,
            panels: 0,
            edges: Vec::new(),
            cosines: cosines(shape.modes),
            modes: shape.modes,
            stride: shape.stride,
        };
        if alive <= crate::exact::dense::MAX_NODES as f64 {
            grid.early = alive as usize;
            grid.nodes.extend((1..=alive as u32).map(|u| (f64::from(u), alive - f64::from(u))));
            return grid;
        }
        grid.early = EDGE as usize;
        let high = ((alive - EDGE) / EDGE).ln();
        let mut at = -high;
        while at < high {
            grid.edges.push(at);
            at += shape.length(at);
        }
        grid.panels = grid.edges.len();
        grid.edges.push(at);
        // Shrunk to end where the late counts begin.
        let shrink = 2.0 * high / (at + high);
        grid.edges.iter_mut().for_each(|s| *s = (*s + high) * shrink - high);
        grid.nodes.extend((1..=EDGE as u32).map(|u| (f64::from(u), alive - f64::from(u))));
        for panel in 0..grid.panels {
            grid.nodes.extend((0..POINTS).map(|i| {
                let (low, high) = (grid.edges[panel], grid.edges[panel + 1]);
                let s = 0.5 * ((1.0 - point(i)) * low + (1.0 + point(i)) * high);
                split(alive, s)
            }));
        }
        grid.nodes.extend((0..=EDGE as u32).rev().map(|m| (alive - f64::from(m), f64::from(m))));
        grid
    }

    /// The length of the panel at s, or of the nearest; no bound if there are none.
    pub(crate) fn width_at(&self, s: f64) -> f64 {
        if self.panels == 0 {
            return f64::INFINITY;
        }
        let panel = self.panel_at(s);
        self.edges[panel + 1] - self.edges[panel]
    }

    fn panel_at(&self, s: f64) -> usize {
        self.edges[1..self.panels].partition_point(|&edge| edge < s)
    }

    /// Where s lies in a panel, from −1 to 1.
    fn place(&self, panel: usize, s: f64) -> f64 {
        let (low, high) = (self.edges[panel], self.edges[panel + 1]);
        ((s - low) - (high - s)) / (high - low)
    }

    /// Whether the node is one whole count (rather than a point of a panel).
    pub(crate) fn whole(&self, node: usize) -> bool {
        node < self.early || node >= self.early + self.panels * POINTS
    }

    /// The node that stands for `u` informed, where `u` is a whole count at either end.
    pub(crate) fn node_of(&self, u: f64) -> Option<usize> {
        if u <= self.early as f64 {
            return Some(u as usize - 1);
        }
        (self.alive - u <= EDGE).then(|| self.nodes.len() - 1 - (self.alive - u) as usize)
    }

    /// The values `f` read at any count; `u` and `m` as in [`Self::node_of`].
    pub(crate) fn read(&self, f: &[f64], u: f64) -> f64 {
        let mut spread = Scatter::new(self.nodes.len());
        spread.add(self, u, self.alive - u, 1.0);
        spread.flush(self);
        (spread.low..spread.high).map(|i| spread.weights[i] * f[i]).sum()
    }

    /// Weights that read a function at `u`.
    pub(crate) fn reading(&self, u: f64) -> Vec<f64> {
        let mut spread = Scatter::new(self.nodes.len());
        spread.add(self, u, self.alive - u, 1.0);
        spread.flush(self);
        spread.weights
    }

    /// The coefficients of a function on every panel, for [`Self::value`].
    pub(crate) fn coefficients(&self, f: &[f64]) -> Vec<[f64; POINTS]> {
        (0..self.panels)
            .map(|panel| {
                let values = &f[self.early + panel * POINTS..][..POINTS];
                let mut sums = [0.0; POINTS];
                for (v, row) in values.iter().zip(&self.cosines) {
                    for (sum, c) in sums.iter_mut().zip(row) {
                        *sum += v * c;
                    }
                }
                sums
            })
            .collect()
    }

    /// The value of `f` at any count, from its node values and panel coefficients.
    pub(crate) fn value(&self, f: &[f64], panels: &[[f64; POINTS]], u: f64, m: f64) -> f64 {
        if u <= EDGE {
            return f[u.round() as usize - 1];
        }
        if m <= EDGE {
            let late = &f[f.len() - 1 - EDGE as usize..];
            let pairs: Vec<[f64; 2]> = late.iter().rev().map(|&v| [v, 0.0]).collect();
            return between(&pairs, m)[0];
        }
        let s = (u / m).ln();
        let panel = self.panel_at(s);
        let x = self.place(panel, s);
        let (mut b1, mut b2) = (0.0, 0.0);
        for c in panels[panel][1..].iter().rev() {
            let b = 2.0 * x * b1 - b2 + c;
            b2 = b1;
            b1 = b;
        }
        panels[panel][0] + x * b1 - b2
    }
}

/// The i-th Chebyshev point of the first kind, increasing.
pub(crate) fn point(i: usize) -> f64 {
    -((2 * i + 1) as f64 * PI / (2 * POINTS) as f64).cos()
}

/// The coefficients on one panel of a pair of functions given at its points.
pub(crate) fn transform(
    cosines: &[[f64; POINTS]],
    values: &[[f64; 2]; POINTS],
) -> [[f64; 2]; POINTS] {
    let mut sums = [[0.0; 2]; POINTS];
    for (v, row) in values.iter().zip(cosines) {
        for (sum, c) in sums.iter_mut().zip(row) {
            sum[0] += v[0] * c;
            sum[1] += v[1] * c;
        }
    }
    sums
}

/// Row i turns the value at the i-th point into its part of the coefficients.
pub(crate) fn cosines(modes: usize) -> Vec<[f64; POINTS]> {
    (0..POINTS)
        .map(|i| {
            let mut row = [0.0; POINTS];
            let angle = PI - (2 * i + 1) as f64 * PI / (2 * POINTS) as f64;
            for (k, c) in row.iter_mut().enumerate().take(modes) {
                let norm = if k == 0 { 1.0 } else { 2.0 };
                *c = norm / POINTS as f64 * (k as f64 * angle).cos();
            }
            row
        })
        .collect()
}

/// (u, n−u) at s = ln(u/(n−u)), each to full relative precision.
pub(crate) fn split(alive: f64, s: f64) -> (f64, f64) {
    if s < 0.0 {
        let e = s.exp();
        let u = alive * (e / (1.0 + e));
        (u, alive - u)
    } else {
        let e = (-s).exp();
        let m = alive * (e / (1.0 + e));
        (alive - m, m)
    }
}

/// Weights for reading at `m` from the whole counts around it: the first of them, the weights, and
/// how many there are.
fn neighbours(m: f64) -> (usize, [f64; NEIGHBOURS], usize) {
    let mut terms = [0.0; NEIGHBOURS];
    let near = m.round();
    if m == near || m < 1.0 {
        terms[0] = 1.0;
        return (near as usize, terms, 1);
    }
    // Lagrange's formula, by barycentric weights ±C(13, i).
    let half = (NEIGHBOURS / 2 - 1) as f64;
    let first = (m.floor() - half).clamp(0.0, EDGE - (NEIGHBOURS - 1) as f64);
    let mut binomial = 1.0;
    let mut total = 0.0;
    for (i, t) in terms.iter_mut().enumerate() {
        *t = binomial / (m - (first + i as f64));
        total += *t;
        binomial *= -((NEIGHBOURS - 1 - i) as f64) / (i + 1) as f64;
    }
    terms.iter_mut().for_each(|t| *t /= total);
    (first as usize, terms, NEIGHBOURS)
}

/// Reads a pair of functions, given at m = 0, 1, …, at any m up to the edge.
pub(crate) fn between(values: &[[f64; 2]], m: f64) -> [f64; 2] {
    let (first, terms, count) = neighbours(m);
    let mut sums = [0.0; 2];
    for (v, t) in values[first..].iter().zip(&terms[..count]) {
        sums[0] += t * v[0];
        sums[1] += t * v[1];
    }
    sums
}

/// Collects the weights of one row on the grid's nodes.
#[derive(Clone, Debug)]
pub(crate) struct Scatter {
    /// Weights by node; all zero outside `low..high`.
    pub(crate) weights: Vec<f64>,
    pub(crate) low: usize,
    pub(crate) high: usize,
    panel: usize,
    coefficients: [f64; POINTS],
}

impl Scatter {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            weights: vec![0.0; nodes],
            low: nodes,
            high: 0,
            panel: usize::MAX,
            coefficients: [0.0; POINTS],
        }
    }

    /// Adds `weight` times the reading at (u, m).
    pub(crate) fn add(&mut self, grid: &Grid, u: f64, m: f64, weight: f64) {
        if grid.panels == 0 || u <= EDGE {
            self.put(u.round() as usize - 1, weight);
        } else if m <= EDGE {
            self.add_late(grid, m, weight);
        } else {
            let s = (u / m).ln();
            let open = self.panel != usize::MAX
                && grid.edges[self.panel] <= s
                && s <= grid.edges[self.panel + 1];
            if !open {
                let panel = grid.panel_at(s);
                if panel != self.panel {
                    self.flush(grid);
                    self.panel = panel;
                }
            }
            let x = grid.place(self.panel, s);
            let (mut before, mut now) = (weight, weight * x);
            self.coefficients[0] += before;
            for c in &mut self.coefficients[1..grid.modes] {
                *c += now;
                let next = 2.0 * x * now - before;
                before = now;
                now = next;
            }
        }
    }

    /// Turns what was collected for the open panel into weights of its points.
    pub(crate) fn flush(&mut self, grid: &Grid) {
        if self.panel == usize::MAX {
            return;
        }
        let first = grid.early + self.panel * POINTS;
        self.panel = usize::MAX;
        for (i, row) in grid.cosines.iter().enumerate() {
            let weight = row.iter().zip(&self.coefficients).map(|(a, b)| a * b).sum();
            self.put(first + i, weight);
        }
        self.coefficients = [0.0; POINTS];
    }

    fn add_late(&mut self, grid: &Grid, m: f64, weight: f64) {
        let last = grid.nodes.len() - 1;
        let (first, terms, count) = neighbours(m);
        for (i, t) in terms[..count].iter().enumerate() {
            self.put(last - (first + i), weight * t);
        }
    }

    fn put(&mut self, node: usize, weight: f64) {
        self.weights[node] += weight;
        self.low = self.low.min(node);
        self.high = self.high.max(node + 1);
    }

    /// Empties the collected row into the given list; gives its first node.
    pub(crate) fn take(&mut self, grid: &Grid, into: &mut Vec<f64>) -> usize {
        self.flush(grid);
        let first = self.low;
        into.extend_from_slice(&self.weights[self.low..self.high]);
        self.weights[self.low..self.high].fill(0.0);
        self.low = self.weights.len();
        self.high = 0;
        first
    }
}

/// The matrix A of one round on a grid: (A f)(u) is the mean of f after a round from u.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    /// First node and end of weights, by row.
    rows: Vec<(u32, u32)>,
    weights: Vec<f64>,
    /// The largest raw defect of any row.
    pub(crate) defect: f64,
}

impl Matrix {
    /// Builds the rows from node `first` on; the earlier ones stay put.
    pub(crate) fn new(spread: &Spread, kernel: &Kernel, grid: &Grid, first: usize) -> Self {
        if grid.panels == 0 {
            return Self::whole(spread, grid, first);
        }
        let mut row = Row::with_stride(grid.stride);
        let mut scatter = Scatter::new(grid.nodes.len());
        let mut matrix = Self { rows: Vec::new(), weights: Vec::new(), defect: 0.0 };
        for (node, &(u, m)) in grid.nodes.iter().enumerate() {
            let before = matrix.weights.len();
            let start = if node < first || m == 0.0 {
                matrix.weights.push(1.0);
                node
            } else {
                let width = grid.width_at((u / m).ln());
                row.fill(kernel, u, m, width, grid.whole(node));
                matrix.defect = matrix.defect.max(row.defect);
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

    /// The rows of a grid of whole counts, each listed in full.
    fn whole(spread: &Spread, grid: &Grid, first: usize) -> Self {
        let mut rows = Rows::new(spread);
        let mut matrix = Self { rows: Vec::new(), weights: Vec::new(), defect: 0.0 };
        let mut row = Vec::new();
        for (node, &(u, m)) in grid.nodes.iter().enumerate() {
            let start = if node < first || m == 0.0 {
                matrix.weights.push(1.0);
                node
            } else {
                let informed = rows.fill(u as usize, &mut row);
                balance(&mut row);
                matrix.weights.extend_from_slice(&row);
                informed - 1
            };
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

    /// Where the weights of a row begin.
    fn begin(&self, node: usize) -> usize {
        node.checked_sub(1).map_or(0, |before| self.rows[before].1 as usize)
    }

    /// The first node whose row, or that of one after it, looks at `node` or beyond.
    pub(crate) fn first_to_see(&self, node: usize) -> usize {
        let unseen = |&row: &usize| {
            let (first, end) = self.rows[row];
            first as usize + (end as usize - self.begin(row)) > node
        };
        (0..node).rev().take_while(unseen).last().unwrap_or(node)
    }

    /// The sum over all rounds of A to their power, of a function that is zero where a spread ends:
    /// from the last node back, for rounds lead only forward, a panel at a time.
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
        let mut squared = Self { rows: Vec::new(), weights: Vec::new(), defect: self.defect };
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

    /// One round the other way: weights of these nodes, carried forward to others, which are added
    /// to; gives the nodes reached.
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
        let weights = grid.reading(informed);
        let low = weights.iter().position(|w| *w != 0.0).unwrap_or(0);
        let high = weights.iter().rposition(|w| *w != 0.0).map_or(low, |at| at + 1);
        Self { next: vec![0.0; weights.len()], weights, nodes: low..high }
    }

    /// The mean of a function given at the nodes.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smooth_function_is_read_between_its_nodes() {
        let grid =
            Grid::new(1e9, Panels { width: 0.25, longest: 0.25, modes: POINTS, stride: STRIDE });
        let f = |u: f64| (1.0 + u / 1e4).powf(-0.7);
        let values: Vec<f64> = grid.nodes.iter().map(|&(u, _)| f(u)).collect();
        for u in [1.0, 1000.0, 1000.5, 12_345.6, 4.4e7, 9.99e8, 1e9 - 1500.0, 1e9 - 1000.0] {
            let gap = grid.read(&values, u) - f(u);
            assert!(gap.abs() < 1e-13 * f(u), "{u}: {gap:e}");
        }
    }

    #[test]
    fn late_counts_are_read_between_whole_nodes() {
        let grid =
            Grid::new(1e6, Panels { width: 0.25, longest: 0.25, modes: POINTS, stride: STRIDE });
        let f = |m: f64| (-m / 300.0).exp();
        let values: Vec<f64> = grid.nodes.iter().map(|&(_, m)| f(m)).collect();
        for m in [999.5, 731.25, 40.7] {
            let gap = grid.read(&values, 1e6 - m) - f(m);
            // 1e6 − m itself is rounded to 1e-10.
            assert!(gap.abs() < 1e-12, "{m}: {gap:e}");
        }
    }

    #[test]
    fn node_of_finds_whole_counts() {
        let grid =
            Grid::new(1e6, Panels { width: 0.25, longest: 0.25, modes: POINTS, stride: STRIDE });
        for u in [1.0, EDGE, 1e6 - EDGE, 1e6] {
            let node = grid.node_of(u).expect("a whole count");
            assert_eq!(grid.nodes[node].0, u);
            assert!(grid.whole(node));
        }
        assert_eq!(grid.node_of(5e5), None);
    }

    #[test]
    fn rows_balance_to_the_last_digit() {
        // Neither sums to one: the first is off by rounding, the second by 1e-9.
        for mut row in [vec![0.1; 10], vec![0.3 + 1e-9, 0.3, 0.4]] {
            balance(&mut row);
            let (mut high, mut low) = (0.0f64, 0.0);
            for w in row {
                let next = high + w;
                low += (high - next) + w;
                high = next;
            }
            assert!(((high - 1.0) + low).abs() < 3e-17);
        }
    }
}
