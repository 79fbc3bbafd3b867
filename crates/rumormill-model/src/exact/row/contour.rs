//! Rows by a trapezoid sum on a circle.
//!
//! On x = b e^{iθ} the closed form is a mixture, with complex weights, of binomial laws: the picks
//! of b balls, made Poisson with "mean" x, strike every node on its own. So
//! P(j) = Bin(j) · ∫ e^{E(θ) + dℓ(θ)} dθ, where Bin is the binomial law at θ = 0, d = j − its mean,
//! and E and ℓ vanish at θ = 0. Both are written below so that their large linear parts, which
//! cancel, never appear.

use std::f64::consts::PI;

use super::Row;
use crate::exact::complex::Complex;
use crate::exact::kernel::{Kernel, Outcome};
use crate::exact::special::{Binomial, stirling_error};

/// Standard deviations kept on either side: e^{−11.5²/2} = 2e-29.
const REACH: f64 = 11.5;

/// The same for laws so wide that the functions hardly change across them: a part of 2e-21.
const WIDE: f64 = 1e3;
const WIDE_REACH: f64 = 9.5;

/// Outcomes kept beyond `REACH`, for laws as skew as a Poisson law of small mean.
const EXTRA: f64 = 24.0;

/// Laws narrower than this are summed at every count.
const NARROW: f64 = 4.0;

/// Laws with a mean below this count of told or missed are summed at whole counts: 150 is more
/// than `REACH` standard deviations of a Poisson law.
const CORNER: f64 = 150.0;

/// Points per standard deviation where the law is cut off at a count.
const FINE: f64 = 24.0;

/// Derivatives of a function in units of the length below which it does not bend.
const BENDS: f64 = 4.0;

/// Points of the quadrature that carries the correction for distinct targets.
const CORRECTION_POINTS: usize = 10;

/// Points of the circle that are carried along side by side.
const LANES: usize = 8;

/// Some points of the circle, by real and imaginary parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nodes {
    /// e^{E(θ) + dℓ(θ)} at the first d.
    value: [[f64; LANES]; 2],
    /// e^{hℓ(θ)}, the step from one d to the next.
    step: [[f64; LANES]; 2],
}

impl Nodes {
    /// Points that add nothing.
    const NONE: Self = Self { value: [[0.0; LANES]; 2], step: [[0.0; LANES]; 2] };

    /// Adds the values at one d after another to sums, each of which is in two parts.
    fn add_to(&self, sums: &mut [[f64; 2]]) {
        let ([mut re, mut im], [step_re, step_im]) = (self.value, self.step);
        for sum in sums {
            for i in 0..2 {
                sum[i] += (re[i] + re[i + 2]) + (re[i + 4] + re[i + 6]);
            }
            for i in 0..LANES {
                let (a, b) = (re[i], im[i]);
                re[i] = a * step_re[i] - b * step_im[i];
                im[i] = a * step_im[i] + b * step_re[i];
            }
        }
    }
}

/// The shape of one row.
#[derive(Clone, Copy)]
struct Shape {
    m: f64,
    /// Picks, and picks per node: b and a = bq.
    b: f64,
    a: f64,
    /// Chance to be missed and to be told, at θ = 0.
    w: f64,
    told: f64,
    /// Means at θ = 0.
    mean_told: f64,
    mean_missed: f64,
    /// Curvature of the contour's exponent and the slope of ℓ at θ = 0.
    curvature: f64,
    slope: f64,
    variance: f64,
}

impl Shape {
    fn new(kernel: &Kernel, u: f64, m: f64) -> Self {
        let own = kernel.own_miss(u, m);
        let b = if kernel.has_pushes() { kernel.fanout * u } else { 0.0 };
        let a = b * kernel.q;
        let w = own.miss * (-a).exp();
        let told = own.hit - own.miss * (-a).exp_m1();
        let binomial = m * w * told;
        let (curvature, slope, variance) = if b > 0.0 {
            let curvature = (b * (1.0 - m * kernel.q * a * w / told)).max(0.0);
            let slope = a / told;
            let pinned = slope * slope * binomial;
            (curvature, slope, binomial * curvature / (curvature + pinned))
        } else {
            (0.0, 0.0, binomial)
        };
        Self {
            m,
            b,
            a,
            w,
            told,
            mean_told: m * told,
            mean_missed: m * w,
            curvature,
            slope,
            variance,
        }
    }

    /// Returns whether a function that is smooth over `smooth` cannot tell the law from three
    /// points: in units of the scale on which the function bends the law's third cumulant is below
    /// 1e-15, and so are the terms beyond the fifth.
    fn needs_three(&self, u: f64, smooth: f64) -> bool {
        let (after, left) = (u + self.mean_told, self.mean_missed);
        let least = self.mean_told.min(left);
        if least < 1e6 || !smooth.is_finite() {
            return false;
        }
        // Standard deviation in the logit, against the scale; a skewness is about one over the
        // standard deviation of a Poisson law.
        let logit = self.variance.sqrt() * (1.0 / after + 1.0 / left);
        let bend = logit * BENDS / smooth;
        bend.powi(3) < 6e-15 * self.variance.sqrt() && bend < 2e-3
    }

    /// Returns by how much the mean number missed exceeds that at θ = 0.
    fn more_missed(&self, kernel: &Kernel, u: f64) -> f64 {
        let excess = if self.b > 0.0 { (u * kernel.ln_miss_excess()).exp_m1() } else { 0.0 };
        self.mean_missed * excess
    }

    /// Returns whether the integrand dies out well before θ = π.
    fn localised(&self) -> bool {
        self.curvature > 30.0
    }
}

/// Where the law is evaluated: at `count` points, `stride` apart, from `first` told upwards.
struct Lattice {
    first_told: f64,
    first_missed: f64,
    first_gap: f64,
    stride: f64,
    count: usize,
}

impl Lattice {
    fn new(shape: &Shape, u: f64, smooth: f64, widest: f64, whole: bool) -> Self {
        let sd = shape.variance.sqrt();
        let (u_after, m_after) = (u + shape.mean_told, shape.mean_missed.max(1.0));
        let bend = 0.1 * smooth * u_after * m_after / (u_after + m_after);
        let mut stride = if sd < NARROW { 1.0 } else { widest.min(bend).max(1.0) };
        // Near an end of its range a law is not smooth between its whole counts.
        let counts = whole || sd < NARROW || shape.mean_told.min(shape.mean_missed) < CORNER;
        if counts {
            stride = stride.floor();
        }
        // A point of the law's natural lattice near the mean, as (told, missed, told − mean).
        let from_told = |j: f64| (j, shape.m - j, j - shape.mean_told);
        let centre = if !counts {
            (shape.mean_told, shape.mean_missed, 0.0)
        } else if !whole && shape.b > 0.0 && !shape.localised() {
            // Nearly every pick tells someone new: the collisions b − j are whole.
            from_told(shape.b - (shape.b - shape.mean_told).round())
        } else if shape.mean_told < shape.mean_missed {
            from_told(shape.mean_told.round())
        } else {
            let missed = shape.mean_missed.round();
            (shape.m - missed, missed, shape.mean_missed - missed)
        };
        Self::around(shape, centre, stride)
    }

    /// All points within reach of the mean, through the point `centre`.
    fn around(shape: &Shape, centre: (f64, f64, f64), stride: f64) -> Self {
        let sd = shape.variance.sqrt();
        let reach = if sd > WIDE { WIDE_REACH * sd } else { REACH * sd + EXTRA };
        // From the mean, not below zero told or missed, and no more told than picks were made.
        let least = (-reach - centre.2).max(-centre.0);
        let mut most = (reach - centre.2).min(centre.1);
        if shape.b > 0.0 && !shape.localised() {
            most = most.min(shape.b - centre.0);
        }
        let from = (least / stride - 1e-9).ceil();
        let to = (most / stride + 1e-9).floor();
        Self {
            first_told: centre.0 + from * stride,
            first_missed: centre.1 - from * stride,
            first_gap: centre.2 + from * stride,
            stride,
            count: if to < from { 0 } else { (to - from) as usize + 1 },
        }
    }
}

impl Row {
    /// Returns whether the law is given at every count.
    pub(super) fn by_contour(
        &mut self,
        kernel: &Kernel,
        u: f64,
        m: f64,
        smooth: f64,
        whole: bool,
    ) -> bool {
        let shape = Shape::new(kernel, u, m);
        if shape.needs_three(u, smooth) && !whole {
            self.by_three(kernel, u, m, &shape);
            return false;
        }
        let widest = (self.stride_per_deviation * shape.variance.sqrt()).min(self.longest_stride);
        let lattice = Lattice::new(&shape, u, smooth, widest, whole);
        let (total, moment) = self.evaluate(kernel, u, m, &shape, &lattice);
        self.defect = (total * lattice.stride - 1.0).abs();
        // The mean is known exactly: tilt the law by what rounding moved it.
        let mean = -shape.more_missed(kernel, u);
        let tilt =
            if shape.variance > 1.0 { (mean - moment / total) / shape.variance } else { 0.0 };
        let first = self.outcomes.first().map_or(0.0, |o| o.missed);
        let origin = lattice.first_gap + (lattice.first_missed - first);
        for o in &mut self.outcomes {
            let gap = origin + (first - o.missed);
            o.weight *= (1.0 + tilt * (gap - mean)) / total;
        }
        whole && lattice.stride == 1.0
    }

    /// Three points with the law's mean and variance, and the third and fifth moments of a normal
    /// law: all that a function sees which hardly bends across it.
    fn by_three(&mut self, kernel: &Kernel, u: f64, m: f64, shape: &Shape) {
        let step = (3.0 * shape.variance).sqrt();
        let shift = -shape.more_missed(kernel, u);
        for (gap, weight) in [(shift - step, 1.0), (shift, 4.0), (shift + step, 1.0)] {
            let missed = shape.mean_missed - gap;
            let told = shape.mean_told + gap;
            let informed = if u < m { u + told } else { kernel.alive - missed };
            self.outcomes.push(Outcome { informed, missed, weight: weight / 6.0 });
        }
    }

    /// Returns the law at every point of the lattice where it is positive; gives its sum and the
    /// sum of weight times deviation.
    fn evaluate(
        &mut self,
        kernel: &Kernel,
        u: f64,
        m: f64,
        shape: &Shape,
        lattice: &Lattice,
    ) -> (f64, f64) {
        let front = self.place_nodes(kernel, u, shape, lattice);
        if shape.b > 0.0 {
            self.sums.clear();
            self.sums.resize(lattice.count, [0.0; 2]);
            for nodes in &self.nodes {
                nodes.add_to(&mut self.sums);
            }
        }
        let binomial = Binomial::new(shape.m, shape.mean_told, shape.mean_missed);
        let (mut total, mut moment) = (0.0, 0.0);
        for i in 0..lattice.count {
            let along = i as f64 * lattice.stride;
            let told = positive(lattice.first_told + along);
            let missed = positive(lattice.first_missed - along);
            let gap = lattice.first_gap + along;
            let mut weight = binomial.at(told, missed, gap);
            if shape.b > 0.0 {
                let sum = self.sums[i][0] + self.sums[i][1];
                weight *= front * sum;
            }
            if weight > 0.0 {
                total += weight;
                moment += weight * gap;
                let informed = if u < m { u + told } else { kernel.alive - missed };
                self.outcomes.push(Outcome { informed, missed, weight });
            }
        }
        (total, moment)
    }

    /// Returns the counts between which all outcomes lie, except for a part of 1e-28.
    pub(crate) fn reach(kernel: &Kernel, u: f64, m: f64) -> (f64, f64) {
        let shape = Shape::new(kernel, u, m);
        let reach = REACH * shape.variance.sqrt() + EXTRA;
        (
            u + (shape.mean_told - reach).max(0.0),
            u + (shape.mean_told + reach).min(m).min(if shape.b > 0.0 && !kernel.style.pulls() {
                shape.b
            } else {
                m
            }),
        )
    }

    /// Returns P(at most `last` are informed after a round), and the mean of `calls` over those
    /// outcomes, exact although the law is given on a stride.
    pub(crate) fn fill_below(
        &mut self,
        kernel: &Kernel,
        u: f64,
        m: f64,
        last: f64,
        calls: impl Fn(f64, f64) -> f64,
    ) -> [f64; 2] {
        self.outcomes.clear();
        let shape = Shape::new(kernel, u, m);
        let sd = shape.variance.sqrt();
        let missed = kernel.alive - last;
        let told = last - u;
        let gap = shape.mean_missed - missed;
        let reach = REACH * sd + EXTRA;
        if gap > reach {
            let more = shape.more_missed(kernel, u);
            return [1.0, calls(u + shape.mean_told - more, shape.mean_missed + more)];
        }
        if gap < -reach || told < 0.0 {
            return [0.0, 0.0];
        }
        let stride = (sd / FINE).max(1.0);
        let lattice = Lattice::around(&shape, (told, missed, gap), stride);
        let (total, _) = self.evaluate(kernel, u, m, &shape, &lattice);
        let mut sums = [0.0; 2];
        let mut at_end = [[0.0; 2]; 9];
        for o in &self.outcomes {
            let value = [o.weight, o.weight * calls(o.informed, o.missed)];
            // Steps from the last point that counts: negative inside.
            let steps = ((missed - o.missed) / stride).round();
            if steps <= 0.0 {
                let share = if steps == 0.0 && stride > 1.0 { 0.5 } else { 1.0 };
                sums[0] += share * value[0];
                sums[1] += share * value[1];
            }
            if steps.abs() <= 4.0 {
                at_end[(steps + 4.0) as usize] = value;
            }
        }
        if stride > 1.0 {
            // Σ over whole counts from the sum on the stride, by Euler and Maclaurin at the end,
            // both sums having the same integral.
            for (part, sum) in sums.iter_mut().enumerate() {
                let v = |i: usize| at_end[i][part];
                let odd = |i: usize| v(4 + i) - v(4 - i);
                // Central differences of 8th, 6th and 4th order: h P', h³ P‴, h⁵ P⁽⁵⁾.
                let first = 0.8 * odd(1) - 0.2 * odd(2) + 4.0 / 105.0 * odd(3) - odd(4) / 280.0;
                let third = -61.0 / 30.0 * odd(1) + 169.0 / 120.0 * odd(2) - 0.3 * odd(3)
                    + 7.0 / 240.0 * odd(4);
                let fifth = 29.0 / 6.0 * odd(1) - 13.0 / 3.0 * odd(2) + 1.5 * odd(3) - odd(4) / 6.0;
                let h2 = stride.powi(-2);
                *sum += 0.5 * v(4) / stride + (h2 - 1.0) / 12.0 * first
                    - (h2 * h2 - 1.0) / 720.0 * third
                    + (h2 * h2 * h2 - 1.0) / 30_240.0 * fifth;
            }
        }
        [sums[0] / total, sums[1] / total]
    }

    /// Puts the points on the circle, each at the first point of the lattice; gives the factor in
    /// front of the sum.
    fn place_nodes(&mut self, kernel: &Kernel, u: f64, shape: &Shape, lattice: &Lattice) -> f64 {
        self.nodes.clear();
        if shape.b <= 0.0 {
            return 1.0;
        }
        let last_gap = lattice.first_gap + lattice.stride * (lattice.count - 1) as f64;
        let farthest = lattice.first_gap.abs().max(last_gap.abs());
        let (step, points) = if shape.localised() {
            // Aliases at 2π/step, seen from the farthest d, must lie e^{−40} below the law.
            let turn = farthest * shape.slope;
            let highest = turn + (turn * turn + 80.0 * shape.curvature).sqrt();
            let step = 2.0 * PI / highest;
            // The integrand falls as e^{−curvature (1 − cos θ)}, to e^{−42}.
            let end = (1.0 - 42.0 / shape.curvature).acos();
            (step, (end / step) as usize)
        } else {
            let points = farthest as usize + 48;
            (2.0 * PI / (2 * points + 1) as f64, points)
        };
        let reach = step * points as f64 + 8.0 / shape.b.sqrt();
        let terms = kernel.correction_terms(u, shape.m, reach);
        let gamma = if terms > 0 { gamma_points(shape.b) } else { Vec::new() };
        for i in 0..=points {
            let theta = i as f64 * step;
            let zeta = Complex::cis_m1(theta);
            let (exponent, ell) = shape.exponent(theta, zeta);
            let mut value = (exponent + ell.scale(lattice.first_gap)).exp();
            if terms > 0 {
                let mut factor = Complex::ZERO;
                for &(s, weight) in &gamma {
                    // z = x/s − 1
                    let z = zeta.scale(shape.b / s) + Complex::new((shape.b - s) / s, 0.0);
                    let power = kernel.ln_correction(z, terms).scale(u).exp();
                    factor = factor + power.scale(weight);
                }
                value = value * factor;
            }
            // The half circle below the axis is the mirror image.
            let value = value.scale(if i == 0 { 1.0 } else { 2.0 });
            let step = ell.scale(lattice.stride).exp();
            let (nodes, lane) = (i / LANES, i % LANES);
            if lane == 0 {
                self.nodes.push(Nodes::NONE);
            }
            self.nodes[nodes].value[0][lane] = value.re;
            self.nodes[nodes].value[1][lane] = value.im;
            self.nodes[nodes].step[0][lane] = step.re;
            self.nodes[nodes].step[1][lane] = step.im;
        }
        (2.0 * PI * shape.b).sqrt() * stirling_error(shape.b).exp() * step / (2.0 * PI)
    }
}

impl Shape {
    /// E(θ) and ℓ(θ).
    fn exponent(&self, theta: f64, zeta: Complex) -> (Complex, Complex) {
        // e^{iθ} − 1 − iθ
        let sine = if theta < 0.2 {
            let t2 = theta * theta;
            -theta * t2 / 6.0
                * (1.0 - t2 / 20.0 * (1.0 - t2 / 42.0 * (1.0 - t2 / 72.0 * (1.0 - t2 / 110.0))))
        } else {
            zeta.im - theta
        };
        let excess = Complex::new(zeta.re, sine);
        let rho = self.w / self.told;
        let v = zeta.scale(self.a);
        let (shrink, excess_shrink) = v.exp_neg_parts();
        let odds = shrink.scale(rho);
        let shortfall = odds.ln_1p_shortfall();
        let exponent = excess.scale(self.b)
            - excess_shrink.scale(self.m * self.w)
            - shortfall.scale(self.m * self.told);
        (exponent, v + odds - shortfall)
    }
}

/// x, or 0 if it is negative: no call, as `max` is where no instruction is.
fn positive(x: f64) -> f64 {
    if x > 0.0 { x } else { 0.0 }
}

/// Gauss quadrature for the gamma law of shape b+1: points and weights (Golub and Welsch 1969 on
/// the recurrence of the Laguerre polynomials).
fn gamma_points(b: f64) -> Vec<(f64, f64)> {
    const N: usize = CORRECTION_POINTS;
    let mut d = [0.0; N];
    let mut e = [0.0; N];
    // Centred and scaled, so that the points keep their digits when b is large.
    let scale = (b + 1.0).sqrt();
    for i in 0..N {
        let k = i as f64;
        d[i] = 2.0 * k / scale;
        e[i] = ((k + 1.0) * (k + 1.0 + b)).sqrt() / scale;
    }
    let weights = tridiagonal(&mut d, &mut e);
    d.iter().zip(weights).map(|(x, w)| (b + 1.0 + scale * x, w * w)).collect()
}

/// Eigenvalues of a symmetric tridiagonal matrix (in `d`), and the first components of the unit
/// eigenvectors, by implicit QL (Press et al. 2007, §11.4).
fn tridiagonal<const N: usize>(d: &mut [f64; N], e: &mut [f64; N]) -> [f64; N] {
    let mut z = [0.0; N];
    z[0] = 1.0;
    e[N - 1] = 0.0;
    for l in 0..N {
        for _ in 0..60 {
            let small = |i: usize| e[i].abs() <= f64::EPSILON * (d[i].abs() + d[i + 1].abs());
            let m = (l..N - 1).find(|&i| small(i)).unwrap_or(N - 1);
            if m == l {
                break;
            }
            let mut g = (d[l + 1] - d[l]) / (2.0 * e[l]);
            let mut r = g.hypot(1.0);
            g = d[m] - d[l] + e[l] / (g + r.copysign(g));
            let (mut s, mut c, mut p) = (1.0, 1.0, 0.0);
            for i in (l..m).rev() {
                let f = s * e[i];
                let b = c * e[i];
                r = f.hypot(g);
                e[i + 1] = r;
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
                let high = z[i + 1];
                z[i + 1] = s * z[i] + c * high;
                z[i] = c * z[i] - s * high;
            }
            d[l] -= p;
            e[l] = g;
            e[m] = 0.0;
        }
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_points_integrate_powers() {
        for b in [64.0, 5e3, 1e9] {
            let points = gamma_points(b);
            let mean: f64 = points.iter().map(|(s, w)| s * w).sum();
            let variance: f64 = points.iter().map(|(s, w)| (s - b - 1.0).powi(2) * w).sum();
            let skew: f64 = points.iter().map(|(s, w)| (s - b - 1.0).powi(3) * w).sum();
            assert!((mean / (b + 1.0) - 1.0).abs() < 1e-14);
            assert!((variance / (b + 1.0) - 1.0).abs() < 1e-12);
            assert!((skew / (2.0 * (b + 1.0)) - 1.0).abs() < 1e-7, "{b} {skew}");
        }
    }
}
