//! Real special functions: the error of Stirling's formula, the binomial law, harmonic numbers,
//! the incomplete gamma function.
//!
//! The binomial law follows Loader (2000), *Fast and accurate computation of binomial
//! probabilities*: the factorials are never formed, so nothing cancels, even at 10¹⁵ trials.

use std::f64::consts::PI;

use crate::exact::double::two_sum;
use crate::exact::elementary::exp;

/// Euler's constant γ.
pub const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// ln Γ(x+1) − (x+½) ln x + x − ½ ln 2π for real x > 0 (at 0 it is not defined; callers treat 0
/// apart). Absolute error about 1e-16.
pub(crate) fn stirling_error(x: f64) -> f64 {
    let mut x = x;
    let mut sum = 0.0;
    while x < 15.0 {
        sum += (x + 0.5) * (1.0 / x).ln_1p() - 1.0;
        x += 1.0;
    }
    let one_over = 1.0 / x;
    let s = one_over * one_over;
    let series = 1.0 / 12.0
        - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s * (1.0 / 1188.0))));
    sum + series * one_over
}

/// 1/3, 1/5, …, 1/23.
const ONE_OVER_ODD: [f64; 11] = {
    let mut table = [0.0; 11];
    let mut j = 0;
    while j < table.len() {
        table[j] = 1.0 / (2 * j + 3) as f64;
        j += 1;
    }
    table
};

/// x ln(x/y) + y − x, given also `gap` = x − y to full precision (Loader's `bd0`).
pub(crate) fn deviance(x: f64, y: f64, gap: f64) -> f64 {
    let total = x + y;
    if gap.abs() < 0.1 * total {
        let v = gap / total;
        let v2 = v * v;
        let mut sum = gap * v;
        let mut power = 2.0 * x * v;
        // v² ≤ 1/100: ten terms reach the last digit.
        for one_over in &ONE_OVER_ODD {
            power *= v2;
            let next = sum + power * one_over;
            if next == sum {
                break;
            }
            sum = next;
        }
        return sum;
    }
    x * (x / y).ln() - gap
}

/// ln of C(n, x) p^x (1−p)^{n−x}, for real 0 ≤ x ≤ n, from the two means n·p and n·(1−p) and the
/// deviation `gap` = x − n·p, each of which the caller knows to full precision.
pub(crate) fn ln_binomial(x: f64, rest: f64, mean: f64, rest_mean: f64, gap: f64) -> f64 {
    let n = x + rest;
    if mean <= 0.0 {
        return if x == 0.0 { 0.0 } else { f64::NEG_INFINITY };
    }
    if rest_mean <= 0.0 {
        return if rest == 0.0 { 0.0 } else { f64::NEG_INFINITY };
    }
    if x == 0.0 {
        // (1−p)^n with p = mean / n
        return if mean < rest_mean {
            rest * (-mean / n).ln_1p()
        } else {
            rest * (rest_mean / n).ln()
        };
    }
    if rest == 0.0 {
        return if rest_mean < mean { x * (-rest_mean / n).ln_1p() } else { x * (mean / n).ln() };
    }
    stirling_error(n)
        - stirling_error(x)
        - stirling_error(rest)
        - deviance(x, mean, gap)
        - deviance(rest, rest_mean, -gap)
        + 0.5 * (n / (2.0 * PI * x * rest)).ln()
}

/// The binomial law of n trials, at one x after another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binomial {
    mean: f64,
    rest_mean: f64,
    /// √(n/2π) e to the error of Stirling's formula at n.
    front: f64,
}

impl Binomial {
    /// The two means are n·p and n·(1−p).
    pub(crate) fn new(n: f64, mean: f64, rest_mean: f64) -> Self {
        let front = if n > 0.0 { (n / (2.0 * PI)).sqrt() * stirling_error(n).exp() } else { 1.0 };
        Self { mean, rest_mean, front }
    }

    /// Returns the probability of x: the exponential of [`ln_binomial`], whose arguments it takes.
    pub(crate) fn at(&self, x: f64, rest: f64, gap: f64) -> f64 {
        let Self { mean, rest_mean, front } = *self;
        if !(x > 0.0 && rest > 0.0 && mean > 0.0 && rest_mean > 0.0) {
            return ln_binomial(x, rest, mean, rest_mean, gap).exp();
        }
        let ln = -(stirling_error(x) + stirling_error(rest))
            - deviance(x, mean, gap)
            - deviance(rest, rest_mean, -gap);
        front / (x * rest).sqrt() * exp(ln)
    }
}

/// Returns the harmonic number `H_n` = 1 + 1/2 + … + 1/n, to about 1e-15 relative. `H_0` = 0.
///
/// ```
/// assert!((rumormill_model::exact::special::harmonic(4.0) - 25.0 / 12.0).abs() < 1e-15);
/// ```
#[must_use]
pub fn harmonic(n: f64) -> f64 {
    if n < 64.0 {
        return (1..=n as u64).rev().map(|i| 1.0 / i as f64).sum();
    }
    let s = 1.0 / (n * n);
    n.ln() + EULER_GAMMA + 0.5 / n - s / 12.0 + s * s / 120.0 - s * s * s / 252.0
}

/// Returns the second harmonic number 1 + 1/4 + … + 1/n², to about 1e-15 relative.
///
/// ```
/// assert!((rumormill_model::exact::special::harmonic2(2.0) - 1.25).abs() < 1e-15);
/// ```
#[must_use]
pub fn harmonic2(n: f64) -> f64 {
    if n < 64.0 {
        return (1..=n as u64).rev().map(|i| 1.0 / (i as f64 * i as f64)).sum();
    }
    let r = 1.0 / n;
    PI * PI / 6.0 - r + 0.5 * r * r - r.powi(3) / 6.0 + r.powi(5) / 30.0 - r.powi(7) / 42.0
}

/// ln Γ(x) for x > 0, absolute error about 1e-15 times its size.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    stirling_error(x) + (x + 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() - x.ln()
}

/// Shapes from here on are integrated: the series takes about the root of the shape in terms.
const LARGE_SHAPE: f64 = 100.0;

/// Gauss's rule of five points on [−1, 1]: points and weights.
const GAUSS: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_08),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_47),
    (0.906_179_845_938_664, 0.236_926_885_056_189_08),
];

/// Q(a, x) by quadrature of the density over the shorter side, 13 standard deviations in all: the
/// same time for any shape.
fn gamma_q_large(a: f64, x: f64) -> f64 {
    const PANELS: i32 = 40;
    let mode = a - 1.0;
    let deviation = mode.sqrt();
    let from = x - mode;
    // Skewed to the right: the left tail ends earlier.
    let upper = from > 0.0;
    let far =
        if upper { from.max(0.0) + 13.0 * deviation } else { (from - 13.0 * deviation).max(-mode) };
    let half = 0.5 * (far - from) / f64::from(PANELS);
    let mut sum = 0.0;
    for panel in 0..PANELS {
        let middle = from + half * f64::from(2 * panel + 1);
        for (point, weight) in GAUSS {
            let gap = middle + half * point;
            let t = mode + gap;
            if t > 0.0 {
                // t^mode e^−t over its largest value.
                sum += weight * (-deviance(mode, t, -gap)).exp();
            }
        }
    }
    let front = (-stirling_error(mode)).exp() / (2.0 * PI).sqrt() / deviation;
    let part = (sum * half * front).abs().min(1.0);
    if upper { part } else { 1.0 - part }
}

/// Returns the regularised upper incomplete gamma function Q(a, x) = Γ(a, x)/Γ(a): the chance that
/// an Erlang or gamma variable of shape a and rate 1 exceeds x. Valid for a > 0 and x ≥ 0, to about
/// 1e-12 (series and continued fraction: Press et al. 2007, §6.2).
///
/// ```
/// let q = rumormill_model::exact::special::gamma_q(1.0, 2.0);
/// assert!((q - (-2.0f64).exp()).abs() < 1e-14);
/// ```
#[must_use]
pub fn gamma_q(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if a >= LARGE_SHAPE {
        return gamma_q_large(a, x);
    }
    let front = (a * x.ln() - x - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let mut term = 1.0 / a;
        let mut sum = term;
        let mut k = a;
        while term > sum * 1e-17 {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        return (1.0 - front * sum).max(0.0);
    }
    let mut b = x + 1.0 - a;
    let mut c = 1e300;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..10_000 {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / (an * d + b);
        c = b + an / c;
        let step = d * c;
        h *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    front * h
}

/// Makes a row sum to one as nearly as doubles can: thousands of rounds multiply what is left.
pub(crate) fn balance(weights: &mut [f64]) {
    for _ in 0..2 {
        // A compensated sum.
        let (mut sum, mut lost) = (-1.0f64, 0.0);
        let mut largest = 0;
        for (i, &w) in weights.iter().enumerate() {
            let (next, error) = two_sum(sum, w);
            lost += error;
            sum = next;
            if w > weights[largest] {
                largest = i;
            }
        }
        weights[largest] -= sum + lost;
        // Once it is so little, doing it again changes nothing.
        if (sum + lost).abs() < 1e-12 {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stirling_error_matches_factorials() {
        let mut ln_factorial = 0.0f64;
        for k in 1..40 {
            let x = f64::from(k);
            ln_factorial += x.ln();
            let direct = ln_factorial - (x + 0.5) * x.ln() + x - 0.5 * (2.0 * PI).ln();
            assert!((stirling_error(x) - direct).abs() < 3e-14, "{k}");
        }
    }

    #[test]
    fn binomial_sums_to_one() {
        for (n, p) in [(7.0f64, 0.3f64), (40.0, 0.001), (900.0, 0.97), (50.0, 1e-9)] {
            let total: f64 = (0..=n as u32)
                .map(|k| {
                    let x = f64::from(k);
                    ln_binomial(x, n - x, n * p, n * (1.0 - p), x - n * p).exp()
                })
                .sum();
            assert!((total - 1.0).abs() < 2e-14, "{n} {p}: {total}");
        }
    }

    #[test]
    fn a_law_at_once_is_the_exponential_of_its_logarithm() {
        for (n, p) in [(7.0f64, 0.3f64), (900.0, 0.97), (1e12, 0.4), (1e15, 3e-9)] {
            let law = Binomial::new(n, n * p, n * (1.0 - p));
            let deviation = (n * p * (1.0 - p)).sqrt();
            for at in [-6.0, -1.5, 0.0, 2.0, 8.0] {
                let gap = at * deviation;
                let (x, rest) = (n * p + gap, n * (1.0 - p) - gap);
                if x < 0.0 || rest < 0.0 {
                    continue;
                }
                let direct = ln_binomial(x, rest, n * p, n * (1.0 - p), gap).exp();
                assert!((law.at(x, rest, gap) / direct - 1.0).abs() < 1e-13, "{n} {p} {at}");
            }
        }
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

    #[test]
    fn harmonic_series_and_sum_agree() {
        let direct: f64 = (1..=100).rev().map(|i| 1.0 / f64::from(i)).sum();
        assert!((harmonic(100.0) - direct).abs() < 1e-14);
        let direct: f64 = (1..=100).rev().map(|i| 1.0 / f64::from(i * i)).sum();
        assert!((harmonic2(100.0) - direct).abs() < 1e-14);
    }

    #[test]
    fn incomplete_gamma_is_the_poisson_tail() {
        // Q(a, x) = P(Poisson(x) < a) for whole a.
        for (a, x) in [
            (5u32, 2.0f64),
            (5, 9.0),
            (60, 55.0),
            (60, 80.0),
            (100, 70.0),
            (100, 99.0),
            (101, 140.0),
            (400, 395.0),
            (400, 300.0),
        ] {
            let mut term = (-x).exp();
            let mut sum = 0.0;
            for i in 0..a {
                sum += term;
                term *= x / f64::from(i + 1);
            }
            assert!((gamma_q(f64::from(a), x) - sum).abs() < 1e-12, "{a} {x}");
        }
        // Any shape takes the same time, and the median is near the shape.
        for a in [1e6, 1e12, 1e30] {
            assert!((gamma_q(a, a) - 0.5).abs() < 0.2 / a.sqrt() + 1e-3, "{a}");
            assert!(gamma_q(a, 0.5 * a) > 1.0 - 1e-12 && gamma_q(a, 2.0 * a) < 1e-12);
        }
    }
}
