//! A statistic over many runs: mean, deviation, range and, if wanted, quantiles.

use serde::{Deserialize, Serialize};

use crate::simulate::average::rational::ExactSum;
use crate::simulate::grown::Grown;

/// Mean, deviation and range; exact, so that any split of the runs merges to the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistic {
    count: u64,
    sum: ExactSum,
    squares: ExactSum,
    least: Option<f64>,
    most: Option<f64>,
}

impl Statistic {
    /// Takes up a finite value.
    pub fn add(&mut self, x: f64) {
        self.count += 1;
        self.sum.add(x);
        self.squares.add(x * x);
        self.stretch(x, x);
    }

    /// Takes up what another has.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        if let (Some(least), Some(most)) = (other.least, other.most) {
            self.stretch(least, most);
        }
    }

    fn stretch(&mut self, least: f64, most: f64) {
        self.least = Some(self.least.map_or(least, |x| x.min(least)));
        self.most = Some(self.most.map_or(most, |x| x.max(most)));
    }

    /// Returns how many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns their mean; `None` of none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum.value() / self.count as f64)
    }

    /// Returns the standard error of the mean, if the values are independent; `None` of fewer than
    /// two.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        let count = self.count as f64;
        let mean = self.mean().filter(|_| self.count > 1)?;
        let variance = (self.squares.value() - count * mean * mean).max(0.0) / (count - 1.0);
        Some((variance / count).sqrt())
    }

    /// Returns the least value.
    #[must_use]
    pub fn least(&self) -> Option<f64> {
        self.least
    }

    /// Returns the greatest value.
    #[must_use]
    pub fn most(&self) -> Option<f64> {
        self.most
    }
}

/// Bins to each doubling: 2 to this. A quantile is right to 1 %.
const FINE: u32 = 6;

/// A statistic that is not negative, with its quantiles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Banded {
    statistic: Statistic,
    zeros: u64,
    times: Grown<u64>,
}

impl Banded {
    /// Counts a value, 0 or more.
    pub fn add(&mut self, x: f64) {
        self.statistic.add(x);
        if x > 0.0 {
            *self.times.at(bin(x)) += 1;
        } else {
            self.zeros += 1;
        }
    }

    /// Adds the values of another.
    pub fn merge(&mut self, other: &Self) {
        self.statistic.merge(&other.statistic);
        self.zeros += other.zeros;
        self.times.merge(&other.times);
    }

    /// Returns mean, deviation and range.
    #[must_use]
    pub fn statistic(&self) -> &Statistic {
        &self.statistic
    }

    /// Returns a value that a share `q` of the values does not exceed, right to 1 %; exact at the
    /// ends. `None` of none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let (least, most) = (self.statistic.least?, self.statistic.most?);
        let count = self.statistic.count;
        let rank = ((q * count as f64).ceil() as u64).clamp(1, count);
        if rank == 1 {
            return Some(least);
        }
        if rank == count {
            return Some(most);
        }
        let mut seen = self.zeros;
        if seen >= rank {
            return Some(0.0);
        }
        let found = self.times.iter().find(|(_, times)| {
            seen += times;
            seen >= rank
        });
        Some(found.map_or(most, |(bin, _)| middle(bin).clamp(least, most)))
    }
}

/// Returns a positive float's exponent and the first bits of its fraction.
fn bin(x: f64) -> u64 {
    x.to_bits() >> (52 - FINE)
}

fn middle(bin: u64) -> f64 {
    let edge = |bin: u64| f64::from_bits(bin << (52 - FINE));
    0.5 * (edge(bin) + edge(bin + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_one_per_cent() {
        let mut banded = Banded::default();
        (1..=1000).for_each(|i| banded.add(1e-9 * f64::from(i)));
        for q in [0.05, 0.5, 0.95] {
            let got = banded.quantile(q).unwrap();
            assert!((got / (1e-6 * q) - 1.0).abs() < 0.01, "{q}: {got}");
        }
        assert_eq!(banded.quantile(1.0), Some(1e-9 * 1000.0));
        assert_eq!(banded.quantile(0.0), Some(1e-9));
        assert_eq!(Banded::default().quantile(0.5), None);
    }

    #[test]
    fn zeros_count() {
        let mut banded = Banded::default();
        [0.0, 0.0, 0.0, 4.0].into_iter().for_each(|x| banded.add(x));
        assert_eq!((banded.quantile(0.75), banded.quantile(0.76)), (Some(0.0), Some(4.0)));
        assert_eq!(banded.statistic().mean(), Some(1.0));
    }

    #[test]
    fn any_split_merges_to_the_same() {
        let values: Vec<f64> = (1..200).map(|i| (f64::from(i) * 1.7).sin().powi(10)).collect();
        let mut whole = Banded::default();
        values.iter().for_each(|&x| whole.add(x));
        let mut merged = Banded::default();
        for part in values.chunks(23).rev() {
            let mut banded = Banded::default();
            part.iter().for_each(|&x| banded.add(x));
            merged.merge(&banded);
        }
        assert_eq!(merged, whole);
    }

    #[test]
    fn errors_of_means() {
        let mut statistic = Statistic::default();
        assert_eq!((statistic.mean(), statistic.standard_error()), (None, None));
        [1.0, 2.0, 3.0].into_iter().for_each(|x| statistic.add(x));
        assert_eq!(statistic.mean(), Some(2.0));
        assert!((statistic.standard_error().unwrap() - (1.0f64 / 3.0).sqrt()).abs() < 1e-15);
    }
}
