//! Double-double arithmetic: a number as the unevaluated sum of two doubles, about 31 digits.
//!
//! Sums and products follow Dekker (1971) and Knuth (TAOCP 2, §4.2.2); no fused multiply-add, which
//! is slow where the processor lacks it. Operands here are probabilities and counts: positive, far
//! from overflow. Relative error of one operation: below 2⁻¹⁰⁰.

/// A double-double number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Double {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

/// Returns the upper 26 bits of `a`, and the rest.
#[inline(always)]
pub(crate) fn halves(a: f64) -> (f64, f64) {
    let c = 134_217_729.0 * a;
    let high = c - (c - a);
    (high, a - high)
}

/// a + b exactly, as the rounded sum and what rounding left.
#[inline(always)]
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let v = sum - a;
    (sum, (a - (sum - v)) + (b - v))
}

/// a + b exactly, where |a| ≥ |b| or a = 0.
#[inline(always)]
pub(crate) fn quick_two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// a·b exactly, as the rounded product and what rounding left.
#[inline(always)]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let p = a * b;
    let ((ah, al), (bh, bl)) = (halves(a), halves(b));
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

impl Double {
    pub(crate) const ZERO: Self = Self { hi: 0.0, lo: 0.0 };
    pub(crate) const ONE: Self = Self { hi: 1.0, lo: 0.0 };

    pub(crate) fn new(x: f64) -> Self {
        Self { hi: x, lo: 0.0 }
    }

    #[inline(always)]
    pub(crate) fn plus(self, other: Self) -> Self {
        let (sum, rest) = two_sum(self.hi, other.hi);
        let (low, rest2) = two_sum(self.lo, other.lo);
        let (sum, rest) = quick_two_sum(sum, rest + low);
        let (hi, lo) = quick_two_sum(sum, rest + rest2);
        Self { hi, lo }
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(Self { hi: -other.hi, lo: -other.lo })
    }

    #[inline(always)]
    pub(crate) fn times(self, other: Self) -> Self {
        let (p, rest) = two_product(self.hi, other.hi);
        let (hi, lo) = quick_two_sum(p, rest + (self.hi * other.lo + self.lo * other.hi));
        Self { hi, lo }
    }

    #[inline(always)]
    pub(crate) fn scale(self, factor: f64) -> Self {
        let (p, rest) = two_product(self.hi, factor);
        let (hi, lo) = quick_two_sum(p, rest + self.lo * factor);
        Self { hi, lo }
    }

    /// self / other, by two steps of long division.
    pub(crate) fn over(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let rest = self.minus(other.scale(first));
        let second = rest.hi / other.hi;
        let rest = rest.minus(other.scale(second));
        let (hi, lo) = quick_two_sum(first, second);
        Self { hi, lo }.plus(Self::new(rest.hi / other.hi))
    }

    /// self to a whole power, by squaring.
    pub(crate) fn power(self, mut exponent: u64) -> Self {
        let (mut base, mut result) = (self, Self::ONE);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result.times(base);
            }
            exponent >>= 1;
            if exponent > 0 {
                base = base.times(base);
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_and_powers_have_thirty_digits() {
        let third = Double::ONE.over(Double::new(3.0));
        let back = third.scale(3.0).minus(Double::ONE);
        assert!(back.hi.abs() < 1e-31, "{back:?}");
        // (2/3)^40 · 3^40 = 2^40
        let two_thirds = third.scale(2.0);
        let mut power = two_thirds.power(40);
        for _ in 0..40 {
            power = power.scale(3.0);
        }
        let gap = power.minus(Double::new(2f64.powi(40))).hi.abs() / 2f64.powi(40);
        assert!(gap < 1e-29, "{gap:e}");
    }

    #[test]
    fn what_doubles_lose_is_kept() {
        let sum = Double::ONE.plus(Double::new(1e-20)).minus(Double::ONE);
        assert!((sum.hi / 1e-20 - 1.0).abs() < 1e-10, "{sum:?}");
    }
}
