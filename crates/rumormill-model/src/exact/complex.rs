//! The little complex arithmetic that the contour sums need.
//!
//! The functions are the ones whose naive forms cancel: 1 − e^{−z}, e^{−z} − 1 + z and
//! z − ln(1+z), each to a few units in the last place for small z.

use std::ops::{Add, Mul, Neg, Sub};

/// A complex number in double precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Complex {
    pub(crate) re: f64,
    pub(crate) im: f64,
}

impl Complex {
    pub(crate) const ZERO: Self = Self { re: 0.0, im: 0.0 };
    pub(crate) const ONE: Self = Self { re: 1.0, im: 0.0 };

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
        let (sin, cos) = self.im.sin_cos();
        let r = self.re.exp();
        Self::new(r * cos, r * sin)
    }

    /// ln(1+z), principal branch.
    pub(crate) fn ln_1p(self) -> Self {
        let re = 0.5 * (2.0 * self.re + self.norm_squared()).ln_1p();
        Self::new(re, self.im.atan2(1.0 + self.re))
    }

    /// e^{iθ} − 1 without cancellation.
    pub(crate) fn cis_m1(theta: f64) -> Self {
        let (sin, cos) = (0.5 * theta).sin_cos();
        Self::new(-2.0 * sin * sin, 2.0 * sin * cos)
    }

    /// 1 − e^{−z} without cancellation.
    pub(crate) fn one_minus_exp_neg(self) -> Self {
        let shrink = (-self.re).exp_m1();
        let turn = Self::cis_m1(-self.im);
        // e^{−z} − 1 = (1 + shrink)(1 + turn) − 1
        Self::new(-(shrink + turn.re + shrink * turn.re), -(turn.im + shrink * turn.im))
    }

    /// e^{−z} − 1 + z, which is z²/2 − z³/6 + … .
    pub(crate) fn exp_neg_excess(self) -> Self {
        if self.norm_squared() > 0.09 {
            return self - self.one_minus_exp_neg();
        }
        // Horner on Σ_{k≥2} (−z)^k / k!; |z| ≤ 0.3 leaves 0.3^16/16! ≈ 2e-22.
        let w = -self;
        let mut sum = Self::ZERO;
        for k in (3..16).rev() {
            sum = (sum + Self::ONE) * w.scale(1.0 / f64::from(k));
        }
        (sum + Self::ONE) * w * w.scale(0.5)
    }

    /// z − ln(1+z), which is z²/2 − z³/3 + … .
    pub(crate) fn ln_1p_shortfall(self) -> Self {
        let size = self.norm_squared();
        if size > 4e-2 {
            return self - self.ln_1p();
        }
        // Terms until |z|^k is below the last digit: between 4 and 24 of them.
        let terms = if size < 1e-8 {
            5
        } else if size < 1e-4 {
            10
        } else {
            28
        };
        let w = -self;
        let mut sum = Self::ZERO;
        for k in (2..terms).rev() {
            sum = sum * w + Self::new(1.0 / f64::from(k), 0.0);
        }
        sum * w * w
    }
}

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
            close(z.exp_neg_excess(), (-z).exp() - Complex::ONE + z, 1e-11);
            close(z.ln_1p_shortfall(), z - z.ln_1p(), 1e-11);
        }
    }

    #[test]
    fn small_arguments_keep_their_digits() {
        let z = Complex::new(3e-9, -4e-9);
        close(z.exp_neg_excess(), (z * z).scale(0.5), 1e-8);
        close(z.ln_1p_shortfall(), (z * z).scale(0.5), 1e-8);
        close(z.one_minus_exp_neg(), z, 1e-8);
        close(Complex::cis_m1(1e-9), Complex::new(-5e-19, 1e-9), 1e-15);
    }
}
