//! What an aggregate should be, computed exactly from the inputs and not by way of any node.

use bnum::cast::As;
use bnum::{n, t};

/// A number of units of mass, of which 2¹⁹² make one.
pub type Units = t!(I320w);

/// Room for n·Σx² at any n.
type Wide = t!(I512w);

/// One, in units of inputs (2⁻⁶⁴).
const ONE: f64 = 18_446_744_073_709_551_616.0;

/// What an aggregate is, given all inputs to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// How many inputs there are.
    pub count: u64,
    /// The largest float that is not above the sum of the inputs.
    pub sum_below: f64,
    /// The smallest float that is not below the sum of the inputs.
    pub sum_above: f64,
    /// The smallest input; positive infinity if there is none.
    pub min: f64,
    /// The largest input; negative infinity if there is none.
    pub max: f64,
    /// The mean squared deviation, to the precision of a float.
    pub variance: f64,
    /// What the masses of each component must add up to, modulo 2³²⁰: participation, value, square.
    pub units: [Units; 3],
}

impl Truth {
    /// The truth about these inputs, each finite and within ±2⁵³.
    pub fn of(inputs: impl IntoIterator<Item = f64>) -> Self {
        let inputs: Vec<f64> = inputs.into_iter().collect();
        let mut truth = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, ..Self::default() };
        // The sum in whole numbers and units apart: together they may exceed 128 bits.
        let (mut whole, mut rest) = (0i128, 0i128);
        for &x in &inputs {
            let input = (x * ONE).round() as i128;
            whole += input >> 64;
            rest += input & i128::from(u64::MAX);
            let mass = input.as_::<Units>();
            let parts = [n!(1).wrapping_shl(192), mass << 128u32, (mass * mass) << 64u32];
            for (sum, part) in truth.units.iter_mut().zip(parts) {
                *sum += part;
            }
            truth.count += 1;
            truth.min = truth.min.min(x);
            truth.max = truth.max.max(x);
        }
        whole += rest >> 64;
        rest &= i128::from(u64::MAX);
        (truth.sum_below, truth.sum_above) = floats_around(whole, rest);
        if truth.count > 0 {
            // n·Σx² − (Σx)², in units of 2⁻¹²⁸. (`units` may have wrapped around.)
            let of = |x: &f64| ((x * ONE).round() as i128).as_::<Wide>();
            let sum = inputs.iter().map(of).fold(Wide::default(), |sum, x| sum + x);
            let squares = inputs.iter().map(of).fold(Wide::default(), |sum, x| sum + x * x);
            let above = truth.count.as_::<Wide>() * squares - sum * sum;
            let count = truth.count as f64;
            truth.variance = above.as_::<f64>() / (count * count) / ONE / ONE;
        }
        truth
    }

    /// Returns the sum, to the precision of a float.
    pub fn sum(&self) -> f64 {
        self.sum_below
    }

    /// Returns the average, to the precision of a float. Not a number if there is no input.
    pub fn average(&self) -> f64 {
        self.sum_below / self.count as f64
    }

    /// Returns the largest magnitude of an input, which errors are measured against.
    pub fn largest(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.min.abs().max(self.max.abs()) }
    }
}

/// Returns the floats next to `whole + rest·2⁻⁶⁴`, below and above (the same, if it is a float).
fn floats_around(whole: i128, rest: i128) -> (f64, f64) {
    if whole.unsigned_abs() < 1 << 62 {
        let units = (whole << 64) | rest;
        let nearest = units as f64;
        let below = if nearest as i128 > units { nearest.next_down() } else { nearest };
        let above = if (nearest as i128) < units { nearest.next_up() } else { nearest };
        (below / ONE, above / ONE)
    } else {
        // Floats of this size are whole numbers.
        let nearest = whole as f64;
        let below = if nearest as i128 > whole { nearest.next_down() } else { nearest };
        let not_above = (nearest as i128) < whole || (nearest as i128 == whole && rest > 0);
        (below, if not_above { nearest.next_up() } else { nearest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_where_floats_are_not() {
        // In floats, 1e18 + 0.25 - 1e18 is 0.
        let truth = Truth::of([1e18, 0.25, -1e18]);
        assert_eq!((truth.sum_below, truth.sum_above), (0.25, 0.25));
        assert_eq!(truth.units[1], n!(1).wrapping_shl(190));
        assert_eq!((truth.count, truth.min, truth.max), (3, -1e18, 1e18));
        // Between two floats.
        let truth = Truth::of([1e17, 0.5]);
        assert!(truth.sum_below == 1e17 && truth.sum_above == 1e17f64.next_up());
        // More than 128 bits.
        let truth = Truth::of([(1u64 << 62) as f64; 40]);
        assert_eq!(truth.sum_below, 40.0 * (1u64 << 62) as f64);
        assert_eq!(truth.sum_above, truth.sum_below);
        let truth = Truth::of([-0.5, 1e18, 3e18, 2e18]);
        assert_eq!((truth.sum_below, truth.sum_above), (6e18f64.next_down(), 6e18));
    }

    #[test]
    fn squares_and_variance_are_right() {
        let truth = Truth::of([1.0, 3.0]);
        assert_eq!((truth.average(), truth.variance), (2.0, 1.0));
        assert_eq!(truth.units, [2i8, 4, 10].map(|n| n.as_::<Units>() << 192u32));
        assert_eq!(Truth::of([1e12 + 1.0, 1e12 + 3.0, 1e12 + 5.0]).variance, 8.0 / 3.0);
        let (large, ulp) = (2f64.powi(53), 1.0);
        assert_eq!(Truth::of([large, large - ulp]).variance, 0.25);
        assert_eq!(Truth::of([2f64.powi(-64), 0.0]).variance, 2f64.powi(-130));
        assert_eq!(Truth::of([]).count, 0);
    }
}
