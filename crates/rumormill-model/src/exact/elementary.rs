//! Exponential, sine and cosine, to a unit in the last place.
//!
//! The standard library's are slow where the processor or the system has none of its own, which is
//! so in a browser: these have no branches and no divisions, and their series are sums of short
//! products that need not wait for each other (Estrin 1960).

use crate::exact::double::two_sum;

/// 1/k!, by k.
pub(crate) const ONE_OVER_FACTORIAL: [f64; 20] = {
    let mut table = [1.0; 20];
    let (mut k, mut factorial) = (1, 1u64);
    while k < table.len() {
        factorial *= k as u64;
        table[k] = 1.0 / factorial as f64;
        k += 1;
    }
    table
};

/// 1.5 · 2⁵²: added to a number below 2⁵¹ and taken off again, it leaves a whole one.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts; the first has 33 bits, so that a whole multiple of it is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];

/// Beyond this the result or its reciprocal underflows.
const LARGEST: f64 = 708.0;

/// e^x; 0 below e^{−708}.
#[inline]
pub(crate) fn exp(x: f64) -> f64 {
    if x.is_nan() || x.abs() >= LARGEST {
        return if x < 0.0 { 0.0 } else { x.exp() };
    }
    let doublings = (x * std::f64::consts::LOG2_E + WHOLE) - WHOLE;
    let [high, low] = LN_2;
    let (above, below) = (x - doublings * high, doublings * low);
    let r = above - below;
    let lost = (above - r) - below;
    let c = &ONE_OVER_FACTORIAL;
    let (r2, r4) = (r * r, (r * r) * (r * r));
    let first = (c[2] + c[3] * r) + r2 * (c[4] + c[5] * r);
    let second = (c[6] + c[7] * r) + r2 * (c[8] + c[9] * r);
    let third = (c[10] + c[11] * r) + r2 * (c[12] + c[13] * r);
    let sum = first + r4 * (second + r4 * third);
    let power = f64::from_bits(((doublings as i64 + 1023) as u64) << 52);
    (1.0 + (r + (lost + r2 * sum))) * power
}

/// π/2 in three parts; the first two have 33 bits each, so that a whole multiple of them is exact.
const QUARTER_TURN: [f64; 3] =
    [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_795_950_7e-21];

/// Beyond this many quarter turns the reduction has no digits left to give.
const MANY_TURNS: f64 = 1e5;

/// Sine and cosine of x, from one reduction to ±π/4.
#[inline]
pub(crate) fn sin_cos(x: f64) -> (f64, f64) {
    let turns = (x * std::f64::consts::FRAC_2_PI + WHOLE) - WHOLE;
    if turns.is_nan() || turns.abs() >= MANY_TURNS {
        return x.sin_cos();
    }
    let [high, middle, low] = QUARTER_TURN;
    let (reduced, missing) = two_sum(x - turns * high, -turns * middle);
    let rest = turns * low;
    let r = reduced - rest;
    // What the subtractions lost.
    let lost = (reduced - r) - rest + missing;
    let c = &ONE_OVER_FACTORIAL;
    let r2 = r * r;
    let (r4, r8) = (r2 * r2, (r2 * r2) * (r2 * r2));
    // (sin r − r)/r³ and (cos r − 1 + r²/2)/r⁴.
    let sine = ((r2 * c[5] - c[3]) + r4 * (r2 * c[9] - c[7]))
        + r8 * ((r2 * c[13] - c[11]) + r4 * (r2 * c[17] - c[15]));
    let cosine = ((c[4] - r2 * c[6]) + r4 * (c[8] - r2 * c[10]))
        + r8 * ((c[12] - r2 * c[14]) + r4 * (c[16] - r2 * c[18]));
    // 1 − r²/2 to the last digit, and what is left.
    let half = 0.5 * r2;
    let top = 1.0 - half;
    let cos = top + (((1.0 - top) - half) + (r4 * cosine - r * lost));
    let sin = r + (r * r2 * sine + lost * top);
    let (sin, cos) = if turns as i64 & 1 == 0 { (sin, cos) } else { (cos, -sin) };
    if turns as i64 & 2 == 0 { (sin, cos) } else { (-sin, -cos) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(ours: f64, theirs: f64, x: f64) {
        assert!((ours - theirs).abs() <= f64::EPSILON * theirs.abs(), "{x}: {ours} {theirs}");
    }

    #[test]
    fn they_are_the_standard_librarys() {
        let few = [0.0, 1e-300, 1e-9, -1e-9, 1e4, 1e9, -3e5];
        let many = (-200_000..200_000).map(|i| f64::from(i) * 0.001_234_567_89);
        for x in few.into_iter().chain(many) {
            let (sin, cos) = sin_cos(x);
            near(sin, x.sin(), x);
            near(cos, x.cos(), x);
            if x.abs() < 700.0 {
                near(exp(x), x.exp(), x);
            }
        }
    }

    #[test]
    fn ends_are_met() {
        assert_eq!((exp(-800.0), exp(f64::NEG_INFINITY)), (0.0, 0.0));
        assert_eq!(exp(800.0), f64::INFINITY);
        assert!(exp(f64::NAN).is_nan() && sin_cos(f64::NAN).0.is_nan());
        near(exp(-707.9), (-707.9f64).exp(), -707.9);
        near(exp(707.9), 707.9f64.exp(), 707.9);
    }
}
