//! Mass: a number in units of 2⁻¹⁹², so that conservation is an equality and not a tolerance.
//!
//! All arithmetic wraps around modulo 2³²⁰: what wraps on the way is exact again in the end.
//!
//! The width follows from the variance. It is a small difference of large numbers: of inputs near
//! 2⁵³ that differ by 1, the mean square and the square of the mean agree in 106 binary digits, and
//! 1e-9 of what is left takes 30 more. So a square takes 106 bits before the point, and the
//! variance of inputs of 2⁻⁶⁴ takes some 180 behind it. Zero digits are not sent, and masses move in
//! steps no finer than the inputs require ([`Steps`]).

use bnum::cast::As;
use bnum::{n, t};

use crate::aggregate::bounds::Bounds;
use crate::aggregate::component::{Component, PARTICIPATION, VALUE};
use crate::aggregate::input::{InputError, MAX_INPUT};
use crate::codec::{Read, Reader, WireError, Write};
use crate::identity::Name;

/// A signed, wrapping integer of 320 bits; as mass, in units of 2⁻¹⁹².
pub(crate) type Mass = t!(I320w);

/// Room for products of a mass with a square of an input; nothing below its units is lost.
pub(crate) type Wide = t!(I512w);

/// Room for products of two masses.
type Product = t!(I1024w);

/// Binary digits of a mass behind the point.
pub(crate) const FRACTION: u32 = 192;

/// Binary digits of an input behind the point.
const INPUT_FRACTION: u32 = 64;

/// Binary digits behind the point of what [`about`] returns.
const WIDE_FRACTION: u32 = FRACTION + 2 * INPUT_FRACTION;

/// One, in units of mass.
pub(crate) const ONE: Mass = UNIT.wrapping_shl(FRACTION);

/// The unit of mass.
const UNIT: Mass = n!(1);

/// No mass.
pub(crate) const ZERO: Mass = n!(0);

/// Differences of masses below this are what rounding leaves: a few of the largest steps.
pub(crate) const RESOLUTION: f64 = 4.0 / (1u128 << INPUT_FRACTION) as f64;

/// An input in units of 2⁻⁶⁴.
fn units(value: f64) -> i128 {
    // A power of two scales a float exactly, and the product lies within ±2¹¹⁷.
    (value * (1u128 << INPUT_FRACTION) as f64).round() as i128
}

/// The mass of an input, exact to 2⁻⁶⁴.
pub(crate) fn of_input(name: &Name, value: f64) -> Result<Mass, InputError> {
    if !value.is_finite() {
        return Err(InputError::NotFinite { name: name.clone(), value });
    }
    if value.abs() > MAX_INPUT {
        return Err(InputError::OutOfRange { name: name.clone(), value });
    }
    Ok(units(value).as_::<Mass>() << (FRACTION - INPUT_FRACTION))
}

/// The square of an input's mass, exactly.
pub(crate) fn square(mass: Mass) -> Mass {
    let input = mass >> (FRACTION - INPUT_FRACTION);
    (input * input) << (FRACTION - 2 * INPUT_FRACTION)
}

/// A mass as a number; rounded, by less than one part in 2⁵².
pub(crate) fn to_f64(mass: Mass) -> f64 {
    mass.as_::<f64>() * scale(FRACTION)
}

/// Returns Σ w·(x − c) and Σ w·(x − c)² with the centre c, from Σ w, Σ w·x and Σ w·x². Exact, in units
/// of 2⁻³²⁰.
///
/// Both are sums like the masses themselves, and so are conserved as they are; but they are small
/// where the inputs are close together, however large those are.
pub(crate) fn about(centre: f64, [weight, value, square]: [Mass; 3]) -> [Wide; 2] {
    let [weight, value, square] = [weight, value, square].map(As::as_::<Wide>);
    let c = units(centre).as_::<Wide>();
    let deviation = (value << INPUT_FRACTION) - c * weight;
    let squared = (square << (2 * INPUT_FRACTION)) - ((c * value) << (INPUT_FRACTION + 1));
    [deviation << INPUT_FRACTION, squared + c * c * weight]
}

/// A mass in units of 2⁻³²⁰.
pub(crate) fn wide(mass: Mass) -> Wide {
    mass.as_::<Wide>() << (WIDE_FRACTION - FRACTION)
}

/// Returns the centre nearest to `value`: a whole number of the inputs' units.
pub(crate) fn centre(value: f64) -> f64 {
    units(value.clamp(-MAX_INPUT, MAX_INPUT)) as f64 / (1u128 << INPUT_FRACTION) as f64
}

/// Returns the variance of the inputs, weighted as their masses at this node are:
/// (Σw·Σwx² − (Σwx)²) / (Σw)², subtracted before it is rounded. Meaningless, and maybe negative,
/// until the weights are all alike.
pub(crate) fn variance([weight, value, square]: [Mass; 3]) -> f64 {
    let [weight, value, square] = [weight, value, square].map(As::as_::<Product>);
    let above = weight * square - value * value;
    above.as_::<f64>() / (weight * weight).as_::<f64>()
}

/// 2 to the power of minus `bits`.
fn scale(bits: u32) -> f64 {
    f64::from_bits(u64::from(1023 - bits) << 52)
}

/// The smallest interval of floats that contains the two, in units of 2⁻³²⁰.
pub(crate) fn bounds(low: Wide, high: Wide) -> Bounds {
    Bounds { lower: -above(-low), upper: above(high) }
}

/// The smallest float that is not below the number.
fn above(wide: Wide) -> f64 {
    // A float has 53 digits; 100 tell what is beyond the last.
    let drop = Wide::BITS.saturating_sub(wide.leading_zeros().max((!wide).leading_zeros()) + 100);
    let kept = wide >> drop;
    let rounded = kept << drop != wide;
    let ceiling = kept.as_::<i128>() + i128::from(rounded);
    let nearest = ceiling as f64;
    let up = if (nearest as i128) < ceiling { nearest.next_up() } else { nearest };
    up * scale(WIDE_FRACTION) * 2f64.powi(drop as i32)
}

/// The steps in which masses move: for each component, the number of last binary digits that an
/// exchange leaves unchanged.
///
/// Finer steps than a variance needs would be sent to and fro for nothing. Measured by the width
/// h of the inputs and the largest magnitude c among them, with n members, an error of h²/n·2⁻⁴⁰
/// in Σ(x−c)² is harmless: the variance is at least h²/2n.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps([u32; 3]);

impl Steps {
    /// Steps of 2⁻⁶⁴: for anchors, or while nothing is known of the inputs.
    pub(crate) const COARSE: Self = Self([FRACTION - INPUT_FRACTION; 3]);

    /// Steps of one unit.
    #[cfg(test)]
    pub(crate) const FINEST: Self = Self([0; 3]);

    pub(crate) fn new(input: Bounds, members: usize) -> Self {
        if input.width() == 0.0 {
            return Self::COARSE;
        }
        let harmless = 2.0 * input.width().log2() - 40.0 - (members.max(1) as f64).log2();
        let largest = input.lower.abs().max(input.upper.abs()).log2();
        let digits = |exponent: f64| {
            (exponent.floor() + f64::from(FRACTION)).clamp(0.0, (FRACTION - INPUT_FRACTION).into())
        };
        Self(
            [harmless - 2.0 * largest, harmless - largest - 1.0, harmless]
                .map(|e| digits(e) as u32),
        )
    }

    fn digits(self, component: Component) -> u32 {
        match component {
            PARTICIPATION => self.0[0],
            VALUE => self.0[1],
            _ => self.0[2],
        }
    }

    /// Returns one part in `divisor` of a difference, rounded down to a step.
    pub(crate) fn share(self, component: Component, difference: Mass, divisor: u32) -> Mass {
        let digits = self.digits(component);
        // The shift rounds towards minus infinity, and so does the division.
        let steps = match divisor {
            0..=2 => difference >> (digits + 1),
            _ => (difference >> digits).div_floor(divisor.as_::<Mass>()),
        };
        steps << digits
    }

    /// Returns whether a difference is more than what rounding leaves between two nodes for ever.
    pub(crate) fn tells(self, component: Component, difference: Mass) -> bool {
        let steps = difference >> self.digits(component);
        steps > n!(2) || steps < n!(-3)
    }
}

/// The bytes of a mass, and how many lengths there are up to that.
const MASS_BYTES: usize = Mass::BITS as usize / 8;
const MASS_LENGTHS: usize = MASS_BYTES + 1;

/// Writes a mass: one byte with the number of zero words left out at its low end and the number of
/// bytes that follow; then those, the lowest first, as few as determine its sign.
pub(crate) fn write(mass: Mass, out: &mut Vec<u8>) {
    let bytes = mass.to_le_bytes();
    let words = mass.trailing_zeros() as usize / 64;
    let digits = Mass::BITS - mass.leading_zeros().max(mass.leading_ones());
    let length = if mass.is_zero() { 0 } else { digits as usize / 8 + 1 - words * 8 };
    out.put(&[(words * MASS_LENGTHS + length) as u8]);
    out.put(&bytes[words * 8..words * 8 + length]);
}

/// Reads what [`write`] wrote.
pub(crate) fn read(reader: &mut Reader<'_>) -> Read<Mass> {
    let head = usize::from(reader.u8()?);
    let (zeros, length) = (head / MASS_LENGTHS * 8, head % MASS_LENGTHS);
    if zeros + length > MASS_BYTES {
        return Err(WireError::Malformed);
    }
    let kept = reader.take(length)?;
    let negative = kept.last().is_some_and(|byte| *byte > 0x7f);
    let mut bytes = [if negative { 0xff } else { 0 }; MASS_BYTES];
    bytes[..zeros].fill(0);
    bytes[zeros..zeros + length].copy_from_slice(kept);
    Ok(Mass::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigInt;
    use num_rational::BigRational;
    use proptest::prelude::*;

    use super::*;

    fn mass(value: f64) -> Mass {
        of_input(&Name::new("x").unwrap(), value).unwrap()
    }

    fn exact(digits: &impl ToString, fraction: u32) -> BigRational {
        let digits: BigInt = digits.to_string().parse().unwrap();
        BigRational::new(digits, BigInt::from(1) << fraction)
    }

    fn float(value: f64) -> BigRational {
        BigRational::from_float(value).unwrap()
    }

    #[test]
    fn inputs_are_exact_and_bad_ones_refused() {
        assert_eq!(mass(1.0), ONE);
        assert_eq!(mass(-0.5), -(ONE >> 1u32));
        assert_eq!(mass(MAX_INPUT), ONE << 53u32);
        let name = Name::new("x").unwrap();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 9.1e15, -1e300] {
            assert!(of_input(&name, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn steps_are_as_fine_as_the_closest_inputs_ask_for_and_no_finer() {
        let steps = |lower, upper| Steps::new(Bounds { lower, upper }, 5).0;
        assert_eq!(steps(0.0, 10.0), [128, 128, 128]);
        assert_eq!(steps(7.0, 7.0), [128, 128, 128]);
        let close = steps(MAX_INPUT - 1.0, MAX_INPUT);
        // An error of 2⁻⁴³ in the square, of 2⁻¹⁴⁹ in the weight that 2¹⁰⁶ is multiplied with.
        assert_eq!(close, [192 - 149, 192 - 97, 128]);
        assert_eq!(steps(0.0, 2f64.powi(-64))[2], 192 - 171);
    }

    proptest! {
        #[test]
        fn squares_are_exact(x in -(1i128 << 117)..(1i128 << 117)) {
            let mass = x.as_::<Mass>() << 128u32;
            let square = exact(&square(mass), FRACTION);
            prop_assert_eq!(square, exact(&x, 64).pow(2));
        }

        #[test]
        fn rounding_encloses_and_is_tight(bytes in any::<[[u8; 32]; 2]>(), keep in 0u32..512) {
            let wide = Wide::from_le_slice(&bytes.concat()).unwrap() >> keep;
            let Bounds { lower, upper } = bounds(wide, wide);
            prop_assert!(upper <= lower.next_up());
            let wide = exact(&wide, WIDE_FRACTION);
            prop_assert!(float(lower) <= wide && wide <= float(upper));
        }

        #[test]
        fn what_is_measured_from_a_centre_is_exact(
            inputs in prop::collection::vec(-MAX_INPUT..MAX_INPUT, 1..9),
            at in -MAX_INPUT..MAX_INPUT,
        ) {
            let at = centre(at);
            let sum = |f: &dyn Fn(Mass) -> Mass| {
                inputs.iter().map(|&x| f(mass(x))).fold(ZERO, |sum, x| sum + x)
            };
            let masses = [sum(&|_| ONE), sum(&|x| x), sum(&square)];
            let got = about(at, masses).map(|wide| exact(&wide, WIDE_FRACTION));
            let deviations = || inputs.iter().map(|&x| exact(&mass(x), FRACTION) - float(at));
            prop_assert_eq!(&got[0], &deviations().sum());
            prop_assert_eq!(&got[1], &deviations().map(|d| d.pow(2)).sum());
        }
    }
}
