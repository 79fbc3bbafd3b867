//! The little complex arithmetic that the contour sums need.
//!
//! The functions are the ones whose naive forms cancel: 1 − e^{−z}, e^{−z} − 1 + z and
//! z − ln(1+z), each to a few units in the last place for small z.

use std::ops::{Add, Mul, Neg, Sub};

use crate::exact::elementary::{ONE_OVER_FACTORIAL, exp, sin_cos};

/// A complex number in double precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Complex {
    pub(crate) re: f64,
    pub(crate) im: f64,
}

impl Complex {
    pub(crate) const ZERO: Self = Self { re: 0.0, im: 0.0 };

    pub(crate) const fn new(re: f64, im: f64) -> Self {
        Self { re, im }
    }

    pub(crate) fn scale(self, by: f64) -> Self {
        Self::new(self.re * by, self.im * by)
    }

    pub(crate) fn norm_squared(self) -> f64 {
        self.re * self.re + self.im * self.im
    }

    pub(crate) fn exp(self) -> Self {
        let (sin, cos) = sin_cos(self.im);
        let r = exp(self.re);
        Self::new(r * cos, r * sin)
    }

    /// ln(1+z), principal branch.
    pub(crate) fn ln_1p(self) -> Self {
        let re = 0.5 * (2.0 * self.re + self.norm_squared()).ln_1p();
        Self::new(re, self.im.atan2(1.0 + self.re))
    }

    /// e^{iθ} − 1 without cancellation.
    pub(crate) fn cis_m1(theta: f64) -> Self {
        let (sin, cos) = sin_cos(0.5 * theta);
        Self::new(-2.0 * sin * sin, 2.0 * sin * cos)
    }

    /// 1 − e^{−z} and e^{−z} − 1 + z, which are z − z²/2 + … and z²/2 − z³/6 + …, without
    /// cancellation.
    pub(crate) fn exp_neg_parts(self) -> (Self, Self) {
        let size = self.norm_squared();
        if size > 0.09 {
            let shrink = (-self.re).exp_m1();
            let turn = Self::cis_m1(-self.im);
            // e^{−z} − 1 = (1 + shrink)(1 + turn) − 1
            let one_minus =
                -Self::new(shrink + turn.re + shrink * turn.re, turn.im + shrink * turn.im);
            return (one_minus, self - one_minus);
        }
        // Σ_{k≥2} (−z)^k / k!, as far as the rest is below 1e-16 of it.
        let pairs = if size < 1e-8 {
            2
        } else if size < 1e-4 {
            3
        } else {
            6
        };
        let excess = (-self).series_by_squares(&ONE_OVER_FACTORIAL[2..], pairs);
        (self - excess, excess)
    }

    /// z − ln(1+z), which is z²/2 − z³/3 + … .
    pub(crate) fn ln_1p_shortfall(self) -> Self {
        let size = self.norm_squared();
        if size > 4e-2 {
            return self - self.ln_1p();
        }
        // Terms until the rest is below the last digit.
        let pairs = if size < 1e-8 {
            2
        } else if size < 1e-6 {
            3
        } else if size < 1e-4 {
            4
        } else if size < 1e-3 {
            6
        } else if size < 1e-2 {
            9
        } else {
            12
        };
        (-self).series_by_squares(&ONE_OVER[2..], pairs)
    }

    /// z² (c₀ + c₁ z + c₂ z² + …), twice `pairs` terms: even and odd ones side by side, for each
    /// waits for the one before it.
    fn series_by_squares(self, coefficients: &[f64], pairs: usize) -> Self {
        let square = self * self;
        let (mut even, mut odd) = (Self::ZERO, Self::ZERO);
        for pair in coefficients[..2 * pairs].chunks_exact(2).rev() {
            even = even * square + Self::new(pair[0], 0.0);
            odd = odd * square + Self::new(pair[1], 0.0);
        }
        (even + odd * self) * square
    }
}

/// 1/k, by k from 1; nothing at 0.
const ONE_OVER: [f64; 26] = {
    let mut table = [0.0; 26];
    let mut k = 1;
    while k < table.len() {
        table[k] = 1.0 / k as f64;
        k += 1;
    }
    table
};

impl Add for Complex {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self::new(self.re + o.re, self.im + o.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self::new(self.re - o.re, self.im - o.im)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(-self.re, -self.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Self::new(self.re * o.re - self.im * o.im, self.re * o.im + self.im * o.re)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Complex, b: Complex, tolerance: f64) {
        let gap = (a - b).norm_squared().sqrt();
        assert!(gap <= tolerance * b.norm_squared().sqrt(), "{a:?} against {b:?}");
    }

    #[test]
    fn series_meet_the_closed_forms_where_they_hand_over() {
        for z in [
            Complex::new(0.14, 0.139),
            Complex::new(-0.1, 0.17),
            Complex::new(0.02, -0.19),
            Complex::new(0.006, 0.007),
        ] {
            close(z.exp_neg_parts().1, (-z).exp() - Complex::new(1.0, 0.0) + z, 1e-11);
            close(z.ln_1p_shortfall(), z - z.ln_1p(), 1e-11);
        }
    }

    #[test]
    fn small_arguments_keep_their_digits() {
        let z = Complex::new(3e-9, -4e-9);
        close(z.exp_neg_parts().1, (z * z).scale(0.5), 1e-8);
        close(z.ln_1p_shortfall(), (z * z).scale(0.5), 1e-8);
        close(z.exp_neg_parts().0, z, 1e-8);
        close(Complex::cis_m1(1e-9), Complex::new(-5e-19, 1e-9), 1e-15);
    }

    #[test]
    fn short_series_are_long_enough() {
        for size in [0.99e-4, 0.99e-3, 0.99e-2, 0.031, 0.099, 0.199, 0.29] {
            for turn in [0.3, 1.2, 2.9] {
                let z = Complex::new(size * f64::cos(turn), size * f64::sin(turn));
                let (mut term, mut sum) = (Complex::new(1.0, 0.0), Complex::ZERO);
                for k in 1..40 {
                    term = term * (-z).scale(1.0 / f64::from(k));
                    if k > 1 {
                        sum = sum + term;
                    }
                }
                close(z.exp_neg_parts().1, sum, 1e-15);
                close(z.exp_neg_parts().0, z - sum, 1e-15);
                let (mut power, mut sum) = (Complex::new(1.0, 0.0), Complex::ZERO);
                for k in 1..60 {
                    power = power * -z;
                    if k > 1 {
                        sum = sum + power.scale(1.0 / f64::from(k));
                    }
                }
                let tolerance = if size < 0.2 { 1e-15 } else { 1e-13 };
                close(z.ln_1p_shortfall(), sum, tolerance);
            }
        }
    }
}
