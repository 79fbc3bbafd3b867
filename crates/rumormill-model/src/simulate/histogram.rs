//! Counts of what was seen: exact sums, so that any split of the runs merges to the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::simulate::grown::Grown;

/// How often each value was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(BTreeMap<u64, u64>);

impl Counts {
    /// Sees a value `times` times.
    pub fn add(&mut self, value: u64, times: u64) {
        *self.0.entry(value).or_default() += times;
    }

    /// Takes up what another has seen.
    pub fn merge(&mut self, other: &Self) {
        for (&value, &times) in &other.0 {
            self.add(value, times);
        }
    }

    /// Returns the values seen, in rising order, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(&value, &times)| (value, times))
    }

    /// Returns how many were seen.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns the largest value seen.
    #[must_use]
    pub fn largest(&self) -> Option<u64> {
        self.0.keys().next_back().copied()
    }

    /// Returns mean and variance (that of the sample, over one less than the number seen).
    #[must_use]
    pub fn moments(&self) -> Moments {
        let mut moments = Moments::default();
        for (value, times) in self.iter() {
            moments.add_times(value, times);
        }
        moments
    }
}

/// Exact sums of values and of their squares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    sum: u128,
    squares: u128,
}

impl Moments {
    /// Takes up a value.
    #[inline]
    pub fn add(&mut self, value: u64) {
        let value = u128::from(value);
        self.count += 1;
        self.sum += value;
        self.squares = self.squares.saturating_add(value * value);
    }

    #[inline]
    fn add_times(&mut self, value: u64, times: u64) {
        let (value, times) = (u128::from(value), u128::from(times));
        self.count += times as u64;
        self.sum += value * times;
        // 10¹⁷ messages, squared, in 10⁴ runs, just fit; beyond, the variance is not given.
        self.squares = self.squares.saturating_add((value * value).saturating_mul(times));
    }

    /// Takes up what another has.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares = self.squares.saturating_add(other.squares);
    }

    /// Returns how many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns their sum.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Returns their mean; NaN of none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.count as f64
    }

    /// Returns their variance, over one less than their number; NaN of fewer than two, or if their
    /// squares went beyond 2¹²⁸.
    #[must_use]
    pub fn variance(&self) -> f64 {
        if self.count < 2 || self.squares == u128::MAX {
            return f64::NAN;
        }
        // Σ(x − m)² = Σ(x − c)² − N(m − c)², c being the mean's whole part: in whole numbers, so
        // that nothing cancels.
        let count = u128::from(self.count);
        let (centre, rest) = (self.sum / count, self.sum % count);
        // Σ(x − c)² = Σx² − 2c·Σx + N·c² = Σx² − c(Σx + rest), as Σx = Nc + rest.
        let about = self.squares - centre * (self.sum + rest);
        let shift = rest as f64 / count as f64;
        (about as f64 - rest as f64 * shift) / (self.count - 1) as f64
    }
}

/// The largest population whose counts are binned one by one.
const EXACT: u64 = 4096;

/// How often each number of nodes was seen: exactly up to 4,096 nodes, beyond in bins of which
/// each is at most 1/64 as wide as its distance from none and from all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binned(Grown<u64>);

impl Binned {
    /// Counts a number of nodes out of `all`.
    #[inline]
    pub fn add(&mut self, value: u64, all: u64) {
        *self.0.at(bin(value, all)) += 1;
    }

    /// Counts a number of nodes out of `all` `times` times.
    pub fn add_times(&mut self, value: u64, times: u64, all: u64) {
        if times > 0 {
            *self.0.at(bin(value, all)) += times;
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    /// Returns the least number of nodes, out of `all`, that a share `q` of what was seen does not
    /// exceed; where bins are wider than one, the middle of its bin. 0 of none.
    #[must_use]
    pub fn quantile(&self, q: f64, all: u64) -> f64 {
        let (low, high) = self.quantile_bin(q, all);
        (low as f64 + high as f64) / 2.0
    }

    /// Returns the least and the greatest number in the bin of that quantile.
    pub(crate) fn quantile_bin(&self, q: f64, all: u64) -> (u64, u64) {
        let total: u64 = self.0.iter().map(|(_, times)| times).sum();
        let rank = ((q * total as f64).ceil() as u64).clamp(1, total.max(1));
        let mut seen = 0;
        let found = self.0.iter().find(|&(_, times)| {
            seen += times;
            seen >= rank
        });
        found.map_or((0, 0), |(bin, _)| bin_range(bin, all))
    }
}

/// Returns the bin of a number of nodes.
#[inline]
fn bin(value: u64, all: u64) -> u64 {
    if all <= EXACT {
        return value;
    }
    let half = all / 2;
    if value <= half { log_bin(value) } else { 2 * log_bin(half) + 1 - log_bin(all - value) }
}

/// Returns the least and the greatest number of nodes in a bin.
fn bin_range(bin: u64, all: u64) -> (u64, u64) {
    if all <= EXACT {
        return (bin, bin);
    }
    let half = all / 2;
    let middle = log_bin(half);
    if bin <= middle {
        let (low, high) = log_range(bin);
        (low, high.min(half))
    } else {
        let (low, high) = log_range(2 * middle + 1 - bin);
        (all - high.min(all - half - 1), all - low)
    }
}

/// Returns the bin of a value: 64 to each doubling, single values below 128.
fn log_bin(x: u64) -> u64 {
    if x < 128 {
        return x;
    }
    let shift = u64::from(x.ilog2()) - 6;
    64 * shift + (x >> shift)
}

fn log_range(bin: u64) -> (u64, u64) {
    if bin < 128 {
        return (bin, bin);
    }
    let shift = bin / 64 - 1;
    let low = (bin - 64 * shift) << shift;
    (low, low + (1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_what_is_put_in_them() {
        for all in [1u64, 64, 4096, 4097, 10_000, 1_000_001, 1_000_000_000_000_000] {
            let mut last = 0;
            for i in 0..=2000u64 {
                let value = (u128::from(all) * u128::from(i) / 2000) as u64;
                let at = bin(value, all);
                let (low, high) = bin_range(at, all);
                assert!((low..=high).contains(&value), "{value} of {all}: {low}..={high}");
                assert!(at >= last);
                last = at;
                let reach = value.min(all - value);
                assert!((high - low) as f64 <= (reach as f64 / 64.0).max(0.0) + 1.0);
            }
        }
    }

    #[test]
    fn order_does_not_matter() {
        let values = [5000u64, 3, 9_999, 1, 4200, 5000];
        let mut forth = Binned::default();
        let mut back = Binned::default();
        values.iter().for_each(|&v| forth.add(v, 10_000));
        values.iter().rev().for_each(|&v| back.add(v, 10_000));
        assert_eq!(forth, back);
        let mut merged = Binned::default();
        merged.merge(&forth);
        assert_eq!(merged, forth);
        assert_eq!(forth.quantile(0.0, 10_000), 1.0);
        assert_eq!(forth.quantile(1.0 / 3.0, 10_000), 3.0);
    }

    #[test]
    fn moments_do_not_cancel() {
        let mut moments = Moments::default();
        for value in [1_000_000_000_000_001u64, 1_000_000_000_000_002, 1_000_000_000_000_004] {
            moments.add(value);
        }
        assert!((moments.variance() - 7.0 / 3.0).abs() < 1e-12);
        assert!((moments.mean() - 1_000_000_000_000_002.4).abs() < 0.2);
    }
}
