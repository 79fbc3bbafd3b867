//! The little complex arithmetic that the contour sums need.
//!
//! The functions are the ones whose naive forms cancel: 1 − e^{−z}, e^{−z} − 1 + z and
//! z − ln(1+z), each to a few units in the last place for small z.

use std::ops::{Add, Mul, Neg, Sub};

use crate::exact::double::two_sum;

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
        let (sin, cos) = sin_cos(self.im);
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
        // Horner on Σ_{k≥2} (−z)^k / k!; |z| ≤ 0.3 leaves 0.3^16/16! ≈ 2e-22 of all terms, and
        // 0.01^8/8! and 1e-4^6/6! are still less.
        let terms = if size < 1e-8 {
            6
        } else if size < 1e-4 {
            8
        } else {
            16
        };
        let w = -self;
        let mut sum = Self::ZERO;
        for one_over in ONE_OVER[3..terms].iter().rev() {
            sum = (sum + Self::ONE) * w.scale(*one_over);
        }
        let excess = (sum + Self::ONE) * w * w.scale(0.5);
        (self - excess, excess)
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
        for one_over in ONE_OVER[2..terms].iter().rev() {
            sum = sum * w + Self::new(*one_over, 0.0);
        }
        sum * w * w
    }
}

/// 1/k, by k from 1; nothing at 0.
const ONE_OVER: [f64; 32] = {
    let mut table = [0.0; 32];
    let mut k = 1;
    while k < table.len() {
        table[k] = 1.0 / k as f64;
        k += 1;
    }
    table
};

/// π/2 in three parts; the first two have 33 bits each, so that a whole multiple of them is exact.
const QUARTER_TURN: [f64; 3] =
    [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_795_950_7e-21];

/// Beyond this many quarter turns the reduction below has no digits left to give.
const MANY_TURNS: f64 = 1e5;

/// Sine and cosine, to a unit in the last place: both from one reduction to ±π/4, and Taylor's
/// series. The standard library reduces twice where it has no processor's or system's own.
fn sin_cos(x: f64) -> (f64, f64) {
    let turns = (x * std::f64::consts::FRAC_2_PI).round();
    // NaN included.
    if !(turns.abs() < MANY_TURNS) {
        return x.sin_cos();
    }
    let [high, middle, low] = QUARTER_TURN;
    let (reduced, missing) = two_sum(x - turns * high, -turns * middle);
    let rest = turns * low;
    let r = reduced - rest;
    // What the subtractions lost.
    let lost = (reduced - r) - rest + missing;
    let r2 = r * r;
    let sine = |i: usize| -ONE_OVER[i] * ONE_OVER[i + 1];
    let mut s = 0.0;
    let mut c = 0.0;
    for k in (1..=8).rev() {
        s = (s + 1.0) * r2 * sine(2 * k);
    }
    for k in (2..=9).rev() {
        c = (c + 1.0) * r2 * sine(2 * k - 1);
    }
    // cos r = 1 − r²/2 (1 + c), as 1 − r²/2 to the last digit and what is left.
    let half = 0.5 * r2;
    let top = 1.0 - half;
    let cos = top + (((1.0 - top) - half) - (half * c + r * lost));
    let sin = r + (r * s + lost * (1.0 - half));
    match turns as i64 & 3 {
        0 => (sin, cos),
        1 => (cos, -sin),
        2 => (-sin, -cos),
        _ => (-cos, sin),
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
            close(z.exp_neg_parts().1, (-z).exp() - Complex::ONE + z, 1e-11);
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
    fn sine_and_cosine_are_the_standard_librarys() {
        for i in -200_000..200_000 {
            let x = f64::from(i) * 0.001_234_567_89;
            let (sin, cos) = sin_cos(x);
            assert!((sin - x.sin()).abs() <= f64::EPSILON * x.sin().abs(), "{x}: {sin}");
            assert!((cos - x.cos()).abs() <= f64::EPSILON * x.cos().abs(), "{x}: {cos}");
        }
        for x in [1e-300, 1e-9, 1e4, 1e9, -3e5] {
            let (sin, cos) = sin_cos(x);
            assert!((sin - x.sin()).abs() <= f64::EPSILON * x.sin().abs(), "{x}: {sin}");
            assert!((cos - x.cos()).abs() <= f64::EPSILON * x.cos().abs(), "{x}: {cos}");
        }
        assert!(sin_cos(f64::NAN).0.is_nan());
    }

    #[test]
    fn short_series_are_long_enough() {
        for size in [0.99e-4, 0.99e-2, 0.29] {
            for turn in [0.3, 1.2, 2.9] {
                let z = Complex::new(size * f64::cos(turn), size * f64::sin(turn));
                let (mut term, mut sum) = (Complex::ONE, Complex::ZERO);
                for k in 1..40 {
                    term = term * (-z).scale(1.0 / f64::from(k));
                    if k > 1 {
                        sum = sum + term;
                    }
                }
                close(z.exp_neg_parts().1, sum, 1e-15);
                close(z.exp_neg_parts().0, z - sum, 1e-15);
            }
        }
    }
}
