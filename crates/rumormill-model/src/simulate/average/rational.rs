//! Sums of floats that do not depend on the order of the terms.
//!
//! A float is a whole number of 53 bits times a power of two. Adding it to the right one of a row
//! of wide integers loses nothing, so terms may come in any order and partial sums may be merged in
//! any order (a "superaccumulator": Kulisch 1971; Neal 2015). That is what makes the summary of a
//! million runs the same, bit for bit, on one thread, on eight, and on many machines.

use serde::{Deserialize, Serialize};

use crate::simulate::grown::Grown;

/// Bits of the exponent that choose the chunk: each counts units of 2^(32·index − 1074).
const CHUNK_BITS: u32 = 32;

/// An exact sum. Only the chunks that were needed are kept: statistics of one round lie within a
/// few decades. A term adds at most 2⁸⁵ to a chunk, so none overflows before 2⁴² terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExactSum(Grown<i128>);

impl ExactSum {
    /// Adds a finite number; others are left out.
    pub fn add(&mut self, x: f64) {
        if x == 0.0 || !x.is_finite() {
            return;
        }
        let bits = x.to_bits();
        let exponent = (bits >> 52 & 0x7ff) as u32;
        let fraction = bits & ((1 << 52) - 1);
        // Subnormal numbers have the exponent of the smallest normal ones and no hidden bit.
        let mantissa = if exponent == 0 { fraction } else { fraction | 1 << 52 };
        let place = exponent.max(1) - 1;
        let term = i128::from(mantissa) << (place % CHUNK_BITS);
        *self.0.at(u64::from(place / CHUNK_BITS)) += if x < 0.0 { -term } else { term };
    }

    /// Adds all terms of another sum.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// Returns the sum; right to a few units in the last place of its largest chunk.
    #[must_use]
    pub fn value(&self) -> f64 {
        // Carries first, and only terms of one sign, so that nothing cancels in floats.
        let chunks = self.0.iter().map(|(_, chunk)| chunk);
        let (mut digits, mut carry) = digits(chunks.clone());
        let negative = carry < 0;
        if negative {
            (digits, carry) = self::digits(chunks.map(|chunk| -chunk));
        }
        let first = self.0.iter().next().map_or(0, |(first, _)| first) as i32;
        let scale = |at: usize| {
            let exponent = (first + at as i32) * CHUNK_BITS as i32 - 1074;
            // Two steps, since 2^−1074 times 2^1074 must not pass through zero or infinity.
            (exponent / 2, exponent - exponent / 2)
        };
        let mut total = 0.0;
        for (at, digit) in digits.into_iter().chain([carry]).enumerate() {
            let (half, rest) = scale(at);
            total += digit as f64 * 2f64.powi(half) * 2f64.powi(rest);
        }
        if negative { -total } else { total }
    }
}

/// Returns the chunks brought into 0..2³², and what is left above them.
fn digits(chunks: impl Iterator<Item = i128>) -> (Vec<i128>, i128) {
    let mut carry = 0;
    let mut digits = vec![];
    for chunk in chunks {
        let sum = chunk + carry;
        digits.push(sum & ((1 << CHUNK_BITS) - 1));
        carry = sum >> CHUNK_BITS;
    }
    (digits, carry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_no_order_matters() {
        let terms = [1e300, 1.0, -1e300, 2f64.powi(-1074), 1e-20, -3.5, 0.0, 2f64.powi(-1074)];
        let mut forth = ExactSum::default();
        let mut back = ExactSum::default();
        terms.iter().for_each(|&x| forth.add(x));
        terms.iter().rev().for_each(|&x| back.add(x));
        assert_eq!(forth.value(), -2.5 + 1e-20);
        assert_eq!(forth.value(), back.value());
        let mut tiny = ExactSum::default();
        tiny.add(2f64.powi(-1074));
        tiny.add(2f64.powi(-1074));
        assert_eq!(tiny.value(), 2f64.powi(-1073));
        let mut negative = ExactSum::default();
        negative.add(-0.1);
        assert_eq!(negative.value(), -0.1);
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let terms: Vec<f64> = (1..400).map(|i| (f64::from(i) * 0.7).sin().powi(9)).collect();
        let mut whole = ExactSum::default();
        terms.iter().for_each(|&x| whole.add(x));
        let mut merged = ExactSum::default();
        for part in terms.chunks(7).rev() {
            let mut sum = ExactSum::default();
            part.iter().for_each(|&x| sum.add(x));
            merged.merge(&sum);
        }
        assert_eq!(merged.value(), whole.value());
        assert!((whole.value() - terms.iter().sum::<f64>()).abs() < 1e-13);
    }
}
