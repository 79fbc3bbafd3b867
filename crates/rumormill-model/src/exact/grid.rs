//! The nodes at which the backward engine keeps its functions of the number informed.
//!
//! Every count up to [`EDGE`] and every count within `EDGE` of the end is a node of its own.
//! Between them the functions are smooth in s = ln(u/(n−u)), and Chebyshev panels of
//! [`POINTS`] points carry them. Small populations have a node for every count.

pub(crate) mod matrix;

use crate::exact::chebyshev::{self, POINTS, cosines, place, point_between};
use crate::exact::kernel::Kernel;

/// Counts at either end that have nodes of their own.
pub(crate) const EDGE: f64 = 600.0;

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
    /// single nodes stop it, so the last rounds magnify a change of s by up to ln n, or by ln
    /// 1/loss and once more by the power; pushes alone magnify it by little more than the fan-out.
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

    /// Returns the length of a panel that begins at s.
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
            grid.nodes.extend(
                (0..POINTS).map(|i| {
                    split(alive, point_between(i, grid.edges[panel], grid.edges[panel + 1]))
                }),
            );
        }
        grid.nodes.extend((0..=EDGE as u32).rev().map(|m| (alive - f64::from(m), f64::from(m))));
        grid
    }

    /// Returns the length of the panel at s, or of the nearest; no bound if there are none.
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

    /// Returns the place of s in a panel, from −1 to 1.
    fn place(&self, panel: usize, s: f64) -> f64 {
        place(s, self.edges[panel], self.edges[panel + 1])
    }

    /// Returns whether the node is one whole count (rather than a point of a panel).
    pub(crate) fn whole(&self, node: usize) -> bool {
        node < self.early || node >= self.early + self.panels * POINTS
    }

    /// Returns the coefficients of a function on every panel, for [`Self::value`].
    pub(crate) fn coefficients(&self, f: &[f64]) -> Vec<[[f64; 1]; POINTS]> {
        let panels = f[self.early..][..self.panels * POINTS].chunks(POINTS);
        let values = |panel: &[f64]| panel.iter().map(|&v| [v]).collect::<Vec<_>>();
        panels.map(|panel| chebyshev::transform(&self.cosines, &values(panel))).collect()
    }

    /// Returns the value of `f` at any count, from its node values and panel coefficients.
    pub(crate) fn value(&self, f: &[f64], panels: &[[[f64; 1]; POINTS]], u: f64, m: f64) -> f64 {
        if u <= EDGE {
            return f[u.round() as usize - 1];
        }
        if m <= EDGE {
            return between(|m| [f[f.len() - 1 - m]], m)[0];
        }
        let s = (u / m).ln();
        let panel = self.panel_at(s);
        chebyshev::value(&panels[panel], self.place(panel, s))[0]
    }
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

/// Returns the values of functions given at m = 0, 1, …, at any m up to the edge.
pub(crate) fn between<const N: usize>(values: impl Fn(usize) -> [f64; N], m: f64) -> [f64; N] {
    let (first, terms, count) = neighbours(m);
    let mut sums = [0.0; N];
    for (i, t) in terms[..count].iter().enumerate() {
        let v = values(first + i);
        (0..N).for_each(|part| sums[part] += t * v[part]);
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
            self.add_to_panel(grid.place(self.panel, s), weight);
        }
    }

    /// Adds `weight` times the Chebyshev polynomials at x. Four at a time, each from the ones four and
    /// eight before: `T_{k+4} = 2 T_4 T_k − T_{k−4}`.
    fn add_to_panel(&mut self, x: f64, weight: f64) {
        let two = 2.0 * x * x - 1.0;
        let three = x * (2.0 * two - 1.0);
        let twice = 2.0 * (2.0 * two * two - 1.0);
        let mut now = [weight, weight * x, weight * two, weight * three];
        // T_{−k} = T_k
        let mut before = [0.5 * twice * weight, now[3], now[2], now[1]];
        for group in self.coefficients.chunks_exact_mut(4) {
            for i in 0..4 {
                group[i] += now[i];
                let next = twice * now[i] - before[i];
                before[i] = now[i];
                now[i] = next;
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

#[cfg(test)]
mod tests {
    use super::matrix::Law;
    use super::*;

    fn grid(alive: f64) -> Grid {
        Grid::new(alive, Panels { width: 0.25, longest: 0.25, modes: POINTS, stride: STRIDE })
    }

    #[test]
    fn a_smooth_function_is_read_between_its_nodes() {
        let grid = grid(1e9);
        let f = |u: f64| (1.0 + u / 1e4).powf(-0.7);
        let values: Vec<f64> = grid.nodes.iter().map(|&(u, _)| f(u)).collect();
        for u in [1.0, 1000.0, 1000.5, 12_345.6, 4.4e7, 9.99e8, 1e9 - 1500.0, 1e9 - 1000.0] {
            let gap = Law::new(&grid, u).mean(&values) - f(u);
            assert!(gap.abs() < 1e-13 * f(u), "{u}: {gap:e}");
            let value = grid.value(&values, &grid.coefficients(&values), u, 1e9 - u);
            assert!((value - f(u)).abs() < 1e-13 * f(u), "{u}: {value:e}");
        }
    }

    #[test]
    fn late_counts_are_read_between_whole_nodes() {
        let grid = grid(1e6);
        let f = |m: f64| (-m / 300.0).exp();
        let values: Vec<f64> = grid.nodes.iter().map(|&(_, m)| f(m)).collect();
        for m in [999.5, 731.25, 40.7] {
            let gap = Law::new(&grid, 1e6 - m).mean(&values) - f(m);
            // 1e6 − m itself is rounded to 1e-10.
            assert!(gap.abs() < 1e-12, "{m}: {gap:e}");
        }
    }

    #[test]
    fn counts_at_either_end_have_nodes_of_their_own() {
        let grid = grid(1e6);
        let last = grid.nodes.len() - 1;
        for (node, u) in [(0, 1.0), (599, EDGE), (last - 600, 1e6 - EDGE), (last, 1e6)] {
            assert_eq!(grid.nodes[node].0, u);
            assert!(grid.whole(node));
        }
        assert!(!grid.whole(600) && !grid.whole(last - 601));
    }
}
