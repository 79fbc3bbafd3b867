//! What a figure should be, computed exactly from the inputs and not by way of any node.

/// One, in units of mass (2⁻⁶⁴).
const ONE: f64 = 18_446_744_073_709_551_616.0;

/// The names of a figure's components, in the order of [`Truth::units`].
pub(crate) const COMPONENTS: [&str; 4] = ["participation", "value", "square_low", "square_high"];

/// What a figure is, given all inputs to it.
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
    /// The mean squared deviation.
    pub variance: f64,
    /// What the masses of each component must add up to, modulo 2¹²⁸: participation, value, and the
    /// two limbs of the squares.
    pub units: [i128; 4],
}

impl Truth {
    /// The truth about these inputs, each finite and within ±2⁵³.
    pub fn of(inputs: impl IntoIterator<Item = f64>) -> Self {
        let inputs: Vec<f64> = inputs.into_iter().collect();
        let mut truth = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, ..Self::default() };
        // The sum in whole numbers and units apart: together they may exceed 128 bits.
        let (mut whole, mut rest) = (0i128, 0i128);
        for &x in &inputs {
            let mass = (x * ONE).round() as i128;
            whole += mass >> 64;
            rest += mass & i128::from(u64::MAX);
            let [low, high] = square(mass);
            for (sum, part) in truth.units.iter_mut().zip([1 << 64, mass, low, high]) {
                *sum = sum.wrapping_add(part);
            }
            truth.count += 1;
            truth.min = truth.min.min(x);
            truth.max = truth.max.max(x);
        }
        whole += rest >> 64;
        rest &= i128::from(u64::MAX);
        (truth.sum_below, truth.sum_above) = floats_around(whole, rest);
        if truth.count > 0 {
            let mean = truth.average();
            let squares: f64 = inputs.iter().map(|x| (x - mean) * (x - mean)).sum();
            truth.variance = squares / truth.count as f64;
        }
        truth
    }

    /// The sum, to the precision of a float.
    pub fn sum(&self) -> f64 {
        self.sum_below
    }

    /// The average, to the precision of a float. Not a number if there is no input.
    pub fn average(&self) -> f64 {
        self.sum_below / self.count as f64
    }

    /// The largest magnitude of an input, which errors are measured against.
    pub fn largest(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.min.abs().max(self.max.abs()) }
    }
}

/// The floats next to `whole + rest·2⁻⁶⁴`, below and above (the same, if it is a float).
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

/// The weight of the high limb of a square, in bits.
const LIMB: u32 = 53;

/// The square of a mass in two limbs, as `docs/enclosure.md` has them: the integer part and 64
/// binary digits of the fraction, cut at 2⁵³.
fn square(mass: i128) -> [i128; 2] {
    let x = mass.unsigned_abs();
    let (high, low) = (x >> 64, x & u128::from(u64::MAX));
    // x² / 2⁶⁴, rounded down, by schoolbook multiplication: high²·2⁶⁴ + 2·high·low + low²/2⁶⁴.
    // The middle term may exceed 128 bits, so integer part and fraction are kept apart.
    let middle = high * low;
    let fraction = ((middle & ((1 << 63) - 1)) << 1) + ((low * low) >> 64);
    let integer = high * high + (middle >> 63) + (fraction >> 64);
    let fraction = fraction & u128::from(u64::MAX);
    let low_limb = ((integer & ((1 << LIMB) - 1)) << 64) | fraction;
    [low_limb as i128, ((integer >> LIMB) << 64) as i128]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_where_floats_are_not() {
        // In floats, 1e18 + 0.25 - 1e18 is 0.
        let truth = Truth::of([1e18, 0.25, -1e18]);
        assert_eq!((truth.sum_below, truth.sum_above), (0.25, 0.25));
        assert_eq!(truth.units[1], 1 << 62);
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
        assert_eq!(truth.units, [2 << 64, 4 << 64, 10 << 64, 0]);
        // 2⁴⁰·1.5 squared is 2.25·2⁸⁰ = 9·2⁷⁸, all of it in the high limb, in units of 2⁵³.
        assert_eq!(square(3 << 103), [0, 9 << 89]);
        assert_eq!(square(-(1 << 63)), [1 << 62, 0]);
        assert_eq!(square((1 << 64) + 1), [(1 << 64) + 2, 0]);
        assert_eq!(Truth::of([]).count, 0);
    }
}
