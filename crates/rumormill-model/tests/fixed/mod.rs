//! An exact reference in 896-bit fixed point, sharing no code with the library.
//!
//! From u informed of n the set of nodes missed is exchangeable, and j given nodes are all missed
//! with probability `a_j` = λ(j)^u c^j; inclusion and exclusion gives the law of their number. The
//! sum alternates, which is why it takes hundreds of bits.

use num_bigint::BigInt;
use rumormill_model::spread::{Spread, Targets};
use rumormill_proto::Style;

const BITS: u32 = 896;

fn one() -> BigInt {
    BigInt::from(1) << BITS
}

fn mul(a: &BigInt, b: &BigInt) -> BigInt {
    (a * b) >> BITS
}

/// A double, exactly.
fn from_f64(x: f64) -> BigInt {
    let scaled = x * 2f64.powi(60);
    // 60 bits hold every double from 2^-8 up; smaller ones of the tests are exact too.
    assert_eq!(scaled.fract(), 0.0, "{x} needs more than 60 bits");
    BigInt::from(scaled as i128) << (BITS - 60)
}

/// The nearest double, with full relative accuracy for small values.
fn to_f64(x: &BigInt) -> f64 {
    let bits = x.bits();
    let shift = bits.saturating_sub(64);
    let top: u64 = (x >> shift).try_into().expect("64 bits, not negative");
    top as f64 * 2f64.powi(shift as i32 - BITS as i32)
}

fn power(base: &BigInt, exponent: u64) -> BigInt {
    let (mut base, mut exponent, mut result) = (base.clone(), exponent, one());
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = mul(&result, &base);
        }
        base = mul(&base, &base);
        exponent >>= 1;
    }
    result
}

/// Chance that the picks of one caller that arrive all miss `marked` of the `pool` candidates.
fn misses(spread: &Spread, marked: u64) -> BigInt {
    let pool = spread.pool();
    let keep = one() - from_f64(spread.loss);
    if spread.targets == Targets::Independent {
        let miss = one() - (&keep * marked) / pool;
        return power(&miss, spread.fanout);
    }
    // Σ_d binom(k, d) keep^d loss^{k−d} Π_{i<d} (1 − marked/(pool−i))
    let k = spread.fanout.min(pool);
    let mut sum = BigInt::ZERO;
    let mut choose = BigInt::from(1);
    let mut all_miss = one();
    for d in 0..=k {
        let weight = mul(&power(&keep, d), &power(&from_f64(spread.loss), k - d)) * &choose;
        sum += mul(&weight, &all_miss);
        if d < k {
            choose = choose * (k - d) / (d + 1);
            all_miss = all_miss * pool.saturating_sub(d + marked) / (pool - d);
        }
    }
    sum
}

/// P(T > x) for x = 0, 1, … until below `floor`.
pub(crate) fn survival(spread: &Spread, floor: f64) -> Vec<f64> {
    let alive = spread.alive() as usize;
    let goal = spread.goal() as usize;
    let pushes = spread.style != Style::Pull;
    let pulls = spread.style != Style::Push;
    let lambda: Vec<BigInt> = (0..=alive as u64).map(|j| misses(spread, j)).collect();
    let mut choose = vec![vec![BigInt::from(1)]];
    for i in 1..=alive {
        let mut row = vec![BigInt::from(1); i + 1];
        for j in 1..i {
            row[j] = &choose[i - 1][j - 1] + &choose[i - 1][j];
        }
        choose.push(row);
    }
    // rows[u][r]: from u informed, r are missed.
    let rows: Vec<Vec<BigInt>> = (0..=alive)
        .map(|u| {
            let m = alive - u;
            if u == 0 {
                return Vec::new();
            }
            let a: Vec<BigInt> = (0..=m)
                .map(|j| {
                    let mut a = one();
                    if pushes {
                        a = mul(&a, &power(&lambda[j], u as u64));
                    }
                    if pulls {
                        a = mul(&a, &power(&lambda[u], j as u64));
                    }
                    a * &choose[m][j]
                })
                .collect();
            (0..=m)
                .map(|r| {
                    let mut sum = BigInt::ZERO;
                    for (j, a) in a.iter().enumerate().skip(r) {
                        let term = a * &choose[j][r];
                        if (j - r) % 2 == 0 { sum += term } else { sum -= term }
                    }
                    sum
                })
                .collect()
        })
        .collect();
    let mut law = vec![BigInt::ZERO; alive + 1];
    law[spread.origins as usize] = one();
    let mut list = vec![];
    loop {
        let left: BigInt = law[..goal].iter().sum();
        let p = to_f64(&left);
        list.push(p);
        if p < floor {
            return list;
        }
        let mut next = vec![BigInt::ZERO; alive + 1];
        for u in 1..=alive {
            if law[u].bits() == 0 {
                continue;
            }
            for (r, p) in rows[u].iter().enumerate() {
                next[alive - r] += mul(&law[u], p);
            }
        }
        law = next;
    }
}
