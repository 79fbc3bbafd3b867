//! Chebyshev panels: functions given at the points of an interval, and their coefficients.

use std::f64::consts::PI;

/// Points of a panel.
pub(crate) const POINTS: usize = 20;

/// Returns the i-th Chebyshev point of the first kind, in increasing order.
pub(crate) fn point(i: usize) -> f64 {
    -((2 * i + 1) as f64 * PI / (2 * POINTS) as f64).cos()
}

/// Returns the i-th point of the panel from `low` to `high`.
pub(crate) fn point_between(i: usize, low: f64, high: f64) -> f64 {
    0.5 * ((1.0 - point(i)) * low + (1.0 + point(i)) * high)
}

/// Returns the place of `at` in the panel from `low` to `high`, from −1 to 1.
pub(crate) fn place(at: f64, low: f64, high: f64) -> f64 {
    ((at - low) - (high - at)) / (high - low)
}

/// Returns the matrix of which row i turns the value at the i-th point into its part of the first
/// `modes` coefficients.
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

/// Returns the coefficients of functions given at the points of a panel.
pub(crate) fn transform<const N: usize>(
    cosines: &[[f64; POINTS]],
    values: &[[f64; N]],
) -> [[f64; N]; POINTS] {
    let mut sums = [[0.0; N]; POINTS];
    for (v, row) in values.iter().zip(cosines) {
        for (sum, c) in sums.iter_mut().zip(row) {
            for part in 0..N {
                sum[part] += v[part] * c;
            }
        }
    }
    sums
}

/// Returns the values at `x`, from −1 to 1, by Clenshaw's recurrence.
pub(crate) fn value<const N: usize>(coefficients: &[[f64; N]; POINTS], x: f64) -> [f64; N] {
    std::array::from_fn(|part| {
        let (mut b1, mut b2) = (0.0, 0.0);
        for c in coefficients[1..].iter().rev() {
            let b = 2.0 * x * b1 - b2 + c[part];
            b2 = b1;
            b1 = b;
        }
        coefficients[0][part] + x * b1 - b2
    })
}
