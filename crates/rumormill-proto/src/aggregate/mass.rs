//! Mass: a number in units of 2⁻⁶⁴, so that conservation is an equality and not a tolerance.
//!
//! All arithmetic wraps around modulo 2¹²⁸: what wraps on the way is exact again in the end.

use super::InputError;
use crate::identity::Name;

/// One, in units of mass.
pub(crate) const ONE: i128 = 1 << 64;

/// Inputs lie within ±2⁵³ ≈ 9.0·10¹⁵, where floats still hold every whole number.
///
/// A mass can hold a thousand times that: differences of masses must not wrap around, though a link
/// that is undone may throw a mass far beyond the range of the inputs for a while.
pub const MAX_INPUT: f64 = (1u64 << 53) as f64;

/// Differences of masses below this are what rounding leaves: a few units.
pub(crate) const RESOLUTION: f64 = 4.0 / ONE as f64;

/// The weight of the high limb of a square, in bits; see [`square`].
const LIMB: u32 = 53;

/// The mass of an input, exact to 2⁻⁶⁴.
pub(crate) fn of_input(name: &Name, value: f64) -> Result<i128, InputError> {
    if !value.is_finite() {
        return Err(InputError::NotFinite { name: name.clone(), value });
    }
    if value.abs() > MAX_INPUT {
        return Err(InputError::OutOfRange { name: name.clone(), value });
    }
    // A power of two scales a float exactly, and the product lies within ±2¹¹⁷.
    Ok((value * ONE as f64).round() as i128)
}

/// A mass as a number; rounded to nearest.
pub(crate) fn to_f64(mass: i128) -> f64 {
    mass as f64 / ONE as f64
}

/// The largest float that is not above the mass.
pub(crate) fn round_down(mass: i128) -> f64 {
    let nearest = mass as f64;
    (if nearest as i128 > mass { nearest.next_down() } else { nearest }) / ONE as f64
}

/// The smallest float that is not below the mass.
pub(crate) fn round_up(mass: i128) -> f64 {
    let nearest = mass as f64;
    // 2¹²⁷ itself saturates to `i128::MAX`, and is above every mass.
    (if (nearest as i128) < mass { nearest.next_up() } else { nearest }) / ONE as f64
}

/// The square of an input's mass in two limbs, each a mass of its own: the square is
/// `low + 2⁵³·high`. Averaging is linear, so each limb may be averaged alone; one limb could not
/// hold the squares of large inputs.
pub(crate) fn square(mass: i128) -> [i128; 2] {
    let (high, low) = wide_square(mass.unsigned_abs());
    // The product is in units of 2⁻¹²⁸: `high` is the integer part, up to 2¹⁰⁶.
    let mask = (1u128 << LIMB) - 1;
    [(((high & mask) << 64) | (low >> 64)) as i128, ((high >> LIMB) << 64) as i128]
}

/// The number whose limbs are given.
pub(crate) fn square_to_f64(limbs: [i128; 2]) -> f64 {
    to_f64(limbs[0]) + to_f64(limbs[1]) * (1u64 << LIMB) as f64
}

/// `x²` as 256 bits, the high half first.
fn wide_square(x: u128) -> (u128, u128) {
    let (b, a) = (x >> 64, x & u128::from(u64::MAX));
    let (aa, ab, bb) = (a * a, a * b, b * b);
    // x² = bb·2¹²⁸ + 2ab·2⁶⁴ + aa
    let (low, carry) = aa.overflowing_add(ab << 65);
    (bb + (ab >> 63) + u128::from(carry), low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mass(value: f64) -> i128 {
        of_input(&Name::new("x").unwrap(), value).unwrap()
    }

    #[test]
    fn inputs_are_exact_and_bad_ones_refused() {
        assert_eq!(mass(1.0), ONE);
        assert_eq!(mass(-0.5), -ONE / 2);
        assert_eq!(mass(MAX_INPUT), 1 << 117);
        let name = Name::new("x").unwrap();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 9.1e15, -1e300] {
            assert!(of_input(&name, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn squares_of_the_largest_and_smallest_inputs_fit() {
        for value in [MAX_INPUT, -MAX_INPUT, 1e12, 3.0, 1e-9, 0.0] {
            let got = square_to_f64(square(mass(value)));
            assert!((got - value * value).abs() <= 1e-9 * value * value + 1e-19, "{value}: {got}");
        }
        assert_eq!(wide_square(u128::MAX), (u128::MAX - 1, 1));
    }

    proptest! {
        #[test]
        fn rounding_encloses(m in any::<i128>()) {
            let (down, up) = (round_down(m), round_up(m));
            prop_assert!(down <= up);
            prop_assert!(up <= down.next_up().next_up());
            // Compared as integers where that is possible.
            let scale = ONE as f64;
            prop_assert!((down * scale) as i128 <= m);
            prop_assert!(up * scale >= 2f64.powi(127) || (up * scale) as i128 >= m);
        }

        #[test]
        fn limbs_add_up_to_the_square(x in -(1i128 << 117)..(1i128 << 117)) {
            let limbs = square(x);
            prop_assert!(limbs.iter().all(|limb| (0..=1i128 << 117).contains(limb)));
            let exact = to_f64(x) * to_f64(x);
            prop_assert!((square_to_f64(limbs) - exact).abs() <= 1e-14 * exact + 1e-18);
        }
    }
}
