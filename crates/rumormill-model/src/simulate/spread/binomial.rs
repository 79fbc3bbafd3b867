//! Binomial numbers, exact to the rounding of doubles, at a cost that does not grow with them.
//!
//! Every draw has parameters of its own, so nothing can be prepared; and n goes to 10¹⁵, where
//! probabilities must be compared through differences that do not cancel. Small means are inverted.
//! Others are drawn by transformed rejection (Hörmann 1993, "The generation of binomial random
//! variates", algorithm BTRS), with the squeezes of Kachitvichyanukul and Schmeiser (1988,
//! "Binomial random variate generation", BTPE step 5.2) before the probability itself, which comes
//! from Loader's (2000) saddle-point form.

use crate::simulate::stream::Draws;

/// Means below this are inverted: Hörmann's envelope holds from here on.
const INVERTED: f64 = 10.0;

/// Up to this far from the mode, masses are compared term by term.
const NEAR: f64 = 20.0;

/// A probability and its complement, each to its own last digit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Chance {
    pub(super) hit: f64,
    pub(super) miss: f64,
}

impl Chance {
    pub(super) const NEVER: Self = Self { hit: 0.0, miss: 1.0 };
    pub(super) const ALWAYS: Self = Self { hit: 1.0, miss: 0.0 };

    pub(super) fn new(hit: f64) -> Self {
        Self { hit, miss: 1.0 - hit }
    }

    /// Returns the chance of `part` of `whole` equally likely cases.
    pub(super) fn share(part: u64, whole: u64) -> Self {
        let scale = 1.0 / real(whole);
        Self { hit: real(part) * scale, miss: real(whole - part) * scale }
    }
}

/// Returns a count as a double; counts are below 2⁶³, which converts faster than unsigned.
#[inline]
pub(super) fn real(count: u64) -> f64 {
    count as i64 as f64
}

/// Returns how many of `trials` succeed, each with this chance.
#[inline]
pub(super) fn binomial(draws: &mut Draws, trials: u64, chance: Chance) -> u64 {
    if trials == 0 || chance.hit <= 0.0 {
        0
    } else if chance.miss <= 0.0 {
        trials
    } else if chance.hit <= chance.miss {
        rarer(draws, trials, chance.hit, chance.miss)
    } else {
        trials - rarer(draws, trials, chance.miss, chance.hit)
    }
}

/// Returns the same for p ≤ 1/2, q = 1 − p.
fn rarer(draws: &mut Draws, trials: u64, p: f64, q: f64) -> u64 {
    let n = real(trials);
    if n * p < INVERTED { inverted(draws, n, p, q) } else { transformed(draws, n, p, q) }
}

/// Walks up the distribution function until it passes a uniform number.
fn inverted(draws: &mut Draws, n: f64, p: f64, q: f64) -> u64 {
    let uniform = draws.unit();
    // (1 − p)ⁿ ≥ 1 − np: most draws of tiny means end here.
    if uniform < 1.0 - n * p {
        return 0;
    }
    let odds = p / q;
    let scale = (n + 1.0) * odds;
    let mut left = uniform;
    let mut mass = (n * (-p).ln_1p()).exp();
    let mut count = 0.0;
    while left > mass && count < n {
        left -= mass;
        count += 1.0;
        mass *= scale / count - odds;
        // Beyond the last digit of the uniform number nothing is left to pass.
        if mass < 1e-20 && count > n * p {
            break;
        }
    }
    count as u64
}

fn transformed(draws: &mut Draws, n: f64, p: f64, q: f64) -> u64 {
    let mean = n * p;
    let variance = mean * q;
    let deviation = variance.sqrt();
    let b = 1.15 + 2.53 * deviation;
    let a = -0.0873 + 0.0248 * b + 0.01 * p;
    let inside = 0.92 - 4.2 / b;
    let mode = whole((n + 1.0) * p);
    let mut peak = None;
    loop {
        let u = draws.unit() - 0.5;
        let v = draws.unit();
        let edge = 0.5 - u.abs();
        let x = (2.0 * a / edge + b) * u + (mean + 0.5);
        if edge >= 0.07 && v <= inside {
            return x as i64 as u64;
        }
        // Catches infinity too, where `edge` is 0.
        if !(x >= 0.0 && x < n + 1.0) {
            continue;
        }
        let x = whole(x);
        let alpha = (2.83 + 5.1 / b) * deviation;
        let height = v * alpha / (a / (edge * edge) + b);
        if (x - mode).abs() <= NEAR {
            if height <= near_ratio(n, p / q, mode, x) {
                return x as u64;
            }
            continue;
        }
        let height = height.ln();
        if let Some((low, high)) = squeeze(x - mode, variance) {
            if height < low {
                return x as u64;
            }
            if height > high {
                continue;
            }
        }
        let top = *peak.get_or_insert_with(|| ln_mass(n, p, q, mode));
        if height <= ln_mass(n, p, q, x) - top {
            return x as u64;
        }
    }
}

/// Returns f(x)/f(mode) within [`NEAR`] of the mode, from ratios of neighbours.
fn near_ratio(n: f64, odds: f64, mode: f64, x: f64) -> f64 {
    let (low, high) = if x < mode { (x, mode) } else { (mode, x) };
    // Twenty factors of 10¹⁵ fit.
    let (mut up, mut down, mut i) = (1.0, 1.0, low);
    while i < high {
        i += 1.0;
        up *= (n + 1.0 - i) * odds;
        down *= i;
    }
    if x < mode { down / up } else { up / down }
}

/// Returns bounds of ln f(x)/f(mode), `off` from the mode; `None` where they do not hold.
fn squeeze(off: f64, variance: f64) -> Option<(f64, f64)> {
    let off = off.abs();
    if off <= NEAR || off >= 0.5 * variance - 1.0 {
        return None;
    }
    let scaled = off / variance;
    let slack = scaled * (((off / 3.0 + 0.625) * off + 1.0 / 6.0) / variance + 0.5);
    let middle = -0.5 * off * scaled;
    Some((middle - slack, middle + slack))
}

/// Returns the whole part of a number that is not negative.
#[inline]
fn whole(x: f64) -> f64 {
    x as i64 as f64
}

/// Returns ln of the probability of x successes (Loader 2000, eq. 3): no large terms cancel.
fn ln_mass(n: f64, p: f64, q: f64, x: f64) -> f64 {
    if x == 0.0 {
        return n * (-p).ln_1p();
    }
    if x == n {
        return n * p.ln();
    }
    stirling_error(n)
        - stirling_error(x)
        - stirling_error(n - x)
        - deviance(x, n * p)
        - deviance(n - x, n * q)
        - 0.5 * (std::f64::consts::TAU * x * ((n - x) / n)).ln()
}

/// Returns x ln(x/mean) + mean − x, by a series near the mean.
fn deviance(x: f64, mean: f64) -> f64 {
    let off = x - mean;
    let sum = x + mean;
    if off.abs() >= 0.1 * sum {
        return x * (x / mean).ln() - off;
    }
    let ratio = off / sum;
    let square = ratio * ratio;
    let mut total = off * ratio;
    let mut term = 2.0 * x * ratio;
    let mut divisor = 3.0;
    loop {
        term *= square;
        let next = total + term / divisor;
        if next == total {
            return total;
        }
        total = next;
        divisor += 2.0;
    }
}

/// Returns ln x! − ln(√(2πx) (x/e)ˣ), for x from 1.
fn stirling_error(x: f64) -> f64 {
    const EXACT: [f64; 16] = [
        0.0,
        0.081_061_466_795_327_26,
        0.041_340_695_955_409_29,
        0.027_677_925_684_998_34,
        0.020_790_672_103_765_09,
        0.016_644_691_189_821_19,
        0.013_876_128_823_070_75,
        0.011_896_709_945_891_77,
        0.010_411_265_261_972_09,
        0.009_255_462_182_712_733,
        0.008_330_563_433_362_87,
        0.007_573_675_487_951_841,
        0.006_942_840_107_209_53,
        0.006_408_994_188_004_207,
        0.005_951_370_112_758_848,
        0.005_554_733_551_962_801,
    ];
    if x < 16.0 {
        return EXACT[x as usize];
    }
    let s = 1.0 / (x * x);
    let tail = 1.0 / 1260.0 - s * (1.0 / 1680.0 - s * (1.0 / 1188.0 - s * (691.0 / 360_360.0)));
    (1.0 / 12.0 - s * (1.0 / 360.0 - s * tail)) / x
}

#[cfg(test)]
mod tests;
